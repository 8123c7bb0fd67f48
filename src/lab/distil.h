/* distil.h - private to the lab room: the teachers of a training of classes by recipe ([distil]). Models of ours with
 * the student's front end hear the very features that the student hears in a batch, crops, masks and mixtures included;
 * all others, and stored answers, speak of each recording as a whole: answers.h. What counts is the mean of all their
 * logits. What a loss makes of it: nn/loss.h. Experiments, whose clips lie in memory, ask their teacher once: fit.h.
 */
#ifndef MEWL_LAB_DISTIL_H
#define MEWL_LAB_DISTIL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "data/loader.h"
#include "data/recipe.h"
#include "lab/answers.h"
#include "models/model.h"

#define MEWL__DISTIL_TEACHERS_MAX 8
#define MEWL__DISTIL_PATH_BYTES 4200

/* Zero-initialised is empty: no teacher. */
typedef struct mewl__distil {
    mewl_model *teachers[MEWL__DISTIL_TEACHERS_MAX];
    int64_t *order[MEWL__DISTIL_TEACHERS_MAX]; /* the teacher's class for each class of the student */
    size_t count, classes;
    mewl__answers answers; /* of those that do not hear batches */
    float *said, *mean;    /* one batch */
    size_t said_room, mean_room;
} mewl__distil;

/* Where a teacher that a recipe names lies: path[MEWL__DISTIL_PATH_BYTES], relative to the recipe. */
void mewl__distil_path(char *path, const mewl_recipe *recipe, const char *name);

/* Opens the models that recipe->distil_teacher names and reads the answers that recipe->distil_logits names (relative
 * to the recipe), none being fine; `manifest` holds the recordings of the training. Every one must have all of
 * `classes` by label. Errors: MEWL_E_FORMAT naming file and class, MEWL_E_UNSUPPORTED (not a task that has classes;
 * mixup, which needs teachers that hear the mixture), MEWL_E_CANCELLED when *stop (may be NULL) turns non-zero, those
 * of mewl_model_load and of answers.h. */
mewl_status mewl__distil_open(mewl__distil *d, const mewl_recipe *recipe, const mewl_manifest *manifest,
                              const char *const *classes, size_t count, const volatile sig_atomic_t *stop,
                              const mewl_progress *progress, mewl_error *err);
void mewl__distil_fini(mewl__distil *d);

/* Whether there is any teacher. */
bool mewl__distil_any(const mewl__distil *d);

/* What the teachers say of a batch: *logits (batch->count, classes), valid until the next call. MEWL_E_SHAPE when
 * frames or bands do not fit a teacher. */
mewl_status mewl__distil_ask(mewl__distil *d, const float **logits, const mewl_batch *batch, mewl_error *err);

#endif
