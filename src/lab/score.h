/* score.h - private to the lab room: a model on one batch: its losses with their gradients, and what a validation side
 * says of it. Not the training loop (train.c). */
#ifndef MEWL_LAB_SCORE_H
#define MEWL_LAB_SCORE_H

#include <stdbool.h>

#include "base/json.h"
#include "data/loader.h"
#include "data/recipe.h"
#include "lab/feed.h"
#include "models/model.h"

typedef struct mewl__losses {
    double total, frame, clip;
} mewl__losses;

struct mewl__distil; /* distil.h */
struct mewl__tutor;  /* tutor.h */

/* Room for the logits and gradients of one batch; kept between batches, grows to the largest. */
typedef struct mewl__scratch {
    float *clip_logits, *clip_grad, *clip_targets;
    float *frame_logits, *frame_grad;
    size_t clip_room, frame_room;
    struct mewl__distil *distil;       /* teachers of a training, borrowed; NULL: none */
    const struct mewl__tutor *tutor;   /* teachers of an embedder, borrowed; NULL: none */
    float *embedding, *embedding_grad; /* task embed: (N, size) */
    float *said;                       /* by the teachers: (N, size) */
    int32_t *owner;                    /* of each row: which individual */
    double *work;                      /* of the loss */
    size_t embedding_room, work_room;
} mewl__scratch;

/* Frees what was grown (the teachers are borrowed) and empties it. */
void mewl__scratch_fini(mewl__scratch *s);

/* Runs the model on a batch in the mode it is planned for and computes the recipe's losses; gradients too when `train`
 * (then also backward is run, adding to the parameters' gradients). Logits stay in *s. */
mewl_status mewl__batch_run(mewl__losses *out, mewl__scratch *s, mewl_model *model, const mewl_batch *batch,
                            const mewl_recipe *recipe, bool train, mewl_error *err);

/* What the held-out side says. Figures that were not computed are NaN. */
typedef struct mewl__verdict {
    mewl__losses loss;
    size_t examples;
    double frame_auc, frame_ap; /* detect: frames whose truth is certain */
    double clip_auc, clip_ap;   /* detect; classify: mean over classes, one against the rest */
    double accuracy, balanced;  /* classify: of the most probable class */
    double eer;                 /* embed: equal error rate over pairs of recordings */
    double figure;              /* the one that chooses: frame_ap, balanced, clip_ap (multi_label) or 1 - eer */
} mewl__verdict;

/* Scores feed->valid_batches batches of feed->valid, always the same ones, in inference mode with the weights at hand;
 * leaves the model planned for inference. */
mewl_status mewl__validate(mewl__verdict *out, mewl_model *model, mewl__feed *feed, const mewl_recipe *recipe,
                           mewl_error *err);

/* The verdict as JSON; a new reference or NULL. */
json_t *mewl__verdict_json(const mewl__verdict *v);

#endif
