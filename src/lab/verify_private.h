/* verify_private.h - private to verify*.c: who is heard where, trials, and their scores. */
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
    size_t row_count; /* of the manifest */
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

/* Unit vectors of the wanted sides (NULL: all), (sides, size), the caller's: means of their rows' unit vectors, as they
 * are or through a head. Others are zeros. */
mewl_status mewl__verify_vectors(float **out, const mewl_verify_system *system, const mewl_verify_head *head,
                                 const mewl__trials *t, const bool *wanted, mewl_error *err);

/* A head from the rows of the sides with hear[side], each row once. */
mewl_status mewl__verify_fit(mewl_verify_head *out, const mewl_verify_system *system, const mewl__trials *t,
                             const bool *hear, mewl_verify_head_opts opts, mewl_error *err);

/* The parameters under which heads do best within the sides with hear[side]: these are dealt to four folds by group,
 * each judged by heads of the other three; the lowest mean of the lists' equal error rates wins. Without
 * system->choose, or where no list has both kinds of trials, the defaults. */
mewl_status mewl__verify_choose(mewl_verify_head_opts *out, const mewl_verify_system *system, const mewl__trials *t,
                                const bool *hear, uint64_t seed, mewl_error *err);

/* Scores of all trials under a system; the choices made are appended to `choices`. */
mewl_status mewl__verify_score(float **scores, json_t *choices, const mewl_verify_system *system,
                               const mewl_manifest *manifest, const mewl__trials *t, mewl_verify_opts opts,
                               mewl_error *err);

#endif
