/* picture.h - the picture of `mewl analyze --picture`: waveform, log-mel spectrogram, score curve and episodes on one
 * time axis, as a PNG, SVG or PDF.
 *
 * A recording is pushed as a stream, of any length: columns are merged two by two whenever their store is full, so that
 * a second and twelve hours take the same memory (about 1.3 MB for 64 bands). Not a plotting library: see chart.h.
 */
#ifndef MEWL_DRAW_PICTURE_H
#define MEWL_DRAW_PICTURE_H

#include <stddef.h>

#include "base/status.h"

/* What a shaded stretch of time means. */
typedef enum mewl_picture_span_kind {
    MEWL_PICTURE_EPISODE,    /* a cry */
    MEWL_PICTURE_NOT_HEARING /* digital silence, clipping, a lost source: nothing can be said here */
} mewl_picture_span_kind;

typedef struct mewl_picture_span {
    mewl_picture_span_kind kind;
    double onset_s;
    double offset_s;   /* > onset_s */
    double confidence; /* 0..1 for an episode, NaN for none */
} mewl_picture_span;

typedef struct mewl_picture_acc_opts {
    double rate_hz;        /* of the samples pushed, > 0 */
    size_t bands;          /* of the frames pushed, 1 to 512; 0: no spectrogram */
    double frame_step_s;   /* from frame to frame, > 0 when bands is not 0 */
    double frame_first_s;  /* time of the middle of the first frame */
    const double *band_hz; /* `bands` rising centre frequencies, for the axis; copied; NULL: bands are numbered */
    double score_step_s;   /* from score to score, > 0; 0: no score curve */
    double score_first_s;  /* time of the middle of the first score */
} mewl_picture_acc_opts;

/* Accumulates a recording. All memory is taken by _new. */
typedef struct mewl_picture_acc mewl_picture_acc;

/* *out is the caller's (mewl_picture_acc_free). MEWL_E_ARG, MEWL_E_MEMORY. */
mewl_status mewl_picture_acc_new(mewl_picture_acc **out, mewl_picture_acc_opts opts, mewl_error *err);

/* NULL is fine. */
void mewl_picture_acc_free(mewl_picture_acc *acc);

/* Mono samples, full scale 1; kept as the lowest and highest of each column. Samples that are not finite count as 0. */
void mewl_picture_acc_samples(mewl_picture_acc *acc, const float *samples, size_t count);

/* Frames in dB (count, bands) row-major, the lowest band first; columns hold the mean power. Does nothing when the
 * options have no bands. */
void mewl_picture_acc_frames(mewl_picture_acc *acc, const float *frames_db, size_t count);

/* Scores in 0..1; columns hold the highest. Does nothing when the options have no scores. */
void mewl_picture_acc_scores(mewl_picture_acc *acc, const float *scores, size_t count);

/* Seconds of samples pushed so far. */
double mewl_picture_acc_duration_s(const mewl_picture_acc *acc);

typedef struct mewl_picture_opts {
    const char *title;    /* UTF-8, over the picture (file name); NULL: none; long ones are cut with an ellipsis */
    const char *subtitle; /* smaller, right of or below the title; NULL: the number of episodes and the length */
    double threshold;     /* drawn across the score curve; NaN: none */
    int width_px;         /* 0: 1600; else 480 to 8192 */
    int height_px;        /* 0: 900; else 320 to 8192 */
} mewl_picture_opts;

/* Whether pictures, charts and timelines can have that name: by its ending a PNG, SVG or PDF; devices and pipes get a
 * PNG. For asking before the work. MEWL_E_ARG. */
mewl_status mewl_picture_check_name(const char *path, mewl_error *err);

/* Draws what has been pushed, with `spans` (in any order) shaded, to a PNG, SVG or PDF at `path`, by its ending:
 * written beside it and moved into place, so that a half-written picture is never seen. Episodes past what labels have
 * room for are shaded without times. MEWL_E_EMPTY when no samples were pushed, MEWL_E_ARG for another ending, sizes out
 * of range or spans that end before they begin, MEWL_E_IO and its kin when the file cannot be written, MEWL_E_LIBRARY
 * when cairo fails. The accumulator stays as it is. */
mewl_status mewl_picture_write(const mewl_picture_acc *acc, const char *path, const mewl_picture_span *spans,
                               size_t span_count, mewl_picture_opts opts, mewl_error *err);

#endif
