/* folder.h - folders: what is in them, making them, joining paths. Not a tree walker. */
#ifndef MEWL_BASE_FOLDER_H
#define MEWL_BASE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Whether `path` is a folder (links followed). */
bool mewl_folder_exists(const char *path);

/* Makes a folder and those above it; one that exists is fine. MEWL_E_STATE when something else is in the way,
 * MEWL_E_ARG for an empty name, else as mewl_error_errno. */
mewl_status mewl_folder_make(const char *path, mewl_error *err);

/* The names in a folder, hidden ones left out, sorted by byte value so that every machine sees the same order.
 * `names` is a malloc'd array of `count` malloc'd strings. */
typedef struct mewl_folder_list {
    char **names;
    size_t count;
} mewl_folder_list;

/* More than max_count names: MEWL_E_MEMORY. On failure *out is empty. */
mewl_status mewl_folder_read(mewl_folder_list *out, const char *path, size_t max_count, mewl_error *err);

/* Frees and empties the list. NULL is fine. */
void mewl_folder_list_fini(mewl_folder_list *list);

/* "folder/name" (one slash between; an empty or NULL folder gives name alone) as a malloc'd string; NULL when out of
 * memory. */
char *mewl_folder_join(const char *folder, const char *name);

#endif
