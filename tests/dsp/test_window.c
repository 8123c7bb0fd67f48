/* test_window.c - windows by their known values and properties. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dsp/window.h"

static void known_values(void **state)
{
    static const struct {
        mewl_window_kind kind;
        double values[4];
    } rows[] = {{MEWL_WINDOW_RECTANGULAR, {1.0, 1.0, 1.0, 1.0}},
                {MEWL_WINDOW_HANN_PERIODIC, {0.0, 0.5, 1.0, 0.5}},
                {MEWL_WINDOW_HANN_SYMMETRIC, {0.0, 0.75, 0.75, 0.0}},
                {MEWL_WINDOW_HAMMING_PERIODIC, {0.08, 0.54, 1.0, 0.54}},
                {MEWL_WINDOW_HAMMING_SYMMETRIC, {0.08, 0.77, 0.77, 0.08}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double w[4];
        mewl_window_fill(w, 4, rows[i].kind);
        for (size_t n = 0; n < 4; n++) {
            assert_true(fabs(w[n] - rows[i].values[n]) < 1e-15);
        }
        mewl_window_fill(w, 1, rows[i].kind);
        assert_true(w[0] == 1.0);
    }
}

/* A periodic Hann window at half its length as hop adds up to 1 everywhere; a symmetric one mirrors itself. */
static void properties(void **state)
{
    double w[400];
    mewl_window_fill(w, 400, MEWL_WINDOW_HANN_PERIODIC);
    for (size_t n = 0; n < 200; n++) {
        assert_true(fabs(w[n] + w[n + 200] - 1.0) < 1e-14);
    }
    mewl_window_fill(w, 399, MEWL_WINDOW_HANN_SYMMETRIC);
    for (size_t n = 0; n < 399; n++) {
        assert_true(fabs(w[n] - w[398 - n]) < 1e-14);
    }
    assert_true(fabs(w[199] - 1.0) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values), cmocka_unit_test(properties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
