/* cmd_features.c - `mewl features`: the features of a recording as a NumPy array, frame by frame, of any length. */
#include <stdlib.h>
#include <string.h>

#include "audio/source.h"
#include "base/json.h"
#include "base/npy.h"
#include "cli/commands.h"
#include "cli/find.h"
#include "cli/voice.h"
#include "dsp/frontend.h"

#define PULL_SAMPLES 16384u
#define BLOCK_FRAMES 256u
#define CLIPWIDE_FLOATS_MAX (64u << 20) /* 256 MB: what a clip-wide front end may hold */

enum { OPT_KIND, OPT_CONFIG, OPT_OUT, OPT_RAW, OPT_RATE, OPT_CHANNELS, OPT_COUNT };

static const mewl_cli_option options[OPT_COUNT + 1] = {
    [OPT_KIND] = {"kind", 'k', "KIND",
                  "spectrogram, mel, logmel, mfcc, hybrid, wavegram (what the front end is known for); voice; egemaps",
                  false},
    [OPT_CONFIG] = {"config", 'c', "NAME",
                    "panns-32k, panns-16k, ecapa, yamnet, mn, hybrid, wavegram-32k or -16k (panns-16k)", false},
    [OPT_OUT] = {"output", 'o', "OUT.npy",
                 "file to write: float32, one row a frame; measures of the voice: .csv or .json", false},
    [OPT_RAW] = {"raw", 0, "FORMAT", "standard input is raw sound: s16le, f32le, mulaw, ...", false},
    [OPT_RATE] = {"rate", 0, "HZ", "rate of raw sound (16000)", false},
    [OPT_CHANNELS] = {"channels", 0, "N", "channels of raw sound (1)", false},
};

static const mewl_cli_usage usage = {
    .command = "features",
    .operands = "FILE",
    .about = "Writes the features of a recording as an array (frames, bands) that numpy.load opens.\n"
             "Sound is mixed down to one channel and resampled to the front end's rate.\n"
             "--kind voice measures the voice instead (F0, melody, breaths, jitter, shimmer, harmonicity,\n"
             "formants) and prints it; -o then takes .npy (F0 track: time, Hz, strength), .csv or .json.\n"
             "--kind egemaps computes 88 figures under the names of eGeMAPSv02, by Mewl's own formulas.",
    .options = options,
    .examples = "  mewl features cry.wav --config panns-16k -o cry.npy\n"
                "  mewl features cry.wav --kind mfcc --config hybrid -o mfcc.npy\n"
                "  mewl features cry.wav --kind voice\n"
                "  mewl features cry.wav --kind voice --json > voice.json\n"
                "  python3 -c 'import numpy; print(numpy.load(\"cry.npy\").shape)'\n"};

typedef struct extraction {
    mewl_cli *cli;
    mewl_source *source;
    mewl_frontend *fe;
    mewl_npy_writer *writer;
    float *pcm, *frames;
    float *all; /* clip-wide front ends alone */
    size_t rows, all_rows, all_capacity;
    bool writing; /* what fails now is the output: that is not the input's trouble */
} extraction;

static mewl_status keep_all(extraction *x, const float *frames, size_t count, mewl_error *err)
{
    size_t bands = mewl_frontend_bands(x->fe);
    if (x->all_rows + count > x->all_capacity) {
        size_t capacity = 2 * (x->all_rows + count);
        float *grown =
            capacity * bands <= 2u * CLIPWIDE_FLOATS_MAX ? realloc(x->all, capacity * bands * sizeof *grown) : NULL;
        if (grown == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY,
                                  "this front end looks at the whole recording at once, and this "
                                  "one is too long for that; cut it, or use another --config");
        }
        x->all = grown;
        x->all_capacity = capacity;
    }
    memcpy(x->all + x->all_rows * bands, frames, count * bands * sizeof *frames);
    x->all_rows += count;
    return MEWL_OK;
}

static mewl_status write_rows(extraction *x, const float *frames, size_t count, mewl_error *err)
{
    x->writing = true;
    MEWL_TRY(mewl_npy_writer_push(x->writer, frames, count, err));
    x->writing = false;
    return MEWL_OK;
}

