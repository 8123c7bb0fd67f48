/* pool_learned.c - global poolings over time with weights of their own: statistic pooling, multi-head attention
 * pooling, and equation 6 of InfantCryNet as written. In plain float32 on (N, C, T, 1); the mean over frequency before
 * them is a layer of its own, put there by the builder.
 */
#include "nn/net_private.h"

#include <string.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SUM_MIN 1e-6f

typedef struct pool_learned {
    mewl_layer layer;
    bool full;      /* statistic pooling: from 2 C to C */
    int64_t heads;  /* attention pooling */
    int64_t frames; /* equation 6: N */
    float *kept;    /* stat: (N, 2 C) means and variances; attention: (N, heads, T); equation 6: (C, T) weights */
    float *scratch; /* stat: (N, 2 C) gradients; attention: (T); equation 6: (C, T) gradients */
} pool_learned;

static void pool_unplan(mewl_layer *layer)
{
    pool_learned *self = (pool_learned *)layer;
    free(self->kept);
    free(self->scratch);
    self->kept = self->scratch = NULL;
}

static mewl_status pool_plan(pool_learned *self, mewl_tensor *in, mewl_tensor *out, int64_t kept, int64_t scratch,
                             mewl_error *err)
{
    mewl__want_plain(in);
    *out = *in;
    out->shape.dim[2] = 1;
    self->kept = mewl__alloc((size_t)kept * sizeof(float));
    self->scratch = mewl__alloc((size_t)scratch * sizeof(float));
    return self->kept != NULL && self->scratch != NULL
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a pooling");
}

/* The layer, after the mean over frequency where there is any. */
static mewl_layer *pool_add(mewl_net *net, const mewl_layer_ops *ops, const char *name, mewl_node x)
{
    char mean[256];
    if (net->build_status == MEWL_OK && x >= 0 && (size_t)x < net->layer_count && net->layers[x]->features != 1) {
        snprintf(mean, sizeof mean, "%s.frequency", name);
        x = mewl_net_mean_features(net, mean, x);
    }
    return mewl__net_add(net, ops, name, &x, 1);
}

static void pool_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad)
{
    *kernel = 0;
}

/* ---- Statistic pooling ---- */

static mewl_status stat_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                             mewl_tensor *out, mewl_error *err)
{
    int64_t size = 2 * in->shape.dim[0] * in->shape.dim[1];
    return pool_plan((pool_learned *)layer, in, out, size, size, err);
}

static mewl_status stat_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                mewl_error *err)
{
    pool_learned *self = (pool_learned *)layer;
    const float *weight = layer->params[0]->value.data, *bias = layer->params[1]->value.data;
    int64_t n = x->shape.dim[0], c = x->shape.dim[1], frames = x->shape.dim[2];
    float *out = y->data;
    for (int64_t r = 0; r < n * c; r++) {
        const float *in = (const float *)x->data + r * frames;
        double mean, squares;
        mewl__row_moments(&mean, &squares, in, frames);
        float *kept = self->kept + r / c * 2 * c + r % c;
        kept[0] = (float)mean;
        kept[c] = (float)(squares / (double)frames);
        out[r] = self->full ? bias[r % c] : weight[0] * kept[0] + weight[1] * kept[c] + bias[0];
    }
    return self->full ? mewl__gemm(out, self->kept, weight, false, true, n, c, 2 * c, 2 * c, 2 * c, c, true, err)
                      : MEWL_OK;
}

