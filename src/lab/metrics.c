/* metrics.c - figures of scored clips. Everything works on one ordering by falling score and an optional weight an
 * item; equal scores are always taken together, so that the order of ties cannot change a figure. */
#include "lab/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct keyed {
    float score;
    uint32_t item;
} keyed;

static int by_falling_score(const void *a, const void *b)
{
    const keyed *x = a;
    const keyed *y = b;
    if (x->score != y->score) {
        return x->score > y->score ? -1 : 1;
    }
    return x->item < y->item ? -1 : x->item > y->item;
}

void mewl_ranking_fini(mewl_ranking *r)
{
    if (r == NULL) {
        return;
    }
    free(r->score);
    free(r->positive);
    free(r->item);
    memset(r, 0, sizeof *r);
}

mewl_status mewl_ranking_init(mewl_ranking *out, const float *scores, const bool *positive, size_t count,
                              mewl_error *err)
{
    memset(out, 0, sizeof *out);
    if (count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there are no scores to rank");
    }
    if (count > MEWL_RANKING_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%zu scores are more than %zu", count, MEWL_RANKING_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (isnan(scores[i])) {
            return mewl_error_set(err, MEWL_E_ARG, "score %zu is not a number", i);
        }
    }
    keyed *order = malloc(count * sizeof *order);
    out->score = malloc(count * sizeof *out->score);
    out->positive = malloc(count * sizeof *out->positive);
    out->item = malloc(count * sizeof *out->item);
    if (order == NULL || out->score == NULL || out->positive == NULL || out->item == NULL) {
        free(order);
        mewl_ranking_fini(out);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory to rank %zu scores", count);
    }
    for (size_t i = 0; i < count; i++) {
        order[i] = (keyed){.score = scores[i], .item = (uint32_t)i};
    }
    qsort(order, count, sizeof *order, by_falling_score);
    for (size_t i = 0; i < count; i++) {
        out->score[i] = order[i].score;
        out->item[i] = order[i].item;
        out->positive[i] = positive[order[i].item];
        out->positives += out->positive[i] ? 1 : 0;
    }
    out->count = count;
    free(order);
    return MEWL_OK;
}

/* Weight of the items that share one score, from `start` on; returns the first place after them. */
static size_t take_ties(const mewl_ranking *r, const double *weights, size_t start, double *positive, double *negative)
{
    double p = 0;
    double n = 0;
    size_t i = start;
    for (; i < r->count && r->score[i] == r->score[start]; i++) {
        double w = weights == NULL ? 1.0 : weights[r->item[i]];
        if (r->positive[i]) {
            p += w;
        } else {
            n += w;
        }
    }
    *positive = p;
    *negative = n;
    return i;
}

static void weigh_sides(const mewl_ranking *r, const double *weights, double *positive, double *negative)
{
    *positive = 0;
    *negative = 0;
    for (size_t i = 0; i < r->count; i++) {
        double w = weights == NULL ? 1.0 : weights[r->item[i]];
        if (r->positive[i]) {
            *positive += w;
        } else {
            *negative += w;
        }
    }
}

double mewl_ranking_roc_auc(const mewl_ranking *r, const double *weights)
{
    double positives = 0;
    double negatives = 0;
    double area = 0;
    for (size_t i = 0; i < r->count;) {
        double p = 0;
        double n = 0;
        i = take_ties(r, weights, i, &p, &n);
        area += n * (positives + 0.5 * p); /* trapezoid over this tie */
        positives += p;
        negatives += n;
    }
    return positives > 0 && negatives > 0 ? area / (positives * negatives) : NAN;
}

double mewl_ranking_average_precision(const mewl_ranking *r, const double *weights)
{
    double positives = 0;
    double negatives = 0;
    double sum = 0;
    for (size_t i = 0; i < r->count;) {
        double p = 0;
        double n = 0;
        i = take_ties(r, weights, i, &p, &n);
        positives += p;
        negatives += n;
        if (p > 0) {
            sum += p * positives / (positives + negatives);
        }
    }
    return positives > 0 ? sum / positives : NAN;
}

size_t mewl_ranking_curve(const mewl_ranking *r, mewl_curve_point *out, size_t most)
{
    const double all = (double)r->positives, others = (double)(r->count - r->positives);
    const double step = 1 / ((double)most / 2 - 1);
    double positives = 0, negatives = 0;
    size_t count = 0;
    if (r->positives == 0 || r->positives == r->count) {
        return 0;
    }
    for (size_t i = 0; i < r->count;) {
        double p = 0, n = 0;
        i = take_ties(r, NULL, i, &p, &n);
        positives += p;
        negatives += n;
        const mewl_curve_point at = {negatives / others, positives / all, positives / (positives + negatives)};
        if (count == 0 || i == r->count || at.false_positive_rate - out[count - 1].false_positive_rate >= step ||
            at.recall - out[count - 1].recall >= step) {
            out[count++] = at;
        }
    }
    return count;
}

