/* Experiments: what is done is not done again, whatever moment the end came at. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "lab/experiment.h"

#define CELLS 6

static char folder[] = "/tmp/mewl-test-experiment-XXXXXX";
static char journal[256];

static const mewl_cell cells[CELLS] = {
    {"a", MEWL_SPLIT_RANDOM, 1, 1, 1, NULL},
    {"a", MEWL_SPLIT_GROUPED, 1, 1, 1, NULL},
    {"b", "", 0, 1, 2, NULL},
    {"b", "", 0, 2, 2, NULL},
    {"c/d", "random", 2, 1, 0, NULL},
    {"c/d", "random", 3, 1, 0, NULL},
};

typedef struct work {
    size_t calls;
    size_t cancel_at; /* this call says that it was stopped */
} work;

/* A result that follows from the cell alone. */
static mewl_status compute(json_t **result, const mewl_cell *cell, const mewl_progress *progress, void *user,
                           mewl_error *err)
{
    work *w = user;
    (void)err;
    mewl_progress_report(progress, 1, 2, "half");
    if (++w->calls == w->cancel_at) {
        return MEWL_E_CANCELLED;
    }
    *result = json_object();
    return mewl_json_set_real(*result, "figure", (double)cell->seed / 3 + cell->fold + (cell->config[0] == 'b'));
}

static json_t *identity(const char *data)
{
    json_t *out = json_object();
    (void)mewl_json_set_string(out, "data", data);
    return out;
}

static mewl_status open_it(mewl_experiment **e, mewl_error *err)
{
    json_t *who = identity("x");
    mewl_status status = mewl_experiment_open(e, folder, who, err);
    json_decref(who);
    return status;
}

static void start_afresh(void)
{
    (void)unlink(journal);
}

static char *contents(size_t *bytes)
{
    char *text = NULL;
    assert_int_equal(mewl_file_read_all(&text, bytes, journal, 1 << 20, NULL), MEWL_OK);
    return text;
}

/* All results as text, for comparison. */
static char *table_of(const mewl_experiment *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < CELLS; i++) {
        (void)json_array_append(list, (json_t *)mewl_experiment_result(e, &cells[i]));
    }
    char *text = mewl_json_text(list, false);
    json_decref(list);
    return text;
}

static char *whole_table(void)
{
    mewl_experiment *e = NULL;
    work w = {0, 0};
    start_afresh();
    assert_int_equal(open_it(&e, NULL), MEWL_OK);
    assert_int_equal(mewl_experiment_run(e, cells, CELLS, compute, &w, (mewl_experiment_opts){0}, NULL), MEWL_OK);
    assert_int_equal(w.calls, CELLS);
    char *table = table_of(e);
    mewl_experiment_close(e);
    return table;
}

static void a_stopped_run_goes_on_where_it_was(void **state)
{
    (void)state;
    char *want = whole_table();
    start_afresh();
    size_t calls = 0;
    for (size_t round = 0; round < CELLS + 1; round++) {
        mewl_experiment *e = NULL;
        mewl_error err = {0};
        work w = {0, 2}; /* the second cell of each call is stopped */
        assert_int_equal(open_it(&e, &err), MEWL_OK);
        mewl_status status = mewl_experiment_run(e, cells, CELLS, compute, &w, (mewl_experiment_opts){0}, &err);
        assert_int_equal(status, round + 1 < CELLS ? MEWL_E_CANCELLED : MEWL_OK);
        calls += w.calls;
        if (status == MEWL_OK) {
            char *got = table_of(e);
            assert_string_equal(got, want);
            free(got);
        }
        mewl_experiment_close(e);
    }
    assert_int_equal(calls, CELLS + CELLS - 1); /* each once, and each but the first stopped once */
    free(want);
}

static void a_torn_last_line_is_cut_off_wherever_it_was_torn(void **state)
{
    (void)state;
    char *want = whole_table();
    size_t bytes = 0;
    char *text = contents(&bytes);
    for (size_t keep = 0; keep <= bytes; keep += 7) {
        assert_int_equal(mewl_file_write(journal, text, keep, NULL), MEWL_OK);
        mewl_experiment *e = NULL;
        mewl_error err = {0};
        work w = {0, 0};
        if (open_it(&e, &err) != MEWL_OK) {
            fail_msg("after %zu bytes: %s", keep, err.text);
        }
        assert_int_equal(mewl_experiment_run(e, cells, CELLS, compute, &w, (mewl_experiment_opts){0}, &err), MEWL_OK);
        char *got = table_of(e);
        assert_string_equal(got, want);
        free(got);
        mewl_experiment_close(e);
    }
    free(text);
    free(want);
}

/* Sleeps a little in each cell, so that the end comes at any moment. */
static mewl_status compute_slowly(json_t **result, const mewl_cell *cell, const mewl_progress *progress, void *user,
                                  mewl_error *err)
{
    (void)usleep(3000);
    return compute(result, cell, progress, user, err);
}

