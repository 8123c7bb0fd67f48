#include "infant/population.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/covariance.h"

#define REDUCED 64
#define FOLDS 5
#define PLDA_SHRINKAGE 0.02
#define MIN_SESSIONS 3

void mewl_population_fini(mewl_population *population)
{
    if (population == NULL) {
        return;
    }
    mewl_pca_fini(&population->pca);
    mewl_plda_fini(&population->plda);
    free(population->shape);
    free(population->within);
    for (size_t k = 0; k < MEWL_PERSONAL_KINDS; k++) {
        free(population->scores[k].score);
        free(population->scores[k].infant);
    }
    memset(population, 0, sizeof *population);
}

/* From the space of the PCA to the final one, in place. */
static void shape_row(const mewl_population *p, double *row)
{
    if (p->shape != NULL) {
        mewl_cholesky_forward(p->shape, row, p->reduced);
    }
}

void mewl_population_place(const mewl_population *population, double *out, const float *embedding)
{
    double wide[MEWL_LEARN_DIMS_MAX];
    mewl_table_widen(wide, embedding, population->dims);
    mewl_table_normalise(wide, 1, population->dims);
    mewl_pca_apply(&population->pca, out, wide, 1);
    shape_row(population, out);
}

/* Learns shape, within and PLDA from rows in the space of the PCA, which are changed into the final space. */
static mewl_status learn_shape(mewl_population *p, double *rows, const size_t *infant, size_t count, mewl_error *err)
{
    size_t n = p->reduced;
    p->within = malloc(n * n * sizeof *p->within);
    if (p->within == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a covariance of %zu columns", n);
    }
    MEWL_TRY(mewl_within_covariance(p->within, NULL, rows, infant, count, n, err));
    if (p->space == MEWL_SPACE_WITHIN) {
        p->shape = p->within;
        p->within = malloc(n * n * sizeof *p->within);
        if (p->within == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a covariance of %zu columns", n);
        }
        MEWL_TRY(mewl_cholesky(p->shape, n, err));
        for (size_t i = 0; i < count; i++) {
            shape_row(p, rows + i * n);
        }
        MEWL_TRY(mewl_within_covariance(p->within, NULL, rows, infant, count, n, err));
    }
    /* Too few recordings leave the population without it; the other kinds do not need it. */
    mewl_plda_fit(&p->plda, rows, infant, count, n, (mewl_plda_opts){.shrinkage = PLDA_SHRINKAGE}, NULL);
    return MEWL_OK;
}

/* Where calibration scores are gathered. */
typedef struct gathering {
    mewl_population *out;
    const double *reduced; /* [rows x n], in the space of the PCA */
    const size_t *infant, *session;
    const size_t *order, *start; /* rows by infant */
    size_t groups, rows;
    mewl_population_opts opts;
    double *table; /* [rows x n], work */
    double *own;   /* [rows x n], work */
    size_t *number, *mark;
} gathering;

static mewl_status append_score(mewl_population_scores *s, double score, size_t infant, mewl_error *err)
{
    if (s->sessions == MEWL_POPULATION_SCORES_MAX || !isfinite(score)) {
        return MEWL_OK;
    }
    if ((s->sessions & (s->sessions - 1)) == 0) { /* room doubles at powers of two */
        size_t room = s->sessions == 0 ? 1 : 2 * s->sessions;
        double *score_room = realloc(s->score, room * sizeof *s->score);
        s->score = score_room != NULL ? score_room : s->score;
        uint32_t *infant_room = realloc(s->infant, room * sizeof *s->infant);
        s->infant = infant_room != NULL ? infant_room : s->infant;
        if (score_room == NULL || infant_room == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for calibration scores");
        }
    }
    s->score[s->sessions] = score;
    s->infant[s->sessions++] = (uint32_t)infant;
    return MEWL_OK;
}

