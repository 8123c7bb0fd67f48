/* verify.h - is it the same individual? Trials of two recordings each, scored by the cosine of their vectors, for any
 * number of systems in one run, with intervals from a bootstrap over individuals.
 *
 * Lists: one a data set, of all pairs of its recordings (a positive never lies within one session, but for sets in
 * which nobody has two, whose list says so; two individuals of one app or household are no trial), or one from a file
 * of trials. A system may be judged as it is, or with a head: a linear map (each number scaled, whitening by the
 * covariance within individuals, 192 directions) learned from the individuals outside the folds of a trial's two sides,
 * which are both seen through it: no head judges whom it was learned from, nor is anything compared across two heads. A
 * system of two branches gets a head of 96 directions for each; its cosine is the weighted mean of theirs. How much
 * covariances are shrunk, and the weight, are chosen where the head is learned, in folds of its own: whoever is judged
 * has no say.
 */
#ifndef MEWL_LAB_VERIFY_H
#define MEWL_LAB_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "data/manifest.h"

#define MEWL_VERIFY_SYSTEMS_MAX 12
#define MEWL_VERIFY_HEAD_SIZE 192
#define MEWL_VERIFY_NEGATIVES_MAX 20000u /* of a list; more are thinned out by a fixed draw */
#define MEWL_VERIFY_ROWS_MAX 100000u
#define MEWL_VERIFY_PRIOR 0.05 /* of minDCF: share of positives; misses and false alarms cost the same */

typedef struct mewl_verify_system {
    const char *name;
    const double *x; /* (rows of the manifest, dims), borrowed */
    size_t dims;
    size_t branch; /* with a head: the first so many columns are a branch of their own; 0: one branch */
    bool head;     /* with a head learned in folds */
    bool choose; /* the head's parameters are chosen, too; else Ledoit and Wolf's shrinkage, branches weigh the same */
    bool baseline;
} mewl_verify_system;

typedef struct mewl_verify_opts {
    size_t folds;      /* of heads, at least 3; 0 means 5 */
    size_t rounds;     /* of the bootstrap; 0 means 1000 */
    uint64_t seed;     /* of folds, thinning and bootstrap */
    const char *judge; /* name of the system that the others are compared with; NULL: none */
} mewl_verify_opts;

#define MEWL_VERIFY_BRANCHES_MAX 2

typedef struct mewl_verify_head_opts {
    size_t branch;    /* as in mewl_verify_system; MEWL_E_ARG unless below dims */
    double shrinkage; /* of the covariances within individuals, 0 to 1; NAN: Ledoit and Wolf's */
    double balance;   /* two branches: weight of the first in the cosine, 0 to 1 */
} mewl_verify_head_opts;

/* What becomes of one branch: `size` of the head's numbers from `from` on, brought to the length `scale`. */
typedef struct mewl_verify_part {
    size_t from, size;
    double scale;
} mewl_verify_part;

/* A map to `size` numbers of length one: weight (x - mean), then each part to its length. Owns its arrays;
 * zero-initialised is empty. */
typedef struct mewl_verify_head {
    size_t dims, size;
    double *weight; /* (size, dims); zero where a part looks at the other branch */
    double *mean;   /* [dims] */
    mewl_verify_part parts[MEWL_VERIFY_BRANCHES_MAX];
    size_t part_count;
} mewl_verify_head;

/* Learns a head from `rows` rows: group[rows] numbers individuals, set[rows] data sets, whose offsets are taken out,
 * too. Errors: MEWL_E_ARG, MEWL_E_EMPTY when nobody has two rows, MEWL_E_MEMORY, MEWL_E_LIBRARY. On failure *out is
 * empty. */
mewl_status mewl_verify_head_fit(mewl_verify_head *out, const double *x, const size_t *group, const size_t *set,
                                 size_t rows, size_t dims, mewl_verify_head_opts opts, mewl_error *err);
void mewl_verify_head_apply(const mewl_verify_head *head, double *out, const double *x);
void mewl_verify_head_fini(mewl_verify_head *head);

/* The same from a manifest's rows of one split (NULL: all) that name a speaker. With system->choose the parameters are
 * chosen among these rows: *chosen (may be NULL) says what was taken. */
mewl_status mewl_verify_head_learn(mewl_verify_head *out, mewl_verify_head_opts *chosen, const mewl_manifest *manifest,
                                   const mewl_verify_system *system, const char *split, uint64_t seed, mewl_error *err);

/* Writes to `path` the network that gives what heads of two branches stand on (arch "mn04-mfcc-statistics"), of the
 * published body at `body`; and the embedder (arch "mn04-mfcc-embed") with a head learned on those numbers from the
 * manifest's training side. Errors: MEWL_E_SHAPE, those of reading and writing. */
mewl_status mewl_verify_make_statistics(const char *path, const char *body, mewl_error *err);
mewl_status mewl_verify_make(const char *path, const char *body, const mewl_verify_head *head,
                             const mewl_verify_head_opts *chosen, const mewl_manifest *manifest, mewl_error *err);

/* Runs all systems on all lists; *document is a report (report.h), a new reference. `trials`: path of a CSV of trials
 * (columns left, right, label; or CryCeleb's baby_id_B, baby_id_D, label), whose sides are file names, sessions or
 * speakers of the manifest; NULL: all pairs. Folds are written into the manifest's rows. Errors: MEWL_E_EMPTY without a
 * single list that has both kinds of trials, MEWL_E_ARG, MEWL_E_FORMAT of the trials, MEWL_E_MEMORY. */
mewl_status mewl_verify_run(json_t **document, mewl_manifest *manifest, const mewl_verify_system *systems, size_t count,
                            const char *trials, mewl_verify_opts opts, mewl_error *err);

#endif
