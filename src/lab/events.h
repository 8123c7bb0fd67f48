/* events.h - events with onsets and offsets: matching with collars, and event-based F1 as sed_eval 0.2 computes it
 * (Mesaros, Heittola, Virtanen 2016, "Metrics for polyphonic sound event detection"; onset and offset condition,
 * optimal matching).
 *
 * Not where scores become events: that is detect/episode.h.
 */
#ifndef MEWL_LAB_EVENTS_H
#define MEWL_LAB_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* One event: in which clip, of which class, from when to when (seconds from the clip's start, offset > onset). */
typedef struct mewl_span {
    uint32_t clip;
    uint32_t label;
    double onset_s;
    double offset_s;
} mewl_span;

typedef struct mewl_collar_opts {
    double onset_s;  /* |onset difference| <= this */
    double offset_s; /* |offset difference| <= max(this, offset_share * length of the reference event) */
    double offset_share;
    bool ignore_offset; /* onsets alone decide */
} mewl_collar_opts;

/* The collars of the protocol: 0.2 s; max(0.2 s, 20 %). */
#define MEWL_COLLARS_DEFAULT ((mewl_collar_opts){.onset_s = 0.2, .offset_s = 0.2, .offset_share = 0.2})

typedef struct mewl_event_counts {
    size_t reference; /* reference events */
    size_t estimated; /* detected events */
    size_t matched;   /* pairs in the largest one-to-one matching */
} mewl_event_counts;

/* Largest one-to-one matching of reference and estimated events of the same clip and label within the collars, counted
 * clip by clip into counts[clips] (overwritten). Spans in any order. MEWL_E_ARG for a clip number >= clips, a NaN time
 * or offset <= onset (naming the event). Hopcroft-Karp is not needed at these sizes: augmenting paths (Kuhn 1955), at
 * most 65,536 events a clip. */
mewl_status mewl_event_match(mewl_event_counts *counts, size_t clips, const mewl_span *reference, size_t references,
                             const mewl_span *estimated, size_t estimates, mewl_collar_opts opts, mewl_error *err);

/* Sum of counts, weighted by clip (weights NULL: all ones), as F1, precision and recall. F1 is 2 P R / (P + R), which
 * is 2 matched / (reference + estimated); 0 when something is there and nothing matches, NaN when nothing is there at
 * all. */
typedef struct mewl_event_score {
    double f1, precision, recall;
    double reference, estimated, matched;
} mewl_event_score;

/* `counts` and `weights` hold `clips` entries. */
mewl_event_score mewl_event_score_sum(const mewl_event_counts *counts, const double *weights, size_t clips);

#endif
