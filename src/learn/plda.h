/* plda.h - probabilistic linear discriminant analysis in its two-covariance form (Bruemmer and de Villiers 2010): an
 * observation is a mean, plus what is the infant's own, plus what differs from cry to cry, both Gaussian.
 *
 * The model is kept in the basis in which the covariance within is the identity and that between is diagonal (Ioffe
 * 2006), so that scoring costs one product of a matrix and a vector.
 */
#ifndef MEWL_LEARN_PLDA_H
#define MEWL_LEARN_PLDA_H

#include "learn/bytes.h"
#include "learn/table.h"

/* Owns its arrays; zero-initialised is empty. */
typedef struct mewl_plda {
    size_t dims;
    double *mean;    /* [dims] */
    double *basis;   /* [dims x dims]: u = basis (x - mean) */
    double *between; /* [dims], variance between groups along each axis of u, >= 0, falling */
} mewl_plda;

typedef struct mewl_plda_opts {
    size_t iterations; /* of EM; 0 means 20 */
    double shrinkage;  /* 0 to 1, of both covariances towards a multiple of the identity at each step */
} mewl_plda_opts;

#define MEWL_PLDA_DIMS_MAX ((size_t)512)

/* Learns by EM from rows in groups (group[rows]: any numbers). Needs two groups at least, one of them with two rows
 * (MEWL_E_EMPTY), and enough rows or shrinkage for positive definite covariances (MEWL_E_ARG); reduce by PCA before.
 * Else as mewl_table_check. On failure *out is empty. */
mewl_status mewl_plda_fit(mewl_plda *out, const double *x, const size_t *group, size_t rows, size_t dims,
                          mewl_plda_opts opts, mewl_error *err);

/* A model from the three parameters themselves: mean [dims], between and within [dims x dims] (within positive
 * definite, between positive semi-definite). */
mewl_status mewl_plda_init(mewl_plda *out, const double *mean, const double *between, const double *within, size_t dims,
                           mewl_error *err);

/* u of one row; out must not be x. */
void mewl_plda_project(const mewl_plda *plda, double *out, const double *x);

/* Log-likelihood ratio of "test is the infant of these `count` enrolled rows" against "another", from the mean of the
 * enrolled u and the u of the test. */
double mewl_plda_ratio(const mewl_plda *plda, const double *enrolled_mean, double count, const double *test);

/* Frees the arrays and empties it; NULL is allowed. */
void mewl_plda_fini(mewl_plda *plda);

/* The model as bytes (learn/bytes.h), appended to `out`, which remembers a failure; and read back from the place that
 * `in` is at, which moves behind it. What is read may be hostile: MEWL_E_FORMAT says what does not fit, MEWL_E_MEMORY;
 * on failure *out is empty, on success fini it. */
void mewl_plda_save(const mewl_plda *plda, mewl_buffer *out);
mewl_status mewl_plda_load(mewl_plda *out, mewl_bytes *in, mewl_error *err);

#endif
