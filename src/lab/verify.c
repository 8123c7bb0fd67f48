/* verify.c - equal error rates of trials with paired intervals, and their report. */
#include "lab/verify_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/split.h"
#include "lab/bootstrap.h"
#include "lab/metrics.h"

/* One list of trials under all systems. */
typedef struct bench {
    const mewl__trials *trials;
    size_t first, count; /* of trials */
    size_t *member;      /* bootstrap item of each side's individual, or SIZE_MAX */
    size_t items;
    mewl_ranking rankings[MEWL_VERIFY_SYSTEMS_MAX];
    bool has[MEWL_VERIFY_SYSTEMS_MAX];
    size_t systems, judge; /* judge: SIZE_MAX without one */
    double *weights;       /* of trials */
} bench;

/* ---- Figures ---- */

/* Equal error rates of all systems, minDCF of all, then the judge's rate minus each other's. */
static void figures(double *values, const double *weights, void *user)
{
    bench *b = user;
    for (size_t i = 0; i < b->count; i++) {
        const mewl__trial *trial = &b->trials->trials[b->first + i];
        double left = weights[b->member[trial->left]], right = weights[b->member[trial->right]];
        b->weights[i] = trial->same ? left : left * right;
    }
    for (size_t s = 0; s < b->systems; s++) {
        values[s] = b->has[s] ? mewl_ranking_eer(&b->rankings[s], b->weights, NULL) : NAN;
        values[b->systems + s] = b->has[s] ? mewl_ranking_min_dcf(&b->rankings[s], b->weights, MEWL_VERIFY_PRIOR) : NAN;
    }
    for (size_t s = 0; s < b->systems; s++) {
        values[2 * b->systems + s] = b->judge < b->systems && s != b->judge ? values[b->judge] - values[s] : NAN;
    }
}

static json_t *interval_json(const mewl_interval *i)
{
    json_t *out = json_object();
    (void)mewl_json_set_real(out, "value", i->value);
    (void)mewl_json_set_real(out, "low", i->low);
    (void)mewl_json_set_real(out, "high", i->high);
    return out;
}

static void put_text(json_t *extra, const char *key, const mewl_interval *i, double times)
{
    char text[96];
    if (isnan(i->value)) {
        return;
    }
    (void)snprintf(text, sizeof text, times == 100 ? "%.1f %% [%.1f, %.1f]" : "%.3f [%.3f, %.3f]", times * i->value,
                   times * i->low, times * i->high);
    (void)mewl_json_set_string(extra, key, text);
}

static void add_rows(json_t *rows, const bench *b, const mewl_verify_system *systems, const char *list,
                     const mewl_interval *v, const size_t *counts)
{
    for (size_t s = 0; s < b->systems; s++) {
        char name[160], text[96];
        json_t *row = json_object(), *extra = json_object();
        (void)snprintf(name, sizeof name, "%s: %s", list, systems[s].name);
        (void)mewl_json_set_string(row, "name", name);
        (void)mewl_json_set_string(row, "list", list);
        (void)mewl_json_set_string(row, "system", systems[s].name);
        (void)mewl_json_set_bool(row, "baseline", systems[s].baseline);
        (void)mewl_json_set(row, "eer", interval_json(&v[s]));
        (void)mewl_json_set(row, "min_dcf", interval_json(&v[b->systems + s]));
        put_text(extra, "eer", &v[s], 100);
        put_text(extra, "min_dcf", &v[b->systems + s], 1);
        if (!isnan(v[2 * b->systems + s].value)) {
            (void)mewl_json_set(row, "judge_minus_this", interval_json(&v[2 * b->systems + s]));
            put_text(extra, "difference", &v[2 * b->systems + s], 100);
        }
        (void)snprintf(text, sizeof text, "%zu / %zu of %zu", counts[0], counts[1], b->items);
        (void)mewl_json_set_string(extra, "trials", text);
        (void)mewl_json_set(row, "extra", extra);
        (void)json_array_append_new(rows, row);
    }
}

