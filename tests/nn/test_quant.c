/* test_quant.c - eight bits: convolutions, sums and poolings against plain loops over whole numbers; what is chosen for
 * a range; quantised nets in checkpoints, hostile ones among them; what a quantised net refuses. */
#include "nn/net_private.h"
#include "nn/quant_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/scratch.h"

#define OK(call) assert_int_equal((call), MEWL_OK)

static void fill(float *x, size_t count, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)mewl_rng_normal(&rng);
    }
}

static mewl_layer *layer_of(mewl_net *net, const char *name)
{
    for (size_t i = 0; i < net->layer_count; i++) {
        if (strcmp(net->layers[i]->name, name) == 0) {
            return net->layers[i];
        }
    }
    fail_msg("no layer %s", name);
    return NULL;
}

static float *param(mewl_net *net, const char *name)
{
    mewl_param *p = mewl_net_param(net, name);
    assert_non_null(p);
    return p->value.data;
}

/* ---- Convolutions: in, any sign -> conv (norm, activation) -> out, all in eight bits ---- */

enum { N = 2, T = 9, F = 7 };

typedef struct conv_row {
    const char *name;
    int64_t in;
    mewl_conv2d_opts conv;
    mewl_node (*activation)(mewl_net *net, const char *name, mewl_node x);
    bool norm, is_signed, out_signed;
} conv_row;

static const conv_row conv_rows[] = {
    {"3x3, norm, ReLU", 16, {.out = 32, .kernel = {3, 3}, .pad = {1, 1, 1, 1}}, mewl_net_relu, true, false, false},
    {"channels of no whole block",
     5,
     {.out = 7, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
     mewl_net_relu,
     true,
     false,
     false},
    {"signed in and out",
     20,
     {.out = 24, .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .bias = true},
     NULL,
     false,
     true,
     true},
    {"1x1", 48, {.out = 64, .kernel = {1, 1}, .bias = true}, mewl_net_relu6, true, false, false},
    {"strides, SAME",
     16,
     {.out = 16, .kernel = {3, 3}, .stride = {2, 2}, .same = true},
     mewl_net_relu,
     true,
     true,
     false},
    {"dilated, over time alone",
     16,
     {.out = 16, .kernel = {3, 1}, .dilation = {2, 1}, .pad = {2, 2, 0, 0}},
     mewl_net_relu,
     true,
     false,
     false},
    {"hard swish", 16, {.out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}}, mewl_net_hard_swish, true, false, true},
    {"sigmoid",
     16,
     {.out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .bias = true},
     mewl_net_sigmoid,
     false,
     false,
     false},
    {"depthwise",
     32,
     {.out = 32, .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .groups = 32},
     mewl_net_relu,
     true,
     false,
     false},
    {"depthwise, stride 2, 24 channels",
     24,
     {.out = 24, .kernel = {3, 3}, .stride = {2, 2}, .same = true, .groups = 24},
     mewl_net_relu6,
     true,
     false,
     false},
    {"5x5", 12, {.out = 16, .kernel = {5, 5}, .pad = {2, 2, 2, 2}}, mewl_net_relu, true, false, false},
};

static mewl_net *conv_net(const conv_row *row)
{
    mewl_net *net;
    mewl_error err = {0};
    OK(mewl_net_new(&net, &err));
    mewl_node x = mewl_net_input(net, row->in, F);
    x = row->is_signed ? mewl_net_pool2d(net, "first", x, MEWL_POOL_MAX, 1, 1) : mewl_net_relu(net, "first", x);
    x = mewl_net_conv2d(net, "conv", x, row->conv);
    x = row->norm ? mewl_net_batch_norm(net, "norm", x, (mewl_batch_norm_opts){0}) : x;
    x = row->activation != NULL ? row->activation(net, "act", x) : x;
    mewl_net_output(net, "y", mewl_net_pool2d(net, "last", x, MEWL_POOL_MAX, 1, 1));
    OK(mewl_net_seal(net, &err));
    mewl_net_init_xavier(net, 3);
    if (row->norm) { /* a factor below zero, and one of nothing */
        fill(param(net, "norm.weight"), (size_t)row->conv.out, 5);
        fill(param(net, "norm.bias"), (size_t)row->conv.out, 6);
        fill(param(net, "norm.running_mean"), (size_t)row->conv.out, 7);
        param(net, "norm.weight")[1] = 0.0f;
    }
    if (row->conv.bias) {
        fill(param(net, "conv.bias"), (size_t)row->conv.out, 8);
    }
    return net;
}

static double activate(const conv_row *row, double v)
{
    const double gate = fmin(fmax(v / 6.0 + 0.5, 0.0), 1.0);
    return row->activation == mewl_net_relu         ? fmax(v, 0.0)
           : row->activation == mewl_net_relu6      ? fmin(fmax(v, 0.0), 6.0)
           : row->activation == mewl_net_hard_swish ? v * gate
           : row->activation == mewl_net_sigmoid    ? 1.0 / (1.0 + exp(-v))
                                                    : v;
}

