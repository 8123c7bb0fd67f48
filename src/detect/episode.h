/* episode.h - scores of a stream's frames become episodes of crying: when it began, when it ended, how sure, how loud.
 *
 * Pure: numbers in, events out, no clock, no input or output, memory fixed when the finder is made. Not a classifier:
 * it decides nothing about sounds, only which runs of scores belong together and stand out of the room's own
 * background.
 *
 * How a frame is judged. Its logit x (log odds of "an infant cries here"; probability p = 1 / (1 + e^-x)) is first
 * replaced by the median of `smooth_frames` frames around it. Then
 *
 *     background = low quantile of the logits of the last `background_s` seconds (time not yet heard counts as quiet)
 *     on         = min(max(logit(threshold), background + margin), max(logit(threshold), logit(ceiling)))
 *     off        = on - hysteresis
 *
 * A steady sound that the network finds cry-like (a white-noise machine, a fan) fills the window with like scores, so
 * that `on` rises above it and it stops triggering; crying has breaths and pauses, so that a low quantile stays low
 * and a long cry does not hide itself. `ceiling` keeps the detector from being blinded: a frame surer than that is a
 * cry in any room. The threshold is only ever raised, so it remains the bound on false alarms that the user set.
 *
 * A run is an unbroken row of frames >= off with one >= on in it, beginning at most `attack_s` before that one. Runs
 * shorter than `min_s` are dropped. Runs no more than `merge_gap_s` apart are one episode, from the start of its first
 * frame to the end of its last.
 *
 * Latency, in stream time from the moment a frame's score is pushed, m being half the median's length: a start is told
 * at most max(attack_s + one frame, min_s) + m after the onset it states; an end at most merge_gap_s + attack_s + min_s
 * + m + one frame after its offset (longer only while a new run may still join).
 */
#ifndef MEWL_DETECT_EPISODE_H
#define MEWL_DETECT_EPISODE_H

#include <stddef.h>
#include "base/status.h"

/* All times in seconds. Zero-initialised is not usable: start from mewl_episode_defaults. */
typedef struct mewl_episode_opts {
    double frame_s;      /* length of a frame, > 0; default 0.08 */
    float threshold;     /* confidence from which a frame counts, in (0, 1); default 0.5 */
    float margin;        /* logits above the background, >= 0; default 2 */
    float hysteresis;    /* logits between on and off, >= 0; default 1 */
    float ceiling;       /* confidence that no background can outbid, in (0, 1); default 0.99 */
    float quantile;      /* of the background, in (0, 1); default 0.15 */
    double background_s; /* window of the background, 0 (no adaptation) to 3600; default 60 */
    double attack_s;     /* how far before the frame that reached `on` a run may begin, 0 to 10; default 0.16 */
    double min_s;        /* shortest run, 0 to 60; default 0.24 */
    double merge_gap_s;  /* pauses up to this long stay inside an episode, 0 to 3600; default 1: a breath */
    double update_s; /* an update event after each such span of a lasting episode, not in a pause; 0 never; default 0 */
    int smooth_frames; /* length of the running median, odd, 1 to 31; default 3 */
} mewl_episode_opts;

typedef struct mewl_episode {
    double onset_s;   /* start of its first frame */
    double offset_s;  /* end of its last frame; while it lasts: so far */
    float confidence; /* 0 to 1: highest mean probability over any min_s within its runs */
    float level_dbfs; /* mean power of its runs, dBFS; -INFINITY for digital silence, NaN where levels are unknown */
} mewl_episode;

typedef enum mewl_episode_kind { MEWL_EPISODE_START, MEWL_EPISODE_UPDATE, MEWL_EPISODE_END } mewl_episode_kind;

typedef struct mewl_episode_event {
    mewl_episode_kind kind;
    mewl_episode episode;
} mewl_episode_event;

/* Called during push, gap and finish, in order of time: for each episode one START, any UPDATEs, one END. The event is
 * valid during the call. It must not call back into the finder. */
typedef void (*mewl_episode_fn)(void *user, const mewl_episode_event *event);

typedef struct mewl_episode_finder mewl_episode_finder;

/* The defaults that stand beside the fields. */
mewl_episode_opts mewl_episode_defaults(void);

/* A finder whose first frame starts at 0 s. Allocates once, about 4 kB, and a byte for each frame of background_s.
 * Errors: MEWL_E_ARG (an option out of its range, named in the error), MEWL_E_MEMORY. */
mewl_status mewl_episode_finder_new(mewl_episode_finder **out, mewl_episode_opts opts, mewl_error *err);
void mewl_episode_finder_free(mewl_episode_finder *finder);

/* Judges `count` frames. logits: log odds; NaN counts as "no cry", infinities are cut at +-30. levels_dbfs: level of
 * each frame, or NULL (then episodes have level NaN); NaN is left out, -INFINITY is digital silence. The result
 * depends on the frames alone, never on how they are cut into calls. */
void mewl_episode_push(mewl_episode_finder *finder, const float *logits, const float *levels_dbfs, size_t count,
                       mewl_episode_fn on_event, void *user);

/* The stream was interrupted: ends what is open and goes on with the next frame starting at `time_s` (earlier than
 * what was heard: there). The background is kept, as the room is the same. */
void mewl_episode_gap(mewl_episode_finder *finder, double time_s, mewl_episode_fn on_event, void *user);

/* The stream is over: judges the frames that waited for the median and ends what is open. A following push continues
 * as after a gap. */
void mewl_episode_finish(mewl_episode_finder *finder, mewl_episode_fn on_event, void *user);

/* Where the next pushed frame starts, seconds. */
double mewl_episode_time_s(const mewl_episode_finder *finder);

/* The bar that the next frame has to pass, and the background under it, as logits. */
float mewl_episode_on_logit(const mewl_episode_finder *finder);
float mewl_episode_background_logit(const mewl_episode_finder *finder);

/* Stated latencies, seconds of stream time after the scores of a frame are known. */
double mewl_episode_start_latency_s(const mewl_episode_finder *finder);
double mewl_episode_end_latency_s(const mewl_episode_finder *finder);

/* All episodes of `count` frames at once, by the same finder: *episodes is a malloc'd array of *episode_count (NULL and
 * 0 when there is none), which the caller frees. Errors: as mewl_episode_finder_new; MEWL_E_MEMORY. */
mewl_status mewl_episode_find(mewl_episode **episodes, size_t *episode_count, const float *logits,
                              const float *levels_dbfs, size_t count, mewl_episode_opts opts, mewl_error *err);

#endif
