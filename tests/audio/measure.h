/* measure.h - what the audio tests measure with: tones, noise from a seed, a least-squares fit of a sine. For tests;
 * include after cmocka.h. */
#ifndef MEWL_TESTS_AUDIO_MEASURE_H
#define MEWL_TESTS_AUDIO_MEASURE_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static inline float *signal_tone(size_t count, double rate_hz, double tone_hz, double amplitude)
{
    float *x = malloc((count + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)(amplitude * sin(2.0 * M_PI * tone_hz * (double)i / rate_hz));
    }
    return x;
}

/* White noise in [-amplitude, amplitude). */
static inline float *signal_noise(size_t count, uint32_t seed, double amplitude)
{
    float *x = malloc((count + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525U + 1013904223U;
        x[i] = (float)(amplitude * ((double)(seed >> 8) / 8388608.0 - 1.0));
    }
    return x;
}

typedef struct signal_fit {
    double amplitude, phase; /* of the best a sin(2 pi f i / rate + phase) */
    double rest;             /* RMS of what remains */
} signal_fit;

/* Fits a sine to x[from, to). */
static inline signal_fit signal_fit_sine(const float *x, size_t from, size_t to, double rate_hz, double tone_hz)
{
    double ss = 0.0, cc = 0.0, sc = 0.0, xs = 0.0, xc = 0.0;
    for (size_t i = from; i < to; i++) {
        const double w = 2.0 * M_PI * tone_hz * (double)i / rate_hz, s = sin(w), c = cos(w);
        ss += s * s;
        cc += c * c;
        sc += s * c;
        xs += x[i] * s;
        xc += x[i] * c;
    }
    const double det = ss * cc - sc * sc;
    const double a = (xs * cc - xc * sc) / det, b = (xc * ss - xs * sc) / det;
    double rest = 0.0;
    for (size_t i = from; i < to; i++) {
        const double w = 2.0 * M_PI * tone_hz * (double)i / rate_hz;
        const double r = x[i] - a * sin(w) - b * cos(w);
        rest += r * r;
    }
    return (signal_fit){sqrt(a * a + b * b), atan2(b, a), sqrt(rest / (double)(to - from))};
}

static inline double signal_rms(const float *x, size_t from, size_t to)
{
    double sum = 0.0;
    for (size_t i = from; i < to; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return to > from ? sqrt(sum / (double)(to - from)) : 0.0;
}

static inline double signal_db(double ratio)
{
    return 20.0 * log10(ratio > 1e-30 ? ratio : 1e-30);
}

#endif
