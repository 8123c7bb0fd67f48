/* recipe.c - see recipe.h. inih takes the lines apart; since Debian's build of it does not hand line numbers to its
 * callback, the lines are counted where they are handed to it. */
#include "data/recipe.h"

#include "base/buffer.h"
#include "base/file.h"
#include "data/recipe_value.h"
#include "data/text.h"

#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define LINE_BYTES_MAX 198 /* inih's buffer, less its newline and NUL */

typedef enum kind {
    KEY_INT,
    KEY_REAL,
    KEY_BOOL,
    KEY_TEXT,
    KEY_PATH,
    KEY_CHOICE,
    KEY_RANGE,
    KEY_NUMBERS,
    KEY_LIST
} kind;

static const mewl_recipe_key keys[] = {
#define T_INT(section, key, def, low, high, help) {#section, #key, "whole number", def, NULL, help, low, high},
#define T_REAL(section, key, def, low, high, help) {#section, #key, "number", def, NULL, help, low, high},
#define T_BOOL(section, key, def, help) {#section, #key, "yes or no", def, NULL, help, NAN, NAN},
#define T_TEXT(section, key, def, help) {#section, #key, "text", def, NULL, help, NAN, NAN},
#define T_PATH(section, key, def, help) {#section, #key, "path", def, NULL, help, NAN, NAN},
#define T_CHOICE(section, key, def, choices, help) {#section, #key, "choice", def, choices, help, NAN, NAN},
#define T_RANGE(section, key, def, low, high, help) {#section, #key, "range", def, NULL, help, low, high},
#define T_NUMBERS(section, key, def, low, high, help) {#section, #key, "numbers", def, NULL, help, low, high},
#define T_LIST(section, key, def, help) {#section, #key, "list", def, NULL, help, NAN, NAN},
    MEWL_RECIPE_KEYS(T_INT, T_REAL, T_BOOL, T_TEXT, T_PATH, T_CHOICE, T_RANGE, T_NUMBERS, T_LIST)};

#define KEYS (sizeof keys / sizeof keys[0])

typedef struct place {
    kind type;
    size_t offset;
} place;

static const place places[KEYS] = {
#define P_INT(section, key, def, low, high, help) {KEY_INT, offsetof(mewl_recipe, section##_##key)},
#define P_REAL(section, key, def, low, high, help) {KEY_REAL, offsetof(mewl_recipe, section##_##key)},
#define P_BOOL(section, key, def, help) {KEY_BOOL, offsetof(mewl_recipe, section##_##key)},
#define P_TEXT(section, key, def, help) {KEY_TEXT, offsetof(mewl_recipe, section##_##key)},
#define P_PATH(section, key, def, help) {KEY_PATH, offsetof(mewl_recipe, section##_##key)},
#define P_CHOICE(section, key, def, choices, help) {KEY_CHOICE, offsetof(mewl_recipe, section##_##key)},
#define P_RANGE(section, key, def, low, high, help) {KEY_RANGE, offsetof(mewl_recipe, section##_##key)},
#define P_NUMBERS(section, key, def, low, high, help) {KEY_NUMBERS, offsetof(mewl_recipe, section##_##key)},
#define P_LIST(section, key, def, help) {KEY_LIST, offsetof(mewl_recipe, section##_##key)},
    MEWL_RECIPE_KEYS(P_INT, P_REAL, P_BOOL, P_TEXT, P_PATH, P_CHOICE, P_RANGE, P_NUMBERS, P_LIST)};

const mewl_recipe_key *mewl_recipe_keys(size_t *count)
{
    *count = KEYS;
    return keys;
}

static void *field_of(mewl_recipe *recipe, size_t key)
{
    return (char *)recipe + places[key].offset;
}

/* A value that does not fit: says what was wanted. */
static mewl_status wrong(mewl_error *err, size_t key, const char *text)
{
    const mewl_recipe_key *k = &keys[key];
    if (k->choices != NULL) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s.%s '%.60s' is none of %s", k->section, k->key, text, k->choices);
    }
    if (!isnan(k->low)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s.%s '%.60s' is not a %s from %.10g to %.10g%s", k->section, k->key,
                              text, places[key].type == KEY_NUMBERS ? "list of numbers" : k->type, k->low, k->high,
                              places[key].type == KEY_RANGE ? " (written 'low .. high')" : "");
    }
    return mewl_error_set(err, MEWL_E_FORMAT, "%s.%s '%.60s' is not %s%s", k->section, k->key, text,
                          places[key].type == KEY_BOOL ? "" : "a ", k->type);
}

