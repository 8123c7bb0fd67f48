#include "infant/personal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infant/autoencoder.h"
#include "infant/population.h"
#include "learn/covariance.h"
#include "learn/knn.h"
#include "learn/svm.h"

#define AE_RATE 2e-3
#define AE_UPDATE_EPOCHS 5
#define HELD_OUT 4 /* every fourth session, for the choice of components */

/* Only what the kind needs is filled. */
struct mewl_personal {
    mewl_personal_kind kind;
    mewl_personal_opts opts;
    size_t dims, rows;
    mewl__autoencoder *autoencoder;
    mewl_oneclass oneclass;
    mewl_gmm gmm;
    mewl_knn knn;
    mewl_mahalanobis mahalanobis;
    mewl_plda plda;
    double *centre;  /* [dims], PLDA: mean of u */
    double weight;   /* Mahalanobis, PLDA: sessions behind the centre */
    double *scratch; /* [dims] */
    double *row;     /* autoencoder: [rows x dims], what it learned from */
};

const char *mewl_personal_name(mewl_personal_kind kind)
{
    static const char *const names[] = {
#define X(id, name) name,
        MEWL_PERSONAL_ROWS(X)
#undef X
    };
    return (size_t)kind < MEWL_PERSONAL_KINDS ? names[kind] : NULL;
}

bool mewl_personal_find(mewl_personal_kind *kind, const char *name)
{
    for (size_t k = 0; k < MEWL_PERSONAL_KINDS; k++) {
        if (strcmp(mewl_personal_name((mewl_personal_kind)k), name) == 0) {
            *kind = (mewl_personal_kind)k;
            return true;
        }
    }
    return false;
}

void mewl_personal_free(mewl_personal *model)
{
    if (model == NULL) {
        return;
    }
    mewl__autoencoder_free(model->autoencoder);
    mewl_oneclass_fini(&model->oneclass);
    mewl_gmm_fini(&model->gmm);
    mewl_knn_fini(&model->knn);
    mewl_mahalanobis_fini(&model->mahalanobis);
    mewl_plda_fini(&model->plda);
    free(model->centre);
    free(model->scratch);
    free(model->row);
    free(model);
}

static void fill_defaults(mewl_personal_opts *opts)
{
    opts->nu = opts->nu == 0 ? 0.1 : opts->nu;
    opts->neighbours = opts->neighbours == 0 ? 3 : opts->neighbours;
    opts->components_max = opts->components_max == 0 ? 5 : opts->components_max;
    opts->shrinkage = opts->shrinkage == 0 ? 0.5 : opts->shrinkage;
    opts->epochs = opts->epochs == 0 ? 150 : opts->epochs;
}

static mewl_status check_options(const mewl_personal_opts *opts, mewl_error *err)
{
    if (!(opts->nu > 0) || opts->nu > 1 || !(opts->gamma >= 0) || !isfinite(opts->gamma) ||
        opts->neighbours > MEWL_KNN_K_MAX || opts->components_max > MEWL_GMM_COMPONENTS_MAX ||
        opts->covariance > MEWL_GMM_DIAGONAL || !(opts->shrinkage > 0) || opts->shrinkage > 1 ||
        opts->epochs > 100000) {
        return mewl_error_set(err, MEWL_E_ARG,
                              "personal model: nu %g, gamma %g, %zu neighbours, %zu components, shrinkage %g", opts->nu,
                              opts->gamma, opts->neighbours, opts->components_max, opts->shrinkage);
    }
    return MEWL_OK;
}

/* Every session weighs the same in the centre, however many recordings it has. Returns the number of sessions. */
static double find_centre(double *centre, const double *x, const size_t *session, size_t rows, size_t dims)
{
    memset(centre, 0, dims * sizeof *centre);
    double sessions = 0;
    for (size_t i = 0; i < rows; i++) {
        double mates = 0;
        bool first = true;
        for (size_t k = 0; k < rows; k++) {
            bool mate = session == NULL ? k == i : session[k] == session[i];
            mates += mate ? 1 : 0;
            first = first && !(mate && k < i);
        }
        sessions += first ? 1 : 0;
        for (size_t j = 0; j < dims; j++) {
            centre[j] += x[i * dims + j] / mates;
        }
    }
    for (size_t j = 0; j < dims; j++) {
        centre[j] /= sessions;
    }
    return sessions;
}

