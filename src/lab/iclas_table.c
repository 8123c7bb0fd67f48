/* iclas_table.c - what was found out, as tables: all approaches, the chosen one by infant, levels, later sessions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/bootstrap.h"
#include "lab/iclas_private.h"
#include "lab/metrics.h"
#include "lab/sheet.h"

#define ROUNDS 2000
#define FIELD(name) offsetof(mewl__figures, name)

/* Means over infants of one figure: field is the offset of a double in mewl__figures. */
static double mean_of(const mewl__figures *list, size_t count, size_t field, size_t *infants)
{
    double sum = 0;
    *infants = 0;
    for (size_t k = 0; k < count; k++) {
        if (list[k].valid) {
            sum += *(const double *)((const char *)&list[k] + field);
            ++*infants;
        }
    }
    return *infants > 0 ? sum / (double)*infants : NAN;
}

typedef struct area {
    const double *value;
    size_t count;
} area;

static void mean_statistic(double *values, const double *weights, void *user)
{
    const area *a = user;
    double sum = 0;
    double all = 0;
    for (size_t i = 0; i < a->count; i++) {
        sum += weights[i] * a->value[i];
        all += weights[i];
    }
    values[0] = all > 0 ? sum / all : NAN;
}

/* A mean over infants with an interval by a bootstrap over them, as a cell. */
static mewl_status add_mean(json_t *row, const mewl__figures *list, size_t count, size_t field, uint64_t seed,
                            mewl_error *err)
{
    double *value = malloc(count * sizeof *value + 1);
    size_t *group = malloc(count * sizeof *group + 1);
    size_t n = 0;
    if (value == NULL || group == NULL) {
        free(value);
        free(group);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for an interval");
    }
    for (size_t k = 0; k < count; k++) {
        if (list[k].valid) {
            value[n] = *(const double *)((const char *)&list[k] + field);
            group[n] = n;
            n++;
        }
    }
    mewl_interval i = {.value = NAN, .low = NAN, .high = NAN};
    area a = {.value = value, .count = n};
    mewl_status status = n == 0 ? MEWL_OK
                                : mewl_bootstrap(&i, 1, group, NULL, n, mean_statistic, &a,
                                                 (mewl_bootstrap_opts){.rounds = ROUNDS, .seed = seed}, err);
    mewl_sheet_interval(row, i.value, i.low, i.high);
    free(value);
    free(group);
    return status;
}

/* A count that is a mean over repeats, to the next whole one. */
static size_t count_of(double share, size_t count)
{
    return (size_t)(share * (double)count + 0.5);
}

/* Infants whose interval of the realised false-positive rate lies wholly above the nominal one. */
static size_t count_above(const mewl__figures *list, size_t count, double level)
{
    size_t above = 0;
    for (size_t k = 0; k < count; k++) {
        double low = 0;
        double high = 1;
        if (list[k].valid) {
            mewl_share_interval(&low, &high, count_of(list[k].fpr, list[k].normal), list[k].normal);
            above += low > level ? 1 : 0;
        }
    }
    return above;
}

size_t mewl__findings_choose(const mewl__findings *f, size_t turn)
{
    size_t best = 0;
    double best_auc = -1;
    for (size_t k = 0; k < f->count; k++) {
        const mewl__approach *a = &f->list[k];
        const mewl__figures *list = a->choose + turn * f->cast.identities;
        size_t infants = 0;
        double auc = mean_of(list, f->cast.identities, FIELD(auc), &infants);
        double fpr = mean_of(list, f->cast.identities, FIELD(fpr), &infants);
        if (!a->confound && !a->heard && !a->alone && infants > 0 && fpr <= f->opts.level && auc > best_auc) {
            best = k;
            best_auc = auc;
        }
    }
    return best;
}

/* Each identity's figures under what was chosen without it. */
static mewl__figures *chosen_figures(const mewl__findings *f)
{
    mewl__figures *list = calloc(f->cast.identities + 1, sizeof *list);
    for (size_t k = 0; k < f->cast.identities && list != NULL; k++) {
        list[k] = f->list[f->chosen[mewl__cast_turn(&f->cast, k)]].report[k];
    }
    return list;
}

