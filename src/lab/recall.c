/* recall.c - recall at a rate of false alarms over a table of trials: thresholds, intervals, paired differences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/bootstrap.h"
#include "lab/metrics.h"
#include "lab/trials.h"

#define SNRS_MAX 32
#define CURVE_POINTS 120

/* Everything one resampling needs, sorted once. */
typedef struct table {
    const mewl_trials *t;
    double per_hour;
    mewl_ranking ranking[MEWL_TRIAL_SYSTEMS_MAX];
    size_t *group, *stratum;
    size_t *snr_of; /* [count] index into snr, or SNRS_MAX */
    double snr[SNRS_MAX];
    size_t snrs;
} table;

static void table_fini(table *v)
{
    for (size_t s = 0; s < v->t->system_count; s++) {
        mewl_ranking_fini(&v->ranking[s]);
    }
    free(v->group);
    free(v->stratum);
    free(v->snr_of);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static mewl_status find_snrs(table *v, mewl_error *err)
{
    for (size_t i = 0; i < v->t->count; i++) {
        double snr = v->t->items[i].snr_db;
        if (!v->t->items[i].positive || isnan(snr)) {
            continue;
        }
        size_t k = 0;
        while (k < v->snrs && v->snr[k] != snr) {
            k++;
        }
        if (k == SNRS_MAX) {
            return mewl_error_set(err, MEWL_E_ARG, "recall can be told apart for at most %d SNRs", SNRS_MAX);
        }
        if (k == v->snrs) {
            v->snr[v->snrs++] = snr;
        }
    }
    qsort(v->snr, v->snrs, sizeof *v->snr, by_value);
    return MEWL_OK;
}

static mewl_status table_init(table *v, const mewl_trials *t, double per_hour, mewl_error *err)
{
    memset(v, 0, sizeof *v);
    v->t = t;
    v->per_hour = per_hour;
    size_t n = t->count + 1;
    v->group = malloc(n * sizeof *v->group);
    v->stratum = malloc(n * sizeof *v->stratum);
    v->snr_of = malloc(n * sizeof *v->snr_of);
    float *scores = malloc(n * sizeof *scores);
    bool *positive = malloc(n * sizeof *positive);
    mewl_status status = MEWL_OK;
    if (v->group == NULL || v->stratum == NULL || v->snr_of == NULL || scores == NULL || positive == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu clips", t->count);
    }
    if (status == MEWL_OK) {
        status = find_snrs(v, err);
    }
    for (size_t s = 0; status == MEWL_OK && s < t->system_count; s++) {
        for (size_t i = 0; i < t->count; i++) {
            scores[i] = t->items[i].logit[s];
            positive[i] = t->items[i].positive;
        }
        status = mewl_ranking_init(&v->ranking[s], scores, positive, t->count, err);
    }
    for (size_t i = 0; status == MEWL_OK && i < t->count; i++) {
        v->group[i] = t->items[i].group;
        v->stratum[i] = t->items[i].positive;
        v->snr_of[i] = SNRS_MAX;
        for (size_t k = 0; k < v->snrs; k++) {
            if (t->items[i].positive && t->items[i].snr_db == v->snr[k]) {
                v->snr_of[i] = k;
            }
        }
    }
    free(scores);
    free(positive);
    if (status != MEWL_OK) {
        table_fini(v);
    }
    return status;
}

static double negative_hours(const mewl_trials *t, const double *weights)
{
    double hours = 0;
    for (size_t i = 0; i < t->count; i++) {
        hours += t->items[i].positive ? 0 : (weights == NULL ? 1 : weights[i]) * t->items[i].seconds / 3600;
    }
    return hours;
}

/* Outputs of one resample, a block a system: recall, AUC, AP, recall by SNR; then differences to system 0: recall,
 * recall by SNR. */
static size_t block_size(const table *v)
{
    return 4 + 2 * v->snrs;
}

static void figures(double *values, const double *weights, void *user)
{
    table *v = user;
    const mewl_trials *t = v->t;
    size_t block = block_size(v);
    double hours = negative_hours(t, weights);
    for (size_t s = 0; s < t->system_count; s++) {
        double *out = values + s * block;
        float threshold = INFINITY;
        out[0] = mewl_ranking_recall_at_rate(&v->ranking[s], weights, hours, v->per_hour, &threshold, NULL);
        out[1] = mewl_ranking_roc_auc(&v->ranking[s], weights);
        out[2] = mewl_ranking_average_precision(&v->ranking[s], weights);
        double all[SNRS_MAX + 1] = {0};
        double hit[SNRS_MAX + 1] = {0};
        for (size_t i = 0; i < t->count; i++) {
            all[v->snr_of[i]] += weights[i];
            hit[v->snr_of[i]] += t->items[i].logit[s] >= threshold ? weights[i] : 0;
        }
        out[3] = values[0] - out[0];
        for (size_t k = 0; k < v->snrs; k++) {
            out[4 + k] = all[k] > 0 ? hit[k] / all[k] : NAN;
            out[4 + v->snrs + k] = values[4 + k] - out[4 + k];
        }
    }
}

static json_t *interval(const mewl_interval *i)
{
    return mewl_interval_json(i->value, i->low, i->high);
}

static json_t *snr_rows(const table *v, const mewl_interval *block, const char *key, const size_t *clips)
{
    json_t *rows = json_array();
    for (size_t k = 0; k < v->snrs; k++) {
        json_t *row = json_object();
        (void)mewl_json_set_real(row, "snr_db", v->snr[k]);
        if (clips != NULL) {
            (void)mewl_json_set_int(row, "clips", (int64_t)clips[k]);
        }
        (void)mewl_json_set(row, key, interval(&block[k]));
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

static size_t count_distinct(const size_t *group, const size_t *stratum, size_t count, size_t which)
{
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        if (stratum[i] != which) {
            continue;
        }
        size_t k = 0;
        while (stratum[k] != which || group[k] != group[i]) {
            k++;
        }
        distinct += k == i;
    }
    return distinct;
}

static json_t *curve_json(const mewl_ranking *r)
{
    mewl_curve_point points[CURVE_POINTS];
    const size_t count = mewl_ranking_curve(r, points, CURVE_POINTS);
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *point = json_array();
        (void)json_array_append_new(point, json_real(points[i].false_positive_rate));
        (void)json_array_append_new(point, json_real(points[i].recall));
        (void)json_array_append_new(point, json_real(points[i].precision));
        (void)json_array_append_new(out, point);
    }
    return out;
}

static json_t *system_json(const table *v, size_t s, const mewl_interval *found, const size_t *clips)
{
    const mewl_interval *block = found + s * block_size(v);
    float threshold = mewl_trials_threshold(v->t, s, v->per_hour);
    json_t *row = json_object();
    (void)mewl_json_set_string(row, "name", v->t->systems[s]);
    (void)mewl_json_set_real(row, "threshold", 1.0 / (1.0 + exp(-(double)threshold)));
    (void)mewl_json_set_real(row, "threshold_logit", threshold);
    (void)mewl_json_set(row, "recall", interval(&block[0]));
    (void)mewl_json_set(row, "roc_auc", interval(&block[1]));
    (void)mewl_json_set(row, "average_precision", interval(&block[2]));
    (void)mewl_json_set(row, "curve", curve_json(&v->ranking[s]));
    (void)mewl_json_set(row, "by_snr", snr_rows(v, block + 4, "recall", clips));
    if (s > 0) {
        (void)mewl_json_set(row, "difference", interval(&block[3]));
        (void)mewl_json_set(row, "difference_by_snr", snr_rows(v, block + 4 + v->snrs, "difference", NULL));
    }
    return row;
}

static json_t *document(const table *v, const mewl_interval *found, mewl_trial_opts opts)
{
    const mewl_trials *t = v->t;
    size_t clips[SNRS_MAX + 1] = {0};
    for (size_t i = 0; i < t->count; i++) {
        clips[v->snr_of[i]]++;
    }
    json_t *out = json_object();
    (void)mewl_json_set_real(out, "per_hour", v->per_hour);
    (void)mewl_json_set_int(out, "positives", (int64_t)v->ranking[0].positives);
    (void)mewl_json_set_int(out, "positive_groups", (int64_t)count_distinct(v->group, v->stratum, t->count, 1));
    (void)mewl_json_set_int(out, "negatives", (int64_t)(t->count - v->ranking[0].positives));
    (void)mewl_json_set_int(out, "negative_groups", (int64_t)count_distinct(v->group, v->stratum, t->count, 0));
    (void)mewl_json_set_real(out, "negative_hours", negative_hours(t, NULL));
    (void)mewl_json_set_int(out, "rounds", opts.rounds == 0 ? 1000 : (int64_t)opts.rounds);
    (void)mewl_json_set_int(out, "seed", (int64_t)opts.seed);
    json_t *systems = json_array();
    for (size_t s = 0; s < t->system_count; s++) {
        (void)json_array_append_new(systems, system_json(v, s, found, clips));
    }
    (void)mewl_json_set(out, "systems", systems);
    return out;
}

float mewl_trials_threshold(const mewl_trials *t, size_t system, double per_hour)
{
    float threshold = -INFINITY;
    float *scores = malloc((t->count + 1) * sizeof *scores);
    bool *positive = malloc((t->count + 1) * sizeof *positive);
    mewl_ranking r;
    size_t n = 0;
    for (size_t i = 0; scores != NULL && positive != NULL && i < t->count; i++) {
        if (!t->items[i].positive) {
            positive[n] = false;
            scores[n++] = t->items[i].logit[system];
        }
    }
    if (n > 0 && mewl_ranking_init(&r, scores, positive, n, NULL) == MEWL_OK) {
        (void)mewl_ranking_recall_at_rate(&r, NULL, negative_hours(t, NULL), per_hour, &threshold, NULL);
        mewl_ranking_fini(&r);
    }
    free(scores);
    free(positive);
    return threshold;
}

mewl_status mewl_trials_recall(json_t **out, const mewl_trials *t, mewl_trial_opts opts, mewl_error *err)
{
    *out = NULL;
    size_t positives = 0;
    for (size_t i = 0; i < t->count; i++) {
        positives += t->items[i].positive;
    }
    if (positives == 0 || positives == t->count || t->system_count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY,
                              "recall at a rate of false alarms needs cries and cry-free clips: %zu and %zu", positives,
                              t->count - positives);
    }
    table v;
    MEWL_TRY(table_init(&v, t, opts.per_hour > 0 ? opts.per_hour : 1, err));
    size_t outputs = t->system_count * block_size(&v);
    mewl_interval *found = calloc(outputs, sizeof *found);
    mewl_status status =
        found == NULL ? mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu figures", outputs) : MEWL_OK;
    if (status == MEWL_OK) {
        mewl_bootstrap_opts bootstrap = {.rounds = opts.rounds, .seed = opts.seed};
        status = mewl_bootstrap(found, outputs, v.group, v.stratum, t->count, figures, &v, bootstrap, err);
    }
    if (status == MEWL_OK) {
        *out = document(&v, found, opts);
    }
    free(found);
    table_fini(&v);
    return status;
}
