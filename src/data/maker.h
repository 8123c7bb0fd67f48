/* maker.h - where a loader's examples come from: mixtures or labelled clips behind one small table. Private. */
#ifndef MEWL_DATA_MAKER_H
#define MEWL_DATA_MAKER_H

#include "data/loader.h"

/* One example as made: all pointers lie in the thread's state. */
typedef struct mewl__made {
    const float *samples;       /* mewl__maker.samples of them, at the front end's rate */
    const float *frame_targets; /* target_frames, or NULL */
    const float *frame_weights;
    const float *clip_targets; /* classes */
    float snr_db;
    size_t sound; /* mewl_batch.sounds */
} mewl__made;

typedef struct mewl__maker {
    void *shared; /* read-only once open */
    const char *frontend;
    size_t samples, target_frames, classes, examples;
    const char *const *class_names;
    mewl_status (*thread_new)(void *shared, void **state, mewl_error *err);
    void (*thread_free)(void *state);
    mewl_status (*make)(void *shared, void *state, mewl__made *out, uint64_t seed, uint64_t epoch, uint64_t index,
                        mewl_error *err);
    void (*close)(void *shared);
} mewl__maker;

/* Opens a loader over a maker, which it owns from then on, also on failure. */
mewl_status mewl__loader_open(mewl_loader **out, mewl__maker maker, const mewl_recipe *recipe, mewl_loader_opts opts,
                              mewl_error *err);

/* Pitch, band-limit, level and codec of `count` samples as the recipe's [mixture] has them, in place. */
mewl_status mewl__vary(float *inout, size_t count, double rate_hz, const mewl_recipe *recipe, mewl_rng *rng,
                       mewl_error *err);

#endif
