/* report_page.c - an experiment's document as one HTML page. Charts are drawn by draw/chart.h into a folder beside the
 * page and stand in it as data: addresses, since two of cairo's drawings in one page would share names of glyphs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "draw/chart.h"
#include "lab/forecasts.h"
#include "lab/report_private.h"

#define PAGE_BYTES_MAX ((size_t)256 << 20)
#define CHART_BYTES_MAX ((size_t)8 << 20)
#define FIGURE_ROWS_MAX 12

static const char head[] = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
static const char style[] =
    "</title>\n<style>\n"
    "body{font:16px/1.5 system-ui,sans-serif;color:#1f2430;background:#fff;max-width:76rem;margin:2rem auto;"
    "padding:0 1rem}\n"
    "table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.3rem .8rem;border-bottom:1px solid #e4e7ec;text-align:right;white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left}\n"
    "td.leaky,th.leaky{background:#fdf0ec}\n.baseline td{color:#6b7280}\n"
    ".word{color:#c2410c;font-weight:bold}\n"
    ".scroll{overflow-x:auto}\nfigure{display:inline-block;margin:.5rem 1rem .5rem 0}\n"
    "figure img{width:30rem;max-width:100%}\nsummary{cursor:pointer;padding:.2rem 0}\n"
    "</style></head><body>\n";

static void push_escaped(mewl_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        const char *as = *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '&' ? "&amp;" : NULL;
        as = *text == '"' ? "&quot;" : as;
        (void)(as != NULL ? mewl_buffer_text(out, as) : mewl_buffer_push(out, text, 1));
    }
}

static void push_base64(mewl_buffer *out, const unsigned char *data, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes; i += 3) {
        size_t left = bytes - i;
        unsigned word = (unsigned)data[i] << 16 | (left > 1 ? (unsigned)data[i + 1] << 8 : 0) |
                        (left > 2 ? (unsigned)data[i + 2] : 0);
        char four[4] = {digits[word >> 18], digits[word >> 12 & 63], left > 1 ? digits[word >> 6 & 63] : '=',
                        left > 2 ? digits[word & 63] : '='};
        (void)mewl_buffer_push(out, four, 4);
    }
}

/* ---- Tables ---- */

static const char *leaky_class(const json_t *split)
{
    return mewl__report_leaky(split) ? " class=\"leaky\"" : "";
}

static void push_titles(mewl_buffer *out, const json_t *document, size_t first, size_t last, bool extras)
{
    const json_t *splits = json_object_get(document, "splits");
    const json_t *columns = extras ? json_object_get(document, "columns") : NULL;
    (void)mewl_buffer_text(out, "<thead><tr><th rowspan=\"2\"></th>");
    for (size_t c = 0; c < json_array_size(columns); c++) {
        (void)mewl_buffer_text(out, "<th rowspan=\"2\">");
        push_escaped(out, mewl__report_string(json_array_get(columns, c), "title", ""));
        (void)mewl_buffer_text(out, "</th>");
    }
    for (size_t f = first; f < last; f++) {
        (void)mewl_buffer_print(out, "<th colspan=\"%zu\">%s%s%s</th>", json_array_size(splits),
                                mewl__report_figures[f].title, mewl__report_figures[f].unit[0] != '\0' ? ", " : "",
                                mewl__report_figures[f].unit);
    }
    (void)mewl_buffer_text(out, "</tr><tr>");
    for (size_t f = first; f < last; f++) {
        for (size_t s = 0; s < json_array_size(splits); s++) {
            const json_t *split = json_array_get(splits, s);
            (void)mewl_buffer_print(out, "<th%s>", leaky_class(split));
            push_escaped(out, mewl__report_string(split, "name", "split"));
            (void)mewl_buffer_text(
                out, mewl__report_leaky(split) ? " <span class=\"word\">" MEWL_REPORT_LEAKY "</span></th>" : "</th>");
        }
    }
    (void)mewl_buffer_text(out, "</tr></thead>\n");
}

static void push_row(mewl_buffer *out, const json_t *document, const json_t *row, const char *member, size_t first,
                     size_t last, bool extras)
{
    const json_t *splits = json_object_get(document, "splits");
    const json_t *columns = extras ? json_object_get(document, "columns") : NULL;
    bool baseline = json_is_true(json_object_get(row, "baseline"));
    (void)mewl_buffer_print(out, "<tr%s><td>", baseline ? " class=\"baseline\"" : "");
    push_escaped(out, mewl__report_string(row, "name", "-"));
    (void)mewl_buffer_text(out, "</td>");
    for (size_t c = 0; c < json_array_size(columns); c++) {
        (void)mewl_buffer_text(out, "<td>");
        push_escaped(out, mewl__report_string(json_object_get(row, "extra"),
                                              mewl__report_string(json_array_get(columns, c), "key", ""), "-"));
        (void)mewl_buffer_text(out, "</td>");
    }
    for (size_t f = first; f < last; f++) {
        for (size_t s = 0; s < json_array_size(splits); s++) {
            const json_t *split = json_array_get(splits, s);
            char cell[96];
            mewl__report_cell(cell, sizeof cell,
                              json_object_get(json_object_get(row, member), mewl__report_string(split, "name", "")),
                              &mewl__report_figures[f], first == 0);
            (void)mewl_buffer_print(out, "<td%s>%s</td>", leaky_class(split), cell);
        }
    }
    (void)mewl_buffer_text(out, "</tr>\n");
}

