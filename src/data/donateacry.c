/* donateacry.c - names of the Donate-a-Cry corpus (its README explains them). Private parts of readers.h. */
#include "data/names.h"
#include "data/readers.h"
#include "data/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UUID_SIZE 36

/* 8-4-4-4-12 hexadecimal digits; copied in lower case. */
static bool parse_uuid(char *out, const char *text)
{
    for (size_t i = 0; i < UUID_SIZE; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])) {
            return false;
        }
        out[i] = (char)tolower((unsigned char)text[i]);
    }
    out[UUID_SIZE] = '\0';
    return true;
}

static bool one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool mewl_donateacry_parse(mewl_donateacry_name *out, const char *name)
{
    static const char *const ages[] = {"04", "48", "26", "72", "22"};
    static const char *const reasons[] = {"hu", "bu", "bp", "dc", "ti", "lo", "ch", "sc", "dk"};
    char text[160];
    memset(out, 0, sizeof *out);
    size_t length = strnlen(name, sizeof text);
    if (length >= sizeof text || length < UUID_SIZE + 2 || !parse_uuid(out->uuid, name) || name[UUID_SIZE] != '-') {
        return false;
    }
    memcpy(text, name, length + 1);
    /* The last three fields hold no '.', so the first '.' after the last '-' begins the extension, doubled or not. */
    char *last = strrchr(text, '-');
    char *dot = strchr(last, '.');
    if (dot != NULL) {
        *dot = '\0';
    }
    char *fields[16];
    size_t count = 0;
    for (char *at = text + UUID_SIZE + 1; at != NULL && count < 16;) {
        fields[count++] = at;
        at = strchr(at, '-');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    /* time, version, sex, age, reason; the two odd names have a second uuid (five fields) after the version. */
    if (count != 5 && count != 10) {
        return false;
    }
    char **end = fields + count - 3;
    double time;
    if (!mewl__parse_number(&time, fields[0], 1e8, 1e14) || strlen(fields[1]) >= sizeof out->version ||
        strspn(fields[1], "0123456789.") != strlen(fields[1]) || fields[1][0] == '\0' ||
        (strcasecmp(end[0], "m") != 0 && strcasecmp(end[0], "f") != 0) || !one_of(end[1], ages, 5) ||
        !one_of(end[2], reasons, 9)) {
        return false;
    }
    /* Seconds reach 1e11 in the year 5138; milliseconds passed it in 1973. */
    out->android = time >= 1e11;
    out->time_s = out->android ? time / 1000 : time;
    snprintf(out->version, sizeof out->version, "%s", fields[1]);
    out->sex[0] = (char)tolower((unsigned char)end[0][0]);
    memcpy(out->age, end[1], 3);
    memcpy(out->reason, end[2], 3);
    return true;
}

bool mewl__name_donateacry(const char *relative, mewl_row *row, char *scratch)
{
    static const char *const cleaned[] = {"hungry", "burping", "belly_pain", "discomfort", "tired"};
    mewl_donateacry_name name;
    if (!mewl_donateacry_parse(&name, mewl__base_name(relative))) {
        return false;
    }
    char folder[256];
    if (!mewl__folder_of(folder, sizeof folder, relative)) {
        return false;
    }
    const char *parent = mewl__base_name(folder);
    bool checked = one_of(parent, cleaned, 5);
    row->label = checked ? MEWL_LABEL_CRY : MEWL_LABEL_UNCHECKED;
    /* The corpus knows apps, not infants: app, sex and age group together are the closest it comes to one. */
    row->group = mewl__put(&scratch, "donateacry:%s", name.uuid);
    row->speaker = mewl__put(&scratch, "%s:%s:%s", name.uuid, name.sex, name.age);
    row->sex = mewl__put(&scratch, "%s", name.sex);
    row->age = mewl__put(&scratch, "%s", name.age);
    row->reason = mewl__put(&scratch, "%s", checked ? parent : name.reason);
    row->time_s = name.time_s;
    return true;
}
