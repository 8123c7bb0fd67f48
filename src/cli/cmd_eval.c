/* cmd_eval.c - `mewl eval`: runs lab/eval.h and prints its documents as tables or JSON. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/document.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "base/json.h"
#include "cli/eval_chart.h"
#include "cli/eval_tables.h"
#include "cli/recipes.h"
#include "cli/stop.h"
#include "draw/picture.h"
#include "hear/session.h"
#include "lab/eval.h"
#include "lab/feed.h"

enum {
    OPT_MIXTURES,
    OPT_FOLDS,
    OPT_GROUP,
    OPT_POSITIVE,
    OPT_SPLIT,
    OPT_FOLD,
    OPT_THRESHOLD,
    OPT_SIDE,
    OPT_CLIPS,
    OPT_HOURS,
    OPT_MINUTES,
    OPT_ONLY,
    OPT_RECIPE,
    OPT_TUNE,
    OPT_INTO,
    OPT_DATA,
    OPT_WEIGHTS,
    OPT_NO_BASELINES,
    OPT_SEED,
    OPT_ROUNDS,
    OPT_OUT,
    OPT_ROC,
    OPT_PR,
    OPT_RETRAIN,
    OPT_COUNT
};

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_MIXTURES] = {"mixtures", 0, NULL, "the protocol on held-out mixtures instead of a manifest", false},
    [OPT_FOLDS] = {"folds", 0, "RECIPE.ini", "ESC-10's official folds: train and test one model a fold", false},
    [OPT_GROUP] = {"group", 0, "COLUMN", "manifest column that is resampled as a whole (default: group)", false},
    [OPT_POSITIVE] = {"positive", 0, "LABEL", "manifest label that is a cry (default: cry)", false},
    [OPT_SPLIT] = {"split", 0, "SIDE", "manifest rows of this side alone: train, valid or test", false},
    [OPT_FOLD] = {"fold", 0, "K", "manifest rows of this fold alone", false},
    [OPT_THRESHOLD] = {"threshold", 0, "X",
                       "confidence from which the model calls a cry (clips: the model's note clip.threshold, else 0.5; "
                       "events: its own)",
                       false},
    [OPT_SIDE] = {"side", 0, "SIDE", "recordings that are mixed: test (default) or valid", false},
    [OPT_CLIPS] = {"clips", 0, "N", "mixtures of 10 s at each SNR (default 200)", false},
    [OPT_HOURS] = {"hours", 0, "H", "of cry-free 10 s mixtures (default 4)", false},
    [OPT_MINUTES] = {"minutes", 0, "N", "long mixtures at each SNR, for events (default: the recipe's)", false},
    [OPT_ONLY] = {"only", 0, "PARTS", "of recall,hard,events,bandwidth (default: all)", false},
    [OPT_RECIPE] = {"recipe", 0, "RECIPE.ini", "where data and SNRs come from (default: the model's own)", false},
    [OPT_TUNE] = {"tune", 0, "OUT", "choose threshold and episode options on the valid side; save the model as OUT",
                  false},
    [OPT_INTO] = {"into", 0, "OTHER", "with --tune: OUT is this model with the options chosen for MODEL, its twin",
                  false},
    [OPT_DATA] = {"data", 0, "DIR", "folder of the data sets (MEWL_DATA)", false},
    [OPT_WEIGHTS] = {"weights", 0, "DIR", "folder of yamnet.tflite and mn04_as_mAP_432.pt (default: DATA/weights)",
                     false},
    [OPT_NO_BASELINES] = {"no-baselines", 0, NULL, "the model alone", false},
    [OPT_SEED] = {"seed", 0, "N", "of mixtures and intervals (default 1)", false},
    [OPT_ROUNDS] = {"rounds", 0, "N", "resamples behind an interval (default 1000)", false},
    [OPT_OUT] = {"output", 'o', "OUT", "write the JSON document there too; with --folds: folder of the models", false},
    [OPT_ROC] = {"roc", 0, "PICTURE", "draw recall against false alarms of every system (.png, .svg, .pdf)", false},
    [OPT_PR] = {"pr", 0, "PICTURE", "draw precision against recall likewise", false},
    [OPT_RETRAIN] = {"retrain", 0, NULL, "with --folds: train even where a fold's model is there", false},
};

static const mewl_cli_usage usage = {
    "eval",
    "MODEL MANIFEST.csv | MODEL --mixtures | --folds RECIPE.ini",
    "What a model is worth, beside YAMNet, mn04 and an energy threshold in the same run, with 95 %\n"
    "intervals by groups. With a manifest: its recordings, rows by label. With --mixtures: held-out\n"
    "cries mixed into held-out backgrounds: recall at 1 false alarm an hour by SNR, real hard negatives,\n"
    "event F1 and PSDS, scores through 8 kHz. With --folds: ESC-10's official folds.",
    options,
    "  mewl eval models/detector.safetensors esc10.csv --json\n"
    "  mewl eval models/detector.safetensors esc10.csv --roc roc.svg --pr pr.svg\n"
    "  mewl eval models/detector.safetensors --mixtures -o report.json\n"
    "  mewl eval runs/detect/best.safetensors --mixtures --side valid --tune models/detector.safetensors\n"
    "  mewl eval --folds recipes/esc10.ini -o runs/esc10\n",
};

/* Everything one evaluation holds open. */
typedef struct evaluation {
    mewl_cli *cli;
    const char **value;
    mewl_progress progress;
    mewl_log log;
    mewl_eval_opts common;
    mewl_model *model;
    mewl_model *into; /* that gets the options; NULL: model */
    mewl_system *systems[4];
    size_t count;
    mewl_recipe recipe;
    bool has_recipe;
    mewl_corpus *corpus;
    const volatile sig_atomic_t *stop;
    char data[4096];
} evaluation;

