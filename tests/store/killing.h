/* killing.h - a program that writes to a store and is killed at a random moment, over and over; and the check of what
 * is there afterwards. Shared by test_kill.c and bench/store_kill.c.
 *
 * The child adds recordings, each with its measures, embedding, score and entry in one transaction, and tells each
 * number through a pipe after the commit; now and then it deletes another infant and scrubs. The parent kills it
 * (SIGKILL), opens the store and demands every number told, nothing half written, and a sound file. */
#ifndef MEWL_TESTS_STORE_KILLING_H
#define MEWL_TESTS_STORE_KILLING_H

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "store/alerts.h"
#include "store/coverage.h"
#include "store/embeddings.h"
#include "store/infants.h"
#include "store/personals.h"
#include "store/recordings.h"
#include "store/schema.h"
#include "store/timeline.h"

#define KILLING_MEASURES 3
#define KILLING_FRESH 100 /* kills after which it begins with an empty folder, or a store of an older form */
#define KILLING_FIRST_MS 1760000000000LL

typedef struct killing_report {
    unsigned kills;
    unsigned in_open;      /* killed before the store was open: creation, recovery, migration */
    unsigned in_write;     /* killed after that */
    unsigned half;         /* of those: a transaction was begun and not there afterwards, so that it was cut */
    unsigned migrations;   /* kills with a file of an older form to begin with */
    uint64_t acknowledged; /* rows told, all of which were found */
} killing_report;

typedef struct killing_told {
    uint64_t kind; /* 0: the store is open; 1: the recording `number` is in; 2: about to begin `number` */
    uint64_t number;
} killing_told;

static inline void killing_hash(char hash[MEWL_STORE_HASH_MAX], uint64_t number)
{
    (void)snprintf(hash, MEWL_STORE_HASH_MAX, "%064llx", (unsigned long long)number);
}

static inline bool killing_tell(int pipe, uint64_t kind, uint64_t number)
{
    const killing_told told = {kind, number};
    return write(pipe, &told, sizeof told) == (ssize_t)sizeof told;
}

/* One recording and all that belongs to it. */
static inline mewl_status killing_add(mewl_store *store, int64_t infant_id, int64_t model_id, uint64_t number)
{
    static const float values[16] = {0.25f, 0.5f};
    mewl_store_recording r = {.infant_id = infant_id, .duration_s = 5.0, .usable = true};
    mewl_store_measure measures[KILLING_MEASURES] = {{"f0_median_hz", 450.0}, {"jitter", 0.01}, {"hnr_db", 12.0}};
    r.start_ms = KILLING_FIRST_MS + (int64_t)number * 1500000;
    (void)snprintf(r.file, sizeof r.file, "cry-%llu.wav", (unsigned long long)number);
    killing_hash(r.hash, number);
    MEWL_TRY(mewl_store_recording_add(store, &r, NULL));
    MEWL_TRY(mewl_store_measures_put(store, r.id, measures, KILLING_MEASURES, NULL));
    MEWL_TRY(mewl_store_embedding_put(store, r.id, model_id, values, 16, NULL));
    const mewl_store_score score = {
        .recording_id = r.id, .kind = "knn", .model_id = model_id, .score = 1.5, .p_value = 0.4, .verdict = 1};
    MEWL_TRY(mewl_store_score_put(store, &score, NULL));
    mewl_store_entry entry = {.infant_id = infant_id,
                              .time_ms = r.start_ms,
                              .kind = MEWL_STORE_ENTRY_CHANGE,
                              .session_id = r.session_id,
                              .recordings = 1};
    MEWL_TRY(mewl_store_entry_put(store, &entry, NULL));
    const mewl_store_coverage heard = {
        .infant_id = infant_id, .from_ms = r.start_ms, .to_ms = r.start_ms + 600000, .heard_s = 600};
    return mewl_store_coverage_add(store, &heard, NULL);
}

static inline mewl_status killing_infant(mewl_store *store, int64_t *id, const char *name)
{
    mewl_store_infant infant = {.sex = 'f', .alarm_days = 30};
    (void)snprintf(infant.name, sizeof infant.name, "%s", name);
    if (mewl_store_infant_find(store, &infant, name, NULL) == MEWL_OK) {
        *id = infant.id;
        return MEWL_OK;
    }
    return mewl_store_infant_add(store, id, &infant, NULL);
}

