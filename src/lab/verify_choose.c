/* verify_choose.c - parameters of a head, chosen among those whom it may hear and nobody else. */
#include "lab/verify_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lab/metrics.h"

#define FOLDS 4

static const double shrinkages[] = {0.1, 0.3, 0.5};
static const double balances[] = {0.125, 0.25, 0.375, 0.5};

enum { SHRINKAGES = sizeof shrinkages / sizeof shrinkages[0], BALANCES = sizeof balances / sizeof balances[0] };

/* Trials within one of the inner folds, under the parameters at hand. */
typedef struct chooser {
    const mewl_verify_system *system;
    const mewl__trials *t;
    const bool *hear;
    uint64_t seed;
    size_t *trial; /* those that are judged */
    size_t count;
    float *cosines[MEWL_VERIFY_BRANCHES_MAX]; /* of each of them and each branch */
    float *score;
    bool *same;
    bool *learn, *wanted; /* of each side */
} chooser;

static int inner_fold(const chooser *c, size_t side)
{
    mewl_rng rng = mewl_rng_stream(c->seed ^ 0x63686f6f7365u, c->t->sides[side].group);
    return (int)mewl_rng_below(&rng, FOLDS);
}

static void chooser_fini(chooser *c)
{
    free(c->trial);
    free(c->score);
    free(c->same);
    free(c->learn);
    free(c->wanted);
    for (int k = 0; k < MEWL_VERIFY_BRANCHES_MAX; k++) {
        free(c->cosines[k]);
    }
}

static mewl_status chooser_init(chooser *c, mewl_error *err)
{
    const size_t n = c->t->count, sides = c->t->side_count;
    c->trial = malloc(n * sizeof *c->trial + 1);
    c->score = malloc(n * sizeof *c->score + 1);
    c->same = malloc(n * sizeof *c->same + 1);
    c->learn = malloc(sides * sizeof *c->learn + 1);
    c->wanted = malloc(sides * sizeof *c->wanted + 1);
    bool good = c->trial != NULL && c->score != NULL && c->same != NULL && c->learn != NULL && c->wanted != NULL;
    for (int k = 0; k < MEWL_VERIFY_BRANCHES_MAX; k++) {
        c->cosines[k] = malloc(n * sizeof *c->cosines[k] + 1);
        good = good && c->cosines[k] != NULL;
    }
    if (!good) {
        chooser_fini(c);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for choosing a head");
    }
    for (size_t i = 0; i < n; i++) {
        size_t left = c->t->trials[i].left, right = c->t->trials[i].right;
        if (c->hear[left] && c->hear[right] && inner_fold(c, left) == inner_fold(c, right)) {
            c->trial[c->count++] = i;
        }
    }
    return MEWL_OK;
}

/* Cosines of the trials of one inner fold, branch by branch, through a head that has heard the other folds. */
static mewl_status hear_fold(chooser *c, int fold, mewl_verify_head_opts opts, mewl_error *err)
{
    mewl_verify_head head = {0};
    float *vectors = NULL;
    for (size_t s = 0; s < c->t->side_count; s++) {
        c->wanted[s] = c->hear[s] && inner_fold(c, s) == fold;
        c->learn[s] = c->hear[s] && !c->wanted[s];
    }
    MEWL_TRY(mewl__verify_fit(&head, c->system, c->t, c->learn, opts, err));
    mewl_status status = mewl__verify_vectors(&vectors, c->system, &head, c->t, c->wanted, err);
    for (size_t i = 0; status == MEWL_OK && i < c->count; i++) {
        const mewl__trial *trial = &c->t->trials[c->trial[i]];
        for (size_t k = 0; k < head.part_count && c->wanted[trial->left]; k++) {
            const mewl_verify_part *part = &head.parts[k];
            const float *a = vectors + trial->left * head.size + part->from,
                        *b = vectors + trial->right * head.size + part->from;
            double sum = 0;
            for (size_t d = 0; d < part->size; d++) {
                sum += (double)a[d] * (double)b[d];
            }
            c->cosines[k][i] = (float)sum;
        }
    }
    free(vectors);
    mewl_verify_head_fini(&head);
    return status;
}

/* Mean over the lists of the equal error rate, the first branch weighing `balance`; NAN when no list has both kinds. */
static mewl_status judge(double *mean, chooser *c, double balance, mewl_error *err)
{
    double sum = 0, lists = 0;
    for (size_t set = 0; set < c->t->sets; set++) {
        size_t count = 0, positives = 0;
        for (size_t i = 0; i < c->count; i++) {
            const mewl__trial *trial = &c->t->trials[c->trial[i]];
            if (c->t->sides[trial->left].set == set) {
                double second = c->system->branch > 0 ? (1 - balance) * (double)c->cosines[1][i] : 0;
                c->score[count] = (float)(balance * (double)c->cosines[0][i] + second);
                c->same[count++] = trial->same;
                positives += trial->same;
            }
        }
        if (positives == 0 || positives == count) {
            continue;
        }
        mewl_ranking r;
        MEWL_TRY(mewl_ranking_init(&r, c->score, c->same, count, err));
        sum += mewl_ranking_eer(&r, NULL, NULL);
        lists++;
        mewl_ranking_fini(&r);
    }
    *mean = lists > 0 ? sum / lists : NAN;
    return MEWL_OK;
}

static mewl_status search(mewl_verify_head_opts *out, chooser *c, mewl_error *err)
{
    double best = INFINITY;
    for (int s = 0; s < SHRINKAGES; s++) {
        /* Branches weigh the same here: each part's cosine then comes with the same factor, whatever is tried below. */
        mewl_verify_head_opts opts = {.branch = c->system->branch, .shrinkage = shrinkages[s], .balance = 0.5};
        for (int fold = 0; fold < FOLDS; fold++) {
            MEWL_TRY(hear_fold(c, fold, opts, err));
        }
        for (int b = 0; b < (c->system->branch > 0 ? BALANCES : 1); b++) {
            double mean;
            opts.balance = c->system->branch > 0 ? balances[b] : 1;
            MEWL_TRY(judge(&mean, c, opts.balance, err));
            if (mean < best) {
                best = mean;
                *out = opts;
            }
        }
    }
    return MEWL_OK;
}

mewl_status mewl__verify_choose(mewl_verify_head_opts *out, const mewl_verify_system *system, const mewl__trials *t,
                                const bool *hear, uint64_t seed, mewl_error *err)
{
    chooser c = {.system = system, .t = t, .hear = hear, .seed = seed};
    *out = (mewl_verify_head_opts){.branch = system->branch, .shrinkage = NAN, .balance = system->branch > 0 ? 0.5 : 1};
    if (!system->choose) {
        return MEWL_OK;
    }
    MEWL_TRY(chooser_init(&c, err));
    mewl_status status = search(out, &c, err);
    chooser_fini(&c);
    return status;
}
