/* Recordings, sessions, measures, embeddings, personal models: what goes in comes out, what does not fit is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "furnish.h"

static void a_recording_comes_back_as_it_went_in(void **state)
{
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    mewl_store_recording in = a_recording(id, FIRST_MS, 1), out;
    char source[MEWL_STORE_NAME_MAX];
    in.time_from = MEWL_STORE_TIME_FILE;
    in.role = MEWL_STORE_ENROLLED;
    in.usable = false;
    in.level_dbfs = -INFINITY;
    (void)strcpy(in.why, "too short");
    (void)strcpy(in.clip, "clips/1/x.flac");
    assert_done(mewl_store_source(store, &in.source_id, "nursery", FIRST_MS, E));
    assert_done(mewl_store_recording_add(store, &in, E));
    assert_done(mewl_store_recording_find(store, &out, id, in.hash, E));
    assert_true(out.id == in.id && out.session_id == in.session_id && out.source_id == in.source_id);
    assert_true(out.start_ms == FIRST_MS && out.duration_s == 5.0 && out.time_from == MEWL_STORE_TIME_FILE);
    assert_true(out.role == MEWL_STORE_ENROLLED && !out.usable && out.cry_s == 4.0 && out.confidence == 0.9);
    assert_true(isnan(out.snr_db) && isinf(out.level_dbfs) && out.clipped_share == 0.0);
    assert_string_equal(out.why, "too short");
    assert_string_equal(out.clip, "clips/1/x.flac");
    assert_string_equal(out.file, in.file);
    assert_done(mewl_store_source_name(store, source, out.source_id, E));
    assert_string_equal(source, "nursery");
    assert_done(mewl_store_recording_mark(store, out.id, MEWL_STORE_SCORED, "", E));
    assert_done(mewl_store_recording_find(store, &out, id, in.hash, E));
    assert_true(out.role == MEWL_STORE_SCORED && out.clip[0] == '\0');
    mewl_store_close(store);
}

static void what_is_no_recording_is_refused(void **state)
{
    mewl_error err = {0};
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    mewl_store_recording good = a_recording(id, FIRST_MS, 1), bad = good;
    assert_done(mewl_store_recording_add(store, &good, E));
    assert_int_equal(mewl_store_recording_add(store, &bad, &err), MEWL_E_STATE);
    assert_int_equal(bad.id, good.id);
    bad = a_recording(id + 9, FIRST_MS, 2);
    assert_int_equal(mewl_store_recording_add(store, &bad, &err), MEWL_E_NOT_FOUND);
    bad = a_recording(id, FIRST_MS, 2);
    bad.source_id = 99;
    assert_int_equal(mewl_store_recording_add(store, &bad, &err), MEWL_E_NOT_FOUND);
    bad.source_id = 0;
    bad.duration_s = (double)NAN;
    assert_int_equal(mewl_store_recording_add(store, &bad, &err), MEWL_E_ARG);
    bad.duration_s = 1;
    bad.hash[5] = 'G';
    assert_int_equal(mewl_store_recording_add(store, &bad, &err), MEWL_E_ARG);
    bad.hash[5] = '0';
    memset(bad.file, 'f', sizeof bad.file);
    assert_int_equal(mewl_store_recording_add(store, &bad, &err), MEWL_E_ARG);
    bad.file[0] = '\0';
    assert_int_equal(mewl_store_recording_add(store, &bad, &err), MEWL_E_ARG);
    assert_int_equal(mewl_store_recording_mark(store, 77, MEWL_STORE_SCORED, "", &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_store_source(store, &bad.source_id, "", FIRST_MS, &err), MEWL_E_ARG);
    assert_int_equal(mewl_store_recording_find(store, &bad, id, "00", &err), MEWL_E_NOT_FOUND);
    const mewl_store_measure nameless = {.value = 1};
    assert_int_equal(mewl_store_measures_put(store, good.id, &nameless, 1, &err), MEWL_E_ARG);
    mewl_store_session session;
    assert_int_equal(mewl_store_session_get(store, &session, 99, &err), MEWL_E_NOT_FOUND);
    mewl_store_close(store);
}

static mewl_status collect_session(void *user, const mewl_store_session *session)
{
    mewl_store_session **next = user;
    *(*next)++ = *session;
    return MEWL_OK;
}

static size_t sessions_of(mewl_store *store, int64_t id, mewl_store_session *list)
{
    mewl_store_session *next = list;
    assert_done(mewl_store_session_each(store, id, INT64_MIN, INT64_MAX, collect_session, &next, E));
    return (size_t)(next - list);
}

static void recordings_within_an_hour_are_one_session(void **state)
{
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida"), other = add_infant(store, "Otto");
    mewl_store_session list[16];
    static const int64_t minutes[] = {0, 59, 240, 125, 500};
    mewl_store_recording r[6];
    for (size_t i = 0; i < 5; i++) {
        r[i] = a_recording(id, FIRST_MS + minutes[i] * 60000, i);
        assert_done(mewl_store_recording_add(store, &r[i], E));
    }
    mewl_store_recording apart = a_recording(other, FIRST_MS, 0);
    assert_done(mewl_store_recording_add(store, &apart, E));
    assert_int_equal(sessions_of(store, id, list), 4);
    assert_int_equal(list[0].recordings, 2);
    assert_int_equal(list[0].end_ms, FIRST_MS + 59 * 60000 + 5000);
    /* One that joins 59 and 125 minutes: their sessions become the earlier one, with its scores, entries and alerts. */
    mewl_store_alert alert = {.infant_id = id, .session_id = r[3].session_id, .kind = "unusual", .p_value = 0.1};
    mewl_store_entry entry = {.infant_id = id, .session_id = r[3].session_id, .kind = MEWL_STORE_ENTRY_UNUSUAL};
    (void)strcpy(alert.text, "told");
    assert_done(mewl_store_alert_add(store, &alert, E));
    assert_done(mewl_store_entry_put(store, &entry, E));
    r[5] = a_recording(id, FIRST_MS + 100 * 60000, 5);
    assert_done(mewl_store_recording_add(store, &r[5], E));
    assert_int_equal(sessions_of(store, id, list), 3);
    assert_int_equal(list[0].recordings, 4);
    assert_int_equal(r[5].session_id, r[0].session_id);
    assert_int_equal(list[0].id, r[0].session_id);
    assert_int_equal(list[0].end_ms, FIRST_MS + 125 * 60000 + 5000);
    alert.session_id = r[0].session_id;
    const int64_t first_id = alert.id;
    assert_done(mewl_store_alert_add(store, &alert, E)); /* the same session and kind: it was told already */
    assert_int_equal(alert.id, first_id);
    assert_done(mewl_store_check(store, E));
    mewl_store_close(store);
}

