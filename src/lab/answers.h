/* answers.h - private to the lab room: what teachers of classes say of each whole recording of the training side, once:
 * those that cannot hear the student's features (another front end, YAMNet, mn04), and answers that were stored before
 * ([distil] logits). Not the teachers that hear every batch: distil.h.
 */
#ifndef MEWL_LAB_ANSWERS_H
#define MEWL_LAB_ANSWERS_H

#include <signal.h>
#include <stddef.h>

#include "base/progress.h"
#include "data/manifest.h"
#include "data/recipe.h"

#define MEWL__ANSWERS_BYTES_MAX ((size_t)512 << 20) /* of a file of stored answers */

/* Zero-initialised is empty: nobody was asked. */
typedef struct mewl__answers {
    float *sum;           /* (rows, classes): the sum of the teachers' logits */
    size_t rows, classes; /* rows of the manifest */
    size_t count;         /* teachers */
} mewl__answers;

/* Adds what the model in `path` (any that models/classifier.h opens) says of every row of the manifest that is trained
 * on (split "train", a class of `classes` in classify.column), each heard once, whole (onset and offset respected),
 * undisturbed and at the model's own rate. Classes are found by label. `stop` may be NULL. Errors: MEWL_E_FORMAT naming
 * file and class, MEWL_E_CANCELLED when *stop turns non-zero, those of models and of reading. */
mewl_status mewl__answers_ask(mewl__answers *a, const mewl_manifest *manifest, const mewl_recipe *recipe,
                              const char *const *classes, size_t count, const char *path,
                              const volatile sig_atomic_t *stop, const mewl_progress *progress, mewl_error *err);

/* Adds what a document of `mewl predict MODEL FILE... --json` holds: "files", each with "file" and "classes" of "label"
 * and "logit". Files are found by their real path; relative ones lie beside the document, else in the working folder.
 * Errors: MEWL_E_FORMAT naming document, recording and class (a row that is trained on without an answer, two answers
 * for one recording, a class without a logit, a logit beyond 1e6), answers of windows, MEWL_E_UNSUPPORTED for rows that
 * are stretches of recordings. */
mewl_status mewl__answers_read(mewl__answers *a, const mewl_manifest *manifest, const mewl_recipe *recipe,
                               const char *const *classes, size_t count, const char *path, mewl_error *err);

/* Frees the sums and empties it. */
void mewl__answers_fini(mewl__answers *a);

#endif
