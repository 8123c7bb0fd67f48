/* activation.c - functions of one element: ReLU, ReLU6, sigmoid, tanh, hard sigmoid, hard swish.
 *
 * Convolutions and batch norms take most of these over (absorb); this file is for the rest. Any layout: an element's
 * place does not matter, but surplus channels of blocked maps are put back to zero where f(0) is not 0.
 */
#include "nn/eight.h"
#include "nn/net_private.h"
#include "nn/quant_private.h"
#include "nn/tile.h"

#include <math.h>

static float clamp(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static void compute(const mewl_layer *layer, float *out, const float *in, size_t count)
{
    const mewl_layer_ops *kind = layer->ops;
    if (kind == &mewl__relu_ops) {
        for (size_t i = 0; i < count; i++) {
            out[i] = in[i] < 0.0f ? 0.0f : in[i];
        }
    } else if (kind == &mewl__relu6_ops) {
        for (size_t i = 0; i < count; i++) {
            out[i] = clamp(in[i], 0.0f, 6.0f);
        }
    } else if (kind == &mewl__sigmoid_ops) {
        for (size_t i = 0; i < count; i++) {
            out[i] = 1.0f / (1.0f + expf(-in[i]));
        }
    } else if (kind == &mewl__tanh_ops) {
        for (size_t i = 0; i < count; i++) {
            out[i] = tanhf(in[i]);
        }
    } else if (kind == &mewl__hard_sigmoid_ops) {
        for (size_t i = 0; i < count; i++) {
            out[i] = clamp(in[i] / 6.0f + 0.5f, 0.0f, 1.0f);
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            out[i] = in[i] * clamp(in[i] / 6.0f + 0.5f, 0.0f, 1.0f);
        }
    }
}

/* dx from dy and from x (hard swish) or y (the others). */
static void differentiate(const mewl_layer *layer, float *dx, const float *dy, const float *seen, size_t count)
{
    const mewl_layer_ops *kind = layer->ops;
    if (kind == &mewl__relu_ops) {
        for (size_t i = 0; i < count; i++) {
            dx[i] = seen[i] > 0.0f ? dy[i] : 0.0f;
        }
    } else if (kind == &mewl__relu6_ops) {
        for (size_t i = 0; i < count; i++) {
            dx[i] = seen[i] > 0.0f && seen[i] < 6.0f ? dy[i] : 0.0f;
        }
    } else if (kind == &mewl__sigmoid_ops) {
        for (size_t i = 0; i < count; i++) {
            dx[i] = dy[i] * seen[i] * (1.0f - seen[i]);
        }
    } else if (kind == &mewl__tanh_ops) {
        for (size_t i = 0; i < count; i++) {
            dx[i] = dy[i] * (1.0f - seen[i] * seen[i]);
        }
    } else if (kind == &mewl__hard_sigmoid_ops) {
        for (size_t i = 0; i < count; i++) {
            dx[i] = seen[i] > 0.0f && seen[i] < 1.0f ? dy[i] / 6.0f : 0.0f;
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            float x = seen[i];
            dx[i] = x <= -3.0f ? 0.0f : x >= 3.0f ? dy[i] : dy[i] * (x / 3.0f + 0.5f);
        }
    }
}

static mewl_status activation_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                   mewl_tensor *out, mewl_error *err)
{
    if (layer->ops == &mewl__relu_ops && mewl__want_eight(plan, in, 1, out)) {
        out->shape = in->shape;
        return MEWL_OK;
    }
    mewl__want_float(plan, in, 1);
    *out = *in;
    return MEWL_OK;
}

static unsigned activation_eight(const mewl_layer *layer)
{
    return layer->ops == &mewl__relu_ops ? MEWL_LAYER_EIGHT_READS : 0;
}

static mewl_status activation_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                      mewl_error *err)
{
    if (mewl__is_eight(y->dtype)) {
        mewl__eight_relu(y, x, pass->threads);
        return MEWL_OK;
    }
    int64_t total = mewl_tensor_stored(x), tiles = (total + MEWL__TILE - 1) / MEWL__TILE;
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (int64_t tile = 0; tile < tiles; tile++) {
        float from[MEWL__TILE] MEWL__ALIGNED, to[MEWL__TILE] MEWL__ALIGNED;
        size_t at = (size_t)tile * MEWL__TILE, left = (size_t)total - at, count = left < MEWL__TILE ? left : MEWL__TILE;
        float *out = mewl__tile_begin(to, y->data, y->dtype, at);
        compute(layer, out, mewl__tile_load(from, x->data, x->dtype, at, count), count);
        mewl__tile_flush(out, y->data, y->dtype, at, count);
    }
    if (layer->ops == &mewl__sigmoid_ops || layer->ops == &mewl__hard_sigmoid_ops) {
        mewl__zero_surplus(y);
    }
    return MEWL_OK;
}

static mewl_status activation_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                       const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    if (dx[0].data == NULL) {
        return MEWL_OK;
    }
    const mewl_tensor *seen = (layer->ops->reads & MEWL_LAYER_READS_X) != 0 ? x : y;
    int64_t total = mewl_tensor_stored(y), tiles = (total + MEWL__TILE - 1) / MEWL__TILE;
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (int64_t tile = 0; tile < tiles; tile++) {
        float from[MEWL__TILE] MEWL__ALIGNED, grad[MEWL__TILE] MEWL__ALIGNED, to[MEWL__TILE] MEWL__ALIGNED;
        size_t at = (size_t)tile * MEWL__TILE, left = (size_t)total - at, count = left < MEWL__TILE ? left : MEWL__TILE;
        float *out = mewl__tile_begin(to, dx->data, dx->dtype, at);
        differentiate(layer, out, mewl__tile_load(grad, dy->data, dy->dtype, at, count),
                      mewl__tile_load(from, seen->data, seen->dtype, at, count), count);
        mewl__tile_flush(out, dx->data, dx->dtype, at, count);
    }
    return MEWL_OK;
}

#define ACTIVATION(ident, text, reading)                                                                               \
    const mewl_layer_ops mewl__##ident##_ops = {.kind = text,                                                          \
                                                .size = sizeof(mewl_layer),                                            \
                                                .reads = reading,                                                      \
                                                .plan = activation_plan,                                               \
                                                .forward = activation_forward,                                         \
                                                .backward = activation_backward,                                       \
                                                .eight = activation_eight};                                            \
    mewl_node mewl_net_##ident(mewl_net *net, const char *name, mewl_node x)                                           \
    {                                                                                                                  \
        mewl_layer *layer = mewl__net_add(net, &mewl__##ident##_ops, name, &x, 1);                                     \
        return layer == NULL ? -1 : (mewl_node)layer->index;                                                           \
    }

ACTIVATION(relu, "relu", MEWL_LAYER_READS_Y)
ACTIVATION(relu6, "relu6", MEWL_LAYER_READS_Y)
ACTIVATION(sigmoid, "sigmoid", MEWL_LAYER_READS_Y)
ACTIVATION(tanh, "tanh", MEWL_LAYER_READS_Y)
ACTIVATION(hard_sigmoid, "hard_sigmoid", MEWL_LAYER_READS_Y)
ACTIVATION(hard_swish, "hard_swish", MEWL_LAYER_READS_X)
