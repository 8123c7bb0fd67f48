/* Gaussian mixtures against scikit-learn from the same start; k-means; their bytes. */
#include "golden.h"

#include "learn/gmm.h"

static mewl_status try_gmm(mewl_bytes *in, mewl_error *err)
{
    mewl_gmm gmm;
    mewl_status status = mewl_gmm_load(&gmm, in, err);
    if (status == MEWL_OK && gmm.dims <= 64) {
        double x[64] = {0};
        mewl_gmm_log_likelihood(&gmm, x);
    }
    mewl_gmm_fini(&gmm);
    return status;
}

static void check_case(const json_t *c)
{
    const char *kind = json_string_value(golden_at(c, "kind"));
    size_t dims = golden_size(c, "dims");
    size_t rows = 0;
    size_t tests = 0;
    double *x = golden_doubles(c, "x", &rows);
    double *test = golden_doubles(c, "test", &tests);
    double *weights = golden_doubles(c, "weights", NULL);
    double *means = golden_doubles(c, "means", NULL);
    double *covariances = golden_doubles(c, "covariances", NULL);
    double *logs = golden_doubles(c, "log_likelihood", NULL);
    double *share = golden_doubles(c, "share", NULL);
    double *final_weights = golden_doubles(c, "final_weights", NULL);
    double *final_means = golden_doubles(c, "final_means", NULL);
    rows /= dims;
    tests /= dims;
    mewl_gmm_opts opts = {.components = golden_size(c, "components"),
                          .covariance = strcmp(kind, "full") == 0   ? MEWL_GMM_FULL
                                        : strcmp(kind, "tied") == 0 ? MEWL_GMM_TIED
                                                                    : MEWL_GMM_DIAGONAL,
                          .tolerance = 1e-5,
                          .iterations = 300};
    mewl_gmm gmm;
    mewl_gmm copy;
    mewl_error err = {0};
    if (mewl_gmm_fit_from(&gmm, x, rows, dims, opts, weights, means, covariances, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(gmm.iterations == golden_size(c, "iterations"));
    assert_true(gmm.converged == json_is_true(golden_at(c, "converged")));
    assert_true(mewl_gmm_parameters(&gmm) == golden_size(c, "parameters"));
    double expected[] = {golden_number(c, "bic"), golden_number(c, "bound")};
    double found[] = {mewl_gmm_bic(&gmm, x, rows), gmm.lower_bound};
    assert_close("bic", found, expected, 1);
    assert_close("bound", found + 1, expected + 1, 1);
    assert_close("weights", gmm.weight, final_weights, opts.components);
    assert_close("means", gmm.mean, final_means, opts.components * dims);
    mewl_buffer saved;
    mewl_buffer_init(&saved, 1 << 20);
    mewl_gmm_save(&gmm, &saved);
    mewl_bytes in = golden_bytes(&saved);
    assert_int_equal(mewl_gmm_load(&copy, &in, &err), MEWL_OK);
    assert_int_equal(mewl_bytes_end(&in, &err), MEWL_OK);
    for (size_t i = 0; i < tests; i++) {
        double ours = mewl_gmm_log_likelihood(&copy, test + i * dims);
        double part[MEWL_GMM_COMPONENTS_MAX];
        assert_close("log-likelihood", &ours, logs + i, 1);
        assert_true(mewl_gmm_responsibilities(&gmm, part, test + i * dims) == ours);
        assert_close("share", part, share + i * opts.components, opts.components);
    }
    assert_bytes_are_checked(&saved, try_gmm);
    mewl_buffer_fini(&saved);
    mewl_gmm_fini(&gmm);
    mewl_gmm_fini(&copy);
    free(x);
    free(test);
    free(weights);
    free(means);
    free(covariances);
    free(logs);
    free(share);
    free(final_weights);
    free(final_means);
}

static void test_mixtures_are_sklearns(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *cases = golden_at(document, "gmm");
    assert_true(json_array_size(cases) == 3);
    for (size_t k = 0; k < 3; k++) {
        check_case(json_array_get(cases, k));
    }
    json_decref(document);
}

/* Two clouds far apart, 40 rows near (0, 0) and 20 near (10, 10). */
static void make_clouds(double *x, mewl_rng *rng)
{
    for (size_t i = 0; i < 60; i++) {
        x[2 * i] = (i < 40 ? 0 : 10) + mewl_rng_normal(rng);
        x[2 * i + 1] = (i < 40 ? 0 : 10) + mewl_rng_normal(rng);
    }
}

static void test_clouds_are_found(void **state)
{
    (void)state;
    double x[120];
    mewl_rng rng = mewl_rng_seeded(8);
    make_clouds(x, &rng);
    for (int kind = MEWL_GMM_FULL; kind <= MEWL_GMM_DIAGONAL; kind++) {
        mewl_gmm_opts opts = {.components = 2, .covariance = (mewl_gmm_covariance)kind, .starts = 2, .seed = 1};
        mewl_gmm gmm;
        mewl_gmm one;
        assert_int_equal(mewl_gmm_fit(&gmm, x, 60, 2, opts, NULL), MEWL_OK);
        double larger = fmax(gmm.weight[0], gmm.weight[1]);
        assert_true(gmm.converged && fabs(larger - 40 / 60.0) < 1e-6);
        opts.components = 1;
        assert_int_equal(mewl_gmm_fit(&one, x, 60, 2, opts, NULL), MEWL_OK);
        assert_true(mewl_gmm_bic(&gmm, x, 60) < mewl_gmm_bic(&one, x, 60));
        mewl_gmm_fini(&gmm);
        mewl_gmm_fini(&one);
    }
}

static void test_shrinkage_makes_few_rows_enough(void **state)
{
    (void)state;
    /* Five rows in 20 dimensions: a covariance of rank 4. */
    double x[100];
    mewl_rng rng = mewl_rng_seeded(9);
    for (size_t i = 0; i < 100; i++) {
        x[i] = mewl_rng_normal(&rng);
    }
    mewl_gmm_opts opts = {.components = 1, .shrinkage = 1, .reg_covar = 1e-12};
    mewl_gmm gmm;
    assert_int_equal(mewl_gmm_fit(&gmm, x, 5, 20, opts, NULL), MEWL_OK);
    /* Wholly shrunk: the same variance everywhere, that of all columns together. */
    double mean[20];
    double variance = 0;
    mewl_table_mean(mean, x, NULL, 5, 20);
    for (size_t i = 0; i < 100; i++) {
        variance += (x[i] - mean[i % 20]) * (x[i] - mean[i % 20]) / 100;
    }
    assert_true(fabs(gmm.factor[0] - sqrt(variance)) < 1e-9 && fabs(gmm.factor[1]) < 1e-12);
    mewl_gmm_fini(&gmm);
}

static void test_odd_options_are_refused(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4};
    mewl_gmm gmm;
    mewl_error err = {0};
    assert_int_equal(mewl_gmm_fit(&gmm, x, 4, 1, (mewl_gmm_opts){.components = 0}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_gmm_fit(&gmm, x, 4, 1, (mewl_gmm_opts){.components = 5}, &err), MEWL_E_SHAPE);
    assert_int_equal(mewl_gmm_fit(&gmm, x, 4, 1, (mewl_gmm_opts){.components = 1, .shrinkage = 2}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_gmm_fit(&gmm, x, 4, 1, (mewl_gmm_opts){.components = 65}, &err), MEWL_E_ARG);
    const double negative[] = {-1};
    assert_int_equal(mewl_gmm_fit_from(&gmm, x, 4, 1, (mewl_gmm_opts){.components = 1}, x, x, negative, &err),
                     MEWL_E_ARG);
}

static void test_kmeans(void **state)
{
    (void)state;
    double x[120];
    double centres[4];
    size_t own[60];
    double inertia = 0;
    mewl_rng rng = mewl_rng_seeded(10);
    make_clouds(x, &rng);
    assert_int_equal(mewl_kmeans(centres, own, &inertia, x, 60, 2, 2, 50, 7, NULL), MEWL_OK);
    double sum = 0;
    for (size_t i = 0; i < 60; i++) {
        assert_true(own[i] == own[i < 40 ? 0 : 59]);
        sum += mewl_table_squared_distance(x + 2 * i, centres + 2 * own[i], 2);
    }
    assert_true(own[0] != own[59] && fabs(sum - inertia) < 1e-9);
    /* As many centres as rows: each its own, whatever repeats. */
    const double same[] = {1, 1, 1};
    assert_int_equal(mewl_kmeans(centres, own, &inertia, same, 3, 1, 3, 50, 7, NULL), MEWL_OK);
    assert_true(inertia == 0);
    assert_int_equal(mewl_kmeans(centres, own, &inertia, same, 3, 1, 4, 50, 7, NULL), MEWL_E_SHAPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixtures_are_sklearns),
        cmocka_unit_test(test_clouds_are_found),
        cmocka_unit_test(test_shrinkage_makes_few_rows_enough),
        cmocka_unit_test(test_odd_options_are_refused),
        cmocka_unit_test(test_kmeans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
