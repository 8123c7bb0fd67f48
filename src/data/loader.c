/* loader.c - see loader.h. Workers make whole batches; each takes the next number and the next free buffer, so batches
 * differ in who made them and when, never in what they hold. */
#include "data/loader.h"

#include "data/maker.h"
#include "dsp/frontend.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 64
#define OUT_MAX 2
#define PREFETCH_MAX 256
#define TARGET_HOPS 8 /* hops of the front end (10 ms) in a target frame (80 ms) */

typedef enum slot_state { SLOT_FREE, SLOT_MAKING, SLOT_READY, SLOT_OUT } slot_state;

typedef struct slot {
    mewl_batch batch; /* first: a batch's address is its slot's */
    slot_state state;
    uint64_t number;
    mewl_status status;
    mewl_error err;
} slot;

typedef struct worker {
    mewl_loader *loader;
    pthread_t thread;
    mewl_frontend *frontend;
    void *state;
    float *spare; /* features of a batch before mixup, when it is on */
} worker;

struct mewl_loader {
    mewl__maker maker;
    mewl_loader_opts opts;
    size_t time_masks, time_mask_frames, band_masks, band_mask_bands;
    double mixup_probability, mixup_alpha;
    mewl_batch shape;
    slot *slots;
    size_t slot_count;
    worker *workers;
    int worker_count, started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop, hold;
    int making;
    uint64_t next_make, next_give;
    uint64_t first_epoch, first_batch, per_epoch; /* 0: not yet told */
};

/* ---- one batch ---- */

static mewl_rng stream_of(const mewl_loader *l, uint64_t epoch, uint64_t batch, uint64_t purpose)
{
    return mewl_rng_stream(l->opts.seed ^ (epoch * 0x9e3779b97f4a7c15u) ^ (purpose << 48), batch);
}

/* SpecAugment (Park et al. 2019): bands and stretches of frames replaced by the example's mean. */
static void mask(const mewl_loader *l, float *features, mewl_rng *rng)
{
    size_t frames = l->shape.frames, bands = l->shape.bands;
    double sum = 0;
    for (size_t i = 0; i < frames * bands; i++) {
        sum += (double)features[i];
    }
    float mean = (float)(sum / (double)(frames * bands));
    for (size_t k = 0; k < l->time_masks; k++) {
        size_t n = mewl_rng_below(rng, l->time_mask_frames + 1), most = frames - (n < frames ? n : frames);
        size_t from = mewl_rng_below(rng, most + 1);
        for (size_t t = from; t < from + n && t < frames; t++) {
            for (size_t b = 0; b < bands; b++) {
                features[t * bands + b] = mean;
            }
        }
    }
    for (size_t k = 0; k < l->band_masks; k++) {
        size_t n = mewl_rng_below(rng, l->band_mask_bands + 1), most = bands - (n < bands ? n : bands);
        size_t from = mewl_rng_below(rng, most + 1);
        for (size_t t = 0; t < frames; t++) {
            for (size_t b = from; b < from + n && b < bands; b++) {
                features[t * bands + b] = mean;
            }
        }
    }
}

/* Gamma(shape) by Marsaglia and Tsang (2000); shapes below 1 by their boost. */
static double draw_gamma(mewl_rng *rng, double shape)
{
    if (shape < 1) {
        return draw_gamma(rng, shape + 1) * pow(1 - mewl_rng_unit(rng), 1 / shape);
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = mewl_rng_normal(rng), v = 1 + c * x;
        v = v * v * v;
        if (v > 0 && log(1 - mewl_rng_unit(rng)) < 0.5 * x * x + d - d * v + d * log(v)) {
            return d * v;
        }
    }
}

static void blend(float *to, const float *a, const float *b, size_t count, float share)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = share * a[i] + (1 - share) * b[i];
    }
}

/* mixup (Zhang et al. 2018) of examples with one half a batch away. Weights of frames: the smaller one. */
static void mix_up(const mewl_loader *l, mewl_batch *batch, float *spare, mewl_rng *rng)
{
    size_t n = batch->count, size = batch->frames * batch->bands, k = batch->target_frames, c = batch->classes;
    float *targets = spare + n * size, *weights = targets + n * k, *clips = weights + n * k;
    memcpy(spare, batch->features, n * size * sizeof *spare);
    memcpy(targets, batch->frame_targets, n * k * sizeof *spare);
    memcpy(weights, batch->frame_weights, n * k * sizeof *spare);
    memcpy(clips, batch->clip_targets, n * c * sizeof *spare);
    for (size_t i = 0; i < n; i++) {
        bool chosen = mewl_rng_unit(rng) < l->mixup_probability;
        double x = draw_gamma(rng, l->mixup_alpha), y = draw_gamma(rng, l->mixup_alpha);
        size_t j = (i + n / 2) % n;
        if (!chosen || i == j) {
            continue;
        }
        float share = x + y > 0 ? (float)fmax(x / (x + y), y / (x + y)) : 1;
        blend(batch->features + i * size, spare + i * size, spare + j * size, size, share);
        blend(batch->frame_targets + i * k, targets + i * k, targets + j * k, k, share);
        blend(batch->clip_targets + i * c, clips + i * c, clips + j * c, c, share);
        for (size_t f = 0; f < k; f++) {
            batch->frame_weights[i * k + f] = fminf(weights[i * k + f], weights[j * k + f]);
        }
    }
}

