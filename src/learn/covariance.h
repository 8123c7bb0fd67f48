/* covariance.h - covariance of few rows in many dimensions: Ledoit and Wolf's shrinkage, the pooled covariance within
 * groups, and Mahalanobis' distance.
 */
#ifndef MEWL_LEARN_COVARIANCE_H
#define MEWL_LEARN_COVARIANCE_H

#include "learn/bytes.h"
#include "learn/table.h"

/* Ledoit and Wolf's (2004) estimate: (1 - s) S + s (trace S / dims) I with the s that minimises the expected error; S
 * has divisor `rows`. covariance [dims x dims]; mean [dims], or NULL when the rows are already centred; *shrinkage may
 * be NULL. Equals sklearn.covariance.ledoit_wolf. Errors of mewl_table_check, MEWL_E_MEMORY. */
mewl_status mewl_ledoit_wolf(double *covariance, double *mean, double *shrinkage, const double *x, size_t rows,
                             size_t dims, mewl_error *err);

/* The same of rows around the mean of their own group (group[rows]: any numbers): how much one infant varies, taken
 * over all infants. Groups of one row tell nothing and are left out; the estimate is scaled by n / (n - groups) for the
 * means taken. MEWL_E_EMPTY when no group has two rows. */
mewl_status mewl_within_covariance(double *covariance, double *shrinkage, const double *x, const size_t *group,
                                   size_t rows, size_t dims, mewl_error *err);

/* The same with a share of shrinkage of the caller's, 0 to 1, in place of Ledoit and Wolf's. MEWL_E_ARG outside. */
mewl_status mewl_within_covariance_with(double *covariance, double share, const double *x, const size_t *group,
                                        size_t rows, size_t dims, mewl_error *err);

/* A centre and the factor of a covariance. Owns its arrays; zero-initialised is empty. */
typedef struct mewl_mahalanobis {
    size_t dims;
    double *mean;   /* [dims] */
    double *factor; /* [dims x dims], Cholesky L */
    double log_det; /* of the covariance */
} mewl_mahalanobis;

/* Copies a mean and a positive definite covariance. MEWL_E_ARG when it is not, MEWL_E_MEMORY. On failure *out is empty.
 */
mewl_status mewl_mahalanobis_init(mewl_mahalanobis *out, const double *mean, const double *covariance, size_t dims,
                                  mewl_error *err);

/* Squared distance (x - mean)^T C^-1 (x - mean). */
double mewl_mahalanobis_squared(const mewl_mahalanobis *m, const double *x);

/* Frees the arrays and empties it; NULL is allowed. */
void mewl_mahalanobis_fini(mewl_mahalanobis *m);

/* The model as bytes (learn/bytes.h), appended to `out`, which remembers a failure; and read back from the place that
 * `in` is at, which moves behind it. What is read may be hostile: MEWL_E_FORMAT says what does not fit, MEWL_E_MEMORY;
 * on failure *out is empty, on success fini it. */
void mewl_mahalanobis_save(const mewl_mahalanobis *m, mewl_buffer *out);
mewl_status mewl_mahalanobis_load(mewl_mahalanobis *out, mewl_bytes *in, mewl_error *err);

#endif
