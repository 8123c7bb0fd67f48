/* test_optim.c - optimisers against their formulas in double, clipping, decay and rate factors, gradients that are not
 * finite; moving average; schedules; the plateau watcher. (Against PyTorch: tests/models/test_cnn.c.) */
#include "nn/optim.h"
#include "nn/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 6 };

/* A net with one weight of 2 x 3 and one bias of 2, planned for training so that gradients exist. */
static mewl_net *make_net(void)
{
    mewl_error err = {0};
    mewl_net *net;
    assert_int_equal(mewl_net_new(&net, &err), MEWL_OK);
    mewl_node x = mewl_net_linear(net, "fc", mewl_net_input(net, 3, 1), (mewl_linear_opts){.out = 2});
    mewl_net_output(net, "y", x);
    assert_int_equal(mewl_net_seal(net, &err), MEWL_OK);
    assert_int_equal(mewl_net_plan(net, (mewl_net_plan_opts){.training = true, .batch = 1, .frames = 1}, &err),
                     MEWL_OK);
    mewl_net_init_xavier(net, 5);
    return net;
}

static float *weight_of(mewl_net *net)
{
    return mewl_net_param(net, "fc.weight")->value.data;
}

static void set_gradient(mewl_net *net, int step)
{
    float *grad = mewl_net_param(net, "fc.weight")->grad.data;
    for (int i = 0; i < SIZE; i++) {
        grad[i] = (float)sin(1.0 + i + 3.0 * step);
    }
}

typedef struct twin {
    double value[SIZE], first[SIZE], second[SIZE];
} twin;

static void twin_step(twin *t, const mewl_optim_opts *o, int step, double rate, double scale)
{
    for (int i = 0; i < SIZE; i++) {
        double g = sin(1.0 + i + 3.0 * step) * scale;
        if (o->kind == MEWL_OPTIM_ADAMW) {
            t->value[i] *= 1.0 - rate * o->weight_decay;
        } else {
            g += o->weight_decay * t->value[i];
        }
        if (o->kind == MEWL_OPTIM_SGD) {
            t->first[i] = o->momentum * t->first[i] + g;
            t->value[i] -= rate * (o->nesterov ? g + o->momentum * t->first[i] : t->first[i]);
            continue;
        }
        t->first[i] = 0.9 * t->first[i] + 0.1 * g;
        t->second[i] = 0.999 * t->second[i] + 0.001 * g * g;
        double m = t->first[i] / (1.0 - pow(0.9, step + 1)), v = t->second[i] / (1.0 - pow(0.999, step + 1));
        t->value[i] -= rate * m / (sqrt(v) + 1e-8);
    }
}

static void run_formula(mewl_optim_opts opts)
{
    mewl_error err = {0};
    mewl_net *net = make_net();
    mewl_optim *optim;
    assert_int_equal(mewl_optim_new(&optim, net, opts, &err), MEWL_OK);
    twin t = {0};
    for (int i = 0; i < SIZE; i++) {
        t.value[i] = (double)weight_of(net)[i];
    }
    for (int step = 0; step < 20; step++) {
        double norm, squares = 0.0, scale = 1.0, rate = 0.01 * (1.0 + step % 3);
        for (int i = 0; i < SIZE; i++) {
            squares += pow(sin(1.0 + i + 3.0 * step), 2.0);
        }
        if (opts.clip_norm > 0.0 && sqrt(squares) > opts.clip_norm) {
            scale = opts.clip_norm / (sqrt(squares) + 1e-6);
        }
        set_gradient(net, step);
        assert_int_equal(mewl_optim_step(optim, &norm, rate, &err), MEWL_OK);
        assert_float_equal(norm, sqrt(squares), 1e-5);
        assert_true(((float *)mewl_net_param(net, "fc.weight")->grad.data)[0] == 0.0f);
        twin_step(&t, &opts, step, rate, scale);
        for (int i = 0; i < SIZE; i++) {
            assert_float_equal(weight_of(net)[i], t.value[i], 2e-6);
        }
    }
    assert_int_equal(mewl_optim_steps(optim), 20);
    mewl_optim_free(optim);
    mewl_net_free(net);
}