static int quantum(double value, mewl__grid grid)
{
    const double low = grid.is_signed ? -127.0 : 0.0, high = grid.is_signed ? 127.0 : 255.0;
    return (int)fmin(fmax(rint(value), low), high);
}

/* Sum of whole numbers under output (c, t, f) of clip n, times what one of it is worth. */
static double twin_sum(const conv_row *row, const mewl__conv_spec *s, const int *x, const int8_t *w, int64_t n,
                       int64_t c, int64_t t, int64_t f)
{
    const int64_t groups = row->conv.groups == 0 ? 1 : row->conv.groups, in = row->in / groups,
                  out = row->conv.out / groups;
    long sum = 0;
    for (int64_t i = 0; i < in; i++) {
        for (int64_t a = 0; a < s->kernel[0]; a++) {
            for (int64_t b = 0; b < s->kernel[1]; b++) {
                const int64_t u = t * s->stride[0] + a * s->dilation[0] - s->pad[0];
                const int64_t v = f * s->stride[1] + b * s->dilation[1] - s->pad[2];
                if (u >= 0 && u < T && v >= 0 && v < F) {
                    sum += x[((n * row->in + c / out * in + i) * T + u) * F + v] *
                           w[((c * in + i) * s->kernel[0] + a) * s->kernel[1] + b];
                }
            }
        }
    }
    return (double)sum;
}

static void geometry(mewl__conv_spec *s, const mewl_conv2d_opts *o, mewl_shape out)
{
    for (int a = 0; a < 2; a++) {
        s->kernel[a] = o->kernel[a];
        s->stride[a] = o->stride[a] == 0 ? 1 : o->stride[a];
        s->dilation[a] = o->dilation[a] == 0 ? 1 : o->dilation[a];
        const int64_t need =
            (out.dim[2 + a] - 1) * s->stride[a] + (s->kernel[a] - 1) * s->dilation[a] + 1 - (a == 0 ? T : F);
        s->pad[2 * a] = o->same ? (need > 0 ? need : 0) / 2 : o->pad[2 * a];
    }
}

static void check_conv(const conv_row *row)
{
    mewl_error err = {0};
    mewl_net *net = conv_net(row);
    const size_t count = (size_t)(N * row->in * T * F);
    float *x = calloc(count, sizeof *x);
    int *whole = calloc(count, sizeof *whole);
    fill(x, count, 9);
    const mewl_net_plan_opts opts = {.batch = N, .frames = T};
    OK(mewl_net_observe(net, true, &err));
    OK(mewl_net_plan(net, opts, &err));
    OK(mewl_net_forward(net, x, &err));
    OK(mewl_net_quantise(net, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC, .range = MEWL_RANGE_MSE}, &err));
    OK(mewl_net_plan(net, opts, &err));
    OK(mewl_net_forward(net, x, &err));
    if (mewl_net_quant_activations(net) != 2) { /* conv's own and the last pooling's */
        fail_msg("%s: %zu activations of eight bits", row->name, mewl_net_quant_activations(net));
    }
    const mewl_layer *conv = layer_of(net, "conv");
    const mewl__grid from = layer_of(net, "first")->eight->grid, to = conv->eight->grid;
    assert_int_equal(from.is_signed, row->is_signed);
    assert_int_equal(to.is_signed, row->out_signed);
    int8_t *w = calloc((size_t)mewl_shape_count(conv->params[0]->value.shape), 1);
    mewl__eight_weights(w, conv);
    for (size_t i = 0; i < count; i++) {
        const float floor = row->is_signed ? x[i] : fmaxf(x[i], 0.0f);
        whole[i] = quantum((double)(floor * (1.0f / from.scale)), from);
    }
    mewl_shape shape;
    const float *y = mewl_net_output_value(net, "y", &shape);
    mewl__conv_spec s = {0};
    geometry(&s, &row->conv, shape);
    int64_t others = 0, at = 0;
    for (int64_t n = 0; n < N; n++) {
        for (int64_t c = 0; c < row->conv.out; c++) {
            double scale = 1.0, shift = row->conv.bias ? (double)param(net, "conv.bias")[c] : 0.0;
            if (row->norm) {
                scale = (double)param(net, "norm.weight")[c] / sqrt((double)param(net, "norm.running_var")[c] + 1e-5);
                shift =
                    (shift - (double)param(net, "norm.running_mean")[c]) * scale + (double)param(net, "norm.bias")[c];
            }
            for (int64_t t = 0; t < shape.dim[2]; t++) {
                for (int64_t f = 0; f < shape.dim[3]; f++, at++) {
                    const double real = twin_sum(row, &s, whole, w, n, c, t, f) * (double)from.scale *
                                            (double)conv->eight->scale[c] * scale +
                                        shift;
                    const int want = quantum(activate(row, real) / (double)to.scale, to);
                    const mewl__grid last = layer_of(net, "last")->eight->grid;
                    const int pooled = quantum((double)want * (double)to.scale / (double)last.scale, last);
                    const int got = (int)lrint((double)y[at] / (double)last.scale);
                    others += got != pooled;
                    if (abs(got - pooled) > 1) {
                        fail_msg("%s: clip %d channel %d (%d, %d): %d, not %d", row->name, (int)n, (int)c, (int)t,
                                 (int)f, got, pooled);
                    }
                }
            }
        }
    }
    if (others * 50 > at) { /* ties and the last bit of a float alone */
        fail_msg("%s: %d of %d differ by one", row->name, (int)others, (int)at);
    }
    free(w);
    free(x);
    free(whole);
    mewl_net_free(net);
}

