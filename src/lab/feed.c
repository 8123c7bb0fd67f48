/* feed.c - the data of a training, opened as its recipe says. */
#include "lab/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/split.h"

/* Validation examples are drawn from a stream of their own, so that they never coincide with training's. */
#define VALID_SEED UINT64_C(0x76616c6964)

static const char *const role_names[MEWL_ROLE_COUNT] = {"cry", "negative", "background", "speech", "room"};
static const char *const side_names[MEWL_SIDE_COUNT] = {"train", "valid", "test"};

const char *mewl__data_root(const mewl_recipe *recipe)
{
    if (recipe->data_root != NULL && recipe->data_root[0] != '\0') {
        return recipe->data_root;
    }
    const char *root = getenv("MEWL_DATA");
    return root != NULL ? root : "";
}

void mewl__feed_close(mewl__feed *feed)
{
    mewl_loader_close(feed->train);
    mewl_loader_close(feed->valid);
    if (feed->has_manifest) {
        mewl_manifest_fini(&feed->manifest);
    }
    mewl_corpus_close(feed->corpus);
    memset(feed, 0, sizeof *feed);
}

/* Clips of a classification: rows of the recipe's sets and manifests. Rows that name no split get one by their group.
 */
static mewl_status open_manifest(mewl__feed *feed, const mewl_recipe *recipe, mewl_error *err)
{
    MEWL_TRY(mewl_corpus_list(&feed->manifest, recipe, err));
    feed->has_manifest = true;
    if (feed->manifest.count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: data.sets and data.manifests name no recording", recipe->path);
    }
    char key[4096];
    for (size_t i = 0; i < feed->manifest.count; i++) {
        mewl_row *row = &feed->manifest.rows[i];
        if (row->split[0] == '\0') {
            row->split =
                mewl_split_side(mewl_split_group(row, key, sizeof key), (uint64_t)recipe->data_split_seed,
                                recipe->data_valid_share, recipe->data_test_share, recipe->data_more_valid_share);
        }
        if (row->fold >= 0 && recipe->data_esc_test_fold > 0 && row->fold == recipe->data_esc_test_fold) {
            row->split = side_names[MEWL_SIDE_TEST];
        }
    }
    mewl_status status = mewl_split_require(&feed->manifest, "split", err);
    if (status == MEWL_E_FORMAT && recipe->data_sets.count > 0 && recipe->data_manifests.count > 0) {
        status = mewl_error_prefix(err, status,
                                   "%s: the %zu data.sets (as said, or the default ones) and data.manifests together "
                                   "(write `sets =` for the manifests alone)",
                                   recipe->path, recipe->data_sets.count);
    } else if (status == MEWL_E_FORMAT) {
        status = mewl_error_prefix(err, status, "%s", recipe->path);
    }
    return status;
}

static mewl_status open_mixtures(mewl__feed *feed, const mewl_recipe *recipe, const mewl_progress *progress,
                                 mewl_error *err)
{
    int threads = (int)recipe->train_loader_threads;
    feed->rooted = *recipe;
    feed->rooted.data_root = mewl__data_root(recipe);
    MEWL_TRY(mewl_corpus_open(&feed->corpus, &feed->rooted, threads, progress, err));
    mewl_loader_opts train = {.side = MEWL_SIDE_TRAIN, .augment = true, .seed = (uint64_t)recipe->recipe_seed};
    MEWL_TRY(mewl_loader_open_mixtures(&feed->train, feed->corpus, recipe, train, err));
    mewl_loader_opts valid = {.side = MEWL_SIDE_VALID, .augment = false, .seed = VALID_SEED};
    MEWL_TRY(mewl_loader_open_mixtures(&feed->valid, feed->corpus, recipe, valid, err));
    feed->valid_batches = (size_t)recipe->train_valid_batches;
    return MEWL_OK;
}

