/* Checks of tables, and the linear algebra under the models, against products written out. */
#include "golden.h"

#include "learn/table.h"

#define N 24

/* A random symmetric positive definite matrix. */
static void make_matrix(double *a, size_t n, mewl_rng *rng)
{
    double half[N * N];
    for (size_t i = 0; i < n * n; i++) {
        half[i] = mewl_rng_normal(rng);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            a[i * n + j] = i == j ? 0.5 : 0;
            for (size_t k = 0; k < n; k++) {
                a[i * n + j] += half[i * n + k] * half[j * n + k];
            }
        }
    }
}

static void test_cholesky(void **state)
{
    (void)state;
    mewl_rng rng = mewl_rng_seeded(1);
    for (size_t n = 1; n <= N; n++) {
        double a[N * N];
        double l[N * N];
        double product[N * N] = {0};
        make_matrix(a, n, &rng);
        memcpy(l, a, n * n * sizeof *l);
        assert_int_equal(mewl_cholesky(l, n, NULL), MEWL_OK);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) {
                assert_true(j <= i || l[i * n + j] == 0);
                for (size_t k = 0; k < n; k++) {
                    product[i * n + j] += l[i * n + k] * l[j * n + k];
                }
            }
        }
        assert_close("L L^T", product, a, n * n);
        double b[N];
        double x[N];
        for (size_t i = 0; i < n; i++) {
            b[i] = mewl_rng_normal(&rng);
        }
        memcpy(x, b, n * sizeof *x);
        mewl_cholesky_solve(l, x, n, 1);
        double back[N];
        for (size_t i = 0; i < n; i++) {
            back[i] = mewl_table_dot(a + i * n, x, n);
        }
        assert_close("a x", back, b, n);
        /* |L^-1 b|^2 = b^T a^-1 b. */
        double expected = mewl_table_dot(b, x, n);
        mewl_cholesky_forward(l, b, n);
        double square = mewl_table_dot(b, b, n);
        assert_close("square", &square, &expected, 1);
    }
    double not_definite[] = {1, 2, 2, 1};
    mewl_error err = {0};
    assert_int_equal(mewl_cholesky(not_definite, 2, &err), MEWL_E_ARG);
    assert_non_null(strstr(err.text, "positive definite"));
    double no_number[] = {1, 0, NAN, 1};
    assert_int_equal(mewl_cholesky(no_number, 2, &err), MEWL_E_ARG);
}

static void test_log_det_by_hand(void **state)
{
    (void)state;
    double a[] = {4, 2, 2, 3}; /* determinant 8 */
    assert_int_equal(mewl_cholesky(a, 2, NULL), MEWL_OK);
    assert_true(fabs(mewl_cholesky_log_det(a, 2) - log(8)) < 1e-14);
}

static void test_eigen(void **state)
{
    (void)state;
    mewl_rng rng = mewl_rng_seeded(2);
    for (size_t n = 1; n <= N; n += 3) {
        double a[N * N];
        double spoilt[N * N];
        double values[N];
        double vectors[N * N];
        make_matrix(a, n, &rng);
        memcpy(spoilt, a, n * n * sizeof *a);
        assert_int_equal(mewl_eigen(values, vectors, spoilt, n, NULL), MEWL_OK);
        for (size_t k = 0; k < n; k++) {
            const double *v = vectors + k * n;
            double product[N];
            double scaled[N];
            double largest = 0;
            for (size_t i = 0; i < n; i++) {
                product[i] = mewl_table_dot(a + i * n, v, n);
                scaled[i] = values[k] * v[i];
                largest = fabs(v[i]) > fabs(largest) ? v[i] : largest;
            }
            assert_close("a v", product, scaled, n);
            assert_true(fabs(mewl_table_dot(v, v, n) - 1) < 1e-12 && largest > 0);
            assert_true(k == 0 || values[k] <= values[k - 1]);
        }
    }
    assert_int_equal(mewl_eigen(NULL, NULL, NULL, 0, NULL), MEWL_E_MEMORY);
}

