/* Tests of audio/source on network streams, against a server on the loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "audio/source.h"
#include "measure.h"
#include "server.h"

#define ROOM 400000

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What came of pulling until the end or a final error. */
typedef struct outcome {
    float *samples;
    size_t frames;
    size_t timeouts;
    mewl_status status;
    mewl_error err;
    mewl_source_info info;
} outcome;

static outcome listen_to(const char *url, mewl_source_opts opts)
{
    outcome o = {.samples = calloc(ROOM, sizeof(float))};
    mewl_source *s = NULL;
    o.status = mewl_source_open(&s, url, opts, &o.err);
    if (o.status != MEWL_OK) {
        return o;
    }
    for (;;) {
        size_t got = 0;
        o.status = mewl_source_pull(s, o.samples + o.frames, 1000, &got, &o.err);
        if (o.status == MEWL_E_TIMEOUT) {
            o.timeouts++;
            assert_true(o.timeouts < 100000);
            continue;
        }
        o.frames += got;
        assert_true(o.frames + 1000 < ROOM);
        if (o.status != MEWL_OK || got == 0) {
            break;
        }
    }
    mewl_source_describe(s, &o.info);
    mewl_source_close(s);
    return o;
}

static void check_tone(const outcome *o, double from_s, double to_s)
{
    const double rate = o->info.rate_hz;
    const signal_fit fit = signal_fit_sine(o->samples, (size_t)(from_s * rate), (size_t)(to_s * rate), rate, 440.0);
    assert_true(fabs(fit.amplitude - 0.5) < 0.02);
    assert_true(signal_db(fit.rest) < -30.0);
}

static void a_lost_stream_is_found_again(void **state)
{
    (void)state;
    static const server_step steps[] = {
        {SERVE_STREAM, 16000, 1.5, 0}, {SERVE_CLOSE, 0, 0, 0},        {SERVE_STATUS, 503, 0, 0},
        {SERVE_STREAM, 22050, 2.0, 0}, {SERVE_STREAM, 16000, 0.2, 0},
    };
    server host;
    server_start(&host, "http", steps, 5);
    mewl_clock_manual manual = {0};
    const mewl_clock clock = mewl_clock_pretended(&manual);
    const outcome o = listen_to(host.url, (mewl_source_opts){.rate_hz = 16000,
                                                             .channels = 1,
                                                             .backoff_first_s = 0.5,
                                                             .backoff_most_s = 4.0,
                                                             .max_reconnects = 4,
                                                             .clock = &clock});
    server_stop(&host);
    assert_int_equal(o.status, MEWL_E_IO);
    assert_int_equal(o.info.reconnects, 2);
    assert_int_equal(o.info.rate_changes, 2);
    assert_true(o.info.live);
    assert_false(o.info.connected);
    assert_true(isnan(o.info.duration_s));
    /* 1.5 s, 2 s and 0.2 s of sound, whatever their rate. */
    assert_true(fabs((double)o.frames / 16000.0 - 3.7) < 0.01);
    check_tone(&o, 0.1, 1.4);
    check_tone(&o, 1.6, 3.4);
    /* After the first loss 0.5 s, refused 1 s, refused 2 s, connected; after a second of sound again 0.5 s, connected;
     * 0.2 s are not enough to start anew: 1, 2, 4, and the fifth failure in a row is too many. */
    assert_true(fabs(manual.slept_s - (0.5 + 1.0 + 2.0 + 0.5 + 1.0 + 2.0 + 4.0)) < 1e-6);
    assert_true(fabs(o.info.lost_s - manual.slept_s) < 1e-6);
    free(o.samples);
}

static void a_stalled_stream_is_told_and_left(void **state)
{
    (void)state;
    static const server_step steps[] = {{SERVE_HANG, 16000, 5.0, 0}, {SERVE_STREAM, 16000, 1.0, 0}};
    server host;
    server_start(&host, "http", steps, 2);
    const double start = now_s();
    const outcome o = listen_to(
        host.url,
        (mewl_source_opts){.rate_hz = 16000, .read_timeout_s = 0.3, .backoff_first_s = 0.05, .max_reconnects = 1});
    server_stop(&host);
    assert_int_equal(o.status, MEWL_E_IO);
    assert_int_equal(o.info.reconnects, 1);
    assert_true(fabs((double)o.frames / 16000.0 - 6.0) < 0.05);
    assert_true(o.info.lost_s >= 0.3);
    assert_true(now_s() - start < 10.0);
    free(o.samples);
}

