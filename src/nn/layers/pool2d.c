/* pool2d.c - average, maximum or their sum over windows of time x frequency, without overlap (PANNs' blocks).
 *
 * Gradients of a maximum go to the first of equal values in a window, time before frequency (as PyTorch does).
 */
#include "nn/eight.h"
#include "nn/net_private.h"
#include "nn/quant_private.h"
#include "nn/tile.h"

#include <math.h>

typedef struct pool2d {
    mewl_layer layer;
    mewl_pool_kind kind;
    size_t kernel[2];
} pool2d;

static mewl_status pool2d_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                               mewl_tensor *out, mewl_error *err)
{
    pool2d *self = (pool2d *)layer;
    int64_t t = in->shape.dim[2] / (int64_t)self->kernel[0], f = in->shape.dim[3] / (int64_t)self->kernel[1];
    if (t < 1 || f < 1) {
        char text[64];
        return mewl_error_set(err, MEWL_E_SHAPE, "an input of %s is smaller than the window %zux%zu",
                              mewl_shape_text(in->shape, text, sizeof text), self->kernel[0], self->kernel[1]);
    }
    if (mewl__want_eight(plan, in, 1, out)) {
        out->shape = in->shape;
    } else {
        mewl__want_float(plan, in, 1);
        in->layout = in->layout == MEWL_LAYOUT_LAST ? plan->blocked : in->layout;
        *out = *in;
    }
    out->shape.dim[2] = t;
    out->shape.dim[3] = f;
    return MEWL_OK;
}

/* One element as float32 and back; dtype and block are constants where these are inlined. */
static inline __attribute__((always_inline)) float get(const void *data, size_t at, bool half)
{
    return half ? mewl__widen(((const uint16_t *)data)[at]) : ((const float *)data)[at];
}

static inline __attribute__((always_inline)) void set(void *data, size_t at, float value, bool half)
{
    if (half) {
        ((uint16_t *)data)[at] = mewl__narrow(value);
    } else {
        ((float *)data)[at] = value;
    }
}

typedef struct plane {
    size_t in_f, out_t, out_f, kt, kf;
    bool average, maximum;
} plane;

/* One row (n, channel block): x points at its first element, y likewise. */
static inline __attribute__((always_inline)) void pool_plane(void *y, const void *x, const plane *p, const size_t block,
                                                             const bool half)
{
    float factor = 1.0f / (float)(p->kt * p->kf);
    for (size_t t = 0; t < p->out_t; t++) {
        for (size_t f = 0; f < p->out_f; f++) {
            float sum[16], top[16];
            for (size_t l = 0; l < block; l++) {
                sum[l] = 0.0f;
                top[l] = -INFINITY;
            }
            for (size_t i = 0; i < p->kt; i++) {
                for (size_t j = 0; j < p->kf; j++) {
                    size_t at = ((t * p->kt + i) * p->in_f + f * p->kf + j) * block;
                    for (size_t l = 0; l < block; l++) {
                        float value = get(x, at + l, half);
                        sum[l] += value;
                        top[l] = value <= top[l] ? top[l] : value; /* a NaN wins */
                    }
                }
            }
            size_t at = (t * p->out_f + f) * block;
            for (size_t l = 0; l < block; l++) {
                set(y, at + l, (p->average ? sum[l] * factor : 0.0f) + (p->maximum ? top[l] : 0.0f), half);
            }
        }
    }
}

static inline __attribute__((always_inline)) void unpool_plane(void *dx, const void *dy, const void *x, const plane *p,
                                                               const size_t block, const bool half)
{
    float factor = p->average ? 1.0f / (float)(p->kt * p->kf) : 0.0f;
    for (size_t t = 0; t < p->out_t; t++) {
        for (size_t f = 0; f < p->out_f; f++) {
            float grad[16], top[16];
            uint32_t winner[16];
            size_t from = (t * p->out_f + f) * block;
            for (size_t l = 0; l < block; l++) {
                grad[l] = get(dy, from + l, half);
                winner[l] = UINT32_MAX;
                top[l] = -INFINITY;
            }
            for (size_t k = 0; p->maximum && k < p->kt * p->kf; k++) {
                size_t at = ((t * p->kt + k / p->kf) * p->in_f + f * p->kf + k % p->kf) * block;
                for (size_t l = 0; l < block; l++) {
                    float value = get(x, at + l, half);
                    bool better = value > top[l] || winner[l] == UINT32_MAX;
                    winner[l] = better ? (uint32_t)k : winner[l];
                    top[l] = better ? value : top[l];
                }
            }
            for (size_t i = 0; i < p->kt; i++) {
                for (size_t j = 0; j < p->kf; j++) {
                    size_t at = ((t * p->kt + i) * p->in_f + f * p->kf + j) * block;
                    uint32_t k = (uint32_t)(i * p->kf + j);
                    for (size_t l = 0; l < block; l++) {
                        set(dx, at + l, grad[l] * (factor + (winner[l] == k ? 1.0f : 0.0f)), half);
                    }
                }
            }
        }
    }
}

/* The usual case, PANNs' 2x2 means over blocks of 16: known to the compiler, it needs no loop inside. */
static void pool_row_usual(void *y, const void *x, const plane *p, bool half)
{
    const plane usual = {
        .in_f = p->in_f, .out_t = p->out_t, .out_f = p->out_f, .kt = 2, .kf = 2, .average = true, .maximum = false};
    half ? pool_plane(y, x, &usual, 16, true) : pool_plane(y, x, &usual, 16, false);
}

