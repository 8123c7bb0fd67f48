/* cmd_model_quantise.c - `mewl model quantise MODEL`: a model of eight bits from a trained one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/clip.h"
#include "audio/list.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/model_file.h"
#include "data/manifest.h"
#include "models/classifier.h"
#include "models/quantise.h"

#define FILES_MAX 1000000u
#define SHARE_POOR 0.9 /* a file not smaller than this was hardly worth the trouble: said with --dynamic */
#define CLIPS_DEFAULT 200
#define SECONDS_MAX 30.0 /* of one recording: more of the same says little new */

enum { OPT_CALIBRATE, OPT_DYNAMIC, OPT_RANGE, OPT_PERCENTILE, OPT_CLIPS, OPT_OUT, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_CALIBRATE] = {"calibrate", 'c', "SOUNDS", "manifest.csv, folder or recording like those the model will hear",
                       false},
    [OPT_DYNAMIC] = {"dynamic", 0, NULL, "only the linear layers' weights; needs no sounds, saves little", false},
    [OPT_RANGE] = {"range", 0, "HOW", "of each layer's values: mse, minmax or percentile (mse)", false},
    [OPT_PERCENTILE] = {"percentile", 0, "X", "with --range percentile: share that fits, 50 to 100 (99.99)", false},
    [OPT_CLIPS] = {"clips", 0, "N", "at most N recordings, spread evenly over what is there (200)", false},
    [OPT_OUT] = {"output", 'o', "OUT.safetensors", "file to write", false},
};

static const mewl_cli_usage usage = {
    .command = "model quantise",
    .operands = "MODEL [RECORDING...]",
    .about =
        "Makes a model four times smaller, and faster: weights and most of the arithmetic in eight bits. It listens\n"
        "to recordings to learn how large the values inside get; of a manifest it takes the rows that are not\n"
        "held out (split valid or test), and 30 s at most of each recording. The result is used like any model,\n"
        "but cannot be trained further: check with `mewl eval` what it lost.",
    .options = options,
    .examples = "  mewl model quantise reason.safetensors --calibrate train.csv -o reason-int8.safetensors\n"
                "  mewl model quantise reason.safetensors --calibrate recordings/ --range minmax -o small.safetensors\n"
                "  mewl model quantise reason.safetensors --dynamic -o dynamic.safetensors\n"};

/* One stretch of a recording. */
typedef struct stretch {
    const char *path;
    double onset_s, offset_s; /* NaN: from the start, to the end */
} stretch;

typedef struct quantising {
    mewl_cli *cli;
    mewl_audio_files files;
    mewl_manifest manifest;
    bool has_manifest;
    stretch *sounds;
    size_t count;
    mewl_classifier *classifier;
    size_t used;
} quantising;

static bool is_manifest(const char *path)
{
    const size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".csv") == 0;
}

/* What --calibrate and the operands stand for, as stretches. */
static mewl_status list_sounds(quantising *q, const char *calibrate, int operand_count, char **operands,
                               mewl_error *err)
{
    if (calibrate != NULL && is_manifest(calibrate)) {
        MEWL_TRY(mewl_manifest_read(&q->manifest, calibrate, err));
        q->has_manifest = true;
    } else if (calibrate != NULL) {
        MEWL_TRY(mewl_audio_list(&q->files, calibrate, FILES_MAX, err));
    }
    for (int i = 0; i < operand_count; i++) {
        MEWL_TRY(mewl_audio_list(&q->files, operands[i], FILES_MAX, err));
    }
    const size_t rows = q->has_manifest ? q->manifest.count : 0;
    q->sounds = calloc(rows + q->files.count + 1, sizeof *q->sounds);
    if (q->sounds == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a list of recordings");
    }
    for (size_t i = 0; i < rows; i++) {
        const mewl_row *row = &q->manifest.rows[i];
        if (strcmp(row->split, "test") != 0 && strcmp(row->split, "valid") != 0) {
            q->sounds[q->count++] = (stretch){row->path, row->onset_s, row->offset_s};
        }
    }
    for (size_t i = 0; i < q->files.count; i++) {
        q->sounds[q->count++] = (stretch){q->files.paths[i], (double)NAN, (double)NAN};
    }
    return q->count > 0 ? MEWL_OK : mewl_error_set(err, MEWL_E_EMPTY, "no recording to calibrate on");
}

