/* train.h - from a recipe to a trained model: the loop, its log, its checkpoints.
 *
 * Not where examples are made (data/loader.h) nor where layers live (nn/): this joins them. One call trains; stopping
 * it (signal, crash, power) and calling it again with `resume` gives the same bytes as never having stopped.
 *
 * Files in the output folder:
 *   log.ndjson         one JSON object a line: {"event":"start"|"step"|"valid"|"checkpoint"|"stop"|"end", ...}
 *   last.safetensors   everything needed to go on (weights, optimiser, EMA, counters); replaced in one piece
 *   best.safetensors   the model (EMA weights when on) with the best validation figure so far
 *   model.safetensors  the model after the last step
 */
#ifndef MEWL_LAB_TRAIN_H
#define MEWL_LAB_TRAIN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/progress.h"
#include "base/status.h"

typedef struct mewl_train_opts {
    const char *output;     /* output folder, relative to the working folder; NULL: the recipe's */
    const char *const *set; /* set_count texts "section.key=value" that replace lines of the recipe */
    size_t set_count;
    size_t stop_after; /* stop, with a checkpoint, after this many steps in all; 0: never */
    bool resume;       /* go on from last.safetensors in the output folder; MEWL_E_NOT_FOUND when absent */
    const volatile sig_atomic_t
        *stop;                     /* when it turns non-zero: checkpoint, then return with stopped = true; or NULL */
    const mewl_progress *progress; /* steps done of all; or NULL */
    const mewl_log *log;           /* sentences for people (what is trained on what; each validation); or NULL */
} mewl_train_opts;

typedef struct mewl_train_result {
    size_t steps;        /* steps done in all, those before a resume included */
    bool stopped;        /* stopped before the recipe's end */
    double seconds;      /* of this call */
    double step_ms;      /* median wall time of a step in this call (waiting for data included) */
    double data_wait_ms; /* median part of it spent waiting for the loader */
    double train_loss;   /* mean over the last steps logged */
    double valid_loss;   /* NaN when validation never ran */
    double valid_figure; /* detect: frame average precision on the validation side; classify: mean over classes of
                            clip average precision (multi_label) or of recall (balanced accuracy) */
    double best_figure;
    size_t best_step;
    char model_path[4096]; /* model.safetensors, or last.safetensors when stopped */
} mewl_train_result;

/* Trains as the recipe file says. The whole recipe is validated before anything is read or written (MEWL_E_FORMAT with
 * file and line). A loss that is not finite ends the training with MEWL_E_STATE and names the step. */
mewl_status mewl_train_run(mewl_train_result *out, const char *recipe_path, mewl_train_opts opts, mewl_error *err);

#endif
