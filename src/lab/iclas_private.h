/* iclas_private.h - parts, sessions, one infant's models and figures, for the files iclas*.c alone. */
#ifndef MEWL_LAB_ICLAS_PRIVATE_H
#define MEWL_LAB_ICLAS_PRIVATE_H

#include "infant/conformal.h"
#include "lab/iclas.h"

#define MEWL__ICLAS_ROWS_MAX 512       /* recordings of one identity that are used */
#define MEWL__ICLAS_ANOMALIES_MAX 1000 /* of others */
#define MEWL__ICLAS_NAME_BYTES 128
#define MEWL__ICLAS_LEVELS 3 /* 0.01, 0.05, 0.1 */
extern const double mewl__iclas_levels[MEWL__ICLAS_LEVELS];

/* ---- Who is who (iclas_cast.c) ---- */

typedef enum mewl__part {
    MEWL__PART_ABSENT,     /* not heard at all */
    MEWL__PART_OTHER,      /* stands as an anomaly alone */
    MEWL__PART_POPULATION, /* teaches */
    MEWL__PART_CHOOSE,
    MEWL__PART_REPORT
} mewl__part;

/* Who said what when. */
typedef struct mewl__cast {
    const mewl_manifest *manifest;
    size_t rows;
    size_t *identity; /* [rows], number; SIZE_MAX when not usable */
    size_t *device;   /* [rows], number of the group (uuid) */
    size_t *session;  /* [rows], unique within an identity */
    size_t identities;
    size_t *recordings, *sessions, *first; /* [identities]: usable rows, sessions, first row */
    mewl__part *part;                      /* [identities], of the round at hand */
    size_t turns;
} mewl__cast;

#define MEWL__CAST_FOLDS 3      /* in which the approach is chosen */
#define MEWL__CAST_ALL SIZE_MAX /* no fold: those of the turn are reported */

mewl_status mewl__cast_make(mewl__cast *cast, const mewl_manifest *manifest, const mewl_iclas_opts *opts,
                            mewl_error *err);
void mewl__cast_fini(mewl__cast *cast);

/* Deals the parts of turn `turn`, fold `fold` (or MEWL__CAST_ALL). opts->seed says who is in which fold. */
void mewl__cast_deal(mewl__cast *cast, const mewl_iclas_opts *opts, size_t turn, size_t fold);

/* In which turn an identity is reported, if it is. */
size_t mewl__cast_turn(const mewl__cast *cast, size_t identity);

/* Up to `wanted` rows of others that may stand as anomalies of `identity`, who choose or are reported as it does or
 * only stand there; returns how many, and into *alike how many of them are of its age and sex: these come first. */
size_t mewl__cast_anomalies(const mewl__cast *cast, size_t *rows, size_t *alike, size_t identity, size_t wanted,
                            uint64_t seed);

/* ---- One infant's models under one approach (iclas_panel.c) ---- */

/* An embedding as the population sees it. */
typedef struct mewl__view {
    const double *placed; /* [cast->rows x dims] */
    size_t dims;
    const mewl_population *population; /* NULL: without one */
    double centre, spread; /* of the population's calibration scores; 0 and 1 when there is one view alone */
} mewl__view;

/* One kind of model on one or more views. Scores are sums over the views. */
typedef struct mewl__panel {
    mewl__view view[MEWL_ICLAS_MEMBERS_MAX];
    size_t views;
    mewl_personal_kind kind;
    const double *population_score; /* calibration scores of other infants' sessions */
    const uint32_t *population_infant;
    size_t population_sessions;
    const bool *there; /* [cast->rows], rows that can be scored; NULL: all */
    uint64_t seed;
} mewl__panel;

/* An infant's rows by session, in order of time as far as that is known, and work for fitting. */
typedef struct mewl__own {
    const mewl__panel *panel;
    size_t *row, *session; /* [count]: of the cast; 0, 1, ... */
    size_t count, sessions;
    mewl_personal *model[MEWL_ICLAS_MEMBERS_MAX];
    double *part;  /* work */
    size_t *mark;  /* work */
    double *score; /* calibration scores [count] */
    size_t *start; /* [sessions + 1] */
} mewl__own;

mewl_status mewl__own_init(mewl__own *own, const mewl__cast *cast, const mewl__panel *panel, size_t identity,
                           mewl_error *err);
void mewl__own_fini(mewl__own *own);

/* Learns own->model from the sessions below `end`, but not `skip` (SIZE_MAX: none) and none with session % folds ==
 * fold (folds 0: no folds). MEWL_E_EMPTY when nothing is left. */
mewl_status mewl__own_fit(mewl__own *own, size_t end, size_t skip, size_t fold, size_t folds, mewl_error *err);

/* Score of one row of the cast by own->model. */
double mewl__own_score(const mewl__own *own, size_t row);

