#include "data/text.h"

#include "base/word.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mewl__parse_number(double *out, const char *text, double low, double high)
{
    size_t length = strspn(text, "0123456789+-.eE");
    if (length == 0 || text[length] != '\0' || length > 40) {
        return false;
    }
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0' || end == text || !isfinite(value) || value < low || value > high) {
        return false;
    }
    *out = value;
    return true;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar (March-based years make leap days last). */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t in_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + day_of_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t in_era = days - era * 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t day_of_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

/* Reads exactly `digits` digits. */
static bool digits_of(int *out, const char **at, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *at += digits;
    *out = value;
    return true;
}

static bool literal(const char **at, char c)
{
    if (**at != c) {
        return false;
    }
    (*at)++;
    return true;
}

bool mewl__parse_time(double *out, const char *text)
{
    if (mewl__parse_number(out, text, -6e10, 2.5e11)) {
        return true;
    }
    int year, month, day, hour = 0, minute = 0, second = 0;
    double fraction = 0;
    const char *at = text;
    if (!digits_of(&year, &at, 4) || !literal(&at, '-') || !digits_of(&month, &at, 2) || !literal(&at, '-') ||
        !digits_of(&day, &at, 2)) {
        return false;
    }
    if (*at == 'T' || *at == ' ') {
        at++;
        if (!digits_of(&hour, &at, 2) || !literal(&at, ':') || !digits_of(&minute, &at, 2)) {
            return false;
        }
        if (literal(&at, ':') && !digits_of(&second, &at, 2)) {
            return false;
        }
        if (literal(&at, '.')) {
            double scale = 0.1;
            if (*at < '0' || *at > '9') {
                return false;
            }
            for (; *at >= '0' && *at <= '9'; at++, scale /= 10) {
                fraction += (*at - '0') * scale;
            }
        }
        literal(&at, 'Z');
    }
    if (*at != '\0' || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *out = (double)(days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) + fraction;
    return true;
}

void mewl__format_time(char *out, size_t size, double time_s)
{
    int64_t ms = llround(time_s * 1000);
    int64_t days = ms / 86400000 - (ms % 86400000 < 0);
    int64_t rest = ms - days * 86400000;
    int year, month, day;
    date_of(days, &year, &month, &day);
    int used = snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, (int)(rest / 3600000),
                        (int)(rest / 60000 % 60), (int)(rest / 1000 % 60));
    if (used > 0 && (size_t)used < size) {
        if (rest % 1000 != 0) {
            snprintf(out + used, size - (size_t)used, ".%03dZ", (int)(rest % 1000));
        } else {
            snprintf(out + used, size - (size_t)used, "Z");
        }
    }
}

bool mewl__folder_of(char *out, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= size) {
        return false;
    }
    memcpy(out, path, length);
    out[length] = '\0';
    return true;
}

const char *mewl__base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

void mewl__slug(char *out, size_t size, const char *text)
{
    size_t used = 0;
    bool gap = false;
    for (; *text != '\0' && used + 2 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 'A' && c <= 'Z') {
            c = (unsigned char)(c + ('a' - 'A'));
        }
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80) {
            if (gap && used > 0) {
                out[used++] = '-';
            }
            gap = false;
            out[used++] = (char)c;
        } else {
            gap = true;
        }
    }
    if (size > 0) {
        out[used] = '\0';
    }
}

const char *mewl__nearest(const char *word, const char *const *known, size_t count)
{
    const char *nearest = NULL;
    size_t best = strnlen(word, MEWL_WORD_MAX) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        size_t distance = mewl_word_distance(word, known[i]);
        if (distance < best) {
            best = distance;
            nearest = known[i];
        }
    }
    return nearest;
}
