/* ambience.c - see ambience.h. */
#include "dsp/ambience.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/stft.h"

#define FRAME ((size_t)1024)
#define HOP ((size_t)512)
#define BINS (FRAME / 2 + 1)
#define QUIET_SHARE 10  /* one in so many frames is the noise */
#define SPLIT_HZ 1000.0 /* of the tilt */
#define REACH 1e-4      /* 40 dB */
#define LEAST_HZ 100.0  /* hum below it does not count as the strongest */

typedef struct spectra {
    float *power;   /* (frames, BINS) */
    double *energy; /* (frames), then sorted */
    size_t frames;
} spectra;

static mewl_status run_frames(spectra *s, const float *samples, size_t count, mewl_error *err)
{
    const mewl_stft_opts opts = {FRAME, FRAME, 0, MEWL_WINDOW_HANN_PERIODIC, MEWL_STFT_POWER};
    double frame[1024];
    mewl_stft *stft = NULL;
    s->frames = (count - FRAME) / HOP + 1;
    s->power = malloc(s->frames * BINS * sizeof *s->power);
    s->energy = malloc(2 * s->frames * sizeof *s->energy);
    if (s->power == NULL || s->energy == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu frames", s->frames);
    }
    MEWL_TRY(mewl_stft_new(&stft, opts, err));
    for (size_t i = 0; i < s->frames; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < FRAME; k++) {
            const float x = samples[i * HOP + k];
            frame[k] = isfinite(x) ? (double)x : 0.0;
            sum += frame[k] * frame[k];
        }
        mewl_stft_frame(stft, s->power + i * BINS, 1, frame);
        s->energy[i] = s->energy[s->frames + i] = sum / (double)FRAME;
    }
    mewl_stft_free(stft);
    return MEWL_OK;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Adds the spectra of frames with at most that energy to mean[BINS]; the mean of their energies. */
static double mean_of(const spectra *s, double mean[], double most)
{
    size_t used = 0;
    double energy = 0.0;
    memset(mean, 0, BINS * sizeof *mean);
    for (size_t i = 0; i < s->frames; i++) {
        if (s->energy[i] <= most) {
            for (size_t k = 0; k < BINS; k++) {
                mean[k] += (double)s->power[i * BINS + k];
            }
            energy += s->energy[i];
            used++;
        }
    }
    return used > 0 ? energy / (double)used : 0.0;
}

static void bandwidth_of(mewl_ambience *out, const double mean[], double rate_hz)
{
    double strongest = 0.0;
    for (size_t k = 1; k < BINS; k++) {
        strongest = (double)k * rate_hz / (double)FRAME >= LEAST_HZ ? fmax(strongest, mean[k]) : strongest;
    }
    size_t last = BINS - 1;
    while (last > 0 && mean[last] < REACH * strongest) {
        last--;
    }
    out->bandwidth_hz = strongest > 0.0 ? (double)last * rate_hz / (double)FRAME : (double)NAN;
}

static void noise_of(mewl_ambience *out, const spectra *s, double rate_hz)
{
    double mean[BINS], low = 0.0, high = 0.0;
    double *sorted = s->energy + s->frames;
    qsort(sorted, s->frames, sizeof *sorted, compare);
    const double energy = mean_of(s, mean, sorted[(s->frames - 1) / QUIET_SHARE]);
    for (size_t k = 1; k < BINS; k++) {
        const double hz = (double)k * rate_hz / (double)FRAME;
        *(hz < SPLIT_HZ ? &low : &high) += mean[k];
    }
    out->noise_dbfs = energy > 0.0 ? 10.0 * log10(energy) : (double)NAN;
    out->tilt_db = low > 0.0 && high > 0.0 ? 10.0 * log10(low / high) : (double)NAN;
    bandwidth_of(out, mean, rate_hz);
}

mewl_status mewl_ambience_measure(mewl_ambience *out, const float *samples, size_t count, double rate_hz,
                                  mewl_error *err)
{
    *out = (mewl_ambience){(double)NAN, (double)NAN, (double)NAN};
    if (!(rate_hz >= 4000.0 && rate_hz <= 384000.0) || count / HOP > SIZE_MAX / 64 / BINS) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu samples at %g Hz are out of range", count, rate_hz);
    }
    if (count < FRAME) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%zu samples are too few to tell of a room", count);
    }
    spectra s = {0};
    const mewl_status status = run_frames(&s, samples, count, err);
    if (status == MEWL_OK) {
        noise_of(out, &s, rate_hz);
    }
    free(s.power);
    free(s.energy);
    return status;
}
