/* The first gate, and what the timeline's coverage says: tables. */
#include "simulated.h"

static void test_what_is_usable(void **state)
{
    (void)state;
    static const struct {
        mewl_gate_figures figures;
        unsigned expected;
    } table[] = {
        {{0.9, 20, 0, 3}, 0},
        {{0.49, 20, 0, 3}, MEWL_GATE_NO_CRY},
        {{0.5, 3, 0.02, 0.5}, 0},
        {{0.9, 2.9, 0, 3}, MEWL_GATE_NOISY},
        {{0.9, 20, 0.021, 3}, MEWL_GATE_CLIPPED},
        {{0.9, 20, 0, 0.4}, MEWL_GATE_SHORT},
        {{0.1, -5, 0.5, 0.1}, MEWL_GATE_NO_CRY | MEWL_GATE_NOISY | MEWL_GATE_CLIPPED | MEWL_GATE_SHORT},
        {{NAN, NAN, NAN, NAN}, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(mewl_gate_judge(table[i].figures, (mewl_gate_opts){0}), table[i].expected);
    }
    mewl_gate_opts loose = {.min_cry = 0.05, .min_snr_db = -INFINITY, .max_clipped = 1, .min_seconds = 0.01};
    assert_int_equal(mewl_gate_judge((mewl_gate_figures){0.1, -50, 0.9, 0.1}, loose), 0);
}

static void test_scores_rank_by_usability(void **state)
{
    (void)state;
    mewl_gate_opts opts = {0};
    double good = mewl_gate_score((mewl_gate_figures){0.9, 20, 0, 3}, opts);
    assert_true(fabs(good - log(9)) < 1e-9);
    assert_true(mewl_gate_score((mewl_gate_figures){0.99, 20, 0, 3}, opts) > good);
    assert_true(fabs(mewl_gate_score((mewl_gate_figures){0.9, 1, 0, 3}, opts) - (good - 2)) < 1e-9);
    assert_true(fabs(mewl_gate_score((mewl_gate_figures){0.9, 20, 0.03, 3}, opts) - (good - 1)) < 1e-9);
    assert_true(fabs(mewl_gate_score((mewl_gate_figures){0.9, 20, 0, 0.4}, opts) - (good - 1)) < 1e-9);
    assert_true(mewl_gate_score((mewl_gate_figures){1, 20, 0, 3}, opts) == 12);
    assert_true(mewl_gate_score((mewl_gate_figures){0, 20, 0, 3}, opts) == -12);
}

static void test_words(void **state)
{
    (void)state;
    for (unsigned bit = 1; bit <= MEWL_GATE_NO_EMBEDDING; bit *= 2) {
        assert_true(strlen(mewl_gate_text(bit)) > 5);
    }
    assert_string_equal(mewl_gate_text(0), "");
    assert_string_equal(mewl_gate_text(1024), "");
    for (int kind = 0; kind < MEWL_ENTRY_KINDS; kind++) {
        assert_true(strlen(mewl_entry_name((mewl_entry_kind)kind)) > 3);
        assert_true(strlen(mewl_entry_text((mewl_entry_kind)kind)) > 5);
    }
    assert_null(mewl_entry_name(MEWL_ENTRY_KINDS));
    assert_null(mewl_entry_text(MEWL_ENTRY_KINDS));
}

static void test_coverage_by_hand(void **state)
{
    (void)state;
    mewl_coverage c = {0};
    assert_true(isnan(mewl_coverage_share(&c, 0, 10)));
    assert_true(mewl_coverage_add(&c, 10, 20) && mewl_coverage_add(&c, 30, 40) && mewl_coverage_add(&c, 0, 5));
    assert_true(c.count == 3);
    assert_true(fabs(mewl_coverage_share(&c, 0, 40) - 25 / 40.0) < 1e-12);
    assert_true(mewl_coverage_share(&c, 12, 18) == 1 && mewl_coverage_share(&c, 20, 30) == 0);
    assert_true(isnan(mewl_coverage_share(&c, 5, 5)));
    assert_true(mewl_coverage_add(&c, 18, 30) && c.count == 2); /* touches both neighbours */
    assert_true(mewl_coverage_share(&c, 10, 40) == 1);
    assert_true(mewl_coverage_add(&c, 3, 3) && mewl_coverage_add(&c, 9, 2) && mewl_coverage_add(&c, NAN, 2));
    assert_true(c.count == 2);
    mewl_coverage_fini(&c);
}

/* Against marks in an array, from a seed; more spans than are kept, too. */
static void test_coverage_against_marks(void **state)
{
    (void)state;
    enum { SECONDS = 2000 };
    static bool mark[SECONDS];
    memset(mark, 0, sizeof mark);
    mewl_rng rng = mewl_rng_seeded(77);
    mewl_coverage c = {0};
    for (size_t round = 0; round < 300; round++) {
        size_t from = mewl_rng_below(&rng, SECONDS - 20);
        size_t to = from + mewl_rng_below(&rng, 20);
        assert_true(mewl_coverage_add(&c, (double)from, (double)to));
        memset(mark + from, 1, to - from);
        size_t a = mewl_rng_below(&rng, SECONDS - 1);
        size_t b = a + 1 + mewl_rng_below(&rng, SECONDS - a - 1);
        size_t marked = 0;
        for (size_t i = a; i < b; i++) {
            marked += mark[i] ? 1 : 0;
        }
        double share = mewl_coverage_share(&c, (double)a, (double)b);
        if (c.count > 0 && fabs(share - (double)marked / (double)(b - a)) > 1e-9) {
            fail_msg("round %zu of seed 77: %g, not %zu of %zu", round, share, marked, b - a);
        }
    }
    for (size_t i = 0; i < MEWL_COVERAGE_SPANS_MAX + 10; i++) {
        assert_true(mewl_coverage_add(&c, 10000 + 2 * (double)i, 10001 + 2 * (double)i));
    }
    assert_true(c.count == MEWL_COVERAGE_SPANS_MAX);
    assert_true(mewl_coverage_share(&c, 0, SECONDS) == 0); /* forgotten */
    mewl_coverage_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_usable),
        cmocka_unit_test(test_scores_rank_by_usability),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_coverage_by_hand),
        cmocka_unit_test(test_coverage_against_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
