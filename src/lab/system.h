/* system.h - whatever can be compared as a cry detector, behind one face: our models, YAMNet, mn04, an energy
 * threshold. Each takes the same samples and gives one score a clip and, where it has them, scores over time.
 *
 * Not where scores are judged: metrics.h, events.h, psds.h.
 */
#ifndef MEWL_LAB_SYSTEM_H
#define MEWL_LAB_SYSTEM_H

#include <stddef.h>

#include "base/status.h"
#include "models/model.h"

typedef enum mewl_system_kind {
    MEWL_SYSTEM_MODEL,  /* a Mewl model: clip score = highest mean logit over 1.6 s, or its clip output */
    MEWL_SYSTEM_YAMNET, /* the larger of "Crying, sobbing" and "Baby cry, infant cry", highest window of 0.96 s */
    MEWL_SYSTEM_MN04,   /* the larger of the same two, whole clip; clips over 10 s: highest 10 s window, every 5 s */
    MEWL_SYSTEM_ENERGY  /* highest RMS level over 0.4 s, mapped to a probability (see score) */
} mewl_system_kind;

typedef struct mewl_system mewl_system;

/* A Mewl model; *model is borrowed (one system a model at a time) and planned for inference. `label`: the class that is
 * the cry; NULL: the class called "cry", or the only one. MEWL_E_NOT_FOUND without such a class. */
mewl_status mewl_system_open_model(mewl_system **out, mewl_model *model, const char *label, mewl_error *err);

/* YAMNet or mn04 from the publisher's file at `path`. */
mewl_status mewl_system_open_teacher(mewl_system **out, mewl_system_kind kind, const char *path, mewl_error *err);

/* The baseline that hears loudness alone. MEWL_E_MEMORY. */
mewl_status mewl_system_open_energy(mewl_system **out, mewl_error *err);

void mewl_system_close(mewl_system *system); /* NULL is fine */

/* What it is, and what tables call it. */
mewl_system_kind mewl_system_get_kind(const mewl_system *system);
const char *mewl_system_name(const mewl_system *system); /* "mewl", "yamnet", "mn04", "energy" */

/* Scores of one clip; arrays belong to the system and live until its next score. */
typedef struct mewl_track {
    double score;        /* of the clip, 0 to 1 */
    float logit;         /* the same as log odds, finer where the score is near 0 or 1: rank by this one */
    const float *logits; /* over time, log odds; NULL when the system has none (mn04, clip-wise models) */
    size_t frames;
    double frame_s; /* frame i covers [i, i + 1) * frame_s */
} mewl_track;

/* Scores `count` mono samples at rate_hz, resampling to the system's own rate where it differs. At most ten minutes.
 * The energy system's logit is (level + 40 dBFS) / 4, so that rankings and thresholds work as for the others.
 * MEWL_E_EMPTY without samples, MEWL_E_MEMORY, those of resampling and scoring. */
mewl_status mewl_system_score(mewl_system *system, mewl_track *out, const float *samples, size_t count, double rate_hz,
                              mewl_error *err);

#endif