/* d loss / d (means, variances) into scratch, and the parameters' gradients. */
static mewl_status stat_linear_backward(pool_learned *self, const float *grad, int64_t n, int64_t c, mewl_error *err)
{
    mewl_param *weight = self->layer.params[0], *bias = self->layer.params[1];
    const float *w = weight->value.data;
    float *dweight = weight->frozen ? NULL : weight->grad.data, *dbias = bias->frozen ? NULL : bias->grad.data;
    double sums[3] = {0.0};
    for (int64_t r = 0; r < n * c; r++) {
        int64_t at = r / c * 2 * c + r % c;
        sums[0] += (double)grad[r] * (double)self->kept[at];
        sums[1] += (double)grad[r] * (double)self->kept[at + c];
        sums[2] += (double)grad[r];
        if (!self->full) {
            self->scratch[at] = grad[r] * w[0];
            self->scratch[at + c] = grad[r] * w[1];
        } else if (dbias != NULL) {
            dbias[r % c] += grad[r];
        }
    }
    if (self->full) {
        if (dweight != NULL) {
            MEWL_TRY(mewl__gemm(dweight, grad, self->kept, true, false, c, 2 * c, n, c, 2 * c, 2 * c, true, err));
        }
        return mewl__gemm(self->scratch, grad, w, false, false, n, 2 * c, c, c, 2 * c, 2 * c, false, err);
    }
    if (dweight != NULL) {
        dweight[0] += (float)sums[0];
        dweight[1] += (float)sums[1];
    }
    if (dbias != NULL) {
        dbias[0] += (float)sums[2];
    }
    return MEWL_OK;
}

static mewl_status stat_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                 const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    pool_learned *self = (pool_learned *)layer;
    int64_t n = x->shape.dim[0], c = x->shape.dim[1], frames = x->shape.dim[2];
    MEWL_TRY(stat_linear_backward(self, dy->data, n, c, err));
    for (int64_t r = 0; r < n * c && dx[0].data != NULL; r++) {
        int64_t at = r / c * 2 * c + r % c;
        const float *in = (const float *)x->data + r * frames;
        float *out = (float *)dx[0].data + r * frames, mean = self->kept[at];
        float level = self->scratch[at] / (float)frames, slope = 2.0f * self->scratch[at + c] / (float)frames;
        for (int64_t t = 0; t < frames; t++) {
            out[t] = level + slope * (in[t] - mean);
        }
    }
    return MEWL_OK;
}

static size_t pool_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const pool_learned *self = (const pool_learned *)layer;
    const mewl_fact all[] = {
        {"full", self->full ? 1.0 : 0.0}, {"heads", (double)self->heads}, {"frames", (double)self->frames}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops stat_ops = {.kind = "stat_pool",
                                        .facts = pool_facts,
                                        .size = sizeof(pool_learned),
                                        .reads = MEWL_LAYER_READS_X,
                                        .plan = stat_plan,
                                        .forward = stat_forward,
                                        .backward = stat_backward,
                                        .unplan = pool_unplan,
                                        .reach = pool_reach};

mewl_node mewl_net_stat_pool(mewl_net *net, const char *name, mewl_node x, bool full)
{
    mewl_layer *layer = pool_add(net, &stat_ops, name, x);
    if (layer == NULL) {
        return -1;
    }
    int64_t rows = full ? layer->channels : 1;
    ((pool_learned *)layer)->full = full;
    mewl_error err = {0};
    mewl_status status =
        mewl__layer_param(layer, "weight", mewl_shape_of(2, rows, 2 * rows, 1, 1), 0.0f, 1.0f, false, &err);
    if (status == MEWL_OK) {
        status = mewl__layer_param(layer, "bias", mewl_shape_of(1, rows, 1, 1, 1), 0.0f, 0.0f, false, &err);
    }
    if (status == MEWL_OK) { /* begins as the mean */
        layer->params[0]->keep = true;
        for (int64_t r = 0; r < rows; r++) {
            ((float *)layer->params[0]->value.data)[r * 2 * rows + r] = 1.0f;
        }
    }
    return mewl__net_done(net, layer, status, &err);
}

/* ---- Multi-head attention pooling ---- */

static mewl_status mha_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                            mewl_tensor *out, mewl_error *err)
{
    pool_learned *self = (pool_learned *)layer;
    int64_t frames = in->shape.dim[2];
    return pool_plan(self, in, out, in->shape.dim[0] * self->heads * frames, frames, err);
}

/* out[t] = sum over the rows of a head of factor[row] x[row][t]. */
static void weigh_rows(float *out, const float *x, const float *factor, int64_t rows, int64_t frames)
{
    for (int64_t t = 0; t < frames; t++) {
        out[t] = 0.0f;
    }
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t t = 0; t < frames; t++) {
            out[t] += factor[r] * x[r * frames + t];
        }
    }
}

static double dot(const float *a, const float *b, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) {
        sum += (double)(a[i] * b[i]);
    }
    return sum;
}

