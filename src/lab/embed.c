/* embed.c - losses of an embedder on a batch, its equal error rate on held-out individuals, and its shipping form. */
#include "lab/embed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/metrics.h"
#include "lab/tutor.h"
#include "nn/loss_embed.h"

#define VALID_MAX 20000u /* recordings: pairs are counted in memory */
#define CENTRES "centres.weight"

bool mewl__embed_is(const mewl_recipe *recipe)
{
    return strcmp(recipe->recipe_task, "embed") == 0;
}

int64_t mewl__embed_centres(const mewl_recipe *recipe, size_t individuals)
{
    return strcmp(recipe->embed_loss, "aam") == 0 ? (int64_t)individuals * recipe->embed_centres : 0;
}

static size_t largest(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        best = values[i] > values[best] ? i : best;
    }
    return best;
}

/* Doubles that any of the losses may need. */
static size_t scratch_needed(const mewl_recipe *recipe, size_t n, size_t size, size_t classes)
{
    size_t each = (size_t)recipe->embed_recordings, groups = n / each, rows = classes * (size_t)recipe->embed_centres;
    size_t pairs = n * (n + size) + size;
    size_t group = n * (groups + 3 * size) + (3 * groups + 1) * size;
    size_t centre = n * (rows + size) + (rows + 1) * size;
    size_t most = pairs > group ? pairs : group;
    return strcmp(recipe->embed_loss, "aam") == 0 && centre > most ? centre : most;
}

static mewl_status make_room(mewl__scratch *s, size_t n, size_t size, size_t doubles, mewl_error *err)
{
    if (n * size > s->embedding_room) {
        free(s->embedding);
        free(s->embedding_grad);
        free(s->said);
        free(s->owner);
        s->embedding = calloc(n * size, sizeof *s->embedding);
        s->embedding_grad = calloc(n * size, sizeof *s->embedding_grad);
        s->said = calloc(n * size, sizeof *s->said);
        s->owner = calloc(n, sizeof *s->owner);
        s->embedding_room = n * size;
    }
    if (doubles > s->work_room) {
        free(s->work);
        s->work = calloc(doubles, sizeof *s->work);
        s->work_room = doubles;
    }
    bool all =
        s->embedding != NULL && s->embedding_grad != NULL && s->said != NULL && s->owner != NULL && s->work != NULL;
    return all ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for the embeddings of a batch");
}

static double identity_loss(mewl__scratch *s, mewl_model *model, const mewl_batch *batch, const mewl_recipe *recipe)
{
    size_t n = batch->count, size = (size_t)mewl_model_embedding_size(model);
    size_t each = (size_t)recipe->embed_recordings;
    float *grad = s->embedding_grad;
    if (strcmp(recipe->embed_loss, "ge2e") == 0) { /* its bias cancels in the softmax form */
        return mewl_loss_ge2e(grad, NULL, NULL, s->embedding, n / each, each, size, recipe->embed_scale, 0, s->work);
    }
    if (strcmp(recipe->embed_loss, "aam") == 0) {
        mewl_param *centres = mewl_net_param(mewl_model_net(model), CENTRES);
        mewl_aam_opts opts = {.classes = batch->classes,
                              .centres = (size_t)recipe->embed_centres,
                              .scale = recipe->embed_scale,
                              .margin = recipe->embed_margin};
        return mewl_loss_aam(grad, centres->grad.data, s->embedding, centres->value.data, s->owner, n, size, opts,
                             s->work);
    }
    return mewl_loss_nt_xent(grad, s->embedding, s->owner, n, size, 1 / recipe->embed_scale, s->work);
}

static void scale(float *x, size_t count, double factor)
{
    for (size_t i = 0; i < count; i++) {
        x[i] *= (float)factor;
    }
}

