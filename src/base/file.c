/* file.c - see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the end or until max_bytes + 1 bytes are there (which tells the caller that it is too long). */
static int read_until(int fd, char **data, size_t *bytes, size_t first_guess, size_t max_bytes)
{
    size_t capacity = first_guess < max_bytes ? first_guess + 1 : max_bytes + 1;
    char *buffer = malloc(capacity + 1);
    size_t used = 0;
    while (buffer != NULL) {
        ssize_t got = read(fd, buffer + used, capacity - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            int reason = errno;
            free(buffer);
            return reason;
        }
        used += (size_t)got;
        if (got == 0 || used > max_bytes) {
            buffer[used] = '\0';
            *data = buffer;
            *bytes = used;
            return 0;
        }
        if (used == capacity) {
            capacity = capacity > max_bytes / 2 ? max_bytes + 1 : capacity * 2;
            char *larger = realloc(buffer, capacity + 1);
            if (larger == NULL) {
                free(buffer);
                return ENOMEM;
            }
            buffer = larger;
        }
    }
    return ENOMEM;
}

mewl_status mewl_file_read_all(char **data, size_t *bytes, const char *path, size_t max_bytes, mewl_error *err)
{
    *data = NULL;
    *bytes = 0;
    if (max_bytes > SIZE_MAX / 4) {
        max_bytes = SIZE_MAX / 4;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return mewl_error_errno(err, errno, path);
    }
    struct stat info;
    if (fstat(fd, &info) != 0) {
        int reason = errno;
        (void)close(fd);
        return mewl_error_errno(err, reason, path);
    }
    if (S_ISDIR(info.st_mode)) {
        (void)close(fd);
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: is a folder, not a file", path);
    }
    bool sized = S_ISREG(info.st_mode) && info.st_size > 0;
    if (sized && (uint64_t)info.st_size > max_bytes) {
        (void)close(fd);
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: %lld bytes, at most %zu are read", path, (long long)info.st_size,
                              max_bytes);
    }
    int reason = read_until(fd, data, bytes, sized ? (size_t)info.st_size : 4096, max_bytes);
    (void)close(fd);
    if (reason != 0) {
        return mewl_error_errno(err, reason, path);
    }
    if (*bytes > max_bytes) {
        free(*data);
        *data = NULL;
        *bytes = 0;
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: longer than the %zu bytes that are read", path, max_bytes);
    }
    return MEWL_OK;
}

struct mewl_file_writer {
    FILE *stream;
    char *target; /* the path with links resolved, or as given when nothing is there yet */
    char *temp;   /* NULL when the target is no regular file and is written directly */
    size_t size;
    bool failed, committed;
};

/* A temporary file in the target's folder, so that the rename stays within one file system. */
static mewl_status open_temp(mewl_file_writer *writer, const struct stat *old, mewl_error *err)
{
    static const char suffix[] = ".tmp-XXXXXX";
    size_t bytes = strlen(writer->target) + sizeof suffix;
    char *temp = malloc(bytes);
    if (temp == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", writer->target);
    }
    (void)snprintf(temp, bytes, "%s%s", writer->target, suffix);
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) {
        int reason = errno;
        free(temp);
        return mewl_error_errno(err, reason, writer->target);
    }
    writer->temp = temp;
    mode_t mode = old != NULL ? old->st_mode & 07777 : 0;
    if (old == NULL) {
        /* mkostemp makes 0600; a new file gets what open(2) would have given it. Reading the umask means setting it, so
         * it is taken from the process's own status instead, which is safe with threads. */
        unsigned mask = 022;
        FILE *status = fopen("/proc/self/status", "re");
        char line[256];
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (sscanf(line, "Umask: %o", &mask) == 1) {
                break;
            }
        }
        if (status != NULL) {
            (void)fclose(status);
        }
        mode = 0666 & ~(mode_t)mask;
    }
    (void)fchmod(fd, mode);
    writer->stream = fdopen(fd, "wb");
    if (writer->stream == NULL) {
        int reason = errno;
        (void)close(fd);
        return mewl_error_errno(err, reason, writer->target);
    }
    return MEWL_OK;
}

