/* eight.c - loops over activations of eight bits. Reference and fast form are one: plain loops over a few dozen
 * channels that the compiler turns into vectors. */
#include "nn/eight.h"

#include "nn/tile.h"

#include <math.h>

#define RUN 64 /* channels at a time */

/* Range of the whole numbers. */
static float low_of(mewl_dtype dtype)
{
    return dtype == MEWL_DTYPE_U8 ? 0.0f : -127.0f;
}

static float high_of(mewl_dtype dtype)
{
    return dtype == MEWL_DTYPE_U8 ? 255.0f : 127.0f;
}

static inline __attribute__((always_inline)) float clamp(float value, float low, float high)
{
    value = value > low ? value : low; /* a NaN becomes low */
    return value < high ? value : high;
}

/* Whole numbers of a run as floats. */
static inline void load(float *to, const void *data, bool is_signed, size_t at, size_t count)
{
    if (is_signed) {
        const int8_t *from = (const int8_t *)data + at;
        for (size_t i = 0; i < count; i++) {
            to[i] = (float)from[i];
        }
    } else {
        const uint8_t *from = (const uint8_t *)data + at;
        for (size_t i = 0; i < count; i++) {
            to[i] = (float)from[i];
        }
    }
}

/* Floats, already multiplied by 1 / scale, into whole numbers. */
static inline void store(void *data, mewl_dtype dtype, size_t at, const float *from, size_t count)
{
    if (dtype == MEWL_DTYPE_I8) {
        int8_t *to = (int8_t *)data + at;
        for (size_t i = 0; i < count; i++) {
            to[i] = (int8_t)(int)rintf(clamp(from[i], -127.0f, 127.0f));
        }
    } else {
        uint8_t *to = (uint8_t *)data + at;
        for (size_t i = 0; i < count; i++) {
            to[i] = (uint8_t)(int)rintf(clamp(from[i], 0.0f, 255.0f));
        }
    }
}

/* ---- Conversion ---- */

/* Same layout, or a plain side where that is the same memory: one run of elements. */
static void convert_run(mewl_tensor *dst, const mewl_tensor *src, float factor, size_t at, size_t count)
{
    float values[MEWL__TILE] MEWL__ALIGNED, halves[MEWL__TILE] MEWL__ALIGNED;
    const float *from = values;
    if (mewl__is_eight(src->dtype)) {
        load(values, src->data, src->dtype == MEWL_DTYPE_I8, at, count);
    } else {
        from = mewl__tile_load(halves, src->data, src->dtype, at, count);
    }
    float *to = mewl__is_eight(dst->dtype) ? values : mewl__tile_begin(values, dst->data, dst->dtype, at);
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i] * factor;
    }
    if (mewl__is_eight(dst->dtype)) {
        store(dst->data, dst->dtype, at, to, count);
    } else {
        mewl__tile_flush(to, dst->data, dst->dtype, at, count);
    }
}

static float get(const mewl_tensor *x, size_t at)
{
    switch (x->dtype) {
    case MEWL_DTYPE_I8:
        return (float)((const int8_t *)x->data)[at];
    case MEWL_DTYPE_U8:
        return (float)((const uint8_t *)x->data)[at];
    case MEWL_DTYPE_BF16:
        return mewl__widen(((const uint16_t *)x->data)[at]);
    default:
        return ((const float *)x->data)[at];
    }
}

static void put(mewl_tensor *y, size_t at, float value)
{
    if (mewl__is_eight(y->dtype)) {
        store(y->data, y->dtype, at, &value, 1);
    } else if (y->dtype == MEWL_DTYPE_BF16) {
        ((uint16_t *)y->data)[at] = mewl__narrow(value);
    } else {
        ((float *)y->data)[at] = value;
    }
}

/* Blocks of 16 float32 channels at some positions into eight bits side by side, or back: a position at a time would
 * touch each line of the blocked side once for every 16 bytes. */
