/* steps.c - see steps.h. */
#include "draw/steps.h"

#include <math.h>
#include <stdio.h>

#include "draw/axes.h"

#define WIDTH_PX 1400
#define HEIGHT_PX 1300
#define SIDE_MIN_PX 480
#define SIDE_MAX_PX 8192
#define LEFT 84.0
#define RIGHT 24.0
#define TOP 58.0
#define BOTTOM 24.0
#define GAP 46.0 /* between panels: the next one's title */
#define PANELS 6
#define LEVEL_LOW_DB (-80.0)
#define FACT_COLUMNS 4

#define COLOUR_EXPIRATION MEWL__CRY
#define COLOUR_INSPIRATION 0x2f5d9fu

typedef struct sheet {
    cairo_t *cr;
    const mewl_steps *steps;
    double seconds, peak;
} sheet;

static mewl__axes panel(const sheet *s, mewl__box box, double low, double high)
{
    return (mewl__axes){.cr = s->cr, .box = box, .x_high = s->seconds, .y_low = low, .y_high = high};
}

static void heading(const sheet *s, mewl__box box, int number, const char *what)
{
    char text[160];
    (void)snprintf(text, sizeof text, "(%d) %s", number, what);
    mewl__font(s->cr, 14.0, true);
    mewl__colour(s->cr, MEWL__INK, 1.0);
    mewl__text(s->cr, box.x, box.y - 9.0, MEWL__ALIGN_LEFT, text);
}

/* Lowest and highest sample of each column of a pixel, times `gain`. */
static void wave(const mewl__axes *axes, const mewl_steps *t, double gain, double from_s, double to_s, uint32_t colour)
{
    mewl__colour(axes->cr, colour, 1.0);
    cairo_set_line_width(axes->cr, 1.0);
    double last = mewl__axes_x(axes, to_s);
    for (double x = floor(mewl__axes_x(axes, from_s)); x < last; x++) {
        double start = (x - axes->box.x) / axes->box.width * axes->x_high * t->rate_hz;
        double end = (x + 1 - axes->box.x) / axes->box.width * axes->x_high * t->rate_hz;
        float low = INFINITY, high = -INFINITY;
        for (size_t i = (size_t)fmax(0, start); i < t->count && (double)i <= end; i++) {
            low = fminf(low, t->samples[i]);
            high = fmaxf(high, t->samples[i]);
        }
        if (low <= high) {
            mewl__line(axes->cr, x + 0.5, mewl__axes_y(axes, gain * (double)low) + 0.5, x + 0.5,
                       mewl__axes_y(axes, gain * (double)high) - 0.5);
        }
    }
}

static void shade(const mewl__axes *axes, double from_s, double to_s, uint32_t colour, double alpha)
{
    double x0 = mewl__axes_x(axes, from_s), x1 = mewl__axes_x(axes, to_s);
    mewl__colour(axes->cr, colour, alpha);
    cairo_rectangle(axes->cr, x0, axes->box.y, x1 - x0, axes->box.height);
    cairo_fill(axes->cr);
}

static void draw_raw(const sheet *s, mewl__box box)
{
    mewl__axes axes = panel(s, box, -1, 1);
    heading(s, box, 1, "as recorded (full scale is 1)");
    mewl__axes_draw(&axes, NULL, NULL, false);
    wave(&axes, s->steps, 1, 0, s->seconds, MEWL__WAVE);
}

static void draw_normalised(const sheet *s, mewl__box box)
{
    char text[96];
    (void)snprintf(text, sizeof text, "divided by its peak (%.4f)", s->peak);
    mewl__axes axes = panel(s, box, -1, 1);
    heading(s, box, 2, text);
    mewl__axes_draw(&axes, NULL, NULL, false);
    wave(&axes, s->steps, s->peak > 0 ? 1 / s->peak : 0, 0, s->seconds, MEWL__WAVE);
}

