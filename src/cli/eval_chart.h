/* eval_chart.h - the curves in a document of `mewl eval` as a picture. */
#ifndef MEWL_CLI_EVAL_CHART_H
#define MEWL_CLI_EVAL_CHART_H

#include <stdbool.h>

#include "base/json.h"

/* Draws the ROC curve of every system in the document (precision against recall with `precision`) to `path`, whose
 * ending says the form (draw/chart.h). MEWL_E_EMPTY when the document holds no curves: one side was empty, or they were
 * not asked for (--only). Errors of drawing. */
mewl_status mewl_eval_chart(const json_t *document, const char *path, bool precision, mewl_error *err);

#endif
