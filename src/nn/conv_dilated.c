/* conv_dilated.c - one channel block of one clip at a time, which fits the second-level cache: for every tap of the
 * kernel, rows of dy are multiplied into dx, and with rows of x into the weight's gradient. Channels lie innermost, so
 * the inner loops are whole vectors where the layout is blocked. */
#include "nn/conv_dilated.h"

#include "nn/memory.h"
#include "nn/tile.h"

#include <stdlib.h>

struct mewl__conv_dilated {
    mewl__conv_spec spec;
    size_t taps, widest; /* floats of the largest block of x or y, in any layout */
    float *x, *dy, *dx;  /* one block each */
    float *weight;       /* taps x block of channels */
    float *sums;         /* likewise, and the bias after it */
};

bool mewl__conv_dilated_suits(const mewl__conv_spec *s)
{
    return s->groups == s->in && s->in == s->out && s->stride[0] == 1 && s->stride[1] == 1 &&
           (s->dilation[0] > 1 || s->dilation[1] > 1);
}

mewl_status mewl__conv_dilated_new(mewl__conv_dilated **out, const mewl__conv_spec *spec, mewl_error *err)
{
    *out = NULL;
    mewl__conv_dilated *conv = calloc(1, sizeof *conv);
    if (conv == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a convolution");
    }
    const int64_t in = spec->in_size[0] * spec->in_size[1], to = spec->out_size[0] * spec->out_size[1];
    const size_t channels = (size_t)(spec->in < 16 ? 16 : spec->in); /* channels-last has all of them in one block */
    conv->spec = *spec;
    conv->taps = (size_t)(spec->kernel[0] * spec->kernel[1]);
    conv->widest = (size_t)(in > to ? in : to) * channels;
    conv->x = mewl__alloc(conv->widest * sizeof(float));
    conv->dy = mewl__alloc(conv->widest * sizeof(float));
    conv->dx = mewl__alloc(conv->widest * sizeof(float));
    conv->weight = mewl__alloc(conv->taps * channels * sizeof(float));
    conv->sums = mewl__alloc((conv->taps + 1) * channels * sizeof(float));
    if (conv->x == NULL || conv->dy == NULL || conv->dx == NULL || conv->weight == NULL || conv->sums == NULL) {
        mewl__conv_dilated_free(conv);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a dilated convolution's gradients");
    }
    *out = conv;
    return MEWL_OK;
}

void mewl__conv_dilated_free(mewl__conv_dilated *conv)
{
    if (conv != NULL) {
        free(conv->x);
        free(conv->dy);
        free(conv->dx);
        free(conv->weight);
        free(conv->sums);
        free(conv);
    }
}

/* `count` positions of `block` channels: dx += dy w and sum += x dy. Inlined with a constant block where it matters. */
static inline __attribute__((always_inline)) void tap_row(float *restrict dx, float *restrict sum,
                                                          const float *restrict x, const float *restrict dy,
                                                          const float *restrict weight, size_t count, size_t block)
{
    for (size_t p = 0; p < count; p++) {
        for (size_t c = 0; c < block; c++) {
            dx[p * block + c] += dy[p * block + c] * weight[c];
            sum[c] += x[p * block + c] * dy[p * block + c];
        }
    }
}

/* All taps of one channel block of one clip. */
static void block_run(mewl__conv_dilated *conv, float *dx, const float *x, const float *dy, size_t block)
{
    const mewl__conv_spec *s = &conv->spec;
    for (int64_t i = 0; i < s->kernel[0]; i++) {
        for (int64_t j = 0; j < s->kernel[1]; j++) {
            const size_t tap = (size_t)(i * s->kernel[1] + j);
            const int64_t down = i * s->dilation[0] - s->pad[0], across = j * s->dilation[1] - s->pad[2];
            const int64_t begin = across < 0 ? -across : 0;
            const int64_t end = s->in_size[1] - across < s->out_size[1] ? s->in_size[1] - across : s->out_size[1];
            for (int64_t t = 0; t < s->out_size[0] && begin < end; t++) {
                if (t + down < 0 || t + down >= s->in_size[0]) {
                    continue;
                }
                const size_t from = (size_t)(t * s->out_size[1] + begin) * block;
                const size_t at = (size_t)((t + down) * s->in_size[1] + begin + across) * block;
                const size_t count = (size_t)(end - begin);
                const float *weight = conv->weight + tap * block;
                float *sum = conv->sums + tap * block;
                if (block == 16) {
                    tap_row(dx + at, sum, x + at, dy + from, weight, count, 16);
                } else {
                    tap_row(dx + at, sum, x + at, dy + from, weight, count, block);
                }
            }
        }
    }
    float *bias = conv->sums + conv->taps * block;
    for (size_t p = 0; p < (size_t)(s->out_size[0] * s->out_size[1]); p++) {
        for (size_t c = 0; c < block; c++) {
            bias[c] += dy[p * block + c];
        }
    }
}

void mewl__conv_dilated_run(mewl__conv_dilated *conv, mewl_tensor *dx, float *dweight, float *dbias,
                            const mewl_tensor *x, const mewl_tensor *dy, const float *weight)
{
    const mewl__rows rx = mewl__rows_of(x), ry = mewl__rows_of(dy);
    const size_t block = rx.block, in = rx.positions * block, out = ry.positions * block;
    for (size_t b = 0; b < rx.blocks; b++) {
        const size_t first = b * block;
        memset(conv->sums, 0, (conv->taps + 1) * block * sizeof *conv->sums);
        for (size_t tap = 0; tap < conv->taps; tap++) {
            for (size_t c = 0; c < block; c++) {
                conv->weight[tap * block + c] = first + c < rx.channels ? weight[(first + c) * conv->taps + tap] : 0.0f;
            }
        }
        for (size_t n = 0; n < rx.n; n++) {
            const float *from = mewl__tile_load(conv->x, x->data, x->dtype, (n * rx.blocks + b) * in, in);
            const float *grad = mewl__tile_load(conv->dy, dy->data, dy->dtype, (n * rx.blocks + b) * out, out);
            memset(conv->dx, 0, in * sizeof *conv->dx);
            block_run(conv, conv->dx, from, grad, block);
            if (dx->data == NULL) {
                continue;
            }
            if (dx->dtype == MEWL_DTYPE_F32) {
                memcpy((float *)dx->data + (n * rx.blocks + b) * in, conv->dx, in * sizeof *conv->dx);
            }
            mewl__tile_flush(conv->dx, dx->data, dx->dtype, (n * rx.blocks + b) * in, in);
        }
        for (size_t c = 0; c < block && first + c < rx.channels; c++) {
            for (size_t tap = 0; tap < conv->taps && dweight != NULL; tap++) {
                dweight[(first + c) * conv->taps + tap] += conv->sums[tap * block + c];
            }
            if (dbias != NULL) {
                dbias[first + c] += conv->sums[conv->taps * block + c];
            }
        }
    }
}
