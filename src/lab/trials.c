/* trials.c - the table of scored clips and its rows by label. Recall by SNR is in recall.c. */
#include "lab/trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/bootstrap.h"
#include "lab/metrics.h"

void mewl_trials_fini(mewl_trials *t)
{
    for (size_t i = 0; i < t->name_count; i++) {
        free(t->names[i]);
    }
    free(t->names);
    free(t->items);
    memset(t, 0, sizeof *t);
}

mewl_status mewl_trials_add(mewl_trials *t, const mewl_trial *trial, mewl_error *err)
{
    for (size_t s = 0; s < t->system_count; s++) {
        if (isnan(trial->logit[s])) {
            return mewl_error_set(err, MEWL_E_ARG, "%s gave a score that is not a number for clip %zu", t->systems[s],
                                  t->count);
        }
    }
    if (!(trial->seconds > 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "clip %zu lasts %g s", t->count, trial->seconds);
    }
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 256 : 2 * t->room;
        mewl_trial *items = room > MEWL_TRIALS_MAX ? NULL : realloc(t->items, room * sizeof *items);
        if (items == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu scored clips", room);
        }
        t->items = items;
        t->room = room;
    }
    t->items[t->count++] = *trial;
    return MEWL_OK;
}

mewl_status mewl_trials_name(mewl_trials *t, uint32_t *number, const char *text, mewl_error *err)
{
    for (size_t i = 0; i < t->name_count; i++) {
        if (strcmp(t->names[i], text) == 0) {
            *number = (uint32_t)i;
            return MEWL_OK;
        }
    }
    if (t->name_count == t->name_room) {
        size_t room = t->name_room == 0 ? 64 : 2 * t->name_room;
        char **names = room > MEWL_TRIALS_MAX ? NULL : realloc(t->names, room * sizeof *names);
        if (names == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu names", room);
        }
        t->names = names;
        t->name_room = room;
    }
    t->names[t->name_count] = strdup(text);
    if (t->names[t->name_count] == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a name");
    }
    *number = (uint32_t)t->name_count++;
    return MEWL_OK;
}

json_t *mewl_interval_json(double value, double low, double high)
{
    json_t *out = json_object();
    (void)mewl_json_set_real(out, "value", value);
    (void)mewl_json_set_real(out, "low", low);
    (void)mewl_json_set_real(out, "high", high);
    return out;
}

/* A label's clips, and what one resampling of them needs. */
typedef struct label_view {
    const mewl_trials *t;
    const float *thresholds;
    size_t *item; /* trials of this label */
    size_t *group;
    size_t count;
} label_view;

/* Per system: share of clips called, and calls an hour. */
static void label_figures(double *values, const double *weights, void *user)
{
    const label_view *v = user;
    double clips = 0;
    double hours = 0;
    double called[MEWL_TRIAL_SYSTEMS_MAX] = {0};
    for (size_t i = 0; i < v->count; i++) {
        const mewl_trial *trial = &v->t->items[v->item[i]];
        clips += weights[i];
        hours += weights[i] * trial->seconds / 3600;
        for (size_t s = 0; s < v->t->system_count; s++) {
            called[s] += trial->logit[s] >= v->thresholds[s] ? weights[i] : 0;
        }
    }
    for (size_t s = 0; s < v->t->system_count; s++) {
        values[2 * s] = clips > 0 ? called[s] / clips : NAN;
        values[2 * s + 1] = hours > 0 ? called[s] / hours : NAN;
    }
}

static size_t count_groups(const label_view *v)
{
    size_t groups = 0;
    for (size_t i = 0; i < v->count; i++) {
        size_t k = 0;
        while (v->group[k] != v->group[i]) {
            k++;
        }
        groups += k == i;
    }
    return groups;
}

static mewl_status label_row(json_t *rows, const label_view *v, mewl_trial_opts opts, mewl_error *err)
{
    const mewl_trials *t = v->t;
    const mewl_trial *first = &t->items[v->item[0]];
    mewl_interval figures[2 * MEWL_TRIAL_SYSTEMS_MAX];
    mewl_bootstrap_opts bootstrap = {.rounds = opts.rounds, .seed = opts.seed};
    label_view copy = *v;
    MEWL_TRY(
        mewl_bootstrap(figures, 2 * t->system_count, v->group, NULL, v->count, label_figures, &copy, bootstrap, err));
    double seconds = 0;
    size_t called[MEWL_TRIAL_SYSTEMS_MAX] = {0};
    for (size_t i = 0; i < v->count; i++) {
        seconds += t->items[v->item[i]].seconds;
        for (size_t s = 0; s < t->system_count; s++) {
            called[s] += t->items[v->item[i]].logit[s] >= v->thresholds[s];
        }
    }
    json_t *row = json_object();
    (void)mewl_json_set_string(row, "label", t->names[first->label]);
    (void)mewl_json_set_bool(row, "positive", first->positive);
    (void)mewl_json_set_int(row, "clips", (int64_t)v->count);
    (void)mewl_json_set_int(row, "groups", (int64_t)count_groups(v));
    (void)mewl_json_set_real(row, "minutes", seconds / 60);
    json_t *systems = json_array();
    for (size_t s = 0; s < t->system_count; s++) {
        json_t *cell = json_object();
        const mewl_interval *share = &figures[2 * s];
        const mewl_interval *rate = &figures[2 * s + 1];
        (void)mewl_json_set_string(cell, "name", t->systems[s]);
        (void)mewl_json_set_int(cell, "called", (int64_t)called[s]);
        (void)mewl_json_set(cell, "share", mewl_interval_json(share->value, share->low, share->high));
        (void)mewl_json_set(cell, "per_hour",
                            first->positive ? json_null() : mewl_interval_json(rate->value, rate->low, rate->high));
        (void)json_array_append_new(systems, cell);
    }
    (void)mewl_json_set(row, "systems", systems);
    return json_array_append_new(rows, row) == 0 ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a row");
}

