/* quantise.c - a model into one of eight bits. What the bits mean is nn/quant.h's; here it is kept with the model. */
#include "models/quantise.h"

#include "models/model_private.h"

#include <math.h>
#include <stdio.h>

mewl_status mewl_model_calibrate(mewl_model *model, const float *features, int64_t n, int64_t t, mewl_error *err)
{
    mewl_net *net = mewl_model_net(model);
    const mewl_model_mode mode = model->mode;
    for (int64_t i = 0; n > 0 && t > 0 && i < n * t * model->config.bands; i++) {
        if (!isfinite(features[i])) {
            return mewl_error_set(err, MEWL_E_FORMAT, "clip %lld of a batch has features that are not finite",
                                  (long long)(i / (t * model->config.bands)));
        }
    }
    if (!mewl_net_observing(net)) {
        MEWL_TRY(mewl_net_observe(net, true, err));
    }
    model->mode.training = model->mode.bf16 = false;
    const mewl_status status = mewl_model_forward(model, features, n, t, NULL, NULL, NULL, err);
    model->mode = mode;
    return status;
}

mewl_status mewl_model_quantise(mewl_model *model, mewl_quant_opts opts, mewl_error *err)
{
    char text[160];
    mewl_net *net = mewl_model_net(model);
    const bool trained = mewl_net_faking(net);
    MEWL_TRY(mewl_net_quantise(net, opts, err));
    if (opts.kind == MEWL_QUANT_STATIC) {
        (void)snprintf(text, sizeof text, "static, eight bits: weights of %zu layers, activations by %s%s",
                       mewl_net_quant_weights(net), mewl_quant_range_name(opts.range),
                       trained ? ", trained with rounding" : "");
    } else {
        (void)snprintf(text, sizeof text, "dynamic, eight bits: weights of %zu linear layers",
                       mewl_net_quant_weights(net));
    }
    return mewl_model_set_note(model, "quantised", text, err);
}

mewl_quant_kind mewl_model_quantised(mewl_model *model)
{
    return mewl_net_quantised(mewl_model_net(model));
}

mewl_status mewl_model_bytes(mewl_model *model, uint64_t *bytes, bool bf16, mewl_error *err)
{
    mewl_checkpoint *checkpoint;
    MEWL_TRY(mewl_checkpoint_new(&checkpoint, err));
    mewl_status status = mewl_model_to_checkpoint(model, checkpoint, bf16, err);
    if (status == MEWL_OK) {
        status = mewl_checkpoint_bytes(checkpoint, bytes, err);
    }
    mewl_checkpoint_free(checkpoint);
    return status;
}
