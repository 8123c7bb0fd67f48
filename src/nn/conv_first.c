/* conv_first.c - input gradient of a convolution with one input channel: for some rows of dy at a time, the products of
 * every tap of the kernel with every position (one matrix product over channels), added up where the taps fall. */
#include "nn/conv_first.h"

#include "nn/memory.h"
#include "nn/tile.h"

#include <stdlib.h>

struct mewl__conv_first {
    mewl__conv_spec spec;
    int64_t rows; /* of dy at a time */
    size_t taps;
    float *grad;     /* positions x block of dy as float32 */
    float *products; /* taps x positions */
    float *weight;   /* taps x block, for each block */
    float *sum;      /* one clip's dx */
};

bool mewl__conv_first_suits(const mewl__conv_spec *spec)
{
    return spec->in == 1 && spec->groups == 1;
}

mewl_status mewl__conv_first_new(mewl__conv_first **out, const mewl__conv_spec *spec, mewl_error *err)
{
    *out = NULL;
    mewl__conv_first *first = calloc(1, sizeof *first);
    if (first == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a convolution");
    }
    first->spec = *spec;
    first->taps = (size_t)(spec->kernel[0] * spec->kernel[1]);
    first->rows = 1024 / spec->out_size[1] < 1 ? 1 : 1024 / spec->out_size[1];
    size_t positions = (size_t)(first->rows * spec->out_size[1]), blocks = ((size_t)spec->out + 15) / 16;
    first->grad = mewl__alloc(positions * 16 * sizeof(float));
    first->products = mewl__alloc(first->taps * positions * sizeof(float));
    first->weight = mewl__alloc(first->taps * blocks * 16 * sizeof(float));
    first->sum = mewl__alloc((size_t)(spec->in_size[0] * spec->in_size[1]) * sizeof(float));
    if (first->grad == NULL || first->products == NULL || first->weight == NULL || first->sum == NULL) {
        mewl__conv_first_free(first);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a convolution's input gradient");
    }
    *out = first;
    return MEWL_OK;
}

void mewl__conv_first_free(mewl__conv_first *first)
{
    if (first != NULL) {
        free(first->grad);
        free(first->products);
        free(first->weight);
        free(first->sum);
        free(first);
    }
}

/* Adds the products of `rows` rows of dy, the first of which is row t, where their taps read x. */
static void scatter(mewl__conv_first *first, int64_t t, int64_t rows)
{
    const mewl__conv_spec *s = &first->spec;
    int64_t width = s->out_size[1];
    for (int64_t i = 0; i < s->kernel[0]; i++) {
        for (int64_t j = 0; j < s->kernel[1]; j++) {
            const float *product = first->products + (i * s->kernel[1] + j) * rows * width;
            int64_t shift = j * s->dilation[1] - s->pad[2];
            for (int64_t r = 0; r < rows; r++, product += width) {
                int64_t to = (t + r) * s->stride[0] + i * s->dilation[0] - s->pad[0];
                if (to < 0 || to >= s->in_size[0]) {
                    continue;
                }
                float *sum = first->sum + to * s->in_size[1];
                if (s->stride[1] == 1) {
                    int64_t begin = shift < 0 ? -shift : 0;
                    int64_t end = s->in_size[1] - shift < width ? s->in_size[1] - shift : width;
                    for (int64_t f = begin; f < end; f++) {
                        sum[f + shift] += product[f];
                    }
                    continue;
                }
                for (int64_t f = 0; f < width; f++) {
                    int64_t at = f * s->stride[1] + shift;
                    if (at >= 0 && at < s->in_size[1]) {
                        sum[at] += product[f];
                    }
                }
            }
        }
    }
}

mewl_status mewl__conv_first_run(mewl__conv_first *first, mewl_tensor *dx, const mewl_tensor *dy, const float *weight,
                                 mewl_error *err)
{
    const mewl__conv_spec *s = &first->spec;
    mewl__rows r = mewl__rows_of(dy);
    size_t width = (size_t)s->out_size[1], plane = (size_t)(s->in_size[0] * s->in_size[1]);
    for (size_t b = 0; b < r.blocks; b++) {
        for (size_t tap = 0; tap < first->taps; tap++) {
            for (size_t l = 0; l < r.block; l++) {
                size_t channel = b * r.block + l;
                first->weight[(b * first->taps + tap) * r.block + l] =
                    channel < r.channels ? weight[channel * first->taps + tap] : 0.0f;
            }
        }
    }
    for (size_t n = 0; n < r.n; n++) {
        memset(first->sum, 0, plane * sizeof *first->sum);
        for (int64_t t = 0; t < s->out_size[0]; t += first->rows) {
            int64_t rows = s->out_size[0] - t < first->rows ? s->out_size[0] - t : first->rows;
            size_t positions = (size_t)rows * width;
            for (size_t b = 0; b < r.blocks; b++) {
                size_t at = ((n * r.blocks + b) * r.positions + (size_t)t * width) * r.block;
                const float *grad = mewl__tile_load(first->grad, dy->data, dy->dtype, at, positions * r.block);
                MEWL_TRY(mewl__gemm(first->products, first->weight + b * first->taps * r.block, grad, false, true,
                                    (int64_t)first->taps, (int64_t)positions, (int64_t)r.block, (int64_t)r.block,
                                    (int64_t)r.block, (int64_t)positions, b > 0, err));
            }
            scatter(first, t, rows);
        }
        if (dx->dtype == MEWL_DTYPE_F32) {
            memcpy((float *)dx->data + n * plane, first->sum, plane * sizeof *first->sum);
        }
        mewl__tile_flush(first->sum, dx->data, dx->dtype, n * plane, plane);
    }
    return MEWL_OK;
}
