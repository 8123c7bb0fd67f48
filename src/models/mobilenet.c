/* mobilenet.c - the recipe of layers of MobileNet v1 and of the detector on it (mobilenet.h). */
#include "models/mobilenet.h"

#include "models/head.h"

#include <stdio.h>

#define FIRST 32
#define HEAD 128
#define DEPTH_DEFAULT 9
#define TIME_HALVINGS 3 /* of the detector: 2^3 frames of 10 ms */

static const struct {
    int64_t stride, out;
} pairs_table[MEWL_MOBILENET_PAIRS] = {{1, 64},  {2, 128}, {1, 128}, {2, 256}, {1, 256},  {2, 512}, {1, 512},
                                       {1, 512}, {1, 512}, {1, 512}, {1, 512}, {2, 1024}, {1, 1024}};

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
    int64_t channels = mewl__arch_scaled(FIRST, width), halvings = 1, dilation = 1;
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
        channels = mewl__arch_scaled(pairs_table[i].out, width);
        (void)snprintf(name, sizeof name, "layer%d.pointwise", (int)i + 2);
        x = convolve(net, name, x,
                     (mewl_conv2d_opts){.out = channels, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}});
    }
    return x;
}

int64_t mewl_mobilenet_channels(int64_t pairs, double width)
{
    return mewl__arch_scaled(pairs_table[pairs - 1].out, width);
}

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    c->depth = c->depth == 0 ? DEPTH_DEFAULT : c->depth;
    c->dropout_block = -1.0; /* there are no blocks */
    c->dropout_head = c->dropout_head == 0.0 ? 0.2 : c->dropout_head;
    for (int i = 0; i < MEWL_MODEL_BLOCKS_MAX; i++) {
        c->time_pool[i] = i < TIME_HALVINGS ? 2 : 0;
    }
    if (!c->framewise) {
        return mewl_error_set(err, MEWL_E_ARG, "mobilenet is a frame-wise detector; YAMNet itself is a teacher");
    }
    if (c->depth < TIME_HALVINGS + 1 || c->depth > MEWL_MOBILENET_PAIRS || c->bands < 32) {
        return mewl_error_set(err, MEWL_E_ARG, "mobilenet: depth %d to %d and 32 to 1024 bands are possible",
                              TIME_HALVINGS + 1, MEWL_MOBILENET_PAIRS);
    }
    return MEWL_OK;
}

static int64_t embedding_size(const mewl_model_config *c)
{
    return mewl__arch_scaled(HEAD, c->width);
}

/* The pointwise convolutions. */
static int64_t weights_min(const mewl_model_config *c)
{
    int64_t sum = 0, in = mewl__arch_scaled(FIRST, c->width);
    for (int64_t i = 0; i < c->depth; i++) {
        const int64_t out = mewl__arch_scaled(pairs_table[i].out, c->width);
        sum += in * out;
        in = out;
    }
    return sum;
}

static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    (void)c;
    return t >> TIME_HALVINGS;
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    const int64_t head = embedding_size(c);
    mewl_node x = mewl_net_input(net, 1, c->bands);
    x = mewl_mobilenet_body(net, x, c->depth, c->width, true);
    x = mewl_net_mean_features(net, "mean", x);
    x = convolve(net, "head", x,
                 (mewl_conv2d_opts){.out = head, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}});
    mewl_net_output(net, MEWL__OUT_EMBEDDING, mewl__head_pool(net, x, c, head, MEWL_MODEL_POOL_AVG));
    x = mewl__head_dropout(net, "dropout", x, c);
    x = mewl_net_linear(net, "fc_frame", x, (mewl_linear_opts){.out = c->classes});
    mewl_net_output(net, MEWL__OUT_FRAME, x);
    mewl_net_output(net, MEWL__OUT_CLIP, mewl_net_linear_softmax(net, "clip", x));
}

const mewl__arch mewl__arch_mobilenet = {.name = "mobilenet",
                                         .input = MEWL__ARCH_LOGMEL,
                                         .complete = complete,
                                         .embedding_size = embedding_size,
                                         .weights_min = weights_min,
                                         .frames_out = frames_out,
                                         .build = build};
