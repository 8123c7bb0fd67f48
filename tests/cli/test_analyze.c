/* `mewl analyze` as people run it: exit codes, messages and outputs for good and bad recordings. Arguments: the program
 * and a model with random weights. */
#include <sys/stat.h>
#include <unistd.h>

#include "run_json.h"
#include "sounds.h"

static const char *program, *model;
static char folder[] = "/tmp/mewl-test-analyze-XXXXXX";

#define NOTES "fed at ten, slept at eleven, fed at twelve, slept at one\n" /* long enough for FFmpeg to draw it */
#define AS_USER "setpriv --reuid 65534 --regid 65534 --clear-groups "

/* Root may read everything: what is forbidden is then tried as an ordinary user, where that user may run the program.
 */
static bool user_can_run(void)
{
    char command[4096];
    (void)snprintf(command, sizeof command,
                   "MEWL_CONFIG= " AS_USER "%s --version >/dev/null 2>&1 && " AS_USER "test -r %s", program, model);
    return getuid() != 0 || system(command) == 0; /* NOLINT */
}

/* Runs `mewl words` in the folder of the sounds. */
static const ran *run(const char *words)
{
    const char *as_user = getuid() == 0 && strstr(words, "hidden") != NULL ? AS_USER : "";
    return run_in(folder, "TMPDIR=$PWD MEWL_CONFIG= MEWL_MODEL='%s' %s%s %s", model, as_user, program, words);
}

static void in_folder(char *to, size_t size, const char *name)
{
    (void)snprintf(to, size, "%s/%s", folder, name);
}

