/* name_time.c - see name_time.h. */
#include "cli/name_time.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define YEAR_FIRST 2000
#define DAY_S 86400

static size_t digit_run(const char *text)
{
    return strspn(text, "0123456789");
}

/* Number of exactly `count` digits at *at; moves on. */
static bool take(const char **at, size_t count, int *out)
{
    if (digit_run(*at) < count) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        *out = 10 * *out + (*(*at)++ - '0');
    }
    return true;
}

/* 20260101, or with one separator throughout: 2026-01-01, 2026_01_01, 2026.01.01. */
static bool take_day(const char **at, struct tm *t)
{
    int year, month, day;
    const char *p = *at;
    const size_t run = digit_run(p);
    if ((run != 4 && run != 8) || !take(&p, 4, &year)) {
        return false;
    }
    const char between = run == 8 ? '\0' : *p;
    if (run == 4 && (between == '\0' || strchr("-_.", between) == NULL)) {
        return false;
    }
    p += run == 4;
    if ((run == 4 && digit_run(p) != 2) || !take(&p, 2, &month) || (run == 4 && *p++ != between) || digit_run(p) != 2 ||
        !take(&p, 2, &day) || year < YEAR_FIRST || month < 1 || month > 12 || day < 1) {
        return false;
    }
    *t = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1};
    struct tm same = *t;
    (void)timegm(&same);
    *at = p;
    return same.tm_mday == day && same.tm_mon == month - 1;
}

/* What stands between day and time: T, one of "_- .", or the "at" and commas of people. *sure: a time must follow. */
static bool take_joint(const char **at, bool *sure)
{
    static const char *const joints[] = {" at ", "_at_", ", ", " - ", "T", "t", "_", "-", " ", "."};
    for (size_t i = 0; i < sizeof joints / sizeof joints[0]; i++) {
        const size_t length = strlen(joints[i]);
        if (strncmp(*at, joints[i], length) == 0) {
            *at += length;
            *sure = i < 2 || joints[i][0] == 'T' || joints[i][0] == 't';
            return true;
        }
    }
    return false;
}

/* 0630, 063015, 063015123 (thousandths). */
static bool take_compact(const char **at, struct tm *t, bool sure)
{
    const size_t run = digit_run(*at);
    if ((run != 4 && run != 6 && run != 9) || !take(at, 2, &t->tm_hour) || !take(at, 2, &t->tm_min)) {
        return false;
    }
    if (run == 4) {
        return sure || t->tm_hour > 0; /* 0001 counts recordings */
    }
    (void)take(at, 2, &t->tm_sec);
    *at += run - 6;
    return true;
}

/* 6.30, 06-30-15, 06:30:15.123, 06h30m15s. */
static bool take_spaced(const char **at, struct tm *t)
{
    const char *p = *at;
    const size_t run = digit_run(p);
    if (run < 1 || run > 2 || !take(&p, run, &t->tm_hour) || *p == '\0' || strchr("-_.:h", *p) == NULL) {
        return false;
    }
    const char between = *p++ == 'h' ? 'm' : p[-1];
    if (digit_run(p) != 2 || !take(&p, 2, &t->tm_min)) {
        return false;
    }
    if (*p == between && digit_run(p + 1) == 2) {
        p++;
        (void)take(&p, 2, &t->tm_sec);
        p += between == 'm' && *p == 's';
    } else {
        p += between == 'm' && *p == 'm';
    }
    *at = p;
    return true;
}

/* Z, +01:00, -0500: minutes east of Greenwich. A minus alone goes before serial numbers too, so that it counts only
 * behind the T of ISO 8601. */
static bool take_zone(const char **at, int *minutes, bool iso)
{
    const char *p = *at;
    int hours, rest;
    *minutes = 0;
    if ((*p == 'Z' || *p == 'z') && !isalnum((unsigned char)p[1])) {
        (*at)++;
        return true;
    }
    const int sign = *p == '-' ? -1 : 1;
    if (*p != '+' && !(*p == '-' && iso)) {
        return false;
    }
    p++;
    if (!take(&p, 2, &hours)) {
        return false;
    }
    p += *p == ':';
    if (digit_run(p) != 2 || !take(&p, 2, &rest) || hours > 14 || rest > 59) {
        return false;
    }
    *minutes = sign * (60 * hours + rest);
    *at = p;
    return true;
}

/* " AM", "pm": turns the hour of twelve into that of the day. */
static bool take_half(const char **at, struct tm *t)
{
    const char *p = *at + (**at == ' ' || **at == '_');
    const bool after = strncasecmp(p, "pm", 2) == 0;
    if ((!after && strncasecmp(p, "am", 2) != 0) || isalnum((unsigned char)p[2])) {
        return true;
    }
    if (t->tm_hour < 1 || t->tm_hour > 12) {
        return false;
    }
    t->tm_hour = t->tm_hour % 12 + (after ? 12 : 0);
    *at = p + 2;
    return true;
}

/* A moment that begins at `at`, in seconds. */
static bool read_moment(const char *at, bool utc, time_t *seconds)
{
    struct tm t;
    bool sure = false;
    int minutes = 0;
    if (!take_day(&at, &t) || !take_joint(&at, &sure)) {
        return false;
    }
    const bool iso = at[-1] == 'T' || at[-1] == 't';
    if (!take_spaced(&at, &t) && !take_compact(&at, &t, sure)) {
        return false;
    }
    if ((*at == '.' || *at == ',') && digit_run(at + 1) > 0) { /* of a second: not kept */
        at += 1 + digit_run(at + 1);
    }
    if (!take_half(&at, &t)) {
        return false;
    }
    const bool zone = take_zone(&at, &minutes, iso);
    if (isalnum((unsigned char)*at) || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 59) {
        return false;
    }
    *seconds = zone || utc ? timegm(&t) - 60 * (time_t)minutes : mktime(&t);
    return true;
}

bool mewl_cli_name_time(int64_t *ms, const char *name, int64_t now_ms)
{
    char stem[256];
    const size_t length = strnlen(name, sizeof stem);
    if (length >= sizeof stem) {
        return false;
    }
    memcpy(stem, name, length + 1);
    char *dot = strrchr(stem, '.');
    if (dot != NULL && strlen(dot) <= 6 && strpbrk(dot, " _-:") == NULL && dot[1 + digit_run(dot + 1)] != '\0') {
        *dot = '\0'; /* .wav, .3gp, but not the 15 of 06.30.15 */
    }
    const bool utc = strncmp(stem, "PXL_", 4) == 0;
    for (const char *at = stem; *at != '\0'; at++) {
        time_t seconds = 0;
        if ((at == stem || !isdigit((unsigned char)at[-1])) && read_moment(at, utc, &seconds)) {
            *ms = (int64_t)seconds * 1000;
            return seconds >= 0 && *ms <= now_ms + (int64_t)DAY_S * 1000;
        }
    }
    return false;
}