/* Runs one stretch through the model, which observes. */
static mewl_status hear(quantising *q, const stretch *sound, mewl_error *err)
{
    mewl_clip clip = {0};
    const double rate_hz = mewl_classifier_describe(q->classifier)->rate_hz;
    const double onset_s = sound->onset_s > 0.0 ? sound->onset_s : 0.0;
    const double end_s =
        sound->offset_s > onset_s ? fmin(sound->offset_s, onset_s + SECONDS_MAX) : onset_s + SECONDS_MAX;
    MEWL_TRY(mewl_clip_read(&clip, sound->path, rate_hz, end_s, err));
    const size_t begin = (size_t)(onset_s * rate_hz);
    mewl_classifier_result nothing = {0};
    mewl_status status =
        begin < clip.count
            ? mewl_classifier_score(q->classifier, &nothing, clip.samples + begin, clip.count - begin, err)
            : mewl_error_set(err, MEWL_E_EMPTY, "nothing is left from %g s on", onset_s);
    mewl_clip_fini(&clip);
    return status == MEWL_OK ? MEWL_OK : mewl_error_prefix(err, status, "%s", sound->path);
}

/* A recording that cannot be read is told and left out; none at all is an error. */
static mewl_status calibrate(quantising *q, size_t most, mewl_error *err)
{
    const size_t wanted = q->count < most ? q->count : most;
    MEWL_TRY(mewl_net_observe(mewl_model_net(mewl_classifier_model(q->classifier)), true, err));
    for (size_t i = 0; i < wanted; i++) {
        mewl_error bad = {0};
        mewl_cli_report(q->cli, (double)i, (double)wanted, "calibrating");
        const mewl_status status = hear(q, &q->sounds[i * q->count / wanted], &bad);
        q->used += status == MEWL_OK;
        if (status != MEWL_OK) {
            mewl_cli_report_clear(q->cli);
            mewl_cli_error(q->cli, "%s", bad.text);
        }
    }
    mewl_cli_report_clear(q->cli);
    return q->used > 0 ? MEWL_OK : mewl_error_set(err, MEWL_E_EMPTY, "none of the recordings could be read");
}

static mewl_status finish(quantising *q, mewl_quant_opts opts, const char *out, mewl_error *err)
{
    mewl_model *model = mewl_classifier_model(q->classifier);
    uint64_t before = 0, after = 0;
    MEWL_TRY(mewl_model_bytes(model, &before, false, err));
    MEWL_TRY(mewl_model_quantise(model, opts, err));
    if (mewl_net_quant_weights(mewl_model_net(model)) == 0) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "this network has no %s: there is nothing to make smaller%s",
                              opts.kind == MEWL_QUANT_DYNAMIC ? "linear layers" : "layers with an eight-bit form",
                              opts.kind == MEWL_QUANT_DYNAMIC ? " without --calibrate" : "");
    }
    MEWL_TRY(mewl_model_bytes(model, &after, false, err));
    MEWL_TRY(mewl_model_save(model, out, false, err));
    const double share = (double)after / (double)before;
    mewl_cli_note(q->cli, "%s: %.2f MB, %.1f %% of what it is in float32; %s", out, (double)after / 1e6, 100.0 * share,
                  mewl_model_note(model, "quantised"));
    if (opts.kind == MEWL_QUANT_DYNAMIC && share > SHARE_POOR) {
        mewl_cli_note(q->cli, "this network is nearly all convolutions, which --dynamic leaves as they are; with "
                              "--calibrate it would be about a quarter of its size");
    }
    if (!q->cli->json && !q->cli->ndjson) {
        return MEWL_OK;
    }
    json_t *document = json_object();
    (void)mewl_json_set_string(document, "file", out);
    (void)mewl_json_set_string(document, "kind", mewl_quant_kind_name(opts.kind));
    (void)mewl_json_set_string(document, "range",
                               opts.kind == MEWL_QUANT_STATIC ? mewl_quant_range_name(opts.range) : NULL);
    (void)mewl_json_set_int(document, "bytes", (int64_t)after);
    (void)mewl_json_set_int(document, "bytes_float32", (int64_t)before);
    (void)mewl_json_set_real(document, "share", share);
    (void)mewl_json_set_int(document, "recordings", (int64_t)q->used);
    mewl_status status = mewl_json_set_int(document, "layers", (int64_t)mewl_net_quant_weights(mewl_model_net(model)));
    status = status == MEWL_OK ? mewl_json_print(document, stdout, q->cli->json, err) : status;
    json_decref(document);
    return status;
}

