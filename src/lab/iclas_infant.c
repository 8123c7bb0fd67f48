/* iclas_infant.c - one infant under one approach, one session left out at a time: p-values and figures. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "lab/iclas_private.h"
#include "lab/metrics.h"

const double mewl__iclas_levels[MEWL__ICLAS_LEVELS] = {0.01, 0.05, 0.1};

void mewl__figures_average(mewl__figures *mean, const mewl__figures *next)
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
    for (size_t k = 0; k < MEWL__ICLAS_LEVELS; k++) {
        mean->low[k] += (next->low[k] - mean->low[k]) / n;
        mean->smooth_low[k] += (next->smooth_low[k] - mean->smooth_low[k]) / n;
        mean->hits[k] += (next->hits[k] - mean->hits[k]) / n;
    }
}

mewl_status mewl__figures_fill(mewl__figures *out, const float *score, const bool *alarm, size_t normal, size_t count,
                               mewl_error *err)
{
    bool positive[MEWL__ICLAS_ROWS_MAX + MEWL__ICLAS_ANOMALIES_MAX];
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
    out->repeats = 1;
    out->normal = normal;
    out->anomalies = count - normal;
    out->valid = true;
    mewl_ranking_fini(&r);
    return MEWL_OK;
}

/* Scores and alarms of normal recordings, each by what was learned without its session. */
static mewl_status judge_normal(mewl__figures *out, float *score, bool *alarm, mewl__own *own, double level,
                                mewl_error *err)
{
    mewl_rng rng = mewl_rng_stream(own->panel->seed, 41);
    size_t filled = 0;
    for (size_t s = 0; s < own->sessions; s++) {
        mewl_conformal c;
        MEWL_TRY(mewl__own_calibrate(&c, own, own->sessions, s, err));
        MEWL_TRY(mewl__own_fit(own, own->sessions, s, 0, 0, err));
        for (size_t i = 0; i < own->count; i++) {
            if (own->session[i] != s) {
                continue;
            }
            double v = mewl__own_score(own, own->row[i]);
            score[filled] = (float)v;
            alarm[filled++] = mewl__own_p(&c, v, level).p <= level;
            double drawn = mewl_rng_unit(&rng);
            for (size_t k = 0; k < MEWL__ICLAS_LEVELS; k++) {
                mewl_p_value p = mewl__own_p(&c, v, mewl__iclas_levels[k]);
                out->low[k] += p.p <= mewl__iclas_levels[k] ? 1 : 0;
                out->smooth_low[k] += p.p - drawn * p.step <= mewl__iclas_levels[k] ? 1 : 0;
            }
        }
    }
    return MEWL_OK;
}

static mewl_status judge_anomalies(mewl__figures *out, float *score, bool *alarm, mewl__own *own, const size_t *rows,
                                   size_t count, double level, mewl_error *err)
{
    mewl_conformal c;
    MEWL_TRY(mewl__own_calibrate(&c, own, own->sessions, SIZE_MAX, err));
    MEWL_TRY(mewl__own_fit(own, own->sessions, SIZE_MAX, 0, 0, err));
    for (size_t i = 0; i < count; i++) {
        double v = mewl__own_score(own, rows[i]);
        score[i] = (float)v;
        alarm[i] = mewl__own_p(&c, v, level).p <= level;
        for (size_t k = 0; k < MEWL__ICLAS_LEVELS; k++) {
            out->hits[k] += mewl__own_p(&c, v, mewl__iclas_levels[k]).p <= mewl__iclas_levels[k] ? 1 : 0;
        }
    }
    return MEWL_OK;
}

mewl_status mewl__iclas_infant(mewl__figures *out, const mewl__cast *cast, const mewl__panel *panel, size_t identity,
                               const mewl_iclas_opts *opts, mewl_error *err)
{
    float score[MEWL__ICLAS_ROWS_MAX + MEWL__ICLAS_ANOMALIES_MAX];
    bool alarm[MEWL__ICLAS_ROWS_MAX + MEWL__ICLAS_ANOMALIES_MAX];
    size_t rows[MEWL__ICLAS_ANOMALIES_MAX];
    size_t alike = 0;
    mewl__own own;
    *out = (mewl__figures){0};
    size_t wanted = opts->anomalies < MEWL__ICLAS_ANOMALIES_MAX ? opts->anomalies : MEWL__ICLAS_ANOMALIES_MAX;
    size_t anomalies = mewl__cast_anomalies(cast, rows, &alike, identity, wanted, opts->seed);
    size_t kept = 0;
    for (size_t i = 0; i < anomalies; i++) {
        rows[kept] = rows[i];
        kept += panel->there == NULL || panel->there[rows[i]] ? 1 : 0;
    }
    anomalies = kept;
    MEWL_TRY(mewl__own_init(&own, cast, panel, identity, err));
    mewl_status status = MEWL_OK;
    out->sessions = own.sessions;
    if (anomalies > 0 && own.sessions >= 2) {
        status = judge_normal(out, score, alarm, &own, opts->level, err);
        status = status == MEWL_OK ? judge_anomalies(out, score + own.count, alarm + own.count, &own, rows, anomalies,
                                                     opts->level, err)
                                   : status;
        status =
            status == MEWL_OK ? mewl__figures_fill(out, score, alarm, own.count, own.count + anomalies, err) : status;
    }
    mewl__own_fini(&own);
    return status;
}
