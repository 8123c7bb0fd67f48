#include "lab/iclas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/bootstrap.h"
#include "lab/iclas_private.h"
#include "lab/metrics.h"
#include "lab/sheet.h"
#include "learn/scaler.h"

#define ROUNDS 2000
#define APPROACHES_MAX (MEWL_ICLAS_TABLES_MAX * 8)
#define NAME_BYTES 96

/* What is tried on every embedding. */
static const struct {
    mewl_population_space space;
    mewl_personal_kind kind;
} ways[] = {
    {MEWL_SPACE_PLAIN, MEWL_PERSONAL_KNN},          {MEWL_SPACE_PLAIN, MEWL_PERSONAL_ONECLASS},
    {MEWL_SPACE_PLAIN, MEWL_PERSONAL_GMM},          {MEWL_SPACE_PLAIN, MEWL_PERSONAL_AUTOENCODER},
    {MEWL_SPACE_WHITENED, MEWL_PERSONAL_KNN},       {MEWL_SPACE_WITHIN, MEWL_PERSONAL_KNN},
    {MEWL_SPACE_WITHIN, MEWL_PERSONAL_MAHALANOBIS}, {MEWL_SPACE_WITHIN, MEWL_PERSONAL_PLDA},
};
#define WAYS (sizeof ways / sizeof *ways)

static const char *const space_names[] = {"within", "whitened", "plain"};

/* One approach: an embedding, a space, a model. */
typedef struct approach {
    char name[NAME_BYTES];
    size_t table, way;
    bool confound, heard;
    mewl__figures *report, *choose; /* [identities], valid where they took that part */
} approach;

typedef struct experiment {
    mewl_iclas_opts opts;
    const mewl_iclas_table *tables;
    size_t table_count;
    mewl__cast cast;
    approach *list;
    size_t count;
    double done, total;
} experiment;

static void experiment_fini(experiment *e)
{
    for (size_t k = 0; k < e->count; k++) {
        free(e->list[k].report);
        free(e->list[k].choose);
    }
    free(e->list);
    mewl__cast_fini(&e->cast);
}

/* The autoencoder takes long and is tried on the first embedding alone. */
static bool is_tried(const experiment *e, size_t table, size_t way)
{
    return ways[way].kind != MEWL_PERSONAL_AUTOENCODER || (!e->opts.quick && table == 0);
}

static mewl_status list_approaches(experiment *e, mewl_error *err)
{
    e->list = calloc(APPROACHES_MAX, sizeof *e->list);
    for (size_t t = 0; t < e->table_count && e->list != NULL; t++) {
        for (size_t w = 0; w < WAYS; w++) {
            if (!is_tried(e, t, w)) {
                continue;
            }
            approach *a = &e->list[e->count];
            (void)snprintf(a->name, sizeof a->name, "%s / %s / %s", e->tables[t].name, space_names[ways[w].space],
                           mewl_personal_name(ways[w].kind));
            a->table = t;
            a->way = w;
            a->confound = e->tables[t].confound;
            a->heard = e->tables[t].heard;
            a->report = calloc(e->cast.identities + 1, sizeof *a->report);
            a->choose = calloc(e->cast.identities + 1, sizeof *a->choose);
            e->count++;
            if (a->report == NULL || a->choose == NULL) {
                return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the figures of %zu infants",
                                      e->cast.identities);
            }
        }
    }
    return e->list != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for the approaches");
}

/* Rows of the population, scaled where the table asks for it: the scale is theirs. Returns how many. */
static mewl_status take_population(const experiment *e, float *x, size_t *infant, size_t *session, size_t *kept,
                                   mewl_scaler *scaler, size_t table, mewl_error *err)
{
    const mewl_iclas_table *t = &e->tables[table];
    const mewl__cast *c = &e->cast;
    double *wide = malloc(c->rows * t->dims * sizeof *wide + 1);
    if (wide == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a population of %zu recordings", c->rows);
    }
    *kept = 0;
    for (size_t i = 0; i < c->rows; i++) {
        if (c->identity[i] == SIZE_MAX || c->part[c->identity[i]] != MEWL__PART_POPULATION) {
            continue;
        }
        memcpy(wide + *kept * t->dims, t->x + i * t->dims, t->dims * sizeof *wide);
        infant[*kept] = c->identity[i];
        session[(*kept)++] = c->session[i];
    }
    mewl_status status = MEWL_OK;
    if (t->scale) {
        status = mewl_scaler_fit(scaler, wide, *kept, t->dims, err);
    }
    if (status == MEWL_OK && t->scale) {
        mewl_scaler_apply(scaler, wide, wide, *kept);
    }
    for (size_t i = 0; i < *kept * t->dims; i++) {
        x[i] = (float)wide[i];
    }
    free(wide);
    return status;
}

