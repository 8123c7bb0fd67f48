/* stft.h - one windowed frame at a time to its power or magnitude spectrum.
 *
 * Where frames start and how the ends of a signal are padded is frontend.h's; this is the step within a frame.
 */
#ifndef MEWL_DSP_STFT_H
#define MEWL_DSP_STFT_H

#include <stddef.h>

#include "base/status.h"
#include "dsp/window.h"

typedef enum mewl_stft_output {
    MEWL_STFT_POWER,    /* |X|^2 */
    MEWL_STFT_MAGNITUDE /* |X| */
} mewl_stft_output;

typedef struct mewl_stft_opts {
    size_t fft_length;    /* even, 2 to MEWL_FFT_LENGTH_MAX */
    size_t window_length; /* 1 to fft_length */
    size_t window_offset; /* where the window starts in the frame: window_offset + window_length <= fft_length */
    mewl_window_kind window;
    mewl_stft_output output;
} mewl_stft_opts;

typedef struct mewl_stft mewl_stft;

/* *out is the caller's (mewl_stft_free). MEWL_E_ARG, MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_stft_new(mewl_stft **out, mewl_stft_opts opts, mewl_error *err);

/* NULL is fine. */
void mewl_stft_free(mewl_stft *stft);

/* fft_length / 2 + 1 */
size_t mewl_stft_bins(const mewl_stft *stft);

/* Spectrum of the frame whose first sample is frame[0]: reads frame[window_offset .. window_offset + window_length),
 * takes the rest as zero, and writes bin k to out[k * stride], k = 0 .. bins - 1 (stride >= 1). Allocates nothing. */
void mewl_stft_frame(mewl_stft *stft, float *out, size_t stride, const double *frame);

#endif