static void draw_level(const sheet *s, mewl__box box)
{
    const mewl_steps *t = s->steps;
    mewl__axes axes = panel(s, box, LEVEL_LOW_DB, 0);
    heading(s, box, 3, "level in dBFS; orange line: sound lies above it; grey: silence");
    mewl__axes_draw(&axes, NULL, NULL, false);
    double open_s = 0;
    for (size_t i = 0; i <= t->burst_count; i++) { /* what lies between bursts */
        double until_s = i < t->burst_count ? t->bursts[i].onset_s : s->seconds;
        if (until_s > open_s) {
            shade(&axes, open_s, until_s, MEWL__MUTED, 0.25);
        }
        open_s = i < t->burst_count ? t->bursts[i].offset_s : open_s;
    }
    mewl__colour(s->cr, MEWL__SCORE, 1.0);
    cairo_set_line_width(s->cr, 1.3);
    for (size_t i = 0; i < t->level_count; i++) {
        double level = fmin(0, fmax(LEVEL_LOW_DB, (double)t->level_db[i]));
        cairo_line_to(s->cr, mewl__axes_x(&axes, (double)i * t->level_step_s), mewl__axes_y(&axes, level));
    }
    cairo_stroke(s->cr);
    if (t->threshold_db >= LEVEL_LOW_DB && t->threshold_db <= 0) {
        double y = mewl__axes_y(&axes, t->threshold_db);
        mewl__colour(s->cr, MEWL__CRY, 1.0);
        mewl__line(s->cr, box.x, y, box.x + box.width, y);
    }
}

static void draw_breaths(const sheet *s, mewl__box box)
{
    const mewl_steps *t = s->steps;
    size_t inspirations = 0;
    for (size_t i = 0; i < t->burst_count; i++) {
        inspirations += t->bursts[i].inspiration;
    }
    char text[128];
    (void)snprintf(text, sizeof text, "breaths: %zu expirations (orange), %zu inspirations (blue)",
                   t->burst_count - inspirations, inspirations);
    mewl__axes axes = panel(s, box, -1, 1);
    heading(s, box, 4, text);
    mewl__axes_draw(&axes, NULL, NULL, false);
    double gain = s->peak > 0 ? 1 / s->peak : 0;
    wave(&axes, t, gain, 0, s->seconds, MEWL__GRID);
    for (size_t i = 0; i < t->burst_count; i++) {
        const mewl_steps_burst *b = &t->bursts[i];
        uint32_t colour = b->inspiration ? COLOUR_INSPIRATION : COLOUR_EXPIRATION;
        shade(&axes, b->onset_s, b->offset_s, colour, 0.13);
        wave(&axes, t, gain, b->onset_s, b->offset_s, colour);
    }
}

static void draw_f0(const sheet *s, mewl__box box)
{
    const mewl_steps *t = s->steps;
    mewl__axes axes = panel(s, box, log2(t->f0_low_hz), log2(t->f0_high_hz));
    heading(s, box, 5,
            "fundamental frequency of the voice in Hz; grey line: hyperphonation lies above it; grey dots: outside of "
            "bursts");
    cairo_set_line_width(s->cr, 1.0);
    mewl__font(s->cr, 12.0, false);
    for (double hz = 125; hz <= t->f0_high_hz; hz *= 2) {
        if (hz >= t->f0_low_hz) {
            double y = round(mewl__axes_y(&axes, log2(hz))) + 0.5;
            char text[24];
            (void)snprintf(text, sizeof text, "%.0f", hz);
            mewl__colour(s->cr, MEWL__GRID, 1.0);
            mewl__line(s->cr, box.x, y, box.x + box.width, y);
            mewl__colour(s->cr, MEWL__INK_SOFT, 1.0);
            mewl__text(s->cr, box.x - 8.0, y + 4.0, MEWL__ALIGN_RIGHT, text);
        }
    }
    if (t->f0_line_hz > t->f0_low_hz && t->f0_line_hz < t->f0_high_hz) {
        double y = mewl__axes_y(&axes, log2(t->f0_line_hz));
        mewl__colour(s->cr, MEWL__MUTED, 1.0);
        mewl__line(s->cr, box.x, y, box.x + box.width, y);
    }
    size_t burst = 0;
    for (size_t i = 0; i < t->f0_count; i++) {
        double time_s = t->f0_first_s + (double)i * t->f0_step_s;
        while (burst < t->burst_count && t->bursts[burst].offset_s < time_s) {
            burst++;
        }
        bool inside = burst < t->burst_count && time_s >= t->bursts[burst].onset_s;
        if (t->f0_hz[i] > 0 && (double)t->f0_hz[i] >= t->f0_low_hz && (double)t->f0_hz[i] <= t->f0_high_hz) {
            mewl__colour(s->cr, inside ? MEWL__CRY : MEWL__MUTED, inside ? 1.0 : 0.6);
            cairo_arc(s->cr, mewl__axes_x(&axes, time_s), mewl__axes_y(&axes, log2((double)t->f0_hz[i])), 1.7, 0,
                      2 * M_PI);
            cairo_fill(s->cr);
        }
    }
    mewl__frame(s->cr, box);
    mewl_ticks ticks = mewl_ticks_time(0, s->seconds, (int)fmin(16, fmax(2, box.width / 90.0)));
    for (size_t i = 0; i < ticks.count; i++) {
        char text[48];
        mewl_ticks_label_time(text, sizeof text, ticks.at[i], ticks.step, s->seconds);
        mewl__colour(s->cr, MEWL__INK_SOFT, 1.0);
        mewl__text(s->cr, mewl__axes_x(&axes, ticks.at[i]), box.y + box.height + 17.0, MEWL__ALIGN_CENTRE, text);
    }
}

