/* linear.c - y = W x + b over channels, at every position alike, in plain float32 (oneDNN's matrix product). */
#include "nn/net_private.h"

typedef struct linear {
    mewl_layer layer;
    int64_t in, out;
    bool bias;
} linear;

static mewl_status linear_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                               mewl_tensor *out, mewl_error *err)
{
    in->dtype = MEWL_DTYPE_F32;
    in->layout = MEWL_LAYOUT_PLAIN;
    *out = *in;
    out->shape.dim[1] = ((const linear *)layer)->out;
    return MEWL_OK;
}

static mewl_status linear_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                  mewl_error *err)
{
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

static const mewl_layer_ops linear_ops = {.kind = "linear",
                                          .size = sizeof(linear),
                                          .reads = MEWL_LAYER_READS_X,
                                          .plan = linear_plan,
                                          .forward = linear_forward,
                                          .backward = linear_backward};

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
