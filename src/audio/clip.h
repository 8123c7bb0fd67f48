/* clip.h - a whole small recording in memory, mono. Not for nights: those are pulled from a source. */
#ifndef MEWL_AUDIO_CLIP_H
#define MEWL_AUDIO_CLIP_H

#include <stddef.h>

#include "base/status.h"

typedef struct mewl_clip {
    float *samples; /* `count` mono samples, owned; malloc'd */
    size_t count;
    double rate_hz;
} mewl_clip;

/* Reads a file (anything mewl_source_open takes) mixed down to mono at rate_hz (0: its own rate). Reads at most
 * max_seconds (0: all, but over an hour is MEWL_E_MEMORY); what lies beyond is left out without an error. Errors as
 * mewl_source_open and pull; on failure *out is zeroed. */
mewl_status mewl_clip_read(mewl_clip *out, const char *path, double rate_hz, double max_seconds, mewl_error *err);

/* Frees and zeroes. NULL is fine. */
void mewl_clip_fini(mewl_clip *clip);

#endif