static void test_convolutions(void **state)
{
    for (size_t i = 0; i < sizeof conv_rows / sizeof conv_rows[0]; i++) {
        check_conv(&conv_rows[i]);
    }
}

/* ---- Loops over whole numbers ---- */

typedef struct map8 {
    mewl_tensor x;
    uint8_t data[2 * 6 * 6 * 80];
} map8;

static void map8_make(map8 *m, mewl_dtype dtype, int64_t c, int64_t t, int64_t f, float scale, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    m->x = (mewl_tensor){.shape = mewl_shape_map(2, c, t, f),
                         .dtype = dtype,
                         .layout = MEWL_LAYOUT_LAST,
                         .scale = scale,
                         .data = m->data};
    for (int64_t i = 0; i < 2 * c * t * f; i++) {
        int v = (int)floor(
            mewl_rng_range(&rng, dtype == MEWL_DTYPE_U8 ? 0.0 : -127.0, dtype == MEWL_DTYPE_U8 ? 256.0 : 128.0));
        m->data[i] = (uint8_t)v;
    }
}

/* What element (n, c, t, f) means. */
static double at8(const map8 *m, int64_t n, int64_t c, int64_t t, int64_t f)
{
    const mewl_shape s = m->x.shape;
    const size_t i = (size_t)(((n * s.dim[2] + t) * s.dim[3] + f) * s.dim[1] + c);
    return (double)m->x.scale * (m->x.dtype == MEWL_DTYPE_U8 ? (double)m->data[i] : (double)(int8_t)m->data[i]);
}

/* The element must be `value` rounded to the grid: to a thousandth of a step, for sums in float32. */
static void near8(const map8 *m, int64_t n, int64_t c, int64_t t, int64_t f, double value)
{
    const bool u = m->x.dtype == MEWL_DTYPE_U8;
    const double q = fmin(fmax(value / (double)m->x.scale, u ? 0.0 : -127.0), u ? 255.0 : 127.0);
    assert_true(fabs(at8(m, n, c, t, f) / (double)m->x.scale - q) <= 0.501);
}