/* Mean score of the rows of `session` under a model of the infant's other rows; NaN when that cannot be learned. */
static double score_session(gathering *g, const mewl_population *space, mewl_personal_kind kind, const double *rows,
                            size_t count, size_t session)
{
    size_t n = space->reduced;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (g->number[i] != session) {
            memcpy(g->own + kept * n, rows + i * n, n * sizeof *rows);
            g->mark[kept++] = g->number[i];
        }
    }
    mewl_personal *model = NULL;
    if (mewl_personal_fit(&model, kind, g->own, g->mark, kept, n, space, g->opts.personal, NULL) != MEWL_OK) {
        return NAN;
    }
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += g->number[i] == session ? mewl_personal_score(model, rows + i * n) : 0;
    }
    mewl_personal_free(model);
    return sum / (double)(count - kept);
}

/* All sessions of one infant, for all wanted kinds. */
static mewl_status score_infant(gathering *g, const mewl_population *space, size_t group, mewl_error *err)
{
    size_t n = space->reduced;
    size_t first = g->start[group];
    size_t count = g->start[group + 1] - first;
    double *rows = g->table;
    size_t sessions = 0;
    for (size_t i = 0; i < count; i++) {
        size_t row = g->order[first + i];
        memcpy(rows + i * n, g->reduced + row * n, n * sizeof *rows);
        shape_row(space, rows + i * n);
        g->number[i] = g->session[row];
        bool known = false;
        for (size_t k = 0; k < i && !known; k++) {
            known = g->number[k] == g->number[i];
        }
        sessions += known ? 0 : 1;
    }
    if (sessions < g->opts.min_sessions) {
        return MEWL_OK;
    }
    for (size_t kind = 0; kind < MEWL_PERSONAL_KINDS; kind++) {
        for (size_t i = 0; i < count && (g->opts.kinds >> kind & 1) != 0; i++) {
            bool known = false;
            for (size_t k = 0; k < i && !known; k++) {
                known = g->number[k] == g->number[i];
            }
            if (!known) {
                double score = score_session(g, space, (mewl_personal_kind)kind, rows, count, g->number[i]);
                MEWL_TRY(append_score(&g->out->scores[kind], score, group, err));
            }
        }
    }
    return MEWL_OK;
}

/* Infants of one fold, in a space learned from the others. */
static mewl_status score_fold(gathering *g, size_t fold, mewl_error *err)
{
    mewl_population space = {.reduced = g->out->reduced, .space = g->out->space};
    size_t kept = 0;
    for (size_t group = 0; group < g->groups; group++) {
        for (size_t i = g->start[group]; i < g->start[group + 1] && group % FOLDS != fold; i++, kept++) {
            memcpy(g->table + kept * space.reduced, g->reduced + g->order[i] * space.reduced,
                   space.reduced * sizeof *g->table);
            g->mark[kept] = group;
        }
    }
    mewl_status status = learn_shape(&space, g->table, g->mark, kept, err);
    for (size_t group = fold; group < g->groups && status == MEWL_OK; group += FOLDS) {
        status = score_infant(g, &space, group, err);
    }
    mewl_population_fini(&space);
    return status;
}

/* Scores of one infant stand together: folds mix them up no further than whole infants. */
static mewl_status gather(gathering *g, mewl_error *err)
{
    size_t values = g->rows * g->out->reduced;
    g->table = malloc(2 * values * sizeof *g->table);
    g->number = malloc(2 * g->rows * sizeof *g->number);
    mewl_status status = MEWL_OK;
    if (g->table == NULL || g->number == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for calibration scores of %zu recordings", g->rows);
    } else {
        g->own = g->table + values;
        g->mark = g->number + g->rows;
    }
    for (size_t fold = 0; fold < FOLDS && status == MEWL_OK; fold++) {
        status = score_fold(g, fold, err);
    }
    free(g->table);
    free(g->number);
    return status;
}

