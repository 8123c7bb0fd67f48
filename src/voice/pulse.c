/* pulse.c - see pulse.h. */
#include "voice/pulse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "voice/statistic.h"

#define SEARCH_SHORT 0.8 /* the next pulse is looked for from this many periods on ... */
#define SEARCH_LONG 1.25 /* ... up to this many */
#define ACCEPT 0.3       /* correlation that a pulse needs inside a voiced stretch, */
#define ACCEPT_EDGE 0.7  /* and just outside of it, where one more may lie */
#define FAINT 0.01       /* of the recording's peak */
#define FAINT_EDGE 0.0233
#define DENSEST_S 0.0003

typedef struct finder {
    mewl_pulses *out;
    size_t capacity;
    const mewl_pitch_track *track;
    const float *samples;
    size_t count;
    double rate_hz, peak;
} finder;

/* A place where the sound was found again. */
typedef struct match {
    double time_s, correlation, peak;
} match;

static double sample_at(const finder *f, long i)
{
    return i >= 0 && (size_t)i < f->count && isfinite(f->samples[i]) ? (double)f->samples[i] : 0;
}

static bool add(finder *f, double time_s)
{
    if (f->out->count == f->capacity) {
        size_t capacity = f->capacity == 0 ? 256 : 2 * f->capacity;
        double *more = realloc(f->out->times_s, capacity * sizeof *more);
        if (more == NULL) {
            return false;
        }
        f->out->times_s = more;
        f->capacity = capacity;
    }
    f->out->times_s[f->out->count++] = time_s;
    return true;
}

/* Sample i lies at (i + 0.5) / rate: the place of a time among the samples. */
static double place_of(const finder *f, double time_s)
{
    return time_s * f->rate_hz - 0.5;
}

/* The largest extremum within half a period of `middle`, between samples by a parabola. */
static double extremum(const finder *f, double middle, double period)
{
    long first = (long)ceil(place_of(f, middle - 0.5 * period)), last = (long)floor(place_of(f, middle + 0.5 * period));
    long best = -1;
    double value = -1;
    for (long i = first; i <= last; i++) {
        double a = fabs(sample_at(f, i));
        if (a > value && i > 0 && (size_t)i + 1 < f->count) {
            value = a;
            best = i;
        }
    }
    if (best < 0) {
        return middle;
    }
    double y0 = sample_at(f, best - 1), y1 = sample_at(f, best), y2 = sample_at(f, best + 1);
    double curve = 2 * y1 - y0 - y2, move = fabs(curve) > 1e-30 ? 0.5 * (y2 - y0) / curve : 0;
    return ((double)best + 0.5 + fmax(-0.5, fmin(0.5, move))) / f->rate_hz;
}

/* Correlation of the `length` samples at `a` with those at `b`, and the peak of the latter. */
static double correlation(const finder *f, long a, long b, long length, double *peak)
{
    double aa = 0, bb = 0, ab = 0;
    *peak = 0;
    for (long i = 0; i <= length; i++) {
        if (a + i < 0 || b + i < 0 || (size_t)(a + i) >= f->count || (size_t)(b + i) >= f->count) {
            continue;
        }
        double x = sample_at(f, a + i), y = sample_at(f, b + i);
        aa += x * x;
        bb += y * y;
        ab += x * y;
        *peak = fmax(*peak, fabs(y));
    }
    return ab != 0 ? ab / sqrt(aa * bb) : 0;
}

