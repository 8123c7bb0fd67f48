/* reasons_table.c - from the journal of a comparison of heads to the document of a report. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lab/reasons_private.h"
#include "lab/trials.h"

#define K_MAX MEWL_HEAD_CLASSES_MAX
#define TEST_SHARE_STREAM 991u

static const char *const split_names[MEWL_STUDY_SPLITS] = {MEWL_SPLIT_RANDOM, MEWL_SPLIT_GROUPED};

/* One clip as one row of the table answers it. */
typedef struct item {
    float p[K_MAX];
    size_t clip, seed;
    int equal;                             /* class named when all classes count alike */
    signed char covered[MEWL_REASON_SETS]; /* does the set hold the truth? -1: no set */
    unsigned char size[MEWL_REASON_SETS];
} item;

/* All answers under one split: [source and head][item]; items in one order for all. */
typedef struct answers {
    item *items;
    size_t columns, count; /* count items for each of sources x heads */
} answers;

static void read_sets(item *out, const json_t *sets, int truth, size_t classes)
{
    mewl_rng rng = mewl_rng_stream(TEST_SHARE_STREAM + out->seed, out->clip);
    const double share = mewl_rng_unit(&rng);
    for (size_t i = 0; i < MEWL_REASON_SETS; i++) {
        mewl_sets fitted = {.opts = mewl_reason_sets_at(i), .classes = classes};
        bool in[K_MAX];
        out->covered[i] = -1;
        if (json_array_size(json_array_get(sets, i)) != classes) {
            continue;
        }
        for (size_t k = 0; k < classes; k++) {
            const json_t *threshold = json_array_get(json_array_get(sets, i), k);
            fitted.threshold[k] = json_is_null(threshold) ? INFINITY : json_number_value(threshold);
        }
        out->size[i] = (unsigned char)mewl_sets_apply(&fitted, in, out->p, share);
        out->covered[i] = in[truth];
    }
}

/* One cell's clips for every head, from place `at` on. */
static mewl_status read_cell(answers *a, size_t *at, const mewl__reasons *r, const json_t *result, size_t source,
                             size_t seed, const double *prior, mewl_error *err)
{
    const size_t classes = r->study->class_count;
    const json_t *clips = json_object_get(result, "clips");
    const char *choice = mewl_reason_choice_name(r->opts.choice);
    for (size_t head = 0; head < MEWL_HEAD_COUNT; head++) {
        const json_t *own =
            json_object_get(json_object_get(json_object_get(result, "heads"), mewl_head_name((mewl_head)head)), choice);
        const json_t *rows = json_object_get(own, "p");
        for (size_t i = 0; i < json_array_size(clips); i++) {
            const json_int_t clip = json_integer_value(json_array_get(clips, i));
            const json_t *row = json_array_get(rows, i);
            if (clip < 0 || (size_t)clip >= r->study->manifest->count || json_array_size(row) != classes ||
                *at + i >= a->count) {
                return mewl_error_set(err, MEWL_E_FORMAT,
                                      "the journal holds a recording or class that is not in the data");
            }
            item *to = &a->items[(source * MEWL_HEAD_COUNT + head) * a->count + *at + i];
            *to = (item){.clip = (size_t)clip, .seed = seed};
            for (size_t k = 0; k < classes; k++) {
                to->p[k] = (float)json_number_value(json_array_get(row, k));
            }
            to->equal = (int)mewl__likeliest(to->p, prior, classes);
            read_sets(to, json_object_get(own, "sets"), r->study->label[clip], classes);
        }
    }
    *at += json_array_size(clips);
    return MEWL_OK;
}

