/* Episodes: tables with pretended time, a dumb offline twin against random scores, and what a room may throw at it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "detect/episode.h"

#define EVENTS_MAX 4096

typedef struct events {
    mewl_episode_event list[EVENTS_MAX];
    double told_s[EVENTS_MAX]; /* stream time at which each was told */
    size_t count;
    const mewl_episode_finder *finder;
} events;

static void keep(void *user, const mewl_episode_event *event)
{
    events *e = user;
    assert_true(e->count < EVENTS_MAX);
    e->told_s[e->count] = e->finder != NULL ? mewl_episode_time_s(e->finder) : 0.0;
    e->list[e->count++] = *event;
}

/* Frames from a picture of a stream: '#' sure cry, '+' between off and on, '.' nothing. */
static size_t frames_of(float *logits, const char *picture)
{
    size_t n = strlen(picture);
    for (size_t i = 0; i < n; i++) {
        logits[i] = picture[i] == '#' ? 3.0f : picture[i] == '+' ? -0.5f : -8.0f;
    }
    return n;
}

static mewl_episode_opts plain(void)
{
    mewl_episode_opts o = mewl_episode_defaults();
    o.frame_s = 0.1;
    o.background_s = 0.0;
    o.smooth_frames = 1;
    o.attack_s = 0.2;
    o.min_s = 0.3;
    o.merge_gap_s = 0.5;
    return o;
}

