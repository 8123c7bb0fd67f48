/* timeline.c - scores and entries; see timeline.h. */
#include "store/timeline.h"

#include <math.h>
#include <string.h>

#include "store/statement.h"

static const char *const verdict_names[] = {"learning", "usual", "unusual", "unusable"};
static const char *const entry_names[] = {"enrolled", "usual",  "unusual",  "learning",  "unusable",
                                          "change",   "device", "accepted", "dismissed", "note"};

#define VERDICTS (sizeof verdict_names / sizeof verdict_names[0])
#define ENTRIES (sizeof entry_names / sizeof entry_names[0])

const char *mewl_store_verdict_name(mewl_store_verdict verdict)
{
    return (unsigned)verdict < VERDICTS ? verdict_names[verdict] : "unknown";
}

const char *mewl_store_entry_name(mewl_store_entry_kind kind)
{
    return (unsigned)kind < ENTRIES ? entry_names[kind] : "unknown";
}

bool mewl_store_entry_of_session(mewl_store_entry_kind kind)
{
    return kind <= MEWL_STORE_ENTRY_UNUSABLE;
}

/* Index of a column's text among names; the last for what is none of them. */
static unsigned name_index(sqlite3_stmt *statement, int column, const char *const *names, size_t count)
{
    char text[16];
    mewl__column_text(statement, column, text, sizeof text);
    unsigned i = 0;
    while (i + 1 < count && strcmp(text, names[i]) != 0) {
        i++;
    }
    return i;
}

static mewl_status check_p(double p_value, mewl_error *err)
{
    return isnan(p_value) || (p_value >= 0.0 && p_value <= 1.0)
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_ARG, "a p-value of %g", p_value);
}

mewl_status mewl_store_score_put(mewl_store *store, const mewl_store_score *score, mewl_error *err)
{
    MEWL_TRY(mewl__store_bounded(score->kind, "the score's kind", sizeof score->kind, err));
    MEWL_TRY(check_p(score->p_value, err));
    if ((unsigned)score->verdict >= VERDICTS) {
        return mewl_error_set(err, MEWL_E_ARG, "there is no verdict %u", (unsigned)score->verdict);
    }
    MEWL_TRY(mewl__store_run(store, err,
                             "INSERT OR REPLACE INTO scores(recording_id, kind, infant_id, session_id, model_id, "
                             "personal_id, time_ms, score, p_value, verdict) SELECT id, ?, infant_id, session_id, "
                             "nullif(?, 0), nullif(?, 0), start_ms, ?, ?, ? FROM recordings WHERE id = ?",
                             "tiiddti", score->kind, score->model_id, score->personal_id, score->score, score->p_value,
                             verdict_names[score->verdict], score->recording_id));
    return sqlite3_changes(store->db) > 0
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no recording %lld", (long long)score->recording_id);
}

typedef struct score_reading {
    mewl_status (*row)(void *user, const mewl_store_score *score);
    void *user;
} score_reading;

static mewl_status give_score(void *user, sqlite3_stmt *statement)
{
    const score_reading *to = user;
    mewl_store_score score = {.recording_id = sqlite3_column_int64(statement, 0),
                              .session_id = sqlite3_column_int64(statement, 1),
                              .model_id = sqlite3_column_int64(statement, 2),
                              .personal_id = sqlite3_column_int64(statement, 3),
                              .time_ms = sqlite3_column_int64(statement, 5),
                              .score = mewl__column_real(statement, 6),
                              .p_value = mewl__column_real(statement, 7)};
    mewl__column_text(statement, 4, score.kind, sizeof score.kind);
    score.verdict = (mewl_store_verdict)name_index(statement, 8, verdict_names, VERDICTS);
    return to->row(to->user, &score);
}

mewl_status mewl_store_score_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                  mewl_status (*row)(void *user, const mewl_store_score *score), void *user,
                                  mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    score_reading to = {row, user};
    MEWL_TRY(
        mewl__store_start(store, &statement, err,
                          "SELECT recording_id, session_id, model_id, personal_id, kind, time_ms, score, p_value, "
                          "verdict FROM scores WHERE infant_id = ? AND time_ms >= ? AND time_ms < ? ORDER BY time_ms",
                          "iii", infant_id, from_ms, to_ms));
    return mewl__store_each(store, statement, give_score, &to, err);
}

static mewl_status check_entry(const mewl_store_entry *e, mewl_error *err)
{
    const bool session = mewl_store_entry_of_session(e->kind);
    MEWL_TRY(check_p(e->p_value, err));
    if ((unsigned)e->kind >= ENTRIES || strnlen(e->text, sizeof e->text) == sizeof e->text ||
        strnlen(e->channel, sizeof e->channel) == sizeof e->channel ||
        strnlen(e->calibration, sizeof e->calibration) == sizeof e->calibration || (session && e->session_id == 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "an entry's kind, session or text is out of its range");
    }
    return MEWL_OK;
}

#define OF_A_SESSION "('enrolled', 'usual', 'unusual', 'learning', 'unusable')"

mewl_store_entry mewl_store_entry_plain(int64_t infant_id, mewl_store_entry_kind kind, int64_t time_ms)
{
    return (mewl_store_entry){.infant_id = infant_id,
                              .time_ms = time_ms,
                              .kind = kind,
                              .score = (double)NAN,
                              .p_value = (double)NAN,
                              .p_step = (double)NAN,
                              .z = (double)NAN,
                              .evidence = (double)NAN,
                              .coverage = (double)NAN};
}

