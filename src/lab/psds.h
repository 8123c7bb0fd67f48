/* psds.h - the polyphonic sound detection score (Bilen et al. 2020, "A framework for the robust evaluation of sound
 * event detection"), with the counting rules of the psds_eval package: detection and ground-truth tolerance by summed
 * intersections, cross-triggers, the staircase ROC over operating points, its area up to a false-alarm rate.
 *
 * Not a plot. Operating points are given by the caller, one list of detections for each threshold of a sweep.
 */
#ifndef MEWL_LAB_PSDS_H
#define MEWL_LAB_PSDS_H

#include <stddef.h>

#include "base/status.h"
#include "lab/events.h"

typedef struct mewl_psds_opts {
    double dtc;      /* detection tolerance: share of a detection that lies in events of its class */
    double gtc;      /* ground-truth tolerance: share of an event covered by detections that satisfy dtc */
    double cttc;     /* cross-trigger tolerance: share of a failed detection inside events of another class */
    double alpha_ct; /* weight of cross-triggers in the effective false-alarm rate */
    double alpha_st; /* weight of the spread over classes */
    double max_efpr_per_hour;
    size_t classes; /* labels are < classes */
    size_t scored;  /* classes 0 .. scored-1 have a ROC; the rest are sources of cross-triggers only. 0: all. */
} mewl_psds_opts;

/* The two scenarios of the protocol, for one scored class and `n` labelled classes in all. */
#define MEWL_PSDS_1(n)                                                                                                 \
    ((mewl_psds_opts){.dtc = 0.7,                                                                                      \
                      .gtc = 0.7,                                                                                      \
                      .cttc = 0,                                                                                       \
                      .alpha_ct = 0,                                                                                   \
                      .alpha_st = 1,                                                                                   \
                      .max_efpr_per_hour = 100,                                                                        \
                      .classes = (n),                                                                                  \
                      .scored = 1})
#define MEWL_PSDS_2(n)                                                                                                 \
    ((mewl_psds_opts){.dtc = 0.1,                                                                                      \
                      .gtc = 0.1,                                                                                      \
                      .cttc = 0.3,                                                                                     \
                      .alpha_ct = 0.5,                                                                                 \
                      .alpha_st = 1,                                                                                   \
                      .max_efpr_per_hour = 100,                                                                        \
                      .classes = (n),                                                                                  \
                      .scored = 1})

#define MEWL_PSDS_POINTS_MAX 1000

typedef struct mewl_psds mewl_psds;

/* Takes a copy of the truth: events (of one clip and label never overlapping), the length of every clip in seconds.
 * MEWL_E_ARG for bad events or options. Free with mewl_psds_free (accepts NULL). */
mewl_status mewl_psds_new(mewl_psds **out, const mewl_span *truth, size_t truths, const double *clip_seconds,
                          size_t clips, mewl_psds_opts opts, mewl_error *err);
void mewl_psds_free(mewl_psds *p);

/* Counts the detections of one operating point (non-overlapping within one clip and label; labels < scored). At most
 * MEWL_PSDS_POINTS_MAX points. */
mewl_status mewl_psds_add(mewl_psds *p, const mewl_span *detections, size_t count, mewl_error *err);

/* True positives, false positives and cross-triggers of operating point `point` for class `label`, over all clips. */
typedef struct mewl_psds_point {
    double true_positive_ratio;
    double false_positives_per_hour;
    double effective_per_hour;
} mewl_psds_point;
mewl_status mewl_psds_point_at(mewl_psds_point *out, const mewl_psds *p, size_t point, size_t label, mewl_error *err);

/* The score in [0, 1], each clip counted weights[clip] times (NULL: once). With fewer than two labelled classes
 * cross-triggers cannot happen and count nothing (psds_eval itself gives NaN there). NaN without a scored event. */
double mewl_psds_score(const mewl_psds *p, const double *weights);

#endif
