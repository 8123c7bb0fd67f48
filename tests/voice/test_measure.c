/* The measures as one call: made cries, gain, rates, silence, names; the 88 functionals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "voice/egemaps.h"
#include "voice/measure.h"

/* Three bursts of 1 s with pauses of 0.5 s; the second at `second_hz`. malloc'd, 5 s at rate_hz. */
static float *cry(double rate_hz, double first_hz, double second_hz, size_t *count)
{
    *count = (size_t)(5 * rate_hz);
    float *out = malloc(*count * sizeof *out);
    mewl_rng rng = mewl_rng_seeded(9);
    for (size_t i = 0; i < *count; i++) {
        double t = (double)i / rate_hz - 0.5, x = 0.0005 * mewl_rng_normal(&rng);
        double burst = floor(t / 1.5), since = t - 1.5 * burst;
        if (t >= 0 && burst < 3 && since < 1) {
            double f0 = burst == 1 ? second_hz : first_hz, edge = fmin(1, fmin(since, 1 - since) / 0.02);
            double phase = f0 * (since + 0.1 * (since - since * since)); /* falls from 1.1 to 0.9 times F0 */
            for (int h = 1; h <= 8 && h * f0 < 0.42 * rate_hz; h++) {
                x += 0.15 * edge * sin(2 * M_PI * h * phase) / h;
            }
        }
        out[i] = (float)x;
    }
    return out;
}

static void test_cry(void **state)
{
    (void)state;
    static const double rates[] = {8000, 16000, 44100};
    for (size_t k = 0; k < 3; k++) {
        size_t count;
        float *samples = cry(rates[k], 450, 1600, &count);
        mewl_voice v;
        assert_int_equal(mewl_voice_measure(&v, samples, count, rates[k], NULL), MEWL_OK);
        assert_true(fabs(v.seconds - 5) < 1e-3);
        assert_true(v.expirations == 3 && v.inspirations == 0);
        assert_true(fabs(v.burst_mean_s - 1) < 0.04 && fabs(v.pause_mean_s - 0.5) < 0.04);
        assert_true(fabs(v.f0_phonation_hz - 450) < 15);
        assert_true(v.f0_p95_hz > 1500);
        assert_true(fabs(v.hyperphonation - 1.0 / 3) < 0.03);
        assert_true(fabs(v.phonation + v.hyperphonation + v.dysphonation - 1) < 1e-9 && v.dysphonation < 0.08);
        assert_true(v.melody_falling == 1);
        assert_true(v.jitter_local < 0.01 && v.shimmer_local_db < 1 && v.hnr_db > 15 && v.snr_db > 30);
        assert_true(v.clipped_share == 0);
        free(samples);
    }
}

static void test_gain(void **state)
{
    (void)state;
    size_t count;
    float *samples = cry(16000, 500, 520, &count);
    mewl_voice loud, soft;
    assert_int_equal(mewl_voice_measure(&loud, samples, count, 16000, NULL), MEWL_OK);
    for (size_t i = 0; i < count; i++) {
        samples[i] *= 0.125f;
    }
    assert_int_equal(mewl_voice_measure(&soft, samples, count, 16000, NULL), MEWL_OK);
    assert_true(fabs(loud.level_dbfs - soft.level_dbfs - 20 * log10(8)) < 1e-3);
    double a[MEWL_VOICE_VECTOR_DIMS], b[MEWL_VOICE_VECTOR_DIMS];
    mewl_voice_vector(a, &loud);
    mewl_voice_vector(b, &soft);
    for (size_t i = 0; i < MEWL_VOICE_VECTOR_DIMS; i++) { /* nothing in the vector depends on the gain */
        if (!(fabs(a[i] - b[i]) < 1e-4)) {
            fail_msg("%s: %g and %g", mewl_voice_vector_name(i), a[i], b[i]);
        }
    }
    assert_null(mewl_voice_vector_name(MEWL_VOICE_VECTOR_DIMS));
    free(samples);
}

static void test_rows(void **state)
{
    (void)state;
    mewl_voice v;
    memset(&v, 0, sizeof v);
    v.hnr_db = 7;
    assert_true(mewl_voice_value(&v, mewl_voice_find("hnr_db")) == 7);
    assert_true(sizeof v == mewl_voice_count() * sizeof(double));
    assert_int_equal(mewl_voice_find("no such"), mewl_voice_count());
    assert_null(mewl_voice_name(mewl_voice_count()));
    assert_null(mewl_voice_unit(mewl_voice_count()));
    assert_null(mewl_voice_about(mewl_voice_count()));
    assert_true(isnan(mewl_voice_value(&v, mewl_voice_count())));
    for (size_t i = 0; i < mewl_voice_count(); i++) {
        assert_int_equal(mewl_voice_find(mewl_voice_name(i)), i);
    }
}

