/* store.c - see store.h. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folder.h"
#include "store/schema.h"
#include "store/statement.h"

#define WAIT_MS 5000
#define JOURNAL_PAUSE_MS 5
#define PAGE_BYTES "4096"

/* The folder, made private where it is new: its parents as the umask says. */
static mewl_status make_folder(const char *folder, mewl_error *err)
{
    if (mewl_folder_exists(folder)) {
        return MEWL_OK;
    }
    char parent[MEWL_STORE_PATH_MAX];
    (void)snprintf(parent, sizeof parent, "%s", folder);
    size_t end = strlen(parent);
    while (end > 1 && parent[end - 1] == '/') {
        parent[--end] = '\0';
    }
    char *slash = strrchr(parent, '/');
    if (slash != NULL && slash != parent) {
        *slash = '\0';
        MEWL_TRY(mewl_folder_make(parent, err));
        *slash = '/';
    }
    if (mkdir(parent, 0700) != 0) {
        const int reason = errno;
        return mewl_folder_exists(parent) ? MEWL_OK : mewl_error_errno(err, reason, folder);
    }
    return MEWL_OK;
}

/* The database file: SQLite would make it readable for everybody, and gives its log the same rights. */
static mewl_status make_file(const mewl_store *store, bool existing, mewl_error *err)
{
    struct stat info;
    if (stat(store->path, &info) == 0) {
        return S_ISREG(info.st_mode) ? MEWL_OK
                                     : mewl_error_set(err, MEWL_E_FORMAT, "%s: is no regular file", store->path);
    }
    if (errno != ENOENT && errno != ENOTDIR) {
        return mewl_error_errno(err, errno, store->path);
    }
    if (existing) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "%s: there is no store there yet", store->folder);
    }
    MEWL_TRY(make_folder(store->folder, err));
    const int file = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return mewl_error_errno(err, errno, store->path);
    }
    (void)close(file);
    return MEWL_OK;
}

static mewl_status execute(mewl_store *store, const char *sql, mewl_error *err)
{
    const int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? MEWL_OK : mewl__store_failed(store, code, err);
}

/* What every connection is told before it reads a page. The file may have been made by somebody else: no functions run
 * from its schema, and its sizes are checked. */
static mewl_status configure(mewl_store *store, mewl_store_opts opts, mewl_error *err)
{
    char text[96];
    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_busy_timeout(store->db, opts.wait_ms > 0 ? opts.wait_ms : WAIT_MS);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, (int)MEWL_STORE_BLOB_MAX + (1 << 20));
    (void)sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 1); /* VACUUM's own */
    MEWL_TRY(execute(store,
                     "PRAGMA page_size = " PAGE_BYTES ";"
                     "PRAGMA cell_size_check = ON;"
                     "PRAGMA mmap_size = 0;"
                     "PRAGMA secure_delete = ON;"
                     "PRAGMA foreign_keys = ON;"
                     "PRAGMA synchronous = FULL;",
                     err));
    if (opts.max_pages > 0) {
        (void)snprintf(text, sizeof text, "PRAGMA max_page_count = %lld;", (long long)opts.max_pages);
        MEWL_TRY(execute(store, text, err));
    }
    return MEWL_OK;
}

static mewl_status pragma(mewl_store *store, int64_t *out, const char *sql, mewl_error *err)
{
    bool found = false;
    *out = 0;
    sqlite3_stmt *statement = NULL;
    const int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (code != SQLITE_OK) {
        return mewl__store_failed(store, code, err);
    }
    const mewl_status status = mewl__store_step(store, statement, &found, err);
    if (status == MEWL_OK && found) {
        *out = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* Whose file this is and how old its schema: version 0 is a file without any table. */
static mewl_status identify(mewl_store *store, int64_t *version, mewl_error *err)
{
    int64_t id = 0, tables = 0;
    MEWL_TRY(pragma(store, &id, "PRAGMA application_id", err));
    MEWL_TRY(pragma(store, version, "PRAGMA user_version", err));
    MEWL_TRY(pragma(store, &tables, "SELECT count(*) FROM sqlite_schema", err));
    if (id == 0 && *version == 0 && tables == 0) {
        return MEWL_OK;
    }
    if (id != MEWL__SCHEMA_ID || *version < 1) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: is the database of another program", store->path);
    }
    if (*version > MEWL_STORE_VERSION) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "%s: was written by a newer Mewl (form %lld; this one knows up to %d): use that one",
                              store->path, (long long)*version, MEWL_STORE_VERSION);
    }
    return MEWL_OK;
}

/* The same as of one moment: another program may be making the tables just now. */
static mewl_status identify_now(mewl_store *store, int64_t *version, mewl_error *err)
{
    MEWL_TRY(execute(store, "BEGIN", err));
    const mewl_status status = identify(store, version, err);
    mewl_store_rollback(store);
    return status;
}

/* SQLite does not wait by itself where two programs make the same file a log-written one. */
static mewl_status set_journal(mewl_store *store, int wait_ms, mewl_error *err)
{
    const mewl_clock clock = mewl_clock_system();
    const double until_s = mewl_clock_now_s(&clock) + 0.001 * wait_ms;
    int code = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    while ((code & 0xff) == SQLITE_BUSY && mewl_clock_now_s(&clock) < until_s) {
        (void)sqlite3_sleep(JOURNAL_PAUSE_MS);
        code = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    }
    return code == SQLITE_OK ? MEWL_OK : mewl__store_failed(store, code, err);
}

