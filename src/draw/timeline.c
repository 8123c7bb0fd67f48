/* timeline.c - see timeline.h. */
#include "draw/timeline.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "draw/axes.h"
#include "draw/chart_file.h"

#define WIDTH_PX 1280
#define HEIGHT_PX 640
#define LEFT 96.0
#define RIGHT 28.0
#define STRIP 58.0      /* height of the strip of listening */
#define GAP 20.0        /* between it and the panel above */
#define LEAST_TOP 2.0   /* the axis reaches at least 1 in 100 ... */
#define HIGHEST_TOP 6.0 /* ... and at most 1 in a million */
#define FLOOR 0.06      /* where points that were not judged lie */

#define BAND 0xd9efe6u      /* the usual */
#define NOT_HEARD 0xe1e4e9u /* days without listening */
#define MICROPHONE 0x2f5d9fu
#define BASELINE 0x0f766eu

typedef struct sheet {
    cairo_t *cr;
    mewl__axes axes; /* x in days, y in log10(1 / p) */
    mewl__box strip; /* hours listened */
    const mewl_timeline_opts *opts;
    size_t days;
} sheet;

static double x_of(const sheet *s, double day)
{
    return mewl__axes_x(&s->axes, day);
}

/* Height of a share: 0 for 1, 2 for 1 in 100, cut at the top of the axis. */
static double height_of(const sheet *s, double p_value)
{
    if (!isfinite(p_value)) {
        return FLOOR;
    }
    return fmin(-log10(fmax(p_value, 1e-12)), s->axes.y_high);
}

static void fill_box(cairo_t *cr, double x, double y, double width, double height)
{
    cairo_rectangle(cr, x, y, width, height);
    cairo_fill(cr);
}

static double heard(const sheet *s, size_t day)
{
    const double hours = s->opts->heard_h[day];
    return isfinite(hours) ? fmin(fmax(hours, 0.0), 24.0) : 0.0;
}

/* The band of the usual, and over it the days on which nobody listened: nothing can be said there, not even "usual". */
static void draw_ground(const sheet *s)
{
    const mewl__box box = s->axes.box;
    const double edge = mewl__axes_y(&s->axes, fmin(-log10(s->opts->usual_p), s->axes.y_high));
    mewl__colour(s->cr, BAND, 0.75);
    fill_box(s->cr, box.x, edge, box.width, box.y + box.height - edge);
    if (s->opts->heard_h == NULL) {
        return;
    }
    mewl__colour(s->cr, NOT_HEARD, 1.0);
    for (size_t i = 0; i < s->days; i++) {
        size_t run = 0; /* as one piece, or seams would show */
        while (i + run < s->days && heard(s, i + run) <= 0.0) {
            run++;
        }
        if (run > 0) {
            const double from = x_of(s, s->opts->first_day + (double)i);
            fill_box(s->cr, from, box.y, x_of(s, s->opts->first_day + (double)(i + run)) - from, box.height);
            i += run;
        }
    }
}

static void draw_heights(const sheet *s)
{
    static const char *const names[] = {"all",         "1 in 10",      "1 in 100",      "1 in 1000",
                                        "1 in 10,000", "1 in 100,000", "1 in a million"};
    const mewl__box box = s->axes.box;
    mewl__font(s->cr, 12.0, false);
    cairo_set_line_width(s->cr, 1.0);
    for (int i = 0; (double)i <= s->axes.y_high + 1e-9 && i < 7; i++) {
        const double y = round(mewl__axes_y(&s->axes, i)) + 0.5;
        mewl__colour(s->cr, MEWL__GRID, 1.0);
        mewl__line(s->cr, box.x, y, box.x + box.width, y);
        mewl__colour(s->cr, MEWL__INK_SOFT, 1.0);
        mewl__text(s->cr, box.x - 8.0, y + 4.0, MEWL__ALIGN_RIGHT, names[i]);
    }
    mewl__font(s->cr, 13.0, false);
    mewl__colour(s->cr, MEWL__INK, 1.0);
    mewl__text_upright(s->cr, 18.0, box.y + box.height / 2.0, "how unlike usual");
    mewl__font(s->cr, 11.0, false);
    mewl__colour(s->cr, BASELINE, 1.0);
    const double edge = mewl__axes_y(&s->axes, fmin(-log10(s->opts->usual_p), s->axes.y_high));
    mewl__text(s->cr, box.x + box.width - 8.0, edge + 15.0, MEWL__ALIGN_RIGHT, "usual");
}

