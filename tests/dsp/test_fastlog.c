/* test_fastlog.c - the array logarithm against libm's in double precision. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dsp/fastlog.h"

#define COUNT 4096u

static void every_binade(void **state)
{
    float x[COUNT];
    float y[COUNT];
    double worst = 0.0;
    for (int exponent = FLT_MIN_EXP; exponent < FLT_MAX_EXP; exponent++) {
        for (size_t i = 0; i < COUNT; i++) {
            x[i] = ldexpf(0.5f + 0.5f * (float)i / COUNT, exponent);
        }
        mewl_fastlog(y, x, COUNT, (mewl_fastlog_opts){.scale = 1.0f});
        for (size_t i = 0; i < COUNT; i++) {
            double want = log((double)x[i]);
            double error = fabs((double)y[i] - want) / fmax(1.0, fabs(want));
            worst = fmax(worst, error);
        }
    }
    print_message("largest error %.2e\n", worst);
    assert_true(worst < 1e-7);
}

static void decibels_of_power(void **state)
{
    float x[16] = {1.0f, 10.0f, 100.0f, 0.1f,  1e-10f, 0.0f, -3.0f, 1e-30f,
                   2.0f, 1e10f, 0.5f,   1e-5f, 3.0f,   7.0f, 0.9f,  1.1f};
    float y[16];
    mewl_fastlog(y, x, 16, (mewl_fastlog_opts){.floor = 1e-10f, .scale = 4.3429448190325182765f});
    for (size_t i = 0; i < 16; i++) {
        assert_true(fabs((double)y[i] - 10.0 * log10(fmax((double)x[i], 1e-10))) < 1e-5);
    }
}

static void sums_scales_and_offsets(void **state)
{
    float x[16];
    float y[16];
    for (size_t i = 0; i < 16; i++) {
        x[i] = (float)i * (float)i * 1e-3f;
    }
    mewl_fastlog(y, x, 16, (mewl_fastlog_opts){.add = 1e-5f, .scale = 0.2f, .offset = 0.9f});
    for (size_t i = 0; i < 16; i++) {
        assert_true(fabs((double)y[i] - (log((double)x[i] + 1e-5) + 4.5) / 5.0) < 1e-6);
    }
}

static void odd_values(void **state)
{
    float x[16] = {NAN, INFINITY, -INFINITY, -NAN, 0.0f, -0.0f, FLT_TRUE_MIN, FLT_MAX};
    mewl_fastlog(x, x, 16, (mewl_fastlog_opts){.floor = 1e-10f, .scale = 1.0f});
    for (size_t i = 0; i < 16; i++) {
        assert_true(isfinite(x[i]));
    }
    assert_true(fabsf(x[0] - logf(1e-10f)) < 1e-5f);
    assert_true(fabsf(x[1] - 128.0f * logf(2.0f)) < 1e-4f);
    assert_true(fabsf(x[2] - logf(1e-10f)) < 1e-5f);
}

/* Streaming rests on it: the same value gives the same bits wherever it stands. */
static void place_does_not_matter(void **state)
{
    float x[COUNT];
    float y[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = 0.0037f * (float)(i / 64 + 1);
    }
    mewl_fastlog(y, x, COUNT, (mewl_fastlog_opts){.scale = 4.3429448f});
    for (size_t i = 0; i < COUNT; i++) {
        assert_memory_equal(&y[i], &y[i / 64 * 64], sizeof(float));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_binade),
        cmocka_unit_test(decibels_of_power),
        cmocka_unit_test(sums_scales_and_offsets),
        cmocka_unit_test(odd_values),
        cmocka_unit_test(place_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
