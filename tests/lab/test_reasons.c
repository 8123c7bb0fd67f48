/* Heads learn what can be learned; comparisons find a signal where there is one and none where there is none, go on
 * from their journal, and make a reason model whose evidence says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "lab/heads.h"
#include "lab/reasons.h"
#include "nn/checkpoint.h"
#include "reason/reason.h"

enum { DIMS = 8, ROWS = 96, K = 3 };

static char folder[] = "/tmp/mewl-test-reasons-XXXXXX";

/* Rows whose first K numbers tell the class as far as `signal` goes; labels by turns. */
static void make_rows(double *x, int *label, size_t rows, double signal, uint64_t seed)
{
    mewl_rng rng = mewl_rng_seeded(seed);
    for (size_t i = 0; i < rows; i++) {
        label[i] = (int)(i / 4 % K);
        for (size_t d = 0; d < DIMS; d++) {
            x[i * DIMS + d] = (double)(float)(mewl_rng_normal(&rng) + (d == (size_t)label[i] ? signal : 0.0));
        }
    }
}

static void test_heads(void **state)
{
    (void)state;
    double x[2 * ROWS * DIMS];
    int label[2 * ROWS];
    float p[ROWS * K];
    make_rows(x, label, 2 * ROWS, 4.0, 1);
    for (int head = 0; head < MEWL_HEAD_COUNT; head++) {
        assert_true(mewl_head_settings((mewl_head)head) <= MEWL_HEAD_SETTINGS_MAX);
        size_t best = 0;
        for (size_t setting = 0; setting < mewl_head_settings((mewl_head)head); setting++) {
            mewl_error err = {0};
            char name[64];
            size_t right = 0;
            mewl_head_setting_name(name, sizeof name, (mewl_head)head, setting);
            if (mewl_head_run(p, (mewl_head)head, setting, x, label, ROWS, x + ROWS * DIMS, ROWS, DIMS, K, &err) !=
                MEWL_OK) {
                fail_msg("%s, %s: %s", mewl_head_name((mewl_head)head), name, err.text);
            }
            for (size_t i = 0; i < ROWS; i++) {
                const float *own = p + i * K;
                size_t called = own[1] > own[0] ? 1 : 0;
                called = own[2] > own[called] ? 2 : called;
                right += called == (size_t)label[ROWS + i];
                assert_true(fabsf(own[0] + own[1] + own[2] - 1.0f) < 1e-4f);
            }
            best = right > best ? right : best;
        }
        if (best < ROWS * 9 / 10) {
            fail_msg("%s gets %zu of %d right", mewl_head_name((mewl_head)head), best, ROWS);
        }
    }
    assert_null(mewl_head_name(MEWL_HEAD_COUNT));
}

/* A class without a training row gets probability 0, whatever the head; one class alone gets 1. */
static void test_absent_class(void **state)
{
    (void)state;
    double x[ROWS * DIMS];
    int label[ROWS];
    float p[K];
    mewl_error err = {0};
    make_rows(x, label, ROWS, 2.0, 2);
    for (size_t i = 0; i < ROWS; i++) {
        label[i] = label[i] == 1 ? 2 : label[i];
    }
    for (int head = 0; head < MEWL_HEAD_COUNT; head++) {
        assert_int_equal(mewl_head_run(p, (mewl_head)head, 0, x, label, ROWS, x, 1, DIMS, K, &err), MEWL_OK);
        assert_true(p[1] == 0.0f && fabsf(p[0] + p[2] - 1.0f) < 1e-4f);
        const int alone[] = {2, 2};
        assert_int_equal(mewl_head_run(p, (mewl_head)head, 0, x, alone, 2, x, 1, DIMS, K, &err), MEWL_OK);
        assert_true(p[0] == 0.0f && p[1] == 0.0f && p[2] == 1.0f);
    }
    label[3] = K;
    assert_int_equal(mewl_head_run(p, MEWL_HEAD_KNN, 0, x, label, ROWS, x, 1, DIMS, K, &err), MEWL_E_ARG);
    assert_int_equal(mewl_head_run(p, MEWL_HEAD_KNN, 99, x, label, ROWS, x, 1, DIMS, K, &err), MEWL_E_ARG);
}

