#include "learn/gmm.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOG_2PI 1.8378770664093453
#define KMEANS_ITERATIONS 100

void mewl_gmm_fini(mewl_gmm *gmm)
{
    if (gmm == NULL) {
        return;
    }
    free(gmm->weight);
    free(gmm->mean);
    free(gmm->factor);
    free(gmm->log_det);
    memset(gmm, 0, sizeof *gmm);
}

/* Numbers in `factor` and in `log_det`. */
static size_t factor_size(size_t components, size_t dims, mewl_gmm_covariance kind)
{
    return kind == MEWL_GMM_FULL ? components * dims * dims : kind == MEWL_GMM_TIED ? dims * dims : components * dims;
}

static size_t log_det_size(size_t components, mewl_gmm_covariance kind)
{
    return kind == MEWL_GMM_TIED ? 1 : components;
}

static mewl_status gmm_init(mewl_gmm *g, size_t components, size_t dims, mewl_gmm_covariance kind, mewl_error *err)
{
    *g = (mewl_gmm){.components = components, .dims = dims, .covariance = kind, .lower_bound = -INFINITY};
    g->weight = calloc(components, sizeof *g->weight);
    g->mean = calloc(components * dims, sizeof *g->mean);
    g->factor = calloc(factor_size(components, dims, kind), sizeof *g->factor);
    g->log_det = calloc(log_det_size(components, kind), sizeof *g->log_det);
    if (g->weight == NULL || g->mean == NULL || g->factor == NULL || g->log_det == NULL) {
        mewl_gmm_fini(g);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a mixture of %zu in %zu dimensions", components, dims);
    }
    return MEWL_OK;
}

/* Turns the covariances in `factor` into factors: shrinks, adds reg_covar, decomposes. */
static mewl_status factor_covariances(mewl_gmm *g, double shrinkage, double reg_covar, mewl_error *err)
{
    size_t d = g->dims;
    size_t matrices = g->covariance == MEWL_GMM_TIED ? 1 : g->components;
    bool diagonal = g->covariance == MEWL_GMM_DIAGONAL;
    for (size_t k = 0; k < matrices; k++) {
        double *c = g->factor + k * (diagonal ? d : d * d);
        size_t step = diagonal ? 1 : d + 1; /* from one variance to the next */
        double trace = 0;
        for (size_t j = 0; j < d; j++) {
            trace += c[j * step];
        }
        for (size_t j = 0; j < (diagonal ? d : d * d) && shrinkage > 0; j++) {
            c[j] *= 1 - shrinkage;
        }
        for (size_t j = 0; j < d; j++) {
            c[j * step] += shrinkage * trace / (double)d + reg_covar;
        }
        if (!diagonal) {
            MEWL_TRY(mewl_cholesky(c, d, err));
            g->log_det[k] = mewl_cholesky_log_det(c, d);
            continue;
        }
        g->log_det[k] = 0;
        for (size_t j = 0; j < d; j++) {
            if (!(c[j] > 0)) {
                return mewl_error_set(err, MEWL_E_ARG, "mixture: component %zu has no variance in column %zu", k, j);
            }
            g->log_det[k] += log(c[j]);
            c[j] = sqrt(c[j]);
        }
    }
    return MEWL_OK;
}

/* ln (weight N(x)) of each component; returns ln of their sum. */
static double component_logs(const mewl_gmm *g, double *out, const double *x)
{
    double away[MEWL_LEARN_DIMS_MAX];
    double top = -INFINITY;
    for (size_t k = 0; k < g->components; k++) {
        const double *mean = g->mean + k * g->dims;
        for (size_t j = 0; j < g->dims; j++) {
            away[j] = x[j] - mean[j];
        }
        if (g->covariance == MEWL_GMM_DIAGONAL) {
            for (size_t j = 0; j < g->dims; j++) {
                away[j] /= g->factor[k * g->dims + j];
            }
        } else {
            size_t at = g->covariance == MEWL_GMM_TIED ? 0 : k;
            mewl_cholesky_forward(g->factor + at * g->dims * g->dims, away, g->dims);
        }
        double log_det = g->log_det[g->covariance == MEWL_GMM_TIED ? 0 : k];
        double square = mewl_table_dot(away, away, g->dims);
        out[k] = log(g->weight[k]) - 0.5 * ((double)g->dims * LOG_2PI + square + log_det);
        top = fmax(top, out[k]);
    }
    double sum = 0;
    for (size_t k = 0; k < g->components; k++) {
        sum += exp(out[k] - top);
    }
    return top + log(sum);
}

