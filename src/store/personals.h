/* personals.h - an infant's personal models as they were saved: bytes that src/infant reads, with what they stand on.
 */
#ifndef MEWL_STORE_PERSONALS_H
#define MEWL_STORE_PERSONALS_H

#include "store/store.h"

/* Earlier states of a model that are kept beside the present one. */
#define MEWL_STORE_PERSONALS_KEPT 3

typedef struct mewl_store_personal {
    int64_t id;
    int64_t infant_id;
    int64_t model_id;               /* the embedder's version */
    char kind[MEWL_STORE_NAME_MAX]; /* "knn", "gmm", ... */
    int64_t made_ms;
    int64_t recordings; /* how many it has learned from */
    int64_t sessions;
} mewl_store_personal;

/* Keeps a model: a new row, whose number is written to personal->id; the bytes of all but the last
 * MEWL_STORE_PERSONALS_KEPT + 1 of its infant, kind and version are dropped, their rows stay. MEWL_E_ARG (no bytes or
 * more than MEWL_STORE_BLOB_MAX), MEWL_E_NOT_FOUND. */
mewl_status mewl_store_personal_put(mewl_store *store, mewl_store_personal *personal, const void *data, size_t bytes,
                                    mewl_error *err);

/* The latest of an infant, kind and embedder's version; *data is malloc'd, the caller's. MEWL_E_NOT_FOUND. */
mewl_status mewl_store_personal_get(mewl_store *store, mewl_store_personal *out, void **data, size_t *bytes,
                                    int64_t infant_id, int64_t model_id, const char *kind, mewl_error *err);

/* The latest of an infant of any kind and version, without its bytes. MEWL_E_NOT_FOUND. */
mewl_status mewl_store_personal_latest(mewl_store *store, mewl_store_personal *out, int64_t infant_id, mewl_error *err);

#endif
