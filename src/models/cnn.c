/* cnn.c - the recipes of layers of CNN6, CNN10 and CNN14. */
#include "models/cnn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct arch {
    const char *name;
    int blocks;
    int64_t channels[MEWL_MODEL_BLOCKS_MAX];
    int64_t kernel;    /* 5: one convolution a block; 3: two */
    int64_t embedding; /* of fc1 */
} arch;

static const arch archs[] = {
    {"cnn6", 4, {64, 128, 256, 512}, 5, 512},
    {"cnn10", 4, {64, 128, 256, 512}, 3, 512},
    {"cnn14", 6, {64, 128, 256, 512, 1024, 2048}, 3, 2048},
};

static const arch *find(const char *name)
{
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++) {
        if (strcmp(archs[i].name, name) == 0) {
            return &archs[i];
        }
    }
    return NULL;
}

bool mewl_cnn_known(const char *name)
{
    return find(name) != NULL;
}

static int64_t scaled(int64_t channels, double width)
{
    int64_t out = llround((double)channels * width);
    return out < 1 ? 1 : out;
}

mewl_status mewl_cnn_complete(mewl_model_config *c, mewl_error *err)
{
    if (memchr(c->arch, '\0', sizeof c->arch) == NULL || memchr(c->front_end, '\0', sizeof c->front_end) == NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "the name of an architecture or front end is too long");
    }
    const arch *a = find(c->arch);
    if (a == NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "unknown architecture '%s' (cnn6, cnn10 or cnn14)", c->arch);
    }
    c->bands = c->bands == 0 ? 64 : c->bands;
    c->width = c->width == 0.0 ? 1.0 : c->width;
    c->dropout_block = c->dropout_block == 0.0 ? 0.2 : c->dropout_block < 0.0 ? -1.0 : c->dropout_block;
    c->dropout_head = c->dropout_head == 0.0 ? 0.5 : c->dropout_head < 0.0 ? -1.0 : c->dropout_head;
    int64_t sum = 0, product = 1;
    for (int i = 0; i < MEWL_MODEL_BLOCKS_MAX; i++) {
        sum += c->time_pool[i] != 0;
    }
    for (int i = 0; i < MEWL_MODEL_BLOCKS_MAX; i++) {
        if (i >= a->blocks) {
            c->time_pool[i] = 0;
            continue;
        }
        if (sum == 0) {
            bool last_of_14 = a->blocks == 6 && i == 5;
            c->time_pool[i] = c->framewise ? (i < 3 ? 2 : 1) : last_of_14 ? 1 : 2;
        }
        if (c->time_pool[i] < 1 || c->time_pool[i] > 16) {
            return mewl_error_set(err, MEWL_E_ARG, "block %d pools %lld frames: 1 to 16 are possible", i + 1,
                                  (long long)c->time_pool[i]);
        }
        product *= c->time_pool[i];
    }
    int pooled = a->blocks == 6 ? 5 : 4; /* blocks that halve the bands */
    if (!(c->width >= 1.0 / 64.0 && c->width <= 4.0) || c->classes < 1 || c->classes > MEWL_MODEL_CLASSES_MAX ||
        c->bands < (1 << pooled) || c->bands > 1024 || c->dropout_block >= 1.0 || c->dropout_head >= 1.0 ||
        !(c->dropout_block == c->dropout_block) || !(c->dropout_head == c->dropout_head) ||
        (unsigned)c->pooling > MEWL_POOL_AVG_MAX || product > 4096) {
        return mewl_error_set(err, MEWL_E_ARG,
                              "%s: width 1/64 to 4, 1 to %d classes, %d to 1024 bands, dropout below 1 are possible",
                              c->arch, MEWL_MODEL_CLASSES_MAX, 1 << pooled);
    }
    return MEWL_OK;
}

int64_t mewl_cnn_embedding_size(const mewl_model_config *c)
{
    const arch *a = find(c->arch);
    return a == NULL ? 0 : scaled(c->framewise ? a->channels[a->blocks - 1] : a->embedding, c->width);
}

int64_t mewl_cnn_weights_min(const mewl_model_config *c)
{
    const arch *a = find(c->arch);
    if (a == NULL) {
        return 0;
    }
    int64_t out = scaled(a->channels[a->blocks - 1], c->width);
    int64_t in = a->kernel == 3 ? out : scaled(a->channels[a->blocks - 2], c->width);
    return out * in * a->kernel * a->kernel;
}

/* "conv_block2" + ".conv1" */
typedef struct name {
    char text[96];
} name;

static name join(const char *prefix, int index, const char *suffix)
{
    name n;
    if (index > 0) {
        snprintf(n.text, sizeof n.text, "%s%d%s", prefix, index, suffix);
    } else {
        snprintf(n.text, sizeof n.text, "%s%s", prefix, suffix);
    }
    return n;
}

