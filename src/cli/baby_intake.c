/* baby_intake.c - see baby_intake.h. */
#include "cli/baby_intake.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/baby_clips.h"
#include "cli/baby_learn.h"
#include "cli/baby_words.h"
#include "data/sha256.h"
#include "store/coverage.h"

#define MEASURES_MAX 64
#define TAKES_MAX 20000u

/* A take on its way into the store. */
typedef struct pending {
    mewl_store_recording row;
    mewl_store_measure measures[MEASURES_MAX];
    size_t measure_count;
    float *embedding; /* NULL: none */
} pending;

typedef struct file_intake {
    mewl_baby_intake *intake;
    const char *path;
    char hash[MEWL_STORE_HASH_MAX];
    int64_t start_ms;
    mewl_store_time_from from;
    pending *list;
    size_t count, capacity;
} file_intake;

mewl_status mewl_baby_intake_open(mewl_baby_intake *intake, const char *detector, const char *embedder,
                                  const char *microphone, mewl_error *err)
{
    mewl_baby *baby = intake->baby;
    MEWL_TRY(mewl_baby_ear_open(&intake->ear, baby->cli, detector, embedder, err));
    const mewl_embedder_info *info = mewl_embedder_describe(intake->ear.embedder);
    mewl_store_model listener = {.kind = "detector", .name = "detector", .first_ms = baby->now_ms};
    intake->embedder =
        (mewl_store_model){.kind = "embedder", .dimensions = (int64_t)info->size, .first_ms = baby->now_ms};
    (void)snprintf(listener.hash, sizeof listener.hash, "%s", intake->ear.detector_hash);
    (void)snprintf(intake->embedder.name, sizeof intake->embedder.name, "%s", info->name);
    (void)snprintf(intake->embedder.hash, sizeof intake->embedder.hash, "%s", info->id);
    MEWL_TRY(mewl_store_model_put(baby->store, &listener, err));
    MEWL_TRY(mewl_store_model_put(baby->store, &intake->embedder, err));
    return mewl_store_source(baby->store, &intake->source_id, microphone != NULL ? microphone : "files", baby->now_ms,
                             err);
}

void mewl_baby_intake_close(mewl_baby_intake *intake)
{
    mewl_baby_ear_close(&intake->ear);
    free(intake->kept);
    intake->kept = NULL;
    intake->count = intake->capacity = 0;
}

/* ---- One take. ---- */

static void add_measure(pending *p, const char *name, double value)
{
    if (isfinite(value) && p->measure_count < MEASURES_MAX) {
        mewl_store_measure *m = &p->measures[p->measure_count++];
        (void)snprintf(m->name, sizeof m->name, "%s", name);
        m->value = value;
    }
}

/* All that was measured, and those figures of it that are watched over weeks. */
static void add_measures(pending *p, const mewl_baby_take *t)
{
    double vector[MEWL_VOICE_VECTOR_DIMS];
    mewl_voice_vector(vector, &t->voice);
    for (size_t i = 0; i < mewl_voice_count(); i++) {
        add_measure(p, mewl_voice_name(i), mewl_voice_value(&t->voice, i));
    }
    for (size_t i = 0; i < MEWL_VOICE_VECTOR_DIMS; i++) {
        for (size_t k = 0; k < MEWL_BABY_WATCHED; k++) {
            if (strcmp(mewl_voice_vector_name(i), mewl_baby_watched[k]) == 0 &&
                mewl_voice_find(mewl_baby_watched[k]) == mewl_voice_count()) {
                add_measure(p, mewl_baby_watched[k], vector[i]);
            }
        }
    }
    const double surroundings[MEWL_BABY_SURROUNDINGS] = {t->ambience.noise_dbfs, t->ambience.tilt_db,
                                                         log(t->ambience.bandwidth_hz)};
    for (size_t i = 0; i < MEWL_BABY_SURROUNDINGS; i++) {
        add_measure(p, mewl_baby_surroundings[i], surroundings[i]);
    }
}

/* The first take of a file has the file's hash, the others one made from it and their number. */
static void hash_of(char out[MEWL_STORE_HASH_MAX], const file_intake *f)
{
    mewl_sha256 sha;
    uint8_t digest[32];
    char text[96];
    if (f->count == 0) {
        (void)strcpy(out, f->hash);
        return;
    }
    (void)snprintf(text, sizeof text, "%s:%zu", f->hash, f->count);
    mewl_sha256_init(&sha);
    mewl_sha256_push(&sha, text, strlen(text));
    mewl_sha256_finish(&sha, digest);
    mewl_sha256_hex(out, digest);
}