static mewl_status fit_mahalanobis(mewl_personal *m, const double *x, const size_t *session, size_t rows,
                                   const mewl_population *population, mewl_error *err)
{
    m->weight = find_centre(m->scratch, x, session, rows, m->dims);
    if (population != NULL) {
        return mewl_mahalanobis_init(&m->mahalanobis, m->scratch, population->within, m->dims, err);
    }
    double *covariance = malloc(m->dims * m->dims * sizeof *covariance);
    if (covariance == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a covariance of %zu columns", m->dims);
    }
    double *mean = m->centre;
    mewl_status status = mewl_ledoit_wolf(covariance, mean, NULL, x, rows, m->dims, err);
    for (size_t j = 0; j < m->dims; j++) {
        covariance[j * m->dims + j] += 1e-9; /* rows that are all the same still have a distance */
    }
    if (status == MEWL_OK) {
        status = mewl_mahalanobis_init(&m->mahalanobis, m->scratch, covariance, m->dims, err);
    }
    free(covariance);
    return status;
}

static mewl_status fit_plda(mewl_personal *m, const double *x, const size_t *session, size_t rows,
                            const mewl_population *population, mewl_error *err)
{
    if (population == NULL || population->plda.dims != m->dims) {
        return mewl_error_set(err, MEWL_E_ARG, "discriminant analysis needs a population of other infants");
    }
    const mewl_plda *p = &population->plda;
    m->plda = (mewl_plda){.dims = p->dims};
    m->plda.mean = malloc(p->dims * sizeof *p->mean);
    m->plda.basis = malloc(p->dims * p->dims * sizeof *p->basis);
    m->plda.between = malloc(p->dims * sizeof *p->between);
    if (m->plda.mean == NULL || m->plda.basis == NULL || m->plda.between == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a discriminant analysis");
    }
    memcpy(m->plda.mean, p->mean, p->dims * sizeof *p->mean);
    memcpy(m->plda.basis, p->basis, p->dims * p->dims * sizeof *p->basis);
    memcpy(m->plda.between, p->between, p->dims * sizeof *p->between);
    m->weight = find_centre(m->scratch, x, session, rows, m->dims);
    mewl_plda_project(&m->plda, m->centre, m->scratch); /* linear: u of the mean is the mean of u */
    return MEWL_OK;
}

/* The number of components by BIC on every fourth session, learned from the rest; then all rows. */
static mewl_status fit_gmm(mewl_personal *m, const double *x, const size_t *session, size_t rows, mewl_error *err)
{
    double *part = malloc(rows * m->dims * sizeof *part);
    if (part == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a mixture of %zu rows", rows);
    }
    size_t learning = 0;
    size_t held = 0;
    size_t number = 0; /* of the session, by first appearance: rows of one stand together */
    for (size_t i = 0; i < rows; i++) {
        number += i > 0 && (session == NULL || session[i] != session[i - 1]) ? 1 : 0;
        size_t place = number % HELD_OUT == HELD_OUT - 1 ? rows - ++held : learning++;
        memcpy(part + place * m->dims, x + i * m->dims, m->dims * sizeof *x);
    }
    mewl_gmm_opts opts = {.components = 2,
                          .covariance = m->opts.covariance,
                          .shrinkage = m->opts.shrinkage,
                          .reg_covar = 1e-5,
                          .seed = m->opts.seed};
    size_t best = 1;
    double best_bic = INFINITY;
    for (; opts.components <= m->opts.components_max && 2 * opts.components <= learning && held > 0;
         opts.components++) {
        mewl_gmm trial;
        if (mewl_gmm_fit(&trial, part, learning, m->dims, opts, NULL) != MEWL_OK) {
            break;
        }
        double bic = mewl_gmm_bic(&trial, part + (rows - held) * m->dims, held);
        best = bic < best_bic ? opts.components : best;
        best_bic = fmin(bic, best_bic);
        mewl_gmm_fini(&trial);
    }
    free(part);
    opts.components = best;
    return mewl_gmm_fit(&m->gmm, x, rows, m->dims, opts, err);
}

