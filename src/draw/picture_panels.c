/* picture_panels.c - waveform, spectrogram and score panels; see picture_panels.h. */
#include "draw/picture_panels.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "draw/colormap.h"
#include "draw/picture_acc.h"
#include "draw/ticks.h"

double mewl__panel_x(const mewl__panel *panel, double time_s)
{
    return panel->box.x + panel->box.width * time_s / panel->duration_s;
}

void mewl__panel_label(const mewl__panel *panel, double y, const char *text)
{
    mewl__colour(panel->cr, MEWL__FRAME, 1.0);
    cairo_set_line_width(panel->cr, 1.0);
    mewl__line(panel->cr, panel->box.x - 4.0 * panel->unit, y, panel->box.x, y);
    mewl__font(panel->cr, 12.0 * panel->unit, false);
    mewl__colour(panel->cr, MEWL__INK_SOFT, 1.0);
    mewl__text(panel->cr, panel->box.x - 8.0 * panel->unit, y + 4.2 * panel->unit, MEWL__ALIGN_RIGHT, text);
}

void mewl__panel_name(const mewl__panel *panel, const char *text)
{
    mewl__font(panel->cr, 13.0 * panel->unit, false);
    mewl__colour(panel->cr, MEWL__INK, 1.0);
    mewl__text_upright(panel->cr, panel->box.x - 62.0 * panel->unit, panel->box.y + panel->box.height / 2.0, text);
}

/* Highest of a store over pixel column `x`, as `width` numbers; 0 when there is nothing. */
static int at_pixel(const mewl__panel *panel, const mewl__columns *columns, float *out, int x, double first_s,
                    double step_s)
{
    double from_s = panel->duration_s * (double)x / panel->box.width;
    double to_s = panel->duration_s * (double)(x + 1) / panel->box.width;
    return mewl__columns_view(columns, out, (from_s - first_s) / step_s + 0.5, (to_s - first_s) / step_s + 0.5);
}

static double peak_of(const mewl_picture_acc *acc)
{
    double peak = 0.0;
    for (size_t i = 0; i < 2 * acc->wave.count; i++) {
        peak = fmax(peak, (double)acc->wave.data[i]);
    }
    return peak;
}

void mewl__panel_wave(const mewl__panel *panel, const mewl_picture_acc *acc)
{
    cairo_t *cr = panel->cr;
    mewl__box box = panel->box;
    double reach = fmax(1e-4, 1.08 * peak_of(acc));
    double middle = box.y + box.height / 2.0;
    double scale = box.height / 2.0 / reach;
    mewl_ticks ticks = mewl_ticks_linear(-reach, reach, 6);
    for (size_t i = 0; i < ticks.count; i++) {
        char text[32];
        double y = round(middle - ticks.at[i] * scale) + 0.5;
        mewl__colour(cr, MEWL__GRID, 1.0);
        cairo_set_line_width(cr, 1.0);
        mewl__line(cr, box.x, y, box.x + box.width, y);
        mewl_ticks_label(text, sizeof text, ticks.at[i], ticks.step);
        mewl__panel_label(panel, y, text);
    }
    cairo_save(cr);
    cairo_rectangle(cr, box.x, box.y, box.width, box.height);
    cairo_clip(cr);
    mewl__colour(cr, MEWL__WAVE, 1.0);
    for (int x = 0; x < (int)box.width; x++) {
        float ends[2];
        if (!at_pixel(panel, &acc->wave, ends, x, 0.5 / acc->opts.rate_hz, 1.0 / acc->opts.rate_hz)) {
            continue;
        }
        double top = middle - (double)ends[0] * scale;
        double bottom = middle + (double)ends[1] * scale;
        /* At least a pixel, so that quiet stretches stay a line. */
        double spare = fmax(0.0, 1.0 - (bottom - top)) / 2.0;
        cairo_rectangle(cr, box.x + x, top - spare, 1.0, bottom - top + 2.0 * spare);
    }
    cairo_fill(cr);
    cairo_restore(cr);
    mewl__panel_name(panel, "amplitude");
}

/* Where 99.9 % of the levels stay below, and what to show as darkest: not more than 80 dB below it, nor far below the 5
 * % quietest. */
static void level_range(double *low_db, double *high_db, const float *levels_db, size_t count)
{
    enum { BINS = 800 };
    size_t histogram[BINS] = {0};
    for (size_t i = 0; i < count; i++) {
        double bin = ((double)levels_db[i] + 200.0) * 2.0;
        histogram[bin < 0.0 ? 0 : bin >= BINS ? BINS - 1 : (size_t)bin]++;
    }
    size_t seen = 0;
    double five = -200.0;
    double most = 200.0;
    bool has_five = false;
    for (size_t i = 0; i < BINS; i++) {
        seen += histogram[i];
        if (!has_five && (double)seen >= 0.05 * (double)count) {
            five = (double)i / 2.0 - 200.0;
            has_five = true;
        }
        if ((double)seen >= 0.999 * (double)count) {
            most = (double)(i + 1) / 2.0 - 200.0;
            break;
        }
    }
    *high_db = most;
    *low_db = fmin(fmax(most - 80.0, five - 2.0), most - 30.0);
}

