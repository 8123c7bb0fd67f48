/* folds.c - ESC-10's official folds: one model a fold, each tested on clips that its training never saw. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio/clip.h"
#include "base/folder.h"
#include "data/readers.h"
#include "data/split.h"
#include "lab/bootstrap.h"
#include "lab/gather.h"
#include "lab/metrics.h"
#include "lab/train.h"

#define FOLDS 5
#define TEACHER_THRESHOLD 0.3F

/* The model of a fold: found, or trained (from where it stopped, if it did). */
static mewl_status fold_model(char *path, size_t size, const char *recipe_path, const char *folder, int fold,
                              const mewl_eval_fold_opts *opts, mewl_error *err)
{
    char output[3000];
    char last[4096];
    char set_fold[64];
    char set_root[4200];
    (void)snprintf(output, sizeof output, "%s/fold%d", folder, fold);
    (void)snprintf(path, size, "%s/model.safetensors", output);
    (void)snprintf(last, sizeof last, "%s/last.safetensors", output);
    if (!opts->retrain && access(path, R_OK) == 0) {
        return MEWL_OK;
    }
    (void)snprintf(set_fold, sizeof set_fold, "data.esc_test_fold=%d", fold);
    (void)snprintf(set_root, sizeof set_root, "data.root=%s", opts->data_root);
    const char *set[2] = {set_fold, set_root};
    mewl_train_opts train = {
        .output = output,
        .set = set,
        .set_count = 2,
        .resume = !opts->retrain && access(last, R_OK) == 0,
        .stop = opts->stop,
        .progress = opts->common.progress,
        .log = opts->common.log,
    };
    mewl_train_result result;
    MEWL_TRY(mewl_train_run(&result, recipe_path, train, err));
    if (result.stopped) {
        return mewl_error_set(err, MEWL_E_CANCELLED, "stopped in fold %d; the same command goes on from there", fold);
    }
    return MEWL_OK;
}

/* Scores one fold's clips: system 0 is the fold's model, the rest are the baselines. */
static mewl_status score_fold(mewl_trials *t, mewl_system *const *systems, const mewl_manifest *manifest, int fold,
                              const mewl_eval_fold_opts *opts, mewl_error *err)
{
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        if (row->fold != fold) {
            continue;
        }
        char buffer[4200];
        mewl_trial about = {.snr_db = NAN, .positive = strcmp(row->label, MEWL_LABEL_CRY) == 0};
        MEWL_TRY(mewl_trials_name(t, &about.group, mewl_split_group(row, buffer, sizeof buffer), err));
        MEWL_TRY(mewl_trials_name(t, &about.label, row->label, err));
        mewl_clip clip;
        MEWL_TRY(mewl_clip_read(&clip, row->path, 0, 60, err));
        about.seconds = (double)clip.count / clip.rate_hz;
        mewl_status status = mewl__gather_clip(t, systems, &about, clip.samples, clip.count, clip.rate_hz, err);
        mewl_clip_fini(&clip);
        MEWL_TRY(status);
        mewl_progress_report(opts->common.progress, (double)(i + 1), (double)manifest->count, "scoring a fold");
    }
    return MEWL_OK;
}

typedef struct fold_view {
    const mewl_trials *t;
    const float *thresholds;
    mewl_ranking ranking[MEWL_TRIAL_SYSTEMS_MAX];
} fold_view;

/* A block of three a system: recall, share of others called, AUC. */
static void fold_figures(double *values, const double *weights, void *user)
{
    const fold_view *v = user;
    for (size_t s = 0; s < v->t->system_count; s++) {
        double all[2] = {0, 0};
        double called[2] = {0, 0};
        for (size_t i = 0; i < v->t->count; i++) {
            const mewl_trial *trial = &v->t->items[i];
            all[trial->positive] += weights[i];
            called[trial->positive] += trial->logit[s] >= v->thresholds[s] ? weights[i] : 0;
        }
        values[3 * s] = all[1] > 0 ? called[1] / all[1] : NAN;
        values[3 * s + 1] = all[0] > 0 ? called[0] / all[0] : NAN;
        values[3 * s + 2] = mewl_ranking_roc_auc(&v->ranking[s], weights);
    }
}