static void test_table(void **state)
{
    (void)state;
    static const struct {
        const char *picture;
        const char *expected; /* "onset-offset ..." in tenths of a second */
    } rows[] = {
        {"", ""},
        {"..........", ""},
        {"..##......", ""}, /* shorter than min_s */
        {"..###.....", "2-5"},
        {"###", "0-3"},                    /* from the first frame to the last */
        {"..###+++..", "2-8"},             /* hysteresis keeps it */
        {".++###....", "1-6"},             /* attack: two frames back */
        {"++++###...", "2-7"},             /* and no more than two */
        {"..++++++..", ""},                /* never reached `on` */
        {"###.....###", "0-11"},           /* gap of 0.5: one */
        {"###......###", "0-3 9-12"},      /* gap of 0.6: two */
        {"###....++###", "0-12"},          /* the attack shortens the gap */
        {"###...##..##.....", "0-3"},      /* short runs join nothing */
        {"###..##..###.....", "0-3 9-12"}, /* and bridge nothing */
        {"#.#.#.#.#.#.#", ""},
        {"###.#", "0-3"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        float logits[64];
        size_t n = frames_of(logits, rows[r].picture);
        mewl_episode *found;
        size_t count;
        assert_int_equal(mewl_episode_find(&found, &count, logits, NULL, n, plain(), NULL), MEWL_OK);
        char text[256] = "";
        for (size_t i = 0; i < count; i++) {
            size_t at = strlen(text);
            (void)snprintf(text + at, sizeof text - at, "%s%.0f-%.0f", i > 0 ? " " : "", found[i].onset_s * 10.0,
                           found[i].offset_s * 10.0);
            assert_true(isnan(found[i].level_dbfs));
        }
        free(found);
        if (strcmp(text, rows[r].expected) != 0) {
            fail_msg("%s gave \"%s\", expected \"%s\"", rows[r].picture, text, rows[r].expected);
        }
    }
}

static void test_figures(void **state)
{
    (void)state;
    /* min_s of three frames: the surest three in a row are the last. */
    float logits[] = {-9, 1, 1, 1, 4, 4, 4, -9};
    float levels[] = {-20, -30, -30, -30, -30, -INFINITY, NAN, -20};
    mewl_episode *found;
    size_t count;
    assert_int_equal(mewl_episode_find(&found, &count, logits, levels, 8, plain(), NULL), MEWL_OK);
    assert_int_equal(count, 1);
    assert_float_equal(found[0].confidence, 1.0 / (1.0 + exp(-4.0)), 1e-6);
    assert_float_equal(found[0].level_dbfs, -30.0 + 10.0 * log10(4.0 / 5.0), 1e-4);
    free(found);
    float silent[8];
    for (size_t i = 0; i < 8; i++) {
        silent[i] = -INFINITY;
    }
    assert_int_equal(mewl_episode_find(&found, &count, logits, silent, 8, plain(), NULL), MEWL_OK);
    assert_int_equal(count, 1);
    assert_true(isinf(found[0].level_dbfs) && found[0].level_dbfs < 0);
    free(found);
}

static void test_strange_numbers(void **state)
{
    (void)state;
    float logits[40];
    for (size_t i = 0; i < 40; i++) {
        logits[i] = i % 4 == 0 ? NAN : i % 4 == 1 ? -INFINITY : i % 4 == 2 ? INFINITY : 1e30f;
    }
    mewl_episode *found;
    size_t count;
    mewl_episode_opts o = plain();
    o.min_s = 0.2;
    assert_int_equal(mewl_episode_find(&found, &count, logits, NULL, 40, o, NULL), MEWL_OK);
    assert_int_equal(count, 1);
    assert_true(found[0].confidence <= 1.0f && found[0].confidence > 0.999f);
    free(found);
}

/* Start and end come within the stated latencies of onset and offset. */
static void test_latency(void **state)
{
    (void)state;
    for (int smooth = 1; smooth <= 9; smooth += 4) {
        mewl_episode_opts o = mewl_episode_defaults();
        o.smooth_frames = smooth;
        mewl_episode_finder *finder;
        assert_int_equal(mewl_episode_finder_new(&finder, o, NULL), MEWL_OK);
        events e = {.finder = finder};
        for (size_t i = 0; i < 500; i++) {
            float x = i >= 100 && i < 200 ? 5.0f : -6.0f;
            mewl_episode_push(finder, &x, NULL, 1, keep, &e);
        }
        assert_int_equal(e.count, 2);
        assert_int_equal(e.list[0].kind, MEWL_EPISODE_START);
        assert_int_equal(e.list[1].kind, MEWL_EPISODE_END);
        assert_float_equal(e.list[1].episode.onset_s, 8.0, 1e-9);
        assert_float_equal(e.list[1].episode.offset_s, 16.0, 1e-9);
        /* time_s counts whole frames, the one that told included. */
        assert_true(e.told_s[0] - 8.0 <= mewl_episode_start_latency_s(finder) + 1e-9);
        assert_true(e.told_s[1] - 16.0 <= mewl_episode_end_latency_s(finder) + 1e-9);
        mewl_episode_finder_free(finder);
    }
}

/* A cry that begins softly is told within the stated latency of the onset it is given, however late its sure frame. */
static void test_latency_of_a_soft_onset(void **state)
{
    (void)state;
    for (size_t soft = 0; soft < 12; soft++) {
        mewl_episode_opts o = mewl_episode_defaults();
        o.smooth_frames = 1;
        o.attack_s = 0.56;
        o.hysteresis = 3.0f;
        mewl_episode_finder *finder;
        assert_int_equal(mewl_episode_finder_new(&finder, o, NULL), MEWL_OK);
        events e = {.finder = finder};
        for (size_t i = 0; i < 300; i++) {
            float x = i < 100 || i >= 200 ? -6.0f : i < 100 + soft ? -1.0f : 4.0f;
            mewl_episode_push(finder, &x, NULL, 1, keep, &e);
        }
        assert_int_equal(e.count, 2);
        assert_float_equal(e.list[0].episode.onset_s, 8.0 + 0.08 * (soft > 7 ? (double)soft - 7.0 : 0.0), 1e-6);
        assert_true(e.told_s[0] - e.list[0].episode.onset_s <= mewl_episode_start_latency_s(finder) + 1e-9);
        mewl_episode_finder_free(finder);
    }
}

static void test_updates_and_gap(void **state)
{
    (void)state;
    mewl_episode_opts o = plain();
    o.update_s = 1.0;
    mewl_episode_finder *finder;
    assert_int_equal(mewl_episode_finder_new(&finder, o, NULL), MEWL_OK);
    events e = {.finder = finder};
    float on = 4.0f;
    for (size_t i = 0; i < 36; i++) {
        mewl_episode_push(finder, &on, NULL, 1, keep, &e);
    }
    /* told at 0.3 s, updates a second apart after that */
    assert_int_equal(e.count, 4);
    assert_int_equal(e.list[3].kind, MEWL_EPISODE_UPDATE);
    assert_float_equal(e.list[3].episode.offset_s, 3.3, 1e-9);
    mewl_episode_gap(finder, 100.0, keep, &e);
    assert_int_equal(e.count, 5);
    assert_int_equal(e.list[4].kind, MEWL_EPISODE_END);
    assert_float_equal(e.list[4].episode.offset_s, 3.6, 1e-9);
    for (size_t i = 0; i < 3; i++) {
        mewl_episode_push(finder, &on, NULL, 1, keep, &e);
    }
    assert_int_equal(e.count, 6);
    assert_float_equal(e.list[5].episode.onset_s, 100.0, 1e-9);
    mewl_episode_gap(finder, 5.0, keep, &e); /* time never goes back */
    assert_float_equal(mewl_episode_time_s(finder), 100.3, 1e-9);
    mewl_episode_gap(finder, NAN, keep, &e);
    assert_float_equal(mewl_episode_time_s(finder), 100.3, 1e-9);
    assert_int_equal(e.count, 7);
    mewl_episode_finder_free(finder);
}

/* A machine that the network scores at 0.73 the whole night: it may alarm once, then the bar stands above it, and a
 * cry over it is still told. */
static void test_machine(void **state)
{
    (void)state;
    mewl_rng rng = mewl_rng_seeded(7);
    mewl_episode_finder *finder;
    assert_int_equal(mewl_episode_finder_new(&finder, mewl_episode_defaults(), NULL), MEWL_OK);
    events e = {.finder = finder};
    const size_t hour = 45000;
    for (size_t i = 0; i < hour; i++) {
        float x = 1.0f + 0.4f * (float)mewl_rng_normal(&rng);
        if (i >= 30000 && i < 30025) {
            x = 4.0f; /* two seconds of crying through the noise: 0.98 */
        }
        mewl_episode_push(finder, &x, NULL, 1, keep, &e);
    }
    size_t after_first_minute = 0;
    for (size_t i = 0; i < e.count; i++) {
        if (e.list[i].kind == MEWL_EPISODE_END && e.list[i].episode.offset_s > 60.0) {
            after_first_minute++;
            assert_float_equal(e.list[i].episode.onset_s, 2400.0, 0.1);
            assert_float_equal(e.list[i].episode.offset_s, 2402.0, 0.1);
        }
    }
    assert_int_equal(after_first_minute, 1);
    assert_true(mewl_episode_background_logit(finder) > 0.0f);
    mewl_episode_finder_free(finder);
}

/* Ten minutes of crying with breaths, 1.2 s on and 0.4 s off, do not hide themselves; nor does a scream without a pause
 * that the network is very sure of. */
static void test_long_cry(void **state)
{
    (void)state;
    for (int scream = 0; scream <= 1; scream++) {
        mewl_episode_finder *finder;
        assert_int_equal(mewl_episode_finder_new(&finder, mewl_episode_defaults(), NULL), MEWL_OK);
        events e = {.finder = finder};
        for (size_t i = 0; i < 7500; i++) {
            float x = scream ? 6.0f : i % 20 < 15 ? 3.0f : -5.0f;
            mewl_episode_push(finder, &x, NULL, 1, keep, &e);
        }
        mewl_episode_finish(finder, keep, &e);
        assert_int_equal(e.count, 2);
        assert_float_equal(e.list[1].episode.onset_s, 0.0, 1e-9);
        assert_true(e.list[1].episode.offset_s > 599.0);
        mewl_episode_finder_free(finder);
    }
}

/* ---- The dumb twin: whole arrays, quadratic, straight from the header's words. ---- */

typedef struct twin_episode {
    size_t first, last;
    double confidence, power;
    size_t levels;
} twin_episode;

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static size_t twin_find(twin_episode *out, const float *raw, const float *levels, size_t n, mewl_episode_opts o)
{
    float *x = calloc(n + 1, sizeof *x), *off = calloc(n + 1, sizeof *off), *on = calloc(n + 1, sizeof *on);
    assert_non_null(x);
    assert_non_null(off);
    assert_non_null(on);
    size_t half = (size_t)o.smooth_frames / 2;
    size_t window = (size_t)ceil(o.background_s / o.frame_s - 1e-6);
    float *past = calloc(window + 1, sizeof *past);
    assert_non_null(past);
    float bar = logf(o.threshold / (1 - o.threshold)), top = fmaxf(logf(o.ceiling / (1 - o.ceiling)), bar);
    for (size_t i = 0; i < n; i++) {
        float part[64];
        size_t count = 0;
        for (size_t k = i > half ? i - half : 0; k <= i + half && k < n; k++) {
            part[count++] = raw[k];
        }
        qsort(part, count, sizeof *part, by_value);
        x[i] = part[(count - 1) / 2];
    }
    for (size_t i = 0; i < n; i++) {
        float background = -16.0f;
        if (window > 0) {
            for (size_t k = 0; k < window; k++) {
                float v = k < i ? x[i - 1 - k] : -16.0f;
                past[k] = fminf(fmaxf(floorf(v * 8.0f) / 8.0f, -16.0f), 15.875f);
            }
            qsort(past, window, sizeof *past, by_value);
            /* The smallest value with more than quantile * window values at or below it. */
            background = past[(size_t)floor((double)o.quantile * (double)window)];
        }
        on[i] = fminf(fmaxf(bar, background + o.margin), top);
        off[i] = on[i] - o.hysteresis;
    }
    size_t attack = (size_t)floor(o.attack_s / o.frame_s + 1e-6), gap = (size_t)floor(o.merge_gap_s / o.frame_s + 1e-6);
    size_t shortest = (size_t)ceil(o.min_s / o.frame_s - 1e-6);
    shortest = shortest > 0 ? shortest : 1;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i] < on[i]) {
            continue;
        }
        size_t first = i, last = i;
        while (first > 0 && i - first < attack && x[first - 1] >= off[first - 1]) {
            first--;
        }
        while (last + 1 < n && x[last + 1] >= off[last + 1]) {
            last++;
        }
        if (last - first + 1 >= shortest) {
            twin_episode run = {first, last, 0.0, 0.0, 0};
            size_t width = last - i + 1 < shortest ? last - i + 1 : shortest;
            for (size_t k = i; k + width <= last + 1; k++) {
                double sum = 0.0;
                for (size_t j = k; j < k + width; j++) {
                    sum += 1.0 / (1.0 + exp(-(double)x[j]));
                }
                run.confidence = fmax(run.confidence, sum / (double)width);
            }
            for (size_t k = i; k <= last; k++) {
                if (!isnan(levels[k])) {
                    run.power += pow(10.0, (double)levels[k] / 10.0);
                    run.levels++;
                }
            }
            if (count > 0 && first - out[count - 1].last - 1 <= gap) {
                twin_episode *e = &out[count - 1];
                e->last = last;
                e->confidence = fmax(e->confidence, run.confidence);
                e->power += run.power;
                e->levels += run.levels;
            } else {
                out[count++] = run;
            }
        }
        i = last;
    }
    free(x);
    free(off);
    free(on);
    free(past);
    return count;
}

