/* synth.c - see synth.h. */
#include "cli/synth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/writer.h"
#include "base/folder.h"
#include "data/manifest.h"
#include "synth/quick.h"

#define START_S 1767225600.0 /* 2026-01-01 00:00 UTC: day 0 of every diary */
#define SECONDS_DAY 86400.0
#define TRUTHS 9
#define EXTRAS_MAX (TRUTHS + MEWL_VOICE_VECTOR_DIMS + 8)
#define VALUE_BYTES 96
#define IN_FOLDER_MAX 100000

static const char *const truth_names[TRUTHS] = {
    "day", "age_days", "f0_hz", "f0_change", "noise", "hyperphonation_added", "device", "seed", "note"};

/* Measures of quick.h that go into the diary when there is no sound. */
static const char *const measure_names[] = {"f0_phonation_hz", "f0_median_hz", "f0_range_st",      "hyperphonation",
                                            "dysphonation",    "jitter_local", "shimmer_local_db", "hnr_db",
                                            "f1_hz",           "f2_hz",        "burst_mean_s",     "pause_mean_s",
                                            "snr_db"};

#define MEASURES (sizeof measure_names / sizeof measure_names[0])

/* Reads a number and what follows it; false when there is none. */
static bool number(const char **at, double *value)
{
    char *end = NULL;
    *value = strtod(*at, &end);
    bool found = end != *at && isfinite(*value);
    *at = end;
    return found;
}

mewl_status mewl_cli_synth_events(mewl_synth_event *events, size_t *count, const char *text, mewl_cli_synth_kind kind,
                                  mewl_error *err)
{
    const char *name = kind == MEWL_CLI_SYNTH_SHIFT ? "shift" : "device";
    for (const char *at = text; at != NULL && *at != '\0';) {
        double what = 0, day = 0, ramp = 0;
        bool ok = number(&at, &what) && *at == '@';
        at += ok;
        ok = ok && number(&at, &day) && day >= 0;
        if (ok && *at == '+') {
            at++;
            ok = number(&at, &ramp) && ramp >= 0;
        }
        ok = ok && (*at == '\0' || (*at == ',' && at[1] != '\0'));
        ok = ok && (kind == MEWL_CLI_SYNTH_SHIFT ? what >= -60 && what <= 150
                                                 : what >= 0 && what <= 1e6 && what == floor(what));
        if (!ok) {
            return mewl_error_set(err, MEWL_E_ARG, "--%s is written like %s", name,
                                  kind == MEWL_CLI_SYNTH_SHIFT ? "10@30+3,-5@60 (percent, day, days until reached)"
                                                               : "1@45,0@60 (number, day)");
        }
        if (*count == MEWL_SYNTH_EVENTS_MAX) {
            return mewl_error_set(err, MEWL_E_ARG, "at most %d changes", MEWL_SYNTH_EVENTS_MAX);
        }
        mewl_synth_state state = {0};
        state.f0_log = kind == MEWL_CLI_SYNTH_SHIFT ? log1p(what / 100) : 0;
        state.device = kind == MEWL_CLI_SYNTH_DEVICE ? (int)what : 0;
        for (size_t i = 0; kind == MEWL_CLI_SYNTH_DEVICE && i < *count; i++) { /* one device at a time */
            if (events[i].state.device != 0 && events[i].at_day < day) {
                events[i].until_day = fmin(events[i].until_day, day);
            }
        }
        events[(*count)++] = (mewl_synth_event){day, ramp, INFINITY, state};
        at += *at == ',';
    }
    return MEWL_OK;
}

mewl_status mewl_cli_synth_write(const char *path, mewl_synth_burst *bursts, size_t *burst_count,
                                 const mewl_synth_cry *cry, double rate_hz, mewl_error *err)
{
    float *sound = NULL;
    size_t count = 0, length = strlen(path);
    bool flac = length > 5 && strcmp(path + length - 5, ".flac") == 0;
    mewl_audio_writer *writer = NULL;
    MEWL_TRY(mewl_synth_render(&sound, &count, bursts, burst_count, cry, rate_hz, err));
    mewl_status status = mewl_audio_writer_open(&writer, path, rate_hz, 1, MEWL_AUDIO_BY_NAME, err);
    if (status == MEWL_OK && !flac) {
        status = mewl_audio_writer_comment(writer, MEWL_CLI_SYNTH_REMARK, err);
    }
    status = status == MEWL_OK ? mewl_audio_writer_push(writer, sound, count, err) : status;
    status = status == MEWL_OK ? mewl_audio_writer_commit(writer, err) : status;
    mewl_audio_writer_close(writer);
    free(sound);
    return status;
}

