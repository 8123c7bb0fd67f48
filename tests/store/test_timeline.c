/* Scores, entries, coverage, alerts; and that reading a stretch of time walks an index, never a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "furnish.h"
#include "store/statement.h"

#define MINUTE_MS 60000

static mewl_status last_score(void *user, const mewl_store_score *score)
{
    *(mewl_store_score *)user = *score;
    return MEWL_OK;
}

static mewl_status count_scores(void *user, const mewl_store_score *score)
{
    (void)score;
    ++*(int *)user;
    return MEWL_OK;
}

static void scores_come_back(void **state)
{
    mewl_error err = {0};
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    mewl_store_model model = a_model('a', 2);
    mewl_store_recording r = a_recording(id, FIRST_MS, 1);
    assert_done(mewl_store_model_put(store, &model, E));
    assert_done(mewl_store_recording_add(store, &r, E));
    mewl_store_score out, in = {.recording_id = r.id, .kind = "knn", .model_id = model.id, .score = 2.5};
    for (int verdict = 0; verdict < 4; verdict++) {
        in.verdict = (mewl_store_verdict)verdict;
        in.p_value = verdict == 0 ? (double)NAN : 0.25 * verdict;
        assert_done(mewl_store_score_put(store, &in, E)); /* replaces */
        assert_done(mewl_store_score_each(store, id, FIRST_MS, FIRST_MS + 1, last_score, &out, E));
        assert_int_equal(out.verdict, verdict);
        assert_true(verdict == 0 ? isnan(out.p_value) : out.p_value == in.p_value);
        assert_true(out.recording_id == r.id && out.session_id == r.session_id && out.time_ms == FIRST_MS);
        assert_true(out.score == 2.5 && out.model_id == model.id && out.personal_id == 0);
        assert_string_equal(out.kind, "knn");
    }
    (void)strcpy(in.kind, "gmm");
    assert_done(mewl_store_score_put(store, &in, E));
    int count = 0;
    assert_done(mewl_store_score_each(store, id, FIRST_MS, FIRST_MS + 1, count_scores, &count, E));
    assert_int_equal(count, 2);
    in.p_value = 1.5;
    assert_int_equal(mewl_store_score_put(store, &in, &err), MEWL_E_ARG);
    in.p_value = 0.5;
    in.recording_id = 99;
    assert_int_equal(mewl_store_score_put(store, &in, &err), MEWL_E_NOT_FOUND);
    in.recording_id = r.id;
    in.verdict = (mewl_store_verdict)9;
    assert_int_equal(mewl_store_score_put(store, &in, &err), MEWL_E_ARG);
    assert_string_equal(mewl_store_verdict_name(MEWL_STORE_UNUSABLE), "unusable");
    assert_string_equal(mewl_store_verdict_name((mewl_store_verdict)9), "unknown");
    mewl_store_close(store);
}

typedef struct entries {
    mewl_store_entry list[8];
    size_t count;
} entries;

static mewl_status collect(void *user, const mewl_store_entry *entry)
{
    entries *all = user;
    all->list[all->count++] = *entry;
    return MEWL_OK;
}

static void a_session_has_one_entry(void **state)
{
    mewl_error err = {0};
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    mewl_store_recording r = a_recording(id, FIRST_MS, 1);
    assert_done(mewl_store_recording_add(store, &r, E));
    mewl_store_entry e = {.infant_id = id,
                          .time_ms = FIRST_MS,
                          .kind = MEWL_STORE_ENTRY_USUAL,
                          .session_id = r.session_id,
                          .recordings = 1,
                          .score = 1.0,
                          .p_value = 0.5,
                          .p_step = 0.025,
                          .calibration = "own",
                          .learned = true,
                          .channel = "log_f0",
                          .z = -1.5,
                          .gate = 6,
                          .evidence = (double)NAN,
                          .coverage = 0.75};
    assert_done(mewl_store_entry_put(store, &e, E));
    e.score = 2.0;
    e.recordings = 2;
    e.kind = MEWL_STORE_ENTRY_UNUSUAL; /* of one session still */
    assert_done(mewl_store_entry_put(store, &e, E));
    mewl_store_entry note = {.infant_id = id, .time_ms = FIRST_MS + 5, .kind = MEWL_STORE_ENTRY_NOTE, .text = "teeth"};
    assert_done(mewl_store_entry_put(store, &note, E));
    entries all = {.count = 0};
    assert_done(mewl_store_entry_each(store, id, FIRST_MS, FIRST_MS + 6, collect, &all, E));
    assert_int_equal(all.count, 2);
    assert_true(all.list[0].score == 2.0 && all.list[0].recordings == 2 && all.list[0].coverage == 0.75);
    assert_true(all.list[0].kind == MEWL_STORE_ENTRY_UNUSUAL && all.list[0].p_step == 0.025 && all.list[0].learned);
    assert_true(!all.list[0].held_apart && all.list[0].z == -1.5 && all.list[0].gate == 6);
    assert_string_equal(all.list[0].calibration, "own");
    assert_string_equal(all.list[0].channel, "log_f0");
    assert_true(isnan(all.list[0].evidence) && all.list[0].session_id == r.session_id);
    assert_string_equal(all.list[1].text, "teeth");
    assert_int_equal(all.list[1].session_id, 0);
    all.count = 0;
    assert_done(mewl_store_entry_each(store, id, FIRST_MS + 1, FIRST_MS + 5, collect, &all, E));
    assert_int_equal(all.count, 0); /* half open */
    e.session_id = 0;
    assert_int_equal(mewl_store_entry_put(store, &e, &err), MEWL_E_ARG);
    note.infant_id = 99;
    assert_int_equal(mewl_store_entry_put(store, &note, &err), MEWL_E_NOT_FOUND);
    note.infant_id = id;
    note.p_value = -0.1;
    assert_int_equal(mewl_store_entry_put(store, &note, &err), MEWL_E_ARG);
    assert_string_equal(mewl_store_entry_name(MEWL_STORE_ENTRY_DEVICE), "device");
    mewl_store_close(store);
}

