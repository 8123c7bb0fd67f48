/* infant_private.h - what an infant consists of, for the files infant*.c alone. */
#ifndef MEWL_INFANT_INFANT_PRIVATE_H
#define MEWL_INFANT_INFANT_PRIVATE_H

#include "infant/infant.h"

#define MEWL__DAY_S 86400.0
#define MEWL__LIST_MAX (2 * MEWL_INFANT_SESSIONS_MAX)
#define MEWL__CHANNELS_MAX (1 + MEWL_INFANT_MEASURES_MAX)
#define MEWL__REBASE_SESSIONS 12          /* after a new microphone: taken as the new baseline, whatever their score */
#define MEWL__REBASE_ENOUGH 4             /* of them make the older ones superfluous */
#define MEWL__USUAL_AGAIN 6               /* sessions in a row that close a change */
#define MEWL__COUNT_MAX ((size_t)1 << 40) /* sessions, recordings, updates that a file may speak of */
#define MEWL__KEEP_LEAST 8                /* sessions of each lane stay whatever their age */

/* What a session is for. */
typedef enum mewl__lane { MEWL__LANE_ENROLLED, MEWL__LANE_LEARN, MEWL__LANE_APART, MEWL__LANES } mewl__lane;

/* A session in the buffer. */
typedef struct mewl__session {
    uint64_t number;
    double time_s;
    mewl__lane lane;
    size_t count;
    double *row;                                      /* [count x space], owned */
    double score[MEWL_INFANT_SESSION_RECORDINGS_MAX]; /* by a model that has not seen it; unused in LANE_LEARN */
    bool scored;
} mewl__session;

/* The session that is going on. Sums are over usable recordings. */
typedef struct mewl__running {
    bool on;
    double first_s, last_s;
    size_t recordings, usable, kept;
    unsigned gate;
    uint32_t source;
    double score_sum;
    double measure_sum[MEWL_INFANT_MEASURES_MAX], surrounding_sum[MEWL_INFANT_SURROUNDINGS_MAX];
    size_t measured[MEWL_INFANT_MEASURES_MAX], surrounded[MEWL_INFANT_SURROUNDINGS_MAX];
    double *row; /* [MEWL_INFANT_SESSION_RECORDINGS_MAX x space] */
} mewl__running;

/* The change that is open: by what it was told, and how far it has gone back. */
typedef struct mewl__open {
    int channel;             /* 0 the score, 1 + k the k-th measure */
    double expected, spread; /* of a measure, when it was told */
    double from_s;           /* sessions from here on may have been part of it; NaN: not known (files of version 1) */
    size_t usual_run;        /* sessions in a row that are as before, */
    double run_from_s;       /* the first of them, */
    double run_sum;          /* and their differences from what was expected */
} mewl__open;

struct mewl_infant {
    mewl_infant_opts opts;
    size_t dims, space;
    bool has_population;
    mewl_population population;
    mewl_personal *model;
    mewl__session list[MEWL__LIST_MAX + 1]; /* by number */
    size_t count;
    double *score; /* calibration scores, [MEWL__LIST_MAX x MEWL_INFANT_SESSION_RECORDINGS_MAX] */
    size_t *start; /* [MEWL__LIST_MAX + 1] */
    size_t calibrated;
    mewl__running running;
    mewl_change *channel[MEWL__CHANNELS_MAX];
    mewl_change *room[MEWL_INFANT_SURROUNDINGS_MAX];
    mewl_coverage coverage;
    uint64_t sessions, updates;
    double first_s, last_s; /* NaN before anything was heard */
    uint32_t source;
    bool source_known;
    bool change_open, lifetime_alarm;
    mewl__open open; /* while change_open */
    size_t rebase_left;
    uint64_t rebase_from;
    double *place; /* [space], where a recording is put to be scored */
};

/* A recording's row in the space of the model. False when the embedding holds no direction: nan, or zeros alone. */
bool mewl__infant_place(const mewl_infant *infant, double *out, const float *embedding);

/* Learns the model anew from the buffer and scores the sessions that calibrate. On failure the model is as before. */
mewl_status mewl__infant_refit(mewl_infant *infant, mewl_error *err);

/* Scores anew the sessions held apart, and lays all calibration scores out flat. */
void mewl__infant_calibrate(mewl_infant *infant);

/* Lets sessions go that are too old or too many. */
void mewl__infant_forget(mewl_infant *infant);
void mewl__session_fini(mewl__session *session);

/* What p-values stand on now. */
mewl_conformal mewl__infant_conformal(const mewl_infant *infant);

/* Sessions a day so far, and the level that follows. */
double mewl__infant_rate(const mewl_infant *infant);
double mewl__infant_level(const mewl_infant *infant);

/* An infant with all its parts, before options are checked against a population. */
mewl_status mewl__infant_make(mewl_infant **out, size_t dims, mewl_infant_opts opts, mewl_error *err);
mewl_status mewl__infant_check(mewl_infant_opts *opts, mewl_error *err);

/* Watches one ended session: score and measures for change, surroundings for a new microphone. */
typedef struct mewl__watched {
    double value[MEWL__CHANNELS_MAX]; /* of the session; NaN where not measured */
    int channel;                      /* with the most evidence, or -1 without an alarm */
    double evidence;                  /* ln R of it */
    mewl_change_step step;            /* of it */
    bool device;                      /* the microphone or the room explains it */
    double device_evidence;
    double z; /* of the score */
    double log_martingale;
} mewl__watched;
mewl_status mewl__infant_watch(mewl_infant *infant, mewl__watched *out, double time_s, double score,
                               const mewl__running *running, mewl_error *err);
void mewl__infant_restart_watch(mewl_infant *infant);

/* What the watch and the microphone's number make of an ended session: opens a change or closes the one that is open,
 * begins anew after another microphone. Entries of these are put behind the *count there are; the session's own is
 * marked when a change is over with it. */
void mewl__infant_judge_change(mewl_infant *infant, mewl_entry *session, mewl_entry *entries, size_t *count,
                               const mewl__watched *watched);

/* What is heard from now on is the new usual. */
void mewl__infant_start_rebase(mewl_infant *infant);

#endif
