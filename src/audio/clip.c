#include "audio/clip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/source.h"

#define SECONDS_MOST 3600.0
#define GROWTH_FIRST 65536u

/* Makes room for at least `more` samples after `count`, at most `ceiling` in all. */
static mewl_status grow(mewl_clip *clip, size_t *capacity, size_t more, size_t ceiling, mewl_error *err)
{
    if (*capacity - clip->count >= more) {
        return MEWL_OK;
    }
    size_t wanted = *capacity == 0 ? GROWTH_FIRST : *capacity * 2;
    wanted = wanted > ceiling ? ceiling : wanted;
    if (wanted < clip->count + more) {
        wanted = clip->count + more;
    }
    float *samples = realloc(clip->samples, wanted * sizeof *samples);
    if (samples == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu samples", wanted);
    }
    clip->samples = samples;
    *capacity = wanted;
    return MEWL_OK;
}

static mewl_status read_all(mewl_clip *clip, mewl_source *source, size_t ceiling, bool cut, mewl_error *err)
{
    size_t capacity = 0;
    for (;;) {
        const size_t left = ceiling - clip->count;
        if (left == 0 && cut) {
            return MEWL_OK;
        }
        /* One sample more than allowed tells "exactly as long" from "longer". */
        const size_t want = left < 4096 ? left + (cut ? 0 : 1) : 4096;
        MEWL_TRY(grow(clip, &capacity, want, ceiling, err));
        size_t got = 0;
        MEWL_TRY(mewl_source_pull(source, clip->samples + clip->count, want, &got, err));
        if (got == 0) {
            return MEWL_OK;
        }
        clip->count += got;
        if (clip->count > ceiling) {
            return mewl_error_set(err, MEWL_E_MEMORY, "longer than %g s, too long to be held in memory", SECONDS_MOST);
        }
    }
}

mewl_status mewl_clip_read(mewl_clip *out, const char *path, double rate_hz, double max_seconds, mewl_error *err)
{
    *out = (mewl_clip){0};
    if (!(max_seconds >= 0.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: %g s is no length", path, max_seconds);
    }
    mewl_source *source = NULL;
    const mewl_source_opts opts = {.rate_hz = rate_hz, .channels = 1, .live = MEWL_SOURCE_FINITE};
    MEWL_TRY(mewl_source_open(&source, path, opts, err));
    mewl_source_info info;
    mewl_source_describe(source, &info);
    const bool cut = max_seconds > 0.0 && max_seconds <= SECONDS_MOST;
    const size_t ceiling = (size_t)ceil((cut ? max_seconds : SECONDS_MOST) * info.rate_hz);
    mewl_clip clip = {.rate_hz = info.rate_hz};
    mewl_status status = read_all(&clip, source, ceiling, cut, err);
    mewl_source_close(source);
    if (status == MEWL_OK && clip.count == 0) {
        status = mewl_error_set(err, MEWL_E_EMPTY, "%s: there is not one sample in it", path);
    }
    if (status == MEWL_E_MEMORY) {
        status = mewl_error_prefix(err, status, "%s", path);
    }
    if (status != MEWL_OK) {
        mewl_clip_fini(&clip);
        return status;
    }
    /* Give back what was reserved beyond the end. */
    float *fitted = realloc(clip.samples, clip.count * sizeof *fitted);
    clip.samples = fitted != NULL ? fitted : clip.samples;
    *out = clip;
    return MEWL_OK;
}

void mewl_clip_fini(mewl_clip *clip)
{
    if (clip != NULL) {
        free(clip->samples);
        *clip = (mewl_clip){0};
    }
}
