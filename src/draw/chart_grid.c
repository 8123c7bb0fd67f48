/* chart_grid.c - confusion matrices and reliability diagrams; see chart.h. */
#include <math.h>
#include <stdio.h>

#include "draw/axes.h"
#include "draw/chart.h"
#include "draw/chart_file.h"
#include "draw/colormap.h"

static void draw_cell(cairo_t *cr, mewl__box cell, uint64_t count, double share, const mewl_colormap *map)
{
    char text[32];
    mewl__colour(cr, mewl_colormap_at(map, (float)(0.03 + 0.9 * share)), 1.0);
    cairo_rectangle(cr, cell.x, cell.y, cell.width, cell.height);
    cairo_fill(cr);
    mewl__colour(cr, MEWL__PAPER, 1.0);
    cairo_set_line_width(cr, 1.5);
    cairo_rectangle(cr, cell.x, cell.y, cell.width, cell.height);
    cairo_stroke(cr);
    if (cell.width < 26.0) {
        return;
    }
    double size = fmin(fmax(cell.width / 5.0, 9.0), 18.0);
    double middle = cell.x + cell.width / 2.0;
    bool dark = share > 0.42;
    snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    mewl__font(cr, size, true);
    while (mewl__text_width(cr, text) > cell.width - 4.0 && size > 6.0) {
        size -= 1.0;
        mewl__font(cr, size, true);
    }
    mewl__colour(cr, dark ? MEWL__PAPER : MEWL__INK, count == 0 ? 0.35 : 1.0);
    mewl__text(cr, middle, cell.y + cell.height / 2.0 + (cell.width >= 48.0 ? 0.0 : 0.35 * size), MEWL__ALIGN_CENTRE,
               text);
    if (cell.width >= 48.0 && count > 0) {
        /* Not "100 %" for 359 of 360. */
        int decimals = share < 0.1 || (share > 0.99 && share < 1.0) ? 1 : 0;
        snprintf(text, sizeof text, "%.*f %%", decimals, 100.0 * share);
        mewl__font(cr, fmax(9.0, 0.7 * size), false);
        mewl__colour(cr, dark ? MEWL__PAPER : MEWL__INK, dark ? 0.85 : 0.65);
        mewl__text(cr, middle, cell.y + cell.height / 2.0 + 1.1 * size, MEWL__ALIGN_CENTRE, text);
    }
}

/* Width of the widest name at a font size, measured on a scrap of canvas; at most `most`. */
static double widest_name(const char *const *names, size_t classes, double size, double most)
{
    cairo_surface_t *scrap = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    cairo_t *cr = cairo_create(scrap);
    double widest = 0.0;
    mewl__font(cr, size, false);
    for (size_t i = 0; i < classes; i++) {
        widest = fmax(widest, mewl__text_width(cr, names[i]));
    }
    cairo_destroy(cr);
    cairo_surface_destroy(scrap);
    return fmin(widest, most);
}

mewl_status mewl_chart_confusion(const char *path, const uint64_t *counts, const char *const *names, size_t classes,
                                 const char *title, const char *note, mewl_error *err)
{
    if (classes < 1 || classes > MEWL_CHART_CLASSES_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: %zu classes: 1 to %u are possible", path, classes,
                              MEWL_CHART_CLASSES_MAX);
    }
    double cell = fmin(fmax(640.0 / (double)classes, 18.0), 110.0);
    double side = ceil(cell * (double)classes);
    double size = fmin(13.0, fmax(9.0, cell * 0.6));
    double widest = widest_name(names, classes, size, 150.0);
    bool slanted = widest > cell - 6.0;
    double margin = ceil(fmax(widest, 30.0) + 52.0);
    double below = ceil(slanted ? 0.6 * widest + 50.0 : 46.0);
    int width = (int)fmax(margin + side + 40.0, 320.0);
    int height = (int)(62.0 + side + below + (note == NULL ? 12.0 : 34.0));
    mewl__canvas canvas;
    MEWL_TRY(mewl__chart_open(&canvas, path, width, height, err));
    cairo_t *cr = canvas.cr;
    mewl_colormap map;
    mewl_colormap_init(&map, MEWL_COLORMAP_PAPER);
    mewl__box box = {margin, 62.0, side, side};
    for (size_t row = 0; row < classes; row++) {
        uint64_t total = 0;
        for (size_t column = 0; column < classes; column++) {
            total += counts[row * classes + column];
        }
        for (size_t column = 0; column < classes; column++) {
            uint64_t count = counts[row * classes + column];
            mewl__box place = {box.x + cell * (double)column, box.y + cell * (double)row, cell, cell};
            draw_cell(cr, place, count, total == 0 ? 0.0 : (double)count / (double)total, &map);
        }
        mewl__font(cr, size, false);
        mewl__colour(cr, MEWL__INK, 1.0);
        double middle = cell * ((double)row + 0.5);
        double wide = fmin(mewl__text_width(cr, names[row]), widest);
        mewl__text_within(cr, box.x - 8.0 - wide, box.y + middle + 0.35 * size, wide + 1.0, names[row]);
        cairo_save(cr);
        if (slanted) {
            cairo_translate(cr, box.x + middle - 4.0, box.y + side + 16.0);
            cairo_rotate(cr, M_PI / 5.0);
            mewl__text_within(cr, 0.0, 0.0, widest + 1.0, names[row]);
        } else {
            mewl__text(cr, box.x + middle, box.y + side + 18.0, MEWL__ALIGN_CENTRE, names[row]);
        }
        cairo_restore(cr);
    }
    mewl__font(cr, 13.0, false);
    mewl__colour(cr, MEWL__INK_SOFT, 1.0);
    mewl__text_upright(cr, 22.0, box.y + side / 2.0, "true class");
    mewl__text(cr, box.x + side / 2.0, box.y + side + below - 4.0, MEWL__ALIGN_CENTRE, "called");
    mewl__box head = {20.0, 48.0, (double)width - 40.0, 0.0};
    mewl__axes_titles(cr, head, height, title, note);
    return mewl__chart_close(&canvas, err);
}

