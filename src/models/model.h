/* model.h - a classifier of frames of features: a net, and everything about it that a checkpoint must say.
 *
 *   architecture           what it is, and whose parameter names it has             a frame of the input
 *   cnn6, cnn10, cnn14     PANNs (Kong et al. 2020); clip-wise, or frame-wise (cnn.c) log-mel
 *   resnet22               PANNs' ResNet22                                            log-mel
 *   mobilenetv1, -v2       PANNs' MobileNets, clip-wise (mobilenets.c)                log-mel
 *   wavegram-logmel-cnn14  PANNs' Wavegram_Logmel_Cnn14 (wavegram.c)                  log-mel and the hop's samples
 *   tinytoes               TinyToes: convolutions, self-attention, LSTM               hybrid, or log-mel
 *   resnet50-mha           torchvision's ResNet50, then self-attention (resnet50.c)   hybrid, or log-mel
 *   mobilenet              YAMNet's body as a frame-wise detector (mobilenet.h)       log-mel
 *   mn04-classifier        mn04 (EfficientAT) with classes of one's own               log-mel
 *   ecapa, ecapa-encoder   ECAPA-TDNN: SpeechBrain's, and speaker_encoder.*           log-mel
 *   mobilenet-embed        YAMNet's body, attentive statistics, 192 numbers           log-mel
 *   mn04-embed             mn04's body and a linear head to 192 numbers                log-mel
 *   mn04-mfcc-embed        the same beside statistics of MFCC (embedder.md)            log-mel
 *   mn04-mfcc-statistics   what its heads stand on: 384 + 120 numbers                  log-mel
 *
 * The last six are embedders: they give a vector that tells individuals apart, and have no classes. All at any width.
 * Features are (N, T, B): N clips, T frames of the model's front end, B floats a frame, whatever they are
 * (mewl_model_input says what). Published weights load by name. Not thread-safe: one model, one thread at a time. The
 * front end itself is the caller's (dsp/frontend.h), as is the loss (nn/loss.h). How an architecture comes in: arch.h.
 */
#ifndef MEWL_MODELS_MODEL_H
#define MEWL_MODELS_MODEL_H

#include "nn/checkpoint.h"
#include "nn/net.h"
#include "nn/optim.h"

#define MEWL_MODEL_CLASSES_MAX 4096
#define MEWL_MODEL_BLOCKS_MAX 6
#define MEWL_MODEL_NAME_MAX 64

/* From the last map (N, C, T, F), mean over F, to the clip's vector of C: how time is pooled. */
typedef enum mewl_model_pool {
    MEWL_MODEL_POOL_AUTO,         /* the architecture's own: PANNs' max+avg; avg of mobilenet and resnet50-mha; the last
                                     state of tinytoes' LSTM */
    MEWL_MODEL_POOL_MAX,          /* "max" */
    MEWL_MODEL_POOL_AVG,          /* "avg" */
    MEWL_MODEL_POOL_MAX_AVG,      /* "max+avg": their sum */
    MEWL_MODEL_POOL_STAT,         /* "stat": Linear(2, 1) on mean and variance of each channel (InfantCryNet, eq. 5) */
    MEWL_MODEL_POOL_STAT_FULL,    /* "stat-full": Linear(2 C, C) on means and variances */
    MEWL_MODEL_POOL_MHA,          /* "mha": each head weighs frames by a learned query's softmax over time */
    MEWL_MODEL_POOL_ATTN_LITERAL, /* "attn-literal": InfantCryNet's equation 6 as written, for config.frames alone */
    MEWL_MODEL_POOL_COUNT
} mewl_model_pool;

/* "auto", "max", ...; NULL outside the enum. And back: MEWL_E_ARG for another name. */
const char *mewl_model_pool_name(mewl_model_pool pool);
mewl_status mewl_model_pool_parse(mewl_model_pool *pool, const char *name, mewl_error *err);

typedef struct mewl_model_config {
    char arch[MEWL_MODEL_NAME_MAX];      /* of the table above */
    char front_end[MEWL_MODEL_NAME_MAX]; /* name for dsp/frontend.h, "panns-16k" */
    int64_t bands;                       /* floats in a frame, B; 0 means the architecture's own */
    int64_t classes;                     /* 1 to MEWL_MODEL_CLASSES_MAX; embedders: 0 once trained */
    int64_t depth;                       /* mobilenet: pairs of convolutions, 4 to 13; 0 means 9 (mobilenet-embed: 11);
                                            others: not used */
    double width;                        /* multiplies channels (rounded to a whole number >= 1); 0 means 1 */
    mewl_pool_kind pooling;              /* of cnn's blocks; PANNs: MEWL_POOL_AVG */
    mewl_model_pool global_pooling;      /* over time; framewise: of the embedding, and AUTO to MAX_AVG alone */
    int64_t pool_heads;                  /* MHA: heads, dividing the channels; 0 means the most of 8, 4, 2, 1 */
    int64_t frames;                      /* ATTN_LITERAL: input frames of every clip; else not used */
    double dropout_block;                /* after each block; negative: none; 0 means PANNs' 0.2 */
    double dropout_head;                 /* before each linear layer; negative: none; 0 means PANNs' 0.5 */
    bool framewise;                      /* frame logits, and clip logits from them (cnn.h) */
    int64_t time_pool[MEWL_MODEL_BLOCKS_MAX]; /* frames pooled by each block; all 0 means PANNs' 2 everywhere (CNN14's
                                                 last block 1), or 2, 2, 2, 1, 1, 1 when framewise */
} mewl_model_config;

