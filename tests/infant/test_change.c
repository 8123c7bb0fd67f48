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
        assert_true(alarms > 0);        /* it can alarm at all */
        assert_true(lifetime <= 6 + 7); /* 0.05 of 120, and three standard deviations */
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

/* A life of a year with nothing in it, and lasting shifts early and late in one: Ville's bound, and power. */
static void test_lifetime_alarms(void **state)
{
    (void)state;
    enum { LIVES = 50, QUIET_LIVES = 120 };
    size_t wrong = 0;
    for (uint64_t i = 0; i < QUIET_LIVES; i++) {
        wrong += run_course(11, i, 365, 0, 0, (mewl_change_opts){0}).lifetime;
    }
    if (wrong > 6) { /* 0.05 of them */
        fail_msg("%zu of %d lives without a change gave a lifetime alarm (seed 11)", wrong, QUIET_LIVES);
    }
    for (int down = 0; down < 2; down++) {
        size_t found = 0;
        for (uint64_t i = 0; i < LIVES; i++) {
            size_t lifetime = run_course(12, i, 60, 0, down ? -2.5 : 2.5, (mewl_change_opts){0}).lifetime;
            assert_true(lifetime <= 1); /* once */
            found += lifetime;
        }
        if (found < 45) {
            fail_msg("%zu of %d shifts gave a lifetime alarm (seed 12, down %d)", found, LIVES, down);
        }
    }
}

/* The alarm is given where M reaches 1 / alpha and nowhere else; a restart never raises M; what is kept back shrinks as
 * 200 / (n + 200), whatever happens. */
static void test_martingale_by_hand(void **state)
{
    (void)state;
    mewl_change *c = NULL;
    mewl_change_step step;
    mewl_rng rng = mewl_rng_seeded(8);
    size_t bets = 0;
    bool alarmed = false;
    assert_int_equal(mewl_change_new(&c, (mewl_change_opts){.alpha = 0.01}, NULL), MEWL_OK);
    for (size_t i = 0; i < 400; i++) {
        double value = mewl_rng_normal(&rng) + (i >= 300 ? 4 : 0);
        if (i == 150) {
            mewl_change_restart(c);
        }
        assert_int_equal(mewl_change_push(c, &step, (double)i / 3, value, NULL), MEWL_OK);
        double kept = log(200 / (200 + (double)bets));
        if (i >= 150 && i < 162) { /* burning in: nothing is at stake but what was forfeited */
            assert_true(!step.judged && fabs(step.log_martingale - kept) < 1e-9);
        }
        bets += step.judged ? 1 : 0;
        assert_true(step.log_martingale >= log(200 / (200 + (double)bets)) - 1e-9);
        bool reached = step.judged && step.log_martingale >= log(100);
        assert_true(step.lifetime_alarm == (reached && !alarmed));
        alarmed = alarmed || reached;
    }
    assert_true(alarmed);
    mewl_change_free(c);
}

/* The e-detector's allowance for the line's error makes alarms rarer, of a true shift not many fewer. */
static void test_allowance_for_the_line(void **state)
{
    (void)state;
    size_t wrong[2] = {0, 0};
    size_t found[2] = {0, 0};
    for (uint64_t i = 0; i < 60; i++) {
        for (int k = 0; k < 2; k++) {
            mewl_change_opts opts = {.run_sessions = 60, .line_errors = k};
            wrong[k] += run_course(13, i, 90, 0, 0, opts).alarms;
            found[k] += run_course(14, i, 50, 0, 3, opts).delay <= 5 ? 1 : 0;
        }
    }
    assert_true(wrong[1] < wrong[0]);
    assert_true(found[0] >= 55 && found[1] >= 50);
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

/* A watch as version 1 wrote it, with nothing remembered; all wealth exp(log_wealth). */
static void put_version_1(mewl_buffer *out, double log_wealth)
{
    const double settings[] = {300, 0.05, 28, 4};
    double wealth[8];
    double detectors[8];
    for (size_t i = 0; i < 8; i++) {
        wealth[i] = log_wealth;
        detectors[i] = -1400;
    }
    mewl_bytes_put_head(out, "CHNG", 1);
    mewl_bytes_put_u32(out, 0);
    mewl_bytes_put_f64s(out, settings, 4);
    for (size_t i = 0; i < 6; i++) { /* burn-in, seed, four words of the generator */
        mewl_bytes_put_u64(out, 12 + i);
    }
    mewl_bytes_put_u32(out, 0);
    mewl_bytes_put_u64(out, 40);
    mewl_bytes_put_u64(out, 0);
    mewl_bytes_put_f64s(out, wealth, 8);
    mewl_bytes_put_f64s(out, detectors, 8);
    mewl_bytes_put_f64(out, 0.5);
    mewl_bytes_put_f64(out, 0.25);
    mewl_bytes_put_u32(out, 1);
    mewl_bytes_put_f64(out, 9.5);
}

static void test_version_1_is_read(void **state)
{
    (void)state;
    for (int rich = 0; rich < 2; rich++) {
        mewl_buffer old;
        mewl_buffer_init(&old, 1 << 16);
        put_version_1(&old, rich ? 2.5 : -300);
        mewl_bytes in = {.data = (const unsigned char *)old.data, .size = old.size, .name = "old"};
        mewl_change *c = NULL;
        mewl_change_step step;
        mewl_error err = {0};
        mewl_status status = mewl_change_load(&c, &in, &err);
        if (status != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(mewl_bytes_end(&in, &err), MEWL_OK);
        assert_int_equal(mewl_change_push(c, &step, 9, 0, &err), MEWL_E_ARG); /* the day is known */
        assert_int_equal(mewl_change_push(c, &step, 10, NAN, &err), MEWL_OK);
        assert_true(fabs(step.log_martingale - (rich ? 2.5 : -300)) < 1e-9); /* M goes on from where it was */
        assert_true(step.cusum_up == 0.5 && step.cusum_down == 0.25);
        mewl_change_free(c);
        mewl_buffer_fini(&old);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_false_alarms_are_rarer_than_set),
        cmocka_unit_test(test_shifts_are_found),
        cmocka_unit_test(test_lifetime_alarms),
        cmocka_unit_test(test_martingale_by_hand),
        cmocka_unit_test(test_allowance_for_the_line),
        cmocka_unit_test(test_version_1_is_read),
        cmocka_unit_test(test_detectors_by_hand),
        cmocka_unit_test(test_one_side_sees_one_side),
        cmocka_unit_test(test_what_is_not_judged),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
