/* cmd_data.c - `mewl data`: list, scan, split, check and fetch data sets, and write held-out mixtures. What each does is
 * in src/data; here are options and sentences. */
#include "cli/cli.h"
#include "cli/commands.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/writer.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "data/fetch.h"
#include "data/mixture.h"
#include "data/readers.h"
#include "data/split.h"

#define MIX_COUNT_MAX 100000
#define TABLE_BYTES_MAX ((size_t)1 << 28)

static int fail(const mewl_cli *cli, const mewl_error *err)
{
    mewl_cli_report_clear(cli);
    return mewl_cli_fail(cli, err);
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
        (void)printf("%c %-16s %s\n  %-16s %s\n", readers[i].trains_shipped ? '*' : ' ', readers[i].kind, readers[i].title, "",
                     readers[i].layout);
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
    mewl_cli_note(cli, "%s: %zu rows, %zu groups, %zu label%s", report->reader->title, m->count, split.groups,
                  labels.count, labels.count == 1 ? "" : "s");
    for (size_t i = 0; i < labels.count && i < 12; i++) {
        mewl_cli_note(cli, "  %6zu %s", labels.rows[i], labels.text[i][0] != '\0' ? labels.text[i] : "(no label)");
    }
    if (report->left_out > 0) {
        mewl_cli_note(cli, "%zu left out%s%s", report->left_out, report->left_out_example[0] != '\0' ? ", the first: " : "",
                      report->left_out_example);
    }
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
    status = mewl_manifest_write(&manifest, out, &err);
    if (status == MEWL_OK) {
        say_scan(cli, &manifest, &report, out);
    }
    mewl_manifest_fini(&manifest);
    return status == MEWL_OK ? MEWL_EXIT_DONE : fail(cli, &err);
}

/* ---- split and check ---- */

enum { SPLIT_OUT, SPLIT_FOLDS, SPLIT_STRATIFY, SPLIT_RANDOM, SPLIT_VALID, SPLIT_TEST, SPLIT_SEED, SPLIT_COUNT };

static const mewl_cli_option split_options[SPLIT_COUNT + 1] = {
    [SPLIT_OUT] = {"output", 'o', "OUT.csv", "manifest to write; stdout when not given", false},
    [SPLIT_FOLDS] = {"folds", 0, "K", "deal rows to folds 1 to K instead of train, valid and test", false},
    [SPLIT_STRATIFY] = {"stratify", 0, "COLUMN", "column spread evenly over folds (default: label)", false},
    [SPLIT_RANDOM] = {"random", 0, NULL, "deal single rows, not groups: LEAKY, as much of the literature does", false},
    [SPLIT_VALID] = {"valid", 0, "SHARE", "share of groups for validation (default 0.1)", false},
    [SPLIT_TEST] = {"test", 0, "SHARE", "share of groups for testing (default 0.2)", false},
    [SPLIT_SEED] = {"seed", 0, "N", "another seed deals otherwise (default 0)", false},
};

static const mewl_cli_usage split_usage = {
    "data split", "MANIFEST.csv",
    "Deals a manifest's rows to train, valid and test by a hash of their group (a group never changes\n"
    "sides when rows are added), or to stratified folds. Groups stay whole unless --random.",
    split_options,
    "  mewl data split esc10.csv -o esc10-split.csv\n"
    "  mewl data split donateacry.csv --folds 5 --stratify reason -o folds.csv\n"};