static void test_formulas(void **state)
{
    run_formula((mewl_optim_opts){.kind = MEWL_OPTIM_SGD});
    run_formula((mewl_optim_opts){.kind = MEWL_OPTIM_SGD, .momentum = 0.9, .weight_decay = 0.1});
    run_formula((mewl_optim_opts){.kind = MEWL_OPTIM_SGD, .momentum = 0.9, .nesterov = true, .clip_norm = 0.5});
    run_formula((mewl_optim_opts){.kind = MEWL_OPTIM_ADAM, .weight_decay = 0.1});
    run_formula((mewl_optim_opts){.kind = MEWL_OPTIM_ADAMW, .weight_decay = 0.1, .clip_norm = 1.0});
}

static void test_factors(void **state)
{
    mewl_error err = {0};
    mewl_net *net = make_net();
    mewl_optim *optim;
    mewl_optim_opts opts = {.kind = MEWL_OPTIM_ADAMW, .weight_decay = 0.5};
    assert_int_equal(mewl_optim_new(&optim, net, opts, &err), MEWL_OK);
    mewl_param *weight = mewl_net_param(net, "fc.weight"), *bias = mewl_net_param(net, "fc.bias");
    float *w = weight->value.data, *b = bias->value.data, before = w[0];
    b[0] = 1.0f;
    assert_int_equal(mewl_optim_step(optim, NULL, 0.1, &err), MEWL_OK); /* no gradient: decay alone */
    assert_float_equal(w[0], before * 0.95f, 1e-6);
    assert_true(b[0] == 1.0f); /* biases do not decay */
    weight->rate = 0.5f;
    before = w[0];
    assert_int_equal(mewl_optim_step(optim, NULL, 0.1, &err), MEWL_OK);
    assert_float_equal(w[0], before * 0.975f, 1e-6);
    weight->frozen = true;
    before = w[0];
    set_gradient(net, 0);
    assert_int_equal(mewl_optim_step(optim, NULL, 0.1, &err), MEWL_OK);
    assert_true(w[0] == before);
    mewl_optim_free(optim);
    mewl_net_free(net);
}

static void test_not_finite(void **state)
{
    const float bad[] = {NAN, INFINITY, 3e38f};
    for (int k = 0; k < 2; k++) {
        mewl_error err = {0};
        mewl_net *net = make_net();
        mewl_optim *optim;
        assert_int_equal(mewl_optim_new(&optim, net, (mewl_optim_opts){.kind = MEWL_OPTIM_ADAM}, &err), MEWL_OK);
        float keep[SIZE], *grad = mewl_net_param(net, "fc.weight")->grad.data;
        memcpy(keep, weight_of(net), sizeof keep);
        set_gradient(net, 0);
        grad[3] = bad[k];
        assert_int_equal(mewl_optim_step(optim, NULL, 0.1, &err), MEWL_E_STATE);
        assert_memory_equal(keep, weight_of(net), sizeof keep);
        assert_true(grad[3] == 0.0f);
        assert_int_equal(mewl_optim_steps(optim), 0);
        mewl_optim_free(optim);
        mewl_net_free(net);
    }
}

static void test_bad_options(void **state)
{
    const mewl_optim_opts bad[] = {
        {.kind = MEWL_OPTIM_SGD, .momentum = 1.0},
        {.kind = MEWL_OPTIM_SGD, .nesterov = true},
        {.kind = MEWL_OPTIM_ADAM, .beta2 = 1.0},
        {.kind = MEWL_OPTIM_ADAM, .eps = -1.0},
        {.kind = MEWL_OPTIM_ADAM, .clip_norm = -1.0},
        {.kind = MEWL_OPTIM_ADAM, .weight_decay = NAN},
        {.kind = (mewl_optim_kind)7},
    };
    mewl_net *net = make_net();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mewl_error err = {0};
        mewl_optim *optim;
        assert_int_equal(mewl_optim_new(&optim, net, bad[i], &err), MEWL_E_ARG);
        assert_null(optim);
    }
    mewl_net_free(net);
}

