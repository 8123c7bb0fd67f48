/* test_fft.c - the transform against its definition. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "dsp/fft.h"

/* The issue asks for 100 dB; double precision gives far more, and a slip in one twiddle far less. */
#define BAR_DB 250.0

static double *aligned(size_t count)
{
    size_t bytes = (count * sizeof(double) + MEWL_FFT_ALIGNMENT - 1) / MEWL_FFT_ALIGNMENT * MEWL_FFT_ALIGNMENT;
    double *memory = aligned_alloc(MEWL_FFT_ALIGNMENT, bytes);
    assert_non_null(memory);
    memset(memory, 0x7f, bytes);
    return memory;
}

/* Signal-to-noise ratio in dB of `step`-th bins against the sum over all samples, in extended precision. */
static double snr_db(size_t length, size_t step)
{
    mewl_fft *fft = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_fft_new(&fft, length, &err), MEWL_OK);
    assert_int_equal(mewl_fft_length(fft), length);
    double *x = aligned(length);
    double *kept = aligned(length);
    double *y = aligned(length + 2);
    long double *cosines = malloc(2 * length * sizeof *cosines);
    assert_non_null(cosines);
    long double *sines = cosines + length;
    mewl_rng rng = mewl_rng_seeded(length);
    for (size_t n = 0; n < length; n++) {
        x[n] = mewl_rng_normal(&rng);
        long double angle = 2.0L * 3.14159265358979323846264338327950288L * (long double)n / (long double)length;
        cosines[n] = cosl(angle);
        sines[n] = sinl(angle);
    }
    memcpy(kept, x, length * sizeof *x);
    mewl_fft_forward(fft, y, x);
    assert_memory_equal(kept, x, length * sizeof *x);
    double *power = aligned(length / 2 + 1);
    mewl_fft_power(fft, power, x);
    for (size_t k = 0; k <= length / 2; k++) {
        double want = y[2 * k] * y[2 * k] + y[2 * k + 1] * y[2 * k + 1];
        assert_true(fabs(power[k] - want) <= 1e-14 * want);
    }
    free(power);
    long double signal = 0.0L;
    long double noise = 0.0L;
    for (size_t k = 0; k <= length / 2; k += step) {
        long double re = 0.0L;
        long double im = 0.0L;
        for (size_t n = 0; n < length; n++) {
            size_t turn = (size_t)((uint64_t)k * n % length);
            re += (long double)x[n] * cosines[turn];
            im -= (long double)x[n] * sines[turn];
        }
        signal += re * re + im * im;
        noise += (re - (long double)y[2 * k]) * (re - (long double)y[2 * k]);
        noise += (im - (long double)y[2 * k + 1]) * (im - (long double)y[2 * k + 1]);
    }
    assert_true(isfinite((double)noise));
    free(x);
    free(kept);
    free(y);
    free(cosines);
    mewl_fft_free(fft);
    return noise == 0.0L ? 999.0 : (double)(10.0L * log10l(signal / noise));
}

static void every_short_length(void **state)
{
    for (size_t length = MEWL_FFT_LENGTH_MIN; length <= 260; length++) {
        double snr = snr_db(length, 1);
        if (snr < BAR_DB) {
            fail_msg("length %zu: %.1f dB", length, snr);
        }
    }
}

static void lengths_in_use(void **state)
{
    static const size_t lengths[] = {400,  480,  512,  600,  640, 800,  882, 960, 1000,
                                     1024, 1102, 1200, 2048, 509, 1021, 128, 256};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        double snr = snr_db(lengths[i], 1);
        print_message("length %5zu: %.1f dB\n", lengths[i], snr);
        assert_true(snr >= BAR_DB);
    }
}

static void long_lengths(void **state)
{
    static const size_t lengths[] = {4096, 8820, 16000, 44100, 65536, 65535, 65521};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        double snr = snr_db(lengths[i], lengths[i] / 23);
        print_message("length %5zu: %.1f dB\n", lengths[i], snr);
        assert_true(snr >= BAR_DB);
    }
}

/* Lengths of the front ends must not fall to av_tx's own O(N^2) loop. */
static void routes(void **state)
{
    static const struct {
        size_t length;
        mewl_fft_route route;
    } rows[] = {{512, MEWL_FFT_RADIX4}, {1024, MEWL_FFT_RADIX4}, {480, MEWL_FFT_DIRECT},
                {400, MEWL_FFT_SPLIT},  {800, MEWL_FFT_SPLIT},   {1021, MEWL_FFT_BLUESTEIN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mewl_fft *fft = NULL;
        assert_int_equal(mewl_fft_new(&fft, rows[i].length, NULL), MEWL_OK);
        assert_int_equal(mewl_fft_route_of(fft), rows[i].route);
        mewl_fft_free(fft);
    }
}

static void refused_lengths(void **state)
{
    static const size_t lengths[] = {0, 1, MEWL_FFT_LENGTH_MAX + 1, SIZE_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        mewl_fft *fft = (mewl_fft *)1;
        mewl_error err = {0};
        assert_int_equal(mewl_fft_new(&fft, lengths[i], &err), MEWL_E_ARG);
        assert_null(fft);
        assert_true(err.text[0] != '\0');
    }
    mewl_fft_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_length), cmocka_unit_test(lengths_in_use),
        cmocka_unit_test(long_lengths),       cmocka_unit_test(routes),
        cmocka_unit_test(refused_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