static void evaluation_fini(evaluation *e)
{
    for (size_t s = 0; s < e->count; s++) {
        mewl_system_close(e->systems[s]);
    }
    mewl_corpus_close(e->corpus);
    if (e->has_recipe) {
        mewl_recipe_fini(&e->recipe);
    }
    mewl_model_free(e->model);
    mewl_model_free(e->into);
}

/* --data, else MEWL_DATA, else empty: there is no folder that all machines have. */
static void find_data(evaluation *e)
{
    const char *root = e->value[OPT_DATA] != NULL ? e->value[OPT_DATA] : getenv("MEWL_DATA");
    (void)snprintf(e->data, sizeof e->data, "%s", root != NULL ? root : "");
}

/* Baselines whose files are there; a missing one is told, not hidden. */
static mewl_status open_baselines(evaluation *e, mewl_error *err)
{
    static const struct {
        mewl_system_kind kind;
        const char *file;
    } teachers[] = {{MEWL_SYSTEM_YAMNET, "yamnet.tflite"}, {MEWL_SYSTEM_MN04, "mn04_as_mAP_432.pt"}};
    if (e->value[OPT_NO_BASELINES] != NULL) {
        return MEWL_OK;
    }
    for (size_t i = 0; i < 2; i++) {
        char path[8300];
        if (e->value[OPT_WEIGHTS] != NULL) {
            (void)snprintf(path, sizeof path, "%s/%s", e->value[OPT_WEIGHTS], teachers[i].file);
        } else {
            (void)snprintf(path, sizeof path, "%s/weights/%s", e->data, teachers[i].file);
        }
        if (e->value[OPT_WEIGHTS] == NULL && e->data[0] == '\0') {
            mewl_cli_note(e->cli, "no baseline %s: name its folder with --weights, or --data or MEWL_DATA",
                          teachers[i].file);
            continue;
        }
        mewl_status status = mewl_system_open_teacher(&e->systems[e->count], teachers[i].kind, path, err);
        if (status == MEWL_E_NOT_FOUND) {
            mewl_cli_note(e->cli, "no baseline %s: %s", teachers[i].file, err->text);
            continue;
        }
        MEWL_TRY(status);
        e->count++;
    }
    MEWL_TRY(mewl_system_open_energy(&e->systems[e->count], err));
    e->count++;
    return MEWL_OK;
}

