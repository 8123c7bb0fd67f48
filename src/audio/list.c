#include "audio/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/folder.h"

#define DEPTH_MOST 64

bool mewl_audio_known_name(const char *name)
{
    static const char *const known[] = {
        "wav",  "wave", "w64", "rf64", "bwf",  "flac", "ogg", "oga",  "opus", "spx", "mp3", "mp2", "m4a",
        "m4b",  "mp4",  "m4v", "aac",  "adts", "3gp",  "3g2", "3gpp", "amr",  "awb", "caf", "aif", "aiff",
        "aifc", "au",   "snd", "wma",  "wmv",  "asf",  "mkv", "mka",  "webm", "mov", "avi", "mpg", "mpeg",
        "ts",   "mts",  "flv", "ac3",  "wv",   "ape",  "tta", "gsm",  "voc",  "qt",  "mpc",
    };
    const char *dot = strrchr(name, '.');
    if (dot == NULL || dot == name) {
        return false;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(dot + 1, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

static mewl_status append(mewl_audio_files *files, const char *path, size_t max_count, mewl_error *err)
{
    if (files->count >= max_count) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: more than %zu files", path, max_count);
    }
    /* Room grows when the count reaches a power of two. */
    if ((files->count & (files->count - 1)) == 0) {
        const size_t room = files->count == 0 ? 1 : 2 * files->count;
        char **paths = realloc(files->paths, room * sizeof *paths);
        if (paths == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
        }
        files->paths = paths;
    }
    char *copy = strdup(path);
    if (copy == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    files->paths[files->count++] = copy;
    return MEWL_OK;
}

static mewl_status walk(mewl_audio_files *files, const char *folder, size_t max_count, int depth, mewl_error *err);

/* One name in a folder: walked into, appended or passed by. */
static mewl_status take(mewl_audio_files *files, const char *path, const char *name, size_t max_count, int depth,
                        mewl_error *err)
{
    struct stat about;
    if (lstat(path, &about) != 0) {
        /* Gone since the folder was read, or a folder that lists its names and nothing more: opening them says so. */
        return errno != ENOENT && mewl_audio_known_name(name) ? append(files, path, max_count, err) : MEWL_OK;
    }
    if (S_ISDIR(about.st_mode)) {
        mewl_error why = {0};
        const mewl_status status = walk(files, path, max_count, depth + 1, &why);
        if (status == MEWL_E_PERMISSION) {
            return append(files, path, max_count, err); /* the rest goes on; opening it gives the error */
        }
        if (status != MEWL_OK && err != NULL) {
            *err = why;
        }
        return status;
    }
    /* A link to a file is a file, a link to a folder might lead in circles. */
    if (S_ISLNK(about.st_mode) && (stat(path, &about) != 0 || S_ISDIR(about.st_mode))) {
        return MEWL_OK;
    }
    return S_ISREG(about.st_mode) && mewl_audio_known_name(name) ? append(files, path, max_count, err) : MEWL_OK;
}

static mewl_status walk(mewl_audio_files *files, const char *folder, size_t max_count, int depth, mewl_error *err)
{
    if (depth > DEPTH_MOST) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: folders are nested deeper than %d", folder, DEPTH_MOST);
    }
    mewl_folder_list names = {0};
    MEWL_TRY(mewl_folder_read(&names, folder, 1000000, err));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; i < names.count && status == MEWL_OK; i++) {
        char *path = mewl_folder_join(folder, names.names[i]);
        status = path == NULL ? mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", folder)
                              : take(files, path, names.names[i], max_count, depth, err);
        free(path);
    }
    mewl_folder_list_fini(&names);
    return status;
}

mewl_status mewl_audio_list(mewl_audio_files *files, const char *path, size_t max_count, mewl_error *err)
{
    if (!mewl_folder_exists(path)) {
        return append(files, path, max_count, err);
    }
    const size_t before = files->count;
    mewl_status status = walk(files, path, max_count, 0, err);
    if (status == MEWL_OK && files->count == before) {
        status = mewl_error_set(err, MEWL_E_EMPTY, "%s: no sound or video file in this folder", path);
    }
    if (status != MEWL_OK) {
        while (files->count > before) {
            free(files->paths[--files->count]);
        }
    }
    return status;
}

void mewl_audio_files_fini(mewl_audio_files *files)
{
    if (files == NULL) {
        return;
    }
    for (size_t i = 0; i < files->count; i++) {
        free(files->paths[i]);
    }
    free(files->paths);
    *files = (mewl_audio_files){0};
}
