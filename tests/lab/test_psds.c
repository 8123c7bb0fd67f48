/* PSDS: one case worked out by hand, and random ones from tools/golden_metrics.py. */
#include "golden.h"

#include <math.h>
#include <string.h>

#include "lab/psds.h"

static void test_by_hand(void **state)
{
    (void)state;
    /* One clip of half an hour, two cries of 10 s. First point: one cry found well, one detection in the void: true
     * positive ratio 0.5 at 2 false alarms an hour. Second: both found, four in the void: 1.0 at 8. */
    const mewl_span truth[] = {{0, 0, 100, 110}, {0, 0, 200, 210}};
    const double seconds[] = {1800};
    const mewl_span first[] = {{0, 0, 101, 110}, {0, 0, 500, 501}};
    const mewl_span second[] = {{0, 0, 101, 110}, {0, 0, 198, 211}, {0, 0, 300, 301},
                                {0, 0, 400, 401}, {0, 0, 500, 501}, {0, 0, 600, 601}};
    mewl_psds *p = NULL;
    assert_int_equal(mewl_psds_new(&p, truth, 2, seconds, 1, MEWL_PSDS_1(1), NULL), MEWL_OK);
    assert_true(mewl_psds_score(p, NULL) == 0); /* no operating point yet */
    assert_int_equal(mewl_psds_add(p, second, 6, NULL), MEWL_OK);
    assert_int_equal(mewl_psds_add(p, first, 2, NULL), MEWL_OK);
    mewl_psds_point point;
    assert_int_equal(mewl_psds_point_at(&point, p, 1, 0, NULL), MEWL_OK);
    assert_true(point.true_positive_ratio == 0.5 && point.false_positives_per_hour == 2);
    /* 0 to 2: 0; 2 to 8: 0.5; 8 to 100: 1. */
    assert_true(fabs(mewl_psds_score(p, NULL) - (6 * 0.5 + 92 * 1.0) / 100) < 1e-12);
    const double twice[] = {2};
    assert_true(fabs(mewl_psds_score(p, twice) - 0.95) < 1e-12);
    mewl_psds_free(p);
}

static void test_tolerances(void **state)
{
    (void)state;
    const mewl_span truth[] = {{0, 0, 10, 20}, {0, 1, 30, 40}};
    const double seconds[] = {3600};
    mewl_psds *p = NULL;
    mewl_psds_opts opts = MEWL_PSDS_2(2);
    opts.dtc = opts.gtc = 0.5;
    assert_int_equal(mewl_psds_new(&p, truth, 2, seconds, 1, opts, NULL), MEWL_OK);
    const mewl_span too_long[] = {{0, 0, 10, 31}};       /* 10 of 21 s inside: fails; 1 of 21 s in the other class */
    const mewl_span too_short[] = {{0, 0, 12, 15}};      /* precise, covers 3 of 10: neither true nor false */
    const mewl_span pieces[] = {{0, 0, 10, 13}, {0, 0, 14, 17}}; /* together they cover 6 of 10 */
    const mewl_span cross[] = {{0, 0, 32, 36}};          /* all of it in the other class */
    const mewl_span nothing[1] = {{0, 0, 0, 1}};
    assert_int_equal(mewl_psds_add(p, too_long, 1, NULL), MEWL_OK);
    assert_int_equal(mewl_psds_add(p, too_short, 1, NULL), MEWL_OK);
    assert_int_equal(mewl_psds_add(p, pieces, 2, NULL), MEWL_OK);
    assert_int_equal(mewl_psds_add(p, cross, 1, NULL), MEWL_OK);
    assert_int_equal(mewl_psds_add(p, nothing, 0, NULL), MEWL_OK);
    const double ratio[] = {0, 0, 1, 0, 0};
    const double rate[] = {1, 0, 0, 1, 0};
    /* A cross-trigger counts alpha_ct = 0.5 over the other class's 10 s = 1/360 h. */
    const double effective[] = {1, 0, 0, 1 + 0.5 * 360, 0};
    for (size_t i = 0; i < 5; i++) {
        mewl_psds_point point;
        assert_int_equal(mewl_psds_point_at(&point, p, i, 0, NULL), MEWL_OK);
        assert_true(point.true_positive_ratio == ratio[i]);
        assert_true(fabs(point.false_positives_per_hour - rate[i]) < 1e-9);
        assert_true(fabs(point.effective_per_hour - effective[i]) < 1e-9);
    }
    mewl_psds_free(p);
}

