/* test_gradients.c - every layer kind, in every layout and in both element types: outputs against its plain-loop twin,
 * and gradients of all inputs and parameters against central differences of that twin (in double, so that the
 * tolerance measures the engine and not the differences). A new layer kind needs a row here.
 */
#include "nn/net_private.h"
#include "twins.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEP 1e-5

/* ---- Builders of the table ---- */

static mewl_node build_conv2d(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_conv2d(net, "l", x0, row->conv);
}

static mewl_node build_batch_norm(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_batch_norm(net, "l", x0, (mewl_batch_norm_opts){.features = row->flag});
}

#define BUILD(kind)                                                                                                    \
    static mewl_node build_##kind(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)                      \
    {                                                                                                                  \
        return mewl_net_##kind(net, "l", x0);                                                                          \
    }
BUILD(relu)
BUILD(relu6)
BUILD(sigmoid)
BUILD(hard_sigmoid)
BUILD(hard_swish)
BUILD(mean_features)
BUILD(flatten_features)
BUILD(linear_softmax)

static mewl_node build_pool2d(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_pool2d(net, "l", x0, row->pool, row->kernel[0], row->kernel[1]);
}

static mewl_node build_global_pool(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_global_pool(net, "l", x0, row->pool);
}

static mewl_node build_linear(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_linear(net, "l", x0, (mewl_linear_opts){.out = row->out, .no_bias = row->flag});
}

static mewl_node build_add(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_add(net, "l", x0, x1);
}

static mewl_node build_multiply(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_multiply(net, "l", x0, x1);
}

static mewl_node build_concat(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_concat(net, "l", (mewl_node[]){x0, x1}, 2);
}

BUILD(tanh)
BUILD(features_to_time)
BUILD(l2_normalize)

static mewl_node build_slice(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_slice(net, "l", x0, row->first, row->out);
}

static mewl_node build_slice_features(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_slice_features(net, "l", x0, row->first, row->out);
}

static mewl_node build_unflatten(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_unflatten_features(net, "l", x0, row->out);
}

/* first frames off the front, out off the end. */
static mewl_node build_crop_time(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_crop_time(net, "l", x0, row->first, row->out);
}

static mewl_node build_crop_like(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_crop_like(net, "l", x0, x1);
}

static mewl_node build_resize(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_resize_features(net, "l", x0, row->out);
}

static mewl_node build_pad_reflect(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_pad_reflect(net, "l", x0, row->first, row->out);
}

static mewl_node build_pool2d_window(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_pool2d_window(net, "l", x0, row->window);
}

static mewl_node build_layer_norm(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_layer_norm(net, "l", x0, (mewl_layer_norm_opts){0});
}

static mewl_node build_self_attention(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_self_attention(net, "l", x0, (mewl_self_attention_opts){.heads = row->out});
}

static mewl_node build_lstm(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_lstm(net, "l", x0,
                         (mewl_lstm_opts){.hidden = row->out, .bidirectional = row->first == 2, .last = row->flag});
}

static mewl_node build_stat_pool(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_stat_pool(net, "l", x0, row->flag);
}

static mewl_node build_mha_pool(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_mha_pool(net, "l", x0, row->out);
}

static mewl_node build_attn_literal(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_attn_literal_pool(net, "l", x0, row->in.t);
}

static mewl_node build_time_stats(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_time_stats(net, "l", x0, (mewl_stats_opts){.unbiased = row->flag});
}

static mewl_node build_context(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_context(net, "l", x0, (mewl_stats_opts){.unbiased = row->flag});
}

static mewl_node build_attentive_stats(const twin_row *row, mewl_net *net, mewl_node x0, mewl_node x1)
{
    return mewl_net_attentive_stats(net, "l", x0, x1, (mewl_stats_opts){0});
}

