/* What commands share: options from flag, environment and settings file; suggestions; numbers; spans of time. */
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

#include "cli/cli.h"
#include "cli/settings.h"

enum { OPT_THRESHOLD, OPT_OUT, OPT_FAST, OPT_COUNT };
static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_THRESHOLD] = {"threshold", 't', "X", "a number", true},
    [OPT_OUT] = {"output", 'o', "OUT", "a file", false},
    [OPT_FAST] = {"be-fast", 0, NULL, "a switch", true},
};
static const mewl_cli_usage usage = {"try", "PATH...", "Tries.", options, "  mewl try x\n"};

typedef struct parsed {
    mewl_cli cli;
    const char *value[OPT_COUNT];
    int code, argc;
    char **argv;
} parsed;

/* Parses words ended by NULL with the settings in `ini` (NULL: none). stderr is not looked at here: tests/cli/inputs.sh
 * reads what people see. */
static parsed parse_with(const char *ini, const char *const *words)
{
    static char copies[16][64]; /* getopt moves words about, and results point at them */
    static char *argv[17];
    parsed p = {0};
    char path[] = "/tmp/mewl-test-cli-XXXXXX";
    (void)setenv("MEWL_CONFIG", "", 1);
    if (ini != NULL) {
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, ini, strlen(ini)), (ssize_t)strlen(ini));
        (void)close(fd);
        (void)setenv("MEWL_CONFIG", path, 1);
    }
    mewl_error err = {0};
    assert_int_equal(mewl_cli_init(&p.cli, "mewl", &err), MEWL_OK);
    int count = 0;
    for (; words[count] != NULL; count++) {
        (void)snprintf(copies[count], sizeof copies[count], "%s", words[count]);
        argv[count] = copies[count];
    }
    argv[count] = NULL;
    p.code = mewl_cli_parse(&p.cli, &usage, count, argv, p.value, &p.argc, &p.argv);
    if (ini != NULL) {
        (void)unlink(path);
    }
    return p;
}

static void test_flags(void **state)
{
    (void)state;
    const char *words[] = {"try", "a", "-t", "0.5", "--output=b", "--be-fast", "--ndjson", "-q", "--", "-c", NULL};
    parsed p = parse_with(NULL, words);
    assert_int_equal(p.code, MEWL_CLI_GO);
    assert_string_equal(p.value[OPT_THRESHOLD], "0.5");
    assert_string_equal(p.value[OPT_OUT], "b");
    assert_string_equal(p.value[OPT_FAST], "");
    assert_true(p.cli.ndjson && !p.cli.json && p.cli.quiet && !p.cli.progress);
    assert_int_equal(p.argc, 2);
    assert_string_equal(p.argv[0], "a");
    assert_string_equal(p.argv[1], "-c");
    mewl_cli_fini(&p.cli);
}

static void test_mistakes(void **state)
{
    (void)state;
    const char *rows[][4] = {{"try", "--treshold", "1", NULL},    {"try", "-x", NULL, NULL},
                             {"try", "--output", NULL, NULL},     {"try", "-o", NULL, NULL},
                             {"try", "--json", "--ndjson", NULL}, {"try", "--be-fast=1", NULL, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        parsed p = parse_with(NULL, rows[i]);
        assert_int_equal(p.code, MEWL_EXIT_USAGE);
        mewl_cli_fini(&p.cli);
    }
}

/* Flag over environment over section over the lines above sections; not for options that are no settings. */
static void test_precedence(void **state)
{
    (void)state;
    static const char ini[] = "threshold = 0.1\noutput = no\nquiet = yes\n[try]\nthreshold = 0.2\nbe-fast = on\n"
                              "[other]\nthreshold = 0.9\n";
    const char *bare[] = {"try", NULL}, *flag[] = {"try", "--threshold", "0.4", NULL};
    (void)unsetenv("MEWL_THRESHOLD");
    parsed p = parse_with(ini, bare);
    assert_string_equal(p.value[OPT_THRESHOLD], "0.2");
    assert_null(p.value[OPT_OUT]);
    assert_string_equal(p.value[OPT_FAST], "");
    assert_true(p.cli.quiet);
    mewl_cli_fini(&p.cli);

    (void)setenv("MEWL_THRESHOLD", "0.3", 1);
    (void)setenv("MEWL_BE_FAST", "no", 1);
    p = parse_with(ini, bare);
    assert_string_equal(p.value[OPT_THRESHOLD], "0.3");
    assert_null(p.value[OPT_FAST]);
    mewl_cli_fini(&p.cli);
    p = parse_with(ini, flag);
    assert_string_equal(p.value[OPT_THRESHOLD], "0.4");
    mewl_cli_fini(&p.cli);
    (void)setenv("MEWL_THRESHOLD", "", 1); /* empty: as if not set */
    (void)unsetenv("MEWL_BE_FAST");
    p = parse_with("threshold = 0.1\n", bare);
    assert_string_equal(p.value[OPT_THRESHOLD], "0.1");
    mewl_cli_fini(&p.cli);
    (void)unsetenv("MEWL_THRESHOLD");

    /* A flag for one form of output beats a setting for the other. */
    const char *ndjson[] = {"try", "--ndjson", NULL};
    p = parse_with("json = yes\n", ndjson);
    assert_true(p.cli.ndjson && !p.cli.json);
    mewl_cli_fini(&p.cli);
}

static void test_bad_settings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *place;
    } rows[] = {{"threshold = 1\nnonsense\n", ":2:"}, {"[try\n", ":1:"}, {"= 5\n", ":1:"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[] = "/tmp/mewl-test-cli-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, rows[i].text, strlen(rows[i].text)), (ssize_t)strlen(rows[i].text));
        (void)close(fd);
        mewl_cli_settings *settings = NULL;
        mewl_error err = {0};
        assert_int_equal(mewl_cli_settings_read(&settings, path, 1, &err), MEWL_E_FORMAT);
        assert_null(settings);
        assert_non_null(strstr(err.text, rows[i].place));
        (void)unlink(path);
    }
    mewl_cli_settings *settings = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_cli_settings_read(&settings, "/nowhere/mewl.ini", 1, &err), MEWL_E_NOT_FOUND);
    assert_int_equal(mewl_cli_settings_read(&settings, "/nowhere/mewl.ini", 0, &err), MEWL_OK);
    assert_null(mewl_cli_settings_get(settings, "try", "threshold"));
    mewl_cli_settings_free(settings);
    mewl_cli_settings_free(NULL);
}

