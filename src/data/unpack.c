#include "data/unpack.h"

#include "base/folder.h"
#include "data/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK_BYTES 65536

/* Whether a name stays inside: relative, no part "..", not empty. */
static bool stays_inside(const char *name)
{
    if (name == NULL || name[0] == '\0' || name[0] == '/') {
        return false;
    }
    for (const char *at = name; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0')) {
            return false;
        }
    }
    return true;
}

static mewl_status copy_data(struct archive *in, struct archive *out, const char *path, int64_t *bytes,
                             int64_t max_bytes, mewl_error *err)
{
    for (;;) {
        const void *block;
        size_t size;
        la_int64_t offset;
        int code = archive_read_data_block(in, &block, &size, &offset);
        if (code == ARCHIVE_EOF) {
            return MEWL_OK;
        }
        if (code < ARCHIVE_WARN) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: %.200s", path, archive_error_string(in));
        }
        *bytes += (int64_t)size;
        /* A sparse entry may claim a far offset: that counts as its size. */
        if (*bytes > max_bytes || offset > max_bytes) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: unpacks to more than %lld bytes", path,
                                  (long long)max_bytes);
        }
        if (archive_write_data_block(out, block, size, offset) < ARCHIVE_WARN) {
            return mewl_error_set(err, MEWL_E_IO, "%s: %.200s", path, archive_error_string(out));
        }
    }
}

static mewl_status unpack_entry(struct archive *in, struct archive *out, struct archive_entry *entry, const char *path,
                                const char *folder, int64_t *bytes, int64_t max_bytes, mewl_error *err)
{
    const char *name = archive_entry_pathname(entry);
    mode_t type = archive_entry_filetype(entry);
    if (!stays_inside(name)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: entry '%.120s' would land outside its folder", path,
                              name != NULL ? name : "");
    }
    if ((type != S_IFREG && type != S_IFDIR) || archive_entry_hardlink(entry) != NULL) {
        return MEWL_OK;
    }
    char full[MEWL__PATH_MAX];
    if (snprintf(full, sizeof full, "%s/%s", folder, name) >= (int)sizeof full) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: entry with an overlong name", path);
    }
    archive_entry_set_pathname(entry, full);
    archive_entry_set_perm(entry, type == S_IFDIR ? 0755 : 0644);
    if (archive_write_header(out, entry) < ARCHIVE_WARN) {
        return mewl_error_set(err, MEWL_E_IO, "%s: %.200s", path, archive_error_string(out));
    }
    MEWL_TRY(type == S_IFREG ? copy_data(in, out, path, bytes, max_bytes, err) : MEWL_OK);
    return archive_write_finish_entry(out) >= ARCHIVE_WARN
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_IO, "%s: %.200s", path, archive_error_string(out));
}

static mewl_status unpack_all(struct archive *in, struct archive *out, const char *path, const char *folder,
                              int64_t max_bytes, const mewl_progress *progress, mewl_error *err)
{
    archive_read_support_format_zip(in);
    archive_read_support_format_tar(in);
    archive_read_support_filter_gzip(in);
    archive_read_support_filter_bzip2(in);
    archive_read_support_filter_xz(in);
    archive_write_disk_set_options(out, ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT);
    if (archive_read_open_filename(in, path, BLOCK_BYTES) != ARCHIVE_OK) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: %.200s", path, archive_error_string(in));
    }
    MEWL_TRY(mewl_folder_make(folder, err));
    int64_t bytes = 0;
    for (size_t files = 0;; files++) {
        struct archive_entry *entry;
        int code = archive_read_next_header(in, &entry);
        if (code == ARCHIVE_EOF) {
            return files > 0 ? MEWL_OK : mewl_error_set(err, MEWL_E_EMPTY, "%s: an empty archive", path);
        }
        if (code < ARCHIVE_WARN) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: %.200s", path, archive_error_string(in));
        }
        if (files >= MEWL_UNPACK_FILES_MAX) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: more than %d files", path, MEWL_UNPACK_FILES_MAX);
        }
        MEWL_TRY(unpack_entry(in, out, entry, path, folder, &bytes, max_bytes, err));
        if (files % 64 == 0) {
            mewl_progress_report(progress, (double)files, 0, "unpacking");
        }
    }
}

mewl_status mewl_unpack(const char *archive, const char *folder, int64_t max_bytes, const mewl_progress *progress,
                        mewl_error *err)
{
    struct archive *in = archive_read_new(), *out = archive_write_disk_new();
    mewl_status status = in != NULL && out != NULL ? unpack_all(in, out, archive, folder, max_bytes, progress, err)
                                                   : mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", archive);
    if (out != NULL && archive_write_free(out) != ARCHIVE_OK && status == MEWL_OK) {
        status = mewl_error_set(err, MEWL_E_IO, "%s: could not be unpacked whole", archive);
    }
    if (in != NULL) {
        archive_read_free(in);
    }
    return status;
}
