/* hybrid.c - see hybrid.h. */
#include "models/hybrid.h"

mewl_node mewl__hybrid_image(mewl_net *net, const mewl_model_config *c)
{
    const mewl_model_input parts = mewl__arch_parts(c);
    mewl_node x = mewl_net_input(net, 1, c->bands);
    x = mewl_net_batch_norm(net, "bn0", x, (mewl_batch_norm_opts){.features = true});
    if (parts.spectrum == 0) {
        return x;
    }
    const int64_t bins = parts.spectrum - 1; /* without the constant one */
    mewl_node spectrum = mewl_net_slice_features(net, "image.spectrum", x, 1, bins);
    spectrum = mewl_net_resize_features(net, "image.spectrum64", spectrum, MEWL__HYBRID_HEIGHT);
    const mewl_node mel = mewl_net_slice_features(net, "image.mel", x, parts.spectrum, parts.mel);
    mewl_node cepstrum = mewl_net_slice_features(net, "image.mfcc", x, parts.spectrum + parts.mel, parts.cepstrum);
    cepstrum = mewl_net_resize_features(net, "image.mfcc64", cepstrum, MEWL__HYBRID_HEIGHT);
    return mewl_net_concat(net, "image", (mewl_node[]){spectrum, mel, cepstrum}, 3);
}

int64_t mewl__hybrid_features(const mewl_model_config *c)
{
    return mewl__arch_parts(c).spectrum == 0 ? c->bands : MEWL__HYBRID_HEIGHT;
}
