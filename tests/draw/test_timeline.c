/* test_timeline.c - weeks in a picture: right forms, the right marks in the right places. MEWL_KEEP_PICTURE names a
 * file to leave one in, to be looked at. */
#include <cairo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "../base/scratch.h"
#include "base/file.h"
#include "draw/timeline.h"

#define FIRST 20000.0
#define DAYS 90

static double heard[DAYS];
static mewl_timeline_point points[DAYS * 4];
static size_t point_count;

/* Three months: days without listening from 30 to 36, a stretch of unusual sessions from 70 on. */
static void make_weeks(void)
{
    unsigned seed = 5;
    point_count = 0;
    for (int d = 0; d < DAYS; d++) {
        const bool absent = d >= 30 && d < 37;
        heard[d] = absent ? 0.0 : 6.0 + 8.0 * fabs(sin(d));
        for (int k = 0; !absent && k < 2; k++) {
            seed = seed * 1664525u + 1013904223u;
            double p = ((double)(seed >> 8) + 1.0) / 16777217.0;
            p = d >= 70 && d < 74 ? 0.002 * p : fmax(p, 0.02);
            points[point_count++] =
                (mewl_timeline_point){FIRST + d + 0.3 + 0.4 * k, d < 6 ? (double)NAN : p, true, p < 0.01 && d >= 6};
            points[point_count++] = (mewl_timeline_point){FIRST + d + 0.31 + 0.4 * k, fmin(1.0, 2.0 * p), false, false};
        }
    }
}

static const mewl_timeline_mark marks[] = {{MEWL_TIMELINE_BASELINE, FIRST + 6.0, "usual cries learned"},
                                           {MEWL_TIMELINE_MICROPHONE, FIRST + 51.5, "another microphone"},
                                           {MEWL_TIMELINE_ALERT, FIRST + 70.6, "unlike usual since 6 Dec"},
                                           {MEWL_TIMELINE_ALERT, FIRST + 71.6, "does not fit beside the one before"}};

static mewl_timeline_opts weeks(void)
{
    return (mewl_timeline_opts){.title = "Ida, 90 days",
                                .note = "Listened on 83 of 90 days. A difference in sound, not a diagnosis.",
                                .first_day = FIRST,
                                .last_day = FIRST + DAYS,
                                .born_day = FIRST - 20.0,
                                .usual_p = 0.01,
                                .heard_h = heard};
}

/* How many pixels of a PNG between two columns are of this colour, give or take 10. */
static size_t count_pixels(const char *path, uint32_t rgb, double from, double to)
{
    cairo_surface_t *s = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(s), CAIRO_STATUS_SUCCESS);
    size_t found = 0;
    const int width = cairo_image_surface_get_width(s);
    for (int y = 0; y < cairo_image_surface_get_height(s); y++) {
        const unsigned char *row = cairo_image_surface_get_data(s) + y * cairo_image_surface_get_stride(s);
        for (int x = (int)(from * width); x < (int)(to * width); x++) {
            const unsigned char *at = row + 4 * x;
            found += abs((int)at[2] - (int)(rgb >> 16)) < 10 && abs((int)at[1] - (int)(rgb >> 8 & 255)) < 10 &&
                     abs((int)at[0] - (int)(rgb & 255)) < 10;
        }
    }
    cairo_surface_destroy(s);
    return found;
}

static void forms(void **state)
{
    mewl_error err = {0};
    const char *const names[] = {"t.png", "t.svg", "t.pdf"};
    make_weeks();
    for (size_t i = 0; i < 3; i++) {
        const char *path = scratch_path(*state, names[i]);
        assert_int_equal(mewl_timeline_draw(path, points, point_count, marks, 4, weeks(), &err), MEWL_OK);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        assert_true(info.st_size > 5000);
    }
    const char *keep = getenv("MEWL_KEEP_PICTURE");
    if (keep != NULL) {
        assert_int_equal(mewl_timeline_draw(keep, points, point_count, marks, 4, weeks(), &err), MEWL_OK);
    }
}

