/* `mewl predict` and `mewl model` as people run them. Arguments: the program, the folder of golden checkpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/npy.h"
#include "run_json.h"
#include "sounds.h"

static char *program, *golden;
static char folder[] = "/tmp/mewl-test-model-XXXXXX";

/* Runs `mewl words` in the folder; $G in the words is the golden folder. */
static const ran *run(const char *words)
{
    return run_in(folder, "G='%s'; MEWL_CONFIG= %s %s", golden, program, words);
}

static void expect(const char *words, int code, const char *in_out, const char *in_err)
{
    run_expect(run(words), words, code, in_out, in_err);
}

static void imports_and_describes(void **state)
{
    (void)state;
    expect("model import $G/cnn6.pth --arch cnn6 -o m.safetensors", 0, NULL, "m.safetensors");
    expect("model import $G/cnn10.pth --arch cnn10 -o four.safetensors", 0, NULL, NULL);
    expect("model info m.safetensors", 0, "cnn6", NULL);
    expect("model info m.safetensors", 0, "panns-32k: 64 bands at 32000 Hz", NULL);
    json_t *info = run_json(run("model info m.safetensors --json"));
    assert_string_equal(json_string_value(json_object_get(info, "arch")), "cnn6");
    assert_int_equal(json_integer_value(json_object_get(info, "classes")), 527);
    assert_int_equal(json_array_size(json_object_get(info, "labels")), 527);
    assert_true(json_integer_value(json_object_get(info, "parameters")) > 30000);
    assert_string_equal(json_string_value(json_object_get(json_object_get(info, "notes"), "source")), "cnn6.pth");
    json_decref(info);
    expect("model info $G/state.pth", 0, "view.weight float32 [3,2]", NULL); /* no model: its tensors */
}

static void quantises(void **state)
{
    (void)state;
    expect("model quantise m.safetensors --calibrate good.wav -o q.safetensors --json", 0, "\"kind\": \"static\"",
           "q.safetensors");
    expect("model quantise m.safetensors good.wav good.wav --range percentile --percentile 99 -o q2.safetensors", 0,
           NULL, "percentile");
    expect("model quantise m.safetensors --dynamic -o d.safetensors --json", 0, "\"kind\": \"dynamic\"", NULL);
    expect("model info q.safetensors", 0, "static, eight bits", NULL);
    expect("predict q.safetensors good.wav", 0, "good.wav\tcry 0.", NULL);
    expect("predict d.safetensors good.wav", 0, "good.wav\tcry 0.", NULL);
    expect("model quantise q.safetensors --dynamic -o x.safetensors", 3, NULL, "eight bits already");
    expect("model quantise m.safetensors -o x.safetensors", 2, NULL, "--calibrate");
    expect("model quantise m.safetensors --dynamic good.wav -o x.safetensors", 2, NULL, "listens to nothing");
    expect("model quantise m.safetensors --calibrate good.wav", 2, NULL, "-o");
    expect("model quantise m.safetensors --calibrate good.wav --range mes -o x.safetensors", 2, NULL, "mse");
    expect("model quantise m.safetensors --calibrate none.wav -o x.safetensors", 3, NULL, "none.wav");
    expect("model quantise --help", 0, "--calibrate", NULL);
}

/* A model of eight bits is judged like any other. */
static void judges_eight_bits(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/two.csv", folder);
    FILE *csv = fopen(path, "w");
    assert_non_null(csv);
    (void)fputs("path,label,group\ngood.wav,cry,a\nshort.wav,other,b\n", csv);
    assert_int_equal(fclose(csv), 0);
    expect("model quantise $G/../../../models/detector.safetensors --calibrate good.wav -o small.safetensors", 0, NULL,
           ", 26.");
    for (int above = 0; above < 2; above++) { /* its score lies between these thresholds */
        char words[200];
        (void)snprintf(words, sizeof words,
                       "eval small.safetensors two.csv --no-baselines --rounds 20 --threshold %s --json",
                       above == 1 ? "0.9999" : "0.0001");
        json_t *out = run_json(run(words));
        const json_t *fixed = json_array_get(json_object_get(out, "at_threshold"), 0);
        assert_int_equal(json_integer_value(json_object_get(fixed, "true_positive")), 1 - above);
        assert_int_equal(json_integer_value(json_object_get(fixed, "false_negative")), above);
        json_decref(out);
    }
}

/* Eight bits for linear layers alone are next to nothing where there is one, and nothing where there is none. */
static void dynamic_says_what_it_saves(void **state)
{
    (void)state;
    expect("model quantise $G/../../../models/detector.safetensors --dynamic -o d2.safetensors", 0, NULL,
           "nearly all convolutions");
}

