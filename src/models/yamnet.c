/* yamnet.c - YAMNet's layers, and how they lie in the TFLite file. */
#include "models/yamnet.h"

#include "models/mobilenet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS MEWL_MOBILENET_PAIRS
#define WINDOW 400
#define NAME_MAX_BYTES 32
#define LARGEST_WEIGHT (1024 * 1024)

static const int64_t strides[PAIRS] = {1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1};

/* "layer2.depthwise" for pair 0. */
static void pair_name(char out[NAME_MAX_BYTES], int pair, bool pointwise)
{
    (void)snprintf(out, NAME_MAX_BYTES, "layer%d.%s", pair + 2, pointwise ? "pointwise" : "depthwise");
}

mewl_status mewl_yamnet_build(mewl_net *net, mewl_error *err)
{
    mewl_node x = mewl_net_input(net, 1, MEWL_YAMNET_BANDS);
    x = mewl_mobilenet_body(net, x, PAIRS, 1.0, false);
    x = mewl_net_global_pool(net, "mean", x, MEWL_POOL_AVG);
    mewl_net_output(net, MEWL_YAMNET_EMBEDDING_OUT, x);
    x = mewl_net_linear(net, "dense", x, (mewl_linear_opts){.out = MEWL_YAMNET_CLASSES});
    mewl_net_output(net, MEWL_YAMNET_LOGITS, x);
    return mewl_net_seal(net, err);
}

static mewl_status other_network(mewl_error *err, const char *what, const char *where)
{
    return mewl_error_set(err, MEWL_E_UNSUPPORTED, "the TFLite file is not YAMNet: %s of `%s` differs", what, where);
}

/* A cursor over the operators that matter: it skips reshapes, padding and the like. */
static const mewl_tflite_op *next_op(const mewl_tflite *file, size_t *at, int32_t code)
{
    for (; *at < mewl_tflite_op_count(file); (*at)++) {
        const mewl_tflite_op *op = mewl_tflite_op_at(file, *at);
        if (op->code == code) {
            (*at)++;
            return op;
        }
        if (op->code == MEWL_TFLITE_CONV_2D || op->code == MEWL_TFLITE_DEPTHWISE_CONV_2D ||
            op->code == MEWL_TFLITE_FULLY_CONNECTED) {
            return NULL; /* a layer that the recipe does not have here */
        }
    }
    return NULL;
}

/* The constant input `index` of an operator, when it has the shape of `ndim` sizes; -1 otherwise. */
static int64_t constant_input(const mewl_tflite *file, const mewl_tflite_op *op, size_t index, size_t ndim,
                              const int64_t *shape)
{
    if (index >= op->input_count || op->inputs[index] < 0) {
        return -1;
    }
    const mewl_tflite_tensor *t = mewl_tflite_tensor_at(file, (size_t)op->inputs[index]);
    if (t == NULL || t->data == NULL || t->ndim != ndim) {
        return -1;
    }
    for (size_t i = 0; i < ndim; i++) {
        if (t->shape[i] != (size_t)shape[i]) {
            return -1;
        }
    }
    return op->inputs[index];
}

/* Weights and bias of a layer. The file orders a convolution (out, height, width, in), a depthwise one (1, height,
 * width, channel); the net (out, in / groups, height, width). `kernel` 0: a dense layer, (out, in) in both. */
static mewl_status load_layer(mewl_net *net, const char *name, const mewl_tflite *file, const mewl_tflite_op *op,
                              int64_t kernel, float *scratch, mewl_error *err)
{
    char key[NAME_MAX_BYTES + 8];
    (void)snprintf(key, sizeof key, "%s.weight", name);
    mewl_param *weight = mewl_net_param(net, key);
    (void)snprintf(key, sizeof key, "%s.bias", name);
    mewl_param *bias = mewl_net_param(net, key);
    if (weight == NULL || bias == NULL) {
        return mewl_error_set(err, MEWL_E_STATE, "the net to load YAMNet into has no layer `%s`", name);
    }
    const int64_t out = weight->value.shape.dim[0], in = weight->value.shape.dim[1];
    const bool depthwise = op->code == MEWL_TFLITE_DEPTHWISE_CONV_2D;
    const int64_t shape[4] = {depthwise ? 1 : out, kernel, kernel, depthwise ? out : in};
    const int64_t dense[2] = {out, in};
    const int64_t w = kernel != 0 ? constant_input(file, op, 1, 4, shape) : constant_input(file, op, 1, 2, dense);
    const int64_t b = constant_input(file, op, 2, 1, &out);
    if (w < 0 || b < 0) {
        return other_network(err, "a shape", name);
    }
    const int64_t area = kernel != 0 ? kernel * kernel : 1;
    MEWL_TRY(mewl_tflite_read_f32(file, scratch, (size_t)w, (size_t)(out * in * area), err));
    MEWL_TRY(mewl_tflite_read_f32(file, bias->value.data, (size_t)b, (size_t)out, err));
    float *to = weight->value.data;
    for (int64_t o = 0; o < out; o++) {
        for (int64_t i = 0; i < in; i++) {
            for (int64_t k = 0; k < area; k++) {
                to[(o * in + i) * area + k] = depthwise ? scratch[k * out + o] : scratch[(o * area + k) * in + i];
            }
        }
    }
    return MEWL_OK;
}

