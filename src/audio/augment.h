/* augment.h - what rooms, microphones, phones and people do to a sound: mixing at an SNR, room responses, band-limits,
 * gain, clipping, pitch, speed. Mono float buffers in, mono float buffers out; every random figure is an argument, so
 * that the same arguments give the same samples. Thread-safe: no state between calls. Codecs: codec.h. */
#ifndef MEWL_AUDIO_AUGMENT_H
#define MEWL_AUDIO_AUGMENT_H

#include <stddef.h>

#include "base/status.h"

/* Mean square over the active part: frames of 20 ms whose mean square lies within 20 dB of the 95th percentile of those
 * that are not silent. 0 for silence. How the level of a cry with pauses is meant (compare ITU-T P.56). rate_hz > 0. */
double mewl_augment_active_power(const float *samples, size_t count, double rate_hz);

/* inout[at + i] += gain * event[i], as far as both reach. */
void mewl_augment_add(float *inout, size_t count, const float *event, size_t event_count, size_t at, double gain);

/* Multiplies. */
void mewl_augment_gain(float *inout, size_t count, double gain);

/* Cuts at +-limit (> 0): an overdriven microphone. */
void mewl_augment_clip(float *inout, size_t count, float limit);

/* Convolves with a room response at the same rate, by FFT in parts. The response's strongest sample is taken for the
 * direct path: the output is aligned to it and has the same length as the input, the tail is cut; out == in is allowed.
 * Scaled so that the active power stays that of the input. response_count: 1 to 4,000,000, else MEWL_E_ARG.
 * MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_augment_room(float *out, const float *in, size_t count, const float *response, size_t response_count,
                              double rate_hz, mewl_error *err);

/* Linear-phase low-pass without delay: flat within 0.1 dB to 90 % of cutoff_hz, at least -80 dB from cutoff_hz on, as
 * if the sound had been recorded at twice cutoff_hz. A cutoff at or above rate_hz / 2 changes nothing. cutoff_hz from
 * rate_hz / 200. MEWL_E_ARG, MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_augment_lowpass(float *inout, size_t count, double rate_hz, double cutoff_hz, mewl_error *err);

/* Plays `factor` times as fast (0.25 to 4), pitch following, by resampling (flat to 88 % of the band, aliases below
 * -70 dB). *out is malloc'd, ceil(count / factor) long. MEWL_E_ARG, MEWL_E_MEMORY. */
mewl_status mewl_augment_speed(float **out, size_t *out_count, const float *in, size_t count, double factor,
                               mewl_error *err);

/* Changes the pitch by semitones (-24 to 24) and keeps the length: stretched by overlap-add at the best match (WSOLA,
 * Verhelst and Roelands 1993), then resampled. out has `count` samples and must not overlap `in`. */
mewl_status mewl_augment_pitch(float *out, const float *in, size_t count, double rate_hz, double semitones,
                               mewl_error *err);

#endif