static void test_average(void **state)
{
    mewl_error err = {0};
    mewl_net *net = make_net();
    mewl_ema *ema;
    assert_int_equal(mewl_ema_new(&ema, net, 1.0, &err), MEWL_E_ARG);
    assert_int_equal(mewl_ema_new(&ema, net, 0.9, &err), MEWL_OK);
    double average = (double)weight_of(net)[0];
    for (int i = 0; i < 100; i++) {
        weight_of(net)[0] = (float)cos(i);
        mewl_ema_update(ema);
        double d = fmin(0.9, (1.0 + i) / (10.0 + i));
        average += (1.0 - d) * (cos(i) - average);
    }
    mewl_ema_swap(ema);
    assert_float_equal(weight_of(net)[0], average, 1e-6);
    mewl_ema_update(ema); /* while exchanged: nothing */
    mewl_ema_swap(ema);
    assert_float_equal(weight_of(net)[0], cos(99), 1e-6);
    mewl_ema_swap(ema);
    assert_float_equal(weight_of(net)[0], average, 1e-6);
    mewl_ema_free(ema);
    mewl_net_free(net);
}

static void test_schedule(void **state)
{
    mewl_schedule s = {
        .kind = MEWL_SCHEDULE_COSINE, .rate = 2.0, .final_fraction = 0.1, .warmup_steps = 4, .total_steps = 104};
    assert_float_equal(mewl_schedule_rate(&s, 0), 0.5, 1e-12);
    assert_float_equal(mewl_schedule_rate(&s, 3), 2.0, 1e-12);
    assert_float_equal(mewl_schedule_rate(&s, 4), 2.0, 1e-12);
    assert_float_equal(mewl_schedule_rate(&s, 54), 2.0 * 0.55, 1e-12);
    assert_float_equal(mewl_schedule_rate(&s, 104), 0.2, 1e-12);
    assert_float_equal(mewl_schedule_rate(&s, 1000000), 0.2, 1e-12);
    s.kind = MEWL_SCHEDULE_CONSTANT;
    assert_float_equal(mewl_schedule_rate(&s, 1), 1.0, 1e-12);
    assert_float_equal(mewl_schedule_rate(&s, 500), 2.0, 1e-12);
    s = (mewl_schedule){.kind = MEWL_SCHEDULE_COSINE, .rate = 1.0}; /* nothing set: no division by zero */
    assert_true(isfinite(mewl_schedule_rate(&s, 0)));
}

static void test_plateau(void **state)
{
    mewl_plateau p = {.larger_is_better = true,
                      .factor = 0.5,
                      .threshold = 0.01,
                      .patience = 2,
                      .cooldown = 1,
                      .floor = 0.2,
                      .scale = 1.0};
    const struct {
        double figure;
        bool reduced;
        double scale;
    } rows[] = {{0.5, false, 1.0},  {0.504, false, 1.0}, {NAN, false, 1.0}, {0.4, true, 0.5},  {0.4, false, 0.5},
                {0.6, false, 0.5},  {0.6, false, 0.5},   {0.6, false, 0.5}, {0.6, true, 0.25}, {0.6, false, 0.25},
                {0.6, false, 0.25}, {0.6, false, 0.25},  {0.6, true, 0.2},  {0.6, false, 0.2}, {0.6, false, 0.2},
                {0.6, false, 0.2},  {0.6, false, 0.2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mewl_plateau_observe(&p, rows[i].figure), rows[i].reduced);
        assert_float_equal(p.scale, rows[i].scale, 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),    cmocka_unit_test(test_factors), cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_bad_options), cmocka_unit_test(test_average), cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_plateau),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
