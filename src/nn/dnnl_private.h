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

#endif
