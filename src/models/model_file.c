/* model_file.c - a model into and out of a safetensors checkpoint. Metadata of our own has keys "mewl.*"; notes travel
 * under their own keys. A file is hostile: every figure is parsed whole and checked by the architecture's complete
 * function. */
#include "models/model_private.h"

#include "base/json.h"
#include "models/arch.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const pool_names[] = {"avg", "max", "avg+max"};

static mewl_status set(mewl_checkpoint *checkpoint, const char *key, mewl_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static mewl_status set(mewl_checkpoint *checkpoint, const char *key, mewl_error *err, const char *format, ...)
{
    char name[64], text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(name, sizeof name, MEWL__MODEL_PREFIX "%s", key);
    return mewl_checkpoint_set_text(checkpoint, name, text, err);
}

static mewl_status put_labels(const mewl_model *model, mewl_checkpoint *checkpoint, mewl_error *err)
{
    json_t *labels = json_array();
    bool fine = labels != NULL;
    for (int64_t i = 0; i < model->config.classes && fine; i++) {
        fine = json_array_append_new(labels, mewl_json_string(mewl_model_label(model, i))) == 0;
    }
    char *text = fine ? mewl_json_text(labels, false) : NULL;
    json_decref(labels);
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for labels");
    }
    mewl_status status = mewl_checkpoint_set_text(checkpoint, MEWL__MODEL_PREFIX "labels", text, err);
    free(text);
    return status;
}

mewl_status mewl_model_to_checkpoint(mewl_model *model, mewl_checkpoint *checkpoint, bool bf16, mewl_error *err)
{
    const mewl_model_config *c = &model->config;
    const int64_t *pool = c->time_pool;
    MEWL_TRY(set(checkpoint, "arch", err, "%s", c->arch));
    MEWL_TRY(set(checkpoint, "front_end", err, "%s", c->front_end));
    MEWL_TRY(set(checkpoint, "bands", err, "%lld", (long long)c->bands));
    MEWL_TRY(set(checkpoint, "classes", err, "%lld", (long long)c->classes));
    if (c->depth != 0) {
        MEWL_TRY(set(checkpoint, "depth", err, "%lld", (long long)c->depth));
    }
    MEWL_TRY(set(checkpoint, "width", err, "%.17g", c->width));
    MEWL_TRY(set(checkpoint, "pooling", err, "%s", pool_names[c->pooling]));
    MEWL_TRY(set(checkpoint, "global_pooling", err, "%s", mewl_model_pool_name(c->global_pooling)));
    if (c->pool_heads != 0) {
        MEWL_TRY(set(checkpoint, "pool_heads", err, "%lld", (long long)c->pool_heads));
    }
    if (c->frames != 0) {
        MEWL_TRY(set(checkpoint, "frames", err, "%lld", (long long)c->frames));
    }
    MEWL_TRY(set(checkpoint, "dropout_block", err, "%.17g", c->dropout_block));
    MEWL_TRY(set(checkpoint, "dropout_head", err, "%.17g", c->dropout_head));
    MEWL_TRY(set(checkpoint, "framewise", err, "%d", c->framewise ? 1 : 0));
    MEWL_TRY(set(checkpoint, "time_pool", err, "%lld,%lld,%lld,%lld,%lld,%lld", (long long)pool[0], (long long)pool[1],
                 (long long)pool[2], (long long)pool[3], (long long)pool[4], (long long)pool[5]));
    MEWL_TRY(put_labels(model, checkpoint, err));
    const char *key, *text;
    for (size_t i = 0; mewl_model_note_at(model, &key, &text, i); i++) {
        MEWL_TRY(mewl_checkpoint_set_text(checkpoint, key, text, err));
    }
    return mewl_checkpoint_put_net(checkpoint, model->net, bf16, err);
}

mewl_status mewl_model_save(mewl_model *model, const char *path, bool bf16, mewl_error *err)
{
    mewl_checkpoint *checkpoint;
    MEWL_TRY(mewl_checkpoint_new(&checkpoint, err));
    mewl_status status = mewl_model_to_checkpoint(model, checkpoint, bf16, err);
    if (status == MEWL_OK) {
        status = mewl_checkpoint_write(checkpoint, path, err);
    }
    mewl_checkpoint_free(checkpoint);
    return status;
}

