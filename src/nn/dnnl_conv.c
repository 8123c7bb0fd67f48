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

/* One primitive with its arguments: memory objects are made once, addresses set at each run. */
typedef struct job {
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[5];
    int arg[5];
    int count;
} job;

struct mewl__conv {
    mewl__context *context;
    mewl__conv_spec spec;
    dnnl_memory_desc_t src, dst; /* as chosen */
    dnnl_memory_desc_t plain;    /* user's weights */
    job forward, data, weights;
    job to_forward, to_data, from_weights; /* reorders of weights; primitive NULL when the layout is already right */
    void *forward_weight, *data_weight;    /* prepared; data_weight may be the same pointer */
    size_t forward_bytes, data_bytes;
    float *weight_grad, *plain_grad, *bias, *bias_grad;
    size_t grad_bytes;
    int64_t weight_count;
    char name[64];
};

static void job_fini(job *j)
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

static mewl_status job_arg(job *j, mewl__context *context, int arg, const dnnl_memory_desc_t *md, mewl_error *err)
{
    MEWL_TRY(mewl__dnnl_check(dnnl_memory_create(&j->memory[j->count], md, context->engine, DNNL_MEMORY_NONE),
                              "a memory object", err));
    j->arg[j->count++] = arg;
    return MEWL_OK;
}

/* Adds the shared scratch memory as the last argument of `j`. */
static mewl_status job_scratch(job *j, mewl__context *context, const_dnnl_primitive_desc_t pd, mewl_error *err)
{
    const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    size_t bytes = md != NULL ? dnnl_memory_desc_get_size(md) : 0;
    if (bytes == 0) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl__context_reserve(context, bytes, err));
    return job_arg(j, context, DNNL_ARG_SCRATCHPAD, md, err);
}

/* Runs with `address` of each argument in order of job_arg (the scratch memory is added here). */
static mewl_status job_run(job *j, mewl__context *context, void *const *address, const char *what, mewl_error *err)
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

/* Geometry in oneDNN's order of arguments. */
typedef struct geometry {
    dnnl_dims_t src, weight, dst, bias, stride, dilate, before, after;
    int weight_rank;
    dnnl_data_type_t type;
} geometry;

static geometry geometry_of(const mewl__conv_spec *s)
{
    int h = 0, w = 1; /* which of (time, frequency) is oneDNN's height and width */
    if (s->in_size[1] == 1 && s->out_size[1] == 1 && s->kernel[1] == 1) {
        h = 1;
        w = 0;
    }
    geometry g = {
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
        memcpy(g.weight,
               (dnnl_dims_t){s->groups, s->out / s->groups, s->in / s->groups, s->kernel[h], s->kernel[w]},
               sizeof g.weight);
    }
    return g;
}

/* Attributes: scratch memory from the caller, and what follows the convolution. */
static mewl_status make_attr(dnnl_primitive_attr_t *attr, mewl__post post, mewl_error *err)
{
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_attr_create(attr), "attributes", err));
    mewl_status status = mewl__dnnl_check(
        dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user), "attributes", err);
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

static dnnl_status_t forward_pd(dnnl_primitive_desc_t *pd, const mewl__conv *conv, const geometry *g,
                                dnnl_format_tag_t src_tag, dnnl_format_tag_t dst_tag, dnnl_primitive_attr_t attr)
{
    dnnl_memory_desc_t src, dst, weight, bias;
    dnnl_convolution_desc_t desc;
    dnnl_memory_desc_init_by_tag(&src, 4, g->src, g->type, src_tag);
    dnnl_memory_desc_init_by_tag(&dst, 4, g->dst, g->type, dst_tag);
    dnnl_memory_desc_init_by_tag(&weight, g->weight_rank, g->weight, g->type, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&bias, 1, g->bias, dnnl_f32, dnnl_x);
    dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
        &desc, conv->spec.backward ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct, &src,
        &weight, conv->spec.bias ? &bias : NULL, &dst, g->stride, g->dilate, g->before, g->after);
    return status != dnnl_success ? status
                                  : dnnl_primitive_desc_create(pd, &desc, attr, conv->context->engine, NULL);
}

static bool is_reference(const_dnnl_primitive_desc_t pd)
{
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) == 0;
}

