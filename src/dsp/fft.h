/* fft.h - the discrete Fourier transform of real signals in double precision, any length from 2 to 65,536.
 *
 * Double, because single precision (140 dB signal to noise) leaves more than 1e-3 dB of error in a quiet band beside a
 * loud one, 80 dB down (docs/architecture.md has the figures). One door to libavutil's av_tx. Lengths that av_tx only
 * knows by its O(N^2) loop (400 = 16 * 25 is one) are split into shorter transforms that it knows well, or go through
 * Bluestein's algorithm; the caller sees no difference. Not a filter or a convolution: nothing but the forward
 * transform.
 */
#ifndef MEWL_DSP_FFT_H
#define MEWL_DSP_FFT_H

#include <stddef.h>

#include "base/status.h"

#define MEWL_FFT_LENGTH_MIN 2u
#define MEWL_FFT_LENGTH_MAX 65536u

/* Buffers handed to mewl_fft_forward start at a multiple of this many bytes. */
#define MEWL_FFT_ALIGNMENT 64u

/* A plan with its scratch memory: one thread at a time may use it. */
typedef struct mewl_fft mewl_fft;

/* How a plan computes its length; for reports and tests. */
typedef enum mewl_fft_route {
    MEWL_FFT_DIRECT,   /* av_tx alone */
    MEWL_FFT_RADIX4,   /* powers of two: short transforms by av_tx, then passes of radix four */
    MEWL_FFT_SPLIT,    /* a small odd factor taken out, av_tx for the rest */
    MEWL_FFT_BLUESTEIN /* as a convolution of a power of two */
} mewl_fft_route;

/* Plans a transform of `length` real samples (MEWL_FFT_LENGTH_MIN to MEWL_FFT_LENGTH_MAX); takes microseconds to a few
 * milliseconds. *out is the caller's, to be freed by mewl_fft_free. MEWL_E_ARG for other lengths, MEWL_E_MEMORY,
 * MEWL_E_LIBRARY when av_tx refuses. */
mewl_status mewl_fft_new(mewl_fft **out, size_t length, mewl_error *err);

/* NULL is fine. */
void mewl_fft_free(mewl_fft *fft);

/* The length it was made for, in samples; and by which route it computes. */
size_t mewl_fft_length(const mewl_fft *fft);
mewl_fft_route mewl_fft_route_of(const mewl_fft *fft);

/* X[k] = sum over n of input[n] exp(-2 pi i k n / length), unscaled, for k = 0 .. length/2 (rounded down).
 * `spectrum`: 2 * (length/2 + 1) numbers, real and imaginary part alternating. `input`: length numbers, left as they
 * are. Both aligned to MEWL_FFT_ALIGNMENT and apart from each other. Signal-to-noise ratio against the definition in
 * double precision: above 250 dB (tests/dsp/test_fft.c). Allocates nothing. */
void mewl_fft_forward(mewl_fft *fft, double *spectrum, const double *input);

/* power[k] = |X[k]|^2, k = 0 .. length/2: the same without writing the spectrum out. `power`: length/2 + 1 numbers. */
void mewl_fft_power(mewl_fft *fft, double *restrict power, const double *input);

#endif
