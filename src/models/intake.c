/* intake.c - see intake.h. */
#include "models/intake.h"

#include <math.h>
#include <stdlib.h>

void mewl__intake_fini(mewl__intake *in)
{
    mewl_frontend_free(in->front_end);
    free(in->samples);
    free(in->frames);
    *in = (mewl__intake){0};
}

mewl_status mewl__intake_grow(float **block, size_t *room, size_t count, mewl_error *err)
{
    if (count > *room) {
        float *grown = realloc(*block, count * sizeof *grown);
        if (grown == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a clip");
        }
        *block = grown;
        *room = count;
    }
    return MEWL_OK;
}

mewl_status mewl__intake_take(mewl__intake *in, size_t *frames, const float *samples, size_t count, size_t least,
                              mewl_error *err)
{
    if (count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there are no samples to score");
    }
    if ((double)count > MEWL__INTAKE_MAX_SECONDS * mewl_frontend_rate_hz(in->front_end)) {
        return mewl_error_set(err, MEWL_E_MEMORY, "the clip is longer than the %.0f s that are scored as one",
                              MEWL__INTAKE_MAX_SECONDS);
    }
    const size_t padded = count > least ? count : least;
    MEWL_TRY(mewl__intake_grow(&in->samples, &in->samples_room, padded, err));
    for (size_t i = 0; i < padded; i++) {
        in->samples[i] = i < count && isfinite(samples[i]) ? samples[i] : 0.0f;
    }
    *frames = mewl_frontend_frame_count(in->front_end, padded);
    MEWL_TRY(mewl__intake_grow(&in->frames, &in->frames_room, *frames * mewl_frontend_bands(in->front_end), err));
    return mewl_frontend_run(in->front_end, in->frames, in->samples, padded, err);
}
