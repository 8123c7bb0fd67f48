/* An infant's voice is told from noise, rumble, and an adult's voice. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/voiced.h"

#define RATE 16000
#define COUNT (2 * RATE)

static float x[COUNT];

static void clear(void)
{
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = 0;
    }
}

/* Harmonics of `hz` gliding a fifth up, from 0.5 s to 1.5 s; `formant_hz` is where they are strongest. */
static void add_voice(double hz, double formant_hz, double level)
{
    double phase = 0;
    for (size_t i = RATE / 2; i < RATE * 3 / 2; i++) {
        double f = hz * (1 + 0.2 * (double)(i - RATE / 2) / RATE);
        phase += 2 * M_PI * f / RATE;
        for (int h = 1; h * f < 7000; h++) {
            double away = (h * f - formant_hz) / 400;
            x[i] += (float)(level * (0.1 + exp(-away * away)) * sin(h * phase) / 3);
        }
    }
}

static void add_noise(double level, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] += (float)(level * mewl_rng_normal(&rng));
    }
}

static void infants_are_voiced(void **state)
{
    (void)state;
    static const double pitch[] = {300, 450, 600, 800};
    for (size_t p = 0; p < 4; p++) {
        for (int noisy = 0; noisy < 2; noisy++) {
            clear();
            add_voice(pitch[p], 1000, 0.2);
            add_noise(noisy ? 0.02 : 1e-4, p);
            assert_true(fabs(mewl__voiced_s(x, COUNT) - 1) < 0.15);
        }
    }
}

static void others_are_not(void **state)
{
    (void)state;
    clear();
    add_noise(0.1, 9);
    assert_true(mewl__voiced_s(x, COUNT) < 0.05);
    clear();
    add_voice(110, 500, 0.2); /* an adult, loudest at 500 Hz */
    add_noise(1e-3, 9);
    assert_true(mewl__voiced_s(x, COUNT) < 0.1);
    clear();
    add_noise(1e-3, 9);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] += (float)(0.3 * sin(2 * M_PI * 50 * (double)i / RATE)); /* hum */
    }
    assert_true(mewl__voiced_s(x, COUNT) < 0.05);
    clear();
    assert_true(mewl__voiced_s(x, COUNT) == 0); /* silence, and less than a frame */
    assert_true(mewl__voiced_s(x, 3) == 0);
    assert_true(mewl__voiced_s(x, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(infants_are_voiced), cmocka_unit_test(others_are_not)};
    return cmocka_run_group_tests_name("voiced", tests, NULL, NULL);
}
