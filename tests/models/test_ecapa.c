/* test_ecapa.c - ECAPA-TDNN in both published forms: checkpoints imported, embeddings against PyTorch
 * (tools/golden_layers.py) within 1e-4; what an import refuses; embedders as models: sizes, saving, training a step. */
#include "models/embedder.h"
#include "models/import.h"
#include "models/model.h"
#include "nn/loss_embed.h"

#include "../nn/golden_value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 2, BANDS = 80, T = 40, SIZE = 192 };

static char folder[] = "/tmp/mewl-ecapa-XXXXXX";

static void path_of(char *out, size_t size, const char *name)
{
    (void)snprintf(out, size, "%s/%s", folder, name);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) == NULL;
}

static int drop_folder(void **state)
{
    char path[128];
    path_of(path, sizeof path, "out.safetensors");
    (void)unlink(path);
    return rmdir(folder);
}

static void check_form(const char *name)
{
    char from[256], to[128], want_path[256];
    mewl_error err = {0};
    (void)snprintf(from, sizeof from, GOLDEN "/%s.pth", name);
    (void)snprintf(want_path, sizeof want_path, GOLDEN "/%s.npy", name);
    path_of(to, sizeof to, "out.safetensors");
    if (mewl_import(from, "ecapa", to, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    mewl_model *model;
    assert_int_equal(mewl_model_load(&model, to, &err), MEWL_OK);
    assert_string_equal(mewl_model_configuration(model)->arch, name);
    assert_int_equal(mewl_model_configuration(model)->classes, 0);
    assert_int_equal(mewl_model_embedding_size(model), SIZE);
    float *x = malloc(sizeof(float) * N * T * BANDS), got[N * SIZE], want[N * SIZE];
    for (int n = 0; n < N; n++) { /* the twin's input is (N, bands, frames) */
        for (int b = 0; b < BANDS; b++) {
            for (int t = 0; t < T; t++) {
                x[(n * T + t) * BANDS + b] = (float)(3.0 * golden_value("input", (uint64_t)((n * BANDS + b) * T + t)));
            }
        }
    }
    assert_int_equal(mewl_model_forward(model, x, N, T, NULL, NULL, got, &err), MEWL_OK);
    FILE *f = fopen(want_path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, -(long)sizeof want, SEEK_END), 0);
    assert_int_equal(fread(want, sizeof *want, N * SIZE, f), N * SIZE);
    (void)fclose(f);
    for (int i = 0; i < N * SIZE; i++) {
        if (!(fabsf(got[i] - want[i]) <= 1e-4f)) {
            fail_msg("%s: element %d is %g, not %g", name, i, (double)got[i], (double)want[i]);
        }
    }
    float logits[4];
    assert_int_equal(mewl_model_forward(model, x, N, T, logits, NULL, NULL, &err), MEWL_E_UNSUPPORTED);
    assert_int_equal(mewl_model_forward(model, x, N, 1, NULL, NULL, got, &err), MEWL_E_SHAPE);
    free(x);
    mewl_model_free(model);
}

static void test_speechbrain(void **state)
{
    check_form("ecapa");
}

static void test_speaker_encoder(void **state)
{
    check_form("ecapa-encoder");
}

static void test_refuses_others(void **state)
{
    mewl_error err = {0};
    char to[128];
    path_of(to, sizeof to, "none.safetensors");
    assert_int_equal(mewl_import(GOLDEN "/cnn6.pth", "ecapa", to, &err), MEWL_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "ECAPA"));
    assert_int_equal(mewl_import(GOLDEN "/evil_global.pth", "ecapa", to, &err), MEWL_E_UNSUPPORTED);
    assert_int_equal(access(to, F_OK), -1);
}

static double squared(const float *a, const float *b)
{
    double sum = 0.0;
    for (int i = 0; i < SIZE; i++) {
        sum += pow((double)a[i] - (double)b[i], 2.0);
    }
    return sum;
}

/* Embedders of every kind: length one, saved and loaded alike, and a few steps down the gradient of NT-Xent lower it.
 */
