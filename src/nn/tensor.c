/* tensor.c - shapes, element types and layouts: arithmetic only. */
#include "nn/tensor.h"

#include <stdio.h>
#include <string.h>

mewl_shape mewl_shape_of(int rank, int64_t d0, int64_t d1, int64_t d2, int64_t d3)
{
    mewl_shape shape = {.rank = rank, .dim = {d0, d1, d2, d3}};
    for (int i = rank < 0 ? 0 : rank; i < MEWL_TENSOR_DIMS_MAX; i++) {
        shape.dim[i] = 1;
    }
    return shape;
}

mewl_shape mewl_shape_map(int64_t n, int64_t c, int64_t t, int64_t f)
{
    return mewl_shape_of(4, n, c, t, f);
}

bool mewl_shape_same(mewl_shape a, mewl_shape b)
{
    return a.rank == b.rank && memcmp(a.dim, b.dim, sizeof a.dim) == 0;
}

int64_t mewl_shape_count(mewl_shape shape)
{
    if (shape.rank < 1 || shape.rank > MEWL_TENSOR_DIMS_MAX) {
        return -1;
    }
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) {
        int64_t d = shape.dim[i];
        if (d < 1 || d > MEWL_TENSOR_ELEMENTS_MAX / count) {
            return -1;
        }
        count *= d;
    }
    return count;
}

const char *mewl_shape_text(mewl_shape shape, char *text, size_t size)
{
    if (size == 0) {
        return text;
    }
    text[0] = '\0';
    size_t used = 0;
    for (int i = 0; i < shape.rank && i < MEWL_TENSOR_DIMS_MAX && used < size; i++) {
        int wrote = snprintf(text + used, size - used, i > 0 ? "x%lld" : "%lld", (long long)shape.dim[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return text;
}

static const struct {
    const char *name;
    size_t size;
} dtypes[MEWL_DTYPE_COUNT] = {
    [MEWL_DTYPE_F32] = {"F32", 4},   [MEWL_DTYPE_BF16] = {"BF16", 2}, [MEWL_DTYPE_F16] = {"F16", 2},
    [MEWL_DTYPE_F64] = {"F64", 8},   [MEWL_DTYPE_I64] = {"I64", 8},   [MEWL_DTYPE_I32] = {"I32", 4},
    [MEWL_DTYPE_I16] = {"I16", 2},   [MEWL_DTYPE_I8] = {"I8", 1},     [MEWL_DTYPE_U8] = {"U8", 1},
    [MEWL_DTYPE_BOOL] = {"BOOL", 1},
};

size_t mewl_dtype_size(mewl_dtype dtype)
{
    return (unsigned)dtype < MEWL_DTYPE_COUNT ? dtypes[dtype].size : 0;
}

const char *mewl_dtype_name(mewl_dtype dtype)
{
    return (unsigned)dtype < MEWL_DTYPE_COUNT ? dtypes[dtype].name : NULL;
}

int64_t mewl_layout_block(mewl_layout layout, int64_t channels)
{
    switch (layout) {
    case MEWL_LAYOUT_LAST:
        return channels;
    case MEWL_LAYOUT_BLOCK8:
        return 8;
    case MEWL_LAYOUT_BLOCK16:
        return 16;
    default:
        return 1;
    }
}

int64_t mewl_tensor_stored(const mewl_tensor *tensor)
{
    mewl_shape shape = tensor->shape;
    if (mewl_shape_count(shape) < 0) {
        return -1;
    }
    if (shape.rank == 4) {
        int64_t block = mewl_layout_block(tensor->layout, shape.dim[1]);
        shape.dim[1] = (shape.dim[1] + block - 1) / block * block;
    }
    return mewl_shape_count(shape);
}

size_t mewl_tensor_bytes(const mewl_tensor *tensor)
{
    int64_t stored = mewl_tensor_stored(tensor);
    return stored < 0 ? 0 : (size_t)stored * mewl_dtype_size(tensor->dtype);
}

uint16_t mewl_bf16_from_f32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) { /* NaN: keep it one when the low half goes */
        return (uint16_t)((bits >> 16) | 0x40u);
    }
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float mewl_bf16_to_f32(uint16_t value)
{
    uint32_t bits = (uint32_t)value << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}
