/* bootstrap.h - how sure a figure is: bootstrap over groups (source recording, uuid, speaker), percentile intervals,
 * paired differences. Permutation tests: permutation.h.
 *
 * Not a statistics package: resampling only, from a printed seed, the same on every machine.
 */
#ifndef MEWL_LAB_BOOTSTRAP_H
#define MEWL_LAB_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct mewl_interval {
    double value;     /* the figure on the data as they are */
    double low, high; /* percentile interval; NaN when no resample was defined */
    size_t rounds;    /* resamples in which the figure was defined */
} mewl_interval;

typedef struct mewl_bootstrap_opts {
    size_t rounds; /* resamples; 0 means 1000; at most 1000000 */
    double level;  /* share inside the interval; 0 means 0.95 */
    uint64_t seed;
} mewl_bootstrap_opts;

/* Computes `outputs` figures on weighted items: weights[i] is how often item i was drawn. May write NaN where a figure
 * is undefined. A paired difference is one output: figure of A minus figure of B under the same weights. */
typedef void (*mewl_statistic_fn)(double *values, const double *weights, void *user);

/* Draws whole groups with replacement, as many as there are, within each stratum (items with equal `stratum` numbers;
 * NULL: one stratum), and takes percentiles (linear interpolation, as numpy.percentile) of every output.
 * group[count]: any numbers; equal numbers in one stratum are one group. out[outputs].
 * MEWL_E_EMPTY without items, MEWL_E_ARG for odd options. (Efron and Tibshirani 1993, chapter 13; groups: Field and
 * Welsh 2007.) */
mewl_status mewl_bootstrap(mewl_interval *out, size_t outputs, const size_t *group, const size_t *stratum, size_t count,
                           mewl_statistic_fn statistic, void *user, mewl_bootstrap_opts opts, mewl_error *err);

/* One-sided p of "a figure this large happens under shuffled labels". Labels are shuffled group by group: written out
 * in a random order of groups and dealt back in the original order, so label counts stay exact and labels of a group
 * stay together. `figure` gets the labels in the caller's item order. p = (hits + 1) / (rounds + 1). */
typedef double (*mewl_label_figure_fn)(const int *labels, void *user);

/* Percentile `q` in [0, 1] of `count` values by linear interpolation (sorts `values` in place); NaN when empty. */
double mewl_percentile(double *values, size_t count, double q);

#endif