/* Whether a text, written into a recipe, would be read as one with a comment. */
static bool holds_comment(const char *text)
{
    return text[0] == ';' || strstr(text, " ;") != NULL || strstr(text, "\t;") != NULL;
}

/* A path relative to the recipe's folder becomes one relative to the working folder. */
static bool parse_path(mewl_recipe *recipe, const char **out, const char *text)
{
    char folder[MEWL__PATH_MAX];
    *out = "";
    if (text[0] == '\0') {
        return true;
    }
    if (text[0] == '/' || recipe->path == NULL || !mewl__folder_of(folder, sizeof folder, recipe->path) ||
        folder[0] == '\0') {
        *out = mewl_arena_string(&recipe->arena, text);
        return *out != NULL;
    }
    size_t size = strlen(folder) + strlen(text) + 2;
    char *joined = mewl_arena_alloc(&recipe->arena, size);
    if (joined == NULL) {
        return false;
    }
    snprintf(joined, size, "%s/%s", folder, text);
    *out = joined;
    return true;
}

static mewl_status set_value(mewl_recipe *recipe, size_t key, const char *value, mewl_error *err)
{
    const mewl_recipe_key *k = &keys[key];
    void *field = field_of(recipe, key);
    char *text = mewl__value_trimmed(&recipe->arena, value, value + strlen(value));
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "recipe too large");
    }
    bool good = false;
    double number;
    mewl_recipe_list list;
    switch (places[key].type) {
    case KEY_INT:
        good = mewl__parse_number(&number, text, k->low, k->high) && number == floor(number);
        if (good) {
            *(int64_t *)field = (int64_t)number;
        }
        break;
    case KEY_REAL:
        good = mewl__parse_number(field, text, k->low, k->high);
        break;
    case KEY_BOOL:
        good = mewl__value_bool(field, text);
        break;
    case KEY_TEXT:
        good = strchr(text, '\n') == NULL && !holds_comment(text);
        *(const char **)field = text;
        break;
    case KEY_PATH:
        good = strchr(text, '\n') == NULL && !holds_comment(text) && parse_path(recipe, field, text);
        break;
    case KEY_CHOICE:
        good = mewl__value_choice(field, text, k->choices, &recipe->arena);
        break;
    case KEY_RANGE:
        good = mewl__value_range(field, mewl_arena_string(&recipe->arena, text), k->low, k->high);
        break;
    case KEY_NUMBERS: {
        mewl_recipe_numbers *numbers = field;
        good = mewl__value_list(&list, text, &recipe->arena);
        numbers->count = 0;
        for (size_t i = 0; good && i < list.count; i++) {
            good = mewl__parse_number(&numbers->items[i], list.items[i], k->low, k->high);
            numbers->count = i + 1;
        }
        break;
    }
    case KEY_LIST:
        /* On a line of its own an '=' would be taken for a key indented by mistake, "#..." for a comment. */
        good = strchr(text, '=') == NULL && mewl__value_list(field, text, &recipe->arena);
        for (size_t i = 0; good && i < ((const mewl_recipe_list *)field)->count; i++) {
            good = strchr("#;", ((const mewl_recipe_list *)field)->items[i][0]) == NULL;
        }
        break;
    }
    return good ? MEWL_OK : wrong(err, key, text);
}

mewl_status mewl_recipe_init(mewl_recipe *recipe, mewl_error *err)
{
    memset(recipe, 0, sizeof *recipe);
    mewl_arena_init(&recipe->arena, TEXT_BYTES_MAX + 8 * MEWL_RECIPE_BYTES_MAX);
    for (size_t i = 0; i < KEYS; i++) {
        mewl_status status = set_value(recipe, i, keys[i].default_text, err);
        if (status != MEWL_OK) {
            mewl_recipe_fini(recipe);
            return status;
        }
    }
    return MEWL_OK;
}

