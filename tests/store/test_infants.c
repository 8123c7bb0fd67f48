/* Infants: adding, finding, changing, erasing every trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "base/file.h"
#include "furnish.h"

static void an_infant_comes_back_as_it_went_in(void **state)
{
    mewl_store *store = open_store(scratch_folder(*state));
    mewl_store_infant in = an_infant("Zoë"), out;
    in.sex = 'x';
    in.alarm_days = 7.5;
    in.keep_clips = false;
    int64_t id = 0;
    assert_done(mewl_store_infant_add(store, &id, &in, E));
    mewl_store_close(store);
    store = open_store(scratch_folder(*state));
    assert_done(mewl_store_infant_find(store, &out, "zOë", E));
    in.id = id;
    assert_string_equal(out.name, in.name);
    assert_int_equal(out.id, id);
    assert_int_equal(out.born_ms, in.born_ms);
    assert_int_equal(out.sex, 'x');
    assert_true(out.alarm_days == 7.5 && !out.keep_clips && out.clips_bytes == 1000000);
    out.alarm_days = 90;
    (void)strcpy(out.name, "Zoe");
    assert_done(mewl_store_infant_update(store, &out, E));
    assert_done(mewl_store_infant_find(store, &in, "Zoe", E));
    assert_true(in.alarm_days == 90 && in.id == id);
    mewl_store_close(store);
}

static void what_is_no_infant_is_refused(void **state)
{
    mewl_store *store = open_store(scratch_folder(*state));
    mewl_error err = {0};
    mewl_store_infant infant = an_infant("Ida");
    int64_t id = 0;
    assert_int_equal(mewl_store_infant_find(store, &infant, "Ida", &err), MEWL_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "no other yet"));
    infant = an_infant("Ida");
    assert_done(mewl_store_infant_add(store, &id, &infant, E));
    assert_int_equal(mewl_store_infant_add(store, &id, &infant, &err), MEWL_E_STATE);
    assert_non_null(strstr(err.text, "Ida already"));
    assert_int_equal(mewl_store_infant_find(store, &infant, "Otto", &err), MEWL_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "there is Ida"));
    static const struct {
        const char *name;
        char sex;
        double alarm_days;
    } bad[] = {{"", 'f', 30}, {"a\nb", 'f', 30}, {"a", 'q', 30}, {"a", '\0', 30}, {"a", 'f', 0}, {"a", 'f', NAN}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        infant = an_infant(bad[i].name);
        infant.sex = bad[i].sex;
        infant.alarm_days = bad[i].alarm_days;
        assert_int_equal(mewl_store_infant_add(store, &id, &infant, &err), MEWL_E_ARG);
    }
    infant = an_infant("b");
    memset(infant.name, 'b', sizeof infant.name); /* without an end */
    assert_int_equal(mewl_store_infant_add(store, &id, &infant, &err), MEWL_E_ARG);
    infant = an_infant("Otto");
    infant.id = id + 77;
    assert_int_equal(mewl_store_infant_update(store, &infant, &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_store_infant_delete(store, id + 77, &err), MEWL_E_NOT_FOUND);
    for (int i = 0; i < 60; i++) { /* a list that is cut */
        (void)snprintf(infant.name, sizeof infant.name, "infant number %d", i);
        assert_done(mewl_store_infant_add(store, &id, &infant, E));
    }
    assert_int_equal(mewl_store_infant_find(store, &infant, "nobody", &err), MEWL_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "and more"));
    mewl_store_close(store);
}

static mewl_status stop_at_second(void *user, const mewl_store_infant *infant)
{
    (void)infant;
    return ++*(int *)user == 2 ? MEWL_E_CANCELLED : MEWL_OK;
}

static void reading_can_be_ended(void **state)
{
    mewl_store *store = open_store(scratch_folder(*state));
    int count = 0;
    (void)add_infant(store, "a");
    (void)add_infant(store, "b");
    (void)add_infant(store, "c");
    assert_int_equal(mewl_store_infant_each(store, stop_at_second, &count, NULL), MEWL_E_CANCELLED);
    assert_int_equal(count, 2);
    mewl_store_close(store);
}

