/* segment.h - where the cry is in a clip that is known to hold one: short-time energy against the clip's own noise
 * floor and loud level gives bursts; bursts less than a pause apart are one event. It cannot tell a cry from another
 * sound: feed it clips labelled cry. Works on material of any bandwidth (8 kHz recordings included). */
#ifndef MEWL_DSP_SEGMENT_H
#define MEWL_DSP_SEGMENT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct mewl_segment_opts {
    double frame_s;      /* energy frame, default 0.020 */
    double hop_s;        /* its step and the precision of onsets, default 0.005 */
    double highpass_hz;  /* handling rumble below it is not counted, default 250 */
    double threshold;    /* where the threshold lies between floor (0) and loud level (1), in dB, default 0.45 */
    double min_above_db; /* never less than this above the floor, default 6 */
    double max_below_db; /* never more than this below the loud level, default 25 */
    double min_burst_s;  /* shorter bursts are clicks, default 0.10 */
    double max_pause_s;  /* shorter pauses are bridged, default 1.0 */
    double min_event_s;  /* shorter events are dropped, default 0.25 */
} mewl_segment_opts;

typedef struct mewl_burst {
    double onset_s, offset_s;
} mewl_burst;

/* What was found. Arrays are owned; release with mewl_segments_fini. */
typedef struct mewl_segments {
    mewl_burst *bursts; /* in time order */
    size_t burst_count;
    mewl_burst *events; /* bursts merged over pauses < max_pause_s */
    size_t event_count;
    double floor_dbfs;     /* 10th percentile of frame levels (high-passed); digital silence counts as -100 */
    double loud_dbfs;      /* 95th percentile */
    double threshold_dbfs; /* what was applied */
    double snr_db;         /* mean power inside bursts over mean power outside all bursts' surroundings; when nothing is
                              outside (a clip that is all cry), loud - floor */
    double active_s;       /* summed length of bursts */
    bool floor_in_gaps;    /* whether snr_db was measured on gaps (true) or falls back to loud - floor (false) */
} mewl_segments;

/* The defaults that stand beside the fields. */
mewl_segment_opts mewl_segment_opts_default(void);

/* Finds bursts and events in `count` mono samples at rate_hz (4,000 to 192,000). A clip without contrast gives no
 * events and snr_db near 0: that is no error. Errors: MEWL_E_ARG (rate, options, more than an hour), MEWL_E_MEMORY. */
mewl_status mewl_segment_clip(mewl_segments *out, const float *samples, size_t count, double rate_hz,
                              mewl_segment_opts opts, mewl_error *err);
void mewl_segments_fini(mewl_segments *segments);

/* The levels that bursts are found by, for pictures: *levels_dbfs (malloc'd, the caller's) holds *level_count frames'
 * levels after the high-pass, frame i starting i opts.hop_s into the clip; digital silence is -100. Limits and errors
 * as above; too short a clip gives none. */
mewl_status mewl_segment_levels(float **levels_dbfs, size_t *level_count, const float *samples, size_t count,
                                double rate_hz, mewl_segment_opts opts, mewl_error *err);

/* Makes the events anew from the bursts, where a caller has changed those. False when out of memory. */
bool mewl_segments_merge(mewl_segments *segments, mewl_segment_opts opts);

#endif
