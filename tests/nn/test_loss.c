/* test_loss.c - losses against their definitions and their gradients against central differences; extreme logits;
 * masks. */
#include "base/rng.h"
#include "nn/loss.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 3, K = 4, P = 5, COUNT = N * K * P };

typedef struct inputs {
    float logits[COUNT], targets[COUNT], weights[COUNT], grad[COUNT];
} inputs;

static inputs make(void)
{
    inputs in;
    mewl_rng rng = mewl_rng_seeded(4);
    for (int i = 0; i < COUNT; i++) {
        in.logits[i] = (float)(mewl_rng_normal(&rng) * 3.0);
        in.targets[i] = (float)mewl_rng_unit(&rng);
        in.weights[i] = i % 4 == 0 ? 0.0f : (float)mewl_rng_unit(&rng);
    }
    return in;
}

static double softmax_loss(float *grad, const inputs *in)
{
    return mewl_loss_softmax(grad, in->logits, in->targets, in->weights, N, K, P, 0.7);
}

static double sigmoid_loss(float *grad, const inputs *in)
{
    return mewl_loss_sigmoid(grad, in->logits, in->targets, in->weights, COUNT, 0.7);
}

static void check_gradient(double (*loss)(float *, const inputs *))
{
    inputs in = make();
    loss(in.grad, &in);
    for (int i = 0; i < COUNT; i++) {
        inputs up = in, down = in;
        up.logits[i] += 0.03125f; /* exact in float32 at this size */
        down.logits[i] -= 0.03125f;
        double numeric = (loss(NULL, &up) - loss(NULL, &down)) / ((double)up.logits[i] - (double)down.logits[i]);
        assert_true(fabs(numeric - (double)in.grad[i]) < 2e-5);
    }
}

static void test_softmax(void **state)
{
    inputs in = make();
    double sum = 0.0, weight = 0.0;
    for (int n = 0; n < N; n++) {
        for (int p = 0; p < P; p++) {
            double total = 0.0;
            for (int k = 0; k < K; k++) {
                total += exp((double)in.logits[(n * K + k) * P + p]);
            }
            weight += (double)in.weights[n * P + p];
            for (int k = 0; k < K; k++) {
                int at = (n * K + k) * P + p;
                sum -= (double)in.weights[n * P + p] * (double)in.targets[at] * log(exp((double)in.logits[at]) / total);
            }
        }
    }
    assert_true(fabs(softmax_loss(NULL, &in) - 0.7 * sum / weight) < 1e-6);
    check_gradient(softmax_loss);
}

static void test_sigmoid(void **state)
{
    inputs in = make();
    double sum = 0.0, weight = 0.0;
    for (int i = 0; i < COUNT; i++) {
        double p = 1.0 / (1.0 + exp(-(double)in.logits[i])), t = (double)in.targets[i];
        sum -= (double)in.weights[i] * (t * log(p) + (1.0 - t) * log(1.0 - p));
        weight += (double)in.weights[i];
    }
    assert_true(fabs(sigmoid_loss(NULL, &in) - 0.7 * sum / weight) < 1e-6);
    check_gradient(sigmoid_loss);
}

static void test_extremes(void **state)
{
    float logits[4] = {1e30f, -1e30f, 80.0f, -80.0f}, right[4] = {1, 0, 1, 0}, wrong[4] = {0, 1, 0, 1}, grad[4], out[4];
    assert_true(mewl_loss_sigmoid(grad, logits, right, NULL, 4, 1.0) < 1e-20);
    for (int i = 0; i < 4; i++) {
        assert_true(fabsf(grad[i]) < 1e-20f);
    }
    double loss = mewl_loss_sigmoid(grad, logits, wrong, NULL, 4, 1.0);
    assert_true(isfinite(loss) && loss > 1e29);
    assert_float_equal(grad[0], 0.25, 1e-6);
    assert_float_equal(grad[1], -0.25, 1e-6);
    assert_true(isfinite(mewl_loss_softmax(grad, logits, wrong, NULL, 1, 4, 1, 1.0)));
    mewl_softmax(out, logits, 1, 4, 1);
    assert_float_equal(out[0], 1.0, 0.0);
    assert_float_equal(out[1], 0.0, 0.0);
    mewl_sigmoid(out, logits, 4);
    assert_float_equal(out[0], 1.0, 0.0);
    assert_true(out[3] > 0.0f && out[3] < 1e-30f);
}

static void test_masks(void **state)
{
    inputs in = make();
    double before = sigmoid_loss(in.grad, &in);
    in.logits[0] = 50.0f; /* weight 0 */
    assert_true(before == sigmoid_loss(in.grad, &in));
    assert_true(in.grad[0] == 0.0f);
    memset(in.weights, 0, sizeof in.weights);
    in.grad[1] = 5.0f;
    assert_true(sigmoid_loss(in.grad, &in) == 0.0);
    assert_true(in.grad[1] == 0.0f);
    in.grad[1] = 5.0f;
    assert_true(softmax_loss(in.grad, &in) == 0.0);
    assert_true(in.grad[1] == 0.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_sigmoid),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
