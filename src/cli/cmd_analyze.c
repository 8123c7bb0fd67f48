/* cmd_analyze.c - `mewl analyze`: when an infant cried in recordings. Options and the batch of workers; what is printed
 * and written is report.c's. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"
#include "cli/analysis.h"
#include "cli/commands.h"
#include "cli/find.h"
#include "cli/model_file.h"
#include "cli/report.h"
#include "cli/stop.h"
#include "cli/voice.h"
#include "draw/picture.h"

#define PATH_BYTES 4096
#define JOBS_MAX 64
#define AHEAD 8 /* results a worker may hold back for the order of output */

enum {
    OPT_THRESHOLD,
    OPT_MODEL,
    OPT_JOBS,
    OPT_AUDACITY,
    OPT_CSV,
    OPT_TSV,
    OPT_RAVEN,
    OPT_PICTURE,
    OPT_STEPS,
    OPT_FAIL_ON,
    OPT_MERGE_GAP,
    OPT_MIN,
    OPT_PRECISION,
    OPT_RAW,
    OPT_RATE,
    OPT_CHANNELS,
    OPT_REASON,
    OPT_REASON_MODEL,
    OPT_COUNT
};

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_THRESHOLD] = {"threshold", 't', "X", "confidence from which a sound counts as a cry, 0 to 1 (model's own)",
                       true},
    [OPT_MODEL] = {"model", 'm', "FILE", "detector to use instead of the one that ships", true},
    [OPT_JOBS] = {"jobs", 'j', "N", "recordings worked on at a time (1; 0: one a processor)", true},
    [OPT_AUDACITY] = {"audacity", 0, "OUT", "write Audacity labels (a folder for several recordings or a folder)",
                      false},
    [OPT_CSV] = {"csv", 0, "OUT", "write a table: Start (s),End (s),Label,Confidence,File", false},
    [OPT_TSV] = {"tsv", 0, "OUT", "write DESED's table: filename, onset, offset, event_label", false},
    [OPT_RAVEN] = {"raven", 0, "OUT", "write a Raven selection table (a folder likewise)", false},
    [OPT_PICTURE] = {"picture", 'p', "OUT",
                     "draw waveform, spectrogram and cries: OUT.png, .svg or .pdf (a folder likewise)", false},
    [OPT_STEPS] = {"steps", 0, "OUT", "draw what is measured of the voice, step by step, likewise", false},
    [OPT_FAIL_ON] = {"fail-on", 0, "cry", "exit with 1 when a cry was found", false},
    [OPT_MERGE_GAP] = {"merge-gap", 0, "S", "pauses up to this long stay inside one cry, seconds", true},
    [OPT_MIN] = {"min-length", 0, "S", "shortest cry told, seconds", true},
    [OPT_PRECISION] = {"precision", 0, "P", "fp32, bf16, or auto: bf16 where that is faster (auto)", true},
    [OPT_RAW] = {"raw", 0, "FORMAT", "standard input is raw sound: s16le, f32le, mulaw, ...", false},
    [OPT_RATE] = {"rate", 0, "HZ", "rate of raw sound (16000)", false},
    [OPT_CHANNELS] = {"channels", 0, "N", "channels of raw sound (1)", false},
    [OPT_REASON] = {"reason", 0, NULL, "what the sound of each cry says of its reason: mostly \"not sure\"", false},
    [OPT_REASON_MODEL] = {"reason-model", 0, "FILE", "reason model to use instead of the one that ships", true},
};

