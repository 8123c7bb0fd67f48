/* feed.h - private to the lab room: from a recipe to the data of a training, whatever its task.
 * Not where examples are made: it opens corpus, manifests and loaders, and says what they hold. */
#ifndef MEWL_LAB_FEED_H
#define MEWL_LAB_FEED_H

#include "base/json.h"
#include "base/progress.h"
#include "data/corpus.h"
#include "data/loader.h"
#include "data/recipe.h"

/* Zero-initialised is empty; mewl__feed_close accepts that. */
typedef struct mewl__feed {
    mewl_recipe rooted;     /* a shallow copy of the recipe with data.root filled in; owns nothing */
    mewl_corpus *corpus;    /* detect */
    mewl_manifest manifest; /* classify */
    bool has_manifest;
    mewl_loader *train;
    mewl_loader *valid; /* never augmented, the same batches every time */
    size_t valid_batches;
} mewl__feed;

/* Opens everything `recipe` (borrowed, must outlive the feed) names. */
mewl_status mewl__feed_open(mewl__feed *feed, const mewl_recipe *recipe, const mewl_progress *progress,
                            mewl_error *err);
void mewl__feed_close(mewl__feed *feed);

/* What the data are, for logs and the model's card: counts of sounds, groups and seconds by role and side (detect) or
 * of clips by class and side (classify). A new reference, or NULL when out of memory. */
json_t *mewl__feed_describe(const mewl__feed *feed);

/* Root folder of the data sets: recipe's, else MEWL_DATA, else empty. */
const char *mewl__data_root(const mewl_recipe *recipe);

#endif
