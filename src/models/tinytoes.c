/* tinytoes.c - the network of the TinyToes article as a recipe of layers.
 *
 * Local features: four blocks (lfeb1 to 4) of convolution 3x3, ReLU, dropout, batch norm and pooling, in the article's
 * order. Global features: multi-head self-attention over time, an LSTM, and a linear layer whose logits the loss puts
 * through softmax. The article gives no sizes; here: 64-64-128-128 channels times width, maximum pooling of 2x2, so
 * that a frame of the sequence is 160 ms and holds 128 channels x 4 features; 8 heads (fewer where they do not divide);
 * 128 states. The clip's vector is the LSTM's last state; any other global pooling is of all its states.
 */
#include "models/head.h"
#include "models/hybrid.h"

#define BLOCKS 4
#define STATES 128
#define HALVINGS 16 /* 2 to the number of blocks */
#define DROPOUT 0.2
#define DROPOUT_HEAD 0.3

static const int64_t channels_of[BLOCKS] = {64, 64, 128, 128};

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    c->dropout_block = c->dropout_block == 0.0 ? DROPOUT : c->dropout_block;
    c->dropout_head = c->dropout_head == 0.0 ? DROPOUT_HEAD : c->dropout_head;
    return mewl__head_complete(c, err);
}

static int64_t states(const mewl_model_config *c)
{
    return mewl__arch_scaled(STATES, c->width);
}

/* Channels of the sequence that the attention sees. */
static int64_t sequence_width(const mewl_model_config *c)
{
    return mewl__arch_scaled(channels_of[BLOCKS - 1], c->width) * (mewl__hybrid_features(c) / HALVINGS);
}

static int64_t weights_min(const mewl_model_config *c)
{
    return 4 * sequence_width(c) * sequence_width(c) + 4 * states(c) * (sequence_width(c) + states(c));
}

static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    (void)c;
    return t / HALVINGS;
}

static mewl_node block(mewl_net *net, const mewl_model_config *c, int i, mewl_node x)
{
    const mewl__name prefix = mewl__name_of("lfeb%d", i + 1);
    x = mewl_net_conv2d(
        net, mewl__name_of("%s.conv", prefix.text).text, x,
        (mewl_conv2d_opts){
            .out = mewl__arch_scaled(channels_of[i], c->width), .kernel = {3, 3}, .pad = {1, 1, 1, 1}, .bias = true});
    x = mewl_net_relu(net, mewl__name_of("%s.relu", prefix.text).text, x);
    x = mewl__block_dropout(net, prefix.text, x, c, 1.0);
    x = mewl_net_batch_norm(net, mewl__name_of("%s.bn", prefix.text).text, x, (mewl_batch_norm_opts){0});
    return mewl_net_pool2d(net, mewl__name_of("%s.pool", prefix.text).text, x, MEWL_POOL_MAX, 2, 2);
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    const bool last = c->global_pooling == MEWL_MODEL_POOL_AUTO;
    mewl_node x = mewl__hybrid_image(net, c);
    for (int i = 0; i < BLOCKS; i++) {
        x = block(net, c, i, x);
    }
    x = mewl_net_flatten_features(net, "sequence", x);
    x = mewl_net_self_attention(net, "attention", x,
                                (mewl_self_attention_opts){.heads = mewl__head_count(sequence_width(c))});
    x = mewl_net_lstm(net, "lstm", x, (mewl_lstm_opts){.hidden = states(c), .last = last});
    if (!last) {
        x = mewl__head_pool(net, x, c, states(c), MEWL_MODEL_POOL_AVG);
    }
    mewl_net_output(net, MEWL__OUT_EMBEDDING, x);
    x = mewl__head_dropout(net, "dropout", x, c);
    x = mewl_net_linear(net, "fc", x, (mewl_linear_opts){.out = c->classes});
    mewl_net_output(net, MEWL__OUT_CLIP, x);
}

const mewl__arch mewl__arch_tinytoes = {.name = "tinytoes",
                                        .input = MEWL__ARCH_HYBRID,
                                        .complete = complete,
                                        .embedding_size = states,
                                        .weights_min = weights_min,
                                        .frames_out = frames_out,
                                        .build = build};
