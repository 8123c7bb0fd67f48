/* clips.c - whole labelled clips for classification: mewl_loader_open_clips of loader.h. Recordings are decoded once,
 * at the front end's rate, kept as 16-bit numbers, and cropped or repeated to one length. */
#include "audio/augment.h"
#include "audio/clip.h"
#include "audio/codec.h"
#include "data/maker.h"
#include "dsp/frontend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIP_SECONDS_MAX 120.0
#define CLASSES_MAX 1024

typedef struct kept {
    int16_t *samples;
    size_t count;
    float peak;
    size_t class_index;
    size_t row; /* of the manifest */
} kept;

typedef struct clips {
    const mewl_recipe *recipe;
    kept *items;
    size_t count, bytes;
    char **names; /* classes */
    size_t class_count;
    size_t *by_class;    /* items sorted by class */
    size_t *class_first; /* class_count + 1 places in by_class */
    double rate_hz;
    size_t samples;
    bool train;
} clips;

typedef struct clips_thread {
    float *samples;
    float *targets;
} clips_thread;

static void clips_close(void *shared)
{
    clips *c = shared;
    for (size_t i = 0; c->items != NULL && i < c->count; i++) {
        free(c->items[i].samples);
    }
    for (size_t i = 0; c->names != NULL && i < c->class_count; i++) {
        free(c->names[i]);
    }
    free(c->items);
    free(c->names);
    free(c->by_class);
    free(c->class_first);
    free(c);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t find_class(const clips *c, const char *name)
{
    size_t k = 0;
    while (k < c->class_count && strcmp(c->names[k], name) != 0) {
        k++;
    }
    return k;
}

static mewl_status add_class(clips *c, const char *name, mewl_error *err)
{
    if (c->class_count == CLASSES_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "more than %d classes", CLASSES_MAX);
    }
    c->names[c->class_count] = strdup(name);
    if (c->names[c->class_count] == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for classes");
    }
    c->class_count++;
    return MEWL_OK;
}

/* The recipe's classes, or all that occur anywhere in the manifest, sorted: the same on every side of a split. */
static mewl_status gather_classes(clips *c, const mewl_manifest *manifest, mewl_error *err)
{
    const mewl_recipe *r = c->recipe;
    c->names = calloc(CLASSES_MAX, sizeof *c->names);
    if (c->names == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for classes");
    }
    if (!mewl_manifest_has_column(manifest, r->classify_column)) {
        return mewl_error_set(err, MEWL_E_ARG, "the manifest has no column '%s' (classify.column)", r->classify_column);
    }
    for (size_t i = 0; i < r->classify_classes.count; i++) {
        MEWL_TRY(add_class(c, r->classify_classes.items[i], err));
    }
    for (size_t i = 0; r->classify_classes.count == 0 && i < manifest->count; i++) {
        char buffer[64];
        const char *name = mewl_manifest_value(manifest, &manifest->rows[i], r->classify_column, buffer, sizeof buffer);
        if (name[0] != '\0' && find_class(c, name) == c->class_count) {
            MEWL_TRY(add_class(c, name, err));
        }
    }
    if (r->classify_classes.count == 0) {
        qsort(c->names, c->class_count, sizeof *c->names, compare_names);
    }
    return c->class_count >= 2
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_EMPTY, "column '%s' holds %zu class%s: two at least are needed",
                                r->classify_column, c->class_count, c->class_count == 1 ? "" : "es");
}

