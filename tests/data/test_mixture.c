/* Mixtures of recordings made here: what is placed is where the truth says, at the SNR
 * it says, from the side it should be, and the same every time. */
#include "corpus_fixture.h"

#include "../base/sanitized.h"
#include "data/mixture.h"

static void examples_repeat_and_vary(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    mewl_mixer *a, *b;
    mewl_example x, y;
    assert_int_equal(mewl_mixer_new(&a, f->corpus, &f->recipe, MEWL_SIDE_TRAIN, &err), MEWL_OK);
    assert_int_equal(mewl_mixer_new(&b, f->corpus, &f->recipe, MEWL_SIDE_TRAIN, &err), MEWL_OK);
    assert_int_equal(mewl_mixer_count(a), 96000);
    assert_int_equal(mewl_example_init(&x, 96000, &err), MEWL_OK);
    assert_int_equal(mewl_example_init(&y, 96000, &err), MEWL_OK);
    assert_int_equal(x.frames, 75);
    size_t with_cry = 0, marked = 0;
    const uint64_t examples = SANITIZED ? 10 : 40;
    for (uint64_t i = 0; i < examples; i++) {
        if (mewl_mixer_make(a, &x, 3, 1, i, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        /* Another mixer, after another example: the same bits. */
        assert_int_equal(mewl_mixer_make(b, &y, 3, 1, i + 1000, &err), MEWL_OK);
        assert_memory_not_equal(x.samples, y.samples, x.count * sizeof(float));
        assert_int_equal(mewl_mixer_make(b, &y, 3, 1, i, &err), MEWL_OK);
        assert_memory_equal(x.samples, y.samples, x.count * sizeof(float));
        assert_memory_equal(x.frame_targets, y.frame_targets, x.frames * sizeof(float));
        assert_memory_equal(x.frame_weights, y.frame_weights, x.frames * sizeof(float));
        float most = 0;
        bool cry = false;
        for (size_t k = 0; k < x.count; k++) {
            assert_true(isfinite(x.samples[k]) && fabsf(x.samples[k]) <= 1.5f);
        }
        for (size_t k = 0; k < x.frames; k++) {
            assert_true(x.frame_targets[k] >= 0 && x.frame_targets[k] <= 1);
            most = fmaxf(most, x.frame_targets[k]);
        }
        for (size_t k = 0; k < x.event_count; k++) {
            cry = cry || x.events[k].cry;
            assert_true(x.events[k].onset_s >= 0 && x.events[k].offset_s <= 6 &&
                        x.events[k].offset_s > x.events[k].onset_s);
            assert_true(k == 0 || x.events[k].onset_s >= x.events[k - 1].onset_s);
            /* A narrow source is never claimed to be wide. */
            assert_true(!x.events[k].cry || strstr(x.events[k].source, WAVE_UUID) == NULL ||
                        x.events[k].bandwidth_hz <= 4000);
        }
        assert_true((x.clip_target == 1) == cry);
        assert_true(cry || most == 0);
        with_cry += cry;
        marked += most > 0.5f;
    }
    assert_true(SANITIZED || (with_cry >= 12 && with_cry <= 28));
    assert_true(marked >= with_cry * 9 / 10);
    assert_int_equal(mewl_mixer_make(a, &x, 3, 2, 0, &err), MEWL_OK);
    assert_int_equal(mewl_mixer_make(b, &y, 3, 1, 0, &err), MEWL_OK);
    assert_memory_not_equal(x.samples, y.samples, x.count * sizeof(float));
    mewl_example_fini(&y);
    assert_int_equal(mewl_example_init(&y, 16000, &err), MEWL_OK);
    assert_int_equal(mewl_mixer_make(a, &y, 3, 1, 0, &err), MEWL_E_SHAPE);
    mewl_example_fini(&x);
    mewl_example_fini(&y);
    mewl_mixer_free(a);
    mewl_mixer_free(b);
}

/* Both classes must be limited alike: the share of narrow events, and the level of examples, tell nothing. */
static void nothing_but_the_cry_tells(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    mewl_mixer *m;
    mewl_example x;
    assert_int_equal(mewl_mixer_new(&m, f->corpus, &f->recipe, MEWL_SIDE_TRAIN, &err), MEWL_OK);
    assert_int_equal(mewl_example_init(&x, mewl_mixer_count(m), &err), MEWL_OK);
    double narrow[2] = {0}, events[2] = {0}, level[2] = {0}, examples[2] = {0}, length[2] = {0};
    f->recipe.mixture_natural_probability = 0;
    const uint64_t made = SANITIZED ? 10 : 250; /* a few find faults, many give shares */
    for (uint64_t i = 0; i < made; i++) {
        assert_int_equal(mewl_mixer_make(m, &x, 9, 0, i, &err), MEWL_OK);
        double power = 0;
        for (size_t k = 0; k < x.count; k++) {
            power += (double)x.samples[k] * (double)x.samples[k];
        }
        int cry = x.clip_target > 0;
        level[cry] += 10 * log10(power / (double)x.count + 1e-12);
        examples[cry]++;
        for (size_t k = 0; k < x.event_count; k++) {
            int c = x.events[k].cry;
            narrow[c] += x.events[k].bandwidth_hz < 4000;
            length[c] += x.events[k].offset_s - x.events[k].onset_s;
            events[c]++;
        }
    }
    f->recipe.mixture_natural_probability = 0.15;
    if (!SANITIZED) {
        assert_true(fabs(narrow[0] / events[0] - narrow[1] / events[1]) < 0.10);
        assert_true(fabs(narrow[1] / events[1] - 0.7) < 0.10);
        assert_true(fabs(level[0] / examples[0] - level[1] / examples[1]) < 3.5);
    }
    mewl_example_fini(&x);
    mewl_mixer_free(m);
}

static void test_mixtures_hold_their_truth(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    mewl_mixer *m;
    mewl_example loud, quiet, none;
    mewl_mix_test test = mewl_mix_test_default();
    test.rooms = false;
    assert_int_equal(mewl_mixer_new_test(&m, f->corpus, &f->recipe, MEWL_SIDE_TEST, test.seconds, &err), MEWL_OK);
    assert_int_equal(mewl_example_init(&loud, mewl_mixer_count(m), &err), MEWL_OK);
    assert_int_equal(mewl_example_init(&quiet, mewl_mixer_count(m), &err), MEWL_OK);
    assert_int_equal(mewl_example_init(&none, mewl_mixer_count(m), &err), MEWL_OK);
    for (uint64_t i = 0; i < (SANITIZED ? 2 : 5); i++) {
        test.snr_db = 30;
        if (mewl_mixer_test(m, &loud, test, 5, i, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        test.snr_db = -5;
        assert_int_equal(mewl_mixer_test(m, &quiet, test, 5, i, &err), MEWL_OK);
        assert_int_equal(loud.event_count, 8);
        assert_int_equal(quiet.event_count, 8);
        size_t cries = 0;
        for (size_t k = 0; k < 8; k++) {
            const mewl_mix_event *e = &loud.events[k];
            assert_true(e->onset_s == quiet.events[k].onset_s && e->offset_s == quiet.events[k].offset_s);
            assert_string_equal(e->source, quiet.events[k].source);
            assert_true(k == 0 || e->onset_s - loud.events[k - 1].offset_s >= 2 - 1e-9);
            assert_true(e->offset_s - e->onset_s <= 6.01);
            cries += e->cry;
            /* The truth is where the sound is: at 30 dB the event stands out of its surroundings. */
            double inside = 0, before = 0;
            size_t from = (size_t)(e->onset_s * 16000), n = 1600;
            assert_true(from >= 4 * n || k == 0);
            for (size_t s = 0; s < n; s++) {
                inside += (double)loud.samples[from + n + s] * (double)loud.samples[from + n + s];
                if (from >= 2 * n) {
                    before += (double)loud.samples[from - 2 * n + s] * (double)loud.samples[from - 2 * n + s];
                }
            }
            if (e->cry && from >= 2 * n) {
                assert_true(10 * log10(inside / before) > 15);
            }
        }
        assert_int_equal(cries, 4);
        for (size_t k = 0; k < loud.frames; k++) {
            assert_true(loud.frame_weights[k] == 1);
        }
    }
    test.cries_per_minute = 0;
    assert_int_equal(mewl_mixer_test(m, &none, test, 5, 0, &err), MEWL_OK);
    assert_true(none.clip_target == 0 && none.event_count == 4 && isnan(none.snr_db));
    test.cries_per_minute = 60;
    assert_int_equal(mewl_mixer_test(m, &none, test, 5, 0, &err), MEWL_E_ARG);
    mewl_example_fini(&loud);
    mewl_example_fini(&quiet);
    mewl_example_fini(&none);
    mewl_mixer_free(m);
}

static void mistakes_are_told(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    mewl_mixer *m;
    mewl_example e;
    assert_int_equal(mewl_mixer_new_test(&m, f->corpus, &f->recipe, MEWL_SIDE_TEST, 0, &err), MEWL_E_ARG);
    assert_int_equal(mewl_example_init(&e, 10, &err), MEWL_E_SHAPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_repeat_and_vary),
        cmocka_unit_test(nothing_but_the_cry_tells),
        cmocka_unit_test(test_mixtures_hold_their_truth),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
