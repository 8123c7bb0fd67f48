/* pitch_lines.c - see pitch_lines.h. */
#include "voice/pitch_lines.h"

#include <math.h>
#include <stdlib.h>

#include "voice/sinc.h"

#define DEPTH 10       /* of interpolation: a share needs no more */
#define AROUND_S 0.040 /* on each side: five frames that do not overlap in all */
#define FEWEST_S 0.030 /* a shorter stretch is one look at the sound, and has to be the clearer */

double mewl__pitch_lines(mewl__pitch_framer *f, const float *samples, size_t count, double time_s, double f0_hz)
{
    const double period = f->rate_hz / f0_hz;
    const double last = fmin((double)f->period, (double)f->last - 1);
    double sum = 0;
    size_t found = 0;
    if (!mewl__pitch_framer_correlate(f, samples, count, time_s)) {
        return 0;
    }
    for (double k = ceil(0.5 * last / period); (k + 0.25) * period <= last; k++) {
        double whole = mewl__sinc_even(f->r, f->last, k * period, DEPTH), around = whole;
        for (int quarter = -2; quarter < 2; quarter++) { /* what is slower than F0 is the same all around */
            around += quarter != 0 ? mewl__sinc_even(f->r, f->last, (k + 0.25 * quarter) * period, DEPTH) : 0;
        }
        sum += whole - 0.25 * around;
        found++;
    }
    return found > 0 ? sum / (double)found : 0;
}

/* Judges the high frames [first, end), whose shares are in `lines`. */
static void judge(mewl_pitch_track *track, const double *lines, size_t first, size_t end, double least)
{
    const size_t around = (size_t)(AROUND_S / track->step_s + 0.5), fewest = (size_t)(FEWEST_S / track->step_s + 0.5);
    size_t low = first, high = first;
    double sum = 0;
    for (size_t i = first; i < end; i++) {
        for (; high < end && high <= i + around; high++) {
            sum += lines[high];
        }
        for (; low + around < i; low++) {
            sum -= lines[low];
        }
        const size_t seen = high - low;
        if (sum < least * (double)(seen > fewest ? seen : fewest)) {
            track->frames[i].f0_hz = track->frames[i].strength = 0;
        }
    }
}

mewl_status mewl__pitch_lines_gate(mewl_pitch_track *track, mewl__pitch_framer *f, const float *samples, size_t count,
                                   mewl_error *err)
{
    double *lines = malloc((track->count + 1) * sizeof *lines);
    if (lines == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a pitch track of %zu frames", track->count);
    }
    for (size_t i = 0, end; i < track->count; i = end + 1) {
        for (end = i; end < track->count && (double)track->frames[end].f0_hz > f->opts.high_hz; end++) {
            lines[end] =
                mewl__pitch_lines(f, samples, count, mewl_pitch_time_s(track, end), (double)track->frames[end].f0_hz);
        }
        judge(track, lines, i, end, f->opts.lines);
    }
    free(lines);
    return MEWL_OK;
}
