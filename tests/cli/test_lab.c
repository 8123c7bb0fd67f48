/* `mewl train` and `mewl eval` as people run them: what is refused before anything starts, with which exit code and
 * which words, and what `--keys` prints; `mewl lab verify` from recordings to report. What they compute is tested in
 * tests/lab. Arguments: the program, the
 * little detector, the source tree. */
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

#include "run.h"
#include "sounds.h"

static const char *program, *little_model, *source;
static char folder[] = "/tmp/mewl-test-lab-XXXXXX";

/* Runs `mewl words` ($R in them is the recipe, $M a little detector, $S the source tree); what it wrote anywhere is in
 * `out`. */
static const ran *run(const char *words)
{
    return run_in(folder, "R=r.ini M='%s' S='%s'; unset MEWL_DATA; MEWL_CONFIG= '%s' %s 2>&1", little_model, source,
                  program, words);
}

static void what_cannot_start_is_refused(void **state)
{
    (void)state;
    static const run_row rows[] = {
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
        {"eval m.safetensors --mixtures --into o.safetensors", 2, "--tune"},
        {"eval m.safetensors --mixtures --hours 0", 2, "--hours"},
        {"eval m.safetensors --mixtures --clips many", 2, "--clips"},
        {"eval m.safetensors m.csv --fold one", 2, "--fold"},
        {"eval m.safetensors m.csv --threshold 1", 2, "--threshold"},
        {"eval /none/m.safetensors --mixtures --only recall,hard", 3, "/none/m.safetensors"},
        {"eval /none/m.safetensors m.csv", 3, "/none/m.safetensors"},
        {"eval m.safetensors --mixtures --only bandwidth,events --roc r.svg", 2, "--only leaves both out"},
        {"eval m.safetensors --mixtures --pr r.gif", 2, "--pr: r.gif"},
        {"eval m.safetensors --mixtures --tune t.safetensors --roc r.svg", 2, "--roc and --pr"},
        {"eval $M --tune t.safetensors --into /none/m.safetensors", 3, "/none/m.safetensors"},
        {"eval $M --tune t.safetensors --into $S/models/embedder.safetensors", 2, "it is not frame-wise"},
        {"eval $M --tune t.safetensors --into $S/models/detector.safetensors", 2, "its architecture is another"},
        {"eval $M --tune t.safetensors --into l.safetensors", 2, "its labels are others"},
        {"eval $M --tune t.safetensors --into e.safetensors", 2, "its front end is another"},
        {"eval $M --tune t.safetensors --into p.safetensors", 2, "its frames are of another length"},
        {"eval $M --tune t.safetensors --into $M", 3, "the model holds no recipe"}, /* a twin: on to the work */
        {"eval --folds $R", 3, "--data or MEWL_DATA"},
        {"baby --help", 0, "\nscore NAME FILE...   compare recordings with its usual cries"},
        {"lab population", 2, "-o FILE"},
        {"lab population -o p.mewl --side tset", 2, "there is no side `tset`"},
        {"lab population -o p.mewl --manifest who.csv --side test", 2, "--side"},
        {"eval --folds $R --data /none", 3, "/none"},
    };
    /* Twins of the little detector that differ in one word, of the same length so that the file stays whole. */
    run_expect(run_in(folder,
                      "export LC_ALL=C; sed 's/cry/cat/g' '%s' >l.safetensors && "
                      "sed 's/panns-16k/panns-32k/g' '%s' >e.safetensors && "
                      "sed 's/\"2,2,2,1,0,0\"/\"2,2,1,2,0,0\"/' '%s' >p.safetensors && "
                      "! cmp -s '%s' e.safetensors && ! cmp -s '%s' p.safetensors",
                      little_model, little_model, little_model, little_model, little_model),
               "sed", 0, NULL, NULL);
    run_expect_rows(run, rows, sizeof rows / sizeof rows[0]);
}

static void keys_are_listed_with_their_defaults(void **state)
{
    (void)state;
    const char *said = run("train --keys")->out;
    assert_non_null(strstr(said, "[model]\n"));
    assert_non_null(strstr(said, "\nseed = 1\n"));
    assert_non_null(strstr(said, "\nschedule = cosine\n"));
}