static mewl_status open_individuals(mewl__feed *feed, const mewl_recipe *recipe, const mewl_progress *progress,
                                    mewl_error *err)
{
    feed->rooted = *recipe;
    feed->rooted.data_root = mewl__data_root(recipe);
    MEWL_TRY(mewl_corpus_open(&feed->corpus, &feed->rooted, (int)recipe->train_loader_threads, progress, err));
    mewl_loader_opts train = {.side = MEWL_SIDE_TRAIN, .augment = true, .seed = (uint64_t)recipe->recipe_seed};
    MEWL_TRY(mewl_loader_open_individuals(&feed->train, feed->corpus, recipe, train, err));
    mewl_loader_opts valid = {.side = MEWL_SIDE_VALID, .augment = false, .seed = VALID_SEED};
    MEWL_TRY(mewl_loader_open_individuals(&feed->valid, feed->corpus, recipe, valid, err));
    size_t batch = (size_t)recipe->train_batch;
    feed->valid_batches = (mewl_loader_examples(feed->valid) + batch - 1) / batch;
    return MEWL_OK;
}

static mewl_status open_clips(mewl__feed *feed, const mewl_recipe *recipe, mewl_error *err)
{
    MEWL_TRY(open_manifest(feed, recipe, err));
    mewl_loader_opts train = {.side = MEWL_SIDE_TRAIN, .augment = true, .seed = (uint64_t)recipe->recipe_seed};
    MEWL_TRY(mewl_loader_open_clips(&feed->train, &feed->manifest, recipe, train, err));
    size_t held_out = 0;
    for (size_t i = 0; i < feed->manifest.count; i++) {
        held_out += strcmp(feed->manifest.rows[i].split, side_names[MEWL_SIDE_VALID]) == 0;
    }
    if (held_out == 0) {
        return MEWL_OK; /* trained without validation: the last weights are the model */
    }
    mewl_loader_opts valid = {.side = MEWL_SIDE_VALID, .augment = false, .seed = VALID_SEED};
    MEWL_TRY(mewl_loader_open_clips(&feed->valid, &feed->manifest, recipe, valid, err));
    size_t batch = (size_t)recipe->train_batch;
    feed->valid_batches = (mewl_loader_examples(feed->valid) + batch - 1) / batch;
    return MEWL_OK;
}

mewl_status mewl__feed_open(mewl__feed *feed, const mewl_recipe *recipe, const mewl_progress *progress, mewl_error *err)
{
    memset(feed, 0, sizeof *feed);
    mewl_status status = strcmp(recipe->recipe_task, "detect") == 0  ? open_mixtures(feed, recipe, progress, err)
                         : strcmp(recipe->recipe_task, "embed") == 0 ? open_individuals(feed, recipe, progress, err)
                                                                     : open_clips(feed, recipe, err);
    if (status != MEWL_OK) {
        mewl__feed_close(feed);
    }
    return status;
}

static json_t *describe_corpus(const mewl_corpus *corpus)
{
    const mewl_corpus_stats *stats = mewl_corpus_get_stats(corpus);
    json_t *out = json_object();
    for (size_t side = 0; side < MEWL_SIDE_COUNT; side++) {
        json_t *of_side = json_object();
        for (size_t role = 0; role < MEWL_ROLE_COUNT; role++) {
            json_t *cell = json_object();
            (void)mewl_json_set_int(cell, "sounds", (int64_t)stats->sounds[role][side]);
            (void)mewl_json_set_int(cell, "groups", (int64_t)stats->groups[role][side]);
            (void)mewl_json_set_real(cell, "minutes", stats->seconds[role][side] / 60);
            (void)mewl_json_set(of_side, role_names[role], cell);
        }
        (void)mewl_json_set(out, side_names[side], of_side);
    }
    (void)mewl_json_set_int(out, "cries_unusable", (int64_t)stats->cries_unusable);
    (void)mewl_json_set_int(out, "unreadable", (int64_t)stats->unreadable);
    return out;
}

static json_t *describe_clips(const mewl__feed *feed)
{
    json_t *out = json_object();
    for (size_t side = 0; side < MEWL_SIDE_COUNT; side++) {
        json_t *of_side = json_object();
        for (size_t i = 0; i < feed->manifest.count; i++) {
            const mewl_row *row = &feed->manifest.rows[i];
            if (strcmp(row->split, side_names[side]) == 0) {
                json_int_t before = json_integer_value(json_object_get(of_side, row->label));
                (void)mewl_json_set_int(of_side, row->label, before + 1);
            }
        }
        (void)mewl_json_set(out, side_names[side], of_side);
    }
    return out;
}

json_t *mewl__feed_describe(const mewl__feed *feed)
{
    return feed->corpus != NULL ? describe_corpus(feed->corpus) : describe_clips(feed);
}
