/* fft_complex.c - complex transforms by one of four routes; with its header the only file of the room that meets libav.
 *
 * av_tx as of FFmpeg 5.1 (Debian 12) knows lengths 2^k times 1, 3, 5, 7, 9 or 15 by fast algorithms and the rest by the
 * definition, O(N^2), without saying so; and for doubles it has no vector code. So:
 *   - powers of two from 64 on: short transforms by av_tx, then passes of radix four in loops that compilers vectorise;
 *   - other lengths that av_tx knows: av_tx;
 *   - a small odd factor r beside such a length: r transforms of length/r, then r-point sums;
 *   - else: Bluestein's convolution (Bluestein 1970) by a power of two.
 */
#include "dsp/fft_complex.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The largest odd factor taken out: its sums cost length * factor. */
#define FACTOR_MAX 32u

/* Powers of two go through radix four from here on, with inner transforms of 8 or 16. */
#define RADIX4_LENGTH_MIN 64u
#define RADIX4_INNER_MAX 16u

void *mewl__fft_memory(size_t count, size_t size)
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

AVComplexDouble mewl__fft_root(uint64_t numerator, uint64_t denominator)
{
    double angle = -2.0 * M_PI * (double)(numerator % denominator) / (double)denominator;
    return (AVComplexDouble){cos(angle), sin(angle)};
}

static AVComplexDouble times(AVComplexDouble a, AVComplexDouble b)
{
    return (AVComplexDouble){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static bool is_power_of_two(size_t length)
{
    return length >= 2 && (length & (length - 1)) == 0;
}

/* Lengths that av_tx does in O(N log N): powers of two, and those times its prime-factor modules. A module needs a
 * power of two of at least 4 beside it. */
static bool is_known(size_t length)
{
    static const size_t modules[] = {3, 5, 7, 9, 15};
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        if (length % modules[i] == 0 && length / modules[i] >= 4 && is_power_of_two(length / modules[i])) {
            return true;
        }
    }
    return is_power_of_two(length);
}

static void choose_route(mewl__fft_complex *p)
{
    size_t length = p->length;
    p->factor = 1;
    p->route = MEWL_FFT_DIRECT;
    if (length == 1) {
        p->inner = 0;
        return;
    }
    if (is_power_of_two(length) && length >= RADIX4_LENGTH_MIN) {
        p->route = MEWL_FFT_RADIX4;
        while (length / p->factor > RADIX4_INNER_MAX) {
            p->factor *= 4;
        }
    } else if (!is_known(length)) {
        p->route = MEWL_FFT_BLUESTEIN;
        for (size_t r = 3; r <= FACTOR_MAX && p->route == MEWL_FFT_BLUESTEIN; r++) {
            if (length % r == 0 && is_known(length / r)) {
                p->route = MEWL_FFT_SPLIT;
                p->factor = r;
            }
        }
    }
    p->inner = length / p->factor;
    if (p->route == MEWL_FFT_BLUESTEIN) {
        p->inner = 2;
        while (p->inner < 2 * length - 1) {
            p->inner *= 2;
        }
    }
}

static mewl_status open_tx(AVTXContext **ctx, av_tx_fn *fn, bool inverse, size_t length, mewl_error *err)
{
    const double scale = 1.0;
    int code = av_tx_init(ctx, fn, AV_TX_DOUBLE_FFT, inverse, (int)length, &scale, 0);
    if (code < 0) {
        return mewl_error_set(err, MEWL_E_LIBRARY, "av_tx refuses a transform of length %zu (code %d)", length, code);
    }
    return MEWL_OK;
}

static mewl_status no_memory(const mewl__fft_complex *p, mewl_error *err)
{
    return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a transform of length %zu", p->length);
}

static mewl_status radix4_init(mewl__fft_complex *p, mewl_error *err)
{
    p->order = mewl__fft_memory(p->factor, sizeof *p->order);
    p->twiddle_re = mewl__fft_memory(p->length, sizeof(double));
    p->twiddle_im = mewl__fft_memory(p->length, sizeof(double));
    if (p->order == NULL || p->twiddle_re == NULL || p->twiddle_im == NULL) {
        return no_memory(p, err);
    }
    for (size_t b = 0; b < p->factor; b++) {
        for (size_t digit = 1, rest = b; digit < p->factor; digit *= 4, rest /= 4) {
            p->order[b] = p->order[b] * 4 + rest % 4;
        }
    }
    /* 3 inner (1 + 4 + 16 + ...) numbers: fewer than length. */
    size_t at = 0;
    for (size_t s = p->inner; s < p->length; s *= 4) {
        for (size_t j = 1; j < 4; j++) {
            for (size_t k = 0; k < s; k++, at++) {
                AVComplexDouble root = mewl__fft_root((uint64_t)j * k, 4 * (uint64_t)s);
                p->twiddle_re[at] = root.re;
                p->twiddle_im[at] = root.im;
            }
        }
    }
    return MEWL_OK;
}

static mewl_status split_init(mewl__fft_complex *p, mewl_error *err)
{
    size_t r = p->factor;
    size_t m = p->inner;
    double **arrays[] = {&p->twiddle_re, &p->twiddle_im, &p->part_re, &p->part_im, &p->root_re, &p->root_im};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        *arrays[i] = mewl__fft_memory(i < 4 ? p->length : r, sizeof(double));
        if (*arrays[i] == NULL) {
            return no_memory(p, err);
        }
    }
    for (size_t j = 0; j < r; j++) {
        AVComplexDouble root = mewl__fft_root(j, r);
        p->root_re[j] = root.re;
        p->root_im[j] = root.im;
        for (size_t k = 0; k < m; k++) {
            root = mewl__fft_root((uint64_t)j * k, p->length);
            p->twiddle_re[j * m + k] = root.re;
            p->twiddle_im[j * m + k] = root.im;
        }
    }
    return MEWL_OK;
}

