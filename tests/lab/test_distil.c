/* Training by a teacher: the answers of another model are learnt, even where labels say the opposite; what cannot teach
 * is refused before the first step. */
#include "../data/wave.h"

#include <stdio.h>

#include "base/file.h"
#include "lab/train.h"
#include "models/model.h"

typedef struct fixture {
    temp out;
    char teacher[600];
} fixture;

static void write_text(const char *path, const char *text)
{
    mewl_error err = {0};
    if (mewl_file_write(path, text, strlen(text), &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
}

/* Low and high voices; every third is held out. With `liar` the labels of the training side are exchanged. */
static void write_manifest(const fixture *f, const char *name, bool liar)
{
    char text[16384], path[600];
    size_t at = (size_t)snprintf(text, sizeof text, "path,label,group,split\n");
    for (int i = 0; i < 24; i++) {
        bool low = i % 2 == 0, held = i % 3 == 2;
        at += (size_t)snprintf(text + at, sizeof text - at, "%d.wav,%s,g%d,%s\n", i,
                               low == (held || !liar) ? "low" : "high", i, held ? "valid" : "train");
    }
    snprintf(path, sizeof path, "%s/%s", f->out.path, name);
    write_text(path, text);
}

static mewl_status train(mewl_train_result *r, const fixture *f, const char *manifest, const char *name,
                         const char *more, mewl_error *err)
{
    char recipe[600], text[3000], out[600];
    snprintf(recipe, sizeof recipe, "%s/%s.ini", f->out.path, name);
    snprintf(out, sizeof out, "%s/%s", f->out.path, name);
    snprintf(text, sizeof text,
             "[recipe]\nname = voices\ntask = classify\nseed = 3\n[model]\narch = cnn6\nwidth = 0.0625\nfrontend = "
             "panns-16k\nframewise = no\ndropout = 0\n[data]\nsets =\nmanifests = %s\n[classify]\nseconds = 0.6\n"
             "[augment]\ntime_masks = 0\nband_masks = 0\n[train]\nepochs = 3\nsteps_per_epoch = 8\nbatch = 8\nlr = "
             "0.003\nthreads = 1\nloader_threads = 1\nprecision = fp32\nema_decay = 0\nwarmup_steps = 2\n%s",
             manifest, more);
    write_text(recipe, text);
    return mewl_train_run(r, recipe, (mewl_train_opts){.output = out}, err);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->out = temp_make();
    *state = f;
    static const double tone[][2] = {{0.2, 1.8}};
    for (int i = 0; i < 24; i++) {
        char name[64];
        snprintf(name, sizeof name, "%d.wav", i);
        wave_write(&f->out, name, 16000, 2, 0.01, (i % 2 == 0 ? 200 : 900) + 7 * i, tone, 1, 900 + (uint64_t)i);
    }
    write_manifest(f, "true.csv", false);
    write_manifest(f, "false.csv", true);
    mewl_train_result r;
    mewl_error err = {0};
    if (train(&r, f, "true.csv", "teacher", "", &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(r.best_figure >= 0.99);
    snprintf(f->teacher, sizeof f->teacher, "%.590s", r.model_path);
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    temp_remove(&f->out);
    free(f);
    return 0;
}

static void the_teacher_is_believed_as_far_as_the_recipe_says(void **state)
{
    fixture *f = *state;
    mewl_train_result r;
    mewl_error err = {0};
    assert_int_equal(train(&r, f, "false.csv", "alone", "", &err), MEWL_OK);
    assert_true(r.best_figure <= 0.5); /* the labels are lies, and nobody says so */
    char more[1400];
    snprintf(more, sizeof more, "[distil]\nteacher = %s\ntemperature = 2\nweight = 1\n", f->teacher);
    if (train(&r, f, "false.csv", "taught", more, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(r.best_figure >= 0.99);
    /* Two of them, one named relative to the recipe. */
    snprintf(more, sizeof more, "[distil]\nteacher = %s, teacher/best.safetensors\nweight = 1\n", f->teacher);
    if (train(&r, f, "false.csv", "ensemble", more, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(r.best_figure >= 0.99);
}

static void what_cannot_teach_is_refused(void **state)
{
    fixture *f = *state;
    mewl_train_result r;
    mewl_error err = {0};
    char path[600], more[1400];
    snprintf(path, sizeof path, "%s/other.safetensors", f->out.path);
    mewl_model_config config = {.arch = "cnn6", .front_end = "panns-32k", .classes = 2, .width = 0.0625};
    mewl_model *other;
    assert_int_equal(mewl_model_new(&other, config, 1, &err), MEWL_OK);
    assert_int_equal(mewl_model_save(other, path, false, &err), MEWL_OK);
    mewl_model_free(other);
    assert_int_equal(train(&r, f, "true.csv", "a", "[distil]\nteacher = other.safetensors\n", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "panns-32k"));

    config = (mewl_model_config){.arch = "cnn6", .front_end = "panns-16k", .classes = 2, .width = 0.0625};
    assert_int_equal(mewl_model_new(&other, config, 1, &err), MEWL_OK);
    assert_int_equal(mewl_model_set_label(other, 0, "high", &err), MEWL_OK);
    assert_int_equal(mewl_model_save(other, path, false, &err), MEWL_OK);
    mewl_model_free(other);
    assert_int_equal(train(&r, f, "true.csv", "b", "[distil]\nteacher = other.safetensors\n", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "`low`"));

    assert_int_equal(train(&r, f, "true.csv", "c", "[distil]\nteacher = nobody.safetensors\n", &err), MEWL_E_NOT_FOUND);
    snprintf(more, sizeof more, "[distil]\nteacher = %s\n[classify]\nmulti_label = yes\n", f->teacher);
    assert_int_equal(train(&r, f, "true.csv", "d", more, &err), MEWL_E_UNSUPPORTED);
    assert_int_equal(train(&r, f, "true.csv", "e", "[distil]\nweight = 2\n", &err), MEWL_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_teacher_is_believed_as_far_as_the_recipe_says),
        cmocka_unit_test(what_cannot_teach_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
