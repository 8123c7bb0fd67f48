/* test_verify.c - trials of identity: which pairs there are, equal error rates of vectors made to be easy, hard and
 * spoilt, heads that are learned in folds, files of trials; and the smallest detection cost. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "lab/metrics.h"
#include "lab/verify_private.h"

enum { PEOPLE = 24, EACH = 5, DIMS = 20, ROWS = PEOPLE * EACH };

/* 24 infants with five sessions; times an hour and more apart but for the last two recordings. */
static void make_manifest(mewl_manifest *m)
{
    mewl_error err = {0};
    assert_int_equal(mewl_manifest_init(m, &err), MEWL_OK);
    for (int i = 0; i < ROWS; i++) {
        char path[64], who[64], group[64];
        mewl_row row = mewl_row_empty();
        (void)snprintf(path, sizeof path, "/x/%03d.wav", i);
        (void)snprintf(who, sizeof who, "infant%d", i / EACH);
        (void)snprintf(group, sizeof group, "app%d", i / EACH / 2); /* two infants an app */
        row.path = path;
        row.set = "cries";
        row.label = "cry";
        row.speaker = who;
        row.group = group;
        row.split = i / EACH % 4 == 0 ? "test" : "train";
        row.time_s = 1e9 + 7200.0 * (i % EACH) - (i % EACH == EACH - 1 ? 7000.0 : 0.0);
        assert_int_equal(mewl_manifest_add(m, &row, &err), MEWL_OK);
    }
}

/* Who it is in the first half of the numbers; `spoil` times as much of the session in two directions of the rest. */
static void make_vectors(double *x, double noise, double spoil)
{
    mewl_rng rng = mewl_rng_seeded(4);
    double mean[DIMS];
    for (int i = 0; i < ROWS; i++) {
        for (int d = 0; d < DIMS; d++) {
            mean[d] = i % EACH == 0 && d < DIMS / 2 ? mewl_rng_normal(&rng) : d < DIMS / 2 ? mean[d] : 0.0;
            x[i * DIMS + d] =
                mean[d] + noise * mewl_rng_normal(&rng) + (d >= DIMS - 2 ? spoil * mewl_rng_normal(&rng) : 0);
        }
    }
}

static double eer_of(const json_t *document, const char *system)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(document, "rows"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "system")), system) == 0) {
            return json_real_value(json_object_get(json_object_get(row, "eer"), "value"));
        }
    }
    fail_msg("no row of %s", system);
    return NAN;
}

