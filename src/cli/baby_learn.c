/* baby_learn.c - see baby_learn.h. */
#include "cli/baby_learn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/baby_words.h"
#include "cli/population.h"
#include "store/alerts.h"
#include "store/coverage.h"
#include "store/personals.h"
#include "store/timeline.h"

#define REPLAY_MAX 20000u /* recordings that a model is made anew from */
#define SESSION_GAP_S 3600.0

const char *const mewl_baby_watched[MEWL_BABY_WATCHED] = {"log_f0", "log_f0_range", "hnr_db", "log_dysphonation"};
const char *const mewl_baby_surroundings[MEWL_BABY_SURROUNDINGS] = {"noise_dbfs", "tilt_db", "log_bandwidth"};

/* ---- What waits, read from the store. ---- */

typedef struct waiting {
    mewl_recording recording;
    int64_t id, start_ms, session_id;
    bool enrolled, ready; /* ready: has an embedding by the present embedder */
    float *embedding;
    double measures[MEWL_BABY_WATCHED], surroundings[MEWL_BABY_SURROUNDINGS];
} waiting;

typedef struct queue {
    waiting *list; /* by time, then number: as the store gives recordings */
    size_t count, capacity;
    size_t at; /* where the reading of embeddings or measures is */
    size_t dims;
    bool failed;
} queue;

static void queue_fini(queue *q)
{
    for (size_t i = 0; i < q->count; i++) {
        free(q->list[i].embedding);
    }
    free(q->list);
    *q = (queue){0};
}

static mewl_status add_recording(void *user, const mewl_store_recording *r)
{
    queue *q = user;
    if (!r->usable) {
        return MEWL_OK;
    }
    if (q->count == 2 * REPLAY_MAX) { /* the older half has left the model's memory long since */
        memmove(q->list, q->list + REPLAY_MAX, REPLAY_MAX * sizeof *q->list);
        q->count = REPLAY_MAX;
    }
    if (q->count == q->capacity) {
        const size_t wanted = q->capacity > 0 ? 2 * q->capacity : 64;
        waiting *grown = realloc(q->list, wanted * sizeof *grown);
        if (grown == NULL) {
            return MEWL_E_MEMORY;
        }
        q->list = grown;
        q->capacity = wanted;
    }
    waiting *w = &q->list[q->count++];
    *w = (waiting){.id = r->id,
                   .start_ms = r->start_ms,
                   .session_id = r->session_id,
                   .enrolled = r->role == MEWL_STORE_ENROLLED,
                   .recording = {.time_s = (double)r->start_ms / 1000.0,
                                 .source = (uint32_t)r->source_id,
                                 .figures = {r->confidence, r->snr_db, r->clipped_share, r->cry_s}}};
    for (size_t i = 0; i < MEWL_BABY_WATCHED; i++) {
        w->measures[i] = (double)NAN;
    }
    for (size_t i = 0; i < MEWL_BABY_SURROUNDINGS; i++) {
        w->surroundings[i] = (double)NAN;
    }
    return MEWL_OK;
}

/* The waiting one of that time and number, looked for from where the last was: all come in the same order. */
static waiting *find_waiting(queue *q, int64_t start_ms, int64_t id)
{
    while (q->at < q->count &&
           (q->list[q->at].start_ms < start_ms || (q->list[q->at].start_ms == start_ms && q->list[q->at].id < id))) {
        q->at++;
    }
    return q->at < q->count && q->list[q->at].id == id ? &q->list[q->at] : NULL;
}

static mewl_status add_embedding(void *user, const mewl_store_embedding *e)
{
    queue *q = user;
    waiting *w = find_waiting(q, e->start_ms, e->recording_id);
    if (w == NULL) {
        return MEWL_OK;
    }
    w->embedding = malloc(e->dimensions * sizeof *w->embedding);
    if (w->embedding == NULL) {
        return MEWL_E_MEMORY;
    }
    memcpy(w->embedding, e->values, e->dimensions * sizeof *w->embedding);
    w->ready = true;
    q->dims = e->dimensions;
    return MEWL_OK;
}

typedef struct one_measure {
    queue *queue;
    size_t watched, surrounding; /* which; SIZE_MAX: not one of these */
} one_measure;

static mewl_status add_measure(void *user, int64_t recording_id, int64_t start_ms, const mewl_store_measure *measure)
{
    const one_measure *m = user;
    waiting *w = find_waiting(m->queue, start_ms, recording_id);
    if (w != NULL && m->watched < MEWL_BABY_WATCHED) {
        w->measures[m->watched] = measure->value;
    } else if (w != NULL) {
        w->surroundings[m->surrounding] = measure->value;
    }
    return MEWL_OK;
}

