/* conformal.h - from a score to "so unusual a session comes once in ... normal ones": conformal p-values by session,
 * and the level that keeps the number of false alarms that a family asked for.
 *
 * Recordings of one session resemble one another, so the session is what is counted: p = (1 + number of normal sessions
 * with a score at least as large) / (1 + number of normal sessions) is uniform or larger for a new normal session,
 * whatever the scores look like (Vovk, Gammerman and Shafer 2005). A single recording is compared with each session's
 * recordings, every session weighing one (Lee, Barber and Willett 2023). While the infant has few sessions, those of
 * other infants are added.
 */
#ifndef MEWL_INFANT_CONFORMAL_H
#define MEWL_INFANT_CONFORMAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Scores of normal sessions from models that had not seen them. Borrowed arrays. */
typedef struct mewl_conformal {
    const double *score; /* [recordings], the infant's own, by session */
    const size_t *start; /* [sessions + 1], first recording of each session */
    size_t sessions;
    const double *population; /* [population_sessions], other infants' session scores; may be none */
    const uint32_t *infant;   /* [population_sessions], whose: every infant weighs the same */
    size_t population_sessions;
    size_t wanted; /* sessions at which the infant's own suffice; 0 means 39 (steps of 0.025) */
} mewl_conformal;

/* Whose sessions a p-value stands on. */
typedef enum mewl_calibration {
    MEWL_CALIBRATION_NONE,       /* none at all: p is 1 */
    MEWL_CALIBRATION_POPULATION, /* other infants alone */
    MEWL_CALIBRATION_POOLED,     /* own, and others weighing as many sessions as are missing to `wanted` */
    MEWL_CALIBRATION_OWN
} mewl_calibration;

const char *mewl_calibration_name(mewl_calibration calibration); /* "own", ... */

typedef struct mewl_p_value {
    double p;
    double step; /* the smallest p possible: 1 / (n + 1) */
    mewl_calibration calibration;
    size_t own_sessions;
    size_t population_infants;
} mewl_p_value;

/* p of a whole session from its mean score. */
mewl_p_value mewl_conformal_session(const mewl_conformal *c, double mean_score);

/* p of one recording, or of the first of a session. */
mewl_p_value mewl_conformal_recording(const mewl_conformal *c, double score);

/* The level for sessions at which at most one normal session in `days` days is called unusual on average, when there
 * are `sessions_per_day`: min(1, 1 / (days * sessions_per_day)). NaN for arguments that are not positive. */
double mewl_conformal_level(double days, double sessions_per_day);

#endif
