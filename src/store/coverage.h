/* coverage.h - when somebody listened: without it, quiet and not heard are the same. */
#ifndef MEWL_STORE_COVERAGE_H
#define MEWL_STORE_COVERAGE_H

#include "store/store.h"

typedef struct mewl_store_coverage {
    int64_t infant_id;
    int64_t source_id; /* 0: not known */
    int64_t from_ms, to_ms;
    double heard_s; /* of that time, 0 to its length */
} mewl_store_coverage;

/* Adds a stretch of listening; one that another of the same source, from and to equals replaces it. MEWL_E_ARG for a
 * stretch that ends before it starts or heard more than its length (by over a millisecond), MEWL_E_NOT_FOUND. */
mewl_status mewl_store_coverage_add(mewl_store *store, const mewl_store_coverage *coverage, mewl_error *err);

/* Stretches that touch [from_ms, to_ms), by their start. */
mewl_status mewl_store_coverage_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                     mewl_status (*row)(void *user, const mewl_store_coverage *coverage), void *user,
                                     mewl_error *err);

/* Seconds heard within [from_ms, to_ms): stretches that overlap (two microphones) count once, a stretch's heard share
 * counts for each part of it. */
mewl_status mewl_store_coverage_sum(mewl_store *store, double *heard_s, int64_t infant_id, int64_t from_ms,
                                    int64_t to_ms, mewl_error *err);

#endif
