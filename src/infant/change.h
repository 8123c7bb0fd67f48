/* change.h - slow figures watched over weeks: one value a session comes in (the mean score, the logarithm of F0, ...),
 * and it says when they have shifted, at a rate of false alarms that is set and bounded.
 *
 * Each value is compared with what the weeks before led one to expect (a straight line, so that growth is no alarm; the
 * last days are left out of it, so that a shift is not followed at once). Its rank among the earlier differences is a
 * conformal p-value; these are bet against by three detectors:
 *  - e-detector (Shiryaev-Roberts form; Shin, Ramdas and Rinaldo 2024): R = (R + 1) e, alarm at R >= c gives at least c
 *    sessions on average between false alarms; this is what an alarm rests on;
 *  - conformal test martingale (Vovk, Nouretdinov and Gammerman 2003): one for life, alarm at M >= 1 / alpha bounds the
 *    probability of any false alarm in a lifetime by alpha (Ville 1939). Its first wealth of 1 is laid out over the
 *    sessions of a life, so that a change late in it can still be told;
 *  - CUSUM (Page 1954) on the standardised differences, for the picture and as a baseline.
 * Pure: times are arguments, randomness (ties of ranks) comes from the seed.
 */
#ifndef MEWL_INFANT_CHANGE_H
#define MEWL_INFANT_CHANGE_H

#include <stdbool.h>

#include "learn/bytes.h"

/* Which side counts. */
typedef enum mewl_change_side { MEWL_CHANGE_BOTH, MEWL_CHANGE_UP } mewl_change_side;

/* Zero means the default in brackets. */
typedef struct mewl_change_opts {
    mewl_change_side side;
    double run_sessions; /* e-detector: mean number of sessions between false alarms, at least [300] */
    double alpha;        /* martingale: probability of a false alarm in a lifetime [0.05] */
    double memory_days;  /* how far back the straight line looks [28] */
    double guard_days;   /* the last days, left out of it [4] */
    double line_errors;  /* e-detector: a value off by so many standard errors of the line is no change yet [0] */
    size_t burn_in;      /* sessions before anything is judged [12] */
    uint64_t seed;
} mewl_change_opts;

#define MEWL_CHANGE_SESSIONS_MAX ((size_t)512) /* remembered; older ones are forgotten */

/* What one session did. */
typedef struct mewl_change_step {
    bool judged;           /* false while burning in or when the value is NaN: all else is then as before */
    double expected;       /* by the straight line */
    double spread;         /* scatter of earlier differences; 0 where there are too few of them */
    double z;              /* (value - expected) / spread */
    double p;              /* conformal, smoothed: uniform when nothing changed */
    double log_martingale; /* ln M */
    double log_detector;   /* ln R */
    double cusum_up, cusum_down;
    bool alarm;          /* R reached its bound in this session; R then starts anew */
    bool lifetime_alarm; /* M reached 1 / alpha in this session for the first time */
} mewl_change_step;

typedef struct mewl_change mewl_change;

/* MEWL_E_ARG for odd options, MEWL_E_MEMORY. */
mewl_status mewl_change_new(mewl_change **out, mewl_change_opts opts, mewl_error *err);
void mewl_change_free(mewl_change *change);

/* One session's value at a day `day` (any origin, never falling: MEWL_E_ARG). NaN: the session had none. */
mewl_status mewl_change_push(mewl_change *change, mewl_change_step *step, double day, double value, mewl_error *err);

/* Forgets what was usual: the next sessions burn in again (after a new microphone). Detectors start anew; the
 * martingale does not: what it had at stake is forfeited, what it kept back stays, and so does that the lifetime alarm
 * was given. */
void mewl_change_restart(mewl_change *change);

/* Forgets the sessions from day `from` on and before day `to`, which turned out to be no part of what is usual: what
 * follows is compared with those before and after. Detectors start anew; the martingale goes on. */
void mewl_change_cut(mewl_change *change, double from, double to);

/* Sets run_sessions anew (> 1; else nothing), as the number of sessions a day becomes known. */
void mewl_change_set_run(mewl_change *change, double run_sessions);

size_t mewl_change_sessions(const mewl_change *change); /* remembered */

void mewl_change_save(const mewl_change *change, mewl_buffer *out);
/* Also what Mewl wrote before it kept any of the martingale's wealth back (part CHNG, version 1): the little that is
 * left of it then is what may still be staked. MEWL_E_FORMAT, MEWL_E_UNSUPPORTED, MEWL_E_MEMORY. */
mewl_status mewl_change_load(mewl_change **out, mewl_bytes *in, mewl_error *err);

#endif
