/* attention.c - multi-head self-attention over the positions of a map, forward and backward, as matrix products in
 * plain float32.
 *
 * A clip is a matrix (C, P), one column a position. With Q, K, V (C / heads, P) of a head: weights A = softmax over the
 * last axis of Q' K / sqrt(C / heads), (P, P); output V A'. Queries, keys, values, weights and outputs of the last
 * forward are kept for backward.
 */
#include "nn/net_private.h"

#include <string.h>
#include <math.h>
#include <stdlib.h>

typedef struct self_attention {
    mewl_layer layer;
    int64_t heads;
    int64_t kept; /* clips whose intermediate values are kept: all in training, else one */
    float *qkv;   /* (kept, 3 C, P) */
    float *share; /* (kept, heads, P, P): A */
    float *mixed; /* (kept, C, P): before the output projection */
    float *grad;  /* of mixed (C, P), of qkv (3 C, P), of A of one head (P, P) */
} self_attention;

static void attention_unplan(mewl_layer *layer)
{
    self_attention *self = (self_attention *)layer;
    free(self->qkv);
    free(self->share);
    free(self->mixed);
    free(self->grad);
    self->qkv = self->share = self->mixed = self->grad = NULL;
}

static mewl_status attention_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                  mewl_tensor *out, mewl_error *err)
{
    self_attention *self = (self_attention *)layer;
    mewl__want_plain(in);
    *out = *in;
    int64_t channels = in->shape.dim[1], positions = in->shape.dim[2] * in->shape.dim[3];
    self->kept = plan->training ? in->shape.dim[0] : 1;
    if (positions > 65536 || self->kept * self->heads > MEWL_TENSOR_ELEMENTS_MAX / (positions * positions)) {
        return mewl_error_set(err, MEWL_E_SHAPE, "attention over %lld positions is too large", (long long)positions);
    }
    size_t map = (size_t)(channels * positions), kept = (size_t)self->kept, square = (size_t)(positions * positions);
    self->qkv = mewl__alloc(kept * 3 * map * sizeof(float));
    self->share = mewl__alloc(kept * (size_t)self->heads * square * sizeof(float));
    self->mixed = mewl__alloc(kept * map * sizeof(float));
    self->grad = plan->training ? mewl__alloc((4 * map + square) * sizeof(float)) : NULL;
    bool all = self->qkv != NULL && self->share != NULL && self->mixed != NULL;
    return all && (self->grad != NULL || !plan->training) ? MEWL_OK
                                                          : mewl_error_set(err, MEWL_E_MEMORY, "out of memory");
}

/* Every row of `rows` becomes bias[row] in all `columns`. */
static void fill_rows(float *out, const float *bias, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t p = 0; p < columns; p++) {
            out[r * columns + p] = bias[r];
        }
    }
}

static void softmax_rows(float *x, int64_t rows, int64_t columns, float scale)
{
    for (int64_t r = 0; r < rows; r++, x += columns) {
        float top = x[0];
        double sum = 0.0;
        for (int64_t p = 1; p < columns; p++) {
            top = x[p] > top ? x[p] : top;
        }
        for (int64_t p = 0; p < columns; p++) {
            x[p] = expf((x[p] - top) * scale);
            sum += (double)x[p];
        }
        float factor = (float)(1.0 / sum);
        for (int64_t p = 0; p < columns; p++) {
            x[p] *= factor;
        }
    }
}

static mewl_status attention_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                     mewl_error *err)
{
    self_attention *self = (self_attention *)layer;
    const float *in_weight = layer->params[0]->value.data, *in_bias = layer->params[1]->value.data;
    const float *out_weight = layer->params[2]->value.data, *out_bias = layer->params[3]->value.data;
    int64_t c = x->shape.dim[1], p = x->shape.dim[2] * x->shape.dim[3], d = c / self->heads;
    float scale = (float)(1.0 / sqrt((double)d));
    for (int64_t i = 0; i < x->shape.dim[0]; i++) {
        int64_t slot = self->kept > 1 ? i : 0;
        const float *from = (const float *)x->data + i * c * p;
        float *to = (float *)y->data + i * c * p;
        float *q = self->qkv + slot * 3 * c * p, *k = q + c * p, *v = k + c * p;
        float *mixed = self->mixed + slot * c * p;
        fill_rows(q, in_bias, 3 * c, p);
        MEWL_TRY(mewl__gemm(q, in_weight, from, false, false, 3 * c, p, c, c, p, p, true, err));
        for (int64_t h = 0; h < self->heads; h++) {
            float *share = self->share + (slot * self->heads + h) * p * p;
            int64_t at = h * d * p;
            MEWL_TRY(mewl__gemm(share, q + at, k + at, true, false, p, p, d, p, p, p, false, err));
            softmax_rows(share, p, p, scale);
            MEWL_TRY(mewl__gemm(mixed + at, v + at, share, false, true, d, p, p, p, p, p, false, err));
        }
        fill_rows(to, out_bias, c, p);
        MEWL_TRY(mewl__gemm(to, out_weight, mixed, false, false, c, p, c, c, p, p, true, err));
    }
    return MEWL_OK;
}

/* d loss / d A to d loss / d (Q' K), in place. */
static void softmax_gradient(float *grad, const float *share, int64_t rows, int64_t columns, float scale)
{
    for (int64_t r = 0; r < rows; r++, grad += columns, share += columns) {
        double along = 0.0;
        for (int64_t p = 0; p < columns; p++) {
            along += (double)(grad[p] * share[p]);
        }
        for (int64_t p = 0; p < columns; p++) {
            grad[p] = share[p] * (grad[p] - (float)along) * scale;
        }
    }
}

