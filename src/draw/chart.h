/* chart.h - the few charts that evaluations need, to PNG, SVG or PDF by the path's ending: curves (ROC,
 * precision-recall, training logs), confusion matrices, reliability diagrams.
 *
 * All functions write beside the path and move into place. MEWL_E_ARG for arguments out of range (or a path that ends
 * in none of .png, .svg, .pdf), MEWL_E_MEMORY, MEWL_E_IO and its kin, MEWL_E_LIBRARY when cairo fails.
 */
#ifndef MEWL_DRAW_CHART_H
#define MEWL_DRAW_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define MEWL_CHART_SERIES_MAX 8u
#define MEWL_CHART_CLASSES_MAX 64u

/* One curve. Points that are not finite break the line. */
typedef struct mewl_chart_series {
    const char *name; /* for the legend; NULL: not listed */
    const double *x;
    const double *y;
    size_t count;
    const double *low; /* a band of uncertainty around y (both of `count`), or both NULL */
    const double *high;
    bool steps;   /* draw as a staircase (each y holds until the next x) */
    bool dashed;  /* a reference line */
    bool markers; /* a dot at each point */
} mewl_chart_series;

typedef struct mewl_chart_opts {
    const char *title;  /* NULL: none */
    const char *note;   /* small print below the chart (split, counts, interval); NULL: none */
    const char *x_name; /* axis labels with units; NULL: none */
    const char *y_name;
    double x_low, x_high; /* both 0: from the points */
    double y_low, y_high; /* both 0: from the points */
    bool x_log;           /* x on a logarithmic axis; points at x <= 0 are left out */
    bool square;          /* one unit of x as long as one of y (ROC) */
    int width_px;         /* 0: 800; else 240 to 8192 */
    int height_px;        /* 0: 640; else 240 to 8192 */
} mewl_chart_opts;

/* 1 to MEWL_CHART_SERIES_MAX curves in one pair of axes. */
mewl_status mewl_chart_curves(const char *path, const mewl_chart_series *series, size_t series_count,
                              mewl_chart_opts opts, mewl_error *err);

/* ROC: false-positive against true-positive rate, in 0..1, with the diagonal of chance. `name` may hold the area. */
mewl_status mewl_chart_roc(const char *path, const mewl_chart_series *series, size_t series_count, const char *title,
                           const char *note, mewl_error *err);

/* Precision against recall, in 0..1; base_rate (0..1, NaN: none) is the dashed line of chance. */
mewl_status mewl_chart_pr(const char *path, const mewl_chart_series *series, size_t series_count, double base_rate,
                          const char *title, const char *note, mewl_error *err);

/* counts[row * classes + column]: items of true class `row` called `column`; 1 to MEWL_CHART_CLASSES_MAX classes.
 * Colours by the share of the row; counts and shares are written in the cells. */
mewl_status mewl_chart_confusion(const char *path, const uint64_t *counts, const char *const *names, size_t classes,
                                 const char *title, const char *note, mewl_error *err);

/* One bin of a reliability diagram. */
typedef struct mewl_chart_bin {
    double confidence; /* mean forecast of the items in the bin, 0..1 */
    double accuracy;   /* their share that came true, 0..1 */
    double low, high;  /* an interval for the share, or NaN */
    uint64_t count;    /* bins with 0 are left out */
} mewl_chart_bin;

/* Observed share against forecast with the diagonal, and below it how many items each bin holds. 1 to 64 bins, in order
 * of confidence. */
mewl_status mewl_chart_reliability(const char *path, const mewl_chart_bin *bins, size_t bin_count, const char *title,
                                   const char *note, mewl_error *err);

#endif
