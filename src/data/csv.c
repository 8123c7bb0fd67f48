#include "data/csv.h"

#include <stdlib.h>
#include <string.h>

mewl_status mewl_csv_init(mewl_csv *csv, const char *path, const char *text, size_t size, char separator,
                          mewl_error *err)
{
    memset(csv, 0, sizeof *csv);
    csv->row = malloc(MEWL_CSV_ROW_BYTES_MAX);
    if (csv->row == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory for a row", path);
    }
    csv->path = path;
    csv->text = text;
    csv->size = size;
    csv->separator = separator;
    csv->next_line = 1;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        csv->at = 3;
    }
    return MEWL_OK;
}

void mewl_csv_fini(mewl_csv *csv)
{
    if (csv != NULL) {
        free(csv->row);
        memset(csv, 0, sizeof *csv);
    }
}

/* Puts one byte into the row's text, which always keeps room for the NUL. */
static bool put(mewl_csv *csv, size_t *used, char byte)
{
    if (*used + 2 > MEWL_CSV_ROW_BYTES_MAX) {
        return false;
    }
    csv->row[(*used)++] = byte;
    return true;
}

static mewl_status too_long(const mewl_csv *csv, mewl_error *err)
{
    return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: row longer than %d bytes", csv->path, csv->line,
                          MEWL_CSV_ROW_BYTES_MAX - 1);
}

/* Reads a field that opened with a quote, up to what follows its closing quote. */
static mewl_status read_quoted(mewl_csv *csv, size_t *used, mewl_error *err)
{
    csv->at++;
    for (;;) {
        if (csv->at >= csv->size) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: quote left open", csv->path, csv->line);
        }
        char byte = csv->text[csv->at++];
        if (byte == '\0') {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: NUL byte", csv->path, csv->next_line);
        }
        if (byte == '"') {
            if (csv->at < csv->size && csv->text[csv->at] == '"') {
                csv->at++;
            } else {
                break;
            }
        }
        if (byte == '\n') {
            csv->next_line++;
        }
        if (!put(csv, used, byte)) {
            return too_long(csv, err);
        }
    }
    if (csv->at < csv->size) {
        char after = csv->text[csv->at];
        if (after != csv->separator && after != '\n' && after != '\r') {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: text after a closing quote", csv->path, csv->next_line);
        }
    }
    return MEWL_OK;
}

static mewl_status read_plain(mewl_csv *csv, size_t *used, mewl_error *err)
{
    while (csv->at < csv->size) {
        char byte = csv->text[csv->at];
        if (byte == csv->separator || byte == '\n' || byte == '\r') {
            break;
        }
        if (byte == '\0') {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: NUL byte", csv->path, csv->next_line);
        }
        if (!put(csv, used, byte)) {
            return too_long(csv, err);
        }
        csv->at++;
    }
    return MEWL_OK;
}

/* Passes CR, LF or CR LF. */
static bool pass_line_end(mewl_csv *csv)
{
    if (csv->at >= csv->size) {
        return false;
    }
    bool cr = csv->text[csv->at] == '\r';
    if (cr) {
        csv->at++;
    }
    bool lf = csv->at < csv->size && csv->text[csv->at] == '\n';
    if (lf) {
        csv->at++;
    }
    if (cr || lf) {
        csv->next_line++;
    }
    return cr || lf;
}

mewl_status mewl_csv_next(mewl_csv *csv, bool *got, mewl_error *err)
{
    *got = false;
    csv->count = 0;
    while (pass_line_end(csv)) {
    }
    if (csv->at >= csv->size) {
        return MEWL_OK;
    }
    csv->line = csv->next_line;
    size_t used = 0;
    for (;;) {
        if (csv->count == MEWL_CSV_FIELDS_MAX) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: more than %d columns", csv->path, csv->line,
                                  MEWL_CSV_FIELDS_MAX);
        }
        csv->fields[csv->count++] = csv->row + used;
        bool quoted = csv->separator == ',' && csv->at < csv->size && csv->text[csv->at] == '"';
        MEWL_TRY(quoted ? read_quoted(csv, &used, err) : read_plain(csv, &used, err));
        if (used + 1 >= MEWL_CSV_ROW_BYTES_MAX) {
            return too_long(csv, err);
        }
        csv->row[used++] = '\0';
        if (csv->at >= csv->size || csv->text[csv->at] != csv->separator) {
            break;
        }
        csv->at++;
    }
    pass_line_end(csv);
    *got = true;
    return MEWL_OK;
}

int mewl_csv_find(const mewl_csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->count; i++) {
        if (strcmp(csv->fields[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

mewl_status mewl_csv_write(mewl_buffer *out, const char *field, bool first)
{
    if (!first) {
        MEWL_TRY(mewl_buffer_push(out, ",", 1));
    }
    if (strpbrk(field, ",\"\r\n") == NULL) {
        return mewl_buffer_text(out, field);
    }
    MEWL_TRY(mewl_buffer_push(out, "\"", 1));
    for (const char *at = field; *at != '\0'; at++) {
        if (*at == '"') {
            MEWL_TRY(mewl_buffer_push(out, "\"", 1));
        }
        MEWL_TRY(mewl_buffer_push(out, at, 1));
    }
    return mewl_buffer_push(out, "\"", 1);
}
