/* Tests of audio/resample: measured, not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/dot.h"
#include "audio/resample.h"
#include "measure.h"

static const mewl_resample_opts best = {0};

typedef struct figures {
    double ripple_db; /* largest deviation of a tone's level up to 90 % of the pass-band */
    double image_db;  /* loudest of what a pass-band tone leaves beside itself, under the tone */
    double alias_db;  /* loudest of what is left of a tone from the lower Nyquist frequency on */
    double phase;     /* largest deviation from the tone's own phase, radians */
} figures;

static figures measure(double in_hz, double out_hz)
{
    figures f = {0.0, -300.0, -300.0, 0.0};
    const size_t count = 16384;
    const double low = fmin(in_hz, out_hz) / 2.0;
    for (int step = 1; step <= 60; step++) {
        const bool pass = step <= 36;
        if (!pass && in_hz <= out_hz) {
            break;
        }
        /* 36 tones to 90 % of the pass-band, then 24 from its Nyquist frequency to the input's. */
        const double tone =
            pass ? 0.9 * low * (double)step / 36.0 : low + (in_hz / 2.0 - low) * (double)(step - 37) / 23.5;
        float *x = signal_tone(count, in_hz, tone, 0.5), *y = NULL;
        size_t got = 0;
        assert_int_equal(mewl_resample(&y, &got, x, count, in_hz, out_hz, best, NULL), MEWL_OK);
        const size_t from = got / 4, to = got * 3 / 4;
        if (pass) {
            const signal_fit fit = signal_fit_sine(y, from, to, out_hz, tone);
            f.ripple_db = fmax(f.ripple_db, fabs(signal_db(fit.amplitude / 0.5)));
            f.image_db = fmax(f.image_db, signal_db(fit.rest / (0.5 / sqrt(2.0))));
            f.phase = fmax(f.phase, fabs(fit.phase));
        } else {
            f.alias_db = fmax(f.alias_db, signal_db(signal_rms(y, from, to) / (0.5 / sqrt(2.0))));
        }
        free(x);
        free(y);
    }
    return f;
}

static void the_bar_holds_for_every_common_rate(void **state)
{
    (void)state;
    static const double ins[] = {8000, 11025, 22050, 44100, 48000, 96000, 44056, 44100.5};
    static const double outs[] = {16000, 32000};
    for (size_t o = 0; o < 2; o++) {
        for (size_t i = 0; i < sizeof ins / sizeof *ins; i++) {
            const figures f = measure(ins[i], outs[o]);
            print_message("  %7g -> %5g Hz: ripple %.4f dB, images %.1f dB, aliases %.1f dB, phase %.1e\n", ins[i],
                          outs[o], f.ripple_db, f.image_db, f.alias_db, f.phase);
            assert_true(f.ripple_db <= 0.1);
            assert_true(f.image_db <= -80.0);
            assert_true(f.alias_db <= -80.0);
            assert_true(f.phase < 1e-3);
        }
    }
}

static void pieces_make_no_difference(void **state)
{
    (void)state;
    static const double pairs[][2] = {{44100, 16000}, {48000, 16000}, {8000, 32000}, {16000, 14880.7}, {16000, 16000}};
    const size_t count = 30000;
    float *x = signal_noise(count, 7, 1.0);
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        float *whole = NULL;
        size_t whole_count = 0;
        assert_int_equal(mewl_resample(&whole, &whole_count, x, count, pairs[p][0], pairs[p][1], best, NULL), MEWL_OK);
        assert_int_equal(whole_count, (size_t)ceil((double)count * pairs[p][1] / pairs[p][0] - 1e-9));

        mewl_resampler *r = NULL;
        assert_int_equal(mewl_resampler_new(&r, pairs[p][0], pairs[p][1], best, NULL), MEWL_OK);
        float *pieces = malloc((whole_count + 1) * sizeof *pieces);
        for (int round = 0; round < 2; round++) { /* the second after a reset */
            size_t done = 0, got = 0;
            uint32_t seed = 3;
            for (size_t at = 0; at < count;) {
                seed = seed * 1664525U + 1013904223U;
                size_t n = (seed >> 20) % 1500;
                n = n < count - at ? n : count - at;
                assert_true(mewl_resampler_bound(r, n) <= whole_count - done);
                assert_int_equal(mewl_resampler_run(r, pieces + done, whole_count - done, &got, x + at, n, NULL),
                                 MEWL_OK);
                done += got;
                at += n;
            }
            assert_int_equal(mewl_resampler_finish(r, pieces + done, whole_count - done, &got, NULL), MEWL_OK);
            assert_int_equal(done + got, whole_count);
            assert_memory_equal(pieces, whole, whole_count * sizeof *whole);
            assert_int_equal(mewl_resampler_run(r, pieces, whole_count, &got, x, 1, NULL), MEWL_E_STATE);
            assert_int_equal(mewl_resampler_finish(r, pieces, whole_count, &got, NULL), MEWL_E_STATE);
            mewl_resampler_reset(r);
        }
        mewl_resampler_free(r);
        free(pieces);
        free(whole);
    }
    free(x);
}

