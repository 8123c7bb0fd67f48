/* permutation.h - could this figure have come from labels without meaning? The whole pipeline is run again on labels
 * that were shuffled group by group, as often as asked, and the figure is compared with what came of that.
 *
 * A round may fail, takes long, and can be one cell of an experiment: round r's labels follow from (seed, r) alone.
 */
#ifndef MEWL_LAB_PERMUTATION_H
#define MEWL_LAB_PERMUTATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/progress.h"
#include "base/status.h"

/* The labels of round `round`: written out in a random order of groups and dealt back in the original order, so that
 * the number of clips with each label stays and labels of a group stay together. out != labels. MEWL_E_EMPTY,
 * MEWL_E_MEMORY. */
mewl_status mewl_permutation_draw(int *out, const int *labels, const size_t *group, size_t count, uint64_t seed,
                                  uint64_t round, mewl_error *err);

/* One-sided p of "at least the observed figure": (hits + 1) / (count + 1). Figures that are NaN count as hits. */
double mewl_permutation_p(double observed, const double *figures, size_t count);

/* Trains and scores under the labels given: `figure`, larger being better. */
typedef mewl_status (*mewl_permutation_fn)(double *figure, const int *labels, void *user, mewl_error *err);

typedef struct mewl_permutation {
    double observed, p;
    double mean, highest; /* of the shuffled rounds */
    size_t rounds;
} mewl_permutation;

/* All rounds at once. `figures` [rounds] (may be NULL) receives each round's figure. Errors: those of fn, MEWL_E_ARG
 * for 0 rounds or more than 100,000. */
mewl_status mewl_permutation_run(mewl_permutation *out, double *figures, const int *labels, const size_t *group,
                                 size_t count, mewl_permutation_fn fn, void *user, size_t rounds, uint64_t seed,
                                 const mewl_progress *progress, mewl_error *err);

#endif