/* Numbers the individuals of a list's sides for the bootstrap. */
static mewl_status number_members(bench *b, mewl_error *err)
{
    const mewl__trials *t = b->trials;
    size_t *item = malloc((t->individuals + 1) * sizeof *item);
    b->member = malloc((t->side_count + 1) * sizeof *b->member);
    b->weights = malloc((b->count + 1) * sizeof *b->weights);
    if (item == NULL || b->member == NULL || b->weights == NULL) {
        free(item);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a list of trials");
    }
    for (size_t i = 0; i < t->individuals; i++) {
        item[i] = SIZE_MAX;
    }
    for (size_t s = 0; s < t->side_count; s++) {
        b->member[s] = SIZE_MAX;
    }
    for (size_t i = b->first; i < b->first + b->count; i++) {
        const uint32_t sides[2] = {t->trials[i].left, t->trials[i].right};
        for (int k = 0; k < 2; k++) {
            size_t *number = &item[t->sides[sides[k]].individual];
            *number = *number == SIZE_MAX ? b->items++ : *number;
            b->member[sides[k]] = *number;
        }
    }
    free(item);
    return MEWL_OK;
}

static mewl_status judge_list(json_t *rows, bench *b, const mewl_verify_system *systems, float *const *scores,
                              const char *list, mewl_verify_opts opts, mewl_error *err)
{
    size_t counts[2] = {0, 0};
    bool *same = malloc(b->count * sizeof *same + 1);
    size_t *group = NULL;
    mewl_status status =
        same != NULL ? number_members(b, err) : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a list of trials");
    for (size_t i = 0; status == MEWL_OK && i < b->count; i++) {
        same[i] = b->trials->trials[b->first + i].same;
        counts[same[i] ? 0 : 1]++;
    }
    for (size_t s = 0; status == MEWL_OK && s < b->systems; s++) {
        status = mewl_ranking_init(&b->rankings[s], scores[s] + b->first, same, b->count, err);
        b->has[s] = status == MEWL_OK;
    }
    mewl_interval v[3 * MEWL_VERIFY_SYSTEMS_MAX];
    if (status == MEWL_OK && (group = malloc(b->items * sizeof *group)) == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a bootstrap");
    }
    for (size_t i = 0; status == MEWL_OK && i < b->items; i++) {
        group[i] = i;
    }
    if (status == MEWL_OK) {
        mewl_bootstrap_opts draws = {.rounds = opts.rounds, .seed = opts.seed};
        status = mewl_bootstrap(v, 3 * b->systems, group, NULL, b->items, figures, b, draws, err);
    }
    if (status == MEWL_OK) {
        add_rows(rows, b, systems, list, v, counts);
    }
    for (size_t s = 0; s < b->systems; s++) {
        if (b->has[s]) {
            mewl_ranking_fini(&b->rankings[s]);
        }
    }
    free(same);
    free(group);
    free(b->member);
    free(b->weights);
    return status;
}

/* ---- The report ---- */

static json_t *describe(const mewl__trials *t, const mewl_manifest *manifest, size_t folds, const char *judge)
{
    static const char *const keys[][2] = {{"eer", "equal error rate"},
                                          {"min_dcf", "minDCF (5 % positives)"},
                                          {"difference", "embedder minus this"},
                                          {"trials", "same / other, individuals"}};
    json_t *document = json_object(), *columns = json_array(), *protocol = json_array(), *data = json_object();
    (void)mewl_json_set_string(document, "experiment", "verify");
    (void)mewl_json_set_string(document, "title", "Is it the same individual? Cosine of two recordings' vectors");
    (void)mewl_json_set_string(data, "name", "recordings that name who is heard");
    (void)mewl_json_set_int(data, "clips", (int64_t)manifest->count);
    (void)mewl_json_set_int(data, "groups", (int64_t)t->groups);
    (void)mewl_json_set(document, "data", data);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (i == 2 && judge == NULL) {
            continue;
        }
        json_t *column = json_object();
        (void)mewl_json_set_string(column, "key", keys[i][0]);
        (void)mewl_json_set_string(column, "title", keys[i][1]);
        (void)json_array_append_new(columns, column);
    }
    char text[500];
    (void)json_array_append_new(protocol,
                                mewl_json_string("Same: recordings of different sessions, at least an hour apart "
                                                 "where times are known. Other: another individual, never of "
                                                 "the same app or household."));
    (void)snprintf(
        text, sizeof text,
        "Heads are learned in %zu folds dealt by app, cat and reader: both sides of a trial by one head "
        "that has heard neither of their folds; its parameters are chosen in folds of those it has heard. Intervals: "
        "95 %%, bootstrap over individuals, paired.",
        folds);
    (void)json_array_append_new(protocol, mewl_json_string(text));
    (void)json_array_append_new(protocol, mewl_json_string("An app's recordings share a phone and a room, which help "
                                                           "every system here: infants' figures are not those of a "
                                                           "voice alone."));
    (void)mewl_json_set(document, "columns", columns);
    (void)mewl_json_set(document, "protocol", protocol);
    return document;
}

