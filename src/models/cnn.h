/* cnn.h - CNN6, CNN10 and CNN14 of PANNs as recipes of layers. Used through model.h.
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
#ifndef MEWL_MODELS_CNN_H
#define MEWL_MODELS_CNN_H

#include "models/model.h"

/* Names of the net's outputs. */
#define MEWL_CNN_CLIP "clip"
#define MEWL_CNN_FRAME "frame" /* (N, classes, T', 1); framewise only */
#define MEWL_CNN_EMBEDDING "embedding"

/* Is `arch` one of these? */
bool mewl_cnn_known(const char *arch);

/* Fills in every default of `config` and checks every figure. Errors: MEWL_E_ARG. */
mewl_status mewl_cnn_complete(mewl_model_config *config, mewl_error *err);

/* Elements of the embedding of a completed config. */
int64_t mewl_cnn_embedding_size(const mewl_model_config *config);

/* Elements of the largest convolution of a completed config: a lower bound of what a checkpoint of it must hold (at
 * least two fifths of all of CNN10's and CNN14's), to be compared before memory is asked for. */
int64_t mewl_cnn_weights_min(const mewl_model_config *config);

/* Builds and seals the layers of a completed config into an empty net. Weights are zero until initialised. */
mewl_status mewl_cnn_build(mewl_net *net, const mewl_model_config *config, mewl_error *err);

#endif
