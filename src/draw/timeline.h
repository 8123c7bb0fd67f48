/* timeline.h - an infant's weeks in one picture: how unlike usual each session's cries were, what was told, where the
 * microphone changed, and above all when nobody listened. PNG, SVG or PDF by the path's ending.
 *
 * Heights are shares, not distances: a point at "1 in 100" lies further out than 99 of 100 of the infant's usual
 * sessions. A picture of numbers that others made: nothing is judged here.
 */
#ifndef MEWL_DRAW_TIMELINE_H
#define MEWL_DRAW_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define MEWL_TIMELINE_DAYS_MAX 3660

/* One session, or one recording in it. */
typedef struct mewl_timeline_point {
    double day; /* days since 1970-01-01, by the clock of the place */
    double
        p_value; /* share of usual ones that lie as far out, 0 to 1; NaN: not judged (drawn on the base line, hollow) */
    bool session; /* false: one recording, drawn small and pale */
    bool unusual; /* drawn in the colour of alarms */
} mewl_timeline_point;

typedef enum mewl_timeline_mark_kind {
    MEWL_TIMELINE_ALERT,      /* the family was told */
    MEWL_TIMELINE_MICROPHONE, /* another microphone or place */
    MEWL_TIMELINE_BASELINE,   /* the personal model was made (anew) */
    MEWL_TIMELINE_NOTE
} mewl_timeline_mark_kind;

typedef struct mewl_timeline_mark {
    mewl_timeline_mark_kind kind;
    double day;
    const char *text; /* a few words, or NULL */
} mewl_timeline_mark;

typedef struct mewl_timeline_opts {
    const char *title; /* NULL: none */
    const char *note;  /* small print; NULL: none */
    double first_day;  /* the stretch drawn: whole days, last_day not included ... */
    double last_day;   /* ... first_day + 1 to first_day + MEWL_TIMELINE_DAYS_MAX */
    double born_day;   /* for the axis of ages; NaN: none */
    double usual_p;    /* what lies above this share counts as usual (the band), 0 < usual_p < 1 */
    const double
        *heard_h;  /* hours listened to on each day, 0 to 24 (NaN: 0): last_day - first_day of them; NULL: none */
    int width_px;  /* 0: 1280; else 480 to 8192 */
    int height_px; /* 0: 640; else 320 to 8192 */
} mewl_timeline_opts;

/* Draws. Points and marks outside the stretch are left out; words of a mark that is not in order of time among the
 * others may be, too. MEWL_E_ARG for figures out of range or another ending,
 * MEWL_E_MEMORY, MEWL_E_IO and its kin, MEWL_E_LIBRARY when cairo fails. */
mewl_status mewl_timeline_draw(const char *path, const mewl_timeline_point *points, size_t point_count,
                               const mewl_timeline_mark *marks, size_t mark_count, mewl_timeline_opts opts,
                               mewl_error *err);

#endif
