/* statement.c - see statement.h. */
#include "store/statement.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX (64u << 10)

/* What a failed read or write of the file comes from: SQLite keeps the system's errno. */
static mewl_status io_failed(mewl_store *store, int code, mewl_error *err)
{
    const int reason = sqlite3_system_errno(store->db);
    if (code == SQLITE_FULL || reason == ENOSPC || reason == EDQUOT || reason == EFBIG) {
        return mewl_error_set(err, MEWL_E_IO, "%s: the disk is full; nothing of this was kept", store->path);
    }
    if (reason == EACCES || reason == EPERM || reason == EROFS) {
        return mewl_error_set(err, MEWL_E_PERMISSION, "%s: may not be written (%s)", store->path, strerror(reason));
    }
    if (code == SQLITE_IOERR_WRITE) { /* SQLite does not always say why: a quota looks like this */
        return mewl_error_set(
            err, MEWL_E_IO, "%s: could not be written: is the disk full, or a quota used up? Nothing of this was kept",
            store->path);
    }
    return mewl_error_set(err, MEWL_E_IO, "%s: could not be read or written (%s)", store->path,
                          reason != 0 ? strerror(reason) : sqlite3_errstr(code));
}

static mewl_status sentence(mewl_store *store, int code, mewl_error *err)
{
    if (code == SQLITE_IOERR_NOMEM) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", store->path);
    }
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", store->path);
    case SQLITE_TOOBIG:
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: a text or blob is longer than is kept", store->path);
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return io_failed(store, code, err);
    case SQLITE_CANTOPEN:
        return mewl_error_set(err, MEWL_E_PERMISSION,
                              "%s: could not be opened: is its folder there, and may you write in it?", store->path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return mewl_error_set(err, MEWL_E_PERMISSION,
                              "%s: may not be written: the file or its folder is read-only for you", store->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return mewl_error_set(err, MEWL_E_TIMEOUT, "%s: another program is writing to it; try again in a moment",
                              store->path);
    case SQLITE_NOTADB:
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: is not a database of Mewl's", store->path);
    case SQLITE_CORRUPT:
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: the database is damaged (%s)", store->path,
                              sqlite3_errmsg(store->db));
    case SQLITE_CONSTRAINT:
        return mewl_error_set(err,
                              code == SQLITE_CONSTRAINT_FOREIGNKEY ? MEWL_E_NOT_FOUND
                              : code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ? MEWL_E_STATE
                                                                                                         : MEWL_E_ARG,
                              "%s: %s", store->path, sqlite3_errmsg(store->db));
    default:
        return mewl_error_set(err, MEWL_E_LIBRARY, "%s: SQLite: %s", store->path, sqlite3_errmsg(store->db));
    }
}

mewl_status mewl__store_failed(mewl_store *store, int code, mewl_error *err)
{
    if (code == (code & 0xff) && sqlite3_errcode(store->db) == code) {
        code = sqlite3_extended_errcode(store->db);
    }
    return sentence(store, code, err);
}

/* The prepared statement of `sql`, from before or new. */
static mewl_status prepared(mewl_store *store, sqlite3_stmt **out, const char *sql, mewl_error *err)
{
    for (size_t i = 0; i < store->statements; i++) {
        if (store->statement[i].sql == sql) {
            *out = store->statement[i].prepared;
            if (sqlite3_stmt_busy(*out)) {
                return mewl_error_set(err, MEWL_E_STATE, "%s: the store is used within its own callback", store->path);
            }
            return MEWL_OK;
        }
    }
    if (store->statements == MEWL__STATEMENTS_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: over %d kinds of statements", store->path, MEWL__STATEMENTS_MAX);
    }
    const int code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (code != SQLITE_OK) {
        return mewl__store_failed(store, code, err);
    }
    store->statement[store->statements].sql = sql;
    store->statement[store->statements++].prepared = *out;
    return MEWL_OK;
}

static int bind_one(sqlite3_stmt *statement, int at, char type, va_list *args)
{
    switch (type) {
    case 'i':
        return sqlite3_bind_int64(statement, at, va_arg(*args, int64_t));
    case 'd': {
        const double value = va_arg(*args, double);
        return isnan(value) ? sqlite3_bind_null(statement, at) : sqlite3_bind_double(statement, at, value);
    }
    case 't': {
        const char *text = va_arg(*args, const char *);
        const size_t bytes = text != NULL ? strnlen(text, TEXT_MAX + 1) : 0;
        return bytes > TEXT_MAX ? SQLITE_TOOBIG : sqlite3_bind_text(statement, at, text, (int)bytes, SQLITE_TRANSIENT);
    }
    case 'b': {
        const void *data = va_arg(*args, const void *);
        const size_t bytes = va_arg(*args, size_t);
        return bytes > MEWL_STORE_BLOB_MAX ? SQLITE_TOOBIG
                                           : sqlite3_bind_blob(statement, at, data, (int)bytes, SQLITE_TRANSIENT);
    }
    default:
        return sqlite3_bind_null(statement, at);
    }
}

