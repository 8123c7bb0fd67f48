/* reasons_permute.c - could the figure have come from labels without meaning? */
#include <stdlib.h>

#include "lab/permutation.h"
#include "lab/reasons_private.h"

#define K_MAX MEWL_HEAD_CLASSES_MAX

/* Grouped folds in their spaces, which do not depend on labels: learned once. */
typedef struct shuffled {
    const mewl__reasons *r;
    mewl__sides fold[MEWL_REASON_FOLDS_MAX];
    int folds;
    float *p;
} shuffled;

/* Logistic regression, c 0.003, on all grouped folds under these labels. */
static mewl_status figure(double *out, const int *labels, void *user, mewl_error *err)
{
    shuffled *s = user;
    const mewl_study *study = s->r->study;
    const size_t classes = study->class_count;
    double right[K_MAX] = {0}, seen[K_MAX] = {0}, sum = 0, present = 0;
    for (int f = 0; f < s->folds; f++) {
        mewl__sides *own = &s->fold[f];
        double prior[K_MAX] = {0};
        for (size_t i = 0; i < own->train_count; i++) {
            own->label[i] = labels[own->train_rows[i]];
            prior[own->label[i]] += 1.0 / (double)own->train_count;
        }
        MEWL_TRY(mewl__sides_ask(s->p, own, MEWL_HEAD_LOGISTIC, 1, classes, err));
        for (size_t i = 0; i < own->test_count; i++) {
            const int truth = labels[own->test_rows[i]];
            seen[truth]++;
            right[truth] += mewl__likeliest(s->p + i * classes, prior, classes) == (size_t)truth;
        }
    }
    for (size_t k = 0; k < classes; k++) {
        sum += seen[k] > 0 ? right[k] / seen[k] : 0;
        present += seen[k] > 0;
    }
    *out = sum / present;
    return MEWL_OK;
}

mewl_status mewl__reasons_permute(json_t **result, const mewl__reasons *r, const mewl_reason_source *source,
                                  const mewl_progress *progress, mewl_error *err)
{
    shuffled s = {.r = r, .folds = r->opts.folds};
    mewl_permutation found = {0};
    mewl_status status = MEWL_OK;
    s.p = calloc(r->study->manifest->count * r->study->class_count, sizeof *s.p);
    if (s.p == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a permutation");
    }
    for (int f = 0; status == MEWL_OK && f < s.folds; f++) {
        mewl__work w;
        status = mewl__work_open(&w, r->study, source, 1, 0, f + 1, err);
        if (status == MEWL_OK) {
            status = mewl__sides_open(&s.fold[f], &w, 0, err);
        }
        mewl__work_fini(&w);
    }
    if (status == MEWL_OK) {
        status = mewl_permutation_run(&found, NULL, r->study->label, r->study->group, r->study->manifest->count, figure,
                                      &s, r->opts.permutations, 1, progress, err);
    }
    for (int f = 0; f < s.folds; f++) {
        mewl__sides_fini(&s.fold[f]);
    }
    free(s.p);
    if (status != MEWL_OK) {
        return status;
    }
    *result = json_object();
    (void)mewl_json_set_real(*result, "observed", found.observed);
    (void)mewl_json_set_real(*result, "p", found.p);
    (void)mewl_json_set_real(*result, "mean", found.mean);
    (void)mewl_json_set_real(*result, "highest", found.highest);
    return mewl_json_set_int(*result, "rounds", (int64_t)found.rounds);
}
