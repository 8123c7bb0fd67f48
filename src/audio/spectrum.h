/* spectrum.h - convolution by FFT (libavutil's av_tx), for augmentation. Not an analysis: that is dsp's. Not for other
 * rooms. */
#ifndef MEWL_AUDIO_SPECTRUM_H
#define MEWL_AUDIO_SPECTRUM_H

#include <stddef.h>

#include "base/status.h"

/* Longest response. */
#define MEWL__RESPONSE_MOST 4000000u

/* out[i] = (in * response)[i + skip], i = 0 .. out_count - 1, zeros beyond the end; overlap-save. out may be `in`: `in`
 * is copied where it is still needed. count >= 1, 1 <= response_count <= MEWL__RESPONSE_MOST. MEWL_E_MEMORY,
 * MEWL_E_LIBRARY. */
mewl_status mewl__convolve(float *out, size_t out_count, size_t skip, const float *in, size_t count,
                           const float *response, size_t response_count, mewl_error *err);

#endif
