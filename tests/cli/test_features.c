/* `mewl features` writes what the front end gives, for every front end and kind. Arguments: the program. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "audio/clip.h"
#include "base/npy.h"
#include "dsp/frontend.h"
#include "run.h"
#include "sounds.h"

static const char *program;
static char folder[] = "/tmp/mewl-test-features-XXXXXX";

static int run(const char *words)
{
    return run_in(folder, "MEWL_CONFIG= %s %s", program, words)->code;
}

static int make_sounds(void **state)
{
    (void)state;
    char path[128];
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/sound.wav", folder);
    if (!write_wav(path, (wav_form){.rate_hz = 44100, .channels = 2, .seconds = 1.7, .gain = 1.0})) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/one.wav", folder);
    return write_wav(path, (wav_form){.rate_hz = 16000, .channels = 1, .seconds = 0.001, .gain = 1.0}) ? 0 : -1;
}

static int remove_sounds(void **state)
{
    (void)state;
    return run_clean(folder);
}

static void check(const char *config, const char *kind)
{
    char words[256], path[128];
    (void)snprintf(words, sizeof words, "features sound.wav --config %s --kind %s -o out.npy", config, kind);
    assert_int_equal(run(words), 0);
    mewl_npy array;
    mewl_error err = {0};
    (void)snprintf(path, sizeof path, "%s/out.npy", folder);
    assert_int_equal(mewl_npy_read_f32(&array, path, 10000000, &err), MEWL_OK);

    mewl_feature feature;
    mewl_frontend *fe;
    mewl_clip clip;
    assert_int_equal(mewl_feature_parse(&feature, kind, &err), MEWL_OK);
    assert_int_equal(mewl_frontend_new_kind(&fe, config, feature, &err), MEWL_OK);
    (void)snprintf(path, sizeof path, "%s/sound.wav", folder);
    assert_int_equal(mewl_clip_read(&clip, path, mewl_frontend_rate_hz(fe), 0.0, &err), MEWL_OK);
    size_t frames = mewl_frontend_frame_count(fe, clip.count), bands = mewl_frontend_bands(fe);
    float *expected = malloc(frames * bands * sizeof *expected);
    assert_non_null(expected);
    assert_int_equal(mewl_frontend_run(fe, expected, clip.samples, clip.count, &err), MEWL_OK);
    assert_int_equal(array.ndim, 2);
    assert_int_equal(array.shape[0], frames);
    assert_int_equal(array.shape[1], bands);
    size_t different = 0;
    for (size_t i = 0; i < frames * bands; i++) {
        different += memcmp(&array.data[i], &expected[i], sizeof *expected) != 0;
    }
    if (different > 0) {
        fail_msg("%s of %s: %zu of %zu numbers differ", kind, config, different, frames * bands);
    }
    free(expected);
    mewl_clip_fini(&clip);
    mewl_frontend_free(fe);
    mewl_npy_fini(&array);
}

static void test_all(void **state)
{
    (void)state;
    static const char *const kinds[] = {"spectrogram", "mel", "logmel", "mfcc", "hybrid"};
    for (size_t c = 0; mewl_frontend_name_at(c) != NULL; c++) {
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            check(mewl_frontend_name_at(c), kinds[k]);
        }
    }
}

static void test_mistakes(void **state)
{
    (void)state;
    assert_int_equal(run("features sound.wav"), 2);
    assert_int_equal(run("features -o out.npy"), 2);
    assert_int_equal(run("features sound.wav --kind chroma -o out.npy"), 2);
    assert_int_equal(run("features sound.wav --kind foo -o out.npy"), 2); /* like no kind: all names are looked at */
    assert_int_equal(run("features sound.wav --kind voise -o out.npy"), 2);
    assert_int_equal(run("features sound.wav --config panns -o out.npy"), 2);
    assert_int_equal(run("features missing.wav -o out.npy"), 3);
    assert_int_equal(run("features one.wav --config yamnet -o none.npy"), 3);
    assert_int_equal(run("features sound.wav -o missing/out.npy"), 1);
    assert_int_equal(run("features sound.wav -o one.wav"), 2); /* a recording is never written over */
    char path[128];
    (void)snprintf(path, sizeof path, "%s/none.npy", folder);
    assert_int_not_equal(access(path, F_OK), 0); /* nothing half-written stays */
}

/* What has no voice is said to have none. */
static void test_no_voice(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/silence.wav", folder);
    assert_true(write_wav(path, (wav_form){.rate_hz = 16000, .channels = 1, .seconds = 2.0, .gain = 0.0}));
    static const char *const kinds[] = {"voice", "voice --json", "egemaps"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const ran *r = run_in(folder, "MEWL_CONFIG= %s features silence.wav --kind %s", program, kinds[i]);
        assert_int_equal(r->code, 0);
        assert_non_null(strstr(r->err, "silence.wav: no voice was found in it"));
    }
}

/* Nothing was wrong with the input when the output is full; and raw sound comes from standard input alone. */
static void test_codes(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(run("features sound.wav -o /dev/full"), 1);
        assert_int_equal(run("features sound.wav --kind mfcc --config hybrid -o /dev/full"), 1);
        assert_int_equal(run("features sound.wav --kind voice -q > /dev/full"), 1);
    }
    assert_int_equal(run("features none.wav -o out.npy"), 3);
    assert_int_equal(run("features sound.wav --raw s16le -o out.npy"), 2);
    assert_int_equal(run("features sound.wav --rate 16000 -o out.npy"), 2);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 99;
    }
    program = realpath(argv[1], NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_voice), cmocka_unit_test(test_codes),
                                       cmocka_unit_test(test_all), cmocka_unit_test(test_mistakes)};
    return cmocka_run_group_tests(tests, make_sounds, remove_sounds);
}
