/* ratio.h - a ratio of two sums over individuals, as alarms in so many months, with its interval by a bootstrap over
 * them. */
#ifndef MEWL_LAB_RATIO_H
#define MEWL_LAB_RATIO_H

#include "lab/bootstrap.h"

/* sum of top / sum of bottom over `count` individuals; NaN where the bottoms add up to nothing. 2,000 rounds.
 * MEWL_E_MEMORY and those of mewl_bootstrap. */
mewl_status mewl_ratio_interval(mewl_interval *out, const double *top, const double *bottom, size_t count,
                                uint64_t seed, mewl_error *err);

#endif
