/* clipset.c - decode, band-limit, front end; once for each clip. */
#include "lab/clipset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/augment.h"
#include "audio/clip.h"
#include "data/sha256.h"
#include "data/split.h"
#include "dsp/frontend.h"

#define SECONDS_DEFAULT 30.0

void mewl_clipset_fini(mewl_clipset *set)
{
    for (size_t i = 0; set->clips != NULL && i < set->count; i++) {
        free(set->clips[i].features);
    }
    for (size_t k = 0; set->classes != NULL && k < set->class_count; k++) {
        free(set->classes[k]);
    }
    free(set->clips);
    free(set->classes);
    memset(set, 0, sizeof *set);
}

/* ---- Classes and groups ---- */

static const char *label_of(const mewl_manifest *manifest, const mewl_row *row, const char *column, char *buffer,
                            size_t size)
{
    return column == NULL ? "" : mewl_manifest_value(manifest, row, column, buffer, size);
}

static int find_class(const mewl_clipset *set, const char *name)
{
    for (size_t k = 0; k < set->class_count; k++) {
        if (strcmp(set->classes[k], name) == 0) {
            return (int)k;
        }
    }
    return -1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static mewl_status gather_classes(mewl_clipset *set, const mewl_manifest *manifest, const char *column, mewl_error *err)
{
    set->classes = calloc(MEWL_CLIPSET_CLASSES_MAX, sizeof *set->classes);
    if (set->classes == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for classes");
    }
    if (column != NULL && !mewl_manifest_has_column(manifest, column)) {
        return mewl_error_set(err, MEWL_E_ARG, "the manifest has no column `%s`", column);
    }
    for (size_t i = 0; column != NULL && i < manifest->count; i++) {
        char buffer[64];
        const char *name = label_of(manifest, &manifest->rows[i], column, buffer, sizeof buffer);
        if (find_class(set, name) >= 0) {
            continue;
        }
        if (set->class_count == MEWL_CLIPSET_CLASSES_MAX) {
            return mewl_error_set(err, MEWL_E_ARG, "column `%s` holds more than %d classes", column,
                                  MEWL_CLIPSET_CLASSES_MAX);
        }
        set->classes[set->class_count] = strdup(name);
        if (set->classes[set->class_count] == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for classes");
        }
        set->class_count++;
    }
    if (column != NULL && set->class_count < 2) {
        return mewl_error_set(err, MEWL_E_EMPTY, "column `%s` holds one class alone: two at least are needed", column);
    }
    qsort(set->classes, set->class_count, sizeof *set->classes, by_name);
    return MEWL_OK;
}

typedef struct named {
    char *name;
    size_t item;
} named;

static int by_group(const void *a, const void *b)
{
    const named *x = a;
    const named *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->item > y->item) - (x->item < y->item);
}

/* Groups get numbers in order of their first clip. */
static mewl_status number_groups(mewl_clipset *set, const mewl_manifest *manifest, mewl_error *err)
{
    named *list = calloc(manifest->count, sizeof *list);
    mewl_status status = list != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for groups");
    for (size_t i = 0; status == MEWL_OK && i < manifest->count; i++) {
        char buffer[4200];
        list[i] = (named){strdup(mewl_split_group(&manifest->rows[i], buffer, sizeof buffer)), i};
        status = list[i].name != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for groups");
    }
    if (status == MEWL_OK) {
        qsort(list, manifest->count, sizeof *list, by_group);
        size_t first = 0; /* the group's first clip stands for it, then is numbered */
        for (size_t i = 0; i < manifest->count; i++) {
            first = i == 0 || strcmp(list[i].name, list[i - 1].name) != 0 ? list[i].item : first;
            set->clips[list[i].item].group = first;
        }
        for (size_t i = 0; i < manifest->count; i++) {
            size_t of = set->clips[i].group;
            set->clips[i].group = of == i ? set->groups++ : set->clips[of].group;
        }
    }
    for (size_t i = 0; list != NULL && i < manifest->count; i++) {
        free(list[i].name);
    }
    free(list);
    return status;
}

static mewl_status identify(char hash[MEWL_CLIPSET_HASH_BYTES], const mewl_manifest *manifest, const char *column,
                            mewl_error *err)
{
    mewl_sha256 state;
    mewl_sha256_init(&state);
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        const char *slash = strrchr(row->path, '/');
        char buffer[64];
        char group[4200];
        char line[8800];
        const char *label = label_of(manifest, row, column, buffer, sizeof buffer);
        if (label == NULL) {
            return mewl_error_set(err, MEWL_E_ARG, "the manifest has no column `%s`", column);
        }
        int n = snprintf(line, sizeof line, "%s\t%s\t%s\t%g\t%g\n", slash != NULL ? slash + 1 : row->path, label,
                         mewl_split_group(row, group, sizeof group), row->onset_s, row->offset_s);
        mewl_sha256_push(&state, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
    }
    uint8_t digest[32];
    mewl_sha256_finish(&state, digest);
    for (size_t i = 0; i < (MEWL_CLIPSET_HASH_BYTES - 1) / 2; i++) {
        (void)snprintf(hash + 2 * i, 3, "%02x", digest[i]);
    }
    return MEWL_OK;
}

