/* Resampling: that groups stay whole, that intervals are as wide as theory says, that p values are exact where they can
 * be. */
#include "golden.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "lab/bootstrap.h"

enum { ITEMS = 400 };

typedef struct sample {
    double value[ITEMS];
    size_t group[ITEMS];
    size_t stratum[ITEMS];
    size_t whole; /* draws in which every group had one weight */
    size_t exact; /* draws in which each stratum kept its number of groups */
} sample;

static void mean_of(double *values, const double *weights, void *user)
{
    sample *s = user;
    double sum = 0;
    double total = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        sum += weights[i] * s->value[i];
        total += weights[i];
    }
    values[0] = total > 0 ? sum / total : NAN;
    values[1] = NAN;
}

static void watch_weights(double *values, const double *weights, void *user)
{
    sample *s = user;
    bool whole = true;
    double drawn[2] = {0, 0};
    for (size_t i = 0; i < ITEMS; i++) {
        size_t first = i / 4 * 4;
        whole = whole && weights[i] == weights[first];
        drawn[s->stratum[i]] += weights[i] / 4;
    }
    s->whole += whole;
    s->exact += drawn[0] == 30 && drawn[1] == 70;
    values[0] = 0;
}

static sample make(void)
{
    sample s = {0};
    mewl_rng rng = mewl_rng_seeded(7);
    for (size_t i = 0; i < ITEMS; i++) {
        s.value[i] = mewl_rng_normal(&rng);
        s.group[i] = i;
    }
    return s;
}

static void test_interval_has_the_width_of_theory(void **state)
{
    (void)state;
    sample s = make();
    double mean = 0;
    double squares = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        mean += s.value[i] / ITEMS;
        squares += s.value[i] * s.value[i] / ITEMS;
    }
    double half = 1.96 * sqrt((squares - mean * mean) / ITEMS);
    mewl_interval out[2];
    mewl_bootstrap_opts opts = {.rounds = 4000, .seed = 3};
    assert_int_equal(mewl_bootstrap(out, 2, s.group, NULL, ITEMS, mean_of, &s, opts, NULL), MEWL_OK);
    assert_true(fabs(out[0].value - mean) < 1e-12);
    assert_true(fabs((out[0].high - out[0].low) / (2 * half) - 1) < 0.06);
    assert_int_equal(out[0].rounds, 4000);
    assert_int_equal(out[1].rounds, 0); /* never defined */
    assert_true(isnan(out[1].low) && isnan(out[1].value));

    /* Four copies of a hundred values in groups say no more than the hundred: twice as wide as if single. */
    for (size_t i = 0; i < ITEMS; i++) {
        s.value[i] = s.value[i / 4 * 4];
        s.group[i] = i / 4;
    }
    mewl_interval grouped[2];
    assert_int_equal(mewl_bootstrap(grouped, 2, s.group, NULL, ITEMS, mean_of, &s, opts, NULL), MEWL_OK);
    for (size_t i = 0; i < ITEMS; i++) {
        s.group[i] = i;
    }
    mewl_interval single[2];
    assert_int_equal(mewl_bootstrap(single, 2, s.group, NULL, ITEMS, mean_of, &s, opts, NULL), MEWL_OK);
    double ratio = (grouped[0].high - grouped[0].low) / (single[0].high - single[0].low);
    assert_true(fabs(ratio - 2) < 0.15);
}

static void test_groups_and_strata_stay_whole(void **state)
{
    (void)state;
    sample s = {0};
    for (size_t i = 0; i < ITEMS; i++) {
        s.group[i] = i / 4;
        s.stratum[i] = i < 120 ? 0 : 1; /* 30 and 70 groups */
    }
    mewl_interval out;
    assert_int_equal(mewl_bootstrap(&out, 1, s.group, s.stratum, ITEMS, watch_weights, &s,
                                    (mewl_bootstrap_opts){.rounds = 50, .seed = 1}, NULL),
                     MEWL_OK);
    assert_int_equal(s.whole, 51); /* the plain pass included */
    assert_int_equal(s.exact, 51);
}

static void test_same_seed_same_interval(void **state)
{
    (void)state;
    sample s = make();
    mewl_interval a[2];
    mewl_interval b[2];
    mewl_interval c[2];
    mewl_bootstrap_opts opts = {.rounds = 200, .seed = 5};
    assert_int_equal(mewl_bootstrap(a, 2, s.group, NULL, ITEMS, mean_of, &s, opts, NULL), MEWL_OK);
    assert_int_equal(mewl_bootstrap(b, 2, s.group, NULL, ITEMS, mean_of, &s, opts, NULL), MEWL_OK);
    opts.seed = 6;
    assert_int_equal(mewl_bootstrap(c, 2, s.group, NULL, ITEMS, mean_of, &s, opts, NULL), MEWL_OK);
    assert_true(a[0].low == b[0].low && a[0].high == b[0].high);
    assert_true(a[0].low != c[0].low);
}

static void test_golden_percentile(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *c = json_object_get(document, "percentile");
    size_t count = 0;
    size_t wanted = 0;
    double *values = golden_doubles(json_object_get(c, "values"), &count);
    double *q = golden_doubles(json_object_get(c, "q"), &wanted);
    assert_true(wanted == 5 && count == 37);
    for (size_t i = 0; i < wanted; i++) {
        double want = json_number_value(json_array_get(json_object_get(c, "expected"), i));
        assert_true(fabs(mewl_percentile(values, count, q[i]) - want) < 1e-12);
    }
    assert_true(isnan(mewl_percentile(values, 0, 0.5)));
    free(values);
    free(q);
    json_decref(document);
}

static void test_bad_options_are_refused(void **state)
{
    (void)state;
    sample s = make();
    mewl_interval out[2];
    mewl_error err = {0};
    assert_int_equal(mewl_bootstrap(out, 2, s.group, NULL, 0, mean_of, &s, (mewl_bootstrap_opts){0}, &err),
                     MEWL_E_EMPTY);
    assert_int_equal(
        mewl_bootstrap(out, 2, s.group, NULL, ITEMS, mean_of, &s, (mewl_bootstrap_opts){.level = 1.5}, &err),
        MEWL_E_ARG);
    assert_int_equal(mewl_bootstrap(out, 0, s.group, NULL, ITEMS, mean_of, &s, (mewl_bootstrap_opts){0}, &err),
                     MEWL_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interval_has_the_width_of_theory), cmocka_unit_test(test_groups_and_strata_stay_whole),
        cmocka_unit_test(test_same_seed_same_interval),          cmocka_unit_test(test_golden_percentile),
        cmocka_unit_test(test_bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