static void convert_block16(mewl_tensor *dst, const mewl_tensor *src, float factor, size_t n, size_t begin, size_t end)
{
    const bool narrow = mewl__is_eight(dst->dtype);
    const mewl__rows r = mewl__rows_of(narrow ? src : dst);
    float values[16] MEWL__ALIGNED;
    for (size_t b = 0; b < r.blocks; b++) {
        const size_t first = b * 16, count = r.channels - first < 16 ? r.channels - first : 16;
        for (size_t p = begin; p < end; p++) {
            const size_t wide = ((n * r.blocks + b) * r.positions + p) * 16,
                         close = (n * r.positions + p) * r.channels + first;
            if (narrow && count == 16) {
                const float *from = (const float *)src->data + wide;
                for (size_t l = 0; l < 16; l++) {
                    values[l] = from[l] * factor;
                }
                store(dst->data, dst->dtype, close, values, 16);
                continue;
            }
            for (size_t l = 0; l < count; l++) {
                put(dst, narrow ? close + l : wide + l, factor * get(src, narrow ? wide + l : close + l));
            }
            for (size_t l = count; l < 16 && !narrow; l++) {
                put(dst, wide + l, 0.0f);
            }
        }
    }
}

static bool blocked16(const mewl_tensor *x)
{
    return x->layout == MEWL_LAYOUT_BLOCK16 && x->dtype == MEWL_DTYPE_F32;
}

/* Any layouts, one clip. */
static void convert_clip(mewl_tensor *dst, const mewl_tensor *src, float factor, size_t n)
{
    const mewl__rows d = mewl__rows_of(dst), s = mewl__rows_of(src);
    for (size_t c = 0; c < d.channels; c++) {
        const size_t to = (n * d.blocks + c / d.block) * d.positions * d.block + c % d.block;
        const size_t from = (n * s.blocks + c / s.block) * s.positions * s.block + c % s.block;
        for (size_t p = 0; p < d.positions; p++) {
            put(dst, to + p * d.block, factor * get(src, from + p * s.block));
        }
    }
    for (size_t c = d.channels; c % d.block != 0; c++) {
        const size_t to = (n * d.blocks + c / d.block) * d.positions * d.block + c % d.block;
        for (size_t p = 0; p < d.positions; p++) {
            put(dst, to + p * d.block, 0.0f);
        }
    }
}

void mewl__eight_convert(mewl_tensor *dst, const mewl_tensor *src, int threads)
{
    const float factor =
        (mewl__is_eight(src->dtype) ? src->scale : 1.0f) / (mewl__is_eight(dst->dtype) ? dst->scale : 1.0f);
    const int64_t clips = dst->shape.dim[0], channels = dst->shape.dim[1];
    const int64_t positions = dst->shape.dim[2] * dst->shape.dim[3];
    const bool flat =
        dst->layout < MEWL_LAYOUT_BLOCK8 && src->layout < MEWL_LAYOUT_BLOCK8 && (channels == 1 || positions == 1);
    if (dst->layout == src->layout || flat) {
        const int64_t total = mewl_tensor_stored(dst), tiles = (total + MEWL__TILE - 1) / MEWL__TILE;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
        for (int64_t tile = 0; tile < tiles; tile++) {
            const size_t at = (size_t)(tile * MEWL__TILE), left = (size_t)total - at;
            convert_run(dst, src, factor, at, left < MEWL__TILE ? left : MEWL__TILE);
        }
    } else if ((blocked16(src) && dst->layout == MEWL_LAYOUT_LAST) ||
               (blocked16(dst) && src->layout == MEWL_LAYOUT_LAST)) {
        const int64_t runs = (positions + 31) / 32;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
        for (int64_t i = 0; i < clips * runs; i++) {
            const int64_t begin = i % runs * 32, end = begin + 32 < positions ? begin + 32 : positions;
            convert_block16(dst, src, factor, (size_t)(i / runs), (size_t)begin, (size_t)end);
        }
    } else {
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
        for (int64_t n = 0; n < clips; n++) {
            convert_clip(dst, src, factor, (size_t)n);
        }
    }
}

/* ---- Pooling ---- */

