/* head.h - private to models/: from the last map to the clip's vector and logits, alike for many architectures. */
#ifndef MEWL_MODELS_HEAD_H
#define MEWL_MODELS_HEAD_H

#include "models/arch.h"

/* x (N, channels, T, F), mean over F, pooled over time as config->global_pooling says, AUTO standing for `own`, to (N,
 * channels, 1, 1). The layer is named "pool"; parameters as in net.h (pool.weight, pool.bias, pool.query). */
mewl_node mewl__head_pool(mewl_net *net, mewl_node x, const mewl_model_config *config, int64_t channels,
                          mewl_model_pool own);

/* The most heads of 8, 4, 2, 1 that divide the channels. */
int64_t mewl__head_count(int64_t channels);

/* A dropout of config->dropout_head named `name`, or x itself when there is none. */
mewl_node mewl__head_dropout(mewl_net *net, const char *name, mewl_node x, const mewl_model_config *config);

/* PANNs' head: pooling, dropout, fc1 to `embedding` elements with ReLU (output "embedding"), fc_audioset (output
 * "clip"). PANNs' forward also drops out the embedding it returns; here it is returned whole. */
void mewl__head_panns(mewl_net *net, mewl_node x, const mewl_model_config *config, int64_t channels, int64_t embedding);

/* Convolution without bias, batch norm, ReLU: "prefix.conv<digit>", "prefix.bn<digit>". */
mewl_node mewl__conv_norm_relu(mewl_net *net, const char *prefix, const char *digit, mewl_node x,
                               mewl_conv2d_opts opts);

/* PANNs' ConvBlock: two 3x3 convolutions with norm and ReLU, to `channels`; pooled time x features, not when 1 x 1. */
mewl_node mewl__conv_block(mewl_net *net, const char *prefix, mewl_node x, int64_t channels, mewl_pool_kind kind,
                           int64_t time, int64_t features);

/* A dropout of config->dropout_block * share named "prefix.dropout", or x itself when there is none. */
mewl_node mewl__block_dropout(mewl_net *net, const char *prefix, mewl_node x, const mewl_model_config *config,
                              double share);

/* Fills in PANNs' dropout: 0.2 after blocks, 0.5 in the head; and refuses framewise, which `name` does not offer. */
mewl_status mewl__head_complete(mewl_model_config *config, mewl_error *err);

#endif