static const mewl_cli_usage usage = {
    .command = "analyze",
    .operands = "PATH...",
    .about = "Finds when an infant cried in recordings: onset, offset, confidence and level of each cry.\n"
             "PATH is a sound or video file in any usual form, a folder of them, an address, or - for standard input.\n"
             "One bad recording does not stop the others. One of --csv, --tsv, --audacity and --raven may be - for\n"
             "standard output, which then holds nothing else.",
    .options = options,
    .examples = "  mewl analyze night.m4a\n"
                "  mewl analyze --picture night.png --audacity night.txt night.m4a\n"
                "  mewl analyze --steps steps.png cry.wav\n"
                "  mewl analyze --ndjson --jobs 2 recordings/ > cries.ndjson\n"
                "  ffmpeg -i camera.mkv -f wav - | mewl analyze -\n"
                "  arecord -d 60 -f S16_LE -r 16000 -t raw | mewl analyze --raw s16le --rate 16000 -\n"};

/* ---- Workers: each takes the next recording; results wait in their slots until their turn to be printed. ---- */

typedef struct slot {
    mewl_analysis result;
    bool done;
    double share; /* of the recording done, for progress */
} slot;

typedef struct batch {
    mewl_cli *cli;
    const mewl_cli_inputs *inputs;
    mewl_analysis_opts opts;
    const char *picture; /* --picture */
    const char *steps;   /* --steps */
    bool many;
    const char *model_path;
    const char *reason_path, *shipped_path; /* --reason, or NULL; the network that ships, or "" */
    int jobs;
    const volatile sig_atomic_t *stop; /* Ctrl-C */
    atomic_bool cancel;                /* the same, for the workers */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t next, printed; /* next recording to take; recordings printed */
    slot *slots;          /* one a recording in flight: recording i is in slot i % slot_count */
    size_t slot_count;
} batch;

typedef struct worker {
    batch *batch;
    mewl_model *model;
    mewl_why *why; /* --reason; the first worker's is the command's */
    pthread_t thread;
    bool started;
    slot *slot;
} worker;

static void on_progress(void *user, double share)
{
    worker *w = user;
    (void)pthread_mutex_lock(&w->batch->lock);
    w->slot->share = isfinite(share) ? share : 0.0;
    (void)pthread_cond_signal(&w->batch->changed);
    (void)pthread_mutex_unlock(&w->batch->lock);
}

/* --steps of a recording that could be analysed: another reading of the file, since these want all of it at once. What
 * was found in it stands, whatever becomes of this. */
static void draw_steps(batch *b, const mewl_cli_input *input, const char *title, mewl_analysis *result)
{
    mewl_error err = {0};
    char *place = mewl_report_place(b->steps, b->many, input->name, ".steps.png", &err);
    if (place == NULL || mewl_cli_voice_steps(input->path, title, place, &err) != MEWL_OK) {
        result->unwritten = err;
    }
    free(place);
}

static void analyse_one(worker *w, size_t index, slot *s)
{
    batch *b = w->batch;
    const mewl_cli_input *input = &b->inputs->list[index];
    mewl_analysis_opts opts = b->opts;
    opts.title = strcmp(input->path, "-") == 0 ? "standard input" : input->name;
    opts.on_progress = on_progress;
    opts.user = w;
    opts.why = w->why;
    opts.source.cancel = &b->cancel;
    mewl_error err = {0};
    char *picture = b->picture != NULL ? mewl_report_place(b->picture, b->many, input->name, ".png", &err) : NULL;
    opts.picture = picture;
    if (mewl_analysis_run(&s->result, w->model, input->path, opts) == MEWL_OK) {
        if (b->picture != NULL && picture == NULL) {
            s->result.unwritten = err;
        }
        if (b->steps != NULL) {
            draw_steps(b, input, opts.title, &s->result);
        }
    }
    free(picture);
}

