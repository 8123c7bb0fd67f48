/* infant_learn.c - an infant's buffer of sessions: what the model is learned from, what calibrates it, what is let go.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infant/infant_private.h"

/* Sessions a day that a level is worked out for at least. Over months in which nobody listened the true rate falls
 * towards nought, and with it the bar: at one alarm in 30 days every session would be told as unusual. */
#define LEAST_RATE (1.0 / 3)

#define FOLDS_MAX 5    /* where a model takes long to learn */
#define QUICK_DIMS 256 /* up to which a covariance is quick */

void mewl__session_fini(mewl__session *session)
{
    free(session->row);
    memset(session, 0, sizeof *session);
}

static void drop(mewl_infant *infant, size_t index)
{
    mewl__session_fini(&infant->list[index]);
    infant->count--;
    memmove(infant->list + index, infant->list + index + 1, (infant->count - index) * sizeof *infant->list);
    memset(&infant->list[infant->count], 0, sizeof *infant->list);
}

static bool learned_from(const mewl__session *s)
{
    return s->lane != MEWL__LANE_APART;
}

/* Sessions of the same use, and how many of those are of the present microphone. */
static size_t count_alike(const mewl_infant *infant, bool learned)
{
    size_t n = 0;
    for (size_t i = 0; i < infant->count; i++) {
        n += learned_from(&infant->list[i]) == learned ? 1 : 0;
    }
    return n;
}

void mewl__infant_forget(mewl_infant *infant)
{
    size_t fresh = 0;
    for (size_t i = 0; i < infant->count; i++) {
        fresh += infant->list[i].number >= infant->rebase_from && learned_from(&infant->list[i]) ? 1 : 0;
    }
    /* From the oldest on; a new microphone makes all before it useless as soon as there is enough after it. */
    for (size_t i = 0; i < infant->count;) {
        const mewl__session *s = &infant->list[i];
        bool learned = learned_from(s);
        size_t alike = count_alike(infant, learned);
        size_t most = learned ? infant->opts.learn_sessions : infant->opts.calibrate_sessions;
        bool old = infant->last_s - s->time_s > infant->opts.learn_days * MEWL__DAY_S && alike > MEWL__KEEP_LEAST;
        bool elsewhere = s->number < infant->rebase_from && fresh >= MEWL__REBASE_ENOUGH;
        if (old || elsewhere || alike > most) {
            drop(infant, i);
        } else {
            i++;
        }
    }
}

/* Rows and session numbers of what is learned from, but for sessions of fold `fold` of `folds` (SIZE_MAX: of none). */
static size_t gather(const mewl_infant *infant, double *x, size_t *session, size_t fold, size_t folds)
{
    size_t rows = 0;
    size_t number = 0;
    for (size_t i = 0; i < infant->count; i++) {
        const mewl__session *s = &infant->list[i];
        if (!learned_from(s) || number++ % folds == fold) {
            continue;
        }
        memcpy(x + rows * infant->space, s->row, s->count * infant->space * sizeof *x);
        for (size_t k = 0; k < s->count; k++) {
            session[rows++] = i;
        }
    }
    return rows;
}

static void score_session(const mewl_infant *infant, mewl__session *s, mewl_personal *model)
{
    s->scored = true;
    for (size_t k = 0; k < s->count; k++) {
        s->score[k] = mewl_personal_score(model, s->row + k * infant->space);
        s->scored = s->scored && fabs(s->score[k]) <= MEWL_PERSONAL_NUMBER_MAX;
    }
}

void mewl__infant_calibrate(mewl_infant *infant)
{
    size_t filled = 0;
    infant->calibrated = 0;
    for (size_t i = 0; i < infant->count; i++) {
        mewl__session *s = &infant->list[i];
        if (s->lane == MEWL__LANE_APART) {
            score_session(infant, s, infant->model);
        }
        if (s->lane == MEWL__LANE_LEARN || !s->scored) {
            continue;
        }
        infant->start[infant->calibrated++] = filled;
        memcpy(infant->score + filled, s->score, s->count * sizeof *s->score);
        filled += s->count;
    }
    infant->start[infant->calibrated] = filled;
}

