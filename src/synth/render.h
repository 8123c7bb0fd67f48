/* render.h - a simulated cry as sound: a train of glottal pulses with F0 contour, jitter, shimmer, subharmonics and
 * breath noise through the resonances of a short vocal tract, in bursts with inspirations between, then a room and a
 * microphone. Made to be measured by the voice room and heard by a test, not to deceive an ear. */
#ifndef MEWL_SYNTH_RENDER_H
#define MEWL_SYNTH_RENDER_H

#include <stddef.h>

#include "base/status.h"
#include "synth/infant.h"

#define MEWL_SYNTH_RATE_MIN_HZ 8000.0
#define MEWL_SYNTH_RATE_MAX_HZ 48000.0
#define MEWL_SYNTH_SECONDS_MAX 120.0
#define MEWL_SYNTH_BURSTS_MAX 256

typedef enum mewl_synth_burst_kind {
    MEWL_SYNTH_PHONATED,
    MEWL_SYNTH_HYPERPHONATED, /* F0 above 1 kHz */
    MEWL_SYNTH_INSPIRATION
} mewl_synth_burst_kind;

/* One burst as it was rendered: the truth. */
typedef struct mewl_synth_burst {
    mewl_synth_burst_kind kind;
    double onset_s, offset_s;
    double f0_start_hz, f0_peak_hz, f0_end_hz; /* contour: start to peak at peak_share of its length, peak to end */
    double peak_share;
    double noisy_share; /* of its length, dysphonated */
} mewl_synth_burst;

/* The bursts of a cry: *count of them into `bursts` (room for MEWL_SYNTH_BURSTS_MAX). The same cry, the same bursts. */
void mewl_synth_bursts(mewl_synth_burst *bursts, size_t *count, const mewl_synth_cry *cry);

/* Renders the cry: *out is malloc'd, *count samples at rate_hz, peak 0.05 to 0.9 by device and arousal. `bursts` (may
 * be NULL) receives the truth as above. MEWL_E_ARG (rate, seconds, parameters that are not finite or out of range),
 * MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_synth_render(float **out, size_t *count, mewl_synth_burst *bursts, size_t *burst_count,
                              const mewl_synth_cry *cry, double rate_hz, mewl_error *err);

#endif
