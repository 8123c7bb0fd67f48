/* reasons_cell.c - one cell: inner folds, choices, calibration, prediction sets, and the answers for the outer fold. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/split.h"
#include "lab/permutation.h"
#include "lab/reasons_private.h"

#define K_MAX MEWL_HEAD_CLASSES_MAX
#define SHARE_STREAM 77u

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

/* One cell at work. */
typedef struct work {
    const mewl_study *study;
    const mewl_reason_source *source;
    size_t classes;
    size_t *train, *test; /* rows of the manifest */
    size_t train_count, test_count;
    int *label;    /* of the training side, by place in it */
    int *fold;     /* inner folds of the training side, 1 .. */
    float *p;      /* [settings of all heads][train_count][classes]: out-of-fold answers */
    double *share; /* [train_count], the random part of adaptive sets */
    double prior[K_MAX];
} work;

static void fini(work *w)
{
    free(w->train);
    free(w->test);
    free(w->label);
    free(w->fold);
    free(w->p);
    free(w->share);
}

static size_t settings_before(mewl_head head)
{
    size_t sum = 0;
    for (int h = 0; h < (int)head; h++) {
        sum += mewl_head_settings((mewl_head)h);
    }
    return sum;
}

static float *answers(const work *w, mewl_head head, size_t setting)
{
    return w->p + (settings_before(head) + setting) * w->train_count * w->classes;
}

/* Inner folds like the outer ones: whole groups, or clips. */
static mewl_status deal_inner(work *w, bool grouped, uint64_t seed, mewl_error *err)
{
    mewl_manifest side;
    MEWL_TRY(mewl_manifest_init(&side, err));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < w->train_count; i++) {
        char buffer[64];
        mewl_row row = w->study->manifest->rows[w->train[i]];
        row.reason = mewl_manifest_value(w->study->manifest, &row, w->study->opts.column, buffer, sizeof buffer);
        row.extra = NULL;
        status = mewl_manifest_add(&side, &row, err);
    }
    if (status == MEWL_OK) {
        status = mewl_split_folds(&side, MEWL_REASON_INNER_FOLDS, "reason", grouped, seed, err);
    }
    for (size_t i = 0; status == MEWL_OK && i < w->train_count; i++) {
        w->fold[i] = side.rows[i].fold;
    }
    mewl_manifest_fini(&side);
    return status;
}

static mewl_status open_work(work *w, const mewl_study *study, const mewl_reason_source *source, size_t split,
                             size_t seed_index, int fold, mewl_error *err)
{
    const size_t rows = study->manifest->count;
    *w = (work){.study = study, .source = source, .classes = study->class_count};
    w->train = calloc(rows, sizeof *w->train);
    w->test = calloc(rows, sizeof *w->test);
    w->label = calloc(rows, sizeof *w->label);
    w->fold = calloc(rows, sizeof *w->fold);
    w->share = calloc(rows, sizeof *w->share);
    w->p = calloc(settings_before(MEWL_HEAD_COUNT) * rows * w->classes, sizeof *w->p);
    if (w->train == NULL || w->test == NULL || w->label == NULL || w->fold == NULL || w->share == NULL ||
        w->p == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a cell of %zu recordings", rows);
    }
    mewl_study_sides(study, w->train, &w->train_count, w->test, &w->test_count, split, seed_index, fold);
    mewl_rng rng = mewl_rng_stream(seed_index + 1, SHARE_STREAM + (uint64_t)fold);
    for (size_t i = 0; i < w->train_count; i++) {
        w->label[i] = study->label[w->train[i]];
        w->share[i] = mewl_rng_unit(&rng);
        w->prior[w->label[i]] += 1.0 / (double)w->train_count;
    }
    return deal_inner(w, split == 1, 1000 * (seed_index + 1) + (uint64_t)fold, err);
}

/* A training and a test side in the space of the first, and their labels. */
typedef struct sides {
    double *train, *test;
    int *label;
    size_t *train_rows, *test_rows, *test_place;
    size_t train_count, test_count, dims;
} sides;

static void fini_sides(sides *s)
{
    free(s->train);
    free(s->test);
    free(s->label);
    free(s->train_rows);
    free(s->test_rows);
    free(s->test_place);
}

