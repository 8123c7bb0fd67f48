/* picture.c - layout, time axis, episodes and titles of an analysis picture; see picture.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw/canvas.h"
#include "draw/picture_acc.h"
#include "draw/picture_panels.h"
#include "draw/ticks.h"

#define WIDTH_PX 1600
#define HEIGHT_PX 900
#define WIDTH_MIN_PX 480
#define HEIGHT_MIN_PX 320
#define SIDE_MAX_PX 8192

/* Where everything goes: whole pixels. Heights are 0 for panels that are not there. */
typedef struct layout {
    double unit;
    double x, width;
    mewl__box strip, wave, spectrogram, scores;
    double bottom; /* of the lowest panel */
} layout;

static layout lay_out(const mewl_picture_acc *acc, int width_px, int height_px)
{
    layout l = {.unit = fmin((double)width_px / WIDTH_PX, (double)height_px / HEIGHT_PX)};
    l.unit = fmin(fmax(l.unit, 0.55), 4.0);
    double u = l.unit;
    l.x = round(92.0 * u);
    l.width = round((double)width_px - l.x - 86.0 * u);
    double top = round(64.0 * u);
    double gap = round(14.0 * u);
    l.bottom = round((double)height_px - 50.0 * u);
    double strip = round(40.0 * u);
    bool has_frames = acc->frames.count > 0;
    bool has_scores = acc->scores.count > 0;
    double shares = 1.0 + (has_frames ? 2.3 : 0.0) + (has_scores ? 0.75 : 0.0);
    double room = l.bottom - top - strip - gap * (1.0 + (has_frames ? 1.4 : 0.0) + (has_scores ? 1.0 : 0.0));
    double y = top;
    l.strip = (mewl__box){l.x, y, l.width, strip};
    y += strip + gap;
    l.wave = (mewl__box){l.x, y, l.width, round(room / shares)};
    y += l.wave.height + round(gap * (has_frames ? 1.4 : 1.0));
    if (has_frames) {
        l.spectrogram = (mewl__box){l.x, y, l.width, round(2.3 * room / shares)};
        y += l.spectrogram.height + gap;
    }
    if (has_scores) {
        l.scores = (mewl__box){l.x, y, l.width, fmax(8.0, l.bottom - y)};
    } else if (has_frames) {
        l.spectrogram.height = fmax(8.0, l.bottom - l.spectrogram.y);
    } else {
        l.wave.height = fmax(8.0, l.bottom - l.wave.y);
    }
    return l;
}

static void draw_time_axis(cairo_t *cr, const layout *l, double duration_s)
{
    mewl_ticks ticks = mewl_ticks_time(0.0, duration_s, (int)(l->width / (120.0 * l->unit)));
    const mewl__panel axis = {cr, l->wave, l->unit, duration_s};
    mewl__box panels[] = {l->wave, l->scores};
    for (size_t i = 0; i < ticks.count; i++) {
        char text[48];
        double x = round(mewl__panel_x(&axis, ticks.at[i])) + 0.5;
        mewl__colour(cr, MEWL__GRID, 1.0);
        cairo_set_line_width(cr, 1.0);
        for (size_t p = 0; p < 2; p++) {
            if (panels[p].height > 0.0) {
                mewl__line(cr, x, panels[p].y, x, panels[p].y + panels[p].height);
            }
        }
        mewl__colour(cr, MEWL__FRAME, 1.0);
        mewl__line(cr, x, l->bottom, x, l->bottom + 5.0 * l->unit);
        mewl_ticks_label_time(text, sizeof text, ticks.at[i], ticks.step, duration_s);
        mewl__font(cr, 13.0 * l->unit, false);
        mewl__colour(cr, MEWL__INK_SOFT, 1.0);
        mewl__text(cr, x, l->bottom + 20.0 * l->unit, MEWL__ALIGN_CENTRE, text);
    }
    mewl__font(cr, 13.0 * l->unit, false);
    mewl__colour(cr, MEWL__INK, 1.0);
    const char *name = duration_s < 60.0 ? "time" : duration_s < 3600.0 ? "time (min:s)" : "time (h:min:s)";
    mewl__text(cr, l->x + l->width / 2.0, l->bottom + 40.0 * l->unit, MEWL__ALIGN_CENTRE, name);
}

