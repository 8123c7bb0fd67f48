#include "learn/covariance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Trace S / dims. */
static double mean_variance(const double *covariance, size_t dims)
{
    double mu = 0;
    for (size_t i = 0; i < dims; i++) {
        mu += covariance[i * dims + i] / (double)dims;
    }
    return mu;
}

/* (1 - share) S + share mu I, in place. */
static void shrink_by(double *covariance, double share, size_t dims)
{
    double mu = mean_variance(covariance, dims);
    for (size_t i = 0; i < dims * dims; i++) {
        covariance[i] *= 1 - share;
    }
    for (size_t i = 0; i < dims; i++) {
        covariance[i * dims + i] += share * mu;
    }
}

/* The best share for the covariance S (divisor n) of centred rows: min(beta, delta) / delta with delta =
 * |S - mu I|^2 / dims and beta = (sum over rows of |x|^4 / n - |S|^2) / (dims n), |.| Frobenius' norm. */
static double best_share(const double *covariance, const double *centred, size_t rows, size_t dims)
{
    double n = (double)rows;
    double d = (double)dims;
    double mu = mean_variance(covariance, dims);
    double square = 0;
    for (size_t i = 0; i < dims * dims; i++) {
        square += covariance[i] * covariance[i];
    }
    double fourth = 0;
    for (size_t i = 0; i < rows; i++) {
        double length = mewl_table_dot(centred + i * dims, centred + i * dims, dims);
        fourth += length * length;
    }
    double delta = (square - d * mu * mu) / d;
    double beta = fmin((fourth / n - square) / (d * n), delta);
    return delta > 0 && beta > 0 ? beta / delta : 0;
}

mewl_status mewl_ledoit_wolf(double *covariance, double *mean, double *shrinkage, const double *x, size_t rows,
                             size_t dims, mewl_error *err)
{
    MEWL_TRY(mewl_table_check(x, rows, dims, "covariance", err));
    double *centred = malloc(rows * dims * sizeof *centred);
    if (centred == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a covariance of %zu rows of %zu", rows, dims);
    }
    memcpy(centred, x, rows * dims * sizeof *centred);
    if (mean != NULL) {
        mewl_table_mean(mean, x, NULL, rows, dims);
        for (size_t i = 0; i < rows * dims; i++) {
            centred[i] -= mean[i % dims];
        }
    }
    mewl_table_scatter(covariance, centred, NULL, NULL, rows, dims, (double)rows);
    double share = best_share(covariance, centred, rows, dims);
    shrink_by(covariance, share, dims);
    if (shrinkage != NULL) {
        *shrinkage = share;
    }
    free(centred);
    return MEWL_OK;
}

/* Differences to their group's mean of all rows in groups of two or more; returns how many, and the groups. */
static size_t centre_in_groups(double *centred, size_t *groups, const double *x, const size_t *order,
                               const size_t *start, size_t dims)
{
    size_t kept = 0;
    size_t found = *groups;
    *groups = 0;
    for (size_t g = 0; g < found; g++) {
        size_t count = start[g + 1] - start[g];
        double *own = centred + kept * dims;
        double *mean = own + count * dims; /* one row beyond: overwritten by the next group */
        if (count < 2) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            memcpy(own + i * dims, x + order[start[g] + i] * dims, dims * sizeof *own);
        }
        mewl_table_mean(mean, own, NULL, count, dims);
        for (size_t i = 0; i < count * dims; i++) {
            own[i] -= mean[i % dims];
        }
        kept += count;
        ++*groups;
    }
    return kept;
}

/* given: the share of shrinkage, or NAN for the best one. */
static mewl_status within(double *covariance, double *shrinkage, double given, const double *x, const size_t *group,
                          size_t rows, size_t dims, mewl_error *err)
{
    MEWL_TRY(mewl_table_check(x, rows, dims, "covariance within groups", err));
    size_t *order = malloc(rows * sizeof *order);
    size_t *start = malloc((rows + 1) * sizeof *start);
    double *centred = malloc((rows + 1) * dims * sizeof *centred);
    mewl_status status = MEWL_OK;
    if (order == NULL || start == NULL || centred == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a covariance of %zu rows of %zu", rows, dims);
    } else {
        size_t groups = mewl_table_order_groups(order, start, group, rows);
        size_t kept = centre_in_groups(centred, &groups, x, order, start, dims);
        if (kept == 0) {
            status = mewl_error_set(err, MEWL_E_EMPTY, "covariance within groups: no group has two rows");
        } else {
            mewl_table_scatter(covariance, centred, NULL, NULL, kept, dims, (double)kept);
            double share = isnan(given) ? best_share(covariance, centred, kept, dims) : given;
            shrink_by(covariance, share, dims);
            double scale = (double)kept / (double)(kept - groups);
            for (size_t i = 0; i < dims * dims; i++) {
                covariance[i] *= scale;
            }
            if (shrinkage != NULL) {
                *shrinkage = share;
            }
        }
    }
    free(order);
    free(start);
    free(centred);
    return status;
}

