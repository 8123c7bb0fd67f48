/* mobilenets.c - MobileNetV1 and MobileNetV2 of PANNs (Howard et al. 2017, Sandler et al. 2018, and PANNs' published
 * code) as recipes of layers, clip-wise. YAMNet's body, with other names and strides, is mobilenet.c.
 *
 * Both: bn0 over mel bands; "features", where a stride of 2 is an average pooling of 2x2 between a convolution and its
 * norm; pooling over time and PANNs' head, fc1 of 1024. V1: pairs of depthwise and pointwise convolutions with ReLU,
 * dropout 0.5 in the head. V2: inverted residual blocks with ReLU6, 1280 channels at the end, no dropout. Channels
 * times width; names are PANNs' indices into its lists of layers.
 */
#include "models/head.h"

#define FC1 1024
#define V1_LAST 1024
#define V2_LAST 1280
#define V1_PAIRS 13
#define V2_GROUPS 7

static const struct {
    int64_t out, stride;
} v1_pairs[V1_PAIRS] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                        {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};

/* Of each group of V2: how many times a block's input channels inside it, its output, how many blocks, stride of the
 * first. */
static const struct {
    int64_t expand, out, count, stride;
} v2_groups[V2_GROUPS] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                          {6, 96, 3, 2}, {6, 160, 3, 1}, {6, 320, 1, 1}};

typedef struct list {
    mewl_net *net;
    const char *prefix; /* "features.3", "features.3.conv" */
    int next;           /* index of the next layer in PANNs' list */
    bool six;           /* ReLU6 */
} list;

static mewl__name take(list *l)
{
    return mewl__name_of("%s.%d", l->prefix, l->next++);
}

/* Norm and activation. */
static mewl_node norm(list *l, mewl_node x, bool active)
{
    x = mewl_net_batch_norm(l->net, take(l).text, x, (mewl_batch_norm_opts){0});
    if (!active) {
        return x;
    }
    return l->six ? mewl_net_relu6(l->net, take(l).text, x) : mewl_net_relu(l->net, take(l).text, x);
}

static mewl_node pointwise(list *l, mewl_node x, int64_t out, bool active)
{
    x = mewl_net_conv2d(l->net, take(l).text, x, (mewl_conv2d_opts){.out = out, .kernel = {1, 1}});
    return norm(l, x, active);
}

/* 3x3, pooled by the stride, norm, activation; depthwise when groups is the channels. */
static mewl_node spatial(list *l, mewl_node x, int64_t out, int64_t groups, int64_t stride)
{
    x = mewl_net_conv2d(l->net, take(l).text, x,
                        (mewl_conv2d_opts){.out = out, .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .groups = groups});
    const mewl__name pool = take(l);
    if (stride > 1) {
        x = mewl_net_pool2d(l->net, pool.text, x, MEWL_POOL_AVG, stride, stride);
    }
    return norm(l, x, true);
}

static mewl_node begin(mewl_net *net, const mewl_model_config *c, bool six)
{
    mewl_node x = mewl_net_input(net, 1, c->bands);
    x = mewl_net_batch_norm(net, "bn0", x, (mewl_batch_norm_opts){.features = true});
    list l = {.net = net, .prefix = "features.0", .six = six};
    return spatial(&l, x, mewl__arch_scaled(32, c->width), 1, 2);
}

static int64_t embedding_size(const mewl_model_config *c)
{
    return mewl__arch_scaled(FC1, c->width);
}

static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    (void)c;
    return t / 32;
}

/* ---- V1 ---- */

static int64_t weights_min_v1(const mewl_model_config *c)
{
    return 2 * mewl__arch_scaled(V1_LAST, c->width) * embedding_size(c); /* the last pointwise one and fc1 */
}

static void build_v1(mewl_net *net, const mewl_model_config *c)
{
    mewl_node x = begin(net, c, false);
    int64_t channels = mewl__arch_scaled(32, c->width);
    for (int i = 0; i < V1_PAIRS; i++) {
        const mewl__name prefix = mewl__name_of("features.%d", i + 1);
        list l = {.net = net, .prefix = prefix.text};
        x = spatial(&l, x, channels, channels, v1_pairs[i].stride);
        channels = mewl__arch_scaled(v1_pairs[i].out, c->width);
        x = pointwise(&l, x, channels, true);
    }
    mewl__head_panns(net, x, c, channels, embedding_size(c));
}

const mewl__arch mewl__arch_mobilenetv1 = {.name = "mobilenetv1",
                                           .input = MEWL__ARCH_LOGMEL,
                                           .panns = true,
                                           .complete = mewl__head_complete,
                                           .embedding_size = embedding_size,
                                           .weights_min = weights_min_v1,
                                           .frames_out = frames_out,
                                           .build = build_v1};

/* ---- V2 ---- */

static mewl_status complete_v2(mewl_model_config *c, mewl_error *err)
{
    c->dropout_head = c->dropout_head == 0.0 ? -1.0 : c->dropout_head; /* PANNs' has none */
    return mewl__head_complete(c, err);
}

static int64_t weights_min_v2(const mewl_model_config *c)
{
    return mewl__arch_scaled(V2_LAST, c->width) * embedding_size(c); /* fc1 */
}

static mewl_node inverted_residual(mewl_net *net, int index, mewl_node x, int64_t in, int64_t out, int64_t expand,
                                   int64_t stride)
{
    const mewl__name prefix = mewl__name_of("features.%d.conv", index);
    list l = {.net = net, .prefix = prefix.text, .six = true};
    mewl_node y = expand > 1 ? pointwise(&l, x, in * expand, true) : x;
    y = spatial(&l, y, in * expand, in * expand, stride);
    y = pointwise(&l, y, out, false);
    return stride == 1 && in == out ? mewl_net_add(net, mewl__name_of("features.%d.add", index).text, x, y) : y;
}

static void build_v2(mewl_net *net, const mewl_model_config *c)
{
    mewl_node x = begin(net, c, true);
    int64_t channels = mewl__arch_scaled(32, c->width);
    int index = 1;
    for (int g = 0; g < V2_GROUPS; g++) {
        const int64_t out = mewl__arch_scaled(v2_groups[g].out, c->width);
        for (int64_t i = 0; i < v2_groups[g].count; i++) {
            x = inverted_residual(net, index++, x, channels, out, v2_groups[g].expand,
                                  i == 0 ? v2_groups[g].stride : 1);
            channels = out;
        }
    }
    const mewl__name prefix = mewl__name_of("features.%d", index);
    list l = {.net = net, .prefix = prefix.text, .six = true};
    channels = mewl__arch_scaled(V2_LAST, c->width);
    x = pointwise(&l, x, channels, true);
    mewl__head_panns(net, x, c, channels, embedding_size(c));
}

const mewl__arch mewl__arch_mobilenetv2 = {.name = "mobilenetv2",
                                           .input = MEWL__ARCH_LOGMEL,
                                           .panns = true,
                                           .complete = complete_v2,
                                           .embedding_size = embedding_size,
                                           .weights_min = weights_min_v2,
                                           .frames_out = frames_out,
                                           .build = build_v2};
