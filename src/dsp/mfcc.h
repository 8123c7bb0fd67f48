/* mfcc.h - the orthonormal DCT-II that turns a log-mel frame into cepstral coefficients. */
#ifndef MEWL_DSP_MFCC_H
#define MEWL_DSP_MFCC_H

#include <stddef.h>

#include "base/status.h"

typedef struct mewl_mfcc mewl_mfcc;

/* A table for `bands` inputs and the first `coefficients` outputs (1 <= coefficients <= bands <= 512). *out is the
 * caller's (mewl_mfcc_free). MEWL_E_ARG, MEWL_E_MEMORY. */
mewl_status mewl_mfcc_new(mewl_mfcc **out, size_t bands, size_t coefficients, mewl_error *err);

/* NULL is fine. */
void mewl_mfcc_free(mewl_mfcc *mfcc);

/* out[k] = s_k sum over b of logmel[b] cos(pi k (2b + 1) / (2 bands)), s_0 = sqrt(1/bands), else sqrt(2/bands):
 * scipy.fft.dct(type=2, norm="ortho"), torchaudio.functional.create_dct(norm="ortho"). `out` coefficients floats,
 * `logmel` bands floats. Allocates nothing. */
void mewl_mfcc_apply(const mewl_mfcc *mfcc, float *out, const float *logmel);

#endif