/* Another infant with one recording comes and goes. */
static inline mewl_status killing_come_and_go(mewl_store *store, int64_t model_id)
{
    int64_t id = 0;
    MEWL_TRY(killing_infant(store, &id, "Otto"));
    MEWL_TRY(mewl_store_infant_delete(store, id, NULL));
    MEWL_TRY(killing_infant(store, &id, "Otto"));
    MEWL_TRY(mewl_store_begin(store, NULL));
    MEWL_TRY(killing_add(store, id, model_id, UINT64_MAX));
    MEWL_TRY(mewl_store_commit(store, NULL));
    return mewl_store_scrub(store, NULL);
}

/* The child: until it is killed. Exit codes tell what went wrong. */
static inline void killing_child(const char *folder, int pipe, uint64_t next, mewl_rng *rng)
{
    mewl_store *store = NULL;
    mewl_store_model model = {.kind = "embedder", .name = "ecapa", .dimensions = 16};
    int64_t id = 0;
    killing_hash(model.hash, 7);
    if (mewl_store_open(&store, folder, (mewl_store_opts){0}, NULL) != MEWL_OK) {
        _exit(10);
    }
    if (!killing_tell(pipe, 0, 0) || killing_infant(store, &id, "Ida") != MEWL_OK ||
        mewl_store_model_put(store, &model, NULL) != MEWL_OK) {
        _exit(11);
    }
    for (;; next++) {
        if (mewl_rng_below(rng, 40) == 0 && killing_come_and_go(store, model.id) != MEWL_OK) {
            _exit(12);
        }
        if (!killing_tell(pipe, 2, next) || mewl_store_begin(store, NULL) != MEWL_OK ||
            killing_add(store, id, model.id, next) != MEWL_OK || mewl_store_commit(store, NULL) != MEWL_OK) {
            _exit(13);
        }
        if (!killing_tell(pipe, 1, next)) {
            _exit(14);
        }
    }
}

typedef struct killing_counts {
    uint64_t recordings, highest;
} killing_counts;

static inline mewl_status killing_count(void *user, const mewl_store_recording *r)
{
    killing_counts *counts = user;
    const uint64_t number = strtoull(r->hash, NULL, 16);
    counts->recordings++;
    counts->highest = number > counts->highest ? number : counts->highest;
    return MEWL_OK;
}

static inline bool killing_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    *out = ok ? sqlite3_column_int64(statement, 0) : -1;
    (void)sqlite3_finalize(statement);
    return ok;
}

/* Every recording has all that was written with it: looked at past the room's own code. */
static inline bool killing_whole(const char *folder)
{
    static const char parts[] =
        "SELECT count(*) FROM recordings AS r WHERE (SELECT count(*) FROM measures AS m WHERE m.recording_id = r.id) "
        "<> 3 "
        "OR (SELECT count(*) FROM embeddings AS e WHERE e.recording_id = r.id) <> 1 OR (SELECT count(*) FROM scores AS "
        "s "
        "WHERE s.recording_id = r.id) <> 1 OR (SELECT count(*) FROM timeline AS t WHERE t.infant_id = r.infant_id AND "
        "t.time_ms = "
        "r.start_ms) <> 1 OR "
        "(SELECT count(*) FROM coverage AS c WHERE c.from_ms = r.start_ms) < 1";
    static const char empty[] = "SELECT count(*) FROM sessions WHERE id NOT IN (SELECT session_id FROM recordings)";
    char path[512];
    sqlite3 *db = NULL;
    int64_t lacking = -1, alone = -1;
    (void)snprintf(path, sizeof path, "%s/" MEWL_STORE_FILE, folder);
    const bool ok = sqlite3_open(path, &db) == SQLITE_OK && killing_number(db, parts, &lacking) &&
                    killing_number(db, empty, &alone);
    (void)sqlite3_close(db);
    return ok && lacking == 0 && alone == 0;
}

/* What the store holds after a kill; the highest number in it goes to *highest. Says what is wrong in `why`. */
static inline bool killing_check(const char *folder, uint64_t told, uint64_t *highest, char why[256])
{
    mewl_store *store = NULL;
    mewl_store_infant infant;
    mewl_error err = {0};
    killing_counts counts = {0};
    bool ok = mewl_store_open(&store, folder, (mewl_store_opts){0}, &err) == MEWL_OK &&
              mewl_store_check(store, &err) == MEWL_OK;
    if (ok && mewl_store_infant_find(store, &infant, "Ida", NULL) == MEWL_OK) {
        ok = mewl_store_recording_each(store, infant.id, INT64_MIN, INT64_MAX, killing_count, &counts, &err) == MEWL_OK;
    }
    mewl_store_close(store);
    if (!ok) {
        (void)snprintf(why, 256, "%.250s", err.text);
        return false;
    }
    /* Numbers are given in order, so that the count says whether any is missing. */
    if (counts.highest != counts.recordings || counts.highest < told) {
        (void)snprintf(why, 256, "%llu told, %llu the highest there, %llu rows", (unsigned long long)told,
                       (unsigned long long)counts.highest, (unsigned long long)counts.recordings);
        return false;
    }
    if (!killing_whole(folder)) {
        (void)snprintf(why, 256, "a transaction is there in part");
        return false;
    }
    *highest = counts.highest;
    return true;
}

