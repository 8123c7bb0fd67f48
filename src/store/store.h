/* store.h - the family's database: one SQLite file in a folder of its own, which holds what Mewl knows of its infants.
 *
 * Opening, transactions, checking, erasing. What is in it has a header for each noun: infants.h, recordings.h,
 * embeddings.h, personals.h, timeline.h, coverage.h, alerts.h. Not a cache: what a call acknowledged with MEWL_OK
 * (outside a transaction, or by mewl_store_commit) is on the disk and survives a crash of the program and of the
 * machine (write-ahead log, synchronous = FULL). Not for secrets: the file is readable by its owner alone (0600), not
 * encrypted.
 *
 * Times are UTC milliseconds since 1970, as base/clock.h has them; numbers that are not known are NaN in C and NULL in
 * the file. One store, one thread at a time; several programs may have the same store open: a writer waits for another
 * (opts.wait_ms). Callbacks ("each") get one row at a time, valid during the call, and must not use the store; another
 * return than MEWL_OK ends the reading and is returned.
 *
 * Errors of every call, besides those it names:
 *   MEWL_E_IO          the disk is full or cannot be read; nothing of the call, or of its transaction, was kept
 *   MEWL_E_PERMISSION  the file or its folder may not be written
 *   MEWL_E_TIMEOUT     another program held the store for longer than wait_ms
 *   MEWL_E_FORMAT      the file is damaged
 *   MEWL_E_MEMORY      out of memory, or a text or blob beyond its bound
 *   MEWL_E_LIBRARY     SQLite failed in another way
 */
#ifndef MEWL_STORE_STORE_H
#define MEWL_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Bytes of texts with their NUL. */
#define MEWL_STORE_NAME_MAX 65   /* an infant, a source, a model, a measure */
#define MEWL_STORE_FILE_MAX 1025 /* the name of a recording's file */
#define MEWL_STORE_TEXT_MAX 513  /* a sentence for people */
#define MEWL_STORE_HASH_MAX 65   /* SHA-256 in 64 lower-case hex digits */
#define MEWL_STORE_BLOB_MAX (64u << 20)
#define MEWL_STORE_PATH_MAX 4096

/* Numbers of the longest embedding kept. */
#define MEWL_STORE_DIMENSIONS_MAX 4096u

/* The database in the store's folder, and the folder of clips beside it. */
#define MEWL_STORE_FILE "mewl.db"
#define MEWL_STORE_CLIPS "clips"

/* The schema that this code writes. */
#define MEWL_STORE_VERSION 5

typedef struct mewl_store mewl_store;

/* Zero fields mean the default. */
typedef struct mewl_store_opts {
    bool existing;     /* do not make a store where there is none: MEWL_E_NOT_FOUND */
    int wait_ms;       /* longest wait for another program; 0: 5000 */
    int64_t max_pages; /* ceiling of the file in pages of 4 KiB; 0: none. Beyond it the disk counts as full */
} mewl_store_opts;

/* Opens the store in `folder`, making folder (0700) and file (0600) where there are none, and brings an older schema up
 * to MEWL_STORE_VERSION, in one transaction. MEWL_E_NOT_FOUND (opts.existing), MEWL_E_FORMAT (mewl.db is no database,
 * or not one of Mewl's), MEWL_E_UNSUPPORTED (written by a newer Mewl), MEWL_E_ARG (folder's name empty or too long). On
 * failure *out is NULL. */
mewl_status mewl_store_open(mewl_store **out, const char *folder, mewl_store_opts opts, mewl_error *err);

/* A transaction left open is rolled back. NULL is fine. */
void mewl_store_close(mewl_store *store);

/* The folder as given to open; valid until close. */
const char *mewl_store_folder(const mewl_store *store);

/* What follows counts as a whole or not at all. Beginning within a transaction, or ending outside one, is MEWL_E_STATE.
 * After a failed commit the transaction is rolled back. Rollback never fails and is safe outside a transaction. */
mewl_status mewl_store_begin(mewl_store *store, mewl_error *err);
mewl_status mewl_store_commit(mewl_store *store, mewl_error *err);
void mewl_store_rollback(mewl_store *store);

/* Reads the whole file and checks it: pages, indexes, references. MEWL_E_FORMAT with the first finding. */
mewl_status mewl_store_check(mewl_store *store, mewl_error *err);

/* Writes the file anew and empties the log, so that nothing deleted can be read from either (the disk's own sectors are
 * the disk's). MEWL_E_STATE within a transaction. */
mewl_status mewl_store_scrub(mewl_store *store, mewl_error *err);

#endif
