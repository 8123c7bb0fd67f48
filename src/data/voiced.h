/* voiced.h - private to the data room: for how long a sound has the voice of an infant: periodic, with a fundamental
 * from 250 Hz to 1 kHz, and not by way of a longer period (adult speech with a formant there). Segmentation goes by
 * energy and takes breaths, handling noise and a parent's words in a cry clip for cries; test mixtures ask for voice
 * besides. Not a pitch tracker: nothing is said about which fundamental. */
#ifndef MEWL_DATA_VOICED_H
#define MEWL_DATA_VOICED_H

#include <stdbool.h>
#include <stddef.h>

#define MEWL__VOICED_HOP_S 0.02   /* frame i begins i times this */
#define MEWL__VOICED_FRAME_S 0.04 /* and is this long */

/* Seconds of `samples` (mono, 16 kHz) in which frames of 40 ms, every 20 ms, are voiced: with x band-limited to 200 Hz
 * to 4 kHz, the normalised correlation of x(t) and x(t + L) over lags L of 80 Hz to 1 kHz has its largest value, or one
 * of 0.85 times that, of at least 0.6 at a lag of 250 Hz to 1 kHz, after falling to 0.3 or below at a shorter lag.
 * Frames 25 dB below the loudest are not voiced. No allocation. */
double mewl__voiced_s(const float *samples, size_t count);

/* How many such frames `count` samples hold. */
size_t mewl__voiced_frames(size_t count);

/* The same frame by frame: whether it is voiced, and its power (sum of squares, so band-limited; any unit, for
 * comparison alone), mewl__voiced_frames(count) of each. Returns how many are voiced. */
size_t mewl__voiced_mark(bool *voiced, float *powers, const float *samples, size_t count);

#endif