static void test_pools(void **state)
{
    static map8 x, y;
    static const struct {
        mewl_dtype dtype;
        int64_t c, t, f;
        size_t kernel[2];
        bool mean, of;
    } rows[] = {{MEWL_DTYPE_U8, 64, 6, 6, {2, 2}, true, false},
                {MEWL_DTYPE_U8, 80, 5, 6, {2, 2}, true, true},
                {MEWL_DTYPE_I8, 3, 6, 5, {3, 2}, false, true},
                {MEWL_DTYPE_I8, 70, 6, 6, {1, 2}, true, true},
                {MEWL_DTYPE_U8, 7, 4, 4, {4, 4}, true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int64_t kt = (int64_t)rows[i].kernel[0], kf = (int64_t)rows[i].kernel[1];
        map8_make(&x, rows[i].dtype, rows[i].c, rows[i].t, rows[i].f, 0.031f, i);
        map8_make(&y, rows[i].dtype, rows[i].c, rows[i].t / kt, rows[i].f / kf, 0.047f, 100);
        mewl__eight_pool(&y.x, &x.x, rows[i].kernel, rows[i].mean, rows[i].of, 1);
        for (int64_t n = 0; n < 2; n++) {
            for (int64_t p = 0; p < rows[i].c * (rows[i].t / kt) * (rows[i].f / kf); p++) {
                const int64_t c = p % rows[i].c, f = p / rows[i].c % (rows[i].f / kf),
                              t = p / rows[i].c / (rows[i].f / kf);
                double sum = 0.0, top = -1e9;
                for (int64_t k = 0; k < kt * kf; k++) {
                    const double v = at8(&x, n, c, t * kt + k / kf, f * kf + k % kf);
                    sum += v;
                    top = fmax(top, v);
                }
                near8(&y, n, c, t, f, (rows[i].mean ? sum / (double)(kt * kf) : 0.0) + (rows[i].of ? top : 0.0));
            }
        }
    }
}

static void test_sums_and_joins(void **state)
{
    static map8 a, b, y, z, r;
    map8_make(&a, MEWL_DTYPE_U8, 20, 5, 3, 0.02f, 1);
    map8_make(&b, MEWL_DTYPE_I8, 20, 5, 3, 0.05f, 2);
    map8_make(&y, MEWL_DTYPE_I8, 20, 5, 3, 0.06f, 3);
    map8_make(&z, MEWL_DTYPE_U8, 20, 5, 3, 0.03f, 4);
    map8_make(&r, MEWL_DTYPE_U8, 20, 5, 3, 0.04f, 4);
    mewl__eight_add(&y.x, &a.x, &b.x, false, 1);
    mewl__eight_add(&z.x, &a.x, &b.x, true, 1);
    mewl__eight_relu(&r.x, &b.x, 1);
    for (int64_t p = 0; p < 2 * 20 * 15; p++) {
        const int64_t n = p / 300, c = p % 20, t = p % 300 / 60, f = p % 60 / 20;
        const double sum = at8(&a, n, c, t, f) + at8(&b, n, c, t, f);
        near8(&y, n, c, t, f, sum);
        near8(&z, n, c, t, f, fmax(sum, 0.0));
        near8(&r, n, c, t, f, fmax(at8(&b, n, c, t, f), 0.0));
    }
    static map8 joined;
    map8_make(&joined, MEWL_DTYPE_I8, 40, 5, 3, 0.06f, 5);
    mewl__eight_concat(&joined.x, (mewl_tensor[]){a.x, b.x}, 2, 1);
    for (int64_t p = 0; p < 2 * 20 * 15; p++) {
        const int64_t n = p / 300, c = p % 20, t = p % 300 / 60, f = p % 60 / 20;
        near8(&joined, n, c, t, f, at8(&a, n, c, t, f));
        near8(&joined, n, c + 20, t, f, at8(&b, n, c, t, f));
    }
}

static void test_means(void **state)
{
    static map8 x, y;
    float wide[2 * 70 * 5], mean[2 * 70], both[2 * 70];
    map8_make(&x, MEWL_DTYPE_I8, 70, 5, 6, 0.02f, 1);
    map8_make(&y, MEWL_DTYPE_I8, 70, 5, 1, 0.01f, 2);
    mewl_tensor floats = {.shape = y.x.shape, .dtype = MEWL_DTYPE_F32, .layout = MEWL_LAYOUT_LAST, .data = wide};
    mewl__eight_mean_features(&y.x, &x.x, 1);
    mewl__eight_mean_features(&floats, &x.x, 1);
    mewl__eight_global_pool(mean, &x.x, true, false, 1);
    mewl__eight_global_pool(both, &x.x, true, true, 1);
    for (int64_t n = 0; n < 2; n++) {
        for (int64_t c = 0; c < 70; c++) {
            double total = 0.0, top = -1e9;
            for (int64_t t = 0; t < 5; t++) {
                double sum = 0.0;
                for (int64_t f = 0; f < 6; f++) {
                    sum += at8(&x, n, c, t, f) / 6.0;
                }
                near8(&y, n, c, t, 0, sum);
                assert_true(fabs((double)wide[(n * 5 + t) * 70 + c] - sum) < 1e-5);
                total += sum / 5.0;
                top = fmax(top, sum);
            }
            assert_true(fabs((double)mean[n * 70 + c] - total) < 1e-5);
            assert_true(fabs((double)both[n * 70 + c] - total - top) < 1e-5);
        }
    }
}

static void test_conversions(void **state)
{
    static float plain[2 * 20 * 15], back[2 * 32 * 15];
    static uint16_t half[2 * 32 * 15];
    static map8 q;
    fill(plain, 2 * 20 * 15, 3);
    static const mewl_layout layouts[] = {MEWL_LAYOUT_PLAIN, MEWL_LAYOUT_LAST, MEWL_LAYOUT_BLOCK8, MEWL_LAYOUT_BLOCK16};
    for (size_t i = 0; i < 8; i++) {
        const mewl_shape shape = mewl_shape_map(2, 20, 5, 3);
        const bool is_half = i >= 4;
        mewl_tensor from = {.shape = shape, .dtype = MEWL_DTYPE_F32, .data = plain};
        mewl_tensor via = {.shape = shape,
                           .dtype = is_half ? MEWL_DTYPE_BF16 : MEWL_DTYPE_F32,
                           .layout = layouts[i % 4],
                           .data = is_half ? (void *)half : (void *)back};
        static float final[2 * 20 * 15];
        mewl_tensor to = {.shape = shape, .dtype = MEWL_DTYPE_F32, .data = final};
        map8_make(&q, MEWL_DTYPE_I8, 20, 5, 3, 0.02f, 4);
        mewl__convert(&via, &from, false, 1);
        mewl__convert(&q.x, &via, false, 1);
        for (int64_t p = 0; p < 2 * 20 * 15; p++) { /* plain order */
            const double value = (double)plain[p], got = at8(&q, p / 300, p % 300 / 15, p % 15 / 3, p % 3);
            const double want = fmin(fmax(value, -127 * 0.02), 127 * 0.02);
            assert_true(fabs(got - want) <= 0.0101 + (is_half ? fabs(value) / 256.0 : 0.0));
        }
        memset(back, 0x55, sizeof back);
        memset(half, 0x55, sizeof half);
        mewl__convert(&via, &q.x, false, 1);
        mewl__convert(&to, &via, false, 1);
        for (int64_t p = 0; p < 2 * 20 * 15; p++) {
            const double want = at8(&q, p / 300, p % 300 / 15, p % 15 / 3, p % 3);
            assert_true(fabs((double) final[p] - want) <= (is_half ? 0.01 : 1e-6));
        }
    }
}

/* ---- Ranges ---- */

static void observe_all(mewl__histogram *h, const float *x, size_t count, size_t batch)
{
    memset(h, 0, sizeof *h);
    for (size_t at = 0; at < count; at += batch) {
        const size_t some = count - at < batch ? count - at : batch;
        mewl_tensor t = {.shape = mewl_shape_map(1, 1, (int64_t)some, 1),
                         .dtype = MEWL_DTYPE_F32,
                         .data = (void *)(uintptr_t)(x + at)};
        mewl__histogram_add(h, &t);
    }
}

static void test_ranges(void **state)
{
    enum { COUNT = 60000 };
    static float x[COUNT], y[COUNT];
    static mewl__histogram a, b;
    fill(x, COUNT, 1);
    x[777] = 40.0f; /* far outside */
    for (size_t i = 0; i < COUNT; i++) {
        y[i] = x[COUNT - 1 - i];
    }
    observe_all(&a, x, COUNT, COUNT);
    observe_all(&b, y, COUNT, 77); /* another order, other batches */
    assert_memory_equal(&a, &b, sizeof a);

    const mewl__grid all = mewl__histogram_grid(&a, (mewl_quant_opts){.range = MEWL_RANGE_MINMAX});
    assert_true(all.is_signed && fabsf(all.scale * 127.0f - 40.0f) < 1e-4f);
    const mewl__grid most =
        mewl__histogram_grid(&a, (mewl_quant_opts){.range = MEWL_RANGE_PERCENTILE, .percentile = 99.0});
    assert_true(most.scale * 127.0f > 2.5f && most.scale * 127.0f < 2.7f); /* 2.576 of a normal distribution */
    const mewl__grid best = mewl__histogram_grid(&a, (mewl_quant_opts){.range = MEWL_RANGE_MSE});
    double error[2] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        const mewl__grid grids[] = {all, best};
        for (int g = 0; g < 2; g++) {
            const double s = (double)grids[g].scale, d = (double)x[i] - s * quantum((double)x[i] / s, grids[g]);
            error[g] += d * d;
        }
    }
    assert_true(error[1] < error[0]);

    static float none[100];
    observe_all(&a, none, 100, 100);
    const mewl__grid zero = mewl__histogram_grid(&a, (mewl_quant_opts){0});
    assert_true(zero.scale == 1.0f && !zero.is_signed);
    none[50] = NAN;
    observe_all(&a, none, 100, 100);
    assert_true(a.broken);
}

