/* Imports: PANNs checkpoints of PyTorch give the outputs that PyTorch gave, and what is no such checkpoint is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/npy.h"
#include "dsp/frontend.h"
#include "models/audioset.h"
#include "models/classifier.h"
#include "models/import.h"
#include "models/model.h"
#include "models/teacher.h"
#include "weights.h"

static char scratch[64] = "/tmp/mewl-test-import-XXXXXX";

static const char *scratch_path(void)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/model.safetensors", scratch);
    return path;
}

static void read_npy(mewl_npy *array, const char *arch, const char *what)
{
    char path[512];
    mewl_error err = {0};
    (void)snprintf(path, sizeof path, GOLDEN "/%s_%s.npy", arch, what);
    if (mewl_npy_read_f32(array, path, 1 << 20, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
}

/* |a - b| within 1e-4 of the largest |b|. */
static void same(const char *what, const float *got, const mewl_npy *want)
{
    float largest = 0;
    for (size_t i = 0; i < want->count; i++) {
        const float a = want->data[i] < 0 ? -want->data[i] : want->data[i];
        largest = a > largest ? a : largest;
    }
    for (size_t i = 0; i < want->count; i++) {
        const float d = got[i] - want->data[i];
        if (!((d < 0 ? -d : d) <= 1e-4f * largest)) {
            fail_msg("%s[%zu] is %.7g, PyTorch gives %.7g", what, i, (double)got[i], (double)want->data[i]);
        }
    }
}