static int make_sounds(void **state)
{
    (void)state;
    const wav_form good = {.rate_hz = 16000, .channels = 1, .seconds = 8.0, .gain = 1.0};
    wav_form truncated = good, one = good, nan = good, few = good, inf = good, fast = good, many = good, silent = good,
             tiny = good;
    truncated.told_seconds = 60.0;
    one.seconds = 1.0 / 16000.0 + 1e-9;
    nan.floats = few.floats = inf.floats = true;
    nan.bad_share = inf.bad_share = 1.1;
    nan.bad = few.bad = NAN;
    inf.bad = INFINITY;
    few.bad_share = 0.001;
    fast.rate_hz = 384000;
    many.channels = 16;
    silent.gain = 0.0;
    tiny.seconds = 0.05;
    const struct {
        const char *name;
        wav_form form;
    } wavs[] = {{"good.wav", good},
                {"truncated.wav", truncated},
                {"one.wav", one},
                {"nan.wav", nan},
                {"few-nan.wav", few},
                {"inf.wav", inf},
                {"384k.wav", fast},
                {"16ch.wav", many},
                {"silence.wav", silent},
                {"tiny.wav", tiny},
                {"a batch/a.wav", good},
                {"a batch/sub/c.wav", good},
                {"one batch/only.wav", good},
                {"hidden.wav", good},
                {"half hidden/a.wav", good}};
    char path[256];
    if (mkdtemp(folder) == NULL || chmod(folder, 0777) != 0) {
        return -1;
    }
    static const char *const folders[] = {"a batch", "a batch/sub", "one batch",
                                          "nothing", "half hidden", "half hidden/below"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        in_folder(path, sizeof path, folders[i]);
        if (mkdir(path, 0777) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < sizeof wavs / sizeof wavs[0]; i++) {
        in_folder(path, sizeof path, wavs[i].name);
        if (!write_wav(path, wavs[i].form)) {
            return -1;
        }
    }
    static const char *const texts[][2] = {{"empty.wav", ""},
                                           {"text.wav", "This is a letter, not a sound.\n"},
                                           {"a batch/b.wav", "no sound\n"},
                                           {"labels.txt", NOTES NOTES NOTES NOTES NOTES NOTES NOTES NOTES},
                                           {"a batch/notes.txt", "fed at ten\n"},
                                           {"nothing/notes.txt", "fed at ten\n"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        in_folder(path, sizeof path, texts[i][0]);
        if (!write_text(path, texts[i][1])) {
            return -1;
        }
    }
    in_folder(path, sizeof path, "video.y4m");
    if (!write_video(path)) {
        return -1;
    }
    char command[1024]; /* the samples of good.wav without its header */
    (void)snprintf(command, sizeof command, "tail -c +45 '%s/good.wav' >'%s/good.pcm'", folder, folder);
    if (system(command) != 0) { /* NOLINT */
        return -1;
    }
    in_folder(path, sizeof path, "half hidden/below");
    if (chmod(path, 0) != 0) {
        return -1;
    }
    in_folder(path, sizeof path, "hidden.wav");
    return chmod(path, 0);
}

static int remove_sounds(void **state)
{
    (void)state;
    char command[256];
    (void)snprintf(command, sizeof command, "chmod -R u+rwx '%s' && rm -r '%s'", folder, folder);
    return system(command); /* NOLINT */
}

/* Every kind of bad input: its exit code, and a message that names the file. */
static void test_bad_inputs(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int code;
        const char *name;
    } rows[] = {
        {"analyze good.wav", 0, ""},
        {"analyze 384k.wav", 0, ""},
        {"analyze 16ch.wav", 0, ""},
        {"analyze silence.wav", 0, ""},
        {"analyze few-nan.wav", 0, "few-nan.wav"},
        {"analyze empty.wav", 3, "empty.wav"},
        {"analyze text.wav", 3, "text.wav"},
        {"analyze one.wav", 3, "one.wav"},
        {"analyze tiny.wav", 3, "tiny.wav"},
        {"analyze nan.wav", 3, "nan.wav"},
        {"analyze inf.wav", 3, "inf.wav"},
        {"analyze video.y4m", 3, "video.y4m"},
        {"analyze hidden.wav", 3, "hidden.wav"},
        {"analyze labels.txt", 3, "a text, not a sound"},
        {"analyze --raw s16le good.wav", 2, "standard input"},
        {"analyze --rate 8000 good.wav", 2, "--raw"},
        {"analyze missing.wav", 3, "missing.wav"},
        {"analyze nothing", 3, "nothing"},
        {"analyze -", 3, ""}, /* standard input is empty here */
        {"analyze truncated.wav", 4, "truncated.wav"},
        {"analyze 'a batch'", 4, "b.wav"},
        {"analyze 'half hidden'", 4, "half hidden/below"},
        {"analyze good.wav text.wav 384k.wav", 4, "text.wav"},
        {"analyze text.wav empty.wav", 3, "text.wav"},
        {"analyze", 2, "--help"},
        {"analyze --jobs 0.5 good.wav", 2, "--jobs"},
        {"analyze --threshold 2 good.wav", 2, "--threshold"},
        {"analyze --treshold 0.5 good.wav", 2, "--threshold"},
        {"analyze --fail-on rain good.wav", 2, "rain"},
        {"analyze --json --ndjson good.wav", 2, "exclude"},
        {"analyze --model missing.safetensors good.wav", 1, "missing.safetensors"},
        {"analyze --model text.wav good.wav", 1, "text.wav"},
        {"analyze --csv missing/out.csv good.wav", 1, "no folder missing"},
        {"analyze --threshold 0.001 --fail-on cry good.wav", 1, ""},
        {"anaylze good.wav", 2, "analyze"},
        {"", 2, "Usage"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strstr(rows[i].words, "hidden") != NULL && !user_can_run()) {
            print_message("not tried, since an ordinary user may not run the program here: %s\n", rows[i].words);
            continue;
        }
        const ran *r = run(rows[i].words);
        if (r->code != rows[i].code || strstr(r->err, rows[i].name) == NULL) {
            fail_msg("mewl %s: exit %d, expected %d; said: %s", rows[i].words, r->code, rows[i].code, r->err);
        }
        if (rows[i].code == 0 && strcmp(rows[i].name, "") == 0) {
            assert_string_equal(r->err, "");
        }
    }
}

/* Calls `check` on each line of NDJSON; returns how many lines there were. */
static size_t each_line(const char *text, void (*check)(const json_t *event, void *user), void *user)
{
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; lines++) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        json_t *event = NULL;
        mewl_error err = {0};
        if (mewl_json_parse(&event, at, (size_t)(end - at), "a line", &err) != MEWL_OK) {
            fail_msg("%s: %.*s", err.text, (int)(end - at), at);
        }
        check(event, user);
        json_decref(event);
        at = end + 1;
    }
    return lines;
}

