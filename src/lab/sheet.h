/* sheet.h - tables of figures as JSON: {"title", "columns": [...], "rows": [[cell, ...], ...], "note"}, and as text
 * that is Markdown too. For experiments whose results are no forecasts (those: report.h). A cell is a text, a number,
 * null, or
 * {"value", "low", "high"}.
 */
#ifndef MEWL_LAB_SHEET_H
#define MEWL_LAB_SHEET_H

#include "base/buffer.h"
#include "base/json.h"

/* An empty sheet; NULL when out of memory, which the other calls then report. `note` may be NULL. */
json_t *mewl_sheet_new(const char *title, const char *const *columns, size_t count, const char *note);

/* Appends a row; takes over `row` (a JSON array) even on failure. MEWL_E_MEMORY. */
mewl_status mewl_sheet_add(json_t *sheet, json_t *row);

/* A new, empty row, and cells put behind its others. Cells that cannot be made leave the row too short, which
 * mewl_sheet_add reports. */
json_t *mewl_sheet_row(void);
void mewl_sheet_text_cell(json_t *row, const char *text);
void mewl_sheet_count(json_t *row, size_t value);
void mewl_sheet_real(json_t *row, double value); /* NaN: null */
void mewl_sheet_interval(json_t *row, double value, double low, double high);

/* All members of document["sheets"], then its "notes", appended as Markdown; "title" and "protocol" before. */
mewl_status mewl_sheet_print(mewl_buffer *out, const json_t *document, mewl_error *err);

#endif
