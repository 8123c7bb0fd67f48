/* quant.c - a net's eight bits: observing, quantising, forgetting. Running is the layers' part (eight.h); the form on
 * disk is in quant_state.c. */
#include "nn/quant_private.h"

#include "nn/memory.h"
#include "nn/net_private.h"

#include <math.h>
#include <stdlib.h>

static const char *const kind_names[MEWL_QUANT_COUNT] = {"none", "dynamic", "static"};
static const char *const range_names[MEWL_RANGE_COUNT] = {"mse", "minmax", "percentile"};

const char *mewl_quant_kind_name(mewl_quant_kind kind)
{
    return (unsigned)kind < MEWL_QUANT_COUNT ? kind_names[kind] : NULL;
}

const char *mewl_quant_range_name(mewl_quant_range range)
{
    return (unsigned)range < MEWL_RANGE_COUNT ? range_names[range] : NULL;
}

void mewl__eight_free(mewl__eight *eight)
{
    if (eight != NULL) {
        free(eight->scale);
        free(eight->seen);
        free(eight);
    }
}

mewl__eight *mewl__eight_of(mewl_layer *layer)
{
    if (layer->eight == NULL) {
        layer->eight = calloc(1, sizeof *layer->eight);
    }
    return layer->eight;
}

unsigned mewl__eight_flags(const mewl_layer *layer)
{
    return layer->ops->eight != NULL ? layer->ops->eight(layer) : 0;
}

void mewl__on_grid(mewl_tensor *x, mewl__grid grid)
{
    x->dtype = grid.is_signed ? MEWL_DTYPE_I8 : MEWL_DTYPE_U8;
    x->layout = MEWL_LAYOUT_LAST;
    x->scale = grid.scale;
}

bool mewl__want_eight(const mewl_plan *plan, mewl_tensor *in, size_t count, mewl_tensor *out)
{
    bool any = false, all = plan->eight && plan->out_grid.scale != 0.0f;
    for (size_t k = 0; k < count && all; k++) {
        any |= mewl__is_eight(in[k].dtype);
        all = plan->in_grid[k].scale != 0.0f;
    }
    if (!any || !all) {
        return false;
    }
    for (size_t k = 0; k < count; k++) {
        mewl__on_grid(&in[k], plan->in_grid[k]);
    }
    mewl__on_grid(out, plan->out_grid);
    return true;
}

void mewl__want_float(const mewl_plan *plan, mewl_tensor *in, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (mewl__is_eight(in[k].dtype)) {
            in[k].dtype = plan->compute;
            in[k].layout = plan->blocked;
            in[k].scale = 0.0f;
        }
    }
}

void mewl__eight_weights(int8_t *out, const mewl_layer *layer)
{
    const mewl_tensor *value = &layer->params[0]->value;
    const int64_t channels = value->shape.dim[0], each = mewl_shape_count(value->shape) / channels;
    const float *from = value->data;
    for (int64_t c = 0; c < channels; c++) {
        const float scale = layer->eight->scale[c];
        for (int64_t i = 0; i < each; i++) {
            const float q = rintf(from[c * each + i] / scale);
            out[c * each + i] = (int8_t)(q > 127.0f ? 127.0f : q < -127.0f ? -127.0f : q);
        }
    }
}

static void forget(mewl_net *net, bool scales)
{
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl__eight *eight = net->layers[i]->eight;
        if (eight != NULL && scales) {
            mewl__eight_free(eight);
            net->layers[i]->eight = NULL;
        } else if (eight != NULL) {
            free(eight->seen);
            eight->seen = NULL;
        }
    }
}

void mewl__net_unquantise(mewl_net *net)
{
    if (net->quant != MEWL_QUANT_NONE || net->fake != NULL) {
        mewl__net_unplan(net);
    }
    mewl__fake_free(net);
    forget(net, true);
    net->quant = MEWL_QUANT_NONE;
    net->observing = false;
}

mewl_status mewl_net_observe(mewl_net *net, bool on, mewl_error *err)
{
    if (!net->sealed || net->quant != MEWL_QUANT_NONE || net->fake != NULL) {
        return mewl_error_set(err, MEWL_E_STATE,
                              net->sealed ? "the net is quantised already" : "the net is not sealed");
    }
    if (!on) {
        net->observing = false;
        return MEWL_OK;
    }
    forget(net, true);
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl__eight *eight = mewl__eight_of(net->layers[i]);
        if (eight != NULL) {
            eight->seen = calloc(1, sizeof *eight->seen);
        }
        if (eight == NULL || eight->seen == NULL) {
            forget(net, true);
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for observing a net");
        }
    }
    net->observing = true;
    return MEWL_OK;
}

bool mewl_net_observing(const mewl_net *net)
{
    return net->observing;
}

/* Are this layer's weights stored in eight bits? Dynamic: linear layers alone, which read no eight bits themselves. */
static bool wanted(const mewl_layer *layer, mewl_quant_kind kind)
{
    const unsigned flags = mewl__eight_flags(layer);
    return (flags & MEWL_LAYER_EIGHT_WEIGHTS) != 0 &&
           (kind == MEWL_QUANT_STATIC || (flags & MEWL_LAYER_EIGHT_READS) == 0);
}

