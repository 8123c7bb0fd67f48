/* Support vector machines against scikit-learn: decision values. */
#include "golden.h"

#include "learn/svm.h"

static void check_svc(const json_t *c)
{
    size_t dims = golden_size(c, "dims");
    size_t classes = golden_size(c, "classes");
    size_t pairs = classes * (classes - 1) / 2;
    size_t rows = 0;
    size_t tests = 0;
    double *x = golden_doubles(c, "x", NULL);
    int *y = golden_ints(c, "y", &rows);
    double *test = golden_doubles(c, "test", &tests);
    double *decision = golden_doubles(c, "decision", NULL);
    tests /= dims;
    mewl_svm_opts opts = {.kernel = strcmp(json_string_value(golden_at(c, "kernel")), "rbf") == 0 ? MEWL_SVM_RBF
                                                                                                  : MEWL_SVM_LINEAR,
                          .c = golden_number(c, "c"),
                          .gamma = golden_number(c, "gamma"),
                          .balanced = json_is_true(golden_at(c, "balanced")),
                          .tolerance = 1e-9};
    mewl_svm svm;
    mewl_error err = {0};
    assert_int_equal(mewl_svm_fit(&svm, x, y, rows, dims, classes, opts, &err), MEWL_OK);
    double *ours = calloc(tests * pairs, sizeof *ours);
    for (size_t i = 0; i < tests; i++) {
        mewl_svm_decision(&svm, ours + i * pairs, test + i * dims);
    }
    assert_close("decision", ours, decision, tests * pairs);
    mewl_svm_fini(&svm);
    free(ours);
    free(x);
    free(y);
    free(test);
    free(decision);
}

static void test_svc_is_sklearns(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *cases = golden_at(document, "svc");
    assert_true(json_array_size(cases) == 3);
    for (size_t k = 0; k < 3; k++) {
        check_svc(json_array_get(cases, k));
    }
    json_decref(document);
}

static mewl_status try_oneclass(mewl_bytes *in, mewl_error *err)
{
    mewl_oneclass svm;
    mewl_status status = mewl_oneclass_load(&svm, in, err);
    mewl_oneclass_fini(&svm);
    return status;
}

static void test_oneclass_is_sklearns(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *cases = golden_at(document, "oneclass");
    assert_true(json_array_size(cases) == 2);
    for (size_t k = 0; k < 2; k++) {
        const json_t *c = json_array_get(cases, k);
        size_t dims = golden_size(c, "dims");
        size_t count = 0;
        size_t tests = 0;
        double *x = golden_doubles(c, "x", &count);
        double *test = golden_doubles(c, "test", &tests);
        double *decision = golden_doubles(c, "decision", NULL);
        double *inside = golden_doubles(c, "inside", NULL);
        mewl_oneclass svm;
        mewl_oneclass copy;
        mewl_oneclass_opts opts = {.nu = golden_number(c, "nu"), .tolerance = 1e-9};
        assert_int_equal(mewl_oneclass_fit(&svm, x, count / dims, dims, opts, NULL), MEWL_OK);
        mewl_buffer saved;
        mewl_buffer_init(&saved, 1 << 20);
        mewl_oneclass_save(&svm, &saved);
        mewl_bytes in = golden_bytes(&saved);
        assert_int_equal(mewl_oneclass_load(&copy, &in, NULL), MEWL_OK);
        double ours[64];
        for (size_t i = 0; i < tests / dims; i++) {
            ours[i] = mewl_oneclass_decision(&copy, test + i * dims);
        }
        assert_close("decision", ours, decision, tests / dims);
        /* Rows on the border come out near 0: compared with the size of the others. */
        for (size_t i = 0; i < count / dims; i++) {
            ours[i] = mewl_oneclass_decision(&svm, x + i * dims);
        }
        assert_close("inside", ours, inside, count / dims);
        assert_bytes_are_checked(&saved, try_oneclass);
        mewl_buffer_fini(&saved);
        mewl_oneclass_fini(&svm);
        mewl_oneclass_fini(&copy);
        free(x);
        free(test);
        free(decision);
        free(inside);
    }
    json_decref(document);
}

static void test_odd_options_are_refused(void **state)
{
    (void)state;
    const double x[] = {0, 1, 2, 3};
    const int y[] = {0, 0, 1, 1};
    const double weights[] = {1, 0};
    mewl_svm svm;
    mewl_error err = {0};
    assert_int_equal(mewl_svm_fit(&svm, x, y, 4, 1, 2, (mewl_svm_opts){.c = -1}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_svm_fit(&svm, x, y, 4, 1, 2, (mewl_svm_opts){.c = 1e9}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_svm_fit(&svm, x, y, 4, 1, 2, (mewl_svm_opts){.gamma = NAN}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_svm_fit(&svm, x, y, 4, 1, 2, (mewl_svm_opts){.class_weights = weights}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_svm_fit(&svm, x, y, 4, 1, 3, (mewl_svm_opts){0}, &err), MEWL_E_ARG);
    mewl_oneclass one;
    assert_int_equal(mewl_oneclass_fit(&one, x, 4, 1, (mewl_oneclass_opts){0}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_oneclass_fit(&one, x, 4, 1, (mewl_oneclass_opts){.nu = 1.5}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_oneclass_fit(&one, x, 0, 1, (mewl_oneclass_opts){.nu = 0.1}, &err), MEWL_E_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_svc_is_sklearns),
        cmocka_unit_test(test_oneclass_is_sklearns),
        cmocka_unit_test(test_odd_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