static mewl_status make_batch(worker *w, mewl_batch *batch, mewl_error *err)
{
    mewl_loader *l = w->loader;
    const mewl_batch *s = &l->shape;
    for (size_t i = 0; i < batch->count; i++) {
        mewl__made made = {0};
        float *features = batch->features + i * s->frames * s->bands;
        MEWL_TRY(l->maker.make(l->maker.shared, w->state, &made, l->opts.seed, batch->epoch,
                               batch->index * batch->count + i, err));
        MEWL_TRY(mewl_frontend_run(w->frontend, features, made.samples, l->maker.samples, err));
        if (s->target_frames > 0) {
            memcpy(batch->frame_targets + i * s->target_frames, made.frame_targets, s->target_frames * sizeof(float));
            memcpy(batch->frame_weights + i * s->target_frames, made.frame_weights, s->target_frames * sizeof(float));
        }
        memcpy(batch->clip_targets + i * s->classes, made.clip_targets, s->classes * sizeof(float));
        batch->snr_db[i] = made.snr_db;
        batch->sounds[i] = made.sound;
        if (l->opts.augment) {
            mewl_rng rng = stream_of(l, batch->epoch, batch->index * batch->count + i, 1);
            mask(l, features, &rng);
        }
    }
    if (w->spare != NULL) {
        mewl_rng rng = stream_of(l, batch->epoch, batch->index, 2);
        mix_up(l, batch, w->spare, &rng);
    }
    return MEWL_OK;
}

/* ---- threads ---- */

static slot *free_slot(mewl_loader *l)
{
    for (size_t i = 0; i < l->slot_count; i++) {
        if (l->slots[i].state == SLOT_FREE) {
            return &l->slots[i];
        }
    }
    return NULL;
}