static void test_nothing(void **state)
{
    (void)state;
    static float samples[16000];
    mewl_voice v;
    mewl_error err = {0};
    assert_int_equal(mewl_voice_measure(&v, samples, 16000, 16000, &err), MEWL_OK);
    assert_true(v.expirations == 0 && v.voiced_s == 0 && isnan(v.f0_median_hz) && isnan(v.jitter_local));
    assert_int_equal(mewl_voice_measure(&v, samples, 100, 16000, &err), MEWL_E_EMPTY);
    assert_true(isnan(v.seconds) && isnan(v.f0_median_hz));
    assert_int_equal(mewl_voice_measure(&v, samples, 16000, 4000, &err), MEWL_E_ARG);
    assert_int_equal(mewl_voice_measure(&v, samples, 16000, NAN, &err), MEWL_E_ARG);
    for (size_t i = 0; i < 16000; i++) {
        samples[i] = i % 2 ? NAN : INFINITY;
    }
    assert_int_equal(mewl_voice_measure(&v, samples, 16000, 16000, &err), MEWL_OK);
    assert_true(v.expirations == 0);
}

static size_t find_egemaps(const char *name)
{
    size_t i = 0;
    while (i < MEWL_EGEMAPS_COUNT && strcmp(mewl_egemaps_name(i), name) != 0) {
        i++;
    }
    return i;
}

static void test_egemaps(void **state)
{
    (void)state;
    /* Places in the set's own order. */
    assert_int_equal(find_egemaps("F0semitoneFrom27.5Hz_sma3nz_amean"), 0);
    assert_int_equal(find_egemaps("loudness_sma3_amean"), 10);
    assert_int_equal(find_egemaps("spectralFlux_sma3_amean"), 20);
    assert_int_equal(find_egemaps("jitterLocal_sma3nz_amean"), 30);
    assert_int_equal(find_egemaps("F1frequency_sma3nz_amean"), 40);
    assert_int_equal(find_egemaps("alphaRatioV_sma3nz_amean"), 58);
    assert_int_equal(find_egemaps("alphaRatioUV_sma3nz_amean"), 76);
    assert_int_equal(find_egemaps("loudnessPeaksPerSec"), 81);
    assert_int_equal(find_egemaps("equivalentSoundLevel_dBp"), 87);
    assert_null(mewl_egemaps_name(88));
    size_t count;
    float *samples = cry(16000, 440, 440, &count);
    mewl_voice_analysis a;
    double values[MEWL_EGEMAPS_COUNT];
    assert_int_equal(mewl_voice_analyse(&a, samples, count, 16000, NULL), MEWL_OK);
    assert_int_equal(mewl_egemaps_compute(values, &a, samples, count, NULL), MEWL_OK);
    for (size_t i = 0; i < MEWL_EGEMAPS_COUNT; i++) {
        if (!isfinite(values[i]) && i != 6 && i != 7) { /* nothing rises in it */
            fail_msg("%s is not a number", mewl_egemaps_name(i));
        }
    }
    assert_true(fabs(values[0] - 48) < 0.6);                                      /* 440 Hz: four octaves over 27.5 */
    assert_true(values[8] < 0 && values[5] > 1 && values[5] < 3.5);               /* it falls, by some 3.5 semitones */
    assert_true(fabs(values[find_egemaps("VoicedSegmentsPerSec")] - 0.6) < 0.01); /* three in 5 s */
    assert_true(fabs(values[find_egemaps("MeanVoicedSegmentLengthSec")] - 1) < 0.05);
    double power = 0;
    for (size_t i = 0; i < count; i++) {
        power += (double)samples[i] * (double)samples[i];
    }
    assert_true(fabs(values[87] - 10 * log10(power / (double)count)) < 1e-6);
    mewl_voice_analysis_fini(&a);
    memset(samples, 0, count * sizeof *samples);
    assert_int_equal(mewl_voice_analyse(&a, samples, count, 16000, NULL), MEWL_OK);
    assert_int_equal(mewl_egemaps_compute(values, &a, samples, count, NULL), MEWL_OK);
    assert_true(isnan(values[0]) && values[82] == 0);
    mewl_voice_analysis_fini(&a);
    mewl_voice_analysis_fini(NULL);
    free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cry), cmocka_unit_test(test_gain),
                                       cmocka_unit_test(test_rows), cmocka_unit_test(test_nothing),
                                       cmocka_unit_test(test_egemaps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
