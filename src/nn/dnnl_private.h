/* dnnl_private.h - private to dnnl_*.c: the context's inside, and small helpers around the C API. */
#ifndef MEWL_NN_DNNL_PRIVATE_H
#define MEWL_NN_DNNL_PRIVATE_H

#include "nn/dnnl_door.h"

#include <dnnl.h>

struct mewl__context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    void *scratch;
    size_t scratch_bytes;
    mewl_layout layout;
};

/* Makes scratch memory at least `bytes` long. */
mewl_status mewl__context_reserve(mewl__context *context, size_t bytes, mewl_error *err);

/* MEWL_OK, or `what` and oneDNN's reason. */
mewl_status mewl__dnnl_check(dnnl_status_t status, const char *what, mewl_error *err);

/* Geometry of a convolution in oneDNN's order of arguments. */
typedef struct mewl__geometry {
    dnnl_dims_t src, weight, dst, bias, stride, dilate, before, after;
    int weight_rank;
    dnnl_data_type_t type;
} mewl__geometry;

/* Time and frequency become height and width, the other way round where there is but one frequency; several groups make
 * weights of rank 5; dilation 1 is oneDNN's 0. */
mewl__geometry mewl__geometry_of(const mewl__conv_spec *spec);

/* Is it the slow implementation that oneDNN has for everything? */
bool mewl__is_reference(const_dnnl_primitive_desc_t pd);

/* One primitive with its arguments: memory objects are made once, addresses set at each run. Zeroed means "none". */
typedef struct mewl__job {
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[5];
    int arg[5];
    int count;
} mewl__job;

/* Destroys primitive and memory objects, and zeroes it. */
void mewl__job_fini(mewl__job *j);

/* Adds argument `arg` of form `md`. */
mewl_status mewl__job_arg(mewl__job *j, mewl__context *context, int arg, const dnnl_memory_desc_t *md, mewl_error *err);

/* Adds the shared scratch memory as the last argument, where the primitive wants any. */
mewl_status mewl__job_scratch(mewl__job *j, mewl__context *context, const_dnnl_primitive_desc_t pd, mewl_error *err);

/* Runs with `address` of each argument in the order of mewl__job_arg. */
mewl_status mewl__job_run(mewl__job *j, mewl__context *context, void *const *address, const char *what,
                          mewl_error *err);

/* New attributes: scratch memory from the caller, and what follows the operation. */
mewl_status mewl__job_attr(dnnl_primitive_attr_t *attr, mewl__post post, mewl_error *err);

/* Makes `j` a reorder between two forms; leaves it without a primitive when they are equal. */
mewl_status mewl__job_reorder(mewl__job *j, mewl__context *context, const dnnl_memory_desc_t *from,
                              const dnnl_memory_desc_t *to, mewl_error *err);

#endif
