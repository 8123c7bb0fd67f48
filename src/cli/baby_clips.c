/* baby_clips.c - see baby_clips.h. */
#include "cli/baby_clips.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/writer.h"
#include "base/folder.h"

#define CLIPS_MAX 1000000u

/* The infant's folder of clips, below the store's: `relative` and whole. */
static mewl_status place(const mewl_baby *baby, char *relative, char *whole, size_t size, mewl_error *err)
{
    (void)snprintf(relative, 64, MEWL_STORE_CLIPS "/%lld", (long long)baby->infant.id);
    const int length = snprintf(whole, size, "%s/%s", mewl_store_folder(baby->store), relative);
    return length > 0 && (size_t)length < size
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_ARG, "the store's folder has too long a name");
}

typedef struct kept {
    char *path;
    int64_t bytes;
    struct timespec changed;
} kept;

static int older_first(const void *a, const void *b)
{
    const kept *x = a, *y = b;
    if (x->changed.tv_sec != y->changed.tv_sec) {
        return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
    }
    return (x->changed.tv_nsec > y->changed.tv_nsec) - (x->changed.tv_nsec < y->changed.tv_nsec);
}

/* The clips in `folder`, the longest kept first; their bytes in all. */
static mewl_status list_kept(kept **out, size_t *count, int64_t *bytes, const char *folder, mewl_error *err)
{
    mewl_folder_list names = {0};
    *out = NULL;
    *count = 0;
    *bytes = 0;
    MEWL_TRY(mewl_folder_read(&names, folder, CLIPS_MAX, err));
    *out = calloc(names.count + 1, sizeof **out);
    for (size_t i = 0; i < names.count && *out != NULL; i++) {
        struct stat info;
        char *path = mewl_folder_join(folder, names.names[i]);
        if (path == NULL || stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
            free(path);
            continue;
        }
        (*out)[(*count)++] = (kept){path, info.st_size, info.st_mtim};
        *bytes += info.st_size;
    }
    mewl_folder_list_fini(&names);
    if (*out == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", folder);
    }
    qsort(*out, *count, sizeof **out, older_first);
    return MEWL_OK;
}

static void free_kept(kept *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].path);
    }
    free(list);
}

/* Takes a clip that goes out of its recording's row. */
static mewl_status forget(const mewl_baby *baby, const char *path, mewl_error *err)
{
    mewl_store_recording recording;
    char hash[MEWL_STORE_HASH_MAX];
    const char *slash = strrchr(path, '/');
    (void)snprintf(hash, sizeof hash, "%.64s", slash != NULL ? slash + 1 : path);
    const mewl_status status = mewl_store_recording_find(baby->store, &recording, baby->infant.id, hash, err);
    return status == MEWL_OK ? mewl_store_recording_mark(baby->store, recording.id, recording.role, "", err)
                             : (status == MEWL_E_NOT_FOUND ? MEWL_OK : status);
}

/* The oldest clips but `newest` go until the rest fits. */
static mewl_status make_room(const mewl_baby *baby, const char *folder, const char *newest, mewl_error *err)
{
    kept *list = NULL;
    size_t count = 0;
    int64_t bytes = 0;
    mewl_status status = list_kept(&list, &count, &bytes, folder, err);
    for (size_t i = 0; status == MEWL_OK && i < count && bytes > baby->infant.clips_bytes; i++) {
        if (strcmp(list[i].path, newest) == 0) {
            continue;
        }
        status = forget(baby, list[i].path, err);
        if (status == MEWL_OK && unlink(list[i].path) != 0 && errno != ENOENT) {
            status = mewl_error_errno(err, errno, list[i].path);
        }
        bytes -= list[i].bytes;
    }
    free_kept(list, count);
    return status;
}

mewl_status mewl_baby_clip_keep(mewl_baby *baby, char clip[MEWL_STORE_FILE_MAX], const char *hash, const float *samples,
                                size_t count, double rate_hz, mewl_error *err)
{
    char relative[64], folder[MEWL_STORE_PATH_MAX], path[MEWL_STORE_PATH_MAX + 80];
    struct stat info;
    clip[0] = '\0';
    if (!baby->infant.keep_clips || baby->infant.clips_bytes == 0) {
        return MEWL_OK;
    }
    MEWL_TRY(place(baby, relative, folder, sizeof folder, err));
    char *parent = mewl_folder_join(mewl_store_folder(baby->store), MEWL_STORE_CLIPS);
    if (parent == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", folder);
    }
    (void)mkdir(parent, 0700); /* the next one tells what is wrong */
    free(parent);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return mewl_error_errno(err, errno, folder);
    }
    (void)snprintf(path, sizeof path, "%s/%.64s.flac", folder, hash);
    MEWL_TRY(mewl_audio_write(path, samples, count, rate_hz, MEWL_AUDIO_FLAC, err));
    if (chmod(path, 0600) != 0 || stat(path, &info) != 0) {
        return mewl_error_errno(err, errno, path);
    }
    if (info.st_size > baby->infant.clips_bytes) {
        (void)unlink(path);
        return MEWL_OK;
    }
    (void)snprintf(clip, MEWL_STORE_FILE_MAX, "%s/%.64s.flac", relative, hash);
    return make_room(baby, folder, path, err);
}

mewl_status mewl_baby_clips_remove(const mewl_baby *baby, size_t *removed, mewl_error *err)
{
    char relative[64], folder[MEWL_STORE_PATH_MAX];
    kept *list = NULL;
    size_t count = 0;
    int64_t bytes = 0;
    *removed = 0;
    MEWL_TRY(place(baby, relative, folder, sizeof folder, err));
    if (!mewl_folder_exists(folder)) {
        return MEWL_OK;
    }
    mewl_status status = list_kept(&list, &count, &bytes, folder, err);
    for (size_t i = 0; i < count && status == MEWL_OK; i++) {
        if (unlink(list[i].path) != 0 && errno != ENOENT) {
            status = mewl_error_errno(err, errno, list[i].path);
        } else {
            ++*removed;
        }
    }
    free_kept(list, count);
    if (status == MEWL_OK && rmdir(folder) != 0) {
        status = mewl_error_errno(err, errno, folder);
    }
    return status;
}
