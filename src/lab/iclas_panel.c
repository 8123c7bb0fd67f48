/* iclas_panel.c - one infant's models under one approach: learned without some sessions, calibrated, scored. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/iclas_private.h"

#define QUICK_FOLDS 5 /* of the inner calibration of models that take long to learn */
#define WANTED 39     /* sessions behind a p-value, other infants' added */

static void free_models(mewl__own *own)
{
    for (size_t v = 0; v < MEWL_ICLAS_MEMBERS_MAX; v++) {
        mewl_personal_free(own->model[v]);
        own->model[v] = NULL;
    }
}

void mewl__own_fini(mewl__own *own)
{
    free_models(own);
    free(own->row);
    free(own->part);
    free(own->score);
    free(own->start);
    *own = (mewl__own){0};
}

/* Whether session a (named by its first row) comes before session b: by time, else by the name the set gives it. */
static bool comes_before(const mewl_manifest *m, size_t a, size_t b)
{
    const mewl_row *one = &m->rows[a];
    const mewl_row *two = &m->rows[b];
    if (!isnan(one->time_s) && !isnan(two->time_s) && one->time_s != two->time_s) {
        return one->time_s < two->time_s;
    }
    int names = strcmp(one->session, two->session);
    return names != 0 ? names < 0 : a < b;
}

/* First rows of an identity's sessions in order of time; returns how many. */
static size_t order_sessions(size_t *list, const mewl__cast *cast, size_t identity, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < cast->rows && count < room; i++) {
        if (cast->identity[i] != identity || cast->session[i] != i) {
            continue;
        }
        size_t at = count++;
        for (; at > 0 && comes_before(cast->manifest, i, list[at - 1]); at--) {
            list[at] = list[at - 1];
        }
        list[at] = i;
    }
    return count;
}

mewl_status mewl__own_init(mewl__own *own, const mewl__cast *cast, const mewl__panel *panel, size_t identity,
                           mewl_error *err)
{
    size_t order[MEWL__ICLAS_ROWS_MAX];
    size_t n = cast->recordings[identity];
    size_t dims = 0;
    n = n < MEWL__ICLAS_ROWS_MAX ? n : MEWL__ICLAS_ROWS_MAX;
    for (size_t v = 0; v < panel->views; v++) {
        dims = panel->view[v].dims > dims ? panel->view[v].dims : dims;
    }
    *own = (mewl__own){.panel = panel};
    own->row = malloc(3 * n * sizeof *own->row + 1);
    own->part = malloc(n * dims * sizeof *own->part + 1);
    own->score = malloc(n * sizeof *own->score + 1);
    own->start = malloc((n + 1) * sizeof *own->start);
    if (own->row == NULL || own->part == NULL || own->score == NULL || own->start == NULL) {
        mewl__own_fini(own);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu recordings", n);
    }
    own->session = own->row + n;
    own->mark = own->session + n;
    /* Recordings of one session stand together, as fitting expects. */
    size_t sessions = order_sessions(order, cast, identity, n);
    for (size_t s = 0; s < sessions && own->count < n; s++) {
        size_t before = own->count;
        for (size_t k = 0; k < cast->rows && own->count < n; k++) {
            bool there = panel->there == NULL || panel->there[k];
            if (there && cast->identity[k] == identity && cast->session[k] == order[s]) {
                own->row[own->count] = k;
                own->session[own->count++] = own->sessions;
            }
        }
        own->sessions += own->count > before ? 1 : 0;
    }
    return MEWL_OK;
}

mewl_status mewl__own_fit(mewl__own *own, size_t end, size_t skip, size_t fold, size_t folds, mewl_error *err)
{
    const mewl__panel *panel = own->panel;
    free_models(own);
    for (size_t v = 0; v < panel->views; v++) {
        const mewl__view *view = &panel->view[v];
        size_t dims = view->dims;
        size_t kept = 0;
        for (size_t i = 0; i < own->count; i++) {
            size_t s = own->session[i];
            if (s < end && s != skip && (folds == 0 || s % folds != fold)) {
                memcpy(own->part + kept * dims, view->placed + own->row[i] * dims, dims * sizeof *own->part);
                own->mark[kept++] = s;
            }
        }
        if (kept == 0) {
            return mewl_error_set(err, MEWL_E_EMPTY, "no session is left to learn from");
        }
        MEWL_TRY(mewl_personal_fit(&own->model[v], panel->kind, own->part, own->mark, kept, dims, view->population,
                                   (mewl_personal_opts){.seed = panel->seed}, err));
    }
    return MEWL_OK;
}

double mewl__own_score(const mewl__own *own, size_t row)
{
    double sum = 0;
    for (size_t v = 0; v < own->panel->views; v++) {
        const mewl__view *view = &own->panel->view[v];
        double score = mewl_personal_score(own->model[v], view->placed + row * view->dims);
        sum += (score - view->centre) / view->spread;
    }
    return sum;
}

mewl_status mewl__own_calibrate(mewl_conformal *c, mewl__own *own, size_t end, size_t skip, mewl_error *err)
{
    bool slow = own->panel->kind == MEWL_PERSONAL_AUTOENCODER || own->panel->kind == MEWL_PERSONAL_GMM;
    size_t folds = slow && end > QUICK_FOLDS ? QUICK_FOLDS : end;
    size_t filled = 0;
    size_t sessions = 0;
    for (size_t fold = 0; fold < folds; fold++) {
        bool any = false;
        for (size_t s = fold; s < end; s += folds) {
            any = any || s != skip;
        }
        mewl_status status = any ? mewl__own_fit(own, end, skip, fold, folds, err) : MEWL_E_EMPTY;
        if (status == MEWL_E_EMPTY) {
            continue; /* too few others: this session cannot calibrate */
        }
        MEWL_TRY(status);
        for (size_t s = fold; s < end; s += folds) {
            if (s == skip) {
                continue;
            }
            own->start[sessions++] = filled;
            for (size_t i = 0; i < own->count; i++) {
                if (own->session[i] == s) {
                    own->score[filled++] = mewl__own_score(own, own->row[i]);
                }
            }
        }
    }
    own->start[sessions] = filled;
    *c = (mewl_conformal){.score = own->score,
                          .start = own->start,
                          .sessions = sessions,
                          .population = own->panel->population_score,
                          .infant = own->panel->population_infant,
                          .population_sessions = own->panel->population_sessions};
    return MEWL_OK;
}

mewl_conformal mewl__own_widened(const mewl_conformal *c, double level)
{
    mewl_conformal wide = *c;
    wide.wanted = (size_t)fmax(WANTED, ceil(1 / level - 1e-9) - 1);
    return wide;
}

mewl_p_value mewl__own_p(const mewl_conformal *c, double score, double level)
{
    mewl_conformal wide = mewl__own_widened(c, level);
    return mewl_conformal_recording(&wide, score);
}
