/* lowlevel.c - see lowlevel.h. Frames go through the spectrum sixteen at a time, as the mel bank takes them. */
#include "voice/lowlevel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/fft.h"
#include "dsp/mel.h"
#include "dsp/mfcc.h"
#include "dsp/window.h"

#define LANES MEWL_MEL_LANES
#define WINDOW_S 0.025
#define BANDS 26
#define CEPSTRA 5
#define LIFTER 22.0
#define PERTURBED_S 0.03 /* on each side of a frame */
#define FLOOR 1e-10
#define HARMONIC_WIDTH 0.25 /* of F0, on each side of a harmonic */
#define PULSES_MAX 512      /* within 2 PERTURBED_S: 3 kHz makes 180 */

typedef struct spectra {
    const mewl_voice_analysis *analysis;
    const float *samples;
    size_t count, window, length, bins;
    double scale; /* a sine of full scale has power 1 in its bin */
    mewl_fft *fft;
    mewl_mel *mel;
    mewl_mfcc *mfcc;
    double *hamming, *in, *power; /* power: (LANES, bins) */
    double *before;               /* (bins) magnitudes of the frame before */
    float *lanes, *bands;         /* (bins, LANES), (BANDS, LANES) */
    double loud[BANDS];           /* equal loudness at each band's centre */
} spectra;

static void close_spectra(spectra *s)
{
    mewl_fft_free(s->fft);
    mewl_mel_free(s->mel);
    mewl_mfcc_free(s->mfcc);
    free(s->hamming);
    free(s->in);
    free(s->power);
    free(s->before);
    free(s->lanes);
    free(s->bands);
}

/* Hermansky (1990), eq. 4: how loud the ear finds a frequency, against where it hears best. */
static double equal_loudness(double hz)
{
    double w2 = 4 * M_PI * M_PI * hz * hz;
    return (w2 + 56.8e6) * w2 * w2 / ((w2 + 6.3e6) * (w2 + 6.3e6) * (w2 + 0.38e9));
}

static mewl_status open_spectra(spectra *s, const mewl_voice_analysis *a, const float *samples, size_t count,
                                mewl_error *err)
{
    *s = (spectra){.analysis = a, .samples = samples, .count = count};
    s->window = (size_t)(WINDOW_S * a->rate_hz);
    for (s->length = 2; s->length < s->window; s->length *= 2) {
    }
    s->bins = s->length / 2 + 1;
    MEWL_TRY(mewl_fft_new(&s->fft, s->length, err));
    mewl_mel_opts bank = {.rate_hz = a->rate_hz,
                          .fft_length = s->length,
                          .bands = BANDS,
                          .low_hz = 20,
                          .high_hz = fmin(8000, 0.5 * a->rate_hz),
                          .scale = MEWL_MEL_HTK,
                          .shape = MEWL_MEL_LINEAR_MEL,
                          .norm = MEWL_MEL_PEAK_ONE};
    MEWL_TRY(mewl_mel_new(&s->mel, bank, err));
    MEWL_TRY(mewl_mfcc_new(&s->mfcc, BANDS, CEPSTRA, err));
    size_t padded = (s->bins + 7) / 8 * 8;
    s->hamming = malloc(s->window * sizeof *s->hamming);
    s->in = aligned_alloc(MEWL_FFT_ALIGNMENT, (s->length + 8) / 8 * 8 * sizeof *s->in);
    s->power = aligned_alloc(MEWL_FFT_ALIGNMENT, LANES * padded * sizeof *s->power);
    s->before = calloc(s->bins, sizeof *s->before);
    s->lanes = calloc(s->bins * LANES, sizeof *s->lanes);
    s->bands = calloc(BANDS * LANES, sizeof *s->bands);
    if (!s->hamming || !s->in || !s->power || !s->before || !s->lanes || !s->bands) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for spectra");
    }
    mewl_window_fill(s->hamming, s->window, MEWL_WINDOW_HAMMING_SYMMETRIC);
    memset(s->in, 0, s->length * sizeof *s->in);
    double sum = 0;
    for (size_t i = 0; i < s->window; i++) {
        sum += s->hamming[i];
    }
    s->scale = 4 / (sum * sum);
    for (size_t b = 0; b < BANDS; b++) {
        s->loud[b] = equal_loudness(mewl_mel_centre_hz(s->mel, b));
    }
    return MEWL_OK;
}

static double *power_of(const spectra *s, size_t lane)
{
    return s->power + lane * ((s->bins + 7) / 8 * 8);
}

