/* mn04_classifier.c - mn04 (EfficientAT, MobileNetV3-large at width 0.4) with classes of one's own: the published
 * network's layers and names, so that `model.init` with an imported mn04 takes everything but the last layer, whose
 * classes are others. Pooled over time by the mean, as published, or otherwise. */
#include "models/head.h"
#include "models/mn04.h"

#define HIDDEN 512 /* of the published head */

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    MEWL_TRY(mewl_mn04_complete(c, err));
    c->dropout_head = c->dropout_head == 0.0 ? 0.2 : c->dropout_head; /* the publisher's */
    return mewl__head_complete(c, err);
}

static int64_t embedding_size(const mewl_model_config *c)
{
    return MEWL_MN04_EMBEDDING;
}

static int64_t weights_min(const mewl_model_config *c)
{
    return MEWL_MN04_EMBEDDING * HIDDEN;
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    mewl_node x = mewl_mn04_map(net, mewl_net_input(net, 1, MEWL_MN04_BANDS));
    x = mewl__head_pool(net, x, c, MEWL_MN04_EMBEDDING, MEWL_MODEL_POOL_AVG);
    mewl_net_output(net, MEWL__OUT_EMBEDDING, x);
    x = mewl_net_linear(net, "classifier.2", x, (mewl_linear_opts){.out = HIDDEN});
    x = mewl_net_hard_swish(net, "classifier.3", x);
    x = mewl__head_dropout(net, "classifier.4", x, c);
    x = mewl_net_linear(net, "classifier.5", x, (mewl_linear_opts){.out = c->classes});
    mewl_net_output(net, MEWL__OUT_CLIP, x);
}

const mewl__arch mewl__arch_mn04_classifier = {.name = "mn04-classifier",
                                               .input = MEWL__ARCH_LOGMEL,
                                               .bands = MEWL_MN04_BANDS,
                                               .complete = complete,
                                               .embedding_size = embedding_size,
                                               .weights_min = weights_min,
                                               .frames_out = mewl_mn04_frames,
                                               .build = build};
