/* mel.c - mel scales and sparse triangular filter banks; see mel.h. */
#include "dsp/mel.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A row of weights: bins first .. first + count - 1, at weights[offset]. */
typedef struct mel_row {
    uint32_t first;
    uint32_t count;
    size_t offset;
} mel_row;

struct mewl_mel {
    size_t bands;
    size_t bins;
    mel_row *rows;
    float *weights;
    double *centre_hz;
};

/* Slaney's scale: 3 mels each 200 Hz up to 1 kHz (mel 15), then 27 mels each factor of 6.4. */
#define SLANEY_HZ_A_MEL (200.0 / 3.0)
#define SLANEY_BREAK_HZ 1000.0
#define SLANEY_BREAK_MEL (SLANEY_BREAK_HZ / SLANEY_HZ_A_MEL)

static double slaney_step(void)
{
    return log(6.4) / 27.0;
}

double mewl_mel_from_hz(double hz, mewl_mel_scale scale)
{
    if (scale == MEWL_MEL_HTK) {
        return 2595.0 * log10(1.0 + hz / 700.0);
    }
    return hz < SLANEY_BREAK_HZ ? hz / SLANEY_HZ_A_MEL : SLANEY_BREAK_MEL + log(hz / SLANEY_BREAK_HZ) / slaney_step();
}

double mewl_mel_to_hz(double mel, mewl_mel_scale scale)
{
    if (scale == MEWL_MEL_HTK) {
        return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
    }
    return mel < SLANEY_BREAK_MEL ? mel * SLANEY_HZ_A_MEL
                                  : SLANEY_BREAK_HZ * exp((mel - SLANEY_BREAK_MEL) * slaney_step());
}

static double triangle(double at, double low, double centre, double high)
{
    double up = (at - low) / (centre - low);
    double down = (high - at) / (high - centre);
    double least = up < down ? up : down;
    return least > 0.0 ? least : 0.0;
}

/* Weight of the bin at `hz` in band `band`; edges are evenly spaced in mel. */
static double bin_weight(const mewl_mel_opts *o, size_t band, double hz)
{
    double low_mel = mewl_mel_from_hz(o->low_hz, o->scale);
    double step = (mewl_mel_from_hz(o->high_hz, o->scale) - low_mel) / (double)(o->bands + 1);
    double left = low_mel + step * (double)band;
    double low = mewl_mel_to_hz(left, o->scale);
    double centre = mewl_mel_to_hz(left + step, o->scale);
    double high = mewl_mel_to_hz(left + 2.0 * step, o->scale);
    double weight = 0.0;
    switch (o->shape) {
    case MEWL_MEL_LINEAR_HZ:
        weight = triangle(hz, low, centre, high);
        break;
    case MEWL_MEL_LINEAR_MEL:
        weight = triangle(mewl_mel_from_hz(hz, o->scale), left, left + step, left + 2.0 * step);
        break;
    case MEWL_MEL_SYMMETRIC_HZ:
        weight = triangle(hz, low, centre, centre + (centre - low));
        break;
    }
    return o->norm == MEWL_MEL_AREA_ONE ? weight * 2.0 / (high - low) : weight;
}

static mewl_mel *mel_alloc(size_t bands, size_t bins, size_t weights)
{
    mewl_mel *mel = calloc(1, sizeof *mel);
    if (mel == NULL) {
        return NULL;
    }
    mel->bands = bands;
    mel->bins = bins;
    mel->rows = calloc(bands, sizeof *mel->rows);
    mel->weights = calloc(weights + 1, sizeof *mel->weights);
    mel->centre_hz = calloc(bands, sizeof *mel->centre_hz);
    if (mel->rows == NULL || mel->weights == NULL || mel->centre_hz == NULL) {
        mewl_mel_free(mel);
        return NULL;
    }
    return mel;
}

