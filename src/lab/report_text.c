/* report_text.c - an experiment's document as tables for a terminal. */
#include "lab/report_private.h"

#include <stdio.h>
#include <string.h>

#define MAIN_WIDTH 20  /* "83.6 [80.1, 87.0]" and room between */
#define SHORT_WIDTH 18 /* "calibration error" */

/* Characters, not bytes: names may hold a dash or an accent. */
static size_t length_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return n;
}

static void push_padded(mewl_buffer *out, const char *text, size_t width)
{
    (void)mewl_buffer_text(out, text);
    size_t length = length_of(text);
    for (size_t i = length; i < width; i++) {
        (void)mewl_buffer_push(out, " ", 1);
    }
    if (length >= width) {
        (void)mewl_buffer_push(out, " ", 1);
    }
}

static void end_line(mewl_buffer *out)
{
    while (out->size > 0 && !out->failed && out->data[out->size - 1] == ' ') {
        out->data[--out->size] = '\0';
    }
    (void)mewl_buffer_push(out, "\n", 1);
}

static size_t name_width(const json_t *document)
{
    size_t width = 12;
    size_t r;
    json_t *row;
    json_array_foreach(json_object_get(document, "rows"), r, row)
    {
        size_t length = length_of(mewl__report_string(row, "name", "-")) + 2;
        width = length > width ? length : width;
    }
    return width;
}

/* Width of an extra column: its title or longest value, and two blanks. */
static size_t extra_width(const json_t *document, const json_t *column)
{
    size_t width = length_of(mewl__report_string(column, "title", "")) + 2;
    size_t r;
    json_t *row;
    json_array_foreach(json_object_get(document, "rows"), r, row)
    {
        const char *text =
            mewl__report_string(json_object_get(row, "extra"), mewl__report_string(column, "key", ""), "-");
        size_t length = length_of(text) + 2;
        width = length > width ? length : width;
    }
    return width;
}

static void push_extra_titles(mewl_buffer *out, const json_t *document)
{
    size_t c;
    json_t *column;
    json_array_foreach(json_object_get(document, "columns"), c, column)
    {
        push_padded(out, mewl__report_string(column, "title", ""), extra_width(document, column));
    }
}

static void push_extras(mewl_buffer *out, const json_t *document, const json_t *row)
{
    size_t c;
    json_t *column;
    json_array_foreach(json_object_get(document, "columns"), c, column)
    {
        const char *key = mewl__report_string(column, "key", "");
        push_padded(out, mewl__report_string(json_object_get(row, "extra"), key, "-"), extra_width(document, column));
    }
}

/* "random LEAKY" */
static void push_split_name(mewl_buffer *out, const json_t *split, size_t width)
{
    char name[80];
    (void)snprintf(name, sizeof name, "%s%s", mewl__report_string(split, "name", "split"),
                   mewl__report_leaky(split) ? " " MEWL_REPORT_LEAKY : "");
    push_padded(out, name, width);
}

/* Titles over groups of columns, one group a figure, in it one column a split. */
static void push_titles(mewl_buffer *out, const json_t *document, size_t name_room, size_t first, size_t last,
                        size_t width, bool extras)
{
    const json_t *splits = json_object_get(document, "splits");
    size_t split_count = json_array_size(splits);
    size_t extra = 0;
    size_t c;
    json_t *column;
    json_array_foreach(json_object_get(document, "columns"), c, column)
    {
        extra += extras ? extra_width(document, column) : 0;
    }
    push_padded(out, "", name_room + extra);
    for (size_t f = first; f < last; f++) {
        char title[64];
        (void)snprintf(title, sizeof title, "%s%s%s", mewl__report_figures[f].title,
                       mewl__report_figures[f].unit[0] != '\0' ? ", " : "", mewl__report_figures[f].unit);
        push_padded(out, title, width * split_count);
    }
    end_line(out);
    push_padded(out, "", name_room);
    if (extras) {
        push_extra_titles(out, document);
    }
    for (size_t f = first; f < last; f++) {
        for (size_t s = 0; s < split_count; s++) {
            push_split_name(out, json_array_get(splits, s), width);
        }
    }
    end_line(out);
}

static void push_row(mewl_buffer *out, const json_t *document, const json_t *row, const char *member, size_t name_room,
                     size_t first, size_t last, size_t width, bool extras)
{
    const json_t *splits = json_object_get(document, "splits");
    push_padded(out, mewl__report_string(row, "name", "-"), name_room);
    if (extras) {
        push_extras(out, document, row);
    }
    for (size_t f = first; f < last; f++) {
        for (size_t s = 0; s < json_array_size(splits); s++) {
            const char *split = mewl__report_string(json_array_get(splits, s), "name", "");
            char cell[96];
            mewl__report_cell(cell, sizeof cell, json_object_get(json_object_get(row, member), split),
                              &mewl__report_figures[f], first == 0);
            push_padded(out, cell, width);
        }
    }
    end_line(out);
}

/* One table; rows without `member` are left out. */
static void push_table(mewl_buffer *out, const json_t *document, const char *member, size_t first, size_t last,
                       size_t width, bool extras)
{
    size_t room = name_width(document);
    push_titles(out, document, room, first, last, width, extras);
    for (int baselines = 0; baselines < 2; baselines++) {
        size_t r;
        json_t *row;
        json_array_foreach(json_object_get(document, "rows"), r, row)
        {
            bool is_baseline = json_is_true(json_object_get(row, "baseline"));
            if (is_baseline == (baselines == 1) && json_object_get(row, member) != NULL) {
                push_row(out, document, row, member, room, first, last, width, extras);
            }
        }
    }
    (void)mewl_buffer_text(out, "\n");
}

static bool any_row_has(const json_t *document, const char *member)
{
    size_t r;
    json_t *row;
    json_array_foreach(json_object_get(document, "rows"), r, row)
    {
        if (json_object_get(row, member) != NULL) {
            return true;
        }
    }
    return false;
}

static void push_sentences(mewl_buffer *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *sentence = json_string_value(json_array_get(list, i));
        (void)mewl_buffer_print(out, "  %s\n", sentence != NULL ? sentence : "");
    }
}

mewl_status mewl_report_text(mewl_buffer *out, const json_t *document, mewl_error *err)
{
    const json_t *splits = json_object_get(document, "splits");
    (void)mewl_buffer_print(
        out, "%s\n", mewl__report_string(document, "title", mewl__report_string(document, "experiment", "Experiment")));
    mewl__report_heading(out, document);
    (void)mewl_buffer_text(out, "\n");
    push_sentences(out, json_object_get(document, "protocol"));
    for (size_t s = 0; s < json_array_size(splits); s++) {
        (void)mewl_buffer_text(out, "  ");
        mewl__report_split_line(out, json_array_get(splits, s));
        (void)mewl_buffer_text(out, "\n");
    }
    (void)mewl_buffer_text(out, "\n");
    push_table(out, document, "splits", 0, MEWL__REPORT_MAIN, MAIN_WIDTH, true);
    push_table(out, document, "splits", MEWL__REPORT_MAIN, MEWL__REPORT_FIGURES, SHORT_WIDTH, false);
    if (any_row_has(document, "difference")) {
        (void)mewl_buffer_print(out, "More than %s (an interval without 0 is a difference)\n",
                                mewl__report_string(document, "compared_to", "the row compared to"));
        push_table(out, document, "difference", 0, MEWL__REPORT_MAIN, MAIN_WIDTH, false);
    }
    push_sentences(out, json_object_get(document, "notes"));
    return out->failed ? mewl_error_set(err, MEWL_E_MEMORY, "the report is longer than its buffer") : MEWL_OK;
}
