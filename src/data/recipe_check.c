/* recipe_check.c - what recipe.h refuses although every value is in its range: values that contradict one another. */
#include "data/recipe.h"

#include <math.h>
#include <string.h>

#include "data/corpus.h"
#include "dsp/frontend.h"

mewl_status mewl_recipe_check(const mewl_recipe *r, mewl_error *err)
{
    if (r->data_valid_share + r->data_test_share + r->data_more_valid_share >= 1) {
        return mewl_error_set(err, MEWL_E_FORMAT,
                              "data.valid_share, data.test_share and data.more_valid_share leave nothing to train on");
    }
    if (r->train_lr_floor > r->train_lr) {
        return mewl_error_set(err, MEWL_E_FORMAT, "train.lr_floor %g is above train.lr %g", r->train_lr_floor,
                              r->train_lr);
    }
    double steps = (double)r->train_epochs * (double)r->train_steps_per_epoch;
    if ((double)r->train_warmup_steps > steps) {
        return mewl_error_set(err, MEWL_E_FORMAT, "train.warmup_steps %lld exceeds the %.0f steps of the training",
                              (long long)r->train_warmup_steps, steps);
    }
    for (size_t i = 0; i < r->model_time_pool.count; i++) {
        if (r->model_time_pool.items[i] != floor(r->model_time_pool.items[i])) {
            return mewl_error_set(err, MEWL_E_FORMAT, "model.time_pool holds %g, not a whole number",
                                  r->model_time_pool.items[i]);
        }
    }
    bool detect = strcmp(r->recipe_task, "detect") == 0;
    if (detect && !r->model_framewise) {
        return mewl_error_set(err, MEWL_E_FORMAT, "recipe.task detect needs model.framewise = yes");
    }
    const bool embed = strcmp(r->recipe_task, "embed") == 0;
    if ((detect || embed) && mewl_frontend_rate_of(r->model_frontend) != MEWL_CORPUS_RATE_HZ) {
        return mewl_error_set(err, MEWL_E_FORMAT, "recipe.task %s needs a front end of 16 kHz, not %s", r->recipe_task,
                              r->model_frontend);
    }
    if (embed && r->train_batch % r->embed_recordings != 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "train.batch %lld does not hold whole individuals of %lld recordings",
                              (long long)r->train_batch, (long long)r->embed_recordings);
    }
    if (embed && r->augment_mixup_probability > 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "recipe.task embed takes no mixup: a crop belongs to one individual");
    }
    if (strcmp(r->recipe_task, "classify") != 0 && r->distil_logits.count > 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "distil.logits is for recipe.task classify, not %s", r->recipe_task);
    }
    double product = 1;
    for (size_t i = 0; i < r->model_time_pool.count; i++) {
        product *= r->model_time_pool.items[i];
    }
    if (detect && product != 8) {
        return mewl_error_set(err, MEWL_E_FORMAT,
                              "model.time_pool multiplies to %g; targets are frames of 80 ms, so it must give 8",
                              product);
    }
    if (r->data_sets.count == 0 && r->data_manifests.count == 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "neither data.sets nor data.manifests names anything");
    }
    return MEWL_OK;
}