static mewl_status keep_rows(mewl_personal *m, const double *x, size_t rows, mewl_error *err)
{
    m->row = malloc(rows * m->dims * sizeof *m->row);
    if (m->row == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory to keep %zu rows", rows);
    }
    memcpy(m->row, x, rows * m->dims * sizeof *x);
    return MEWL_OK;
}

static mewl_status fit_kind(mewl_personal *m, const double *x, const size_t *session, size_t rows,
                            const mewl_population *population, mewl_error *err)
{
    switch (m->kind) {
    case MEWL_PERSONAL_AUTOENCODER:
        MEWL_TRY(keep_rows(m, x, rows, err));
        MEWL_TRY(mewl__autoencoder_new(&m->autoencoder, m->dims, m->opts.seed, err));
        return mewl__autoencoder_train(m->autoencoder, x, rows, m->opts.epochs, AE_RATE, err);
    case MEWL_PERSONAL_ONECLASS:
        return mewl_oneclass_fit(&m->oneclass, x, rows, m->dims,
                                 (mewl_oneclass_opts){.nu = m->opts.nu, .gamma = m->opts.gamma}, err);
    case MEWL_PERSONAL_GMM:
        return fit_gmm(m, x, session, rows, err);
    case MEWL_PERSONAL_KNN:
        return mewl_knn_fit(&m->knn, x, NULL, rows, m->dims, 0, MEWL_KNN_COSINE, err);
    case MEWL_PERSONAL_MAHALANOBIS:
        return fit_mahalanobis(m, x, session, rows, population, err);
    default:
        return fit_plda(m, x, session, rows, population, err);
    }
}

static mewl_status check_rows(mewl_personal_kind kind, const double *x, size_t rows, size_t dims,
                              const mewl_population *population, mewl_error *err)
{
    MEWL_TRY(mewl_table_check(x, rows, dims, "personal model", err));
    bool one_is_enough = kind == MEWL_PERSONAL_KNN || kind == MEWL_PERSONAL_PLDA ||
                         (kind == MEWL_PERSONAL_MAHALANOBIS && population != NULL);
    if (rows < 2 && !one_is_enough) {
        return mewl_error_set(err, MEWL_E_EMPTY, "a model of the kind %s needs two recordings at least",
                              mewl_personal_name(kind));
    }
    if (rows > MEWL_PERSONAL_ROWS_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%zu recordings: a personal model learns from %zu at most", rows,
                              MEWL_PERSONAL_ROWS_MAX);
    }
    if (population != NULL && population->reduced != dims) {
        return mewl_error_set(err, MEWL_E_SHAPE, "rows of %zu numbers, but the population's space has %zu", dims,
                              population->reduced);
    }
    return MEWL_OK;
}

mewl_status mewl_personal_fit(mewl_personal **out, mewl_personal_kind kind, const double *x, const size_t *session,
                              size_t rows, size_t dims, const mewl_population *population, mewl_personal_opts opts,
                              mewl_error *err)
{
    *out = NULL;
    if ((size_t)kind >= MEWL_PERSONAL_KINDS) {
        return mewl_error_set(err, MEWL_E_ARG, "no personal model is of kind %d", (int)kind);
    }
    fill_defaults(&opts);
    MEWL_TRY(check_options(&opts, err));
    MEWL_TRY(check_rows(kind, x, rows, dims, population, err));
    mewl_personal *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a personal model");
    }
    *m = (mewl_personal){.kind = kind, .opts = opts, .dims = dims, .rows = rows};
    m->centre = calloc(dims, sizeof *m->centre);
    m->scratch = calloc(dims, sizeof *m->scratch);
    mewl_status status = m->centre == NULL || m->scratch == NULL
                             ? mewl_error_set(err, MEWL_E_MEMORY, "no memory for a personal model")
                             : fit_kind(m, x, session, rows, population, err);
    if (status != MEWL_OK) {
        mewl_personal_free(m);
        return status;
    }
    *out = m;
    return MEWL_OK;
}

