/* pitch_frame.h - private to the voice room: the pitch candidates of one frame (pitch.h says by whom and how). */
#ifndef MEWL_VOICE_PITCH_FRAME_H
#define MEWL_VOICE_PITCH_FRAME_H

#include "dsp/fft.h"
#include "voice/pitch.h"

#define MEWL__PITCH_CANDIDATES 15

typedef struct mewl__pitch_candidate {
    float f0_hz;    /* 0: the unvoiced one, which comes first */
    float strength; /* not weighed by any cost */
} mewl__pitch_candidate;

typedef struct mewl__pitch_candidates {
    mewl__pitch_candidate list[MEWL__PITCH_CANDIDATES];
    size_t count;
    float intensity;
} mewl__pitch_candidates;

typedef struct mewl__pitch_framer {
    mewl_pitch_opts opts;
    double rate_hz;
    size_t window;  /* samples in a frame, even: three periods of the floor */
    size_t period;  /* samples in a period of the floor */
    size_t lag_max; /* candidates lie below it */
    size_t last;    /* the largest lag known: half a window */
    size_t fft_length;
    mewl_fft *fft;
    double *hann;       /* (window) */
    double *hann_r;     /* (last + 1) autocorrelation of the window, 1 at lag 0 */
    double *in, *power; /* (fft_length) each */
    double *r;          /* (last + 1) */
} mewl__pitch_framer;

mewl_status mewl__pitch_framer_init(mewl__pitch_framer *framer, double rate_hz, mewl_pitch_opts opts, mewl_error *err);
void mewl__pitch_framer_fini(mewl__pitch_framer *framer);

/* Frames of `count` samples, and the time of the middle of the first. */
size_t mewl__pitch_framer_count(const mewl__pitch_framer *framer, size_t count, double *first_s);

/* Candidates of the frame whose middle lies at time_s; `peak` is the recording's largest distance from its mean. */
void mewl__pitch_framer_run(mewl__pitch_framer *framer, mewl__pitch_candidates *out, const float *samples, size_t count,
                            double time_s, double peak);

/* Leaves that frame's autocorrelation, over the window's, in framer->r. False where there is no sound. */
bool mewl__pitch_framer_correlate(mewl__pitch_framer *framer, const float *samples, size_t count, double time_s);

#endif
