/* test_layers.c - recurrent, attention and pooling layers against PyTorch (tools/golden_layers.py): outputs, and
 * gradients of all their parameters and of a linear layer before them, within a relative 1e-4. And what their builders
 * and plans refuse.
 */
#include "golden_value.h"
#include "nn/checkpoint.h"
#include "nn/net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RELATIVE 1e-4
enum { N = 2, C = 6, T = 7 };

static mewl_node build(mewl_net *net, const char *name, mewl_node x)
{
    if (strcmp(name, "lstm") == 0 || strcmp(name, "bilstm") == 0) {
        return mewl_net_lstm(net, "l", x, (mewl_lstm_opts){.hidden = 4, .bidirectional = name[0] == 'b'});
    }
    if (strcmp(name, "attention") == 0) {
        return mewl_net_self_attention(net, "l", x, (mewl_self_attention_opts){.heads = 2});
    }
    if (strcmp(name, "norm") == 0) {
        return mewl_net_layer_norm(net, "l", x, (mewl_layer_norm_opts){0});
    }
    if (strcmp(name, "mha") == 0) {
        return mewl_net_mha_pool(net, "l", x, 2);
    }
    if (strcmp(name, "literal") == 0) {
        return mewl_net_attn_literal_pool(net, "l", x, T);
    }
    if (strcmp(name, "attentive") == 0) {
        return mewl_net_attentive_stats(net, "l", x, mewl_net_add(net, "twice", x, x), (mewl_stats_opts){0});
    }
    return mewl_net_stat_pool(net, "l", x, strcmp(name, "stat_full") == 0);
}

