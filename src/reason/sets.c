/* sets.c - see sets.h. */
#include "reason/sets.h"

#include <math.h>
#include <stdlib.h>

static const char *const names[] = {"least", "adaptive"};

const char *mewl_sets_kind_name(mewl_sets_kind kind)
{
    return (size_t)kind < MEWL_SETS_KIND_COUNT ? names[kind] : NULL;
}

double mewl_sets_misfit(mewl_sets_kind kind, const float *p, size_t classes, size_t k, double share)
{
    if (kind == MEWL_SETS_LEAST) {
        return 1.0 - (double)p[k];
    }
    double likelier = 0.0;
    for (size_t j = 0; j < classes; j++) {
        likelier += p[j] > p[k] || (p[j] == p[k] && j < k) ? (double)p[j] : 0.0;
    }
    return likelier + share * (double)p[k];
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The ceil((n + 1) coverage)-th smallest; +INFINITY when that is beyond the last. Rounding of the product must not
 * carry it over a whole number: (9 + 1) 0.9 is 9. */
static double quantile(double *misfit, size_t n, double coverage)
{
    const double rank = ceil((double)(n + 1) * coverage - 1e-9);
    if (rank > (double)n) {
        return INFINITY;
    }
    qsort(misfit, n, sizeof *misfit, by_value);
    return misfit[rank < 1.0 ? 0 : (size_t)rank - 1];
}

static mewl_status check(const float *p, const int *truth, const double *shares, size_t count, size_t classes,
                         mewl_sets_opts opts, mewl_error *err)
{
    if (count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there is nothing to calibrate prediction sets on");
    }
    if (classes < 2 || classes > MEWL_SETS_CLASSES_MAX || (size_t)opts.kind >= MEWL_SETS_KIND_COUNT ||
        !(opts.coverage > 0.0 && opts.coverage < 1.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "prediction sets of %zu classes at coverage %g: 2 to %d, inside (0, 1)",
                              classes, opts.coverage, MEWL_SETS_CLASSES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        bool good = truth[i] >= 0 && (size_t)truth[i] < classes;
        good = good && (shares == NULL || (shares[i] >= 0.0 && shares[i] <= 1.0));
        for (size_t k = 0; k < classes && good; k++) {
            good = p[i * classes + k] >= 0.0f && p[i * classes + k] <= 1.001f;
        }
        if (!good) {
            return mewl_error_set(err, MEWL_E_ARG, "item %zu has no class, share or probabilities in range", i);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_sets_fit(mewl_sets *out, const float *p, const int *truth, const double *shares, size_t count,
                          size_t classes, mewl_sets_opts opts, mewl_error *err)
{
    *out = (mewl_sets){.opts = opts, .classes = classes};
    MEWL_TRY(check(p, truth, shares, count, classes, opts, err));
    double *misfit = malloc(count * sizeof *misfit);
    if (misfit == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu items", count);
    }
    for (size_t k = 0; k < classes; k++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            if (!opts.by_class || truth[i] == (int)k) {
                misfit[n++] = mewl_sets_misfit(opts.kind, p + i * classes, classes, (size_t)truth[i],
                                               shares != NULL ? shares[i] : 1.0);
            }
        }
        out->threshold[k] = opts.by_class || k == 0 ? quantile(misfit, n, opts.coverage) : out->threshold[0];
    }
    free(misfit);
    return MEWL_OK;
}

size_t mewl_sets_apply(const mewl_sets *sets, bool *in, const float *p, double share)
{
    size_t size = 0;
    for (size_t k = 0; k < sets->classes; k++) {
        in[k] = mewl_sets_misfit(sets->opts.kind, p, sets->classes, k, share) <= sets->threshold[k];
        size += in[k];
    }
    return size;
}
