/* Opening a store: rights, foreign and newer files, older schemas, full disks, two programs at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "furnish.h"
#include "store/schema.h"

static mewl_status open_status(const char *folder, mewl_store_opts opts, mewl_error *err)
{
    mewl_store *store = NULL;
    const mewl_status status = mewl_store_open(&store, folder, opts, err);
    assert_true((store != NULL) == (status == MEWL_OK));
    mewl_store_close(store);
    return status;
}

static void execute(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static unsigned rights(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 0777;
}

static void what_is_made_is_private(void **state)
{
    const mode_t mask = umask(0);
    const char *folder = scratch_path(*state, "data/mewl/");
    mewl_store *store = open_store(folder);
    (void)umask(mask);
    (void)add_infant(store, "Ida"); /* so that there is a log */
    assert_string_equal(mewl_store_folder(store), folder);
    assert_int_equal(rights(scratch_path(*state, "data/mewl")), 0700);
    assert_int_equal(rights(scratch_path(*state, "data/mewl/" MEWL_STORE_FILE)), 0600);
    assert_int_equal(rights(scratch_path(*state, "data/mewl/" MEWL_STORE_FILE "-wal")), 0600);
    assert_int_equal(rights(scratch_path(*state, "data/mewl/" MEWL_STORE_FILE "-shm")), 0600);
    mewl_store_close(store);
}

static void only_stores_are_opened(void **state)
{
    mewl_error err = {0};
    const char *folder = scratch_folder(*state), *path = scratch_path(*state, MEWL_STORE_FILE);
    const mewl_store_opts existing = {.existing = true}, any = {0};
    char longest[MEWL_STORE_PATH_MAX];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(open_status("", any, &err), MEWL_E_ARG);
    assert_int_equal(open_status(NULL, any, &err), MEWL_E_ARG);
    assert_int_equal(open_status(longest, any, &err), MEWL_E_ARG);
    assert_int_equal(open_status(folder, existing, &err), MEWL_E_NOT_FOUND);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(open_status(folder, any, &err), MEWL_E_FORMAT);
    assert_int_equal(rmdir(path), 0);
    static const char text[] = "This is a shopping list and not a database, although it is long enough for a header of "
                               "one, which takes a hundred bytes.";
    assert_int_equal(mewl_file_write(path, text, sizeof text, NULL), MEWL_OK);
    assert_int_equal(open_status(folder, any, &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "not a database of Mewl's"));
    assert_string_equal(scratch_read(path), text); /* and it was not touched */
    assert_int_equal(unlink(path), 0);
    execute(path, "CREATE TABLE recipes(name TEXT)");
    assert_int_equal(open_status(folder, any, &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "another program"));
    execute(path, "DROP TABLE recipes; PRAGMA user_version = 2");
    assert_int_equal(open_status(folder, any, &err), MEWL_E_FORMAT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_status(folder, any, &err), MEWL_OK);
    execute(path, "PRAGMA user_version = 999");
    assert_int_equal(open_status(folder, any, &err), MEWL_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "newer Mewl"));
    const char *in_the_way = scratch_path(*state, "file");
    assert_int_equal(mewl_file_write(in_the_way, "x", 1, NULL), MEWL_OK);
    assert_int_not_equal(open_status(in_the_way, any, &err), MEWL_OK);
    assert_int_equal(unlink(scratch_path(*state, MEWL_STORE_FILE)), 0);
}

/* A page in the middle overwritten with noise. */
static void damage_is_found(void **state)
{
    const char *folder = scratch_folder(*state), *path = scratch_path(*state, MEWL_STORE_FILE);
    mewl_error err = {0};
    mewl_store *store = open_store(folder);
    const int64_t id = add_infant(store, "Ida");
    assert_done(mewl_store_begin(store, E));
    for (uint64_t i = 0; i < 200; i++) {
        mewl_store_recording r = a_recording(id, FIRST_MS + (int64_t)i * DAY_MS, i);
        assert_done(mewl_store_recording_add(store, &r, E));
    }
    assert_done(mewl_store_commit(store, E));
    assert_done(mewl_store_check(store, E));
    assert_done(mewl_store_scrub(store, E));
    mewl_store_close(store);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    char noise[4096];
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (char)(i * 37 + 11);
    }
    for (off_t page = 8; page < info.st_size / 4096; page += 7) {
        const int file = open(path, O_WRONLY);
        assert_true(file >= 0 && pwrite(file, noise, sizeof noise, page * 4096) == (ssize_t)sizeof noise);
        (void)close(file);
    }
    mewl_status status = mewl_store_open(&store, folder, (mewl_store_opts){0}, &err);
    if (status == MEWL_OK) {
        status = mewl_store_check(store, &err);
        mewl_store_close(store);
    }
    assert_int_equal(status, MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "damaged"));
}