static mewl_status judge_all(json_t *rows, const mewl__trials *t, const mewl_verify_system *systems, size_t count,
                             float *const *scores, const char *file, mewl_verify_opts opts, mewl_error *err)
{
    size_t judge = SIZE_MAX, lists = 0;
    for (size_t s = 0; s < count && opts.judge != NULL; s++) {
        judge = strcmp(systems[s].name, opts.judge) == 0 ? s : judge;
    }
    for (size_t first = 0, end; first < t->count; first = end) {
        size_t set = t->sides[t->trials[first].left].set, positives = 0;
        for (end = first; end < t->count && (file != NULL || t->sides[t->trials[end].left].set == set); end++) {
            positives += t->trials[end].same;
        }
        if (positives == 0 || positives == end - first) {
            continue;
        }
        bench b = {.trials = t, .first = first, .count = end - first, .systems = count, .judge = judge};
        char list[128];
        (void)snprintf(list, sizeof list, "%s%s", file != NULL ? file : t->set_names[set],
                       file == NULL && t->within[set] ? ", within a session" : "");
        MEWL_TRY(judge_list(rows, &b, systems, scores, list, opts, err));
        lists++;
    }
    return lists > 0 ? MEWL_OK
                     : mewl_error_set(err, MEWL_E_EMPTY,
                                      "no trials: that takes recordings of the same individual in two sessions, and of "
                                      "another one");
}

mewl_status mewl_verify_run(json_t **document, mewl_manifest *manifest, const mewl_verify_system *systems, size_t count,
                            const char *trials, mewl_verify_opts opts, mewl_error *err)
{
    *document = NULL;
    if (count == 0 || count > MEWL_VERIFY_SYSTEMS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu systems cannot be judged together", count);
    }
    opts.folds = opts.folds == 0 ? 5 : opts.folds;
    bool heads = false;
    for (size_t s = 0; s < count; s++) {
        heads = heads || systems[s].head;
    }
    if (heads && opts.folds < 3) {
        return mewl_error_set(err, MEWL_E_ARG, "heads take three folds: two that are judged, and one to learn from");
    }
    if (heads) {
        MEWL_TRY(mewl_split_folds(manifest, (int)opts.folds, "set", true, opts.seed, err));
    }
    mewl__trials t;
    MEWL_TRY(mewl__trials_make(&t, manifest, trials, opts.seed, err));
    float *scores[MEWL_VERIFY_SYSTEMS_MAX] = {NULL};
    json_t *choices = json_array();
    mewl_status status = MEWL_OK;
    for (size_t s = 0; s < count && status == MEWL_OK; s++) {
        status = mewl__verify_score(&scores[s], choices, &systems[s], manifest, &t, opts, err);
    }
    json_t *rows = json_array();
    if (status == MEWL_OK) {
        status = judge_all(rows, &t, systems, count, scores, trials, opts, err);
    }
    if (status == MEWL_OK) {
        *document = describe(&t, manifest, opts.folds, opts.judge);
        status = mewl_json_set(*document, "rows", json_incref(rows)) == MEWL_OK
                     ? MEWL_OK
                     : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a report");
    }
    if (status == MEWL_OK) {
        status = mewl_json_set(*document, "choices", json_incref(choices)) == MEWL_OK
                     ? MEWL_OK
                     : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a report");
    }
    json_decref(choices);
    json_decref(rows);
    for (size_t s = 0; s < count; s++) {
        free(scores[s]);
    }
    mewl__trials_fini(&t);
    return status;
}
