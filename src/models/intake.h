/* intake.h - private to models/: a clip on its way into a network: samples checked and padded, then the front end's
 * frames. Buffers grow to the longest clip so far. */
#ifndef MEWL_MODELS_INTAKE_H
#define MEWL_MODELS_INTAKE_H

#include <stddef.h>

#include "base/status.h"
#include "dsp/frontend.h"

#define MEWL__INTAKE_MAX_SECONDS 600.0 /* of one clip */

/* Zero-initialised is empty; `front_end` is set by the owner and freed by fini. */
typedef struct mewl__intake {
    mewl_frontend *front_end;
    float *samples, *frames;
    size_t samples_room, frames_room;
} mewl__intake;

/* Frees the front end and the buffers, and empties it. */
void mewl__intake_fini(mewl__intake *in);

/* Frames of `count` samples (padded with zeros to at least `least`; what is not finite counts as 0) into in->frames,
 * and their number. MEWL_E_EMPTY for count 0, MEWL_E_MEMORY beyond MEWL__INTAKE_MAX_SECONDS. */
mewl_status mewl__intake_take(mewl__intake *in, size_t *frames, const float *samples, size_t count, size_t least,
                              mewl_error *err);

/* Grows *block to hold `count` floats, keeping what is there. MEWL_E_MEMORY. */
mewl_status mewl__intake_grow(float **block, size_t *room, size_t count, mewl_error *err);

#endif
