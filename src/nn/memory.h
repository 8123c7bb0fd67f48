/* memory.h - private to nn/: zeroed memory at a cache line's boundary, and conversion between layouts and types. */
#ifndef MEWL_NN_MEMORY_H
#define MEWL_NN_MEMORY_H

#include "nn/tensor.h"

/* `bytes` of zeros aligned to 64, to be freed with free(); NULL when there is no memory. 0 bytes gives 64. */
void *mewl__alloc(size_t bytes);

/* dst = src, or dst += src with `add`: the same shape (rank 4), any layout, float32 or bfloat16 each, without `add`
 * also eight bits. Surplus channels
 * of dst become zero (stay as they are with `add`). */
void mewl__convert(mewl_tensor *dst, const mewl_tensor *src, bool add, int threads);

/* Sets the surplus channels of a blocked map to zero. */
void mewl__zero_surplus(mewl_tensor *x);

#endif
