/* dnnl_job.c - a oneDNN primitive with its memory objects, attributes and reorders: what every operation needs. */
#include "nn/dnnl_private.h"

#include <string.h>

void mewl__job_fini(mewl__job *j)
{
    if (j->primitive != NULL) {
        dnnl_primitive_destroy(j->primitive);
    }
    for (int i = 0; i < j->count; i++) {
        if (j->memory[i] != NULL) {
            dnnl_memory_destroy(j->memory[i]);
        }
    }
    memset(j, 0, sizeof *j);
}

mewl_status mewl__job_arg(mewl__job *j, mewl__context *context, int arg, const dnnl_memory_desc_t *md, mewl_error *err)
{
    MEWL_TRY(mewl__dnnl_check(dnnl_memory_create(&j->memory[j->count], md, context->engine, DNNL_MEMORY_NONE),
                              "a memory object", err));
    j->arg[j->count++] = arg;
    return MEWL_OK;
}

mewl_status mewl__job_scratch(mewl__job *j, mewl__context *context, const_dnnl_primitive_desc_t pd, mewl_error *err)
{
    const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    size_t bytes = md != NULL ? dnnl_memory_desc_get_size(md) : 0;
    if (bytes == 0) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl__context_reserve(context, bytes, err));
    return mewl__job_arg(j, context, DNNL_ARG_SCRATCHPAD, md, err);
}

mewl_status mewl__job_run(mewl__job *j, mewl__context *context, void *const *address, const char *what, mewl_error *err)
{
    dnnl_exec_arg_t args[5];
    for (int i = 0; i < j->count; i++) {
        void *at = j->arg[i] == DNNL_ARG_SCRATCHPAD ? context->scratch : address[i];
        MEWL_TRY(mewl__dnnl_check(dnnl_memory_set_data_handle_v2(j->memory[i], at, context->stream), what, err));
        args[i] = (dnnl_exec_arg_t){.arg = j->arg[i], .memory = j->memory[i]};
    }
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_execute(j->primitive, context->stream, j->count, args), what, err));
    return mewl__dnnl_check(dnnl_stream_wait(context->stream), what, err);
}

mewl_status mewl__job_attr(dnnl_primitive_attr_t *attr, mewl__post post, mewl_error *err)
{
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_attr_create(attr), "attributes", err));
    mewl_status status =
        mewl__dnnl_check(dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user), "attributes", err);
    dnnl_post_ops_t ops = NULL;
    if (status == MEWL_OK && post != MEWL__POST_NONE) {
        dnnl_alg_kind_t kind = post == MEWL__POST_RELU         ? dnnl_eltwise_relu
                               : post == MEWL__POST_RELU6      ? dnnl_eltwise_clip
                               : post == MEWL__POST_HARD_SWISH ? dnnl_eltwise_hardswish
                                                               : dnnl_eltwise_logistic;
        status = mewl__dnnl_check(dnnl_post_ops_create(&ops), "post-operations", err);
        if (status == MEWL_OK) {
            status = mewl__dnnl_check(
                dnnl_post_ops_append_eltwise(ops, 1.0f, kind, 0.0f, post == MEWL__POST_RELU6 ? 6.0f : 0.0f),
                "post-operations", err);
        }
        if (status == MEWL_OK) {
            status = mewl__dnnl_check(dnnl_primitive_attr_set_post_ops(*attr, ops), "post-operations", err);
        }
        if (ops != NULL) {
            dnnl_post_ops_destroy(ops);
        }
    }
    if (status != MEWL_OK) {
        dnnl_primitive_attr_destroy(*attr);
        *attr = NULL;
    }
    return status;
}

mewl_status mewl__job_reorder(mewl__job *j, mewl__context *context, const dnnl_memory_desc_t *from,
                              const dnnl_memory_desc_t *to, mewl_error *err)
{
    if (dnnl_memory_desc_equal(from, to)) {
        return MEWL_OK;
    }
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_attr_t attr = NULL;
    MEWL_TRY(mewl__job_attr(&attr, MEWL__POST_NONE, err));
    mewl_status status =
        mewl__dnnl_check(dnnl_reorder_primitive_desc_create(&pd, from, context->engine, to, context->engine, attr),
                         "a reorder of weights", err);
    if (status == MEWL_OK) {
        status = mewl__dnnl_check(dnnl_primitive_create(&j->primitive, pd), "a reorder of weights", err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_arg(j, context, DNNL_ARG_FROM, from, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_arg(j, context, DNNL_ARG_TO, to, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_scratch(j, context, pd, err);
    }
    if (pd != NULL) {
        dnnl_primitive_desc_destroy(pd);
    }
    dnnl_primitive_attr_destroy(attr);
    return status;
}