mewl_status mewl_mel_new_dense(mewl_mel **out, const float *matrix, const double *centre_hz, size_t bands, size_t bins,
                               mewl_error *err)
{
    *out = NULL;
    if (bands < 1 || bands > MEWL_MEL_BANDS_MAX || bins < 1 || bins > MEWL_MEL_BINS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG,
                              "a mel bank of %zu bands over %zu bins: 1 to %u and 1 to %u are possible", bands, bins,
                              MEWL_MEL_BANDS_MAX, MEWL_MEL_BINS_MAX);
    }
    size_t weights = 0;
    mel_row rows[MEWL_MEL_BANDS_MAX];
    for (size_t b = 0; b < bands; b++) {
        const float *row = matrix + b * bins;
        size_t first = bins;
        size_t last = 0;
        for (size_t k = 0; k < bins; k++) {
            if (!isfinite(row[k])) {
                return mewl_error_set(err, MEWL_E_ARG, "mel bank: weight of band %zu, bin %zu is not finite", b, k);
            }
            if (row[k] != 0.0f) {
                first = first == bins ? k : first;
                last = k;
            }
        }
        rows[b].first = first == bins ? 0 : (uint32_t)first;
        rows[b].count = first == bins ? 0 : (uint32_t)(last - first + 1);
        rows[b].offset = weights;
        weights += rows[b].count;
    }
    mewl_mel *mel = mel_alloc(bands, bins, weights);
    if (mel == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a mel bank of %zu bands", bands);
    }
    memcpy(mel->rows, rows, bands * sizeof *rows);
    memcpy(mel->centre_hz, centre_hz, bands * sizeof *centre_hz);
    for (size_t b = 0; b < bands; b++) {
        memcpy(mel->weights + rows[b].offset, matrix + b * bins + rows[b].first, rows[b].count * sizeof(float));
    }
    *out = mel;
    return MEWL_OK;
}

mewl_status mewl_mel_new(mewl_mel **out, mewl_mel_opts opts, mewl_error *err)
{
    *out = NULL;
    if (!(opts.rate_hz > 0.0) || !(opts.low_hz >= 0.0) || !(opts.low_hz < opts.high_hz) ||
        !(opts.high_hz <= opts.rate_hz / 2.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "a mel bank from %g to %g Hz at a rate of %g Hz", opts.low_hz,
                              opts.high_hz, opts.rate_hz);
    }
    size_t bins = opts.fft_length / 2 + 1;
    if (opts.fft_length < 2 || opts.fft_length % 2 != 0 || bins > MEWL_MEL_BINS_MAX || opts.bands < 1 ||
        opts.bands > MEWL_MEL_BANDS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "a mel bank of %zu bands on a transform of length %zu", opts.bands,
                              opts.fft_length);
    }
    float *matrix = calloc(opts.bands * bins, sizeof *matrix);
    double *centre_hz = calloc(opts.bands, sizeof *centre_hz);
    mewl_status status = MEWL_E_MEMORY;
    if (matrix == NULL || centre_hz == NULL) {
        mewl_error_set(err, MEWL_E_MEMORY, "no memory for a mel bank of %zu bands", opts.bands);
        goto done;
    }
    double low_mel = mewl_mel_from_hz(opts.low_hz, opts.scale);
    double step = (mewl_mel_from_hz(opts.high_hz, opts.scale) - low_mel) / (double)(opts.bands + 1);
    for (size_t b = 0; b < opts.bands; b++) {
        centre_hz[b] = mewl_mel_to_hz(low_mel + step * (double)(b + 1), opts.scale);
        for (size_t k = 0; k < bins; k++) {
            matrix[b * bins + k] = (float)bin_weight(&opts, b, opts.rate_hz * (double)k / (double)opts.fft_length);
        }
    }
    status = mewl_mel_new_dense(out, matrix, centre_hz, opts.bands, bins, err);
done:
    free(matrix);
    free(centre_hz);
    return status;
}

void mewl_mel_free(mewl_mel *mel)
{
    if (mel == NULL) {
        return;
    }
    free(mel->rows);
    free(mel->weights);
    free(mel->centre_hz);
    free(mel);
}

size_t mewl_mel_bands(const mewl_mel *mel)
{
    return mel->bands;
}

size_t mewl_mel_bins(const mewl_mel *mel)
{
    return mel->bins;
}

double mewl_mel_centre_hz(const mewl_mel *mel, size_t band)
{
    return mel->centre_hz[band];
}

float mewl_mel_weight(const mewl_mel *mel, size_t band, size_t bin)
{
    if (band >= mel->bands || bin < mel->rows[band].first || bin - mel->rows[band].first >= mel->rows[band].count) {
        return 0.0f;
    }
    return mel->weights[mel->rows[band].offset + bin - mel->rows[band].first];
}

void mewl_mel_apply(const mewl_mel *mel, float *out, const float *spectrum)
{
    typedef float lanes __attribute__((vector_size(MEWL_MEL_LANES * sizeof(float)), aligned(sizeof(float))));
    for (size_t b = 0; b < mel->bands; b++) {
        const mel_row row = mel->rows[b];
        const float *weight = mel->weights + row.offset;
        const float *bin = spectrum + (size_t)row.first * MEWL_MEL_LANES;
        lanes sum = {0.0f};
        for (size_t k = 0; k < row.count; k++) {
            sum += weight[k] * *(const lanes *)(bin + k * MEWL_MEL_LANES);
        }
        *(lanes *)(out + b * MEWL_MEL_LANES) = sum;
    }
}
