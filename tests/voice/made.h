/* made.h - for tests alone: sounds made by formula, whose F0 is known. The same ones went to Praat
 * (tools/golden_praat.py), so they may not change without the golden file. */
#ifndef MEWL_TESTS_MADE_H
#define MEWL_TESTS_MADE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

typedef struct made {
    const char *name;
    double rate_hz, seconds;
    double f0_start_hz, f0_end_hz; /* gliding evenly; vibrato of 6 Hz on it, wobble its depth */
    double wobble;
    double jitter, shimmer; /* standard deviation of each period's length and amplitude, share */
    double noise;           /* standard deviation of white noise */
    double silent_s;        /* at the beginning, noise alone */
} made;

static const made made_sounds[] = {
    {"glide", 16000, 0.8, 320, 640, 0.03, 0, 0, 0.01, 0.1},
    {"rough", 16000, 0.8, 450, 430, 0, 0.01, 0.06, 0.02, 0},
    {"hyper", 16000, 0.6, 1600, 1650, 0.01, 0.002, 0.02, 0.01, 0.1},
    {"phone", 8000, 0.8, 520, 400, 0.02, 0.004, 0.03, 0.03, 0.1},
};

#define MADE_COUNT (sizeof made_sounds / sizeof made_sounds[0])

static inline double made_f0(const made *m, double time_s)
{
    double along = (time_s - m->silent_s) / (m->seconds - m->silent_s);
    return (m->f0_start_hz + along * (m->f0_end_hz - m->f0_start_hz)) * (1 + m->wobble * sin(2 * M_PI * 6 * time_s));
}

/* malloc'd; *count samples, rounded to 16 bit so that a wav file holds the very same. */
static inline float *made_sound(const made *m, size_t *count)
{
    *count = (size_t)(m->seconds * m->rate_hz);
    float *out = malloc(*count * sizeof *out);
    mewl_rng rng = mewl_rng_seeded(11);
    double phase = 0.5, stretch = 1, level = 1;
    for (size_t i = 0; out != NULL && i < *count; i++) {
        double t = ((double)i + 0.5) / m->rate_hz, x = m->noise * mewl_rng_normal(&rng);
        if (t >= m->silent_s) {
            double f0 = made_f0(m, t), before = phase;
            phase += f0 / (m->rate_hz * stretch);
            if (before < 0.5 && phase >= 0.5) {
                stretch = 1 + m->jitter * mewl_rng_normal(&rng);
                level = 1 + m->shimmer * mewl_rng_normal(&rng);
            }
            phase -= floor(phase);
            for (int h = 1; h <= 12 && h * f0 < 0.45 * m->rate_hz; h++) {
                x += 0.25 * level * cos(2 * M_PI * h * phase) / h;
            }
        }
        x = fmax(-1, fmin(32767.0 / 32768, x));
        out[i] = (float)(rint(x * 32768) / 32768);
    }
    return out;
}

#endif
