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

#include "nn/net.h"

#define MEWL_MOBILENET_PAIRS 13

/* Adds `pairs` pairs (0 to 13) after the first convolution to x, (N, 1, T, bands): layers "layer1",
 * "layer2.depthwise", "layer2.pointwise", ... Channels are multiplied by width. With `dense_time` only the first three
 * strides of 2 apply to time. */
mewl_node mewl_mobilenet_body(mewl_net *net, mewl_node x, int64_t pairs, double width, bool dense_time);

/* Channels that `pairs` pairs (1 to 13) end with. */
int64_t mewl_mobilenet_channels(int64_t pairs, double width);

#endif
