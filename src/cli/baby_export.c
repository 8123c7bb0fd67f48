/* baby_export.c - `mewl baby export`: everything that is kept of an infant, in a folder, in forms that anything reads.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/npy.h"
#include "cli/baby_span.h"
#include "data/csv.h"
#include "store/coverage.h"
#include "store/embeddings.h"
#include "store/personals.h"

#define CLIP_BYTES_MAX ((size_t)256 << 20)

static const mewl_cli_option options[MEWL_BABY_OPTIONS + 1] = {MEWL_BABY_OPTION_ROWS};

static const mewl_cli_usage usage = {
    .command = "baby export",
    .operands = "NAME FOLDER",
    .about = "Writes everything that is kept of an infant into a new folder: tables (CSV), the timeline (JSON),\n"
             "embeddings (NumPy), and the kept recordings (FLAC). Times are UTC. The folder is readable by you alone.",
    .options = options,
    .examples = "  mewl baby export Ida ida-2026-11\n"};

/* One table on its way into a file. */
typedef struct table {
    mewl_baby *baby;
    const char *folder;
    mewl_file_writer *writer;
    mewl_buffer line;
    mewl_error *err;
    size_t rows;
} table;

static mewl_status open_table(table *t, const char *name, const char *header)
{
    char *path = mewl_folder_join(t->folder, name);
    if (path == NULL) {
        return mewl_error_set(t->err, MEWL_E_MEMORY, "%s: out of memory", name);
    }
    mewl_buffer_init(&t->line, 1 << 20);
    mewl_status status = mewl_file_writer_open(&t->writer, path, t->err);
    free(path);
    t->rows = 0;
    return status == MEWL_OK ? mewl_file_writer_push(t->writer, header, strlen(header), t->err) : status;
}

static mewl_status close_table(table *t, mewl_status status)
{
    status = status == MEWL_OK ? mewl_file_writer_commit(t->writer, t->err) : status;
    mewl_file_writer_close(t->writer);
    mewl_buffer_fini(&t->line);
    t->writer = NULL;
    return status;
}

/* A row: `form` has a letter a column: i number, d real (empty when not known), T time (empty for 0), s text. */
static mewl_status push_row(table *t, const char *form, ...)
{
    va_list args;
    mewl_buffer_clear(&t->line);
    va_start(args, form);
    for (int i = 0; form[i] != '\0'; i++) {
        char text[64] = "";
        const char *field = text;
        if (form[i] == 'i') {
            (void)snprintf(text, sizeof text, "%lld", (long long)va_arg(args, int64_t));
        } else if (form[i] == 'd') {
            const double value = va_arg(args, double);
            (void)snprintf(text, sizeof text, isnan(value) ? "" : "%.9g", value);
        } else if (form[i] == 'T') {
            const int64_t ms = va_arg(args, int64_t);
            if (ms != 0) {
                mewl_clock_iso(text, ms);
            }
        } else {
            field = va_arg(args, const char *);
        }
        (void)mewl_csv_write(&t->line, field, i == 0);
    }
    va_end(args);
    (void)mewl_buffer_text(&t->line, "\n");
    if (t->line.failed) {
        return mewl_error_set(t->err, MEWL_E_MEMORY, "a row is too long");
    }
    t->rows++;
    return mewl_file_writer_push(t->writer, t->line.data, t->line.size, t->err);
}

/* ---- The tables. ---- */

static mewl_status recording_row(void *user, const mewl_store_recording *r)
{
    static const char *const times[] = {"given", "name", "file"};
    table *t = user;
    return push_row(t, "iiiTdsssssddddds", r->id, r->session_id, r->source_id, r->start_ms, r->duration_s,
                    times[r->time_from], r->role == MEWL_STORE_ENROLLED ? "enrolled" : "scored",
                    r->usable ? "yes" : "no", r->why, r->file, r->cry_s, r->confidence, r->level_dbfs, r->snr_db,
                    r->clipped_share, r->clip);
}

static mewl_status export_recordings(table *t, int64_t id)
{
    MEWL_TRY(
        open_table(t, "recordings.csv",
                   "id,session,microphone,time,seconds,time_from,role,usable,why_not,file,cry_s,confidence,level_dbfs,"
                   "snr_db,clipped_share,clip\n"));
    return close_table(t,
                       mewl_store_recording_each(t->baby->store, id, INT64_MIN, INT64_MAX, recording_row, t, t->err));
}

