/* fetch.h - downloads a data set from its publisher on the user's request: address and checksum from a table, resumed
 * where it stopped, verified, unpacked. Nothing here runs unless asked; Mewl never downloads on its own. */
#ifndef MEWL_DATA_FETCH_H
#define MEWL_DATA_FETCH_H

#include "base/progress.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* One downloadable file of a set. */
typedef struct mewl_fetch_source {
    const char *name; /* "esc50": what is typed */
    const char *title;
    const char *url;     /* the publisher's address; "" when it cannot be fetched by a program */
    const char *page;    /* where people read about it, agree to terms, or ask for it */
    const char *file;    /* name of the download on disk */
    const char *sha256;  /* 64 hex digits, or "" when the publisher gives none and we had no copy to compute it from */
    const char *folder;  /* folder under the target in which it ends up */
    const char *archive; /* "zip", "tar.gz", or "" for a file that is kept as it is */
    const char *reader;  /* reader kind for `mewl data scan`, or "" */
    const char *licence;
    const char *note; /* size, terms, what to know; "" when nothing */
} mewl_fetch_source;

/* The table. Static storage. */
const mewl_fetch_source *mewl_fetch_table(size_t *count);
const mewl_fetch_source *mewl_fetch_find(const char *name);

typedef struct mewl_fetch_opts {
    const char
        *sha256; /* expected checksum given by the user; overrides nothing when the table has one: both must hold */
    bool keep_archive; /* keep the download after unpacking */
    int64_t max_bytes; /* refuse a longer download; 0: 64 GiB */
    int attempts;      /* tries with back-off; 0: 5 */
    double timeout_s;  /* connect and stall limit; 0: 30 */
    double backoff_s;  /* wait after the first failed try, doubled after each; 0: 1 */
} mewl_fetch_opts;

typedef struct mewl_fetch_result {
    char sha256[65]; /* of the download */
    bool verified;   /* against the table or the user's figure */
    bool resumed;    /* an earlier part was continued */
    int64_t bytes;   /* of the download */
    char path[4096]; /* unpacked folder, or the file */
} mewl_fetch_result;

/* Downloads source->url into <target>/<file>.part, checks length and SHA-256, unpacks into <target>/<folder> (made
 * beside it first, then renamed: a folder there is a whole one). An earlier part is continued by a Range request when a
 * checksum will tell whether it fits, or when the server says by its ETag that the file is the same; else it starts
 * over. With no checksum known and none given, the file is kept all the same and result->verified is false: the caller
 * says so. Only regular files and folders are unpacked, none outside the folder. Errors: MEWL_E_STATE when the folder
 * exists, MEWL_E_UNSUPPORTED when the publisher wants people to ask, MEWL_E_NOT_FOUND (404), MEWL_E_PERMISSION (401,
 * 403), MEWL_E_TIMEOUT, MEWL_E_IO, MEWL_E_FORMAT on a wrong checksum (the download is kept as *.bad) or a bad archive.
 */
mewl_status mewl_fetch(mewl_fetch_result *result, const mewl_fetch_source *source, const char *target,
                       mewl_fetch_opts opts, const mewl_progress *progress, mewl_error *err);

#endif
