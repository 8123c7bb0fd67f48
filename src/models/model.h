/* model.h - a classifier of log-mel frames: a net, and everything about it that a checkpoint must say.
 *
 * Architectures: "cnn6", "cnn10", "cnn14" of PANNs (Kong et al. 2020), layer for layer and name for name, so that
 * published weights load; at any width; clip-wise, or frame-wise for detection (cnn.h); "mobilenet", YAMNet's body as a
 * frame-wise detector (mobilenet.h). The features are (N, T, B): N
 * clips, T frames of the model's front end, B mel bands in dB. Not thread-safe: one model, one thread at a time. The
 * front end itself is the caller's (dsp/frontend.h), as is the loss (nn/loss.h).
 */
#ifndef MEWL_MODELS_MODEL_H
#define MEWL_MODELS_MODEL_H

#include "nn/checkpoint.h"
#include "nn/net.h"
#include "nn/optim.h"

#define MEWL_MODEL_CLASSES_MAX 4096
#define MEWL_MODEL_BLOCKS_MAX 6
#define MEWL_MODEL_NAME_MAX 64

typedef struct mewl_model_config {
    char arch[MEWL_MODEL_NAME_MAX];      /* "cnn6", "cnn10", "cnn14", "mobilenet" */
    char front_end[MEWL_MODEL_NAME_MAX]; /* name for dsp/frontend.h, "panns-16k" */
    int64_t bands;                       /* mel bands B; 0 means 64 */
    int64_t classes;                     /* 1 to MEWL_MODEL_CLASSES_MAX */
    int64_t depth;                       /* mobilenet: pairs of convolutions, 4 to 13; 0 means 9. PANNs: not used */
    double width;                        /* multiplies channels (rounded to a whole number >= 1); 0 means 1 */
    mewl_pool_kind pooling;              /* of the blocks; PANNs: MEWL_POOL_AVG */
    double dropout_block;                /* after each block; negative: none; 0 means PANNs' 0.2 */
    double dropout_head;                 /* before each linear layer; negative: none; 0 means PANNs' 0.5 */
    bool framewise;                      /* frame logits, and clip logits from them (cnn.h) */
    int64_t time_pool[MEWL_MODEL_BLOCKS_MAX]; /* frames pooled by each block; all 0 means PANNs' 2 everywhere (CNN14's
                                                 last block 1), or 2, 2, 2, 1, 1, 1 when framewise */
} mewl_model_config;

typedef struct mewl_model mewl_model;

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

/* Framewise models: output frame i covers input frames i * step .. (i + 1) * step - 1 and depends on frames
 * i * step - left .. i * step + right alone (in inference). False for clip-wise models. */
bool mewl_model_reach(const mewl_model *model, int64_t *step, int64_t *left, int64_t *right);

/* How forward runs from now on. Planning itself happens in forward when shapes change (and is kept while they do not),
 * so this is cheap. Errors: MEWL_E_ARG. */
typedef struct mewl_model_mode {
    bool training;
    bool bf16;
    int threads; /* 0 means 1 */
} mewl_model_mode;
mewl_status mewl_model_plan(mewl_model *model, mewl_model_mode mode, mewl_error *err);

/* Runs n clips of t frames. Outputs may be NULL: clip_logits (n, classes); frame_logits (n, frames, classes), frames
 * as mewl_model_output_frames (refused with MEWL_E_UNSUPPORTED when not framewise); embedding (n, embedding size).
 * Features that are not finite give logits that are not finite. Errors: MEWL_E_SHAPE (t below frames_min, sizes out of
 * range), MEWL_E_MEMORY, MEWL_E_LIBRARY. */
mewl_status mewl_model_forward(mewl_model *model, const float *features, int64_t n, int64_t t, float *clip_logits,
                               float *frame_logits, float *embedding, mewl_error *err);

/* After a training forward: adds d loss / d parameter to every parameter's gradient. Each of the two may be NULL (no
 * gradient from there), same form as in forward. Errors: MEWL_E_STATE. */
mewl_status mewl_model_backward(mewl_model *model, const float *d_clip_logits, const float *d_frame_logits,
                                mewl_error *err);

#endif
