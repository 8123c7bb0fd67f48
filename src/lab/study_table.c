/* study_table.c - from a study's journal to the document of a report. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/study_private.h"

/* ---- Forecasts ---- */

/* What the network says under the balance it was trained with, turned into probabilities under the recordings' own
 * shares, and the class that stands highest above its share. */
static int settle(float *p, const double *log_p, const double *natural, const double *drawn, size_t classes)
{
    double own[MEWL_CLIPSET_CLASSES_MAX];
    double top = -INFINITY;
    double sum = 0;
    int equal = 0;
    double highest = -INFINITY;
    for (size_t k = 0; k < classes; k++) {
        double lift = drawn[k] > 0 ? log_p[k] - log(drawn[k]) : -INFINITY;
        equal = lift > highest ? (int)k : equal;
        highest = fmax(highest, lift);
        own[k] = natural[k] > 0 ? lift + log(natural[k]) : -INFINITY;
        top = fmax(top, own[k]);
    }
    for (size_t k = 0; k < classes; k++) {
        own[k] = exp(own[k] - top);
        sum += own[k];
    }
    for (size_t k = 0; k < classes; k++) {
        p[k] = (float)(own[k] / sum);
    }
    return equal;
}

json_t *mewl_study_pack(const float *log_p, const size_t *clips, size_t count, size_t classes)
{
    json_t *rows = json_array();
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < classes; k++) {
            double rounded = round(1e5 * (double)log_p[i * classes + k]) / 1e5;
            (void)json_array_append_new(row, mewl_json_real(rounded));
        }
        (void)json_array_append_new(rows, row);
        (void)json_array_append_new(items, json_integer((json_int_t)clips[i]));
    }
    json_t *out = json_object();
    (void)mewl_json_set(out, "clips", items);
    (void)mewl_json_set(out, "log_p", rows);
    return out;
}

mewl_status mewl_study_unpack(mewl_forecasts *f, const mewl_study *s, const json_t *packed, const size_t *train,
                              size_t train_count, double balance, mewl_error *err)
{
    const json_t *clips = json_object_get(packed, "clips");
    const json_t *rows = json_object_get(packed, "log_p");
    double natural[MEWL_CLIPSET_CLASSES_MAX];
    double drawn[MEWL_CLIPSET_CLASSES_MAX];
    mewl_fit_prior(natural, drawn, s->label, s->class_count, train, train_count, balance);
    for (size_t i = 0; i < json_array_size(clips); i++) {
        json_int_t clip = json_integer_value(json_array_get(clips, i));
        const json_t *row = json_array_get(rows, i);
        if (clip < 0 || (size_t)clip >= s->manifest->count || json_array_size(row) != s->class_count) {
            return mewl_error_set(err, MEWL_E_FORMAT, "the journal holds a clip or class that is not in the data");
        }
        double log_p[MEWL_CLIPSET_CLASSES_MAX];
        float p[MEWL_CLIPSET_CLASSES_MAX];
        for (size_t k = 0; k < s->class_count; k++) {
            log_p[k] = json_number_value(json_array_get(row, k));
        }
        int equal = settle(p, log_p, natural, drawn, s->class_count);
        MEWL_TRY(mewl_forecasts_add_equal(f, p, s->label[clip], -1, equal, s->group[clip], err));
    }
    return MEWL_OK;
}

static mewl_status add_cells(mewl_forecasts *f, const mewl_study *s, const mewl_experiment *experiment,
                             const mewl_study_config *config, size_t split, size_t *train, size_t *test,
                             mewl_error *err)
{
    char name[MEWL_CELL_KEY_MAX];
    MEWL_TRY(mewl__study_cell_name(name, sizeof name, config, err));
    for (size_t seed = 0; seed < s->opts.seeds; seed++) {
        for (int fold = 1; fold <= s->opts.folds_run; fold++) {
            mewl_cell cell = {.config = name, .split = mewl__study_splits[split], .fold = fold, .seed = seed + 1};
            const json_t *result = mewl_experiment_result(experiment, &cell);
            if (result == NULL) {
                return mewl_error_set(err, MEWL_E_EMPTY, "%s has not been run in whole", config->name);
            }
            size_t train_count;
            size_t test_count;
            mewl_study_sides(s, train, &train_count, test, &test_count, split, seed, fold);
            MEWL_TRY(mewl_study_unpack(f, s, result, train, train_count, config->fit.balance, err));
        }
    }
    return MEWL_OK;
}

