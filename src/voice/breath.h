/* breath.h - the bursts of a recording as breaths: expirations (the cry itself) and inspirations between them, with
 * what the voice does in each. Bursts are found by energy (dsp/segment.h); which is which is a rule of thumb over
 * length, level, voice and place, not a model: docs/results/voice.md says how often it is right on made cries. */
#ifndef MEWL_VOICE_BREATH_H
#define MEWL_VOICE_BREATH_H

#include "dsp/segment.h"
#include "voice/melody.h"

#define MEWL_BREATH_HYPERPHONATION_HZ 1000.0
#define MEWL_BREATH_CLEAR_HNR_DB 3.0        /* a voiced frame below it is noisy */
#define MEWL_BREATH_INSPIRATION_MAX_S 0.55  /* inspirations are short, */
#define MEWL_BREATH_INSPIRATION_AFTER_S 0.7 /* come soon after an expiration, */
#define MEWL_BREATH_INSPIRATION_DB 4.0      /* and are at least so much weaker than the cry's usual burst */
#define MEWL_BREATH_FAINT_DB 25.0           /* weaker bursts are no part of the cry */
#define MEWL_BREATH_PAUSE_MAX_S 3.0         /* a longer gap parts two cries and is no pause */

typedef enum mewl_breath_kind { MEWL_BREATH_EXPIRATION, MEWL_BREATH_INSPIRATION } mewl_breath_kind;

typedef struct mewl_breath {
    mewl_breath_kind kind;
    double onset_s, offset_s;
    double level_dbfs;    /* RMS */
    size_t first, end;    /* frames of the track that lie in it */
    size_t voiced;        /* of these: voiced; */
    size_t phonated;      /* voiced and clear, up to MEWL_BREATH_HYPERPHONATION_HZ; */
    size_t hyperphonated; /* voiced above it. The rest is dysphonated. */
    double f0_median_hz;  /* NaN without voice */
    double change_st_s;   /* see melody.h */
    mewl_melody melody;
} mewl_breath;

typedef struct mewl_breaths {
    mewl_breath *list; /* in order of time; owned */
    size_t count;
    mewl_segments segments; /* the energy view they come from; owned */
} mewl_breaths;

/* Whether a frame is phonated: voiced, clear, not hyperphonated. */
bool mewl_breath_frame_phonated(const mewl_pitch_frame *frame);

/* The options of dsp/segment.h with which bursts are found: its defaults, but bursts from 70 ms. */
mewl_segment_opts mewl_breath_segment_opts(void);

/* Finds the breaths of the recording that `track` was made from. *out is released by mewl_breaths_fini. No burst is no
 * error. MEWL_E_ARG, MEWL_E_MEMORY. */
mewl_status mewl_breaths_find(mewl_breaths *out, const mewl_pitch_track *track, const float *samples, size_t count,
                              double rate_hz, mewl_error *err);
void mewl_breaths_fini(mewl_breaths *breaths);

#endif
