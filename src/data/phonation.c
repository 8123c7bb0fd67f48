/* phonation.c - see phonation.h. */
#include "data/phonation.h"

#include "data/voiced.h"

#include <math.h>
#include <stdlib.h>

#define LEAST ((size_t)(MEWL_PHONATION_LEAST_S / MEWL__VOICED_HOP_S + 0.5)) /* frames */
#define EDGE_S 0.01 /* a frame counts as voiced from when most of it is: the voice began a little into the first */

/* Frames wholly inside a burst: first, and one past the last. */
static void frames_of(size_t *first, size_t *end, mewl_burst burst, size_t frames)
{
    *first = (size_t)fmax(0, ceil(burst.onset_s / MEWL__VOICED_HOP_S - 1));
    *end = (size_t)fmax(0, floor((burst.offset_s - MEWL__VOICED_FRAME_S) / MEWL__VOICED_HOP_S) + 2);
    *end = *end < frames ? *end : frames;
}

/* Voice frame by frame, as voiced.h marks it. */
typedef struct track {
    bool *voiced;
    float *powers;
    size_t frames;
} track;

/* The part of a burst from its first to its last voice of at least `least` power (two frames running, so that one
 * frame's chance does not move an edge), and its mean power. False without enough voice. */
static bool voice_in(mewl_burst *part, double *power, mewl_burst burst, const track *t, double least)
{
    size_t first = 0, end = 0, from = 0, to = 0, found = 0;
    double sum = 0;
    frames_of(&first, &end, burst, t->frames);
    for (size_t i = first; i < end; i++) {
        bool strong = t->voiced[i] && (double)t->powers[i] >= least;
        found += strong;
        if (strong && i + 1 < end && t->voiced[i + 1] && (double)t->powers[i + 1] >= least) {
            from = to == 0 ? i : from;
            to = i + 2;
        }
    }
    if (found < LEAST || to == 0) {
        return false;
    }
    for (size_t i = from; i < to; i++) {
        sum += (double)t->powers[i];
    }
    *power = sum / (double)(to - from);
    part->onset_s = fmax(burst.onset_s, (double)from * MEWL__VOICED_HOP_S + EDGE_S);
    part->offset_s = fmin(burst.offset_s, (double)(to - 1) * MEWL__VOICED_HOP_S + MEWL__VOICED_FRAME_S);
    return part->offset_s > part->onset_s;
}

/* Keeps what voice_in() leaves of each burst; returns the largest mean power. */
static double keep_voice(mewl_segments *segments, const track *t, double least)
{
    size_t kept = 0;
    double strongest = 0;
    for (size_t i = 0; i < segments->burst_count; i++) {
        mewl_burst part;
        double power = 0;
        if (voice_in(&part, &power, segments->bursts[i], t, least)) {
            strongest = fmax(strongest, power);
            segments->bursts[kept++] = part;
        }
    }
    segments->burst_count = kept;
    return strongest;
}

mewl_status mewl__segments_phonation(mewl_segments *segments, const float *samples, size_t count,
                                     mewl_segment_opts opts, mewl_error *err)
{
    size_t frames = mewl__voiced_frames(count);
    track t = {.voiced = malloc(frames + 1), .powers = malloc((frames + 1) * sizeof *t.powers), .frames = frames};
    mewl_status status = MEWL_OK;
    if (t.voiced == NULL || t.powers == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu frames", frames);
    } else {
        (void)mewl__voiced_mark(t.voiced, t.powers, samples, count);
        double strongest = keep_voice(segments, &t, 0);
        (void)keep_voice(segments, &t, strongest * pow(10, MEWL_PHONATION_FAINT_DB / 10.0));
        if (!mewl_segments_merge(segments, opts)) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for bursts");
        }
    }
    free(t.voiced);
    free(t.powers);
    return status;
}
