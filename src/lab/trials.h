/* trials.h - a table of scored clips: what each system said of each, whether a cry was in it, and which recordings it
 * came from; and the figures that follow from such a table. Pure: no audio, no models, no files.
 */
#ifndef MEWL_LAB_TRIALS_H
#define MEWL_LAB_TRIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/status.h"

#define MEWL_TRIAL_SYSTEMS_MAX 8
#define MEWL_TRIALS_MAX ((size_t)4000000)

/* One clip. Rank by `logit`, larger being more cry-like. */
typedef struct mewl_trial {
    float logit[MEWL_TRIAL_SYSTEMS_MAX];
    double seconds; /* of sound: what false alarms per hour count */
    double snr_db;  /* NaN where that means nothing */
    uint32_t group; /* number of its source recording, uuid, ... : mewl_trials_name */
    uint32_t label;
    bool positive;
} mewl_trial;

/* A table of trials. Zero-initialised is empty. Owns its arrays; release with mewl_trials_fini. Fields are for reading.
 */
typedef struct mewl_trials {
    mewl_trial *items;
    size_t count, room;
    const char *systems[MEWL_TRIAL_SYSTEMS_MAX]; /* names, borrowed; system 0 is the one under test */
    size_t system_count;
    char **names; /* of groups and labels */
    size_t name_count, name_room;
} mewl_trials;

/* Frees all that the table holds and empties it. */
void mewl_trials_fini(mewl_trials *t);

/* Appends a copy. MEWL_E_MEMORY over the ceiling; MEWL_E_ARG for a logit that is NaN or seconds that are not positive.
 */
mewl_status mewl_trials_add(mewl_trials *t, const mewl_trial *trial, mewl_error *err);

/* Number that stands for a text (a group, a label), the same for the same text. */
mewl_status mewl_trials_name(mewl_trials *t, uint32_t *number, const char *text, mewl_error *err);

typedef struct mewl_trial_opts {
    double per_hour; /* false alarms an hour of cry-free sound; 0 means 1 */
    size_t rounds;   /* bootstrap; 0 means 1000 */
    uint64_t seed;   /* of the bootstrap */
} mewl_trial_opts;

/* Lowest threshold of system `system` (a logit) at which its negatives alarm at most per_hour times an hour. +INFINITY
 * never occurs; -INFINITY when even all negatives together are allowed. */
float mewl_trials_threshold(const mewl_trials *t, size_t system, double per_hour);

/* Recall at per_hour false alarms an hour, by system and SNR, each with a 95 % interval by a bootstrap over groups
 * (cries and negatives as strata; thresholds taken anew in every resample); differences to system 0 from the same
 * resamples; ROC-AUC and average precision. JSON:
 *   {"per_hour", "positives", "positive_groups", "negatives", "negative_groups", "negative_hours", "rounds", "seed",
 *    "systems": [{"name", "threshold", "threshold_logit", "recall": I, "roc_auc": I, "average_precision": I,
 *                 "curve": [[false-positive rate, recall, precision], ...],
 *                 "by_snr": [{"snr_db", "clips", "recall": I}],
 *                 "difference": I, "difference_by_snr": [{"snr_db", "difference": I}]}]}
 * where I is {"value", "low", "high"} and a difference is recall of system 0 minus that of this one (absent for 0).
 * MEWL_E_EMPTY without positives or negatives. *out is a new reference. */
mewl_status mewl_trials_recall(json_t **out, const mewl_trials *t, mewl_trial_opts opts, mewl_error *err);

/* A row a label and system at given thresholds (logits, one a system): clips, groups, minutes, how many were called a
 * cry, as a share with an interval by groups and, for negatives, as false alarms an hour with one. JSON array of
 *   {"label", "positive", "clips", "groups", "minutes",
 *    "systems": [{"name", "called", "share": I, "per_hour": I or null}]}
 * in the order in which labels first occur. */
mewl_status mewl_trials_labels(json_t **out, const mewl_trials *t, const float *thresholds, mewl_trial_opts opts,
                               mewl_error *err);

/* Confusion of each system at its threshold: JSON array of {"name", "threshold", "true_positive", ..., "accuracy",
 * "balanced_accuracy", "recall": I, "precision", "f1"}, recall's interval by groups. */
mewl_status mewl_trials_confusions(json_t **out, const mewl_trials *t, const float *thresholds, mewl_trial_opts opts,
                                   mewl_error *err);

/* {"value", "low", "high"}; a new reference. */
json_t *mewl_interval_json(double value, double low, double high);

#endif