/* ---- A whole small net ---- */

enum { FRAMES = 20, BANDS = 16 };

static mewl_net *small_net(void)
{
    mewl_net *net;
    mewl_error err = {0};
    OK(mewl_net_new(&net, &err));
    mewl_node x = mewl_net_conv2d(net, "stem", mewl_net_input(net, 1, BANDS),
                                  (mewl_conv2d_opts){.out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}});
    x = mewl_net_relu(net, "stem.relu", mewl_net_batch_norm(net, "stem.bn", x, (mewl_batch_norm_opts){0}));
    mewl_node y = mewl_net_conv2d(net, "conv", x, (mewl_conv2d_opts){.out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}});
    y = mewl_net_batch_norm(net, "bn", y, (mewl_batch_norm_opts){0});
    y = mewl_net_relu(net, "sum.relu", mewl_net_add(net, "sum", x, y));
    y = mewl_net_pool2d(net, "pool", mewl_net_concat(net, "join", (mewl_node[]){x, y}, 2), MEWL_POOL_AVG, 2, 2);
    y = mewl_net_conv2d(net, "last", y, (mewl_conv2d_opts){.out = 24, .kernel = {1, 1}, .bias = true});
    y = mewl_net_relu(net, "last.relu", y);
    mewl_net_output(
        net, "frame",
        mewl_net_linear(net, "fc_frame", mewl_net_mean_features(net, "mean", y), (mewl_linear_opts){.out = 3}));
    y = mewl_net_global_pool(net, "global", y, MEWL_POOL_AVG_MAX);
    mewl_net_output(net, "clip", mewl_net_linear(net, "fc", y, (mewl_linear_opts){.out = 5}));
    OK(mewl_net_seal(net, &err));
    mewl_net_init_xavier(net, 11);
    return net;
}

