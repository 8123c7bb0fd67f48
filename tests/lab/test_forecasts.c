/* Class forecasts: figures against scikit-learn, intervals, differences, what is refused; the distillation loss against
 * PyTorch. */
#include <math.h>
#include <string.h>

#include "golden.h"
#include "lab/forecasts.h"
#include "nn/loss.h"

static json_t *forecasts_golden(void)
{
    json_t *document = NULL;
    mewl_error err = {0};
    if (mewl_json_read(&document, MEWL_GOLDEN "/forecasts.json", 4 << 20, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return document;
}

static mewl_forecasts fill(const json_t *document)
{
    mewl_forecasts f;
    const json_t *rows = json_object_get(document, "p");
    assert_int_equal(mewl_forecasts_init(&f, 4, NULL), MEWL_OK);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        float p[4];
        for (size_t k = 0; k < 4; k++) {
            p[k] = (float)json_number_value(json_array_get(json_array_get(rows, i), k));
        }
        int truth = (int)json_integer_value(json_array_get(json_object_get(document, "truth"), i));
        assert_int_equal(mewl_forecasts_add(&f, p, truth, -1, i / 2, NULL), MEWL_OK);
    }
    return f;
}

static void compare(const double *got, const json_t *want)
{
    for (int k = 0; k < MEWL_FIGURE_EQUAL; k++) {
        double expected = golden_number(want, mewl_class_figure_name((mewl_class_figure)k));
        if (fabs(got[k] - expected) > 1e-6) {
            fail_msg("%s: %.9g instead of %.9g", mewl_class_figure_name((mewl_class_figure)k), got[k], expected);
        }
    }
    assert_true(got[MEWL_FIGURE_EQUAL] == got[MEWL_FIGURE_BALANCED]); /* no second call was given */
}

static void figures_are_those_of_scikit_learn(void **state)
{
    (void)state;
    json_t *document = forecasts_golden();
    mewl_forecasts f = fill(document);
    double figures[MEWL_FIGURE_COUNT];
    size_t count = 0;
    double *weights = golden_doubles(json_object_get(document, "weights"), &count);
    assert_int_equal(count, f.count);
    mewl_forecasts_figures(figures, &f, NULL);
    compare(figures, json_object_get(document, "plain"));
    mewl_forecasts_figures(figures, &f, weights);
    compare(figures, json_object_get(document, "weighted"));
    free(weights);
    mewl_forecasts_fini(&f);
    json_decref(document);
}

static void the_distillation_loss_is_that_of_pytorch(void **state)
{
    (void)state;
    json_t *document = forecasts_golden();
    const json_t *d = json_object_get(document, "distil");
    float z[28];
    float y[28];
    float gradient[28];
    for (size_t i = 0; i < 28; i++) {
        z[i] = (float)json_number_value(json_array_get(json_array_get(json_object_get(d, "logits"), i / 4), i % 4));
        y[i] = (float)json_number_value(json_array_get(json_array_get(json_object_get(d, "teacher"), i / 4), i % 4));
        gradient[i] = 1; /* what is there is added to */
    }
    double loss = mewl_loss_distil(gradient, z, y, 7, 4, golden_number(d, "temperature"), 0.5);
    assert_true(fabs(loss - 0.5 * golden_number(d, "loss")) < 1e-5);
    for (size_t i = 0; i < 28; i++) {
        double want = json_number_value(json_array_get(json_array_get(json_object_get(d, "gradient"), i / 4), i % 4));
        assert_true(fabs((double)gradient[i] - 1 - 0.5 * want) < 1e-5);
    }
    assert_true(fabs(mewl_loss_distil(NULL, y, y, 7, 4, 3, 1)) < 1e-9);
    json_decref(document);
}

static void equal_priors_are_a_second_call(void **state)
{
    (void)state;
    mewl_forecasts f;
    double figures[MEWL_FIGURE_COUNT];
    const float p[2] = {0.7F, 0.3F};
    assert_int_equal(mewl_forecasts_init(&f, 2, NULL), MEWL_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(mewl_forecasts_add_equal(&f, p, i >= 8, -1, i >= 8, (size_t)i, NULL), MEWL_OK);
    }
    mewl_forecasts_figures(figures, &f, NULL);
    assert_true(fabs(figures[MEWL_FIGURE_ACCURACY] - 0.8) < 1e-12);
    assert_true(fabs(figures[MEWL_FIGURE_BALANCED] - 0.5) < 1e-12);
    assert_true(figures[MEWL_FIGURE_EQUAL] == 1);
    double recall[2];
    mewl_forecasts_recalls(recall, &f, NULL);
    assert_true(recall[0] == 1 && recall[1] == 0);
    mewl_forecasts_fini(&f);
}

static void a_difference_is_paired(void **state)
{
    (void)state;
    mewl_forecasts a;
    mewl_forecasts b;
    const float sure[2] = {0.9F, 0.1F};
    const float other[2] = {0.1F, 0.9F};
    assert_int_equal(mewl_forecasts_init(&a, 2, NULL), MEWL_OK);
    assert_int_equal(mewl_forecasts_init(&b, 2, NULL), MEWL_OK);
    for (size_t i = 0; i < 40; i++) { /* a is right on all, b on every other */
        assert_int_equal(mewl_forecasts_add(&a, sure, 0, -1, i, NULL), MEWL_OK);
        assert_int_equal(mewl_forecasts_add(&b, i % 2 == 0 ? sure : other, 0, -1, i, NULL), MEWL_OK);
    }
    mewl_interval d[MEWL_FIGURE_COUNT];
    mewl_bootstrap_opts opts = {.rounds = 200, .seed = 3};
    assert_int_equal(mewl_forecasts_difference(d, &a, &b, opts, NULL), MEWL_OK);
    assert_true(fabs(d[MEWL_FIGURE_ACCURACY].value - 0.5) < 1e-12);
    assert_true(d[MEWL_FIGURE_ACCURACY].low > 0.2 && d[MEWL_FIGURE_ACCURACY].high < 0.8);
    assert_int_equal(mewl_forecasts_difference(d, &a, &a, opts, NULL), MEWL_OK);
    assert_true(d[MEWL_FIGURE_ACCURACY].low == 0 && d[MEWL_FIGURE_ACCURACY].high == 0);
    b.group[3] = 77;
    assert_int_equal(mewl_forecasts_difference(d, &a, &b, opts, NULL), MEWL_E_SHAPE);
    mewl_forecasts_fini(&a);
    mewl_forecasts_fini(&b);
}

static void the_document_holds_all_of_it(void **state)
{
    (void)state;
    json_t *golden = forecasts_golden();
    mewl_forecasts f = fill(golden);
    json_t *document = NULL;
    assert_int_equal(mewl_forecasts_json(&document, &f, (mewl_bootstrap_opts){.rounds = 50, .seed = 1}, NULL), MEWL_OK);
    assert_int_equal(json_integer_value(json_object_get(document, "items")), 60);
    assert_int_equal(json_integer_value(json_object_get(document, "groups")), 30);
    int64_t total = 0;
    for (size_t i = 0; i < 16; i++) {
        const json_t *row = json_array_get(json_object_get(document, "confusion"), i / 4);
        total += json_integer_value(json_array_get(row, i % 4));
    }
    assert_int_equal(total, 60);
    int64_t binned = 0;
    size_t b;
    json_t *bin;
    json_array_foreach(json_object_get(document, "reliability"), b, bin)
    {
        binned += json_integer_value(json_object_get(bin, "count"));
    }
    assert_int_equal(binned, 60);
    const json_t *accuracy = json_object_get(document, "accuracy");
    assert_true(golden_number(accuracy, "low") <= golden_number(accuracy, "value"));
    assert_true(golden_number(accuracy, "high") >= golden_number(accuracy, "value"));
    json_decref(document);
    json_decref(golden);
    mewl_forecasts_fini(&f);
}

static void what_is_no_forecast_is_refused(void **state)
{
    (void)state;
    mewl_forecasts f;
    assert_int_equal(mewl_forecasts_init(&f, 1, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_forecasts_init(&f, MEWL_FORECASTS_CLASSES_MAX + 1, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_forecasts_init(&f, 2, NULL), MEWL_OK);
    const float rows[][2] = {{0.5F, 0.6F}, {-0.1F, 1.1F}, {NAN, 1}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mewl_forecasts_add(&f, rows[i], 0, -1, 0, NULL), MEWL_E_ARG);
    }
    const float fine[2] = {0.5F, 0.5F};
    assert_int_equal(mewl_forecasts_add(&f, fine, 2, -1, 0, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_forecasts_add(&f, fine, -1, -1, 0, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_forecasts_add(&f, fine, 0, 2, 0, NULL), MEWL_E_ARG);
    assert_int_equal(f.count, 0);
    json_t *document = NULL;
    assert_int_equal(mewl_forecasts_json(&document, &f, (mewl_bootstrap_opts){.rounds = 10}, NULL), MEWL_E_EMPTY);
    double figures[MEWL_FIGURE_COUNT];
    mewl_forecasts_figures(figures, &f, NULL);
    assert_true(isnan(figures[MEWL_FIGURE_ACCURACY]) && isnan(figures[MEWL_FIGURE_ECE]));
    mewl_forecasts_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_scikit_learn), cmocka_unit_test(the_distillation_loss_is_that_of_pytorch),
        cmocka_unit_test(equal_priors_are_a_second_call),    cmocka_unit_test(a_difference_is_paired),
        cmocka_unit_test(the_document_holds_all_of_it),      cmocka_unit_test(what_is_no_forecast_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
