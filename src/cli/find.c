/* find.c - see find.h. */
#include "cli/find.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"

#define INPUTS_MAX 1000000u
#define DEPTH_MAX 32
#define LEVELS_UP 5

#ifndef MEWL_DATA_FOLDER
#error "the build must say where data is installed"
#endif

static const char model_name[] = "models/detector.safetensors";

static bool readable(const char *path)
{
    return access(path, R_OK) == 0;
}

mewl_status mewl_cli_find_model(const mewl_cli *cli, char *out, size_t size, const char *given, mewl_error *err)
{
    (void)cli;
    if (given != NULL) {
        if ((size_t)snprintf(out, size, "%s", given) >= size) {
            return mewl_error_set(err, MEWL_E_ARG, "the path of the model is too long");
        }
        if (!readable(out)) {
            return mewl_error_set(err, MEWL_E_NOT_FOUND, "%s: the model is not there or may not be read", out);
        }
        return MEWL_OK;
    }
    char folder[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length > 0) {
        folder[length] = '\0';
        for (int level = 0; level < LEVELS_UP; level++) {
            char *slash = strrchr(folder, '/');
            if (slash == NULL) {
                break;
            }
            *slash = '\0';
            int used = snprintf(out, size, "%s/%s", folder, model_name);
            if (used > 0 && (size_t)used < size && readable(out)) {
                return MEWL_OK;
            }
            used = snprintf(out, size, "%s/share/mewl/%s", folder, model_name);
            if (used > 0 && (size_t)used < size && readable(out)) {
                return MEWL_OK;
            }
        }
    }
    static const char *const roots[] = {
#ifdef MEWL_SOURCE_FOLDER
        MEWL_SOURCE_FOLDER,
#endif
        MEWL_DATA_FOLDER};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        int used = snprintf(out, size, "%s/%s", roots[i], model_name);
        if (used > 0 && (size_t)used < size && readable(out)) {
            return MEWL_OK;
        }
    }
    return mewl_error_set(err, MEWL_E_NOT_FOUND, "there is no detector model: %s was found neither beside the program "
                          "nor in %s; name one with --model FILE or MEWL_MODEL, or train one with recipes/detect.ini",
                          model_name, MEWL_DATA_FOLDER);
}

bool mewl_cli_looks_like_recording(const char *name)
{
    static const char *const endings[] = {
        "wav", "w64", "rf64", "bwf", "flac", "ogg", "oga", "opus", "mp3", "mp2", "m4a", "m4b", "aac", "caf", "aif",
        "aiff", "aifc", "au", "snd", "amr", "awb", "3gp", "3g2", "wma", "asf", "ac3", "eac3", "dts", "ape", "wv", "tta",
        "mka", "mkv", "webm", "weba", "mp4", "m4v", "mov", "avi", "flv", "ts", "mts", "m2ts", "mpg", "mpeg", "vob",
        "wmv", "ogv", "voc", "gsm", "spx"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot + 1, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

static mewl_status add(mewl_cli_inputs *inputs, const char *path, size_t name_at, double bytes, mewl_error *err)
{
    if (inputs->count == inputs->capacity) {
        if (inputs->count >= INPUTS_MAX) {
            return mewl_error_set(err, MEWL_E_MEMORY, "more than %u recordings", INPUTS_MAX);
        }
        size_t capacity = inputs->capacity > 0 ? 2 * inputs->capacity : 16;
        mewl_cli_input *grown = realloc(inputs->list, capacity * sizeof *grown);
        if (grown == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu recordings", capacity);
        }
        inputs->list = grown;
        inputs->capacity = capacity;
    }
    char *copy = strdup(path);
    if (copy == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %s", path);
    }
    inputs->list[inputs->count++] = (mewl_cli_input){copy, copy + name_at, bytes};
    return MEWL_OK;
}

static mewl_status walk(mewl_cli_inputs *inputs, const char *folder, size_t name_at, int depth, mewl_error *err)
{
    if (depth > DEPTH_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: folders are nested deeper than %d", folder, DEPTH_MAX);
    }
    mewl_folder_list names;
    if (mewl_folder_read(&names, folder, INPUTS_MAX, NULL) != MEWL_OK) {
        return add(inputs, folder, name_at < strlen(folder) ? name_at : 0, 0.0, err);
    }
    mewl_status status = MEWL_OK;
    for (size_t i = 0; i < names.count && status == MEWL_OK; i++) {
        char *path = mewl_folder_join(folder, names.names[i]);
        struct stat info;
        if (path == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory in %s", folder);
        } else if (stat(path, &info) != 0) {
            inputs->skipped++; /* a link that leads nowhere */
        } else if (S_ISDIR(info.st_mode)) {
            status = walk(inputs, path, name_at, depth + 1, err);
        } else if (S_ISREG(info.st_mode) && mewl_cli_looks_like_recording(path)) {
            status = add(inputs, path, name_at, (double)info.st_size, err);
        } else {
            inputs->skipped++;
        }
        free(path);
    }
    mewl_folder_list_fini(&names);
    return status;
}

mewl_status mewl_cli_inputs_add(mewl_cli_inputs *inputs, const char *operand, mewl_error *err)
{
    struct stat info;
    bool found = strcmp(operand, "-") != 0 && stat(operand, &info) == 0;
    const char *slash = strrchr(operand, '/');
    size_t tail = slash != NULL && slash[1] != '\0' ? (size_t)(slash + 1 - operand) : 0;
    if (!found || !S_ISDIR(info.st_mode)) {
        return add(inputs, operand, tail, found ? (double)info.st_size : 0.0, err);
    }
    size_t before = inputs->count;
    size_t length = strlen(operand);
    MEWL_TRY(walk(inputs, operand, operand[length - 1] == '/' ? length : length + 1, 0, err));
    return inputs->count > before ? MEWL_OK : add(inputs, operand, 0, 0.0, err);
}

void mewl_cli_inputs_fini(mewl_cli_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        free(inputs->list[i].path);
    }
    free(inputs->list);
    *inputs = (mewl_cli_inputs){0};
}
