/* yamnet.h - YAMNet (MobileNet v1 on log-mel windows, trained on AudioSet) as a recipe of layers, and its weights out
 * of the published TFLite file.
 *
 * Input: (N, 1, 96, 64), windows of 96 frames of the front end "yamnet" (0.96 s). Convolution 3x3 stride 2 to 32
 * channels, 13 pairs of depthwise 3x3 and pointwise convolutions, all with TensorFlow's SAME padding, ReLU and a bias
 * into which the batch norm is folded; the mean over time and frequency is the embedding; a dense layer gives logits of
 * 521 classes. Weights that the file keeps in 8 bits are dequantised to float32 and all arithmetic is float, which
 * gives the published figures (docs/models.md).
 */
#ifndef MEWL_MODELS_YAMNET_H
#define MEWL_MODELS_YAMNET_H

#include "models/tflite.h"
#include "nn/net.h"

#define MEWL_YAMNET_CLASSES 521
#define MEWL_YAMNET_EMBEDDING 1024
#define MEWL_YAMNET_BANDS 64
#define MEWL_YAMNET_BINS 257
#define MEWL_YAMNET_FRAMES 96            /* of a window */
#define MEWL_YAMNET_WINDOW_SAMPLES 15600 /* that give 96 frames */
#define MEWL_YAMNET_HOP_SAMPLES 7680     /* from window to window: 0.48 s */
#define MEWL_YAMNET_LOGITS "logits"      /* outputs of the net */
#define MEWL_YAMNET_EMBEDDING_OUT "embedding"

/* Builds and seals the layers into an empty net: "layer1", "layer2.depthwise", "layer2.pointwise", …, "dense". Weights
 * are zero. Errors: those of mewl_net_seal. */
mewl_status mewl_yamnet_build(mewl_net *net, mewl_error *err);

/* Fills a built net from the TFLite file and writes its mel matrix (64 x 257, for magnitudes) to `mel`. Every operator,
 * stride, padding, activation and shape is compared with the recipe. MEWL_E_UNSUPPORTED when the file holds another
 * network, MEWL_E_MEMORY. */
mewl_status mewl_yamnet_load(mewl_net *net, float *mel, const mewl_tflite *file, mewl_error *err);

#endif
