/* study.c - the cells of a study: which clips train, which test, and one training each. */
#include "lab/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/sha256.h"
#include "data/split.h"
#include "lab/report.h"
#include "lab/study_private.h"

const char *const mewl__study_splits[MEWL_STUDY_SPLITS] = {MEWL_SPLIT_RANDOM, MEWL_SPLIT_GROUPED};

void mewl_study_close(mewl_study *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->set_count; i++) {
        mewl_clipset_fini(&s->sets[i].clips);
    }
    for (size_t i = 0; i < MEWL_STUDY_SPLITS; i++) {
        json_decref(s->split_notes[i]);
    }
    for (size_t k = 0; s->classes != NULL && k < s->class_count; k++) {
        free(s->classes[k]);
    }
    free(s->classes);
    free(s->label);
    free(s->group);
    free(s->fold);
    free(s);
}

/* ---- Folds ---- */

static int *folds_of(const mewl_study *s, size_t split, size_t seed_index)
{
    return s->fold + (split * s->opts.seeds + seed_index) * s->manifest->count;
}

/* The manifest's own folds: of every seed the same. */
static mewl_status take_folds(const mewl_study *s, mewl_error *err)
{
    const mewl_manifest *m = s->manifest;
    size_t rows[MEWL_STUDY_FOLDS_MAX + 1] = {0};
    for (size_t i = 0; i < m->count; i++) {
        int fold = m->rows[i].fold;
        if (fold < 1 || fold > s->opts.folds) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: its fold is %d, not 1 to %d", m->rows[i].path, fold,
                                  s->opts.folds);
        }
        rows[fold]++;
        for (size_t seed = 0; seed < s->opts.seeds; seed++) {
            folds_of(s, 1, seed)[i] = fold;
        }
    }
    for (int fold = 1; fold <= s->opts.folds; fold++) {
        if (rows[fold] == 0) {
            return mewl_error_set(err, MEWL_E_FORMAT, "no recording lies in fold %d of %d", fold, s->opts.folds);
        }
    }
    return MEWL_OK;
}

static mewl_status deal_folds(mewl_study *s, mewl_error *err)
{
    if (s->opts.own_folds) {
        MEWL_TRY(take_folds(s, err));
    }
    for (size_t split = s->first_split; split < MEWL_STUDY_SPLITS; split++) {
        for (size_t seed = 0; seed < s->opts.seeds; seed++) {
            int *fold = folds_of(s, split, seed);
            if (split == 1 && s->opts.own_folds) {
                for (size_t i = 0; i < s->manifest->count; i++) {
                    s->manifest->rows[i].fold = fold[i]; /* what the note on the split looks at */
                }
            } else {
                MEWL_TRY(mewl_split_folds(s->manifest, s->opts.folds, s->opts.column, split == 1, seed + 1, err));
            }
            for (size_t i = 0; i < s->manifest->count; i++) {
                fold[i] = s->manifest->rows[i].fold;
            }
            if (seed == 0) {
                MEWL_TRY(mewl_report_split(&s->split_notes[split], mewl__study_splits[split], s->opts.folds,
                                           s->manifest, err));
                (void)mewl_json_set_int(s->split_notes[split], "folds_run", s->opts.folds_run);
            }
        }
    }
    return MEWL_OK;
}

void mewl_study_sides(const mewl_study *s, size_t *train, size_t *train_count, size_t *test, size_t *test_count,
                      size_t split, size_t seed_index, int fold)
{
    const int *folds = folds_of(s, split, seed_index);
    *train_count = *test_count = 0;
    for (size_t i = 0; i < s->manifest->count; i++) {
        if (folds[i] == fold) {
            test[(*test_count)++] = i;
        } else {
            train[(*train_count)++] = i;
        }
    }
}

/* Classes and groups as clip sets number them, without reading sound. */
static mewl_status describe_rows(mewl_study *s, mewl_error *err)
{
    mewl_clipset names;
    MEWL_TRY(mewl_clipset_describe(&names, s->manifest, s->opts.column, err));
    for (size_t i = 0; i < names.count; i++) {
        s->label[i] = names.clips[i].label;
        s->group[i] = names.clips[i].group;
    }
    s->classes = names.classes;
    s->class_count = names.class_count;
    s->groups = names.groups;
    memcpy(s->hash, names.hash, sizeof s->hash);
    names.classes = NULL;
    mewl_clipset_fini(&names);
    return MEWL_OK;
}