static void tells_what_a_reason_model_is(void **state)
{
    (void)state;
    const char *words = "model info $G/../../../models/reason.safetensors";
    expect(words, 0, "reason model: why an infant cries", NULL);
    expect(words, 0, "belly_pain 3.5 %, burping 1.8 %", NULL);
    expect(words, 0, "always `not sure`", NULL);
    expect(words, 0, "data         Donate-a-Cry", NULL);
    json_t *info = run_json(run("model info $G/../../../models/reason.safetensors --json"));
    assert_string_equal(json_string_value(json_object_get(info, "form")), "reason model");
    assert_int_equal(json_array_size(json_object_get(info, "reasons")), 5);
    assert_true(json_is_false(json_object_get(info, "names_reasons")));
    const json_t *evidence = json_object_get(info, "evidence");
    assert_true(json_number_value(json_object_get(evidence, "low")) <
                json_number_value(json_object_get(evidence, "chance")));
    json_decref(info);
}

/* Of the recipe in a model people see 0.6, though 0.59999999999999998 is what stands there. */
static void numbers_are_told_as_they_were_meant(void **state)
{
    (void)state;
    const ran *r = run("model info $G/../../../models/detector.safetensors");
    run_expect(r, "model info", 0, "negative_probability = 0.6\n", NULL);
    assert_null(strstr(r->out, "99999"));
    assert_null(strstr(r->out, "00000"));
}

static void refuses_wrong_use(void **state)
{
    (void)state;
    expect("model", 2, NULL, "mewl model info");
    expect("model inform x", 2, NULL, "info");
    expect("model --help", 0, "import CHECKPOINT", NULL);
    expect("model import --help", 0, "--arch", NULL);
    expect("model info", 2, NULL, "one model file");
    expect("model info none.safetensors", 3, NULL, "none.safetensors");
    expect("model info good.wav", 3, NULL, "good.wav");
    expect("model import $G/cnn6.pth -o x.safetensors", 2, NULL, "--arch");
    expect("model import $G/cnn6.pth --arch cnn6", 2, NULL, "-o");
    expect("model import $G/cnn6.pth --arch cnn66 -o x.safetensors", 2, NULL, "cnn6");
    expect("model import $G/cnn6.pth --arch cnn14 -o x.safetensors", 3, NULL, "not cnn14");
    expect("model import $G/evil_global.pth --arch cnn6 -o x.safetensors", 3, NULL, "posix.system");
    expect("model import $G/legacy.pth --arch cnn6 -o x.safetensors", 3, NULL, "it holds no `fc1.weight`");
    expect("model import $G/cnn6.pth --arch cnn6 -o none/x.safetensors", 3, NULL, "none/x.safetensors");
    expect("predict", 2, NULL, "model");
    expect("predict m.safetensors", 2, NULL, "clips");
    expect("predict good.wav good.wav", 3, NULL, "good.wav");
    expect("predict m.safetensors good.wav --top 0", 2, NULL, "--top");
}

static void predicts(void **state)
{
    (void)state;
    expect("predict m.safetensors good.wav", 0, "good.wav\tcry 0.", NULL);
    json_t *out = run_json(run("predict m.safetensors good.wav short.wav --json --embedding e.npy"));
    assert_string_equal(json_string_value(json_object_get(out, "arch")), "cnn6");
    json_t *files = json_object_get(out, "files"), *first = json_array_get(files, 0);
    assert_int_equal(json_array_size(files), 2);
    assert_string_equal(json_string_value(json_object_get(first, "file")), "good.wav");
    assert_true(json_number_value(json_object_get(first, "seconds")) > 7.9);
    const json_t *classes = json_object_get(first, "classes");
    assert_int_equal(json_array_size(classes), 527);
    double last = 1e9, cry = 0;
    for (size_t i = 0; i < 527; i++) {
        const json_t *row = json_array_get(classes, i);
        const double logit = json_number_value(json_object_get(row, "logit"));
        const double probability = json_number_value(json_object_get(row, "probability"));
        assert_true(logit <= last);
        assert_true(fabs(probability - 1 / (1 + exp(-logit))) < 1e-6);
        last = logit;
        const json_int_t index = json_integer_value(json_object_get(row, "index"));
        cry = (index == 22 || index == 23) && probability > cry ? probability : cry;
    }
    assert_true(fabs(json_number_value(json_object_get(first, "cry")) - cry) < 1e-6);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(files, 1), "embedding_row")), 1);
    json_decref(out);
    mewl_npy embedding;
    mewl_error err = {0};
    char path[256];
    (void)snprintf(path, sizeof path, "%s/e.npy", folder);
    assert_int_equal(mewl_npy_read_f32(&embedding, path, 1 << 16, &err), MEWL_OK);
    assert_int_equal(embedding.ndim, 2);
    assert_int_equal(embedding.shape[0], 2);
    assert_int_equal(embedding.shape[1], 32); /* 512 / 16 */
    mewl_npy_fini(&embedding);

    const ran *r = run("predict four.safetensors good.wav short.wav --ndjson");
    const char *second = strchr(r->out, '\n');
    assert_non_null(second);
    assert_non_null(strchr(second + 1, '\n'));
    json_t *line = parse_json(second + 1);
    assert_string_equal(json_string_value(json_object_get(line, "event")), "prediction");
    assert_int_equal(json_array_size(json_object_get(line, "classes")), 4);
    assert_true(json_is_null(json_object_get(line, "cry"))); /* four classes without a name */
    json_decref(line);
}

