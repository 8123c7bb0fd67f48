/* Embedders: one face over our models and the published ones; pooling over rows and windows; ids; refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "models/embedder.h"
#include "models/model.h"
#include "weights.h"

#define RATE 16000u

static char scratch[64] = "/tmp/mewl-test-embedder-XXXXXX";

/* A narrow CNN6 with a class for cries, or without. */
static const char *make_model(const char *name, const char *label, uint64_t seed)
{
    static char path[128];
    mewl_error err = {0};
    mewl_model *model;
    mewl_model_config config = {.bands = 64, .classes = 2, .width = 0.05};
    (void)snprintf(config.arch, sizeof config.arch, "cnn6");
    (void)snprintf(config.front_end, sizeof config.front_end, "panns-16k");
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", scratch, name);
    if (mewl_model_new(&model, config, seed, &err) != MEWL_OK ||
        mewl_model_set_label(model, 0, "other", &err) != MEWL_OK ||
        mewl_model_set_label(model, 1, label, &err) != MEWL_OK ||
        mewl_model_save(model, path, false, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    mewl_model_free(model);
    return path;
}

static float *make_sound(size_t count)
{
    mewl_rng rng = mewl_rng_seeded(7);
    float *samples = calloc(count, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++) {
        const double t = (double)i / RATE;
        samples[i] = (float)(0.3 * sin(6.2831853 * 440.0 * t * (1.0 + 0.3 * t)) + 0.05 * mewl_rng_normal(&rng));
    }
    return samples;
}

static mewl_embedder *open_or_fail(const char *path, mewl_embedder_opts opts)
{
    mewl_error err = {0};
    mewl_embedder *e;
    if (mewl_embedder_open(&e, path, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return e;
}

/* Without options: the embedding that the classifier gives. */
static void test_whole_clip(void **state)
{
    (void)state;
    mewl_error err = {0};
    const char *path = make_model("whole", "cry", 1);
    mewl_embedder *e = open_or_fail(path, (mewl_embedder_opts){0});
    const mewl_embedder_info *info = mewl_embedder_describe(e);
    assert_string_equal(info->name, "cnn6");
    assert_int_equal(strlen(info->id), 16);
    assert_true(info->rate_hz == 16000.0);
    assert_true(info->scores_cry);
    assert_int_equal(info->row, info->size);
    mewl_classifier *c;
    assert_int_equal(mewl_classifier_open(&c, path, &err), MEWL_OK);
    assert_int_equal(mewl_classifier_describe(c)->embedding, info->size);
    float *sound = make_sound(2 * RATE), *a = calloc(info->size, sizeof *a), *b = calloc(info->size, sizeof *b);
    float logits[2] = {0}, ours[2] = {0}, cry = -1;
    mewl_classifier_result result = {.embedding = a, .logits = logits}, clip = {.logits = ours};
    assert_int_equal(mewl_classifier_score(c, &result, sound, 2 * RATE, &err), MEWL_OK);
    assert_int_equal(mewl_embedder_run(e, b, &cry, sound, 2 * RATE, &err), MEWL_OK);
    assert_memory_equal(a, b, info->size * sizeof *a);
    assert_true(cry == result.cry && cry > 0 && cry < 1);
    assert_int_equal(mewl_embedder_score(e, b, &clip, sound, 2 * RATE, &err), MEWL_OK);
    assert_memory_equal(logits, ours, sizeof ours);
    free(sound);
    free(a);
    free(b);
    mewl_classifier_close(c);
    mewl_embedder_close(e);
}

/* At its peak a clip gives one vector however loud it is, with an id of its own; not without; silence is no error. */
static void test_at_peak(void **state)
{
    (void)state;
    mewl_error err = {0};
    const char *path = make_model("peak", "cry", 1);
    mewl_embedder *plain = open_or_fail(path, (mewl_embedder_opts){0});
    mewl_embedder *peak = open_or_fail(path, (mewl_embedder_opts){.at_peak = true});
    const size_t size = mewl_embedder_describe(plain)->size;
    assert_string_not_equal(mewl_embedder_describe(plain)->id, mewl_embedder_describe(peak)->id);
    float *sound = make_sound(RATE), *loud = calloc(size, sizeof *loud), *quiet = calloc(size, sizeof *quiet);
    assert_true(loud != NULL && quiet != NULL);
    sound[17] = NAN;
    assert_int_equal(mewl_embedder_run(plain, quiet, NULL, sound, RATE, &err), MEWL_OK);
    assert_int_equal(mewl_embedder_run(peak, loud, NULL, sound, RATE, &err), MEWL_OK);
    assert_memory_not_equal(loud, quiet, size * sizeof *loud);
    for (size_t i = 0; i < RATE; i++) {
        sound[i] *= 0.0625f; /* exactly */
    }
    assert_int_equal(mewl_embedder_run(peak, quiet, NULL, sound, RATE, &err), MEWL_OK);
    assert_memory_equal(loud, quiet, size * sizeof *loud);
    memset(sound, 0, RATE * sizeof *sound);
    assert_int_equal(mewl_embedder_run(peak, quiet, NULL, sound, RATE, &err), MEWL_OK);
    free(sound);
    free(loud);
    free(quiet);
    mewl_embedder_close(plain);
    mewl_embedder_close(peak);
}

/* Windows are what the same network says of each by itself; mean, spread and weights by the definitions. */
static void test_windows(void **state)
{
    (void)state;
    mewl_error err = {0};
    const char *path = make_model("windows", "cry", 2);
    const size_t count = (size_t)(2.3 * RATE), window = RATE, starts[] = {0, RATE / 2, RATE, count - RATE};
    mewl_embedder *plain = open_or_fail(path, (mewl_embedder_opts){0});
    const size_t size = mewl_embedder_describe(plain)->size;
    float *sound = make_sound(count), *row = calloc(4 * size, sizeof *row), *got = calloc(2 * size, sizeof *got);
    float cry[4], peak = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(mewl_embedder_run(plain, row + i * size, &cry[i], sound + starts[i], window, &err), MEWL_OK);
    }
    for (int weighted = 0; weighted < 2; weighted++) {
        mewl_embedder *e = open_or_fail(
            path, (mewl_embedder_opts){.pool = MEWL_EMBEDDER_MEAN_STD, .cry_weighted = weighted == 1, .window_s = 1.0});
        assert_int_equal(mewl_embedder_describe(e)->size, 2 * size);
        assert_int_equal(mewl_embedder_describe(e)->row, size);
        assert_true(mewl_embedder_options(e)->hop_s == 0.5);
        assert_int_equal(mewl_embedder_run(e, got, &peak, sound, count, &err), MEWL_OK);
        assert_true(peak == fmaxf(fmaxf(cry[0], cry[1]), fmaxf(cry[2], cry[3])));
        for (size_t k = 0; k < size; k++) {
            double w = 0, mean = 0, spread = 0;
            for (size_t i = 0; i < 4; i++) {
                const double weight = weighted == 1 ? fmax((double)cry[i], 1e-3) : 1.0;
                w += weight;
                mean += weight * (double)row[i * size + k];
            }
            mean /= w;
            for (size_t i = 0; i < 4; i++) {
                const double weight = weighted == 1 ? fmax((double)cry[i], 1e-3) : 1.0;
                spread += weight * pow((double)row[i * size + k] - mean, 2) / w;
            }
            assert_true(fabs((double)got[k] - mean) <= 1e-6 * (1 + fabs(mean)));
            assert_true(fabs((double)got[size + k] - sqrt(spread)) <= 1e-6 * (1 + sqrt(spread)));
        }
        mewl_embedder_close(e);
    }
    free(sound);
    free(row);
    free(got);
    mewl_embedder_close(plain);
}

/* The id follows the weights, the network's description and the options, and nothing else: not what is noted of them.
 */
static void test_ids(void **state)
{
    (void)state;
    char first[MEWL_EMBEDDER_ID_BYTES];
    const struct {
        uint64_t seed;
        mewl_embedder_opts opts;
        bool same;
    } rows[] = {{3, {0}, true},
                {4, {0}, false},
                {3, {.pool = MEWL_EMBEDDER_MEAN_STD}, false},
                {3, {.cry_weighted = true}, false},
                {3, {.window_s = 1.0}, false}};
    mewl_embedder *e = open_or_fail(make_model("a", "cry", 3), (mewl_embedder_opts){0});
    memcpy(first, mewl_embedder_describe(e)->id, sizeof first);
    mewl_embedder_close(e);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        e = open_or_fail(make_model("b", "cry", rows[i].seed), rows[i].opts);
        assert_int_equal(strcmp(first, mewl_embedder_describe(e)->id) == 0, rows[i].same);
        mewl_embedder_close(e);
    }
    mewl_error err = {0};
    mewl_model *model;
    const char *path = make_model("c", "dog", 3);
    e = open_or_fail(path, (mewl_embedder_opts){0});
    assert_string_not_equal(first, mewl_embedder_describe(e)->id); /* labels say which class weighs */
    mewl_embedder_close(e);
    path = make_model("d", "cry", 3);
    assert_int_equal(mewl_model_load(&model, path, &err), MEWL_OK);
    assert_int_equal(mewl_model_set_note(model, "licence", "any use", &err), MEWL_OK);
    assert_int_equal(mewl_model_save(model, path, false, &err), MEWL_OK);
    mewl_model_free(model);
    e = open_or_fail(path, (mewl_embedder_opts){0});
    assert_string_equal(first, mewl_embedder_describe(e)->id);
    mewl_embedder_close(e);
}

static void test_refusals(void **state)
{
    (void)state;
    mewl_error err = {0};
    mewl_embedder *e;
    const char *path = make_model("refused", "dog", 5);
    const mewl_embedder_opts odd[] = {{.window_s = 0.01},
                                      {.window_s = 61},
                                      {.window_s = NAN},
                                      {.hop_s = 1},
                                      {.window_s = 1, .hop_s = -1},
                                      {.pool = (mewl_embedder_pool)2}};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_int_equal(mewl_embedder_open(&e, path, odd[i], &err), MEWL_E_ARG);
        assert_null(e);
    }
    assert_int_equal(mewl_embedder_open(&e, path, (mewl_embedder_opts){.cry_weighted = true}, &err),
                     MEWL_E_UNSUPPORTED);
    assert_int_equal(mewl_embedder_open(&e, "/nowhere/at.all", (mewl_embedder_opts){0}, &err), MEWL_E_NOT_FOUND);
    e = open_or_fail(path, (mewl_embedder_opts){0});
    assert_false(mewl_embedder_describe(e)->scores_cry);
    const size_t size = mewl_embedder_describe(e)->size;
    float *vector = calloc(size, sizeof *vector), cry = 0;
    float bad[] = {NAN, INFINITY, 0.5f};
    assert_int_equal(mewl_embedder_run(e, vector, &cry, bad, 0, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_embedder_run(e, NULL, &cry, bad, 3, &err), MEWL_E_ARG);
    assert_int_equal(mewl_embedder_run(e, vector, &cry, bad, SIZE_MAX / 8, &err), MEWL_E_MEMORY);
    assert_int_equal(mewl_embedder_run(e, vector, &cry, bad, 3, &err), MEWL_OK); /* padded; NaN counts as 0 */
    assert_true(isnan(cry));
    for (size_t i = 0; i < size; i++) {
        assert_true(isfinite(vector[i]));
    }
    free(vector);
    mewl_embedder_close(e);
}

/* YAMNet's rows are its windows: the pooled mean is the mean that the teacher gives, the spread is not zero. */
static void test_teachers(void **state)
{
    (void)state;
    static const struct {
        const char *file, *name;
        size_t size;
        double rate_hz;
    } rows[] = {{"yamnet.tflite", "yamnet", 1024, 16000}, {"mn04_as_mAP_432.pt", "mn04", 384, 32000}};
    mewl_error err = {0};
    for (size_t i = 0; i < 2; i++) {
        char path[512];
        if (!weights_path(path, sizeof path, rows[i].file)) {
            skip();
        }
        mewl_embedder *mean = open_or_fail(path, (mewl_embedder_opts){0});
        mewl_embedder *both =
            open_or_fail(path, (mewl_embedder_opts){.pool = MEWL_EMBEDDER_MEAN_STD, .cry_weighted = false});
        const mewl_embedder_info *info = mewl_embedder_describe(mean);
        assert_string_equal(info->name, rows[i].name);
        assert_true(info->rate_hz == rows[i].rate_hz && info->scores_cry);
        assert_int_equal(info->size, rows[i].size);
        const size_t count = 3 * RATE;
        float *sound = make_sound(count), *a = calloc(info->size, sizeof *a), *b = calloc(2 * info->size, sizeof *b);
        float *clip = calloc(info->size, sizeof *clip), cry = 0, largest = 0;
        assert_int_equal(mewl_embedder_run(mean, a, &cry, sound, count, &err), MEWL_OK);
        assert_int_equal(mewl_embedder_run(both, b, NULL, sound, count, &err), MEWL_OK);
        mewl_classifier_result result = {.embedding = clip};
        assert_int_equal(mewl_classifier_score(mewl_embedder_network(mean), &result, sound, count, &err), MEWL_OK);
        for (size_t k = 0; k < info->size; k++) {
            assert_true(fabsf(a[k] - clip[k]) <= 1e-5f * (1 + fabsf(clip[k])));
            assert_true(a[k] == b[k]);
            largest = fmaxf(largest, b[info->size + k]);
        }
        assert_true(fabsf(cry - result.cry) <= 1e-6f);
        assert_int_equal(largest > 0, i == 0); /* YAMNet has rows, mn04 one */
        free(sound);
        free(a);
        free(b);
        free(clip);
        mewl_embedder_close(mean);
        mewl_embedder_close(both);
    }
}

int main(void)
{
    if (mkdtemp(scratch) == NULL) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_clip), cmocka_unit_test(test_at_peak),  cmocka_unit_test(test_windows),
        cmocka_unit_test(test_ids),        cmocka_unit_test(test_refusals), cmocka_unit_test(test_teachers),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", scratch);
    return system(command) == 0 ? failed : 1;
}
