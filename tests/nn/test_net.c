/* test_net.c - whole graphs: gradients through fan-out and squeeze-excitation, what inference folds and fuses, threads,
 * mistakes of builders, impossible shapes, memory that runs out. */
#include "nn/loss.h"
#include "nn/net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dnnl.h>

/* ---- Memory that runs out: the engine's own allocations, counted down (see --wrap in meson.build) ---- */

static long allowed = -1; /* allocations that still succeed; negative: all */

void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static bool refuse(void)
{
    return allowed == 0 || (allowed > 0 && allowed-- == 0);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refuse() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refuse() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return refuse() ? NULL : __real_strdup(text);
}

/* ---- A MobileNet-like graph: depthwise, squeeze and excitation, residual, concat, two outputs ---- */

enum { N = 3, T = 14, F = 10 };

/* `watch` names every value as an output as far as there is room: nothing between can be folded or fused then. */
static mewl_status build(mewl_net *net, bool watch, mewl_error *err)
{
    mewl_conv2d_opts first = {.out = 16, .kernel = {3, 3}, .stride = {2, 2}, .same = true};
    mewl_conv2d_opts depthwise = {.out = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .groups = 16};
    mewl_conv2d_opts pointwise = {.out = 24, .kernel = {1, 1}, .bias = true};
    mewl_node x = mewl_net_batch_norm(net, "bn0", mewl_net_input(net, 1, F), (mewl_batch_norm_opts){.features = true});
    mewl_node conv = mewl_net_conv2d(net, "stem.conv", x, first);
    mewl_node norm = mewl_net_batch_norm(net, "stem.bn", conv, (mewl_batch_norm_opts){.eps = 1e-3});
    mewl_node a = mewl_net_hard_swish(net, "stem.act", norm);
    mewl_node d =
        mewl_net_batch_norm(net, "dw.bn", mewl_net_conv2d(net, "dw.conv", a, depthwise), (mewl_batch_norm_opts){0});
    d = mewl_net_hard_swish(net, "dw.act", d);
    mewl_node s = mewl_net_global_pool(net, "se.pool", d, MEWL_POOL_AVG);
    s = mewl_net_hard_swish(net, "se.act", mewl_net_linear(net, "se.fc1", s, (mewl_linear_opts){.out = 8}));
    s = mewl_net_sigmoid(net, "se.gate", mewl_net_linear(net, "se.fc2", s, (mewl_linear_opts){.out = 16}));
    mewl_node r = mewl_net_add(net, "res", mewl_net_multiply(net, "se.scale", d, s), a);
    mewl_node c = mewl_net_concat(net, "join", (mewl_node[]){r, a, d}, 3);
    mewl_node w = mewl_net_conv2d(net, "pw.conv", c, pointwise);
    mewl_node v = mewl_net_relu(net, "pw.act", w);
    mewl_node m = mewl_net_mean_features(net, "mean", v);
    mewl_node frame = mewl_net_linear(net, "fc_frame", m, (mewl_linear_opts){.out = 2});
    mewl_net_output(net, "frame", frame);
    mewl_net_output(net, "clip", mewl_net_linear_softmax(net, "clip", frame));
    mewl_net_output(net, "embedding", mewl_net_global_pool(net, "pool", v, MEWL_POOL_AVG_MAX));
    if (watch) {
        mewl_net_output(net, "conv", conv);
        mewl_net_output(net, "norm", norm);
        mewl_net_output(net, "w", w);
    }
    return mewl_net_seal(net, err);
}

/* Every parameter off its default, statistics plausible. */
static void scramble(mewl_net *net)
{
    size_t count;
    mewl_param *const *params = mewl_net_params(net, &count);
    mewl_net_init_xavier(net, 11);
    for (size_t i = 0; i < count; i++) {
        mewl_rng rng = mewl_rng_stream(12, i);
        float *value = params[i]->value.data;
        bool variance = strstr(params[i]->name, "running_var") != NULL;
        for (int64_t k = 0; k < mewl_shape_count(params[i]->value.shape) && params[i]->value.shape.rank == 1; k++) {
            value[k] += (float)((variance ? fabs(mewl_rng_normal(&rng)) : mewl_rng_normal(&rng)) * 0.3);
        }
    }
    mewl_net_touch(net);
}

