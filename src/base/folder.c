/* folder.c - see folder.h. */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool mewl_folder_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

mewl_status mewl_folder_make(const char *path, mewl_error *err)
{
    if (path[0] == '\0') {
        return mewl_error_set(err, MEWL_E_ARG, "a folder needs a name");
    }
    char *work = strdup(path);
    if (work == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    mewl_status status = MEWL_OK;
    for (char *at = work + 1; status == MEWL_OK; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char separator = *at;
        *at = '\0';
        if (mkdir(work, 0777) != 0) {
            int reason = errno;
            if (!mewl_folder_exists(work)) {
                status = reason == EEXIST ? mewl_error_set(err, MEWL_E_STATE, "%s: exists and is no folder", work)
                                          : mewl_error_errno(err, reason, work);
            }
        }
        *at = separator;
        if (separator == '\0') {
            break;
        }
    }
    free(work);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static mewl_status collect(mewl_folder_list *out, DIR *dir, const char *path, size_t max_count, mewl_error *err)
{
    size_t capacity = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            return errno == 0 ? MEWL_OK : mewl_error_errno(err, errno, path);
        }
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (out->count == max_count) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: more than %zu entries", path, max_count);
        }
        if (out->count == capacity) {
            capacity = capacity > 0 ? capacity * 2 : 32;
            char **larger = realloc(out->names, capacity * sizeof *larger);
            if (larger == NULL) {
                return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
            }
            out->names = larger;
        }
        char *name = strdup(entry->d_name);
        if (name == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
        }
        out->names[out->count++] = name;
    }
}

mewl_status mewl_folder_read(mewl_folder_list *out, const char *path, size_t max_count, mewl_error *err)
{
    *out = (mewl_folder_list){0};
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return mewl_error_errno(err, errno, path);
    }
    mewl_status status = collect(out, dir, path, max_count, err);
    (void)closedir(dir);
    if (status != MEWL_OK) {
        mewl_folder_list_fini(out);
        return status;
    }
    if (out->count > 1) {
        qsort(out->names, out->count, sizeof *out->names, compare_names);
    }
    return MEWL_OK;
}

void mewl_folder_list_fini(mewl_folder_list *list)
{
    if (list != NULL) {
        for (size_t i = 0; i < list->count; i++) {
            free(list->names[i]);
        }
        free(list->names);
        *list = (mewl_folder_list){0};
    }
}

char *mewl_folder_join(const char *folder, const char *name)
{
    if (folder == NULL || folder[0] == '\0') {
        return strdup(name);
    }
    size_t length = strlen(folder);
    bool slash = folder[length - 1] == '/';
    size_t bytes = length + strlen(name) + 2;
    char *path = malloc(bytes);
    if (path != NULL) {
        (void)snprintf(path, bytes, "%s%s%s", folder, slash ? "" : "/", name);
    }
    return path;
}