/* Enrolled sessions are scored by models that have not seen them: each session left out in turn where that is quick,
 * else a fifth of them at a time. */
static mewl_status score_enrolled(mewl_infant *infant, double *x, size_t *session, mewl_error *err)
{
    size_t learned = count_alike(infant, true);
    mewl_personal_kind kind = infant->opts.kind;
    bool quick = kind == MEWL_PERSONAL_KNN ||
                 (infant->space <= QUICK_DIMS && (kind == MEWL_PERSONAL_MAHALANOBIS || kind == MEWL_PERSONAL_PLDA));
    size_t folds = quick || learned < FOLDS_MAX ? learned : FOLDS_MAX;
    for (size_t fold = 0; fold < folds; fold++) {
        size_t number = 0;
        size_t wanted = 0; /* enrolled sessions of this fold */
        for (size_t i = 0; i < infant->count; i++) {
            bool here = learned_from(&infant->list[i]) && number++ % folds == fold;
            wanted += here && infant->list[i].lane == MEWL__LANE_ENROLLED ? 1 : 0;
        }
        size_t rows = wanted > 0 ? gather(infant, x, session, fold, folds) : 0;
        mewl_personal *model = NULL;
        mewl_status status = rows == 0 ? MEWL_E_EMPTY
                                       : mewl_personal_fit(&model, kind, x, session, rows, infant->space,
                                                           infant->has_population ? &infant->population : NULL,
                                                           infant->opts.personal, err);
        if (status == MEWL_E_MEMORY) {
            return status;
        }
        number = 0;
        for (size_t i = 0; i < infant->count; i++) {
            mewl__session *s = &infant->list[i];
            bool here = learned_from(s) && number++ % folds == fold;
            if (here && s->lane == MEWL__LANE_ENROLLED && model == NULL) {
                s->scored = false; /* too few others to learn from */
            } else if (here && s->lane == MEWL__LANE_ENROLLED) {
                score_session(infant, s, model);
            }
        }
        mewl_personal_free(model);
    }
    return MEWL_OK;
}

mewl_status mewl__infant_refit(mewl_infant *infant, mewl_error *err)
{
    size_t room = 0;
    for (size_t i = 0; i < infant->count; i++) {
        room += infant->list[i].count;
    }
    double *x = malloc(room * infant->space * sizeof *x + 1);
    size_t *session = malloc(room * sizeof *session + 1);
    mewl_personal *model = NULL;
    mewl_status status = MEWL_OK;
    if (x == NULL || session == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory to learn from %zu recordings", room);
    } else {
        size_t rows = gather(infant, x, session, SIZE_MAX, 1);
        status = mewl_personal_fit(&model, infant->opts.kind, x, session, rows, infant->space,
                                   infant->has_population ? &infant->population : NULL, infant->opts.personal, err);
    }
    if (status == MEWL_OK) {
        status = score_enrolled(infant, x, session, err);
    }
    if (status == MEWL_OK) {
        mewl_personal_free(infant->model);
        infant->model = model;
        mewl__infant_calibrate(infant);
    } else {
        mewl_personal_free(model);
    }
    free(x);
    free(session);
    return status;
}

mewl_conformal mewl__infant_conformal(const mewl_infant *infant)
{
    mewl_conformal c = {.score = infant->score, .start = infant->start, .sessions = infant->calibrated};
    if (infant->has_population) {
        const mewl_population_scores *s = &infant->population.scores[infant->opts.kind];
        c.population = s->score;
        c.infant = s->infant;
        c.population_sessions = s->sessions;
    }
    return c;
}

double mewl__infant_rate(const mewl_infant *infant)
{
    double days = fmax(1, (infant->last_s - infant->first_s) / MEWL__DAY_S);
    return fmax((double)infant->sessions, 1) / days;
}

double mewl__infant_level(const mewl_infant *infant)
{
    return mewl_conformal_level(infant->opts.false_alarm_days, fmax(mewl__infant_rate(infant), LEAST_RATE));
}
