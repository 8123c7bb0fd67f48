/* glottis.c - see glottis.h. A period's length and level change half-way between pulses, where the sound is smooth. */
#include "synth/glottis.h"

#include <complex.h>
#include <math.h>

#define TILT 1.3         /* harmonics fall with h^-TILT */
#define TOP 0.46         /* of the rate: none above, */
#define FADE 0.04        /* fading out over this much below */
#define PAIR_MEAN 1.1284 /* mean distance of two normal draws, in standard deviations: 2 / sqrt(pi) */
#define ROUGH_DEPTH 0.45

mewl__glottis mewl__glottis_start(double rate_hz, double jitter, double shimmer_db, mewl_rng rng)
{
    mewl__glottis g = {.rate_hz = rate_hz,
                       .jitter = jitter,
                       .shimmer_db = shimmer_db,
                       .phase = 0.5,
                       .stretch = 1,
                       .level = 1,
                       .odd = 1,
                       .rng = rng};
    for (int h = 1; h <= MEWL__GLOTTIS_HARMONICS; h++) {
        g.weight[h] = pow(h, -TILT);
    }
    return g;
}

static void next_period(mewl__glottis *g)
{
    double z = fmax(-3, fmin(3, mewl_rng_normal(&g->rng)));
    g->stretch = fmax(0.5, 1 + g->jitter / PAIR_MEAN * z);
    z = fmax(-3, fmin(3, mewl_rng_normal(&g->rng)));
    g->odd = -g->odd;
    g->level = pow(10, g->shimmer_db / PAIR_MEAN * z / 20) * (1 + ROUGH_DEPTH * g->rough * g->odd);
}

double mewl__glottis_run(mewl__glottis *g, double f0_hz, double hnr_db, double rough)
{
    double before = g->phase;
    g->rough = rough;
    g->phase += f0_hz / (g->rate_hz * g->stretch);
    if (before < 0.5 && g->phase >= 0.5) {
        next_period(g);
    }
    g->phase -= floor(g->phase);
    double complex turn = cexp(2 * M_PI * I * g->phase), z = turn;
    double sum = 0, power = 0;
    for (int h = 1; h <= MEWL__GLOTTIS_HARMONICS && h * f0_hz < TOP * g->rate_hz; h++, z *= turn) {
        double room = (TOP * g->rate_hz - h * f0_hz) / (FADE * g->rate_hz);
        double weight = g->weight[h] * fmin(1, room);
        sum += weight * creal(z);
        power += 0.5 * weight * weight;
    }
    /* Noise with about the harmonics' own slope: white through a low-pass at twice F0, brought to the same power. */
    double k = 1 - exp(-2 * M_PI * 2 * f0_hz / g->rate_hz);
    g->breath += k * (mewl_rng_normal(&g->rng) - g->breath);
    double noise = g->breath * sqrt((2 - k) / k);
    return g->level * sum + noise * sqrt(power) * pow(10, -hnr_db / 20);
}
