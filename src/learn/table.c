#include "learn/table.h"

#include <lapacke.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

mewl_status mewl_table_check(const double *x, size_t rows, size_t dims, const char *name, mewl_error *err)
{
    if (rows == 0 || dims == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: there is nothing to learn from (%zu rows of %zu)", name, rows,
                              dims);
    }
    if (rows > MEWL_LEARN_ROWS_MAX || dims > MEWL_LEARN_DIMS_MAX || rows > MEWL_LEARN_VALUES_MAX / dims) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: %zu rows of %zu are more than a model learns from", name, rows,
                              dims);
    }
    for (size_t i = 0; i < rows * dims; i++) {
        if (!isfinite(x[i])) {
            return mewl_error_set(err, MEWL_E_ARG, "%s: row %zu, column %zu is not a number", name, i / dims, i % dims);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_table_check_labels(const int *labels, size_t rows, size_t classes, mewl_error *err)
{
    if (classes < 2 || classes > MEWL_LEARN_CLASSES_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu classes: a classifier needs 2 to %zu", classes,
                              MEWL_LEARN_CLASSES_MAX);
    }
    size_t seen[MEWL_LEARN_CLASSES_MAX] = {0};
    for (size_t i = 0; i < rows; i++) {
        if (labels[i] < 0 || (size_t)labels[i] >= classes) {
            return mewl_error_set(err, MEWL_E_ARG, "row %zu: label %d is not one of %zu classes", i, labels[i],
                                  classes);
        }
        seen[labels[i]]++;
    }
    for (size_t k = 0; k < classes; k++) {
        if (seen[k] == 0) {
            return mewl_error_set(err, MEWL_E_ARG, "class %zu of %zu has no row to learn from", k, classes);
        }
    }
    return MEWL_OK;
}

void mewl_table_widen(double *out, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (double)values[i];
    }
}

/* Eight running sums, so that the compiler may use vectors without being told that order does not matter. */
double mewl_table_dot(const double *a, const double *b, size_t count)
{
    double sum[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (size_t k = 0; k < 8; k++) {
            sum[k] += a[i + k] * b[i + k];
        }
    }
    double rest = 0;
    for (; i < count; i++) {
        rest += a[i] * b[i];
    }
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7])) + rest;
}

double mewl_table_squared_distance(const double *a, const double *b, size_t count)
{
    double sum[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (size_t k = 0; k < 8; k++) {
            double d = a[i + k] - b[i + k];
            sum[k] += d * d;
        }
    }
    double rest = 0;
    for (; i < count; i++) {
        rest += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7])) + rest;
}

void mewl_table_normalise(double *x, size_t rows, size_t dims)
{
    for (size_t i = 0; i < rows; i++) {
        double norm = sqrt(mewl_table_dot(x + i * dims, x + i * dims, dims));
        for (size_t j = 0; j < dims && norm > 0; j++) {
            x[i * dims + j] /= norm;
        }
    }
}

void mewl_table_mean(double *mean, const double *x, const double *weights, size_t rows, size_t dims)
{
    memset(mean, 0, dims * sizeof *mean);
    double total = 0;
    for (size_t i = 0; i < rows; i++) {
        double w = weights == NULL ? 1.0 : weights[i];
        total += w;
        for (size_t j = 0; j < dims; j++) {
            mean[j] += w * x[i * dims + j];
        }
    }
    for (size_t j = 0; j < dims; j++) {
        mean[j] /= total;
    }
}

void mewl_table_scatter(double *out, const double *x, const double *mean, const double *weights, size_t rows,
                        size_t dims, double divisor)
{
    memset(out, 0, dims * dims * sizeof *out);
    double row[MEWL_LEARN_DIMS_MAX];
    for (size_t i = 0; i < rows; i++) {
        double w = weights == NULL ? 1.0 : weights[i];
        if (w == 0) {
            continue;
        }
        for (size_t j = 0; j < dims; j++) {
            row[j] = x[i * dims + j] - (mean == NULL ? 0 : mean[j]);
        }
        for (size_t j = 0; j < dims; j++) {
            double part = w * row[j];
            double *to = out + j * dims;
            for (size_t k = 0; k <= j; k++) {
                to[k] += part * row[k];
            }
        }
    }
    for (size_t j = 0; j < dims; j++) {
        for (size_t k = 0; k <= j; k++) {
            out[j * dims + k] /= divisor;
            out[k * dims + j] = out[j * dims + k];
        }
    }
}

