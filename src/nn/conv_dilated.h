/* conv_dilated.h - private to nn/: gradients of a dilated depthwise convolution of stride 1, which oneDNN 2.6 only has
 * as a slow reference: sixty times the cost of the undilated one. */
#ifndef MEWL_NN_CONV_DILATED_H
#define MEWL_NN_CONV_DILATED_H

#include "nn/dnnl_door.h"

typedef struct mewl__conv_dilated mewl__conv_dilated;

/* Is `spec` such a convolution (one channel a group, in = out, stride 1, a dilation above 1)? */
bool mewl__conv_dilated_suits(const mewl__conv_spec *spec);

/* Copies the geometry of a `spec` that suits and makes room for a block of channels. MEWL_E_MEMORY. free takes NULL. */
mewl_status mewl__conv_dilated_new(mewl__conv_dilated **out, const mewl__conv_spec *spec, mewl_error *err);
void mewl__conv_dilated_free(mewl__conv_dilated *conv);

/* Overwrites dx (skipped where its data is NULL) and adds to plain float32 dweight and dbias (each may be NULL). x, dy
 * and dx all lie in one layout, which may be any. */
void mewl__conv_dilated_run(mewl__conv_dilated *conv, mewl_tensor *dx, float *dweight, float *dbias,
                            const mewl_tensor *x, const mewl_tensor *dy, const float *weight);

#endif