static void test_mean_and_scatter_by_hand(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 6, 5, 1};
    const double w[] = {1, 1, 2};
    double mean[2];
    double scatter[4];
    mewl_table_mean(mean, x, NULL, 3, 2);
    assert_true(mean[0] == 3 && mean[1] == 3);
    mewl_table_scatter(scatter, x, mean, NULL, 3, 2, 2);
    const double plain[] = {4, -1, -1, 7};
    assert_close("scatter", scatter, plain, 4);
    mewl_table_mean(mean, x, w, 3, 2);
    assert_true(mean[0] == 3.5 && mean[1] == 2.5);
    mewl_table_scatter(scatter, x, NULL, w, 3, 2, 1);
    const double weighted[] = {60, 30, 30, 42};
    assert_close("weighted", scatter, weighted, 4);
}

static void test_rows_by_group(void **state)
{
    (void)state;
    const size_t group[] = {7, 2, 7, 9, 2, 2};
    size_t order[6];
    size_t start[7];
    assert_true(mewl_table_order_groups(order, start, group, 6) == 3);
    const size_t expected[] = {1, 4, 5, 0, 2, 3};
    assert_memory_equal(order, expected, sizeof expected);
    assert_true(start[0] == 0 && start[1] == 3 && start[2] == 5 && start[3] == 6);
}

static void test_lengths(void **state)
{
    (void)state;
    double x[] = {3, 4, 0, 0};
    mewl_table_normalise(x, 2, 2);
    assert_true(fabs(x[0] - 0.6) < 1e-15 && fabs(x[1] - 0.8) < 1e-15 && x[2] == 0 && x[3] == 0);
    double a[37];
    double b[37];
    double dot = 0;
    double distance = 0;
    for (size_t i = 0; i < 37; i++) {
        a[i] = sin((double)i);
        b[i] = cos(3.0 * (double)i);
        dot += a[i] * b[i];
        distance += (a[i] - b[i]) * (a[i] - b[i]);
        assert_true(fabs(mewl_table_dot(a, b, i + 1) - dot) < 1e-12);
        assert_true(fabs(mewl_table_squared_distance(a, b, i + 1) - distance) < 1e-12);
    }
}

static void test_odd_tables_are_refused(void **state)
{
    (void)state;
    mewl_error err = {0};
    double x[] = {1, 2, 3, INFINITY};
    assert_int_equal(mewl_table_check(x, 0, 2, "t", &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_table_check(x, 2, 0, "t", &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_table_check(x, 1, MEWL_LEARN_DIMS_MAX + 1, "t", &err), MEWL_E_MEMORY);
    assert_int_equal(mewl_table_check(x, SIZE_MAX / 2, 4, "t", &err), MEWL_E_MEMORY);
    assert_int_equal(mewl_table_check(x, 2, 2, "t", &err), MEWL_E_ARG);
    assert_non_null(strstr(err.text, "row 1, column 1"));
    assert_int_equal(mewl_table_check(x, 1, 3, "t", &err), MEWL_OK);
    const int labels[] = {0, 1, 3};
    assert_int_equal(mewl_table_check_labels(labels, 3, 3, &err), MEWL_E_ARG);
    assert_int_equal(mewl_table_check_labels(labels, 2, 3, &err), MEWL_E_ARG);
    assert_non_null(strstr(err.text, "class 2"));
    assert_int_equal(mewl_table_check_labels(labels, 2, 1, &err), MEWL_E_ARG);
    assert_int_equal(mewl_table_check_labels(labels, 2, 2, &err), MEWL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cholesky),
        cmocka_unit_test(test_log_det_by_hand),
        cmocka_unit_test(test_eigen),
        cmocka_unit_test(test_mean_and_scatter_by_hand),
        cmocka_unit_test(test_rows_by_group),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_odd_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