mewl_status mewl_file_writer_open(mewl_file_writer **out, const char *path, mewl_error *err)
{
    *out = NULL;
    mewl_file_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    mewl_status status = MEWL_OK;
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (exists && S_ISDIR(old.st_mode)) {
        status = mewl_error_set(err, MEWL_E_STATE, "%s: is a folder, cannot be written as a file", path);
        goto fail;
    }
    writer->target = exists ? realpath(path, NULL) : strdup(path);
    if (writer->target == NULL) {
        status = mewl_error_errno(err, errno, path);
        goto fail;
    }
    if (exists && S_ISREG(old.st_mode) && access(path, W_OK) != 0) {
        /* A rename would replace a write-protected file; whoever protected it did not want that. */
        status = mewl_error_errno(err, errno, path);
        goto fail;
    }
    if (exists && !S_ISREG(old.st_mode)) {
        writer->stream = fopen(path, "we");
        status = writer->stream != NULL ? MEWL_OK : mewl_error_errno(err, errno, path);
    } else {
        status = open_temp(writer, exists ? &old : NULL, err);
    }
    if (status == MEWL_OK) {
        *out = writer;
        return MEWL_OK;
    }
fail:
    mewl_file_writer_close(writer);
    return status;
}

/* Remembers a failure, so that a half-written file can never be committed. */
static mewl_status writer_failed(mewl_file_writer *writer, int reason, mewl_error *err)
{
    writer->failed = true;
    return mewl_error_errno(err, reason != 0 ? reason : EIO, writer->target);
}

static mewl_status writer_check(const mewl_file_writer *writer, mewl_error *err)
{
    if (writer->committed) {
        return mewl_error_set(err, MEWL_E_STATE, "%s: already complete", writer->target);
    }
    if (writer->failed) {
        return mewl_error_set(err, MEWL_E_IO, "%s: an earlier write failed", writer->target);
    }
    return MEWL_OK;
}

mewl_status mewl_file_writer_push(mewl_file_writer *writer, const void *data, size_t bytes, mewl_error *err)
{
    MEWL_TRY(writer_check(writer, err));
    errno = 0;
    if (bytes > 0 && fwrite(data, 1, bytes, writer->stream) != bytes) {
        return writer_failed(writer, errno, err);
    }
    writer->size += bytes;
    return MEWL_OK;
}

mewl_status mewl_file_writer_patch(mewl_file_writer *writer, size_t offset, const void *data, size_t bytes,
                                   mewl_error *err)
{
    MEWL_TRY(writer_check(writer, err));
    if (writer->temp == NULL) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: needs a regular file, to go back in it", writer->target);
    }
    if (offset > writer->size || bytes > writer->size - offset) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: patch of %zu bytes at %zu lies beyond the %zu written",
                              writer->target, bytes, offset, writer->size);
    }
    errno = 0;
    if (fseeko(writer->stream, (off_t)offset, SEEK_SET) != 0 || fwrite(data, 1, bytes, writer->stream) != bytes ||
        fseeko(writer->stream, 0, SEEK_END) != 0) {
        return writer_failed(writer, errno, err);
    }
    return MEWL_OK;
}

/* Makes the rename itself survive a power cut. Not every file system can; failing here is no failure of the write. */
static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    if (folder != NULL) {
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0) {
            (void)fsync(fd);
            (void)close(fd);
        }
        free(folder);
    }
}

mewl_status mewl_file_writer_commit(mewl_file_writer *writer, mewl_error *err)
{
    MEWL_TRY(writer_check(writer, err));
    errno = 0;
    if (fflush(writer->stream) != 0 || (writer->temp != NULL && fsync(fileno(writer->stream)) != 0)) {
        return writer_failed(writer, errno, err);
    }
    FILE *stream = writer->stream;
    writer->stream = NULL;
    if (fclose(stream) != 0) {
        return writer_failed(writer, errno, err);
    }
    if (writer->temp != NULL) {
        if (rename(writer->temp, writer->target) != 0) {
            return writer_failed(writer, errno, err);
        }
        sync_folder_of(writer->target);
    }
    writer->committed = true;
    return MEWL_OK;
}

void mewl_file_writer_close(mewl_file_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->stream != NULL) {
        (void)fclose(writer->stream);
    }
    if (writer->temp != NULL && !writer->committed) {
        (void)unlink(writer->temp);
    }
    free(writer->temp);
    free(writer->target);
    free(writer);
}

mewl_status mewl_file_write(const char *path, const void *data, size_t bytes, mewl_error *err)
{
    mewl_file_writer *writer = NULL;
    MEWL_TRY(mewl_file_writer_open(&writer, path, err));
    mewl_status status = mewl_file_writer_push(writer, data, bytes, err);
    if (status == MEWL_OK) {
        status = mewl_file_writer_commit(writer, err);
    }
    mewl_file_writer_close(writer);
    return status;
}
