/* test_mel.c - mel scales and filter banks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "dsp/mel.h"

static void scales(void **state)
{
    /* Slaney: 1 kHz is 15, 6.4 kHz is 42; HTK: 1 kHz is 999.99, 700 Hz is 2595 log10 2. */
    assert_true(fabs(mewl_mel_from_hz(1000.0, MEWL_MEL_SLANEY) - 15.0) < 1e-12);
    assert_true(fabs(mewl_mel_from_hz(6400.0, MEWL_MEL_SLANEY) - 42.0) < 1e-12);
    assert_true(fabs(mewl_mel_from_hz(200.0, MEWL_MEL_SLANEY) - 3.0) < 1e-12);
    assert_true(fabs(mewl_mel_from_hz(700.0, MEWL_MEL_HTK) - 2595.0 * log10(2.0)) < 1e-9);
    assert_true(fabs(mewl_mel_from_hz(1000.0, MEWL_MEL_HTK) - 999.9855) < 1e-3);
    for (double hz = 0.0; hz < 24000.0; hz += 37.0) {
        for (int scale = 0; scale < 2; scale++) {
            double back = mewl_mel_to_hz(mewl_mel_from_hz(hz, (mewl_mel_scale)scale), (mewl_mel_scale)scale);
            assert_true(fabs(back - hz) < 1e-8);
        }
    }
}

static const mewl_mel_opts base = {16000.0,          512, 64, 50.0, 8000.0, MEWL_MEL_SLANEY, MEWL_MEL_LINEAR_HZ,
                                   MEWL_MEL_PEAK_ONE};