/* Recordings in any order make the sessions that sorting them by time would make. */
static void sessions_do_not_depend_on_the_order(void **state)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        mewl_rng rng = mewl_rng_seeded(seed);
        char name[16];
        (void)snprintf(name, sizeof name, "s%d", (int)seed);
        mewl_store *store = open_store(scratch_path(*state, name));
        const int64_t id = add_infant(store, "Ida");
        enum { COUNT = 40 };
        size_t order[COUNT];
        int64_t times[COUNT];
        int64_t at = FIRST_MS;
        size_t expected = 0;
        for (size_t i = 0; i < COUNT; i++) {
            const int64_t step = (int64_t)mewl_rng_below(&rng, 100) * 60000;
            at += step + 5000;
            expected += i == 0 || step >= HOUR_MS;
            times[i] = at;
            order[i] = i;
        }
        mewl_rng_shuffle(&rng, order, COUNT);
        assert_done(mewl_store_begin(store, E));
        for (size_t i = 0; i < COUNT; i++) {
            mewl_store_recording r = a_recording(id, times[order[i]], order[i]);
            assert_done(mewl_store_recording_add(store, &r, E));
        }
        assert_done(mewl_store_commit(store, E));
        mewl_store_session list[COUNT];
        const size_t count = sessions_of(store, id, list);
        if (count != expected) {
            fail_msg("seed %d: %zu sessions, not %zu", (int)seed, count, expected);
        }
        for (size_t i = 1; i < count; i++) {
            assert_true(list[i].start_ms - list[i - 1].end_ms >= HOUR_MS);
        }
        mewl_store_close(store);
    }
}

static mewl_status collect_measure(void *user, int64_t recording_id, int64_t start_ms,
                                   const mewl_store_measure *measure)
{
    char *text = user;
    (void)recording_id;
    (void)snprintf(text + strlen(text), 256 - strlen(text), "%d %s %g;", (int)((start_ms - FIRST_MS) / 1000),
                   measure->name, measure->value);
    return MEWL_OK;
}

static void measures_go_with_their_recording(void **state)
{
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    char text[256] = "";
    for (uint64_t i = 0; i < 2; i++) {
        mewl_store_recording r = a_recording(id, FIRST_MS + 1000 * (int64_t)(1 - i), i);
        mewl_store_measure measures[] = {{"jitter", 0.5}, {"f0_median_hz", 400.0 + (double)i}, {"jitter", (double)NAN}};
        assert_done(mewl_store_recording_add(store, &r, E));
        assert_done(mewl_store_measures_put(store, r.id, measures, 3, E));
    }
    assert_done(mewl_store_measure_each(store, id, NULL, INT64_MIN, INT64_MAX, collect_measure, text, E));
    assert_string_equal(text, "0 f0_median_hz 401;0 jitter nan;1 f0_median_hz 400;1 jitter nan;");
    text[0] = '\0';
    assert_done(mewl_store_measure_each(store, id, "jitter", FIRST_MS, FIRST_MS + 1, collect_measure, text, E));
    assert_string_equal(text, "0 jitter nan;");
    mewl_store_close(store);
}

typedef struct sum {
    size_t count;
    float first;
    int64_t infant_id, session_id;
} sum;

static mewl_status add_embedding(void *user, const mewl_store_embedding *embedding)
{
    sum *s = user;
    s->count++;
    s->first += embedding->values[0];
    s->session_id = embedding->session_id;
    return MEWL_OK;
}

