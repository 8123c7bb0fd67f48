/* baby_span.h - a stretch of an infant's days, read from the store into memory: entries, single scores, alerts, hours
 * listened to on each day. What the timeline's text, JSON and picture are made from. */
#ifndef MEWL_CLI_BABY_SPAN_H
#define MEWL_CLI_BABY_SPAN_H

#include "cli/baby.h"
#include "store/alerts.h"
#include "store/timeline.h"

#define MEWL_BABY_SPAN_DAYS_MAX 3660

typedef struct mewl_baby_span {
    int64_t from_ms, to_ms; /* midnights of this place */
    size_t days;
    int64_t *day_ms; /* `days` + 1 midnights: a day may have 23 or 25 hours */
    double *heard_s; /* `days` */
    mewl_store_entry *entries;
    size_t entry_count, entry_capacity;
    mewl_store_score *scores;
    size_t score_count, score_capacity;
    mewl_store_alert *alerts;
    size_t alert_count, alert_capacity;
} mewl_baby_span;

/* Reads the days from that of from_ms to that of to_ms, both included. MEWL_E_ARG for more than
 * MEWL_BABY_SPAN_DAYS_MAX. Release in any case. */
mewl_status mewl_baby_span_read(mewl_baby_span *span, mewl_baby *baby, int64_t from_ms, int64_t to_ms, mewl_error *err);
void mewl_baby_span_fini(mewl_baby_span *span);

/* Seconds listened to in all, and the number of days on which anybody listened. */
double mewl_baby_span_heard(const mewl_baby_span *span, size_t *days);

/* The span as one document. */
json_t *mewl_baby_span_json(const mewl_baby_span *span, const mewl_baby *baby);

#endif
