/* quant_state.c - a quantised net in a checkpoint: "NAME.weight" as I8 with "NAME.weight.scale" as F32, one for each
 * output channel, and under the metadata key "mewl.quant" a JSON object
 *
 *     {"kind": "static", "activations": {"conv1": [scale, 0 or 1 for signed], ...}}
 *
 * whose names are layers. Files are hostile: every name, size and scale is checked. */
#include "nn/quant_private.h"

#include "base/json.h"
#include "nn/memory.h"
#include "nn/net_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "mewl.quant"
#define SUFFIX ".scale"
#define NAME_ROOM 512

static bool sane(double scale)
{
    return isfinite(scale) && scale >= (double)MEWL__SCALE_MIN && scale <= (double)MEWL__SCALE_MAX;
}

/* ---- Writing ---- */

static json_t *activations_json(const mewl_net *net)
{
    json_t *all = json_object();
    for (size_t i = 0; i < net->layer_count && net->quant == MEWL_QUANT_STATIC; i++) {
        const mewl__eight *eight = net->layers[i]->eight;
        if (eight == NULL || eight->grid.scale == 0.0f) {
            continue;
        }
        json_t *pair = json_array();
        const bool fine = json_array_append_new(pair, mewl_json_real((double)eight->grid.scale)) == 0 &&
                          json_array_append_new(pair, json_integer(eight->grid.is_signed)) == 0;
        if (mewl_json_set(all, net->layers[i]->name, pair) != MEWL_OK || !fine) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

mewl_status mewl__quant_put_kind(mewl_checkpoint *checkpoint, const mewl_net *net, mewl_error *err)
{
    if (net->quant == MEWL_QUANT_NONE) {
        return MEWL_OK;
    }
    json_t *document = json_object();
    mewl_status status = mewl_json_set_string(document, "kind", mewl_quant_kind_name(net->quant));
    if (status == MEWL_OK) {
        status = mewl_json_set(document, "activations", activations_json(net));
    }
    char *text = status == MEWL_OK ? mewl_json_text(document, false) : NULL;
    json_decref(document);
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a quantised net's metadata");
    }
    status = mewl_checkpoint_set_text(checkpoint, KEY, text, err);
    free(text);
    return status;
}

mewl_status mewl__quant_put_weights(mewl_checkpoint *checkpoint, const mewl_layer *layer, mewl_error *err)
{
    const mewl_param *weight = layer->params[0];
    const mewl_shape shape = weight->value.shape;
    char name[NAME_ROOM];
    int8_t *whole = mewl__alloc((size_t)mewl_shape_count(shape));
    if (whole == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for '%s'", weight->name);
    }
    mewl__eight_weights(whole, layer);
    (void)snprintf(name, sizeof name, "%s" SUFFIX, weight->name);
    mewl_status status =
        mewl_checkpoint_put(checkpoint, weight->name, MEWL_DTYPE_I8, shape.rank, shape.dim, whole, err);
    if (status == MEWL_OK) {
        status = mewl_checkpoint_put(checkpoint, name, MEWL_DTYPE_F32, 1, shape.dim, layer->eight->scale, err);
    }
    free(whole);
    return status;
}

/* ---- Reading ---- */

static mewl_layer *layer_named(const mewl_net *net, const char *name)
{
    for (size_t i = 0; i < net->layer_count; i++) {
        if (strcmp(net->layers[i]->name, name) == 0) {
            return net->layers[i];
        }
    }
    return NULL;
}

static mewl_status get_activations(const json_t *all, mewl_net *net, mewl_error *err)
{
    const char *name;
    json_t *pair;
    if (!json_is_object(all)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the quantised model's activations are no object");
    }
    json_object_foreach((json_t *)all, name, pair)
    {
        mewl_layer *layer = layer_named(net, name);
        const json_t *is_signed = json_array_get(pair, 1);
        const double scale = json_number_value(json_array_get(pair, 0));
        const json_int_t sign = json_integer_value(is_signed);
        if (layer == NULL || json_array_size(pair) != 2 || !sane(scale) || !json_is_integer(is_signed) || sign < 0 ||
            sign > 1) {
            return mewl_error_set(err, MEWL_E_FORMAT, "the quantised model's activation '%.100s' %s", name,
                                  layer == NULL ? "belongs to no layer" : "has no usable scale");
        }
        mewl__eight *eight = mewl__eight_of(layer);
        if (eight == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a quantised net");
        }
        eight->grid = (mewl__grid){.scale = (float)scale, .is_signed = sign == 1};
    }
    return MEWL_OK;
}

mewl_status mewl__quant_get_kind(const mewl_checkpoint *checkpoint, mewl_net *net, mewl_error *err)
{
    const char *text = mewl_checkpoint_text(checkpoint, KEY), *kind;
    json_t *document = NULL;
    mewl__net_unquantise(net);
    if (text == NULL) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_json_parse(&document, text, strlen(text), "the model's " KEY, err));
    mewl_status status = mewl_json_get_string(document, &kind, "kind", "the model's " KEY, err);
    if (status == MEWL_OK) {
        const bool whole = strcmp(kind, mewl_quant_kind_name(MEWL_QUANT_STATIC)) == 0;
        if (!whole && strcmp(kind, mewl_quant_kind_name(MEWL_QUANT_DYNAMIC)) != 0) {
            status = mewl_error_set(err, MEWL_E_FORMAT, "the model's quantisation is unknown: '%.40s'", kind);
        } else {
            net->quant = whole ? MEWL_QUANT_STATIC : MEWL_QUANT_DYNAMIC;
            status = whole ? get_activations(json_object_get(document, "activations"), net, err) : MEWL_OK;
        }
    } else {
        status = MEWL_E_FORMAT;
        if (err != NULL) {
            err->status = status;
        }
    }
    json_decref(document);
    if (status != MEWL_OK) {
        mewl__net_unquantise(net);
    }
    return status;
}