/* Who is heard, and what the teachers say of the recordings: each its share. */
static double loss_of(mewl__scratch *s, mewl_model *model, const mewl_batch *batch, const mewl_recipe *recipe)
{
    double loss = identity_loss(s, model, batch, recipe);
    if (s->tutor == NULL || s->tutor->targets == NULL) {
        return loss;
    }
    size_t n = batch->count, size = (size_t)mewl_model_embedding_size(model);
    double share = recipe->distil_weight;
    mewl_param *centres = mewl_net_param(mewl_model_net(model), CENTRES); /* only aam writes their gradient */
    scale(s->embedding_grad, n * size, 1 - share);
    if (centres != NULL && strcmp(recipe->embed_loss, "aam") == 0) {
        scale(centres->grad.data, (size_t)mewl_shape_count(centres->grad.shape), 1 - share);
    }
    mewl__tutor_say(s->tutor, s->said, batch->sounds, n);
    return (1 - share) * loss + mewl_loss_cosine(s->embedding_grad, s->embedding, s->said, n, size, share, s->work);
}

mewl_status mewl__embed_run(mewl__losses *out, mewl__scratch *s, mewl_model *model, const mewl_batch *batch,
                            const mewl_recipe *recipe, bool train, mewl_error *err)
{
    size_t n = batch->count, size = (size_t)mewl_model_embedding_size(model);
    MEWL_TRY(make_room(s, n, size, train ? scratch_needed(recipe, n, size, batch->classes) : 1, err));
    for (size_t i = 0; i < n; i++) {
        s->owner[i] = (int32_t)largest(batch->clip_targets + i * batch->classes, batch->classes);
    }
    memset(out, 0, sizeof *out);
    MEWL_TRY(
        mewl_model_forward(model, batch->features, (int64_t)n, (int64_t)batch->frames, NULL, NULL, s->embedding, err));
    if (!train) {
        return MEWL_OK;
    }
    out->total = out->clip = loss_of(s, model, batch, recipe);
    return isfinite(out->total) ? mewl_model_backward_embedding(model, s->embedding_grad, err) : MEWL_OK;
}

/* ---- Held-out individuals ---- */

typedef struct heard {
    float *embedding; /* (count, size) */
    int32_t *owner, *session;
    size_t *recordings; /* of each individual */
    size_t count, size;
} heard;

static void heard_fini(heard *h)
{
    free(h->embedding);
    free(h->owner);
    free(h->session);
    free(h->recordings);
}

static mewl_status hear(heard *h, mewl_model *model, mewl__feed *feed, const mewl_recipe *recipe, size_t classes,
                        mewl_error *err)
{
    size_t count = mewl_loader_examples(feed->valid);
    mewl__scratch scratch = {0};
    h->size = (size_t)mewl_model_embedding_size(model);
    if (count > VALID_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%zu held-out recordings are too many to be compared pair by pair",
                              count);
    }
    h->embedding = calloc(count * h->size, sizeof *h->embedding);
    h->owner = calloc(count, sizeof *h->owner);
    h->session = calloc(count, sizeof *h->session);
    h->recordings = calloc(classes, sizeof *h->recordings);
    if (h->embedding == NULL || h->owner == NULL || h->session == NULL || h->recordings == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for held-out recordings");
    }
    mewl_status status = mewl_loader_seek(feed->valid, 0, 0, feed->valid_batches, err);
    for (size_t b = 0; status == MEWL_OK && b < feed->valid_batches; b++) {
        mewl_batch *batch = NULL;
        mewl__losses ignored;
        status = mewl_loader_pull(feed->valid, &batch, err);
        if (status != MEWL_OK) {
            break;
        }
        status = mewl__embed_run(&ignored, &scratch, model, batch, recipe, false, err);
        for (size_t i = 0; status == MEWL_OK && i < batch->count && h->count < count; i++) {
            memcpy(h->embedding + h->count * h->size, scratch.embedding + i * h->size, h->size * sizeof *h->embedding);
            h->owner[h->count] = scratch.owner[i];
            h->session[h->count] = (int32_t)batch->snr_db[i];
            h->recordings[scratch.owner[i]]++;
            h->count++;
        }
        mewl_loader_release(feed->valid, batch);
    }
    mewl__scratch_fini(&scratch);
    return status;
}

