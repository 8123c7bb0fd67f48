/* pitch_frame.c - see pitch_frame.h. The autocorrelation is the transform of the power spectrum; the frame is padded so
 * that lags up to half a window do not wrap. */
#include "voice/pitch_frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "voice/sinc.h"

#define PERIODS 3.0 /* of the floor in a window */
#define DEPTH 30    /* of interpolation */
#define SHORT_LAG 4.0
#define DEPTH_SHORT 120 /* where a period has few samples, the maximum is narrow */

static void autocorrelate(mewl__pitch_framer *f, double *r)
{
    mewl_fft_power(f->fft, f->power, f->in);
    for (size_t k = 1; k < f->fft_length / 2; k++) {
        f->power[f->fft_length - k] = f->power[k];
    }
    memcpy(f->in, f->power, f->fft_length * sizeof *f->in);
    mewl_fft_forward(f->fft, f->power, f->in); /* real and even in, so real out: 2 (length/2 + 1) numbers */
    for (size_t i = 0; i <= f->last; i++) {
        r[i] = f->power[2 * i];
    }
}

static double *aligned_doubles(size_t count)
{
    size_t bytes = (count * sizeof(double) + MEWL_FFT_ALIGNMENT - 1) / MEWL_FFT_ALIGNMENT * MEWL_FFT_ALIGNMENT;
    double *memory = aligned_alloc(MEWL_FFT_ALIGNMENT, bytes);
    if (memory != NULL) {
        memset(memory, 0, bytes);
    }
    return memory;
}

mewl_status mewl__pitch_framer_init(mewl__pitch_framer *f, double rate_hz, mewl_pitch_opts opts, mewl_error *err)
{
    memset(f, 0, sizeof *f);
    f->rate_hz = rate_hz;
    f->opts = opts;
    f->opts.ceiling_hz = fmin(opts.ceiling_hz, 0.5 * rate_hz);
    f->period = (size_t)floor(rate_hz / opts.floor_hz);
    f->window = 2 * ((size_t)floor(PERIODS * rate_hz / opts.floor_hz) / 2 - 1);
    f->last = f->window / 2;
    f->lag_max = (size_t)((double)f->window / PERIODS) + 2;
    f->fft_length = 2;
    while (f->fft_length < f->window + f->last + 1) {
        f->fft_length *= 2;
    }
    MEWL_TRY(mewl_fft_new(&f->fft, f->fft_length, err));
    f->hann = malloc(f->window * sizeof *f->hann);
    f->hann_r = malloc((f->last + 1) * sizeof *f->hann_r);
    f->r = malloc((f->last + 1) * sizeof *f->r);
    f->in = aligned_doubles(f->fft_length);
    f->power = aligned_doubles(f->fft_length + 2);
    if (f->hann == NULL || f->hann_r == NULL || f->r == NULL || f->in == NULL || f->power == NULL) {
        mewl__pitch_framer_fini(f);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a pitch window of %zu samples", f->window);
    }
    for (size_t i = 0; i < f->window; i++) {
        f->hann[i] = 0.5 - 0.5 * cos(2 * M_PI * (double)(i + 1) / (double)(f->window + 1));
        f->in[i] = f->hann[i];
    }
    autocorrelate(f, f->hann_r);
    for (size_t i = f->last + 1; i-- > 0;) {
        f->hann_r[i] /= f->hann_r[0];
    }
    return MEWL_OK;
}

void mewl__pitch_framer_fini(mewl__pitch_framer *f)
{
    mewl_fft_free(f->fft);
    free(f->hann);
    free(f->hann_r);
    free(f->r);
    free(f->in);
    free(f->power);
    memset(f, 0, sizeof *f);
}

size_t mewl__pitch_framer_count(const mewl__pitch_framer *f, size_t count, double *first_s)
{
    double seconds = (double)count / f->rate_hz, span = PERIODS / f->opts.floor_hz;
    if (seconds < span || count < f->window + 2) {
        return 0;
    }
    size_t frames = (size_t)floor((seconds - span) / f->opts.step_s) + 1;
    *first_s = 0.5 * (seconds - (double)frames * f->opts.step_s + f->opts.step_s);
    return frames;
}

