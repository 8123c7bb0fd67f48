/* baby_waiting.c - see baby_waiting.h. */
#include "cli/baby_waiting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/baby_learn.h"

#define REPLAY_MAX 20000u /* recordings that a model is made anew from */

const char *const mewl_baby_watched[MEWL_BABY_WATCHED] = {"log_f0", "log_f0_range", "hnr_db", "log_dysphonation"};
const char *const mewl_baby_surroundings[MEWL_BABY_SURROUNDINGS] = {"noise_dbfs", "tilt_db", "log_bandwidth"};

void mewl_baby_queue_fini(mewl_baby_queue *q)
{
    for (size_t i = 0; i < q->count; i++) {
        free(q->list[i].embedding);
    }
    free(q->list);
    *q = (mewl_baby_queue){0};
}

static mewl_status add_recording(void *user, const mewl_store_recording *r)
{
    mewl_baby_queue *q = user;
    if (!r->usable) {
        return MEWL_OK;
    }
    if (q->count == 2 * REPLAY_MAX) { /* the older half has left the model's memory long since */
        memmove(q->list, q->list + REPLAY_MAX, REPLAY_MAX * sizeof *q->list);
        q->count = REPLAY_MAX;
    }
    if (q->count == q->capacity) {
        const size_t wanted = q->capacity > 0 ? 2 * q->capacity : 64;
        mewl_baby_waiting *grown = realloc(q->list, wanted * sizeof *grown);
        if (grown == NULL) {
            return MEWL_E_MEMORY;
        }
        q->list = grown;
        q->capacity = wanted;
    }
    mewl_baby_waiting *w = &q->list[q->count++];
    *w = (mewl_baby_waiting){.id = r->id,
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
static mewl_baby_waiting *find_waiting(mewl_baby_queue *q, int64_t start_ms, int64_t id)
{
    while (q->at < q->count &&
           (q->list[q->at].start_ms < start_ms || (q->list[q->at].start_ms == start_ms && q->list[q->at].id < id))) {
        q->at++;
    }
    return q->at < q->count && q->list[q->at].id == id ? &q->list[q->at] : NULL;
}

static mewl_status add_embedding(void *user, const mewl_store_embedding *e)
{
    mewl_baby_queue *q = user;
    mewl_baby_waiting *w = find_waiting(q, e->start_ms, e->recording_id);
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
    mewl_baby_queue *queue;
    size_t watched, surrounding; /* which; SIZE_MAX: not one of these */
} one_measure;

static mewl_status add_measure(void *user, int64_t recording_id, int64_t start_ms, const mewl_store_measure *measure)
{
    const one_measure *m = user;
    mewl_baby_waiting *w = find_waiting(m->queue, start_ms, recording_id);
    if (w != NULL && m->watched < MEWL_BABY_WATCHED) {
        w->measures[m->watched] = measure->value;
    } else if (w != NULL) {
        w->surroundings[m->surrounding] = measure->value;
    }
    return MEWL_OK;
}

/* Those without an embedding by this version are not heard: versions are never mixed. */
static void drop_unready(mewl_baby_queue *q)
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

mewl_status mewl_baby_queue_read(mewl_baby_queue *q, mewl_baby *baby, int64_t model_id, int64_t from_ms,
                                 mewl_error *err)
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
