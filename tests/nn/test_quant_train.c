/* test_quant_train.c - training that rounds: its gradients against plain loops, its forward against the eight-bit net
 * that comes of it, and what it refuses. */
#include "nn/net_private.h"
#include "nn/optim.h"
#include "nn/quant_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), MEWL_OK)

enum { N = 3, T = 5, F = 4, P = T * F, A = 4, B = 6, C = 3 };

static void fill(float *x, size_t count, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)mewl_rng_normal(&rng);
    }
}

static mewl__grid grid_of(mewl_net *net, const char *name)
{
    for (size_t i = 0; i < net->layer_count; i++) {
        if (strcmp(net->layers[i]->name, name) == 0) {
            return net->layers[i]->eight->grid;
        }
    }
    fail_msg("no layer %s", name);
    return (mewl__grid){0};
}

static float *param(mewl_net *net, const char *name)
{
    return mewl_net_param(net, name)->value.data;
}

/* One channel -> conv0 (float32, as every first convolution) -> conv1 -> ReLU -> conv2, all 1x1 but for `kernel`. */
static mewl_net *chain(int64_t kernel, bool norm)
{
    mewl_net *net;
    mewl_error err = {0};
    mewl_conv2d_opts o = {.kernel = {kernel, kernel}, .pad = {kernel / 2, kernel / 2, kernel / 2, kernel / 2}};
    OK(mewl_net_new(&net, &err));
    mewl_node x = mewl_net_input(net, 1, F);
    o.out = A;
    x = mewl_net_conv2d(net, "conv0", x, o);
    o.out = B;
    x = mewl_net_conv2d(net, "conv1", x, o);
    x = norm ? mewl_net_batch_norm(net, "norm1", x, (mewl_batch_norm_opts){0}) : x;
    x = mewl_net_relu(net, "relu1", x);
    o.out = C;
    x = mewl_net_conv2d(net, "conv2", x, o);
    mewl_net_output(net, "y", norm ? mewl_net_linear(net, "fc", x, (mewl_linear_opts){.out = C}) : x);
    OK(mewl_net_seal(net, &err));
    mewl_net_init_xavier(net, 11);
    if (norm) {
        fill(param(net, "norm1.bias"), B, 12);
        fill(param(net, "norm1.running_mean"), B, 13);
    }
    return net;
}

static void observe(mewl_net *net, const float *input)
{
    mewl_error err = {0};
    OK(mewl_net_observe(net, true, &err));
    OK(mewl_net_plan(net, (mewl_net_plan_opts){.batch = N, .frames = T}, &err));
    OK(mewl_net_forward(net, input, &err));
}

/* ---- Gradients by hand ---- */

static float rounded(float x, mewl__grid grid, bool *kept)
{
    const float low = grid.is_signed ? -127 : 0, high = grid.is_signed ? 127 : 255, q = rintf(x / grid.scale);
    *kept = q >= low && q <= high;
    return grid.scale * fminf(fmaxf(q, low), high);
}

static void round_weights(float *out, const float *w, int channels, int each)
{
    for (int c = 0; c < channels; c++) {
        float largest = 0;
        for (int i = 0; i < each; i++) {
            largest = fmaxf(largest, fabsf(w[c * each + i]));
        }
        for (int i = 0; i < each; i++) {
            out[c * each + i] = largest / 127 * rintf(w[c * each + i] / (largest / 127));
        }
    }
}

typedef struct by_hand {
    float w1[B * A], w2[C * B];            /* rounded */
    double dw0[A], dw1[B * A], dw2[C * B]; /* gradients */
    int clipped;
} by_hand;

/* One position of one clip: forward, and its share of the gradients of sum(g * y). */
static void position(by_hand *h, mewl_net *net, float input, const float *g)
{
    float a[A], z[B] = {0}, r[B];
    bool a_kept[A], r_kept[B];
    double da[A] = {0};
    for (int i = 0; i < A; i++) {
        a[i] = rounded(param(net, "conv0.weight")[i] * input, grid_of(net, "conv0"), &a_kept[i]);
        h->clipped += !a_kept[i];
    }
    for (int o = 0; o < B; o++) {
        for (int i = 0; i < A; i++) {
            z[o] += h->w1[o * A + i] * a[i];
        }
        r[o] = rounded(fmaxf(z[o], 0), grid_of(net, "conv1"), &r_kept[o]);
        h->clipped += !r_kept[o];
        double dr = 0;
        for (int k = 0; k < C; k++) {
            h->dw2[k * B + o] += (double)(g[k * P] * r[o]);
            dr += (double)(g[k * P] * h->w2[k * B + o]);
        }
        const double dz = r_kept[o] && z[o] > 0 ? dr : 0;
        for (int i = 0; i < A; i++) {
            h->dw1[o * A + i] += dz * (double)a[i];
            da[i] += dz * (double)h->w1[o * A + i];
        }
    }
    for (int i = 0; i < A; i++) {
        h->dw0[i] += a_kept[i] ? da[i] * (double)input : 0;
    }
}

