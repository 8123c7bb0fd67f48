/* recordings.c - recordings and their measures; see recordings.h. */
#include "store/recordings.h"

#include <math.h>
#include <string.h>

#include "store/sessions.h"

#define COLUMNS                                                                                                        \
    "id, infant_id, session_id, source_id, start_ms, duration_s, time_from, role, usable, why, file, hash, clip, "     \
    "cry_s, "                                                                                                          \
    "confidence, level_dbfs, snr_db, clipped_share, added_ms"

static const char *const time_names[] = {"given", "name", "file"};
static const char *const role_names[] = {"enrolled", "scored"};

static mewl_status check(const mewl_store_recording *r, mewl_error *err)
{
    MEWL_TRY(mewl__store_bounded(r->file, "the recording's file name", sizeof r->file, err));
    if (strlen(r->hash) != MEWL_STORE_HASH_MAX - 1 || strspn(r->hash, "0123456789abcdef") != MEWL_STORE_HASH_MAX - 1) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: its hash is not of 64 hex digits", r->file);
    }
    if (!(r->duration_s >= 0.0 && r->duration_s < 1e9) || r->start_ms < -(1LL << 53) || r->start_ms > 1LL << 53) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a recording of %g s at %lld ms", r->file, r->duration_s,
                              (long long)r->start_ms);
    }
    if ((unsigned)r->time_from > MEWL_STORE_TIME_FILE || (unsigned)r->role > MEWL_STORE_SCORED ||
        strnlen(r->why, sizeof r->why) == sizeof r->why || strnlen(r->clip, sizeof r->clip) == sizeof r->clip) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a field is out of its range", r->file);
    }
    return MEWL_OK;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static mewl_status insert(mewl_store *store, mewl_store_recording *r, mewl_error *err)
{
    static const char with_source[] = "INSERT INTO recordings(infant_id, session_id, source_id, start_ms, duration_s, "
                                      "time_from, role, usable, why, file, hash, clip, cry_s, confidence, level_dbfs, "
                                      "snr_db, clipped_share, added_ms) "
                                      "VALUES (?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    MEWL_TRY(mewl__session_for(store, &r->session_id, r->infant_id, r->start_ms,
                               r->start_ms + llround(1000.0 * r->duration_s), err));
    MEWL_TRY(mewl__store_run(store, err, with_source,
                             "iiiidttitttt"
                             "dddddi",
                             r->infant_id, r->session_id, r->source_id, r->start_ms, r->duration_s,
                             time_names[r->time_from], role_names[r->role], (int64_t)r->usable, or_null(r->why),
                             r->file, r->hash, or_null(r->clip), r->cry_s, r->confidence, r->level_dbfs, r->snr_db,
                             r->clipped_share, r->added_ms));
    r->id = sqlite3_last_insert_rowid(store->db);
    return MEWL_OK;
}

mewl_status mewl_store_recording_add(mewl_store *store, mewl_store_recording *recording, mewl_error *err)
{
    bool own = false, found = false;
    MEWL_TRY(check(recording, err));
    MEWL_TRY(mewl__store_whole_begin(store, &own, err));
    mewl_status status = mewl__store_one(store, &recording->id, &found, err,
                                         "SELECT id FROM recordings WHERE infant_id = ? AND hash = ?", "it",
                                         recording->infant_id, recording->hash);
    if (status == MEWL_OK && found) {
        status = mewl_error_set(err, MEWL_E_STATE, "%s: this recording is there already", recording->file);
    }
    status = status == MEWL_OK ? insert(store, recording, err) : status;
    return mewl__store_whole_end(store, own, status, err);
}

mewl_status mewl_store_recording_mark(mewl_store *store, int64_t id, mewl_store_role role, const char *clip,
                                      mewl_error *err)
{
    if ((unsigned)role > MEWL_STORE_SCORED || clip == NULL || strlen(clip) >= MEWL_STORE_FILE_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "a recording's role or clip is out of range");
    }
    MEWL_TRY(mewl__store_run(store, err, "UPDATE recordings SET role = ?, clip = ? WHERE id = ?", "tti",
                             role_names[role], or_null(clip), id));
    return sqlite3_changes(store->db) > 0
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no recording %lld", (long long)id);
}

/* Index of a column's text among `count` names; 0 for what is none of them. */
static unsigned name_index(sqlite3_stmt *statement, int column, const char *const *names, unsigned count)
{
    char text[16];
    mewl__column_text(statement, column, text, sizeof text);
    unsigned i = 0;
    while (i < count && strcmp(text, names[i]) != 0) {
        i++;
    }
    return i < count ? i : 0;
}

