/* test_loss_embed.c - NT-Xent, GE2E, AAM-softmax and the cosine to a teacher: values and gradients against PyTorch
 * (tools/golden_layers.py) within 1e-4, gradients against central differences, and what happens at the edges. */
#include "golden_value.h"
#include "nn/checkpoint.h"
#include "nn/loss_embed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 5, ROWS = 12 };

static void fill(float *x, const char *name, int count)
{
    for (int i = 0; i < count; i++) {
        x[i] = (float)golden_value(name, (uint64_t)i);
    }
}

static void compare(const char *key, const float *got, int count)
{
    mewl_error err = {0};
    mewl_checkpoint *file;
    float want[80];
    assert_int_equal(mewl_checkpoint_read(&file, GOLDEN "/losses.safetensors", &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_get_f32(file, want, key, count, &err), MEWL_OK);
    double largest = 1e-6;
    for (int i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)want[i]));
    }
    for (int i = 0; i < count; i++) {
        if (!(fabs((double)got[i] - (double)want[i]) <= 1e-4 * largest)) {
            fail_msg("%s[%d] is %g, not %g", key, i, (double)got[i], (double)want[i]);
        }
    }
    mewl_checkpoint_free(file);
}

/* One loss behind one face; dx and dweight may be NULL. */
typedef double (*loss_fn)(float *dx, float *dweight, double *dw, const float *x, const float *weight, double *scratch);

static double nt_xent(float *dx, float *dweight, double *dw, const float *x, const float *weight, double *scratch)
{
    static const int32_t label[8] = {0, 0, 0, 1, 1, 2, 2, 3};
    return mewl_loss_nt_xent(dx, x, label, 8, SIZE, 0.2, scratch);
}

static double ge2e(float *dx, float *dweight, double *dw, const float *x, const float *weight, double *scratch)
{
    return mewl_loss_ge2e(dx, dw, NULL, x, 3, 4, SIZE, 4.0, -2.0, scratch);
}

static double aam(float *dx, float *dweight, const float *x, const float *weight, double *scratch, size_t centres)
{
    static const int32_t label[6] = {0, 1, 2, 3, 1, 0};
    mewl_aam_opts opts = {.classes = 4, .centres = centres, .scale = 10.0, .margin = 0.3};
    return mewl_loss_aam(dx, dweight, x, weight, label, 6, SIZE, opts, scratch);
}

static double aam1(float *dx, float *dweight, double *dw, const float *x, const float *weight, double *scratch)
{
    return aam(dx, dweight, x, weight, scratch, 0);
}

static double aam3(float *dx, float *dweight, double *dw, const float *x, const float *weight, double *scratch)
{
    return aam(dx, dweight, x, weight, scratch, 3);
}

/* A teacher's rows for all but the third row, which has none. */
static double cosine(float *dx, float *dweight, double *dw, const float *x, const float *weight, double *scratch)
{
    float target[6 * SIZE];
    memcpy(target, weight, sizeof target);
    memset(target + 2 * SIZE, 0, SIZE * sizeof *target);
    if (dx != NULL) {
        memset(dx, 0, 6 * SIZE * sizeof *dx);
    }
    return mewl_loss_cosine(dx, x, target, 6, SIZE, 0.7, scratch);
}

static const struct {
    const char *name;
    loss_fn loss;
    int rows, weights;
} cases[] = {{"nt_xent", nt_xent, 8, 0},
             {"ge2e", ge2e, 12, 0},
             {"aam1", aam1, 6, 4},
             {"aam3", aam3, 6, 12},
             {"cosine", cosine, 6, 0}};

static void test_against_pytorch(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float x[ROWS * SIZE], weight[ROWS * SIZE], dx[ROWS * SIZE], dweight[ROWS * SIZE] = {0};
        double scratch[1024], dw = 0.0;
        char key[64];
        fill(x, "x", ROWS * SIZE);
        fill(weight, "weight", ROWS * SIZE);
        float loss = (float)cases[i].loss(dx, dweight, &dw, x, weight, scratch);
        (void)snprintf(key, sizeof key, "%s.loss", cases[i].name);
        compare(key, &loss, 1);
        (void)snprintf(key, sizeof key, "%s.dx", cases[i].name);
        compare(key, dx, cases[i].rows * SIZE);
        if (cases[i].weights > 0) {
            (void)snprintf(key, sizeof key, "%s.dweight", cases[i].name);
            compare(key, dweight, cases[i].weights * SIZE);
        }
        if (cases[i].loss == ge2e) {
            compare("ge2e.dw", &(float){(float)dw}, 1);
        }
    }
}

static void test_differences(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float x[ROWS * SIZE], weight[ROWS * SIZE], dx[ROWS * SIZE], dweight[ROWS * SIZE] = {0};
        double scratch[1024];
        fill(x, "x", ROWS * SIZE);
        fill(weight, "weight", ROWS * SIZE);
        (void)cases[i].loss(dx, dweight, NULL, x, weight, scratch);
        for (int part = 0; part < 2; part++) {
            float *at = part == 0 ? x : weight, *grad = part == 0 ? dx : dweight;
            int count = (part == 0 ? cases[i].rows : cases[i].weights) * SIZE;
            for (int k = 0; k < count; k++) {
                float keep = at[k], step = 1e-2f;
                at[k] = keep + step;
                double up = cases[i].loss(NULL, NULL, NULL, x, weight, scratch);
                at[k] = keep - step;
                double down = cases[i].loss(NULL, NULL, NULL, x, weight, scratch);
                at[k] = keep;
                if (fabs((up - down) / (2.0 * (double)step) - (double)grad[k]) > 0.02) {
                    fail_msg("%s, part %d, element %d: %g by differences, %g", cases[i].name, part, k,
                             (up - down) / (2.0 * (double)step), (double)grad[k]);
                }
            }
        }
    }
}

/* Nobody twice: nothing to learn. Rows of zeros: no gradient explodes. Gradients of weights add up. */
static void test_edges(void **state)
{
    static const int32_t alone[3] = {0, 1, 2};
    float x[3 * SIZE], dx[3 * SIZE], weight[ROWS * SIZE], dweight[ROWS * SIZE] = {0}, once[ROWS * SIZE];
    double scratch[1024];
    fill(x, "x", 3 * SIZE);
    assert_true(mewl_loss_nt_xent(dx, x, alone, 3, SIZE, 0.1, scratch) == 0.0);
    for (int i = 0; i < 3 * SIZE; i++) {
        assert_true(dx[i] == 0.0f);
    }
    float zeros[ROWS * SIZE] = {0}, grad[ROWS * SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fill(weight, "weight", ROWS * SIZE);
        assert_true(isfinite(cases[i].loss(grad, dweight, NULL, zeros, weight, scratch)));
        for (int k = 0; k < cases[i].rows * SIZE; k++) {
            assert_true(isfinite((double)grad[k]));
        }
    }
    float rows[ROWS * SIZE];
    fill(rows, "x", ROWS * SIZE);
    memset(dweight, 0, sizeof dweight);
    (void)aam(NULL, dweight, rows, weight, scratch, 3);
    memcpy(once, dweight, sizeof once);
    (void)aam(NULL, dweight, rows, weight, scratch, 3);
    for (int i = 0; i < ROWS * SIZE; i++) {
        assert_true(fabsf(dweight[i] - 2.0f * once[i]) <= 1e-6f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_pytorch),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
