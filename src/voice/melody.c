/* melody.c - see melody.h. Frame by frame in constant memory: the smoothed curve is computed where it is needed. */
#include "voice/melody.h"

#include <math.h>

#define AROUND 3 /* frames on each side that a median takes in */

const char *mewl_melody_name(mewl_melody melody)
{
    static const char *const names[MEWL_MELODY_COUNT] = {"none", "rising", "falling", "rise-fall", "flat", "complex"};
    return (unsigned)melody < MEWL_MELODY_COUNT ? names[melody] : "none";
}

/* Median F0 of the voiced frames around frame i, in semitones over 1 Hz; NaN where i itself is unvoiced. */
static double smoothed(const mewl_pitch_track *track, size_t first, size_t end, size_t i)
{
    if (track->frames[i].f0_hz <= 0) {
        return NAN;
    }
    float near[2 * AROUND + 1];
    size_t count = 0, from = i > first + AROUND ? i - AROUND : first, to = i + AROUND < end ? i + AROUND : end - 1;
    for (size_t k = from; k <= to; k++) {
        float f0 = track->frames[k].f0_hz;
        if (f0 <= 0) {
            continue;
        }
        size_t at = count++;
        for (; at > 0 && near[at - 1] > f0; at--) {
            near[at] = near[at - 1];
        }
        near[at] = f0;
    }
    return 12 * log2((double)near[count / 2]);
}

/* Turning points by the zigzag rule: a movement counts once the curve has gone MEWL_MELODY_STEP_ST from its last
 * extreme. */
typedef struct zigzag {
    double low, high; /* extremes since the last turn */
    int direction;    /* 0 before the first movement */
    int moves, first;
    size_t points;
} zigzag;

static void turn(zigzag *z, int direction, double value)
{
    z->first = z->moves == 0 ? direction : z->first;
    z->moves++;
    z->direction = direction;
    z->low = z->high = value;
}

static void take(zigzag *z, double value)
{
    if (z->points++ == 0) {
        z->low = z->high = value;
        return;
    }
    z->low = fmin(z->low, value);
    z->high = fmax(z->high, value);
    if (z->direction <= 0 && value - z->low >= MEWL_MELODY_STEP_ST) {
        turn(z, 1, value);
    } else if (z->direction >= 0 && z->high - value >= MEWL_MELODY_STEP_ST) {
        turn(z, -1, value);
    }
}

mewl_melody mewl_melody_of(const mewl_pitch_track *track, size_t first, size_t end, double *change_st_s)
{
    zigzag z = {0};
    double changed = 0, before = NAN;
    size_t steps = 0;
    end = end < track->count ? end : track->count;
    for (size_t i = first; i < end; i++) {
        double value = smoothed(track, first, end, i);
        if (!isnan(value)) {
            take(&z, value);
            if (!isnan(before)) {
                changed += fabs(value - before);
                steps++;
            }
        }
        before = value;
    }
    if (change_st_s != NULL) {
        *change_st_s = steps > 0 ? changed / ((double)steps * track->step_s) : NAN;
    }
    if ((double)z.points * track->step_s < MEWL_MELODY_LEAST_S) {
        return MEWL_MELODY_NONE;
    }
    if (z.moves == 0) {
        return MEWL_MELODY_FLAT;
    }
    if (z.moves == 1) {
        return z.first > 0 ? MEWL_MELODY_RISING : MEWL_MELODY_FALLING;
    }
    return z.moves == 2 && z.first > 0 ? MEWL_MELODY_RISE_FALL : MEWL_MELODY_COMPLEX;
}
