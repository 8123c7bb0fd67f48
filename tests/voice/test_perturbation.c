/* Pulses, jitter and shimmer: made sounds against Praat; pulses at known times against the definitions. */
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
#include "voice/perturbation.h"

static void near(const char *what, double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * expected)) {
        fail_msg("%s is %g, not %g", what, value, expected);
    }
}

static void test_praat(void **state)
{
    (void)state;
    for (size_t k = 0; k < MADE_COUNT; k++) {
        golden g = golden_read(made_sounds[k].name);
        size_t count;
        float *samples = made_sound(&made_sounds[k], &count);
        double rate = made_sounds[k].rate_hz;
        mewl_pitch_track track;
        mewl_pulses pulses;
        mewl_perturbation p;
        assert_int_equal(mewl_pitch_track_make(&track, samples, count, rate, mewl_pitch_opts_default(), NULL), MEWL_OK);
        assert_int_equal(mewl_pulses_find(&pulses, &track, samples, count, rate, NULL), MEWL_OK);
        assert_int_equal(mewl_perturbation_measure(&p, &pulses, samples, count, rate, NULL, 0, NULL), MEWL_OK);
        near("jitter", p.jitter_local, g.jitter_local, 0.05);
        near("rap", p.jitter_rap, g.jitter_rap, 0.05);
        near("shimmer dB", p.shimmer_local_db, g.shimmer_db, 0.05);
        near("shimmer", p.shimmer_local, g.shimmer_local, 0.05);
        mewl_pulses_fini(&pulses);
        mewl_pitch_track_fini(&track);
        free(samples);
    }
}

/* Periods of 2.0 and 2.1 ms in turn: every difference is 0.1 ms, the mean 2.05 ms. */
static void test_definition(void **state)
{
    (void)state;
    enum { COUNT = 41, RATE = 48000 };
    static float samples[RATE / 8];
    double times[COUNT], t = 0.01;
    for (size_t i = 0; i < COUNT; i++) {
        times[i] = t;
        double amplitude = i % 2 ? 0.5 : 0.4;
        for (long k = lround((t - 0.001) * RATE); k < lround((t + 0.001) * RATE); k++) {
            samples[k] = (float)amplitude;
        }
        t += i % 2 ? 0.0021 : 0.0020;
    }
    mewl_pulses pulses = {times, COUNT};
    mewl_perturbation p;
    assert_int_equal(mewl_perturbation_measure(&p, &pulses, samples, RATE / 8, RATE, NULL, 0, NULL), MEWL_OK);
    assert_int_equal(p.periods, COUNT - 1);
    near("jitter", p.jitter_local, 0.1 / 2.05, 1e-6);
    near("rap", p.jitter_rap, 0.1 * 2 / 3 / 2.05, 1e-6);
    near("shimmer dB", p.shimmer_local_db, 20 * log10(0.5 / 0.4), 1e-6);
    near("shimmer", p.shimmer_local, 0.1 / 0.45, 0.01);
    /* In one half alone; and where the two spans part a pair of pulses. */
    mewl_voice_span half = {0.01, times[20]};
    assert_int_equal(mewl_perturbation_measure(&p, &pulses, samples, RATE / 8, RATE, &half, 1, NULL), MEWL_OK);
    assert_int_equal(p.periods, 20);
    mewl_voice_span two[2] = {{0, times[10] + 0.001}, {times[11] - 0.0005, 1}};
    assert_int_equal(mewl_perturbation_measure(&p, &pulses, samples, RATE / 8, RATE, two, 2, NULL), MEWL_OK);
    assert_int_equal(p.periods, COUNT - 2);
}

static void test_nothing(void **state)
{
    (void)state;
    static const float samples[1600];
    mewl_pitch_track track;
    mewl_pulses pulses;
    mewl_perturbation p;
    assert_int_equal(mewl_pitch_track_make(&track, samples, 1600, 16000, mewl_pitch_opts_default(), NULL), MEWL_OK);
    assert_int_equal(mewl_pulses_find(&pulses, &track, samples, 1600, 16000, NULL), MEWL_OK);
    assert_int_equal(pulses.count, 0);
    assert_int_equal(mewl_perturbation_measure(&p, &pulses, samples, 1600, 16000, NULL, 0, NULL), MEWL_OK);
    assert_true(isnan(p.jitter_local) && isnan(p.shimmer_local_db) && p.periods == 0);
    mewl_pulses_fini(&pulses);
    mewl_pulses_fini(NULL);
    mewl_pitch_track_fini(&track);
}

/* A pure tone near the ceiling, where following pulses can stand still: it ends. */
static void test_shrill(void **state)
{
    (void)state;
    enum { COUNT = 8000 };
    static float samples[COUNT];
    mewl_rng rng = mewl_rng_seeded(3);
    for (size_t i = 0; i < COUNT; i++) {
        samples[i] = (float)(0.4 * sin(2 * M_PI * 2900.0 / 8000 * (double)i) + 0.05 * mewl_rng_normal(&rng));
    }
    mewl_pitch_track track;
    mewl_pulses pulses;
    assert_int_equal(mewl_pitch_track_make(&track, samples, COUNT, 8000, mewl_pitch_opts_default(), NULL), MEWL_OK);
    assert_int_equal(mewl_pulses_find(&pulses, &track, samples, COUNT, 8000, NULL), MEWL_OK);
    assert_true(pulses.count <= 3333);
    for (size_t i = 1; i < pulses.count; i++) {
        assert_true(pulses.times_s[i] > pulses.times_s[i - 1]);
    }
    mewl_pulses_fini(&pulses);
    mewl_pitch_track_fini(&track);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_praat), cmocka_unit_test(test_definition),
                                       cmocka_unit_test(test_nothing), cmocka_unit_test(test_shrill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