static void goes_on_after_bad_files(void **state)
{
    (void)state;
    expect("predict m.safetensors good.wav text.wav none.wav", 4, "good.wav\tcry", "none.wav");
    expect("predict m.safetensors text.wav", 3, NULL, "text.wav");
    expect("predict m.safetensors sounds", 0, "inner.wav\tcry", NULL);
    expect("predict m.safetensors good.wav text.wav --ndjson", 4, "\"event\":\"error\"", NULL);
    expect("predict m.safetensors nan.wav", 0, "nan.wav\tcry 0.", NULL);
    expect("predict m.safetensors good.wav --embedding none/e.npy", 1, NULL, "none/e.npy");
    json_t *out = run_json(run("predict m.safetensors text.wav good.wav --json"));
    assert_int_equal(json_integer_value(json_object_get(out, "unreadable")), 1);
    assert_int_equal(json_array_size(json_object_get(out, "files")), 2);
    json_decref(out);
}

static int make_sounds(void **state)
{
    (void)state;
    const wav_form good = {.rate_hz = 16000, .channels = 1, .seconds = 8.0, .gain = 1.0};
    wav_form brief = good, nan = good;
    brief.seconds = 0.05;
    nan.floats = true;
    nan.bad = NAN;
    nan.bad_share = 0.01;
    char path[256];
    if (mkdtemp(folder) == NULL || chdir(folder) != 0 || mkdir("sounds", 0777) != 0) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/sounds/inner.wav", folder);
    return write_wav("good.wav", good) && write_wav("short.wav", brief) && write_wav("nan.wav", nan) &&
                   write_wav(path, good) && write_text("text.wav", "no sound\n")
               ? 0
               : -1;
}

static int remove_sounds(void **state)
{
    (void)state;
    return chdir("/") == 0 ? run_clean(folder) : -1;
}

/* Whatever is given as a model by mistake is called by its name, with what to do. */
static void says_what_a_file_is(void **state)
{
    (void)state;
    static const struct {
        const char *words, *err;
    } wrong[] = {
        {"analyze -m m.safetensors good.wav", "m.safetensors is a model of whole clips (cnn6), not a detector"},
        {"listen -m m.safetensors good.wav", "`mewl predict` takes it"},
        {"analyze -m $G/../../../models/reason.safetensors good.wav", "is a reason model, not a detector"},
        {"predict $G/../../../models/reason.safetensors good.wav", "is a reason model, not a network"},
        {"analyze -m good.wav good.wav", "good.wav is a recording, not a detector"},
        {"predict good.wav good.wav", "good.wav is a recording, not a network"},
        {"model info good.wav", "good.wav is a recording"},
        {"model export good.wav -o x.onnx", "good.wav is a recording"},
        {"model quantise good.wav --dynamic -o x.safetensors", "good.wav is a recording"},
        {"model average good.wav m.safetensors -o x.safetensors", "good.wav is a recording"},
        {"bench -m text.txt", "text.txt is a text file, not a detector: leave out --model"},
        {"predict text.txt good.wav", "text.txt is a text file, not a network"},
        {"predict own.model good.wav", "own.model is one infant's own model"},
        {"predict bytes.bin good.wav", "bytes.bin is of no form that Mewl knows"},
        {"predict none.txt good.wav", "none.txt is an empty file"},
        {"analyze -m . good.wav", ". is a folder, not a detector"},
        {"analyze --reason --reason-model m.safetensors good.wav", "m.safetensors is a network, not a reason model"},
        {"analyze --reason --reason-model text.txt good.wav", "text.txt is a text file, not a reason model"},
    };
    assert_int_equal(run_in(folder, "echo hello there > text.txt; printf 'MWLI\\001\\000\\000' > own.model; "
                                    "printf '\\377\\001\\002\\377\\377\\003\\004\\005\\001' > bytes.bin; : > none.txt")
                         ->code,
                     0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const ran *r = run(wrong[i].words);
        if (r->code == 0 || strstr(r->err, wrong[i].err) == NULL) {
            fail_msg("mewl %s: exit %d, err \"%.400s\"", wrong[i].words, r->code, r->err);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: test-cli-model MEWL GOLDEN\n");
        return 2;
    }
    program = realpath(argv[1], NULL); /* the tests run in a folder of their own */
    golden = realpath(argv[2], NULL);
    if (program == NULL || golden == NULL) {
        (void)fprintf(stderr, "test-cli-model: there is no %s\n", program == NULL ? argv[1] : argv[2]);
        return 2;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(imports_and_describes),
                                       cmocka_unit_test(numbers_are_told_as_they_were_meant),
                                       cmocka_unit_test(refuses_wrong_use),
                                       cmocka_unit_test(predicts),
                                       cmocka_unit_test(goes_on_after_bad_files),
                                       cmocka_unit_test(quantises),
                                       cmocka_unit_test(judges_eight_bits),
                                       cmocka_unit_test(dynamic_says_what_it_saves),
                                       cmocka_unit_test(tells_what_a_reason_model_is),
                                       cmocka_unit_test(says_what_a_file_is)};
    const int failed = cmocka_run_group_tests_name("model", tests, make_sounds, remove_sounds);
    free(program);
    free(golden);
    return failed;
}
