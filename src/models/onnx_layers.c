/* onnx_layers.c - layers of maps (N, C, T, F) as nodes of ONNX: convolution, norms, activations, poolings, and the ones
 * that move values. Parameters become initialisers under their own names; T and N stay free. */
#include "models/onnx_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME(...) (mewl__onnx_name_of(__VA_ARGS__).text)
#define IN(...) MEWL__ONNX_IN(__VA_ARGS__)
#define ATTRS(...) MEWL__ONNX_ATTRS(__VA_ARGS__)

const char *mewl__onnx_value(const mewl__onnx_walk *w, const mewl_layer_view *v, size_t index)
{
    return w->values[v->inputs[index]].text;
}

const char *mewl__onnx_param_as(mewl__onnx_walk *w, const mewl_layer_view *v, size_t index, int rank,
                                const int64_t *dims)
{
    const mewl_param *param = v->params[index];
    mewl__onnx_weights(w->graph, param->name, param->value.data, rank, dims, false);
    return param->name;
}

const char *mewl__onnx_param(mewl__onnx_walk *w, const mewl_layer_view *v, size_t index)
{
    const mewl_shape *shape = &v->params[index]->value.shape;
    return mewl__onnx_param_as(w, v, index, shape->rank, shape->dim);
}

const char *mewl__onnx_mean_features(mewl__onnx_walk *w, const char *x, int64_t features, const char *out)
{
    return features == 1 ? x
                         : mewl__onnx_op(w->graph, "ReduceMean", out, IN(x),
                                         ATTRS(MEWL__ONNX_L("axes", 1, 3), MEWL__ONNX_I("keepdims", 1)));
}

/* The input is (N, T, B): a channel of one is put in. */
static mewl_status convert_input(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                 mewl_error *err)
{
    mewl__onnx_op(w->graph, "Unsqueeze", out, IN("features", MEWL__ONNX_INTS_OF(w->graph, 1, 1)), NULL);
    return v->channels == 1
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_UNSUPPORTED, "a net whose input has %lld channels", (long long)v->channels);
}

static mewl_status convert_conv2d(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                  mewl_error *err)
{
    const int64_t kernel[] = {mewl_layer_fact(v, "kernel_t"), mewl_layer_fact(v, "kernel_f")};
    const int64_t stride[] = {mewl_layer_fact(v, "stride_t"), mewl_layer_fact(v, "stride_f")};
    const int64_t dilation[] = {mewl_layer_fact(v, "dilation_t"), mewl_layer_fact(v, "dilation_f")};
    const int64_t pads[] = {mewl_layer_fact(v, "before_t"), mewl_layer_fact(v, "before_f"),
                            mewl_layer_fact(v, "after_t"), mewl_layer_fact(v, "after_f")};
    const mewl__onnx_attr padding =
        mewl_layer_fact(v, "same") != 0
            ? MEWL__ONNX_T("auto_pad", "SAME_UPPER")
            : (mewl__onnx_attr){.name = "pads", .kind = MEWL__ONNX_INTS, .ints = pads, .count = 4};
    const char *weight = mewl__onnx_param(w, v, 0), *bias = v->param_count > 1 ? mewl__onnx_param(w, v, 1) : NULL;
    mewl__onnx_op(w->graph, "Conv", out, IN(x, weight, bias),
                  ATTRS({.name = "kernel_shape", .kind = MEWL__ONNX_INTS, .ints = kernel, .count = 2},
                        {.name = "strides", .kind = MEWL__ONNX_INTS, .ints = stride, .count = 2},
                        {.name = "dilations", .kind = MEWL__ONNX_INTS, .ints = dilation, .count = 2},
                        MEWL__ONNX_I("group", mewl_layer_fact(v, "groups")), padding));
    return MEWL_OK;
}

/* A linear layer works at every position alike: a convolution of 1 x 1. */
static mewl_status convert_linear(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                  mewl_error *err)
{
    const int64_t *dim = v->params[0]->value.shape.dim;
    const char *weight = MEWL__ONNX_PARAM_AS(w, v, 0, 4, dim[0], dim[1], 1, 1);
    const char *bias = v->param_count > 1 ? mewl__onnx_param(w, v, 1) : NULL;
    mewl__onnx_op(w->graph, "Conv", out, IN(x, weight, bias), ATTRS(MEWL__ONNX_L("kernel_shape", 2, 1, 1)));
    return MEWL_OK;
}

