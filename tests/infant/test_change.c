/* Watching slow figures: false alarms within what was set, shifts found, growth no alarm, bytes. All with a pretended
 * clock and from printed seeds. */
#include "simulated.h"

/* One infant's figure over `days`: growing by `slope` a day, shifted by `shift` from day 40 on. */
typedef struct course {
    size_t alarms, before, lifetime;
    double sessions, delay;
} course;

static course run_course(uint64_t seed, uint64_t number, double days, double slope, double shift, mewl_change_opts opts)
{
    course out = {.delay = NAN};
    mewl_rng rng = mewl_rng_stream(seed, number);
    mewl_change *c = NULL;
    opts.seed = number;
    assert_int_equal(mewl_change_new(&c, opts, NULL), MEWL_OK);
    for (double day = 0; day < days; day -= log(1 - mewl_rng_unit(&rng)) / 3) {
        double value = slope * day + mewl_rng_normal(&rng) + (day >= 40 ? shift : 0);
        mewl_change_step step;
        assert_int_equal(mewl_change_push(c, &step, day, value, NULL), MEWL_OK);
        out.sessions += step.judged ? 1 : 0;
        out.alarms += step.alarm ? 1 : 0;
        out.lifetime += step.lifetime_alarm ? 1 : 0;
        out.before += step.alarm && day < 40 ? 1 : 0;
        out.delay = step.alarm && day >= 40 && isnan(out.delay) ? day - 40 : out.delay;
    }
    mewl_change_free(c);
    return out;
}

static void test_false_alarms_are_rarer_than_set(void **state)
{
    (void)state;
    const uint64_t seed = 5;
    for (int growing = 0; growing < 2; growing++) {
        double sessions = 0;
        size_t alarms = 0;
        size_t lifetime = 0;
        enum { INFANTS = 120 };
        for (uint64_t i = 0; i < INFANTS; i++) {
            course c = run_course(seed, i, 120, growing * 0.01, 0, (mewl_change_opts){.run_sessions = 100});
            sessions += c.sessions;
            alarms += c.alarms;
            lifetime += c.lifetime;
        }
        double expected = sessions / 100;
        if ((double)alarms > expected + 4 * sqrt(expected)) {
            fail_msg("seed %llu, growing %d: %zu alarms in %.0f sessions", (unsigned long long)seed, growing, alarms,
                     sessions);
        }
        assert_true(alarms > 0);            /* it can alarm at all */
        assert_true(lifetime <= 6 + 4 * 3); /* 0.05 of 120, and four standard deviations */
    }
}

static void test_shifts_are_found(void **state)
{
    (void)state;
    static const struct {
        double shift, days;
    } table[] = {{2, 3}, {-2, 3}, {4, 1.5}, {1, 8}};
    for (size_t k = 0; k < 4; k++) {
        size_t in_time = 0;
        for (uint64_t i = 0; i < 40; i++) {
            course c = run_course(6, i, 60, 0, table[k].shift, (mewl_change_opts){0});
            in_time += c.delay <= table[k].days ? 1 : 0;
        }
        if (in_time < 20) {
            fail_msg("shift %g: %zu of 40 found within %g days (seed 6)", table[k].shift, in_time, table[k].days);
        }
    }
}

/* CUSUM by hand from the standardised differences; the e-detector alarms at the run that was set last. */
static void test_detectors_by_hand(void **state)
{
    (void)state;
    mewl_change *c = NULL;
    mewl_change_step step;
    mewl_rng rng = mewl_rng_seeded(9);
    double up = 0;
    double down = 0;
    size_t alarms = 0;
    assert_int_equal(mewl_change_new(&c, (mewl_change_opts){.run_sessions = 1e9}, NULL), MEWL_OK);
    for (size_t i = 0; i < 300; i++) {
        double run = i < 150 ? 1e9 : 20;
        if (i == 150) {
            mewl_change_set_run(c, run);
            mewl_change_set_run(c, 0.5); /* nothing */
        }
        assert_int_equal(mewl_change_push(c, &step, (double)i / 3, mewl_rng_normal(&rng), NULL), MEWL_OK);
        if (step.judged) {
            up = fmax(0, up + step.z - 0.5);
            down = fmax(0, down - step.z - 0.5);
            assert_true(fabs(step.cusum_up - up) < 1e-9 && fabs(step.cusum_down - down) < 1e-9);
            assert_true(step.alarm == (step.log_detector >= log(run)));
        }
        alarms += step.alarm ? 1 : 0;
        up = step.alarm ? 0 : up; /* all detectors start anew */
        down = step.alarm ? 0 : down;
    }
    assert_true(alarms > 0);
    mewl_change_free(c);
}