/* Triangles of unit height over common edges add up to 1 between the first and the last centre. */
static void triangles_add_up(void **state)
{
    static const struct {
        mewl_mel_scale scale;
        mewl_mel_shape shape;
    } rows[] = {
        {MEWL_MEL_SLANEY, MEWL_MEL_LINEAR_HZ}, {MEWL_MEL_HTK, MEWL_MEL_LINEAR_HZ}, {MEWL_MEL_HTK, MEWL_MEL_LINEAR_MEL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mewl_mel_opts opts = base;
        opts.scale = rows[i].scale;
        opts.shape = rows[i].shape;
        mewl_mel *mel = NULL;
        assert_int_equal(mewl_mel_new(&mel, opts, NULL), MEWL_OK);
        assert_int_equal(mewl_mel_bands(mel), 64);
        assert_int_equal(mewl_mel_bins(mel), 257);
        for (size_t k = 0; k < 257; k++) {
            double hz = 16000.0 * (double)k / 512.0;
            double sum = 0.0;
            for (size_t b = 0; b < 64; b++) {
                sum += (double)mewl_mel_weight(mel, b, k);
            }
            if (hz >= mewl_mel_centre_hz(mel, 0) && hz <= mewl_mel_centre_hz(mel, 63)) {
                assert_true(fabs(sum - 1.0) < 1e-6);
            }
            if (hz < 50.0) {
                assert_true(sum == 0.0);
            }
        }
        assert_true(mewl_mel_weight(mel, 64, 0) == 0.0f && mewl_mel_weight(mel, 0, 257) == 0.0f);
        mewl_mel_free(mel);
    }
}

/* Slaney's norm makes every filter's area in Hz one (up to the grid of bins). */
static void areas(void **state)
{
    mewl_mel_opts opts = base;
    opts.fft_length = 16384;
    opts.norm = MEWL_MEL_AREA_ONE;
    mewl_mel *mel = NULL;
    assert_int_equal(mewl_mel_new(&mel, opts, NULL), MEWL_OK);
    for (size_t b = 0; b < 64; b++) {
        double area = 0.0;
        for (size_t k = 0; k < mewl_mel_bins(mel); k++) {
            area += (double)mewl_mel_weight(mel, b, k) * 16000.0 / 16384.0;
        }
        assert_true(fabs(area - 1.0) < 1e-3);
    }
    mewl_mel_free(mel);
}

static void symmetric_triangles(void **state)
{
    mewl_mel_opts opts = {16000.0, 400, 80, 0.0, 8000.0, MEWL_MEL_HTK, MEWL_MEL_SYMMETRIC_HZ, MEWL_MEL_PEAK_ONE};
    mewl_mel *mel = NULL;
    assert_int_equal(mewl_mel_new(&mel, opts, NULL), MEWL_OK);
    for (size_t b = 1; b < 80; b++) {
        double centre = mewl_mel_centre_hz(mel, b);
        double width = centre - mewl_mel_centre_hz(mel, b - 1);
        for (size_t k = 0; k < 201; k++) {
            double want = fmax(0.0, 1.0 - fabs(40.0 * (double)k - centre) / width);
            assert_true(fabs((double)mewl_mel_weight(mel, b, k) - want) < 1e-6);
        }
    }
    mewl_mel_free(mel);
}

static void apply_is_the_matrix_product(void **state)
{
    enum { BANDS = 7, BINS = 33 };
    float matrix[BANDS * BINS] = {0.0f};
    double centres[BANDS] = {0.0};
    mewl_rng rng = mewl_rng_seeded(5);
    for (size_t b = 0; b + 1 < BANDS; b++) {
        for (size_t k = b * 3; k < BINS - b; k++) {
            matrix[b * BINS + k] = (float)mewl_rng_normal(&rng);
        }
    }
    mewl_mel *mel = NULL;
    assert_int_equal(mewl_mel_new_dense(&mel, matrix, centres, BANDS, BINS, NULL), MEWL_OK);
    float spectrum[BINS * MEWL_MEL_LANES];
    float out[BANDS * MEWL_MEL_LANES];
    for (size_t i = 0; i < BINS * MEWL_MEL_LANES; i++) {
        spectrum[i] = (float)mewl_rng_unit(&rng);
    }
    mewl_mel_apply(mel, out, spectrum);
    for (size_t b = 0; b < BANDS; b++) {
        for (size_t lane = 0; lane < MEWL_MEL_LANES; lane++) {
            double want = 0.0;
            for (size_t k = 0; k < BINS; k++) {
                want += (double)matrix[b * BINS + k] * (double)spectrum[k * MEWL_MEL_LANES + lane];
                assert_true(mewl_mel_weight(mel, b, k) == matrix[b * BINS + k]);
            }
            assert_true(fabs((double)out[b * MEWL_MEL_LANES + lane] - want) < 1e-5);
        }
    }
    mewl_mel_free(mel);
}

static void refused(void **state)
{
    mewl_mel_opts bad[9];
    for (size_t i = 0; i < 9; i++) {
        bad[i] = base;
    }
    bad[0].bands = 0;
    bad[1].bands = MEWL_MEL_BANDS_MAX + 1;
    bad[2].fft_length = 511;
    bad[3].fft_length = 0;
    bad[4].low_hz = -1.0;
    bad[5].high_hz = 50.0;
    bad[6].high_hz = 8001.0;
    bad[7].rate_hz = (double)NAN;
    bad[8].fft_length = SIZE_MAX - 1;
    for (size_t i = 0; i < 9; i++) {
        mewl_mel *mel = (mewl_mel *)1;
        assert_int_equal(mewl_mel_new(&mel, bad[i], NULL), MEWL_E_ARG);
        assert_null(mel);
    }
    float weights[4] = {1.0f, (float)NAN, 0.0f, 1.0f};
    double centres[2] = {1.0, 2.0};
    mewl_mel *mel = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_mel_new_dense(&mel, weights, centres, 2, 2, &err), MEWL_E_ARG);
    assert_int_equal(mewl_mel_new_dense(&mel, weights, centres, 0, 2, &err), MEWL_E_ARG);
    mewl_mel_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales),
        cmocka_unit_test(triangles_add_up),
        cmocka_unit_test(areas),
        cmocka_unit_test(symmetric_triangles),
        cmocka_unit_test(apply_is_the_matrix_product),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
