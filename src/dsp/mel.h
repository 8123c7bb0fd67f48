/* mel.h - mel scales and banks of triangular filters over a power or magnitude spectrum, kept sparse.
 *
 * Not a front end: taking frames, windows and logarithms is frontend.h's.
 */
#ifndef MEWL_DSP_MEL_H
#define MEWL_DSP_MEL_H

#include <stddef.h>

#include "base/status.h"

#define MEWL_MEL_BANDS_MAX 512u
#define MEWL_MEL_BINS_MAX 32769u

typedef enum mewl_mel_scale {
    MEWL_MEL_SLANEY, /* linear (200/3 Hz a mel) to 1 kHz, then 27 mels a factor of 6.4: Auditory Toolbox, librosa */
    MEWL_MEL_HTK     /* 1127 ln(1 + f/700) = 2595 log10(1 + f/700): HTK, Kaldi, TensorFlow */
} mewl_mel_scale;

typedef enum mewl_mel_shape {
    MEWL_MEL_LINEAR_HZ,   /* slopes straight in Hz, from centre to centre: librosa, torchaudio.melscale_fbanks */
    MEWL_MEL_LINEAR_MEL,  /* slopes straight in mel: Kaldi, tf.signal.linear_to_mel_weight_matrix */
    MEWL_MEL_SYMMETRIC_HZ /* both slopes as wide (in Hz) as the lower one: SpeechBrain's Filterbank, triangular */
} mewl_mel_shape;

typedef enum mewl_mel_norm {
    MEWL_MEL_PEAK_ONE, /* each triangle peaks at 1 */
    MEWL_MEL_AREA_ONE  /* each divided by half its width in Hz: librosa's norm="slaney" */
} mewl_mel_norm;

typedef struct mewl_mel_opts {
    double rate_hz;
    size_t fft_length; /* even; the bank takes fft_length/2 + 1 bins */
    size_t bands;      /* 1 to MEWL_MEL_BANDS_MAX */
    double low_hz;     /* 0 <= low_hz < high_hz <= rate_hz / 2 */
    double high_hz;
    mewl_mel_scale scale;
    mewl_mel_shape shape;
    mewl_mel_norm norm;
} mewl_mel_opts;

typedef struct mewl_mel mewl_mel;

/* A frequency in Hz (0 and more) on the scale, and back. */
double mewl_mel_from_hz(double hz, mewl_mel_scale scale);
double mewl_mel_to_hz(double mel, mewl_mel_scale scale);

/* A bank by the options, weights computed in double precision. *out is the caller's (mewl_mel_free). MEWL_E_ARG when an
 * option is out of its range, MEWL_E_MEMORY. */
mewl_status mewl_mel_new(mewl_mel **out, mewl_mel_opts opts, mewl_error *err);

/* A bank from a dense row-major matrix (bands, bins) of finite weights;
 * centre_hz: `bands` centre frequencies. For banks that come with a model's file. Copies. MEWL_E_ARG, MEWL_E_MEMORY. */
mewl_status mewl_mel_new_dense(mewl_mel **out, const float *matrix, const double *centre_hz, size_t bands, size_t bins,
                               mewl_error *err);

/* NULL is fine. */
void mewl_mel_free(mewl_mel *mel);

/* Rows and columns of the bank: bands, and the spectrum bins that each weighs. */
size_t mewl_mel_bands(const mewl_mel *mel);
size_t mewl_mel_bins(const mewl_mel *mel);
/* Centre of band `band` (< bands) in Hz. */
double mewl_mel_centre_hz(const mewl_mel *mel, size_t band);
/* Weight of one bin in one band: 0 outside the triangle, and for indices out of range. */
float mewl_mel_weight(const mewl_mel *mel, size_t band, size_t bin);

/* How many frames mewl_mel_apply takes at once. */
#define MEWL_MEL_LANES 16u

/* out[band][lane] = sum over bins of weight * spectrum[bin][lane], for MEWL_MEL_LANES frames side by side: `spectrum`
 * is (bins, MEWL_MEL_LANES), `out` (bands, MEWL_MEL_LANES), both row-major. A lane's result depends on that lane alone,
 * so it does not matter which frames share a call. Allocates nothing. */
void mewl_mel_apply(const mewl_mel *mel, float *out, const float *spectrum);

#endif