static void *work(void *argument)
{
    worker *w = argument;
    mewl_loader *l = w->loader;
    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        slot *s = l->hold ? NULL : free_slot(l);
        if (s == NULL) {
            pthread_cond_wait(&l->changed, &l->lock);
            continue;
        }
        s->state = SLOT_MAKING;
        s->number = l->next_make++;
        uint64_t place = l->first_batch + s->number;
        s->batch.epoch = l->first_epoch + place / l->per_epoch;
        s->batch.index = place % l->per_epoch;
        l->making++;
        pthread_mutex_unlock(&l->lock);
        s->err = (mewl_error){0};
        s->status = make_batch(w, &s->batch, &s->err);
        pthread_mutex_lock(&l->lock);
        s->state = SLOT_READY;
        l->making--;
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static mewl_status start(mewl_loader *l, mewl_error *err)
{
    while (l->started < l->worker_count) {
        if (pthread_create(&l->workers[l->started].thread, NULL, work, &l->workers[l->started]) != 0) {
            if (l->started > 0) {
                break; /* fewer threads, same batches */
            }
            return mewl_error_set(err, MEWL_E_LIBRARY, "no thread could be started for loading");
        }
        l->started++;
    }
    return MEWL_OK;
}

mewl_status mewl_loader_seek(mewl_loader *l, uint64_t epoch, uint64_t batch, uint64_t batches_per_epoch,
                             mewl_error *err)
{
    if (batches_per_epoch == 0) {
        return mewl_error_set(err, MEWL_E_ARG, "an epoch of no batches");
    }
    pthread_mutex_lock(&l->lock);
    l->hold = true;
    while (l->making > 0) {
        pthread_cond_wait(&l->changed, &l->lock);
    }
    for (size_t i = 0; i < l->slot_count; i++) {
        if (l->slots[i].state == SLOT_READY) {
            l->slots[i].state = SLOT_FREE;
        }
    }
    l->next_make = l->next_give = 0;
    l->first_epoch = epoch;
    l->first_batch = batch;
    l->per_epoch = batches_per_epoch;
    l->hold = false;
    mewl_status status = start(l, err);
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    return status;
}

static slot *ready_slot(mewl_loader *l)
{
    for (size_t i = 0; i < l->slot_count; i++) {
        if (l->slots[i].state == SLOT_READY && l->slots[i].number == l->next_give) {
            return &l->slots[i];
        }
    }
    return NULL;
}

mewl_status mewl_loader_pull(mewl_loader *l, mewl_batch **batch, mewl_error *err)
{
    *batch = NULL;
    pthread_mutex_lock(&l->lock);
    size_t out = 0;
    for (size_t i = 0; i < l->slot_count; i++) {
        out += l->slots[i].state == SLOT_OUT;
    }
    if (l->per_epoch == 0 || out >= OUT_MAX) {
        pthread_mutex_unlock(&l->lock);
        return mewl_error_set(err, MEWL_E_STATE,
                              out >= OUT_MAX ? "too many batches not given back" : "pull before seek");
    }
    slot *s;
    while ((s = ready_slot(l)) == NULL) {
        pthread_cond_wait(&l->changed, &l->lock);
    }
    l->next_give++;
    mewl_status status = s->status;
    if (status == MEWL_OK) {
        s->state = SLOT_OUT;
        *batch = &s->batch;
    } else {
        s->state = SLOT_FREE;
        mewl_error_set(err, status, "%s", s->err.text);
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    return status;
}

void mewl_loader_release(mewl_loader *l, mewl_batch *batch)
{
    if (batch != NULL) {
        pthread_mutex_lock(&l->lock);
        ((slot *)(void *)batch)->state = SLOT_FREE;
        pthread_cond_broadcast(&l->changed);
        pthread_mutex_unlock(&l->lock);
    }
}

/* ---- opening and closing ---- */

static void batch_fini(mewl_batch *batch)
{
    free(batch->features);
    free(batch->frame_targets);
    free(batch->clip_targets);
    free(batch->snr_db);
    free(batch->sounds);
}

/* calloc of count floats, at least one. */
static float *floats(size_t count)
{
    return calloc(count + 1, sizeof(float));
}

static bool batch_init(mewl_batch *batch, const mewl_batch *shape)
{
    *batch = *shape;
    batch->features = floats(shape->count * shape->frames * shape->bands);
    batch->frame_targets = floats(2 * shape->count * shape->target_frames);
    batch->clip_targets = floats(shape->count * shape->classes);
    batch->snr_db = floats(shape->count);
    batch->sounds = calloc(shape->count + 1, sizeof *batch->sounds);
    if (batch->features == NULL || batch->frame_targets == NULL || batch->clip_targets == NULL ||
        batch->snr_db == NULL || batch->sounds == NULL) {
        return false;
    }
    batch->frame_weights = batch->frame_targets + shape->count * shape->target_frames;
    return true;
}

static mewl_status open_workers(mewl_loader *l, mewl_error *err)
{
    l->workers = calloc((size_t)l->worker_count, sizeof *l->workers);
    if (l->workers == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for loading");
    }
    for (int i = 0; i < l->worker_count; i++) {
        worker *w = &l->workers[i];
        w->loader = l;
        MEWL_TRY(mewl_frontend_new(&w->frontend, l->maker.frontend, err));
        MEWL_TRY(l->maker.thread_new(l->maker.shared, &w->state, err));
        l->shape.frames = mewl_frontend_frame_count(w->frontend, l->maker.samples);
        if (l->shape.target_frames > l->shape.frames / TARGET_HOPS) {
            l->shape.target_frames = l->shape.frames / TARGET_HOPS; /* a front end that does not pad the ends */
        }
        l->shape.bands = mewl_frontend_bands(w->frontend);
        if (l->opts.augment && l->mixup_probability > 0) {
            const mewl_batch *s = &l->shape;
            w->spare = floats(s->count * (s->frames * s->bands + 2 * s->target_frames + s->classes));
            if (w->spare == NULL) {
                return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for mixup");
            }
        }
    }
    return MEWL_OK;
}

static mewl_status open_slots(mewl_loader *l, mewl_error *err)
{
    l->slots = calloc(l->slot_count, sizeof *l->slots);
    bool good = l->slots != NULL;
    for (size_t i = 0; good && i < l->slot_count; i++) {
        good = batch_init(&l->slots[i].batch, &l->shape);
    }
    return good ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu batches", l->slot_count);
}

mewl_status mewl__loader_open(mewl_loader **out, mewl__maker maker, const mewl_recipe *recipe, mewl_loader_opts opts,
                              mewl_error *err)
{
    *out = NULL;
    mewl_loader *l = calloc(1, sizeof *l);
    if (l == NULL) {
        maker.close(maker.shared);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a loader");
    }
    l->maker = maker;
    l->opts = opts;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    l->time_masks = (size_t)recipe->augment_time_masks;
    l->time_mask_frames = (size_t)recipe->augment_time_mask_frames;
    l->band_masks = (size_t)recipe->augment_band_masks;
    l->band_mask_bands = (size_t)recipe->augment_band_mask_bands;
    l->mixup_probability = recipe->augment_mixup_probability;
    l->mixup_alpha = recipe->augment_mixup_alpha;
    l->shape.count = opts.batch > 0 ? opts.batch : (size_t)recipe->train_batch;
    l->shape.target_frames = maker.target_frames;
    l->shape.classes = maker.classes;
    l->worker_count = opts.threads > 0 ? opts.threads : (int)recipe->train_loader_threads;
    l->slot_count = (opts.prefetch > 0 ? opts.prefetch : 4) + OUT_MAX;
    mewl_status status = MEWL_OK;
    if (l->worker_count > THREADS_MAX || l->slot_count > PREFETCH_MAX + OUT_MAX || l->shape.count > 4096) {
        status = mewl_error_set(err, MEWL_E_ARG, "%d threads, %zu batches ahead or %zu examples are too many",
                                l->worker_count, l->slot_count - OUT_MAX, l->shape.count);
    }
    if (status == MEWL_OK) {
        status = open_workers(l, err);
    }
    if (status == MEWL_OK) {
        status = open_slots(l, err);
    }
    if (status != MEWL_OK) {
        mewl_loader_close(l);
        return status;
    }
    *out = l;
    return MEWL_OK;
}

void mewl_loader_close(mewl_loader *l)
{
    if (l == NULL) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->started; i++) {
        pthread_join(l->workers[i].thread, NULL);
    }
    for (int i = 0; l->workers != NULL && i < l->worker_count; i++) {
        mewl_frontend_free(l->workers[i].frontend);
        if (l->workers[i].state != NULL) {
            l->maker.thread_free(l->workers[i].state);
        }
        free(l->workers[i].spare);
    }
    for (size_t i = 0; l->slots != NULL && i < l->slot_count; i++) {
        batch_fini(&l->slots[i].batch);
    }
    free(l->workers);
    free(l->slots);
    l->maker.close(l->maker.shared);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    free(l);
}

void mewl_loader_shape(const mewl_loader *l, mewl_batch *shape)
{
    *shape = l->shape;
}

const char *const *mewl_loader_classes(const mewl_loader *l)
{
    return l->maker.class_names;
}

size_t mewl_loader_examples(const mewl_loader *l)
{
    return l->maker.examples;
}

/* ---- mixtures ---- */

typedef struct mixtures {
    const mewl_corpus *corpus;
    const mewl_recipe *recipe;
    mewl_side side;
} mixtures;

typedef struct mixtures_thread {
    mewl_mixer *mixer;
    mewl_example example;
} mixtures_thread;

static void mixtures_thread_free(void *state)
{
    mixtures_thread *t = state;
    mewl_mixer_free(t->mixer);
    mewl_example_fini(&t->example);
    free(t);
}

static mewl_status mixtures_thread_new(void *shared, void **state, mewl_error *err)
{
    const mixtures *m = shared;
    mixtures_thread *t = calloc(1, sizeof *t);
    *state = NULL;
    if (t == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a mixer");
    }
    mewl_status status = mewl_mixer_new(&t->mixer, m->corpus, m->recipe, m->side, err);
    if (status == MEWL_OK) {
        status = mewl_example_init(&t->example, mewl_mixer_count(t->mixer), err);
    }
    if (status != MEWL_OK) {
        mixtures_thread_free(t);
        return status;
    }
    *state = t;
    return MEWL_OK;
}

static mewl_status mixtures_make(void *shared, void *state, mewl__made *out, uint64_t seed, uint64_t epoch,
                                 uint64_t index, mewl_error *err)
{
    (void)shared;
    mixtures_thread *t = state;
    MEWL_TRY(mewl_mixer_make(t->mixer, &t->example, seed, epoch, index, err));
    *out = (mewl__made){.samples = t->example.samples,
                        .frame_targets = t->example.frame_targets,
                        .frame_weights = t->example.frame_weights,
                        .clip_targets = &t->example.clip_target,
                        .snr_db = (float)t->example.snr_db};
    return MEWL_OK;
}

mewl_status mewl_loader_open_mixtures(mewl_loader **out, const mewl_corpus *corpus, const mewl_recipe *recipe,
                                      mewl_loader_opts opts, mewl_error *err)
{
    *out = NULL;
    mixtures *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a loader");
    }
    *m = (mixtures){corpus, recipe, opts.side};
    size_t samples = (size_t)llround(recipe->mixture_seconds * MEWL_MIX_RATE_HZ);
    mewl__maker maker = {.shared = m,
                         .frontend = recipe->model_frontend,
                         .samples = samples,
                         .target_frames = mewl_mix_frames(samples),
                         .classes = 1,
                         .thread_new = mixtures_thread_new,
                         .thread_free = mixtures_thread_free,
                         .make = mixtures_make,
                         .close = free};
    return mewl__loader_open(out, maker, recipe, opts, err);
}
