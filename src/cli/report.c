/* report.c - see report.h. */
#include "cli/report.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/json.h"
#include "cli/find.h"
#include "cli/labels.h"

struct mewl_report {
    const mewl_cli *cli;
    mewl_report_opts opts;
    bool many;
    bool labels_alone; /* standard output is one of the label files: no sentences on it */
    mewl_labels *csv, *tsv;
    json_t *files; /* of the --json document */
    size_t read, failed, partly, unwritten, cries;
    int failure_code; /* exit code of the last failure */
    double seconds, crying_s;
};

mewl_status mewl_report_open(mewl_report **out, const mewl_cli *cli, mewl_report_opts opts, mewl_error *err)
{
    *out = NULL;
    mewl_report *r = calloc(1, sizeof *r);
    if (r == NULL || (r->files = json_array()) == NULL) {
        free(r);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory");
    }
    r->cli = cli;
    r->opts = opts;
    const char *const files[] = {opts.audacity, opts.csv, opts.tsv, opts.raven};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        r->labels_alone = r->labels_alone || (files[i] != NULL && strcmp(files[i], "-") == 0);
    }
    mewl_status status = MEWL_OK;
    if (opts.csv != NULL) {
        status = mewl_labels_open(&r->csv, MEWL_LABELS_CSV, opts.csv, err);
    }
    if (status == MEWL_OK && opts.tsv != NULL) {
        status = mewl_labels_open(&r->tsv, MEWL_LABELS_TSV, opts.tsv, err);
    }
    if (status != MEWL_OK) {
        mewl_report_close(r);
        return status;
    }
    *out = r;
    return MEWL_OK;
}

void mewl_report_many(mewl_report *report, bool many)
{
    report->many = many;
}

void mewl_report_close(mewl_report *report)
{
    if (report != NULL) {
        mewl_labels_close(report->csv);
        mewl_labels_close(report->tsv);
        json_decref(report->files);
        free(report);
    }
}

/* Whether files can be made in the folder that `path` names, or, when `make` is set, will name once it was made. */
static mewl_status check_folder(const char *path, bool make, mewl_error *err)
{
    char at[PATH_MAX];
    if (snprintf(at, sizeof at, "%s", path) >= (int)sizeof at) {
        return mewl_error_set(err, MEWL_E_ARG, "%.60s...: the path is too long", path);
    }
    while (make && access(at, F_OK) != 0 && errno == ENOENT) { /* up to what is there */
        char *slash = strrchr(at, '/');
        (void)snprintf(slash == NULL ? at : slash == at ? at + 1 : slash, 2, "%s", slash == NULL ? "." : "");
    }
    if (access(at, F_OK) != 0) {
        return errno == ENOENT ? mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no folder %s; make it first", at)
                               : mewl_error_errno(err, errno, at);
    }
    if (!mewl_folder_exists(at)) {
        return mewl_error_set(err, MEWL_E_STATE, "%s is no folder", at);
    }
    return access(at, W_OK | X_OK) == 0
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_PERMISSION, "nothing can be written into the folder %s: %s", at,
                                strerror(errno));
}

mewl_status mewl_report_check(const char *out, bool many, mewl_error *err)
{
    char real[PATH_MAX];
    struct stat about;
    if (out[0] == '\0') {
        return mewl_error_set(err, MEWL_E_ARG, "needs the name of a file");
    }
    if (strcmp(out, "-") == 0) {
        return mewl_cli_spare_recording(out, err);
    }
    if (many || mewl_folder_exists(out)) {
        return check_folder(out, true, err);
    }
    MEWL_TRY(mewl_cli_spare_recording(out, err));
    const bool exists = stat(out, &about) == 0;
    if (exists && access(out, W_OK) != 0) {
        return mewl_error_errno(err, errno, out);
    }
    if (exists && !S_ISREG(about.st_mode)) { /* a pipe, /dev/stdout: written directly */
        return MEWL_OK;
    }
    /* Files are replaced by one written beside them, where a link leads. */
    if (realpath(out, real) == NULL && snprintf(real, sizeof real, "%s", out) >= (int)sizeof real) {
        return mewl_error_set(err, MEWL_E_ARG, "%.60s...: the path is too long", out);
    }
    char *slash = strrchr(real, '/');
    if (slash == NULL) {
        return check_folder(".", false, err);
    }
    slash[slash == real ? 1 : 0] = '\0';
    return check_folder(real, false, err);
}

