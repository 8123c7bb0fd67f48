/* verify_make.c - the embedder that ships: mn04's published body beside statistics of MFCC, with a head learned here.
 */
#include "lab/verify.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/mn04_mfcc.h"
#include "models/model.h"

mewl_status mewl_verify_make_statistics(const char *path, const char *body, mewl_error *err)
{
    mewl_model_config config = {.arch = "mn04-mfcc-statistics", .front_end = "mn"};
    mewl_model *model;
    MEWL_TRY(mewl_model_new(&model, config, 0, err));
    mewl_status status = mewl_mn04_mfcc_fill(mewl_model_net(model), body, err);
    if (status == MEWL_OK) {
        status = mewl_model_save(model, path, false, err);
    }
    mewl_model_free(model);
    return status;
}

/* weight (x - mean) of one part: the linear layer's weight and bias; directions that the head lacks stay zero. */
static void set_half(mewl_net *net, const char *layer, const mewl_verify_head *head, const mewl_verify_part *part,
                     size_t column, size_t columns)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s.weight", layer);
    mewl_param *weight = mewl_net_param(net, name);
    (void)snprintf(name, sizeof name, "%s.bias", layer);
    float *w = weight->value.data, *bias = mewl_net_param(net, name)->value.data;
    memset(w, 0, mewl_tensor_bytes(&weight->value));
    for (size_t k = 0; k < part->size; k++) {
        const double *from = head->weight + (part->from + k) * head->dims + column;
        double sum = 0;
        for (size_t d = 0; d < columns; d++) {
            w[k * columns + d] = (float)from[d];
            sum -= from[d] * head->mean[column + d];
        }
        bias[k] = (float)sum;
    }
}

static void set_head(mewl_net *net, const mewl_verify_head *head)
{
    float *balance = mewl_net_param(net, MEWL_MN04_MFCC_BALANCE ".weight")->value.data;
    set_half(net, MEWL_MN04_MFCC_TRUNK, head, &head->parts[0], 0, MEWL_MN04_EMBEDDING);
    set_half(net, MEWL_MN04_MFCC_VOICE, head, &head->parts[1], MEWL_MN04_EMBEDDING, MEWL_MN04_MFCC_STATISTICS);
    for (size_t k = 0; k < 2 * MEWL_MN04_MFCC_HALF; k++) {
        balance[k] = (float)head->parts[k / MEWL_MN04_MFCC_HALF].scale;
    }
    mewl_net_touch(net);
}

static mewl_status set_notes(mewl_model *model, const mewl_verify_head_opts *chosen, const mewl_manifest *manifest,
                             mewl_error *err)
{
    size_t rows = 0;
    char text[640];
    for (size_t i = 0; i < manifest->count; i++) {
        rows += strcmp(manifest->rows[i].split, "train") == 0;
    }
    (void)snprintf(text, sizeof text,
                   "heads: %zu recordings of the training side (recipes/embed.ini), whitening by the covariance within "
                   "individuals (shrunk by %g), in closed form, mn04 weighing %g in the cosine, both chosen on that "
                   "side; body: mn04_as (Schmid, Koutini and Widmer), MIT",
                   rows, chosen->shrinkage, chosen->balance);
    MEWL_TRY(mewl_model_set_note(model, "data", text, err));
    MEWL_TRY(mewl_model_set_note(model, "recipe",
                                 "mewl lab verify --make: mn04's body unchanged, a linear head on it and one on "
                                 "statistics of MFCC, in closed form",
                                 err));
    MEWL_TRY(mewl_model_set_note(model, "teachers",
                                 "mn04_as of EfficientAT (Schmid, Koutini and Widmer, MIT), which is the body", err));
    return mewl_model_set_note(model, "licence", "MIT (body: EfficientAT mn04_as; heads: learned here)", err);
}

mewl_status mewl_verify_make(const char *path, const char *body, const mewl_verify_head *head,
                             const mewl_verify_head_opts *chosen, const mewl_manifest *manifest, mewl_error *err)
{
    mewl_model_config config = {.arch = "mn04-mfcc-embed", .front_end = "mn"};
    mewl_model *model;
    if (head->dims != MEWL_MN04_MFCC_SIZE || chosen->branch != MEWL_MN04_EMBEDDING || head->part_count != 2 ||
        head->parts[0].size > MEWL_MN04_MFCC_HALF || head->parts[1].size > MEWL_MN04_MFCC_HALF) {
        return mewl_error_set(err, MEWL_E_SHAPE, "a head of %zu to %zu numbers does not fit mn04 and MFCC", head->dims,
                              head->size);
    }
    MEWL_TRY(mewl_model_new(&model, config, 0, err));
    mewl_net *net = mewl_model_net(model);
    mewl_status status = mewl_mn04_mfcc_fill(net, body, err);
    if (status == MEWL_OK) {
        set_head(net, head);
        status = set_notes(model, chosen, manifest, err);
    }
    if (status == MEWL_OK) {
        status = mewl_model_save(model, path, false, err);
    }
    mewl_model_free(model);
    return status;
}
