/* framer.c - overlapping frames of a padded stream; see framer.h. */
#include "dsp/framer.h"

#include <stdlib.h>
#include <string.h>

#include "dsp/frontend.h"

mewl_status mewl__framer_init(mewl__framer *f, const mewl__frontend_spec *spec, mewl_error *err)
{
    *f = (mewl__framer){
        .hop = spec->hop,
        .span = spec->span,
        .pad = spec->padding == MEWL__PAD_NONE ? 0 : spec->span / 2,
        .padding = spec->padding,
        .preemphasis = spec->preemphasis,
    };
    /* At the end the last pad + 1 samples are mirrored; what stays in the buffer after the last whole frame holds them.
     */
    if (f->padding == MEWL__PAD_REFLECT && f->span - f->hop < f->pad + 1) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a hop of %zu is too long for frames of %zu", spec->name, f->hop,
                              f->span);
    }
    f->capacity = 2 * f->span + 2 * f->pad + MEWL_FRONTEND_PUSH_MIN;
    f->buffer = calloc(f->capacity, sizeof *f->buffer);
    if (f->buffer == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu samples", f->capacity);
    }
    mewl__framer_reset(f);
    return MEWL_OK;
}

void mewl__framer_fini(mewl__framer *f)
{
    free(f->buffer);
    f->buffer = NULL;
}

void mewl__framer_reset(mewl__framer *f)
{
    f->length = f->pad;
    f->next = 0;
    f->total = 0;
    f->previous = 0.0;
    f->has_previous = false;
    f->started = f->padding != MEWL__PAD_REFLECT;
    f->finished = false;
    memset(f->buffer, 0, f->pad * sizeof *f->buffer);
}

/* Index of the sample that stands at `at` (which may lie outside) when 0 .. count-1 is mirrored at both its ends
 * without repeating them, as often as needed. */
static size_t mirrored(ptrdiff_t at, size_t count)
{
    if (count == 1) {
        return 0;
    }
    ptrdiff_t period = 2 * ((ptrdiff_t)count - 1);
    ptrdiff_t folded = at % period;
    if (folded < 0) {
        folded += period;
    }
    return (size_t)(folded < (ptrdiff_t)count ? folded : period - folded);
}

/* Fills the padding before the first sample, once pad + 1 samples (or all there are) lie after it. */
static void start(mewl__framer *f)
{
    for (size_t i = 0; i < f->pad; i++) {
        f->buffer[i] = f->buffer[f->pad + mirrored((ptrdiff_t)i - (ptrdiff_t)f->pad, f->total)];
    }
    f->started = true;
}

static void make_room(mewl__framer *f)
{
    memmove(f->buffer, f->buffer + f->next, (f->length - f->next) * sizeof *f->buffer);
    f->length -= f->next;
    f->next = 0;
}

size_t mewl__framer_push(mewl__framer *f, const float *samples, size_t count)
{
    size_t used = 0;
    if (f->preemphasis != 0.0 && !f->has_previous && count > 0) {
        f->previous = (double)samples[0];
        f->has_previous = true;
        used = 1;
    }
    size_t limit = f->capacity - f->pad;
    if (f->length + (count - used) > limit && f->next > 0) {
        make_room(f);
    }
    size_t room = limit - f->length;
    size_t fresh = count - used < room ? count - used : room;
    double *to = f->buffer + f->length;
    if (fresh > 0 && f->preemphasis != 0.0) {
        const float *x = samples + used;
        to[0] = (double)x[0] - f->preemphasis * f->previous;
        for (size_t n = 1; n < fresh; n++) {
            to[n] = (double)x[n] - f->preemphasis * (double)x[n - 1];
        }
        f->previous = (double)x[fresh - 1];
    } else {
        for (size_t n = 0; n < fresh; n++) {
            to[n] = (double)samples[n];
        }
    }
    f->length += fresh;
    f->total += fresh;
    if (!f->started && f->total > f->pad) {
        start(f);
    }
    return used + fresh;
}

void mewl__framer_finish(mewl__framer *f)
{
    if (f->finished) {
        return;
    }
    f->finished = true;
    if (f->total == 0) {
        f->length = 0;
        f->next = 0;
        return;
    }
    if (!f->started) {
        start(f);
    }
    /* The last sample stands at length - 1; of a signal longer than the padding only its end is needed, and is here. */
    size_t known = f->total > f->pad ? f->pad + 1 : f->total;
    const double *first = f->buffer + f->length - known;
    double *to = f->buffer + f->length;
    for (size_t i = 0; i < f->pad; i++) {
        to[i] = f->padding == MEWL__PAD_REFLECT ? first[mirrored((ptrdiff_t)(known + i), known)] : 0.0;
    }
    f->length += f->pad;
}

const double *mewl__framer_pull(mewl__framer *f)
{
    if (!f->started || f->next + f->span > f->length) {
        return NULL;
    }
    const double *frame = f->buffer + f->next;
    f->next += f->hop;
    return frame;
}

size_t mewl__framer_count(const mewl__framer *f, size_t samples)
{
    if (f->preemphasis != 0.0 && samples > 0) {
        samples--;
    }
    if (samples == 0 || samples + 2 * f->pad < f->span) {
        return 0;
    }
    return 1 + (samples + 2 * f->pad - f->span) / f->hop;
}
