/* Support vector machines against scikit-learn: decision values, predictions; probabilities by their properties. */
#include "golden.h"

#include "learn/svm.h"

static mewl_status try_svm(mewl_bytes *in, mewl_error *err)
{
    mewl_svm svm;
    mewl_status status = mewl_svm_load(&svm, in, err);
    if (status == MEWL_OK && svm.dims <= 64) {
        double x[64] = {0};
        mewl_svm_predict(&svm, x); /* stays within what was read */
    }
    mewl_svm_fini(&svm);
    return status;
}

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
    int *predict = golden_ints(c, "predict", NULL);
    tests /= dims;
    mewl_svm_opts opts = {.kernel = strcmp(json_string_value(golden_at(c, "kernel")), "rbf") == 0 ? MEWL_SVM_RBF
                                                                                                  : MEWL_SVM_LINEAR,
                          .c = golden_number(c, "c"),
                          .gamma = golden_number(c, "gamma"),
                          .balanced = json_is_true(golden_at(c, "balanced")),
                          .tolerance = 1e-9};
    mewl_svm svm;
    mewl_svm copy;
    mewl_error err = {0};
    assert_int_equal(mewl_svm_fit(&svm, x, y, rows, dims, classes, opts, &err), MEWL_OK);
    mewl_buffer saved;
    mewl_buffer_init(&saved, 1 << 20);
    mewl_svm_save(&svm, &saved);
    mewl_bytes in = golden_bytes(&saved);
    assert_int_equal(mewl_svm_load(&copy, &in, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_end(&in, &err), MEWL_OK);
    double *ours = calloc(tests * pairs, sizeof *ours);
    for (size_t i = 0; i < tests; i++) {
        mewl_svm_decision(&copy, ours + i * pairs, test + i * dims);
        assert_int_equal(mewl_svm_predict(&copy, test + i * dims), predict[i]);
    }
    assert_close("decision", ours, decision, tests * pairs);
    double p[8];
    assert_int_equal(mewl_svm_probability(&svm, p, test, &err), MEWL_E_STATE);
    assert_bytes_are_checked(&saved, try_svm);
    mewl_buffer_fini(&saved);
    mewl_svm_fini(&svm);
    mewl_svm_fini(&copy);
    free(ours);
    free(x);
    free(y);
    free(test);
    free(decision);
    free(predict);
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

/* Three clouds in a row, a tenth as wide as they are apart. */
static void make_clouds(double *x, int *y, size_t *group, size_t rows, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t i = 0; i < rows; i++) {
        y[i] = (int)(i % 3);
        group[i] = i / 6;
        x[2 * i] = 2 * (double)y[i] + mewl_rng_normal(&rng);
        x[2 * i + 1] = mewl_rng_normal(&rng);
    }
}

static void test_probabilities(void **state)
{
    (void)state;
    enum { ROWS = 120 };
    double x[2 * ROWS];
    int y[ROWS];
    size_t group[ROWS];
    make_clouds(x, y, group, ROWS, 5);
    mewl_svm_opts opts = {.kernel = MEWL_SVM_RBF, .probability = true, .groups = group, .seed = 3};
    mewl_svm svm;
    mewl_svm again;
    assert_int_equal(mewl_svm_fit(&svm, x, y, ROWS, 2, 3, opts, NULL), MEWL_OK);
    assert_int_equal(mewl_svm_fit(&again, x, y, ROWS, 2, 3, opts, NULL), MEWL_OK);
    assert_memory_equal(svm.platt, again.platt, 6 * sizeof *svm.platt);
    double loss = 0;
    double fresh[2 * ROWS];
    make_clouds(fresh, y, group, ROWS, 6);
    for (size_t i = 0; i < ROWS; i++) {
        double p[3];
        assert_int_equal(mewl_svm_probability(&svm, p, fresh + 2 * i, NULL), MEWL_OK);
        assert_true(fabs(p[0] + p[1] + p[2] - 1) < 1e-9 && p[0] >= 0 && p[1] >= 0 && p[2] >= 0);
        loss -= log(p[y[i]]) / ROWS;
    }
    /* The clouds' own densities give 0.55 or so; chance gives ln 3 = 1.10. */
    assert_true(loss < 0.75);
    mewl_svm_fini(&svm);
    mewl_svm_fini(&again);
}

static void test_platt_by_hand(void **state)
{
    (void)state;
    /* Decision values that say nothing: the smoothed share of positives, 3 of 10. */
    const double decision[] = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1};
    const bool none[] = {true, true, false, false, false, false, false, false, false, false};
    double a = 1;
    double b = 0;
    mewl_platt_fit(&a, &b, decision, none, NULL, 10);
    double share = (2 * 3 / 4.0 + 8 * 1 / 10.0) / 10; /* the mean of his targets (n+ + 1) / (n+ + 2), 1 / (n- + 2) */
    assert_true(fabs(a) < 1e-8 && fabs(1 / (1 + exp(b)) - share) < 1e-8);
    /* The slope at the minimum is 0. */
    const double mixed[] = {2, 1.5, 0.2, -0.3, 0.4, -1, -2, -0.1, -1.4, -3};
    const bool some[] = {true, true, true, false, false, false, false, true, false, false};
    mewl_platt_fit(&a, &b, mixed, some, NULL, 10);
    double slope[2] = {0, 0};
    for (size_t i = 0; i < 10; i++) {
        double target = some[i] ? 5 / 6.0 : 1 / 8.0;
        double p = 1 / (1 + exp(a * mixed[i] + b));
        slope[0] += (target - p) * mixed[i];
        slope[1] += target - p;
    }
    assert_true(a < 0 && fabs(slope[0]) < 1e-8 && fabs(slope[1]) < 1e-8);
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
        cmocka_unit_test(test_svc_is_sklearns),         cmocka_unit_test(test_oneclass_is_sklearns),
        cmocka_unit_test(test_probabilities),           cmocka_unit_test(test_platt_by_hand),
        cmocka_unit_test(test_odd_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
