/* eval.h - the protocol: what a detector is worth, beside its baselines, in one run. Every result is a JSON document
 * that holds split, seed, counts, figures, 95 % intervals and the same for every system; the command line prints tables
 * from it.
 *
 * Systems come opened (system.h); systems[0] is the one under test, the others are its baselines. All hear the same
 * samples.
 */
#ifndef MEWL_LAB_EVAL_H
#define MEWL_LAB_EVAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/corpus.h"
#include "data/manifest.h"
#include "data/recipe.h"
#include "detect/episode.h"
#include "lab/system.h"
#include "lab/trials.h"

typedef struct mewl_eval_opts {
    uint64_t seed;                 /* of mixtures and of the bootstrap */
    size_t rounds;                 /* bootstrap; 0: 1000 */
    double per_hour;               /* false alarms an hour at the operating point; 0: 1 */
    const mewl_progress *progress; /* or NULL */
    const mewl_log *log;           /* skipped files; or NULL */
} mewl_eval_opts;

/* ---- Clips of a manifest ---- */

typedef struct mewl_eval_manifest_opts {
    mewl_eval_opts common;
    const char *positive;    /* label of a cry; NULL: "cry" */
    const char *split;       /* only rows of this side; NULL: all */
    const char *group;       /* column whose equal values are resampled together; NULL: "group" */
    int fold;                /* only rows of this fold; 0: all */
    float threshold;         /* probability from which system 0 calls a cry; NaN: the model's note, else 0.5 */
    float teacher_threshold; /* of YAMNet and mn04; NaN: 0.3 */
} mewl_eval_manifest_opts;

/* Scores every readable row (label "" is no cry). The document: {"kind":"clips", "positive", "split", "clips",
 * "unreadable", "at_threshold": mewl_trials_confusions, "labels": mewl_trials_labels, "operating_point":
 * mewl_trials_recall or null when one side is empty}. *unreadable (may be NULL) counts files that could not be read.
 * MEWL_E_EMPTY when none could, MEWL_E_ARG for a column that is not there, and for a positive label that was
 * named and that no row has. */
mewl_status mewl_eval_manifest(json_t **out, size_t *unreadable, mewl_system *const *systems, size_t system_count,
                               const mewl_manifest *manifest, mewl_eval_manifest_opts opts, mewl_error *err);

/* ---- Held-out mixtures ---- */

typedef struct mewl_eval_mixture_opts {
    mewl_eval_opts common;
    mewl_side side;        /* whose recordings are mixed: MEWL_SIDE_TEST, or MEWL_SIDE_VALID to choose thresholds */
    size_t clips;          /* of 10 s with one cry, at each SNR; 0: 200 */
    double negative_hours; /* of 10 s clips without a cry; 0: 4 */
} mewl_eval_mixture_opts;

/* Recall at a rate of false alarms. The same cries and backgrounds at the same times at every SNR of the recipe's
 * eval_snr_db; in each cry-free clip a hard negative in a cry's place, at SNRs from the same list. Document:
 * {"kind":"mixtures", "side", "seed", "clip_seconds", ...mewl_trials_recall}. thresholds[system_count] (may be NULL)
 * gets each system's operating point, a logit. */
mewl_status mewl_eval_mixtures(json_t **out, float *thresholds, mewl_system *const *systems, size_t system_count,
                               const mewl_corpus *corpus, const mewl_recipe *recipe, mewl_eval_mixture_opts opts,
                               mewl_error *err);

/* ---- Events ---- */

typedef struct mewl_eval_event_opts {
    mewl_eval_opts common;
    mewl_side side;
    size_t mixtures;            /* of recipe's eval_seconds at each SNR; 0: the recipe's eval_mixtures */
    mewl_episode_opts episodes; /* of system 0 */
} mewl_eval_event_opts;

