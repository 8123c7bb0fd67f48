/* test_arch.c - every architecture and every global pooling against what PyTorch computes (tools/golden_models.py):
 * outputs in inference and training, every gradient. Then the choices that a configuration has: what is refused, and
 * what a file keeps.
 */
#include "models/model.h"
#include "nn/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "formula.h"

#define RELATIVE 1e-4 /* the bar: fp32 against PyTorch */
#define SAMPLED 96    /* elements of a large gradient in a golden file */

typedef struct golden {
    const char *name;
    mewl_checkpoint *file;
    mewl_model *model;
    int64_t n, frames, bands, classes, embedding;
    float *x, *target, *clip, *vector, *d_clip;
    double floor;                     /* of gradients: a thousandth of the largest of all */
    double inference, training, grad; /* worst of each */
} golden;

static const char *text_of(const golden *g, const char *key)
{
    const char *text = mewl_checkpoint_text(g->file, key);
    assert_non_null(text);
    return text;
}

static float *floats(int64_t count)
{
    float *out = calloc((size_t)count, sizeof *out);
    assert_non_null(out);
    return out;
}

static void fill_input(golden *g)
{
    const char *source = text_of(g, "input");
    const bool wavegram = strncmp(text_of(g, "arch"), "wavegram", 8) == 0;
    g->x = floats(g->n * g->frames * g->bands);
    for (int64_t i = 0; i < g->n * g->frames * g->bands; i++) {
        const bool sample = wavegram && i % g->bands >= 64;
        volatile float step = (sample ? 0.5f : 15.0f) * (float)golden_value(source, (uint64_t)i); /* not fused */
        g->x[i] = (sample ? 0.0f : -30.0f) + step;
    }
    g->target = floats(g->n * g->classes);
    for (int64_t i = 0; i < g->n; i++) {
        float sum = 0.0f, *row = g->target + i * g->classes;
        for (int64_t k = 0; k < g->classes; k++) {
            row[k] = (float)(golden_value("target", (uint64_t)(i * g->classes + k)) + 1.0);
            sum += row[k];
        }
        for (int64_t k = 0; k < g->classes; k++) {
            row[k] /= sum;
        }
    }
}

/* The formula's weights, as the golden file's net has them. */
static void fill_weights(const golden *g)
{
    size_t count;
    mewl_net *net = mewl_model_net(g->model);
    mewl_param *const *params = mewl_net_params(net, &count);
    const double shift = atof(text_of(g, "shift"));
    const bool literal = strcmp(text_of(g, "pooling"), "attn-literal") == 0;
    formula_fill(net);
    for (size_t i = 0; i < count; i++) {
        float *value = params[i]->value.data;
        const int64_t size = mewl_shape_count(params[i]->value.shape);
        for (int64_t k = 0; k < size && formula_ends(params[i]->name, "bias"); k++) {
            value[k] = (float)((double)value[k] + shift);
        }
        for (int64_t k = 0; k < size && literal && strcmp(params[i]->name, "pool.weight") == 0; k++) {
            value[k] = (float)(1.0 + 0.2 * golden_value("pool.weight", (uint64_t)k));
        }
    }
    mewl_net_touch(net);
}

