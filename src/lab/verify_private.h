/* verify_private.h - private to verify*.c: who is heard where, and trials. */
#ifndef MEWL_LAB_VERIFY_PRIVATE_H
#define MEWL_LAB_VERIFY_PRIVATE_H

#include "lab/verify.h"

/* A side of a trial: rows whose vectors are averaged. */
typedef struct mewl__side {
    size_t first, count; /* places in `rows` of the lists */
    size_t individual, group, set;
} mewl__side_of;

typedef struct mewl__trial {
    uint32_t left, right; /* sides */
    bool same;
} mewl__trial;

/* Trials of one list are consecutive. */
typedef struct mewl__trials {
    mewl__side_of *sides;
    size_t side_count;
    size_t *rows;
    mewl__trial *trials;
    size_t count, room;
    size_t individuals, groups, sets;
    const char **set_names;
    bool *within; /* of each set: its positives lie within a session, for it has no others */
} mewl__trials;

/* Numbers of individual, group and set of every row; rows without a speaker get individual SIZE_MAX. All pairs of each
 * set, or those of the file. */
mewl_status mewl__trials_make(mewl__trials *out, const mewl_manifest *manifest, const char *path, uint64_t seed,
                              mewl_error *err);
void mewl__trials_fini(mewl__trials *trials);

#endif
