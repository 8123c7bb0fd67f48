/* Reasoners: a model written and opened gives its answers for sound; another network, another file, too little sound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hear/reasoner.h"
#include "little_model.h"

static char folder[] = "/tmp/mewl-test-reasoner-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[16][128];
    static int turn;
    turn = (turn + 1) % 16;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static int make_models(void **state)
{
    (void)state;
    static const char *const names[] = {"a.safetensors", "b.safetensors"};
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < 2; i++) {
        mewl_model *model = little_model(i + 1);
        if (model == NULL || mewl_model_save(model, in_folder(names[i]), false, NULL) != MEWL_OK) {
            return -1;
        }
        mewl_model_free(model);
    }
    return 0;
}

static int remove_models(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); /* NOLINT */
}

/* A reason model on a.safetensors: two reasons, by the first number of the embedding. */
static void write_reason(const char *path, mewl_embedder_opts opts)
{
    mewl_error err = {0};
    mewl_embedder *embedder;
    mewl_reason model;
    const char *const notes[][2] = {{"licence", "a test"}};
    assert_int_equal(mewl_embedder_open(&embedder, in_folder("a.safetensors"), opts, &err), MEWL_OK);
    const mewl_embedder_info *info = mewl_embedder_describe(embedder);
    assert_int_equal(mewl_reason_init(&model, 2, info->size, &err), MEWL_OK);
    model.weight[0] = 1.0f;
    model.evidence = (mewl_reason_evidence){0.8, 0.7, 0.9, 0.01, 10, 5};
    (void)snprintf(model.label[0], sizeof model.label[0], "hungry");
    (void)snprintf(model.label[1], sizeof model.label[1], "tired");
    (void)snprintf(model.embedder, sizeof model.embedder, "%s", info->name);
    (void)snprintf(model.embedder_id, sizeof model.embedder_id, "%s", info->id);
    assert_int_equal(mewl_reasoner_write(&model, opts, notes, 1, path, &err), MEWL_OK);
    mewl_reason_fini(&model);
    mewl_embedder_close(embedder);
}

static void test_answers(void **state)
{
    (void)state;
    const mewl_embedder_opts kinds[] = {{0}, {.pool = MEWL_EMBEDDER_MEAN_STD, .cry_weighted = true, .window_s = 1.0}};
    float *sound = little_sound(3 * 16000, 1, 16000.0, 3);
    for (size_t i = 0; i < 2; i++) {
        mewl_error err = {0};
        mewl_reasoner *reasoner;
        mewl_embedder *embedder;
        mewl_reason_answer answer;
        write_reason(in_folder("reason.safetensors"), kinds[i]);
        if (mewl_reasoner_open(&reasoner, in_folder("reason.safetensors"), in_folder("a.safetensors"), &err) !=
            MEWL_OK) {
            fail_msg("%s", err.text);
        }
        assert_true(mewl_reasoner_rate_hz(reasoner) == 16000.0);
        assert_string_equal(mewl_reasoner_model(reasoner)->label[1], "tired");
        assert_int_equal(mewl_reasoner_ask(reasoner, &answer, sound, 3 * 16000, &err), MEWL_OK);
        assert_int_equal(mewl_embedder_open(&embedder, in_folder("a.safetensors"), kinds[i], &err), MEWL_OK);
        float *vector = calloc(mewl_embedder_describe(embedder)->size, sizeof *vector);
        assert_int_equal(mewl_embedder_run(embedder, vector, NULL, sound, 3 * 16000, &err), MEWL_OK);
        assert_true(fabs((double)answer.p[0] - 1.0 / (1.0 + exp(-(double)vector[0]))) < 1e-5);
        free(vector);
        mewl_embedder_close(embedder);
        mewl_reasoner_close(reasoner);
    }
    free(sound);
}

static void test_refusals(void **state)
{
    (void)state;
    mewl_error err = {0};
    mewl_reasoner *reasoner;
    mewl_reason_answer answer;
    float sound[1600] = {0};
    write_reason(in_folder("reason.safetensors"), (mewl_embedder_opts){0});
    const char *reason = in_folder("reason.safetensors");
    assert_int_equal(mewl_reasoner_open(&reasoner, reason, in_folder("b.safetensors"), &err), MEWL_E_STATE);
    assert_null(reasoner);
    assert_non_null(strstr(err.text, "another network"));
    assert_int_equal(mewl_reasoner_open(&reasoner, in_folder("a.safetensors"), in_folder("a.safetensors"), &err),
                     MEWL_E_FORMAT);
    assert_int_equal(mewl_reasoner_open(&reasoner, in_folder("none"), in_folder("a.safetensors"), &err),
                     MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_reasoner_open(&reasoner, reason, in_folder("none"), &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_reasoner_open(&reasoner, reason, in_folder("a.safetensors"), &err), MEWL_OK);
    assert_int_equal(mewl_reasoner_ask(reasoner, &answer, sound, 1600, &err), MEWL_E_EMPTY);
    mewl_reasoner_close(reasoner);
    mewl_reasoner_close(NULL);
}

/* What ships fits together: whoever trains the detector anew must make the reason model anew (models/reason.md). */
static void test_shipped(void **state)
{
    (void)state;
    mewl_error err = {0};
    mewl_reasoner *reasoner;
    mewl_reason_answer answer;
    if (mewl_reasoner_open(&reasoner, SOURCE_ROOT "/models/reason.safetensors",
                           SOURCE_ROOT "/models/detector.safetensors", &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    float *sound = little_sound(2 * 16000, 1, 16000.0, 5);
    assert_int_equal(mewl_reasoner_ask(reasoner, &answer, sound, 2 * 16000, &err), MEWL_OK);
    assert_int_equal(answer.named, -1); /* its evidence does not lie above chance */
    assert_false(mewl_reason_proven(mewl_reasoner_model(reasoner)));
    free(sound);
    mewl_reasoner_close(reasoner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers), cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_shipped)};
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
