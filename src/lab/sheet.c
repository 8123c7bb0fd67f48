#include "lab/sheet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CELL_BYTES 256
#define COLUMNS_MAX 32

json_t *mewl_sheet_new(const char *title, const char *const *columns, size_t count, const char *note)
{
    json_t *sheet = json_object();
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(names, mewl_json_string(columns[i]));
    }
    mewl_status status = mewl_json_set_string(sheet, "title", title);
    status = status == MEWL_OK ? mewl_json_set(sheet, "columns", names) : (json_decref(names), status);
    status = status == MEWL_OK ? mewl_json_set(sheet, "rows", json_array()) : status;
    status = status == MEWL_OK && note != NULL ? mewl_json_set_string(sheet, "note", note) : status;
    if (status != MEWL_OK) {
        json_decref(sheet);
        return NULL;
    }
    return sheet;
}

mewl_status mewl_sheet_add(json_t *sheet, json_t *row)
{
    json_t *rows = json_object_get(sheet, "rows");
    size_t columns = json_array_size(json_object_get(sheet, "columns"));
    if (rows == NULL || json_array_size(row) != columns) {
        json_decref(row);
        return MEWL_E_MEMORY;
    }
    return json_array_append_new(rows, row) == 0 ? MEWL_OK : MEWL_E_MEMORY;
}

json_t *mewl_sheet_row(void)
{
    return json_array();
}

void mewl_sheet_text_cell(json_t *row, const char *text)
{
    (void)json_array_append_new(row, mewl_json_string(text));
}

void mewl_sheet_count(json_t *row, size_t value)
{
    (void)json_array_append_new(row, json_integer((json_int_t)value));
}

void mewl_sheet_real(json_t *row, double value)
{
    (void)json_array_append_new(row, mewl_json_real(value));
}

void mewl_sheet_interval(json_t *row, double value, double low, double high)
{
    json_t *cell = json_object();
    mewl_json_set_real(cell, "value", value);
    mewl_json_set_real(cell, "low", low);
    mewl_json_set_real(cell, "high", high);
    (void)json_array_append_new(row, cell);
}

/* Three decimals below 10, one above: enough to compare, few enough to read. */
static void write_real(char *out, size_t size, const json_t *value)
{
    if (!json_is_number(value)) {
        (void)snprintf(out, size, "-");
        return;
    }
    double v = json_number_value(value);
    (void)snprintf(out, size, json_is_integer(value) ? "%.0f" : fabs(v) < 10 ? "%.3f" : "%.1f", v);
}

static void write_cell(char *out, size_t size, const json_t *cell)
{
    if (json_is_string(cell)) {
        (void)snprintf(out, size, "%s", json_string_value(cell));
        return;
    }
    if (!json_is_object(cell)) {
        write_real(out, size, cell);
        return;
    }
    char part[3][32];
    write_real(part[0], sizeof part[0], json_object_get(cell, "value"));
    write_real(part[1], sizeof part[1], json_object_get(cell, "low"));
    write_real(part[2], sizeof part[2], json_object_get(cell, "high"));
    (void)snprintf(out, size, "%s (%s to %s)", part[0], part[1], part[2]);
}

static void print_row(mewl_buffer *out, const json_t *row, const size_t *width, size_t columns)
{
    for (size_t k = 0; k < columns; k++) {
        char cell[CELL_BYTES];
        const json_t *value = json_array_get(row, k);
        write_cell(cell, sizeof cell, value);
        bool text = json_is_string(value);
        (void)mewl_buffer_print(out, text ? "| %-*s " : "| %*s ", (int)width[k], cell);
    }
    (void)mewl_buffer_text(out, "|\n");
}

static void print_sheet(mewl_buffer *out, const json_t *sheet)
{
    const json_t *names = json_object_get(sheet, "columns");
    const json_t *rows = json_object_get(sheet, "rows");
    size_t columns = json_array_size(names) < COLUMNS_MAX ? json_array_size(names) : COLUMNS_MAX;
    size_t width[COLUMNS_MAX] = {0};
    char cell[CELL_BYTES];
    for (size_t k = 0; k < columns; k++) {
        write_cell(cell, sizeof cell, json_array_get(names, k));
        width[k] = strlen(cell);
        for (size_t i = 0; i < json_array_size(rows); i++) {
            write_cell(cell, sizeof cell, json_array_get(json_array_get(rows, i), k));
            width[k] = strlen(cell) > width[k] ? strlen(cell) : width[k];
        }
    }
    const char *title = json_string_value(json_object_get(sheet, "title"));
    (void)mewl_buffer_print(out, "### %s\n\n", title == NULL ? "" : title);
    print_row(out, names, width, columns);
    for (size_t k = 0; k < columns; k++) {
        (void)mewl_buffer_text(out, "|");
        for (size_t i = 0; i < width[k] + 2; i++) {
            (void)mewl_buffer_text(out, "-");
        }
    }
    (void)mewl_buffer_text(out, "|\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        print_row(out, json_array_get(rows, i), width, columns);
    }
    const char *note = json_string_value(json_object_get(sheet, "note"));
    (void)mewl_buffer_print(out, note != NULL ? "\n%s\n\n" : "\n", note);
}

static void print_sentences(mewl_buffer *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        (void)mewl_buffer_print(out, "- %s\n", text == NULL ? "" : text);
    }
    (void)mewl_buffer_text(out, json_array_size(list) > 0 ? "\n" : "");
}

mewl_status mewl_sheet_print(mewl_buffer *out, const json_t *document, mewl_error *err)
{
    const char *title = json_string_value(json_object_get(document, "title"));
    (void)mewl_buffer_print(out, "## %s\n\n", title == NULL ? "" : title);
    print_sentences(out, json_object_get(document, "protocol"));
    const json_t *sheets = json_object_get(document, "sheets");
    for (size_t i = 0; i < json_array_size(sheets); i++) {
        print_sheet(out, json_array_get(sheets, i));
    }
    print_sentences(out, json_object_get(document, "notes"));
    return out->failed ? mewl_error_set(err, MEWL_E_MEMORY, "no memory to print the tables") : MEWL_OK;
}
