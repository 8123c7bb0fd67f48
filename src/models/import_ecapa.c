/* import_ecapa.c - SpeechBrain's embedding_model.ckpt, and checkpoints whose tensors are named speaker_encoder.*, into
 * models of ours ("ecapa", "ecapa-encoder"). Weights are copied by name and exact shape, never changed.
 */
#include "models/import_ecapa.h"

#include <stdio.h>
#include <string.h>

#include "models/arch.h"
#include "models/torchzip.h"

#define PREFIX "speaker_encoder."

/* What a form's checkpoints are called inside, and what they hold besides the network. */
typedef struct form {
    const char *arch, *front_end, *prefix, *first, *beside[3];
} form;

static const form forms[] = {
    {"ecapa", "ecapa", "", "blocks.0.conv.conv.weight", {NULL}},
    {"ecapa-encoder", "ecapa-encoder", PREFIX, PREFIX "conv1.weight", {PREFIX "torchfbank.", "speaker_loss.", NULL}},
    {"ecapa-encoder", "ecapa-encoder", "", "conv1.weight", {"torchfbank.", NULL}},
};

static bool is_beside(const form *f, const char *name)
{
    static const char counter[] = ".num_batches_tracked";
    const size_t length = strlen(name), tail = sizeof counter - 1;
    bool beside = length > tail && strcmp(name + length - tail, counter) == 0;
    for (size_t i = 0; f->beside[i] != NULL; i++) {
        beside = beside || strncmp(name, f->beside[i], strlen(f->beside[i])) == 0;
    }
    return beside;
}

static mewl_status no_fit(const form *f, const char *name, const char *why, mewl_error *err)
{
    return mewl_error_set(err, MEWL_E_UNSUPPORTED, "the checkpoint is not %s: `%.120s` %s", f->arch, name, why);
}

/* A tensor of the parameter's shape; PyTorch's one-dimensional convolutions lack dimensions of one behind the last, and
 * linear layers there are convolutions of kernel one. */
static mewl_status load_param(mewl_param *param, const form *f, mewl_torchzip *file, mewl_error *err)
{
    char name[256];
    (void)snprintf(name, sizeof name, "%s%s", f->prefix, param->name);
    const mewl_torch_tensor *t = mewl_torchzip_find(file, name);
    bool same = t != NULL && t->ndim <= MEWL_TENSOR_DIMS_MAX;
    for (size_t i = 0; same && i < MEWL_TENSOR_DIMS_MAX; i++) {
        same = (i < t->ndim ? t->shape[i] : 1) == (size_t)param->value.shape.dim[i];
    }
    return same ? mewl_torchzip_read_f32(file, param->value.data, t, t->count, err)
                : no_fit(f, name, t == NULL ? "is missing" : "has another shape", err);
}

static mewl_status fill(mewl_model *model, const form *f, mewl_torchzip *file, mewl_error *err)
{
    mewl_net *net = mewl_model_net(model);
    const size_t prefix = strlen(f->prefix);
    for (size_t i = 0; i < mewl_torchzip_count(file); i++) {
        const char *name = mewl_torchzip_at(file, i)->name;
        bool known = strncmp(name, f->prefix, prefix) == 0 && mewl_net_param(net, name + prefix) != NULL;
        if (!known && !is_beside(f, name)) {
            return no_fit(f, name, "has no place in it", err);
        }
    }
    size_t count;
    mewl_param *const *params = mewl_net_params(net, &count);
    for (size_t i = 0; i < count; i++) {
        MEWL_TRY(load_param(params[i], f, file, err));
    }
    mewl_net_touch(net);
    return MEWL_OK;
}

static mewl_status convert(mewl_torchzip *file, const char *path, const char *out_path, mewl_error *err)
{
    const form *f = NULL;
    const mewl_torch_tensor *first = NULL;
    for (size_t i = 0; f == NULL && i < sizeof forms / sizeof forms[0]; i++) {
        first = mewl_torchzip_find(file, forms[i].first);
        f = first != NULL ? &forms[i] : NULL;
    }
    if (f == NULL || first->ndim != 3 || first->shape[0] < 1 || first->shape[0] > 4096 || first->shape[1] < 16 ||
        first->shape[1] > 1024) {
        return mewl_error_set(
            err, MEWL_E_UNSUPPORTED,
            "the checkpoint is no ECAPA-TDNN: it holds neither `%s` nor `%s` as a convolution over time",
            forms[0].first, forms[1].first);
    }
    mewl_model_config config = {.width = (double)first->shape[0] / (double)mewl__arch_find(f->arch)->width_channels,
                                .bands = (int64_t)first->shape[1]};
    (void)snprintf(config.arch, sizeof config.arch, "%s", f->arch);
    (void)snprintf(config.front_end, sizeof config.front_end, "%s", f->front_end);
    mewl_model *model;
    mewl_status status = mewl_model_new(&model, config, 0, err);
    if (status == MEWL_E_ARG) { /* the figures are the checkpoint's, not the caller's */
        return no_fit(f, f->first, "has an impossible width", err);
    }
    MEWL_TRY(status);
    const char *slash = strrchr(path, '/');
    status = fill(model, f, file, err);
    if (status == MEWL_OK) {
        status = mewl_model_set_note(model, "source", slash != NULL ? slash + 1 : path, err);
    }
    if (status == MEWL_OK) {
        status = mewl_model_set_note(model, "licence", "that of the imported checkpoint; ask its publisher", err);
    }
    if (status == MEWL_OK) {
        status = mewl_model_save(model, out_path, false, err);
    }
    mewl_model_free(model);
    return status;
}

mewl_status mewl__import_ecapa(const char *path, const char *out_path, mewl_error *err)
{
    mewl_torchzip *file;
    MEWL_TRY(mewl_torchzip_open(&file, path, err));
    mewl_error why = {0};
    const mewl_status status = convert(file, path, out_path, &why);
    mewl_torchzip_close(file);
    if (status != MEWL_OK && err != NULL) {
        *err = why;
        return why.status == MEWL_E_UNSUPPORTED ? mewl_error_prefix(err, status, "%s", path) : status;
    }
    return status;
}
