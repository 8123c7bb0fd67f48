/* alerts.c - see alerts.h. */
#include "store/alerts.h"

#include <math.h>

#include "store/statement.h"

mewl_status mewl_store_alert_add(mewl_store *store, mewl_store_alert *a, mewl_error *err)
{
    bool own = false, found = false;
    MEWL_TRY(mewl__store_bounded(a->kind, "the alert's kind", sizeof a->kind, err));
    MEWL_TRY(mewl__store_bounded(a->text, "the alert's text", sizeof a->text, err));
    if (!(isnan(a->p_value) || (a->p_value >= 0.0 && a->p_value <= 1.0)) || !isfinite(a->alarm_days)) {
        return mewl_error_set(err, MEWL_E_ARG, "an alert with a p-value of %g", a->p_value);
    }
    MEWL_TRY(mewl__store_whole_begin(store, &own, err));
    mewl_status status = mewl__store_one(store, &a->id, &found, err,
                                         "SELECT id FROM alerts WHERE session_id = nullif(?, 0) AND kind = ?", "it",
                                         a->session_id, a->kind);
    if (status == MEWL_OK && !found) {
        status =
            mewl__store_run(store, err,
                            "INSERT INTO alerts(infant_id, time_ms, told_ms, kind, session_id, p_value, alarm_days, "
                            "seen_ms, text) VALUES (?, ?, ?, ?, nullif(?, 0), ?, ?, nullif(?, 0), ?)",
                            "iiitiddit", a->infant_id, a->time_ms, a->told_ms, a->kind, a->session_id, a->p_value,
                            a->alarm_days, a->seen_ms, a->text);
        a->id = sqlite3_last_insert_rowid(store->db);
    }
    return mewl__store_whole_end(store, own, status, err);
}

typedef struct reading {
    mewl_status (*row)(void *user, const mewl_store_alert *alert);
    void *user;
} reading;

static mewl_status give_row(void *user, sqlite3_stmt *statement)
{
    const reading *to = user;
    mewl_store_alert alert = {.id = sqlite3_column_int64(statement, 0),
                              .infant_id = sqlite3_column_int64(statement, 1),
                              .time_ms = sqlite3_column_int64(statement, 2),
                              .told_ms = sqlite3_column_int64(statement, 3),
                              .session_id = sqlite3_column_int64(statement, 5),
                              .p_value = mewl__column_real(statement, 6),
                              .alarm_days = sqlite3_column_double(statement, 7),
                              .seen_ms = sqlite3_column_int64(statement, 8)};
    mewl__column_text(statement, 4, alert.kind, sizeof alert.kind);
    mewl__column_text(statement, 9, alert.text, sizeof alert.text);
    return to->row(to->user, &alert);
}

mewl_status mewl_store_alert_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                  mewl_status (*row)(void *user, const mewl_store_alert *alert), void *user,
                                  mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    reading to = {row, user};
    MEWL_TRY(
        mewl__store_start(store, &statement, err,
                          "SELECT id, infant_id, time_ms, told_ms, kind, session_id, p_value, alarm_days, seen_ms, "
                          "text FROM alerts WHERE infant_id = ? AND time_ms >= ? AND time_ms < ? ORDER BY time_ms, id",
                          "iii", infant_id, from_ms, to_ms));
    return mewl__store_each(store, statement, give_row, &to, err);
}

mewl_status mewl_store_alert_seen(mewl_store *store, int64_t infant_id, int64_t now_ms, mewl_error *err)
{
    return mewl__store_run(store, err, "UPDATE alerts SET seen_ms = ? WHERE infant_id = ? AND seen_ms IS NULL", "ii",
                           now_ms, infant_id);
}

mewl_status mewl_store_alert_withdraw(mewl_store *store, int64_t infant_id, int64_t from_ms, mewl_error *err)
{
    return mewl__store_run(store, err,
                           "DELETE FROM alerts WHERE infant_id = ?1 AND seen_ms IS NULL AND session_id IN (SELECT id "
                           "FROM sessions WHERE infant_id = ?1 AND end_ms >= ?2)",
                           "ii", infant_id, from_ms);
}
