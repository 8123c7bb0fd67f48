/* ratio.c - see ratio.h. */
#include "lab/ratio.h"

#include <math.h>
#include <stdlib.h>

#define ROUNDS 2000

typedef struct ratio {
    const double *top, *bottom;
    size_t count;
} ratio;

static void compute_ratio(double *values, const double *weights, void *user)
{
    const ratio *r = user;
    double top = 0;
    double bottom = 0;
    for (size_t i = 0; i < r->count; i++) {
        top += weights[i] * r->top[i];
        bottom += weights[i] * r->bottom[i];
    }
    values[0] = bottom > 0 ? top / bottom : NAN;
}

mewl_status mewl_ratio_interval(mewl_interval *out, const double *top, const double *bottom, size_t count,
                                uint64_t seed, mewl_error *err)
{
    size_t *group = malloc((count + 1) * sizeof *group);
    if (group == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for an interval");
    }
    for (size_t i = 0; i < count; i++) {
        group[i] = i;
    }
    ratio r = {.top = top, .bottom = bottom, .count = count};
    const mewl_status status = mewl_bootstrap(out, 1, group, NULL, count, compute_ratio, &r,
                                              (mewl_bootstrap_opts){.rounds = ROUNDS, .seed = seed}, err);
    free(group);
    return status;
}
