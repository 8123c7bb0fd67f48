/* report_private.h - private to the lab room: what report.c gives to report_text.c and report_page.c. */
#ifndef MEWL_LAB_REPORT_PRIVATE_H
#define MEWL_LAB_REPORT_PRIVATE_H

#include <stdbool.h>

#include "lab/report.h"

/* A figure of mewl_forecasts_json and how it is shown. */
typedef struct mewl__report_figure {
    const char *key, *title, *unit;
    double scale;
    int digits;
} mewl__report_figure;

#define MEWL__REPORT_FIGURES 7
#define MEWL__REPORT_MAIN 3 /* the first of them, shown with intervals */

extern const mewl__report_figure mewl__report_figures[MEWL__REPORT_FIGURES];

/* A string member, or `otherwise`. */
const char *mewl__report_string(const json_t *object, const char *key, const char *otherwise);

/* Whether an entry of "splits" says "leaky": true; a split that says nothing is taken for one that does not leak. */
bool mewl__report_leaky(const json_t *split);

/* "83.6 [80.1, 87.0]", "83.6", or "-" where there is none. */
void mewl__report_cell(char *out, size_t size, const json_t *figures, const mewl__report_figure *figure, bool interval);

/* Sentences: what data, which profile; what a split is and whether it leaks. A failure stays in the buffer. */
void mewl__report_heading(mewl_buffer *out, const json_t *document);
void mewl__report_split_line(mewl_buffer *out, const json_t *split);

#endif
