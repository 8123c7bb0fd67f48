/* Detectors under comparison: a clip's score is the evidence it states, whatever the clip's length and rate. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "lab/system.h"

#define RATE 16000
#define LOUDER 4e5F

/* Six seconds of noise with loud and silent parts, so that scores over time differ. */
static float *uneven_noise(size_t *count, double rate_hz)
{
    *count = (size_t)(6 * rate_hz);
    float *x = malloc(*count * sizeof *x);
    mewl_rng rng = mewl_rng_seeded(8);
    assert_non_null(x);
    for (size_t i = 0; i < *count; i++) {
        double s = (double)i / rate_hz;
        x[i] =
            (float)((fmod(s, 2) < 0.7 ? 0.2 : 0.002) * mewl_rng_normal(&rng) + 0.1 * sin(2 * M_PI * 500 * s * (s > 3)));
    }
    return x;
}

static mewl_model *little_detector(void)
{
    mewl_model_config config = {
        .arch = "mobilenet", .front_end = "yamnet", .classes = 1, .depth = 4, .width = 0.25, .framewise = true};
    mewl_model *model;
    mewl_error err = {0};
    assert_int_equal(mewl_model_new(&model, config, 5, &err), MEWL_OK);
    /* Untrained logits hardly differ: the last layer is made louder. */
    size_t count = 0;
    mewl_param *const *params = mewl_net_params(mewl_model_net(model), &count);
    for (size_t i = 0; i < count; i++) {
        float *values = params[i]->value.data;
        for (int64_t k = 0;
             strcmp(params[i]->name, "fc_frame.weight") == 0 && k < mewl_shape_count(params[i]->value.shape); k++) {
            values[k] *= LOUDER;
        }
    }
    mewl_net_touch(mewl_model_net(model));
    return model;
}

/* The largest mean of 20 clamped logits in a row, by its definition. */
static double evidence(const float *logits, size_t frames)
{
    size_t span = frames < 20 ? frames : 20;
    double best = -INFINITY;
    for (size_t i = 0; i + span <= frames; i++) {
        double sum = 0;
        for (size_t k = i; k < i + span; k++) {
            sum += fmin(6, fmax(-6, (double)logits[k]));
        }
        best = fmax(best, sum / (double)span);
    }
    return best;
}

static void a_clip_is_worth_its_evidence(void **state)
{
    (void)state;
    static const size_t lengths[] = {6 * RATE, RATE, RATE * 16 / 10, RATE / 3};
    mewl_model *model = little_detector();
    mewl_system *system;
    mewl_error err = {0};
    size_t count;
    float *x = uneven_noise(&count, RATE);
    assert_int_equal(mewl_system_open_model(&system, model, NULL, &err), MEWL_OK);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        mewl_track t;
        assert_int_equal(mewl_system_score(system, &t, x, lengths[i], RATE, &err), MEWL_OK);
        assert_non_null(t.logits);
        assert_true(t.frames > 0 && fabs((double)t.frames * t.frame_s - (double)lengths[i] / RATE) < 0.17);
        float least = INFINITY, most = -INFINITY;
        for (size_t k = 0; k < t.frames; k++) {
            least = fminf(least, t.logits[k]);
            most = fmaxf(most, t.logits[k]);
        }
        assert_true(i > 0 || most - least > 1); /* otherwise nothing is tested */
        assert_true(fabs((double)t.logit - evidence(t.logits, t.frames)) < 1e-4);
        assert_true(fabs(t.score - 1 / (1 + exp(-(double)t.logit))) < 1e-6);
        assert_true(fabsf(t.logit) <= 6);
    }
    mewl_track t;
    assert_int_equal(mewl_system_score(system, &t, x, 0, RATE, &err), MEWL_E_EMPTY);
    mewl_system_close(system);
    mewl_model_free(model);
    free(x);
}

static void scoring_twice_gives_the_same(void **state)
{
    (void)state;
    mewl_model *model = little_detector();
    mewl_system *system;
    mewl_error err = {0};
    size_t count, wide_count;
    float *x = uneven_noise(&count, RATE), *wide = uneven_noise(&wide_count, 44100);
    assert_int_equal(mewl_system_open_model(&system, model, NULL, &err), MEWL_OK);
    mewl_track t;
    assert_int_equal(mewl_system_score(system, &t, x, count, RATE, &err), MEWL_OK);
    const float first = t.logit;
    assert_int_equal(mewl_system_score(system, &t, wide, wide_count, 44100, &err), MEWL_OK); /* resampled */
    assert_true(fabs((double)t.frames * t.frame_s - 6) < 0.17);
    assert_int_equal(mewl_system_score(system, &t, x, count, RATE, &err), MEWL_OK);
    assert_true(t.logit == first);
    mewl_system_close(system);
    mewl_system *other;
    assert_int_equal(mewl_system_open_model(&other, model, "laughter", &err), MEWL_E_NOT_FOUND);
    assert_null(other);
    mewl_model_free(model);
    free(x);
    free(wide);
}

/* RMS over 0.4 s: a sine of amplitude a has 20 log10(a / sqrt 2) dBFS, and 4 dB are one logit from -40 dBFS. */
static void energy_is_level(void **state)
{
    (void)state;
    mewl_system *system;
    mewl_error err = {0};
    float *x = calloc(2 * RATE, sizeof *x);
    assert_non_null(x);
    for (size_t i = RATE / 2; i < RATE * 3 / 2; i++) {
        x[i] = (float)(0.1 * sin(2 * M_PI * 400 * (double)i / RATE));
    }
    assert_int_equal(mewl_system_open_energy(&system, &err), MEWL_OK);
    mewl_track t;
    assert_int_equal(mewl_system_score(system, &t, x, 2 * RATE, RATE, &err), MEWL_OK);
    double level = 20 * log10(0.1 / sqrt(2));
    assert_true(fabs((double)t.logit - (level + 40) / 4) < 0.01);
    assert_string_equal(mewl_system_name(system), "energy");
    mewl_system_close(system);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clip_is_worth_its_evidence),
        cmocka_unit_test(scoring_twice_gives_the_same),
        cmocka_unit_test(energy_is_level),
    };
    return cmocka_run_group_tests_name("system", tests, NULL, NULL);
}
