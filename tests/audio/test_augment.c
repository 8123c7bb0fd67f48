/* Tests of audio/augment and audio/codec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "audio/augment.h"
#include "audio/codec.h"
#include "audio/level.h"
#include "audio/spectrum.h"
#include "measure.h"

#define RATE 16000

static void active_power_leaves_pauses_out(void **state)
{
    (void)state;
    float *x = signal_tone(RATE * 4, RATE, 500, 0.5);
    const double full = mewl_augment_active_power(x, RATE * 4, RATE);
    assert_true(fabs(full - 0.125) < 1e-3);
    memset(x + RATE, 0, 2 * RATE * sizeof *x);
    assert_true(fabs(mewl_augment_active_power(x, RATE * 4, RATE) - 0.125) < 1e-3);
    for (size_t i = RATE; i < 3 * RATE; i++) {
        x[i] = (float)(0.005 * sin((double)i)); /* 40 dB below */
    }
    assert_true(fabs(mewl_augment_active_power(x, RATE * 4, RATE) - 0.125) < 2e-3);
    memset(x, 0, RATE * 4 * sizeof *x);
    assert_true(mewl_augment_active_power(x, RATE * 4, RATE) == 0.0);
    assert_true(mewl_augment_active_power(x, 0, RATE) == 0.0);
    x[0] = 0.5F;
    assert_true(mewl_augment_active_power(x, 1, RATE) == 0.25);
    free(x);
}

static void a_mixture_has_the_snr_asked_for(void **state)
{
    (void)state;
    static const double snrs[] = {-10, 0, 5, 20};
    float *cry = signal_tone(RATE * 2, RATE, 600, 0.3);
    memset(cry + RATE / 2, 0, RATE / 2 * sizeof *cry); /* a breath */
    for (size_t i = 0; i < 4; i++) {
        float *room = signal_noise(RATE * 5, 2, 0.1), *mixed = signal_noise(RATE * 5, 2, 0.1);
        const double power = mewl_augment_active_power(cry, RATE * 2, RATE);
        const double under = mewl_augment_active_power(mixed + RATE, RATE * 2, RATE);
        const double gain = sqrt(under / power * pow(10, snrs[i] / 10));
        mewl_augment_add(mixed, RATE * 5, cry, RATE * 2, RATE, gain);
        for (size_t k = 0; k < RATE * 5; k++) {
            mixed[k] -= room[k];
        }
        assert_true(signal_rms(mixed, 0, RATE) == 0.0 && signal_rms(mixed, 3 * RATE, 5 * RATE) == 0.0);
        const double signal = signal_rms(mixed, RATE, RATE * 3 / 2), noise = signal_rms(room, RATE, RATE * 3);
        assert_true(fabs(signal_db(signal / noise) - snrs[i]) < 0.2);
        free(room);
        free(mixed);
    }
    float other[100] = {0};
    other[50] = 1.0F;
    mewl_augment_add(other, 100, cry + 1, 1000, 99, 1.0); /* cut at the end */
    assert_true(other[99] == cry[1]);
    mewl_augment_add(other, 100, cry, 10, 100, 1.0);
    mewl_augment_add(other, 100, cry, 10, SIZE_MAX, 1.0);
    free(cry);
}

static void gain_level_and_clipping(void **state)
{
    (void)state;
    float *x = signal_tone(RATE, RATE, 500, 0.5);
    mewl_augment_gain(x, RATE, 0.5);
    assert_true(fabs(mewl_level_dbfs(x, RATE) - 20.0 * log10(0.25 / sqrt(2.0))) < 1e-3);
    mewl_augment_clip(x, RATE, 0.05F);
    float most = 0.0F;
    for (size_t i = 0; i < RATE; i++) {
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    }
    assert_true(most == 0.05F);
    free(x);
}

static void convolution_is_the_definition(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 1}, {5, 3}, {100, 1000}, {1000, 100}, {3001, 257}, {20000, 600}, {600, 600}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t n = sizes[s][0], m = sizes[s][1];
        float *x = signal_noise(n, 1, 1.0), *h = signal_noise(m, 2, 1.0), *y = malloc((n + m) * sizeof *y);
        assert_int_equal(mewl__convolve(y, n + m - 1, 0, x, n, h, m, NULL), MEWL_OK);
        double worst = 0.0;
        for (size_t i = 0; i < n + m - 1; i++) {
            double exact = 0.0;
            for (size_t k = i >= n ? i - n + 1 : 0; k < m && k <= i; k++) {
                exact += (double)h[k] * (double)x[i - k];
            }
            worst = fmax(worst, fabs(exact - (double)y[i]));
        }
        assert_true(worst < 1e-4 * sqrt((double)m));
        free(x);
        free(h);
        free(y);
    }
    float x = 1.0F, y;
    const float h[3] = {1, 2, 3};
    assert_int_equal(mewl_augment_room(&y, &x, 0, h, 3, RATE, NULL), MEWL_OK);
    assert_int_equal(mewl_augment_room(&y, &x, 1, h, 0, RATE, NULL), MEWL_E_ARG);
}