mewl_status mewl_study_open(mewl_study **out, mewl_manifest *manifest, mewl_study_opts opts, mewl_error *err)
{
    *out = NULL;
    if (opts.folds < 2 || opts.folds > MEWL_STUDY_FOLDS_MAX || opts.seeds < 1 || opts.seeds > MEWL__STUDY_SEEDS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "a study takes 2 to %d folds and 1 to %d seeds", MEWL_STUDY_FOLDS_MAX,
                              MEWL__STUDY_SEEDS_MAX);
    }
    mewl_study *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a study");
    }
    s->manifest = manifest;
    s->opts = opts;
    s->first_split = opts.own_folds ? 1 : 0;
    s->opts.folds_run = opts.folds_run > 0 && opts.folds_run < opts.folds ? opts.folds_run : opts.folds;
    s->fold = calloc(MEWL_STUDY_SPLITS * opts.seeds * (manifest->count + 1), sizeof *s->fold);
    s->label = calloc(manifest->count + 1, sizeof *s->label);
    s->group = calloc(manifest->count + 1, sizeof *s->group);
    mewl_status status = s->fold != NULL && s->label != NULL && s->group != NULL
                             ? describe_rows(s, err)
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a study");
    if (status == MEWL_OK) {
        status = deal_folds(s, err);
    }
    if (status != MEWL_OK) {
        mewl_study_close(s);
        return status;
    }
    *out = s;
    return MEWL_OK;
}

json_t *mewl_study_identity(const mewl_study *s)
{
    json_t *out = json_object();
    (void)mewl_json_set_string(out, "kind", "study");
    (void)mewl_json_set_string(out, "data", s->hash);
    (void)mewl_json_set_string(out, "column", s->opts.column);
    (void)mewl_json_set_int(out, "folds", s->opts.folds);
    (void)mewl_json_set_real(out, "lowpass_hz", s->opts.lowpass_hz);
    if (s->opts.own_folds) {
        (void)mewl_json_set_bool(out, "own_folds", true);
    }
    return out;
}

/* ---- Clips ---- */

mewl_status mewl_study_clips(mewl_study *s, const mewl_clipset **out, const char *front_end, mewl_error *err)
{
    for (size_t i = 0; i < s->set_count; i++) {
        if (strcmp(s->sets[i].front_end, front_end) == 0) {
            *out = &s->sets[i].clips;
            return MEWL_OK;
        }
    }
    if (s->set_count == MEWL__STUDY_SETS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "more than %d front ends in one study", MEWL__STUDY_SETS_MAX);
    }
    mewl__study_set *set = &s->sets[s->set_count];
    mewl_clipset_opts opts = {.front_end = front_end,
                              .column = s->opts.column,
                              .lowpass_hz = s->opts.lowpass_hz,
                              .progress = s->opts.progress};
    MEWL_TRY(mewl_clipset_read(&set->clips, s->manifest, opts, err));
    (void)snprintf(set->front_end, sizeof set->front_end, "%s", front_end);
    s->set_count++;
    *out = &set->clips;
    return MEWL_OK;
}

/* ---- Cells ---- */

