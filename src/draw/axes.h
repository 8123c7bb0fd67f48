/* axes.h - a pair of axes with ticks, labels, title and note: what curves and diagrams are drawn into. Private to the
 * room.
 */
#ifndef MEWL_DRAW_AXES_H
#define MEWL_DRAW_AXES_H

#include "draw/canvas.h"
#include "draw/ticks.h"

typedef struct mewl__axes {
    cairo_t *cr;
    mewl__box box;
    double x_low, x_high;
    double y_low, y_high;
    bool x_log;
} mewl__axes;

/* Place of a value on the drawing. */
double mewl__axes_x(const mewl__axes *axes, double x);
double mewl__axes_y(const mewl__axes *axes, double y);

/* Grid, frame, tick labels and axis names (NULL: none); x labels only when `x_labels`. */
void mewl__axes_draw(const mewl__axes *axes, const char *x_name, const char *y_name, bool x_labels);

/* Title above `box` and note at the foot of a drawing of that height; either may be NULL. */
void mewl__axes_titles(cairo_t *cr, mewl__box box, double height, const char *title, const char *note);

#endif
