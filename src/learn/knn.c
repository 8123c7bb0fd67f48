#include "learn/knn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void mewl_knn_fini(mewl_knn *knn)
{
    if (knn == NULL) {
        return;
    }
    free(knn->row);
    free(knn->label);
    memset(knn, 0, sizeof *knn);
}

mewl_status mewl_knn_fit(mewl_knn *out, const double *x, const int *labels, size_t rows, size_t dims, size_t classes,
                         mewl_knn_metric metric, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(mewl_table_check(x, rows, dims, "nearest neighbours", err));
    if ((labels == NULL) != (classes == 0) || classes > MEWL_LEARN_CLASSES_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "nearest neighbours: labels of %zu classes", classes);
    }
    for (size_t i = 0; i < rows && labels != NULL; i++) {
        if (labels[i] < 0 || (size_t)labels[i] >= classes) {
            return mewl_error_set(err, MEWL_E_ARG, "nearest neighbours: row %zu has the label %d of %zu classes", i,
                                  labels[i], classes);
        }
    }
    *out = (mewl_knn){.rows = rows, .dims = dims, .classes = classes, .metric = metric};
    out->row = malloc(rows * dims * sizeof *out->row);
    out->label = labels == NULL ? NULL : malloc(rows * sizeof *out->label);
    if (out->row == NULL || (labels != NULL && out->label == NULL)) {
        mewl_knn_fini(out);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu neighbours", rows);
    }
    memcpy(out->row, x, rows * dims * sizeof *out->row);
    if (labels != NULL) {
        memcpy(out->label, labels, rows * sizeof *out->label);
    }
    if (metric == MEWL_KNN_COSINE) {
        mewl_table_normalise(out->row, rows, dims);
    }
    return MEWL_OK;
}

static double distance_to(const mewl_knn *knn, size_t row, const double *x, double norm)
{
    const double *own = knn->row + row * knn->dims;
    if (knn->metric == MEWL_KNN_EUCLIDEAN) {
        return sqrt(mewl_table_squared_distance(own, x, knn->dims));
    }
    return norm > 0 ? fmin(fmax(1 - mewl_table_dot(own, x, knn->dims) / norm, 0), 2) : 1;
}

size_t mewl_knn_nearest(const mewl_knn *knn, size_t *index, double *distance, const double *x, size_t k,
                        size_t leave_out)
{
    size_t best[MEWL_KNN_K_MAX];
    double near[MEWL_KNN_K_MAX];
    size_t found = 0;
    k = k < MEWL_KNN_K_MAX ? k : MEWL_KNN_K_MAX;
    double norm = sqrt(mewl_table_dot(x, x, knn->dims));
    for (size_t i = 0; i < knn->rows && k > 0; i++) {
        if (i == leave_out) {
            continue;
        }
        double d = distance_to(knn, i, x, norm);
        if (found == k && !(d < near[k - 1])) {
            continue;
        }
        size_t at = found < k ? found++ : k - 1;
        for (; at > 0 && near[at - 1] > d; at--) {
            near[at] = near[at - 1];
            best[at] = best[at - 1];
        }
        near[at] = d;
        best[at] = i;
    }
    if (index != NULL) {
        memcpy(index, best, found * sizeof *index);
    }
    if (distance != NULL) {
        memcpy(distance, near, found * sizeof *distance);
    }
    return found;
}

double mewl_knn_distance(const mewl_knn *knn, const double *x, size_t k)
{
    double near[MEWL_KNN_K_MAX];
    size_t found = mewl_knn_nearest(knn, NULL, near, x, k, SIZE_MAX);
    double sum = 0;
    for (size_t i = 0; i < found; i++) {
        sum += near[i];
    }
    return found > 0 ? sum / (double)found : INFINITY;
}

void mewl_knn_vote(const mewl_knn *knn, double *share, const double *x, size_t k)
{
    size_t index[MEWL_KNN_K_MAX];
    size_t found = mewl_knn_nearest(knn, index, NULL, x, k, SIZE_MAX);
    memset(share, 0, knn->classes * sizeof *share);
    for (size_t i = 0; i < found; i++) {
        share[knn->label[index[i]]] += 1 / (double)found;
    }
}

void mewl_knn_save(const mewl_knn *knn, mewl_buffer *out)
{
    mewl_bytes_put_head(out, "KNN ", 1);
    mewl_bytes_put_u64(out, knn->rows);
    mewl_bytes_put_u64(out, knn->dims);
    mewl_bytes_put_u64(out, knn->classes);
    mewl_bytes_put_u32(out, (uint32_t)knn->metric);
    mewl_bytes_put_f64s(out, knn->row, knn->rows * knn->dims);
    for (size_t i = 0; i < knn->rows && knn->label != NULL; i++) {
        mewl_bytes_put_u32(out, (uint32_t)knn->label[i]);
    }
}

static mewl_status read_labels(mewl_knn *out, mewl_bytes *in, mewl_error *err)
{
    out->label = malloc(out->rows * sizeof *out->label);
    if (out->label == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory for %zu labels", in->name, out->rows);
    }
    for (size_t i = 0; i < out->rows; i++) {
        uint32_t label = 0;
        MEWL_TRY(mewl_bytes_get_u32(in, &label, err));
        if (label >= out->classes) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: label %u of %zu classes", in->name, (unsigned)label,
                                  out->classes);
        }
        out->label[i] = (int)label;
    }
    return MEWL_OK;
}

static mewl_status read_knn(mewl_knn *out, mewl_bytes *in, mewl_error *err)
{
    uint32_t metric = 0;
    MEWL_TRY(mewl_bytes_get_head(in, NULL, "KNN ", 1, err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->rows, 1, MEWL_LEARN_ROWS_MAX, "the number of rows", err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->dims, 1, MEWL_LEARN_DIMS_MAX, "the number of columns", err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->classes, 0, MEWL_LEARN_CLASSES_MAX, "the number of classes", err));
    MEWL_TRY(mewl_bytes_get_u32(in, &metric, err));
    if (metric > MEWL_KNN_COSINE || out->rows > MEWL_LEARN_VALUES_MAX / out->dims) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: no nearest neighbours have these settings", in->name);
    }
    out->metric = (mewl_knn_metric)metric;
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->row, out->rows * out->dims, err));
    return out->classes == 0 ? MEWL_OK : read_labels(out, in, err);
}

mewl_status mewl_knn_load(mewl_knn *out, mewl_bytes *in, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    mewl_status status = read_knn(out, in, err);
    if (status != MEWL_OK) {
        mewl_knn_fini(out);
    }
    return status;
}
