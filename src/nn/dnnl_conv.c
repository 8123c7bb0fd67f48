/* dnnl_conv.c - convolution in oneDNN: descriptors, choice of layout, weights, forward and backward.
 *
 * The one file that depends on how oneDNN 2.x makes primitive descriptors (an operation descriptor first). Pointwise in
 * frequency (width 1) is handed over with time as the width, the dimension its kernels run along: the memory is the
 * same.
 */
#include "nn/dnnl_private.h"
#include "nn/memory.h"

#include <stdlib.h>
#include <string.h>

struct mewl__conv {
    mewl__context *context;
    mewl__conv_spec spec;    /* as handed to oneDNN: channels rounded up to whole blocks when `padded` */
    int64_t in, out, groups; /* as asked for */
    bool padded;
    float *wide;                 /* plain weights with zeros in the surplus channels */
    dnnl_memory_desc_t src, dst; /* as chosen */
    dnnl_memory_desc_t plain;    /* user's weights */
    mewl__job forward, data, weights;
    mewl__job to_forward, to_data,
        from_weights;                   /* reorders of weights; primitive NULL when the layout is already right */
    void *forward_weight, *data_weight; /* prepared; data_weight may be the same pointer */
    float *weight_grad, *plain_grad, *bias, *bias_grad;
    int64_t weight_count; /* of spec */
};

static const dnnl_format_tag_t tags[MEWL_LAYOUT_COUNT] = {dnnl_nchw, dnnl_nhwc, dnnl_nChw8c, dnnl_nChw16c};

static bool layout_of(mewl_layout *layout, const dnnl_memory_desc_t *md)
{
    for (int i = 0; i < MEWL_LAYOUT_COUNT; i++) {
        dnnl_memory_desc_t same;
        if (dnnl_memory_desc_init_by_tag(&same, 4, md->dims, md->data_type, tags[i]) == dnnl_success &&
            dnnl_memory_desc_equal(&same, md)) {
            *layout = (mewl_layout)i;
            return true;
        }
    }
    return false;
}

mewl__geometry mewl__geometry_of(const mewl__conv_spec *s)
{
    int h = 0, w = 1; /* which of (time, frequency) is oneDNN's height and width */
    if (s->in_size[1] == 1 && s->out_size[1] == 1 && s->kernel[1] == 1) {
        h = 1;
        w = 0;
    }
    mewl__geometry g = {
        .src = {s->n, s->in, s->in_size[h], s->in_size[w]},
        .dst = {s->n, s->out, s->out_size[h], s->out_size[w]},
        .bias = {s->out},
        .stride = {s->stride[h], s->stride[w]},
        .dilate = {s->dilation[h] - 1, s->dilation[w] - 1},
        .before = {s->pad[2 * h], s->pad[2 * w]},
        .after = {s->pad[2 * h + 1], s->pad[2 * w + 1]},
        .type = s->dtype == MEWL_DTYPE_BF16 ? dnnl_bf16 : dnnl_f32,
    };
    if (s->groups == 1) {
        g.weight_rank = 4;
        memcpy(g.weight, (dnnl_dims_t){s->out, s->in, s->kernel[h], s->kernel[w]}, sizeof g.weight);
    } else {
        g.weight_rank = 5;
        memcpy(g.weight, (dnnl_dims_t){s->groups, s->out / s->groups, s->in / s->groups, s->kernel[h], s->kernel[w]},
               sizeof g.weight);
    }
    return g;
}

static dnnl_status_t forward_pd(dnnl_primitive_desc_t *pd, const mewl__conv *conv, const mewl__geometry *g,
                                dnnl_alg_kind_t alg, dnnl_format_tag_t src_tag, dnnl_format_tag_t dst_tag,
                                dnnl_primitive_attr_t attr)
{
    dnnl_memory_desc_t src, dst, weight, bias;
    dnnl_convolution_desc_t desc;
    dnnl_memory_desc_init_by_tag(&src, 4, g->src, g->type, src_tag);
    dnnl_memory_desc_init_by_tag(&dst, 4, g->dst, g->type, dst_tag);
    dnnl_memory_desc_init_by_tag(&weight, g->weight_rank, g->weight, g->type, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&bias, 1, g->bias, dnnl_f32, dnnl_x);
    dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
        &desc, conv->spec.backward ? dnnl_forward_training : dnnl_forward_inference, alg, &src, &weight,
        conv->spec.bias ? &bias : NULL, &dst, g->stride, g->dilate, g->before, g->after);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &desc, attr, conv->context->engine, NULL);
}