static void assert_gradient(mewl_net *net, const char *name, const double *want, int count)
{
    const float *got = mewl_net_param(net, name)->grad.data;
    double largest = 0;
    for (int i = 0; i < count; i++) {
        largest = fmax(largest, fabs(want[i]));
    }
    assert_true(largest > 0);
    for (int i = 0; i < count; i++) {
        if (fabs((double)got[i] - want[i]) > 1e-4 * largest) {
            fail_msg("%s, %d: %g, by hand %g", name, i, (double)got[i], want[i]);
        }
    }
}

/* Gradients go through rounding as if it were not there, stop where an activation was clipped, and reach weights that
 * are not rounded themselves. */
static void test_straight_through(void **state)
{
    (void)state;
    float input[N * P], g[N * C * P];
    mewl_error err = {0};
    mewl_net *net = chain(1, false);
    fill(input, N * P, 21);
    fill(g, N * C * P, 22);
    observe(net, input);
    float before[B * A];
    memcpy(before, param(net, "conv1.weight"), sizeof before);
    OK(mewl_net_fake_quantise(net, (mewl_quant_opts){.range = MEWL_RANGE_PERCENTILE, .percentile = 80}, &err));
    assert_true(mewl_net_faking(net));
    OK(mewl_net_plan(net, (mewl_net_plan_opts){.batch = N, .frames = T, .training = true}, &err));
    OK(mewl_net_forward(net, input, &err));
    memcpy(mewl_net_output_grad(net, "y"), g, sizeof g);
    mewl_net_zero_grad(net);
    OK(mewl_net_backward(net, &err));
    assert_memory_equal(before, param(net, "conv1.weight"), sizeof before);

    by_hand h = {0};
    round_weights(h.w1, param(net, "conv1.weight"), B, A);
    round_weights(h.w2, param(net, "conv2.weight"), C, B);
    for (int n = 0; n < N; n++) {
        for (int p = 0; p < P; p++) {
            position(&h, net, input[n * P + p], g + n * C * P + p);
        }
    }
    assert_in_range(h.clipped, 10, N * P * (A + B) / 2); /* or the test shows nothing of clipping */
    assert_gradient(net, "conv2.weight", h.dw2, C * B);
    assert_gradient(net, "conv1.weight", h.dw1, B * A);
    assert_gradient(net, "conv0.weight", h.dw0, A);
    mewl_net_free(net);
}

/* ---- The eight-bit net that comes of it ---- */

static void run(float *out, mewl_net *net, const float *input)
{
    mewl_error err = {0};
    OK(mewl_net_plan(net, (mewl_net_plan_opts){.batch = N, .frames = T}, &err));
    OK(mewl_net_forward(net, input, &err));
    memcpy(out, mewl_net_output_value(net, "y", NULL), N * C * P * sizeof *out);
}

static double difference(const float *a, const float *b)
{
    double largest = 0;
    for (int i = 0; i < N * C * P; i++) {
        largest = fmax(largest, fabs((double)(a[i] - b[i])));
    }
    return largest;
}

