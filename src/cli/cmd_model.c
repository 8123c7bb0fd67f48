/* cmd_model.c - `mewl model info MODEL`, `mewl model import CHECKPOINT`, `mewl model export MODEL`; quantise and
 * average are in files of their own. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/model_file.h"
#include "models/classifier.h"
#include "models/import.h"
#include "models/onnx.h"
#include "models/torchzip.h"

#define LABELS_SHOWN 8
#define DIGITS_LONG 17 /* a number this long was written to be read back bit by bit */

static const mewl_cli_usage info_usage = {
    .command = "model info",
    .operands = "MODEL",
    .about = "Says what a model file holds: architecture, front end, labels, size, licence, how it was trained.\n"
             "Of a reason model: which reasons, on which network, how it did on infants it had not heard.\n"
             "Of a PyTorch checkpoint that is no model of Mewl's it lists the tensors.",
    .options = NULL,
    .examples = "  mewl model info models/detector.safetensors\n"
                "  mewl model info yamnet.tflite --json\n"};

enum { OPT_ARCH, OPT_OUT, OPT_COUNT };

static const mewl_cli_option import_options[OPT_COUNT + 1] = {
    [OPT_ARCH] = {"arch", 'a', "NAME", "cnn14 or another of PANNs, yamnet, mn04 (see above)", false},
    [OPT_OUT] = {"output", 'o', "OUT.safetensors", "file to write", false},
};

static const mewl_cli_usage import_usage = {
    .command = "model import",
    .operands = "CHECKPOINT",
    .about = "Copies the weights of a published checkpoint into Mewl's own form, unchanged. PANNs and mn04 come as\n"
             "PyTorch files (.pth, .pt; of PyTorch 1.6 and later, or the older form), YAMNet as TFLite.\n"
             "No code in a checkpoint is ever run. NAME is cnn6, cnn10, cnn14, resnet22, mobilenetv1, mobilenetv2 or\n"
             "wavegram-logmel-cnn14 (PANNs), ecapa (SpeechBrain's or speaker_encoder.*), yamnet or mn04.",
    .options = import_options,
    .examples = "  mewl model import Cnn14_mAP=0.431.pth --arch cnn14 -o cnn14.safetensors\n"
                "  mewl model import yamnet.tflite --arch yamnet -o yamnet.safetensors\n"};

enum { EXPORT_FORMAT, EXPORT_OUT, EXPORT_COUNT };

static const mewl_cli_option export_options[EXPORT_COUNT + 1] = {
    [EXPORT_FORMAT] = {"format", 'f', "FORM", "onnx, which is also what it is without this option", false},
    [EXPORT_OUT] = {"output", 'o', "OUT.onnx", "file to write", false},
};

static const mewl_cli_usage export_usage = {
    .command = "model export",
    .operands = "MODEL",
    .about = "Writes a model for other programs, as ONNX (opset 13): the network with its weights, and as metadata\n"
             "its labels, its front end's name and its notes. The front end itself is not in the file: its input is\n"
             "what `mewl features` with that name gives.",
    .options = export_options,
    .examples = "  mewl model export models/detector.safetensors -o detector.onnx\n"
                "  mewl model export yamnet.tflite --format onnx -o yamnet.onnx\n"};

static const mewl_cli_usage model_usage = {.command = "model",
                                           .operands = "info|import|export|quantise|average ...",
                                           .about = "info MODEL          what a model file holds\n"
                                                    "import CHECKPOINT   a published checkpoint into Mewl's own form\n"
                                                    "export MODEL        a model as ONNX, for other programs\n"
                                                    "quantise MODEL      a trained model into one of eight bits\n"
                                                    "average MODEL...    several trainings into their mean",
                                           .options = NULL,
                                           .examples = "  mewl model info --help\n"
                                                       "  mewl model import --help\n"
                                                       "  mewl model export --help\n"
                                                       "  mewl model quantise --help\n"
                                                       "  mewl model average --help\n"};

static double file_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (double)st.st_size : 0.0;
}

/* ---- info ---- */

static json_t *info_json(const mewl_classifier *classifier, const char *path)
{
    const mewl_classifier_info *info = mewl_classifier_describe(classifier);
    json_t *out = json_object(), *labels = json_array(), *notes = json_object();
    (void)mewl_json_set_string(out, "file", path);
    (void)mewl_json_set_int(out, "bytes", (int64_t)file_bytes(path));
    (void)mewl_json_set_string(out, "arch", info->arch);
    (void)mewl_json_set_string(out, "front_end", info->front_end);
    (void)mewl_json_set_real(out, "rate_hz", info->rate_hz);
    (void)mewl_json_set_int(out, "bands", (int64_t)info->bands);
    (void)mewl_json_set_int(out, "parameters", info->params);
    (void)mewl_json_set_int(out, "classes", (int64_t)info->classes);
    (void)mewl_json_set_int(out, "embedding", (int64_t)info->embedding);
    (void)mewl_json_set_string(out, "activation", info->softmax ? "softmax" : "sigmoid");
    (void)mewl_json_set_bool(out, "framewise", info->framewise);
    for (size_t i = 0; i < info->classes; i++) {
        (void)json_array_append_new(labels, mewl_json_string(mewl_classifier_label(classifier, i)));
    }
    const char *key, *text;
    for (size_t i = 0; mewl_classifier_note_at(classifier, &key, &text, i); i++) {
        (void)mewl_json_set_string(notes, key, text);
    }
    (void)mewl_json_set(out, "labels", labels);
    (void)mewl_json_set(out, "notes", notes);
    return out;
}