static double sample_at(const float *samples, size_t count, long i)
{
    return i >= 0 && (size_t)i < count && isfinite(samples[i]) ? (double)samples[i] : 0;
}

/* Fills f->in with the frame, without the local mean and windowed; returns its peak near the middle. */
static double take_frame(mewl__pitch_framer *f, const float *samples, size_t count, double time_s)
{
    long right = (long)floor(time_s * f->rate_hz - 0.5) + 1; /* sample i lies at (i + 0.5) / rate */
    double mean = 0;
    for (long i = right - (long)f->period; i < right + (long)f->period; i++) {
        mean += sample_at(samples, count, i);
    }
    mean /= 2.0 * (double)f->period;
    long start = right - (long)(f->window / 2);
    double peak = 0;
    size_t half = f->window / 2, reach = f->period / 2 + 1;
    size_t first = half > reach ? half - reach : 0;
    for (size_t i = 0; i < f->window; i++) {
        f->in[i] = (sample_at(samples, count, start + (long)i) - mean) * f->hann[i];
        if (i >= first && i < half + reach) {
            peak = fmax(peak, fabs(f->in[i]));
        }
    }
    memset(f->in + f->window, 0, (f->fft_length - f->window) * sizeof *f->in);
    return peak;
}

static void offer(const mewl__pitch_framer *f, mewl__pitch_candidates *out, double f0, double strength)
{
    size_t place = out->count;
    if (place == MEWL__PITCH_CANDIDATES) { /* the weakest gives way, low ones counting less */
        double weakest = strength - f->opts.octave_cost * log2(f->opts.floor_hz / f0);
        for (size_t i = 1; i < out->count; i++) {
            double own = (double)out->list[i].strength -
                         f->opts.octave_cost * log2(f->opts.floor_hz / (double)out->list[i].f0_hz);
            if (own < weakest) {
                weakest = own;
                place = i;
            }
        }
        if (place == out->count) {
            return;
        }
    } else {
        out->count++;
    }
    out->list[place] = (mewl__pitch_candidate){(float)f0, (float)strength};
}

/* f->r of the frame in f->in: its autocorrelation over that of the window, 1 at lag 0. False: there is no sound. */
static bool correlate(mewl__pitch_framer *f)
{
    autocorrelate(f, f->r);
    double power = f->r[0];
    if (!(power > 0)) {
        return false;
    }
    for (size_t i = 0; i <= f->last; i++) {
        f->r[i] /= power * f->hann_r[i];
    }
    return true;
}

bool mewl__pitch_framer_correlate(mewl__pitch_framer *f, const float *samples, size_t count, double time_s)
{
    (void)take_frame(f, samples, count, time_s);
    return correlate(f);
}

void mewl__pitch_framer_run(mewl__pitch_framer *f, mewl__pitch_candidates *out, const float *samples, size_t count,
                            double time_s, double peak)
{
    double local = take_frame(f, samples, count, time_s);
    out->list[0] = (mewl__pitch_candidate){0, 0};
    out->count = 1;
    out->intensity = peak > 0 ? (float)fmin(1, local / peak) : 0;
    if (local <= 0 || !correlate(f)) {
        return;
    }
    const double *r = f->r;
    for (size_t i = 2; i < f->lag_max && i < f->last; i++) {
        if (!(r[i] > 0.5 * f->opts.voicing && r[i] > r[i - 1] && r[i] >= r[i + 1])) {
            continue;
        }
        double lag = (double)i + 0.5 * (r[i + 1] - r[i - 1]) / (2 * r[i] - r[i - 1] - r[i + 1]);
        double strength = 0;
        lag = mewl__sinc_even_peak(&strength, r, f->last, lag, lag < SHORT_LAG ? DEPTH_SHORT : DEPTH);
        if (strength > 1) { /* dividing by the window's own makes short windows overshoot */
            strength = 1 / strength;
        }
        offer(f, out, f->rate_hz / lag, strength);
    }
}
