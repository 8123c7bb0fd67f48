#include "audio/spectrum.h"

#include <string.h>

#include <libavutil/mem.h>
#include <libavutil/tx.h>

#define SIZE_LEAST 512u

typedef struct convolver {
    AVTXContext *forward, *inverse;
    av_tx_fn run_forward, run_inverse;
    size_t size;                       /* of the transform */
    float *block, *result;             /* size + 2, as av_tx packs spectra of real signals */
    AVComplexFloat *spectrum, *filter; /* size / 2 + 1 */
} convolver;

static void fini(convolver *c)
{
    av_tx_uninit(&c->forward);
    av_tx_uninit(&c->inverse);
    av_freep(&c->block);
    av_freep(&c->result);
    av_freep(&c->spectrum);
    av_freep(&c->filter);
}

static mewl_status init(convolver *c, size_t size, mewl_error *err)
{
    const float one = 1.0F, back = 1.0F / (float)size;
    *c = (convolver){.size = size};
    const size_t bins = size / 2 + 1;
    c->block = av_calloc(size + 2, sizeof *c->block);
    c->result = av_calloc(size + 2, sizeof *c->result);
    c->spectrum = av_calloc(bins, sizeof *c->spectrum);
    c->filter = av_calloc(bins, sizeof *c->filter);
    if (c->block == NULL || c->result == NULL || c->spectrum == NULL || c->filter == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "convolution: out of memory for transforms of %zu", size);
    }
    if (av_tx_init(&c->forward, &c->run_forward, AV_TX_FLOAT_RDFT, 0, (int)size, &one, 0) < 0 ||
        av_tx_init(&c->inverse, &c->run_inverse, AV_TX_FLOAT_RDFT, 1, (int)size, &back, 0) < 0) {
        return mewl_error_set(err, MEWL_E_LIBRARY, "convolution: no transform of length %zu", size);
    }
    return MEWL_OK;
}

/* block -> spectrum * filter -> result. */
static void apply(convolver *c)
{
    c->run_forward(c->forward, c->spectrum, c->block, sizeof(float));
    for (size_t k = 0; k <= c->size / 2; k++) {
        const AVComplexFloat a = c->spectrum[k], b = c->filter[k];
        c->spectrum[k].re = a.re * b.re - a.im * b.im;
        c->spectrum[k].im = a.re * b.im + a.im * b.re;
    }
    c->run_inverse(c->inverse, c->result, c->spectrum, sizeof(AVComplexFloat));
}

/* A transform four times as long as the response wastes a quarter of it on overlap; none longer than all there is. */
static size_t choose_size(size_t count, size_t response_count)
{
    size_t size = SIZE_LEAST;
    while (size < 4 * response_count && size < count + response_count) {
        size *= 2;
    }
    while (size < 2 * response_count) {
        size *= 2;
    }
    return size;
}

mewl_status mewl__convolve(float *out, size_t out_count, size_t skip, const float *in, size_t count,
                           const float *response, size_t response_count, mewl_error *err)
{
    convolver c;
    float *copy = NULL;
    mewl_status status = init(&c, choose_size(count, response_count), err);
    if (status == MEWL_OK && out < in + count && in < out + out_count) {
        copy = av_malloc(count * sizeof *copy);
        if (copy == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "convolution: out of memory for %zu samples", count);
        } else {
            memcpy(copy, in, count * sizeof *copy);
            in = copy;
        }
    }
    if (status == MEWL_OK) {
        memcpy(c.block, response, response_count * sizeof *response);
        c.run_forward(c.forward, c.filter, c.block, sizeof(float));
        /* Each block holds response_count - 1 earlier samples, whose results are thrown away. */
        const size_t overlap = response_count - 1, step = c.size - overlap;
        for (size_t done = 0; done < out_count; done += step) {
            const size_t start = done + skip; /* of the convolution; block[0] is in[start - overlap] */
            for (size_t i = 0; i < c.size;) {
                const size_t ahead = start + i; /* in's index plus overlap */
                if (ahead < overlap) {
                    c.block[i++] = 0.0F;
                } else if (ahead - overlap >= count) {
                    memset(c.block + i, 0, (c.size - i) * sizeof *c.block);
                    i = c.size;
                } else {
                    const size_t at = ahead - overlap, left = count - at, room = c.size - i;
                    const size_t n = left < room ? left : room;
                    memcpy(c.block + i, in + at, n * sizeof *c.block);
                    i += n;
                }
            }
            apply(&c);
            const size_t n = out_count - done < step ? out_count - done : step;
            memcpy(out + done, c.result + overlap, n * sizeof *out);
        }
    }
    av_free(copy);
    fini(&c);
    return status;
}