static unsigned kinds_of(const experiment *e, size_t table, mewl_population_space space)
{
    unsigned kinds = 0;
    for (size_t w = 0; w < WAYS; w++) {
        kinds |= ways[w].space == space && is_tried(e, table, w) ? 1u << ways[w].kind : 0;
    }
    return kinds;
}

/* All rows of a table in the population's space. */
static double *place_rows(const experiment *e, const mewl_population *population, const mewl_scaler *scaler,
                          size_t table)
{
    const mewl_iclas_table *t = &e->tables[table];
    double *placed = malloc(e->cast.rows * population->reduced * sizeof *placed);
    double wide[MEWL_LEARN_DIMS_MAX];
    float row[MEWL_LEARN_DIMS_MAX];
    for (size_t i = 0; i < e->cast.rows && placed != NULL; i++) {
        memcpy(wide, t->x + i * t->dims, t->dims * sizeof *wide);
        if (t->scale) {
            mewl_scaler_apply(scaler, wide, wide, 1);
        }
        for (size_t j = 0; j < t->dims; j++) {
            row[j] = (float)wide[j];
        }
        mewl_population_place(population, placed + i * population->reduced, row);
    }
    return placed;
}

/* A population in one space from the rows of its part, and all rows in that space. */
static mewl_status make_population(experiment *e, mewl_population *population, double **placed, size_t table,
                                   mewl_population_space space, mewl_error *err)
{
    const mewl_iclas_table *t = &e->tables[table];
    size_t rows = e->cast.rows;
    float *x = malloc(rows * t->dims * sizeof *x + 1);
    size_t *infant = malloc(2 * rows * sizeof *infant + 1);
    mewl_scaler scaler = {0};
    size_t kept = 0;
    *placed = NULL;
    mewl_status status = x == NULL || infant == NULL
                             ? mewl_error_set(err, MEWL_E_MEMORY, "no memory for a population of %zu recordings", rows)
                             : take_population(e, x, infant, infant + rows, &kept, &scaler, table, err);
    if (status == MEWL_OK) {
        mewl_population_opts opts = {.space = space, .kinds = kinds_of(e, table, space), .min_sessions = 2};
        status = mewl_population_fit(population, x, infant, infant + rows, kept, t->dims, opts, err);
    }
    if (status == MEWL_OK) {
        *placed = place_rows(e, population, &scaler, table);
        status = *placed != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu recordings", rows);
    }
    mewl_scaler_fini(&scaler);
    free(x);
    free(infant);
    return status;
}

/* Takes one more repeat into the running means. */
static void average(mewl__figures *mean, const mewl__figures *next)
{
    if (!next->valid) {
        return;
    }
    if (mean->repeats == 0) {
        *mean = *next;
        return;
    }
    double n = (double)++mean->repeats;
    mean->auc += (next->auc - mean->auc) / n;
    mean->ap += (next->ap - mean->ap) / n;
    mean->f1 += (next->f1 - mean->f1) / n;
    mean->recall += (next->recall - mean->recall) / n;
    mean->fpr += (next->fpr - mean->fpr) / n;
    mean->false_positives += (next->false_positives - mean->false_positives) / n;
}

/* All infants of this turn under one approach. */
static mewl_status run_approach(experiment *e, approach *a, const mewl_population *population, const double *placed,
                                mewl_error *err)
{
    for (size_t k = 0; k < e->cast.identities; k++) {
        mewl__part part = e->cast.part[k];
        if (part != MEWL__PART_CHOOSE && part != MEWL__PART_REPORT) {
            continue;
        }
        mewl__figures one;
        MEWL_TRY(mewl__iclas_infant(&one, &e->cast, placed, population->reduced, population, ways[a->way].kind, k,
                                    &e->opts, err));
        average(part == MEWL__PART_REPORT ? &a->report[k] : &a->choose[k], &one);
        if (e->opts.stop != NULL && *e->opts.stop != 0) {
            return mewl_error_set(err, MEWL_E_CANCELLED, "stopped");
        }
    }
    mewl_progress_report(e->opts.progress, ++e->done, e->total, a->name);
    return MEWL_OK;
}