static void run(mewl_net *net, bool dequantise, const float *x, int64_t batch, float clip[15], float *frame)
{
    mewl_error err = {0};
    OK(mewl_net_plan(net, (mewl_net_plan_opts){.batch = batch, .frames = FRAMES, .dequantise = dequantise}, &err));
    OK(mewl_net_forward(net, x, &err));
    memcpy(clip, mewl_net_output_value(net, "clip", NULL), (size_t)batch * 5 * sizeof *clip);
    if (frame != NULL) {
        memcpy(frame, mewl_net_output_value(net, "frame", NULL), (size_t)batch * 30 * sizeof *frame);
    }
}

static double farthest(const float *a, const float *b, size_t count)
{
    double most = 0.0, size = 0.0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
        size = fmax(size, fabs((double)b[i]));
    }
    return most / size;
}

static mewl_net *quantised(mewl_quant_kind kind, const float *x)
{
    mewl_error err = {0};
    mewl_net *net = small_net();
    float clip[15];
    OK(mewl_net_observe(net, true, &err));
    assert_true(mewl_net_observing(net));
    run(net, false, x, 3, clip, NULL);
    OK(mewl_net_quantise(net, (mewl_quant_opts){.kind = kind}, &err));
    assert_false(mewl_net_observing(net));
    return net;
}

static void test_whole_net(void **state)
{
    float x[3 * FRAMES * BANDS], want[15], got[15], floats[15], alone[15], want_frame[90], got_frame[90];
    mewl_error err = {0};
    fill(x, sizeof x / sizeof *x, 2);
    mewl_net *net = small_net();
    run(net, false, x, 3, want, want_frame);
    for (int kind = MEWL_QUANT_DYNAMIC; kind <= MEWL_QUANT_STATIC; kind++) {
        mewl_net *q = quantised((mewl_quant_kind)kind, x);
        const bool whole = kind == MEWL_QUANT_STATIC;
        assert_int_equal(mewl_net_quantised(q), kind);
        assert_int_equal(mewl_net_quant_weights(q), whole ? 4 : 2); /* conv, last, fc_frame, fc */
        run(q, true, x, 3, floats, NULL);
        assert_true(farthest(floats, want, 15) < 0.02); /* of the weights alone */
        assert_int_equal(mewl_net_quant_activations(q), 0);
        run(q, false, x, 3, got, got_frame);
        /* conv, sum, join, pool, last; of stem they read a copy */
        assert_int_equal(mewl_net_quant_activations(q), whole ? 5 : 0);
        assert_true(farthest(got, want, 15) < 0.04 && farthest(got, floats, 15) > 0.0);
        assert_true(farthest(got_frame, want_frame, 90) < 0.05);
        run(q, false, x + 2 * FRAMES * BANDS, 1, alone, NULL); /* as in the batch */
        assert_memory_equal(alone, got + 10, 5 * sizeof *alone);
        x[5] = NAN;
        run(q, false, x, 3, got, NULL);
        assert_true(isnan(got[0]) && !isnan(got[5]) && !isnan(got[10]));
        fill(x, sizeof x / sizeof *x, 2);
        assert_int_equal(mewl_net_plan(q, (mewl_net_plan_opts){.training = true, .batch = 1, .frames = FRAMES}, &err),
                         MEWL_E_UNSUPPORTED);
        assert_int_equal(mewl_net_observe(q, true, &err), MEWL_E_STATE);
        assert_int_equal(mewl_net_quantise(q, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC}, &err), MEWL_E_STATE);
        mewl_net_free(q);
    }
    assert_int_equal(mewl_net_quantise(net, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC}, &err), MEWL_E_STATE);
    assert_int_equal(mewl_net_quantise(net, (mewl_quant_opts){.kind = MEWL_QUANT_NONE}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_net_quantise(net, (mewl_quant_opts){.kind = MEWL_QUANT_DYNAMIC, .percentile = 20.0}, &err),
                     MEWL_E_ARG);
    param(net, "fc.weight")[3] = INFINITY;
    assert_int_equal(mewl_net_quantise(net, (mewl_quant_opts){.kind = MEWL_QUANT_DYNAMIC}, &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "fc.weight"));
    mewl_net_free(net);
}

