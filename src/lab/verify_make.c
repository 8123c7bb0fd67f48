/* verify_make.c - the embedder that ships: mn04's published body with a head learned here. */
#include "lab/verify.h"

#include <stdio.h>
#include <string.h>

#include "models/mn04.h"
#include "models/model.h"

/* weight (x - mean): the linear layer's weight and bias; directions that the head lacks stay zero. */
static void set_head(mewl_net *net, const mewl_verify_head *head)
{
    float *weight = mewl_net_param(net, "head.weight")->value.data,
          *bias = mewl_net_param(net, "head.bias")->value.data;
    for (size_t k = 0; k < head->size; k++) {
        double sum = 0;
        for (size_t d = 0; d < head->dims; d++) {
            weight[k * head->dims + d] = (float)head->weight[k * head->dims + d];
            sum -= head->weight[k * head->dims + d] * head->mean[d];
        }
        bias[k] = (float)sum;
    }
    mewl_net_touch(net);
}

static mewl_status copy_body(mewl_net *to, const char *path, mewl_error *err)
{
    mewl_net *from;
    mewl_torchzip *file;
    MEWL_TRY(mewl_net_new(&from, err));
    mewl_status status = mewl_mn04_build(from, err);
    if (status == MEWL_OK) {
        status = mewl_torchzip_open(&file, path, err);
        if (status == MEWL_OK) {
            status = mewl_mn04_load(from, file, err);
            mewl_torchzip_close(file);
        }
    }
    size_t count;
    mewl_param *const *params = mewl_net_params(to, &count);
    for (size_t i = 0; status == MEWL_OK && i < count; i++) {
        const mewl_param *p = mewl_net_param(from, params[i]->name);
        if (p != NULL) {
            memcpy(params[i]->value.data, p->value.data, mewl_tensor_bytes(&params[i]->value));
        }
    }
    mewl_net_free(from);
    return status;
}

static mewl_status set_notes(mewl_model *model, const mewl_manifest *manifest, mewl_error *err)
{
    size_t rows = 0;
    char text[512];
    for (size_t i = 0; i < manifest->count; i++) {
        rows += strcmp(manifest->rows[i].split, "train") == 0;
    }
    (void)snprintf(text, sizeof text,
                   "head: %zu recordings of the training side (recipes/embed.ini), whitening by the covariance within "
                   "individuals (Ledoit and Wolf), in closed form; body: mn04_as (Schmid, Koutini and Widmer), MIT",
                   rows);
    MEWL_TRY(mewl_model_set_note(model, "data", text, err));
    return mewl_model_set_note(model, "licence", "MIT (body: EfficientAT mn04_as; head: learned here)", err);
}

mewl_status mewl_verify_make(const char *path, const char *body, const mewl_verify_head *head,
                             const mewl_manifest *manifest, mewl_error *err)
{
    mewl_model_config config = {.arch = "mn04-embed", .front_end = "mn"};
    mewl_model *model;
    if (head->dims != MEWL_MN04_EMBEDDING || head->size > MEWL_VERIFY_HEAD_SIZE) {
        return mewl_error_set(err, MEWL_E_SHAPE, "a head of %zu to %zu numbers does not fit mn04", head->dims,
                              head->size);
    }
    MEWL_TRY(mewl_model_new(&model, config, 0, err));
    mewl_net *net = mewl_model_net(model);
    memset(mewl_net_param(net, "head.weight")->value.data, 0,
           mewl_tensor_bytes(&mewl_net_param(net, "head.weight")->value));
    mewl_status status = copy_body(net, body, err);
    if (status == MEWL_OK) {
        set_head(net, head);
        status = set_notes(model, manifest, err);
    }
    if (status == MEWL_OK) {
        status = mewl_model_save(model, path, false, err);
    }
    mewl_model_free(model);
    return status;
}