/* The first of: the input as it lies with a blocked output, both blocked, whatever oneDNN likes, plain; reference
 * implementations only when nothing else is left. */
static mewl_status choose(dnnl_primitive_desc_t *pd, mewl__conv *conv, const geometry *g, dnnl_primitive_attr_t attr,
                          mewl_error *err)
{
    dnnl_format_tag_t blocked = tags[conv->context->layout], given = tags[conv->spec.given];
    dnnl_format_tag_t tries[][2] = {
        {given, blocked},
        {blocked, blocked},
        {dnnl_format_tag_any, dnnl_format_tag_any},
        {given, given},
        {dnnl_nchw, dnnl_nchw},
    };
    dnnl_primitive_desc_t slow = NULL;
    dnnl_status_t status = dnnl_unimplemented;
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        dnnl_primitive_desc_t made = NULL;
        mewl_layout ignored;
        status = forward_pd(&made, conv, g, tries[i][0], tries[i][1], attr);
        if (status != dnnl_success) {
            continue;
        }
        bool known = layout_of(&ignored, dnnl_primitive_desc_query_md(made, dnnl_query_src_md, 0)) &&
                     layout_of(&ignored, dnnl_primitive_desc_query_md(made, dnnl_query_dst_md, 0));
        if (known && !is_reference(made)) {
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

/* A reorder between two descriptors of the weights; none when they are equal. */
static mewl_status make_reorder(job *j, mewl__context *context, const dnnl_memory_desc_t *from,
                                const dnnl_memory_desc_t *to, mewl_error *err)
{
    if (dnnl_memory_desc_equal(from, to)) {
        return MEWL_OK;
    }
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_attr_t attr = NULL;
    MEWL_TRY(make_attr(&attr, MEWL__POST_NONE, err));
    mewl_status status = mewl__dnnl_check(
        dnnl_reorder_primitive_desc_create(&pd, from, context->engine, to, context->engine, attr),
        "a reorder of weights", err);
    if (status == MEWL_OK) {
        status = mewl__dnnl_check(dnnl_primitive_create(&j->primitive, pd), "a reorder of weights", err);
    }
    if (status == MEWL_OK) {
        status = job_arg(j, context, DNNL_ARG_FROM, from, err);
    }
    if (status == MEWL_OK) {
        status = job_arg(j, context, DNNL_ARG_TO, to, err);
    }
    if (status == MEWL_OK) {
        status = job_scratch(j, context, pd, err);
    }
    if (pd != NULL) {
        dnnl_primitive_desc_destroy(pd);
    }
    dnnl_primitive_attr_destroy(attr);
    return status;
}

static mewl_status make_forward(mewl__conv *conv, const_dnnl_primitive_desc_t pd, mewl_error *err)
{
    const dnnl_memory_desc_t *weight = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    strncpy(conv->name, name, sizeof conv->name - 1);
    conv->src = *dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0);
    conv->dst = *dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0);
    job *j = &conv->forward;
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_create(&j->primitive, pd), "a convolution", err));
    MEWL_TRY(job_arg(j, conv->context, DNNL_ARG_SRC, &conv->src, err));
    MEWL_TRY(job_arg(j, conv->context, DNNL_ARG_WEIGHTS, weight, err));
    MEWL_TRY(job_arg(j, conv->context, DNNL_ARG_DST, &conv->dst, err));
    if (conv->spec.bias) {
        MEWL_TRY(job_arg(j, conv->context, DNNL_ARG_BIAS,
                         dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1), err));
    }
    MEWL_TRY(job_scratch(j, conv->context, pd, err));
    MEWL_TRY(make_reorder(&conv->to_forward, conv->context, &conv->plain, weight, err));
    conv->forward_bytes = dnnl_memory_desc_get_size(weight);
    conv->forward_weight = mewl__alloc(conv->forward_bytes);
    return conv->forward_weight != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for weights");
}

