/* `mewl analyze --reason` as people run it: a reason, or "not sure", in words and in JSON; a model that was shown to be
 * no better than guessing names none and says so; what is missing or does not fit. `mewl lab reason`: wrong words.
 * Arguments: the program and a detector with random weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/json.h"
#include "hear/reasoner.h"
#include "run.h"
#include "sounds.h"

static const char *program, *detector;
static char folder[] = "/tmp/mewl-test-reason-XXXXXX";
static const char *out, *err_text; /* of the last run */

static int run(const char *words)
{
    const ran *r = run_in(folder, "TMPDIR=$PWD MEWL_DATA= MEWL_CONFIG= MEWL_MODEL=%s %s %s", detector, program, words);
    out = r->out;
    err_text = r->err;
    return r->code;
}

/* A reason model on the detector whose answer is `p` whatever it hears. */
static void write_reason(const char *name, double low, double p_tired)
{
    char path[128];
    mewl_error err = {0};
    mewl_embedder *embedder;
    mewl_reason model;
    assert_int_equal(mewl_embedder_open(&embedder, detector, (mewl_embedder_opts){0}, &err), MEWL_OK);
    const mewl_embedder_info *info = mewl_embedder_describe(embedder);
    assert_int_equal(mewl_reason_init(&model, 2, info->size, &err), MEWL_OK);
    model.bias[1] = log(p_tired / (1 - p_tired));
    model.evidence = (mewl_reason_evidence){0.7, low, 0.9, 0.01, 10, 5};
    model.sets.threshold[0] = model.sets.threshold[1] = 0.6;
    (void)snprintf(model.label[0], sizeof model.label[0], "belly_pain");
    (void)snprintf(model.label[1], sizeof model.label[1], "tired");
    (void)snprintf(model.embedder, sizeof model.embedder, "%s", info->name);
    (void)snprintf(model.embedder_id, sizeof model.embedder_id, "%s",
                   strcmp(name, "other.safetensors") == 0 ? "0000000000000000" : info->id);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mewl_reasoner_write(&model, (mewl_embedder_opts){0}, NULL, 0, path, &err), MEWL_OK);
    mewl_reason_fini(&model);
    mewl_embedder_close(embedder);
}

static int make(void **state)
{
    (void)state;
    char path[128];
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/good.wav", folder);
    if (!write_wav(path, (wav_form){.rate_hz = 16000, .channels = 1, .seconds = 8.0, .gain = 1.0})) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/again.wav", folder);
    if (!write_wav(path, (wav_form){.rate_hz = 16000, .channels = 1, .seconds = 8.0, .gain = 0.5})) {
        return -1;
    }
    write_reason("sure.safetensors", 0.6, 0.9);
    write_reason("unproven.safetensors", 0.4, 0.9);
    write_reason("torn.safetensors", 0.6, 0.5);
    write_reason("other.safetensors", 0.6, 0.9);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    return run_clean(folder);
}

static void test_words(void **state)
{
    (void)state;
    assert_int_equal(run("analyze --reason --reason-model sure.safetensors good.wav"), 0);
    assert_non_null(strstr(out, "reason: tired (tired 90 %, belly pain 10 %)"));
    assert_null(strstr(err_text, "guessing"));
    assert_int_equal(run("analyze --reason --reason-model unproven.safetensors good.wav"), 0);
    assert_non_null(strstr(out, "reason: not sure (little more than how common each is: tired 90 %, belly pain 10 %)"));
    assert_non_null(strstr(err_text, "no better than guessing"));
    assert_int_equal(run("analyze --reason --reason-model torn.safetensors good.wav"), 0);
    assert_non_null(strstr(out, "reason: not sure (belly pain 50 %, tired 50 %)"));
    assert_int_equal(run("analyze good.wav"), 0);
    assert_null(strstr(out, "reason"));
}

static void test_json(void **state)
{
    (void)state;
    mewl_error err = {0};
    json_t *document = NULL;
    assert_int_equal(run("analyze --json --jobs 2 --reason --reason-model sure.safetensors good.wav again.wav"), 0);
    assert_int_equal(mewl_json_parse(&document, out, strlen(out), "out", &err), MEWL_OK);
    for (size_t f = 0; f < 2; f++) {
        const json_t *file = json_array_get(json_object_get(document, "files"), f);
        const json_t *episodes = json_object_get(file, "episodes");
        assert_true(json_array_size(episodes) > 0);
        for (size_t i = 0; i < json_array_size(episodes); i++) {
            const json_t *own = json_array_get(episodes, i), *reason = json_object_get(own, "reason");
            const double seconds = json_number_value(json_object_get(own, "offset_s")) -
                                   json_number_value(json_object_get(own, "onset_s"));
            if (seconds < 0.29) {
                assert_true(json_is_null(reason));
                continue;
            }
            assert_string_equal(json_string_value(json_object_get(reason, "named")), "tired");
            assert_int_equal(json_array_size(json_object_get(reason, "cannot_rule_out")), 1);
            const json_t *p = json_object_get(json_object_get(reason, "probabilities"), "tired");
            assert_true(fabs(json_number_value(p) - 0.9) < 1e-3);
        }
    }
    json_decref(document);
    assert_int_equal(run("analyze --ndjson --reason --reason-model torn.safetensors good.wav"), 0);
    assert_non_null(strstr(out, "\"reason\":{\"named\":null,\"probabilities\":{\"belly_pain\":0.5"));
}

static void test_refusals(void **state)
{
    (void)state;
    assert_int_equal(run("analyze --reason --reason-model none.safetensors good.wav"), 1);
    assert_non_null(strstr(err_text, "none.safetensors"));
    assert_int_equal(run("analyze --reason --reason-model good.wav good.wav"), 1);
    assert_int_equal(run("analyze --reason --reason-model other.safetensors good.wav"), 1);
    assert_non_null(strstr(err_text, "another network"));
}

static void test_lab(void **state)
{
    (void)state;
    assert_int_equal(run("lab reason --help"), 0);
    assert_non_null(strstr(out, "mewl lab reason --cats"));
    assert_int_equal(run("lab reason --sources trunk,ymanet"), 2);
    assert_non_null(strstr(err_text, "yamnet"));
    assert_int_equal(run("lab reason --choice acuracy"), 2);
    assert_int_equal(run("lab reason --folds 1"), 2);
    assert_int_equal(run("lab reason word"), 2);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    program = argv[1];
    detector = argv[2];
    char full[2][4096];
    if (realpath(program, full[0]) != NULL && realpath(detector, full[1]) != NULL) {
        program = full[0];
        detector = full[1];
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_lab),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