static mewl_status check_bins(const char *path, const mewl_chart_bin *bins, size_t count, mewl_error *err)
{
    if (count < 1 || count > 64) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: %zu bins: 1 to 64 are possible", path, count);
    }
    for (size_t i = 0; i < count; i++) {
        bool fits = bins[i].confidence >= 0.0 && bins[i].confidence <= 1.0 && bins[i].accuracy >= 0.0 &&
                    bins[i].accuracy <= 1.0;
        if (bins[i].count > 0 && !fits) {
            return mewl_error_set(err, MEWL_E_ARG, "%s: bin %zu: forecast %g, observed %g", path, i, bins[i].confidence,
                                  bins[i].accuracy);
        }
    }
    return MEWL_OK;
}

static void draw_forecasts(const mewl__axes *axes, const mewl_chart_bin *bins, size_t count)
{
    static const double dashes[] = {6.0, 4.0};
    cairo_t *cr = axes->cr;
    mewl__colour(cr, MEWL__MUTED, 1.0);
    cairo_set_line_width(cr, 1.4);
    cairo_set_dash(cr, dashes, 2, 0.0);
    mewl__line(cr, mewl__axes_x(axes, 0.0), mewl__axes_y(axes, 0.0), mewl__axes_x(axes, 1.0), mewl__axes_y(axes, 1.0));
    cairo_set_dash(cr, NULL, 0, 0.0);
    for (size_t i = 0; i < count; i++) {
        if (bins[i].count > 0 && isfinite(bins[i].low) && isfinite(bins[i].high)) {
            double x = mewl__axes_x(axes, bins[i].confidence);
            double high = mewl__axes_y(axes, fmin(bins[i].high, 1.0));
            double low = mewl__axes_y(axes, fmax(bins[i].low, 0.0));
            mewl__colour(cr, MEWL__WAVE, 0.55);
            cairo_set_line_width(cr, 1.6);
            mewl__line(cr, x, low, x, high);
            mewl__line(cr, x - 4.0, low, x + 4.0, low);
            mewl__line(cr, x - 4.0, high, x + 4.0, high);
        }
    }
    mewl__colour(cr, MEWL__WAVE, 1.0);
    cairo_set_line_width(cr, 2.2);
    for (size_t i = 0; i < count; i++) {
        if (bins[i].count > 0) {
            cairo_line_to(cr, mewl__axes_x(axes, bins[i].confidence), mewl__axes_y(axes, bins[i].accuracy));
        }
    }
    cairo_stroke(cr);
    for (size_t i = 0; i < count; i++) {
        if (bins[i].count > 0) {
            cairo_arc(cr, mewl__axes_x(axes, bins[i].confidence), mewl__axes_y(axes, bins[i].accuracy), 4.0, 0.0,
                      2.0 * M_PI);
            cairo_fill(cr);
        }
    }
}

mewl_status mewl_chart_reliability(const char *path, const mewl_chart_bin *bins, size_t bin_count, const char *title,
                                   const char *note, mewl_error *err)
{
    enum { WIDTH = 640, HEIGHT = 800 };
    MEWL_TRY(check_bins(path, bins, bin_count, err));
    mewl__canvas canvas;
    MEWL_TRY(mewl__chart_open(&canvas, path, WIDTH, HEIGHT, err));
    mewl__axes axes = {canvas.cr, {78.0, 52.0, 536.0, 536.0}, 0.0, 1.0, 0.0, 1.0, false};
    mewl__axes_titles(canvas.cr, axes.box, HEIGHT, title, note);
    mewl__axes_draw(&axes, NULL, "observed share", false);
    draw_forecasts(&axes, bins, bin_count);
    double most = 1.0;
    for (size_t i = 0; i < bin_count; i++) {
        most = fmax(most, (double)bins[i].count);
    }
    mewl__axes below = {canvas.cr, {78.0, 604.0, 536.0, 110.0}, 0.0, 1.0, 0.0, 1.1 * most, false};
    mewl__axes_draw(&below, "forecast probability", "items", true);
    mewl__colour(canvas.cr, MEWL__WAVE, 0.8);
    double bar = 0.7 * below.box.width / (double)bin_count;
    for (size_t i = 0; i < bin_count; i++) {
        if (bins[i].count > 0) {
            double top = mewl__axes_y(&below, (double)bins[i].count);
            double x = mewl__axes_x(&below, bins[i].confidence) - bar / 2.0;
            double from = fmax(x, below.box.x);
            double to = fmin(x + bar, below.box.x + below.box.width);
            cairo_rectangle(canvas.cr, from, top, to - from, below.box.y + below.box.height - top);
            cairo_fill(canvas.cr);
        }
    }
    return mewl__chart_close(&canvas, err);
}
