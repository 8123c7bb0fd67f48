/* Tests of base/clock, base/progress and base/log. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/progress.h"

static void wall_times_are_written_as_iso(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "invalid"},
        {INT64_MIN, "invalid"},
        {INT64_MAX, "invalid"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[MEWL_CLOCK_ISO_MAX];
        mewl_clock_iso(text, rows[i].wall_ms);
        assert_string_equal(text, rows[i].text);
    }
}

static void the_pretended_clock_moves_when_told(void **state)
{
    (void)state;
    mewl_clock_manual manual = {.monotonic_s = 5, .wall_ms = 1000};
    mewl_clock clock = mewl_clock_pretended(&manual);
    assert_true(mewl_clock_now_s(&clock) == 5);
    mewl_clock_sleep(&clock, 1.5);
    mewl_clock_sleep(&clock, -3);
    mewl_clock_sleep(&clock, NAN);
    mewl_clock_advance(&manual, -1);
    mewl_clock_advance(&manual, INFINITY);
    assert_true(mewl_clock_now_s(&clock) == 6.5);
    assert_int_equal(mewl_clock_wall_ms(&clock), 2500);
    assert_true(manual.slept_s == 1.5);
    for (int i = 0; i < 30000; i++) { /* a thirtieth of a millisecond each: no step may be lost to rounding */
        mewl_clock_advance(&manual, 1.0 / 30000.0);
    }
    assert_int_equal(mewl_clock_wall_ms(&clock), 3500);
}

static void the_machine_clock_runs_and_sleeps(void **state)
{
    (void)state;
    mewl_clock clock = mewl_clock_system();
    double start_s = mewl_clock_now_s(&clock);
    int64_t wall_ms = mewl_clock_wall_ms(&clock);
    mewl_clock_sleep(&clock, 0.02);
    assert_true(mewl_clock_now_s(&clock) - start_s >= 0.02);
    assert_true(llabs((long long)wall_ms / 1000 - (long long)time(NULL)) <= 2);
    mewl_clock_sleep(&clock, -1);
    mewl_clock_sleep(&clock, NAN);
}

static void time_left_is_said_when_it_can_be(void **state)
{
    (void)state;
    assert_true(mewl_progress_left_s(10, 25, 100) == 30);
    assert_true(mewl_progress_left_s(10, 100, 100) == 0);
    assert_true(mewl_progress_left_s(10, 120, 100) == 0);
    assert_true(mewl_progress_left_s(10, 0, 100) == -1);
    assert_true(mewl_progress_left_s(0.4, 50, 100) == -1);
    assert_true(mewl_progress_left_s(10, 50, 0) == -1);
    assert_true(mewl_progress_left_s(10, NAN, 100) == -1);
    assert_true(mewl_progress_left_s(INFINITY, 5, 100) == -1);
}

static void spans_are_for_people(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "0 s"},
                {7.4, "7 s"},
                {59.6, "1 min 00 s"},
                {125, "2 min 05 s"},
                {12000, "3 h 20 min"},
                {187200, "2 d 4 h"},
                {1e30, "100000 d 0 h"},
                {-1, ""},
                {NAN, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[24];
        mewl_progress_span(text, sizeof text, rows[i].seconds);
        assert_string_equal(text, rows[i].text);
    }
    char tiny[3] = "xx";
    mewl_progress_span(tiny, sizeof tiny, 12000);
    assert_string_equal(tiny, "3 ");
    mewl_progress_span(NULL, 0, 1);
}

static void keep_report(void *user, double done, double total, const char *what)
{
    (void)snprintf(user, 64, "%g/%g %s", done, total, what);
}

static void keep_line(void *user, mewl_log_level level, const char *text)
{
    (void)snprintf(user, MEWL_LOG_TEXT_MAX + 16, "%s: %s", mewl_log_level_name(level), text);
}

static void callbacks_are_called_when_there(void **state)
{
    (void)state;
    char seen[MEWL_LOG_TEXT_MAX + 16] = "";
    mewl_progress progress = {keep_report, seen};
    mewl_progress_report(&progress, 2, 5, "clips");
    assert_string_equal(seen, "2/5 clips");
    mewl_progress_report(NULL, 2, 5, "clips");
    mewl_progress_report(&(mewl_progress){0}, 2, 5, "clips");

    mewl_log log = {keep_line, seen, MEWL_LOG_WARNING};
    mewl_log_print(&log, MEWL_LOG_WARNING, "%d dB", 3);
    assert_string_equal(seen, "warning: 3 dB");
    mewl_log_print(&log, MEWL_LOG_INFO, "too talkative");
    assert_string_equal(seen, "warning: 3 dB");
    mewl_log_print(&log, MEWL_LOG_ERROR, "%05000d", 1);
    assert_int_equal(strlen(seen), strlen("error: ") + MEWL_LOG_TEXT_MAX - 1);
    mewl_log_print(NULL, MEWL_LOG_ERROR, "nobody");
    mewl_log_print(&(mewl_log){0}, MEWL_LOG_ERROR, "nobody");
    assert_string_equal(mewl_log_level_name((mewl_log_level)9), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_times_are_written_as_iso),
        cmocka_unit_test(the_pretended_clock_moves_when_told),
        cmocka_unit_test(the_machine_clock_runs_and_sleeps),
        cmocka_unit_test(time_left_is_said_when_it_can_be),
        cmocka_unit_test(spans_are_for_people),
        cmocka_unit_test(callbacks_are_called_when_there),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