/* Calls of system `s` among trials [from, to). */
static void count_calls(json_t *row, const mewl_trials *t, size_t s, float threshold, size_t from, size_t to)
{
    size_t all[2] = {0, 0};
    size_t called[2] = {0, 0};
    json_t *labels = json_object();
    for (size_t i = from; i < to; i++) {
        const mewl_trial *trial = &t->items[i];
        bool call = trial->logit[s] >= threshold;
        all[trial->positive]++;
        called[trial->positive] += call;
        if (call && !trial->positive) {
            const char *label = t->names[trial->label];
            json_int_t before = json_integer_value(json_object_get(labels, label));
            (void)mewl_json_set_int(labels, label, before + 1);
        }
    }
    (void)mewl_json_set_int(row, "cries_found", (int64_t)called[1]);
    (void)mewl_json_set_int(row, "cries", (int64_t)all[1]);
    (void)mewl_json_set_int(row, "false_clips", (int64_t)called[0]);
    (void)mewl_json_set_int(row, "others", (int64_t)all[0]);
    (void)mewl_json_set(row, "false_labels", labels);
}

static mewl_status view_init(fold_view *v, size_t *group, size_t *stratum, mewl_error *err)
{
    float *scores = malloc((v->t->count + 1) * sizeof *scores);
    bool *positive = malloc((v->t->count + 1) * sizeof *positive);
    mewl_status status = MEWL_OK;
    if (scores == NULL || positive == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu clips", v->t->count);
    }
    for (size_t s = 0; status == MEWL_OK && s < v->t->system_count; s++) {
        for (size_t i = 0; i < v->t->count; i++) {
            scores[i] = v->t->items[i].logit[s];
            positive[i] = v->t->items[i].positive;
            group[i] = v->t->items[i].group;
            stratum[i] = positive[i];
        }
        status = mewl_ranking_init(&v->ranking[s], scores, positive, v->t->count, err);
    }
    free(scores);
    free(positive);
    return status;
}

static mewl_status judge_systems(json_t **out, const mewl_trials *t, const float *thresholds,
                                 const mewl_eval_opts *opts, mewl_error *err)
{
    fold_view v = {.t = t, .thresholds = thresholds};
    mewl_interval figures[3 * MEWL_TRIAL_SYSTEMS_MAX];
    size_t *group = malloc((t->count + 1) * sizeof *group);
    size_t *stratum = malloc((t->count + 1) * sizeof *stratum);
    mewl_status status = group == NULL || stratum == NULL
                             ? mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu clips", t->count)
                             : view_init(&v, group, stratum, err);
    if (status == MEWL_OK) {
        mewl_bootstrap_opts bootstrap = {.rounds = opts->rounds, .seed = opts->seed};
        status =
            mewl_bootstrap(figures, 3 * t->system_count, group, stratum, t->count, fold_figures, &v, bootstrap, err);
    }
    if (status == MEWL_OK) {
        *out = json_array();
        for (size_t s = 0; s < t->system_count; s++) {
            const mewl_interval *f = &figures[3 * s];
            json_t *row = json_object();
            (void)mewl_json_set_string(row, "name", t->systems[s]);
            count_calls(row, t, s, thresholds[s], 0, t->count);
            (void)mewl_json_set(row, "recall", mewl_interval_json(f[0].value, f[0].low, f[0].high));
            (void)mewl_json_set(row, "false_share", mewl_interval_json(f[1].value, f[1].low, f[1].high));
            (void)mewl_json_set(row, "roc_auc", mewl_interval_json(f[2].value, f[2].low, f[2].high));
            (void)json_array_append_new(*out, row);
        }
    }
    for (size_t s = 0; s < t->system_count; s++) {
        mewl_ranking_fini(&v.ranking[s]);
    }
    free(group);
    free(stratum);
    return status;
}

static float as_logit(float p)
{
    return logf(p) - log1pf(-p);
}