static mewl_status learn(mewl_population *out, double *wide, const size_t *infant, const size_t *session, size_t rows,
                         mewl_population_opts opts, mewl_error *err)
{
    MEWL_TRY(mewl_pca_fit(&out->pca, wide, rows, out->dims, opts.reduced, opts.space == MEWL_SPACE_WHITENED, err));
    out->reduced = out->pca.components;
    double *reduced = malloc(2 * rows * out->reduced * sizeof *reduced);
    size_t *order = malloc((2 * rows + 1) * sizeof *order);
    mewl_status status = MEWL_OK;
    if (reduced == NULL || order == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a population of %zu recordings", rows);
    } else {
        double *copy = reduced + rows * out->reduced;
        gathering g = {
            .out = out, .reduced = reduced, .infant = infant, .session = session, .rows = rows, .opts = opts};
        g.order = order;
        g.start = order + rows;
        g.groups = mewl_table_order_groups(order, order + rows, infant, rows);
        out->infants = g.groups;
        mewl_pca_apply(&out->pca, reduced, wide, rows);
        memcpy(copy, reduced, rows * out->reduced * sizeof *copy);
        status = g.groups < 2 ? mewl_error_set(err, MEWL_E_EMPTY, "a population needs two infants at least")
                              : learn_shape(out, copy, infant, rows, err);
        if (status == MEWL_OK && opts.kinds != 0) {
            status = gather(&g, err);
        }
    }
    free(reduced);
    free(order);
    return status;
}

mewl_status mewl_population_fit(mewl_population *out, const float *x, const size_t *infant, const size_t *session,
                                size_t rows, size_t dims, mewl_population_opts opts, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    opts.reduced = opts.reduced == 0 ? REDUCED : opts.reduced;
    opts.min_sessions = opts.min_sessions == 0 ? MIN_SESSIONS : opts.min_sessions;
    if (opts.space > MEWL_SPACE_PLAIN || opts.reduced > MEWL_PLDA_DIMS_MAX || opts.min_sessions < 2) {
        return mewl_error_set(err, MEWL_E_ARG, "population: space %d of %zu, %zu sessions", (int)opts.space,
                              opts.reduced, opts.min_sessions);
    }
    if (rows == 0 || dims == 0 || dims > MEWL_LEARN_DIMS_MAX || rows > MEWL_LEARN_VALUES_MAX / dims) {
        return mewl_error_set(err, rows == 0 || dims == 0 ? MEWL_E_EMPTY : MEWL_E_MEMORY,
                              "population of %zu recordings of %zu numbers", rows, dims);
    }
    double *wide = malloc(rows * dims * sizeof *wide);
    if (wide == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a population of %zu recordings", rows);
    }
    mewl_table_widen(wide, x, rows * dims);
    mewl_table_normalise(wide, rows, dims);
    out->dims = dims;
    out->space = opts.space;
    mewl_status status = mewl_table_check(wide, rows, dims, "population", err);
    if (status == MEWL_OK) {
        status = learn(out, wide, infant, session, rows, opts, err);
    }
    free(wide);
    if (status != MEWL_OK) {
        mewl_population_fini(out);
    }
    return status;
}

void mewl_population_save(const mewl_population *population, mewl_buffer *out)
{
    mewl_bytes_put_head(out, "POPU", 1);
    mewl_bytes_put_u64(out, population->dims);
    mewl_bytes_put_u64(out, population->reduced);
    mewl_bytes_put_u32(out, (uint32_t)population->space);
    mewl_bytes_put_u64(out, population->infants);
    mewl_bytes_put_u32(out, population->plda.dims > 0 ? 1 : 0);
    mewl_pca_save(&population->pca, out);
    if (population->space == MEWL_SPACE_WITHIN) {
        mewl_bytes_put_f64s(out, population->shape, population->reduced * population->reduced);
    }
    mewl_bytes_put_f64s(out, population->within, population->reduced * population->reduced);
    if (population->plda.dims > 0) {
        mewl_plda_save(&population->plda, out);
    }
    for (size_t k = 0; k < MEWL_PERSONAL_KINDS; k++) {
        const mewl_population_scores *s = &population->scores[k];
        mewl_bytes_put_u64(out, s->sessions);
        mewl_bytes_put_f64s(out, s->score, s->sessions);
        for (size_t i = 0; i < s->sessions; i++) {
            mewl_bytes_put_u32(out, s->infant[i]);
        }
    }
}

static mewl_status read_scores(mewl_population_scores *s, mewl_bytes *in, mewl_error *err)
{
    MEWL_TRY(mewl_bytes_get_count(in, &s->sessions, 0, MEWL_POPULATION_SCORES_MAX, "the number of scores", err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &s->score, s->sessions, err));
    s->infant = malloc(s->sessions * sizeof *s->infant + 1);
    if (s->infant == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory for %zu scores", in->name, s->sessions);
    }
    for (size_t i = 0; i < s->sessions; i++) {
        MEWL_TRY(mewl_bytes_get_u32(in, &s->infant[i], err));
    }
    return MEWL_OK;
}

