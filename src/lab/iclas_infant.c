/* iclas_infant.c - one infant under one approach: scores, p-values, figures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infant/conformal.h"
#include "lab/iclas_private.h"
#include "lab/metrics.h"

#define QUICK_FOLDS 5 /* of the inner calibration of models that take long to learn */
#define ANOMALIES_MAX 1000

/* The infant's rows by session. */
typedef struct own {
    double *x;       /* [count x dims] */
    size_t *session; /* [count], 0, 1, ... */
    size_t count, sessions, dims;
    double *part;  /* work: [count x dims] */
    size_t *mark;  /* work: [count] */
    double *score; /* work: calibration scores [count] */
    size_t *start; /* work: [sessions + 1] */
    const mewl_population *population;
    mewl_personal_kind kind;
    uint64_t seed;
} own;

static void own_fini(own *o)
{
    free(o->x);
    free(o->session);
    free(o->part);
    free(o->score);
    free(o->start);
}

static mewl_status own_init(own *o, const mewl__cast *cast, const double *placed, size_t dims, size_t identity,
                            mewl_error *err)
{
    size_t n = cast->recordings[identity];
    n = n < MEWL__ICLAS_ROWS_MAX ? n : MEWL__ICLAS_ROWS_MAX;
    o->dims = dims;
    o->x = malloc(n * dims * sizeof *o->x);
    o->session = malloc(2 * n * sizeof *o->session);
    o->part = malloc(n * dims * sizeof *o->part);
    o->score = malloc(n * sizeof *o->score);
    o->start = malloc((n + 1) * sizeof *o->start);
    if (o->x == NULL || o->session == NULL || o->part == NULL || o->score == NULL || o->start == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu recordings", n);
    }
    o->mark = o->session + n;
    /* Session by session: those of one session stand together, as fitting expects. */
    for (size_t i = 0; i < cast->rows; i++) {
        if (cast->identity[i] != identity || cast->session[i] != i) {
            continue;
        }
        for (size_t k = 0; k < cast->rows && o->count < n; k++) {
            if (cast->identity[k] == identity && cast->session[k] == i) {
                memcpy(o->x + o->count * dims, placed + k * dims, dims * sizeof *o->x);
                o->session[o->count++] = o->sessions;
            }
        }
        o->sessions++;
    }
    return MEWL_OK;
}

/* A model of all sessions that are not in the fold(s) left out: `skip` one session, or session % folds == fold. */
static mewl_status fit_without(mewl_personal **model, own *o, size_t skip, size_t fold, size_t folds, mewl_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->count; i++) {
        if (o->session[i] != skip && (folds == 0 || o->session[i] % folds != fold)) {
            memcpy(o->part + kept * o->dims, o->x + i * o->dims, o->dims * sizeof *o->part);
            o->mark[kept++] = o->session[i];
        }
    }
    *model = NULL;
    return kept == 0 ? mewl_error_set(err, MEWL_E_EMPTY, "no session is left to learn from")
                     : mewl_personal_fit(model, o->kind, o->part, o->mark, kept, o->dims, o->population,
                                         (mewl_personal_opts){.seed = o->seed}, err);
}

/* Calibration scores of all sessions but `skip`, each from a model without it and without `skip`. */
static mewl_status calibrate(mewl_conformal *c, own *o, size_t skip, mewl_error *err)
{
    bool slow = o->kind == MEWL_PERSONAL_AUTOENCODER || o->kind == MEWL_PERSONAL_GMM;
    size_t folds = slow && o->sessions > QUICK_FOLDS ? QUICK_FOLDS : o->sessions;
    size_t filled = 0;
    size_t sessions = 0;
    for (size_t fold = 0; fold < folds; fold++) {
        mewl_personal *model = NULL;
        bool any = false;
        for (size_t s = fold; s < o->sessions; s += folds) {
            any = any || s != skip;
        }
        if (!any) {
            continue;
        }
        mewl_status status = fit_without(&model, o, skip, fold, folds, err);
        if (status == MEWL_E_EMPTY) {
            continue; /* too few others: this session cannot calibrate */
        }
        MEWL_TRY(status);
        for (size_t s = fold; s < o->sessions; s += folds) {
            if (s == skip) {
                continue;
            }
            o->start[sessions++] = filled;
            for (size_t i = 0; i < o->count; i++) {
                if (o->session[i] == s) {
                    o->score[filled++] = mewl_personal_score(model, o->x + i * o->dims);
                }
            }
        }
        mewl_personal_free(model);
    }
    o->start[sessions] = filled;
    *c = (mewl_conformal){.score = o->score, .start = o->start, .sessions = sessions};
    if (o->population != NULL) {
        const mewl_population_scores *p = &o->population->scores[o->kind];
        c->population = p->score;
        c->infant = p->infant;
        c->population_sessions = p->sessions;
    }
    return MEWL_OK;
}

