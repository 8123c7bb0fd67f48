/* study_private.h - private to the lab room: what study.c, study_table.c and study_baseline.c share. */
#ifndef MEWL_LAB_STUDY_PRIVATE_H
#define MEWL_LAB_STUDY_PRIVATE_H

#include "lab/study.h"

#define MEWL__STUDY_SETS_MAX 4
#define MEWL__STUDY_SEEDS_MAX 100

typedef struct mewl__study_set {
    mewl_clipset clips;
    char front_end[MEWL_MODEL_NAME_MAX];
} mewl__study_set;

struct mewl_study {
    mewl_manifest *manifest;
    mewl_study_opts opts;
    int *fold; /* [splits][seeds][rows], from 1 */
    size_t first_split; /* 1 where the manifest's own folds are all there is */
    json_t *split_notes[MEWL_STUDY_SPLITS];
    mewl__study_set sets[MEWL__STUDY_SETS_MAX];
    size_t set_count;
    /* Classes, labels and groups without any sound. */
    char **classes;
    size_t class_count, groups;
    int *label;    /* [rows] */
    size_t *group; /* [rows] */
    char hash[MEWL_CLIPSET_HASH_BYTES];
};

/* Forecasts of a baseline under one split, over all seeds and folds run. */
typedef enum mewl__baseline { MEWL__BASELINE_MAJORITY, MEWL__BASELINE_PRIOR, MEWL__BASELINE_METADATA } mewl__baseline;
mewl_status mewl__study_baseline(mewl_forecasts *f, const mewl_study *study, mewl__baseline kind, size_t split,
                                 mewl_error *err);
const char *mewl__study_baseline_name(mewl__baseline kind);

/* Whether the manifest says anything of age, sex or platform that differs between rows. */
bool mewl__study_has_metadata(const mewl_study *study);

extern const char *const mewl__study_splits[MEWL_STUDY_SPLITS];

/* The key of a cell of `config`: its name and a fingerprint of all that its training follows from. */
mewl_status mewl__study_cell_name(char *name, size_t size, const mewl_study_config *config, mewl_error *err);

#endif