static mewl_episode_opts random_opts(mewl_rng *rng)
{
    mewl_episode_opts o = mewl_episode_defaults();
    o.frame_s = mewl_rng_below(rng, 2) ? 0.08 : 0.1;
    o.threshold = (float)mewl_rng_range(rng, 0.1, 0.9);
    o.margin = (float)mewl_rng_range(rng, 0.0, 4.0);
    o.hysteresis = mewl_rng_below(rng, 4) == 0 ? 0.0f : (float)mewl_rng_range(rng, 0.0, 3.0);
    o.quantile = (float)mewl_rng_range(rng, 0.05, 0.95);
    o.background_s = mewl_rng_below(rng, 2) ? 0.0 : mewl_rng_range(rng, 0.1, 8.0);
    o.attack_s = (double)mewl_rng_below(rng, 5) * o.frame_s;
    o.min_s = (double)mewl_rng_below(rng, 6) * o.frame_s;
    o.merge_gap_s = (double)mewl_rng_below(rng, 8) * o.frame_s;
    o.smooth_frames = 1 + 2 * (int)mewl_rng_below(rng, 4);
    return o;
}

static void random_scores(mewl_rng *rng, float *logits, float *levels, size_t n)
{
    float mean = -4.0f;
    for (size_t i = 0; i < n; i++) {
        if (mewl_rng_below(rng, 8) == 0) {
            mean = (float)mewl_rng_range(rng, -5.0, 5.0);
        }
        logits[i] = mean + (float)mewl_rng_normal(rng);
        uint64_t kind = mewl_rng_below(rng, 20);
        levels[i] = kind == 0 ? NAN : kind == 1 ? -INFINITY : (float)mewl_rng_range(rng, -80.0, 0.0);
    }
}

