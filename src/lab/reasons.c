/* reasons.c - the cells of a comparison of heads, and the run over them. */
#include "lab/reasons.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/sha256.h"
#include "lab/reasons_private.h"

#define PERMUTATION "permutation/"

static const char *const split_names[MEWL_STUDY_SPLITS] = {MEWL_SPLIT_RANDOM, MEWL_SPLIT_GROUPED};

mewl_cell mewl__reasons_at(const mewl_reason_source *source, size_t split, size_t seed_index, int fold)
{
    return (mewl_cell){
        .config = source->name, .split = split_names[split], .fold = fold, .seed = seed_index + 1, .work = source};
}

mewl_cell mewl__reasons_permutation_at(char *name, size_t size, const mewl_reason_source *source)
{
    (void)snprintf(name, size, PERMUTATION "%s", source->name);
    return (mewl_cell){.config = name, .split = MEWL_SPLIT_GROUPED, .seed = 1, .cost = 20, .work = source};
}

/* What results follow from besides the cells: data, classes, folds, and the vectors themselves. */
static json_t *identity(const mewl__reasons *r)
{
    json_t *out = mewl_study_identity(r->study), *sources = json_object();
    (void)mewl_json_set_string(out, "kind", "reasons");
    (void)mewl_json_set_int(out, "permutations", (int64_t)r->opts.permutations);
    for (size_t i = 0; i < r->count; i++) {
        const mewl_reason_source *s = &r->sources[i];
        mewl_sha256 state;
        uint8_t digest[32];
        char hex[65];
        mewl_sha256_init(&state);
        mewl_sha256_push(&state, s->x, r->study->manifest->count * s->dims * sizeof *s->x);
        mewl_sha256_finish(&state, digest);
        mewl_sha256_hex(hex, digest);
        (void)mewl_json_set_string(sources, s->name, hex);
    }
    (void)mewl_json_set(out, "sources", sources);
    return out;
}

/* All cells: folds by seed, so that a run that is stopped has whole tables of the first seeds; then permutations. */
static mewl_cell *list_cells(const mewl__reasons *r, size_t *count, char (*names)[MEWL_CELL_KEY_MAX], mewl_error *err)
{
    const size_t all = r->count * (MEWL_STUDY_SPLITS * r->opts.seeds * (size_t)r->opts.folds + 1);
    mewl_cell *cells = calloc(all, sizeof *cells);
    *count = 0;
    if (cells == NULL) {
        (void)mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu cells", all);
        return NULL;
    }
    for (size_t seed = 0; seed < r->opts.seeds; seed++) {
        for (size_t s = 0; s < r->count; s++) {
            for (size_t split = 0; split < MEWL_STUDY_SPLITS; split++) {
                for (int fold = 1; fold <= r->opts.folds; fold++) {
                    cells[(*count)++] = mewl__reasons_at(&r->sources[s], split, seed, fold);
                }
            }
        }
        for (size_t s = 0; seed == 0 && r->opts.permutations > 0 && s < r->count; s++) {
            cells[(*count)++] = mewl__reasons_permutation_at(names[s], MEWL_CELL_KEY_MAX, &r->sources[s]);
        }
    }
    return cells;
}

static mewl_status run_cells(json_t **out, mewl__reasons *r, const char *folder, mewl_error *err)
{
    char names[MEWL_REASON_SOURCES_MAX][MEWL_CELL_KEY_MAX];
    mewl_experiment *experiment = NULL;
    size_t count = 0;
    json_t *whole = identity(r);
    mewl_status status = mewl_experiment_open(&experiment, folder, whole, err);
    json_decref(whole);
    mewl_cell *cells = status == MEWL_OK ? list_cells(r, &count, names, err) : NULL;
    if (status == MEWL_OK && cells == NULL) {
        status = MEWL_E_MEMORY;
    }
    if (status == MEWL_OK) {
        const mewl_experiment_opts opts = {.stop = r->opts.stop, .progress = r->opts.progress, .what = "folds"};
        status = mewl_experiment_run(experiment, cells, count, mewl__reasons_cell, r, opts, err);
    }
    if (status == MEWL_OK) {
        status = mewl__reasons_document(out, r, experiment, err);
    }
    if (status == MEWL_OK && r->opts.making != NULL) {
        status = mewl__reasons_make(r, experiment, err);
    }
    if (status != MEWL_OK) {
        json_decref(*out);
        *out = NULL;
    }
    free(cells);
    mewl_experiment_close(experiment);
    return status;
}

mewl_status mewl_reasons_run(json_t **out, mewl_manifest *manifest, const mewl_reason_source *sources, size_t count,
                             const char *folder, mewl_reasons_opts opts, mewl_error *err)
{
    *out = NULL;
    mewl__reasons r = {.sources = sources, .count = count, .opts = opts};
    if (count == 0 || count > MEWL_REASON_SOURCES_MAX || opts.folds < 2 || opts.folds > MEWL_REASON_FOLDS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu sources of vectors and %d folds: 1 to %d and 2 to %d", count,
                              opts.folds, MEWL_REASON_SOURCES_MAX, MEWL_REASON_FOLDS_MAX);
    }
    const mewl_study_opts study = {.experiment = opts.experiment,
                                   .title = opts.title,
                                   .profile = opts.profile,
                                   .data_name = opts.data_name,
                                   .column = opts.column,
                                   .folds = opts.folds,
                                   .seeds = opts.seeds,
                                   .rounds = opts.rounds,
                                   .stop = opts.stop,
                                   .progress = opts.progress,
                                   .log = opts.log};
    MEWL_TRY(mewl_study_open(&r.study, manifest, study, err));
    mewl_status status =
        r.study->class_count <= MEWL_HEAD_CLASSES_MAX
            ? run_cells(out, &r, folder, err)
            : mewl_error_set(err, MEWL_E_ARG, "%zu classes; at most %d", r.study->class_count, MEWL_HEAD_CLASSES_MAX);
    mewl_study_close(r.study);
    return status;
}
