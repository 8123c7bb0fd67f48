/* The protocol on recordings made here: documents are whole, figures are within their intervals, energy finds what is
 * loud, options are chosen and kept. What real detectors reach: docs. */
#include "../data/wave.h"

#include "data/readers.h"
#include "lab/eval.h"

typedef struct fixture {
    temp sets;
    mewl_recipe recipe;
    mewl_corpus *corpus;
    mewl_model *model;
    mewl_system *systems[2]; /* a small untrained model, energy */
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    mewl_error err = {0};
    char text[1024], name[512];
    assert_non_null(f);
    f->sets = wave_sets();
    snprintf(text, sizeof text,
             "[data]\nroot = %s\nsets = donateacry, esc10, speech-commands,\n  room-impulse-responses\n"
             "valid_share = 0.3\ntest_share = 0.4\n[eval]\nsnr_db = 0, 20\nmixtures = 2\nseconds = 30\n",
             f->sets.path);
    snprintf(name, sizeof name, "%s/r.ini", f->sets.path);
    mewl_model_config config = {
        .arch = "mobilenet", .front_end = "yamnet", .classes = 1, .depth = 4, .width = 0.0625, .framewise = true};
    if (mewl_recipe_parse(&f->recipe, name, text, strlen(text), &err) != MEWL_OK ||
        mewl_corpus_open(&f->corpus, &f->recipe, 1, NULL, &err) != MEWL_OK ||
        mewl_model_new(&f->model, config, 9, &err) != MEWL_OK ||
        mewl_system_open_model(&f->systems[0], f->model, NULL, &err) != MEWL_OK ||
        mewl_system_open_energy(&f->systems[1], &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    for (size_t s = 0; s < 2; s++) {
        mewl_system_close(f->systems[s]);
    }
    mewl_model_free(f->model);
    mewl_corpus_close(f->corpus);
    mewl_recipe_fini(&f->recipe);
    temp_remove(&f->sets);
    free(f);
    return 0;
}

static void ok(mewl_status status, const mewl_error *err)
{
    if (status != MEWL_OK) {
        fail_msg("%s", err->text);
    }
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) {
        fail_msg("no number `%s`", key);
    }
    return json_number_value(value);
}

/* The value of an interval, which holds it. */
static double interval(const json_t *object, const char *key)
{
    const json_t *i = json_object_get(object, key);
    double value = number(i, "value");
    assert_true(number(i, "low") <= value + 1e-9 && value <= number(i, "high") + 1e-9);
    return value;
}

static const mewl_eval_opts common = {.seed = 4, .rounds = 20};

static void manifests_are_judged(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    char path[512];
    mewl_manifest manifest;
    json_t *d;
    size_t unreadable = 9;
    snprintf(path, sizeof path, "%s/esc10", f->sets.path);
    ok(mewl_scan(&manifest, NULL, path, "auto", &err), &err);
    mewl_eval_manifest_opts opts = {.common = common, .threshold = NAN, .teacher_threshold = NAN};
    ok(mewl_eval_manifest(&d, &unreadable, f->systems, 2, &manifest, opts, &err), &err);
    assert_int_equal(unreadable, 0);
    assert_int_equal(number(d, "clips"), 42);
    for (size_t s = 0; s < 2; s++) {
        const json_t *row = json_array_get(json_object_get(d, "at_threshold"), s);
        double found = number(row, "true_positive"), missed = number(row, "false_negative");
        double wrong = number(row, "false_positive"), right = number(row, "true_negative");
        assert_true(found + missed == 14 && wrong + right == 28);
        assert_true(fabs(interval(row, "recall") - found / 14) < 1e-9);
        assert_true(fabs(number(row, "accuracy") - (found + right) / 42) < 1e-9);
    }
    assert_int_equal(json_array_size(json_object_get(d, "labels")), 3);
    const json_t *op = json_object_get(d, "operating_point");
    assert_true(fabs(number(op, "negative_hours") * 3600 - (14 * 5 + 14 * 3)) < 1);
    const json_t *energy = json_array_get(json_object_get(op, "systems"), 1);
    double threshold = number(energy, "threshold_logit");
    assert_true(threshold > 0 && interval(energy, "roc_auc") > 0.4); /* rain is loud, cries are louder than roosters */
    json_decref(d);

    /* One fold; a column that is not there; a file that is gone. */
    opts.fold = 2;
    ok(mewl_eval_manifest(&d, NULL, f->systems, 2, &manifest, opts, &err), &err);
    assert_int_equal(number(d, "clips"), 9);
    json_decref(d);
    opts.group = "colour";
    assert_int_equal(mewl_eval_manifest(&d, NULL, f->systems, 2, &manifest, opts, &err), MEWL_E_ARG);
    opts = (mewl_eval_manifest_opts){.common = common, .threshold = NAN, .teacher_threshold = NAN};
    assert_int_equal(remove(manifest.rows[0].path), 0);
    ok(mewl_eval_manifest(&d, &unreadable, f->systems, 2, &manifest, opts, &err), &err);
    assert_int_equal(unreadable, 1);
    assert_int_equal(number(d, "clips"), 41);
    json_decref(d);
    mewl_manifest_fini(&manifest);
}

static void mixtures_give_recall_by_snr(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    json_t *d, *again, *hard;
    float thresholds[2] = {NAN, NAN}, same[2];
    mewl_eval_mixture_opts opts = {.common = common, .side = MEWL_SIDE_TEST, .clips = 4, .negative_hours = 0.02};
    ok(mewl_eval_mixtures(&d, thresholds, f->systems, 2, f->corpus, &f->recipe, opts, &err), &err);
    assert_string_equal(json_string_value(json_object_get(d, "side")), "test");
    assert_int_equal(number(d, "positives"), 8);
    assert_int_equal(number(d, "negatives"), 8);
    for (size_t s = 0; s < 2; s++) {
        const json_t *row = json_array_get(json_object_get(d, "systems"), s);
        const json_t *by_snr = json_object_get(row, "by_snr");
        assert_int_equal(json_array_size(by_snr), 2);
        double mean = 0;
        for (size_t k = 0; k < 2; k++) {
            assert_true(number(json_array_get(by_snr, k), "snr_db") == (k == 0 ? 0 : 20));
            mean += interval(json_array_get(by_snr, k), "recall") / 2;
        }
        assert_true(fabs(interval(row, "recall") - mean) < 1e-9);
        assert_true(fabs(number(row, "threshold_logit") - (double)thresholds[s]) < 1e-5);
        assert_true((json_object_get(row, "difference") != NULL) == (s > 0));
    }
    ok(mewl_eval_mixtures(&again, same, f->systems, 2, f->corpus, &f->recipe, opts, &err), &err);
    assert_true(json_equal(d, again));
    json_decref(again);
    json_decref(d);

    /* Recorded hard negatives: roosters and words of the test side, and their total; snoring is made, and apart. */
    const float loud[2] = {INFINITY, -INFINITY};
    ok(mewl_eval_hard(&hard, loud, f->systems, 2, f->sets.path, f->corpus, common, &err), &err);
    double clips = 0, called = 0;
    const json_t *rows = json_object_get(hard, "labels"), *total = json_object_get(hard, "total");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strstr(json_string_value(json_object_get(row, "label")), "made") == NULL) {
            clips += number(row, "clips");
            called += number(json_array_get(json_object_get(row, "systems"), 1), "called");
        }
        assert_true(number(json_array_get(json_object_get(row, "systems"), 0), "called") == 0);
    }
    assert_true(clips > 0 && called == clips);
    assert_true(number(total, "clips") == clips);
    const json_t *energy = json_array_get(json_object_get(total, "systems"), 1);
    assert_true(number(energy, "called") == called);
    assert_true(fabs(interval(energy, "per_hour") - 60 * called / number(total, "minutes")) < 1e-6);
    json_decref(hard);
}