bool mewl__is_reference(const_dnnl_primitive_desc_t pd)
{
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) == 0;
}

/* Is Winograd's F(4, 3) asked for, and possible? */
static bool suits_winograd(const mewl__conv_spec *s)
{
    return s->winograd && s->dtype == MEWL_DTYPE_F32 && !s->backward && !s->backward_data && s->groups == 1 &&
           s->in >= 16 && s->kernel[0] == 3 && s->kernel[1] == 3 && s->stride[0] == 1 && s->stride[1] == 1 &&
           s->dilation[0] == 1 && s->dilation[1] == 1;
}

/* The first of: the input as it lies with a blocked output, both blocked, whatever oneDNN likes, plain; reference
 * implementations only when nothing else is left. */
static mewl_status choose(dnnl_primitive_desc_t *pd, mewl__conv *conv, const mewl__geometry *g,
                          dnnl_primitive_attr_t attr, mewl_error *err)
{
    dnnl_format_tag_t blocked = tags[conv->context->layout], given = tags[conv->spec.given];
    dnnl_format_tag_t tries[][2] = {
        {given, blocked}, {blocked, blocked},     {dnnl_format_tag_any, dnnl_format_tag_any},
        {given, given},   {dnnl_nchw, dnnl_nchw},
    };
    size_t count = sizeof tries / sizeof tries[0];
    if (conv->padded) { /* surplus channels exist in blocked memory alone */
        tries[0][0] = conv->in == 1 ? dnnl_nchw : blocked;
        count = 1;
    }
    dnnl_primitive_desc_t slow = NULL;
    dnnl_status_t status = dnnl_unimplemented;
    if (suits_winograd(&conv->spec)) {
        status = forward_pd(pd, conv, g, dnnl_convolution_winograd, blocked, blocked, attr);
        if (status == dnnl_success) {
            return MEWL_OK;
        }
    }
    for (size_t i = 0; i < count; i++) {
        dnnl_primitive_desc_t made = NULL;
        mewl_layout ignored;
        status = forward_pd(&made, conv, g, dnnl_convolution_direct, tries[i][0], tries[i][1], attr);
        if (status != dnnl_success) {
            continue;
        }
        bool known = layout_of(&ignored, dnnl_primitive_desc_query_md(made, dnnl_query_src_md, 0)) &&
                     layout_of(&ignored, dnnl_primitive_desc_query_md(made, dnnl_query_dst_md, 0));
        if (known && !mewl__is_reference(made)) {
            if (slow != NULL) {
                dnnl_primitive_desc_destroy(slow);
            }
            *pd = made;
            return MEWL_OK;
        }
        if (known && slow == NULL) {
            slow = made;
        } else {
            dnnl_primitive_desc_destroy(made);
        }
    }
    *pd = slow;
    return slow != NULL ? MEWL_OK : mewl__dnnl_check(status, "a convolution", err);
}

static mewl_status make_forward(mewl__conv *conv, const_dnnl_primitive_desc_t pd, mewl_error *err)
{
    const dnnl_memory_desc_t *weight = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    conv->src = *dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0);
    conv->dst = *dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0);
    mewl__job *j = &conv->forward;
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_create(&j->primitive, pd), "a convolution", err));
    MEWL_TRY(mewl__job_arg(j, conv->context, DNNL_ARG_SRC, &conv->src, err));
    MEWL_TRY(mewl__job_arg(j, conv->context, DNNL_ARG_WEIGHTS, weight, err));
    MEWL_TRY(mewl__job_arg(j, conv->context, DNNL_ARG_DST, &conv->dst, err));
    if (conv->spec.bias) {
        MEWL_TRY(mewl__job_arg(j, conv->context, DNNL_ARG_BIAS,
                               dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1), err));
    }
    MEWL_TRY(mewl__job_scratch(j, conv->context, pd, err));
    MEWL_TRY(mewl__job_reorder(&conv->to_forward, conv->context, &conv->plain, weight, err));
    conv->forward_weight = mewl__alloc(dnnl_memory_desc_get_size(weight));
    return conv->forward_weight != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for weights");
}

