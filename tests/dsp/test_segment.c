/* Segmentation: bursts at known times in noise, at several rates and levels; clips without contrast. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "dsp/segment.h"

#define SECONDS 8

/* A voice of harmonics of 430 Hz with 10 ms ramps between onset and offset. */
static void add_burst(float *samples, double rate_hz, double onset_s, double offset_s, double level)
{
    for (size_t i = (size_t)(onset_s * rate_hz); i < (size_t)(offset_s * rate_hz); i++) {
        double t = (double)i / rate_hz, edge = fmin(t - onset_s, offset_s - t) / 0.010;
        double value = 0;
        for (int h = 1; h <= 7 && 430 * h < rate_hz / 2; h++) {
            value += sin(2 * M_PI * 430 * h * t) / h;
        }
        samples[i] += (float)(level * value * fmin(1, fmax(0, edge)));
    }
}

static float *noise(double rate_hz, double level)
{
    mewl_rng rng = mewl_rng_seeded(7);
    size_t count = (size_t)(SECONDS * rate_hz);
    float *samples = calloc(count, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++) {
        /* A 60 Hz rumble, which the high-pass must keep out of the count. */
        samples[i] = (float)(level * mewl_rng_normal(&rng) + 0.02 * sin(2 * M_PI * 60 * (double)i / rate_hz));
    }
    return samples;
}

static void bursts_are_found_where_they_are(void **state)
{
    (void)state;
    static const double truth[][2] = {{0.7, 1.5}, {1.9, 2.6}, {4.2, 5.0}, {5.9, 6.03}};
    static const double rates[] = {8000, 16000, 22050, 44100};
    static const double noises[] = {0.0003, 0.003, 0.02};
    for (size_t r = 0; r < 4; r++) {
        for (size_t n = 0; n < 3; n++) {
            float *samples = noise(rates[r], noises[n]);
            for (size_t b = 0; b < 4; b++) {
                add_burst(samples, rates[r], truth[b][0], truth[b][1], 0.2);
            }
            mewl_segments s;
            mewl_error err = {0};
            size_t count = (size_t)(SECONDS * rates[r]);
            assert_int_equal(mewl_segment_clip(&s, samples, count, rates[r], mewl_segment_opts_default(), &err),
                             MEWL_OK);
            assert_int_equal(s.burst_count, 4);
            for (size_t b = 0; b < 4; b++) {
                assert_true(fabs(s.bursts[b].onset_s - truth[b][0]) <= 0.020);
                assert_true(fabs(s.bursts[b].offset_s - truth[b][1]) <= 0.020);
            }
            /* 0.4 s and 0.9 s are bridged, 1.6 s is not. */
            assert_int_equal(s.event_count, 2);
            assert_true(fabs(s.events[0].offset_s - 2.6) <= 0.020 && fabs(s.events[1].offset_s - 6.03) <= 0.020);
            assert_true(s.floor_in_gaps);
            double power = 0, expected;
            for (int h = 1; h <= 7 && 430 * h < rates[r] / 2; h++) {
                power += 0.5 * 0.04 / h / h;
            }
            double rumble = 0.5 * 0.02 * 0.02 * pow(60.0 / 250, 4); /* what the high-pass leaves of it */
            expected = 10 * log10(power / (noises[n] * noises[n] + rumble) + 1);
            assert_true(fabs(s.snr_db - expected) < 1.5);
            mewl_segments_fini(&s);
            free(samples);
        }
    }
}