static mewl_status make_backward_data(mewl__conv *conv, const geometry *g, const_dnnl_primitive_desc_t hint,
                                      dnnl_primitive_attr_t attr, mewl_error *err)
{
    dnnl_memory_desc_t any;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_memory_desc_init_by_tag(&any, g->weight_rank, g->weight, g->type, dnnl_format_tag_any);
    MEWL_TRY(mewl__dnnl_check(
        dnnl_dilated_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &conv->src, &any, &conv->dst,
                                                         g->stride, g->dilate, g->before, g->after),
        "a convolution's input gradient", err));
    MEWL_TRY(mewl__dnnl_check(dnnl_primitive_desc_create(&pd, &desc, attr, conv->context->engine, hint),
                              "a convolution's input gradient", err));
    const dnnl_memory_desc_t *weight = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    job *j = &conv->data;
    mewl_status status = mewl__dnnl_check(dnnl_primitive_create(&j->primitive, pd), "a convolution's input gradient",
                                          err);
    if (status == MEWL_OK) {
        status = job_arg(j, conv->context, DNNL_ARG_DIFF_SRC, &conv->src, err);
    }
    if (status == MEWL_OK) {
        status = job_arg(j, conv->context, DNNL_ARG_WEIGHTS, weight, err);
    }
    if (status == MEWL_OK) {
        status = job_arg(j, conv->context, DNNL_ARG_DIFF_DST, &conv->dst, err);
    }
    if (status == MEWL_OK) {
        status = job_scratch(j, conv->context, pd, err);
    }
    if (status == MEWL_OK) {
        status = make_reorder(&conv->to_data, conv->context, &conv->plain, weight, err);
    }
    if (status == MEWL_OK) {
        conv->data_bytes = dnnl_memory_desc_get_size(weight);
        conv->data_weight = mewl__alloc(conv->data_bytes);
        if (conv->data_weight == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for weights");
        }
    }
    dnnl_primitive_desc_destroy(pd);
    return status;
}

static mewl_status make_backward_weights(mewl__conv *conv, const geometry *g, const_dnnl_primitive_desc_t hint,
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
    job *j = &conv->weights;
    mewl_status status =
        mewl__dnnl_check(dnnl_primitive_create(&j->primitive, pd), "a convolution's weight gradient", err);
    if (status == MEWL_OK) {
        status = job_arg(j, conv->context, DNNL_ARG_SRC, &conv->src, err);
    }
    if (status == MEWL_OK) {
        status = job_arg(j, conv->context, DNNL_ARG_DIFF_WEIGHTS, weight, err);
    }
    if (status == MEWL_OK) {
        status = job_arg(j, conv->context, DNNL_ARG_DIFF_DST, &conv->dst, err);
    }
    if (status == MEWL_OK && conv->spec.bias) {
        status = job_arg(j, conv->context, DNNL_ARG_DIFF_BIAS, &bias, err);
    }
    if (status == MEWL_OK) {
        status = job_scratch(j, conv->context, pd, err);
    }
    if (status == MEWL_OK) {
        status = make_reorder(&conv->from_weights, conv->context, weight, &conv->plain, err);
    }
    if (status == MEWL_OK) {
        conv->grad_bytes = dnnl_memory_desc_get_size(weight);
        conv->weight_grad = mewl__alloc(conv->grad_bytes);
        conv->plain_grad = mewl__alloc((size_t)conv->weight_count * sizeof(float));
        conv->bias_grad = mewl__alloc((size_t)conv->spec.out * sizeof(float));
        if (conv->weight_grad == NULL || conv->plain_grad == NULL || conv->bias_grad == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for gradients");
        }
    }
    dnnl_primitive_desc_destroy(pd);
    return status;
}