static mewl_status read_answers(answers *a, const mewl__reasons *r, const mewl_experiment *experiment, size_t split,
                                mewl_error *err)
{
    const size_t rows = r->study->manifest->count;
    *a = (answers){.columns = r->count * MEWL_HEAD_COUNT, .count = rows * r->opts.seeds};
    a->items = calloc(a->columns * a->count + 1, sizeof *a->items);
    size_t *sides = calloc(2 * rows + 1, sizeof *sides);
    mewl_status status =
        a->items != NULL && sides != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a table");
    for (size_t source = 0; status == MEWL_OK && source < r->count; source++) {
        size_t at = 0;
        for (size_t seed = 0; seed < r->opts.seeds; seed++) {
            for (int fold = 1; status == MEWL_OK && fold <= r->opts.folds; fold++) {
                double prior[K_MAX] = {0};
                size_t train_count, test_count;
                const mewl_cell cell = mewl__reasons_at(&r->sources[source], split, seed, fold);
                const json_t *result = mewl_experiment_result(experiment, &cell);
                mewl_study_sides(r->study, sides, &train_count, sides + rows, &test_count, split, seed, fold);
                for (size_t i = 0; i < train_count; i++) {
                    prior[r->study->label[sides[i]]] += 1.0 / (double)train_count;
                }
                status = read_cell(a, &at, r, result, source, seed, prior, err);
            }
        }
        if (status == MEWL_OK && at != a->count) {
            status = mewl_error_set(err, MEWL_E_FORMAT, "the journal lacks recordings of %s", r->sources[source].name);
        }
    }
    free(sides);
    return status;
}

/* ---- Rows ---- */

static mewl_status to_forecasts(mewl_forecasts *f, const mewl__reasons *r, const item *items, size_t count,
                                mewl_error *err)
{
    MEWL_TRY(mewl_forecasts_init(f, r->study->class_count, err));
    for (size_t i = 0; i < count; i++) {
        const size_t clip = items[i].clip;
        mewl_status status = mewl_forecasts_add_equal(f, items[i].p, r->study->label[clip], -1, items[i].equal,
                                                      r->study->group[clip], err);
        if (status != MEWL_OK) {
            mewl_forecasts_fini(f);
            return status;
        }
    }
    return MEWL_OK;
}

mewl_status mewl__reasons_forecasts(mewl_forecasts *f, const mewl__reasons *r, const mewl_experiment *experiment,
                                    const char *source, mewl_head head, mewl_error *err)
{
    mewl__reasons log_loss = *r;
    answers table = {0};
    size_t s = 0;
    log_loss.opts.choice = 2;
    while (s < r->count && strcmp(r->sources[s].name, source) != 0) {
        s++;
    }
    if (s == r->count) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "there are no vectors of `%s`", source);
    }
    mewl_status status = read_answers(&table, &log_loss, experiment, 1, err);
    if (status == MEWL_OK) {
        const item *items = table.items + (s * MEWL_HEAD_COUNT + (size_t)head) * table.count;
        status = to_forecasts(f, r, items, table.count, err);
    }
    free(table.items);
    return status;
}

/* Covered share and mean size of one kind of set under weights. */
typedef struct covering {
    const item *items;
    size_t count, set;
} covering;

static void measure_sets(double *values, const double *weights, void *user)
{
    const covering *c = user;
    double total = 0, covered = 0, size = 0;
    for (size_t i = 0; i < c->count; i++) {
        total += weights[i];
        covered += weights[i] * (c->items[i].covered[c->set] == 1);
        size += weights[i] * c->items[i].size[c->set];
    }
    values[0] = total > 0 ? covered / total : NAN;
    values[1] = total > 0 ? size / total : NAN;
}

static mewl_status sets_json(json_t **out, const mewl__reasons *r, const item *items, size_t count, mewl_error *err)
{
    size_t *group = calloc(count + 1, sizeof *group);
    mewl_status status = group != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a table");
    *out = json_array();
    for (size_t i = 0; status == MEWL_OK && i < count; i++) {
        group[i] = r->study->group[items[i].clip];
    }
    for (size_t set = 0; status == MEWL_OK && set < MEWL_REASON_SETS; set++) {
        mewl_interval figures[2];
        covering c = {items, count, set};
        const mewl_sets_opts opts = mewl_reason_sets_at(set);
        status = mewl_bootstrap(figures, 2, group, NULL, count, measure_sets, &c,
                                (mewl_bootstrap_opts){.rounds = r->opts.rounds, .seed = 1}, err);
        json_t *own = json_object();
        (void)mewl_json_set_string(own, "kind", mewl_sets_kind_name(opts.kind));
        (void)mewl_json_set_bool(own, "by_class", opts.by_class);
        (void)mewl_json_set_real(own, "stated", opts.coverage);
        (void)mewl_json_set(own, "covered", mewl_interval_json(figures[0].value, figures[0].low, figures[0].high));
        (void)mewl_json_set(own, "size", mewl_interval_json(figures[1].value, figures[1].low, figures[1].high));
        (void)json_array_append_new(*out, own);
    }
    free(group);
    return status;
}

