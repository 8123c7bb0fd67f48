/* corpus.c - see corpus.h. Opening has three steps: which files (corpus_gather.c), what is in them (decode, on
 * threads), and an index to draw from. */
#include "data/corpus.h"

#include "audio/clip.h"
#include "audio/resample.h"
#include "data/phonation.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIP_SECONDS_MAX 120.0
#define ROOM_SECONDS_MAX 1.5
#define THREADS_MAX 64
#define DRAW_TRIES 64

/* Sounds of one role and side, as categories of groups of sounds: flat arrays with ranges. */
typedef struct range {
    size_t first, count;
} range;

typedef struct draw_index {
    range *categories; /* over groups */
    double *weights;   /* running sums over categories */
    size_t category_count;
    range *groups; /* over order */
    size_t *order; /* sounds */
    size_t count;
} draw_index;

struct mewl_corpus {
    mewl_manifest manifest;
    mewl_sound *sounds;
    size_t count;
    draw_index index[MEWL_ROLE_COUNT][MEWL_SIDE_COUNT];
    mewl_corpus_stats stats;
};

/* ---- what is in them ---- */

typedef struct loading {
    mewl_corpus *corpus;
    const mewl_recipe *recipe;
    const mewl_progress *progress;
    atomic_size_t next, done, bytes;
    atomic_bool full;
    pthread_mutex_t lock; /* progress, stats */
} loading;

/* Cuts silence (80 dB below the peak) off both ends. */
static void trim(const float **samples, size_t *count, float peak)
{
    float quiet = peak * 1e-4f;
    while (*count > 0 && fabsf((*samples)[*count - 1]) <= quiet) {
        (*count)--;
    }
    while (*count > 0 && fabsf((*samples)[0]) <= quiet) {
        (*samples)++;
        (*count)--;
    }
}

static mewl_status find_events(mewl_sound *sound, const float *samples, size_t count, mewl_error *err)
{
    mewl_segments s;
    const mewl_segment_opts opts = mewl_segment_opts_default();
    MEWL_TRY(mewl_segment_clip(&s, samples, count, MEWL_CORPUS_RATE_HZ, opts, err));
    if (sound->role == MEWL_ROLE_CRY) {
        mewl_status status = mewl__segments_phonation(&s, samples, count, opts, err);
        if (status != MEWL_OK) {
            mewl_segments_fini(&s);
            return status;
        }
    }
    sound->events = s.events;
    sound->event_count = s.event_count;
    sound->bursts = s.bursts;
    sound->burst_count = s.burst_count;
    sound->floor_dbfs = s.floor_dbfs;
    sound->threshold_dbfs = s.threshold_dbfs;
    sound->loud_dbfs = s.loud_dbfs;
    sound->snr_db = s.snr_db;
    return MEWL_OK;
}

/* Keeps `count` samples as 16-bit numbers. */
static mewl_status keep(loading *l, mewl_sound *sound, const float *samples, size_t count, float peak, mewl_error *err)
{
    size_t ceiling = (size_t)l->recipe->data_memory_mb << 20;
    if (atomic_fetch_add(&l->bytes, count * sizeof(int16_t)) + count * sizeof(int16_t) > ceiling) {
        atomic_store(&l->full, true);
        return MEWL_E_MEMORY;
    }
    int16_t *kept = malloc((count > 0 ? count : 1) * sizeof *kept);
    if (kept == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for recordings");
    }
    float scale = peak > 0 ? 32767 / peak : 0;
    for (size_t i = 0; i < count; i++) {
        kept[i] = (int16_t)lrintf(samples[i] * scale);
    }
    sound->samples = kept;
    sound->count = count;
    sound->peak = peak;
    return MEWL_OK;
}

