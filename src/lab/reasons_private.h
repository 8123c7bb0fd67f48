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

/* What a cell says: {"clips": [row], "heads": {head: {choice: {"setting", "map", "p": [[...]]}, ..., with "log-loss"
 * also "sets": [[threshold or null, ...], ...]}}}. `cell->work` is the source. */
mewl_status mewl__reasons_cell(json_t **result, const mewl_cell *cell, const mewl_progress *progress, void *user,
                               mewl_error *err);

/* Balanced accuracy, all classes counting alike, of one head with one setting under grouped folds of seed 1, and how
 * often shuffled labels reach it: {"observed", "p", "mean", "highest", "rounds"}. */
mewl_status mewl__reasons_permute(json_t **result, const mewl__reasons *r, const mewl_reason_source *source,
                                  const mewl_progress *progress, mewl_error *err);

/* The document from the journal. */
mewl_status mewl__reasons_document(json_t **out, const mewl__reasons *r, const mewl_experiment *experiment,
                                   mewl_error *err);

/* A cell's key as the journal has it. */
mewl_cell mewl__reasons_at(const mewl_reason_source *source, size_t split, size_t seed_index, int fold);
mewl_cell mewl__reasons_permutation_at(char *name, size_t size, const mewl_reason_source *source);

#endif