/* Two parts weigh the same in a space, whatever their sizes: the total variance is 1 for each. */
static void test_space(void **state)
{
    (void)state;
    double x[ROWS * DIMS], mapped[ROWS * DIMS], total = 0;
    int label[ROWS];
    size_t row[ROWS];
    const size_t parts[] = {2, 6};
    mewl_error err = {0};
    mewl_space space;
    make_rows(x, label, ROWS, 0.0, 3);
    for (size_t i = 0; i < ROWS; i++) {
        row[i] = i;
    }
    assert_int_equal(mewl_space_fit(&space, x, DIMS, row, ROWS, parts, 2, &err), MEWL_OK);
    assert_int_equal(mewl_space_apply(&space, mapped, x, row, ROWS, &err), MEWL_OK);
    for (size_t i = 0; i < ROWS * space.pca.components; i++) {
        total += mapped[i] * mapped[i] / ROWS;
    }
    assert_true(fabs(total - 2.0) < 1e-6);
    mewl_space_fini(&space);
}

static void make_manifest(mewl_manifest *m, const int *label)
{
    static const char *const names[K] = {"food", "hug", "sleep"};
    mewl_error err = {0};
    assert_int_equal(mewl_manifest_init(m, &err), MEWL_OK);
    for (size_t i = 0; i < ROWS; i++) {
        char path[32], group[32];
        mewl_row row = mewl_row_empty();
        (void)snprintf(path, sizeof path, "clip%03zu.wav", i);
        (void)snprintf(group, sizeof group, "infant%02zu", i / 4);
        row.path = path;
        row.group = group;
        row.reason = names[label[i]];
        assert_int_equal(mewl_manifest_add(m, &row, &err), MEWL_OK);
    }
}

static double figure(const json_t *document, const char *name, const char *split, const char *what)
{
    size_t at;
    json_t *row;
    json_array_foreach(json_object_get(document, "rows"), at, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0) {
            const json_t *own = json_object_get(json_object_get(json_object_get(row, "splits"), split), what);
            return json_number_value(json_object_get(own, "value"));
        }
    }
    fail_msg("no row %s", name);
    return NAN;
}

