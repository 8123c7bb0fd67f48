/* `mewl synth`, `mewl features --kind voice|egemaps` and `mewl analyze --steps` on what it makes. Arguments: the
 * program, a small model. */
#include <math.h>
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

#include "base/file.h"
#include "base/json.h"
#include "base/npy.h"
#include "data/manifest.h"
#include "run_json.h"

static const char *program, *model;
static char folder[] = "/tmp/mewl-test-synth-XXXXXX";
static const ran *last; /* run */

static int run(const char *words)
{
    last = run_in(folder, "MEWL_CONFIG= %s %s", program, words);
    return last->code;
}

static char *path_of(char out[256], const char *name)
{
    (void)snprintf(out, 256, "%s/%s", folder, name);
    return out;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : run("synth --clip cry.wav --seed 3 --f0 420 --hyperphonation 0");
}

static int remove_folder(void **state)
{
    (void)state;
    return run_clean(folder);
}

static void test_clip(void **state)
{
    (void)state;
    assert_int_equal(run("synth --clip again.wav --seed 3 --f0 420 --hyperphonation 0 --json"), 0);
    json_t *doc = run_json(last);
    assert_true(fabs(json_real_value(json_object_get(doc, "f0_hz")) - 420) < 1e-6);
    assert_true(json_array_size(json_object_get(doc, "bursts")) > 2);
    assert_non_null(strstr(json_string_value(json_object_get(doc, "note")), "simulated"));
    json_decref(doc);
    char path[256], *a, *b;
    size_t a_bytes, b_bytes;
    assert_int_equal(mewl_file_read_all(&a, &a_bytes, path_of(path, "cry.wav"), 10000000, NULL), MEWL_OK);
    assert_int_equal(mewl_file_read_all(&b, &b_bytes, path_of(path, "again.wav"), 10000000, NULL), MEWL_OK);
    assert_int_equal(a_bytes, b_bytes);
    assert_memory_equal(a, b, a_bytes);
    assert_non_null(memmem(a, a_bytes, "simulated by mewl synth", 23)); /* the file itself says what it is */
    free(a);
    free(b);
}

static void test_voice(void **state)
{
    (void)state;
    assert_int_equal(run("features cry.wav --kind voice --json"), 0);
    json_t *doc = run_json(last);
    json_t *measures = json_object_get(doc, "measures");
    double f0 = json_real_value(json_object_get(measures, "f0_phonation_hz"));
    assert_true(fabs(f0 - 420) < 40);
    assert_true(json_array_size(json_object_get(doc, "breaths")) > 2);
    json_decref(doc);

    assert_int_equal(run("features cry.wav --kind voice -o track.npy"), 0);
    mewl_npy track;
    char path[256];
    assert_int_equal(mewl_npy_read_f32(&track, path_of(path, "track.npy"), 1000000, NULL), MEWL_OK);
    assert_int_equal(track.ndim, 2);
    assert_int_equal(track.shape[1], 3);
    double first = (double)track.data[0], second = (double)track.data[3];
    assert_true(fabs(second - first - 0.005) < 1e-6);
    mewl_npy_fini(&track);

    assert_int_equal(run("features cry.wav --kind egemaps --json"), 0);
    doc = run_json(last);
    assert_int_equal(json_object_size(json_object_get(doc, "functionals")), 88);
    assert_non_null(json_object_get(doc, "formulas"));
    json_decref(doc);

    assert_int_equal(run("features cry.wav --kind egemaps -o table.csv"), 0);
    char *text;
    size_t bytes;
    assert_int_equal(mewl_file_read_all(&text, &bytes, path_of(path, "table.csv"), 100000, NULL), MEWL_OK);
    assert_int_equal(strncmp(text, "file,F0semitoneFrom27.5Hz_sma3nz_amean,", 39), 0);
    size_t commas = 0;
    for (size_t i = 0; i < bytes; i++) {
        commas += text[i] == ',';
    }
    assert_int_equal(commas, 2 * 88);
    free(text);
    assert_int_equal(run("features cry.wav --kind voice"), 0);
    assert_int_equal(mewl_file_read_all(&text, &bytes, path_of(path, "out.txt"), 100000, NULL), MEWL_OK);
    assert_non_null(strstr(text, "jitter_local"));
    free(text);
}