static uint32_t span_colour(mewl_picture_span_kind kind)
{
    return kind == MEWL_PICTURE_EPISODE ? MEWL__CRY : MEWL__MUTED;
}

/* Left edge and width in pixels of a span, cut to the picture and at least two pixels wide. */
static bool span_place(double *x, double *width, const layout *l, mewl_picture_span span, double duration_s)
{
    double from = fmin(fmax(span.onset_s, 0.0), duration_s);
    double to = fmin(fmax(span.offset_s, 0.0), duration_s);
    *x = l->x + l->width * from / duration_s;
    *width = fmax(2.0, l->width * (to - from) / duration_s);
    *x = fmin(*x, l->x + l->width - *width);
    return span.offset_s > 0.0 && span.onset_s < duration_s;
}

/* Shades all spans of a kind at once: where some overlap, the shade does not deepen. */
static void shade(cairo_t *cr, const layout *l, const mewl_picture_span *spans, size_t count, double duration_s,
                  mewl__box box, double alpha)
{
    static const mewl_picture_span_kind kinds[] = {MEWL_PICTURE_EPISODE, MEWL_PICTURE_NOT_HEARING};
    for (size_t k = 0; k < 2 && box.height > 0.0; k++) {
        for (size_t i = 0; i < count; i++) {
            double x = 0.0;
            double width = 0.0;
            if (spans[i].kind == kinds[k] && span_place(&x, &width, l, spans[i], duration_s)) {
                cairo_rectangle(cr, x, box.y, width, box.height);
            }
        }
        mewl__colour(cr, span_colour(kinds[k]), alpha);
        cairo_fill(cr);
    }
}

/* Onset and offset as thin light lines over the spectrogram, where shading would spoil the colours. */
static void edges(cairo_t *cr, const layout *l, const mewl_picture_span *spans, size_t count, double duration_s)
{
    mewl__box box = l->spectrogram;
    double dashes[] = {5.0 * l->unit, 4.0 * l->unit};
    cairo_set_dash(cr, dashes, 2, 0.0);
    cairo_set_line_width(cr, 1.0);
    for (size_t i = 0; i < count && box.height > 0.0; i++) {
        double x = 0.0;
        double width = 0.0;
        if (span_place(&x, &width, l, spans[i], duration_s) && width >= 14.0 * l->unit) {
            mewl__colour(cr, 0xffffff, 0.75);
            mewl__line(cr, round(x) + 0.5, box.y, round(x) + 0.5, box.y + box.height);
            mewl__line(cr, round(x + width) - 0.5, box.y, round(x + width) - 0.5, box.y + box.height);
        }
    }
    cairo_set_dash(cr, NULL, 0, 0.0);
}

/* A time for people: 12.3 s, 2:05.4 or 3:12:05. */
static void spell_time(char *text, size_t size, double time_s, double duration_s)
{
    if (duration_s < 60.0) {
        snprintf(text, size, "%.2f", time_s);
    } else {
        mewl_ticks_label_time(text, size, time_s, duration_s < 3600.0 ? 0.1 : 1.0, duration_s);
    }
}

/* More spans than this, and only bars that nearly hold their label get one. */
#define CROWD 40

