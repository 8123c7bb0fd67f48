/* test_mn04_mfcc.c - the shipped embedder layer by layer: its statistics are those of the front end's cosine transform,
 * and its 192 numbers are the two heads on them, each half as long as the balance says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "dsp/mfcc.h"
#include "models/mn04_mfcc.h"
#include "models/model.h"

enum {
    FRAMES = 70,
    BANDS = MEWL_MN04_BANDS,
    COUNT = MEWL_MN04_MFCC_COEFFICIENTS,
    SIZE = MEWL_MN04_MFCC_SIZE,
    HALF = MEWL_MN04_MFCC_HALF
};

typedef struct fixture {
    mewl_model *shipped, *statistics;
    float features[FRAMES * BANDS];
} fixture;

/* The shipped file, and the network of the statistics alone with its weights. */
static int set_up(void **state)
{
    mewl_error err = {0};
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    mewl_model_config config = {.arch = "mn04-mfcc-statistics", .front_end = "mn"};
    if (mewl_model_load(&f->shipped, SOURCE_ROOT "/models/embedder.safetensors", &err) != MEWL_OK ||
        mewl_model_new(&f->statistics, config, 0, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    size_t count;
    mewl_param *const *params = mewl_net_params(mewl_model_net(f->statistics), &count);
    for (size_t i = 0; i < count; i++) {
        const mewl_param *p = mewl_net_param(mewl_model_net(f->shipped), params[i]->name);
        assert_non_null(p);
        memcpy(params[i]->value.data, p->value.data, mewl_tensor_bytes(&params[i]->value));
    }
    mewl_net_touch(mewl_model_net(f->statistics));
    mewl_rng rng = mewl_rng_seeded(5);
    for (size_t i = 0; i < FRAMES * BANDS; i++) {
        f->features[i] = (float)(0.3 * mewl_rng_normal(&rng) + sin(0.05 * (double)(i % BANDS)) - 0.2);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    mewl_model_free(f->shipped);
    mewl_model_free(f->statistics);
    free(f);
    return 0;
}

static void spread(double *mean, double *deviation, const double *x, int count)
{
    *mean = *deviation = 0;
    for (int t = 0; t < count; t++) {
        *mean += x[t] / count;
    }
    for (int t = 0; t < count; t++) {
        *deviation += (x[t] - *mean) * (x[t] - *mean) / count;
    }
    *deviation = sqrt(*deviation);
}

static void test_statistics(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    mewl_mfcc *transform;
    float out[SIZE], cepstra[FRAMES * COUNT];
    assert_int_equal(mewl_model_embedding_size(f->statistics), SIZE);
    if (mewl_model_forward(f->statistics, f->features, 1, FRAMES, NULL, NULL, out, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(mewl_mfcc_new(&transform, BANDS, COUNT, &err), MEWL_OK);
    for (size_t t = 0; t < FRAMES; t++) {
        mewl_mfcc_apply(transform, cepstra + t * COUNT, f->features + t * BANDS);
    }
    mewl_mfcc_free(transform);
    const float *got = out + MEWL_MN04_EMBEDDING;
    for (size_t k = 0; k < COUNT; k++) {
        double line[FRAMES], mean, deviation, none, change;
        for (size_t t = 0; t < FRAMES; t++) {
            line[t] = (double)cepstra[t * COUNT + k];
        }
        spread(&mean, &deviation, line, FRAMES);
        for (size_t t = 0; t + 1 < FRAMES; t++) {
            line[t] = line[t + 1] - line[t];
        }
        spread(&none, &change, line, FRAMES - 1);
        assert_true(fabs((double)got[k] - mean) < 1e-4);
        assert_true(fabs((double)got[COUNT + k] - deviation) < 1e-4);
        assert_true(fabs((double)got[2 * COUNT + k] - change) < 1e-4);
    }
    assert_int_equal(mewl_model_forward(f->statistics, f->features, 1, 1, NULL, NULL, out, &err), MEWL_E_SHAPE);
}

/* One half by hand, of length one. */
static void by_hand(double *out, mewl_net *net, const char *layer, const float *x, size_t dims)
{
    char name[64];
    double squares = 0;
    (void)snprintf(name, sizeof name, "%s.weight", layer);
    const float *weight = mewl_net_param(net, name)->value.data;
    (void)snprintf(name, sizeof name, "%s.bias", layer);
    const float *bias = mewl_net_param(net, name)->value.data;
    for (size_t k = 0; k < HALF; k++) {
        out[k] = (double)bias[k];
        for (size_t d = 0; d < dims; d++) {
            out[k] += (double)weight[k * dims + d] * (double)x[d];
        }
        squares += out[k] * out[k];
    }
    for (size_t k = 0; k < HALF; k++) {
        out[k] /= sqrt(squares);
    }
}

static void test_halves(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    float x[SIZE], got[2 * HALF];
    double want[2 * HALF], squares[2] = {0, 0};
    mewl_net *net = mewl_model_net(f->shipped);
    assert_int_equal(mewl_model_embedding_size(f->shipped), 2 * HALF);
    assert_int_equal(mewl_model_forward(f->statistics, f->features, 1, FRAMES, NULL, NULL, x, &err), MEWL_OK);
    assert_int_equal(mewl_model_forward(f->shipped, f->features, 1, FRAMES, NULL, NULL, got, &err), MEWL_OK);
    by_hand(want, net, MEWL_MN04_MFCC_TRUNK, x, MEWL_MN04_EMBEDDING);
    by_hand(want + HALF, net, MEWL_MN04_MFCC_VOICE, x + MEWL_MN04_EMBEDDING, MEWL_MN04_MFCC_STATISTICS);
    const float *balance = mewl_net_param(net, MEWL_MN04_MFCC_BALANCE ".weight")->value.data;
    for (size_t k = 0; k < 2 * HALF; k++) {
        assert_true(fabs((double)got[k] - (double)balance[k] * want[k]) < 1e-3);
        squares[k / HALF] += (double)got[k] * (double)got[k];
    }
    assert_true(fabs(squares[0] + squares[1] - 1) < 1e-5);
    assert_true(fabs(squares[0] - (double)balance[0] * (double)balance[0]) < 1e-4);
}

static void test_other_figures_are_refused(void **state)
{
    mewl_error err = {0};
    mewl_model *model;
    mewl_model_config config = {.arch = "mn04-mfcc-embed", .front_end = "mn", .bands = 64};
    assert_int_equal(mewl_model_new(&model, config, 0, &err), MEWL_E_ARG);
    assert_non_null(strstr(err.text, "128"));
    config = (mewl_model_config){.arch = "mn04-mfcc-statistics", .front_end = "mn", .classes = 2};
    assert_int_equal(mewl_model_new(&model, config, 0, &err), MEWL_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_other_figures_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
