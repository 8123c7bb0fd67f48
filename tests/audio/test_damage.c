/* Tests of audio/source on files that are damaged, strange or no sound: they are read as far as they go, or refused
 * with a sentence. Whole files: test_source.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "audio/clip.h"
#include "audio/source.h"
#include "audio/writer.h"
#include "base/file.h"
#include "media.h"
#include "measure.h"
#include "reading.h"

static void what_is_no_sound_says_so(void **state)
{
    refused(scratch_path(*state, "none.wav"), MEWL_E_NOT_FOUND, "No such file");
    refused(scratch_folder(*state), MEWL_E_FORMAT, "folder");

    const char *path = scratch_path(*state, "empty.wav");
    assert_int_equal(mewl_file_write(path, "", 0, NULL), MEWL_OK);
    refused(path, MEWL_E_EMPTY, "empty");

    static const char *const names[] = {"text.wav", "text.txt", "text.mp3", "text"};
    for (size_t i = 0; i < 4; i++) {
        path = scratch_path(*state, names[i]);
        char text[4000];
        for (size_t k = 0; k < sizeof text; k++) {
            text[k] = "The cat sat on the mat, and so did the dog.\n"[k % 44];
        }
        assert_int_equal(mewl_file_write(path, text, sizeof text, NULL), MEWL_OK);
        all a = read_all(path, (mewl_source_opts){.channels = 1});
        if (a.status != MEWL_E_FORMAT && a.status != MEWL_E_EMPTY) {
            fail_msg("%s: got %s: %s", path, mewl_status_name(a.status), a.err.text);
        }
        assert_non_null(strstr(a.err.text, path));
        free(a.samples);
    }
    uint8_t bytes[44 + 64];
    path = scratch_path(*state, "header-alone.wav");
    (void)wav_header(bytes, 16000, 1, 2, 0);
    assert_int_equal(mewl_file_write(path, bytes, 44, NULL), MEWL_OK);
    refused(path, MEWL_E_EMPTY, "not one sample");

    path = scratch_path(*state, "half-a-header.wav");
    assert_int_equal(mewl_file_write(path, bytes, 21, NULL), MEWL_OK);
    refused(path, MEWL_E_FORMAT, "damaged");

    path = scratch_path(*state, "silent.mp4");
    media_make(path, (media){"mp4", NULL, 0, 0, 1.0, true, 0});
    refused(path, MEWL_E_EMPTY, "only pictures");

    path = scratch_path(*state, "truncated.m4a");
    media_make(path, (media){"ipod", "aac", 44100, 2, 3.0, false, 0});
    assert_int_equal(truncate(path, 12000), 0);
    refused(path, MEWL_E_FORMAT, "moov"); /* FFmpeg's own reason is passed on */

    if (geteuid() != 0) { /* root reads everything */
        path = scratch_path(*state, "closed.wav");
        assert_int_equal(mewl_file_write(path, bytes, sizeof bytes, NULL), MEWL_OK);
        assert_int_equal(chmod(path, 0), 0);
        refused(path, MEWL_E_PERMISSION, "ermission");
    }
    mewl_source *s = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_source_open(&s, "gopher://example.org/x", (mewl_source_opts){0}, &err), MEWL_E_UNSUPPORTED);
    assert_int_equal(mewl_source_open(&s, "", (mewl_source_opts){0}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_source_open(&s, NULL, (mewl_source_opts){0}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_source_open(&s, "a.wav", (mewl_source_opts){.rate_hz = 5}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_source_open(&s, "a.wav", (mewl_source_opts){.channels = 2}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_source_open(&s, "-", (mewl_source_opts){.raw = {.format = "s17"}}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_source_open(&s, "-", (mewl_source_opts){.raw = {.rate_hz = -5}}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_source_open(&s, "-", (mewl_source_opts){.raw = {.channels = 99}}, &err), MEWL_E_ARG);
    assert_null(s);
}

static void one_sample_is_enough(void **state)
{
    const char *path = scratch_path(*state, "one.wav");
    const float x = 0.5F;
    write_floats(path, 16000, 1, &x, 1);
    all a = read_all(path, (mewl_source_opts){.channels = 1});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(a.frames, 1);
    assert_true(a.samples[0] == 0.5F);
    free(a.samples);
    a = read_all(path, (mewl_source_opts){.rate_hz = 32000, .channels = 1});
    assert_int_equal(a.frames, 2);
    free(a.samples);
}

static void samples_that_are_no_numbers(void **state)
{
    const size_t count = 32000;
    float *x = signal_tone(count, 16000, 440, 0.5);
    const char *path = scratch_path(*state, "few.wav");
    x[8000] = NAN;
    x[8001] = INFINITY;
    x[8002] = -INFINITY;
    x[8003] = 1e30F;
    x[8004] = 3.0F; /* loud, but sound */
    write_floats(path, 16000, 1, x, count);
    all a = read_all(path, (mewl_source_opts){0});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(a.frames, count);
    assert_int_equal(a.info.bad_samples, 4);
    assert_true(fabs(a.info.first_bad_s - 0.5) < 1e-9);
    for (size_t i = 8000; i < 8004; i++) {
        assert_true(a.samples[i] == 0.0F);
    }
    assert_true(a.samples[8004] == 3.0F);
    free(a.samples);
    a = read_all(path, (mewl_source_opts){.rate_hz = 44100, .channels = 1});
    assert_int_equal(a.status, MEWL_OK);
    for (size_t i = 0; i < a.frames; i++) {
        assert_true(fabsf(a.samples[i]) < 4.0F);
    }
    free(a.samples);

    path = scratch_path(*state, "many.wav");
    for (size_t i = 0; i < 400; i++) {
        x[i * 80] = NAN;
    }
    write_floats(path, 16000, 2, x, count); /* the same samples as two channels of one second */
    refused(path, MEWL_E_FORMAT, "not sound");
    for (size_t i = 0; i < count; i++) {
        x[i] = INFINITY;
    }
    path = scratch_path(*state, "all.wav");
    write_floats(path, 16000, 1, x, count);
    refused(path, MEWL_E_FORMAT, "not sound");
    path = scratch_path(*state, "short.wav");
    write_floats(path, 16000, 1, x, 3);
    refused(path, MEWL_E_FORMAT, "not sound");
    free(x);
}

static void damage_in_the_middle_is_passed_over(void **state)
{
    static const struct {
        media m;
        const char *name;
        double least; /* share of the sound that must come out */
    } rows[] = {
        {{"mp3", "libmp3lame", 44100, 2, 20.0, false, 0}, "d.mp3", 0.8},
        {{"flac", "flac", 44100, 2, 20.0, false, 0}, "d.flac", 0.8},
        {{"ipod", "aac", 44100, 2, 20.0, false, 0}, "d.m4a", 0.8},
        {{"ogg", "libvorbis", 44100, 2, 20.0, false, 0}, "d.ogg", 0.75},
        {{"adts", "aac", 44100, 2, 20.0, false, 0}, "d.aac", 0.8},
    };
    size_t counted = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!media_possible(rows[i].m)) {
            continue;
        }
        const char *path = scratch_path(*state, rows[i].name);
        media_make(path, rows[i].m);
        char *bytes = NULL;
        size_t size = 0;
        assert_int_equal(mewl_file_read_all(&bytes, &size, path, 10000000, NULL), MEWL_OK);
        uint32_t seed = 5;
        for (size_t k = size * 45 / 100; k < size * 55 / 100; k++) {
            seed = seed * 1664525U + 1013904223U;
            bytes[k] = (char)(seed >> 24);
        }
        assert_int_equal(mewl_file_write(path, bytes, size, NULL), MEWL_OK);
        free(bytes);
        all a = read_all(path, (mewl_source_opts){.rate_hz = 16000, .channels = 1});
        print_message("  %s: %s, %.2f of 20 s, %llu damaged packets\n", rows[i].name, mewl_status_name(a.status),
                      (double)a.frames / 16000.0, (unsigned long long)a.info.decode_errors);
        assert_int_equal(a.status, MEWL_OK);
        assert_true((double)a.frames >= rows[i].least * 20.0 * 16000.0);
        counted += a.info.decode_errors > 0;
        free(a.samples);
    }
    assert_true(counted >= 4);
}

static void a_cut_off_file_gives_what_it_has(void **state)
{
    static const struct {
        media m;
        const char *name;
        bool told; /* the container promises a length that can be missed */
    } rows[] = {
        {{"wav", "pcm_s16le", 44100, 2, 4.0, false, 0}, "t.wav", true},
        {{"flac", "flac", 44100, 2, 4.0, false, 0}, "t.flac", true},
        {{"mp3", "libmp3lame", 44100, 2, 4.0, false, 0}, "t.mp3", false},
        {{"ogg", "libvorbis", 44100, 2, 4.0, false, 0}, "t.ogg", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!media_possible(rows[i].m)) {
            continue;
        }
        const char *path = scratch_path(*state, rows[i].name);
        media_make(path, rows[i].m);
        struct stat about;
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(truncate(path, about.st_size / 2), 0);
        all a = read_all(path, (mewl_source_opts){.rate_hz = 16000, .channels = 1});
        print_message("  %s: %s, %.2f of 4 s, promised %.2f, told %d\n", rows[i].name, mewl_status_name(a.status),
                      (double)a.frames / 16000.0, a.info.duration_s, a.info.truncated);
        assert_int_equal(a.status, MEWL_OK);
        assert_true((double)a.frames > 1.0 * 16000.0 && (double)a.frames < 3.0 * 16000.0);
        assert_true(!rows[i].told || a.info.truncated);
        free(a.samples);
    }
}

static void strange_names_are_files(void **state)
{
    const float x[4] = {0.1F, 0.2F, 0.3F, 0.4F};
    const char *plain = scratch_path(*state, "12:30 night %03d.wav");
    assert_int_equal(mewl_audio_write(plain, x, 4, 8000, MEWL_AUDIO_WAV_F32, NULL), MEWL_OK);
    all a = read_all(plain, (mewl_source_opts){0});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(a.frames, 4);
    free(a.samples);
    char url[256];
    (void)snprintf(url, sizeof url, "file:%s", plain);
    a = read_all(url, (mewl_source_opts){0});
    assert_int_equal(a.frames, 4);
    free(a.samples);
}

static void a_playlist_cannot_reach_the_network(void **state)
{
    const char *path = scratch_path(*state, "list.m3u8");
    static const char text[] =
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n";
    assert_int_equal(mewl_file_write(path, text, sizeof text - 1, NULL), MEWL_OK);
    all a = read_all(path, (mewl_source_opts){0});
    assert_int_not_equal(a.status, MEWL_OK);
    free(a.samples);
}

static void collect_line(void *user, mewl_log_level level, const char *text)
{
    (void)text;
    ((int *)user)[level]++;
}

static void messages_go_to_the_log(void **state)
{
    const char *path = scratch_path(*state, "bad.wav");
    float x[1600] = {0};
    x[100] = NAN;
    write_floats(path, 16000, 1, x, 1600);
    int counts[4] = {0};
    const mewl_log log = {collect_line, counts, MEWL_LOG_DEBUG};
    all a = read_all(path, (mewl_source_opts){.log = &log});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(counts[MEWL_LOG_WARNING], 1);
    free(a.samples);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(what_is_no_sound_says_so),
        WITH_FOLDER(one_sample_is_enough),
        WITH_FOLDER(samples_that_are_no_numbers),
        WITH_FOLDER(damage_in_the_middle_is_passed_over),
        WITH_FOLDER(a_cut_off_file_gives_what_it_has),
        WITH_FOLDER(strange_names_are_files),
        WITH_FOLDER(a_playlist_cannot_reach_the_network),
        WITH_FOLDER(messages_go_to_the_log),
    };
    return cmocka_run_group_tests_name("audio/damage", tests, NULL, NULL);
}