/* The scales of `weight`, checked. */
static mewl_status get_scales(const mewl_checkpoint *checkpoint, float *scale, const mewl_param *weight,
                              mewl_error *err)
{
    char name[NAME_ROOM];
    const int64_t channels = weight->value.shape.dim[0];
    (void)snprintf(name, sizeof name, "%s" SUFFIX, weight->name);
    MEWL_TRY(mewl_checkpoint_get_f32(checkpoint, scale, name, channels, err));
    for (int64_t c = 0; c < channels; c++) {
        if (!sane((double)scale[c])) {
            return mewl_error_set(err, MEWL_E_FORMAT, "'%s' holds %g, which is no scale", name, (double)scale[c]);
        }
    }
    return MEWL_OK;
}

mewl_status mewl__quant_get_weights(const mewl_checkpoint *checkpoint, mewl_net *net, mewl_layer *layer, bool *found,
                                    mewl_error *err)
{
    mewl_param *weight = layer->param_count > 0 ? layer->params[0] : NULL;
    mewl_checkpoint_entry entry;
    *found = false;
    if (weight == NULL || !mewl_checkpoint_find(checkpoint, &entry, weight->name) || entry.dtype != MEWL_DTYPE_I8) {
        return MEWL_OK;
    }
    const mewl_shape shape = weight->value.shape;
    if (net->quant == MEWL_QUANT_NONE || (mewl__eight_flags(layer) & MEWL_LAYER_EIGHT_WEIGHTS) == 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "'%s' has eight bits, and the model does not say it is quantised",
                              weight->name);
    }
    if (entry.rank != shape.rank || memcmp(entry.dim, shape.dim, (size_t)shape.rank * sizeof *shape.dim) != 0) {
        return mewl_error_set(err, MEWL_E_SHAPE, "'%s' is of another shape in the checkpoint", weight->name);
    }
    mewl__eight *eight = mewl__eight_of(layer);
    if (eight != NULL && eight->scale == NULL) {
        eight->scale = mewl__alloc((size_t)shape.dim[0] * sizeof *eight->scale);
    }
    if (eight == NULL || eight->scale == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for '%s'", weight->name);
    }
    MEWL_TRY(get_scales(checkpoint, eight->scale, weight, err));
    const int8_t *whole = entry.data;
    float *value = weight->value.data;
    const int64_t each = mewl_shape_count(shape) / shape.dim[0];
    for (int64_t i = 0; i < shape.dim[0] * each; i++) {
        if (whole[i] == INT8_MIN) {
            return mewl_error_set(err, MEWL_E_FORMAT, "'%s' holds -128: weights are -127 to 127", weight->name);
        }
        value[i] = eight->scale[i / each] * (float)whole[i];
    }
    *found = true;
    return MEWL_OK;
}

bool mewl__quant_scale_name(const mewl_checkpoint *checkpoint, const char *name)
{
    char stem[NAME_ROOM];
    mewl_checkpoint_entry entry;
    const size_t length = strlen(name), suffix = strlen(SUFFIX);
    if (length <= suffix || length - suffix >= sizeof stem || strcmp(name + length - suffix, SUFFIX) != 0) {
        return false;
    }
    memcpy(stem, name, length - suffix);
    stem[length - suffix] = '\0';
    return mewl_checkpoint_find(checkpoint, &entry, stem) && entry.dtype == MEWL_DTYPE_I8;
}
