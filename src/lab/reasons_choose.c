/* reasons_choose.c - which setting and which calibration map, by out-of-fold answers of the training side alone. */
#include <math.h>
#include <stdlib.h>

#include "lab/reasons_private.h"

#define K_MAX MEWL_HEAD_CLASSES_MAX

size_t mewl__likeliest(const float *p, const double *prior, size_t classes)
{
    size_t best = 0;
    double highest = -1;
    for (size_t k = 0; k < classes; k++) {
        const double value = prior == NULL ? (double)p[k] : prior[k] > 0 ? (double)p[k] / prior[k] : 0;
        best = value > highest * (1 + 1e-6) ? k : best;
        highest = fmax(highest, value);
    }
    return best;
}

static double accuracy(const mewl__work *w, const float *p)
{
    double right = 0;
    for (size_t i = 0; i < w->train_count; i++) {
        right += mewl__likeliest(p + i * w->classes, NULL, w->classes) == (size_t)w->label[i];
    }
    return right / (double)w->train_count;
}

static double balanced(const mewl__work *w, const float *p)
{
    double right[K_MAX] = {0}, seen[K_MAX] = {0}, sum = 0, present = 0;
    for (size_t i = 0; i < w->train_count; i++) {
        seen[w->label[i]]++;
        right[w->label[i]] += mewl__likeliest(p + i * w->classes, w->prior, w->classes) == (size_t)w->label[i];
    }
    for (size_t k = 0; k < w->classes; k++) {
        sum += seen[k] > 0 ? right[k] / seen[k] : 0;
        present += seen[k] > 0;
    }
    return sum / present;
}

static const mewl_calibration_opts maps[] = {
    {.kind = MEWL_CALIBRATION_TEMPERATURE},
    {.kind = MEWL_CALIBRATION_TEMPERATURE_BIAS, .intercept = 0.1},
    {.kind = MEWL_CALIBRATION_DIRICHLET, .off_diagonal = 10, .intercept = 0.1},
    {.kind = MEWL_CALIBRATION_DIRICHLET, .off_diagonal = 1, .intercept = 0.1},
};
#define BIAS_MAP 1
#define MAP_COUNT (sizeof maps / sizeof maps[0])

/* Logarithmic loss of the out-of-fold answers `p` when each inner fold is calibrated on the others. */
static mewl_status crossed_loss(double *loss, const mewl__work *w, const float *p, mewl_calibration_opts map,
                                mewl_error *err)
{
    double *weight = calloc(w->train_count, sizeof *weight);
    if (weight == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a calibration");
    }
    mewl_status status = MEWL_OK;
    *loss = 0;
    for (int fold = 1; status == MEWL_OK && fold <= MEWL_REASON_INNER_FOLDS; fold++) {
        mewl_calibration fitted;
        for (size_t i = 0; i < w->train_count; i++) {
            weight[i] = w->fold[i] != fold;
        }
        status = mewl_calibration_fit(&fitted, p, w->label, weight, w->train_count, w->classes, map, err);
        for (size_t i = 0; status == MEWL_OK && i < w->train_count; i++) {
            float q[K_MAX];
            if (w->fold[i] == fold) {
                mewl_calibration_apply(&fitted, q, p + i * w->classes, 1);
                *loss += mewl_calibration_log_loss(q, w->label + i, NULL, 1, w->classes) / (double)w->train_count;
            }
        }
    }
    free(weight);
    return status;
}

static mewl_status choose_map(size_t *best, double *loss, const mewl__work *w, const float *p, mewl_error *err)
{
    *loss = INFINITY;
    for (size_t m = 0; m < MAP_COUNT; m++) {
        double own = INFINITY;
        MEWL_TRY(crossed_loss(&own, w, p, maps[m], err));
        *best = own < *loss ? m : *best;
        *loss = fmin(*loss, own);
    }
    return MEWL_OK;
}

mewl_status mewl__work_choose(size_t *setting, mewl_calibration_opts *map, const mewl__work *w, mewl_head head,
                              size_t choice, mewl_error *err)
{
    double best = -INFINITY, loss;
    size_t best_map = 0;
    *setting = 0;
    for (size_t k = 0; k < mewl_head_settings(head); k++) {
        const float *p = mewl__work_answers(w, head, k);
        double value;
        if (choice ==
            2) { /* settings by one map, then the map of the best: Dirichlet for all would cost most of a cell */
            MEWL_TRY(crossed_loss(&loss, w, p, maps[BIAS_MAP], err));
            value = -loss;
        } else {
            value = choice == 0 ? accuracy(w, p) : balanced(w, p);
        }
        if (value > best) {
            best = value;
            *setting = k;
        }
    }
    if (choice == 2) {
        MEWL_TRY(choose_map(&best_map, &loss, w, mewl__work_answers(w, head, *setting), err));
    }
    *map = maps[best_map];
    return MEWL_OK;
}
