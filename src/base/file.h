/* file.h - whole files with a ceiling, and writing that either happens entirely or not at all.
 *
 * Not a stream layer and not for audio, which FFmpeg reads. */
#ifndef MEWL_BASE_FILE_H
#define MEWL_BASE_FILE_H

#include <stddef.h>

#include "base/status.h"

/* Reads the file at `path` (a pipe too) into *data, a malloc'd block of *bytes bytes and one NUL after them that is not
 * counted; the caller frees it. Longer than max_bytes: MEWL_E_MEMORY. A folder: MEWL_E_FORMAT. Also MEWL_E_NOT_FOUND,
 * MEWL_E_PERMISSION, MEWL_E_IO. An empty file is no error. On failure *data is NULL. */
mewl_status mewl_file_read_all(char **data, size_t *bytes, const char *path, size_t max_bytes, mewl_error *err);

/* Writes `bytes` bytes to `path` in one piece: to a temporary file beside it, flushed to the disk, then renamed over
 * it. A crash at any moment leaves the old file or the new one. The file's permission bits stay, new files follow the
 * umask; a symbolic link at `path` is followed. Something that is no regular file (a pipe, /dev/stdout) is written
 * directly. */
mewl_status mewl_file_write(const char *path, const void *data, size_t bytes, mewl_error *err);

/* The same in pieces. */
typedef struct mewl_file_writer mewl_file_writer;

/* Starts a file that is to stand at `path`; nothing appears there before the commit, unless it is no regular file. The
 * caller closes *out. Errors: MEWL_E_NOT_FOUND (no such folder), MEWL_E_PERMISSION, MEWL_E_STATE (a folder),
 * MEWL_E_MEMORY, MEWL_E_IO. */
mewl_status mewl_file_writer_open(mewl_file_writer **out, const char *path, mewl_error *err);

/* Appends. MEWL_E_IO ("no space left on device") keeps failing until closed. */
mewl_status mewl_file_writer_push(mewl_file_writer *writer, const void *data, size_t bytes, mewl_error *err);

/* Overwrites `bytes` bytes at `offset`, which must lie inside what was pushed: for a header whose figures are known at
 * the end. MEWL_E_UNSUPPORTED when the target is no regular file. */
mewl_status mewl_file_writer_patch(mewl_file_writer *writer, size_t offset, const void *data, size_t bytes,
                                   mewl_error *err);

/* Flushes to the disk and puts the file in place. Once; pushing afterwards is MEWL_E_STATE. Still close. */
mewl_status mewl_file_writer_commit(mewl_file_writer *writer, mewl_error *err);

/* Releases the writer; without a commit nothing appears at the path. NULL is fine. */
void mewl_file_writer_close(mewl_file_writer *writer);

#endif
