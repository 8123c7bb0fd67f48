/* What is no voice is not tracked high: white and pink noise, hiss and breaths that a resonance has shaped, at several
 * levels and rates; while a hyperphonated cry in noise is found. */
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
#include "voice/measure.h"
#include "voice/pitch.h"
#include "voice/pitch_lines.h"

#define SECONDS 4.0

static const double rates[] = {8000, 16000, 44100};
#define RATES (sizeof rates / sizeof rates[0])

/* A pole pair at hz with a bandwidth, zeros at 0 Hz and half the rate: noise through it is what a breath is. */
typedef struct resonance {
    double a1, a2, gain, x[2], y[2];
} resonance;

static resonance resonance_of(double hz, double bandwidth_hz, double rate_hz)
{
    double radius = exp(-M_PI * bandwidth_hz / rate_hz);
    return (resonance){.a1 = 2 * radius * cos(2 * M_PI * hz / rate_hz), .a2 = -radius * radius, .gain = 1 - radius};
}

static double resonate(resonance *r, double x)
{
    double y = r->gain * (x - r->x[1]) + r->a1 * r->y[0] + r->a2 * r->y[1];
    r->x[1] = r->x[0];
    r->x[0] = x;
    r->y[1] = r->y[0];
    r->y[0] = y;
    return y;
}

/* hz 0: white; bandwidth 0: pink, as a sum of one-pole low-passes an octave apart. */
static float *noise(size_t *count, double rate_hz, double hz, double bandwidth_hz, double level)
{
    *count = (size_t)(SECONDS * rate_hz);
    float *out = malloc(*count * sizeof *out);
    mewl_rng rng = mewl_rng_seeded(21);
    resonance shape = resonance_of(hz, bandwidth_hz, rate_hz);
    double low[9] = {0};
    for (size_t i = 0; i < *count; i++) {
        double white = mewl_rng_normal(&rng), x = white;
        if (hz > 0) {
            x = 3 * resonate(&shape, white);
        } else if (bandwidth_hz > 0) {
            x = 0;
            for (int k = 0; k < 9; k++) {
                double share = 1 - exp(-2 * M_PI * 20 * (1 << k) / rate_hz);
                low[k] += share * (white - low[k]);
                x += low[k] / sqrt(share) * 0.4;
            }
        }
        out[i] = (float)(level * x);
    }
    return out;
}

static double high_share(const float *samples, size_t count, double rate_hz, mewl_pitch_opts opts)
{
    mewl_pitch_track track;
    size_t high = 0;
    assert_int_equal(mewl_pitch_track_make(&track, samples, count, rate_hz, opts, NULL), MEWL_OK);
    for (size_t i = 0; i < track.count; i++) {
        high += (double)track.frames[i].f0_hz > 900;
    }
    double share = (double)high / (double)track.count;
    mewl_pitch_track_fini(&track);
    return share;
}

static void test_noise(void **state)
{
    (void)state;
    static const struct {
        double hz, bandwidth_hz;
        double before; /* share called high without the test of lines, at least, at 16 kHz */
    } shapes[] = {{0, 0, 0},      {0, 1, 0},        {1700, 200, 0.9}, {1700, 300, 0.8},
                  {1700, 500, 0}, {1200, 250, 0.3}, {2500, 600, 0.6}, {1400, 400, 0}};
    static const double levels[] = {0.2, 0.002};
    for (size_t r = 0; r < RATES; r++) {
        for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
            size_t count;
            float *samples = noise(&count, rates[r], shapes[k].hz, shapes[k].bandwidth_hz, levels[(r + k) % 2]);
            mewl_pitch_opts opts = mewl_pitch_opts_default();
            double share = high_share(samples, count, rates[r], opts);
            opts.lines = 0;
            double before = rates[r] > 10000 && rates[r] < 20000 ? high_share(samples, count, rates[r], opts) : 1;
            if (!(share < 0.03) || before < shapes[k].before) {
                fail_msg("%g Hz noise %g/%g: %.3f high, %.3f without the test", rates[r], shapes[k].hz,
                         shapes[k].bandwidth_hz, share, before);
            }
            free(samples);
        }
    }
}