/* What keeps the options of one model from meaning the same in the other; NULL: nothing. */
static const char *difference(const mewl_model *model, const mewl_model *other)
{
    const mewl_model_config *a = mewl_model_configuration(model), *b = mewl_model_configuration(other);
    if (!b->framewise) {
        return "it is not frame-wise";
    }
    if (strcmp(a->arch, b->arch) != 0) {
        return "its architecture is another";
    }
    if (strcmp(a->front_end, b->front_end) != 0 || a->bands != b->bands) {
        return "its front end is another";
    }
    if (memcmp(a->time_pool, b->time_pool, sizeof a->time_pool) != 0) {
        return "its frames are of another length";
    }
    bool same = a->classes == b->classes;
    for (int64_t k = 0; same && k < a->classes; k++) {
        same = strcmp(mewl_model_label(model, k), mewl_model_label(other, k)) == 0;
    }
    return same ? NULL : "its labels are others";
}

/* --into: the model that gets the options, which must be one that they can have been chosen for. */
static mewl_status open_twin(evaluation *e, mewl_error *err)
{
    const char *path = e->value[OPT_INTO];
    if (path == NULL) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_model_load(&e->into, path, err));
    const char *why = difference(e->model, e->into);
    return why == NULL
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_ARG, "%s: options chosen for the first model do not fit it: %s", path, why);
}

static mewl_status open_systems(evaluation *e, const char *path, mewl_error *err)
{
    find_data(e);
    MEWL_TRY(mewl_model_load(&e->model, path, err));
    MEWL_TRY(open_twin(e, err)); /* before the work: it takes minutes */
    MEWL_TRY(mewl_system_open_model(&e->systems[0], e->model, NULL, err));
    e->count = 1;
    return open_baselines(e, err);
}

static mewl_status open_recipe(evaluation *e, mewl_error *err)
{
    if (e->value[OPT_RECIPE] == NULL && mewl_model_note(e->model, "recipe") == NULL) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "the model holds no recipe: name one with --recipe");
    }
    MEWL_TRY(e->value[OPT_RECIPE] != NULL ? mewl_recipe_read(&e->recipe, e->value[OPT_RECIPE], err)
                                          : mewl_cli_recipe_of_model(&e->recipe, e->model, e->data, err));
    e->has_recipe = true;
    if (e->data[0] != '\0') {
        e->recipe.data_root = e->data; /* the caller's folder, not one relative to the recipe */
    }
    return mewl_corpus_open(&e->corpus, &e->recipe, 1, &e->progress, err);
}

/* ---- Parts ---- */

/* Of a whole clip's score (not of frames: episode.threshold), and where it comes from. */
static double threshold_of(const evaluation *e, const char **from)
{
    const char *note = mewl_model_note(e->model, "clip.threshold");
    const double noted = note != NULL ? strtod(note, NULL) : NAN;
    if (e->value[OPT_THRESHOLD] != NULL) {
        *from = "--threshold";
        return strtod(e->value[OPT_THRESHOLD], NULL);
    }
    if (noted > 0 && noted < 1) {
        *from = "the model's note clip.threshold";
        return noted;
    }
    *from = "no choice: the model has no note clip.threshold, and its episode.threshold is one of frames, not of clips";
    return 0.5;
}

static mewl_status eval_manifest(evaluation *e, json_t **out, size_t *unreadable, const char *path, mewl_error *err)
{
    long fold = 0;
    const char *from = NULL;
    mewl_manifest manifest;
    MEWL_TRY(mewl_manifest_read(&manifest, path, err));
    if (e->value[OPT_FOLD] != NULL) {
        fold = strtol(e->value[OPT_FOLD], NULL, 10);
    }
    mewl_eval_manifest_opts opts = {
        .common = e->common,
        .positive = e->value[OPT_POSITIVE],
        .split = e->value[OPT_SPLIT],
        .group = e->value[OPT_GROUP],
        .fold = (int)fold,
        .threshold = (float)threshold_of(e, &from),
        .teacher_threshold = NAN,
    };
    mewl_status status = mewl_eval_manifest(out, unreadable, e->systems, e->count, &manifest, opts, err);
    if (status == MEWL_OK) {
        (void)mewl_json_set_string(*out, "threshold_from", from);
    }
    mewl_manifest_fini(&manifest);
    return status;
}

static bool part_wanted(const evaluation *e, const char *part)
{
    const char *only = e->value[OPT_ONLY];
    return only == NULL || strstr(only, part) != NULL;
}