mewl_status mewl__study_cell_name(char *name, size_t size, const mewl_study_config *c, mewl_error *err)
{
    const mewl_model_config *m = &c->model;
    const mewl_fit_opts *f = &c->fit;
    char init[65] = "";
    char text[1024];
    if (c->init != NULL) {
        MEWL_TRY(mewl_sha256_file(init, c->init, err));
    }
    int n = snprintf(text, sizeof text,
                     "%s %s %g %d %d %lld %lld %g %g|%g %zu %zu %g %g %g %g %g %zu %zu %d %zu|%d %g %g|%s", m->arch,
                     m->front_end, m->width, (int)m->pooling, (int)m->global_pooling, (long long)m->pool_heads,
                     (long long)m->depth, m->dropout_block, m->dropout_head, f->epochs, f->batch, f->frames, f->rate,
                     f->weight_decay, f->balance, f->mixup, f->smoothing, f->mask_frames, f->mask_bands, f->bf16,
                     f->crops, f->teacher != NULL, f->temperature, f->teacher_weight, init);
    mewl_sha256 state;
    uint8_t digest[32];
    char hex[65];
    mewl_sha256_init(&state);
    mewl_sha256_push(&state, text, n > 0 && (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
    mewl_sha256_finish(&state, digest);
    mewl_sha256_hex(hex, digest);
    n = snprintf(name, size, "%s#%.8s", c->name, hex);
    return n > 0 && (size_t)n < size ? MEWL_OK : mewl_error_set(err, MEWL_E_ARG, "a row's name is too long");
}

static mewl_status make_model(mewl_model **model, const mewl_study *s, const mewl_study_config *c,
                              const mewl_clipset *clips, uint64_t seed, mewl_error *err)
{
    mewl_model_config config = c->model;
    config.classes = (int64_t)s->class_count;
    config.bands = (int64_t)clips->bands;
    config.frames = (int64_t)c->fit.frames;
    MEWL_TRY(mewl_model_new(model, config, seed, err));
    if (c->init == NULL) {
        return MEWL_OK;
    }
    mewl_model *from = NULL;
    mewl_status status = mewl_model_load(&from, c->init, err);
    if (status == MEWL_OK) {
        status = mewl_fit_inherit(*model, from, NULL, err);
    }
    mewl_model_free(from);
    return status;
}

typedef struct sides {
    size_t *train, *test;
    size_t train_count, test_count;
    float *logits;
} sides;

static mewl_status train_and_test(json_t **result, mewl_study *s, const mewl_study_config *c, const mewl_cell *cell,
                                  sides *d, const mewl_progress *progress, mewl_error *err)
{
    const mewl_clipset *clips = NULL;
    MEWL_TRY(mewl_study_clips(s, &clips, c->model.front_end, err));
    mewl_model *model = NULL;
    double loss = 0;
    mewl_fit_opts fit = c->fit;
    fit.seed = cell->seed;
    fit.stop = s->opts.stop;
    fit.progress = progress;
    mewl_status status = make_model(&model, s, c, clips, cell->seed, err);
    if (status == MEWL_OK) {
        status = mewl_fit_train(&loss, model, clips, d->train, d->train_count, NULL, fit, err);
    }
    if (status == MEWL_OK) {
        status = mewl_fit_predict(d->logits, model, clips, d->test, d->test_count, fit, err);
    }
    if (status == MEWL_OK) {
        *result = mewl_study_pack(d->logits, d->test, d->test_count, s->class_count);
        (void)mewl_json_set_real(*result, "loss", loss);
        status = mewl_json_set_int(*result, "parameters", mewl_net_param_elements(mewl_model_net(model)));
    }
    mewl_model_free(model);
    return status;
}

static mewl_status run_cell(json_t **result, const mewl_cell *cell, const mewl_progress *progress, void *user,
                            mewl_error *err)
{
    mewl_study *s = user;
    size_t rows = s->manifest->count;
    sides d = {.train = calloc(rows, sizeof *d.train), .test = calloc(rows, sizeof *d.test)};
    d.logits = calloc(rows * s->class_count, sizeof *d.logits);
    mewl_status status = d.train != NULL && d.test != NULL && d.logits != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for the sides of a split");
    if (status == MEWL_OK) {
        size_t split = strcmp(cell->split, MEWL_SPLIT_GROUPED) == 0;
        mewl_study_sides(s, d.train, &d.train_count, d.test, &d.test_count, split, (size_t)cell->seed - 1, cell->fold);
        status = train_and_test(result, s, cell->work, cell, &d, progress, err);
    }
    free(d.train);
    free(d.test);
    free(d.logits);
    return status;
}

mewl_status mewl_study_run(mewl_study *s, mewl_experiment *experiment, const mewl_study_config *configs, size_t count,
                           mewl_error *err)
{
    int folds = s->opts.folds_run;
    size_t total = s->opts.seeds * (MEWL_STUDY_SPLITS - s->first_split) * (size_t)folds * count;
    mewl_cell *cells = calloc(total + 1, sizeof *cells);
    char(*names)[MEWL_CELL_KEY_MAX] = calloc(count + 1, sizeof *names);
    mewl_status status =
        cells != NULL && names != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu cells", total);
    for (size_t c = 0; status == MEWL_OK && c < count; c++) {
        status = mewl__study_cell_name(names[c], sizeof names[c], &configs[c], err);
    }
    size_t at = 0;
    for (size_t seed = 1; status == MEWL_OK && seed <= s->opts.seeds; seed++) {
        for (size_t c = 0; c < count; c++) {
            for (size_t split = s->first_split; split < MEWL_STUDY_SPLITS; split++) {
                for (int fold = 1; fold <= folds; fold++) {
                    cells[at++] =
                        (mewl_cell){names[c], mewl__study_splits[split], fold, seed, configs[c].cost, &configs[c]};
                }
            }
        }
    }
    if (status == MEWL_OK) {
        mewl_experiment_opts opts = {.stop = s->opts.stop, .progress = s->opts.progress, .what = "training"};
        status = mewl_experiment_run(experiment, cells, total, run_cell, s, opts, err);
    }
    free(cells);
    free(names);
    return status;
}
