/* linear.c - y = W x + b over channels, at every position alike, in plain float32 (oneDNN's matrix product).
 *
 * With weights of eight bits x is coded, too: on the grid of a static quantisation, or, dynamically, each vector by its
 * own largest magnitude, so that a clip's result does not depend on the others in its batch. */
#include "nn/memory.h"
#include "nn/net_private.h"
#include "nn/quant_private.h"

#include <string.h>
#include <math.h>
#include <stdlib.h>

typedef struct linear {
    mewl_layer layer;
    int64_t in, out;
    bool bias;
    int8_t *weight8; /* of eight bits in inference, or NULL */
    int8_t *x8;      /* vectors x in */
    float *x_scale;  /* vectors */
    int32_t *sum;    /* vectors x out */
    float grid;      /* static scale, or 0 */
} linear;

static void linear_unplan(mewl_layer *layer)
{
    linear *self = (linear *)layer;
    free(self->weight8);
    free(self->x8);
    free(self->x_scale);
    free(self->sum);
    self->weight8 = self->x8 = NULL;
    self->x_scale = NULL;
    self->sum = NULL;
}

static mewl_status plan_eight(linear *self, const mewl_plan *plan, const mewl_tensor *in, mewl_error *err)
{
    const size_t vectors = (size_t)(in->shape.dim[0] * in->shape.dim[2] * in->shape.dim[3]);
    self->weight8 = mewl__alloc((size_t)(self->in * self->out));
    self->x8 = mewl__alloc(vectors * (size_t)self->in);
    self->x_scale = mewl__alloc(vectors * sizeof *self->x_scale);
    self->sum = mewl__alloc(vectors * (size_t)self->out * sizeof *self->sum);
    if (self->weight8 == NULL || self->x8 == NULL || self->x_scale == NULL || self->sum == NULL) {
        linear_unplan(&self->layer);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for weights in eight bits");
    }
    mewl__eight_weights(self->weight8, &self->layer);
    /* whole numbers here are signed: an unsigned grid has twice their range */
    self->grid = plan->eight ? plan->in_grid[0].scale * (plan->in_grid[0].is_signed ? 1.0f : 255.0f / 127.0f) : 0.0f;
    return MEWL_OK;
}

static mewl_status linear_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                               mewl_tensor *out, mewl_error *err)
{
    in->dtype = MEWL_DTYPE_F32;
    in->layout = MEWL_LAYOUT_PLAIN;
    *out = *in;
    out->shape.dim[1] = ((const linear *)layer)->out;
    const bool eight = layer->eight != NULL && layer->eight->scale != NULL && !plan->training && !plan->dequantise;
    return eight && mewl_shape_count(out->shape) > 0 ? plan_eight((linear *)layer, plan, in, err) : MEWL_OK;
}

/* Vector v (position p of clip i) into whole numbers. */
static void code_vector(linear *self, const float *x, int64_t v, int64_t positions)
{
    const float *from = x + v / positions * self->in * positions + v % positions;
    int8_t *to = self->x8 + v * self->in;
    float scale = self->grid;
    if (scale == 0.0f) {
        for (int64_t c = 0; c < self->in; c++) {
            const float m = fabsf(from[c * positions]);
            scale = m > scale ? m : scale;
        }
        scale = scale > MEWL__SCALE_MIN ? scale / 127.0f : 1.0f;
    }
    self->x_scale[v] = scale;
    const float factor = 1.0f / scale;
    for (int64_t c = 0; c < self->in; c++) {
        float q = from[c * positions] * factor;
        q = q > -127.0f ? q : -127.0f; /* a NaN, too */
        to[c] = (int8_t)(int)rintf(q < 127.0f ? q : 127.0f);
    }
}

static mewl_status forward_eight(linear *self, const mewl_tensor *x, float *out, mewl_error *err)
{
    const float *bias = self->bias ? self->layer.params[1]->value.data : NULL, *scale = self->layer.eight->scale;
    const int64_t positions = x->shape.dim[2] * x->shape.dim[3], vectors = x->shape.dim[0] * positions;
    for (int64_t v = 0; v < vectors; v++) {
        code_vector(self, x->data, v, positions);
    }
    MEWL_TRY(mewl__gemm8(self->sum, self->x8, self->weight8, vectors, self->out, self->in, err));
    for (int64_t v = 0; v < vectors; v++) {
        float *to = out + v / positions * self->out * positions + v % positions;
        for (int64_t c = 0; c < self->out; c++) {
            to[c * positions] =
                (float)self->sum[v * self->out + c] * (self->x_scale[v] * scale[c]) + (bias != NULL ? bias[c] : 0.0f);
        }
    }
    return MEWL_OK;
}