/* A file that nobody named and that cannot be read costs a warning; one that MEWL_CONFIG names is needed. */
static void test_unreadable_settings(void **state)
{
    (void)state;
    char base[] = "/tmp/mewl-test-cli-XXXXXX", folder[64], file[80];
    assert_non_null(mkdtemp(base));
    (void)snprintf(folder, sizeof folder, "%s/mewl", base);
    (void)snprintf(file, sizeof file, "%s/mewl.ini", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(file, 0700), 0); /* opens, and cannot be read */
    (void)setenv("XDG_CONFIG_HOME", base, 1);
    (void)unsetenv("MEWL_CONFIG");
    mewl_cli cli;
    mewl_error err = {0};
    assert_int_equal(mewl_cli_init(&cli, "mewl", &err), MEWL_OK);
    assert_null(mewl_cli_settings_get(cli.settings, "try", "threshold"));
    mewl_cli_fini(&cli);
    (void)setenv("MEWL_CONFIG", file, 1);
    assert_int_not_equal(mewl_cli_init(&cli, "mewl", &err), MEWL_OK);
    assert_non_null(strstr(err.text, file));

    /* A folder of somebody else's; root, who may read everything, steps down for it. */
    const bool root = geteuid() == 0;
    assert_int_equal(chmod(folder, root ? 0700 : 0), 0);
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    mewl_error denied = {0};
    const mewl_status named = mewl_cli_init(&cli, "mewl", &denied);
    (void)unsetenv("MEWL_CONFIG");
    const mewl_status unnamed = mewl_cli_init(&cli, "mewl", &err);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(named, MEWL_E_PERMISSION);
    assert_int_equal(unnamed, MEWL_OK);
    mewl_cli_fini(&cli);

    /* A line that is wrong stays an error, whoever named the file. */
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(rmdir(file), 0);
    FILE *wrong = fopen(file, "w");
    assert_non_null(wrong);
    (void)fputs("nonsense\n", wrong);
    (void)fclose(wrong);
    assert_int_equal(mewl_cli_init(&cli, "mewl", &err), MEWL_E_FORMAT);
    assert_int_equal(unlink(file) + rmdir(folder) + rmdir(base), 0);
    (void)unsetenv("XDG_CONFIG_HOME");
}

/* A misspelt name in the command's section is told with file, line and the nearest; the right ones are not. */
static void test_misspelt_settings(void **state)
{
    (void)state;
    char said[4096];
    FILE *caught = tmpfile();
    assert_non_null(caught);
    (void)fflush(stderr);
    const int before = dup(STDERR_FILENO);
    assert_true(before >= 0 && dup2(fileno(caught), STDERR_FILENO) >= 0);
    const char *words[] = {"try", NULL};
    parsed p = parse_with("json = no\n; a remark\n[try]\nbe-fast = no\n\ntreshold = 1\n[other]\nxyz = 1\n", words);
    (void)fflush(stderr);
    (void)dup2(before, STDERR_FILENO);
    (void)close(before);
    rewind(caught);
    said[fread(said, 1, sizeof said - 1, caught)] = '\0';
    (void)fclose(caught);
    assert_int_equal(p.code, MEWL_CLI_GO);
    assert_non_null(strstr(said, ":6: [try] has no setting `treshold`; the nearest is `threshold`\n"));
    assert_ptr_equal(strchr(said, '\n'), strrchr(said, '\n')); /* one line */
    mewl_cli_fini(&p.cli);
}