/* Forecasts of a config under one split; MEWL_E_EMPTY when a cell is missing. */
static mewl_status forecasts_of(mewl_forecasts *f, const mewl_study *s, const mewl_experiment *experiment,
                                const mewl_study_config *config, size_t split, mewl_error *err)
{
    size_t rows = s->manifest->count;
    MEWL_TRY(mewl_forecasts_init(f, s->class_count, err));
    size_t *sides = calloc(2 * rows + 1, sizeof *sides);
    mewl_status status = sides != NULL ? add_cells(f, s, experiment, config, split, sides, sides + rows, err)
                                       : mewl_error_set(err, MEWL_E_MEMORY, "no memory for the sides of a split");
    free(sides);
    if (status != MEWL_OK) {
        mewl_forecasts_fini(f);
    }
    return status;
}

/* ---- Rows ---- */

static mewl_bootstrap_opts bootstrap_of(const mewl_study *s)
{
    return (mewl_bootstrap_opts){.rounds = s->opts.rounds, .seed = 1};
}

static mewl_status set_figures(json_t *row, const mewl_study *s, const mewl_forecasts *f, const mewl_forecasts *base,
                               size_t split, mewl_error *err)
{
    json_t *figures = NULL;
    MEWL_TRY(mewl_forecasts_json(&figures, f, bootstrap_of(s), err));
    (void)mewl_json_set(json_object_get(row, "splits"), mewl__study_splits[split], figures);
    if (base != NULL) {
        mewl_interval difference[MEWL_FIGURE_COUNT];
        MEWL_TRY(mewl_forecasts_difference(difference, f, base, bootstrap_of(s), err));
        if (json_object_get(row, "difference") == NULL) {
            (void)mewl_json_set(row, "difference", json_object());
        }
        (void)mewl_json_set(json_object_get(row, "difference"), mewl__study_splits[split],
                            mewl_class_figures_json(difference));
    }
    return MEWL_OK;
}

static json_t *new_row(const char *name, bool baseline)
{
    json_t *row = json_object();
    (void)mewl_json_set_string(row, "name", name);
    (void)mewl_json_set_bool(row, "baseline", baseline);
    (void)mewl_json_set(row, "extra", json_object());
    (void)mewl_json_set(row, "splits", json_object());
    return row;
}

static long long parameters_of(const mewl_experiment *experiment, const mewl_study_config *config)
{
    char name[MEWL_CELL_KEY_MAX];
    if (mewl__study_cell_name(name, sizeof name, config, NULL) != MEWL_OK) {
        return 0;
    }
    mewl_cell cell = {.config = name, .split = MEWL_SPLIT_GROUPED, .fold = 1, .seed = 1};
    return (long long)json_integer_value(json_object_get(mewl_experiment_result(experiment, &cell), "parameters"));
}

static json_t *extras_of(const mewl_experiment *experiment, const mewl_study_config *config)
{
    json_t *extra = json_object();
    char text[32];
    long long parameters = parameters_of(experiment, config);
    (void)snprintf(text, sizeof text, parameters >= 1000000 ? "%.1f M" : "%.0f k",
                   (double)parameters / (parameters >= 1000000 ? 1e6 : 1e3));
    if (config->paper[0] != '\0') {
        (void)mewl_json_set_string(extra, "paper", config->paper);
    }
    (void)mewl_json_set_string(extra, "parameters", text);
    return extra;
}

static const mewl_study_row *find_base(const mewl_study *s, const mewl_study_row *rows, size_t count)
{
    for (size_t r = 0; s->opts.compared_to != NULL && r < count; r++) {
        if (strcmp(rows[r].name, s->opts.compared_to) == 0 && rows[r].forecasts[s->first_split].count > 0) {
            return &rows[r];
        }
    }
    return NULL;
}

