/* egemaps.h - 88 functionals of a recording under the names, and in the order, of eGeMAPSv02 (Eyben et al. 2016, "The
 * Geneva Minimalistic Acoustic Parameter Set"), for those whose tools expect these columns.
 *
 * The names are openSMILE's; the numbers are Mewl's own formulas, below. Nothing was compared with openSMILE: no
 * equality is claimed, and figures from the two must not be mixed in one table. At 8 kHz every band ends at 4 kHz.
 *
 *   F0semitoneFrom27.5Hz  12 log2(F0 / 27.5 Hz) of the track of pitch.h (150 to 3,000 Hz; openSMILE stops at 1 kHz)
 *   jitterLocal, shimmerLocaldB  perturbation.h over the pulses within 30 ms of the frame
 *   HNRdBACF              10 log10(r / (1 - r)), r the autocorrelation at the period
 *   loudness              sum over 26 mel bands (20 to 8,000 Hz) of (power x equal loudness)^(1/3) (Hermansky 1990)
 *   spectralFlux          root of the mean squared change of the magnitude spectrum since the frame before
 *   mfcc1 .. mfcc4        orthonormal DCT-II of the log mel bands, liftered with 22 as HTK does
 *   alphaRatio            dB of 1 to 5 kHz over dB of 50 Hz to 1 kHz
 *   hammarbergIndex       strongest peak up to 2 kHz over that from 2 to 5 kHz, dB
 *   slope0-500, slope500-1500  straight line through the spectrum in dB, dB a Hz
 *   logRelF0-H1-H2, -H1-A3  first harmonic over the second; over the one nearest to the third formant; dB
 *   F1 .. F3 frequency, bandwidth  formant.h; amplitudeLogRelF0: the harmonic nearest to it over the first, dB
 *
 * Frames are 25 ms (Hamming) every 10 ms; all rows are smoothed over three frames; "nz" rows hold voiced frames alone,
 * "V" rows voiced and "UV" rows unvoiced frames of rows that every frame has. stddevNorm is the standard deviation over
 * the mean's absolute value. Slopes: of each straight rise or fall from one turn of the row to the next, a second.
 * loudnessPeaksPerSec: turns downwards. Segment figures: runs of voiced or unvoiced frames. equivalentSoundLevel_dBp:
 * mean power of the recording, dB of full scale. A figure that does not exist (no voice) is NaN. */
#ifndef MEWL_VOICE_EGEMAPS_H
#define MEWL_VOICE_EGEMAPS_H

#include "voice/analysis.h"

#define MEWL_EGEMAPS_COUNT 88

/* Name of functional 0 .. 87; NULL past the end. Static text. */
const char *mewl_egemaps_name(size_t index);

/* Computes all of them for a recording and its analysis (of the same samples). Memory: some 10 kB a second of sound.
 * MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_egemaps_compute(double out[MEWL_EGEMAPS_COUNT], const mewl_voice_analysis *analysis,
                                 const float *samples, size_t count, mewl_error *err);

#endif