static mewl_status count_teeth(void *user, const mewl_store_entry *entry)
{
    *(size_t *)user += entry->kind == MEWL_STORE_ENTRY_NOTE && strcmp(entry->text, "teeth") == 0;
    return MEWL_OK;
}

static mewl_status count_not_compared(void *user, const mewl_store_entry *entry)
{
    size_t *count = user;
    *count +=
        entry->kind == MEWL_STORE_ENTRY_LEARNING && isnan(entry->p_value) && strstr(entry->text, "not compared") != NULL
            ? 1
            : 0;
    return MEWL_OK;
}

/* A file of each earlier form, with a row where there are tables, is brought up to date and keeps its rows. */
static void older_stores_are_brought_up_to_date(void **state)
{
    for (int version = 0; version < MEWL_STORE_VERSION; version++) {
        char name[32], text[128];
        mewl_store_infant infant = {0};
        (void)snprintf(name, sizeof name, "v%d", version);
        const char *folder = scratch_path(*state, name);
        assert_int_equal(mkdir(folder, 0700), 0);
        (void)snprintf(name, sizeof name, "v%d/" MEWL_STORE_FILE, version);
        const char *path = scratch_path(*state, name);
        for (int v = 1; v <= version; v++) {
            execute(path, mewl__schema_step(v));
        }
        if (version > 0) {
            (void)snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d", MEWL__SCHEMA_ID,
                           version);
            execute(path, text);
            execute(path,
                    "INSERT INTO infants(name, born_ms, sex, alarm_days, created_ms) VALUES ('Ida', 1, 'f', 30, 2)");
        }
        if (version > 1) {
            execute(path, "INSERT INTO timeline(infant_id, time_ms, kind, recordings, gate, learned, held_apart, text) "
                          "VALUES (1, 3, 'note', 0, 0, 0, 0, 'teeth')");
        }
        if (version > 1) { /* what could not be compared was written down as usual once */
            execute(path, "INSERT INTO timeline(infant_id, time_ms, kind, recordings, gate, learned, held_apart, "
                          "p_value, calibration, text) VALUES (1, 5, 'usual', 1, 0, 1, 0, 1, 'none', 'as usual')");
        }
        mewl_store *store = open_store(folder);
        if (version > 0) {
            assert_done(mewl_store_infant_find(store, &infant, "Ida", E));
            assert_true(infant.born_ms == 1 && infant.created_ms == 2 && infant.keep_clips && infant.clips_bytes > 0);
        } else {
            infant.id = add_infant(store, "Ida");
        }
        size_t notes = 0;
        mewl_store_entry said = {.infant_id = infant.id, .kind = MEWL_STORE_ENTRY_ACCEPTED};
        assert_done(mewl_store_entry_each(store, infant.id, 3, 4, count_teeth, &notes, E));
        assert_int_equal(notes, version > 1);
        size_t not_compared = 0;
        assert_done(mewl_store_entry_each(store, infant.id, 5, 6, count_not_compared, &not_compared, E));
        assert_int_equal(not_compared, version > 1);
        assert_done(mewl_store_entry_put(store, &said, E));
        mewl_store_recording r = a_recording(infant.id, FIRST_MS, 1);
        mewl_store_measure measure = {.name = "f0_median_hz", .value = 450.0};
        assert_done(mewl_store_recording_add(store, &r, E));
        assert_done(mewl_store_measures_put(store, r.id, &measure, 1, E));
        assert_done(mewl_store_check(store, E));
        mewl_store_close(store);
        store = open_store(folder);
        assert_done(mewl_store_recording_find(store, &r, infant.id, r.hash, E));
        mewl_store_close(store);
    }
    assert_null(mewl__schema_step(0));
    assert_null(mewl__schema_step(MEWL_STORE_VERSION + 1));
}