static mewl_status get(const mewl_checkpoint *checkpoint, const char **text, const char *key, mewl_error *err)
{
    char name[64];
    snprintf(name, sizeof name, MEWL__MODEL_PREFIX "%s", key);
    *text = mewl_checkpoint_text(checkpoint, name);
    return *text != NULL ? MEWL_OK
                         : mewl_error_set(err, MEWL_E_FORMAT, "no model of ours: its metadata lacks '%s'", name);
}

static mewl_status get_name(const mewl_checkpoint *checkpoint, char *out, const char *key, mewl_error *err)
{
    const char *text;
    MEWL_TRY(get(checkpoint, &text, key, err));
    if (strlen(text) >= MEWL_MODEL_NAME_MAX) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the model's '%s' is too long", key);
    }
    strcpy(out, text);
    return MEWL_OK;
}

static mewl_status get_real(const mewl_checkpoint *checkpoint, double *out, const char *key, mewl_error *err)
{
    const char *text;
    char *end;
    MEWL_TRY(get(checkpoint, &text, key, err));
    *out = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*out)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the model's '%s' is no number: '%.40s'", key, text);
    }
    return MEWL_OK;
}

static mewl_status get_whole(const mewl_checkpoint *checkpoint, int64_t *out, const char *key, mewl_error *err)
{
    double value;
    MEWL_TRY(get_real(checkpoint, &value, key, err));
    if (value != floor(value) || fabs(value) > 1e9) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the model's '%s' is no whole number", key);
    }
    *out = (int64_t)value;
    return MEWL_OK;
}

/* A figure that older files lack, and then is 0. */
static mewl_status get_optional(const mewl_checkpoint *checkpoint, int64_t *out, const char *key, mewl_error *err)
{
    char name[64];
    snprintf(name, sizeof name, MEWL__MODEL_PREFIX "%s", key);
    *out = 0;
    return mewl_checkpoint_text(checkpoint, name) == NULL ? MEWL_OK : get_whole(checkpoint, out, key, err);
}

/* Files from before there was a choice pooled as the architecture's own does. */
static mewl_status get_global_pooling(const mewl_checkpoint *checkpoint, mewl_model_pool *out, mewl_error *err)
{
    const char *name = mewl_checkpoint_text(checkpoint, MEWL__MODEL_PREFIX "global_pooling");
    *out = MEWL_MODEL_POOL_AUTO;
    if (name != NULL && mewl_model_pool_parse(out, name, NULL) != MEWL_OK) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the model's 'global_pooling' is unknown: '%.40s'", name);
    }
    return MEWL_OK;
}

static mewl_status get_time_pool(const mewl_checkpoint *checkpoint, int64_t *out, mewl_error *err)
{
    const char *text;
    MEWL_TRY(get(checkpoint, &text, "time_pool", err));
    for (int i = 0; i < MEWL_MODEL_BLOCKS_MAX; i++) {
        char *end;
        errno = 0;
        long long value = strtoll(text, &end, 10);
        bool last = i == MEWL_MODEL_BLOCKS_MAX - 1;
        if (end == text || *end != (last ? '\0' : ',') || errno != 0 || value < 0 || value > 1024) {
            return mewl_error_set(err, MEWL_E_FORMAT, "the model's 'time_pool' is not six whole numbers");
        }
        out[i] = value;
        text = last ? end : end + 1;
    }
    return MEWL_OK;
}

static mewl_status get_config(const mewl_checkpoint *checkpoint, mewl_model_config *c, mewl_error *err)
{
    char pooling[MEWL_MODEL_NAME_MAX];
    int64_t framewise;
    MEWL_TRY(get_name(checkpoint, c->arch, "arch", err));
    MEWL_TRY(get_name(checkpoint, c->front_end, "front_end", err));
    MEWL_TRY(get_whole(checkpoint, &c->bands, "bands", err));
    MEWL_TRY(get_whole(checkpoint, &c->classes, "classes", err));
    MEWL_TRY(get_optional(checkpoint, &c->depth, "depth", err));
    MEWL_TRY(get_optional(checkpoint, &c->pool_heads, "pool_heads", err));
    MEWL_TRY(get_optional(checkpoint, &c->frames, "frames", err));
    MEWL_TRY(get_global_pooling(checkpoint, &c->global_pooling, err));
    MEWL_TRY(get_real(checkpoint, &c->width, "width", err));
    MEWL_TRY(get_name(checkpoint, pooling, "pooling", err));
    MEWL_TRY(get_real(checkpoint, &c->dropout_block, "dropout_block", err));
    MEWL_TRY(get_real(checkpoint, &c->dropout_head, "dropout_head", err));
    MEWL_TRY(get_whole(checkpoint, &framewise, "framewise", err));
    MEWL_TRY(get_time_pool(checkpoint, c->time_pool, err));
    c->framewise = framewise != 0;
    for (int i = 0; i < 3; i++) {
        if (strcmp(pooling, pool_names[i]) == 0) {
            c->pooling = (mewl_pool_kind)i;
            return MEWL_OK;
        }
    }
    return mewl_error_set(err, MEWL_E_FORMAT, "the model's 'pooling' is unknown: '%s'", pooling);
}

