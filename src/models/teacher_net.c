/* teacher_net.c - finds out what a file is, and loads the teacher in it. */
#include "models/teacher_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/audioset.h"
#include "models/mn04.h"
#include "models/yamnet.h"

static const mewl__teacher_kind kinds[] = {
    {"yamnet", "yamnet", 16000, MEWL_YAMNET_CLASSES, MEWL_YAMNET_EMBEDDING, MEWL_YAMNET_BANDS, MEWL_YAMNET_LOGITS,
     MEWL_YAMNET_EMBEDDING_OUT, MEWL_AUDIOSET_YAMNET_CRYING, MEWL_AUDIOSET_YAMNET_BABY_CRY,
     "Apache-2.0 (Google, YAMNet, tensorflow/models)"},
    {"mn04", "mn", 32000, MEWL_MN04_CLASSES, MEWL_MN04_EMBEDDING, MEWL_MN04_BANDS, MEWL_MN04_LOGITS,
     MEWL_MN04_EMBEDDING_OUT, MEWL_AUDIOSET_CRYING, MEWL_AUDIOSET_BABY_CRY,
     "MIT (Schmid, Koutini and Widmer, EfficientAT mn04_as)"},
};

#define MEL_ELEMENTS (MEWL_YAMNET_BANDS * MEWL_YAMNET_BINS)

const mewl__teacher_kind *mewl__teacher_kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

const char *mewl__teacher_label(const mewl__teacher_kind *kind, size_t index)
{
    return kind->classes == MEWL_AUDIOSET_CLASSES ? mewl_audioset_label(index) : mewl_audioset_yamnet_label(index);
}

static mewl_status load_tflite(mewl_net *net, float *mel, const char *path, mewl_error *err)
{
    mewl_tflite *file;
    MEWL_TRY(mewl_tflite_open(&file, path, err));
    mewl_status status = mewl_yamnet_load(net, mel, file, err);
    mewl_tflite_close(file);
    return status != MEWL_OK ? mewl_error_prefix(err, status, "%s", path) : MEWL_OK;
}

static mewl_status load_torch(mewl_net *net, const char *path, mewl_error *err)
{
    mewl_torchzip *file;
    MEWL_TRY(mewl_torchzip_open(&file, path, err));
    mewl_status status = mewl_mn04_load(net, file, err);
    mewl_torchzip_close(file);
    return status != MEWL_OK ? mewl_error_prefix(err, status, "%s", path) : MEWL_OK;
}

static mewl_status load_checkpoint(mewl_net *net, float *mel, const mewl_checkpoint *file, const char *path,
                                   mewl_error *err)
{
    mewl_status status = mewl_checkpoint_get_net(file, net, mel != NULL, err);
    if (status == MEWL_OK && mel != NULL) {
        status = mewl_checkpoint_get_f32(file, mel, MEWL__TEACHER_MEL_KEY, MEL_ELEMENTS, err);
    }
    return status != MEWL_OK ? mewl_error_prefix(err, status, "%s", path) : MEWL_OK;
}

/* Which teacher the file's form says, and the checkpoint when it is one of ours (else *ours NULL). */
static mewl_status recognise(const mewl__teacher_kind **kind, mewl_checkpoint **ours, const char *path, mewl_error *err)
{
    char head[16] = {0};
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return mewl_error_errno(err, errno, path);
    }
    const size_t got = fread(head, 1, sizeof head, f);
    (void)fclose(f);
    *ours = NULL;
    if (mewl_tflite_recognise(head, got)) {
        *kind = mewl__teacher_kind_find("yamnet");
        return MEWL_OK;
    }
    if (got < 9 || head[8] != '{') { /* not the JSON header of safetensors: the PyTorch reader says what it is */
        *kind = mewl__teacher_kind_find("mn04");
        return MEWL_OK;
    }
    MEWL_TRY(mewl_checkpoint_read(ours, path, err));
    const char *arch = mewl_checkpoint_text(*ours, MEWL__TEACHER_ARCH_KEY);
    *kind = arch != NULL ? mewl__teacher_kind_find(arch) : NULL;
    if (*kind == NULL) {
        mewl_checkpoint_free(*ours);
        *ours = NULL;
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: holds no teacher but %s", path,
                              arch != NULL ? "another architecture" : "weights without a word on their architecture");
    }
    return MEWL_OK;
}

mewl_status mewl__teacher_net_open(mewl_net **net, float **mel, const mewl__teacher_kind **kind, const char *name,
                                   const char *path, mewl_error *err)
{
    *net = NULL;
    *mel = NULL;
    if (name != NULL && mewl__teacher_kind_find(name) == NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "there is no teacher `%s`; there are yamnet and mn04", name);
    }
    mewl_checkpoint *ours;
    mewl_status status;
    MEWL_TRY(recognise(kind, &ours, path, err));
    if (name != NULL && strcmp((*kind)->name, name) != 0) {
        status =
            mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: this is a file of %s, not of %s", path, (*kind)->name, name);
        goto fail;
    }
    const bool yamnet = strcmp((*kind)->name, "yamnet") == 0;
    *mel = yamnet ? malloc(MEL_ELEMENTS * sizeof **mel) : NULL;
    if (yamnet && *mel == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
        goto fail;
    }
    status = mewl_net_new(net, err);
    if (status == MEWL_OK) {
        status = yamnet ? mewl_yamnet_build(*net, err) : mewl_mn04_build(*net, err);
    }
    if (status == MEWL_OK) {
        status = ours != NULL ? load_checkpoint(*net, *mel, ours, path, err)
                 : yamnet     ? load_tflite(*net, *mel, path, err)
                              : load_torch(*net, path, err);
    }
    if (status == MEWL_OK) {
        mewl_checkpoint_free(ours);
        return MEWL_OK;
    }

fail:
    mewl_checkpoint_free(ours);
    mewl_net_free(*net);
    free(*mel);
    *net = NULL;
    *mel = NULL;
    return status;
}
