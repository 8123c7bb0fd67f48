/* resnet50.c - ResNet50 (He et al. 2016, layers and names of torchvision's resnet50) with multi-head self-attention on
 * its last map, which the TinyToes article names beside its own network.
 *
 * conv1 (7x7, stride 2), bn1, maximum pooling of 3x3 with stride 2; four layers of 3-4-6-3 bottleneck blocks (1x1, 3x3
 * with the stride, 1x1 to four times the channels) of 64-128-256-512 channels times width; self-attention with 8 heads
 * over all positions of the map; global pooling (the mean unless another is chosen) gives the embedding; fc. An image's
 * rows are frames here, its columns features. Three channels where the input is the hybrid image, so that weights
 * trained on pictures load by name; bn0 is ours.
 */
#include "models/head.h"
#include "models/hybrid.h"

#define LAYERS 4
#define EXPANSION 4

static const struct {
    int64_t channels, count;
} layers[LAYERS] = {{64, 3}, {128, 4}, {256, 6}, {512, 3}};

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    c->dropout_head = c->dropout_head == 0.0 ? -1.0 : c->dropout_head; /* torchvision's has none */
    return mewl__head_complete(c, err);
}

static int64_t last(const mewl_model_config *c)
{
    return EXPANSION * mewl__arch_scaled(layers[LAYERS - 1].channels, c->width);
}

static int64_t weights_min(const mewl_model_config *c)
{
    return 4 * last(c) * last(c); /* the attention */
}

/* Convolutions and poolings with padding halve and round up, five times. */
static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    (void)c;
    return t < 1 ? 0 : (t + 31) / 32;
}

/* Convolution and norm, named as torchvision does: conv<digit>, bn<digit> under a prefix that ends with a dot. */
static mewl_node conv_norm(mewl_net *net, const char *prefix, int digit, mewl_node x, mewl_conv2d_opts opts, bool zero)
{
    x = mewl_net_conv2d(net, mewl__name_of("%sconv%d", prefix, digit).text, x, opts);
    return mewl_net_batch_norm(net, mewl__name_of("%sbn%d", prefix, digit).text, x,
                               (mewl_batch_norm_opts){.zero = zero});
}

static mewl_node relu(mewl_net *net, const char *prefix, int digit, mewl_node x)
{
    return mewl_net_relu(net, mewl__name_of("%srelu%d", prefix, digit).text, x);
}

static mewl_node bottleneck(mewl_net *net, const char *prefix, mewl_node x, int64_t inside, int64_t stride,
                            bool project)
{
    const mewl_conv2d_opts three = {.out = inside, .kernel = {3, 3}, .stride = {stride, stride}, .pad = {1, 1, 1, 1}};
    mewl_node y = conv_norm(net, prefix, 1, x, (mewl_conv2d_opts){.out = inside, .kernel = {1, 1}}, false);
    y = conv_norm(net, prefix, 2, relu(net, prefix, 1, y), three, false);
    y = conv_norm(net, prefix, 3, relu(net, prefix, 2, y),
                  (mewl_conv2d_opts){.out = EXPANSION * inside, .kernel = {1, 1}}, true);
    if (project) {
        x = mewl_net_conv2d(
            net, mewl__name_of("%sdownsample.0", prefix).text, x,
            (mewl_conv2d_opts){.out = EXPANSION * inside, .kernel = {1, 1}, .stride = {stride, stride}});
        x = mewl_net_batch_norm(net, mewl__name_of("%sdownsample.1", prefix).text, x, (mewl_batch_norm_opts){0});
    }
    return relu(net, prefix, 3, mewl_net_add(net, mewl__name_of("%sadd", prefix).text, y, x));
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    mewl_node x = mewl__hybrid_image(net, c);
    x = conv_norm(net, "", 1, x,
                  (mewl_conv2d_opts){
                      .out = mewl__arch_scaled(64, c->width), .kernel = {7, 7}, .stride = {2, 2}, .pad = {3, 3, 3, 3}},
                  false);
    x = relu(net, "", 1, x);
    x = mewl_net_pool2d_window(
        net, "maxpool", x,
        (mewl_window_opts){.kind = MEWL_POOL_MAX, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}});
    for (int layer = 0; layer < LAYERS; layer++) {
        const int64_t inside = mewl__arch_scaled(layers[layer].channels, c->width);
        for (int64_t i = 0; i < layers[layer].count; i++) {
            const mewl__name prefix = mewl__name_of("layer%d.%d.", layer + 1, (int)i);
            x = bottleneck(net, prefix.text, x, inside, layer > 0 && i == 0 ? 2 : 1, i == 0);
        }
    }
    x = mewl_net_self_attention(net, "attention", x, (mewl_self_attention_opts){.heads = mewl__head_count(last(c))});
    x = mewl__head_pool(net, x, c, last(c), MEWL_MODEL_POOL_AVG);
    mewl_net_output(net, MEWL__OUT_EMBEDDING, x);
    x = mewl__head_dropout(net, "dropout", x, c);
    x = mewl_net_linear(net, "fc", x, (mewl_linear_opts){.out = c->classes});
    mewl_net_output(net, MEWL__OUT_CLIP, x);
}

const mewl__arch mewl__arch_resnet50_mha = {.name = "resnet50-mha",
                                            .input = MEWL__ARCH_HYBRID,
                                            .complete = complete,
                                            .embedding_size = last,
                                            .weights_min = weights_min,
                                            .frames_out = frames_out,
                                            .build = build};