/* "mfcc / within / plda", and by turns all of them. */
static void name_chosen(char *out, size_t size, const mewl__findings *f)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t turn = 0; turn < f->cast.turns && used < size; turn++) {
        bool known = false;
        for (size_t k = 0; k < turn; k++) {
            known = known || f->chosen[k] == f->chosen[turn];
        }
        if (!known) {
            int n = snprintf(out + used, size - used, "%s%s", turn > 0 ? " or " : "", f->list[f->chosen[turn]].name);
            used += n > 0 ? (size_t)n : 0;
        }
    }
}

/* Takes the row over. */
static mewl_status add_row(json_t *sheet, json_t *row, mewl_status status)
{
    if (status != MEWL_OK) {
        json_decref(row);
        return status;
    }
    return mewl_sheet_add(sheet, row);
}

static mewl_status add_approach(const mewl__findings *f, json_t *sheet, const char *name, double auc, double fpr,
                                const mewl__figures *list, mewl_error *err)
{
    json_t *row = mewl_sheet_row();
    size_t infants = 0;
    size_t n = f->cast.identities;
    mewl_sheet_text_cell(row, name);
    mewl_sheet_real(row, auc);
    mewl_sheet_real(row, fpr);
    mewl_status status = add_mean(row, list, n, FIELD(auc), f->opts.seed, err);
    mewl_sheet_real(row, mean_of(list, n, FIELD(ap), &infants));
    mewl_sheet_real(row, mean_of(list, n, FIELD(f1), &infants));
    mewl_sheet_real(row, mean_of(list, n, FIELD(recall), &infants));
    mewl_sheet_real(row, mean_of(list, n, FIELD(fpr), &infants));
    mewl_sheet_count(row, count_above(list, n, f->opts.level));
    return add_row(sheet, row, status);
}

static double always_f1(const mewl__figures *f)
{
    double share = (double)f->anomalies / (double)(f->anomalies + f->normal);
    return 2 * share / (1 + share);
}

/* What an alarm at every recording would score. */
static mewl_status add_always(const mewl__findings *f, json_t *sheet, const mewl__figures *list)
{
    json_t *row = mewl_sheet_row();
    double f1 = 0;
    double ap = 0;
    size_t infants = 0;
    for (size_t k = 0; k < f->cast.identities; k++) {
        if (list[k].valid) {
            ap += (double)list[k].anomalies / (double)(list[k].anomalies + list[k].normal);
            f1 += always_f1(&list[k]);
            infants++;
        }
    }
    mewl_sheet_text_cell(row, "always alarm");
    mewl_sheet_real(row, 0.5);
    mewl_sheet_real(row, 1);
    mewl_sheet_interval(row, 0.5, 0.5, 0.5);
    mewl_sheet_real(row, ap / (double)infants);
    mewl_sheet_real(row, f1 / (double)infants);
    mewl_sheet_real(row, 1);
    mewl_sheet_real(row, 1);
    mewl_sheet_count(row, infants);
    return mewl_sheet_add(sheet, row);
}

static mewl_status fill_all(const mewl__findings *f, json_t *sheet, const mewl__figures *chosen, mewl_error *err)
{
    char name[1024];
    char choice[900];
    size_t n = f->cast.identities;
    size_t infants = 0;
    name_chosen(choice, sizeof choice, f);
    (void)snprintf(name, sizeof name, "chosen: %s", choice);
    MEWL_TRY(add_always(f, sheet, chosen));
    MEWL_TRY(add_approach(f, sheet, name, NAN, NAN, chosen, err));
    for (size_t k = 0; k < f->count; k++) {
        const mewl__approach *a = &f->list[k];
        double auc = mean_of(a->choose, f->cast.turns * n, FIELD(auc), &infants);
        double fpr = mean_of(a->choose, f->cast.turns * n, FIELD(fpr), &infants);
        (void)snprintf(name, sizeof name, "%s%s", a->name,
                       a->confound ? " (no voice)"
                       : a->heard  ? " (heard them)"
                                   : "");
        MEWL_TRY(add_approach(f, sheet, name, auc, fpr, a->report, err));
    }
    return MEWL_OK;
}

