/* eval_chart.c - see eval_chart.h. */
#include "cli/eval_chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "draw/chart.h"

typedef struct curves {
    mewl_chart_series series[MEWL_CHART_SERIES_MAX];
    char names[MEWL_CHART_SERIES_MAX][96];
    double *points[MEWL_CHART_SERIES_MAX]; /* x, then y */
    size_t count;
} curves;

static void curves_fini(curves *c)
{
    for (size_t s = 0; s < c->count; s++) {
        free(c->points[s]);
    }
}

static double figure(const json_t *system, const char *key)
{
    const json_t *value = json_object_get(json_object_get(system, key), "value");
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* One system's points, behind the corner that its curve begins in. */
static mewl_status add_curve(curves *c, const json_t *system, bool precision, mewl_error *err)
{
    const json_t *points = json_object_get(system, "curve");
    const size_t count = json_array_size(points) + (precision ? 0 : 1);
    double *x = malloc((2 * count + 1) * sizeof *x);
    if (x == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a curve");
    }
    double *y = x + count;
    size_t n = 0;
    if (!precision) {
        x[n] = y[n] = 0;
        n++;
    }
    for (size_t i = 0; n < count; i++, n++) {
        const json_t *point = json_array_get(points, i);
        x[n] = json_number_value(json_array_get(point, precision ? 1 : 0));
        y[n] = json_number_value(json_array_get(point, precision ? 2 : 1));
    }
    (void)snprintf(c->names[c->count], sizeof c->names[0], "%.40s, %.3f",
                   json_string_value(json_object_get(system, "name")),
                   figure(system, precision ? "average_precision" : "roc_auc"));
    c->points[c->count] = x;
    c->series[c->count] = (mewl_chart_series){.name = c->names[c->count], .x = x, .y = y, .count = count};
    c->count++;
    return MEWL_OK;
}

mewl_status mewl_eval_chart(const json_t *document, const char *path, bool precision, mewl_error *err)
{
    curves c = {0};
    char note[160];
    const json_t *found = json_object_get(document, "operating_point"); /* of clips */
    found = json_is_object(found) ? found : json_object_get(document, "mixtures");
    const json_t *systems = json_object_get(found, "systems");
    const double positives = json_number_value(json_object_get(found, "positives"));
    const double negatives = json_number_value(json_object_get(found, "negatives"));
    if (json_array_size(json_object_get(json_array_get(systems, 0), "curve")) == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: there are no curves without both cries and cry-free clips", path);
    }
    mewl_status status = MEWL_OK;
    for (size_t s = 0; status == MEWL_OK && s < json_array_size(systems) && s < MEWL_CHART_SERIES_MAX; s++) {
        status = add_curve(&c, json_array_get(systems, s), precision, err);
    }
    (void)snprintf(note, sizeof note, "%.0f clips with a cry, %.0f without; %s beside each name", positives, negatives,
                   precision ? "average precision" : "area");
    if (status == MEWL_OK) {
        status = precision ? mewl_chart_pr(path, c.series, c.count, positives / (positives + negatives),
                                           "Precision and recall", note, err)
                           : mewl_chart_roc(path, c.series, c.count, "Cries found, and false alarms", note, err);
    }
    curves_fini(&c);
    return status;
}