static void push_table(mewl_buffer *out, const json_t *document, const char *title, const char *member, size_t first,
                       size_t last, bool extras)
{
    bool any = false;
    size_t r;
    json_t *row;
    json_array_foreach(json_object_get(document, "rows"), r, row)
    {
        any = any || json_object_get(row, member) != NULL;
    }
    if (!any) {
        return;
    }
    (void)mewl_buffer_text(out, "<h2>");
    push_escaped(out, title);
    (void)mewl_buffer_text(out, "</h2>\n<div class=\"scroll\"><table>");
    push_titles(out, document, first, last, extras);
    (void)mewl_buffer_text(out, "<tbody>\n");
    json_array_foreach(json_object_get(document, "rows"), r, row)
    {
        if (json_object_get(row, member) != NULL) {
            push_row(out, document, row, member, first, last, extras);
        }
    }
    (void)mewl_buffer_text(out, "</tbody></table></div>\n");
}

/* ---- Charts ---- */

static mewl_status push_chart(mewl_buffer *out, const char *path, const char *caption, mewl_error *err)
{
    char *svg = NULL;
    size_t bytes = 0;
    MEWL_TRY(mewl_file_read_all(&svg, &bytes, path, CHART_BYTES_MAX, err));
    (void)mewl_buffer_text(out, "<figure><img alt=\"");
    push_escaped(out, caption);
    (void)mewl_buffer_text(out, "\" src=\"data:image/svg+xml;base64,");
    push_base64(out, (const unsigned char *)svg, bytes);
    (void)mewl_buffer_text(out, "\"></figure>\n");
    free(svg);
    return MEWL_OK;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static mewl_status push_confusion(mewl_buffer *out, const char *path, const json_t *document, const json_t *figures,
                                  const char *title, mewl_error *err)
{
    const json_t *names = json_object_get(json_object_get(document, "data"), "classes");
    const json_t *confusion = json_object_get(figures, "confusion");
    size_t classes = json_array_size(confusion);
    if (classes == 0 || classes > MEWL_FORECASTS_CLASSES_MAX) {
        return MEWL_OK;
    }
    uint64_t counts[MEWL_FORECASTS_CLASSES_MAX * MEWL_FORECASTS_CLASSES_MAX];
    const char *labels[MEWL_FORECASTS_CLASSES_MAX];
    for (size_t t = 0; t < classes; t++) {
        const char *name = json_string_value(json_array_get(names, t));
        labels[t] = name != NULL ? name : "?";
        for (size_t c = 0; c < classes; c++) {
            counts[t * classes + c] = (uint64_t)json_integer_value(json_array_get(json_array_get(confusion, t), c));
        }
    }
    MEWL_TRY(mewl_chart_confusion(path, counts, labels, classes, title, NULL, err));
    return push_chart(out, path, "confusion matrix", err);
}

static mewl_status push_reliability(mewl_buffer *out, const char *path, const json_t *figures, const char *title,
                                    mewl_error *err)
{
    const json_t *list = json_object_get(figures, "reliability");
    mewl_chart_bin bins[64];
    size_t count = 0;
    for (; count < json_array_size(list) && count < 64; count++) {
        const json_t *bin = json_array_get(list, count);
        bins[count] = (mewl_chart_bin){.confidence = number(bin, "confidence"),
                                       .accuracy = number(bin, "accuracy"),
                                       .low = number(bin, "low"),
                                       .high = number(bin, "high"),
                                       .count = (uint64_t)json_integer_value(json_object_get(bin, "count"))};
    }
    if (count == 0) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_chart_reliability(path, bins, count, title, NULL, err));
    return push_chart(out, path, "reliability diagram", err);
}

/* Of many rows only those that stand out are drawn: at most FIGURE_ROWS_MAX, by balanced accuracy with equal priors
 * under the last split. */
static bool has_figures(const json_t *document, const json_t *row)
{
    const json_t *splits = json_object_get(document, "splits");
    const char *split = mewl__report_string(json_array_get(splits, json_array_size(splits) - 1), "name", "");
    size_t better = 0;
    size_t r;
    json_t *other;
    if (json_is_true(json_object_get(row, "baseline"))) {
        return false;
    }
    double own =
        number(json_object_get(json_object_get(json_object_get(row, "splits"), split), "balanced_equal"), "value");
    json_array_foreach(json_object_get(document, "rows"), r, other)
    {
        const json_t *figures = json_object_get(json_object_get(other, "splits"), split);
        bool counts = !json_is_true(json_object_get(other, "baseline"));
        better += counts && number(json_object_get(figures, "balanced_equal"), "value") > own;
    }
    return better < FIGURE_ROWS_MAX;
}

