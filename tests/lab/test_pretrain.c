/* Starts for small networks: answers to other sounds are not taken for those asked for; a network learns its targets,
 * is kept under its name and recalled, and is not taken for one of another width. The answers are made here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audio/writer.h"
#include "base/npy.h"
#include "lab/pretrain.h"
#include "../data/temp.h"

#define STRETCHES 48
#define SIZE 2
#define RATE 16000
#define COUNT 8000

static mewl_pretrain_opts options(const char *folder, const char *teacher)
{
    return (mewl_pretrain_opts){
        .teacher = teacher,
        .folder = folder,
        .fit = {.epochs = 6, .batch = 8, .frames = 48, .rate = 4e-3, .threads = 1},
        .seed = 1,
    };
}

static void test_other_sounds(void **state)
{
    (void)state;
    temp t = temp_make();
    char teacher[300];
    (void)snprintf(teacher, sizeof teacher, "%s/teacher", t.path);
    temp_file(&t, "teacher", "no network");
    temp_file(&t, "asked.json", "{\"sounds\": \"others\", \"teacher\": \"one\", \"lowpass_hz\": 0.0}");
    mewl_manifest sounds;
    mewl_error err = {0};
    assert_int_equal(mewl_manifest_init(&sounds, &err), MEWL_OK);
    mewl_row row = mewl_row_empty();
    row.path = "a.wav";
    row.group = "a";
    assert_int_equal(mewl_manifest_add(&sounds, &row, &err), MEWL_OK);
    assert_int_equal(mewl_pretrain_ask(&sounds, options(t.path, teacher), &err), MEWL_E_STATE);
    assert_non_null(strstr(err.text, "other sounds"));
    temp_file(&t, "asked.json", "[");
    assert_int_equal(mewl_pretrain_ask(&sounds, options(t.path, teacher), &err), MEWL_E_FORMAT);
    /* A folder without answers: the teacher is asked, and this one is none. */
    temp_file(&t, "new/x", "");
    char folder[300];
    (void)snprintf(folder, sizeof folder, "%s/new", t.path);
    assert_int_equal(mewl_pretrain_ask(&sounds, options(folder, teacher), &err), MEWL_E_FORMAT);
    (void)snprintf(folder, sizeof folder, "%s/new/asked.json", t.path);
    assert_int_not_equal(access(folder, F_OK), 0);
    mewl_manifest_fini(&sounds);
    temp_remove(&t);
}

/* Low tones and high ones; the target is which, and its opposite. */
static void make_answers(const temp *t)
{
    static float x[COUNT];
    float targets[STRETCHES * SIZE];
    char path[400];
    mewl_error err = {0};
    mewl_manifest segments;
    assert_int_equal(mewl_manifest_init(&segments, &err), MEWL_OK);
    for (size_t i = 0; i < STRETCHES; i++) {
        const double hz = (i % 2 == 0 ? 300 : 2500) + 11.0 * (double)i;
        for (size_t n = 0; n < COUNT; n++) {
            x[n] = (float)(0.2 * sin(2 * M_PI * hz * (double)n / RATE));
        }
        (void)snprintf(path, sizeof path, "%s/%zu.wav", t->path, i);
        assert_int_equal(mewl_audio_write(path, x, COUNT, RATE, MEWL_AUDIO_WAV_S16, &err), MEWL_OK);
        char group[16];
        (void)snprintf(group, sizeof group, "g%zu", i);
        mewl_row row = mewl_row_empty();
        row.path = path;
        row.label = i % 2 == 0 ? "low" : "high";
        row.group = group;
        assert_int_equal(mewl_manifest_add(&segments, &row, &err), MEWL_OK);
        targets[i * SIZE] = i % 2 == 0 ? 1 : -1;
        targets[i * SIZE + 1] = -targets[i * SIZE];
    }
    (void)snprintf(path, sizeof path, "%s/segments.csv", t->path);
    assert_int_equal(mewl_manifest_write(&segments, path, &err), MEWL_OK);
    (void)snprintf(path, sizeof path, "%s/targets.npy", t->path);
    assert_int_equal(mewl_npy_write_f32(path, targets, (size_t[2]){STRETCHES, SIZE}, 2, &err), MEWL_OK);
    mewl_manifest_fini(&segments);
}

static void test_network(void **state)
{
    (void)state;
    temp t = temp_make();
    make_answers(&t);
    mewl_model_config config = {
        .arch = "cnn6", .front_end = "panns-16k", .width = 0.0625, .dropout_block = -1, .dropout_head = -1};
    mewl_pretrain_result made;
    mewl_pretrain_result recalled;
    mewl_error err = {0};
    if (mewl_pretrain_network(&made, "small", config, options(t.path, ""), &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(made.segments, STRETCHES);
    assert_in_range(made.held_out, 1, STRETCHES / 2);
    if (!(made.explained > 0.5 && made.explained <= 1)) {
        fail_msg("explains %.3f of %zu held out", made.explained, made.held_out);
    }
    assert_int_equal(mewl_pretrain_network(&recalled, "small", config, options(t.path, ""), &err), MEWL_OK);
    assert_true(fabs(recalled.explained - made.explained) < 1e-5 && recalled.held_out == made.held_out);
    config.width = 0.125;
    assert_int_equal(mewl_pretrain_network(&recalled, "small", config, options(t.path, ""), &err), MEWL_E_STATE);
    assert_non_null(strstr(err.text, "0.125"));
    temp_file(&t, "targets.npy", "no array");
    assert_int_equal(mewl_pretrain_network(&recalled, "wide", config, options(t.path, ""), &err), MEWL_E_FORMAT);
    temp_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_sounds),
        cmocka_unit_test(test_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