char *mewl_report_place(const char *out, bool many, const char *name, const char *ending, mewl_error *err)
{
    if (!many && !mewl_folder_exists(out)) {
        return strdup(out);
    }
    if (strcmp(name, "-") == 0) {
        name = "standard-input";
    }
    size_t size = strlen(out) + strlen(name) + strlen(ending) + 8;
    char *place = malloc(size);
    if (place == NULL) {
        (void)mewl_error_set(err, MEWL_E_MEMORY, "out of memory");
        return NULL;
    }
    /* "/etc/x" and "../x" must not lead out of the folder: they become etc/x and __/x in it. */
    (void)snprintf(place, size, "%s/%s%s", out, name + strspn(name, "/"), ending);
    for (char *at = place + strlen(out); at != NULL; at = strchr(at + 1, '/')) {
        if (strncmp(at, "/../", 4) == 0) {
            memcpy(at + 1, "__", 2);
        }
    }
    char *slash = strrchr(place, '/');
    *slash = '\0';
    mewl_status status = mewl_folder_make(place, err);
    *slash = '/';
    if (status != MEWL_OK) {
        free(place);
        return NULL;
    }
    return place;
}

/* ---- JSON ---- */

static const char *shown_path(const mewl_cli_input *input)
{
    return input->path;
}

static mewl_status print_event(json_t *event, mewl_error *err)
{
    mewl_status status = event != NULL ? mewl_json_print(event, stdout, false, err)
                                       : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for an event");
    json_decref(event);
    return status;
}

static mewl_status set_episode(json_t *object, const mewl_episode *e)
{
    MEWL_TRY(mewl_json_set_real(object, "onset_s", e->onset_s));
    MEWL_TRY(mewl_json_set_real(object, "offset_s", e->offset_s));
    MEWL_TRY(mewl_json_set_real(object, "confidence", round(1e6 * (double)e->confidence) / 1e6));
    return mewl_json_set_real(object, "level_dbfs", round(1e3 * (double)e->level_dbfs) / 1e3);
}

/* The episode, and what was said of its reason. */
static mewl_status set_cry(const mewl_report *r, json_t *object, const mewl_analysis *a, size_t index)
{
    MEWL_TRY(set_episode(object, &a->episodes[index]));
    return r->opts.reason != NULL && a->reasons != NULL
               ? mewl_json_set(object, "reason", mewl_why_json(r->opts.reason, &a->reasons[index]))
               : MEWL_OK;
}

static mewl_status set_span(json_t *object, const mewl_analysis_span *span)
{
    MEWL_TRY(mewl_json_set_real(object, "onset_s", span->onset_s));
    MEWL_TRY(mewl_json_set_real(object, "offset_s", span->offset_s));
    return mewl_json_set_string(object, "reason", mewl_hearing_text(span->why));
}

static mewl_status set_error(json_t *object, const mewl_error *why)
{
    MEWL_TRY(mewl_json_set_string(object, "code", mewl_status_name(why->status)));
    return mewl_json_set_string(object, "message", why->text);
}

/* {"event":kind,"file":file, ...}; *status gathers what went wrong. */
static json_t *new_event(const char *kind, const char *file, mewl_status *status)
{
    json_t *event = json_object();
    *status = mewl_json_set_string(event, "event", kind);
    if (*status == MEWL_OK) {
        *status = mewl_json_set_string(event, "file", file);
    }
    return event;
}

static mewl_status emit(json_t *event, mewl_status status, mewl_error *err)
{
    if (status != MEWL_OK) {
        json_decref(event);
        return mewl_error_set(err, status, "out of memory for an event");
    }
    return print_event(event, err);
}

static mewl_status emit_error(const char *file, const mewl_error *why, mewl_error *err)
{
    mewl_status status;
    json_t *event = new_event("error", file, &status);
    if (status == MEWL_OK) {
        status = set_error(event, why);
    }
    return emit(event, status, err);
}

static mewl_status emit_file(const mewl_report *r, const char *file, const mewl_analysis *a, mewl_error *err)
{
    mewl_status status;
    for (size_t i = 0; i < a->episode_count; i++) {
        json_t *event = new_event("episode", file, &status);
        if (status == MEWL_OK) {
            status = set_cry(r, event, a, i);
        }
        MEWL_TRY(emit(event, status, err));
    }
    for (size_t i = 0; i < a->span_count; i++) {
        json_t *event = new_event("not_hearing", file, &status);
        if (status == MEWL_OK) {
            status = set_span(event, &a->spans[i]);
        }
        MEWL_TRY(emit(event, status, err));
    }
    json_t *event = new_event("file_completed", file, &status);
    if (status == MEWL_OK) {
        status = mewl_json_set_real(event, "seconds", a->seconds);
    }
    if (status == MEWL_OK) {
        status = mewl_json_set_real(event, "peak_score", round(1e6 * a->peak_score) / 1e6);
    }
    return emit(event, status, err);
}

