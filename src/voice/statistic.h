/* statistic.h - private to the voice room: the few figures that sum up a row of numbers. */
#ifndef MEWL_VOICE_STATISTIC_H
#define MEWL_VOICE_STATISTIC_H

#include <stddef.h>

/* Mean and sum of squared distances from it, as numbers come in (Welford). Start from zeros. */
typedef struct mewl__moments {
    double mean, squares;
    size_t count;
} mewl__moments;

void mewl__moments_take(mewl__moments *m, double x);

/* NaN of nothing. */
double mewl__moments_mean(const mewl__moments *m);

/* Standard deviation: over count - 1 (NaN below two), or over count (NaN of nothing). */
double mewl__moments_sd(const mewl__moments *m);
double mewl__moments_sd_whole(const mewl__moments *m);

void mewl__sort_doubles(double *values, size_t count);

/* Of sorted values, between neighbours on the straight line, as numpy.percentile; share 0 to 1; NaN of nothing. */
double mewl__percentile(const double *sorted, size_t count, double share);

#endif