static void check_panns(const char *arch, const char *front_end, const char *form)
{
    char path[512];
    mewl_error err = {0};
    mewl_model *model;
    mewl_npy input, logits, embedding;
    read_npy(&input, strncmp(arch, "wavegram", 8) == 0 ? "wavegram" : "panns", "input");
    read_npy(&logits, arch, "logits");
    read_npy(&embedding, arch, "embedding");
    (void)snprintf(path, sizeof path, GOLDEN "/%s%s.pth", arch, form);
    if (mewl_import(path, arch, scratch_path(), &err) != MEWL_OK ||
        mewl_model_load(&model, scratch_path(), &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    const mewl_model_config *config = mewl_model_configuration(model);
    assert_string_equal(config->arch, arch);
    assert_string_equal(config->front_end, front_end);
    assert_int_equal(config->classes, logits.shape[1]);
    assert_int_equal(mewl_model_embedding_size(model), embedding.shape[1]);
    assert_string_equal(mewl_model_label(model, 1), config->classes == 527 ? "Male speech, man speaking" : "");
    float *got_logits = calloc(logits.count, sizeof(float)), *got_embedding = calloc(embedding.count, sizeof(float));
    assert_non_null(got_logits);
    assert_non_null(got_embedding);
    if (mewl_model_forward(model, input.data, (int64_t)input.shape[0], (int64_t)input.shape[1], got_logits, NULL,
                           got_embedding, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    same("logits", got_logits, &logits);
    same("embedding", got_embedding, &embedding);
    free(got_logits);
    free(got_embedding);
    mewl_model_free(model);
    mewl_npy_fini(&input);
    mewl_npy_fini(&logits);
    mewl_npy_fini(&embedding);
}

static void imports_cnn6(void **state)
{
    (void)state;
    check_panns("cnn6", "panns-32k", "");
}

static void imports_cnn10(void **state)
{
    (void)state;
    check_panns("cnn10", "panns-16k", "");
}

static void imports_cnn14(void **state)
{
    (void)state;
    check_panns("cnn14", "panns-32k", "");
}

static void imports_the_other_panns(void **state)
{
    (void)state;
    check_panns("resnet22", "panns-32k", "");
    check_panns("resnet22", "panns-32k", "-legacy");
    check_panns("mobilenetv1", "panns-32k", "-legacy");
    check_panns("mobilenetv2", "panns-32k", "-legacy");
    check_panns("wavegram-logmel-cnn14", "wavegram-32k", "-legacy");
}

static const struct {
    const char *file, *arch;
    mewl_status status;
    const char *word;
} bad[] = {
    {"cnn6.pth", "cnn10", MEWL_E_UNSUPPORTED, "another shape"},
    {"cnn10.pth", "cnn14", MEWL_E_UNSUPPORTED, "not cnn14"},
    {"cnn14.pth", "cnn10", MEWL_E_UNSUPPORTED, "also holds"},
    {"cnn10.pth", "mn04", MEWL_E_UNSUPPORTED, "not mn04"},
    {"wide.pth", "cnn10", MEWL_E_UNSUPPORTED, "8 times as wide"},
    {"bare.pth", "cnn6", MEWL_E_UNSUPPORTED, "fc1.weight"},
    {"legacy.pth", "cnn10", MEWL_E_UNSUPPORTED, "fc1.weight"},
    {"legacy_evil.pth", "cnn10", MEWL_E_UNSUPPORTED, "posix.system"},
    {"tar.pth", "cnn10", MEWL_E_UNSUPPORTED, "tar archive"},
    {"resnet22.pth", "cnn14", MEWL_E_UNSUPPORTED, "not cnn14"},
    {"mobilenetv1-legacy.pth", "mobilenetv2", MEWL_E_UNSUPPORTED, "not mobilenetv2"},
    {"evil_global.pth", "cnn10", MEWL_E_UNSUPPORTED, "posix.system"},
    {"tiny.tflite", "yamnet", MEWL_E_UNSUPPORTED, "not YAMNet"},
    {"tiny.tflite", "mn04", MEWL_E_UNSUPPORTED, "file of yamnet"},
    {"cnn10.pth", "resnet", MEWL_E_ARG, "resnet"},
    {"none.pth", "cnn10", MEWL_E_NOT_FOUND, "none.pth"},
};

static void refuses_with_a_reason(void **state)
{
    (void)state;
    (void)remove(scratch_path());
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char path[512];
        mewl_error err = {0};
        (void)snprintf(path, sizeof path, GOLDEN "/%s", bad[i].file);
        const mewl_status status = mewl_import(path, bad[i].arch, scratch_path(), &err);
        if (status != bad[i].status || strstr(err.text, bad[i].word) == NULL) {
            fail_msg("%s as %s: %s, \"%s\"", bad[i].file, bad[i].arch, mewl_status_name(status), err.text);
        }
        assert_int_not_equal(access(scratch_path(), F_OK), 0); /* nothing was written */
    }
}

/* A teacher and our own import of it give the same scores, bit for bit. */
static void check_teacher(const char *name, const char *file)
{
    char path[4096];
    mewl_error err = {0};
    if (!weights_path(path, sizeof path, file)) {
        skip();
    }
    if (mewl_import(path, name, scratch_path(), &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    float *samples = calloc(48000, sizeof *samples), scores[2][527], embeddings[2][1024];
    assert_non_null(samples);
    for (int i = 0; i < 48000; i++) {
        samples[i] = (float)((i * 7919) % 2003 - 1001) / 2003 * (float)(i % 9000) / 9000;
    }
    const char *const paths[2] = {path, scratch_path()};
    for (int i = 0; i < 2; i++) {
        mewl_classifier *c;
        mewl_classifier_result result = {.probabilities = scores[i], .embedding = embeddings[i]};
        if (mewl_classifier_open(&c, paths[i], &err) != MEWL_OK ||
            mewl_classifier_score(c, &result, samples, 48000, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        const mewl_classifier_info *info = mewl_classifier_describe(c);
        assert_string_equal(info->arch, name);
        assert_true(info->teacher);
        if (i == 1) {
            assert_memory_equal(scores[0], scores[1], info->classes * sizeof(float));
            assert_memory_equal(embeddings[0], embeddings[1], info->embedding * sizeof(float));
        }
        mewl_classifier_close(c);
    }
    free(samples);
    mewl_teacher *other;
    assert_int_equal(mewl_teacher_open(&other, strcmp(name, "mn04") == 0 ? "yamnet" : "mn04", scratch_path(), &err),
                     MEWL_E_UNSUPPORTED);
    assert_null(other);
}

static void imports_yamnet(void **state)
{
    (void)state;
    check_teacher("yamnet", "yamnet.tflite");
}

static void imports_mn04(void **state)
{
    (void)state;
    check_teacher("mn04", "mn04_as_mAP_432.pt");
}

/* An imported mn04 is where training of a classifier may start: all but the last layer fits by name and shape, and the
 * embedding is the teacher's. */
static void starts_a_classifier_from_mn04(void **state)
{
    (void)state;
    char path[4096];
    mewl_error err = {0};
    mewl_checkpoint *from;
    mewl_model *model;
    mewl_classifier *teacher;
    if (!weights_path(path, sizeof path, "mn04_as_mAP_432.pt")) {
        skip();
    }
    assert_int_equal(mewl_import(path, "mn04", scratch_path(), &err), MEWL_OK);
    assert_int_equal(mewl_checkpoint_read(&from, scratch_path(), &err), MEWL_OK);
    const mewl_model_config config = {.arch = "mn04-classifier", .front_end = "mn", .classes = 5};
    assert_int_equal(mewl_model_new(&model, config, 1, &err), MEWL_OK);
    size_t count, missing = 0;
    mewl_param *const *params = mewl_net_params(mewl_model_net(model), &count);
    for (size_t i = 0; i < count; i++) {
        if (mewl_checkpoint_get_f32(from, params[i]->value.data, params[i]->name,
                                    mewl_shape_count(params[i]->value.shape), &err) != MEWL_OK) {
            assert_memory_equal(params[i]->name, "classifier.5", 12);
            missing++;
        }
    }
    assert_int_equal(missing, 2);
    mewl_net_touch(mewl_model_net(model));
    mewl_checkpoint_free(from);
    float *samples = calloc(32000, sizeof *samples), *frames = calloc(101 * 128, sizeof *frames), got[384], want[384];
    assert_true(samples != NULL && frames != NULL);
    for (int i = 0; i < 32000; i++) {
        samples[i] = (float)((i * 7919) % 2003 - 1001) / 2003;
    }
    mewl_frontend *front_end;
    assert_int_equal(mewl_frontend_new(&front_end, "mn", &err), MEWL_OK);
    const size_t t = mewl_frontend_frame_count(front_end, 32000);
    assert_int_equal(mewl_frontend_run(front_end, frames, samples, 32000, &err), MEWL_OK);
    assert_int_equal(mewl_model_forward(model, frames, 1, (int64_t)t, NULL, NULL, got, &err), MEWL_OK);
    assert_int_equal(mewl_classifier_open(&teacher, path, &err), MEWL_OK);
    mewl_classifier_result result = {.embedding = want};
    assert_int_equal(mewl_classifier_score(teacher, &result, samples, 32000, &err), MEWL_OK);
    for (int i = 0; i < 384; i++) {
        assert_float_equal(got[i], want[i], 1e-5);
    }
    mewl_classifier_close(teacher);
    mewl_frontend_free(front_end);
    mewl_model_free(model);
    free(samples);
    free(frames);
}

/* A model of ours through the classifier: short clips are padded, silence gives figures, and no sample is an error. */
static void classifies_with_a_model(void **state)
{
    (void)state;
    mewl_error err = {0};
    mewl_classifier *c;
    assert_int_equal(mewl_import(GOLDEN "/cnn6.pth", "cnn6", scratch_path(), &err), MEWL_OK);
    assert_int_equal(mewl_classifier_open(&c, scratch_path(), &err), MEWL_OK);
    const mewl_classifier_info *info = mewl_classifier_describe(c);
    assert_int_equal(info->classes, MEWL_AUDIOSET_CLASSES);
    assert_float_equal((float)info->rate_hz, 32000.0f, 0);
    assert_false(info->teacher);
    assert_string_equal(mewl_classifier_label(c, MEWL_AUDIOSET_BABY_CRY), "Baby cry, infant cry");
    assert_null(mewl_classifier_label(c, 527));
    float probabilities[527], logits[527];
    mewl_classifier_result result = {.probabilities = probabilities, .logits = logits};
    const float samples[3] = {0.5f, -0.5f, 0.25f};
    assert_int_equal(mewl_classifier_score(c, &result, samples, 3, &err), MEWL_OK);
    for (int i = 0; i < 527; i++) {
        assert_true(probabilities[i] >= 0 && probabilities[i] <= 1);
        assert_true((logits[i] > 0) == (probabilities[i] > 0.5f));
    }
    const float crying = probabilities[MEWL_AUDIOSET_CRYING], cry = probabilities[MEWL_AUDIOSET_BABY_CRY];
    assert_float_equal(result.cry, crying > cry ? crying : cry, 0);
    assert_int_equal(mewl_classifier_score(c, &result, samples, 0, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_classifier_score(c, NULL, samples, 3, &err), MEWL_E_ARG);
    mewl_classifier_close(c);
    assert_int_equal(mewl_classifier_open(&c, GOLDEN "/cnn6.pth", &err), MEWL_E_UNSUPPORTED);
    assert_null(c);
    mewl_classifier_close(NULL);
}

/* A file of a few bytes that says it is a network of five gigabytes. */
/* Files without a weight: what they are said to be must be refused before memory is asked for. */
static void refuses_a_small_file_of_a_large_net(void **state)
{
    (void)state;
    static const struct {
        const char *arch, *width, *depth, *word;
    } rows[] = {
        {"cnn14", "4", "0", "width 4"},      {"cnn14", "0", "0", "width 1"}, /* 0: the default */
        {"mobilenet", "4", "13", "width 4"}, {"mobilenet", "0", "0", "width 1"},
        {"cnn14", "64", "0", "metadata"},    {"mobilenet", "1", "1000000", "metadata"},
        {"cnn14", "-1", "0", "metadata"},    {"resnet", "1", "0", "resnet"},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        const char *const texts[][2] = {
            {"mewl.arch", rows[k].arch},       {"mewl.front_end", "panns-32k"}, {"mewl.bands", "64"},
            {"mewl.classes", "527"},           {"mewl.width", rows[k].width},   {"mewl.pooling", "avg"},
            {"mewl.dropout_block", "0.2"},     {"mewl.dropout_head", "0.5"},    {"mewl.framewise", "1"},
            {"mewl.time_pool", "2,2,2,2,2,1"}, {"mewl.labels", "[]"},           {"mewl.depth", rows[k].depth},
        };
        mewl_error err = {0};
        mewl_checkpoint *file;
        mewl_classifier *c;
        assert_int_equal(mewl_checkpoint_new(&file, &err), MEWL_OK);
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            assert_int_equal(mewl_checkpoint_set_text(file, texts[i][0], texts[i][1], &err), MEWL_OK);
        }
        assert_int_equal(mewl_checkpoint_write(file, scratch_path(), &err), MEWL_OK);
        mewl_checkpoint_free(file);
        const mewl_status status = mewl_classifier_open(&c, scratch_path(), &err);
        if (status != MEWL_E_FORMAT || strstr(err.text, rows[k].word) == NULL) {
            fail_msg("%s of width %s, depth %s: %s, \"%s\"", rows[k].arch, rows[k].width, rows[k].depth,
                     mewl_status_name(status), err.text);
        }
    }
}

static int make_scratch(void **state)
{
    (void)state;
    return mkdtemp(scratch) != NULL ? 0 : -1;
}

static int remove_scratch(void **state)
{
    (void)state;
    (void)remove(scratch_path());
    return rmdir(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_cnn6),
        cmocka_unit_test(imports_cnn10),
        cmocka_unit_test(imports_cnn14),
        cmocka_unit_test(imports_the_other_panns),
        cmocka_unit_test(refuses_with_a_reason),
        cmocka_unit_test(imports_yamnet),
        cmocka_unit_test(imports_mn04),
        cmocka_unit_test(starts_a_classifier_from_mn04),
        cmocka_unit_test(classifies_with_a_model),
        cmocka_unit_test(refuses_a_small_file_of_a_large_net),
    };
    return cmocka_run_group_tests_name("import", tests, make_scratch, remove_scratch);
}
