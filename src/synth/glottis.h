/* glottis.h - private to the synth room: the glottis as a source of sound, sample by sample: harmonics that fall off
 * with frequency, each period a little longer or shorter and louder or softer than the one before, and breath noise. */
#ifndef MEWL_SYNTH_GLOTTIS_H
#define MEWL_SYNTH_GLOTTIS_H

#include "base/rng.h"

#define MEWL__GLOTTIS_HARMONICS 64

typedef struct mewl__glottis {
    double rate_hz;
    double jitter, shimmer_db;                  /* local, as perturbation.h measures them */
    double phase;                               /* of the period, 0 to 1; the pulse is at 0 */
    double stretch, level;                      /* of this period */
    double rough;                               /* 0 to 1: every other period weaker: a subharmonic */
    double odd;                                 /* 1 or -1, period by period */
    double breath;                              /* the noise's low-pass */
    double weight[MEWL__GLOTTIS_HARMONICS + 1]; /* of harmonic h */
    mewl_rng rng;
} mewl__glottis;

mewl__glottis mewl__glottis_start(double rate_hz, double jitter, double shimmer_db, mewl_rng rng);

/* The next sample at f0_hz (below rate_hz / 2) with harmonics hnr_db above the noise; `rough` as above. */
double mewl__glottis_run(mewl__glottis *glottis, double f0_hz, double hnr_db, double rough);

#endif
