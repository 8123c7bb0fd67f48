/* Reason models: one linear map that equals its parts; the three rules for naming; JSON there and back; hostile JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "reason/reason.h"

enum { K = 3, DIMS = 6, ROWS = 60 };

static void check_chain(bool whiten)
{
    double x[ROWS * DIMS], scaled[ROWS * DIMS], reduced[ROWS * DIMS], wanted[K];
    int label[ROWS];
    mewl_rng rng = mewl_rng_seeded(5);
    mewl_error err = {0};
    mewl_scaler scaler;
    mewl_pca pca;
    mewl_logistic logistic;
    mewl_reason model;
    for (size_t i = 0; i < ROWS; i++) {
        label[i] = (int)(i % K);
        for (size_t d = 0; d < DIMS; d++) {
            x[i * DIMS + d] = (double)(float)(3.0 * (double)d + (double)(d + 1) * mewl_rng_normal(&rng) +
                                              (d == (size_t)label[i] ? 2.0 : 0.0));
        }
    }
    assert_int_equal(mewl_scaler_fit(&scaler, x, ROWS, DIMS, &err), MEWL_OK);
    mewl_scaler_apply(&scaler, scaled, x, ROWS);
    assert_int_equal(mewl_pca_fit(&pca, scaled, ROWS, DIMS, 4, whiten, &err), MEWL_OK);
    mewl_pca_apply(&pca, reduced, scaled, ROWS);
    assert_int_equal(mewl_logistic_fit(&logistic, reduced, label, ROWS, 4, K, (mewl_logistic_opts){0}, &err), MEWL_OK);
    assert_int_equal(mewl_reason_init(&model, K, DIMS, &err), MEWL_OK);
    assert_int_equal(mewl_reason_set_linear(&model, &scaler, &pca, &logistic, &err), MEWL_OK);
    for (size_t i = 0; i < ROWS; i++) {
        float vector[DIMS];
        mewl_reason_answer answer;
        for (size_t d = 0; d < DIMS; d++) {
            vector[d] = (float)x[i * DIMS + d];
        }
        mewl_logistic_probability(&logistic, wanted, reduced + i * 4);
        assert_int_equal(mewl_reason_ask(&model, &answer, vector, &err), MEWL_OK);
        for (size_t k = 0; k < K; k++) {
            assert_true(fabs((double)answer.p[k] - wanted[k]) < 1e-5);
        }
        assert_int_equal(answer.set_size, K); /* no thresholds yet: nothing can be left out */
        assert_int_equal(answer.named, -1);
    }
    mewl_reason other;
    assert_int_equal(mewl_reason_init(&other, K, DIMS + 1, &err), MEWL_OK);
    assert_int_equal(mewl_reason_set_linear(&other, &scaler, &pca, &logistic, &err), MEWL_E_SHAPE);
    mewl_reason_fini(&other);
    mewl_reason_fini(&model);
    mewl_scaler_fini(&scaler);
    mewl_pca_fini(&pca);
    mewl_logistic_fini(&logistic);
}

static void test_linear(void **state)
{
    (void)state;
    check_chain(false);
    check_chain(true);
}

/* A model of two numbers whose probabilities are those of the softmax of (vector[0], vector[1], 0). */
static void make(mewl_reason *model)
{
    mewl_error err = {0};
    static const char *const labels[K] = {"hungry", "belly_pain", "tired"};
    assert_int_equal(mewl_reason_init(model, K, 2, &err), MEWL_OK);
    model->weight[0] = model->weight[3] = 1;
    for (size_t k = 0; k < K; k++) {
        memcpy(model->label[k], labels[k], strlen(labels[k]) + 1);
        model->sets.threshold[k] = 0.7; /* in the set from p 0.3 on */
    }
    memcpy(model->embedder, "cnn6", 5);
    memcpy(model->embedder_id, "0123456789abcdef", 17);
    model->share[0] = 0.8;
    model->share[1] = model->share[2] = 0.1;
    model->evidence = (mewl_reason_evidence){0.5, 0.4, 0.6, 0.01, 400, 200};
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        float a, b; /* log odds of the first two classes against the third */
        double low; /* of the evidence; chance is 1/3 */
        double lift;
        int named;
        size_t set_size;
    } rows[] = {
        {-2, 4, 0.4, 2, 1, 1},    /* rare by share, loud in the sound */
        {4, 0, 0.4, 2, 0, 1},     /* common, and the sound says more */
        {2, 0, 0.4, 2, -1, 1},    /* p 0.79 where 0.8 is expected anyhow: it is not the sound that speaks */
        {2, 0, 0.4, 0, 0, 1},     /* without that rule it would be named */
        {-2, 4, 0.333, 2, -1, 1}, /* a model that was not shown to beat chance names nothing */
        {-2, 4, NAN, 2, -1, 1},   /* nor does one of which nothing is known */
        {1, 1, 0.4, 2, -1, 2},    /* two that cannot be ruled out */
        {1, 1, 0.4, 0, -1, 2},    /* and it is this that keeps them unnamed */
        {0, 0, 0.4, 2, -1, 3},    {0, 0, 0.4, 0, -1, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_error err = {0};
        mewl_reason model;
        mewl_reason_answer answer;
        make(&model);
        model.evidence.low = rows[i].low;
        model.least_lift = rows[i].lift;
        assert_int_equal(mewl_reason_ask(&model, &answer, (const float[]){rows[i].a, rows[i].b}, &err), MEWL_OK);
        if (answer.named != rows[i].named || answer.set_size != rows[i].set_size) {
            fail_msg("row %zu: named %d, set of %zu", i, answer.named, answer.set_size);
        }
        mewl_reason_fini(&model);
    }
}

