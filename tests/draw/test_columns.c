/* test_columns.c - bounded columns against the whole stream. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "draw/columns.h"

/* Row n holds a known figure, so that sums and highest values of any stretch are known too. */
static float figure(uint64_t row)
{
    return (float)(row * 2654435761u % 1000);
}

static void push(mewl__columns *c, uint64_t *at, uint64_t rows)
{
    while (rows > 0) {
        uint64_t room = 0;
        float *column = mewl__columns_current(c, &room);
        assert_true(room >= 1);
        uint64_t part = room < rows ? room : rows;
        for (uint64_t i = 0; i < part; i++) {
            float x = figure(*at + i);
            column[0] = c->rule == MEWL__COLUMNS_SUM ? column[0] + x : fmaxf(column[0], x);
        }
        mewl__columns_advance(c, part);
        *at += part;
        rows -= part;
    }
}

static void whole_stream(void **state)
{
    static const uint64_t lengths[] = {1, 2, 3, 4095, 4096, 4097, 8191, 8192, 8193, 100000, 1234567};
    mewl_rng rng = mewl_rng_seeded(8);
    for (int rule = 0; rule < 2; rule++) {
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            mewl__columns c;
            assert_int_equal(mewl__columns_init(&c, (mewl__columns_rule)rule, 1, NULL), MEWL_OK);
            uint64_t at = 0;
            while (at < lengths[k]) {
                uint64_t rows = 1 + mewl_rng_below(&rng, 5000);
                push(&c, &at, rows < lengths[k] - at ? rows : lengths[k] - at);
            }
            assert_true(mewl__columns_rows(&c) == lengths[k]);
            assert_true(c.count <= MEWL__COLUMNS_MAX);
            assert_true((c.per_column & (c.per_column - 1)) == 0);
            if (c.per_column > 1) {
                assert_true(c.count > MEWL__COLUMNS_MAX / 2 - 1);
            }
            /* Every column is what its rows give. */
            for (size_t i = 0; i < c.count; i++) {
                uint64_t from = i * c.per_column;
                uint64_t to = i + 1 == c.count ? lengths[k] : from + c.per_column;
                double want = rule == MEWL__COLUMNS_SUM ? 0.0 : -1.0;
                for (uint64_t row = from; row < to; row++) {
                    double x = (double)figure(row);
                    want = rule == MEWL__COLUMNS_SUM ? want + x : fmax(want, x);
                }
                assert_true(fabs((double)c.data[i] - want) <= 1e-5 * want + 1e-9);
            }
            mewl__columns_fini(&c);
        }
    }
}

static void views(void **state)
{
    mewl__columns c;
    uint64_t at = 0;
    float out = -5.0f;
    assert_int_equal(mewl__columns_init(&c, MEWL__COLUMNS_HIGHEST, 1, NULL), MEWL_OK);
    assert_int_equal(mewl__columns_view(&c, &out, 0.0, 10.0), 0);
    push(&c, &at, 100);
    assert_int_equal(mewl__columns_view(&c, &out, 100.0, 110.0), 0);
    assert_int_equal(mewl__columns_view(&c, &out, -10.0, 0.0), 0);
    assert_true(out == -5.0f);
    assert_int_equal(mewl__columns_view(&c, &out, 3.2, 3.4), 1);
    assert_true(out == figure(3));
    assert_int_equal(mewl__columns_view(&c, &out, 3.0, 5.5), 1);
    assert_true(out == fmaxf(figure(3), fmaxf(figure(4), figure(5))));
    assert_int_equal(mewl__columns_view(&c, &out, 98.5, 300.0), 1);
    assert_true(out == fmaxf(figure(98), figure(99)));
    mewl__columns_fini(&c);

    at = 0;
    assert_int_equal(mewl__columns_init(&c, MEWL__COLUMNS_SUM, 1, NULL), MEWL_OK);
    push(&c, &at, 5000);
    assert_true(c.per_column == 2);
    /* Wide: the mean of the rows in whole columns. */
    assert_int_equal(mewl__columns_view(&c, &out, 100.0, 108.0), 1);
    double mean = 0.0;
    for (uint64_t row = 100; row < 108; row++) {
        mean += (double)figure(row) / 8.0;
    }
    assert_true(fabs((double)out - mean) < 1e-3);
    /* Narrow: on a column's centre its own mean, half way to the next the mean of both. */
    assert_int_equal(mewl__columns_view(&c, &out, 100.9, 101.1), 1);
    assert_true(fabs((double)out - 0.5 * (double)(figure(100) + figure(101))) < 1e-3);
    assert_int_equal(mewl__columns_view(&c, &out, 101.9, 102.1), 1);
    assert_true(fabs((double)out - 0.25 * (double)(figure(100) + figure(101) + figure(102) + figure(103))) < 1e-3);
    mewl__columns_fini(&c);
    mewl__columns_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_stream), cmocka_unit_test(views)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