static void test_bad_input_is_refused(void **state)
{
    (void)state;
    const double seconds[] = {60};
    const mewl_span overlapping[] = {{0, 0, 1, 3}, {0, 0, 2, 4}};
    const mewl_span good[] = {{0, 0, 1, 3}};
    mewl_psds *p = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_psds_new(&p, overlapping, 2, seconds, 1, MEWL_PSDS_1(1), &err), MEWL_E_ARG);
    assert_null(p);
    assert_non_null(strstr(err.text, "overlap"));
    mewl_psds_opts opts = MEWL_PSDS_1(1);
    opts.dtc = 1.5;
    assert_int_equal(mewl_psds_new(&p, good, 1, seconds, 1, opts, &err), MEWL_E_ARG);
    const double zero[] = {0};
    assert_int_equal(mewl_psds_new(&p, good, 1, zero, 1, MEWL_PSDS_1(1), &err), MEWL_E_ARG);
    assert_int_equal(mewl_psds_new(&p, good, 1, seconds, 1, MEWL_PSDS_1(1), &err), MEWL_OK);
    assert_int_equal(mewl_psds_add(p, overlapping, 2, &err), MEWL_E_ARG);
    mewl_psds_point point;
    assert_int_equal(mewl_psds_point_at(&point, p, 0, 0, &err), MEWL_E_ARG);
    mewl_psds_free(p);
    mewl_psds_free(NULL);
}

static void test_golden_psds(void **state)
{
    (void)state;
    json_t *document = golden_read();
    json_t *cases = json_object_get(document, "psds");
    assert_true(json_array_size(cases) == 3);
    for (size_t k = 0; k < json_array_size(cases); k++) {
        const json_t *c = json_array_get(cases, k);
        size_t clips = 0;
        size_t truths = 0;
        double *seconds = golden_doubles(json_object_get(c, "seconds"), &clips);
        mewl_span *truth = golden_spans(json_object_get(c, "truth"), &truths);
        const json_t *scores = json_object_get(c, "scores");
        assert_true(json_array_size(scores) == 3);
        for (size_t s = 0; s < json_array_size(scores); s++) {
            const json_t *want = json_array_get(scores, s);
            mewl_psds_opts opts = {
                .dtc = golden_number(want, "dtc"),           .gtc = golden_number(want, "gtc"),
                .cttc = golden_number(want, "cttc"),         .alpha_ct = golden_number(want, "alpha_ct"),
                .alpha_st = golden_number(want, "alpha_st"), .max_efpr_per_hour = golden_number(want, "max_efpr"),
                .classes = (size_t)golden_number(c, "classes"), .scored = (size_t)golden_number(c, "scored"),
            };
            mewl_psds *p = NULL;
            assert_int_equal(mewl_psds_new(&p, truth, truths, seconds, clips, opts, NULL), MEWL_OK);
            const json_t *points = json_object_get(c, "points");
            for (size_t i = 0; i < json_array_size(points); i++) {
                size_t count = 0;
                mewl_span *det = golden_spans(json_array_get(points, i), &count);
                assert_int_equal(mewl_psds_add(p, det, count, NULL), MEWL_OK);
                free(det);
            }
            assert_true(fabs(mewl_psds_score(p, NULL) - golden_number(want, "psds")) < 1e-9);
            mewl_psds_free(p);
        }
        free(seconds);
        free(truth);
    }
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_tolerances),
        cmocka_unit_test(test_bad_input_is_refused),
        cmocka_unit_test(test_golden_psds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
