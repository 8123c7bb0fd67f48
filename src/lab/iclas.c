#include "lab/iclas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/iclas_private.h"
#include "learn/scaler.h"

/* What is tried on every embedding; what is not slow in the space of one infant also on several at once. */
static const struct {
    mewl_population_space space;
    mewl_personal_kind kind;
    bool fused;
} ways[] = {
    {MEWL_SPACE_PLAIN, MEWL_PERSONAL_KNN, false},          {MEWL_SPACE_PLAIN, MEWL_PERSONAL_ONECLASS, false},
    {MEWL_SPACE_PLAIN, MEWL_PERSONAL_GMM, false},          {MEWL_SPACE_PLAIN, MEWL_PERSONAL_AUTOENCODER, false},
    {MEWL_SPACE_WHITENED, MEWL_PERSONAL_KNN, false},       {MEWL_SPACE_WITHIN, MEWL_PERSONAL_KNN, true},
    {MEWL_SPACE_WITHIN, MEWL_PERSONAL_MAHALANOBIS, false}, {MEWL_SPACE_WITHIN, MEWL_PERSONAL_PLDA, true},
};
#define WAYS (sizeof ways / sizeof *ways)
#define SPACES 3
#define APPROACHES_MAX (MEWL_ICLAS_TABLES_MAX * WAYS + MEWL_ICLAS_FUSIONS_MAX * WAYS)

static const char *const space_names[SPACES] = {"within", "whitened", "plain"};

/* A table in one space, of the round at hand. */
typedef struct scene {
    mewl_population population;
    double *placed; /* [rows x population.reduced] */
} scene;

typedef struct experiment {
    mewl__findings f;
    const mewl_iclas_table *tables;
    size_t table_count;
    scene scenes[MEWL_ICLAS_TABLES_MAX][SPACES];
    double done, total;
} experiment;

static void clear_scenes(experiment *e)
{
    for (size_t t = 0; t < e->table_count; t++) {
        for (size_t s = 0; s < SPACES; s++) {
            mewl_population_fini(&e->scenes[t][s].population);
            free(e->scenes[t][s].placed);
            e->scenes[t][s] = (scene){0};
        }
    }
}

static void experiment_fini(experiment *e)
{
    for (size_t k = 0; k < e->f.count; k++) {
        free(e->f.list[k].report);
        free(e->f.list[k].choose);
    }
    free(e->f.list);
    free(e->f.later);
    free(e->f.rates);
    clear_scenes(e);
    mewl__cast_fini(&e->f.cast);
}

/* The autoencoder takes long and is tried on the first embedding alone. */
static bool is_tried(const experiment *e, size_t table, size_t way)
{
    if (e->tables[table].alone) {
        return ways[way].space == MEWL_SPACE_PLAIN && ways[way].kind == MEWL_PERSONAL_KNN;
    }
    return ways[way].kind != MEWL_PERSONAL_AUTOENCODER || (!e->f.opts.quick && table == 0);
}

static mewl_status add_approach(experiment *e, const size_t *table, size_t tables, size_t way, mewl_error *err)
{
    mewl__approach *a = &e->f.list[e->f.count];
    size_t used = 0;
    a->tables = tables;
    a->space = ways[way].space;
    a->kind = ways[way].kind;
    a->of_iclas = tables == 1 && table[0] == 0 && a->kind <= MEWL_PERSONAL_GMM;
    for (size_t k = 0; k < tables; k++) {
        const mewl_iclas_table *t = &e->tables[table[k]];
        a->table[k] = table[k];
        a->confound = a->confound || t->confound;
        a->heard = a->heard || t->heard;
        a->alone = a->alone || t->alone;
        int n = snprintf(a->name + used, sizeof a->name - used, "%s%s", k > 0 ? " & " : "", t->name);
        used += n > 0 && (size_t)n < sizeof a->name - used ? (size_t)n : 0;
    }
    (void)snprintf(a->name + used, sizeof a->name - used, " / %s / %s", a->alone ? "alone" : space_names[a->space],
                   mewl_personal_name(a->kind));
    size_t n = e->f.cast.identities;
    a->report = calloc(n + 1, sizeof *a->report);
    a->choose = calloc(e->f.cast.turns * n + 1, sizeof *a->choose);
    e->f.count++;
    return a->report != NULL && a->choose != NULL
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_MEMORY, "no memory for the figures of %zu infants", n);
}

