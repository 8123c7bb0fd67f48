/* Loader: the same batches whatever the threads, resuming anywhere, both kinds of source. */
#include "wave.h"

#include "../base/sanitized.h"
#include "data/loader.h"

#include <pthread.h>

typedef struct fixture {
    temp sets;
    mewl_recipe recipe;
    mewl_corpus *corpus;
    mewl_manifest manifest;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    mewl_error err = {0};
    assert_non_null(f);
    f->sets = wave_sets();
    char text[1024], name[512];
    snprintf(text, sizeof text,
             "[data]\nroot = %s\nsets = donateacry, esc10, speech-commands,\n  room-impulse-responses\n"
             "[mixture]\nseconds = 2\n[augment]\nmixup_probability = 0.5\n[train]\nbatch = 2\nloader_threads = 2\n"
             "[classify]\nseconds = 1\n",
             f->sets.path);
    snprintf(name, sizeof name, "%s/r.ini", f->sets.path);
    if (mewl_recipe_parse(&f->recipe, name, text, strlen(text), &err) != MEWL_OK ||
        mewl_corpus_gather(&f->manifest, &f->recipe, &err) != MEWL_OK ||
        mewl_corpus_open(&f->corpus, &f->recipe, 2, NULL, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    mewl_corpus_close(f->corpus);
    mewl_manifest_fini(&f->manifest);
    mewl_recipe_fini(&f->recipe);
    temp_remove(&f->sets);
    free(f);
    return 0;
}

static uint64_t hash_of(uint64_t hash, const float *x, size_t count)
{
    const unsigned char *bytes = (const unsigned char *)x;
    for (size_t i = 0; i < count * sizeof *x; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

static uint64_t batch_hash(const mewl_batch *b)
{
    uint64_t hash = hash_of(0xcbf29ce484222325u, b->features, b->count * b->frames * b->bands);
    hash = hash_of(hash, b->frame_targets, b->count * b->target_frames);
    hash = hash_of(hash, b->frame_weights, b->count * b->target_frames);
    return hash_of(hash, b->clip_targets, b->count * b->classes);
}

static void pull_hashes(mewl_loader *l, uint64_t *hashes, size_t count)
{
    mewl_error err = {0};
    for (size_t i = 0; i < count; i++) {
        mewl_batch *b;
        if (mewl_loader_pull(l, &b, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
        hashes[i] = batch_hash(b);
        mewl_loader_release(l, b);
    }
}

static void same_batches_whatever_the_threads(void **state)
{
    fixture *f = *state;
    uint64_t first[9], other[9];
    for (int threads = 1; threads <= 3; threads++) {
        mewl_loader *l;
        mewl_error err = {0};
        mewl_loader_opts opts = {
            .side = MEWL_SIDE_TRAIN, .augment = true, .threads = threads, .prefetch = (size_t)threads, .seed = 11};
        assert_int_equal(mewl_loader_open_mixtures(&l, f->corpus, &f->recipe, opts, &err), MEWL_OK);
        mewl_batch shape, *b;
        mewl_loader_shape(l, &shape);
        assert_int_equal(shape.count, 2);
        assert_int_equal(shape.frames, 201);
        assert_int_equal(shape.bands, 64);
        assert_int_equal(shape.target_frames, 25);
        assert_int_equal(mewl_loader_pull(l, &b, &err), MEWL_E_STATE);
        assert_int_equal(mewl_loader_seek(l, 0, 0, 0, &err), MEWL_E_ARG);
        assert_int_equal(mewl_loader_seek(l, 0, 0, 5, &err), MEWL_OK);
        pull_hashes(l, threads == 1 ? first : other, 9);
        if (threads > 1) {
            assert_memory_equal(first, other, sizeof first);
        }
        for (int i = 0; i < 9; i++) {
            for (int k = 0; k < i; k++) {
                assert_true(first[i] != first[k]);
            }
        }
        /* Resuming in the middle, also while workers are ahead. */
        assert_int_equal(mewl_loader_seek(l, 1, 2, 5, &err), MEWL_OK);
        pull_hashes(l, other, 2);
        assert_true(other[0] == first[7] && other[1] == first[8]);
        mewl_loader_close(l);
    }
}

static void batches_are_lent_not_given(void **state)
{
    fixture *f = *state;
    mewl_loader *l;
    mewl_error err = {0};
    mewl_batch *a, *b, *c;
    mewl_loader_opts opts = {.side = MEWL_SIDE_VALID, .threads = 2, .batch = 2, .prefetch = 1, .seed = 1};
    assert_int_equal(mewl_loader_open_mixtures(&l, f->corpus, &f->recipe, opts, &err), MEWL_OK);
    assert_int_equal(mewl_loader_seek(l, 0, 0, 2, &err), MEWL_OK);
    assert_int_equal(mewl_loader_pull(l, &a, &err), MEWL_OK);
    assert_int_equal(mewl_loader_pull(l, &b, &err), MEWL_OK);
    assert_true(a->epoch == 0 && a->index == 0 && b->index == 1);
    assert_int_equal(mewl_loader_pull(l, &c, &err), MEWL_E_STATE);
    uint64_t held = batch_hash(a);
    mewl_loader_release(l, b);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(mewl_loader_pull(l, &b, &err), MEWL_OK);
        mewl_loader_release(l, b);
    }
    assert_true(batch_hash(a) == held);
    mewl_loader_release(l, a);
    mewl_loader_release(l, NULL);
    mewl_loader_close(l);
    mewl_loader_close(NULL);
}

static void clips_with_classes(void **state)
{
    fixture *f = *state;
    mewl_loader *l;
    mewl_error err = {0};
    mewl_batch *b, shape;
    /* Only what has a label that means something here. */
    assert_int_equal(mewl_recipe_set(&f->recipe, "classify.classes", "cry, rain, rooster", &err), MEWL_OK);
    assert_int_equal(mewl_recipe_set(&f->recipe, "classify.balance", "1", &err), MEWL_OK);
    mewl_loader_opts opts = {.side = MEWL_SIDE_TRAIN, .augment = true, .threads = 2, .batch = 8, .seed = 2};
    if (mewl_loader_open_clips(&l, &f->manifest, &f->recipe, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    mewl_loader_shape(l, &shape);
    assert_int_equal(shape.classes, 3);
    assert_int_equal(shape.frames, 101);
    assert_string_equal(mewl_loader_classes(l)[2], "rooster");
    assert_int_equal(mewl_loader_seek(l, 0, 0, 10, &err), MEWL_OK);
    f->recipe.augment_mixup_probability = 0;
    double classes[3] = {0};
    const int pulls = SANITIZED ? 4 : 25; /* the balance of classes is a matter of many */
    for (int i = 0; i < pulls; i++) {
        assert_int_equal(mewl_loader_pull(l, &b, &err), MEWL_OK);
        for (size_t k = 0; k < 8; k++) {
            double sum = 0;
            for (size_t c = 0; c < 3; c++) {
                classes[c] += (double)b->clip_targets[k * 3 + c];
                sum += (double)b->clip_targets[k * 3 + c];
            }
            assert_true(fabs(sum - 1) < 1e-5);
        }
        mewl_loader_release(l, b);
    }
    for (size_t c = 0; c < 3; c++) {
        assert_true(SANITIZED || fabs(classes[c] / 200 - 1.0 / 3) < 0.12);
    }
    mewl_loader_close(l);
    /* Evaluation: each clip once, in order. */
    opts = (mewl_loader_opts){.side = MEWL_SIDE_TEST, .threads = 2, .batch = 1, .seed = 2};
    assert_int_equal(mewl_loader_open_clips(&l, &f->manifest, &f->recipe, opts, &err), MEWL_OK);
    size_t examples = mewl_loader_examples(l), expected = 0;
    for (size_t i = 0; i < f->manifest.count; i++) {
        const mewl_row *row = &f->manifest.rows[i];
        expected +=
            strcmp(row->split, "test") == 0 &&
            (strcmp(row->label, "cry") == 0 || strcmp(row->label, "rain") == 0 || strcmp(row->label, "rooster") == 0);
    }
    assert_int_equal(examples, expected);
    uint64_t hashes[64];
    assert_true(examples < 32);
    assert_int_equal(mewl_loader_seek(l, 0, 0, examples, &err), MEWL_OK);
    pull_hashes(l, hashes, examples);
    assert_int_equal(mewl_loader_seek(l, 0, 0, examples, &err), MEWL_OK);
    pull_hashes(l, hashes + 32, examples);
    assert_memory_equal(hashes, hashes + 32, examples * sizeof hashes[0]);
    mewl_loader_close(l);
    assert_int_equal(mewl_recipe_set(&f->recipe, "classify.column", "colour", &err), MEWL_OK);
    assert_int_equal(mewl_loader_open_clips(&l, &f->manifest, &f->recipe, opts, &err), MEWL_E_ARG);
}

static void an_error_comes_through(void **state)
{
    fixture *f = *state;
    mewl_loader *l;
    mewl_error err = {0};
    mewl_loader_opts opts = {.side = MEWL_SIDE_TRAIN, .threads = 1000, .seed = 2};
    assert_int_equal(mewl_loader_open_mixtures(&l, f->corpus, &f->recipe, opts, &err), MEWL_E_ARG);
    assert_null(l);
    assert_int_equal(mewl_recipe_set(&f->recipe, "classify.column", "label", &err), MEWL_OK);
    assert_int_equal(mewl_recipe_set(&f->recipe, "classify.classes", "one, two", &err), MEWL_OK);
    opts.threads = 1;
    assert_int_equal(mewl_loader_open_clips(&l, &f->manifest, &f->recipe, opts, &err), MEWL_E_EMPTY);
    assert_null(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_batches_whatever_the_threads),
        cmocka_unit_test(batches_are_lent_not_given),
        cmocka_unit_test(clips_with_classes),
        cmocka_unit_test(an_error_comes_through),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
