/* distil.h - private to the lab room: the teachers of a training by recipe ([distil]). They hear the very features that
 * the student hears in a batch, crops, masks and mixtures included; what they say is the mean of their logits. What a
 * loss makes of it: nn/loss.h. Experiments, whose clips lie in memory, ask their teacher once: fit.h.
 */
#ifndef MEWL_LAB_DISTIL_H
#define MEWL_LAB_DISTIL_H

#include <stddef.h>

#include "data/loader.h"
#include "data/recipe.h"
#include "models/model.h"

#define MEWL__DISTIL_TEACHERS_MAX 8
#define MEWL__DISTIL_PATH_BYTES 4200

/* Zero-initialised is empty: no teacher. */
typedef struct mewl__distil {
    mewl_model *teachers[MEWL__DISTIL_TEACHERS_MAX];
    int64_t *order[MEWL__DISTIL_TEACHERS_MAX]; /* the teacher's class for each class of the student */
    size_t count, classes;
    float *said, *mean; /* one batch */
    size_t said_room, mean_room;
} mewl__distil;

/* Where a teacher that a recipe names lies: path[MEWL__DISTIL_PATH_BYTES], relative to the recipe. */
void mewl__distil_path(char *path, const mewl_recipe *recipe, const char *name);

/* Opens the models that recipe->distil_teacher names (relative to the recipe), none being fine. Each must be one of
 * ours, softmax over classes that hold all of `classes` by label, and take the recipe's front end. Errors:
 * MEWL_E_FORMAT naming file and class, MEWL_E_UNSUPPORTED (not a task that has classes), those of mewl_model_load. */
mewl_status mewl__distil_open(mewl__distil *d, const mewl_recipe *recipe, const char *const *classes, size_t count,
                              mewl_error *err);
void mewl__distil_fini(mewl__distil *d);

/* What the teachers say of a batch: *logits (batch->count, classes), valid until the next call. MEWL_E_SHAPE when
 * frames or bands do not fit a teacher. */
mewl_status mewl__distil_ask(mewl__distil *d, const float **logits, const mewl_batch *batch, mewl_error *err);

#endif