double mewl_gmm_log_likelihood(const mewl_gmm *gmm, const double *x)
{
    double logs[MEWL_GMM_COMPONENTS_MAX];
    return component_logs(gmm, logs, x);
}

double mewl_gmm_responsibilities(const mewl_gmm *gmm, double *share, const double *x)
{
    double total = component_logs(gmm, share, x);
    for (size_t k = 0; k < gmm->components; k++) {
        share[k] = exp(share[k] - total);
    }
    return total;
}

/* M-step: weights, means and covariances from responsibilities, stored by component: share[k * rows + i]. */
static mewl_status maximise(mewl_gmm *g, const double *x, const double *share, size_t rows, mewl_gmm_opts opts,
                            mewl_error *err)
{
    size_t d = g->dims;
    double total = 0;
    bool tied = g->covariance == MEWL_GMM_TIED;
    double *sum = tied ? calloc(d * d, sizeof *sum) : NULL;
    if (tied && sum == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a covariance of %zu columns", d);
    }
    for (size_t k = 0; k < g->components; k++) {
        const double *own = share + k * rows;
        double *mean = g->mean + k * d;
        double count = 10 * DBL_EPSILON; /* as sklearn: a component may lose all its rows */
        memset(mean, 0, d * sizeof *mean);
        for (size_t i = 0; i < rows; i++) {
            count += own[i];
            for (size_t j = 0; j < d && own[i] > 0; j++) {
                mean[j] += own[i] * x[i * d + j];
            }
        }
        for (size_t j = 0; j < d; j++) {
            mean[j] /= count;
        }
        g->weight[k] = count;
        total += count;
        if (g->covariance == MEWL_GMM_DIAGONAL) {
            double *variance = g->factor + k * d;
            memset(variance, 0, d * sizeof *variance);
            for (size_t i = 0; i < rows; i++) {
                for (size_t j = 0; j < d && own[i] > 0; j++) {
                    double away = x[i * d + j] - mean[j];
                    variance[j] += own[i] * away * away / count;
                }
            }
            continue;
        }
        double *matrix = g->factor + (tied ? 0 : k * d * d);
        mewl_table_scatter(matrix, x, mean, own, rows, d, tied ? 1 : count);
        for (size_t j = 0; tied && j < d * d; j++) {
            sum[j] += matrix[j];
        }
    }
    for (size_t j = 0; tied && j < d * d; j++) {
        g->factor[j] = sum[j] / total;
    }
    free(sum);
    for (size_t k = 0; k < g->components; k++) {
        g->weight[k] /= total;
    }
    return factor_covariances(g, opts.shrinkage, opts.reg_covar, err);
}

/* E-step; returns the mean log-likelihood. */
static double expect(const mewl_gmm *g, double *share, const double *x, size_t rows)
{
    double part[MEWL_GMM_COMPONENTS_MAX];
    double sum = 0;
    for (size_t i = 0; i < rows; i++) {
        sum += mewl_gmm_responsibilities(g, part, x + i * g->dims);
        for (size_t k = 0; k < g->components; k++) {
            share[k * rows + i] = part[k];
        }
    }
    return sum / (double)rows;
}

static mewl_status climb(mewl_gmm *g, double *share, const double *x, size_t rows, mewl_gmm_opts opts, mewl_error *err)
{
    for (g->iterations = 0; g->iterations < opts.iterations && !g->converged;) {
        double bound = expect(g, share, x, rows);
        MEWL_TRY(maximise(g, x, share, rows, opts, err));
        g->converged = fabs(bound - g->lower_bound) < opts.tolerance;
        g->lower_bound = bound;
        g->iterations++;
    }
    return MEWL_OK;
}

