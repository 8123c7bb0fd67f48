/* import.c - teachers and PANNs checkpoints into safetensors. */
#include "models/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "models/arch.h"
#include "models/audioset.h"
#include "models/import_ecapa.h"
#include "models/model.h"
#include "models/teacher_net.h"
#include "models/torchzip.h"
#include "models/yamnet.h"

/* ECAPA-TDNN, told apart by its names (import_ecapa.c), and teachers come after PANNs' architectures. */
static const char *const others[] = {"ecapa", "yamnet", "mn04"};

const char *mewl_import_arch_at(size_t index)
{
    for (size_t i = 0; mewl__arch_at(i) != NULL; i++) {
        if (mewl__arch_at(i)->panns && index-- == 0) {
            return mewl__arch_at(i)->name;
        }
    }
    return index < sizeof others / sizeof others[0] ? others[index] : NULL;
}

/* The last part of a path: an import names its source, not somebody's folders. */
static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* ---- Teachers ---- */

static mewl_status put_labels(mewl_checkpoint *file, const mewl__teacher_kind *kind, mewl_error *err)
{
    json_t *labels = json_array();
    bool fine = labels != NULL;
    for (size_t i = 0; fine && i < kind->classes; i++) {
        fine = json_array_append_new(labels, mewl_json_string(mewl__teacher_label(kind, i))) == 0;
    }
    char *text = fine ? mewl_json_text(labels, false) : NULL;
    json_decref(labels);
    const mewl_status status = text != NULL ? mewl_checkpoint_set_text(file, "mewl.labels", text, err)
                                            : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for labels");
    free(text);
    return status;
}

static mewl_status put_teacher(mewl_checkpoint *file, mewl_net *net, const float *mel, const mewl__teacher_kind *kind,
                               const char *path, mewl_error *err)
{
    char number[32];
    const int64_t mel_shape[2] = {MEWL_YAMNET_BANDS, MEWL_YAMNET_BINS};
    MEWL_TRY(mewl_checkpoint_set_text(file, MEWL__TEACHER_ARCH_KEY, kind->name, err));
    MEWL_TRY(mewl_checkpoint_set_text(file, "mewl.front_end", kind->front_end, err));
    (void)snprintf(number, sizeof number, "%zu", kind->classes);
    MEWL_TRY(mewl_checkpoint_set_text(file, "mewl.classes", number, err));
    (void)snprintf(number, sizeof number, "%zu", kind->bands);
    MEWL_TRY(mewl_checkpoint_set_text(file, "mewl.bands", number, err));
    MEWL_TRY(put_labels(file, kind, err));
    MEWL_TRY(mewl_checkpoint_set_text(file, "licence", kind->licence, err));
    MEWL_TRY(mewl_checkpoint_set_text(file, "source", file_name(path), err));
    if (mel != NULL) {
        MEWL_TRY(mewl_checkpoint_put(file, MEWL__TEACHER_MEL_KEY, MEWL_DTYPE_F32, 2, mel_shape, mel, err));
    }
    return mewl_checkpoint_put_net(file, net, false, err);
}

static mewl_status import_teacher(const char *path, const char *arch, const char *out_path, mewl_error *err)
{
    mewl_net *net;
    float *mel;
    const mewl__teacher_kind *kind;
    mewl_checkpoint *file = NULL;
    MEWL_TRY(mewl__teacher_net_open(&net, &mel, &kind, arch, path, err));
    mewl_status status = mewl_checkpoint_new(&file, err);
    if (status == MEWL_OK) {
        status = put_teacher(file, net, mel, kind, path, err);
    }
    if (status == MEWL_OK) {
        status = mewl_checkpoint_write(file, out_path, err);
    }
    mewl_checkpoint_free(file);
    mewl_net_free(net);
    free(mel);
    return status;
}

