/* infant.h - an infant that does not exist: the parameters of its voice from a seed, how they grow with age, and the
 * parameters of one cry drawn from them. Simulated, and never evidence about real infants: it serves tests, and the
 * delay after which a change that was put in is found. Accuracy is measured on recordings of real infants alone.
 *
 * Figures for newborns that the literature agrees on are the centres: F0 496 +- 95 Hz between infants, cry bursts of
 * 1.4 +- 0.6 s, phonation from 350 to 750 Hz, hyperphonation above 1 kHz. How far one infant's sessions and recordings
 * differ among themselves is our own assumption, stated with each field. */
#ifndef MEWL_SYNTH_INFANT_H
#define MEWL_SYNTH_INFANT_H

#include <stdint.h>

#include "base/rng.h"

/* One infant's voice at birth. Plain numbers: any may be changed after seeding. */
typedef struct mewl_synth_infant {
    uint64_t seed;
    double f0_hz;           /* mean F0 at birth: 496 +- 95 between infants, 320 to 750 */
    double f0_session_st;   /* SD of sessions around it, semitones: 0.6 to 1.1 */
    double f0_recording_st; /* SD of recordings within a session, semitones: 0.4 to 0.8 */
    double melody_st;       /* mean height of the rise and fall within a burst, semitones: 3 to 7 */
    double burst_s;     /* mean length of a cry burst: 1.4 +- 0.25 between infants, 0.7 to 2.2; SD within: 0.3 of it */
    double pause_s;     /* mean pause between bursts: 0.35 to 0.7 */
    double inspiration; /* probability of a heard inspiration in a pause: 0.1 to 0.6 */
    double hyperphonation;  /* probability of a hyperphonated burst in a cry of usual arousal: 0.01 to 0.12 */
    double dysphonation;    /* share of a usual burst that is noisy: 0.03 to 0.2 */
    double jitter;          /* local, 1: 0.006 to 0.02 */
    double shimmer_db;      /* local, dB: 0.3 to 0.9 */
    double hnr_db;          /* 8 to 18 */
    double tract_m;         /* vocal tract at birth: 0.070 to 0.080 m; formants follow from it */
    double age_days;        /* on day 0 of its diary: 0 to 60 */
    double f0_growth_month; /* change of F0 in a month, share: -0.015 to 0.005 (F0 falls slowly in the first year) */
    double sessions_day;    /* mean number of cry sessions a day: 2 to 5 */
} mewl_synth_infant;

/* The infant of a seed; the same on every machine. */
mewl_synth_infant mewl_synth_infant_seeded(uint64_t seed);

/* Its mean F0 (Hz) and vocal tract (m) at an age. The tract grows by 0.0012 m a month at first, less later (after
 * Vorperian et al. 2005: some 7.5 cm at birth, 8.5 cm at one year). Age in days, 0 to 1,000. */
double mewl_synth_infant_f0_hz(const mewl_synth_infant *infant, double age_days);
double mewl_synth_infant_tract_m(const mewl_synth_infant *infant, double age_days);

/* What is different about the infant or its surroundings at a moment; all zero: nothing. */
typedef struct mewl_synth_state {
    double f0_log;         /* added to the logarithm of F0: log(1.10) is 10 % up */
    double noise;          /* 0 to 1: towards a hoarse voice: jitter, shimmer and dysphonation up, HNR down */
    double hyperphonation; /* added to the probability of a hyperphonated burst */
    int device;            /* microphone and room: 0 the usual one, others differ in ways fixed by their number */
} mewl_synth_state;

/* One cry: what a recording of it is rendered from, or its measures computed from. */
typedef struct mewl_synth_cry {
    uint64_t seed;  /* of everything random in its rendering */
    double f0_hz;   /* mean over its phonated bursts */
    double arousal; /* 0 usual, in SDs: louder, higher, longer, more hyperphonation when large */
    double melody_st, burst_s, pause_s, inspiration, hyperphonation, dysphonation, jitter, shimmer_db, hnr_db, tract_m;
    double age_days;
    double seconds; /* length of the recording */
    double snr_db;  /* cry above the room's noise: 12 to 35 */
    int device;
} mewl_synth_cry;

/* What the recordings of one session share. */
typedef struct mewl_synth_session {
    double f0_st, arousal, snr_db;
} mewl_synth_session;

mewl_synth_session mewl_synth_session_draw(const mewl_synth_infant *infant, mewl_rng *rng);

/* Draws one cry of the infant at an age, in a state, within a session. */
mewl_synth_cry mewl_synth_cry_draw(const mewl_synth_infant *infant, const mewl_synth_session *session,
                                   mewl_synth_state state, double age_days, mewl_rng *rng);

#endif
