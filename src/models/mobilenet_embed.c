/* mobilenet_embed.c - YAMNet's body as an embedder: its first `depth` pairs of convolutions with its own strides, the
 * mean over frequency, attentive statistics pooling and 192 numbers of length one.
 *
 * Where identities are few, starting from a network that has heard AudioSet beats starting from nothing: layers are
 * named as YAMNet's, so that `model.init` with our import of it fills the body. Not the detector (mobilenet.c), which
 * keeps time dense.
 */
#include "models/ecapa.h"
#include "models/mobilenet.h"

#define DEPTH_DEFAULT 11
#define DEPTH_MIN 4
#define LAST 512 /* channels of the default depth */
#define ATTENTION 128

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    MEWL_TRY(mewl__embedder_complete(c, err));
    c->depth = c->depth == 0 ? DEPTH_DEFAULT : c->depth;
    if (c->depth < DEPTH_MIN || c->depth > MEWL_MOBILENET_PAIRS || c->bands < 32) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: depth %d to %d and 32 to 1024 bands are possible", c->arch,
                              DEPTH_MIN, MEWL_MOBILENET_PAIRS);
    }
    return MEWL_OK;
}

static int64_t embedding_size(const mewl_model_config *c)
{
    return MEWL__EMBEDDING_SIZE;
}

static int64_t weights_min(const mewl_model_config *c)
{
    return MEWL__EMBEDDING_SIZE * 2 * mewl_mobilenet_channels(c->depth, c->width);
}

/* Halved by the first convolution and the pairs of stride 2. */
static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    int halvings = c->depth >= 12 ? 5 : c->depth >= 6 ? 4 : 3;
    return t >> halvings;
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    mewl_node x = mewl_mobilenet_body(net, mewl_net_input(net, 1, c->bands), c->depth, c->width, false);
    x = mewl_net_mean_features(net, "mean", x);
    x = mewl__attentive_pool(net, x, mewl_mobilenet_channels(c->depth, c->width),
                             mewl__arch_scaled(ATTENTION, c->width));
    mewl__embedding_head(net, x, c);
}

const mewl__arch mewl__arch_mobilenet_embed = {.name = "mobilenet-embed",
                                               .input = MEWL__ARCH_LOGMEL,
                                               .embeds = true,
                                               .complete = complete,
                                               .embedding_size = embedding_size,
                                               .weights_min = weights_min,
                                               .frames_out = frames_out,
                                               .build = build};
