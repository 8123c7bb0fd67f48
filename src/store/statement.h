/* statement.h - prepared statements of a store: binding, stepping, and SQLite's errors as sentences. Private to the
 * room, whose only door to SQLite this is.
 *
 * Each SQL text is a string literal: statements are kept by its address and prepared once. */
#ifndef MEWL_STORE_STATEMENT_H
#define MEWL_STORE_STATEMENT_H

#include <sqlite3.h>

#include "store/store.h"

#define MEWL__STATEMENTS_MAX 96

struct mewl_store {
    sqlite3 *db;
    char *folder, *path; /* of the folder and of the database, for messages */
    size_t statements;
    struct {
        const char *sql;
        sqlite3_stmt *prepared;
    } statement[MEWL__STATEMENTS_MAX];
};

/* The sentence for SQLite's `code` (of the last call on the store), naming the file. Rolls back a transaction that
 * SQLite gave up. */
mewl_status mewl__store_failed(mewl_store *store, int code, mewl_error *err);

/* A statement ready to step, its parameters bound from the arguments by one letter each of `types`:
 *   i int64_t   d double (NaN: NULL)   t const char * (NULL: NULL)   b const void *, size_t   n NULL, no argument
 * Ended by mewl__store_end. MEWL_E_MEMORY for texts over 64 KiB and blobs over MEWL_STORE_BLOB_MAX. */
mewl_status mewl__store_start(mewl_store *store, sqlite3_stmt **out, mewl_error *err, const char *sql,
                              const char *types, ...);

/* The next row: *more says whether there is one. An error ends the statement. */
mewl_status mewl__store_step(mewl_store *store, sqlite3_stmt *statement, bool *more, mewl_error *err);

/* Gives a statement back; NULL is fine. */
void mewl__store_end(sqlite3_stmt *statement);

/* Start, step to the end, end: for what returns no rows. */
mewl_status mewl__store_run(mewl_store *store, mewl_error *err, const char *sql, const char *types, ...);

/* Runs `sql` for one row and writes its first column to *out; false in *found when there is none. */
mewl_status mewl__store_one(mewl_store *store, int64_t *out, bool *found, mewl_error *err, const char *sql,
                            const char *types, ...);

/* Gives the statement's rows to `row`, with `user`, to the end or until it returns another status, which is returned;
 * and ends it. */
mewl_status mewl__store_each(mewl_store *store, sqlite3_stmt *statement,
                             mewl_status (*row)(void *user, sqlite3_stmt *statement), void *user, mewl_error *err);

/* For several statements that count as one: begins a transaction unless one is open, which *own tells; ended by
 * mewl__store_whole_end, which commits or rolls back what was begun here and returns the status of all. */
mewl_status mewl__store_whole_begin(mewl_store *store, bool *own, mewl_error *err);
mewl_status mewl__store_whole_end(mewl_store *store, bool own, mewl_status status, mewl_error *err);

/* Columns of the row: NULL gives NaN, 0, "". Texts are cut to `size` bytes, within no UTF-8 character. */
double mewl__column_real(sqlite3_stmt *statement, int column);
void mewl__column_text(sqlite3_stmt *statement, int column, char *out, size_t size);

/* MEWL_E_ARG when `text` is empty or takes more than max bytes with its NUL, or is NULL; `what` is its name. */
mewl_status mewl__store_bounded(const char *text, const char *what, size_t max, mewl_error *err);

#endif