static mewl_status add_other(void *user, int64_t infant_id, const mewl_store_embedding *embedding)
{
    ((sum *)user)->infant_id = infant_id;
    return add_embedding(user, embedding);
}

static void embeddings_of_two_versions_never_meet(void **state)
{
    mewl_error err = {0};
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida"), other = add_infant(store, "Otto");
    mewl_store_model a = a_model('a', 2), b = a_model('b', 3), again = a_model('a', 2), wrong = a_model('a', 5);
    assert_done(mewl_store_model_put(store, &a, E));
    assert_done(mewl_store_model_put(store, &b, E));
    assert_done(mewl_store_model_put(store, &again, E));
    assert_true(again.id == a.id && a.id != b.id);
    assert_int_equal(mewl_store_model_put(store, &wrong, &err), MEWL_E_STATE);
    mewl_store_recording r = a_recording(id, FIRST_MS, 1), theirs = a_recording(other, FIRST_MS, 1);
    assert_done(mewl_store_recording_add(store, &r, E));
    assert_done(mewl_store_recording_add(store, &theirs, E));
    const float two[] = {1, 2}, three[] = {10, 20, 30}, changed[] = {5, 6}, odd[] = {1, INFINITY};
    assert_done(mewl_store_embedding_put(store, r.id, a.id, two, 2, E));
    assert_done(mewl_store_embedding_put(store, r.id, b.id, three, 3, E));
    assert_done(mewl_store_embedding_put(store, r.id, a.id, changed, 2, E));
    assert_done(mewl_store_embedding_put(store, theirs.id, a.id, two, 2, E));
    assert_int_equal(mewl_store_embedding_put(store, r.id, a.id, three, 3, &err), MEWL_E_SHAPE);
    assert_int_equal(mewl_store_embedding_put(store, r.id, a.id, odd, 2, &err), MEWL_E_ARG);
    assert_int_equal(mewl_store_embedding_put(store, r.id, 99, two, 2, &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_store_embedding_put(store, 99, a.id, two, 2, &err), MEWL_E_NOT_FOUND);
    sum s = {0};
    assert_done(mewl_store_embedding_each(store, id, a.id, INT64_MIN, INT64_MAX, add_embedding, &s, E));
    assert_true(s.count == 1 && s.first == 5.0f && s.session_id == r.session_id);
    s = (sum){0};
    assert_done(mewl_store_embedding_each(store, id, b.id, INT64_MIN, INT64_MAX, add_embedding, &s, E));
    assert_true(s.count == 1 && s.first == 10.0f);
    s = (sum){0};
    assert_done(mewl_store_embedding_others(store, id, a.id, add_other, &s, E));
    assert_true(s.count == 1 && s.first == 1.0f && s.infant_id == other);
    assert_int_equal(mewl_store_embedding_each(store, id, 99, 0, 1, add_embedding, &s, &err), MEWL_E_NOT_FOUND);
    mewl_store_close(store);
}

static void the_latest_personal_model_is_given(void **state)
{
    mewl_error err = {0};
    mewl_store *store = open_store(scratch_folder(*state));
    const int64_t id = add_infant(store, "Ida");
    mewl_store_model a = a_model('a', 2), b = a_model('b', 2);
    mewl_store_personal out, p = {.infant_id = id, .kind = "knn", .made_ms = FIRST_MS, .recordings = 4, .sessions = 2};
    void *data = NULL;
    size_t bytes = 0;
    assert_done(mewl_store_model_put(store, &a, E));
    assert_done(mewl_store_model_put(store, &b, E));
    p.model_id = a.id;
    for (int i = 0; i < 20; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "state %d", i);
        assert_done(mewl_store_personal_put(store, &p, text, strlen(text), E));
    }
    assert_done(mewl_store_personal_get(store, &out, &data, &bytes, id, a.id, "knn", E));
    assert_int_equal(bytes, strlen("state 19"));
    assert_memory_equal(data, "state 19", bytes);
    assert_true(out.id == p.id && out.recordings == 4 && out.sessions == 2);
    free(data);
    assert_int_equal(mewl_store_personal_get(store, &out, &data, &bytes, id, b.id, "knn", &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_store_personal_get(store, &out, &data, &bytes, id, a.id, "gmm", &err), MEWL_E_NOT_FOUND);
    assert_null(data);
    assert_int_equal(mewl_store_personal_put(store, &p, "", 0, &err), MEWL_E_ARG);
    assert_int_equal(mewl_store_personal_put(store, &p, "x", MEWL_STORE_BLOB_MAX + 1, &err), MEWL_E_ARG);
    p.infant_id = 99;
    assert_int_equal(mewl_store_personal_put(store, &p, "x", 1, &err), MEWL_E_NOT_FOUND);
    mewl_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_recording_comes_back_as_it_went_in),      TEST(what_is_no_recording_is_refused),
        TEST(recordings_within_an_hour_are_one_session), TEST(sessions_do_not_depend_on_the_order),
        TEST(measures_go_with_their_recording),          TEST(embeddings_of_two_versions_never_meet),
        TEST(the_latest_personal_model_is_given)};
    return cmocka_run_group_tests_name("store/recordings", tests, NULL, NULL);
}
