/* temp.h - a folder of made-up files for one test: made, filled, removed. */
#ifndef MEWL_TESTS_DATA_TEMP_H
#define MEWL_TESTS_DATA_TEMP_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct temp {
    char path[256];
} temp;

static inline temp temp_make(void)
{
    temp t;
    const char *base = getenv("TMPDIR");
    snprintf(t.path, sizeof t.path, "%s/mewl-data-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(t.path) == NULL) {
        abort();
    }
    return t;
}

static inline int temp_remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void temp_remove(temp *t)
{
    nftw(t->path, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes `text` to a file under the folder, making the folders above it. */
static inline void temp_file(const temp *t, const char *relative, const char *text)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", t->path, relative);
    for (char *at = path + strlen(t->path) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        mkdir(path, 0777);
        *at = '/';
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(text, 1, strlen(text), file) != strlen(text) || fclose(file) != 0) {
        abort();
    }
}

/* Folder of the recordings, or NULL: MEWL_DATA, else ../shared/data beside the repository. */
static inline const char *temp_data(char *out, size_t size, const char *set)
{
    const char *root = getenv("MEWL_DATA");
    if (root == NULL) {
        root = "../shared/data";
    }
    snprintf(out, size, "%s/%s", root, set);
    return access(out, R_OK) == 0 ? out : NULL;
}

#endif