static mewl_status session_row(void *user, const mewl_store_session *s)
{
    return push_row(user, "iTTi", s->id, s->start_ms, s->end_ms, s->recordings);
}

static mewl_status export_sessions(table *t, int64_t id)
{
    MEWL_TRY(open_table(t, "sessions.csv", "id,begin,end,recordings\n"));
    return close_table(t, mewl_store_session_each(t->baby->store, id, INT64_MIN, INT64_MAX, session_row, t, t->err));
}

static mewl_status measure_row(void *user, int64_t recording_id, int64_t start_ms, const mewl_store_measure *m)
{
    return push_row(user, "iTsd", recording_id, start_ms, m->name, m->value);
}

static mewl_status export_measures(table *t, int64_t id)
{
    MEWL_TRY(open_table(t, "measures.csv", "recording,time,name,value\n"));
    return close_table(t,
                       mewl_store_measure_each(t->baby->store, id, NULL, INT64_MIN, INT64_MAX, measure_row, t, t->err));
}

static mewl_status score_row(void *user, const mewl_store_score *s)
{
    return push_row(user, "iiTsiidds", s->recording_id, s->session_id, s->time_ms, s->kind, s->model_id, s->personal_id,
                    s->score, s->p_value, mewl_store_verdict_name(s->verdict));
}

static mewl_status export_scores(table *t, int64_t id)
{
    MEWL_TRY(open_table(t, "scores.csv", "recording,session,time,kind,model,personal_model,score,p_value,verdict\n"));
    return close_table(t, mewl_store_score_each(t->baby->store, id, INT64_MIN, INT64_MAX, score_row, t, t->err));
}

static mewl_status entry_row(void *user, const mewl_store_entry *e)
{
    return push_row(user, "Tsiidddsiisddds", e->time_ms, mewl_store_entry_name(e->kind), e->session_id, e->recordings,
                    e->score, e->p_value, e->p_step, e->calibration, (int64_t)e->learned, (int64_t)e->held_apart,
                    e->channel, e->z, e->evidence, e->coverage, e->text);
}

static mewl_status export_timeline(table *t, int64_t id)
{
    MEWL_TRY(open_table(t, "timeline.csv",
                        "time,event,session,recordings,score,p_value,p_step,calibration,learned,held_apart,channel,z,"
                        "evidence_ln,listened_share_of_day_before,text\n"));
    return close_table(t, mewl_store_entry_each(t->baby->store, id, INT64_MIN, INT64_MAX, entry_row, t, t->err));
}

static mewl_status alert_row(void *user, const mewl_store_alert *a)
{
    return push_row(user, "TTTsidds", a->time_ms, a->told_ms, a->seen_ms, a->kind, a->session_id, a->p_value,
                    a->alarm_days, a->text);
}

static mewl_status export_alerts(table *t, int64_t id)
{
    MEWL_TRY(open_table(t, "alerts.csv", "time,told,seen,kind,session,p_value,alarm_days,text\n"));
    return close_table(t, mewl_store_alert_each(t->baby->store, id, INT64_MIN, INT64_MAX, alert_row, t, t->err));
}

static mewl_status coverage_row(void *user, const mewl_store_coverage *c)
{
    return push_row(user, "TTdi", c->from_ms, c->to_ms, c->heard_s, c->source_id);
}

static mewl_status export_coverage(table *t, int64_t id)
{
    MEWL_TRY(open_table(t, "listening.csv", "from,to,heard_s,microphone\n"));
    return close_table(t,
                       mewl_store_coverage_each(t->baby->store, id, INT64_MIN / 2, INT64_MAX, coverage_row, t, t->err));
}

/* ---- Embeddings: an array and its rows' recordings for each version. ---- */

typedef struct versions {
    mewl_store_model list[64];
    size_t count;
} versions;

static mewl_status add_version(void *user, const mewl_store_model *model)
{
    versions *v = user;
    if (v->count < sizeof v->list / sizeof v->list[0]) {
        v->list[v->count++] = *model;
    }
    return MEWL_OK;
}

typedef struct vectors {
    table *rows;
    mewl_npy_writer *array;
} vectors;

