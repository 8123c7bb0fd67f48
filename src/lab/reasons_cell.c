/* reasons_cell.c - one cell: inner folds, choices, calibration, prediction sets, and the answers for the outer fold. */
#include <stdlib.h>
#include <string.h>

#include "lab/reasons_private.h"

static const char *const choices[MEWL_REASON_CHOICES] = {"accuracy", "balanced", "log-loss"};

const char *mewl_reason_choice_name(size_t choice)
{
    return choice < MEWL_REASON_CHOICES ? choices[choice] : NULL;
}

mewl_sets_opts mewl_reason_sets_at(size_t index)
{
    return (mewl_sets_opts){.kind = index / 2 == 1 ? MEWL_SETS_ADAPTIVE : MEWL_SETS_LEAST,
                            .by_class = index / 2 == 2,
                            .coverage = index % 2 == 0 ? 0.8 : 0.9};
}

static json_t *rows_json(const float *p, size_t count, size_t classes)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < classes; k++) {
            (void)json_array_append_new(row, mewl_json_real((double)p[i * classes + k]));
        }
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

/* Thresholds of all prediction sets, fitted to the calibrated out-of-fold answers q. */
static mewl_status sets_json(json_t **out, const mewl__work *w, const float *q, mewl_error *err)
{
    *out = json_array();
    for (size_t i = 0; i < MEWL_REASON_SETS; i++) {
        mewl_sets sets;
        mewl_status status =
            mewl_sets_fit(&sets, q, w->label, w->share, w->train_count, w->classes, mewl_reason_sets_at(i), err);
        if (status != MEWL_OK) {
            json_decref(*out);
            return status;
        }
        json_t *thresholds = json_array();
        for (size_t k = 0; k < w->classes; k++) {
            (void)json_array_append_new(thresholds, mewl_json_real(sets.threshold[k]));
        }
        (void)json_array_append_new(*out, thresholds);
    }
    return MEWL_OK;
}

/* One head under one choice: setting and map from the training side, then the outer fold. */
static mewl_status answer(json_t *into, const mewl__work *w, const mewl__sides *whole, mewl_head head, size_t choice,
                          mewl_error *err)
{
    size_t setting;
    mewl_calibration_opts map;
    char name[64];
    mewl_calibration fitted;
    json_t *sets = NULL, *own;
    MEWL_TRY(mewl__work_choose(&setting, &map, w, head, choice, err));
    float *p = mewl__work_answers(w, head, setting);
    float *q = calloc((w->train_count + w->test_count) * w->classes, sizeof *q);
    if (q == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for answers");
    }
    mewl_status status = mewl_calibration_fit(&fitted, p, w->label, NULL, w->train_count, w->classes, map, err);
    if (status == MEWL_OK && choice == 2) {
        mewl_calibration_apply(&fitted, q, p, w->train_count);
        status = sets_json(&sets, w, q, err);
    }
    if (status == MEWL_OK) {
        status = mewl__sides_ask(q, whole, head, setting, w->classes, err);
    }
    if (status == MEWL_OK) {
        mewl_calibration_apply(&fitted, q, q, w->test_count);
        own = json_object();
        mewl_head_setting_name(name, sizeof name, head, setting);
        (void)mewl_json_set_string(own, "setting", name);
        (void)mewl_json_set_string(own, "map", mewl_calibration_kind_name(map.kind));
        (void)mewl_json_set(own, "p", rows_json(q, w->test_count, w->classes));
        if (sets != NULL) {
            (void)mewl_json_set(own, "sets", sets);
        }
        status = mewl_json_set(into, mewl_reason_choice_name(choice), own);
    } else {
        json_decref(sets);
    }
    free(q);
    return status == MEWL_E_MEMORY ? mewl_error_set(err, status, "no memory for a cell") : status;
}

static mewl_status answer_all(json_t **result, mewl__work *w, const mewl_progress *progress, mewl_error *err)
{
    mewl__sides whole = {0};
    json_t *heads = json_object(), *clips = json_array();
    mewl_status status = MEWL_OK;
    for (int fold = 1; status == MEWL_OK && fold <= MEWL_REASON_INNER_FOLDS; fold++) {
        mewl_progress_report(progress, fold - 1, MEWL_REASON_INNER_FOLDS + 1, w->source->name);
        status = mewl__work_answer(w, fold, err);
    }
    if (status == MEWL_OK) {
        status = mewl__sides_open(&whole, w, 0, err);
    }
    for (int head = 0; status == MEWL_OK && head < MEWL_HEAD_COUNT; head++) {
        json_t *own = json_object();
        for (size_t choice = 0; status == MEWL_OK && choice < MEWL_REASON_CHOICES; choice++) {
            status = answer(own, w, &whole, (mewl_head)head, choice, err);
        }
        (void)mewl_json_set(heads, mewl_head_name((mewl_head)head), own);
    }
    for (size_t i = 0; i < w->test_count; i++) {
        (void)json_array_append_new(clips, json_integer((json_int_t)w->test[i]));
    }
    mewl__sides_fini(&whole);
    if (status == MEWL_OK) {
        *result = json_object();
        (void)mewl_json_set(*result, "clips", clips);
        status = mewl_json_set(*result, "heads", heads);
        return status == MEWL_OK ? status : mewl_error_set(err, status, "no memory for a cell");
    }
    json_decref(heads);
    json_decref(clips);
    return status;
}

mewl_status mewl__reasons_cell(json_t **result, const mewl_cell *cell, const mewl_progress *progress, void *user,
                               mewl_error *err)
{
    const mewl__reasons *r = user;
    mewl__work w;
    if (strncmp(cell->config, "permutation/", 12) == 0) {
        return mewl__reasons_permute(result, r, cell->work, progress, err);
    }
    mewl_status status = mewl__work_open(&w, r->study, cell->work, strcmp(cell->split, MEWL_SPLIT_GROUPED) == 0,
                                         (size_t)cell->seed - 1, cell->fold, err);
    if (status == MEWL_OK) {
        status = answer_all(result, &w, progress, err);
    }
    mewl__work_fini(&w);
    return status;
}