static void transform(spectra *s, size_t lane, double time_s)
{
    long first = lround(time_s * s->analysis->rate_hz - 0.5 * (double)s->window);
    for (size_t i = 0; i < s->window; i++) {
        long at = first + (long)i;
        bool there = at >= 0 && (size_t)at < s->count && isfinite(s->samples[at]);
        s->in[i] = there ? (double)s->samples[at] * s->hamming[i] : 0;
    }
    double *power = power_of(s, lane);
    mewl_fft_power(s->fft, power, s->in);
    for (size_t k = 0; k < s->bins; k++) {
        power[k] *= s->scale;
        s->lanes[k * LANES + lane] = (float)power[k];
    }
}

static size_t bin_of(const spectra *s, double hz)
{
    double bin = hz * (double)s->length / s->analysis->rate_hz;
    return bin >= (double)s->bins ? s->bins : bin <= 0 ? 0 : (size_t)lround(bin);
}

static double sum_between(const spectra *s, const double *power, double low_hz, double high_hz)
{
    double sum = 0;
    for (size_t k = bin_of(s, low_hz); k < bin_of(s, high_hz); k++) {
        sum += power[k];
    }
    return sum;
}

static double peak_between(const spectra *s, const double *power, double low_hz, double high_hz)
{
    double peak = 0;
    size_t end = bin_of(s, high_hz);
    for (size_t k = bin_of(s, low_hz); k < s->bins && k <= end; k++) {
        peak = fmax(peak, power[k]);
    }
    return peak;
}

static double db(double power)
{
    return 10 * log10(fmax(power, FLOOR));
}

/* Slope of the straight line through the spectrum in dB, dB a Hz. */
static double slope_between(const spectra *s, const double *power, double low_hz, double high_hz)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (size_t k = bin_of(s, low_hz); k <= bin_of(s, high_hz) && k < s->bins; k++) {
        double hz = (double)k * s->analysis->rate_hz / (double)s->length, level = db(power[k]);
        n++;
        x += hz;
        y += level;
        xx += hz * hz;
        xy += hz * level;
    }
    double spread = n * xx - x * x;
    return spread > 0 ? (n * xy - x * y) / spread : NAN;
}

static void spectrum_rows(spectra *s, mewl__lows *out, size_t i, size_t lane)
{
    const double *power = power_of(s, lane);
    double loudness = 0, flux = 0;
    float logs[BANDS], cepstra[CEPSTRA];
    for (size_t b = 0; b < BANDS; b++) {
        double band = (double)s->bands[b * LANES + lane];
        loudness += cbrt(band * s->loud[b]);
        logs[b] = (float)log(fmax(band, FLOOR));
    }
    for (size_t k = 0; k < s->bins; k++) {
        double magnitude = sqrt(power[k]), step = magnitude - s->before[k];
        flux += step * step;
        s->before[k] = magnitude;
    }
    mewl_mfcc_apply(s->mfcc, cepstra, logs);
    out->rows[MEWL__LOW_LOUDNESS][i] = (float)loudness;
    out->rows[MEWL__LOW_FLUX][i] = i > 0 ? (float)sqrt(flux / (double)s->bins) : 0;
    for (size_t k = 1; k < CEPSTRA; k++) {
        double lift = 1 + 0.5 * LIFTER * sin(M_PI * (double)k / LIFTER);
        out->rows[MEWL__LOW_MFCC1 + k - 1][i] = (float)(lift * (double)cepstra[k]);
    }
    out->rows[MEWL__LOW_ALPHA][i] =
        (float)(db(sum_between(s, power, 1000, 5000)) - db(sum_between(s, power, 50, 1000)));
    out->rows[MEWL__LOW_HAMMARBERG][i] =
        (float)(db(peak_between(s, power, 0, 2000)) - db(peak_between(s, power, 2000, 5000)));
    out->rows[MEWL__LOW_SLOPE_0][i] = (float)slope_between(s, power, 0, 500);
    out->rows[MEWL__LOW_SLOPE_500][i] = (float)slope_between(s, power, 500, 1500);
}

/* Level of the harmonic of f0 nearest to hz, dB. */
static double harmonic_db(const spectra *s, const double *power, double f0, double hz)
{
    double at = fmax(1, round(hz / f0)) * f0;
    return db(peak_between(s, power, at - HARMONIC_WIDTH * f0, at + HARMONIC_WIDTH * f0));
}

