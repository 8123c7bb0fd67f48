/* fft.c - real transforms by way of complex ones; see fft.h.
 *
 * An even length goes in as a complex signal of half the length, even and odd samples as real and imaginary part,
 * untangled afterwards; an odd length as a complex signal with imaginary part zero. (av_tx's own real transform in
 * FFmpeg 5.1 wants multiples of four and leaves the imaginary part of the last bin unwritten.)
 */
#include "dsp/fft.h"

#include <stdlib.h>

#include "dsp/fft_complex.h"

struct mewl_fft {
    size_t length;
    mewl__fft_complex complex;
    AVComplexDouble *in; /* odd lengths: the samples as complex numbers */
    double *turn_re;     /* even lengths: exp(-2 pi i k / length), k <= length/2 */
    double *turn_im;
    double *re; /* even lengths: the spectrum, its parts apart */
    double *im;
};

static mewl_status plan(mewl_fft *fft, mewl_error *err)
{
    size_t n = fft->length;
    if (n % 2 != 0) {
        fft->in = mewl__fft_memory(n, sizeof *fft->in);
        if (fft->in == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", n);
        }
        return mewl__fft_complex_init(&fft->complex, n, err);
    }
    double **arrays[] = {&fft->turn_re, &fft->turn_im, &fft->re, &fft->im};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        *arrays[i] = mewl__fft_memory(n / 2 + 1, sizeof(double));
        if (*arrays[i] == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", n);
        }
    }
    for (size_t k = 0; k <= n / 2; k++) {
        AVComplexDouble root = mewl__fft_root(k, n);
        fft->turn_re[k] = root.re;
        fft->turn_im[k] = root.im;
    }
    return mewl__fft_complex_init(&fft->complex, n / 2, err);
}

mewl_status mewl_fft_new(mewl_fft **out, size_t length, mewl_error *err)
{
    *out = NULL;
    if (length < MEWL_FFT_LENGTH_MIN || length > MEWL_FFT_LENGTH_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "transform length %zu is outside %u to %u", length, MEWL_FFT_LENGTH_MIN,
                              MEWL_FFT_LENGTH_MAX);
    }
    mewl_fft *fft = calloc(1, sizeof *fft);
    if (fft == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", length);
    }
    fft->length = length;
    mewl_status status = plan(fft, err);
    if (status != MEWL_OK) {
        mewl_fft_free(fft);
        return status;
    }
    *out = fft;
    return MEWL_OK;
}

void mewl_fft_free(mewl_fft *fft)
{
    if (fft == NULL) {
        return;
    }
    mewl__fft_complex_fini(&fft->complex);
    free(fft->in);
    free(fft->turn_re);
    free(fft->turn_im);
    free(fft->re);
    free(fft->im);
    free(fft);
}

size_t mewl_fft_length(const mewl_fft *fft)
{
    return fft->length;
}

mewl_fft_route mewl_fft_route_of(const mewl_fft *fft)
{
    return fft->complex.route;
}

/* From Z, the transform of z[n] = x[2n] + i x[2n+1] (length h): with E = (Z[k] + conj Z[h-k])/2 and
 * O = (Z[k] - conj Z[h-k])/2i, X[k] = E + turn^k O. Symmetry could halve the sums, but this order makes vector code. */
static void untangle(mewl_fft *fft)
{
    size_t h = fft->length / 2;
    fft->complex.re[h] = fft->complex.re[0];
    fft->complex.im[h] = fft->complex.im[0];
    const double *restrict z_re = fft->complex.re;
    const double *restrict z_im = fft->complex.im;
    const double *restrict turn_re = fft->turn_re;
    const double *restrict turn_im = fft->turn_im;
    double *restrict re = fft->re;
    double *restrict im = fft->im;
    MEWL__INDEPENDENT
    for (size_t k = 0; k <= h; k++) {
        double odd_re = z_im[k] + z_im[h - k];
        double odd_im = z_re[h - k] - z_re[k];
        re[k] = 0.5 * (z_re[k] + z_re[h - k] + (turn_re[k] * odd_re - turn_im[k] * odd_im));
        im[k] = 0.5 * (z_im[k] - z_im[h - k] + (turn_re[k] * odd_im + turn_im[k] * odd_re));
    }
    im[0] = 0.0;
    im[h] = 0.0;
}

/* The spectrum's parts, in the plan's own memory. */
static void transform(mewl_fft *fft, const double **re, const double **im, const double *input)
{
    if (fft->length % 2 == 0) {
        mewl__fft_complex_run(&fft->complex, (const AVComplexDouble *)input);
        untangle(fft);
        *re = fft->re;
        *im = fft->im;
        return;
    }
    for (size_t k = 0; k < fft->length; k++) {
        fft->in[k] = (AVComplexDouble){input[k], 0.0};
    }
    mewl__fft_complex_run(&fft->complex, fft->in);
    *re = fft->complex.re;
    *im = fft->complex.im;
}

void mewl_fft_forward(mewl_fft *fft, double *spectrum, const double *input)
{
    const double *re;
    const double *im;
    transform(fft, &re, &im, input);
    for (size_t k = 0; k <= fft->length / 2; k++) {
        spectrum[2 * k] = re[k];
        spectrum[2 * k + 1] = im[k];
    }
}

void mewl_fft_power(mewl_fft *fft, double *restrict power, const double *input)
{
    const double *re;
    const double *im;
    transform(fft, &re, &im, input);
    for (size_t k = 0; k <= fft->length / 2; k++) {
        power[k] = re[k] * re[k] + im[k] * im[k];
    }
}