/* Calibration scores of all sessions below `end` but `skip`, each from a model without it and without `skip`;
 * own->model is lost. *c points into own. */
mewl_status mewl__own_calibrate(mewl_conformal *c, mewl__own *own, size_t end, size_t skip, mewl_error *err);

/* The same calibration with as many sessions wanted as a level needs: other infants count until it can be reached at
 * all. */
mewl_conformal mewl__own_widened(const mewl_conformal *c, double level);

/* The p-value of a recording's score at a level, so widened. */
mewl_p_value mewl__own_p(const mewl_conformal *c, double score, double level);

/* ---- Figures (iclas_infant.c, iclas_later.c) ---- */

/* One infant under one approach; means over the repeats. */
typedef struct mewl__figures {
    size_t normal, anomalies, sessions;
    double auc, ap, f1, recall, fpr;
    double low[MEWL__ICLAS_LEVELS];        /* normal recordings with p at or below the level */
    double smooth_low[MEWL__ICLAS_LEVELS]; /* the same with the rank of p drawn */
    double hits[MEWL__ICLAS_LEVELS];       /* anomalies */
    size_t repeats;                        /* behind the means; 0: none */
    bool valid;
} mewl__figures;

/* Takes one more repeat into the means. */
void mewl__figures_average(mewl__figures *mean, const mewl__figures *next);

/* AUC, AP, and what alarms make of it. positive: [count]. */
mewl_status mewl__figures_fill(mewl__figures *out, const float *score, const bool *alarm, size_t normal, size_t count,
                               mewl_error *err);

mewl_status mewl__iclas_infant(mewl__figures *out, const mewl__cast *cast, const mewl__panel *panel, size_t identity,
                               const mewl_iclas_opts *opts, mewl_error *err);

/* Normal sessions that were tested strictly later, each by the p-value of its mean score: how many came out at or below
 * each level, the rank of p drawn being averaged over all draws. */
typedef struct mewl__rates {
    double sessions;
    double given[MEWL__ICLAS_LEVELS]; /* p as it ships: other infants added while own sessions are few */
    double drawn[MEWL__ICLAS_LEVELS]; /* the same with its rank drawn */
    double own_sessions;
    double own[MEWL__ICLAS_LEVELS]; /* own sessions alone, all of them scored by models of the same size, rank drawn */
} mewl__rates;

/* Adds a session, scored by what was learned of the earlier ones and calibrated by *c. */
void mewl__rates_pooled(mewl__rates *rates, const mewl_conformal *c, double mean_score);

/* The same by own sessions alone. *all: each session up to this one, the last, as it is scored by a model of all the
 * others, this one among them (full conformal prediction; Vovk, Gammerman and Shafer 2005): so every score comes from
 * as many sessions, and a normal one's rank is uniform. */
void mewl__rates_own(mewl__rates *rates, const mewl_conformal *all);

/* The table. rates: [count], sums over `repeats`. */
mewl_status mewl__rates_sheet(json_t **out, const char *name, const mewl__rates *rates, size_t count, size_t repeats,
                              uint64_t seed, mewl_error *err);

/* The earliest sessions against later ones: list[0] other infants of the same age and sex, list[1 + k] what
 * opts->altered[k] made of the later recordings; not valid where there is nothing to compare. Enrolled are at first
 * MEWL__LATER_FIRST sessions. Adds to *rates. */
#define MEWL__LATER_FIRST 2
mewl_status mewl__iclas_later(mewl__figures *list, mewl__rates *rates, const mewl__cast *cast, const mewl__panel *panel,
                              size_t identity, const mewl_iclas_opts *opts, mewl_error *err);

/* ---- Tables (iclas_table.c) ---- */

/* One approach: embeddings, a space, a model. */
typedef struct mewl__approach {
    char name[MEWL__ICLAS_NAME_BYTES];
    size_t table[MEWL_ICLAS_MEMBERS_MAX], tables, way;
    mewl_population_space space;
    mewl_personal_kind kind;
    bool confound, heard, alone;
    bool of_iclas;         /* one of the paper's three */
    mewl__figures *report; /* [identities], valid where they were reported */
    mewl__figures *choose; /* [turns x identities], valid where they chose in that turn */
} mewl__approach;

/* What was found out. */
typedef struct mewl__findings {
    mewl_iclas_opts opts;
    mewl__cast cast;
    mewl__approach *list;
    size_t count;
    size_t chosen[3];     /* [cast.turns], indices of approaches */
    mewl__figures *later; /* [(1 + altered) x identities], of what was chosen */
    mewl__rates *rates;   /* [identities], of what was chosen */
} mewl__findings;

/* Largest mean AUC in a turn on those that choose in it, of what keeps the nominal rate on them. */
size_t mewl__findings_choose(const mewl__findings *f, size_t turn);

mewl_status mewl__findings_document(json_t **out, const mewl__findings *f, mewl_error *err);

#endif
