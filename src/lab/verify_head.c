/* verify_head.c - a linear head for identity: whitening by how much one individual varies, then the directions in which
 * individuals differ. Learned in closed form: with a few recordings of a few hundred individuals there is no more to be
 * had from gradient steps. */
#include "lab/verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/covariance.h"
#include "learn/pca.h"
#include "learn/table.h"

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
    for (size_t p = 0; p < head->part_count; p++) {
        double *part = out + head->parts[p].from, squares = 0;
        for (size_t k = 0; k < head->parts[p].size; k++) {
            squares += part[k] * part[k];
        }
        for (size_t k = 0; k < head->parts[p].size && squares > 0; k++) {
            part[k] *= head->parts[p].scale / sqrt(squares);
        }
    }
}

/* One branch while it is learned: its columns, each divided by its standard deviation. */
typedef struct branch {
    double *x;         /* (rows, dims), centred */
    double *deviation; /* [dims] */
    double *zero;      /* [dims]: their mean */
    const size_t *group, *set;
    size_t rows, dims;
} branch;

static void branch_fini(branch *b)
{
    free(b->x);
    free(b->deviation);
    free(b->zero);
}

/* Columns [first, first + dims) of a table of rows `stride` wide. */
static mewl_status branch_init(branch *b, double *mean, const double *x, size_t stride, mewl_error *err)
{
    b->x = malloc(b->rows * b->dims * sizeof *b->x + 1);
    b->deviation = calloc(b->dims, sizeof *b->deviation);
    b->zero = calloc(b->dims, sizeof *b->zero);
    if (b->x == NULL || b->deviation == NULL || b->zero == NULL) {
        branch_fini(b);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a head");
    }
    for (size_t d = 0; d < b->dims; d++) {
        double squares = 0;
        mean[d] = 0;
        for (size_t r = 0; r < b->rows; r++) {
            mean[d] += x[r * stride + d] / (double)b->rows;
        }
        for (size_t r = 0; r < b->rows; r++) {
            b->x[r * b->dims + d] = x[r * stride + d] - mean[d];
            squares += b->x[r * b->dims + d] * b->x[r * b->dims + d];
        }
        b->deviation[d] = squares > 0 ? sqrt(squares / (double)b->rows) : 1; /* a number that never changes stays 0 */
        for (size_t r = 0; r < b->rows; r++) {
            b->x[r * b->dims + d] /= b->deviation[d];
        }
    }
    return MEWL_OK;
}

static void add_mean(double *mean, const branch *b, size_t set, size_t *count)
{
    memset(mean, 0, b->dims * sizeof *mean);
    *count = 0;
    for (size_t r = 0; r < b->rows; r++) {
        if (b->set[r] == set) {
            for (size_t d = 0; d < b->dims; d++) {
                mean[d] += b->x[r * b->dims + d];
            }
            (*count)++;
        }
    }
    for (size_t d = 0; d<b->dims && * count> 0; d++) {
        mean[d] /= (double)*count;
    }
}

/* Adds the offsets of the data sets from the common mean to the covariance, heavily: directions in which only whole
 * sets differ are whitened away. */