static void listening_is_counted_once(void **state)
{
    mewl_error err = {0};
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    int64_t kitchen = 0;
    assert_done(mewl_store_source(store, &kitchen, "kitchen", FIRST_MS, E));
    /* From, to, heard, all in minutes from FIRST_MS; the second microphone's overlap counts once. */
    static const int rows[][4] = {
        {0, 60, 60, 0}, {30, 90, 60, 1}, {120, 180, 30, 0}, {130, 140, 10, 1}, {120, 180, 30, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const mewl_store_coverage c = {.infant_id = id,
                                       .source_id = rows[i][3] != 0 ? kitchen : 0,
                                       .from_ms = FIRST_MS + rows[i][0] * MINUTE_MS,
                                       .to_ms = FIRST_MS + rows[i][1] * MINUTE_MS,
                                       .heard_s = rows[i][2] * 60};
        assert_done(mewl_store_coverage_add(store, &c, E));
    }
    static const int sums[][3] = {{0, 200, 120},  {0, 60, 60},   {60, 120, 30},
                                  {150, 200, 15}, {-50, 10, 10}, {90, 120, 0}};
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        double heard_s = -1;
        assert_done(mewl_store_coverage_sum(store, &heard_s, id, FIRST_MS + sums[i][0] * MINUTE_MS,
                                            FIRST_MS + sums[i][1] * MINUTE_MS, E));
        if (fabs(heard_s - sums[i][2] * 60) > 1e-6) {
            fail_msg("row %zu: %g s", i, heard_s);
        }
    }
    mewl_store_coverage bad = {.infant_id = id, .from_ms = 10, .to_ms = 5};
    assert_int_equal(mewl_store_coverage_add(store, &bad, &err), MEWL_E_ARG);
    bad.to_ms = 1010;
    bad.heard_s = 1.5;
    assert_int_equal(mewl_store_coverage_add(store, &bad, &err), MEWL_E_ARG);
    bad.heard_s = 1;
    bad.infant_id = 99;
    assert_int_equal(mewl_store_coverage_add(store, &bad, &err), MEWL_E_NOT_FOUND);
    mewl_store_close(store);
}

static mewl_status seen_count(void *user, const mewl_store_alert *alert)
{
    int *counts = user;
    counts[alert->seen_ms != 0]++;
    return MEWL_OK;
}

static void alerts_are_told_once_and_seen(void **state)
{
    mewl_error err = {0};
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    int counts[2] = {0};
    mewl_store_recording r = a_recording(id, FIRST_MS, 1);
    mewl_store_alert alert = {.infant_id = id, .time_ms = FIRST_MS, .told_ms = FIRST_MS, .kind = "unusual"};
    (void)strcpy(alert.text, "unlike other days");
    assert_done(mewl_store_recording_add(store, &r, E));
    alert.session_id = r.session_id;
    assert_done(mewl_store_alert_add(store, &alert, E));
    assert_done(mewl_store_alert_add(store, &alert, E));
    alert.session_id = 0; /* without a session each counts */
    assert_done(mewl_store_alert_add(store, &alert, E));
    assert_done(mewl_store_alert_add(store, &alert, E));
    assert_done(mewl_store_alert_each(store, id, 0, INT64_MAX, seen_count, counts, E));
    assert_true(counts[0] == 3 && counts[1] == 0);
    assert_done(mewl_store_alert_seen(store, id, FIRST_MS + 9, E));
    assert_done(mewl_store_alert_each(store, id, 0, INT64_MAX, seen_count, counts, E));
    assert_true(counts[0] == 3 && counts[1] == 3);
    alert.text[0] = '\0';
    assert_int_equal(mewl_store_alert_add(store, &alert, &err), MEWL_E_ARG);
    mewl_store_close(store);
}

