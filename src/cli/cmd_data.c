/* cmd_data.c - `mewl data`: list, scan, split, check and fetch data sets, (in data_mix.c) mixtures. What each does is
 * in src/data; here are options and sentences. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/data_mix.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "data/fetch.h"
#include "data/readers.h"
#include "data/split.h"

static int fail(const mewl_cli *cli, const mewl_error *err)
{
    mewl_cli_report_clear(cli);
    return mewl_cli_fail(cli, err);
}

/* What fails to be written is no fault of what was read. */
static int fail_writing(const mewl_cli *cli, const mewl_error *err)
{
    const int code = fail(cli, err);
    return code == MEWL_EXIT_UNREADABLE ? MEWL_EXIT_FAILED : code;
}

/* ---- list ---- */

static const mewl_cli_option no_options[1] = {{0}};

static const mewl_cli_usage list_usage = {
    "data list", "", "Lists the kinds of data set that `mewl data scan` reads and those that `mewl data fetch` brings.",
    no_options, "  mewl data list\n  mewl data list --json\n"};

static int list_json(const mewl_reader *readers, size_t reader_count, const mewl_fetch_source *sources,
                     size_t source_count, bool pretty)
{
    json_t *out = json_object(), *kinds = json_array(), *fetch = json_array();
    for (size_t i = 0; i < reader_count; i++) {
        json_t *row = json_object();
        (void)mewl_json_set_string(row, "kind", readers[i].kind);
        (void)mewl_json_set_string(row, "title", readers[i].title);
        (void)mewl_json_set_string(row, "layout", readers[i].layout);
        (void)mewl_json_set_string(row, "licence", readers[i].licence);
        (void)mewl_json_set_bool(row, "trains_shipped_weights", readers[i].trains_shipped);
        (void)json_array_append_new(kinds, row);
    }
    for (size_t i = 0; i < source_count; i++) {
        json_t *row = json_object();
        (void)mewl_json_set_string(row, "name", sources[i].name);
        (void)mewl_json_set_string(row, "title", sources[i].title);
        (void)mewl_json_set_string(row, "url", sources[i].url);
        (void)mewl_json_set_string(row, "page", sources[i].page);
        (void)mewl_json_set_string(row, "sha256", sources[i].sha256);
        (void)mewl_json_set_string(row, "licence", sources[i].licence);
        (void)mewl_json_set_string(row, "note", sources[i].note);
        (void)json_array_append_new(fetch, row);
    }
    (void)mewl_json_set(out, "kinds", kinds);
    (void)mewl_json_set(out, "fetch", fetch);
    mewl_status status = mewl_json_print(out, stdout, pretty, NULL);
    json_decref(out);
    return mewl_cli_exit_code(status);
}

static int run_list(mewl_cli *cli, int argc, char **argv)
{
    int code = mewl_cli_parse(cli, &list_usage, argc, argv, NULL, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    size_t reader_count, source_count;
    const mewl_reader *readers = mewl_reader_table(&reader_count);
    const mewl_fetch_source *sources = mewl_fetch_table(&source_count);
    if (cli->json || cli->ndjson) {
        return list_json(readers, reader_count, sources, source_count, cli->json);
    }
    (void)printf("Kinds that `mewl data scan` reads (* : shipped weights may be trained on it)\n\n");
    for (size_t i = 0; i < reader_count; i++) {
        (void)printf("%c %-16s %s\n  %-16s %s\n", readers[i].trains_shipped ? '*' : ' ', readers[i].kind,
                     readers[i].title, "", readers[i].layout);
    }
    (void)printf("\nSets that `mewl data fetch` brings\n\n");
    for (size_t i = 0; i < source_count; i++) {
        const mewl_fetch_source *s = &sources[i];
        (void)printf("  %-22s %s\n  %-22s %s%s%s%s%s\n", s->name, s->title, "", s->licence,
                     s->note[0] != '\0' ? "; " : "", s->note,
                     s->url[0] == '\0'      ? "; not by a program"
                     : s->sha256[0] == '\0' ? "; checksum not known"
                                            : "",
                     "");
    }
    return MEWL_EXIT_DONE;
}

/* ---- scan ---- */

enum { SCAN_KIND, SCAN_OUT, SCAN_COUNT };

static const mewl_cli_option scan_options[SCAN_COUNT + 1] = {
    [SCAN_KIND] = {"kind", 0, "K", "data set layout (`mewl data list` names them); found out when not given", false},
    [SCAN_OUT] = {"output", 'o', "MANIFEST.csv", "manifest to write; stdout when not given", false},
};

static const mewl_cli_usage scan_usage = {
    "data scan", "DIR",
    "Reads a data set's file names and tables into a manifest (CSV): path, label, group, fold,\n"
    "speaker, session, time, sex, age, reason. No audio is decoded.",
    scan_options,
    "  mewl data scan esc10 -o esc10.csv\n"
    "  mewl data scan my-recordings --kind folders -o mine.csv\n"};

/* Counts of a column's values, at most `max` of them. */
typedef struct tally {
    const char *text[256];
    size_t rows[256];
    size_t count;
} tally;

static void tally_labels(tally *t, const mewl_manifest *m)
{
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < m->count; i++) {
        size_t k = 0;
        while (k < t->count && strcmp(t->text[k], m->rows[i].label) != 0) {
            k++;
        }
        if (k == 256) {
            continue;
        }
        t->text[k] = m->rows[i].label;
        t->rows[k]++;
        t->count += k == t->count;
    }
}

