/* The public interface, linked to the shared library: nothing but what mewl.h promises. The model comes from a file
 * that make_model.c wrote. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <mewl.h>

static const char *model_path;

#define FRAMES (20 * 16000)

/* Bursts of tone and noise, from a fixed little generator. */
static void make_sound(int16_t *pcm)
{
    uint32_t seed = 1;
    double gain = 0.0, step = 0.1, phase = 0.0;
    for (size_t i = 0; i < FRAMES; i++) {
        seed = seed * 1664525u + 1013904223u;
        if (i % 12000 == 0) {
            gain = (double)(seed >> 20) / 4096.0;
            step = 0.05 + 2.0 * (double)((seed >> 8) & 0xfff) / 4096.0;
        }
        phase += step;
        pcm[i] = (int16_t)(20000.0 * gain * gain * sin(phase) + (double)((int32_t)(seed >> 18) - 8192) * 0.05);
    }
}

typedef struct heard {
    mewl_event events[512];
    size_t count;
} heard;

static void on_event(void *user, const mewl_event *event)
{
    heard *h = user;
    assert_true(h->count < 512);
    h->events[h->count++] = *event;
}

static mewl_detector *open_or_fail(const mewl_detector_options *options)
{
    mewl_detector *detector = NULL;
    char message[MEWL_MESSAGE_MAX] = "not touched";
    if (mewl_detector_open(&detector, model_path, options, message) != MEWL_RESULT_OK) {
        fail_msg("%s", message);
    }
    assert_string_equal(message, "");
    assert_non_null(detector);
    return detector;
}

/* Callback, pull, floats, 16 bit, any cut: one and the same. */
static void test_ways(void **state)
{
    (void)state;
    static int16_t pcm[FRAMES];
    static float floats[FRAMES];
    static heard by_callback, by_pull;
    make_sound(pcm);
    for (size_t i = 0; i < FRAMES; i++) {
        floats[i] = (float)pcm[i] / 32768.0f;
    }
    mewl_detector_options options = MEWL_DETECTOR_OPTIONS_DEFAULT;
    options.threshold = 0.01;
    options.on_event = on_event;
    options.user = &by_callback;
    by_callback.count = 0;
    mewl_detector *detector = open_or_fail(&options);
    assert_int_equal(mewl_detector_push_s16(detector, pcm, FRAMES), MEWL_RESULT_OK);
    assert_int_equal(mewl_detector_finish(detector), MEWL_RESULT_OK);
    mewl_detector_close(detector);
    assert_true(by_callback.count >= 2);
    assert_int_equal(by_callback.events[0].kind, MEWL_EVENT_CRY_START);

    options.on_event = NULL;
    by_pull.count = 0;
    detector = open_or_fail(&options);
    for (size_t at = 0; at < FRAMES; at += 777) {
        size_t piece = FRAMES - at < 777 ? FRAMES - at : 777;
        assert_int_equal(mewl_detector_push(detector, floats + at, piece), MEWL_RESULT_OK);
        while (mewl_detector_pull(detector, &by_pull.events[by_pull.count]) == 1) {
            by_pull.count++;
        }
    }
    assert_int_equal(mewl_detector_finish(detector), MEWL_RESULT_OK);
    while (mewl_detector_pull(detector, &by_pull.events[by_pull.count]) == 1) {
        by_pull.count++;
    }
    assert_int_equal(by_callback.count, by_pull.count);
    for (size_t i = 0; i < by_pull.count; i++) {
        const mewl_event *a = &by_callback.events[i], *b = &by_pull.events[i];
        assert_int_equal(a->kind, b->kind);
        assert_float_equal(a->onset_s, b->onset_s, 0.0);
        assert_float_equal(a->offset_s, b->offset_s, 0.0);
        assert_float_equal(a->confidence, b->confidence, 0.0);
        assert_float_equal(a->level_dbfs, b->level_dbfs, 0.0);
    }
    mewl_detector_close(detector);
}

