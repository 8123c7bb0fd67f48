/* list.h - folders to sound files: what `mewl analyze FOLDER` reads. Looks at names alone, opens no file. */
#ifndef MEWL_AUDIO_LIST_H
#define MEWL_AUDIO_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct mewl_audio_files {
    char **paths; /* `count` malloc'd strings */
    size_t count;
} mewl_audio_files;

/* Appends to *files (zero-initialise it first). A path to anything but a folder (missing files, "-", addresses too) is
 * appended as it is, so that opening it gives the error. A folder gives the files below it, however deep, that
 * mewl_audio_known_name knows, hidden ones left out, in byte order of their names; links to folders are not followed,
 * and a folder below it that may not be read is appended as if it were a file, so that it is not passed by in silence.
 * A folder without any: MEWL_E_EMPTY; deeper than 64 levels or over max_count files: MEWL_E_MEMORY; a folder that
 * cannot be read: as mewl_error_errno. On failure *files keeps what it had. */
mewl_status mewl_audio_list(mewl_audio_files *files, const char *path, size_t max_count, mewl_error *err);

/* Frees and empties. NULL is fine. */
void mewl_audio_files_fini(mewl_audio_files *files);

/* Whether the name ends in an extension of a sound or video file (any case): .wav .flac .ogg .m4a .3gp ... */
bool mewl_audio_known_name(const char *name);

#endif
