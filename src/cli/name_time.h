/* name_time.h - the moment that a recording's file name tells, as phones and recorders write it. Not the names of data
 * sets: data/readers.h. */
#ifndef MEWL_CLI_NAME_TIME_H
#define MEWL_CLI_NAME_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* Finds the first day with a time of day in `name`, a file's name without its folder, and writes its moment in ms since
 * 1970. Read are a year of four digits, month, day, then hour, minute and maybe second and its fraction:
 * 20260101_063015, 2026-01-01 06.30.15, 2026-01-01T06:30, "2026-01-01 at 6.30.15 PM", 2026-01-01-06h30m15, with letters
 * or a serial number before or behind. The clock is that of this place, unless Z or +01:00 stands behind, and but for
 * PXL_..., which Google's camera writes in UTC.
 * False where there is none: a day alone (AUD-20260101-WA0001), a year of two digits or another order (260101 may be
 * the 26th of January 2001), a day or hour that does not exist, before 2000 or more than a day after `now_ms`, and
 * 20260101_0001, four digits in one that may as well count recordings as say one past midnight. */
bool mewl_cli_name_time(int64_t *ms, const char *name, int64_t now_ms);

#endif