void mewl_recipe_fini(mewl_recipe *recipe)
{
    if (recipe != NULL) {
        free(recipe->text);
        free(recipe->path);
        mewl_arena_fini(&recipe->arena);
        memset(recipe, 0, sizeof *recipe);
    }
}

static mewl_status unknown_key(const char *section, const char *key, mewl_error *err)
{
    const char *known[KEYS];
    size_t count = 0;
    bool section_known = false;
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].section, section) == 0) {
            known[count++] = keys[i].key;
            section_known = true;
        }
    }
    if (!section_known) {
        for (size_t i = 0; i < KEYS; i++) {
            known[i] = keys[i].section;
        }
        const char *near = mewl__nearest(section, known, KEYS);
        return mewl_error_set(err, MEWL_E_FORMAT, "no section [%.48s]%s%s%s", section,
                              near != NULL ? "; did you mean [" : "", near != NULL ? near : "",
                              near != NULL ? "]?" : "");
    }
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].key, key) == 0) {
            return mewl_error_set(err, MEWL_E_FORMAT, "no key '%.48s' in [%s]; it belongs to [%s]", key, section,
                                  keys[i].section);
        }
    }
    const char *near = mewl__nearest(key, known, count);
    return mewl_error_set(err, MEWL_E_FORMAT, "no key '%.48s' in [%s]%s%s%s", key, section,
                          near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

static size_t find_key(const char *section, const char *key)
{
    size_t i = 0;
    while (i < KEYS && (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].key, key) != 0)) {
        i++;
    }
    return i;
}

mewl_status mewl_recipe_set(mewl_recipe *recipe, const char *section_dot_key, const char *value, mewl_error *err)
{
    char section[64];
    const char *dot = strchr(section_dot_key, '.');
    if (dot == NULL || (size_t)(dot - section_dot_key) >= sizeof section) {
        return mewl_error_set(err, MEWL_E_FORMAT, "'%.60s' is not of the form section.key", section_dot_key);
    }
    memcpy(section, section_dot_key, (size_t)(dot - section_dot_key));
    section[dot - section_dot_key] = '\0';
    size_t key = find_key(section, dot + 1);
    if (key == KEYS) {
        return unknown_key(section, dot + 1, err);
    }
    return set_value(recipe, key, value, err);
}

/* State of one parse: what inih is fed and what it gave back. */
typedef struct parse {
    mewl_recipe *recipe;
    const char *name;
    const char *text;
    size_t size, at;
    size_t line;       /* line inih is working on */
    bool indented;     /* that line begins with a blank: it continues the value before */
    size_t seen[KEYS]; /* line on which a key was given, 0 not yet */
    char *pending;     /* value being gathered over lines, in the arena */
    size_t pending_key, pending_line;
    size_t problems;
    bool section_unknown; /* reported already: its keys are not reported again */
    mewl_error first;
} parse;