/* who.csv: four infants in two sessions. */
static void write_infants(void)
{
    char path[160], manifest[4096] = "path,set,label,speaker,session,group\n";
    for (uint32_t i = 0; i < 8; i++) {
        wav_form form = {.rate_hz = 8000 + 2000 * (i / 2), .channels = 1, .seconds = 1.5 + i % 2, .gain = 0.3};
        (void)snprintf(path, sizeof path, "%s/%u.wav", folder, i);
        assert_true(write_wav(path, form));
        size_t used = strlen(manifest);
        (void)snprintf(manifest + used, sizeof manifest - used, "%u.wav,home,cry,infant%u,day%u,app%u\n", i, i / 2,
                       i % 2, i / 2);
    }
    (void)snprintf(path, sizeof path, "%s/who.csv", folder);
    assert_true(write_text(path, manifest));
}

/* `mewl lab verify` on them: the shipped embedder beside what needs no weights; a file of trials that names nobody; an
 * embedder that is not there. */
static void recordings_are_told_apart(void **state)
{
    (void)state;
    char path[160];
    write_infants();
    (void)snprintf(path, sizeof path, "%s/pairs.csv", folder);
    assert_true(write_text(path, "left,right,label\n0.wav,nobody.wav,1\n"));
    const ran *r = run("lab verify --manifest who.csv -o v --json");
    run_expect(r, "lab verify", 0, "\"system\": \"embedder\"", NULL);
    run_expect(r, "lab verify", 0, "\"judge_minus_this\"", NULL);
    run_expect(r, "lab verify", 0, "\"system\": \"mfcc\"", NULL);
    run_expect(run("lab verify --manifest who.csv -o v --trials pairs.csv"), "--trials", 3, "nobody.wav", NULL);
    run_expect(run("lab verify --manifest who.csv -o v --also /none/a.safetensors"), "--also", 3, "/none/a.safetensors",
               NULL);
    run_expect(run("lab verify --folds 2"), "--folds", 2, "--folds", NULL);
    /* Without times there are no sessions. */
    run_expect(run("lab population --manifest who.csv -o p.mewl"), "population", 3, "no usable cry", NULL);
}

/* The lists that the shipped detector's recipe names, and the shipped recipe of `lab verify`, are found from a folder
 * that holds neither: each command goes on to the recordings, which are empty files here. */
static void what_ships_is_found_from_any_folder(void **state)
{
    (void)state;
    static const char *const recordings[] = {"donateacry-corpus/donateacry_corpus_cleaned_and_updated_data/hungry/"
                                             "02c3b725-26e4-4a2c-9336-04ddc58836d9-1430726196216-1.7-m-04-hu.wav",
                                             "esc10/001 - Dog bark/1-100032-A.ogg",
                                             "speech-commands/_background_noise_/doing_the_dishes.flac",
                                             "librispeech-test-other/1688/1688-142285-0000.flac",
                                             "catmeows/B_ANI01_MC_FN_SIM01_101.flac",
                                             "room-impulse-responses/room.flac"};
    for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++) {
        run_expect(run_in(folder, "mkdir -p \"d/$(dirname '%s')\" && : >'d/%s'", recordings[i], recordings[i]), "mkdir",
                   0, NULL, NULL);
    }
    run_expect(run("eval \"$S/models/detector.safetensors\" --mixtures --no-baselines --data d"), "eval --mixtures", 3,
               "not one of 6 recordings could be read", NULL);
    run_expect(run("lab gate --data d"), "lab gate", 3, "0 usable cries among 0 recordings", NULL);
    run_expect(run("lab population --data d -o p.mewl"), "lab population", 3, "in 1 recordings", NULL);
    run_expect(run("lab verify --data d"), "lab verify", 3, "there are no recordings", NULL);
    run_expect(run("lab verify --data d --recipe /none/r.ini"), "--recipe", 3, "/none/r.ini", NULL);
}

/* Which program made a result stands in it, by the words of `mewl --version`. */
static void results_name_their_program(void **state)
{
    (void)state;
    char version[64], revision[64], wanted[160];
    const ran *r = run("--version");
    assert_int_equal(sscanf(r->out, "mewl %63[0-9.] (%63[0-9a-z-])", version, revision), 2);
    (void)snprintf(wanted, sizeof wanted, "\"version\": \"%s\",\n    \"revision\": \"%s\"", version, revision);
    write_infants();
    run_expect(run("lab verify --manifest who.csv -o v --json"), "lab verify", 0, wanted, NULL);
    run_expect(run_in(folder, "cat v/report.json"), "report.json", 0, wanted, NULL);
    (void)snprintf(wanted, sizeof wanted, "Mewl %s (%s)", version, revision);
    run_expect(run_in(folder, "cat v/report.html"), "report.html", 0, wanted, NULL);
    (void)snprintf(wanted, sizeof wanted, "\"revision\":\"%s\"", revision);
    run_expect(run("eval $M who.csv --positive cry --no-baselines --ndjson"), "eval", 0, wanted, NULL);
}