/* Days between labels so that they do not touch: 1, 2, 7, 14, 28, ... */
static double label_step(const sheet *s, double room_px)
{
    static const double steps[] = {1, 2, 7, 14, 28, 56, 91, 182, 365, 730};
    const double a_day = s->axes.box.width / (s->axes.x_high - s->axes.x_low);
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof steps[0] && steps[i] * a_day < room_px) {
        i++;
    }
    return steps[i];
}

static void day_text(char *out, size_t size, double day)
{
    const time_t seconds = (time_t)(day * 86400.0);
    struct tm t;
    char text[32];
    if (gmtime_r(&seconds, &t) == NULL || strftime(text, sizeof text, "%e %b %Y", &t) == 0) {
        text[0] = '\0';
    }
    (void)snprintf(out, size, "%s", text + (text[0] == ' ' ? 1 : 0));
}

static void age_text(char *out, size_t size, double days)
{
    const int weeks = (int)(days / 7.0);
    if (days < 0.0) {
        out[0] = '\0';
    } else if (days < 91.0) {
        (void)snprintf(out, size, "%d week%s", weeks, weeks == 1 ? "" : "s");
    } else if (days < 731.0) {
        (void)snprintf(out, size, "%d months", (int)(days / 30.4375));
    } else {
        (void)snprintf(out, size, "%.1f years", days / 365.25);
    }
}

/* Dates below the strip, and the age on each of them below that. */
static void draw_days(const sheet *s)
{
    const double step = label_step(s, 96.0), base = s->strip.y + s->strip.height;
    char text[48];
    mewl__font(s->cr, 12.0, false);
    cairo_set_line_width(s->cr, 1.0);
    for (double day = s->opts->first_day; day < s->opts->last_day; day += step) {
        const double x = round(x_of(s, day)) + 0.5;
        mewl__colour(s->cr, MEWL__GRID, 1.0);
        mewl__line(s->cr, x, s->axes.box.y, x, s->axes.box.y + s->axes.box.height);
        mewl__line(s->cr, x, s->strip.y, x, base);
        const bool fits = x < s->axes.box.x + s->axes.box.width - 24.0;
        mewl__colour(s->cr, MEWL__INK, 1.0);
        day_text(text, sizeof text, day);
        mewl__text(s->cr, x, base + 18.0, MEWL__ALIGN_CENTRE, fits ? text : "");
        if (isfinite(s->opts->born_day) && fits) {
            age_text(text, sizeof text, day - s->opts->born_day);
            mewl__colour(s->cr, MEWL__INK_SOFT, 1.0);
            mewl__text(s->cr, x, base + 35.0, MEWL__ALIGN_CENTRE, text);
        }
    }
    if (isfinite(s->opts->born_day)) {
        mewl__colour(s->cr, MEWL__INK_SOFT, 1.0);
        mewl__text(s->cr, 14.0, base + 35.0, MEWL__ALIGN_LEFT, "age");
    }
}

