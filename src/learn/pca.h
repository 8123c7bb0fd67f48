/* pca.h - principal components: the directions in which a table varies most (sklearn's PCA, svd_solver="full", up to
 * the sign of components, which here make the largest element positive).
 *
 * With fewer rows than columns the eigenvectors are taken from the rows' inner products, which is exact and cheap.
 */
#ifndef MEWL_LEARN_PCA_H
#define MEWL_LEARN_PCA_H

#include <stdbool.h>

#include "learn/bytes.h"
#include "learn/table.h"

/* Owns its arrays; zero-initialised is empty. */
typedef struct mewl_pca {
    size_t dims, components;
    bool whiten;
    double *mean;      /* [dims] */
    double *direction; /* [components x dims], orthonormal rows, falling variance */
    double *variance;  /* [components], divisor rows - 1 */
    double total;      /* variance of all directions together */
} mewl_pca;

/* Keeps `components` directions, at most min(rows - 1, dims) and those with any variance: out->components says how many
 * there are. whiten: results are divided by the standard deviation. MEWL_E_EMPTY with fewer than two rows or when the
 * rows are all the same; else as mewl_table_check, MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_pca_fit(mewl_pca *out, const double *x, size_t rows, size_t dims, size_t components, bool whiten,
                         mewl_error *err);

/* out [rows x components]; must not overlap x. */
void mewl_pca_apply(const mewl_pca *pca, double *out, const double *x, size_t rows);

/* Frees the arrays and empties it; NULL is allowed. */
void mewl_pca_fini(mewl_pca *pca);

/* The model as bytes (learn/bytes.h), appended to `out`, which remembers a failure; and read back from the place that
 * `in` is at, which moves behind it. What is read may be hostile: MEWL_E_FORMAT says what does not fit, MEWL_E_MEMORY;
 * on failure *out is empty, on success fini it. */
void mewl_pca_save(const mewl_pca *pca, mewl_buffer *out);
mewl_status mewl_pca_load(mewl_pca *out, mewl_bytes *in, mewl_error *err);

#endif
