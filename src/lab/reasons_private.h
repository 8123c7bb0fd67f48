/* reasons_private.h - private to the lab room: what reasons.c, reasons_cell.c and reasons_table.c share. */
#ifndef MEWL_LAB_REASONS_PRIVATE_H
#define MEWL_LAB_REASONS_PRIVATE_H

#include "lab/reasons.h"
#include "lab/study_private.h"

typedef struct mewl__reasons {
    mewl_study *study; /* folds, classes, labels, groups */
    const mewl_reason_source *sources;
    size_t count;
    mewl_reasons_opts opts;
} mewl__reasons;

/* One cell at work. */
typedef struct mewl__work {
    const mewl_study *study;
    const mewl_reason_source *source;
    size_t classes;
    size_t *train, *test; /* rows of the manifest */
    size_t train_count, test_count;
    int *label;    /* of the training side, by place in it */
    int *fold;     /* inner folds of the training side, 1 .. */
    float *p;      /* [settings of all heads][train_count][classes]: out-of-fold answers */
    double *share; /* [train_count], the random part of adaptive sets */
    double prior[MEWL_HEAD_CLASSES_MAX];
} mewl__work;

/* The training side of a fold under a split (0 random, 1 grouped), its inner folds dealt like the outer ones; fold 0:
 * all recordings train. Fini whatever the status. */
mewl_status mewl__work_open(mewl__work *w, const mewl_study *study, const mewl_reason_source *source, size_t split,
                            size_t seed_index, int fold, mewl_error *err);
void mewl__work_fini(mewl__work *w);

/* Out-of-fold answers of all heads with all settings for one inner fold; and where those of one lie. */
mewl_status mewl__work_answer(mewl__work *w, int fold, mewl_error *err);
float *mewl__work_answers(const mewl__work *w, mewl_head head, size_t setting);

/* Setting and map that a choice takes of a head: the first of equals. By log-loss: the setting whose answers do best
 * with temperature and biases, then the map that suits them best. */
mewl_status mewl__work_choose(size_t *setting, mewl_calibration_opts *map, const mewl__work *w, mewl_head head,
                              size_t choice, mewl_error *err);

/* The likeliest class; with `prior`, the class that stands highest above its share. */
size_t mewl__likeliest(const float *p, const double *prior, size_t classes);

/* A training and a test side in the space of the first, and their labels. */
typedef struct mewl__sides {
    mewl_space space; /* of the first */
    double *train, *test;
    int *label;
    size_t *train_rows, *test_rows, *test_place;
    size_t train_count, test_count, dims;
} mewl__sides;

/* Inner fold `fold` of the training side against the rest of it; 0: the whole of it against the outer fold. Fini
 * whatever the status. */
mewl_status mewl__sides_open(mewl__sides *s, const mewl__work *w, int fold, mewl_error *err);
void mewl__sides_fini(mewl__sides *s);

/* What a head that learns from the one side says of the other: p (test_count, classes). */
mewl_status mewl__sides_ask(float *p, const mewl__sides *s, mewl_head head, size_t setting, size_t classes,
                            mewl_error *err);

/* What a cell says: {"clips": [row], "heads": {head: {choice: {"setting", "map", "p": [[...]]}, ..., with "log-loss"
 * also "sets": [[threshold or null, ...], ...]}}}. `cell->work` is the source. */
mewl_status mewl__reasons_cell(json_t **result, const mewl_cell *cell, const mewl_progress *progress, void *user,
                               mewl_error *err);

/* Balanced accuracy, all classes counting alike, of one head with one setting under grouped folds of seed 1, and how
 * often shuffled labels reach it: {"observed", "p", "mean", "highest", "rounds"}. */
mewl_status mewl__reasons_permute(json_t **result, const mewl__reasons *r, const mewl_reason_source *source,
                                  const mewl_progress *progress, mewl_error *err);

/* The figures of one head on one source under grouped folds, choice 2: answers over all seeds. MEWL_E_NOT_FOUND when
 * there is no such source. */
mewl_status mewl__reasons_forecasts(mewl_forecasts *f, const mewl__reasons *r, const mewl_experiment *experiment,
                                    const char *source, mewl_head head, mewl_error *err);

/* Makes a reason model for use: see reasons.h. */
mewl_status mewl__reasons_make(const mewl__reasons *r, const mewl_experiment *experiment, mewl_error *err);

/* The document from the journal. */
mewl_status mewl__reasons_document(json_t **out, const mewl__reasons *r, const mewl_experiment *experiment,
                                   mewl_error *err);

/* A cell's key as the journal has it. */
mewl_cell mewl__reasons_at(const mewl_reason_source *source, size_t split, size_t seed_index, int fold);
mewl_cell mewl__reasons_permutation_at(char *name, size_t size, const mewl_reason_source *source);

#endif
