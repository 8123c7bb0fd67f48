/* Where `mewl analyze` puts what it writes, what it refuses beforehand, and with which code it ends. What stands in its
 * outputs is tested in test_analyze.c, as people see it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/report.h"

static char scratch[] = "/tmp/mewl-test-report-XXXXXX";

static int enter(void **state)
{
    (void)state;
    return mkdtemp(scratch) == NULL || chdir(scratch) != 0 || mkdir("there", 0700) != 0 ||
           fclose(fopen("file", "w")) != 0 || fclose(fopen("night.wav", "w")) != 0;
}

static int leave(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", scratch);
    return chdir("/") != 0 || system(command) != 0; /* NOLINT */
}

static void outputs_have_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *out;
        bool many;
        const char *name, *place, *folder; /* the folder is made */
    } rows[] = {
        {"one.txt", false, "a.wav", "one.txt", NULL},
        {"there", false, "a.wav", "there/a.wav.txt", NULL},
        {"new", true, "a.wav", "new/a.wav.txt", "new"},
        {"new", true, "week/monday.wav", "new/week/monday.wav.txt", "new/week"},
        {"new", true, "/etc/passwd", "new/etc/passwd.txt", "new/etc"},
        {"new", true, "../up.wav", "new/__/up.wav.txt", "new/__"},
        {"new", true, "a/../../b.wav", "new/a/__/__/b.wav.txt", "new/a/__/__"},
        {"new", true, "..wav", "new/..wav.txt", "new"},
        {"new", true, "-", "new/standard-input.txt", "new"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_error err = {0};
        struct stat about;
        char *place = mewl_report_place(rows[i].out, rows[i].many, rows[i].name, ".txt", &err);
        assert_non_null(place);
        assert_string_equal(place, rows[i].place);
        assert_true(rows[i].folder == NULL || (stat(rows[i].folder, &about) == 0 && S_ISDIR(about.st_mode)));
        free(place);
    }
    mewl_error err = {0};
    assert_null(mewl_report_place("file", true, "a.wav", ".txt", &err)); /* no folder */
    assert_true(err.text[0] != '\0');
}

static void what_cannot_be_written_is_told_beforehand(void **state)
{
    (void)state;
    static const struct {
        const char *out;
        bool many;
        mewl_status status;
    } rows[] = {
        {"", false, MEWL_E_ARG},
        {"new.csv", false, MEWL_OK},
        {"file", false, MEWL_OK}, /* replaced */
        {"there", false, MEWL_OK},
        {"-", false, MEWL_E_ARG}, /* tables alone go there, and are not asked about */
        {"/dev/null", false, MEWL_OK},
        {"night.wav", false, MEWL_E_ARG}, /* a recording is not written over */
        {"nowhere/new.csv", false, MEWL_E_NOT_FOUND},
        {"file/new.csv", false, MEWL_E_STATE}, /* a file stands where the folder must be */
        {"a/b/c", true, MEWL_OK},
        {"file", true, MEWL_E_STATE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mewl_error err = {0};
        const mewl_status status = mewl_report_check(rows[i].out, rows[i].many, &err);
        if (status != rows[i].status || (status != MEWL_OK && err.text[0] == '\0')) {
            fail_msg("`%s`: %s, not %s (%s)", rows[i].out, mewl_status_name(status), mewl_status_name(rows[i].status),
                     err.text);
        }
        struct stat about;
        assert_int_not_equal(stat("a", &about), 0); /* nothing is made */
    }
}

/* One recording's result; what is said of it to people goes nowhere. */
static mewl_status unheard(mewl_report *report, const mewl_cli_input *input, const mewl_analysis *result)
{
    mewl_error err = {0};
    const int nowhere = open("/dev/null", O_WRONLY), out = dup(STDOUT_FILENO), told = dup(STDERR_FILENO);
    (void)fflush(stdout);
    assert_true(dup2(nowhere, STDOUT_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
    const mewl_status status = mewl_report_file(report, input, result, &err);
    (void)fflush(stdout);
    assert_true(dup2(out, STDOUT_FILENO) >= 0 && dup2(told, STDERR_FILENO) >= 0);
    (void)close(nowhere);
    (void)close(out);
    (void)close(told);
    return status;
}

/* Recordings as a table's letters: c with a cry, q quiet, u unreadable, f failed for want of memory. */
static int code_of(const char *recordings, bool fail_on_cry)
{
    mewl_error err = {0};
    mewl_cli cli;
    mewl_report *report;
    mewl_episode cry = {.onset_s = 1, .offset_s = 2, .confidence = 0.9F, .level_dbfs = -30};
    mewl_cli_input input = {.path = (char *)(uintptr_t) "a.wav", .name = "a.wav"};
    assert_int_equal(mewl_cli_init(&cli, "mewl", &err), MEWL_OK);
    cli.quiet = true;
    mewl_report_opts opts = {.csv = "all.csv", .threshold = 0.5};
    assert_int_equal(mewl_report_open(&report, &cli, opts, &err), MEWL_OK);
    for (const char *r = recordings; *r != '\0'; r++) {
        mewl_analysis result = {.seconds = 10, .peak_score = 0.9, .level_dbfs = -40};
        result.status = *r == 'u' ? MEWL_E_FORMAT : *r == 'f' ? MEWL_E_MEMORY : MEWL_OK;
        result.episodes = &cry;
        result.episode_count = *r == 'c';
        (void)mewl_error_set(&result.error, result.status, "a.wav: no sound");
        assert_int_equal(unheard(report, &input, &result), MEWL_OK);
    }
    const int code = mewl_report_exit_code(report, fail_on_cry);
    mewl_report_close(report);
    mewl_cli_fini(&cli);
    assert_int_not_equal(access("all.csv", F_OK), 0); /* not finished: nothing is left behind */
    return code;
}

static void the_code_says_how_it_went(void **state)
{
    (void)state;
    assert_int_equal(code_of("q", true), MEWL_EXIT_DONE);
    assert_int_equal(code_of("qc", false), MEWL_EXIT_DONE);
    assert_int_equal(code_of("qc", true), MEWL_EXIT_FAILED);
    assert_int_equal(code_of("uu", false), MEWL_EXIT_UNREADABLE);
    assert_int_equal(code_of("f", false), MEWL_EXIT_FAILED);
    assert_int_equal(code_of("qu", false), MEWL_EXIT_PARTLY);
    assert_int_equal(code_of("cu", true), MEWL_EXIT_PARTLY); /* that some were not heard weighs more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(outputs_have_their_place),
                                       cmocka_unit_test(what_cannot_be_written_is_told_beforehand),
                                       cmocka_unit_test(the_code_says_how_it_went)};
    return cmocka_run_group_tests_name("cli/report", tests, enter, leave);
}