static mewl_status push_rows(json_t *list, const mewl_study *s, const mewl_study_row *rows, size_t count,
                             mewl_error *err)
{
    const mewl_study_row *base = find_base(s, rows, count);
    for (size_t r = 0; r < count; r++) {
        if (rows[r].forecasts[s->first_split].count == 0 || rows[r].forecasts[1].count == 0) {
            continue;
        }
        json_t *row = new_row(rows[r].name, false);
        (void)json_array_append_new(list, row);
        if (rows[r].extra != NULL) {
            (void)mewl_json_set(row, "extra", json_deep_copy(rows[r].extra));
        }
        for (size_t split = s->first_split; split < MEWL_STUDY_SPLITS; split++) {
            const mewl_forecasts *other = base != NULL && base != &rows[r] ? &base->forecasts[split] : NULL;
            MEWL_TRY(set_figures(row, s, &rows[r].forecasts[split], other, split, err));
        }
        mewl_progress_report(s->opts.progress, (double)(r + 1), (double)count, "intervals");
    }
    return MEWL_OK;
}

static mewl_status push_baselines(json_t *rows, const mewl_study *s, mewl_error *err)
{
    for (int kind = MEWL__BASELINE_MAJORITY; kind <= MEWL__BASELINE_METADATA; kind++) {
        if (kind == MEWL__BASELINE_METADATA && !mewl__study_has_metadata(s)) {
            continue;
        }
        json_t *row = new_row(mewl__study_baseline_name((mewl__baseline)kind), true);
        (void)json_array_append_new(rows, row);
        for (size_t split = s->first_split; split < MEWL_STUDY_SPLITS; split++) {
            mewl_forecasts f;
            MEWL_TRY(mewl__study_baseline(&f, s, (mewl__baseline)kind, split, err));
            mewl_status status = set_figures(row, s, &f, NULL, split, err);
            mewl_forecasts_fini(&f);
            MEWL_TRY(status);
        }
    }
    return MEWL_OK;
}

/* ---- The document ---- */

static json_t *describe_data(const mewl_study *s)
{
    json_t *data = json_object();
    json_t *classes = json_array();
    json_t *counts = json_array();
    for (size_t k = 0; k < s->class_count; k++) {
        int64_t count = 0;
        for (size_t i = 0; i < s->manifest->count; i++) {
            count += s->label[i] == (int)k;
        }
        (void)json_array_append_new(classes, mewl_json_string(s->classes[k]));
        (void)json_array_append_new(counts, json_integer(count));
    }
    (void)mewl_json_set_string(data, "name", s->opts.data_name);
    (void)mewl_json_set_string(data, "hash", s->hash);
    (void)mewl_json_set_int(data, "clips", (int64_t)s->manifest->count);
    (void)mewl_json_set_int(data, "groups", (int64_t)s->groups);
    (void)mewl_json_set(data, "classes", classes);
    (void)mewl_json_set(data, "counts", counts);
    return data;
}

static json_t *describe_protocol(const mewl_study *s)
{
    char text[400];
    json_t *list = json_array();
    int run = s->opts.folds_run;
    const char *dealt = s->opts.own_folds ? "of the list itself, the same" : "dealt anew";
    (void)snprintf(text, sizeof text,
                   "%d %sfolds %s for each of %zu seed%s, %d of them tested; everything learned, scaled "
                   "and balanced on the training side.",
                   s->opts.folds, s->opts.own_folds ? "" : "stratified ", dealt, s->opts.seeds,
                   s->opts.seeds == 1 ? "" : "s", run);
    (void)json_array_append_new(list, mewl_json_string(text));
    (void)snprintf(text, sizeof text,
                   "95 %% intervals: bootstrap of %zu rounds over groups (all seeds of a clip stay together), seed 1.",
                   s->opts.rounds > 0 ? s->opts.rounds : 1000);
    (void)json_array_append_new(list, mewl_json_string(text));
    (void)json_array_append_new(
        list, mewl_json_string("Accuracy and the rest: the most probable class under the recordings' own shares. "
                               "'same, priors equal': balanced accuracy when every class counts alike."));
    return list;
}