mewl_status mewl_store_entry_put(mewl_store *store, mewl_store_entry *e, mewl_error *err)
{
    bool own = false;
    mewl_status status = MEWL_OK;
    MEWL_TRY(check_entry(e, err));
    MEWL_TRY(mewl__store_whole_begin(store, &own, err));
    if (mewl_store_entry_of_session(e->kind)) {
        status = mewl__store_run(store, err, "DELETE FROM timeline WHERE session_id = ? AND kind IN " OF_A_SESSION, "i",
                                 e->session_id);
    }
    if (status == MEWL_OK) {
        status = mewl__store_run(
            store, err,
            "INSERT INTO timeline(infant_id, time_ms, kind, session_id, recordings, gate, score, p_value, p_step, "
            "calibration, learned, held_apart, channel, z, evidence, coverage, text) VALUES (?, ?, ?, nullif(?, 0), ?, "
            "?, "
            "?, ?, ?, nullif(?, ''), ?, ?, nullif(?, ''), ?, ?, ?, nullif(?, ''))",
            "iitiiidddtiitdddt", e->infant_id, e->time_ms, entry_names[e->kind], e->session_id, e->recordings,
            (int64_t)e->gate, e->score, e->p_value, e->p_step, e->calibration, (int64_t)e->learned,
            (int64_t)e->held_apart, e->channel, e->z, e->evidence, e->coverage, e->text);
        e->id = sqlite3_last_insert_rowid(store->db);
    }
    return mewl__store_whole_end(store, own, status, err);
}

typedef struct entry_reading {
    mewl_status (*row)(void *user, const mewl_store_entry *entry);
    void *user;
} entry_reading;

static mewl_status give_entry(void *user, sqlite3_stmt *statement)
{
    const entry_reading *to = user;
    mewl_store_entry entry;
    entry.id = sqlite3_column_int64(statement, 0);
    entry.infant_id = sqlite3_column_int64(statement, 1);
    entry.time_ms = sqlite3_column_int64(statement, 2);
    entry.kind = (mewl_store_entry_kind)name_index(statement, 3, entry_names, ENTRIES);
    entry.session_id = sqlite3_column_int64(statement, 4);
    entry.recordings = sqlite3_column_int64(statement, 5);
    entry.gate = (unsigned)sqlite3_column_int(statement, 6);
    entry.score = mewl__column_real(statement, 7);
    entry.p_value = mewl__column_real(statement, 8);
    entry.p_step = mewl__column_real(statement, 9);
    mewl__column_text(statement, 10, entry.calibration, sizeof entry.calibration);
    entry.learned = sqlite3_column_int(statement, 11) != 0;
    entry.held_apart = sqlite3_column_int(statement, 12) != 0;
    mewl__column_text(statement, 13, entry.channel, sizeof entry.channel);
    entry.z = mewl__column_real(statement, 14);
    entry.evidence = mewl__column_real(statement, 15);
    entry.coverage = mewl__column_real(statement, 16);
    mewl__column_text(statement, 17, entry.text, sizeof entry.text);
    return to->row(to->user, &entry);
}

mewl_status mewl_store_entry_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                  mewl_status (*row)(void *user, const mewl_store_entry *entry), void *user,
                                  mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    entry_reading to = {row, user};
    MEWL_TRY(
        mewl__store_start(store, &statement, err,
                          "SELECT id, infant_id, time_ms, kind, session_id, recordings, gate, score, p_value, p_step, "
                          "calibration, learned, held_apart, channel, z, evidence, coverage, text FROM timeline WHERE "
                          "infant_id = ? AND time_ms >= ? AND time_ms < ? ORDER BY time_ms, id",
                          "iii", infant_id, from_ms, to_ms));
    return mewl__store_each(store, statement, give_entry, &to, err);
}

mewl_status mewl_store_unscored(mewl_store *store, int64_t *count, int64_t *first_ms, int64_t infant_id,
                                int64_t model_id, const char *kind, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    MEWL_TRY(
        mewl__store_start(store, &statement, err,
                          "SELECT count(*), min(r.start_ms) FROM recordings AS r CROSS JOIN embeddings AS e ON "
                          "e.recording_id = r.id AND e.model_id = ?2 WHERE r.infant_id = ?1 AND NOT EXISTS (SELECT 1 "
                          "FROM scores AS s WHERE s.recording_id = r.id AND s.kind = ?3 AND s.model_id = ?2)",
                          "iit", infant_id, model_id, kind));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    *count = sqlite3_column_int64(statement, 0);
    *first_ms = sqlite3_column_int64(statement, 1);
    mewl__store_end(statement);
    return MEWL_OK;
}

mewl_status mewl_store_timeline_clear(mewl_store *store, int64_t infant_id, mewl_error *err)
{
    bool own = false;
    MEWL_TRY(mewl__store_whole_begin(store, &own, err));
    mewl_status status =
        mewl__store_run(store, err, "DELETE FROM scores WHERE infant_id = ? AND model_id IS NOT NULL", "i", infant_id);
    if (status == MEWL_OK) {
        status = mewl__store_run(
            store, err, "DELETE FROM timeline WHERE infant_id = ? AND kind NOT IN ('note', 'accepted', 'dismissed')",
            "i", infant_id);
    }
    return mewl__store_whole_end(store, own, status, err);
}