static mewl_status write_ready(extraction *x, mewl_error *err)
{
    for (;;) {
        size_t got = 0;
        mewl_frontend_pull(x->fe, x->frames, BLOCK_FRAMES, &got);
        if (got == 0) {
            return MEWL_OK;
        }
        x->rows += got;
        MEWL_TRY(mewl_frontend_is_clipwide(x->fe) ? keep_all(x, x->frames, got, err)
                                                  : write_rows(x, x->frames, got, err));
    }
}

static mewl_status push_all(extraction *x, const float *samples, size_t count, mewl_error *err)
{
    while (count > 0) {
        size_t taken = 0;
        MEWL_TRY(mewl_frontend_push(x->fe, &taken, samples, count, err));
        samples += taken;
        count -= taken;
        MEWL_TRY(write_ready(x, err));
    }
    return MEWL_OK;
}

static mewl_status extract(extraction *x, const char *path, mewl_error *err)
{
    mewl_source_info info;
    mewl_source_describe(x->source, &info);
    if (info.live) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: this is a live stream without an end", path);
    }
    for (;;) {
        size_t got = 0;
        MEWL_TRY(mewl_source_pull(x->source, x->pcm, PULL_SAMPLES, &got, err));
        if (got == 0) {
            break;
        }
        MEWL_TRY(push_all(x, x->pcm, got, err));
        mewl_source_describe(x->source, &info);
        mewl_cli_report(x->cli, (double)info.frames, info.duration_s > 0.0 ? info.duration_s * info.rate_hz : 0.0,
                        "features");
    }
    mewl_frontend_finish(x->fe);
    MEWL_TRY(write_ready(x, err));
    if (x->rows == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: too short for one frame", path);
    }
    if (x->all != NULL) {
        mewl_frontend_settle(x->fe, x->all, x->all_rows);
        MEWL_TRY(write_rows(x, x->all, x->all_rows, err));
    }
    x->writing = true;
    return mewl_npy_writer_commit(x->writer, err);
}

static void print_result(const mewl_cli *cli, const extraction *x, const char *path, const char *out)
{
    static const char *const kinds[] = {
        [MEWL_FEATURE_SPECTROGRAM] = "spectrogram", [MEWL_FEATURE_MEL] = "mel",
        [MEWL_FEATURE_LOGMEL] = "logmel",           [MEWL_FEATURE_MFCC] = "mfcc",
        [MEWL_FEATURE_HYBRID] = "hybrid",           [MEWL_FEATURE_WAVEGRAM] = "wavegram"};
    double rate_hz = mewl_frontend_rate_hz(x->fe);
    size_t hop = mewl_frontend_hop_samples(x->fe);
    const char *kind = kinds[mewl_frontend_kind(x->fe)];
    if (!cli->json && !cli->ndjson) {
        mewl_cli_note(cli, "%s: %zu frame%s x %zu (%s of %s), one each %g ms", out, x->rows, mewl_cli_s(x->rows),
                      mewl_frontend_bands(x->fe), kind, mewl_frontend_name(x->fe), 1e3 * (double)hop / rate_hz);
        return;
    }
    json_t *line = json_object();
    mewl_error err = {0};
    bool ok = mewl_json_set_string(line, "event", "features") == MEWL_OK &&
              mewl_json_set_string(line, "file", path) == MEWL_OK &&
              mewl_json_set_string(line, "output", out) == MEWL_OK &&
              mewl_json_set_string(line, "config", mewl_frontend_name(x->fe)) == MEWL_OK &&
              mewl_json_set_string(line, "kind", kind) == MEWL_OK &&
              mewl_json_set_int(line, "frames", (int64_t)x->rows) == MEWL_OK &&
              mewl_json_set_int(line, "bands", (int64_t)mewl_frontend_bands(x->fe)) == MEWL_OK &&
              mewl_json_set_real(line, "rate_hz", rate_hz) == MEWL_OK &&
              mewl_json_set_int(line, "hop_samples", (int64_t)hop) == MEWL_OK &&
              mewl_json_set_real(line, "first_frame_s", mewl_frontend_frame_time_s(x->fe, 0)) == MEWL_OK;
    if (!ok || mewl_json_print(line, stdout, cli->json, &err) != MEWL_OK) {
        mewl_cli_error(cli, "the result could not be printed");
    }
    json_decref(line);
}

