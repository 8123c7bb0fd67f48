/* normalize.c - layer normalisation over the channels of each position, and vectors brought to length one. In plain
 * float32, sums in double.
 */
#include "nn/net_private.h"

#include <string.h>
#include <math.h>
#include <stdlib.h>

#define LENGTH_MIN 1e-12

typedef struct normalize {
    mewl_layer layer;
    double eps;
    float *mean, *scale; /* of each position, from the last forward */
} normalize;

static void normalize_unplan(mewl_layer *layer)
{
    normalize *self = (normalize *)layer;
    free(self->mean);
    free(self->scale);
    self->mean = self->scale = NULL;
}

/* ---- Layer norm ---- */

static mewl_status layer_norm_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                   mewl_tensor *out, mewl_error *err)
{
    normalize *self = (normalize *)layer;
    size_t positions = (size_t)(in->shape.dim[0] * in->shape.dim[2] * in->shape.dim[3]);
    mewl__want_plain(in);
    *out = *in;
    self->mean = mewl__alloc(positions * sizeof *self->mean);
    self->scale = mewl__alloc(positions * sizeof *self->scale);
    return self->mean != NULL && self->scale != NULL ? MEWL_OK
                                                     : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for norms");
}

static mewl_status layer_norm_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                      mewl_error *err)
{
    normalize *self = (normalize *)layer;
    const float *weight = layer->params[0]->value.data, *bias = layer->params[1]->value.data;
    int64_t n = x->shape.dim[0], channels = x->shape.dim[1], positions = x->shape.dim[2] * x->shape.dim[3];
    for (int64_t i = 0; i < n; i++) {
        const float *in = (const float *)x->data + i * channels * positions;
        float *out = (float *)y->data + i * channels * positions;
        for (int64_t p = 0; p < positions; p++) {
            double sum = 0.0, squares = 0.0;
            for (int64_t c = 0; c < channels; c++) {
                sum += (double)in[c * positions + p];
            }
            double mean = sum / (double)channels;
            for (int64_t c = 0; c < channels; c++) {
                double off = (double)in[c * positions + p] - mean;
                squares += off * off;
            }
            double scale = 1.0 / sqrt(squares / (double)channels + self->eps);
            self->mean[i * positions + p] = (float)mean;
            self->scale[i * positions + p] = (float)scale;
            for (int64_t c = 0; c < channels; c++) {
                double z = ((double)in[c * positions + p] - mean) * scale;
                out[c * positions + p] = (float)(z * (double)weight[c] + (double)bias[c]);
            }
        }
    }
    return MEWL_OK;
}

/* With z = (x - mean) s and g = w dy: dx = s (g - mean(g) - z mean(g z)). */
static mewl_status layer_norm_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                       const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    const normalize *self = (const normalize *)layer;
    const float *weight = layer->params[0]->value.data;
    float *dweight = layer->params[0]->frozen ? NULL : layer->params[0]->grad.data;
    float *dbias = layer->params[1]->frozen ? NULL : layer->params[1]->grad.data;
    int64_t n = x->shape.dim[0], channels = x->shape.dim[1], positions = x->shape.dim[2] * x->shape.dim[3];
    for (int64_t i = 0; i < n; i++) {
        const float *in = (const float *)x->data + i * channels * positions;
        const float *grad = (const float *)dy->data + i * channels * positions;
        float *out = dx[0].data != NULL ? (float *)dx[0].data + i * channels * positions : NULL;
        for (int64_t p = 0; p < positions; p++) {
            float mean = self->mean[i * positions + p], scale = self->scale[i * positions + p];
            double sum = 0.0, along = 0.0;
            for (int64_t c = 0; c < channels; c++) {
                float z = (in[c * positions + p] - mean) * scale, d = grad[c * positions + p];
                sum += (double)(d * weight[c]);
                along += (double)(d * weight[c] * z);
                if (dweight != NULL) {
                    dweight[c] += d * z;
                }
                if (dbias != NULL) {
                    dbias[c] += d;
                }
            }
            float shift = (float)(sum / (double)channels), slope = (float)(along / (double)channels);
            for (int64_t c = 0; c < channels && out != NULL; c++) {
                float z = (in[c * positions + p] - mean) * scale;
                out[c * positions + p] = scale * (grad[c * positions + p] * weight[c] - shift - z * slope);
            }
        }
    }
    return MEWL_OK;
}