static mewl_status add_infants(const mewl__findings *f, json_t *sheet, const mewl__figures *list)
{
    for (size_t k = 0; k < f->cast.identities; k++) {
        const mewl__figures *one = &list[k];
        if (!one->valid) {
            continue;
        }
        json_t *row = mewl_sheet_row();
        const mewl_row *r = &f->cast.manifest->rows[f->cast.first[k]];
        char name[64];
        /* The beginning of a uuid, sex and age group; a cat's whole name. */
        bool long_name = strlen(r->speaker) > 24;
        (void)snprintf(name, sizeof name, long_name ? "%.8s %s %s" : "%s", r->speaker, r->sex, r->age);
        double low = 0;
        double high = 1;
        mewl_share_interval(&low, &high, count_of(one->fpr, one->normal), one->normal);
        mewl_sheet_text_cell(row, name);
        mewl_sheet_count(row, one->normal);
        mewl_sheet_count(row, one->sessions);
        mewl_sheet_count(row, one->anomalies);
        mewl_sheet_real(row, one->auc);
        mewl_sheet_real(row, one->ap);
        mewl_sheet_real(row, one->f1);
        mewl_sheet_real(row, one->recall);
        mewl_sheet_interval(row, one->fpr, low, high);
        mewl_sheet_real(row, always_f1(one));
        MEWL_TRY(mewl_sheet_add(sheet, row));
    }
    return MEWL_OK;
}

/* Realised share of normal recordings at a level: all of them together, and by a bootstrap over infants. */
static mewl_status add_level(const mewl__findings *f, json_t *sheet, const mewl__figures *chosen, size_t level,
                             mewl_error *err)
{
    size_t n = f->cast.identities;
    mewl__figures *share = calloc(n + 1, sizeof *share);
    if (share == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for rates");
    }
    json_t *row = mewl_sheet_row();
    double alarms = 0;
    double drawn = 0;
    size_t normal = 0;
    size_t infants = 0;
    for (size_t k = 0; k < n; k++) {
        if (chosen[k].valid) {
            share[k].valid = true;
            share[k].fpr = chosen[k].low[level] / (double)chosen[k].normal;
            share[k].recall = chosen[k].hits[level] / (double)chosen[k].anomalies;
            alarms += chosen[k].low[level];
            drawn += chosen[k].smooth_low[level];
            normal += chosen[k].normal;
            infants++;
        }
    }
    mewl_sheet_real(row, mewl__iclas_levels[level]);
    mewl_sheet_count(row, infants);
    mewl_sheet_count(row, normal);
    double low = 0;
    double high = 1;
    mewl_share_interval(&low, &high, (size_t)(alarms + 0.5), normal);
    mewl_sheet_interval(row, alarms / (double)normal, low, high);
    mewl_share_interval(&low, &high, (size_t)(drawn + 0.5), normal);
    mewl_sheet_interval(row, drawn / (double)normal, low, high);
    mewl_status status = add_mean(row, share, n, FIELD(fpr), f->opts.seed, err);
    status = status == MEWL_OK ? add_mean(row, share, n, FIELD(recall), f->opts.seed, err) : status;
    free(share);
    return add_row(sheet, row, status);
}

/* One sort of positives after the earliest sessions. */
static mewl_status add_later(const mewl__findings *f, json_t *sheet, size_t kind, mewl_error *err)
{
    size_t n = f->cast.identities;
    const mewl__figures *list = f->later + kind * n;
    char name[160];
    size_t infants = 0;
    size_t positives = 0;
    size_t normal = 0;
    double alarms = 0;
    for (size_t k = 0; k < n; k++) {
        if (list[k].valid) {
            infants++;
            positives += list[k].anomalies;
            normal += list[k].normal;
            alarms += list[k].fpr * (double)list[k].normal;
        }
    }
    if (infants == 0) {
        return MEWL_OK;
    }
    json_t *row = mewl_sheet_row();
    bool control = kind > 0 && f->opts.altered[kind - 1].control;
    (void)snprintf(name, sizeof name, "%s%s",
                   kind == 0 ? "another of the same age and sex" : f->opts.altered[kind - 1].name,
                   control ? " (control: should not be told)" : "");
    mewl_sheet_text_cell(row, name);
    mewl_sheet_count(row, infants);
    mewl_sheet_count(row, positives);
    mewl_status status = add_mean(row, list, n, FIELD(auc), f->opts.seed, err);
    status = status == MEWL_OK ? add_mean(row, list, n, FIELD(recall), f->opts.seed, err) : status;
    double low = 0;
    double high = 1;
    mewl_share_interval(&low, &high, (size_t)(alarms + 0.5), normal);
    mewl_sheet_count(row, normal);
    mewl_sheet_interval(row, alarms / (double)normal, low, high);
    return add_row(sheet, row, status);
}

