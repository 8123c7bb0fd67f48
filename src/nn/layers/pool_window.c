/* pool_window.c - maximum, average or their sum over windows that may overlap and reach over the edge. Not the fast
 * path: pool2d.c is, for windows side by side. In plain float32.
 */
#include "nn/net_private.h"

#include <math.h>
#include <string.h>

typedef struct pool_window {
    mewl_layer layer;
    mewl_window_opts opts;
} pool_window;

static mewl_status pool_window_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                    mewl_tensor *out, mewl_error *err)
{
    const mewl_window_opts *o = &((const pool_window *)layer)->opts;
    mewl__want_plain(in);
    *out = *in;
    for (int a = 0; a < 2; a++) {
        int64_t room = in->shape.dim[2 + a] + o->pad[2 * a] + o->pad[2 * a + 1] - o->kernel[a];
        if (room < 0) {
            char text[64];
            return mewl_error_set(err, MEWL_E_SHAPE, "an input of %s is smaller than the window %lldx%lld",
                                  mewl_shape_text(in->shape, text, sizeof text), (long long)o->kernel[0],
                                  (long long)o->kernel[1]);
        }
        out->shape.dim[2 + a] = room / o->stride[a] + 1;
    }
    return MEWL_OK;
}

/* What one window of a plane covers: [first, end) in time and frequency. */
typedef struct window {
    int64_t first[2], end[2];
} window;

static window window_at(const mewl_window_opts *o, const mewl_tensor *x, int64_t t, int64_t f)
{
    window w;
    int64_t at[2] = {t, f};
    for (int a = 0; a < 2; a++) {
        int64_t first = at[a] * o->stride[a] - o->pad[2 * a], end = first + o->kernel[a];
        w.first[a] = first > 0 ? first : 0;
        w.end[a] = end < x->shape.dim[2 + a] ? end : x->shape.dim[2 + a];
    }
    return w;
}

/* Place of the first largest value (a NaN wins), and the sum of all. */
static int64_t scan(double *sum, const float *in, const window *w, int64_t features)
{
    int64_t best = w->first[0] * features + w->first[1];
    *sum = 0.0;
    for (int64_t i = w->first[0]; i < w->end[0]; i++) {
        for (int64_t j = w->first[1]; j < w->end[1]; j++) {
            float value = in[i * features + j];
            *sum += (double)value;
            best = value > in[best] || value != value ? i * features + j : best;
        }
    }
    return best;
}

static mewl_status pool_window_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                       mewl_error *err)
{
    const mewl_window_opts *o = &((const pool_window *)layer)->opts;
    int64_t planes = x->shape.dim[0] * x->shape.dim[1], features = x->shape.dim[3], area = x->shape.dim[2] * features;
    double size = (double)(o->kernel[0] * o->kernel[1]);
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (int64_t p = 0; p < planes; p++) {
        const float *in = (const float *)x->data + p * area;
        float *out = (float *)y->data + p * y->shape.dim[2] * y->shape.dim[3];
        for (int64_t t = 0; t < y->shape.dim[2]; t++) {
            for (int64_t f = 0; f < y->shape.dim[3]; f++) {
                window w = window_at(o, x, t, f);
                double sum;
                float top = in[scan(&sum, in, &w, features)];
                *out++ =
                    (o->kind != MEWL_POOL_MAX ? (float)(sum / size) : 0.0f) + (o->kind != MEWL_POOL_AVG ? top : 0.0f);
            }
        }
    }
    return MEWL_OK;
}

static mewl_status pool_window_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                        const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    const mewl_window_opts *o = &((const pool_window *)layer)->opts;
    int64_t planes = x->shape.dim[0] * x->shape.dim[1], features = x->shape.dim[3], area = x->shape.dim[2] * features;
    float size = (float)(o->kernel[0] * o->kernel[1]);
    if (dx[0].data == NULL) {
        return MEWL_OK;
    }
    memset(dx[0].data, 0, mewl_tensor_bytes(&dx[0]));
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (int64_t p = 0; p < planes; p++) {
        const float *in = (const float *)x->data + p * area;
        const float *grad = (const float *)dy->data + p * dy->shape.dim[2] * dy->shape.dim[3];
        float *out = (float *)dx[0].data + p * area;
        for (int64_t t = 0; t < dy->shape.dim[2]; t++) {
            for (int64_t f = 0; f < dy->shape.dim[3]; f++, grad++) {
                window w = window_at(o, x, t, f);
                double sum;
                if (o->kind != MEWL_POOL_AVG) {
                    out[scan(&sum, in, &w, features)] += *grad;
                }
                for (int64_t i = w.first[0]; i < w.end[0] && o->kind != MEWL_POOL_MAX; i++) {
                    for (int64_t j = w.first[1]; j < w.end[1]; j++) {
                        out[i * features + j] += *grad / size;
                    }
                }
            }
        }
    }
    return MEWL_OK;
}

static void pool_window_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation,
                              int64_t *pad)
{
    const mewl_window_opts *o = &((const pool_window *)layer)->opts;
    *kernel = o->kernel[0];
    *stride = o->stride[0];
    *pad = o->pad[0];
}

static size_t window_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const pool_window *self = (const pool_window *)layer;
    const mewl_fact all[] = {{"pool", (double)self->opts.kind},          {"kernel_t", (double)self->opts.kernel[0]},
                             {"kernel_f", (double)self->opts.kernel[1]}, {"stride_t", (double)self->opts.stride[0]},
                             {"stride_f", (double)self->opts.stride[1]}, {"before_t", (double)self->opts.pad[0]},
                             {"after_t", (double)self->opts.pad[1]},     {"before_f", (double)self->opts.pad[2]},
                             {"after_f", (double)self->opts.pad[3]}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops pool_window_ops = {.kind = "pool2d_window",
                                               .facts = window_facts,
                                               .size = sizeof(pool_window),
                                               .reads = MEWL_LAYER_READS_X,
                                               .plan = pool_window_plan,
                                               .forward = pool_window_forward,
                                               .backward = pool_window_backward,
                                               .reach = pool_window_reach};

mewl_node mewl_net_pool2d_window(mewl_net *net, const char *name, mewl_node x, mewl_window_opts opts)
{
    mewl_layer *layer = mewl__net_add(net, &pool_window_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    for (int a = 0; a < 2; a++) {
        opts.stride[a] = opts.stride[a] == 0 ? opts.kernel[a] : opts.stride[a];
        bool small = opts.kernel[a] >= 1 && opts.kernel[a] <= 65536 && opts.stride[a] >= 1 && opts.stride[a] <= 65536;
        for (int side = 0; side < 2 && small; side++) {
            small = opts.pad[2 * a + side] >= 0 && opts.pad[2 * a + side] <= opts.kernel[a] / 2;
        }
        if (!small || (unsigned)opts.kind > MEWL_POOL_AVG_MAX) {
            return mewl__net_fail(net, MEWL_E_ARG, "layer %s: no such window", name);
        }
    }
    int64_t room = layer->features + opts.pad[2] + opts.pad[3] - opts.kernel[1];
    if (room < 0) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: a window of %lldx%lld on %lld features", name,
                              (long long)opts.kernel[0], (long long)opts.kernel[1], (long long)layer->features);
    }
    ((pool_window *)layer)->opts = opts;
    layer->features = room / opts.stride[1] + 1;
    return (mewl_node)layer->index;
}
