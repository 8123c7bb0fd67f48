/* F0 tracks: made sounds against their formula and against Praat, silence, noise, hyperphonation, bad arguments. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"
#include "made.h"
#include "voice/pitch.h"

static void test_formula(void **state)
{
    (void)state;
    for (size_t k = 0; k < MADE_COUNT; k++) {
        const made *m = &made_sounds[k];
        size_t count, near = 0, inside = 0;
        float *samples = made_sound(m, &count);
        mewl_pitch_track track;
        assert_int_equal(mewl_pitch_track_make(&track, samples, count, m->rate_hz, mewl_pitch_opts_default(), NULL),
                         MEWL_OK);
        for (size_t i = 0; i < track.count; i++) {
            double t = mewl_pitch_time_s(&track, i), f0 = (double)track.frames[i].f0_hz;
            if (t < m->silent_s - 0.02) {
                assert_true(f0 == 0); /* noise alone, below the silence threshold */
            } else if (t > m->silent_s + 0.02) {
                inside++;
                near += fabs(f0 / made_f0(m, t) - 1) < 0.03;
            }
        }
        if ((double)near < 0.98 * (double)inside) {
            fail_msg("%s: %zu of %zu frames within 3 %%", m->name, near, inside);
        }
        mewl_pitch_track_fini(&track);
        free(samples);
    }
}

static void test_praat(void **state)
{
    (void)state;
    for (size_t k = 0; k < MADE_COUNT; k++) {
        golden g = golden_read(made_sounds[k].name);
        size_t count;
        float *samples = made_sound(&made_sounds[k], &count);
        mewl_pitch_track track;
        assert_int_equal(
            mewl_pitch_track_make(&track, samples, count, made_sounds[k].rate_hz, mewl_pitch_opts_default(), NULL),
            MEWL_OK);
        assert_int_equal(track.count, g.frames);
        assert_true(fabs(track.first_s - g.first_s) < 1e-6);
        size_t both = 0, alike = 0, near = 0;
        double hnr = 0;
        for (size_t i = 0; i < track.count; i++) {
            double f0 = (double)track.frames[i].f0_hz;
            alike += (f0 > 0) == (g.f0[i] > 0);
            if (f0 > 0 && g.f0[i] > 0) {
                both++;
                near += fabs(f0 - g.f0[i]) < 1;
                hnr += mewl_pitch_hnr_db((double)track.frames[i].strength);
            }
        }
        assert_true(both > 80);
        assert_true(alike + 1 >= track.count);
        assert_true(near + 1 >= both);
        assert_true(fabs(hnr / (double)both - g.hnr_db) < 0.5);
        mewl_pitch_track_fini(&track);
        free(samples);
    }
}

static void test_unvoiced(void **state)
{
    (void)state;
    static float samples[16000];
    mewl_pitch_track track;
    assert_int_equal(mewl_pitch_track_make(&track, samples, 16000, 16000, mewl_pitch_opts_default(), NULL), MEWL_OK);
    for (size_t i = 0; i < track.count; i++) {
        assert_true(track.frames[i].f0_hz == 0 && track.frames[i].intensity == 0);
    }
    assert_true(mewl_pitch_at(&track, 0.5) == 0);
    size_t first, end;
    assert_false(mewl_pitch_voiced_run(&track, 0, &first, &end));
    mewl_pitch_track_fini(&track);
    mewl_rng rng = mewl_rng_seeded(4);
    for (size_t i = 0; i < 16000; i++) {
        samples[i] = (float)(0.1 * mewl_rng_normal(&rng));
    }
    samples[100] = NAN; /* counts as 0 */
    assert_int_equal(mewl_pitch_track_make(&track, samples, 16000, 16000, mewl_pitch_opts_default(), NULL), MEWL_OK);
    size_t voiced = 0;
    for (size_t i = 0; i < track.count; i++) {
        voiced += track.frames[i].f0_hz > 0;
    }
    assert_true(voiced * 20 < track.count);
    mewl_pitch_track_fini(&track);
}

/* More frames than candidates are kept for: the path is decided in parts, and each is right. */
static void test_long(void **state)
{
    (void)state;
    const double rate = 8000, seconds = 50;
    size_t count = (size_t)(rate * seconds), near = 0;
    float *samples = malloc(count * sizeof *samples);
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / rate;
        samples[i] = (float)(0.3 * sin(2 * M_PI * (400 * t - 20 * cos(2 * M_PI * t))));
    }
    mewl_pitch_opts opts = mewl_pitch_opts_default();
    opts.step_s = 0.01;
    mewl_pitch_track track;
    assert_int_equal(mewl_pitch_track_make(&track, samples, count, rate, opts, NULL), MEWL_OK);
    assert_true(track.count > 4900);
    for (size_t i = 0; i < track.count; i++) {
        double truth = 400 + 40 * M_PI * sin(2 * M_PI * mewl_pitch_time_s(&track, i));
        near += fabs((double)track.frames[i].f0_hz / truth - 1) < 0.02;
    }
    assert_true(near * 100 > track.count * 99);
    mewl_pitch_track_fini(&track);
    free(samples);
}

static void test_at(void **state)
{
    (void)state;
    mewl_pitch_frame frames[] = {{0, 0, 0}, {400, 1, 1}, {500, 1, 1}, {0, 0, 0}};
    mewl_pitch_track track = {frames, 4, 1.0, 0.01};
    assert_true(fabs(mewl_pitch_at(&track, 1.0125) - 425) < 1e-3);
    assert_true(fabs(mewl_pitch_at(&track, 1.006) - 400) < 1e-3); /* beside an unvoiced frame: the nearer's own */
    assert_true(mewl_pitch_at(&track, 1.004) == 0);
    assert_true(mewl_pitch_at(&track, 0.9) == 0 && mewl_pitch_at(&track, 2) == 0 && mewl_pitch_at(&track, NAN) == 0);
    size_t first, end;
    assert_true(mewl_pitch_voiced_run(&track, 0, &first, &end));
    assert_int_equal(first, 1);
    assert_int_equal(end, 3);
}

static void test_arguments(void **state)
{
    (void)state;
    static const float samples[400];
    mewl_pitch_track track;
    mewl_error err = {0};
    mewl_pitch_opts opts = mewl_pitch_opts_default();
    assert_int_equal(mewl_pitch_track_make(&track, samples, 100, 16000, opts, &err), MEWL_E_EMPTY);
    assert_int_equal(mewl_pitch_track_make(&track, samples, 400, 1000, opts, &err), MEWL_E_ARG);
    assert_int_equal(mewl_pitch_track_make(&track, samples, 400, NAN, opts, &err), MEWL_E_ARG);
    opts.floor_hz = 0;
    assert_int_equal(mewl_pitch_track_make(&track, samples, 400, 16000, opts, &err), MEWL_E_ARG);
    opts = mewl_pitch_opts_default();
    opts.ceiling_hz = 100;
    assert_int_equal(mewl_pitch_track_make(&track, samples, 400, 16000, opts, &err), MEWL_E_ARG);
    opts = mewl_pitch_opts_default();
    opts.octave_cost = NAN;
    assert_int_equal(mewl_pitch_track_make(&track, samples, 400, 16000, opts, &err), MEWL_E_ARG);
    mewl_pitch_track_fini(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formula), cmocka_unit_test(test_praat), cmocka_unit_test(test_unvoiced),
        cmocka_unit_test(test_long),    cmocka_unit_test(test_at),    cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
