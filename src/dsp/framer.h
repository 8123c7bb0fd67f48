/* framer.h - cuts a stream of samples into overlapping frames, padded at both ends as centred transforms want it.
 *
 * Holds one fixed buffer, in double precision: pre-emphasis rounded to single would leave its noise in quiet bands.
 * Pre-emphasis happens on the way in. Private to the room: frontend.h is the door.
 */
#ifndef MEWL_DSP_FRAMER_H
#define MEWL_DSP_FRAMER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "dsp/frontend_spec.h"

typedef struct mewl__framer {
    size_t hop;
    size_t span; /* samples in a frame */
    size_t pad;  /* samples put before the first and after the last one */
    mewl__padding padding;
    double preemphasis;
    double *buffer;  /* part of the padded signal */
    size_t capacity; /* `pad` of it are kept for the end */
    size_t length;   /* filled */
    size_t next;     /* where the next frame starts in it */
    size_t total;    /* samples taken, after pre-emphasis */
    double previous; /* the last sample, for pre-emphasis */
    bool has_previous;
    bool started; /* the padding before the first sample is in place */
    bool finished;
} mewl__framer;

/* Room for MEWL_FRONTEND_PUSH_MIN samples more than a frame needs. MEWL_E_MEMORY. */
mewl_status mewl__framer_init(mewl__framer *f, const mewl__frontend_spec *spec, mewl_error *err);
void mewl__framer_fini(mewl__framer *f);
void mewl__framer_reset(mewl__framer *f);

/* Takes up to `count` samples and returns how many. Not after _finish. */
size_t mewl__framer_push(mewl__framer *f, const float *samples, size_t count);
void mewl__framer_finish(mewl__framer *f);

/* The next frame's `span` samples, valid until the next call that changes the framer; NULL when none is ready. */
const double *mewl__framer_pull(mewl__framer *f);

/* Frames of a whole signal of `samples` samples. */
size_t mewl__framer_count(const mewl__framer *f, size_t samples);

#endif