static void fill_row(mewl_store_recording *row, const file_intake *f, const mewl_baby_take *t)
{
    const mewl_baby_intake *intake = f->intake;
    const char *slash = strrchr(f->path, '/');
    *row = (mewl_store_recording){.infant_id = intake->baby->infant.id,
                                  .source_id = intake->source_id,
                                  .start_ms = f->start_ms + llround(1000.0 * t->onset_s),
                                  .duration_s = t->seconds,
                                  .time_from = f->from,
                                  .role = intake->role,
                                  .usable = t->gate == 0,
                                  .cry_s = t->figures.seconds,
                                  .confidence = t->figures.cry,
                                  .level_dbfs = t->level_dbfs,
                                  .snr_db = t->figures.snr_db,
                                  .clipped_share = t->figures.clipped,
                                  .added_ms = intake->baby->now_ms};
    mewl_baby_gate_words(row->why, sizeof row->why, t->gate);
    (void)snprintf(row->file, sizeof row->file, "%.1024s", slash != NULL && slash[1] != '\0' ? slash + 1 : f->path);
    hash_of(row->hash, f);
}

static mewl_status take_in(void *user, const mewl_baby_take *t, mewl_error *err)
{
    file_intake *f = user;
    if (f->count == f->capacity) {
        const size_t wanted = f->capacity > 0 ? 2 * f->capacity : 8;
        pending *grown = f->count < TAKES_MAX ? realloc(f->list, wanted * sizeof *grown) : NULL;
        if (grown == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory for %zu cries", f->path, wanted);
        }
        f->list = grown;
        f->capacity = wanted;
    }
    pending *p = &f->list[f->count];
    memset(p, 0, sizeof *p);
    fill_row(&p->row, f, t);
    add_measures(p, t);
    if (t->embedding != NULL) {
        p->embedding = malloc(t->dimensions * sizeof *p->embedding);
        if (p->embedding == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", f->path);
        }
        memcpy(p->embedding, t->embedding, t->dimensions * sizeof *p->embedding);
    }
    f->count++;
    if (t->gate != 0 || f->intake->no_clips) {
        return MEWL_OK;
    }
    const mewl_status status =
        mewl_baby_clip_keep(f->intake->baby, p->row.clip, p->row.hash, t->samples, t->count, t->rate_hz, err);
    return status == MEWL_E_FORMAT || status == MEWL_E_ARG ? MEWL_OK : status; /* odd samples or an odd rate: no clip */
}

/* ---- The file into the store. ---- */

static mewl_status store_one(mewl_baby_intake *intake, pending *p, mewl_error *err)
{
    mewl_store *store = intake->baby->store;
    MEWL_TRY(mewl_store_recording_add(store, &p->row, err));
    MEWL_TRY(mewl_store_measures_put(store, p->row.id, p->measures, p->measure_count, err));
    if (p->embedding != NULL) {
        return mewl_store_embedding_put(store, p->row.id, intake->embedder.id, p->embedding,
                                        (size_t)intake->embedder.dimensions, err);
    }
    mewl_store_score score = {
        .recording_id = p->row.id, .score = (double)NAN, .p_value = (double)NAN, .verdict = MEWL_STORE_UNUSABLE};
    (void)snprintf(score.kind, sizeof score.kind, "%s", intake->kind);
    return mewl_store_score_put(store, &score, err);
}

static mewl_status store_file(file_intake *f, const mewl_baby_heard *heard, mewl_error *err)
{
    mewl_store *store = f->intake->baby->store;
    const mewl_store_coverage coverage = {.infant_id = f->intake->baby->infant.id,
                                          .source_id = f->intake->source_id,
                                          .from_ms = f->start_ms,
                                          .to_ms = f->start_ms + (int64_t)ceil(1000.0 * heard->seconds),
                                          .heard_s = heard->heard_s};
    MEWL_TRY(mewl_store_begin(store, err));
    mewl_status status = mewl_store_coverage_add(store, &coverage, err);
    for (size_t i = 0; i < f->count && status == MEWL_OK; i++) {
        status = store_one(f->intake, &f->list[i], err);
    }
    if (status != MEWL_OK) {
        mewl_store_rollback(store);
        return status;
    }
    return mewl_store_commit(store, err);
}

/* What was taken in, for whoever tells of it. */
static mewl_status remember(mewl_baby_intake *intake, const file_intake *f, mewl_error *err)
{
    if (intake->count + f->count > intake->capacity) {
        const size_t wanted = 2 * (intake->count + f->count);
        mewl_store_recording *grown = realloc(intake->kept, wanted * sizeof *grown);
        if (grown == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu recordings", wanted);
        }
        intake->kept = grown;
        intake->capacity = wanted;
    }
    for (size_t i = 0; i < f->count; i++) {
        intake->kept[intake->count++] = f->list[i].row;
    }
    return MEWL_OK;
}

static void say_guess(const file_intake *f)
{
    char time[32];
    mewl_cli_note(f->intake->baby->cli,
                  "%s: its name tells no time; by the file's date it began %s (else say --at TIME)", f->path,
                  mewl_baby_time(time, f->start_ms));
}

