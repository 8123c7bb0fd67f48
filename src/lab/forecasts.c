/* forecasts.c - figures of clips with a probability a class. Confusions are sums of weights, so that the bootstrap can
 * draw a clip several times without copying it. */
#include "lab/forecasts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/metrics.h"
#include "lab/trials.h"

#define P_MIN 1e-7 /* of the log-loss: a forecast of nothing costs 16 */

static const char *const names[MEWL_FIGURE_COUNT] = {
    [MEWL_FIGURE_ACCURACY] = "accuracy",
    [MEWL_FIGURE_BALANCED] = "balanced_accuracy",
    [MEWL_FIGURE_MACRO_F1] = "macro_f1",
    [MEWL_FIGURE_KAPPA] = "kappa",
    [MEWL_FIGURE_EQUAL] = "balanced_equal",
    [MEWL_FIGURE_LOG_LOSS] = "log_loss",
    [MEWL_FIGURE_ECE] = "ece",
};

const char *mewl_class_figure_name(mewl_class_figure figure)
{
    return (unsigned)figure < MEWL_FIGURE_COUNT ? names[figure] : "unknown";
}

/* ---- The table ---- */

mewl_status mewl_forecasts_init(mewl_forecasts *f, size_t classes, mewl_error *err)
{
    memset(f, 0, sizeof *f);
    if (classes < 2 || classes > MEWL_FORECASTS_CLASSES_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "forecasts of %zu classes: 2 to %d are possible", classes,
                              MEWL_FORECASTS_CLASSES_MAX);
    }
    f->classes = classes;
    return MEWL_OK;
}

void mewl_forecasts_fini(mewl_forecasts *f)
{
    free(f->p);
    free(f->truth);
    free(f->called);
    free(f->equal);
    free(f->group);
    memset(f, 0, sizeof *f);
}

static bool grow(void **at, size_t count, size_t size)
{
    void *larger = realloc(*at, count * size);
    *at = larger != NULL ? larger : *at;
    return larger != NULL;
}

static mewl_status make_room(mewl_forecasts *f, mewl_error *err)
{
    if (f->count < f->room) {
        return MEWL_OK;
    }
    size_t room = f->room == 0 ? 512 : 2 * f->room;
    if (room > MEWL_FORECASTS_MAX || !grow((void **)&f->p, room * f->classes, sizeof *f->p) ||
        !grow((void **)&f->truth, room, sizeof *f->truth) || !grow((void **)&f->called, room, sizeof *f->called) ||
        !grow((void **)&f->equal, room, sizeof *f->equal) || !grow((void **)&f->group, room, sizeof *f->group)) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu forecasts", room);
    }
    f->room = room;
    return MEWL_OK;
}

static size_t largest(const float *p, size_t count)
{
    size_t best = 0;
    for (size_t k = 1; k < count; k++) {
        best = p[k] > p[best] ? k : best;
    }
    return best;
}

mewl_status mewl_forecasts_add_equal(mewl_forecasts *f, const float *p, int truth, int called, int equal, size_t group,
                                     mewl_error *err)
{
    int most = (int)f->classes - 1;
    bool bad = truth < 0 || truth > most || called > most || equal > most;
    double sum = 0;
    for (size_t k = 0; k < f->classes; k++) {
        bad = bad || !(p[k] >= 0 && p[k] <= 1);
        sum += (double)p[k];
    }
    if (bad || !(fabs(sum - 1) <= 1e-3)) {
        return mewl_error_set(err, MEWL_E_ARG, "forecast %zu: class %d called %d of %zu, probabilities that sum to %g",
                              f->count, truth, called, f->classes, sum);
    }
    MEWL_TRY(make_room(f, err));
    memcpy(f->p + f->count * f->classes, p, f->classes * sizeof *p);
    f->truth[f->count] = truth;
    f->called[f->count] = called >= 0 ? called : (int)largest(p, f->classes);
    f->equal[f->count] = equal >= 0 ? equal : f->called[f->count];
    f->group[f->count++] = group;
    return MEWL_OK;
}