/* Breaths: resonance-shaped noise that comes and goes, over faint hiss. */
static void test_breaths(void **state)
{
    (void)state;
    for (size_t r = 0; r < RATES; r++) {
        size_t count;
        float *samples = noise(&count, rates[r], 1700, 280, 0.3);
        mewl_rng rng = mewl_rng_seeded(8);
        mewl_voice v;
        for (size_t i = 0; i < count; i++) {
            double t = (double)i / rates[r], since = t - floor(t / 0.9) * 0.9;
            double gate = since < 0.5 ? sin(M_PI * since / 0.5) : 0;
            samples[i] = (float)((double)samples[i] * gate + 0.001 * mewl_rng_normal(&rng));
        }
        assert_int_equal(mewl_voice_measure(&v, samples, count, rates[r], NULL), MEWL_OK);
        /* Without voice there may be no burst of a cry at all, and then no share either. */
        assert_false(v.hyperphonation > 0.02);
        assert_false(v.f0_p95_hz > 1000);
        free(samples);
    }
}

/* Bursts of F0 around 1.6 kHz, gliding, each period a little off, in white noise. */
static float *shrill(size_t *count, double rate_hz, double snr_db)
{
    *count = (size_t)(SECONDS * rate_hz);
    float *out = malloc(*count * sizeof *out);
    mewl_rng rng = mewl_rng_seeded(31);
    double phase = 0, stretch = 1;
    for (size_t i = 0; i < *count; i++) {
        double t = (double)i / rate_hz, since = t - floor(t / 1.5) * 1.5, x = 0;
        double f0 = 1600 * (1 + 0.12 * sin(2 * M_PI * 1.1 * t) + 0.02 * sin(2 * M_PI * 6 * t)), before = phase;
        phase += f0 / (rate_hz * stretch);
        stretch = floor(phase) > floor(before) ? 1 + 0.01 * mewl_rng_normal(&rng) : stretch;
        for (int h = 1; h <= 6 && h * f0 < 0.45 * rate_hz; h++) {
            x += sin(2 * M_PI * h * phase) / h;
        }
        double noise_level = since > 0.3 ? sqrt(0.75) * pow(10, -snr_db / 20) : 0.01;
        out[i] = (float)(0.15 * ((since > 0.3 ? x : 0) + noise_level * mewl_rng_normal(&rng)));
    }
    return out;
}

static void test_shrill(void **state)
{
    (void)state;
    static const double snrs_db[] = {20, 10, 5};
    for (size_t r = 0; r < RATES; r++) {
        for (size_t k = 0; k < 3; k++) {
            size_t count;
            float *samples = shrill(&count, rates[r], snrs_db[k]);
            mewl_voice v;
            assert_int_equal(mewl_voice_measure(&v, samples, count, rates[r], NULL), MEWL_OK);
            if (!(v.hyperphonation > 0.9 && fabs(v.f0_median_hz - 1600) < 150)) {
                fail_msg("%g Hz, %g dB: hyperphonation %.3f, median F0 %.0f Hz", rates[r], snrs_db[k], v.hyperphonation,
                         v.f0_median_hz);
            }
            free(samples);
        }
    }
}

/* ---- The share and the gate by themselves. ---- */

#define RATE 16000.0
#define COUNT 16000

/* `hz` up to the middle, `after_hz` from there on (0: hiss of a resonance at 1,600 Hz), over rumble of 40 Hz. */
static void sound(float out[COUNT], double hz, double after_hz, double rumble)
{
    mewl_rng rng = mewl_rng_seeded(5);
    resonance shape = resonance_of(1600, 300, RATE);
    for (size_t i = 0; i < COUNT; i++) {
        const double t = (double)i / RATE, f = i < COUNT / 2 ? hz : after_hz;
        const double hiss = 3 * resonate(&shape, mewl_rng_normal(&rng)), x = f > 0 ? sin(2 * M_PI * f * t) : hiss;
        out[i] = (float)(0.2 * x + rumble * sin(2 * M_PI * 40 * t));
    }
}

