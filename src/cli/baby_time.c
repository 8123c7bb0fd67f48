/* baby_time.c - times and ages as people write them; see baby.h. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/baby.h"
#include "cli/name_time.h"
#include "data/readers.h"

/* Digits at *at, exactly `count` of them; moves on. */
static bool digits(const char **at, int count, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        *out = 10 * *out + (*(*at)++ - '0');
    }
    return true;
}

static bool skip(const char **at, const char *any_of)
{
    if (**at == '\0' || strchr(any_of, **at) == NULL) {
        return false;
    }
    (*at)++;
    return true;
}

static bool take_day(const char **at, struct tm *t)
{
    int year, month, day;
    if (!digits(at, 4, &year) || !skip(at, "-") || !digits(at, 2, &month) || !skip(at, "-") || !digits(at, 2, &day) ||
        year < 1900 || year > 2199 || month < 1 || month > 12 || day < 1 || day > 31) {
        return false;
    }
    *t = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1};
    struct tm same = *t;
    (void)timegm(&same);
    return same.tm_mday == day; /* there is no 31 April */
}

/* "Z", "+01:00", "-0530" to minutes; *given is false where nothing stands. */
static bool take_zone(const char **at, bool *given, int *minutes)
{
    int hours, rest;
    *given = **at != '\0';
    *minutes = 0;
    if (!*given || skip(at, "Zz")) {
        return true;
    }
    const int sign = **at == '-' ? -1 : 1;
    if (!skip(at, "+-") || !digits(at, 2, &hours)) {
        return false;
    }
    (void)skip(at, ":");
    if (!digits(at, 2, &rest) || hours > 14 || rest > 59) {
        return false;
    }
    *minutes = sign * (60 * hours + rest);
    return true;
}

bool mewl_baby_parse_day(int64_t *ms, const char *text)
{
    struct tm t;
    if (!take_day(&text, &t) || *text != '\0') {
        return false;
    }
    *ms = (int64_t)timegm(&t) * 1000;
    return true;
}

bool mewl_baby_parse_time(int64_t *ms, const char *text)
{
    struct tm t;
    bool zone = false;
    int minutes = 0;
    if (!take_day(&text, &t)) {
        return false;
    }
    if (skip(&text, "T ")) {
        const int width = text[0] != '\0' && text[1] == ':' ? 1 : 2; /* "1:17" as people write it */
        if (!digits(&text, width, &t.tm_hour) || !skip(&text, ":") || !digits(&text, 2, &t.tm_min) ||
            (skip(&text, ":") && !digits(&text, 2, &t.tm_sec)) || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 59) {
            return false;
        }
        if (skip(&text, ".")) { /* of a second, as our own output has it: not kept */
            text += strspn(text, "0123456789");
        }
        if (!take_zone(&text, &zone, &minutes)) {
            return false;
        }
    }
    if (*text != '\0') {
        return false;
    }
    const time_t seconds = zone ? timegm(&t) - 60 * (time_t)minutes : mktime(&t);
    *ms = (int64_t)seconds * 1000;
    return true;
}

static char *format(char *out, int64_t ms, const char *form, bool local)
{
    const time_t seconds = (time_t)(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
    struct tm t;
    if ((local ? localtime_r(&seconds, &t) : gmtime_r(&seconds, &t)) == NULL || strftime(out, 32, form, &t) == 0) {
        (void)strcpy(out, "?");
    }
    return out;
}

char *mewl_baby_time(char *out, int64_t ms)
{
    return format(out, ms, "%Y-%m-%d %H:%M", true);
}

char *mewl_baby_day(char *out, int64_t born_ms)
{
    return format(out, born_ms, "%Y-%m-%d", false);
}

char *mewl_baby_age(char *out, int64_t born_ms, int64_t at_ms)
{
    const long long days = (at_ms - born_ms) / MEWL_BABY_DAY_MS;
    if (at_ms < born_ms) {
        (void)snprintf(out, 32, "not born yet");
    } else if (days < 14) {
        (void)snprintf(out, 32, "%lld day%s", days, days == 1 ? "" : "s");
    } else if (days < 91) {
        (void)snprintf(out, 32, "%lld weeks", days / 7);
    } else if (days < 731) {
        (void)snprintf(out, 32, "%d months", (int)((double)days / 30.4375));
    } else {
        (void)snprintf(out, 32, "%d years", (int)((double)days / 365.25));
    }
    return out;
}

/* The time in a file's name, in seconds; false when it has none. */
static bool name_time(double *seconds, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    mewl_donateacry_name donated;
    if (mewl_donateacry_parse(&donated, name)) {
        *seconds = donated.time_s;
        return isfinite(*seconds) && *seconds > 0.0 && *seconds < 7e9;
    }
    char scratch[4096];
    mewl_row row = {.time_s = (double)NAN};
    const mewl_reader *dated = mewl_reader_find("lockhart-bouron");
    if (dated != NULL && dated->name != NULL && dated->name(name, &row, scratch)) {
        *seconds = row.time_s;
        return isfinite(*seconds);
    }
    int64_t ms = 0;
    if (mewl_cli_name_time(&ms, name, (int64_t)time(NULL) * 1000)) {
        *seconds = 1e-3 * (double)ms;
        return true;
    }
    return false;
}

mewl_status mewl_baby_file_time(int64_t *ms, mewl_store_time_from *from, const char *path, double seconds,
                                mewl_error *err)
{
    double named = 0.0;
    struct stat info;
    if (name_time(&named, path)) {
        *ms = llround(1000.0 * named);
        *from = MEWL_STORE_TIME_NAME;
        return MEWL_OK;
    }
    if (stat(path, &info) != 0) {
        return mewl_error_errno(err, errno, path);
    }
    *ms = (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000 - llround(1000.0 * seconds);
    *from = MEWL_STORE_TIME_FILE;
    return MEWL_OK;
}
