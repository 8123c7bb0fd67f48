/* test_mfcc.c - the orthonormal DCT-II. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "dsp/mfcc.h"

static void is_the_definition(void **state)
{
    mewl_mfcc *mfcc = NULL;
    assert_int_equal(mewl_mfcc_new(&mfcc, 64, 20, NULL), MEWL_OK);
    float x[64];
    float y[20];
    mewl_rng rng = mewl_rng_seeded(7);
    for (size_t b = 0; b < 64; b++) {
        x[b] = (float)mewl_rng_range(&rng, -100.0, 0.0);
    }
    mewl_mfcc_apply(mfcc, y, x);
    for (size_t k = 0; k < 20; k++) {
        double want = 0.0;
        for (size_t b = 0; b < 64; b++) {
            want += (double)x[b] * cos(M_PI * (double)k * (2.0 * (double)b + 1.0) / 128.0);
        }
        want *= sqrt((k == 0 ? 1.0 : 2.0) / 64.0);
        assert_true(fabs((double)y[k] - want) < 2e-4);
    }
    mewl_mfcc_free(mfcc);
}

/* Orthonormal: all coefficients together hold the energy of the input. */
static void keeps_energy(void **state)
{
    mewl_mfcc *mfcc = NULL;
    assert_int_equal(mewl_mfcc_new(&mfcc, 80, 80, NULL), MEWL_OK);
    float x[80];
    float y[80];
    double before = 0.0;
    double after = 0.0;
    for (size_t b = 0; b < 80; b++) {
        x[b] = (float)((b * 37) % 11) - 5.0f;
        before += (double)x[b] * (double)x[b];
    }
    mewl_mfcc_apply(mfcc, y, x);
    for (size_t k = 0; k < 80; k++) {
        after += (double)y[k] * (double)y[k];
    }
    assert_true(fabs(after / before - 1.0) < 1e-5);
    mewl_mfcc_free(mfcc);
}

static void refused(void **state)
{
    mewl_mfcc *mfcc = NULL;
    assert_int_equal(mewl_mfcc_new(&mfcc, 0, 1, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_mfcc_new(&mfcc, 10, 0, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_mfcc_new(&mfcc, 10, 11, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_mfcc_new(&mfcc, 513, 1, NULL), MEWL_E_ARG);
    assert_null(mfcc);
    mewl_mfcc_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_definition),
        cmocka_unit_test(keeps_energy),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