static void *work(void *user)
{
    worker *w = user;
    batch *b = w->batch;
    (void)pthread_mutex_lock(&b->lock);
    while (b->next < b->inputs->count) {
        size_t index = b->next;
        if (index >= b->printed + b->slot_count) {
            (void)pthread_cond_wait(&b->changed, &b->lock);
            continue;
        }
        b->next++;
        slot *s = &b->slots[index % b->slot_count];
        w->slot = s;
        (void)pthread_mutex_unlock(&b->lock);
        analyse_one(w, index, s);
        (void)pthread_mutex_lock(&b->lock);
        s->done = true;
        (void)pthread_cond_broadcast(&b->changed);
    }
    (void)pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* With the lock held: how far the whole batch is, by bytes where they are known. */
static void draw_progress(batch *b)
{
    double done = 0.0, total = 0.0;
    for (size_t i = 0; i < b->inputs->count; i++) {
        double weight = b->inputs->list[i].bytes + 1.0;
        total += weight;
        if (i < b->printed) {
            done += weight;
        } else if (i < b->next) {
            const slot *s = &b->slots[i % b->slot_count];
            done += weight * (s->done ? 1.0 : s->share);
        }
    }
    mewl_cli_report(b->cli, done, total, "analysing");
}

/* With the lock held: waits for a change, but not so long that Ctrl-C seems to do nothing. */
static void wait_a_little(batch *b)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 100000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&b->changed, &b->lock, &until);
}

/* Prints results in the order of the recordings as they come in. */
static mewl_status collect(batch *b, mewl_report *report, mewl_error *err)
{
    mewl_status status = MEWL_OK;
    (void)pthread_mutex_lock(&b->lock);
    while (b->printed < b->inputs->count && status == MEWL_OK) {
        slot *s = &b->slots[b->printed % b->slot_count];
        if (*b->stop != 0) {
            atomic_store(&b->cancel, true);
            status = mewl_error_set(err, MEWL_E_CANCELLED, "stopped after %zu of %zu recording%s", b->printed,
                                    b->inputs->count, mewl_cli_s(b->inputs->count));
            continue;
        }
        if (b->next <= b->printed || !s->done) {
            wait_a_little(b);
            if (b->cli->progress) {
                draw_progress(b);
            }
            continue;
        }
        (void)pthread_mutex_unlock(&b->lock);
        status = mewl_report_file(report, &b->inputs->list[b->printed], &s->result, err);
        mewl_analysis_fini(&s->result);
        (void)pthread_mutex_lock(&b->lock);
        *s = (slot){0};
        b->printed++;
        (void)pthread_cond_broadcast(&b->changed);
    }
    b->next = b->inputs->count; /* after a failure to write, or Ctrl-C: no new recordings */
    (void)pthread_cond_broadcast(&b->changed);
    (void)pthread_mutex_unlock(&b->lock);
    return status;
}

static mewl_status run_batch(batch *b, mewl_model *first_model, mewl_why *first_why, mewl_report *report,
                             mewl_error *err)
{
    worker *workers = calloc((size_t)b->jobs, sizeof *workers);
    b->slot_count = (size_t)b->jobs * AHEAD;
    b->slots = calloc(b->slot_count, sizeof *b->slots);
    mewl_status status = MEWL_OK;
    if (workers == NULL || b->slots == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %d workers", b->jobs);
    }
    (void)pthread_mutex_init(&b->lock, NULL);
    (void)pthread_cond_init(&b->changed, NULL);
    for (int i = 0; i < b->jobs && status == MEWL_OK; i++) {
        workers[i].batch = b;
        if (i == 0) {
            workers[i].model = first_model;
            workers[i].why = first_why;
            continue;
        }
        status = mewl_cli_detector_load(&workers[i].model, b->model_path, err);
        if (status == MEWL_OK && first_why != NULL) {
            status = mewl_why_open(&workers[i].why, b->reason_path, b->model_path, b->shipped_path, err);
        }
    }
    for (int i = 0; i < b->jobs && status == MEWL_OK; i++) {
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
        if (i == 0 && !workers[i].started) {
            status = mewl_error_set(err, MEWL_E_LIBRARY, "no thread could be started");
        }
    }
    if (status == MEWL_OK) {
        status = collect(b, report, err);
    }
    for (int i = 0; workers != NULL && i < b->jobs; i++) {
        if (workers[i].started) {
            (void)pthread_join(workers[i].thread, NULL);
        }
        if (i > 0) {
            mewl_why_close(workers[i].why);
            mewl_model_free(workers[i].model);
        }
    }
    for (size_t i = 0; b->slots != NULL && i < b->slot_count; i++) {
        mewl_analysis_fini(&b->slots[i].result);
    }
    (void)pthread_cond_destroy(&b->changed);
    (void)pthread_mutex_destroy(&b->lock);
    free(b->slots);
    free(workers);
    return status;
}

