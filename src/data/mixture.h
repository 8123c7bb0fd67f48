/* mixture.h - one training or test example: cries placed at known times into a background, hard negatives placed in the
 * very same way, everything drawn from (seed, epoch, index) alone. Mono float at 16 kHz. Not features: see loader.h.
 *
 * Both classes pass through the same chain (band-limit, room, pitch, speed, level, codec), so that nothing but the cry
 * itself tells them apart: band-limits of events are drawn first, and a cry is then chosen that is at least as wide. */
#ifndef MEWL_DATA_MIXTURE_H
#define MEWL_DATA_MIXTURE_H

#include "base/status.h"
#include "data/corpus.h"
#include "data/recipe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEWL_MIX_RATE_HZ 16000
#define MEWL_MIX_FRAME_S 0.080 /* one target frame: eight front-end hops of 10 ms */
#define MEWL_MIX_EVENTS_MAX 128

typedef struct mewl_mix_event {
    double onset_s, offset_s; /* in the example, after speed changes */
    double snr_db;            /* over the background under it (active part) */
    double bandwidth_hz;      /* what it was limited to */
    bool cry;
    char label[32];   /* "cry", "cat-isolation", "siren", ... */
    char source[128]; /* file name (no folder), or "synthetic" */
} mewl_mix_event;

/* One example in the caller's storage. */
typedef struct mewl_example {
    float *samples; /* `count`, owned */
    size_t count;
    float *frame_targets; /* `frames`: share of the frame covered by a cry event, 0 to 1, owned */
    float *frame_weights; /* `frames`: 1, or 0 where the truth is uncertain (edges of events, faint parts), owned */
    size_t frames;        /* mewl_mix_frames(count) */
    float clip_target;    /* 1 when some cry is in it */
    mewl_mix_event events[MEWL_MIX_EVENTS_MAX]; /* by onset, cries and negatives */
    size_t event_count;
    double snr_db;        /* lowest of its cries; NaN without */
    char background[128]; /* file names or kinds */
} mewl_example;

/* Target frames for `count` samples: the 1 + count / 160 frames of the front end, halved three times rounding down. */
size_t mewl_mix_frames(size_t count);

/* Room for examples of `count` samples and their frames, all zero; the caller owns it. MEWL_E_SHAPE for less than a
 * frame or more than an hour, MEWL_E_MEMORY. */
mewl_status mewl_example_init(mewl_example *example, size_t count, mewl_error *err);
void mewl_example_fini(mewl_example *example);

/* A mixer: the workspace of one thread over a shared corpus. */
typedef struct mewl_mixer mewl_mixer;

/* recipe and corpus are borrowed and must outlive the mixer. `side` is what recordings are drawn from. */
mewl_status mewl_mixer_new(mewl_mixer **out, const mewl_corpus *corpus, const mewl_recipe *recipe, mewl_side side,
                           mewl_error *err);
void mewl_mixer_free(mewl_mixer *mixer);

/* Samples of one training example (mixture_seconds). */
size_t mewl_mixer_count(const mewl_mixer *mixer);

/* Makes training example (seed, epoch, index) into *example (init with mewl_mixer_count). The same figures give the
 * same bits on the same machine whatever was made before. Errors: MEWL_E_SHAPE, MEWL_E_LIBRARY from a codec. */
mewl_status mewl_mixer_make(mewl_mixer *mixer, mewl_example *example, uint64_t seed, uint64_t epoch, uint64_t index,
                            mewl_error *err);

/* A held-out test mixture: long, one SNR, events at least gap_s apart. */
typedef struct mewl_mix_test {
    double seconds;              /* default 60; for callers' use: the mixer's own length counts */
    double snr_db;               /* of every cry and every negative */
    double cries_per_minute;     /* default 4; 0: a cry-free mixture for false alarms per hour */
    double negatives_per_minute; /* default 4 */
    double gap_s;                /* default 2 */
    double voiced_s;             /* default 0.3: cries with at least this much of an infant's voice (of shorter cries
                                    half); breaths, bumps and words that energy took for cries are no reference */
    bool rooms;                  /* events heard in rooms, default true */
    bool synthetic;              /* made negatives and backgrounds besides recorded ones, default false */
} mewl_mix_test;

/* The defaults that stand beside the fields. */
mewl_mix_test mewl_mix_test_default(void);

/* A mixer for test mixtures of `seconds` (1 to 3600); otherwise as mewl_mixer_new. */
mewl_status mewl_mixer_new_test(mewl_mixer **out, const mewl_corpus *corpus, const mewl_recipe *recipe, mewl_side side,
                                double seconds, mewl_error *err);

/* Makes test mixture (seed, index) with a mixer of mewl_mixer_new_test; two calls that differ in snr_db alone use the
 * same recordings at the same times. *example: init with mewl_mixer_count. Frame weights are all 1; events that a long
 * pause (1 s) splits in the source were split before. Errors: MEWL_E_SHAPE, MEWL_E_ARG when the events do not fit,
 * MEWL_E_EMPTY. */
mewl_status mewl_mixer_test(mewl_mixer *mixer, mewl_example *example, mewl_mix_test test, uint64_t seed, uint64_t index,
                            mewl_error *err);

#endif
