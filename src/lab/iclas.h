/* iclas.h - ICLAS's table: for each infant with enough recordings, how well personal models tell its later cries from
 * other infants'; beside always-alarm, with thresholds that never see an anomaly.
 *
 * Identities play parts, nobody two of them: the population (space, covariance, PLDA), the infants on whom the approach
 * is chosen, and those that are reported. Normal recordings are scored by models that have not seen their session
 * (leave one session out), each with its own calibration from the sessions left; anomalies (50 recordings of other
 * infants, of the same age and sex where there are enough, never of the same device) by the model of all sessions.
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

/* One embedding of all rows of the manifest. */
typedef struct mewl_iclas_table {
    const char *name;
    const double *x; /* [manifest->count x dims] */
    size_t dims;
    bool scale;    /* plain statistics: columns are brought to mean 0 and deviation 1, by the population's */
    bool heard;    /* its network was taught these identities: shown, never chosen */
    bool confound; /* what is not the voice (background): shown, never chosen */
} mewl_iclas_table;

/* What is compared, and how. */
typedef struct mewl_iclas_opts {
    const char *name;      /* of the set */
    const bool *usable;    /* [manifest->count], by the first gate; NULL: all */
    size_t min_recordings; /* of a reported infant, 0 means 8 */
    size_t min_choose;     /* of one on whom the approach is chosen; 0 means 4 */
    bool rotate;           /* few individuals with many recordings: three parts that take turns */
    size_t anomalies;      /* an infant; 0 means 50 */
    double level;          /* nominal false-positive rate; 0 means 0.1 */
    double gap_s;          /* between sessions where the manifest names none; 0 means 3600 */
    bool quick;            /* without the autoencoder */
    size_t repeats;        /* with other populations and anomalies, averaged; 0 means 3 */
    uint64_t seed;
    const mewl_progress *progress;
    const volatile sig_atomic_t *stop;
} mewl_iclas_opts;

/* The document for sheet.h: all approaches; and the chosen one, ICLAS's three and always-alarm by infant. *out is a new
 * reference. MEWL_E_EMPTY when no infant has enough recordings, MEWL_E_ARG, MEWL_E_MEMORY, MEWL_E_CANCELLED, those of
 * infant/. */
mewl_status mewl_iclas_run(json_t **out, const mewl_manifest *manifest, const mewl_iclas_table *tables, size_t count,
                           mewl_iclas_opts opts, mewl_error *err);

#endif
