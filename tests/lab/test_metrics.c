/* Figures of scored clips: cases worked out by hand, and random ones from tools/golden_metrics.py. */
#include "golden.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/rng.h"
#include "lab/metrics.h"

static void test_hand_checked_areas(void **state)
{
    (void)state;
    /* Falling: + - + + -. Pairs won: 2 + 1 + 1 = 4 of 6. AP = (1/1 + 2/3 + 3/4) / 3. */
    const float scores[] = {0.9F, 0.8F, 0.7F, 0.6F, 0.1F};
    const bool positive[] = {true, false, true, true, false};
    mewl_ranking r;
    mewl_error err = {0};
    assert_int_equal(mewl_ranking_init(&r, scores, positive, 5, &err), MEWL_OK);
    assert_true(fabs(mewl_ranking_roc_auc(&r, NULL) - 4.0 / 6.0) < 1e-12);
    assert_true(fabs(mewl_ranking_average_precision(&r, NULL) - (1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0) < 1e-12);
    /* Leaving the false one at 0.8 out makes it perfect. */
    const double weights[] = {1, 0, 1, 1, 1};
    assert_true(mewl_ranking_roc_auc(&r, weights) == 1.0);
    assert_true(mewl_ranking_average_precision(&r, weights) == 1.0);
    mewl_ranking_fini(&r);

    const bool none[] = {false, false, false, false, false};
    assert_int_equal(mewl_ranking_init(&r, scores, none, 5, &err), MEWL_OK);
    assert_true(isnan(mewl_ranking_roc_auc(&r, NULL)));
    assert_true(isnan(mewl_ranking_average_precision(&r, NULL)));
    assert_true(isnan(mewl_ranking_recall_at_rate(&r, NULL, 1, 1, NULL, NULL)));
    mewl_ranking_fini(&r);
}

static void test_all_ties_are_chance(void **state)
{
    (void)state;
    const float scores[] = {0.5F, 0.5F, 0.5F, 0.5F};
    const bool positive[] = {true, false, false, false};
    mewl_ranking r;
    assert_int_equal(mewl_ranking_init(&r, scores, positive, 4, NULL), MEWL_OK);
    assert_true(mewl_ranking_roc_auc(&r, NULL) == 0.5);
    assert_true(mewl_ranking_average_precision(&r, NULL) == 0.25);
    mewl_ranking_fini(&r);
}

static void test_recall_at_rate_by_hand(void **state)
{
    (void)state;
    /* Negatives 0.9, 0.5, 0.2; positives 0.95, 0.6, 0.5, 0.1. */
    const float scores[] = {0.9F, 0.5F, 0.2F, 0.95F, 0.6F, 0.5F, 0.1F};
    const bool positive[] = {false, false, false, true, true, true, true};
    mewl_ranking r;
    assert_int_equal(mewl_ranking_init(&r, scores, positive, 7, NULL), MEWL_OK);
    float threshold = 0;
    double alarms = -1;
    /* Half an hour allows none: only 0.95 is above 0.9. */
    assert_true(mewl_ranking_recall_at_rate(&r, NULL, 0.5, 1, &threshold, &alarms) == 0.25);
    assert_true(threshold > 0.9F && threshold < 0.90001F && alarms == 0);
    /* An hour allows one: 0.95 and 0.6; the positive tied with the negative at 0.5 is left out. */
    assert_true(mewl_ranking_recall_at_rate(&r, NULL, 1, 1, &threshold, &alarms) == 0.5);
    assert_true(threshold > 0.5F && threshold < 0.50001F && alarms == 1);
    /* Two hours allow two: all but 0.1. */
    assert_true(mewl_ranking_recall_at_rate(&r, NULL, 2, 1, &threshold, &alarms) == 0.75);
    assert_true(alarms == 2);
    /* Three and more: everything. */
    assert_true(mewl_ranking_recall_at_rate(&r, NULL, 3, 1, &threshold, &alarms) == 1.0);
    assert_true(threshold == -INFINITY && alarms == 3);
    mewl_ranking_fini(&r);
}

static void test_curve_by_hand(void **state)
{
    (void)state;
    const float scores[] = {0.9F, 0.8F, 0.8F, 0.3F, 0.1F};
    const bool positive[] = {true, true, false, false, true};
    const mewl_curve_point wanted[] = {{0, 1 / 3.0, 1}, {0.5, 2 / 3.0, 2 / 3.0}, {1, 2 / 3.0, 0.5}, {1, 1, 0.6}};
    mewl_curve_point got[120];
    mewl_ranking r;
    assert_int_equal(mewl_ranking_init(&r, scores, positive, 5, NULL), MEWL_OK);
    assert_int_equal(mewl_ranking_curve(&r, got, 120), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(fabs(got[i].false_positive_rate - wanted[i].false_positive_rate) < 1e-12);
        assert_true(fabs(got[i].recall - wanted[i].recall) < 1e-12);
        assert_true(fabs(got[i].precision - wanted[i].precision) < 1e-12);
    }
    mewl_ranking_fini(&r);
    /* Many distinct scores: no more points than asked for, the first and the last among them, none out of order. */
    static float many[5000];
    static bool half[5000];
    mewl_rng rng = mewl_rng_seeded(9);
    for (size_t i = 0; i < 5000; i++) {
        half[i] = i % 3 == 0;
        many[i] = (float)(mewl_rng_normal(&rng) + half[i]);
    }
    assert_int_equal(mewl_ranking_init(&r, many, half, 5000, NULL), MEWL_OK);
    const size_t count = mewl_ranking_curve(&r, got, 120);
    assert_in_range(count, 60, 120);
    assert_true(got[count - 1].false_positive_rate == 1 && got[count - 1].recall == 1);
    double area = 0;
    for (size_t i = 1; i < count; i++) {
        assert_true(got[i].recall >= got[i - 1].recall);
        area += (got[i].false_positive_rate - got[i - 1].false_positive_rate) * (got[i].recall + got[i - 1].recall) / 2;
    }
    assert_true(fabs(area - mewl_ranking_roc_auc(&r, NULL)) < 2e-3);
    mewl_ranking_fini(&r);
    assert_int_equal(mewl_ranking_init(&r, scores, (const bool[]){true, true, true, true, true}, 5, NULL), MEWL_OK);
    assert_int_equal(mewl_ranking_curve(&r, got, 120), 0);
    mewl_ranking_fini(&r);
}

static void test_equal_error_rate_by_hand(void **state)
{
    (void)state;
    /* Falling: + - + -: the curve (0, 1/2) (1/2, 1/2) (1/2, 1) meets false positives = misses at (1/2, 1/2). */
    const float scores[] = {0.9F, 0.8F, 0.7F, 0.6F};
    const bool mixed[] = {true, false, true, false};
    const bool apart[] = {true, true, false, false};
    const bool wrong[] = {false, false, true, true};
    const bool none[] = {false, false, false, false};
    const bool *labels[] = {mixed, apart, wrong, none};
    const double expected[] = {0.5, 0, 1, NAN};
    for (size_t k = 0; k < 4; k++) {
        mewl_ranking r;
        float threshold = 0;
        assert_int_equal(mewl_ranking_init(&r, scores, labels[k], 4, NULL), MEWL_OK);
        double eer = mewl_ranking_eer(&r, NULL, &threshold);
        assert_true(isnan(expected[k]) ? isnan(eer) : eer == expected[k]);
        assert_true(k == 3 || threshold == 0.8F);
        mewl_ranking_fini(&r);
    }
}

static void test_bad_scores_are_refused(void **state)
{
    (void)state;
    const float scores[] = {0.1F, NAN};
    const bool positive[] = {false, true};
    mewl_ranking r;
    mewl_error err = {0};
    assert_int_equal(mewl_ranking_init(&r, scores, positive, 2, &err), MEWL_E_ARG);
    assert_non_null(strstr(err.text, "score 1"));
    assert_int_equal(mewl_ranking_init(&r, scores, positive, 0, &err), MEWL_E_EMPTY);
}

static void test_confusion_by_hand(void **state)
{
    (void)state;
    const float scores[] = {0.9F, 0.4F, 0.5F, 0.1F, 0.2F};
    const bool positive[] = {true, true, false, false, false};
    mewl_confusion c = mewl_confusion_count(scores, positive, 5, 0.5F); /* >= : the negative at 0.5 alarms */
    assert_int_equal(c.true_positive, 1);
    assert_int_equal(c.false_negative, 1);
    assert_int_equal(c.false_positive, 1);
    assert_int_equal(c.true_negative, 2);
    assert_true(fabs(mewl_confusion_accuracy(c) - 0.6) < 1e-12);
    assert_true(fabs(mewl_confusion_balanced_accuracy(c) - (0.5 + 2.0 / 3.0) / 2) < 1e-12);
    assert_true(mewl_confusion_recall(c) == 0.5);
    assert_true(mewl_confusion_precision(c) == 0.5);
    assert_true(mewl_confusion_f1(c) == 0.5);
    mewl_confusion empty = {0};
    assert_true(isnan(mewl_confusion_accuracy(empty)) && isnan(mewl_confusion_precision(empty)));
    assert_true(isnan(mewl_confusion_f1(empty)));
}

static void test_wilson_interval(void **state)
{
    (void)state;
    /* 39 of 40: 0.8712 to 0.9956 (Wilson's formula, by hand calculator). */
    double low = 0;
    double high = 0;
    mewl_share_interval(&low, &high, 39, 40);
    assert_true(fabs(low - 0.8712) < 5e-4 && fabs(high - 0.9956) < 5e-4);
    mewl_share_interval(&low, &high, 0, 0);
    assert_true(low == 0 && high == 1);
}

static void test_golden_rankings(void **state)
{
    (void)state;
    json_t *document = golden_read();
    json_t *cases = json_object_get(document, "rankings");
    assert_true(json_array_size(cases) == 3);
    for (size_t k = 0; k < json_array_size(cases); k++) {
        const json_t *c = json_array_get(cases, k);
        size_t count = 0;
        size_t weight_count = 0;
        double *values = golden_doubles(json_object_get(c, "scores"), &count);
        double *weights = golden_doubles(json_object_get(c, "weights"), &weight_count);
        assert_true(count == weight_count && count > 30);
        float *scores = calloc(count, sizeof *scores);
        bool *positive = calloc(count, sizeof *positive);
        for (size_t i = 0; i < count; i++) {
            scores[i] = (float)values[i];
            positive[i] = json_is_true(json_array_get(json_object_get(c, "positive"), i));
        }
        mewl_ranking r;
        assert_int_equal(mewl_ranking_init(&r, scores, positive, count, NULL), MEWL_OK);
        double hours = golden_number(c, "hours");
        assert_true(fabs(mewl_ranking_roc_auc(&r, NULL) - golden_number(c, "auc")) < 1e-9);
        assert_true(fabs(mewl_ranking_roc_auc(&r, weights) - golden_number(c, "auc_weighted")) < 1e-9);
        assert_true(fabs(mewl_ranking_average_precision(&r, NULL) - golden_number(c, "ap")) < 1e-9);
        assert_true(fabs(mewl_ranking_average_precision(&r, weights) - golden_number(c, "ap_weighted")) < 1e-9);
        assert_true(fabs(mewl_ranking_eer(&r, NULL, NULL) - golden_number(c, "eer")) < 1e-9);
        assert_true(fabs(mewl_ranking_eer(&r, weights, NULL) - golden_number(c, "eer_weighted")) < 1e-9);
        assert_true(fabs(mewl_ranking_recall_at_rate(&r, NULL, hours, 1, NULL, NULL) - golden_number(c, "recall_1")) <
                    1e-9);
        assert_true(fabs(mewl_ranking_recall_at_rate(&r, NULL, hours, 3, NULL, NULL) - golden_number(c, "recall_3")) <
                    1e-9);
        mewl_ranking_fini(&r);
        free(values);
        free(weights);
        free(scores);
        free(positive);
    }
    json_decref(document);
}

/* The same figures by scikit-learn itself (tools/golden_learn.py). */
static void test_sklearns_figures(void **state)
{
    (void)state;
    json_t *document = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_json_read(&document, MEWL_GOLDEN "/sklearn.json", 4 << 20, &err), MEWL_OK);
    json_t *cases = json_object_get(document, "metrics");
    assert_true(json_array_size(cases) == 2);
    for (size_t k = 0; k < json_array_size(cases); k++) {
        const json_t *c = json_array_get(cases, k);
        size_t count = 0;
        double *values = golden_doubles(json_object_get(c, "scores"), &count);
        float *scores = calloc(count, sizeof *scores);
        bool *positive = calloc(count, sizeof *positive);
        for (size_t i = 0; i < count; i++) {
            scores[i] = (float)values[i];
            positive[i] = json_is_true(json_array_get(json_object_get(c, "positive"), i));
        }
        mewl_ranking r;
        assert_int_equal(mewl_ranking_init(&r, scores, positive, count, NULL), MEWL_OK);
        float threshold = (float)golden_number(c, "threshold");
        double f1 = mewl_confusion_f1(mewl_confusion_count(scores, positive, count, threshold));
        const double ours[] = {mewl_ranking_roc_auc(&r, NULL), mewl_ranking_average_precision(&r, NULL),
                               mewl_ranking_eer(&r, NULL, NULL), f1};
        const char *const names[] = {"auc", "ap", "eer", "f1"};
        for (size_t i = 0; i < 4; i++) {
            double theirs = golden_number(c, names[i]);
            assert_true(fabs(ours[i] - theirs) <= 1e-6 * theirs);
        }
        mewl_ranking_fini(&r);
        free(values);
        free(scores);
        free(positive);
    }
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hand_checked_areas),       cmocka_unit_test(test_all_ties_are_chance),
        cmocka_unit_test(test_recall_at_rate_by_hand),   cmocka_unit_test(test_curve_by_hand),
        cmocka_unit_test(test_equal_error_rate_by_hand), cmocka_unit_test(test_bad_scores_are_refused),
        cmocka_unit_test(test_confusion_by_hand),        cmocka_unit_test(test_wilson_interval),
        cmocka_unit_test(test_golden_rankings),          cmocka_unit_test(test_sklearns_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
