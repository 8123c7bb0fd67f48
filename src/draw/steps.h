/* steps.h - the picture of `mewl analyze --steps`: what happens to a recording before it is measured, one panel a step
 * on one time axis: as it was recorded; divided by its peak; its level with what counts as silence; its breaths, cry
 * bursts apart from inspirations; the F0 of the bursts; and the measures. Takes plain arrays, decides nothing. */
#ifndef MEWL_DRAW_STEPS_H
#define MEWL_DRAW_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define MEWL_STEPS_FACTS_MAX 24

typedef struct mewl_steps_burst {
    double onset_s, offset_s;
    bool inspiration;
} mewl_steps_burst;

/* One line of the last panel. Texts are the caller's for as long as the call. */
typedef struct mewl_steps_fact {
    const char *name, *value;
} mewl_steps_fact;

typedef struct mewl_steps {
    const char *title;    /* over the picture; NULL: none */
    const float *samples; /* (count) mono, full scale 1 */
    size_t count;
    double rate_hz;
    const float *level_db; /* (level_count) */
    size_t level_count;
    double level_step_s;
    double threshold_db; /* silence lies below; NaN: none */
    const mewl_steps_burst *bursts;
    size_t burst_count;
    const float *f0_hz; /* (f0_count), 0 where unvoiced */
    size_t f0_count;
    double f0_first_s, f0_step_s;
    double f0_low_hz, f0_high_hz; /* of the axis, 0 < low < high */
    double f0_line_hz;            /* drawn across: hyperphonation above; NaN: none */
    const mewl_steps_fact *facts; /* up to MEWL_STEPS_FACTS_MAX */
    size_t fact_count;
} mewl_steps;

/* Draws to a PNG, SVG or PDF by the path's ending, width_px by height_px (0: 1,400 by 1,300; else 480 to 8,192).
 * MEWL_E_ARG (no samples, rates, another ending), MEWL_E_IO and its kin, MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_steps_write(const char *path, const mewl_steps *steps, int width_px, int height_px, mewl_error *err);

#endif
