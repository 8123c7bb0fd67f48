/* head.c - see head.h. */
#include "models/head.h"

int64_t mewl__head_count(int64_t channels)
{
    int64_t heads = 8;
    while (channels % heads != 0) {
        heads /= 2;
    }
    return heads;
}

mewl_node mewl__head_pool(mewl_net *net, mewl_node x, const mewl_model_config *c, int64_t channels, mewl_model_pool own)
{
    switch (c->global_pooling == MEWL_MODEL_POOL_AUTO ? own : c->global_pooling) {
    case MEWL_MODEL_POOL_MAX:
        return mewl_net_global_pool(net, "pool", x, MEWL_POOL_MAX);
    case MEWL_MODEL_POOL_AVG:
        return mewl_net_global_pool(net, "pool", x, MEWL_POOL_AVG);
    case MEWL_MODEL_POOL_STAT:
        return mewl_net_stat_pool(net, "pool", x, false);
    case MEWL_MODEL_POOL_STAT_FULL:
        return mewl_net_stat_pool(net, "pool", x, true);
    case MEWL_MODEL_POOL_MHA:
        return mewl_net_mha_pool(net, "pool", x, c->pool_heads != 0 ? c->pool_heads : mewl__head_count(channels));
    case MEWL_MODEL_POOL_ATTN_LITERAL:
        return mewl_net_attn_literal_pool(net, "pool", x, mewl__arch_find(c->arch)->frames_out(c, c->frames));
    default:
        return mewl_net_global_pool(net, "pool", x, MEWL_POOL_AVG_MAX);
    }
}

mewl_node mewl__head_dropout(mewl_net *net, const char *name, mewl_node x, const mewl_model_config *c)
{
    return c->dropout_head > 0.0 ? mewl_net_dropout(net, name, x, c->dropout_head) : x;
}

void mewl__head_panns(mewl_net *net, mewl_node x, const mewl_model_config *c, int64_t channels, int64_t embedding)
{
    x = mewl__head_pool(net, x, c, channels, MEWL_MODEL_POOL_MAX_AVG);
    x = mewl__head_dropout(net, "dropout1", x, c);
    x = mewl_net_linear(net, "fc1", x, (mewl_linear_opts){.out = embedding});
    x = mewl_net_relu(net, "relu", x);
    mewl_net_output(net, MEWL__OUT_EMBEDDING, x);
    x = mewl_net_linear(net, "fc_audioset", x, (mewl_linear_opts){.out = c->classes});
    mewl_net_output(net, MEWL__OUT_CLIP, x);
}

mewl_node mewl__conv_norm_relu(mewl_net *net, const char *prefix, const char *digit, mewl_node x, mewl_conv2d_opts opts)
{
    x = mewl_net_conv2d(net, mewl__name_of("%s.conv%s", prefix, digit).text, x, opts);
    x = mewl_net_batch_norm(net, mewl__name_of("%s.bn%s", prefix, digit).text, x, (mewl_batch_norm_opts){0});
    return mewl_net_relu(net, mewl__name_of("%s.relu%s", prefix, digit).text, x);
}

mewl_node mewl__conv_block(mewl_net *net, const char *prefix, mewl_node x, int64_t channels, mewl_pool_kind kind,
                           int64_t time, int64_t features)
{
    const mewl_conv2d_opts opts = {.out = channels, .kernel = {3, 3}, .pad = {1, 1, 1, 1}};
    x = mewl__conv_norm_relu(net, prefix, "1", x, opts);
    x = mewl__conv_norm_relu(net, prefix, "2", x, opts);
    return time == 1 && features == 1
               ? x
               : mewl_net_pool2d(net, mewl__name_of("%s.pool", prefix).text, x, kind, time, features);
}

mewl_node mewl__block_dropout(mewl_net *net, const char *prefix, mewl_node x, const mewl_model_config *c, double share)
{
    return c->dropout_block > 0.0
               ? mewl_net_dropout(net, mewl__name_of("%s.dropout", prefix).text, x, c->dropout_block * share)
               : x;
}

mewl_status mewl__head_complete(mewl_model_config *c, mewl_error *err)
{
    c->dropout_block = c->dropout_block == 0.0 ? 0.2 : c->dropout_block;
    c->dropout_head = c->dropout_head == 0.0 ? 0.5 : c->dropout_head;
    for (int i = 0; i < MEWL_MODEL_BLOCKS_MAX; i++) {
        c->time_pool[i] = 0;
    }
    c->pooling = MEWL_POOL_AVG;
    return !c->framewise ? MEWL_OK
                         : mewl_error_set(err, MEWL_E_ARG, "%s scores whole clips: set framewise = no", c->arch);
}