static mewl_status convert_batch_norm(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                      mewl_error *err)
{
    const bool features = mewl_layer_fact(v, "features") != 0;
    const mewl__onnx_name turned = mewl__onnx_name_of("%s/turned", out), normed = mewl__onnx_name_of("%s/normed", out);
    if (features) { /* F to the place of the channels, and back */
        x = mewl__onnx_op(w->graph, "Transpose", turned.text, IN(x), ATTRS(MEWL__ONNX_L("perm", 4, 0, 3, 2, 1)));
    }
    const char *y = features ? normed.text : out;
    mewl__onnx_op(w->graph, "BatchNormalization", y,
                  IN(x, mewl__onnx_param(w, v, 0), mewl__onnx_param(w, v, 1), mewl__onnx_param(w, v, 2),
                     mewl__onnx_param(w, v, 3)),
                  ATTRS(MEWL__ONNX_F("epsilon", (float)mewl_layer_fact_real(v, "eps"))));
    if (features) {
        mewl__onnx_op(w->graph, "Transpose", out, IN(y), ATTRS(MEWL__ONNX_L("perm", 4, 0, 3, 2, 1)));
    }
    return MEWL_OK;
}

/* ---- Activations ---- */

static mewl_status convert_relu(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                mewl_error *err)
{
    mewl__onnx_op(w->graph, "Relu", out, IN(x), NULL);
    return MEWL_OK;
}

static mewl_status convert_relu6(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                 mewl_error *err)
{
    mewl__onnx_op(w->graph, "Clip", out, IN(x, mewl__onnx_real(w->graph, 0.0), mewl__onnx_real(w->graph, 6.0)), NULL);
    return MEWL_OK;
}

static mewl_status convert_sigmoid(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                   mewl_error *err)
{
    mewl__onnx_op(w->graph, "Sigmoid", out, IN(x), NULL);
    return MEWL_OK;
}

static mewl_status convert_tanh(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                mewl_error *err)
{
    mewl__onnx_op(w->graph, "Tanh", out, IN(x), NULL);
    return MEWL_OK;
}

static const char *hard_sigmoid(mewl__onnx_walk *w, const char *x, const char *out)
{
    return mewl__onnx_op(w->graph, "HardSigmoid", out, IN(x),
                         ATTRS(MEWL__ONNX_F("alpha", 1.0f / 6.0f), MEWL__ONNX_F("beta", 0.5f)));
}

static mewl_status convert_hard_sigmoid(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                        mewl_error *err)
{
    (void)hard_sigmoid(w, x, out);
    return MEWL_OK;
}

static mewl_status convert_hard_swish(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                      mewl_error *err)
{
    mewl__onnx_op(w->graph, "Mul", out, IN(x, hard_sigmoid(w, x, NAME("%s/gate", out))), NULL);
    return MEWL_OK;
}

/* ---- Poolings ---- */

/* Mean, maximum or their sum by `one`, which makes a node of either. */
typedef void (*mewl__one_pool)(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out, bool mean);

static mewl_status pool_by(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                           mewl__one_pool one)
{
    const mewl_pool_kind kind = (mewl_pool_kind)mewl_layer_fact(v, "pool");
    if (kind != MEWL_POOL_AVG_MAX) {
        one(w, v, x, out, kind == MEWL_POOL_AVG);
        return MEWL_OK;
    }
    const mewl__onnx_name mean = mewl__onnx_name_of("%s/mean", out), most = mewl__onnx_name_of("%s/max", out);
    one(w, v, x, mean.text, true);
    one(w, v, x, most.text, false);
    mewl__onnx_op(w->graph, "Add", out, IN(most.text, mean.text), NULL);
    return MEWL_OK;
}

static void one_pool2d(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out, bool mean)
{
    const int64_t kernel[] = {mewl_layer_fact(v, "kernel_t"), mewl_layer_fact(v, "kernel_f")};
    mewl__onnx_op(w->graph, mean ? "AveragePool" : "MaxPool", out, IN(x),
                  ATTRS({.name = "kernel_shape", .kind = MEWL__ONNX_INTS, .ints = kernel, .count = 2},
                        {.name = "strides", .kind = MEWL__ONNX_INTS, .ints = kernel, .count = 2}));
}