static void problem(parse *p, size_t line, mewl_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Keeps the first problem; of the rest only their number. */
static void problem(parse *p, size_t line, mewl_status status, const char *format, ...)
{
    if (p->problems++ == 0) {
        char reason[MEWL_ERROR_TEXT_MAX];
        va_list args;
        va_start(args, format);
        vsnprintf(reason, sizeof reason, format, args);
        va_end(args);
        mewl_error_set(&p->first, status, "%.200s:%zu: %.280s", p->name, line, reason);
    }
}

/* Hands inih one line, as fgets would. */
static char *next_line(char *buffer, int size, void *stream)
{
    parse *p = stream;
    if (p->at >= p->size || size < 2) {
        return NULL;
    }
    const char *start = p->text + p->at;
    const char *end = memchr(start, '\n', p->size - p->at);
    size_t length = end != NULL ? (size_t)(end - start) : p->size - p->at;
    p->at += length + (end != NULL);
    p->line++;
    p->indented = length > 0 && (start[0] == ' ' || start[0] == '\t');
    if (length > LINE_BYTES_MAX || length + 2 > (size_t)size) {
        problem(p, p->line, MEWL_E_FORMAT, "line longer than %d bytes (indent the next line to go on there)",
                LINE_BYTES_MAX);
        length = 0;
    }
    for (size_t i = 0; i < length; i++) { /* blanks that inih and the lists here would not agree upon */
        bool line_end = start[i] == '\r' && i + 1 == length;
        if ((unsigned char)start[i] < ' ' && start[i] != '\t' && !line_end) {
            problem(p, p->line, MEWL_E_FORMAT, "a control character (0x%02x)", (unsigned)(unsigned char)start[i]);
            length = 0;
        }
    }
    memcpy(buffer, start, length);
    buffer[length] = '\n';
    buffer[length + 1] = '\0';
    return buffer;
}

/* Applies the value gathered so far. */
static void settle(parse *p)
{
    mewl_error err = {0};
    if (p->pending != NULL && set_value(p->recipe, p->pending_key, p->pending, &err) != MEWL_OK) {
        problem(p, p->pending_line, err.status, "%s", err.text);
    }
    p->pending = NULL;
}

static int on_value(void *user, const char *section, const char *key, const char *value)
{
    parse *p = user;
    if (p->pending != NULL && p->indented && strcmp(keys[p->pending_key].key, key) == 0 &&
        strcmp(keys[p->pending_key].section, section) == 0) {
        if (strchr(value, '=') != NULL) {
            problem(p, p->line, MEWL_E_FORMAT,
                    "an indented line goes on with the value above; keys start at the margin");
            return 1;
        }
        size_t size = strlen(p->pending) + strlen(value) + 2;
        char *joined = mewl_arena_alloc(&p->recipe->arena, size);
        if (joined == NULL) {
            problem(p, p->line, MEWL_E_MEMORY, "recipe too large");
            return 1;
        }
        snprintf(joined, size, "%s\n%s", p->pending, value);
        p->pending = joined;
        return 1;
    }
    settle(p);
    if (section[0] == '\0') {
        problem(p, p->line, MEWL_E_FORMAT, "'%.48s' stands before any [section]", key);
        return 1;
    }
    size_t k = find_key(section, key);
    if (k == KEYS) {
        mewl_error err = {0};
        unknown_key(section, key, &err);
        if (strncmp(err.text, "no section", 10) != 0 || !p->section_unknown) {
            problem(p, p->line, MEWL_E_FORMAT, "%s", err.text);
        }
    } else if (p->seen[k] != 0) {
        problem(p, p->line, MEWL_E_FORMAT, "%s.%s is given a second time (first on line %zu)", section, key,
                p->seen[k]);
    } else {
        p->seen[k] = p->line;
        p->pending = mewl_arena_string(&p->recipe->arena, value);
        p->pending_key = k;
        p->pending_line = p->line;
        if (p->pending == NULL) {
            problem(p, p->line, MEWL_E_MEMORY, "recipe too large");
        }
    }
    return 1;
}

/* Sections that hold no key are seen here alone: inih reports keys, not sections. */
static void check_sections(parse *p)
{
    size_t line = 0;
    for (size_t at = 0; at < p->size;) {
        const char *start = p->text + at;
        const char *end = memchr(start, '\n', p->size - at);
        size_t length = end != NULL ? (size_t)(end - start) : p->size - at;
        at += length + 1;
        line++;
        const char *close = length > 0 && start[0] == '[' ? memchr(start, ']', length) : NULL;
        char section[64];
        if (close == NULL || (size_t)(close - start) > sizeof section) {
            continue;
        }
        memcpy(section, start + 1, (size_t)(close - start) - 1);
        section[close - start - 1] = '\0';
        bool known = false;
        for (size_t i = 0; i < KEYS && !known; i++) {
            known = strcmp(keys[i].section, section) == 0;
        }
        if (!known) {
            mewl_error err = {0};
            unknown_key(section, "", &err);
            problem(p, line, MEWL_E_FORMAT, "%s", err.text);
            p->section_unknown = true;
        }
    }
}

mewl_status mewl_recipe_parse(mewl_recipe *recipe, const char *name, const char *text, size_t size, mewl_error *err)
{
    if (size > MEWL_RECIPE_BYTES_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: longer than %d bytes", name, MEWL_RECIPE_BYTES_MAX);
    }
    if (memchr(text, '\0', size) != NULL) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: holds NUL bytes, so it is no recipe", name);
    }
    MEWL_TRY(mewl_recipe_init(recipe, err));
    recipe->text = strndup(text, size);
    recipe->path = strdup(name);
    mewl_status status = MEWL_OK;
    if (recipe->text == NULL || recipe->path == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", name);
        mewl_recipe_fini(recipe);
        return status;
    }
    parse p = {.recipe = recipe, .name = name, .text = recipe->text, .size = size};
    check_sections(&p);
    int bad_line = ini_parse_stream(next_line, &p, on_value, &p);
    settle(&p);
    if (bad_line > 0) {
        problem(&p, (size_t)bad_line, MEWL_E_FORMAT, "neither [section], key = value, nor a comment (; or #)");
    } else if (bad_line < 0) {
        problem(&p, 1, MEWL_E_LIBRARY, "the INI reader failed");
    }
    if (p.problems == 0) {
        status = mewl_recipe_check(recipe, &p.first);
        if (status != MEWL_OK) {
            mewl_error_prefix(&p.first, status, "%.200s", name);
            p.problems = 1;
        }
    }
    if (p.problems > 0) {
        status = p.problems == 1 ? mewl_error_set(err, p.first.status, "%s", p.first.text)
                                 : mewl_error_set(err, p.first.status, "%.440s (and %zu more problem%s)", p.first.text,
                                                  p.problems - 1, p.problems > 2 ? "s" : "");
        mewl_recipe_fini(recipe);
    }
    return status;
}

