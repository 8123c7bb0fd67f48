/* `mewl lab` as people run it: what is refused, and that a table killed at any moment and started again ends as if
 * nothing had happened. The recordings are made here. Arguments: the program; "tables" to run the slower tables. */
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

#include "../base/sanitized.h"
#include "base/file.h"
#include "run.h"
#include "sounds.h"

#define CLIPS 18
#define TABLE                                                                                                          \
    "lab grid --manifest %s/clips.csv --networks mobilenetv1 --poolings avg,stat --start scratch --seeds 2 --epochs "  \
    "0.7 --width 0.0625 --folds 3 -q"

static const char *program;
static char folder[] = "/tmp/mewl-test-experiments-XXXXXX";

/* Runs `mewl words`; what it wrote anywhere is in `out`. */
static const ran *run(const char *words)
{
    return run_in(folder, "unset MEWL_DATA; MEWL_CONFIG= '%s' %s 2>&1", program, words);
}

static void what_cannot_start_is_refused(void **state)
{
    (void)state;
    static const run_row rows[] = {
        {"lab", 2, "Experiments:"},
        {"lab table9", 2, "there is no experiment `table9`"},
        {"lab tabel3", 2, "`table3`"},
        {"lab table3 more", 2, "`more`"},
        {"lab table3 --profile big", 2, "there is no profile `big`"},
        {"lab table3 --seeds 0", 2, "--seeds"},
        {"lab table3 --networks cnn10,cnn15", 2, "there is no network `cnn15`"},
        {"lab table4 --poolings min", 2, "there is no pooling `min`"},
        {"lab grid --start warm", 2, "there is no start `warm`"},
        {"lab grid --folds 3 --folds-run 4", 2, "--folds-run"},
        {"lab table3 --start scratch", 3, "MEWL_DATA"},
        {"lab table4", 3, "mewl lab pretrain"},
        {"lab table3 --start scratch --manifest /none.csv", 3, "/none.csv"},
        {"lab table3 --start scratch --manifest clips.csv --column tone", 2, "`tone`"},
        {"lab table5 --temperature 0", 2, "--temperature"},
        {"lab table5 --students smal", 2, "`small`"},
        {"lab table5 --manifest clips.csv --own-folds -o own", 3, "its fold is -1, not 1 to 5"},
        {"lab tinytoes --folds 1", 2, "--folds"},
        {"lab table2 --epochs none", 2, "--epochs"},
        {"lab table2 --column label", 2, "--column"},
        {"lab pretrain --column label", 2, "`--column`"},
        {"lab pretrain --seeds 2", 2, "`--seeds`"},
        {"lab pretrain --html p.html", 2, "`--html`"},
        {"lab pretrain --without esc11", 2, "esc10"},
        {"lab pretrain --without esc10 --manifest m.csv", 2, "--manifest"},
        {"lab pretrain --lowpass 9000", 2, "lowpass"},
        {"lab verify --manifest clips.csv --column label", 2, "`--column`"},
        {"lab verify --profile paper", 2, "`--profile`"},
        {"lab verify --seeds 2", 2, "`--seeds`"},
        {"lab iclas --html p.html", 2, "`--html`"},
        {"lab iclas --profile paper", 2, "`--profile`"},
        {"lab iclas --manifest clips.csv --column label", 2, "`--column`"},
        {"lab gate --manifest clips.csv", 2, "`--manifest`"},
        {"lab gate --seeds 2", 2, "`--seeds`"},
        {"lab alarms --manifest clips.csv", 2, "`--manifest`"},
        {"lab alarms --column label", 2, "`--column`"},
        {"lab alarms --profile paper", 2, "`--profile`"},
        {"lab alarms --seeds 3", 2, "`--seeds`"},
        {"lab alarms --data .", 2, "`--data`"},
        {"lab reason --cats --manifest clips.csv", 2, "--manifest"},
    };
    run_expect_rows(run, rows, sizeof rows / sizeof rows[0]);
}

static void every_experiment_has_help_with_examples(void **state)
{
    (void)state;
    static const char *const names[] = {"table2", "table3", "table4", "table5", "grid", "tinytoes", "pretrain"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char words[64];
        char example[64];
        (void)snprintf(words, sizeof words, "lab %s --help", names[i]);
        (void)snprintf(example, sizeof example, "\n  mewl lab %s", names[i]);
        const ran *r = run(words);
        run_expect(r, words, 0, "--profile", NULL);
        run_expect(r, words, 0, example, NULL);
    }
    run_expect(run("lab alarms --help"), "lab alarms --help", 0, "--infants N", NULL);
    assert_null(strstr(run("lab alarms --help")->out, "--profile")); /* what it does not use, it does not offer */
}

static char *read_report(const char *name)
{
    char path[300];
    char *text = NULL;
    size_t bytes = 0;
    (void)snprintf(path, sizeof path, "%s/%s/report.json", folder, name);
    assert_int_equal(mewl_file_read_all(&text, &bytes, path, 16 << 20, NULL), MEWL_OK);
    return text;
}