/* Whatever the scores, options and cuts: the twin's episodes; sorted, disjoint, at least min_s long. */
static void test_twin(void **state)
{
    (void)state;
    enum { N = 600 };
    static float logits[N], levels[N];
    static twin_episode twin[N];
    static events e;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        mewl_rng rng = mewl_rng_seeded(seed);
        mewl_episode_opts o = random_opts(&rng);
        size_t n = (size_t)mewl_rng_below(&rng, N + 1);
        random_scores(&rng, logits, levels, n);
        size_t expected = twin_find(twin, logits, levels, n, o);

        mewl_episode_finder *finder;
        assert_int_equal(mewl_episode_finder_new(&finder, o, NULL), MEWL_OK);
        memset(&e, 0, sizeof e);
        for (size_t at = 0; at < n;) {
            size_t piece = 1 + (size_t)mewl_rng_below(&rng, 1 + mewl_rng_below(&rng, 100));
            piece = piece < n - at ? piece : n - at;
            mewl_episode_push(finder, logits + at, levels + at, piece, keep, &e);
            at += piece;
        }
        mewl_episode_finish(finder, keep, &e);
        mewl_episode_finder_free(finder);

        if (e.count != 2 * expected) {
            fail_msg("seed %llu: %zu events, the twin has %zu episodes", (unsigned long long)seed, e.count, expected);
        }
        double before = -1.0;
        for (size_t i = 0; i < expected; i++) {
            const mewl_episode *start = &e.list[2 * i].episode, *end = &e.list[2 * i + 1].episode;
            double onset = (double)twin[i].first * o.frame_s, offset = (double)(twin[i].last + 1) * o.frame_s;
            bool same = e.list[2 * i].kind == MEWL_EPISODE_START && e.list[2 * i + 1].kind == MEWL_EPISODE_END &&
                        fabs(start->onset_s - onset) < 1e-9 && fabs(end->onset_s - onset) < 1e-9 &&
                        fabs(end->offset_s - offset) < 1e-9 && fabs(end->confidence - twin[i].confidence) < 1e-5;
            double level = twin[i].levels > 0 ? 10.0 * log10(twin[i].power / (double)twin[i].levels) : NAN;
            bool level_same = isnan(level)   ? isnan(end->level_dbfs) != 0
                              : isinf(level) ? isinf(end->level_dbfs) != 0
                                             : fabs((double)end->level_dbfs - level) < 1e-3;
            if (!same || !level_same) {
                fail_msg("seed %llu, episode %zu: %g-%g %g %g dB, the twin says %g-%g %g %g dB",
                         (unsigned long long)seed, i, end->onset_s, end->offset_s, (double)end->confidence,
                         (double)end->level_dbfs, onset, offset, twin[i].confidence, level);
            }
            assert_true(end->onset_s > before);
            assert_true(end->offset_s - end->onset_s >= o.min_s - 1e-9);
            before = end->offset_s;
        }
    }
}

