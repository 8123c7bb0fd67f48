/* infants.c - see infants.h. */
#include "store/infants.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "store/statement.h"

#define COLUMNS "id, name, born_ms, sex, alarm_days, keep_clips, clips_bytes, created_ms"

static mewl_status check(const mewl_store_infant *infant, mewl_error *err)
{
    MEWL_TRY(mewl__store_bounded(infant->name, "the name", sizeof infant->name, err));
    for (const unsigned char *at = (const unsigned char *)infant->name; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f) {
            return mewl_error_set(err, MEWL_E_ARG, "the name holds a control character");
        }
    }
    if (!(infant->alarm_days >= 0.1 && infant->alarm_days <= 3650.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "one false alarm in %g days: 0.1 to 3650 days are possible",
                              infant->alarm_days);
    }
    if (infant->sex == '\0' || strchr("fmx", infant->sex) == NULL || infant->clips_bytes < 0) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: sex is f, m or x, and room for clips not negative", infant->name);
    }
    return MEWL_OK;
}

static void read_row(sqlite3_stmt *statement, mewl_store_infant *out)
{
    char sex[4];
    *out = (mewl_store_infant){.id = sqlite3_column_int64(statement, 0),
                               .born_ms = sqlite3_column_int64(statement, 2),
                               .alarm_days = sqlite3_column_double(statement, 4),
                               .keep_clips = sqlite3_column_int(statement, 5) != 0,
                               .clips_bytes = sqlite3_column_int64(statement, 6),
                               .created_ms = sqlite3_column_int64(statement, 7)};
    mewl__column_text(statement, 1, out->name, sizeof out->name);
    mewl__column_text(statement, 3, sex, sizeof sex);
    out->sex = sex[0];
}

static mewl_status taken(mewl_status status, const char *name, mewl_error *err)
{
    return status == MEWL_E_STATE ? mewl_error_set(err, status, "there is an infant called %s already", name) : status;
}

mewl_status mewl_store_infant_add(mewl_store *store, int64_t *id, const mewl_store_infant *infant, mewl_error *err)
{
    const char sex[2] = {infant->sex, '\0'};
    MEWL_TRY(check(infant, err));
    MEWL_TRY(taken(mewl__store_run(store, err,
                                   "INSERT INTO infants(name, born_ms, sex, alarm_days, keep_clips, clips_bytes, "
                                   "created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                                   "titdiii", infant->name, infant->born_ms, sex, infant->alarm_days,
                                   (int64_t)infant->keep_clips, infant->clips_bytes, infant->created_ms),
                   infant->name, err));
    *id = sqlite3_last_insert_rowid(store->db);
    return MEWL_OK;
}

static mewl_status changed(mewl_store *store, mewl_error *err)
{
    return sqlite3_changes(store->db) > 0 ? MEWL_OK : mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no such infant");
}

mewl_status mewl_store_infant_update(mewl_store *store, const mewl_store_infant *infant, mewl_error *err)
{
    const char sex[2] = {infant->sex, '\0'};
    MEWL_TRY(check(infant, err));
    MEWL_TRY(taken(mewl__store_run(store, err,
                                   "UPDATE infants SET name = ?, born_ms = ?, sex = ?, alarm_days = ?, keep_clips = ?, "
                                   "clips_bytes = ? WHERE id = ?",
                                   "titdiii", infant->name, infant->born_ms, sex, infant->alarm_days,
                                   (int64_t)infant->keep_clips, infant->clips_bytes, infant->id),
                   infant->name, err));
    return changed(store, err);
}

static mewl_status add_name(void *user, const mewl_store_infant *infant)
{
    mewl_buffer *names = user;
    (void)mewl_buffer_print(names, "%s%s", names->size > 0 ? ", " : "", infant->name);
    return MEWL_OK;
}

static mewl_status no_such(mewl_store *store, const char *name, mewl_error *err)
{
    mewl_buffer names;
    mewl_buffer_init(&names, 256);
    mewl_status status = mewl_store_infant_each(store, add_name, &names, err);
    if (status == MEWL_OK && names.size == 0) {
        status = mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no infant called %.64s, and no other yet", name);
    } else if (status == MEWL_OK) {
        status = mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no infant called %.64s; there is %s%s", name,
                                names.data, names.failed ? " and more" : "");
    }
    mewl_buffer_fini(&names);
    return status;
}

mewl_status mewl_store_infant_find(mewl_store *store, mewl_store_infant *out, const char *name, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    MEWL_TRY(mewl__store_start(store, &statement, err, "SELECT " COLUMNS " FROM infants WHERE name = ?", "t", name));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    if (more) {
        read_row(statement, out);
    }
    mewl__store_end(statement);
    return more ? MEWL_OK : no_such(store, name, err);
}

typedef struct reading {
    mewl_status (*row)(void *user, const mewl_store_infant *infant);
    void *user;
} reading;

static mewl_status give_row(void *user, sqlite3_stmt *statement)
{
    const reading *to = user;
    mewl_store_infant infant;
    read_row(statement, &infant);
    return to->row(to->user, &infant);
}

mewl_status mewl_store_infant_each(mewl_store *store, mewl_status (*row)(void *user, const mewl_store_infant *infant),
                                   void *user, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    reading to = {row, user};
    MEWL_TRY(mewl__store_start(store, &statement, err, "SELECT " COLUMNS " FROM infants ORDER BY id", ""));
    return mewl__store_each(store, statement, give_row, &to, err);
}

mewl_status mewl_store_infant_totals(mewl_store *store, mewl_store_totals *out, int64_t id, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    MEWL_TRY(mewl__store_start(
        store, &statement, err,
        "SELECT count(*), coalesce(sum(usable), 0), coalesce(sum(role = 'enrolled'), 0), count(clip), min(start_ms), "
        "max(start_ms), count(DISTINCT CASE WHEN usable OR cry_s > 0 THEN session_id END), (SELECT count(DISTINCT "
        "recording_id) "
        "FROM "
        "scores WHERE infant_id = ?1 AND verdict = 'unusual'), (SELECT count(*) FROM alerts WHERE infant_id = ?1), "
        "(SELECT count(*) FROM alerts WHERE infant_id = ?1 AND seen_ms IS NULL), coalesce(sum(usable OR cry_s > 0), 0) "
        "FROM recordings WHERE infant_id = ?1",
        "i", id));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    *out = (mewl_store_totals){.recordings = sqlite3_column_int64(statement, 0),
                               .usable = sqlite3_column_int64(statement, 1),
                               .enrolled = sqlite3_column_int64(statement, 2),
                               .clips = sqlite3_column_int64(statement, 3),
                               .first_ms = sqlite3_column_int64(statement, 4),
                               .last_ms = sqlite3_column_int64(statement, 5),
                               .sessions = sqlite3_column_int64(statement, 6),
                               .unusual = sqlite3_column_int64(statement, 7),
                               .alerts = sqlite3_column_int64(statement, 8),
                               .unseen = sqlite3_column_int64(statement, 9),
                               .cries = sqlite3_column_int64(statement, 10)};
    mewl__store_end(statement);
    return MEWL_OK;
}

mewl_status mewl_store_infant_delete(mewl_store *store, int64_t id, mewl_error *err)
{
    MEWL_TRY(mewl__store_run(store, err, "DELETE FROM infants WHERE id = ?", "i", id));
    return changed(store, err);
}
