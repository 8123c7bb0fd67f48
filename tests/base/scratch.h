/* scratch.h - a folder of its own for each test that writes files, removed afterwards. For tests; include after
 * cmocka.h. Usage: cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove), then scratch_path(*state,
 * "name"). */
#ifndef MEWL_TESTS_BASE_SCRATCH_H
#define MEWL_TESTS_BASE_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"

#define SCRATCH_PATHS 16

typedef struct scratch {
    char folder[64];
    char paths[SCRATCH_PATHS][160]; /* used in turn, so that several names live at once */
    unsigned next;
} scratch;

static inline int scratch_make(void **state)
{
    scratch *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return -1;
    }
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/mewl-test-XXXXXX");
    *state = s;
    return mkdtemp(s->folder) != NULL ? 0 : -1;
}

static inline int scratch_unlink(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline int scratch_remove(void **state)
{
    scratch *s = *state;
    int result = nftw(s->folder, scratch_unlink, 8, FTW_DEPTH | FTW_PHYS);
    free(s);
    return result;
}

static inline const char *scratch_folder(const void *state)
{
    return ((const scratch *)state)->folder;
}

static inline const char *scratch_path(void *state, const char *name)
{
    scratch *s = state;
    char *path = s->paths[s->next++ % SCRATCH_PATHS];
    size_t length = strlen(s->folder);
    assert_true(length + strlen(name) + 2 <= sizeof s->paths[0]);
    memcpy(path, s->folder, length);
    path[length] = '/';
    strcpy(path + length + 1, name);
    return path;
}

/* The first 4 KiB of a file, in static storage. */
static inline const char *scratch_read(const char *path)
{
    static char text[4096];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    return text;
}

/* How many entries the folder has, hidden ones included, . and .. not. */
static inline size_t scratch_count(const void *state)
{
    mewl_folder_list list;
    assert_int_equal(mewl_folder_read(&list, scratch_folder(state), 1000, NULL), MEWL_OK);
    size_t count = list.count;
    mewl_folder_list_fini(&list);
    return count;
}

#endif
