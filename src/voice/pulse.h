/* pulse.h - the moments of the glottal pulses in the voiced stretches of a recording: what jitter and shimmer are
 * measured on. From the middle of each stretch the sound is followed period by period, each pulse being where the sound
 * correlates best with that around the pulse before (as Praat's "To PointProcess (cc)" does, from its description). */
#ifndef MEWL_VOICE_PULSE_H
#define MEWL_VOICE_PULSE_H

#include "voice/pitch.h"

typedef struct mewl_pulses {
    double *times_s; /* rising; owned */
    size_t count;
} mewl_pulses;

/* Finds the pulses of the recording that `track` was made from. At most one per half a millisecond of sound. *out is
 * released by mewl_pulses_fini. MEWL_E_MEMORY. */
mewl_status mewl_pulses_find(mewl_pulses *out, const mewl_pitch_track *track, const float *samples, size_t count,
                             double rate_hz, mewl_error *err);
void mewl_pulses_fini(mewl_pulses *pulses);

#endif