static void test_gap_and_silence(void **state)
{
    (void)state;
    static int16_t pcm[FRAMES];
    static heard h;
    make_sound(pcm);
    mewl_detector_options options = MEWL_DETECTOR_OPTIONS_DEFAULT;
    options.on_event = on_event;
    options.user = &h;
    h.count = 0;
    mewl_detector *detector = open_or_fail(&options);
    assert_int_equal(mewl_detector_push_s16(detector, pcm, FRAMES), MEWL_RESULT_OK);
    assert_int_equal(mewl_detector_gap(detector, 30.0), MEWL_RESULT_OK);
    assert_int_equal(h.events[h.count - 1].kind, MEWL_EVENT_HEARING);
    assert_int_equal(h.events[h.count - 1].hearing, MEWL_HEARING_STALLED);
    assert_float_equal(h.events[h.count - 1].time_s, 50.0, 1e-6);
    memset(pcm, 0, sizeof pcm);
    assert_int_equal(mewl_detector_push_s16(detector, pcm, FRAMES), MEWL_RESULT_OK);
    bool silent = false;
    for (size_t i = 0; i < h.count; i++) {
        silent = silent || (h.events[i].kind == MEWL_EVENT_HEARING && h.events[i].hearing == MEWL_HEARING_SILENT);
    }
    assert_true(silent);
    assert_int_equal(mewl_detector_gap(detector, -1.0), MEWL_RESULT_BAD_ARGUMENT);
    assert_true(mewl_detector_message(detector)[0] != '\0');
    mewl_detector_close(detector);
}

static void test_states_and_arguments(void **state)
{
    (void)state;
    char message[MEWL_MESSAGE_MAX];
    mewl_detector *detector = (mewl_detector *)message;
    const int16_t zero[4] = {0};
    assert_int_equal(mewl_detector_open(&detector, "/nowhere/model.safetensors", NULL, message), MEWL_RESULT_NO_MODEL);
    assert_null(detector);
    assert_non_null(strstr(message, "/nowhere/model.safetensors"));
    assert_int_equal(mewl_detector_open(&detector, "/dev/null", NULL, message), MEWL_RESULT_BAD_MODEL);
    assert_int_equal(mewl_detector_open(NULL, model_path, NULL, NULL), MEWL_RESULT_BAD_ARGUMENT);
    assert_int_equal(mewl_detector_open(&detector, NULL, NULL, message), MEWL_RESULT_BAD_ARGUMENT);
    for (int which = 0; which < 6; which++) {
        mewl_detector_options options = MEWL_DETECTOR_OPTIONS_DEFAULT;
        switch (which) {
        case 0:
            options.size = 0;
            break;
        case 1:
            options.rate_hz = 100.0;
            break;
        case 2:
            options.channels = 0;
            break;
        case 3:
            options.threshold = 1.0;
            break;
        case 4:
            options.chunk_s = NAN;
            break;
        default:
            options.update_s = -1.0;
            break;
        }
        assert_int_equal(mewl_detector_open(&detector, model_path, &options, message), MEWL_RESULT_BAD_ARGUMENT);
        assert_null(detector);
        assert_true(message[0] != '\0');
    }
    detector = open_or_fail(NULL);
    double end = 0.0;
    assert_true(mewl_detector_latency_s(detector, &end) <= 2.0);
    assert_true(end > 0.0 && end <= 4.0);
    assert_int_equal(mewl_detector_push_s16(detector, NULL, 0), MEWL_RESULT_OK);
    assert_int_equal(mewl_detector_push_s16(detector, NULL, 1), MEWL_RESULT_BAD_ARGUMENT);
    assert_int_equal(mewl_detector_push(detector, NULL, 1), MEWL_RESULT_BAD_ARGUMENT);
    assert_int_equal(mewl_detector_finish(detector), MEWL_RESULT_OK);
    assert_int_equal(mewl_detector_finish(detector), MEWL_RESULT_BAD_STATE);
    assert_int_equal(mewl_detector_push_s16(detector, zero, 4), MEWL_RESULT_BAD_STATE);
    mewl_event event;
    assert_int_equal(mewl_detector_pull(detector, &event), 0);
    mewl_detector_close(detector);
    mewl_detector_close(NULL);
    assert_int_equal(mewl_detector_push(NULL, NULL, 0), MEWL_RESULT_BAD_ARGUMENT);
    assert_int_equal(mewl_detector_pull(NULL, &event), 0);
    assert_string_equal(mewl_detector_message(NULL), "");
    assert_float_equal(mewl_detector_latency_s(NULL, &end), 0.0, 0.0);
    assert_string_equal(mewl_result_text(7), "unknown result");
    assert_true(strlen(mewl_version()) > 0);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 99;
    }
    model_path = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ways), cmocka_unit_test(test_gap_and_silence),
                                       cmocka_unit_test(test_states_and_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
