/* Ambience: noise of known level and colour is told as such, whatever stands out of it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "dsp/ambience.h"

#define RATE 16000.0
#define COUNT 48000

/* White noise of `level` (RMS), through a one-pole low-pass when `low`, with a loud tone in the middle third. */
static float *sound(double level, bool low, double tone_hz)
{
    float *samples = malloc(COUNT * sizeof *samples);
    mewl_rng rng = mewl_rng_seeded(3);
    double state = 0.0;
    assert_non_null(samples);
    for (size_t i = 0; i < COUNT; i++) {
        const double white = level * mewl_rng_normal(&rng);
        state += 0.1 * (white - state);
        const double tone =
            i > COUNT / 3 && i < 2 * COUNT / 3 ? 0.5 * sin(2.0 * M_PI * tone_hz * (double)i / RATE) : 0.0;
        samples[i] = (float)((low ? state : white) + tone);
    }
    return samples;
}

static void noise_has_its_level_and_colour(void **state)
{
    (void)state;
    mewl_ambience white, low;
    mewl_error err = {0};
    float *a = sound(0.01, false, 1500.0), *b = sound(0.01, true, 1500.0);
    assert_int_equal(mewl_ambience_measure(&white, a, COUNT, RATE, &err), MEWL_OK);
    assert_int_equal(mewl_ambience_measure(&low, b, COUNT, RATE, &err), MEWL_OK);
    assert_true(fabs(white.noise_dbfs + 40.0) < 1.0); /* RMS 0.01 */
    assert_true(fabs(white.tilt_db - 10.0 * log10(1.0 / 7.0)) < 1.0);
    assert_true(low.tilt_db > white.tilt_db + 6.0);
    assert_true(low.noise_dbfs < white.noise_dbfs - 8.0);
    free(a);
    free(b);
}

/* Noise through a steep low-pass reaches as far as that lets it; what stands out of the noise does not count. */
static void bandwidth_is_how_far_the_noise_reaches(void **state)
{
    (void)state;
    mewl_ambience wide, narrow, silent;
    mewl_error err = {0};
    float *a = sound(0.01, false, 1500.0), *b = sound(0.01, false, 7000.0), *c = sound(0.0, false, 1500.0);
    for (int pass = 0; pass < 12; pass++) { /* means of neighbours: nothing near 8 kHz, and 40 dB down from 4 kHz on */
        for (size_t i = COUNT - 1; i > 0; i--) {
            b[i] = 0.5f * (b[i] + b[i - 1]);
        }
    }
    assert_int_equal(mewl_ambience_measure(&wide, a, COUNT, RATE, &err), MEWL_OK);
    assert_int_equal(mewl_ambience_measure(&narrow, b, COUNT, RATE, &err), MEWL_OK);
    assert_int_equal(mewl_ambience_measure(&silent, c, COUNT, RATE, &err), MEWL_OK);
    assert_true(wide.bandwidth_hz > 7900.0);
    assert_true(narrow.bandwidth_hz > 3000.0 && narrow.bandwidth_hz < 5500.0);
    assert_true(isnan(silent.noise_dbfs) && isnan(silent.tilt_db) && isnan(silent.bandwidth_hz));
    free(a);
    free(b);
    free(c);
}

static void the_ends_hold(void **state)
{
    (void)state;
    mewl_ambience out;
    mewl_error err = {0};
    float *samples = calloc(2048, sizeof *samples);
    assert_non_null(samples);
    samples[5] = NAN;
    assert_int_equal(mewl_ambience_measure(&out, samples, 2048, RATE, &err), MEWL_OK);
    assert_true(isnan(out.noise_dbfs) && isnan(out.tilt_db) && isnan(out.bandwidth_hz));
    assert_int_equal(mewl_ambience_measure(&out, samples, 1024, RATE, &err), MEWL_OK);
    assert_int_equal(mewl_ambience_measure(&out, samples, 1023, RATE, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_ambience_measure(&out, samples, 2048, 100.0, &err), MEWL_E_ARG);
    assert_int_equal(mewl_ambience_measure(&out, samples, 2048, (double)NAN, &err), MEWL_E_ARG);
    free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(noise_has_its_level_and_colour),
                                       cmocka_unit_test(bandwidth_is_how_far_the_noise_reaches),
                                       cmocka_unit_test(the_ends_hold)};
    return cmocka_run_group_tests_name("dsp/ambience", tests, NULL, NULL);
}
