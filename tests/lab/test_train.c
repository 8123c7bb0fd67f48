/* Training on recordings made here: stopped and gone on with it ends in the same bytes, a signal loses nothing, classes
 * are learnt, weights are taken from another model. Speed and quality on real data: docs. */
#include "../data/wave.h"

#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "lab/train.h"
#include "models/model.h"

typedef struct fixture {
    temp sets, out;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->sets = wave_sets();
    f->out = temp_make();
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

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A detector so small that a step takes milliseconds. */
static void write_recipe(const fixture *f, char *path, size_t size, const char *model, const char *train)
{
    char text[2048];
    snprintf(path, size, "%s/detect.ini", f->out.path);
    snprintf(text, sizeof text,
             "[recipe]\nname = little\ntask = detect\nseed = 5\n[model]\n%s\nframewise = yes\n"
             "[data]\nroot = %s\nsets = esc10\nvalid_share = 0.2\n"
             "test_share = 0.3\n[mixture]\nseconds = 2\n"
             "[train]\nepochs = 2\nsteps_per_epoch = 3\nbatch = 2\nthreads = 1\nloader_threads = 1\nvalid_batches = 1\n"
             "checkpoint_steps = 1\nlog_steps = 1\nema_decay = 0.9\nwarmup_steps = 2\nprecision = fp32\n%s\n",
             model, f->sets.path, train);
    write_text(path, text);
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
    char path[2][600];
    char *bytes[2];
    size_t size[2];
    mewl_error err = {0};
    for (int k = 0; k < 2; k++) {
        snprintf(path[k], sizeof path[k], "%s/%s", k == 0 ? a : b, name);
        if (mewl_file_read_all(&bytes[k], &size[k], path[k], (size_t)1 << 28, &err) != MEWL_OK) {
            fail_msg("%s", err.text);
        }
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

#define CNN "arch = cnn6\nwidth = 0.0625\nfrontend = panns-16k"

static void a_stop_changes_nothing(void **state)
{
    fixture *f = *state;
    char recipe[512], whole[512], parts[512];
    mewl_train_result r;
    write_recipe(f, recipe, sizeof recipe, CNN, "lr = 0.001");
    snprintf(whole, sizeof whole, "%s/whole", f->out.path);
    snprintf(parts, sizeof parts, "%s/parts", f->out.path);
    train(&r, recipe, (mewl_train_opts){.output = whole});
    assert_int_equal(r.steps, 6);
    assert_false(r.stopped);
    assert_true(isfinite(r.train_loss));

    train(&r, recipe, (mewl_train_opts){.output = parts, .stop_after = 2}); /* inside a pass */
    assert_true(r.stopped);
    assert_int_equal(r.steps, 2);
    train(&r, recipe, (mewl_train_opts){.output = parts, .stop_after = 5, .resume = true}); /* over its end */
    assert_true(r.stopped);
    train(&r, recipe, (mewl_train_opts){.output = parts, .resume = true});
    assert_false(r.stopped);
    assert_int_equal(r.steps, 6);
    assert_same_file(whole, parts, "model.safetensors");
    assert_same_file(whole, parts, "best.safetensors");
    assert_same_file(whole, parts, "last.safetensors");

    /* Another recipe cannot go on from it. */
    mewl_error err = {0};
    const char *set[] = {"train.lr=0.002"};
    mewl_train_opts other = {.output = parts, .resume = true, .set = set, .set_count = 1};
    assert_int_equal(mewl_train_run(&r, recipe, other, &err), MEWL_E_STATE);
    other = (mewl_train_opts){.output = f->sets.path, .resume = true};
    assert_int_equal(mewl_train_run(&r, recipe, other, &err), MEWL_E_NOT_FOUND);
}

/* Lines of the log parse, and the steps in it follow one another. */
static void the_log_is_whole(void **state)
{
    fixture *f = *state;
    char path[600], line[4096];
    snprintf(path, sizeof path, "%s/parts/log.ndjson", f->out.path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    long long step = 0;
    bool ended = false;
    while (fgets(line, sizeof line, file) != NULL) {
        json_t *entry = json_loads(line, 0, NULL);
        assert_non_null(entry);
        const char *event = json_string_value(json_object_get(entry, "event"));
        assert_non_null(event);
        if (strcmp(event, "step") == 0) {
            assert_int_equal(json_integer_value(json_object_get(entry, "step")), ++step);
            assert_true(json_is_real(json_object_get(entry, "loss")));
        }
        ended = strcmp(event, "end") == 0;
        json_decref(entry);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(step, 6);
    assert_true(ended);
}

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

static void interrupt(void *user, double done, double total, const char *what)
{
    (void)user;
    (void)total;
    if (done == 3 && what != NULL && strncmp(what, "training", 8) == 0) {
        (void)raise(SIGINT);
    }
}

static void a_signal_loses_nothing(void **state)
{
    fixture *f = *state;
    char recipe[512], whole[512], parts[512];
    mewl_train_result r;
    snprintf(whole, sizeof whole, "%s/whole", f->out.path);
    snprintf(parts, sizeof parts, "%s/signal", f->out.path);
    snprintf(recipe, sizeof recipe, "%s/detect.ini", f->out.path);
    mewl_progress progress = {.report = interrupt};
    void (*before)(int) = signal(SIGINT, on_signal);
    train(&r, recipe, (mewl_train_opts){.output = parts, .stop = &interrupted, .progress = &progress});
    (void)signal(SIGINT, before);
    assert_int_equal(interrupted, SIGINT);
    assert_true(r.stopped);
    assert_int_equal(r.steps, 3);
    train(&r, recipe, (mewl_train_opts){.output = parts, .resume = true});
    assert_same_file(whole, parts, "model.safetensors");
    assert_same_file(whole, parts, "last.safetensors");
}

static void classes_are_learnt(void **state)
{
    fixture *f = *state;
    static const double tone[][2] = {{0.2, 1.8}};
    char name[512], text[16384], recipe[512], out[512];
    size_t at = (size_t)snprintf(text, sizeof text, "path,label,group,split\n");
    for (int i = 0; i < 24; i++) { /* low and high voices, a folder a class; every third is held out */
        const bool low = i % 2 == 0;
        snprintf(name, sizeof name, "voices/%s/%d.wav", low ? "low" : "high", i);
        wave_write(&f->out, name, 16000, 2, 0.01, (low ? 200 : 900) + 7 * i, tone, 1, 900 + (uint64_t)i);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s,%s,g%d,%s\n", name, low ? "low" : "high", i,
                               i % 3 == 2 ? "valid" : "train");
    }
    snprintf(name, sizeof name, "%s/voices.csv", f->out.path);
    write_text(name, text);
    snprintf(recipe, sizeof recipe, "%s/classify.ini", f->out.path);
    write_text(recipe, "[recipe]\nname = voices\ntask = classify\nseed = 3\n[model]\narch = cnn10\nwidth = 0.0625\n"
                       "frontend = panns-16k\nframewise = no\ndropout = 0\n[data]\nsets =\nmanifests = voices.csv\n"
                       "[classify]\nseconds = 1\n[augment]\ntime_masks = 0\nband_masks = 0\n[train]\nepochs = "
                       "4\nsteps_per_epoch = 10\nbatch = 8\nlr = 0.003\n"
                       "threads = 1\nloader_threads = 1\nprecision = fp32\nema_decay = 0\nwarmup_steps = 2\n");
    snprintf(out, sizeof out, "%s/voices-out", f->out.path);
    mewl_train_result r;
    train(&r, recipe, (mewl_train_opts){.output = out});
    assert_int_equal(r.steps, 40);
    assert_true(r.best_figure >= 0.99); /* eight held-out voices, all told apart */
    mewl_model *model;
    mewl_error err = {0};
    assert_int_equal(mewl_model_load(&model, r.model_path, &err), MEWL_OK);
    assert_int_equal(mewl_model_configuration(model)->classes, 2);
    assert_string_equal(mewl_model_label(model, 0), "high"); /* sorted */
    assert_string_equal(mewl_model_label(model, 1), "low");
    mewl_model_free(model);
}

/* Sets whose licence keeps them out of shipped weights: refused in every task unless the recipe says it is research. */
static void licences_are_kept(void **state)
{
    fixture *f = *state;
    static const double tone[][2] = {{0.05, 0.15}};
    static const char *const tasks[] = {"classify", "embed"};
    char name[512], recipe[512], text[1024], out[512];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "urban/fold1/%d-%d-0-0.wav", 70 + i, i % 2);
        wave_write(&f->sets, name, 16000, 0.2, 0.01, 300, tone, 1, (uint64_t)i);
    }
    snprintf(recipe, sizeof recipe, "%s/licence.ini", f->out.path);
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        for (int research = 0; research < 2; research++) {
            mewl_train_result r;
            mewl_error err = {0};
            snprintf(text, sizeof text,
                     "[recipe]\nname = l\ntask = %s\n[model]\narch = %s\nwidth = 0.0625\nfrontend = panns-16k\n"
                     "framewise = no\n[data]\nroot = %s\nsets = urban\nresearch = %s\n[classify]\nseconds = "
                     "0.5\n[train]\nbatch = 8\n"
                     "epochs = 1\nsteps_per_epoch = 1\nwarmup_steps = 0\n",
                     tasks[i], i == 0 ? "cnn6" : "ecapa", f->sets.path, research ? "yes" : "no");
            write_text(recipe, text);
            snprintf(out, sizeof out, "%s/licence-%zu-%d", f->out.path, i, research);
            mewl_status status = mewl_train_run(&r, recipe, (mewl_train_opts){.output = out}, &err);
            bool refused = strstr(err.text, "data.research = yes allows it") != NULL;
            if (refused != !research || (refused && status != MEWL_E_ARG)) {
                fail_msg("task %s, research %d: %s", tasks[i], research, err.text);
            }
        }
    }
}

static void weights_are_taken_from_another_model(void **state)
{
    fixture *f = *state;
    char recipe[512], init[512], out[512], line[700];
    mewl_model_config config = {
        .arch = "mobilenet", .front_end = "yamnet", .classes = 1, .depth = 4, .width = 0.0625, .framewise = true};
    mewl_model *from, *to;
    mewl_error err = {0};
    mewl_train_result r;
    snprintf(init, sizeof init, "%s/from.safetensors", f->out.path);
    snprintf(out, sizeof out, "%s/taken", f->out.path);
    assert_int_equal(mewl_model_new(&from, config, 77, &err), MEWL_OK);
    assert_int_equal(mewl_model_save(from, init, false, &err), MEWL_OK);
    snprintf(line, sizeof line,
             "arch = mobilenet\ndepth = 4\nwidth = 0.0625\nfrontend = yamnet\ninit = from.safetensors");
    write_recipe(f, recipe, sizeof recipe, line, "lr = 0.0000001\nlr_floor = 0\nweight_decay = 0");
    train(&r, recipe, (mewl_train_opts){.output = out});
    assert_int_equal(mewl_model_load(&to, r.model_path, &err), MEWL_OK);
    size_t count[2];
    mewl_param *const *a = mewl_net_params(mewl_model_net(from), &count[0]);
    mewl_param *const *b = mewl_net_params(mewl_model_net(to), &count[1]);
    assert_int_equal(count[0], count[1]);
    double moved = 0;
    for (size_t i = 0; i < count[0]; i++) {
        assert_string_equal(a[i]->name, b[i]->name);
        for (int64_t k = 0; k < mewl_shape_count(a[i]->value.shape); k++) {
            double d =
                fabs((double)((const float *)a[i]->value.data)[k] - (double)((const float *)b[i]->value.data)[k]);
            assert_true(d < 1e-5); /* six steps of at most 1e-7 */
            moved = fmax(moved, d);
        }
    }
    assert_true(moved > 0);
    mewl_model_free(from);
    mewl_model_free(to);

    /* What is no checkpoint is a mistake, and so is one that is not there. */
    write_recipe(f, recipe, sizeof recipe, CNN "\ninit = detect.ini", "lr = 0.001");
    assert_int_equal(mewl_train_run(&r, recipe, (mewl_train_opts){.output = out}, &err), MEWL_E_FORMAT);
    write_recipe(f, recipe, sizeof recipe, CNN "\ninit = nowhere.safetensors", "lr = 0.001");
    assert_int_equal(mewl_train_run(&r, recipe, (mewl_train_opts){.output = out}, &err), MEWL_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_changes_nothing), cmocka_unit_test(the_log_is_whole),
        cmocka_unit_test(a_signal_loses_nothing), cmocka_unit_test(classes_are_learnt),
        cmocka_unit_test(licences_are_kept),      cmocka_unit_test(weights_are_taken_from_another_model),
    };
    return cmocka_run_group_tests_name("train", tests, set_up, tear_down);
}
