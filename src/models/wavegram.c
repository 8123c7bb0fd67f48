/* wavegram.c - Wavegram_Logmel_Cnn14 of PANNs (Kong et al. 2020, and its published code) as a recipe of layers.
 *
 * Two inputs side by side in a frame: 64 log-mel bands, and the hop's samples of the waveform from the frame's middle
 * on.
 *
 * Waveform: one line of samples; pre_conv0 (kernel 11, stride 5); pre_block1 to 3 of two 1-d convolutions each, the
 * second with dilation 2, pooled by the maximum of 4, 4 and hop / 80; the 128 channels folded to 4 channels of 32
 * features, which the net learns to use like bands; pre_block4, pooled 2 x 1. Log-mel: bn0 and conv_block1, pooled 2x2.
 * Both joined are the input of CNN14's conv_block2 to 6 and its head. Channels times width (the folded ones at least
 * 32). The last frame's samples are not used: a centred front end gives one frame more than there are hops.
 *
 * Equal to PANNs for clips of an even number of hops, which alone PANNs takes: with an odd one, the log-mel side is cut
 * to the waveform's frames. PANNs' net is for 32 kHz and a hop of 320; 160 is the same at 16 kHz.
 */
#include "models/head.h"

#define FOLDED 32 /* features of the folded waveform, half of the 64 bands */
#define BLOCKS 5  /* conv_block2 to 6 */
#define LAST 2048

static const int64_t channels_of[BLOCKS] = {128, 256, 512, 1024, 2048};

static int64_t last(const mewl_model_config *c)
{
    return mewl__arch_scaled(LAST, c->width);
}

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    if (c->bands != MEWL__WAVEGRAM_MEL + 320 && c->bands != MEWL__WAVEGRAM_MEL + 160) {
        return mewl_error_set(
            err, MEWL_E_ARG,
            "%s takes 64 log-mel bands and 160 or 320 samples a frame, not %lld floats: its front end "
            "is wavegram-16k or wavegram-32k",
            c->arch, (long long)c->bands);
    }
    return mewl__head_complete(c, err);
}

static int64_t weights_min(const mewl_model_config *c)
{
    return last(c) * last(c) * 10; /* the last convolution, 3x3, and fc1 */
}

static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    (void)c;
    return (t - 1) / 32;
}

/* Two 1-d convolutions, the second dilated, pooled. */
static mewl_node wave_block(mewl_net *net, int index, mewl_node x, int64_t out, int64_t pool)
{
    const mewl__name prefix = mewl__name_of("pre_block%d", index);
    x = mewl__conv_norm_relu(net, prefix.text, "1", x,
                             (mewl_conv2d_opts){.out = out, .kernel = {3, 1}, .pad = {1, 1, 0, 0}});
    x = mewl__conv_norm_relu(net, prefix.text, "2", x,
                             (mewl_conv2d_opts){.out = out, .kernel = {3, 1}, .dilation = {2, 1}, .pad = {2, 2, 0, 0}});
    return mewl_net_pool2d(net, mewl__name_of("%s.pool", prefix.text).text, x, MEWL_POOL_MAX, pool, 1);
}

static mewl_node waveform(mewl_net *net, const mewl_model_config *c, mewl_node input)
{
    const int64_t hop = c->bands - MEWL__WAVEGRAM_MEL, first = mewl__arch_scaled(64, c->width);
    mewl_node x = mewl_net_slice_features(net, "samples", input, MEWL__WAVEGRAM_MEL, hop);
    x = mewl_net_crop_time(net, "samples.hops", x, 0, 1);
    x = mewl_net_features_to_time(net, "samples.line", x);
    x = mewl_net_conv2d(net, "pre_conv0", x,
                        (mewl_conv2d_opts){.out = first, .kernel = {11, 1}, .stride = {5, 1}, .pad = {5, 5, 0, 0}});
    x = mewl_net_batch_norm(net, "pre_bn0", x, (mewl_batch_norm_opts){0});
    x = mewl_net_relu(net, "pre_relu0", x);
    x = wave_block(net, 1, x, first, 4);
    x = wave_block(net, 2, x, mewl__arch_scaled(128, c->width), 4);
    x = wave_block(net, 3, x, FOLDED * mewl__arch_scaled(4, c->width), hop / 80);
    x = mewl_net_unflatten_features(net, "folded", x, FOLDED);
    return mewl__conv_block(net, "pre_block4", x, first, MEWL_POOL_AVG, 2, 1);
}

static mewl_node logmel(mewl_net *net, const mewl_model_config *c, mewl_node input)
{
    mewl_node x = mewl_net_slice_features(net, "logmel", input, 0, MEWL__WAVEGRAM_MEL);
    x = mewl_net_batch_norm(net, "bn0", x, (mewl_batch_norm_opts){.features = true});
    return mewl__conv_block(net, "conv_block1", x, mewl__arch_scaled(64, c->width), MEWL_POOL_AVG, 2, 2);
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    const mewl_node input = mewl_net_input(net, 1, c->bands);
    const mewl_node wave = waveform(net, c, input);
    const mewl_node mel = mewl_net_crop_like(net, "logmel.hops", logmel(net, c, input), wave);
    mewl_node x = mewl_net_concat(net, "joined", (mewl_node[]){mel, wave}, 2);
    x = mewl__block_dropout(net, "joined", x, c, 1.0);
    for (int i = 0; i < BLOCKS; i++) {
        const mewl__name prefix = mewl__name_of("conv_block%d", i + 2);
        const int64_t pool = i == BLOCKS - 1 ? 1 : 2;
        x = mewl__conv_block(net, prefix.text, x, mewl__arch_scaled(channels_of[i], c->width), MEWL_POOL_AVG, pool,
                             pool);
        x = mewl__block_dropout(net, prefix.text, x, c, 1.0);
    }
    mewl__head_panns(net, x, c, last(c), last(c));
}

const mewl__arch mewl__arch_wavegram = {.name = "wavegram-logmel-cnn14",
                                        .input = MEWL__ARCH_WAVEGRAM,
                                        .panns = true,
                                        .complete = complete,
                                        .embedding_size = last,
                                        .weights_min = weights_min,
                                        .frames_out = frames_out,
                                        .build = build};