mewl_status mewl_forecasts_add(mewl_forecasts *f, const float *p, int truth, int called, size_t group, mewl_error *err)
{
    return mewl_forecasts_add_equal(f, p, truth, called, -1, group, err);
}

/* ---- Figures ---- */

typedef double square[MEWL_FORECASTS_CLASSES_MAX][MEWL_FORECASTS_CLASSES_MAX];

/* Weighted confusion [truth][called]; returns the sum of weights. */
static double confuse(square at, const mewl_forecasts *f, const int *called, const double *weights)
{
    double total = 0;
    for (size_t k = 0; k < f->classes; k++) {
        memset(at[k], 0, f->classes * sizeof at[k][0]);
    }
    for (size_t i = 0; i < f->count; i++) {
        double weight = weights != NULL ? weights[i] : 1;
        at[f->truth[i]][called[i]] += weight;
        total += weight;
    }
    return total;
}

static void margins(double *rows, double *columns, square at, size_t classes)
{
    memset(rows, 0, classes * sizeof *rows);
    memset(columns, 0, classes * sizeof *columns);
    for (size_t t = 0; t < classes; t++) {
        for (size_t c = 0; c < classes; c++) {
            rows[t] += at[t][c];
            columns[c] += at[t][c];
        }
    }
}

static void figures_of_confusion(double *out, square at, size_t classes, double total)
{
    double rows[MEWL_FORECASTS_CLASSES_MAX];
    double columns[MEWL_FORECASTS_CLASSES_MAX];
    margins(rows, columns, at, classes);
    double hits = 0;
    double recalls = 0;
    double present = 0;
    double f1 = 0;
    double named = 0;
    double chance = 0;
    for (size_t k = 0; k < classes; k++) {
        hits += at[k][k];
        present += rows[k] > 0;
        recalls += rows[k] > 0 ? at[k][k] / rows[k] : 0;
        named += rows[k] + columns[k] > 0;
        f1 += rows[k] + columns[k] > 0 ? 2 * at[k][k] / (rows[k] + columns[k]) : 0;
        chance += total > 0 ? rows[k] / total * (columns[k] / total) : 0;
    }
    double accuracy = total > 0 ? hits / total : NAN;
    out[MEWL_FIGURE_ACCURACY] = accuracy;
    out[MEWL_FIGURE_BALANCED] = present > 0 ? recalls / present : NAN;
    out[MEWL_FIGURE_MACRO_F1] = named > 0 ? f1 / named : NAN;
    out[MEWL_FIGURE_KAPPA] = chance < 1 - 1e-12 ? (accuracy - chance) / (1 - chance) : NAN;
}

/* A clip's bin of confidence, and whether its most probable class is the truth. */
static size_t bin_of(bool *right, double *confidence, const mewl_forecasts *f, size_t i)
{
    const float *p = f->p + i * f->classes;
    size_t top = largest(p, f->classes);
    *right = (int)top == f->truth[i];
    *confidence = (double)p[top];
    size_t bin = (size_t)(*confidence * MEWL_FORECASTS_BINS);
    return bin < MEWL_FORECASTS_BINS ? bin : MEWL_FORECASTS_BINS - 1;
}

static void figures_of_probabilities(double *out, const mewl_forecasts *f, const double *weights, double total)
{
    double loss = 0;
    double surplus[MEWL_FORECASTS_BINS] = {0}; /* hits less confidence, in each bin */
    for (size_t i = 0; i < f->count; i++) {
        double weight = weights != NULL ? weights[i] : 1;
        if (weight == 0) {
            continue;
        }
        bool right;
        double confidence;
        size_t bin = bin_of(&right, &confidence, f, i);
        surplus[bin] += weight * ((right ? 1 : 0) - confidence);
        loss -= weight * log(fmax(P_MIN, (double)f->p[i * f->classes + (size_t)f->truth[i]]));
    }
    double gap = 0;
    for (size_t b = 0; b < MEWL_FORECASTS_BINS; b++) {
        gap += fabs(surplus[b]);
    }
    out[MEWL_FIGURE_LOG_LOSS] = total > 0 ? loss / total : NAN;
    out[MEWL_FIGURE_ECE] = total > 0 ? gap / total : NAN;
}

