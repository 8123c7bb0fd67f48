/* ecapa.c - ECAPA-TDNN (Desplanques, Thienpondt and Demuynck 2020) in the two forms its published weights come in, and
 * the pooling and head that other embedders share.
 *
 *   ecapa          SpeechBrain's ECAPA_TDNN: mirrored edges, first of the eight Res2 splits passed through, batch norm
 *                  after the multi-layer aggregation to 3 C, attention over 128; names blocks.0.conv.conv ...
 *   ecapa-encoder  the form whose checkpoints are named speaker_encoder.*: zeros beyond the edges, last split passed
 *                  through, each block fed the sum of all before it, aggregation to 1,536 at width 1 without a norm,
 *                  attention over 256, a last batch norm; names conv1, layer1 ... fc6, bn6
 *
 * Both give 192 numbers, here brought to length one (both publishers compare by cosine, which this does not change).
 * Not a classifier: the angular losses it is trained with live in nn/loss_embed.h.
 */
#include "models/ecapa.h"

#define CHANNELS 1024
#define SPLITS 8
#define SQUEEZE 128
#define BLOCKS 3

static const mewl_batch_norm_opts norm = {0};

mewl_status mewl__embedder_complete(mewl_model_config *c, mewl_error *err)
{
    c->dropout_block = c->dropout_head = -1.0;
    c->pooling = MEWL_POOL_AVG;
    for (int i = 0; i < MEWL_MODEL_BLOCKS_MAX; i++) {
        c->time_pool[i] = 0;
    }
    if (c->framewise || c->global_pooling != MEWL_MODEL_POOL_AUTO) {
        return mewl_error_set(err, MEWL_E_ARG, "%s gives one vector a clip by its own pooling", c->arch);
    }
    return MEWL_OK;
}

static int64_t embedding_size(const mewl_model_config *c)
{
    return MEWL__EMBEDDING_SIZE;
}

/* ---- Parts ---- */

/* Convolution over time, ReLU, batch norm: "<conv>", "<bn>". */
static mewl_node unit(mewl_net *net, const char *conv, const char *bn, mewl_node x, int64_t out, int64_t kernel,
                      int64_t dilation, bool mirror)
{
    int64_t pad = (kernel - 1) * dilation / 2;
    if (mirror && pad > 0) {
        x = mewl_net_pad_reflect(net, mewl__name_of("%s.pad", conv).text, x, pad, pad);
        pad = 0;
    }
    x = mewl_net_conv2d(
        net, conv, x,
        (mewl_conv2d_opts){
            .out = out, .kernel = {kernel, 1}, .dilation = {dilation, 1}, .pad = {pad, pad, 0, 0}, .bias = true});
    x = mewl_net_relu(net, mewl__name_of("%s.relu", conv).text, x);
    return mewl_net_batch_norm(net, bn, x, norm);
}

/* Squeeze and excitation: linear layers `down` and `up`. */
static mewl_node excite(mewl_net *net, const char *down, const char *up, mewl_node x, int64_t channels, int64_t squeeze)
{
    mewl_node s = mewl_net_global_pool(net, mewl__name_of("%s.mean", down).text, x, MEWL_POOL_AVG);
    s = mewl_net_linear(net, down, s, (mewl_linear_opts){.out = squeeze});
    s = mewl_net_relu(net, mewl__name_of("%s.relu", down).text, s);
    s = mewl_net_linear(net, up, s, (mewl_linear_opts){.out = channels});
    s = mewl_net_sigmoid(net, mewl__name_of("%s.gate", up).text, s);
    return mewl_net_multiply(net, mewl__name_of("%s.scale", up).text, x, s);
}

mewl_node mewl__attentive_pool(mewl_net *net, mewl_node x, int64_t channels, int64_t attention)
{
    mewl_node s = mewl_net_context(net, "asp.context", x, (mewl_stats_opts){0});
    s = unit(net, "asp.tdnn.conv.conv", "asp.tdnn.norm.norm", s, attention, 1, 1, false);
    s = mewl_net_tanh(net, "asp.tanh", s);
    s = mewl_net_conv2d(net, "asp.conv.conv", s, (mewl_conv2d_opts){.out = channels, .kernel = {1, 1}, .bias = true});
    return mewl_net_attentive_stats(net, "asp.pool", x, s, (mewl_stats_opts){0});
}

void mewl__embedding_output(mewl_net *net, mewl_node x, const mewl_model_config *c)
{
    x = mewl_net_l2_normalize(net, "length", x);
    mewl_net_output(net, MEWL__OUT_EMBEDDING, x);
    if (c->classes > 0) {
        x = mewl_net_linear(net, "centres", x, (mewl_linear_opts){.out = c->classes, .no_bias = true});
        mewl_net_output(net, MEWL__OUT_CLIP, x);
    }
}

