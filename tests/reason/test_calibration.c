/* Calibration: the optimum that scipy finds; maps that keep what is right; refusals. */
#include "golden.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "reason/calibration.h"

static mewl_calibration_kind kind_named(const char *name)
{
    for (int k = 0; k < MEWL_CALIBRATION_KIND_COUNT; k++) {
        if (strcmp(mewl_calibration_kind_name((mewl_calibration_kind)k), name) == 0) {
            return (mewl_calibration_kind)k;
        }
    }
    fail_msg("no kind %s", name);
    return MEWL_CALIBRATION_NONE;
}

static void test_golden(void **state)
{
    (void)state;
    json_t *document = golden_read(), *row;
    size_t at;
    json_array_foreach(json_object_get(document, "calibrations"), at, row)
    {
        mewl_error err = {0};
        mewl_calibration map;
        const size_t classes = (size_t)json_integer_value(json_object_get(row, "classes"));
        size_t values, items, weight_count = 0, wanted;
        float *p = golden_floats(json_object_get(row, "p"), &values);
        int *truth = golden_ints(json_object_get(row, "truth"), &items);
        double *weights = golden_doubles(json_object_get(row, "weights"), &weight_count);
        double *q = golden_doubles(json_object_get(row, "q"), &wanted);
        assert_int_equal(values, items * classes);
        assert_int_equal(wanted, values);
        const mewl_calibration_opts opts = {.kind = kind_named(json_string_value(json_object_get(row, "kind"))),
                                            .off_diagonal = json_number_value(json_object_get(row, "off_diagonal")),
                                            .intercept = json_number_value(json_object_get(row, "intercept"))};
        if (mewl_calibration_fit(&map, p, truth, weights, items, classes, opts, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        const double before = mewl_calibration_log_loss(p, truth, weights, items, classes);
        mewl_calibration_apply(&map, p, p, items);
        for (size_t i = 0; i < values; i++) {
            if (!(fabs((double)p[i] - q[i]) <= 2e-5)) {
                fail_msg("case %zu, value %zu: %.8g, scipy has %.8g", at, i, (double)p[i], q[i]);
            }
        }
        assert_true(mewl_calibration_log_loss(p, truth, weights, items, classes) < before);
        free(p);
        free(truth);
        free(weights);
        free(q);
    }
    assert_int_equal(at, 8);
    json_decref(document);
}

/* Items whose truth is drawn from their probabilities need no map; over-sure ones get their temperature back. */
static void test_recovers(void **state)
{
    (void)state;
    enum { N = 20000, K = 4 };
    const double sharp = 2.5;
    mewl_error err = {0};
    mewl_rng rng = mewl_rng_seeded(11);
    float *p = calloc(N * K, sizeof *p), *over = calloc(N * K, sizeof *over);
    int *truth = calloc(N, sizeof *truth);
    for (size_t i = 0; i < N; i++) {
        double e[K], sum = 0, sum_over = 0, u = mewl_rng_unit(&rng);
        for (size_t k = 0; k < K; k++) {
            e[k] = mewl_rng_normal(&rng);
            sum += exp(e[k]);
            sum_over += exp(sharp * e[k]);
        }
        for (size_t k = 0; k < K; k++) {
            p[i * K + k] = (float)(exp(e[k]) / sum);
            over[i * K + k] = (float)(exp(sharp * e[k]) / sum_over);
            u -= (double)p[i * K + k];
            truth[i] = u + (double)p[i * K + k] >= 0 ? (int)k : truth[i];
        }
    }
    mewl_calibration map;
    const mewl_calibration_opts temperature = {.kind = MEWL_CALIBRATION_TEMPERATURE};
    assert_int_equal(mewl_calibration_fit(&map, p, truth, NULL, N, K, temperature, &err), MEWL_OK);
    assert_true(fabs(map.weight[0] - 1.0) < 0.03);
    assert_int_equal(mewl_calibration_fit(&map, over, truth, NULL, N, K, temperature, &err), MEWL_OK);
    assert_true(fabs(map.weight[0] - 1.0 / sharp) < 0.02);
    const mewl_calibration_opts dirichlet = {.kind = MEWL_CALIBRATION_DIRICHLET, .off_diagonal = 0.1, .intercept = 0.1};
    assert_int_equal(mewl_calibration_fit(&map, over, truth, NULL, N, K, dirichlet, &err), MEWL_OK);
    for (size_t k = 0; k < K; k++) {
        assert_true(fabs(map.weight[k * K + k] - 1.0 / sharp) < 0.06);
        assert_true(fabs(map.bias[k]) < 0.1);
    }
    free(p);
    free(over);
    free(truth);
}

/* Probabilities that say the opposite of the truth are flattened, not turned round. */
static void test_never_turns_round(void **state)
{
    (void)state;
    const float p[] = {0.9f, 0.1f, 0.2f, 0.8f, 0.7f, 0.3f};
    const int truth[] = {1, 0, 1};
    mewl_error err = {0};
    mewl_calibration map;
    float q[6];
    for (int kind = MEWL_CALIBRATION_TEMPERATURE; kind <= MEWL_CALIBRATION_TEMPERATURE_BIAS; kind++) {
        const mewl_calibration_opts opts = {.kind = (mewl_calibration_kind)kind};
        assert_int_equal(mewl_calibration_fit(&map, p, truth, NULL, 3, 2, opts, &err), MEWL_OK);
        assert_true(map.weight[0] == MEWL_CALIBRATION_SHARPNESS_MIN);
        mewl_calibration_apply(&map, q, p, 3);
        assert_true(q[0] > q[2] && q[0] - q[2] < 0.01f);
    }
    /* With biases: the shares of the classes among the items, 1/3 and 2/3. */
    assert_true(fabsf(q[1] - 2.0f / 3) < 0.01f);
}

static void test_refusals(void **state)
{
    (void)state;
    const float p[] = {0.5f, 0.5f, 0.1f, 0.9f}, bad[] = {0.5f, NAN, 0.1f, 0.9f};
    const int truth[] = {0, 1}, outside[] = {0, 2};
    const double none[] = {0, 0}, negative[] = {1, -1};
    const mewl_calibration_opts opts = {.kind = MEWL_CALIBRATION_TEMPERATURE};
    mewl_error err = {0};
    mewl_calibration map;
    assert_int_equal(mewl_calibration_fit(&map, p, truth, NULL, 0, 2, opts, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_calibration_fit(&map, p, truth, NULL, 2, 1, opts, &err), MEWL_E_ARG);
    assert_int_equal(mewl_calibration_fit(&map, p, truth, NULL, 2, 17, opts, &err), MEWL_E_ARG);
    assert_int_equal(mewl_calibration_fit(&map, bad, truth, NULL, 2, 2, opts, &err), MEWL_E_ARG);
    assert_int_equal(mewl_calibration_fit(&map, p, outside, NULL, 2, 2, opts, &err), MEWL_E_ARG);
    assert_int_equal(mewl_calibration_fit(&map, p, truth, none, 2, 2, opts, &err), MEWL_E_ARG);
    assert_int_equal(mewl_calibration_fit(&map, p, truth, negative, 2, 2, opts, &err), MEWL_E_ARG);
    const mewl_calibration_opts odd = {.kind = MEWL_CALIBRATION_DIRICHLET, .off_diagonal = -1};
    assert_int_equal(mewl_calibration_fit(&map, p, truth, NULL, 2, 2, odd, &err), MEWL_E_ARG);
    assert_int_equal(mewl_calibration_fit(&map, p, truth, NULL, 2, 2, (mewl_calibration_opts){0}, &err), MEWL_OK);
    float q[4];
    mewl_calibration_apply(&map, q, p, 2);
    for (size_t i = 0; i < 4; i++) {
        assert_true(fabsf(q[i] - p[i]) < 1e-6f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_recovers),
        cmocka_unit_test(test_never_turns_round),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