double mewl_ranking_recall_at_rate(const mewl_ranking *r, const double *weights, double negative_hours, double per_hour,
                                   float *threshold, double *alarms)
{
    double all_positives = 0;
    double all_negatives = 0;
    weigh_sides(r, weights, &all_positives, &all_negatives);
    double allowed = floor(per_hour * negative_hours + 1e-9);
    double positives = 0;
    double negatives = 0;
    float at = INFINITY; /* above every score: nothing alarms */
    for (size_t i = 0; i < r->count;) {
        double p = 0;
        double n = 0;
        size_t next = take_ties(r, weights, i, &p, &n);
        if (negatives + n > allowed) {
            break;
        }
        positives += p;
        negatives += n;
        at = next == r->count ? -INFINITY : r->score[i];
        i = next;
    }
    /* The lowest threshold that still leaves the next score out lies just above it, so that unseen scores in between
     * count as alarms, as the definition says. */
    if (at != -INFINITY) {
        size_t next = 0;
        while (next < r->count && r->score[next] >= at) {
            next++;
        }
        at = next < r->count ? nextafterf(r->score[next], INFINITY) : at;
    }
    if (threshold != NULL) {
        *threshold = at;
    }
    if (alarms != NULL) {
        *alarms = negatives;
    }
    return all_positives > 0 ? positives / all_positives : NAN;
}

double mewl_ranking_min_dcf(const mewl_ranking *r, const double *weights, double prior)
{
    double all_positives = 0;
    double all_negatives = 0;
    weigh_sides(r, weights, &all_positives, &all_negatives);
    if (!(all_positives > 0) || !(all_negatives > 0)) {
        return NAN;
    }
    double hits = 0;
    double alarms = 0;
    double least = prior; /* nothing accepted */
    for (size_t i = 0; i < r->count;) {
        double p = 0;
        double n = 0;
        i = take_ties(r, weights, i, &p, &n);
        hits += p;
        alarms += n;
        least = fmin(least, prior * (1 - hits / all_positives) + (1 - prior) * alarms / all_negatives);
    }
    return least / fmin(prior, 1 - prior);
}

double mewl_ranking_eer(const mewl_ranking *r, const double *weights, float *threshold)
{
    double all_positives = 0;
    double all_negatives = 0;
    weigh_sides(r, weights, &all_positives, &all_negatives);
    if (!(all_positives > 0) || !(all_negatives > 0)) {
        return NAN;
    }
    /* false positives minus misses rises from -1 to 1 along the curve; the crossing lies where it changes sign. */
    double false_rate = 0;
    double hit_rate = 0;
    for (size_t i = 0; i < r->count;) {
        double p = 0;
        double n = 0;
        float score = r->score[i];
        i = take_ties(r, weights, i, &p, &n);
        double before = false_rate + hit_rate - 1;
        double after = before + n / all_negatives + p / all_positives;
        if (after >= 0 || i == r->count) {
            if (threshold != NULL) {
                *threshold = score;
            }
            double part = after > before ? fmin(1.0, -before / (after - before)) : 0;
            return false_rate + part * n / all_negatives;
        }
        false_rate += n / all_negatives;
        hit_rate += p / all_positives;
    }
    return NAN;
}

mewl_confusion mewl_confusion_count(const float *scores, const bool *positive, size_t count, float threshold)
{
    mewl_confusion c = {0};
    for (size_t i = 0; i < count; i++) {
        bool called = scores[i] >= threshold;
        if (positive[i]) {
            c.true_positive += called;
            c.false_negative += !called;
        } else {
            c.false_positive += called;
            c.true_negative += !called;
        }
    }
    return c;
}

static double share(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

double mewl_confusion_accuracy(mewl_confusion c)
{
    return share(c.true_positive + c.true_negative,
                 c.true_positive + c.true_negative + c.false_positive + c.false_negative);
}

double mewl_confusion_balanced_accuracy(mewl_confusion c)
{
    return 0.5 * (mewl_confusion_recall(c) + share(c.true_negative, c.true_negative + c.false_positive));
}

double mewl_confusion_recall(mewl_confusion c)
{
    return share(c.true_positive, c.true_positive + c.false_negative);
}

double mewl_confusion_precision(mewl_confusion c)
{
    return share(c.true_positive, c.true_positive + c.false_positive);
}

double mewl_confusion_f1(mewl_confusion c)
{
    return share(2 * c.true_positive, 2 * c.true_positive + c.false_positive + c.false_negative);
}

void mewl_share_interval(double *low, double *high, size_t hits, size_t trials)
{
    if (trials == 0) {
        *low = 0;
        *high = 1;
        return;
    }
    const double z = 1.959963984540054; /* 97.5 % of the standard normal */
    double n = (double)trials;
    double p = (double)hits / n;
    double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = fmax(0, centre - half);
    *high = fmin(1, centre + half);
}