/* Times and confidence over the bar at x, where there is room: in full, or the onset alone, or not at all. */
static void label_span(cairo_t *cr, const layout *l, mewl_picture_span span, double x, double width, double bar_y,
                       size_t count, double duration_s, double *free_from)
{
    double u = l->unit;
    bool cry = span.kind == MEWL_PICTURE_EPISODE;
    char from[32];
    char to[32];
    char labels[2][128];
    spell_time(from, sizeof from, span.onset_s, duration_s);
    spell_time(to, sizeof to, span.offset_s, duration_s);
    char both[80];
    const bool apart = strcmp(from, to) != 0; /* not so for a second of a long night */
    snprintf(both, sizeof both, "%s%s%s", from, apart ? " \xe2\x80\x93 " : "", apart ? to : "");
    snprintf(labels[0], sizeof labels[0], "%s%s", cry ? "" : "not hearing ", both);
    snprintf(labels[1], sizeof labels[1], "%s", cry ? from : "not hearing");
    if (cry && !isnan(span.confidence)) {
        const bool over = span.confidence >= 0.995; /* never "100 % sure" */
        snprintf(labels[0], sizeof labels[0], "%s  (%s%.0f %% sure)", both, over ? "over " : "",
                 over ? 99.0 : 100.0 * fmax(span.confidence, 0.0));
    }
    mewl__font(cr, 12.5 * u, cry);
    mewl__colour(cr, cry ? MEWL__CRY : MEWL__INK_SOFT, 1.0);
    for (int which = 0; which < 2; which++) {
        double text_width = mewl__text_width(cr, labels[which]);
        double natural = x + width / 2.0 - text_width / 2.0;
        double place = fmin(fmax(natural, l->x - 30.0 * u), l->x + l->width + 60.0 * u - text_width);
        place = fmax(place, *free_from);
        /* A label may make way for the one before it, but not so far that it seems another bar's. */
        bool close = place - natural <= 0.2 * text_width + 2.0 * width || place <= l->x;
        if (close && place < x + width && (count <= CROWD || width > 0.6 * text_width)) {
            mewl__text(cr, place, bar_y - 7.0 * u, MEWL__ALIGN_LEFT, labels[which]);
            *free_from = place + text_width + 12.0 * u;
            return;
        }
    }
}

/* Bars on the strip above the waveform, with times and confidence where there is room for them. */
static void draw_strip(cairo_t *cr, const layout *l, const mewl_picture_span *spans, size_t count, double duration_s)
{
    double u = l->unit;
    double bar_y = l->strip.y + l->strip.height - round(12.0 * u);
    double free_from = l->x - 40.0 * u;
    mewl__colour(cr, MEWL__GRID, 1.0);
    cairo_rectangle(cr, l->x, bar_y, l->width, round(12.0 * u));
    cairo_fill(cr);
    mewl__font(cr, 12.5 * u, true);
    mewl__colour(cr, MEWL__CRY, 1.0);
    mewl__text(cr, l->x - 8.0 * u, bar_y + 10.5 * u, MEWL__ALIGN_RIGHT, "cries");
    for (size_t i = 0; i < count; i++) {
        double x = 0.0;
        double width = 0.0;
        if (!span_place(&x, &width, l, spans[i], duration_s)) {
            continue;
        }
        bool cry = spans[i].kind == MEWL_PICTURE_EPISODE;
        double confidence = isnan(spans[i].confidence) ? 1.0 : fmin(fmax(spans[i].confidence, 0.0), 1.0);
        mewl__colour(cr, span_colour(spans[i].kind), cry ? 0.35 + 0.65 * confidence : 1.0);
        cairo_rectangle(cr, x, bar_y, width, round(12.0 * u));
        cairo_fill(cr);
        label_span(cr, l, spans[i], x, width, bar_y, count, duration_s, &free_from);
    }
}

static void draw_titles(cairo_t *cr, const layout *l, const mewl_picture_span *spans, size_t count, double duration_s,
                        mewl_picture_opts opts)
{
    char summary[160];
    char length[48];
    char number[24];
    size_t cries = 0;
    for (size_t i = 0; i < count; i++) {
        cries += spans[i].kind == MEWL_PICTURE_EPISODE ? 1 : 0;
    }
    spell_time(length, sizeof length, duration_s, duration_s);
    snprintf(number, sizeof number, "%zu", cries);
    snprintf(summary, sizeof summary, "%s cry episode%s in %s%s", cries == 0 ? "no" : number, cries == 1 ? "" : "s",
             length, duration_s < 60.0 ? " s" : "");
    const char *subtitle = opts.subtitle == NULL ? summary : opts.subtitle;
    double right = l->x + l->width;
    mewl__font(cr, 14.0 * l->unit, false);
    double wide = fmin(mewl__text_width(cr, subtitle), 0.5 * l->width);
    mewl__colour(cr, MEWL__INK_SOFT, 1.0);
    mewl__text_within(cr, right - wide, 36.0 * l->unit, wide + 1.0, subtitle);
    if (opts.title != NULL) {
        mewl__font(cr, 20.0 * l->unit, true);
        mewl__colour(cr, MEWL__INK, 1.0);
        mewl__text_within(cr, l->x, 38.0 * l->unit, l->width - wide - 30.0 * l->unit, opts.title);
    }
}