/* Takes the sheet over. */
static mewl_status keep_sheet(json_t *sheets, json_t *sheet, mewl_status status, mewl_error *err)
{
    if (status == MEWL_OK && sheet != NULL && json_array_append(sheets, sheet) != 0) {
        status = MEWL_E_MEMORY;
    }
    status = sheet == NULL ? MEWL_E_MEMORY : status;
    json_decref(sheet);
    return status == MEWL_E_MEMORY ? mewl_error_set(err, status, "no memory for the tables") : status;
}

#define COLUMNS(list) list, sizeof list / sizeof list[0]

static mewl_status make_by_infant(const mewl__findings *f, json_t *sheets, const mewl__figures *chosen, mewl_error *err)
{
    static const char *const columns[] = {"infant", "N",  "sessions", "anomalies", "AUC",
                                          "AP",     "F1", "recall",   "FPR",       "F1, always alarm"};
    char title[1200];
    char choice[900];
    name_chosen(choice, sizeof choice, f);
    (void)snprintf(title, sizeof title, "%s, by infant, chosen: %s", f->opts.name, choice);
    json_t *sheet = mewl_sheet_new(title, COLUMNS(columns), NULL);
    MEWL_TRY(keep_sheet(sheets, sheet, add_infants(f, sheet, chosen), err));
    for (size_t k = 0; k < f->count; k++) {
        if (f->list[k].of_iclas || f->list[k].alone) {
            (void)snprintf(title, sizeof title, "%s, by infant: %s", f->opts.name, f->list[k].name);
            sheet = mewl_sheet_new(title, COLUMNS(columns), NULL);
            MEWL_TRY(keep_sheet(sheets, sheet, add_infants(f, sheet, f->list[k].report), err));
        }
    }
    return MEWL_OK;
}

static mewl_status make_sheets(const mewl__findings *f, json_t *sheets, const mewl__figures *chosen, mewl_error *err)
{
    static const char *const all_columns[] = {
        "embedding / space / model",     "AUC, choosing", "FPR, choosing", "AUC", "AP", "F1", "recall", "FPR",
        "infants with FPR above nominal"};
    static const char *const level_columns[] = {
        "nominal", "infants", "recordings", "realised", "realised, rank drawn", "mean over infants", "recall"};
    static const char *const later_columns[] = {"positives", "infants", "recordings",   "AUC",
                                                "recall",    "normal",  "realised rate"};
    char title[256];
    (void)snprintf(title, sizeof title, "%s: all approaches, means over infants", f->opts.name);
    json_t *sheet = mewl_sheet_new(
        title, COLUMNS(all_columns),
        "F1, recall and FPR at the nominal false-positive rate. AUC, choosing: on those by whom the approach is "
        "chosen, none of whom is reported by that choice. &: scores added up. (no voice): what lies between the "
        "cries, that is microphone and room: how far these alone tell recordings apart. (heard them): the network "
        "was taught many of these identities, so its figures are too good. / alone /: without a population, as `mewl "
        "baby` does as it comes, cries found and cut out by it; with so few sessions its own p-values cannot reach the "
        "nominal rate, so it tells nothing.");
    MEWL_TRY(keep_sheet(sheets, sheet, fill_all(f, sheet, chosen, err), err));
    MEWL_TRY(make_by_infant(f, sheets, chosen, err));
    (void)snprintf(title, sizeof title, "%s: level asked for and rate that came about", f->opts.name);
    sheet = mewl_sheet_new(title, COLUMNS(level_columns),
                           "What was chosen. Realised: share of all normal recordings, Wilson's interval, which takes "
                           "them for independent; the mean over infants by a bootstrap over infants, as is recall of "
                           "anomalies. Rank drawn: p has steps, and as given is a little too large. At 0.01 other "
                           "infants' sessions are added up to 99, as far as there are so many.");
    mewl_status status = MEWL_OK;
    for (size_t k = 0; k < MEWL__ICLAS_LEVELS && status == MEWL_OK; k++) {
        status = add_level(f, sheet, chosen, k, err);
    }
    MEWL_TRY(keep_sheet(sheets, sheet, status, err));
    (void)snprintf(title, sizeof title, "%s: earliest sessions enrolled, tested strictly later", f->opts.name);
    sheet =
        mewl_sheet_new(title, COLUMNS(later_columns),
                       "What was chosen. Two sessions are enrolled; each later one is scored by all before it, then "
                       "enrolled too. Positives against the infant's own later recordings; recall and realised rate "
                       "at the nominal one. Intervals of means by a bootstrap over infants, Wilson's of the rate. "
                       "What is altered are those later recordings themselves.");
    for (size_t k = 0; k <= f->opts.altered_count && status == MEWL_OK; k++) {
        status = add_later(f, sheet, k, err);
    }
    MEWL_TRY(keep_sheet(sheets, sheet, status, err));
    MEWL_TRY(mewl__rates_sheet(&sheet, f->opts.name, f->rates, f->cast.identities, f->opts.repeats, f->opts.seed, err));
    return keep_sheet(sheets, sheet, MEWL_OK, err);
}