static mewl_status linear_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                  mewl_error *err)
{
    if (((const linear *)layer)->weight8 != NULL) {
        return forward_eight((linear *)layer, x, y->data, err);
    }
    const linear *self = (const linear *)layer;
    const float *weight = layer->params[0]->value.data, *bias = self->bias ? layer->params[1]->value.data : NULL;
    int64_t n = x->shape.dim[0], positions = x->shape.dim[2] * x->shape.dim[3];
    float *out = y->data;
    for (int64_t i = 0; i < n * self->out; i++) {
        for (int64_t p = 0; p < positions; p++) {
            out[i * positions + p] = bias != NULL ? bias[i % self->out] : 0.0f;
        }
    }
    if (positions == 1) { /* (n, out) = (n, in) (out, in)' */
        return mewl__gemm(out, x->data, weight, false, true, n, self->out, self->in, self->in, self->in, self->out,
                          true, err);
    }
    for (int64_t i = 0; i < n; i++) { /* (out, p) = (out, in) (in, p) */
        MEWL_TRY(mewl__gemm(out + i * self->out * positions, weight, (const float *)x->data + i * self->in * positions,
                            false, false, self->out, positions, self->in, self->in, positions, positions, true, err));
    }
    return MEWL_OK;
}

static mewl_status linear_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                   const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    const linear *self = (const linear *)layer;
    mewl_param *weight = layer->params[0];
    int64_t n = x->shape.dim[0], positions = x->shape.dim[2] * x->shape.dim[3], in = self->in, out = self->out;
    const float *grad = dy->data, *from = x->data;
    if (self->bias && !layer->params[1]->frozen) {
        float *dbias = layer->params[1]->grad.data;
        for (int64_t i = 0; i < n * out; i++) {
            double sum = 0.0;
            for (int64_t p = 0; p < positions; p++) {
                sum += (double)grad[i * positions + p];
            }
            dbias[i % out] += (float)sum;
        }
    }
    if (positions == 1) {
        if (!weight->frozen) { /* (out, in) += (n, out)' (n, in) */
            MEWL_TRY(mewl__gemm(weight->grad.data, grad, from, true, false, out, in, n, out, in, in, true, err));
        }
        return dx[0].data == NULL ? MEWL_OK
                                  : mewl__gemm(dx[0].data, grad, weight->value.data, false, false, n, in, out, out, in,
                                               in, false, err);
    }
    for (int64_t i = 0; i < n; i++) {
        const float *g = grad + i * out * positions;
        if (!weight->frozen) { /* (out, in) += (out, p) (in, p)' */
            MEWL_TRY(mewl__gemm(weight->grad.data, g, from + i * in * positions, false, true, out, in, positions,
                                positions, positions, in, true, err));
        }
        if (dx[0].data != NULL) { /* (in, p) = (out, in)' (out, p) */
            MEWL_TRY(mewl__gemm((float *)dx[0].data + i * in * positions, weight->value.data, g, true, false, in,
                                positions, out, in, positions, positions, false, err));
        }
    }
    return MEWL_OK;
}

static unsigned linear_eight(const mewl_layer *layer)
{
    return MEWL_LAYER_EIGHT_WEIGHTS;
}

static size_t linear_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const linear *self = (const linear *)layer;
    const mewl_fact all[] = {{"bias", self->bias ? 1.0 : 0.0}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops linear_ops = {.kind = "linear",
                                          .facts = linear_facts,
                                          .size = sizeof(linear),
                                          .reads = MEWL_LAYER_READS_X,
                                          .plan = linear_plan,
                                          .forward = linear_forward,
                                          .backward = linear_backward,
                                          .unplan = linear_unplan,
                                          .eight = linear_eight};

mewl_node mewl_net_linear(mewl_net *net, const char *name, mewl_node x, mewl_linear_opts opts)
{
    mewl_layer *layer = mewl__net_add(net, &linear_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    linear *self = (linear *)layer;
    if (opts.out < 1 || opts.out > 65536) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: %lld outputs", name, (long long)opts.out);
    }
    self->in = layer->channels;
    self->out = opts.out;
    self->bias = !opts.no_bias;
    mewl_error err = {0};
    mewl_status status =
        mewl__layer_param(layer, "weight", mewl_shape_of(2, opts.out, self->in, 1, 1), 0.0f, 1.0f, false, &err);
    if (status == MEWL_OK && self->bias) {
        status = mewl__layer_param(layer, "bias", mewl_shape_of(1, opts.out, 1, 1, 1), 0.0f, 0.0f, false, &err);
    }
    layer->channels = opts.out;
    return mewl__net_done(net, layer, status, &err);
}
