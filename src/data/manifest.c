#include "data/manifest.h"

#include "base/buffer.h"
#include "base/file.h"
#include "data/csv.h"
#include "data/text.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_FILE_MAX ((size_t)1 << 30)
#define MANIFEST_TEXT_MAX ((size_t)2 << 30)
#define SECONDS_MAX 1e9

typedef enum column_type { COLUMN_TEXT, COLUMN_SECONDS, COLUMN_FOLD, COLUMN_TIME } column_type;

typedef struct column {
    const char *name;
    column_type type;
    size_t offset; /* in mewl_row */
} column;

#define TEXT_COLUMN(field)                                                                                             \
    {                                                                                                                  \
#field, COLUMN_TEXT, offsetof(mewl_row, field)                                                                 \
    }

static const column columns[] = {
    TEXT_COLUMN(path),
    TEXT_COLUMN(label),
    TEXT_COLUMN(set),
    TEXT_COLUMN(group),
    {"fold", COLUMN_FOLD, offsetof(mewl_row, fold)},
    TEXT_COLUMN(split),
    TEXT_COLUMN(speaker),
    TEXT_COLUMN(session),
    {"time", COLUMN_TIME, offsetof(mewl_row, time_s)},
    TEXT_COLUMN(sex),
    TEXT_COLUMN(age),
    TEXT_COLUMN(reason),
    {"onset_s", COLUMN_SECONDS, offsetof(mewl_row, onset_s)},
    {"offset_s", COLUMN_SECONDS, offsetof(mewl_row, offset_s)},
    {"duration_s", COLUMN_SECONDS, offsetof(mewl_row, duration_s)},
};
#define COLUMNS (sizeof columns / sizeof columns[0])

static const char **text_of(mewl_row *row, const column *c)
{
    return (const char **)(void *)((char *)row + c->offset);
}

static double *number_of(mewl_row *row, const column *c)
{
    return (double *)(void *)((char *)row + c->offset);
}

mewl_row mewl_row_empty(void)
{
    return (mewl_row){"", "", "", "", "", "", "", "", "", "", -1, NAN, NAN, NAN, NAN, NULL};
}

mewl_status mewl_manifest_init(mewl_manifest *manifest, mewl_error *err)
{
    (void)err;
    memset(manifest, 0, sizeof *manifest);
    mewl_arena_init(&manifest->arena, MANIFEST_TEXT_MAX);
    return MEWL_OK;
}

void mewl_manifest_fini(mewl_manifest *manifest)
{
    if (manifest != NULL) {
        free(manifest->rows);
        mewl_arena_fini(&manifest->arena);
        memset(manifest, 0, sizeof *manifest);
    }
}

const char *mewl_manifest_intern(mewl_manifest *manifest, const char *text)
{
    return text[0] == '\0' ? "" : mewl_arena_string(&manifest->arena, text);
}

static mewl_status no_memory(mewl_error *err)
{
    return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a manifest");
}

static mewl_status grow(mewl_manifest *manifest, mewl_error *err)
{
    if (manifest->count < manifest->capacity) {
        return MEWL_OK;
    }
    if (manifest->count >= MEWL_MANIFEST_ROWS_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "a manifest holds at most %d rows", MEWL_MANIFEST_ROWS_MAX);
    }
    size_t capacity = manifest->capacity == 0 ? 256 : manifest->capacity * 2;
    mewl_row *rows = realloc(manifest->rows, capacity * sizeof *rows);
    if (rows == NULL) {
        return no_memory(err);
    }
    manifest->rows = rows;
    manifest->capacity = capacity;
    return MEWL_OK;
}