/* A section that belongs to no command is told once, with its line and the nearest; those of commands are not. */
static void test_misspelt_sections(void **state)
{
    (void)state;
    static const mewl_cli_command commands[] = {{"try", "", NULL}, {"data", "", NULL}};
    const char *words[] = {"try", NULL};
    parsed p = parse_with("json = no\n[try]\nbe-fast = no\n[data scan]\nkind = x\n\n[dtaa]\na = 1\nb = 2\n", words);
    char said[4096], name[] = "try", *argv[] = {name, NULL}, **rest;
    const char *value[OPT_COUNT];
    int count;
    FILE *caught = tmpfile();
    assert_non_null(caught);
    (void)fflush(stderr);
    const int before = dup(STDERR_FILENO);
    assert_true(before >= 0 && dup2(fileno(caught), STDERR_FILENO) >= 0);
    p.cli.commands = commands;
    p.cli.command_count = 2;
    const int code = mewl_cli_parse(&p.cli, &usage, 1, argv, value, &count, &rest);
    (void)fflush(stderr);
    (void)dup2(before, STDERR_FILENO);
    (void)close(before);
    rewind(caught);
    said[fread(said, 1, sizeof said - 1, caught)] = '\0';
    (void)fclose(caught);
    assert_int_equal(code, MEWL_CLI_GO);
    assert_non_null(strstr(said, ":8: [dtaa] is the section of no command; the nearest is `data`\n"));
    assert_ptr_equal(strchr(said, '\n'), strrchr(said, '\n')); /* one line */
    mewl_cli_fini(&p.cli);
}

static void test_numbers(void **state)
{
    (void)state;
    mewl_cli cli = {.command = "try"};
    double number = 7.0;
    assert_true(mewl_cli_number(&cli, "x", NULL, 0, 1, &number));
    assert_float_equal(number, 7.0, 0.0);
    assert_true(mewl_cli_number(&cli, "x", "0.25", 0, 1, &number));
    assert_float_equal(number, 0.25, 0.0);
    static const char *const bad[] = {"", "a", "0.5x", "nan", "inf", "2", "-1", "1e999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(mewl_cli_number(&cli, "x", bad[i], 0, 1, &number));
    }
    long whole = 3;
    assert_true(mewl_cli_integer(&cli, "n", "42", 1, 64, &whole));
    assert_int_equal(whole, 42);
    static const char *const bad_whole[] = {"", "1.5", "65", "0", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad_whole / sizeof bad_whole[0]; i++) {
        assert_false(mewl_cli_integer(&cli, "n", bad_whole[i], 1, 64, &whole));
    }
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0.0, "0.0 s"},         {12.34, "12.3 s"},        {59.96, "1 min 00 s"}, {245.0, "4 min 05 s"},
                {3599.7, "1 h 00 min"}, {43200.0, "12 h 00 min"}, {-1.0, "?"},           {0.0 / 0.0, "?"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[32];
        assert_string_equal(mewl_cli_duration(text, sizeof text, rows[i].seconds), rows[i].text);
    }
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_string_equal(mewl_cli_s(1), "");
    assert_string_equal(mewl_cli_s(0), "s");
    assert_string_equal(mewl_cli_s(2), "s");
    assert_int_equal(mewl_cli_exit_code(MEWL_OK), 0);
    assert_int_equal(mewl_cli_exit_code(MEWL_E_ARG), 2);
    assert_int_equal(mewl_cli_exit_code(MEWL_E_NOT_FOUND), 3);
    assert_int_equal(mewl_cli_exit_code(MEWL_E_FORMAT), 3);
    assert_int_equal(mewl_cli_exit_code(MEWL_E_EMPTY), 3);
    assert_int_equal(mewl_cli_exit_code(MEWL_E_MEMORY), 1);
    assert_int_equal(mewl_cli_exit_code(MEWL_E_LIBRARY), 1);
}

/* Nobody is told that something is certain, nor 99 % of what JSON has as 0.99996. */
static void test_sure(void **state)
{
    (void)state;
    static const struct {
        double confidence;
        const char *text;
    } rows[] = {{0.0, "0 % sure"},         {0.981, "98 % sure"},         {0.9949, "99 % sure"},
                {0.995, "over 99 % sure"}, {0.999959, "over 99 % sure"}, {1.0, "over 99 % sure"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[32];
        assert_string_equal(mewl_cli_sure(text, sizeof text, rows[i].confidence), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sure),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_misspelt_settings),
        cmocka_unit_test(test_misspelt_sections),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_unreadable_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
