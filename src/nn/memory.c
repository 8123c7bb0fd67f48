/* memory.c - aligned memory; conversion between layouts and element types. */
#include "nn/memory.h"

#include "nn/eight.h"
#include "nn/tile.h"

#include <stdlib.h>

void *mewl__alloc(size_t bytes)
{
    if (bytes > SIZE_MAX - 64) {
        return NULL;
    }
    bytes = bytes == 0 ? 64 : (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (memory != NULL) {
        memset(memory, 0, bytes);
    }
    return memory;
}

static inline float get(const void *data, mewl_dtype dtype, size_t i)
{
    return dtype == MEWL_DTYPE_F32 ? ((const float *)data)[i] : mewl__widen(((const uint16_t *)data)[i]);
}

static inline void put(void *data, mewl_dtype dtype, size_t i, float value, bool add)
{
    if (dtype == MEWL_DTYPE_F32) {
        float *to = (float *)data + i;
        *to = add ? *to + value : value;
    } else {
        uint16_t *to = (uint16_t *)data + i;
        *to = mewl__narrow(add ? mewl__widen(*to) + value : value);
    }
}

/* Same layout: one run of elements. */
static void convert_run(mewl_tensor *dst, const mewl_tensor *src, bool add, size_t begin, size_t end)
{
    float from_buffer[MEWL__TILE] MEWL__ALIGNED, to_buffer[MEWL__TILE] MEWL__ALIGNED;
    for (size_t at = begin; at < end; at += MEWL__TILE) {
        size_t count = end - at < MEWL__TILE ? end - at : MEWL__TILE;
        const float *from = mewl__tile_load(from_buffer, src->data, src->dtype, at, count);
        if (add) {
            const float *old = mewl__tile_load(to_buffer, dst->data, dst->dtype, at, count);
            float *to = mewl__tile_begin(to_buffer, dst->data, dst->dtype, at);
            for (size_t i = 0; i < count; i++) {
                to[i] = old[i] + from[i];
            }
            mewl__tile_flush(to, dst->data, dst->dtype, at, count);
        } else if (dst->dtype == MEWL_DTYPE_F32) {
            memcpy((float *)dst->data + at, from, count * sizeof *from);
        } else {
            mewl__tile_flush(from, dst->data, dst->dtype, at, count);
        }
    }
}

void mewl__convert(mewl_tensor *dst, const mewl_tensor *src, bool add, int threads)
{
    if (!add && (mewl__is_eight(dst->dtype) || mewl__is_eight(src->dtype))) {
        mewl__eight_convert(dst, src, threads);
        return;
    }
    if (dst->layout == src->layout ||
        (dst->shape.dim[1] == 1 && dst->layout < MEWL_LAYOUT_BLOCK8 && src->layout < MEWL_LAYOUT_BLOCK8)) {
        int64_t total = mewl_tensor_stored(dst);
        if (!add && dst->dtype == src->dtype) {
            memcpy(dst->data, src->data, mewl_tensor_bytes(dst));
            return;
        }
        int64_t tiles = (total + MEWL__TILE - 1) / MEWL__TILE;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
        for (int64_t tile = 0; tile < tiles; tile++) {
            size_t begin = (size_t)tile * MEWL__TILE, end = begin + MEWL__TILE;
            convert_run(dst, src, add, begin, end < (size_t)total ? end : (size_t)total);
        }
        return;
    }
    mewl__rows d = mewl__rows_of(dst), s = mewl__rows_of(src);
    size_t n = d.n, channels = d.channels, positions = d.positions;
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t i = 0; i < (int64_t)n; i++) {
        for (size_t c = 0; c < channels; c++) {
            size_t to = ((size_t)i * d.blocks + c / d.block) * positions * d.block + c % d.block;
            size_t from = ((size_t)i * s.blocks + c / s.block) * positions * s.block + c % s.block;
            for (size_t p = 0; p < positions; p++) {
                put(dst->data, dst->dtype, to + p * d.block, get(src->data, src->dtype, from + p * s.block), add);
            }
        }
    }
    if (!add) {
        mewl__zero_surplus(dst);
    }
}

void mewl__zero_surplus(mewl_tensor *x)
{
    mewl__rows r = mewl__rows_of(x);
    size_t used = r.channels % r.block;
    if (used == 0) {
        return;
    }
    size_t size = mewl_dtype_size(x->dtype);
    for (size_t i = 0; i < r.n; i++) {
        char *row = (char *)x->data + ((i + 1) * r.blocks - 1) * r.positions * r.block * size;
        for (size_t p = 0; p < r.positions; p++) {
            memset(row + (p * r.block + used) * size, 0, (r.block - used) * size);
        }
    }
}