/* Inner fold `fold` of the training side; 0: the whole of it against the outer fold. */
static mewl_status open_sides(sides *s, const work *w, int fold, mewl_error *err)
{
    const size_t rows = w->study->manifest->count;
    mewl_space space = {0};
    *s = (sides){0};
    s->label = calloc(rows, sizeof *s->label);
    s->train_rows = calloc(rows, sizeof *s->train_rows);
    s->test_rows = calloc(rows, sizeof *s->test_rows);
    s->test_place = calloc(rows, sizeof *s->test_place);
    if (s->label == NULL || s->train_rows == NULL || s->test_rows == NULL || s->test_place == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a fold");
    }
    for (size_t i = 0; i < w->train_count; i++) {
        if (w->fold[i] == fold) {
            s->test_place[s->test_count] = i;
            s->test_rows[s->test_count++] = w->train[i];
        } else {
            s->label[s->train_count] = w->label[i];
            s->train_rows[s->train_count++] = w->train[i];
        }
    }
    if (fold == 0) {
        memcpy(s->test_rows, w->test, w->test_count * sizeof *s->test_rows);
        s->test_count = w->test_count;
    }
    MEWL_TRY(mewl_space_fit(&space, w->source->x, w->source->dims, s->train_rows, s->train_count, w->source->part_dims,
                            w->source->parts, err));
    s->dims = space.pca.components;
    s->train = calloc(s->train_count * s->dims, sizeof *s->train);
    s->test = calloc(s->test_count * s->dims + 1, sizeof *s->test);
    mewl_status status =
        s->train != NULL && s->test != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a fold");
    if (status == MEWL_OK) {
        status = mewl_space_apply(&space, s->train, w->source->x, s->train_rows, s->train_count, err);
    }
    if (status == MEWL_OK) {
        status = mewl_space_apply(&space, s->test, w->source->x, s->test_rows, s->test_count, err);
    }
    mewl_space_fini(&space);
    return status;
}

static mewl_status run_head(float *p, const sides *s, mewl_head head, size_t setting, size_t classes, mewl_error *err)
{
    return mewl_head_run(p, head, setting, s->train, s->label, s->train_count, s->test, s->test_count, s->dims, classes,
                         err);
}

/* Out-of-fold answers of all heads with all settings for one inner fold. */
static mewl_status answer_inner(work *w, int fold, mewl_error *err)
{
    sides s;
    mewl_status status = open_sides(&s, w, fold, err);
    float *p = calloc(w->train_count * w->classes + 1, sizeof *p);
    if (status == MEWL_OK && p == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for answers");
    }
    for (int head = 0; head < MEWL_HEAD_COUNT; head++) {
        for (size_t k = 0; status == MEWL_OK && k < mewl_head_settings((mewl_head)head); k++) {
            float *all = answers(w, (mewl_head)head, k);
            status = run_head(p, &s, (mewl_head)head, k, w->classes, err);
            for (size_t i = 0; status == MEWL_OK && i < s.test_count; i++) {
                memcpy(all + s.test_place[i] * w->classes, p + i * w->classes, w->classes * sizeof *p);
            }
        }
    }
    free(p);
    fini_sides(&s);
    return status;
}

/* ---- Choices ---- */

static size_t likeliest(const float *p, const double *prior, size_t classes)
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

static double accuracy(const work *w, const float *p)
{
    double right = 0;
    for (size_t i = 0; i < w->train_count; i++) {
        right += likeliest(p + i * w->classes, NULL, w->classes) == (size_t)w->label[i];
    }
    return right / (double)w->train_count;
}

