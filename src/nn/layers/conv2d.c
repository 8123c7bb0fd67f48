/* conv2d.c - the convolution layer: geometry, parameters, and what it takes over in inference (batch norm after it,
 * activation after that). The arithmetic is oneDNN's, behind dnnl_door.h. */
#include "nn/conv_dilated.h"
#include "nn/conv_first.h"
#include "nn/net_private.h"
#include "nn/quant_private.h"

#include <stdlib.h>
#include <string.h>

typedef struct conv2d {
    mewl_layer layer;
    mewl_conv2d_opts opts;
    int64_t in;
    mewl__conv *conv;
    mewl__conv8 *conv8;          /* computes in eight bits instead, or NULL */
    mewl__conv_first *first;     /* gives the input gradient, or NULL: conv does */
    mewl__conv_dilated *dilated; /* gives all gradients, or NULL */
    const mewl_layer *norm;      /* absorbed, or NULL */
    mewl__post post;
    float *folded, *scale, *shift, *bias; /* with an absorbed norm: weights, its figures, bias */
} conv2d;

static int64_t out_size(const mewl_conv2d_opts *o, int axis, int64_t in, int64_t *before, int64_t *after)
{
    int64_t reach = (o->kernel[axis] - 1) * o->dilation[axis] + 1, stride = o->stride[axis];
    *before = o->pad[2 * axis];
    *after = o->pad[2 * axis + 1];
    if (o->same) {
        int64_t out = (in + stride - 1) / stride, need = (out - 1) * stride + reach - in;
        need = need < 0 ? 0 : need;
        *before = need / 2;
        *after = need - *before;
        return out;
    }
    int64_t span = in + *before + *after - reach;
    return span < 0 ? 0 : span / stride + 1;
}

/* Everything a plan made, but not what was absorbed. */
static void drop(conv2d *self)
{
    mewl__conv_free(self->conv);
    mewl__conv8_free(self->conv8);
    mewl__conv_first_free(self->first);
    mewl__conv_dilated_free(self->dilated);
    free(self->folded);
    free(self->scale);
    free(self->shift);
    free(self->bias);
    self->conv = NULL;
    self->conv8 = NULL;
    self->first = NULL;
    self->dilated = NULL;
    self->folded = self->scale = self->shift = self->bias = NULL;
}

/* Geometry of the layer on an input of *in. Errors: MEWL_E_SHAPE. */
static mewl_status spec_of(mewl__conv_spec *spec, const conv2d *self, const mewl_tensor *in, mewl_error *err)
{
    const mewl_conv2d_opts *o = &self->opts;
    *spec = (mewl__conv_spec){
        .n = in->shape.dim[0],
        .in = self->in,
        .out = o->out,
        .groups = o->groups,
        .in_size = {in->shape.dim[2], in->shape.dim[3]},
        .kernel = {o->kernel[0], o->kernel[1]},
        .stride = {o->stride[0], o->stride[1]},
        .dilation = {o->dilation[0], o->dilation[1]},
        .given = in->layout,
        .bias = o->bias || self->norm != NULL,
        .post = self->post,
    };
    for (int axis = 0; axis < 2; axis++) {
        spec->out_size[axis] = out_size(o, axis, spec->in_size[axis], &spec->pad[2 * axis], &spec->pad[2 * axis + 1]);
        if (spec->out_size[axis] < 1) {
            char text[64];
            return mewl_error_set(err, MEWL_E_SHAPE, "an input of %s is smaller than the kernel %lldx%lld",
                                  mewl_shape_text(in->shape, text, sizeof text), (long long)o->kernel[0],
                                  (long long)o->kernel[1]);
        }
    }
    return MEWL_OK;
}

/* Room for what folding a norm gives: figures of each channel, and `weights`, which eight bits need not. */
static mewl_status make_folded(conv2d *self, bool weights, mewl_error *err)
{
    size_t count = (size_t)mewl_shape_count(self->layer.params[0]->value.shape), channels = (size_t)self->opts.out;
    self->folded = mewl__alloc(weights ? count * sizeof(float) : 0);
    self->scale = mewl__alloc(channels * sizeof(float));
    self->shift = mewl__alloc(channels * sizeof(float));
    self->bias = mewl__alloc(channels * sizeof(float));
    return self->folded != NULL && self->scale != NULL && self->shift != NULL && self->bias != NULL
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for folded weights");
}