void mewl__embedding_head(mewl_net *net, mewl_node x, const mewl_model_config *c)
{
    x = mewl_net_batch_norm(net, "asp_bn.norm", x, norm);
    x = mewl_net_linear(net, "fc.conv", x, (mewl_linear_opts){.out = MEWL__EMBEDDING_SIZE});
    mewl__embedding_output(net, x, c);
}

/* ---- SpeechBrain's ---- */

static int64_t channels_of(const mewl_model_config *c)
{
    return mewl__arch_scaled(CHANNELS, c->width);
}

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    MEWL_TRY(mewl__embedder_complete(c, err));
    c->depth = 0;
    if (channels_of(c) % SPLITS != 0) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: %lld channels do not split into %d", c->arch,
                              (long long)channels_of(c), SPLITS);
    }
    return MEWL_OK;
}

/* A mirrored edge needs more frames than it is wide: 4, the last block's dilation. */
static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    return t > 4 ? t : 0;
}

static int64_t weights_min(const mewl_model_config *c)
{
    int64_t channels = channels_of(c);
    return channels * (5 * c->bands + 2 * BLOCKS * channels + 3 * 3 * channels);
}

/* Splits of `channels`, all but the first convolved, each with the one before it added. */
static mewl_node res2(mewl_net *net, const char *prefix, mewl_node x, int64_t channels, int64_t dilation)
{
    int64_t width = channels / SPLITS;
    mewl_node parts[SPLITS], y = -1;
    for (int i = 0; i < SPLITS; i++) {
        mewl_node split = mewl_net_slice(net, mewl__name_of("%s.split%d", prefix, i).text, x, i * width, width);
        if (i > 1) {
            split = mewl_net_add(net, mewl__name_of("%s.sum%d", prefix, i).text, split, y);
        }
        y = i == 0 ? split
                   : unit(net, mewl__name_of("%s.blocks.%d.conv.conv", prefix, i - 1).text,
                          mewl__name_of("%s.blocks.%d.norm.norm", prefix, i - 1).text, split, width, 3, dilation, true);
        parts[i] = y;
    }
    return mewl_net_concat(net, mewl__name_of("%s.join", prefix).text, parts, SPLITS);
}

static mewl_node block(mewl_net *net, int number, mewl_node x, int64_t channels, int64_t squeeze)
{
    const mewl__name name = mewl__name_of("blocks.%d", number);
    const char *text = name.text;
    mewl_node y = unit(net, mewl__name_of("%s.tdnn1.conv.conv", text).text,
                       mewl__name_of("%s.tdnn1.norm.norm", text).text, x, channels, 1, 1, false);
    y = res2(net, mewl__name_of("%s.res2net_block", text).text, y, channels, number + 1);
    y = unit(net, mewl__name_of("%s.tdnn2.conv.conv", text).text, mewl__name_of("%s.tdnn2.norm.norm", text).text, y,
             channels, 1, 1, false);
    y = excite(net, mewl__name_of("%s.se_block.conv1.conv", text).text,
               mewl__name_of("%s.se_block.conv2.conv", text).text, y, channels, squeeze);
    return mewl_net_add(net, mewl__name_of("%s.residual", text).text, y, x);
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    int64_t channels = channels_of(c), squeeze = mewl__arch_scaled(SQUEEZE, c->width);
    mewl_node blocks[BLOCKS];
    mewl_node x = mewl_net_flatten_features(net, "bands", mewl_net_input(net, 1, c->bands));
    x = unit(net, "blocks.0.conv.conv", "blocks.0.norm.norm", x, channels, 5, 1, true);
    for (int i = 0; i < BLOCKS; i++) {
        x = blocks[i] = block(net, i + 1, x, channels, squeeze);
    }
    x = mewl_net_concat(net, "aggregate", blocks, BLOCKS);
    x = unit(net, "mfa.conv.conv", "mfa.norm.norm", x, BLOCKS * channels, 1, 1, false);
    mewl__embedding_head(net, mewl__attentive_pool(net, x, BLOCKS * channels, squeeze), c);
}

const mewl__arch mewl__arch_ecapa = {.name = "ecapa",
                                     .input = MEWL__ARCH_LOGMEL,
                                     .embeds = true,
                                     .bands = 80,
                                     .width_from = "blocks.0.conv.conv.weight",
                                     .width_channels = CHANNELS,
                                     .complete = complete,
                                     .embedding_size = embedding_size,
                                     .weights_min = weights_min,
                                     .frames_out = frames_out,
                                     .build = build};

/* ---- speaker_encoder.* ---- */

#define AGGREGATE 1536
#define ATTENTION 256

static const mewl_stats_opts encoder_stats = {.eps = 1e-4};

