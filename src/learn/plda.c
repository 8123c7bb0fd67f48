#include "learn/plda.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ITERATIONS 20

void mewl_plda_fini(mewl_plda *plda)
{
    if (plda == NULL) {
        return;
    }
    free(plda->mean);
    free(plda->basis);
    free(plda->between);
    memset(plda, 0, sizeof *plda);
}

static mewl_status plda_init_empty(mewl_plda *out, size_t dims, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    if (dims == 0 || dims > MEWL_PLDA_DIMS_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "discriminant analysis of %zu columns: at most %zu", dims,
                              MEWL_PLDA_DIMS_MAX);
    }
    out->dims = dims;
    out->mean = calloc(dims, sizeof *out->mean);
    out->basis = calloc(dims * dims, sizeof *out->basis);
    out->between = calloc(dims, sizeof *out->between);
    if (out->mean == NULL || out->basis == NULL || out->between == NULL) {
        mewl_plda_fini(out);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a discriminant analysis of %zu columns", dims);
    }
    return MEWL_OK;
}

/* out = a b, all [n x n]. */
static void multiply(double *out, const double *a, const double *b, size_t n)
{
    memset(out, 0, n * n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            for (size_t j = 0; j < n; j++) {
                out[i * n + j] += a[i * n + k] * b[k * n + j];
            }
        }
    }
}

/* The turn T with T within T^T = I and T between T^T = diag(values), and its inverse. `within` and `between` are
 * spoilt; `scratch` is [n x n]. With within = L L^T and L^-1 between L^-T = V^T diag V (rows of V eigenvectors): T = V
 * L^-1. */
static mewl_status diagonalise(double *turn, double *back, double *values, double *between, double *within,
                               double *scratch, size_t n, mewl_error *err)
{
    MEWL_TRY(mewl_cholesky(within, n, err));
    for (size_t side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++) {
            mewl_cholesky_forward(within, between + i * n, n); /* each row: (L^-1 row^T)^T */
        }
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < i; j++) {
                double swap = between[i * n + j];
                between[i * n + j] = between[j * n + i];
                between[j * n + i] = swap;
            }
        }
    }
    MEWL_TRY(mewl_eigen(values, scratch, between, n, err));
    for (size_t i = 0; i < n; i++) {
        values[i] = fmax(values[i], 0);
    }
    /* back = L V^T. */
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            back[i * n + j] = mewl_table_dot(within + i * n, scratch + j * n, i + 1);
        }
    }
    /* turn = V L^-1: row i solves turn_i L = V_i, from the last column to the first. */
    for (size_t i = 0; i < n; i++) {
        double *row = turn + i * n;
        memcpy(row, scratch + i * n, n * sizeof *row);
        for (size_t j = n; j-- > 0;) {
            row[j] /= within[j * n + j];
            for (size_t k = 0; k < j; k++) {
                row[k] -= row[j] * within[j * n + k];
            }
        }
    }
    return MEWL_OK;
}

mewl_status mewl_plda_init(mewl_plda *out, const double *mean, const double *between, const double *within, size_t dims,
                           mewl_error *err)
{
    MEWL_TRY(plda_init_empty(out, dims, err));
    double *room = malloc(4 * dims * dims * sizeof *room);
    mewl_status status = MEWL_OK;
    if (room == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a discriminant analysis of %zu columns", dims);
    } else {
        size_t square = dims * dims;
        memcpy(out->mean, mean, dims * sizeof *mean);
        memcpy(room, between, square * sizeof *room);
        memcpy(room + square, within, square * sizeof *room);
        status =
            diagonalise(out->basis, room + 2 * square, out->between, room, room + square, room + 3 * square, dims, err);
    }
    free(room);
    if (status != MEWL_OK) {
        mewl_plda_fini(out);
    }
    return status;
}

/* Learning works in the basis at hand: u = basis (x - mean), in which each step's sums are taken. */
typedef struct learning {
    size_t rows, dims, groups;
    double *u;            /* [rows x dims], sorted by group */
    size_t *start;        /* [groups + 1] */
    double *back;         /* [dims x dims], inverse of the basis */
    double *within;       /* [dims x dims] */
    double *between;      /* [dims x dims] */
    double *turn;         /* [dims x dims] */
    double *untie;        /* [dims x dims] */
    double *scratch;      /* [dims x dims] */
    double *shift, *line; /* [dims] */
} learning;

static void learning_fini(learning *l)
{
    free(l->u);
    free(l->start);
    free(l->back);
    free(l->shift);
}