static void draw_facts(const sheet *s, mewl__box box)
{
    const mewl_steps *t = s->steps;
    heading(s, box, 6, "measures");
    size_t rows = (t->fact_count + FACT_COLUMNS - 1) / FACT_COLUMNS;
    double step = fmin(24.0, box.height / (double)(rows > 0 ? rows : 1)), width = box.width / FACT_COLUMNS;
    for (size_t i = 0; i < t->fact_count; i++) {
        double x = box.x + (double)(i / rows) * width, y = box.y + ((double)(i % rows) + 0.8) * step;
        mewl__font(s->cr, 13.0, false);
        mewl__colour(s->cr, MEWL__INK_SOFT, 1.0);
        mewl__text_within(s->cr, x, y, 0.58 * width, t->facts[i].name);
        mewl__font(s->cr, 13.0, true);
        mewl__colour(s->cr, MEWL__INK, 1.0);
        mewl__text_within(s->cr, x + 0.6 * width, y, 0.38 * width, t->facts[i].value);
    }
}

static void draw(const sheet *s, double width, double height)
{
    static void (*const panels[PANELS])(const sheet *, mewl__box) = {draw_raw,     draw_normalised, draw_level,
                                                                     draw_breaths, draw_f0,         draw_facts};
    double each = (height - TOP - BOTTOM - (PANELS - 1) * GAP) / PANELS;
    for (int i = 0; i < PANELS; i++) {
        panels[i](s, (mewl__box){LEFT, TOP + i * (each + GAP), width - LEFT - RIGHT, each});
    }
    if (s->steps->title != NULL) {
        mewl__font(s->cr, 17.0, true);
        mewl__colour(s->cr, MEWL__INK, 1.0);
        mewl__text_within(s->cr, LEFT, 26.0, width - LEFT - RIGHT, s->steps->title);
    }
}

static mewl_status check(const char *path, const mewl_steps *t, int width_px, int height_px, mewl_error *err)
{
    bool sizes =
        width_px >= SIDE_MIN_PX && width_px <= SIDE_MAX_PX && height_px >= SIDE_MIN_PX && height_px <= SIDE_MAX_PX;
    bool axes = t->count > 0 && t->rate_hz > 0 && isfinite(t->rate_hz) && t->f0_low_hz > 0 &&
                t->f0_high_hz > t->f0_low_hz && isfinite(t->f0_high_hz) && t->fact_count <= MEWL_STEPS_FACTS_MAX;
    for (size_t i = 0; i < t->burst_count; i++) {
        axes = axes && t->bursts[i].onset_s >= 0 && t->bursts[i].offset_s >= t->bursts[i].onset_s &&
               isfinite(t->bursts[i].offset_s);
    }
    if (!sizes || !axes) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: nothing to draw, or figures out of range", path);
    }
    return MEWL_OK;
}

mewl_status mewl_steps_write(const char *path, const mewl_steps *steps, int width_px, int height_px, mewl_error *err)
{
    int width = width_px == 0 ? WIDTH_PX : width_px, height = height_px == 0 ? HEIGHT_PX : height_px;
    MEWL_TRY(check(path, steps, width, height, err));
    sheet s = {.steps = steps, .seconds = (double)steps->count / steps->rate_hz};
    for (size_t i = 0; i < steps->count; i++) {
        s.peak = isfinite(steps->samples[i]) ? fmax(s.peak, fabs((double)steps->samples[i])) : s.peak;
    }
    mewl__canvas canvas;
    MEWL_TRY(mewl__canvas_open(&canvas, path, width, height, err));
    s.cr = canvas.cr;
    draw(&s, width, height);
    mewl_status status = mewl__canvas_commit(&canvas, err);
    mewl__canvas_close(&canvas);
    return status;
}