typedef struct counts {
    size_t episodes, completed, errors, deaf;
    char order[1024];
} counts;

static void check_event(const json_t *event, void *user)
{
    counts *c = user;
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *file = json_string_value(json_object_get(event, "file"));
    assert_non_null(kind);
    assert_non_null(file);
    if (strcmp(kind, "episode") == 0) {
        double onset_s = json_number_value(json_object_get(event, "onset_s"));
        double offset_s = json_number_value(json_object_get(event, "offset_s"));
        double confidence = json_number_value(json_object_get(event, "confidence"));
        const json_t *level = json_object_get(event, "level_dbfs");
        assert_true(onset_s >= 0.0 && offset_s > onset_s);
        assert_true(confidence > 0.0 && confidence <= 1.0);
        assert_true(json_is_null(level) || json_number_value(level) < 3.1);
        assert_int_equal(json_object_size(event), 6);
        c->episodes++;
    } else if (strcmp(kind, "file_completed") == 0) {
        double peak = json_number_value(json_object_get(event, "peak_score"));
        assert_true(json_number_value(json_object_get(event, "seconds")) > 0.0);
        assert_true(peak >= 0.0 && peak <= 1.0);
        assert_int_equal(json_object_size(event), 4);
        c->completed++;
        (void)snprintf(c->order + strlen(c->order), sizeof c->order - strlen(c->order), "%s;", file);
    } else if (strcmp(kind, "error") == 0) {
        assert_non_null(json_string_value(json_object_get(event, "message")));
        assert_non_null(json_string_value(json_object_get(event, "code")));
        c->errors++;
        (void)snprintf(c->order + strlen(c->order), sizeof c->order - strlen(c->order), "!%s;", file);
    } else {
        assert_string_equal(kind, "not_hearing");
        c->deaf++;
    }
}

static void test_ndjson(void **state)
{
    (void)state;
    static const char words[] = "analyze --ndjson --threshold 0.01 'a batch' text.wav silence.wav good.wav";
    static ran first;
    for (int jobs = 1; jobs <= 3; jobs++) {
        char command[256];
        (void)snprintf(command, sizeof command, "%s --jobs %d", words, jobs);
        const ran *r = run(command);
        assert_int_equal(r->code, 4);
        counts c = {0};
        assert_true(each_line(r->out, check_event, &c) > 0);
        assert_true(c.episodes > 0);
        assert_int_equal(c.completed, 4);
        assert_int_equal(c.errors, 2);
        assert_int_equal(c.deaf, 1); /* the silence */
        assert_string_equal(c.order, "a batch/a.wav;!a batch/b.wav;a batch/sub/c.wav;!text.wav;silence.wav;good.wav;");
        if (jobs == 1) {
            first = *r;
        }
        assert_string_equal(r->out, first.out); /* whatever the number of workers */
    }
}

