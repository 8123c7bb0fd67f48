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
    const char *name;      /* "esc50": what is typed */
    const char *title;
    const char *url;       /* the publisher's address */
    const char *file;      /* name of the download on disk */
    const char *sha256;    /* 64 hex digits, or "" when the publisher gives none and we had no copy to compute it from */
    const char *folder;    /* folder under the target in which it ends up */
    const char *archive;   /* "zip", "tar.gz", or "" for a file that is kept as it is */
    const char *reader;    /* reader kind for `mewl data scan`, or "" */
    const char *licence;
    const char *note;      /* size, terms, what to know; "" when nothing */
} mewl_fetch_source;

/* The table. Static storage. */
const mewl_fetch_source *mewl_fetch_table(size_t *count);
const mewl_fetch_source *mewl_fetch_find(const char *name);

typedef struct mewl_fetch_opts {
    const char *sha256;    /* expected checksum given by the user; overrides nothing when the table has one: both must hold */
    bool keep_archive;     /* keep the download after unpacking */
    int64_t max_bytes;     /* refuse a longer download; 0: 64 GiB */
    int attempts;          /* tries with back-off; 0: 5 */
    double timeout_s;      /* connect and stall limit; 0: 30 */
} mewl_fetch_opts;

typedef struct mewl_fetch_result {
    char sha256[65];       /* of the download */
    bool verified;         /* against the table or the user's figure */
    bool resumed;          /* an earlier part was continued */
    int64_t bytes;         /* of the download */
    char path[4096];       /* unpacked folder, or the file */
} mewl_fetch_result;

/* Downloads source->url into <target>/<file>.part, continues an earlier part by a Range request, checks length and
 * SHA-256, renames, unpacks into <target>/<folder>. With no checksum known and none given, the file is kept and unpacked
 * and result->verified is false: the caller says so. Errors: MEWL_E_IO, MEWL_E_TIMEOUT, MEWL_E_NOT_FOUND (404),
 * MEWL_E_FORMAT on a wrong checksum (the part is moved to *.bad) or a bad archive. */
mewl_status mewl_fetch(mewl_fetch_result *result, const mewl_fetch_source *source, const char *target,
                       mewl_fetch_opts opts, const mewl_progress *progress, mewl_error *err);

#endif