static void check_trainable(const char *arch, double width, int64_t depth, int64_t bands, int64_t frames)
{
    mewl_error err = {0};
    mewl_model *model, *again;
    mewl_optim *optim;
    char path[128];
    mewl_model_config config = {.width = width, .depth = depth, .bands = bands};
    (void)snprintf(config.arch, sizeof config.arch, "%s", arch);
    (void)snprintf(config.front_end, sizeof config.front_end, "any");
    if (mewl_model_new(&model, config, 3, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    size_t each = (size_t)(frames * bands);
    float *x = malloc(4 * each * sizeof *x), first[4 * SIZE], embedding[4 * SIZE], grad[4 * SIZE];
    static const int32_t label[4] = {0, 0, 1, 1};
    double scratch[4 * (4 + SIZE) + SIZE], before = 0.0, after = 0.0;
    for (size_t i = 0; i < 4 * each; i++) {
        x[i] = (float)golden_value("x", i);
    }
    assert_int_equal(mewl_model_plan(model, (mewl_model_mode){.training = true}, &err), MEWL_OK);
    mewl_optim_opts opts = {.kind = MEWL_OPTIM_ADAMW, .clip_norm = 1.0};
    assert_int_equal(mewl_optim_new(&optim, mewl_model_net(model), opts, &err), MEWL_OK);
    for (int step = 0; step < 20; step++) {
        assert_int_equal(mewl_model_forward(model, x, 4, frames, NULL, NULL, embedding, &err), MEWL_OK);
        after = mewl_loss_nt_xent(grad, embedding, label, 4, SIZE, 0.2, scratch);
        before = step == 0 ? after : before;
        assert_int_equal(mewl_model_backward_embedding(model, grad, &err), MEWL_OK);
        assert_int_equal(mewl_optim_step(optim, NULL, 2e-3, &err), MEWL_OK);
    }
    if (!(after < 0.9 * before)) {
        fail_msg("%s: the loss went from %g to %g", arch, before, after);
    }
    assert_int_equal(mewl_model_plan(model, (mewl_model_mode){.training = false}, &err), MEWL_OK);
    assert_int_equal(mewl_model_forward(model, x, 4, frames, NULL, NULL, first, &err), MEWL_OK);
    float zero[SIZE] = {0};
    assert_true(fabs(squared(first, zero) - 1.0) < 1e-5);
    path_of(path, sizeof path, "out.safetensors");
    assert_int_equal(mewl_model_save(model, path, false, &err), MEWL_OK);
    assert_int_equal(mewl_model_load(&again, path, &err), MEWL_OK);
    assert_int_equal(mewl_model_forward(again, x, 4, frames, NULL, NULL, embedding, &err), MEWL_OK);
    assert_memory_equal(first, embedding, sizeof first);
    mewl_optim_free(optim);
    mewl_model_free(again);
    mewl_model_free(model);
    free(x);
}

static void test_trainable(void **state)
{
    check_trainable("ecapa", 1.0 / 32, 0, 80, 12);
    check_trainable("ecapa-encoder", 1.0 / 32, 0, 80, 12);
    check_trainable("mobilenet-embed", 0.25, 4, 64, 32); /* without norms, deep and narrow ones die untaught */
}

/* The one that ships opens as an embedder; the same sound, louder, is still the same voice. */
static void test_shipped(void **state)
{
    mewl_error err = {0};
    mewl_embedder *embedder;
    static float samples[2][32000];
    float vector[2][SIZE];
    if (mewl_embedder_open(&embedder, SOURCE_ROOT "/models/embedder.safetensors", (mewl_embedder_opts){0}, &err) !=
        MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(mewl_embedder_describe(embedder)->size, SIZE);
    for (int i = 0; i < 32000; i++) {
        samples[0][i] = (float)(0.1 * sin(0.09 * i) * sin(0.0004 * i) + 0.01 * golden_value("noise", (uint64_t)i));
        samples[1][i] = 2.0f * samples[0][i];
    }
    for (int k = 0; k < 2; k++) {
        assert_int_equal(mewl_embedder_run(embedder, vector[k], NULL, samples[k], 32000, &err), MEWL_OK);
    }
    float zero[SIZE] = {0};
    assert_true(fabs(squared(vector[0], zero) - 1.0) < 1e-4);
    assert_true(squared(vector[0], vector[1]) < 0.7);
    mewl_embedder_close(embedder);
}

/* A width that does not split into eight, classes of a finished embedder's file, frame-wise: refused in words. */
static void test_refuses_figures(void **state)
{
    mewl_error err = {0};
    mewl_model *model;
    mewl_model_config config = {.arch = "ecapa", .front_end = "ecapa", .width = 0.3};
    assert_int_equal(mewl_model_new(&model, config, 0, &err), MEWL_E_ARG);
    config.width = 0.25;
    config.framewise = true;
    assert_int_equal(mewl_model_new(&model, config, 0, &err), MEWL_E_ARG);
    config = (mewl_model_config){.arch = "mn04-embed", .front_end = "mn", .bands = 64};
    assert_int_equal(mewl_model_new(&model, config, 0, &err), MEWL_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speechbrain),    cmocka_unit_test(test_speaker_encoder),
        cmocka_unit_test(test_refuses_others), cmocka_unit_test(test_trainable),
        cmocka_unit_test(test_shipped),        cmocka_unit_test(test_refuses_figures),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
