/* formant.h - the first resonances of the vocal tract at a moment, by linear prediction (Burg). Window, pre-emphasis
 * and choice of poles are those of Praat's "To Formant (burg)" with a 25 ms window and pre-emphasis from 50 Hz. The
 * higher the F0, the fewer harmonics there are to show a resonance: at the F0 of a cry a formant is known to within
 * about half of the distance between harmonics, and above 1 kHz not at all. */
#ifndef MEWL_VOICE_FORMANT_H
#define MEWL_VOICE_FORMANT_H

#include <stddef.h>

#include "base/status.h"

#define MEWL_FORMANT_COUNT 3
#define MEWL_FORMANT_CEILING_HZ 8000.0 /* an infant's tract of 7.5 cm has one about every 2,300 Hz below it */

typedef struct mewl_formants {
    double hz[MEWL_FORMANT_COUNT], bandwidth_hz[MEWL_FORMANT_COUNT]; /* NaN: not found */
} mewl_formants;

typedef struct mewl_formant_finder mewl_formant_finder;

/* A finder for samples at rate_hz, at most 2 * MEWL_FORMANT_CEILING_HZ * 1.02 (resample above it). *out is freed by
 * mewl_formant_finder_free. Poles: two for every 1,600 Hz of the band. MEWL_E_ARG, MEWL_E_MEMORY. */
mewl_status mewl_formant_finder_new(mewl_formant_finder **out, double rate_hz, mewl_error *err);

/* NULL is fine. */
void mewl_formant_finder_free(mewl_formant_finder *finder);

/* Formants around time_s; samples outside the recording count as 0. Allocates nothing. */
mewl_formants mewl_formant_find(mewl_formant_finder *finder, const float *samples, size_t count, double time_s);

#endif