/* Says how a split stands; the exit code is 1 when it leaks and `strict`. */
static int say_split(const mewl_cli *cli, const mewl_manifest *m, const char *column, bool strict, mewl_error *err)
{
    mewl_split_report report;
    if (mewl_split_check(m, column, &report, err) != MEWL_OK) {
        return fail(cli, err);
    }
    bool leaky = report.groups_straddling > 0;
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
        mewl_cli_error(cli, "LEAKY: %zu of %zu groups lie on several sides of '%s' (%zu rows; one is %s)",
                       report.groups_straddling, report.groups, column, report.rows_straddling, report.example);
    } else {
        mewl_cli_note(cli, "%zu groups, each on one side of '%s'", report.groups, column);
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
        return mewl_cli_usage_error(cli, "--random and --stratify go with --folds");
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
    if (status != MEWL_OK || mewl_manifest_write(m, out, err) != MEWL_OK) {
        return fail(cli, err);
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
        mewl_cli_note(cli, "%s: NOT VERIFIED, no checksum is known for it. This download has SHA-256 %s; compare it with "
                           "one you trust, or give --sha256 next time", name, result.sha256);
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
        return mewl_cli_usage_error(cli, value[FETCH_SHA256] != NULL ? "--sha256 goes with one set"
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

/* ---- mix ---- */

enum { MIX_OUT, MIX_DATA, MIX_COUNT, MIX_SNR, MIX_SECONDS, MIX_CRIES, MIX_NEGATIVES, MIX_SIDE, MIX_SEED, MIX_SYNTHETIC, MIX_TRAIN,
       MIX_OPTIONS };

static const mewl_cli_option mix_options[MIX_OPTIONS + 1] = {
    [MIX_OUT] = {"output", 'o', "DIR", "folder to write (needed)", false},
    [MIX_DATA] = {"data", 0, "DIR", "folder of the data sets (default: the recipe's, else MEWL_DATA)", false},
    [MIX_COUNT] = {"count", 'n', "N", "mixtures at each SNR (default: the recipe's eval.mixtures)", false},
    [MIX_SNR] = {"snr", 0, "DB,...", "SNRs in dB (default: the recipe's eval.snr_db)", false},
    [MIX_SECONDS] = {"seconds", 0, "S", "length of each (default: the recipe's eval.seconds)", false},
    [MIX_CRIES] = {"cries", 0, "N", "cries a minute (default 4; 0: to count false alarms)", false},
    [MIX_NEGATIVES] = {"negatives", 0, "N", "other sounds a minute (default: the recipe's)", false},
    [MIX_SIDE] = {"side", 0, "SIDE", "train, valid or test (default: test)", false},
    [MIX_SEED] = {"seed", 0, "N", "seed (default: the recipe's)", false},
    [MIX_SYNTHETIC] = {"synthetic", 0, NULL, "made sounds besides recorded ones", false},
    [MIX_TRAIN] = {"train", 0, NULL, "write training examples as the loader makes them, to listen to", false},
};

static const mewl_cli_usage mix_usage = {
    "data mix", "[RECIPE.ini]",
    "Writes mixtures with known cries: audio/SIDE/snr_<dB>/*.wav and metadata/SIDE/snr_<dB>.tsv in the\n"
    "DESED layout (label Infantcry), the other sounds in negatives_<dB>.tsv, lengths in durations.tsv.\n"
    "Mixtures that differ in SNR alone hold the same sounds at the same times.",
    mix_options,
    "  mewl data mix recipes/detect.ini -o mixtures\n"
    "  mewl data mix -o quiet --cries 0 --count 60 --snr 0\n"};

typedef struct mixing {
    mewl_cli *cli;
    const char *folder, *side_name;
    mewl_mixer *mixer;
    mewl_example example;
    mewl_mix_test test;
    uint64_t seed;
    size_t count, done, total;
    bool train;
} mixing;

/* Appends the events of one mixture to the tables. */
static void note_events(const mewl_example *e, const char *file, mewl_buffer *truth, mewl_buffer *others)
{
    bool any = false;
    for (size_t k = 0; k < e->event_count; k++) {
        const mewl_mix_event *v = &e->events[k];
        (void)mewl_buffer_print(v->cry ? truth : others, "%s\t%.3f\t%.3f\t%s", file, v->onset_s, v->offset_s,
                                v->cry ? "Infantcry" : v->label);
        (void)mewl_buffer_text(v->cry ? truth : others, "\n");
        any = any || v->cry;
    }
    if (!any) {
        (void)mewl_buffer_print(truth, "%s\t\t\t\n", file); /* DESED's way of saying: a file without events */
    }
}

static mewl_status write_table(const mixing *m, const char *name, const mewl_buffer *table, mewl_error *err)
{
    char path[PATH_MAX];
    if (table->failed || snprintf(path, sizeof path, "%s/metadata/%s/%s", m->folder, m->side_name, name) >= (int)sizeof path) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: table too large", name);
    }
    return mewl_file_write(path, table->data, table->size, err);
}

static mewl_status mix_files(mixing *m, const char *snr_name, mewl_buffer *truth, mewl_buffer *others,
                             mewl_buffer *lengths, mewl_error *err)
{
    char folder[PATH_MAX], path[PATH_MAX + 64], file[64];
    if (snprintf(folder, sizeof folder, "%s/audio/%s/%s", m->folder, m->side_name, snr_name) >= (int)sizeof folder) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: path too long", m->folder);
    }
    MEWL_TRY(mewl_folder_make(folder, err));
    for (size_t i = 0; i < m->count; i++) {
        MEWL_TRY(m->train ? mewl_mixer_make(m->mixer, &m->example, m->seed, 0, i, err)
                          : mewl_mixer_test(m->mixer, &m->example, m->test, m->seed, i, err));
        snprintf(file, sizeof file, "mix_%05zu.wav", i);
        snprintf(path, sizeof path, "%s/%s", folder, file);
        MEWL_TRY(mewl_audio_write(path, m->example.samples, m->example.count, MEWL_MIX_RATE_HZ, MEWL_AUDIO_WAV_S16, err));
        note_events(&m->example, file, truth, others);
        (void)mewl_buffer_print(lengths, "%s\t%.3f\n", file, (double)m->example.count / MEWL_MIX_RATE_HZ);
        mewl_cli_report(m->cli, (double)++m->done, (double)m->total, "mixing");
    }
    return MEWL_OK;
}

/* All mixtures of one SNR, with their tables. */
static mewl_status mix_one(mixing *m, const char *snr_name, mewl_error *err)
{
    char name[128];
    mewl_buffer truth, others, lengths;
    mewl_buffer_init(&truth, TABLE_BYTES_MAX);
    mewl_buffer_init(&others, TABLE_BYTES_MAX);
    mewl_buffer_init(&lengths, TABLE_BYTES_MAX);
    (void)mewl_buffer_text(&truth, "filename\tonset\toffset\tevent_label\n");
    (void)mewl_buffer_text(&others, "filename\tonset\toffset\tevent_label\n");
    (void)mewl_buffer_text(&lengths, "filename\tduration\n");
    mewl_status status = mix_files(m, snr_name, &truth, &others, &lengths, err);
    if (status == MEWL_OK) {
        snprintf(name, sizeof name, "%s/metadata/%s", m->folder, m->side_name);
        char folder[PATH_MAX];
        status = snprintf(folder, sizeof folder, "%s/metadata/%s", m->folder, m->side_name) < (int)sizeof folder
                     ? mewl_folder_make(folder, err)
                     : mewl_error_set(err, MEWL_E_ARG, "%s: path too long", m->folder);
    }
    snprintf(name, sizeof name, "%s.tsv", snr_name);
    status = status == MEWL_OK ? write_table(m, name, &truth, err) : status;
    snprintf(name, sizeof name, "negatives_%s.tsv", snr_name);
    status = status == MEWL_OK ? write_table(m, name, &others, err) : status;
    status = status == MEWL_OK ? write_table(m, "durations.tsv", &lengths, err) : status;
    mewl_buffer_fini(&truth);
    mewl_buffer_fini(&others);
    mewl_buffer_fini(&lengths);
    return status;
}

static int mix_all(mixing *m, const mewl_recipe *recipe, mewl_side side, mewl_error *err)
{
    mewl_progress progress = {mewl_cli_report, m->cli};
    mewl_corpus *corpus = NULL;
    size_t snrs = m->train ? 1 : recipe->eval_snr_db.count;
    mewl_status status = mewl_corpus_open(&corpus, recipe, (int)recipe->train_loader_threads, &progress, err);
    mewl_cli_report_clear(m->cli);
    if (status == MEWL_OK) {
        status = m->train ? mewl_mixer_new(&m->mixer, corpus, recipe, side, err)
                          : mewl_mixer_new_test(&m->mixer, corpus, recipe, side, recipe->eval_seconds, err);
    }
    if (status == MEWL_OK) {
        status = mewl_example_init(&m->example, mewl_mixer_count(m->mixer), err);
    }
    m->total = m->count * snrs;
    for (size_t k = 0; status == MEWL_OK && k < snrs; k++) {
        char name[64];
        m->test.snr_db = m->train ? 0 : recipe->eval_snr_db.items[k];
        snprintf(name, sizeof name, m->train ? "train" : "snr_%g", m->test.snr_db);
        status = mix_one(m, name, err);
    }
    char *text = status == MEWL_OK ? mewl_recipe_write(recipe) : NULL;
    if (text != NULL) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/recipe.ini", m->folder) < (int)sizeof path) {
            status = mewl_file_write(path, text, strlen(text), err);
        }
    }
    free(text);
    mewl_example_fini(&m->example);
    mewl_mixer_free(m->mixer);
    mewl_corpus_close(corpus);
    if (status != MEWL_OK) {
        return fail(m->cli, err);
    }
    mewl_cli_report_clear(m->cli);
    mewl_cli_note(m->cli, "%zu mixtures of %g s, side %s, seed %llu", m->total,
                  (double)m->test.seconds, m->side_name, (unsigned long long)m->seed);
    (void)printf("%s\n", m->folder);
    return MEWL_EXIT_DONE;
}

