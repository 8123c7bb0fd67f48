/* test_chart.c - curves, matrices and diagrams: files of the right form, and the right marks in them. */
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
#include <sys/stat.h>
#include <cmocka.h>

#include "../base/scratch.h"
#include "base/file.h"
#include "draw/chart.h"

static bool starts_with(const char *path, const char *begin)
{
    char *data = NULL;
    size_t bytes = 0;
    assert_int_equal(mewl_file_read_all(&data, &bytes, path, 1u << 24, NULL), MEWL_OK);
    bool same = bytes > strlen(begin) && memcmp(data, begin, strlen(begin)) == 0;
    free(data);
    return same;
}

static bool contains(const char *path, const char *text)
{
    char *data = NULL;
    size_t bytes = 0;
    assert_int_equal(mewl_file_read_all(&data, &bytes, path, 1u << 24, NULL), MEWL_OK);
    bool there = memmem(data, bytes, text, strlen(text)) != NULL;
    free(data);
    return there;
}

/* How many pixels of a PNG are as red, green and blue as this, give or take 12. */
static size_t count_pixels(const char *path, uint32_t rgb)
{
    cairo_surface_t *s = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(s), CAIRO_STATUS_SUCCESS);
    size_t found = 0;
    for (int y = 0; y < cairo_image_surface_get_height(s); y++) {
        const unsigned char *row = cairo_image_surface_get_data(s) + y * cairo_image_surface_get_stride(s);
        for (int x = 0; x < cairo_image_surface_get_width(s); x++) {
            const unsigned char *at = row + 4 * x;
            found += abs((int)at[2] - (int)(rgb >> 16)) < 12 && abs((int)at[1] - (int)(rgb >> 8 & 255)) < 12 &&
                     abs((int)at[0] - (int)(rgb & 255)) < 12;
        }
    }
    cairo_surface_destroy(s);
    return found;
}

static const double xs[] = {0.0, 0.1, 0.5, 1.0};
static const double ys[] = {0.0, 0.7, 0.9, 1.0};

static void forms(void **state)
{
    mewl_error err = {0};
    mewl_chart_series s = {.name = "one", .x = xs, .y = ys, .count = 4};
    const char *png = scratch_path(*state, "roc.PNG");
    const char *svg = scratch_path(*state, "roc.svg");
    const char *pdf = scratch_path(*state, "roc.pdf");
    assert_int_equal(mewl_chart_roc(png, &s, 1, "Title", "note", &err), MEWL_OK);
    assert_int_equal(mewl_chart_roc(svg, &s, 1, "Title", "note", &err), MEWL_OK);
    assert_int_equal(mewl_chart_pr(pdf, &s, 1, 0.1, "Title", "note", &err), MEWL_OK);
    assert_true(starts_with(png, "\x89PNG\r\n"));
    assert_true(starts_with(svg, "<?xml"));
    assert_true(contains(svg, "</svg>"));
    assert_true(starts_with(pdf, "%PDF-"));
    assert_true(contains(pdf, "%%EOF"));
    assert_true(count_pixels(png, 0x2f5d9f) > 300);
    assert_int_equal(mewl_chart_roc(scratch_path(*state, "roc.gif"), &s, 1, NULL, NULL, &err), MEWL_E_ARG);
    assert_int_equal(mewl_chart_roc(scratch_path(*state, "roc"), &s, 1, NULL, NULL, &err), MEWL_E_ARG);
    assert_int_equal(mewl_chart_roc(scratch_path(*state, "none/roc.png"), &s, 1, NULL, NULL, &err), MEWL_E_NOT_FOUND);
}

