/* classifier.h - any model file behind one interface: our own .safetensors, YAMNet's .tflite, mn04's .pt, told apart by
 * content. Samples of a whole clip in; logits, probabilities, embedding and a cry score out.
 *
 * Not for long recordings, which a scorer reads in chunks (scorer.h), nor for training.
 */
#ifndef MEWL_MODELS_CLASSIFIER_H
#define MEWL_MODELS_CLASSIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define MEWL_CLASSIFIER_MAX_SECONDS 600.0 /* of one clip */

typedef struct mewl_classifier mewl_classifier;
struct mewl_model;

typedef struct mewl_classifier_info {
    const char *arch;      /* "yamnet", "mn04", "cnn10", … */
    const char *front_end; /* name for dsp/frontend.h */
    double rate_hz;        /* of the samples that score takes */
    size_t classes, embedding, bands;
    int64_t params; /* trainable figures */
    bool softmax;   /* probabilities exclude one another; else one sigmoid a class */
    bool framewise; /* also scores frames (scorer.h) */
    bool teacher;
} mewl_classifier_info;

/* Opens a model file. The handle serves one thread. On success *out is the caller's, to be closed. MEWL_E_NOT_FOUND,
 * MEWL_E_IO, MEWL_E_FORMAT, MEWL_E_UNSUPPORTED (a network that is not known), MEWL_E_MEMORY. */
mewl_status mewl_classifier_open(mewl_classifier **out, const char *path, mewl_error *err);
void mewl_classifier_close(mewl_classifier *classifier);

/* Borrowed until close. */
const mewl_classifier_info *mewl_classifier_describe(const mewl_classifier *classifier);

/* The model inside, for quantising and inspection; NULL of a teacher. Borrowed until close. */
struct mewl_model *mewl_classifier_model(mewl_classifier *classifier);

/* Label of a class, "" where the file has none; NULL out of range. Borrowed until close. */
const char *mewl_classifier_label(const mewl_classifier *classifier, size_t index);

/* Whether a class is a cry (models/cry.h); the only class of a detector always is. */
bool mewl_classifier_is_cry(const mewl_classifier *classifier, size_t index);

/* Metadata texts ("licence", "metrics", "recipe", …); returns false past the last. Borrowed until close. */
bool mewl_classifier_note_at(const mewl_classifier *classifier, const char **key, const char **text, size_t index);

/* Rows that a clip of `count` samples gives: YAMNet's windows; 1 for every other network. 0 for count 0. */
size_t mewl_classifier_rows(const mewl_classifier *classifier, size_t count);

/* What mewl_classifier_score fills; the arrays are the caller's and each may be NULL. */
typedef struct mewl_classifier_result {
    float *logits;         /* classes; YAMNet: of each class the largest over the windows */
    float *probabilities;  /* classes */
    float *embedding;      /* embedding; YAMNet: the mean over the windows */
    float *row_embeddings; /* rows x embedding, as mewl_classifier_rows */
    float *row_cry;        /* rows: probability of a cry, NaN when the model has no class for it */
    float cry;             /* set: probability of a cry, NaN when the model has no class for it */
} mewl_classifier_result;

/* Scores `count` mono samples at rate_hz. Samples that are not finite count as 0; clips too short for the network are
 * padded with zeros. MEWL_E_ARG, MEWL_E_EMPTY (count 0), MEWL_E_MEMORY (longer than MEWL_CLASSIFIER_MAX_SECONDS). */
mewl_status mewl_classifier_score(mewl_classifier *classifier, mewl_classifier_result *result, const float *samples,
                                  size_t count, mewl_error *err);

#endif