static mewl_status open_model(quantising *q, const char *path, mewl_error *err)
{
    if (mewl_classifier_open(&q->classifier, path, err) != MEWL_OK) {
        return mewl_cli_model_explain(path, MEWL_CLI_MODEL_ANY, err);
    }
    mewl_model *model = mewl_classifier_model(q->classifier);
    if (model == NULL) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: a teacher; only models of Mewl's own are quantised", path);
    }
    return mewl_model_quantised(model) == MEWL_QUANT_NONE
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s has eight bits already", path);
}

/* The words and figures of the options. False after reporting what is wrong. */
static bool read_options(mewl_cli *cli, const char **value, mewl_quant_opts *opts, long *clips, int *code)
{
    const char *names[MEWL_RANGE_COUNT];
    bool known = value[OPT_RANGE] == NULL;
    for (int i = 0; i < MEWL_RANGE_COUNT; i++) {
        names[i] = mewl_quant_range_name((mewl_quant_range)i);
        if (value[OPT_RANGE] != NULL && strcmp(value[OPT_RANGE], names[i]) == 0) {
            opts->range = (mewl_quant_range)i;
            known = true;
        }
    }
    *code = MEWL_EXIT_USAGE;
    if (!known) {
        (void)mewl_cli_unknown(cli, "range", value[OPT_RANGE], names, MEWL_RANGE_COUNT);
        return false;
    }
    opts->kind = value[OPT_DYNAMIC] != NULL ? MEWL_QUANT_DYNAMIC : MEWL_QUANT_STATIC;
    return mewl_cli_number(cli, "percentile", value[OPT_PERCENTILE], 50.0, 100.0, &opts->percentile) &&
           mewl_cli_integer(cli, "clips", value[OPT_CLIPS], 1, FILES_MAX, clips);
}

int mewl_cmd_model_quantise(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    mewl_quant_opts opts = {0};
    long clips = CLIPS_DEFAULT;
    if (!read_options(cli, value, &opts, &clips, &code)) {
        return code;
    }
    const bool whole = opts.kind == MEWL_QUANT_STATIC, sounds = value[OPT_CALIBRATE] != NULL || argc > 1;
    if (argc < 1 || value[OPT_OUT] == NULL || whole != sounds) {
        return mewl_cli_usage_error(cli, argc < 1                 ? "name one model"
                                         : value[OPT_OUT] == NULL ? "say where to write with -o OUT.safetensors"
                                         : whole ? "say with --calibrate what it shall listen to, or --dynamic"
                                                 : "--dynamic listens to nothing");
    }
    mewl_error err = {0};
    quantising q = {.cli = cli};
    mewl_status status = open_model(&q, argv[0], &err);
    if (status == MEWL_OK && whole) {
        status = list_sounds(&q, value[OPT_CALIBRATE], argc - 1, argv + 1, &err);
    }
    if (status == MEWL_OK && whole) {
        status = calibrate(&q, (size_t)clips, &err);
    }
    if (status == MEWL_OK) {
        status = finish(&q, opts, value[OPT_OUT], &err);
    }
    mewl_classifier_close(q.classifier);
    mewl_audio_files_fini(&q.files);
    if (q.has_manifest) {
        mewl_manifest_fini(&q.manifest);
    }
    free(q.sounds);
    return status == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(cli, &err);
}