static mewl_status load_one(loading *l, mewl_sound *sound, mewl_error *err)
{
    mewl_clip clip;
    const mewl_row *row = sound->row;
    float *converted = NULL;
    MEWL_TRY(mewl_clip_read(&clip, row->path, 0, CLIP_SECONDS_MAX, err));
    sound->bandwidth_hz = fmin(8000, clip.rate_hz / 2);
    size_t from = isnan(row->onset_s) ? 0 : (size_t)(row->onset_s * clip.rate_hz);
    size_t to = isnan(row->offset_s) ? clip.count : (size_t)fmin((double)clip.count, row->offset_s * clip.rate_hz);
    size_t count = to > from ? to - from : 0;
    const float *samples = clip.samples + (count > 0 ? from : 0);
    mewl_status status = MEWL_OK;
    if (count > 0 && clip.rate_hz != MEWL_CORPUS_RATE_HZ) {
        status = mewl_resample(&converted, &count, samples, count, clip.rate_hz, MEWL_CORPUS_RATE_HZ,
                               (mewl_resample_opts){0}, err);
        samples = converted;
    }
    float peak = 0;
    for (size_t i = 0; status == MEWL_OK && i < count; i++) {
        peak = fmaxf(peak, fabsf(samples[i]));
    }
    if (status == MEWL_OK && !(peak > 1e-6f && isfinite(peak))) {
        status = mewl_error_set(err, MEWL_E_EMPTY, "%s: silent", row->path);
    }
    if (status == MEWL_OK) {
        trim(&samples, &count, peak);
        if (sound->role == MEWL_ROLE_ROOM) {
            size_t most = (size_t)(ROOM_SECONDS_MAX * MEWL_CORPUS_RATE_HZ);
            count = count < most ? count : most;
        } else if (sound->role != MEWL_ROLE_BACKGROUND) {
            status = find_events(sound, samples, count, err);
        }
    }
    if (status == MEWL_OK) {
        status = keep(l, sound, samples, count, peak, err);
    }
    free(converted);
    mewl_clip_fini(&clip);
    return status;
}

static void *load_some(void *argument)
{
    loading *l = argument;
    mewl_corpus *c = l->corpus;
    for (size_t i; !atomic_load(&l->full) && (i = atomic_fetch_add(&l->next, 1)) < c->count;) {
        mewl_error err = {0};
        mewl_status status = load_one(l, &c->sounds[i], &err);
        size_t done = atomic_fetch_add(&l->done, 1) + 1;
        pthread_mutex_lock(&l->lock);
        if (status != MEWL_OK && !atomic_load(&l->full) && c->stats.unreadable++ == 0) {
            snprintf(c->stats.unreadable_example, sizeof c->stats.unreadable_example, "%s", err.text);
        }
        if (done % 16 == 0 || done == c->count) {
            mewl_progress_report(l->progress, (double)done, (double)c->count, "loading recordings");
        }
        pthread_mutex_unlock(&l->lock);
    }
    return NULL;
}

static mewl_status load_all(mewl_corpus *c, const mewl_recipe *recipe, int threads, const mewl_progress *progress,
                            mewl_error *err)
{
    loading l = {.corpus = c, .recipe = recipe, .progress = progress};
    atomic_init(&l.next, 0);
    atomic_init(&l.done, 0);
    atomic_init(&l.bytes, 0);
    atomic_init(&l.full, false);
    pthread_mutex_init(&l.lock, NULL);
    pthread_t thread[THREADS_MAX];
    int started = 0;
    while (started < threads - 1 && started < THREADS_MAX &&
           pthread_create(&thread[started], NULL, load_some, &l) == 0) {
        started++;
    }
    load_some(&l);
    while (started > 0) {
        pthread_join(thread[--started], NULL);
    }
    pthread_mutex_destroy(&l.lock);
    c->stats.bytes = atomic_load(&l.bytes);
    if (atomic_load(&l.full)) {
        return mewl_error_set(err, MEWL_E_MEMORY, "the recordings need more than data.memory_mb = %lld MB",
                              (long long)recipe->data_memory_mb);
    }
    if (c->count > 0 && c->stats.unreadable == c->count) {
        return mewl_error_set(err, MEWL_E_IO, "not one of %zu recordings could be read: %.300s", c->count,
                              c->stats.unreadable_example);
    }
    return MEWL_OK;
}

/* ---- the index ---- */

/* Sort key of a sound in the index. Manifest order is by path, so ties need no breaking beyond the sound's number. */
typedef struct placed {
    const mewl_sound *sound;
    size_t number;
} placed;

