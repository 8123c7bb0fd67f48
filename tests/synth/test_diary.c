/* Diaries: how many sessions and when, changes at known times, the same times with and without a change. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "synth/diary.h"

static mewl_synth_diary draw(mewl_synth_diary_opts opts)
{
    mewl_synth_infant infant = mewl_synth_infant_seeded(2);
    mewl_synth_diary diary;
    assert_int_equal(mewl_synth_diary_draw(&diary, &infant, opts, NULL), MEWL_OK);
    return diary;
}

static void test_times(void **state)
{
    (void)state;
    mewl_synth_diary d =
        draw((mewl_synth_diary_opts){.seed = 1, .days = 400, .sessions_day = 4, .recordings_session = 3});
    /* Poisson: 1,600 sessions +- 40; each 1 + Poisson(2) recordings. */
    assert_true(fabs((double)d.sessions - 1600) < 4 * 40);
    assert_true(fabs((double)d.count / (double)d.sessions - 3) < 0.2);
    size_t night = 0;
    for (size_t i = 0; i < d.count; i++) {
        double hour = 24 * (d.list[i].day - floor(d.list[i].day));
        night += hour < 6 || hour >= 23;
        assert_true(d.list[i].day >= 0 && d.list[i].day < 400);
        assert_true(i == 0 || d.list[i].day >= d.list[i - 1].day);
        assert_true(d.list[i].session < d.sessions);
    }
    /* 7 hours at a third of the rate of 17: 12 % of all. */
    assert_true(fabs((double)night / (double)d.count - 7.0 / 3 / (17 + 7.0 / 3)) < 0.03);
    mewl_synth_diary_fini(&d);
}

static void test_events(void **state)
{
    (void)state;
    mewl_synth_event events[] = {{10, 4, 20, {.f0_log = 0.1}}, {12, 0, INFINITY, {.device = 3}}};
    mewl_synth_diary plain = draw((mewl_synth_diary_opts){.seed = 5, .days = 30});
    mewl_synth_diary shifted = draw((mewl_synth_diary_opts){.seed = 5, .days = 30, .events = events, .event_count = 2});
    assert_int_equal(plain.count, shifted.count);
    assert_true(plain.count > 60);
    for (size_t i = 0; i < plain.count; i++) {
        double day = plain.list[i].day;
        assert_true(day == shifted.list[i].day && plain.list[i].cry.seed == shifted.list[i].cry.seed);
        double expected = day < 10 || day >= 20 ? 0 : 0.1 * fmin(1, (day - 10) / 4);
        assert_true(fabs(shifted.list[i].state.f0_log - expected) < 1e-12);
        assert_int_equal(shifted.list[i].cry.device, day >= 12 ? 3 : 0);
        double change = log(shifted.list[i].cry.f0_hz / plain.list[i].cry.f0_hz);
        assert_true(fabs(change - expected) < 1e-9);
    }
    mewl_synth_diary_fini(&plain);
    mewl_synth_diary_fini(&shifted);
    mewl_synth_diary_fini(NULL);
}

static void test_frozen(void **state)
{
    (void)state;
    mewl_synth_diary grown = draw((mewl_synth_diary_opts){.seed = 5, .days = 30});
    mewl_synth_diary frozen = draw((mewl_synth_diary_opts){.seed = 5, .days = 30, .frozen = 1});
    assert_int_equal(grown.count, frozen.count);
    size_t last = grown.count - 1;
    assert_true(frozen.list[last].cry.age_days == frozen.list[0].cry.age_days);
    assert_true(fabs(grown.list[last].cry.age_days - frozen.list[last].cry.age_days - grown.list[last].day) < 0.01);
    assert_true(grown.list[last].cry.tract_m > frozen.list[last].cry.tract_m);
    mewl_synth_diary_fini(&grown);
    mewl_synth_diary_fini(&frozen);
}

static void test_arguments(void **state)
{
    (void)state;
    mewl_synth_infant infant = mewl_synth_infant_seeded(2);
    mewl_synth_diary d;
    mewl_error err = {0};
    assert_int_equal(mewl_synth_diary_draw(&d, &infant, (mewl_synth_diary_opts){.days = 0}, &err), MEWL_E_ARG);
    assert_int_equal(mewl_synth_diary_draw(&d, &infant, (mewl_synth_diary_opts){.days = NAN}, &err), MEWL_E_ARG);
    mewl_synth_event bad = {NAN, 0, 1, {0}};
    mewl_synth_diary_opts opts = {.days = 1, .events = &bad, .event_count = 1};
    assert_int_equal(mewl_synth_diary_draw(&d, &infant, opts, &err), MEWL_E_ARG);
    opts.event_count = MEWL_SYNTH_EVENTS_MAX + 1;
    assert_int_equal(mewl_synth_diary_draw(&d, &infant, opts, &err), MEWL_E_ARG);
    opts = (mewl_synth_diary_opts){.days = 3660, .sessions_day = 200, .recordings_session = 32};
    assert_int_equal(mewl_synth_diary_draw(&d, &infant, opts, &err), MEWL_E_MEMORY); /* over a million */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_times), cmocka_unit_test(test_events),
                                       cmocka_unit_test(test_frozen), cmocka_unit_test(test_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
