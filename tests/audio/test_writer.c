/* Tests of audio/writer, and of audio/list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "audio/clip.h"
#include "audio/list.h"
#include "audio/source.h"
#include "audio/writer.h"
#include "base/file.h"
#include "measure.h"

static void what_is_written_is_read(void **state)
{
    static const struct {
        const char *name;
        mewl_audio_format format;
        double step; /* of the stored numbers */
    } rows[] = {{"a.wav", MEWL_AUDIO_BY_NAME, 1.0 / 32768},
                {"b.wav", MEWL_AUDIO_WAV_F32, 0.0},
                {"c.flac", MEWL_AUDIO_BY_NAME, 1.0 / 32768},
                {"d.bin", MEWL_AUDIO_FLAC, 1.0 / 32768}};
    static const size_t counts[] = {1, 4095, 4096, 4097, 100001};
    float *x = signal_noise(100001, 9, 0.9);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 5; k++) {
            const char *path = scratch_path(*state, rows[i].name);
            assert_int_equal(mewl_audio_write(path, x, counts[k], 44100, rows[i].format, NULL), MEWL_OK);
            mewl_clip clip = {0};
            assert_int_equal(mewl_clip_read(&clip, path, 0, 0, NULL), MEWL_OK);
            assert_int_equal(clip.count, counts[k]);
            assert_true(clip.rate_hz == 44100.0);
            for (size_t j = 0; j < clip.count; j++) {
                assert_true(fabs((double)clip.samples[j] - (double)x[j]) <= rows[i].step / 2.0 + 1e-9);
            }
            mewl_clip_fini(&clip);
        }
    }
    assert_int_equal(scratch_count(*state), 4); /* nothing temporary is left */
    free(x);
}

static void full_scale_is_cut_not_wrapped(void **state)
{
    const float x[6] = {1.0F, -1.0F, 2.0F, -2.0F, 0.99999F, -0.99999F};
    const char *path = scratch_path(*state, "a.wav");
    assert_int_equal(mewl_audio_write(path, x, 6, 8000, MEWL_AUDIO_WAV_S16, NULL), MEWL_OK);
    mewl_clip clip = {0};
    assert_int_equal(mewl_clip_read(&clip, path, 0, 0, NULL), MEWL_OK);
    for (size_t i = 0; i < 6; i++) {
        assert_true(clip.samples[i] * x[i] > 0.99F);
    }
    mewl_clip_fini(&clip);
}

static void the_header_is_as_the_format_says(void **state)
{
    const float x[3] = {0.0F, 0.5F, -0.5F};
    const char *path = scratch_path(*state, "a.wav");
    assert_int_equal(mewl_audio_write(path, x, 3, 16000, MEWL_AUDIO_WAV_S16, NULL), MEWL_OK);
    static const uint8_t want[50] = {
        'R',  'I', 'F', 'F', 42,   0, 0, 0, 'W', 'A', 'V', 'E', 'f', 'm', 't', ' ', 16, 0, 0, 0, 1, 0, 1,    0, 0x80,
        0x3E, 0,   0,   0,   0x7D, 0, 0, 2, 0,   16,  0,   'd', 'a', 't', 'a', 6,   0,  0, 0, 0, 0, 0, 0x40, 0, 0xC0};
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(mewl_file_read_all(&bytes, &size, path, 1000, NULL), MEWL_OK);
    assert_int_equal(size, 50);
    assert_memory_equal(bytes, want, 50);
    free(bytes);
}