/* Starts the table, kills it after `ms`; whether it had ended by itself before. */
static bool start_and_kill(unsigned ms)
{
    char words[600];
    char command[4096];
    (void)snprintf(words, sizeof words, TABLE, folder);
    (void)snprintf(command, sizeof command, "exec '%s' %s -o killed", program, words);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (chdir(folder) == 0 && freopen("/dev/null", "w", stdout) != NULL) {
            (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        }
        _exit(99);
    }
    (void)usleep(1000 * ms);
    (void)kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    return WIFEXITED(status);
}

static void a_killed_table_ends_as_one_that_was_not(void **state)
{
    (void)state;
    char words[700];
    (void)snprintf(words, sizeof words, TABLE " -o whole", folder);
    const ran *r = run(words);
    run_expect(r, words, 0, "random LEAKY", NULL);
    run_expect(r, words, 0, "mobilenetv1/stat/scratch", NULL);
    run_expect(r, words, 0, "always the most frequent", NULL);
    size_t kills = 0;
    bool ended = false;
    for (unsigned i = 0; !ended && i < 100; i++) {
        /* Where it is slow, few kills: each costs as long as it was let run. */
        ended = start_and_kill(SANITIZED ? 100u << (i < 9 ? i : 9) : 40 + 90 * (i % 7) + 80 * i);
        kills += !ended;
    }
    assert_true(ended && kills > 0);
    char *want = read_report("whole");
    char *got = read_report("killed");
    assert_string_equal(got, want);
    assert_non_null(strstr(got, "\"label\": \"LEAKY\""));
    free(want);
    free(got);
    /* What is done costs nothing, and another set of recordings is not mixed in. */
    (void)snprintf(words, sizeof words, TABLE " -o whole --column label", folder);
    run_expect(run(words), words, 1, "name another folder", NULL);
}

static void the_other_tables_run_too(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        const char *rows[4];
    } tables[] = {
        {"lab table5 --width 0.0625",
         {"cnn14 (teacher)", "cnn14, int8, fine-tuned", "small cnn10 distilled, int8, fine-tuned", "of teacher"}},
        {"lab tinytoes --width 0.0625 --folds 3 --folds-run 1",
         {"tinytoes", "resnet50-mha", "grouped, 3 folds", "LEAKY"}},
        {"lab table2 --width 0.0625", {"cnn10", "cnn6", "cnn14", "LEAKY"}},
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char words[700];
        (void)snprintf(words, sizeof words, "%s --epochs 0.1 --manifest clips.csv --seeds 1 -q -o table%zu",
                       tables[i].words, i);
        const ran *r = run(words);
        for (size_t k = 0; k < 4; k++) {
            run_expect(r, words, 0, tables[i].rows[k], NULL);
        }
    }
}

/* The folds of the list are the only ones, and one student is enough. */
static void a_list_may_bring_its_folds(void **state)
{
    (void)state;
    const char *words = "lab table5 --width 0.0625 --epochs 0.1 --tune 0 --manifest own.csv --column label --own-folds "
                        "--students small --seeds 1 -q -o own";
    const ran *r = run(words);
    run_expect(r, words, 0, "5 folds of the list itself", NULL);
    run_expect(r, words, 0, "small cnn10 distilled, int8", NULL);
    run_expect(r, words, 0, "More than cnn14 (teacher)", NULL);
    assert_null(strstr(r->out, "LEAKY"));
    assert_null(strstr(r->out, "resnet22"));
    assert_null(strstr(r->out, "fine-tuned"));
}

static void write_clips(void)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/own.csv", folder);
    FILE *own = fopen(path, "w");
    assert_non_null(own);
    (void)fputs("path,label,group,fold\n", own);
    (void)snprintf(path, sizeof path, "%s/clips.csv", folder);
    FILE *csv = fopen(path, "w");
    assert_non_null(csv);
    (void)fputs("path,label,group,reason\n", csv);
    for (int i = 0; i < CLIPS; i++) {
        wav_form form = {.rate_hz = 8000, .channels = 1, .seconds = 0.8 + 0.02 * i, .gain = i % 2 == 0 ? 0.5 : 0.05};
        (void)snprintf(path, sizeof path, "%s/%02d.wav", folder, i);
        assert_true(write_wav(path, form));
        (void)fprintf(csv, "%02d.wav,%s,g%d,%s\n", i, i % 2 == 0 ? "loud" : "faint", i / 3, i % 3 == 0 ? "a" : "b");
        (void)fprintf(own, "%02d.wav,%s,g%d,%d\n", i, i % 2 == 0 ? "loud" : "faint", i / 3, i / 3 % 5 + 1);
    }
    assert_int_equal(fclose(own), 0);
    assert_int_equal(fclose(csv), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    write_clips();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return run_clean(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_start_is_refused),
        cmocka_unit_test(every_experiment_has_help_with_examples),
        cmocka_unit_test(a_killed_table_ends_as_one_that_was_not),
    };
    const struct CMUnitTest slower[] = {cmocka_unit_test(the_other_tables_run_too),
                                        cmocka_unit_test(a_list_may_bring_its_folds)};
    if (argc < 2) {
        return 99;
    }
    program = realpath(argv[1], NULL); /* the tests run it in other folders */
    return argc > 2 ? cmocka_run_group_tests(slower, make_folder, remove_folder)
                    : cmocka_run_group_tests(tests, make_folder, remove_folder);
}
