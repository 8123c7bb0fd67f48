/* sounds.h - sounds that are made, not recorded: the things an infant monitor hears and must not take for a cry. Pure
 * functions of a random state; mono float at 16 kHz, level arbitrary (the mixer sets it). Not a synthesiser of
 * cries. */
#ifndef MEWL_DATA_SOUNDS_H
#define MEWL_DATA_SOUNDS_H

#include "base/rng.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define MEWL_SOUNDS_RATE_HZ 16000

/* kind, label, whether it is a background (steady) rather than an event. */
#define MEWL_SOUND_ROWS(X)                                                                                             \
    X(MEWL_SOUND_WHITE, "white-noise", 1)                                                                              \
    X(MEWL_SOUND_PINK, "pink-noise", 1)                                                                                \
    X(MEWL_SOUND_BROWN, "brown-noise", 1)                                                                              \
    X(MEWL_SOUND_HUM, "mains-hum", 1)                                                                                  \
    X(MEWL_SOUND_FAN, "fan", 1)                                                                                        \
    X(MEWL_SOUND_BREATHING, "breathing", 1)                                                                            \
    X(MEWL_SOUND_SNORING, "snoring", 0)                                                                                \
    X(MEWL_SOUND_SIREN, "siren", 0)                                                                                    \
    X(MEWL_SOUND_ALARM, "alarm-beeps", 0)                                                                              \
    X(MEWL_SOUND_KETTLE, "kettle", 0)                                                                                  \
    X(MEWL_SOUND_MELODY, "melody", 0)                                                                                  \
    X(MEWL_SOUND_SQUEAK, "squeak", 0)                                                                                  \
    X(MEWL_SOUND_PHONE, "telephone", 0)                                                                                \
    X(MEWL_SOUND_TICKS, "ticks", 1)                                                                                    \
    X(MEWL_SOUND_CHILD_SPEECH, "child-like-speech", 0) /* needs voice */                                               \
    X(MEWL_SOUND_LAUGHTER, "laughter-like", 0)         /* needs voice */                                               \
    X(MEWL_SOUND_BABBLE, "voices-babble", 1)           /* needs voice */                                               \
    X(MEWL_SOUND_PLAYGROUND, "playground-like", 0)     /* needs voice */

typedef enum mewl_sound_kind {
#define X(id, label, background) id,
    MEWL_SOUND_ROWS(X)
#undef X
        MEWL_SOUND_KINDS
} mewl_sound_kind;

/* The label in a manifest or table; whether it is a background rather than an event. kind: below MEWL_SOUND_KINDS. */
const char *mewl_sound_label(mewl_sound_kind kind);
bool mewl_sound_is_background(mewl_sound_kind kind);
bool mewl_sound_needs_voice(mewl_sound_kind kind); /* made out of adult speech, which the caller passes in */

/* Fills out[0..count) with the sound, peak about 0.5, drawing everything from *rng. `voice` is recorded adult speech at
 * 16 kHz (voice_count samples, may be NULL for kinds that need none). Errors: MEWL_E_ARG. */
mewl_status mewl_sound_make(float *out, size_t count, mewl_sound_kind kind, mewl_rng *rng, const float *voice,
                            size_t voice_count, mewl_error *err);

#endif