double mewl_personal_score(mewl_personal *model, const double *x)
{
    switch (model->kind) {
    case MEWL_PERSONAL_AUTOENCODER:
        return mewl__autoencoder_score(model->autoencoder, x);
    case MEWL_PERSONAL_ONECLASS:
        /* In units of the offset, which grows with the number of rows: so that scores of infants with few and with many
         * recordings can be held beside one another. */
        return -mewl_oneclass_decision(&model->oneclass, x) / fmax(model->oneclass.rho, 1e-12);
    case MEWL_PERSONAL_GMM:
        return -mewl_gmm_log_likelihood(&model->gmm, x);
    case MEWL_PERSONAL_KNN:
        return mewl_knn_distance(&model->knn, x, model->opts.neighbours);
    case MEWL_PERSONAL_MAHALANOBIS:
        return mewl_mahalanobis_squared(&model->mahalanobis, x);
    default:
        mewl_plda_project(&model->plda, model->scratch, x);
        return -mewl_plda_ratio(&model->plda, model->centre, model->weight, model->scratch);
    }
}

/* Puts one row behind the others; at their maximum the first leaves. */
static mewl_status append_row(double **rows, size_t *count, const double *x, size_t dims, mewl_error *err)
{
    if (*count == MEWL_PERSONAL_ROWS_MAX) {
        memmove(*rows, *rows + dims, (*count - 1) * dims * sizeof **rows);
        --*count;
    } else {
        double *wider = realloc(*rows, (*count + 1) * dims * sizeof **rows);
        if (wider == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for one more recording");
        }
        *rows = wider;
    }
    memcpy(*rows + (*count)++ * dims, x, dims * sizeof *x);
    return MEWL_OK;
}

/* One step of stochastic EM on weights and means; covariances stay. */
static void update_gmm(mewl_gmm *g, const double *x, double n)
{
    double share[MEWL_GMM_COMPONENTS_MAX];
    mewl_gmm_responsibilities(g, share, x);
    for (size_t k = 0; k < g->components; k++) {
        double weight = (n * g->weight[k] + share[k]) / (n + 1);
        for (size_t j = 0; j < g->dims && share[k] > 0; j++) {
            double *mean = &g->mean[k * g->dims + j];
            *mean += share[k] / ((n + 1) * weight) * (x[j] - *mean);
        }
        g->weight[k] = weight;
    }
}

static mewl_status update_kind(mewl_personal *m, const double *x, mewl_error *err)
{
    switch (m->kind) {
    case MEWL_PERSONAL_AUTOENCODER: {
        size_t rows = m->rows;
        MEWL_TRY(append_row(&m->row, &rows, x, m->dims, err));
        return mewl__autoencoder_train(m->autoencoder, m->row, rows, AE_UPDATE_EPOCHS, AE_RATE / 4, err);
    }
    case MEWL_PERSONAL_GMM:
        update_gmm(&m->gmm, x, (double)m->rows);
        return MEWL_OK;
    case MEWL_PERSONAL_KNN:
        MEWL_TRY(append_row(&m->knn.row, &m->knn.rows, x, m->dims, err));
        mewl_table_normalise(m->knn.row + (m->knn.rows - 1) * m->dims, 1, m->dims);
        return MEWL_OK;
    case MEWL_PERSONAL_MAHALANOBIS:
        m->weight++;
        for (size_t j = 0; j < m->dims; j++) {
            m->mahalanobis.mean[j] += (x[j] - m->mahalanobis.mean[j]) / m->weight;
        }
        return MEWL_OK;
    case MEWL_PERSONAL_PLDA:
        m->weight++;
        mewl_plda_project(&m->plda, m->scratch, x);
        for (size_t j = 0; j < m->dims; j++) {
            m->centre[j] += (m->scratch[j] - m->centre[j]) / m->weight;
        }
        return MEWL_OK;
    default:
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "a one-class machine learns all rows at once");
    }
}