/* What an absorbed norm makes of channel c: factor, and bias. 1 and the layer's own bias without one. */
static void fold_bias(conv2d *self)
{
    const float *bias = self->opts.bias ? self->layer.params[1]->value.data : NULL;
    if (self->norm != NULL) {
        mewl__batch_norm_affine(self->norm, self->scale, self->shift);
    }
    for (int64_t c = 0; c < self->opts.out; c++) {
        self->scale[c] = self->norm != NULL ? self->scale[c] : 1.0f;
        self->bias[c] = (self->norm != NULL ? self->shift[c] : 0.0f) + (bias != NULL ? bias[c] * self->scale[c] : 0.0f);
    }
}

static mewl_status make_conv8(conv2d *self, const mewl_plan *plan, const mewl__conv_spec *conv, const mewl_tensor *in,
                              const mewl_tensor *out, mewl_error *err)
{
    const mewl_layer *layer = &self->layer;
    float *factor = mewl__alloc((size_t)self->opts.out * sizeof *factor);
    int8_t *weight = mewl__alloc((size_t)mewl_shape_count(layer->params[0]->value.shape));
    mewl_status status = factor != NULL && weight != NULL
                             ? make_folded(self, false, err)
                             : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for weights in eight bits");
    if (status == MEWL_OK) {
        fold_bias(self);
        mewl__eight_weights(weight, layer);
        for (int64_t c = 0; c < self->opts.out; c++) {
            factor[c] = in->scale * layer->eight->scale[c] * self->scale[c];
        }
        const mewl__conv8_spec spec = {.conv = *conv,
                                       .out = out->dtype,
                                       .out_scale = mewl__is_eight(out->dtype) ? out->scale : 1.0f,
                                       .factor = factor,
                                       .bias = self->bias,
                                       .weight = weight};
        status = mewl__conv8_new(&self->conv8, plan->context, &spec, err);
    }
    free(factor);
    free(weight);
    return status;
}

/* Plans for eight bits. MEWL_E_UNSUPPORTED: not here; nothing is changed. */
static mewl_status plan_eight(conv2d *self, const mewl_plan *plan, mewl_tensor *in, mewl_tensor *out, mewl_error *err)
{
    const mewl__eight *eight = self->layer.eight;
    if (!plan->eight || eight == NULL || eight->scale == NULL || plan->in_grid[0].scale == 0.0f) {
        return MEWL_E_UNSUPPORTED;
    }
    mewl_tensor from = *in, to = {.layout = MEWL_LAYOUT_LAST, .dtype = MEWL_DTYPE_F32};
    mewl__on_grid(&from, plan->in_grid[0]);
    if (plan->out_eight && plan->out_grid.scale != 0.0f) {
        mewl__on_grid(&to, plan->out_grid);
    }
    mewl__conv_spec spec;
    MEWL_TRY(spec_of(&spec, self, in, err));
    spec.dtype = from.dtype;
    to.shape = mewl_shape_map(spec.n, spec.out, spec.out_size[0], spec.out_size[1]);
    if (mewl_shape_count(to.shape) < 0) {
        return mewl_error_set(err, MEWL_E_SHAPE, "the output would be too large");
    }
    MEWL_TRY(make_conv8(self, plan, &spec, &from, &to, err));
    *in = from;
    *out = to;
    return MEWL_OK;
}

