/* arch.h - private to models/: architectures as rows of a table. An architecture is one .c with one row and one entry
 * in arch.c; model.c, model_file.c and import.c know none by name.
 */
#ifndef MEWL_MODELS_ARCH_H
#define MEWL_MODELS_ARCH_H

#include "models/model.h"

/* What a frame of the input may hold. */
typedef enum mewl__arch_input {
    MEWL__ARCH_LOGMEL,   /* log-mel bands */
    MEWL__ARCH_WAVEGRAM, /* 64 log-mel bands and the hop's samples */
    MEWL__ARCH_HYBRID    /* spectrum, log-mel and MFCC of the front end "hybrid"; or log-mel bands */
} mewl__arch_input;

typedef struct mewl__arch {
    const char *name;
    mewl__arch_input input;
    bool panns;             /* PANNs' names: `mewl model import` reads its checkpoints */
    bool embeds;            /* gives embeddings: `classes` may be 0, and then there are no logits */
    int64_t bands;          /* of a log-mel input unless said otherwise; 0 means 64 */
    const char *width_from; /* of other checkpoints: parameter whose first dimension is width_channels times width;
                               PANNs' networks, which all have fc1, need none */
    int64_t width_channels;

    /* Fills in every default of `config` and checks what model.c did not (width, classes and bands are in range).
     * Errors: MEWL_E_ARG. */
    mewl_status (*complete)(mewl_model_config *config, mewl_error *err);

    /* These take a completed config. Elements of the embedding; a lower bound of the elements that a checkpoint must
     * hold, to be compared before memory is asked for; frames that reach the global pooling from t frames of input, 0
     * when t is too short. */
    int64_t (*embedding_size)(const mewl_model_config *config);
    int64_t (*weights_min)(const mewl_model_config *config);
    int64_t (*frames_out)(const mewl_model_config *config, int64_t t);

    /* Builds the layers into an empty net, outputs named as below; the caller seals it. */
    void (*build)(mewl_net *net, const mewl_model_config *config);
} mewl__arch;

/* Names of the net's outputs. */
#define MEWL__OUT_CLIP "clip"
#define MEWL__OUT_FRAME "frame" /* (N, classes, T', 1); framewise only */
#define MEWL__OUT_EMBEDDING "embedding"

/* The front end "hybrid" (dsp/frontend.h): 257 bins, 64 bands, 20 coefficients. */
#define MEWL__HYBRID_SPECTRUM 257
#define MEWL__HYBRID_MEL 64
#define MEWL__HYBRID_CEPSTRUM 20
#define MEWL__HYBRID_BANDS (MEWL__HYBRID_SPECTRUM + MEWL__HYBRID_MEL + MEWL__HYBRID_CEPSTRUM)
#define MEWL__WAVEGRAM_MEL 64

/* The row of that name or at `index`, or NULL. */
const mewl__arch *mewl__arch_find(const char *name);
const mewl__arch *mewl__arch_at(size_t index);

/* Checks name, figures common to all architectures, and the architecture's own; fills in defaults. Errors: MEWL_E_ARG.
 */
mewl_status mewl__arch_complete(mewl_model_config *config, mewl_error *err);

/* How a completed config's frame is made up. */
mewl_model_input mewl__arch_parts(const mewl_model_config *config);

/* channels * width, rounded, at least 1. */
int64_t mewl__arch_scaled(int64_t channels, double width);

/* Text of a layer's name, for one call. */
typedef struct mewl__name {
    char text[96];
} mewl__name;
mewl__name mewl__name_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The rows, each in its own file. */
extern const mewl__arch mewl__arch_cnn6, mewl__arch_cnn10, mewl__arch_cnn14, mewl__arch_resnet22,
    mewl__arch_mobilenetv1, mewl__arch_mobilenetv2, mewl__arch_wavegram, mewl__arch_tinytoes, mewl__arch_resnet50_mha,
    mewl__arch_mobilenet, mewl__arch_ecapa, mewl__arch_ecapa_encoder, mewl__arch_mobilenet_embed, mewl__arch_mn04_embed,
    mewl__arch_mn04_mfcc_embed, mewl__arch_mn04_mfcc_statistics, mewl__arch_mn04_classifier;

#endif
