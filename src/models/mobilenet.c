/* mobilenet.c - the recipe of layers of MobileNet v1 and of the detector on it. */
#include "models/mobilenet.h"

#include "models/cnn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIRST 32
#define HEAD 128
#define DEPTH_DEFAULT 9
#define TIME_HALVINGS 3 /* of the detector: 2^3 frames of 10 ms */

static const struct {
    int64_t stride, out;
} pairs_table[MEWL_MOBILENET_PAIRS] = {{1, 64},  {2, 128}, {1, 128}, {2, 256}, {1, 256},  {2, 512}, {1, 512},
                                       {1, 512}, {1, 512}, {1, 512}, {1, 512}, {2, 1024}, {1, 1024}};

static int64_t scaled(int64_t channels, double width)
{
    int64_t out = llround((double)channels * width);
    return out < 1 ? 1 : out;
}

/* One convolution, bias, ReLU. Padding keeps the size at stride 1 and halves it (rounding down) at stride 2. */
static mewl_node convolve(mewl_net *net, const char *name, mewl_node x, mewl_conv2d_opts opts)
{
    char relu[48];
    (void)snprintf(relu, sizeof relu, "%s.relu", name);
    for (int axis = 0; axis < 2; axis++) {
        const int64_t reach = (opts.kernel[axis] - 1) * opts.dilation[axis];
        opts.pad[2 * axis] = opts.stride[axis] == 2 ? 0 : reach / 2;
        opts.pad[2 * axis + 1] = opts.stride[axis] == 2 ? 1 : reach / 2;
    }
    opts.bias = true;
    return mewl_net_relu(net, relu, mewl_net_conv2d(net, name, x, opts));
}

mewl_node mewl_mobilenet_body(mewl_net *net, mewl_node x, int64_t pairs, double width, bool dense_time)
{
    char name[32];
    int64_t channels = scaled(FIRST, width), halvings = 1, dilation = 1;
    x = convolve(net, "layer1", x,
                 (mewl_conv2d_opts){.out = channels, .kernel = {3, 3}, .stride = {2, 2}, .dilation = {1, 1}});
    for (int64_t i = 0; i < pairs; i++) {
        int64_t time_stride = pairs_table[i].stride;
        int64_t dilation_after = dilation;
        if (time_stride == 2 && dense_time && halvings >= TIME_HALVINGS) {
            time_stride = 1;
            dilation_after = 2 * dilation;
        }
        halvings += time_stride == 2;
        (void)snprintf(name, sizeof name, "layer%d.depthwise", (int)i + 2);
        x = convolve(net, name, x,
                     (mewl_conv2d_opts){.out = channels,
                                        .kernel = {3, 3},
                                        .stride = {time_stride, pairs_table[i].stride},
                                        .dilation = {dilation, 1},
                                        .groups = channels});
        dilation = dilation_after;
        channels = scaled(pairs_table[i].out, width);
        (void)snprintf(name, sizeof name, "layer%d.pointwise", (int)i + 2);
        x = convolve(net, name, x,
                     (mewl_conv2d_opts){.out = channels, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}});
    }
    return x;
}

bool mewl_mobilenet_known(const char *arch)
{
    return strcmp(arch, "mobilenet") == 0;
}

mewl_status mewl_mobilenet_complete(mewl_model_config *c, mewl_error *err)
{
    c->bands = c->bands == 0 ? 64 : c->bands;
    c->width = c->width == 0.0 ? 1.0 : c->width;
    c->depth = c->depth == 0 ? DEPTH_DEFAULT : c->depth;
    c->dropout_block = -1.0; /* there are no blocks */
    c->dropout_head = c->dropout_head == 0.0 ? 0.2 : c->dropout_head < 0.0 ? -1.0 : c->dropout_head;
    for (int i = 0; i < MEWL_MODEL_BLOCKS_MAX; i++) {
        c->time_pool[i] = i < TIME_HALVINGS ? 2 : 0;
    }
    if (memchr(c->front_end, '\0', sizeof c->front_end) == NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "the name of the front end is too long");
    }
    if (!c->framewise) {
        return mewl_error_set(err, MEWL_E_ARG, "mobilenet is a frame-wise detector; YAMNet itself is a teacher");
    }
    if (!(c->width >= 1.0 / 64.0 && c->width <= 4.0) || c->classes < 1 || c->classes > MEWL_MODEL_CLASSES_MAX ||
        c->depth < TIME_HALVINGS + 1 || c->depth > MEWL_MOBILENET_PAIRS || c->bands < 32 || c->bands > 1024 ||
        !(c->dropout_head < 1.0)) {
        return mewl_error_set(err, MEWL_E_ARG,
                              "mobilenet: width 1/64 to 4, depth %d to %d, 1 to %d classes, 32 to 1024 bands, dropout "
                              "below 1 are possible",
                              TIME_HALVINGS + 1, MEWL_MOBILENET_PAIRS, MEWL_MODEL_CLASSES_MAX);
    }
    return MEWL_OK;
}

int64_t mewl_mobilenet_embedding_size(const mewl_model_config *config)
{
    return scaled(HEAD, config->width);
}

int64_t mewl_mobilenet_weights_min(const mewl_model_config *config)
{
    int64_t sum = 0, in = scaled(FIRST, config->width);
    for (int64_t i = 0; i < config->depth; i++) {
        const int64_t out = scaled(pairs_table[i].out, config->width);
        sum += in * out;
        in = out;
    }
    return sum;
}

mewl_status mewl_mobilenet_build(mewl_net *net, const mewl_model_config *c, mewl_error *err)
{
    mewl_node x = mewl_net_input(net, 1, c->bands);
    x = mewl_mobilenet_body(net, x, c->depth, c->width, true);
    x = mewl_net_mean_features(net, "mean", x);
    x = convolve(
        net, "head", x,
        (mewl_conv2d_opts){.out = scaled(HEAD, c->width), .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}});
    mewl_net_output(net, MEWL_CNN_EMBEDDING, mewl_net_global_pool(net, "pool", x, MEWL_POOL_AVG));
    if (c->dropout_head > 0.0) {
        x = mewl_net_dropout(net, "dropout", x, c->dropout_head);
    }
    x = mewl_net_linear(net, "fc_frame", x, (mewl_linear_opts){.out = c->classes});
    mewl_net_output(net, MEWL_CNN_FRAME, x);
    mewl_net_output(net, MEWL_CNN_CLIP, mewl_net_linear_softmax(net, "clip", x));
    return mewl_net_seal(net, err);
}