static inline void killing_clear(const char *folder)
{
    static const char *const names[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/" MEWL_STORE_FILE "%s", folder, names[i]);
        (void)unlink(path);
    }
}

/* A store of an older form: versions 1 to the one before the present, in turn. */
static inline bool killing_old_store(const char *folder, int version)
{
    char path[512], sql[128];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/" MEWL_STORE_FILE, folder);
    bool ok = sqlite3_open(path, &db) == SQLITE_OK;
    for (int v = 1; ok && v <= version; v++) {
        ok = sqlite3_exec(db, mewl__schema_step(v), NULL, NULL, NULL) == SQLITE_OK;
    }
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", MEWL__SCHEMA_ID, version);
    ok = ok && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    (void)sqlite3_close(db);
    return ok;
}

/* One kill. *next is the number that the child begins with, and told what it said. */
static inline bool killing_one(const char *folder, uint64_t *next, double wait_s, mewl_rng *rng, killing_report *report,
                               char why[256])
{
    int pipes[2], status = 0;
    if (pipe(pipes) != 0) {
        (void)snprintf(why, 256, "pipe: %s", strerror(errno));
        return false;
    }
    const pid_t child = fork();
    if (child == 0) {
        (void)close(pipes[0]);
        killing_child(folder, pipes[1], *next, rng);
    }
    (void)close(pipes[1]);
    killing_told told;
    bool opened = false;
    if (mewl_rng_below(rng, 4) != 0) { /* three in four times the clock starts once the store is open */
        opened = read(pipes[0], &told, sizeof told) == (ssize_t)sizeof told;
    }
    const struct timespec span = {(time_t)wait_s, (long)(1e9 * (wait_s - floor(wait_s)))};
    (void)nanosleep(&span, NULL);
    (void)kill(child, SIGKILL);
    uint64_t highest = *next - 1, begun = 0, there = 0;
    while (read(pipes[0], &told, sizeof told) == (ssize_t)sizeof told) {
        opened = true;
        highest = told.kind == 1 ? told.number : highest;
        begun = told.kind == 2 ? told.number : begun;
    }
    (void)close(pipes[0]);
    (void)waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) {
        (void)snprintf(why, 256, "the writer ended by itself, code %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        return false;
    }
    if (!killing_check(folder, highest, &there, why)) {
        return false;
    }
    report->kills++;
    report->in_open += !opened;
    report->in_write += opened;
    report->half += begun > there;
    report->acknowledged += highest - (*next - 1);
    *next = there + 1;
    return true;
}

/* `kills` kills in `folder` (which exists and is empty), at moments from 0.1 to longest_ms after the start, evenly
 * spread on a logarithmic scale. False, with the reason in `why`, at the first loss. */
static inline bool killing_run(const char *folder, unsigned kills, uint64_t seed, double longest_ms,
                               killing_report *report, char why[256], void (*progress)(unsigned done, unsigned total))
{
    uint64_t next = 1;
    bool old = false;
    *report = (killing_report){0};
    for (unsigned i = 0; i < kills; i++) {
        mewl_rng rng = mewl_rng_stream(seed, i);
        if (i % KILLING_FRESH == 0) {
            const int version = (int)(i / KILLING_FRESH % MEWL_STORE_VERSION);
            killing_clear(folder);
            next = 1;
            old = version > 0;
            if (old && !killing_old_store(folder, version)) {
                (void)snprintf(why, 256, "no store of form %d could be made", version);
                return false;
            }
        }
        report->migrations += old && i % KILLING_FRESH == 0;
        const double wait_s = 1e-4 * pow(10.0 * longest_ms, mewl_rng_unit(&rng));
        if (!killing_one(folder, &next, wait_s, &rng, report, why)) {
            return false;
        }
        if (progress != NULL) {
            progress(i + 1, kills);
        }
    }
    return true;
}

#endif