static void say_scan(const mewl_cli *cli, const mewl_manifest *m, const mewl_scan_report *report, const char *out)
{
    mewl_split_report split = {0};
    tally labels;
    (void)mewl_split_check(m, "path", &split, NULL); /* for its count of groups */
    tally_labels(&labels, m);
    if (cli->json || cli->ndjson) {
        json_t *doc = json_object(), *counts = json_object();
        (void)mewl_json_set_string(doc, "kind", report->reader->kind);
        (void)mewl_json_set_string(doc, "manifest", out);
        (void)mewl_json_set_int(doc, "rows", (int64_t)m->count);
        (void)mewl_json_set_int(doc, "groups", (int64_t)split.groups);
        (void)mewl_json_set_int(doc, "audio_files", (int64_t)report->audio_files);
        (void)mewl_json_set_int(doc, "left_out", (int64_t)report->left_out);
        for (size_t i = 0; i < labels.count; i++) {
            (void)mewl_json_set_int(counts, labels.text[i], (int64_t)labels.rows[i]);
        }
        (void)mewl_json_set(doc, "labels", counts);
        (void)mewl_json_print(doc, stdout, cli->json, NULL);
        json_decref(doc);
        return;
    }
    mewl_cli_note(cli, "%s: %zu row%s, %zu group%s, %zu label%s", report->reader->title, m->count, mewl_cli_s(m->count),
                  split.groups, mewl_cli_s(split.groups), labels.count, mewl_cli_s(labels.count));
    for (size_t i = 0; i < labels.count && i < 12; i++) {
        mewl_cli_note(cli, "  %6zu %s", labels.rows[i], labels.text[i][0] != '\0' ? labels.text[i] : "(no label)");
    }
    if (report->left_out > 0) {
        mewl_cli_note(cli, "%zu left out%s%s", report->left_out,
                      report->left_out_example[0] != '\0' ? ", the first: " : "", report->left_out_example);
    }
}

/* Writes a manifest to a file, or to stdout for "-". */
static mewl_status write_manifest(const mewl_manifest *m, const char *out, mewl_error *err)
{
    mewl_buffer text;
    if (strcmp(out, "-") != 0) {
        return mewl_manifest_write(m, out, err);
    }
    MEWL_TRY(mewl_manifest_text(m, "", &text, err));
    bool written = fwrite(text.data, 1, text.size, stdout) == text.size;
    mewl_buffer_fini(&text);
    return written ? MEWL_OK : mewl_error_set(err, MEWL_E_IO, "the manifest could not be written to stdout");
}

static int run_scan(mewl_cli *cli, int argc, char **argv)
{
    const char *value[SCAN_COUNT];
    int code = mewl_cli_parse(cli, &scan_usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc != 1) {
        return mewl_cli_usage_error(cli, "one folder is scanned at a time");
    }
    const char *out = value[SCAN_OUT] != NULL ? value[SCAN_OUT] : "-";
    if ((cli->json || cli->ndjson) && strcmp(out, "-") == 0) {
        return mewl_cli_usage_error(cli, "with --json, say with -o where the manifest goes");
    }
    mewl_error err = {0};
    mewl_manifest manifest;
    mewl_scan_report report;
    char *root = realpath(argv[0], NULL); /* so that the manifest means the same from any folder */
    mewl_status status = mewl_scan(&manifest, &report, root != NULL ? root : argv[0], value[SCAN_KIND], &err);
    free(root);
    if (status != MEWL_OK) {
        return fail(cli, &err);
    }
    status = write_manifest(&manifest, out, &err);
    if (status == MEWL_OK) {
        say_scan(cli, &manifest, &report, out);
    }
    mewl_manifest_fini(&manifest);
    return status == MEWL_OK ? MEWL_EXIT_DONE : fail_writing(cli, &err);
}

