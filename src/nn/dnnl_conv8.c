/* dnnl_conv8.c - inference of convolutions in eight bits, and whole-number matrix products.
 *
 * x (I8 or U8) and weights (I8) are multiplied and summed in whole numbers; scale, bias, activation and the output's
 * own scale follow in float32 inside the same primitive (2.x: output scales and post-operations; 3.x has run-time
 * scales instead, a change to describe() alone). Activations lie channels last. */
#include "nn/dnnl_private.h"
#include "nn/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct mewl__conv8 {
    mewl__context *context;
    mewl__job forward;
    void *weight; /* in the layout chosen */
    float *bias;  /* in units of a sum */
};

#define FACTOR_MIN 1e-20f /* a channel whose weight is nothing still has its bias */

static dnnl_data_type_t type_of(mewl_dtype dtype)
{
    return dtype == MEWL_DTYPE_U8 ? dnnl_u8 : dtype == MEWL_DTYPE_I8 ? dnnl_s8 : dnnl_f32;
}

static float kept_away(float factor)
{
    return fabsf(factor) >= FACTOR_MIN ? factor : FACTOR_MIN;
}

/* Output scales, activation and the output's own scale. One factor does it all unless a curved activation stands
 * between. */
static mewl_status make_attr(dnnl_primitive_attr_t *attr, const mewl__conv8_spec *spec, mewl_error *err)
{
    const int64_t out = spec->conv.out;
    const mewl__post post = spec->conv.post;
    const bool curved = post == MEWL__POST_HARD_SWISH || post == MEWL__POST_SIGMOID;
    const float last = 1.0f / spec->out_scale;
    dnnl_post_ops_t ops = NULL;
    float *factor = mewl__alloc((size_t)out * sizeof *factor);
    if (factor == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a convolution's scales");
    }
    for (int64_t c = 0; c < out; c++) {
        factor[c] = kept_away(spec->factor[c]) * (curved ? 1.0f : last);
    }
    mewl_status status = mewl__dnnl_check(dnnl_primitive_attr_create(attr), "attributes", err);
    if (status == MEWL_OK) {
        status = mewl__dnnl_check(dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user),
                                  "attributes", err);
    }
    if (status == MEWL_OK) {
        status = mewl__dnnl_check(dnnl_primitive_attr_set_output_scales(*attr, out, 2, factor), "output scales", err);
    }
    /* saturation at 0 is a ReLU of its own */
    const bool saturates = post == MEWL__POST_RELU && spec->out == MEWL_DTYPE_U8;
    if (status == MEWL_OK && post != MEWL__POST_NONE && !saturates) {
        const dnnl_alg_kind_t kind = post == MEWL__POST_RELU         ? dnnl_eltwise_relu
                                     : post == MEWL__POST_RELU6      ? dnnl_eltwise_clip
                                     : post == MEWL__POST_HARD_SWISH ? dnnl_eltwise_hardswish
                                                                     : dnnl_eltwise_logistic;
        const float top = post == MEWL__POST_RELU6 ? 6.0f * last : 0.0f;
        status = mewl__dnnl_check(dnnl_post_ops_create(&ops), "post-operations", err);
        if (status == MEWL_OK) {
            status = mewl__dnnl_check(dnnl_post_ops_append_eltwise(ops, curved ? last : 1.0f, kind, 0.0f, top),
                                      "post-operations", err);
        }
        if (status == MEWL_OK) {
            status = mewl__dnnl_check(dnnl_primitive_attr_set_post_ops(*attr, ops), "post-operations", err);
        }
    }
    if (ops != NULL) {
        dnnl_post_ops_destroy(ops);
    }
    free(factor);
    return status;
}

static mewl_status describe(dnnl_primitive_desc_t *pd, dnnl_memory_desc_t *plain, mewl__context *context,
                            const mewl__conv8_spec *spec, dnnl_primitive_attr_t attr, mewl_error *err)
{
    const mewl__geometry g = mewl__geometry_of(&spec->conv);
    dnnl_memory_desc_t src, dst, weight, bias;
    dnnl_convolution_desc_t desc;
    dnnl_memory_desc_init_by_tag(&src, 4, g.src, type_of(spec->conv.dtype), dnnl_nhwc);
    dnnl_memory_desc_init_by_tag(&dst, 4, g.dst, type_of(spec->out), dnnl_nhwc);
    dnnl_memory_desc_init_by_tag(&weight, g.weight_rank, g.weight, dnnl_s8, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&bias, 1, g.bias, dnnl_f32, dnnl_x);
    dnnl_memory_desc_init_by_tag(plain, g.weight_rank, g.weight, dnnl_s8, g.weight_rank == 4 ? dnnl_oihw : dnnl_goihw);
    MEWL_TRY(mewl__dnnl_check(dnnl_dilated_convolution_forward_desc_init(&desc, dnnl_forward_inference,
                                                                         dnnl_convolution_direct, &src, &weight, &bias,
                                                                         &dst, g.stride, g.dilate, g.before, g.after),
                              "a convolution in eight bits", err));
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_desc_create(pd, &desc, attr, context->engine, NULL),
                              "a convolution in eight bits", err));
    if (mewl__is_reference(*pd)) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "oneDNN has no fast convolution in eight bits for this shape");
    }
    return MEWL_OK;
}