/* Mean over frames that do not overlap: of noise each alone says little. */
static double mean_share(mewl__pitch_framer *f, const float *x)
{
    double sum = 0;
    for (int i = 0; i < 20; i++) {
        sum += mewl__pitch_lines(f, x, COUNT, 0.1 + 0.04 * i, 1600) / 20;
    }
    return sum;
}

static void test_share(void **state)
{
    (void)state;
    static float x[COUNT];
    mewl__pitch_framer f;
    assert_int_equal(mewl__pitch_framer_init(&f, RATE, mewl_pitch_opts_default(), NULL), MEWL_OK);
    sound(x, 1600, 1600, 0);
    assert_true(mean_share(&f, x) > 0.9);
    sound(x, 0, 0, 0);
    assert_true(fabs(mean_share(&f, x)) < 0.2);
    sound(x, 0, 0, 1); /* rumble is alike at all these lags, and is no line */
    assert_true(fabs(mean_share(&f, x)) < 0.2);
    memset(x, 0, sizeof x);
    assert_true(mewl__pitch_lines(&f, x, COUNT, 0.5, 1600) == 0);
    mewl__pitch_framer_fini(&f);
}

/* A track in which frames [from, to) of `count` are said to lie at f0_hz, through the gate; how many stay. */
static size_t stay(const float *x, double lines, size_t from, size_t to, double f0_hz, bool voiced[200])
{
    mewl_pitch_opts opts = mewl_pitch_opts_default();
    static mewl_pitch_frame frames[200];
    mewl_pitch_track track = {.frames = frames, .count = 190, .first_s = 0.025, .step_s = 0.005};
    mewl__pitch_framer f;
    size_t left = 0;
    opts.lines = lines;
    memset(frames, 0, sizeof frames);
    for (size_t i = from; i < to; i++) {
        frames[i] = (mewl_pitch_frame){.f0_hz = (float)f0_hz, .strength = 1};
    }
    assert_int_equal(mewl__pitch_framer_init(&f, RATE, opts, NULL), MEWL_OK);
    assert_int_equal(mewl__pitch_lines_gate(&track, &f, x, COUNT, NULL), MEWL_OK);
    mewl__pitch_framer_fini(&f);
    for (size_t i = 0; i < track.count; i++) {
        voiced[i] = frames[i].f0_hz > 0;
        left += voiced[i];
    }
    return left;
}

static void test_gate(void **state)
{
    (void)state;
    static float x[COUNT];
    bool voiced[200];
    /* Below opts.high_hz nothing is asked, however much is wanted. */
    sound(x, 850, 850, 0);
    assert_int_equal(stay(x, 2, 0, 190, 850, voiced), 190);
    sound(x, 950, 950, 0);
    assert_int_equal(stay(x, 2, 0, 190, 950, voiced), 0);
    /* Forty milliseconds on each side: what was a voice long before does not speak for the hiss after it. */
    sound(x, 1600, 0, 0);
    (void)stay(x, 0.5, 0, 190, 1600, voiced);
    for (size_t i = 0; i < 190; i++) {
        const double from_middle = 0.025 + 0.005 * (double)i - 0.5;
        if (fabs(from_middle) > 0.075) {
            assert_int_equal(voiced[i], from_middle < 0);
        }
    }
    /* A stretch of less than 30 ms is judged as if what it lacks were nothing. */
    sound(x, 1600, 1600, 0);
    assert_int_equal(stay(x, 0.8, 50, 80, 1600, voiced), 30);
    assert_int_equal(stay(x, 0.8, 50, 53, 1600, voiced), 0);
    assert_int_equal(stay(x, 0.3, 50, 53, 1600, voiced), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_noise), cmocka_unit_test(test_breaths),
                                       cmocka_unit_test(test_shrill), cmocka_unit_test(test_share),
                                       cmocka_unit_test(test_gate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
