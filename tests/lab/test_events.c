/* Event matching and event-based F1: sed_eval's conditions by hand, and random clips from tools/golden_metrics.py. */
#include "golden.h"

#include <math.h>
#include <string.h>

static mewl_event_counts match_one(mewl_span ref, mewl_span est)
{
    mewl_event_counts counts = {0};
    mewl_error err = {0};
    assert_int_equal(mewl_event_match(&counts, 1, &ref, 1, &est, 1, MEWL_COLLARS_DEFAULT, &err), MEWL_OK);
    return counts;
}

static void test_collars(void **state)
{
    (void)state;
    mewl_span ref = {0, 0, 10.0, 10.5};
    assert_int_equal(match_one(ref, (mewl_span){0, 0, 10.125, 10.625}).matched, 1);
    assert_int_equal(match_one(ref, (mewl_span){0, 0, 10.21, 10.5}).matched, 0); /* onset */
    assert_int_equal(match_one(ref, (mewl_span){0, 0, 9.79, 10.5}).matched, 0);
    assert_int_equal(match_one(ref, (mewl_span){0, 0, 10.0, 10.69}).matched, 1); /* offset within 0.2 */
    assert_int_equal(match_one(ref, (mewl_span){0, 0, 10.0, 10.71}).matched, 0);
    mewl_span lasting = {0, 0, 10.0, 15.0}; /* 20 % of 5 s is 1 s */
    assert_int_equal(match_one(lasting, (mewl_span){0, 0, 10.0, 15.99}).matched, 1);
    assert_int_equal(match_one(lasting, (mewl_span){0, 0, 10.0, 16.01}).matched, 0);
    assert_int_equal(match_one(ref, (mewl_span){0, 1, 10.0, 10.5}).matched, 0); /* another class */
}

static void test_matching_is_largest(void **state)
{
    (void)state;
    /* The estimate at 0.10 fits both references, the one at -0.05 only the first: greedy in order of time could give
     * the first reference away. */
    const mewl_span ref[] = {{0, 0, 1.0, 2.0}, {0, 0, 1.25, 2.25}};
    const mewl_span est[] = {{0, 0, 1.10, 2.1}, {0, 0, 0.95, 1.95}};
    mewl_event_counts counts = {0};
    assert_int_equal(mewl_event_match(&counts, 1, ref, 2, est, 2, MEWL_COLLARS_DEFAULT, NULL), MEWL_OK);
    assert_int_equal(counts.matched, 2);
    mewl_event_score s = mewl_event_score_sum(&counts, NULL, 1);
    assert_true(s.f1 == 1.0 && s.precision == 1.0 && s.recall == 1.0);
}

static void test_longest_augmenting_chain(void **state)
{
    (void)state;
    /* Reference i fits estimates i and i - 1; estimates given so that each new one pushes all others along. */
    enum { N = 200 };
    mewl_span ref[N];
    mewl_span est[N];
    for (size_t i = 0; i < N; i++) {
        ref[i] = (mewl_span){0, 0, 10.0 + 0.3 * (double)i, 500};
        est[i] = (mewl_span){0, 0, 10.0 + 0.3 * (double)i - 0.15, 500};
    }
    mewl_event_counts counts = {0};
    assert_int_equal(mewl_event_match(&counts, 1, ref, N, est, N, MEWL_COLLARS_DEFAULT, NULL), MEWL_OK);
    assert_int_equal(counts.matched, N);
}

static void test_scores_of_nothing(void **state)
{
    (void)state;
    mewl_event_counts counts[2] = {{0}};
    assert_true(isnan(mewl_event_score_sum(counts, NULL, 2).f1));
    counts[0] = (mewl_event_counts){.reference = 3, .estimated = 0, .matched = 0};
    assert_true(mewl_event_score_sum(counts, NULL, 2).f1 == 0);
    counts[1] = (mewl_event_counts){.reference = 1, .estimated = 2, .matched = 1};
    const double weights[] = {0, 2};
    mewl_event_score s = mewl_event_score_sum(counts, weights, 2);
    assert_true(s.reference == 2 && s.estimated == 4 && fabs(s.f1 - 2.0 / 3.0) < 1e-12);
}

static void test_bad_events_are_refused(void **state)
{
    (void)state;
    mewl_event_counts counts = {0};
    mewl_error err = {0};
    mewl_span good = {0, 0, 1, 2};
    mewl_span bad[] = {{1, 0, 1, 2}, {0, 0, 2, 2}, {0, 0, NAN, 2}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mewl_event_match(&counts, 1, &good, 1, &bad[i], 1, MEWL_COLLARS_DEFAULT, &err), MEWL_E_ARG);
        assert_non_null(strstr(err.text, "estimated event 0"));
    }
}

static void test_golden_events(void **state)
{
    (void)state;
    json_t *document = golden_read();
    json_t *cases = json_object_get(document, "events");
    assert_true(json_array_size(cases) == 2);
    for (size_t k = 0; k < json_array_size(cases); k++) {
        const json_t *c = json_array_get(cases, k);
        size_t refs = 0;
        size_t ests = 0;
        size_t clips = (size_t)golden_number(c, "clips");
        mewl_span *ref = golden_spans(json_object_get(c, "reference"), &refs);
        mewl_span *est = golden_spans(json_object_get(c, "estimated"), &ests);
        mewl_event_counts *counts = calloc(clips, sizeof *counts);
        assert_int_equal(mewl_event_match(counts, clips, ref, refs, est, ests, MEWL_COLLARS_DEFAULT, NULL), MEWL_OK);
        for (size_t i = 0; i < clips; i++) {
            const json_t *want = json_array_get(json_object_get(c, "counts"), i);
            assert_int_equal(counts[i].reference, json_integer_value(json_array_get(want, 0)));
            assert_int_equal(counts[i].estimated, json_integer_value(json_array_get(want, 1)));
            assert_int_equal(counts[i].matched, json_integer_value(json_array_get(want, 2)));
        }
        free(ref);
        free(est);
        free(counts);
    }
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collars),          cmocka_unit_test(test_matching_is_largest),
        cmocka_unit_test(test_longest_augmenting_chain), cmocka_unit_test(test_scores_of_nothing),
        cmocka_unit_test(test_bad_events_are_refused),   cmocka_unit_test(test_golden_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