void mewl_forecasts_figures(double out[MEWL_FIGURE_COUNT], const mewl_forecasts *f, const double *weights)
{
    square at;
    double total = confuse(at, f, f->equal, weights);
    figures_of_confusion(out, at, f->classes, total);
    out[MEWL_FIGURE_EQUAL] = out[MEWL_FIGURE_BALANCED];
    total = confuse(at, f, f->called, weights);
    figures_of_confusion(out, at, f->classes, total);
    figures_of_probabilities(out, f, weights, total);
}

void mewl_forecasts_recalls(double *out, const mewl_forecasts *f, const double *weights)
{
    square at;
    double rows[MEWL_FORECASTS_CLASSES_MAX];
    double columns[MEWL_FORECASTS_CLASSES_MAX];
    (void)confuse(at, f, f->called, weights);
    margins(rows, columns, at, f->classes);
    for (size_t k = 0; k < f->classes; k++) {
        out[k] = rows[k] > 0 ? at[k][k] / rows[k] : NAN;
    }
}

/* ---- Intervals ---- */

typedef struct pair {
    const mewl_forecasts *a, *b;
} pair;

static void statistic(double *values, const double *weights, void *user)
{
    const pair *at = user;
    mewl_forecasts_figures(values, at->a, weights);
    if (at->b != NULL) {
        double other[MEWL_FIGURE_COUNT];
        mewl_forecasts_figures(other, at->b, weights);
        for (size_t k = 0; k < MEWL_FIGURE_COUNT; k++) {
            values[k] -= other[k];
        }
    }
}

mewl_status mewl_forecasts_intervals(mewl_interval out[MEWL_FIGURE_COUNT], const mewl_forecasts *f,
                                     mewl_bootstrap_opts opts, mewl_error *err)
{
    pair at = {f, NULL};
    return mewl_bootstrap(out, MEWL_FIGURE_COUNT, f->group, NULL, f->count, statistic, &at, opts, err);
}

mewl_status mewl_forecasts_difference(mewl_interval out[MEWL_FIGURE_COUNT], const mewl_forecasts *a,
                                      const mewl_forecasts *b, mewl_bootstrap_opts opts, mewl_error *err)
{
    bool same = a->count == b->count && a->classes == b->classes;
    for (size_t i = 0; same && i < a->count; i++) {
        same = a->truth[i] == b->truth[i] && a->group[i] == b->group[i];
    }
    if (!same) {
        return mewl_error_set(err, MEWL_E_SHAPE, "a paired difference needs the same clips on both sides");
    }
    pair at = {a, b};
    return mewl_bootstrap(out, MEWL_FIGURE_COUNT, a->group, NULL, a->count, statistic, &at, opts, err);
}

void mewl_forecasts_confusion(uint64_t *counts, const mewl_forecasts *f)
{
    memset(counts, 0, f->classes * f->classes * sizeof *counts);
    for (size_t i = 0; i < f->count; i++) {
        counts[(size_t)f->truth[i] * f->classes + (size_t)f->called[i]]++;
    }
}

/* ---- JSON ---- */

json_t *mewl_class_figures_json(const mewl_interval figures[MEWL_FIGURE_COUNT])
{
    json_t *out = json_object();
    for (size_t k = 0; k < MEWL_FIGURE_COUNT; k++) {
        (void)mewl_json_set(out, names[k], mewl_interval_json(figures[k].value, figures[k].low, figures[k].high));
    }
    return out;
}