/* The curves of an evaluation as pictures; none without both sides. */
static void curves_are_drawn(void **state)
{
    (void)state;
    char path[160];
    write_infants();
    (void)snprintf(path, sizeof path, "%s/some.csv", folder);
    assert_true(write_text(path, "path,set,label,group\n0.wav,home,cry,a\n1.wav,home,rain,b\n2.wav,home,cry,c\n"
                                 "3.wav,home,rain,d\n"));
    run_expect(run("eval $M some.csv --no-baselines --roc roc.svg --pr pr.png --json"), "eval --roc", 0, "\"curve\"",
               NULL);
    run_expect(run_in(folder, "head -c 5 roc.svg && head -c 4 pr.png | tail -c 3"), "pictures", 0, "<?xmlPNG", NULL);
    run_expect(run("eval $M who.csv --no-baselines --roc none.svg"), "eval --roc", 3, "there are no curves", NULL);
    run_expect(run("eval $M some.csv --no-baselines --roc none.gif"), "eval --roc", 2, "none.gif", NULL);
    run_expect(run("eval $M some.csv --no-baselines -o none/at/all.json"), "eval -o", 1, "none/at/all.json", NULL);
    if (access("/dev/full", W_OK) == 0) {
        run_expect(run("eval $M some.csv --no-baselines -q --json > /dev/full"), "eval > /dev/full", 1, NULL, NULL);
    }
}

/* Which threshold was used, and why; a label that no row has; a set without cries, which is no error. */
static void thresholds_and_labels_are_told(void **state)
{
    (void)state;
    char path[160];
    write_infants();
    (void)snprintf(path, sizeof path, "%s/rain.csv", folder);
    assert_true(write_text(path, "path,set,label,group\n0.wav,home,rain,a\n1.wav,home,rain,b\n"));
    const ran *r = run("eval $M who.csv --no-baselines");
    run_expect(r, "eval", 0, "that of the model from no choice: the model has no note clip.threshold", NULL);
    run_expect(r, "eval", 0, " 0.5 ", NULL);
    r = run("eval $M who.csv --no-baselines --threshold 0.3 --json");
    run_expect(r, "eval --threshold", 0, "\"threshold_from\": \"--threshold\"", NULL);
    r = run("eval $M who.csv --no-baselines --positive quark");
    run_expect(r, "eval --positive", 2, "none of the 8 rows has the label `quark`", NULL);
    r = run("eval $M rain.csv --no-baselines");
    run_expect(r, "eval without cries", 0, "cry: `cry`", NULL);
    assert_null(strstr(r->out, "nan"));
}

/* What every model that ships says of itself. */
static void shipped_models_say_where_they_come_from(void **state)
{
    (void)state;
    static const struct {
        const char *model, *results;
    } models[] = {{"detector", "\"results\": \""}, {"embedder", "\"results\": \""}, {"reason", "\"metrics\": \""}};
    static const char *const notes[] = {"recipe", "data", "revision", "licence"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        char words[160], wanted[32];
        (void)snprintf(words, sizeof words, "model info \"$S/models/%s.safetensors\" --json", models[i].model);
        const ran *r = run(words);
        run_expect(r, words, 0, models[i].results, NULL);
        for (size_t k = 0; k < sizeof notes / sizeof notes[0]; k++) {
            (void)snprintf(wanted, sizeof wanted, "\"%s\": \"", notes[k]);
            run_expect(r, words, 0, wanted, NULL);
        }
        run_expect(r, words, 0, i < 2 ? "\"teachers\": \"" : NULL, NULL);
    }
}

static int make_recipe(void **state)
{
    (void)state;
    char path[128];
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/r.ini", folder);
    return write_text(path, "[model]\narhc = cnn10\n") ? 0 : -1;
}

static int remove_recipe(void **state)
{
    (void)state;
    return run_clean(folder);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    program = realpath(argv[1], NULL);
    little_model = realpath(argv[2], NULL);
    source = realpath(argv[3], NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_start_is_refused),   cmocka_unit_test(keys_are_listed_with_their_defaults),
        cmocka_unit_test(recordings_are_told_apart),      cmocka_unit_test(what_ships_is_found_from_any_folder),
        cmocka_unit_test(results_name_their_program),     cmocka_unit_test(curves_are_drawn),
        cmocka_unit_test(thresholds_and_labels_are_told), cmocka_unit_test(shipped_models_say_where_they_come_from)};
    return program == NULL || little_model == NULL || source == NULL
               ? 2
               : cmocka_run_group_tests_name("cli/lab", tests, make_recipe, remove_recipe);
}
