/* voiced.c - see voiced.h. Samples are high-passed and halved in rate on the way, frame by frame. */
#include "data/voiced.h"

#include <math.h>
#include <stdbool.h>

#define RATE_HZ 8000.0 /* after halving */
#define FRAME 320      /* 40 ms */
#define HOP 160
#define LAG_MIN 4   /* 2 kHz: where a fall is looked for from */
#define LAG_SHORT 8 /* 1 kHz */
#define LAG_LONG 32 /* 250 Hz */
#define LAG_MAX 100 /* 80 Hz */
#define HIGHPASS_HZ 200.0
#define FAINT 0.00316 /* -25 dB of power */
#define CORRELATION_MIN 0.6
#define FALL_MAX 0.3
#define NEAR_BEST 0.85

static double correlation(const float *x, size_t lag)
{
    double xy = 0, xx = 1e-12, yy = 1e-12;
    for (size_t i = 0; i < FRAME - LAG_MAX; i++) {
        xy += (double)x[i] * (double)x[i + lag];
        xx += (double)x[i] * (double)x[i];
        yy += (double)x[i + lag] * (double)x[i + lag];
    }
    return xy / sqrt(xx * yy);
}

static bool frame_voiced(const float *x)
{
    double lowest = 1, best_short = -1, best = -1;
    for (size_t lag = LAG_MIN; lag <= LAG_MAX; lag++) {
        double r = correlation(x, lag);
        lowest = fmin(lowest, r);
        if (lowest > FALL_MAX) {
            continue; /* still the main peak: a low tone, rumble */
        }
        best = fmax(best, r);
        if (lag >= LAG_SHORT && lag <= LAG_LONG) {
            best_short = fmax(best_short, r);
        }
        if (lag == LAG_LONG && best_short < CORRELATION_MIN) {
            return false;
        }
    }
    return best_short >= CORRELATION_MIN && best_short >= NEAR_BEST * best;
}

/* Pairs of samples averaged, then a first-order high-pass twice: `state` holds it between blocks. */
typedef struct halver {
    double in[2], out[2];
} halver;

static float halve(halver *h, double a, double b)
{
    const double k = 1 / (1 + 2 * M_PI * HIGHPASS_HZ / RATE_HZ);
    double x = 0.5 * (a + b);
    for (int pass = 0; pass < 2; pass++) {
        double y = k * (h->out[pass] + x - h->in[pass]);
        h->in[pass] = x;
        h->out[pass] = y;
        x = y;
    }
    return (float)x;
}

static double power_of(const float *x)
{
    double sum = 0;
    for (size_t i = 0; i < FRAME; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return sum;
}

/* One pass over all frames: notes the power of each (powers given) or whether it is voiced and more than `least` strong
 * (voiced given). Returns the largest power. */
static double pass(const float *samples, size_t count, double least, float *powers, bool *voiced, size_t *voiced_count)
{
    float x[FRAME];
    halver h = {{0, 0}, {0, 0}};
    double loudest = 0;
    size_t held = 0, frame = 0;
    for (size_t i = 0; i + 1 < count; i += 2) {
        x[held++] = halve(&h, (double)samples[i], (double)samples[i + 1]);
        if (held == FRAME) {
            double power = power_of(x);
            loudest = fmax(loudest, power);
            bool is = voiced_count != NULL && power > least && frame_voiced(x);
            if (powers != NULL) {
                powers[frame] = (float)power;
            }
            if (voiced != NULL) {
                voiced[frame] = is;
            }
            if (voiced_count != NULL) {
                *voiced_count += is;
            }
            frame++;
            for (size_t k = 0; k < FRAME - HOP; k++) {
                x[k] = x[k + HOP];
            }
            held = FRAME - HOP;
        }
    }
    return loudest;
}

size_t mewl__voiced_frames(size_t count)
{
    return count / 2 < FRAME ? 0 : (count / 2 - FRAME) / HOP + 1;
}

size_t mewl__voiced_mark(bool *voiced, float *powers, const float *samples, size_t count)
{
    size_t found = 0;
    double loudest = pass(samples, count, 0, powers, NULL, NULL);
    (void)pass(samples, count, FAINT * loudest, NULL, voiced, &found);
    return found;
}

double mewl__voiced_s(const float *samples, size_t count)
{
    size_t found = 0;
    double loudest = pass(samples, count, 0, NULL, NULL, NULL);
    (void)pass(samples, count, FAINT * loudest, NULL, NULL, &found);
    return (double)found * MEWL__VOICED_HOP_S;
}
