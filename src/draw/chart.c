/* chart.c - curves: ROC, precision-recall, training logs; see chart.h. */
#include "draw/chart.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "draw/axes.h"
#include "draw/chart_file.h"

#define WIDTH_PX 800
#define HEIGHT_PX 640
#define SIDE_MIN_PX 240
#define SIDE_MAX_PX 8192

/* Told apart by colour-blind eyes, and by lightness in print. */
static const uint32_t colours[MEWL_CHART_SERIES_MAX] = {0x2f5d9f, 0xe4572e, 0x0f766e, 0x8b5cb8,
                                                        0xc98a12, 0x3aa0c9, 0x8f2d56, 0x5f6b7a};

mewl_status mewl__chart_open(mewl__canvas *canvas, const char *path, int width_px, int height_px, mewl_error *err)
{
    if (width_px < SIDE_MIN_PX || width_px > SIDE_MAX_PX || height_px < SIDE_MIN_PX || height_px > SIDE_MAX_PX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a chart of %d x %d: %d to %d each way are possible", path, width_px,
                              height_px, SIDE_MIN_PX, SIDE_MAX_PX);
    }
    return mewl__canvas_open(canvas, path, width_px, height_px, err);
}

mewl_status mewl__chart_close(mewl__canvas *canvas, mewl_error *err)
{
    mewl_status status = mewl__canvas_commit(canvas, err);
    mewl__canvas_close(canvas);
    return status;
}

static bool drawable(const mewl__axes *axes, double x, double y)
{
    return isfinite(x) && isfinite(y) && (!axes->x_log || x > 0.0);
}

static void draw_band(const mewl__axes *axes, const mewl_chart_series *s)
{
    bool any = false;
    for (size_t i = 0; i < s->count; i++) {
        if (drawable(axes, s->x[i], s->high[i]) && isfinite(s->low[i])) {
            cairo_line_to(axes->cr, mewl__axes_x(axes, s->x[i]), mewl__axes_y(axes, s->high[i]));
            any = true;
        }
    }
    for (size_t i = s->count; i-- > 0;) {
        if (drawable(axes, s->x[i], s->high[i]) && isfinite(s->low[i])) {
            cairo_line_to(axes->cr, mewl__axes_x(axes, s->x[i]), mewl__axes_y(axes, s->low[i]));
        }
    }
    if (any) {
        cairo_close_path(axes->cr);
    }
    cairo_fill(axes->cr);
}

static void draw_line(const mewl__axes *axes, const mewl_chart_series *s)
{
    bool open = false;
    double last_y = 0.0;
    for (size_t i = 0; i < s->count; i++) {
        if (!drawable(axes, s->x[i], s->y[i])) {
            open = false;
            continue;
        }
        double x = mewl__axes_x(axes, s->x[i]);
        double y = mewl__axes_y(axes, s->y[i]);
        if (!open) {
            cairo_move_to(axes->cr, x, y);
        } else if (s->steps) {
            cairo_line_to(axes->cr, x, last_y);
        }
        cairo_line_to(axes->cr, x, y);
        last_y = y;
        open = true;
    }
    cairo_stroke(axes->cr);
    for (size_t i = 0; s->markers && i < s->count; i++) {
        if (drawable(axes, s->x[i], s->y[i])) {
            cairo_arc(axes->cr, mewl__axes_x(axes, s->x[i]), mewl__axes_y(axes, s->y[i]), 3.4, 0.0, 2.0 * M_PI);
            cairo_fill(axes->cr);
        }
    }
}

static void set_stroke(cairo_t *cr, const mewl_chart_series *s, size_t index)
{
    static const double dashes[] = {6.0, 4.0};
    mewl__colour(cr, s->dashed ? MEWL__MUTED : colours[index], 1.0);
    cairo_set_line_width(cr, s->dashed ? 1.4 : 2.2);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(cr, dashes, s->dashed ? 2 : 0, 0.0);
}

