/* session.h - from sound at any rate to events: downmix, hearing check, resampling, scores, episodes. One stream.
 *
 * The chain behind `mewl analyze`, `mewl listen` and the public interface (include/mewl.h). Opens nothing and reads no
 * clock: time is stream time, counted in pushed frames and told gaps. Memory is fixed when the session is made. The
 * same sound gives the same events however it is cut into pushes.
 */
#ifndef MEWL_HEAR_SESSION_H
#define MEWL_HEAR_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "audio/hearing.h"
#include "base/status.h"
#include "detect/episode.h"
#include "models/model.h"

typedef enum mewl_session_kind {
    MEWL_SESSION_START,  /* a cry began */
    MEWL_SESSION_UPDATE, /* it lasts */
    MEWL_SESSION_END,    /* it ended */
    MEWL_SESSION_HEARING /* whether sound is heard at all has changed */
} mewl_session_kind;

typedef struct mewl_session_event {
    mewl_session_kind kind;
    double time_s;                /* stream time at which this was found */
    mewl_episode episode;         /* START, UPDATE, END */
    mewl_hearing_verdict hearing; /* HEARING */
} mewl_session_event;

/* Where a session's output goes. Every pointer may be NULL. Called during push, gap and finish; arguments are valid
 * during the call, which must not use the session. */
typedef struct mewl_session_sink {
    void (*on_event)(void *user, const mewl_session_event *event);
    /* Confidences (0 to 1) of consecutive frames; the first starts at `first_s` of stream time. */
    void (*on_scores)(void *user, double first_s, const float *confidences, size_t count);
    /* The mono sound at the model's rate that is scored, in order, without gaps. */
    void (*on_sound)(void *user, const float *samples, size_t count);
    void *user;
} mewl_session_sink;

typedef struct mewl_session_opts {
    double rate_hz;             /* of what is pushed, 1000 to 1000000 */
    int channels;               /* of what is pushed, interleaved, 1 to 64: their mean is heard */
    double chunk_s;             /* sound scored at a time (models/scorer.h); 0: MEWL_SESSION_CHUNK_FILE_S */
    bool bf16;                  /* run the network in bf16 */
    mewl_episode_opts episodes; /* frame_s is taken from the model; see mewl_session_episode_opts */
    mewl_hearing_opts hearing;
} mewl_session_opts;

#define MEWL_SESSION_CHUNK_FILE_S 10.0 /* recordings: fast */
#define MEWL_SESSION_CHUNK_LIVE_S 0.4  /* live: prompt */

typedef struct mewl_session mewl_session;

/* The options that the model was tuned for: mewl_episode_defaults, changed by the model's notes "threshold" and
 * "episode.<field>" ("episode.min_s"). MEWL_E_FORMAT for a note that is no number. */
mewl_status mewl_session_episode_opts(mewl_episode_opts *out, const mewl_model *model, mewl_error *err);

/* A session on `model`, which it borrows and plans: one session a model at a time. Errors: MEWL_E_ARG,
 * MEWL_E_UNSUPPORTED (no frame-wise cry detector), MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_session_open(mewl_session **out, mewl_model *model, mewl_session_opts opts, mewl_session_sink sink,
                              mewl_error *err);

/* Pushes `frames` frames of `channels` interleaved numbers, full scale 1. What is not finite counts as 0. */
mewl_status mewl_session_push(mewl_session *session, const float *interleaved, size_t frames, mewl_error *err);

/* Nothing arrived for (another) `seconds` (>= 0) of stream time: scores what was heard, ends an open cry, and from the
 * hearing options' stop_s on tells that it does not hear. The next push continues after the gap. */
mewl_status mewl_session_gap(mewl_session *session, double seconds, mewl_error *err);

/* The stream is over: scores the rest, ends an open cry. Pushing afterwards is MEWL_E_STATE. */
mewl_status mewl_session_finish(mewl_session *session, mewl_error *err);

/* NULL is fine. Tells nothing. */
void mewl_session_close(mewl_session *session);

/* Stream time so far, gaps included. */
double mewl_session_time_s(const mewl_session *session);

/* Length of a frame, and the middle of the first one: for drawing scores. */
double mewl_session_frame_s(const mewl_session *session);

/* The model's rate: that of on_sound. */
double mewl_session_rate_hz(const mewl_session *session);

/* Longest stream time from the onset of a steady cry to its START, and from its offset to its END. */
double mewl_session_start_latency_s(const mewl_session *session);
double mewl_session_end_latency_s(const mewl_session *session);

/* Highest confidence of any frame so far; 0 before the first. */
double mewl_session_peak(const mewl_session *session);

/* Level of all sound so far, dBFS at the model's rate; -INFINITY for digital silence. */
double mewl_session_level_dbfs(const mewl_session *session);

/* Processor seconds spent so far in each stage, for `mewl bench`. */
typedef struct mewl_session_cost {
    double resample_s, front_end_s, net_s, detect_s;
} mewl_session_cost;
mewl_session_cost mewl_session_cost_s(const mewl_session *session);

#endif