mewl_status mewl_manifest_add(mewl_manifest *manifest, const mewl_row *row, mewl_error *err)
{
    MEWL_TRY(grow(manifest, err));
    mewl_row copy = *row;
    mewl_row *before = manifest->count > 0 ? &manifest->rows[manifest->count - 1] : NULL;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (columns[i].type != COLUMN_TEXT) {
            continue;
        }
        const char **text = text_of(&copy, &columns[i]);
        const char *last = before != NULL ? *text_of(before, &columns[i]) : "";
        /* Neighbouring rows mostly share set, label and group: one copy serves them. */
        *text = strcmp(*text, last) == 0 ? last : mewl_manifest_intern(manifest, *text);
        if (*text == NULL) {
            return no_memory(err);
        }
    }
    copy.extra = NULL;
    if (manifest->extra_count > 0) {
        const char **extra = mewl_arena_array(&manifest->arena, manifest->extra_count, sizeof *extra);
        if (extra == NULL) {
            return no_memory(err);
        }
        for (size_t i = 0; i < manifest->extra_count; i++) {
            extra[i] = row->extra != NULL ? mewl_manifest_intern(manifest, row->extra[i]) : "";
            if (extra[i] == NULL) {
                return no_memory(err);
            }
        }
        copy.extra = extra;
    }
    manifest->rows[manifest->count++] = copy;
    return MEWL_OK;
}

mewl_status mewl_manifest_append(mewl_manifest *to, const mewl_manifest *from, mewl_error *err)
{
    if (to->count == 0 && to->extra_count == 0) {
        for (size_t i = 0; i < from->extra_count; i++) {
            to->extra_names[i] = mewl_manifest_intern(to, from->extra_names[i]);
            if (to->extra_names[i] == NULL) {
                return no_memory(err);
            }
            to->extra_count = i + 1;
        }
    }
    bool same = to->extra_count == from->extra_count;
    for (size_t i = 0; same && i < to->extra_count; i++) {
        same = strcmp(to->extra_names[i], from->extra_names[i]) == 0;
    }
    for (size_t i = 0; i < from->count; i++) {
        mewl_row row = from->rows[i];
        row.extra = same ? row.extra : NULL;
        MEWL_TRY(mewl_manifest_add(to, &row, err));
    }
    return MEWL_OK;
}

/* Which column each field of the file fills: index into columns, COLUMNS + index of an extra. */
typedef struct header {
    size_t target[MEWL_CSV_FIELDS_MAX];
    size_t count;
} header;

static mewl_status read_header(mewl_manifest *manifest, header *head, const mewl_csv *csv, mewl_error *err)
{
    bool seen[COLUMNS] = {false};
    head->count = csv->count;
    for (size_t f = 0; f < csv->count; f++) {
        const char *name = csv->fields[f];
        size_t c = 0;
        while (c < COLUMNS && strcmp(columns[c].name, name) != 0) {
            c++;
        }
        if (c == COLUMNS) {
            if (name[0] == '\0') {
                return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: column %zu has no name", csv->path, csv->line,
                                      f + 1);
            }
            for (size_t e = 0; e < manifest->extra_count; e++) {
                if (strcmp(manifest->extra_names[e], name) == 0) {
                    return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: column '%.60s' twice", csv->path, csv->line,
                                          name);
                }
            }
            if (manifest->extra_count == MEWL_MANIFEST_EXTRA_MAX) {
                return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: more than %d columns that Mewl does not know",
                                      csv->path, csv->line, MEWL_MANIFEST_EXTRA_MAX);
            }
            const char *kept = mewl_manifest_intern(manifest, name);
            if (kept == NULL) {
                return no_memory(err);
            }
            c += manifest->extra_count;
            manifest->extra_names[manifest->extra_count++] = kept;
        } else if (seen[c]) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: column '%s' twice", csv->path, csv->line, name);
        } else {
            seen[c] = true;
        }
        head->target[f] = c;
    }
    if (!seen[0]) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: no column 'path' in the header", csv->path, csv->line);
    }
    return MEWL_OK;
}

static mewl_status bad_value(const mewl_csv *csv, const char *name, const char *text, const char *wanted,
                             mewl_error *err)
{
    return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: %s '%.60s' is not %s", csv->path, csv->line, name, text, wanted);
}

static mewl_status read_field(mewl_row *row, const column *c, const char *text, const mewl_csv *csv, mewl_error *err)
{
    if (c->type == COLUMN_TEXT) {
        *text_of(row, c) = text;
        return MEWL_OK;
    }
    if (text[0] == '\0') {
        return MEWL_OK;
    }
    double value;
    switch (c->type) {
    case COLUMN_FOLD:
        if (!mewl__parse_number(&value, text, 0, 1000) || value != floor(value)) {
            return bad_value(csv, c->name, text, "a whole number from 0 to 1000", err);
        }
        row->fold = (int)value;
        break;
    case COLUMN_TIME:
        if (!mewl__parse_time(&value, text)) {
            return bad_value(csv, c->name, text, "a time (ISO 8601, or seconds since 1970)", err);
        }
        row->time_s = value;
        break;
    default:
        if (!mewl__parse_number(&value, text, 0, SECONDS_MAX)) {
            return bad_value(csv, c->name, text, "seconds", err);
        }
        *number_of(row, c) = value;
        break;
    }
    return MEWL_OK;
}