/* Another order of the same clips, one at a time: the same grids. */
static void test_calibration_is_determined(void **state)
{
    float x[3 * FRAMES * BANDS], clip[15];
    mewl_error err = {0};
    fill(x, sizeof x / sizeof *x, 2);
    mewl_net *a = quantised(MEWL_QUANT_STATIC, x), *b = small_net();
    OK(mewl_net_observe(b, true, &err));
    for (int i = 2; i >= 0; i--) {
        run(b, false, x + i * FRAMES * BANDS, 1, clip, NULL);
    }
    OK(mewl_net_quantise(b, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC}, &err));
    for (size_t i = 0; i < a->layer_count; i++) {
        const mewl__eight *p = a->layers[i]->eight, *q = b->layers[i]->eight;
        assert_true(p->grid.is_signed == q->grid.is_signed);
        assert_true(fabsf(p->grid.scale - q->grid.scale) <= 1e-6f * p->grid.scale); /* the floats' own last bit */
    }
    mewl_net_free(a);
    mewl_net_free(b);
}

/* ---- Checkpoints ---- */

static void test_round_trip(void **state)
{
    float x[3 * FRAMES * BANDS], want[15], got[15];
    mewl_error err = {0};
    fill(x, sizeof x / sizeof *x, 2);
    for (int kind = MEWL_QUANT_DYNAMIC; kind <= MEWL_QUANT_STATIC; kind++) {
        const char *path = scratch_path(*state, "q.safetensors");
        mewl_net *q = quantised((mewl_quant_kind)kind, x), *fresh = small_net();
        mewl_checkpoint *c;
        uint64_t bytes;
        struct stat st;
        run(q, false, x, 3, want, NULL);
        OK(mewl_checkpoint_new(&c, &err));
        OK(mewl_checkpoint_put_net(c, q, false, &err));
        OK(mewl_checkpoint_bytes(c, &bytes, &err));
        OK(mewl_checkpoint_write(c, path, &err));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal((uint64_t)st.st_size, bytes);
        mewl_checkpoint_free(c);
        OK(mewl_checkpoint_read(&c, path, &err));
        OK(mewl_checkpoint_get_net(c, fresh, false, &err));
        mewl_checkpoint_free(c);
        assert_int_equal(mewl_net_quantised(fresh), kind);
        run(fresh, false, x, 3, got, NULL);
        assert_memory_equal(got, want, sizeof got);
        /* and an ordinary checkpoint into it: ordinary again */
        mewl_net *plain = small_net();
        OK(mewl_checkpoint_new(&c, &err));
        OK(mewl_checkpoint_put_net(c, plain, false, &err));
        OK(mewl_checkpoint_get_net(c, fresh, false, &err));
        mewl_checkpoint_free(c);
        assert_int_equal(mewl_net_quantised(fresh), MEWL_QUANT_NONE);
        run(fresh, false, x, 3, got, NULL);
        run(plain, false, x, 3, want, NULL);
        assert_memory_equal(got, want, sizeof got);
        mewl_net_free(plain);
        mewl_net_free(fresh);
        mewl_net_free(q);
    }
}

/* One entry or text of a good checkpoint replaced. */
typedef struct spoil {
    const char *name; /* entry, or NULL: the metadata */
    const char *text; /* metadata instead */
    mewl_dtype dtype;
    int64_t dim[2];
    float value;
    int rank;
    mewl_status status;
} spoil;

