/* diary.h - weeks of an infant that does not exist (infant.h): sessions by a Poisson process, recordings in them, and
 * changes put in at known times. The truth stands beside every recording. No sound: render.h makes it, quick.h gives
 * the voice measures without it. */
#ifndef MEWL_SYNTH_DIARY_H
#define MEWL_SYNTH_DIARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "synth/infant.h"

#define MEWL_SYNTH_EVENTS_MAX 32
#define MEWL_SYNTH_DAYS_MAX 3660.0
#define MEWL_SYNTH_RECORDINGS_MAX 1000000

/* A change: from at_day on it grows evenly for ramp_days (0: at once) to `state`, and is gone after until_day
 * (INFINITY: it stays). Changes that overlap add up; the device is the latest one's. */
typedef struct mewl_synth_event {
    double at_day, ramp_days, until_day;
    mewl_synth_state state;
} mewl_synth_event;

typedef struct mewl_synth_diary_opts {
    uint64_t seed;
    double days;               /* > 0, up to MEWL_SYNTH_DAYS_MAX */
    double sessions_day;       /* mean; 0: the infant's own */
    double recordings_session; /* mean number of recordings a session, at least 1 each; 0: 2 */
    int frozen;                /* not 0: the infant does not grow */
    const mewl_synth_event *events;
    size_t event_count;
} mewl_synth_diary_opts;

typedef struct mewl_synth_recording {
    double day;     /* days since the diary's beginning, fractions being the time of day */
    size_t session; /* number of the session, from 0 */
    mewl_synth_cry cry;
    mewl_synth_state state; /* the truth: what was put in at that moment */
} mewl_synth_recording;

typedef struct mewl_synth_diary {
    mewl_synth_recording *list; /* in order of time; owned */
    size_t count, sessions;
} mewl_synth_diary;

/* Draws a diary; the same arguments give the same diary. Sessions come at a rate that is even from 6 to 23 h and a
 * third of that at night; recordings of one session lie 20 s to 3 min apart. Events change what is drawn, not when: two
 * diaries of one seed with and without an event hold the same sessions. *out is released by mewl_synth_diary_fini.
 * MEWL_E_ARG (options out of range), MEWL_E_MEMORY (over MEWL_SYNTH_RECORDINGS_MAX, or none left). */
mewl_status mewl_synth_diary_draw(mewl_synth_diary *out, const mewl_synth_infant *infant, mewl_synth_diary_opts opts,
                                  mewl_error *err);
void mewl_synth_diary_fini(mewl_synth_diary *diary);

/* The state that `events` make at a day. */
mewl_synth_state mewl_synth_state_at(const mewl_synth_event *events, size_t count, double day);

#endif
