/* Shrunk covariances against scikit-learn, Mahalanobis' distance, PLDA against plain EM and joint Gaussians. */
#include "golden.h"

#include "learn/covariance.h"
#include "learn/plda.h"

static void test_ledoit_wolf_is_sklearns(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *c = golden_at(document, "ledoit_wolf");
    size_t dims = golden_size(c, "dims");
    size_t count = 0;
    double *x = golden_doubles(c, "x", &count);
    double *expected = golden_doubles(c, "covariance", NULL);
    double covariance[49];
    double mean[7];
    double shrinkage = 0;
    assert_int_equal(mewl_ledoit_wolf(covariance, mean, &shrinkage, x, count / dims, dims, NULL), MEWL_OK);
    double share = golden_number(c, "shrinkage");
    assert_close("covariance", covariance, expected, dims * dims);
    assert_close("shrinkage", &shrinkage, &share, 1);
    free(x);
    free(expected);
    json_decref(document);
}

static size_t *golden_groups(const json_t *c, size_t *rows)
{
    int *values = golden_ints(c, "group", rows);
    size_t *group = calloc(*rows, sizeof *group);
    assert_non_null(group);
    for (size_t i = 0; i < *rows; i++) {
        group[i] = (size_t)values[i];
    }
    free(values);
    return group;
}

static mewl_status try_mahalanobis(mewl_bytes *in, mewl_error *err)
{
    mewl_mahalanobis m;
    mewl_status status = mewl_mahalanobis_load(&m, in, err);
    mewl_mahalanobis_fini(&m);
    return status;
}

static void test_covariance_within_groups(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *c = golden_at(document, "within");
    size_t dims = golden_size(c, "dims");
    size_t rows = 0;
    size_t tests = 0;
    size_t *group = golden_groups(c, &rows);
    double *x = golden_doubles(c, "x", NULL);
    double *expected = golden_doubles(c, "covariance", NULL);
    double *mean = golden_doubles(c, "mean", NULL);
    double *test = golden_doubles(c, "test", &tests);
    double *squared = golden_doubles(c, "squared", NULL);
    double covariance[25];
    double shrinkage = 0;
    assert_int_equal(mewl_within_covariance(covariance, &shrinkage, x, group, rows, dims, NULL), MEWL_OK);
    double share = golden_number(c, "shrinkage");
    assert_close("covariance", covariance, expected, dims * dims);
    double given[25];
    assert_int_equal(mewl_within_covariance_with(given, share, x, group, rows, dims, NULL), MEWL_OK);
    assert_close("covariance with that share", given, expected, dims * dims);
    assert_int_equal(mewl_within_covariance_with(given, 1.0, x, group, rows, dims, NULL), MEWL_OK);
    assert_true(given[1] == 0.0 && fabs(given[0] - given[dims * dims - 1]) < 1e-12);
    assert_int_equal(mewl_within_covariance_with(given, 1.1, x, group, rows, dims, NULL), MEWL_E_ARG);
    assert_close("shrinkage", &shrinkage, &share, 1);
    mewl_mahalanobis m;
    mewl_mahalanobis copy;
    assert_int_equal(mewl_mahalanobis_init(&m, mean, covariance, dims, NULL), MEWL_OK);
    mewl_buffer saved;
    mewl_buffer_init(&saved, 1 << 20);
    mewl_mahalanobis_save(&m, &saved);
    mewl_bytes in = golden_bytes(&saved);
    assert_int_equal(mewl_mahalanobis_load(&copy, &in, NULL), MEWL_OK);
    assert_true(copy.log_det == m.log_det);
    for (size_t i = 0; i < tests / dims; i++) {
        double ours = mewl_mahalanobis_squared(&copy, test + i * dims);
        assert_close("squared distance", &ours, squared + i, 1);
    }
    assert_bytes_are_checked(&saved, try_mahalanobis);
    mewl_buffer_fini(&saved);
    mewl_mahalanobis_fini(&m);
    mewl_mahalanobis_fini(&copy);
    /* Groups of one tell nothing. */
    for (size_t i = 0; i < rows; i++) {
        group[i] = i;
    }
    assert_int_equal(mewl_within_covariance(covariance, NULL, x, group, rows, dims, NULL), MEWL_E_EMPTY);
    free(group);
    free(x);
    free(expected);
    free(mean);
    free(test);
    free(squared);
    json_decref(document);
}

