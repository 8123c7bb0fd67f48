/* split.h - which recordings train and which test: groups (an app, a source recording, a cat, a speaker) always stay on
 * one side. Pure functions of a manifest and a seed. */
#ifndef MEWL_DATA_SPLIT_H
#define MEWL_DATA_SPLIT_H

#include "data/manifest.h"

#include <stdint.h>

typedef struct mewl_split_report {
    size_t groups;            /* distinct groups; a row without a group is a group of its own (by path) */
    size_t groups_straddling; /* groups with rows on more than one side */
    size_t rows_straddling;   /* rows of the smaller sides of those groups: what a test score would owe to the leak */
    char example[256];        /* one straddling group, or "" */
} mewl_split_report;

/* Group key of a row: `group`, else "path:<path>" written to buffer. */
const char *mewl_split_group(const mewl_row *row, char *buffer, size_t size);

/* Side of a group by hash (SHA-256 of "seed:group", first 8 bytes over 2^64): it never changes when sets are added or
 * rows reordered. Shares are in [0, 1]; below valid_share -> "valid", then test_share of "test", then more_valid_share
 * of "valid" again (so that a wider validation side leaves the test side what it was), else "train". */
const char *mewl_split_side(const char *group, uint64_t seed, double valid_share, double test_share,
                            double more_valid_share);

/* Sets `split` of every row by mewl_split_side. Errors: MEWL_E_ARG on shares outside [0, 1] or summing above 1. */
mewl_status mewl_split_hash(mewl_manifest *manifest, uint64_t seed, double valid_share, double test_share,
                            mewl_error *err);

/* Sets `fold` of every row to 1..folds: whole groups, labels (`stratify` column, "" or NULL for none) spread as evenly
 * as whole groups allow (greedy, rarest label and largest group first, ties by seed). grouped = false deals single rows
 * instead: the random folds of the literature, which leak. Errors: MEWL_E_ARG on folds outside 2..100, on fewer groups
 * than folds, or on an unknown column. */
mewl_status mewl_split_folds(mewl_manifest *manifest, int folds, const char *stratify, bool grouped, uint64_t seed,
                             mewl_error *err);

/* Counts groups that lie on several sides. `column` is "split" or "fold" (or any column). */
mewl_status mewl_split_check(const mewl_manifest *manifest, const char *column, mewl_split_report *report,
                             mewl_error *err);

/* MEWL_OK when no group straddles; otherwise MEWL_E_FORMAT "LEAKY: ...", with the figures. */
mewl_status mewl_split_require(const mewl_manifest *manifest, const char *column, mewl_error *err);

#endif
