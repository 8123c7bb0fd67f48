/* phonation.h - private to the data room: of the bursts of energy in a clip that is known to hold a cry, those in which
 * an infant's voice is heard, from where the voice begins to where it ends. Energy alone takes breaths, handling and
 * a parent's words for cries, and so an annotation by energy begins up to seconds before the cry. */
#ifndef MEWL_DATA_PHONATION_H
#define MEWL_DATA_PHONATION_H

#include "dsp/segment.h"

#define MEWL_PHONATION_LEAST_S 0.08   /* voice in a burst (voiced.h) without which it is none */
#define MEWL_PHONATION_FAINT_DB (-10) /* voice this far below the strongest burst is speech near it, a fuss, an echo   \
                                       */

/* Drops the bursts of `segments` (found in these samples, mono at 16 kHz) without voice, or with none within
 * MEWL_PHONATION_FAINT_DB of the strongest burst's mean, moves the edges of the others to the first and last frame of
 * such voice, and makes the events anew. No burst may be left: a clip without a cry. Errors: MEWL_E_MEMORY. */
mewl_status mewl__segments_phonation(mewl_segments *segments, const float *samples, size_t count,
                                     mewl_segment_opts opts, mewl_error *err);

#endif
