/* analysis.c - see analysis.h. The sound is analysed at its own rate; for formants alone it is brought down to 16 kHz
 * where it is above. */
#include "voice/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/resample.h"
#include "voice/measure_sum.h"

#define SHORTEST_S 0.03

static mewl_status find_formants(mewl_voice_analysis *a, const float *samples, size_t count, double rate_hz,
                                 mewl_error *err)
{
    mewl_formant_finder *finder = NULL;
    MEWL_TRY(mewl_formant_finder_new(&finder, rate_hz, err));
    const mewl_pitch_track *t = &a->track;
    a->formant_count = (t->count + MEWL_VOICE_FORMANT_EVERY - 1) / MEWL_VOICE_FORMANT_EVERY;
    a->formants = malloc((a->formant_count + 1) * sizeof *a->formants);
    mewl_status status = MEWL_OK;
    if (a->formants == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for formants");
    }
    for (size_t i = 0; status == MEWL_OK && i < a->formant_count; i++) {
        size_t frame = i * MEWL_VOICE_FORMANT_EVERY;
        if (t->frames[frame].f0_hz > 0) {
            a->formants[i] = mewl_formant_find(finder, samples, count, mewl_pitch_time_s(t, frame));
        } else {
            for (size_t k = 0; k < MEWL_FORMANT_COUNT; k++) {
                a->formants[i].hz[k] = a->formants[i].bandwidth_hz[k] = NAN;
            }
        }
    }
    mewl_formant_finder_free(finder);
    return status;
}

static mewl_status formants(mewl_voice_analysis *a, const float *samples, size_t count, double rate_hz, mewl_error *err)
{
    const double top_hz = 2 * MEWL_FORMANT_CEILING_HZ;
    if (rate_hz <= 1.02 * top_hz) {
        return find_formants(a, samples, count, rate_hz, err);
    }
    float *low = NULL;
    size_t low_count = 0;
    MEWL_TRY(mewl_resample(&low, &low_count, samples, count, rate_hz, top_hz, (mewl_resample_opts){0}, err));
    mewl_status status = find_formants(a, low, low_count, top_hz, err);
    free(low);
    return status;
}

mewl_status mewl_voice_analyse(mewl_voice_analysis *out, const float *samples, size_t count, double rate_hz,
                               mewl_error *err)
{
    memset(out, 0, sizeof *out);
    mewl__voice_nothing(&out->measures);
    if (!(rate_hz >= MEWL_VOICE_RATE_MIN_HZ && rate_hz <= MEWL_VOICE_RATE_MAX_HZ)) {
        return mewl_error_set(err, MEWL_E_ARG, "rate %g Hz is not in %g to %g", rate_hz, MEWL_VOICE_RATE_MIN_HZ,
                              MEWL_VOICE_RATE_MAX_HZ);
    }
    out->rate_hz = rate_hz;
    out->seconds = (double)count / rate_hz;
    if (out->seconds > MEWL_VOICE_SECONDS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "longer than an hour: cut it");
    }
    if (out->seconds < SHORTEST_S) {
        return mewl_error_set(err, MEWL_E_EMPTY, "too short to hold a voice: %.0f ms", 1e3 * out->seconds);
    }
    mewl_status status = mewl_pitch_track_make(&out->track, samples, count, rate_hz, mewl_pitch_opts_default(), err);
    status = status != MEWL_OK ? status : mewl_breaths_find(&out->breaths, &out->track, samples, count, rate_hz, err);
    status = status != MEWL_OK ? status : mewl_pulses_find(&out->pulses, &out->track, samples, count, rate_hz, err);
    status = status != MEWL_OK ? status : formants(out, samples, count, rate_hz, err);
    status = status != MEWL_OK ? status : mewl__voice_sum(out, samples, count, err);
    if (status != MEWL_OK) {
        mewl_voice_analysis_fini(out);
        mewl__voice_nothing(&out->measures);
    }
    return status;
}

void mewl_voice_analysis_fini(mewl_voice_analysis *analysis)
{
    if (analysis != NULL) {
        mewl_pitch_track_fini(&analysis->track);
        mewl_pulses_fini(&analysis->pulses);
        mewl_breaths_fini(&analysis->breaths);
        free(analysis->formants);
        memset(analysis, 0, sizeof *analysis);
    }
}
