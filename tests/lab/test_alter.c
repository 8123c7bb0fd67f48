/* Altered recordings: pitch, noise and microphones do what their names say, and files are made once. */
#include "golden.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "audio/augment.h"
#include "audio/clip.h"
#include "audio/writer.h"
#include "lab/alter.h"

#define COUNT 16000 /* one second */

/* A voice of 400 Hz with harmonics up to `top`, in two bursts. */
static void make_voice(float *x, size_t top)
{
    for (size_t i = 0; i < COUNT; i++) {
        double t = (double)i / MEWL_ALTER_RATE_HZ;
        double sum = 0;
        for (size_t h = 1; h <= top; h++) {
            sum += sin(2 * M_PI * 400 * (double)h * t) / (double)h;
        }
        x[i] = (float)(0.2 * sum);
    }
}

/* Power at a frequency. */
static double power_at(const float *x, double hz)
{
    double re = 0;
    double im = 0;
    for (size_t i = COUNT / 4; i < 3 * COUNT / 4; i++) {
        double phase = 2 * M_PI * hz * (double)i / MEWL_ALTER_RATE_HZ;
        re += (double)x[i] * cos(phase);
        im += (double)x[i] * sin(phase);
    }
    return re * re + im * im;
}

/* Frequency with the most power between 300 and 900 Hz: the fundamental, which is the strongest partial. */
static double fundamental(const float *x)
{
    double best = 0;
    double best_hz = 0;
    for (double hz = 300; hz <= 900; hz += 2) {
        double p = power_at(x, hz);
        best_hz = p > best ? hz : best_hz;
        best = fmax(best, p);
    }
    return best_hz;
}

static void alter(float *x, mewl_alteration kind, uint64_t seed)
{
    mewl_error err = {0};
    make_voice(x, 9);
    if (mewl_alter(x, COUNT, kind, seed, &err) != MEWL_OK) {
        fail_msg("%s: %s", mewl_alteration_name(kind), err.text);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(isfinite(x[i]));
    }
}

static void test_pitch_moves_as_named(void **state)
{
    (void)state;
    static const struct {
        mewl_alteration kind;
        double hz;
    } rows[] = {{MEWL_ALTER_F0_UP_5, 420},    {MEWL_ALTER_F0_UP_10, 440}, {MEWL_ALTER_F0_UP_20, 480},
                {MEWL_ALTER_F0_DOWN_10, 360}, {MEWL_ALTER_OCTAVE, 800},   {MEWL_ALTER_THERE_AND_BACK, 400},
                {MEWL_ALTER_NOISE_10, 400},   {MEWL_ALTER_BRIGHT, 400}};
    static float x[COUNT];
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        alter(x, rows[k].kind, 1);
        double hz = fundamental(x);
        if (fabs(hz / rows[k].hz - 1) > 0.012) {
            fail_msg("%s: %.0f Hz instead of %.0f", mewl_alteration_name(rows[k].kind), hz, rows[k].hz);
        }
    }
}

static void test_noise_is_as_loud_as_named(void **state)
{
    (void)state;
    static float plain[COUNT];
    static float x[COUNT];
    static float again[COUNT];
    make_voice(plain, 9);
    for (int quiet = 0; quiet < 2; quiet++) {
        mewl_alteration kind = quiet ? MEWL_ALTER_NOISE_10 : MEWL_ALTER_NOISE_0;
        alter(x, kind, 5);
        alter(again, kind, 5);
        assert_memory_equal(x, again, sizeof x);
        alter(again, kind, 6);
        assert_memory_not_equal(x, again, sizeof x);
        for (size_t i = 0; i < COUNT; i++) {
            x[i] -= plain[i];
        }
        double snr_db = 10 * log10(mewl_augment_active_power(plain, COUNT, MEWL_ALTER_RATE_HZ) /
                                   mewl_augment_active_power(x, COUNT, MEWL_ALTER_RATE_HZ));
        assert_true(fabs(snr_db - (quiet ? 10 : 0)) < 0.3);
        assert_true(power_at(x, 6000) < 1e-4 * power_at(x, 2100)); /* nothing above 4 kHz */
    }
}

