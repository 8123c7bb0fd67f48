/* state.c - a net, its optimiser, its moving average and dropout's place into and out of a checkpoint. */
#include "nn/checkpoint_private.h"
#include "nn/net_private.h"
#include "nn/optim_private.h"
#include "nn/quant_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRAIN "train."

static mewl_status put_param(mewl_checkpoint *checkpoint, const char *prefix, const mewl_param *param,
                             const float *data, bool bf16, mewl_error *err)
{
    char name[MEWL__CHECKPOINT_NAME_MAX];
    mewl_shape shape = param->value.shape;
    snprintf(name, sizeof name, "%s%s", prefix, param->name);
    if (!bf16 || shape.rank < 2) {
        return mewl_checkpoint_put(checkpoint, name, MEWL_DTYPE_F32, shape.rank, shape.dim, data, err);
    }
    int64_t count = mewl_shape_count(shape);
    uint16_t *half = mewl__alloc((size_t)count * sizeof *half);
    if (half == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for '%s'", name);
    }
    for (int64_t i = 0; i < count; i++) {
        half[i] = mewl_bf16_from_f32(data[i]);
    }
    mewl_status status = mewl_checkpoint_put(checkpoint, name, MEWL_DTYPE_BF16, shape.rank, shape.dim, half, err);
    free(half);
    return status;
}

static mewl_status get_param(const mewl_checkpoint *checkpoint, const char *prefix, const mewl_param *param,
                             float *data, mewl_error *err)
{
    char name[MEWL__CHECKPOINT_NAME_MAX], wanted[64], has[128] = "";
    mewl_shape shape = param->value.shape;
    mewl_checkpoint_entry entry;
    snprintf(name, sizeof name, "%s%s", prefix, param->name);
    if (!mewl_checkpoint_find(checkpoint, &entry, name)) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "the checkpoint has no '%s'", name);
    }
    if (entry.rank != shape.rank || memcmp(entry.dim, shape.dim, (size_t)shape.rank * sizeof *shape.dim) != 0) {
        for (int i = 0; i < entry.rank; i++) {
            size_t used = strlen(has);
            snprintf(has + used, sizeof has - used, i > 0 ? "x%lld" : "%lld", (long long)entry.dim[i]);
        }
        return mewl_error_set(err, MEWL_E_SHAPE, "'%s' is %s in the checkpoint, %s in the net", name,
                              has[0] != '\0' ? has : "a scalar", mewl_shape_text(shape, wanted, sizeof wanted));
    }
    return mewl_checkpoint_get_f32(checkpoint, data, name, mewl_shape_count(shape), err);
}

mewl_status mewl_checkpoint_put_net(mewl_checkpoint *checkpoint, mewl_net *net, bool bf16, mewl_error *err)
{
    MEWL_TRY(mewl__quant_put_kind(checkpoint, net, err));
    for (size_t i = 0; i < net->layer_count; i++) {
        const mewl_layer *layer = net->layers[i];
        const bool eight = net->quant != MEWL_QUANT_NONE && layer->eight != NULL && layer->eight->scale != NULL;
        if (eight) {
            MEWL_TRY(mewl__quant_put_weights(checkpoint, layer, err));
        }
        for (size_t p = eight ? 1 : 0; p < layer->param_count; p++) {
            MEWL_TRY(put_param(checkpoint, "", layer->params[p], layer->params[p]->value.data, bf16, err));
        }
    }
    return MEWL_OK;
}

mewl_status mewl_checkpoint_get_net(const mewl_checkpoint *checkpoint, mewl_net *net, bool allow_extra, mewl_error *err)
{
    MEWL_TRY(mewl__quant_get_kind(checkpoint, net, err));
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl_layer *layer = net->layers[i];
        bool eight = false;
        MEWL_TRY(mewl__quant_get_weights(checkpoint, net, layer, &eight, err));
        for (size_t p = eight ? 1 : 0; p < layer->param_count; p++) {
            MEWL_TRY(get_param(checkpoint, "", layer->params[p], layer->params[p]->value.data, err));
        }
    }
    for (size_t i = 0; i < checkpoint->count && !allow_extra; i++) {
        const char *name = checkpoint->entries[i].name;
        if (strncmp(name, TRAIN, strlen(TRAIN)) != 0 && mewl_net_param(net, name) == NULL &&
            !mewl__quant_scale_name(checkpoint, name)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "the checkpoint's '%.200s' has no place in the net", name);
        }
    }
    mewl_net_touch(net);
    return MEWL_OK;
}