static void a_room_keeps_time_and_level(void **state)
{
    (void)state;
    float *x = signal_noise(RATE * 2, 5, 0.2), *y = malloc(RATE * 2 * sizeof *y);
    memset(x, 0, RATE / 2 * sizeof *x);
    float response[8000] = {0};
    response[300] = -0.7F; /* the direct path, late and turned over */
    assert_int_equal(mewl_augment_room(y, x, RATE * 2, response, 8000, RATE, NULL), MEWL_OK);
    for (size_t i = 0; i < RATE * 2; i++) {
        assert_true(fabsf(y[i] + x[i]) < 1e-4F);
    }
    uint32_t seed = 1;
    for (size_t i = 301; i < 8000; i++) {
        seed = seed * 1664525U + 1013904223U;
        response[i] = (float)(0.05 * exp(-(double)i / 1500.0) * ((double)(seed >> 8) / 8388608.0 - 1.0));
    }
    const double before = mewl_augment_active_power(x, RATE * 2, RATE);
    float *same = malloc(RATE * 2 * sizeof *same);
    memcpy(same, x, RATE * 2 * sizeof *same);
    assert_int_equal(mewl_augment_room(y, x, RATE * 2, response, 8000, RATE, NULL), MEWL_OK);
    assert_int_equal(mewl_augment_room(same, same, RATE * 2, response, 8000, RATE, NULL), MEWL_OK); /* in place */
    assert_memory_equal(same, y, RATE * 2 * sizeof *y);
    assert_true(fabs(10.0 * log10(mewl_augment_active_power(y, RATE * 2, RATE) / before)) < 0.01);
    double product = 0.0, xx = 0.0, yy = 0.0;
    for (size_t i = RATE / 2; i < RATE * 2; i++) {
        product += (double)x[i] * (double)y[i];
        xx += (double)x[i] * (double)x[i];
        yy += (double)y[i] * (double)y[i];
    }
    assert_true(product / sqrt(xx * yy) < -0.3);          /* still the direct path, still at its time */
    assert_true(signal_rms(y, 0, RATE / 2 - 301) < 1e-4); /* nothing before it began */
    free(x);
    free(y);
    free(same);
}