mewl_status mewl_within_covariance(double *covariance, double *shrinkage, const double *x, const size_t *group,
                                   size_t rows, size_t dims, mewl_error *err)
{
    return within(covariance, shrinkage, NAN, x, group, rows, dims, err);
}

mewl_status mewl_within_covariance_with(double *covariance, double share, const double *x, const size_t *group,
                                        size_t rows, size_t dims, mewl_error *err)
{
    if (!(share >= 0 && share <= 1)) {
        return mewl_error_set(err, MEWL_E_ARG, "a share of shrinkage of %g: 0 to 1 is possible", share);
    }
    return within(covariance, NULL, share, x, group, rows, dims, err);
}

void mewl_mahalanobis_fini(mewl_mahalanobis *m)
{
    if (m == NULL) {
        return;
    }
    free(m->mean);
    free(m->factor);
    memset(m, 0, sizeof *m);
}

mewl_status mewl_mahalanobis_init(mewl_mahalanobis *out, const double *mean, const double *covariance, size_t dims,
                                  mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(mewl_table_check(mean, 1, dims, "Mahalanobis' distance", err));
    out->dims = dims;
    out->mean = malloc(dims * sizeof *out->mean);
    out->factor = malloc(dims * dims * sizeof *out->factor);
    mewl_status status = MEWL_OK;
    if (out->mean == NULL || out->factor == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a covariance of %zu columns", dims);
    } else {
        memcpy(out->mean, mean, dims * sizeof *out->mean);
        memcpy(out->factor, covariance, dims * dims * sizeof *out->factor);
        status = mewl_cholesky(out->factor, dims, err);
    }
    if (status != MEWL_OK) {
        mewl_mahalanobis_fini(out);
        return status;
    }
    out->log_det = mewl_cholesky_log_det(out->factor, dims);
    return MEWL_OK;
}

double mewl_mahalanobis_squared(const mewl_mahalanobis *m, const double *x)
{
    double away[MEWL_LEARN_DIMS_MAX];
    for (size_t j = 0; j < m->dims; j++) {
        away[j] = x[j] - m->mean[j];
    }
    mewl_cholesky_forward(m->factor, away, m->dims);
    return mewl_table_dot(away, away, m->dims);
}

void mewl_mahalanobis_save(const mewl_mahalanobis *m, mewl_buffer *out)
{
    mewl_bytes_put_head(out, "MAHA", 1);
    mewl_bytes_put_u64(out, m->dims);
    mewl_bytes_put_f64s(out, m->mean, m->dims);
    mewl_bytes_put_f64s(out, m->factor, m->dims * m->dims);
}

static mewl_status read_mahalanobis(mewl_mahalanobis *out, mewl_bytes *in, mewl_error *err)
{
    MEWL_TRY(mewl_bytes_get_head(in, NULL, "MAHA", 1, err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->dims, 1, MEWL_LEARN_DIMS_MAX, "the number of columns", err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->mean, out->dims, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->factor, out->dims * out->dims, err));
    for (size_t j = 0; j < out->dims; j++) {
        if (!(out->factor[j * out->dims + j] > 0)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: no factor of a covariance", in->name);
        }
    }
    out->log_det = mewl_cholesky_log_det(out->factor, out->dims);
    return MEWL_OK;
}

mewl_status mewl_mahalanobis_load(mewl_mahalanobis *out, mewl_bytes *in, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    mewl_status status = read_mahalanobis(out, in, err);
    if (status != MEWL_OK) {
        mewl_mahalanobis_fini(out);
    }
    return status;
}
