/* Tests of audio/source on files, standard input and raw PCM: what is in them comes out. Damage and refusals:
 * test_damage.c. Streams: test_stream.c. */
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

static void every_container_gives_its_tone(void **state)
{
    static const struct {
        media m;
        const char *name;
        double rest_db; /* what a codec may leave beside the tone, under it */
    } rows[] = {
        {{"wav", "pcm_s16le", 44100, 2, 1.5, false, 0}, "s16.wav", -80},
        {{"wav", "pcm_u8", 8000, 1, 1.5, false, 0}, "u8.wav", -40},
        {{"wav", "pcm_s24le", 48000, 2, 1.5, false, 0}, "s24.wav", -110},
        {{"wav", "pcm_s32le", 48000, 1, 1.5, false, 0}, "s32.wav", -110},
        {{"wav", "pcm_f32le", 22050, 2, 1.5, false, 0}, "f32.wav", -110},
        {{"wav", "pcm_f64le", 22050, 1, 1.5, false, 0}, "f64.wav", -110},
        {{"wav", "pcm_mulaw", 8000, 1, 1.5, false, 0}, "mulaw.wav", -30},
        {{"wav", "adpcm_ima_wav", 16000, 1, 1.5, false, 0}, "adpcm.wav", -25},
        {{"aiff", "pcm_s16be", 44100, 2, 1.5, false, 0}, "a.aiff", -80},
        {{"caf", "pcm_s16be", 44100, 1, 1.5, false, 0}, "a.caf", -80},
        {{"au", "pcm_s16be", 16000, 1, 1.5, false, 0}, "a.au", -80},
        {{"flac", "flac", 44100, 2, 1.5, false, 0}, "a.flac", -80},
        {{"ogg", "libvorbis", 44100, 2, 1.5, false, 0}, "a.ogg", -25},
        {{"ogg", "libopus", 48000, 1, 1.5, false, 0}, "a.opus", -20},
        {{"mp3", "libmp3lame", 44100, 2, 1.5, false, 0}, "a.mp3", -30},
        {{"ipod", "aac", 44100, 2, 1.5, false, 0}, "a.m4a", -30},
        {{"ipod", "alac", 44100, 2, 1.5, false, 0}, "alac.m4a", -80},
        {{"adts", "aac", 44100, 1, 1.5, false, 0}, "a.aac", -30},
        {{"3gp", "aac", 16000, 1, 1.5, false, 0}, "a.3gp", -25},
        {{"mp4", "aac", 48000, 2, 1.5, true, 0}, "video.mp4", -30},
        {{"matroska", "libvorbis", 48000, 2, 1.5, true, 0}, "video.mkv", -25},
        {{"avi", "pcm_s16le", 44100, 2, 1.5, true, 0}, "video.avi", -80},
        {{"mov", "pcm_s16le", 44100, 2, 1.5, true, 1}, "two-tracks.mov", -80},
        {{"mpegts", "mp2", 48000, 2, 1.5, true, 0}, "video.ts", -30},
        {{"asf", "wmav2", 44100, 2, 1.5, false, 0}, "a.wma", -20},
        {{"wv", "wavpack", 44100, 2, 1.5, false, 0}, "a.wv", -40},
    };
    size_t made = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!media_possible(rows[i].m)) {
            print_message("  %s: this FFmpeg cannot write it\n", rows[i].name);
            continue;
        }
        made++;
        media m = rows[i].m;
        const char *path = scratch_path(*state, rows[i].name);
        media_make(path, m);
        m.channels = m.extra_mono != 0 ? 1 : m.channels; /* the first track is the one marked as default */
        for (int pass = 0; pass < 2; pass++) {
            const double rate_hz = pass == 0 ? m.rate_hz : 16000.0;
            all a = read_all(path, (mewl_source_opts){.rate_hz = pass == 0 ? 0.0 : rate_hz, .channels = pass});
            if (a.status != MEWL_OK) {
                fail_msg("%s", a.err.text);
            }
            assert_int_equal(a.info.rate_hz, rate_hz);
            assert_int_equal(a.info.channels, pass == 0 ? m.channels : 1);
            assert_int_equal(a.info.source_channels, m.channels);
            assert_false(a.info.live);
            assert_false(a.info.truncated);
            assert_int_equal(a.info.decode_errors, 0);
            /* Encoders may add a frame; nothing may be missing. */
            const double seconds = (double)a.frames / rate_hz;
            if (seconds < 1.48 || seconds > 1.66) {
                fail_msg("%s: %.3f s", rows[i].name, seconds);
            }
            const size_t wide = (size_t)a.info.channels;
            float *one = malloc(a.frames * sizeof *one);
            for (size_t c = 0; c < wide; c++) {
                for (size_t k = 0; k < a.frames; k++) {
                    one[k] = a.samples[k * wide + c];
                }
                const signal_fit fit =
                    signal_fit_sine(one, (size_t)(0.3 * rate_hz), (size_t)(1.2 * rate_hz), rate_hz, MEDIA_TONE_HZ);
                const double rest = signal_db(fit.rest / 0.354);
                if (fabs(signal_db(fit.amplitude / MEDIA_AMPLITUDE)) > 0.5 || rest > rows[i].rest_db) {
                    fail_msg("%s: amplitude %.3f, rest %.1f dB", rows[i].name, fit.amplitude, rest);
                }
            }
            free(one);
            free(a.samples);
        }
    }
    assert_true(made >= 20);
}