/* Weights into the layout chosen; bias into units of a sum. */
static mewl_status take_weights(mewl__conv8 *conv, const mewl__conv8_spec *spec, const dnnl_memory_desc_t *plain,
                                const dnnl_memory_desc_t *chosen, mewl_error *err)
{
    const size_t bytes = dnnl_memory_desc_get_size(chosen);
    conv->weight = mewl__alloc(bytes);
    conv->bias = mewl__alloc((size_t)spec->conv.out * sizeof *conv->bias);
    if (conv->weight == NULL || conv->bias == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for weights");
    }
    for (int64_t c = 0; c < spec->conv.out; c++) {
        conv->bias[c] = spec->bias[c] / kept_away(spec->factor[c]);
    }
    mewl__job reorder = {0};
    mewl_status status = mewl__job_reorder(&reorder, conv->context, plain, chosen, err);
    if (status == MEWL_OK && reorder.primitive == NULL) {
        memcpy(conv->weight, spec->weight, bytes);
    } else if (status == MEWL_OK) {
        status = mewl__job_run(&reorder, conv->context, (void *[]){(void *)(uintptr_t)spec->weight, conv->weight},
                               "a reorder of weights", err);
    }
    mewl__job_fini(&reorder);
    return status;
}

static mewl_status make_forward(mewl__conv8 *conv, const mewl__conv8_spec *spec, const dnnl_memory_desc_t *plain,
                                const_dnnl_primitive_desc_t pd, mewl_error *err)
{
    const dnnl_memory_desc_t *weight = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    mewl__job *j = &conv->forward;
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_create(&j->primitive, pd), "a convolution in eight bits", err));
    MEWL_TRY(
        mewl__job_arg(j, conv->context, DNNL_ARG_SRC, dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0), err));
    MEWL_TRY(mewl__job_arg(j, conv->context, DNNL_ARG_WEIGHTS, weight, err));
    MEWL_TRY(
        mewl__job_arg(j, conv->context, DNNL_ARG_DST, dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0), err));
    MEWL_TRY(mewl__job_arg(j, conv->context, DNNL_ARG_BIAS, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1),
                           err));
    MEWL_TRY(mewl__job_scratch(j, conv->context, pd, err));
    return take_weights(conv, spec, plain, weight, err);
}

mewl_status mewl__conv8_new(mewl__conv8 **out, mewl__context *context, const mewl__conv8_spec *spec, mewl_error *err)
{
    *out = NULL;
    mewl__conv8 *conv = calloc(1, sizeof *conv);
    if (conv == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a convolution");
    }
    conv->context = context;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_memory_desc_t plain;
    mewl_status status = make_attr(&attr, spec, err);
    if (status == MEWL_OK) {
        status = describe(&pd, &plain, context, spec, attr, err);
    }
    if (status == MEWL_OK) {
        status = make_forward(conv, spec, &plain, pd, err);
    }
    if (pd != NULL) {
        dnnl_primitive_desc_destroy(pd);
    }
    if (attr != NULL) {
        dnnl_primitive_attr_destroy(attr);
    }
    if (status != MEWL_OK) {
        mewl__conv8_free(conv);
        return status;
    }
    *out = conv;
    return MEWL_OK;
}

void mewl__conv8_free(mewl__conv8 *conv)
{
    if (conv != NULL) {
        mewl__job_fini(&conv->forward);
        free(conv->weight);
        free(conv->bias);
        free(conv);
    }
}

mewl_status mewl__conv8_forward(mewl__conv8 *conv, void *y, const void *x, mewl_error *err)
{
    void *const address[] = {(void *)(uintptr_t)x, conv->weight, y, conv->bias};
    return mewl__job_run(&conv->forward, conv->context, address, "a convolution in eight bits", err);
}

mewl_status mewl__gemm8(int32_t *c, const int8_t *a, const int8_t *b, int64_t m, int64_t n, int64_t k, mewl_error *err)
{
    const int32_t nothing = 0;
    return mewl__dnnl_check(dnnl_gemm_s8s8s32('N', 'T', 'F', m, n, k, 1.0f, a, k, 0, b, k, 0, 0.0f, c, n, &nothing),
                            "a matrix product in eight bits", err);
}
