/* Formants: a pulse train through known resonances; noise through one; silence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "voice/formant.h"

#define RATE 16000.0
#define COUNT 8000

/* A resonance of `hz` and `bandwidth` run over x in place. */
static void resonate(double *x, double hz, double bandwidth)
{
    double r = exp(-M_PI * bandwidth / RATE), b = 2 * r * cos(2 * M_PI * hz / RATE), c = -r * r, y1 = 0, y2 = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double y = x[i] + b * y1 + c * y2;
        y2 = y1;
        y1 = x[i] = y;
    }
}

static mewl_formants find(const double *x)
{
    static float samples[COUNT];
    mewl_formant_finder *finder;
    for (size_t i = 0; i < COUNT; i++) {
        samples[i] = (float)(0.01 * x[i]);
    }
    assert_int_equal(mewl_formant_finder_new(&finder, RATE, NULL), MEWL_OK);
    mewl_formants f = mewl_formant_find(finder, samples, COUNT, 0.25);
    mewl_formant_finder_free(finder);
    return f;
}

static void test_resonances(void **state)
{
    (void)state;
    const double truth[3] = {1120, 3300, 5600};
    static double x[COUNT];
    mewl_rng rng = mewl_rng_seeded(1);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = (i % 64 == 0) + 0.001 * mewl_rng_normal(&rng); /* 250 Hz */
    }
    for (size_t k = 0; k < 3; k++) {
        resonate(x, truth[k], 100 + 50 * (double)k);
    }
    mewl_formants f = find(x);
    for (size_t k = 0; k < 3; k++) {
        if (!(fabs(f.hz[k] - truth[k]) < 125)) { /* half the distance of harmonics */
            fail_msg("formant %zu at %g Hz, not %g", k + 1, f.hz[k], truth[k]);
        }
        assert_true(f.bandwidth_hz[k] > 10 && f.bandwidth_hz[k] < 600);
    }
}

static void test_noise(void **state)
{
    (void)state;
    static double x[COUNT];
    mewl_rng rng = mewl_rng_seeded(2);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = mewl_rng_normal(&rng);
    }
    resonate(x, 2000, 80);
    mewl_formants f = find(x);
    double nearest = INFINITY;
    for (size_t k = 0; k < 3; k++) {
        nearest = isnan(f.hz[k]) ? nearest : fmin(nearest, fabs(f.hz[k] - 2000));
    }
    assert_true(nearest < 60);
}

static void test_silence(void **state)
{
    (void)state;
    static const double x[COUNT];
    mewl_formants f = find(x);
    assert_true(isnan(f.hz[0]) && isnan(f.hz[1]) && isnan(f.hz[2]));
    mewl_formant_finder *finder;
    mewl_error err = {0};
    assert_int_equal(mewl_formant_finder_new(&finder, 44100, &err), MEWL_E_ARG);
    assert_int_equal(mewl_formant_finder_new(&finder, 100, &err), MEWL_E_ARG);
    mewl_formant_finder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_resonances), cmocka_unit_test(test_noise),
                                       cmocka_unit_test(test_silence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
