/* reasons.h - classical heads on vectors compared on one set of labelled recordings, under random and grouped folds
 * side by side; everything that is chosen is chosen inside the training side of each fold.
 *
 * A cell is one source of vectors, one kind of split, one fold, one seed. In it: four inner folds of the training side,
 * dealt like the outer ones; in each the space is learned anew and every head says what it thinks of the rest with
 * every setting. From these out-of-fold answers follow, for each head, three choices of setting and of a calibration
 * map:
 *
 *   accuracy   most right of the most probable class; map: temperature
 *   balanced   most right, class by class, when all classes count alike; map: temperature
 *   log-loss   smallest logarithmic loss after calibration; map: the best of temperature, with biases, and Dirichlet
 *
 * and, for the last, prediction sets. Then space and head are learned on the whole training side and asked about the
 * fold. Networks that are trained are in study.h, whose folds, baselines and report this shares.
 */
#ifndef MEWL_LAB_REASONS_H
#define MEWL_LAB_REASONS_H

#include <signal.h>

#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/manifest.h"
#include "lab/experiment.h"
#include "lab/heads.h"
#include "lab/vectors.h"
#include "reason/calibration.h"
#include "reason/sets.h"

#define MEWL_REASON_INNER_FOLDS 4
#define MEWL_REASON_SOURCES_MAX 16
#define MEWL_REASON_CHOICES 3
#define MEWL_REASON_SETS 6
#define MEWL_REASON_FOLDS_MAX 20

/* "accuracy", "balanced", "log-loss": 0, 1, 2. */
const char *mewl_reason_choice_name(size_t choice);

/* The prediction sets that are tried: least and adaptive at 80 % and 90 %, least by class at 80 % and 90 %. */
mewl_sets_opts mewl_reason_sets_at(size_t index);

/* A source of vectors: one system, or several side by side. */
typedef struct mewl_reason_source {
    const char *name; /* "yamnet", "all" */
    const double *x;  /* (rows of the manifest, dims), borrowed */
    size_t dims;
    size_t part_dims[MEWL_SPACE_PARTS_MAX];
    size_t parts;
} mewl_reason_source;

/* A reason model to make (reason/reason.h): logistic regression on one source, learned from all recordings; its
 * setting, calibration map and prediction sets from grouped folds of all of them; its evidence from the outer folds of
 * the journal, choice log-loss. */
typedef struct mewl_reasons_making {
    const char *source;                 /* name of a source whose vectors are an embedder's */
    const mewl_embedder_info *embedder; /* of that source */
    mewl_embedder_opts embed;
    double coverage;   /* of its prediction sets; 0: 0.9 */
    double least_lift; /* see reason/reason.h; 0: 2 */
    const char *data;  /* for the file's notes: what it learned from */
    const char *path;  /* of the file */
} mewl_reasons_making;

typedef struct mewl_reasons_opts {
    const char *experiment, *title, *profile; /* of the document */
    const char *data_name;                    /* of the recordings, for people */
    const char *column;                       /* of the classes */
    int folds;                                /* 2 to MEWL_REASON_FOLDS_MAX */
    size_t seeds;                             /* 1 to 100 */
    size_t choice;                            /* whose rows the document has: 0, 1 or 2 */
    size_t permutations;                      /* rounds for each source; 0: none */
    size_t rounds;                            /* bootstrap; 0: 1000 */
    const mewl_reasons_making *making;        /* a model to make besides, or NULL */
    const volatile sig_atomic_t *stop;
    const mewl_progress *progress;
    const mewl_log *log;
} mewl_reasons_opts;

/* Runs what the journal in `folder` does not hold yet and makes the document (report.h). `manifest` is borrowed, its
 * `fold` column is overwritten. *out is a new reference. Errors: MEWL_E_ARG, MEWL_E_EMPTY, MEWL_E_CANCELLED, and those
 * of experiments. */
mewl_status mewl_reasons_run(json_t **out, mewl_manifest *manifest, const mewl_reason_source *sources, size_t count,
                             const char *folder, mewl_reasons_opts opts, mewl_error *err);

#endif