/* Sums and largest of `count` channels over some positions a stride apart: rows of `width` positions. */
static inline __attribute__((always_inline)) void gather_window(int32_t *sum, int32_t *top, const void *data,
                                                                const bool is_signed, size_t at, size_t rows,
                                                                size_t row_step, size_t width, size_t channels,
                                                                size_t count)
{
    for (size_t l = 0; l < count; l++) {
        sum[l] = 0;
        top[l] = INT8_MIN;
    }
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < width; j++) {
            const size_t from = at + i * row_step + j * channels;
            for (size_t l = 0; l < count; l++) {
                const int32_t v =
                    is_signed ? ((const int8_t *)data)[from + l] : (int32_t)((const uint8_t *)data)[from + l];
                sum[l] += v;
                top[l] = v > top[l] ? v : top[l];
            }
        }
    }
}

static void gather_any(int32_t *sum, int32_t *top, const mewl_tensor *x, size_t at, size_t rows, size_t row_step,
                       size_t width, size_t channels, size_t count)
{
    if (x->dtype == MEWL_DTYPE_I8) {
        gather_window(sum, top, x->data, true, at, rows, row_step, width, channels, count);
    } else if (count == RUN && rows == 2 && width == 2) { /* the usual case: unrolled by the compiler */
        gather_window(sum, top, x->data, false, at, 2, row_step, 2, channels, RUN);
    } else {
        gather_window(sum, top, x->data, false, at, rows, row_step, width, channels, count);
    }
}

void mewl__eight_pool(mewl_tensor *y, const mewl_tensor *x, const size_t kernel[2], bool mean, bool of, int threads)
{
    const size_t channels = (size_t)x->shape.dim[1], in_t = (size_t)x->shape.dim[2], in_f = (size_t)x->shape.dim[3];
    const size_t out_t = (size_t)y->shape.dim[2], out_f = (size_t)y->shape.dim[3];
    const float ratio = x->scale / y->scale, share = mean ? ratio / (float)(kernel[0] * kernel[1]) : 0.0f;
    const float whole = of ? ratio : 0.0f;
    const int64_t rows = y->shape.dim[0] * (int64_t)out_t;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        int32_t sum[RUN] MEWL__ALIGNED, top[RUN] MEWL__ALIGNED;
        float values[RUN] MEWL__ALIGNED;
        const size_t n = (size_t)row / out_t, t = (size_t)row % out_t;
        for (size_t f = 0; f < out_f; f++) {
            const size_t from = ((n * in_t + t * kernel[0]) * in_f + f * kernel[1]) * channels;
            const size_t to = ((size_t)row * out_f + f) * channels;
            for (size_t c = 0; c < channels; c += RUN) {
                const size_t count = channels - c < RUN ? channels - c : RUN;
                gather_any(sum, top, x, from + c, kernel[0], in_f * channels, kernel[1], channels, count);
                for (size_t l = 0; l < count; l++) {
                    values[l] = (float)sum[l] * share + (float)top[l] * whole;
                }
                store(y->data, y->dtype, to + c, values, count);
            }
        }
    }
}

void mewl__eight_mean_features(mewl_tensor *y, const mewl_tensor *x, int threads)
{
    const size_t channels = (size_t)x->shape.dim[1], features = (size_t)x->shape.dim[3];
    const bool narrow = mewl__is_eight(y->dtype);
    const float share = x->scale / (narrow ? y->scale : 1.0f) / (float)features;
    const int64_t rows = x->shape.dim[0] * x->shape.dim[2];
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        int32_t sum[RUN] MEWL__ALIGNED, top[RUN] MEWL__ALIGNED;
        float values[RUN] MEWL__ALIGNED;
        for (size_t c = 0; c < channels; c += RUN) {
            const size_t count = channels - c < RUN ? channels - c : RUN, at = (size_t)row * channels + c;
            gather_any(sum, top, x, (size_t)row * features * channels + c, 1, 0, features, channels, count);
            for (size_t l = 0; l < count; l++) {
                values[l] = (float)sum[l] * share;
            }
            if (narrow) {
                store(y->data, y->dtype, at, values, count);
            } else {
                memcpy((float *)y->data + at, values, count * sizeof *values);
            }
        }
    }
}