static void events_are_matched_by_snr(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    json_t *d;
    mewl_eval_event_opts opts = {.common = common, .side = MEWL_SIDE_TEST, .episodes = mewl_episode_defaults()};
    ok(mewl_eval_events(&d, f->systems, 2, f->corpus, &f->recipe, opts, &err), &err);
    assert_int_equal(number(d, "mixtures"), 2);
    const json_t *systems = json_object_get(d, "systems");
    assert_int_equal(json_array_size(systems), 2);
    for (size_t s = 0; s < 2; s++) {
        const json_t *by_snr = json_object_get(json_array_get(systems, s), "by_snr");
        assert_int_equal(json_array_size(by_snr), 2);
        for (size_t k = 0; k < 2; k++) {
            const json_t *cell = json_array_get(by_snr, k);
            assert_int_equal(number(cell, "events"), 4); /* two cries a mixture of half a minute */
            assert_in_range((int)(100 * interval(cell, "f1")), 0, 100);
            assert_true(interval(cell, "psds_1") >= 0 && interval(cell, "psds_2") <= 1);
        }
    }
    json_decref(d);
}

static void tuning_takes_the_quietest_of_the_best(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    json_t *d, *again;
    mewl_eval_event_opts opts = {.common = common, .side = MEWL_SIDE_VALID, .episodes = mewl_episode_defaults()};
    mewl_episode_opts chosen = opts.episodes, same = opts.episodes;
    ok(mewl_eval_tune(&chosen, &d, f->systems[0], f->corpus, &f->recipe, opts, &err), &err);
    assert_string_equal(json_string_value(json_object_get(d, "side")), "valid");
    double best = -1, rate = number(d, "false_per_hour");
    bool listed = false;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(d, "tried"), i, row)
    {
        best = fmax(best, number(row, "mean_f1"));
    }
    assert_true(best >= 0 && number(d, "mean_f1") >= best - 0.02);
    json_array_foreach(json_object_get(d, "tried"), i, row)
    { /* none as good is quieter */
        assert_true(number(row, "mean_f1") < best - 0.02 || number(row, "false_per_hour") >= rate);
        listed = listed ||
                 ((float)number(row, "threshold") == chosen.threshold && number(row, "attack_s") == chosen.attack_s &&
                  number(row, "merge_gap_s") == chosen.merge_gap_s && number(row, "mean_f1") == number(d, "mean_f1"));
    }
    assert_true(listed);
    ok(mewl_eval_tune(&same, &again, f->systems[0], f->corpus, &f->recipe, opts, &err), &err);
    assert_true(json_equal(d, again));
    json_decref(d);
    json_decref(again);
    mewl_episode_finder *finder; /* what was chosen is usable */
    ok(mewl_episode_finder_new(&finder, chosen, &err), &err);
    mewl_episode_finder_free(finder);
}

