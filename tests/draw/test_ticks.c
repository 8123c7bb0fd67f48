/* test_ticks.c - round numbers for axes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "draw/ticks.h"

static void known_linear(void **state)
{
    mewl_ticks t = mewl_ticks_linear(0.0, 1.0, 5);
    assert_int_equal(t.count, 6);
    assert_true(fabs(t.step - 0.2) < 1e-12 && t.at[0] == 0.0 && fabs(t.at[5] - 1.0) < 1e-12);
    t = mewl_ticks_linear(-80.0, 12.0, 5);
    assert_int_equal(t.count, 5);
    assert_true(t.at[0] == -80.0 && t.at[4] == 0.0 && t.step == 20.0);
    t = mewl_ticks_linear(3.2, 3.4, 4);
    assert_true(fabs(t.step - 0.05) < 1e-12 && t.count == 5);
}

/* Whatever the range: within it, rising, evenly spaced, not too many, and at least one where three are asked for. */
static void any_range(void **state)
{
    mewl_rng rng = mewl_rng_seeded(4);
    for (int i = 0; i < 20000; i++) {
        double low = mewl_rng_normal(&rng) * pow(10.0, mewl_rng_range(&rng, -6.0, 6.0));
        double high = low + pow(10.0, mewl_rng_range(&rng, -3.0, 6.0));
        int wanted = 3 + (int)mewl_rng_below(&rng, 12);
        mewl_ticks t = i % 2 == 0 ? mewl_ticks_linear(low, high, wanted) : mewl_ticks_time(low, high, wanted);
        double slack = 1e-6 * t.step;
        assert_true(t.count >= 1 && t.count <= (size_t)wanted + 1);
        assert_true(t.at[0] >= low - slack && t.at[t.count - 1] <= high + slack);
        for (size_t k = 1; k < t.count; k++) {
            assert_true(fabs(t.at[k] - t.at[k - 1] - t.step) < 1e-6 * t.step + 1e-12 * fabs(high));
        }
    }
}

static void clock_steps(void **state)
{
    assert_true(mewl_ticks_time(0.0, 60.0, 6).step == 10.0);
    assert_true(mewl_ticks_time(0.0, 90.0, 6).step == 15.0);
    assert_true(mewl_ticks_time(0.0, 600.0, 10).step == 60.0);
    assert_true(mewl_ticks_time(0.0, 43200.0, 12).step == 3600.0);
    assert_true(mewl_ticks_time(0.0, 43200.0, 8).step == 7200.0);
    assert_true(fabs(mewl_ticks_time(0.0, 1.0, 10).step - 0.1) < 1e-12);
}

static void logarithmic(void **state)
{
    mewl_ticks t = mewl_ticks_log(0.01, 100.0);
    assert_int_equal(t.count, 5);
    assert_true(fabs(t.at[0] - 0.01) < 1e-12 && fabs(t.at[4] - 100.0) < 1e-9);
    t = mewl_ticks_log(0.3, 6.0);
    assert_int_equal(t.count, 4);
    assert_true(fabs(t.at[0] - 0.5) < 1e-12 && fabs(t.at[3] - 5.0) < 1e-12);
    assert_true(mewl_ticks_log(1e-200, 1e200).count <= MEWL_TICKS_MAX);
}

static void useless_ranges(void **state)
{
    assert_int_equal(mewl_ticks_linear(1.0, 1.0, 5).count, 0);
    assert_int_equal(mewl_ticks_linear(2.0, 1.0, 5).count, 0);
    assert_int_equal(mewl_ticks_linear((double)NAN, 1.0, 5).count, 0);
    assert_int_equal(mewl_ticks_time(0.0, (double)INFINITY, 5).count, 0);
    assert_int_equal(mewl_ticks_log(0.0, 1.0).count, 0);
    assert_int_equal(mewl_ticks_log(-1.0, 1.0).count, 0);
}

static void labels(void **state)
{
    static const struct {
        double value, step;
        const char *text;
    } rows[] = {{0.25, 0.05, "0.25"}, {3.0, 1.0, "3"},         {-40.0, 20.0, "-40"}, {-1e-17, 0.2, "0.0"},
                {0.3, 0.1, "0.3"},    {2000.0, 500.0, "2000"}, {100.0, 0.0, "100"},  {1e9, 1e8, "1e+09"}};
    static const struct {
        double value_s, step_s, end_s;
        const char *text;
    } times[] = {{0.25, 0.05, 1.0, "0.25 s"},           {3.0, 1.0, 10.0, "3 s"},
                 {150.0, 30.0, 600.0, "2:30"},          {65.5, 0.5, 70.0, "1:05.5"},
                 {3900.0, 60.0, 7200.0, "1:05:00"},     {119.96, 0.1, 300.0, "2:00.0"},
                 {43200.0, 3600.0, 43200.0, "12:00:00"}};
    char text[48];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mewl_ticks_label(text, sizeof text, rows[i].value, rows[i].step);
        assert_string_equal(text, rows[i].text);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        mewl_ticks_label_time(text, sizeof text, times[i].value_s, times[i].step_s, times[i].end_s);
        assert_string_equal(text, times[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_linear), cmocka_unit_test(any_range),      cmocka_unit_test(clock_steps),
        cmocka_unit_test(logarithmic),  cmocka_unit_test(useless_ranges), cmocka_unit_test(labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