static mewl_status load_clip(clips *c, const mewl_manifest *manifest, size_t index, size_t class_index, mewl_error *err)
{
    const mewl_row *row = &manifest->rows[index];
    mewl_clip clip;
    MEWL_TRY(mewl_clip_read(&clip, row->path, c->rate_hz, CLIP_SECONDS_MAX, err));
    size_t from = isnan(row->onset_s) ? 0 : (size_t)(row->onset_s * c->rate_hz);
    size_t to = isnan(row->offset_s) ? clip.count : (size_t)fmin((double)clip.count, row->offset_s * c->rate_hz);
    size_t count = to > from ? to - from : 0;
    float peak = 0;
    for (size_t i = 0; i < count; i++) {
        peak = fmaxf(peak, fabsf(clip.samples[from + i]));
    }
    mewl_status status = MEWL_OK;
    int16_t *samples = NULL;
    if (count == 0 || !isfinite(peak)) {
        status = mewl_error_set(err, MEWL_E_EMPTY, "%s: nothing in it", row->path);
    } else if ((c->bytes += count * sizeof *samples) > (size_t)c->recipe->data_memory_mb << 20) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "the recordings need more than data.memory_mb = %lld MB",
                                (long long)c->recipe->data_memory_mb);
    } else if ((samples = malloc(count * sizeof *samples)) == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for recordings");
    } else {
        float scale = peak > 0 ? 32767 / peak : 0;
        for (size_t i = 0; i < count; i++) {
            samples[i] = (int16_t)lrintf(clip.samples[from + i] * scale);
        }
        c->items[c->count++] = (kept){samples, count, peak, class_index, index};
    }
    mewl_clip_fini(&clip);
    return status;
}

static mewl_status load_clips(clips *c, const mewl_manifest *manifest, mewl_side side, mewl_error *err)
{
    static const char *const names[MEWL_SIDE_COUNT] = {"train", "valid", "test"};
    c->items = calloc(manifest->count + 1, sizeof *c->items);
    if (c->items == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for recordings");
    }
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        char buffer[64];
        const char *name = mewl_manifest_value(manifest, row, c->recipe->classify_column, buffer, sizeof buffer);
        size_t k = find_class(c, name);
        if (k == c->class_count || strcmp(row->split, names[side]) != 0) {
            continue;
        }
        MEWL_TRY(load_clip(c, manifest, i, k, err));
    }
    if (c->count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "no labelled clip on the %s side of the manifest", names[side]);
    }
    c->by_class = calloc(c->count, sizeof *c->by_class);
    c->class_first = calloc(c->class_count + 1, sizeof *c->class_first);
    if (c->by_class == NULL || c->class_first == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for classes");
    }
    size_t at = 0;
    for (size_t k = 0; k < c->class_count; k++) {
        c->class_first[k] = at;
        for (size_t i = 0; i < c->count; i++) {
            if (c->items[i].class_index == k) {
                c->by_class[at++] = i;
            }
        }
    }
    c->class_first[c->class_count] = at;
    return MEWL_OK;
}

/* ---- making ---- */

static void thread_free(void *state)
{
    clips_thread *t = state;
    free(t->samples);
    free(t->targets);
    free(t);
}

static mewl_status thread_new(void *shared, void **state, mewl_error *err)
{
    const clips *c = shared;
    clips_thread *t = calloc(1, sizeof *t);
    *state = NULL;
    if (t != NULL) {
        t->samples = malloc(c->samples * sizeof *t->samples);
        t->targets = calloc(c->class_count, sizeof *t->targets);
    }
    if (t == NULL || t->samples == NULL || t->targets == NULL) {
        if (t != NULL) {
            thread_free(t);
        }
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a clip");
    }
    *state = t;
    return MEWL_OK;
}

/* Which clip: any one, or one of a class chosen evenly, as the recipe balances them. */
static const kept *draw_clip(const clips *c, mewl_rng *rng)
{
    if (mewl_rng_unit(rng) >= c->recipe->classify_balance) {
        return &c->items[mewl_rng_below(rng, c->count)];
    }
    size_t k;
    do {
        k = mewl_rng_below(rng, c->class_count);
    } while (c->class_first[k] == c->class_first[k + 1]);
    return &c->items[c->by_class[c->class_first[k] + mewl_rng_below(rng, c->class_first[k + 1] - c->class_first[k])]];
}

/* Copies the clip from sample `from` on, starting over at its end. */
static void copy_round(const kept *item, float *out, size_t count, size_t from)
{
    float scale = item->peak / 32767;
    for (size_t i = 0, k = from; i < count; i++, k = k + 1 < item->count ? k + 1 : 0) {
        out[i] = (float)item->samples[k] * scale;
    }
}

