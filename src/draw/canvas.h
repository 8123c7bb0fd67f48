/* canvas.h - one drawing on its way to a PNG, SVG or PDF file, and the few strokes that charts share. Private to the
 * room; with its .c the only place that knows how cairo makes files.
 */
#ifndef MEWL_DRAW_CANVAS_H
#define MEWL_DRAW_CANVAS_H

#include <cairo.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "base/status.h"

/* The house colours, 0xRRGGBB. */
#define MEWL__INK 0x1f2430u
#define MEWL__INK_SOFT 0x6b7280u
#define MEWL__GRID 0xe4e7ecu
#define MEWL__FRAME 0xb6bcc7u
#define MEWL__PAPER 0xffffffu
#define MEWL__WAVE 0x41618fu
#define MEWL__CRY 0xe4572eu
#define MEWL__SCORE 0x0f766eu
#define MEWL__MUTED 0x9aa1adu

typedef enum mewl__align { MEWL__ALIGN_LEFT, MEWL__ALIGN_CENTRE, MEWL__ALIGN_RIGHT } mewl__align;

typedef enum mewl__canvas_kind { MEWL__CANVAS_PNG, MEWL__CANVAS_SVG, MEWL__CANVAS_PDF } mewl__canvas_kind;

typedef struct mewl__canvas {
    const char *path; /* the caller's, for as long as the canvas */
    mewl__canvas_kind kind;
    int width;
    int height;
    mewl_file_writer *writer;
    mewl_status write_status; /* of the writer, while cairo calls it */
    mewl_error write_error;
    cairo_surface_t *surface;
    cairo_t *cr;
} mewl__canvas;

/* A rectangle of the drawing. */
typedef struct mewl__box {
    double x, y, width, height;
} mewl__box;

/* The kind by the path's ending (.png, .svg, .pdf in any case); a device or a pipe gets a PNG. MEWL_E_ARG for another
 * ending. */
mewl_status mewl__canvas_kind_of(mewl__canvas_kind *kind, const char *path, mewl_error *err);

/* Starts a white drawing of that kind. MEWL_E_ARG for another ending, MEWL_E_LIBRARY, MEWL_E_MEMORY, errors of the
 * writer. On failure nothing is left to close. */
mewl_status mewl__canvas_open(mewl__canvas *canvas, const char *path, int width, int height, mewl_error *err);

/* Writes the file and puts it in place. Still close. */
mewl_status mewl__canvas_commit(mewl__canvas *canvas, mewl_error *err);
void mewl__canvas_close(mewl__canvas *canvas);

void mewl__colour(cairo_t *cr, uint32_t rgb, double alpha);

/* Text on a base line at (x, y). */
void mewl__text(cairo_t *cr, double x, double y, mewl__align align, const char *text);
double mewl__text_width(cairo_t *cr, const char *text);
void mewl__font(cairo_t *cr, double size, bool bold);

/* Text made no wider than `width`: cut with an ellipsis where it is (never within a UTF-8 character; text that is not
 * UTF-8 has its bytes replaced by '?'). Returns how wide it then is; 0 where nothing fits. */
#define MEWL__TEXT_BYTES 1024
double mewl__text_fit(cairo_t *cr, char out[MEWL__TEXT_BYTES], double width, const char *text);

/* Draws that. */
void mewl__text_within(cairo_t *cr, double x, double y, double width, const char *text);

/* Text turned a quarter to the left, centred on (x, y). */
void mewl__text_upright(cairo_t *cr, double x, double y, const char *text);

void mewl__line(cairo_t *cr, double x0, double y0, double x1, double y1);
void mewl__frame(cairo_t *cr, mewl__box box);

#endif
