/* mobilenet.h - MobileNet v1's body (Howard et al. 2017) with YAMNet's names and strides, and the frame-wise detector
 * on top of it. Used through model.h (arch "mobilenet") and by yamnet.c.
 *
 * Body: convolution 3x3 stride 2 to 32 channels, then up to 13 pairs of depthwise 3x3 and pointwise convolutions, each
 * with bias and ReLU and no batch norm: YAMNet's published weights have theirs folded in, and the detector starts from
 * them. A stride of 2 pads one frame and one band after and none before, which for even sizes is TensorFlow's SAME, and
 * keeps output frame i on input frames 2 i .. 2 i + 2 whatever the length, so that a stream can be cut into chunks.
 *
 * Detector (frame-wise): the body with time halved only three times (80 ms frames at a hop of 10 ms); where YAMNet
 * would halve it again, the depthwise convolutions after that are dilated in time instead, so that each weight sees
 * what it was trained to see (Chen et al. 2017, atrous convolution). Then the mean over frequency, head (kernel 1,
 * ReLU), dropout, frame logits by fc_frame, and clip logits by linear softmax pooling.
 */
#ifndef MEWL_MODELS_MOBILENET_H
#define MEWL_MODELS_MOBILENET_H

#include "models/model.h"

#define MEWL_MOBILENET_PAIRS 13

/* Adds `pairs` pairs (0 to 13) after the first convolution to x, (N, 1, T, bands): layers "layer1",
 * "layer2.depthwise", "layer2.pointwise", ... Channels are multiplied by width. With `dense_time` only the first three
 * strides of 2 apply to time. */
mewl_node mewl_mobilenet_body(mewl_net *net, mewl_node x, int64_t pairs, double width, bool dense_time);

/* Is `arch` "mobilenet"? */
bool mewl_mobilenet_known(const char *arch);

/* Fills in defaults (depth 9, front end's 64 bands, width 1) and checks. Errors: MEWL_E_ARG. */
mewl_status mewl_mobilenet_complete(mewl_model_config *config, mewl_error *err);

/* Elements of the embedding of a completed config: the head's 128 channels times width, mean over time. */
int64_t mewl_mobilenet_embedding_size(const mewl_model_config *config);

/* Elements of the pointwise convolutions of a completed config: a lower bound of what a checkpoint of it must hold. */
int64_t mewl_mobilenet_weights_min(const mewl_model_config *config);

/* Builds and seals the detector of a completed config into an empty net; outputs are named as in cnn.h. */
mewl_status mewl_mobilenet_build(mewl_net *net, const mewl_model_config *config, mewl_error *err);

#endif
