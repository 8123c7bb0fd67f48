/* sessions.c - sources and sessions of recordings.h. */
#include "store/sessions.h"

mewl_status mewl_store_source(mewl_store *store, int64_t *id, const char *name, int64_t now_ms, mewl_error *err)
{
    bool found = false;
    MEWL_TRY(mewl__store_bounded(name, "the source's name", MEWL_STORE_NAME_MAX, err));
    MEWL_TRY(mewl__store_run(store, err, "INSERT INTO sources(name, first_ms) VALUES (?, ?) ON CONFLICT DO NOTHING",
                             "ti", name, now_ms));
    return mewl__store_one(store, id, &found, err, "SELECT id FROM sources WHERE name = ?", "t", name);
}

mewl_status mewl_store_source_name(mewl_store *store, char name[MEWL_STORE_NAME_MAX], int64_t id, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    MEWL_TRY(mewl__store_start(store, &statement, err, "SELECT name FROM sources WHERE id = ?", "i", id));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    mewl__column_text(statement, 0, name, MEWL_STORE_NAME_MAX);
    mewl__store_end(statement);
    return more ? MEWL_OK : mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no source %lld", (long long)id);
}

/* A session less than the gap away from [start_ms, end_ms], other than `but`: sessions are apart from one another, so
 * that the first that ends late enough is the only one to look at. */
static mewl_status near(mewl_store *store, int64_t *id, bool *found, int64_t infant_id, int64_t start_ms,
                        int64_t end_ms, int64_t but, mewl_error *err)
{
    return mewl__store_one(
        store, id, found, err,
        "SELECT id FROM (SELECT id, start_ms FROM sessions WHERE infant_id = ? AND end_ms > ? AND id "
        "<> ? ORDER BY end_ms LIMIT 1) WHERE start_ms < ?",
        "iiii", infant_id, start_ms - MEWL_STORE_SESSION_GAP_MS, but, end_ms + MEWL_STORE_SESSION_GAP_MS);
}

/* All that belongs to session `other` goes to `kept`, but its entry on the timeline, which is made of its recordings.
 */
static mewl_status merge(mewl_store *store, int64_t kept, int64_t other, mewl_error *err)
{
    MEWL_TRY(mewl__store_run(store, err,
                             "UPDATE sessions SET start_ms = min(sessions.start_ms, o.start_ms), end_ms = "
                             "max(sessions.end_ms, o.end_ms) "
                             "FROM (SELECT start_ms, end_ms FROM sessions WHERE id = ?) AS o WHERE id = ?",
                             "ii", other, kept));
    MEWL_TRY(
        mewl__store_run(store, err, "UPDATE recordings SET session_id = ? WHERE session_id = ?", "ii", kept, other));
    MEWL_TRY(mewl__store_run(store, err, "UPDATE scores SET session_id = ? WHERE session_id = ?", "ii", kept, other));
    MEWL_TRY(mewl__store_run(store, err,
                             "DELETE FROM timeline WHERE session_id = ? AND kind IN ('enrolled', 'usual', 'unusual', "
                             "'learning', 'unusable')",
                             "i", other));
    MEWL_TRY(mewl__store_run(store, err, "UPDATE timeline SET session_id = ? WHERE session_id = ?", "ii", kept, other));
    MEWL_TRY(mewl__store_run(store, err, "UPDATE OR IGNORE alerts SET session_id = ? WHERE session_id = ?", "ii", kept,
                             other));
    return mewl__store_run(store, err, "DELETE FROM sessions WHERE id = ?", "i", other);
}

mewl_status mewl__session_for(mewl_store *store, int64_t *session_id, int64_t infant_id, int64_t start_ms,
                              int64_t end_ms, mewl_error *err)
{
    bool found = false;
    MEWL_TRY(near(store, session_id, &found, infant_id, start_ms, end_ms, 0, err));
    if (!found) {
        MEWL_TRY(mewl__store_run(store, err, "INSERT INTO sessions(infant_id, start_ms, end_ms) VALUES (?, ?, ?)",
                                 "iii", infant_id, start_ms, end_ms));
        *session_id = sqlite3_last_insert_rowid(store->db);
        return MEWL_OK;
    }
    for (int64_t other = 0;;) {
        MEWL_TRY(near(store, &other, &found, infant_id, start_ms, end_ms, *session_id, err));
        if (!found) {
            break;
        }
        MEWL_TRY(merge(store, *session_id, other, err));
    }
    return mewl__store_run(store, err,
                           "UPDATE sessions SET start_ms = min(start_ms, ?), end_ms = max(end_ms, ?) WHERE id = ?",
                           "iii", start_ms, end_ms, *session_id);
}

#define COLUMNS                                                                                                        \
    "s.id, s.infant_id, s.start_ms, s.end_ms, (SELECT count(*) FROM recordings AS r WHERE r.session_id = s.id)"

typedef struct reading {
    mewl_status (*row)(void *user, const mewl_store_session *session);
    void *user;
} reading;

static mewl_store_session session_of(sqlite3_stmt *statement)
{
    return (mewl_store_session){.id = sqlite3_column_int64(statement, 0),
                                .infant_id = sqlite3_column_int64(statement, 1),
                                .start_ms = sqlite3_column_int64(statement, 2),
                                .end_ms = sqlite3_column_int64(statement, 3),
                                .recordings = sqlite3_column_int64(statement, 4)};
}

static mewl_status give_row(void *user, sqlite3_stmt *statement)
{
    const reading *to = user;
    const mewl_store_session session = session_of(statement);
    return to->row(to->user, &session);
}

mewl_status mewl_store_session_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                    mewl_status (*row)(void *user, const mewl_store_session *session), void *user,
                                    mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    reading to = {row, user};
    MEWL_TRY(mewl__store_start(store, &statement, err,
                               "SELECT " COLUMNS " FROM sessions AS s WHERE s.infant_id = ? AND s.start_ms >= ? AND "
                               "s.start_ms < ? ORDER BY s.start_ms",
                               "iii", infant_id, from_ms, to_ms));
    return mewl__store_each(store, statement, give_row, &to, err);
}

mewl_status mewl_store_session_get(mewl_store *store, mewl_store_session *out, int64_t id, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    MEWL_TRY(
        mewl__store_start(store, &statement, err, "SELECT " COLUMNS " FROM sessions AS s WHERE s.id = ?", "i", id));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    if (more) {
        *out = session_of(statement);
    }
    mewl__store_end(statement);
    return more ? MEWL_OK : mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no session %lld", (long long)id);
}

mewl_status mewl_store_session_at(mewl_store *store, int64_t *id, int64_t infant_id, int64_t time_ms, mewl_error *err)
{
    bool found = false;
    MEWL_TRY(mewl__store_one(store, id, &found, err,
                             "SELECT session_id FROM recordings WHERE infant_id = ? AND start_ms = ? LIMIT 1", "ii",
                             infant_id, time_ms));
    return found ? MEWL_OK
                 : mewl_error_set(err, MEWL_E_NOT_FOUND, "no recording begins at %lld ms", (long long)time_ms);
}