static mewl_status load_convolution(mewl_net *net, const char *name, const mewl_tflite *file, size_t *at, int32_t code,
                                    int64_t kernel, int64_t stride, float *scratch, mewl_error *err)
{
    const mewl_tflite_op *op = next_op(file, at, code);
    if (op == NULL) {
        return other_network(err, "the operator", name);
    }
    if (op->stride_h != stride || op->stride_w != stride || op->dilation_h != 1 || op->dilation_w != 1 ||
        op->padding_valid || op->activation != 1 ||
        (code == MEWL_TFLITE_DEPTHWISE_CONV_2D && op->depth_multiplier != 1)) {
        return other_network(err, "stride, padding or activation", name);
    }
    return load_layer(net, name, file, op, kernel, scratch, err);
}

/* The front end: the window must be the periodic Hann window that dsp's "yamnet" has, the mel matrix is taken along. */
static mewl_status load_front_end(float *mel, const mewl_tflite *file, size_t *at, float *scratch, mewl_error *err)
{
    const int64_t window_shape = WINDOW, mel_shape[2] = {MEWL_YAMNET_BANDS, MEWL_YAMNET_BINS};
    const mewl_tflite_op *op = next_op(file, at, MEWL_TFLITE_MUL);
    const int64_t window = op != NULL ? constant_input(file, op, 1, 1, &window_shape) : -1;
    if (window < 0) {
        return other_network(err, "the operator", "window");
    }
    MEWL_TRY(mewl_tflite_read_f32(file, scratch, (size_t)window, WINDOW, err));
    for (int i = 0; i < WINDOW; i++) {
        if (!(fabs((double)scratch[i] - (0.5 - 0.5 * cos(2 * M_PI * i / WINDOW))) < 1e-5)) {
            return other_network(err, "the shape", "window");
        }
    }
    op = next_op(file, at, MEWL_TFLITE_FULLY_CONNECTED);
    const int64_t matrix = op != NULL ? constant_input(file, op, 1, 2, mel_shape) : -1;
    if (matrix < 0) {
        return other_network(err, "the shape", "mel matrix");
    }
    MEWL_TRY(mewl_tflite_read_f32(file, mel, (size_t)matrix, MEWL_YAMNET_BANDS * MEWL_YAMNET_BINS, err));
    return next_op(file, at, MEWL_TFLITE_LOG) != NULL ? MEWL_OK : other_network(err, "the operator", "logarithm");
}

static mewl_status load_all(mewl_net *net, float *mel, const mewl_tflite *file, float *scratch, mewl_error *err)
{
    size_t at = 0;
    char name[NAME_MAX_BYTES];
    MEWL_TRY(load_front_end(mel, file, &at, scratch, err));
    MEWL_TRY(load_convolution(net, "layer1", file, &at, MEWL_TFLITE_CONV_2D, 3, 2, scratch, err));
    for (int i = 0; i < PAIRS; i++) {
        pair_name(name, i, false);
        MEWL_TRY(
            load_convolution(net, name, file, &at, MEWL_TFLITE_DEPTHWISE_CONV_2D, 3, strides[i], scratch, err));
        pair_name(name, i, true);
        MEWL_TRY(load_convolution(net, name, file, &at, MEWL_TFLITE_CONV_2D, 1, 1, scratch, err));
    }
    if (next_op(file, &at, MEWL_TFLITE_MEAN) == NULL) {
        return other_network(err, "the operator", "mean");
    }
    const mewl_tflite_op *dense = next_op(file, &at, MEWL_TFLITE_FULLY_CONNECTED);
    if (dense == NULL || dense->activation != 0) {
        return other_network(err, "the operator", "dense");
    }
    MEWL_TRY(load_layer(net, "dense", file, dense, 0, scratch, err));
    if (next_op(file, &at, MEWL_TFLITE_LOGISTIC) == NULL || at != mewl_tflite_op_count(file)) {
        return other_network(err, "the end", "logistic");
    }
    return MEWL_OK;
}

mewl_status mewl_yamnet_load(mewl_net *net, float *mel, const mewl_tflite *file, mewl_error *err)
{
    float *scratch = malloc(LARGEST_WEIGHT * sizeof *scratch);
    if (scratch == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for YAMNet's weights");
    }
    const mewl_status status = load_all(net, mel, file, scratch, err);
    free(scratch);
    mewl_net_touch(net);
    return status;
}
