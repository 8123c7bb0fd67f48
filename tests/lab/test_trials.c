/* Tables of scored clips: recall at a rate by hand, paired differences, rows by label. */
#include "golden.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "lab/trials.h"

static void add(mewl_trials *t, const char *group, const char *label, bool positive, double snr_db, float a, float b)
{
    mewl_trial trial = {.logit = {a, b}, .seconds = 10, .snr_db = snr_db, .positive = positive};
    assert_int_equal(mewl_trials_name(t, &trial.group, group, NULL), MEWL_OK);
    assert_int_equal(mewl_trials_name(t, &trial.label, label, NULL), MEWL_OK);
    assert_int_equal(mewl_trials_add(t, &trial, NULL), MEWL_OK);
}

static double number_at(const json_t *object, const char *first, const char *second)
{
    const json_t *value = json_object_get(object, first);
    value = second == NULL ? value : json_object_get(value, second);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* Two hours of negatives (720 clips of 10 s) from 60 recordings; cries at two SNRs from 30 sources. System 0 tells them
 * apart at 20 dB and half at 0 dB; system 1 guesses. */
static mewl_trials two_systems(void)
{
    mewl_trials t = {.systems = {"mewl", "noise"}, .system_count = 2};
    mewl_rng rng = mewl_rng_seeded(4);
    char group[16];
    for (size_t i = 0; i < 720; i++) {
        (void)snprintf(group, sizeof group, "n%zu", i % 60);
        add(&t, group, i % 2 == 0 ? "rain" : "dog", false, NAN, (float)mewl_rng_normal(&rng) * 0.5F,
            (float)mewl_rng_normal(&rng));
    }
    for (size_t i = 0; i < 300; i++) {
        (void)snprintf(group, sizeof group, "c%zu", i % 30);
        double snr = i < 150 ? 0 : 20;
        float good = snr > 0 || i % 2 == 0 ? 5.0F : -1.0F;
        add(&t, group, "cry", true, snr, good, (float)mewl_rng_normal(&rng));
    }
    return t;
}

static void test_recall_and_differences(void **state)
{
    (void)state;
    mewl_trials t = two_systems();
    json_t *out = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_trials_recall(&out, &t, (mewl_trial_opts){.rounds = 200, .seed = 1}, &err), MEWL_OK);
    assert_true(fabs(number_at(out, "negative_hours", NULL) - 2) < 1e-9);
    assert_true(number_at(out, "positives", NULL) == 300 && number_at(out, "positive_groups", NULL) == 30);
    assert_true(number_at(out, "negatives", NULL) == 720 && number_at(out, "negative_groups", NULL) == 60);
    const json_t *systems = json_object_get(out, "systems");
    const json_t *good = json_array_get(systems, 0);
    const json_t *noise = json_array_get(systems, 1);
    assert_true(number_at(good, "recall", "value") == 0.75);
    assert_true(number_at(json_array_get(json_object_get(good, "by_snr"), 0), "recall", "value") == 0.5);
    assert_true(number_at(json_array_get(json_object_get(good, "by_snr"), 1), "recall", "value") == 1.0);
    assert_true(number_at(json_array_get(json_object_get(good, "by_snr"), 1), "snr_db", NULL) == 20);
    double other = number_at(noise, "recall", "value");
    assert_true(other < 0.1);
    assert_true(fabs(number_at(noise, "difference", "value") - (0.75 - other)) < 1e-9);
    assert_true(number_at(noise, "difference", "low") > 0.5);
    assert_true(number_at(noise, "difference", "high") <= 1.0);
    assert_null(json_object_get(good, "difference"));
    double auc = number_at(noise, "roc_auc", "value");
    assert_true(number_at(noise, "roc_auc", "low") < auc && auc < number_at(noise, "roc_auc", "high"));
    assert_true(auc > 0.4 && auc < 0.6);
    json_decref(out);

    /* The threshold lets two of the two hours' negatives through, not three. */
    float threshold = mewl_trials_threshold(&t, 0, 1);
    size_t alarms = 0;
    for (size_t i = 0; i < t.count; i++) {
        alarms += !t.items[i].positive && t.items[i].logit[0] >= threshold;
    }
    assert_int_equal(alarms, 2);
    mewl_trials_fini(&t);
}

static void test_rows_by_label(void **state)
{
    (void)state;
    mewl_trials t = two_systems();
    const float thresholds[] = {2.0F, -100.0F};
    json_t *rows = NULL;
    assert_int_equal(mewl_trials_labels(&rows, &t, thresholds, (mewl_trial_opts){.rounds = 50}, NULL), MEWL_OK);
    assert_int_equal(json_array_size(rows), 3);
    const json_t *rain = json_array_get(rows, 0);
    const json_t *cry = json_array_get(rows, 2);
    assert_string_equal(json_string_value(json_object_get(rain, "label")), "rain");
    assert_true(number_at(rain, "clips", NULL) == 360 && fabs(number_at(rain, "minutes", NULL) - 60) < 1e-9);
    const json_t *second = json_array_get(json_object_get(rain, "systems"), 1);
    assert_true(number_at(second, "called", NULL) == 360); /* every clip, so one every 10 s */
    assert_true(fabs(number_at(second, "per_hour", "value") - 360) < 1e-9);
    assert_true(number_at(second, "share", "value") == 1.0);
    assert_true(json_is_true(json_object_get(cry, "positive")));
    const json_t *first = json_array_get(json_object_get(cry, "systems"), 0);
    assert_true(number_at(first, "share", "value") == 0.75);
    assert_true(json_is_null(json_object_get(first, "per_hour")));
    json_decref(rows);

    assert_int_equal(mewl_trials_confusions(&rows, &t, thresholds, (mewl_trial_opts){.rounds = 50}, NULL), MEWL_OK);
    const json_t *one = json_array_get(rows, 0);
    assert_true(number_at(one, "true_positive", NULL) == 225 && number_at(one, "false_negative", NULL) == 75);
    assert_true(number_at(one, "recall", "value") == 0.75);
    json_decref(rows);
    mewl_trials_fini(&t);
}

static void test_bad_tables_are_refused(void **state)
{
    (void)state;
    mewl_trials t = {.systems = {"mewl"}, .system_count = 1};
    mewl_error err = {0};
    mewl_trial bad = {.logit = {NAN}, .seconds = 1};
    assert_int_equal(mewl_trials_add(&t, &bad, &err), MEWL_E_ARG);
    bad = (mewl_trial){.logit = {0}, .seconds = 0};
    assert_int_equal(mewl_trials_add(&t, &bad, &err), MEWL_E_ARG);
    add(&t, "a", "rain", false, NAN, 0, 0);
    json_t *out = NULL;
    assert_int_equal(mewl_trials_recall(&out, &t, (mewl_trial_opts){0}, &err), MEWL_E_EMPTY);
    assert_null(out);
    mewl_trials_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recall_and_differences),
        cmocka_unit_test(test_rows_by_label),
        cmocka_unit_test(test_bad_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