static mewl_status check_options(mewl_gmm_opts *opts, const double *x, size_t rows, size_t dims, mewl_error *err)
{
    opts->reg_covar = opts->reg_covar == 0 ? 1e-6 : opts->reg_covar;
    opts->tolerance = opts->tolerance == 0 ? 1e-3 : opts->tolerance;
    opts->iterations = opts->iterations == 0 ? 100 : opts->iterations;
    opts->starts = opts->starts == 0 ? 1 : opts->starts;
    MEWL_TRY(mewl_table_check(x, rows, dims, "mixture", err));
    if (opts->components == 0 || opts->components > MEWL_GMM_COMPONENTS_MAX || opts->covariance > MEWL_GMM_DIAGONAL ||
        !(opts->reg_covar > 0) || !isfinite(opts->reg_covar) || !(opts->shrinkage >= 0) || opts->shrinkage > 1 ||
        !(opts->tolerance > 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "mixture of %zu: reg_covar %g, shrinkage %g, tolerance %g",
                              opts->components, opts->reg_covar, opts->shrinkage, opts->tolerance);
    }
    if (rows < opts->components) {
        return mewl_error_set(err, MEWL_E_SHAPE, "mixture: %zu rows are fewer than %zu components", rows,
                              opts->components);
    }
    if (rows > MEWL_LEARN_VALUES_MAX / opts->components ||
        factor_size(opts->components, dims, opts->covariance) > MEWL_LEARN_VALUES_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "mixture: %zu components of %zu columns are too large",
                              opts->components, dims);
    }
    return MEWL_OK;
}

/* One start: k-means' assignment as responsibilities, one step, then the climb. */
static mewl_status fit_once(mewl_gmm *out, double *share, size_t *assignment, const double *x, size_t rows, size_t dims,
                            mewl_gmm_opts opts, uint64_t seed, mewl_error *err)
{
    MEWL_TRY(gmm_init(out, opts.components, dims, opts.covariance, err));
    mewl_status status =
        mewl_kmeans(out->mean, assignment, NULL, x, rows, dims, opts.components, KMEANS_ITERATIONS, seed, err);
    if (status == MEWL_OK) {
        memset(share, 0, rows * opts.components * sizeof *share);
        for (size_t i = 0; i < rows; i++) {
            share[assignment[i] * rows + i] = 1;
        }
        status = maximise(out, x, share, rows, opts, err);
    }
    if (status == MEWL_OK) {
        status = climb(out, share, x, rows, opts, err);
    }
    if (status != MEWL_OK) {
        mewl_gmm_fini(out);
    }
    return status;
}

mewl_status mewl_gmm_fit(mewl_gmm *out, const double *x, size_t rows, size_t dims, mewl_gmm_opts opts, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(check_options(&opts, x, rows, dims, err));
    double *share = malloc(rows * opts.components * sizeof *share);
    size_t *assignment = malloc(rows * sizeof *assignment);
    mewl_status status = MEWL_OK;
    if (share == NULL || assignment == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a mixture of %zu rows", rows);
    }
    for (size_t start = 0; start < opts.starts && status == MEWL_OK; start++) {
        mewl_gmm next;
        status = fit_once(&next, share, assignment, x, rows, dims, opts, opts.seed + start, err);
        if (status == MEWL_OK && (start == 0 || next.lower_bound > out->lower_bound)) {
            mewl_gmm_fini(out);
            *out = next;
        } else if (status == MEWL_OK) {
            mewl_gmm_fini(&next);
        }
    }
    free(share);
    free(assignment);
    if (status != MEWL_OK) {
        mewl_gmm_fini(out);
    }
    return status;
}

/* A given start is factored as it is: nothing is shrunk or added, as in sklearn. */
mewl_status mewl_gmm_fit_from(mewl_gmm *out, const double *x, size_t rows, size_t dims, mewl_gmm_opts opts,
                              const double *weights, const double *means, const double *covariances, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(check_options(&opts, x, rows, dims, err));
    MEWL_TRY(mewl_table_check(means, opts.components, dims, "means of a mixture", err));
    MEWL_TRY(mewl_table_check(weights, opts.components, 1, "weights of a mixture", err));
    MEWL_TRY(gmm_init(out, opts.components, dims, opts.covariance, err));
    double *share = malloc(rows * opts.components * sizeof *share);
    mewl_status status = MEWL_OK;
    if (share == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a mixture of %zu rows", rows);
    } else {
        memcpy(out->weight, weights, opts.components * sizeof *weights);
        memcpy(out->mean, means, opts.components * dims * sizeof *means);
        memcpy(out->factor, covariances, factor_size(opts.components, dims, opts.covariance) * sizeof *covariances);
        status = factor_covariances(out, 0, 0, err);
    }
    if (status == MEWL_OK) {
        status = climb(out, share, x, rows, opts, err);
    }
    free(share);
    if (status != MEWL_OK) {
        mewl_gmm_fini(out);
    }
    return status;
}

