/* Simulated infants: the norms they are drawn around, growth, cries and what a state does to them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "synth/infant.h"

static void test_norms(void **state)
{
    (void)state;
    enum { MANY = 4000 };
    double sum = 0, squares = 0, burst = 0;
    for (uint64_t k = 0; k < MANY; k++) {
        mewl_synth_infant i = mewl_synth_infant_seeded(k);
        sum += i.f0_hz;
        squares += i.f0_hz * i.f0_hz;
        burst += i.burst_s;
        assert_true(i.f0_hz >= 320 && i.f0_hz <= 750 && i.tract_m >= 0.07 && i.tract_m <= 0.08);
    }
    double mean = sum / MANY, sd = sqrt(squares / MANY - mean * mean);
    assert_true(fabs(mean - 496) < 8 && sd > 80 && sd < 100); /* 496 +- 95, its tails cut */
    assert_true(fabs(burst / MANY - 1.4) < 0.02);
    mewl_synth_infant a = mewl_synth_infant_seeded(7), b = mewl_synth_infant_seeded(7), c = mewl_synth_infant_seeded(8);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.f0_hz != c.f0_hz);
}

static void test_growth(void **state)
{
    (void)state;
    mewl_synth_infant i = mewl_synth_infant_seeded(3);
    i.f0_growth_month = -0.01;
    assert_true(fabs(mewl_synth_infant_f0_hz(&i, 0) - i.f0_hz) < 1e-9);
    assert_true(fabs(mewl_synth_infant_f0_hz(&i, 30.44) / i.f0_hz - 0.99) < 1e-9);
    double year = mewl_synth_infant_tract_m(&i, 365) - i.tract_m;
    assert_true(year > 0.007 && year < 0.009); /* some 8 mm in the first year */
}

static mewl_synth_cry draw(mewl_synth_state state)
{
    mewl_synth_infant i = mewl_synth_infant_seeded(5);
    mewl_rng rng = mewl_rng_seeded(6);
    mewl_synth_session session = mewl_synth_session_draw(&i, &rng);
    return mewl_synth_cry_draw(&i, &session, state, 20, &rng);
}

static void test_state(void **state)
{
    (void)state;
    mewl_synth_cry usual = draw((mewl_synth_state){0});
    mewl_synth_cry high = draw((mewl_synth_state){.f0_log = log(1.1)});
    assert_true(fabs(high.f0_hz / usual.f0_hz - 1.1) < 1e-9);
    high.f0_hz = usual.f0_hz;
    assert_memory_equal(&usual, &high, offsetof(mewl_synth_cry, device)); /* and nothing else */
    mewl_synth_cry hoarse = draw((mewl_synth_state){.noise = 1});
    assert_true(hoarse.jitter > 2 * usual.jitter && hoarse.hnr_db < usual.hnr_db - 5 &&
                hoarse.dysphonation > usual.dysphonation && hoarse.f0_hz == usual.f0_hz);
    mewl_synth_cry shrill = draw((mewl_synth_state){.hyperphonation = 0.3});
    assert_true(fabs(shrill.hyperphonation - usual.hyperphonation - 0.3) < 1e-9);
    assert_int_equal(draw((mewl_synth_state){.device = 4}).device, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_norms), cmocka_unit_test(test_growth),
                                       cmocka_unit_test(test_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
