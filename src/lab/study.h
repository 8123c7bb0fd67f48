/* study.h - networks compared on one set of labelled clips, under random and grouped folds side by side: the cells of
 * an experiment (experiment.h), and the document of a report (report.h) from what they said.
 *
 * Each cell trains one network on the folds but one and stores what it says of the clips of that one. Everything else
 * (figures, intervals, baselines, differences) is computed from the journal afterwards, so that a table can be printed
 * at any time from the cells that are there. Networks alone: classical heads on embeddings are in reason/.
 */
#ifndef MEWL_LAB_STUDY_H
#define MEWL_LAB_STUDY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/manifest.h"
#include "lab/clipset.h"
#include "lab/experiment.h"
#include "lab/fit.h"
#include "lab/forecasts.h"
#include "models/model.h"

#define MEWL_STUDY_NAME_MAX 96
#define MEWL_STUDY_FOLDS_MAX 100
#define MEWL_STUDY_SPLITS 2 /* MEWL_SPLIT_RANDOM, MEWL_SPLIT_GROUPED, in this order */

/* A row of the table. */
typedef struct mewl_study_config {
    char name[MEWL_STUDY_NAME_MAX];  /* "cnn14/stat/pretrained" */
    char paper[MEWL_STUDY_NAME_MAX]; /* what the paper has for it, "74.73 %", or "" */
    mewl_model_config model;         /* classes and bands are filled in */
    const char *init;                /* checkpoint whose arrays of same name and shape are taken, or NULL */
    mewl_fit_opts fit;               /* seed, stop and progress are filled in */
    double cost;                     /* relative to the other rows, for the time left */
} mewl_study_config;

typedef struct mewl_study_opts {
    const char *experiment, *title, *profile; /* of the document */
    const char *data_name;                    /* of the recordings, for people */
    const char *column;                       /* of the classes */
    double lowpass_hz;                        /* see clipset.h */
    int folds;                                /* 2 to MEWL_STUDY_FOLDS_MAX */
    bool own_folds;                           /* grouped folds alone, the manifest's column `fold` (1 to folds) */
    int folds_run;                            /* folds that are tested for each seed: 1 to folds; 0: all */
    size_t seeds;                             /* 1 to 100 */
    const char *compared_to;                  /* name of a row: paired differences of all others to it; or NULL */
    size_t rounds;                            /* bootstrap; 0: 1000 */
    const volatile sig_atomic_t *stop;
    const mewl_progress *progress;
    const mewl_log *log;
} mewl_study_opts;

typedef struct mewl_study mewl_study;

/* Deals folds (the manifest's `fold` column is overwritten) and remembers them. `manifest` is borrowed and must outlive
 * the study; nothing is read yet. *out is the caller's. Errors: those of mewl_split_folds and mewl_clipset_identify;
 * MEWL_E_FORMAT when own_folds and a row lies in none of the folds or a fold is empty. */
mewl_status mewl_study_open(mewl_study **out, mewl_manifest *manifest, mewl_study_opts opts, mewl_error *err);
void mewl_study_close(mewl_study *study); /* NULL is fine */

/* What results follow from besides the cells: the identity of the experiment's journal. A new reference. */
json_t *mewl_study_identity(const mewl_study *study);

/* Trains what the journal does not hold yet. MEWL_E_CANCELLED when stopped. */
mewl_status mewl_study_run(mewl_study *study, mewl_experiment *experiment, const mewl_study_config *configs,
                           size_t count, mewl_error *err);

/* The report's document from the journal: rows of configs whose cells are all there, then baselines (always the most
 * frequent class; drawn from the training side's shares; logistic regression on age, sex and platform where the
 * manifest has them). A new reference. */
mewl_status mewl_study_document(json_t **out, mewl_study *study, const mewl_experiment *experiment,
                                const mewl_study_config *configs, size_t count, mewl_error *err);

/* A row of a table whose figures are not from mewl_study_run: what was forecast under each split, rows of forecasts in
 * the order of seeds, then folds, then clips. */
typedef struct mewl_study_row {
    char name[MEWL_STUDY_NAME_MAX];
    json_t *extra;                               /* texts by key of a column; or NULL */
    mewl_forecasts forecasts[MEWL_STUDY_SPLITS]; /* empty: the row is left out */
} mewl_study_row;

/* A document of such rows, with the study's baselines; `columns` (taken over, may be NULL) as in report.h. The rows
 * stay the caller's. */
mewl_status mewl_study_table(json_t **out, const mewl_study *study, const mewl_study_row *rows, size_t count,
                             json_t *columns, mewl_error *err);
void mewl_study_row_fini(mewl_study_row *row);

/* Predictions of clips as a cell stores them: {"clips": [...], "log_p": [[...], ...]}, rounded to 1e-5. A new
 * reference, NULL when out of memory. */
json_t *mewl_study_pack(const float *log_p, const size_t *clips, size_t count, size_t classes);

/* Appends what a cell stored to the forecasts: probabilities under the training side's own shares, whatever the balance
 * that the network was trained with. MEWL_E_FORMAT when it does not fit the study. */
mewl_status mewl_study_unpack(mewl_forecasts *f, const mewl_study *study, const json_t *packed, const size_t *train,
                              size_t train_count, double balance, mewl_error *err);

/* The clips as a front end (its name) gives them, read on first use and kept. Borrowed until close. */
mewl_status mewl_study_clips(mewl_study *study, const mewl_clipset **out, const char *front_end, mewl_error *err);

/* Sides of a cell: clips that train and clips that test. Both arrays have room for the manifest's rows. split: 0
 * random, 1 grouped; seed_index from 0; fold from 1. */
void mewl_study_sides(const mewl_study *study, size_t *train, size_t *train_count, size_t *test, size_t *test_count,
                      size_t split, size_t seed_index, int fold);

#endif