static void test_json(void **state)
{
    (void)state;
    const ran *r = run("analyze --json --threshold 0.01 good.wav silence.wav text.wav");
    assert_int_equal(r->code, 4);
    json_t *document = NULL;
    mewl_error err = {0};
    assert_int_equal(mewl_json_parse(&document, r->out, strlen(r->out), "document", &err), MEWL_OK);
    const json_t *files = json_object_get(document, "files");
    assert_int_equal(json_array_size(files), 3);
    const json_t *good = json_array_get(files, 0), *silence = json_array_get(files, 1),
                 *text = json_array_get(files, 2);
    assert_true(json_array_size(json_object_get(good, "episodes")) > 0);
    assert_float_equal(json_number_value(json_object_get(good, "seconds")), 8.0, 1e-6);
    assert_true(json_is_null(json_object_get(silence, "level_dbfs")));
    assert_int_equal(json_array_size(json_object_get(silence, "not_hearing")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(text, "error"), "code")), "format");
    json_decref(document);
}

/* What cannot be written is known before the work begins. */
static void test_outputs_without_place(void **state)
{
    (void)state;
    static const struct {
        const char *words, *said;
        int code; /* 0: 1 */
    } rows[] = {
        {"--picture nowhere/at/all.png good.wav", "--picture: there is no folder nowhere/at; make it first"},
        {"--steps nowhere/all.png good.wav", "--steps: there is no folder nowhere; make it first"},
        {"--csv nowhere/all.csv good.wav", "--csv: there is no folder nowhere; make it first"},
        {"--tsv good.wav/all.tsv good.wav", "--tsv: good.wav is no folder"},
        {"--audacity '' good.wav", "--audacity: needs the name of a file", 2},
        {"--raven good.wav good.wav one.wav", "--raven: good.wav is no folder"},
        {"--steps out.png - < good.wav", "--steps reads a recording twice"},
        {"--csv good.wav one.wav", "--csv: good.wav is a recording, and would be lost", 2},
        {"--picture good.wav good.wav", "--picture: good.wav is a recording", 2},
        {"--picture night.gif good.wav", "--picture: night.gif: names of pictures end in .png, .svg or .pdf", 2},
        {"--steps steps good.wav", "--steps: steps: names of pictures end in .png, .svg or .pdf", 2},
        {"--picture - good.wav", "--picture: this cannot go to standard output: name a file", 2},
        {"--raven - good.wav one.wav", "--raven: several recordings or a folder need a folder", 2},
        {"--audacity - 'one batch'", "--audacity: several recordings or a folder need a folder", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char words[256];
        (void)snprintf(words, sizeof words, "analyze %s", rows[i].words);
        const ran *r = run(words);
        if (r->code != (rows[i].code == 0 ? 1 : rows[i].code) || strstr(r->err, rows[i].said) == NULL ||
            r->out[0] != '\0') {
            fail_msg("mewl %s: exit %d, out \"%.300s\", err \"%.300s\"", words, r->code, r->out, r->err);
        }
    }
}

/* Labels go to standard output, alone there, and what is there already is added to. */
static void test_labels_to_stdout(void **state)
{
    (void)state;
    static const char *const clash[] = {"--csv - --tsv -", "--csv - --json", "--audacity - --ndjson"};
    for (size_t i = 0; i < sizeof clash / sizeof clash[0]; i++) {
        char words[256];
        (void)snprintf(words, sizeof words, "analyze %s good.wav", clash[i]);
        const ran *r = run(words);
        assert_int_equal(r->code, 2);
        assert_non_null(strstr(r->err, "standard output holds one form"));
    }
    const ran *r = run("analyze --csv - good.wav one.wav");
    assert_int_equal(strncmp(r->out, "Start (s),End (s),Label,Confidence,File\n", 40), 0);
    assert_null(strstr(r->out, "In all"));
    r = run("analyze --audacity - --csv beside.csv good.wav");
    assert_int_equal(r->code, 0);
    assert_non_null(strstr(r->out, "\tcry "));
    assert_null(strstr(r->out, "good.wav"));
    assert_int_equal(run_in(folder, "test ! -e -")->code, 0);
}

/* The ending says what a picture is. */
static void test_picture_forms(void **state)
{
    (void)state;
    const ran *r = run("analyze --picture p.svg --steps s.pdf good.wav");
    assert_int_equal(r->code, 0);
    assert_int_equal(run_in(folder, "head -c 5 p.svg && head -c 5 s.pdf")->code, 0);
    assert_string_equal(run_in(folder, "head -c 5 p.svg; head -c 5 s.pdf")->out, "<?xml%PDF-");
}

/* Nothing piped in is told as that, once. */
static void test_empty_stdin(void **state)
{
    (void)state;
    const ran *r = run("analyze -");
    assert_int_equal(r->code, 3);
    assert_string_equal(r->err, "mewl analyze: standard input: nothing came from it; the program before the pipe may "
                                "have failed\n");
    r = run_in(folder, "echo hello | MEWL_CONFIG= '%s' analyze --model '%s' -", program, model);
    assert_int_equal(r->code, 3);
    assert_non_null(strstr(r->err, "analyze: standard input: not a sound or video file"));
}

/* A picture that fails in the end takes nothing of what was found along. */
static void test_picture_that_fails(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    const ran *r = run("analyze --picture /dev/full good.wav");
    assert_int_equal(r->code, 1);
    assert_non_null(strstr(r->out, "good.wav: "));
    assert_non_null(strstr(r->err, "good.wav: the picture could not be written: /dev/full"));
    r = run("analyze --ndjson --picture /dev/full good.wav");
    assert_int_equal(r->code, 1);
    assert_non_null(strstr(r->out, "file_completed"));
    assert_non_null(strstr(r->out, "\"error\""));
    r = run("analyze --json --picture /dev/full good.wav");
    assert_int_equal(r->code, 1);
    assert_non_null(strstr(r->out, "\"seconds\""));
    assert_non_null(strstr(r->out, "the picture could not be written"));
}

/* `mewl good.wav`: the command was forgotten, and the message says which it is. */
static void test_recording_as_command(void **state)
{
    (void)state;
    const ran *r = run("good.wav");
    assert_int_equal(r->code, 2);
    assert_non_null(strstr(r->err, "`mewl analyze`"));
}

static void test_label_files(void **state)
{
    (void)state;
    static char text[1 << 16];
    const ran *r = run("analyze --threshold 0.01 --audacity out.labels --csv out.csv --tsv out.tsv --raven out.raven "
                       "--picture out.png good.wav");
    if (r->code != 0) {
        fail_msg("exit %d: %s", r->code, r->err);
    }
    double from, to;
    int digits = 0, end = 0;
    run_read(text, sizeof text, folder, "out.labels");
    assert_int_equal(sscanf(text, "%lf\t%lf\tcry %*d.%n%*d%n", &from, &to, &digits, &end), 2);
    assert_int_equal(end - digits, 3); /* as in the tables */
    assert_true(to > from);
    run_read(text, sizeof text, folder, "out.csv");
    assert_int_equal(strncmp(text, "Start (s),End (s),Label,Confidence,File\n", 40), 0);
    assert_non_null(strstr(text, ",cry,"));
    assert_non_null(strstr(text, ",good.wav\n"));
    run_read(text, sizeof text, folder, "out.tsv");
    assert_int_equal(strncmp(text, "filename\tonset\toffset\tevent_label\ngood.wav\t", 43), 0);
    assert_non_null(strstr(text, "\tInfantcry\n"));
    run_read(text, sizeof text, folder, "out.raven");
    assert_non_null(strstr(text, "Begin Time (s)\tEnd Time (s)"));
    assert_non_null(strstr(text, "1\tSpectrogram 1\t1\t"));
    run_read(text, sizeof text, folder, "out.png");
    assert_memory_equal(text, "\x89PNG\r\n\x1a\n", 8);

    /* Several recordings: one file each in a folder, the path below the operand kept. */
    r = run("analyze --audacity labels --picture pictures --csv all.csv 'a batch' good.wav");
    assert_int_equal(r->code, 4);
    run_read(text, sizeof text, folder, "labels/a.wav.txt");
    run_read(text, sizeof text, folder, "labels/sub/c.wav.txt");
    run_read(text, sizeof text, folder, "labels/good.wav.txt");
    run_read(text, sizeof text, folder, "pictures/sub/c.wav.png");
    assert_memory_equal(text, "\x89PNG", 4);

    /* A folder is one whatever is in it: the names of outputs are those of folders with one recording too. */
    r = run("analyze --audacity labels1 --raven labels1 --picture 'x y' --steps steps1 'one batch'");
    assert_int_equal(r->code, 0);
    run_read(text, sizeof text, folder, "labels1/only.wav.txt");
    run_read(text, sizeof text, folder, "labels1/only.wav.selections.txt");
    run_read(text, sizeof text, folder, "x y/only.wav.png");
    assert_memory_equal(text, "\x89PNG", 4);
    run_read(text, sizeof text, folder, "steps1/only.wav.steps.png");
    assert_memory_equal(text, "\x89PNG", 4);

    /* Recordings of one name do not overwrite each other's labels, and nothing is written outside the folder. */
    r = run("analyze --audacity apart --tsv apart.tsv --threshold 0.01 'half hidden/a.wav' 'a batch/../a batch/a.wav'");
    assert_int_equal(r->code, 0);
    run_read(text, sizeof text, folder, "apart/half hidden/a.wav.txt");
    run_read(text, sizeof text, folder, "apart/a batch/__/a batch/a.wav.txt");
    run_read(text, sizeof text, folder, "apart.tsv");
    assert_non_null(strstr(text, "\nhalf hidden/a.wav\t"));
    assert_non_null(strstr(text, "\na batch/../a batch/a.wav\t"));
}

/* Standard input gives what the file gives: a container, and raw sound. */
static void test_stdin(void **state)
{
    (void)state;
    static char file[1 << 16];
    const ran *r = run("analyze --ndjson --threshold 0.01 good.wav");
    assert_int_equal(r->code, 0);
    size_t length = 0;
    for (const char *at = r->out; *at != '\0'; at++) { /* the name is the only difference */
        if (strncmp(at, "good.wav", 8) == 0) {
            file[length++] = '-';
            at += 7;
        } else {
            file[length++] = *at;
        }
    }
    file[length] = '\0';
    r = run("analyze --ndjson --threshold 0.01 - <good.wav");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, file);
    r = run("analyze --ndjson --threshold 0.01 --raw s16le --rate 16000 - <good.pcm");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, file);
}

