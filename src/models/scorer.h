/* scorer.h - a stream of samples becomes a stream of frame scores: front end, then network, in chunks.
 *
 * Pushing a recording in any pieces gives the scores that one pass of the network over the whole recording gives
 * (difference <= 1e-5 in fp32), because each chunk is run with as much sound before and after it as its frames can
 * see (the receptive field of the architecture) and only the frames that saw all of it are kept. Memory is one chunk
 * with its context, whatever the length of the stream. Not a resampler (samples come at the model's rate) and not a
 * detector (detect/episode.h).
 */
#ifndef MEWL_MODELS_SCORER_H
#define MEWL_MODELS_SCORER_H

#include <stddef.h>
#include "base/status.h"

struct mewl_model;
typedef struct mewl_scorer mewl_scorer;

typedef struct mewl_scorer_opts {
    double chunk_s; /* sound scored at a time, 0.08 to 60: large is fast (files), small is prompt (live); 0: 10 s */
    int bf16;       /* run the network in bf16 where the machine does it fast (scores then differ by about 1e-3) */
} mewl_scorer_opts;

/* A scorer on `model`, which it borrows and plans for its own shapes: one scorer a model at a time. The model must give
 * frame-wise output and its front end must be known here.
 * Errors: MEWL_E_UNSUPPORTED (a model without frames), MEWL_E_ARG, MEWL_E_MEMORY, those of planning. */
mewl_status mewl_scorer_new(mewl_scorer **out, struct mewl_model *model, mewl_scorer_opts opts, mewl_error *err);
void mewl_scorer_free(mewl_scorer *scorer);

/* Samples a second that push expects. */
double mewl_scorer_rate_hz(const mewl_scorer *scorer);

/* Length of a frame in seconds (0.08); frame i covers [i, i + 1) times this. */
double mewl_scorer_frame_s(const mewl_scorer *scorer);

/* Longest time, in stream seconds, between a sample's push and its frame's score: context + chunk + window. */
double mewl_scorer_latency_s(const mewl_scorer *scorer);

/* Called with `count` logits of consecutive frames, the first of which is frame `first` of the stream. Valid during the
 * call, which must not touch the scorer. Returning anything but MEWL_OK stops the push with that status. */
typedef mewl_status (*mewl_scorer_fn)(void *user, size_t first, const float *logits, size_t count, mewl_error *err);

/* Takes `count` samples in [-1, 1] (NaN and infinities count as 0) and hands out the scores that became known. */
mewl_status mewl_scorer_push(mewl_scorer *scorer, const float *samples, size_t count, mewl_scorer_fn on_scores,
                             void *user, mewl_error *err);

/* The stream is over: hands out the scores of its last frames and starts afresh at frame 0. A stream too short for one
 * frame gives none. */
mewl_status mewl_scorer_finish(mewl_scorer *scorer, mewl_scorer_fn on_scores, void *user, mewl_error *err);

/* Forgets the stream so far (after an interruption) without handing out anything; the next sample is that of frame 0.
 */
void mewl_scorer_reset(mewl_scorer *scorer);

/* Seconds of processor time spent so far in the front end and in the network, for `mewl bench`. */
void mewl_scorer_cost_s(const mewl_scorer *scorer, double *front_end_s, double *net_s);

#endif
