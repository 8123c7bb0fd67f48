/* Training embedders on voices made here: each loss runs, a stop changes nothing, the finished file holds no centres,
 * batches hold whole individuals with their sessions apart, and what another embedder says of them can be learned. */
#include "../data/wave.h"

#include <stdio.h>

#include "base/file.h"
#include "data/loader.h"
#include "lab/embed.h"
#include "lab/train.h"
#include "lab/tutor.h"
#include "models/model.h"

typedef struct fixture {
    temp sets, out;
} fixture;

/* Eight cats with four meows each, in two sessions; a background and a cry, which every corpus must have. */
static int set_up(void **state)
{
    static const double sound[][2] = {{0.1, 0.9}}, none[][2] = {{0, 0}};
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->sets = temp_make();
    f->out = temp_make();
    char name[256];
    for (int cat = 0; cat < 8; cat++) {
        for (int i = 0; i < 4; i++) {
            snprintf(name, sizeof name, "catmeows/B_CAT%02d_MC_FN_OWN%02d_%d%02d.wav", cat, cat, 1 + i / 2, i);
            wave_write(&f->sets, name, 8000, 1, 0.001, 300 + 60 * cat, sound, 1, (uint64_t)(cat * 4 + i));
        }
    }
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "esc10/002 - Rain/1-%d-A.wav", 2000 + i);
        wave_write(&f->sets, name, 16000, 2, 0.05, 1, none, 0, 200 + (uint64_t)i);
        snprintf(name, sizeof name, "esc10/004 - Baby cry/1-%d-A.wav", 1000 + i);
        wave_write(&f->sets, name, 16000, 3, 0.0005, 450, sound, 1, 300 + (uint64_t)i);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    temp_remove(&f->sets);
    temp_remove(&f->out);
    free(f);
    return 0;
}

static void write_recipe(const fixture *f, char *path, size_t size, const char *more)
{
    snprintf(path, size, "%s/embed.ini", f->out.path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "[recipe]\nname = little\ntask = embed\nseed = 5\n[model]\narch = ecapa\nwidth = 0.0625\nfrontend = ecapa\n"
            "[data]\nroot = %s\nsets = catmeows, esc10\nvalid_share = 0.3\ntest_share = 0.1\nmin_snr_db = 0\n"
            "[mixture]\npitch_semitones = 0 .. 0\ncodec_probability = 0\n"
            "[train]\nepochs = 2\nsteps_per_epoch = 2\nbatch = 4\nthreads = 1\nloader_threads = 1\n"
            "checkpoint_steps = 1\nlog_steps = 1\nema_decay = 0.9\nwarmup_steps = 1\nprecision = fp32\n"
            "[embed]\nseconds = 0.6\nrecordings = 2\n%s\n",
            f->sets.path, more);
    assert_int_equal(fclose(file), 0);
}