static mewl_status run_turn(experiment *e, mewl_error *err)
{
    mewl_status status = MEWL_OK;
    for (size_t t = 0; t < e->table_count && status == MEWL_OK; t++) {
        for (int space = MEWL_SPACE_WITHIN; space <= MEWL_SPACE_PLAIN && status == MEWL_OK; space++) {
            mewl_population population = {0};
            double *placed = NULL;
            status = make_population(e, &population, &placed, t, (mewl_population_space)space, err);
            for (size_t k = 0; k < e->count && status == MEWL_OK; k++) {
                bool here = e->list[k].table == t && ways[e->list[k].way].space == (mewl_population_space)space;
                status = here ? run_approach(e, &e->list[k], &population, placed, err) : MEWL_OK;
            }
            mewl_population_fini(&population);
            free(placed);
        }
    }
    return status;
}

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

/* Mean AUC with an interval by a bootstrap over infants, as a cell. */
static mewl_status add_area(json_t *row, const mewl__figures *list, size_t count, uint64_t seed, mewl_error *err)
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
            value[n] = list[k].auc;
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

/* Infants whose interval of the realised false-positive rate lies wholly above the nominal one. */
static size_t count_above(const mewl__figures *list, size_t count, double level)
{
    size_t above = 0;
    for (size_t k = 0; k < count; k++) {
        double low = 0;
        double high = 1;
        if (list[k].valid) {
            mewl_share_interval(&low, &high, (size_t)(list[k].false_positives + 0.5), list[k].normal);
            above += low > level ? 1 : 0;
        }
    }
    return above;
}

#define FIELD(name) offsetof(mewl__figures, name)

static mewl_status add_approach(experiment *e, json_t *sheet, const approach *a, bool chosen, mewl_error *err)
{
    json_t *row = mewl_sheet_row();
    size_t infants = 0;
    size_t n = e->cast.identities;
    char name[NAME_BYTES + 96];
    (void)snprintf(name, sizeof name, "%s%s%s", a->name,
                   chosen && e->opts.rotate ? " (chosen; LEAKY: by turns all choose and all are reported)"
                   : chosen                 ? " (chosen)"
                                            : "",
                   a->confound ? " (no voice)"
                   : a->heard  ? " (heard them)"
                               : "");
    mewl_sheet_text_cell(row, name);
    mewl_sheet_real(row, mean_of(a->choose, n, FIELD(auc), &infants));
    mewl_sheet_real(row, mean_of(a->choose, n, FIELD(fpr), &infants));
    mewl_status status = add_area(row, a->report, n, e->opts.seed, err);
    mewl_sheet_real(row, mean_of(a->report, n, FIELD(ap), &infants));
    mewl_sheet_real(row, mean_of(a->report, n, FIELD(f1), &infants));
    mewl_sheet_real(row, mean_of(a->report, n, FIELD(recall), &infants));
    mewl_sheet_real(row, mean_of(a->report, n, FIELD(fpr), &infants));
    mewl_sheet_count(row, count_above(a->report, n, e->opts.level));
    if (status != MEWL_OK) {
        json_decref(row);
        return status;
    }
    return mewl_sheet_add(sheet, row);
}