mewl_status mewl__vary(float *samples, size_t count, double rate_hz, const mewl_recipe *r, mewl_rng *rng,
                       mewl_error *err)
{
    bool higher = mewl_rng_unit(rng) < 0.5, limited = mewl_rng_unit(rng) < r->mixture_lowpass_probability;
    double semitones = mewl_rng_range(rng, r->mixture_pitch_semitones.low, r->mixture_pitch_semitones.high);
    double cutoff = mewl_rng_range(rng, r->mixture_lowpass_hz.low, r->mixture_lowpass_hz.high);
    bool coded = mewl_rng_unit(rng) < r->mixture_codec_probability;
    mewl_codec codec = (mewl_codec)mewl_rng_below(rng, MEWL_CODEC_COUNT);
    double gain = pow(10, mewl_rng_range(rng, -12, 6) / 20);
    if (higher && fabs(semitones) > 0.1) {
        float *out = malloc(count * sizeof *out);
        if (out == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a clip");
        }
        mewl_status status = mewl_augment_pitch(out, samples, count, rate_hz, semitones, err);
        memcpy(samples, out, status == MEWL_OK ? count * sizeof *out : 0);
        free(out);
        MEWL_TRY(status);
    }
    if (limited && cutoff < rate_hz / 2) {
        MEWL_TRY(mewl_augment_lowpass(samples, count, rate_hz, cutoff, err));
    }
    mewl_augment_gain(samples, count, gain);
    mewl_augment_clip(samples, count, 1);
    if (coded && mewl_codec_available(codec)) {
        MEWL_TRY(mewl_codec_round_trip(samples, samples, count, rate_hz, codec, 0, err));
    }
    return MEWL_OK;
}

static mewl_status make(void *shared, void *state, mewl__made *out, uint64_t seed, uint64_t epoch, uint64_t index,
                        mewl_error *err)
{
    const clips *c = shared;
    clips_thread *t = state;
    mewl_rng rng = mewl_rng_stream(seed ^ (epoch * 0x9e3779b97f4a7c15u) ^ 0xc11b5u, index);
    const kept *item = c->train ? draw_clip(c, &rng) : &c->items[index % c->count];
    size_t spare = item->count > c->samples ? item->count - c->samples : 0;
    /* Training crops anywhere; evaluation takes the middle. */
    size_t from = !c->train   ? spare / 2
                  : spare > 0 ? mewl_rng_below(&rng, spare + 1)
                              : mewl_rng_below(&rng, item->count);
    copy_round(item, t->samples, c->samples, from);
    if (c->train) {
        MEWL_TRY(mewl__vary(t->samples, c->samples, c->rate_hz, c->recipe, &rng, err));
    }
    float smooth = c->train ? (float)c->recipe->train_label_smoothing : 0;
    for (size_t k = 0; k < c->class_count; k++) {
        t->targets[k] = smooth / (float)c->class_count;
    }
    t->targets[item->class_index] += 1 - smooth;
    *out = (mewl__made){.samples = t->samples, .clip_targets = t->targets, .snr_db = NAN, .sound = item->row};
    return MEWL_OK;
}

mewl_status mewl_loader_open_clips(mewl_loader **out, const mewl_manifest *manifest, const mewl_recipe *recipe,
                                   mewl_loader_opts opts, mewl_error *err)
{
    *out = NULL;
    if ((unsigned)opts.side >= MEWL_SIDE_COUNT) {
        return mewl_error_set(err, MEWL_E_ARG, "no side %d", (int)opts.side);
    }
    clips *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for clips");
    }
    c->recipe = recipe;
    if (isnan(c->rate_hz = mewl_frontend_rate_of(recipe->model_frontend))) {
        free(c);
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "no front end \"%s\"", recipe->model_frontend);
    }
    c->samples = (size_t)llround(recipe->classify_seconds * c->rate_hz);
    c->train = opts.side == MEWL_SIDE_TRAIN && opts.augment;
    mewl_status status = gather_classes(c, manifest, err);
    if (status == MEWL_OK) {
        status = load_clips(c, manifest, opts.side, err);
    }
    if (status != MEWL_OK) {
        clips_close(c);
        return status;
    }
    mewl__maker maker = {.shared = c,
                         .frontend = recipe->model_frontend,
                         .samples = c->samples,
                         .classes = c->class_count,
                         .examples = c->count,
                         .class_names = (const char *const *)c->names,
                         .thread_new = thread_new,
                         .thread_free = thread_free,
                         .make = make,
                         .close = clips_close};
    return mewl__loader_open(out, maker, recipe, opts, err);
}