static mewl_status convert_pool2d(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                  mewl_error *err)
{
    return pool_by(w, v, x, out, one_pool2d);
}

static void one_window(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out, bool mean)
{
    const int64_t kernel[] = {mewl_layer_fact(v, "kernel_t"), mewl_layer_fact(v, "kernel_f")};
    const int64_t stride[] = {mewl_layer_fact(v, "stride_t"), mewl_layer_fact(v, "stride_f")};
    const int64_t pads[] = {mewl_layer_fact(v, "before_t"), mewl_layer_fact(v, "before_f"),
                            mewl_layer_fact(v, "after_t"), mewl_layer_fact(v, "after_f")};
    mewl__onnx_op(w->graph, mean ? "AveragePool" : "MaxPool", out, IN(x),
                  ATTRS({.name = "kernel_shape", .kind = MEWL__ONNX_INTS, .ints = kernel, .count = 2},
                        {.name = "strides", .kind = MEWL__ONNX_INTS, .ints = stride, .count = 2},
                        {.name = "pads", .kind = MEWL__ONNX_INTS, .ints = pads, .count = 4},
                        {.name = mean ? "count_include_pad" : NULL, .kind = MEWL__ONNX_INT, .i = 1}));
}

static mewl_status convert_window(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                  mewl_error *err)
{
    return pool_by(w, v, x, out, one_window);
}

static void one_global(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out, bool mean)
{
    mewl__onnx_op(w->graph, mean ? "ReduceMean" : "ReduceMax", out, IN(x),
                  ATTRS(MEWL__ONNX_L("axes", 1, 2), MEWL__ONNX_I("keepdims", 1)));
}

static mewl_status convert_global_pool(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                       mewl_error *err)
{
    return pool_by(w, v, mewl__onnx_mean_features(w, x, 0, NAME("%s/frames", out)), out, one_global);
}

static mewl_status convert_mean_features(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                         mewl_error *err)
{
    (void)mewl__onnx_mean_features(w, x, 0, out);
    return MEWL_OK;
}

/* ---- Two inputs and more ---- */

static mewl_status convert_add(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                               mewl_error *err)
{
    mewl__onnx_op(w->graph, "Add", out, IN(x, mewl__onnx_value(w, v, 1)), NULL);
    return MEWL_OK;
}

static mewl_status convert_multiply(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                    mewl_error *err)
{
    mewl__onnx_op(w->graph, "Mul", out, IN(x, mewl__onnx_value(w, v, 1)), NULL);
    return MEWL_OK;
}

static mewl_status convert_concat(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                  mewl_error *err)
{
    const char *inputs[MEWL__ONNX_INPUTS_MAX + 1] = {NULL};
    for (size_t i = 0; i < v->input_count && i < MEWL__ONNX_INPUTS_MAX; i++) {
        inputs[i] = mewl__onnx_value(w, v, i);
    }
    mewl__onnx_op(w->graph, "Concat", out, inputs, ATTRS(MEWL__ONNX_I("axis", 1)));
    return MEWL_OK;
}

/* ---- Values moved ---- */

static void slice(mewl__onnx_walk *w, const char *x, const char *out, int64_t axis, int64_t first, int64_t end)
{
    mewl__onnx_op(w->graph, "Slice", out,
                  IN(x, MEWL__ONNX_INTS_OF(w->graph, 1, first), MEWL__ONNX_INTS_OF(w->graph, 1, end),
                     MEWL__ONNX_INTS_OF(w->graph, 1, axis)),
                  NULL);
}

static mewl_status convert_slice(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                 mewl_error *err)
{
    const int64_t first = mewl_layer_fact(v, "first");
    slice(w, x, out, strcmp(v->kind, "slice") == 0 ? 1 : 3, first, first + mewl_layer_fact(v, "count"));
    return MEWL_OK;
}

static mewl_status convert_crop_time(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                     mewl_error *err)
{
    const int64_t after = mewl_layer_fact(v, "after");
    slice(w, x, out, 2, mewl_layer_fact(v, "before"), after > 0 ? -after : INT64_MAX);
    return MEWL_OK;
}