#define WINDOW(text, shape, ...)                                                                                       \
    {                                                                                                                  \
        .name = text, .build = build_pool2d_window, .twin = twin_pool2d_window, .in = shape, .f32 = 2e-6,              \
        .bf16 = 2e-6, .pool = MEWL_POOL_MAX, .window = {                                                               \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define ROW(text, kind, shape, tolerance, ...)                                                                         \
    {                                                                                                                  \
        .name = text, .build = build_##kind, .twin = twin_##kind, .in = shape, .f32 = tolerance, .bf16 = tolerance,    \
        __VA_ARGS__                                                                                                    \
    }
#define CONV(text, shape, tolerance, ...)                                                                              \
    {                                                                                                                  \
        .name = text, .build = build_conv2d, .twin = twin_conv2d, .in = shape, .f32 = tolerance, .bf16 = 0.02,         \
        .conv = {                                                                                                      \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define M(...)                                                                                                         \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

static const twin_row rows[] = {
    CONV("conv2d 3x3", M(1, 16, 4, 5), 2e-6, .out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}),
    CONV("conv2d 3x3, odd channels", M(2, 5, 6, 7), 2e-6, .out = 7, .kernel = {3, 3}, .pad = {1, 1, 1, 1},
         .bias = true),
    CONV("conv2d 3x3, one channel", M(2, 1, 9, 8), 2e-6, .out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}),
    CONV("conv2d 5x3, one channel, stride 2", M(2, 1, 11, 9), 2e-6, .out = 20, .kernel = {5, 3}, .stride = {2, 2},
         .pad = {2, 2, 1, 1}, .bias = true),
    CONV("conv2d 5x5", M(1, 8, 4, 5), 2e-6, .out = 8, .kernel = {5, 5}, .pad = {2, 2, 2, 2}),
    CONV("conv2d 1x1 with bias", M(2, 16, 5, 4), 2e-6, .out = 24, .kernel = {1, 1}, .bias = true),
    CONV("conv2d stride, uneven padding", M(1, 16, 7, 6), 2e-6, .out = 16, .kernel = {3, 3}, .stride = {2, 2},
         .pad = {0, 1, 1, 0}, .bias = true),
    CONV("conv2d SAME, stride 2, even", M(1, 16, 8, 6), 2e-6, .out = 16, .kernel = {3, 3}, .stride = {2, 2},
         .same = true),
    CONV("conv2d SAME, stride 2, odd", M(1, 3, 9, 7), 2e-6, .out = 8, .kernel = {3, 3}, .stride = {2, 2}, .same = true),
    CONV("conv2d over time, dilation 2", M(2, 16, 12, 1), 2e-6, .out = 16, .kernel = {3, 1}, .dilation = {2, 1},
         .pad = {2, 2, 0, 0}),
    CONV("conv2d over time, dilation 4, odd channels", M(2, 9, 12, 1), 2e-6, .out = 5, .kernel = {3, 1},
         .dilation = {4, 1}, .pad = {4, 4, 0, 0}),
    CONV("conv2d depthwise", M(2, 16, 6, 5), 2e-6, .out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .groups = 16,
         .bias = true),
    CONV("conv2d depthwise 5x5 stride 2, odd channels", M(1, 6, 8, 7), 2e-6, .out = 6, .kernel = {5, 5},
         .stride = {2, 2}, .pad = {2, 2, 2, 2}, .groups = 6),
    CONV("conv2d two groups", M(2, 8, 5, 6), 2e-6, .out = 12, .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .groups = 2),
    {"batch_norm", build_batch_norm, twin_batch_norm, {3, 16, 5, 4}, {0}, 5e-6, 0.03},
    {"batch_norm, odd channels", build_batch_norm, twin_batch_norm, {3, 5, 7, 3}, {0}, 5e-6, 0.03},
    {"batch_norm per feature", build_batch_norm, twin_batch_norm, {3, 1, 7, 6}, {0}, 5e-6, 0.03, .flag = true},
    {"batch_norm, frozen", build_batch_norm, twin_batch_norm_fixed, {3, 16, 5, 4}, {0}, 5e-6, 0.03, .frozen = true},
    {"relu", build_relu, twin_relu, {2, 5, 7, 3}, {0}, 1e-7, 0.005},
    {"relu6", build_relu6, twin_relu6, {2, 16, 7, 3}, {0}, 1e-6, 0.005},
    {"sigmoid", build_sigmoid, twin_sigmoid, {2, 5, 7, 3}, {0}, 1e-6, 0.01},
    {"hard_sigmoid", build_hard_sigmoid, twin_hard_sigmoid, {2, 5, 7, 3}, {0}, 1e-6, 0.01},
    {"hard_swish", build_hard_swish, twin_hard_swish, {2, 5, 7, 3}, {0}, 1e-6, 0.01},
    {"pool2d average",
     build_pool2d,
     twin_pool2d,
     {2, 16, 6, 4},
     {0},
     1e-6,
     0.005,
     .pool = MEWL_POOL_AVG,
     .kernel = {2, 2}},
    {"pool2d average, remainder",
     build_pool2d,
     twin_pool2d,
     {2, 5, 7, 5},
     {0},
     1e-6,
     0.005,
     .pool = MEWL_POOL_AVG,
     .kernel = {2, 2}},
    {"pool2d maximum",
     build_pool2d,
     twin_pool2d,
     {1, 16, 7, 2},
     {0},
     1e-6,
     0.005,
     .pool = MEWL_POOL_MAX,
     .kernel = {3, 2}},
    {"pool2d both",
     build_pool2d,
     twin_pool2d,
     {2, 5, 6, 4},
     {0},
     1e-6,
     0.01,
     .pool = MEWL_POOL_AVG_MAX,
     .kernel = {1, 2}},
    {"global_pool average", build_global_pool, twin_global_pool, {2, 5, 6, 4}, {0}, 1e-6, 0.005, .pool = MEWL_POOL_AVG},
    {"global_pool maximum",
     build_global_pool,
     twin_global_pool,
     {1, 16, 4, 4},
     {0},
     1e-6,
     0.005,
     .pool = MEWL_POOL_MAX},
    {"global_pool both",
     build_global_pool,
     twin_global_pool,
     {1, 20, 4, 3},
     {0},
     1e-6,
     0.005,
     .pool = MEWL_POOL_AVG_MAX},
    {"mean_features", build_mean_features, twin_mean_features, {2, 20, 6, 3}, {0}, 1e-6, 0.01},
    {"flatten_features", build_flatten_features, twin_flatten, {2, 5, 6, 3}, {0}, 1e-7, 1e-7},
    {"linear", build_linear, twin_linear, {3, 10, 1, 1}, {0}, 2e-6, 2e-6, .out = 7},
    {"linear at every position, no bias",
     build_linear,
     twin_linear,
     {3, 10, 6, 2},
     {0},
     2e-6,
     2e-6,
     .out = 3,
     .flag = true},
    {"add", build_add, twin_add, {2, 5, 6, 3}, {2, 5, 6, 3}, 1e-6, 0.005},
    {"multiply", build_multiply, twin_multiply, {2, 5, 6, 3}, {2, 5, 6, 3}, 1e-6, 0.005},
    {"multiply, repeated factor", build_multiply, twin_multiply, {2, 20, 6, 3}, {2, 20, 1, 1}, 2e-6, 0.01},
    {"concat", build_concat, twin_concat, {2, 16, 6, 3}, {2, 32, 6, 3}, 1e-7, 0.005},
    {"concat, odd channels", build_concat, twin_concat, {2, 5, 6, 3}, {2, 3, 6, 3}, 1e-7, 0.005},
    {"linear_softmax", build_linear_softmax, twin_linear_softmax, {2, 3, 9, 1}, {0}, 2e-6, 2e-6},
    CONV("conv2d depthwise, dilation 2 in time, with bias", M(2, 32, 9, 5), 2e-6, .out = 32, .kernel = {3, 3},
         .dilation = {2, 1}, .pad = {2, 2, 1, 1}, .groups = 32, .bias = true),
    CONV("conv2d depthwise, dilation 2 x 3, uneven padding, odd channels", M(2, 5, 9, 11), 2e-6, .out = 5,
         .kernel = {3, 3}, .dilation = {2, 3}, .pad = {1, 3, 0, 2}, .groups = 5),
    {"tanh", build_tanh, twin_tanh, {2, 5, 7, 3}, {0}, 1e-6, 0.01},
    ROW("slice of channels, whole blocks", slice, M(2, 48, 3, 2), 1e-7, .first = 16, .out = 16),
    ROW("slice of channels, odd", slice, M(2, 9, 5, 3), 1e-7, .first = 2, .out = 5),
    ROW("slice of features", slice_features, M(2, 5, 4, 6), 1e-7, .first = 1, .out = 3),
    ROW("unflatten_features", unflatten, M(2, 12, 5, 1), 1e-7, .out = 3),
    ROW("features_to_time", features_to_time, M(2, 5, 6, 3), 1e-7, .flag = false),
    ROW("crop_time", crop_time, M(2, 20, 7, 3), 1e-6, .first = 1, .out = 2),
    {"crop_like, longer", build_crop_like, twin_crop_like, {2, 5, 7, 3}, {2, 4, 5, 3}, 1e-6, 0.01},
    {"crop_like, shorter", build_crop_like, twin_crop_like, {2, 5, 4, 3}, {2, 4, 5, 3}, 1e-6, 0.01},
    ROW("resize_features, fewer", resize, M(2, 3, 4, 10), 1e-6, .out = 4),
    ROW("resize_features, a whole part", resize, M(2, 3, 4, 12), 1e-6, .out = 3),
    ROW("resize_features, more", resize, M(2, 3, 4, 5), 1e-6, .out = 13),
    {"pad_reflect", build_pad_reflect, twin_pad_reflect, {2, 20, 5, 1}, {0}, 1e-7, 0.01, .first = 3, .out = 4},
    {"pad_reflect, after alone", build_pad_reflect, twin_pad_reflect, {2, 5, 4, 1}, {0}, 1e-7, 0.01, .out = 2},
    WINDOW("pool2d_window maximum, overlap and padding", M(1, 3, 9, 8), .kind = MEWL_POOL_MAX, .kernel = {3, 3},
           .stride = {2, 2}, .pad = {1, 1, 1, 1}),
    WINDOW("pool2d_window both, uneven", M(1, 5, 7, 6), .kind = MEWL_POOL_AVG_MAX, .kernel = {4, 2}, .stride = {1, 2},
           .pad = {2, 0, 0, 1}),
    WINDOW("pool2d_window average, side by side", M(2, 3, 8, 4), .kind = MEWL_POOL_AVG, .kernel = {4, 1}),
    ROW("layer_norm", layer_norm, M(2, 9, 5, 3), 5e-6, .flag = false),
    ROW("l2_normalize", l2_normalize, M(3, 10, 1, 1), 5e-6, .flag = false),
    ROW("self_attention, one head", self_attention, M(2, 5, 4, 2), 1e-5, .out = 1),
    ROW("self_attention, three heads", self_attention, M(2, 6, 7, 1), 1e-5, .out = 3),
    ROW("lstm", lstm, M(3, 5, 7, 1), 1e-5, .out = 4, .first = 1),
    ROW("lstm, both directions", lstm, M(2, 3, 6, 1), 1e-5, .out = 4, .first = 2),
    ROW("lstm, last state", lstm, M(2, 3, 6, 1), 1e-5, .out = 4, .first = 1, .flag = true),
    ROW("lstm, both directions, last states", lstm, M(2, 3, 5, 1), 1e-5, .out = 3, .first = 2, .flag = true),
    ROW("lstm, one frame", lstm, M(2, 3, 1, 1), 1e-5, .out = 3, .first = 2),
    ROW("stat_pool", stat_pool, M(2, 5, 7, 1), 5e-6, .flag = false),
    ROW("stat_pool, full", stat_pool, M(2, 5, 7, 1), 5e-6, .flag = true),
    ROW("mha_pool", mha_pool, M(2, 6, 7, 1), 5e-6, .out = 3),
    ROW("attn_literal_pool", attn_literal, M(2, 5, 6, 1), 2e-4, .flag = false),
    ROW("time_stats", time_stats, M(2, 5, 7, 1), 5e-6, .flag = false),
    ROW("time_stats, unbiased", time_stats, M(2, 5, 7, 1), 5e-6, .flag = true),
    ROW("context", context, M(2, 5, 7, 1), 5e-6, .flag = true),
    ROW("attentive_stats", attentive_stats, M(2, 5, 7, 1), 5e-6, .in1 = {2, 5, 7, 1}),
};

/* ---- Harness ---- */

typedef struct values {
    int64_t count;
    double *twin;    /* as the twin sees it */
    double *numeric; /* gradient by differences */
} values;

typedef struct bench {
    const twin_row *row;
    mewl_net *net;
    mewl_layer *layer;
    values x[2], p[MEWL_LAYER_PARAMS_MAX];
    double *y, *dy, *pair; /* pair: y at +-STEP */
    map4 out;
    size_t inputs;
} bench;

static double round_to(double value, mewl_dtype dtype)
{
    return dtype == MEWL_DTYPE_BF16 ? (double)mewl_bf16_to_f32(mewl_bf16_from_f32((float)value)) : (double)(float)value;
}

static void twin_run(bench *b, double *y)
{
    double *x[2] = {b->x[0].twin, b->x[1].twin}, *p[MEWL_LAYER_PARAMS_MAX];
    for (int i = 0; i < MEWL_LAYER_PARAMS_MAX; i++) {
        p[i] = b->p[i].twin;
    }
    b->out = b->row->twin(b->row, y, x, p);
}

/* d (sum dy y) / d v by central differences. */
static void differences(bench *b, values *v)
{
    v->numeric = calloc((size_t)v->count, sizeof(double));
    for (int64_t i = 0; i < v->count; i++) {
        double keep = v->twin[i], sum = 0.0;
        for (int sign = -1; sign <= 1; sign += 2) {
            v->twin[i] = keep + sign * STEP;
            twin_run(b, b->pair);
            for (int64_t k = 0; k < map4_count(b->out); k++) {
                sum += sign * b->dy[k] * b->pair[k];
            }
        }
        v->twin[i] = keep;
        v->numeric[i] = sum / (2.0 * STEP);
    }
}

/* Values that all differ and are exact in bfloat16: a maximum has no derivative where two are equal. */
static void distinct(values *x, mewl_rng *rng)
{
    size_t order[256];
    assert_true(x->count <= 256);
    for (size_t i = 0; i < (size_t)x->count; i++) {
        order[i] = i;
    }
    mewl_rng_shuffle(rng, order, (size_t)x->count);
    for (size_t i = 0; i < (size_t)x->count; i++) {
        x->twin[i] = ((double)order[i] - 128.0) / 64.0;
    }
}

static void bench_init(bench *b, const twin_row *row, mewl_dtype dtype, mewl_rng *rng)
{
    *b = (bench){.row = row, .inputs = row->in1.n > 0 ? 2 : 1};
    mewl_error err = {0};
    assert_int_equal(mewl_net_new(&b->net, &err), MEWL_OK);
    mewl_node x0 = mewl_net_input(b->net, row->in.c, row->in.f), x1 = x0;
    if (b->inputs == 2) { /* only its channels matter here */
        x1 = mewl_net_conv2d(b->net, "x1", x0, (mewl_conv2d_opts){.out = row->in1.c, .kernel = {1, 1}});
    }
    mewl_node y = row->build(row, b->net, x0, x1);
    assert_true(y > 0);
    b->layer = b->net->layers[y];
    for (size_t k = 0; k < b->inputs; k++) {
        b->x[k].count = map4_count(k == 0 ? row->in : row->in1);
        b->x[k].twin = calloc((size_t)b->x[k].count, sizeof(double));
        for (int64_t i = 0; i < b->x[k].count; i++) {
            b->x[k].twin[i] = round_to(mewl_rng_normal(rng) * 2.0, dtype);
        }
        if (row->pool != MEWL_POOL_AVG) {
            distinct(&b->x[k], rng);
        }
    }
    for (size_t k = 0; k < b->layer->param_count; k++) {
        mewl_param *param = b->layer->params[k];
        b->p[k].count = mewl_shape_count(param->value.shape);
        b->p[k].twin = calloc((size_t)b->p[k].count, sizeof(double));
        param->frozen = row->frozen;
        param->grad.data = mewl__alloc(mewl_tensor_bytes(&param->grad));
        for (int64_t i = 0; i < b->p[k].count; i++) {
            double value = param->buffer ? 0.5 + mewl_rng_unit(rng) : mewl_rng_normal(rng);
            ((float *)param->value.data)[i] = (float)value;
            b->p[k].twin[i] = (float)value;
        }
    }
    size_t room = 4096;
    b->y = calloc(room, sizeof(double));
    b->dy = calloc(room, sizeof(double));
    b->pair = calloc(room, sizeof(double));
    twin_run(b, b->y);
    assert_true(map4_count(b->out) > 0 && map4_count(b->out) <= (int64_t)room);
    for (int64_t i = 0; i < map4_count(b->out); i++) {
        b->dy[i] = round_to(mewl_rng_normal(rng), dtype);
    }
    for (size_t k = 0; k < b->inputs; k++) {
        differences(b, &b->x[k]);
    }
    for (size_t k = 0; k < b->layer->param_count; k++) {
        differences(b, &b->p[k]);
    }
}

static void bench_fini(bench *b)
{
    for (int k = 0; k < 2; k++) {
        free(b->x[k].twin);
        free(b->x[k].numeric);
    }
    for (int k = 0; k < MEWL_LAYER_PARAMS_MAX; k++) {
        free(b->p[k].twin);
        free(b->p[k].numeric);
    }
    free(b->y);
    free(b->dy);
    free(b->pair);
    mewl_net_free(b->net);
}

/* A map in the given form with memory of its own, holding `from` (plain doubles) when not NULL. */
static mewl_tensor tensor_of(mewl_tensor like, const double *from)
{
    mewl_tensor plain = {.shape = like.shape, .dtype = MEWL_DTYPE_F32}, out = like;
    out.data = mewl__alloc(mewl_tensor_bytes(&out));
    assert_non_null(out.data);
    if (from != NULL) {
        int64_t count = mewl_shape_count(like.shape);
        plain.data = mewl__alloc((size_t)count * sizeof(float));
        for (int64_t i = 0; i < count; i++) {
            ((float *)plain.data)[i] = (float)from[i];
        }
        mewl__convert(&out, &plain, false, 1);
        free(plain.data);
    }
    return out;
}

/* Largest error over the largest value. */
static double deviation(const mewl_tensor *got, const double *want, double factor)
{
    mewl_tensor plain = {.shape = got->shape, .dtype = MEWL_DTYPE_F32};
    int64_t count = mewl_shape_count(got->shape);
    plain.data = mewl__alloc((size_t)count * sizeof(float));
    if (got->shape.rank == 4) {
        mewl__convert(&plain, got, false, 1);
    } else {
        memcpy(plain.data, got->data, (size_t)count * sizeof(float));
    }
    double worst = 0.0, largest = 1e-3;
    for (int64_t i = 0; i < count; i++) {
        double error = fabs((double)((float *)plain.data)[i] - factor * want[i]);
        worst = error == error && error < worst ? worst : error; /* NaN stays */
        largest = fmax(largest, fabs(factor * want[i]));
    }
    free(plain.data);
    return worst / largest;
}

static void check(const bench *b, const char *what, mewl_layout layout, mewl_dtype dtype, double error)
{
    double tolerance = dtype == MEWL_DTYPE_BF16 ? b->row->bf16 : b->row->f32;
    if (!(error <= tolerance)) {
        fail_msg("%s, layout %d, %s: %s is off by %.3g (%.3g allowed)", b->row->name, (int)layout,
                 mewl_dtype_name(dtype), what, error, tolerance);
    }
}

/* Surplus channels of a blocked map must be zero: convolutions rely on it. */
static void check_surplus(const bench *b, const mewl_tensor *x)
{
    mewl_tensor copy = tensor_of(*x, NULL);
    memcpy(copy.data, x->data, mewl_tensor_bytes(x));
    mewl__zero_surplus(&copy);
    if (memcmp(copy.data, x->data, mewl_tensor_bytes(x)) != 0) {
        fail_msg("%s: surplus channels are not zero", b->row->name);
    }
    free(copy.data);
}

static void run_layer(bench *b, mewl_layout layout, mewl_dtype dtype)
{
    mewl_layer *layer = b->layer;
    mewl_error err = {0};
    bool wanted[2] = {true, true};
    mewl_plan plan = {.training = true,
                      .compute = dtype,
                      .blocked = mewl__context_layout(b->net->context),
                      .threads = 1,
                      .context = b->net->context,
                      .grad_wanted = wanted};
    mewl_pass pass = {.training = true, .weights_changed = true, .threads = 1, .context = b->net->context};
    mewl_tensor in[2], x[2], dx[2], y, dy;
    for (size_t k = 0; k < b->inputs; k++) {
        map4 m = k == 0 ? b->row->in : b->row->in1;
        in[k] = (mewl_tensor){.shape = mewl_shape_map(m.n, m.c, m.t, m.f), .dtype = dtype, .layout = layout};
    }
    mewl_status status = layer->ops->plan(layer, &plan, in, b->inputs, &y, &err);
    if (status != MEWL_OK) {
        fail_msg("%s: %s", b->row->name, err.text);
    }
    assert_true(mewl_shape_same(y.shape, mewl_shape_map(b->out.n, b->out.c, b->out.t, b->out.f)));
    for (size_t k = 0; k < b->inputs; k++) {
        x[k] = tensor_of(in[k], b->x[k].twin);
        dx[k] = tensor_of(in[k], NULL);
    }
    dy = tensor_of(y, b->dy);
    y = tensor_of(y, NULL);
    status = layer->ops->forward(layer, &pass, x, &y, &err);
    if (status != MEWL_OK) {
        fail_msg("%s: %s", b->row->name, err.text);
    }
    check(b, "the output", layout, dtype, deviation(&y, b->y, 1.0));
    check_surplus(b, &y);
    /* twice: gradients of parameters add up, those of inputs do not */
    for (int time = 1; time <= 2; time++) {
        status = layer->ops->backward(layer, &pass, x, &y, &dy, dx, &err);
        if (status != MEWL_OK) {
            fail_msg("%s: %s", b->row->name, err.text);
        }
        for (size_t k = 0; k < b->inputs; k++) {
            check(b, "the input's gradient", layout, dtype, deviation(&dx[k], b->x[k].numeric, 1.0));
            check_surplus(b, &dx[k]);
        }
        for (size_t k = 0; k < layer->param_count; k++) {
            if (!layer->params[k]->buffer && !layer->params[k]->frozen) {
                check(b, layer->params[k]->name, layout, dtype,
                      deviation(&layer->params[k]->grad, b->p[k].numeric, time));
            }
        }
    }
    for (size_t k = 0; k < layer->param_count; k++) {
        memset(layer->params[k]->grad.data, 0, mewl_tensor_bytes(&layer->params[k]->grad));
    }
    for (size_t k = 0; k < b->inputs; k++) {
        free(x[k].data);
        free(dx[k].data);
    }
    free(y.data);
    free(dy.data);
    if (layer->ops->unplan != NULL) {
        layer->ops->unplan(layer);
    }
}

static bool can_bf16(void)
{
    mewl_error err = {0};
    mewl_net *net;
    assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
    bool wide = mewl__context_layout(net->context) == MEWL_LAYOUT_BLOCK16;
    mewl_net_free(net);
    return wide;
}

static void run_table(mewl_dtype dtype)
{
    mewl_rng rng = mewl_rng_seeded(20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bench b;
        bench_init(&b, &rows[i], dtype, &rng);
        for (int layout = 0; layout < MEWL_LAYOUT_COUNT; layout++) {
            run_layer(&b, (mewl_layout)layout, dtype);
        }
        bench_fini(&b);
    }
}

static void test_float32(void **state)
{
    run_table(MEWL_DTYPE_F32);
}

static void test_bfloat16(void **state)
{
    if (!can_bf16()) {
        print_message("this processor has no AVX-512: bfloat16 is not possible\n");
        skip();
    }
    run_table(MEWL_DTYPE_BF16);
}

/* Dropout has no twin: its mask is its own. What must hold: values are 0 or x / (1 - rate), the share is right,
 * backward uses the same mask, another step another one, the same step the same one. */
static void test_dropout(void **state)
{
    mewl_error err = {0};
    mewl_net *net;
    assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
    mewl_node node = mewl_net_dropout(net, "l", mewl_net_input(net, 16, 64), 0.2);
    mewl_layer *layer = net->layers[node];
    mewl_tensor like = {
        .shape = mewl_shape_map(4, 16, 100, 64), .dtype = MEWL_DTYPE_F32, .layout = MEWL_LAYOUT_BLOCK16};
    mewl_tensor x = tensor_of(like, NULL), y = tensor_of(like, NULL), again = tensor_of(like, NULL);
    int64_t count = mewl_shape_count(like.shape), dropped = 0, same = 0;
    float *in = x.data, *out = y.data, *other = again.data;
    for (int64_t i = 0; i < count; i++) {
        in[i] = (float)(i % 1000 + 1);
    }
    mewl_pass pass = {.training = true, .seed = 3, .step = 1, .threads = 1};
    layer->ops->forward(layer, &pass, &x, &y, &err);
    for (int64_t i = 0; i < count; i++) {
        assert_true(out[i] == 0.0f || fabsf(out[i] - in[i] * 1.25f) <= 1e-3f);
        dropped += out[i] == 0.0f;
    }
    assert_true(fabs((double)dropped / (double)count - 0.2) < 0.003); /* 5 standard deviations */
    layer->ops->backward(layer, &pass, &x, &y, &x, &again, &err);
    assert_memory_equal(out, other, (size_t)count * sizeof *out);
    pass.threads = 2;
    layer->ops->forward(layer, &pass, &x, &again, &err);
    assert_memory_equal(out, other, (size_t)count * sizeof *out);
    pass.step = 2;
    layer->ops->forward(layer, &pass, &x, &again, &err);
    for (int64_t i = 0; i < count; i++) {
        same += (out[i] == 0.0f) == (other[i] == 0.0f);
    }
    assert_true(fabs((double)same / (double)count - 0.68) < 0.005); /* 0.8^2 + 0.2^2: independent */
    free(x.data);
    free(y.data);
    free(again.data);
    mewl_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float32),
        cmocka_unit_test(test_bfloat16),
        cmocka_unit_test(test_dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
