/* personal.h - one infant's model of what is usual, in six kinds behind one face: rows of numbers in, one score out,
 * larger being less like what was learned.
 *
 * Scores of different kinds cannot be compared; conformal.h turns them into p-values. Not a store of recordings
 * (infant.h) and no judgement (conformal.h).
 */
#ifndef MEWL_INFANT_PERSONAL_H
#define MEWL_INFANT_PERSONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "learn/bytes.h"
#include "learn/gmm.h"

/* One row a kind: constant, name on the command line and in files. */
#define MEWL_PERSONAL_ROWS(X)                                                                                          \
    X(MEWL_PERSONAL_AUTOENCODER, "autoencoder") /* autoencoder 128-64-32-64-128, reconstruction error */               \
    X(MEWL_PERSONAL_ONECLASS, "oneclass")       /* one-class support vector machine, RBF */                            \
    X(MEWL_PERSONAL_GMM, "gmm")                 /* Gaussian mixture, components by BIC */                              \
    X(MEWL_PERSONAL_KNN, "knn")                 /* cosine distance to the nearest neighbours */                        \
    X(MEWL_PERSONAL_MAHALANOBIS, "mahalanobis") /* Mahalanobis distance, the population's covariance within infants */ \
    X(MEWL_PERSONAL_PLDA, "plda")               /* probabilistic linear discriminant analysis */

typedef enum mewl_personal_kind {
#define X(id, name) id,
    MEWL_PERSONAL_ROWS(X)
#undef X
        MEWL_PERSONAL_KINDS
} mewl_personal_kind;

/* "knn"; NULL outside the enum. And back: false for an unknown name. */
const char *mewl_personal_name(mewl_personal_kind kind);
bool mewl_personal_find(mewl_personal_kind *kind, const char *name);

typedef struct mewl_population mewl_population;

/* Zero means the default in brackets. */
typedef struct mewl_personal_opts {
    double nu;                      /* one-class machine [0.1] */
    double gamma;                   /* one-class machine [sklearn's "scale"] */
    size_t neighbours;              /* kNN [3] */
    size_t components_max;          /* GMM: 2 to this many are tried [5] */
    mewl_gmm_covariance covariance; /* GMM [full] */
    double shrinkage;               /* GMM [0.5] */
    size_t epochs;                  /* autoencoder [150] */
    uint64_t seed;                  /* GMM, autoencoder */
} mewl_personal_opts;

typedef struct mewl_personal mewl_personal;

#define MEWL_PERSONAL_ROWS_MAX ((size_t)4096)

/* No number of a model, of a population or of an infant lies farther from 0: files that hold such are refused, and
 * none is written. Far beyond what recordings give (few of them make covariances that are nearly singular), and so far
 * below the edge of double that the square of a square stays within it. */
#define MEWL_PERSONAL_NUMBER_MAX 1e60

/* Learns from rows [rows x dims] in the space of the scorer: the population's common space, or any. `population` may be
 * NULL but for MEWL_PERSONAL_PLDA (MEWL_E_ARG); with it, dims is population->reduced (MEWL_E_SHAPE) and Mahalanobis
 * uses its covariance (its own Ledoit-Wolf estimate without). session [rows] (equal numbers: one session) keeps a
 * session's recordings on one side where held-out rows are needed (GMM's BIC); NULL: each row its own. One row is
 * enough for kNN, Mahalanobis with a population and PLDA; two for the others (MEWL_E_EMPTY). On success *out is the
 * caller's. */
mewl_status mewl_personal_fit(mewl_personal **out, mewl_personal_kind kind, const double *x, const size_t *session,
                              size_t rows, size_t dims, const mewl_population *population, mewl_personal_opts opts,
                              mewl_error *err);
void mewl_personal_free(mewl_personal *model); /* NULL is fine */

/* Score of one row, larger being less usual. Finite for finite rows. Allocates nothing; not for two threads at once
 * (the autoencoder has buffers). */
double mewl_personal_score(mewl_personal *model, const double *x);

/* Adds one row without learning all anew: exact for kNN, Mahalanobis (centre) and PLDA; one step of EM on the row for
 * the GMM, some descent steps for the autoencoder; MEWL_E_UNSUPPORTED for the one-class machine, which has to be fitted
 * again. Rows beyond MEWL_PERSONAL_ROWS_MAX push out the oldest. */
mewl_status mewl_personal_update(mewl_personal *model, const double *x, mewl_error *err);

mewl_personal_kind mewl_personal_kind_of(const mewl_personal *model);
size_t mewl_personal_dims(const mewl_personal *model);
size_t mewl_personal_rows(const mewl_personal *model); /* learned from */

/* For the GMM: components chosen; else 0. */
size_t mewl_personal_components(const mewl_personal *model);

mewl_status mewl_personal_save(mewl_personal *model, mewl_buffer *out, mewl_error *err);

/* MEWL_E_FORMAT, MEWL_E_UNSUPPORTED, MEWL_E_MEMORY. On success *out is the caller's. */
mewl_status mewl_personal_load(mewl_personal **out, mewl_bytes *in, mewl_error *err);

#endif
