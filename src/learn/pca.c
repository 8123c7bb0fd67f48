#include "learn/pca.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void mewl_pca_fini(mewl_pca *pca)
{
    if (pca == NULL) {
        return;
    }
    free(pca->mean);
    free(pca->direction);
    free(pca->variance);
    memset(pca, 0, sizeof *pca);
}

/* What learning needs for its duration. */
typedef struct workspace {
    double *centred; /* [rows x dims] */
    double *matrix;  /* [n x n], n = min(rows, dims) */
    double *vector;  /* [n x n] */
    double *value;   /* [n] */
} workspace;

static void workspace_fini(workspace *w)
{
    free(w->centred);
    free(w->matrix);
    free(w->vector);
    free(w->value);
}

static mewl_status workspace_init(workspace *w, size_t rows, size_t dims, mewl_error *err)
{
    size_t n = rows < dims ? rows : dims;
    w->centred = malloc(rows * dims * sizeof *w->centred);
    w->matrix = malloc(n * n * sizeof *w->matrix);
    w->vector = malloc(n * n * sizeof *w->vector);
    w->value = malloc(n * sizeof *w->value);
    if (w->centred == NULL || w->matrix == NULL || w->vector == NULL || w->value == NULL) {
        workspace_fini(w);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the principal components of %zu rows of %zu", rows,
                              dims);
    }
    return MEWL_OK;
}

/* Inner products of rows, when they are fewer than columns. */
static void inner_products(double *out, const double *centred, size_t rows, size_t dims)
{
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j <= i; j++) {
            out[i * rows + j] = mewl_table_dot(centred + i * dims, centred + j * dims, dims);
        }
    }
}

/* A direction from the eigenvector of the rows' inner products: its sum of rows, brought to length 1. */
static void direction_from_rows(double *direction, const double *weights, const double *centred, size_t rows,
                                size_t dims)
{
    memset(direction, 0, dims * sizeof *direction);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < dims; j++) {
            direction[j] += weights[i] * centred[i * dims + j];
        }
    }
    mewl_table_normalise(direction, 1, dims);
    size_t largest = 0;
    for (size_t j = 1; j < dims; j++) {
        largest = fabs(direction[j]) > fabs(direction[largest]) ? j : largest;
    }
    double sign = direction[largest] < 0 ? -1 : 1;
    for (size_t j = 0; j < dims; j++) {
        direction[j] *= sign;
    }
}

static mewl_status find_directions(mewl_pca *out, workspace *w, size_t rows, size_t dims, size_t wanted,
                                   mewl_error *err)
{
    bool by_rows = rows < dims;
    size_t n = by_rows ? rows : dims;
    if (by_rows) {
        inner_products(w->matrix, w->centred, rows, dims);
    } else {
        mewl_table_scatter(w->matrix, w->centred, NULL, NULL, rows, dims, 1);
    }
    for (size_t i = 0; i < n; i++) {
        out->total += w->matrix[i * n + i] / (double)(rows - 1);
    }
    MEWL_TRY(mewl_eigen(w->value, w->vector, w->matrix, n, err));
    size_t most = rows - 1 < dims ? rows - 1 : dims;
    double smallest = w->value[0] * (double)(rows > dims ? rows : dims) * DBL_EPSILON;
    while (out->components < wanted && out->components < most && w->value[out->components] > smallest) {
        out->components++;
    }
    if (out->components == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "principal components: all %zu rows are the same", rows);
    }
    out->direction = malloc(out->components * dims * sizeof *out->direction);
    out->variance = malloc(out->components * sizeof *out->variance);
    if (out->direction == NULL || out->variance == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu principal components", out->components);
    }
    for (size_t k = 0; k < out->components; k++) {
        out->variance[k] = w->value[k] / (double)(rows - 1);
        if (by_rows) {
            direction_from_rows(out->direction + k * dims, w->vector + k * n, w->centred, rows, dims);
        } else {
            memcpy(out->direction + k * dims, w->vector + k * dims, dims * sizeof *out->direction);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_pca_fit(mewl_pca *out, const double *x, size_t rows, size_t dims, size_t components, bool whiten,
                         mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(mewl_table_check(x, rows, dims, "principal components", err));
    if (rows < 2 || components == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%zu principal components of %zu rows: nothing to find", components,
                              rows);
    }
    workspace w = {0};
    MEWL_TRY(workspace_init(&w, rows, dims, err));
    out->dims = dims;
    out->whiten = whiten;
    out->mean = malloc(dims * sizeof *out->mean);
    mewl_status status = MEWL_OK;
    if (out->mean == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a mean of %zu columns", dims);
    } else {
        mewl_table_mean(out->mean, x, NULL, rows, dims);
        for (size_t i = 0; i < rows * dims; i++) {
            w.centred[i] = x[i] - out->mean[i % dims];
        }
        status = find_directions(out, &w, rows, dims, components, err);
    }
    workspace_fini(&w);
    if (status != MEWL_OK) {
        mewl_pca_fini(out);
    }
    return status;
}

void mewl_pca_apply(const mewl_pca *pca, double *out, const double *x, size_t rows)
{
    double centred[MEWL_LEARN_DIMS_MAX];
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < pca->dims; j++) {
            centred[j] = x[i * pca->dims + j] - pca->mean[j];
        }
        for (size_t k = 0; k < pca->components; k++) {
            double place = mewl_table_dot(pca->direction + k * pca->dims, centred, pca->dims);
            out[i * pca->components + k] = pca->whiten ? place / sqrt(pca->variance[k]) : place;
        }
    }
}

void mewl_pca_save(const mewl_pca *pca, mewl_buffer *out)
{
    mewl_bytes_put_head(out, "PCA ", 1);
    mewl_bytes_put_u64(out, pca->dims);
    mewl_bytes_put_u64(out, pca->components);
    mewl_bytes_put_u32(out, pca->whiten ? 1 : 0);
    mewl_bytes_put_f64(out, pca->total);
    mewl_bytes_put_f64s(out, pca->mean, pca->dims);
    mewl_bytes_put_f64s(out, pca->direction, pca->components * pca->dims);
    mewl_bytes_put_f64s(out, pca->variance, pca->components);
}

static mewl_status read_pca(mewl_pca *out, mewl_bytes *in, mewl_error *err)
{
    uint32_t whiten = 0;
    MEWL_TRY(mewl_bytes_get_head(in, NULL, "PCA ", 1, err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->dims, 1, MEWL_LEARN_DIMS_MAX, "the number of columns", err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->components, 1, out->dims, "the number of components", err));
    MEWL_TRY(mewl_bytes_get_u32(in, &whiten, err));
    out->whiten = whiten != 0;
    MEWL_TRY(mewl_bytes_get_f64(in, &out->total, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->mean, out->dims, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->direction, out->components * out->dims, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->variance, out->components, err));
    for (size_t k = 0; k < out->components; k++) {
        if (!(out->variance[k] > 0)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: component %zu has no variance", in->name, k);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_pca_load(mewl_pca *out, mewl_bytes *in, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    mewl_status status = read_pca(out, in, err);
    if (status != MEWL_OK) {
        mewl_pca_fini(out);
    }
    return status;
}