/* ---- split and check ---- */

enum { SPLIT_OUT, SPLIT_FOLDS, SPLIT_STRATIFY, SPLIT_RANDOM, SPLIT_VALID, SPLIT_TEST, SPLIT_SEED, SPLIT_COUNT };

static const mewl_cli_option split_options[SPLIT_COUNT + 1] = {
    [SPLIT_OUT] = {"output", 'o', "OUT.csv", "manifest to write; stdout when not given", false},
    [SPLIT_FOLDS] = {"folds", 0, "K", "deal rows to folds 1 to K instead of train, valid and test", false},
    [SPLIT_STRATIFY] = {"stratify", 0, "COLUMN", "with --folds: column spread evenly over them (default: label)",
                        false},
    [SPLIT_RANDOM] = {"random", 0, NULL,
                      "with --folds: deal single rows, not groups: LEAKY, as in much of the literature", false},
    [SPLIT_VALID] = {"valid", 0, "SHARE", "share of groups for validation (default 0.1)", false},
    [SPLIT_TEST] = {"test", 0, "SHARE", "share of groups for testing (default 0.2)", false},
    [SPLIT_SEED] = {"seed", 0, "N", "another seed deals otherwise (default 0)", false},
};

static const mewl_cli_usage split_usage = {
    "data split", "MANIFEST.csv",
    "Deals a manifest's rows to train, valid and test by a hash of their group (a group never changes\n"
    "sides when rows are added), or with --folds to stratified folds. Groups stay whole, but for folds dealt\n"
    "with --random.",
    split_options,
    "  mewl data split esc10.csv -o esc10-split.csv\n"
    "  mewl data split donateacry.csv --folds 5 --stratify reason -o folds.csv\n"
    "  mewl data split donateacry.csv --folds 10 --random -o leaky.csv\n"};

/* Whether any row has a value in the column; folds count from 1. */
static bool says_sides(const mewl_manifest *m, const char *column)
{
    for (size_t i = 0; i < m->count; i++) {
        char buffer[64];
        const char *side = mewl_manifest_value(m, &m->rows[i], column, buffer, sizeof buffer);
        if (side != NULL && side[0] != '\0' && strcmp(side, "0") != 0 && strcmp(side, "-1") != 0) {
            return true;
        }
    }
    return false;
}

/* Says how a split stands; the exit code is 1 when it leaks and `strict`. */
static int say_split(const mewl_cli *cli, const mewl_manifest *m, const char *column, bool strict, mewl_error *err)
{
    mewl_split_report report;
    if (mewl_split_check(m, column, &report, err) != MEWL_OK) {
        return fail(cli, err);
    }
    bool leaky = report.groups_straddling > 0;
    if (strict && !says_sides(m, column)) { /* nothing is split, so nothing was found to leak: no reassurance */
        mewl_cli_error(cli, "no row says a side in '%s': split the manifest with `mewl data split`, or name the column",
                       column);
        return MEWL_EXIT_FAILED;
    }
    if (cli->json || cli->ndjson) {
        json_t *doc = json_object();
        (void)mewl_json_set_string(doc, "column", column);
        (void)mewl_json_set_bool(doc, "leaky", leaky);
        (void)mewl_json_set_int(doc, "groups", (int64_t)report.groups);
        (void)mewl_json_set_int(doc, "groups_straddling", (int64_t)report.groups_straddling);
        (void)mewl_json_set_int(doc, "rows_straddling", (int64_t)report.rows_straddling);
        (void)mewl_json_set_string(doc, "example", report.example);
        (void)mewl_json_print(doc, stdout, cli->json, NULL);
        json_decref(doc);
    } else if (leaky) {
        mewl_cli_error(cli, "LEAKY: %zu of %zu group%s on several sides of '%s' (%zu rows; one is %s)",
                       report.groups_straddling, report.groups, mewl_cli_s(report.groups), column,
                       report.rows_straddling, report.example);
    } else {
        mewl_cli_note(cli, "%zu group%s, each on one side of '%s'", report.groups, mewl_cli_s(report.groups), column);
    }
    return leaky && strict ? MEWL_EXIT_FAILED : MEWL_EXIT_DONE;
}

