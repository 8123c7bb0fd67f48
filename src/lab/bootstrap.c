/* bootstrap.c - resampling whole groups. A resample is a weight an item; the figures are computed by the caller. */
#include "lab/bootstrap.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lab/permutation.h"

#define ROUNDS_DEFAULT 1000
#define ROUNDS_MAX 1000000

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double mewl_percentile(double *values, size_t count, double q)
{
    if (count == 0) {
        return NAN;
    }
    qsort(values, count, sizeof *values, by_value);
    double place = q * (double)(count - 1);
    size_t below = (size_t)floor(place);
    if (below + 1 >= count) {
        return values[count - 1];
    }
    double part = place - (double)below;
    return values[below] + part * (values[below + 1] - values[below]);
}

/* Items sorted so that each group is one run, and the runs of a stratum stand together. */
typedef struct member {
    size_t stratum, group, item;
} member;

static int by_group(const void *a, const void *b)
{
    const member *x = a;
    const member *y = b;
    if (x->stratum != y->stratum) {
        return x->stratum < y->stratum ? -1 : 1;
    }
    if (x->group != y->group) {
        return x->group < y->group ? -1 : 1;
    }
    return x->item < y->item ? -1 : x->item > y->item;
}

typedef struct grouping {
    member *members;    /* [count] */
    size_t *run_start;  /* [runs + 1], a run is one group */
    size_t *stratum_at; /* [strata + 1], first run of a stratum */
    size_t count, runs, strata;
} grouping;

static void grouping_fini(grouping *g)
{
    free(g->members);
    free(g->run_start);
    free(g->stratum_at);
    memset(g, 0, sizeof *g);
}

static mewl_status grouping_init(grouping *g, const size_t *group, const size_t *stratum, size_t count, mewl_error *err)
{
    memset(g, 0, sizeof *g);
    if (count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there is nothing to resample");
    }
    if (count > SIZE_MAX / 64) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%zu items are too many to resample", count);
    }
    g->members = malloc(count * sizeof *g->members);
    g->run_start = malloc((count + 1) * sizeof *g->run_start);
    g->stratum_at = malloc((count + 1) * sizeof *g->stratum_at);
    if (g->members == NULL || g->run_start == NULL || g->stratum_at == NULL) {
        grouping_fini(g);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory to resample %zu items", count);
    }
    for (size_t i = 0; i < count; i++) {
        g->members[i] = (member){.stratum = stratum == NULL ? 0 : stratum[i], .group = group[i], .item = i};
    }
    qsort(g->members, count, sizeof *g->members, by_group);
    for (size_t i = 0; i < count; i++) {
        bool new_stratum = i == 0 || g->members[i].stratum != g->members[i - 1].stratum;
        if (new_stratum) {
            g->stratum_at[g->strata++] = g->runs;
        }
        if (new_stratum || g->members[i].group != g->members[i - 1].group) {
            g->run_start[g->runs++] = i;
        }
    }
    g->run_start[g->runs] = count;
    g->stratum_at[g->strata] = g->runs;
    g->count = count;
    return MEWL_OK;
}

static void draw_weights(double *weights, const grouping *g, mewl_rng *rng)
{
    memset(weights, 0, g->count * sizeof *weights);
    for (size_t s = 0; s < g->strata; s++) {
        size_t first = g->stratum_at[s];
        size_t runs = g->stratum_at[s + 1] - first;
        for (size_t draw = 0; draw < runs; draw++) {
            size_t run = first + (size_t)mewl_rng_below(rng, runs);
            for (size_t i = g->run_start[run]; i < g->run_start[run + 1]; i++) {
                weights[g->members[i].item] += 1.0;
            }
        }
    }
}

static mewl_status check_opts(mewl_bootstrap_opts *opts, mewl_error *err)
{
    if (opts->rounds == 0) {
        opts->rounds = ROUNDS_DEFAULT;
    }
    if (opts->level == 0) {
        opts->level = 0.95;
    }
    if (opts->rounds > ROUNDS_MAX || !(opts->level > 0 && opts->level < 1)) {
        return mewl_error_set(err, MEWL_E_ARG, "resampling takes 1 to %d rounds and a level between 0 and 1",
                              ROUNDS_MAX);
    }
    return MEWL_OK;
}

mewl_status mewl_bootstrap(mewl_interval *out, size_t outputs, const size_t *group, const size_t *stratum, size_t count,
                           mewl_statistic_fn statistic, void *user, mewl_bootstrap_opts opts, mewl_error *err)
{
    MEWL_TRY(check_opts(&opts, err));
    if (outputs == 0 || outputs > 100000 || outputs * opts.rounds > SIZE_MAX / 64) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu figures cannot be resampled at once", outputs);
    }
    grouping g;
    MEWL_TRY(grouping_init(&g, group, stratum, count, err));
    double *weights = malloc(count * sizeof *weights);
    double *values = malloc(outputs * sizeof *values);
    double *drawn = malloc(outputs * opts.rounds * sizeof *drawn);
    size_t *defined = calloc(outputs, sizeof *defined);
    mewl_status status = MEWL_OK;
    if (weights == NULL || values == NULL || drawn == NULL || defined == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu rounds of %zu figures", opts.rounds, outputs);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        weights[i] = 1.0;
    }
    statistic(values, weights, user);
    for (size_t k = 0; k < outputs; k++) {
        out[k].value = values[k];
    }
    mewl_rng rng = mewl_rng_seeded(opts.seed);
    for (size_t round = 0; round < opts.rounds; round++) {
        draw_weights(weights, &g, &rng);
        statistic(values, weights, user);
        for (size_t k = 0; k < outputs; k++) {
            if (!isnan(values[k])) {
                drawn[k * opts.rounds + defined[k]++] = values[k];
            }
        }
    }
    for (size_t k = 0; k < outputs; k++) {
        double tail = 0.5 * (1.0 - opts.level);
        out[k].low = mewl_percentile(drawn + k * opts.rounds, defined[k], tail);
        out[k].high = mewl_percentile(drawn + k * opts.rounds, defined[k], 1.0 - tail);
        out[k].rounds = defined[k];
    }
done:
    free(weights);
    free(values);
    free(drawn);
    free(defined);
    grouping_fini(&g);
    return status;
}