/* What phones write has its index last: a pipe cannot go back to the sound. Redirected it can be read. */
static void test_index_last(void **state)
{
    (void)state;
    if (run_in(folder, "ffmpeg -v error -y -i good.wav -c:a alac late.m4a </dev/null")->code != 0) {
        skip();
    }
    const ran *r = run("analyze late.m4a");
    assert_int_equal(r->code, 0);
    r = run("analyze - <late.m4a");
    assert_int_equal(r->code, 0);
    r = run_in(folder, "cat late.m4a | MEWL_CONFIG= '%s' analyze --model '%s' -", program, model);
    assert_int_equal(r->code, 3);
    assert_non_null(strstr(r->err, "cannot be read from a pipe: give the file itself"));
    r = run_in(folder,
               "ffmpeg -v error -y -i late.m4a -c copy -movflags faststart early.m4a </dev/null && "
               "cat early.m4a | MEWL_CONFIG= '%s' analyze --model '%s' -",
               program, model);
    assert_int_equal(r->code, 0);
}

/* Ctrl-C: what was found so far stands, and that the table was not written is said. Standard input stays open, so that
 * the program cannot have ended before. */
static void test_interrupted(void **state)
{
    (void)state;
    const ran *r = run_in(folder,
                          "mkfifo held; (cat truncated.wav; exec sleep 20) >held & feeder=$!; export MEWL_CONFIG=; "
                          "'%s' analyze --model '%s' --csv stopped.csv good.wav - <held >said 2>errors & pid=$!; "
                          "for i in $(seq 300); do grep -q good.wav said && break; sleep 0.05; done; "
                          "kill -INT $pid; wait $pid; code=$?; kill $feeder; cat said; cat errors >&2; exit $code",
                          program, model);
    assert_int_equal(r->code, 1);
    assert_non_null(strstr(r->out, "good.wav: "));
    assert_non_null(strstr(r->err, "stopped after 1 of 2 recordings; stopped.csv was not written"));
    assert_int_equal(run_in(folder, "test ! -e stopped.csv")->code, 0);
}