static mewl_status bluestein_init(mewl__fft_complex *p, mewl_error *err)
{
    size_t n = p->length;
    size_t m = p->inner;
    p->twiddle_re = mewl__fft_memory(n, sizeof(double));
    p->twiddle_im = mewl__fft_memory(n, sizeof(double));
    p->chirp = mewl__fft_memory(m, sizeof *p->chirp);
    if (p->twiddle_re == NULL || p->twiddle_im == NULL || p->chirp == NULL) {
        return no_memory(p, err);
    }
    MEWL_TRY(open_tx(&p->inverse, &p->inverse_fn, true, m, err));
    for (size_t k = 0; k < n; k++) {
        AVComplexDouble root = mewl__fft_root((uint64_t)k * k, 2 * (uint64_t)n);
        p->twiddle_re[k] = root.re;
        p->twiddle_im[k] = root.im;
        p->gather[k] = (AVComplexDouble){root.re, -root.im};
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

mewl_status mewl__fft_complex_init(mewl__fft_complex *p, size_t length, mewl_error *err)
{
    *p = (mewl__fft_complex){.length = length};
    choose_route(p);
    p->re = mewl__fft_memory(length + 1, sizeof(double));
    p->im = mewl__fft_memory(length + 1, sizeof(double));
    size_t scratch = p->route == MEWL_FFT_RADIX4 ? length : p->inner;
    p->gather = mewl__fft_memory(scratch, sizeof *p->gather);
    p->scatter = mewl__fft_memory(scratch, sizeof *p->scatter);
    if (p->re == NULL || p->im == NULL || p->gather == NULL || p->scatter == NULL) {
        return no_memory(p, err);
    }
    if (p->inner == 0) {
        return MEWL_OK;
    }
    MEWL_TRY(open_tx(&p->forward, &p->forward_fn, false, p->inner, err));
    switch (p->route) {
    case MEWL_FFT_RADIX4:
        return radix4_init(p, err);
    case MEWL_FFT_SPLIT:
        return split_init(p, err);
    case MEWL_FFT_BLUESTEIN:
        return bluestein_init(p, err);
    default:
        return MEWL_OK;
    }
}

void mewl__fft_complex_fini(mewl__fft_complex *p)
{
    av_tx_uninit(&p->forward);
    av_tx_uninit(&p->inverse);
    free(p->gather);
    free(p->scatter);
    free(p->order);
    free(p->twiddle_re);
    free(p->twiddle_im);
    free(p->part_re);
    free(p->part_im);
    free(p->root_re);
    free(p->root_im);
    free(p->chirp);
    free(p->re);
    free(p->im);
}

/* Every `stride`-th number of `in` from `first` on through one inner transform, to p->scatter. */
static void inner_transform(mewl__fft_complex *p, const AVComplexDouble *in, size_t first, size_t stride)
{
    for (size_t n = 0; n < p->inner; n++) {
        p->gather[n] = in[first + n * stride];
    }
    p->forward_fn(p->forward, p->scatter, p->gather, sizeof(AVComplexDouble));
}

/* Real and imaginary parts apart. */
static void apart(double *restrict re, double *restrict im, const AVComplexDouble *restrict in, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        re[k] = in[k].re;
        im[k] = in[k].im;
    }
}

/* Four transforms of length s, which lie one after the other, into the one of length 4s that their inputs interleaved
 * have: X[k + q s] = sum_j i^(-jq) w^(jk) Y_j[k], w = exp(-2 pi i / 4s) (Cooley and Tukey 1965). */
static void radix4_pass(double *re, double *im, const double *restrict w_re, const double *restrict w_im, size_t s)
{
    double *restrict re0 = re;
    double *restrict re1 = re + s;
    double *restrict re2 = re + 2 * s;
    double *restrict re3 = re + 3 * s;
    double *restrict im0 = im;
    double *restrict im1 = im + s;
    double *restrict im2 = im + 2 * s;
    double *restrict im3 = im + 3 * s;
    MEWL__INDEPENDENT
    for (size_t k = 0; k < s; k++) {
        double b_re = re1[k] * w_re[k] - im1[k] * w_im[k];
        double b_im = re1[k] * w_im[k] + im1[k] * w_re[k];
        double c_re = re2[k] * w_re[k + s] - im2[k] * w_im[k + s];
        double c_im = re2[k] * w_im[k + s] + im2[k] * w_re[k + s];
        double d_re = re3[k] * w_re[k + 2 * s] - im3[k] * w_im[k + 2 * s];
        double d_im = re3[k] * w_im[k + 2 * s] + im3[k] * w_re[k + 2 * s];
        double ac_re = re0[k] + c_re;
        double ac_im = im0[k] + c_im;
        double a_c_re = re0[k] - c_re;
        double a_c_im = im0[k] - c_im;
        re0[k] = ac_re + (b_re + d_re);
        im0[k] = ac_im + (b_im + d_im);
        re1[k] = a_c_re + (b_im - d_im);
        im1[k] = a_c_im - (b_re - d_re);
        re2[k] = ac_re - (b_re + d_re);
        im2[k] = ac_im - (b_im + d_im);
        re3[k] = a_c_re - (b_im - d_im);
        im3[k] = a_c_im + (b_re - d_re);
    }
}

static void radix4_run(mewl__fft_complex *p, const AVComplexDouble *in)
{
    /* All of them before the results are looked at: loads that span stores still under way would wait for those. */
    for (size_t b = 0; b < p->factor; b++) {
        AVComplexDouble *gather = p->gather + b * p->inner;
        const AVComplexDouble *from = in + p->order[b];
        for (size_t n = 0; n < p->inner; n++) {
            gather[n] = from[n * p->factor];
        }
    }
    for (size_t b = 0; b < p->factor; b++) {
        p->forward_fn(p->forward, p->scatter + b * p->inner, p->gather + b * p->inner, sizeof(AVComplexDouble));
    }
    apart(p->re, p->im, p->scatter, p->length);
    const double *w_re = p->twiddle_re;
    const double *w_im = p->twiddle_im;
    for (size_t s = p->inner; s < p->length; s *= 4) {
        for (size_t at = 0; at < p->length; at += 4 * s) {
            radix4_pass(p->re + at, p->im + at, w_re, w_im, s);
        }
        w_re += 3 * s;
        w_im += 3 * s;
    }
}

/* X[k + m q] = sum_j root^(j q) twiddle^(j k) Y_j[k], Y_j the transform of x[j], x[j + r], ... */
static void split_run(mewl__fft_complex *p, const AVComplexDouble *in)
{
    size_t r = p->factor;
    size_t m = p->inner;
    for (size_t j = 0; j < r; j++) {
        inner_transform(p, in, j, r);
        const double *turn_re = p->twiddle_re + j * m;
        const double *turn_im = p->twiddle_im + j * m;
        double *part_re = p->part_re + j * m;
        double *part_im = p->part_im + j * m;
        for (size_t k = 0; k < m; k++) {
            part_re[k] = p->scatter[k].re * turn_re[k] - p->scatter[k].im * turn_im[k];
            part_im[k] = p->scatter[k].re * turn_im[k] + p->scatter[k].im * turn_re[k];
        }
    }
    for (size_t q = 0; q < r; q++) {
        double *restrict re = p->re + q * m;
        double *restrict im = p->im + q * m;
        memcpy(re, p->part_re, m * sizeof *re);
        memcpy(im, p->part_im, m * sizeof *im);
        for (size_t j = 1; j < r; j++) {
            double root_re = p->root_re[j * q % r];
            double root_im = p->root_im[j * q % r];
            const double *restrict part_re = p->part_re + j * m;
            const double *restrict part_im = p->part_im + j * m;
            for (size_t k = 0; k < m; k++) {
                re[k] += root_re * part_re[k] - root_im * part_im[k];
                im[k] += root_re * part_im[k] + root_im * part_re[k];
            }
        }
    }
}

static void bluestein_run(mewl__fft_complex *p, const AVComplexDouble *in)
{
    size_t n = p->length;
    size_t m = p->inner;
    for (size_t k = 0; k < n; k++) {
        p->gather[k] = times(in[k], (AVComplexDouble){p->twiddle_re[k], p->twiddle_im[k]});
    }
    memset(p->gather + n, 0, (m - n) * sizeof *p->gather);
    p->forward_fn(p->forward, p->scatter, p->gather, sizeof(AVComplexDouble));
    for (size_t k = 0; k < m; k++) {
        p->scatter[k] = times(p->scatter[k], p->chirp[k]);
    }
    p->inverse_fn(p->inverse, p->gather, p->scatter, sizeof(AVComplexDouble));
    for (size_t k = 0; k < n; k++) {
        AVComplexDouble x = times(p->gather[k], (AVComplexDouble){p->twiddle_re[k], p->twiddle_im[k]});
        p->re[k] = x.re;
        p->im[k] = x.im;
    }
}

void mewl__fft_complex_run(mewl__fft_complex *p, const AVComplexDouble *in)
{
    if (p->inner == 0) {
        p->re[0] = in[0].re;
        p->im[0] = in[0].im;
    } else if (p->route == MEWL_FFT_RADIX4) {
        radix4_run(p, in);
    } else if (p->route == MEWL_FFT_SPLIT) {
        split_run(p, in);
    } else if (p->route == MEWL_FFT_BLUESTEIN) {
        bluestein_run(p, in);
    } else {
        /* av_tx takes its input without const, and leaves it alone in a forward transform. */
        p->forward_fn(p->forward, p->scatter, (AVComplexDouble *)in, sizeof(AVComplexDouble));
        apart(p->re, p->im, p->scatter, p->length);
    }
}