mewl_status mewl__conv_new(mewl__conv **out, mewl_layout *in_layout, mewl_layout *out_layout, mewl__context *context,
                           const mewl__conv_spec *spec, mewl_error *err)
{
    *out = NULL;
    mewl__conv *conv = calloc(1, sizeof *conv);
    if (conv == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a convolution");
    }
    conv->context = context;
    conv->spec = *spec;
    conv->weight_count = spec->out * (spec->in / spec->groups) * spec->kernel[0] * spec->kernel[1];
    geometry g = geometry_of(spec);
    dnnl_memory_desc_init_by_tag(&conv->plain, g.weight_rank, g.weight, dnnl_f32,
                                 g.weight_rank == 4 ? dnnl_oihw : dnnl_goihw);
    dnnl_primitive_attr_t attr = NULL, bare = NULL;
    dnnl_primitive_desc_t pd = NULL;
    mewl_status status = make_attr(&attr, spec->post, err);
    if (status == MEWL_OK) {
        status = make_attr(&bare, MEWL__POST_NONE, err);
    }
    if (status == MEWL_OK) {
        status = choose(&pd, conv, &g, attr, err);
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
        if (conv->bias == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a bias");
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
    if (status != MEWL_OK) {
        mewl__conv_free(conv);
        return status;
    }
    layout_of(in_layout, &conv->src);
    layout_of(out_layout, &conv->dst);
    *out = conv;
    return MEWL_OK;
}

void mewl__conv_free(mewl__conv *conv)
{
    if (conv == NULL) {
        return;
    }
    job_fini(&conv->forward);
    job_fini(&conv->data);
    job_fini(&conv->weights);
    job_fini(&conv->to_forward);
    job_fini(&conv->to_data);
    job_fini(&conv->from_weights);
    free(conv->forward_weight);
    free(conv->data_weight);
    free(conv->weight_grad);
    free(conv->plain_grad);
    free(conv->bias);
    free(conv->bias_grad);
    free(conv);
}

size_t mewl__conv_bytes(const mewl__conv *conv)
{
    return conv->forward_bytes + conv->data_bytes + conv->grad_bytes;
}

const char *mewl__conv_name(const mewl__conv *conv)
{
    return conv->name;
}

/* Reorders plain weights into `to`, or copies them when the layout is plain already. */
static mewl_status prepare(mewl__conv *conv, job *reorder, void *to, const float *weight, mewl_error *err)
{
    if (reorder->primitive == NULL) {
        memcpy(to, weight, (size_t)conv->weight_count * sizeof *weight);
        return MEWL_OK;
    }
    return job_run(reorder, conv->context, (void *[]){(void *)(uintptr_t)weight, to}, "a reorder of weights", err);
}

mewl_status mewl__conv_prepare(mewl__conv *conv, const float *weight, const float *bias, mewl_error *err)
{
    MEWL_TRY(prepare(conv, &conv->to_forward, conv->forward_weight, weight, err));
    if (conv->data_weight != NULL) {
        MEWL_TRY(prepare(conv, &conv->to_data, conv->data_weight, weight, err));
    }
    if (bias != NULL) {
        memcpy(conv->bias, bias, (size_t)conv->spec.out * sizeof *bias);
    }
    return MEWL_OK;
}

mewl_status mewl__conv_forward(mewl__conv *conv, void *y, const void *x, mewl_error *err)
{
    void *const address[] = {(void *)(uintptr_t)x, conv->forward_weight, y, conv->bias};
    return job_run(&conv->forward, conv->context, address, "a convolution", err);
}

mewl_status mewl__conv_backward_data(mewl__conv *conv, void *dx, const void *dy, mewl_error *err)
{
    void *const address[] = {dx, conv->data_weight, (void *)(uintptr_t)dy};
    return job_run(&conv->data, conv->context, address, "a convolution's input gradient", err);
}

mewl_status mewl__conv_backward_weights(mewl__conv *conv, float *dweight, float *dbias, const void *x, const void *dy,
                                        mewl_error *err)
{
    void *const address[] = {(void *)(uintptr_t)x, conv->weight_grad, (void *)(uintptr_t)dy, conv->bias_grad};
    MEWL_TRY(job_run(&conv->weights, conv->context, address, "a convolution's weight gradient", err));
    const float *grad = conv->weight_grad;
    if (conv->from_weights.primitive != NULL) {
        MEWL_TRY(job_run(&conv->from_weights, conv->context, (void *[]){conv->weight_grad, conv->plain_grad},
                         "a reorder of gradients", err));
        grad = conv->plain_grad;
    }
    for (int64_t i = 0; dweight != NULL && i < conv->weight_count; i++) {
        dweight[i] += grad[i];
    }
    if (dbias != NULL) {
        for (int64_t i = 0; i < conv->spec.out; i++) {
            dbias[i] += conv->bias_grad[i];
        }
    }
    return MEWL_OK;
}
