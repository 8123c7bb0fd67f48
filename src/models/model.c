/* model.c - a net with its configuration, labels and notes; running it; its checkpoint form is in model_file.c. */
#include "models/model_private.h"

#include "models/arch.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX ((int64_t)1 << 31)

static const char *const pool_names[MEWL_MODEL_POOL_COUNT] = {
    [MEWL_MODEL_POOL_AUTO] = "auto", [MEWL_MODEL_POOL_MAX] = "max",
    [MEWL_MODEL_POOL_AVG] = "avg",   [MEWL_MODEL_POOL_MAX_AVG] = "max+avg",
    [MEWL_MODEL_POOL_STAT] = "stat", [MEWL_MODEL_POOL_STAT_FULL] = "stat-full",
    [MEWL_MODEL_POOL_MHA] = "mha",   [MEWL_MODEL_POOL_ATTN_LITERAL] = "attn-literal",
};

const char *mewl_model_pool_name(mewl_model_pool pool)
{
    return (unsigned)pool < MEWL_MODEL_POOL_COUNT ? pool_names[pool] : NULL;
}

mewl_status mewl_model_pool_parse(mewl_model_pool *pool, const char *name, mewl_error *err)
{
    for (int i = 0; i < MEWL_MODEL_POOL_COUNT; i++) {
        if (strcmp(pool_names[i], name) == 0) {
            *pool = (mewl_model_pool)i;
            return MEWL_OK;
        }
    }
    return mewl_error_set(err, MEWL_E_ARG,
                          "no global pooling '%s': auto, max, avg, max+avg, stat, stat-full, mha or "
                          "attn-literal",
                          name);
}

const char *mewl_model_arch_at(size_t index)
{
    const mewl__arch *arch = mewl__arch_at(index);
    return arch == NULL ? NULL : arch->name;
}

/* Fewest frames that give one to the global pooling. */
static int64_t count_frames_min(const mewl__arch *arch, const mewl_model_config *c)
{
    int64_t t = 1;
    while (t < 65536 && arch->frames_out(c, t) < 1) {
        t++;
    }
    return t;
}

mewl_status mewl_model_new(mewl_model **out, mewl_model_config config, uint64_t seed, mewl_error *err)
{
    *out = NULL;
    MEWL_TRY(mewl__arch_complete(&config, err));
    mewl_model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a model");
    }
    model->config = config;
    model->arch = mewl__arch_find(config.arch);
    model->frames_min = config.frames > 0 ? config.frames : count_frames_min(model->arch, &config);
    model->mode.threads = 1;
    model->labels = calloc((size_t)config.classes + 1, sizeof *model->labels); /* embedders have none */
    mewl_status status = model->labels != NULL ? mewl_net_new(&model->net, err)
                                               : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a model");
    if (status == MEWL_OK) {
        status = mewl_checkpoint_new(&model->notes, err);
    }
    if (status == MEWL_OK) {
        model->arch->build(model->net, &model->config);
        status = mewl_net_seal(model->net, err);
    }
    if (status != MEWL_OK) {
        mewl_model_free(model);
        return status;
    }
    mewl_net_init_xavier(model->net, seed);
    mewl_net_set_dropout(model->net, seed, 0);
    *out = model;
    return MEWL_OK;
}

void mewl_model_free(mewl_model *model)
{
    if (model == NULL) {
        return;
    }
    for (int64_t i = 0; i < model->config.classes && model->labels != NULL; i++) {
        free(model->labels[i]);
    }
    free(model->labels);
    mewl_checkpoint_free(model->notes);
    mewl_net_free(model->net);
    free(model);
}

const mewl_model_config *mewl_model_configuration(const mewl_model *model)
{
    return &model->config;
}

mewl_net *mewl_model_net(mewl_model *model)
{
    return model->net;
}

const char *mewl_model_label(const mewl_model *model, int64_t index)
{
    bool has = index >= 0 && index < model->config.classes && model->labels[index] != NULL;
    return has ? model->labels[index] : "";
}

mewl_status mewl_model_set_label(mewl_model *model, int64_t index, const char *label, mewl_error *err)
{
    if (index < 0 || index >= model->config.classes) {
        return mewl_error_set(err, MEWL_E_ARG, "label %lld of %lld classes", (long long)index,
                              (long long)model->config.classes);
    }
    char *copy = strdup(label);
    if (copy == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a label");
    }
    free(model->labels[index]);
    model->labels[index] = copy;
    return MEWL_OK;
}

int64_t mewl_model_label_find(const mewl_model *model, const char *label)
{
    for (int64_t i = 0; i < model->config.classes; i++) {
        if (label[0] != '\0' && strcmp(mewl_model_label(model, i), label) == 0) {
            return i;
        }
    }
    return -1;
}

const char *mewl_model_note(const mewl_model *model, const char *key)
{
    return mewl_checkpoint_text(model->notes, key);
}

mewl_status mewl_model_set_note(mewl_model *model, const char *key, const char *text, mewl_error *err)
{
    if (key[0] == '\0' || strncmp(key, MEWL__MODEL_PREFIX, strlen(MEWL__MODEL_PREFIX)) == 0) {
        return mewl_error_set(err, MEWL_E_ARG, "a note cannot be named '%s'", key);
    }
    return mewl_checkpoint_set_text(model->notes, key, text, err);
}

