/* `mewl train` and `mewl eval` as people run them: what is refused before anything starts, with which exit code and
 * which words, and what `--keys` prints. What they compute is tested in tests/lab. Argument: the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *program;
static char recipe[] = "/tmp/mewl-test-lab-XXXXXX.ini";

/* Runs `mewl words` ($R in them is the recipe); its exit code, and in `said` what it wrote anywhere. */
static int run(char *said, size_t size, const char *words)
{
    char command[4096];
    (void)snprintf(command, sizeof command, "R=%s; unset MEWL_DATA; MEWL_CONFIG= '%s' %s </dev/null 2>&1", recipe,
                   program, words);
    FILE *pipe = popen(command, "r"); /* NOLINT: the point is to run it as a shell does */
    assert_non_null(pipe);
    said[fread(said, 1, size - 1, pipe)] = '\0';
    const int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void what_cannot_start_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int code;
        const char *said;
    } rows[] = {
        {"train", 2, "which recipe?"},
        {"train /none/such.ini", 3, "/none/such.ini"},
        {"train $R", 3, ":2: no key 'arhc' in [model]; did you mean 'arch'?"},
        {"train $R arch", 2, "SECTION.KEY=VALUE"},
        {"train $R --stop-after 0", 2, "--stop-after"},
        {"train $R --resum", 3, "arhc"}, /* a shortened --resume */
        {"train $R --refume", 2, "--resume"},
        {"eval", 2, "a model and a manifest"},
        {"eval one.safetensors", 2, "a model and a manifest"},
        {"eval --mixtures", 2, "name one model"},
        {"eval --folds $R extra", 2, "no operands"},
        {"eval m.safetensors m.csv --split side", 2, "there is no side `side`"},
        {"eval m.safetensors --mixtures --side train", 2, "there is no side `train`"},
        {"eval m.safetensors --mixtures --only recal", 2, "`recall`"},
        {"eval m.safetensors --mixtures --only recall,", 2, "``"},
        {"eval m.safetensors --mixtures --hours 0", 2, "--hours"},
        {"eval m.safetensors --mixtures --clips many", 2, "--clips"},
        {"eval m.safetensors m.csv --fold one", 2, "--fold"},
        {"eval m.safetensors m.csv --threshold 1", 2, "--threshold"},
        {"eval /none/m.safetensors --mixtures --only recall,hard", 3, "/none/m.safetensors"},
        {"eval /none/m.safetensors m.csv", 3, "/none/m.safetensors"},
        {"eval --folds $R", 3, "--data or MEWL_DATA"},
        {"eval --folds $R --data /none", 3, "/none"},
    };
    static char said[1 << 16];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int code = run(said, sizeof said, rows[i].words);
        if (code != rows[i].code || strstr(said, rows[i].said) == NULL) {
            fail_msg("mewl %s: exit %d, not %d, or without \"%s\": %s", rows[i].words, code, rows[i].code, rows[i].said,
                     said);
        }
    }
}

static void keys_are_listed_with_their_defaults(void **state)
{
    (void)state;
    static char said[1 << 16];
    assert_int_equal(run(said, sizeof said, "train --keys"), 0);
    assert_non_null(strstr(said, "[model]\n"));
    assert_non_null(strstr(said, "\nseed = 1\n"));
    assert_non_null(strstr(said, "\nschedule = cosine\n"));
}

static int make_recipe(void **state)
{
    (void)state;
    static const char text[] = "[model]\narhc = cnn10\n";
    const int file = mkstemps(recipe, 4);
    return file >= 0 && write(file, text, sizeof text - 1) == (ssize_t)sizeof text - 1 ? close(file) : -1;
}

static int remove_recipe(void **state)
{
    (void)state;
    return remove(recipe);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    program = realpath(argv[1], NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_cannot_start_is_refused),
                                       cmocka_unit_test(keys_are_listed_with_their_defaults)};
    return program == NULL ? 2 : cmocka_run_group_tests_name("cli/lab", tests, make_recipe, remove_recipe);
}
