/* vectors.h - every recording of a manifest as one vector, by any of several systems, computed once and kept in a file.
 *
 *   system      vector of a recording
 *   embedder    what a network makes of it (models/embedder.h)
 *   mfcc        means and standard deviations over time of 20 MFCC and of their differences: 80
 *   background  10th percentile, median and 90th percentile over time of 64 log-mel bands: 192. Much of it is the room
 *               and the microphone
 *
 * Not scaled and not selected: that happens on the training side of a split (heads.h).
 */
#ifndef MEWL_LAB_VECTORS_H
#define MEWL_LAB_VECTORS_H

#include <stddef.h>

#include "base/progress.h"
#include "base/status.h"
#include "data/manifest.h"
#include "models/embedder.h"

#define MEWL_VECTORS_SECONDS_MAX 60.0 /* of a recording; the rest is not looked at */
#define MEWL_VECTORS_DIMS_MAX 4096
#define MEWL_VECTORS_BYTES_MAX ((size_t)1 << 30)

typedef enum mewl_vector_kind { MEWL_VECTOR_EMBEDDER, MEWL_VECTOR_MFCC, MEWL_VECTOR_BACKGROUND } mewl_vector_kind;

typedef struct mewl_vector_system {
    const char *name; /* of the row in tables and of the file in the cache: letters, digits and dashes */
    mewl_vector_kind kind;
    const char *path; /* of an embedder's network */
    mewl_embedder_opts embed;
} mewl_vector_system;

/* Zero-initialised is empty. */
typedef struct mewl_vectors {
    double *x; /* (rows, dims), row-major, owned */
    size_t rows, dims;
    mewl_embedder_info embedder; /* of an embedder; else all zero */
} mewl_vectors;

/* Vectors of all rows of the manifest (onset and offset respected), from `folder`/vectors-NAME-HASH.npy where that
 * holds what this system makes of these recordings, else computed and written there (folder NULL: not kept). HASH
 * stands for the names of the recordings, their stretches, the system and its network. Errors: MEWL_E_EMPTY without
 * rows, MEWL_E_MEMORY above the ceilings, those of reading, which name the file, and of embedders. On failure *out is
 * empty. */
mewl_status mewl_vectors_read(mewl_vectors *out, const mewl_manifest *manifest, const mewl_vector_system *system,
                              const char *folder, const mewl_progress *progress, mewl_error *err);
void mewl_vectors_fini(mewl_vectors *vectors);

#endif
