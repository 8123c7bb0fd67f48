/* reasons_make.c - a reason model for use, with the evidence for or against it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hear/reasoner.h"
#include "lab/reasons_private.h"
#include "lab/trials.h"

#define COVERAGE_DEFAULT 0.9
#define LIFT_DEFAULT 2.0
#define HEAD MEWL_HEAD_LOGISTIC
#define CHOICE 2 /* log-loss */

/* Out-of-fold answers under grouped folds of all recordings give the setting, the map and the sets. */
static mewl_status calibrate(mewl_reason *model, size_t *setting, mewl__work *w, double coverage, mewl_error *err)
{
    mewl_calibration_opts map;
    for (int fold = 1; fold <= MEWL_REASON_INNER_FOLDS; fold++) {
        MEWL_TRY(mewl__work_answer(w, fold, err));
    }
    MEWL_TRY(mewl__work_choose(setting, &map, w, HEAD, CHOICE, err));
    float *p = mewl__work_answers(w, HEAD, *setting);
    MEWL_TRY(mewl_calibration_fit(&model->calibration, p, w->label, NULL, w->train_count, w->classes, map, err));
    mewl_calibration_apply(&model->calibration, p, p, w->train_count);
    return mewl_sets_fit(&model->sets, p, w->label, NULL, w->train_count, w->classes,
                         (mewl_sets_opts){.kind = MEWL_SETS_LEAST, .coverage = coverage}, err);
}

/* Space and regression of all recordings, as one linear map. */
static mewl_status learn(mewl_reason *model, const mewl__work *w, size_t setting, mewl_error *err)
{
    mewl__sides all;
    mewl_logistic head = {0};
    mewl_status status = mewl__sides_open(&all, w, 0, err);
    if (status == MEWL_OK) {
        status = mewl_logistic_fit(&head, all.train, all.label, all.train_count, all.dims, w->classes,
                                   (mewl_logistic_opts){.c = mewl_head_logistic_c(setting)}, err);
    }
    if (status == MEWL_OK) {
        status = mewl_reason_set_linear(model, &all.space.scaler, &all.space.pca, &head, err);
    }
    mewl_logistic_fini(&head);
    mewl__sides_fini(&all);
    return status;
}

/* How the outer folds of the journal judge this head on this source. */
static mewl_status judge(mewl_reason_evidence *out, const mewl__reasons *r, const mewl_experiment *experiment,
                         const mewl_reason_source *source, mewl_error *err)
{
    mewl_forecasts f;
    mewl_interval figures[MEWL_FIGURE_COUNT];
    char name[MEWL_CELL_KEY_MAX];
    MEWL_TRY(mewl__reasons_forecasts(&f, r, experiment, source->name, HEAD, err));
    mewl_status status =
        mewl_forecasts_intervals(figures, &f, (mewl_bootstrap_opts){.rounds = r->opts.rounds, .seed = 1}, err);
    mewl_forecasts_fini(&f);
    MEWL_TRY(status);
    const mewl_interval *balanced = &figures[MEWL_FIGURE_EQUAL];
    const mewl_cell cell = mewl__reasons_permutation_at(name, sizeof name, source);
    const json_t *shuffled = mewl_experiment_result(experiment, &cell);
    *out = (mewl_reason_evidence){
        .balanced = balanced->value,
        .low = balanced->low,
        .high = balanced->high,
        .p = shuffled != NULL ? json_number_value(json_object_get(shuffled, "p")) : NAN,
        .clips = r->study->manifest->count,
        .groups = r->study->groups,
    };
    return MEWL_OK;
}

static mewl_status write_model(const mewl_reason *model, const mewl_reasons_making *making, double c, mewl_error *err)
{
    char recipe[512], metrics[512];
    (void)snprintf(recipe, sizeof recipe,
                   "logistic regression, c %g, on %d components of %s's embedding; %s; sets at %g %%", c,
                   MEWL_SPACE_DIMS, making->source, mewl_calibration_kind_name(model->calibration.kind),
                   100 * model->sets.opts.coverage);
    (void)snprintf(
        metrics, sizeof metrics,
        "balanced accuracy on held-out groups, all classes alike: %.3f [%.3f, %.3f], chance %.3f; permutation "
        "p %.3f",
        model->evidence.balanced, model->evidence.low, model->evidence.high, 1.0 / (double)model->classes,
        model->evidence.p);
    const char *const notes[][2] = {
        {"recipe", recipe}, {"metrics", metrics}, {"data", making->data != NULL ? making->data : ""}};
    return mewl_reasoner_write(model, making->embed, notes, making->data != NULL ? 3 : 2, making->path, err);
}

static const mewl_reason_source *find_source(const mewl__reasons *r, const char *name)
{
    for (size_t s = 0; s < r->count; s++) {
        if (strcmp(r->sources[s].name, name) == 0) {
            return &r->sources[s];
        }
    }
    return NULL;
}

mewl_status mewl__reasons_make(const mewl__reasons *r, const mewl_experiment *experiment, mewl_error *err)
{
    const mewl_reasons_making *making = r->opts.making;
    const mewl_reason_source *source = find_source(r, making->source);
    mewl_reason model = {0};
    mewl__work w = {0};
    size_t setting = 0;
    if (source == NULL) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "there are no vectors of `%s`", making->source);
    }
    mewl_status status = mewl_reason_init(&model, r->study->class_count, source->dims, err);
    if (status == MEWL_OK) {
        model.least_lift = making->least_lift > 0 ? making->least_lift : LIFT_DEFAULT;
        status = judge(&model.evidence, r, experiment, source, err);
    }
    if (status == MEWL_OK) {
        status = mewl__work_open(&w, r->study, source, 1, 0, 0, err);
    }
    if (status == MEWL_OK) {
        memcpy(model.share, w.prior, model.classes * sizeof *model.share);
        status = calibrate(&model, &setting, &w, making->coverage > 0 ? making->coverage : COVERAGE_DEFAULT, err);
    }
    if (status == MEWL_OK) {
        status = learn(&model, &w, setting, err);
    }
    if (status == MEWL_OK) {
        for (size_t k = 0; k < model.classes; k++) {
            (void)snprintf(model.label[k], sizeof model.label[k], "%s", r->study->classes[k]);
        }
        (void)snprintf(model.embedder, sizeof model.embedder, "%s", making->embedder->name);
        (void)snprintf(model.embedder_id, sizeof model.embedder_id, "%s", making->embedder->id);
        status = write_model(&model, making, mewl_head_logistic_c(setting), err);
    }
    mewl__work_fini(&w);
    mewl_reason_fini(&model);
    return status;
}
