/* permutation.c - shuffled labels, round by round. */
#include "lab/permutation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define ROUNDS_MAX 100000

typedef struct member {
    size_t group, item;
} member;

static int by_group(const void *a, const void *b)
{
    const member *x = a;
    const member *y = b;
    if (x->group != y->group) {
        return x->group < y->group ? -1 : 1;
    }
    return x->item < y->item ? -1 : x->item > y->item;
}

/* Deals the labels of the groups in a random order back to `members`, which are sorted by group. */
static void deal(int *out, const int *labels, const member *members, size_t *start, size_t *order, size_t count,
                 mewl_rng *rng)
{
    size_t runs = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || members[i].group != members[i - 1].group) {
            start[runs++] = i;
        }
    }
    start[runs] = count;
    for (size_t r = 0; r < runs; r++) {
        order[r] = r;
    }
    mewl_rng_shuffle(rng, order, runs);
    size_t at = 0;
    for (size_t r = 0; r < runs; r++) {
        for (size_t i = start[order[r]]; i < start[order[r] + 1]; i++) {
            out[members[at++].item] = labels[members[i].item];
        }
    }
}

mewl_status mewl_permutation_draw(int *out, const int *labels, const size_t *group, size_t count, uint64_t seed,
                                  uint64_t round, mewl_error *err)
{
    if (count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there are no labels to shuffle");
    }
    member *members = count < SIZE_MAX / 64 ? malloc(count * sizeof *members) : NULL;
    size_t *start = count < SIZE_MAX / 64 ? malloc((count + 1) * sizeof *start) : NULL;
    size_t *order = count < SIZE_MAX / 64 ? malloc(count * sizeof *order) : NULL;
    mewl_status status = MEWL_OK;
    if (members == NULL || start == NULL || order == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory to shuffle %zu labels", count);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        members[i] = (member){group[i], i};
    }
    qsort(members, count, sizeof *members, by_group);
    mewl_rng rng = mewl_rng_stream(seed, round);
    deal(out, labels, members, start, order, count, &rng);
done:
    free(members);
    free(start);
    free(order);
    return status;
}

double mewl_permutation_p(double observed, const double *figures, size_t count)
{
    size_t hits = 0;
    for (size_t i = 0; i < count; i++) {
        hits += !(figures[i] < observed);
    }
    return (double)(hits + 1) / (double)(count + 1);
}

static void conclude(mewl_permutation *out, const double *figures, size_t rounds)
{
    double sum = 0;
    size_t known = 0;
    out->highest = NAN;
    for (size_t r = 0; r < rounds; r++) {
        if (!isnan(figures[r])) {
            sum += figures[r];
            known++;
            out->highest = isnan(out->highest) ? figures[r] : fmax(out->highest, figures[r]);
        }
    }
    out->mean = known > 0 ? sum / (double)known : NAN;
    out->p = mewl_permutation_p(out->observed, figures, rounds);
    out->rounds = rounds;
}

mewl_status mewl_permutation_run(mewl_permutation *out, double *figures, const int *labels, const size_t *group,
                                 size_t count, mewl_permutation_fn fn, void *user, size_t rounds, uint64_t seed,
                                 const mewl_progress *progress, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "a permutation test takes 1 to %d rounds", ROUNDS_MAX);
    }
    MEWL_TRY(fn(&out->observed, labels, user, err));
    int *shuffled = malloc((count + 1) * sizeof *shuffled);
    double *own = malloc(rounds * sizeof *own);
    mewl_status status = shuffled != NULL && own != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory to shuffle %zu labels", count);
    for (size_t r = 0; status == MEWL_OK && r < rounds; r++) {
        status = mewl_permutation_draw(shuffled, labels, group, count, seed, r, err);
        if (status == MEWL_OK) {
            status = fn(&own[r], shuffled, user, err);
        }
        mewl_progress_report(progress, (double)(r + 1), (double)rounds, "shuffled labels");
    }
    if (status == MEWL_OK) {
        conclude(out, own, rounds);
        if (figures != NULL) {
            memcpy(figures, own, rounds * sizeof *own);
        }
    }
    free(shuffled);
    free(own);
    return status;
}