bool mewl_model_note_at(const mewl_model *model, const char **key, const char **text, size_t index)
{
    return mewl_checkpoint_text_at(model->notes, key, text, index);
}

mewl_model_input mewl_model_describe_input(const mewl_model *model)
{
    return mewl__arch_parts(&model->config);
}

int64_t mewl_model_embedding_size(const mewl_model *model)
{
    return model->arch->embedding_size(&model->config);
}

int64_t mewl_model_frames_min(const mewl_model *model)
{
    return model->frames_min;
}

int64_t mewl_model_frames_max(const mewl_model *model)
{
    return model->config.frames > 0 ? model->config.frames : FRAMES_MAX;
}

int64_t mewl_model_output_frames(const mewl_model *model, int64_t frames)
{
    return model->config.framewise && frames > 0 ? model->arch->frames_out(&model->config, frames) : 0;
}

bool mewl_model_reach(const mewl_model *model, int64_t *step, int64_t *left, int64_t *right)
{
    return model->config.framewise && mewl_net_reach(model->net, MEWL__OUT_FRAME, step, left, right);
}

mewl_status mewl_model_plan(mewl_model *model, mewl_model_mode mode, mewl_error *err)
{
    if (mode.threads < 0 || mode.threads > 1024) {
        return mewl_error_set(err, MEWL_E_ARG, "cannot run on %d threads", mode.threads);
    }
    model->mode = mode;
    model->mode.threads = mode.threads == 0 ? 1 : mode.threads;
    return MEWL_OK;
}

/* (n, classes, frames) to (n, frames, classes), or back. */
static void swap(float *out, const float *in, int64_t n, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < n; i++, in += rows * columns, out += rows * columns) {
        for (int64_t r = 0; r < rows; r++) {
            for (int64_t c = 0; c < columns; c++) {
                out[c * rows + r] = in[r * columns + c];
            }
        }
    }
}

mewl_status mewl_model_forward(mewl_model *model, const float *features, int64_t n, int64_t t, float *clip_logits,
                               float *frame_logits, float *embedding, mewl_error *err)
{
    const mewl_model_config *c = &model->config;
    if (clip_logits != NULL && c->classes == 0) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "this model gives an embedding, no scores");
    }
    if (frame_logits != NULL && !c->framewise) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "this model gives no frame-wise scores");
    }
    if (t > mewl_model_frames_max(model)) {
        return mewl_error_set(err, MEWL_E_SHAPE, "%lld frames are too long for the model, which is made for %lld alone",
                              (long long)t, (long long)mewl_model_frames_max(model));
    }
    if (t < mewl_model_frames_min(model)) {
        return mewl_error_set(err, MEWL_E_SHAPE, "%lld frames are too short for the model, which needs %lld",
                              (long long)t, (long long)mewl_model_frames_min(model));
    }
    mewl_net_plan_opts opts = {.training = model->mode.training,
                               .bf16 = model->mode.bf16,
                               .winograd = model->mode.winograd,
                               .batch = n,
                               .frames = t,
                               .threads = model->mode.threads};
    MEWL_TRY(mewl_net_plan(model->net, opts, err));
    MEWL_TRY(mewl_net_forward(model->net, features, err));
    model->n = n;
    model->frames = mewl_model_output_frames(model, t);
    if (clip_logits != NULL) {
        memcpy(clip_logits, mewl_net_output_value(model->net, MEWL__OUT_CLIP, NULL),
               (size_t)(n * c->classes) * sizeof *clip_logits);
    }
    if (frame_logits != NULL) {
        swap(frame_logits, mewl_net_output_value(model->net, MEWL__OUT_FRAME, NULL), n, c->classes, model->frames);
    }
    if (embedding != NULL) {
        memcpy(embedding, mewl_net_output_value(model->net, MEWL__OUT_EMBEDDING, NULL),
               (size_t)(n * mewl_model_embedding_size(model)) * sizeof *embedding);
    }
    return MEWL_OK;
}

mewl_status mewl_model_backward_embedding(mewl_model *model, const float *d_embedding, mewl_error *err)
{
    float *grad = mewl_net_output_grad(model->net, MEWL__OUT_EMBEDDING);
    if (grad == NULL) {
        return mewl_error_set(err, MEWL_E_STATE, "backward without a training forward before it");
    }
    memcpy(grad, d_embedding, (size_t)(model->n * mewl_model_embedding_size(model)) * sizeof *grad);
    return mewl_net_backward(model->net, err);
}

mewl_status mewl_model_backward(mewl_model *model, const float *d_clip_logits, const float *d_frame_logits,
                                mewl_error *err)
{
    const mewl_model_config *c = &model->config;
    float *clip = mewl_net_output_grad(model->net, MEWL__OUT_CLIP);
    float *frame = mewl_net_output_grad(model->net, MEWL__OUT_FRAME);
    if (clip == NULL || (d_frame_logits != NULL && frame == NULL)) {
        return mewl_error_set(err, MEWL_E_STATE, "backward without a training forward before it");
    }
    if (d_clip_logits != NULL) {
        memcpy(clip, d_clip_logits, (size_t)(model->n * c->classes) * sizeof *clip);
    }
    if (d_frame_logits != NULL) {
        swap(frame, d_frame_logits, model->n, model->frames, c->classes);
    }
    return mewl_net_backward(model->net, err);
}
