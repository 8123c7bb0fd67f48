/* Melodies on tracks written down here; breaths in a made recording with known bursts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "voice/breath.h"

#define RATE 16000.0
#define SECONDS 8.0
#define COUNT ((size_t)(RATE * SECONDS))

/* The melody of a track that goes from one F0 to the next in even steps, `count` of them; 0 is unvoiced. */
static mewl_melody melody(const double *corners, size_t count)
{
    enum { EACH = 30 };
    mewl_pitch_frame frames[8 * EACH];
    size_t n = 0;
    for (size_t k = 0; k + 1 < count; k++) {
        for (size_t i = 0; i < EACH; i++, n++) {
            double f0 = corners[k] + (corners[k + 1] - corners[k]) * (double)i / EACH;
            frames[n] = (mewl_pitch_frame){(float)(corners[k] > 0 && corners[k + 1] > 0 ? f0 : 0), 0.9f, 1};
        }
    }
    mewl_pitch_track track = {frames, n, 0, 0.005};
    double change = 0;
    mewl_melody found = mewl_melody_of(&track, 0, n, &change);
    assert_true(found == MEWL_MELODY_NONE || change >= 0);
    return found;
}

static void test_melody(void **state)
{
    (void)state;
    assert_int_equal(melody((double[]){400, 520}, 2), MEWL_MELODY_RISING);
    assert_int_equal(melody((double[]){520, 400}, 2), MEWL_MELODY_FALLING);
    assert_int_equal(melody((double[]){400, 520, 390}, 3), MEWL_MELODY_RISE_FALL);
    assert_int_equal(melody((double[]){400, 420, 405}, 3), MEWL_MELODY_FLAT);
    assert_int_equal(melody((double[]){520, 400, 530}, 3), MEWL_MELODY_COMPLEX);
    assert_int_equal(melody((double[]){400, 520, 400, 520, 400}, 5), MEWL_MELODY_COMPLEX);
    assert_int_equal(melody((double[]){400, 520, 0, 500, 380}, 5), MEWL_MELODY_RISE_FALL); /* over a gap */
    assert_int_equal(melody((double[]){0, 0}, 2), MEWL_MELODY_NONE);
    assert_string_equal(mewl_melody_name(MEWL_MELODY_RISE_FALL), "rise-fall");
    assert_string_equal(mewl_melody_name((mewl_melody)99), "none");
}

static void add_voice(float *samples, double onset_s, double offset_s, double f0, double level)
{
    for (size_t i = (size_t)(onset_s * RATE); i < (size_t)(offset_s * RATE); i++) {
        double t = (double)i / RATE, edge = fmin(1, fmin(t - onset_s, offset_s - t) / 0.02), x = 0;
        for (int h = 1; h <= 8 && h * f0 < 0.45 * RATE; h++) {
            x += sin(2 * M_PI * h * f0 * t) / h;
        }
        samples[i] += (float)(level * edge * x);
    }
}

static void test_breaths(void **state)
{
    (void)state;
    static const struct {
        double onset_s, offset_s, f0, level;
        mewl_breath_kind kind;
    } truth[] = {{0.5, 1.7, 450, 0.2, MEWL_BREATH_EXPIRATION},   {1.8, 2.0, 700, 0.05, MEWL_BREATH_INSPIRATION},
                 {2.3, 3.3, 1600, 0.2, MEWL_BREATH_EXPIRATION},  {3.9, 5.2, 430, 0.18, MEWL_BREATH_EXPIRATION},
                 {5.3, 5.5, 800, 0.04, MEWL_BREATH_INSPIRATION}, {5.9, 7.0, 470, 0.22, MEWL_BREATH_EXPIRATION}};
    const size_t many = sizeof truth / sizeof truth[0];
    float *samples = malloc(COUNT * sizeof *samples);
    mewl_rng rng = mewl_rng_seeded(5);
    for (size_t i = 0; i < COUNT; i++) {
        samples[i] = (float)(0.001 * mewl_rng_normal(&rng));
    }
    for (size_t k = 0; k < many; k++) {
        add_voice(samples, truth[k].onset_s, truth[k].offset_s, truth[k].f0, truth[k].level);
    }
    for (size_t i = (size_t)(7.6 * RATE); i < (size_t)(7.65 * RATE); i++) { /* a knock: no breath */
        samples[i] += (float)(0.02 * mewl_rng_normal(&rng));
    }
    mewl_pitch_track track;
    mewl_breaths breaths;
    assert_int_equal(mewl_pitch_track_make(&track, samples, COUNT, RATE, mewl_pitch_opts_default(), NULL), MEWL_OK);
    assert_int_equal(mewl_breaths_find(&breaths, &track, samples, COUNT, RATE, NULL), MEWL_OK);
    assert_int_equal(breaths.count, many);
    for (size_t k = 0; k < many; k++) {
        const mewl_breath *b = &breaths.list[k];
        assert_int_equal(b->kind, truth[k].kind);
        assert_true(fabs(b->onset_s - truth[k].onset_s) < 0.04 && fabs(b->offset_s - truth[k].offset_s) < 0.04);
        assert_true(fabs(b->f0_median_hz / truth[k].f0 - 1) < 0.02);
        assert_true(b->voiced <= b->end - b->first && b->phonated + b->hyperphonated <= b->voiced);
        if (truth[k].f0 > MEWL_BREATH_HYPERPHONATION_HZ) {
            assert_true(b->hyperphonated * 10 > (b->end - b->first) * 9 && b->phonated == 0);
        }
    }
    mewl_breaths_fini(&breaths);
    mewl_breaths_fini(NULL);
    mewl_pitch_track_fini(&track);
    free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_melody), cmocka_unit_test(test_breaths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
