/* embeddings.h - model versions, and the embeddings that each of them made. Embeddings of two versions never meet:
 * every reading names the one version it wants. */
#ifndef MEWL_STORE_EMBEDDINGS_H
#define MEWL_STORE_EMBEDDINGS_H

#include "store/store.h"

typedef struct mewl_store_model {
    int64_t id;
    char kind[MEWL_STORE_NAME_MAX]; /* "detector", "embedder" */
    char name[MEWL_STORE_NAME_MAX]; /* for people */
    char hash[MEWL_STORE_HASH_MAX]; /* 16 to 64 hex digits for its file: what tells versions apart */
    int64_t dimensions;             /* of its embeddings, 0 to MEWL_STORE_DIMENSIONS_MAX */
    int64_t first_ms;               /* first used */
} mewl_store_model;

/* One embedding with what a personal model needs beside it. `values` is valid during the callback. */
typedef struct mewl_store_embedding {
    int64_t recording_id, session_id, model_id;
    int64_t start_ms; /* of the recording */
    int enrolled;     /* recorded by the user as normal, rather than scored */
    const float *values;
    size_t dimensions;
} mewl_store_embedding;

/* The number of the version of that kind and hash, made when it is new; model->id is written. MEWL_E_ARG; MEWL_E_STATE
 * when it is known with another size. */
mewl_status mewl_store_model_put(mewl_store *store, mewl_store_model *model, mewl_error *err);
mewl_status mewl_store_model_get(mewl_store *store, mewl_store_model *out, int64_t id, mewl_error *err);

/* Every version that was used, in that order. */
mewl_status mewl_store_model_each(mewl_store *store, mewl_status (*row)(void *user, const mewl_store_model *model),
                                  void *user, mewl_error *err);

/* Keeps a recording's embedding by one version, replacing an earlier one by the same. MEWL_E_SHAPE when `dimensions` is
 * not the version's; MEWL_E_ARG for values that are not finite; MEWL_E_NOT_FOUND. */
mewl_status mewl_store_embedding_put(mewl_store *store, int64_t recording_id, int64_t model_id, const float *values,
                                     size_t dimensions, mewl_error *err);

/* An infant's embeddings by one version, of recordings that start in [from_ms, to_ms), by time. */
mewl_status mewl_store_embedding_each(mewl_store *store, int64_t infant_id, int64_t model_id, int64_t from_ms,
                                      int64_t to_ms,
                                      mewl_status (*row)(void *user, const mewl_store_embedding *embedding), void *user,
                                      mewl_error *err);

/* The same of all infants but one (0: none left out): the population beside which an infant is judged. */
mewl_status mewl_store_embedding_others(mewl_store *store, int64_t infant_id, int64_t model_id,
                                        mewl_status (*row)(void *user, int64_t infant_id,
                                                           const mewl_store_embedding *embedding),
                                        void *user, mewl_error *err);

#endif