/* ---- The command ---- */

static bool read_numbers(const mewl_cli *cli, const char **value, mewl_analysis_opts *opts, long *jobs)
{
    double threshold = NAN, gap = NAN, shortest = NAN, rate = 0.0;
    long channels = 0;
    if (!mewl_cli_number(cli, "threshold", value[OPT_THRESHOLD], 0.001, 0.999, &threshold) ||
        !mewl_cli_number(cli, "merge-gap", value[OPT_MERGE_GAP], 0.0, 3600.0, &gap) ||
        !mewl_cli_number(cli, "min-length", value[OPT_MIN], 0.0, 60.0, &shortest) ||
        !mewl_cli_number(cli, "rate", value[OPT_RATE], 1000.0, 1e6, &rate) ||
        !mewl_cli_integer(cli, "channels", value[OPT_CHANNELS], 1, 64, &channels) ||
        !mewl_cli_integer(cli, "jobs", value[OPT_JOBS], 0, JOBS_MAX, jobs)) {
        return false;
    }
    mewl_episode_opts *e = &opts->session.episodes;
    e->threshold = isnan(threshold) ? e->threshold : (float)threshold;
    e->merge_gap_s = isnan(gap) ? e->merge_gap_s : gap;
    e->min_s = isnan(shortest) ? e->min_s : shortest;
    opts->source.raw = (mewl_source_raw){value[OPT_RAW], rate, (int)channels};
    return true;
}

/* Whether an option's output is standard output, which labels can go to. */
static bool to_stdout(const char **value, int option)
{
    const bool labels = option == OPT_AUDACITY || option == OPT_CSV || option == OPT_TSV || option == OPT_RAVEN;
    return labels && value[option] != NULL && strcmp(value[option], "-") == 0;
}

static int check_words(const mewl_cli *cli, const char **value, int operands, char *const *argv)
{
    static const char *const fail_words[] = {"cry"};
    if (operands == 0) {
        return mewl_cli_usage_error(cli, "name a recording, a folder, or - for standard input");
    }
    if (!mewl_cli_raw_fits(cli, value[OPT_RAW], value[OPT_RATE], value[OPT_CHANNELS], operands, argv)) {
        return MEWL_EXIT_USAGE;
    }
    int on_stdout = cli->json || cli->ndjson;
    for (int i = 0; i < OPT_COUNT; i++) {
        on_stdout += to_stdout(value, i);
    }
    if (on_stdout > 1) {
        return mewl_cli_usage_error(cli, "standard output holds one form: give the others names of files");
    }
    if (value[OPT_FAIL_ON] != NULL && strcmp(value[OPT_FAIL_ON], "cry") != 0) {
        return mewl_cli_unknown(cli, "reason to fail", value[OPT_FAIL_ON], fail_words, 1);
    }
    return MEWL_CLI_GO;
}

/* Whether what is written beside each recording goes into a folder: when several are named, or a folder, whose name in
 * --picture and the like must not mean something else on a day with one recording in it. */
static bool into_folder(const mewl_cli_inputs *inputs, int argc, char **argv)
{
    return inputs->count > 1 || argc > 1 || mewl_folder_exists(argv[0]);
}

/* All operands as recordings; those that stand for none are reported and counted. */
static size_t gather(mewl_cli_inputs *inputs, mewl_report *report, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        mewl_error err = {0};
        if (mewl_cli_inputs_add(inputs, argv[i], &err) != MEWL_OK) {
            mewl_report_refused(report, argv[i], &err);
        }
    }
    return inputs->count;
}

