/* egemaps.c - see egemaps.h. One table says which row of lowlevel.h, which of its frames and which functionals make
 * each stretch of the 88. */
#include "voice/egemaps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "voice/lowlevel.h"
#include "voice/statistic.h"

#define TWO(stem) stem "_amean", stem "_stddevNorm"
#define TEN(stem)                                                                                                      \
    TWO(stem), stem "_percentile20.0", stem "_percentile50.0", stem "_percentile80.0", stem "_pctlrange0-2",           \
        stem "_meanRisingSlope", stem "_stddevRisingSlope", stem "_meanFallingSlope", stem "_stddevFallingSlope"
#define FORMANT(stem) TWO(stem "frequency_sma3nz"), TWO(stem "bandwidth_sma3nz"), TWO(stem "amplitudeLogRelF0_sma3nz")

static const char *const names[MEWL_EGEMAPS_COUNT] = {TEN("F0semitoneFrom27.5Hz_sma3nz"),
                                                      TEN("loudness_sma3"),
                                                      TWO("spectralFlux_sma3"),
                                                      TWO("mfcc1_sma3"),
                                                      TWO("mfcc2_sma3"),
                                                      TWO("mfcc3_sma3"),
                                                      TWO("mfcc4_sma3"),
                                                      TWO("jitterLocal_sma3nz"),
                                                      TWO("shimmerLocaldB_sma3nz"),
                                                      TWO("HNRdBACF_sma3nz"),
                                                      TWO("logRelF0-H1-H2_sma3nz"),
                                                      TWO("logRelF0-H1-A3_sma3nz"),
                                                      FORMANT("F1"),
                                                      FORMANT("F2"),
                                                      FORMANT("F3"),
                                                      TWO("alphaRatioV_sma3nz"),
                                                      TWO("hammarbergIndexV_sma3nz"),
                                                      TWO("slopeV0-500_sma3nz"),
                                                      TWO("slopeV500-1500_sma3nz"),
                                                      TWO("spectralFluxV_sma3nz"),
                                                      TWO("mfcc1V_sma3nz"),
                                                      TWO("mfcc2V_sma3nz"),
                                                      TWO("mfcc3V_sma3nz"),
                                                      TWO("mfcc4V_sma3nz"),
                                                      "alphaRatioUV_sma3nz_amean",
                                                      "hammarbergIndexUV_sma3nz_amean",
                                                      "slopeUV0-500_sma3nz_amean",
                                                      "slopeUV500-1500_sma3nz_amean",
                                                      "spectralFluxUV_sma3nz_amean",
                                                      "loudnessPeaksPerSec",
                                                      "VoicedSegmentsPerSec",
                                                      "MeanVoicedSegmentLengthSec",
                                                      "StddevVoicedSegmentLengthSec",
                                                      "MeanUnvoicedSegmentLength",
                                                      "StddevUnvoicedSegmentLength",
                                                      "equivalentSoundLevel_dBp"};

const char *mewl_egemaps_name(size_t index)
{
    return index < MEWL_EGEMAPS_COUNT ? names[index] : NULL;
}

typedef enum which { ALL, VOICED, UNVOICED } which;

/* A row, its frames, and how many functionals: 1 (mean), 2 (and deviation) or 10. */
typedef struct plan {
    int low, count;
    which frames;
} plan;

static const plan plans[] = {{MEWL__LOW_F0, 10, ALL},           {MEWL__LOW_LOUDNESS, 10, ALL},
                             {MEWL__LOW_FLUX, 2, ALL},          {MEWL__LOW_MFCC1, 2, ALL},
                             {MEWL__LOW_MFCC2, 2, ALL},         {MEWL__LOW_MFCC3, 2, ALL},
                             {MEWL__LOW_MFCC4, 2, ALL},         {MEWL__LOW_JITTER, 2, ALL},
                             {MEWL__LOW_SHIMMER, 2, ALL},       {MEWL__LOW_HNR, 2, ALL},
                             {MEWL__LOW_H1_H2, 2, ALL},         {MEWL__LOW_H1_A3, 2, ALL},
                             {MEWL__LOW_F1_HZ, 2, ALL},         {MEWL__LOW_F1_HZ + 1, 2, ALL},
                             {MEWL__LOW_F1_HZ + 2, 2, ALL},     {MEWL__LOW_F1_HZ + 3, 2, ALL},
                             {MEWL__LOW_F1_HZ + 4, 2, ALL},     {MEWL__LOW_F1_HZ + 5, 2, ALL},
                             {MEWL__LOW_F1_HZ + 6, 2, ALL},     {MEWL__LOW_F1_HZ + 7, 2, ALL},
                             {MEWL__LOW_F1_HZ + 8, 2, ALL},     {MEWL__LOW_ALPHA, 2, VOICED},
                             {MEWL__LOW_HAMMARBERG, 2, VOICED}, {MEWL__LOW_SLOPE_0, 2, VOICED},
                             {MEWL__LOW_SLOPE_500, 2, VOICED},  {MEWL__LOW_FLUX, 2, VOICED},
                             {MEWL__LOW_MFCC1, 2, VOICED},      {MEWL__LOW_MFCC2, 2, VOICED},
                             {MEWL__LOW_MFCC3, 2, VOICED},      {MEWL__LOW_MFCC4, 2, VOICED},
                             {MEWL__LOW_ALPHA, 1, UNVOICED},    {MEWL__LOW_HAMMARBERG, 1, UNVOICED},
                             {MEWL__LOW_SLOPE_0, 1, UNVOICED},  {MEWL__LOW_SLOPE_500, 1, UNVOICED},
                             {MEWL__LOW_FLUX, 1, UNVOICED}};