static mewl_status mha_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                               mewl_error *err)
{
    pool_learned *self = (pool_learned *)layer;
    int64_t n = x->shape.dim[0], frames = x->shape.dim[2], d = x->shape.dim[1] / self->heads;
    float scale = (float)(1.0 / sqrt((double)d));
    for (int64_t r = 0; r < n * self->heads; r++) {
        const float *in = (const float *)x->data + r * d * frames;
        const float *query = (const float *)layer->params[0]->value.data + r % self->heads * d;
        float *share = self->kept + r * frames, top = -INFINITY;
        double sum = 0.0;
        weigh_rows(share, in, query, d, frames);
        for (int64_t t = 0; t < frames; t++) {
            top = share[t] > top ? share[t] : top;
        }
        for (int64_t t = 0; t < frames; t++) {
            share[t] = expf((share[t] - top) * scale);
            sum += (double)share[t];
        }
        for (int64_t t = 0; t < frames; t++) {
            share[t] = (float)((double)share[t] / sum);
        }
        for (int64_t k = 0; k < d; k++) {
            ((float *)y->data)[r * d + k] = (float)dot(in + k * frames, share, frames);
        }
    }
    return MEWL_OK;
}

static mewl_status mha_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    pool_learned *self = (pool_learned *)layer;
    mewl_param *query = layer->params[0];
    int64_t n = x->shape.dim[0], frames = x->shape.dim[2], d = x->shape.dim[1] / self->heads;
    float scale = (float)(1.0 / sqrt((double)d)), *slope = self->scratch;
    for (int64_t r = 0; r < n * self->heads; r++) {
        const float *in = (const float *)x->data + r * d * frames, *grad = (const float *)dy->data + r * d;
        const float *share = self->kept + r * frames, *q = (const float *)query->value.data + r % self->heads * d;
        weigh_rows(slope, in, grad, d, frames); /* d loss / d share */
        double along = dot(slope, share, frames);
        for (int64_t t = 0; t < frames; t++) { /* d loss / d (q . x) */
            slope[t] = share[t] * (slope[t] - (float)along) * scale;
        }
        for (int64_t k = 0; k < d; k++) {
            if (!query->frozen) {
                ((float *)query->grad.data)[r % self->heads * d + k] += (float)dot(in + k * frames, slope, frames);
            }
            for (int64_t t = 0; t < frames && dx[0].data != NULL; t++) {
                ((float *)dx[0].data)[(r * d + k) * frames + t] = grad[k] * share[t] + q[k] * slope[t];
            }
        }
    }
    return MEWL_OK;
}

static const mewl_layer_ops mha_ops = {.kind = "mha_pool",
                                       .facts = pool_facts,
                                       .size = sizeof(pool_learned),
                                       .reads = MEWL_LAYER_READS_X,
                                       .plan = mha_plan,
                                       .forward = mha_forward,
                                       .backward = mha_backward,
                                       .unplan = pool_unplan,
                                       .reach = pool_reach};

mewl_node mewl_net_mha_pool(mewl_net *net, const char *name, mewl_node x, int64_t heads)
{
    mewl_layer *layer = pool_add(net, &mha_ops, name, x);
    if (layer == NULL) {
        return -1;
    }
    if (heads < 1 || layer->channels % heads != 0) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: %lld heads of %lld channels", name, (long long)heads,
                              (long long)layer->channels);
    }
    ((pool_learned *)layer)->heads = heads;
    mewl_error err = {0};
    mewl_status status = mewl__layer_param(layer, "query", mewl_shape_of(2, heads, layer->channels / heads, 1, 1), 0.0f,
                                           1.0f, false, &err);
    if (status == MEWL_OK) {
        layer->params[0]->keep = true;
    }
    return mewl__net_done(net, layer, status, &err);
}

/* ---- Equation 6 ---- */

static mewl_status literal_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                mewl_tensor *out, mewl_error *err)
{
    pool_learned *self = (pool_learned *)layer;
    if (in->shape.dim[2] != self->frames) {
        return mewl_error_set(err, MEWL_E_SHAPE, "equation 6 is for %lld frames, not %lld", (long long)self->frames,
                              (long long)in->shape.dim[2]);
    }
    int64_t size = in->shape.dim[1] * self->frames;
    return pool_plan(self, in, out, size, size, err);
}

