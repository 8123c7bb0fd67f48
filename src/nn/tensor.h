/* tensor.h - shapes, element types, memory layouts, and the small struct that ties them to memory.
 *
 * Not a computing library: layers compute, tensors describe. Activations always have four dimensions (N, C, T, F): N
 * clips, C channels, T frames, F features; a sequence is (N, C, T, 1), a vector per clip (N, C, 1, 1). Parameters have
 * one to four dimensions and are always plain float32; convolution weights are (out, in / groups, height, width).
 */
#ifndef MEWL_NN_TENSOR_H
#define MEWL_NN_TENSOR_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Most dimensions of a shape, and most elements of one tensor: what is larger is refused before memory is asked for. */
#define MEWL_TENSOR_DIMS_MAX 4
#define MEWL_TENSOR_ELEMENTS_MAX ((int64_t)1 << 31) /* ceiling of one tensor: 8 GiB of float32 */

/* Types of an element. Nets compute in the first two, and in I8 and U8 when quantised. */
typedef enum mewl_dtype {
    MEWL_DTYPE_F32,
    MEWL_DTYPE_BF16, /* the upper half of a float32, rounded to nearest even */
    MEWL_DTYPE_F16,  /* this and the rest: in checkpoints only */
    MEWL_DTYPE_F64,
    MEWL_DTYPE_I64,
    MEWL_DTYPE_I32,
    MEWL_DTYPE_I16,
    MEWL_DTYPE_I8,
    MEWL_DTYPE_U8,
    MEWL_DTYPE_BOOL,
    MEWL_DTYPE_COUNT
} mewl_dtype;

/* Where element (n, c, t, f) lies. With P = T * F positions and p = t * F + f, every layout is dense memory
 * [N][ceil(C / b)][P][b] with element (n, c, p) at ((n * ceil(C / b) + c / b) * P + p) * b + c % b, where b is 1 for
 * plain, C for channels-last, 8 or 16 for the blocked ones (whose surplus channels are kept at zero). */
typedef enum mewl_layout {
    MEWL_LAYOUT_PLAIN,   /* NCHW */
    MEWL_LAYOUT_LAST,    /* NHWC */
    MEWL_LAYOUT_BLOCK8,  /* nChw8c: AVX2 */
    MEWL_LAYOUT_BLOCK16, /* nChw16c: AVX-512 */
    MEWL_LAYOUT_COUNT
} mewl_layout;

/* Dimensions, outermost first. */
typedef struct mewl_shape {
    int rank;                          /* 1 to 4 */
    int64_t dim[MEWL_TENSOR_DIMS_MAX]; /* each at least 1; beyond rank: 1 */
} mewl_shape;

/* A view: whoever made the memory owns it. Zero-initialised means "none". */
typedef struct mewl_tensor {
    mewl_shape shape;
    mewl_dtype dtype;
    mewl_layout layout;
    float scale; /* of I8 and U8 activations: value = scale x element */
    void *data;
} mewl_tensor;

/* (n, c, t, f) as a shape of rank 4. */
mewl_shape mewl_shape_map(int64_t n, int64_t c, int64_t t, int64_t f);

/* A shape of `rank` (1 to 4) dimensions; the rest of `dim` is ignored. */
mewl_shape mewl_shape_of(int rank, int64_t d0, int64_t d1, int64_t d2, int64_t d3);

/* Whether rank and all dimensions are equal. */
bool mewl_shape_same(mewl_shape a, mewl_shape b);

/* Number of elements, or -1 when a dimension is below 1, the rank is outside 1 to 4, or the count is above
 * MEWL_TENSOR_ELEMENTS_MAX. */
int64_t mewl_shape_count(mewl_shape shape);

/* "8x16x125x8" into `text` (cut to `size`), which is returned. */
const char *mewl_shape_text(mewl_shape shape, char *text, size_t size);

/* Bytes of one element; 0 for a value outside the enum. */
size_t mewl_dtype_size(mewl_dtype dtype);

/* "F32", "BF16", ... as safetensors spells it; NULL outside the enum. */
const char *mewl_dtype_name(mewl_dtype dtype);

/* Channels in one block of `layout` for a tensor of `channels`: 1, channels, 8 or 16. */
int64_t mewl_layout_block(mewl_layout layout, int64_t channels);

/* Elements in memory, surplus channels of blocked layouts included; -1 as mewl_shape_count. */
int64_t mewl_tensor_stored(const mewl_tensor *tensor);

/* Bytes in memory; 0 for an impossible shape. */
size_t mewl_tensor_bytes(const mewl_tensor *tensor);

/* bfloat16 and back. NaN stays NaN; rounds to nearest, ties to even. */
uint16_t mewl_bf16_from_f32(float value);
float mewl_bf16_to_f32(uint16_t value);

#endif