/* Scores and alarms of normal recordings, each by what was learned without its session. */
static mewl_status judge_normal(float *score, bool *alarm, own *o, double level, mewl_error *err)
{
    size_t filled = 0;
    for (size_t s = 0; s < o->sessions; s++) {
        mewl_personal *model = NULL;
        mewl_conformal c;
        MEWL_TRY(calibrate(&c, o, s, err));
        MEWL_TRY(fit_without(&model, o, s, 0, 0, err));
        for (size_t i = 0; i < o->count; i++) {
            if (o->session[i] == s) {
                double v = mewl_personal_score(model, o->x + i * o->dims);
                score[filled] = (float)v;
                alarm[filled++] = mewl_conformal_recording(&c, v).p <= level;
            }
        }
        mewl_personal_free(model);
    }
    return MEWL_OK;
}

static mewl_status judge_anomalies(float *score, bool *alarm, own *o, const double *placed, const size_t *rows,
                                   size_t count, double level, mewl_error *err)
{
    mewl_personal *model = NULL;
    mewl_conformal c;
    MEWL_TRY(calibrate(&c, o, SIZE_MAX, err));
    MEWL_TRY(fit_without(&model, o, SIZE_MAX, 0, 0, err));
    for (size_t i = 0; i < count; i++) {
        double v = mewl_personal_score(model, placed + rows[i] * o->dims);
        score[i] = (float)v;
        alarm[i] = mewl_conformal_recording(&c, v).p <= level;
    }
    mewl_personal_free(model);
    return MEWL_OK;
}

static mewl_status fill_figures(mewl__figures *out, const float *score, const bool *alarm, size_t normal, size_t count,
                                mewl_error *err)
{
    bool positive[MEWL__ICLAS_ROWS_MAX + ANOMALIES_MAX];
    size_t hits = 0;
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        positive[i] = i >= normal;
        hits += positive[i] && alarm[i] ? 1 : 0;
        wrong += !positive[i] && alarm[i] ? 1 : 0;
    }
    mewl_ranking r;
    MEWL_TRY(mewl_ranking_init(&r, score, positive, count, err));
    mewl_confusion c = {.true_positive = hits,
                        .false_positive = wrong,
                        .true_negative = normal - wrong,
                        .false_negative = count - normal - hits};
    out->auc = mewl_ranking_roc_auc(&r, NULL);
    out->ap = mewl_ranking_average_precision(&r, NULL);
    out->f1 = mewl_confusion_f1(c);
    out->recall = mewl_confusion_recall(c);
    out->fpr = (double)wrong / (double)normal;
    out->false_positives = (double)wrong;
    out->repeats = 1;
    out->normal = normal;
    out->anomalies = count - normal;
    out->valid = true;
    mewl_ranking_fini(&r);
    return MEWL_OK;
}

mewl_status mewl__iclas_infant(mewl__figures *out, const mewl__cast *cast, const double *placed, size_t dims,
                               const mewl_population *population, mewl_personal_kind kind, size_t identity,
                               const mewl_iclas_opts *opts, mewl_error *err)
{
    *out = (mewl__figures){0};
    own o = {.population = population, .kind = kind, .seed = opts->seed};
    float score[MEWL__ICLAS_ROWS_MAX + ANOMALIES_MAX];
    bool alarm[MEWL__ICLAS_ROWS_MAX + ANOMALIES_MAX];
    size_t rows[ANOMALIES_MAX];
    size_t alike = 0;
    size_t wanted = opts->anomalies < ANOMALIES_MAX ? opts->anomalies : ANOMALIES_MAX;
    size_t anomalies = mewl__cast_anomalies(cast, rows, &alike, identity, wanted, opts->seed);
    mewl_status status = own_init(&o, cast, placed, dims, identity, err);
    out->sessions = o.sessions;
    if (status == MEWL_OK && anomalies > 0 && o.sessions >= 2) {
        status = judge_normal(score, alarm, &o, opts->level, err);
        status = status == MEWL_OK
                     ? judge_anomalies(score + o.count, alarm + o.count, &o, placed, rows, anomalies, opts->level, err)
                     : status;
        status = status == MEWL_OK ? fill_figures(out, score, alarm, o.count, o.count + anomalies, err) : status;
    }
    own_fini(&o);
    return status;
}
