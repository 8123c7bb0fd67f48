/* pitch.h - the F0 track of a cry, 150 to 3,000 Hz, so that hyperphonation is tracked and not folded down an octave.
 *
 * P. Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
 * sampled sound": the autocorrelation of each windowed frame over that of the window, maxima between samples by sinc
 * interpolation, some fifteen candidates a frame, and of all paths through them the cheapest. Frames, costs and their
 * meaning are those of Praat's "To Pitch (ac)", against which it is checked (tools/check_praat.py,
 * docs/results/voice.md); but the octave cost is 0.05 instead of 0.01: in noise a high voice repeats as well after two
 * periods as after one, and made cries of known F0 were followed an octave too low in a fifth of all frames. And above
 * 900 Hz a frame stays voiced only where the sound still repeats after several periods (pitch_lines.h): breath and
 * other noise that a resonance has shaped repeats after one, and Praat's method alone calls it a voice. Own code. */
#ifndef MEWL_VOICE_PITCH_H
#define MEWL_VOICE_PITCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct mewl_pitch_opts {
    double floor_hz;         /* 50 to 1,000; a window holds three periods of it; default 150 */
    double ceiling_hz;       /* above floor_hz; at most half the rate counts; default 3,000 */
    double step_s;           /* 0.001 to 0.1; default 0.005 */
    double silence;          /* frames weaker than this share of the recording's peak tend to be unvoiced; 0.03 */
    double voicing;          /* strength that a candidate needs; 0.45 */
    double octave_cost;      /* of being an octave below the ceiling, per octave; 0.05 */
    double octave_jump_cost; /* of changing by an octave in 10 ms; 0.35 */
    double voicing_cost;     /* of a change between voiced and unvoiced in 10 ms; 0.14 */
    double high_hz;          /* F0 above it has to show that it is a voice; 600 or more; 900 */
    double lines;            /* share of the power in lines at multiples of F0 that this needs; 0: no such test; 0.25 */
} mewl_pitch_opts;

/* The defaults that stand beside the fields. */
mewl_pitch_opts mewl_pitch_opts_default(void);

typedef struct mewl_pitch_frame {
    float f0_hz;     /* 0: unvoiced */
    float strength;  /* the normalised autocorrelation at the period, 0 to 1; 0 where unvoiced */
    float intensity; /* the frame's peak as a share of the recording's */
} mewl_pitch_frame;

typedef struct mewl_pitch_track {
    mewl_pitch_frame *frames; /* owned */
    size_t count;
    double first_s, step_s; /* time of frame i's middle: first_s + i step_s; frames lie centred in the recording */
} mewl_pitch_track;

/* Tracks `count` mono samples at rate_hz into *out (released by mewl_pitch_track_fini). Samples that are not finite
 * count as 0. Memory besides the track: that of some 20 s of candidates, whatever the length. MEWL_E_ARG (options, rate
 * outside 4,000 to 192,000), MEWL_E_EMPTY (shorter than a window: 20 ms), MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_pitch_track_make(mewl_pitch_track *out, const float *samples, size_t count, double rate_hz,
                                  mewl_pitch_opts opts, mewl_error *err);
void mewl_pitch_track_fini(mewl_pitch_track *track);

/* Time of the middle of frame i. */
double mewl_pitch_time_s(const mewl_pitch_track *track, size_t frame);

/* F0 at any time: between two voiced frames on the straight line, beside an unvoiced one the nearer frame's; 0 where
 * that is unvoiced or outside. */
double mewl_pitch_at(const mewl_pitch_track *track, double time_s);

/* The first run of voiced frames at or after frame `from`: [*first, *end). False when there is none. */
bool mewl_pitch_voiced_run(const mewl_pitch_track *track, size_t from, size_t *first, size_t *end);

/* Harmonics-to-noise ratio of a strength r: 10 log10(r / (1 - r)), r cut to at most 1 - 1e-6 (60 dB). */
double mewl_pitch_hnr_db(double strength);

#endif
