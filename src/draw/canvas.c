/* canvas.c - drawings to files; see canvas.h. */
#include "draw/canvas.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

mewl_status mewl__canvas_kind_of(mewl__canvas_kind *kind, const char *path, mewl_error *err)
{
    static const struct {
        const char *ending;
        mewl__canvas_kind kind;
    } rows[] = {{".png", MEWL__CANVAS_PNG}, {".svg", MEWL__CANVAS_SVG}, {".pdf", MEWL__CANVAS_PDF}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof rows / sizeof *rows; i++) {
        if (strcasecmp(dot, rows[i].ending) == 0) {
            *kind = rows[i].kind;
            return MEWL_OK;
        }
    }
    struct stat about;
    *kind = MEWL__CANVAS_PNG;
    return stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_ARG, "%s: names of pictures end in .png, .svg or .pdf", path);
}

static cairo_status_t write_piece(void *closure, const unsigned char *data, unsigned int length)
{
    mewl__canvas *canvas = closure;
    if (canvas->write_status == MEWL_OK) {
        canvas->write_status = mewl_file_writer_push(canvas->writer, data, length, &canvas->write_error);
    }
    return canvas->write_status == MEWL_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static mewl_status cairo_failed(const mewl__canvas *canvas, cairo_status_t status, mewl_error *err)
{
    if (canvas->write_status != MEWL_OK) {
        return mewl_error_set(err, canvas->write_status, "%s", canvas->write_error.text);
    }
    return mewl_error_set(err, status == CAIRO_STATUS_NO_MEMORY ? MEWL_E_MEMORY : MEWL_E_LIBRARY, "%s: cairo: %s",
                          canvas->path, cairo_status_to_string(status));
}

mewl_status mewl__canvas_open(mewl__canvas *canvas, const char *path, int width, int height, mewl_error *err)
{
    mewl__canvas_kind kind;
    MEWL_TRY(mewl__canvas_kind_of(&kind, path, err));
    *canvas = (mewl__canvas){.path = path, .kind = kind, .width = width, .height = height};
    MEWL_TRY(mewl_file_writer_open(&canvas->writer, path, err));
    switch (kind) {
    case MEWL__CANVAS_PNG:
        canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
        break;
    case MEWL__CANVAS_SVG:
        canvas->surface = cairo_svg_surface_create_for_stream(write_piece, canvas, width, height);
        cairo_svg_surface_set_document_unit(canvas->surface, CAIRO_SVG_UNIT_PX);
        break;
    case MEWL__CANVAS_PDF:
        canvas->surface = cairo_pdf_surface_create_for_stream(write_piece, canvas, width, height);
        break;
    }
    canvas->cr = cairo_create(canvas->surface);
    cairo_status_t status = cairo_status(canvas->cr);
    if (status != CAIRO_STATUS_SUCCESS) {
        mewl_status failed = cairo_failed(canvas, status, err);
        mewl__canvas_close(canvas);
        return failed;
    }
    mewl__colour(canvas->cr, MEWL__PAPER, 1.0);
    cairo_paint(canvas->cr);
    return MEWL_OK;
}

mewl_status mewl__canvas_commit(mewl__canvas *canvas, mewl_error *err)
{
    cairo_status_t status = cairo_status(canvas->cr);
    if (status == CAIRO_STATUS_SUCCESS && canvas->kind == MEWL__CANVAS_PNG) {
        status = cairo_surface_write_to_png_stream(canvas->surface, write_piece, canvas);
    } else if (status == CAIRO_STATUS_SUCCESS) {
        cairo_surface_finish(canvas->surface);
        status = cairo_surface_status(canvas->surface);
    }
    if (status != CAIRO_STATUS_SUCCESS || canvas->write_status != MEWL_OK) {
        return cairo_failed(canvas, status, err);
    }
    return mewl_file_writer_commit(canvas->writer, err);
}

void mewl__canvas_close(mewl__canvas *canvas)
{
    cairo_destroy(canvas->cr);
    cairo_surface_destroy(canvas->surface);
    mewl_file_writer_close(canvas->writer);
    *canvas = (mewl__canvas){0};
}

void mewl__colour(cairo_t *cr, uint32_t rgb, double alpha)
{
    cairo_set_source_rgba(cr, (double)(rgb >> 16 & 0xff) / 255.0, (double)(rgb >> 8 & 0xff) / 255.0,
                          (double)(rgb & 0xff) / 255.0, alpha);
}

void mewl__font(cairo_t *cr, double size, bool bold)
{
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

double mewl__text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

void mewl__text(cairo_t *cr, double x, double y, mewl__align align, const char *text)
{
    double shift =
        align == MEWL__ALIGN_LEFT ? 0.0 : mewl__text_width(cr, text) * (align == MEWL__ALIGN_RIGHT ? 1.0 : 0.5);
    cairo_move_to(cr, x - shift, y);
    cairo_show_text(cr, text);
}

/* Length in bytes of the valid UTF-8 character at `at` (no surrogates, nothing overlong), 0 when there is none. */
static size_t utf8_length(const unsigned char *at)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : 0;
    length = at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : length;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f)) {
        return 0;
    }
    return length;
}

double mewl__text_fit(cairo_t *cr, char clean[MEWL__TEXT_BYTES], double width, const char *text)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t ends[MEWL__TEXT_BYTES]; /* where each character ends in `clean` */
    size_t characters = 0;
    size_t used = 0;
    bool whole = true;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t length = utf8_length(at);
        size_t copied = length == 0 ? 1 : length;
        if (used + copied + sizeof ellipsis > MEWL__TEXT_BYTES) {
            whole = false;
            break;
        }
        if (length == 0 || *at < 0x20 || *at == 0x7f) {
            clean[used] = '?';
        } else {
            memcpy(clean + used, at, length);
        }
        used += copied;
        ends[characters++] = used;
        at += copied;
    }
    clean[used] = '\0';
    while (!whole || mewl__text_width(cr, clean) > width) {
        if (characters == 0) {
            clean[0] = '\0';
            return 0.0;
        }
        characters--;
        whole = true;
        memcpy(clean + (characters == 0 ? 0 : ends[characters - 1]), ellipsis, sizeof ellipsis);
    }
    return mewl__text_width(cr, clean);
}

void mewl__text_within(cairo_t *cr, double x, double y, double width, const char *text)
{
    char clean[MEWL__TEXT_BYTES];
    (void)mewl__text_fit(cr, clean, width, text);
    if (clean[0] != '\0') {
        mewl__text(cr, x, y, MEWL__ALIGN_LEFT, clean);
    }
}

void mewl__text_upright(cairo_t *cr, double x, double y, const char *text)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_rotate(cr, -1.5707963267948966);
    mewl__text(cr, 0.0, 0.0, MEWL__ALIGN_CENTRE, text);
    cairo_restore(cr);
}

void mewl__line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

void mewl__frame(cairo_t *cr, mewl__box box)
{
    mewl__colour(cr, MEWL__FRAME, 1.0);
    cairo_set_line_width(cr, 1.0);
    cairo_rectangle(cr, box.x + 0.5, box.y + 0.5, box.width - 1.0, box.height - 1.0);
    cairo_stroke(cr);
}