static int compare_placed(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    int order = strcmp(x->sound->row->set, y->sound->row->set);
    order = order != 0 ? order : strcmp(x->sound->row->label, y->sound->row->label);
    order = order != 0 ? order : strcmp(x->sound->row->group, y->sound->row->group);
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static bool same_category(const mewl_sound *a, const mewl_sound *b)
{
    return strcmp(a->row->set, b->row->set) == 0 && strcmp(a->row->label, b->row->label) == 0;
}

static mewl_status index_build(mewl_corpus *c, mewl_role role, mewl_side side, mewl_error *err)
{
    draw_index *x = &c->index[role][side];
    placed *list = calloc(c->count + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; list != NULL && i < c->count; i++) {
        const mewl_sound *s = &c->sounds[i];
        if (s->role == role && s->side == side && s->samples != NULL) {
            list[n++] = (placed){s, i};
        }
    }
    x->order = calloc(n + 1, sizeof *x->order);
    x->groups = calloc(n + 1, sizeof *x->groups);
    x->categories = calloc(n + 1, sizeof *x->categories);
    x->weights = calloc(n + 1, sizeof *x->weights);
    if (list == NULL || x->order == NULL || x->groups == NULL || x->categories == NULL || x->weights == NULL) {
        free(list);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the index");
    }
    qsort(list, n, sizeof *list, compare_placed);
    size_t groups = 0;
    for (size_t i = 0; i < n; i++) {
        const mewl_sound *s = list[i].sound, *before = i > 0 ? list[i - 1].sound : NULL;
        bool category = before == NULL || !same_category(before, s);
        /* A sound without a group is one of its own. */
        if (category || s->row->group[0] == '\0' || strcmp(before->row->group, s->row->group) != 0) {
            x->groups[groups++] = (range){i, 0};
        }
        if (category) {
            x->categories[x->category_count++] = (range){groups - 1, 0};
        }
        x->groups[groups - 1].count++;
        x->categories[x->category_count - 1].count = groups - x->categories[x->category_count - 1].first;
        x->order[i] = list[i].number;
        c->stats.sounds[role][side]++;
        c->stats.seconds[role][side] += (double)s->count / MEWL_CORPUS_RATE_HZ;
    }
    x->count = n;
    c->stats.groups[role][side] = groups;
    double sum = 0;
    for (size_t k = 0; k < x->category_count; k++) {
        sum += sqrt((double)x->categories[k].count);
        x->weights[k] = sum;
    }
    free(list);
    return MEWL_OK;
}

const mewl_sound *mewl_corpus_draw(const mewl_corpus *c, mewl_role role, mewl_side side, double min_bandwidth_hz,
                                   mewl_rng *rng)
{
    if ((unsigned)role >= MEWL_ROLE_COUNT || (unsigned)side >= MEWL_SIDE_COUNT) {
        return NULL;
    }
    const draw_index *x = &c->index[role][side];
    for (int tries = 0; x->count > 0 && tries < DRAW_TRIES; tries++) {
        double place = mewl_rng_unit(rng) * x->weights[x->category_count - 1];
        size_t k = 0;
        while (k + 1 < x->category_count && x->weights[k] <= place) {
            k++;
        }
        range g = x->groups[x->categories[k].first + mewl_rng_below(rng, x->categories[k].count)];
        const mewl_sound *s = &c->sounds[x->order[g.first + mewl_rng_below(rng, g.count)]];
        if (s->bandwidth_hz >= min_bandwidth_hz) {
            return s;
        }
    }
    for (size_t i = 0; i < x->count; i++) { /* rare ones are missed by chance: look for one */
        const mewl_sound *s = &c->sounds[x->order[i]];
        if (s->bandwidth_hz >= min_bandwidth_hz) {
            return s;
        }
    }
    return NULL;
}

void mewl_sound_copy(const mewl_sound *sound, float *out, size_t from, size_t count)
{
    float scale = sound->peak / 32767;
    size_t have = from < sound->count ? sound->count - from : 0;
    size_t n = count < have ? count : have;
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)sound->samples[from + i] * scale;
    }
    memset(out + n, 0, (count - n) * sizeof *out);
}

/* ---- opening and closing ---- */

static mewl_side side_of(const char *split)
{
    return strcmp(split, "test") == 0    ? MEWL_SIDE_TEST
           : strcmp(split, "valid") == 0 ? MEWL_SIDE_VALID
                                         : MEWL_SIDE_TRAIN;
}

