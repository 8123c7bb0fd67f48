/* reading.h - reads a source to its end, writes small wav files, and expects refusals. For tests of audio/source;
 * include after cmocka.h. */
#ifndef MEWL_TESTS_AUDIO_READING_H
#define MEWL_TESTS_AUDIO_READING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/source.h"
#include "base/file.h"

/* Everything in a source, up to ten million numbers, and what it says of itself at the end. */
typedef struct all {
    float *samples;
    size_t frames;
    mewl_status status;
    mewl_error err;
    mewl_source_info info;
    char codec[32];
} all;

static inline all read_all(const char *url, mewl_source_opts opts)
{
    all a = {.samples = calloc(10000000, sizeof(float))};
    mewl_source *s = NULL;
    a.status = mewl_source_open(&s, url, opts, &a.err);
    if (a.status != MEWL_OK) {
        assert_null(s);
        return a;
    }
    mewl_source_describe(s, &a.info);
    const size_t wide = (size_t)a.info.channels;
    for (size_t got = 1; got > 0;) {
        assert_true((a.frames + 5000) * wide < 10000000);
        a.status = mewl_source_pull(s, a.samples + a.frames * wide, 1 + a.frames % 5000, &got, &a.err);
        if (a.status != MEWL_OK) {
            assert_int_equal(got, 0);
            assert_int_equal(mewl_source_pull(s, a.samples, 1, &got, NULL), a.status); /* final is final */
            break;
        }
        a.frames += got;
    }
    mewl_source_describe(s, &a.info);
    assert_int_equal(a.info.frames, a.frames);
    (void)snprintf(a.codec, sizeof a.codec, "%s", a.info.codec);
    mewl_source_close(s);
    return a;
}

/* A wav header for anything: 16-bit or float, any rate and channel count; data_bytes as claimed. */
static inline size_t wav_header(uint8_t *h, unsigned rate_hz, unsigned channels, unsigned bytes, uint32_t data_bytes)
{
    const uint32_t riff = data_bytes + 36, align = channels * bytes, second = rate_hz * align;
    memcpy(h, "RIFF....WAVEfmt ", 16);
    memcpy(h + 4, &riff, 4);
    memcpy(h + 16, "\x10\0\0\0", 4);
    h[20] = bytes == 4 ? 3 : 1;
    h[21] = 0;
    h[22] = (uint8_t)channels;
    h[23] = 0;
    memcpy(h + 24, &rate_hz, 4);
    memcpy(h + 28, &second, 4);
    h[32] = (uint8_t)align;
    h[33] = (uint8_t)(align >> 8);
    h[34] = (uint8_t)(8 * bytes);
    h[35] = 0;
    memcpy(h + 36, "data", 4);
    memcpy(h + 40, &data_bytes, 4);
    return 44;
}

static inline void write_floats(const char *path, unsigned rate_hz, unsigned channels, const float *x, size_t count)
{
    uint8_t *bytes = malloc(44 + 4 * count);
    (void)wav_header(bytes, rate_hz, channels, 4, (uint32_t)(4 * count));
    memcpy(bytes + 44, x, 4 * count);
    assert_int_equal(mewl_file_write(path, bytes, 44 + 4 * count, NULL), MEWL_OK);
    free(bytes);
}

/* Opens, expects this status and that the sentence holds `word` and the path. */
static inline void refused(const char *path, mewl_status status, const char *word)
{
    all a = read_all(path, (mewl_source_opts){.rate_hz = 16000, .channels = 1});
    if (a.status != status || strstr(a.err.text, word) == NULL || strstr(a.err.text, path) == NULL) {
        fail_msg("%s: got %s: %s", path, mewl_status_name(a.status), a.err.text);
    }
    free(a.samples);
    mewl_clip clip = {0};
    mewl_error err = {0};
    assert_int_equal(mewl_clip_read(&clip, path, 16000, 0, &err), status);
    assert_null(clip.samples);
}

#endif
