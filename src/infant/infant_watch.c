/* infant_watch.c - an infant's slow figures: the score and the measures for change, the surroundings for a new
 * microphone that would explain it. */
#include <math.h>

#include "infant/infant_private.h"

#define ROOM_CAUTION 4
#define GUARD_DAYS 4.0     /* before a change is told: it began in these, most likely (change.h: guard_days) */
#define USUAL_SPREAD 1.645 /* a measure within so many standard deviations is usual: nine in ten are */
#define USUAL_MEAN 0.5     /* and so many is what the mean of a run of usual ones may be off by */

static double mean_or_nan(double sum, size_t count)
{
    return count > 0 ? sum / (double)count : NAN;
}

void mewl__infant_restart_watch(mewl_infant *infant)
{
    for (size_t k = 0; k <= infant->opts.measures; k++) {
        mewl_change_restart(infant->channel[k]);
    }
    for (size_t k = 0; k < infant->opts.surroundings; k++) {
        mewl_change_restart(infant->room[k]);
    }
}

/* Surroundings: an alarm of any, and the strongest evidence whether it sufficed or not. */
static mewl_status watch_room(mewl_infant *infant, double *evidence, bool *alarm, double run, double day,
                              const mewl__running *running, mewl_error *err)
{
    *evidence = -INFINITY;
    *alarm = false;
    for (size_t k = 0; k < infant->opts.surroundings; k++) {
        mewl_change_step step;
        mewl_change_set_run(infant->room[k], run);
        MEWL_TRY(mewl_change_push(infant->room[k], &step, day,
                                  mean_or_nan(running->surrounding_sum[k], running->surrounded[k]), err));
        *alarm = *alarm || step.alarm;
        *evidence = fmax(*evidence, step.log_detector);
    }
    return MEWL_OK;
}

mewl_status mewl__infant_watch(mewl_infant *infant, mewl__watched *out, double time_s, double score,
                               const mewl__running *running, mewl_error *err)
{
    *out = (mewl__watched){.channel = -1, .evidence = -INFINITY, .z = NAN, .step = {.z = NAN}};
    double day = time_s / MEWL__DAY_S;
    double sessions = fmax(2, infant->opts.false_alarm_days * mewl__infant_rate(infant));
    bool room_alarm = false;
    /* Each of several detectors may alarm: they share the rate that was asked for. A microphone found by mistake costs
     * the family what was known of the infant, so it takes four times the evidence; as an explanation it takes less. */
    double room_run = ROOM_CAUTION * sessions * (double)infant->opts.surroundings;
    MEWL_TRY(watch_room(infant, &out->device_evidence, &room_alarm, room_run, day, running, err));
    double run = sessions * (double)(1 + infant->opts.measures);
    for (size_t k = 0; k <= infant->opts.measures; k++) {
        mewl_change_step step;
        double value = k == 0 ? score : mean_or_nan(running->measure_sum[k - 1], running->measured[k - 1]);
        out->value[k] = value;
        mewl_change_set_run(infant->channel[k], run);
        MEWL_TRY(mewl_change_push(infant->channel[k], &step, day, value, err));
        if (step.alarm && step.log_detector > out->evidence) {
            out->channel = (int)k;
            out->evidence = step.log_detector;
            out->step = step;
        }
        if (k == 0) {
            out->z = step.z;
            out->log_martingale = step.log_martingale;
        }
        infant->lifetime_alarm = infant->lifetime_alarm || step.lifetime_alarm;
    }
    /* A change of the voice is laid to new surroundings when these show a quarter of what would be an alarm of theirs
     * without that caution: both at once are seldom chance. */
    out->device = room_alarm || (out->channel >= 0 && out->device_evidence >= log(room_run / (4 * ROOM_CAUTION)));
    return MEWL_OK;
}

void mewl__infant_start_rebase(mewl_infant *infant)
{
    infant->rebase_left = MEWL__REBASE_SESSIONS;
    infant->rebase_from = infant->sessions;
    infant->change_open = false;
    mewl__infant_restart_watch(infant);
}

static void open_change(mewl_infant *infant, const mewl__watched *watched, double time_s)
{
    infant->change_open = true;
    infant->open = (mewl__open){.channel = watched->channel,
                                .expected = watched->step.expected,
                                .spread = watched->step.spread,
                                .from_s = time_s - GUARD_DAYS * MEWL__DAY_S,
                                .run_from_s = NAN};
}

/* What was heard between the change and the way back is no part of what is usual: nothing is compared with it. */
static void close_change(mewl_infant *infant, mewl_entry *session)
{
    const mewl__open *o = &infant->open;
    for (size_t k = 0; k <= infant->opts.measures && !isnan(o->from_s); k++) {
        mewl_change_cut(infant->channel[k], o->from_s / MEWL__DAY_S, o->run_from_s / MEWL__DAY_S);
    }
    infant->change_open = false;
    session->over = true;
    session->channel = o->channel;
}

/* Whether the open change has gone, by the measure it was told by. */
static void follow_change(mewl_infant *infant, mewl_entry *session, const mewl__watched *watched)
{
    mewl__open *o = &infant->open;
    bool by_score = o->channel == 0;
    double away = by_score ? 0 : watched->value[o->channel] - o->expected;
    if (isnan(away)) {
        return; /* not measured: speaks neither way */
    }
    bool usual = by_score ? session->p > infant->opts.normal_level : fabs(away) <= USUAL_SPREAD * o->spread;
    if (!usual) {
        o->usual_run = 0;
        o->run_sum = 0;
        return;
    }
    o->run_from_s = o->usual_run == 0 ? session->time_s : o->run_from_s;
    o->usual_run++;
    o->run_sum += away;
    if (o->usual_run >= MEWL__USUAL_AGAIN &&
        (by_score || fabs(o->run_sum) <= USUAL_MEAN * o->spread * (double)o->usual_run)) {
        close_change(infant, session);
    }
}

void mewl__infant_judge_change(mewl_infant *infant, mewl_entry *session, mewl_entry *entries, size_t *count,
                               const mewl__watched *watched)
{
    mewl_entry extra = *session;
    bool other_source = infant->source_known && infant->running.source != infant->source;
    infant->source = infant->running.source;
    infant->source_known = true;
    if (other_source || watched->device) {
        extra.kind = MEWL_ENTRY_DEVICE;
        extra.evidence = other_source ? 0 : watched->device_evidence;
        extra.over = infant->change_open; /* told: what was asked cannot be answered any more */
        extra.channel = infant->change_open ? infant->open.channel : -1;
        mewl__infant_start_rebase(infant);
        entries[(*count)++] = extra;
    } else if (watched->channel >= 0 && infant->rebase_left == 0 && !infant->change_open) {
        extra.kind = MEWL_ENTRY_CHANGE;
        extra.channel = watched->channel;
        extra.evidence = watched->evidence;
        extra.z = watched->step.z;
        open_change(infant, watched, session->time_s);
        entries[(*count)++] = extra;
    } else if (infant->change_open) {
        follow_change(infant, session, watched);
    }
    if (infant->rebase_left > 0) {
        session->kind = MEWL_ENTRY_ENROLLED;
    }
}