/* Everything that an infant can have. */
static void fill(mewl_store *store, int64_t id, const char *secret)
{
    const float values[3] = {1, 2, 3};
    int64_t source = 0;
    mewl_store_model model = a_model('a', 3);
    mewl_store_personal personal = {.infant_id = id, .kind = "knn", .made_ms = FIRST_MS};
    mewl_store_recording r = a_recording(id, FIRST_MS, 1);
    mewl_store_measure measure = {.name = "f0_median_hz", .value = 450.0};
    mewl_store_entry entry = {
        .infant_id = id, .time_ms = FIRST_MS, .kind = MEWL_STORE_ENTRY_NOTE, .p_value = (double)NAN};
    mewl_store_alert alert = {.infant_id = id, .kind = "unusual", .p_value = 0.01, .alarm_days = 30};
    mewl_store_coverage coverage = {.infant_id = id, .from_ms = FIRST_MS, .to_ms = FIRST_MS + 1000, .heard_s = 1};
    assert_done(mewl_store_source(store, &source, "kitchen", FIRST_MS, E));
    assert_done(mewl_store_model_put(store, &model, E));
    personal.model_id = model.id;
    r.source_id = coverage.source_id = source;
    (void)snprintf(r.file, sizeof r.file, "%s.wav", secret);
    (void)snprintf(entry.text, sizeof entry.text, "%s", secret);
    (void)snprintf(alert.text, sizeof alert.text, "%s", secret);
    assert_done(mewl_store_recording_add(store, &r, E));
    assert_done(mewl_store_measures_put(store, r.id, &measure, 1, E));
    assert_done(mewl_store_embedding_put(store, r.id, model.id, values, 3, E));
    assert_done(mewl_store_personal_put(store, &personal, secret, strlen(secret), E));
    mewl_store_score score = {.recording_id = r.id, .kind = "knn", .model_id = model.id, .personal_id = personal.id};
    assert_done(mewl_store_score_put(store, &score, E));
    assert_done(mewl_store_entry_put(store, &entry, E));
    entry.kind = MEWL_STORE_ENTRY_UNUSUAL;
    entry.session_id = alert.session_id = r.session_id;
    assert_done(mewl_store_entry_put(store, &entry, E));
    assert_done(mewl_store_alert_add(store, &alert, E));
    assert_done(mewl_store_coverage_add(store, &coverage, E));
}

static int64_t count_rows(const char *path, const char *table)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    char sql[96];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const int64_t count = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return count;
}

static bool file_holds(const char *path, const char *text)
{
    char *data = NULL;
    size_t bytes = 0;
    if (mewl_file_read_all(&data, &bytes, path, 1 << 26, NULL) != MEWL_OK) {
        return false;
    }
    const bool there = memmem(data, bytes, text, strlen(text)) != NULL;
    free(data);
    return there;
}

static void deletion_leaves_nothing(void **state)
{
    static const char secret[] = "a-secret-of-the-family";
    static const char *const tables[] = {"sessions", "recordings", "embeddings", "measures", "personals",
                                         "scores",   "timeline",   "coverage",   "alerts"};
    mewl_store *store = open_store(scratch_folder(*state));
    const char *path = scratch_path(*state, MEWL_STORE_FILE), *log = scratch_path(*state, MEWL_STORE_FILE "-wal");
    const int64_t id = add_infant(store, "Ida"), other = add_infant(store, "Otto");
    fill(store, id, secret);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        assert_true(count_rows(path, tables[i]) > 0);
    }
    assert_true(file_holds(path, secret) || file_holds(log, secret));
    assert_done(mewl_store_infant_delete(store, id, E));
    assert_done(mewl_store_scrub(store, E));
    assert_false(file_holds(path, secret));
    assert_false(file_holds(log, secret));
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        assert_int_equal(count_rows(path, tables[i]), 0);
    }
    assert_int_equal(count_rows(path, "infants"), 1);
    assert_int_not_equal(add_infant(store, "Ida"), id); /* numbers are not used again */
    fill(store, other, "else");
    assert_done(mewl_store_check(store, E));
    mewl_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(an_infant_comes_back_as_it_went_in), TEST(what_is_no_infant_is_refused),
                                       TEST(reading_can_be_ended), TEST(deletion_leaves_nothing)};
    return cmocka_run_group_tests_name("store/infants", tests, NULL, NULL);
}