static void test_steps(void **state)
{
    (void)state;
    char words[512], path[256], *bytes;
    size_t count;
    (void)snprintf(words, sizeof words, "analyze --model %s --steps steps.svg cry.wav", model);
    assert_int_equal(run(words), 0);
    assert_int_equal(mewl_file_read_all(&bytes, &count, path_of(path, "steps.svg"), 100000000, NULL), MEWL_OK);
    assert_non_null(memmem(bytes, count, "<svg", 4));
    free(bytes);
    (void)snprintf(words, sizeof words, "analyze --model %s --steps steps.png - < cry.wav", model);
    assert_int_equal(run(words), 1); /* it is read twice */
    (void)snprintf(words, sizeof words, "analyze --model %s --steps missing/steps.png cry.wav", model);
    assert_int_not_equal(run(words), 0);
}

static void test_diary(void **state)
{
    (void)state;
    char path[256];
    assert_int_equal(run("synth diary --infants 2 --days 0.6 --rate 8000 --shift 10@0.3 --device 1@0.4"), 0);
    mewl_manifest diary;
    mewl_error err = {0};
    assert_int_equal(mewl_manifest_read(&diary, path_of(path, "diary/diary.csv"), &err), MEWL_OK);
    assert_true(diary.count > 0);
    for (size_t i = 0; i < diary.count; i++) {
        char text[64];
        assert_string_equal(diary.rows[i].label, "cry");
        assert_int_equal(access(diary.rows[i].path, R_OK), 0);
        double day = atof(mewl_manifest_value(&diary, &diary.rows[i], "day", text, sizeof text));
        double change = atof(mewl_manifest_value(&diary, &diary.rows[i], "f0_change", text, sizeof text));
        assert_true(fabs(change - (day >= 0.3 ? 1.1 : 1)) < 1e-4);
        assert_string_equal(mewl_manifest_value(&diary, &diary.rows[i], "device", text, sizeof text),
                            day >= 0.4 ? "1" : "0");
        assert_non_null(strstr(mewl_manifest_value(&diary, &diary.rows[i], "note", text, sizeof text), "simulated"));
    }
    mewl_manifest_fini(&diary);
    assert_int_equal(run("synth quick --infants 3 --days 20 --no-sound --frozen"), 0);
    assert_int_equal(mewl_manifest_read(&diary, path_of(path, "quick/diary.csv"), &err), MEWL_OK);
    assert_true(diary.count > 100);
    assert_true(mewl_manifest_has_column(&diary, "f0_phonation_hz"));
    assert_int_not_equal(access(diary.rows[0].path, F_OK), 0);
    mewl_manifest_fini(&diary);
}

static void test_mistakes(void **state)
{
    (void)state;
    assert_int_equal(run("synth"), 2);
    assert_int_equal(run("synth a b"), 2);
    /* What somebody has in a folder stays there; a diary may be made anew. */
    assert_int_equal(run_in(folder, "mkdir full && echo dear > full/letter.txt && mkdir empty")->code, 0);
    assert_int_equal(run("synth full --no-sound --days 1"), 1);
    assert_non_null(strstr(last->err, "full holds files that are no simulated diary (letter.txt): name a new folder"));
    assert_int_equal(run("synth empty --no-sound --days 1"), 0);
    assert_int_equal(run("synth empty --no-sound --days 1"), 0);
    assert_non_null(strstr(last->err, "a simulated diary is there already"));
    assert_int_equal(run_in(folder, "echo x > empty/notes.txt; test ! -e full/diary.csv")->code, 0);
    assert_int_equal(run("synth empty --no-sound --days 1"), 1);
    assert_int_equal(run("synth a --infants 0"), 2);
    assert_int_equal(run("synth a --days -1"), 2);
    assert_int_equal(run("synth a --shift 10"), 2);
    assert_int_equal(run("synth a --shift 10@5,"), 2);
    assert_int_equal(run("synth a --device 1.5@5"), 2);
    assert_int_equal(run("synth --clip cry.wav --f0 5"), 2);
    assert_int_equal(run("synth --clip missing/cry.wav"), 1);
    assert_int_equal(run("features cry.wav --kind voice -o out.txt"), 2);
    assert_int_equal(run("features cry.wav --kind egemaps -o out.npy"), 2);
    assert_int_equal(run("features cry.wav --kind voice --config mn"), 2);
    assert_int_equal(run("features missing.wav --kind voice"), 3);
    assert_int_equal(run("features cry.wav --kind voice -o missing/out.csv"), 1);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 99;
    }
    program = realpath(argv[1], NULL);
    model = realpath(argv[2], NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_clip), cmocka_unit_test(test_voice),
                                       cmocka_unit_test(test_steps), cmocka_unit_test(test_diary),
                                       cmocka_unit_test(test_mistakes)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