static mewl_status learning_init(learning *l, const double *x, const size_t *group, size_t rows, size_t dims,
                                 mewl_error *err)
{
    memset(l, 0, sizeof *l);
    l->rows = rows;
    l->dims = dims;
    l->u = malloc(rows * dims * sizeof *l->u);
    l->start = malloc((rows + 1) * sizeof *l->start);
    l->back = malloc(6 * dims * dims * sizeof *l->back);
    l->shift = malloc(2 * dims * sizeof *l->shift);
    size_t *order = malloc(rows * sizeof *order);
    if (l->u == NULL || l->start == NULL || l->back == NULL || l->shift == NULL || order == NULL) {
        free(order);
        learning_fini(l);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a discriminant analysis of %zu rows", rows);
    }
    l->within = l->back + dims * dims;
    l->between = l->within + dims * dims;
    l->turn = l->between + dims * dims;
    l->untie = l->turn + dims * dims;
    l->scratch = l->untie + dims * dims;
    l->line = l->shift + dims;
    l->groups = mewl_table_order_groups(order, l->start, group, rows);
    for (size_t i = 0; i < rows; i++) {
        memcpy(l->u + i * dims, x + order[i] * dims, dims * sizeof *x);
    }
    free(order);
    if (l->groups < 2 || l->groups == rows) {
        size_t groups = l->groups;
        learning_fini(l);
        return mewl_error_set(err, MEWL_E_EMPTY, "discriminant analysis: %zu rows in %zu groups tell no two apart",
                              rows, groups);
    }
    return MEWL_OK;
}

static void shrink(double *matrix, size_t n, double share)
{
    double trace = 0;
    for (size_t i = 0; i < n; i++) {
        trace += matrix[i * n + i];
    }
    for (size_t i = 0; i < n * n && share > 0; i++) {
        matrix[i] *= 1 - share;
    }
    for (size_t i = 0; i < n && share > 0; i++) {
        matrix[i * n + i] += share * trace / (double)n;
    }
}

/* Goes over to the basis in which `within` and `between` are diagonal. */
static mewl_status rebase(mewl_plda *out, learning *l, double shrinkage, mewl_error *err)
{
    size_t n = l->dims;
    shrink(l->within, n, shrinkage);
    shrink(l->between, n, shrinkage);
    MEWL_TRY(diagonalise(l->turn, l->untie, out->between, l->between, l->within, l->scratch, n, err));
    for (size_t i = 0; i < l->rows; i++) {
        double *row = l->u + i * n;
        for (size_t j = 0; j < n; j++) {
            l->line[j] = row[j] - l->shift[j];
        }
        for (size_t j = 0; j < n; j++) {
            row[j] = mewl_table_dot(l->turn + j * n, l->line, n);
        }
    }
    for (size_t j = 0; j < n; j++) {
        out->mean[j] += mewl_table_dot(l->back + j * n, l->shift, n);
    }
    multiply(l->scratch, l->turn, out->basis, n);
    memcpy(out->basis, l->scratch, n * n * sizeof *out->basis);
    multiply(l->scratch, l->back, l->untie, n);
    memcpy(l->back, l->scratch, n * n * sizeof *l->back);
    return MEWL_OK;
}

/* One step of EM in the diagonal basis: a group of n rows with mean m has its own part expected at n b / (1 + n b) m,
 * with variance b / (1 + n b), where b is the variance between. */
static void step(const mewl_plda *out, learning *l)
{
    size_t n = l->dims;
    double *own = l->line;
    memset(l->shift, 0, n * sizeof *l->shift);
    memset(l->within, 0, n * n * sizeof *l->within);
    memset(l->between, 0, n * n * sizeof *l->between);
    for (size_t g = 0; g < l->groups; g++) {
        double count = (double)(l->start[g + 1] - l->start[g]);
        memset(own, 0, n * sizeof *own);
        for (size_t i = l->start[g]; i < l->start[g + 1]; i++) {
            for (size_t j = 0; j < n; j++) {
                own[j] += l->u[i * n + j];
                l->shift[j] += l->u[i * n + j] / (double)l->rows;
            }
        }
        for (size_t j = 0; j < n; j++) {
            double variance = out->between[j] / (1 + count * out->between[j]);
            own[j] *= variance;
            l->shift[j] -= count * own[j] / (double)l->rows;
            l->between[j * n + j] += variance / (double)l->groups;
            l->within[j * n + j] += count * variance / (double)l->rows;
        }
        for (size_t j = 0; j < n; j++) {
            for (size_t k = 0; k < n; k++) {
                l->between[j * n + k] += own[j] * own[k] / (double)l->groups;
            }
        }
        for (size_t i = l->start[g]; i < l->start[g + 1]; i++) {
            const double *row = l->u + i * n;
            for (size_t j = 0; j < n; j++) {
                double part = (row[j] - own[j]) / (double)l->rows;
                for (size_t k = 0; k < n; k++) {
                    l->within[j * n + k] += part * (row[k] - own[k]);
                }
            }
        }
    }
    /* The mean that is taken off afterwards was still in the rows. */
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < n; k++) {
            l->within[j * n + k] -= l->shift[j] * l->shift[k];
        }
    }
}