static void pieces_and_channels(void **state)
{
    const char *path = scratch_path(*state, "stereo.flac");
    float *x = signal_noise(2 * 30000, 4, 0.5);
    mewl_audio_writer *w = NULL;
    assert_int_equal(mewl_audio_writer_open(&w, path, 48000, 2, MEWL_AUDIO_FLAC, NULL), MEWL_OK);
    for (size_t at = 0; at < 30000; at += 1111) {
        const size_t n = 30000 - at < 1111 ? 30000 - at : 1111;
        assert_int_equal(mewl_audio_writer_push(w, x + 2 * at, n, NULL), MEWL_OK);
    }
    assert_int_equal(access(path, F_OK), -1); /* not there before it is whole */
    assert_int_equal(mewl_audio_writer_commit(w, NULL), MEWL_OK);
    assert_int_equal(mewl_audio_writer_push(w, x, 1, NULL), MEWL_E_STATE);
    assert_int_equal(mewl_audio_writer_commit(w, NULL), MEWL_E_STATE);
    mewl_audio_writer_close(w);
    mewl_source *s = NULL;
    assert_int_equal(mewl_source_open(&s, path, (mewl_source_opts){0}, NULL), MEWL_OK);
    mewl_source_info info;
    mewl_source_describe(s, &info);
    assert_int_equal(info.channels, 2);
    assert_true(fabs(info.duration_s - 0.625) < 1e-6); /* the header was completed at the end */
    float y[2 * 4096];
    size_t done = 0, got = 0;
    while (mewl_source_pull(s, y, 4096, &got, NULL) == MEWL_OK && got > 0) {
        for (size_t i = 0; i < 2 * got; i++) {
            assert_true(fabsf(y[i] - x[2 * done + i]) < 2e-5F);
        }
        done += got;
    }
    assert_int_equal(done, 30000);
    mewl_source_close(s);
    free(x);
}

