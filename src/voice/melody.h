/* melody.h - the shape of one cry burst's F0: the five words that the literature on infant cries uses. */
#ifndef MEWL_VOICE_MELODY_H
#define MEWL_VOICE_MELODY_H

#include "voice/pitch.h"

#define MEWL_MELODY_STEP_ST 2.0  /* smaller movements are none */
#define MEWL_MELODY_LEAST_S 0.15 /* of voice; less has no melody */

typedef enum mewl_melody {
    MEWL_MELODY_NONE, /* too little voice to say */
    MEWL_MELODY_RISING,
    MEWL_MELODY_FALLING,
    MEWL_MELODY_RISE_FALL,
    MEWL_MELODY_FLAT,   /* within MEWL_MELODY_STEP_ST */
    MEWL_MELODY_COMPLEX /* anything else: falls and rises, several arches, jumps of register */
} mewl_melody;
#define MEWL_MELODY_COUNT 6

/* "rise-fall"; "none". Static text. */
const char *mewl_melody_name(mewl_melody melody);

/* The melody of the voiced frames from `first` to before `end`: F0 in semitones, the median of seven frames, then every
 * movement of MEWL_MELODY_STEP_ST or more from one turning point to the next. *change_st_s (may be NULL): mean absolute
 * change of that curve within voiced stretches, semitones a second, NaN where there is none. */
mewl_melody mewl_melody_of(const mewl_pitch_track *track, size_t first, size_t end, double *change_st_s);

#endif
