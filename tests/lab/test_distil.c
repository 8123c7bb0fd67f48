/* Training by a teacher: the answers of another model are learnt, even where labels say the opposite; what cannot teach
 * is refused before the first step. */
#include "../data/wave.h"

#include <stdio.h>

#include "audio/clip.h"
#include "audio/writer.h"
#include "base/file.h"
#include "lab/answers.h"
#include "lab/distil.h"
#include "lab/train.h"
#include "models/classifier.h"
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

static mewl_status train_as(mewl_train_result *r, const fixture *f, const char *manifest, const char *name,
                            const char *front_end, const char *more, mewl_error *err)
{
    char recipe[600], text[3000], out[600];
    snprintf(recipe, sizeof recipe, "%s/%s.ini", f->out.path, name);
    snprintf(out, sizeof out, "%s/%s", f->out.path, name);
    snprintf(text, sizeof text,
             "[recipe]\nname = voices\ntask = classify\nseed = 3\n[model]\narch = cnn6\nwidth = 0.0625\nfrontend = "
             "%s\nframewise = no\ndropout = 0\n[data]\nsets =\nmanifests = %s\n[classify]\nseconds = 0.6\n"
             "[augment]\ntime_masks = 0\nband_masks = 0\n[train]\nepochs = 3\nsteps_per_epoch = 8\nbatch = 8\nlr = "
             "0.003\nthreads = 1\nloader_threads = 1\nprecision = fp32\nema_decay = 0\nwarmup_steps = 2\n%s",
             front_end, manifest, more);
    write_text(recipe, text);
    return mewl_train_run(r, recipe, (mewl_train_opts){.output = out}, err);
}