static double covered_share(const json_t *sets, size_t index, const char *what)
{
    return json_number_value(json_object_get(json_object_get(json_array_get(sets, index), what), "value"));
}

/* A row of the table: name, figures under both splits, and with calibrated answers its prediction sets. */
static mewl_status push_row(json_t *rows, size_t *at, const mewl__reasons *r, const char *name,
                            const item *items[MEWL_STUDY_SPLITS], size_t count, bool with_sets, mewl_error *err)
{
    json_t *row = json_object(), *splits = json_object(), *extra = json_object(), *all_sets = json_object();
    (void)mewl_json_set_string(row, "name", name);
    (void)mewl_json_set_bool(row, "baseline", false);
    (void)mewl_json_set(row, "extra", extra);
    (void)mewl_json_set(row, "splits", splits);
    (void)mewl_json_set(row, "sets", all_sets);
    (void)json_array_insert_new(rows, (*at)++, row);
    for (size_t split = 0; split < MEWL_STUDY_SPLITS; split++) {
        mewl_forecasts f;
        json_t *figures = NULL, *sets = NULL;
        MEWL_TRY(to_forecasts(&f, r, items[split], count, err));
        mewl_status status =
            mewl_forecasts_json(&figures, &f, (mewl_bootstrap_opts){.rounds = r->opts.rounds, .seed = 1}, err);
        mewl_forecasts_fini(&f);
        MEWL_TRY(status);
        (void)mewl_json_set(splits, split_names[split], figures);
        if (with_sets) {
            char text[64];
            status = sets_json(&sets, r, items[split], count, err);
            (void)mewl_json_set(all_sets, split_names[split], sets);
            MEWL_TRY(status);
            (void)snprintf(text, sizeof text, "%.1f %% (%.1f)", 100 * covered_share(sets, 1, "covered"),
                           covered_share(sets, 1, "size"));
            (void)mewl_json_set_string(extra, split == 1 ? "sets" : "sets_random", text);
        }
    }
    return MEWL_OK;
}

/* The mean of what all heads on all sources say: an ensemble without anything to choose. */
static item *ensemble(const answers *a, const mewl__reasons *r)
{
    item *mean = calloc(a->count + 1, sizeof *mean);
    for (size_t i = 0; mean != NULL && i < a->count; i++) {
        double prior[K_MAX] = {0};
        mean[i].clip = a->items[i].clip;
        mean[i].seed = a->items[i].seed;
        for (size_t c = 0; c < a->columns; c++) {
            for (size_t k = 0; k < r->study->class_count; k++) {
                mean[i].p[k] += a->items[c * a->count + i].p[k] / (float)a->columns;
            }
        }
        for (size_t n = 0; n < r->study->manifest->count; n++) {
            prior[r->study->label[n]] += 1;
        }
        mean[i].equal = (int)mewl__likeliest(mean[i].p, prior, r->study->class_count);
    }
    return mean;
}

