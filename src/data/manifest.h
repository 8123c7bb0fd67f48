/* manifest.h - a list of recordings (or stretches of recordings) with what is known of each: the form in which every
 * data set enters Mewl. On disk it is CSV (RFC 4180) with a header row; absent values are empty. Not the audio. */
#ifndef MEWL_DATA_MANIFEST_H
#define MEWL_DATA_MANIFEST_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define MEWL_MANIFEST_ROWS_MAX 4000000
#define MEWL_MANIFEST_EXTRA_MAX 32
#define MEWL_LABEL_CRY "cry"                 /* label of an infant's cry in every set that has one */
#define MEWL_LABEL_UNCHECKED "cry-unchecked" /* an upload that should hold a cry and that nobody has checked */
#define MEWL_LABEL_HOUSEHOLD "household"      /* an upload in which no cry is heard: speech, music, a room */
#define MEWL_LABEL_ROOM "room-response"      /* an impulse response, not a sound */

/* One row. Text is never NULL ("" means absent) and is owned by the manifest it was read from or added to; numbers that
 * are absent are NaN, an absent fold is -1. */
typedef struct mewl_row {
    const char *path;  /* absolute, or relative to the working folder; in a file: relative to the file's folder */
    const char *label; /* what is heard: MEWL_LABEL_CRY, or the set's own class ("dog-bark") in lower case with '-' */
    const char *set;   /* data set ("esc10") */
    const char *group; /* recordings that must stay on one side of a split share it; unique over sets ("esc10:4211") */
    const char *split; /* "train", "valid", "test" or "" */
    const char *speaker;      /* individual heard: infant, cat, adult */
    const char *session;      /* recording session of that speaker */
    const char *sex;          /* "m", "f" or "" */
    const char *age;          /* the set's own age code ("04": 0 to 4 weeks) */
    const char *reason;       /* the set's own reason ("hungry"; raw uploads: "hu") */
    int fold;                 /* publisher's or mewl_split's fold, or -1 */
    double time_s;            /* when it was recorded: seconds since 1970 UTC; in a file ISO 8601 */
    double onset_s;           /* stretch of the recording meant, seconds from its start; NaN: from the start */
    double offset_s;          /* NaN: to the end */
    double duration_s;        /* length of the whole recording, where known */
    const char *const *extra; /* values of the manifest's extra columns, extra_count of them, or NULL when none */
} mewl_row;

typedef struct mewl_manifest {
    mewl_row *rows;
    size_t count;
    const char *extra_names[MEWL_MANIFEST_EXTRA_MAX]; /* columns that Mewl does not know and keeps */
    size_t extra_count;
    /* private */
    size_t capacity;
    mewl_arena arena;
} mewl_manifest;

/* A row with every value absent. */
mewl_row mewl_row_empty(void);

/* Starts an empty manifest in the caller's storage; mewl_manifest_fini releases it and every text it owns. */
mewl_status mewl_manifest_init(mewl_manifest *manifest, mewl_error *err);
void mewl_manifest_fini(mewl_manifest *manifest);

/* Appends a copy of *row (texts are copied; `extra` is taken only when the manifest has extra columns). Errors:
 * MEWL_E_MEMORY, also above MEWL_MANIFEST_ROWS_MAX. */
mewl_status mewl_manifest_add(mewl_manifest *manifest, const mewl_row *row, mewl_error *err);

/* Copies `text` into the manifest's store, so that a row may point to it. NULL when out of memory. */
const char *mewl_manifest_intern(mewl_manifest *manifest, const char *text);

/* Reads a CSV manifest into *manifest (initialised here; fini it only on success). The header must name `path`; column
 * order is free; columns Mewl does not know are kept as extras. Relative paths are resolved against the file's folder.
 * Errors are MEWL_E_FORMAT "file:line: reason" for a missing or repeated column, a row of another width, a number out
 * of range, a split or fold that is none, offset before onset; MEWL_E_EMPTY for no rows; I/O errors. */
mewl_status mewl_manifest_read(mewl_manifest *manifest, const char *path, mewl_error *err);

/* The same over bytes in memory; `name` serves in messages and its folder resolves relative paths. */
mewl_status mewl_manifest_parse(mewl_manifest *manifest, const char *name, const char *text, size_t size,
                                mewl_error *err);

/* Writes the manifest as CSV, atomically (a file beside it, then rename), rows in their order, with every known column
 * and the extras. Paths under the manifest's own folder are written relative to it. */
mewl_status mewl_manifest_write(const mewl_manifest *manifest, const char *path, mewl_error *err);

/* The same as text: *out is initialised here, mewl_buffer_fini it on success. `path` says where the text will lie ("":
 * nowhere, so that paths stay as they are). */
mewl_status mewl_manifest_text(const mewl_manifest *manifest, const char *path, mewl_buffer *out, mewl_error *err);

/* Appends all rows of `from` to `to`. Extra columns come along when `to` is still empty or has the very same ones. */
mewl_status mewl_manifest_append(mewl_manifest *to, const mewl_manifest *from, mewl_error *err);

/* Sorts rows by path, then onset: the order in which everything downstream sees them, whatever the file system's. */
void mewl_manifest_sort(mewl_manifest *manifest);

/* Text of column `name` (known or extra) of a row, formatted into buffer (at least 64 bytes) when it is a number.
 * Returns a text that lives as long as the manifest and the buffer, or NULL when there is no such column. */
const char *mewl_manifest_value(const mewl_manifest *manifest, const mewl_row *row, const char *name, char *buffer,
                                size_t buffer_size);

/* Whether `name` is a known column or an extra one of this manifest. */
bool mewl_manifest_has_column(const mewl_manifest *manifest, const char *name);

#endif