static mewl_side side_of(const evaluation *e)
{
    return e->value[OPT_SIDE] != NULL && strcmp(e->value[OPT_SIDE], "valid") == 0 ? MEWL_SIDE_VALID : MEWL_SIDE_TEST;
}

static size_t size_option(const evaluation *e, size_t option)
{
    return e->value[option] == NULL ? 0 : (size_t)strtoul(e->value[option], NULL, 10);
}

static mewl_status event_opts(const evaluation *e, mewl_eval_event_opts *opts, mewl_error *err)
{
    *opts = (mewl_eval_event_opts){.common = e->common, .side = side_of(e), .mixtures = size_option(e, OPT_MINUTES)};
    MEWL_TRY(mewl_session_episode_opts(&opts->episodes, e->model, err));
    if (e->value[OPT_THRESHOLD] != NULL) {
        opts->episodes.threshold = strtof(e->value[OPT_THRESHOLD], NULL);
    }
    return MEWL_OK;
}

static mewl_status eval_protocol(evaluation *e, json_t **out, mewl_error *err)
{
    *out = json_object();
    float thresholds[MEWL_TRIAL_SYSTEMS_MAX];
    json_t *part = NULL;
    (void)mewl_json_set_string(*out, "kind", "protocol");
    if (part_wanted(e, "recall") || part_wanted(e, "hard")) {
        mewl_eval_mixture_opts opts = {.common = e->common, .side = side_of(e), .clips = size_option(e, OPT_CLIPS)};
        opts.negative_hours = e->value[OPT_HOURS] != NULL ? strtod(e->value[OPT_HOURS], NULL) : 0;
        MEWL_TRY(mewl_eval_mixtures(&part, thresholds, e->systems, e->count, e->corpus, &e->recipe, opts, err));
        (void)mewl_json_set(*out, "mixtures", part);
    }
    if (part_wanted(e, "hard")) {
        MEWL_TRY(mewl_eval_hard(&part, thresholds, e->systems, e->count, e->data, e->corpus, e->common, err));
        (void)mewl_json_set(*out, "hard_negatives", part);
    }
    if (part_wanted(e, "events")) {
        mewl_eval_event_opts opts;
        MEWL_TRY(event_opts(e, &opts, err));
        MEWL_TRY(mewl_eval_events(&part, e->systems, e->count, e->corpus, &e->recipe, opts, err));
        (void)mewl_json_set(*out, "events", part);
    }
    if (part_wanted(e, "bandwidth")) {
        const mewl_manifest *manifest = mewl_corpus_manifest(e->corpus);
        mewl_status status = mewl_eval_bandwidth(&part, e->systems, e->count, manifest, "test", e->common, err);
        if (status == MEWL_E_EMPTY) {
            mewl_cli_note(e->cli, "bandwidth: %s", err->text);
            return MEWL_OK;
        }
        MEWL_TRY(status);
        (void)mewl_json_set(*out, "bandwidth", part);
    }
    return MEWL_OK;
}

static mewl_status note_number(mewl_model *model, const char *key, double value, mewl_error *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.6g", value);
    return mewl_model_set_note(model, key, text, err);
}

/* Writes the options into the model's notes, and the model to `path`. */
static mewl_status keep_options(mewl_model *model, mewl_episode_opts chosen, const char *path, mewl_error *err)
{
    MEWL_TRY(note_number(model, "episode.threshold", chosen.threshold, err));
    MEWL_TRY(note_number(model, "episode.attack_s", chosen.attack_s, err));
    MEWL_TRY(note_number(model, "episode.ceiling", chosen.ceiling, err));
    MEWL_TRY(note_number(model, "episode.merge_gap_s", chosen.merge_gap_s, err));
    MEWL_TRY(note_number(model, "episode.min_s", chosen.min_s, err));
    MEWL_TRY(note_number(model, "episode.hysteresis", chosen.hysteresis, err));
    return mewl_model_save(model, path, false, err);
}