static mewl_status push_figures(mewl_buffer *out, const char *path, const json_t *document, mewl_error *err)
{
    const json_t *splits = json_object_get(document, "splits");
    (void)mewl_buffer_text(out, "<h2>Confusion and reliability</h2>\n");
    size_t r;
    json_t *row;
    json_array_foreach(json_object_get(document, "rows"), r, row)
    {
        if (!has_figures(document, row)) {
            continue;
        }
        (void)mewl_buffer_print(out, "<details%s><summary>", r == 0 ? " open" : "");
        push_escaped(out, mewl__report_string(row, "name", "-"));
        (void)mewl_buffer_text(out, "</summary>\n");
        for (size_t s = 0; s < json_array_size(splits); s++) {
            const json_t *split = json_array_get(splits, s);
            const char *name = mewl__report_string(split, "name", "");
            const json_t *figures = json_object_get(json_object_get(row, "splits"), name);
            char title[200];
            (void)snprintf(title, sizeof title, "%s, %s%s", mewl__report_string(row, "name", "-"), name,
                           mewl__report_leaky(split) ? " (" MEWL_REPORT_LEAKY ")" : "");
            MEWL_TRY(push_confusion(out, path, document, figures, title, err));
            MEWL_TRY(push_reliability(out, path, figures, title, err));
        }
        (void)mewl_buffer_text(out, "</details>\n");
    }
    return MEWL_OK;
}

/* ---- The page ---- */

static void push_sentences(mewl_buffer *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *sentence = json_string_value(json_array_get(list, i));
        (void)mewl_buffer_text(out, "<p>");
        push_escaped(out, sentence != NULL ? sentence : "");
        (void)mewl_buffer_text(out, "</p>\n");
    }
}

static void push_top(mewl_buffer *out, const json_t *document)
{
    const char *title =
        mewl__report_string(document, "title", mewl__report_string(document, "experiment", "Experiment"));
    const json_t *splits = json_object_get(document, "splits");
    mewl_buffer line;
    mewl_buffer_init(&line, 1 << 16);
    (void)mewl_buffer_text(out, head);
    push_escaped(out, title);
    (void)mewl_buffer_text(out, style);
    (void)mewl_buffer_text(out, "<h1>");
    push_escaped(out, title);
    (void)mewl_buffer_text(out, "</h1>\n<p>");
    mewl__report_heading(&line, document);
    push_escaped(out, line.data != NULL ? line.data : "");
    (void)mewl_buffer_text(out, "</p>\n");
    push_sentences(out, json_object_get(document, "protocol"));
    for (size_t s = 0; s < json_array_size(splits); s++) {
        mewl_buffer_clear(&line);
        mewl__report_split_line(&line, json_array_get(splits, s));
        (void)mewl_buffer_text(out, "<p>");
        push_escaped(out, line.data != NULL ? line.data : "");
        (void)mewl_buffer_text(out, "</p>\n");
    }
    out->failed = out->failed || line.failed;
    mewl_buffer_fini(&line);
}

static mewl_status push_page(mewl_buffer *out, const json_t *document, const char *chart_path, mewl_error *err)
{
    char compared[300];
    (void)snprintf(compared, sizeof compared, "More than %s (an interval without 0 is a difference)",
                   mewl__report_string(document, "compared_to", "the row compared to"));
    push_top(out, document);
    push_table(out, document, "Figures", "splits", 0, MEWL__REPORT_MAIN, true);
    push_table(out, document, "More figures", "splits", MEWL__REPORT_MAIN, MEWL__REPORT_FIGURES, false);
    push_table(out, document, compared, "difference", 0, MEWL__REPORT_MAIN, false);
    push_sentences(out, json_object_get(document, "notes"));
    MEWL_TRY(push_figures(out, chart_path, document, err));
    const json_t *program = json_object_get(document, "program");
    (void)mewl_buffer_print(out, "<p>Mewl %s (%s). Not a medical device.</p>\n</body></html>\n",
                            mewl__report_string(program, "version", "of unknown version"),
                            mewl__report_string(program, "revision", "unknown"));
    return out->failed ? mewl_error_set(err, MEWL_E_MEMORY, "the page is too long") : MEWL_OK;
}

mewl_status mewl_report_html(const json_t *document, const char *path, mewl_error *err)
{
    char folder[4200];
    char chart[4300];
    if (snprintf(folder, sizeof folder, "%s-charts-XXXXXX", path) >= (int)sizeof folder) {
        return mewl_error_set(err, MEWL_E_ARG, "the name of the page is too long");
    }
    if (mkdtemp(folder) == NULL) {
        return mewl_error_errno(err, errno, path);
    }
    (void)snprintf(chart, sizeof chart, "%s/chart.svg", folder);
    mewl_buffer page;
    mewl_buffer_init(&page, PAGE_BYTES_MAX);
    mewl_status status = push_page(&page, document, chart, err);
    if (status == MEWL_OK) {
        status = mewl_file_write(path, page.data, page.size, err);
    }
    mewl_buffer_fini(&page);
    (void)unlink(chart);
    (void)rmdir(folder);
    return status;
}