static mewl_status check_row(const mewl_row *row, const mewl_csv *csv, mewl_error *err)
{
    if (row->path[0] == '\0') {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: no path", csv->path, csv->line);
    }
    const char *s = row->split;
    if (s[0] != '\0' && strcmp(s, "train") != 0 && strcmp(s, "valid") != 0 && strcmp(s, "test") != 0) {
        return bad_value(csv, "split", s, "train, valid or test", err);
    }
    double onset = isnan(row->onset_s) ? 0 : row->onset_s;
    if (row->offset_s <= onset) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: offset %g s is not after onset %g s", csv->path, csv->line,
                              row->offset_s, onset);
    }
    return MEWL_OK;
}

static mewl_status parse_rows(mewl_manifest *manifest, mewl_csv *csv, const char *folder, mewl_error *err)
{
    bool got;
    header head;
    MEWL_TRY(mewl_csv_next(csv, &got, err));
    if (!got) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: empty, not even a header", csv->path);
    }
    MEWL_TRY(read_header(manifest, &head, csv, err));
    for (;;) {
        MEWL_TRY(mewl_csv_next(csv, &got, err));
        if (!got) {
            break;
        }
        if (csv->count != head.count) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: %zu columns where the header has %zu", csv->path,
                                  csv->line, csv->count, head.count);
        }
        mewl_row row = mewl_row_empty();
        const char *extra[MEWL_MANIFEST_EXTRA_MAX];
        for (size_t f = 0; f < csv->count; f++) {
            if (head.target[f] >= COLUMNS) {
                extra[head.target[f] - COLUMNS] = csv->fields[f];
            } else {
                MEWL_TRY(read_field(&row, &columns[head.target[f]], csv->fields[f], csv, err));
            }
        }
        row.extra = extra;
        MEWL_TRY(check_row(&row, csv, err));
        char full[MEWL__PATH_MAX];
        if (row.path[0] != '/' && folder[0] != '\0') {
            if (snprintf(full, sizeof full, "%s/%s", folder, row.path) >= (int)sizeof full) {
                return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: path too long", csv->path, csv->line);
            }
            row.path = full;
        }
        MEWL_TRY(mewl_manifest_add(manifest, &row, err));
    }
    if (manifest->count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: a header and no rows", csv->path);
    }
    return MEWL_OK;
}

mewl_status mewl_manifest_parse(mewl_manifest *manifest, const char *name, const char *text, size_t size,
                                mewl_error *err)
{
    char folder[MEWL__PATH_MAX];
    if (!mewl__folder_of(folder, sizeof folder, name)) {
        return mewl_error_set(err, MEWL_E_ARG, "path too long");
    }
    mewl_csv csv;
    MEWL_TRY(mewl_csv_init(&csv, name, text, size, ',', err));
    mewl_status status = mewl_manifest_init(manifest, err);
    if (status == MEWL_OK) {
        status = parse_rows(manifest, &csv, folder, err);
        if (status != MEWL_OK) {
            mewl_manifest_fini(manifest);
        }
    }
    mewl_csv_fini(&csv);
    return status;
}

mewl_status mewl_manifest_read(mewl_manifest *manifest, const char *path, mewl_error *err)
{
    char *text;
    size_t size;
    MEWL_TRY(mewl_file_read_all(&text, &size, path, MANIFEST_FILE_MAX, err));
    mewl_status status = mewl_manifest_parse(manifest, path, text, size, err);
    free(text);
    return status;
}