static mewl_status check_output(const char **value, int option, bool many, mewl_error *err)
{
    const bool picture = option == OPT_PICTURE || option == OPT_STEPS;
    mewl_status status = MEWL_OK;
    if (to_stdout(value, option)) {
        status =
            many ? mewl_error_set(err, MEWL_E_ARG, "several recordings or a folder need a folder, not standard output")
                 : status;
    } else if (value[option] != NULL) {
        status = mewl_report_check(value[option], many, err);
        if (status == MEWL_OK && picture && !many && !mewl_folder_exists(value[option])) {
            status = mewl_picture_check_name(value[option], err);
        }
    }
    return status == MEWL_OK ? MEWL_OK : mewl_error_prefix(err, status, "--%s", options[option].name);
}

/* Before hours of work: whether what is written beside each recording can be. */
static mewl_status check_outputs(const char **value, const mewl_cli_inputs *inputs, bool many, mewl_error *err)
{
    static const int each[] = {OPT_PICTURE, OPT_STEPS, OPT_AUDACITY, OPT_RAVEN};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        MEWL_TRY(check_output(value, each[i], many, err));
    }
    for (size_t i = 0; value[OPT_STEPS] != NULL && i < inputs->count; i++) {
        if (strcmp(inputs->list[i].path, "-") == 0) {
            return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                                  "--steps reads a recording twice, which standard input cannot give");
        }
    }
    return MEWL_OK;
}

/* --reason: the model, with a word about what it is worth. */
static mewl_status open_why(mewl_why **why, char *path, char *shipped, size_t size, const mewl_cli *cli,
                            const char **value, const char *model_path, mewl_error *err)
{
    mewl_error none;
    if (value[OPT_REASON] == NULL) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_cli_find_reason(cli, path, size, value[OPT_REASON_MODEL], err));
    if (mewl_cli_find_model(cli, shipped, size, NULL, &none) != MEWL_OK) {
        shipped[0] = '\0';
    }
    if (mewl_why_open(why, path, model_path, shipped[0] != '\0' ? shipped : NULL, err) != MEWL_OK) {
        return mewl_cli_model_explain(path, MEWL_CLI_MODEL_REASON, err);
    }
    if (!mewl_reason_proven(mewl_why_model(*why))) {
        mewl_cli_note(cli,
                      "on babies it had not heard before, this reason model did no better than guessing; it names no "
                      "reason. You know your baby better than any program");
    }
    return MEWL_OK;
}

/* After Ctrl-C: names what holds all recordings, and so was not written. */
static void say_stopped(const mewl_cli *cli, const char **value, const mewl_error *err)
{
    const char *csv = value[OPT_CSV], *tsv = value[OPT_TSV];
    csv = csv != NULL && strcmp(csv, "-") != 0 ? csv : NULL;
    tsv = tsv != NULL && strcmp(tsv, "-") != 0 ? tsv : NULL;
    const char *lost = csv != NULL ? csv : tsv != NULL ? tsv : cli->json ? "the document" : NULL;
    if (lost == NULL) {
        mewl_cli_error(cli, "%s", err->text);
    } else {
        const bool both = csv != NULL && tsv != NULL;
        mewl_cli_error(cli, "%s; %s%s%s %s not written", err->text, lost, both ? " and " : "", both ? tsv : "",
                       both ? "were" : "was");
    }
}