static void draw_strip(const sheet *s)
{
    const mewl__box box = s->strip;
    if (s->opts->heard_h == NULL) {
        return;
    }
    mewl__colour(s->cr, NOT_HEARD, 1.0);
    fill_box(s->cr, box.x, box.y, box.width, box.height);
    mewl__colour(s->cr, MEWL__WAVE, 0.85);
    for (size_t i = 0; i < s->days; i++) {
        const double from = x_of(s, s->opts->first_day + (double)i), to = x_of(s, s->opts->first_day + (double)i + 1.0);
        const double hours = heard(s, i);
        /* A minute on a day is not nothing: two pixels at least. */
        const double height = hours > 0.0 ? fmax(2.0, box.height * hours / 24.0) : 0.0;
        fill_box(s->cr, from, box.y + box.height - height, fmax(1.0, to - from - (to - from > 4.0 ? 1.0 : 0.0)),
                 height);
    }
    mewl__frame(s->cr, box);
    mewl__font(s->cr, 11.0, false);
    mewl__colour(s->cr, MEWL__INK_SOFT, 1.0);
    mewl__text(s->cr, box.x - 8.0, box.y + 10.0, MEWL__ALIGN_RIGHT, "24 h");
    mewl__text(s->cr, box.x - 8.0, box.y + box.height, MEWL__ALIGN_RIGHT, "0");
    mewl__text(s->cr, box.x - 8.0, box.y + box.height / 2.0 + 5.0, MEWL__ALIGN_RIGHT, "listened");
}

static bool within(const sheet *s, double day)
{
    return isfinite(day) && day >= s->opts->first_day && day < s->opts->last_day;
}

static void draw_dot(cairo_t *cr, double x, double y, double radius, bool hollow)
{
    cairo_new_path(cr);
    cairo_arc(cr, x, y, radius, 0.0, 2.0 * M_PI);
    cairo_set_line_width(cr, 1.4);
    if (hollow) {
        cairo_stroke(cr);
    } else {
        cairo_fill(cr);
    }
}

/* What is unlike usual differs in form, too: not everybody tells these colours apart. */
static void draw_diamond(cairo_t *cr, double x, double y, double radius)
{
    cairo_new_path(cr);
    cairo_move_to(cr, x, y - radius);
    cairo_line_to(cr, x + radius, y);
    cairo_line_to(cr, x, y + radius);
    cairo_line_to(cr, x - radius, y);
    cairo_close_path(cr);
    cairo_fill(cr);
}

static void draw_triangle(cairo_t *cr, double x, double top)
{
    cairo_move_to(cr, x - 6.0, top);
    cairo_line_to(cr, x + 6.0, top);
    cairo_line_to(cr, x, top + 10.0);
    cairo_close_path(cr);
    cairo_fill(cr);
}

static void draw_points(const sheet *s, const mewl_timeline_point *points, size_t count, bool sessions)
{
    for (size_t i = 0; i < count; i++) {
        const mewl_timeline_point *p = &points[i];
        if (p->session != sessions || !within(s, p->day)) {
            continue;
        }
        const double x = x_of(s, p->day), y = mewl__axes_y(&s->axes, height_of(s, p->p_value));
        const bool judged = isfinite(p->p_value);
        mewl__colour(s->cr, p->unusual ? MEWL__CRY : judged ? MEWL__SCORE : MEWL__MUTED, sessions ? 1.0 : 0.3);
        if (p->unusual) {
            draw_diamond(s->cr, x, y, sessions ? 5.2 : 2.6);
        } else {
            draw_dot(s->cr, x, y, sessions ? 4.2 : 2.0, sessions && !judged);
        }
    }
}

static uint32_t mark_colour(mewl_timeline_mark_kind kind)
{
    static const uint32_t colours[] = {MEWL__CRY, MICROPHONE, BASELINE, MEWL__INK_SOFT};
    return colours[kind];
}

