/* clipset.h - labelled recordings as features in memory, computed once: what experiments train on and test with.
 *
 * Not for streams nor for augmented sound (data/loader.h): features are cropped, not recordings varied. Which clips
 * train and which test is the caller's; the set only knows classes and groups.
 */
#ifndef MEWL_LAB_CLIPSET_H
#define MEWL_LAB_CLIPSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/progress.h"
#include "base/rng.h"
#include "base/status.h"
#include "data/manifest.h"

#define MEWL_CLIPSET_CLIPS_MAX 200000
#define MEWL_CLIPSET_CLASSES_MAX 64
#define MEWL_CLIPSET_BYTES_MAX ((size_t)6 << 30)
#define MEWL_CLIPSET_HASH_BYTES 17

typedef struct mewl_clipset_clip {
    float *features; /* (frames, bands) */
    size_t frames;
    int label;    /* class; 0 without classes */
    size_t group; /* 0, 1, ... in order of first occurrence */
} mewl_clipset_clip;

typedef struct mewl_clipset_opts {
    const char *front_end; /* name for dsp/frontend.h; NULL: "panns-16k" */
    const char *column;    /* of the classes, which are sorted by name; NULL: none, label 0 for all */
    double lowpass_hz;     /* everything through the same band-limit, so that bandwidth tells nothing; 0: none */
    double seconds_max;    /* of a clip, the rest is cut; 0: 30 */
    const mewl_progress *progress;
} mewl_clipset_opts;

/* Zero-initialised is empty. Owns everything it points to. */
typedef struct mewl_clipset {
    mewl_clipset_clip *clips;
    size_t count, groups;
    size_t bands; /* floats in a frame */
    double rate_hz;
    char **classes;
    size_t class_count;
    size_t bytes;
    char hash[MEWL_CLIPSET_HASH_BYTES]; /* 16 hex digits of names, classes, groups and stretches: which set this is */
} mewl_clipset;

/* Reads every row of the manifest (onset and offset respected). Errors: MEWL_E_EMPTY without rows or with one class
 * alone, MEWL_E_ARG (no such column, more than MEWL_CLIPSET_CLASSES_MAX classes), MEWL_E_MEMORY above the ceilings, and
 * those of reading, which name the file. On failure *out is empty. */
mewl_status mewl_clipset_read(mewl_clipset *out, const mewl_manifest *manifest, mewl_clipset_opts opts,
                              mewl_error *err);
void mewl_clipset_fini(mewl_clipset *set);

/* Classes, labels, groups and hash without reading sound: clips have no features. */
mewl_status mewl_clipset_describe(mewl_clipset *out, const mewl_manifest *manifest, const char *column,
                                  mewl_error *err);

/* `frames` frames of a clip from frame `from` on, starting over at its end: out (frames, bands). */
void mewl_clipset_crop(const mewl_clipset *set, float *out, size_t clip, size_t from, size_t frames);

#endif