static mewl_status push_rows(json_t *rows, const mewl__reasons *r, const answers table[MEWL_STUDY_SPLITS],
                             mewl_error *err)
{
    size_t at = 0;
    const bool with_sets = r->opts.choice == 2;
    for (size_t c = 0; c < table[0].columns; c++) {
        char name[160];
        const item *items[MEWL_STUDY_SPLITS] = {table[0].items + c * table[0].count,
                                                table[1].items + c * table[1].count};
        (void)snprintf(name, sizeof name, "%s / %s", r->sources[c / MEWL_HEAD_COUNT].name,
                       mewl_head_name((mewl_head)(c % MEWL_HEAD_COUNT)));
        MEWL_TRY(push_row(rows, &at, r, name, items, table[0].count, with_sets, err));
        mewl_progress_report(r->opts.progress, (double)(c + 1), (double)table[0].columns, "intervals");
    }
    item *mean[MEWL_STUDY_SPLITS] = {ensemble(&table[0], r), ensemble(&table[1], r)};
    const item *items[MEWL_STUDY_SPLITS] = {mean[0], mean[1]};
    mewl_status status = mean[0] != NULL && mean[1] != NULL
                             ? push_row(rows, &at, r, "mean of all of these", items, table[0].count, false, err)
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a table");
    free(mean[0]);
    free(mean[1]);
    return status;
}

/* What memory alone would give: the reason of the training side's recording of the same group that was made nearest in
 * time; the most frequent one where there is none. Under random folds it says how much of a figure can be recognition.
 */
static void remember(item *to, const mewl__reasons *r, const size_t *train, size_t train_count, const double *prior)
{
    const mewl_study *study = r->study;
    const mewl_row *asked = &study->manifest->rows[to->clip];
    double nearest = INFINITY;
    size_t named = 0;
    for (size_t k = 1; k < study->class_count; k++) {
        named = prior[k] > prior[named] ? k : named;
    }
    for (size_t i = 0; i < train_count; i++) {
        const double apart = fabs(study->manifest->rows[train[i]].time_s - asked->time_s);
        if (study->group[train[i]] == study->group[to->clip] && apart < nearest) {
            nearest = apart;
            named = (size_t)study->label[train[i]];
        }
    }
    for (size_t k = 0; k < study->class_count; k++) {
        to->p[k] = (float)(0.9 * (k == named) + 0.1 * prior[k]);
    }
    to->equal = (int)named;
}

static mewl_status push_memory(json_t *rows, const mewl__reasons *r, mewl_error *err)
{
    const size_t count = r->study->manifest->count, all = count * r->opts.seeds;
    item *items[MEWL_STUDY_SPLITS] = {calloc(all + 1, sizeof(item)), calloc(all + 1, sizeof(item))};
    size_t *sides = calloc(2 * count + 1, sizeof *sides), at = json_array_size(rows);
    mewl_status status = items[0] != NULL && items[1] != NULL && sides != NULL
                             ? MEWL_OK
                             : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a table");
    for (size_t split = 0; status == MEWL_OK && split < MEWL_STUDY_SPLITS; split++) {
        item *to = items[split];
        for (size_t seed = 0; seed < r->opts.seeds; seed++) {
            for (int fold = 1; fold <= r->opts.folds; fold++) {
                double prior[K_MAX] = {0};
                size_t train_count, test_count;
                mewl_study_sides(r->study, sides, &train_count, sides + count, &test_count, split, seed, fold);
                for (size_t i = 0; i < train_count; i++) {
                    prior[r->study->label[sides[i]]] += 1.0 / (double)train_count;
                }
                for (size_t i = 0; i < test_count; i++, to++) {
                    *to = (item){.clip = sides[count + i], .seed = seed};
                    remember(to, r, sides, train_count, prior);
                }
            }
        }
    }
    if (status == MEWL_OK) {
        const item *borrowed[MEWL_STUDY_SPLITS] = {items[0], items[1]};
        status = push_row(rows, &at, r, "no sound: same group, nearest in time", borrowed, all, false, err);
        (void)mewl_json_set_bool(json_array_get(rows, json_array_size(rows) - 1), "baseline", true);
    }
    free(items[0]);
    free(items[1]);
    free(sides);
    return status;
}

static bool has_times(const mewl__reasons *r)
{
    size_t timed = 0;
    for (size_t i = 0; i < r->study->manifest->count; i++) {
        timed += isfinite(r->study->manifest->rows[i].time_s);
    }
    return timed > r->study->manifest->count / 2;
}