static void transactions_are_whole(void **state)
{
    mewl_error err = {0};
    mewl_store *store = open_store(scratch_folder(*state));
    mewl_store_infant infant;
    assert_int_equal(mewl_store_commit(store, &err), MEWL_E_STATE);
    mewl_store_rollback(store);
    assert_done(mewl_store_begin(store, E));
    assert_int_equal(mewl_store_begin(store, &err), MEWL_E_STATE);
    assert_int_equal(mewl_store_scrub(store, &err), MEWL_E_STATE);
    (void)add_infant(store, "Ida");
    mewl_store_rollback(store);
    assert_int_equal(mewl_store_infant_find(store, &infant, "Ida", &err), MEWL_E_NOT_FOUND);
    assert_done(mewl_store_begin(store, E));
    (void)add_infant(store, "Ida");
    mewl_store_close(store); /* rolls back */
    store = open_store(scratch_folder(*state));
    assert_int_equal(mewl_store_infant_find(store, &infant, "Ida", &err), MEWL_E_NOT_FOUND);
    assert_done(mewl_store_begin(store, E));
    (void)add_infant(store, "Ida");
    assert_done(mewl_store_commit(store, E));
    mewl_store_close(store);
    store = open_store(scratch_folder(*state));
    assert_done(mewl_store_infant_find(store, &infant, "Ida", E));
    mewl_store_close(store);
}

/* Adds recordings until one is refused; returns how many were acknowledged. */
static uint64_t add_until_refused(mewl_store *store, int64_t id, mewl_error *err)
{
    uint64_t count = 0;
    for (;;) {
        mewl_store_recording r = a_recording(id, FIRST_MS + (int64_t)count * 7200000, count);
        if (count == 100000 || mewl_store_recording_add(store, &r, err) != MEWL_OK) {
            return count;
        }
        count++;
    }
}

static mewl_status count_one(void *user, const mewl_store_recording *recording)
{
    (void)recording;
    ++*(uint64_t *)user;
    return MEWL_OK;
}

static void expect_recordings(const char *folder, uint64_t expected)
{
    mewl_store *store = open_store(folder);
    mewl_store_infant infant;
    uint64_t count = 0;
    assert_done(mewl_store_infant_find(store, &infant, "Ida", E));
    assert_done(mewl_store_recording_each(store, infant.id, INT64_MIN, INT64_MAX, count_one, &count, E));
    assert_int_equal(count, expected);
    assert_done(mewl_store_check(store, E));
    mewl_store_close(store);
}

static void a_full_database_keeps_what_it_has(void **state)
{
    mewl_error err = {0};
    mewl_store *store = NULL;
    assert_int_equal(open_status(scratch_path(*state, "small"), (mewl_store_opts){.max_pages = 5}, &err), MEWL_E_IO);
    assert_non_null(strstr(err.text, "disk is full"));
    assert_done(mewl_store_open(&store, scratch_folder(*state), (mewl_store_opts){.max_pages = 75}, E));
    const int64_t id = add_infant(store, "Ida");
    const uint64_t kept = add_until_refused(store, id, &err);
    assert_int_equal(err.status, MEWL_E_IO);
    assert_non_null(strstr(err.text, "disk is full; nothing of this was kept"));
    assert_true(kept > 5 && kept < 100000);
    mewl_store_close(store);
    expect_recordings(scratch_folder(*state), kept);
}

/* In a child: files may not grow beyond a limit, as on a full disk but for the error's number. */
static void a_full_disk_keeps_what_it_has(void **state)
{
    const char *folder = scratch_folder(*state);
    int pipes[2];
    mewl_store_close(open_store(folder));
    assert_int_equal(pipe(pipes), 0);
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {500000, 500000};
        mewl_error err = {0};
        mewl_store *store = NULL;
        mewl_store_infant infant = an_infant("Ida");
        int64_t id = 0;
        (void)signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
            mewl_store_open(&store, folder, (mewl_store_opts){0}, &err) != MEWL_OK ||
            mewl_store_infant_add(store, &id, &infant, &err) != MEWL_OK) {
            _exit(2);
        }
        const uint64_t kept = add_until_refused(store, id, &err);
        const bool told = err.status == MEWL_E_IO && strstr(err.text, "othing of this was kept") != NULL;
        (void)!write(pipes[1], &kept, sizeof kept);
        _exit(told && kept > 5 && kept < 100000 ? 0 : 3); /* without closing: what is kept does not wait for that */
    }
    uint64_t kept = 0;
    int status = 0;
    (void)close(pipes[1]);
    assert_int_equal(read(pipes[0], &kept, sizeof kept), sizeof kept);
    (void)close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    expect_recordings(folder, kept);
}