static void golden_open(golden *g, const char *name)
{
    char path[512];
    mewl_error err = {0};
    *g = (golden){.name = name};
    (void)snprintf(path, sizeof path, GOLDEN "/arch-%s.safetensors", name);
    if (mewl_checkpoint_read(&g->file, path, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    g->n = atoll(text_of(g, "n"));
    g->frames = atoll(text_of(g, "frames"));
    g->bands = atoll(text_of(g, "bands"));
    g->classes = atoll(text_of(g, "classes"));
    mewl_model_config config = {.front_end = "panns-16k",
                                .bands = g->bands,
                                .classes = g->classes,
                                .frames = g->frames,
                                .width = atof(text_of(g, "width")),
                                .dropout_block = -1.0,
                                .dropout_head = -1.0};
    (void)snprintf(config.arch, sizeof config.arch, "%s", text_of(g, "arch"));
    assert_int_equal(mewl_model_pool_parse(&config.global_pooling, text_of(g, "pooling"), &err), MEWL_OK);
    if (mewl_model_new(&g->model, config, 1, &err) != MEWL_OK) {
        fail_msg("%s: %s", name, err.text);
    }
    fill_weights(g);
    fill_input(g);
    g->embedding = mewl_model_embedding_size(g->model);
    g->clip = floats(g->n * g->classes);
    g->d_clip = floats(g->n * g->classes);
    g->vector = floats(g->n * g->embedding);
}

static void golden_close(golden *g)
{
    free(g->x);
    free(g->target);
    free(g->clip);
    free(g->d_clip);
    free(g->vector);
    mewl_model_free(g->model);
    mewl_checkpoint_free(g->file);
}

/* Elements that a golden file holds of `count`: all, or SAMPLED of them. */
static int64_t kept(int64_t count)
{
    return count <= SAMPLED ? count : SAMPLED;
}

/* Largest error over the largest wanted value, at least `floor`; into *worst. */
static void compare(golden *g, double *worst, const char *name, const float *got, int64_t count, double floor)
{
    mewl_error err = {0};
    const bool gradient = strncmp(name, "grad.", 5) == 0;
    const int64_t size = gradient ? kept(count) : count;
    float *want = floats(size);
    if (mewl_checkpoint_get_f32(g->file, want, name, size, &err) != MEWL_OK) {
        fail_msg("%s: %s", g->name, err.text);
    }
    double apart = 0.0, largest = floor;
    for (int64_t i = 0; i < size; i++) {
        const double error = fabs((double)got[size < count ? i * count / size : i] - (double)want[i]);
        apart = error <= apart ? apart : error;
        largest = fmax(largest, fabs((double)want[i]));
    }
    free(want);
    *worst = fmax(*worst, apart / largest);
    if (!(apart / largest <= RELATIVE)) {
        fail_msg("%s: %s is off by %.3g relative (%.3g allowed)", g->name, name, apart / largest, RELATIVE);
    }
}

static void run(golden *g, bool training)
{
    mewl_error err = {0};
    if (mewl_model_plan(g->model, (mewl_model_mode){.training = training}, &err) != MEWL_OK ||
        mewl_model_forward(g->model, g->x, g->n, g->frames, g->clip, NULL, g->vector, &err) != MEWL_OK) {
        fail_msg("%s: %s", g->name, err.text);
    }
    double *worst = training ? &g->training : &g->inference;
    compare(g, worst, training ? "train.clip" : "eval.clip", g->clip, g->n * g->classes, 1e-3);
    compare(g, worst, training ? "train.embedding" : "eval.embedding", g->vector, g->n * g->embedding, 1e-3);
}

/* The norm of a gradient of which only samples are kept. */
static void compare_norm(golden *g, const mewl_param *param, int64_t count)
{
    char name[160];
    float want;
    mewl_error err = {0};
    double sum = 0.0;
    (void)snprintf(name, sizeof name, "norm.%s", param->name);
    assert_int_equal(mewl_checkpoint_get_f32(g->file, &want, name, 1, &err), MEWL_OK);
    for (int64_t k = 0; k < count; k++) {
        const double d = (double)((const float *)param->grad.data)[k];
        sum += d * d;
    }
    const double relative = fabs(sqrt(sum) - (double)want) / fmax((double)want, g->floor * sqrt((double)count));
    if (!(relative <= RELATIVE)) {
        fail_msg("%s: %s is off by %.3g relative", g->name, name, relative);
    }
}

static void compare_gradients(golden *g)
{
    size_t count;
    mewl_param *const *params = mewl_net_params(mewl_model_net(g->model), &count);
    for (size_t i = 0; i < count; i++) {
        const float *grad = params[i]->grad.data;
        for (int64_t k = 0; !params[i]->buffer && k < mewl_shape_count(params[i]->value.shape); k++) {
            g->floor = fmax(g->floor, 1e-3 * fabs((double)grad[k]));
        }
    }
    for (size_t i = 0; i < count; i++) {
        char name[160];
        const int64_t size = mewl_shape_count(params[i]->value.shape);
        if (params[i]->buffer) {
            continue;
        }
        (void)snprintf(name, sizeof name, "grad.%s", params[i]->name);
        compare(g, &g->grad, name, params[i]->grad.data, size, g->floor);
        if (size > SAMPLED) {
            compare_norm(g, params[i], size);
        }
    }
}

static void check(const char *name)
{
    golden g;
    mewl_error err = {0};
    golden_open(&g, name);
    run(&g, false);
    run(&g, true);
    (void)mewl_loss_softmax(g.d_clip, g.clip, g.target, NULL, (size_t)g.n, (size_t)g.classes, 1, 1.0);
    assert_int_equal(mewl_model_backward(g.model, g.d_clip, NULL, &err), MEWL_OK);
    compare_gradients(&g);
    print_message("%-18s inference %.1e, training %.1e, gradients %.1e\n", name, g.inference, g.training, g.grad);
    golden_close(&g);
}

static void equals_pytorch(void **state)
{
    static const char *const names[] = {"resnet22", "mobilenetv1",  "mobilenetv2",  "wavegram",    "wavegram-32k",
                                        "tinytoes", "tinytoes-mel", "resnet50-mha", "resnet50-mel"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check(names[i]);
    }
}

static void pools_as_pytorch(void **state)
{
    static const char *const names[] = {"pool-max",       "pool-avg", "pool-max+avg",     "pool-stat",
                                        "pool-stat-full", "pool-mha", "pool-attn-literal"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check(names[i]);
    }
}

/* Every network with every pooling: builds, runs, learns, and says the same after a journey through a file. */
static void keeps_its_choices(void **state)
{
    char path[] = "/tmp/mewl-test-arch-XXXXXX";
    mewl_error err = {0};
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t a = 0; mewl_model_arch_at(a) != NULL; a++) {
        for (int pool = 0; pool < MEWL_MODEL_POOL_COUNT; pool++) {
            mewl_model_config config = {.front_end = "x",
                                        .classes = 2,
                                        .width = 0.03125,
                                        .frames = 65,
                                        .global_pooling = (mewl_model_pool)pool};
            (void)snprintf(config.arch, sizeof config.arch, "%s", mewl_model_arch_at(a));
            if (formula_embeds(config.arch)) {
                continue;
            }
            config.framewise = strcmp(config.arch, "mobilenet") == 0;
            mewl_model *model, *again;
            mewl_status status = mewl_model_new(&model, config, 7, &err);
            if (config.framewise && pool > MEWL_MODEL_POOL_MAX_AVG) {
                assert_int_equal(status, MEWL_E_ARG);
                assert_null(model);
                continue;
            }
            if (status != MEWL_OK || mewl_model_save(model, path, false, &err) != MEWL_OK ||
                mewl_model_load(&again, path, &err) != MEWL_OK) {
                fail_msg("%s, %s: %s", config.arch, mewl_model_pool_name((mewl_model_pool)pool), err.text);
            }
            assert_memory_equal(mewl_model_configuration(model), mewl_model_configuration(again), sizeof config);
            const int64_t bands = mewl_model_configuration(model)->bands, embedding = mewl_model_embedding_size(model);
            const mewl_model_input parts = mewl_model_describe_input(model);
            assert_int_equal(parts.spectrum + parts.mel + parts.cepstrum + parts.samples, bands);
            float *x = floats(2 * 65 * bands), *vectors = floats(4 * embedding), logits[2][4];
            for (int64_t i = 0; i < 2 * 65 * bands; i++) {
                x[i] = (float)golden_value("x", (uint64_t)i);
            }
            mewl_model *both[2] = {model, again};
            for (int m = 0; m < 2; m++) {
                if (mewl_model_forward(both[m], x, 2, 65, logits[m], NULL, vectors + m * 2 * embedding, &err) !=
                    MEWL_OK) {
                    fail_msg("%s, %s: %s", config.arch, mewl_model_pool_name((mewl_model_pool)pool), err.text);
                }
            }
            assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
            assert_memory_equal(vectors, vectors + 2 * embedding, (size_t)(2 * embedding) * sizeof *vectors);
            assert_true(isfinite(logits[0][0]) && isfinite(logits[0][3]));
            status = mewl_model_forward(model, x, 2, 64, logits[0], NULL, NULL, &err);
            assert_int_equal(status, pool == MEWL_MODEL_POOL_ATTN_LITERAL ? MEWL_E_SHAPE : MEWL_OK);
            free(x);
            free(vectors);
            mewl_model_free(model);
            mewl_model_free(again);
        }
    }
    (void)remove(path);
}

/* A checkpoint of before there was a choice has no word on it. */
static void older_files_pool_as_they_did(void **state)
{
    mewl_error err = {0};
    mewl_model *model;
    mewl_checkpoint *full, *old;
    const mewl_model_config config = {.arch = "cnn6", .front_end = "panns-16k", .classes = 1, .width = 0.0625};
    assert_int_equal(mewl_model_new(&model, config, 1, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_new(&full, &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_new(&old, &err), MEWL_OK);
    assert_int_equal(mewl_model_to_checkpoint(model, full, false, &err), MEWL_OK);
    const char *key, *text;
    for (size_t i = 0; mewl_checkpoint_text_at(full, &key, &text, i); i++) {
        if (strcmp(key, "mewl.global_pooling") != 0) {
            assert_int_equal(mewl_checkpoint_set_text(old, key, text, &err), MEWL_OK);
        }
    }
    assert_int_equal(mewl_checkpoint_put_net(old, mewl_model_net(model), false, &err), MEWL_OK);
    mewl_model_free(model);
    assert_int_equal(mewl_model_from_checkpoint(&model, old, &err), MEWL_OK);
    assert_int_equal(mewl_model_configuration(model)->global_pooling, MEWL_MODEL_POOL_AUTO);
    mewl_model_free(model);
    assert_int_equal(mewl_checkpoint_set_text(old, "mewl.global_pooling", "median", &err), MEWL_OK);
    assert_int_equal(mewl_model_from_checkpoint(&model, old, &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "median"));
    mewl_checkpoint_free(full);
    mewl_checkpoint_free(old);
}

static void refuses_what_cannot_be(void **state)
{
    static const struct {
        mewl_model_config config;
        const char *word;
    } rows[] = {
        {{.arch = "resnet22", .classes = 1, .framewise = true}, "framewise = no"},
        {{.arch = "tinytoes", .classes = 1, .framewise = true}, "framewise = no"},
        {{.arch = "wavegram-logmel-cnn14", .classes = 1, .bands = 64}, "wavegram-16k"},
        {{.arch = "cnn10", .classes = 1, .global_pooling = MEWL_MODEL_POOL_ATTN_LITERAL}, "how many frames"},
        {{.arch = "cnn10", .classes = 1, .global_pooling = MEWL_MODEL_POOL_COUNT}, "no such"},
        {{.arch = "cnn10", .classes = 1, .global_pooling = MEWL_MODEL_POOL_MHA, .pool_heads = 3}, "pool"},
        {{.arch = "cnn10", .classes = 1, .global_pooling = MEWL_MODEL_POOL_STAT, .framewise = true}, "frame-wise"},
        {{.arch = "resnet18", .classes = 1}, "resnet18"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_error err = {0};
        mewl_model *model;
        const mewl_status status = mewl_model_new(&model, rows[i].config, 1, &err);
        if (status == MEWL_OK || strstr(err.text, rows[i].word) == NULL) {
            fail_msg("row %zu: %s, \"%s\"", i, mewl_status_name(status), err.text);
        }
        assert_null(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_pytorch),         cmocka_unit_test(pools_as_pytorch),
        cmocka_unit_test(keeps_its_choices),      cmocka_unit_test(older_files_pool_as_they_did),
        cmocka_unit_test(refuses_what_cannot_be),
    };
    return cmocka_run_group_tests_name("arch", tests, NULL, NULL);
}
