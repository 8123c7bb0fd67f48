/* hybrid.h - private to models/: TinyToes' hybrid image as a network's first layers. */
#ifndef MEWL_MODELS_HYBRID_H
#define MEWL_MODELS_HYBRID_H

#include "models/arch.h"

#define MEWL__HYBRID_HEIGHT 64 /* features of each channel */

/* The input of a completed config, normalised for each feature (bn0). Hybrid frames become three channels of one
 * height: the spectrum without its constant bin, each four bins averaged; the mel bands; the MFCC stretched by linear
 * interpolation: (N, 3, T, 64). Log-mel frames stay one channel, (N, 1, T, B). */
mewl_node mewl__hybrid_image(mewl_net *net, const mewl_model_config *config);

/* Features of that image. */
int64_t mewl__hybrid_features(const mewl_model_config *config);

#endif
