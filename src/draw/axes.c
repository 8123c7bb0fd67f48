/* axes.c - axes, grids and titles of charts; see axes.h. */
#include "draw/axes.h"

#include <math.h>

double mewl__axes_x(const mewl__axes *axes, double x)
{
    double share = axes->x_log ? log(x / axes->x_low) / log(axes->x_high / axes->x_low)
                               : (x - axes->x_low) / (axes->x_high - axes->x_low);
    return axes->box.x + axes->box.width * share;
}

double mewl__axes_y(const mewl__axes *axes, double y)
{
    return axes->box.y + axes->box.height * (axes->y_high - y) / (axes->y_high - axes->y_low);
}

void mewl__axes_draw(const mewl__axes *axes, const char *x_name, const char *y_name, bool x_labels)
{
    cairo_t *cr = axes->cr;
    mewl__box box = axes->box;
    mewl_ticks xs = axes->x_log ? mewl_ticks_log(axes->x_low, axes->x_high)
                                : mewl_ticks_linear(axes->x_low, axes->x_high, (int)(box.width / 90.0));
    mewl_ticks ys = mewl_ticks_linear(axes->y_low, axes->y_high, (int)fmax(2.0, box.height / 60.0));
    double widest = 0.0;
    char text[48];
    cairo_set_line_width(cr, 1.0);
    mewl__font(cr, 12.0, false);
    for (size_t i = 0; i < xs.count; i++) {
        double x = round(mewl__axes_x(axes, xs.at[i])) + 0.5;
        mewl__colour(cr, MEWL__GRID, 1.0);
        mewl__line(cr, x, box.y, x, box.y + box.height);
        if (x_labels) {
            mewl_ticks_label(text, sizeof text, xs.at[i], xs.step);
            mewl__colour(cr, MEWL__INK_SOFT, 1.0);
            mewl__text(cr, x, box.y + box.height + 18.0, MEWL__ALIGN_CENTRE, text);
        }
    }
    for (size_t i = 0; i < ys.count; i++) {
        double y = round(mewl__axes_y(axes, ys.at[i])) + 0.5;
        mewl__colour(cr, MEWL__GRID, 1.0);
        mewl__line(cr, box.x, y, box.x + box.width, y);
        mewl_ticks_label(text, sizeof text, ys.at[i], ys.step);
        mewl__colour(cr, MEWL__INK_SOFT, 1.0);
        mewl__text(cr, box.x - 8.0, y + 4.0, MEWL__ALIGN_RIGHT, text);
        widest = fmax(widest, mewl__text_width(cr, text));
    }
    mewl__frame(cr, box);
    mewl__font(cr, 13.0, false);
    mewl__colour(cr, MEWL__INK, 1.0);
    if (x_name != NULL) {
        mewl__text(cr, box.x + box.width / 2.0, box.y + box.height + 40.0, MEWL__ALIGN_CENTRE, x_name);
    }
    if (y_name != NULL) {
        mewl__text_upright(cr, fmax(16.0, box.x - widest - 22.0), box.y + box.height / 2.0, y_name);
    }
}

void mewl__axes_titles(cairo_t *cr, mewl__box box, double height, const char *title, const char *note)
{
    if (title != NULL) {
        mewl__font(cr, 17.0, true);
        mewl__colour(cr, MEWL__INK, 1.0);
        mewl__text_within(cr, box.x, box.y - 16.0, box.width, title);
    }
    if (note != NULL) {
        mewl__font(cr, 11.0, false);
        mewl__colour(cr, MEWL__INK_SOFT, 1.0);
        mewl__text_within(cr, 14.0, height - 10.0, box.x + box.width - 14.0, note);
    }
}