static size_t normalize_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const normalize *self = (const normalize *)layer;
    const mewl_fact all[] = {{"eps", self->eps}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops layer_norm_ops = {.kind = "layer_norm",
                                              .facts = normalize_facts,
                                              .size = sizeof(normalize),
                                              .reads = MEWL_LAYER_READS_X,
                                              .plan = layer_norm_plan,
                                              .forward = layer_norm_forward,
                                              .backward = layer_norm_backward,
                                              .unplan = normalize_unplan};

mewl_node mewl_net_layer_norm(mewl_net *net, const char *name, mewl_node x, mewl_layer_norm_opts opts)
{
    mewl_layer *layer = mewl__net_add(net, &layer_norm_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    if (!(opts.eps >= 0.0)) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: eps %g", name, opts.eps);
    }
    ((normalize *)layer)->eps = opts.eps > 0.0 ? opts.eps : 1e-5;
    mewl_error err = {0};
    mewl_shape shape = mewl_shape_of(1, layer->channels, 1, 1, 1);
    mewl_status status = mewl__layer_param(layer, "weight", shape, 1.0f, 0.0f, false, &err);
    if (status == MEWL_OK) {
        status = mewl__layer_param(layer, "bias", shape, 0.0f, 0.0f, false, &err);
    }
    return mewl__net_done(net, layer, status, &err);
}

/* ---- Length one ---- */

static mewl_status length_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                               mewl_tensor *out, mewl_error *err)
{
    if (in->shape.dim[2] != 1 || in->shape.dim[3] != 1) {
        return mewl_error_set(err, MEWL_E_SHAPE, "only a vector for each clip has a length");
    }
    mewl__want_plain(in);
    *out = *in;
    return MEWL_OK;
}

static double length_of(const float *x, int64_t count)
{
    double squares = 0.0;
    for (int64_t c = 0; c < count; c++) {
        squares += (double)x[c] * (double)x[c];
    }
    return sqrt(squares);
}

static mewl_status length_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                  mewl_error *err)
{
    int64_t channels = x->shape.dim[1];
    for (int64_t i = 0; i < x->shape.dim[0]; i++) {
        const float *in = (const float *)x->data + i * channels;
        float *out = (float *)y->data + i * channels;
        double factor = 1.0 / fmax(length_of(in, channels), LENGTH_MIN);
        for (int64_t c = 0; c < channels; c++) {
            out[c] = (float)((double)in[c] * factor);
        }
    }
    return MEWL_OK;
}

static mewl_status length_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                   const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    int64_t channels = x->shape.dim[1];
    for (int64_t i = 0; i < x->shape.dim[0] && dx[0].data != NULL; i++) {
        const float *in = (const float *)x->data + i * channels, *grad = (const float *)dy->data + i * channels;
        float *out = (float *)dx[0].data + i * channels;
        double length = length_of(in, channels), factor = 1.0 / fmax(length, LENGTH_MIN), along = 0.0;
        for (int64_t c = 0; c < channels && length > LENGTH_MIN; c++) {
            along += (double)grad[c] * (double)in[c] * factor;
        }
        for (int64_t c = 0; c < channels; c++) {
            out[c] = (float)(((double)grad[c] - along * (double)in[c] * factor) * factor);
        }
    }
    return MEWL_OK;
}

static const mewl_layer_ops length_ops = {.kind = "l2_normalize",
                                          .size = sizeof(mewl_layer),
                                          .reads = MEWL_LAYER_READS_X,
                                          .plan = length_plan,
                                          .forward = length_forward,
                                          .backward = length_backward};

mewl_node mewl_net_l2_normalize(mewl_net *net, const char *name, mewl_node x)
{
    mewl_layer *layer = mewl__net_add(net, &length_ops, name, &x, 1);
    return layer == NULL ? -1 : (mewl_node)layer->index;
}
