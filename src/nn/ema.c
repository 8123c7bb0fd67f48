/* ema.c - the moving average of a net's parameters and buffers. */
#include "nn/memory.h"
#include "nn/optim_private.h"

#include <stdlib.h>
#include <string.h>

mewl_status mewl_ema_new(mewl_ema **out, mewl_net *net, double decay, mewl_error *err)
{
    *out = NULL;
    if (!(decay >= 0.0 && decay < 1.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "a moving average's decay of %g is outside [0, 1)", decay);
    }
    mewl_ema *ema = calloc(1, sizeof *ema);
    if (ema == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a moving average");
    }
    ema->net = net;
    ema->decay = decay;
    mewl_param *const *params = mewl_net_params(net, &ema->count);
    ema->average = calloc(ema->count + 1, sizeof *ema->average);
    bool fine = ema->average != NULL;
    for (size_t i = 0; i < ema->count && fine; i++) {
        ema->average[i] = mewl__alloc(mewl_tensor_bytes(&params[i]->value));
        fine = ema->average[i] != NULL;
        if (fine) {
            memcpy(ema->average[i], params[i]->value.data, mewl_tensor_bytes(&params[i]->value));
        }
    }
    if (!fine) {
        mewl_ema_free(ema);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a moving average");
    }
    *out = ema;
    return MEWL_OK;
}

void mewl_ema_free(mewl_ema *ema)
{
    if (ema == NULL) {
        return;
    }
    for (size_t i = 0; i < ema->count && ema->average != NULL; i++) {
        free(ema->average[i]);
    }
    free(ema->average);
    free(ema);
}

void mewl_ema_update(mewl_ema *ema)
{
    double young = (1.0 + (double)ema->updates) / (10.0 + (double)ema->updates);
    float step = (float)(1.0 - (ema->decay < young ? ema->decay : young));
    size_t count;
    mewl_param *const *params = mewl_net_params(ema->net, &count);
    for (size_t i = 0; i < count && !ema->swapped; i++) {
        const float *value = params[i]->value.data;
        float *average = ema->average[i];
        int64_t elements = mewl_shape_count(params[i]->value.shape);
        for (int64_t k = 0; k < elements; k++) {
            average[k] += step * (value[k] - average[k]);
        }
    }
    ema->updates += ema->swapped ? 0 : 1;
}

void mewl_ema_swap(mewl_ema *ema)
{
    size_t count;
    mewl_param *const *params = mewl_net_params(ema->net, &count);
    for (size_t i = 0; i < count; i++) {
        float *value = params[i]->value.data, *average = ema->average[i];
        int64_t elements = mewl_shape_count(params[i]->value.shape);
        for (int64_t k = 0; k < elements; k++) {
            float keep = value[k];
            value[k] = average[k];
            average[k] = keep;
        }
    }
    ema->swapped = !ema->swapped;
    mewl_net_touch(ema->net);
}