static mewl_status vector_row(void *user, const mewl_store_embedding *e)
{
    vectors *v = user;
    MEWL_TRY(mewl_npy_writer_push(v->array, e->values, 1, v->rows->err));
    return push_row(v->rows, "iiT", (int64_t)v->rows->rows, e->recording_id, e->start_ms);
}

static mewl_status export_vectors(table *t, int64_t id, const mewl_store_model *model)
{
    char name[96];
    const size_t dimensions = (size_t)model->dimensions;
    vectors v = {.rows = t};
    (void)snprintf(name, sizeof name, "embeddings-%.16s.npy", model->hash);
    char *path = mewl_folder_join(t->folder, name);
    if (path == NULL) {
        return mewl_error_set(t->err, MEWL_E_MEMORY, "%s: out of memory", name);
    }
    (void)snprintf(name, sizeof name, "embeddings-%.16s.csv", model->hash);
    mewl_status status = open_table(t, name, "row,recording,time\n");
    status = status == MEWL_OK ? mewl_npy_writer_open(&v.array, path, &dimensions, 1, t->err) : status;
    free(path);
    if (status == MEWL_OK) {
        status = mewl_store_embedding_each(t->baby->store, id, model->id, INT64_MIN, INT64_MAX, vector_row, &v, t->err);
    }
    status = status == MEWL_OK ? mewl_npy_writer_commit(v.array, t->err) : status;
    mewl_npy_writer_close(v.array);
    return close_table(t, status);
}

static mewl_status export_models(table *t, int64_t id)
{
    versions v = {.count = 0};
    MEWL_TRY(mewl_store_model_each(t->baby->store, add_version, &v, t->err));
    MEWL_TRY(open_table(t, "models.csv", "id,kind,name,hash,dimensions,first_used\n"));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; i < v.count && status == MEWL_OK; i++) {
        const mewl_store_model *m = &v.list[i];
        status = push_row(t, "isssiT", m->id, m->kind, m->name, m->hash, m->dimensions, m->first_ms);
    }
    status = close_table(t, status);
    for (size_t i = 0; i < v.count && status == MEWL_OK; i++) {
        status = v.list[i].dimensions > 0 ? export_vectors(t, id, &v.list[i]) : MEWL_OK;
    }
    return status;
}

/* ---- Documents, the personal model, clips. ---- */

static mewl_status export_infant(const table *t)
{
    const mewl_store_infant *infant = &t->baby->infant;
    char day[32], sex[2] = {infant->sex, '\0'};
    json_t *out = json_object();
    (void)mewl_json_set_string(out, "name", infant->name);
    (void)mewl_json_set_string(out, "born", mewl_baby_day(day, infant->born_ms));
    (void)mewl_json_set_string(out, "sex", sex);
    (void)mewl_json_set_real(out, "alarm_days", infant->alarm_days);
    mewl_baby_set_time(out, "added", infant->created_ms);
    mewl_baby_set_time(out, "exported", t->baby->now_ms);
    char *path = mewl_folder_join(t->folder, "infant.json");
    const mewl_status status =
        path != NULL ? mewl_json_write(out, path, t->err) : mewl_error_set(t->err, MEWL_E_MEMORY, "out of memory");
    free(path);
    json_decref(out);
    return status;
}

static mewl_status export_document(const table *t)
{
    mewl_store_totals totals;
    mewl_baby_span span = {0};
    MEWL_TRY(mewl_store_infant_totals(t->baby->store, &totals, t->baby->infant.id, t->err));
    const int64_t earliest = totals.last_ms - (MEWL_BABY_SPAN_DAYS_MAX - 2) * MEWL_BABY_DAY_MS;
    mewl_status status = MEWL_OK;
    if (totals.recordings > 0) {
        status = mewl_baby_span_read(&span, t->baby, totals.first_ms > earliest ? totals.first_ms : earliest,
                                     totals.last_ms, t->err);
        char *path = mewl_folder_join(t->folder, "timeline.json");
        json_t *document = status == MEWL_OK ? mewl_baby_span_json(&span, t->baby) : NULL;
        if (status == MEWL_OK) {
            status = path != NULL ? mewl_json_write(document, path, t->err)
                                  : mewl_error_set(t->err, MEWL_E_MEMORY, "out of memory");
        }
        json_decref(document);
        free(path);
    }
    mewl_baby_span_fini(&span);
    return status;
}

