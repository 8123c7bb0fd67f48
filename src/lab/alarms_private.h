/* alarms_private.h - simulated infants as recordings for infant/, for the files alarms*.c alone. */
#ifndef MEWL_LAB_ALARMS_PRIVATE_H
#define MEWL_LAB_ALARMS_PRIVATE_H

#include "infant/infant.h"
#include "lab/alarms.h"
#include "synth/diary.h"
#include "voice/measure.h"

/* The measures, standardised, behind one constant number: embeddings are brought to length 1, and beside a constant
 * that keeps distances. */
#define MEWL__ALARMS_DIMS (1 + MEWL_VOICE_VECTOR_DIMS)
#define MEWL__ALARMS_CONSTANT 8.0
#define MEWL__ALARMS_ENROL_DAYS 14.0
#define MEWL__ALARMS_MEASURES 1
#define MEWL__ALARMS_SURROUNDINGS 2 /* SNR and level */

/* What all simulated infants are compared with. */
typedef struct mewl__world {
    double mean[MEWL_VOICE_VECTOR_DIMS], sd[MEWL_VOICE_VECTOR_DIMS];
    mewl_population population;
} mewl__world;

mewl_status mewl__world_make(mewl__world *world, uint64_t seed, mewl_error *err);
void mewl__world_fini(mewl__world *world);

/* One recording of a diary as infant/ takes it, pointing into itself. */
typedef struct mewl__heard {
    float embedding[MEWL__ALARMS_DIMS];
    double measures[MEWL__ALARMS_MEASURES], surroundings[MEWL__ALARMS_SURROUNDINGS];
    mewl_recording recording;
} mewl__heard;
void mewl__world_hear(const mewl__world *world, mewl__heard *out, const mewl_synth_recording *from);

/* What became of one infant. */
typedef struct mewl__fate {
    size_t sessions;      /* heard after enrolment, usable, nothing put in yet */
    size_t low[3];        /* of them with p at or below 0.01, 0.05, 0.1 */
    size_t smooth_low[3]; /* the same with the rank of p drawn, which makes it uniform */
    size_t late_sessions, late_low[3], late_smooth_low[3]; /* the same after `late_updates` */
    uint64_t updates;
    double days;                      /* heard after enrolment, before anything was put in */
    size_t unusual, changes, devices; /* entries in those days */
    bool lifetime_alarm;              /* before anything was put in */
    double delay_days;                /* from what was put in to the first change told; NaN: none within `horizon` */
    double unusual_delay_days;        /* to the first unusual session */
    double lifetime_delay_days;       /* to the lifetime alarm, where it was not given before */
    size_t devices_after;
} mewl__fate;

typedef struct mewl__life_opts {
    double days, false_alarm_days, horizon_days;
    uint64_t late_updates;
    bool frozen;                   /* does not grow */
    const mewl_synth_event *event; /* NULL: nothing happens */
    uint64_t seed;
} mewl__life_opts;

/* Lives through one infant's days. */
mewl_status mewl__life_run(mewl__fate *fate, const mewl__world *world, mewl__life_opts opts, mewl_error *err);

/* The same sessions under accept-if-normal: the model's own sessions calibrate it, and only normal ones are accepted.
 * What goes wrong without sessions held apart. Fills sessions, low, late_sessions, late_low, updates. */
mewl_status mewl__life_naive(mewl__fate *fate, const mewl__world *world, mewl__life_opts opts, mewl_error *err);

/* The two martingale bounds on log F0 alone: lifetime alarm given? */
mewl_status mewl__life_martingale(bool *alarm, double *log_peak, const mewl__world *world, mewl__life_opts opts,
                                  mewl_error *err);

#endif