static void test_one_side_sees_one_side(void **state)
{
    (void)state;
    size_t found[2] = {0, 0};
    for (uint64_t i = 0; i < 30; i++) {
        mewl_change_opts opts = {.side = MEWL_CHANGE_UP, .run_sessions = 1000};
        found[0] += isnan(run_course(7, i, 50, 0, 3, opts).delay) ? 0 : 1;
        found[1] += isnan(run_course(7, i, 44, 0, -3, opts).delay) ? 0 : 1;
    }
    assert_true(found[0] == 30 && found[1] <= 3);
}

static void test_what_is_not_judged(void **state)
{
    (void)state;
    mewl_change *c = NULL;
    mewl_change_step step;
    mewl_error err = {0};
    mewl_rng rng = mewl_rng_seeded(1);
    assert_int_equal(mewl_change_new(&c, (mewl_change_opts){.burn_in = 5}, &err), MEWL_OK);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(mewl_change_push(c, &step, (double)i, NAN, &err), MEWL_OK);
        assert_true(!step.judged && isnan(step.z));
        assert_int_equal(mewl_change_push(c, &step, (double)i, mewl_rng_normal(&rng), &err), MEWL_OK);
        assert_true(step.judged == (i >= 5));
    }
    assert_true(mewl_change_sessions(c) == 8);
    assert_int_equal(mewl_change_push(c, &step, 3, 0, &err), MEWL_E_ARG);
    assert_int_equal(mewl_change_push(c, &step, NAN, 0, &err), MEWL_E_ARG);
    mewl_change_restart(c);
    assert_true(mewl_change_sessions(c) == 0);
    assert_int_equal(mewl_change_push(c, &step, 9, 0, &err), MEWL_OK);
    assert_true(!step.judged);
    mewl_change_free(c);
    assert_int_equal(mewl_change_new(&c, (mewl_change_opts){.alpha = 1.5}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_change_new(&c, (mewl_change_opts){.run_sessions = 0.5}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_change_new(&c, (mewl_change_opts){.burn_in = 400}, &err), MEWL_E_ARG);
}

/* Saved in the middle, the second half is the same to the bit. */
static void test_bytes(void **state)
{
    (void)state;
    mewl_change *c = NULL;
    mewl_change *copy = NULL;
    mewl_error err = {0};
    mewl_rng rng = mewl_rng_seeded(2);
    mewl_buffer saved;
    mewl_buffer_init(&saved, 1 << 20);
    assert_int_equal(mewl_change_new(&c, (mewl_change_opts){.seed = 3}, &err), MEWL_OK);
    for (size_t i = 0; i < 700; i++) { /* more than are remembered */
        mewl_change_step a;
        mewl_change_step b;
        double value = mewl_rng_normal(&rng);
        assert_int_equal(mewl_change_push(c, &a, (double)i / 3, value, &err), MEWL_OK);
        if (copy != NULL) {
            assert_int_equal(mewl_change_push(copy, &b, (double)i / 3, value, &err), MEWL_OK);
            assert_true(a.p == b.p && a.z == b.z && a.log_martingale == b.log_martingale &&
                        a.log_detector == b.log_detector && a.cusum_up == b.cusum_up && a.alarm == b.alarm);
        }
        if (i == 30 || i == 600) {
            mewl_buffer_clear(&saved);
            mewl_change_save(c, &saved);
            mewl_bytes in = {.data = (const unsigned char *)saved.data, .size = saved.size, .name = "saved"};
            mewl_change_free(copy);
            assert_int_equal(mewl_change_load(&copy, &in, &err), MEWL_OK);
            assert_int_equal(mewl_bytes_end(&in, &err), MEWL_OK);
        }
    }
    assert_true(mewl_change_sessions(c) == MEWL_CHANGE_SESSIONS_MAX);
    for (size_t size = 0; size < saved.size; size += 97) {
        mewl_bytes in = {.data = (const unsigned char *)saved.data, .size = size, .name = "cut"};
        mewl_change *never = NULL;
        assert_int_equal(mewl_change_load(&never, &in, &err), MEWL_E_FORMAT);
        assert_null(never);
    }
    mewl_change_free(c);
    mewl_change_free(copy);
    mewl_buffer_fini(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_false_alarms_are_rarer_than_set),
        cmocka_unit_test(test_shifts_are_found),
        cmocka_unit_test(test_detectors_by_hand),
        cmocka_unit_test(test_one_side_sees_one_side),
        cmocka_unit_test(test_what_is_not_judged),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