mewl_status mewl_personal_update(mewl_personal *model, const double *x, mewl_error *err)
{
    MEWL_TRY(mewl_table_check(x, 1, model->dims, "personal model", err));
    MEWL_TRY(update_kind(model, x, err));
    model->rows += model->rows < MEWL_PERSONAL_ROWS_MAX ? 1 : 0;
    return MEWL_OK;
}

mewl_personal_kind mewl_personal_kind_of(const mewl_personal *model)
{
    return model->kind;
}

size_t mewl_personal_dims(const mewl_personal *model)
{
    return model->dims;
}

size_t mewl_personal_rows(const mewl_personal *model)
{
    return model->rows;
}

size_t mewl_personal_components(const mewl_personal *model)
{
    return model->gmm.components;
}

mewl_status mewl_personal_save(mewl_personal *model, mewl_buffer *out, mewl_error *err)
{
    mewl_bytes_put_head(out, "PERS", 1);
    mewl_bytes_put_u32(out, (uint32_t)model->kind);
    mewl_bytes_put_u64(out, model->dims);
    mewl_bytes_put_u64(out, model->rows);
    mewl_bytes_put_f64(out, model->opts.nu);
    mewl_bytes_put_f64(out, model->opts.gamma);
    mewl_bytes_put_u64(out, model->opts.neighbours);
    mewl_bytes_put_u64(out, model->opts.components_max);
    mewl_bytes_put_u32(out, (uint32_t)model->opts.covariance);
    mewl_bytes_put_f64(out, model->opts.shrinkage);
    mewl_bytes_put_u64(out, model->opts.epochs);
    mewl_bytes_put_u64(out, model->opts.seed);
    mewl_bytes_put_f64(out, model->weight);
    mewl_bytes_put_f64s(out, model->centre, model->dims);
    switch (model->kind) {
    case MEWL_PERSONAL_AUTOENCODER:
        mewl_bytes_put_f64s(out, model->row, model->rows * model->dims);
        mewl__autoencoder_save(model->autoencoder, out);
        break;
    case MEWL_PERSONAL_ONECLASS:
        mewl_oneclass_save(&model->oneclass, out);
        break;
    case MEWL_PERSONAL_GMM:
        mewl_gmm_save(&model->gmm, out);
        break;
    case MEWL_PERSONAL_KNN:
        mewl_knn_save(&model->knn, out);
        break;
    case MEWL_PERSONAL_MAHALANOBIS:
        mewl_mahalanobis_save(&model->mahalanobis, out);
        break;
    default:
        mewl_plda_save(&model->plda, out);
        break;
    }
    return out->failed ? mewl_error_set(err, MEWL_E_MEMORY, "no memory to write a personal model") : MEWL_OK;
}

static mewl_status read_kind(mewl_personal *m, mewl_bytes *in, mewl_error *err)
{
    switch (m->kind) {
    case MEWL_PERSONAL_AUTOENCODER: {
        double *rows = NULL;
        MEWL_TRY(mewl_bytes_get_f64s(in, &rows, m->rows * m->dims, err));
        mewl_status status = keep_rows(m, rows, m->rows, err);
        free(rows);
        MEWL_TRY(status);
        return mewl__autoencoder_load(&m->autoencoder, in, err);
    }
    case MEWL_PERSONAL_ONECLASS:
        return mewl_oneclass_load(&m->oneclass, in, err);
    case MEWL_PERSONAL_GMM:
        return mewl_gmm_load(&m->gmm, in, err);
    case MEWL_PERSONAL_KNN:
        return mewl_knn_load(&m->knn, in, err);
    case MEWL_PERSONAL_MAHALANOBIS:
        return mewl_mahalanobis_load(&m->mahalanobis, in, err);
    default:
        return mewl_plda_load(&m->plda, in, err);
    }
}