static mewl_status start(mewl_store *store, sqlite3_stmt **out, mewl_error *err, const char *sql, const char *types,
                         va_list *args)
{
    MEWL_TRY(prepared(store, out, sql, err));
    int code = SQLITE_OK;
    for (int i = 0; types[i] != '\0' && code == SQLITE_OK; i++) {
        code = bind_one(*out, i + 1, types[i], args);
    }
    if (code != SQLITE_OK) {
        mewl__store_end(*out);
        *out = NULL;
        return mewl__store_failed(store, code, err);
    }
    return MEWL_OK;
}

mewl_status mewl__store_start(mewl_store *store, sqlite3_stmt **out, mewl_error *err, const char *sql,
                              const char *types, ...)
{
    va_list args;
    va_start(args, types);
    const mewl_status status = start(store, out, err, sql, types, &args);
    va_end(args);
    return status;
}

mewl_status mewl__store_step(mewl_store *store, sqlite3_stmt *statement, bool *more, mewl_error *err)
{
    const int code = sqlite3_step(statement);
    *more = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        return MEWL_OK;
    }
    const mewl_status status = mewl__store_failed(store, code, err);
    mewl__store_end(statement);
    return status;
}

void mewl__store_end(sqlite3_stmt *statement)
{
    if (statement != NULL) {
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
    }
}

mewl_status mewl__store_run(mewl_store *store, mewl_error *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list args;
    va_start(args, types);
    mewl_status status = start(store, &statement, err, sql, types, &args);
    va_end(args);
    for (bool more = true; status == MEWL_OK && more;) {
        status = mewl__store_step(store, statement, &more, err);
    }
    if (status == MEWL_OK) {
        mewl__store_end(statement);
    }
    return status;
}

mewl_status mewl__store_one(mewl_store *store, int64_t *out, bool *found, mewl_error *err, const char *sql,
                            const char *types, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list args;
    va_start(args, types);
    mewl_status status = start(store, &statement, err, sql, types, &args);
    va_end(args);
    MEWL_TRY(status);
    MEWL_TRY(mewl__store_step(store, statement, found, err));
    if (*found) {
        *out = sqlite3_column_int64(statement, 0);
    }
    mewl__store_end(statement);
    return MEWL_OK;
}

mewl_status mewl__store_each(mewl_store *store, sqlite3_stmt *statement,
                             mewl_status (*row)(void *user, sqlite3_stmt *statement), void *user, mewl_error *err)
{
    mewl_status status = MEWL_OK;
    for (bool more = true; status == MEWL_OK && more;) {
        MEWL_TRY(mewl__store_step(store, statement, &more, err));
        status = more ? row(user, statement) : MEWL_OK;
    }
    mewl__store_end(statement);
    return status;
}

mewl_status mewl__store_whole_begin(mewl_store *store, bool *own, mewl_error *err)
{
    *own = sqlite3_get_autocommit(store->db) != 0;
    return *own ? mewl_store_begin(store, err) : MEWL_OK;
}

mewl_status mewl__store_whole_end(mewl_store *store, bool own, mewl_status status, mewl_error *err)
{
    if (own && status == MEWL_OK) {
        return mewl_store_commit(store, err);
    }
    if (own) {
        mewl_store_rollback(store);
    }
    return status;
}

double mewl__column_real(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? (double)NAN
                                                                 : sqlite3_column_double(statement, column);
}

void mewl__column_text(sqlite3_stmt *statement, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    const int length = sqlite3_column_bytes(statement, column);
    size_t bytes = text != NULL && length > 0 ? strnlen(text, (size_t)length) : 0;
    if (bytes >= size) {
        bytes = size - 1;
        while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80) {
            bytes--;
        }
    }
    if (bytes > 0) {
        memcpy(out, text, bytes);
    }
    out[bytes] = '\0';
}

mewl_status mewl__store_bounded(const char *text, const char *what, size_t max, mewl_error *err)
{
    if (text == NULL || text[0] == '\0') {
        return mewl_error_set(err, MEWL_E_ARG, "%s is empty", what);
    }
    if (strnlen(text, max) == max) {
        return mewl_error_set(err, MEWL_E_ARG, "%s is longer than %zu bytes: %.40s...", what, max - 1, text);
    }
    return MEWL_OK;
}
