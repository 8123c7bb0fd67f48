/* Tests of audio/device, and of recording from ALSA by way of its file plugin, which needs no hardware. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "audio/address.h"
#include "audio/device.h"
#include "audio/source.h"
#include "base/file.h"
#include "measure.h"

static void names_survive_a_reboot(void **state)
{
    (void)state;
    mewl_device_set set = {0};
    mewl_error err = {0};
    assert_int_equal(mewl_device_list(&set, 1.0, &err), MEWL_OK);
    bool monitors = false;
    for (size_t i = 0; i < set.count; i++) {
        const char *rest = NULL;
        const mewl__address_kind kind = mewl__address_parse(set.devices[i].url, &rest);
        assert_true(kind == MEWL__ADDRESS_ALSA || kind == MEWL__ADDRESS_PULSE);
        assert_true(mewl_source_is_remote(set.devices[i].url));
        if (kind == MEWL__ADDRESS_ALSA) {
            assert_non_null(strstr(rest, "CARD="));
            assert_null(strstr(rest, "hw:0"));
        }
        assert_true(strlen(set.devices[i].description) > 0);
        assert_true(set.devices[i].is_monitor || !monitors); /* microphones first */
        monitors = set.devices[i].is_monitor;
    }
    print_message("  %zu recording devices here\n", set.count);
    mewl_device_set_fini(&set);
    assert_int_equal(set.count, 0);
    mewl_device_set_fini(NULL);
}

static void a_device_that_is_not_there_says_so(void **state)
{
    (void)state;
    mewl_source *s = NULL;
    mewl_error err = {0};
    const mewl_source_opts opts = {.open_timeout_s = 5.0};
    assert_int_equal(mewl_source_open(&s, "alsa:plughw:CARD=NoSuchCard,DEV=0", opts, &err), MEWL_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "NoSuchCard"));
    assert_int_equal(mewl_source_open(&s, "pulse:no.such.source", opts, &err), MEWL_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "no.such.source"));
}

static void alsa_is_recorded(void **state)
{
    if (access("/usr/share/alsa/alsa.conf", R_OK) != 0) {
        skip();
    }
    const char *raw = scratch_path(*state, "tone.raw"), *conf = scratch_path(*state, "asound.conf");
    float *x = signal_tone(48000 * 4, 48000, 440, 0.5);
    int16_t *pcm = malloc(48000 * 4 * sizeof *pcm);
    for (size_t i = 0; i < 48000 * 4; i++) {
        pcm[i] = (int16_t)lrintf(x[i] * 32767.0F);
    }
    assert_int_equal(mewl_file_write(raw, pcm, 48000 * 4 * sizeof *pcm, NULL), MEWL_OK);
    char text[512];
    (void)snprintf(text, sizeof text,
                   "</usr/share/alsa/alsa.conf>\npcm.mewltest { type file slave.pcm \"null\" file \"/dev/null\" "
                   "infile \"%s\" format \"raw\" }\n",
                   raw);
    assert_int_equal(mewl_file_write(conf, text, strlen(text), NULL), MEWL_OK);
    assert_int_equal(setenv("ALSA_CONFIG_PATH", conf, 1), 0);
    mewl_source *s = NULL;
    mewl_error err = {0};
    const mewl_source_opts opts = {.channels = 1, .read_timeout_s = 5.0, .open_timeout_s = 5.0, .max_reconnects = -1};
    const mewl_status status = mewl_source_open(&s, "alsa:mewltest", opts, &err);
    if (status != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    mewl_source_info info;
    mewl_source_describe(s, &info);
    assert_true(info.live);
    assert_string_equal(info.container, "alsa");
    assert_true(info.source_rate_hz == 48000.0);
    size_t held = 0;
    for (size_t got = 0; held < 2000; held += got) {
        assert_int_equal(mewl_source_pull(s, x + held, 2000, &got, &err), MEWL_OK);
        assert_true(got > 0);
    }
    mewl_source_close(s);
    assert_true(fabs(signal_rms(x, 0, held) - 0.354) < 0.05);
    free(x);
    free(pcm);
}

static void addresses_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        mewl__address_kind kind;
        const char *rest;
    } rows[] = {
        {"a.wav", MEWL__ADDRESS_FILE, "a.wav"},
        {"file:a.wav", MEWL__ADDRESS_FILE, "a.wav"},
        {"file:///a.wav", MEWL__ADDRESS_FILE, "/a.wav"},
        {"12:30.wav", MEWL__ADDRESS_FILE, "12:30.wav"},
        {"-", MEWL__ADDRESS_STDIN, "-"},
        {"http://x/y", MEWL__ADDRESS_HTTP, "http://x/y"},
        {"HTTPS://x/y", MEWL__ADDRESS_HTTP, "HTTPS://x/y"},
        {"rtsp://x/y", MEWL__ADDRESS_STREAM, "rtsp://x/y"},
        {"alsa:plughw:CARD=U,DEV=0", MEWL__ADDRESS_ALSA, "plughw:CARD=U,DEV=0"},
        {"pulse:default", MEWL__ADDRESS_PULSE, "default"},
        {"ftp://x/y", MEWL__ADDRESS_UNKNOWN, "ftp://x/y"},
        {"concat:a|b", MEWL__ADDRESS_FILE, "concat:a|b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *rest = NULL;
        assert_int_equal(mewl__address_parse(rows[i].url, &rest), rows[i].kind);
        assert_string_equal(rest, rows[i].rest);
    }
    char out[64];
    assert_string_equal(mewl__address_show(out, sizeof out, "rtsp://u:p@h/x@y"), "rtsp://***@h/x@y");
    assert_string_equal(mewl__address_show(out, sizeof out, "rtsp://u:p@q@h/x"), "rtsp://***@h/x");
    assert_string_equal(mewl__address_show(out, sizeof out, "http://h/x@y"), "http://h/x@y");
    assert_string_equal(mewl__address_show(out, sizeof out, "me@home.wav"), "me@home.wav");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_survive_a_reboot),
        cmocka_unit_test(a_device_that_is_not_there_says_so),
        cmocka_unit_test_setup_teardown(alsa_is_recorded, scratch_make, scratch_remove),
        cmocka_unit_test(addresses_are_told_apart),
    };
    return cmocka_run_group_tests_name("audio/device", tests, NULL, NULL);
}