static void test_microphones(void **state)
{
    (void)state;
    static float plain[COUNT];
    static float x[COUNT];
    make_voice(plain, 9);
    alter(x, MEWL_ALTER_NARROW, 1);
    assert_true(power_at(x, 3200) < 1e-6 * power_at(plain, 3200));
    assert_true(fabs(power_at(x, 2000) / power_at(plain, 2000) - 1) < 0.05);
    alter(x, MEWL_ALTER_BRIGHT, 1);
    /* A first difference: sin(pi f / rate) of each partial. */
    double tilt = power_at(x, 1600) / power_at(x, 400) / (power_at(plain, 1600) / power_at(plain, 400));
    double wanted = pow(sin(M_PI * 1600 / MEWL_ALTER_RATE_HZ) / sin(M_PI * 400 / MEWL_ALTER_RATE_HZ), 2);
    assert_true(fabs(tilt / wanted - 1) < 0.05);
    assert_true(fabs(mewl_augment_active_power(x, COUNT, MEWL_ALTER_RATE_HZ) /
                         mewl_augment_active_power(plain, COUNT, MEWL_ALTER_RATE_HZ) -
                     1) < 0.02);
    if (mewl_alteration_available(MEWL_ALTER_GSM)) {
        alter(x, MEWL_ALTER_GSM, 1);
        assert_true(fabs(fundamental(x) - 400) < 4);
        assert_memory_not_equal(x, plain, sizeof x);
    }
    mewl_error err = {0};
    assert_int_equal(mewl_alter(x, COUNT, MEWL_ALTERATIONS, 1, &err), MEWL_E_ARG);
}

/* Controls are what leaves the voice as it was; names are names of files. */
static void test_names(void **state)
{
    (void)state;
    size_t controls = 0;
    for (int k = 0; k < MEWL_ALTERATIONS; k++) {
        const char *name = mewl_alteration_name((mewl_alteration)k);
        controls += mewl_alteration_is_control((mewl_alteration)k) ? 1 : 0;
        assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name));
        assert_true(strlen(mewl_alteration_text((mewl_alteration)k)) > 8);
    }
    assert_int_equal(controls, 4);
    assert_true(mewl_alteration_is_control(MEWL_ALTER_NARROW) && !mewl_alteration_is_control(MEWL_ALTER_OCTAVE));
}

static void test_files(void **state)
{
    (void)state;
    static float x[COUNT];
    char folder[] = "/tmp/mewl-test-alter-XXXXXX";
    char path[2][64];
    mewl_manifest from;
    mewl_manifest out;
    mewl_error err = {0};
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mewl_manifest_init(&from, &err), MEWL_OK);
    for (size_t k = 0; k < 2; k++) {
        mewl_row row = mewl_row_empty();
        (void)snprintf(path[k], sizeof path[k], "%s/%zu.wav", folder, k);
        make_voice(x, 1 + k);
        assert_int_equal(mewl_audio_write(path[k], x, COUNT, 16000, MEWL_AUDIO_WAV_F32, &err), MEWL_OK);
        row.path = path[k];
        row.speaker = "who";
        assert_int_equal(mewl_manifest_add(&from, &row, &err), MEWL_OK);
    }
    const bool both[] = {true, true};
    const bool second[] = {false, true};
    assert_int_equal(mewl_alter_files(&out, &from, both, MEWL_ALTER_OCTAVE, folder, NULL, NULL, &err), MEWL_OK);
    assert_true(out.count == 2 && strcmp(out.rows[0].path, out.rows[1].path) != 0);
    assert_string_equal(out.rows[0].speaker, "");
    mewl_clip clip;
    assert_int_equal(mewl_clip_read(&clip, out.rows[0].path, 16000, 0, &err), MEWL_OK);
    assert_true(clip.count == COUNT && fabs(fundamental(clip.samples) - 800) < 10);
    mewl_clip_fini(&clip);
    /* What is there is kept: the originals may be gone. */
    char kept[256];
    (void)snprintf(kept, sizeof kept, "%s", out.rows[1].path);
    assert_int_equal(unlink(path[1]), 0);
    mewl_manifest again;
    assert_int_equal(mewl_alter_files(&again, &from, second, MEWL_ALTER_OCTAVE, folder, NULL, NULL, &err), MEWL_OK);
    assert_true(again.count == 1);
    assert_string_equal(again.rows[0].path, kept);
    mewl_manifest_fini(&again);
    assert_int_not_equal(mewl_alter_files(&again, &from, second, MEWL_ALTER_NARROW, folder, NULL, NULL, &err), MEWL_OK);
    assert_non_null(strstr(err.text, "1.wav"));
    volatile sig_atomic_t stop = 1;
    assert_int_equal(mewl_alter_files(&again, &from, both, MEWL_ALTER_OCTAVE, folder, NULL, &stop, &err),
                     MEWL_E_CANCELLED);
    for (size_t k = 0; k < 2; k++) {
        (void)unlink(out.rows[k].path);
        (void)unlink(path[k]);
    }
    assert_int_equal(rmdir(folder), 0);
    mewl_manifest_fini(&out);
    mewl_manifest_fini(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pitch_moves_as_named),
        cmocka_unit_test(test_noise_is_as_loud_as_named),
        cmocka_unit_test(test_microphones),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