/* Dimensions of the part that was read, which must be the model's. */
static size_t part_dims(const mewl_personal *m)
{
    switch (m->kind) {
    case MEWL_PERSONAL_AUTOENCODER:
        return mewl__autoencoder_dims(m->autoencoder);
    case MEWL_PERSONAL_ONECLASS:
        return m->oneclass.dims;
    case MEWL_PERSONAL_GMM:
        return m->gmm.dims;
    case MEWL_PERSONAL_KNN:
        return m->knn.metric == MEWL_KNN_COSINE && m->knn.rows <= MEWL_PERSONAL_ROWS_MAX ? m->knn.dims : 0;
    case MEWL_PERSONAL_MAHALANOBIS:
        return m->mahalanobis.dims;
    default:
        return m->plda.dims;
    }
}

static mewl_status read_personal(mewl_personal *m, mewl_bytes *in, mewl_error *err)
{
    uint32_t kind = 0;
    uint32_t covariance = 0;
    MEWL_TRY(mewl_bytes_get_head(in, NULL, "PERS", 1, err));
    MEWL_TRY(mewl_bytes_get_u32(in, &kind, err));
    MEWL_TRY(mewl_bytes_get_count(in, &m->dims, 1, MEWL_LEARN_DIMS_MAX, "the number of columns", err));
    MEWL_TRY(mewl_bytes_get_count(in, &m->rows, 1, MEWL_PERSONAL_ROWS_MAX, "the number of rows", err));
    MEWL_TRY(mewl_bytes_get_f64(in, &m->opts.nu, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &m->opts.gamma, err));
    MEWL_TRY(mewl_bytes_get_count(in, &m->opts.neighbours, 1, MEWL_KNN_K_MAX, "the number of neighbours", err));
    MEWL_TRY(mewl_bytes_get_count(in, &m->opts.components_max, 1, MEWL_GMM_COMPONENTS_MAX, "components", err));
    MEWL_TRY(mewl_bytes_get_u32(in, &covariance, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &m->opts.shrinkage, err));
    MEWL_TRY(mewl_bytes_get_count(in, &m->opts.epochs, 1, 100000, "the number of epochs", err));
    MEWL_TRY(mewl_bytes_get_u64(in, &m->opts.seed, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &m->weight, err));
    if (kind >= MEWL_PERSONAL_KINDS || covariance > MEWL_GMM_DIAGONAL || !(m->weight >= 0)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: no personal model has these settings", in->name);
    }
    m->kind = (mewl_personal_kind)kind;
    m->opts.covariance = (mewl_gmm_covariance)covariance;
    MEWL_TRY(check_options(&m->opts, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &m->centre, m->dims, err));
    MEWL_TRY(read_kind(m, in, err));
    if (part_dims(m) != m->dims) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a model of %zu columns inside one of %zu", in->name,
                              part_dims(m), m->dims);
    }
    return MEWL_OK;
}

mewl_status mewl_personal_load(mewl_personal **out, mewl_bytes *in, mewl_error *err)
{
    *out = NULL;
    mewl_personal *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory", in->name);
    }
    mewl_status status = read_personal(m, in, err);
    if (status == MEWL_OK) {
        m->scratch = calloc(m->dims, sizeof *m->scratch);
        status = m->scratch != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "%s: no memory", in->name);
    }
    if (status != MEWL_OK) {
        mewl_personal_free(m);
        return status;
    }
    *out = m;
    return MEWL_OK;
}
