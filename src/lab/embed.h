/* embed.h - private to the lab room: an embedder on one batch of individuals: its loss with gradients; and what the
 * held-out individuals say of it. The training loop is train.c's. */
#ifndef MEWL_LAB_EMBED_H
#define MEWL_LAB_EMBED_H

#include "lab/feed.h"
#include "lab/score.h"

/* Does the recipe train an embedder? */
bool mewl__embed_is(const mewl_recipe *recipe);

/* Rows of centres that the recipe's loss trains beside the network (model classes while training; 0: none). */
int64_t mewl__embed_centres(const mewl_recipe *recipe, size_t individuals);

/* As mewl__batch_run, for task embed. */
mewl_status mewl__embed_run(mewl__losses *out, mewl__scratch *s, mewl_model *model, const mewl_batch *batch,
                            const mewl_recipe *recipe, bool train, mewl_error *err);

/* As mewl__validate: out->eer over all pairs of held-out recordings of one data set (the same individual in different
 * sessions against different individuals), each individual pair weighing the same however many recordings it has. */
mewl_status mewl__embed_validate(mewl__verdict *out, mewl_model *model, mewl__feed *feed, const mewl_recipe *recipe,
                                 mewl_error *err);

/* The model without its training centres, as it ships; a new one, the caller's. */
mewl_status mewl__embed_strip(mewl_model **out, mewl_model *model, mewl_error *err);

#endif
