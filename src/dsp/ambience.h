/* ambience.h - figures of a recording that tell of microphone, codec and room rather than of who cries in it: noise
 * between the sounds, its colour, and up to which frequency it is heard. They say when two recordings were not
 * made in the same way; a figure alone says nothing. */
#ifndef MEWL_DSP_AMBIENCE_H
#define MEWL_DSP_AMBIENCE_H

#include <stddef.h>

#include "base/status.h"

/* NaN: could not be measured. */
typedef struct mewl_ambience {
    double noise_dbfs;   /* level of the quietest tenth of the frames */
    double tilt_db;      /* of these: level below 1 kHz over level above it */
    double bandwidth_hz; /* of these: highest frequency within 40 dB of the strongest one above 100 Hz */
} mewl_ambience;

/* Frames are of 1024 samples, every 512 (Hann). Samples that are not finite count as 0; digital silence has no noise
 * and no tilt. MEWL_E_EMPTY for fewer than 1024 samples, MEWL_E_ARG for a rate outside 4 kHz to 384 kHz, MEWL_E_MEMORY.
 */
mewl_status mewl_ambience_measure(mewl_ambience *out, const float *samples, size_t count, double rate_hz,
                                  mewl_error *err);

#endif
