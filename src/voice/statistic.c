/* statistic.c - see statistic.h. */
#include "voice/statistic.h"

#include <math.h>
#include <stdlib.h>

void mewl__moments_take(mewl__moments *m, double x)
{
    m->count++;
    double step = x - m->mean;
    m->mean += step / (double)m->count;
    m->squares += step * (x - m->mean);
}

double mewl__moments_mean(const mewl__moments *m)
{
    return m->count > 0 ? m->mean : NAN;
}

double mewl__moments_sd(const mewl__moments *m)
{
    return m->count > 1 ? sqrt(m->squares / (double)(m->count - 1)) : NAN;
}

double mewl__moments_sd_whole(const mewl__moments *m)
{
    return m->count > 0 ? sqrt(m->squares / (double)m->count) : NAN;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void mewl__sort_doubles(double *values, size_t count)
{
    if (count > 1) {
        qsort(values, count, sizeof *values, compare_doubles);
    }
}

double mewl__percentile(const double *sorted, size_t count, double share)
{
    if (count == 0) {
        return NAN;
    }
    double place = share * (double)(count - 1);
    size_t below = (size_t)place, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}
