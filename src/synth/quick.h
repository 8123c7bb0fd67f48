/* quick.h - the voice measures that a simulated cry's recording would about have, drawn without rendering it: some
 * microseconds instead of a tenth of a second, for experiments over hundreds of infants and months. Tests hold it
 * beside the measures of rendered cries: means agree, the scatter is of the same size; it is not the renderer's twin.
 */
#ifndef MEWL_SYNTH_QUICK_H
#define MEWL_SYNTH_QUICK_H

#include "synth/infant.h"
#include "voice/measure.h"

/* Fills *out for one recording of `cry`. The same cry gives the same measures. */
void mewl_synth_quick(mewl_voice *out, const mewl_synth_cry *cry);

#endif