static void amr_in_3gp_is_read(void **state)
{
    /* Nobody in Debian encodes AMR: frames of silence-like bits, which every decoder takes. */
    AVFormatContext *out = NULL;
    const char *path = scratch_path(*state, "amr.3gp");
    assert_true(avformat_alloc_output_context2(&out, NULL, "3gp", path) >= 0);
    AVStream *stream = avformat_new_stream(out, NULL);
    stream->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    stream->codecpar->codec_id = AV_CODEC_ID_AMR_NB;
    stream->codecpar->sample_rate = 8000;
    stream->codecpar->frame_size = 160;
    av_channel_layout_default(&stream->codecpar->ch_layout, 1);
    stream->time_base = (AVRational){1, 8000};
    assert_true(avio_open(&out->pb, path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(out, NULL) >= 0);
    uint32_t seed = 1;
    for (int i = 0; i < 100; i++) {
        AVPacket *packet = av_packet_alloc();
        assert_true(av_new_packet(packet, 32) >= 0);
        packet->data[0] = 0x3C; /* 12.2 kbit/s, good frame */
        for (int k = 1; k < 32; k++) {
            seed = seed * 1664525U + 1013904223U;
            packet->data[k] = (uint8_t)(seed >> 24);
        }
        packet->pts = packet->dts = 160 * i;
        packet->duration = 160;
        assert_true(av_interleaved_write_frame(out, packet) >= 0);
        av_packet_free(&packet);
    }
    assert_true(av_write_trailer(out) >= 0);
    (void)avio_closep(&out->pb);
    avformat_free_context(out);
    all a = read_all(path, (mewl_source_opts){.rate_hz = 16000, .channels = 1});
    assert_int_equal(a.status, MEWL_OK);
    assert_string_equal(a.codec, "amrnb");
    assert_int_equal(a.info.source_rate_hz, 8000);
    assert_int_equal(a.frames, 32000);
    assert_true(signal_rms(a.samples, 0, a.frames) > 1e-4);
    free(a.samples);
}

static void high_rates_and_many_channels(void **state)
{
    const size_t frames = 384000;
    float *x = signal_tone(frames, 384000, 1000, 0.5);
    const char *path = scratch_path(*state, "high.wav");
    write_floats(path, 384000, 1, x, frames);
    all a = read_all(path, (mewl_source_opts){.rate_hz = 16000, .channels = 1});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(a.frames, 16000);
    signal_fit fit = signal_fit_sine(a.samples, 2000, 14000, 16000, 1000);
    assert_true(fabs(fit.amplitude - 0.5) < 0.001 && signal_db(fit.rest) < -100.0);
    free(a.samples);

    path = scratch_path(*state, "sixteen.wav");
    for (size_t i = 0; i < 16000; i++) {
        for (size_t c = 0; c < 16; c++) {
            x[i * 16 + c] = (float)c / 16.0F;
        }
    }
    write_floats(path, 16000, 16, x, 16000 * 16);
    a = read_all(path, (mewl_source_opts){0});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(a.info.channels, 16);
    assert_int_equal(a.frames, 16000);
    assert_memory_equal(a.samples, x, 16000 * 16 * sizeof *x);
    free(a.samples);
    a = read_all(path, (mewl_source_opts){.channels = 1});
    assert_true(fabsf(a.samples[100] - 7.5F / 16.0F) < 1e-6F); /* the mean */
    free(a.samples);
    a = read_all(path, (mewl_source_opts){.rate_hz = 8000});
    assert_int_equal(a.info.channels, 16);
    assert_int_equal(a.frames, 8000);
    for (size_t c = 0; c < 16; c++) {
        assert_true(fabsf(a.samples[4000 * 16 + c] - (float)c / 16.0F) < 1e-5F);
    }
    free(a.samples);

    path = scratch_path(*state, "sixtyfive.wav");
    write_floats(path, 16000, 65, x, 65 * 100);
    all b = read_all(path, (mewl_source_opts){0});
    assert_int_not_equal(b.status, MEWL_OK);
    assert_non_null(strstr(b.err.text, path));
    free(b.samples);
    path = scratch_path(*state, "slow.wav");
    write_floats(path, 500, 1, x, 1000);
    refused(path, MEWL_E_UNSUPPORTED, "500 Hz");
    free(x);
}

static void low_frequency_channels_stay_out_of_the_mean(void **state)
{
    const char *path = scratch_path(*state, "surround.flac");
    mewl_audio_writer *w = NULL;
    assert_int_equal(mewl_audio_writer_open(&w, path, 48000, 6, MEWL_AUDIO_FLAC, NULL), MEWL_OK);
    float x[4800 * 6];
    for (size_t i = 0; i < 4800; i++) {
        for (size_t c = 0; c < 6; c++) {
            x[i * 6 + c] = c == 3 ? 0.9F : 0.1F; /* left, right, centre, low, left, right */
        }
    }
    assert_int_equal(mewl_audio_writer_push(w, x, 4800, NULL), MEWL_OK);
    assert_int_equal(mewl_audio_writer_commit(w, NULL), MEWL_OK);
    mewl_audio_writer_close(w);
    all a = read_all(path, (mewl_source_opts){.channels = 1});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(a.frames, 4800);
    assert_true(fabsf(a.samples[2400] - 0.1F) < 1e-3F);
    free(a.samples);
}

static void raw_pcm_is_taken_at_its_word(void **state)
{
    const char *path = scratch_path(*state, "raw");
    int16_t x[3200];
    for (size_t i = 0; i < 3200; i++) {
        x[i] = (int16_t)(i % 2 == 0 ? 8192 : -8192);
    }
    assert_int_equal(mewl_file_write(path, x, sizeof x, NULL), MEWL_OK);
    all a = read_all(path, (mewl_source_opts){.raw = {.format = "s16le", .rate_hz = 8000, .channels = 2}});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(a.frames, 1600);
    assert_int_equal(a.info.rate_hz, 8000);
    assert_true(a.samples[0] == 0.25F && a.samples[1] == -0.25F);
    free(a.samples);
    a = read_all(path, (mewl_source_opts){.raw = {.format = "u8"}});
    assert_int_equal(a.info.rate_hz, 16000);
    assert_int_equal(a.info.channels, 1);
    assert_int_equal(a.frames, 6400);
    free(a.samples);
}

/* Runs read_all("-") with standard input from a child that writes `bytes` into a pipe. */
static all read_piped(const void *bytes, size_t size, mewl_source_opts opts)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        for (size_t done = 0; done < size;) {
            const ssize_t n = write(ends[1], (const char *)bytes + done, size - done < 3000 ? size - done : 3000);
            if (n <= 0) {
                break;
            }
            done += (size_t)n;
        }
        _exit(0);
    }
    const int before = dup(STDIN_FILENO);
    (void)close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    (void)close(ends[0]);
    all a = read_all("-", opts);
    assert_true(dup2(before, STDIN_FILENO) == STDIN_FILENO);
    (void)close(before);
    int status = 0;
    (void)waitpid(child, &status, 0);
    return a;
}

