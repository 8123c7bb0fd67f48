/* perturbation.h - jitter and shimmer: how much neighbouring glottal periods differ in length and in amplitude.
 * Definitions and limits are Praat's (period 0.1 to 20 ms, neighbouring periods within a factor of 1.3, amplitudes
 * within 1.6), so that figures compare. Both are for steady voices: at the F0 of a cry and 8 kHz a period has a dozen
 * samples, and part of what is measured is the sampling (docs/results/voice.md says how much). */
#ifndef MEWL_VOICE_PERTURBATION_H
#define MEWL_VOICE_PERTURBATION_H

#include "voice/pulse.h"

/* A stretch of time, seconds. */
typedef struct mewl_voice_span {
    double onset_s, offset_s;
} mewl_voice_span;

/* All are NaN where there are too few periods. */
typedef struct mewl_perturbation {
    size_t periods; /* that were long and alike enough to count */
    double mean_period_s;
    double jitter_local;     /* mean |T(i) - T(i+1)| / mean T */
    double jitter_rap;       /* mean |T(i) - mean of T(i-1 .. i+1)| / mean T */
    double jitter_ppq5;      /* the same over T(i-2 .. i+2) */
    double shimmer_local;    /* mean |A(i) - A(i+1)| / mean A */
    double shimmer_local_db; /* mean |20 log10(A(i+1) / A(i))| */
    double shimmer_apq3;     /* mean |A(i) - mean of A(i-1 .. i+1)| / mean A */
} mewl_perturbation;

/* Private to the voice room: the same over `pulse_count` pulses with scratch memory for twice as many doubles. */
void mewl__perturbation_run(mewl_perturbation *out, double *scratch, const double *times_s, size_t pulse_count,
                            const float *samples, size_t count, double rate_hz, const mewl_voice_span *spans,
                            size_t span_count);

/* Measures the pulses that lie in `spans` (in order of time; span_count 0: all of them); a period counts when both its
 * pulses lie in one span. A(i) is the Hann-weighted RMS of the sound within a fifth of a period of pulse i. Scratch
 * memory in proportion to the pulses: MEWL_E_MEMORY. */
mewl_status mewl_perturbation_measure(mewl_perturbation *out, const mewl_pulses *pulses, const float *samples,
                                      size_t count, double rate_hz, const mewl_voice_span *spans, size_t span_count,
                                      mewl_error *err);

#endif
