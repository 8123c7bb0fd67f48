/* run.h - private to the lab room: the part of a training that outlives a stop: model, optimiser, moving average and
 * counters, into and out of the output folder. Not the loop (train.c). */
#ifndef MEWL_LAB_RUN_H
#define MEWL_LAB_RUN_H

#include "data/recipe.h"
#include "lab/feed.h"
#include "lab/score.h"
#include "models/model.h"
#include "nn/optim.h"
#include "nn/schedule.h"

/* Counters of a training; stored as text in checkpoints, exact to the bit. */
typedef struct mewl__run_state {
    size_t step;        /* updates done */
    double best_figure; /* NaN before the first validation */
    size_t best_step;
    size_t passes_without_gain;
    mewl_plateau plateau;
} mewl__run_state;

typedef struct mewl__run {
    mewl_model *model;
    mewl_optim *optim;
    mewl_ema *ema; /* NULL without one */
    mewl_schedule schedule;
    mewl__run_state state;
    size_t steps_per_epoch, total_steps;
    bool embeds;           /* task embed: models are saved without training centres, weights in bf16 */
    char folder[3900];     /* output folder, made by open */
    char *recipe_text;     /* the recipe in force, whole */
    char *data_text;       /* what it was trained on, JSON */
    char fitted_note[512]; /* what was taken from model.init, for people; "" when nothing */
    mewl__verdict verdict; /* of the last validation in this call */
    double train_loss;     /* of the last lines of the log */
} mewl__run;

/* A fresh training of `recipe`, or with `resume` the one in its output folder (MEWL_E_NOT_FOUND without one,
 * MEWL_E_STATE when it was started with another recipe; folders and numbers of threads may differ). `output` replaces
 * the recipe's output folder when not NULL. */
mewl_status mewl__run_open(mewl__run *run, const mewl_recipe *recipe, const mewl__feed *feed, const char *output,
                           bool resume, mewl_error *err);
void mewl__run_fini(mewl__run *run);

/* Back to training after an evaluation. */
mewl_status mewl__run_train_mode(mewl__run *run, const mewl_recipe *recipe, mewl_error *err);

/* Writes the weights at hand with all metadata (and the verdict on them) as `name` in the output folder. */
mewl_status mewl__run_save_model(mewl__run *run, const char *name, const mewl__verdict *v, mewl_error *err);

/* Writes everything needed to go on as `name` in the output folder. */
mewl_status mewl__run_save_state(mewl__run *run, const char *name, mewl_error *err);

#endif
