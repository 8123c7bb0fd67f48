/* resample.h - one channel from any rate to any other, as a stream: a polyphase windowed-sinc filter.
 *
 * Own code: FFmpeg's resampler is not used here (docs say why). Quality by default, Kaiser window: flat within 0.01 dB
 * up to 90 % of the lower Nyquist frequency, everything that would alias or image below -90 dB (Crochiere and Rabiner
 * 1983, Kaiser 1974). Linear phase, delay removed: output sample n lies at n / rate_out_hz of the input's time. The
 * result does not depend on how the input was cut into pieces, bit for bit.
 */
#ifndef MEWL_AUDIO_RESAMPLE_H
#define MEWL_AUDIO_RESAMPLE_H

#include <stddef.h>

#include "base/status.h"

typedef struct mewl_resampler mewl_resampler;

/* Zero fields mean the default. */
typedef struct mewl_resample_opts {
    double pass_band;      /* share of the lower Nyquist frequency kept flat, 0.5 to 0.98; default 0.9 */
    double attenuation_db; /* of everything from the lower Nyquist frequency up, 30 to 140; default 96 */
} mewl_resample_opts;

/* Rates in Hz, 100 to 1e7, ratio within 1/256 to 256; need not be whole numbers. Equal rates copy. Errors: MEWL_E_ARG,
 * MEWL_E_MEMORY. A few hundred kB at most for common pairs, 8 MB at the extremes. */
mewl_status mewl_resampler_new(mewl_resampler **out, double rate_in_hz, double rate_out_hz, mewl_resample_opts opts,
                               mewl_error *err);

/* NULL is fine. */
void mewl_resampler_free(mewl_resampler *resampler);

/* Forgets all input; as new. */
void mewl_resampler_reset(mewl_resampler *resampler);

/* The most that run can write after `count` further input samples, and finish (count 0). */
size_t mewl_resampler_bound(const mewl_resampler *resampler, size_t count);

/* Takes all `count` input samples and writes *got output samples to out, which has room for out_max; too little room
 * for mewl_resampler_bound(count): MEWL_E_SHAPE and nothing taken. in and out must not overlap. After finish:
 * MEWL_E_STATE. */
mewl_status mewl_resampler_run(mewl_resampler *resampler, float *out, size_t out_max, size_t *got, const float *in,
                               size_t count, mewl_error *err);

/* Writes the rest, taking silence to follow; in all ceil(inputs * rate_out / rate_in) samples have then been written.
 */
mewl_status mewl_resampler_finish(mewl_resampler *resampler, float *out, size_t out_max, size_t *got, mewl_error *err);

/* Input samples that must follow before an output sample at the same time can be written: the latency. */
size_t mewl_resampler_latency(const mewl_resampler *resampler);

/* A whole buffer: *out is malloc'd, the caller frees it. */
mewl_status mewl_resample(float **out, size_t *out_count, const float *in, size_t count, double rate_in_hz,
                          double rate_out_hz, mewl_resample_opts opts, mewl_error *err);

#endif
