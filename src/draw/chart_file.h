/* chart_file.h - how every chart opens and closes its file. Private to the room. */
#ifndef MEWL_DRAW_CHART_FILE_H
#define MEWL_DRAW_CHART_FILE_H

#include "draw/canvas.h"

/* A drawing by the path's ending. MEWL_E_ARG for another ending or a size out of range; else as mewl__canvas_open. */
mewl_status mewl__chart_open(mewl__canvas *canvas, const char *path, int width_px, int height_px, mewl_error *err);

/* Puts the file in place and closes the canvas in any case. */
mewl_status mewl__chart_close(mewl__canvas *canvas, mewl_error *err);

#endif
