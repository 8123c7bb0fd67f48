/* ecapa.h - private to models/: parts of ECAPA-TDNN that other embedders use too. */
#ifndef MEWL_MODELS_ECAPA_H
#define MEWL_MODELS_ECAPA_H

#include "models/arch.h"

#define MEWL__EMBEDDING_SIZE 192 /* of every embedder trained for identity */

/* Fills in what embedders have in common: no classes, no frames, no dropout. Errors: MEWL_E_ARG. */
mewl_status mewl__embedder_complete(mewl_model_config *config, mewl_error *err);

/* x (N, channels, T, 1) to (N, 2 channels, 1, 1) by attentive statistics pooling with global context (Desplanques et
 * al. 2020): scores from a bottleneck of `attention` channels over each frame with the clip's mean and deviation.
 * Layers "asp.tdnn.conv.conv", "asp.tdnn.norm.norm", "asp.conv.conv" (SpeechBrain's names). */
mewl_node mewl__attentive_pool(mewl_net *net, mewl_node x, int64_t channels, int64_t attention);

/* The pooled vector to the embedding: batch norm "asp_bn.norm", linear "fc.conv", length one. */
void mewl__embedding_head(mewl_net *net, mewl_node x, const mewl_model_config *config);

/* x (N, 192, 1, 1) of length one as output "embedding"; with classes, what an angular loss trains beside it: "centres",
 * one row each (output "clip": products with them). Shipped embedders have none. */
void mewl__embedding_output(mewl_net *net, mewl_node x, const mewl_model_config *config);

#endif