size_t mewl_gmm_parameters(const mewl_gmm *gmm)
{
    size_t d = gmm->dims;
    size_t matrix = d * (d + 1) / 2;
    size_t covariance = gmm->covariance == MEWL_GMM_FULL   ? gmm->components * matrix
                        : gmm->covariance == MEWL_GMM_TIED ? matrix
                                                           : gmm->components * d;
    return covariance + gmm->components * d + gmm->components - 1;
}

double mewl_gmm_bic(const mewl_gmm *gmm, const double *x, size_t rows)
{
    double sum = 0;
    for (size_t i = 0; i < rows; i++) {
        sum += mewl_gmm_log_likelihood(gmm, x + i * gmm->dims);
    }
    return -2 * sum + (double)mewl_gmm_parameters(gmm) * log((double)rows);
}

void mewl_gmm_save(const mewl_gmm *gmm, mewl_buffer *out)
{
    mewl_bytes_put_head(out, "GMM ", 1);
    mewl_bytes_put_u64(out, gmm->components);
    mewl_bytes_put_u64(out, gmm->dims);
    mewl_bytes_put_u32(out, (uint32_t)gmm->covariance);
    mewl_bytes_put_u32(out, gmm->converged ? 1 : 0);
    mewl_bytes_put_u64(out, gmm->iterations);
    mewl_bytes_put_f64(out, gmm->lower_bound);
    mewl_bytes_put_f64s(out, gmm->weight, gmm->components);
    mewl_bytes_put_f64s(out, gmm->mean, gmm->components * gmm->dims);
    mewl_bytes_put_f64s(out, gmm->factor, factor_size(gmm->components, gmm->dims, gmm->covariance));
}

/* ln det from factors that were read, refusing those that are none. */
static mewl_status recount(mewl_gmm *g, const char *name, mewl_error *err)
{
    bool diagonal = g->covariance == MEWL_GMM_DIAGONAL;
    size_t step = diagonal ? 1 : g->dims + 1;
    for (size_t k = 0; k < log_det_size(g->components, g->covariance); k++) {
        const double *f = g->factor + k * (diagonal ? g->dims : g->dims * g->dims);
        g->log_det[k] = 0;
        for (size_t j = 0; j < g->dims; j++) {
            if (!(f[j * step] > 0)) {
                return mewl_error_set(err, MEWL_E_FORMAT, "%s: component %zu has no covariance", name, k);
            }
            g->log_det[k] += 2 * log(f[j * step]);
        }
    }
    for (size_t k = 0; k < g->components; k++) {
        if (!(g->weight[k] >= 0)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: component %zu has a weight below 0", name, k);
        }
    }
    return MEWL_OK;
}

static mewl_status read_gmm(mewl_gmm *out, mewl_bytes *in, mewl_error *err)
{
    uint32_t kind = 0;
    uint32_t converged = 0;
    MEWL_TRY(mewl_bytes_get_head(in, NULL, "GMM ", 1, err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->components, 1, MEWL_GMM_COMPONENTS_MAX, "the number of components", err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->dims, 1, MEWL_LEARN_DIMS_MAX, "the number of columns", err));
    MEWL_TRY(mewl_bytes_get_u32(in, &kind, err));
    MEWL_TRY(mewl_bytes_get_u32(in, &converged, err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->iterations, 0, SIZE_MAX, "the number of iterations", err));
    MEWL_TRY(mewl_bytes_get_f64(in, &out->lower_bound, err));
    if (kind > MEWL_GMM_DIAGONAL) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a mixture of the unknown kind %u", in->name, (unsigned)kind);
    }
    out->covariance = (mewl_gmm_covariance)kind;
    out->converged = converged != 0;
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->weight, out->components, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->mean, out->components * out->dims, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->factor, factor_size(out->components, out->dims, out->covariance), err));
    out->log_det = calloc(out->components, sizeof *out->log_det);
    return out->log_det == NULL ? mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory", in->name)
                                : recount(out, in->name, err);
}

mewl_status mewl_gmm_load(mewl_gmm *out, mewl_bytes *in, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    mewl_status status = read_gmm(out, in, err);
    if (status != MEWL_OK) {
        mewl_gmm_fini(out);
    }
    return status;
}
