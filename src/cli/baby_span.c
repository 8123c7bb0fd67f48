/* baby_span.c - see baby_span.h. */
#include "cli/baby_span.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/coverage.h"

#define ROWS_MAX 2000000u

/* Midnight of the day that is `days` after that of `ms`, by the clock of this place. */
static int64_t midnight(int64_t ms, int days)
{
    const time_t seconds = (time_t)(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
    struct tm t;
    if (localtime_r(&seconds, &t) == NULL) {
        return ms;
    }
    t.tm_hour = t.tm_min = t.tm_sec = 0;
    t.tm_mday += days;
    t.tm_isdst = -1;
    return (int64_t)mktime(&t) * 1000;
}

/* Room for one more; NULL when out of memory or over the ceiling. */
static void *grow(void *list, size_t count, size_t *capacity, size_t item)
{
    if (count < *capacity) {
        return list;
    }
    const size_t wanted = *capacity > 0 ? 2 * *capacity : 64;
    void *grown = count < ROWS_MAX ? realloc(list, wanted * item) : NULL;
    *capacity = grown != NULL ? wanted : *capacity;
    return grown;
}

static mewl_status add_entry(void *user, const mewl_store_entry *entry)
{
    mewl_baby_span *s = user;
    mewl_store_entry *grown = grow(s->entries, s->entry_count, &s->entry_capacity, sizeof *grown);
    if (grown == NULL) {
        return MEWL_E_MEMORY;
    }
    s->entries = grown;
    s->entries[s->entry_count++] = *entry;
    return MEWL_OK;
}

static mewl_status add_score(void *user, const mewl_store_score *score)
{
    mewl_baby_span *s = user;
    mewl_store_score *grown = grow(s->scores, s->score_count, &s->score_capacity, sizeof *grown);
    if (grown == NULL) {
        return MEWL_E_MEMORY;
    }
    s->scores = grown;
    s->scores[s->score_count++] = *score;
    return MEWL_OK;
}

static mewl_status add_alert(void *user, const mewl_store_alert *alert)
{
    mewl_baby_span *s = user;
    mewl_store_alert *grown = grow(s->alerts, s->alert_count, &s->alert_capacity, sizeof *grown);
    if (grown == NULL) {
        return MEWL_E_MEMORY;
    }
    s->alerts = grown;
    s->alerts[s->alert_count++] = *alert;
    return MEWL_OK;
}

static mewl_status read_days(mewl_baby_span *s, mewl_baby *baby, mewl_error *err)
{
    s->day_ms = calloc(s->days + 1, sizeof *s->day_ms);
    s->heard_s = calloc(s->days, sizeof *s->heard_s);
    if (s->day_ms == NULL || s->heard_s == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu days", s->days);
    }
    for (size_t i = 0; i <= s->days; i++) {
        s->day_ms[i] = midnight(s->from_ms, (int)i);
    }
    for (size_t i = 0; i < s->days; i++) {
        MEWL_TRY(
            mewl_store_coverage_sum(baby->store, &s->heard_s[i], baby->infant.id, s->day_ms[i], s->day_ms[i + 1], err));
    }
    return MEWL_OK;
}

mewl_status mewl_baby_span_read(mewl_baby_span *s, mewl_baby *baby, int64_t from_ms, int64_t to_ms, mewl_error *err)
{
    const int64_t id = baby->infant.id;
    *s = (mewl_baby_span){.from_ms = midnight(from_ms, 0), .to_ms = midnight(to_ms, 1)};
    const double days = round((double)(s->to_ms - s->from_ms) / (double)MEWL_BABY_DAY_MS);
    if (!(days >= 1.0 && days <= MEWL_BABY_SPAN_DAYS_MAX)) {
        return mewl_error_set(err, MEWL_E_ARG, "a timeline of %.0f days: 1 to %d are possible", days,
                              MEWL_BABY_SPAN_DAYS_MAX);
    }
    s->days = (size_t)days;
    MEWL_TRY(read_days(s, baby, err));
    mewl_status status = mewl_store_entry_each(baby->store, id, s->from_ms, s->to_ms, add_entry, s, err);
    if (status == MEWL_OK) {
        status = mewl_store_score_each(baby->store, id, s->from_ms, s->to_ms, add_score, s, err);
    }
    if (status == MEWL_OK) {
        status = mewl_store_alert_each(baby->store, id, s->from_ms, s->to_ms, add_alert, s, err);
    }
    return status == MEWL_E_MEMORY ? mewl_error_set(err, status, "out of memory, or too many cries: ask for fewer days")
                                   : status;
}

void mewl_baby_span_fini(mewl_baby_span *s)
{
    free(s->day_ms);
    free(s->heard_s);
    free(s->entries);
    free(s->scores);
    free(s->alerts);
    *s = (mewl_baby_span){0};
}

double mewl_baby_span_heard(const mewl_baby_span *s, size_t *days)
{
    double sum_s = 0.0;
    *days = 0;
    for (size_t i = 0; i < s->days; i++) {
        sum_s += s->heard_s[i];
        *days += s->heard_s[i] > 0.0;
    }
    return sum_s;
}

/* ---- As JSON. ---- */

static json_t *entry_json(const mewl_store_entry *e)
{
    json_t *row = json_object();
    (void)mewl_json_set_string(row, "event", mewl_store_entry_name(e->kind));
    mewl_baby_set_time(row, "time", e->time_ms);
    (void)mewl_json_set_int(row, "session", e->session_id);
    (void)mewl_json_set_int(row, "recordings", e->recordings);
    (void)mewl_json_set_real(row, "score", e->score);
    (void)mewl_json_set_real(row, "p_value", e->p_value);
    (void)mewl_json_set_real(row, "p_step", e->p_step);
    (void)mewl_json_set_string(row, "calibration", e->calibration[0] != '\0' ? e->calibration : NULL);
    (void)mewl_json_set_bool(row, "learned", e->learned);
    (void)mewl_json_set_bool(row, "held_apart", e->held_apart);
    (void)mewl_json_set_string(row, "channel", e->channel[0] != '\0' ? e->channel : NULL);
    (void)mewl_json_set_real(row, "z", e->z);
    (void)mewl_json_set_real(row, "evidence_ln", e->evidence);
    (void)mewl_json_set_real(row, "listened_share_of_day_before", e->coverage);
    (void)mewl_json_set_string(row, "text", e->text);
    return row;
}

static json_t *score_json(const mewl_store_score *s)
{
    json_t *row = json_object();
    mewl_baby_set_time(row, "time", s->time_ms);
    (void)mewl_json_set_int(row, "recording", s->recording_id);
    (void)mewl_json_set_int(row, "session", s->session_id);
    (void)mewl_json_set_string(row, "kind", s->kind);
    (void)mewl_json_set_real(row, "score", s->score);
    (void)mewl_json_set_real(row, "p_value", s->p_value);
    (void)mewl_json_set_string(row, "verdict", mewl_store_verdict_name(s->verdict));
    return row;
}

static json_t *alert_json(const mewl_store_alert *a)
{
    json_t *row = json_object();
    mewl_baby_set_time(row, "time", a->time_ms);
    mewl_baby_set_time(row, "told", a->told_ms);
    (void)mewl_json_set_string(row, "kind", a->kind);
    (void)mewl_json_set_string(row, "text", a->text);
    return row;
}

json_t *mewl_baby_span_json(const mewl_baby_span *s, const mewl_baby *baby)
{
    json_t *out = json_object(), *days = json_array(), *entries = json_array(), *scores = json_array(),
           *alerts = json_array();
    char day[32];
    size_t heard_days = 0;
    const double heard_s = mewl_baby_span_heard(s, &heard_days);
    for (size_t i = 0; i < s->days; i++) {
        json_t *row = json_object();
        mewl_baby_set_time(row, "begin", s->day_ms[i]);
        (void)mewl_json_set_real(row, "listened_s", s->heard_s[i]);
        (void)json_array_append_new(days, row);
    }
    for (size_t i = 0; i < s->entry_count; i++) {
        (void)json_array_append_new(entries, entry_json(&s->entries[i]));
    }
    for (size_t i = 0; i < s->score_count; i++) {
        (void)json_array_append_new(scores, score_json(&s->scores[i]));
    }
    for (size_t i = 0; i < s->alert_count; i++) {
        (void)json_array_append_new(alerts, alert_json(&s->alerts[i]));
    }
    (void)mewl_json_set_string(out, "name", baby->infant.name);
    (void)mewl_json_set_string(out, "born", mewl_baby_day(day, baby->infant.born_ms));
    mewl_baby_set_time(out, "from", s->from_ms);
    mewl_baby_set_time(out, "to", s->to_ms);
    (void)mewl_json_set_real(out, "alarm_days", baby->infant.alarm_days);
    (void)mewl_json_set_real(out, "listened_s", heard_s);
    (void)mewl_json_set_int(out, "listened_days", (int64_t)heard_days);
    (void)mewl_json_set(out, "days", days);
    (void)mewl_json_set(out, "entries", entries);
    (void)mewl_json_set(out, "recordings", scores);
    (void)mewl_json_set(out, "alerts", alerts);
    return out;
}
