/* knn.h - nearest neighbours by exhaustive search: distances for "is this like what was seen before", votes for
 * classes.
 */
#ifndef MEWL_LEARN_KNN_H
#define MEWL_LEARN_KNN_H

#include "learn/bytes.h"
#include "learn/table.h"

typedef enum mewl_knn_metric {
    MEWL_KNN_EUCLIDEAN,
    MEWL_KNN_COSINE, /* 1 - cosine, in [0, 2]; a row of zeros is at distance 1 from everything */
} mewl_knn_metric;

#define MEWL_KNN_K_MAX ((size_t)64)

/* Owns its arrays; zero-initialised is empty. */
typedef struct mewl_knn {
    size_t rows, dims, classes; /* classes 0: no labels */
    mewl_knn_metric metric;
    double *row; /* [rows x dims]; of length 1 under MEWL_KNN_COSINE */
    int *label;  /* [rows] or NULL */
} mewl_knn;

/* Copies the rows; labels NULL (and classes 0) when there are none. Errors of mewl_table_check, MEWL_E_ARG for a label
 * outside [0, classes), MEWL_E_MEMORY. On failure *out is empty. */
mewl_status mewl_knn_fit(mewl_knn *out, const double *x, const int *labels, size_t rows, size_t dims, size_t classes,
                         mewl_knn_metric metric, mewl_error *err);

/* The k nearest rows, nearest first, the lower index on ties; returns how many: min(k, rows, MEWL_KNN_K_MAX). index or
 * distance may be NULL. `leave_out` is a row not to be counted (leave-one-out), or SIZE_MAX. */
size_t mewl_knn_nearest(const mewl_knn *knn, size_t *index, double *distance, const double *x, size_t k,
                        size_t leave_out);

/* Mean distance to the k nearest rows; INFINITY when there are none. */
double mewl_knn_distance(const mewl_knn *knn, const double *x, size_t k);

/* Share of each class [classes] among the k nearest (sklearn's predict_proba, uniform weights). Only with labels. */
void mewl_knn_vote(const mewl_knn *knn, double *share, const double *x, size_t k);

/* Frees the arrays and empties it; NULL is allowed. */
void mewl_knn_fini(mewl_knn *knn);

/* The model as bytes (learn/bytes.h), appended to `out`, which remembers a failure; and read back from the place that
 * `in` is at, which moves behind it. What is read may be hostile: MEWL_E_FORMAT says what does not fit, MEWL_E_MEMORY;
 * on failure *out is empty, on success fini it. */
void mewl_knn_save(const mewl_knn *knn, mewl_buffer *out);
mewl_status mewl_knn_load(mewl_knn *out, mewl_bytes *in, mewl_error *err);

#endif