static int64_t encoder_frames_out(const mewl_model_config *c, int64_t t)
{
    return t > 1 ? t : 0; /* one frame has no unbiased deviation */
}

/* Splits of `channels`, all but the last convolved. */
static mewl_node encoder_res2(mewl_net *net, const char *prefix, mewl_node x, int64_t channels, int64_t dilation)
{
    int64_t width = channels / SPLITS;
    mewl_node parts[SPLITS], y = -1;
    for (int i = 0; i < SPLITS; i++) {
        mewl_node split = mewl_net_slice(net, mewl__name_of("%s.split%d", prefix, i).text, x, i * width, width);
        if (i > 0 && i < SPLITS - 1) {
            split = mewl_net_add(net, mewl__name_of("%s.sum%d", prefix, i).text, y, split);
        }
        y = i == SPLITS - 1 ? split
                            : unit(net, mewl__name_of("%s.convs.%d", prefix, i).text,
                                   mewl__name_of("%s.bns.%d", prefix, i).text, split, width, 3, dilation, false);
        parts[i] = y;
    }
    return mewl_net_concat(net, mewl__name_of("%s.join", prefix).text, parts, SPLITS);
}

static mewl_node encoder_block(mewl_net *net, int number, mewl_node x, int64_t channels, int64_t squeeze)
{
    const mewl__name name = mewl__name_of("layer%d", number);
    const char *text = name.text;
    mewl_node y =
        unit(net, mewl__name_of("%s.conv1", text).text, mewl__name_of("%s.bn1", text).text, x, channels, 1, 1, false);
    y = encoder_res2(net, text, y, channels, number + 1);
    y = unit(net, mewl__name_of("%s.conv3", text).text, mewl__name_of("%s.bn3", text).text, y, channels, 1, 1, false);
    y = excite(net, mewl__name_of("%s.se.se.1", text).text, mewl__name_of("%s.se.se.3", text).text, y, channels,
               squeeze);
    return mewl_net_add(net, mewl__name_of("%s.residual", text).text, y, x);
}

static mewl_node encoder_pool(mewl_net *net, mewl_node x, int64_t channels, int64_t attention)
{
    mewl_stats_opts context = encoder_stats;
    context.unbiased = true;
    mewl_node s = mewl_net_context(net, "context", x, context);
    s = unit(net, "attention.0", "attention.2", s, attention, 1, 1, false);
    s = mewl_net_tanh(net, "attention.3", s);
    s = mewl_net_conv2d(net, "attention.4", s, (mewl_conv2d_opts){.out = channels, .kernel = {1, 1}, .bias = true});
    return mewl_net_attentive_stats(net, "attention.5", x, s, encoder_stats);
}

static void encoder_build(mewl_net *net, const mewl_model_config *c)
{
    int64_t channels = channels_of(c), squeeze = mewl__arch_scaled(SQUEEZE, c->width);
    int64_t wide = mewl__arch_scaled(AGGREGATE, c->width);
    mewl_node blocks[BLOCKS];
    mewl_node x = mewl_net_flatten_features(net, "bands", mewl_net_input(net, 1, c->bands));
    x = unit(net, "conv1", "bn1", x, channels, 5, 1, false);
    for (int i = 0; i < BLOCKS; i++) { /* the sum of the input and of all blocks so far */
        blocks[i] = encoder_block(net, i + 1, x, channels, squeeze);
        x = i + 1 < BLOCKS ? mewl_net_add(net, mewl__name_of("sum%d", i + 1).text, x, blocks[i]) : x;
    }
    x = mewl_net_concat(net, "aggregate", blocks, BLOCKS);
    x = mewl_net_conv2d(net, "layer4", x, (mewl_conv2d_opts){.out = wide, .kernel = {1, 1}, .bias = true});
    x = mewl_net_relu(net, "layer4.relu", x);
    x = encoder_pool(net, x, wide, mewl__arch_scaled(ATTENTION, c->width));
    x = mewl_net_batch_norm(net, "bn5", x, norm);
    x = mewl_net_linear(net, "fc6", x, (mewl_linear_opts){.out = MEWL__EMBEDDING_SIZE});
    x = mewl_net_batch_norm(net, "bn6", x, norm);
    mewl__embedding_output(net, x, c);
}

const mewl__arch mewl__arch_ecapa_encoder = {.name = "ecapa-encoder",
                                             .input = MEWL__ARCH_LOGMEL,
                                             .embeds = true,
                                             .bands = 80,
                                             .width_from = "conv1.weight",
                                             .width_channels = CHANNELS,
                                             .complete = complete,
                                             .embedding_size = embedding_size,
                                             .weights_min = weights_min,
                                             .frames_out = encoder_frames_out,
                                             .build = encoder_build};