static mewl_status set_members(json_t *document, const mewl__findings *f, const mewl__figures *chosen)
{
    static const char *const protocol[] = {
        "Those reported have no part in what is learned or chosen for them. Among all others the approach is chosen "
        "by cross-validation in three folds of whole devices (the largest mean AUC whose mean false-positive rate is "
        "within the nominal); then all of these are the population (space, covariance, PLDA, pooled calibration), but "
        "for a third of the infants' devices, which stand as anomalies. Thresholds never see an anomaly.",
        "A normal recording is scored by a model that has not seen its session, at a level calibrated on the sessions "
        "left; an anomaly by the model of all sessions. Means over repeats with other folds, populations and "
        "anomalies. Sessions: an hour apart, or as the set names them.",
        "Anomalies: recordings of other identities on other devices, of the same age and sex first. For Donate-a-Cry "
        "another infant is another phone in another home, so part of what is found is the phone: see (no voice).",
    };
    char choice[900];
    size_t n = f->cast.identities;
    size_t infants = 0;
    size_t choosing = 0;
    json_t *sentences = json_array();
    for (size_t i = 0; i < sizeof protocol / sizeof *protocol; i++) {
        (void)json_array_append_new(sentences, mewl_json_string(protocol[i]));
    }
    double auc = mean_of(chosen, n, FIELD(auc), &infants);
    for (size_t k = 0; k < n; k++) { /* by turns most choose more than once */
        bool chose = false;
        for (size_t turn = 0; turn < f->cast.turns; turn++) {
            chose = chose || f->list[0].choose[turn * n + k].valid;
        }
        choosing += chose ? 1 : 0;
    }
    name_chosen(choice, sizeof choice, f);
    mewl_status status = mewl_json_set(document, "protocol", sentences);
    status = status == MEWL_OK ? mewl_json_set_string(document, "experiment", "iclas") : status;
    status = status == MEWL_OK ? mewl_json_set_string(document, "title", f->opts.name) : status;
    status = status == MEWL_OK ? mewl_json_set_int(document, "seed", (int64_t)f->opts.seed) : status;
    status = status == MEWL_OK ? mewl_json_set_int(document, "repeats", (int64_t)f->opts.repeats) : status;
    status = status == MEWL_OK ? mewl_json_set_real(document, "level", f->opts.level) : status;
    status = status == MEWL_OK ? mewl_json_set_int(document, "infants", (int64_t)infants) : status;
    status = status == MEWL_OK ? mewl_json_set_int(document, "infants_choosing", (int64_t)choosing) : status;
    status = status == MEWL_OK ? mewl_json_set_string(document, "chosen", choice) : status;
    return status == MEWL_OK ? mewl_json_set_real(document, "auc", auc) : status;
}

mewl_status mewl__findings_document(json_t **out, const mewl__findings *f, mewl_error *err)
{
    size_t infants = 0;
    mewl__figures *chosen = chosen_figures(f);
    json_t *document = json_object();
    json_t *sheets = json_array();
    mewl_status status = MEWL_OK;
    if (chosen == NULL || document == NULL || sheets == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for the results");
    } else if (isnan(mean_of(chosen, f->cast.identities, FIELD(auc), &infants))) {
        status = mewl_error_set(err, MEWL_E_EMPTY, "%s: no infant has %zu usable recordings in three sessions",
                                f->opts.name, f->opts.min_recordings);
    } else {
        status = make_sheets(f, sheets, chosen, err);
    }
    if (status == MEWL_OK && (set_members(document, f, chosen) != MEWL_OK ||
                              mewl_json_set(document, "sheets", json_incref(sheets)) != MEWL_OK)) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for the results");
    }
    free(chosen);
    json_decref(sheets);
    if (status != MEWL_OK) {
        json_decref(document);
        return status;
    }
    *out = document;
    return MEWL_OK;
}
