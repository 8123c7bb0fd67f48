/* Logistic regression against scikit-learn; the search under it. */
#include "golden.h"

#include "learn/logistic.h"

static void check_case(const json_t *c)
{
    size_t dims = golden_size(c, "dims");
    size_t classes = golden_size(c, "classes");
    size_t rows = 0;
    size_t tests = 0;
    double *x = golden_doubles(c, "x", NULL);
    int *y = golden_ints(c, "y", &rows);
    double *items = golden_doubles(c, "items", NULL);
    double *test = golden_doubles(c, "test", &tests);
    double *probability = golden_doubles(c, "probability", NULL);
    mewl_logistic_opts opts = {.c = golden_number(c, "c"),
                               .balanced = json_is_true(golden_at(c, "balanced")),
                               .item_weights = items,
                               .tolerance = 1e-9,
                               .iterations = 5000};
    mewl_logistic model;
    assert_int_equal(mewl_logistic_fit(&model, x, y, rows, dims, classes, opts, NULL), MEWL_OK);
    assert_true(model.converged);
    for (size_t i = 0; i < tests / dims; i++) {
        double p[8];
        mewl_logistic_probability(&model, p, test + i * dims);
        assert_close("probability", p, probability + i * classes, classes);
    }
    mewl_logistic_fini(&model);
    free(x);
    free(y);
    free(items);
    free(test);
    free(probability);
}

static void test_logistic_is_sklearns(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *cases = golden_at(document, "logistic");
    assert_true(json_array_size(cases) == 3);
    for (size_t k = 0; k < 3; k++) {
        check_case(json_array_get(cases, k));
    }
    json_decref(document);
}

/* Rosenbrock's valley: (1 - x)^2 + 100 (y - x^2)^2. */
static double valley(double *gradient, const double *x, void *user)
{
    ++*(size_t *)user;
    double a = 1 - x[0];
    double b = x[1] - x[0] * x[0];
    gradient[0] = -2 * a - 400 * b * x[0];
    gradient[1] = 200 * b;
    return a * a + 100 * b * b;
}

static void test_the_search_finds_the_end_of_the_valley(void **state)
{
    (void)state;
    double x[] = {-1.2, 1};
    bool converged = false;
    size_t calls = 0;
    size_t done = 0;
    assert_int_equal(mewl_lbfgs(x, 2, valley, &calls, 1e-9, 200, &converged, &done, NULL), MEWL_OK);
    assert_true(converged && fabs(x[0] - 1) < 1e-8 && fabs(x[1] - 1) < 1e-8 && done < 100 && calls < 300);
    double again[] = {-1.2, 1};
    assert_int_equal(mewl_lbfgs(again, 2, valley, &calls, 1e-9, 3, &converged, &done, NULL), MEWL_OK);
    assert_true(!converged && done == 3);
    double nowhere[] = {NAN, 1};
    assert_int_equal(mewl_lbfgs(nowhere, 2, valley, &calls, 1e-9, 3, NULL, NULL, NULL), MEWL_E_ARG);
}

static void test_odd_options_are_refused(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2, 3};
    const int y[] = {0, 0, 1, 1};
    const double bad[] = {1, -1, 1, 1};
    mewl_logistic m;
    mewl_error err = {0};
    assert_int_equal(mewl_logistic_fit(&m, x, y, 4, 1, 2, (mewl_logistic_opts){.c = -2}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_logistic_fit(&m, x, y, 4, 1, 2, (mewl_logistic_opts){.class_weights = bad}, &err),
                     MEWL_E_ARG);
    assert_int_equal(mewl_logistic_fit(&m, x, y, 4, 1, 2, (mewl_logistic_opts){.item_weights = bad}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_logistic_fit(&m, x, y, 4, 1, 3, (mewl_logistic_opts){0}, &err), MEWL_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logistic_is_sklearns),
        cmocka_unit_test(test_the_search_finds_the_end_of_the_valley),
        cmocka_unit_test(test_odd_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
