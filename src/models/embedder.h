/* embedder.h - sound in, a vector of fixed length out: one face for every network that can serve as one.
 *
 *   file                                     name         floats (mean)  rows
 *   YAMNet's .tflite or our import of it     yamnet       1024           each 0.96 s window, every 0.48 s
 *   mn04's .pt or our import of it           mn04         384            the whole clip
 *   any model of ours (the shipped detector  its          model.h's      the whole clip
 *   too: its trunk, averaged over time)      architecture
 *
 * A clip gives one or more rows; rows are pooled into the clip's vector by their mean, or mean and standard deviation
 * side by side, weighted by how much of a cry each row holds where that is asked for. Vectors are as the network gives
 * them: scaling, whitening and length normalisation belong to whoever compares them (learn/). Not for nights: clips.
 */
#ifndef MEWL_MODELS_EMBEDDER_H
#define MEWL_MODELS_EMBEDDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/classifier.h"

#define MEWL_EMBEDDER_NAME_MAX 64
#define MEWL_EMBEDDER_ID_BYTES 17
#define MEWL_EMBEDDER_MAX_SECONDS 600.0 /* of one clip */

typedef enum mewl_embedder_pool {
    MEWL_EMBEDDER_MEAN,
    MEWL_EMBEDDER_MEAN_STD /* standard deviation of the population: zeros where there is one row */
} mewl_embedder_pool;

/* How a clip becomes one vector. Zero-initialised: the mean of the rows that the network itself gives. */
typedef struct mewl_embedder_opts {
    mewl_embedder_pool pool;
    bool cry_weighted; /* rows weigh by their cry probability (at least 0.001); refused where the network has none */
    double window_s;   /* cut the clip into windows of this length, 0.1 to 60 s, each scored by itself; 0: do not */
    double hop_s;      /* from window to window; 0: half a window */
    bool at_peak;      /* scale the clip to a peak of 1 first (ICLAS's preprocessing), so that a microphone further away
                          or a quieter gain changes the vector less; silence stays silence */
} mewl_embedder_opts;

/* How the voice of one infant is embedded, wherever infants are compared: by `mewl baby`, for what other infants teach
 * it, and where that is measured. The clip at its peak, the mean of the network's rows. */
mewl_embedder_opts mewl_embedder_of_voices(void);

typedef struct mewl_embedder_info {
    char name[MEWL_EMBEDDER_NAME_MAX]; /* "yamnet", "mn04", "mobilenet", "cnn10", ... */
    char id[MEWL_EMBEDDER_ID_BYTES];   /* 16 hex digits that stand for the weights, the network's description and the
                                          options, not for other notes in the file (of a teacher's file: for its
                                          bytes): vectors with different ids must not be compared */
    double rate_hz;                    /* of the samples that run takes */
    size_t size;                       /* floats in a vector */
    size_t row;                        /* floats in a row: size, or half of it with MEWL_EMBEDDER_MEAN_STD */
    bool scores_cry;                   /* the network has a class for cries */
} mewl_embedder_info;

typedef struct mewl_embedder mewl_embedder;

/* Opens the network in the file at `path`. One thread a handle; on success *out is the caller's, to be closed.
 * MEWL_E_ARG (options out of range), MEWL_E_UNSUPPORTED (no embedding in this network, or cry_weighted without a class
 * for cries), and those of mewl_classifier_open. */
mewl_status mewl_embedder_open(mewl_embedder **out, const char *path, mewl_embedder_opts opts, mewl_error *err);
void mewl_embedder_close(mewl_embedder *embedder); /* NULL is fine */

/* Borrowed until close. */
const mewl_embedder_info *mewl_embedder_describe(const mewl_embedder *embedder);
const mewl_embedder_opts *mewl_embedder_options(const mewl_embedder *embedder); /* defaults filled in */

/* The vector of `count` mono samples at rate_hz: `vector` (size floats). *cry (may be NULL): probability that the clip
 * holds a cry (the highest of its rows), NaN when the network has no class for it. Samples that are not finite count as
 * 0; clips too short for the network are padded with zeros. MEWL_E_ARG, MEWL_E_EMPTY (count 0), MEWL_E_MEMORY (longer
 * than MEWL_EMBEDDER_MAX_SECONDS), MEWL_E_LIBRARY (the network gave figures that are not finite). */
mewl_status mewl_embedder_run(mewl_embedder *embedder, float *vector, float *cry, const float *samples, size_t count,
                              mewl_error *err);

/* The same and, from the same pass, what the network says of the clip: `clip` as in mewl_classifier_score, but for its
 * embeddings, which must be NULL. With windows, logits and probabilities of a class are the largest over the windows.
 */
mewl_status mewl_embedder_score(mewl_embedder *embedder, float *vector, mewl_classifier_result *clip,
                                const float *samples, size_t count, mewl_error *err);

/* The network itself, for labels and sizes. Borrowed until close. */
mewl_classifier *mewl_embedder_network(mewl_embedder *embedder);

#endif