static int by_group(const void *a, const void *b, void *user)
{
    const size_t *group = user;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    if (group[x] != group[y]) {
        return group[x] < group[y] ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

size_t mewl_table_order_groups(size_t *order, size_t *start, const size_t *group, size_t rows)
{
    size_t groups = 0;
    for (size_t i = 0; i < rows; i++) {
        order[i] = i;
    }
    qsort_r(order, rows, sizeof *order, by_group, (void *)(uintptr_t)group);
    for (size_t i = 0; i < rows; i++) {
        if (i == 0 || group[order[i]] != group[order[i - 1]]) {
            start[groups++] = i;
        }
    }
    start[groups] = rows;
    return groups;
}

/* LAPACK's upper triangle in columns is our lower one in rows. */
mewl_status mewl_cholesky(double *a, size_t n, mewl_error *err)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            if (!isfinite(a[i * n + j])) {
                return mewl_error_set(err, MEWL_E_ARG, "a covariance holds a value that is not a number");
            }
        }
    }
    if (n == 0 || n > MEWL_LEARN_DIMS_MAX || LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', (int)n, a, (int)n) != 0) {
        return mewl_error_set(err, MEWL_E_ARG, "a covariance of %zu columns is not positive definite", n);
    }
    for (size_t i = 0; i < n; i++) {
        memset(a + i * n + i + 1, 0, (n - i - 1) * sizeof *a);
    }
    return MEWL_OK;
}

void mewl_cholesky_forward(const double *l, double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b[i] = (b[i] - mewl_table_dot(l + i * n, b, i)) / l[i * n + i];
    }
}

void mewl_cholesky_solve(const double *l, double *b, size_t n, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        double *x = b + k * n;
        mewl_cholesky_forward(l, x, n);
        for (size_t i = n; i-- > 0;) {
            x[i] /= l[i * n + i];
            for (size_t j = 0; j < i; j++) {
                x[j] -= l[i * n + j] * x[i];
            }
        }
    }
}

double mewl_cholesky_log_det(const double *l, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += log(l[i * n + i]);
    }
    return 2 * sum;
}

/* Falling order, and the sign that makes the largest element positive. LAPACK's columns are our rows. */
static void arrange_eigen(double *values, double *vectors, const double *rising, const double *columns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double *from = columns + (n - 1 - i) * n;
        size_t largest = 0;
        for (size_t j = 1; j < n; j++) {
            largest = fabs(from[j]) > fabs(from[largest]) ? j : largest;
        }
        values[i] = rising[n - 1 - i];
        for (size_t j = 0; j < n; j++) {
            vectors[i * n + j] = from[largest] < 0 ? -from[j] : from[j];
        }
    }
}

mewl_status mewl_eigen(double *values, double *vectors, double *a, size_t n, mewl_error *err)
{
    if (n == 0 || n > MEWL_LEARN_DIMS_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "a matrix of %zu columns has no eigenvectors here", n);
    }
    size_t work_size = 1 + 6 * n + 2 * n * n;
    size_t whole_size = 3 + 5 * n;
    double *work = malloc((work_size + n) * sizeof *work);
    lapack_int *whole = malloc(whole_size * sizeof *whole);
    if (work == NULL || whole == NULL) {
        free(work);
        free(whole);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the eigenvectors of %zu columns", n);
    }
    double *rising = work + work_size;
    lapack_int info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', (int)n, a, (int)n, rising, work, (int)work_size,
                                          whole, (int)whole_size);
    if (info == 0) {
        arrange_eigen(values, vectors, rising, a, n);
    }
    free(work);
    free(whole);
    return info == 0 ? MEWL_OK : mewl_error_set(err, MEWL_E_LIBRARY, "LAPACK found no eigenvectors (%d)", (int)info);
}
