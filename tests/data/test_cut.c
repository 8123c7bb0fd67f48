/* Material of mixtures: events are what they say (where something is heard, how long, how wide), varied but repeatable,
 * taken from their side; backgrounds fill an example without a seam. */
#include "corpus_fixture.h"

#include "data/cut.h"

#define COUNT ((size_t)(3 * MEWL_MIX_RATE_HZ))

static void workspace(mewl__workspace *w, const fixture *f, mewl_side side)
{
    mewl_error err = {0};
    if (mewl__workspace_init(w, f->corpus, &f->recipe, side, COUNT, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
}

static void check_cut(const mewl__cut *cut, double max_seconds)
{
    const double seconds = (double)cut->count / MEWL_MIX_RATE_HZ;
    assert_true(cut->count > 0 && cut->count <= MEWL__CUT_SAMPLES);
    assert_true(cut->onset_s >= 0 && cut->onset_s < cut->offset_s && cut->offset_s <= seconds + 1e-9);
    assert_true(cut->offset_s - cut->onset_s <= max_seconds + 0.01);
    assert_true(cut->echo_s >= 0 && cut->bandwidth_hz > 0 && cut->bandwidth_hz <= 8000);
    assert_in_range(cut->burst_count, 1, MEWL__CUT_BURSTS);
    for (size_t i = 0; i < cut->burst_count; i++) {
        assert_true(cut->bursts[i].onset_s < cut->bursts[i].offset_s);
        assert_true(i == 0 || cut->bursts[i].onset_s >= cut->bursts[i - 1].offset_s - 1e-9);
        assert_true(cut->bursts[i].onset_s >= cut->onset_s - 0.05 && cut->bursts[i].offset_s <= cut->offset_s + 0.05);
    }
    double heard = 0;
    for (size_t i = 0; i < cut->count; i++) {
        assert_true(isfinite(cut->samples[i]));
        heard += (double)cut->samples[i] * (double)cut->samples[i];
    }
    assert_true(heard > 0);
}

static void events_are_what_they_say(void **state)
{
    fixture *f = *state;
    mewl__workspace w;
    mewl_error err = {0};
    workspace(&w, f, MEWL_SIDE_TRAIN);
    float *before = malloc(MEWL__CUT_SAMPLES * sizeof *before);
    assert_non_null(before);
    for (uint64_t seed = 0; seed < 16; seed++) {
        const mewl__variation how = {.max_seconds = seed % 2 == 0 ? MEWL__CUT_SECONDS : 1.0,
                                     .whole_bursts = seed % 4 == 3,
                                     .pitch = seed % 4 == 2,
                                     .room = seed % 3 == 1,
                                     .synthetic = seed % 5 == 4};
        for (int cry = 0; cry < 2; cry++) {
            size_t count = 0;
            for (int again = 0; again < 2; again++) { /* the same numbers drawn, the same event */
                mewl_rng rng = mewl_rng_stream(seed, (uint64_t)cry);
                mewl_status status = cry ? mewl__cut_cry(&w, &rng, how, &err) : mewl__cut_negative(&w, &rng, how, &err);
                if (status != MEWL_OK) {
                    fail_msg("seed %d: %s", (int)seed, err.text);
                }
                check_cut(&w.cut, how.max_seconds);
                assert_true(w.cut.cry == (cry == 1));
                if (again == 0) {
                    count = w.cut.count;
                    memcpy(before, w.cut.samples, count * sizeof *before);
                }
            }
            assert_int_equal(w.cut.count, count);
            assert_memory_equal(before, w.cut.samples, count * sizeof *before);
        }
    }
    free(before);
    mewl__workspace_fini(&w);
}

/* Events come from recordings of their side. */
static void sides_are_kept(void **state)
{
    fixture *f = *state;
    mewl__workspace w;
    mewl_error err = {0};
    size_t count;
    const mewl_sound *sounds = mewl_corpus_sounds(f->corpus, &count);
    workspace(&w, f, MEWL_SIDE_TEST);
    for (uint64_t seed = 0; seed < 24; seed++) {
        mewl_rng rng = mewl_rng_stream(seed, 7);
        const mewl__variation how = {.max_seconds = 2};
        assert_int_equal(seed % 2 ? mewl__cut_cry(&w, &rng, how, &err) : mewl__cut_negative(&w, &rng, how, &err),
                         MEWL_OK);
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
            const char *name = strrchr(sounds[i].row->path, '/');
            if (strcmp(w.cut.source, sounds[i].row->path) == 0 ||
                (name != NULL && strcmp(w.cut.source, name + 1) == 0)) {
                assert_int_equal(sounds[i].side, MEWL_SIDE_TEST);
                found++;
            }
        }
        assert_true(found > 0 || strcmp(w.cut.source, "synthetic") == 0);
    }
    mewl__workspace_fini(&w);
}

/* The largest step from one sample to the next: a seam would be one. */
static float largest_step(const float *x, size_t count)
{
    float most = 0;
    for (size_t i = 1; i < count; i++) {
        most = fmaxf(most, fabsf(x[i] - x[i - 1]));
    }
    return most;
}

static void tiles_have_no_seam(void **state)
{
    (void)state;
    enum { LENGTH = 4000, ALL = 5 * LENGTH };
    int16_t samples[LENGTH];
    static float out[ALL];
    for (size_t i = 0; i < LENGTH; i++) { /* its ends do not fit: 10.3 periods */
        samples[i] = (int16_t)(20000 * sin(2 * M_PI * 10.3 * (double)i / LENGTH));
    }
    const mewl_sound sound = {.samples = samples, .count = LENGTH, .peak = 0.5F, .bandwidth_hz = 8000};
    const float smooth = 0.5F * 20000 / 32767 * 2 * (float)M_PI * 10.3F / LENGTH;
    for (size_t from = 0; from < LENGTH; from += 1777) {
        const size_t period = mewl__tile(&sound, out, ALL, from);
        assert_in_range(period, LENGTH / 2, LENGTH);
        assert_true(largest_step(out, ALL) < 3 * smooth);
        for (size_t i = period; i + period < ALL; i++) { /* past the first, every period is like the one before */
            assert_true(fabsf(out[i] - out[i + period]) < 1e-5F);
        }
    }
}

static void backgrounds_fill_the_example(void **state)
{
    fixture *f = *state;
    mewl__workspace w;
    mewl_error err = {0};
    workspace(&w, f, MEWL_SIDE_VALID);
    float *a = malloc(2 * COUNT * sizeof *a), *b = a + COUNT;
    assert_non_null(a);
    for (uint64_t seed = 0; seed < 12; seed++) {
        char label[128], same[128];
        mewl_rng rng = mewl_rng_seeded(seed), again = rng;
        memset(a, 0x7f, 2 * COUNT * sizeof *a);
        assert_int_equal(mewl__background(&w, a, label, &rng, seed % 2 == 1, &err), MEWL_OK);
        assert_int_equal(mewl__background(&w, b, same, &again, seed % 2 == 1, &err), MEWL_OK);
        assert_memory_equal(a, b, COUNT * sizeof *a);
        assert_string_equal(label, same);
        assert_true(label[0] != '\0');
        double tenths[10] = {0};
        for (size_t i = 0; i < COUNT; i++) {
            assert_true(isfinite(a[i]) && fabsf(a[i]) < 10);
            tenths[i * 10 / COUNT] += fabs((double)a[i]);
        }
        assert_true(tenths[0] > 0 && tenths[9] > 0);
    }
    free(a);
    mewl__workspace_fini(&w);
}

static void bands_are_drawn_as_told(void **state)
{
    fixture *f = *state;
    size_t narrow = 0;
    mewl_rng rng = mewl_rng_seeded(3);
    for (int i = 0; i < 400; i++) {
        const double band = mewl__draw_band(&f->recipe, &rng);
        assert_true(band > 1000 && band <= 8000);
        narrow += band < 4000;
    }
    assert_true(fabs((double)narrow / 400 - f->recipe.mixture_narrow_probability) < 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_what_they_say), cmocka_unit_test(sides_are_kept),
        cmocka_unit_test(tiles_have_no_seam),       cmocka_unit_test(backgrounds_fill_the_example),
        cmocka_unit_test(bands_are_drawn_as_told),
    };
    return cmocka_run_group_tests_name("cut", tests, set_up, tear_down);
}