static void a_constant_stays_one(void **state)
{
    (void)state;
    const size_t count = 8000;
    float x[8000];
    for (size_t i = 0; i < count; i++) {
        x[i] = 0.25F;
    }
    float *y = NULL;
    size_t got = 0;
    assert_int_equal(mewl_resample(&y, &got, x, count, 44100, 16000, best, NULL), MEWL_OK);
    for (size_t i = got / 4; i < got * 3 / 4; i++) {
        assert_true(fabsf(y[i] - 0.25F) < 1e-6F);
    }
    free(y);
}

static void extremes_work(void **state)
{
    (void)state;
    static const double pairs[][2] = {{384000, 16000}, {1000000, 8000}, {1000, 192000}, {100, 25600}, {7919, 16001}};
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        const double tone = fmin(pairs[p][0], pairs[p][1]) / 10.0;
        const size_t count = (size_t)(pairs[p][0] / tone * 200.0);
        float *x = signal_tone(count, pairs[p][0], tone, 0.5), *y = NULL;
        size_t got = 0;
        assert_int_equal(mewl_resample(&y, &got, x, count, pairs[p][0], pairs[p][1], best, NULL), MEWL_OK);
        const signal_fit fit = signal_fit_sine(y, got / 4, got * 3 / 4, pairs[p][1], tone);
        assert_true(fabs(signal_db(fit.amplitude / 0.5)) < 0.1);
        assert_true(signal_db(fit.rest / 0.354) < -80.0);
        free(x);
        free(y);
    }
}

static void few_samples_work(void **state)
{
    (void)state;
    const float one[3] = {1.0F, 0.5F, 0.25F};
    for (size_t count = 0; count <= 3; count++) {
        float *y = NULL;
        size_t got = 0;
        assert_int_equal(mewl_resample(&y, &got, one, count, 8000, 16000, best, NULL), MEWL_OK);
        assert_int_equal(got, 2 * count);
        if (count > 0) {
            assert_true(fabsf(y[0]) > 0.5F);
        }
        free(y);
        assert_int_equal(mewl_resample(&y, &got, one, count, 44100, 8000, best, NULL), MEWL_OK);
        assert_int_equal(got, count > 0 ? 1 : 0);
        free(y);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    mewl_resampler *r = NULL;
    mewl_error err = {0};
    static const double bad[][2] = {{0, 16000}, {16000, 0}, {-1, 5}, {1e8, 16000}, {NAN, 16000}, {100, 100000}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(mewl_resampler_new(&r, bad[i][0], bad[i][1], best, &err), MEWL_E_ARG);
        assert_null(r);
        assert_non_null(strstr(err.text, "resampler"));
    }
    assert_int_equal(mewl_resampler_new(&r, 8000, 16000, (mewl_resample_opts){.pass_band = 0.999}, NULL), MEWL_E_ARG);
    assert_int_equal(mewl_resampler_new(&r, 8000, 16000, (mewl_resample_opts){.attenuation_db = 300}, NULL),
                     MEWL_E_ARG);
    assert_int_equal(mewl_resampler_new(&r, 8000, 16000, best, NULL), MEWL_OK);
    float x[100] = {0}, y[300];
    size_t got = 1;
    assert_int_equal(mewl_resampler_run(r, y, 199, &got, x, 100, &err), MEWL_E_SHAPE);
    assert_int_equal(got, 0);
    assert_int_equal(mewl_resampler_run(r, y, 200, &got, x, 100, &err), MEWL_OK);
    mewl_resampler_free(r);
    mewl_resampler_free(NULL);
}

static void every_form_of_the_inner_product_agrees(void **state)
{
    (void)state;
    const mewl__dot dot = mewl__dot_best();
    const size_t taps = 8 * MEWL__DOT_LANES, step = 37;
    float *x = signal_noise(taps + 3 * step, 1, 1.0), *c = signal_noise(taps, 2, 1.0);
    float four[8] = {0};
    dot.four(four, 2, x, step, c, taps);
    for (size_t j = 0; j < 4; j++) {
        double exact = 0.0;
        float one = 0.0F;
        for (size_t k = 0; k < taps; k++) {
            exact += (double)x[j * step + k] * (double)c[k];
        }
        dot.one(&one, x + j * step, c, taps);
        assert_memory_equal(&one, &four[2 * j], sizeof one); /* the same bits, however many at a time */
        assert_true(fabs((double)one - exact) < 1e-5);
    }
    free(x);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_holds_for_every_common_rate),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(a_constant_stays_one),
        cmocka_unit_test(extremes_work),
        cmocka_unit_test(few_samples_work),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(every_form_of_the_inner_product_agrees),
    };
    return cmocka_run_group_tests_name("audio/resample", tests, NULL, NULL);
}
