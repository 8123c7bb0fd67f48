/* find.c - see find.h. */
#include "cli/find.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/list.h"
#include "base/folder.h"

#define INPUTS_MAX 1000000u
#define LEVELS_UP 5

#ifndef MEWL_DATA_FOLDER
#error "the build must say where data is installed"
#endif

static const char model_name[] = "models/detector.safetensors";
static const char reason_name[] = "models/reason.safetensors";
static const char population_name[] = "models/population.mewl";
static const char embedder_name[] = "models/embedder.safetensors";

static bool readable(const char *path)
{
    return access(path, R_OK) == 0;
}

/* root/name, when it is there to be read. */
static bool found(char *out, size_t size, const char *root, const char *name)
{
    const int used = snprintf(out, size, "%s/%s", root, name);
    return used > 0 && (size_t)used < size && readable(out);
}

bool mewl_cli_find_shipped(char *out, size_t size, const char *name)
{
    char folder[PATH_MAX], installed[64];
    const ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    (void)snprintf(installed, sizeof installed, "share/mewl/%s", name);
    folder[length > 0 ? length : 0] = '\0';
    for (int level = 0; level < LEVELS_UP; level++) {
        char *slash = strrchr(folder, '/');
        if (slash == NULL) {
            break;
        }
        *slash = '\0';
        if (found(out, size, folder, name) || found(out, size, folder, installed)) {
            return true;
        }
    }
#ifdef MEWL_SOURCE_FOLDER
    if (found(out, size, MEWL_SOURCE_FOLDER, name)) {
        return true;
    }
#endif
    return found(out, size, MEWL_DATA_FOLDER, name);
}

static mewl_status take_given(char *out, size_t size, const char *given, mewl_error *err)
{
    if ((size_t)snprintf(out, size, "%s", given) >= size) {
        return mewl_error_set(err, MEWL_E_ARG, "the path of the model is too long");
    }
    return readable(out) ? MEWL_OK
                         : mewl_error_set(err, MEWL_E_NOT_FOUND, "%s: the model is not there or may not be read", out);
}

mewl_status mewl_cli_find_model(const mewl_cli *cli, char *out, size_t size, const char *given, mewl_error *err)
{
    (void)cli;
    if (given != NULL) {
        return take_given(out, size, given, err);
    }
    return mewl_cli_find_shipped(out, size, model_name)
               ? MEWL_OK
               : mewl_error_set(
                     err, MEWL_E_NOT_FOUND,
                     "there is no detector model: %s was found neither beside the program "
                     "nor in %s; name one with --model FILE or MEWL_MODEL, or train one with recipes/detect.ini",
                     model_name, MEWL_DATA_FOLDER);
}

mewl_status mewl_cli_find_embedder(const mewl_cli *cli, char *out, size_t size, const char *given, mewl_error *err)
{
    if (given != NULL) {
        return take_given(out, size, given, err);
    }
    return mewl_cli_find_shipped(out, size, embedder_name) ? MEWL_OK : mewl_cli_find_model(cli, out, size, NULL, err);
}

mewl_status mewl_cli_find_reason(const mewl_cli *cli, char *out, size_t size, const char *given, mewl_error *err)
{
    (void)cli;
    if (given != NULL) {
        return take_given(out, size, given, err);
    }
    return mewl_cli_find_shipped(out, size, reason_name)
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_NOT_FOUND,
                                "there is no reason model: %s was found neither beside the program nor in %s; name one "
                                "with --reason-model FILE, or make one with `mewl lab reason --make FILE`",
                                reason_name, MEWL_DATA_FOLDER);
}

bool mewl_cli_find_population(char *out, size_t size)
{
    return mewl_cli_find_shipped(out, size, population_name);
}

static bool processor_has_bf16(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16") != 0;
#else
    return false;
#endif
}