static mewl_status list_approaches(experiment *e, mewl_error *err)
{
    e->f.list = calloc(APPROACHES_MAX, sizeof *e->f.list);
    e->f.later = calloc((1 + e->f.opts.altered_count) * e->f.cast.identities + 1, sizeof *e->f.later);
    e->f.rates = calloc(e->f.cast.identities + 1, sizeof *e->f.rates);
    if (e->f.list == NULL || e->f.later == NULL || e->f.rates == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the approaches");
    }
    for (size_t t = 0; t < e->table_count; t++) {
        for (size_t w = 0; w < WAYS; w++) {
            if (is_tried(e, t, w)) {
                MEWL_TRY(add_approach(e, &t, 1, w, err));
            }
        }
    }
    for (size_t k = 0; k < e->f.opts.fusion_count; k++) {
        for (size_t w = 0; w < WAYS; w++) {
            if (ways[w].fused) {
                MEWL_TRY(add_approach(e, e->f.opts.fusions[k].table, e->f.opts.fusions[k].count, w, err));
            }
        }
    }
    return MEWL_OK;
}

/* Rows of the population, scaled where the table asks for it: the scale is theirs. Returns how many. */
static mewl_status take_population(const experiment *e, float *x, size_t *infant, size_t *session, size_t *kept,
                                   mewl_scaler *scaler, size_t table, mewl_error *err)
{
    const mewl_iclas_table *t = &e->tables[table];
    const mewl__cast *c = &e->f.cast;
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
    double *placed = malloc(e->f.cast.rows * population->reduced * sizeof *placed);
    double wide[MEWL_LEARN_DIMS_MAX];
    float row[MEWL_LEARN_DIMS_MAX];
    for (size_t i = 0; i < e->f.cast.rows && placed != NULL; i++) {
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
static mewl_status make_scene(experiment *e, size_t table, mewl_population_space space, mewl_error *err)
{
    const mewl_iclas_table *t = &e->tables[table];
    scene *made = &e->scenes[table][space];
    size_t rows = e->f.cast.rows;
    float *x = malloc(rows * t->dims * sizeof *x + 1);
    size_t *infant = malloc(2 * rows * sizeof *infant + 1);
    mewl_scaler scaler = {0};
    size_t kept = 0;
    mewl_status status = x == NULL || infant == NULL
                             ? mewl_error_set(err, MEWL_E_MEMORY, "no memory for a population of %zu recordings", rows)
                             : take_population(e, x, infant, infant + rows, &kept, &scaler, table, err);
    if (status == MEWL_OK) {
        mewl_population_opts opts = {.space = space, .kinds = kinds_of(e, table, space)};
        status = mewl_population_fit(&made->population, x, infant, infant + rows, kept, t->dims, opts, err);
    }
    if (status == MEWL_OK) {
        made->placed = place_rows(e, &made->population, &scaler, table);
        status =
            made->placed != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu recordings", rows);
    }
    mewl_scaler_fini(&scaler);
    free(x);
    free(infant);
    return status;
}

/* Without a population: rows brought to length one, as infant/ does then. */
static mewl_status make_scene_alone(experiment *e, size_t table, mewl_error *err)
{
    const mewl_iclas_table *t = &e->tables[table];
    double *placed = malloc(e->f.cast.rows * t->dims * sizeof *placed + 1);
    if (placed == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu recordings", e->f.cast.rows);
    }
    memcpy(placed, t->x, e->f.cast.rows * t->dims * sizeof *placed);
    mewl_table_normalise(placed, e->f.cast.rows, t->dims);
    e->scenes[table][MEWL_SPACE_PLAIN].placed = placed;
    return MEWL_OK;
}

static mewl_status make_scenes(experiment *e, mewl_error *err)
{
    clear_scenes(e);
    for (size_t t = 0; t < e->table_count; t++) {
        if (e->tables[t].alone) {
            MEWL_TRY(make_scene_alone(e, t, err));
            continue;
        }
        for (int space = MEWL_SPACE_WITHIN; space <= MEWL_SPACE_PLAIN; space++) {
            MEWL_TRY(make_scene(e, t, (mewl_population_space)space, err));
        }
    }
    return MEWL_OK;
}

static void find_scale(mewl__view *view, const mewl_population_scores *s)
{
    double sum = 0;
    double square = 0;
    for (size_t i = 0; i < s->sessions; i++) {
        sum += s->score[i];
        square += s->score[i] * s->score[i];
    }
    double n = (double)s->sessions;
    view->centre = n > 0 ? sum / n : 0;
    double variance = n > 0 ? square / n - view->centre * view->centre : 0;
    view->spread = variance > 0 ? sqrt(variance) : 1;
}

/* An approach in the round at hand. With several embeddings, the population's calibration scores are added up like any
 * others: they are of the same sessions in the same order, else there are none. sum: [MEWL_POPULATION_SCORES_MAX]. */
static void open_panel(mewl__panel *panel, double *sum, const experiment *e, const mewl__approach *a)
{
    const mewl_population_scores *first = &e->scenes[a->table[0]][a->space].population.scores[a->kind];
    *panel = (mewl__panel){.views = a->tables,
                           .kind = a->kind,
                           .population_score = first->score,
                           .population_infant = first->infant,
                           .population_sessions = first->sessions,
                           .seed = e->f.opts.seed};
    bool alike = true;
    for (size_t v = 0; v < a->tables; v++) {
        const scene *s = &e->scenes[a->table[v]][a->space];
        panel->view[v] =
            (mewl__view){.placed = s->placed, .dims = s->population.reduced, .population = &s->population, .spread = 1};
        alike = alike && s->population.scores[a->kind].sessions == first->sessions;
    }
    if (a->alone) {
        panel->view[0].dims = e->tables[a->table[0]].dims;
        panel->view[0].population = NULL;
        panel->there = e->tables[a->table[0]].there;
    }
    if (a->tables == 1) {
        return;
    }
    memset(sum, 0, first->sessions * sizeof *sum);
    for (size_t v = 0; v < a->tables; v++) {
        const mewl_population_scores *s = &panel->view[v].population->scores[a->kind];
        find_scale(&panel->view[v], s);
        for (size_t i = 0; i < s->sessions && alike; i++) {
            sum[i] += (s->score[i] - panel->view[v].centre) / panel->view[v].spread;
        }
    }
    panel->population_score = sum;
    panel->population_sessions = alike ? first->sessions : 0;
}

/* All infants that play the part in the round at hand, under one approach. */
static mewl_status run_approach(experiment *e, mewl__figures *into, const mewl__panel *panel, mewl__part part,
                                mewl_error *err)
{
    for (size_t k = 0; k < e->f.cast.identities; k++) {
        mewl__figures one;
        if (e->f.cast.part[k] != part) {
            continue;
        }
        MEWL_TRY(mewl__iclas_infant(&one, &e->f.cast, panel, k, &e->f.opts, err));
        mewl__figures_average(&into[k], &one);
        if (e->f.opts.stop != NULL && *e->f.opts.stop != 0) {
            return mewl_error_set(err, MEWL_E_CANCELLED, "stopped");
        }
    }
    return MEWL_OK;
}

/* What was chosen for this turn, against what comes later. */
static mewl_status run_later(experiment *e, const mewl__panel *panel, mewl_error *err)
{
    size_t n = e->f.cast.identities;
    for (size_t k = 0; k < n; k++) {
        mewl__figures one[1 + MEWL_ICLAS_ALTERED_MAX];
        if (e->f.cast.part[k] != MEWL__PART_REPORT) {
            continue;
        }
        MEWL_TRY(mewl__iclas_later(one, &e->f.rates[k], &e->f.cast, panel, k, &e->f.opts, err));
        for (size_t a = 0; a <= e->f.opts.altered_count; a++) {
            mewl__figures_average(&e->f.later[a * n + k], &one[a]);
        }
    }
    return MEWL_OK;
}

/* One fold in which approaches are chosen, or (MEWL__CAST_ALL) the report of one turn. */
static mewl_status run_round(experiment *e, size_t turn, size_t fold, mewl_error *err)
{
    bool reporting = fold == MEWL__CAST_ALL;
    double *sum = malloc(MEWL_POPULATION_SCORES_MAX * sizeof *sum);
    if (sum == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for calibration scores");
    }
    mewl__cast_deal(&e->f.cast, &e->f.opts, turn, fold);
    mewl_status status = make_scenes(e, err);
    for (size_t k = 0; k < e->f.count && status == MEWL_OK; k++) {
        mewl__approach *a = &e->f.list[k];
        mewl__panel panel;
        if (a->kind == MEWL_PERSONAL_AUTOENCODER && !reporting) {
            continue; /* shown, but too slow to be tried on all who choose */
        }
        open_panel(&panel, sum, e, a);
        status = reporting ? run_approach(e, a->report, &panel, MEWL__PART_REPORT, err)
                           : run_approach(e, a->choose + turn * e->f.cast.identities, &panel, MEWL__PART_CHOOSE, err);
        if (status == MEWL_OK && reporting && k == e->f.chosen[turn]) {
            status = run_later(e, &panel, err);
        }
        mewl_progress_report(e->f.opts.progress, ++e->done, e->total, a->name);
    }
    free(sum);
    return status;
}

static mewl_status run_all(experiment *e, mewl_error *err)
{
    uint64_t seed = e->f.opts.seed;
    size_t repeats = e->f.opts.repeats;
    for (size_t r = 0; r < repeats; r++) {
        e->f.opts.seed = seed + r;
        for (size_t i = 0; i < e->f.cast.turns * MEWL__CAST_FOLDS; i++) {
            MEWL_TRY(run_round(e, i / MEWL__CAST_FOLDS, i % MEWL__CAST_FOLDS, err));
        }
    }
    for (size_t turn = 0; turn < e->f.cast.turns; turn++) {
        e->f.chosen[turn] = mewl__findings_choose(&e->f, turn);
    }
    for (size_t r = 0; r < repeats; r++) {
        e->f.opts.seed = seed + r;
        for (size_t turn = 0; turn < e->f.cast.turns; turn++) {
            MEWL_TRY(run_round(e, turn, MEWL__CAST_ALL, err));
        }
    }
    e->f.opts.seed = seed;
    return MEWL_OK;
}

static mewl_status check(const mewl_iclas_table *tables, size_t count, const mewl_iclas_opts *o, mewl_error *err)
{
    if (count == 0 || count > MEWL_ICLAS_TABLES_MAX || !(o->level > 0) || o->level >= 1 || o->anomalies > 1000 ||
        o->repeats > 1000 || o->fusion_count > MEWL_ICLAS_FUSIONS_MAX || o->altered_count > MEWL_ICLAS_ALTERED_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu embeddings, level %g, %zu anomalies", count, o->level,
                              o->anomalies);
    }
    for (size_t t = 0; t < count; t++) {
        if (tables[t].dims == 0 || tables[t].dims > MEWL_LEARN_DIMS_MAX ||
            (tables[t].there != NULL && !tables[t].alone)) {
            return mewl_error_set(err, MEWL_E_ARG, "%s: embeddings of %zu numbers", tables[t].name, tables[t].dims);
        }
    }
    for (size_t k = 0; k < o->fusion_count; k++) {
        bool good = o->fusions[k].count >= 2 && o->fusions[k].count <= MEWL_ICLAS_MEMBERS_MAX;
        for (size_t m = 0; good && m < o->fusions[k].count; m++) {
            good = o->fusions[k].table[m] < count && !tables[o->fusions[k].table[m]].alone;
        }
        if (!good) {
            return mewl_error_set(err, MEWL_E_ARG, "fusion %zu names embeddings that are not there", k);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_iclas_run(json_t **out, const mewl_manifest *manifest, const mewl_iclas_table *tables, size_t count,
                           mewl_iclas_opts opts, mewl_error *err)
{
    *out = NULL;
    opts.min_recordings = opts.min_recordings == 0 ? 8 : opts.min_recordings;
    opts.min_choose = opts.min_choose == 0 ? 3 : opts.min_choose;
    opts.anomalies = opts.anomalies == 0 ? 50 : opts.anomalies;
    opts.level = opts.level == 0 ? 0.1 : opts.level;
    opts.gap_s = opts.gap_s == 0 ? 3600 : opts.gap_s;
    opts.repeats = opts.repeats == 0 ? 3 : opts.repeats;
    MEWL_TRY(check(tables, count, &opts, err));
    experiment *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the experiment");
    }
    e->f.opts = opts;
    e->tables = tables;
    e->table_count = count;
    mewl_status status = mewl__cast_make(&e->f.cast, manifest, &opts, err);
    status = status == MEWL_OK ? list_approaches(e, err) : status;
    e->total = (double)(e->f.count * e->f.cast.turns * (1 + MEWL__CAST_FOLDS) * opts.repeats);
    status = status == MEWL_OK ? run_all(e, err) : status;
    status = status == MEWL_OK ? mewl__findings_document(out, &e->f, err) : status;
    experiment_fini(e);
    free(e);
    return status;
}