/* ---- PANNs ---- */

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Tensors of a PANNs checkpoint that belong to its front end or its training. */
static bool is_beside_the_net(const char *name)
{
    static const char suffix[] = ".num_batches_tracked";
    const size_t length = strlen(name), tail = sizeof suffix - 1;
    return starts(name, "spectrogram_extractor.") || starts(name, "logmel_extractor.") ||
           (length > tail && strcmp(name + length - tail, suffix) == 0);
}

/* The front end whose mel matrix (bins, bands) the checkpoint carries. */
static mewl_status find_front_end(char out[MEWL_MODEL_NAME_MAX], const mewl_torchzip *file, const mewl__arch *arch,
                                  mewl_error *err)
{
    const mewl_torch_tensor *mel = mewl_torchzip_find(file, "logmel_extractor.melW");
    const bool whole = mel != NULL && mel->ndim == 2 && mel->shape[1] == 64;
    if (mel != NULL && !(whole && (mel->shape[0] == 513 || mel->shape[0] == 257))) {
        return mewl_error_set(
            err, MEWL_E_UNSUPPORTED,
            "the checkpoint's mel matrix is that of no front end of Mewl (513 x 64: 32 kHz, 257 x 64: 16 kHz)");
    }
    (void)snprintf(out, MEWL_MODEL_NAME_MAX, "%s-%s", arch->input == MEWL__ARCH_WAVEGRAM ? "wavegram" : "panns",
                   whole && mel->shape[0] == 257 ? "16k" : "32k");
    return MEWL_OK;
}

/* A tensor of `ndim` dimensions of 1 to `most`. */
static const mewl_torch_tensor *find_shaped(const mewl_torchzip *file, const char *name, size_t ndim, size_t most,
                                            const mewl__arch *arch, mewl_error *err)
{
    const mewl_torch_tensor *t = mewl_torchzip_find(file, name);
    bool fits = t != NULL && t->ndim == ndim;
    for (size_t i = 0; fits && i < ndim; i++) {
        fits = t->shape[i] >= 1 && t->shape[i] <= most;
    }
    if (!fits) {
        (void)mewl_error_set(err, MEWL_E_UNSUPPORTED, "the checkpoint is not %s of PANNs: %s `%s`", arch->name,
                             t == NULL ? "it holds no" : "another shape has", name);
        return NULL;
    }
    return t;
}

/* PANNs' networks all have fc1, whose outputs tell the width. */
static mewl_status read_config(mewl_model_config *config, const mewl_torchzip *file, const mewl__arch *arch,
                               mewl_error *err)
{
    const mewl_torch_tensor *first = find_shaped(file, "fc1.weight", 2, 8192, arch, err);
    const mewl_torch_tensor *last = first == NULL ? NULL : find_shaped(file, "fc_audioset.weight", 2, 8192, arch, err);
    const mewl_torch_tensor *norm = last == NULL ? NULL : find_shaped(file, "bn0.weight", 1, 1024, arch, err);
    if (norm == NULL) {
        return MEWL_E_UNSUPPORTED;
    }
    (void)snprintf(config->arch, sizeof config->arch, "%s", arch->name);
    MEWL_TRY(find_front_end(config->front_end, file, arch, err));
    const bool fast = strstr(config->front_end, "16k") != NULL;
    config->bands = (int64_t)norm->shape[0];
    if (arch->input == MEWL__ARCH_WAVEGRAM && config->bands == MEWL__WAVEGRAM_MEL) {
        config->bands += fast ? 160 : 320;
    }
    config->classes = (int64_t)last->shape[0];
    config->width = 1.0;
    config->width = (double)first->shape[0] / (double)arch->embedding_size(config);
    return MEWL_OK;
}