static json_t *compare(const char *name, double signal, size_t choice, const mewl_reasons_making *making)
{
    double x[ROWS * DIMS];
    int label[ROWS];
    char path[128];
    mewl_manifest manifest;
    mewl_error err = {0};
    json_t *document = NULL;
    make_rows(x, label, ROWS, signal, 4);
    make_manifest(&manifest, label);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    const mewl_reason_source source = {.name = "made", .x = x, .dims = DIMS, .part_dims = {DIMS}, .parts = 1};
    const mewl_reasons_opts opts = {.experiment = "reason",
                                    .title = "a test",
                                    .profile = "quick",
                                    .data_name = "made",
                                    .column = "reason",
                                    .folds = 3,
                                    .seeds = 1,
                                    .choice = choice,
                                    .permutations = 19,
                                    .rounds = 100,
                                    .making = making};
    if (mewl_reasons_run(&document, &manifest, &source, 1, path, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    mewl_manifest_fini(&manifest);
    return document;
}

static void test_signal(void **state)
{
    (void)state;
    json_t *there = compare("there", 4.0, 2, NULL), *none = compare("none", 0.0, 2, NULL);
    assert_true(figure(there, "made / logistic", "grouped", "balanced_accuracy") > 0.85);
    assert_true(figure(there, "mean of all of these", "grouped", "accuracy") > 0.85);
    assert_true(figure(none, "made / logistic", "grouped", "balanced_equal") < 0.55);
    const json_t *p_there = json_object_get(json_object_get(json_object_get(there, "permutation"), "made"), "p");
    const json_t *p_none = json_object_get(json_object_get(json_object_get(none, "permutation"), "made"), "p");
    assert_true(fabs(json_number_value(p_there) - 0.05) < 1e-9);
    assert_true(json_number_value(p_none) > 0.05);
    /* Again from the journal: the same document; and another choice of rows from the same cells. */
    json_t *again = compare("there", 4.0, 2, NULL), *other = compare("there", 4.0, 0, NULL);
    assert_true(json_equal(there, again));
    assert_false(json_equal(there, other));
    assert_string_equal(json_string_value(json_object_get(other, "choice")), "accuracy");
    json_decref(there);
    json_decref(none);
    json_decref(again);
    json_decref(other);
}

/* Sets of the rows: as many kinds as stated, coverage not far from it where nothing can be known. */
static void test_sets(void **state)
{
    (void)state;
    json_t *none = compare("none", 0.0, 2, NULL);
    const json_t *row = json_array_get(json_object_get(none, "rows"), MEWL_HEAD_LOGISTIC);
    const json_t *sets = json_object_get(json_object_get(row, "sets"), "grouped");
    assert_int_equal(json_array_size(sets), MEWL_REASON_SETS);
    for (size_t i = 0; i < MEWL_REASON_SETS; i++) {
        const json_t *own = json_array_get(sets, i);
        const double covered = json_number_value(json_object_get(json_object_get(own, "covered"), "value"));
        assert_true(covered > json_number_value(json_object_get(own, "stated")) - 0.12);
    }
    json_decref(none);
}

static void check_model(const char *name, double signal, bool proven)
{
    char path[128];
    mewl_error err = {0};
    mewl_checkpoint *file;
    mewl_reason model;
    const mewl_embedder_info info = {.name = "cnn6", .id = "0123456789abcdef", .size = DIMS};
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", folder, name);
    const mewl_reasons_making making = {.source = "made", .embedder = &info, .data = "made up", .path = path};
    json_decref(compare(name, signal, 2, &making));
    assert_int_equal(mewl_checkpoint_read(&file, path, &err), MEWL_OK);
    assert_string_equal(mewl_checkpoint_text(file, "data"), "made up");
    const char *text = mewl_checkpoint_text(file, "mewl.reason");
    json_t *json = NULL;
    assert_int_equal(mewl_json_parse(&json, text, strlen(text), path, &err), MEWL_OK);
    assert_int_equal(mewl_reason_from_json(&model, json, path, &err), MEWL_OK);
    assert_int_equal(mewl_reason_proven(&model), proven);
    assert_string_equal(model.label[1], "hug");
    assert_int_equal(mewl_checkpoint_get_f32(file, model.weight, "head.weight", K * DIMS, &err), MEWL_OK);
    double x[ROWS * DIMS];
    int label[ROWS];
    size_t right = 0;
    make_rows(x, label, ROWS, signal, 9);
    for (size_t i = 0; i < ROWS; i++) {
        float vector[DIMS];
        mewl_reason_answer answer;
        for (size_t d = 0; d < DIMS; d++) {
            vector[d] = (float)x[i * DIMS + d];
        }
        assert_int_equal(mewl_reason_ask(&model, &answer, vector, &err), MEWL_OK);
        right += answer.named == label[i];
        assert_true(proven || answer.named == -1);
    }
    assert_int_equal(right > ROWS / 2, proven);
    mewl_reason_fini(&model);
    json_decref(json);
    mewl_checkpoint_free(file);
}

static void test_making(void **state)
{
    (void)state;
    check_model("there", 4.0, true);
    check_model("none", 0.0, false);
}

int main(void)
{
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),  cmocka_unit_test(test_absent_class), cmocka_unit_test(test_space),
        cmocka_unit_test(test_signal), cmocka_unit_test(test_sets),         cmocka_unit_test(test_making),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? failed : 1; /* NOLINT */
}