static double balanced(const work *w, const float *p)
{
    double right[K_MAX] = {0}, seen[K_MAX] = {0}, sum = 0, present = 0;
    for (size_t i = 0; i < w->train_count; i++) {
        seen[w->label[i]]++;
        right[w->label[i]] += likeliest(p + i * w->classes, w->prior, w->classes) == (size_t)w->label[i];
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
#define MAP_COUNT (sizeof maps / sizeof maps[0])

/* Logarithmic loss of the out-of-fold answers `p` when each inner fold is calibrated on the others. */
static mewl_status crossed_loss(double *loss, const work *w, const float *p, mewl_calibration_opts map, mewl_error *err)
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

static mewl_status choose_map(size_t *best, double *loss, const work *w, const float *p, mewl_error *err)
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

/* The setting that a choice takes of a head, and the map: the first of equals. */
static mewl_status choose(size_t *setting, size_t *map, const work *w, mewl_head head, size_t choice, mewl_error *err)
{
    double best = -INFINITY;
    *setting = *map = 0;
    for (size_t k = 0; k < mewl_head_settings(head); k++) {
        const float *p = answers(w, head, k);
        double value, loss = 0;
        size_t own_map = 0;
        if (choice == 2) {
            MEWL_TRY(choose_map(&own_map, &loss, w, p, err));
            value = -loss;
        } else {
            value = choice == 0 ? accuracy(w, p) : balanced(w, p);
        }
        if (value > best) {
            best = value;
            *setting = k;
            *map = own_map;
        }
    }
    return MEWL_OK;
}

/* ---- The answers ---- */

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
static mewl_status sets_json(json_t **out, const work *w, const float *q, mewl_error *err)
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
static mewl_status answer(json_t *into, const work *w, const sides *whole, mewl_head head, size_t choice,
                          mewl_error *err)
{
    size_t setting, map;
    char name[64];
    mewl_calibration fitted;
    json_t *sets = NULL, *own;
    MEWL_TRY(choose(&setting, &map, w, head, choice, err));
    float *p = answers(w, head, setting);
    float *q = calloc((w->train_count + w->test_count) * w->classes, sizeof *q);
    if (q == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for answers");
    }
    mewl_status status = mewl_calibration_fit(&fitted, p, w->label, NULL, w->train_count, w->classes, maps[map], err);
    if (status == MEWL_OK && choice == 2) {
        mewl_calibration_apply(&fitted, q, p, w->train_count);
        status = sets_json(&sets, w, q, err);
    }
    if (status == MEWL_OK) {
        status = run_head(q, whole, head, setting, w->classes, err);
    }
    if (status == MEWL_OK) {
        mewl_calibration_apply(&fitted, q, q, w->test_count);
        own = json_object();
        mewl_head_setting_name(name, sizeof name, head, setting);
        (void)mewl_json_set_string(own, "setting", name);
        (void)mewl_json_set_string(own, "map", mewl_calibration_kind_name(maps[map].kind));
        (void)mewl_json_set(own, "p", rows_json(q, w->test_count, w->classes));
        if (sets != NULL) {
            (void)mewl_json_set(own, "sets", sets);
        }
        status = mewl_json_set(into, choices[choice], own);
    } else {
        json_decref(sets);
    }
    free(q);
    return status == MEWL_E_MEMORY ? mewl_error_set(err, status, "no memory for a cell") : status;
}

static mewl_status answer_all(json_t **result, work *w, const mewl_progress *progress, mewl_error *err)
{
    sides whole = {0};
    json_t *heads = json_object(), *clips = json_array();
    mewl_status status = MEWL_OK;
    for (int fold = 1; status == MEWL_OK && fold <= MEWL_REASON_INNER_FOLDS; fold++) {
        mewl_progress_report(progress, fold - 1, MEWL_REASON_INNER_FOLDS + 1, w->source->name);
        status = answer_inner(w, fold, err);
    }
    if (status == MEWL_OK) {
        status = open_sides(&whole, w, 0, err);
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
    fini_sides(&whole);
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
    work w;
    if (strncmp(cell->config, "permutation/", 12) == 0) {
        return mewl__reasons_permute(result, r, cell->work, progress, err);
    }
    mewl_status status = open_work(&w, r->study, cell->work, strcmp(cell->split, MEWL_SPLIT_GROUPED) == 0,
                                   (size_t)cell->seed - 1, cell->fold, err);
    if (status == MEWL_OK) {
        status = answer_all(result, &w, progress, err);
    }
    fini(&w);
    return status;
}

/* ---- Permutation ---- */

/* Grouped folds in their spaces, which do not depend on labels: learned once. */
typedef struct shuffled {
    const mewl__reasons *r;
    sides fold[MEWL_REASON_FOLDS_MAX];
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
        sides *own = &s->fold[f];
        double prior[K_MAX] = {0};
        for (size_t i = 0; i < own->train_count; i++) {
            own->label[i] = labels[own->train_rows[i]];
            prior[own->label[i]] += 1.0 / (double)own->train_count;
        }
        MEWL_TRY(run_head(s->p, own, MEWL_HEAD_LOGISTIC, 1, classes, err));
        for (size_t i = 0; i < own->test_count; i++) {
            const int truth = labels[own->test_rows[i]];
            seen[truth]++;
            right[truth] += likeliest(s->p + i * classes, prior, classes) == (size_t)truth;
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
        work w;
        status = open_work(&w, r->study, source, 1, 0, f + 1, err);
        if (status == MEWL_OK) {
            status = open_sides(&s.fold[f], &w, 0, err);
        }
        fini(&w);
    }
    if (status == MEWL_OK) {
        status = mewl_permutation_run(&found, NULL, r->study->label, r->study->group, r->study->manifest->count, figure,
                                      &s, r->opts.permutations, 1, progress, err);
    }
    for (int f = 0; f < s.folds; f++) {
        fini_sides(&s.fold[f]);
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
