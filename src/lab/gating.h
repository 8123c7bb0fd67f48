/* gating.h - how well the first gate (infant/gate.h) tells cries that can be compared from everything else: figures of
 * recordings, measured as `mewl baby` measures them, and the tables. */
#ifndef MEWL_LAB_GATING_H
#define MEWL_LAB_GATING_H

#include <stdint.h>

#include "base/json.h"
#include "infant/gate.h"
#include "lab/system.h"

#define MEWL_GATING_SORTS_MAX 32

/* One recording. sort 0 is the cries that are usable; others are what is not. */
typedef struct mewl_gating_clip {
    size_t sort;
    size_t group; /* source recording or app: these are resampled */
    mewl_gate_figures figures;
} mewl_gating_clip;

/* Figures of a recording at `path`, at most a minute of it: the detector's certainty of its surest 1.6 s, seconds in
 * which the detector's frames are at or above `threshold`, noise and clipping by the voice room. What cannot be
 * measured is NaN. `system` is a model with frames. Errors of reading and scoring. */
mewl_status mewl_gating_measure(mewl_gate_figures *out, mewl_system *system, double threshold, const char *path,
                                mewl_error *err);

/* The document for sheet.h: for every sort but 0 and for all of them together, AUC of the gate's score and of the
 * detector's certainty alone, with intervals by a bootstrap over groups; what share of every sort passes, and why the
 * rest does not. names: [sorts]. MEWL_E_EMPTY without usable cries or without others, MEWL_E_ARG, MEWL_E_MEMORY. */
mewl_status mewl_gating_document(json_t **out, const mewl_gating_clip *clips, size_t count, const char *const *names,
                                 size_t sorts, uint64_t seed, mewl_error *err);

#endif
