/* dnnl_context.c - oneDNN's engine and stream, shared scratch memory, matrix products, thread count. */
#include "nn/dnnl_private.h"
#include "nn/memory.h"
#include "nn/net.h"

#include <omp.h>
#include <stdlib.h>

/* Primitives oneDNN itself keeps after we let go of them. By default 1,024: a listener that is cut off and plans for a
 * last piece of another length each time then grows by megabytes a day. This many serve one net planned to and fro
 * between two shapes. */
#define CACHE_MAX 96

mewl_status mewl__dnnl_check(dnnl_status_t status, const char *what, mewl_error *err)
{
    switch (status) {
    case dnnl_success:
        return MEWL_OK;
    case dnnl_out_of_memory:
        return mewl_error_set(err, MEWL_E_MEMORY, "oneDNN: out of memory in %s", what);
    case dnnl_unimplemented:
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "oneDNN cannot do %s on this processor", what);
    default:
        return mewl_error_set(err, MEWL_E_LIBRARY, "oneDNN: %s failed with code %d", what, (int)status);
    }
}

void mewl_net_keep_kernels(int count)
{
    (void)dnnl_set_primitive_cache_capacity(count < 0 ? 0 : count > CACHE_MAX ? CACHE_MAX : count);
}

mewl_status mewl__context_new(mewl__context **out, mewl_error *err)
{
    *out = NULL;
    mewl__context *context = calloc(1, sizeof *context);
    if (context == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the engine");
    }
    mewl_status status = mewl__dnnl_check(dnnl_engine_create(&context->engine, dnnl_cpu, 0), "engine", err);
    if (status == MEWL_OK) {
        status = mewl__dnnl_check(dnnl_stream_create(&context->stream, context->engine, dnnl_stream_in_order), "stream",
                                  err);
    }
    if (status != MEWL_OK) {
        mewl__context_free(context);
        return status;
    }
    int cached = 0; /* a setting of the process; someone's smaller choice stands */
    if (dnnl_get_primitive_cache_capacity(&cached) == dnnl_success && cached > CACHE_MAX) {
        (void)dnnl_set_primitive_cache_capacity(CACHE_MAX);
    }
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    bool wide = (isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
    bool medium = (isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2;
    context->layout = wide ? MEWL_LAYOUT_BLOCK16 : medium ? MEWL_LAYOUT_BLOCK8 : MEWL_LAYOUT_PLAIN;
    *out = context;
    return MEWL_OK;
}

void mewl__context_free(mewl__context *context)
{
    if (context == NULL) {
        return;
    }
    if (context->stream != NULL) {
        dnnl_stream_destroy(context->stream);
    }
    if (context->engine != NULL) {
        dnnl_engine_destroy(context->engine);
    }
    free(context->scratch);
    free(context);
}

mewl_layout mewl__context_layout(const mewl__context *context)
{
    return context->layout;
}

void mewl__context_trim(mewl__context *context)
{
    free(context->scratch);
    context->scratch = NULL;
    context->scratch_bytes = 0;
}

size_t mewl__context_bytes(const mewl__context *context)
{
    return context->scratch_bytes;
}

mewl_status mewl__context_reserve(mewl__context *context, size_t bytes, mewl_error *err)
{
    if (bytes <= context->scratch_bytes) {
        return MEWL_OK;
    }
    void *scratch = mewl__alloc(bytes);
    if (scratch == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu bytes of scratch space", bytes);
    }
    free(context->scratch);
    context->scratch = scratch;
    context->scratch_bytes = bytes;
    return MEWL_OK;
}

mewl_status mewl__gemm(float *c, const float *a, const float *b, bool transpose_a, bool transpose_b, int64_t m,
                       int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, bool add, mewl_error *err)
{
    return mewl__dnnl_check(dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.0f, a, lda, b, ldb,
                                       add ? 1.0f : 0.0f, c, ldc),
                            "a matrix product", err);
}

int mewl__threads_set(int threads)
{
    int before = omp_get_max_threads();
    if (threads != before) {
        omp_set_num_threads(threads);
    }
    return before;
}