static mewl_status list_into(json_t *file, const char *key, json_t *list)
{
    return mewl_json_set(file, key, list);
}

static mewl_status describe_file(const mewl_report *r, json_t *file, const char *path, const mewl_analysis *a)
{
    MEWL_TRY(mewl_json_set_string(file, "file", path));
    MEWL_TRY(mewl_json_set_real(file, "seconds", a->seconds));
    MEWL_TRY(mewl_json_set_real(file, "peak_score", round(1e6 * a->peak_score) / 1e6));
    MEWL_TRY(mewl_json_set_real(file, "level_dbfs", round(1e3 * a->level_dbfs) / 1e3));
    json_t *episodes = json_array(), *spans = json_array();
    mewl_status status = episodes != NULL && spans != NULL ? MEWL_OK : MEWL_E_MEMORY;
    for (size_t i = 0; i < a->episode_count && status == MEWL_OK; i++) {
        json_t *one = json_object();
        status = set_cry(r, one, a, i);
        if (json_array_append_new(episodes, one) != 0) {
            status = MEWL_E_MEMORY;
        }
    }
    for (size_t i = 0; i < a->span_count && status == MEWL_OK; i++) {
        json_t *one = json_object();
        status = set_span(one, &a->spans[i]);
        if (json_array_append_new(spans, one) != 0) {
            status = MEWL_E_MEMORY;
        }
    }
    if (status != MEWL_OK) {
        json_decref(episodes);
        json_decref(spans);
        return status;
    }
    MEWL_TRY(list_into(file, "episodes", episodes));
    return list_into(file, "not_hearing", spans);
}

static mewl_status add_to_document(mewl_report *r, const char *path, const mewl_analysis *a, const mewl_error *why,
                                   mewl_error *err)
{
    json_t *file = json_object();
    mewl_status status = a != NULL ? describe_file(r, file, path, a) : mewl_json_set_string(file, "file", path);
    if (status == MEWL_OK && why != NULL) {
        json_t *error = json_object();
        status = set_error(error, why);
        mewl_status put = mewl_json_set(file, "error", error);
        status = status == MEWL_OK ? put : status;
    }
    if (json_array_append_new(r->files, file) != 0 || status != MEWL_OK) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the document");
    }
    return MEWL_OK;
}

/* ---- Sentences ---- */

/* 7512.4 -> "2:05:12.4", always with hours when the recording has them. */
static const char *clock_text(char *out, size_t size, double seconds, bool hours)
{
    long tenths = lround(seconds * 10.0);
    long whole = tenths / 10;
    if (hours) {
        (void)snprintf(out, size, "%ld:%02ld:%02ld.%ld", whole / 3600, whole / 60 % 60, whole % 60, tenths % 10);
    } else {
        (void)snprintf(out, size, "%ld:%02ld.%ld", whole / 60, whole % 60, tenths % 10);
    }
    return out;
}

static void print_level(double level_dbfs)
{
    if (isfinite(level_dbfs)) {
        (void)printf("%5.1f dBFS", level_dbfs);
    } else {
        (void)printf("  no level");
    }
}

static void print_sentences(const mewl_report *r, const char *name, const mewl_analysis *a)
{
    char length[32], sum[32], from[32], to[32], sure[32];
    const char *bold = r->cli->colour ? "\033[1m" : "", *plain = r->cli->colour ? "\033[0m" : "";
    double crying_s = 0.0, deaf_s = 0.0;
    bool hours = a->seconds >= 3600.0;
    for (size_t i = 0; i < a->episode_count; i++) {
        crying_s += a->episodes[i].offset_s - a->episodes[i].onset_s;
    }
    for (size_t i = 0; i < a->span_count; i++) {
        deaf_s += a->spans[i].offset_s - a->spans[i].onset_s;
    }
    (void)mewl_cli_duration(length, sizeof length, a->seconds);
    (void)printf("%s%s%s: ", bold, name, plain);
    if (a->episode_count == 0) {
        (void)printf(deaf_s >= 0.99 * a->seconds ? "nothing could be heard in %s\n" : "no crying heard in %s\n",
                     length);
    } else {
        (void)printf("%zu %s in %s, %s of crying in all\n", a->episode_count, a->episode_count == 1 ? "cry" : "cries",
                     length, mewl_cli_duration(sum, sizeof sum, crying_s));
    }
    for (size_t i = 0; i < a->episode_count; i++) {
        const mewl_episode *e = &a->episodes[i];
        (void)printf("  %s to %s  %10s  %14s  ", clock_text(from, sizeof from, e->onset_s, hours),
                     clock_text(to, sizeof to, e->offset_s, hours),
                     mewl_cli_duration(sum, sizeof sum, e->offset_s - e->onset_s),
                     mewl_cli_sure(sure, sizeof sure, (double)e->confidence));
        print_level((double)e->level_dbfs);
        (void)putchar('\n');
        if (r->opts.reason != NULL && a->reasons != NULL) {
            char text[256];
            mewl_why_text(text, sizeof text, r->opts.reason, &a->reasons[i]);
            (void)printf("      %s\n", text);
        }
    }
    for (size_t i = 0; i < a->span_count; i++) {
        const mewl_analysis_span *s = &a->spans[i];
        (void)printf("  %s to %s  %10s  not hearing: %s\n", clock_text(from, sizeof from, s->onset_s, hours),
                     clock_text(to, sizeof to, s->offset_s, hours),
                     mewl_cli_duration(sum, sizeof sum, s->offset_s - s->onset_s), mewl_hearing_text(s->why));
    }
}

