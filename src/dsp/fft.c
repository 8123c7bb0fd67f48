/* fft.c - real transforms on libavutil's av_tx; the only file of the room that includes libav.
 *
 * av_tx as of FFmpeg 5.1 (Debian 12) knows lengths 2^k times 1, 3, 5, 7, 9 or 15 by fast algorithms and the rest by the
 * definition, O(N^2), without saying so. Its real transform wants multiples of four, leaves the imaginary part of the
 * last bin unwritten (later releases write the zero) and is slower than what is done here: an even length goes in as a
 * complex signal of half the length, even and odd samples as real and imaginary part, untangled afterwards; an odd
 * length as a complex signal with imaginary part zero. A complex transform is av_tx itself, or a small factor r taken
 * out (r transforms of length/r, then r-point sums), or Bluestein's convolution (Bluestein 1970) by a power of two.
 */
#include "dsp/fft.h"

#include <libavutil/tx.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The largest factor taken out by hand: its sums cost length * factor. */
#define FACTOR_MAX 32u

typedef struct complex_plan {
    mewl_fft_route route;
    size_t length;
    size_t factor; /* split: r; else 1 */
    size_t inner;  /* length that av_tx transforms; 0: length 1, nothing to do */
    AVTXContext *forward;
    av_tx_fn forward_fn;
    AVTXContext *inverse; /* Bluestein only */
    av_tx_fn inverse_fn;
    AVComplexDouble *gather;  /* input of one inner transform */
    AVComplexDouble *scatter; /* its output */
    double *twiddle_re;       /* split: (r, inner) exp(-2 pi i j k / length); Bluestein: the chirp (length) */
    double *twiddle_im;
    double *part_re; /* split: (r, inner) transforms, turned */
    double *part_im;
    double *root_re; /* split: (r) exp(-2 pi i j / r) */
    double *root_im;
    AVComplexDouble *chirp; /* Bluestein: transform of the conjugate chirp over inner, scaled by 1/inner */
} complex_plan;

struct mewl_fft {
    size_t length;
    complex_plan complex;
    AVComplexDouble *in; /* complex routes */
    AVComplexDouble *out;
    AVComplexDouble *turn; /* even lengths: exp(-2 pi i k / length), k <= length/4 */
};

static void *take(size_t count, size_t size)
{
    size_t bytes = (count * size + MEWL_FFT_ALIGNMENT - 1) / MEWL_FFT_ALIGNMENT * MEWL_FFT_ALIGNMENT;
    if (bytes == 0) {
        bytes = MEWL_FFT_ALIGNMENT;
    }
    void *memory = aligned_alloc(MEWL_FFT_ALIGNMENT, bytes);
    if (memory != NULL) {
        memset(memory, 0, bytes);
    }
    return memory;
}

/* exp(-2 pi i numerator / denominator), the angle reduced in whole numbers first. */
static void root_of_unity(double *re, double *im, uint64_t numerator, uint64_t denominator)
{
    double angle = -2.0 * M_PI * (double)(numerator % denominator) / (double)denominator;
    *re = cos(angle);
    *im = sin(angle);
}

static bool is_fast(size_t length)
{
    if (length < 2) {
        return false;
    }
    while (length % 2 == 0) {
        length /= 2;
    }
    return length == 1;
}

/* Lengths that av_tx does in O(N log N): powers of two, and those times its prime-factor modules. A module needs a
 * power of two of at least 4 beside it. */
static bool is_known(size_t length)
{
    static const size_t modules[] = {3, 5, 7, 9, 15};
    if (is_fast(length)) {
        return true;
    }
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        if (length % modules[i] == 0 && length / modules[i] >= 4 && is_fast(length / modules[i])) {
            return true;
        }
    }
    return false;
}