static mewl_status conv2d_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                               mewl_tensor *out, mewl_error *err)
{
    conv2d *self = (conv2d *)layer;
    const mewl_conv2d_opts *o = &self->opts;
    const mewl_param *weight = layer->params[0];
    mewl_status status = plan_eight(self, plan, in, out, err);
    if (status != MEWL_E_UNSUPPORTED) {
        return status;
    }
    drop(self);
    mewl__want_float(plan, in, 1);
    mewl__conv_spec spec;
    MEWL_TRY(spec_of(&spec, self, in, err));
    spec.dtype = plan->compute;
    spec.winograd = plan->winograd;
    spec.backward = plan->training && !(weight->frozen && (!o->bias || layer->params[1]->frozen));
    spec.backward_data = plan->training && plan->grad_wanted[0];
    *out = (mewl_tensor){.shape = mewl_shape_map(spec.n, o->out, spec.out_size[0], spec.out_size[1]),
                         .dtype = plan->compute};
    if (mewl_shape_count(out->shape) < 0) {
        return mewl_error_set(err, MEWL_E_SHAPE, "the output would be too large");
    }
    in->dtype = plan->compute;
    const bool dilated = (spec.backward || spec.backward_data) && mewl__conv_dilated_suits(&spec);
    if (dilated) {
        spec.backward = spec.backward_data = false;
    }
    const bool own = spec.backward_data && mewl__conv_first_suits(&spec);
    if (own) {
        spec.backward_data = false;
        spec.given = MEWL_LAYOUT_PLAIN;
    }
    MEWL_TRY(mewl__conv_new(&self->conv, &in->layout, &out->layout, plan->context, &spec, err));
    if (dilated && in->layout != out->layout) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "a depthwise convolution whose two sides lie differently");
    }
    if (dilated) {
        MEWL_TRY(mewl__conv_dilated_new(&self->dilated, &spec, err));
    }
    if (own) {
        if (out->layout == MEWL_LAYOUT_LAST || in->layout != MEWL_LAYOUT_PLAIN) {
            return mewl_error_set(err, MEWL_E_UNSUPPORTED, "no input gradient for this layout");
        }
        MEWL_TRY(mewl__conv_first_new(&self->first, &spec, err));
    }
    return self->norm != NULL ? make_folded(self, true, err) : MEWL_OK;
}

/* Hands the weights over, an absorbed batch norm multiplied in: w scale, b scale + shift. */
static mewl_status prepare(conv2d *self, mewl_error *err)
{
    const mewl_layer *layer = &self->layer;
    const float *weight = layer->params[0]->value.data;
    if (self->norm == NULL) {
        return mewl__conv_prepare(self->conv, weight, self->opts.bias ? layer->params[1]->value.data : NULL, err);
    }
    size_t channels = (size_t)self->opts.out;
    size_t each = (size_t)mewl_shape_count(layer->params[0]->value.shape) / channels;
    fold_bias(self);
    for (size_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < each; i++) {
            self->folded[c * each + i] = weight[c * each + i] * self->scale[c];
        }
    }
    return mewl__conv_prepare(self->conv, self->folded, self->bias, err);
}

static mewl_status conv2d_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                  mewl_error *err)
{
    conv2d *self = (conv2d *)layer;
    if (self->conv8 != NULL) {
        return mewl__conv8_forward(self->conv8, y->data, x->data, err);
    }
    if (pass->weights_changed) {
        MEWL_TRY(prepare(self, err));
    }
    return mewl__conv_forward(self->conv, y->data, x->data, err);
}

static mewl_status conv2d_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                   const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    conv2d *self = (conv2d *)layer;
    mewl_param *weight = layer->params[0], *bias = self->opts.bias ? layer->params[1] : NULL;
    if (self->dilated != NULL) {
        mewl__conv_dilated_run(self->dilated, &dx[0], weight->frozen ? NULL : weight->grad.data,
                               bias == NULL || bias->frozen ? NULL : bias->grad.data, x, dy, weight->value.data);
        return MEWL_OK;
    }
    if (dx[0].data != NULL && self->first != NULL) {
        MEWL_TRY(mewl__conv_first_run(self->first, &dx[0], dy, weight->value.data, err));
    } else if (dx[0].data != NULL) {
        MEWL_TRY(mewl__conv_backward_data(self->conv, dx[0].data, dy->data, err));
    }
    if (weight->frozen && (bias == NULL || bias->frozen)) {
        return MEWL_OK;
    }
    return mewl__conv_backward_weights(self->conv, weight->frozen ? NULL : weight->grad.data,
                                       bias == NULL || bias->frozen ? NULL : bias->grad.data, x->data, dy->data, err);
}

static bool conv2d_absorb(mewl_layer *layer, const mewl_plan *plan, mewl_layer *next)
{
    conv2d *self = (conv2d *)layer;
    if (plan->training || self->post != MEWL__POST_NONE) {
        return false;
    }
    if (next->ops == &mewl__batch_norm_ops && self->norm == NULL && mewl__batch_norm_affine(next, NULL, NULL)) {
        self->norm = next;
        return true;
    }
    self->post = next->ops == &mewl__relu_ops         ? MEWL__POST_RELU
                 : next->ops == &mewl__relu6_ops      ? MEWL__POST_RELU6
                 : next->ops == &mewl__hard_swish_ops ? MEWL__POST_HARD_SWISH
                 : next->ops == &mewl__sigmoid_ops    ? MEWL__POST_SIGMOID
                                                      : MEWL__POST_NONE;
    return self->post != MEWL__POST_NONE;
}