static mewl_status tune(evaluation *e, json_t **out, mewl_error *err)
{
    mewl_eval_event_opts opts;
    MEWL_TRY(event_opts(e, &opts, err));
    opts.side = MEWL_SIDE_VALID;
    mewl_episode_opts chosen = opts.episodes;
    MEWL_TRY(mewl_eval_tune(&chosen, out, e->systems[0], e->corpus, &e->recipe, opts, err));
    (void)mewl_json_set_string(*out, "kind", "tuning");
    (void)mewl_json_set_real(*out, "threshold", chosen.threshold);
    (void)mewl_json_set_real(*out, "merge_gap_s", chosen.merge_gap_s);
    (void)mewl_json_set_real(*out, "min_s", chosen.min_s);
    (void)mewl_json_set_real(*out, "hysteresis", chosen.hysteresis);
    (void)mewl_json_set_real(*out, "attack_s", chosen.attack_s);
    return keep_options(e->into != NULL ? e->into : e->model, chosen, e->value[OPT_TUNE], err);
}

/* ---- The command ---- */

static mewl_status draw(const evaluation *e, const json_t *document, mewl_error *err)
{
    const size_t wanted[] = {OPT_ROC, OPT_PR};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const char *path = e->value[wanted[i]];
        MEWL_TRY(path != NULL ? mewl_eval_chart(document, path, wanted[i] == OPT_PR, err) : MEWL_OK);
    }
    return MEWL_OK;
}

static int finish(evaluation *e, json_t *document, size_t unreadable)
{
    mewl_error err = {0};
    mewl_cli_report_clear(e->cli);
    if (mewl_document_stamp(document, &err) != MEWL_OK ||
        (e->value[OPT_OUT] != NULL && e->value[OPT_FOLDS] == NULL &&
         mewl_json_write(document, e->value[OPT_OUT], &err) != MEWL_OK) ||
        draw(e, document, &err) != MEWL_OK) {
        const int code = mewl_cli_fail(e->cli, &err);
        return code == MEWL_EXIT_UNREADABLE && err.status != MEWL_E_EMPTY ? MEWL_EXIT_FAILED : code; /* of the output */
    }
    if (e->cli->json || e->cli->ndjson) {
        (void)mewl_json_print(document, stdout, !e->cli->ndjson, NULL);
    } else {
        mewl_eval_print(document, stdout);
    }
    return unreadable > 0 ? MEWL_EXIT_PARTLY : MEWL_EXIT_DONE;
}

static int run(evaluation *e, int argc, char **argv)
{
    mewl_error err = {0};
    json_t *document = NULL;
    size_t unreadable = 0;
    mewl_status status;
    if (e->value[OPT_FOLDS] != NULL) {
        find_data(e);
        status = e->data[0] != '\0' ? open_baselines(e, &err)
                                    : mewl_error_set(&err, MEWL_E_NOT_FOUND,
                                                     "where are the data sets? Name their folder with --data or "
                                                     "MEWL_DATA");
        mewl_eval_fold_opts opts = {.common = e->common,
                                    .output = e->value[OPT_OUT],
                                    .stop = e->stop,
                                    .retrain = e->value[OPT_RETRAIN] != NULL,
                                    .data_root = e->data,
                                    .threshold = NAN};
        if (e->value[OPT_THRESHOLD] != NULL) {
            opts.threshold = strtof(e->value[OPT_THRESHOLD], NULL);
        }
        if (status == MEWL_OK) {
            status = mewl_eval_folds(&document, e->value[OPT_FOLDS], e->systems, e->count, opts, &err);
        }
    } else {
        status = open_systems(e, argv[0], &err);
        if (status == MEWL_OK && argc == 2) {
            status = eval_manifest(e, &document, &unreadable, argv[1], &err);
        } else if (status == MEWL_OK) {
            status = open_recipe(e, &err);
            if (status == MEWL_OK) {
                status = e->value[OPT_TUNE] != NULL ? tune(e, &document, &err) : eval_protocol(e, &document, &err);
            }
        }
    }
    int code = status == MEWL_OK ? finish(e, document, unreadable) : mewl_cli_fail(e->cli, &err);
    json_decref(document);
    return code;
}

/* --only: words of the list, with commas. */
static bool parts_valid(const mewl_cli *cli, const char *only)
{
    static const char *const names[] = {"recall", "hard", "events", "bandwidth"};
    while (only != NULL) {
        char word[32];
        (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(only, ","), only);
        bool known = false;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            known = known || strcmp(word, names[i]) == 0;
        }
        if (!known) {
            (void)mewl_cli_unknown(cli, "part of an evaluation", word, names, sizeof names / sizeof names[0]);
            return false;
        }
        only = strchr(only, ',');
        only = only != NULL ? only + 1 : NULL;
    }
    return true;
}