static void read_row(sqlite3_stmt *statement, mewl_store_recording *out)
{
    *out = (mewl_store_recording){.id = sqlite3_column_int64(statement, 0),
                                  .infant_id = sqlite3_column_int64(statement, 1),
                                  .session_id = sqlite3_column_int64(statement, 2),
                                  .source_id = sqlite3_column_int64(statement, 3),
                                  .start_ms = sqlite3_column_int64(statement, 4),
                                  .duration_s = sqlite3_column_double(statement, 5),
                                  .time_from = (mewl_store_time_from)name_index(statement, 6, time_names, 3),
                                  .role = (mewl_store_role)name_index(statement, 7, role_names, 2),
                                  .usable = sqlite3_column_int(statement, 8) != 0,
                                  .cry_s = mewl__column_real(statement, 13),
                                  .confidence = mewl__column_real(statement, 14),
                                  .level_dbfs = mewl__column_real(statement, 15),
                                  .snr_db = mewl__column_real(statement, 16),
                                  .clipped_share = mewl__column_real(statement, 17),
                                  .added_ms = sqlite3_column_int64(statement, 18)};
    mewl__column_text(statement, 9, out->why, sizeof out->why);
    mewl__column_text(statement, 10, out->file, sizeof out->file);
    mewl__column_text(statement, 11, out->hash, sizeof out->hash);
    mewl__column_text(statement, 12, out->clip, sizeof out->clip);
}

mewl_status mewl_store_recording_find(mewl_store *store, mewl_store_recording *out, int64_t infant_id, const char *hash,
                                      mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    MEWL_TRY(mewl__store_start(store, &statement, err,
                               "SELECT " COLUMNS " FROM recordings WHERE infant_id = ? AND hash = ?", "it", infant_id,
                               hash));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    if (more) {
        read_row(statement, out);
    }
    mewl__store_end(statement);
    return more ? MEWL_OK : mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no such recording");
}

typedef struct reading {
    mewl_status (*row)(void *user, const mewl_store_recording *recording);
    void *user;
    mewl_store_recording recording;
} reading;

static mewl_status give_row(void *user, sqlite3_stmt *statement)
{
    reading *to = user;
    read_row(statement, &to->recording);
    return to->row(to->user, &to->recording);
}

mewl_status mewl_store_recording_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                      mewl_status (*row)(void *user, const mewl_store_recording *recording), void *user,
                                      mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    reading to = {.row = row, .user = user};
    MEWL_TRY(mewl__store_start(store, &statement, err,
                               "SELECT " COLUMNS
                               " FROM recordings WHERE infant_id = ? AND start_ms >= ? AND start_ms < ? "
                               "ORDER BY start_ms, id",
                               "iii", infant_id, from_ms, to_ms));
    return mewl__store_each(store, statement, give_row, &to, err);
}

mewl_status mewl_store_measures_put(mewl_store *store, int64_t recording_id, const mewl_store_measure *measures,
                                    size_t count, mewl_error *err)
{
    bool own = false;
    mewl_status status = MEWL_OK;
    for (size_t i = 0; i < count; i++) {
        MEWL_TRY(mewl__store_bounded(measures[i].name, "a measure's name", sizeof measures[i].name, err));
    }
    MEWL_TRY(mewl__store_whole_begin(store, &own, err));
    for (size_t i = 0; i < count && status == MEWL_OK; i++) {
        status =
            mewl__store_run(store, err, "INSERT OR REPLACE INTO measures(recording_id, name, value) VALUES (?, ?, ?)",
                            "itd", recording_id, measures[i].name, measures[i].value);
    }
    return mewl__store_whole_end(store, own, status, err);
}

typedef struct measure_reading {
    mewl_status (*row)(void *user, int64_t recording_id, int64_t start_ms, const mewl_store_measure *measure);
    void *user;
} measure_reading;

static mewl_status give_measure(void *user, sqlite3_stmt *statement)
{
    const measure_reading *to = user;
    mewl_store_measure measure = {.value = mewl__column_real(statement, 3)};
    mewl__column_text(statement, 2, measure.name, sizeof measure.name);
    return to->row(to->user, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1), &measure);
}

mewl_status mewl_store_measure_each(mewl_store *store, int64_t infant_id, const char *name, int64_t from_ms,
                                    int64_t to_ms,
                                    mewl_status (*row)(void *user, int64_t recording_id, int64_t start_ms,
                                                       const mewl_store_measure *measure),
                                    void *user, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    measure_reading to = {row, user};
    MEWL_TRY(
        mewl__store_start(store, &statement, err,
                          "SELECT r.id, r.start_ms, m.name, m.value FROM recordings AS r CROSS JOIN measures AS m ON "
                          "m.recording_id = r.id WHERE r.infant_id = ?1 AND r.start_ms >= ?2 AND r.start_ms < ?3 AND "
                          "(?4 IS NULL OR m.name = ?4) ORDER BY r.start_ms, r.id, m.name",
                          "iiit", infant_id, from_ms, to_ms, name));
    return mewl__store_each(store, statement, give_measure, &to, err);
}
