/* psds.c - counting for the polyphonic sound detection score. Counts are kept clip by clip, so that the score can be
 * taken again under any weighting of clips. */
#include "lab/psds.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lab/spans.h"

#define CLASSES_MAX 64
#define COUNTS_MAX ((size_t)1 << 31) /* bytes of counts in one score */

struct mewl_psds {
    mewl_psds_opts opts;
    size_t clips;
    double *clip_seconds; /* [clips] */
    mewl_span *truth;     /* sorted */
    size_t truths;
    size_t *clip_at;       /* [clips + 1], first truth of a clip */
    double *class_events;  /* [clips x classes] number of truths */
    double *class_seconds; /* [clips x classes] their summed length */
    size_t points;
    uint32_t
        *counts[MEWL_PSDS_POINTS_MAX]; /* [clips x scored x (2 + classes)]: true, false positives, cross-triggers */
};

static mewl_status check_overlaps(const mewl_span *spans, size_t count, const char *what, mewl_error *err)
{
    for (size_t i = 1; i < count; i++) {
        if (spans[i].clip == spans[i - 1].clip && spans[i].label == spans[i - 1].label &&
            spans[i].onset_s < spans[i - 1].offset_s) {
            return mewl_error_set(err, MEWL_E_ARG, "%s events of clip %u overlap at %g s", what, spans[i].clip,
                                  spans[i].onset_s);
        }
    }
    return MEWL_OK;
}

static mewl_status check_psds_opts(mewl_psds_opts *o, mewl_error *err)
{
    if (o->scored == 0) {
        o->scored = o->classes;
    }
    bool shares = o->dtc >= 0 && o->dtc <= 1 && o->gtc >= 0 && o->gtc <= 1 && o->cttc >= 0 && o->cttc <= 1;
    if (!shares || !(o->alpha_ct >= 0 && o->alpha_ct <= 1) || !(o->alpha_st >= 0) || !(o->max_efpr_per_hour > 0) ||
        o->classes == 0 || o->classes > CLASSES_MAX || o->scored > o->classes) {
        return mewl_error_set(err, MEWL_E_ARG, "the options of the PSDS are out of range");
    }
    return MEWL_OK;
}

static void index_truth(mewl_psds *p)
{
    size_t at = 0;
    for (size_t clip = 0; clip < p->clips; clip++) {
        p->clip_at[clip] = at;
        while (at < p->truths && p->truth[at].clip == clip) {
            size_t cell = clip * p->opts.classes + p->truth[at].label;
            p->class_events[cell] += 1;
            p->class_seconds[cell] += p->truth[at].offset_s - p->truth[at].onset_s;
            at++;
        }
    }
    p->clip_at[p->clips] = at;
}

mewl_status mewl_psds_new(mewl_psds **out, const mewl_span *truth, size_t truths, const double *clip_seconds,
                          size_t clips, mewl_psds_opts opts, mewl_error *err)
{
    *out = NULL;
    MEWL_TRY(check_psds_opts(&opts, err));
    if (clips == 0 || clips > COUNTS_MAX / (opts.scored * (2 + opts.classes) * sizeof(uint32_t))) {
        return mewl_error_set(err, MEWL_E_ARG, "a PSDS cannot be taken over %zu clips", clips);
    }
    for (size_t i = 0; i < clips; i++) {
        if (!(clip_seconds[i] > 0) || !isfinite(clip_seconds[i])) {
            return mewl_error_set(err, MEWL_E_ARG, "clip %zu is %g s long", i, clip_seconds[i]);
        }
    }
    mewl_psds *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a PSDS");
    }
    p->opts = opts;
    p->clips = clips;
    p->truths = truths;
    p->clip_seconds = malloc(clips * sizeof *p->clip_seconds);
    p->clip_at = malloc((clips + 1) * sizeof *p->clip_at);
    p->class_events = calloc(clips * opts.classes, sizeof *p->class_events);
    p->class_seconds = calloc(clips * opts.classes, sizeof *p->class_seconds);
    mewl_status status = MEWL_OK;
    if (p->clip_seconds == NULL || p->clip_at == NULL || p->class_events == NULL || p->class_seconds == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a PSDS over %zu clips", clips);
    }
    if (status == MEWL_OK) {
        status = mewl__spans_sorted(&p->truth, truth, truths, clips, opts.classes, "reference", err);
    }
    if (status == MEWL_OK) {
        status = check_overlaps(p->truth, truths, "reference", err);
    }
    if (status != MEWL_OK) {
        mewl_psds_free(p);
        return status;
    }
    memcpy(p->clip_seconds, clip_seconds, clips * sizeof *clip_seconds);
    index_truth(p);
    *out = p;
    return MEWL_OK;
}

