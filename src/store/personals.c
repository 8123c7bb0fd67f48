/* personals.c - see personals.h. */
#include "store/personals.h"

#include <stdlib.h>
#include <string.h>

#include "store/statement.h"

static mewl_status insert(mewl_store *store, mewl_store_personal *p, const void *data, size_t bytes, mewl_error *err)
{
    MEWL_TRY(mewl__store_run(
        store, err,
        "INSERT INTO personals(infant_id, model_id, kind, made_ms, recordings, sessions, data) VALUES "
        "(?, ?, ?, ?, ?, ?, ?)",
        "iitiiib", p->infant_id, p->model_id, p->kind, p->made_ms, p->recordings, p->sessions, data, bytes));
    p->id = sqlite3_last_insert_rowid(store->db);
    return mewl__store_run(
        store, err,
        "UPDATE personals SET data = NULL WHERE data IS NOT NULL AND id IN (SELECT id FROM personals "
        "WHERE infant_id = ? AND model_id = ? AND kind = ? ORDER BY id DESC LIMIT 8 OFFSET ?)",
        "iiti", p->infant_id, p->model_id, p->kind, (int64_t)MEWL_STORE_PERSONALS_KEPT + 1);
}

mewl_status mewl_store_personal_put(mewl_store *store, mewl_store_personal *personal, const void *data, size_t bytes,
                                    mewl_error *err)
{
    bool own = false;
    MEWL_TRY(mewl__store_bounded(personal->kind, "the model's kind", sizeof personal->kind, err));
    if (data == NULL || bytes == 0 || bytes > MEWL_STORE_BLOB_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "a personal model of %zu bytes: 1 to %u are kept", bytes,
                              MEWL_STORE_BLOB_MAX);
    }
    MEWL_TRY(mewl__store_whole_begin(store, &own, err));
    return mewl__store_whole_end(store, own, insert(store, personal, data, bytes, err), err);
}

static void read_row(sqlite3_stmt *statement, mewl_store_personal *out)
{
    *out = (mewl_store_personal){.id = sqlite3_column_int64(statement, 0),
                                 .infant_id = sqlite3_column_int64(statement, 1),
                                 .model_id = sqlite3_column_int64(statement, 2),
                                 .made_ms = sqlite3_column_int64(statement, 4),
                                 .recordings = sqlite3_column_int64(statement, 5),
                                 .sessions = sqlite3_column_int64(statement, 6)};
    mewl__column_text(statement, 3, out->kind, sizeof out->kind);
}

/* The row's bytes, copied. */
static mewl_status copy_data(const mewl_store *store, sqlite3_stmt *statement, void **data, size_t *bytes,
                             mewl_error *err)
{
    const void *from = sqlite3_column_blob(statement, 7);
    *bytes = (size_t)sqlite3_column_bytes(statement, 7);
    *data = malloc(*bytes > 0 ? *bytes : 1);
    if (*data == NULL || (from == NULL && *bytes > 0)) {
        free(*data);
        *data = NULL;
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", store->path);
    }
    if (*bytes > 0) {
        memcpy(*data, from, *bytes);
    }
    return MEWL_OK;
}

mewl_status mewl_store_personal_get(mewl_store *store, mewl_store_personal *out, void **data, size_t *bytes,
                                    int64_t infant_id, int64_t model_id, const char *kind, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    *data = NULL;
    *bytes = 0;
    MEWL_TRY(
        mewl__store_start(store, &statement, err,
                          "SELECT id, infant_id, model_id, kind, made_ms, recordings, sessions, data FROM personals "
                          "WHERE infant_id = ? AND model_id = ? AND kind = ? AND data IS NOT NULL ORDER BY id DESC "
                          "LIMIT 1",
                          "iit", infant_id, model_id, kind));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    if (!more) {
        mewl__store_end(statement);
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no personal model of that kind yet");
    }
    read_row(statement, out);
    const mewl_status status = copy_data(store, statement, data, bytes, err);
    mewl__store_end(statement);
    return status;
}

mewl_status mewl_store_personal_latest(mewl_store *store, mewl_store_personal *out, int64_t infant_id, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    MEWL_TRY(mewl__store_start(
        store, &statement, err,
        "SELECT id, infant_id, model_id, kind, made_ms, recordings, sessions FROM personals WHERE id = "
        "(SELECT max(id) FROM personals WHERE infant_id = ? AND data IS NOT NULL)",
        "i", infant_id));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    if (more) {
        read_row(statement, out);
    }
    mewl__store_end(statement);
    return more ? MEWL_OK : mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no personal model yet");
}