/* Five trainings of one step: what matters here is who is judged by whom. */
static void folds_judge_what_they_never_saw(void **state)
{
    fixture *f = *state;
    mewl_error err = {0};
    char recipe[512], out[512];
    json_t *d, *again;
    snprintf(recipe, sizeof recipe, "%s/folds.ini", f->sets.path);
    snprintf(out, sizeof out, "%s/folds", f->sets.path);
    FILE *file = fopen(recipe, "w");
    assert_non_null(file);
    assert_true(fputs("[recipe]\nname = folds\n[model]\narch = cnn6\nwidth = 0.0625\n[data]\nsets = esc10\n"
                      "valid_share = 0.2\ntest_share = 0\n[mixture]\nseconds = 1\n[train]\nepochs = 1\n"
                      "steps_per_epoch = 1\nwarmup_steps = 0\nbatch = 2\nthreads = 1\nloader_threads = 1\n"
                      "valid_batches = 1\nprecision = fp32\n",
                      file) >= 0);
    assert_int_equal(fclose(file), 0);
    mewl_eval_fold_opts opts = {.common = common, .output = out, .data_root = f->sets.path, .threshold = NAN};
    ok(mewl_eval_folds(&d, recipe, &f->systems[1], 1, opts, &err), &err);
    const json_t *folds = json_object_get(d, "folds");
    assert_int_equal(json_array_size(folds), 5);
    double cries = 0, others = 0, found = 0;
    for (size_t k = 0; k < 5; k++) {
        const json_t *row = json_array_get(folds, k);
        assert_int_equal(number(row, "fold"), k + 1);
        cries += number(row, "cries");
        others += number(row, "others");
        found += number(row, "cries_found");
    }
    assert_true(cries == 14 && others == 28);
    const json_t *first = json_array_get(json_object_get(d, "systems"), 0);
    assert_true(number(first, "cries") == 14 && number(first, "cries_found") == found);
    assert_true(fabs(interval(first, "recall") - found / 14) < 1e-9);
    ok(mewl_eval_folds(&again, recipe, &f->systems[1], 1, opts, &err),
       &err); /* the models are there: nothing is trained */
    assert_true(json_equal(d, again));
    json_decref(d);
    json_decref(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixtures_give_recall_by_snr),
        cmocka_unit_test(events_are_matched_by_snr),
        cmocka_unit_test(tuning_takes_the_quietest_of_the_best),
        cmocka_unit_test(folds_judge_what_they_never_saw),
        cmocka_unit_test(manifests_are_judged), /* last: it removes a file */
    };
    return cmocka_run_group_tests_name("eval", tests, set_up, tear_down);
}
