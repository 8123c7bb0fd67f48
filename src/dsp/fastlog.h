/* fastlog.h - natural logarithms of whole arrays, in plain arithmetic that compilers turn into vector code.
 *
 * Not a replacement for logf: no subnormal or special values; the caller's floor keeps them out.
 */
#ifndef MEWL_DSP_FASTLOG_H
#define MEWL_DSP_FASTLOG_H

#include <stddef.h>

typedef struct mewl_fastlog_opts {
    float floor;  /* smaller values, and NaN, count as this; 0 or a normal number */
    float add;    /* added before the logarithm; floor + add is a normal positive number */
    float scale;  /* of the natural logarithm: 1; 10 / ln 10 for decibels of power */
    float offset; /* added afterwards */
} mewl_fastlog_opts;

/* out[i] = offset + scale * ln(max(in[i], floor) + add). `count` is a multiple of 16; `out` may be `in`. The
 * logarithm's error is below 1e-7 of max(1, |ln|) (tests/dsp/test_fastlog.c goes through every binade). Infinity counts
 * as 2^128. An element's result does not depend on its place or neighbours. */
void mewl_fastlog(float *out, const float *in, size_t count, mewl_fastlog_opts opts);

#endif