/* ---- Label files ---- */

static mewl_status write_own(const mewl_report *r, mewl_labels_form form, const char *out, const char *ending,
                             const mewl_cli_input *input, const mewl_analysis *a, mewl_error *err)
{
    if (out == NULL) {
        return MEWL_OK;
    }
    char *place = mewl_report_place(out, r->many, input->name, ending, err);
    if (place == NULL) {
        return err->status;
    }
    mewl_labels *labels = NULL;
    mewl_status status = mewl_labels_open(&labels, form, place, err);
    for (size_t i = 0; i < a->episode_count && status == MEWL_OK; i++) {
        status = mewl_labels_push(labels, input->path, &a->episodes[i], a->info.source_rate_hz / 2.0, err);
    }
    if (status == MEWL_OK) {
        status = mewl_labels_commit(labels, err);
    }
    mewl_labels_close(labels);
    free(place);
    return status;
}

static mewl_status write_labels(const mewl_report *r, const mewl_cli_input *input, const mewl_analysis *a,
                                mewl_error *err)
{
    for (size_t i = 0; i < a->episode_count; i++) {
        if (r->csv != NULL) {
            MEWL_TRY(mewl_labels_push(r->csv, input->path, &a->episodes[i], 0.0, err));
        }
        if (r->tsv != NULL) {
            MEWL_TRY(mewl_labels_push(r->tsv, input->name, &a->episodes[i], 0.0, err));
        }
    }
    MEWL_TRY(write_own(r, MEWL_LABELS_AUDACITY, r->opts.audacity, ".txt", input, a, err));
    return write_own(r, MEWL_LABELS_RAVEN, r->opts.raven, ".selections.txt", input, a, err);
}

/* ---- One recording, and all ---- */

void mewl_report_refused(mewl_report *report, const char *operand, const mewl_error *why)
{
    mewl_error ignored;
    report->failed++;
    report->failure_code =
        mewl_cli_exit_code(why->status) == MEWL_EXIT_UNREADABLE ? MEWL_EXIT_UNREADABLE : MEWL_EXIT_FAILED;
    mewl_cli_error(report->cli, "%s", why->text[0] != '\0' ? why->text : mewl_status_text(why->status));
    if (report->cli->ndjson) {
        (void)emit_error(operand, why, &ignored);
    } else if (report->cli->json) {
        (void)add_to_document(report, operand, NULL, why, &ignored);
    }
}

/* What was read only in part: said on stderr, told as an error event, and counted for the exit code. */
static mewl_status report_partly(mewl_report *r, const char *path, const mewl_analysis *a, mewl_error *why,
                                 mewl_error *err)
{
    const mewl_source_info *info = &a->info;
    char length[32];
    if (info->bad_samples > 0) {
        mewl_cli_note(r->cli, "%s: %llu sample%s no number%s and taken as silence", path,
                      (unsigned long long)info->bad_samples, info->bad_samples == 1 ? " is" : "s are",
                      mewl_cli_s(info->bad_samples));
    }
    if (!info->truncated && info->decode_errors == 0) {
        return MEWL_OK;
    }
    (void)mewl_cli_duration(length, sizeof length, a->seconds);
    if (info->truncated) {
        (void)mewl_error_set(why, MEWL_E_FORMAT, "%s: the recording is cut off: only %s could be read", path, length);
    } else {
        (void)mewl_error_set(why, MEWL_E_FORMAT, "%s: damaged in %llu place%s; %s could be read", path,
                             (unsigned long long)info->decode_errors, mewl_cli_s(info->decode_errors), length);
    }
    r->partly++;
    mewl_cli_error(r->cli, "%s", why->text);
    return r->cli->ndjson ? emit_error(path, why, err) : MEWL_OK;
}

