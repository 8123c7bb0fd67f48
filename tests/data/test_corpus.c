/* The corpus, on recordings made here and on the real ones: roles, sides, events and widths are what the recordings
 * are, draws keep to them, copies are at the recording's own level, and what cannot be opened is told. */
#include "../base/sanitized.h"
#include "corpus_fixture.h"

#include "data/split.h"

static void corpus_knows_its_sounds(void **state)
{
    fixture *f = *state;
    const mewl_corpus_stats *s = mewl_corpus_get_stats(f->corpus);
    size_t cries = 0, count, listed = 0;
    for (int side = 0; side < MEWL_SIDE_COUNT; side++) {
        cries += s->sounds[MEWL_ROLE_CRY][side];
        assert_true(s->sounds[MEWL_ROLE_CRY][side] > 0);
    }
    assert_int_equal(s->unreadable, 0);
    assert_int_equal(cries + s->cries_unusable, 14 + 14 + 1);
    assert_int_equal(s->cries_unusable, 0);
    const mewl_sound *sounds = mewl_corpus_sounds(f->corpus, &count);
    assert_int_equal(count, 14 * 6 + 1);
    for (size_t i = 0; i < count; i++) {
        listed += strstr(sounds[i].row->path, ".flac") != NULL;
        bool esc = strcmp(sounds[i].row->set, "esc10") == 0, donate = strcmp(sounds[i].row->set, "donateacry") == 0;
        assert_true(!esc || sounds[i].bandwidth_hz == 8000);
        assert_true(!donate || sounds[i].bandwidth_hz == 4000);
        if (donate) {
            assert_int_equal(sounds[i].event_count, 2);
            assert_true(fabs(sounds[i].events[0].offset_s - sounds[i].events[0].onset_s - 2.1) < 0.03);
        }
    }
    assert_int_equal(listed, 1);
    mewl_error err = {0};
    assert_int_equal(mewl_split_require(mewl_corpus_manifest(f->corpus), "split", &err), MEWL_OK);
}

static void draws_respect_side_and_width(void **state)
{
    fixture *f = *state;
    mewl_rng rng = mewl_rng_seeded(1);
    size_t wide = 0;
    for (int i = 0; i < 300; i++) {
        const mewl_sound *s = mewl_corpus_draw(f->corpus, MEWL_ROLE_CRY, MEWL_SIDE_TEST, 0, &rng);
        assert_true(s != NULL && s->role == MEWL_ROLE_CRY && s->side == MEWL_SIDE_TEST);
        assert_string_equal(s->row->split, "test");
        wide += s->bandwidth_hz > 4000;
        s = mewl_corpus_draw(f->corpus, MEWL_ROLE_CRY, MEWL_SIDE_TRAIN, 6000, &rng);
        assert_true(s != NULL && s->bandwidth_hz == 8000);
    }
    assert_in_range(wide, 30, 270);
    assert_null(mewl_corpus_draw(f->corpus, MEWL_ROLE_COUNT, MEWL_SIDE_TRAIN, 0, &rng));
}

/* Samples are kept as shares of the peak; a copy has the recording's own level back, and silence beyond its end. */
static void copies_have_their_level(void **state)
{
    fixture *f = *state;
    size_t count;
    const mewl_sound *sounds = mewl_corpus_sounds(f->corpus, &count);
    for (size_t i = 0; i < count; i++) {
        const mewl_sound *s = &sounds[i];
        const size_t more = 50;
        float *copy = malloc((s->count + more) * sizeof *copy), peak = 0, few[4];
        assert_non_null(copy);
        mewl_sound_copy(s, copy, 0, s->count + more);
        for (size_t k = 0; k < s->count; k++) {
            peak = fmaxf(peak, fabsf(copy[k]));
        }
        assert_true(fabsf(peak - s->peak) <= s->peak * 1e-4F);
        for (size_t k = s->count; k < s->count + more; k++) {
            assert_true(copy[k] == 0);
        }
        mewl_sound_copy(s, few, 10, 4);
        assert_memory_equal(few, copy + 10, sizeof few);
        mewl_sound_copy(s, few, s->count + 7, 4);
        assert_true(few[0] == 0 && few[3] == 0);
        free(copy);
    }
}

static mewl_row row_of(const char *set, const char *label)
{
    mewl_row row = {0};
    row.set = (char *)set;
    row.label = (char *)label;
    return row;
}