static void standard_input_is_read(void **state)
{
    const char *path = scratch_path(*state, "a.flac");
    media_make(path, (media){"flac", "flac", 44100, 2, 1.5, false, 0});
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(mewl_file_read_all(&bytes, &size, path, 10000000, NULL), MEWL_OK);
    all a = read_piped(bytes, size, (mewl_source_opts){.rate_hz = 16000, .channels = 1});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(a.frames, 24000);
    free(a.samples);
    a = read_piped(bytes, 4000, (mewl_source_opts){.raw = {.format = "s16le", .rate_hz = 8000}});
    assert_int_equal(a.status, MEWL_OK);
    assert_int_equal(a.frames, 2000);
    free(a.samples);
    a = read_piped(bytes, 0, (mewl_source_opts){0});
    assert_int_not_equal(a.status, MEWL_OK);
    assert_non_null(strstr(a.err.text, "standard input"));
    free(a.samples);
    a = read_piped("no sound at all, just words, again and again and again", 54, (mewl_source_opts){0});
    assert_int_not_equal(a.status, MEWL_OK);
    free(a.samples);
    free(bytes);
}

static void a_rate_that_changes_is_followed(void **state)
{
    /* Two AAC streams one after the other, as a radio station would: 44.1 kHz stereo, then 22.05 kHz mono. */
    const char *first = scratch_path(*state, "1.aac"), *second = scratch_path(*state, "2.aac");
    const char *both = scratch_path(*state, "both.aac");
    media_make(first, (media){"adts", "aac", 44100, 2, 2.0, false, 0});
    media_make(second, (media){"adts", "aac", 22050, 1, 2.0, false, 0});
    char *a = NULL, *b = NULL;
    size_t a_size = 0, b_size = 0;
    assert_int_equal(mewl_file_read_all(&a, &a_size, first, 1000000, NULL), MEWL_OK);
    assert_int_equal(mewl_file_read_all(&b, &b_size, second, 1000000, NULL), MEWL_OK);
    a = realloc(a, a_size + b_size);
    memcpy(a + a_size, b, b_size);
    assert_int_equal(mewl_file_write(both, a, a_size + b_size, NULL), MEWL_OK);
    free(a);
    free(b);
    for (int pass = 0; pass < 3; pass++) {
        static const mewl_source_opts opts[] = {{.rate_hz = 16000, .channels = 1}, {.channels = 1}, {.rate_hz = 48000}};
        all c = read_all(both, opts[pass]);
        assert_int_equal(c.status, MEWL_OK);
        assert_int_equal(c.info.rate_changes, 1);
        assert_int_equal(c.info.source_rate_hz, 22050);
        assert_int_equal(c.info.source_channels, 1);
        const double rate = c.info.rate_hz;
        const size_t wide = (size_t)c.info.channels;
        assert_int_equal(wide, pass == 2 ? 2 : 1);
        assert_true((double)c.frames > 3.95 * rate && (double)c.frames < 4.3 * rate);
        for (size_t i = 0; i < c.frames; i++) {
            c.samples[i] = c.samples[i * wide];
        }
        /* The tone is the same before and after: the second part was resampled from its own rate. */
        const signal_fit before = signal_fit_sine(c.samples, (size_t)(0.5 * rate), (size_t)(1.5 * rate), rate, 440);
        const signal_fit after = signal_fit_sine(c.samples, (size_t)(2.7 * rate), (size_t)(3.7 * rate), rate, 440);
        assert_true(fabs(before.amplitude - 0.5) < 0.03 && fabs(after.amplitude - 0.5) < 0.03);
        assert_true(signal_db(before.rest) < -30.0 && signal_db(after.rest) < -30.0);
        free(c.samples);
    }
}