void mewl_psds_free(mewl_psds *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->points; i++) {
        free(p->counts[i]);
    }
    free(p->clip_seconds);
    free(p->truth);
    free(p->clip_at);
    free(p->class_events);
    free(p->class_seconds);
    free(p);
}

static double intersection(const mewl_span *a, const mewl_span *b)
{
    double length = fmin(a->offset_s, b->offset_s) - fmax(a->onset_s, b->onset_s);
    return length > 0 ? length : 0;
}

static uint32_t *counts_of(uint32_t *counts, const mewl_psds *p, size_t clip, size_t label)
{
    return counts + (clip * p->opts.scored + label) * (2 + p->opts.classes);
}

/* A detection that failed the detection tolerance: one false positive, and a cross-trigger for every other class that
 * holds enough of it. */
static void count_failure(const mewl_psds *p, uint32_t *counts, const mewl_span *d)
{
    uint32_t *row = counts_of(counts, p, d->clip, d->label);
    if (d->onset_s < p->clip_seconds[d->clip] && d->offset_s > 0) {
        row[1]++;
    }
    double inside[CLASSES_MAX] = {0};
    for (size_t t = p->clip_at[d->clip]; t < p->clip_at[d->clip + 1]; t++) {
        inside[p->truth[t].label] += intersection(d, &p->truth[t]) / (d->offset_s - d->onset_s);
    }
    for (size_t k = 0; k < p->opts.classes; k++) {
        if (k != d->label && inside[k] > 0 && inside[k] >= p->opts.cttc) {
            row[2 + k]++;
        }
    }
}

/* The detections of one clip. `passes` has room for `count` flags. */
static void count_clip(const mewl_psds *p, uint32_t *counts, const mewl_span *det, size_t count, bool *passes)
{
    size_t clip = det[0].clip;
    size_t first = p->clip_at[clip];
    size_t last = p->clip_at[clip + 1];
    for (size_t i = 0; i < count; i++) {
        double precision = 0;
        bool touches = false;
        for (size_t t = first; t < last; t++) {
            double shared = p->truth[t].label == det[i].label ? intersection(&det[i], &p->truth[t]) : 0;
            precision += shared / (det[i].offset_s - det[i].onset_s);
            touches = touches || shared > 0;
        }
        passes[i] = touches && precision >= p->opts.dtc;
        if (!passes[i]) {
            count_failure(p, counts, &det[i]);
        }
    }
    for (size_t t = first; t < last; t++) {
        const mewl_span *truth = &p->truth[t];
        if (truth->label >= p->opts.scored) {
            continue;
        }
        double coverage = 0;
        bool touched = false;
        for (size_t i = 0; i < count; i++) {
            double shared = passes[i] && det[i].label == truth->label ? intersection(&det[i], truth) : 0;
            coverage += shared / (truth->offset_s - truth->onset_s);
            touched = touched || shared > 0;
        }
        if (touched && coverage >= p->opts.gtc) {
            counts_of(counts, p, clip, truth->label)[0]++;
        }
    }
}

mewl_status mewl_psds_add(mewl_psds *p, const mewl_span *detections, size_t count, mewl_error *err)
{
    if (p->points == MEWL_PSDS_POINTS_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "a PSDS takes at most %d operating points", MEWL_PSDS_POINTS_MAX);
    }
    mewl_span *det = NULL;
    mewl_status status = mewl__spans_sorted(&det, detections, count, p->clips, p->opts.scored, "detected", err);
    if (status == MEWL_OK) {
        status = check_overlaps(det, count, "detected", err);
    }
    bool *passes = malloc((count + 1) * sizeof *passes);
    uint32_t *counts = calloc(p->clips * p->opts.scored * (2 + p->opts.classes), sizeof *counts);
    if (status == MEWL_OK && (passes == NULL || counts == NULL)) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for an operating point of %zu clips", p->clips);
    }
    if (status == MEWL_OK) {
        for (size_t i = 0; i < count;) {
            size_t n = 1;
            while (i + n < count && det[i + n].clip == det[i].clip) {
                n++;
            }
            count_clip(p, counts, det + i, n, passes);
            i += n;
        }
        p->counts[p->points++] = counts;
        counts = NULL;
    }
    free(det);
    free(passes);
    free(counts);
    return status;
}

/* Sums over clips that do not depend on the operating point. */
typedef struct totals {
    double hours;
    double events[CLASSES_MAX];
    double hours_of[CLASSES_MAX];
} totals;

