/* hearing.h - whether a microphone hears at all: digital silence, clipping and stopped streams are "not hearing", which
 * is never the same as "quiet". Pure and streaming: samples and times go in, a verdict comes out; opens nothing. */
#ifndef MEWL_AUDIO_HEARING_H
#define MEWL_AUDIO_HEARING_H

#include <stdbool.h>
#include <stddef.h>

typedef enum mewl_hearing_why {
    MEWL_WHY_HEARING,  /* nothing is wrong */
    MEWL_WHY_SILENCE,  /* nothing but one constant value: muted, unplugged, dead */
    MEWL_WHY_CLIPPING, /* a large share of the samples is cut off at full scale */
    MEWL_WHY_STOPPED   /* no samples arrive */
} mewl_hearing_why;

/* Zero fields mean the default. */
typedef struct mewl_hearing_opts {
    double silence_s;     /* constant samples for this long are silence; default 3 */
    double clip_window_s; /* clipping is judged over windows of this length; default 2 */
    double clip_share;    /* share of clipped samples in a window from which on it is clipping; default 0.05 */
    double stop_s;        /* gaps from this length on are told; default 1 */
} mewl_hearing_opts;

typedef struct mewl_hearing_verdict {
    bool hearing;
    mewl_hearing_why why;
    double since_s; /* stream time at which this state began (silence: its first sample), gaps counted */
} mewl_hearing_verdict;

/* State, in the caller's storage; fields are private. */
typedef struct mewl_hearing {
    mewl_hearing_opts opts;
    double rate_hz;
    double time_s, constant_from_s, gap_s, window_clipped, window_count;
    float last;
    int run;
    bool any, clipping;
    mewl_hearing_verdict verdict;
} mewl_hearing;

/* rate_hz: of the samples pushed (per channel, mono), > 0. Starts as hearing, at 0 s. */
void mewl_hearing_init(mewl_hearing *hearing, double rate_hz, mewl_hearing_opts opts);

/* Adds mono samples. Returns whether the verdict changed; read it with mewl_hearing_now. When it changed more than once
 * within one call only the last is told: push at most a second at a time. */
bool mewl_hearing_push(mewl_hearing *hearing, const float *samples, size_t count);

/* Tells that nothing arrived for (another) `seconds`: consecutive gaps add up, samples end them. Same return. */
bool mewl_hearing_gap(mewl_hearing *hearing, double seconds);

/* The verdict after the last push or gap. */
mewl_hearing_verdict mewl_hearing_now(const mewl_hearing *hearing);

/* "hearing", "digital silence", "clipping", "stopped". */
const char *mewl_hearing_text(mewl_hearing_why why);

#endif