/* Prints a number that was written with all its binary digits in the fewest that mean the same: 0.59999999999999998 as
 * 0.6. Returns how much of `text` it took, 0 when this is no such number. */
static size_t print_number(const char *text)
{
    char *end;
    char shown[40];
    const size_t letters = strspn(text, "0123456789.");
    const double number = strtod(text, &end);
    if (letters < DIGITS_LONG || (size_t)(end - text) < letters) {
        return 0;
    }
    (void)snprintf(shown, sizeof shown, "%.15g", number);
    if (strtod(shown, NULL) < number || strtod(shown, NULL) > number) {
        return 0;
    }
    (void)fputs(shown, stdout);
    return (size_t)(end - text);
}

void mewl_cli_print_note(const char *key, const char *text)
{
    (void)printf("%-12s ", key);
    for (const char *c = text; *c != '\0'; c++) {
        const bool starts = c == text || strchr(" -,[{:\n", c[-1]) != NULL;
        const size_t taken = starts ? print_number(c) : 0;
        if (taken > 0) {
            c += taken - 1;
            continue;
        }
        if (*c == '\n' && c[1] != '\0') {
            (void)printf("\n%13s", "");
        } else if (*c != '\n') {
            (void)putchar(*c);
        }
    }
    (void)putchar('\n');
}

static void print_info(const mewl_classifier *classifier, const char *path)
{
    const mewl_classifier_info *info = mewl_classifier_describe(classifier);
    (void)printf("file         %s (%.2f MB)\n", path, file_bytes(path) / 1e6);
    (void)printf("architecture %s%s, %lld parameters\n", info->arch, info->framewise ? ", frame by frame" : "",
                 (long long)info->params);
    (void)printf("front end    %s: %zu bands at %g Hz\n", info->front_end, info->bands, info->rate_hz);
    (void)printf("embedding    %zu\n", info->embedding);
    (void)printf("classes      %zu (%s): ", info->classes, info->softmax ? "softmax" : "sigmoid");
    for (size_t i = 0; i < info->classes && i < LABELS_SHOWN; i++) {
        const char *label = mewl_classifier_label(classifier, i);
        (void)printf("%s%s", i > 0 ? "; " : "", label[0] != '\0' ? label : "(no label)");
    }
    (void)puts(info->classes > LABELS_SHOWN ? "; ..." : "");
    const char *key, *text;
    for (size_t i = 0; mewl_classifier_note_at(classifier, &key, &text, i); i++) {
        mewl_cli_print_note(key, text);
    }
}

/* The tensors of a PyTorch checkpoint that is no model of ours. */
static int print_tensors(mewl_cli *cli, const mewl_torchzip *file, const char *path)
{
    json_t *list = json_array();
    size_t elements = 0;
    for (size_t i = 0; i < mewl_torchzip_count(file); i++) {
        const mewl_torch_tensor *t = mewl_torchzip_at(file, i);
        json_t *row = json_object(), *shape = json_array();
        elements += t->count;
        for (size_t d = 0; d < t->ndim; d++) {
            (void)json_array_append_new(shape, json_integer((json_int_t)t->shape[d]));
        }
        (void)mewl_json_set_string(row, "name", t->name);
        (void)mewl_json_set_string(row, "type", mewl_torch_type_name(t->type));
        (void)mewl_json_set(row, "shape", shape);
        (void)json_array_append_new(list, row);
    }
    if (!cli->json && !cli->ndjson) {
        (void)printf("file         %s (%.2f MB)\nform         PyTorch checkpoint, %zu tensors, %zu elements\n", path,
                     file_bytes(path) / 1e6, mewl_torchzip_count(file), elements);
        for (size_t i = 0; i < json_array_size(list); i++) {
            char *shape = mewl_json_text(json_object_get(json_array_get(list, i), "shape"), false);
            (void)printf("  %s %s %s\n", mewl_torchzip_at(file, i)->name,
                         mewl_torch_type_name(mewl_torchzip_at(file, i)->type), shape != NULL ? shape : "");
            free(shape);
        }
        json_decref(list);
        return MEWL_EXIT_DONE;
    }
    mewl_error err = {0};
    json_t *out = json_object();
    (void)mewl_json_set_string(out, "file", path);
    (void)mewl_json_set_int(out, "bytes", (int64_t)file_bytes(path));
    (void)mewl_json_set(out, "tensors", list);
    const mewl_status status = mewl_json_print(out, stdout, cli->json, &err);
    json_decref(out);
    return status == MEWL_OK ? MEWL_EXIT_DONE : mewl_cli_fail(cli, &err);
}