/* From whatever version to the present one, as one transaction. */
static mewl_status migrate(mewl_store *store, mewl_error *err)
{
    char text[96];
    int64_t version = 0;
    MEWL_TRY(identify_now(store, &version, err));
    if (version == MEWL_STORE_VERSION) {
        return MEWL_OK;
    }
    MEWL_TRY(execute(store, "BEGIN IMMEDIATE", err));
    mewl_status status = identify(store, &version, err); /* another program may have done it meanwhile */
    for (int v = (int)version + 1; status == MEWL_OK && v <= MEWL_STORE_VERSION; v++) {
        status = execute(store, mewl__schema_step(v), err);
    }
    if (status == MEWL_OK && version < MEWL_STORE_VERSION) {
        (void)snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d;", MEWL__SCHEMA_ID,
                       MEWL_STORE_VERSION);
        status = execute(store, text, err);
    }
    status = status == MEWL_OK ? execute(store, "COMMIT", err) : status;
    if (status != MEWL_OK) {
        mewl_store_rollback(store);
    }
    return status;
}

static mewl_status connect(mewl_store *store, mewl_store_opts opts, mewl_error *err)
{
    MEWL_TRY(make_file(store, opts.existing, err));
    const int code = sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        return store->db == NULL ? mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", store->path)
                                 : mewl__store_failed(store, code, err);
    }
    int64_t version = 0;
    MEWL_TRY(configure(store, opts, err));
    MEWL_TRY(identify_now(store, &version, err)); /* before anything is written: it may be another's */
    MEWL_TRY(set_journal(store, opts.wait_ms > 0 ? opts.wait_ms : WAIT_MS, err));
    return migrate(store, err);
}

mewl_status mewl_store_open(mewl_store **out, const char *folder, mewl_store_opts opts, mewl_error *err)
{
    *out = NULL;
    if (folder == NULL || folder[0] == '\0' || strlen(folder) + sizeof MEWL_STORE_FILE + 8 > MEWL_STORE_PATH_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "the store's folder has %s name",
                              folder == NULL || folder[0] == '\0' ? "no" : "too long a");
    }
    mewl_store *store = calloc(1, sizeof *store);
    if (store != NULL) {
        store->folder = strdup(folder);
        store->path = mewl_folder_join(folder, MEWL_STORE_FILE);
    }
    mewl_status status = store == NULL || store->folder == NULL || store->path == NULL
                             ? mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", folder)
                             : connect(store, opts, err);
    if (status != MEWL_OK) {
        mewl_store_close(store);
        return status;
    }
    *out = store;
    return MEWL_OK;
}

void mewl_store_close(mewl_store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->db != NULL) {
        mewl_store_rollback(store);
        for (size_t i = 0; i < store->statements; i++) {
            (void)sqlite3_finalize(store->statement[i].prepared);
        }
        (void)sqlite3_close(store->db);
    }
    free(store->folder);
    free(store->path);
    free(store);
}

const char *mewl_store_folder(const mewl_store *store)
{
    return store->folder;
}

mewl_status mewl_store_begin(mewl_store *store, mewl_error *err)
{
    if (!sqlite3_get_autocommit(store->db)) {
        return mewl_error_set(err, MEWL_E_STATE, "%s: a transaction is open", store->path);
    }
    return mewl__store_run(store, err, "BEGIN IMMEDIATE", "");
}

mewl_status mewl_store_commit(mewl_store *store, mewl_error *err)
{
    if (sqlite3_get_autocommit(store->db)) {
        return mewl_error_set(err, MEWL_E_STATE, "%s: no transaction is open", store->path);
    }
    const mewl_status status = mewl__store_run(store, err, "COMMIT", "");
    if (status != MEWL_OK) {
        mewl_store_rollback(store);
    }
    return status;
}

void mewl_store_rollback(mewl_store *store)
{
    if (!sqlite3_get_autocommit(store->db)) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

mewl_status mewl_store_check(mewl_store *store, mewl_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    char finding[256];
    MEWL_TRY(mewl__store_start(store, &statement, err, "PRAGMA integrity_check(1)", ""));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    mewl__column_text(statement, 0, finding, sizeof finding);
    mewl__store_end(statement);
    if (!more || strcmp(finding, "ok") != 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: the database is damaged (%s)", store->path, finding);
    }
    MEWL_TRY(mewl__store_start(store, &statement, err, "PRAGMA foreign_key_check", ""));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    mewl__column_text(statement, 0, finding, sizeof finding);
    mewl__store_end(statement);
    return more ? mewl_error_set(err, MEWL_E_FORMAT, "%s: a row of \"%s\" belongs to nothing", store->path, finding)
                : MEWL_OK;
}

mewl_status mewl_store_scrub(mewl_store *store, mewl_error *err)
{
    if (!sqlite3_get_autocommit(store->db)) {
        return mewl_error_set(err, MEWL_E_STATE, "%s: a transaction is open", store->path);
    }
    MEWL_TRY(execute(store, "VACUUM", err));
    sqlite3_stmt *statement = NULL;
    bool more = false;
    MEWL_TRY(mewl__store_start(store, &statement, err, "PRAGMA wal_checkpoint(TRUNCATE)", ""));
    MEWL_TRY(mewl__store_step(store, statement, &more, err));
    const bool busy = !more || sqlite3_column_int(statement, 0) != 0;
    mewl__store_end(statement);
    return busy ? mewl__store_failed(store, SQLITE_BUSY, err) : MEWL_OK;
}