static void nothing_appears_without_a_commit(void **state)
{
    const char *path = scratch_path(*state, "gone.wav");
    mewl_audio_writer *w = NULL;
    const float x[2] = {0.1F, NAN};
    assert_int_equal(mewl_audio_writer_open(&w, path, 8000, 1, MEWL_AUDIO_WAV_S16, NULL), MEWL_OK);
    assert_int_equal(mewl_audio_writer_push(w, x, 1, NULL), MEWL_OK);
    mewl_audio_writer_close(w);
    assert_int_equal(scratch_count(*state), 0);
    mewl_error err = {0};
    assert_int_equal(mewl_audio_write(path, x, 2, 8000, MEWL_AUDIO_BY_NAME, &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(scratch_count(*state), 0);
    mewl_audio_writer_close(NULL);
}

static void what_cannot_be_written_is_refused(void **state)
{
    const float x = 0.0F;
    assert_int_equal(mewl_audio_write(scratch_path(*state, "a.mp3"), &x, 1, 8000, MEWL_AUDIO_BY_NAME, NULL),
                     MEWL_E_ARG);
    assert_int_equal(mewl_audio_write(scratch_path(*state, "a"), &x, 1, 8000, MEWL_AUDIO_BY_NAME, NULL), MEWL_E_ARG);
    const char *path = scratch_path(*state, "a.wav");
    assert_int_equal(mewl_audio_write(path, &x, 1, 0, MEWL_AUDIO_BY_NAME, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_audio_write(path, &x, 1, 8000.5, MEWL_AUDIO_BY_NAME, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_audio_write(path, &x, 1, NAN, MEWL_AUDIO_BY_NAME, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_audio_write(path, &x, 1, 1e6, MEWL_AUDIO_FLAC, NULL), MEWL_E_ARG);
    mewl_audio_writer *w = NULL;
    assert_int_equal(mewl_audio_writer_open(&w, path, 8000, 9, MEWL_AUDIO_WAV_S16, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_audio_writer_open(&w, path, 8000, 0, MEWL_AUDIO_WAV_S16, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_audio_write(scratch_path(*state, "no/such/a.wav"), &x, 1, 8000, MEWL_AUDIO_BY_NAME, NULL),
                     MEWL_E_NOT_FOUND);
}

static void touch(void *state, const char *name)
{
    assert_int_equal(mewl_file_write(scratch_path(state, name), "x", 1, NULL), MEWL_OK);
}

static void folders_become_their_recordings(void **state)
{
    assert_int_equal(mewl_folder_make(scratch_path(*state, "b/deep/deeper"), NULL), MEWL_OK);
    assert_int_equal(mewl_folder_make(scratch_path(*state, "empty"), NULL), MEWL_OK);
    static const char *const names[] = {"z.wav",       "a.FLAC",   "notes.txt",  "b/2.m4a", "b/deep/deeper/1.3gp",
                                        ".hidden.wav", "b/10.m4a", "noextension"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        touch(*state, names[i]);
    }
    assert_int_equal(symlink("..", scratch_path(*state, "b/loop")), 0);
    assert_int_equal(symlink("z.wav", scratch_path(*state, "link.wav")), 0);
    mewl_audio_files files = {0};
    assert_int_equal(mewl_audio_list(&files, "-", 100, NULL), MEWL_OK);
    assert_int_equal(mewl_audio_list(&files, scratch_folder(*state), 100, NULL), MEWL_OK);
    assert_int_equal(mewl_audio_list(&files, "/none/such.wav", 100, NULL), MEWL_OK);
    static const char *const want[] = {"-",        "a.FLAC", "b/10.m4a",      "b/2.m4a", "b/deep/deeper/1.3gp",
                                       "link.wav", "z.wav",  "/none/such.wav"};
    assert_int_equal(files.count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_non_null(strstr(files.paths[i], want[i]));
    }
    mewl_error err = {0};
    assert_int_equal(mewl_audio_list(&files, scratch_path(*state, "empty"), 100, &err), MEWL_E_EMPTY);
    assert_non_null(strstr(err.text, "empty"));
    assert_int_equal(mewl_audio_list(&files, scratch_folder(*state), 10, &err), MEWL_E_MEMORY);
    assert_int_equal(files.count, 8); /* what was there stays, the half list is gone */
    mewl_audio_files_fini(&files);
    assert_int_equal(files.count, 0);
    mewl_audio_files_fini(NULL);
}

static void names_are_known_by_their_end(void **state)
{
    (void)state;
    assert_true(mewl_audio_known_name("a.wav"));
    assert_true(mewl_audio_known_name("A.B.OGG"));
    assert_false(mewl_audio_known_name("wav"));
    assert_false(mewl_audio_known_name(".wav"));
    assert_false(mewl_audio_known_name("a.wavx"));
    assert_false(mewl_audio_known_name("a."));
    assert_false(mewl_audio_known_name(""));
}

static void wav_files_carry_a_remark(void **state)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/remark.wav", scratch_folder(*state));
    static const float samples[101] = {0.5F};
    mewl_audio_writer *writer = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_audio_writer_open(&writer, path, 8000, 1, MEWL_AUDIO_WAV_S16, &err), MEWL_OK);
    assert_int_equal(mewl_audio_writer_comment(writer, "made up", &err), MEWL_OK);
    assert_int_equal(mewl_audio_writer_push(writer, samples, 101, &err), MEWL_OK);
    assert_int_equal(mewl_audio_writer_commit(writer, &err), MEWL_OK);
    mewl_audio_writer_close(writer);
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(mewl_file_read_all(&bytes, &size, path, 10000, &err), MEWL_OK);
    assert_int_equal(size, 44 + 202 + 20 + 8);
    uint32_t told = (uint32_t)(uint8_t)bytes[4] | (uint32_t)(uint8_t)bytes[5] << 8;
    assert_int_equal(told, size - 8);
    assert_memory_equal(bytes + 44 + 202, "LIST\x14\0\0\0INFOICMT\x08\0\0\0made up", 28);
    free(bytes);
    mewl_clip clip; /* and no player takes it for sound */
    assert_int_equal(mewl_clip_read(&clip, path, 0, 0, &err), MEWL_OK);
    assert_int_equal(clip.count, 101);
    mewl_clip_fini(&clip);
    char longer[1200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(mewl_audio_writer_open(&writer, path, 8000, 1, MEWL_AUDIO_WAV_S16, &err), MEWL_OK);
    assert_int_equal(mewl_audio_writer_comment(writer, longer, &err), MEWL_E_ARG);
    mewl_audio_writer_close(writer);
    assert_int_equal(mewl_audio_writer_open(&writer, path, 8000, 1, MEWL_AUDIO_FLAC, &err), MEWL_OK);
    assert_int_equal(mewl_audio_writer_comment(writer, "made up", &err), MEWL_E_UNSUPPORTED);
    mewl_audio_writer_close(writer);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(what_is_written_is_read),          WITH_FOLDER(full_scale_is_cut_not_wrapped),
        WITH_FOLDER(the_header_is_as_the_format_says), WITH_FOLDER(pieces_and_channels),
        WITH_FOLDER(nothing_appears_without_a_commit), WITH_FOLDER(what_cannot_be_written_is_refused),
        WITH_FOLDER(folders_become_their_recordings),  cmocka_unit_test(names_are_known_by_their_end),
        WITH_FOLDER(wav_files_carry_a_remark),
    };
    return cmocka_run_group_tests_name("audio/writer", tests, NULL, NULL);
}
