/* reasons_work.c - the training side of one cell: its inner folds, their spaces, and what all heads with all settings
 * say of what they did not learn from. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/split.h"
#include "lab/reasons_private.h"

#define SHARE_STREAM 77u

void mewl__work_fini(mewl__work *w)
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

float *mewl__work_answers(const mewl__work *w, mewl_head head, size_t setting)
{
    return w->p + (settings_before(head) + setting) * w->train_count * w->classes;
}

/* Inner folds like the outer ones: whole groups, or clips. */
static mewl_status deal_inner(mewl__work *w, bool grouped, uint64_t seed, mewl_error *err)
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

mewl_status mewl__work_open(mewl__work *w, const mewl_study *study, const mewl_reason_source *source, size_t split,
                            size_t seed_index, int fold, mewl_error *err)
{
    const size_t rows = study->manifest->count;
    *w = (mewl__work){.study = study, .source = source, .classes = study->class_count};
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

void mewl__sides_fini(mewl__sides *s)
{
    mewl_space_fini(&s->space);
    free(s->train);
    free(s->test);
    free(s->label);
    free(s->train_rows);
    free(s->test_rows);
    free(s->test_place);
}

mewl_status mewl__sides_open(mewl__sides *s, const mewl__work *w, int fold, mewl_error *err)
{
    const size_t rows = w->study->manifest->count;
    *s = (mewl__sides){0};
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
    MEWL_TRY(mewl_space_fit(&s->space, w->source->x, w->source->dims, s->train_rows, s->train_count,
                            w->source->part_dims, w->source->parts, err));
    s->dims = s->space.pca.components;
    s->train = calloc(s->train_count * s->dims, sizeof *s->train);
    s->test = calloc(s->test_count * s->dims + 1, sizeof *s->test);
    mewl_status status =
        s->train != NULL && s->test != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a fold");
    if (status == MEWL_OK) {
        status = mewl_space_apply(&s->space, s->train, w->source->x, s->train_rows, s->train_count, err);
    }
    if (status == MEWL_OK) {
        status = mewl_space_apply(&s->space, s->test, w->source->x, s->test_rows, s->test_count, err);
    }
    return status;
}

mewl_status mewl__sides_ask(float *p, const mewl__sides *s, mewl_head head, size_t setting, size_t classes,
                            mewl_error *err)
{
    return mewl_head_run(p, head, setting, s->train, s->label, s->train_count, s->test, s->test_count, s->dims, classes,
                         err);
}

/* Out-of-fold answers of all heads with all settings for one inner fold. */
mewl_status mewl__work_answer(mewl__work *w, int fold, mewl_error *err)
{
    mewl__sides s;
    mewl_status status = mewl__sides_open(&s, w, fold, err);
    float *p = calloc(w->train_count * w->classes + 1, sizeof *p);
    if (status == MEWL_OK && p == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for answers");
    }
    for (int head = 0; head < MEWL_HEAD_COUNT; head++) {
        for (size_t k = 0; status == MEWL_OK && k < mewl_head_settings((mewl_head)head); k++) {
            float *all = mewl__work_answers(w, (mewl_head)head, k);
            status = mewl__sides_ask(p, &s, (mewl_head)head, k, w->classes, err);
            for (size_t i = 0; status == MEWL_OK && i < s.test_count; i++) {
                memcpy(all + s.test_place[i] * w->classes, p + i * w->classes, w->classes * sizeof *p);
            }
        }
    }
    free(p);
    mewl__sides_fini(&s);
    return status;
}
