/* measure.h - what can be measured of the voice in one recording of a cry: one struct of numbers, one call. Not a
 * judgement: a number beside another day's number means something only for the same infant, and a number alone means
 * nothing about health. How each is computed stands with its part: pitch.h, pulse.h, perturbation.h, formant.h,
 * breath.h, melody.h; track and breaths themselves: analysis.h. */
#ifndef MEWL_VOICE_MEASURE_H
#define MEWL_VOICE_MEASURE_H

#include <stddef.h>

#include "base/status.h"

#define MEWL_VOICE_RATE_MIN_HZ 8000.0
#define MEWL_VOICE_RATE_MAX_HZ 192000.0
#define MEWL_VOICE_SECONDS_MAX 3600.0
#define MEWL_VOICE_FORMANTS 3

/* One row a measure: field, unit, what it is. NaN: could not be measured (no voiced frame, one burst and so no pause).
 * "Expiration": a burst of the cry proper, without inspirations. "Frame": one of the F0 track, every 5 ms. */
#define MEWL_VOICE_ROWS(X)                                                                                             \
    X(seconds, "s", "length of the recording")                                                                         \
    X(level_dbfs, "dB", "active level, of full scale")                                                                 \
    X(snr_db, "dB", "bursts above what lies between them")                                                             \
    X(clipped_share, "1", "share of samples at full scale")                                                            \
    X(expirations, "1", "cry bursts")                                                                                  \
    X(inspirations, "1", "voiced or noisy breaths in between them")                                                    \
    X(expiration_s, "s", "summed length of the cry bursts")                                                            \
    X(burst_mean_s, "s", "mean length of a cry burst")                                                                 \
    X(burst_sd_s, "s", "its standard deviation")                                                                       \
    X(pause_mean_s, "s", "mean time from the end of a burst to the next one's beginning, if under 3 s")                \
    X(pause_sd_s, "s", "its standard deviation")                                                                       \
    X(voiced_s, "s", "voiced frames in the bursts, summed")                                                            \
    X(f0_mean_hz, "Hz", "mean F0 of voiced frames in the bursts")                                                      \
    X(f0_sd_hz, "Hz", "its standard deviation")                                                                        \
    X(f0_median_hz, "Hz", "median F0")                                                                                 \
    X(f0_phonation_hz, "Hz", "median F0 of clear frames up to 1 kHz: without hyperphonation")                          \
    X(f0_p05_hz, "Hz", "5th percentile of F0")                                                                         \
    X(f0_p95_hz, "Hz", "95th percentile of F0")                                                                        \
    X(f0_range_st, "st", "from the 5th to the 95th percentile")                                                        \
    X(f0_change_st_s, "st/s", "mean absolute change of F0 within voiced stretches, semitones a second")                \
    X(phonation, "1", "share of burst frames voiced, clear, F0 up to 1 kHz")                                           \
    X(hyperphonation, "1", "share of burst frames voiced with F0 above 1 kHz")                                         \
    X(dysphonation, "1", "share of burst frames noisy: unvoiced, or with a harmonicity below 3 dB")                    \
    X(jitter_local, "1", "mean difference of neighbouring periods over the mean period")                               \
    X(jitter_rap, "1", "a period against the mean of itself and its two neighbours")                                   \
    X(jitter_ppq5, "1", "the same over five periods")                                                                  \
    X(shimmer_local, "1", "mean difference of neighbouring periods' amplitudes over the mean amplitude")               \
    X(shimmer_local_db, "dB", "mean absolute ratio of neighbouring amplitudes")                                        \
    X(shimmer_apq3, "1", "an amplitude against the mean of itself and its two neighbours")                             \
    X(hnr_db, "dB", "harmonics-to-noise ratio, mean over voiced frames")                                               \
    X(f1_hz, "Hz", "first formant, median over voiced frames")                                                         \
    X(f2_hz, "Hz", "second formant")                                                                                   \
    X(f3_hz, "Hz", "third formant")                                                                                    \
    X(melody_rising, "1", "share of bursts whose F0 rises")                                                            \
    X(melody_falling, "1", "share of bursts whose F0 falls")                                                           \
    X(melody_rise_fall, "1", "share of bursts whose F0 rises, then falls")                                             \
    X(melody_flat, "1", "share of bursts whose F0 stays within two semitones")                                         \
    X(melody_complex, "1", "share of bursts with any other melody")

typedef struct mewl_voice {
#define X(field, unit, what) double field;
    MEWL_VOICE_ROWS(X)
#undef X
} mewl_voice;

/* Measures `count` mono samples at rate_hz (MEWL_VOICE_RATE_MIN_HZ to _MAX_HZ, whole or not; nothing is resampled)
 * into *out. A recording without a cry is no error: counts and shares are 0 and the rest NaN. Samples that are not
 * finite count as 0. Takes memory in proportion to the length (some 30 kB a second) and gives it back. Errors:
 * MEWL_E_ARG (rate, longer than MEWL_VOICE_SECONDS_MAX), MEWL_E_EMPTY (shorter than 30 ms), MEWL_E_MEMORY,
 * MEWL_E_LIBRARY. On failure every field is NaN. */
mewl_status mewl_voice_measure(mewl_voice *out, const float *samples, size_t count, double rate_hz, mewl_error *err);

/* The measures by number, 0 .. mewl_voice_count() - 1, in the order of MEWL_VOICE_ROWS: for tables and files. Name and
 * unit are static text, NULL past the end; value is NaN there. */
size_t mewl_voice_count(void);
const char *mewl_voice_name(size_t index);
const char *mewl_voice_unit(size_t index);
const char *mewl_voice_about(size_t index);
double mewl_voice_value(const mewl_voice *voice, size_t index);

/* The row whose name is `name`, or mewl_voice_count(). */
size_t mewl_voice_find(const char *name);

/* A short vector of those measures that differ between voices and not between microphones' gains, on scales on which
 * differences add up (logarithms of frequencies, lengths and perturbations): what personal models and change detection
 * take. NaN where the measure is NaN. */
#define MEWL_VOICE_VECTOR_DIMS 10
void mewl_voice_vector(double out[MEWL_VOICE_VECTOR_DIMS], const mewl_voice *voice);

/* Name of one dimension ("log_f0"), NULL past the end. Static text. */
const char *mewl_voice_vector_name(size_t dim);

#endif
