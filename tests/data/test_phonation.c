/* Bursts of a clip that is known to hold a cry: those with an infant's voice stay, from where the voice begins. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/phonation.h"

#define RATE 16000
#define COUNT (8 * RATE)

static float x[COUNT];

static void quiet(uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = (float)(2e-4 * mewl_rng_normal(&rng));
    }
}

/* Harmonics of a falling fundamental with a formant at 1 kHz. */
static void add_voice(double from_s, double to_s, double hz, double level)
{
    double phase = 0;
    for (size_t i = (size_t)(from_s * RATE); i < (size_t)(to_s * RATE); i++) {
        double f = hz * (1 - 0.1 * ((double)i / RATE - from_s) / (to_s - from_s));
        phase += 2 * M_PI * f / RATE;
        for (int h = 1; h * f < 7000; h++) {
            double away = (h * f - 1000) / 500;
            x[i] += (float)(level * (0.1 + exp(-away * away)) * sin(h * phase) / 3);
        }
    }
}

static void add_noise(double from_s, double to_s, double level)
{
    mewl_rng rng = mewl_rng_seeded(5);
    for (size_t i = (size_t)(from_s * RATE); i < (size_t)(to_s * RATE); i++) {
        x[i] += (float)(level * mewl_rng_normal(&rng));
    }
}

static void found(mewl_segments *s)
{
    const mewl_segment_opts opts = mewl_segment_opts_default();
    assert_int_equal(mewl_segment_clip(s, x, COUNT, RATE, opts, NULL), MEWL_OK);
    assert_true(s->burst_count > 0);
    assert_int_equal(mewl__segments_phonation(s, x, COUNT, opts, NULL), MEWL_OK);
}

static void near(double is, double expected)
{
    if (fabs(is - expected) > 0.05) {
        fail_msg("%.3f s, expected %.3f s", is, expected);
    }
}

/* Handling, a pause, then a cry whose breath runs into its voice, then a second cry after a breath. */
static void cries_begin_with_voice(void **state)
{
    (void)state;
    mewl_segments s;
    quiet(1);
    add_noise(0.5, 1.0, 0.1);
    add_noise(1.7, 2.0, 0.1);
    add_voice(2.0, 3.0, 500, 0.3);
    add_voice(3.5, 4.5, 450, 0.2);
    add_noise(5.2, 5.6, 0.1);
    found(&s);
    assert_int_equal(s.burst_count, 2);
    assert_int_equal(s.event_count, 1);
    near(s.events[0].onset_s, 2.0);
    near(s.events[0].offset_s, 4.5);
    mewl_segments_fini(&s);
}

static void faint_voices_are_not_the_cry(void **state)
{
    (void)state;
    mewl_segments s;
    quiet(2);
    add_voice(1.0, 1.8, 350, 0.3 * 0.2); /* 14 dB below */
    add_voice(2.3, 3.3, 500, 0.3);
    add_voice(3.8, 4.6, 500, 0.3 * 0.5); /* 6 dB below */
    found(&s);
    assert_int_equal(s.event_count, 1);
    near(s.events[0].onset_s, 2.3);
    near(s.events[0].offset_s, 4.6);
    mewl_segments_fini(&s);
}

static void noise_alone_is_no_cry(void **state)
{
    (void)state;
    mewl_segments s;
    quiet(3);
    add_noise(1.0, 2.0, 0.2);
    add_noise(4.0, 4.5, 0.1);
    found(&s);
    assert_int_equal(s.burst_count, 0);
    assert_int_equal(s.event_count, 0);
    assert_null(s.events);
    mewl_segments_fini(&s);
}

/* Bursts at both ends of a clip, one shorter than a frame of voice. */
static void edges_of_the_clip(void **state)
{
    (void)state;
    mewl_segments s;
    memset(x, 0, sizeof x);
    add_voice(0, 1.0, 500, 0.3);
    add_voice(7.0, 8.0, 500, 0.3);
    found(&s);
    assert_int_equal(s.event_count, 2);
    near(s.events[0].onset_s, 0);
    near(s.events[1].offset_s, 8.0);
    mewl_segments_fini(&s);
    mewl_burst tiny = {0.001, 0.02};
    mewl_segments own = {.bursts = &tiny, .burst_count = 1};
    assert_int_equal(mewl__segments_phonation(&own, x, RATE / 50, mewl_segment_opts_default(), NULL), MEWL_OK);
    assert_int_equal(own.burst_count, 0);
    assert_int_equal(own.event_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cries_begin_with_voice),
        cmocka_unit_test(faint_voices_are_not_the_cry),
        cmocka_unit_test(noise_alone_is_no_cry),
        cmocka_unit_test(edges_of_the_clip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