static void colour_bar(const mewl__panel *panel, const mewl_colormap *map, double low_db, double high_db)
{
    cairo_t *cr = panel->cr;
    mewl__box bar = {panel->box.x + panel->box.width + round(14.0 * panel->unit), panel->box.y,
                     round(12.0 * panel->unit), panel->box.height};
    for (int y = 0; y < (int)bar.height; y++) {
        mewl__colour(cr, mewl_colormap_at(map, (float)(1.0 - (y + 0.5) / bar.height)), 1.0);
        cairo_rectangle(cr, bar.x, bar.y + y, bar.width, 1.0);
        cairo_fill(cr);
    }
    mewl__frame(cr, bar);
    mewl_ticks ticks = mewl_ticks_linear(low_db, high_db, 5);
    mewl__font(cr, 12.0 * panel->unit, false);
    for (size_t i = 0; i < ticks.count; i++) {
        char text[32];
        double y = bar.y + bar.height * (high_db - ticks.at[i]) / (high_db - low_db);
        mewl_ticks_label(text, sizeof text, ticks.at[i], ticks.step);
        mewl__colour(cr, MEWL__INK_SOFT, 1.0);
        y = fmin(fmax(y + 4.2 * panel->unit, bar.y + 10.0 * panel->unit), bar.y + bar.height - panel->unit);
        mewl__text(cr, bar.x + bar.width + 6.0 * panel->unit, y, MEWL__ALIGN_LEFT, text);
    }
    mewl__text(cr, bar.x + bar.width / 2.0, bar.y - 6.0 * panel->unit, MEWL__ALIGN_CENTRE, "dB");
}

/* Band (fractional) whose centre frequency is `hz`; -1 outside the bands. */
static double band_at(const mewl_picture_acc *acc, double hz)
{
    const double *band_hz = acc->opts.band_hz;
    for (size_t b = 0; b + 1 < acc->opts.bands; b++) {
        if (hz >= band_hz[b] && hz <= band_hz[b + 1]) {
            return (double)b + (hz - band_hz[b]) / (band_hz[b + 1] - band_hz[b]);
        }
    }
    return -1.0;
}

static void frequency_axis(const mewl__panel *panel, const mewl_picture_acc *acc)
{
    static const double marks_hz[] = {1000, 4000, 2000, 8000, 500, 250, 16000, 12000, 6000, 3000, 100, 1500, 750};
    double bands = (double)acc->opts.bands;
    double taken[sizeof marks_hz / sizeof *marks_hz];
    size_t count = 0;
    if (acc->opts.band_hz == NULL) {
        mewl__panel_name(panel, "band");
        return;
    }
    /* The marks in order of importance, each where there is room. */
    for (size_t i = 0; i < sizeof marks_hz / sizeof *marks_hz; i++) {
        double band = band_at(acc, marks_hz[i]);
        double y = panel->box.y + panel->box.height * (1.0 - (band + 0.5) / bands);
        bool free_place = band >= 0.0;
        for (size_t k = 0; k < count; k++) {
            free_place = free_place && fabs(taken[k] - y) > 18.0 * panel->unit;
        }
        if (free_place) {
            char text[32];
            char number[16];
            taken[count++] = y;
            snprintf(number, sizeof number, "%g", marks_hz[i] < 1000.0 ? marks_hz[i] : marks_hz[i] / 1000.0);
            snprintf(text, sizeof text, marks_hz[i] < 1000.0 ? "%s Hz" : "%s kHz", number);
            mewl__panel_label(panel, round(y) + 0.5, text);
        }
    }
    mewl__panel_name(panel, "frequency");
}

static void paint_levels(uint32_t *pixels, size_t stride, const float *levels_db, int width, int height, size_t bands,
                         const mewl_colormap *map, double low_db, double high_db)
{
    for (int y = 0; y < height; y++) {
        double place = (1.0 - ((double)y + 0.5) / height) * (double)bands - 0.5;
        place = fmin(fmax(place, 0.0), (double)bands - 1.0);
        size_t low = (size_t)place;
        size_t high = low + 1 < bands ? low + 1 : low;
        float share = (float)(place - (double)low);
        for (int x = 0; x < width; x++) {
            const float *column = levels_db + (size_t)x * bands;
            float db = column[low] + share * (column[high] - column[low]);
            pixels[(size_t)y * stride + (size_t)x] =
                mewl_colormap_at(map, (db - (float)low_db) / (float)(high_db - low_db));
        }
    }
}