static int unknown_name(const mewl_cli *cli, const char *what, const char *given)
{
    static const char *const kinds[] = {"spectrogram", "mel",      "logmel", "mfcc",
                                        "hybrid",      "wavegram", "voice",  "egemaps"};
    const char *configs[16];
    size_t count = 0;
    while (count < 16 && mewl_frontend_name_at(count) != NULL) {
        configs[count] = mewl_frontend_name_at(count);
        count++;
    }
    return strcmp(what, "kind") == 0 ? mewl_cli_unknown(cli, what, given, kinds, sizeof kinds / sizeof kinds[0])
                                     : mewl_cli_unknown(cli, what, given, configs, count);
}

int mewl_cmd_features(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    double rate = 0.0;
    long channels = 0;
    int code = mewl_cli_parse(cli, &usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    const char *asked = value[OPT_KIND];
    bool egemaps = asked != NULL && strcmp(asked, "egemaps") == 0;
    if (argc == 1 && asked != NULL && (egemaps || strcmp(asked, "voice") == 0)) {
        if (value[OPT_RAW] != NULL || value[OPT_CONFIG] != NULL) {
            return mewl_cli_usage_error(cli, "--kind %s takes neither --raw nor --config", asked);
        }
        return mewl_cli_voice_features(cli, argv[0], value[OPT_OUT], egemaps);
    }
    if (argc != 1 || value[OPT_OUT] == NULL) {
        return mewl_cli_usage_error(cli, argc != 1 ? "name one recording" : "say where to write with -o OUT.npy");
    }
    if (!mewl_cli_raw_fits(cli, value[OPT_RAW], value[OPT_RATE], value[OPT_CHANNELS], argc, argv)) {
        return MEWL_EXIT_USAGE;
    }
    if (!mewl_cli_number(cli, "rate", value[OPT_RATE], 1000.0, 1e6, &rate) ||
        !mewl_cli_integer(cli, "channels", value[OPT_CHANNELS], 1, 64, &channels)) {
        return MEWL_EXIT_USAGE;
    }
    mewl_feature kind = MEWL_FEATURE_DEFAULT;
    const char *config = value[OPT_CONFIG] != NULL ? value[OPT_CONFIG] : "panns-16k";
    if (value[OPT_KIND] != NULL && mewl_feature_parse(&kind, value[OPT_KIND], NULL) != MEWL_OK) {
        return unknown_name(cli, "kind", value[OPT_KIND]);
    }
    extraction x = {.cli = cli};
    mewl_error err = {0};
    if (mewl_cli_spare_recording(value[OPT_OUT], &err) != MEWL_OK) {
        return mewl_cli_fail(cli, &err);
    }
    mewl_status status = mewl_frontend_new_kind(&x.fe, config, kind, &err);
    if (status == MEWL_E_NOT_FOUND) {
        return unknown_name(cli, "config", config);
    }
    if (status == MEWL_OK) {
        mewl_source_opts opts = {
            .rate_hz = mewl_frontend_rate_hz(x.fe), .channels = 1, .raw = {value[OPT_RAW], rate, (int)channels}};
        status = mewl_source_open(&x.source, argv[0], opts, &err);
    }
    if (status == MEWL_OK) {
        size_t bands = mewl_frontend_bands(x.fe);
        x.pcm = malloc(PULL_SAMPLES * sizeof *x.pcm);
        x.frames = malloc(BLOCK_FRAMES * bands * sizeof *x.frames);
        status = x.pcm == NULL || x.frames == NULL ? mewl_error_set(&err, MEWL_E_MEMORY, "out of memory")
                                                   : mewl_npy_writer_open(&x.writer, value[OPT_OUT], &bands, 1, &err);
        x.writing = status != MEWL_OK;
    }
    if (status == MEWL_OK) {
        status = extract(&x, argv[0], &err);
    }
    mewl_cli_report_clear(cli);
    if (status == MEWL_OK) {
        print_result(cli, &x, argv[0], value[OPT_OUT]);
        code = MEWL_EXIT_DONE;
    } else {
        code = mewl_cli_fail(cli, &err);
        code = x.writing && err.status != MEWL_E_ARG ? MEWL_EXIT_FAILED : code;
    }
    mewl_npy_writer_close(x.writer);
    mewl_source_close(x.source);
    mewl_frontend_free(x.fe);
    free(x.pcm);
    free(x.frames);
    free(x.all);
    return code;
}