/* An alert is a solid line under a triangle, anything else a dashed one. */
static void draw_mark(const sheet *s, const mewl_timeline_mark *mark)
{
    static const double dashes[] = {4.0, 4.0};
    const double x = round(x_of(s, mark->day)) + 0.5, top = s->axes.box.y;
    const bool alert = mark->kind == MEWL_TIMELINE_ALERT;
    mewl__colour(s->cr, mark_colour(mark->kind), alert ? 0.9 : 0.7);
    cairo_set_line_width(s->cr, 1.2);
    cairo_set_dash(s->cr, dashes, alert ? 0 : 2, 0.0);
    mewl__line(s->cr, x, top, x, top + s->axes.box.height);
    cairo_set_dash(s->cr, NULL, 0, 0.0);
    if (alert) {
        draw_triangle(s->cr, x, top);
    }
}

/* Lines that words stand on, and how far each is taken. */
#define WORD_LINES 3

/* Words beside a mark, on paper of their own: right of it, or left where the picture ends; on the first line that is
 * free there, the topmost being for alerts alone, so that no words run into others. */
static void draw_words(const sheet *s, const mewl_timeline_mark *mark, double free_from[WORD_LINES])
{
    const bool alert = mark->kind == MEWL_TIMELINE_ALERT;
    const double place = round(x_of(s, mark->day)) + 0.5, right = s->axes.box.x + s->axes.box.width - 4.0;
    if (mark->text == NULL) {
        return;
    }
    mewl__font(s->cr, 11.0, alert);
    char text[MEWL__TEXT_BYTES];
    const double width = mewl__text_fit(s->cr, text, 260.0, mark->text) + 1.0;
    for (int line = alert ? 0 : 1; line < WORD_LINES; line++) {
        double x = place + 9.0, room = fmin(width, right - x);
        if (room < width && place - 9.0 - width >= fmax(free_from[line], s->axes.box.x + 4.0)) {
            x = place - 9.0 - width;
            room = width;
        }
        if (x < free_from[line] || room < fmin(40.0, width)) {
            continue;
        }
        const double y = s->axes.box.y + 24.0 + 17.0 * line;
        mewl__colour(s->cr, MEWL__PAPER, 0.85);
        fill_box(s->cr, x - 2.0, y - 10.0, room + 4.0, 13.0);
        mewl__colour(s->cr, mark_colour(mark->kind), 1.0);
        mewl__text_within(s->cr, x, y, room, mark->text);
        cairo_new_path(s->cr);
        free_from[line] = x + room + 8.0;
        return;
    }
}