static mewl_status check(const mewl_net *net, mewl_quant_opts opts, mewl_error *err)
{
    bool seen = false;
    for (size_t i = 0; i < net->layer_count; i++) {
        const mewl_layer *layer = net->layers[i];
        const mewl__histogram *h = layer->eight != NULL ? layer->eight->seen : NULL;
        if (opts.kind == MEWL_QUANT_STATIC && h != NULL && h->broken) {
            return mewl_error_set(err, MEWL_E_FORMAT, "layer %s: a value was not finite while observed", layer->name);
        }
        seen |= h != NULL && h->total > 0;
        const mewl_param *weight = wanted(layer, opts.kind) ? layer->params[0] : NULL;
        const float *value = weight != NULL ? weight->value.data : NULL;
        for (int64_t k = 0; weight != NULL && k < mewl_shape_count(weight->value.shape); k++) {
            if (!isfinite(value[k])) {
                return mewl_error_set(err, MEWL_E_FORMAT, "parameter %s is not finite", weight->name);
            }
        }
    }
    return seen || opts.kind == MEWL_QUANT_DYNAMIC
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_STATE, "nothing was observed: static quantisation needs calibration");
}

static mewl_status make_room(mewl_net *net, mewl_quant_kind kind, mewl_error *err)
{
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl_layer *layer = net->layers[i];
        if (!wanted(layer, kind)) {
            continue;
        }
        mewl__eight *eight = mewl__eight_of(layer);
        if (eight != NULL) {
            free(eight->scale);
            eight->scale = mewl__alloc((size_t)layer->params[0]->value.shape.dim[0] * sizeof *eight->scale);
        }
        if (eight == NULL || eight->scale == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the scales of a net");
        }
    }
    return MEWL_OK;
}

void mewl__eight_round(float *out, mewl_layer *layer)
{
    const mewl_tensor *value = &layer->params[0]->value;
    const int64_t channels = value->shape.dim[0], each = mewl_shape_count(value->shape) / channels;
    for (int64_t c = 0; c < channels; c++) {
        const float *w = (const float *)value->data + c * each;
        float largest = 0.0f;
        for (int64_t i = 0; i < each; i++) {
            largest = fabsf(w[i]) > largest ? fabsf(w[i]) : largest;
        }
        float scale = largest / 127.0f;
        scale = scale < MEWL__SCALE_MIN ? MEWL__SCALE_MIN : scale > MEWL__SCALE_MAX ? MEWL__SCALE_MAX : scale;
        layer->eight->scale[c] = scale;
        for (int64_t i = 0; i < each; i++) {
            const float q = rintf(w[i] / scale);
            out[c * each + i] = scale * (q > 127.0f ? 127.0f : q < -127.0f ? -127.0f : q);
        }
    }
}

/* Values become what their eight bits mean. */
static void code_weights(mewl_net *net, mewl_quant_kind kind)
{
    for (size_t i = 0; i < net->layer_count; i++) {
        if (wanted(net->layers[i], kind)) {
            mewl__eight_round(net->layers[i]->params[0]->value.data, net->layers[i]);
        }
    }
    net->quant = kind;
    mewl__net_unplan(net);
}

mewl_status mewl__quant_prepare(mewl_net *net, mewl_quant_opts *opts, mewl_error *err)
{
    opts->percentile = opts->percentile == 0.0 ? 99.99 : opts->percentile;
    if ((opts->kind != MEWL_QUANT_DYNAMIC && opts->kind != MEWL_QUANT_STATIC) ||
        (unsigned)opts->range >= MEWL_RANGE_COUNT || !(opts->percentile >= 50.0 && opts->percentile <= 100.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "no such quantisation: dynamic or static, percentile 50 to 100");
    }
    if (!net->sealed || net->quant != MEWL_QUANT_NONE) {
        return mewl_error_set(err, MEWL_E_STATE,
                              net->sealed ? "the net is quantised already" : "the net is not sealed");
    }
    MEWL_TRY(check(net, *opts, err));
    MEWL_TRY(make_room(net, opts->kind, err));
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl_layer *layer = net->layers[i];
        const mewl__histogram *h = layer->eight != NULL ? layer->eight->seen : NULL;
        if (opts->kind == MEWL_QUANT_STATIC && h != NULL && h->total > 0) {
            layer->eight->grid = mewl__histogram_grid(h, *opts);
        }
    }
    forget(net, false);
    net->observing = false;
    return MEWL_OK;
}

mewl_status mewl_net_quantise(mewl_net *net, mewl_quant_opts opts, mewl_error *err)
{
    if (net->fake == NULL) {
        MEWL_TRY(mewl__quant_prepare(net, &opts, err));
    } else if (opts.kind != MEWL_QUANT_STATIC) {
        return mewl_error_set(err, MEWL_E_STATE, "the net was trained for static quantisation");
    }
    mewl__fake_free(net);
    code_weights(net, opts.kind);
    return MEWL_OK;
}

mewl_quant_kind mewl_net_quantised(const mewl_net *net)
{
    return net->quant;
}

size_t mewl_net_quant_weights(const mewl_net *net)
{
    size_t count = 0;
    for (size_t i = 0; i < net->layer_count; i++) {
        count += net->quant != MEWL_QUANT_NONE && net->layers[i]->eight != NULL && net->layers[i]->eight->scale != NULL;
    }
    return count;
}

size_t mewl_net_quant_activations(const mewl_net *net)
{
    size_t count = 0;
    for (size_t i = 0; i < net->layer_count && net->planned; i++) {
        count += net->slots[i].alias < 0 && mewl_dtype_size(net->slots[i].out.tensor.dtype) == 1;
    }
    return count;
}