/* A tensor for a parameter: of its shape, dimensions of one behind the last left out as PyTorch does (Conv1d). */
static mewl_status load_param(mewl_param *param, mewl_torchzip *file, const char *arch, mewl_error *err)
{
    const mewl_torch_tensor *t = mewl_torchzip_find(file, param->name);
    bool same = t != NULL && t->ndim <= MEWL_TENSOR_DIMS_MAX;
    for (size_t i = 0; same && i < MEWL_TENSOR_DIMS_MAX; i++) {
        same = (i < t->ndim ? t->shape[i] : 1) == (size_t)param->value.shape.dim[i];
    }
    if (!same) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "the checkpoint is not %s of PANNs: `%s` %s", arch, param->name,
                              t == NULL ? "is missing" : "has another shape");
    }
    return mewl_torchzip_read_f32(file, param->value.data, t, t->count, err);
}

static mewl_status fill_model(mewl_model *model, mewl_torchzip *file, const char *arch, mewl_error *err)
{
    size_t count;
    mewl_net *net = mewl_model_net(model);
    mewl_param *const *params = mewl_net_params(net, &count);
    for (size_t i = 0; i < mewl_torchzip_count(file); i++) {
        const char *name = mewl_torchzip_at(file, i)->name;
        if (!is_beside_the_net(name) && mewl_net_param(net, name) == NULL) {
            return mewl_error_set(err, MEWL_E_UNSUPPORTED, "the checkpoint is not %s of PANNs: it also holds `%s`",
                                  arch, name);
        }
    }
    for (size_t i = 0; i < count; i++) {
        MEWL_TRY(load_param(params[i], file, arch, err));
    }
    mewl_net_touch(net);
    const int64_t classes = mewl_model_configuration(model)->classes;
    for (int64_t i = 0; classes == MEWL_AUDIOSET_CLASSES && i < classes; i++) {
        MEWL_TRY(mewl_model_set_label(model, i, mewl_audioset_label((size_t)i), err));
    }
    return MEWL_OK;
}

static mewl_status convert_panns(mewl_torchzip *file, const char *path, const mewl__arch *arch, const char *out_path,
                                 mewl_error *err)
{
    mewl_model_config config = {0};
    mewl_model *model;
    MEWL_TRY(read_config(&config, file, arch, err));
    mewl_status status = mewl_model_new(&model, config, 0, err);
    if (status == MEWL_E_ARG) { /* the figures are the checkpoint's, not the caller's */
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "the checkpoint is not %s of PANNs: %g times as wide, %lld bands", arch->name,
                              config.width, (long long)config.bands);
    }
    MEWL_TRY(status);
    status = fill_model(model, file, arch->name, err);
    if (status == MEWL_OK) {
        status = mewl_model_set_note(model, "source", file_name(path), err);
    }
    if (status == MEWL_OK) {
        status = mewl_model_set_note(model, "licence", "that of the imported checkpoint; ask its publisher", err);
    }
    if (status == MEWL_OK) {
        status = mewl_model_set_note(model, "activation", "sigmoid", err);
    }
    if (status == MEWL_OK) {
        status = mewl_model_save(model, out_path, false, err);
    }
    mewl_model_free(model);
    return status;
}

static mewl_status import_panns(const char *path, const mewl__arch *arch, const char *out_path, mewl_error *err)
{
    mewl_torchzip *file;
    MEWL_TRY(mewl_torchzip_open(&file, path, err));
    mewl_error why = {0};
    const mewl_status status = convert_panns(file, path, arch, out_path, &why);
    mewl_torchzip_close(file);
    if (status == MEWL_OK || err == NULL) {
        return status;
    }
    *err = why;
    return why.status == MEWL_E_UNSUPPORTED ? mewl_error_prefix(err, status, "%s", path) : status;
}

mewl_status mewl_import(const char *path, const char *arch, const char *out_path, mewl_error *err)
{
    const mewl__arch *row = mewl__arch_find(arch);
    if (mewl__teacher_kind_find(arch) != NULL) {
        return import_teacher(path, arch, out_path, err);
    }
    if (strcmp(arch, "ecapa") == 0) {
        return mewl__import_ecapa(path, out_path, err);
    }
    return row != NULL && row->panns ? import_panns(path, row, out_path, err)
                                     : mewl_error_set(err, MEWL_E_ARG, "no architecture `%s` can be imported", arch);
}