static void draw_marks(const sheet *s, const mewl_timeline_mark *marks, size_t count)
{
    double free_from[WORD_LINES] = {0.0};
    for (size_t i = 0; i < count; i++) {
        if (within(s, marks[i].day)) {
            draw_mark(s, &marks[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (within(s, marks[i].day)) {
            draw_words(s, &marks[i], free_from);
        }
    }
}

/* What the signs mean, on the title's line from the right. Returns where they begin. */
static double draw_legend(const sheet *s)
{
    static const struct {
        const char *text;
        uint32_t colour;
        enum { DOT, DIAMOND, RING, TRIANGLE, AREA } sign;
    } rows[] = {{"told", MEWL__CRY, TRIANGLE},
                {"unlike usual", MEWL__CRY, DIAMOND},
                {"usual", MEWL__SCORE, DOT},
                {"still learning", MEWL__MUTED, RING},
                {"not listened", NOT_HEARD, AREA}};
    double x = s->axes.box.x + s->axes.box.width;
    const double y = s->axes.box.y - 20.0;
    mewl__font(s->cr, 11.0, false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl__colour(s->cr, MEWL__INK_SOFT, 1.0);
        mewl__text(s->cr, x, y, MEWL__ALIGN_RIGHT, rows[i].text);
        x -= mewl__text_width(s->cr, rows[i].text) + 10.0;
        mewl__colour(s->cr, rows[i].colour, 1.0);
        if (rows[i].sign == TRIANGLE) {
            draw_triangle(s->cr, x, y - 9.0);
        } else if (rows[i].sign == AREA) {
            fill_box(s->cr, x - 7.0, y - 9.0, 14.0, 10.0);
        } else if (rows[i].sign == DIAMOND) {
            draw_diamond(s->cr, x, y - 4.0, 5.2);
        } else {
            draw_dot(s->cr, x, y - 4.0, 4.2, rows[i].sign == RING);
        }
        x -= 20.0;
    }
    return x;
}

static mewl_status check(const char *path, const mewl_timeline_opts *o, const mewl_timeline_mark *marks, size_t count,
                         mewl_error *err)
{
    const double days = o->last_day - o->first_day;
    if (!isfinite(o->first_day) || !(days >= 1.0 && days <= MEWL_TIMELINE_DAYS_MAX) || floor(days) != days ||
        fabs(o->first_day) > 1e6) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a timeline of %g days: 1 to %d are possible", path, days,
                              MEWL_TIMELINE_DAYS_MAX);
    }
    if (!(o->usual_p > 0.0 && o->usual_p < 1.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: the usual begins at a share of %g", path, o->usual_p);
    }
    for (size_t i = 0; i < count; i++) {
        if ((unsigned)marks[i].kind > MEWL_TIMELINE_NOTE) {
            return mewl_error_set(err, MEWL_E_ARG, "%s: mark %zu is of no kind", path, i);
        }
    }
    return MEWL_OK;
}

/* The axis ends above the edge of the usual and above the furthest point. */
static double top_of(const mewl_timeline_point *points, size_t count, const mewl_timeline_opts *opts)
{
    double top = fmax(LEAST_TOP, -log10(opts->usual_p) + 0.6);
    for (size_t i = 0; i < count; i++) {
        if (isfinite(points[i].p_value) && points[i].day >= opts->first_day && points[i].day < opts->last_day) {
            top = fmax(top, -log10(fmax(points[i].p_value, 1e-12)) + 0.3);
        }
    }
    return fmin(top, HIGHEST_TOP);
}

mewl_status mewl_timeline_draw(const char *path, const mewl_timeline_point *points, size_t point_count,
                               const mewl_timeline_mark *marks, size_t mark_count, mewl_timeline_opts opts,
                               mewl_error *err)
{
    MEWL_TRY(check(path, &opts, marks, mark_count, err));
    const int width = opts.width_px == 0 ? WIDTH_PX : opts.width_px;
    const int height = opts.height_px == 0 ? HEIGHT_PX : opts.height_px;
    mewl__canvas canvas;
    MEWL_TRY(mewl__chart_open(&canvas, path, width, height, err));
    const double top = opts.title == NULL ? 20.0 : 52.0, foot = opts.note == NULL ? 46.0 : 66.0;
    const double strip = opts.heard_h == NULL ? 0.0 : STRIP;
    const double panel = fmax(60.0, height - top - foot - strip - (strip > 0.0 ? GAP : 0.0));
    sheet s = {
        .cr = canvas.cr,
        .axes = {canvas.cr, {LEFT, top, width - LEFT - RIGHT, panel}, opts.first_day, opts.last_day, 0.0, 1.0, false},
        .strip = {LEFT, top + panel + (strip > 0.0 ? GAP : 0.0), width - LEFT - RIGHT, strip},
        .opts = &opts,
        .days = (size_t)(opts.last_day - opts.first_day)};
    s.axes.y_high = top_of(points, point_count, &opts);
    mewl__box titles = s.axes.box;
    if (opts.title != NULL && width >= 900) {
        titles.width = draw_legend(&s) - 10.0 - titles.x;
    }
    mewl__axes_titles(s.cr, titles, height, opts.title, NULL);
    mewl__axes_titles(s.cr, s.axes.box, height, NULL, opts.note);
    draw_ground(&s);
    draw_heights(&s);
    draw_strip(&s);
    draw_days(&s);
    mewl__frame(s.cr, s.axes.box);
    draw_points(&s, points, point_count, false);
    draw_marks(&s, marks, mark_count);
    draw_points(&s, points, point_count, true);
    return mewl__chart_close(&canvas, err);
}