static void a_killed_run_ends_in_the_same_table(void **state)
{
    (void)state;
    char *want = whole_table();
    start_afresh();
    bool whole = false;
    for (unsigned round = 0; !whole && round < 200; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            mewl_experiment *e = NULL;
            work w = {0, 0};
            mewl_status status = open_it(&e, NULL);
            if (status == MEWL_OK) {
                status = mewl_experiment_run(e, cells, CELLS, compute_slowly, &w, (mewl_experiment_opts){0}, NULL);
            }
            _exit(status == MEWL_OK ? 0 : 9);
        }
        (void)usleep(2000 + 1700 * (round % 9));
        (void)kill(child, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        whole = WIFEXITED(status);
        if (whole) {
            assert_int_equal(WEXITSTATUS(status), 0);
        }
    }
    mewl_experiment *e = NULL;
    work w = {0, 0};
    assert_int_equal(open_it(&e, NULL), MEWL_OK);
    assert_int_equal(mewl_experiment_run(e, cells, CELLS, compute, &w, (mewl_experiment_opts){0}, NULL), MEWL_OK);
    char *got = table_of(e);
    assert_string_equal(got, want);
    mewl_experiment_close(e);
    free(got);
    free(want);
}

static void another_experiment_is_refused(void **state)
{
    (void)state;
    free(whole_table());
    mewl_experiment *e = NULL;
    mewl_error err = {0};
    json_t *other = identity("y");
    assert_int_equal(mewl_experiment_open(&e, folder, other, &err), MEWL_E_STATE);
    assert_non_null(strstr(err.text, "`data`"));
    assert_null(e);
    json_decref(other);
}

static void two_at_once_are_refused(void **state)
{
    (void)state;
    free(whole_table());
    mewl_experiment *e = NULL;
    mewl_experiment *second = NULL;
    mewl_error err = {0};
    assert_int_equal(open_it(&e, NULL), MEWL_OK);
    assert_int_equal(open_it(&second, &err), MEWL_E_STATE);
    assert_non_null(strstr(err.text, "another process"));
    mewl_experiment_close(e);
    assert_int_equal(open_it(&second, NULL), MEWL_OK);
    mewl_experiment_close(second);
}

static void what_is_no_journal_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"{\"experiment\":{\"data\":\"x\"}}\n{\"cell\":\"a|random|1|1\"}\n", ":2"},
        {"{\"experiment\":{\"data\":\"x\"}}\nno json\n{\"cell\":\"a|random|1|1\",\"result\":{}}\n", ":2"},
        {"{\"event\":\"start\"}\n", "not the journal"},
        {"[]\n", "not the journal"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_experiment *e = NULL;
        mewl_error err = {0};
        assert_int_equal(mewl_file_write(journal, rows[i].text, strlen(rows[i].text), NULL), MEWL_OK);
        assert_int_equal(open_it(&e, &err), MEWL_E_FORMAT);
        if (strstr(err.text, rows[i].said) == NULL) {
            fail_msg("`%s` does not say `%s`", err.text, rows[i].said);
        }
    }
}

static void keys_and_results_are_checked(void **state)
{
    (void)state;
    free(whole_table());
    mewl_experiment *e = NULL;
    assert_int_equal(open_it(&e, NULL), MEWL_OK);
    assert_int_equal(mewl_experiment_put(e, &cells[0], json_object(), 1, NULL), MEWL_E_STATE);
    mewl_cell odd = {"x|y", "", 0, 1, 0, NULL};
    assert_int_equal(mewl_experiment_put(e, &odd, json_object(), 1, NULL), MEWL_E_ARG);
    mewl_cell fresh = {"new", "", 0, 1, 0, NULL};
    assert_null(mewl_experiment_result(e, &fresh));
    assert_int_equal(mewl_experiment_put(e, &fresh, json_object(), 1.5, NULL), MEWL_OK);
    assert_non_null(mewl_experiment_result(e, &fresh));
    mewl_experiment_close(e);
}

static void a_stop_flag_ends_it_before_the_next_cell(void **state)
{
    (void)state;
    start_afresh();
    mewl_experiment *e = NULL;
    mewl_error err = {0};
    work w = {0, 0};
    volatile sig_atomic_t stop = 1;
    assert_int_equal(open_it(&e, NULL), MEWL_OK);
    mewl_experiment_opts opts = {.stop = &stop};
    assert_int_equal(mewl_experiment_run(e, cells, CELLS, compute, &w, opts, &err), MEWL_E_CANCELLED);
    assert_int_equal(w.calls, 0);
    assert_non_null(strstr(err.text, "the same command"));
    mewl_experiment_close(e);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(journal, sizeof journal, "%s/journal.ndjson", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(journal);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_run_goes_on_where_it_was),
        cmocka_unit_test(a_torn_last_line_is_cut_off_wherever_it_was_torn),
        cmocka_unit_test(a_killed_run_ends_in_the_same_table),
        cmocka_unit_test(another_experiment_is_refused),
        cmocka_unit_test(two_at_once_are_refused),
        cmocka_unit_test(what_is_no_journal_is_told_with_its_line),
        cmocka_unit_test(keys_and_results_are_checked),
        cmocka_unit_test(a_stop_flag_ends_it_before_the_next_cell),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