/* Scores and entries can be made anew; notes and what waits to be scored are seen. */
static void the_timeline_can_be_made_anew(void **state)
{
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    int64_t count = 0, first_ms = 0, session = 0;
    mewl_store_model model = a_model('a', 2), other = a_model('b', 2);
    mewl_store_recording r[3];
    assert_done(mewl_store_model_put(store, &model, E));
    assert_done(mewl_store_model_put(store, &other, E));
    for (size_t i = 0; i < 3; i++) {
        r[i] = a_recording(id, FIRST_MS + (int64_t)i * DAY_MS, i);
        assert_done(mewl_store_recording_add(store, &r[i], E));
        assert_done(mewl_store_embedding_put(store, r[i].id, model.id, (const float[]){1, 2}, 2, E));
    }
    mewl_store_score score = {.recording_id = r[0].id, .kind = "knn", .model_id = model.id};
    mewl_store_entry entry = {.infant_id = id, .kind = MEWL_STORE_ENTRY_USUAL, .session_id = r[0].session_id};
    mewl_store_entry note = {.infant_id = id, .kind = MEWL_STORE_ENTRY_NOTE, .text = "teeth"};
    assert_done(mewl_store_score_put(store, &score, E));
    assert_done(mewl_store_entry_put(store, &entry, E));
    assert_done(mewl_store_entry_put(store, &note, E));
    for (mewl_store_entry_kind kind = MEWL_STORE_ENTRY_CHANGE; kind <= MEWL_STORE_ENTRY_DISMISSED; kind++) {
        mewl_store_entry other_kind = {.infant_id = id, .kind = kind};
        assert_done(mewl_store_entry_put(store, &other_kind, E));
    }
    assert_done(mewl_store_unscored(store, &count, &first_ms, id, model.id, "knn", E));
    assert_true(count == 2 && first_ms == FIRST_MS + DAY_MS);
    assert_done(mewl_store_unscored(store, &count, &first_ms, id, other.id, "knn", E));
    assert_int_equal(count, 0); /* no embedding by it */
    assert_done(mewl_store_timeline_clear(store, id, E));
    assert_done(mewl_store_unscored(store, &count, &first_ms, id, model.id, "knn", E));
    assert_int_equal(count, 3);
    entries all = {.count = 0};
    assert_done(mewl_store_entry_each(store, id, INT64_MIN, INT64_MAX, collect, &all, E));
    assert_int_equal(all.count, 3); /* what people said */
    assert_string_equal(all.list[0].text, "teeth");
    assert_int_equal(all.list[1].kind, MEWL_STORE_ENTRY_ACCEPTED);
    assert_int_equal(all.list[2].kind, MEWL_STORE_ENTRY_DISMISSED);
    assert_done(mewl_store_session_at(store, &session, id, FIRST_MS, E));
    assert_int_equal(session, r[0].session_id);
    assert_int_equal(mewl_store_session_at(store, &session, id, FIRST_MS + 1, NULL), MEWL_E_NOT_FOUND);
    mewl_store_close(store);
}

static mewl_status ignore_entry(void *user, const mewl_store_entry *entry)
{
    (void)user;
    (void)entry;
    return MEWL_OK;
}

static mewl_status ignore_coverage(void *user, const mewl_store_coverage *coverage)
{
    (void)user;
    (void)coverage;
    return MEWL_OK;
}

static mewl_status ignore_recording(void *user, const mewl_store_recording *recording)
{
    (void)user;
    (void)recording;
    return MEWL_OK;
}

static mewl_status ignore_session(void *user, const mewl_store_session *session)
{
    (void)user;
    (void)session;
    return MEWL_OK;
}

static mewl_status ignore_embedding(void *user, const mewl_store_embedding *embedding)
{
    (void)user;
    (void)embedding;
    return MEWL_OK;
}

/* Every statement that the room has prepared is explained: none reads a table of recordings, scores or entries from end
 * to end. Those that may: the few infants, sources and models. */