mewl_status mewl_plda_fit(mewl_plda *out, const double *x, const size_t *group, size_t rows, size_t dims,
                          mewl_plda_opts opts, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(mewl_table_check(x, rows, dims, "discriminant analysis", err));
    if (!(opts.shrinkage >= 0) || opts.shrinkage > 1) {
        return mewl_error_set(err, MEWL_E_ARG, "discriminant analysis: shrinkage %g", opts.shrinkage);
    }
    MEWL_TRY(plda_init_empty(out, dims, err));
    learning l;
    mewl_status status = learning_init(&l, x, group, rows, dims, err);
    if (status != MEWL_OK) {
        mewl_plda_fini(out);
        return status;
    }
    /* Starts with both covariances equal to that of all rows. */
    mewl_table_mean(l.shift, l.u, NULL, rows, dims);
    mewl_table_scatter(l.within, l.u, l.shift, NULL, rows, dims, (double)rows);
    memcpy(l.between, l.within, dims * dims * sizeof *l.between);
    memset(l.back, 0, dims * dims * sizeof *l.back);
    for (size_t j = 0; j < dims; j++) {
        out->basis[j * dims + j] = 1;
        l.back[j * dims + j] = 1;
    }
    status = rebase(out, &l, opts.shrinkage, err);
    size_t iterations = opts.iterations == 0 ? ITERATIONS : opts.iterations;
    for (size_t k = 0; k < iterations && status == MEWL_OK; k++) {
        step(out, &l);
        status = rebase(out, &l, opts.shrinkage, err);
    }
    learning_fini(&l);
    if (status != MEWL_OK) {
        mewl_plda_fini(out);
    }
    return status;
}

void mewl_plda_project(const mewl_plda *plda, double *out, const double *x)
{
    double away[MEWL_PLDA_DIMS_MAX];
    for (size_t j = 0; j < plda->dims; j++) {
        away[j] = x[j] - plda->mean[j];
    }
    for (size_t j = 0; j < plda->dims; j++) {
        out[j] = mewl_table_dot(plda->basis + j * plda->dims, away, plda->dims);
    }
}

double mewl_plda_ratio(const mewl_plda *plda, const double *enrolled_mean, double count, const double *test)
{
    double sum = 0;
    for (size_t j = 0; j < plda->dims; j++) {
        double b = plda->between[j];
        double known = count * b / (1 + count * b) * enrolled_mean[j];
        double same = 1 + b / (1 + count * b);
        double other = 1 + b;
        double away = test[j] - known;
        sum += 0.5 * (test[j] * test[j] / other - away * away / same + log(other / same));
    }
    return sum;
}

void mewl_plda_save(const mewl_plda *plda, mewl_buffer *out)
{
    mewl_bytes_put_head(out, "PLDA", 1);
    mewl_bytes_put_u64(out, plda->dims);
    mewl_bytes_put_f64s(out, plda->mean, plda->dims);
    mewl_bytes_put_f64s(out, plda->basis, plda->dims * plda->dims);
    mewl_bytes_put_f64s(out, plda->between, plda->dims);
}

static mewl_status read_plda(mewl_plda *out, mewl_bytes *in, mewl_error *err)
{
    MEWL_TRY(mewl_bytes_get_head(in, NULL, "PLDA", 1, err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->dims, 1, MEWL_PLDA_DIMS_MAX, "the number of columns", err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->mean, out->dims, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->basis, out->dims * out->dims, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->between, out->dims, err));
    for (size_t j = 0; j < out->dims; j++) {
        if (!(out->between[j] >= 0)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: a variance below 0", in->name);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_plda_load(mewl_plda *out, mewl_bytes *in, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    mewl_status status = read_plda(out, in, err);
    if (status != MEWL_OK) {
        mewl_plda_fini(out);
    }
    return status;
}