/* --roc and --pr, before hours of work: names of pictures, and something that they can draw. */
static bool charts_valid(const mewl_cli *cli, const char *const *value)
{
    const size_t wanted[] = {OPT_ROC, OPT_PR};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const char *path = value[wanted[i]], *only = value[OPT_ONLY], *name = options[wanted[i]].name;
        mewl_error err = {0};
        if (path != NULL && (value[OPT_FOLDS] != NULL || value[OPT_TUNE] != NULL)) {
            (void)mewl_cli_usage_error(cli, "--roc and --pr draw what a manifest or --mixtures gives");
            return false;
        }
        if (path != NULL && only != NULL && strstr(only, "recall") == NULL && strstr(only, "hard") == NULL) {
            (void)mewl_cli_usage_error(cli, "--%s draws what recall or hard gives, and --only leaves both out", name);
            return false;
        }
        if (path != NULL && mewl_picture_check_name(path, &err) != MEWL_OK) {
            (void)mewl_cli_usage_error(cli, "--%s: %s", name, err.text);
            return false;
        }
    }
    return true;
}

static bool sides_valid(const mewl_cli *cli, const char *const *value)
{
    static const char *const names[] = {"train", "valid", "test"};
    return mewl_cli_one_of(cli, "side", value[OPT_SPLIT], names, 3) &&
           mewl_cli_one_of(cli, "side", value[OPT_SIDE], names + 1,
                           2); /* mixtures of the training side would flatter */
}

int mewl_cmd_eval(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    bool mixtures = value[OPT_MIXTURES] != NULL || value[OPT_TUNE] != NULL;
    int wanted = value[OPT_FOLDS] != NULL ? 0 : mixtures ? 1 : 2;
    if (argc != wanted) {
        return mewl_cli_usage_error(cli, wanted == 2   ? "name a model and a manifest, or use --mixtures or --folds"
                                         : wanted == 1 ? "name one model"
                                                       : "--folds takes no operands");
    }
    if (value[OPT_INTO] != NULL && value[OPT_TUNE] == NULL) {
        return mewl_cli_usage_error(cli, "--into says where the options that --tune chooses go");
    }
    double threshold = 0;
    double hours = 0;
    long whole = 0;
    long seed = 1;
    long rounds = 0;
    if (!mewl_cli_number(cli, "threshold", value[OPT_THRESHOLD], 1e-6, 1 - 1e-6, &threshold) ||
        !mewl_cli_number(cli, "hours", value[OPT_HOURS], 0.01, 1000, &hours) ||
        !mewl_cli_integer(cli, "clips", value[OPT_CLIPS], 1, 100000, &whole) ||
        !mewl_cli_integer(cli, "minutes", value[OPT_MINUTES], 1, 100000, &whole) ||
        !mewl_cli_integer(cli, "fold", value[OPT_FOLD], 1, 1000, &whole) ||
        !mewl_cli_integer(cli, "seed", value[OPT_SEED], 0, 1000000000, &seed) ||
        !mewl_cli_integer(cli, "rounds", value[OPT_ROUNDS], 10, 100000, &rounds) || !sides_valid(cli, value) ||
        !parts_valid(cli, value[OPT_ONLY]) || !charts_valid(cli, value)) {
        return MEWL_EXIT_USAGE;
    }
    evaluation e = {.cli = cli, .value = value};
    e.stop = value[OPT_FOLDS] != NULL ? mewl_cli_catch_signals() : NULL; /* a fold in training is worth a checkpoint */
    e.progress = (mewl_progress){.report = mewl_cli_report, .user = cli};
    e.log = (mewl_log){.write = mewl_cli_log, .user = cli, .most = MEWL_LOG_INFO};
    e.common =
        (mewl_eval_opts){.seed = (uint64_t)seed, .rounds = (size_t)rounds, .progress = &e.progress, .log = &e.log};
    code = run(&e, argc, argv);
    evaluation_fini(&e);
    return code;
}