static void a_file_on_the_web_ends(void **state)
{
    (void)state;
    static const server_step whole[] = {{SERVE_FILE, 16000, 2.0, 2.0}};
    server host;
    server_start(&host, "http", whole, 1);
    outcome o = listen_to(host.url, (mewl_source_opts){0});
    server_stop(&host);
    assert_int_equal(o.status, MEWL_OK);
    assert_false(o.info.live);
    assert_int_equal(o.frames, 32000);
    assert_true(fabs(o.info.duration_s - 2.0) < 0.01);
    check_tone(&o, 0.1, 1.9);
    free(o.samples);

    static const server_step cut[] = {{SERVE_FILE, 16000, 1.0, 3.0}};
    server_start(&host, "http", cut, 1);
    o = listen_to(host.url, (mewl_source_opts){0});
    server_stop(&host);
    assert_true(o.status == MEWL_E_IO || (o.status == MEWL_OK && o.info.truncated));
    assert_true(o.frames > 12000 && o.frames <= 16000);
    free(o.samples);
}

static void refusals_have_their_reason(void **state)
{
    (void)state;
    static const struct {
        int http;
        mewl_status status;
    } rows[] = {{404, MEWL_E_NOT_FOUND}, {401, MEWL_E_PERMISSION}, {403, MEWL_E_PERMISSION}, {500, MEWL_E_IO}};
    for (size_t i = 0; i < 4; i++) {
        const server_step steps[] = {{SERVE_STATUS, rows[i].http, 0, 0}, {SERVE_STATUS, rows[i].http, 0, 0}};
        server host;
        server_start(&host, "http", steps, 2);
        const outcome o = listen_to(host.url, (mewl_source_opts){0});
        server_stop(&host);
        assert_int_equal(o.status, rows[i].status);
        assert_non_null(strstr(o.err.text, host.url));
        free(o.samples);
    }
    /* A port nobody listens on. */
    server host;
    server_start(&host, "http", NULL, 0);
    server_stop(&host);
    const outcome o = listen_to(host.url, (mewl_source_opts){0});
    assert_int_equal(o.status, MEWL_E_IO);
    free(o.samples);
}

static void passwords_are_not_shown(void **state)
{
    (void)state;
    const server_step steps[] = {{SERVE_STATUS, 404, 0, 0}};
    server host;
    server_start(&host, "http", steps, 1);
    char url[128];
    (void)snprintf(url, sizeof url, "http://nanny:s3cr@t@127.0.0.1:%d/sound", host.port);
    const outcome o = listen_to(url, (mewl_source_opts){0});
    server_stop(&host);
    assert_int_equal(o.status, MEWL_E_NOT_FOUND);
    assert_null(strstr(o.err.text, "s3cr"));
    assert_null(strstr(o.err.text, "nanny"));
    assert_non_null(strstr(o.err.text, "***@127.0.0.1"));
    free(o.samples);
}

static void a_mute_server_does_not_hold_us(void **state)
{
    (void)state;
    const server_step steps[] = {{SERVE_MUTE, 0, 0, 0}};
    server host;
    server_start(&host, "http", steps, 1);
    const double start = now_s();
    const outcome o = listen_to(host.url, (mewl_source_opts){.open_timeout_s = 0.5, .read_timeout_s = 5.0});
    const double took = now_s() - start;
    server_stop(&host);
    assert_int_equal(o.status, MEWL_E_TIMEOUT);
    assert_true(took >= 0.4 && took < 3.0);
    free(o.samples);
}

typedef struct canceller {
    atomic_bool cancel;
    pthread_t thread;
} canceller;

static void *cancel_soon(void *user)
{
    const struct timespec wait = {0, 200000000};
    (void)nanosleep(&wait, NULL);
    atomic_store(&((canceller *)user)->cancel, true);
    return NULL;
}