static mewl_status export_personal(const table *t, int64_t id)
{
    mewl_store_personal latest;
    void *data = NULL;
    size_t bytes = 0;
    mewl_status status = mewl_store_personal_latest(t->baby->store, &latest, id, t->err);
    if (status == MEWL_E_NOT_FOUND) {
        return MEWL_OK;
    }
    MEWL_TRY(status);
    MEWL_TRY(mewl_store_personal_get(t->baby->store, &latest, &data, &bytes, id, latest.model_id, latest.kind, t->err));
    char *path = mewl_folder_join(t->folder, "personal-model.bin");
    status = path != NULL ? mewl_file_write(path, data, bytes, t->err)
                          : mewl_error_set(t->err, MEWL_E_MEMORY, "out of memory");
    free(path);
    free(data);
    return status;
}

static mewl_status copy_file(const char *to_folder, const char *from_folder, const char *name, mewl_error *err)
{
    char *data = NULL;
    size_t bytes = 0;
    char *from = mewl_folder_join(from_folder, name), *to = mewl_folder_join(to_folder, name);
    mewl_status status = from != NULL && to != NULL ? mewl_file_read_all(&data, &bytes, from, CLIP_BYTES_MAX, err)
                                                    : mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", name);
    status = status == MEWL_OK ? mewl_file_write(to, data, bytes, err) : status;
    free(data);
    free(from);
    free(to);
    return status;
}

static mewl_status export_clips(const table *t, size_t *copied)
{
    char from[MEWL_STORE_PATH_MAX + 64];
    mewl_folder_list names = {0};
    *copied = 0;
    (void)snprintf(from, sizeof from, "%s/" MEWL_STORE_CLIPS "/%lld", mewl_store_folder(t->baby->store),
                   (long long)t->baby->infant.id);
    if (!mewl_folder_exists(from)) {
        return MEWL_OK;
    }
    char *to = mewl_folder_join(t->folder, "clips");
    mewl_status status =
        to != NULL ? mewl_folder_make(to, t->err) : mewl_error_set(t->err, MEWL_E_MEMORY, "out of memory");
    status = status == MEWL_OK ? mewl_folder_read(&names, from, 1000000, t->err) : status;
    for (size_t i = 0; i < names.count && status == MEWL_OK; i++) {
        mewl_cli_report(t->baby->cli, (double)i, (double)names.count, "copying recordings");
        status = copy_file(to, from, names.names[i], t->err);
        *copied += status == MEWL_OK;
    }
    mewl_folder_list_fini(&names);
    free(to);
    return status;
}

/* ---- The command. ---- */

static mewl_status export_all(table *t, size_t *clips)
{
    static mewl_status (*const tables[])(table * t, int64_t id) = {export_recordings, export_sessions, export_measures,
                                                                   export_scores,     export_timeline, export_alerts,
                                                                   export_coverage,   export_models};
    const int64_t id = t->baby->infant.id;
    if (mkdir(t->folder, 0700) != 0) {
        return errno == EEXIST
                   ? mewl_error_set(t->err, MEWL_E_STATE, "%s: is there already; name a new folder", t->folder)
                   : mewl_error_errno(t->err, errno, t->folder);
    }
    MEWL_TRY(export_infant(t));
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        MEWL_TRY(tables[i](t, id));
    }
    MEWL_TRY(export_document(t));
    MEWL_TRY(export_personal(t, id));
    return export_clips(t, clips);
}

int mewl_baby_export(mewl_cli *cli, int argc, char **argv)
{
    const char *value[MEWL_BABY_OPTIONS];
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc != 2) {
        return mewl_cli_usage_error(cli, "name an infant and a folder that is not there yet");
    }
    mewl_baby baby = {0};
    mewl_error err = {0};
    size_t clips = 0;
    table t = {.baby = &baby, .folder = argv[1], .err = &err};
    code = mewl_baby_open(&baby, cli, value, argv[0], true);
    if (code == MEWL_CLI_GO) {
        code = export_all(&t, &clips) == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(cli, &err);
    }
    if (code == MEWL_EXIT_DONE) {
        mewl_cli_report_clear(cli);
        mewl_cli_note(cli, "everything of %s is in %s, with %zu kept recording%s", baby.infant.name, argv[1], clips,
                      clips == 1 ? "" : "s");
    }
    mewl_baby_close(&baby);
    return code;
}