/* ---- The document ---- */

static void describe(json_t *document, const mewl__reasons *r)
{
    static const char *const chosen[MEWL_REASON_CHOICES] = {
        "the most right answers; probabilities by temperature",
        "the most right answers class by class, when all classes count alike; probabilities by temperature",
        "the smallest logarithmic loss after calibration by temperature, with biases or Dirichlet, whichever does "
        "best"};
    json_t *protocol = json_object_get(document, "protocol"), *columns = json_array();
    char text[512];
    (void)snprintf(text, sizeof text,
                   "Scaling, PCA (%d components), each head's settings and the calibration map are chosen in %d inner "
                   "folds of the training side, dealt like the outer ones, by %s.",
                   MEWL_SPACE_DIMS, MEWL_REASON_INNER_FOLDS, chosen[r->opts.choice]);
    (void)json_array_append_new(protocol, mewl_json_string(text));
    if (r->opts.choice == 2) {
        (void)json_array_append_new(columns,
                                    json_pack("{ssss}", "key", "sets", "title", "90 % sets: covered (size), grouped"));
        (void)json_array_append_new(
            protocol,
            mewl_json_string("Prediction sets: split conformal, thresholds from the inner folds' answers; "
                             "covered: share of recordings whose set of stated coverage 90 % holds the truth."));
    }
    (void)mewl_json_set(document, "columns", columns);
    (void)mewl_json_set_string(document, "choice", mewl_reason_choice_name(r->opts.choice));
}

static void tell_permutations(json_t *document, const mewl__reasons *r, const mewl_experiment *experiment)
{
    json_t *list = json_object(), *notes = json_array();
    for (size_t s = 0; r->opts.permutations > 0 && s < r->count; s++) {
        char name[MEWL_CELL_KEY_MAX], text[512];
        const mewl_cell cell = mewl__reasons_permutation_at(name, sizeof name, &r->sources[s]);
        const json_t *result = mewl_experiment_result(experiment, &cell);
        if (result == NULL) {
            continue;
        }
        (void)snprintf(
            text, sizeof text,
            "%s: logistic regression (c 0.003) on grouped folds reaches a balanced accuracy of %.1f %% with all "
            "classes counting alike; %lld shufflings of the labels by group %.1f %% on average, at most %.1f %%: "
            "p = %.3f.",
            r->sources[s].name, 100 * json_number_value(json_object_get(result, "observed")),
            (long long)json_integer_value(json_object_get(result, "rounds")),
            100 * json_number_value(json_object_get(result, "mean")),
            100 * json_number_value(json_object_get(result, "highest")),
            json_number_value(json_object_get(result, "p")));
        (void)json_array_append_new(notes, mewl_json_string(text));
        (void)mewl_json_set(list, r->sources[s].name, json_deep_copy(result));
    }
    (void)mewl_json_set(document, "permutation", list);
    (void)mewl_json_set(document, "notes", notes);
}

mewl_status mewl__reasons_document(json_t **out, const mewl__reasons *r, const mewl_experiment *experiment,
                                   mewl_error *err)
{
    answers table[MEWL_STUDY_SPLITS] = {{0}};
    mewl_status status = mewl_study_document(out, r->study, experiment, NULL, 0, err);
    for (size_t split = 0; status == MEWL_OK && split < MEWL_STUDY_SPLITS; split++) {
        status = read_answers(&table[split], r, experiment, split, err);
    }
    if (status == MEWL_OK) {
        status = push_rows(json_object_get(*out, "rows"), r, table, err);
    }
    if (status == MEWL_OK && has_times(r)) {
        status = push_memory(json_object_get(*out, "rows"), r, err);
    }
    if (status == MEWL_OK) {
        describe(*out, r);
        tell_permutations(*out, r, experiment);
    } else {
        json_decref(*out);
        *out = NULL;
    }
    for (size_t split = 0; split < MEWL_STUDY_SPLITS; split++) {
        free(table[split].items);
    }
    return status;
}