json_t *mewl_cli_synth_json(const char *path, const mewl_synth_cry *cry, const mewl_synth_burst *bursts,
                            size_t burst_count)
{
    static const char *const kinds[] = {"phonated", "hyperphonated", "inspiration"};
    json_t *doc = json_object(), *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < burst_count; i++) {
        json_t *b = json_object();
        ok = mewl_json_set_string(b, "kind", kinds[bursts[i].kind]) == MEWL_OK &&
             mewl_json_set_real(b, "onset_s", bursts[i].onset_s) == MEWL_OK &&
             mewl_json_set_real(b, "offset_s", bursts[i].offset_s) == MEWL_OK &&
             mewl_json_set_real(b, "f0_start_hz", bursts[i].f0_start_hz) == MEWL_OK &&
             mewl_json_set_real(b, "f0_peak_hz", bursts[i].f0_peak_hz) == MEWL_OK &&
             mewl_json_set_real(b, "f0_end_hz", bursts[i].f0_end_hz) == MEWL_OK;
        ok = json_array_append_new(list, b) == 0 && ok;
    }
    ok = ok && mewl_json_set_string(doc, "event", "synth") == MEWL_OK &&
         mewl_json_set_string(doc, "file", path) == MEWL_OK &&
         mewl_json_set_string(doc, "note", MEWL_CLI_SYNTH_REMARK) == MEWL_OK &&
         mewl_json_set_real(doc, "seconds", cry->seconds) == MEWL_OK &&
         mewl_json_set_real(doc, "f0_hz", cry->f0_hz) == MEWL_OK &&
         mewl_json_set_real(doc, "age_days", cry->age_days) == MEWL_OK &&
         mewl_json_set(doc, "bursts", json_incref(list)) == MEWL_OK;
    json_decref(list);
    if (!ok) {
        json_decref(doc);
        return NULL;
    }
    return doc;
}

/* The texts of one row, kept while the row is added. */
typedef struct texts {
    char path[512], group[48], session[64], values[EXTRAS_MAX][VALUE_BYTES];
    const char *extra[EXTRAS_MAX];
} texts;

static void fill_truth(texts *t, const mewl_synth_recording *r)
{
    (void)snprintf(t->values[0], VALUE_BYTES, "%.5f", r->day);
    (void)snprintf(t->values[1], VALUE_BYTES, "%.3f", r->cry.age_days);
    (void)snprintf(t->values[2], VALUE_BYTES, "%.3f", r->cry.f0_hz);
    (void)snprintf(t->values[3], VALUE_BYTES, "%.5f", exp(r->state.f0_log));
    (void)snprintf(t->values[4], VALUE_BYTES, "%.4f", r->state.noise);
    (void)snprintf(t->values[5], VALUE_BYTES, "%.4f", r->state.hyperphonation);
    (void)snprintf(t->values[6], VALUE_BYTES, "%d", r->state.device);
    (void)snprintf(t->values[7], VALUE_BYTES, "%016llx", (unsigned long long)r->cry.seed);
    (void)snprintf(t->values[8], VALUE_BYTES, "%s", MEWL_CLI_SYNTH_REMARK);
}

static void fill_measures(texts *t, const mewl_synth_cry *cry)
{
    mewl_voice voice;
    mewl_synth_quick(&voice, cry);
    for (size_t i = 0; i < MEASURES; i++) {
        double value = mewl_voice_value(&voice, mewl_voice_find(measure_names[i]));
        t->values[TRUTHS + i][0] = '\0';
        if (!isnan(value)) {
            (void)snprintf(t->values[TRUTHS + i], VALUE_BYTES, "%.6g", value);
        }
    }
}