static bool belongs(const mewl__lows *lows, size_t i, which frames)
{
    bool voiced = !isnan(lows->rows[MEWL__LOW_F0][i]);
    return frames == ALL || voiced == (frames == VOICED);
}

static void mean_and_deviation(double *mean, double *deviation, const double *values, size_t count)
{
    mewl__moments m = {0};
    for (size_t i = 0; i < count; i++) {
        mewl__moments_take(&m, values[i]);
    }
    *mean = mewl__moments_mean(&m);
    *deviation = mewl__moments_sd_whole(&m);
}

/* Slopes of the rises (direction 1) or falls (-1) of a row, unit a second, into `values`; returns how many. */
static size_t slopes(double *values, const float *row, size_t count, int direction)
{
    size_t found = 0, from = 0;
    for (size_t i = 1; i <= count; i++) { /* [from, i) runs in the direction as far as it goes */
        bool on = i < count && !isnan(row[i]) && !isnan(row[i - 1]) && (float)direction * (row[i] - row[i - 1]) > 0;
        if (on) {
            continue;
        }
        if (i - 1 > from) {
            values[found++] = ((double)row[i - 1] - (double)row[from]) / ((double)(i - 1 - from) * MEWL__LOW_STEP_S);
        }
        from = i;
    }
    return found;
}

static void run_plan(double *out, const mewl__lows *lows, plan p, double *scratch)
{
    const float *row = lows->rows[p.low];
    size_t found = 0;
    for (size_t i = 0; i < lows->count; i++) {
        if (!isnan(row[i]) && belongs(lows, i, p.frames)) {
            scratch[found++] = (double)row[i];
        }
    }
    double mean, deviation;
    mean_and_deviation(&mean, &deviation, scratch, found);
    out[0] = mean;
    if (p.count == 1) {
        return;
    }
    out[1] = mean != 0 ? deviation / fabs(mean) : NAN;
    if (p.count == 2) {
        return;
    }
    mewl__sort_doubles(scratch, found);
    out[2] = mewl__percentile(scratch, found, 0.2);
    out[3] = mewl__percentile(scratch, found, 0.5);
    out[4] = mewl__percentile(scratch, found, 0.8);
    out[5] = out[4] - out[2];
    mean_and_deviation(&out[6], &out[7], scratch, slopes(scratch, row, lows->count, 1));
    mean_and_deviation(&out[8], &out[9], scratch, slopes(scratch, row, lows->count, -1));
}

static size_t runs(double *lengths_s, const mewl__lows *lows, bool voiced)
{
    size_t found = 0, length = 0;
    for (size_t i = 0; i <= lows->count; i++) {
        if (i < lows->count && belongs(lows, i, voiced ? VOICED : UNVOICED)) {
            length++;
        } else if (length > 0) {
            lengths_s[found++] = (double)length * MEWL__LOW_STEP_S;
            length = 0;
        }
    }
    return found;
}

static void run_times(double *out, const mewl__lows *lows, const mewl_voice_analysis *a, double *scratch)
{
    const float *loudness = lows->rows[MEWL__LOW_LOUDNESS];
    size_t peaks = 0;
    for (size_t i = 1; i + 1 < lows->count; i++) {
        peaks += loudness[i] > loudness[i - 1] && loudness[i] >= loudness[i + 1];
    }
    out[0] = (double)peaks / a->seconds;
    size_t voiced = runs(scratch, lows, true);
    out[1] = (double)voiced / a->seconds;
    mean_and_deviation(&out[2], &out[3], scratch, voiced);
    mean_and_deviation(&out[4], &out[5], scratch, runs(scratch, lows, false));
}

mewl_status mewl_egemaps_compute(double out[MEWL_EGEMAPS_COUNT], const mewl_voice_analysis *analysis,
                                 const float *samples, size_t count, mewl_error *err)
{
    for (size_t i = 0; i < MEWL_EGEMAPS_COUNT; i++) {
        out[i] = NAN;
    }
    mewl__lows lows;
    MEWL_TRY(mewl__lows_make(&lows, analysis, samples, count, err));
    double *scratch = malloc((lows.count + 1) * sizeof *scratch);
    if (scratch == NULL) {
        mewl__lows_fini(&lows);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for functionals");
    }
    size_t at = 0;
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        run_plan(out + at, &lows, plans[i], scratch);
        at += (size_t)plans[i].count;
    }
    run_times(out + at, &lows, analysis, scratch);
    double power = 0;
    for (size_t i = 0; i < count; i++) {
        power += isfinite(samples[i]) ? (double)samples[i] * (double)samples[i] : 0;
    }
    out[MEWL_EGEMAPS_COUNT - 1] = count > 0 ? 10 * log10(fmax(power / (double)count, 1e-20)) : NAN;
    free(scratch);
    mewl__lows_fini(&lows);
    return MEWL_OK;
}
