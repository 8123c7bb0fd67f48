/* alerts.h - what the family was told, and whether somebody has seen it. */
#ifndef MEWL_STORE_ALERTS_H
#define MEWL_STORE_ALERTS_H

#include "store/store.h"

typedef struct mewl_store_alert {
    int64_t id;
    int64_t infant_id;
    int64_t time_ms;                /* what it is about */
    int64_t told_ms;                /* when it was raised */
    char kind[MEWL_STORE_NAME_MAX]; /* "unusual", "change", "microphone" */
    int64_t session_id;             /* 0: none */
    double p_value;                 /* NaN: none */
    double alarm_days;              /* the infant's setting at that time */
    int64_t seen_ms;                /* 0: not yet */
    char text[MEWL_STORE_TEXT_MAX];
} mewl_store_alert;

/* Adds an alert and writes its id. At most one a session and kind: a second one changes nothing and gets the id of the
 * first. MEWL_E_ARG, MEWL_E_NOT_FOUND. */
mewl_status mewl_store_alert_add(mewl_store *store, mewl_store_alert *alert, mewl_error *err);

/* Alerts about [from_ms, to_ms), by time. */
mewl_status mewl_store_alert_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                  mewl_status (*row)(void *user, const mewl_store_alert *alert), void *user,
                                  mewl_error *err);

/* Marks all of an infant's alerts that nobody has seen as seen. */
mewl_status mewl_store_alert_seen(mewl_store *store, int64_t infant_id, int64_t now_ms, mewl_error *err);

/* Takes back alerts that nobody has seen yet of sessions that go on at from_ms or later, since these are judged anew.
 */
mewl_status mewl_store_alert_withdraw(mewl_store *store, int64_t infant_id, int64_t from_ms, mewl_error *err);

#endif