static void a_wait_can_be_cancelled(void **state)
{
    (void)state;
    const server_step hang[] = {{SERVE_HANG, 16000, 0.5, 0}};
    server host;
    server_start(&host, "http", hang, 1);
    canceller c;
    atomic_init(&c.cancel, false);
    assert_int_equal(pthread_create(&c.thread, NULL, cancel_soon, &c), 0);
    double start = now_s();
    outcome o = listen_to(host.url, (mewl_source_opts){.read_timeout_s = 60.0, .cancel = &c.cancel});
    assert_true(now_s() - start < 5.0);
    assert_int_equal(o.status, MEWL_E_CANCELLED);
    free(o.samples);
    (void)pthread_join(c.thread, NULL);
    server_stop(&host);

    /* While waiting to reconnect. */
    const server_step once[] = {{SERVE_STREAM, 16000, 0.5, 0}};
    server_start(&host, "http", once, 1);
    atomic_store(&c.cancel, false);
    assert_int_equal(pthread_create(&c.thread, NULL, cancel_soon, &c), 0);
    start = now_s();
    o = listen_to(host.url, (mewl_source_opts){.backoff_first_s = 60.0, .backoff_most_s = 60.0, .cancel = &c.cancel});
    assert_true(now_s() - start < 5.0);
    assert_int_equal(o.status, MEWL_E_CANCELLED);
    free(o.samples);
    (void)pthread_join(c.thread, NULL);
    server_stop(&host);
}

static void a_camera_is_heard_and_found_again(void **state)
{
    (void)state;
    static const server_step steps[] = {{SERVE_RTSP, 8000, 3.0, 0}, {SERVE_CLOSE, 0, 0, 0}, {SERVE_RTSP, 8000, 2.0, 0}};
    server host;
    server_start(&host, "rtsp", steps, 3);
    mewl_clock_manual manual = {0};
    const mewl_clock clock = mewl_clock_pretended(&manual);
    const outcome o = listen_to(
        host.url, (mewl_source_opts){
                      .rate_hz = 16000, .channels = 1, .read_timeout_s = 2.0, .max_reconnects = 2, .clock = &clock});
    server_stop(&host);
    if (o.frames == 0) {
        fail_msg("%s", o.err.text);
    }
    assert_int_equal(o.status, MEWL_E_IO);
    assert_true(o.info.live);
    assert_int_equal(o.info.source_rate_hz, 8000);
    assert_int_equal(o.info.reconnects, 1);
    assert_true(fabs((double)o.frames / 16000.0 - 5.0) < 0.2);
    check_tone(&o, 0.2, 2.7);
    free(o.samples);
}

static void a_hundred_losses_are_survived(void **state)
{
    (void)state;
    static server_step steps[100];
    for (size_t i = 0; i < 100; i++) {
        steps[i] = (server_step){i % 3 == 2 ? SERVE_CLOSE : SERVE_STREAM, i % 2 == 0 ? 8000 : 11025, 0.1, 0};
    }
    server host;
    server_start(&host, "http", steps, 100);
    mewl_clock_manual manual = {0};
    const mewl_clock clock = mewl_clock_pretended(&manual);
    const outcome o = listen_to(host.url, (mewl_source_opts){.rate_hz = 16000, .max_reconnects = 120, .clock = &clock});
    server_stop(&host);
    assert_int_equal(o.status, MEWL_E_IO);
    assert_int_equal(o.info.reconnects, 66);
    assert_true(fabs((double)o.frames / 16000.0 - 6.7) < 0.02);
    assert_true(o.info.lost_s > 3000.0); /* of pretended waiting: 30 s at most between attempts */
    free(o.samples);
}

static void what_needs_no_network(void **state)
{
    (void)state;
    assert_true(mewl_source_is_remote("rtsp://camera/1"));
    assert_true(mewl_source_is_remote("alsa:default"));
    assert_true(mewl_source_is_remote("HTTP://x/"));
    assert_false(mewl_source_is_remote("-"));
    assert_false(mewl_source_is_remote("night.m4a"));
    assert_false(mewl_source_is_remote("12:30.wav"));
    assert_false(mewl_source_is_remote("file:alsa:1.wav"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_stream_is_found_again),  cmocka_unit_test(a_stalled_stream_is_told_and_left),
        cmocka_unit_test(a_file_on_the_web_ends),        cmocka_unit_test(refusals_have_their_reason),
        cmocka_unit_test(passwords_are_not_shown),       cmocka_unit_test(a_mute_server_does_not_hold_us),
        cmocka_unit_test(a_wait_can_be_cancelled),       cmocka_unit_test(a_camera_is_heard_and_found_again),
        cmocka_unit_test(a_hundred_losses_are_survived), cmocka_unit_test(what_needs_no_network),
    };
    return cmocka_run_group_tests_name("audio/stream", tests, NULL, NULL);
}