/* Collects the trials of one (label, positive) into the view. */
static void view_label(label_view *v, const mewl_trial *like)
{
    v->count = 0;
    for (size_t i = 0; i < v->t->count; i++) {
        const mewl_trial *trial = &v->t->items[i];
        if (trial->label == like->label && trial->positive == like->positive) {
            v->item[v->count] = i;
            v->group[v->count++] = trial->group;
        }
    }
}

mewl_status mewl_trials_labels(json_t **out, const mewl_trials *t, const float *thresholds, mewl_trial_opts opts,
                               mewl_error *err)
{
    *out = NULL;
    label_view v = {.t = t, .thresholds = thresholds};
    v.item = malloc((t->count + 1) * sizeof *v.item);
    v.group = malloc((t->count + 1) * sizeof *v.group);
    json_t *rows = json_array();
    mewl_status status = MEWL_OK;
    if (v.item == NULL || v.group == NULL || rows == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for rows by label");
    }
    for (size_t i = 0; status == MEWL_OK && i < t->count; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++) {
            seen = t->items[k].label == t->items[i].label && t->items[k].positive == t->items[i].positive;
        }
        if (!seen) {
            view_label(&v, &t->items[i]);
            status = label_row(rows, &v, opts, err);
        }
    }
    free(v.item);
    free(v.group);
    if (status != MEWL_OK) {
        json_decref(rows);
        return status;
    }
    *out = rows;
    return MEWL_OK;
}

typedef struct recall_view {
    const mewl_trials *t;
    const float *thresholds;
} recall_view;

static void recalls(double *values, const double *weights, void *user)
{
    const recall_view *v = user;
    double all = 0;
    double hits[MEWL_TRIAL_SYSTEMS_MAX] = {0};
    for (size_t i = 0; i < v->t->count; i++) {
        const mewl_trial *trial = &v->t->items[i];
        all += trial->positive ? weights[i] : 0;
        for (size_t s = 0; trial->positive && s < v->t->system_count; s++) {
            hits[s] += trial->logit[s] >= v->thresholds[s] ? weights[i] : 0;
        }
    }
    for (size_t s = 0; s < v->t->system_count; s++) {
        values[s] = all > 0 ? hits[s] / all : NAN;
    }
}

static json_t *confusion_json(const char *name, mewl_confusion c, float threshold, const mewl_interval *recall)
{
    json_t *row = json_object();
    (void)mewl_json_set_string(row, "name", name);
    (void)mewl_json_set_real(row, "threshold", 1.0 / (1.0 + exp(-(double)threshold)));
    (void)mewl_json_set_int(row, "true_positive", (int64_t)c.true_positive);
    (void)mewl_json_set_int(row, "false_negative", (int64_t)c.false_negative);
    (void)mewl_json_set_int(row, "false_positive", (int64_t)c.false_positive);
    (void)mewl_json_set_int(row, "true_negative", (int64_t)c.true_negative);
    (void)mewl_json_set_real(row, "accuracy", mewl_confusion_accuracy(c));
    (void)mewl_json_set_real(row, "balanced_accuracy", mewl_confusion_balanced_accuracy(c));
    (void)mewl_json_set(row, "recall", mewl_interval_json(recall->value, recall->low, recall->high));
    (void)mewl_json_set_real(row, "precision", mewl_confusion_precision(c));
    (void)mewl_json_set_real(row, "f1", mewl_confusion_f1(c));
    return row;
}

mewl_status mewl_trials_confusions(json_t **out, const mewl_trials *t, const float *thresholds, mewl_trial_opts opts,
                                   mewl_error *err)
{
    *out = NULL;
    if (t->count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there are no scored clips");
    }
    size_t *group = malloc(t->count * sizeof *group);
    size_t *stratum = malloc(t->count * sizeof *stratum);
    json_t *rows = json_array();
    mewl_interval recall[MEWL_TRIAL_SYSTEMS_MAX];
    mewl_status status = MEWL_OK;
    if (group == NULL || stratum == NULL || rows == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu clips", t->count);
    }
    for (size_t i = 0; status == MEWL_OK && i < t->count; i++) {
        group[i] = t->items[i].group;
        stratum[i] = t->items[i].positive;
    }
    if (status == MEWL_OK) {
        recall_view v = {t, thresholds};
        mewl_bootstrap_opts bootstrap = {.rounds = opts.rounds, .seed = opts.seed};
        status = mewl_bootstrap(recall, t->system_count, group, stratum, t->count, recalls, &v, bootstrap, err);
    }
    for (size_t s = 0; status == MEWL_OK && s < t->system_count; s++) {
        mewl_confusion c = {0};
        for (size_t i = 0; i < t->count; i++) {
            mewl_confusion one = mewl_confusion_count(&t->items[i].logit[s], &t->items[i].positive, 1, thresholds[s]);
            c.true_positive += one.true_positive;
            c.false_positive += one.false_positive;
            c.true_negative += one.true_negative;
            c.false_negative += one.false_negative;
        }
        if (json_array_append_new(rows, confusion_json(t->systems[s], c, thresholds[s], &recall[s])) != 0) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a row");
        }
    }
    free(group);
    free(stratum);
    if (status != MEWL_OK) {
        json_decref(rows);
        return status;
    }
    *out = rows;
    return MEWL_OK;
}
