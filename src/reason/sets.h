/* sets.h - prediction sets: instead of one class, the smallest set of classes that holds the true one as often as
 * stated, whatever the classifier is worth (split conformal prediction: Vovk et al. 2005; Angelopoulos and Bates 2021).
 *
 *   kind      how badly a class fits an item                                     tends to
 *   least     1 - p of the class (Sadinle et al. 2019)                           smallest sets
 *   adaptive  p of all likelier classes, and a random share of its own (Romano   sets that are larger where the
 *             et al. 2020; without the share: all of it, which covers more)      classifier is less sure
 *
 * Thresholds come from calibration items that the classifier was not trained on; the promise holds when those and the
 * item asked about are exchangeable, so items of one infant belong on one side. By class, the promise holds for every
 * class by itself; a class with fewer than 1 / (1 - coverage) - 1 calibration items cannot be left out of any set then.
 * Pure numbers.
 */
#ifndef MEWL_REASON_SETS_H
#define MEWL_REASON_SETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define MEWL_SETS_CLASSES_MAX 16

typedef enum mewl_sets_kind { MEWL_SETS_LEAST, MEWL_SETS_ADAPTIVE, MEWL_SETS_KIND_COUNT } mewl_sets_kind;

/* "least", "adaptive"; NULL outside the enum. Static storage. */
const char *mewl_sets_kind_name(mewl_sets_kind kind);

typedef struct mewl_sets_opts {
    mewl_sets_kind kind;
    bool by_class;   /* a threshold for each class: coverage holds class by class */
    double coverage; /* stated share of items whose set holds the truth, inside (0, 1) */
} mewl_sets_opts;

/* Fitted thresholds. Plain data. A threshold of +INFINITY (too few calibration items) takes the class into every set.
 */
typedef struct mewl_sets {
    mewl_sets_opts opts;
    size_t classes;
    double threshold[MEWL_SETS_CLASSES_MAX]; /* all the same unless by_class */
} mewl_sets;

/* How badly class k fits an item with probabilities p [classes]: 0 (well) to 1. `share` in [0, 1] is the random part of
 * "adaptive"; 1 leaves chance out. */
double mewl_sets_misfit(mewl_sets_kind kind, const float *p, size_t classes, size_t k, double share);

/* Thresholds from `count` items: p (count, classes), truth[count]; shares[count] for "adaptive" (NULL: all 1). The
 * threshold is the ceil((n + 1) coverage)-th smallest misfit of the true class. MEWL_E_ARG, MEWL_E_EMPTY,
 * MEWL_E_MEMORY.
 */
mewl_status mewl_sets_fit(mewl_sets *out, const float *p, const int *truth, const double *shares, size_t count,
                          size_t classes, mewl_sets_opts opts, mewl_error *err);

/* The set of one item: in[classes]; returns how many classes are in it. It may be empty: then nothing fits as well as
 * was stated. */
size_t mewl_sets_apply(const mewl_sets *sets, bool *in, const float *p, double share);

#endif
