/* test_picture.c - pictures of recordings, read back as pixels. */
#include <cairo.h>
#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "../base/scratch.h"
#include "base/rng.h"
#include "draw/picture.h"

#define BANDS 64u

static double band_hz[BANDS];

static mewl_picture_acc *make(double rate_hz)
{
    mewl_picture_acc *acc = NULL;
    mewl_error err = {0};
    for (size_t b = 0; b < BANDS; b++) {
        band_hz[b] = 50.0 + 120.0 * (double)b;
    }
    mewl_picture_acc_opts opts = {.rate_hz = rate_hz,
                                  .bands = BANDS,
                                  .frame_step_s = 0.01,
                                  .band_hz = band_hz,
                                  .score_step_s = 0.08,
                                  .score_first_s = 0.04};
    if (mewl_picture_acc_new(&acc, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return acc;
}

/* Seconds [from, to) of a recording: loud in the second half of each ten seconds. */
static void push(mewl_picture_acc *acc, double rate_hz, double from_s, double to_s)
{
    enum { BLOCK = 4000 };
    float samples[BLOCK];
    float frame[BANDS];
    for (uint64_t n = (uint64_t)(from_s * rate_hz); n < (uint64_t)(to_s * rate_hz);) {
        size_t count = 0;
        while (count < BLOCK && n < (uint64_t)(to_s * rate_hz)) {
            bool loud = fmod((double)n / rate_hz, 10.0) >= 5.0;
            samples[count++] = (n++ & 1) != 0 ? (loud ? 0.5f : 0.001f) : (loud ? -0.25f : -0.001f);
        }
        mewl_picture_acc_samples(acc, samples, count);
    }
    for (uint64_t t = (uint64_t)(from_s * 100.0); t < (uint64_t)(to_s * 100.0); t++) {
        bool loud = fmod((double)t / 100.0, 10.0) >= 5.0;
        for (size_t b = 0; b < BANDS; b++) {
            frame[b] = loud ? (b < BANDS / 2 ? 0.0f : -40.0f) : -70.0f;
        }
        mewl_picture_acc_frames(acc, frame, 1);
    }
    for (uint64_t t = (uint64_t)(from_s * 12.5); t < (uint64_t)(to_s * 12.5); t++) {
        float score = fmod((double)t / 12.5, 10.0) >= 5.0 ? 0.9f : 0.1f;
        mewl_picture_acc_scores(acc, &score, 1);
    }
}

typedef struct pixels {
    cairo_surface_t *surface;
    int width, height;
} pixels;

static pixels read_png(const char *path)
{
    pixels p = {cairo_image_surface_create_from_png(path), 0, 0};
    assert_int_equal(cairo_surface_status(p.surface), CAIRO_STATUS_SUCCESS);
    p.width = cairo_image_surface_get_width(p.surface);
    p.height = cairo_image_surface_get_height(p.surface);
    return p;
}

static uint32_t pixel(pixels p, int x, int y)
{
    const unsigned char *row = cairo_image_surface_get_data(p.surface) + y * cairo_image_surface_get_stride(p.surface);
    uint32_t value;
    memcpy(&value, row + 4 * (size_t)x, sizeof value);
    return value & 0xffffffu;
}

static int red(uint32_t rgb)
{
    return (int)(rgb >> 16);
}

static int blue(uint32_t rgb)
{
    return (int)(rgb & 255u);
}

static int bright(uint32_t rgb)
{
    return red(rgb) + (int)(rgb >> 8 & 255u) + blue(rgb);
}

/* Column of the picture at a share of the time axis, for the standard size. */
static int column(double share)
{
    return (int)(92.0 + share * (1600.0 - 92.0 - 86.0));
}

static void shows_what_was_pushed(void **state)
{
    const char *path = scratch_path(*state, "a.png");
    mewl_picture_acc *acc = make(8000.0);
    mewl_error err = {0};
    push(acc, 8000.0, 0.0, 40.0);
    assert_true(fabs(mewl_picture_acc_duration_s(acc) - 40.0) < 1e-9);
    mewl_picture_span spans[] = {{MEWL_PICTURE_NOT_HEARING, 21.0, 24.0, (double)NAN},
                                 {MEWL_PICTURE_EPISODE, 5.0, 10.0, 0.9}};
    mewl_picture_opts opts = {.title = "a.wav", .threshold = 0.5};
    assert_int_equal(mewl_picture_write(acc, path, spans, 2, opts, &err), MEWL_OK);
    pixels p = read_png(path);
    assert_int_equal(p.width, 1600);
    assert_int_equal(p.height, 900);
    /* The strip: a cry from 5 to 10 s, nothing at 15 s, not hearing at 22 s. */
    int strip_y = 64 + 40 - 6;
    uint32_t cry = pixel(p, column(7.5 / 40.0), strip_y);
    uint32_t none = pixel(p, column(15.0 / 40.0), strip_y);
    uint32_t deaf = pixel(p, column(22.0 / 40.0), strip_y);
    assert_true(red(cry) > blue(cry) + 80);
    assert_true(abs(red(none) - blue(none)) < 24 && bright(none) > 600);
    assert_true(abs(red(deaf) - blue(deaf)) < 24 && bright(deaf) < 560);
    /* The spectrogram: dark in quiet stretches; in loud ones bright below, darker above. */
    int spectrogram_top = 900;
    for (int y = 120; y < 800; y++) {
        if (bright(pixel(p, column(2.0 / 40.0), y)) < 150) {
            spectrogram_top = y;
            break;
        }
    }
    assert_true(spectrogram_top > 250 && spectrogram_top < 400);
    int high_y = spectrogram_top + 60;
    int low_y = spectrogram_top + 320;
    assert_true(bright(pixel(p, column(2.0 / 40.0), low_y)) < 150);
    assert_true(bright(pixel(p, column(27.0 / 40.0), low_y)) > 500);
    assert_true(bright(pixel(p, column(27.0 / 40.0), high_y)) < bright(pixel(p, column(27.0 / 40.0), low_y)) - 150);
    /* The waveform: ink at 30 % of the upper half where it is loud, paper where it is quiet. */
    int wave_top = 118;
    int wave_height = spectrogram_top - 20 - wave_top;
    int y = wave_top + wave_height * 3 / 10;
    assert_true(bright(pixel(p, column(17.1 / 40.0), y)) < 450);
    assert_true(bright(pixel(p, column(12.1 / 40.0), y)) > 690);
    cairo_surface_destroy(p.surface);
    mewl_picture_acc_free(acc);
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Twelve hours take no more memory than a second, and their last minutes are still in the picture. */
static void twelve_hours(void **state)
{
    const char *path = scratch_path(*state, "night.png");
    mewl_picture_acc *acc = make(1000.0);
    mewl_error err = {0};
    push(acc, 1000.0, 0.0, 60.0);
    long before = peak_kib();
    push(acc, 1000.0, 60.0, 43200.0);
    assert_true(peak_kib() - before < 2048);
    assert_true(fabs(mewl_picture_acc_duration_s(acc) - 43200.0) < 1e-6);
    mewl_picture_span *spans = calloc(3000, sizeof *spans);
    assert_non_null(spans);
    for (size_t i = 0; i < 3000; i++) {
        spans[i] = (mewl_picture_span){MEWL_PICTURE_EPISODE, 14.0 * (double)i + 5.0, 14.0 * (double)i + 10.0, 0.7};
    }
    mewl_picture_opts opts = {.title = "night", .threshold = (double)NAN, .width_px = 900, .height_px = 500};
    assert_int_equal(mewl_picture_write(acc, path, spans, 3000, opts, &err), MEWL_OK);
    pixels p = read_png(path);
    assert_int_equal(p.width, 900);
    assert_int_equal(p.height, 500);
    /* The spectrogram reaches the right edge. */
    int x = 900 - (int)(86.0 * 0.5625) - 6;
    assert_true(bright(pixel(p, x, 330)) > 300 && bright(pixel(p, x, 330)) < 740);
    cairo_surface_destroy(p.surface);
    free(spans);
    mewl_picture_acc_free(acc);
}

static void odd_recordings(void **state)
{
    mewl_error err = {0};
    mewl_picture_opts opts = {.title = "x", .threshold = 0.5};
    /* One sample; nothing but silence; NaN and infinity; no frames, no scores; frames that run past the sound. */
    static const float one = 0.25f;
    static const float odd[] = {NAN, INFINITY, -INFINITY, 0.5f};
    float frame[BANDS];
    for (size_t b = 0; b < BANDS; b++) {
        frame[b] = b % 3 == 0 ? NAN : b % 3 == 1 ? INFINITY : -INFINITY;
    }
    for (int kind = 0; kind < 5; kind++) {
        mewl_picture_acc *acc = kind == 3 ? NULL : make(16000.0);
        if (kind == 3) {
            assert_int_equal(mewl_picture_acc_new(&acc, (mewl_picture_acc_opts){.rate_hz = 16000.0}, &err), MEWL_OK);
            mewl_picture_acc_frames(acc, frame, 1);
            mewl_picture_acc_scores(acc, odd, 4);
        }
        float silence[1600] = {0.0f};
        mewl_picture_acc_samples(acc,
                                 kind == 0   ? &one
                                 : kind == 2 ? odd
                                             : silence,
                                 kind == 0   ? 1
                                 : kind == 2 ? 4
                                             : 1600);
        for (int t = 0; t < 100 && (kind == 2 || kind == 4); t++) {
            mewl_picture_acc_frames(acc, frame, 1);
            mewl_picture_acc_scores(acc, odd, 4);
        }
        const char *path = scratch_path(*state, "odd.png");
        if (mewl_picture_write(acc, path, NULL, 0, opts, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        pixels p = read_png(path);
        assert_int_equal(p.width, 1600);
        cairo_surface_destroy(p.surface);
        mewl_picture_acc_free(acc);
    }
}

/* Titles from file names are anybody's bytes. */
static void odd_titles(void **state)
{
    static const char *const titles[] = {"", "\xff\xfe broken \xc3", "\xed\xa0\x80 surrogate",
                                         "caf\xc3\xa9 \xf0\x9f\x91\xb6.wav", "line\nbreak\tand\x01"};
    char *long_title = malloc(5001);
    assert_non_null(long_title);
    memset(long_title, 'W', 5000);
    long_title[5000] = '\0';
    mewl_picture_acc *acc = make(8000.0);
    push(acc, 8000.0, 0.0, 1.0);
    for (size_t i = 0; i < 6; i++) {
        mewl_error err = {0};
        mewl_picture_opts opts = {
            .title = i < 5 ? titles[i] : long_title, .threshold = 0.5, .width_px = 480, .height_px = 320};
        opts.subtitle = i == 1 ? long_title : NULL;
        if (mewl_picture_write(acc, scratch_path(*state, "t.png"), NULL, 0, opts, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
    }
    mewl_picture_acc_free(acc);
    free(long_title);
}

static void refused(void **state)
{
    mewl_error err = {0};
    mewl_picture_acc *acc = make(8000.0);
    mewl_picture_opts opts = {.threshold = 0.5};
    const char *path = scratch_path(*state, "no.png");
    struct stat info;
    assert_int_equal(mewl_picture_write(acc, path, NULL, 0, opts, &err), MEWL_E_EMPTY);
    push(acc, 8000.0, 0.0, 1.0);
    mewl_picture_span backwards = {MEWL_PICTURE_EPISODE, 2.0, 1.0, 0.5};
    assert_int_equal(mewl_picture_write(acc, path, &backwards, 1, opts, &err), MEWL_E_ARG);
    backwards.onset_s = (double)NAN;
    assert_int_equal(mewl_picture_write(acc, path, &backwards, 1, opts, &err), MEWL_E_ARG);
    opts.width_px = 10;
    assert_int_equal(mewl_picture_write(acc, path, NULL, 0, opts, &err), MEWL_E_ARG);
    opts.width_px = 100000;
    assert_int_equal(mewl_picture_write(acc, path, NULL, 0, opts, &err), MEWL_E_ARG);
    opts.width_px = 0;
    assert_int_equal(mewl_picture_write(acc, scratch_path(*state, "none/no.png"), NULL, 0, opts, &err),
                     MEWL_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "no.png"));
    assert_int_not_equal(stat(path, &info), 0);
    mewl_picture_acc_free(acc);
    mewl_picture_acc_free(NULL);
    acc = NULL;
    static const mewl_picture_acc_opts bad[] = {{.rate_hz = 0.0},
                                                {.rate_hz = 8000.0, .bands = 513, .frame_step_s = 0.01},
                                                {.rate_hz = 8000.0, .bands = 4},
                                                {.rate_hz = 8000.0, .score_step_s = -1.0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(mewl_picture_acc_new(&acc, bad[i], &err), MEWL_E_ARG);
        assert_null(acc);
    }
    double falling[] = {2.0, 1.0};
    mewl_picture_acc_opts opts_falling = {.rate_hz = 8000.0, .bands = 2, .frame_step_s = 0.01, .band_hz = falling};
    assert_int_equal(mewl_picture_acc_new(&acc, opts_falling, &err), MEWL_E_ARG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shows_what_was_pushed), TEST(twelve_hours), TEST(odd_recordings), TEST(odd_titles), TEST(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