/* Cries from before the birth are somebody else's, or the time or the day of birth is wrong. */
static mewl_status check_birth(const file_intake *f, mewl_error *err)
{
    const mewl_store_infant *infant = &f->intake->baby->infant;
    char time[32], day[32];
    if (!mewl_baby_before_birth(f->start_ms, infant->born_ms)) {
        return MEWL_OK;
    }
    return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                          "%s: it began %s, before %s was born (%s), so it is not taken in; if that time is wrong, say "
                          "--at TIME; if the day of birth is, `mewl baby set %s --born DATE`",
                          f->path, mewl_baby_time(time, f->start_ms), infant->name, mewl_baby_day(day, infant->born_ms),
                          infant->name);
}

/* What the sound says: fills f->list. The file's time needs its length, so that it is known first. */
static mewl_status hear_file(file_intake *f, mewl_baby_heard *heard, mewl_error *err)
{
    mewl_baby_intake *intake = f->intake;
    if (intake->timed) {
        f->start_ms = intake->next_ms;
        f->from = MEWL_STORE_TIME_GIVEN;
    } else {
        MEWL_TRY(mewl_baby_file_time(&f->start_ms, &f->from, f->path, 0.0, err));
    }
    MEWL_TRY(check_birth(f, err));
    MEWL_TRY(mewl_baby_listen(&intake->ear, heard, f->path, take_in, f, err));
    if (f->from == MEWL_STORE_TIME_FILE) { /* that was its end */
        const int64_t length_ms = llround(1000.0 * heard->seconds);
        f->start_ms -= length_ms;
        for (size_t i = 0; i < f->count; i++) {
            f->list[i].row.start_ms -= length_ms;
        }
        say_guess(f);
    }
    return MEWL_OK;
}

static void unreadable(mewl_baby_intake *intake, const mewl_error *bad)
{
    intake->unreadable++;
    intake->first_bad = intake->unreadable == 1 ? bad->status : intake->first_bad;
    mewl_cli_error(intake->baby->cli, "%s", bad->text);
}

/* Whether a failure is the file's own, rather than the store's or the machine's. */
static bool files_fault(mewl_status status)
{
    return status == MEWL_E_NOT_FOUND || status == MEWL_E_FORMAT || status == MEWL_E_UNSUPPORTED ||
           status == MEWL_E_EMPTY || status == MEWL_E_IO || status == MEWL_E_PERMISSION || status == MEWL_E_TIMEOUT ||
           status == MEWL_E_ARG;
}

static void say_known(const file_intake *f, const mewl_store_recording *before)
{
    char time[32];
    const bool compared = before->role == MEWL_STORE_SCORED && f->intake->role == MEWL_STORE_ENROLLED;
    mewl_cli_note(f->intake->baby->cli, "%s: is there already, with %s as its time, so it is passed over; %s", f->path,
                  mewl_baby_time(time, before->start_ms),
                  compared ? "it was compared with the usual cries then, and stays one of those"
                           : "nothing needs to be done");
}

static mewl_status run_file(file_intake *f, mewl_error *err)
{
    mewl_baby_intake *intake = f->intake;
    mewl_store_recording before;
    mewl_error bad = {0};
    mewl_baby_heard heard = {0};
    mewl_status status = mewl_sha256_file(f->hash, f->path, &bad);
    if (status == MEWL_OK) {
        status = mewl_store_recording_find(intake->baby->store, &before, intake->baby->infant.id, f->hash, &bad);
        if (status == MEWL_OK) {
            intake->known++;
            say_known(f, &before);
            return MEWL_OK;
        }
        status = status == MEWL_E_NOT_FOUND ? hear_file(f, &heard, &bad) : status;
    }
    if (status != MEWL_OK && files_fault(status)) {
        bad.status = status;
        unreadable(intake, &bad);
        return MEWL_OK;
    }
    if (status != MEWL_OK) {
        return mewl_error_set(err, status, "%s", bad.text);
    }
    MEWL_TRY(store_file(f, &heard, err));
    bool usable = false;
    for (size_t i = 0; i < f->count; i++) {
        usable = usable || f->list[i].row.usable;
    }
    intake->files++;
    intake->left_out += !usable;
    intake->heard_s += heard.heard_s;
    intake->next_ms += llround(1000.0 * heard.seconds);
    return remember(intake, f, err);
}

mewl_status mewl_baby_intake_file(mewl_baby_intake *intake, const char *path, mewl_error *err)
{
    file_intake f = {.intake = intake, .path = path};
    const mewl_status status = run_file(&f, err);
    for (size_t i = 0; i < f.count; i++) {
        free(f.list[i].embedding);
    }
    free(f.list);
    return status;
}
