/* iclas.h - ICLAS's table: for each infant with enough recordings, how well personal models tell its later cries from
 * other infants'; beside always-alarm, with thresholds that never see an anomaly.
 *
 * Those that are reported have no part in anything that is learned or chosen for them. Among all others the approach is
 * chosen by cross-validation in three folds of whole devices: two thirds are the population (space, covariance, PLDA),
 * infants of the third choose. Then all of these others are the population of those reported. Few individuals take
 * turns (three thirds): what is reported of one is what was chosen without it.
 *
 * Normal recordings are scored by models that have not seen their session (leave one session out), each with its own
 * calibration from the sessions left; anomalies (50 recordings of other infants, of the same age and sex where there
 * are enough, never of the same device) by the model of all sessions. Besides, as a family would use it: enrolled by
 * the earliest sessions, growing, each later session scored before it is learned; against others and against the same
 * recordings altered.
 */
#ifndef MEWL_LAB_ICLAS_H
#define MEWL_LAB_ICLAS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/progress.h"
#include "data/manifest.h"
#include "infant/population.h"

#define MEWL_ICLAS_TABLES_MAX 12
#define MEWL_ICLAS_FUSIONS_MAX 6
#define MEWL_ICLAS_MEMBERS_MAX 4
#define MEWL_ICLAS_ALTERED_MAX 16

/* One embedding of all rows of the manifest. */
typedef struct mewl_iclas_table {
    const char *name;
    const double *x; /* [manifest->count x dims] */
    size_t dims;
    bool scale;    /* plain statistics: columns are brought to mean 0 and deviation 1, by the population's */
    bool heard;    /* its network was taught these identities: shown, never chosen */
    bool confound; /* what is not the voice (background): shown, never chosen */
    bool alone;    /* as `mewl baby` does without a population: nearest neighbours among the infant's own, calibrated by
                      its own sessions alone; shown, never chosen */
    const bool *there; /* [manifest->count], rows that have a vector; NULL: all. With `alone` only */
} mewl_iclas_table;

/* Several embeddings whose scores are added up, each brought to the population's mean 0 and deviation 1. */
typedef struct mewl_iclas_fusion {
    size_t table[MEWL_ICLAS_MEMBERS_MAX]; /* indices of tables */
    size_t count;                         /* 2 to MEWL_ICLAS_MEMBERS_MAX */
} mewl_iclas_fusion;

/* The same recordings with something done to them; they are rows of the manifest that are not usable. */
typedef struct mewl_iclas_altered {
    const char *name;
    bool control;      /* must not be told: another microphone, or nothing at all */
    const size_t *row; /* [manifest->count]: the altered row of a row, SIZE_MAX where there is none */
} mewl_iclas_altered;

/* What is compared, and how. */
typedef struct mewl_iclas_opts {
    const char *name;      /* of the set */
    const bool *usable;    /* [manifest->count], by the first gate; NULL: all */
    size_t min_recordings; /* of a reported infant, 0 means 8 */
    size_t min_choose;     /* of one on whom the approach is chosen, in three sessions; 0 means 3 */
    bool rotate;           /* few individuals with many recordings: thirds of them are reported in turn */
    size_t anomalies;      /* an infant; 0 means 50 */
    double level;          /* nominal false-positive rate; 0 means 0.1 */
    double gap_s;          /* between sessions where the manifest names none; 0 means 3600 */
    bool quick;            /* without the autoencoder */
    size_t repeats;        /* with other populations and anomalies, averaged; 0 means 3 */
    const mewl_iclas_fusion *fusions;
    size_t fusion_count;
    const mewl_iclas_altered *altered;
    size_t altered_count;
    uint64_t seed;
    const mewl_progress *progress;
    const volatile sig_atomic_t *stop;
} mewl_iclas_opts;

/* The document for sheet.h: all approaches, and what was chosen; the chosen and ICLAS's three by infant; levels asked
 * for and rates that came about; the earliest sessions against later ones. *out is a new reference. MEWL_E_EMPTY when
 * no infant has enough recordings, MEWL_E_ARG, MEWL_E_MEMORY, MEWL_E_CANCELLED, those of infant/. */
mewl_status mewl_iclas_run(json_t **out, const mewl_manifest *manifest, const mewl_iclas_table *tables, size_t count,
                           mewl_iclas_opts opts, mewl_error *err);

#endif
