/* Shuffled labels: what a round is, and what p comes of rounds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab/permutation.h"

#define COUNT 60

static void labels_of(int *labels, size_t *group)
{
    for (size_t i = 0; i < COUNT; i++) {
        labels[i] = i < 15;
        group[i] = i / 3;
    }
}

static void a_round_keeps_counts_and_groups(void **state)
{
    (void)state;
    int labels[COUNT];
    int first[COUNT];
    int again[COUNT];
    size_t group[COUNT];
    labels_of(labels, group);
    size_t moved = 0;
    for (uint64_t round = 0; round < 20; round++) {
        assert_int_equal(mewl_permutation_draw(first, labels, group, COUNT, 7, round, NULL), MEWL_OK);
        assert_int_equal(mewl_permutation_draw(again, labels, group, COUNT, 7, round, NULL), MEWL_OK);
        assert_memory_equal(first, again, sizeof first);
        size_t ones = 0;
        for (size_t i = 0; i < COUNT; i++) {
            ones += (size_t)first[i];
            assert_int_equal(first[i], first[i / 3 * 3]); /* groups of equal size and label stay together */
        }
        assert_int_equal(ones, 15);
        moved += memcmp(first, labels, sizeof labels) != 0;
    }
    assert_true(moved >= 19);
    assert_int_equal(mewl_permutation_draw(first, labels, group, 0, 7, 0, NULL), MEWL_E_EMPTY);
}

/* Agreement with what is really there, or with nothing. */
typedef struct pipeline {
    int truth[COUNT];
    size_t calls, fail_at;
} pipeline;

static mewl_status agree(double *figure, const int *labels, void *user, mewl_error *err)
{
    pipeline *p = user;
    if (++p->calls == p->fail_at) {
        return mewl_error_set(err, MEWL_E_LIBRARY, "the pipeline failed");
    }
    double hits = 0;
    for (size_t i = 0; i < COUNT; i++) {
        hits += labels[i] == p->truth[i];
    }
    *figure = hits / COUNT;
    return MEWL_OK;
}

static void a_signal_is_told_from_none(void **state)
{
    (void)state;
    int labels[COUNT];
    size_t group[COUNT];
    double figures[199];
    mewl_permutation result;
    pipeline p = {{0}, 0, 0};
    labels_of(labels, group);
    memcpy(p.truth, labels, sizeof labels);
    assert_int_equal(mewl_permutation_run(&result, figures, labels, group, COUNT, agree, &p, 199, 3, NULL, NULL),
                     MEWL_OK);
    assert_true(result.observed == 1 && result.rounds == 199 && p.calls == 200);
    assert_true(result.p <= 0.02 && result.mean < 0.75 && result.highest <= 1);
    for (size_t i = 0; i < COUNT; i++) {
        p.truth[i] = (int)(i % 2); /* has nothing to do with the labels */
    }
    assert_int_equal(mewl_permutation_run(&result, NULL, labels, group, COUNT, agree, &p, 199, 3, NULL, NULL), MEWL_OK);
    assert_true(result.p > 0.1);
}

static void a_failing_round_ends_the_test(void **state)
{
    (void)state;
    int labels[COUNT];
    size_t group[COUNT];
    mewl_permutation result;
    mewl_error err = {0};
    pipeline p = {{0}, 0, 4};
    labels_of(labels, group);
    assert_int_equal(mewl_permutation_run(&result, NULL, labels, group, COUNT, agree, &p, 50, 3, NULL, &err),
                     MEWL_E_LIBRARY);
    assert_int_equal(p.calls, 4);
    assert_int_equal(mewl_permutation_run(&result, NULL, labels, group, COUNT, agree, &p, 0, 3, NULL, &err),
                     MEWL_E_ARG);
}

static void p_counts_what_is_at_least_as_large(void **state)
{
    (void)state;
    const double figures[] = {0.1, 0.5, 0.5, 0.9};
    assert_true(mewl_permutation_p(0.5, figures, 4) == 4.0 / 5);
    assert_true(mewl_permutation_p(1, figures, 4) == 1.0 / 5);
    assert_true(mewl_permutation_p(0, figures, 4) == 1);
    const double broken[] = {NAN, 0.1};
    assert_true(mewl_permutation_p(0.5, broken, 2) == 2.0 / 3); /* never in our favour */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_keeps_counts_and_groups),
        cmocka_unit_test(a_signal_is_told_from_none),
        cmocka_unit_test(a_failing_round_ends_the_test),
        cmocka_unit_test(p_counts_what_is_at_least_as_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