int mewl_cli_precision(const mewl_cli *cli, const char *text, bool *bf16)
{
    static const char *const words[] = {"auto", "fp32", "bf16"};
    if (text == NULL || strcmp(text, "auto") == 0) {
        *bf16 = processor_has_bf16();
        return MEWL_CLI_GO;
    }
    *bf16 = strcmp(text, "bf16") == 0;
    return *bf16 || strcmp(text, "fp32") == 0 ? MEWL_CLI_GO : mewl_cli_unknown(cli, "precision", text, words, 3);
}

bool mewl_cli_raw_fits(const mewl_cli *cli, const char *raw, const char *rate, const char *channels, int argc,
                       char *const *argv)
{
    if (raw == NULL && (rate != NULL || channels != NULL)) {
        (void)mewl_cli_usage_error(cli, "--%s is that of raw sound: say which with --raw FORMAT",
                                   rate != NULL ? "rate" : "channels");
        return false;
    }
    for (int i = 0; raw != NULL && i < argc; i++) {
        if (strcmp(argv[i], "-") != 0) {
            (void)mewl_cli_usage_error(cli, "--raw is for standard input alone, not for %s: - < FILE", argv[i]);
            return false;
        }
    }
    return true;
}

/* Where the shown name starts: after the folder that was given, else after the last slash. */
static size_t name_start(const char *path, const char *operand, bool is_folder)
{
    size_t length = strlen(operand);
    if (is_folder && strncmp(path, operand, length) == 0 && path[length] != '\0') {
        return path[length] == '/' ? length + 1 : length;
    }
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? (size_t)(slash + 1 - path) : 0;
}

mewl_status mewl_cli_inputs_add(mewl_cli_inputs *inputs, const char *operand, mewl_error *err)
{
    mewl_audio_files files = {0};
    MEWL_TRY(mewl_audio_list(&files, operand, INPUTS_MAX - inputs->count, err));
    mewl_cli_input *grown = realloc(inputs->list, (inputs->count + files.count + 1) * sizeof *grown);
    if (grown == NULL) {
        mewl_audio_files_fini(&files);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu recordings", inputs->count + files.count);
    }
    inputs->list = grown;
    bool is_folder = mewl_folder_exists(operand);
    for (size_t i = 0; i < files.count; i++) {
        char *path = files.paths[i];
        struct stat info;
        bool regular = stat(path, &info) == 0 && S_ISREG(info.st_mode);
        inputs->list[inputs->count++] = (mewl_cli_input){
            .path = path,
            .name = path + name_start(path, operand, is_folder),
            .bytes = regular ? (double)info.st_size : 0.0,
        };
        files.paths[i] = NULL; /* handed over */
    }
    mewl_audio_files_fini(&files);
    return MEWL_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

mewl_status mewl_cli_inputs_distinguish(mewl_cli_inputs *inputs, mewl_error *err)
{
    const char **names = malloc((inputs->count + 1) * sizeof *names);
    if (names == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu recordings", inputs->count);
    }
    for (size_t i = 0; i < inputs->count; i++) {
        names[i] = inputs->list[i].name;
    }
    qsort(names, inputs->count, sizeof *names, compare_names);
    bool shared = false;
    for (size_t i = 1; i < inputs->count && !shared; i++) {
        shared = strcmp(names[i - 1], names[i]) == 0;
    }
    free(names);
    for (size_t i = 0; i < inputs->count && shared; i++) {
        inputs->list[i].name = inputs->list[i].path;
    }
    return MEWL_OK;
}

void mewl_cli_inputs_fini(mewl_cli_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        free(inputs->list[i].path);
    }
    free(inputs->list);
    *inputs = (mewl_cli_inputs){0};
}

mewl_status mewl_cli_spare_recording(const char *out, mewl_error *err)
{
    struct stat about;
    if (strcmp(out, "-") == 0) {
        return mewl_error_set(err, MEWL_E_ARG, "this cannot go to standard output: name a file");
    }
    if (mewl_audio_known_name(out) && stat(out, &about) == 0 && S_ISREG(about.st_mode)) {
        return mewl_error_set(err, MEWL_E_ARG, "%s is a recording, and would be lost: write to another name", out);
    }
    return MEWL_OK;
}
