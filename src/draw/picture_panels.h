/* picture_panels.h - the panels of an analysis picture, each drawn into its box. Private to the room. */
#ifndef MEWL_DRAW_PICTURE_PANELS_H
#define MEWL_DRAW_PICTURE_PANELS_H

#include "draw/canvas.h"
#include "draw/picture.h"

/* What all panels share. */
typedef struct mewl__panel {
    cairo_t *cr;
    mewl__box box;     /* whole pixels */
    double unit;       /* 1 for a picture of 1600 x 900 */
    double duration_s; /* the time axis: 0 to this */
} mewl__panel;

/* Middle-of-nothing times to the panel's x. */
double mewl__panel_x(const mewl__panel *panel, double time_s);

void mewl__panel_wave(const mewl__panel *panel, const mewl_picture_acc *acc);

/* Heat map with frequency axis and, right of the box, a colour bar. MEWL_E_MEMORY. */
mewl_status mewl__panel_spectrogram(const mewl__panel *panel, const mewl_picture_acc *acc, mewl_error *err);

/* threshold NaN: none. */
void mewl__panel_scores(const mewl__panel *panel, const mewl_picture_acc *acc, double threshold);

/* A label left of the box at height y, with a short tick. */
void mewl__panel_label(const mewl__panel *panel, double y, const char *text);

/* The panel's name, upright, far left. */
void mewl__panel_name(const mewl__panel *panel, const char *text);

#endif