static int analyze(mewl_cli *cli, const char **value, mewl_model *model, const char *model_path, int argc, char **argv)
{
    mewl_error err = {0};
    mewl_analysis_opts opts = {0};
    long jobs = 1;
    if (mewl_session_episode_opts(&opts.session.episodes, model, &err) != MEWL_OK) {
        mewl_cli_error(cli, "%s: %s", model_path, err.text);
        return MEWL_EXIT_FAILED;
    }
    if (!read_numbers(cli, value, &opts, &jobs)) {
        return MEWL_EXIT_USAGE;
    }
    int code = mewl_cli_precision(cli, value[OPT_PRECISION], &opts.session.bf16);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (jobs == 0) {
        jobs = sysconf(_SC_NPROCESSORS_ONLN);
        jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
    }
    char reason_path[PATH_BYTES] = "", shipped_path[PATH_BYTES] = "";
    mewl_why *why = NULL;
    if (open_why(&why, reason_path, shipped_path, PATH_BYTES, cli, value, model_path, &err) != MEWL_OK) {
        mewl_cli_error(cli, "%s", err.text);
        return MEWL_EXIT_FAILED;
    }
    mewl_report_opts reporting = {.audacity = value[OPT_AUDACITY],
                                  .csv = value[OPT_CSV],
                                  .tsv = value[OPT_TSV],
                                  .raven = value[OPT_RAVEN],
                                  .model_path = model_path,
                                  .reason = why != NULL ? mewl_why_model(why) : NULL,
                                  .bf16 = opts.session.bf16,
                                  .threshold = (double)opts.session.episodes.threshold};
    mewl_report *report = NULL;
    if (check_output(value, OPT_CSV, false, &err) != MEWL_OK || check_output(value, OPT_TSV, false, &err) != MEWL_OK ||
        mewl_report_open(&report, cli, reporting, &err) != MEWL_OK) {
        mewl_cli_error(cli, "%s", err.text);
        mewl_why_close(why);
        return err.status == MEWL_E_ARG ? MEWL_EXIT_USAGE : MEWL_EXIT_FAILED;
    }
    mewl_cli_inputs inputs = {0};
    mewl_status status = MEWL_OK;
    bool wrong_use = false;
    if (gather(&inputs, report, argc, argv) > 0) {
        status = mewl_cli_inputs_distinguish(&inputs, &err);
    }
    if (status == MEWL_OK && inputs.count > 0) {
        const bool many = into_folder(&inputs, argc, argv);
        mewl_report_many(report, many);
        status = check_outputs(value, &inputs, many, &err);
        wrong_use = status == MEWL_E_ARG;
        batch b = {.cli = cli,
                   .inputs = &inputs,
                   .opts = opts,
                   .picture = value[OPT_PICTURE],
                   .steps = value[OPT_STEPS],
                   .many = many,
                   .stop = mewl_cli_catch_signals(),
                   .model_path = model_path,
                   .reason_path = reason_path,
                   .shipped_path = shipped_path[0] != '\0' ? shipped_path : NULL,
                   .jobs = (int)((size_t)jobs < inputs.count ? (size_t)jobs : inputs.count)};
        status = status == MEWL_OK ? run_batch(&b, model, why, report, &err) : status;
    }
    if (status == MEWL_OK) {
        status = mewl_report_finish(report, &err);
    }
    mewl_cli_inputs_fini(&inputs);
    code = mewl_report_exit_code(report, value[OPT_FAIL_ON] != NULL);
    mewl_report_close(report);
    mewl_why_close(why);
    if (status == MEWL_E_CANCELLED) {
        say_stopped(cli, value, &err);
        return MEWL_EXIT_FAILED;
    }
    if (status != MEWL_OK) {
        mewl_cli_error(cli, "%s", err.text);
        return wrong_use ? MEWL_EXIT_USAGE : MEWL_EXIT_FAILED;
    }
    return code;
}

int mewl_cmd_analyze(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code == MEWL_CLI_GO) {
        code = check_words(cli, value, argc, argv);
    }
    if (code != MEWL_CLI_GO) {
        return code;
    }
    char path[PATH_BYTES];
    mewl_error err = {0};
    mewl_model *model = NULL;
    if (mewl_cli_find_model(cli, path, sizeof path, value[OPT_MODEL], &err) != MEWL_OK ||
        mewl_cli_detector_load(&model, path, &err) != MEWL_OK) {
        mewl_cli_error(cli, "%s", err.text);
        return MEWL_EXIT_FAILED;
    }
    code = analyze(cli, value, model, path, argc, argv);
    mewl_model_free(model);
    return code;
}
