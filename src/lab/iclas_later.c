/* iclas_later.c - enrolled by its earliest sessions, tested strictly later: each session is scored by what was learned
 * from those before it, then learned too. */
#include <string.h>

#include "lab/iclas_private.h"

/* Scores gathered over sessions: normal ones, and per kind of positives. */
typedef struct gathered {
    float normal[MEWL__ICLAS_ROWS_MAX];
    bool normal_alarm[MEWL__ICLAS_ROWS_MAX];
    size_t normals;
    float score[1 + MEWL_ICLAS_ALTERED_MAX][MEWL__ICLAS_ANOMALIES_MAX];
    bool alarm[1 + MEWL_ICLAS_ALTERED_MAX][MEWL__ICLAS_ANOMALIES_MAX];
    size_t count[1 + MEWL_ICLAS_ALTERED_MAX];
} gathered;

static void put(gathered *g, size_t kind, const mewl__own *own, const mewl_conformal *c, size_t row, double level)
{
    if (g->count[kind] < MEWL__ICLAS_ANOMALIES_MAX) {
        double v = mewl__own_score(own, row);
        g->score[kind][g->count[kind]] = (float)v;
        g->alarm[kind][g->count[kind]++] = mewl__own_p(c, v, level).p <= level;
    }
}

/* One session, by a model of those before it. Others come in at random places among the sessions: number i stands
 * against session i % later, so that each is heard once and early models face as many as late ones. */
static mewl_status judge_session(gathered *g, mewl__rates *rates, mewl__own *own, size_t session, const size_t *other,
                                 size_t others, const mewl_iclas_opts *opts, mewl_error *err)
{
    mewl_conformal c;
    double sum = 0;
    double count = 0;
    MEWL_TRY(mewl__own_calibrate(&c, own, session, SIZE_MAX, err));
    MEWL_TRY(mewl__own_fit(own, session, SIZE_MAX, 0, 0, err));
    for (size_t i = 0; i < own->count; i++) {
        if (own->session[i] != session) {
            continue;
        }
        double v = mewl__own_score(own, own->row[i]);
        sum += v;
        count++;
        g->normal[g->normals] = (float)v;
        g->normal_alarm[g->normals++] = mewl__own_p(&c, v, opts->level).p <= opts->level;
        for (size_t k = 0; k < opts->altered_count; k++) {
            size_t row = opts->altered[k].row[own->row[i]];
            if (row != SIZE_MAX) {
                put(g, 1 + k, own, &c, row, opts->level);
            }
        }
    }
    size_t later = own->sessions - MEWL__LATER_FIRST;
    for (size_t i = session - MEWL__LATER_FIRST; i < others; i += later) {
        put(g, 0, own, &c, other[i], opts->level);
    }
    mewl__rates_pooled(rates, &c, sum / count);
    if (own->panel->kind == MEWL_PERSONAL_AUTOENCODER || own->panel->kind == MEWL_PERSONAL_GMM) {
        return MEWL_OK; /* learned too slowly to leave each session out */
    }
    mewl_conformal all; /* own->model and c's scores are lost */
    MEWL_TRY(mewl__own_calibrate(&all, own, session + 1, SIZE_MAX, err));
    if (all.sessions == session + 1) {
        mewl__rates_own(rates, &all);
    }
    return MEWL_OK;
}

mewl_status mewl__iclas_later(mewl__figures *list, mewl__rates *rates, const mewl__cast *cast, const mewl__panel *panel,
                              size_t identity, const mewl_iclas_opts *opts, mewl_error *err)
{
    static const mewl__figures none = {0};
    float score[MEWL__ICLAS_ROWS_MAX + MEWL__ICLAS_ANOMALIES_MAX];
    bool alarm[MEWL__ICLAS_ROWS_MAX + MEWL__ICLAS_ANOMALIES_MAX];
    size_t other[MEWL__ICLAS_ANOMALIES_MAX];
    size_t alike = 0;
    gathered g = {.normals = 0};
    mewl__own own;
    for (size_t k = 0; k <= opts->altered_count; k++) {
        list[k] = none;
    }
    size_t wanted = opts->anomalies < MEWL__ICLAS_ANOMALIES_MAX ? opts->anomalies : MEWL__ICLAS_ANOMALIES_MAX;
    (void)mewl__cast_anomalies(cast, other, &alike, identity, wanted, opts->seed);
    MEWL_TRY(mewl__own_init(&own, cast, panel, identity, err));
    mewl_status status = MEWL_OK;
    for (size_t s = MEWL__LATER_FIRST; s < own.sessions && status == MEWL_OK; s++) {
        status = judge_session(&g, rates, &own, s, other, alike, opts, err);
    }
    for (size_t k = 0; k <= opts->altered_count && status == MEWL_OK; k++) {
        if (g.count[k] == 0 || g.normals == 0) {
            continue;
        }
        memcpy(score, g.normal, g.normals * sizeof *score);
        memcpy(score + g.normals, g.score[k], g.count[k] * sizeof *score);
        memcpy(alarm, g.normal_alarm, g.normals * sizeof *alarm);
        memcpy(alarm + g.normals, g.alarm[k], g.count[k] * sizeof *alarm);
        list[k].sessions = own.sessions - MEWL__LATER_FIRST;
        status = mewl__figures_fill(&list[k], score, alarm, g.normals, g.normals + g.count[k], err);
    }
    mewl__own_fini(&own);
    return status;
}
