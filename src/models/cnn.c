/* cnn.c - CNN6, CNN10 and CNN14 of PANNs as recipes of layers.
 *
 * Clip-wise (Kong et al. 2020, "PANNs", and its published code): bn0 over mel bands; blocks of 3x3 convolutions without
 * bias, batch norm and ReLU, two a block (CNN6: one 5x5), pooled 2x2 (CNN14's last block not), dropout 0.2; mean over
 * frequency; maximum plus mean over time; dropout 0.5; fc1 with ReLU (the embedding); fc_audioset. Channels
 * 64-128-256-512 (CNN14: -1024-2048) times width.
 *
 * Frame-wise: the same blocks, pooled config.time_pool frames by 2 bands; mean over frequency; two residual 1-d
 * convolutions over time with dilations 2 and 4 (context1, context2: kernel 3, batch norm, ReLU); dropout; frame logits
 * by fc_frame (a convolution of kernel 1); clip logits by linear softmax pooling over frames. The embedding is maximum
 * plus mean over time of the context's output.
 */
#include "models/head.h"

#include <string.h>

typedef struct shape {
    const char *name;
    int blocks;
    int64_t channels[MEWL_MODEL_BLOCKS_MAX];
    int64_t kernel;    /* 5: one convolution a block; 3: two */
    int64_t embedding; /* of fc1 */
} shape;

static const shape shapes[] = {
    {"cnn6", 4, {64, 128, 256, 512}, 5, 512},
    {"cnn10", 4, {64, 128, 256, 512}, 3, 512},
    {"cnn14", 6, {64, 128, 256, 512, 1024, 2048}, 3, 2048},
};

static const shape *find(const mewl_model_config *c)
{
    const shape *s = shapes;
    while (strcmp(s->name, c->arch) != 0) {
        s++;
    }
    return s;
}

static bool last_of_14(const shape *s, int block)
{
    return s->blocks == 6 && block == 5;
}

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    const shape *s = find(c);
    c->dropout_block = c->dropout_block == 0.0 ? 0.2 : c->dropout_block;
    c->dropout_head = c->dropout_head == 0.0 ? 0.5 : c->dropout_head;
    bool stated = false;
    int64_t product = 1;
    for (int i = 0; i < MEWL_MODEL_BLOCKS_MAX; i++) {
        stated = stated || c->time_pool[i] != 0;
    }
    for (int i = 0; i < MEWL_MODEL_BLOCKS_MAX; i++) {
        if (i >= s->blocks) {
            c->time_pool[i] = 0;
            continue;
        }
        if (!stated) {
            c->time_pool[i] = c->framewise ? (i < 3 ? 2 : 1) : last_of_14(s, i) ? 1 : 2;
        }
        if (c->time_pool[i] < 1 || c->time_pool[i] > 16) {
            return mewl_error_set(err, MEWL_E_ARG, "block %d pools %lld frames: 1 to 16 are possible", i + 1,
                                  (long long)c->time_pool[i]);
        }
        product *= c->time_pool[i];
    }
    const int pooled = s->blocks == 6 ? 5 : 4; /* blocks that halve the bands */
    if (c->bands < (1 << pooled) || product > 4096) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: %d to 1024 bands and at most 4096 frames to one are possible",
                              c->arch, 1 << pooled);
    }
    return MEWL_OK;
}

static int64_t last_channels(const mewl_model_config *c)
{
    const shape *s = find(c);
    return mewl__arch_scaled(s->channels[s->blocks - 1], c->width);
}

static int64_t embedding_size(const mewl_model_config *c)
{
    return c->framewise ? last_channels(c) : mewl__arch_scaled(find(c)->embedding, c->width);
}

/* The largest convolution: at least two fifths of all of CNN10's and CNN14's weights. */
static int64_t weights_min(const mewl_model_config *c)
{
    const shape *s = find(c);
    int64_t out = last_channels(c);
    int64_t in = s->kernel == 3 ? out : mewl__arch_scaled(s->channels[s->blocks - 2], c->width);
    return out * in * s->kernel * s->kernel;
}

static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    for (int i = 0; i < find(c)->blocks; i++) {
        t /= c->time_pool[i];
    }
    return t;
}

static mewl_node block(mewl_net *net, const shape *s, const mewl_model_config *c, int i, mewl_node x)
{
    const mewl__name prefix = mewl__name_of("conv_block%d", i + 1);
    const int64_t channels = mewl__arch_scaled(s->channels[i], c->width), bands = last_of_14(s, i) ? 1 : 2;
    if (s->kernel == 3) {
        x = mewl__conv_block(net, prefix.text, x, channels, c->pooling, c->time_pool[i], bands);
    } else {
        x = mewl__conv_norm_relu(net, prefix.text, "1", x,
                                 (mewl_conv2d_opts){.out = channels, .kernel = {5, 5}, .pad = {2, 2, 2, 2}});
        x = mewl_net_pool2d(net, mewl__name_of("%s.pool", prefix.text).text, x, c->pooling, c->time_pool[i], bands);
    }
    return mewl__block_dropout(net, prefix.text, x, c, 1.0);
}

/* Two residual convolutions over time, then logits of each frame and of the clip. */
static void frame_head(mewl_net *net, const mewl_model_config *c, mewl_node x)
{
    const int64_t channels = last_channels(c);
    x = mewl_net_mean_features(net, "mean", x);
    for (int i = 1; i <= 2; i++) {
        const mewl__name prefix = mewl__name_of("context%d", i);
        const int64_t dilation = 2 * i;
        const mewl_conv2d_opts opts = {
            .out = channels, .kernel = {3, 1}, .dilation = {dilation, 1}, .pad = {dilation, dilation, 0, 0}};
        mewl_node y = mewl__conv_norm_relu(net, prefix.text, "", x, opts);
        x = mewl_net_add(net, mewl__name_of("%s.add", prefix.text).text, x, y);
    }
    mewl_net_output(net, MEWL__OUT_EMBEDDING, mewl__head_pool(net, x, c, channels, MEWL_MODEL_POOL_MAX_AVG));
    x = mewl__head_dropout(net, "dropout1", x, c);
    x = mewl_net_linear(net, "fc_frame", x, (mewl_linear_opts){.out = c->classes});
    mewl_net_output(net, MEWL__OUT_FRAME, x);
    mewl_net_output(net, MEWL__OUT_CLIP, mewl_net_linear_softmax(net, "clip", x));
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    const shape *s = find(c);
    mewl_node x = mewl_net_input(net, 1, c->bands);
    x = mewl_net_batch_norm(net, "bn0", x, (mewl_batch_norm_opts){.features = true});
    for (int i = 0; i < s->blocks; i++) {
        x = block(net, s, c, i, x);
    }
    if (c->framewise) {
        frame_head(net, c, x);
    } else {
        mewl__head_panns(net, x, c, last_channels(c), embedding_size(c));
    }
}

#define ROW(text)                                                                                                      \
    {                                                                                                                  \
        .name = text, .input = MEWL__ARCH_LOGMEL, .panns = true, .complete = complete,                                 \
        .embedding_size = embedding_size, .weights_min = weights_min, .frames_out = frames_out, .build = build         \
    }

const mewl__arch mewl__arch_cnn6 = ROW("cnn6");
const mewl__arch mewl__arch_cnn10 = ROW("cnn10");
const mewl__arch mewl__arch_cnn14 = ROW("cnn14");
