/* sequence.c - layers of frame-wise networks: frequency joined to channels, and linear softmax pooling over time. */
#include "nn/net_private.h"

#include <math.h>
#include <string.h>

/* ---- (N, C, T, F) to (N, C F, T, 1) ---- */

static mewl_status flatten_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                mewl_tensor *out, mewl_error *err)
{
    in->layout = MEWL_LAYOUT_PLAIN;
    in->dtype = MEWL_DTYPE_F32;
    *out = *in;
    out->shape = mewl_shape_map(in->shape.dim[0], in->shape.dim[1] * in->shape.dim[3], in->shape.dim[2], 1);
    return MEWL_OK;
}

/* The last two axes of each channel swapped: (t, f) here, (f, t) in the flat form. */
static void swap_axes(float *out, const float *in, size_t planes, size_t rows, size_t columns)
{
    for (size_t p = 0; p < planes; p++, in += rows * columns, out += rows * columns) {
        for (size_t c = 0; c < columns; c++) {
            for (size_t r = 0; r < rows; r++) {
                out[c * rows + r] = in[r * columns + c];
            }
        }
    }
}

static mewl_status flatten_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                   mewl_error *err)
{
    swap_axes(y->data, x->data, (size_t)(x->shape.dim[0] * x->shape.dim[1]), (size_t)x->shape.dim[2],
              (size_t)x->shape.dim[3]);
    return MEWL_OK;
}

static mewl_status flatten_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                    const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    if (dx[0].data != NULL) {
        swap_axes(dx[0].data, dy->data, (size_t)(x->shape.dim[0] * x->shape.dim[1]), (size_t)x->shape.dim[3],
                  (size_t)x->shape.dim[2]);
    }
    return MEWL_OK;
}

static const mewl_layer_ops flatten_ops = {.kind = "flatten_features",
                                           .size = sizeof(mewl_layer),
                                           .plan = flatten_plan,
                                           .forward = flatten_forward,
                                           .backward = flatten_backward};

mewl_node mewl_net_flatten_features(mewl_net *net, const char *name, mewl_node x)
{
    mewl_layer *layer = mewl__net_add(net, &flatten_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    layer->channels *= layer->features;
    layer->features = 1;
    return layer->channels <= 65536 ? (mewl_node)layer->index
                                    : mewl__net_fail(net, MEWL_E_SHAPE, "layer %s: more than 65536 channels", name);
}

/* ---- Linear softmax pooling over time ---- */

#define LOGIT_MAX 16.0 /* beyond it a probability is 0 or 1 in float32 */

static mewl_status softmax_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                mewl_tensor *out, mewl_error *err)
{
    if (in->shape.dim[3] != 1) {
        return mewl_error_set(err, MEWL_E_SHAPE, "frame logits must have one feature");
    }
    in->layout = MEWL_LAYOUT_PLAIN;
    in->dtype = MEWL_DTYPE_F32;
    *out = *in;
    out->shape.dim[2] = 1;
    return MEWL_OK;
}

/* Sums over frames of p^2, of p, and of p (1 - p). With S = sum p^2, D = sum p: clip probability P = S / D, and
 * 1 - P = sum p (1 - p) / D is computed from the last sum, exact where P is near 1. */
static void power_sums(double *squares, double *sum, double *rest, const float *logit, int64_t frames)
{
    *squares = *sum = *rest = 0.0;
    for (int64_t t = 0; t < frames; t++) {
        double e = exp(-fabs((double)logit[t])), small = e / (1.0 + e), large = 1.0 / (1.0 + e);
        double p = logit[t] >= 0.0f ? large : small;
        *squares += p * p;
        *sum += p;
        *rest += small * large;
    }
}

static mewl_status softmax_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                   mewl_error *err)
{
    int64_t frames = x->shape.dim[2], rows = x->shape.dim[0] * x->shape.dim[1];
    for (int64_t row = 0; row < rows; row++) {
        double squares, sum, rest;
        power_sums(&squares, &sum, &rest, (const float *)x->data + row * frames, frames);
        /* NaN frames give a NaN clip; sums that vanish give the lowest logit */
        double logit = squares != squares ? squares : sum <= 0.0 || squares <= 0.0 ? -LOGIT_MAX : log(squares / rest);
        ((float *)y->data)[row] = (float)(logit > LOGIT_MAX ? LOGIT_MAX : logit < -LOGIT_MAX ? -LOGIT_MAX : logit);
    }
    return MEWL_OK;
}

static mewl_status softmax_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                    const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    int64_t frames = x->shape.dim[2], rows = x->shape.dim[0] * x->shape.dim[1];
    for (int64_t row = 0; row < rows && dx[0].data != NULL; row++) {
        const float *logit = (const float *)x->data + row * frames;
        float *out = (float *)dx[0].data + row * frames, out_logit = ((const float *)y->data)[row];
        double squares, sum, rest, grad = ((const float *)dy->data)[row];
        power_sums(&squares, &sum, &rest, logit, frames);
        bool flat = !(fabs((double)out_logit) < LOGIT_MAX); /* clamped: no gradient */
        for (int64_t t = 0; t < frames; t++) {
            double e = exp(-fabs((double)logit[t])), small = e / (1.0 + e), large = 1.0 / (1.0 + e);
            double p = logit[t] >= 0.0f ? large : small, slope = small * large;
            /* logit = ln(S) - ln(R), R = sum p (1 - p): d / dp = 2 p / S - (1 - 2 p) / R */
            out[t] = flat ? 0.0f : (float)(grad * slope * (2.0 * p / squares - (1.0 - 2.0 * p) / rest));
        }
    }
    return MEWL_OK;
}

static void softmax_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad)
{
    *kernel = 0;
}

static const mewl_layer_ops softmax_ops = {.kind = "linear_softmax",
                                           .size = sizeof(mewl_layer),
                                           .reads = MEWL_LAYER_READS_X | MEWL_LAYER_READS_Y,
                                           .plan = softmax_plan,
                                           .forward = softmax_forward,
                                           .backward = softmax_backward,
                                           .reach = softmax_reach};

mewl_node mewl_net_linear_softmax(mewl_net *net, const char *name, mewl_node x)
{
    mewl_layer *layer = mewl__net_add(net, &softmax_ops, name, &x, 1);
    return layer == NULL ? -1 : (mewl_node)layer->index;
}