static mewl_status open_tx(AVTXContext **ctx, av_tx_fn *fn, enum AVTXType type, bool inverse, size_t length,
                           mewl_error *err)
{
    const double scale = 1.0;
    int code = av_tx_init(ctx, fn, type, inverse, (int)length, &scale, 0);
    if (code < 0) {
        return mewl_error_set(err, MEWL_E_LIBRARY, "av_tx refuses a transform of length %zu (code %d)", length, code);
    }
    return MEWL_OK;
}

static void complex_fini(complex_plan *p)
{
    av_tx_uninit(&p->forward);
    av_tx_uninit(&p->inverse);
    free(p->gather);
    free(p->scatter);
    free(p->twiddle_re);
    free(p->twiddle_im);
    free(p->part_re);
    free(p->part_im);
    free(p->root_re);
    free(p->root_im);
    free(p->chirp);
}

static mewl_status split_init(complex_plan *p, mewl_error *err)
{
    size_t r = p->factor;
    size_t m = p->inner;
    p->twiddle_re = take(p->length, sizeof(double));
    p->twiddle_im = take(p->length, sizeof(double));
    p->part_re = take(p->length, sizeof(double));
    p->part_im = take(p->length, sizeof(double));
    p->root_re = take(r, sizeof(double));
    p->root_im = take(r, sizeof(double));
    if (p->twiddle_re == NULL || p->twiddle_im == NULL || p->part_re == NULL || p->part_im == NULL ||
        p->root_re == NULL || p->root_im == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", p->length);
    }
    for (size_t j = 0; j < r; j++) {
        root_of_unity(&p->root_re[j], &p->root_im[j], j, r);
        for (size_t k = 0; k < m; k++) {
            root_of_unity(&p->twiddle_re[j * m + k], &p->twiddle_im[j * m + k], (uint64_t)j * k, p->length);
        }
    }
    return MEWL_OK;
}

static mewl_status bluestein_init(complex_plan *p, mewl_error *err)
{
    size_t n = p->length;
    size_t m = p->inner;
    p->twiddle_re = take(n, sizeof(double));
    p->twiddle_im = take(n, sizeof(double));
    p->chirp = take(m, sizeof *p->chirp);
    if (p->twiddle_re == NULL || p->twiddle_im == NULL || p->chirp == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", n);
    }
    MEWL_TRY(open_tx(&p->inverse, &p->inverse_fn, AV_TX_DOUBLE_FFT, true, m, err));
    memset(p->gather, 0, m * sizeof *p->gather);
    for (size_t k = 0; k < n; k++) {
        root_of_unity(&p->twiddle_re[k], &p->twiddle_im[k], (uint64_t)k * k, 2 * (uint64_t)n);
        p->gather[k].re = p->twiddle_re[k];
        p->gather[k].im = -p->twiddle_im[k];
        if (k > 0) {
            p->gather[m - k] = p->gather[k];
        }
    }
    p->forward_fn(p->forward, p->chirp, p->gather, sizeof(AVComplexDouble));
    for (size_t k = 0; k < m; k++) {
        p->chirp[k].re /= (double)m;
        p->chirp[k].im /= (double)m;
    }
    return MEWL_OK;
}

static mewl_status complex_init(complex_plan *p, size_t length, mewl_error *err)
{
    p->length = length;
    p->factor = 1;
    p->inner = length;
    p->route = MEWL_FFT_DIRECT;
    if (length == 1) {
        p->inner = 0;
        return MEWL_OK;
    }
    if (!is_known(length)) {
        p->route = MEWL_FFT_BLUESTEIN;
        for (size_t r = 3; r <= FACTOR_MAX && p->route == MEWL_FFT_BLUESTEIN; r++) {
            if (length % r == 0 && is_known(length / r)) {
                p->route = MEWL_FFT_SPLIT;
                p->factor = r;
                p->inner = length / r;
            }
        }
    }
    if (p->route == MEWL_FFT_BLUESTEIN) {
        p->inner = 2;
        while (p->inner < 2 * length - 1) {
            p->inner *= 2;
        }
    }
    MEWL_TRY(open_tx(&p->forward, &p->forward_fn, AV_TX_DOUBLE_FFT, false, p->inner, err));
    if (p->route == MEWL_FFT_DIRECT) {
        return MEWL_OK;
    }
    p->gather = take(p->inner, sizeof *p->gather);
    p->scatter = take(p->inner, sizeof *p->scatter);
    if (p->gather == NULL || p->scatter == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", length);
    }
    return p->route == MEWL_FFT_SPLIT ? split_init(p, err) : bluestein_init(p, err);
}

