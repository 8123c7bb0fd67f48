/* Conformal p-values: by hand, and that they hold what they promise. */
#include "simulated.h"

static void test_by_hand(void **state)
{
    (void)state;
    const double score[] = {1, 5, 2, 2, 3};
    const size_t start[] = {0, 2, 4, 5}; /* means 3, 2, 3 */
    mewl_conformal c = {.score = score, .start = start, .sessions = 3};
    mewl_p_value v = mewl_conformal_session(&c, 2.5);
    assert_true(v.p == 3 / 4.0 && v.step == 1 / 4.0 && v.calibration == MEWL_CALIBRATION_OWN && v.own_sessions == 3);
    assert_true(mewl_conformal_session(&c, 9).p == 1 / 4.0);
    assert_true(mewl_conformal_session(&c, 3).p == 3 / 4.0); /* as large counts */
    assert_true(mewl_conformal_session(&c, 0).p == 1);
    /* Recordings: half of the first session, none of the second, all of the third. */
    assert_true(mewl_conformal_recording(&c, 3).p == 2.5 / 4);
    mewl_conformal none = {0};
    v = mewl_conformal_session(&none, 3);
    assert_true(v.p == 1 && v.calibration == MEWL_CALIBRATION_NONE);
}

static void test_pooling_by_hand(void **state)
{
    (void)state;
    const double score[] = {1, 5};
    const size_t start[] = {0, 1, 2};
    const double others[] = {4, 0, 0, 6};
    const uint32_t infant[] = {0, 0, 1, 1};
    mewl_conformal c = {.score = score,
                        .start = start,
                        .sessions = 2,
                        .population = others,
                        .infant = infant,
                        .population_sessions = 4,
                        .wanted = 5};
    /* One of two own; of the others half of either infant's; three are missing to five. */
    mewl_p_value v = mewl_conformal_session(&c, 3);
    assert_true(fabs(v.p - (1 + 1 + 0.5 * 3) / 6) < 1e-12 && fabs(v.step - 1 / 6.0) < 1e-12);
    assert_true(v.calibration == MEWL_CALIBRATION_POOLED && v.population_infants == 2);
    /* As large counts among the others, too: the 4 of the first. */
    v = mewl_conformal_session(&c, 4);
    assert_true(fabs(v.p - (1 + 1 + 0.5 * 3) / 6) < 1e-12);
    c.wanted = 2;
    v = mewl_conformal_session(&c, 3);
    assert_true(v.p == 2 / 3.0 && v.calibration == MEWL_CALIBRATION_OWN);
    c.sessions = 0;
    v = mewl_conformal_session(&c, 5);
    assert_true(fabs(v.p - (1 + 0.25 * 2) / 3) < 1e-12 && v.calibration == MEWL_CALIBRATION_POPULATION);
    assert_string_equal(mewl_calibration_name(v.calibration), "population");
}

/* Scores of any distribution: p <= level happens at most as often as level says, whatever the number of sessions. */
static void test_levels_hold(void **state)
{
    (void)state;
    const uint64_t seed = 11;
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t sessions = 9; sessions <= 39; sessions += 15) {
        size_t low[2] = {0, 0};
        enum { ROUNDS = 4000 };
        for (size_t round = 0; round < ROUNDS; round++) {
            double score[80];
            size_t start[41] = {0};
            for (size_t k = 0; k < sessions; k++) {
                double session = exp(2 * mewl_rng_normal(&rng));
                for (size_t i = 0; i < 2; i++) {
                    score[2 * k + i] = session + mewl_rng_unit(&rng);
                }
                start[k + 1] = 2 * (k + 1);
            }
            mewl_conformal c = {.score = score, .start = start, .sessions = sessions};
            double session = exp(2 * mewl_rng_normal(&rng));
            double first = session + mewl_rng_unit(&rng);
            low[0] += mewl_conformal_recording(&c, first).p <= 0.1 ? 1 : 0;
            low[1] += mewl_conformal_session(&c, (first + session + mewl_rng_unit(&rng)) / 2).p <= 0.1 ? 1 : 0;
        }
        /* Four standard deviations above 0.1 of 4,000. */
        if (low[0] > 476 || low[1] > 476) {
            fail_msg("%zu sessions, seed %llu: %zu and %zu of 4000 at the level 0.1", sessions,
                     (unsigned long long)seed, low[0], low[1]);
        }
        assert_true(low[1] > 250); /* nor is it never */
    }
}

static void test_level(void **state)
{
    (void)state;
    assert_true(mewl_conformal_level(30, 4) == 1 / 120.0);
    assert_true(mewl_conformal_level(0.1, 4) == 1);
    assert_true(isnan(mewl_conformal_level(0, 4)) && isnan(mewl_conformal_level(30, NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_pooling_by_hand),
        cmocka_unit_test(test_levels_hold),
        cmocka_unit_test(test_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