static void test_sentences(void **state)
{
    (void)state;
    const ran *r = run("analyze --threshold 0.01 good.wav");
    assert_int_equal(r->code, 0);
    assert_non_null(strstr(r->out, "of crying in all"));
    assert_non_null(strstr(r->out, "% sure"));
    assert_non_null(strstr(r->out, " dBFS"));
    assert_null(strchr(r->out, '\033')); /* no colours into a file */
    r = run("analyze --threshold 0.999 --min-length 10 silence.wav");
    assert_int_equal(r->code, 0);
    assert_non_null(strstr(r->out, "nothing could be heard"));
    assert_non_null(strstr(r->out, "not hearing: digital silence"));
    r = run("analyze --threshold 0.999 -q good.wav text.wav");
    assert_non_null(strstr(r->out, "1 could not be read"));
}

/* `mewl bench` measures every stage, on noise and on a file, and leaves no noise behind. */
static void test_bench(void **state)
{
    (void)state;
    static const char *const words[] = {"bench --seconds 2 --runs 2 --json",
                                        "bench --runs 1 --json --chunk 0.4 good.wav"};
    static const char *const stages[] = {"decode", "resample", "front_end", "net", "detect", "total"};
    for (size_t i = 0; i < 2; i++) {
        const ran *r = run(words[i]);
        assert_int_equal(r->code, 0);
        json_t *document = NULL;
        mewl_error err = {0};
        assert_int_equal(mewl_json_parse(&document, r->out, strlen(r->out), "document", &err), MEWL_OK);
        const json_t *costs = json_object_get(document, "cpu_ms_per_second");
        for (size_t s = 0; s < sizeof stages / sizeof stages[0]; s++) {
            assert_true(json_number_value(json_object_get(costs, stages[s])) > 0.0);
        }
        assert_float_equal(json_number_value(json_object_get(document, "seconds")), i == 0 ? 2.0 : 8.0, 1e-6);
        json_decref(document);
    }
    assert_int_equal(run("bench missing.wav")->code, 3);
    assert_int_equal(run("bench --seconds 0 --runs 1")->code, 2);
    char command[256];
    (void)snprintf(command, sizeof command, "ls %s/mewl-bench-*.wav >/dev/null 2>&1", folder);
    assert_int_not_equal(system(command), 0); /* NOLINT */
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 99;
    }
    program = realpath(argv[1], NULL);
    model = realpath(argv[2], NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_inputs),
        cmocka_unit_test(test_ndjson),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_outputs_without_place),
        cmocka_unit_test(test_picture_that_fails),
        cmocka_unit_test(test_labels_to_stdout),
        cmocka_unit_test(test_picture_forms),
        cmocka_unit_test(test_empty_stdin),
        cmocka_unit_test(test_recording_as_command),
        cmocka_unit_test(test_label_files),
        cmocka_unit_test(test_stdin),
        cmocka_unit_test(test_index_last),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_bench),
    };
    return cmocka_run_group_tests(tests, make_sounds, remove_sounds);
}