static void test_not_numbers(void **state)
{
    (void)state;
    mewl_error err = {0};
    mewl_reason model;
    mewl_reason_answer answer;
    make(&model);
    assert_int_equal(mewl_reason_ask(&model, &answer, (const float[]){NAN, 0}, &err), MEWL_E_ARG);
    assert_int_equal(answer.named, -1);
    mewl_reason_fini(&model);
    assert_int_equal(mewl_reason_init(&model, 1, 2, &err), MEWL_E_ARG);
    assert_int_equal(mewl_reason_init(&model, 2, MEWL_REASON_DIMS_MAX + 1, &err), MEWL_E_ARG);
}

static void test_json(void **state)
{
    (void)state;
    mewl_error err = {0};
    mewl_reason model, back;
    make(&model);
    model.sets.threshold[2] = INFINITY;
    model.evidence.p = NAN;
    json_t *json = mewl_reason_to_json(&model);
    if (mewl_reason_from_json(&back, json, "test", &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(back.classes, K);
    assert_int_equal(back.dims, 2);
    assert_string_equal(back.label[1], "belly_pain");
    assert_string_equal(back.embedder_id, model.embedder_id);
    assert_true(isinf(back.sets.threshold[2]) && fabs(back.sets.threshold[0] - 0.7) < 1e-8);
    assert_true(isnan(back.evidence.p) && fabs(back.evidence.low - 0.4) < 1e-8);
    assert_true(mewl_reason_proven(&back));
    json_t *again = mewl_reason_to_json(&back);
    assert_true(json_equal(json, again));
    json_decref(again);
    mewl_reason_fini(&back);
    mewl_reason_fini(&model);
    json_decref(json);
}

/* Every member taken away, replaced by something else, or put out of range: refused, and nothing leaks. */
static void test_hostile(void **state)
{
    (void)state;
    mewl_error err = {0};
    mewl_reason model, back;
    make(&model);
    json_t *json = mewl_reason_to_json(&model);
    const char *key;
    json_t *value;
    void *next;
    size_t tried = 0;
    json_object_foreach_safe(json, next, key, value)
    {
        static const char *const bad[] = {"null",
                                          "[]",
                                          "{}",
                                          "\"\"",
                                          "-1",
                                          "1e300",
                                          "[1,2]",
                                          "[null,null,null]",
                                          "[\"a\",\"b\",\"\"]",
                                          "{\"kind\":\"dirichlet\"}",
                                          "{\"kind\":\"magic\"}"};
        for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
            json_t *copy = json_deep_copy(json);
            (void)json_object_del(copy, key);
            if (i > 0) {
                (void)json_object_set_new(copy, key, json_loads(bad[i - 1], JSON_DECODE_ANY, NULL));
            }
            const mewl_status status = mewl_reason_from_json(&back, copy, "test", &err);
            if (status == MEWL_OK) {
                fail_msg("`%s` as %s was taken", key, i > 0 ? bad[i - 1] : "absent");
            }
            assert_null(back.weight);
            json_decref(copy);
            tried++;
        }
    }
    assert_true(tried > 100);
    mewl_reason_fini(&model);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear), cmocka_unit_test(test_rules),   cmocka_unit_test(test_not_numbers),
        cmocka_unit_test(test_json),   cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