static void conv2d_unplan(mewl_layer *layer)
{
    conv2d *self = (conv2d *)layer;
    drop(self);
    self->norm = NULL;
    self->post = MEWL__POST_NONE;
}

static void conv2d_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad)
{
    const mewl_conv2d_opts *o = &((const conv2d *)layer)->opts;
    *kernel = o->kernel[0];
    *stride = o->stride[0];
    *dilation = o->dilation[0];
    /* SAME's leading padding depends on the input's length; at most this much */
    *pad = o->same ? ((o->kernel[0] - 1) * o->dilation[0]) / 2 : o->pad[0];
}

/* One channel in (the first of a net): little arithmetic, and the coarsest place to round. */
static unsigned conv2d_eight(const mewl_layer *layer)
{
    return ((const conv2d *)layer)->in > 1 ? MEWL_LAYER_EIGHT_READS | MEWL_LAYER_EIGHT_WEIGHTS : 0;
}

static size_t conv2d_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const conv2d *self = (const conv2d *)layer;
    const mewl_fact all[] = {
        {"kernel_t", (double)self->opts.kernel[0]},     {"kernel_f", (double)self->opts.kernel[1]},
        {"stride_t", (double)self->opts.stride[0]},     {"stride_f", (double)self->opts.stride[1]},
        {"dilation_t", (double)self->opts.dilation[0]}, {"dilation_f", (double)self->opts.dilation[1]},
        {"before_t", (double)self->opts.pad[0]},        {"after_t", (double)self->opts.pad[1]},
        {"before_f", (double)self->opts.pad[2]},        {"after_f", (double)self->opts.pad[3]},
        {"same", self->opts.same ? 1.0 : 0.0},          {"groups", (double)self->opts.groups}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops conv2d_ops = {
    .kind = "conv2d",
    .facts = conv2d_facts,
    .size = sizeof(conv2d),
    .reads = MEWL_LAYER_READS_X,
    .plan = conv2d_plan,
    .forward = conv2d_forward,
    .backward = conv2d_backward,
    .absorb = conv2d_absorb,
    .unplan = conv2d_unplan,
    .reach = conv2d_reach,
    .eight = conv2d_eight,
};

static bool in_range(int64_t value, int64_t low, int64_t high)
{
    return value >= low && value <= high;
}

mewl_node mewl_net_conv2d(mewl_net *net, const char *name, mewl_node x, mewl_conv2d_opts opts)
{
    mewl_layer *layer = mewl__net_add(net, &conv2d_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    conv2d *self = (conv2d *)layer;
    opts.groups = opts.groups == 0 ? 1 : opts.groups;
    bool fine = in_range(opts.out, 1, 65536) && in_range(opts.groups, 1, layer->channels) &&
                opts.out % opts.groups == 0 && layer->channels % opts.groups == 0;
    for (int axis = 0; axis < 2; axis++) {
        opts.stride[axis] = opts.stride[axis] == 0 ? 1 : opts.stride[axis];
        opts.dilation[axis] = opts.dilation[axis] == 0 ? 1 : opts.dilation[axis];
        fine = fine && in_range(opts.kernel[axis], 1, 1024) && in_range(opts.stride[axis], 1, 1024) &&
               in_range(opts.dilation[axis], 1, 1024) && in_range(opts.pad[2 * axis], 0, 65536) &&
               in_range(opts.pad[2 * axis + 1], 0, 65536);
    }
    if (!fine) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: a figure of the convolution is out of range", name);
    }
    self->opts = opts;
    self->in = layer->channels;
    int64_t before, after;
    int64_t features = out_size(&opts, 1, layer->features, &before, &after);
    if (features < 1) {
        return mewl__net_fail(net, MEWL_E_SHAPE, "layer %s: kernel wider than its input", name);
    }
    mewl_error err = {0};
    mewl_status status = mewl__layer_param(
        layer, "weight", mewl_shape_of(4, opts.out, layer->channels / opts.groups, opts.kernel[0], opts.kernel[1]),
        0.0f, 1.0f, false, &err);
    if (status == MEWL_OK && opts.bias) {
        status = mewl__layer_param(layer, "bias", mewl_shape_of(1, opts.out, 1, 1, 1), 0.0f, 0.0f, false, &err);
    }
    layer->channels = opts.out;
    layer->features = features;
    return mewl__net_done(net, layer, status, &err);
}
