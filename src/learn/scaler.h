/* scaler.h - columns to mean 0 and standard deviation 1, as learned from the training side (sklearn's StandardScaler).
 */
#ifndef MEWL_LEARN_SCALER_H
#define MEWL_LEARN_SCALER_H

#include "learn/table.h"

/* Owns its arrays; zero-initialised is empty. */
typedef struct mewl_scaler {
    size_t dims;
    double *mean;  /* [dims] */
    double *scale; /* [dims], standard deviation (divisor n); 1 for a constant column */
} mewl_scaler;

/* Learns into *out, which the call overwrites. The errors of mewl_table_check; MEWL_E_MEMORY. On failure *out is
 * empty. */
mewl_status mewl_scaler_fit(mewl_scaler *out, const double *x, size_t rows, size_t dims, mewl_error *err);

/* (x - mean) / scale; out may be x. */
void mewl_scaler_apply(const mewl_scaler *scaler, double *out, const double *x, size_t rows);

/* Frees the arrays and empties it; NULL is allowed. */
void mewl_scaler_fini(mewl_scaler *scaler);

#endif
