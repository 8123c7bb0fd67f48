/* kmeans.c - k-means, declared in gmm.h: where a mixture starts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/gmm.h"

static size_t nearest_centre(double *distance, const double *row, const double *centres, size_t k, size_t dims)
{
    size_t best = 0;
    *distance = INFINITY;
    for (size_t c = 0; c < k; c++) {
        double d = mewl_table_squared_distance(row, centres + c * dims, dims);
        if (d < *distance) {
            *distance = d;
            best = c;
        }
    }
    return best;
}

/* k-means++: each further centre is a row drawn in proportion to its squared distance to the nearest one so far. */
static void spread_centres(double *centres, double *nearest, const double *x, size_t rows, size_t dims, size_t k,
                           mewl_rng *rng)
{
    memcpy(centres, x + mewl_rng_below(rng, rows) * dims, dims * sizeof *centres);
    for (size_t c = 1; c < k; c++) {
        double total = 0;
        for (size_t i = 0; i < rows; i++) {
            double d = mewl_table_squared_distance(x + i * dims, centres + (c - 1) * dims, dims);
            nearest[i] = c == 1 ? d : fmin(nearest[i], d);
            total += nearest[i];
        }
        double place = mewl_rng_unit(rng) * total;
        size_t chosen = total > 0 ? rows - 1 : (size_t)mewl_rng_below(rng, rows);
        for (size_t i = 0; i < rows && total > 0; i++) {
            place -= nearest[i];
            if (place < 0) {
                chosen = i;
                break;
            }
        }
        memcpy(centres + c * dims, x + chosen * dims, dims * sizeof *centres);
    }
}

/* One of Lloyd's iterations; returns whether any row changed its centre. A centre left without rows stays. */
static bool improve(double *centres, size_t *assignment, size_t *count, double *inertia, const double *x, size_t rows,
                    size_t dims, size_t k)
{
    bool changed = false;
    *inertia = 0;
    memset(count, 0, k * sizeof *count);
    for (size_t i = 0; i < rows; i++) {
        double distance = 0;
        size_t best = nearest_centre(&distance, x + i * dims, centres, k, dims);
        changed = changed || assignment[i] != best;
        assignment[i] = best;
        count[best]++;
        *inertia += distance;
    }
    if (!changed) {
        return false;
    }
    for (size_t c = 0; c < k; c++) {
        if (count[c] > 0) {
            memset(centres + c * dims, 0, dims * sizeof *centres);
        }
    }
    for (size_t i = 0; i < rows; i++) {
        double *to = centres + assignment[i] * dims;
        for (size_t j = 0; j < dims; j++) {
            to[j] += x[i * dims + j] / (double)count[assignment[i]];
        }
    }
    return true;
}

mewl_status mewl_kmeans(double *centres, size_t *assignment, double *inertia, const double *x, size_t rows, size_t dims,
                        size_t k, size_t iterations, uint64_t seed, mewl_error *err)
{
    MEWL_TRY(mewl_table_check(x, rows, dims, "k-means", err));
    if (k == 0 || k > rows) {
        return mewl_error_set(err, MEWL_E_SHAPE, "k-means: %zu centres of %zu rows", k, rows);
    }
    double *nearest = malloc(rows * sizeof *nearest);
    size_t *own = malloc(rows * sizeof *own);
    size_t *count = malloc(k * sizeof *count);
    mewl_status status = MEWL_OK;
    if (nearest == NULL || own == NULL || count == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for k-means of %zu rows", rows);
    } else {
        mewl_rng rng = mewl_rng_seeded(seed);
        double sum = 0;
        spread_centres(centres, nearest, x, rows, dims, k, &rng);
        memset(own, 0xff, rows * sizeof *own);
        for (size_t round = 0; round <= iterations; round++) {
            if (!improve(centres, own, count, &sum, x, rows, dims, k)) {
                break;
            }
        }
        if (assignment != NULL) {
            memcpy(assignment, own, rows * sizeof *own);
        }
        if (inertia != NULL) {
            *inertia = sum;
        }
    }
    free(nearest);
    free(own);
    free(count);
    return status;
}