static const spoil spoils[] = {
    {"fc.weight.scale", NULL, MEWL_DTYPE_F32, {5, 1}, 0.0f, 1, MEWL_E_FORMAT},
    {"fc.weight.scale", NULL, MEWL_DTYPE_F32, {5, 1}, -0.1f, 1, MEWL_E_FORMAT},
    {"fc.weight.scale", NULL, MEWL_DTYPE_F32, {5, 1}, NAN, 1, MEWL_E_FORMAT},
    {"fc.weight.scale", NULL, MEWL_DTYPE_F32, {5, 1}, INFINITY, 1, MEWL_E_FORMAT},
    {"fc.weight.scale", NULL, MEWL_DTYPE_F32, {5, 1}, 1e-40f, 1, MEWL_E_FORMAT},
    {"fc.weight.scale", NULL, MEWL_DTYPE_F32, {4, 1}, 0.1f, 1, MEWL_E_SHAPE},
    {"fc.weight.scale", NULL, MEWL_DTYPE_I8, {5, 1}, 1.0f, 1, MEWL_E_UNSUPPORTED},
    {"fc.weight.scale", NULL, MEWL_DTYPE_COUNT, {0, 0}, 0.0f, 0, MEWL_E_NOT_FOUND},
    {"fc.weight", NULL, MEWL_DTYPE_I8, {24, 5}, 1.0f, 2, MEWL_E_SHAPE},
    {"fc.weight", NULL, MEWL_DTYPE_I8, {5, 24}, -128.0f, 2, MEWL_E_FORMAT},
    {"fc.weight", NULL, MEWL_DTYPE_I16, {5, 24}, 1.0f, 2, MEWL_E_UNSUPPORTED},
    {"fc.weight", NULL, MEWL_DTYPE_F32, {5, 24}, 1.0f, 2, MEWL_E_FORMAT}, /* the scale is then one entry too many */
    {"fc.bias", NULL, MEWL_DTYPE_I8, {5, 1}, 1.0f, 1, MEWL_E_UNSUPPORTED},
    {"stem.weight", NULL, MEWL_DTYPE_I8, {16, 9}, 1.0f, 2, MEWL_E_FORMAT}, /* not a layer of eight bits */
    {NULL, "{\"kind\":\"static\",\"activations\":{\"nobody\":[0.1,0]}}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":\"static\",\"activations\":{\"conv\":[0,0]}}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":\"static\",\"activations\":{\"conv\":[-1,0]}}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":\"static\",\"activations\":{\"conv\":[1e300,0]}}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":\"static\",\"activations\":{\"conv\":[1,2]}}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":\"static\",\"activations\":{\"conv\":[\"1\",0]}}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":\"static\",\"activations\":{\"conv\":1}}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":\"static\",\"activations\":[]}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":\"static\"}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":\"none\"}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{\"kind\":3}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "{}", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, "[", 0, {0}, 0, 0, MEWL_E_FORMAT},
    {NULL, NULL, 0, {0}, 0, 0, MEWL_E_FORMAT}, /* eight bits and no word of it */
};

static void put_spoilt(mewl_checkpoint *c, const spoil *s)
{
    union {
        float f[256];
        int8_t i[1024];
    } data = {0};
    for (int i = 0; i < 256 && s->dtype == MEWL_DTYPE_F32; i++) {
        data.f[i] = s->value;
    }
    for (int i = 0; i < 1024 && s->dtype != MEWL_DTYPE_F32; i++) {
        data.i[i] = (int8_t)s->value;
    }
    mewl_error err = {0};
    if (s->dtype != MEWL_DTYPE_COUNT) {
        OK(mewl_checkpoint_put(c, s->name, s->dtype, s->rank, s->dim, &data, &err));
    }
}

static void test_hostile(void **state)
{
    float x[3 * FRAMES * BANDS];
    mewl_error err = {0};
    fill(x, sizeof x / sizeof *x, 2);
    mewl_net *q = quantised(MEWL_QUANT_STATIC, x);
    mewl_checkpoint *good;
    OK(mewl_checkpoint_new(&good, &err));
    OK(mewl_checkpoint_put_net(good, q, false, &err));
    for (size_t i = 0; i < sizeof spoils / sizeof spoils[0]; i++) {
        const spoil *s = &spoils[i];
        mewl_checkpoint *bad;
        mewl_checkpoint_entry e;
        OK(mewl_checkpoint_new(&bad, &err));
        for (size_t k = 0; mewl_checkpoint_at(good, &e, k); k++) {
            if (s->name == NULL || strcmp(s->name, e.name) != 0) {
                OK(mewl_checkpoint_put(bad, e.name, e.dtype, e.rank, e.dim, e.data, &err));
            } else {
                put_spoilt(bad, s);
            }
        }
        const char *text = s->name != NULL ? mewl_checkpoint_text(good, "mewl.quant") : s->text;
        if (text != NULL) {
            OK(mewl_checkpoint_set_text(bad, "mewl.quant", text, &err));
        }
        mewl_net *fresh = small_net();
        memset(&err, 0, sizeof err);
        const mewl_status status = mewl_checkpoint_get_net(bad, fresh, false, &err);
        if (status != s->status || err.status != status || err.text[0] == '\0') {
            fail_msg("case %zu: %s (%s)", i, mewl_status_name(status), err.text);
        }
        mewl_net_free(fresh);
        mewl_checkpoint_free(bad);
    }
    mewl_checkpoint_free(good);
    mewl_net_free(q);
}

static void test_names(void **state)
{
    assert_string_equal(mewl_quant_kind_name(MEWL_QUANT_STATIC), "static");
    assert_string_equal(mewl_quant_range_name(MEWL_RANGE_PERCENTILE), "percentile");
    assert_null(mewl_quant_kind_name(MEWL_QUANT_COUNT));
    assert_null(mewl_quant_range_name(MEWL_RANGE_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_sums_and_joins),
        cmocka_unit_test(test_means),
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_whole_net),
        cmocka_unit_test(test_calibration_is_determined),
        cmocka_unit_test_setup_teardown(test_round_trip, scratch_make, scratch_remove),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
