/* test_quantise.c - every architecture in eight bits beside float32, narrow and with made-up weights: how far outputs
 * may move, how small the file becomes, that a loaded one gives the very same, and what is refused. */
#include "models/quantise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../base/scratch.h"

enum { CLIPS = 2, CLASSES = 10, OUTPUTS_MAX = 4096 };

static mewl_model *make(mewl_model_config config)
{
    mewl_error err = {0};
    mewl_model *model;
    if (mewl_model_new(&model, config, 5, &err) != MEWL_OK) {
        fail_msg("%s: %s", config.arch, err.text);
    }
    return model;
}

static float *noise(size_t count, uint64_t seed)
{
    float *x = malloc(count * sizeof *x);
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)mewl_rng_normal(&rng);
    }
    return x;
}

/* What the model says: logits, or the embedding of one without classes. */
static size_t outputs(mewl_model *model, float *y, const float *x, int64_t n, int64_t t)
{
    mewl_error err = {0};
    const bool logits = mewl_model_configuration(model)->classes > 0;
    if (mewl_model_forward(model, x, n, t, logits ? y : NULL, NULL, logits ? NULL : y, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return (size_t)n * (size_t)(logits ? mewl_model_configuration(model)->classes : mewl_model_embedding_size(model));
}

/* Running statistics that fit the weights, as after training. */
static void settle(mewl_model *model, const float *x, int64_t t)
{
    static float y[OUTPUTS_MAX];
    mewl_error err = {0};
    assert_int_equal(mewl_model_plan(model, (mewl_model_mode){.training = true}, &err), MEWL_OK);
    for (int i = 0; i < 8; i++) {
        outputs(model, y, x, CLIPS, t);
    }
    assert_int_equal(mewl_model_plan(model, (mewl_model_mode){0}, &err), MEWL_OK);
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

/* Quantises a model of `config` and compares. Returns the largest error over the largest output. */
static double check(mewl_model_config config, int64_t t, mewl_quant_kind kind, const char *path, double *share)
{
    static float want[OUTPUTS_MAX], got[OUTPUTS_MAX], again[OUTPUTS_MAX];
    mewl_error err = {0};
    mewl_model *model = make(config), *loaded;
    const int64_t bands = mewl_model_configuration(model)->bands;
    float *x = noise((size_t)(CLIPS * t * bands), 6);
    uint64_t before, after;
    struct stat st;
    settle(model, x, t);
    const size_t count = outputs(model, want, x, CLIPS, t);
    assert_int_equal(mewl_model_bytes(model, &before, false, &err), MEWL_OK);
    if (kind == MEWL_QUANT_STATIC) {
        assert_int_equal(mewl_model_calibrate(model, x, 1, t, &err), MEWL_OK);
        assert_int_equal(mewl_model_calibrate(model, x + t * bands, 1, t, &err), MEWL_OK);
    }
    if (mewl_model_quantise(model, (mewl_quant_opts){.kind = kind}, &err) != MEWL_OK) {
        fail_msg("%s: %s", config.arch, err.text);
    }
    assert_int_equal(mewl_model_quantised(model), kind);
    assert_non_null(strstr(mewl_model_note(model, "quantised"), mewl_quant_kind_name(kind)));
    outputs(model, got, x, CLIPS, t);
    assert_int_equal(mewl_model_save(model, path, false, &err), MEWL_OK);
    assert_int_equal(mewl_model_bytes(model, &after, false, &err), MEWL_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal((uint64_t)st.st_size, after);
    *share = (double)after / (double)before;
    if (mewl_model_load(&loaded, path, &err) != MEWL_OK) {
        fail_msg("%s: %s", config.arch, err.text);
    }
    assert_int_equal(mewl_model_quantised(loaded), kind);
    outputs(loaded, again, x, CLIPS, t);
    assert_memory_equal(again, got, count * sizeof *again);
    mewl_model_free(loaded);
    mewl_model_free(model);
    free(x);
    return farthest(got, want, count);
}

static mewl_model_config config_of(const char *arch, double width)
{
    mewl_model_config config = {.front_end = "panns-16k", .classes = CLASSES, .width = width};
    (void)snprintf(config.arch, sizeof config.arch, "%s", arch);
    return config;
}

static void test_cnn10(void **state)
{
    double share;
    const char *path = scratch_path(*state, "q.safetensors");
    const double error = check(config_of("cnn10", 0.25), 64, MEWL_QUANT_STATIC, path, &share);
    if (!(error < 0.05 && error > 0.0)) {
        fail_msg("static: %g", error);
    }
    assert_true(share < 0.285); /* narrow: norms and metadata weigh more than in the whole (0.252) */
    const double dynamic = check(config_of("cnn10", 0.25), 64, MEWL_QUANT_DYNAMIC, path, &share);
    assert_true(dynamic < 0.02 && dynamic > 0.0);
    assert_true(share > 0.9); /* all but the linear layers stays */
}

/* Those with what else there is in them: residuals, depthwise convolutions, attention, LSTM, waveforms. */
static void test_every_architecture(void **state)
{
    const char *path = scratch_path(*state, "q.safetensors");
    for (size_t i = 0; mewl_model_arch_at(i) != NULL; i++) {
        mewl_model_config config = config_of(mewl_model_arch_at(i), 0.125);
        mewl_model *model = NULL;
        mewl_error err = {0};
        double share;
        config.framewise = strcmp(config.arch, "mobilenet") == 0;
        if (mewl_model_new(&model, config, 1, &err) != MEWL_OK) {
            config.classes = 0; /* one that gives embeddings */
        }
        mewl_model_free(model);
        const double error = check(config, 72, MEWL_QUANT_STATIC, path, &share);
        if (!(error < 0.12 && error > 0.0)) {
            fail_msg("%s: %g", config.arch, error);
        }
    }
}

static void test_refusals(void **state)
{
    mewl_error err = {0};
    mewl_model *model = make(config_of("cnn6", 0.0625));
    float *x = noise(CLIPS * 32 * 64, 7), y[CLIPS * CLASSES];
    assert_int_equal(mewl_model_quantise(model, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC}, &err), MEWL_E_STATE);
    x[70] = NAN;
    assert_int_equal(mewl_model_calibrate(model, x, CLIPS, 32, &err), MEWL_E_FORMAT);
    x[70] = 0.0f;
    assert_int_equal(mewl_model_plan(model, (mewl_model_mode){.bf16 = true, .threads = 2}, &err), MEWL_OK);
    assert_int_equal(mewl_model_calibrate(model, x, CLIPS, 32, &err), MEWL_OK); /* in float32 all the same */
    assert_int_equal(mewl_model_calibrate(model, x, CLIPS, 1, &err), MEWL_E_SHAPE);
    assert_int_equal(mewl_model_quantise(model, (mewl_quant_opts){.kind = MEWL_QUANT_STATIC}, &err), MEWL_OK);
    assert_int_equal(mewl_model_calibrate(model, x, CLIPS, 32, &err), MEWL_E_STATE);
    assert_int_equal(mewl_model_quantise(model, (mewl_quant_opts){.kind = MEWL_QUANT_DYNAMIC}, &err), MEWL_E_STATE);
    outputs(model, y, x, CLIPS, 32); /* bf16 where there are no eight bits */
    assert_true(isfinite(y[0]));
    assert_int_equal(mewl_model_plan(model, (mewl_model_mode){.training = true}, &err), MEWL_OK);
    assert_int_equal(mewl_model_forward(model, x, CLIPS, 32, y, NULL, NULL, &err), MEWL_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "trained"));
    mewl_model_free(model);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cnn10, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_every_architecture, scratch_make, scratch_remove),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