static json_t *reliability_json(const mewl_forecasts *f)
{
    size_t seen[MEWL_FORECASTS_BINS] = {0};
    size_t hits[MEWL_FORECASTS_BINS] = {0};
    double sum[MEWL_FORECASTS_BINS] = {0};
    for (size_t i = 0; i < f->count; i++) {
        bool right;
        double confidence;
        size_t bin = bin_of(&right, &confidence, f, i);
        seen[bin]++;
        hits[bin] += right;
        sum[bin] += confidence;
    }
    json_t *out = json_array();
    for (size_t b = 0; b < MEWL_FORECASTS_BINS; b++) {
        if (seen[b] == 0) {
            continue;
        }
        double low;
        double high;
        mewl_share_interval(&low, &high, hits[b], seen[b]);
        json_t *bin = json_object();
        (void)mewl_json_set_real(bin, "confidence", sum[b] / (double)seen[b]);
        (void)mewl_json_set_real(bin, "accuracy", (double)hits[b] / (double)seen[b]);
        (void)mewl_json_set_real(bin, "low", low);
        (void)mewl_json_set_real(bin, "high", high);
        (void)mewl_json_set_int(bin, "count", (int64_t)seen[b]);
        (void)json_array_append_new(out, bin);
    }
    return out;
}

static json_t *confusion_json(const mewl_forecasts *f)
{
    json_t *out = json_array();
    uint64_t counts[MEWL_FORECASTS_CLASSES_MAX * MEWL_FORECASTS_CLASSES_MAX];
    mewl_forecasts_confusion(counts, f);
    for (size_t t = 0; t < f->classes; t++) {
        json_t *row = json_array();
        for (size_t c = 0; c < f->classes; c++) {
            (void)json_array_append_new(row, json_integer((json_int_t)counts[t * f->classes + c]));
        }
        (void)json_array_append_new(out, row);
    }
    return out;
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

static mewl_status count_groups(size_t *groups, const mewl_forecasts *f, mewl_error *err)
{
    size_t *sorted = malloc((f->count + 1) * sizeof *sorted);
    if (sorted == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu groups", f->count);
    }
    memcpy(sorted, f->group, f->count * sizeof *sorted);
    qsort(sorted, f->count, sizeof *sorted, by_number);
    *groups = 0;
    for (size_t i = 0; i < f->count; i++) {
        *groups += i == 0 || sorted[i] != sorted[i - 1];
    }
    free(sorted);
    return MEWL_OK;
}

mewl_status mewl_forecasts_json(json_t **out, const mewl_forecasts *f, mewl_bootstrap_opts opts, mewl_error *err)
{
    *out = NULL;
    mewl_interval figures[MEWL_FIGURE_COUNT];
    size_t groups = 0;
    MEWL_TRY(mewl_forecasts_intervals(figures, f, opts, err));
    MEWL_TRY(count_groups(&groups, f, err));
    json_t *document = mewl_class_figures_json(figures);
    json_t *recalls = json_array();
    double recall[MEWL_FORECASTS_CLASSES_MAX];
    mewl_forecasts_recalls(recall, f, NULL);
    for (size_t k = 0; k < f->classes; k++) {
        (void)json_array_append_new(recalls, mewl_json_real(recall[k]));
    }
    (void)mewl_json_set_int(document, "items", (int64_t)f->count);
    (void)mewl_json_set_int(document, "groups", (int64_t)groups);
    (void)mewl_json_set(document, "recalls", recalls);
    (void)mewl_json_set(document, "confusion", confusion_json(f));
    mewl_status status = mewl_json_set(document, "reliability", reliability_json(f));
    if (status != MEWL_OK) {
        json_decref(document);
        return mewl_error_set(err, status, "no memory for the figures of %zu forecasts", f->count);
    }
    *out = document;
    return MEWL_OK;
}