static void a_low_pass_passes_the_low(void **state)
{
    (void)state;
    static const double cutoffs[] = {3400, 4000, 7000};
    for (size_t c = 0; c < 3; c++) {
        for (int k = 1; k <= 30; k++) {
            const double tone = 7900.0 * k / 30.0;
            float *x = signal_tone(RATE, RATE, tone, 0.5);
            assert_int_equal(mewl_augment_lowpass(x, RATE, RATE, cutoffs[c], NULL), MEWL_OK);
            const signal_fit fit = signal_fit_sine(x, RATE / 4, RATE * 3 / 4, RATE, tone);
            if (tone <= 0.9 * cutoffs[c]) {
                assert_true(fabs(signal_db(fit.amplitude / 0.5)) < 0.1 && fabs(fit.phase) < 1e-3);
            } else if (tone >= cutoffs[c]) {
                assert_true(signal_db(fit.amplitude / 0.5) < -80.0);
            }
            free(x);
        }
    }
    float x[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    assert_int_equal(mewl_augment_lowpass(x, 10, RATE, 8000, NULL), MEWL_OK);
    assert_true(x[3] == 4.0F);
    assert_int_equal(mewl_augment_lowpass(x, 10, RATE, 10, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_augment_lowpass(x, 10, RATE, NAN, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_augment_lowpass(x, 10, RATE, 2000, NULL), MEWL_OK); /* shorter than the filter */
}

static void speed_moves_pitch_and_length(void **state)
{
    (void)state;
    static const double factors[] = {0.25, 0.7, 0.9123, 1.0, 1.1, 2.0, 4.0};
    float *x = signal_tone(RATE * 2, RATE, 440, 0.5);
    for (size_t i = 0; i < 7; i++) {
        float *y = NULL;
        size_t got = 0;
        assert_int_equal(mewl_augment_speed(&y, &got, x, RATE * 2, factors[i], NULL), MEWL_OK);
        assert_true(fabs((double)got - 2.0 * RATE / factors[i]) <= 1.0);
        const signal_fit fit = signal_fit_sine(y, got / 4, got * 3 / 4, RATE, 440.0 * factors[i]);
        assert_true(fabs(fit.amplitude - 0.5) < 0.01 && signal_db(fit.rest) < -60.0);
        free(y);
    }
    float *y = NULL;
    size_t got = 0;
    assert_int_equal(mewl_augment_speed(&y, &got, x, 100, 5.0, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_augment_speed(&y, &got, x, 100, NAN, NULL), MEWL_E_ARG);
    assert_null(y);
    free(x);
}

static void pitch_moves_pitch_alone(void **state)
{
    (void)state;
    static const double steps[] = {-24, -7, -2, -0.3, 1, 4.5, 12, 24};
    float *x = signal_tone(RATE * 2, RATE, 440, 0.5), *y = malloc(RATE * 2 * sizeof *y);
    for (size_t i = 0; i < 8; i++) {
        const double tone = 440.0 * exp2(steps[i] / 12.0);
        assert_int_equal(mewl_augment_pitch(y, x, RATE * 2, RATE, steps[i], NULL), MEWL_OK);
        /* Seams may shift the phase a little: a fifth of a second at a time. */
        for (size_t at = RATE / 2; at + RATE / 5 < RATE * 3 / 2; at += RATE / 5) {
            const signal_fit fit = signal_fit_sine(y, at, at + RATE / 5, RATE, tone);
            assert_true(fit.amplitude > 0.42 && fit.amplitude < 0.55);
            assert_true(signal_db(fit.rest / 0.354) < -10.0);
        }
    }
    assert_int_equal(mewl_augment_pitch(y, x, RATE * 2, RATE, 0.0, NULL), MEWL_OK);
    assert_memory_equal(y, x, RATE * 2 * sizeof *y);
    assert_int_equal(mewl_augment_pitch(y, x, 0, RATE, 3.0, NULL), MEWL_OK);
    assert_int_equal(mewl_augment_pitch(y, x, 1, RATE, 3.0, NULL), MEWL_OK);
    assert_int_equal(mewl_augment_pitch(y, x, 50, RATE, -24.0, NULL), MEWL_OK);
    assert_int_equal(mewl_augment_pitch(y, x, 50, RATE, 30.0, NULL), MEWL_E_ARG);
    free(x);
    free(y);
}

/* Speech-like: noise through a slow swing, little above 3 kHz. */
static float *babble(size_t count)
{
    float *x = signal_noise(count, 11, 1.0);
    float low = 0.0F;
    for (size_t i = 0; i < count; i++) {
        low = 0.7F * low + 0.3F * x[i];
        x[i] = low * (float)(0.1 + 0.3 * fabs(sin((double)i / 3000.0)));
    }
    return x;
}

static void codecs_keep_time_length_and_level(void **state)
{
    (void)state;
    static const double likeness[MEWL_CODEC_COUNT] = {
        [MEWL_CODEC_MULAW] = 0.99, [MEWL_CODEC_ALAW] = 0.99, [MEWL_CODEC_G726] = 0.97, [MEWL_CODEC_G722] = 0.99,
        [MEWL_CODEC_GSM] = 0.7,    [MEWL_CODEC_SPEEX] = 0.5, [MEWL_CODEC_OPUS] = 0.6,  [MEWL_CODEC_AAC] = 0.9,
        [MEWL_CODEC_MP3] = 0.9,    [MEWL_CODEC_AMRNB] = 0.5};
    const size_t count = RATE * 3 + 77;
    float *x = babble(count), *y = malloc(count * sizeof *y);
    float *want = malloc(count * sizeof *want);
    memcpy(want, x, count * sizeof *x);
    assert_int_equal(mewl_augment_lowpass(want, count, RATE, 3300, NULL), MEWL_OK);
    size_t there = 0;
    for (int c = 0; c < MEWL_CODEC_COUNT; c++) {
        mewl_error err = {0};
        if (!mewl_codec_available((mewl_codec)c)) {
            assert_int_equal(mewl_codec_round_trip(y, x, count, RATE, (mewl_codec)c, 0, &err), MEWL_E_UNSUPPORTED);
            assert_non_null(strstr(err.text, mewl_codec_name((mewl_codec)c)));
            continue;
        }
        there++;
        if (mewl_codec_round_trip(y, x, count, RATE, (mewl_codec)c, 0, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        assert_true(fabs(mewl_level_dbfs(y, count) - mewl_level_dbfs(want, count)) < 4.0);
        assert_int_equal(mewl_augment_lowpass(y, count, RATE, 3300, NULL), MEWL_OK);
        double best = -1.0;
        int lag = 0;
        for (int shift = -200; shift <= 200; shift++) {
            double xy = 0.0, xx = 0.0, yy = 0.0;
            for (size_t i = 1000; i < count - 1000; i++) {
                const double a = want[i], b = y[(size_t)((int)i + shift)];
                xy += a * b;
                xx += a * a;
                yy += b * b;
            }
            if (xy / sqrt(xx * yy) > best) {
                best = xy / sqrt(xx * yy);
                lag = shift;
            }
        }
        print_message("  %s: likeness %.3f, %d samples late\n", mewl_codec_name((mewl_codec)c), best, lag);
        assert_true(abs(lag) <= 1);
        assert_true(best > likeness[c]);
    }
    assert_true(there >= 6);
    free(x);
    free(y);
    free(want);
}

static void codecs_take_what_comes(void **state)
{
    (void)state;
    float x[100], y[100];
    for (size_t i = 0; i < 100; i++) {
        x[i] = i % 7 == 0 ? 100.0F : 3.0F; /* far beyond full scale */
    }
    for (int c = 0; c < MEWL_CODEC_COUNT; c++) {
        if (mewl_codec_available((mewl_codec)c)) {
            assert_int_equal(mewl_codec_round_trip(y, x, 100, 44100, (mewl_codec)c, 0, NULL), MEWL_OK);
            assert_int_equal(mewl_codec_round_trip(y, x, 1, 8000, (mewl_codec)c, 0, NULL), MEWL_OK);
            assert_int_equal(mewl_codec_round_trip(y, x, 0, 8000, (mewl_codec)c, 0, NULL), MEWL_OK);
            for (size_t i = 0; i < 100; i++) {
                assert_true(isfinite(y[i]) && fabsf(y[i]) < 3.0F);
            }
        }
    }
    assert_int_equal(mewl_codec_round_trip(y, x, 1, 8000, MEWL_CODEC_COUNT, 0, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_codec_round_trip(y, x, 1, 10, MEWL_CODEC_MULAW, 0, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_codec_round_trip(y, x, 1, 8000, MEWL_CODEC_MULAW, -1, NULL), MEWL_E_ARG);
    assert_string_equal(mewl_codec_name(MEWL_CODEC_COUNT), "unknown");
    assert_false(mewl_codec_available(MEWL_CODEC_COUNT));
}

/* All of the chain on one thread; the same for every thread. */
static void *chain(void *user)
{
    const size_t count = RATE;
    float *x = babble(count), *y = malloc(count * sizeof *y), *response = signal_noise(2000, 1, 0.1);
    bool good = mewl_augment_room(x, x, count, response, 2000, RATE, NULL) == MEWL_OK &&
                mewl_augment_lowpass(x, count, RATE, 3700, NULL) == MEWL_OK &&
                mewl_augment_pitch(y, x, count, RATE, 1.5, NULL) == MEWL_OK;
    for (int c = 0; c < MEWL_CODEC_COUNT; c++) {
        if (mewl_codec_available((mewl_codec)c)) {
            good = good && mewl_codec_round_trip(y, y, count, RATE, (mewl_codec)c, 0, NULL) == MEWL_OK;
        }
    }
    memcpy(user, y, count * sizeof *y);
    free(x);
    free(y);
    free(response);
    return good ? user : NULL;
}

static void threads_do_not_disturb_one_another(void **state)
{
    (void)state;
    pthread_t threads[4];
    float *results[4];
    for (size_t i = 0; i < 4; i++) {
        results[i] = malloc(RATE * sizeof(float));
        assert_int_equal(pthread_create(&threads[i], NULL, chain, results[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *good = NULL;
        assert_int_equal(pthread_join(threads[i], &good), 0);
        assert_non_null(good);
        assert_memory_equal(results[i], results[0], RATE * sizeof(float));
    }
    for (size_t i = 0; i < 4; i++) {
        free(results[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_power_leaves_pauses_out),
        cmocka_unit_test(a_mixture_has_the_snr_asked_for),
        cmocka_unit_test(gain_level_and_clipping),
        cmocka_unit_test(convolution_is_the_definition),
        cmocka_unit_test(a_room_keeps_time_and_level),
        cmocka_unit_test(a_low_pass_passes_the_low),
        cmocka_unit_test(speed_moves_pitch_and_length),
        cmocka_unit_test(pitch_moves_pitch_alone),
        cmocka_unit_test(codecs_keep_time_length_and_level),
        cmocka_unit_test(codecs_take_what_comes),
        cmocka_unit_test(threads_do_not_disturb_one_another),
    };
    return cmocka_run_group_tests_name("audio/augment", tests, NULL, NULL);
}