static void voice_rows(const spectra *s, mewl__lows *out, size_t i, size_t lane, double time_s, size_t *pulse)
{
    const mewl_voice_analysis *a = s->analysis;
    for (size_t low = MEWL__LOW_F0; low < MEWL__LOW_COUNT; low++) {
        out->rows[low][i] = NAN;
    }
    double f0 = mewl_pitch_at(&a->track, time_s);
    size_t frame = (size_t)fmax(0, round((time_s - a->track.first_s) / a->track.step_s));
    if (f0 <= 0 || frame >= a->track.count) {
        return;
    }
    const double *power = power_of(s, lane);
    double h1 = harmonic_db(s, power, f0, f0);
    out->rows[MEWL__LOW_F0][i] = (float)(12 * log2(f0 / 27.5));
    out->rows[MEWL__LOW_HNR][i] = (float)mewl_pitch_hnr_db((double)a->track.frames[frame].strength);
    out->rows[MEWL__LOW_H1_H2][i] = (float)(h1 - harmonic_db(s, power, f0, 2 * f0));
    const double *times = a->pulses.times_s;
    while (*pulse < a->pulses.count && times[*pulse] < time_s - PERTURBED_S) {
        (*pulse)++;
    }
    size_t end = *pulse;
    while (end < a->pulses.count && times[end] < time_s + PERTURBED_S && end - *pulse < PULSES_MAX) {
        end++;
    }
    mewl_perturbation p;
    double scratch[2 * PULSES_MAX];
    mewl__perturbation_run(&p, scratch, end > *pulse ? times + *pulse : NULL, end - *pulse, s->samples, s->count,
                           a->rate_hz, NULL, 0);
    out->rows[MEWL__LOW_JITTER][i] = (float)p.jitter_local;
    out->rows[MEWL__LOW_SHIMMER][i] = (float)p.shimmer_local_db;
    size_t nearest = (frame + MEWL_VOICE_FORMANT_EVERY / 2) / MEWL_VOICE_FORMANT_EVERY;
    if (nearest >= a->formant_count) {
        return;
    }
    const mewl_formants *f = &a->formants[nearest];
    for (size_t k = 0; k < MEWL_FORMANT_COUNT && !isnan(f->hz[k]); k++) {
        double level = harmonic_db(s, power, f0, f->hz[k]) - h1;
        out->rows[MEWL__LOW_F1_HZ + 3 * k][i] = (float)f->hz[k];
        out->rows[MEWL__LOW_F1_BANDWIDTH + 3 * k][i] = (float)f->bandwidth_hz[k];
        out->rows[MEWL__LOW_F1_AMPLITUDE + 3 * k][i] = (float)level;
        if (k == 2) {
            out->rows[MEWL__LOW_H1_A3][i] = (float)-level;
        }
    }
}

/* Mean of each value and its two neighbours, as far as those are numbers. */
static void smooth(float *row, size_t count)
{
    float before = NAN;
    for (size_t i = 0; i < count; i++) {
        float here = row[i], after = i + 1 < count ? row[i + 1] : NAN;
        if (!isnan(here)) {
            float sum = here, n = 1;
            sum += isnan(before) ? 0 : before;
            n += isnan(before) ? 0 : 1;
            sum += isnan(after) ? 0 : after;
            n += isnan(after) ? 0 : 1;
            row[i] = sum / n;
        }
        before = here;
    }
}

static void fill(spectra *s, mewl__lows *out)
{
    size_t pulse = 0;
    for (size_t first = 0; first < out->count; first += LANES) {
        size_t lanes = out->count - first < LANES ? out->count - first : LANES;
        for (size_t lane = 0; lane < lanes; lane++) {
            transform(s, lane, ((double)(first + lane) + 0.5) * MEWL__LOW_STEP_S);
        }
        mewl_mel_apply(s->mel, s->bands, s->lanes);
        for (size_t lane = 0; lane < lanes; lane++) {
            spectrum_rows(s, out, first + lane, lane);
            voice_rows(s, out, first + lane, lane, ((double)(first + lane) + 0.5) * MEWL__LOW_STEP_S, &pulse);
        }
    }
    for (size_t low = 0; low < MEWL__LOW_COUNT; low++) {
        smooth(out->rows[low], out->count);
    }
}

mewl_status mewl__lows_make(mewl__lows *out, const mewl_voice_analysis *analysis, const float *samples, size_t count,
                            mewl_error *err)
{
    memset(out, 0, sizeof *out);
    out->count = (size_t)(analysis->seconds / MEWL__LOW_STEP_S);
    spectra s;
    mewl_status status = open_spectra(&s, analysis, samples, count, err);
    float *block = status == MEWL_OK ? malloc((out->count + 1) * MEWL__LOW_COUNT * sizeof *block) : NULL;
    if (status == MEWL_OK && block == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu frames", out->count);
    }
    if (status == MEWL_OK) {
        for (size_t low = 0; low < MEWL__LOW_COUNT; low++) {
            out->rows[low] = block + low * out->count;
        }
        fill(&s, out);
    }
    close_spectra(&s);
    return status;
}

void mewl__lows_fini(mewl__lows *lows)
{
    if (lows != NULL) {
        free(lows->rows[0]);
        memset(lows, 0, sizeof *lows);
    }
}
