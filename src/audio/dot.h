/* dot.h - inner products for the resampler, in the widest form the processor has. Not for other rooms.
 *
 * Each product adds up in sixteen lanes that are then folded in one fixed order, whatever the form, so that the figures
 * of one machine do not depend on how many outputs are computed at a time. */
#ifndef MEWL_AUDIO_DOT_H
#define MEWL_AUDIO_DOT_H

#include <stddef.h>

/* Floats in a vector; `taps` below is a multiple of it. */
#define MEWL__DOT_LANES 16

typedef struct mewl__dot {
    /* out[0] = c . x, both `taps` floats. */
    void (*one)(float *out, const float *x, const float *c, size_t taps);
    /* out[j * out_step] = c . (x + j * x_step), j = 0 .. 3. */
    void (*four)(float *out, size_t out_step, const float *x, size_t x_step, const float *c, size_t taps);
    const char *name; /* "avx512f", "avx2", "plain" */
} mewl__dot;

/* What this processor does fastest. */
mewl__dot mewl__dot_best(void);

#endif