/* What an alarm at every recording would score. */
static mewl_status add_always(const experiment *e, json_t *sheet, const approach *a)
{
    json_t *row = mewl_sheet_row();
    double f1 = 0;
    double ap = 0;
    size_t infants = 0;
    for (size_t k = 0; k < e->cast.identities; k++) {
        const mewl__figures *f = &a->report[k];
        if (f->valid) {
            double share = (double)f->anomalies / (double)(f->anomalies + f->normal);
            ap += share;
            f1 += 2 * share / (1 + share);
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

static mewl_status add_infants(const experiment *e, json_t *sheet, const approach *a)
{
    for (size_t k = 0; k < e->cast.identities; k++) {
        const mewl__figures *f = &a->report[k];
        if (!f->valid) {
            continue;
        }
        json_t *row = mewl_sheet_row();
        const mewl_row *r = &e->cast.manifest->rows[e->cast.first[k]];
        char name[64];
        /* The beginning of a uuid, sex and age group; a cat's whole name. */
        bool long_name = strlen(r->speaker) > 24;
        (void)snprintf(name, sizeof name, long_name ? "%.8s %s %s" : "%s", r->speaker, r->sex, r->age);
        double low = 0;
        double high = 1;
        mewl_share_interval(&low, &high, (size_t)(f->false_positives + 0.5), f->normal);
        mewl_sheet_text_cell(row, name);
        mewl_sheet_count(row, f->normal);
        mewl_sheet_count(row, f->sessions);
        mewl_sheet_count(row, f->anomalies);
        mewl_sheet_real(row, f->auc);
        mewl_sheet_real(row, f->ap);
        mewl_sheet_real(row, f->f1);
        mewl_sheet_real(row, f->recall);
        mewl_sheet_interval(row, f->fpr, low, high);
        double share = (double)f->anomalies / (double)(f->anomalies + f->normal);
        mewl_sheet_real(row, 2 * share / (1 + share));
        MEWL_TRY(mewl_sheet_add(sheet, row));
    }
    return MEWL_OK;
}

/* Largest mean AUC on the infants that are there to choose by, of what keeps the nominal rate on them; never on those
 * reported. */
static size_t choose_approach(const experiment *e)
{
    size_t best = 0;
    double best_auc = -1;
    for (size_t k = 0; k < e->count; k++) {
        size_t infants = 0;
        double auc = mean_of(e->list[k].choose, e->cast.identities, FIELD(auc), &infants);
        double fpr = mean_of(e->list[k].choose, e->cast.identities, FIELD(fpr), &infants);
        if (!e->list[k].confound && !e->list[k].heard && infants > 0 && fpr <= e->opts.level && auc > best_auc) {
            best = k;
            best_auc = auc;
        }
    }
    return best;
}

static mewl_status make_sheets(experiment *e, json_t *sheets, size_t best, mewl_error *err)
{
    static const char *const all_columns[] = {
        "embedding / space / model",     "AUC, choosing", "FPR, choosing", "AUC", "AP", "F1", "recall", "FPR",
        "infants with FPR above nominal"};
    static const char *const one_columns[] = {"infant", "N",  "sessions", "anomalies", "AUC",
                                              "AP",     "F1", "recall",   "FPR",       "F1, always alarm"};
    char title[256];
    (void)snprintf(title, sizeof title, "%s: all approaches, means over infants", e->opts.name);
    json_t *all = mewl_sheet_new(
        title, all_columns, sizeof all_columns / sizeof all_columns[0],
        "F1, recall and FPR at the nominal false-positive rate. AUC, choosing: on the infants by "
        "whom the approach is chosen. (no voice): what lies between the cries, that is "
        "microphone and room: how far these alone tell recordings apart. (heard them): the network was taught "
        "many of these identities, so its figures are too good.");
    mewl_status status = add_always(e, all, &e->list[0]);
    for (size_t k = 0; k < e->count && status == MEWL_OK; k++) {
        status = add_approach(e, all, &e->list[k], k == best, err);
    }
    if (all == NULL || json_array_append_new(sheets, all) != 0) {
        status = status == MEWL_OK ? MEWL_E_MEMORY : status;
    }
    for (size_t k = 0; k < e->count && status == MEWL_OK; k++) {
        bool of_iclas = e->list[k].table == 0 && ways[e->list[k].way].kind <= MEWL_PERSONAL_GMM;
        if (k != best && !of_iclas) {
            continue;
        }
        (void)snprintf(title, sizeof title, "%s, by infant: %s", e->opts.name, e->list[k].name);
        json_t *sheet = mewl_sheet_new(title, one_columns, sizeof one_columns / sizeof one_columns[0], NULL);
        status = add_infants(e, sheet, &e->list[k]);
        if (sheet == NULL || json_array_append_new(sheets, sheet) != 0) {
            status = MEWL_E_MEMORY;
        }
    }
    return status == MEWL_E_MEMORY ? mewl_error_set(err, status, "no memory for the tables") : status;
}

static mewl_status make_document(json_t **out, experiment *e, mewl_error *err)
{
    static const char *const protocol[] = {
        "Identities play one part each: the population (space, covariance, PLDA, pooled calibration), those by whom "
        "the "
        "approach is chosen, those reported. Thresholds never see an anomaly.",
        "A normal recording is scored by a model that has not seen its session, at a level calibrated on the sessions "
        "left; an anomaly by the model of all sessions. Means over repeats with other populations and anomalies. "
        "Sessions: an hour apart, or as the set names them.",
        "Anomalies: recordings of other identities on other devices, of the same age and sex first. For Donate-a-Cry "
        "another infant is another phone in another home, so part of what is found is the phone: see (no voice).",
    };
    json_t *document = json_object();
    json_t *sentences = json_array();
    json_t *sheets = json_array();
    size_t best = choose_approach(e);
    size_t infants = 0;
    size_t choosing = 0;
    double auc = mean_of(e->list[best].report, e->cast.identities, FIELD(auc), &infants);
    (void)mean_of(e->list[best].choose, e->cast.identities, FIELD(auc), &choosing);
    mewl_status status =
        infants == 0 ? mewl_error_set(err, MEWL_E_EMPTY, "%s: no infant has %zu usable recordings in three sessions",
                                      e->opts.name, e->opts.min_recordings)
                     : make_sheets(e, sheets, best, err);
    for (size_t i = 0; i < sizeof protocol / sizeof *protocol; i++) {
        (void)json_array_append_new(sentences, mewl_json_string(protocol[i]));
    }
    mewl_status kept = mewl_json_set_string(document, "experiment", "iclas");
    kept = kept == MEWL_OK ? mewl_json_set_string(document, "title", e->opts.name) : kept;
    kept = kept == MEWL_OK ? mewl_json_set_int(document, "seed", (int64_t)e->opts.seed) : kept;
    kept = kept == MEWL_OK ? mewl_json_set_int(document, "repeats", (int64_t)e->opts.repeats) : kept;
    kept = kept == MEWL_OK ? mewl_json_set_real(document, "level", e->opts.level) : kept;
    kept = kept == MEWL_OK ? mewl_json_set_int(document, "infants", (int64_t)infants) : kept;
    kept = kept == MEWL_OK ? mewl_json_set_int(document, "infants_choosing", (int64_t)choosing) : kept;
    kept = kept == MEWL_OK ? mewl_json_set_string(document, "chosen", e->list[best].name) : kept;
    kept = kept == MEWL_OK ? mewl_json_set_real(document, "auc", auc) : kept;
    mewl_status one = mewl_json_set(document, "protocol", sentences);
    mewl_status two = mewl_json_set(document, "sheets", sheets);
    status = status != MEWL_OK ? status
             : kept != MEWL_OK || one != MEWL_OK || two != MEWL_OK
                 ? mewl_error_set(err, MEWL_E_MEMORY, "no memory for the results")
                 : MEWL_OK;
    if (status != MEWL_OK) {
        json_decref(document);
        return status;
    }
    *out = document;
    return MEWL_OK;
}

mewl_status mewl_iclas_run(json_t **out, const mewl_manifest *manifest, const mewl_iclas_table *tables, size_t count,
                           mewl_iclas_opts opts, mewl_error *err)
{
    *out = NULL;
    opts.min_recordings = opts.min_recordings == 0 ? 8 : opts.min_recordings;
    opts.min_choose = opts.min_choose == 0 ? 4 : opts.min_choose;
    opts.anomalies = opts.anomalies == 0 ? 50 : opts.anomalies;
    opts.level = opts.level == 0 ? 0.1 : opts.level;
    opts.gap_s = opts.gap_s == 0 ? 3600 : opts.gap_s;
    opts.repeats = opts.repeats == 0 ? 3 : opts.repeats;
    if (count == 0 || count > MEWL_ICLAS_TABLES_MAX || !(opts.level > 0) || opts.level >= 1 || opts.anomalies > 1000 ||
        opts.repeats > 1000) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu embeddings, level %g, %zu anomalies", count, opts.level,
                              opts.anomalies);
    }
    for (size_t t = 0; t < count; t++) {
        if (tables[t].dims == 0 || tables[t].dims > MEWL_LEARN_DIMS_MAX) {
            return mewl_error_set(err, MEWL_E_ARG, "%s: embeddings of %zu numbers", tables[t].name, tables[t].dims);
        }
    }
    experiment e = {.opts = opts, .tables = tables, .table_count = count};
    MEWL_TRY(mewl__cast_make(&e.cast, manifest, &opts, err));
    mewl_status status = list_approaches(&e, err);
    e.total = (double)(e.count * e.cast.turns * opts.repeats);
    for (size_t turn = 0; turn < e.cast.turns * opts.repeats && status == MEWL_OK; turn++) {
        e.opts.seed = opts.seed + turn / e.cast.turns;
        mewl__cast_deal(&e.cast, &e.opts, turn % e.cast.turns);
        status = run_turn(&e, err);
    }
    e.opts.seed = opts.seed;
    status = status == MEWL_OK ? make_document(out, &e, err) : status;
    experiment_fini(&e);
    return status;
}