/* Rights do not bind root, so that a child gives its own up. */
static void read_only_folders_are_told(void **state)
{
    const char *folder = scratch_folder(*state), *inner = scratch_path(*state, "new");
    mewl_store_close(open_store(folder));
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(chmod(scratch_path(*state, MEWL_STORE_FILE), 0644), 0);
    const pid_t child = fork();
    if (child == 0) {
        mewl_error err = {0};
        mewl_store *store = NULL;
        mewl_store_infant infant = an_infant("Ida");
        int64_t id = 0;
        if (geteuid() == 0 && setuid(65534) != 0) {
            _exit(2);
        }
        mewl_status status = mewl_store_open(&store, folder, (mewl_store_opts){0}, &err);
        status = status == MEWL_OK ? mewl_store_infant_add(store, &id, &infant, &err) : status;
        if (status != MEWL_E_PERMISSION || strstr(err.text, MEWL_STORE_FILE) == NULL) {
            _exit(3);
        }
        status = mewl_store_open(&store, inner, (mewl_store_opts){0}, &err);
        _exit(status == MEWL_E_PERMISSION && strstr(err.text, "new") != NULL ? 0 : 4);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_locked_store_is_told(void **state)
{
    mewl_error err = {0};
    mewl_store *one = open_store(scratch_folder(*state)), *two = NULL;
    assert_done(mewl_store_open(&two, scratch_folder(*state), (mewl_store_opts){.wait_ms = 20}, E));
    assert_done(mewl_store_begin(one, E));
    assert_int_equal(mewl_store_begin(two, &err), MEWL_E_TIMEOUT);
    assert_non_null(strstr(err.text, "another program"));
    (void)add_infant(one, "Ida");
    mewl_store_infant infant;
    assert_int_equal(mewl_store_infant_find(two, &infant, "Ida", &err), MEWL_E_NOT_FOUND); /* readers do not wait */
    assert_done(mewl_store_commit(one, E));
    assert_done(mewl_store_infant_find(two, &infant, "Ida", E));
    mewl_store_close(one);
    mewl_store_close(two);
}

/* Two programs add at the same time, one of them from an empty folder on: both make the schema, every row is kept. */
static void two_programs_write_at_once(void **state)
{
    const char *folder = scratch_folder(*state);
    pid_t child[2];
    for (int which = 0; which < 2; which++) {
        child[which] = fork();
        if (child[which] == 0) {
            mewl_store *store = NULL;
            mewl_store_infant infant = an_infant(which == 0 ? "Ida" : "Otto");
            int64_t id = 0;
            if (mewl_store_open(&store, folder, (mewl_store_opts){.wait_ms = 20000}, NULL) != MEWL_OK ||
                mewl_store_infant_add(store, &id, &infant, NULL) != MEWL_OK) {
                _exit(2);
            }
            for (uint64_t i = 0; i < 20; i++) {
                mewl_store_recording r = a_recording(id, FIRST_MS + (int64_t)i * HOUR_MS * 3, i);
                if (mewl_store_recording_add(store, &r, NULL) != MEWL_OK) {
                    _exit(3);
                }
            }
            mewl_store_close(store);
            _exit(0);
        }
    }
    for (int which = 0; which < 2; which++) {
        int status = 0;
        assert_int_equal(waitpid(child[which], &status, 0), child[which]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    expect_recordings(folder, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(what_is_made_is_private),
                                       TEST(only_stores_are_opened),
                                       TEST(damage_is_found),
                                       TEST(older_stores_are_brought_up_to_date),
                                       TEST(transactions_are_whole),
                                       TEST(a_full_database_keeps_what_it_has),
                                       TEST(a_full_disk_keeps_what_it_has),
                                       TEST(read_only_folders_are_told),
                                       TEST(a_locked_store_is_told),
                                       TEST(two_programs_write_at_once)};
    return cmocka_run_group_tests_name("store/store", tests, NULL, NULL);
}