/* A small file must not make a large net: its arrays are counted against what its figures, defaults filled in, ask for
 * before memory is. Figures that make no net are the file's fault, not the caller's. */
static mewl_status check_size(const mewl_checkpoint *checkpoint, const mewl_model_config *stated, mewl_error *err)
{
    mewl_model_config whole = *stated, *config = &whole;
    mewl_error why = {0};
    if (mewl__arch_complete(config, &why) != MEWL_OK) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the model's metadata: %.400s", why.text);
    }
    uint64_t elements = 0;
    mewl_checkpoint_entry entry;
    for (size_t i = 0; mewl_checkpoint_at(checkpoint, &entry, i); i++) {
        elements += entry.bytes / mewl_dtype_size(entry.dtype);
    }
    const int64_t needed = mewl__arch_find(config->arch)->weights_min(config);
    if ((uint64_t)needed > elements) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the model is said to be a %s of width %g, and holds %llu weights",
                              config->arch, config->width, (unsigned long long)elements);
    }
    return MEWL_OK;
}

static mewl_status get_labels(const mewl_checkpoint *checkpoint, mewl_model *model, mewl_error *err)
{
    const char *text;
    json_t *labels = NULL;
    MEWL_TRY(get(checkpoint, &text, "labels", err));
    MEWL_TRY(mewl_json_parse(&labels, text, strlen(text), "the model's labels", err));
    mewl_status status = MEWL_OK;
    if (!json_is_array(labels) || json_array_size(labels) != (size_t)model->config.classes) {
        status = mewl_error_set(err, MEWL_E_FORMAT, "the model's labels are not one for each class");
    }
    for (size_t i = 0; status == MEWL_OK && i < (size_t)model->config.classes; i++) {
        const char *label = json_string_value(json_array_get(labels, i));
        status = label != NULL ? mewl_model_set_label(model, (int64_t)i, label, err)
                               : mewl_error_set(err, MEWL_E_FORMAT, "the model's label %zu is no text", i);
    }
    json_decref(labels);
    return status;
}

static mewl_status get_notes(const mewl_checkpoint *checkpoint, mewl_model *model, mewl_error *err)
{
    const char *key, *text;
    for (size_t i = 0; mewl_checkpoint_text_at(checkpoint, &key, &text, i); i++) {
        bool ours = strncmp(key, MEWL__MODEL_PREFIX, strlen(MEWL__MODEL_PREFIX)) == 0;
        bool of_training = strncmp(key, "train.", 6) == 0; /* counters of a training under way: not about the model */
        if (key[0] != '\0' && !ours && !of_training) {
            MEWL_TRY(mewl_model_set_note(model, key, text, err));
        }
    }
    return MEWL_OK;
}

mewl_status mewl_model_from_checkpoint(mewl_model **out, const mewl_checkpoint *checkpoint, mewl_error *err)
{
    *out = NULL;
    mewl_model_config config = {0};
    mewl_model *model;
    MEWL_TRY(get_config(checkpoint, &config, err));
    MEWL_TRY(check_size(checkpoint, &config, err));
    MEWL_TRY(mewl_model_new(&model, config, 0, err));
    mewl_status status = get_labels(checkpoint, model, err);
    if (status == MEWL_OK) {
        status = get_notes(checkpoint, model, err);
    }
    if (status == MEWL_OK) {
        status = mewl_checkpoint_get_net(checkpoint, model->net, false, err);
    }
    if (status != MEWL_OK) {
        mewl_model_free(model);
        return status;
    }
    *out = model;
    return MEWL_OK;
}

mewl_status mewl_model_load(mewl_model **out, const char *path, mewl_error *err)
{
    *out = NULL;
    mewl_checkpoint *checkpoint;
    MEWL_TRY(mewl_checkpoint_read(&checkpoint, path, err));
    mewl_status status = mewl_model_from_checkpoint(out, checkpoint, err);
    mewl_checkpoint_free(checkpoint);
    return status == MEWL_OK ? MEWL_OK : mewl_error_prefix(err, status, "%s", path);
}
