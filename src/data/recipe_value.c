#include "data/recipe_value.h"

#include "data/text.h"

#include <string.h>

/* Copies [from, to) without blanks at its ends. NULL when out of memory. */
char *mewl__value_trimmed(mewl_arena *arena, const char *from, const char *to)
{
    while (from < to && strchr(" \t\r\n", *from) != NULL) {
        from++;
    }
    while (to > from && strchr(" \t\r\n", to[-1]) != NULL) {
        to--;
    }
    char *copy = mewl_arena_alloc(arena, (size_t)(to - from) + 1);
    if (copy != NULL) {
        memcpy(copy, from, (size_t)(to - from));
    }
    return copy;
}

bool mewl__value_bool(bool *out, const char *text)
{
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

bool mewl__value_choice(const char **out, const char *text, const char *choices, mewl_arena *arena)
{
    size_t length = strlen(text);
    for (const char *at = choices; length > 0; at++) {
        size_t n = strcspn(at, "|");
        if (n == length && memcmp(at, text, n) == 0) {
            *out = mewl_arena_string(arena, text);
            return *out != NULL;
        }
        at += n;
        if (*at == '\0') {
            break;
        }
    }
    return false;
}

bool mewl__value_range(mewl_recipe_range *out, char *text, double low, double high)
{
    char *dots = text != NULL ? strstr(text, "..") : NULL;
    if (text == NULL) {
        return false;
    }
    if (dots == NULL) {
        out->high = 0;
        if (!mewl__parse_number(&out->low, text, low, high)) {
            return false;
        }
        out->high = out->low;
        return true;
    }
    char *end = dots;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *end = '\0';
    dots += 2;
    dots += strspn(dots, " \t");
    return mewl__parse_number(&out->low, text, low, high) && mewl__parse_number(&out->high, dots, low, high) &&
           out->low <= out->high;
}

/* Splits at commas (or at line ends of a value that goes on over lines). False when there are too many items or an
 * empty one, or out of memory. */
bool mewl__value_list(mewl_recipe_list *out, const char *text, mewl_arena *arena)
{
    out->count = 0;
    if (text[0] == '\0') {
        return true;
    }
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ",\n");
        char *item = mewl__value_trimmed(arena, at, at + n);
        if (item == NULL || out->count == MEWL_RECIPE_LIST_MAX) {
            return false;
        }
        at += n;
        if (item[0] != '\0') {
            out->items[out->count++] = item;
        } else if (*at == ',' || (*at == '\0' && strchr(text, '\n') == NULL)) {
            return false;
        }
        if (*at == '\0') {
            return out->count > 0;
        }
    }
}