/* Of one data set: names are "set:speaker". */
static bool same_set(const char *a, const char *b)
{
    size_t n = strcspn(a, ":");
    return strncmp(a, b, n + 1) == 0;
}

static float cosine(const heard *h, size_t i, size_t k)
{
    double sum = 0;
    for (size_t d = 0; d < h->size; d++) {
        sum += (double)h->embedding[i * h->size + d] * (double)h->embedding[k * h->size + d];
    }
    return (float)sum;
}

static mewl_status pair_up(mewl__verdict *out, const heard *h, const char *const *names, mewl_error *err)
{
    size_t most = h->count * (h->count - 1) / 2, pairs = 0;
    float *score = malloc(most * sizeof *score + 1);
    bool *same = malloc(most * sizeof *same + 1);
    double *weight = malloc(most * sizeof *weight + 1);
    mewl_status status = MEWL_OK;
    if (score == NULL || same == NULL || weight == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu pairs", most);
    }
    for (size_t i = 0; status == MEWL_OK && i < h->count; i++) {
        for (size_t k = 0; k < i; k++) {
            bool one = h->owner[i] == h->owner[k];
            if ((one && h->session[i] == h->session[k]) || !same_set(names[h->owner[i]], names[h->owner[k]])) {
                continue;
            }
            score[pairs] = cosine(h, i, k);
            same[pairs] = one;
            weight[pairs++] = 1 / ((double)h->recordings[h->owner[i]] * (double)h->recordings[h->owner[k]]);
        }
    }
    mewl_ranking r;
    if (status == MEWL_OK) {
        status = mewl_ranking_init(&r, score, same, pairs, err);
    }
    if (status == MEWL_OK) {
        out->eer = mewl_ranking_eer(&r, weight, NULL);
        out->figure = 1 - out->eer;
        out->examples = pairs;
        mewl_ranking_fini(&r);
    }
    free(score);
    free(same);
    free(weight);
    return status;
}

mewl_status mewl__embed_validate(mewl__verdict *out, mewl_model *model, mewl__feed *feed, const mewl_recipe *recipe,
                                 mewl_error *err)
{
    mewl_model_mode mode = {.training = false, .bf16 = false, .threads = (int)recipe->train_threads};
    MEWL_TRY(mewl_model_plan(model, mode, err));
    mewl_batch shape;
    mewl_loader_shape(feed->valid, &shape);
    heard h = {0};
    mewl_status status = hear(&h, model, feed, recipe, shape.classes, err);
    if (status == MEWL_OK) {
        status = pair_up(out, &h, mewl_loader_classes(feed->valid), err);
    }
    heard_fini(&h);
    return status;
}

/* ---- As it ships ---- */

mewl_status mewl__embed_strip(mewl_model **out, mewl_model *model, mewl_error *err)
{
    mewl_model_config config = *mewl_model_configuration(model);
    config.classes = 0;
    MEWL_TRY(mewl_model_new(out, config, 0, err));
    size_t count;
    mewl_param *const *to = mewl_net_params(mewl_model_net(*out), &count);
    mewl_status status = MEWL_OK;
    for (size_t i = 0; i < count; i++) {
        const mewl_param *from = mewl_net_param(mewl_model_net(model), to[i]->name);
        memcpy(to[i]->value.data, from->value.data, mewl_tensor_bytes(&to[i]->value));
    }
    mewl_net_touch(mewl_model_net(*out));
    const char *key, *text;
    for (size_t i = 0; status == MEWL_OK && mewl_model_note_at(model, &key, &text, i); i++) {
        status = mewl_model_set_note(*out, key, text, err);
    }
    if (status != MEWL_OK) {
        mewl_model_free(*out);
        *out = NULL;
    }
    return status;
}