/* Those without an embedding by this version are not heard: versions are never mixed. */
static void drop_unready(queue *q)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->count; i++) {
        if (q->list[i].ready) {
            q->list[kept++] = q->list[i];
        }
    }
    const size_t beyond = kept > REPLAY_MAX ? kept - REPLAY_MAX : 0;
    for (size_t i = 0; i < beyond; i++) {
        free(q->list[i].embedding);
    }
    if (beyond > 0) {
        memmove(q->list, q->list + beyond, (kept - beyond) * sizeof *q->list);
    }
    q->count = kept - beyond;
    for (size_t i = 0; i < q->count; i++) { /* the list no longer moves */
        q->list[i].recording.embedding = q->list[i].embedding;
        q->list[i].recording.measures = q->list[i].measures;
        q->list[i].recording.surroundings = q->list[i].surroundings;
    }
}

static mewl_status read_queue(mewl_baby *baby, queue *q, int64_t model_id, int64_t from_ms, mewl_error *err)
{
    const int64_t id = baby->infant.id;
    mewl_status status = mewl_store_recording_each(baby->store, id, from_ms, INT64_MAX, add_recording, q, err);
    if (status == MEWL_OK) {
        status = mewl_store_embedding_each(baby->store, id, model_id, from_ms, INT64_MAX, add_embedding, q, err);
    }
    for (size_t i = 0; i < MEWL_BABY_WATCHED + MEWL_BABY_SURROUNDINGS && status == MEWL_OK; i++) {
        one_measure m = {q, i, i - MEWL_BABY_WATCHED};
        const char *name = i < MEWL_BABY_WATCHED ? mewl_baby_watched[i] : mewl_baby_surroundings[i - MEWL_BABY_WATCHED];
        q->at = 0;
        status = mewl_store_measure_each(baby->store, id, name, from_ms, INT64_MAX, add_measure, &m, err);
    }
    if (status == MEWL_E_MEMORY) {
        return mewl_error_set(err, status, "out of memory for %zu recordings", q->count);
    }
    drop_unready(q);
    return status;
}

/* ---- The model: the stored one where it still fits, else a new one. ---- */

typedef struct lesson {
    mewl_baby *baby;
    mewl_baby_learning *learning;
    mewl_baby_learned *out;
    mewl_infant *infant;
    int64_t personal_id; /* of the state that judged: the one before */
    bool changed;        /* the model is another than was loaded */
    int64_t news_ms;     /* recordings from here on wait: alerts are raised for these alone */
    mewl_error *err;
} lesson;

static mewl_infant_opts options_of(const lesson *l)
{
    mewl_infant_opts opts = {.kind = l->learning->kind,
                             .session_gap_s = SESSION_GAP_S,
                             .false_alarm_days = l->baby->infant.alarm_days,
                             .measures = MEWL_BABY_WATCHED,
                             .surroundings = MEWL_BABY_SURROUNDINGS,
                             .seed = (uint64_t)l->baby->infant.id};
    (void)snprintf(opts.embedder, sizeof opts.embedder, "%.63s", l->learning->embedder.hash);
    return opts;
}

/* The stored model, or NULL in l->infant where there is none that fits what is wanted and what waits. */
static mewl_status load_model(lesson *l)
{
    mewl_store_personal row;
    void *data = NULL;
    size_t bytes = 0;
    mewl_status status =
        mewl_store_personal_get(l->baby->store, &row, &data, &bytes, l->baby->infant.id, l->learning->embedder.id,
                                mewl_personal_name(l->learning->kind), l->err);
    if (status == MEWL_E_NOT_FOUND) {
        return MEWL_OK;
    }
    MEWL_TRY(status);
    status = mewl_infant_load(&l->infant, data, bytes, "the personal model", l->err);
    free(data);
    if (status == MEWL_E_FORMAT || status == MEWL_E_UNSUPPORTED) { /* of an older Mewl: it is made anew */
        l->infant = NULL;
        return MEWL_OK;
    }
    MEWL_TRY(status);
    l->personal_id = row.id;
    const mewl_infant_opts *opts = mewl_infant_options(l->infant), wanted = options_of(l);
    const mewl_infant_state state = mewl_infant_describe(l->infant);
    const double last_s = isfinite(state.last_time_s) ? state.last_time_s : -INFINITY;
    if (fabs(opts->false_alarm_days - wanted.false_alarm_days) > 1e-9 || opts->measures != wanted.measures ||
        opts->surroundings != wanted.surroundings || strcmp(opts->embedder, wanted.embedder) != 0 ||
        (double)l->news_ms / 1000.0 < last_s) {
        mewl_infant_free(l->infant);
        l->infant = NULL;
    }
    return MEWL_OK;
}

