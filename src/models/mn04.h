/* mn04.h - EfficientAT's mn04_as (MobileNetV3-large at width 0.4 on log-mel clips, distilled on AudioSet) as a recipe
 * of layers, and its weights out of the published PyTorch file.
 *
 * Input: (N, 1, T, 128), T frames of the front end "mn" (10 ms). The published network has mel bands as height and time
 * as width; here time comes first, so kernels are transposed when they are loaded. Squeeze-excitation, where a block
 * has it: the mean over time and frequency, two dense layers with ReLU between, sigmoid, times the map. Batch norm has
 * eps 1e-3. The mean of the last map is the embedding (384); two dense layers with hard swish between give logits of
 * 527 classes. Reproduces github.com/fschmid56/EfficientAT (Schmid, Koutini and Widmer 2023) in evaluation.
 */
#ifndef MEWL_MODELS_MN04_H
#define MEWL_MODELS_MN04_H

#include "models/model.h"
#include "models/torchzip.h"
#include "nn/net.h"

#define MEWL_MN04_CLASSES 527
#define MEWL_MN04_EMBEDDING 384
#define MEWL_MN04_BANDS 128
#define MEWL_MN04_LOGITS "logits" /* outputs of the net */
#define MEWL_MN04_EMBEDDING_OUT "embedding"

/* The network from its input (N, 1, T, 128) to its last map (N, 384, T', 4). And the mean of it, the embedding (N, 384,
 * 1, 1). */
mewl_node mewl_mn04_map(mewl_net *net, mewl_node input);
mewl_node mewl_mn04_body(mewl_net *net, mewl_node input);

/* What the architectures that stand on the body share, as models/arch.h takes it. complete: there is one depth and one
 * width; MEWL_E_ARG unless the bands are the body's own. frames: those of the last map from t frames (five halvings,
 * each rounding up). */
mewl_status mewl_mn04_complete(mewl_model_config *config, mewl_error *err);
int64_t mewl_mn04_frames(const mewl_model_config *config, int64_t t);

/* Builds and seals the layers into an empty net, named as in the published file. Weights are zero. Errors: those of
 * mewl_net_seal. */
mewl_status mewl_mn04_build(mewl_net *net, mewl_error *err);

/* Fills a built net from the PyTorch file; every tensor must be there in its exact shape, and none besides.
 * MEWL_E_UNSUPPORTED when the file holds another network, MEWL_E_FORMAT, MEWL_E_MEMORY. */
mewl_status mewl_mn04_load(mewl_net *net, mewl_torchzip *file, mewl_error *err);

#endif
