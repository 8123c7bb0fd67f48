/* eight.h - private to nn/: loops over activations of eight bits: conversion, pooling, sums, joining.
 *
 * Such an activation is I8 or U8, channels last, and means scale x element (tensor.h). Every result is computed in
 * whole numbers or float32 and rounded once, to the nearest, ties to even, then saturated. */
#ifndef MEWL_NN_EIGHT_H
#define MEWL_NN_EIGHT_H

#include "nn/tensor.h"

static inline bool mewl__is_eight(mewl_dtype dtype)
{
    return dtype == MEWL_DTYPE_I8 || dtype == MEWL_DTYPE_U8;
}

/* dst = src where one of them, or both, have eight bits; the other float32 or bfloat16 in any layout. NaN becomes the
 * least value. */
void mewl__eight_convert(mewl_tensor *dst, const mewl_tensor *src, int threads);

/* y = the largest (of) and the mean (mean) over windows of kernel[0] x kernel[1] without overlap: one, or their sum. */
void mewl__eight_pool(mewl_tensor *y, const mewl_tensor *x, const size_t kernel[2], bool mean, bool of, int threads);

/* y = a + b, below 0 set to 0 when `relu`. */
void mewl__eight_add(mewl_tensor *y, const mewl_tensor *a, const mewl_tensor *b, bool relu, int threads);

/* y = max(x, 0). */
void mewl__eight_relu(mewl_tensor *y, const mewl_tensor *x, int threads);

/* y = the inputs side by side along the channels. */
void mewl__eight_concat(mewl_tensor *y, const mewl_tensor *x, size_t count, int threads);

/* Mean over features of each frame, into y: eight bits (N, C, T, 1), or float32 channels last. */
void mewl__eight_mean_features(mewl_tensor *y, const mewl_tensor *x, int threads);

/* Mean over features, then mean, maximum or their sum over time, into plain float32 (N, C, 1, 1). */
void mewl__eight_global_pool(float *y, const mewl_tensor *x, bool mean, bool of, int threads);

#endif
