/* global_pool.c - the mean over frequency, alone or followed by mean, maximum or both over time (PANNs' pooling).
 *
 * mean_features keeps type and layout; global_pool gives plain float32, small and exact.
 */
#include "nn/eight.h"
#include "nn/net_private.h"
#include "nn/quant_private.h"
#include "nn/tile.h"

#include <math.h>

typedef struct global_pool {
    mewl_layer layer;
    mewl_pool_kind kind;
    bool keep_time; /* mean_features */
} global_pool;

static mewl_status global_pool_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                    mewl_tensor *out, mewl_error *err)
{
    const global_pool *self = (const global_pool *)layer;
    const bool eight = plan->eight && mewl__is_eight(in->dtype); /* read as they are */
    if (!eight && in->layout == MEWL_LAYOUT_LAST) {
        in->layout = plan->blocked;
    }
    *out = *in;
    out->shape.dim[3] = 1;
    if (eight && self->keep_time && plan->out_eight && plan->out_grid.scale != 0.0f) {
        mewl__on_grid(out, plan->out_grid);
    } else if (eight && self->keep_time) {
        out->dtype = MEWL_DTYPE_F32;
    }
    if (!self->keep_time) {
        out->shape.dim[2] = 1;
        out->dtype = MEWL_DTYPE_F32;
        out->layout = MEWL_LAYOUT_PLAIN;
    }
    return MEWL_OK;
}

static float get(const mewl_tensor *x, size_t at)
{
    return x->dtype == MEWL_DTYPE_F32 ? ((const float *)x->data)[at] : mewl__widen(((const uint16_t *)x->data)[at]);
}

/* Mean over the frequencies of one frame, for each lane of a block, into mean[block]. */
static void frame_mean(float *mean, const mewl_tensor *x, size_t at, size_t features, size_t block)
{
    float buffer[MEWL__TILE] MEWL__ALIGNED;
    size_t run = MEWL__TILE / block;
    for (size_t l = 0; l < block; l++) {
        mean[l] = 0.0f;
    }
    for (size_t f = 0; f < features; f += run) {
        size_t some = features - f < run ? features - f : run;
        const float *in = mewl__tile_load(buffer, x->data, x->dtype, at + f * block, some * block);
        for (size_t i = 0; i < some; i++) {
            for (size_t l = 0; l < block; l++) {
                mean[l] += in[i * block + l];
            }
        }
    }
    for (size_t l = 0; l < block; l++) {
        mean[l] /= (float)features;
    }
}

static void keep_row(const mewl_tensor *x, mewl_tensor *y, size_t row, size_t frames, size_t features, size_t block)
{
    float mean[16];
    for (size_t t = 0; t < frames; t++) {
        frame_mean(mean, x, (row * frames + t) * features * block, features, block);
        size_t at = (row * frames + t) * block;
        if (y->dtype == MEWL_DTYPE_F32) {
            memcpy((float *)y->data + at, mean, block * sizeof *mean);
        }
        mewl__tile_flush(mean, y->data, y->dtype, at, block);
    }
}

static void pool_row(const global_pool *self, const mewl_tensor *x, mewl_tensor *y, const mewl__rows *r, size_t row)
{
    size_t frames = (size_t)x->shape.dim[2], features = (size_t)x->shape.dim[3], block = r->block;
    float mean[16], top[16];
    double sum[16] = {0};
    for (size_t l = 0; l < block; l++) {
        top[l] = -INFINITY;
    }
    for (size_t t = 0; t < frames; t++) {
        frame_mean(mean, x, (row * frames + t) * features * block, features, block);
        for (size_t l = 0; l < block; l++) {
            sum[l] += (double)mean[l];
            top[l] = mean[l] <= top[l] ? top[l] : mean[l];
        }
    }
    size_t n = row / r->blocks, first = row % r->blocks * block;
    float *out = (float *)y->data + n * r->channels;
    for (size_t l = 0; l < block && first + l < r->channels; l++) {
        out[first + l] = (self->kind != MEWL_POOL_MAX ? (float)(sum[l] / (double)frames) : 0.0f) +
                         (self->kind != MEWL_POOL_AVG ? top[l] : 0.0f);
    }
}

static mewl_status global_pool_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                       mewl_error *err)
{
    const global_pool *self = (const global_pool *)layer;
    if (mewl__is_eight(x->dtype) && self->keep_time) {
        mewl__eight_mean_features(y, x, pass->threads);
        return MEWL_OK;
    }
    if (mewl__is_eight(x->dtype)) {
        mewl__eight_global_pool(y->data, x, self->kind != MEWL_POOL_MAX, self->kind != MEWL_POOL_AVG, pass->threads);
        return MEWL_OK;
    }
    mewl__rows r = mewl__rows_of(x);
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t row = 0; row < r.n * r.blocks; row++) {
        if (self->keep_time) {
            keep_row(x, y, row, (size_t)x->shape.dim[2], (size_t)x->shape.dim[3], r.block);
        } else {
            pool_row(self, x, y, &r, row);
        }
    }
    return MEWL_OK;
}