/* A picture that could not be written: told beside the result, which stands. */
static mewl_status report_unwritten(mewl_report *r, const char *path, const mewl_error *why, mewl_error *err)
{
    r->unwritten++;
    const bool named = strncmp(why->text, path, strlen(path)) == 0;
    mewl_cli_error(r->cli, "%s%s%s", named ? "" : path, named ? "" : ": ", why->text);
    return r->cli->ndjson ? emit_error(path, why, err) : MEWL_OK;
}

mewl_status mewl_report_file(mewl_report *report, const mewl_cli_input *input, const mewl_analysis *a, mewl_error *err)
{
    const char *path = shown_path(input);
    if (a->status != MEWL_OK) {
        mewl_error why = a->error;
        why.status = a->status;
        mewl_report_refused(report, path, &why);
        return MEWL_OK;
    }
    mewl_error why = {0};
    report->read++;
    report->cries += a->episode_count;
    report->seconds += a->seconds;
    for (size_t i = 0; i < a->episode_count; i++) {
        report->crying_s += a->episodes[i].offset_s - a->episodes[i].onset_s;
    }
    mewl_cli_report_clear(report->cli);
    if (report->cli->ndjson) {
        MEWL_TRY(emit_file(report, path, a, err));
    } else if (!report->cli->json && !report->labels_alone) {
        print_sentences(report, strcmp(path, "-") == 0 ? "standard input" : path, a);
        if (fflush(stdout) != 0) {
            return mewl_error_set(err, MEWL_E_IO, "the output could not be written");
        }
    }
    MEWL_TRY(report_partly(report, path, a, &why, err));
    if (a->unwritten.status != MEWL_OK) {
        MEWL_TRY(report_unwritten(report, path, &a->unwritten, err));
        why = why.status != MEWL_OK ? why : a->unwritten;
    }
    if (report->cli->json) {
        MEWL_TRY(add_to_document(report, path, a, why.status != MEWL_OK ? &why : NULL, err));
    }
    return write_labels(report, input, a, err);
}

static mewl_status print_document(mewl_report *r, mewl_error *err)
{
    json_t *document = json_object();
    mewl_status status = mewl_json_set_string(document, "model", r->opts.model_path);
    if (status == MEWL_OK) {
        status = mewl_json_set_string(document, "precision", r->opts.bf16 ? "bf16" : "fp32");
    }
    if (status == MEWL_OK) {
        status = mewl_json_set_real(document, "threshold", round(1e6 * r->opts.threshold) / 1e6);
    }
    if (status == MEWL_OK) {
        status = mewl_json_set(document, "files", json_incref(r->files));
    }
    if (status == MEWL_OK) {
        status = mewl_json_print(document, stdout, true, err);
    } else {
        (void)mewl_error_set(err, status, "out of memory for the document");
    }
    json_decref(document);
    return status;
}

mewl_status mewl_report_finish(mewl_report *report, mewl_error *err)
{
    if (report->csv != NULL) {
        MEWL_TRY(mewl_labels_commit(report->csv, err));
    }
    if (report->tsv != NULL) {
        MEWL_TRY(mewl_labels_commit(report->tsv, err));
    }
    if (report->cli->json) {
        return print_document(report, err);
    }
    if (!report->cli->ndjson && !report->labels_alone && report->read + report->failed > 1) {
        char length[32], sum[32];
        (void)printf("In all: %zu %s in %zu %s (%s), %s of crying", report->cries, report->cries == 1 ? "cry" : "cries",
                     report->read, report->read == 1 ? "recording" : "recordings",
                     mewl_cli_duration(length, sizeof length, report->seconds),
                     mewl_cli_duration(sum, sizeof sum, report->crying_s));
        if (report->failed > 0) {
            (void)printf("; %zu could not be read", report->failed);
        }
        (void)putchar('\n');
    }
    return MEWL_OK;
}

int mewl_report_exit_code(const mewl_report *report, bool fail_on_cry)
{
    if (report->failed > 0 && report->read == 0) {
        return report->failure_code;
    }
    if (report->failed > 0 || report->partly > 0) {
        return MEWL_EXIT_PARTLY;
    }
    if (report->unwritten > 0) {
        return MEWL_EXIT_FAILED;
    }
    return fail_on_cry && report->cries > 0 ? MEWL_EXIT_FAILED : MEWL_EXIT_DONE;
}