static const char *format_value(const mewl_row *row, const column *c, char *buffer, size_t size)
{
    mewl_row *r = (mewl_row *)(uintptr_t)row; /* read only: text_of serves both ways */
    if (c->type == COLUMN_TEXT) {
        return *text_of(r, c);
    }
    buffer[0] = '\0';
    if (c->type == COLUMN_FOLD) {
        if (row->fold >= 0) {
            snprintf(buffer, size, "%d", row->fold);
        }
    } else if (c->type == COLUMN_TIME) {
        if (!isnan(row->time_s)) {
            mewl__format_time(buffer, size, row->time_s);
        }
    } else if (!isnan(*number_of(r, c))) {
        snprintf(buffer, size, "%.9g", *number_of(r, c));
    }
    return buffer;
}

const char *mewl_manifest_value(const mewl_manifest *manifest, const mewl_row *row, const char *name, char *buffer,
                                size_t buffer_size)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        if (strcmp(columns[c].name, name) == 0) {
            return format_value(row, &columns[c], buffer, buffer_size);
        }
    }
    for (size_t e = 0; e < manifest->extra_count; e++) {
        if (strcmp(manifest->extra_names[e], name) == 0) {
            return row->extra != NULL ? row->extra[e] : "";
        }
    }
    return NULL;
}

bool mewl_manifest_has_column(const mewl_manifest *manifest, const char *name)
{
    char buffer[64];
    mewl_row row = mewl_row_empty();
    return mewl_manifest_value(manifest, &row, name, buffer, sizeof buffer) != NULL;
}

/* The text of the whole file. */
static mewl_status write_rows(const mewl_manifest *manifest, mewl_buffer *out, const char *folder)
{
    size_t folder_size = strlen(folder);
    for (size_t c = 0; c < COLUMNS; c++) {
        MEWL_TRY(mewl_csv_write(out, columns[c].name, c == 0));
    }
    for (size_t e = 0; e < manifest->extra_count; e++) {
        MEWL_TRY(mewl_csv_write(out, manifest->extra_names[e], false));
    }
    MEWL_TRY(mewl_buffer_push(out, "\n", 1));
    for (size_t i = 0; i < manifest->count; i++) {
        const mewl_row *row = &manifest->rows[i];
        for (size_t c = 0; c < COLUMNS; c++) {
            char buffer[64];
            const char *text = format_value(row, &columns[c], buffer, sizeof buffer);
            if (c == 0 && folder_size > 0 && strncmp(text, folder, folder_size) == 0 && text[folder_size] == '/') {
                text += folder_size + 1;
            }
            MEWL_TRY(mewl_csv_write(out, text, c == 0));
        }
        for (size_t e = 0; e < manifest->extra_count; e++) {
            MEWL_TRY(mewl_csv_write(out, row->extra != NULL ? row->extra[e] : "", false));
        }
        MEWL_TRY(mewl_buffer_push(out, "\n", 1));
    }
    return MEWL_OK;
}

mewl_status mewl_manifest_text(const mewl_manifest *manifest, const char *path, mewl_buffer *out, mewl_error *err)
{
    char folder[MEWL__PATH_MAX];
    if (!mewl__folder_of(folder, sizeof folder, path)) {
        return mewl_error_set(err, MEWL_E_ARG, "path too long");
    }
    mewl_buffer_init(out, MANIFEST_FILE_MAX);
    mewl_status status = write_rows(manifest, out, folder);
    if (status != MEWL_OK) {
        mewl_buffer_fini(out);
        return mewl_error_set(err, status, "%s: manifest too large to write", path);
    }
    return MEWL_OK;
}

mewl_status mewl_manifest_write(const mewl_manifest *manifest, const char *path, mewl_error *err)
{
    mewl_buffer out;
    MEWL_TRY(mewl_manifest_text(manifest, path, &out, err));
    mewl_status status = mewl_file_write(path, out.data, out.size, err);
    mewl_buffer_fini(&out);
    return status;
}

static int compare_rows(const void *a, const void *b)
{
    const mewl_row *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    if (order == 0) {
        double u = isnan(x->onset_s) ? 0 : x->onset_s, v = isnan(y->onset_s) ? 0 : y->onset_s;
        order = (u > v) - (u < v);
    }
    if (order == 0) {
        order = strcmp(x->label, y->label);
    }
    return order;
}

void mewl_manifest_sort(mewl_manifest *manifest)
{
    if (manifest->count > 1) {
        qsort(manifest->rows, manifest->count, sizeof manifest->rows[0], compare_rows);
    }
}