static void compare(const mewl_checkpoint *file, const char *key, const float *got, int64_t count)
{
    float *want = calloc((size_t)count, sizeof *want);
    mewl_error err = {0};
    if (mewl_checkpoint_get_f32(file, want, key, count, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    double worst = 0.0, largest = 1e-6;
    for (int64_t i = 0; i < count; i++) {
        double error = fabs((double)got[i] - (double)want[i]);
        worst = error == error && error < worst ? worst : error;
        largest = fmax(largest, fabs((double)want[i]));
    }
    free(want);
    if (!(worst / largest <= RELATIVE)) {
        fail_msg("%s is off by %.3g", key, worst / largest);
    }
}

static void set_values(mewl_net *net, const char *name)
{
    char key[160];
    size_t count;
    mewl_param *const *params = mewl_net_params(net, &count);
    for (size_t i = 0; i < count; i++) {
        bool pre = strcmp(params[i]->name, "pre.weight") == 0, literal = strcmp(name, "literal") == 0;
        (void)snprintf(key, sizeof key, "%s.%s", name, pre ? "pre" : strchr(params[i]->name, '.') + 1);
        for (int64_t k = 0; k < mewl_shape_count(params[i]->value.shape); k++) {
            float v = (float)(golden_value(key, (uint64_t)k) * (pre ? 0.7 : 0.5));
            ((float *)params[i]->value.data)[k] = !literal ? v : pre ? fabsf(v) : v + 1.0f;
        }
    }
    mewl_net_touch(net);
}

static void check_case(const mewl_checkpoint *file, const char *name)
{
    mewl_error err = {0};
    mewl_net *net;
    char key[160];
    float input[N * C * T];
    assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
    mewl_node x = mewl_net_input(net, C, 1);
    x = mewl_net_linear(net, "pre", x, (mewl_linear_opts){.out = C, .no_bias = true});
    mewl_net_output(net, "y", build(net, name, x));
    assert_int_equal(mewl_net_seal(net, &err), MEWL_OK);
    set_values(net, name);
    for (int i = 0; i < N * C * T; i++) {
        input[i] = (float)golden_value("input", (uint64_t)i) + (strcmp(name, "literal") == 0 ? 1.5f : 0.0f);
    }
    for (int training = 0; training < 2; training++) {
        mewl_net_plan_opts plan = {.training = training == 1, .batch = N, .frames = T};
        assert_int_equal(mewl_net_plan(net, plan, &err), MEWL_OK);
        assert_int_equal(mewl_net_forward(net, input, &err), MEWL_OK);
        mewl_shape shape;
        const float *y = mewl_net_output_value(net, "y", &shape);
        (void)snprintf(key, sizeof key, "%s.y", name);
        compare(file, key, y, mewl_shape_count(shape));
        for (int64_t i = 0; training == 1 && i < mewl_shape_count(shape); i++) {
            (void)snprintf(key, sizeof key, "%s.dy", name);
            mewl_net_output_grad(net, "y")[i] = (float)golden_value(key, (uint64_t)i);
        }
    }
    assert_int_equal(mewl_net_backward(net, &err), MEWL_OK);
    size_t count;
    mewl_param *const *params = mewl_net_params(net, &count);
    for (size_t i = 0; i < count; i++) {
        bool pre = strcmp(params[i]->name, "pre.weight") == 0;
        (void)snprintf(key, sizeof key, "%s.grad.%s", name, pre ? "pre" : strchr(params[i]->name, '.') + 1);
        compare(file, key, params[i]->grad.data, mewl_shape_count(params[i]->value.shape));
    }
    mewl_net_free(net);
}

static void test_against_pytorch(void **state)
{
    static const char *const names[] = {"lstm", "bilstm",    "attention", "norm",     "stat",
                                        "mha",  "stat_full", "literal",   "attentive"};
    mewl_error err = {0};
    mewl_checkpoint *file;
    assert_int_equal(mewl_checkpoint_read(&file, GOLDEN "/layers.safetensors", &err), MEWL_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check_case(file, names[i]);
    }
    mewl_checkpoint_free(file);
}

/* Every learned pooling begins as the mean, whatever the seed. */
static void test_poolings_start_as_mean(void **state)
{
    for (int kind = 0; kind < 4; kind++) {
        mewl_error err = {0};
        mewl_net *net;
        float input[C * T * 2];
        assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
        mewl_node x = mewl_net_input(net, C, 2);
        x = kind == 0   ? mewl_net_stat_pool(net, "l", x, false)
            : kind == 1 ? mewl_net_stat_pool(net, "l", x, true)
            : kind == 2 ? mewl_net_mha_pool(net, "l", x, 3)
                        : mewl_net_attn_literal_pool(net, "l", x, T);
        mewl_net_output(net, "y", x);
        assert_int_equal(mewl_net_seal(net, &err), MEWL_OK);
        mewl_net_init_xavier(net, 5);
        assert_int_equal(mewl_net_plan(net, (mewl_net_plan_opts){.batch = 1, .frames = T}, &err), MEWL_OK);
        for (int i = 0; i < C * T * 2; i++) {
            input[i] = 1.0f + (float)golden_value("x", (uint64_t)i);
        }
        assert_int_equal(mewl_net_forward(net, input, &err), MEWL_OK);
        for (int c = 0; c < C; c++) {
            double mean = 0.0;
            for (int i = 0; i < 2 * T; i++) {
                mean += (double)input[c * 2 * T + i] / (2 * T);
            }
            assert_true(fabs((double)mewl_net_output_value(net, "y", NULL)[c] - mean) < 1e-5);
        }
        mewl_net_free(net);
    }
}

#define REFUSE(call)                                                                                                   \
    do {                                                                                                               \
        mewl_net *net;                                                                                                 \
        mewl_error err = {0};                                                                                          \
        assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);                                                           \
        mewl_node x = mewl_net_input(net, C, 4), s = mewl_net_mean_features(net, "s", x);                              \
        assert_true(s > 0 && (call) < 0);                                                                              \
        mewl_net_output(net, "y", s);                                                                                  \
        assert_true(mewl_net_seal(net, &err) != MEWL_OK && err.text[0] != '\0');                                       \
        mewl_net_free(net);                                                                                            \
    } while (0)

static void test_mistakes_of_builders(void **state)
{
    REFUSE(mewl_net_lstm(net, "l", x, (mewl_lstm_opts){.hidden = 4}));
    REFUSE(mewl_net_lstm(net, "l", s, (mewl_lstm_opts){.hidden = 0}));
    REFUSE(mewl_net_self_attention(net, "l", s, (mewl_self_attention_opts){.heads = 4}));
    REFUSE(mewl_net_mha_pool(net, "l", x, 5));
    REFUSE(mewl_net_attn_literal_pool(net, "l", x, 0));
    REFUSE(mewl_net_slice(net, "l", x, 4, 3));
    REFUSE(mewl_net_slice(net, "l", x, -1, 2));
    REFUSE(mewl_net_slice_features(net, "l", x, 2, 3));
    REFUSE(mewl_net_unflatten_features(net, "l", x, 2));
    REFUSE(mewl_net_unflatten_features(net, "l", s, 4));
    REFUSE(mewl_net_pad_reflect(net, "l", x, 1, 1));
    REFUSE(mewl_net_context(net, "l", x, (mewl_stats_opts){0}));
    REFUSE(mewl_net_attentive_stats(net, "l", s, s, (mewl_stats_opts){.unbiased = true}));
    REFUSE(mewl_net_layer_norm(net, "l", x, (mewl_layer_norm_opts){.eps = -1.0}));
    REFUSE(mewl_net_pool2d_window(net, "l", x, (mewl_window_opts){.kernel = {3, 3}, .pad = {2, 0, 0, 0}}));
    REFUSE(mewl_net_pool2d_window(net, "l", x, (mewl_window_opts){.kernel = {1, 9}}));
}

/* Shapes that only planning can know: mirrored edges, a fixed number of frames, one frame's variance. */
static void test_impossible_plans(void **state)
{
    for (int kind = 0; kind < 3; kind++) {
        mewl_error err = {0};
        mewl_net *net;
        assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
        mewl_node x = mewl_net_input(net, C, 1);
        x = kind == 0   ? mewl_net_pad_reflect(net, "l", x, 3, 3)
            : kind == 1 ? mewl_net_attn_literal_pool(net, "l", x, 9)
                        : mewl_net_time_stats(net, "l", x, (mewl_stats_opts){.unbiased = true});
        mewl_net_output(net, "y", x);
        assert_int_equal(mewl_net_seal(net, &err), MEWL_OK);
        int64_t bad = kind == 0 ? 3 : kind == 1 ? 8 : 1, good = kind == 0 ? 4 : kind == 1 ? 9 : 2;
        assert_int_equal(mewl_net_plan(net, (mewl_net_plan_opts){.batch = 1, .frames = bad}, &err), MEWL_E_SHAPE);
        assert_non_null(strstr(err.text, "layer l"));
        assert_int_equal(mewl_net_plan(net, (mewl_net_plan_opts){.batch = 1, .frames = good}, &err), MEWL_OK);
        mewl_net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_pytorch),
        cmocka_unit_test(test_poolings_start_as_mean),
        cmocka_unit_test(test_mistakes_of_builders),
        cmocka_unit_test(test_impossible_plans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