/* Adds `by` to the 32-bit size of the atom whose name lies at `at`. */
static void grow_atom(uint8_t *bytes, size_t at, uint32_t by)
{
    uint32_t size = 0;
    for (size_t i = 0; i < 4; i++) {
        size = size << 8 | bytes[at - 4 + i];
    }
    size += by;
    for (size_t i = 0; i < 4; i++) {
        bytes[at - 4 + i] = (uint8_t)(size >> (24 - 8 * i));
    }
}

static void put_u32(uint8_t *to, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static size_t find_atom(const uint8_t *bytes, size_t size, const char *name)
{
    for (size_t i = 4; i + 4 <= size; i++) {
        if (memcmp(bytes + i, name, 4) == 0) {
            return i;
        }
    }
    fail_msg("no atom %s", name);
    return 0;
}

/* A phone that trims a recording leaves the sound in the file and lists what is to be heard. */
static void edit_lists_are_followed_in_files_of_any_size(void **state)
{
    const char *path = scratch_path(*state, "trimmed.m4a");
    media_make(path, (media){"ipod", "aac", 44100, 1, 6.0, false, 0});
    char *read = NULL;
    size_t size = 0;
    assert_int_equal(mewl_file_read_all(&read, &size, path, 1000000, NULL), MEWL_OK);
    uint8_t *bytes = calloc(size + 12, 1);
    const size_t list = find_atom((const uint8_t *)read, size, "elst"),
                 end = list + 12 + 12; /* one entry of 12 bytes */
    memcpy(bytes, read, end);
    memcpy(bytes + end + 12, read + end, size - end);
    static const char *const around[] = {"elst", "edts", "trak", "moov"};
    for (size_t i = 0; i < 4; i++) {
        grow_atom(bytes, find_atom(bytes, size, around[i]), 12);
    }
    put_u32(bytes + list + 8, 2);
    /* Half a second from 1 s on, then a second from 4 s on; lengths in the film's time, 1/1000 s. */
    static const uint32_t entries[6] = {500, 44100, 0x10000, 1000, 4 * 44100, 0x10000};
    for (size_t i = 0; i < 6; i++) {
        put_u32(bytes + list + 12 + 4 * i, entries[i]);
    }
    assert_int_equal(mewl_file_write(path, bytes, size + 12, NULL), MEWL_OK);
    for (int large = 0; large < 2; large++) {
        if (large == 1) {
            assert_int_equal(truncate(path, 50000000), 0); /* a hole at its end */
        }
        all a = read_all(path, (mewl_source_opts){.channels = 1});
        if (a.status != MEWL_OK) {
            fail_msg("%s", a.err.text);
        }
        assert_true(fabs((double)a.frames / 44100.0 - 1.5) < 0.06);
        free(a.samples);
    }
    free(bytes);
    free(read);
}

static void clips_are_cut_and_exact(void **state)
{
    const char *path = scratch_path(*state, "tone.wav");
    float *x = signal_tone(48000, 16000, 440, 0.5);
    assert_int_equal(mewl_audio_write(path, x, 48000, 16000, MEWL_AUDIO_WAV_F32, NULL), MEWL_OK);
    mewl_clip clip = {0};
    assert_int_equal(mewl_clip_read(&clip, path, 0, 0, NULL), MEWL_OK);
    assert_int_equal(clip.count, 48000);
    assert_true(clip.rate_hz == 16000.0);
    assert_memory_equal(clip.samples, x, 48000 * sizeof *x);
    mewl_clip_fini(&clip);
    assert_null(clip.samples);
    assert_int_equal(mewl_clip_read(&clip, path, 16000, 1.0, NULL), MEWL_OK);
    assert_int_equal(clip.count, 16000);
    mewl_clip_fini(&clip);
    assert_int_equal(mewl_clip_read(&clip, path, 32000, 2.0, NULL), MEWL_OK);
    assert_int_equal(clip.count, 64000);
    mewl_clip_fini(&clip);
    mewl_clip_fini(NULL);
    free(x);

    /* An hour and a second of raw PCM, mostly a hole. */
    mewl_error err = {0};
    path = scratch_path(*state, "long.wav");
    uint8_t header[44];
    const uint32_t bytes = 2U * 8000U * 3601U;
    (void)wav_header(header, 8000, 1, 2, bytes);
    assert_int_equal(mewl_file_write(path, header, 44, NULL), MEWL_OK);
    assert_int_equal(truncate(path, 44 + (off_t)bytes), 0);
    assert_int_equal(mewl_clip_read(&clip, path, 0, 0, &err), MEWL_E_MEMORY);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(mewl_clip_read(&clip, path, 0, 10.0, &err), MEWL_OK);
    assert_int_equal(clip.count, 80000);
    mewl_clip_fini(&clip);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(every_container_gives_its_tone),  WITH_FOLDER(amr_in_3gp_is_read),
        WITH_FOLDER(high_rates_and_many_channels),    WITH_FOLDER(low_frequency_channels_stay_out_of_the_mean),
        WITH_FOLDER(raw_pcm_is_taken_at_its_word),    WITH_FOLDER(standard_input_is_read),
        WITH_FOLDER(a_rate_that_changes_is_followed), WITH_FOLDER(edit_lists_are_followed_in_files_of_any_size),
        WITH_FOLDER(clips_are_cut_and_exact),
    };
    return cmocka_run_group_tests_name("audio/source", tests, NULL, NULL);
}