static void add_offsets(double *covariance, double *offset, const branch *b)
{
    size_t dims = b->dims, sets = 0, count;
    for (size_t r = 0; r < b->rows; r++) {
        sets = b->set[r] + 1 > sets ? b->set[r] + 1 : sets;
    }
    for (size_t s = 0; s < sets; s++) {
        add_mean(offset, b, s, &count);
        for (size_t i = 0; i < dims && count > 0; i++) {
            for (size_t k = 0; k < dims; k++) {
                covariance[i * dims + k] += OFFSET_WEIGHT * offset[i] * offset[k];
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

/* At most `most` directions of the whitened rows, largest variance first, as weights of the columns themselves, into
 * the head's next part; the branch's columns start at `column` of the head's. */
static mewl_status reduce(mewl_verify_head *out, size_t column, const branch *b, const mewl_mahalanobis *m, size_t most,
                          mewl_error *err)
{
    mewl_pca pca = {0};
    double *line = malloc(b->dims * sizeof *line);
    if (line == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a head");
    }
    for (size_t r = 0; r < b->rows; r++) {
        whiten(m, b->x + r * b->dims);
    }
    mewl_status status = mewl_pca_fit(&pca, b->x, b->rows, b->dims, most, false, err);
    for (size_t k = 0; status == MEWL_OK && k < pca.components; k++) {
        memcpy(line, pca.direction + k * b->dims, b->dims * sizeof *line);
        unwhiten(m, line);
        double *weight = out->weight + (out->size + k) * out->dims + column;
        for (size_t d = 0; d < b->dims; d++) {
            weight[d] = line[d] / b->deviation[d];
        }
    }
    if (status == MEWL_OK) {
        out->parts[out->part_count++] = (mewl_verify_part){.from = out->size, .size = pca.components};
        out->size += pca.components;
    }
    mewl_pca_fini(&pca);
    free(line);
    return status;
}

static mewl_status fit_branch(mewl_verify_head *out, size_t column, branch *b, double shrinkage, size_t most,
                              mewl_error *err)
{
    mewl_mahalanobis m = {0};
    double *covariance = calloc(b->dims * b->dims, sizeof *covariance), *offset = calloc(b->dims, sizeof *offset);
    mewl_status status =
        covariance != NULL && offset != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a head");
    if (status == MEWL_OK) {
        status = isnan(shrinkage)
                     ? mewl_within_covariance(covariance, NULL, b->x, b->group, b->rows, b->dims, err)
                     : mewl_within_covariance_with(covariance, shrinkage, b->x, b->group, b->rows, b->dims, err);
    }
    if (status == MEWL_OK) {
        add_offsets(covariance, offset, b);
        status = mewl_mahalanobis_init(&m, b->zero, covariance, b->dims, err);
    }
    if (status == MEWL_OK) {
        status = reduce(out, column, b, &m, most, err);
    }
    mewl_mahalanobis_fini(&m);
    free(covariance);
    free(offset);
    return status;
}

mewl_status mewl_verify_head_fit(mewl_verify_head *out, const double *x, const size_t *group, const size_t *set,
                                 size_t rows, size_t dims, mewl_verify_head_opts opts, mewl_error *err)
{
    const size_t branches = opts.branch > 0 ? 2 : 1, most = MEWL_VERIFY_HEAD_SIZE / branches;
    const double weights[MEWL_VERIFY_BRANCHES_MAX] = {branches == 1 ? 1 : opts.balance, 1 - opts.balance};
    *out = (mewl_verify_head){.dims = dims};
    if (opts.branch >= dims || !(opts.balance >= 0 && opts.balance <= 1)) {
        return mewl_error_set(err, MEWL_E_ARG, "a head of %zu columns cannot branch at %zu with a weight of %g", dims,
                              opts.branch, opts.balance);
    }
    MEWL_TRY(mewl_table_check(x, rows, dims, "a head", err));
    out->mean = calloc(dims, sizeof *out->mean);
    out->weight = calloc(MEWL_VERIFY_HEAD_SIZE * dims, sizeof *out->weight);
    mewl_status status =
        out->mean != NULL && out->weight != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a head");
    for (size_t k = 0; status == MEWL_OK && k < branches; k++) {
        const size_t first = k == 0 ? 0 : opts.branch, end = k + 1 == branches ? dims : opts.branch;
        branch b = {.group = group, .set = set, .rows = rows, .dims = end - first};
        status = branch_init(&b, out->mean + first, x + first, dims, err);
        if (status == MEWL_OK) {
            status = fit_branch(out, first, &b, opts.shrinkage, most, err);
            out->parts[k].scale = sqrt(weights[k]);
            branch_fini(&b);
        }
    }
    if (status != MEWL_OK) {
        mewl_verify_head_fini(out);
    }
    return status;
}