/* Where, from `low` to `high`, the sound is most like one period around `time_s`. Correlation -1: nowhere. */
static match find_again(const finder *f, double time_s, double period, double low, double high)
{
    long left = lround(place_of(f, time_s - 0.5 * period)), right = lround(place_of(f, time_s + 0.5 * period));
    long first = (long)floor(place_of(f, low - 0.5 * period)), last = (long)ceil(place_of(f, high - 0.5 * period));
    double r[3] = {0, 0, 0}, around[2] = {0, 0}, peak_before = 0;
    match best = {.time_s = time_s, .correlation = -1, .peak = 0};
    long best_at = 0;
    for (long at = first; at <= last; at++) {
        double peak;
        r[0] = r[1];
        r[1] = r[2];
        r[2] = correlation(f, left, at, right - left, &peak);
        if (r[1] > best.correlation && r[1] >= r[0] && r[1] >= r[2] && at > first) {
            best.correlation = r[1];
            best.peak = peak_before;
            around[0] = r[0];
            around[1] = r[2];
            best_at = at - 1;
        }
        peak_before = peak;
    }
    if (best.correlation <= -1) {
        return best;
    }
    double move = 0, curve = 2 * best.correlation - around[0] - around[1];
    if (curve > 0) {
        double slope = 0.5 * (around[1] - around[0]);
        best.correlation += 0.5 * slope * slope / curve;
        move = slope / curve;
    }
    best.time_s = time_s + ((double)(best_at - left) + move) / f->rate_hz;
    return best;
}

/* Follows pulses from `start` in one direction (-1 or 1) to the stretch's edge. */
static bool follow(finder *f, double start, int direction, double edge, double *added_last)
{
    double time_s = start;
    for (;;) {
        double f0 = mewl_pitch_at(f->track, time_s);
        if (f0 <= 0) {
            return true;
        }
        double period = 1 / f0;
        double near = time_s + direction * SEARCH_SHORT * period, far = time_s + direction * SEARCH_LONG * period;
        match m = find_again(f, time_s, period, fmin(near, far), fmax(near, far));
        if (m.correlation <= -1 || direction * (m.time_s - time_s) <= DENSEST_S) {
            time_s += direction * period; /* this one drops out */
            m.correlation = -1;
        } else {
            time_s = m.time_s;
        }
        bool outside = direction * (time_s - edge) > 0;
        bool apart = fabs(time_s - *added_last) > SEARCH_SHORT * period &&
                     (direction > 0 || time_s > *added_last); /* backwards, the last one added is a stretch before */
        bool clear = outside ? m.correlation > ACCEPT_EDGE && m.peak > FAINT_EDGE * f->peak
                             : m.correlation > ACCEPT && (m.peak <= 0 || m.peak > FAINT * f->peak);
        if (clear && apart) {
            if (!add(f, time_s)) {
                return false;
            }
            if (direction > 0) {
                *added_last = time_s;
            }
        }
        if (outside) {
            return true;
        }
    }
}

mewl_status mewl_pulses_find(mewl_pulses *out, const mewl_pitch_track *track, const float *samples, size_t count,
                             double rate_hz, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    finder f = {.out = out, .track = track, .samples = samples, .count = count, .rate_hz = rate_hz};
    for (size_t i = 0; i < count; i++) {
        f.peak = fmax(f.peak, fabs(sample_at(&f, (long)i)));
    }
    double added_last = -INFINITY;
    bool ok = true;
    for (size_t first = 0, end = 0; ok && mewl_pitch_voiced_run(track, end, &first, &end);) {
        double left = mewl_pitch_time_s(track, first) - 0.5 * track->step_s;
        double right = mewl_pitch_time_s(track, end - 1) + 0.5 * track->step_s;
        double middle = 0.5 * (left + right), f0 = mewl_pitch_at(track, middle);
        if (f0 <= 0) {
            continue;
        }
        double start = extremum(&f, middle, 1 / f0);
        ok = add(&f, start) && follow(&f, start, -1, left, &added_last);
        added_last = start;
        ok = ok && follow(&f, start, 1, right, &added_last);
    }
    if (!ok) {
        mewl_pulses_fini(out);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for glottal pulses");
    }
    mewl__sort_doubles(out->times_s, out->count);
    return MEWL_OK;
}

void mewl_pulses_fini(mewl_pulses *pulses)
{
    if (pulses != NULL) {
        free(pulses->times_s);
        memset(pulses, 0, sizeof *pulses);
    }
}