static mewl_status make_backward_data(mewl__conv *conv, const mewl__geometry *g, const_dnnl_primitive_desc_t hint,
                                      dnnl_primitive_attr_t attr, mewl_error *err)
{
    dnnl_memory_desc_t any;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_memory_desc_init_by_tag(&any, g->weight_rank, g->weight, g->type, dnnl_format_tag_any);
    MEWL_TRY(mewl__dnnl_check(dnnl_dilated_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct,
                                                                               &conv->src, &any, &conv->dst, g->stride,
                                                                               g->dilate, g->before, g->after),
                              "a convolution's input gradient", err));
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_desc_create(&pd, &desc, attr, conv->context->engine, hint),
                              "a convolution's input gradient", err));
    const dnnl_memory_desc_t *weight = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    mewl__job *j = &conv->data;
    mewl_status status =
        mewl__dnnl_check(dnnl_primitive_create(&j->primitive, pd), "a convolution's input gradient", err);
    if (status == MEWL_OK) {
        status = mewl__job_arg(j, conv->context, DNNL_ARG_DIFF_SRC, &conv->src, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_arg(j, conv->context, DNNL_ARG_WEIGHTS, weight, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_arg(j, conv->context, DNNL_ARG_DIFF_DST, &conv->dst, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_scratch(j, conv->context, pd, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_reorder(&conv->to_data, conv->context, &conv->plain, weight, err);
    }
    if (status == MEWL_OK) {
        conv->data_weight = mewl__alloc(dnnl_memory_desc_get_size(weight));
        if (conv->data_weight == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for weights");
        }
    }
    dnnl_primitive_desc_destroy(pd);
    return status;
}

static mewl_status make_backward_weights(mewl__conv *conv, const mewl__geometry *g, const_dnnl_primitive_desc_t hint,
                                         dnnl_primitive_attr_t attr, mewl_error *err)
{
    dnnl_memory_desc_t any, bias;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_memory_desc_init_by_tag(&any, g->weight_rank, g->weight, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&bias, 1, g->bias, dnnl_f32, dnnl_x);
    MEWL_TRY(mewl__dnnl_check(dnnl_dilated_convolution_backward_weights_desc_init(
                                  &desc, dnnl_convolution_direct, &conv->src, &any, conv->spec.bias ? &bias : NULL,
                                  &conv->dst, g->stride, g->dilate, g->before, g->after),
                              "a convolution's weight gradient", err));
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_desc_create(&pd, &desc, attr, conv->context->engine, hint),
                              "a convolution's weight gradient", err));
    const dnnl_memory_desc_t *weight = dnnl_primitive_desc_query_md(pd, dnnl_query_diff_weights_md, 0);
    mewl__job *j = &conv->weights;
    mewl_status status =
        mewl__dnnl_check(dnnl_primitive_create(&j->primitive, pd), "a convolution's weight gradient", err);
    if (status == MEWL_OK) {
        status = mewl__job_arg(j, conv->context, DNNL_ARG_SRC, &conv->src, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_arg(j, conv->context, DNNL_ARG_DIFF_WEIGHTS, weight, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_arg(j, conv->context, DNNL_ARG_DIFF_DST, &conv->dst, err);
    }
    if (status == MEWL_OK && conv->spec.bias) {
        status = mewl__job_arg(j, conv->context, DNNL_ARG_DIFF_BIAS, &bias, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_scratch(j, conv->context, pd, err);
    }
    if (status == MEWL_OK) {
        status = mewl__job_reorder(&conv->from_weights, conv->context, weight, &conv->plain, err);
    }
    if (status == MEWL_OK) {
        conv->weight_grad = mewl__alloc(dnnl_memory_desc_get_size(weight));
        conv->plain_grad = mewl__alloc((size_t)conv->weight_count * sizeof(float));
        conv->bias_grad = mewl__alloc((size_t)conv->spec.out * sizeof(float));
        if (conv->weight_grad == NULL || conv->plain_grad == NULL || conv->bias_grad == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for gradients");
        }
    }
    dnnl_primitive_desc_destroy(pd);
    return status;
}

/* Rounds channels up to whole blocks: in blocked memory the surplus is there anyway, and oneDNN's fast gradients want
 * whole blocks. A single input channel stays plain. False when there is nothing to round, or groups forbid it. */
static bool pad_channels(mewl__conv *conv)
{
    mewl__conv_spec *s = &conv->spec;
    int64_t block = mewl_layout_block(conv->context->layout, 1);
    int64_t in = (s->in + block - 1) / block * block, out = (s->out + block - 1) / block * block;
    bool depthwise = s->groups == s->in && s->groups == s->out && s->groups > 1;
    if (block == 1 || (s->groups > 1 && !depthwise) || s->post == MEWL__POST_SIGMOID) {
        return false; /* sigmoid(0) is not 0: surplus channels would not stay zero */
    }
    in = s->in == 1 ? 1 : in;
    conv->padded = in != s->in || out != s->out;
    s->groups = depthwise ? in : 1;
    s->in = in;
    s->out = out;
    return conv->padded;
}

static mewl_status make_all(mewl__conv *conv, mewl_error *err)
{
    const mewl__conv_spec *spec = &conv->spec;
    conv->weight_count = spec->out * (spec->in / spec->groups) * spec->kernel[0] * spec->kernel[1];
    mewl__geometry g = mewl__geometry_of(spec);
    dnnl_memory_desc_init_by_tag(&conv->plain, g.weight_rank, g.weight, dnnl_f32,
                                 g.weight_rank == 4 ? dnnl_oihw : dnnl_goihw);
    dnnl_primitive_attr_t attr = NULL, bare = NULL;
    dnnl_primitive_desc_t pd = NULL;
    mewl_status status = mewl__job_attr(&attr, spec->post, err);
    if (status == MEWL_OK) {
        status = mewl__job_attr(&bare, MEWL__POST_NONE, err);
    }
    if (status == MEWL_OK) {
        status = choose(&pd, conv, &g, attr, err);
    }
    if (status == MEWL_OK && conv->padded && mewl__is_reference(pd)) {
        status = MEWL_E_UNSUPPORTED;
    }
    if (status == MEWL_OK) {
        status = make_forward(conv, pd, err);
    }
    if (status == MEWL_OK && spec->backward_data) {
        status = make_backward_data(conv, &g, pd, bare, err);
    }
    if (status == MEWL_OK && spec->backward) {
        status = make_backward_weights(conv, &g, pd, bare, err);
    }
    if (status == MEWL_OK) {
        conv->bias = mewl__alloc((size_t)spec->out * sizeof(float));
        conv->wide = mewl__alloc(conv->padded ? (size_t)conv->weight_count * sizeof(float) : 0);
        if (conv->bias == NULL || conv->wide == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a convolution");
        }
    }
    if (pd != NULL) {
        dnnl_primitive_desc_destroy(pd);
    }
    if (attr != NULL) {
        dnnl_primitive_attr_destroy(attr);
    }
    if (bare != NULL) {
        dnnl_primitive_attr_destroy(bare);
    }
    return status;
}

static mewl_status attempt(mewl__conv **out, mewl__context *context, const mewl__conv_spec *spec, bool pad,
                           mewl_error *err)
{
    *out = NULL;
    mewl__conv *conv = calloc(1, sizeof *conv);
    if (conv == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a convolution");
    }
    conv->context = context;
    conv->spec = *spec;
    conv->in = spec->in;
    conv->out = spec->out;
    conv->groups = spec->groups;
    mewl_status status = MEWL_E_UNSUPPORTED;
    if (!pad || pad_channels(conv)) {
        status = make_all(conv, err);
    }
    if (status != MEWL_OK) {
        mewl__conv_free(conv);
        return status;
    }
    *out = conv;
    return MEWL_OK;
}

mewl_status mewl__conv_new(mewl__conv **out, mewl_layout *in_layout, mewl_layout *out_layout, mewl__context *context,
                           const mewl__conv_spec *spec, mewl_error *err)
{
    mewl_status status = attempt(out, context, spec, true, NULL);
    if (status != MEWL_OK) {
        status = attempt(out, context, spec, false, err);
    }
    if (status == MEWL_OK) {
        layout_of(in_layout, &(*out)->src);
        layout_of(out_layout, &(*out)->dst);
    }
    return status;
}

void mewl__conv_free(mewl__conv *conv)
{
    if (conv == NULL) {
        return;
    }
    mewl__job_fini(&conv->forward);
    mewl__job_fini(&conv->data);
    mewl__job_fini(&conv->weights);
    mewl__job_fini(&conv->to_forward);
    mewl__job_fini(&conv->to_data);
    mewl__job_fini(&conv->from_weights);
    free(conv->forward_weight);
    free(conv->data_weight);
    free(conv->weight_grad);
    free(conv->plain_grad);
    free(conv->bias);
    free(conv->bias_grad);
    free(conv->wide);
    free(conv);
}

/* Reorders plain weights into `to`, or copies them when the layout is plain already. */
static mewl_status prepare(mewl__conv *conv, mewl__job *reorder, void *to, const float *weight, mewl_error *err)
{
    if (reorder->primitive == NULL) {
        memcpy(to, weight, (size_t)conv->weight_count * sizeof *weight);
        return MEWL_OK;
    }
    return mewl__job_run(reorder, conv->context, (void *[]){(void *)(uintptr_t)weight, to}, "a reorder of weights",
                         err);
}

/* Rows of weights (one input channel of one output channel) as asked for, their length, and where each lies in the
 * padded form. */
typedef struct kernels {
    int64_t out, in, wide_in, area;
} kernels;

static kernels kernels_of(const mewl__conv *conv)
{
    return (kernels){.out = conv->out,
                     .in = conv->in / conv->groups,
                     .wide_in = conv->spec.in / conv->spec.groups,
                     .area = conv->spec.kernel[0] * conv->spec.kernel[1]};
}

mewl_status mewl__conv_prepare(mewl__conv *conv, const float *weight, const float *bias, mewl_error *err)
{
    kernels k = kernels_of(conv);
    for (int64_t o = 0; conv->padded && o < k.out; o++) {
        memcpy(conv->wide + o * k.wide_in * k.area, weight + o * k.in * k.area,
               (size_t)(k.in * k.area) * sizeof *weight);
    }
    weight = conv->padded ? conv->wide : weight;
    MEWL_TRY(prepare(conv, &conv->to_forward, conv->forward_weight, weight, err));
    if (conv->data_weight != NULL) {
        MEWL_TRY(prepare(conv, &conv->to_data, conv->data_weight, weight, err));
    }
    if (bias != NULL) {
        memcpy(conv->bias, bias, (size_t)conv->out * sizeof *bias);
    }
    return MEWL_OK;
}

mewl_status mewl__conv_forward(mewl__conv *conv, void *y, const void *x, mewl_error *err)
{
    void *const address[] = {(void *)(uintptr_t)x, conv->forward_weight, y, conv->bias};
    return mewl__job_run(&conv->forward, conv->context, address, "a convolution", err);
}

mewl_status mewl__conv_backward_data(mewl__conv *conv, void *dx, const void *dy, mewl_error *err)
{
    void *const address[] = {dx, conv->data_weight, (void *)(uintptr_t)dy};
    return mewl__job_run(&conv->data, conv->context, address, "a convolution's input gradient", err);
}

mewl_status mewl__conv_backward_weights(mewl__conv *conv, float *dweight, float *dbias, const void *x, const void *dy,
                                        mewl_error *err)
{
    void *const address[] = {(void *)(uintptr_t)x, conv->weight_grad, (void *)(uintptr_t)dy, conv->bias_grad};
    MEWL_TRY(mewl__job_run(&conv->weights, conv->context, address, "a convolution's weight gradient", err));
    const float *grad = conv->weight_grad;
    if (conv->from_weights.primitive != NULL) {
        MEWL_TRY(mewl__job_run(&conv->from_weights, conv->context, (void *[]){conv->weight_grad, conv->plain_grad},
                               "a reorder of gradients", err));
        grad = conv->plain_grad;
    }
    kernels k = kernels_of(conv);
    for (int64_t o = 0; dweight != NULL && o < k.out; o++) {
        const float *from = grad + o * k.wide_in * k.area;
        float *to = dweight + o * k.in * k.area;
        for (int64_t i = 0; i < k.in * k.area; i++) {
            to[i] += from[i];
        }
    }
    if (dbias != NULL) {
        for (int64_t i = 0; i < conv->out; i++) {
            dbias[i] += conv->bias_grad[i];
        }
    }
    return MEWL_OK;
}
