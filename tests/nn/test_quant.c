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
        cmocka_unit_test(test_whole_net),
        cmocka_unit_test(test_calibration_is_determined),
        cmocka_unit_test_setup_teardown(test_round_trip, scratch_make, scratch_remove),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