static void roles_come_from_labels(void **state)
{
    (void)state;
    static const struct {
        const char *set, *label;
        mewl_role role;
    } rows[] = {{"esc10", "cry", MEWL_ROLE_CRY},
                {"esc10", "rooster", MEWL_ROLE_NEGATIVE},
                {"esc10", "rain", MEWL_ROLE_BACKGROUND},
                {"librispeech-test-other", "speech", MEWL_ROLE_SPEECH},
                {"esc10", "", MEWL_ROLE_COUNT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_row row = row_of(rows[i].set, rows[i].label);
        if (mewl_corpus_role(&row) != rows[i].role) {
            fail_msg("%s of %s has role %d", rows[i].label, rows[i].set, (int)mewl_corpus_role(&row));
        }
    }
}

/* However many threads decode: the same sounds. */
static void threads_make_no_difference(void **state)
{
    fixture *f = *state;
    mewl_corpus *one;
    mewl_error err = {0};
    size_t count, other;
    if (mewl_corpus_load(&one, mewl_corpus_manifest(f->corpus), &f->recipe, 1, NULL, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    const mewl_sound *a = mewl_corpus_sounds(f->corpus, &count), *b = mewl_corpus_sounds(one, &other);
    assert_int_equal(count, other);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(a[i].row->path, b[i].row->path);
        assert_true(a[i].count == b[i].count && a[i].role == b[i].role && a[i].side == b[i].side);
        assert_memory_equal(a[i].samples, b[i].samples, a[i].count * sizeof *a[i].samples);
        assert_int_equal(a[i].event_count, b[i].event_count);
    }
    mewl_corpus_close(one);
    mewl_corpus_close(NULL);
}

static void mistakes_are_told(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    mewl_corpus *corpus;
    int64_t memory = f->recipe.data_memory_mb;
    f->recipe.data_memory_mb = 1;
    assert_int_equal(mewl_corpus_open(&corpus, &f->recipe, 2, NULL, &err), MEWL_E_MEMORY);
    assert_null(corpus);
    f->recipe.data_memory_mb = memory;
    double snr = f->recipe.data_min_snr_db;
    f->recipe.data_min_snr_db = 60;
    assert_int_equal(mewl_corpus_open(&corpus, &f->recipe, 2, NULL, &err), MEWL_E_EMPTY);
    f->recipe.data_min_snr_db = snr;
    const char *set = f->recipe.data_sets.items[1];
    f->recipe.data_sets.items[1] = "esc11";
    assert_int_equal(mewl_corpus_open(&corpus, &f->recipe, 2, NULL, &err), MEWL_E_NOT_FOUND);
    /* A set whose licence keeps it out of shipped weights is refused unless the recipe says it is research. */
    static const double none[1][2] = {{0, 0}};
    wave_write(&f->sets, "urban/fold1/77-8-0-0.wav", 16000, 1, 0.01, 1, none, 0, 1);
    f->recipe.data_sets.items[1] = "urban";
    assert_int_equal(mewl_corpus_open(&corpus, &f->recipe, 2, NULL, &err), MEWL_E_ARG);
    assert_non_null(strstr(err.text, "data.research"));
    f->recipe.data_sets.items[1] = set;
}

static void real_sets(void **state)
{
    (void)state;
    char path[1024];
    mewl_recipe recipe;
    mewl_corpus *corpus;
    mewl_error err = {0};
    if (SANITIZED) {
        print_message("four hundred recordings are read in the plain build alone\n");
        skip();
    }
    if (temp_data(path, sizeof path, "esc10") == NULL) {
        skip();
    }
    *strrchr(path, '/') = '\0';
    assert_int_equal(mewl_recipe_init(&recipe, &err), MEWL_OK);
    assert_int_equal(mewl_recipe_set(&recipe, "data.root", path, &err), MEWL_OK);
    assert_int_equal(
        mewl_recipe_set(&recipe, "data.sets", "esc10, room-impulse-responses, librispeech-test-other", &err), MEWL_OK);
    assert_int_equal(mewl_recipe_set(&recipe, "data.esc_test_fold", "3", &err), MEWL_OK);
    if (mewl_corpus_open(&corpus, &recipe, 2, NULL, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    const mewl_corpus_stats *s = mewl_corpus_get_stats(corpus);
    assert_int_equal(s->unreadable, 0);
    size_t count, usable = 0;
    const mewl_sound *sounds = mewl_corpus_sounds(corpus, &count);
    assert_int_equal(count, 400 + 10 + 50);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sounds[i].row->set, "esc10") == 0) {
            assert_true((sounds[i].side == MEWL_SIDE_TEST) == (sounds[i].row->fold == 3));
            usable += sounds[i].role == MEWL_ROLE_CRY;
        }
    }
    assert_true(usable >= 30);
    mewl_corpus_close(corpus);
    mewl_recipe_fini(&recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus_knows_its_sounds),
        cmocka_unit_test(draws_respect_side_and_width),
        cmocka_unit_test(copies_have_their_level),
        cmocka_unit_test(roles_come_from_labels),
        cmocka_unit_test(threads_make_no_difference),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(real_sets),
    };
    return cmocka_run_group_tests_name("corpus", tests, set_up, tear_down);
}