/* Sum of a channel's weights, kept off zero; *free_sum false: it was, and has no gradient. */
static float weight_total(const float *alpha, int64_t frames, bool *free_sum)
{
    double sum = 0.0;
    for (int64_t t = 0; t < frames; t++) {
        sum += (double)alpha[t];
    }
    *free_sum = !(fabs(sum) < (double)SUM_MIN);
    return *free_sum ? (float)sum : sum < 0.0 ? -SUM_MIN : SUM_MIN;
}

static mewl_status literal_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                   mewl_error *err)
{
    pool_learned *self = (pool_learned *)layer;
    int64_t c = x->shape.dim[1], frames = self->frames;
    for (int64_t i = 0; i < x->shape.dim[0]; i++) {
        const float *in = (const float *)x->data + i * c * frames;
        float *out = (float *)y->data + i * c;
        MEWL_TRY(mewl__gemm(self->kept, in, layer->params[0]->value.data, false, true, c, frames, frames, frames,
                            frames, frames, false, err));
        for (int64_t k = 0; k < c; k++) {
            bool free_sum;
            const float *alpha = self->kept + k * frames;
            out[k] = (float)dot(alpha, in + k * frames, frames) / weight_total(alpha, frames, &free_sum);
        }
    }
    return MEWL_OK;
}

static mewl_status literal_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                    const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    pool_learned *self = (pool_learned *)layer;
    mewl_param *weight = layer->params[0];
    int64_t c = x->shape.dim[1], frames = self->frames;
    for (int64_t i = 0; i < x->shape.dim[0]; i++) {
        const float *in = (const float *)x->data + i * c * frames, *grad = (const float *)dy->data + i * c;
        float *out = dx[0].data != NULL ? (float *)dx[0].data + i * c * frames : NULL;
        MEWL_TRY(mewl__gemm(self->kept, in, weight->value.data, false, true, c, frames, frames, frames, frames, frames,
                            false, err));
        for (int64_t k = 0; k < c; k++) {
            bool free_sum;
            const float *alpha = self->kept + k * frames;
            float total = weight_total(alpha, frames, &free_sum);
            float pooled = free_sum ? (float)dot(alpha, in + k * frames, frames) / total : 0.0f;
            for (int64_t t = 0; t < frames; t++) { /* d loss / d alpha */
                self->scratch[k * frames + t] = grad[k] * (in[k * frames + t] - pooled) / total;
                if (out != NULL) {
                    out[k * frames + t] = grad[k] * alpha[t] / total;
                }
            }
        }
        if (!weight->frozen) {
            MEWL_TRY(mewl__gemm(weight->grad.data, self->scratch, in, true, false, frames, frames, c, frames, frames,
                                frames, true, err));
        }
        if (out != NULL) {
            MEWL_TRY(mewl__gemm(out, self->scratch, weight->value.data, false, false, c, frames, frames, frames, frames,
                                frames, true, err));
        }
    }
    return MEWL_OK;
}

static const mewl_layer_ops literal_ops = {.kind = "attn_literal_pool",
                                           .facts = pool_facts,
                                           .size = sizeof(pool_learned),
                                           .reads = MEWL_LAYER_READS_X,
                                           .plan = literal_plan,
                                           .forward = literal_forward,
                                           .backward = literal_backward,
                                           .unplan = pool_unplan,
                                           .reach = pool_reach};

mewl_node mewl_net_attn_literal_pool(mewl_net *net, const char *name, mewl_node x, int64_t frames)
{
    mewl_layer *layer = pool_add(net, &literal_ops, name, x);
    if (layer == NULL) {
        return -1;
    }
    if (frames < 1 || frames > 16384) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: %lld frames", name, (long long)frames);
    }
    ((pool_learned *)layer)->frames = frames;
    mewl_error err = {0};
    mewl_status status = mewl__layer_param(layer, "weight", mewl_shape_of(2, frames, frames, 1, 1),
                                           1.0f / (float)frames, 1.0f, false, &err);
    if (status == MEWL_OK) {
        layer->params[0]->keep = true;
    }
    return mewl__net_done(net, layer, status, &err);
}
