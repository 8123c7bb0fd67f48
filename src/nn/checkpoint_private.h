/* checkpoint_private.h - private to nn/: a checkpoint's inside, shared by checkpoint.c (in memory), safetensors.c (the
 * file form) and state.c (nets and training state). */
#ifndef MEWL_NN_CHECKPOINT_PRIVATE_H
#define MEWL_NN_CHECKPOINT_PRIVATE_H

#include "nn/checkpoint.h"

#define MEWL__CHECKPOINT_RANK_MAX 8
#define MEWL__CHECKPOINT_NAME_MAX 1024
#define MEWL__CHECKPOINT_TEXTS_MAX 4096

typedef struct mewl__text {
    char *key, *value;
} mewl__text;

struct mewl_checkpoint {
    mewl_checkpoint_entry *entries; /* names and data owned */
    size_t count, room;
    uint64_t bytes; /* of all data */
    mewl__text *texts;
    size_t text_count, text_room;
};

/* Elements of a shape of rank 0 to 8; -1 when impossible or over MEWL_CHECKPOINT_BYTES_MAX. */
int64_t mewl__checkpoint_elements(int rank, const int64_t *dim);

/* mewl_checkpoint_put without the search for a name twice: for a reader that has made sure. */
mewl_status mewl__checkpoint_append(mewl_checkpoint *checkpoint, const char *name, mewl_dtype dtype, int rank,
                                    const int64_t *dim, const void *data, mewl_error *err);

#endif