static void train(mewl_train_result *result, const char *recipe, mewl_train_opts opts)
{
    mewl_error err = {0};
    if (mewl_train_run(result, recipe, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
}

static void assert_same_file(const char *a, const char *b, const char *name)
{
    char path[2][600], *bytes[2];
    size_t size[2];
    mewl_error err = {0};
    for (int k = 0; k < 2; k++) {
        snprintf(path[k], sizeof path[k], "%s/%s", k == 0 ? a : b, name);
        assert_int_equal(mewl_file_read_all(&bytes[k], &size[k], path[k], (size_t)1 << 28, &err), MEWL_OK);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void every_loss_trains(void **state)
{
    static const char *const losses[] = {"loss = nt-xent", "loss = ge2e", "loss = aam\ncentres = 2"};
    fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        char recipe[512], whole[512], parts[512], path[600];
        mewl_train_result r;
        mewl_error err = {0};
        mewl_model *model;
        write_recipe(f, recipe, sizeof recipe, losses[i]);
        snprintf(whole, sizeof whole, "%s/whole%d", f->out.path, i);
        snprintf(parts, sizeof parts, "%s/parts%d", f->out.path, i);
        train(&r, recipe, (mewl_train_opts){.output = whole});
        assert_int_equal(r.steps, 4);
        assert_true(isfinite(r.train_loss) && r.valid_figure >= 0.0 && r.valid_figure <= 1.0);
        train(&r, recipe, (mewl_train_opts){.output = parts, .stop_after = 3});
        train(&r, recipe, (mewl_train_opts){.output = parts, .resume = true});
        assert_same_file(whole, parts, "model.safetensors");
        snprintf(path, sizeof path, "%s/model.safetensors", whole);
        assert_int_equal(mewl_model_load(&model, path, &err), MEWL_OK);
        assert_int_equal(mewl_model_configuration(model)->classes, 0);
        assert_null(mewl_net_param(mewl_model_net(model), "centres.weight"));
        assert_int_equal(mewl_model_embedding_size(model), 192);
        mewl_model_free(model);
    }
}

static size_t owner_of(const mewl_batch *batch, size_t i)
{
    size_t best = 0;
    for (size_t k = 1; k < batch->classes; k++) {
        best = batch->clip_targets[i * batch->classes + k] > batch->clip_targets[i * batch->classes + best] ? k : best;
    }
    return best;
}

static void batches_hold_whole_individuals(void **state)
{
    fixture *f = *state;
    char path[512];
    mewl_error err = {0};
    mewl_recipe recipe;
    mewl_corpus *corpus;
    mewl_loader *loader;
    write_recipe(f, path, sizeof path, "loss = nt-xent");
    assert_int_equal(mewl_recipe_read(&recipe, path, &err), MEWL_OK);
    assert_int_equal(mewl_corpus_open(&corpus, &recipe, 1, NULL, &err), MEWL_OK);
    mewl_loader_opts opts = {.side = MEWL_SIDE_TRAIN, .augment = true, .seed = 1, .batch = 6};
    assert_int_equal(mewl_loader_open_individuals(&loader, corpus, &recipe, opts, &err), MEWL_OK);
    assert_int_equal(mewl_loader_seek(loader, 0, 0, 5, &err), MEWL_OK);
    for (int b = 0; b < 5; b++) {
        mewl_batch *batch;
        assert_int_equal(mewl_loader_pull(loader, &batch, &err), MEWL_OK);
        for (size_t i = 0; i < 6; i += 2) { /* two sessions each: the pair comes from both */
            assert_int_equal(owner_of(batch, i), owner_of(batch, i + 1));
            assert_true(batch->snr_db[i] != batch->snr_db[i + 1]);
            for (size_t k = 0; k < i; k += 2) {
                assert_int_not_equal(owner_of(batch, i), owner_of(batch, k));
            }
        }
        mewl_loader_release(loader, batch);
    }
    mewl_loader_close(loader);
    recipe.embed_min_recordings = 5; /* nobody has five */
    assert_int_equal(mewl_loader_open_individuals(&loader, corpus, &recipe, opts, &err), MEWL_E_EMPTY);
    recipe.embed_min_recordings = 2;
    opts.batch = 64;
    assert_int_equal(mewl_loader_open_individuals(&loader, corpus, &recipe, opts, &err), MEWL_E_ARG);
    mewl_corpus_close(corpus);
    mewl_recipe_fini(&recipe);
}

static void sessions_are_an_hour_apart(void **state)
{
    mewl_row a = mewl_row_empty(), b = a;
    a.set = b.set = "cries";
    a.speaker = b.speaker = "x";
    a.time_s = 1e9;
    b.time_s = 1e9 + 3599.0;
    assert_true(mewl_individual_same_session(&a, &b));
    b.time_s = 1e9 + 3600.0;
    assert_false(mewl_individual_same_session(&a, &b));
    b.time_s = NAN;
    assert_true(mewl_individual_same_session(&a, &b));
    a.session = "1";
    b.session = "2";
    assert_false(mewl_individual_same_session(&a, &b));
    b.session = "1";
    b.speaker = "y";
    assert_false(mewl_individual_same_session(&a, &b));
}

/* An embedder with random weights at `path`: somebody to learn from. */
static void write_teacher(const fixture *f, char *path, size_t size)
{
    mewl_error err = {0};
    mewl_model *model;
    mewl_model_config config = {.arch = "ecapa", .front_end = "ecapa", .width = 0.0625};
    snprintf(path, size, "%s/teacher.safetensors", f->out.path);
    assert_int_equal(mewl_model_new(&model, config, 77, &err), MEWL_OK);
    assert_int_equal(mewl_model_save(model, path, false, &err), MEWL_OK);
    mewl_model_free(model);
}

/* Targets: of length one for whoever is named on the training side, nothing for the rest; the teacher twice over says
 * what it says once. */
static void a_teacher_is_asked_of_the_training_side(void **state)
{
    fixture *f = *state;
    char path[512], teacher[600];
    mewl_error err = {0};
    mewl_recipe recipe;
    mewl_corpus *corpus;
    mewl__tutor once, twice;
    enum { SIZE = 16 };
    size_t count, taught = 0;
    write_teacher(f, teacher, sizeof teacher);
    write_recipe(f, path, sizeof path, "[distil]\nteacher = teacher.safetensors");
    assert_int_equal(mewl_recipe_read(&recipe, path, &err), MEWL_OK);
    assert_int_equal(mewl_corpus_open(&corpus, &recipe, 1, NULL, &err), MEWL_OK);
    const mewl_sound *sounds = mewl_corpus_sounds(corpus, &count);
    if (mewl__tutor_open(&once, &recipe, corpus, SIZE, NULL, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    mewl_recipe_fini(&recipe);
    write_recipe(f, path, sizeof path, "[distil]\nteacher = teacher.safetensors, teacher.safetensors");
    assert_int_equal(mewl_recipe_read(&recipe, path, &err), MEWL_OK);
    assert_int_equal(mewl__tutor_open(&twice, &recipe, corpus, SIZE, NULL, &err), MEWL_OK);
    for (size_t i = 0; i < count; i++) {
        float said[2 * SIZE];
        double squares = 0, same = 0;
        mewl__tutor_say(&once, said, &i, 1);
        mewl__tutor_say(&twice, said + SIZE, &i, 1);
        for (size_t k = 0; k < SIZE; k++) {
            squares += (double)said[k] * (double)said[k];
            same += (double)said[k] * (double)said[SIZE + k];
        }
        bool named = sounds[i].side == MEWL_SIDE_TRAIN && sounds[i].row->speaker[0] != '\0';
        assert_true(fabs(squares - (named ? 1.0 : 0.0)) < 1e-5);
        assert_true(fabs(same - squares) < 1e-3);
        taught += named;
    }
    assert_true(taught >= 8 && taught < count);
    mewl__tutor_fini(&once);
    mewl__tutor_fini(&twice);
    mewl_recipe_fini(&recipe);
    char copy[600],
        many[128] = "[distil]\nteacher = t"; /* 22 times 192 numbers, under a short name: lines have an end */
    snprintf(copy, sizeof copy, "%s/t", f->out.path);
    assert_int_equal(rename(teacher, copy), 0);
    for (size_t i = 1; i < 22; i++) {
        strcat(many, ",t");
    }
    write_recipe(f, path, sizeof path, many);
    assert_int_equal(mewl_recipe_read(&recipe, path, &err), MEWL_OK);
    assert_int_equal(mewl__tutor_open(&once, &recipe, corpus, SIZE, NULL, &err), MEWL_E_ARG);
    assert_non_null(strstr(err.text, "4224 numbers side by side, more than 4096"));
    mewl_recipe_fini(&recipe);
    write_recipe(f, path, sizeof path, "[distil]\nteacher = nobody.safetensors");
    assert_int_equal(mewl_recipe_read(&recipe, path, &err), MEWL_OK);
    assert_int_not_equal(mewl__tutor_open(&once, &recipe, corpus, SIZE, NULL, &err), MEWL_OK);
    assert_non_null(strstr(err.text, "nobody.safetensors"));
    mewl_recipe_fini(&recipe);
    mewl_corpus_close(corpus);
}

/* One batch over and over: with the teacher's word alone the student comes to say it; shares of the losses are shares.
 */
static void a_teacher_is_learned_from(void **state)
{
    fixture *f = *state;
    char path[512], teacher[600];
    double loss[3], last = 0;
    mewl_error err = {0};
    mewl_recipe recipe;
    mewl_corpus *corpus;
    mewl_loader *loader;
    mewl_batch *batch;
    mewl_model *model;
    mewl_optim *optim;
    mewl__tutor tutor;
    mewl__losses losses;
    write_teacher(f, teacher, sizeof teacher);
    write_recipe(f, path, sizeof path, "loss = nt-xent\n[distil]\nteacher = teacher.safetensors");
    assert_int_equal(mewl_recipe_read(&recipe, path, &err), MEWL_OK);
    assert_int_equal(mewl_corpus_open(&corpus, &recipe, 1, NULL, &err), MEWL_OK);
    mewl_loader_opts opts = {.side = MEWL_SIDE_TRAIN, .augment = true, .seed = 1, .batch = 6};
    assert_int_equal(mewl_loader_open_individuals(&loader, corpus, &recipe, opts, &err), MEWL_OK);
    assert_int_equal(mewl_loader_seek(loader, 0, 0, 1, &err), MEWL_OK);
    assert_int_equal(mewl_loader_pull(loader, &batch, &err), MEWL_OK);
    mewl_model_config config = {.arch = "ecapa", .front_end = "ecapa", .width = 0.0625};
    assert_int_equal(mewl_model_new(&model, config, 3, &err), MEWL_OK);
    assert_int_equal(mewl_model_plan(model, (mewl_model_mode){.training = true, .threads = 1}, &err), MEWL_OK);
    assert_int_equal(mewl__tutor_open(&tutor, &recipe, corpus, 192, NULL, &err), MEWL_OK);
    mewl__scratch scratch = {.tutor = &tutor};
    assert_int_equal(mewl_optim_new(&optim, mewl_model_net(model), (mewl_optim_opts){.kind = MEWL_OPTIM_ADAM}, &err),
                     MEWL_OK);
    for (int k = 0; k < 3; k++) {
        recipe.distil_weight = 0.5 * k;
        assert_int_equal(mewl__embed_run(&losses, &scratch, model, batch, &recipe, true, &err), MEWL_OK);
        loss[k] = losses.total;
    }
    assert_true(fabs(loss[1] - 0.5 * (loss[0] + loss[2])) < 1e-4);
    for (int step = 0; step < 30; step++) {
        double norm;
        assert_int_equal(mewl__embed_run(&losses, &scratch, model, batch, &recipe, true, &err), MEWL_OK);
        assert_int_equal(mewl_optim_step(optim, &norm, 0.002, &err), MEWL_OK);
        last = losses.total;
    }
    assert_true(last < 0.5 * loss[2]);
    mewl__scratch_fini(&scratch);
    mewl_optim_free(optim);
    mewl_model_free(model);
    mewl_loader_release(loader, batch);
    mewl_loader_close(loader);
    mewl_corpus_close(corpus);
    mewl__tutor_fini(&tutor);
    mewl_recipe_fini(&recipe);
}

/* A stop changes nothing here either. */
static void training_with_a_teacher_goes_on(void **state)
{
    fixture *f = *state;
    char recipe[512], whole[512], parts[512], teacher[600];
    mewl_train_result r;
    write_teacher(f, teacher, sizeof teacher);
    write_recipe(f, recipe, sizeof recipe, "loss = aam\n[distil]\nteacher = teacher.safetensors\nweight = 0.5");
    snprintf(whole, sizeof whole, "%s/taught", f->out.path);
    snprintf(parts, sizeof parts, "%s/taught-parts", f->out.path);
    train(&r, recipe, (mewl_train_opts){.output = whole});
    train(&r, recipe, (mewl_train_opts){.output = parts, .stop_after = 1});
    train(&r, recipe, (mewl_train_opts){.output = parts, .resume = true});
    assert_same_file(whole, parts, "model.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loss_trains),          cmocka_unit_test(batches_hold_whole_individuals),
        cmocka_unit_test(sessions_are_an_hour_apart), cmocka_unit_test(a_teacher_is_asked_of_the_training_side),
        cmocka_unit_test(a_teacher_is_learned_from),  cmocka_unit_test(training_with_a_teacher_goes_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