/* One fold from training to its row of the document. */
static mewl_status run_fold(mewl_trials *t, json_t *rows, const char *recipe_path, const char *folder, int fold,
                            const mewl_manifest *manifest, mewl_system **systems, float threshold,
                            const mewl_eval_fold_opts *opts, mewl_error *err)
{
    char path[4096];
    mewl_model *model = NULL;
    MEWL_TRY(fold_model(path, sizeof path, recipe_path, folder, fold, opts, err));
    MEWL_TRY(mewl_model_load(&model, path, err));
    size_t from = t->count;
    mewl_status status = mewl_system_open_model(&systems[0], model, NULL, err);
    if (status == MEWL_OK) {
        t->systems[0] = mewl_system_name(systems[0]);
        status = score_fold(t, systems, manifest, fold, opts, err);
        mewl_system_close(systems[0]);
        systems[0] = NULL;
    }
    mewl_model_free(model);
    MEWL_TRY(status);
    json_t *row = json_object();
    (void)mewl_json_set_int(row, "fold", fold);
    count_calls(row, t, 0, threshold, from, t->count);
    (void)mewl_json_set_string(row, "model", path);
    (void)json_array_append_new(rows, row);
    return MEWL_OK;
}

static mewl_status scan_esc(mewl_manifest *manifest, const char *root, mewl_error *err)
{
    char *path = mewl_folder_join(root, "esc10");
    if (path == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a path");
    }
    mewl_status status = mewl_scan(manifest, NULL, path, "auto", err);
    free(path);
    return status;
}

static mewl_status default_folder(char *out, size_t size, const char *recipe_path, mewl_error *err)
{
    mewl_recipe recipe;
    MEWL_TRY(mewl_recipe_read(&recipe, recipe_path, err));
    (void)snprintf(out, size, "runs/%s", recipe.recipe_name);
    mewl_recipe_fini(&recipe);
    return MEWL_OK;
}

mewl_status mewl_eval_folds(json_t **out, const char *recipe_path, mewl_system *const *baselines, size_t baseline_count,
                            mewl_eval_fold_opts opts, mewl_error *err)
{
    *out = NULL;
    if (baseline_count + 1 > MEWL_TRIAL_SYSTEMS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu baselines are too many", baseline_count);
    }
    char folder[2900];
    MEWL_TRY(default_folder(folder, sizeof folder, recipe_path, err)); /* reads the recipe: mistakes come first */
    if (opts.output != NULL) {
        (void)snprintf(folder, sizeof folder, "%s", opts.output);
    }
    mewl_system *systems[MEWL_TRIAL_SYSTEMS_MAX] = {NULL};
    float thresholds[MEWL_TRIAL_SYSTEMS_MAX];
    mewl_trials t = {.system_count = baseline_count + 1};
    thresholds[0] = as_logit(isnan(opts.threshold) ? 0.5F : opts.threshold);
    for (size_t s = 0; s < baseline_count; s++) {
        systems[s + 1] = baselines[s];
        t.systems[s + 1] = mewl_system_name(baselines[s]);
        thresholds[s + 1] =
            as_logit(mewl_system_get_kind(baselines[s]) == MEWL_SYSTEM_ENERGY ? 0.5F : TEACHER_THRESHOLD);
    }
    mewl_manifest manifest;
    MEWL_TRY(scan_esc(&manifest, opts.data_root, err));
    json_t *rows = json_array();
    json_t *judged = NULL;
    mewl_status status = MEWL_OK;
    for (int fold = 1; status == MEWL_OK && fold <= FOLDS; fold++) {
        status = run_fold(&t, rows, recipe_path, folder, fold, &manifest, systems, thresholds[0], &opts, err);
    }
    if (status == MEWL_OK) {
        status = judge_systems(&judged, &t, thresholds, &opts.common, err);
    }
    if (status == MEWL_OK) {
        *out = json_object();
        (void)mewl_json_set_string(*out, "kind", "esc10-folds");
        (void)mewl_json_set_string(*out, "recipe", recipe_path);
        (void)mewl_json_set_int(*out, "seed", (int64_t)opts.common.seed);
        (void)mewl_json_set_real(*out, "threshold", 1 / (1 + exp(-(double)thresholds[0])));
        (void)mewl_json_set(*out, "folds", json_incref(rows));
        (void)mewl_json_set(*out, "systems", judged);
    }
    json_decref(rows);
    mewl_trials_fini(&t);
    mewl_manifest_fini(&manifest);
    return status;
}