static int split_write(mewl_cli *cli, mewl_manifest *m, const char **value, mewl_error *err)
{
    double valid = 0.1, test = 0.2;
    long folds = 0, seed = 0;
    bool random = value[SPLIT_RANDOM] != NULL;
    const char *out = value[SPLIT_OUT] != NULL ? value[SPLIT_OUT] : "-";
    if (!mewl_cli_number(cli, "valid", value[SPLIT_VALID], 0, 1, &valid) ||
        !mewl_cli_number(cli, "test", value[SPLIT_TEST], 0, 1, &test) ||
        !mewl_cli_integer(cli, "folds", value[SPLIT_FOLDS], 2, 100, &folds) ||
        !mewl_cli_integer(cli, "seed", value[SPLIT_SEED], 0, LONG_MAX, &seed)) {
        return MEWL_EXIT_USAGE;
    }
    if (folds == 0 && (random || value[SPLIT_STRATIFY] != NULL)) {
        return mewl_cli_usage_error(cli, "%s",
                                    random
                                        ? "--random deals single rows to folds: say with --folds K to how many; "
                                          "train, valid and test are dealt by groups alone"
                                        : "--stratify spreads a column over folds: say with --folds K over how many");
    }
    if (folds > 0 && (value[SPLIT_VALID] != NULL || value[SPLIT_TEST] != NULL)) {
        return mewl_cli_usage_error(cli, "--valid and --test do not go with --folds");
    }
    if ((cli->json || cli->ndjson) && strcmp(out, "-") == 0) {
        return mewl_cli_usage_error(cli, "with --json, say with -o where the manifest goes");
    }
    const char *stratify = value[SPLIT_STRATIFY] != NULL ? value[SPLIT_STRATIFY] : "label";
    mewl_status status = folds > 0 ? mewl_split_folds(m, (int)folds, stratify, !random, (uint64_t)seed, err)
                                   : mewl_split_hash(m, (uint64_t)seed, valid, test, err);
    if (status != MEWL_OK) {
        return fail(cli, err);
    }
    if (write_manifest(m, out, err) != MEWL_OK) {
        return fail_writing(cli, err);
    }
    return say_split(cli, m, folds > 0 ? "fold" : "split", false, err);
}