static int mix_settings(mixing *m, mewl_recipe *recipe, const char **value, mewl_error *err)
{
    long count = (long)recipe->eval_mixtures, seed = (long)recipe->recipe_seed;
    m->test = mewl_mix_test_default();
    m->test.negatives_per_minute = recipe->eval_negatives_per_minute;
    if (!mewl_cli_integer(m->cli, "count", value[MIX_COUNT], 1, MIX_COUNT_MAX, &count) ||
        !mewl_cli_integer(m->cli, "seed", value[MIX_SEED], 0, LONG_MAX, &seed) ||
        !mewl_cli_number(m->cli, "cries", value[MIX_CRIES], 0, 30, &m->test.cries_per_minute) ||
        !mewl_cli_number(m->cli, "negatives", value[MIX_NEGATIVES], 0, 30, &m->test.negatives_per_minute)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_status status = MEWL_OK;
    if (value[MIX_SNR] != NULL) {
        status = mewl_recipe_set(recipe, "eval.snr_db", value[MIX_SNR], err);
    }
    if (status == MEWL_OK && value[MIX_SECONDS] != NULL) {
        status = mewl_recipe_set(recipe, "eval.seconds", value[MIX_SECONDS], err);
    }
    if (status == MEWL_OK && value[MIX_DATA] != NULL) {
        recipe->data_root = value[MIX_DATA];
    }
    if (status != MEWL_OK) {
        return mewl_cli_usage_error(m->cli, "%s", err->text);
    }
    m->count = (size_t)count;
    m->seed = (uint64_t)seed;
    m->test.seconds = m->train ? recipe->mixture_seconds : recipe->eval_seconds;
    m->test.synthetic = value[MIX_SYNTHETIC] != NULL;
    return MEWL_CLI_GO;
}

static int run_mix(mewl_cli *cli, int argc, char **argv)
{
    static const char *const sides[MEWL_SIDE_COUNT] = {"train", "valid", "test"};
    const char *value[MIX_OPTIONS];
    int code = mewl_cli_parse(cli, &mix_usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    mixing m = {.cli = cli, .folder = value[MIX_OUT], .train = value[MIX_TRAIN] != NULL};
    m.side_name = value[MIX_SIDE] != NULL ? value[MIX_SIDE] : m.train ? "train" : "test";
    int side = 0;
    while (side < MEWL_SIDE_COUNT && strcmp(sides[side], m.side_name) != 0) {
        side++;
    }
    if (side == MEWL_SIDE_COUNT) {
        return mewl_cli_unknown(cli, "side", m.side_name, sides, MEWL_SIDE_COUNT);
    }
    if (m.folder == NULL || argc > 1) {
        return mewl_cli_usage_error(cli, m.folder == NULL ? "say with -o where the mixtures go" : "one recipe at most");
    }
    mewl_error err = {0};
    mewl_recipe recipe;
    mewl_status status = argc == 1 ? mewl_recipe_read(&recipe, argv[0], &err) : mewl_recipe_init(&recipe, &err);
    if (status != MEWL_OK) {
        return fail(cli, &err);
    }
    code = mix_settings(&m, &recipe, value, &err);
    if (code == MEWL_CLI_GO) {
        code = mix_all(&m, &recipe, (mewl_side)side, &err);
    }
    mewl_recipe_fini(&recipe);
    return code;
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
    static const struct {
        const char *name;
        int (*run)(mewl_cli *cli, int argc, char **argv);
    } commands[] = {{"list", run_list},   {"scan", run_scan},   {"split", run_split},
                    {"check", run_check}, {"fetch", run_fetch}, {"mix", run_mix}};
    const char *names[sizeof commands / sizeof commands[0]];
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        names[i] = commands[i].name;
        if (argc > 1 && strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(cli, argc - 1, argv + 1);
        }
    }
    if (argc > 1 && argv[1][0] != '-') {
        return mewl_cli_unknown(cli, "command of `mewl data`", argv[1], names, sizeof names / sizeof names[0]);
    }
    int code = mewl_cli_parse(cli, &data_usage, argc, argv, NULL, &argc, &argv);
    return code != MEWL_CLI_GO ? code : mewl_cli_usage_error(cli, "say `mewl data scan`, or what else is to be done");
}
