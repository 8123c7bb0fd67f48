/* test_name_time.c - the times that names of recordings tell, by a pretended clock and time zone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/name_time.h"

#define NOW_S 1780000000 /* 2026-05-28 20:26:40 UTC */

/* What a name is read as, "" for no time, in UTC; the zone is two hours east of it, without summer time. */
static const struct {
    const char *name, *utc;
} table[] = {
    {"20260101_063015.wav", "2026-01-01 04:30:15"},
    {"20260101-063015.m4a", "2026-01-01 04:30:15"},
    {"20260101T063015.wav", "2026-01-01 04:30:15"},
    {"20260101T063015Z.wav", "2026-01-01 06:30:15"},
    {"20260101T0001.wav", "2025-12-31 22:01:00"},
    {"2026-01-01 06.30.15.wav", "2026-01-01 04:30:15"},
    {"2026-01-01 06.30.15", "2026-01-01 04:30:15"},
    {"2026-01-01 06-30-15.3gp", "2026-01-01 04:30:15"},
    {"2026-01-01 06:30:15.flac", "2026-01-01 04:30:15"},
    {"2026-01-01T06:30:15.wav", "2026-01-01 04:30:15"},
    {"2026-01-01T06:30:15.250Z.wav", "2026-01-01 06:30:15"},
    {"2026-01-01T06:30:15+05:30.wav", "2026-01-01 01:00:15"},
    {"2026-01-01T06:30:15-0500.wav", "2026-01-01 11:30:15"},
    {"2026_01_01_06_30_15.wav", "2026-01-01 04:30:15"},
    {"2026.01.01 06.30.wav", "2026-01-01 04:30:00"},
    {"2026-01-01-06h30m15s.ogg", "2026-01-01 04:30:15"},
    {"2026-01-01 06h30.ogg", "2026-01-01 04:30:00"},
    {"Recording 2026-01-01 06-30.m4a", "2026-01-01 04:30:00"},
    {"WhatsApp Audio 2026-01-01 at 06.30.15.opus", "2026-01-01 04:30:15"},
    {"WhatsApp Audio 2026-01-01 at 6.30.15 PM.opus", "2026-01-01 16:30:15"},
    {"Screen 2026-01-01 at 12.05.00 AM.mov", "2025-12-31 22:05:00"},
    {"PXL_20260101_063015123.mp4", "2026-01-01 06:30:15"}, /* Google's camera: UTC */
    {"PXL_20260101_063015123.TS.mp4", "2026-01-01 06:30:15"},
    {"VID_20260101_063015.mp4", "2026-01-01 04:30:15"},
    {"REC_20260101_063015.wav", "2026-01-01 04:30:15"},
    {"AUD_20260101_063015.aac", "2026-01-01 04:30:15"},
    {"Voice_20260101_063015.amr", "2026-01-01 04:30:15"},
    {"R20260101-063015.wav", "2026-01-01 04:30:15"},
    {"20260101_063015-002.wav", "2026-01-01 04:30:15"},
    {"20260101_063015(1).wav", "2026-01-01 04:30:15"},
    {"20260101_063015-20260101_070000.wav", "2026-01-01 04:30:15"}, /* its beginning */
    {"crib 20260101 0630.wav", "2026-01-01 04:30:00"},
    {"20240229_120000.wav", "2024-02-29 10:00:00"},
    {"20260529_010000.wav", "2026-05-28 23:00:00"}, /* a clock that is ahead by hours */
    /* No time. */
    {"AUD-20260101-WA0001.opus", ""},
    {"PTT-20260101-WA0630.opus", ""},
    {"20260101.wav", ""},
    {"2026-01-01.wav", ""},
    {"2026-01-01 cry 3.wav", ""},
    {"20260101_0001.wav", ""}, /* a serial number? */
    {"20260101_12345.wav", ""},
    {"20260101_0630151.wav", ""},
    {"20261301_063015.wav", ""},
    {"20260431_063015.wav", ""},
    {"20260229_063015.wav", ""},
    {"20260100_063015.wav", ""},
    {"20260101_240000.wav", ""},
    {"20260101_066015.wav", ""},
    {"20260101_063060.wav", ""},
    {"2026-01-01 13.30.15 PM.wav", ""},
    {"19991231_063015.wav", ""},
    {"20260601_063015.wav", ""}, /* not yet */
    {"21000101_063015.wav", ""},
    {"260101_0630.wav", ""}, /* the 26th of January 2001? */
    {"01-02-2026 06.30.15.wav", ""},
    {"120260101_063015.wav", ""},
    {"20260101_063015abc.wav", ""},
    {"2026-0101_063015.wav", ""},
    {"night.wav", ""},
    {"", ""},
};

static void test_table(void **state)
{
    (void)state;
    size_t wrong = 0;
    assert_int_equal(setenv("TZ", "EET-2", 1), 0);
    tzset();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[32] = "";
        int64_t ms = 0;
        if (mewl_cli_name_time(&ms, table[i].name, (int64_t)NOW_S * 1000)) {
            const time_t seconds = (time_t)(ms / 1000);
            struct tm t;
            assert_true(strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &t)) > 0);
        }
        if (strcmp(text, table[i].utc) != 0) {
            print_error("%s: \"%s\", expected \"%s\"\n", table[i].name, text, table[i].utc);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* By the clock of the place as it then was: winter and summer. */
static void test_summer_time(void **state)
{
    (void)state;
    int64_t winter = 0, summer = 0;
    assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    assert_true(mewl_cli_name_time(&winter, "20260115_120000.wav", (int64_t)NOW_S * 1000));
    assert_true(mewl_cli_name_time(&summer, "20260515_120000.wav", (int64_t)NOW_S * 1000));
    assert_int_equal(winter / 1000 % 86400, 11 * 3600);
    assert_int_equal(summer / 1000 % 86400, 10 * 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_summer_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
