/* mn04_embed.c - mn04's body (EfficientAT) as an embedder: its 384 numbers, a linear head to 192, length one.
 *
 * The body keeps its published weights and names; the head is learned from individuals, in closed form (lab/verify.h)
 * not by task embed, whose sound is 16 kHz. What ships has statistics of MFCC beside the body: mn04_mfcc.c.
 */
#include "models/ecapa.h"
#include "models/mn04.h"

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    MEWL_TRY(mewl__embedder_complete(c, err));
    return mewl_mn04_complete(c, err);
}

static int64_t embedding_size(const mewl_model_config *c)
{
    return MEWL__EMBEDDING_SIZE;
}

static int64_t weights_min(const mewl_model_config *c)
{
    return MEWL__EMBEDDING_SIZE * MEWL_MN04_EMBEDDING;
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    mewl_node x = mewl_mn04_body(net, mewl_net_input(net, 1, MEWL_MN04_BANDS));
    x = mewl_net_linear(net, "head", x, (mewl_linear_opts){.out = MEWL__EMBEDDING_SIZE});
    mewl__embedding_output(net, x, c);
}

const mewl__arch mewl__arch_mn04_embed = {.name = "mn04-embed",
                                          .input = MEWL__ARCH_LOGMEL,
                                          .embeds = true,
                                          .bands = MEWL_MN04_BANDS,
                                          .complete = complete,
                                          .embedding_size = embedding_size,
                                          .weights_min = weights_min,
                                          .frames_out = mewl_mn04_frames,
                                          .build = build};