static mewl_status try_plda(mewl_bytes *in, mewl_error *err)
{
    mewl_plda plda;
    mewl_status status = mewl_plda_load(&plda, in, err);
    mewl_plda_fini(&plda);
    return status;
}

/* Ratios of each test row against the first row alone and against the first three. */
static void check_ratios(const mewl_plda *plda, const json_t *c)
{
    size_t dims = plda->dims;
    size_t tests = 0;
    double *x = golden_doubles(c, "x", NULL);
    double *test = golden_doubles(c, "test", &tests);
    double *ratio = golden_doubles(c, "ratio", NULL);
    double first[4];
    double three[4] = {0};
    for (size_t i = 0; i < 3; i++) {
        double u[4];
        mewl_plda_project(plda, u, x + i * dims);
        for (size_t j = 0; j < dims; j++) {
            first[j] = i == 0 ? u[j] : first[j];
            three[j] += u[j] / 3;
        }
    }
    double *ours = calloc(2 * tests / dims, sizeof *ours);
    for (size_t i = 0; i < tests / dims; i++) {
        double u[4];
        mewl_plda_project(plda, u, test + i * dims);
        ours[2 * i] = mewl_plda_ratio(plda, first, 1, u);
        ours[2 * i + 1] = mewl_plda_ratio(plda, three, 3, u);
    }
    assert_close("ratio", ours, ratio, 2 * tests / dims);
    free(ours);
    free(x);
    free(test);
    free(ratio);
}

static void test_plda(void **state)
{
    (void)state;
    json_t *document = golden_read();
    const json_t *c = golden_at(document, "plda");
    size_t dims = golden_size(c, "dims");
    size_t rows = 0;
    size_t *group = golden_groups(c, &rows);
    double *x = golden_doubles(c, "x", NULL);
    double *mean = golden_doubles(c, "mean", NULL);
    double *between = golden_doubles(c, "between", NULL);
    double *within = golden_doubles(c, "within", NULL);
    mewl_plda learned;
    mewl_plda given;
    mewl_plda copy;
    mewl_error err = {0};
    if (mewl_plda_fit(&learned, x, group, rows, dims, (mewl_plda_opts){.iterations = 20}, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_close("mean", learned.mean, mean, dims);
    check_ratios(&learned, c);
    assert_int_equal(mewl_plda_init(&given, mean, between, within, dims, NULL), MEWL_OK);
    check_ratios(&given, c);
    assert_close("between", learned.between, given.between, dims);
    mewl_buffer saved;
    mewl_buffer_init(&saved, 1 << 20);
    mewl_plda_save(&learned, &saved);
    mewl_bytes in = golden_bytes(&saved);
    assert_int_equal(mewl_plda_load(&copy, &in, NULL), MEWL_OK);
    check_ratios(&copy, c);
    assert_bytes_are_checked(&saved, try_plda);
    mewl_buffer_fini(&saved);
    mewl_plda_fini(&learned);
    mewl_plda_fini(&given);
    mewl_plda_fini(&copy);
    for (size_t i = 0; i < rows; i++) {
        group[i] = i;
    }
    assert_int_equal(mewl_plda_fit(&learned, x, group, rows, dims, (mewl_plda_opts){0}, &err), MEWL_E_EMPTY);
    memset(group, 0, rows * sizeof *group);
    assert_int_equal(mewl_plda_fit(&learned, x, group, rows, dims, (mewl_plda_opts){0}, &err), MEWL_E_EMPTY);
    free(group);
    free(x);
    free(mean);
    free(between);
    free(within);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledoit_wolf_is_sklearns),
        cmocka_unit_test(test_covariance_within_groups),
        cmocka_unit_test(test_plda),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
