/* pitch_lines.h - private to the voice room: whether what was tracked high is a voice. A frame's autocorrelation has a
 * maximum at the period of a voice; but noise that a resonance has shaped (a breath, hiss through a small loudspeaker)
 * has one at the period of its resonance as well, of exp(-pi bandwidth / frequency): 0.7 for one of 200 Hz at 1,700 Hz.
 * What tells them apart is that a voice still repeats five milliseconds later and noise has forgotten. Of a voice in
 * the middle register a frame holds too few periods to ask, and three of them are proof enough; so this is asked above
 * mewl_pitch_opts.high_hz alone. */
#ifndef MEWL_VOICE_PITCH_LINES_H
#define MEWL_VOICE_PITCH_LINES_H

#include "voice/pitch_frame.h"

/* The share of a frame's power that lies in lines at multiples of f0_hz, about 0 (noise) to 1 (a steady voice): how
 * much higher its autocorrelation is at whole periods than its mean over a period around them (four places), mean over
 * the lags from half a period of the floor to a whole one. Slow rumble takes part in the power but makes no line.
 * `time_s` is the frame's middle. */
double mewl__pitch_lines(mewl__pitch_framer *framer, const float *samples, size_t count, double time_s, double f0_hz);

/* Makes the frames above opts.high_hz unvoiced in which the mean of these shares, over the frames around it in the same
 * stretch of high frames, is below opts.lines. MEWL_E_MEMORY. */
mewl_status mewl__pitch_lines_gate(mewl_pitch_track *track, mewl__pitch_framer *framer, const float *samples,
                                   size_t count, mewl_error *err);

#endif
