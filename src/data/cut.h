/* cut.h - the material of a mixture: one event (a cry, or something else treated exactly alike), or a background.
 * Private to the mixer. */
#ifndef MEWL_DATA_CUT_H
#define MEWL_DATA_CUT_H

#include "data/corpus.h"
#include "data/mixture.h"
#include "data/recipe.h"

#define MEWL__CUT_BURSTS 64
#define MEWL__CUT_SECONDS 8.0                               /* longest event, as placed */
#define MEWL__CUT_SAMPLES ((size_t)(20 * MEWL_MIX_RATE_HZ)) /* room for it, slowed down, with its echo */

/* An event ready to be added: samples with fades, and where in them something is heard. */
typedef struct mewl__cut {
    float *samples; /* MEWL__CUT_SAMPLES, owned by the workspace */
    size_t count;
    double onset_s, offset_s;
    mewl_burst bursts[MEWL__CUT_BURSTS]; /* sounding parts, relative to the samples */
    size_t burst_count;
    double bandwidth_hz;
    double echo_s; /* after offset_s it still rings this long */
    bool cry;
    const char *label;  /* lives as long as the corpus */
    const char *source; /* file name or "synthetic" */
} mewl__cut;

/* What drawing needs: corpus, recipe, side, and buffers. */
typedef struct mewl__workspace {
    const mewl_corpus *corpus;
    const mewl_recipe *recipe;
    mewl_side side;
    mewl__cut cut;
    float *voice, *scratch; /* MEWL__CUT_SAMPLES each */
    float *layer;           /* a second background, `count` samples */
    size_t count;           /* samples of a whole example */
} mewl__workspace;

/* How events are varied. */
typedef struct mewl__variation {
    double max_seconds; /* longer events are cut */
    bool whole_bursts;  /* cut between bursts only */
    bool pitch, room, synthetic;
    double voiced_s; /* of a cry: least voiced part (voiced.h), of shorter ones half; 0: any sound will do */
} mewl__variation;

/* Buffers for examples of `count` samples; corpus and recipe are borrowed and outlive it. MEWL_E_MEMORY; on failure
 * nothing is left to release. fini frees the buffers and empties it. */
mewl_status mewl__workspace_init(mewl__workspace *w, const mewl_corpus *corpus, const mewl_recipe *recipe,
                                 mewl_side side, size_t count, mewl_error *err);
void mewl__workspace_fini(mewl__workspace *w);

/* Draws the band-limit of an event: the same for both classes. */
double mewl__draw_band(const mewl_recipe *recipe, mewl_rng *rng);

/* Draws a cry, or a negative, into w->cut. MEWL_E_EMPTY when the side has none. */
mewl_status mewl__cut_cry(mewl__workspace *w, mewl_rng *rng, mewl__variation how, mewl_error *err);
mewl_status mewl__cut_negative(mewl__workspace *w, mewl_rng *rng, mewl__variation how, mewl_error *err);

/* Fills out[0 .. w->count) with a background; names it in label (128 bytes). */
mewl_status mewl__background(mewl__workspace *w, float *out, char *label, mewl_rng *rng, bool synthetic,
                             mewl_error *err);

/* Repeats sound[0 .. sound->count) through out[0 .. count), from sample `from` on, with cross-fades. Returns the
 * period. */
size_t mewl__tile(const mewl_sound *sound, float *out, size_t count, size_t from);

#endif
