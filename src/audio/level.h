/* level.h - how loud: RMS and peak in dBFS, digital silence, clipping. Pure, streaming.
 *
 * Not sound pressure: no microphone here is calibrated. 0 dBFS is the RMS (or peak) 1.0, so a full-scale sine has
 * -3.01 dBFS RMS. Digital silence (nothing but zeros) has no level: -INFINITY, which JSON shows as null, never 0. */
#ifndef MEWL_AUDIO_LEVEL_H
#define MEWL_AUDIO_LEVEL_H

#include <stddef.h>
#include <stdint.h>

/* Running sums; zero-initialise. Plain data: copy, subtract or store it freely. */
typedef struct mewl_level {
    uint64_t count;   /* samples */
    uint64_t zeros;   /* of them exactly 0 */
    uint64_t clipped; /* of them in runs of three or more at the same sign and |x| >= 0.999 */
    double energy;    /* sum of squares */
    float peak;       /* largest |x| */
    int run;          /* samples of the present run at full scale, with its sign */
} mewl_level;

/* Adds samples. Samples that are not finite count as zeros. */
void mewl_level_push(mewl_level *level, const float *samples, size_t count);

/* -INFINITY for silence or no samples. */
double mewl_level_rms_dbfs(const mewl_level *level);
double mewl_level_peak_dbfs(const mewl_level *level);

/* Share of clipped samples, 0 to 1. */
double mewl_level_clipped_share(const mewl_level *level);

/* RMS of a buffer in dBFS; -INFINITY for silence. */
double mewl_level_dbfs(const float *samples, size_t count);

/* 20 log10(x), -INFINITY for x <= 0; and back. */
double mewl_level_from_amplitude(double amplitude);
double mewl_level_to_amplitude(double level_dbfs);

#endif
