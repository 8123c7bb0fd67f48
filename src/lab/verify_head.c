/* verify_head.c - a linear head for identity: whitening by how much one individual varies, then the directions in which
 * individuals differ. Learned in closed form: with a few recordings of a few hundred individuals there is no more to be
 * had from gradient steps. */
#include "lab/verify.h"

#include <stdlib.h>
#include <string.h>

#include "learn/covariance.h"
#include "learn/pca.h"

#define OFFSET_WEIGHT 100.0 /* how strongly the offset of a data set counts as variation within an individual */

void mewl_verify_head_fini(mewl_verify_head *head)
{
    free(head->weight);
    free(head->mean);
    memset(head, 0, sizeof *head);
}

void mewl_verify_head_apply(const mewl_verify_head *head, double *out, const double *x)
{
    for (size_t k = 0; k < head->size; k++) {
        double sum = 0;
        for (size_t d = 0; d < head->dims; d++) {
            sum += head->weight[k * head->dims + d] * (x[d] - head->mean[d]);
        }
        out[k] = sum;
    }
}

static void add_mean(double *mean, const double *x, const size_t *set, size_t wanted, size_t rows, size_t dims,
                     size_t *count)
{
    memset(mean, 0, dims * sizeof *mean);
    *count = 0;
    for (size_t r = 0; r < rows; r++) {
        if (set == NULL || set[r] == wanted) {
            for (size_t d = 0; d < dims; d++) {
                mean[d] += x[r * dims + d];
            }
            (*count)++;
        }
    }
    for (size_t d = 0; d<dims && * count> 0; d++) {
        mean[d] /= (double)*count;
    }
}

/* Adds the offsets of the data sets from the common mean to the covariance, heavily: directions in which only whole
 * sets differ are whitened away. */
static void add_offsets(double *covariance, double *offset, const mewl_verify_head *head, const double *x,
                        const size_t *set, size_t rows)
{
    size_t dims = head->dims, sets = 0, count;
    for (size_t r = 0; r < rows; r++) {
        sets = set[r] + 1 > sets ? set[r] + 1 : sets;
    }
    for (size_t s = 0; s < sets; s++) {
        add_mean(offset, x, set, s, rows, dims, &count);
        for (size_t i = 0; i < dims && count > 0; i++) {
            for (size_t k = 0; k < dims; k++) {
                covariance[i * dims + k] += OFFSET_WEIGHT * (offset[i] - head->mean[i]) * (offset[k] - head->mean[k]);
            }
        }
    }
}

/* x = L^-1 (x - mean), in place. */
static void whiten(const mewl_mahalanobis *m, double *x)
{
    for (size_t i = 0; i < m->dims; i++) {
        double sum = x[i] - m->mean[i];
        for (size_t k = 0; k < i; k++) {
            sum -= m->factor[i * m->dims + k] * x[k];
        }
        x[i] = sum / m->factor[i * m->dims + i];
    }
}

/* w = L^-T w, in place: a direction among whitened rows as weights of the rows themselves. */
static void unwhiten(const mewl_mahalanobis *m, double *w)
{
    for (size_t i = m->dims; i-- > 0;) {
        double sum = w[i];
        for (size_t k = i + 1; k < m->dims; k++) {
            sum -= m->factor[k * m->dims + i] * w[k];
        }
        w[i] = sum / m->factor[i * m->dims + i];
    }
}

static mewl_status reduce(mewl_verify_head *out, const mewl_mahalanobis *m, const double *x, size_t rows,
                          mewl_error *err)
{
    size_t dims = out->dims;
    double *white = malloc(rows * dims * sizeof *white);
    mewl_pca pca = {0};
    if (white == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a head");
    }
    memcpy(white, x, rows * dims * sizeof *white);
    for (size_t r = 0; r < rows; r++) {
        whiten(m, white + r * dims);
    }
    mewl_status status = mewl_pca_fit(&pca, white, rows, dims, MEWL_VERIFY_HEAD_SIZE, false, err);
    free(white);
    MEWL_TRY(status);
    out->size = pca.components;
    out->weight = malloc(out->size * dims * sizeof *out->weight);
    if (out->weight == NULL) {
        mewl_pca_fini(&pca);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a head");
    }
    memcpy(out->weight, pca.direction, out->size * dims * sizeof *out->weight);
    mewl_pca_fini(&pca);
    for (size_t k = 0; k < out->size; k++) {
        unwhiten(m, out->weight + k * dims);
    }
    return MEWL_OK;
}

mewl_status mewl_verify_head_fit(mewl_verify_head *out, const double *x, const size_t *group, const size_t *set,
                                 size_t rows, size_t dims, mewl_error *err)
{
    *out = (mewl_verify_head){.dims = dims};
    size_t count;
    double shrinkage;
    mewl_mahalanobis m = {0};
    double *covariance = calloc(dims * dims, sizeof *covariance), *offset = calloc(dims, sizeof *offset);
    out->mean = calloc(dims, sizeof *out->mean);
    mewl_status status = covariance != NULL && offset != NULL && out->mean != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a head");
    if (status == MEWL_OK) {
        add_mean(out->mean, x, NULL, 0, rows, dims, &count);
        status = mewl_within_covariance(covariance, &shrinkage, x, group, rows, dims, err);
    }
    if (status == MEWL_OK) {
        add_offsets(covariance, offset, out, x, set, rows);
        status = mewl_mahalanobis_init(&m, out->mean, covariance, dims, err);
    }
    if (status == MEWL_OK) {
        status = reduce(out, &m, x, rows, err);
    }
    mewl_mahalanobis_fini(&m);
    free(covariance);
    free(offset);
    if (status != MEWL_OK) {
        mewl_verify_head_fini(out);
    }
    return status;
}
