/* conv_first.h - private to nn/: the input gradient of a convolution with one input channel, which oneDNN 2.6 only has
 * as a slow reference when the input is plain: hundreds of times the cost of the rest of the layer. */
#ifndef MEWL_NN_CONV_FIRST_H
#define MEWL_NN_CONV_FIRST_H

#include "nn/dnnl_door.h"

typedef struct mewl__conv_first mewl__conv_first;

/* Is `spec` such a convolution (one input channel, one group)? */
bool mewl__conv_first_suits(const mewl__conv_spec *spec);

/* Copies the geometry of a `spec` that suits and makes room for the rows at hand. MEWL_E_MEMORY. free takes NULL. */
mewl_status mewl__conv_first_new(mewl__conv_first **first, const mewl__conv_spec *spec, mewl_error *err);
void mewl__conv_first_free(mewl__conv_first *first);

/* dx (plain, spec's type) from dy (any layout but channels-last) and plain float32 weights. */
mewl_status mewl__conv_first_run(mewl__conv_first *first, mewl_tensor *dx, const mewl_tensor *dy, const float *weight,
                                 mewl_error *err);

#endif