/* A few updates with rounding: the loss falls, and the eight-bit net says what the rounding one said. */
static void test_becomes_what_it_was_trained_as(void **state)
{
    (void)state;
    float input[N * P], want[N * C * P], exact[N * C * P], faked[N * C * P], eight[N * C * P];
    mewl_error err = {0};
    mewl_net *net = chain(3, true);
    fill(input, N * P, 31);
    fill(want, N * C * P, 32);
    observe(net, input);
    OK(mewl_net_fake_quantise(net, (mewl_quant_opts){0}, &err));
    mewl_optim *optim = NULL;
    OK(mewl_optim_new(&optim, net, (mewl_optim_opts){.kind = MEWL_OPTIM_ADAMW}, &err));
    OK(mewl_net_plan(net, (mewl_net_plan_opts){.batch = N, .frames = T, .training = true}, &err));
    double first = 0, last = 0;
    for (int step = 0; step < 60; step++) {
        OK(mewl_net_forward(net, input, &err));
        const float *y = mewl_net_output_value(net, "y", NULL);
        float *dy = mewl_net_output_grad(net, "y");
        last = 0;
        for (int i = 0; i < N * C * P; i++) {
            dy[i] = (y[i] - want[i]) / (N * C * P);
            last += (double)(dy[i] * (y[i] - want[i]));
        }
        first = step == 0 ? last : first;
        OK(mewl_net_backward(net, &err));
        OK(mewl_optim_step(optim, NULL, 1e-2, &err));
    }
    assert_true(last < 0.9 * first);
    mewl_optim_free(optim);

    run(faked, net, input);
    OK(mewl_net_quantise(net, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC}, &err));
    assert_false(mewl_net_faking(net));
    run(eight, net, input);
    assert_true(mewl_net_quant_activations(net) > 0);
    OK(mewl_net_plan(net, (mewl_net_plan_opts){.batch = N, .frames = T, .dequantise = true}, &err));
    OK(mewl_net_forward(net, input, &err));
    memcpy(exact, mewl_net_output_value(net, "y", NULL), sizeof exact);
    const double rounding = difference(eight, exact), miss = difference(eight, faked);
    assert_true(rounding > 0);
    if (miss > 0.15 * rounding) { /* sums in another order may fall to the other side of a half, seldom */
        fail_msg("eight bits are %g from what was trained, which is %g from no rounding of activations", miss,
                 rounding);
    }
    mewl_net_free(net);
}

static void test_refused(void **state)
{
    (void)state;
    float input[N * P];
    mewl_error err = {0};
    mewl_net *net = chain(3, true);
    fill(input, N * P, 41);
    assert_int_equal(mewl_net_fake_quantise(net, (mewl_quant_opts){0}, &err), MEWL_E_STATE); /* nothing observed */
    assert_false(mewl_net_faking(net));
    observe(net, input);
    assert_int_equal(mewl_net_fake_quantise(net, (mewl_quant_opts){.range = MEWL_RANGE_COUNT}, &err), MEWL_E_ARG);
    OK(mewl_net_fake_quantise(net, (mewl_quant_opts){0}, &err));
    assert_int_equal(mewl_net_fake_quantise(net, (mewl_quant_opts){0}, &err), MEWL_E_STATE);
    assert_int_equal(mewl_net_observe(net, true, &err), MEWL_E_STATE);
    assert_int_equal(mewl_net_quantise(net, (mewl_quant_opts){.kind = MEWL_QUANT_DYNAMIC}, &err), MEWL_E_STATE);
    assert_int_equal(
        mewl_net_plan(net, (mewl_net_plan_opts){.batch = N, .frames = T, .training = true, .bf16 = true}, &err),
        MEWL_E_UNSUPPORTED);
    OK(mewl_net_plan(net, (mewl_net_plan_opts){.batch = N, .frames = T, .training = true}, &err));
    mewl_net_free(net);
}

/* What is observed counts from the last "on" to "off", and nothing else. */
static void test_observing_ends_and_starts_anew(void **state)
{
    (void)state;
    float quiet[N * P], loud[N * P];
    mewl_error err = {0};
    mewl__grid grids[3];
    fill(quiet, N * P, 51);
    for (int i = 0; i < N * P; i++) {
        loud[i] = 8 * quiet[i];
    }
    for (int how = 0; how < 3; how++) { /* quiet alone; loud after the end; loud before the last start */
        mewl_net *net = chain(1, false);
        if (how == 2) {
            observe(net, loud);
        }
        observe(net, quiet);
        OK(mewl_net_observe(net, false, &err));
        assert_false(mewl_net_observing(net));
        if (how == 1) {
            OK(mewl_net_forward(net, loud, &err));
        }
        OK(mewl_net_quantise(net, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC, .range = MEWL_RANGE_MINMAX}, &err));
        grids[how] = grid_of(net, "conv1");
        mewl_net_free(net);
    }
    assert_true(grids[0].scale > 0);
    assert_memory_equal(&grids[0].scale, &grids[1].scale, sizeof(float));
    assert_memory_equal(&grids[0].scale, &grids[2].scale, sizeof(float));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_straight_through),
        cmocka_unit_test(test_becomes_what_it_was_trained_as),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_observing_ends_and_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
