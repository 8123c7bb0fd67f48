/* experiment.h - a table that takes hours, computed cell by cell so that it can be stopped at any moment.
 *
 * A cell is one thing to train or to score: configuration x kind of split x fold x seed. Its result, a JSON object that
 * must follow from the cell alone (no clock, no order), is appended to FOLDER/journal.ndjson and flushed to the disk
 * before the next cell starts. A run that was killed loses the cell it was in; the same call goes on with that cell,
 * and the results are those of a run that was never stopped. Not a scheduler: cells run one at a time, in the order
 * given.
 *
 *     journal.ndjson   {"experiment": {identity}}
 *                      {"cell": "cnn10/stat|grouped|0|1", "seconds": 6.2, "result": {...}}
 *                      ...
 */
#ifndef MEWL_LAB_EXPERIMENT_H
#define MEWL_LAB_EXPERIMENT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/status.h"

#define MEWL_CELL_KEY_MAX 256

/* Kinds of split by name. Random folds deal clips; grouped ones deal whole groups, so that nobody is on both sides. */
#define MEWL_SPLIT_RANDOM "random"
#define MEWL_SPLIT_GROUPED "grouped"

typedef struct mewl_cell {
    const char *config; /* what is trained or scored: "cnn10/stat/pretrained"; no '|' in it */
    const char *split;  /* MEWL_SPLIT_RANDOM, MEWL_SPLIT_GROUPED, or "" where it means nothing */
    int fold;           /* 1 to folds; 0: the whole, or the only one */
    uint64_t seed;
    double cost;      /* work in it next to the others', for the time left; 0 means 1 */
    const void *work; /* the caller's */
} mewl_cell;

typedef struct mewl_experiment mewl_experiment;

/* Opens (makes) the folder and its journal. `identity` (an object, copied) is everything the results follow from
 * besides the cell: name, profile, figures of the training, a hash of the data. A folder that holds another identity's
 * journal: MEWL_E_STATE, naming the first member that differs. A last line that was half written is cut off; any other
 * that cannot be read is MEWL_E_FORMAT with its number. A folder in which another process works is MEWL_E_STATE.
 * MEWL_E_MEMORY above 1 GB; errors of files. *out is the caller's, to be closed. */
mewl_status mewl_experiment_open(mewl_experiment **out, const char *folder, const json_t *identity, mewl_error *err);
void mewl_experiment_close(mewl_experiment *e); /* NULL is fine */

/* The result stored for a cell, borrowed until close, or NULL. */
const json_t *mewl_experiment_result(const mewl_experiment *e, const mewl_cell *cell);

/* Stores a result (takes over `result` in any case), which is on the disk when this returns. MEWL_E_STATE when the cell
 * has one, MEWL_E_ARG for a key that is too long or holds '|', MEWL_E_IO. */
mewl_status mewl_experiment_put(mewl_experiment *e, const mewl_cell *cell, json_t *result, double seconds,
                                mewl_error *err);

/* Computes one cell. `progress` (never NULL) takes the share of the cell that is done: report(done, total). Should look
 * at the caller's stop flag now and then and return MEWL_E_CANCELLED when it is set. */
typedef mewl_status (*mewl_cell_fn)(json_t **result, const mewl_cell *cell, const mewl_progress *progress, void *user,
                                    mewl_error *err);

typedef struct mewl_experiment_opts {
    const volatile sig_atomic_t *stop; /* not 0: end with MEWL_E_CANCELLED before the next cell; or NULL */
    const mewl_progress *progress;     /* share of what was still to do; or NULL */
    const char *what;                  /* for people: "training"; NULL: "cells" */
} mewl_experiment_opts;

/* Runs every cell that has no result yet, in order. Errors: those of `fn`, with the cell's key before the text. */
mewl_status mewl_experiment_run(mewl_experiment *e, const mewl_cell *cells, size_t count, mewl_cell_fn fn, void *user,
                                mewl_experiment_opts opts, mewl_error *err);

/* Writes "config|split|fold|seed" into `key`. MEWL_E_ARG when it does not fit or config or split hold '|'. */
mewl_status mewl_cell_key(char *key, size_t size, const mewl_cell *cell, mewl_error *err);

#endif
