/* pitch.c - see pitch.h. */
#include "voice/pitch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "voice/pitch_lines.h"
#include "voice/pitch_path.h"

#define STRENGTH_MAX (1 - 1e-6)

mewl_pitch_opts mewl_pitch_opts_default(void)
{
    return (mewl_pitch_opts){.floor_hz = 150,
                             .ceiling_hz = 3000,
                             .step_s = 0.005,
                             .silence = 0.03,
                             .voicing = 0.45,
                             .octave_cost = 0.05,
                             .octave_jump_cost = 0.35,
                             .voicing_cost = 0.14,
                             .high_hz = 900,
                             .lines = 0.25};
}

static mewl_status check(double rate_hz, mewl_pitch_opts o, mewl_error *err)
{
    if (!(rate_hz >= 4000 && rate_hz <= 192000)) {
        return mewl_error_set(err, MEWL_E_ARG, "rate %g Hz is not in 4000 to 192000", rate_hz);
    }
    if (!(o.floor_hz >= 50 && o.floor_hz <= 1000 && o.ceiling_hz > o.floor_hz && o.ceiling_hz <= 20000 &&
          o.step_s >= 0.001 && o.step_s <= 0.1 && o.silence >= 0 && o.silence < 1 && o.voicing >= 0 && o.voicing < 1 &&
          o.octave_cost >= 0 && o.octave_jump_cost >= 0 && o.voicing_cost >= 0 && o.octave_cost <= 10 &&
          o.octave_jump_cost <= 10 && o.voicing_cost <= 10 && o.high_hz >= 600 && o.lines >= 0 && o.lines < 1)) {
        return mewl_error_set(err, MEWL_E_ARG, "pitch options out of range");
    }
    return MEWL_OK;
}

/* Largest distance from the mean. */
static double peak_of(const float *samples, size_t count)
{
    double sum = 0, low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double x = isfinite(samples[i]) ? (double)samples[i] : 0;
        sum += x;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    double mean = sum / (double)count;
    return fmax(high - mean, mean - low);
}

mewl_status mewl_pitch_track_make(mewl_pitch_track *out, const float *samples, size_t count, double rate_hz,
                                  mewl_pitch_opts opts, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(check(rate_hz, opts, err));
    mewl__pitch_framer framer;
    MEWL_TRY(mewl__pitch_framer_init(&framer, rate_hz, opts, err));
    mewl__pitch_path path = {0};
    mewl_status status = MEWL_OK;
    out->step_s = opts.step_s;
    out->count = mewl__pitch_framer_count(&framer, count, &out->first_s);
    if (out->count == 0) {
        status = mewl_error_set(err, MEWL_E_EMPTY, "too short for a pitch: %.0f ms", 1e3 * (double)count / rate_hz);
        goto done;
    }
    out->frames = calloc(out->count, sizeof *out->frames);
    if (out->frames == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a pitch track of %zu frames", out->count);
        goto done;
    }
    status = mewl__pitch_path_init(&path, framer.opts, out->frames, err);
    if (status != MEWL_OK) {
        goto done;
    }
    double peak = peak_of(samples, count);
    for (size_t i = 0; i < out->count; i++) {
        mewl__pitch_candidates candidates;
        mewl__pitch_framer_run(&framer, &candidates, samples, count, mewl_pitch_time_s(out, i), peak);
        mewl__pitch_path_push(&path, &candidates);
    }
    mewl__pitch_path_finish(&path);
    if (opts.lines > 0) {
        status = mewl__pitch_lines_gate(out, &framer, samples, count, err);
    }
done:
    mewl__pitch_path_fini(&path);
    mewl__pitch_framer_fini(&framer);
    if (status != MEWL_OK) {
        mewl_pitch_track_fini(out);
    }
    return status;
}

void mewl_pitch_track_fini(mewl_pitch_track *track)
{
    if (track != NULL) {
        free(track->frames);
        memset(track, 0, sizeof *track);
    }
}

double mewl_pitch_time_s(const mewl_pitch_track *track, size_t frame)
{
    return track->first_s + (double)frame * track->step_s;
}

double mewl_pitch_at(const mewl_pitch_track *track, double time_s)
{
    double place = (time_s - track->first_s) / track->step_s;
    if (!(place > -0.5 && place < (double)track->count - 0.5)) {
        return 0;
    }
    double below = floor(place), fraction = place - below;
    long left = (long)below, near = fraction < 0.5 ? left : left + 1, far = fraction < 0.5 ? left + 1 : left;
    double near_hz = (double)track->frames[near].f0_hz;
    double far_hz = far >= 0 && (size_t)far < track->count ? (double)track->frames[far].f0_hz : 0;
    if (near_hz <= 0 || far_hz <= 0) {
        return near_hz;
    }
    double weight = fraction < 0.5 ? fraction : 1 - fraction;
    return near_hz + weight * (far_hz - near_hz);
}

bool mewl_pitch_voiced_run(const mewl_pitch_track *track, size_t from, size_t *first, size_t *end)
{
    while (from < track->count && track->frames[from].f0_hz <= 0) {
        from++;
    }
    *first = *end = from;
    while (*end < track->count && track->frames[*end].f0_hz > 0) {
        (*end)++;
    }
    return *end > *first;
}

double mewl_pitch_hnr_db(double strength)
{
    double r = fmin(STRENGTH_MAX, fmax(1 - STRENGTH_MAX, strength));
    return 10 * log10(r / (1 - r));
}
