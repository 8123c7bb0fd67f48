/* Tests of audio/hearing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/hearing.h"
#include "measure.h"

#define RATE 16000

/* Pushes `seconds` of x (its first samples), a tenth at a time; returns how often the verdict changed. */
static int feed(mewl_hearing *h, const float *x, double seconds)
{
    int changes = 0;
    for (size_t done = 0, count = (size_t)(seconds * RATE); done < count; done += RATE / 10) {
        changes += mewl_hearing_push(h, x + done, count - done < RATE / 10 ? count - done : RATE / 10);
    }
    return changes;
}

static void quiet_is_not_silence(void **state)
{
    (void)state;
    mewl_hearing h;
    mewl_hearing_init(&h, RATE, (mewl_hearing_opts){0});
    assert_true(mewl_hearing_now(&h).hearing);
    float *hiss = signal_noise(RATE * 10, 1, 1e-6);
    assert_int_equal(feed(&h, hiss, 10.0), 0);
    assert_true(mewl_hearing_now(&h).hearing);
    assert_int_equal(mewl_hearing_now(&h).why, MEWL_WHY_HEARING);
    free(hiss);
}

static void digital_silence_is_told_and_dated(void **state)
{
    (void)state;
    float *hiss = signal_noise(RATE * 10, 1, 0.01);
    float *still = calloc(RATE * 10, sizeof *still);
    for (int constant = 0; constant < 2; constant++) {
        if (constant == 1) { /* a dead converter may stand at another value than 0 */
            for (size_t i = 0; i < RATE * 10; i++) {
                still[i] = 0.125F;
            }
        }
        mewl_hearing h;
        mewl_hearing_init(&h, RATE, (mewl_hearing_opts){0});
        assert_int_equal(feed(&h, hiss, 2.0), 0);
        assert_int_equal(feed(&h, still, 2.9), 0);
        assert_int_equal(feed(&h, still, 0.2), 1);
        mewl_hearing_verdict v = mewl_hearing_now(&h);
        assert_false(v.hearing);
        assert_int_equal(v.why, MEWL_WHY_SILENCE);
        assert_true(fabs(v.since_s - 2.0) < 1e-3);
        assert_string_equal(mewl_hearing_text(v.why), "digital silence");
        assert_int_equal(feed(&h, still, 4.0), 0);
        assert_int_equal(feed(&h, hiss, 1.0), 1);
        v = mewl_hearing_now(&h);
        assert_true(v.hearing);
        assert_true(fabs(v.since_s - 9.1) < 1e-3);
    }
    free(hiss);
    free(still);
}

static void clipping_is_told_and_does_not_flicker(void **state)
{
    (void)state;
    float *loud = signal_tone(RATE * 10, RATE, 440, 4.0), *fair = signal_tone(RATE * 10, RATE, 440, 0.5);
    for (size_t i = 0; i < RATE * 10; i++) {
        loud[i] = loud[i] > 1.0F ? 1.0F : loud[i] < -1.0F ? -1.0F : loud[i];
    }
    mewl_hearing h;
    mewl_hearing_init(&h, RATE, (mewl_hearing_opts){0});
    assert_int_equal(feed(&h, fair, 4.0), 0);
    assert_int_equal(feed(&h, loud, 4.0), 1);
    assert_int_equal(mewl_hearing_now(&h).why, MEWL_WHY_CLIPPING);
    assert_false(mewl_hearing_now(&h).hearing);
    assert_int_equal(feed(&h, fair, 4.0), 1);
    assert_true(mewl_hearing_now(&h).hearing);
    free(loud);
    free(fair);
}

static void a_stopped_stream_is_told(void **state)
{
    (void)state;
    float *hiss = signal_noise(RATE * 10, 1, 0.01);
    mewl_hearing h;
    mewl_hearing_init(&h, RATE, (mewl_hearing_opts){.stop_s = 2.0});
    assert_int_equal(feed(&h, hiss, 5.0), 0);
    assert_false(mewl_hearing_gap(&h, 1.0));
    assert_true(mewl_hearing_now(&h).hearing);
    assert_true(mewl_hearing_gap(&h, 1.5));
    mewl_hearing_verdict v = mewl_hearing_now(&h);
    assert_int_equal(v.why, MEWL_WHY_STOPPED);
    assert_true(fabs(v.since_s - 5.0) < 1e-9);
    assert_false(mewl_hearing_gap(&h, 10.0));
    assert_int_equal(feed(&h, hiss, 1.0), 1);
    v = mewl_hearing_now(&h);
    assert_true(v.hearing);
    assert_true(fabs(v.since_s - 17.5) < 1e-9);
    assert_false(mewl_hearing_gap(&h, 1.0)); /* short gaps do not add up across sound */
    assert_int_equal(feed(&h, hiss, 1.0), 0);
    assert_false(mewl_hearing_gap(&h, 1.5));
    assert_false(mewl_hearing_gap(&h, NAN));
    assert_false(mewl_hearing_gap(&h, -1.0));
    free(hiss);
}

static void silence_after_a_stop_is_silence(void **state)
{
    (void)state;
    float *still = calloc(RATE * 10, sizeof *still);
    mewl_hearing h;
    mewl_hearing_init(&h, RATE, (mewl_hearing_opts){0});
    assert_true(mewl_hearing_gap(&h, 5.0));
    assert_int_equal(feed(&h, still, 1.0), 1); /* samples come again */
    assert_int_equal(feed(&h, still, 3.0), 1);
    assert_int_equal(mewl_hearing_now(&h).why, MEWL_WHY_SILENCE);
    assert_true(fabs(mewl_hearing_now(&h).since_s - 5.0) < 1e-3);
    free(still);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_is_not_silence),
        cmocka_unit_test(digital_silence_is_told_and_dated),
        cmocka_unit_test(clipping_is_told_and_does_not_flicker),
        cmocka_unit_test(a_stopped_stream_is_told),
        cmocka_unit_test(silence_after_a_stop_is_silence),
    };
    return cmocka_run_group_tests_name("audio/hearing", tests, NULL, NULL);
}