static void what_happened_is_where_it_happened(void **state)
{
    mewl_error err = {0};
    const char *path = scratch_path(*state, "t.png");
    mewl_timeline_opts opts = weeks();
    make_weeks();
    assert_int_equal(mewl_timeline_draw(path, points, point_count, NULL, 0, opts, &err), MEWL_OK);
    const uint32_t unusual = 0xe4572e, usual = 0x0f766e, unheard = 0xe1e4e9;
    assert_int_equal(count_pixels(path, unusual, 0.10, 0.75), 0);
    assert_true(count_pixels(path, unusual, 0.75, 0.88) > 100);
    assert_true(count_pixels(path, usual, 0.2, 0.35) > 300);
    assert_int_equal(count_pixels(path, usual, 0.395, 0.435), 0); /* the week away */
    assert_true(count_pixels(path, unheard, 0.395, 0.435) > 10000);
    assert_true(count_pixels(path, unheard, 0.5, 0.54) < 4000);
    opts.heard_h = NULL;
    assert_int_equal(mewl_timeline_draw(path, points, point_count, marks, 4, opts, &err), MEWL_OK);
    assert_true(count_pixels(path, 0x2f5d9f, 0.58, 0.65) > 20);
    assert_true(count_pixels(path, unheard, 0.395, 0.435) < 2500);
}

/* Words of what happened at the end stand left of it, and those of two days in a row below each other. */
static void words_stay_inside(void **state)
{
    mewl_error err = {0};
    const char *path = scratch_path(*state, "t.png");
    mewl_timeline_opts opts = weeks();
    const mewl_timeline_mark last[] = {{MEWL_TIMELINE_ALERT, opts.last_day - 1.5, NULL},
                                       {MEWL_TIMELINE_ALERT, opts.last_day - 0.5, NULL}};
    mewl_timeline_mark told[] = {last[0], last[1]};
    const uint32_t ink = 0xe4572e;
    opts.heard_h = NULL;
    assert_int_equal(mewl_timeline_draw(path, NULL, 0, last, 2, opts, &err), MEWL_OK);
    const size_t bare = count_pixels(path, ink, 0.7, 0.92);
    told[1].text = "unlike usual for some days";
    assert_int_equal(mewl_timeline_draw(path, NULL, 0, told, 2, opts, &err), MEWL_OK);
    const size_t one = count_pixels(path, ink, 0.7, 0.92);
    told[0].text = told[1].text;
    assert_int_equal(mewl_timeline_draw(path, NULL, 0, told, 2, opts, &err), MEWL_OK);
    const size_t two = count_pixels(path, ink, 0.7, 0.92);
    assert_true(one > bare + 50);
    assert_true(two > one + 50);
}

/* Nothing at all, one day, ten years, odd figures. */
static void the_ends_hold(void **state)
{
    mewl_error err = {0};
    const char *path = scratch_path(*state, "t.png");
    mewl_timeline_opts opts = {.first_day = FIRST, .last_day = FIRST + 1, .born_day = (double)NAN, .usual_p = 0.05};
    const mewl_timeline_point odd[] = {{(double)NAN, 0.5, true, false},
                                       {FIRST + 0.5, 0.0, true, true},
                                       {FIRST + 0.6, (double)INFINITY, true, false},
                                       {1e300, 0.5, false, false}};
    const mewl_timeline_mark mark = {MEWL_TIMELINE_NOTE, FIRST + 0.999, "at the very edge of the picture\xff"};
    assert_int_equal(mewl_timeline_draw(path, NULL, 0, NULL, 0, opts, &err), MEWL_OK);
    assert_int_equal(mewl_timeline_draw(path, odd, 4, &mark, 1, opts, &err), MEWL_OK);
    opts.last_day = FIRST + MEWL_TIMELINE_DAYS_MAX;
    opts.width_px = 480;
    opts.height_px = 320;
    assert_int_equal(mewl_timeline_draw(path, odd, 4, &mark, 1, opts, &err), MEWL_OK);
    opts.last_day = FIRST + MEWL_TIMELINE_DAYS_MAX + 1;
    assert_int_equal(mewl_timeline_draw(path, odd, 4, &mark, 1, opts, &err), MEWL_E_ARG);
    opts.last_day = FIRST + 1.5;
    assert_int_equal(mewl_timeline_draw(path, odd, 4, &mark, 1, opts, &err), MEWL_E_ARG);
    opts.last_day = FIRST + 1;
    opts.usual_p = 0.0;
    assert_int_equal(mewl_timeline_draw(path, odd, 4, &mark, 1, opts, &err), MEWL_E_ARG);
    opts.usual_p = 0.05;
    assert_int_equal(mewl_timeline_draw(scratch_path(*state, "t.gif"), odd, 4, &mark, 1, opts, &err), MEWL_E_ARG);
    const mewl_timeline_mark kindless = {(mewl_timeline_mark_kind)9, FIRST, NULL};
    assert_int_equal(mewl_timeline_draw(path, odd, 4, &kindless, 1, opts, &err), MEWL_E_ARG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(forms), TEST(what_happened_is_where_it_happened), TEST(words_stay_inside),
                                       TEST(the_ends_hold)};
    return cmocka_run_group_tests_name("draw/timeline", tests, NULL, NULL);
}
