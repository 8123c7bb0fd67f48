/* corpus.h - the recordings a recipe names, decoded once into memory (int16, mono, 16 kHz) with their roles, sides and
 * cry segments: what the mixer draws from. Read-only after opening, so threads share it. */
#ifndef MEWL_DATA_CORPUS_H
#define MEWL_DATA_CORPUS_H

#include "base/progress.h"
#include "base/rng.h"
#include "base/status.h"
#include "data/manifest.h"
#include "data/recipe.h"
#include "dsp/segment.h"

#include <stddef.h>
#include <stdint.h>

#define MEWL_CORPUS_RATE_HZ 16000

typedef enum mewl_role {
    MEWL_ROLE_CRY,        /* cry clips with at least one usable event */
    MEWL_ROLE_NEGATIVE,   /* events that are no cry: cats, words, dogs, roosters, sneezes, ... */
    MEWL_ROLE_BACKGROUND, /* steady sounds: rain, sea, running tap, ... */
    MEWL_ROLE_SPEECH,     /* adult speech: negatives and backgrounds too, and raw matter of child-like speech */
    MEWL_ROLE_ROOM,       /* room responses */
    MEWL_ROLE_COUNT
} mewl_role;

typedef enum mewl_side { MEWL_SIDE_TRAIN, MEWL_SIDE_VALID, MEWL_SIDE_TEST, MEWL_SIDE_COUNT } mewl_side;

typedef struct mewl_sound {
    const mewl_row *row;    /* in the corpus's manifest */
    const int16_t *samples; /* at MEWL_CORPUS_RATE_HZ, peak-normalised: 32767 stands for `peak` */
    size_t count;
    float peak;
    double bandwidth_hz; /* half the recording's own rate, at most 8,000: nothing is above it */
    mewl_role role;
    mewl_side side;
    /* Of cries, negatives and speech: what segment.h finds in them (negatives without contrast have none). */
    const mewl_burst *events;
    size_t event_count;
    const mewl_burst *bursts;
    size_t burst_count;
    double floor_dbfs, threshold_dbfs, loud_dbfs, snr_db;
} mewl_sound;

typedef struct mewl_corpus mewl_corpus;

typedef struct mewl_corpus_stats {
    size_t sounds[MEWL_ROLE_COUNT][MEWL_SIDE_COUNT];
    size_t groups[MEWL_ROLE_COUNT][MEWL_SIDE_COUNT];
    double seconds[MEWL_ROLE_COUNT][MEWL_SIDE_COUNT];
    size_t cries_unusable; /* cry clips left out: no event, or SNR below the recipe's */
    size_t unreadable;     /* files that could not be decoded; the first is in `unreadable_example` */
    char unreadable_example[512];
    size_t bytes; /* of audio in memory */
} mewl_corpus_stats;

/* Role of a row by its label; MEWL_ROLE_COUNT when it has none in mixtures (unchecked uploads, rows without a label).
 */
mewl_role mewl_corpus_role(const mewl_row *row);

/* The rows of a recipe's sets and manifests as they stand, and nothing decided about them: what every task starts from.
 * *out is initialised here; fini it on success. Errors: MEWL_E_NOT_FOUND for the root or a set, MEWL_E_ARG for a set
 * whose licence keeps it out of shipped weights while data_research is off, and those of reading manifests. */
mewl_status mewl_corpus_list(mewl_manifest *out, const mewl_recipe *recipe, mewl_error *err);

/* The manifest a recipe means: sets and manifests gathered, cry list applied, sides dealt, sorted, and checked for
 * leaks. What `mewl data` and evaluation use to see the very rows that training sees. *out is initialised here; fini it
 * on success. Errors as mewl_corpus_open. */
mewl_status mewl_corpus_gather(mewl_manifest *out, const mewl_recipe *recipe, mewl_error *err);

/* Scans recipe->data_sets under the root (data_root, else MEWL_DATA), reads data_manifests, marks sides (manifests that
 * carry a `split` keep it), applies data_cry_list, drops raw uploads that a cleaned clip repeats, decodes on `threads`
 * threads. `progress` may be NULL. Errors: MEWL_E_NOT_FOUND for a root or set, MEWL_E_EMPTY when no cry or background
 * is left on the training side, MEWL_E_MEMORY above data_memory_mb, MEWL_E_ARG for a set whose licence keeps it out of
 * shipped weights while data_research is off. Unreadable files are counted, not fatal, unless all are. */
mewl_status mewl_corpus_open(mewl_corpus **out, const mewl_recipe *recipe, int threads, const mewl_progress *progress,
                             mewl_error *err);

/* The same from a manifest with `split` set (copied). */
mewl_status mewl_corpus_load(mewl_corpus **out, const mewl_manifest *manifest, const mewl_recipe *recipe, int threads,
                             const mewl_progress *progress, mewl_error *err);
void mewl_corpus_close(mewl_corpus *corpus);

/* What was found while opening; and the rows it was made from, with `split` set. Both belong to the corpus. */
const mewl_corpus_stats *mewl_corpus_get_stats(const mewl_corpus *corpus);
const mewl_manifest *mewl_corpus_manifest(const mewl_corpus *corpus);

/* All sounds, in manifest order. */
const mewl_sound *mewl_corpus_sounds(const mewl_corpus *corpus, size_t *count);

/* Draws a sound: first a category (set and label; weight: square root of its groups), then a group, then a recording,
 * so that neither a large set nor a busy phone outweighs the rest. min_bandwidth_hz leaves narrower recordings out (0:
 * all). NULL when there is none. */
const mewl_sound *mewl_corpus_draw(const mewl_corpus *corpus, mewl_role role, mewl_side side, double min_bandwidth_hz,
                                   mewl_rng *rng);

/* Copies samples [from, from + count) of a sound to float at its original level, zeros beyond its end. */
void mewl_sound_copy(const mewl_sound *sound, float *out, size_t from, size_t count);

#endif
