/* test_model.c - models as a whole: what is saved is loaded, metadata that lies is refused, sizes and reach are as
 * stated, wrong calls give errors. (Numbers against PyTorch: test_cnn.c.) */
#include "models/model.h"
#include "nn/loss.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/scratch.h"

static const mewl_model_config detector = {
    .arch = "cnn10", .front_end = "panns-16k", .classes = 2, .width = 0.0625, .framewise = true};

static mewl_model *make(mewl_model_config config)
{
    mewl_error err = {0};
    mewl_model *model;
    if (mewl_model_new(&model, config, 21, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return model;
}

static float *noise(int64_t count)
{
    float *x = malloc((size_t)count * sizeof *x);
    mewl_rng rng = mewl_rng_seeded(22);
    for (int64_t i = 0; i < count; i++) {
        x[i] = (float)(mewl_rng_normal(&rng) * 10.0 - 40.0);
    }
    return x;
}

static void test_save_and_load(void **state)
{
    mewl_error err = {0};
    mewl_model *a = make(detector), *b;
    const char *path = scratch_path(*state, "m.safetensors"), *small = scratch_path(*state, "s.safetensors");
    float *x = noise(2 * 100 * 64), clip[2][4], frame[2][2 * 12 * 2], embedding[2][2 * 32];
    assert_int_equal(mewl_model_set_label(a, 0, "cry", &err), MEWL_OK);
    assert_int_equal(mewl_model_set_label(a, 1, "laughter \"ha\"", &err), MEWL_OK);
    assert_int_equal(mewl_model_set_label(a, 2, "x", &err), MEWL_E_ARG);
    assert_int_equal(mewl_model_set_note(a, "recipe", "[train]\nepochs = 3\n", &err), MEWL_OK);
    assert_int_equal(mewl_model_set_note(a, "mewl.arch", "x", &err), MEWL_E_ARG);
    assert_int_equal(mewl_model_save(a, path, false, &err), MEWL_OK);
    assert_int_equal(mewl_model_save(a, small, true, &err), MEWL_OK);
    if (mewl_model_load(&b, path, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(mewl_model_label_find(b, "laughter \"ha\""), 1);
    assert_int_equal(mewl_model_label_find(b, "meow"), -1);
    assert_string_equal(mewl_model_label(b, 0), "cry");
    assert_string_equal(mewl_model_label(b, 7), "");
    assert_string_equal(mewl_model_note(b, "recipe"), "[train]\nepochs = 3\n");
    assert_string_equal(mewl_model_configuration(b)->front_end, "panns-16k");
    assert_int_equal(mewl_model_forward(a, x, 2, 100, clip[0], frame[0], embedding[0], &err), MEWL_OK);
    assert_int_equal(mewl_model_forward(b, x, 2, 100, clip[1], frame[1], embedding[1], &err), MEWL_OK);
    assert_memory_equal(clip[0], clip[1], sizeof clip[0]);
    assert_memory_equal(frame[0], frame[1], sizeof frame[0]);
    assert_memory_equal(embedding[0], embedding[1], sizeof embedding[0]);
    mewl_model_free(b);
    assert_int_equal(mewl_model_load(&b, small, &err), MEWL_OK); /* half the size: close, not equal */
    assert_int_equal(mewl_model_forward(b, x, 2, 100, clip[1], frame[1], NULL, &err), MEWL_OK);
    for (int i = 0; i < 4; i++) {
        assert_true(fabsf(clip[0][i] - clip[1][i]) < 0.1f);
    }
    assert_memory_not_equal(frame[0], frame[1], sizeof frame[0]);
    mewl_model_free(b);
    mewl_model_free(a);
    free(x);
}

/* Metadata of a valid file, changed one text at a time. */
static void test_lies(void **state)
{
    const char *const rows[][2] = {
        {"mewl.arch", "cnn11"},
        {"mewl.arch", ""},
        {"mewl.bands", "64 "},
        {"mewl.bands", "1e30"},
        {"mewl.bands", "-64"},
        {"mewl.classes", "2.5"},
        {"mewl.classes", "999999"},
        {"mewl.width", "nan"},
        {"mewl.width", "1e9"},
        {"mewl.width", "0.0625x"},
        {"mewl.pooling", "median"},
        {"mewl.dropout_block", "1"},
        {"mewl.framewise", "yes"},
        {"mewl.framewise", "0"},
        {"mewl.time_pool", "2,2"},
        {"mewl.time_pool", "2,2,2,1,0,0,"},
        {"mewl.time_pool", "99999999999999999999,1,1,1,0,0"},
        {"mewl.labels", "[\"one\"]"},
        {"mewl.labels", "[1,2]"},
        {"mewl.labels", "{"},
        {"mewl.width", "4"},
        {"mewl.classes", "3"},
        {"mewl.front_end", "a name that is far too long for a front end, longer than sixty-three bytes"},
    };
    mewl_error err = {0};
    mewl_model *model = make(detector), *other;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_checkpoint *c;
        assert_int_equal(mewl_checkpoint_new(&c, &err), MEWL_OK);
        assert_int_equal(mewl_model_to_checkpoint(model, c, false, &err), MEWL_OK);
        assert_int_equal(mewl_checkpoint_set_text(c, rows[i][0], rows[i][1], &err), MEWL_OK);
        err = (mewl_error){0};
        mewl_status status = mewl_model_from_checkpoint(&other, c, &err);
        if (status == MEWL_OK || other != NULL || err.text[0] == '\0') {
            fail_msg("%s = %s was believed", rows[i][0], rows[i][1]);
        }
        mewl_checkpoint_free(c);
    }
    mewl_checkpoint *empty;
    assert_int_equal(mewl_checkpoint_new(&empty, &err), MEWL_OK);
    assert_int_equal(mewl_model_from_checkpoint(&other, empty, &err), MEWL_E_FORMAT);
    mewl_checkpoint_free(empty);
    mewl_model_free(model);
}

static void test_configurations(void **state)
{
    const struct {
        mewl_model_config config;
        mewl_status status;
    } rows[] = {
        {{.arch = "cnn6", .classes = 5}, MEWL_OK},
        {{.arch = "cnn14", .classes = 1, .width = 0.02}, MEWL_OK},
        {{.arch = "cnn6", .classes = 0}, MEWL_E_ARG},
        {{.arch = "cnn7", .classes = 5}, MEWL_E_ARG},
        {{.arch = "cnn6", .classes = 5, .width = -1.0}, MEWL_E_ARG},
        {{.arch = "cnn6", .classes = 5, .width = NAN}, MEWL_E_ARG},
        {{.arch = "cnn6", .classes = 5, .bands = 8}, MEWL_E_ARG},
        {{.arch = "cnn6", .classes = 5, .dropout_head = 1.0}, MEWL_E_ARG},
        {{.arch = "cnn6", .classes = 5, .dropout_head = NAN}, MEWL_E_ARG},
        {{.arch = "cnn6", .classes = 5, .time_pool = {2, 0, 2, 2}}, MEWL_E_ARG},
        {{.arch = "cnn6", .classes = 5, .pooling = (mewl_pool_kind)9}, MEWL_E_ARG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_error err = {0};
        mewl_model *model;
        if (mewl_model_new(&model, rows[i].config, 1, &err) != rows[i].status) {
            fail_msg("row %zu: %s", i, err.text);
        }
        mewl_model_free(model);
    }
}

static void test_sizes(void **state)
{
    mewl_error err = {0};
    mewl_model *frames = make(detector),
               *clips = make((mewl_model_config){.arch = "cnn14", .classes = 2, .width = 0.02});
    int64_t step, left, right;
    float x[64 * 64] = {0}, y[64];
    assert_int_equal(mewl_model_frames_min(frames), 8);
    assert_int_equal(mewl_model_frames_min(clips), 32);
    assert_int_equal(mewl_model_output_frames(frames, 1001), 125);
    assert_int_equal(mewl_model_output_frames(clips, 1001), 0);
    assert_int_equal(mewl_model_forward(frames, x, 1, 7, y, NULL, NULL, &err), MEWL_E_SHAPE);
    assert_int_equal(mewl_model_forward(clips, x, 1, 31, y, NULL, NULL, &err), MEWL_E_SHAPE);
    assert_int_equal(mewl_model_forward(clips, x, 1, 64, y, y, NULL, &err), MEWL_E_UNSUPPORTED);
    assert_int_equal(mewl_model_forward(clips, x, 0, 64, y, NULL, NULL, &err), MEWL_E_SHAPE);
    assert_int_equal(mewl_model_forward(clips, x, 1, 64, y, NULL, NULL, &err), MEWL_OK);
    assert_int_equal(mewl_model_backward(clips, y, NULL, &err), MEWL_E_STATE);
    assert_int_equal(mewl_model_plan(clips, (mewl_model_mode){.threads = -1}, &err), MEWL_E_ARG);
    assert_false(mewl_model_reach(clips, &step, &left, &right));
    assert_true(mewl_model_reach(frames, &step, &left, &right));
    assert_int_equal(step, 8);
    mewl_model_free(frames);
    mewl_model_free(clips);
}

/* An output frame changes when an input frame within its stated reach changes, and never for one outside. */
static void test_reach(void **state)
{
    enum { T = 480, OUT = T / 8 };
    mewl_error err = {0};
    mewl_model *model = make(detector);
    int64_t step, left, right, seen_left = 0, seen_right = 0;
    float *x = noise(T * 64), base[OUT * 2], moved[OUT * 2];
    assert_true(mewl_model_reach(model, &step, &left, &right));
    assert_int_equal(mewl_model_forward(model, x, 1, T, NULL, base, NULL, &err), MEWL_OK);
    for (int64_t t = 200; t < 208; t++) {
        for (int b = 0; b < 64; b++) {
            x[t * 64 + b] += 1000.0f;
        }
        assert_int_equal(mewl_model_forward(model, x, 1, T, NULL, moved, NULL, &err), MEWL_OK);
        for (int b = 0; b < 64; b++) {
            x[t * 64 + b] -= 1000.0f;
        }
        assert_int_equal(mewl_model_forward(model, x, 1, T, NULL, base, NULL, &err), MEWL_OK);
        for (int64_t i = 0; i < OUT; i++) {
            bool changed = base[i * 2] != moved[i * 2] || base[i * 2 + 1] != moved[i * 2 + 1];
            bool inside = t >= i * step - left && t <= i * step + right;
            assert_true(inside || !changed);
            if (changed) {
                seen_left = i * step - t > seen_left ? i * step - t : seen_left;
                seen_right = t - i * step > seen_right ? t - i * step : seen_right;
            }
        }
    }
    assert_true(seen_left > left - 8 && seen_right > right - 8); /* and the statement is no wider than it must be */
    mewl_model_free(model);
    free(x);
}

static void test_training(void **state)
{
    mewl_error err = {0};
    mewl_model_config config = detector;
    config.dropout_block = config.dropout_head = -1.0;
    config.classes = 1;
    mewl_model *model = make(config);
    mewl_optim *optim;
    enum { N = 4, T = 64, OUT = T / 8 };
    float *x = noise(N * T * 64), logits[N * OUT], grad[N * OUT], target[N * OUT];
    double first = 0.0, last = 0.0;
    for (int i = 0; i < N * OUT; i++) {
        target[i] = (float)(i / OUT % 2);
    }
    assert_int_equal(mewl_optim_new(&optim, mewl_model_net(model), (mewl_optim_opts){.kind = MEWL_OPTIM_ADAMW}, &err),
                     MEWL_OK);
    assert_int_equal(mewl_model_plan(model, (mewl_model_mode){.training = true}, &err), MEWL_OK);
    for (int s = 0; s < 40; s++) {
        assert_int_equal(mewl_model_forward(model, x, N, T, NULL, logits, NULL, &err), MEWL_OK);
        last = mewl_loss_sigmoid(grad, logits, target, NULL, N * OUT, 1.0);
        first = s == 0 ? last : first;
        assert_int_equal(mewl_model_backward(model, NULL, grad, &err), MEWL_OK);
        assert_int_equal(mewl_optim_step(optim, NULL, 3e-3, &err), MEWL_OK);
    }
    assert_true(last < 0.2 && last < first * 0.5); /* four clips are learnt by heart */
    mewl_optim_free(optim);
    mewl_model_free(model);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_save_and_load, scratch_make, scratch_remove),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_configurations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
