/* Streaming scores against one pass over the whole recording, for all sorts of lengths, chunks and cuts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/rng.h"
#include "dsp/frontend.h"
#include "models/classifier.h"
#include "models/cry.h"
#include "models/model.h"
#include "models/scorer.h"

#define SCORES_MAX 4096
#define TOLERANCE 1e-5

typedef struct scores {
    float list[SCORES_MAX];
    size_t count;
} scores;

static mewl_status keep(void *user, size_t first, const float *logits, size_t count, mewl_error *err)
{
    scores *s = user;
    if (first != s->count || s->count + count > SCORES_MAX) {
        return mewl_error_set(err, MEWL_E_STATE, "frames %zu came after %zu", first, s->count);
    }
    memcpy(s->list + s->count, logits, count * sizeof *logits);
    s->count += count;
    return MEWL_OK;
}

static mewl_status refuse(void *user, size_t first, const float *logits, size_t count, mewl_error *err)
{
    (void)user;
    (void)first;
    (void)logits;
    return mewl_error_set(err, MEWL_E_CANCELLED, "enough after %zu", count);
}

/* A detector with random weights and random running statistics, so that no layer is trivial. */
static mewl_model *new_model_of(const char *arch, const char *front_end, int64_t classes, bool framewise)
{
    mewl_model_config config = {.classes = classes, .width = 0.0625, .framewise = framewise};
    (void)snprintf(config.arch, sizeof config.arch, "%s", arch);
    (void)snprintf(config.front_end, sizeof config.front_end, "%s", front_end);
    mewl_model *model;
    mewl_error err = {0};
    if (mewl_model_new(&model, config, 3, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    mewl_rng rng = mewl_rng_seeded(5);
    size_t count;
    mewl_param *const *params = mewl_net_params(mewl_model_net(model), &count);
    for (size_t i = 0; i < count; i++) {
        float *value = params[i]->value.data;
        size_t n = 1;
        for (int d = 0; d < params[i]->value.shape.rank; d++) {
            n *= (size_t)params[i]->value.shape.dim[d];
        }
        bool mean = strstr(params[i]->name, "running_mean") != NULL,
             var = strstr(params[i]->name, "running_var") != NULL;
        bool first = strncmp(params[i]->name, "bn0", 3) == 0;
        for (size_t k = 0; k < n && (mean || var); k++) {
            value[k] = mean ? (float)mewl_rng_range(&rng, -0.2, 0.2) + (first ? -40.0f : 0.0f)
                            : (float)mewl_rng_range(&rng, 0.5, 1.5) * (first ? 400.0f : 1.0f);
        }
    }
    mewl_net_touch(mewl_model_net(model));
    return model;
}

static mewl_model *new_model(int64_t classes, bool framewise)
{
    return new_model_of("cnn10", "panns-16k", classes, framewise);
}

/* Noise whose loudness wanders, as sound does. */
static float *new_sound(size_t count, uint64_t seed)
{
    float *sound = malloc((count + 1) * sizeof *sound);
    assert_non_null(sound);
    mewl_rng rng = mewl_rng_seeded(seed);
    double gain = 0.01;
    for (size_t i = 0; i < count; i++) {
        if (i % 4000 == 0) {
            gain = pow(10.0, mewl_rng_range(&rng, -4.0, -0.5));
        }
        sound[i] = (float)(gain * mewl_rng_normal(&rng));
    }
    return sound;
}

static void score_whole(scores *out, mewl_model *model, const float *sound, size_t count)
{
    mewl_error err = {0};
    mewl_frontend *fe;
    assert_int_equal(mewl_frontend_new(&fe, mewl_model_configuration(model)->front_end, &err), MEWL_OK);
    size_t frames = mewl_frontend_frame_count(fe, count);
    float *features = malloc((frames * mewl_frontend_bands(fe) + 1) * sizeof *features);
    assert_non_null(features);
    assert_int_equal(mewl_frontend_run(fe, features, sound, count, &err), MEWL_OK);
    out->count = 0;
    if ((int64_t)frames >= mewl_model_frames_min(model)) {
        assert_int_equal(mewl_model_plan(model, (mewl_model_mode){0}, &err), MEWL_OK);
        if (mewl_model_forward(model, features, 1, (int64_t)frames, NULL, out->list, NULL, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        out->count = (size_t)mewl_model_output_frames(model, (int64_t)frames);
    }
    free(features);
    mewl_frontend_free(fe);
}

static void compare(const scores *expected, const scores *got, const char *what)
{
    if (expected->count != got->count) {
        fail_msg("%s: %zu frames, expected %zu", what, got->count, expected->count);
    }
    for (size_t i = 0; i < got->count; i++) {
        double scale = fmax(1.0, fabs((double)expected->list[i]));
        if (!(fabs((double)expected->list[i] - (double)got->list[i]) <= TOLERANCE * scale)) {
            fail_msg("%s: frame %zu of %zu is %.9g, expected %.9g", what, i, got->count, (double)got->list[i],
                     (double)expected->list[i]);
        }
    }
}

/* Any length, any chunk, any cut. */
static void compare_all(const char *arch, const char *front_end)
{
    static scores expected, got;
    size_t spread = 0;
    static const size_t lengths[] = {0, 1, 1119, 1120, 1279, 1280, 5000, 16000, 30720, 31000, 80000, 197531};
    static const double chunks[] = {0.08, 0.4, 1.0, 5.0, 20.0};
    mewl_model *whole = new_model_of(arch, front_end, 1, true), *streamed = new_model_of(arch, front_end, 1, true);
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        size_t n = lengths[l];
        float *sound = new_sound(n, 11 + l);
        score_whole(&expected, whole, sound, n);
        spread += expected.count > 1 && expected.list[0] != expected.list[expected.count / 2];
        for (size_t c = 0; c < sizeof chunks / sizeof chunks[0]; c++) {
            if (chunks[c] < 0.1 && n > 31000) {
                continue; /* slow, and nothing new */
            }
            mewl_scorer *scorer;
            mewl_error err = {0};
            assert_int_equal(mewl_scorer_new(&scorer, streamed, (mewl_scorer_opts){.chunk_s = chunks[c]}, &err),
                             MEWL_OK);
            mewl_rng rng = mewl_rng_seeded(100 * l + c);
            for (int round = 0; round < 2; round++) { /* the second: after finish it starts afresh */
                got.count = 0;
                for (size_t at = 0; at < n;) {
                    size_t piece = 1 + (size_t)mewl_rng_below(&rng, 1 + mewl_rng_below(&rng, 20000));
                    piece = piece < n - at ? piece : n - at;
                    assert_int_equal(mewl_scorer_push(scorer, sound + at, piece, keep, &got, &err), MEWL_OK);
                    at += piece;
                    /* No score is later than stated. */
                    double known_s = (double)got.count * mewl_scorer_frame_s(scorer);
                    double heard_s = (double)at / mewl_scorer_rate_hz(scorer);
                    double first_s = (double)mewl_scorer_latency_s(scorer) + 2.0; /* the first window is longer */
                    assert_true(heard_s - known_s <= (got.count > 0 ? mewl_scorer_latency_s(scorer) : first_s) + 1e-6);
                }
                assert_int_equal(mewl_scorer_finish(scorer, keep, &got, &err), MEWL_OK);
                char what[64];
                (void)snprintf(what, sizeof what, "%zu samples, chunk %g s, round %d", n, chunks[c], round);
                compare(&expected, &got, what);
            }
            mewl_scorer_free(scorer);
        }
        free(sound);
    }
    assert_true(spread > 3); /* the scores say something */
    mewl_model_free(whole);
    mewl_model_free(streamed);
}

static void test_streaming_is_offline(void **state)
{
    (void)state;
    compare_all("cnn10", "panns-16k");
}

static void test_streaming_is_offline_mobilenet(void **state)
{
    (void)state;
    compare_all("mobilenet", "yamnet");
}

static void test_figures(void **state)
{
    (void)state;
    mewl_model *model = new_model(1, true);
    mewl_scorer *scorer;
    mewl_error err = {0};
    assert_int_equal(mewl_scorer_new(&scorer, model, (mewl_scorer_opts){.chunk_s = 0.4}, &err), MEWL_OK);
    assert_float_equal(mewl_scorer_rate_hz(scorer), 16000.0, 0.0);
    assert_float_equal(mewl_scorer_frame_s(scorer), 0.08, 1e-12);
    assert_true(mewl_scorer_latency_s(scorer) < 1.3); /* live: leaves 0.7 s of the 2 s to the detector */
    mewl_scorer_free(scorer);
    mewl_model_free(model);
}

/* Samples that are no numbers count as silence; a refusing callback stops the push; reset forgets. */
static void test_strange_pushes(void **state)
{
    (void)state;
    static scores clean, dirty;
    mewl_model *model = new_model(1, true);
    mewl_scorer *scorer;
    mewl_error err = {0};
    assert_int_equal(mewl_scorer_new(&scorer, model, (mewl_scorer_opts){.chunk_s = 1.0}, &err), MEWL_OK);
    float *sound = new_sound(80000, 1);
    for (size_t i = 100; i < 80000; i += 777) {
        sound[i] = 0.0f;
    }
    clean.count = 0;
    assert_int_equal(mewl_scorer_push(scorer, sound, 80000, keep, &clean, &err), MEWL_OK);
    assert_int_equal(mewl_scorer_finish(scorer, keep, &clean, &err), MEWL_OK);
    for (size_t i = 100; i < 80000; i += 777) {
        sound[i] = i % 2 == 0 ? NAN : -INFINITY;
    }
    dirty.count = 0;
    assert_int_equal(mewl_scorer_push(scorer, sound, 80000, keep, &dirty, &err), MEWL_OK);
    assert_int_equal(mewl_scorer_finish(scorer, keep, &dirty, &err), MEWL_OK);
    assert_int_equal(clean.count, dirty.count);
    assert_memory_equal(clean.list, dirty.list, clean.count * sizeof *clean.list);

    assert_int_equal(mewl_scorer_push(scorer, sound, 80000, refuse, NULL, &err), MEWL_E_CANCELLED);
    mewl_scorer_reset(scorer);
    dirty.count = 0;
    assert_int_equal(mewl_scorer_push(scorer, sound, 80000, keep, &dirty, &err), MEWL_OK);
    assert_int_equal(mewl_scorer_finish(scorer, keep, &dirty, &err), MEWL_OK);
    assert_memory_equal(clean.list, dirty.list, clean.count * sizeof *clean.list);
    free(sound);
    mewl_scorer_free(scorer);
    mewl_model_free(model);
}

static void test_refused(void **state)
{
    (void)state;
    mewl_scorer *scorer = (mewl_scorer *)&state;
    mewl_error err = {0};
    mewl_model *clipwise = new_model(1, false), *nameless = new_model(3, true), *good = new_model(1, true);
    assert_int_equal(mewl_scorer_new(&scorer, clipwise, (mewl_scorer_opts){0}, &err), MEWL_E_UNSUPPORTED);
    assert_null(scorer);
    assert_int_equal(mewl_scorer_new(&scorer, nameless, (mewl_scorer_opts){0}, &err), MEWL_E_UNSUPPORTED);
    assert_int_equal(mewl_model_set_label(nameless, 2, "cry", &err), MEWL_OK);
    assert_int_equal(mewl_scorer_new(&scorer, nameless, (mewl_scorer_opts){0}, &err), MEWL_OK);
    mewl_scorer_free(scorer);
    assert_int_equal(mewl_scorer_new(&scorer, good, (mewl_scorer_opts){.chunk_s = 0.01}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_scorer_new(&scorer, good, (mewl_scorer_opts){.chunk_s = NAN}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_scorer_new(&scorer, good, (mewl_scorer_opts){.chunk_s = 61.0}, &err), MEWL_E_ARG);
    mewl_scorer_free(NULL);
    mewl_model_free(clipwise);
    mewl_model_free(nameless);
    mewl_model_free(good);
}

/* What the scorer takes for a cry the classifier takes for one, whatever the label. */
static void test_cry_labels(void **state)
{
    (void)state;
    static const char *const known[] = {"cry",         "infant_cry",     "Infantcry", "Baby cry, infant cry",
                                        "crying_baby", "Crying, sobbing"};
    char path[] = "/tmp/mewl-test-scorer-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    mewl_error err = {0};
    mewl_model *model = new_model(3, true);
    assert_int_equal(mewl_model_set_label(model, 0, "Cry", &err), MEWL_OK); /* not letter for letter */
    for (size_t i = 0; i <= sizeof known / sizeof known[0]; i++) {
        const bool is_cry = i < sizeof known / sizeof known[0];
        assert_int_equal(mewl_model_set_label(model, 1, is_cry ? known[i] : "laughter", &err), MEWL_OK);
        mewl_scorer *scorer;
        assert_int_equal(mewl_scorer_new(&scorer, model, (mewl_scorer_opts){0}, &err),
                         is_cry ? MEWL_OK : MEWL_E_UNSUPPORTED);
        mewl_scorer_free(scorer);
        assert_int_equal(mewl_model_save(model, path, false, &err), MEWL_OK);
        mewl_classifier *classifier;
        assert_int_equal(mewl_classifier_open(&classifier, path, &err), MEWL_OK);
        float probabilities[3], sample = 0.5f;
        mewl_classifier_result result = {.probabilities = probabilities};
        assert_int_equal(mewl_classifier_score(classifier, &result, &sample, 1, &err), MEWL_OK);
        assert_int_equal(isnan(result.cry), !is_cry);
        assert_true(!is_cry || result.cry == probabilities[1]);
        mewl_classifier_close(classifier);
    }
    mewl_model_free(model);
    (void)unlink(path);
    assert_false(mewl_cry_label_is(NULL));
    assert_false(mewl_cry_label_is(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_streaming_is_offline),
                                       cmocka_unit_test(test_streaming_is_offline_mobilenet),
                                       cmocka_unit_test(test_figures),
                                       cmocka_unit_test(test_strange_pushes),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_cry_labels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
