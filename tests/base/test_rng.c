/* Tests of base/rng: against the published algorithm's own outputs and against what the distributions must be. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

/* Known answers for state {1, 2, 3, 4}, as the reference implementations of xoshiro256++ give them. */
static void the_sequence_is_xoshiro256pp(void **state)
{
    (void)state;
    static const uint64_t expected[] = {41943041u,
                                        58720359u,
                                        3588806011781223u,
                                        3591011842654386u,
                                        9228616714210784205u,
                                        9973669472204895162u,
                                        14011001112246962877u,
                                        12406186145184390807u};
    mewl_rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(mewl_rng_u64(&rng) == expected[i]);
    }
}

static void streams_are_their_own(void **state)
{
    (void)state;
    uint64_t first[64];
    for (uint64_t i = 0; i < 64; i++) {
        mewl_rng rng = mewl_rng_stream(i / 8, i % 8);
        first[i] = mewl_rng_u64(&rng);
        mewl_rng again = mewl_rng_stream(i / 8, i % 8);
        assert_true(mewl_rng_u64(&again) == first[i]);
        for (uint64_t k = 0; k < i; k++) {
            assert_true(first[k] != first[i]);
        }
    }
}

static void numbers_stay_in_their_range(void **state)
{
    (void)state;
    mewl_rng rng = mewl_rng_seeded(3);
    assert_int_equal(mewl_rng_below(&rng, 0), 0);
    assert_int_equal(mewl_rng_below(&rng, 1), 0);
    size_t counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint64_t k = mewl_rng_below(&rng, 7);
        assert_true(k < 7);
        counts[k]++;
        double u = mewl_rng_unit(&rng);
        assert_true(u >= 0 && u < 1);
        double r = mewl_rng_range(&rng, -2, 3);
        assert_true(r >= -2 && r < 3);
    }
    for (int k = 0; k < 7; k++) { /* 5 standard deviations of a binomial count */
        assert_true(fabs((double)counts[k] - 10000) < 5 * 92.6);
    }
}

static void normals_have_the_right_moments(void **state)
{
    (void)state;
    mewl_rng rng = mewl_rng_seeded(4);
    enum { N = 200000 };
    double sum = 0, square = 0, fourth = 0;
    for (int i = 0; i < N; i++) {
        double x = mewl_rng_normal(&rng);
        assert_true(isfinite(x));
        sum += x;
        square += x * x;
        fourth += x * x * x * x;
    }
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(square / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(fourth / N - 3) < 5 * sqrt(96.0 / N));
}

static void a_shuffle_is_a_permutation_without_favourites(void **state)
{
    (void)state;
    mewl_rng rng = mewl_rng_seeded(5);
    size_t where[4][4] = {{0}};
    for (int round = 0; round < 24000; round++) {
        size_t items[4] = {0, 1, 2, 3};
        mewl_rng_shuffle(&rng, items, 4);
        unsigned seen = 0;
        for (int i = 0; i < 4; i++) {
            seen |= 1u << items[i];
            where[items[i]][i]++;
        }
        assert_int_equal(seen, 15);
    }
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            assert_true(fabs((double)where[i][k] - 6000) < 5 * 67.1);
        }
    }
    mewl_rng_shuffle(&rng, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_is_xoshiro256pp),
        cmocka_unit_test(streams_are_their_own),
        cmocka_unit_test(numbers_stay_in_their_range),
        cmocka_unit_test(normals_have_the_right_moments),
        cmocka_unit_test(a_shuffle_is_a_permutation_without_favourites),
    };
    return cmocka_run_group_tests_name("base/rng", tests, NULL, NULL);
}
