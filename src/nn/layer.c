/* layer.c - what builders and plans of layers share. */
#include "nn/net_private.h"

#include <stdio.h>
#include <stdlib.h>

mewl_status mewl__layer_param(mewl_layer *layer, const char *suffix, mewl_shape shape, float fill, float decay,
                              bool buffer, mewl_error *err)
{
    int64_t count = mewl_shape_count(shape);
    if (count < 0) {
        char text[64];
        return mewl_error_set(err, MEWL_E_SHAPE, "layer %s: impossible shape %s of %s", layer->name,
                              mewl_shape_text(shape, text, sizeof text), suffix);
    }
    if (layer->param_count == MEWL_LAYER_PARAMS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "layer %s: too many parameters", layer->name);
    }
    mewl_param *param = calloc(1, sizeof *param);
    char *name = NULL;
    float *data = NULL;
    if (param == NULL || asprintf(&name, "%s.%s", layer->name, suffix) < 0) {
        free(param);
        return mewl_error_set(err, MEWL_E_MEMORY, "layer %s: out of memory", layer->name);
    }
    data = mewl__alloc((size_t)count * sizeof *data);
    if (data == NULL) {
        free(name);
        free(param);
        return mewl_error_set(err, MEWL_E_MEMORY, "layer %s: out of memory for %s", layer->name, suffix);
    }
    for (int64_t i = 0; i < count; i++) {
        data[i] = fill;
    }
    *param = (mewl_param){.name = name,
                          .value = {.shape = shape, .dtype = MEWL_DTYPE_F32, .data = data},
                          .grad = {.shape = shape, .dtype = MEWL_DTYPE_F32},
                          .decay = decay,
                          .rate = 1.0f,
                          .buffer = buffer};
    layer->params[layer->param_count++] = param;
    return MEWL_OK;
}

void mewl__want_plain(mewl_tensor *in)
{
    in->dtype = MEWL_DTYPE_F32;
    in->layout = MEWL_LAYOUT_PLAIN;
}