static void curves(void **state)
{
    mewl_error err = {0};
    double odd_x[] = {(double)NAN, 0.0, -1.0, 0.01, 1.0, 10.0};
    double odd_y[] = {0.5, 0.5, 0.5, 0.1, (double)INFINITY, 0.9};
    mewl_chart_series series[] = {{.name = "steps", .x = xs, .y = ys, .count = 4, .steps = true, .markers = true},
                                  {.name = "band", .x = xs, .y = ys, .count = 4, .low = xs, .high = ys},
                                  {.name = NULL, .x = xs, .y = xs, .count = 4, .dashed = true},
                                  {.name = "odd", .x = odd_x, .y = odd_y, .count = 6},
                                  {.name = "none", .count = 0}};
    const char *path = scratch_path(*state, "c.png");
    mewl_chart_opts opts = {.title = "t", .x_name = "x", .y_name = "y"};
    assert_int_equal(mewl_chart_curves(path, series, 5, opts, &err), MEWL_OK);
    assert_true(count_pixels(path, 0x2f5d9f) > 300);
    opts.x_log = true;
    assert_int_equal(mewl_chart_curves(path, series, 5, opts, &err), MEWL_OK);
    assert_int_equal(mewl_chart_curves(path, &series[4], 1, opts, &err), MEWL_OK);
    opts.x_low = 0.0;
    opts.x_high = 1.0;
    assert_int_equal(mewl_chart_curves(path, series, 5, opts, &err), MEWL_E_ARG);
    opts = (mewl_chart_opts){.y_low = 1.0, .y_high = 1.0};
    assert_int_equal(mewl_chart_curves(path, series, 5, opts, &err), MEWL_E_ARG);
    opts = (mewl_chart_opts){.width_px = 20};
    assert_int_equal(mewl_chart_curves(path, series, 5, opts, &err), MEWL_E_ARG);
    opts = (mewl_chart_opts){.title = NULL};
    assert_int_equal(mewl_chart_curves(path, series, 0, opts, &err), MEWL_E_ARG);
    mewl_chart_series lacking = {.x = xs, .count = 4};
    assert_int_equal(mewl_chart_curves(path, &lacking, 1, opts, &err), MEWL_E_ARG);
    lacking = (mewl_chart_series){.x = xs, .y = ys, .count = 4, .low = xs};
    assert_int_equal(mewl_chart_curves(path, &lacking, 1, opts, &err), MEWL_E_ARG);
}

/* A diagonal matrix has dark cells where a flat one has none. */
static void confusion(void **state)
{
    mewl_error err = {0};
    static const char *const names[] = {"cry", "other", "a class with a rather long name, longer than fits"};
    uint64_t diagonal[9] = {40, 0, 0, 0, 360, 0, 0, 0, 7};
    uint64_t flat[9] = {1, 1, 1, 1, 1, 1, 0, 0, 0};
    const char *a = scratch_path(*state, "a.png");
    const char *b = scratch_path(*state, "b.png");
    assert_int_equal(mewl_chart_confusion(a, diagonal, names, 3, "t", "n", &err), MEWL_OK);
    assert_int_equal(mewl_chart_confusion(b, flat, names, 3, NULL, NULL, &err), MEWL_OK);
    uint32_t dark = 0x004c93;
    size_t in_a = 0;
    for (uint32_t shade = 0; shade < 3; shade++) {
        in_a += count_pixels(a, dark + 0x000008 * shade);
    }
    assert_true(in_a > 3000);
    assert_true(count_pixels(b, dark) < 100);
    const char *many[MEWL_CHART_CLASSES_MAX];
    uint64_t *counts = calloc(MEWL_CHART_CLASSES_MAX * MEWL_CHART_CLASSES_MAX, sizeof *counts);
    assert_non_null(counts);
    for (size_t i = 0; i < MEWL_CHART_CLASSES_MAX; i++) {
        many[i] = "class";
        counts[i * MEWL_CHART_CLASSES_MAX + i] = UINT64_MAX / 2;
    }
    assert_int_equal(mewl_chart_confusion(a, counts, many, MEWL_CHART_CLASSES_MAX, "t", "n", &err), MEWL_OK);
    assert_int_equal(mewl_chart_confusion(scratch_path(*state, "one.svg"), counts, many, 1, "t", "n", &err), MEWL_OK);
    assert_int_equal(mewl_chart_confusion(a, counts, many, 0, "t", "n", &err), MEWL_E_ARG);
    assert_int_equal(mewl_chart_confusion(a, counts, many, MEWL_CHART_CLASSES_MAX + 1, "t", "n", &err), MEWL_E_ARG);
    free(counts);
}

static void reliability(void **state)
{
    mewl_error err = {0};
    mewl_chart_bin bins[] = {{0.05, 0.02, 0.0, 0.1, 500},
                             {0.5, 0.6, (double)NAN, (double)NAN, 20},
                             {(double)NAN, (double)NAN, 0.0, 0.0, 0},
                             {0.95, 0.9, 0.8, 1.2, 90}};
    const char *path = scratch_path(*state, "r.png");
    assert_int_equal(mewl_chart_reliability(path, bins, 4, "t", "n", &err), MEWL_OK);
    assert_true(count_pixels(path, 0x41618f) > 300);
    assert_int_equal(mewl_chart_reliability(path, bins, 0, "t", "n", &err), MEWL_E_ARG);
    assert_int_equal(mewl_chart_reliability(path, bins, 65, "t", "n", &err), MEWL_E_ARG);
    bins[2].count = 1;
    assert_int_equal(mewl_chart_reliability(path, bins, 4, "t", "n", &err), MEWL_E_ARG);
    bins[2] = (mewl_chart_bin){1.5, 0.5, 0.0, 1.0, 1};
    assert_int_equal(mewl_chart_reliability(path, bins, 4, "t", "n", &err), MEWL_E_ARG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(forms), TEST(curves), TEST(confusion), TEST(reliability)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
