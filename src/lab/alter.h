/* alter.h - recordings with one known thing about them changed: another pitch, noise, another microphone. What a test
 * of personal models puts in where the truth has to be known; audio/augment.h does the work. */
#ifndef MEWL_LAB_ALTER_H
#define MEWL_LAB_ALTER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/progress.h"
#include "data/manifest.h"

#define MEWL_ALTER_RATE_HZ 16000.0

/* X(constant, name in files, is a control (the voice stays what it was), text for tables). Pitch is shifted by
 * stretching and resampling, so that formants move with F0; the first control has gone there and back. */
#define MEWL_ALTER_ROWS(X)                                                                                             \
    X(MEWL_ALTER_F0_UP_5, "f0-up-5", false, "F0 up 5 %, with the formants")                                            \
    X(MEWL_ALTER_F0_UP_10, "f0-up-10", false, "F0 up 10 %, with the formants")                                         \
    X(MEWL_ALTER_F0_UP_20, "f0-up-20", false, "F0 up 20 %, with the formants")                                         \
    X(MEWL_ALTER_F0_DOWN_10, "f0-down-10", false, "F0 down 10 %, with the formants")                                   \
    X(MEWL_ALTER_OCTAVE, "octave", false, "an octave up, as in hyperphonation")                                        \
    X(MEWL_ALTER_NOISE_10, "noise-10", false, "noise below 4 kHz, 10 dB under the cry")                                \
    X(MEWL_ALTER_NOISE_0, "noise-0", false, "noise below 4 kHz, as loud as the cry")                                   \
    X(MEWL_ALTER_THERE_AND_BACK, "there-and-back", true, "F0 up 10 % and down again")                                  \
    X(MEWL_ALTER_NARROW, "narrow", true, "another microphone: nothing above 2.5 kHz")                                  \
    X(MEWL_ALTER_BRIGHT, "bright", true, "another microphone: 6 dB an octave brighter")                                \
    X(MEWL_ALTER_GSM, "gsm", true, "another codec: GSM")

typedef enum mewl_alteration {
#define X(id, name, control, text) id,
    MEWL_ALTER_ROWS(X)
#undef X
        MEWL_ALTERATIONS
} mewl_alteration;

/* Columns of the rows above, kind below MEWL_ALTERATIONS: the name in files and the words for tables, in static
 * storage, and whether it is a control. */
const char *mewl_alteration_name(mewl_alteration kind);
const char *mewl_alteration_text(mewl_alteration kind);
bool mewl_alteration_is_control(mewl_alteration kind);

/* Whether this machine can do it at all (codecs). */
bool mewl_alteration_available(mewl_alteration kind);

/* Alters `count` mono samples at MEWL_ALTER_RATE_HZ in place; `seed` draws the noise. MEWL_E_MEMORY, those of
 * audio/augment.h and audio/codec.h. */
mewl_status mewl_alter(float *inout, size_t count, mewl_alteration kind, uint64_t seed, mewl_error *err);

/* Writes altered copies of the wanted rows ([from->count]) as `folder`/NAME-HASH.wav (HASH: of the row's path), what is
 * already there being kept, and lists them in *out (initialised here; fini it on success): for each wanted row in order
 * one row, with its path and nothing else. Whole recordings, at most a minute of them. MEWL_E_CANCELLED once *stop is
 * not 0 (may be NULL); errors of reading, altering, writing. */
mewl_status mewl_alter_files(mewl_manifest *out, const mewl_manifest *from, const bool *wanted, mewl_alteration kind,
                             const char *folder, const mewl_progress *progress, const volatile sig_atomic_t *stop,
                             mewl_error *err);

#endif
