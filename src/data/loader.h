/* loader.h - batches of features and targets for training, made by worker threads ahead of need. What is in batch b of
 * epoch e depends on (seed, e, b) alone, not on the number of threads. */
#ifndef MEWL_DATA_LOADER_H
#define MEWL_DATA_LOADER_H

#include "base/status.h"
#include "data/corpus.h"
#include "data/mixture.h"
#include "data/recipe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Row-major, owned by the loader, valid until the batch is given back. */
typedef struct mewl_batch {
    size_t count;         /* N: examples */
    size_t frames;        /* T: front-end frames */
    size_t bands;         /* B */
    size_t target_frames; /* K: frames of 80 ms (detect), else 0 */
    size_t classes;       /* C: 1 in detect */
    float *features;      /* (N, T, B), dB as the front end has them; masks and mixup applied */
    float *frame_targets; /* (N, K) */
    float *frame_weights; /* (N, K) */
    float *clip_targets;  /* (N, C): share of each class; rows sum to 1 in classify unless multi_label */
    float *snr_db;        /* (N): lowest SNR of the cries, NaN without; of individuals: number of the session, from 0 */
    size_t *sounds;       /* (N): what was cropped: of individuals its place in mewl_corpus_sounds, of clips the row of
                             the manifest; of mixtures 0 */
    uint64_t epoch, index; /* which batch this is */
} mewl_batch;

typedef struct mewl_loader mewl_loader;

typedef struct mewl_loader_opts {
    mewl_side side;  /* MEWL_SIDE_TRAIN for training */
    bool augment;    /* SpecAugment and mixup (mixture effects belong to the recipe's [mixture]) */
    int threads;     /* worker threads, 1 to 64; 0: recipe's train_loader_threads */
    size_t batch;    /* examples in a batch; 0: recipe's train_batch */
    size_t prefetch; /* batches made ahead; 0: 4 */
    uint64_t seed;   /* usually recipe->recipe_seed; validation uses another */
} mewl_loader_opts;

/* A loader of mixtures (recipe task detect). corpus and recipe are borrowed. Starts its threads at the first seek. */
mewl_status mewl_loader_open_mixtures(mewl_loader **out, const mewl_corpus *corpus, const mewl_recipe *recipe,
                                      mewl_loader_opts opts, mewl_error *err);

/* A loader of whole labelled clips (recipe task classify): rows of `manifest` on side opts.side, decoded into memory
 * here, cropped or repeated to classify_seconds. With side train and augment, clips are drawn by class as the recipe
 * says and varied (pitch, band-limit, codec, level); otherwise each comes once, in order, its middle, and batches wrap
 * round. recipe is borrowed. Errors: MEWL_E_EMPTY without two classes or without clips, MEWL_E_MEMORY above
 * data_memory_mb, and those of reading: a file that cannot be read is an error here. */
mewl_status mewl_loader_open_clips(mewl_loader **out, const mewl_manifest *manifest, const mewl_recipe *recipe,
                                   mewl_loader_opts opts, mewl_error *err);

/* A loader of individuals (recipe task embed): crops of embed.seconds of every sound of the corpus's cries, other
 * calls and speech whose row names a speaker, on side opts.side, of individuals with embed.min_recordings or more.
 * Classes are individuals. With side train and augment, a batch holds different individuals with embed.recordings crops
 * each, sessions apart where there are several, in rooms, noise and band-limits as the recipe says; otherwise every
 * recording comes once, in order. corpus and recipe are borrowed. Errors: MEWL_E_EMPTY without two individuals,
 * MEWL_E_ARG when a batch needs more than there are. */
mewl_status mewl_loader_open_individuals(mewl_loader **out, const mewl_corpus *corpus, const mewl_recipe *recipe,
                                         mewl_loader_opts opts, mewl_error *err);

/* Same individual and same session: what the rows say, else recordings less than an hour apart (unknown times count as
 * the same). */
bool mewl_individual_same_session(const mewl_row *a, const mewl_row *b);

/* Stops the threads and frees everything; NULL is fine. */
void mewl_loader_close(mewl_loader *loader);

/* Says which batch comes next; batches then follow one another through epochs of `batches_per_epoch`. Needed once
 * before the first pull, and again to resume. */
mewl_status mewl_loader_seek(mewl_loader *loader, uint64_t epoch, uint64_t batch, uint64_t batches_per_epoch,
                             mewl_error *err);

/* Waits for the next batch. *batch belongs to the caller until given back with mewl_loader_release; at most two may be
 * out. Errors: those of making an example, MEWL_E_STATE before seek. */
mewl_status mewl_loader_pull(mewl_loader *loader, mewl_batch **batch, mewl_error *err);
void mewl_loader_release(mewl_loader *loader, mewl_batch *batch);

/* Shapes, known before the first batch. Class names: classify only (C of them), else NULL. */
void mewl_loader_shape(const mewl_loader *loader, mewl_batch *shape);
const char *const *mewl_loader_classes(const mewl_loader *loader);

/* Examples per pass that cover every clip once (clips), or 0 (mixtures have no end). */
size_t mewl_loader_examples(const mewl_loader *loader);

#endif
