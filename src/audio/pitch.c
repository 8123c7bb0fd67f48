/* pitch.c - mewl_augment_pitch (augment.h): stretching by overlap-add at the best match, then resampling back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/augment.h"
#include "audio/dot.h"

#define GRAIN_S 0.032  /* overlap-add window: a few periods of the lowest voice that matters (150 Hz) */
#define SEARCH_S 0.008 /* how far a grain may be moved: over one period of it */

/* Where in x[from, to) the piece best continues `target`: the largest normalised cross-correlation over `length`
 * samples, a multiple of the dot's lanes. All places lie inside the padded signal. */
static size_t best_match(const mewl__dot *dot, const float *x, size_t from, size_t to, const float *target,
                         size_t length)
{
    float energy = 0.0F, best = -INFINITY;
    size_t where = from;
    dot->one(&energy, x + from, x + from, length);
    for (size_t at = from; at < to; at++) {
        float product = 0.0F;
        dot->one(&product, x + at, target, length);
        const float quality = product / sqrtf(energy > 1e-9F ? energy : 1e-9F);
        if (quality > best) {
            best = quality;
            where = at;
        }
        energy += x[at + length] * x[at + length] - x[at] * x[at];
    }
    return where;
}

/* Fills `out` (out_count samples) with x stretched by out_count / count. x has `pad` zeros before and after its count.
 */
static void stretch(float *out, size_t out_count, const float *x, size_t count, size_t pad, size_t hop, size_t search,
                    const float *window)
{
    const mewl__dot dot = mewl__dot_best();
    const double rate = (double)count / (double)out_count; /* input samples an output sample */
    memset(out, 0, out_count * sizeof *out);
    size_t last = 0;
    for (size_t n = 0; n * hop < out_count + hop; n++) {
        /* Grain n is centred on output sample n * hop. */
        const size_t ideal = pad + (size_t)((double)(n * hop) * rate) - hop;
        size_t at = ideal;
        if (n > 0) {
            const size_t from = ideal > search ? ideal - search : 0;
            size_t to = ideal + search;
            const size_t end = count + 2 * pad - 2 * hop - 1;
            to = to < end ? to : end;
            const size_t follow = last + hop < end ? last + hop : end;
            at = from < to ? best_match(&dot, x, from, to, x + follow, hop) : follow;
        }
        for (size_t i = 0; i < 2 * hop; i++) {
            const size_t to = n * hop + i; /* plus hop */
            if (to >= hop && to - hop < out_count) {
                out[to - hop] += window[i] * x[at + i];
            }
        }
        last = at;
    }
}

mewl_status mewl_augment_pitch(float *out, const float *in, size_t count, double rate_hz, double semitones,
                               mewl_error *err)
{
    if (!(semitones >= -24.0 && semitones <= 24.0) || !(rate_hz >= 1000.0 && rate_hz <= 1e6)) {
        return mewl_error_set(err, MEWL_E_ARG, "pitch: %g semitones at %g Hz is out of range", semitones, rate_hz);
    }
    const double factor = exp2(semitones / 12.0);
    const size_t lanes = MEWL__DOT_LANES;
    const size_t hop = ((size_t)(rate_hz * GRAIN_S / 2.0) + lanes - 1) / lanes * lanes;
    const size_t search = (size_t)(rate_hz * SEARCH_S), pad = 3 * hop + search;
    const size_t longer = (size_t)ceil((double)count * factor);
    if (count == 0 || semitones == 0.0) {
        memcpy(out, in, count * sizeof *out);
        return MEWL_OK;
    }
    float *padded = calloc(count + 2 * pad, sizeof *padded);
    float *stretched = malloc(longer * sizeof *stretched);
    float *window = malloc(2 * hop * sizeof *window);
    mewl_status status = MEWL_OK;
    if (padded == NULL || stretched == NULL || window == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "pitch: out of memory for %zu samples", count);
    } else {
        memcpy(padded + pad, in, count * sizeof *padded);
        for (size_t i = 0; i < 2 * hop; i++) {
            window[i] = (float)(0.5 - 0.5 * cos(M_PI * (double)i / (double)hop));
        }
        stretch(stretched, longer, padded, count, pad, hop, search, window);
        float *back = NULL;
        size_t got = 0;
        status = mewl_augment_speed(&back, &got, stretched, longer, factor, err);
        if (status == MEWL_OK) {
            const size_t n = got < count ? got : count;
            memcpy(out, back, n * sizeof *out);
            memset(out + n, 0, (count - n) * sizeof *out);
        }
        free(back);
    }
    free(padded);
    free(stretched);
    free(window);
    return status;
}