static void test_bad_options(void **state)
{
    (void)state;
    for (int which = 0; which < 10; which++) {
        mewl_episode_opts o = mewl_episode_defaults();
        switch (which) {
        case 0:
            o.frame_s = 0.0;
            break;
        case 1:
            o.threshold = NAN;
            break;
        case 2:
            o.threshold = 1.0f;
            break;
        case 3:
            o.smooth_frames = 2;
            break;
        case 4:
            o.smooth_frames = 33;
            break;
        case 5:
            o.background_s = 1e9;
            break;
        case 6:
            o.min_s = -1.0;
            break;
        case 7:
            o.merge_gap_s = INFINITY;
            break;
        case 8:
            o.frame_s = 0.0002;
            o.background_s = 3600.0;
            break;
        default:
            o.quantile = 0.0f;
            break;
        }
        mewl_episode_finder *finder = (mewl_episode_finder *)&o;
        mewl_error err = {0};
        assert_int_equal(mewl_episode_finder_new(&finder, o, &err), MEWL_E_ARG);
        assert_null(finder);
        assert_true(err.text[0] != '\0');
    }
    mewl_episode_finder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_strange_numbers),
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_latency_of_a_soft_onset),
        cmocka_unit_test(test_updates_and_gap),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_long_cry),
        cmocka_unit_test(test_twin),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
