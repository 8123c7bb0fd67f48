#include "learn/scaler.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void mewl_scaler_fini(mewl_scaler *scaler)
{
    if (scaler == NULL) {
        return;
    }
    free(scaler->mean);
    free(scaler->scale);
    memset(scaler, 0, sizeof *scaler);
}

mewl_status mewl_scaler_fit(mewl_scaler *out, const double *x, size_t rows, size_t dims, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(mewl_table_check(x, rows, dims, "scaler", err));
    out->dims = dims;
    out->mean = calloc(dims, sizeof *out->mean);
    out->scale = calloc(dims, sizeof *out->scale);
    if (out->mean == NULL || out->scale == NULL) {
        mewl_scaler_fini(out);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a scaler of %zu columns", dims);
    }
    mewl_table_mean(out->mean, x, NULL, rows, dims);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < dims; j++) {
            double d = x[i * dims + j] - out->mean[j];
            out->scale[j] += d * d;
        }
    }
    for (size_t j = 0; j < dims; j++) {
        double variance = out->scale[j] / (double)rows;
        /* A constant column differs from its mean by rounding alone (sklearn's bound). */
        double rounding = (double)rows * DBL_EPSILON * variance + pow((double)rows * out->mean[j] * DBL_EPSILON, 2);
        out->scale[j] = variance <= rounding ? 1 : sqrt(variance);
    }
    return MEWL_OK;
}

void mewl_scaler_apply(const mewl_scaler *scaler, double *out, const double *x, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < scaler->dims; j++) {
            size_t at = i * scaler->dims + j;
            out[at] = (x[at] - scaler->mean[j]) / scaler->scale[j];
        }
    }
}