/* X[k + m q] = sum_j root^(j q) twiddle^(j k) Y_j[k], Y_j the transform of x[j], x[j + r], ... (Cooley and Tukey 1965).
 */
static void split_run(complex_plan *p, AVComplexDouble *out, const AVComplexDouble *in)
{
    size_t r = p->factor;
    size_t m = p->inner;
    for (size_t j = 0; j < r; j++) {
        for (size_t n = 0; n < m; n++) {
            p->gather[n] = in[n * r + j];
        }
        p->forward_fn(p->forward, p->scatter, p->gather, sizeof(AVComplexDouble));
        const double *tr = p->twiddle_re + j * m;
        const double *ti = p->twiddle_im + j * m;
        double *pr = p->part_re + j * m;
        double *pi = p->part_im + j * m;
        for (size_t k = 0; k < m; k++) {
            pr[k] = p->scatter[k].re * tr[k] - p->scatter[k].im * ti[k];
            pi[k] = p->scatter[k].re * ti[k] + p->scatter[k].im * tr[k];
        }
    }
    for (size_t q = 0; q < r; q++) {
        AVComplexDouble *row = out + q * m;
        for (size_t k = 0; k < m; k++) {
            row[k] = (AVComplexDouble){p->part_re[k], p->part_im[k]};
        }
        for (size_t j = 1; j < r; j++) {
            double cr = p->root_re[j * q % r];
            double ci = p->root_im[j * q % r];
            const double *pr = p->part_re + j * m;
            const double *pi = p->part_im + j * m;
            for (size_t k = 0; k < m; k++) {
                row[k].re += cr * pr[k] - ci * pi[k];
                row[k].im += cr * pi[k] + ci * pr[k];
            }
        }
    }
}

