/* table.h - what the models of this room share: limits on tables of numbers, checks, and a little dense linear algebra.
 *
 * A table is `rows` rows of `dims` doubles, row-major, one row an observation. Not a matrix library: only what the
 * models need. LAPACKE is called in table.c alone.
 */
#ifndef MEWL_LEARN_TABLE_H
#define MEWL_LEARN_TABLE_H

#include <stddef.h>

#include "base/status.h"

#define MEWL_LEARN_ROWS_MAX ((size_t)1000000)
#define MEWL_LEARN_DIMS_MAX ((size_t)4096)
#define MEWL_LEARN_VALUES_MAX ((size_t)1 << 27) /* rows * dims: 1 GiB of doubles */
#define MEWL_LEARN_CLASSES_MAX ((size_t)256)

/* Whether a table can be learned from: 1 <= rows, dims within the limits above and every value finite. MEWL_E_EMPTY
 * without rows or columns, MEWL_E_MEMORY over a limit, MEWL_E_ARG naming the first value that is no number. `name` is
 * what errors call it. */
mewl_status mewl_table_check(const double *x, size_t rows, size_t dims, const char *name, mewl_error *err);

/* Class labels [rows]: all in [0, classes), 2 <= classes <= MEWL_LEARN_CLASSES_MAX, every class present. MEWL_E_ARG
 * names the row or the class. */
mewl_status mewl_table_check_labels(const int *labels, size_t rows, size_t classes, mewl_error *err);

/* Widens floats (embeddings) to doubles. */
void mewl_table_widen(double *out, const float *values, size_t count);

/* Divides each row by its Euclidean norm, in place; a row of zeros stays. */
void mewl_table_normalise(double *x, size_t rows, size_t dims);

/* Column means [dims]; weights [rows] (>= 0, sum > 0) or NULL. */
void mewl_table_mean(double *mean, const double *x, const double *weights, size_t rows, size_t dims);

/* out [dims x dims], symmetric: sum over rows of w (x - mean)(x - mean)^T / divisor. weights or mean may be NULL (ones,
 * zeros). */
void mewl_table_scatter(double *out, const double *x, const double *mean, const double *weights, size_t rows,
                        size_t dims, double divisor);

/* Rows sorted by group (equal numbers in group[rows]), keeping their order within one: order [rows] holds row numbers,
 * start [rows + 1] the place of each group's first in it and, after the last, `rows`. Returns the number of groups. */
size_t mewl_table_order_groups(size_t *order, size_t *start, const size_t *group, size_t rows);

/* Sum of products, and squared Euclidean distance, of two runs of `count` numbers. */
double mewl_table_dot(const double *a, const double *b, size_t count);
double mewl_table_squared_distance(const double *a, const double *b, size_t count);

/* Factor of a symmetric positive definite matrix [n x n]: a = L L^T. Reads the lower triangle, leaves L in it and zeros
 * above the diagonal. MEWL_E_ARG when it is not positive definite; a is then spoilt. */
mewl_status mewl_cholesky(double *a, size_t n, mewl_error *err);

/* Solves L L^T x = b in place for `count` right sides, each n long and contiguous. */
void mewl_cholesky_solve(const double *l, double *b, size_t n, size_t count);

/* Solves L y = b in place: |y|^2 is then b^T a^-1 b. */
void mewl_cholesky_forward(const double *l, double *b, size_t n);

/* ln det(a) from L. */
double mewl_cholesky_log_det(const double *l, size_t n);

/* Eigenvalues (falling) and eigenvectors of a symmetric matrix [n x n], of which the lower triangle is read and which
 * is spoilt: row i of `vectors` belongs to values[i]; each has length 1 and its largest element (by magnitude, the
 * first such) positive. MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_eigen(double *values, double *vectors, double *a, size_t n, mewl_error *err);

#endif
