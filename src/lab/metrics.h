/* metrics.h - figures for clips that carry a score and a yes-or-no label: ROC-AUC, average precision, confusion counts,
 * and recall at a rate of false alarms per hour. Every figure can be weighted item by item, which is how bootstrap.h
 * resamples groups without copying scores.
 *
 * Not for events with onsets and offsets: those are in events.h and psds.h. Nothing here draws random numbers.
 */
#ifndef MEWL_LAB_METRICS_H
#define MEWL_LAB_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Items by falling score. Owns its arrays; holds at most MEWL_RANKING_MAX items. Scores may be any finite number. */
typedef struct mewl_ranking {
    size_t count;
    size_t positives;
    float *score;   /* [count], falling */
    bool *positive; /* [count], in that order */
    uint32_t *item; /* [count], index into the caller's arrays */
} mewl_ranking;

#define MEWL_RANKING_MAX ((size_t)50000000)

/* Sorts `count` scores with their labels (copied). Returns MEWL_E_ARG for a NaN score (naming its index), MEWL_E_EMPTY
 * for no items, MEWL_E_MEMORY over the ceiling. On failure *out is empty and needs no fini. */
mewl_status mewl_ranking_init(mewl_ranking *out, const float *scores, const bool *positive, size_t count,
                              mewl_error *err);
/* Frees the arrays and empties it. */
void mewl_ranking_fini(mewl_ranking *r);

/* Area under the ROC curve: the probability that a positive outranks a negative, ties counting one half (equals
 * sklearn.metrics.roc_auc_score). `weights` [count by the caller's index] or NULL for all ones. NaN when one side is
 * empty or has no weight. */
double mewl_ranking_roc_auc(const mewl_ranking *r, const double *weights);

/* Average precision, the step-wise area under precision and recall: sum of (R_n - R_{n-1}) P_n over distinct thresholds
 * (equals sklearn.metrics.average_precision_score). The PR-AUC that Mewl reports. NaN without positives. */
double mewl_ranking_average_precision(const mewl_ranking *r, const double *weights);

/* Recall at a rate of false alarms. Each negative item is one possible false alarm; `negative_hours` is the cry-free
 * audio they stand for (with weights: already weighted). The threshold is the lowest at which at most floor(per_hour *
 * negative_hours) false alarms remain (an item alarms when its score >= threshold; ties at the border are all left
 * out). Writes the share of positives that alarm; *threshold (may be NULL) gets the threshold, -INFINITY when every
 * negative is allowed; *alarms (may be NULL) the false alarms that remain. NaN without positives. With less than 1 /
 * per_hour hours of negatives no false alarm at all is allowed. */
double mewl_ranking_recall_at_rate(const mewl_ranking *r, const double *weights, double negative_hours, double per_hour,
                                   float *threshold, double *alarms);

/* One threshold of a ranking: what alarms from there on. */
typedef struct mewl_curve_point {
    double false_positive_rate, recall; /* the ROC curve; each in 0 to 1 */
    double precision;                   /* over recall: the precision-recall curve */
} mewl_curve_point;

/* The curves of a ranking, a point at each distinct score from the highest down, all weighing the same; of points that
 * lie closer than 1 / (most / 2 - 1) in both rates, one. Returns how many of `most` (4 at least) were written; 0 when
 * one side is empty. The last is (1, 1, share of positives). */
size_t mewl_ranking_curve(const mewl_ranking *r, mewl_curve_point *out, size_t most);

/* Equal error rate: where false positives and misses are the same share, on the ROC curve with straight lines between
 * its points (what scipy's brentq finds on sklearn.metrics.roc_curve). NaN when one side is empty or has no weight.
 * *threshold (may be NULL) gets the score of the curve's first point at or beyond it. */
double mewl_ranking_eer(const mewl_ranking *r, const double *weights, float *threshold);

/* Smallest normalised detection cost over all thresholds (NIST speaker recognition evaluations): min of
 * prior * misses + (1 - prior) * false positives, over the cost of always saying the same, min(prior, 1 - prior). Both
 * errors cost alike. 0 < prior < 1. NaN when one side is empty or has no weight. */
double mewl_ranking_min_dcf(const mewl_ranking *r, const double *weights, double prior);

/* Counts at a threshold: an item is called positive when its score >= threshold. */
typedef struct mewl_confusion {
    size_t true_positive, false_positive, true_negative, false_negative;
} mewl_confusion;

/* Counts `count` items. Scores that are NaN are called negative. */
mewl_confusion mewl_confusion_count(const float *scores, const bool *positive, size_t count, float threshold);

/* Shares of the counts, each in 0 to 1. */
double mewl_confusion_accuracy(mewl_confusion c); /* NaN when empty */
double
mewl_confusion_balanced_accuracy(mewl_confusion c); /* mean of recall and specificity; NaN when a side is empty */
double mewl_confusion_recall(mewl_confusion c);     /* NaN without positives */
double mewl_confusion_precision(mewl_confusion c);  /* NaN when nothing was called positive */
double mewl_confusion_f1(mewl_confusion c);         /* 2 tp / (2 tp + fp + fn); NaN when that is 0 / 0 */

/* 95 % interval of a share (Wilson 1927) for `hits` of `trials` independent trials; [0, 1] when trials is 0. */
void mewl_share_interval(double *low, double *high, size_t hits, size_t trials);

#endif