/* ---- Sound ---- */

static mewl_status take_samples(mewl_clipset *set, mewl_clipset_clip *clip, mewl_frontend *fe, float *samples,
                                size_t count, const mewl_clipset_opts *opts, const char *path, mewl_error *err)
{
    for (size_t i = 0; i < count; i++) {
        samples[i] = isfinite(samples[i]) ? samples[i] : 0;
    }
    if (opts->lowpass_hz > 0) {
        MEWL_TRY(mewl_augment_lowpass(samples, count, set->rate_hz, opts->lowpass_hz, err));
    }
    clip->frames = mewl_frontend_frame_count(fe, count);
    size_t bytes = clip->frames * set->bands * sizeof *clip->features;
    if (clip->frames == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: nothing in it", path);
    }
    if ((set->bytes += bytes) > MEWL_CLIPSET_BYTES_MAX || (clip->features = malloc(bytes)) == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "the recordings need more memory than %zu MB",
                              MEWL_CLIPSET_BYTES_MAX >> 20);
    }
    return mewl_frontend_run(fe, clip->features, samples, count, err);
}

static mewl_status read_clip(mewl_clipset *set, mewl_clipset_clip *clip, mewl_frontend *fe, const mewl_row *row,
                             const mewl_clipset_opts *opts, mewl_error *err)
{
    double most = opts->seconds_max > 0 ? opts->seconds_max : SECONDS_DEFAULT;
    double from_s = isnan(row->onset_s) ? 0 : row->onset_s;
    mewl_clip sound;
    MEWL_TRY(mewl_clip_read(&sound, row->path, set->rate_hz, from_s + most, err));
    size_t from = (size_t)fmin((double)sound.count, from_s * set->rate_hz);
    size_t to = isnan(row->offset_s) ? sound.count : (size_t)fmin((double)sound.count, row->offset_s * set->rate_hz);
    size_t count = to > from ? to - from : 0;
    mewl_status status = take_samples(set, clip, fe, sound.samples + from, count, opts, row->path, err);
    mewl_clip_fini(&sound);
    return status;
}

static mewl_status describe(mewl_clipset *set, const mewl_manifest *manifest, const char *column, mewl_error *err)
{
    memset(set, 0, sizeof *set);
    if (manifest->count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there are no recordings in the manifest");
    }
    if (manifest->count > MEWL_CLIPSET_CLIPS_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%zu recordings are too many for memory", manifest->count);
    }
    MEWL_TRY(gather_classes(set, manifest, column, err));
    set->clips = calloc(manifest->count, sizeof *set->clips);
    if (set->clips == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu clips", manifest->count);
    }
    set->count = manifest->count;
    for (size_t i = 0; i < manifest->count; i++) {
        char buffer[64];
        if (column != NULL) {
            const char *label = label_of(manifest, &manifest->rows[i], column, buffer, sizeof buffer);
            set->clips[i].label = find_class(set, label);
        }
    }
    MEWL_TRY(number_groups(set, manifest, err));
    return identify(set->hash, manifest, column, err);
}

mewl_status mewl_clipset_describe(mewl_clipset *out, const mewl_manifest *manifest, const char *column, mewl_error *err)
{
    mewl_status status = describe(out, manifest, column, err);
    if (status != MEWL_OK) {
        mewl_clipset_fini(out);
    }
    return status;
}

static mewl_status read_sound(mewl_clipset *set, const mewl_manifest *manifest, const mewl_clipset_opts *opts,
                              mewl_error *err)
{
    mewl_frontend *fe = NULL;
    MEWL_TRY(mewl_frontend_new(&fe, opts->front_end != NULL ? opts->front_end : "panns-16k", err));
    set->bands = mewl_frontend_bands(fe);
    set->rate_hz = mewl_frontend_rate_hz(fe);
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < manifest->count; i++) {
        status = read_clip(set, &set->clips[i], fe, &manifest->rows[i], opts, err);
        mewl_progress_report(opts->progress, (double)(i + 1), (double)manifest->count, "reading recordings");
    }
    mewl_frontend_free(fe);
    return status;
}

mewl_status mewl_clipset_read(mewl_clipset *out, const mewl_manifest *manifest, mewl_clipset_opts opts, mewl_error *err)
{
    mewl_status status = describe(out, manifest, opts.column, err);
    if (status == MEWL_OK) {
        status = read_sound(out, manifest, &opts, err);
    }
    if (status != MEWL_OK) {
        mewl_clipset_fini(out);
    }
    return status;
}

/* ---- Crops ---- */

void mewl_clipset_crop(const mewl_clipset *set, float *out, size_t clip, size_t from, size_t frames)
{
    const mewl_clipset_clip *c = &set->clips[clip];
    for (size_t t = 0, at = from % c->frames; t < frames; t++, at = at + 1 < c->frames ? at + 1 : 0) {
        memcpy(out + t * set->bands, c->features + at * set->bands, set->bands * sizeof *out);
    }
}