/* Event-based F1 (MEWL_COLLARS_DEFAULT) at the episode options given, PSDS 1 and 2 over a sweep of thresholds, by SNR,
 * for every system that has scores over time; baselines get the threshold that suits their F1 best over all SNRs. Hard
 * negatives are a class of their own for cross-triggers. Document: {"kind":"events", "side", "seed", "mixture_seconds",
 * "mixtures", "systems": [{"name", "threshold", "by_snr": [{"snr_db", "events", "f1": I, "precision", "recall",
 * "psds_1": I, "psds_2": I, "false_per_hour"}]}]}; intervals by mixture. */
mewl_status mewl_eval_events(json_t **out, mewl_system *const *systems, size_t system_count, const mewl_corpus *corpus,
                             const mewl_recipe *recipe, mewl_eval_event_opts opts, mewl_error *err);

/* Chooses episode options for a model: of a grid of threshold, hysteresis, attack, shortest run and merging gap, the
 * best mean event F1 over the SNRs of eval_snr_db from 0 dB up; of options as good within 0.02, the one with the fewest
 * false episodes in cry-free mixtures (at most 4 h of them, four hard negatives a minute at 10 dB). Each mixture is
 * scored once. *chosen starts from *chosen's own values; *report (may be NULL) gets what was tried. */
mewl_status mewl_eval_tune(mewl_episode_opts *chosen, json_t **report, mewl_system *system, const mewl_corpus *corpus,
                           const mewl_recipe *recipe, mewl_eval_event_opts opts, mewl_error *err);

/* ---- Hard negatives ---- */

/* Rows of real hard negatives of the data sets at `root`, as false alarms an hour at the operating point `thresholds`
 * (logits, one a system): laughter, meows, children playing, sirens, speech, dogs, snoring and breathing (made).
 * Recordings that the corpus trained on (side train or valid) are left out; sets that are absent give no row. Document:
 * {"kind":"hard-negatives", "seed", "clips", "labels": mewl_trials_labels, "total": one such row of all recorded (not
 * made) sounds together, absent without any}. */
mewl_status mewl_eval_hard(json_t **out, const float *thresholds, mewl_system *const *systems, size_t system_count,
                           const char *root, const mewl_corpus *corpus, mewl_eval_opts opts, mewl_error *err);

/* ---- Bandwidth ---- */

/* How far scores of cries move between a recording of at least 32 kHz and the same sent through 8 kHz sampling. Rows of
 * the manifest with label "cry", wide enough, of `split` (NULL: all). Document: {"kind":"bandwidth", "split", "clips",
 * "groups", "systems": [{"name", "median_move": I, "largest_move", "mean_wide", "mean_narrow"}]}. */
mewl_status mewl_eval_bandwidth(json_t **out, mewl_system *const *systems, size_t system_count,
                                const mewl_manifest *manifest, const char *split, mewl_eval_opts opts, mewl_error *err);

/* ---- ESC-10's official folds ---- */

typedef struct mewl_eval_fold_opts {
    mewl_eval_opts common;
    const char *output;    /* folder for the folds' models, output/fold<K>; NULL: runs/<name of the recipe> */
    const char *data_root; /* folder of the data sets, with esc10 in it */
    float threshold;       /* confidence, fixed beforehand; NaN: 0.5 */
    bool retrain;          /* train even where a finished model of a fold is there */
    const volatile sig_atomic_t *stop; /* see train.h; or NULL */
} mewl_eval_fold_opts;

/* Trains (or finds) one model a fold by the recipe with data.esc_test_fold = K, scores the fold it never saw, and joins
 * the five. A training that was stopped is resumed. Baselines (opened systems, or none) score the same clips at 0.3
 * (energy: 0.5). Document: {"kind":"esc10-folds", "threshold", "seed", "folds": [{"fold", "cries_found", "cries",
 * "false_clips", "others", "model"}], "systems": [{"name", "cries_found", "cries", "false_clips", "others", "recall":
 * I, "false_share": I, "roc_auc": I, "false_labels": {label: count}}]}; intervals by source recording. MEWL_E_CANCELLED
 * when stopped. */
mewl_status mewl_eval_folds(json_t **out, const char *recipe_path, mewl_system *const *baselines, size_t baseline_count,
                            mewl_eval_fold_opts opts, mewl_error *err);

#endif