static json_t *describe_columns(const mewl_study_config *configs, size_t count)
{
    bool any_paper = false;
    for (size_t c = 0; c < count; c++) {
        any_paper = any_paper || configs[c].paper[0] != '\0';
    }
    json_t *columns = json_array();
    if (any_paper) {
        (void)json_array_append_new(columns, json_pack("{ssss}", "key", "paper", "title", "paper"));
    }
    (void)json_array_append_new(columns, json_pack("{ssss}", "key", "parameters", "title", "size"));
    return columns;
}

void mewl_study_row_fini(mewl_study_row *row)
{
    json_decref(row->extra);
    for (size_t split = 0; split < MEWL_STUDY_SPLITS; split++) {
        mewl_forecasts_fini(&row->forecasts[split]);
    }
    memset(row, 0, sizeof *row);
}

static json_t *describe_splits(const mewl_study *s)
{
    json_t *splits = json_array();
    for (size_t split = s->first_split; split < MEWL_STUDY_SPLITS; split++) {
        (void)json_array_append_new(splits, json_deep_copy(s->split_notes[split]));
    }
    return splits;
}

mewl_status mewl_study_table(json_t **out, const mewl_study *s, const mewl_study_row *rows, size_t count,
                             json_t *columns, mewl_error *err)
{
    *out = NULL;
    json_t *list = json_array();
    mewl_status status = push_rows(list, s, rows, count, err);
    if (status == MEWL_OK) {
        status = push_baselines(list, s, err);
    }
    json_t *document = json_object();
    (void)mewl_json_set_string(document, "experiment", s->opts.experiment);
    (void)mewl_json_set_string(document, "title", s->opts.title);
    (void)mewl_json_set_string(document, "profile", s->opts.profile);
    (void)mewl_json_set_int(document, "seed_count", (int64_t)s->opts.seeds);
    (void)mewl_json_set(document, "data", describe_data(s));
    (void)mewl_json_set(document, "protocol", describe_protocol(s));
    (void)mewl_json_set(document, "splits", describe_splits(s));
    (void)mewl_json_set(document, "columns", columns != NULL ? columns : json_array());
    if (s->opts.compared_to != NULL) {
        (void)mewl_json_set_string(document, "compared_to", s->opts.compared_to);
    }
    mewl_status set = mewl_json_set(document, "rows", list);
    if (status == MEWL_OK && set != MEWL_OK) {
        status = mewl_error_set(err, set, "no memory for the document");
    }
    if (status != MEWL_OK) {
        json_decref(document);
        return status;
    }
    *out = document;
    return MEWL_OK;
}

mewl_status mewl_study_document(json_t **out, mewl_study *s, const mewl_experiment *experiment,
                                const mewl_study_config *configs, size_t count, mewl_error *err)
{
    *out = NULL;
    mewl_study_row *rows = calloc(count + 1, sizeof *rows);
    mewl_status status = rows != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu rows", count);
    for (size_t c = 0; status == MEWL_OK && c < count; c++) {
        (void)snprintf(rows[c].name, sizeof rows[c].name, "%s", configs[c].name);
        rows[c].extra = extras_of(experiment, &configs[c]);
        for (size_t split = s->first_split; status == MEWL_OK && split < MEWL_STUDY_SPLITS; split++) {
            status = forecasts_of(&rows[c].forecasts[split], s, experiment, &configs[c], split, err);
            status = status == MEWL_E_EMPTY ? MEWL_OK : status;
        }
    }
    if (status == MEWL_OK) {
        status = mewl_study_table(out, s, rows, count, describe_columns(configs, count), err);
    }
    for (size_t c = 0; rows != NULL && c < count; c++) {
        mewl_study_row_fini(&rows[c]);
    }
    free(rows);
    return status;
}
