/* analysis.h - one recording's voice in full: the F0 track, breaths, pulses and formants that the measures of measure.h
 * are made from, for pictures, files and functionals. */
#ifndef MEWL_VOICE_ANALYSIS_H
#define MEWL_VOICE_ANALYSIS_H

#include "voice/breath.h"
#include "voice/formant.h"
#include "voice/measure.h"
#include "voice/perturbation.h"

#define MEWL_VOICE_FORMANT_EVERY 4 /* frames of the track: 20 ms */

typedef struct mewl_voice_analysis {
    double rate_hz, seconds;
    mewl_pitch_track track;
    mewl_pulses pulses;
    mewl_breaths breaths;
    mewl_formants *formants; /* one for every MEWL_VOICE_FORMANT_EVERY-th frame, NaN where that is unvoiced; owned */
    size_t formant_count;
    mewl_voice measures;
} mewl_voice_analysis;

/* Analyses as mewl_voice_measure does, and with its limits and errors. *out is released by mewl_voice_analysis_fini; on
 * failure it is empty, but for measures, which are NaN. */
mewl_status mewl_voice_analyse(mewl_voice_analysis *out, const float *samples, size_t count, double rate_hz,
                               mewl_error *err);
void mewl_voice_analysis_fini(mewl_voice_analysis *analysis);

#endif
