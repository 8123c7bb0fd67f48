/* infant_watch.c - an infant's slow figures: the score and the measures for change, the surroundings for a new
 * microphone that would explain it. */
#include <math.h>

#include "infant/infant_private.h"

#define ROOM_CAUTION 4

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
    *out = (mewl__watched){.channel = -1, .evidence = -INFINITY, .z = NAN};
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
        mewl_change_set_run(infant->channel[k], run);
        MEWL_TRY(mewl_change_push(infant->channel[k], &step, day, value, err));
        if (step.alarm && step.log_detector > out->evidence) {
            out->channel = (int)k;
            out->evidence = step.log_detector;
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