mewl_status mewl_recipe_read(mewl_recipe *recipe, const char *path, mewl_error *err)
{
    char *text;
    size_t size;
    MEWL_TRY(mewl_file_read_all(&text, &size, path, MEWL_RECIPE_BYTES_MAX, err));
    mewl_status status = mewl_recipe_parse(recipe, path, text, size, err);
    free(text);
    return status;
}

static mewl_status write_key(mewl_buffer *out, mewl_recipe *recipe, size_t key)
{
    const void *field = field_of(recipe, key);
    switch (places[key].type) {
    case KEY_INT:
        return mewl_buffer_print(out, "%lld", (long long)*(const int64_t *)field);
    case KEY_REAL:
        return mewl_buffer_print(out, "%.17g", *(const double *)field);
    case KEY_BOOL:
        return mewl_buffer_text(out, *(const bool *)field ? "yes" : "no");
    case KEY_RANGE: {
        const mewl_recipe_range *range = field;
        return mewl_buffer_print(out, "%.17g .. %.17g", range->low, range->high);
    }
    case KEY_NUMBERS: {
        const mewl_recipe_numbers *numbers = field;
        for (size_t i = 0; i < numbers->count; i++) {
            MEWL_TRY(mewl_buffer_print(out, "%s%.17g", i == 0 ? "" : ",\n    ", numbers->items[i]));
        }
        return MEWL_OK;
    }
    case KEY_LIST: {
        const mewl_recipe_list *list = field;
        for (size_t i = 0; i < list->count; i++) {
            MEWL_TRY(mewl_buffer_print(out, "%s%s", i == 0 ? "" : ",\n    ", list->items[i]));
        }
        return MEWL_OK;
    }
    default:
        return mewl_buffer_text(out, *(const char *const *)field);
    }
}

char *mewl_recipe_write(const mewl_recipe *recipe)
{
    mewl_recipe *r = (mewl_recipe *)(uintptr_t)recipe; /* field_of serves reading and writing; nothing is changed */
    mewl_buffer out;
    mewl_buffer_init(&out, TEXT_BYTES_MAX);
    const char *section = "";
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(section, keys[i].section) != 0) {
            mewl_buffer_print(&out, "%s[%s]\n", i == 0 ? "" : "\n", keys[i].section);
            section = keys[i].section;
        }
        mewl_buffer_print(&out, "%s = ", keys[i].key);
        write_key(&out, r, i);
        mewl_buffer_text(&out, "\n");
    }
    size_t size;
    char *text = mewl_buffer_take(&out, &size);
    mewl_buffer_fini(&out);
    return text;
}