static mewl_status add_row(mewl_manifest *diary, const mewl_cli_synth *job, size_t infant, size_t index,
                           const mewl_synth_recording *r, texts *t, mewl_error *err)
{
    (void)snprintf(t->group, sizeof t->group, "synth:%llu-%zu", (unsigned long long)job->seed, infant + 1);
    (void)snprintf(t->session, sizeof t->session, "%zu", r->session + 1);
    fill_truth(t, r);
    if (!job->sound) {
        fill_measures(t, &r->cry);
    }
    for (size_t i = 0; i < EXTRAS_MAX; i++) {
        t->extra[i] = t->values[i];
    }
    char name[64];
    (void)snprintf(name, sizeof name, "infant-%04zu/%05zu.wav", infant + 1, index + 1);
    char *path = mewl_folder_join(job->folder, name);
    if (path == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a path");
    }
    mewl_row row = mewl_row_empty();
    row.path = path;
    row.label = MEWL_LABEL_CRY;
    row.set = "synth";
    row.group = row.speaker = t->group;
    row.session = t->session;
    row.time_s = START_S + r->day * SECONDS_DAY;
    row.duration_s = r->cry.seconds;
    row.extra = t->extra;
    mewl_status status = mewl_manifest_add(diary, &row, err);
    if (status == MEWL_OK && job->sound) {
        status = mewl_cli_synth_write(path, NULL, NULL, &r->cry, job->rate_hz, err);
    }
    free(path);
    return status;
}

static mewl_status make_folder(const mewl_cli_synth *job, size_t infant, mewl_error *err)
{
    char name[32];
    (void)snprintf(name, sizeof name, "infant-%04zu", infant + 1);
    char *path = mewl_folder_join(job->folder, name);
    mewl_status status =
        path == NULL ? mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a path") : mewl_folder_make(path, err);
    free(path);
    return status;
}

static mewl_status one_infant(mewl_cli_synth *job, size_t index, mewl_manifest *diary, texts *t, mewl_error *err)
{
    mewl_rng seeds = mewl_rng_stream(job->seed, index);
    mewl_synth_infant infant = mewl_synth_infant_seeded(mewl_rng_u64(&seeds));
    mewl_synth_diary_opts opts = job->diary;
    opts.seed = mewl_rng_u64(&seeds);
    mewl_synth_diary drawn;
    MEWL_TRY(mewl_synth_diary_draw(&drawn, &infant, opts, err));
    mewl_status status = job->sound ? make_folder(job, index, err) : MEWL_OK;
    for (size_t i = 0; i < drawn.count && status == MEWL_OK; i++) {
        status = add_row(diary, job, index, i, &drawn.list[i], t, err);
        job->written++;
        double share = ((double)index + (double)(i + 1) / (double)drawn.count) / (double)job->infants;
        mewl_cli_report(job->cli, share, 1, "making cries");
    }
    mewl_synth_diary_fini(&drawn);
    return status;
}

static mewl_status name_columns(mewl_manifest *diary, bool sound, mewl_error *err)
{
    size_t count = TRUTHS + (sound ? 0 : MEASURES);
    for (size_t i = 0; i < count; i++) {
        diary->extra_names[i] = mewl_manifest_intern(diary, i < TRUTHS ? truth_names[i] : measure_names[i - TRUTHS]);
        if (diary->extra_names[i] == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a diary");
        }
    }
    diary->extra_count = count;
    return MEWL_OK;
}

mewl_status mewl_cli_synth_place(const char *folder, bool *again, mewl_error *err)
{
    mewl_folder_list list;
    *again = false;
    if (!mewl_folder_exists(folder)) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_folder_read(&list, folder, IN_FOLDER_MAX, err));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; i < list.count; i++) {
        *again = *again || strcmp(list.names[i], "diary.csv") == 0;
    }
    for (size_t i = 0; i < list.count && status == MEWL_OK; i++) {
        const char *name = list.names[i];
        if (!*again || (strcmp(name, "diary.csv") != 0 && strncmp(name, "infant-", 7) != 0)) {
            status = mewl_error_set(err, MEWL_E_STATE,
                                    "%s holds files that are no simulated diary (%s): name a new folder, or one of its "
                                    "own in it: %s/diary",
                                    folder, name, folder);
        }
    }
    mewl_folder_list_fini(&list);
    return status;
}

mewl_status mewl_cli_synth_run(mewl_cli_synth *job, mewl_error *err)
{
    MEWL_TRY(mewl_folder_make(job->folder, err));
    char *path = mewl_folder_join(job->folder, "diary.csv");
    texts *t = calloc(1, sizeof *t);
    mewl_manifest diary = {0};
    mewl_status status = path == NULL || t == NULL ? mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a diary")
                                                   : mewl_manifest_init(&diary, err);
    if (status == MEWL_OK) {
        status = name_columns(&diary, job->sound, err);
        for (size_t i = 0; i < job->infants && status == MEWL_OK; i++) {
            status = one_infant(job, i, &diary, t, err);
        }
        if (status == MEWL_OK) {
            status = mewl_manifest_write(&diary, path, err);
        }
        mewl_manifest_fini(&diary);
    }
    free(t);
    free(path);
    return status;
}