static mewl_net *make(bool watch)
{
    mewl_error err = {0};
    mewl_net *net;
    assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
    if (build(net, watch, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    scramble(net);
    return net;
}

static void fill_input(float *x)
{
    mewl_rng rng = mewl_rng_seeded(13);
    for (int i = 0; i < N * T * F; i++) {
        x[i] = (float)mewl_rng_normal(&rng);
    }
}

static void plan(mewl_net *net, bool training, bool bf16, int threads)
{
    mewl_error err = {0};
    mewl_net_plan_opts opts = {.training = training, .bf16 = bf16, .batch = N, .frames = T, .threads = threads};
    if (mewl_net_plan(net, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
}

static const char *const outputs[] = {"frame", "clip", "embedding"};

/* A loss that reads all outputs: sum of cos(i) y_i; its gradient where asked. */
static double loss_of(mewl_net *net, const float *x, bool gradient)
{
    mewl_error err = {0};
    double loss = 0.0;
    assert_int_equal(mewl_net_forward(net, x, &err), MEWL_OK);
    for (int o = 0; o < 3; o++) {
        mewl_shape shape;
        const float *y = mewl_net_output_value(net, outputs[o], &shape);
        float *dy = mewl_net_output_grad(net, outputs[o]);
        for (int64_t i = 0; i < mewl_shape_count(shape); i++) {
            loss += cos((double)(i + o)) * (double)y[i];
            if (gradient) {
                dy[i] = (float)cos((double)(i + o));
            }
        }
    }
    return loss;
}

static void test_gradient(void **state)
{
    mewl_error err = {0};
    mewl_net *net = make(false);
    float x[N * T * F];
    fill_input(x);
    plan(net, true, false, 1);
    loss_of(net, x, true);
    assert_int_equal(mewl_net_backward(net, &err), MEWL_OK);
    assert_int_equal(mewl_net_backward(net, &err), MEWL_E_STATE);
    size_t count;
    mewl_param *const *params = mewl_net_params(net, &count);
    for (size_t i = 0; i < count; i++) { /* along a random direction in each parameter */
        if (params[i]->buffer) {
            continue;
        }
        int64_t elements = mewl_shape_count(params[i]->value.shape);
        float *value = params[i]->value.data, *grad = params[i]->grad.data;
        float *keep = malloc((size_t)elements * sizeof *keep);
        memcpy(keep, value, (size_t)elements * sizeof *keep);
        double at[2], analytic = 0.0, h = 5e-4, scale = 0.0;
        for (int side = 0; side < 2; side++) {
            mewl_rng rng = mewl_rng_stream(14, i);
            analytic = 0.0;
            for (int64_t k = 0; k < elements; k++) {
                double d = mewl_rng_normal(&rng);
                value[k] = (float)((double)keep[k] + (side == 0 ? -h : h) * d);
                analytic += d * (double)grad[k];
                scale += d * d * (double)grad[k] * (double)grad[k];
            }
            at[side] = loss_of(net, x, false);
        }
        memcpy(value, keep, (size_t)elements * sizeof *keep);
        free(keep);
        double numeric = (at[1] - at[0]) / (2.0 * h), error = fabs(numeric - analytic);
        if (!(error <= 0.02 * sqrt(scale) + 0.02)) {
            fail_msg("%s: %.5f by differences, %.5f by backward", params[i]->name, numeric, analytic);
        }
    }
    mewl_net_free(net);
}

/* Inference with everything folded and fused equals inference where every value is watched and nothing can be. */
static void test_folding(void **state)
{
    mewl_error err = {0};
    mewl_net *lean = make(false), *watched = make(true);
    float x[N * T * F];
    fill_input(x);
    plan(lean, false, false, 1);
    plan(watched, false, false, 1);
    assert_int_equal(mewl_net_forward(lean, x, &err), MEWL_OK);
    assert_int_equal(mewl_net_forward(watched, x, &err), MEWL_OK);
    for (int o = 0; o < 3; o++) {
        mewl_shape shape;
        const float *a = mewl_net_output_value(lean, outputs[o], &shape);
        const float *b = mewl_net_output_value(watched, outputs[o], NULL);
        for (int64_t i = 0; i < mewl_shape_count(shape); i++) {
            assert_true(fabsf(a[i] - b[i]) <= 2e-5f * (1.0f + fabsf(b[i])));
        }
    }
    /* changed statistics reach the folded weights */
    float before = mewl_net_output_value(lean, "embedding", NULL)[0];
    ((float *)mewl_net_param(lean, "dw.bn.running_var")->value.data)[0] = 9.0f;
    mewl_net_touch(lean);
    assert_int_equal(mewl_net_forward(lean, x, &err), MEWL_OK);
    assert_true(mewl_net_output_value(lean, "embedding", NULL)[0] != before);
    mewl_net_free(lean);
    mewl_net_free(watched);
}

/* The same bits in every run; close with another number of threads. */
static void test_threads(void **state)
{
    mewl_error err = {0};
    float x[N * T * F];
    double loss[3], first[3];
    fill_input(x);
    for (int run = 0; run < 3; run++) {
        mewl_net *net = make(false);
        plan(net, true, false, run < 2 ? 2 : 1);
        loss[run] = loss_of(net, x, true);
        assert_int_equal(mewl_net_backward(net, &err), MEWL_OK);
        first[run] = (double)((float *)mewl_net_param(net, "stem.conv.weight")->grad.data)[3];
        mewl_net_free(net);
    }
    assert_true(loss[0] == loss[1] && first[0] == first[1]);
    assert_true(fabs(loss[0] - loss[2]) < 1e-4 && fabs(first[0] - first[2]) < 1e-3);
}

/* Two 3x3 convolutions, 24 channels on odd sizes, with and without Winograd; not in training, not in bfloat16. */
static void test_winograd(void **state)
{
    mewl_error err = {0};
    mewl_net *net;
    float x[N * T * F], y[4][N * 24];
    fill_input(x);
    assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
    mewl_conv2d_opts opts = {.out = 24, .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .bias = true};
    mewl_node v = mewl_net_relu(net, "relu1", mewl_net_conv2d(net, "conv1", mewl_net_input(net, 1, F), opts));
    v = mewl_net_batch_norm(net, "bn", mewl_net_conv2d(net, "conv2", v, opts), (mewl_batch_norm_opts){0});
    v = mewl_net_conv2d(net, "conv3", mewl_net_relu(net, "relu2", v), opts);
    mewl_net_output(net, "y", mewl_net_global_pool(net, "pool", v, MEWL_POOL_AVG_MAX));
    assert_int_equal(mewl_net_seal(net, &err), MEWL_OK);
    mewl_net_init_xavier(net, 4);
    for (int run = 0; run < 4; run++) {
        mewl_net_plan_opts plan = {.batch = N, .frames = T, .winograd = run % 2 == 1, .bf16 = run >= 2};
        assert_int_equal(mewl_net_plan(net, plan, &err), MEWL_OK);
        assert_int_equal(mewl_net_forward(net, x, &err), MEWL_OK);
        memcpy(y[run], mewl_net_output_value(net, "y", NULL), sizeof y[run]);
    }
    for (int i = 0; i < N * 24; i++) {
        assert_true(fabsf(y[1][i] - y[0][i]) < 2e-5f * (1.0f + fabsf(y[0][i])));
    }
    assert_memory_equal(y[3], y[2], sizeof y[2]);
    assert_int_equal(
        mewl_net_plan(net, (mewl_net_plan_opts){.batch = N, .frames = T, .training = true, .winograd = true}, &err),
        MEWL_OK);
    mewl_net_free(net);
}

static void test_frozen(void **state)
{
    mewl_error err = {0};
    mewl_net *net = make(false);
    float x[N * T * F], keep;
    fill_input(x);
    assert_int_equal(mewl_net_freeze(net, "stem.", true), 5);
    assert_int_equal(mewl_net_freeze(net, "nothing", true), 0);
    keep = ((float *)mewl_net_param(net, "stem.bn.running_mean")->value.data)[0];
    plan(net, true, false, 1);
    loss_of(net, x, true);
    assert_int_equal(mewl_net_backward(net, &err), MEWL_OK);
    assert_true(((float *)mewl_net_param(net, "stem.bn.running_mean")->value.data)[0] == keep);
    const float *frozen = mewl_net_param(net, "stem.conv.weight")->grad.data;
    const float *free_one = mewl_net_param(net, "dw.conv.weight")->grad.data;
    const float *before = mewl_net_param(net, "bn0.weight")->grad.data; /* upstream of the frozen: still trained */
    assert_true(frozen[0] == 0.0f && free_one[0] != 0.0f && before[0] != 0.0f);
    mewl_net_free(net);
}

/* ---- Mistakes ---- */

typedef void (*mistake)(mewl_net *net);

static void twice_named(mewl_net *net)
{
    mewl_node x = mewl_net_relu(net, "a", mewl_net_input(net, 1, 4));
    mewl_net_output(net, "y", mewl_net_relu(net, "a", x));
}

static void no_name(mewl_net *net)
{
    mewl_net_output(net, "y", mewl_net_relu(net, "", mewl_net_input(net, 1, 4)));
}

static void no_output(mewl_net *net)
{
    mewl_net_relu(net, "a", mewl_net_input(net, 1, 4));
}

static void wrong_node(mewl_net *net)
{
    mewl_net_input(net, 1, 4);
    mewl_net_output(net, "y", mewl_net_relu(net, "a", 17));
}

static void wrong_groups(mewl_net *net)
{
    mewl_conv2d_opts o = {.out = 4, .kernel = {1, 1}, .groups = 3};
    mewl_net_output(net, "y", mewl_net_conv2d(net, "a", mewl_net_input(net, 4, 4), o));
}

static void wide_kernel(mewl_net *net)
{
    mewl_conv2d_opts o = {.out = 4, .kernel = {1, 5}};
    mewl_net_output(net, "y", mewl_net_conv2d(net, "a", mewl_net_input(net, 4, 4), o));
}

static void wrong_dropout(mewl_net *net)
{
    mewl_net_output(net, "y", mewl_net_dropout(net, "a", mewl_net_input(net, 4, 4), 1.0));
}

static void one_joined(mewl_net *net)
{
    mewl_node x = mewl_net_input(net, 4, 4);
    mewl_net_output(net, "y", mewl_net_concat(net, "a", &x, 1));
}

static void huge_linear(mewl_net *net)
{
    mewl_net_output(net, "y", mewl_net_linear(net, "a", mewl_net_input(net, 4, 4), (mewl_linear_opts){.out = 1 << 30}));
}

static void second_input(mewl_net *net)
{
    mewl_net_input(net, 4, 4);
    mewl_net_output(net, "y", mewl_net_input(net, 4, 4));
}

static void wrong_eps(mewl_net *net)
{
    mewl_net_output(net, "y",
                    mewl_net_batch_norm(net, "a", mewl_net_input(net, 4, 4), (mewl_batch_norm_opts){.eps = -1.0}));
}

static void test_mistakes(void **state)
{
    const mistake rows[] = {twice_named,   no_name,    no_output,   wrong_node,   wrong_groups, wide_kernel,
                            wrong_dropout, one_joined, huge_linear, second_input, wrong_eps};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_error err = {0};
        mewl_net *net;
        assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
        rows[i](net);
        mewl_status status = mewl_net_seal(net, &err);
        assert_true(status == MEWL_E_ARG || status == MEWL_E_SHAPE);
        assert_true(err.text[0] != '\0');
        assert_int_equal(mewl_net_plan(net, (mewl_net_plan_opts){.batch = 1, .frames = 8}, &err), MEWL_E_STATE);
        mewl_net_free(net);
    }
}

static void test_impossible_plans(void **state)
{
    mewl_error err = {0};
    mewl_net *net;
    assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
    mewl_node x = mewl_net_pool2d(net, "pool", mewl_net_input(net, 1, 8), MEWL_POOL_AVG, 4, 2);
    x = mewl_net_conv2d(net, "conv", x, (mewl_conv2d_opts){.out = 3, .kernel = {3, 3}});
    mewl_net_output(net, "y", x);
    assert_int_equal(mewl_net_seal(net, &err), MEWL_OK);
    float input[32 * 8] = {0};
    assert_int_equal(mewl_net_forward(net, input, &err), MEWL_E_STATE);
    const mewl_net_plan_opts bad[] = {{.batch = 0, .frames = 32},
                                      {.batch = 1, .frames = 0},
                                      {.batch = 1, .frames = 3},
                                      {.batch = 1, .frames = 8},
                                      {.batch = 1, .frames = 32, .threads = -1},
                                      {.batch = 65536, .frames = (int64_t)1 << 40}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (mewl_error){0};
        assert_int_equal(mewl_net_plan(net, bad[i], &err), MEWL_E_SHAPE);
        assert_int_equal(mewl_net_forward(net, input, &err), MEWL_E_STATE);
    }
    assert_int_equal(mewl_net_plan(net, bad[3], &err), MEWL_E_SHAPE);
    assert_non_null(strstr(err.text, "conv")); /* names the layer */
    assert_int_equal(mewl_net_plan(net, (mewl_net_plan_opts){.batch = 1, .frames = 32}, &err), MEWL_OK);
    assert_int_equal(mewl_net_forward(net, input, &err), MEWL_OK);
    assert_int_equal(mewl_net_backward(net, &err), MEWL_E_STATE); /* not planned for training */
    assert_null(mewl_net_output_value(net, "z", NULL));
    assert_null(mewl_net_output_grad(net, "y"));
    mewl_net_free(net);
}

/* Each allocation fails once: an error and no leak (the sanitizer build sees those), then all succeed. */
static void test_out_of_memory(void **state)
{
    float x[N * T * F];
    fill_input(x);
    for (int training = 0; training < 2; training++) {
        long at = 0;
        for (bool done = false; !done; at++) {
            mewl_error err = {0};
            mewl_net *net = NULL;
            allowed = at;
            mewl_status status = mewl_net_new(&net, &err);
            if (status == MEWL_OK) {
                status = build(net, false, &err);
            }
            if (status == MEWL_OK) {
                mewl_net_plan_opts opts = {.training = training == 1, .batch = N, .frames = T};
                status = mewl_net_plan(net, opts, &err);
            }
            done = allowed > 0;
            allowed = -1;
            if (!done && status == MEWL_OK) {
                done = mewl_net_forward(net, x, &err) == MEWL_OK; /* a refusal that was got over */
                assert_true(done);
                done = false;
            } else if (!done && status != MEWL_E_MEMORY) {
                fail_msg("allocation %ld refused: %s (%s)", at, mewl_status_name(status), err.text);
            } else if (done) {
                assert_int_equal(status, MEWL_OK);
                assert_int_equal(mewl_net_forward(net, x, &err), MEWL_OK);
            }
            mewl_net_free(net);
        }
        assert_true(at > 100);
    }
}

static void test_reach(void **state)
{
    mewl_error err = {0};
    mewl_net *net;
    int64_t step, left, right;
    assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
    mewl_node x = mewl_net_conv2d(net, "a", mewl_net_input(net, 1, 4),
                                  (mewl_conv2d_opts){.out = 2, .kernel = {3, 3}, .pad = {1, 1, 1, 1}});
    x = mewl_net_pool2d(net, "b", x, MEWL_POOL_AVG, 2, 2);
    x = mewl_net_conv2d(net, "c", x,
                        (mewl_conv2d_opts){.out = 2, .kernel = {3, 1}, .dilation = {4, 1}, .pad = {4, 4, 0, 0}});
    mewl_net_output(net, "y", x);
    mewl_net_output(net, "z", mewl_net_global_pool(net, "d", x, MEWL_POOL_MAX));
    assert_int_equal(mewl_net_seal(net, &err), MEWL_OK);
    assert_true(mewl_net_reach(net, "y", &step, &left, &right));
    assert_int_equal(step, 2);
    assert_int_equal(left, 9);
    assert_int_equal(right, 10); /* 4 steps of 2, the pooled pair, one of the kernel */
    assert_false(mewl_net_reach(net, "z", &step, &left, &right));
    assert_false(mewl_net_reach(net, "none", &step, &left, &right));
    mewl_net_free(net);
}

/* The process keeps as many compiled kernels as it was told to, whatever nets come later; results do not depend on it.
 * Without bounds a program that plans for ever new lengths grows. */
static void test_kept_kernels(void **state)
{
    static const int asked[] = {0, 7, -3, 5000}, kept[] = {0, 7, 0, 96};
    float x[N * T * F];
    double loss[4];
    fill_input(x);
    for (int i = 0; i < 4; i++) {
        int now = -1;
        mewl_net_keep_kernels(asked[i]);
        mewl_net *net = make(false);
        plan(net, false, false, 1);
        loss[i] = loss_of(net, x, false);
        mewl_net_free(net);
        assert_int_equal(dnnl_get_primitive_cache_capacity(&now), dnnl_success);
        assert_int_equal(now, kept[i]);
        assert_true(loss[i] == loss[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient),      cmocka_unit_test(test_folding),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_frozen),        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_impossible_plans),
        cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_reach),    cmocka_unit_test(test_winograd),
        cmocka_unit_test(test_kept_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
