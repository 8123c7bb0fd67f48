/* Made sounds: each kind is finite, heard, repeatable, different by seed, and where it should be in frequency. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/sanitized.h"
#include "data/sounds.h"

#define COUNT (5 * MEWL_SOUNDS_RATE_HZ)

static float *speech_like(void)
{
    float *voice = calloc(COUNT, sizeof *voice);
    assert_non_null(voice);
    for (size_t i = 0; i < COUNT; i++) {
        double t = (double)i / MEWL_SOUNDS_RATE_HZ;
        voice[i] = (float)(0.2 * sin(2 * M_PI * 120 * t) * (1 + sin(2 * M_PI * 3 * t)));
    }
    return voice;
}

static void every_kind_is_made(void **state)
{
    (void)state;
    float *voice = speech_like();
    float *a = calloc(COUNT, sizeof *a), *b = calloc(COUNT, sizeof *b);
    assert_true(a != NULL && b != NULL);
    for (int kind = 0; kind < MEWL_SOUND_KINDS; kind++) {
        for (uint64_t seed = 0; seed < (SANITIZED ? 4 : 24); seed++) {
            mewl_error err = {0};
            mewl_rng rng = mewl_rng_stream(seed, (uint64_t)kind), same = rng;
            assert_int_equal(mewl_sound_make(a, COUNT, (mewl_sound_kind)kind, &rng, voice, COUNT, &err), MEWL_OK);
            double power = 0, peak = 0;
            for (size_t i = 0; i < COUNT; i++) {
                assert_true(isfinite(a[i]));
                power += (double)a[i] * (double)a[i];
                peak = fmax(peak, fabs((double)a[i]));
            }
            assert_true(fabs(peak - 0.5) < 1e-6);
            assert_true(power / COUNT > 1e-6);
            assert_int_equal(mewl_sound_make(b, COUNT, (mewl_sound_kind)kind, &same, voice, COUNT, &err), MEWL_OK);
            assert_memory_equal(a, b, COUNT * sizeof *a);
            assert_int_equal(mewl_sound_make(b, COUNT, (mewl_sound_kind)kind, &rng, voice, COUNT, &err), MEWL_OK);
            assert_memory_not_equal(a, b, COUNT * sizeof *a);
        }
    }
    free(a);
    free(b);
    free(voice);
}

/* Share of power in differences of neighbours: about 2 for white noise, small for low sounds. */
static double brightness(const float *x, size_t count)
{
    double power = 1e-20, change = 0;
    for (size_t i = 1; i < count; i++) {
        double d = (double)x[i] - (double)x[i - 1];
        power += (double)x[i] * (double)x[i];
        change += d * d;
    }
    return change / power;
}

static void colours_differ(void **state)
{
    (void)state;
    float *x = calloc(COUNT, sizeof *x);
    assert_non_null(x);
    double level[3];
    for (int k = 0; k < 3; k++) {
        mewl_rng rng = mewl_rng_seeded(5);
        assert_int_equal(mewl_sound_make(x, COUNT, (mewl_sound_kind)(MEWL_SOUND_WHITE + k), &rng, NULL, 0, NULL),
                         MEWL_OK);
        level[k] = brightness(x, COUNT);
    }
    assert_true(fabs(level[0] - 2) < 0.05);
    assert_true(level[1] < 0.8 && level[1] > 0.1);
    assert_true(level[2] < 0.02);
    free(x);
}

static void mistakes(void **state)
{
    (void)state;
    float x[16];
    mewl_rng rng = mewl_rng_seeded(1);
    mewl_error err = {0};
    assert_int_equal(mewl_sound_make(x, 16, MEWL_SOUND_KINDS, &rng, NULL, 0, &err), MEWL_E_ARG);
    assert_int_equal(mewl_sound_make(x, 16, MEWL_SOUND_LAUGHTER, &rng, NULL, 0, &err), MEWL_E_ARG);
    assert_int_equal(mewl_sound_make(x, 16, MEWL_SOUND_SIREN, &rng, NULL, 0, &err), MEWL_OK);
    assert_int_equal(mewl_sound_make(x, 0, MEWL_SOUND_MELODY, &rng, NULL, 0, &err), MEWL_OK);
    assert_true(mewl_sound_is_background(MEWL_SOUND_FAN) && !mewl_sound_is_background(MEWL_SOUND_SIREN));
    assert_true(mewl_sound_needs_voice(MEWL_SOUND_BABBLE) && !mewl_sound_needs_voice(MEWL_SOUND_TICKS));
    assert_string_equal(mewl_sound_label(MEWL_SOUND_SNORING), "snoring");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_made),
        cmocka_unit_test(colours_differ),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
