/* gmm.h - Gaussian mixtures by expectation-maximisation (Dempster, Laird and Rubin 1977), computed as sklearn's
 * GaussianMixture: the same steps, stopping rule, log-likelihood and BIC, given the same start.
 */
#ifndef MEWL_LEARN_GMM_H
#define MEWL_LEARN_GMM_H

#include <stdbool.h>
#include <stdint.h>

#include "learn/bytes.h"
#include "learn/table.h"

typedef enum mewl_gmm_covariance {
    MEWL_GMM_FULL,     /* one matrix a component */
    MEWL_GMM_TIED,     /* one matrix for all */
    MEWL_GMM_DIAGONAL, /* variances a component */
} mewl_gmm_covariance;

typedef struct mewl_gmm_opts {
    size_t components; /* 1 to MEWL_GMM_COMPONENTS_MAX */
    mewl_gmm_covariance covariance;
    double reg_covar;  /* added to every variance; 0 means 1e-6 */
    double shrinkage;  /* 0 to 1: each covariance S becomes (1 - s) S + s (trace S / dims) I, which is needed where rows
                          are fewer than dims; 0 is sklearn's */
    double tolerance;  /* stop when the mean log-likelihood gains less; 0 means 1e-3 */
    size_t iterations; /* at most; 0 means 100 */
    size_t starts;     /* k-means++ starts, of which the best is kept; 0 means 1 */
    uint64_t seed;
} mewl_gmm_opts;

#define MEWL_GMM_COMPONENTS_MAX ((size_t)64)

/* Owns its arrays; zero-initialised is empty. */
typedef struct mewl_gmm {
    size_t components, dims;
    mewl_gmm_covariance covariance;
    double *weight;  /* [components], sum 1 */
    double *mean;    /* [components x dims] */
    double *factor;  /* Cholesky L of the covariance [components or 1][dims x dims], or standard deviations
                        [components x dims] */
    double *log_det; /* [components or 1], ln det of the covariance, of each component when diagonal */
    bool converged;
    size_t iterations;  /* done */
    double lower_bound; /* mean log-likelihood of the training rows in the last step, as sklearn's lower_bound_ */
} mewl_gmm;

/* Learns into *out, which the call overwrites: k-means++ (Arthur and Vassilvitskii 2007) and Lloyd's iterations give
 * the start. MEWL_E_ARG for odd options or when a covariance is not positive definite (raise reg_covar or shrinkage),
 * MEWL_E_SHAPE with fewer rows than components, else as mewl_table_check. On failure *out is empty. */
mewl_status mewl_gmm_fit(mewl_gmm *out, const double *x, size_t rows, size_t dims, mewl_gmm_opts opts, mewl_error *err);

/* The same from a given start: weights [components] (sum 1), means [components x dims], covariances as `factor` is laid
 * out but not factored (matrices, or variances). */
mewl_status mewl_gmm_fit_from(mewl_gmm *out, const double *x, size_t rows, size_t dims, mewl_gmm_opts opts,
                              const double *weights, const double *means, const double *covariances, mewl_error *err);

/* ln p(x) of one row. */
double mewl_gmm_log_likelihood(const mewl_gmm *gmm, const double *x);

/* Share of each component [components] in one row; returns ln p(x). */
double mewl_gmm_responsibilities(const mewl_gmm *gmm, double *share, const double *x);

/* Free parameters of the model. */
size_t mewl_gmm_parameters(const mewl_gmm *gmm);

/* Bayesian information criterion on these rows: -2 ln L + parameters ln rows; lower is better (Schwarz 1978). */
double mewl_gmm_bic(const mewl_gmm *gmm, const double *x, size_t rows);

/* Frees the arrays and empties it; NULL is allowed. */
void mewl_gmm_fini(mewl_gmm *gmm);

/* The model as bytes (learn/bytes.h), appended to `out`, which remembers a failure; and read back from the place that
 * `in` is at, which moves behind it. What is read may be hostile: MEWL_E_FORMAT says what does not fit, MEWL_E_MEMORY;
 * on failure *out is empty, on success fini it. */
void mewl_gmm_save(const mewl_gmm *gmm, mewl_buffer *out);
mewl_status mewl_gmm_load(mewl_gmm *out, mewl_bytes *in, mewl_error *err);

/* k-means alone: k-means++ start and Lloyd's iterations; centres [k x dims], assignment [rows] (may be NULL); returns
 * the sum of squared distances through *inertia (may be NULL). */
mewl_status mewl_kmeans(double *centres, size_t *assignment, double *inertia, const double *x, size_t rows, size_t dims,
                        size_t k, size_t iterations, uint64_t seed, mewl_error *err);

#endif
