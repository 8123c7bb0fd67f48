/* mn04_mfcc.c - see mn04_mfcc.h. */
#include "models/mn04_mfcc.h"

#include <stdlib.h>
#include <string.h>

#include "dsp/mfcc.h"
#include "models/ecapa.h"

#define CEPSTRUM "cepstrum"
#define CHANGE "change"

static mewl_status complete(mewl_model_config *c, mewl_error *err)
{
    MEWL_TRY(mewl__embedder_complete(c, err));
    return mewl_mn04_complete(c, err);
}

/* A difference takes two frames. */
static int64_t frames_out(const mewl_model_config *c, int64_t t)
{
    return t > 1 ? mewl_mn04_frames(c, t) : 0;
}

/* Mean and deviation of the cepstra, and deviation of their differences from frame to frame: (N, 120, 1, 1). Both are
 * convolutions with weights that stay as they are filled in. */
static mewl_node statistics(mewl_net *net, mewl_node input)
{
    const int64_t count = MEWL_MN04_MFCC_COEFFICIENTS;
    mewl_node x = mewl_net_flatten_features(net, "bands", input);
    mewl_node cepstrum = mewl_net_conv2d(net, CEPSTRUM, x, (mewl_conv2d_opts){.out = count, .kernel = {1, 1}});
    mewl_node change = mewl_net_conv2d(net, CHANGE, x, (mewl_conv2d_opts){.out = count, .kernel = {2, 1}});
    mewl_node parts[2] = {mewl_net_time_stats(net, "cepstrum.statistics", cepstrum, (mewl_stats_opts){0}),
                          mewl_net_slice(net, "change.deviation",
                                         mewl_net_time_stats(net, "change.statistics", change, (mewl_stats_opts){0}),
                                         count, count)};
    return mewl_net_concat(net, "statistics", parts, 2);
}

/* ---- The statistics themselves ---- */

/* Nothing is trained beside them, as centres are beside an embedder: there are no classes. */
static mewl_status complete_statistics(mewl_model_config *c, mewl_error *err)
{
    return c->classes == 0 ? complete(c, err) : mewl_error_set(err, MEWL_E_ARG, "%s has no classes", c->arch);
}

static int64_t statistics_size(const mewl_model_config *c)
{
    return MEWL_MN04_MFCC_SIZE;
}

static int64_t statistics_weights(const mewl_model_config *c)
{
    return MEWL_MN04_MFCC_COEFFICIENTS * 3 * MEWL_MN04_BANDS;
}

static void build_statistics(mewl_net *net, const mewl_model_config *c)
{
    mewl_node input = mewl_net_input(net, 1, MEWL_MN04_BANDS);
    mewl_node parts[2] = {mewl_mn04_body(net, input), statistics(net, input)};
    mewl_net_output(net, MEWL__OUT_EMBEDDING, mewl_net_concat(net, "all", parts, 2));
}

const mewl__arch mewl__arch_mn04_mfcc_statistics = {.name = "mn04-mfcc-statistics",
                                                    .input = MEWL__ARCH_LOGMEL,
                                                    .embeds = true,
                                                    .bands = MEWL_MN04_BANDS,
                                                    .complete = complete_statistics,
                                                    .embedding_size = statistics_size,
                                                    .weights_min = statistics_weights,
                                                    .frames_out = frames_out,
                                                    .build = build_statistics};

/* ---- With heads ---- */

static int64_t embedding_size(const mewl_model_config *c)
{
    return 2 * MEWL_MN04_MFCC_HALF;
}

static int64_t weights_min(const mewl_model_config *c)
{
    return statistics_weights(c) + MEWL_MN04_MFCC_HALF * MEWL_MN04_MFCC_SIZE;
}

static mewl_node half(mewl_net *net, const char *name, const char *length, mewl_node x)
{
    x = mewl_net_linear(net, name, x, (mewl_linear_opts){.out = MEWL_MN04_MFCC_HALF});
    return mewl_net_l2_normalize(net, length, x);
}

static void build(mewl_net *net, const mewl_model_config *c)
{
    mewl_node input = mewl_net_input(net, 1, MEWL_MN04_BANDS);
    mewl_node halves[2] = {half(net, MEWL_MN04_MFCC_TRUNK, "trunk.length", mewl_mn04_body(net, input)),
                           half(net, MEWL_MN04_MFCC_VOICE, "voice.length", statistics(net, input))};
    mewl_node x = mewl_net_concat(net, "both", halves, 2);
    x = mewl_net_batch_norm(net, MEWL_MN04_MFCC_BALANCE, x, (mewl_batch_norm_opts){0}); /* as filled in: a factor */
    mewl__embedding_output(net, x, c);
}

const mewl__arch mewl__arch_mn04_mfcc_embed = {.name = "mn04-mfcc-embed",
                                               .input = MEWL__ARCH_LOGMEL,
                                               .embeds = true,
                                               .bands = MEWL_MN04_BANDS,
                                               .complete = complete,
                                               .embedding_size = embedding_size,
                                               .weights_min = weights_min,
                                               .frames_out = frames_out,
                                               .build = build};

/* ---- Weights that nobody learns ---- */

/* Rows of the cosine transform, found by asking it for unit vectors; differences are its value now less that before. */
static mewl_status fill_cepstra(mewl_net *net, mewl_error *err)
{
    enum { COUNT = MEWL_MN04_MFCC_COEFFICIENTS, BANDS = MEWL_MN04_BANDS };
    float *cepstrum = mewl_net_param(net, CEPSTRUM ".weight")->value.data,
          *change = mewl_net_param(net, CHANGE ".weight")->value.data;
    float one[BANDS] = {0}, column[COUNT];
    mewl_mfcc *transform;
    MEWL_TRY(mewl_mfcc_new(&transform, BANDS, COUNT, err));
    for (size_t b = 0; b < BANDS; b++) {
        one[b] = 1;
        mewl_mfcc_apply(transform, column, one);
        one[b] = 0;
        for (size_t k = 0; k < COUNT; k++) {
            cepstrum[k * BANDS + b] = column[k];
            change[(k * BANDS + b) * 2] = -column[k];
            change[(k * BANDS + b) * 2 + 1] = column[k];
        }
    }
    mewl_mfcc_free(transform);
    return MEWL_OK;
}

/* The body's parameters, and whatever else has the same name, from a net of the published form. */
static void copy_named(mewl_net *to, mewl_net *from)
{
    size_t count;
    mewl_param *const *params = mewl_net_params(to, &count);
    for (size_t i = 0; i < count; i++) {
        const mewl_param *p = mewl_net_param(from, params[i]->name);
        if (p != NULL) {
            memcpy(params[i]->value.data, p->value.data, mewl_tensor_bytes(&params[i]->value));
        }
    }
}

mewl_status mewl_mn04_mfcc_fill(mewl_net *net, const char *path, mewl_error *err)
{
    mewl_net *published;
    mewl_torchzip *file;
    MEWL_TRY(mewl_net_new(&published, err));
    mewl_status status = mewl_mn04_build(published, err);
    if (status == MEWL_OK) {
        status = mewl_torchzip_open(&file, path, err);
        if (status == MEWL_OK) {
            status = mewl_mn04_load(published, file, err);
            mewl_torchzip_close(file);
        }
    }
    if (status == MEWL_OK) {
        copy_named(net, published);
        status = fill_cepstra(net, err);
        mewl_net_touch(net);
    }
    mewl_net_free(published);
    return status;
}
