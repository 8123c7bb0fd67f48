/* measure_sum.h - private to the voice room: the measures of a recording out of its analysis. */
#ifndef MEWL_VOICE_MEASURE_SUM_H
#define MEWL_VOICE_MEASURE_SUM_H

#include "voice/analysis.h"

/* Every field NaN. */
void mewl__voice_nothing(mewl_voice *out);

/* Fills analysis->measures from its other members. MEWL_E_MEMORY. */
mewl_status mewl__voice_sum(mewl_voice_analysis *analysis, const float *samples, size_t count, mewl_error *err);

#endif