static void bluestein_run(complex_plan *p, AVComplexDouble *out, const AVComplexDouble *in)
{
    size_t n = p->length;
    size_t m = p->inner;
    for (size_t k = 0; k < n; k++) {
        p->gather[k].re = in[k].re * p->twiddle_re[k] - in[k].im * p->twiddle_im[k];
        p->gather[k].im = in[k].re * p->twiddle_im[k] + in[k].im * p->twiddle_re[k];
    }
    memset(p->gather + n, 0, (m - n) * sizeof *p->gather);
    p->forward_fn(p->forward, p->scatter, p->gather, sizeof(AVComplexDouble));
    for (size_t k = 0; k < m; k++) {
        AVComplexDouble a = p->scatter[k];
        AVComplexDouble b = p->chirp[k];
        p->scatter[k] = (AVComplexDouble){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
    p->inverse_fn(p->inverse, p->gather, p->scatter, sizeof(AVComplexDouble));
    for (size_t k = 0; k < n; k++) {
        out[k].re = p->gather[k].re * p->twiddle_re[k] - p->gather[k].im * p->twiddle_im[k];
        out[k].im = p->gather[k].re * p->twiddle_im[k] + p->gather[k].im * p->twiddle_re[k];
    }
}

static void complex_run(complex_plan *p, AVComplexDouble *out, AVComplexDouble *in)
{
    if (p->inner == 0) {
        out[0] = in[0];
    } else if (p->route == MEWL_FFT_DIRECT) {
        p->forward_fn(p->forward, out, in, sizeof(AVComplexDouble));
    } else if (p->route == MEWL_FFT_SPLIT) {
        split_run(p, out, in);
    } else {
        bluestein_run(p, out, in);
    }
}

static mewl_status plan(mewl_fft *fft, mewl_error *err)
{
    size_t n = fft->length;
    size_t half = n % 2 == 0 ? n / 2 : n;
    fft->in = take(n % 2 == 0 ? 0 : n, sizeof *fft->in);
    fft->out = take(half, sizeof *fft->out);
    fft->turn = take(n / 4 + 1, sizeof *fft->turn);
    if (fft->in == NULL || fft->out == NULL || fft->turn == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", n);
    }
    for (size_t k = 0; k <= n / 4; k++) {
        root_of_unity(&fft->turn[k].re, &fft->turn[k].im, k, n);
    }
    return complex_init(&fft->complex, half, err);
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
    complex_fini(&fft->complex);
    free(fft->in);
    free(fft->out);
    free(fft->turn);
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
 * O = (Z[k] - conj Z[h-k])/2i, X[k] = E + turn^k O and X[h-k] = conj(E - turn^k O). */
static inline void untangle(const mewl_fft *fft, size_t k, AVComplexDouble *low, AVComplexDouble *high)
{
    AVComplexDouble a = fft->out[k];
    AVComplexDouble b = fft->out[fft->length / 2 - k];
    double even_re = 0.5 * (a.re + b.re);
    double even_im = 0.5 * (a.im - b.im);
    double odd_re = 0.5 * (a.im + b.im);
    double odd_im = 0.5 * (b.re - a.re);
    double turned_re = fft->turn[k].re * odd_re - fft->turn[k].im * odd_im;
    double turned_im = fft->turn[k].re * odd_im + fft->turn[k].im * odd_re;
    *low = (AVComplexDouble){even_re + turned_re, even_im + turned_im};
    *high = (AVComplexDouble){even_re - turned_re, turned_im - even_im};
}

/* The complex transform behind the real one, to fft->out. */
static void transform(mewl_fft *fft, const double *input)
{
    if (fft->length % 2 == 0) {
        /* av_tx takes its input without const, and leaves it alone in a forward transform. */
        complex_run(&fft->complex, fft->out, (AVComplexDouble *)input);
        return;
    }
    for (size_t k = 0; k < fft->length; k++) {
        fft->in[k] = (AVComplexDouble){input[k], 0.0};
    }
    complex_run(&fft->complex, fft->out, fft->in);
}

void mewl_fft_forward(mewl_fft *fft, double *spectrum, const double *input)
{
    size_t h = fft->length / 2;
    transform(fft, input);
    if (fft->length % 2 != 0) {
        memcpy(spectrum, fft->out, (h + 1) * sizeof *fft->out);
        return;
    }
    AVComplexDouble *x = (AVComplexDouble *)spectrum;
    x[0] = (AVComplexDouble){fft->out[0].re + fft->out[0].im, 0.0};
    x[h] = (AVComplexDouble){fft->out[0].re - fft->out[0].im, 0.0};
    for (size_t k = 1; k <= h / 2; k++) {
        untangle(fft, k, &x[k], &x[h - k]);
    }
}

void mewl_fft_power(mewl_fft *fft, double *power, const double *input)
{
    size_t h = fft->length / 2;
    transform(fft, input);
    if (fft->length % 2 != 0) {
        for (size_t k = 0; k <= h; k++) {
            power[k] = fft->out[k].re * fft->out[k].re + fft->out[k].im * fft->out[k].im;
        }
        return;
    }
    double first = fft->out[0].re + fft->out[0].im;
    double last = fft->out[0].re - fft->out[0].im;
    power[0] = first * first;
    power[h] = last * last;
    for (size_t k = 1; k <= h / 2; k++) {
        AVComplexDouble low;
        AVComplexDouble high;
        untangle(fft, k, &low, &high);
        power[k] = low.re * low.re + low.im * low.im;
        power[h - k] = high.re * high.re + high.im * high.im;
    }
}
