/* dnnl_door.h - private to nn/: all that the rest of the engine knows of oneDNN. Only dnnl_*.c include <dnnl.h>.
 *
 * Written for oneDNN 2.6 (Debian 12). Releases from 3.0 build primitive descriptors directly: that difference lives in
 * dnnl_conv.c alone. Convolutions choose their own layout of weights; the layout of activations is one of mewl_layout.
 */
#ifndef MEWL_NN_DNNL_DOOR_H
#define MEWL_NN_DNNL_DOOR_H

#include "nn/tensor.h"

typedef struct mewl__context mewl__context;

/* One engine and stream, and scratch memory that all primitives share. Errors: MEWL_E_LIBRARY, MEWL_E_MEMORY. */
mewl_status mewl__context_new(mewl__context **context, mewl_error *err);
void mewl__context_free(mewl__context *context);

/* The layout convolutions like best on this processor: blocks of 16 with AVX-512, of 8 with AVX2, else plain. */
mewl_layout mewl__context_layout(const mewl__context *context);

/* Frees the scratch memory: no primitive made before may run again. */
void mewl__context_trim(mewl__context *context);

/* Bytes of scratch memory. */
size_t mewl__context_bytes(const mewl__context *context);

/* What follows a convolution at no cost in inference. */
typedef enum mewl__post {
    MEWL__POST_NONE,
    MEWL__POST_RELU,
    MEWL__POST_RELU6,
    MEWL__POST_HARD_SWISH,
    MEWL__POST_SIGMOID
} mewl__post;

typedef struct mewl__conv_spec {
    int64_t n, in, out, groups;
    int64_t in_size[2], out_size[2], kernel[2], stride[2], dilation[2]; /* time, frequency; dilation 1 is ordinary */
    int64_t pad[4];                                                     /* before, after in time; in frequency */
    mewl_dtype dtype;                                                   /* of activations and prepared weights */
    mewl_layout given; /* how the input lies: used where a fast implementation takes it */
    bool bias;
    bool backward;      /* weight gradients will be asked for */
    bool backward_data; /* input gradients will be asked for */
    bool winograd;      /* where possible: fewer products, a few more bits lost */
    mewl__post post;
} mewl__conv_spec;

typedef struct mewl__conv mewl__conv;

/* Builds the primitives. *in_layout and *out_layout: how x and y must lie. Errors: MEWL_E_UNSUPPORTED (this processor
 * cannot), MEWL_E_LIBRARY, MEWL_E_MEMORY. */
mewl_status mewl__conv_new(mewl__conv **conv, mewl_layout *in_layout, mewl_layout *out_layout, mewl__context *context,
                           const mewl__conv_spec *spec, mewl_error *err);
void mewl__conv_free(mewl__conv *conv);

/* Takes plain float32 weights (and bias, copied; NULL without) into the layout and type it computes with. */
mewl_status mewl__conv_prepare(mewl__conv *conv, const float *weight, const float *bias, mewl_error *err);

/* y from x with the weights that were prepared; dx (overwritten) from dy. All lie in the layouts that new told.
 * MEWL_E_LIBRARY, MEWL_E_MEMORY (scratch). */
mewl_status mewl__conv_forward(mewl__conv *conv, void *y, const void *x, mewl_error *err);
mewl_status mewl__conv_backward_data(mewl__conv *conv, void *dx, const void *dy, mewl_error *err);

/* Adds to plain float32 dweight and dbias (either NULL: not wanted). */
mewl_status mewl__conv_backward_weights(mewl__conv *conv, float *dweight, float *dbias, const void *x, const void *dy,
                                        mewl_error *err);

/* A convolution in eight bits, for inference. x is conv.dtype (I8 or U8), y is `out` (I8, U8 or F32), both channels
 * last; y = post(factor (sum of whole numbers) + bias) / out_scale, rounded to the nearest and saturated. */
typedef struct mewl__conv8_spec {
    mewl__conv_spec conv; /* geometry, dtype and post alone are read */
    mewl_dtype out;
    float out_scale;      /* 1 for F32 */
    const float *factor;  /* for each output channel: what one of the sum is worth */
    const float *bias;    /* for each output channel */
    const int8_t *weight; /* plain, -127 to 127 */
} mewl__conv8_spec;

typedef struct mewl__conv8 mewl__conv8;

/* Copies all it needs. Errors: MEWL_E_UNSUPPORTED (no fast implementation here), MEWL_E_LIBRARY, MEWL_E_MEMORY. */
mewl_status mewl__conv8_new(mewl__conv8 **conv, mewl__context *context, const mewl__conv8_spec *spec, mewl_error *err);
void mewl__conv8_free(mewl__conv8 *conv);
mewl_status mewl__conv8_forward(mewl__conv8 *conv, void *y, const void *x, mewl_error *err);

/* Row-major C (m, n) = A (m, k) B (n, k)' in whole numbers. */
mewl_status mewl__gemm8(int32_t *c, const int8_t *a, const int8_t *b, int64_t m, int64_t n, int64_t k, mewl_error *err);

/* Row-major C (m, n) = op(A) op(B) + (add ? C : 0), where op transposes when told. lda, ldb, ldc: row lengths. */
mewl_status mewl__gemm(float *c, const float *a, const float *b, bool transpose_a, bool transpose_b, int64_t m,
                       int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, bool add, mewl_error *err);

/* Threads that oneDNN and our own loops use on the calling thread from now on; returns what it was. */
int mewl__threads_set(int threads);

#endif