static mewl_status fill(mewl_corpus *c, const mewl_recipe *recipe, int threads, const mewl_progress *progress,
                        mewl_error *err)
{
    mewl_manifest_sort(&c->manifest);
    c->sounds = calloc(c->manifest.count + 1, sizeof *c->sounds);
    if (c->sounds == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu recordings", c->manifest.count);
    }
    for (size_t i = 0; i < c->manifest.count; i++) {
        const mewl_row *row = &c->manifest.rows[i];
        mewl_role role = mewl_corpus_role(row);
        if (role != MEWL_ROLE_COUNT) {
            c->sounds[c->count++] = (mewl_sound){.row = row, .role = role, .side = side_of(row->split)};
        }
    }
    MEWL_TRY(load_all(c, recipe, threads < 1 ? 1 : threads, progress, err));
    for (size_t i = 0; i < c->count; i++) {
        mewl_sound *s = &c->sounds[i];
        if (s->role == MEWL_ROLE_CRY && s->samples != NULL &&
            (s->event_count == 0 || s->snr_db < recipe->data_min_snr_db)) {
            c->stats.cries_unusable++;
            s->role = MEWL_ROLE_COUNT; /* stays out of the index */
        }
    }
    for (int role = 0; role < MEWL_ROLE_COUNT; role++) {
        for (int side = 0; side < MEWL_SIDE_COUNT; side++) {
            MEWL_TRY(index_build(c, (mewl_role)role, (mewl_side)side, err));
        }
    }
    size_t cries = 0, backgrounds = 0;
    for (int side = 0; side < MEWL_SIDE_COUNT; side++) {
        cries += c->stats.sounds[MEWL_ROLE_CRY][side];
        backgrounds += c->stats.sounds[MEWL_ROLE_BACKGROUND][side];
    }
    if (cries == 0 || backgrounds == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY,
                              "no usable %s among %zu recordings (%zu cries below %g dB, %zu unreadable)",
                              cries == 0 ? "cry" : "background", c->count, c->stats.cries_unusable,
                              recipe->data_min_snr_db, c->stats.unreadable);
    }
    return MEWL_OK;
}

mewl_status mewl_corpus_load(mewl_corpus **out, const mewl_manifest *manifest, const mewl_recipe *recipe, int threads,
                             const mewl_progress *progress, mewl_error *err)
{
    *out = NULL;
    mewl_corpus *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a corpus");
    }
    mewl_status status = mewl_manifest_init(&c->manifest, err);
    if (status == MEWL_OK) {
        status = mewl_manifest_append(&c->manifest, manifest, err);
    }
    if (status == MEWL_OK) {
        status = fill(c, recipe, threads, progress, err);
    }
    if (status != MEWL_OK) {
        mewl_corpus_close(c);
        return status;
    }
    *out = c;
    return MEWL_OK;
}

mewl_status mewl_corpus_open(mewl_corpus **out, const mewl_recipe *recipe, int threads, const mewl_progress *progress,
                             mewl_error *err)
{
    *out = NULL;
    mewl_manifest all;
    MEWL_TRY(mewl_corpus_gather(&all, recipe, err));
    mewl_status status = mewl_corpus_load(out, &all, recipe, threads, progress, err);
    mewl_manifest_fini(&all);
    return status;
}

void mewl_corpus_close(mewl_corpus *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        free((void *)(uintptr_t)c->sounds[i].samples);
        free((void *)(uintptr_t)c->sounds[i].events);
        free((void *)(uintptr_t)c->sounds[i].bursts);
    }
    for (int role = 0; role < MEWL_ROLE_COUNT; role++) {
        for (int side = 0; side < MEWL_SIDE_COUNT; side++) {
            draw_index *x = &c->index[role][side];
            free(x->order);
            free(x->groups);
            free(x->categories);
            free(x->weights);
        }
    }
    free(c->sounds);
    mewl_manifest_fini(&c->manifest);
    free(c);
}

const mewl_corpus_stats *mewl_corpus_get_stats(const mewl_corpus *c)
{
    return &c->stats;
}

const mewl_manifest *mewl_corpus_manifest(const mewl_corpus *c)
{
    return &c->manifest;
}

const mewl_sound *mewl_corpus_sounds(const mewl_corpus *c, size_t *count)
{
    *count = c->count;
    return c->sounds;
}