static void no_contrast_no_events(void **state)
{
    (void)state;
    mewl_segments s;
    mewl_error err = {0};
    float *samples = noise(8000, 0.01);
    assert_int_equal(mewl_segment_clip(&s, samples, SECONDS * 8000, 8000, mewl_segment_opts_default(), &err), MEWL_OK);
    assert_int_equal(s.event_count, 0);
    mewl_segments_fini(&s);
    memset(samples, 0, SECONDS * 8000 * sizeof *samples);
    assert_int_equal(mewl_segment_clip(&s, samples, SECONDS * 8000, 8000, mewl_segment_opts_default(), &err), MEWL_OK);
    assert_int_equal(s.event_count, 0);
    mewl_segments_fini(&s);
    assert_int_equal(mewl_segment_clip(&s, samples, 10, 8000, mewl_segment_opts_default(), &err), MEWL_OK);
    assert_int_equal(s.event_count, 0);
    mewl_segments_fini(&s);
    /* A click of 20 ms is no burst; non-finite samples are passed over. */
    add_burst(samples, 8000, 2, 2.02, 0.5);
    samples[40000] = NAN;
    samples[40001] = INFINITY;
    assert_int_equal(mewl_segment_clip(&s, samples, SECONDS * 8000, 8000, mewl_segment_opts_default(), &err), MEWL_OK);
    assert_int_equal(s.burst_count, 0);
    mewl_segments_fini(&s);
    free(samples);
}

static void all_cry_falls_back_to_levels(void **state)
{
    (void)state;
    mewl_segments s;
    mewl_error err = {0};
    float *samples = noise(16000, 0.001);
    add_burst(samples, 16000, 0.0, 7.9, 0.2);
    for (size_t i = 0; i < 3; i++) { /* short breaths */
        memset(samples + (size_t)((1.9 + 2 * (double)i) * 16000), 0, 3200 * sizeof *samples);
    }
    assert_int_equal(mewl_segment_clip(&s, samples, SECONDS * 16000, 16000, mewl_segment_opts_default(), &err),
                     MEWL_OK);
    assert_int_equal(s.event_count, 0 + (s.burst_count > 0));
    assert_false(s.floor_in_gaps);
    mewl_segments_fini(&s);
    free(samples);
}

static void options_are_checked(void **state)
{
    (void)state;
    mewl_segments s;
    mewl_error err = {0};
    float samples[100] = {0};
    mewl_segment_opts opts = mewl_segment_opts_default();
    assert_int_equal(mewl_segment_clip(&s, samples, 100, 100, opts, &err), MEWL_E_ARG);
    opts.hop_s = 0;
    assert_int_equal(mewl_segment_clip(&s, samples, 100, 8000, opts, &err), MEWL_E_ARG);
    opts = mewl_segment_opts_default();
    opts.threshold = NAN;
    assert_int_equal(mewl_segment_clip(&s, samples, 100, 8000, opts, &err), MEWL_E_ARG);
}

/* The levels shown are those decided by: over the threshold within a burst, under it between. */
static void levels_are_what_is_decided_by(void **state)
{
    (void)state;
    const double rate_hz = 16000;
    size_t count = (size_t)(rate_hz * SECONDS), level_count = 0;
    float *samples = noise(rate_hz, 0.001), *levels = NULL;
    add_burst(samples, rate_hz, 2, 4, 0.2);
    mewl_segment_opts opts = mewl_segment_opts_default();
    mewl_segments s;
    assert_int_equal(mewl_segment_clip(&s, samples, count, rate_hz, opts, NULL), MEWL_OK);
    assert_int_equal(mewl_segment_levels(&levels, &level_count, samples, count, rate_hz, opts, NULL), MEWL_OK);
    assert_int_equal(level_count, (size_t)(SECONDS / opts.hop_s));
    for (size_t i = 0; i < level_count; i++) {
        double from = (double)i * opts.hop_s, to = from + opts.frame_s;
        if (from > 2.05 && to < 3.95) {
            assert_true((double)levels[i] > s.threshold_dbfs);
        } else if (to < 1.95 || from > 4.05) {
            assert_true((double)levels[i] < s.threshold_dbfs);
        }
    }
    free(levels);
    assert_int_equal(mewl_segment_levels(&levels, &level_count, samples, 10, rate_hz, opts, NULL), MEWL_OK);
    assert_true(levels == NULL && level_count == 0);
    assert_int_equal(mewl_segment_levels(&levels, &level_count, samples, count, 100, opts, NULL), MEWL_E_ARG);
    mewl_segments_fini(&s);
    free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bursts_are_found_where_they_are), cmocka_unit_test(no_contrast_no_events),
        cmocka_unit_test(all_cry_falls_back_to_levels),    cmocka_unit_test(options_are_checked),
        cmocka_unit_test(levels_are_what_is_decided_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