static mewl_status new_model(lesson *l)
{
    l->out->anew = true;
    l->personal_id = 0;
    MEWL_TRY(mewl_store_timeline_clear(l->baby->store, l->baby->infant.id, l->err));
    mewl_population population;
    MEWL_TRY(mewl_cli_population_open(l->baby->cli, &population, l->learning->population, l->learning->embedder.hash,
                                      l->err));
    const mewl_status status = mewl_infant_new(&l->infant, (size_t)l->learning->embedder.dimensions,
                                               population.dims > 0 ? &population : NULL, options_of(l), l->err);
    mewl_population_fini(&population);
    return status;
}

static mewl_status add_listening(void *user, const mewl_store_coverage *c)
{
    lesson *l = user;
    return mewl_infant_listened(l->infant, (double)c->from_ms / 1000.0, (double)c->to_ms / 1000.0, l->err);
}

/* ---- What comes of it, into the store. ---- */

static mewl_status raise_alert(lesson *l, const mewl_entry *entry, const mewl_store_entry *kept)
{
    const char *kind = mewl_entry_name(entry->kind);
    mewl_store_alert alert = {.infant_id = l->baby->infant.id,
                              .time_ms = kept->time_ms,
                              .told_ms = l->baby->now_ms,
                              .session_id = kept->session_id,
                              .p_value = kept->p_value,
                              .alarm_days = l->baby->infant.alarm_days};
    if (kept->time_ms < l->news_ms - (int64_t)(1000.0 * SESSION_GAP_S)) {
        return MEWL_OK; /* known before: it was told then, or was not thought worth it */
    }
    (void)snprintf(alert.kind, sizeof alert.kind, "%s", kind);
    (void)snprintf(alert.text, sizeof alert.text, "%s", kept->text);
    l->out->alerts++;
    return mewl_store_alert_add(l->baby->store, &alert, l->err);
}

static mewl_status keep_entry(lesson *l, const mewl_entry *entry)
{
    static const mewl_store_entry_kind kinds[MEWL_ENTRY_KINDS] = {
        [MEWL_ENTRY_ENROLLED] = MEWL_STORE_ENTRY_ENROLLED, [MEWL_ENTRY_USUAL] = MEWL_STORE_ENTRY_USUAL,
        [MEWL_ENTRY_UNUSUAL] = MEWL_STORE_ENTRY_UNUSUAL,   [MEWL_ENTRY_UNUSABLE] = MEWL_STORE_ENTRY_UNUSABLE,
        [MEWL_ENTRY_CHANGE] = MEWL_STORE_ENTRY_CHANGE,     [MEWL_ENTRY_DEVICE] = MEWL_STORE_ENTRY_DEVICE};
    mewl_store_entry kept = {.infant_id = l->baby->infant.id,
                             .time_ms = llround(1000.0 * entry->time_s),
                             .kind = kinds[entry->kind],
                             .recordings = (int64_t)entry->recordings,
                             .gate = entry->gate,
                             .score = entry->score,
                             .p_value = entry->p,
                             .p_step = entry->p_step,
                             .learned = entry->learned,
                             .held_apart = entry->held_apart,
                             .z = entry->z,
                             .evidence = entry->evidence,
                             .coverage = entry->covered};
    MEWL_TRY(mewl_store_session_at(l->baby->store, &kept.session_id, kept.infant_id, kept.time_ms, l->err));
    (void)snprintf(kept.calibration, sizeof kept.calibration, "%s",
                   mewl_calibration_name((mewl_calibration)entry->calibration));
    if (entry->channel >= 0) {
        (void)snprintf(kept.channel, sizeof kept.channel, "%s",
                       entry->channel == 0 ? "score" : mewl_baby_watched[(entry->channel - 1) % MEWL_BABY_WATCHED]);
    }
    mewl_baby_entry_words(kept.text, sizeof kept.text, &kept);
    MEWL_TRY(mewl_store_entry_put(l->baby->store, &kept, l->err));
    const bool alarming =
        entry->kind == MEWL_ENTRY_UNUSUAL || entry->kind == MEWL_ENTRY_CHANGE || entry->kind == MEWL_ENTRY_DEVICE;
    return alarming ? raise_alert(l, entry, &kept) : MEWL_OK;
}

