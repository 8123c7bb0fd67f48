/* Sessions: the same events whatever the cut, rate and channels as they come, gaps, silence, the end. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "hear/session.h"
#include "little_model.h"

#define EVENTS_MAX 2048
#define SCORES_MAX 8192

typedef struct record {
    mewl_session_event events[EVENTS_MAX];
    size_t count;
    float scores[SCORES_MAX];
    size_t score_count;
    double first_s[64]; /* where unbroken rows of scores began */
    size_t rows;
    double next_s;
    size_t sound;
} record;

static void on_event(void *user, const mewl_session_event *event)
{
    record *r = user;
    assert_true(r->count < EVENTS_MAX);
    r->events[r->count++] = *event;
}

static void on_scores(void *user, double first_s, const float *confidences, size_t count)
{
    record *r = user;
    assert_true(r->score_count + count <= SCORES_MAX);
    if (r->score_count == 0 || fabs(first_s - r->next_s) > 1e-6) {
        assert_true(r->rows < 64);
        r->first_s[r->rows++] = first_s;
    }
    memcpy(r->scores + r->score_count, confidences, count * sizeof *confidences);
    r->score_count += count;
    r->next_s = first_s + 0.08 * (double)count;
}

static void on_sound(void *user, const float *samples, size_t count)
{
    record *r = user;
    for (size_t i = 0; i < count; i++) {
        assert_true(isfinite(samples[i]));
    }
    r->sound += count;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static mewl_session *open_on(mewl_model *model, double rate_hz, int channels, double chunk_s, float threshold,
                             record *r)
{
    mewl_session_opts opts = {.rate_hz = rate_hz, .channels = channels, .chunk_s = chunk_s};
    mewl_session *session;
    mewl_error err = {0};
    assert_int_equal(mewl_session_episode_opts(&opts.episodes, model, &err), MEWL_OK);
    opts.episodes.threshold = threshold;
    opts.episodes.hysteresis = 0.01f;
    opts.episodes.background_s = 0.0;
    opts.episodes.min_s = 0.08;
    opts.episodes.merge_gap_s = 0.1;
    memset(r, 0, sizeof *r);
    mewl_session_sink sink = {on_event, on_scores, on_sound, r};
    if (mewl_session_open(&session, model, opts, sink, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    return session;
}

/* A threshold that a random network passes about half the time. */
static float middle_score(mewl_model *model, const float *sound, size_t frames, double rate_hz, int channels)
{
    static record r;
    mewl_session *session = open_on(model, rate_hz, channels, 20.0, 0.5f, &r);
    assert_int_equal(mewl_session_push(session, sound, frames, NULL), MEWL_OK);
    assert_int_equal(mewl_session_finish(session, NULL), MEWL_OK);
    mewl_session_close(session);
    assert_true(r.score_count > 0);
    qsort(r.scores, r.score_count, sizeof *r.scores, by_value);
    return r.scores[r.score_count / 2];
}

static size_t count_kind(const record *r, mewl_session_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        count += r->events[i].kind == kind;
    }
    return count;
}

static void test_any_cut(void **state)
{
    (void)state;
    static record whole, cut;
    static const struct {
        double rate_hz;
        int channels;
    } forms[] = {{16000, 1}, {44100, 2}, {8000, 1}, {48000, 6}};
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        double rate_hz = forms[f].rate_hz;
        int channels = forms[f].channels;
        size_t frames = (size_t)(20.3 * rate_hz);
        mewl_model *model = little_model(3);
        assert_non_null(model);
        float *sound = little_sound(frames, channels, rate_hz, 40 + f);
        float threshold = middle_score(model, sound, frames, rate_hz, channels);
        mewl_session *session = open_on(model, rate_hz, channels, 5.0, threshold, &whole);
        assert_int_equal(mewl_session_push(session, sound, frames, NULL), MEWL_OK);
        assert_int_equal(mewl_session_finish(session, NULL), MEWL_OK);
        assert_float_equal(mewl_session_time_s(session), (double)frames / rate_hz, 1e-9);
        mewl_session_close(session);
        assert_true(count_kind(&whole, MEWL_SESSION_END) >= 2);
        assert_int_equal(count_kind(&whole, MEWL_SESSION_START), count_kind(&whole, MEWL_SESSION_END));
        assert_int_equal(whole.sound, (size_t)ceil((double)frames * 16000.0 / rate_hz));
        assert_int_equal(whole.rows, 1);

        session = open_on(model, rate_hz, channels, 5.0, threshold, &cut);
        mewl_rng rng = mewl_rng_seeded(f);
        for (size_t at = 0; at < frames;) {
            size_t piece = 1 + (size_t)mewl_rng_below(&rng, 1 + mewl_rng_below(&rng, 30000));
            piece = piece < frames - at ? piece : frames - at;
            assert_int_equal(mewl_session_push(session, sound + at * (size_t)channels, piece, NULL), MEWL_OK);
            at += piece;
        }
        assert_int_equal(mewl_session_finish(session, NULL), MEWL_OK);
        mewl_session_close(session);
        assert_int_equal(whole.score_count, cut.score_count);
        assert_memory_equal(whole.scores, cut.scores, whole.score_count * sizeof *whole.scores);
        assert_int_equal(whole.count, cut.count);
        for (size_t i = 0; i < whole.count; i++) {
            const mewl_session_event *a = &whole.events[i], *b = &cut.events[i];
            assert_int_equal(a->kind, b->kind);
            assert_float_equal(a->episode.onset_s, b->episode.onset_s, 0.0);
            assert_float_equal(a->episode.offset_s, b->episode.offset_s, 0.0);
            assert_true(a->episode.confidence == b->episode.confidence);
            assert_true(a->episode.level_dbfs == b->episode.level_dbfs);
        }
        free(sound);
        mewl_model_free(model);
    }
}

/* Live chunks tell every start within the stated latency, and that is at most 2 s. */
static void test_latency(void **state)
{
    (void)state;
    static record r;
    mewl_model *model = little_model(3);
    size_t frames = 60 * 16000;
    float *sound = little_sound(frames, 1, 16000.0, 9);
    float threshold = middle_score(model, sound, frames, 16000.0, 1);
    mewl_session *session = open_on(model, 16000.0, 1, MEWL_SESSION_CHUNK_LIVE_S, threshold, &r);
    double latency_s = mewl_session_start_latency_s(session), end_s = mewl_session_end_latency_s(session);
    assert_true(latency_s <= 2.0);
    assert_true(end_s < 4.0);
    for (size_t at = 0; at < frames; at += 160) {
        assert_int_equal(mewl_session_push(session, sound + at, 160, NULL), MEWL_OK);
    }
    size_t seen = 0;
    for (size_t i = 0; i < r.count; i++) {
        if (r.events[i].kind == MEWL_SESSION_START && r.events[i].episode.onset_s > 2.0) {
            assert_true(r.events[i].time_s - r.events[i].episode.onset_s <= latency_s + 0.011);
            seen++;
        }
    }
    assert_true(seen > 3);
    free(sound);
    mewl_session_close(session);
    mewl_model_free(model);
}

static void test_gaps_and_hearing(void **state)
{
    (void)state;
    static record r;
    mewl_model *model = little_model(3);
    size_t frames = 10 * 16000;
    float *sound = little_sound(frames, 1, 16000.0, 2);
    mewl_session *session = open_on(model, 16000.0, 1, 0.4, 0.0001f, &r); /* everything is a cry */
    assert_int_equal(mewl_session_push(session, sound, frames, NULL), MEWL_OK);
    assert_int_equal(mewl_session_gap(session, 0.9, NULL), MEWL_OK);
    assert_int_equal(count_kind(&r, MEWL_SESSION_END), count_kind(&r, MEWL_SESSION_START));
    assert_int_equal(count_kind(&r, MEWL_SESSION_HEARING), 0);
    assert_int_equal(mewl_session_gap(session, 0.9, NULL), MEWL_OK);
    assert_int_equal(count_kind(&r, MEWL_SESSION_HEARING), 1);
    const mewl_session_event *stopped = &r.events[r.count - 1];
    assert_int_equal(stopped->hearing.why, MEWL_WHY_STOPPED);
    assert_false(stopped->hearing.hearing);
    assert_float_equal(mewl_session_time_s(session), 11.8, 1e-9);
    assert_int_equal(mewl_session_push(session, sound, frames, NULL), MEWL_OK);
    assert_int_equal(count_kind(&r, MEWL_SESSION_HEARING), 2);
    assert_int_equal(mewl_session_finish(session, NULL), MEWL_OK);
    assert_int_equal(r.rows, 2);
    assert_float_equal(r.first_s[1], 11.8, 1e-9);
    double last_onset = 0.0;
    for (size_t i = 0; i < r.count; i++) {
        if (r.events[i].kind == MEWL_SESSION_START) {
            assert_true(r.events[i].episode.onset_s >= last_onset);
            last_onset = r.events[i].episode.onset_s;
        }
    }
    assert_true(last_onset >= 11.8);
    mewl_error err = {0};
    assert_int_equal(mewl_session_push(session, sound, 1, &err), MEWL_E_STATE);
    assert_int_equal(mewl_session_finish(session, &err), MEWL_E_STATE);
    assert_int_equal(mewl_session_gap(session, 1.0, &err), MEWL_E_STATE);
    mewl_session_close(session);

    /* Ten seconds of zeros are "not hearing", and have no level. */
    session = open_on(model, 16000.0, 1, 0.4, 0.0001f, &r);
    memset(sound, 0, frames * sizeof *sound);
    assert_int_equal(mewl_session_push(session, sound, frames, NULL), MEWL_OK);
    assert_int_equal(mewl_session_finish(session, NULL), MEWL_OK);
    assert_int_equal(count_kind(&r, MEWL_SESSION_HEARING), 1);
    bool found = false;
    for (size_t i = 0; i < r.count; i++) {
        if (r.events[i].kind == MEWL_SESSION_HEARING) {
            assert_int_equal(r.events[i].hearing.why, MEWL_WHY_SILENCE);
            assert_float_equal(r.events[i].hearing.since_s, 0.0, 0.01);
        } else if (r.events[i].kind == MEWL_SESSION_END) {
            found = true;
            assert_true(isinf(r.events[i].episode.level_dbfs) && r.events[i].episode.level_dbfs < 0);
        }
    }
    assert_true(found);
    assert_true(isinf(mewl_session_level_dbfs(session)));
    mewl_session_close(session);
    free(sound);
    mewl_model_free(model);
}

/* The level of a cry is that of its sound: a sine at -20 dBFS RMS. */
static void test_level(void **state)
{
    (void)state;
    static record r;
    mewl_model *model = little_model(3);
    size_t frames = 5 * 44100;
    float *sound = malloc(2 * frames * sizeof *sound);
    assert_non_null(sound);
    for (size_t i = 0; i < frames; i++) {
        sound[2 * i] = (float)(0.1 * sqrt(2.0) * sin(6.283185307 * 500.0 * (double)i / 44100.0));
        sound[2 * i + 1] = sound[2 * i];
    }
    mewl_session *session = open_on(model, 44100.0, 2, 0.4, 0.0001f, &r);
    assert_int_equal(mewl_session_push(session, sound, frames, NULL), MEWL_OK);
    assert_int_equal(mewl_session_finish(session, NULL), MEWL_OK);
    assert_true(r.count > 0);
    assert_float_equal(r.events[r.count - 1].episode.level_dbfs, -20.0, 0.1);
    assert_float_equal(mewl_session_level_dbfs(session), -20.0, 0.1);
    mewl_session_close(session);
    free(sound);
    mewl_model_free(model);
}

static void test_notes(void **state)
{
    (void)state;
    mewl_model *model = little_model(3);
    mewl_episode_opts o;
    mewl_error err = {0};
    assert_int_equal(mewl_model_set_note(model, "threshold", "0.37", &err), MEWL_OK);
    assert_int_equal(mewl_model_set_note(model, "episode.min_s", "0.4", &err), MEWL_OK);
    assert_int_equal(mewl_model_set_note(model, "episode.smooth_frames", "5", &err), MEWL_OK);
    assert_int_equal(mewl_session_episode_opts(&o, model, &err), MEWL_OK);
    assert_float_equal(o.threshold, 0.37, 1e-6);
    assert_float_equal(o.min_s, 0.4, 1e-9);
    assert_int_equal(o.smooth_frames, 5);
    assert_int_equal(mewl_model_set_note(model, "episode.min_s", "a bit", &err), MEWL_OK);
    assert_int_equal(mewl_session_episode_opts(&o, model, &err), MEWL_E_FORMAT);
    mewl_model_free(model);
}

static void test_refused(void **state)
{
    (void)state;
    mewl_model *model = little_model(3);
    mewl_session *session = NULL;
    mewl_error err = {0};
    mewl_session_opts opts = {.rate_hz = 16000.0, .channels = 1, .episodes = mewl_episode_defaults()};
    mewl_session_opts bad = opts;
    bad.rate_hz = NAN;
    assert_int_equal(mewl_session_open(&session, model, bad, (mewl_session_sink){0}, &err), MEWL_E_ARG);
    assert_null(session);
    bad = opts;
    bad.channels = 65;
    assert_int_equal(mewl_session_open(&session, model, bad, (mewl_session_sink){0}, &err), MEWL_E_ARG);
    bad = opts;
    bad.episodes.threshold = 2.0f;
    assert_int_equal(mewl_session_open(&session, model, bad, (mewl_session_sink){0}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_session_open(&session, NULL, opts, (mewl_session_sink){0}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_session_open(&session, model, opts, (mewl_session_sink){0}, &err), MEWL_OK);
    assert_int_equal(mewl_session_gap(session, -1.0, &err), MEWL_E_ARG);
    assert_int_equal(mewl_session_gap(session, NAN, &err), MEWL_E_ARG);
    const float strange[4] = {NAN, INFINITY, -INFINITY, 1e30f};
    assert_int_equal(mewl_session_push(session, strange, 4, &err), MEWL_OK); /* nobody listens: no sink */
    assert_int_equal(mewl_session_finish(session, &err), MEWL_OK);
    mewl_session_close(session);
    mewl_session_close(NULL);
    mewl_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut), cmocka_unit_test(test_latency), cmocka_unit_test(test_gaps_and_hearing),
        cmocka_unit_test(test_level),   cmocka_unit_test(test_notes),   cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