static void add_row_sums(mewl_param *bias, const float *grad, int64_t rows, int64_t columns)
{
    float *out = bias->grad.data;
    for (int64_t r = 0; r < rows && !bias->frozen; r++) {
        double sum = 0.0;
        for (int64_t p = 0; p < columns; p++) {
            sum += (double)grad[r * columns + p];
        }
        out[r] += (float)sum;
    }
}

/* Gradients of one clip's queries, keys and values from that of `mixed`. */
static mewl_status heads_backward(const self_attention *self, float *dqkv, const float *dmixed, const float *qkv,
                                  const float *shares, int64_t c, int64_t p, float *square, mewl_error *err)
{
    int64_t d = c / self->heads;
    float scale = (float)(1.0 / sqrt((double)d));
    for (int64_t h = 0; h < self->heads; h++) {
        int64_t at = h * d * p;
        const float *q = qkv + at, *k = q + c * p, *v = k + c * p, *share = shares + h * p * p;
        float *dq = dqkv + at, *dk = dq + c * p, *dv = dk + c * p;
        MEWL_TRY(mewl__gemm(square, dmixed + at, v, true, false, p, p, d, p, p, p, false, err));
        MEWL_TRY(mewl__gemm(dv, dmixed + at, share, false, false, d, p, p, p, p, p, false, err));
        softmax_gradient(square, share, p, p, scale);
        MEWL_TRY(mewl__gemm(dq, k, square, false, true, d, p, p, p, p, p, false, err));
        MEWL_TRY(mewl__gemm(dk, q, square, false, false, d, p, p, p, p, p, false, err));
    }
    return MEWL_OK;
}

static mewl_status attention_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                      const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    self_attention *self = (self_attention *)layer;
    mewl_param *in_weight = layer->params[0], *out_weight = layer->params[2];
    int64_t c = x->shape.dim[1], p = x->shape.dim[2] * x->shape.dim[3];
    float *dmixed = self->grad, *dqkv = dmixed + c * p, *square = dqkv + 3 * c * p;
    for (int64_t i = 0; i < x->shape.dim[0]; i++) {
        const float *grad = (const float *)dy->data + i * c * p, *from = (const float *)x->data + i * c * p;
        const float *mixed = self->mixed + i * c * p;
        add_row_sums(layer->params[3], grad, c, p);
        if (!out_weight->frozen) {
            MEWL_TRY(mewl__gemm(out_weight->grad.data, grad, mixed, false, true, c, c, p, p, p, c, true, err));
        }
        MEWL_TRY(mewl__gemm(dmixed, out_weight->value.data, grad, true, false, c, p, c, c, p, p, false, err));
        MEWL_TRY(heads_backward(self, dqkv, dmixed, self->qkv + i * 3 * c * p, self->share + i * self->heads * p * p, c,
                                p, square, err));
        add_row_sums(layer->params[1], dqkv, 3 * c, p);
        if (!in_weight->frozen) {
            MEWL_TRY(mewl__gemm(in_weight->grad.data, dqkv, from, false, true, 3 * c, c, p, p, p, c, true, err));
        }
        if (dx[0].data != NULL) {
            MEWL_TRY(mewl__gemm((float *)dx[0].data + i * c * p, in_weight->value.data, dqkv, true, false, c, p, 3 * c,
                                c, p, p, false, err));
        }
    }
    return MEWL_OK;
}

static void attention_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad)
{
    *kernel = 0;
}

static size_t attention_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const self_attention *self = (const self_attention *)layer;
    const mewl_fact all[] = {{"heads", (double)self->heads}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops attention_ops = {.kind = "self_attention",
                                             .facts = attention_facts,
                                             .size = sizeof(self_attention),
                                             .reads = MEWL_LAYER_READS_X,
                                             .plan = attention_plan,
                                             .forward = attention_forward,
                                             .backward = attention_backward,
                                             .unplan = attention_unplan,
                                             .reach = attention_reach};

mewl_node mewl_net_self_attention(mewl_net *net, const char *name, mewl_node x, mewl_self_attention_opts opts)
{
    mewl_layer *layer = mewl__net_add(net, &attention_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    int64_t c = layer->channels, heads = opts.heads == 0 ? 1 : opts.heads;
    if (heads < 1 || c % heads != 0 || c > 16384) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: %lld heads of %lld channels", name, (long long)heads,
                              (long long)c);
    }
    ((self_attention *)layer)->heads = heads;
    mewl_error err = {0};
    mewl_status status =
        mewl__layer_param(layer, "in_proj_weight", mewl_shape_of(2, 3 * c, c, 1, 1), 0.0f, 1.0f, false, &err);
    if (status == MEWL_OK) {
        status = mewl__layer_param(layer, "in_proj_bias", mewl_shape_of(1, 3 * c, 1, 1, 1), 0.0f, 0.0f, false, &err);
    }
    if (status == MEWL_OK) {
        status = mewl__layer_param(layer, "out_proj.weight", mewl_shape_of(2, c, c, 1, 1), 0.0f, 1.0f, false, &err);
    }
    if (status == MEWL_OK) {
        status = mewl__layer_param(layer, "out_proj.bias", mewl_shape_of(1, c, 1, 1, 1), 0.0f, 0.0f, false, &err);
    }
    return mewl__net_done(net, layer, status, &err);
}