void mewl__eight_global_pool(float *y, const mewl_tensor *x, bool mean, bool of, int threads)
{
    const size_t channels = (size_t)x->shape.dim[1], frames = (size_t)x->shape.dim[2],
                 features = (size_t)x->shape.dim[3];
    const size_t runs = (channels + RUN - 1) / RUN;
    const float share = x->scale / (float)features;
    const int64_t all = x->shape.dim[0] * (int64_t)runs;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t i = 0; i < all; i++) {
        int32_t sum[RUN] MEWL__ALIGNED, top[RUN] MEWL__ALIGNED, largest[RUN] MEWL__ALIGNED;
        int64_t total[RUN] = {0};
        const size_t n = (size_t)i / runs, c = (size_t)i % runs * RUN;
        const size_t count = channels - c < RUN ? channels - c : RUN;
        for (size_t l = 0; l < count; l++) {
            largest[l] = INT32_MIN;
        }
        for (size_t t = 0; t < frames; t++) {
            gather_any(sum, top, x, (n * frames + t) * features * channels + c, 1, 0, features, channels, count);
            for (size_t l = 0; l < count; l++) {
                total[l] += sum[l];
                largest[l] = sum[l] > largest[l] ? sum[l] : largest[l];
            }
        }
        for (size_t l = 0; l < count; l++) {
            y[n * channels + c + l] = (mean ? (float)((double)total[l] / (double)frames) * share : 0.0f) +
                                      (of ? (float)largest[l] * share : 0.0f);
        }
    }
}

/* ---- Element by element ---- */

void mewl__eight_add(mewl_tensor *y, const mewl_tensor *a, const mewl_tensor *b, bool relu, int threads)
{
    const int64_t total = mewl_tensor_stored(y), tiles = (total + MEWL__TILE - 1) / MEWL__TILE;
    const float a_factor = a->scale / y->scale, b_factor = b->scale / y->scale, least = relu ? 0.0f : low_of(y->dtype);
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t tile = 0; tile < tiles; tile++) {
        float u[MEWL__TILE] MEWL__ALIGNED, v[MEWL__TILE] MEWL__ALIGNED;
        const size_t at = (size_t)(tile * MEWL__TILE), left = (size_t)total - at,
                     count = left < MEWL__TILE ? left : MEWL__TILE;
        load(u, a->data, a->dtype == MEWL_DTYPE_I8, at, count);
        load(v, b->data, b->dtype == MEWL_DTYPE_I8, at, count);
        for (size_t i = 0; i < count; i++) {
            u[i] = clamp(u[i] * a_factor + v[i] * b_factor, least, high_of(y->dtype));
        }
        store(y->data, y->dtype, at, u, count);
    }
}

void mewl__eight_relu(mewl_tensor *y, const mewl_tensor *x, int threads)
{
    const int64_t total = mewl_tensor_stored(y), tiles = (total + MEWL__TILE - 1) / MEWL__TILE;
    const float factor = x->scale / y->scale;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t tile = 0; tile < tiles; tile++) {
        float u[MEWL__TILE] MEWL__ALIGNED;
        const size_t at = (size_t)(tile * MEWL__TILE), left = (size_t)total - at,
                     count = left < MEWL__TILE ? left : MEWL__TILE;
        load(u, x->data, x->dtype == MEWL_DTYPE_I8, at, count);
        for (size_t i = 0; i < count; i++) {
            u[i] = clamp(u[i] * factor, 0.0f, high_of(y->dtype));
        }
        store(y->data, y->dtype, at, u, count);
    }
}

void mewl__eight_concat(mewl_tensor *y, const mewl_tensor *x, size_t count, int threads)
{
    const size_t channels = (size_t)y->shape.dim[1];
    const int64_t rows = y->shape.dim[0] * y->shape.dim[2] * y->shape.dim[3];
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        float u[RUN] MEWL__ALIGNED;
        size_t to = (size_t)row * channels;
        for (size_t k = 0; k < count; k++) {
            const size_t own = (size_t)x[k].shape.dim[1];
            const float factor = x[k].scale / y->scale;
            for (size_t c = 0; c < own; c += RUN) {
                const size_t some = own - c < RUN ? own - c : RUN;
                load(u, x[k].data, x[k].dtype == MEWL_DTYPE_I8, (size_t)row * own + c, some);
                for (size_t l = 0; l < some; l++) {
                    u[l] *= factor;
                }
                store(y->data, y->dtype, to + c, u, some);
            }
            to += own;
        }
    }
}
