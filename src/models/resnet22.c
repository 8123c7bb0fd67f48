/* resnet22.c - ResNet22 of PANNs (Kong et al. 2020, and its published code) as a recipe of layers.
 *
 * bn0 over mel bands; conv_block1 (64 channels), pooled 2x2, dropout 0.2; eight basic blocks (He et al. 2016) in four
 * layers of 64-128-256-512 channels, where a stride of 2 is an average pooling of 2x2 before the block's first
 * convolution and before the shortcut's; pooled 2x2; conv_block_after1 (2048 channels); PANNs' head with fc1 of 2048.
 * Channels times width. The last norm of every block starts at 0, so that blocks begin as the identity.
 */
#include "models/head.h"

#define LAYERS 4
#define BLOCKS 2 /* in a layer */
#define AFTER 2048
#define DROPOUT_INSIDE 0.5 /* of the dropout after blocks: PANNs' 0.1 of 0.2 */

static const int64_t channels_of[LAYERS] = {64, 128, 256, 512};

static int64_t after(const mewl_model_config *c)
{
    return mewl__arch_scaled(AFTER, c->width);
}

static int64_t weights_min(const mewl_model_config *c)
{
    return after(c) * after(c) * 10; /* the last convolution, 3x3, and fc1 */
}

static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    (void)c;
    return t / 32;
}

static mewl_node halve(mewl_net *net, const char *prefix, const char *what, mewl_node x)
{
    return mewl_net_pool2d(net, mewl__name_of("%s.%s", prefix, what).text, x, MEWL_POOL_AVG, 2, 2);
}

static mewl_node basic_block(mewl_net *net, const mewl_model_config *c, const char *prefix, mewl_node x, int64_t out,
                             bool half)
{
    const mewl_conv2d_opts three = {.out = out, .kernel = {3, 3}, .pad = {1, 1, 1, 1}};
    mewl_node y = half ? halve(net, prefix, "half", x) : x;
    mewl_node shortcut = x;
    y = mewl__conv_norm_relu(net, prefix, "1", y, three);
    y = mewl__block_dropout(net, prefix, y, c, DROPOUT_INSIDE);
    y = mewl_net_conv2d(net, mewl__name_of("%s.conv2", prefix).text, y, three);
    y = mewl_net_batch_norm(net, mewl__name_of("%s.bn2", prefix).text, y, (mewl_batch_norm_opts){.zero = true});
    if (half) {
        shortcut = halve(net, prefix, "downsample.0", x);
        shortcut = mewl_net_conv2d(net, mewl__name_of("%s.downsample.1", prefix).text, shortcut,
                                   (mewl_conv2d_opts){.out = out, .kernel = {1, 1}});
        shortcut = mewl_net_batch_norm(net, mewl__name_of("%s.downsample.2", prefix).text, shortcut,
                                       (mewl_batch_norm_opts){0});
    }
    y = mewl_net_add(net, mewl__name_of("%s.add", prefix).text, y, shortcut);
    return mewl_net_relu(net, mewl__name_of("%s.relu", prefix).text, y);
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    mewl_node x = mewl_net_input(net, 1, c->bands);
    x = mewl_net_batch_norm(net, "bn0", x, (mewl_batch_norm_opts){.features = true});
    x = mewl__conv_block(net, "conv_block1", x, mewl__arch_scaled(64, c->width), MEWL_POOL_AVG, 2, 2);
    x = mewl__block_dropout(net, "conv_block1", x, c, 1.0);
    for (int layer = 0; layer < LAYERS; layer++) {
        for (int i = 0; i < BLOCKS; i++) {
            const mewl__name prefix = mewl__name_of("resnet.layer%d.%d", layer + 1, i);
            const int64_t out = mewl__arch_scaled(channels_of[layer], c->width);
            x = basic_block(net, c, prefix.text, x, out, layer > 0 && i == 0);
        }
    }
    x = mewl_net_pool2d(net, "resnet.pool", x, MEWL_POOL_AVG, 2, 2);
    x = mewl__block_dropout(net, "resnet", x, c, 1.0);
    x = mewl__conv_block(net, "conv_block_after1", x, after(c), MEWL_POOL_AVG, 1, 1);
    x = mewl__block_dropout(net, "conv_block_after1", x, c, 1.0);
    mewl__head_panns(net, x, c, after(c), after(c));
}

const mewl__arch mewl__arch_resnet22 = {.name = "resnet22",
                                        .input = MEWL__ARCH_LOGMEL,
                                        .panns = true,
                                        .complete = mewl__head_complete,
                                        .embedding_size = after,
                                        .weights_min = weights_min,
                                        .frames_out = frames_out,
                                        .build = build};