static int run_split(mewl_cli *cli, int argc, char **argv)
{
    const char *value[SPLIT_COUNT];
    int code = mewl_cli_parse(cli, &split_usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    mewl_error err = {0};
    mewl_manifest manifest;
    if (argc != 1) {
        return mewl_cli_usage_error(cli, "one manifest is split at a time");
    }
    if (mewl_manifest_read(&manifest, argv[0], &err) != MEWL_OK) {
        return fail(cli, &err);
    }
    code = split_write(cli, &manifest, value, &err);
    mewl_manifest_fini(&manifest);
    return code;
}

enum { CHECK_COLUMN, CHECK_COUNT };

static const mewl_cli_option check_options[CHECK_COUNT + 1] = {
    [CHECK_COLUMN] = {"column", 0, "NAME", "column that says the side (default: split)", false},
};

static const mewl_cli_usage check_usage = {
    "data check", "MANIFEST.csv",
    "Says whether any group (app, source recording, cat, speaker) lies on several sides of a split.\n"
    "Exit code 1 when one does.",
    check_options, "  mewl data check folds.csv --column fold\n"};

static int run_check(mewl_cli *cli, int argc, char **argv)
{
    const char *value[CHECK_COUNT];
    int code = mewl_cli_parse(cli, &check_usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    mewl_error err = {0};
    mewl_manifest manifest;
    if (argc != 1) {
        return mewl_cli_usage_error(cli, "one manifest is checked at a time");
    }
    if (mewl_manifest_read(&manifest, argv[0], &err) != MEWL_OK) {
        return fail(cli, &err);
    }
    code = say_split(cli, &manifest, value[CHECK_COLUMN] != NULL ? value[CHECK_COLUMN] : "split", true, &err);
    mewl_manifest_fini(&manifest);
    return code;
}

/* ---- fetch ---- */

enum { FETCH_TO, FETCH_SHA256, FETCH_KEEP, FETCH_COUNT };

static const mewl_cli_option fetch_options[FETCH_COUNT + 1] = {
    [FETCH_TO] = {"to", 0, "DIR", "folder that gets the set's own folder (default: MEWL_DATA, else data)", false},
    [FETCH_SHA256] = {"sha256", 0, "HEX", "checksum the download must have, where Mewl knows none", false},
    [FETCH_KEEP] = {"keep", 0, NULL, "keep the archive after unpacking", false},
};

static const mewl_cli_usage fetch_usage = {
    "data fetch", "NAME...",
    "Downloads data sets from their publishers (`mewl data list` names them), continues where a\n"
    "download stopped, checks its SHA-256 and unpacks it. Mind the licences.",
    fetch_options,
    "  mewl data fetch donateacry esc50 --to data\n"
    "  mewl data fetch catmeows --sha256 0123...\n"};

static int fetch_one(mewl_cli *cli, const char *name, const char *target, mewl_fetch_opts opts)
{
    mewl_error err = {0};
    mewl_fetch_result result;
    mewl_progress progress = {mewl_cli_report, cli};
    const mewl_fetch_source *source = mewl_fetch_find(name);
    if (source == NULL) {
        size_t count;
        const mewl_fetch_source *table = mewl_fetch_table(&count);
        const char *names[64];
        for (size_t i = 0; i < count && i < 64; i++) {
            names[i] = table[i].name;
        }
        return mewl_cli_unknown(cli, "data set", name, names, count < 64 ? count : 64);
    }
    if (mewl_fetch(&result, source, target, opts, &progress, &err) != MEWL_OK) {
        return fail(cli, &err);
    }
    mewl_cli_report_clear(cli);
    if (cli->json || cli->ndjson) {
        json_t *doc = json_object();
        (void)mewl_json_set_string(doc, "event", "fetched");
        (void)mewl_json_set_string(doc, "name", name);
        (void)mewl_json_set_string(doc, "path", result.path);
        (void)mewl_json_set_int(doc, "bytes", result.bytes);
        (void)mewl_json_set_string(doc, "sha256", result.sha256);
        (void)mewl_json_set_bool(doc, "verified", result.verified);
        (void)mewl_json_set_bool(doc, "resumed", result.resumed);
        (void)mewl_json_print(doc, stdout, cli->json, NULL);
        json_decref(doc);
    } else {
        (void)printf("%s\n", result.path);
    }
    if (!result.verified) {
        mewl_cli_note(cli,
                      "%s: NOT VERIFIED, no checksum is known for it. This download has SHA-256 %s; compare it with "
                      "one you trust, or give --sha256 next time",
                      name, result.sha256);
    }
    mewl_cli_note(cli, "%s: licence %s", name, source->licence);
    return MEWL_EXIT_DONE;
}

static int run_fetch(mewl_cli *cli, int argc, char **argv)
{
    const char *value[FETCH_COUNT];
    int code = mewl_cli_parse(cli, &fetch_usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc < 1) {
        return mewl_cli_usage_error(cli, "say which set; `mewl data list` names them");
    }
    if (argc > 1 && (value[FETCH_SHA256] != NULL || cli->json)) {
        return mewl_cli_usage_error(cli, value[FETCH_SHA256] != NULL
                                             ? "--sha256 goes with one set"
                                             : "--json goes with one set; --ndjson with several");
    }
    const char *data = getenv("MEWL_DATA");
    const char *target = value[FETCH_TO] != NULL ? value[FETCH_TO] : data != NULL && data[0] != '\0' ? data : "data";
    mewl_fetch_opts opts = {.sha256 = value[FETCH_SHA256], .keep_archive = value[FETCH_KEEP] != NULL};
    int worst = MEWL_EXIT_DONE;
    for (int i = 0; i < argc; i++) {
        code = fetch_one(cli, argv[i], target, opts);
        worst = code != MEWL_EXIT_DONE ? code : worst;
    }
    return worst;
}

/* ---- the command ---- */

static const mewl_cli_usage data_usage = {
    "data", "list|scan|split|check|fetch|mix ...",
    "Data sets: what is known (list), a folder into a manifest (scan), sides and folds by group (split,\n"
    "check), downloads from publishers (fetch), mixtures with known cries (mix).",
    no_options,
    "  mewl data scan esc10 -o esc10.csv\n"
    "  mewl data split esc10.csv -o esc10-split.csv\n"
    "  mewl data mix --help\n"};

int mewl_cmd_data(mewl_cli *cli, int argc, char **argv)
{
    static const mewl_cli_command commands[] = {{"list", NULL, run_list},   {"scan", NULL, run_scan},
                                                {"split", NULL, run_split}, {"check", NULL, run_check},
                                                {"fetch", NULL, run_fetch}, {"mix", NULL, mewl_data_mix}};
    return mewl_cli_dispatch(cli, &data_usage, commands, sizeof commands / sizeof commands[0], "scan", argc, argv);
}
