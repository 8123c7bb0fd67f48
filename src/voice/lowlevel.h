/* lowlevel.h - private to the voice room: what egemaps.h's functionals are taken of, every 10 ms. egemaps.h states each
 * formula. */
#ifndef MEWL_VOICE_LOWLEVEL_H
#define MEWL_VOICE_LOWLEVEL_H

#include "voice/analysis.h"

typedef enum mewl__low {
    MEWL__LOW_LOUDNESS, /* these of every frame */
    MEWL__LOW_FLUX,
    MEWL__LOW_MFCC1,
    MEWL__LOW_MFCC2,
    MEWL__LOW_MFCC3,
    MEWL__LOW_MFCC4,
    MEWL__LOW_ALPHA,
    MEWL__LOW_HAMMARBERG,
    MEWL__LOW_SLOPE_0,
    MEWL__LOW_SLOPE_500,
    MEWL__LOW_F0, /* these of voiced frames alone: else NaN */
    MEWL__LOW_JITTER,
    MEWL__LOW_SHIMMER,
    MEWL__LOW_HNR,
    MEWL__LOW_H1_H2,
    MEWL__LOW_H1_A3,
    MEWL__LOW_F1_HZ, /* frequency, bandwidth, amplitude: three formants, three rows each */
    MEWL__LOW_F1_BANDWIDTH,
    MEWL__LOW_F1_AMPLITUDE,
    MEWL__LOW_COUNT = MEWL__LOW_F1_HZ + 3 * MEWL_FORMANT_COUNT
} mewl__low;

#define MEWL__LOW_STEP_S 0.01

typedef struct mewl__lows {
    float *rows[MEWL__LOW_COUNT]; /* (count) each, smoothed over three frames; one block, owned by rows[0] */
    size_t count;
} mewl__lows;

/* Computes them for a recording and its analysis. Released by mewl__lows_fini. MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl__lows_make(mewl__lows *out, const mewl_voice_analysis *analysis, const float *samples, size_t count,
                            mewl_error *err);
void mewl__lows_fini(mewl__lows *lows);

static inline int mewl__low_is_voiced(mewl__low low)
{
    return low >= MEWL__LOW_F0;
}

#endif