static mewl_status put_count(mewl_checkpoint *checkpoint, const char *name, uint64_t value, mewl_error *err)
{
    int64_t stored;
    memcpy(&stored, &value, sizeof stored);
    return mewl_checkpoint_put(checkpoint, name, MEWL_DTYPE_I64, 1, (int64_t[]){1}, &stored, err);
}

static mewl_status get_count(const mewl_checkpoint *checkpoint, uint64_t *value, const char *name, mewl_error *err)
{
    mewl_checkpoint_entry entry;
    if (!mewl_checkpoint_find(checkpoint, &entry, name)) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "the checkpoint has no '%s': it cannot be resumed", name);
    }
    if (entry.dtype != MEWL_DTYPE_I64 || entry.bytes != sizeof *value) {
        return mewl_error_set(err, MEWL_E_FORMAT, "'%s' is not one whole number", name);
    }
    memcpy(value, entry.data, sizeof *value);
    return MEWL_OK;
}

mewl_status mewl_checkpoint_put_training(mewl_checkpoint *checkpoint, mewl_net *net, const mewl_optim *optim,
                                         const mewl_ema *ema, mewl_error *err)
{
    if (ema != NULL && ema->swapped) {
        return mewl_error_set(err, MEWL_E_STATE, "the moving average is in the net's place");
    }
    MEWL_TRY(put_count(checkpoint, TRAIN "dropout_seed", net->seed, err));
    MEWL_TRY(put_count(checkpoint, TRAIN "dropout_step", net->step, err));
    MEWL_TRY(put_count(checkpoint, TRAIN "optim_kind", optim->opts.kind, err));
    MEWL_TRY(put_count(checkpoint, TRAIN "optim_steps", optim->steps, err));
    for (size_t i = 0; i < net->param_count; i++) {
        if (optim->first[i] != NULL) {
            MEWL_TRY(put_param(checkpoint, TRAIN "first.", net->params[i], optim->first[i], false, err));
        }
        if (optim->second[i] != NULL) {
            MEWL_TRY(put_param(checkpoint, TRAIN "second.", net->params[i], optim->second[i], false, err));
        }
        if (ema != NULL) {
            MEWL_TRY(put_param(checkpoint, TRAIN "average.", net->params[i], ema->average[i], false, err));
        }
    }
    return ema != NULL ? put_count(checkpoint, TRAIN "average_updates", ema->updates, err) : MEWL_OK;
}

mewl_status mewl_checkpoint_get_training(const mewl_checkpoint *checkpoint, mewl_net *net, mewl_optim *optim,
                                         mewl_ema *ema, mewl_error *err)
{
    uint64_t kind = 0;
    MEWL_TRY(get_count(checkpoint, &net->seed, TRAIN "dropout_seed", err));
    MEWL_TRY(get_count(checkpoint, &net->step, TRAIN "dropout_step", err));
    MEWL_TRY(get_count(checkpoint, &kind, TRAIN "optim_kind", err));
    MEWL_TRY(get_count(checkpoint, &optim->steps, TRAIN "optim_steps", err));
    if (kind != optim->opts.kind) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the checkpoint was trained with another optimiser");
    }
    for (size_t i = 0; i < net->param_count; i++) {
        if (optim->first[i] != NULL) {
            MEWL_TRY(get_param(checkpoint, TRAIN "first.", net->params[i], optim->first[i], err));
        }
        if (optim->second[i] != NULL) {
            MEWL_TRY(get_param(checkpoint, TRAIN "second.", net->params[i], optim->second[i], err));
        }
        if (ema != NULL) {
            MEWL_TRY(get_param(checkpoint, TRAIN "average.", net->params[i], ema->average[i], err));
        }
    }
    if (ema != NULL) {
        ema->swapped = false;
        return get_count(checkpoint, &ema->updates, TRAIN "average_updates", err);
    }
    return MEWL_OK;
}
