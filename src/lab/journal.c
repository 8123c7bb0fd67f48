/* journal.c - the NDJSON log of a training. */
#include "lab/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"

#define LOG_BYTES_MAX ((size_t)1 << 30)

struct mewl__journal {
    FILE *file;
    mewl_clock clock;
};

/* Length of the part of the log that stays: whole lines up to the first whose step is above keep_step. */
static size_t kept_length(const char *text, size_t bytes, int64_t keep_step)
{
    size_t at = 0;
    while (at < bytes) {
        const char *end = memchr(text + at, '\n', bytes - at);
        if (end == NULL) {
            return at;
        }
        size_t length = (size_t)(end - (text + at));
        json_t *line = NULL;
        if (mewl_json_parse(&line, text + at, length, "log", NULL) != MEWL_OK) {
            return at;
        }
        int64_t step = 0;
        mewl_status status = mewl_json_get_int(line, &step, "step", "log", NULL);
        json_decref(line);
        if (status == MEWL_OK && step > keep_step) {
            return at;
        }
        at += length + 1;
    }
    return at;
}

mewl_status mewl__journal_open(mewl__journal **out, const char *path, int64_t keep_step, mewl_error *err)
{
    *out = NULL;
    char *text = NULL;
    size_t bytes = 0;
    mewl_status status = MEWL_OK;
    if (keep_step >= 0) {
        status = mewl_file_read_all(&text, &bytes, path, LOG_BYTES_MAX, err);
        if (status != MEWL_OK && status != MEWL_E_NOT_FOUND) {
            return status;
        }
    }
    bytes = text == NULL ? 0 : kept_length(text, bytes, keep_step);
    status = mewl_file_write(path, text == NULL ? "" : text, bytes, err);
    free(text);
    MEWL_TRY(status);
    mewl__journal *j = calloc(1, sizeof *j);
    if (j == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory to log to it", path);
    }
    j->clock = mewl_clock_system();
    j->file = fopen(path, "ae");
    if (j->file == NULL) {
        status = mewl_error_errno(err, errno, path);
        free(j);
        return status;
    }
    *out = j;
    return MEWL_OK;
}

void mewl__journal_close(mewl__journal *j)
{
    if (j != NULL) {
        (void)fclose(j->file);
        free(j);
    }
}

mewl_status mewl__journal_write(mewl__journal *j, const char *event, int64_t step, json_t *fields, mewl_error *err)
{
    char now[MEWL_CLOCK_ISO_MAX];
    mewl_clock_iso(now, mewl_clock_wall_ms(&j->clock));
    json_t *line = json_object();
    mewl_status status = mewl_json_set_string(line, "event", event);
    if (status == MEWL_OK) {
        status = mewl_json_set_int(line, "step", step);
    }
    if (status == MEWL_OK && fields != NULL && json_object_update(line, fields) != 0) {
        status = MEWL_E_MEMORY;
    }
    if (status == MEWL_OK) {
        status = mewl_json_set_string(line, "time", now);
    }
    status = status != MEWL_OK ? mewl_error_set(err, status, "no memory for a line of the log")
                               : mewl_json_print(line, j->file, false, err);
    json_decref(line);
    json_decref(fields);
    return status;
}
