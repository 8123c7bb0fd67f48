/* arch.c - the table of architectures and what they have in common. */
#include "models/arch.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const mewl__arch *const table[] = {
    &mewl__arch_cnn6,
    &mewl__arch_cnn10,
    &mewl__arch_cnn14,
    &mewl__arch_resnet22,
    &mewl__arch_mobilenetv1,
    &mewl__arch_mobilenetv2,
    &mewl__arch_wavegram,
    &mewl__arch_tinytoes,
    &mewl__arch_resnet50_mha,
    &mewl__arch_mobilenet,
    &mewl__arch_ecapa,
    &mewl__arch_ecapa_encoder,
    &mewl__arch_mobilenet_embed,
    &mewl__arch_mn04_embed,
    &mewl__arch_mn04_mfcc_embed,
    &mewl__arch_mn04_mfcc_statistics,
    &mewl__arch_mn04_classifier,
};

const mewl__arch *mewl__arch_at(size_t index)
{
    return index < sizeof table / sizeof table[0] ? table[index] : NULL;
}

const mewl__arch *mewl__arch_find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i]->name, name) == 0) {
            return table[i];
        }
    }
    return NULL;
}

int64_t mewl__arch_scaled(int64_t channels, double width)
{
    int64_t out = llround((double)channels * width);
    return out < 1 ? 1 : out;
}

mewl__name mewl__name_of(const char *format, ...)
{
    mewl__name name;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name.text, sizeof name.text, format, args);
    va_end(args);
    return name;
}

mewl_model_input mewl__arch_parts(const mewl_model_config *c)
{
    const mewl__arch *arch = mewl__arch_find(c->arch);
    if (arch != NULL && arch->input == MEWL__ARCH_WAVEGRAM) {
        return (mewl_model_input){.mel = MEWL__WAVEGRAM_MEL, .samples = c->bands - MEWL__WAVEGRAM_MEL};
    }
    if (arch != NULL && arch->input == MEWL__ARCH_HYBRID && c->bands == MEWL__HYBRID_BANDS) {
        return (mewl_model_input){
            .spectrum = MEWL__HYBRID_SPECTRUM, .mel = MEWL__HYBRID_MEL, .cepstrum = MEWL__HYBRID_CEPSTRUM};
    }
    return (mewl_model_input){.mel = c->bands};
}

static int64_t default_bands(const mewl__arch *arch)
{
    switch (arch->input) {
    case MEWL__ARCH_WAVEGRAM:
        return MEWL__WAVEGRAM_MEL + 320;
    case MEWL__ARCH_HYBRID:
        return MEWL__HYBRID_BANDS;
    default:
        return arch->bands != 0 ? arch->bands : 64;
    }
}

/* Negative: none; 0: the architecture's own, which its complete() fills in. */
static bool good_dropout(double *rate)
{
    *rate = *rate < 0.0 ? -1.0 : *rate;
    return *rate < 1.0; /* false for what is no number */
}

static mewl_status check_pooling(const mewl_model_config *c, const mewl__arch *arch, mewl_error *err)
{
    if ((unsigned)c->global_pooling >= MEWL_MODEL_POOL_COUNT || c->pool_heads < 0 || c->pool_heads > 64) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: no such global pooling, or not 0 to 64 heads", arch->name);
    }
    if (c->framewise && c->global_pooling > MEWL_MODEL_POOL_MAX_AVG) {
        return mewl_error_set(err, MEWL_E_ARG,
                              "%s: a frame-wise model learns from its frames, so its clip embedding can be pooled by "
                              "max, avg or max+avg alone, not by %s",
                              arch->name, mewl_model_pool_name(c->global_pooling));
    }
    if (c->global_pooling == MEWL_MODEL_POOL_ATTN_LITERAL &&
        (c->frames < 1 || c->frames > 65536 || arch->frames_out(c, c->frames) < 1 ||
         arch->frames_out(c, c->frames) > 1024)) {
        return mewl_error_set(err, MEWL_E_ARG,
                              "%s: attn-literal needs to know how many frames every clip has: %lld are not possible",
                              arch->name, (long long)c->frames);
    }
    return MEWL_OK;
}

mewl_status mewl__arch_complete(mewl_model_config *c, mewl_error *err)
{
    if (memchr(c->arch, '\0', sizeof c->arch) == NULL || memchr(c->front_end, '\0', sizeof c->front_end) == NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "the name of an architecture or front end is too long");
    }
    const mewl__arch *arch = mewl__arch_find(c->arch);
    if (arch == NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "unknown architecture '%s' (`mewl train --keys` lists them)", c->arch);
    }
    c->bands = c->bands == 0 ? default_bands(arch) : c->bands;
    c->width = c->width == 0.0 ? 1.0 : c->width;
    if (c->global_pooling != MEWL_MODEL_POOL_ATTN_LITERAL) {
        c->frames = 0;
    }
    if (!(c->width >= 1.0 / 64.0 && c->width <= 4.0) || c->classes < (arch->embeds ? 0 : 1) ||
        c->classes > MEWL_MODEL_CLASSES_MAX || c->bands < 16 || c->bands > 1024 || !good_dropout(&c->dropout_block) ||
        !good_dropout(&c->dropout_head) || (unsigned)c->pooling > MEWL_POOL_AVG_MAX) {
        return mewl_error_set(err, MEWL_E_ARG,
                              "%s: width 1/64 to 4, 1 to %d classes, 16 to 1024 bands, dropout below 1 are possible",
                              c->arch, MEWL_MODEL_CLASSES_MAX);
    }
    MEWL_TRY(arch->complete(c, err));
    return check_pooling(c, arch, err);
}