static mewl_status keep_entries(lesson *l, const mewl_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        MEWL_TRY(keep_entry(l, &entries[i]));
    }
    return MEWL_OK;
}

static mewl_status end_session(lesson *l)
{
    mewl_entry entries[MEWL_INFANT_ENTRIES_MAX];
    size_t count = 0;
    MEWL_TRY(mewl_infant_end_session(l->infant, entries, &count, l->err));
    l->changed = l->changed || count > 0;
    return keep_entries(l, entries, count);
}

static mewl_status keep_score(lesson *l, const waiting *w, const mewl_verdict *v, mewl_store_verdict verdict)
{
    mewl_store_score score = {.recording_id = w->id,
                              .model_id = l->learning->embedder.id,
                              .personal_id = l->personal_id,
                              .score = v->score,
                              .p_value = v->p.p,
                              .verdict = verdict};
    (void)snprintf(score.kind, sizeof score.kind, "%s", mewl_personal_name(l->learning->kind));
    MEWL_TRY(mewl_store_score_put(l->baby->store, &score, l->err));
    if (w->start_ms >= l->news_ms) {
        l->out->judged++;
        if (l->learning->said != NULL) {
            l->learning->said(l->learning->user, w->id, v, w->enrolled);
        }
    }
    return MEWL_OK;
}

/* The sessions of a run of enrolled recordings, an entry each. */
static mewl_status keep_enrolled(lesson *l, const waiting *list, size_t count)
{
    const mewl_verdict none = {.score = (double)NAN, .p = {.p = (double)NAN, .step = (double)NAN}};
    for (size_t i = 0; i < count;) {
        size_t end = i;
        for (; end < count && list[end].session_id == list[i].session_id; end++) {
            MEWL_TRY(keep_score(l, &list[end], &none, MEWL_STORE_LEARNING));
        }
        mewl_store_entry entry = {.infant_id = l->baby->infant.id,
                                  .time_ms = list[i].start_ms,
                                  .kind = MEWL_STORE_ENTRY_ENROLLED,
                                  .session_id = list[i].session_id,
                                  .recordings = (int64_t)(end - i),
                                  .learned = true,
                                  .score = (double)NAN,
                                  .p_value = (double)NAN,
                                  .p_step = (double)NAN,
                                  .z = (double)NAN,
                                  .evidence = (double)NAN,
                                  .coverage = (double)NAN};
        mewl_baby_entry_words(entry.text, sizeof entry.text, &entry);
        MEWL_TRY(mewl_store_entry_put(l->baby->store, &entry, l->err));
        i = end;
    }
    return MEWL_OK;
}

/* `count` enrolled recordings in a row. */
static mewl_status enrol(lesson *l, const waiting *list, size_t count)
{
    MEWL_TRY(end_session(l));
    mewl_recording *recordings = malloc(count * sizeof *recordings);
    if (recordings == NULL) {
        return mewl_error_set(l->err, MEWL_E_MEMORY, "out of memory for %zu recordings", count);
    }
    for (size_t i = 0; i < count; i++) {
        recordings[i] = list[i].recording;
    }
    const mewl_status status = mewl_infant_enrol(l->infant, NULL, recordings, count, l->err);
    free(recordings);
    return status == MEWL_OK ? keep_enrolled(l, list, count) : status;
}

static mewl_status hear(lesson *l, const waiting *w)
{
    mewl_entry entries[MEWL_INFANT_ENTRIES_MAX];
    mewl_verdict v = {.score = (double)NAN, .p = {.p = (double)NAN, .step = (double)NAN}};
    size_t count = 0;
    if (mewl_infant_describe(l->infant).sessions == 0) { /* nothing to compare it with */
        return keep_score(l, w, &v, MEWL_STORE_LEARNING);
    }
    MEWL_TRY(mewl_infant_hear(l->infant, &v, entries, &count, &w->recording, l->err));
    MEWL_TRY(keep_entries(l, entries, count));
    return keep_score(l, w, &v, v.gate != 0 ? MEWL_STORE_UNUSABLE : v.unusual ? MEWL_STORE_UNUSUAL : MEWL_STORE_USUAL);
}

