/* ESC-10's folds: a fold that is stopped says so and is gone on with, one that is done is not trained again, mistakes
 * come before any work. Who is judged by whom: test_eval.c. */
#include "../data/wave.h"

#include <signal.h>
#include <sys/stat.h>

#include "lab/eval.h"

typedef struct fixture {
    temp sets;
    char recipe[512], out[512];
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->sets = wave_sets();
    (void)snprintf(f->recipe, sizeof f->recipe, "%s/folds.ini", f->sets.path);
    (void)snprintf(f->out, sizeof f->out, "%s/out", f->sets.path);
    FILE *file = fopen(f->recipe, "w");
    assert_non_null(file);
    assert_true(fputs("[recipe]\nname = folds\n[model]\narch = cnn6\nwidth = 0.0625\n[data]\nsets = esc10\n"
                      "valid_share = 0.2\ntest_share = 0\n[mixture]\nseconds = 1\n[train]\nepochs = 1\n"
                      "steps_per_epoch = 1\nwarmup_steps = 0\nbatch = 2\nthreads = 1\nloader_threads = 1\n"
                      "valid_batches = 1\nprecision = fp32\n",
                      file) >= 0);
    assert_int_equal(fclose(file), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    temp_remove(&f->sets);
    free(f);
    return 0;
}

static mewl_eval_fold_opts options(const fixture *f)
{
    return (mewl_eval_fold_opts){
        .common = {.seed = 1, .rounds = 5}, .output = f->out, .data_root = f->sets.path, .threshold = NAN};
}

/* When a file of the output folder was written; 0 while it is not there. */
static int64_t written_ns(const fixture *f, const char *name)
{
    char path[700];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", f->out, name);
    return stat(path, &st) == 0 ? (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec : 0;
}

static void stopped_and_gone_on_with(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    json_t *out = NULL;
    volatile sig_atomic_t stop = 1;
    mewl_eval_fold_opts opts = options(f);
    opts.stop = &stop;
    assert_int_equal(mewl_eval_folds(&out, f->recipe, NULL, 0, opts, &err), MEWL_E_CANCELLED);
    assert_null(out);
    assert_non_null(strstr(err.text, "fold 1"));
    assert_int_equal(written_ns(f, "fold1/model.safetensors"), 0);
    assert_true(written_ns(f, "fold1/last.safetensors") > 0);
    stop = 0;
    if (mewl_eval_folds(&out, f->recipe, NULL, 0, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(json_array_size(json_object_get(out, "folds")), 5);
    json_decref(out);
    const int64_t first = written_ns(f, "fold1/model.safetensors"), last = written_ns(f, "fold5/model.safetensors");
    assert_true(first > 0 && last > 0);

    opts.stop = NULL;
    assert_int_equal(mewl_eval_folds(&out, f->recipe, NULL, 0, opts, &err), MEWL_OK); /* all there */
    json_decref(out);
    assert_true(written_ns(f, "fold1/model.safetensors") == first && written_ns(f, "fold5/model.safetensors") == last);
    stop = 1;
    opts.stop = &stop;
    opts.retrain = true; /* then they are not enough: a training starts, and is stopped */
    assert_int_equal(mewl_eval_folds(&out, f->recipe, NULL, 0, opts, &err), MEWL_E_CANCELLED);
    assert_non_null(strstr(err.text, "fold 1"));
}

static void mistakes_come_first(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    json_t *out = NULL;
    mewl_eval_fold_opts opts = options(f);
    char elsewhere[600];
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/nothing", f->sets.path);
    opts.output = elsewhere;
    assert_int_equal(mewl_eval_folds(&out, f->recipe, NULL, MEWL_TRIAL_SYSTEMS_MAX, opts, &err), MEWL_E_ARG);
    assert_int_equal(mewl_eval_folds(&out, "/none.ini", NULL, 0, opts, &err), MEWL_E_NOT_FOUND);
    opts.data_root = "/none";
    assert_true(mewl_eval_folds(&out, f->recipe, NULL, 0, opts, &err) != MEWL_OK);
    assert_null(out);
    struct stat st;
    assert_int_not_equal(stat(elsewhere, &st), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_and_gone_on_with),
        cmocka_unit_test(mistakes_come_first),
    };
    return cmocka_run_group_tests_name("folds", tests, set_up, tear_down);
}