static void draw_series(const mewl__axes *axes, const mewl_chart_series *series, size_t count)
{
    cairo_t *cr = axes->cr;
    cairo_save(cr);
    cairo_rectangle(cr, axes->box.x - 3.0, axes->box.y - 3.0, axes->box.width + 6.0, axes->box.height + 6.0);
    cairo_clip(cr);
    for (size_t i = 0; i < count; i++) {
        if (series[i].low != NULL && series[i].high != NULL) {
            mewl__colour(cr, colours[i], 0.15);
            draw_band(axes, &series[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        set_stroke(cr, &series[i], i);
        draw_line(axes, &series[i]);
    }
    cairo_restore(cr);
}

/* How many points of the curves fall into `box`: a legend goes where the fewest do. */
static size_t crowd(const mewl__axes *axes, const mewl_chart_series *series, size_t count, mewl__box box)
{
    size_t inside = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < series[i].count; k++) {
            if (drawable(axes, series[i].x[k], series[i].y[k])) {
                double x = mewl__axes_x(axes, series[i].x[k]);
                double y = mewl__axes_y(axes, series[i].y[k]);
                inside += x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
            }
        }
    }
    return inside;
}

static void draw_legend(const mewl__axes *axes, const mewl_chart_series *series, size_t count)
{
    cairo_t *cr = axes->cr;
    double widest = 0.0;
    size_t lines = 0;
    mewl__font(cr, 12.5, false);
    for (size_t i = 0; i < count; i++) {
        if (series[i].name != NULL) {
            widest = fmax(widest, fmin(mewl__text_width(cr, series[i].name), axes->box.width - 70.0));
            lines++;
        }
    }
    if (lines == 0) {
        return;
    }
    mewl__box legend = {0.0, 0.0, widest + 52.0, 20.0 * (double)lines + 12.0};
    double xs[] = {axes->box.x + axes->box.width - legend.width - 12.0, axes->box.x + 12.0};
    double ys[] = {axes->box.y + axes->box.height - legend.height - 12.0, axes->box.y + 12.0};
    mewl__box best = {xs[0], ys[0], legend.width, legend.height};
    for (size_t corner = 1; corner < 4; corner++) {
        mewl__box other = {xs[corner % 2], ys[corner / 2], legend.width, legend.height};
        if (crowd(axes, series, count, other) < crowd(axes, series, count, best)) {
            best = other;
        }
    }
    mewl__colour(cr, MEWL__PAPER, 0.88);
    cairo_rectangle(cr, best.x, best.y, best.width, best.height);
    cairo_fill(cr);
    double y = best.y + 20.0;
    for (size_t i = 0; i < count; i++) {
        if (series[i].name != NULL) {
            set_stroke(cr, &series[i], i);
            mewl__line(cr, best.x + 8.0, y - 4.0, best.x + 34.0, y - 4.0);
            cairo_set_dash(cr, NULL, 0, 0.0);
            mewl__colour(cr, MEWL__INK, 1.0);
            mewl__text_within(cr, best.x + 42.0, y, widest + 4.0, series[i].name);
            y += 20.0;
        }
    }
}

/* The range of all points, widened to not be empty. */
static void data_range(mewl__axes *axes, const mewl_chart_series *series, size_t count, mewl_chart_opts opts)
{
    double range[4] = {DBL_MAX, -DBL_MAX, DBL_MAX, -DBL_MAX};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < series[i].count; k++) {
            if (drawable(axes, series[i].x[k], series[i].y[k])) {
                range[0] = fmin(range[0], series[i].x[k]);
                range[1] = fmax(range[1], series[i].x[k]);
                range[2] = fmin(range[2], series[i].y[k]);
                range[3] = fmax(range[3], series[i].y[k]);
            }
        }
    }
    if (range[0] > range[1]) {
        range[0] = range[2] = opts.x_log ? 0.1 : 0.0;
        range[1] = range[3] = 1.0;
    }
    bool given_x = opts.x_low != 0.0 || opts.x_high != 0.0;
    bool given_y = opts.y_low != 0.0 || opts.y_high != 0.0;
    double spare = fmax(0.04 * (range[3] - range[2]), 1e-9 * fmax(1.0, fabs(range[3])));
    axes->x_low = given_x ? opts.x_low : range[0];
    axes->x_high = given_x ? opts.x_high : range[1];
    axes->y_low = given_y ? opts.y_low : range[2] - spare;
    axes->y_high = given_y ? opts.y_high : range[3] + spare;
    if (axes->x_high <= axes->x_low) {
        axes->x_high = axes->x_log ? 10.0 * axes->x_low : axes->x_low + 1.0;
    }
}