static void reading_walks_an_index(void **state)
{
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    int count = 0, explained = 0;
    mewl_store_model model = a_model('a', 2);
    mewl_store_recording r = a_recording(id, FIRST_MS, 1), joined = a_recording(id, FIRST_MS + HOUR_MS, 2);
    mewl_store_alert alert = {.infant_id = id, .kind = "unusual", .text = "told"};
    mewl_store_coverage c = {.infant_id = id, .from_ms = FIRST_MS, .to_ms = FIRST_MS + 1000};
    mewl_store_personal personal = {.infant_id = id, .kind = "knn"};
    void *data = NULL;
    size_t bytes = 0;
    assert_done(mewl_store_model_put(store, &model, E));
    assert_done(mewl_store_recording_add(store, &r, E));
    assert_done(mewl_store_recording_add(store, &joined, E));
    r = a_recording(id, FIRST_MS + 3 * HOUR_MS, 3);
    assert_done(mewl_store_recording_add(store, &r, E));
    r = a_recording(id, FIRST_MS + 2 * HOUR_MS + 5000, 4); /* joins two sessions */
    assert_done(mewl_store_recording_add(store, &r, E));
    assert_done(mewl_store_embedding_put(store, r.id, model.id, (const float[]){1, 2}, 2, E));
    mewl_store_score score = {.recording_id = r.id, .kind = "knn"};
    mewl_store_entry entry = {.infant_id = id, .kind = MEWL_STORE_ENTRY_USUAL, .session_id = r.session_id};
    personal.model_id = model.id;
    assert_done(mewl_store_personal_put(store, &personal, "x", 1, E));
    assert_done(mewl_store_personal_get(store, &personal, &data, &bytes, id, model.id, "knn", E));
    free(data);
    assert_done(mewl_store_score_put(store, &score, E));
    assert_done(mewl_store_entry_put(store, &entry, E));
    assert_done(mewl_store_alert_add(store, &alert, E));
    assert_done(mewl_store_alert_seen(store, id, 1, E));
    assert_done(mewl_store_coverage_add(store, &c, E));
    assert_done(mewl_store_score_each(store, id, 0, 1, count_scores, &count, E));
    assert_done(mewl_store_entry_each(store, id, 0, 1, ignore_entry, NULL, E));
    assert_done(mewl_store_coverage_each(store, id, 0, 1, ignore_coverage, NULL, E));
    assert_done(mewl_store_recording_each(store, id, 0, 1, ignore_recording, NULL, E));
    assert_done(mewl_store_session_each(store, id, 0, 1, ignore_session, NULL, E));
    assert_done(mewl_store_embedding_each(store, id, model.id, 0, 1, ignore_embedding, NULL, E));
    assert_done(mewl_store_recording_find(store, &r, id, r.hash, E));
    int64_t number = 0, first_ms = 0;
    assert_done(mewl_store_unscored(store, &number, &first_ms, id, model.id, "knn", E));
    assert_done(mewl_store_session_at(store, &number, id, FIRST_MS, E));
    assert_done(mewl_store_timeline_clear(store, id, E));
    for (size_t i = 0; i < store->statements; i++) {
        char sql[2048];
        sqlite3_stmt *plan = NULL;
        const char *text = store->statement[i].sql;
        if (strncmp(text, "BEGIN", 5) == 0 || strncmp(text, "COMMIT", 6) == 0 || strncmp(text, "PRAGMA", 6) == 0) {
            continue;
        }
        (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", text);
        assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &plan, NULL), SQLITE_OK);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(plan, 3);
            explained++;
            if (strncmp(step, "SCAN ", 5) == 0 && strstr(step, "SCAN (subquery") == NULL &&
                strstr(step, "SCAN infants") == NULL && strstr(step, "SCAN models") == NULL &&
                strstr(step, "SCAN CONSTANT") == NULL && strstr(step, "SCAN o") == NULL) {
                fail_msg("%s: %s", text, step);
            }
            if (strstr(text, "ORDER BY") != NULL && strstr(text, "FROM timeline") != NULL &&
                strstr(step, "TEMP B-TREE") != NULL) {
                fail_msg("%s: sorts: %s", text, step);
            }
        }
        (void)sqlite3_finalize(plan);
    }
    assert_true(explained > 20);
    mewl_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(scores_come_back),
                                       TEST(a_session_has_one_entry),
                                       TEST(listening_is_counted_once),
                                       TEST(alerts_are_told_once_and_seen),
                                       TEST(the_timeline_can_be_made_anew),
                                       TEST(reading_walks_an_index)};
    return cmocka_run_group_tests_name("store/timeline", tests, NULL, NULL);
}
