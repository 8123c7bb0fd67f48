/* resize_features.c - another number of features for each frame, by a fixed linear map: means of runs where there are
 * fewer (PyTorch's adaptive_avg_pool), linear interpolation where there are more (F.interpolate, mode "linear",
 * align_corners off). Without parameters, in plain float32.
 */
#include "nn/net_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Output feature j is the weighted sum of `count` input features from `first` on. */
typedef struct span {
    int64_t first, count;
    float weight, last; /* of each; of the last one, where it differs (interpolation) */
} span;

typedef struct resize {
    mewl_layer layer;
    int64_t out;
    span *spans;
} resize;

static void fill_means(span *spans, int64_t in, int64_t out)
{
    for (int64_t j = 0; j < out; j++) {
        const int64_t first = j * in / out, end = ((j + 1) * in + out - 1) / out;
        const float weight = (float)(1.0 / (double)(end - first));
        spans[j] = (span){.first = first, .count = end - first, .weight = weight, .last = weight};
    }
}

static void fill_lines(span *spans, int64_t in, int64_t out)
{
    for (int64_t j = 0; j < out; j++) {
        const double at = fmax(0.0, ((double)j + 0.5) * (double)in / (double)out - 0.5);
        const int64_t first = (int64_t)at;
        const float share = (float)(at - (double)first);
        spans[j] = first + 1 < in ? (span){.first = first, .count = 2, .weight = 1.0f - share, .last = share}
                                  : (span){.first = in - 1, .count = 1, .weight = 1.0f, .last = 1.0f};
    }
}

static void fill(span *spans, int64_t in, int64_t out)
{
    if (out <= in) {
        fill_means(spans, in, out);
    } else {
        fill_lines(spans, in, out);
    }
}

static mewl_status resize_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                               mewl_tensor *out, mewl_error *err)
{
    mewl__want_plain(in);
    *out = *in;
    out->shape.dim[3] = ((const resize *)layer)->out;
    return MEWL_OK;
}

static size_t rows_of(const mewl_tensor *x)
{
    return (size_t)(x->shape.dim[0] * x->shape.dim[1] * x->shape.dim[2]);
}

static mewl_status resize_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                  mewl_error *err)
{
    const resize *self = (const resize *)layer;
    const size_t rows = rows_of(x), width = (size_t)x->shape.dim[3];
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        const float *in = (const float *)x->data + r * width;
        float *out = (float *)y->data + r * (size_t)self->out;
        for (int64_t j = 0; j < self->out; j++) {
            const span *s = &self->spans[j];
            float sum = s->last * in[s->first + s->count - 1];
            for (int64_t k = 0; k < s->count - 1; k++) {
                sum += s->weight * in[s->first + k];
            }
            out[j] = sum;
        }
    }
    return MEWL_OK;
}

static mewl_status resize_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                   const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    const resize *self = (const resize *)layer;
    if (dx[0].data == NULL) {
        return MEWL_OK;
    }
    const size_t rows = rows_of(dy), width = (size_t)dx[0].shape.dim[3];
    memset(dx[0].data, 0, mewl_tensor_bytes(&dx[0]));
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        float *out = (float *)dx[0].data + r * width;
        const float *grad = (const float *)dy->data + r * (size_t)self->out;
        for (int64_t j = 0; j < self->out; j++) {
            const span *s = &self->spans[j];
            for (int64_t k = 0; k < s->count - 1; k++) {
                out[s->first + k] += s->weight * grad[j];
            }
            out[s->first + s->count - 1] += s->last * grad[j];
        }
    }
    return MEWL_OK;
}

static void resize_close(mewl_layer *layer)
{
    free(((resize *)layer)->spans);
}

static const mewl_layer_ops resize_ops = {.kind = "resize_features",
                                          .size = sizeof(resize),
                                          .plan = resize_plan,
                                          .forward = resize_forward,
                                          .backward = resize_backward,
                                          .close = resize_close};

mewl_status mewl_resize_matrix(float *matrix, int64_t in, int64_t out, mewl_error *err)
{
    span *spans = calloc((size_t)out, sizeof *spans);
    if (spans == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a map of %lld features", (long long)out);
    }
    fill(spans, in, out);
    memset(matrix, 0, (size_t)(in * out) * sizeof *matrix);
    for (int64_t j = 0; j < out; j++) {
        for (int64_t k = 0; k < spans[j].count; k++) {
            matrix[(spans[j].first + k) * out + j] = k == spans[j].count - 1 ? spans[j].last : spans[j].weight;
        }
    }
    free(spans);
    return MEWL_OK;
}

mewl_node mewl_net_resize_features(mewl_net *net, const char *name, mewl_node x, int64_t features)
{
    mewl_layer *layer = mewl__net_add(net, &resize_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    if (features < 1 || features > 65536) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: %lld features", name, (long long)features);
    }
    resize *self = (resize *)layer;
    self->out = features;
    self->spans = calloc((size_t)features, sizeof *self->spans);
    if (self->spans == NULL) {
        return mewl__net_fail(net, MEWL_E_MEMORY, "out of memory for layer %s", name);
    }
    fill(self->spans, layer->features, features);
    layer->features = features;
    return (mewl_node)layer->index;
}