static mewl_status check_curves(const char *path, const mewl_chart_series *series, size_t count, mewl_chart_opts opts,
                                mewl_error *err)
{
    if (count < 1 || count > MEWL_CHART_SERIES_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: %zu curves: 1 to %u are possible", path, count,
                              MEWL_CHART_SERIES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        bool lacks = series[i].count > 0 && (series[i].x == NULL || series[i].y == NULL);
        if (lacks || (series[i].low == NULL) != (series[i].high == NULL)) {
            return mewl_error_set(err, MEWL_E_ARG, "%s: curve %zu lacks its numbers", path, i);
        }
    }
    double limits[] = {opts.x_low, opts.x_high, opts.y_low, opts.y_high};
    for (size_t i = 0; i < 4; i += 2) {
        bool given = limits[i] != 0.0 || limits[i + 1] != 0.0;
        if (given && (!isfinite(limits[i]) || !isfinite(limits[i + 1]) || limits[i] >= limits[i + 1])) {
            return mewl_error_set(err, MEWL_E_ARG, "%s: an axis from %g to %g", path, limits[i], limits[i + 1]);
        }
    }
    if (opts.x_log && opts.x_high != 0.0 && opts.x_low <= 0.0) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a logarithmic axis from %g", path, opts.x_low);
    }
    return MEWL_OK;
}

mewl_status mewl_chart_curves(const char *path, const mewl_chart_series *series, size_t series_count,
                              mewl_chart_opts opts, mewl_error *err)
{
    MEWL_TRY(check_curves(path, series, series_count, opts, err));
    double width = opts.width_px == 0 ? WIDTH_PX : opts.width_px;
    double height = opts.height_px == 0 ? HEIGHT_PX : opts.height_px;
    mewl__canvas canvas;
    MEWL_TRY(mewl__chart_open(&canvas, path, (int)width, (int)height, err));
    double top = opts.title == NULL ? 24.0 : 52.0;
    double foot = (opts.x_name == NULL ? 34.0 : 56.0) + (opts.note == NULL ? 0.0 : 22.0);
    mewl__axes axes = {canvas.cr, {78.0, top, width - 78.0 - 26.0, height - top - foot}, 0, 1, 0, 1, opts.x_log};
    if (opts.square) {
        double side = fmin(axes.box.width, axes.box.height);
        axes.box.x += floor((axes.box.width - side) / 2.0);
        axes.box.width = side;
        axes.box.height = side;
    }
    data_range(&axes, series, series_count, opts);
    mewl__axes_titles(canvas.cr, axes.box, height, opts.title, opts.note);
    mewl__axes_draw(&axes, opts.x_name, opts.y_name, true);
    draw_series(&axes, series, series_count);
    draw_legend(&axes, series, series_count);
    return mewl__chart_close(&canvas, err);
}

/* Puts a reference line of two points before the caller's curves and draws the unit square. */
static mewl_status unit_square(const char *path, const mewl_chart_series *series, size_t count,
                               mewl_chart_series reference, mewl_chart_opts opts, mewl_error *err)
{
    mewl_chart_series all[MEWL_CHART_SERIES_MAX];
    if (count >= MEWL_CHART_SERIES_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: %zu curves: up to %u are possible", path, count,
                              MEWL_CHART_SERIES_MAX - 1);
    }
    memcpy(all, series, count * sizeof *series);
    all[count] = reference;
    opts.x_low = opts.y_low = 0.0;
    opts.x_high = opts.y_high = 1.0;
    opts.square = true;
    opts.width_px = 680;
    opts.height_px = 700;
    return mewl_chart_curves(path, all, count + (reference.count > 0 ? 1 : 0), opts, err);
}

mewl_status mewl_chart_roc(const char *path, const mewl_chart_series *series, size_t series_count, const char *title,
                           const char *note, mewl_error *err)
{
    static const double diagonal[] = {0.0, 1.0};
    mewl_chart_series chance = {.name = "chance", .x = diagonal, .y = diagonal, .count = 2, .dashed = true};
    mewl_chart_opts opts = {
        .title = title, .note = note, .x_name = "false-positive rate", .y_name = "true-positive rate"};
    return unit_square(path, series, series_count, chance, opts, err);
}

mewl_status mewl_chart_pr(const char *path, const mewl_chart_series *series, size_t series_count, double base_rate,
                          const char *title, const char *note, mewl_error *err)
{
    static const double ends[] = {0.0, 1.0};
    double level[] = {base_rate, base_rate};
    mewl_chart_series chance = {.name = "chance", .x = ends, .y = level, .count = 2, .dashed = true};
    chance.count = isfinite(base_rate) ? 2 : 0;
    mewl_chart_opts opts = {.title = title, .note = note, .x_name = "recall", .y_name = "precision"};
    return unit_square(path, series, series_count, chance, opts, err);
}