static void pool_row(void *y, const void *x, const plane *p, size_t block, bool half)
{
    if (block == 16 && p->kt == 2 && p->kf == 2 && !p->maximum) {
        pool_row_usual(y, x, p, half);
    } else if (block == 16) {
        half ? pool_plane(y, x, p, 16, true) : pool_plane(y, x, p, 16, false);
    } else if (block == 8) {
        half ? pool_plane(y, x, p, 8, true) : pool_plane(y, x, p, 8, false);
    } else {
        half ? pool_plane(y, x, p, 1, true) : pool_plane(y, x, p, 1, false);
    }
}

static void unpool_row(void *dx, const void *dy, const void *x, const plane *p, size_t block, bool half)
{
    if (block == 16) {
        half ? unpool_plane(dx, dy, x, p, 16, true) : unpool_plane(dx, dy, x, p, 16, false);
    } else if (block == 8) {
        half ? unpool_plane(dx, dy, x, p, 8, true) : unpool_plane(dx, dy, x, p, 8, false);
    } else {
        half ? unpool_plane(dx, dy, x, p, 1, true) : unpool_plane(dx, dy, x, p, 1, false);
    }
}

static plane plane_of(const pool2d *self, const mewl_tensor *x, const mewl_tensor *y)
{
    return (plane){.in_f = (size_t)x->shape.dim[3],
                   .out_t = (size_t)y->shape.dim[2],
                   .out_f = (size_t)y->shape.dim[3],
                   .kt = self->kernel[0],
                   .kf = self->kernel[1],
                   .average = self->kind != MEWL_POOL_MAX,
                   .maximum = self->kind != MEWL_POOL_AVG};
}

static mewl_status pool2d_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                  mewl_error *err)
{
    plane p = plane_of((const pool2d *)layer, x, y);
    if (mewl__is_eight(x->dtype)) {
        mewl__eight_pool(y, x, (size_t[]){p.kt, p.kf}, p.average, p.maximum, pass->threads);
        return MEWL_OK;
    }
    mewl__rows in = mewl__rows_of(x), out = mewl__rows_of(y);
    size_t size = mewl_dtype_size(x->dtype), from = in.positions * in.block * size,
           to = out.positions * in.block * size;
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t row = 0; row < in.n * in.blocks; row++) {
        pool_row((char *)y->data + row * to, (const char *)x->data + row * from, &p, in.block,
                 x->dtype == MEWL_DTYPE_BF16);
    }
    return MEWL_OK;
}

static mewl_status pool2d_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                   const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    if (dx[0].data == NULL) {
        return MEWL_OK;
    }
    plane p = plane_of((const pool2d *)layer, x, y);
    mewl__rows in = mewl__rows_of(x), out = mewl__rows_of(y);
    size_t size = mewl_dtype_size(x->dtype), from = in.positions * in.block * size,
           to = out.positions * in.block * size;
    /* a partial last window is not looked at: its gradient is zero */
    bool covered = p.out_t * p.kt == (size_t)x->shape.dim[2] && p.out_f * p.kf == p.in_f;
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t row = 0; row < in.n * in.blocks; row++) {
        char *grad = (char *)dx[0].data + row * from;
        if (!covered) {
            memset(grad, 0, from);
        }
        unpool_row(grad, (const char *)dy->data + row * to, (const char *)x->data + row * from, &p, in.block,
                   x->dtype == MEWL_DTYPE_BF16);
    }
    return MEWL_OK;
}

static void pool2d_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad)
{
    *kernel = *stride = (int64_t)((const pool2d *)layer)->kernel[0];
}

/* Sums of a window fit 32 bits. */
static unsigned pool2d_eight(const mewl_layer *layer)
{
    const pool2d *self = (const pool2d *)layer;
    return self->kernel[0] * self->kernel[1] <= 1 << 20 ? MEWL_LAYER_EIGHT_READS : 0;
}

static size_t pool2d_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const pool2d *self = (const pool2d *)layer;
    facts[0] = (mewl_fact){"pool", (double)self->kind};
    facts[1] = (mewl_fact){"kernel_t", (double)self->kernel[0]};
    facts[2] = (mewl_fact){"kernel_f", (double)self->kernel[1]};
    return 3;
}

#define POOL_OPS(ident, reading)                                                                                       \
    static const mewl_layer_ops ident = {.kind = "pool2d",                                                             \
                                         .size = sizeof(pool2d),                                                       \
                                         .reads = reading,                                                             \
                                         .plan = pool2d_plan,                                                          \
                                         .forward = pool2d_forward,                                                    \
                                         .backward = pool2d_backward,                                                  \
                                         .reach = pool2d_reach,                                                        \
                                         .facts = pool2d_facts,                                                        \
                                         .eight = pool2d_eight}

POOL_OPS(average_ops, 0); /* needs no memory of its input */
POOL_OPS(maximum_ops, MEWL_LAYER_READS_X);

mewl_node mewl_net_pool2d(mewl_net *net, const char *name, mewl_node x, mewl_pool_kind kind, int64_t kernel_t,
                          int64_t kernel_f)
{
    mewl_layer *layer = mewl__net_add(net, kind == MEWL_POOL_AVG ? &average_ops : &maximum_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    if (kernel_t < 1 || kernel_f < 1 || kernel_t > 65536 || kernel_f > layer->features ||
        (unsigned)kind > MEWL_POOL_AVG_MAX) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: a window of %lldx%lld on %lld features", name,
                              (long long)kernel_t, (long long)kernel_f, (long long)layer->features);
    }
    pool2d *self = (pool2d *)layer;
    self->kind = kind;
    self->kernel[0] = (size_t)kernel_t;
    self->kernel[1] = (size_t)kernel_f;
    layer->features /= kernel_f;
    return (mewl_node)layer->index;
}
