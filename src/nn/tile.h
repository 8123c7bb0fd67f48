/* tile.h - private to nn/: short runs of elements as float32 whatever their type, so that loops are written once.
 *
 * A run is at most MEWL__TILE elements: it stays in the first-level cache between load, loop and store. float32 runs
 * are used in place. Also the geometry of a map in any layout but channels-last: rows (n, channel block) of positions x
 * block.
 */
#ifndef MEWL_NN_TILE_H
#define MEWL_NN_TILE_H

#include "nn/tensor.h"

#include <string.h>
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

#define MEWL__TILE 1024
#define MEWL__ALIGNED __attribute__((aligned(64)))

static inline float mewl__widen(uint16_t value)
{
    uint32_t bits = (uint32_t)value << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* Rounds to nearest even. NaN may become infinite only if its payload is all in the low half, which arithmetic never
 * makes. */
static inline uint16_t mewl__narrow(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/* Elements [at, at + count) as floats: in place, or converted into `buffer`. */
static inline const float *mewl__tile_load(float *buffer, const void *data, mewl_dtype dtype, size_t at, size_t count)
{
    if (dtype == MEWL_DTYPE_F32) {
        return (const float *)data + at;
    }
    const uint16_t *from = (const uint16_t *)data + at;
    for (size_t i = 0; i < count; i++) {
        buffer[i] = mewl__widen(from[i]);
    }
    return buffer;
}

/* Where to compute elements [at, ...): in place, or in `buffer`, to be stored by mewl__tile_flush. */
static inline float *mewl__tile_begin(float *buffer, void *data, mewl_dtype dtype, size_t at)
{
    return dtype == MEWL_DTYPE_F32 ? (float *)data + at : buffer;
}

static inline void mewl__tile_flush(const float *buffer, void *data, mewl_dtype dtype, size_t at, size_t count)
{
    if (dtype == MEWL_DTYPE_F32) {
        return;
    }
    uint16_t *to = (uint16_t *)data + at;
    size_t i = 0;
#ifdef __AVX512BF16__
    for (; i + 16 <= count; i += 16) {
        __m256bh packed = _mm512_cvtneps_pbh(_mm512_loadu_ps(buffer + i));
        memcpy(to + i, &packed, 32);
    }
#endif
    for (; i < count; i++) {
        to[i] = mewl__narrow(buffer[i]);
    }
}

typedef struct mewl__rows {
    size_t n, blocks; /* rows = n * blocks */
    size_t positions; /* T * F */
    size_t block;     /* 1, 8 or 16 */
    size_t channels;
} mewl__rows;

static inline mewl__rows mewl__rows_of(const mewl_tensor *x)
{
    mewl__rows r = {.n = (size_t)x->shape.dim[0],
                    .channels = (size_t)x->shape.dim[1],
                    .positions = (size_t)(x->shape.dim[2] * x->shape.dim[3]),
                    .block = (size_t)mewl_layout_block(x->layout, x->shape.dim[1])};
    r.blocks = (r.channels + r.block - 1) / r.block;
    return r;
}

#endif