/* Convolution, batch norm, ReLU; `digit` is "1" or "2" ("" for the only one of a context layer). */
static mewl_node conv_norm_relu(mewl_net *net, const char *prefix, const char *digit, mewl_node x,
                                mewl_conv2d_opts opts)
{
    char conv[128], norm[128], relu[128];
    snprintf(conv, sizeof conv, "%s.conv%s", prefix, digit);
    snprintf(norm, sizeof norm, "%s.bn%s", prefix, digit);
    snprintf(relu, sizeof relu, "%s.relu%s", prefix, digit);
    x = mewl_net_conv2d(net, conv, x, opts);
    x = mewl_net_batch_norm(net, norm, x, (mewl_batch_norm_opts){0});
    return mewl_net_relu(net, relu, x);
}

static mewl_node block(mewl_net *net, const arch *a, const mewl_model_config *c, int i, mewl_node x)
{
    name prefix = join("conv_block", i + 1, "");
    int64_t k = a->kernel, pad = k / 2;
    mewl_conv2d_opts opts = {.out = scaled(a->channels[i], c->width), .kernel = {k, k}, .pad = {pad, pad, pad, pad}};
    x = conv_norm_relu(net, prefix.text, "1", x, opts);
    if (k == 3) {
        x = conv_norm_relu(net, prefix.text, "2", x, opts);
    }
    int64_t bands = a->blocks == 6 && i == 5 ? 1 : 2;
    if (c->time_pool[i] > 1 || bands > 1) {
        x = mewl_net_pool2d(net, join("conv_block", i + 1, ".pool").text, x, c->pooling, c->time_pool[i], bands);
    }
    return c->dropout_block < 0.0
               ? x
               : mewl_net_dropout(net, join("conv_block", i + 1, ".dropout").text, x, c->dropout_block);
}

static mewl_node head_dropout(mewl_net *net, const mewl_model_config *c, const char *label, mewl_node x)
{
    return c->dropout_head < 0.0 ? x : mewl_net_dropout(net, label, x, c->dropout_head);
}

/* The published head: pooling over time, fc1, fc_audioset. PANNs' forward drops out the embedding it returns, too;
 * here it is returned whole. */
static void clip_head(mewl_net *net, const arch *a, const mewl_model_config *c, mewl_node x)
{
    x = mewl_net_global_pool(net, "pool", x, MEWL_POOL_AVG_MAX);
    x = head_dropout(net, c, "dropout1", x);
    x = mewl_net_linear(net, "fc1", x, (mewl_linear_opts){.out = scaled(a->embedding, c->width)});
    x = mewl_net_relu(net, "relu", x);
    mewl_net_output(net, MEWL_CNN_EMBEDDING, x);
    x = mewl_net_linear(net, "fc_audioset", x, (mewl_linear_opts){.out = c->classes});
    mewl_net_output(net, MEWL_CNN_CLIP, x);
}

/* Two residual convolutions over time, then logits of each frame and of the clip. */
static void frame_head(mewl_net *net, const arch *a, const mewl_model_config *c, mewl_node x)
{
    x = mewl_net_mean_features(net, "mean", x);
    for (int i = 1; i <= 2; i++) {
        name prefix = join("context", i, ""), sum = join("context", i, ".add");
        int64_t dilation = 2 * i;
        mewl_conv2d_opts opts = {.out = scaled(a->channels[a->blocks - 1], c->width),
                                 .kernel = {3, 1},
                                 .dilation = {dilation, 1},
                                 .pad = {dilation, dilation, 0, 0}};
        mewl_node y = conv_norm_relu(net, prefix.text, "", x, opts);
        x = mewl_net_add(net, sum.text, x, y);
    }
    mewl_net_output(net, MEWL_CNN_EMBEDDING, mewl_net_global_pool(net, "pool", x, MEWL_POOL_AVG_MAX));
    x = head_dropout(net, c, "dropout1", x);
    x = mewl_net_linear(net, "fc_frame", x, (mewl_linear_opts){.out = c->classes});
    mewl_net_output(net, MEWL_CNN_FRAME, x);
    mewl_net_output(net, MEWL_CNN_CLIP, mewl_net_linear_softmax(net, "clip", x));
}

mewl_status mewl_cnn_build(mewl_net *net, const mewl_model_config *c, mewl_error *err)
{
    const arch *a = find(c->arch);
    if (a == NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "unknown architecture '%s'", c->arch);
    }
    mewl_node x = mewl_net_input(net, 1, c->bands);
    x = mewl_net_batch_norm(net, "bn0", x, (mewl_batch_norm_opts){.features = true});
    for (int i = 0; i < a->blocks; i++) {
        x = block(net, a, c, i, x);
    }
    if (c->framewise) {
        frame_head(net, a, c, x);
    } else {
        clip_head(net, a, c, x);
    }
    return mewl_net_seal(net, err);
}