static mewl_status draw(cairo_t *cr, const mewl_picture_acc *acc, const mewl_picture_span *spans, size_t count,
                        mewl_picture_opts opts, mewl_error *err)
{
    layout l = lay_out(acc, opts.width_px, opts.height_px);
    double duration_s = mewl_picture_acc_duration_s(acc);
    mewl__panel panel = {cr, l.wave, l.unit, duration_s};
    draw_titles(cr, &l, spans, count, duration_s, opts);
    draw_time_axis(cr, &l, duration_s);
    shade(cr, &l, spans, count, duration_s, l.wave, 0.16);
    shade(cr, &l, spans, count, duration_s, l.scores, 0.08);
    mewl__panel_wave(&panel, acc);
    mewl__frame(cr, l.wave);
    if (l.spectrogram.height > 0.0) {
        panel.box = l.spectrogram;
        MEWL_TRY(mewl__panel_spectrogram(&panel, acc, err));
        edges(cr, &l, spans, count, duration_s);
        mewl__frame(cr, l.spectrogram);
    }
    if (l.scores.height > 0.0) {
        panel.box = l.scores;
        mewl__panel_scores(&panel, acc, opts.threshold);
        mewl__frame(cr, l.scores);
    }
    draw_strip(cr, &l, spans, count, duration_s);
    return MEWL_OK;
}

static mewl_status check(const mewl_picture_acc *acc, const char *path, const mewl_picture_span *spans, size_t count,
                         mewl_picture_opts opts, mewl_error *err)
{
    if (mewl__columns_rows(&acc->wave) == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: no sound to draw", path);
    }
    if (opts.width_px < WIDTH_MIN_PX || opts.width_px > SIDE_MAX_PX || opts.height_px < HEIGHT_MIN_PX ||
        opts.height_px > SIDE_MAX_PX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a picture of %d x %d pixels: %d x %d to %d x %d are possible", path,
                              opts.width_px, opts.height_px, WIDTH_MIN_PX, HEIGHT_MIN_PX, SIDE_MAX_PX, SIDE_MAX_PX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(spans[i].onset_s) || !isfinite(spans[i].offset_s) || spans[i].offset_s <= spans[i].onset_s) {
            return mewl_error_set(err, MEWL_E_ARG, "%s: episode %zu goes from %g to %g s", path, i, spans[i].onset_s,
                                  spans[i].offset_s);
        }
    }
    return MEWL_OK;
}

static int by_onset(const void *a, const void *b)
{
    double x = ((const mewl_picture_span *)a)->onset_s;
    double y = ((const mewl_picture_span *)b)->onset_s;
    return (x > y) - (x < y);
}

mewl_status mewl_picture_check_name(const char *path, mewl_error *err)
{
    mewl__canvas_kind kind;
    return mewl__canvas_kind_of(&kind, path, err);
}

mewl_status mewl_picture_write(const mewl_picture_acc *acc, const char *path, const mewl_picture_span *spans,
                               size_t span_count, mewl_picture_opts opts, mewl_error *err)
{
    opts.width_px = opts.width_px == 0 ? WIDTH_PX : opts.width_px;
    opts.height_px = opts.height_px == 0 ? HEIGHT_PX : opts.height_px;
    MEWL_TRY(check(acc, path, spans, span_count, opts, err));
    mewl_picture_span *sorted = calloc(span_count + 1, sizeof *sorted);
    if (sorted == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory for %zu episodes", path, span_count);
    }
    if (span_count > 0) {
        memcpy(sorted, spans, span_count * sizeof *sorted);
        qsort(sorted, span_count, sizeof *sorted, by_onset);
    }
    mewl__canvas canvas;
    mewl_status status = mewl__canvas_open(&canvas, path, opts.width_px, opts.height_px, err);
    if (status == MEWL_OK) {
        status = draw(canvas.cr, acc, sorted, span_count, opts, err);
        status = status == MEWL_OK ? mewl__canvas_commit(&canvas, err) : status;
        mewl__canvas_close(&canvas);
    }
    free(sorted);
    return status;
}