mewl_status mewl__panel_spectrogram(const mewl__panel *panel, const mewl_picture_acc *acc, mewl_error *err)
{
    size_t bands = acc->opts.bands;
    int width = (int)panel->box.width;
    int height = (int)panel->box.height;
    float *levels_db = calloc((size_t)width * bands, sizeof *levels_db);
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    if (levels_db == NULL || cairo_surface_status(image) != CAIRO_STATUS_SUCCESS) {
        free(levels_db);
        cairo_surface_destroy(image);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a spectrogram of %d x %d", width, height);
    }
    for (int x = 0; x < width; x++) {
        float *column = levels_db + (size_t)x * bands;
        if (!at_pixel(panel, &acc->frames, column, x, acc->opts.frame_first_s, acc->opts.frame_step_s)) {
            column[0] = -FLT_MAX;
        }
        for (size_t b = 0; b < bands; b++) {
            column[b] = column[0] == -FLT_MAX ? -200.0f : 10.0f * log10f(fmaxf(column[b], 1e-20f));
        }
    }
    double low_db = 0.0;
    double high_db = 0.0;
    mewl_colormap map;
    mewl_colormap_init(&map, MEWL_COLORMAP_NIGHT);
    level_range(&low_db, &high_db, levels_db, (size_t)width * bands);
    cairo_surface_flush(image);
    paint_levels((uint32_t *)(void *)cairo_image_surface_get_data(image),
                 (size_t)cairo_image_surface_get_stride(image) / sizeof(uint32_t), levels_db, width, height, bands,
                 &map, low_db, high_db);
    cairo_surface_mark_dirty(image);
    cairo_set_source_surface(panel->cr, image, panel->box.x, panel->box.y);
    cairo_paint(panel->cr);
    cairo_surface_destroy(image);
    free(levels_db);
    frequency_axis(panel, acc);
    colour_bar(panel, &map, low_db, high_db);
    return MEWL_OK;
}

void mewl__panel_scores(const mewl__panel *panel, const mewl_picture_acc *acc, double threshold)
{
    cairo_t *cr = panel->cr;
    mewl__box box = panel->box;
    static const double marks[] = {0.0, 0.5, 1.0};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char text[32];
        double y = round(box.y + box.height * (1.0 - marks[i])) + (marks[i] == 1.0 ? 0.5 : -0.5);
        mewl__colour(cr, MEWL__GRID, 1.0);
        cairo_set_line_width(cr, 1.0);
        mewl__line(cr, box.x, y, box.x + box.width, y);
        mewl_ticks_label(text, sizeof text, marks[i], 0.5);
        mewl__panel_label(panel, y, text);
    }
    mewl__panel_name(panel, "cry score");
    cairo_save(cr);
    cairo_rectangle(cr, box.x, box.y, box.width, box.height);
    cairo_clip(cr);
    for (int pass = 0; pass < 2; pass++) {
        bool open = false;
        double last_x = 0.0;
        for (int x = 0; x <= (int)box.width; x++) {
            float score = 0.0f;
            bool there = x < (int)box.width &&
                         at_pixel(panel, &acc->scores, &score, x, acc->opts.score_first_s, acc->opts.score_step_s);
            double y = box.y + box.height * (1.0 - (double)score);
            if (there && !open) {
                cairo_move_to(cr, box.x + x, pass == 0 ? box.y + box.height : y);
            }
            if (there) {
                cairo_line_to(cr, box.x + x + 0.5, y);
                last_x = box.x + x + 1.0;
            } else if (open && pass == 0) {
                cairo_line_to(cr, last_x, box.y + box.height);
                cairo_close_path(cr);
            }
            open = there;
        }
        mewl__colour(cr, MEWL__SCORE, pass == 0 ? 0.14 : 1.0);
        if (pass == 0) {
            cairo_fill(cr);
        } else {
            cairo_set_line_width(cr, 1.6 * panel->unit);
            cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
            cairo_stroke(cr);
        }
    }
    cairo_restore(cr);
    if (isfinite(threshold)) {
        char text[48];
        double dashes[] = {6.0 * panel->unit, 4.0 * panel->unit};
        double y = round(box.y + box.height * (1.0 - fmin(fmax(threshold, 0.0), 1.0))) + 0.5;
        mewl__colour(cr, MEWL__CRY, 0.9);
        cairo_set_line_width(cr, 1.2 * panel->unit);
        cairo_set_dash(cr, dashes, 2, 0.0);
        mewl__line(cr, box.x, y, box.x + box.width, y);
        cairo_set_dash(cr, NULL, 0, 0.0);
        snprintf(text, sizeof text, "%.2f", threshold);
        mewl__font(cr, 12.0 * panel->unit, true);
        mewl__text(cr, box.x + box.width + 8.0 * panel->unit, y + 4.2 * panel->unit, MEWL__ALIGN_LEFT, text);
        mewl__font(cr, 11.0 * panel->unit, false);
        mewl__text(cr, box.x + box.width + 8.0 * panel->unit, y + 18.0 * panel->unit, MEWL__ALIGN_LEFT, "cry above");
    }
}