static mewl_status train(mewl_train_result *r, const fixture *f, const char *manifest, const char *name,
                         const char *more, mewl_error *err)
{
    return train_as(r, f, manifest, name, "panns-16k", more, err);
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

/* What `mewl predict TEACHER ... --json` would say of the recordings; the last `missing` of them are left out. */
static void store_answers(const fixture *f, const char *name, int missing, const char *label)
{
    char text[16384], path[600];
    size_t at = (size_t)snprintf(text, sizeof text, "{\"files\": [{\"event\": \"error\", \"file\": \"0.wav\"}");
    for (int i = 0; i < 24 - missing; i++) {
        const double low = i % 2 == 0 ? 3 : -3;
        at +=
            (size_t)snprintf(text + at, sizeof text - at,
                             ", {\"file\": \"%d.wav\", \"classes\": [{\"label\": \"high\", \"logit\": %g}, {\"label\": "
                             "\"%s\", \"logit\": %g}]}",
                             i, -low, label, low);
    }
    snprintf(text + at, sizeof text - at, "]}");
    snprintf(path, sizeof path, "%s/%s", f->out.path, name);
    write_text(path, text);
}

static void answers_may_be_stored(void **state)
{
    fixture *f = *state;
    mewl_train_result r;
    mewl_error err = {0};
    store_answers(f, "answers.json", 0, "low");
    if (train(&r, f, "false.csv", "stored", "[distil]\nlogits = answers.json\nweight = 1\n", &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(r.best_figure >= 0.99);
    /* Beside a teacher that hears the batches. */
    char more[1400];
    snprintf(more, sizeof more, "[distil]\nteacher = %s\nlogits = answers.json\nweight = 1\n", f->teacher);
    if (train(&r, f, "false.csv", "both", more, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(r.best_figure >= 0.99);
    store_answers(f, "few.json", 3, "low"); /* 21 and 22 are trained on, 23 is held out */
    assert_int_equal(train(&r, f, "true.csv", "few", "[distil]\nlogits = few.json\n", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "no answer"));
    assert_non_null(strstr(err.text, "21.wav"));
    store_answers(f, "odd.json", 0, "deep");
    assert_int_equal(train(&r, f, "true.csv", "odd", "[distil]\nlogits = odd.json\n", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "`low`"));
    static const struct {
        const char *text;
        mewl_status status;
    } bad[] = {
        {"[]", MEWL_E_FORMAT},
        {"{\"files\": 3}", MEWL_E_FORMAT},
        {"{\"files\": [3, {}, {\"file\": 3}, {\"file\": \"0.wav\", \"classes\": 3}]}", MEWL_E_FORMAT},
        {"{\"files\": [{\"file\": \"0.wav\", \"classes\": [3, {\"label\": \"low\", \"logit\": \"1\"}]}]}",
         MEWL_E_FORMAT},
        {"{\"files\": [{\"file\": \"0.wav\", \"classes\": [{\"label\": \"low\", \"logit\": 1e300}]}]}", MEWL_E_FORMAT},
        {"{", MEWL_E_FORMAT}};
    char path[600];
    snprintf(path, sizeof path, "%s/bad.json", f->out.path);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_text(path, bad[i].text);
        assert_int_equal(train(&r, f, "true.csv", "bad", "[distil]\nlogits = bad.json\n", &err), bad[i].status);
        assert_non_null(strstr(err.text, "bad.json"));
    }
    write_text(path, "{\"window_s\": 1, \"files\": []}");
    assert_int_equal(train(&r, f, "true.csv", "bad", "[distil]\nlogits = bad.json\n", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "--window"));
    write_text(path, "{\"files\": [{\"file\": \"0.wav\", \"classes\": []}, {\"file\": \"./0.wav\", \"classes\": []}]}");
    assert_int_equal(train(&r, f, "true.csv", "bad", "[distil]\nlogits = bad.json\n", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, "twice"));
    assert_int_equal(train(&r, f, "true.csv", "none", "[distil]\nlogits = none.json\n", &err), MEWL_E_NOT_FOUND);
    assert_int_equal(train(&r, f, "true.csv", "mixed",
                           "[distil]\nlogits = answers.json\n[augment]\nmixup_probability = 0.5\n", &err),
                     MEWL_E_UNSUPPORTED);
}

/* Sums of several teachers, rows that are trained on and no others, stretches heard as what they are. */
static void answers_are_those_of_the_rows_trained_on(void **state)
{
    fixture *f = *state;
    static const char *const classes[] = {"high", "low"};
    char path[600], document[600];
    mewl_recipe recipe;
    mewl_manifest rows;
    mewl_error err = {0};
    mewl__answers a = {0}, part = {0};
    snprintf(path, sizeof path, "%s/rows.ini", f->out.path);
    write_text(path, "[recipe]\ntask = classify\n[model]\nframewise = no\n[data]\nsets =\nmanifests = true.csv\n");
    assert_int_equal(mewl_recipe_read(&recipe, path, &err), MEWL_OK);
    snprintf(path, sizeof path, "%s/rows.csv", f->out.path);
    write_text(path, "path,label,group,split,onset_s,offset_s\n0.wav,low,g0,train,,\n1.wav,high,g1,valid,,\n"
                     "3.wav,high,g3,train,,\n4.wav,middle,g4,train,,\n");
    assert_int_equal(mewl_manifest_read(&rows, path, &err), MEWL_OK);
    snprintf(document, sizeof document, "%s/two.json", f->out.path);
    write_text(document, "{\"files\": [{\"file\": \"3.wav\", \"classes\": [{\"label\": \"low\", \"logit\": -5}, "
                         "{\"label\": \"high\", \"logit\": 2}]}, {\"file\": \"0.wav\", \"classes\": "
                         "[{\"label\": \"high\", \"logit\": 0.5}, {\"label\": \"low\", \"logit\": 1}]}]}");
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(mewl__answers_read(&a, &rows, &recipe, classes, 2, document, &err), MEWL_OK);
        static const float want[] = {0.5F, 1, 0, 0, 2, -5, 0, 0};
        assert_int_equal(a.count, i);
        for (int k = 0; k < 8; k++) {
            assert_true(a.sum[k] == (float)i * want[k]);
        }
    }
    mewl__answers_fini(&a);
    mewl_manifest_fini(&rows);

    /* The first half of a recording, and a recording that is no more than that half. */
    static float half[16000];
    mewl_clip clip;
    snprintf(document, sizeof document, "%s/5.wav", f->out.path);
    assert_int_equal(mewl_clip_read(&clip, document, 16000, 10, &err), MEWL_OK);
    memcpy(half, clip.samples + 8000, sizeof half);
    mewl_clip_fini(&clip);
    snprintf(document, sizeof document, "%s/half.wav", f->out.path);
    assert_int_equal(mewl_audio_write(document, half, 16000, 16000, MEWL_AUDIO_WAV_F32, &err), MEWL_OK);
    write_text(path, "path,label,group,split,onset_s,offset_s\n5.wav,high,g5,train,0.5,1.5\nhalf.wav,high,g5,train,,\n"
                     "5.wav,high,g5,train,,\n");
    assert_int_equal(mewl_manifest_read(&rows, path, &err), MEWL_OK);
    if (mewl__answers_ask(&part, &rows, &recipe, classes, 2, f->teacher, NULL, NULL, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(part.count, 1);
    for (int k = 0; k < 2; k++) {
        assert_true(fabsf(part.sum[k] - part.sum[2 + k]) < 1e-3F * (1 + fabsf(part.sum[k])));
        assert_true(fabsf(part.sum[k] - part.sum[4 + k]) > 1e-3F);
    }
    volatile sig_atomic_t stop = 1;
    assert_int_equal(mewl__answers_ask(&part, &rows, &recipe, classes, 2, f->teacher, &stop, NULL, &err),
                     MEWL_E_CANCELLED);
    assert_int_equal(mewl__answers_read(&part, &rows, &recipe, classes, 2, f->teacher, &err), MEWL_E_FORMAT);
    snprintf(document, sizeof document, "%s/two.json", f->out.path);
    assert_int_equal(mewl__answers_read(&part, &rows, &recipe, classes, 2, document, &err), MEWL_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "stretch"));
    mewl__answers_fini(&part);
    mewl_manifest_fini(&rows);
    mewl_recipe_fini(&recipe);
}

/* Classes are found by name, in whatever order the student has them: of teachers that are asked once and of those that
 * hear every batch. */
static void classes_are_found_by_name(void **state)
{
    fixture *f = *state;
    static const char *const sorted[] = {"high", "low"}, *const turned[] = {"low", "high"};
    char path[600], text[2000];
    mewl_recipe recipe;
    mewl_manifest rows;
    mewl_error err = {0};
    mewl__answers a = {0}, b = {0};
    snprintf(path, sizeof path, "%s/names.ini", f->out.path);
    snprintf(text, sizeof text,
             "[recipe]\ntask = classify\n[model]\nframewise = no\n[data]\nsets =\nmanifests = true.csv\n[train]\n"
             "precision = fp32\nthreads = 1\n[distil]\nteacher = %s\n",
             f->teacher);
    write_text(path, text);
    assert_int_equal(mewl_recipe_read(&recipe, path, &err), MEWL_OK);
    snprintf(path, sizeof path, "%s/true.csv", f->out.path);
    assert_int_equal(mewl_manifest_read(&rows, path, &err), MEWL_OK);
    assert_int_equal(mewl__answers_ask(&a, &rows, &recipe, sorted, 2, f->teacher, NULL, NULL, &err), MEWL_OK);
    assert_int_equal(mewl__answers_ask(&b, &rows, &recipe, turned, 2, f->teacher, NULL, NULL, &err), MEWL_OK);
    for (size_t i = 0; i < rows.count; i++) {
        assert_true(a.sum[2 * i] == b.sum[2 * i + 1] && a.sum[2 * i + 1] == b.sum[2 * i]);
        assert_true((a.sum[2 * i] != a.sum[2 * i + 1]) == (strcmp(rows.rows[i].split, "train") == 0));
    }
    float features[40 * 64];
    size_t sound = 0;
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        features[i] = -60 + (float)(i * 37 % 41);
    }
    const mewl_batch batch = {
        .count = 1, .frames = 40, .bands = 64, .classes = 2, .features = features, .sounds = &sound};
    float said[2][2];
    for (int k = 0; k < 2; k++) {
        mewl__distil d;
        const float *logits = NULL;
        assert_int_equal(mewl__distil_open(&d, &recipe, &rows, k == 0 ? sorted : turned, 2, NULL, NULL, &err), MEWL_OK);
        assert_int_equal(d.count, 1);
        assert_int_equal(mewl__distil_ask(&d, &logits, &batch, &err), MEWL_OK);
        memcpy(said[k], logits, sizeof said[k]);
        mewl__distil_fini(&d);
    }
    assert_true(said[0][0] == said[1][1] && said[0][1] == said[1][0] && said[0][0] != said[0][1]);
    mewl__answers_fini(&a);
    mewl__answers_fini(&b);
    mewl_manifest_fini(&rows);
    mewl_recipe_fini(&recipe);
}

/* A teacher with another rate and front end teaches what it hears in the whole recordings. The student hears 32 kHz, as
 * its teacher's pupil must: at the wrong rate 200 and 900 Hz would be other tones than in validation, which a figure of
 * 0.99 would hide, so that its model is asked as `mewl predict` asks it. */
static void any_front_end_teaches_any_other(void **state)
{
    fixture *f = *state;
    mewl_train_result r;
    mewl_error err = {0};
    char more[1400];
    snprintf(more, sizeof more, "[distil]\nteacher = %s\nweight = 1\n", f->teacher);
    if (train_as(&r, f, "false.csv", "elsewhere", "mn", more, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(r.best_figure >= 0.99);
    mewl_classifier *student = NULL;
    assert_int_equal(mewl_classifier_open(&student, r.model_path, &err), MEWL_OK);
    assert_true(mewl_classifier_describe(student)->rate_hz == 32000);
    for (int i = 0; i < 24; i++) {
        char path[600];
        float p[2];
        mewl_clip clip;
        mewl_classifier_result result = {.probabilities = p};
        snprintf(path, sizeof path, "%s/%d.wav", f->out.path, i);
        assert_int_equal(mewl_clip_read(&clip, path, 32000, 10, &err), MEWL_OK);
        assert_int_equal(mewl_classifier_score(student, &result, clip.samples, clip.count, &err), MEWL_OK);
        mewl_clip_fini(&clip);
        assert_true((p[strcmp(mewl_classifier_label(student, 1), "low") == 0] > 0.5f) == (i % 2 == 0));
    }
    mewl_classifier_close(student);
}

static void what_cannot_teach_is_refused(void **state)
{
    fixture *f = *state;
    mewl_train_result r;
    mewl_error err = {0};
    char path[600], more[1400];
    snprintf(path, sizeof path, "%s/other.safetensors", f->out.path);
    static const char *const front_ends[] = {"panns-16k", "panns-32k"};
    for (int i = 0; i < 2; i++) {
        mewl_model_config config = {.arch = "cnn6", .classes = 2, .width = 0.0625};
        snprintf(config.front_end, sizeof config.front_end, "%s", front_ends[i]);
        mewl_model *other;
        assert_int_equal(mewl_model_new(&other, config, 1, &err), MEWL_OK);
        assert_int_equal(mewl_model_set_label(other, 0, "high", &err), MEWL_OK);
        assert_int_equal(mewl_model_save(other, path, false, &err), MEWL_OK);
        mewl_model_free(other);
        assert_int_equal(train(&r, f, "true.csv", "b", "[distil]\nteacher = other.safetensors\n", &err), MEWL_E_FORMAT);
        assert_non_null(strstr(err.text, "`low`"));
    }

    assert_int_equal(train(&r, f, "true.csv", "c", "[distil]\nteacher = nobody.safetensors\n", &err), MEWL_E_NOT_FOUND);
    snprintf(more, sizeof more, "[distil]\nteacher = %s\n[classify]\nmulti_label = yes\n", f->teacher);
    assert_int_equal(train(&r, f, "true.csv", "d", more, &err), MEWL_E_UNSUPPORTED);
    assert_int_equal(train(&r, f, "true.csv", "e", "[distil]\nweight = 2\n", &err), MEWL_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_teacher_is_believed_as_far_as_the_recipe_says),
        cmocka_unit_test(answers_may_be_stored),
        cmocka_unit_test(answers_are_those_of_the_rows_trained_on),
        cmocka_unit_test(classes_are_found_by_name),
        cmocka_unit_test(any_front_end_teaches_any_other),
        cmocka_unit_test(what_cannot_teach_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