/* Spreads grad[lane] / features over one frame. */
static void spread(mewl_tensor *dx, const float *grad, size_t at, size_t features, size_t block)
{
    float buffer[16] MEWL__ALIGNED;
    for (size_t l = 0; l < block; l++) {
        buffer[l] = grad[l] / (float)features;
    }
    for (size_t f = 0; f < features; f++) {
        if (dx->dtype == MEWL_DTYPE_F32) {
            memcpy((float *)dx->data + at + f * block, buffer, block * sizeof *buffer);
        }
        mewl__tile_flush(buffer, dx->data, dx->dtype, at + f * block, block);
    }
}

static void unpool_row(const global_pool *self, const mewl_tensor *x, const mewl_tensor *dy, mewl_tensor *dx,
                       const mewl__rows *r, size_t row)
{
    size_t frames = (size_t)x->shape.dim[2], features = (size_t)x->shape.dim[3], block = r->block;
    float mean[16], top[16], grad[16] = {0}, one[16];
    size_t winner[16] = {0};
    for (size_t t = 0; self->kind != MEWL_POOL_AVG && t < frames; t++) {
        frame_mean(mean, x, (row * frames + t) * features * block, features, block);
        for (size_t l = 0; l < block; l++) {
            bool better = t == 0 || mean[l] > top[l];
            winner[l] = better ? t : winner[l];
            top[l] = better ? mean[l] : top[l];
        }
    }
    size_t n = row / r->blocks, first = row % r->blocks * block;
    for (size_t l = 0; l < block && first + l < r->channels; l++) {
        grad[l] = ((const float *)dy->data)[n * r->channels + first + l];
    }
    for (size_t t = 0; t < frames; t++) {
        for (size_t l = 0; l < block; l++) {
            one[l] = (self->kind != MEWL_POOL_MAX ? grad[l] / (float)frames : 0.0f) +
                     (self->kind != MEWL_POOL_AVG && winner[l] == t ? grad[l] : 0.0f);
        }
        spread(dx, one, (row * frames + t) * features * block, features, block);
    }
}

static mewl_status global_pool_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                        const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    const global_pool *self = (const global_pool *)layer;
    if (dx[0].data == NULL) {
        return MEWL_OK;
    }
    mewl__rows r = mewl__rows_of(x);
    size_t frames = (size_t)x->shape.dim[2], features = (size_t)x->shape.dim[3];
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t row = 0; row < r.n * r.blocks; row++) {
        if (!self->keep_time) {
            unpool_row(self, x, dy, dx, &r, row);
            continue;
        }
        for (size_t t = 0; t < frames; t++) {
            float grad[16];
            for (size_t l = 0; l < r.block; l++) {
                grad[l] = get(dy, (row * frames + t) * r.block + l);
            }
            spread(dx, grad, (row * frames + t) * features * r.block, features, r.block);
        }
    }
    return MEWL_OK;
}

static void global_pool_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation,
                              int64_t *pad)
{
    *kernel = 0;
}

static unsigned reads_eight(const mewl_layer *layer)
{
    return MEWL_LAYER_EIGHT_READS;
}

static const mewl_layer_ops mean_features_ops = {.kind = "mean_features",
                                                 .size = sizeof(global_pool),
                                                 .plan = global_pool_plan,
                                                 .forward = global_pool_forward,
                                                 .backward = global_pool_backward,
                                                 .eight = reads_eight};

static size_t global_pool_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const global_pool *self = (const global_pool *)layer;
    const mewl_fact all[] = {{"pool", (double)self->kind}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops global_pool_ops = {.kind = "global_pool",
                                               .facts = global_pool_facts,
                                               .size = sizeof(global_pool),
                                               .reads = MEWL_LAYER_READS_X,
                                               .plan = global_pool_plan,
                                               .forward = global_pool_forward,
                                               .backward = global_pool_backward,
                                               .reach = global_pool_reach,
                                               .eight = reads_eight};

mewl_node mewl_net_global_pool(mewl_net *net, const char *name, mewl_node x, mewl_pool_kind kind)
{
    mewl_layer *layer = mewl__net_add(net, &global_pool_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    if ((unsigned)kind > MEWL_POOL_AVG_MAX) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: no such pooling", name);
    }
    ((global_pool *)layer)->kind = kind;
    layer->features = 1;
    return (mewl_node)layer->index;
}

mewl_node mewl_net_mean_features(mewl_net *net, const char *name, mewl_node x)
{
    mewl_layer *layer = mewl__net_add(net, &mean_features_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    ((global_pool *)layer)->keep_time = true;
    layer->features = 1;
    return (mewl_node)layer->index;
}
