/* test_steps.c - the picture of steps: forms by ending, marks of expirations and inspirations, bad arguments. */
#include <cairo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "../base/scratch.h"
#include "draw/steps.h"

#define COUNT 8000

static float samples[COUNT], levels[200], f0[200];
static const mewl_steps_burst bursts[2] = {{0.1, 0.5, false}, {0.6, 0.8, true}};
static const mewl_steps_fact facts[1] = {{"f0", "440 Hz"}};

static mewl_steps make(void)
{
    for (size_t i = 0; i < COUNT; i++) {
        double t = (double)i / COUNT;
        bool on = (t > 0.1 && t < 0.5) || (t > 0.6 && t < 0.8);
        samples[i] = on ? (float)(0.3 * sin(2764.6 * t)) : 0;
    }
    for (size_t i = 0; i < 200; i++) {
        levels[i] = -40;
        f0[i] = i % 2 ? 440 : 0;
    }
    return (mewl_steps){.title = "a \xff name",
                        .samples = samples,
                        .count = COUNT,
                        .rate_hz = COUNT,
                        .level_db = levels,
                        .level_count = 200,
                        .level_step_s = 0.005,
                        .threshold_db = -45,
                        .bursts = bursts,
                        .burst_count = 2,
                        .f0_hz = f0,
                        .f0_count = 200,
                        .f0_first_s = 0,
                        .f0_step_s = 0.005,
                        .f0_low_hz = 150,
                        .f0_high_hz = 3000,
                        .f0_line_hz = 1000,
                        .facts = facts,
                        .fact_count = 1};
}

/* Pixels of a PNG that are rgb, give or take 12 each. */
static size_t pixels(const char *path, int red, int green, int blue)
{
    cairo_surface_t *s = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(s), CAIRO_STATUS_SUCCESS);
    const unsigned char *data = cairo_image_surface_get_data(s);
    int stride = cairo_image_surface_get_stride(s), width = cairo_image_surface_get_width(s);
    size_t found = 0;
    for (int y = 0; y < cairo_image_surface_get_height(s); y++) {
        for (int x = 0; x < width; x++) {
            const unsigned char *p = data + (ptrdiff_t)y * stride + 4 * (ptrdiff_t)x;
            found += abs(p[2] - red) < 12 && abs(p[1] - green) < 12 && abs(p[0] - blue) < 12;
        }
    }
    cairo_surface_destroy(s);
    return found;
}

static void it_shows_breaths(void **state)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/steps.png", scratch_folder(*state));
    mewl_steps steps = make();
    mewl_error err = {0};
    assert_int_equal(mewl_steps_write(path, &steps, 0, 0, &err), MEWL_OK);
    assert_true(pixels(path, 0xe4, 0x57, 0x2e) > 10000); /* the expiration's waveform */
    size_t blue = pixels(path, 0x2f, 0x5d, 0x9f);
    assert_true(blue > 3000);
    steps.burst_count = 1;
    assert_int_equal(mewl_steps_write(path, &steps, 0, 0, &err), MEWL_OK);
    assert_true(pixels(path, 0x2f, 0x5d, 0x9f) + 3000 < blue);
}

static void forms_go_by_the_ending(void **state)
{
    mewl_steps steps = make();
    mewl_error err = {0};
    static const char *const good[] = {"a.svg", "a.pdf", "a.PNG"};
    char path[256];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", scratch_folder(*state), good[i]);
        assert_int_equal(mewl_steps_write(path, &steps, 600, 700, &err), MEWL_OK);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        assert_true(info.st_size > 1000);
    }
    (void)snprintf(path, sizeof path, "%s/a.gif", scratch_folder(*state));
    assert_int_equal(mewl_steps_write(path, &steps, 0, 0, &err), MEWL_E_ARG);
}

static void bad_figures_are_refused(void **state)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/bad.png", scratch_folder(*state));
    mewl_error err = {0};
    mewl_steps steps = make();
    steps.count = 0;
    assert_int_equal(mewl_steps_write(path, &steps, 0, 0, &err), MEWL_E_ARG);
    steps = make();
    steps.f0_low_hz = 0;
    assert_int_equal(mewl_steps_write(path, &steps, 0, 0, &err), MEWL_E_ARG);
    steps = make();
    mewl_steps_burst backwards = {0.5, 0.1, false};
    steps.bursts = &backwards;
    steps.burst_count = 1;
    assert_int_equal(mewl_steps_write(path, &steps, 0, 0, &err), MEWL_E_ARG);
    steps = make();
    assert_int_equal(mewl_steps_write(path, &steps, 100, 0, &err), MEWL_E_ARG);
    struct stat info;
    assert_int_not_equal(stat(path, &info), 0);
    steps.bursts = NULL;
    steps.burst_count = steps.f0_count = steps.level_count = steps.fact_count = 0;
    steps.threshold_db = steps.f0_line_hz = NAN;
    assert_int_equal(mewl_steps_write(path, &steps, 0, 0, &err), MEWL_OK); /* nothing but sound */
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_FOLDER(it_shows_breaths), WITH_FOLDER(forms_go_by_the_ending),
                                       WITH_FOLDER(bad_figures_are_refused)};
    return cmocka_run_group_tests_name("draw/steps", tests, NULL, NULL);
}
