/* Recall at a rate of false alarms, by hand: where the threshold lies, what each SNR gets, what is refused. Intervals
 * and differences on larger tables: test_trials.c. */
#include "golden.h"

#include <math.h>

#include "lab/trials.h"

static void add(mewl_trials *t, bool positive, double snr_db, double seconds, float logit)
{
    char group[16];
    (void)snprintf(group, sizeof group, "g%zu", t->count);
    mewl_trial trial = {.logit = {logit}, .seconds = seconds, .snr_db = snr_db, .positive = positive};
    assert_int_equal(mewl_trials_name(t, &trial.group, group, NULL), MEWL_OK);
    assert_int_equal(mewl_trials_name(t, &trial.label, positive ? "cry" : "rain", NULL), MEWL_OK);
    assert_int_equal(mewl_trials_add(t, &trial, NULL), MEWL_OK);
}

/* Half an hour each of four negatives: 2, 1, 0, -1. Cries at 10 and -5 dB, given in no order. */
static mewl_trials small_table(void)
{
    mewl_trials t = {.systems = {"mewl"}, .system_count = 1};
    for (int i = 0; i < 4; i++) {
        add(&t, false, NAN, 1800, 2.0F - (float)i);
    }
    const float high[] = {3, 1.5F, 2.5F, 0.5F};
    const float low[] = {0.5F, -2, 1.5F, 2.5F};
    for (int i = 0; i < 4; i++) {
        add(&t, true, 10, 1, high[i]);
        add(&t, true, -5, 1, low[i]);
    }
    return t;
}

static double value(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(json_object_get(row, key), "value"));
}

static void test_by_hand(void **state)
{
    (void)state;
    static const struct {
        double per_hour;       /* over two hours */
        float above, upto;     /* the threshold lies in (above, upto] */
        double all, low, high; /* recall; of -5 dB, of 10 dB */
    } rows[] = {
        {0.4, 2, 2.5F, 3.0 / 8, 0.25, 0.5},   /* less than one false alarm: above every negative */
        {0.5, 1, 1.5F, 5.0 / 8, 0.5, 0.75},   /* one */
        {1, 0, 0.5F, 7.0 / 8, 0.75, 1},       /* two */
        {0, 0, 0.5F, 7.0 / 8, 0.75, 1},       /* 0 stands for 1 an hour */
        {2, -INFINITY, -1.5F, 8.0 / 8, 1, 1}, /* all four */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_trials t = small_table();
        json_t *out = NULL;
        mewl_error err = {0};
        mewl_trial_opts opts = {.per_hour = rows[i].per_hour, .rounds = 20, .seed = 1};
        assert_int_equal(mewl_trials_recall(&out, &t, opts, &err), MEWL_OK);
        const json_t *system = json_array_get(json_object_get(out, "systems"), 0);
        const json_t *by_snr = json_object_get(system, "by_snr");
        const json_t *low = json_array_get(by_snr, 0), *high = json_array_get(by_snr, 1);
        assert_int_equal(json_array_size(by_snr), 2);
        assert_true(json_number_value(json_object_get(low, "snr_db")) == -5);
        assert_int_equal(json_integer_value(json_object_get(high, "clips")), 4);
        if (value(system, "recall") != rows[i].all || value(low, "recall") != rows[i].low ||
            value(high, "recall") != rows[i].high) {
            fail_msg("row %zu: recall %g, %g at -5 dB, %g at 10 dB", i, value(system, "recall"), value(low, "recall"),
                     value(high, "recall"));
        }
        const float threshold = mewl_trials_threshold(&t, 0, rows[i].per_hour > 0 ? rows[i].per_hour : 1);
        if ((rows[i].above > -INFINITY && !(threshold > rows[i].above)) || threshold > rows[i].upto) {
            fail_msg("row %zu: threshold %g", i, (double)threshold);
        }
        assert_true(value(system, "roc_auc") == 22.0 / 32); /* pairs in order, counted by hand */
        assert_true(fabs(json_number_value(json_object_get(out, "negative_hours")) - 2) < 1e-12);
        json_decref(out);
        mewl_trials_fini(&t);
    }
}

static void test_refused(void **state)
{
    (void)state;
    mewl_trials t = {.systems = {"mewl"}, .system_count = 1};
    json_t *out = NULL;
    mewl_error err = {0};
    assert_true(mewl_trials_threshold(&t, 0, 1) == -INFINITY); /* nothing to be quiet about */
    add(&t, false, NAN, 10, 0);
    assert_int_equal(mewl_trials_recall(&out, &t, (mewl_trial_opts){.rounds = 2}, &err), MEWL_E_EMPTY);
    for (int snr = 0; snr < 33; snr++) {
        add(&t, true, snr, 1, 1);
        mewl_status want = snr < 32 ? MEWL_OK : MEWL_E_ARG; /* more kinds than a table tells apart */
        if (snr >= 31) {
            assert_int_equal(mewl_trials_recall(&out, &t, (mewl_trial_opts){.rounds = 2}, &err), want);
            json_decref(out);
        }
    }
    assert_null(out);
    mewl_trials_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