static mewl_status read_population(mewl_population *p, mewl_bytes *in, mewl_error *err)
{
    uint32_t space = 0;
    uint32_t plda = 0;
    MEWL_TRY(mewl_bytes_get_head(in, NULL, "POPU", 1, err));
    MEWL_TRY(mewl_bytes_get_count(in, &p->dims, 1, MEWL_LEARN_DIMS_MAX, "the number of columns", err));
    MEWL_TRY(mewl_bytes_get_count(in, &p->reduced, 1, MEWL_PLDA_DIMS_MAX, "the size of the space", err));
    MEWL_TRY(mewl_bytes_get_u32(in, &space, err));
    MEWL_TRY(mewl_bytes_get_count(in, &p->infants, 2, SIZE_MAX, "the number of infants", err));
    MEWL_TRY(mewl_bytes_get_u32(in, &plda, err));
    MEWL_TRY(mewl_pca_load(&p->pca, in, err));
    if (space > MEWL_SPACE_PLAIN || p->pca.dims != p->dims || p->pca.components != p->reduced) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a population whose parts do not fit together", in->name);
    }
    p->space = (mewl_population_space)space;
    size_t square = p->reduced * p->reduced;
    if (p->space == MEWL_SPACE_WITHIN) {
        MEWL_TRY(mewl_bytes_get_f64s(in, &p->shape, square, err));
        for (size_t j = 0; j < p->reduced; j++) {
            if (!(p->shape[j * p->reduced + j] > 0)) {
                return mewl_error_set(err, MEWL_E_FORMAT, "%s: no factor of a covariance", in->name);
            }
        }
    }
    MEWL_TRY(mewl_bytes_get_f64s(in, &p->within, square, err));
    if (plda != 0) {
        MEWL_TRY(mewl_plda_load(&p->plda, in, err));
        if (p->plda.dims != p->reduced) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: a population whose parts do not fit together", in->name);
        }
    }
    for (size_t k = 0; k < MEWL_PERSONAL_KINDS; k++) {
        MEWL_TRY(read_scores(&p->scores[k], in, err));
    }
    return MEWL_OK;
}

mewl_status mewl_population_load(mewl_population *out, mewl_bytes *in, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    mewl_status status = read_population(out, in, err);
    if (status != MEWL_OK) {
        mewl_population_fini(out);
    }
    return status;
}

mewl_status mewl_population_copy(mewl_population *out, const mewl_population *from, mewl_error *err)
{
    mewl_buffer bytes;
    memset(out, 0, sizeof *out);
    mewl_buffer_init(&bytes, MEWL_POPULATION_BYTES_MAX);
    mewl_population_save(from, &bytes);
    mewl_bytes in = {.data = (const unsigned char *)bytes.data, .size = bytes.size, .name = "population"};
    /* Through bytes: one way to write a population is enough. */
    const mewl_status status = bytes.failed ? mewl_error_set(err, MEWL_E_MEMORY, "no memory for a population")
                                            : mewl_population_load(out, &in, err);
    mewl_buffer_fini(&bytes);
    return status;
}

bool mewl_population_equal(const mewl_population *a, const mewl_population *b)
{
    const bool has_a = a != NULL && a->dims > 0;
    const bool has_b = b != NULL && b->dims > 0;
    if (!has_a || !has_b) {
        return has_a == has_b;
    }
    mewl_buffer one;
    mewl_buffer two;
    mewl_buffer_init(&one, MEWL_POPULATION_BYTES_MAX);
    mewl_buffer_init(&two, MEWL_POPULATION_BYTES_MAX);
    mewl_population_save(a, &one);
    mewl_population_save(b, &two);
    const bool equal = !one.failed && !two.failed && one.size == two.size && memcmp(one.data, two.data, one.size) == 0;
    mewl_buffer_fini(&one);
    mewl_buffer_fini(&two);
    return equal;
}