static mewl_status convert_crop_like(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                     mewl_error *err)
{
    const mewl__onnx_name shape = mewl__onnx_name_of("%s/shape", out), frames = mewl__onnx_name_of("%s/frames", out);
    mewl__onnx_op(w->graph, "Shape", shape.text, IN(mewl__onnx_value(w, v, 1)), NULL);
    slice(w, shape.text, frames.text, 0, 2, 3);
    mewl__onnx_op(w->graph, "Slice", out,
                  IN(x, MEWL__ONNX_INTS_OF(w->graph, 1, 0), frames.text, MEWL__ONNX_INTS_OF(w->graph, 1, 2)), NULL);
    return MEWL_OK;
}

static mewl_status convert_flatten(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                   mewl_error *err)
{
    const char *turned =
        mewl__onnx_op(w->graph, "Transpose", NAME("%s/turned", out), IN(x), ATTRS(MEWL__ONNX_L("perm", 4, 0, 1, 3, 2)));
    mewl__onnx_op(w->graph, "Reshape", out, IN(turned, MEWL__ONNX_INTS_OF(w->graph, 4, 0, v->channels, -1, 1)), NULL);
    return MEWL_OK;
}

static mewl_status convert_unflatten(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                     mewl_error *err)
{
    const char *split = mewl__onnx_op(w->graph, "Reshape", NAME("%s/split", out),
                                      IN(x, MEWL__ONNX_INTS_OF(w->graph, 4, 0, v->channels, v->features, -1)), NULL);
    mewl__onnx_op(w->graph, "Transpose", out, IN(split), ATTRS(MEWL__ONNX_L("perm", 4, 0, 1, 3, 2)));
    return MEWL_OK;
}

static mewl_status convert_line(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                mewl_error *err)
{
    mewl__onnx_op(w->graph, "Reshape", out, IN(x, MEWL__ONNX_INTS_OF(w->graph, 4, 0, v->channels, -1, 1)), NULL);
    return MEWL_OK;
}

static mewl_status convert_pad_reflect(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                       mewl_error *err)
{
    const char *pads =
        MEWL__ONNX_INTS_OF(w->graph, 8, 0, 0, mewl_layer_fact(v, "before"), 0, 0, 0, mewl_layer_fact(v, "after"), 0);
    mewl__onnx_op(w->graph, "Pad", out, IN(x, pads), ATTRS(MEWL__ONNX_T("mode", "reflect")));
    return MEWL_OK;
}

static mewl_status convert_resize(mewl__onnx_walk *w, const mewl_layer_view *v, const char *x, const char *out,
                                  mewl_error *err)
{
    mewl_layer_view before;
    if (!mewl_net_layer_at(w->net, &before, (size_t)v->inputs[0])) {
        return mewl_error_set(err, MEWL_E_STATE, "layer %s has no input", v->name);
    }
    const int64_t dims[] = {before.features, v->features};
    float *matrix = malloc((size_t)(dims[0] * dims[1]) * sizeof *matrix);
    if (matrix == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for layer %s", v->name);
    }
    const mewl_status status = mewl_resize_matrix(matrix, dims[0], dims[1], err);
    if (status != MEWL_OK) {
        free(matrix);
        return status;
    }
    const mewl__onnx_name name = mewl__onnx_name_of("%s/matrix", out);
    mewl__onnx_weights(w->graph, name.text, matrix, 2, dims, true);
    mewl__onnx_op(w->graph, "MatMul", out, IN(x, name.text), NULL);
    return MEWL_OK;
}

const mewl__onnx_kind mewl__onnx_map_kinds[] = {
    {"input", convert_input},
    {"conv2d", convert_conv2d},
    {"linear", convert_linear},
    {"batch_norm", convert_batch_norm},
    {"relu", convert_relu},
    {"relu6", convert_relu6},
    {"sigmoid", convert_sigmoid},
    {"tanh", convert_tanh},
    {"hard_sigmoid", convert_hard_sigmoid},
    {"hard_swish", convert_hard_swish},
    {"pool2d", convert_pool2d},
    {"pool2d_window", convert_window},
    {"global_pool", convert_global_pool},
    {"mean_features", convert_mean_features},
    {"add", convert_add},
    {"multiply", convert_multiply},
    {"concat", convert_concat},
    {"slice", convert_slice},
    {"slice_features", convert_slice},
    {"crop_time", convert_crop_time},
    {"crop_like", convert_crop_like},
    {"flatten_features", convert_flatten},
    {"unflatten", convert_unflatten},
    {"features_to_time", convert_line},
    {"pad_reflect", convert_pad_reflect},
    {"resize_features", convert_resize},
    {NULL, NULL},
};