static mewl_status hear_all(lesson *l, const queue *q)
{
    for (size_t i = 0; i < q->count;) {
        size_t run = 0;
        while (i + run < q->count && q->list[i + run].enrolled) {
            run++;
        }
        mewl_cli_report(l->baby->cli, (double)i, (double)q->count, "comparing");
        if (run > 0) {
            MEWL_TRY(enrol(l, q->list + i, run));
            i += run;
        } else {
            MEWL_TRY(hear(l, &q->list[i]));
            i++;
        }
    }
    const mewl_infant_state state = mewl_infant_describe(l->infant);
    if (isfinite(state.last_time_s) && (double)l->baby->now_ms / 1000.0 - state.last_time_s >= SESSION_GAP_S) {
        MEWL_TRY(end_session(l)); /* nothing more belongs to it */
    }
    return MEWL_OK;
}

static mewl_status save_model(lesson *l)
{
    mewl_buffer bytes;
    const mewl_infant_state state = mewl_infant_describe(l->infant);
    mewl_store_personal row = {.infant_id = l->baby->infant.id,
                               .model_id = l->learning->embedder.id,
                               .made_ms = l->baby->now_ms,
                               .recordings = (int64_t)state.learned_recordings,
                               .sessions = (int64_t)state.sessions};
    (void)snprintf(row.kind, sizeof row.kind, "%s", mewl_personal_name(l->learning->kind));
    mewl_buffer_init(&bytes, MEWL_STORE_BLOB_MAX);
    mewl_status status = mewl_infant_save(l->infant, &bytes, l->err);
    if (status == MEWL_OK && bytes.failed) {
        status = mewl_error_set(l->err, MEWL_E_MEMORY, "the personal model is too large to be kept");
    }
    status = status == MEWL_OK ? mewl_store_personal_put(l->baby->store, &row, bytes.data, bytes.size, l->err) : status;
    mewl_buffer_fini(&bytes);
    return status;
}

static mewl_status learn(lesson *l)
{
    queue q = {0};
    MEWL_TRY(load_model(l));
    const bool anew = l->infant == NULL;
    if (anew) {
        MEWL_TRY(new_model(l));
    }
    const int64_t from_ms = anew ? INT64_MIN : l->news_ms;
    mewl_status status = mewl_store_coverage_each(l->baby->store, l->baby->infant.id, anew ? INT64_MIN / 2 : from_ms,
                                                  INT64_MAX, add_listening, l, l->err);
    status = status == MEWL_OK ? read_queue(l->baby, &q, l->learning->embedder.id, from_ms, l->err) : status;
    l->changed = anew || q.count > 0;
    status = status == MEWL_OK ? hear_all(l, &q) : status;
    queue_fini(&q);
    status = status == MEWL_OK && l->changed ? save_model(l) : status;
    l->out->state = mewl_infant_describe(l->infant);
    return status;
}

mewl_status mewl_baby_learn(mewl_baby *baby, mewl_baby_learned *out, mewl_baby_learning learning, mewl_error *err)
{
    int64_t count = 0;
    lesson l = {.baby = baby, .learning = &learning, .out = out, .err = err};
    *out = (mewl_baby_learned){0};
    MEWL_TRY(mewl_store_begin(baby->store, err));
    mewl_status status = mewl_store_unscored(baby->store, &count, &l.news_ms, baby->infant.id, learning.embedder.id,
                                             mewl_personal_name(learning.kind), err);
    if (count == 0) {
        l.news_ms = INT64_MAX;
    }
    status = status == MEWL_OK ? learn(&l) : status;
    mewl_infant_free(l.infant);
    if (status != MEWL_OK) {
        mewl_store_rollback(baby->store);
        return status;
    }
    return mewl_store_commit(baby->store, err);
}

mewl_status mewl_baby_settle(mewl_baby *baby, mewl_baby_learned *out, mewl_error *err)
{
    mewl_store_personal latest;
    mewl_baby_learning learning = {.population = NULL};
    *out = (mewl_baby_learned){0};
    const mewl_status status = mewl_store_personal_latest(baby->store, &latest, baby->infant.id, err);
    if (status == MEWL_E_NOT_FOUND || (status == MEWL_OK && !mewl_personal_find(&learning.kind, latest.kind))) {
        return MEWL_OK;
    }
    MEWL_TRY(status);
    MEWL_TRY(mewl_store_model_get(baby->store, &learning.embedder, latest.model_id, err));
    return mewl_baby_learn(baby, out, learning, err);
}