static void test_systems(void **state)
{
    static double easy[ROWS * DIMS], spoilt[ROWS * DIMS];
    mewl_error err = {0};
    mewl_manifest m;
    json_t *document;
    make_manifest(&m);
    make_vectors(easy, 0.01, 0.0);
    make_vectors(spoilt, 0.3, 8.0);
    const mewl_verify_system systems[] = {{.name = "easy", .x = easy, .dims = DIMS},
                                          {.name = "spoilt", .x = spoilt, .dims = DIMS, .baseline = true},
                                          {.name = "head", .x = spoilt, .dims = DIMS, .head = true}};
    mewl_verify_opts opts = {.rounds = 60, .seed = 1, .judge = "head"};
    if (mewl_verify_run(&document, &m, systems, 3, NULL, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(eer_of(document, "easy") < 0.01);
    assert_true(eer_of(document, "spoilt") > 0.3);
    assert_true(eer_of(document, "head") < 0.1);
    /* ten pairs of five recordings, the one within an hour left out; others never of the same app */
    const json_t *extra = json_object_get(json_array_get(json_object_get(document, "rows"), 0), "extra");
    char want[64];
    (void)snprintf(want, sizeof want, "%d / %d of %d", PEOPLE * 9, PEOPLE * (PEOPLE - 2) / 2 * EACH * EACH, PEOPLE);
    assert_string_equal(json_string_value(json_object_get(extra, "trials")), want);
    const json_t *difference =
        json_object_get(json_array_get(json_object_get(document, "rows"), 1), "judge_minus_this");
    assert_true(json_real_value(json_object_get(difference, "high")) < 0.0);
    json_decref(document);
    for (size_t i = 0; i < m.count; i++) { /* infants of one app share a fold */
        assert_true(m.rows[i].fold >= 1 && m.rows[i].fold <= 5);
        assert_int_equal(m.rows[i].fold, m.rows[i / 10 * 10].fold);
    }
    mewl_manifest_fini(&m);
}

/* Two infants of different apps, hence mostly of different folds, with the very same vector are further from being told
 * apart than two recordings of one infant, with a head as without. */
static void test_heads_do_not_tell_folds_apart(void **state)
{
    static double x[ROWS * DIMS];
    mewl_error err = {0};
    mewl_manifest m;
    json_t *document;
    char text[4096] = "left,right,label\n", path[] = "/tmp/mewl-trials-XXXXXX";
    make_manifest(&m);
    make_vectors(x, 0.3, 0.0);
    for (int p = 0; p < PEOPLE / 2; p++) {
        int twin = p + PEOPLE / 2;
        memcpy(x + (twin * EACH + 4) * DIMS, x + (p * EACH + 4) * DIMS, DIMS * sizeof *x);
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%03d.wav,%03d.wav,0\n%03d.wav,%03d.wav,1\n", p * EACH + 4,
                       twin * EACH + 4, p * EACH, p * EACH + 1);
    }
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (int row = 0; row < ROWS; row++) { /* heads learn from all that the file names: name everybody */
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, row % EACH == 2 ? "%03d.wav,%03d.wav,1\n" : "", row, row + 1);
    }
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    const mewl_verify_system systems[] = {{.name = "plain", .x = x, .dims = DIMS},
                                          {.name = "head", .x = x, .dims = DIMS, .head = true}};
    mewl_verify_opts opts = {.rounds = 20, .seed = 1};
    if (mewl_verify_run(&document, &m, systems, 2, path, opts, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(eer_of(document, "plain") == 1.0);
    assert_true(eer_of(document, "head") == 1.0);
    json_decref(document);
    opts.folds = 2;
    assert_int_equal(mewl_verify_run(&document, &m, systems, 2, path, opts, &err), MEWL_E_ARG);
    (void)unlink(path);
    mewl_manifest_fini(&m);
}

static void test_head(void **state)
{
    static double x[ROWS * DIMS];
    mewl_error err = {0};
    mewl_manifest m;
    mewl_verify_head head, none;
    make_manifest(&m);
    make_vectors(x, 0.3, 8.0);
    const mewl_verify_system system = {.name = "x", .x = x, .dims = DIMS, .head = true};
    assert_int_equal(mewl_verify_head_learn(&head, NULL, &m, &system, "train", 1, &err), MEWL_OK);
    assert_int_equal(head.dims, DIMS);
    assert_true(head.size >= DIMS / 2 && head.size <= DIMS);
    double out[DIMS], moved[DIMS], change = 0.0, spoiling = 0.0, row[DIMS], squares = 0.0;
    mewl_verify_head_apply(&head, out, x);
    for (size_t k = 0; k < head.size; k++) {
        squares += out[k] * out[k];
    }
    assert_true(fabs(squares - 1.0) < 1e-12);
    for (int direction = 0; direction < 2; direction++) { /* a session's direction counts for little */
        memcpy(row, x, sizeof row);
        row[direction == 0 ? 0 : DIMS - 1] += 1.0;
        mewl_verify_head_apply(&head, moved, row);
        for (size_t k = 0; k < head.size; k++) {
            *(direction == 0 ? &change : &spoiling) += pow(moved[k] - out[k], 2.0);
        }
    }
    assert_true(spoiling < 0.05 * change);
    mewl_verify_head_fini(&head);
    size_t group[3] = {0, 1, 2}, set[3] = {0, 0, 0};
    mewl_verify_head_opts opts = {.shrinkage = NAN, .balance = 1};
    assert_int_equal(mewl_verify_head_fit(&none, x, group, set, 3, DIMS, opts, &err), MEWL_E_EMPTY);
    assert_null(none.weight);
    group[1] = 0;
    opts.branch = DIMS;
    assert_int_equal(mewl_verify_head_fit(&none, x, group, set, 3, DIMS, opts, &err), MEWL_E_ARG);
    opts = (mewl_verify_head_opts){.shrinkage = 1.5, .balance = 1};
    assert_int_equal(mewl_verify_head_fit(&none, x, group, set, 3, DIMS, opts, &err), MEWL_E_ARG);
    assert_null(none.weight);
    mewl_manifest_fini(&m);
}

/* Two branches: each half keeps its length, looks at its own columns alone, and its cosine counts as the balance says.
 */
static void test_branches(void **state)
{
    static double x[ROWS * DIMS];
    enum { FIRST = DIMS / 2 };
    mewl_error err = {0};
    mewl_verify_head head;
    size_t group[ROWS], set[ROWS] = {0};
    double a[DIMS], b[DIMS], row[DIMS], length[2] = {0.0, 0.0};
    make_vectors(x, 0.3, 1.0);
    for (size_t i = 0; i < ROWS; i++) {
        group[i] = i / EACH;
    }
    mewl_verify_head_opts opts = {.branch = FIRST, .shrinkage = 0.2, .balance = 0.25};
    assert_int_equal(mewl_verify_head_fit(&head, x, group, set, ROWS, DIMS, opts, &err), MEWL_OK);
    assert_int_equal(head.part_count, 2);
    assert_int_equal(head.parts[1].from, head.parts[0].size);
    mewl_verify_head_apply(&head, a, x);
    memcpy(row, x, sizeof row);
    row[FIRST] += 3.0; /* of the second branch */
    mewl_verify_head_apply(&head, b, row);
    for (size_t k = 0; k < head.size; k++) {
        length[k < head.parts[0].size ? 0 : 1] += a[k] * a[k];
        if (k < head.parts[0].size) {
            assert_true(a[k] == b[k]);
        }
    }
    assert_true(fabs(length[0] - 0.25) < 1e-12 && fabs(length[1] - 0.75) < 1e-12);
    assert_memory_not_equal(a + head.parts[0].size, b + head.parts[0].size, head.parts[1].size * sizeof *a);
    mewl_verify_head_fini(&head);
}

/* Of a branch that knows who it is and one of noise, the first is given as much weight as there is to give when it
 * comes first, and as little when it comes second; those who are judged have no say. */
static void test_choice(void **state)
{
    static double known[ROWS * DIMS], x[2][ROWS * 2 * DIMS];
    mewl_error err = {0};
    mewl_manifest m;
    mewl_rng rng = mewl_rng_seeded(21);
    make_manifest(&m);
    make_vectors(known, 0.3, 0.0);
    for (int order = 0; order < 2; order++) {
        for (size_t i = 0; i < ROWS; i++) {
            for (size_t d = 0; d < DIMS; d++) {
                x[order][(i * 2 + (size_t)order) * DIMS + d] = known[i * DIMS + d];
                x[order][(i * 2 + 1 - (size_t)order) * DIMS + d] = mewl_rng_normal(&rng);
            }
        }
    }
    mewl_verify_head head;
    mewl_verify_head_opts chosen[2], again;
    mewl_verify_system system = {.name = "x", .dims = 2 * DIMS, .branch = DIMS, .head = true, .choose = true};
    for (int order = 0; order < 2; order++) {
        system.x = x[order];
        assert_int_equal(mewl_verify_head_learn(&head, &chosen[order], &m, &system, "train", 1, &err), MEWL_OK);
        mewl_verify_head_fini(&head);
    }
    assert_true(chosen[0].balance == 0.5 && chosen[1].balance == 0.125);
    for (size_t i = 0; i < ROWS; i++) { /* the test side turned to noise */
        for (size_t d = 0; d < 2 * DIMS && strcmp(m.rows[i].split, "test") == 0; d++) {
            x[1][i * 2 * DIMS + d] = 1e3 * mewl_rng_normal(&rng);
        }
    }
    assert_int_equal(mewl_verify_head_learn(&head, &again, &m, &system, "train", 1, &err), MEWL_OK);
    assert_true(again.balance == chosen[1].balance && again.shrinkage == chosen[1].shrinkage);
    mewl_verify_head_fini(&head);
    json_t *document;
    mewl_verify_opts opts = {.rounds = 20, .seed = 1};
    assert_int_equal(mewl_verify_run(&document, &m, &system, 1, NULL, opts, &err), MEWL_OK);
    assert_int_equal(json_array_size(json_object_get(document, "choices")), 5 + 10); /* of every two folds */
    json_decref(document);
    mewl_manifest_fini(&m);
}

/* Sides of a file of trials that hold more recordings than there are sides, and some of them twice: a head hears all of
 * them, each once. */
static void test_heads_hear_every_recording_once(void **state)
{
    static double x[ROWS * DIMS];
    mewl_error err = {0};
    mewl_manifest m;
    mewl__trials t;
    mewl_verify_head all, heard;
    char path[] = "/tmp/mewl-trials-XXXXXX", text[2048] = "left,right,label\n";
    size_t group[ROWS], set[ROWS] = {0};
    bool hear[2 * PEOPLE];
    make_manifest(&m);
    make_vectors(x, 0.3, 8.0);
    for (int p = 0; p < PEOPLE; p++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "infant%d,%03d.wav,1\n", p, p * EACH + 2);
    }
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    for (size_t i = 0; i < ROWS; i++) {
        group[i] = i / EACH;
    }
    memset(hear, true, sizeof hear);
    const mewl_verify_system system = {.name = "head", .x = x, .dims = DIMS, .head = true};
    const mewl_verify_head_opts opts = {.shrinkage = 0.1, .balance = 1};
    assert_int_equal(mewl__trials_make(&t, &m, path, 1, &err), MEWL_OK);
    assert_int_equal(t.side_count, 2 * PEOPLE);
    assert_int_equal(mewl__verify_fit(&heard, &system, &t, hear, opts, &err), MEWL_OK);
    assert_int_equal(mewl_verify_head_fit(&all, x, group, set, ROWS, DIMS, opts, &err), MEWL_OK);
    assert_int_equal(heard.size, all.size);
    for (size_t i = 0; i < all.size * DIMS; i++) {
        assert_true(fabs(heard.weight[i] - all.weight[i]) < 1e-9);
    }
    mewl_verify_head_fini(&all);
    mewl_verify_head_fini(&heard);
    mewl__trials_fini(&t);
    (void)unlink(path);
    mewl_manifest_fini(&m);
}

static mewl_status run_file(json_t **document, mewl_manifest *m, const double *x, const char *text, mewl_error *err)
{
    char path[] = "/tmp/mewl-trials-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    const mewl_verify_system system = {.name = "x", .x = x, .dims = DIMS};
    mewl_status status = mewl_verify_run(document, m, &system, 1, path, (mewl_verify_opts){.rounds = 20}, err);
    (void)unlink(path);
    return status;
}

static void test_files_of_trials(void **state)
{
    static double x[ROWS * DIMS];
    mewl_error err = {0};
    mewl_manifest m;
    json_t *document;
    make_manifest(&m);
    make_vectors(x, 0.01, 0.0);
    for (size_t i = 0; i < m.count; i++) { /* as CryCeleb's reader names sessions */
        char session[64];
        (void)snprintf(session, sizeof session, "%s:%s", m.rows[i].speaker, i % EACH < 2 ? "B" : "D");
        m.rows[i].session = mewl_manifest_intern(&m, session);
    }
    assert_int_equal(run_file(&document, &m, x,
                              "left,right,label\n000.wav,003.wav,1\ninfant1:B,infant1:D,same\ninfant2,infant3,0\n"
                              "000.wav,infant5,different\n",
                              &err),
                     MEWL_OK);
    assert_true(eer_of(document, "x") == 0.0);
    json_decref(document);
    assert_int_equal(
        run_file(&document, &m, x, "baby_id_B,baby_id_D,label\ninfant1,infant1,1.0\ninfant1,infant7,0.0\n", &err),
        MEWL_OK);
    json_decref(document);
    assert_int_equal(run_file(&document, &m, x, "left,right\na,b\n", &err), MEWL_E_FORMAT);
    assert_int_equal(run_file(&document, &m, x, "left,right,label\ninfant1,infant2,perhaps\n", &err), MEWL_E_FORMAT);
    assert_non_null(strstr(err.text, ":2"));
    assert_int_equal(run_file(&document, &m, x, "left,right,label\ninfant1,nobody,0\n", &err), MEWL_E_NOT_FOUND);
    assert_int_equal(run_file(&document, &m, x, "left,right,label\ninfant1,infant2,0\n", &err), MEWL_E_EMPTY);
    mewl_manifest_fini(&m);
}

/* Against trying every threshold. */
static void test_detection_cost(void **state)
{
    float score[40];
    bool same[40];
    double weights[40], least = 1.0;
    mewl_rng rng = mewl_rng_seeded(9);
    double positives = 0.0, negatives = 0.0;
    for (int i = 0; i < 40; i++) {
        same[i] = i % 3 == 0;
        score[i] = (float)(mewl_rng_normal(&rng) + (same[i] ? 1.0 : 0.0));
        weights[i] = (double)(i % 4);
        *(same[i] ? &positives : &negatives) += weights[i];
    }
    for (int t = 0; t < 40; t++) {
        double misses = 0.0, alarms = 0.0;
        for (int i = 0; i < 40; i++) {
            misses += same[i] && score[i] < score[t] ? weights[i] / positives : 0.0;
            alarms += !same[i] && score[i] >= score[t] ? weights[i] / negatives : 0.0;
        }
        least = fmin(least, (0.1 * misses + 0.9 * alarms) / 0.1);
    }
    mewl_error err = {0};
    mewl_ranking r;
    assert_int_equal(mewl_ranking_init(&r, score, same, 40, &err), MEWL_OK);
    assert_true(fabs(mewl_ranking_min_dcf(&r, weights, 0.1) - least) < 1e-12);
    mewl_ranking_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_systems),
        cmocka_unit_test(test_heads_do_not_tell_folds_apart),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_heads_hear_every_recording_once),
        cmocka_unit_test(test_files_of_trials),
        cmocka_unit_test(test_detection_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