typedef struct mewl_model mewl_model;

/* Architectures by name in a fixed order, NULL past the last. Static storage. */
const char *mewl_model_arch_at(size_t index);

/* What lies side by side in a frame of the input: these counts, in this order, add up to B. */
typedef struct mewl_model_input {
    int64_t spectrum; /* bins of the spectrogram, dB (hybrid) */
    int64_t mel;      /* log-mel bands */
    int64_t cepstrum; /* MFCC (hybrid) */
    int64_t samples;  /* of the waveform, from the frame's middle on (wavegram-...) */
} mewl_model_input;
mewl_model_input mewl_model_describe_input(const mewl_model *model);

/* A fresh model, initialised as PANNs does from `seed`; dropout is seeded from it, too. Errors: MEWL_E_ARG (unknown
 * architecture, figures out of range), MEWL_E_MEMORY. */
mewl_status mewl_model_new(mewl_model **model, mewl_model_config config, uint64_t seed, mewl_error *err);
void mewl_model_free(mewl_model *model);

/* A model from a checkpoint's metadata and weights. Errors: those of mewl_checkpoint_read, MEWL_E_FORMAT (metadata
 * missing or not ours), MEWL_E_SHAPE, MEWL_E_NOT_FOUND. */
mewl_status mewl_model_load(mewl_model **model, const char *path, mewl_error *err);

/* The same from an open checkpoint, which stays the caller's. */
mewl_status mewl_model_from_checkpoint(mewl_model **model, const mewl_checkpoint *checkpoint, mewl_error *err);

/* Weights and metadata into one safetensors file, atomically. bf16 halves the weights (mewl_checkpoint_put_net). */
mewl_status mewl_model_save(mewl_model *model, const char *path, bool bf16, mewl_error *err);

/* The same into a checkpoint of the caller, who may add training state before writing it. */
mewl_status mewl_model_to_checkpoint(mewl_model *model, mewl_checkpoint *checkpoint, bool bf16, mewl_error *err);

/* The configuration with every default filled in. */
const mewl_model_config *mewl_model_configuration(const mewl_model *model);

/* The net, for optimisers, freezing and inspection. Owned by the model. */
mewl_net *mewl_model_net(mewl_model *model);

/* Labels of the classes: empty strings until set. set copies; errors: MEWL_E_ARG (out of range), MEWL_E_MEMORY. */
const char *mewl_model_label(const mewl_model *model, int64_t index);
mewl_status mewl_model_set_label(mewl_model *model, int64_t index, const char *label, mewl_error *err);

/* Index of a label, or -1. */
int64_t mewl_model_label_find(const mewl_model *model, const char *label);

/* Free text that travels in the checkpoint's metadata: "recipe", "data", "metrics", "threshold", "licence", ...
 * Keys of our own ("mewl.arch", ...) are refused with MEWL_E_ARG. NULL when absent. */
const char *mewl_model_note(const mewl_model *model, const char *key);
mewl_status mewl_model_set_note(mewl_model *model, const char *key, const char *text, mewl_error *err);
bool mewl_model_note_at(const mewl_model *model, const char **key, const char **text, size_t index);

/* Sizes. Frames of output for `frames` of input: 0 when not framewise or too short for one. */
int64_t mewl_model_embedding_size(const mewl_model *model);
int64_t mewl_model_output_frames(const mewl_model *model, int64_t frames);
int64_t mewl_model_frames_min(const mewl_model *model); /* fewest input frames that the net can run on */
int64_t mewl_model_frames_max(const mewl_model *model); /* ATTN_LITERAL: config.frames, as is the fewest; else 2^31 */

/* Framewise models: output frame i covers input frames i * step .. (i + 1) * step - 1 and depends on frames
 * i * step - left .. i * step + right alone (in inference). False for clip-wise models. */
bool mewl_model_reach(const mewl_model *model, int64_t *step, int64_t *left, int64_t *right);

/* How forward runs from now on. Planning itself happens in forward when shapes change (and is kept while they do not),
 * so this is cheap. Errors: MEWL_E_ARG. */
typedef struct mewl_model_mode {
    bool training;
    bool bf16;
    bool winograd; /* float32 inference of many clips of one length: mewl_net_plan_opts */
    int threads;   /* 0 means 1 */
} mewl_model_mode;
mewl_status mewl_model_plan(mewl_model *model, mewl_model_mode mode, mewl_error *err);

/* Runs n clips of t frames. Outputs may be NULL: clip_logits (n, classes); frame_logits (n, frames, classes), frames
 * as mewl_model_output_frames (refused with MEWL_E_UNSUPPORTED when not framewise); embedding (n, embedding size).
 * Features that are not finite give logits that are not finite. Errors: MEWL_E_SHAPE (t outside frames_min to
 * frames_max, sizes out of range), MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_model_forward(mewl_model *model, const float *features, int64_t n, int64_t t, float *clip_logits,
                               float *frame_logits, float *embedding, mewl_error *err);

/* After a training forward: adds d loss / d parameter to every parameter's gradient. Each of the two may be NULL (no
 * gradient from there), same form as in forward. Errors: MEWL_E_STATE. */
mewl_status mewl_model_backward(mewl_model *model, const float *d_clip_logits, const float *d_frame_logits,
                                mewl_error *err);

/* The same from d loss / d embedding (n, embedding size): how embedders are trained. Errors: MEWL_E_STATE. */
mewl_status mewl_model_backward_embedding(mewl_model *model, const float *d_embedding, mewl_error *err);

#endif
