/* Tests of audio/level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/level.h"
#include "measure.h"

static void levels_are_those_of_the_definition(void **state)
{
    (void)state;
    float *x = signal_tone(48000, 48000, 1000, 1.0);
    assert_true(fabs(mewl_level_dbfs(x, 48000) + 3.0103) < 1e-3);
    mewl_level level = {0};
    for (size_t at = 0; at < 48000; at += 777) { /* pieces of any size */
        mewl_level_push(&level, x + at, 48000 - at < 777 ? 48000 - at : 777);
    }
    assert_int_equal(level.count, 48000);
    assert_true(fabs(mewl_level_rms_dbfs(&level) + 3.0103) < 1e-3);
    assert_true(fabs(mewl_level_peak_dbfs(&level)) < 1e-3);
    free(x);
    x = signal_noise(100003, 3, 0.1);
    double exact = 0.0;
    for (size_t i = 0; i < 100003; i++) {
        exact += (double)x[i] * (double)x[i];
    }
    assert_true(fabs(mewl_level_dbfs(x, 100003) - 10.0 * log10(exact / 100003.0)) < 1e-5);
    free(x);
    const float one = 1.0F;
    assert_true(fabs(mewl_level_dbfs(&one, 1)) < 1e-12);
    assert_true(fabs(mewl_level_to_amplitude(-20.0) - 0.1) < 1e-12);
    assert_true(fabs(mewl_level_from_amplitude(0.1) + 20.0) < 1e-12);
}

static void silence_has_no_level(void **state)
{
    (void)state;
    float x[1000] = {0};
    mewl_level level = {0};
    assert_true(mewl_level_rms_dbfs(&level) == -INFINITY);
    mewl_level_push(&level, x, 1000);
    assert_true(mewl_level_rms_dbfs(&level) == -INFINITY);
    assert_true(mewl_level_peak_dbfs(&level) == -INFINITY);
    assert_int_equal(level.zeros, 1000);
    assert_true(mewl_level_dbfs(NULL, 0) == -INFINITY);
    x[10] = 1e-7F; /* nearly nothing is not nothing */
    assert_true(mewl_level_dbfs(x, 1000) > -180.0);
    assert_true(mewl_level_from_amplitude(0.0) == -INFINITY);
    assert_true(mewl_level_to_amplitude(-INFINITY) == 0.0);
}

static void clipping_is_runs_at_full_scale(void **state)
{
    (void)state;
    float *x = signal_tone(48000, 48000, 1000, 1.0);
    mewl_level level = {0};
    mewl_level_push(&level, x, 48000);
    /* A full-scale sine of 48 samples a period: three of them (within 0.4 %: cos(7.5 degrees) < 0.999) are not reached.
     */
    assert_int_equal(level.clipped, 0);
    for (size_t i = 0; i < 48000; i++) {
        x[i] = 2.0F * x[i] > 1.0F ? 1.0F : 2.0F * x[i] < -1.0F ? -1.0F : 2.0F * x[i];
    }
    level = (mewl_level){0};
    mewl_level_push(&level, x, 48000);
    assert_true(fabs(mewl_level_clipped_share(&level) - 17.0 / 24.0) < 0.01); /* 30 to 150 degrees, every 7.5 */
    mewl_level pieces = {0};
    for (size_t i = 0; i < 48000; i++) {
        mewl_level_push(&pieces, x + i, 1);
    }
    assert_int_equal(pieces.clipped, level.clipped); /* runs go on across pieces */
    const float alternating[6] = {1.0F, -1.0F, 1.0F, -1.0F, 1.0F, -1.0F};
    level = (mewl_level){0};
    mewl_level_push(&level, alternating, 6);
    assert_int_equal(level.clipped, 0);
    free(x);
}

static void what_is_no_number_counts_as_zero(void **state)
{
    (void)state;
    const float x[10] = {NAN, INFINITY, -INFINITY, 0.5F, NAN, 0.0F, 0.5F, -0.5F, 0.5F, NAN};
    mewl_level level = {0};
    mewl_level_push(&level, x, 10);
    assert_int_equal(level.count, 10);
    assert_int_equal(level.zeros, 6);
    assert_true(level.peak == 0.5F);
    assert_true(fabs(level.energy - 1.0) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_those_of_the_definition),
        cmocka_unit_test(silence_has_no_level),
        cmocka_unit_test(clipping_is_runs_at_full_scale),
        cmocka_unit_test(what_is_no_number_counts_as_zero),
    };
    return cmocka_run_group_tests_name("audio/level", tests, NULL, NULL);
}