static int run_info(mewl_cli *cli, int argc, char **argv)
{
    int code = mewl_cli_parse(cli, &info_usage, argc, argv, NULL, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc != 1) {
        return mewl_cli_usage_error(cli, "name one model file");
    }
    mewl_error err = {0};
    mewl_classifier *classifier;
    if (mewl_classifier_open(&classifier, argv[0], &err) != MEWL_OK) {
        mewl_torchzip *file;
        if (mewl_cli_reason_info(cli, &code, argv[0])) {
            return code;
        }
        if (err.status == MEWL_E_UNSUPPORTED && mewl_torchzip_open(&file, argv[0], NULL) == MEWL_OK) {
            code = print_tensors(cli, file, argv[0]);
            mewl_torchzip_close(file);
            return code;
        }
        (void)mewl_cli_model_explain(argv[0], MEWL_CLI_MODEL_ANY, &err);
        return mewl_cli_fail(cli, &err);
    }
    code = MEWL_EXIT_DONE;
    if (cli->json || cli->ndjson) {
        json_t *document = info_json(classifier, argv[0]);
        code = mewl_json_print(document, stdout, cli->json, &err) == MEWL_OK ? code : mewl_cli_fail(cli, &err);
        json_decref(document);
    } else {
        print_info(classifier, argv[0]);
    }
    mewl_classifier_close(classifier);
    return code;
}

/* ---- import ---- */

static int unknown_arch(const mewl_cli *cli, const char *given)
{
    const char *names[16];
    size_t count = 0;
    while (count < sizeof names / sizeof names[0] && mewl_import_arch_at(count) != NULL) {
        names[count] = mewl_import_arch_at(count);
        count++;
    }
    return mewl_cli_unknown(cli, "architecture", given, names, count);
}

static int run_import(mewl_cli *cli, int argc, char **argv)
{
    const char *value[OPT_COUNT];
    int code = mewl_cli_parse(cli, &import_usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc != 1 || value[OPT_ARCH] == NULL || value[OPT_OUT] == NULL) {
        return mewl_cli_usage_error(cli, argc != 1                 ? "name one checkpoint"
                                         : value[OPT_ARCH] == NULL ? "say with --arch what it is"
                                                                   : "say where to write with -o OUT.safetensors");
    }
    mewl_error err = {0};
    const mewl_status status = mewl_import(argv[0], value[OPT_ARCH], value[OPT_OUT], &err);
    if (status == MEWL_E_ARG) {
        return unknown_arch(cli, value[OPT_ARCH]);
    }
    if (status != MEWL_OK) {
        return mewl_cli_fail(cli, &err);
    }
    mewl_cli_note(cli, "%s: %.2f MB", value[OPT_OUT], file_bytes(value[OPT_OUT]) / 1e6);
    return MEWL_EXIT_DONE;
}

/* ---- export ---- */

static int run_export(mewl_cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"onnx"};
    const char *value[EXPORT_COUNT];
    int code = mewl_cli_parse(cli, &export_usage, argc, argv, value, &argc, &argv);
    if (code != MEWL_CLI_GO) {
        return code;
    }
    if (argc != 1 || value[EXPORT_OUT] == NULL) {
        return mewl_cli_usage_error(cli, argc != 1 ? "name one model file" : "say where to write with -o OUT.onnx");
    }
    if (value[EXPORT_FORMAT] != NULL && strcmp(value[EXPORT_FORMAT], formats[0]) != 0) {
        return mewl_cli_unknown(cli, "format", value[EXPORT_FORMAT], formats, 1);
    }
    mewl_error err = {0};
    if (mewl_onnx_export(argv[0], value[EXPORT_OUT], &err) != MEWL_OK) {
        (void)mewl_cli_model_explain(argv[0], MEWL_CLI_MODEL_ANY, &err);
        return mewl_cli_fail(cli, &err);
    }
    mewl_cli_note(cli, "%s: %.2f MB", value[EXPORT_OUT], file_bytes(value[EXPORT_OUT]) / 1e6);
    return MEWL_EXIT_DONE;
}

int mewl_cmd_model(mewl_cli *cli, int argc, char **argv)
{
    static const mewl_cli_command commands[] = {{"info", NULL, run_info},
                                                {"import", NULL, run_import},
                                                {"export", NULL, run_export},
                                                {"quantise", NULL, mewl_cmd_model_quantise},
                                                {"average", NULL, mewl_cmd_model_average}};
    return mewl_cli_dispatch(cli, &model_usage, commands, sizeof commands / sizeof commands[0], "info", argc, argv);
}
