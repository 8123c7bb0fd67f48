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

/* The part of a burst from its first to its last voice (two frames running, so that one frame's chance does not move
 * an edge), and its mean power. False without enough voice. */
static bool voice_in(mewl_burst *part, double *power, mewl_burst burst, const bool *voiced, const float *powers,
                     size_t frames)
{
    size_t first = 0, end = 0, from = 0, to = 0, found = 0;
    double sum = 0;
    frames_of(&first, &end, burst, frames);
    for (size_t i = first; i < end; i++) {
        found += voiced[i];
        if (voiced[i] && i + 1 < end && voiced[i + 1]) {
            from = to == 0 ? i : from;
            to = i + 2;
        }
    }
    if (found < LEAST || to == 0) {
        return false;
    }
    for (size_t i = from; i < to; i++) {
        sum += (double)powers[i];
    }
    *power = sum / (double)(to - from);
    part->onset_s = fmax(burst.onset_s, (double)from * MEWL__VOICED_HOP_S + EDGE_S);
    part->offset_s = fmin(burst.offset_s, (double)(to - 1) * MEWL__VOICED_HOP_S + MEWL__VOICED_FRAME_S);
    return part->offset_s > part->onset_s;
}

mewl_status mewl__segments_phonation(mewl_segments *segments, const float *samples, size_t count,
                                     mewl_segment_opts opts, mewl_error *err)
{
    size_t frames = mewl__voiced_frames(count), kept = 0;
    bool *voiced = malloc(frames + 1);
    float *powers = malloc((frames + 1) * sizeof *powers);
    double *strength = malloc((segments->burst_count + 1) * sizeof *strength);
    mewl_status status = voiced == NULL || powers == NULL || strength == NULL
                             ? mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu frames", frames)
                             : MEWL_OK;
    if (status == MEWL_OK) {
        double strongest = 0;
        (void)mewl__voiced_mark(voiced, powers, samples, count);
        for (size_t i = 0; i < segments->burst_count; i++) {
            mewl_burst part;
            if (voice_in(&part, &strength[kept], segments->bursts[i], voiced, powers, frames)) {
                strongest = fmax(strongest, strength[kept]);
                segments->bursts[kept++] = part;
            }
        }
        segments->burst_count = kept;
        kept = 0;
        for (size_t i = 0; i < segments->burst_count; i++) {
            if (strength[i] >= strongest * pow(10, MEWL_PHONATION_FAINT_DB / 10.0)) {
                segments->bursts[kept++] = segments->bursts[i];
            }
        }
        segments->burst_count = kept;
        if (!mewl_segments_merge(segments, opts)) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for bursts");
        }
    }
    free(voiced);
    free(powers);
    free(strength);
    return status;
}
