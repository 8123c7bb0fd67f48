/* `mewl data`: what it writes, says and returns, run as a program. argv[1] is the program. */
#include <math.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "data/manifest.h"
#include "run_json.h"

static const char *program;
static char folder[256];

/* Runs `mewl data words` in the test's folder. */
static const ran *run(const char *words)
{
    return run_in(folder, "unset MEWL_DATA; '%s' data %s", program, words);
}

static void expect(const char *words, int code, const char *in_out, const char *in_err)
{
    run_expect(run(words), words, code, in_out, in_err);
}

static void touch(const char *relative)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, relative);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(mewl_folder_make(path, NULL), MEWL_OK);
    *slash = '/';
    assert_int_equal(mewl_file_write(path, "x", 1, NULL), MEWL_OK);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/mewl-cli-data-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 20; i++) {
        char name[128];
        snprintf(name, sizeof name, "esc/004 - Baby cry/%d-%d-A.ogg", 1 + i % 5, 100 + i / 2);
        touch(name);
        snprintf(name, sizeof name, "esc/001 - Dog bark/%d-%d-A.ogg", 1 + i % 5, 200 + i);
        touch(name);
    }
    touch("esc/notes.wav");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return run_clean(folder);
}

static void scans(void **state)
{
    (void)state;
    char path[512];
    mewl_manifest m;
    mewl_error err = {0};
    expect("scan esc -o m.csv", 0, NULL, "1 left out, the first: notes.wav");
    snprintf(path, sizeof path, "%s/m.csv", folder);
    assert_int_equal(mewl_manifest_read(&m, path, &err), MEWL_OK);
    assert_int_equal(m.count, 40);
    assert_string_equal(m.rows[0].set, "esc10");
    assert_true(m.rows[0].path[0] == '/');
    mewl_manifest_fini(&m);
    expect("scan esc", 0, "path,label,set,group,fold,split", "ESC-10: 40 rows, 30 groups, 2 labels");
    expect("scan esc --json -o m.csv", 0, "\"groups\": 30", NULL);
    expect("scan esc --json", 2, NULL, "-o");
    expect("scan esc --kind esc5O", 2, NULL, "esc50");
    expect("scan esc --kind catmeows -o x.csv", 3, NULL, "no file is named like CatMeows");
    expect("scan nowhere -o x.csv", 3, NULL, "nowhere");
    expect("scan", 2, NULL, "one folder");
    expect("scan esc -o missing/m.csv", 1, NULL, "missing");
}

static void splits(void **state)
{
    (void)state;
    expect("scan esc -q -o m.csv", 0, NULL, NULL);
    expect("split m.csv -o s.csv", 0, NULL, "30 groups, each on one side of 'split'");
    expect("check s.csv", 0, NULL, "each on one side");
    expect("split m.csv --folds 5 -o f.csv --json", 0, "\"leaky\": false", NULL);
    expect("check f.csv --column fold", 0, NULL, NULL);
    expect("check f.csv", 1, NULL, "no row says a side in 'split'");
    expect("split m.csv --folds 5 --random --seed 3 -o r.csv", 0, NULL, "LEAKY");
    expect("check r.csv --column fold", 1, NULL, "LEAKY");
    expect("check r.csv --column fold --json", 1, "\"leaky\": true", NULL);
    expect("check r.csv --column colour", 2, NULL, "colour");
    expect("split m.csv --random -o x.csv", 2, NULL, "--random deals single rows to folds: say with --folds K");
    expect("split m.csv --stratify label -o x.csv", 2, NULL, "--stratify spreads a column over folds");
    assert_int_equal(run_in(folder, "head -2 m.csv > one.csv")->code, 0);
    expect("split one.csv -o x.csv", 0, NULL, "1 group, each on one side");
    expect("split m.csv --folds 50 -o x.csv", 2, NULL, "30 groups cannot fill 50 folds");
    expect("split m.csv --valid 0.9 --test 0.9 -o x.csv", 2, NULL, "not shares");
    expect("split m.csv --valid 2 -o x.csv", 2, NULL, "valid");
    expect("split esc/notes.wav -o x.csv", 3, NULL, "notes.wav:1: no column 'path'");
    expect("split m.csv --folds 5 --valid 0.1", 2, NULL, "--valid");
}

static void lists_and_fetches(void **state)
{
    (void)state;
    json_t *doc = run_json(run("list --json"));
    assert_true(json_array_size(json_object_get(doc, "kinds")) >= 15);
    assert_true(json_array_size(json_object_get(doc, "fetch")) >= 9);
    json_decref(doc);
    expect("list", 0, "donateacry", NULL);
    /* Nothing here asks another machine: these end before a connection. */
    expect("fetch cryceleb --to sets", 3, NULL, "cannot be fetched by a program");
    expect("fetch nothing --to sets", 2, NULL, "nothing");
    expect("fetch", 2, NULL, "which set");
    expect("fetch esc50 --sha256 12 --to sets", 2, NULL, "64 hexadecimal digits");
    expect("fetch esc50 catmeows --json", 2, NULL, "--ndjson");
}

static void mixes_say_what_is_missing(void **state)
{
    (void)state;
    expect("mix", 2, NULL, "-o");
    expect("mix -o out --side left", 2, NULL, "left");
    expect("mix -o out --snr loud", 2, NULL, "eval.snr_db");
    expect("mix -o out", 3, NULL, "MEWL_DATA");
    expect("mix -o out --data nowhere", 3, NULL, "nowhere");
    expect("mix none.ini -o out", 3, NULL, "none.ini");
    expect("", 2, NULL, "mewl data scan");
    expect("scam", 2, NULL, "scan");
    expect("mix --help", 0, "DESED", NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scans),
        cmocka_unit_test(splits),
        cmocka_unit_test(lists_and_fetches),
        cmocka_unit_test(mixes_say_what_is_missing),
    };
    if (argc < 2) {
        return 2;
    }
    static char absolute[PATH_MAX];
    program = realpath(argv[1], absolute); /* the tests run in a folder of their own */
    if (program == NULL) {
        return 2;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