static void sum_truth(totals *t, const mewl_psds *p, const double *weights)
{
    memset(t, 0, sizeof *t);
    for (size_t clip = 0; clip < p->clips; clip++) {
        double w = weights == NULL ? 1.0 : weights[clip];
        t->hours += w * p->clip_seconds[clip] / 3600.0;
        for (size_t k = 0; k < p->opts.classes; k++) {
            t->events[k] += w * p->class_events[clip * p->opts.classes + k];
            t->hours_of[k] += w * p->class_seconds[clip * p->opts.classes + k] / 3600.0;
        }
    }
}

static mewl_psds_point rate_point(const mewl_psds *p, const totals *t, size_t point, size_t label,
                                  const double *weights)
{
    double sums[2 + CLASSES_MAX] = {0};
    for (size_t clip = 0; clip < p->clips; clip++) {
        double w = weights == NULL ? 1.0 : weights[clip];
        const uint32_t *row = counts_of(p->counts[point], p, clip, label);
        for (size_t k = 0; w > 0 && k < 2 + p->opts.classes; k++) {
            sums[k] += w * row[k];
        }
    }
    double cross = 0;
    size_t others = 0;
    for (size_t k = 0; k < p->opts.classes; k++) {
        if (k != label && t->hours_of[k] > 0) {
            cross += sums[2 + k] / t->hours_of[k];
            others++;
        }
    }
    mewl_psds_point out;
    out.true_positive_ratio = t->events[label] > 0 ? sums[0] / t->events[label] : NAN;
    out.false_positives_per_hour = t->hours > 0 ? sums[1] / t->hours : NAN;
    out.effective_per_hour = out.false_positives_per_hour;
    if (others > 0) {
        out.effective_per_hour += p->opts.alpha_ct * cross / (double)others;
    }
    return out;
}

mewl_status mewl_psds_point_at(mewl_psds_point *out, const mewl_psds *p, size_t point, size_t label, mewl_error *err)
{
    if (point >= p->points || label >= p->opts.scored) {
        return mewl_error_set(err, MEWL_E_ARG, "there is no operating point %zu for class %zu", point, label);
    }
    totals t;
    sum_truth(&t, p, NULL);
    *out = rate_point(p, &t, point, label, NULL);
    return MEWL_OK;
}

typedef struct curve_point {
    double rate, ratio;
    size_t label;
} curve_point;

static int by_rate(const void *a, const void *b)
{
    const curve_point *x = a;
    const curve_point *y = b;
    return x->rate < y->rate ? -1 : x->rate > y->rate;
}

/* Mean over classes less alpha_st times the (population) standard deviation, never below 0. */
static double effective_ratio(const mewl_psds *p, const totals *t, const double *best)
{
    double sum = 0;
    size_t n = 0;
    for (size_t c = 0; c < p->opts.scored; c++) {
        sum += t->events[c] > 0 ? best[c] : 0;
        n += t->events[c] > 0;
    }
    double mean = sum / (double)n;
    double squares = 0; /* in a second pass: the difference of two large sums would cost half the digits */
    for (size_t c = 0; c < p->opts.scored; c++) {
        squares += t->events[c] > 0 ? (best[c] - mean) * (best[c] - mean) : 0;
    }
    return fmax(0, mean - p->opts.alpha_st * sqrt(squares / (double)n));
}

double mewl_psds_score(const mewl_psds *p, const double *weights)
{
    totals t;
    sum_truth(&t, p, weights);
    size_t scored = 0;
    for (size_t c = 0; c < p->opts.scored; c++) {
        scored += t.events[c] > 0;
    }
    if (scored == 0 || t.hours <= 0) {
        return NAN;
    }
    curve_point *curve = malloc((p->points * p->opts.scored + 1) * sizeof *curve);
    if (curve == NULL) {
        return NAN;
    }
    size_t count = 0;
    for (size_t point = 0; point < p->points; point++) {
        for (size_t c = 0; c < p->opts.scored; c++) {
            mewl_psds_point rates = rate_point(p, &t, point, c, weights);
            if (t.events[c] > 0) {
                curve[count++] = (curve_point){rates.effective_per_hour, rates.true_positive_ratio, c};
            }
        }
    }
    qsort(curve, count, sizeof *curve, by_rate);
    double best[CLASSES_MAX] = {0}; /* the staircase of each class starts at (0, 0) */
    double area = 0;
    double at = 0;
    for (size_t i = 0; i < count && curve[i].rate <= p->opts.max_efpr_per_hour; i++) {
        if (curve[i].rate > at) {
            area += (curve[i].rate - at) * effective_ratio(p, &t, best);
            at = curve[i].rate;
        }
        best[curve[i].label] = fmax(best[curve[i].label], curve[i].ratio);
    }
    area += (p->opts.max_efpr_per_hour - at) * effective_ratio(p, &t, best);
    free(curve);
    return area / p->opts.max_efpr_per_hour;
}
