/* stft.c - window, transform, power; see stft.h. */
#include "dsp/stft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/fft.h"

struct mewl_stft {
    mewl_stft_opts opts;
    mewl_fft *fft;
    double *window; /* window_length */
    double *frame;  /* fft_length, zero outside the window */
    double *power;  /* fft_length / 2 + 1 */
};

static double *take(size_t count)
{
    size_t bytes = (count * sizeof(double) + MEWL_FFT_ALIGNMENT - 1) / MEWL_FFT_ALIGNMENT * MEWL_FFT_ALIGNMENT;
    double *memory = aligned_alloc(MEWL_FFT_ALIGNMENT, bytes);
    if (memory != NULL) {
        memset(memory, 0, bytes);
    }
    return memory;
}

mewl_status mewl_stft_new(mewl_stft **out, mewl_stft_opts opts, mewl_error *err)
{
    *out = NULL;
    if (opts.fft_length < 2 || opts.fft_length % 2 != 0 || opts.fft_length > MEWL_FFT_LENGTH_MAX ||
        opts.window_length < 1 || opts.window_length > opts.fft_length ||
        opts.window_offset > opts.fft_length - opts.window_length) {
        return mewl_error_set(err, MEWL_E_ARG, "a window of %zu samples at %zu in a transform of length %zu",
                              opts.window_length, opts.window_offset, opts.fft_length);
    }
    mewl_stft *stft = calloc(1, sizeof *stft);
    if (stft == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", opts.fft_length);
    }
    stft->opts = opts;
    mewl_status status = mewl_fft_new(&stft->fft, opts.fft_length, err);
    if (status != MEWL_OK) {
        mewl_stft_free(stft);
        return status;
    }
    stft->window = take(opts.window_length);
    stft->frame = take(opts.fft_length);
    stft->power = take(opts.fft_length / 2 + 1);
    if (stft->window == NULL || stft->frame == NULL || stft->power == NULL) {
        mewl_stft_free(stft);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", opts.fft_length);
    }
    mewl_window_fill(stft->window, opts.window_length, opts.window);
    *out = stft;
    return MEWL_OK;
}

void mewl_stft_free(mewl_stft *stft)
{
    if (stft == NULL) {
        return;
    }
    mewl_fft_free(stft->fft);
    free(stft->window);
    free(stft->frame);
    free(stft->power);
    free(stft);
}

size_t mewl_stft_bins(const mewl_stft *stft)
{
    return stft->opts.fft_length / 2 + 1;
}

void mewl_stft_frame(mewl_stft *stft, float *out, size_t stride, const double *frame)
{
    const double *from = frame + stft->opts.window_offset;
    const double *window = stft->window;
    double *to = stft->frame + stft->opts.window_offset;
    for (size_t n = 0; n < stft->opts.window_length; n++) {
        to[n] = from[n] * window[n];
    }
    mewl_fft_power(stft->fft, stft->power, stft->frame);
    const double *power = stft->power;
    size_t bins = stft->opts.fft_length / 2 + 1;
    if (stft->opts.output == MEWL_STFT_POWER) {
        for (size_t k = 0; k < bins; k++) {
            out[k * stride] = (float)power[k];
        }
    } else {
        for (size_t k = 0; k < bins; k++) {
            out[k * stride] = (float)sqrt(power[k]);
        }
    }
}
