/* reason.h - what a sound's embedding says about the reason of a cry: probabilities, the set of reasons that cannot be
 * left out, and whether one may be named at all.
 *
 * A reason model is one linear map from the embedding to class scores (scaling, PCA and logistic regression multiplied
 * into one matrix), a calibration map, thresholds of prediction sets, the classes' shares, and the evidence: how it did
 * on infants it had not heard. A reason is named only when all of these hold:
 *
 *   1. the evidence: the interval of the balanced accuracy on groups that were held out lies above chance;
 *   2. the set that holds the truth as often as stated (coverage) has this reason alone in it;
 *   3. its odds stand at least `least_lift` times above the odds of its share: it is the sound that speaks for it, not
 *      how common it is.
 *
 * Otherwise the answer is "not sure". Nothing here judges health. Pure numbers; the file is hear/reasoner.h's.
 */
#ifndef MEWL_REASON_REASON_H
#define MEWL_REASON_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "learn/logistic.h"
#include "learn/pca.h"
#include "learn/scaler.h"
#include "reason/calibration.h"
#include "reason/sets.h"

#define MEWL_REASON_CLASSES_MAX MEWL_CALIBRATION_CLASSES_MAX
#define MEWL_REASON_LABEL_MAX 32
#define MEWL_REASON_DIMS_MAX 8192
#define MEWL_REASON_NAME_MAX 64

/* How the model did on held-out groups, as measured when it was made. */
typedef struct mewl_reason_evidence {
    double balanced, low, high; /* balanced accuracy when all classes count alike, with its 95 % interval by group */
    double p;                   /* of a permutation of labels by group; NaN when none was made */
    size_t clips, groups;
} mewl_reason_evidence;

/* Zero-initialised is empty. Owns `weight`. */
typedef struct mewl_reason {
    size_t classes, dims;
    char label[MEWL_REASON_CLASSES_MAX][MEWL_REASON_LABEL_MAX];
    char embedder[MEWL_REASON_NAME_MAX];    /* name of the embedder, "mobilenet" */
    char embedder_id[MEWL_REASON_NAME_MAX]; /* its id: other vectors must not be asked about */
    float *weight;                          /* (classes, dims) */
    double bias[MEWL_REASON_CLASSES_MAX];
    double share[MEWL_REASON_CLASSES_MAX]; /* of each class among the recordings it learned from: what is expected
                                              without listening */
    mewl_calibration calibration;
    mewl_sets sets; /* without chance: share 1 */
    double least_lift;
    mewl_reason_evidence evidence;
} mewl_reason;

/* An empty model of `classes` classes on `dims` numbers: no calibration, sets that leave nothing out, least_lift 2, no
 * evidence. MEWL_E_ARG, MEWL_E_MEMORY. */
mewl_status mewl_reason_init(mewl_reason *out, size_t classes, size_t dims, mewl_error *err);
void mewl_reason_fini(mewl_reason *reason);

/* Sets weight and bias to what scaler, then PCA, then logistic regression compute. MEWL_E_SHAPE when they do not fit
 * together or to the model. */
mewl_status mewl_reason_set_linear(mewl_reason *reason, const mewl_scaler *scaler, const mewl_pca *pca,
                                   const mewl_logistic *logistic, mewl_error *err);

/* Has the model been shown to be better than chance? (Rule 1.) */
bool mewl_reason_proven(const mewl_reason *reason);

typedef struct mewl_reason_answer {
    float p[MEWL_REASON_CLASSES_MAX];     /* calibrated, sums to 1 */
    bool in_set[MEWL_REASON_CLASSES_MAX]; /* the reasons that cannot be left out */
    size_t set_size;
    int named; /* the class, or -1: not sure */
} mewl_reason_answer;

/* Answers for one embedding (dims numbers). Numbers that are not finite: MEWL_E_ARG. */
mewl_status mewl_reason_ask(const mewl_reason *reason, mewl_reason_answer *out, const float *vector, mewl_error *err);

/* All but `weight`, as JSON and back. The text may be hostile: every size, number and name is checked (MEWL_E_FORMAT,
 * naming `name` and what is wrong). from_json makes *out, with `weight` zero. */
json_t *mewl_reason_to_json(const mewl_reason *reason);
mewl_status mewl_reason_from_json(mewl_reason *out, const json_t *json, const char *name, mewl_error *err);

#endif
