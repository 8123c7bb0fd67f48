#include "audio/augment.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audio/level.h"
#include "audio/resample.h"
#include "audio/spectrum.h"

#define FRAME_S 0.020
#define ACTIVE_RANGE_DB 20.0
#define BINS 720 /* of half a dB, from -220 dB up */
#define BIN_FLOOR_DB (-220.0)

static double mean_square(const float *x, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return count == 0 ? 0.0 : sum / (double)count;
}

/* Half-dB bin of a frame's mean square; -1: silence. */
static int bin_of(double power)
{
    if (!(power > 0.0)) {
        return -1;
    }
    const double bin = floor((10.0 * log10(power) - BIN_FLOOR_DB) * 2.0);
    return bin < 0.0 ? 0 : bin >= BINS ? BINS - 1 : (int)bin;
}

/* A histogram instead of sorted frames: nothing is allocated, half a dB does not matter. */
double mewl_augment_active_power(const float *samples, size_t count, double rate_hz)
{
    const double wanted = floor(rate_hz * FRAME_S + 0.5);
    const size_t frame = wanted < 1.0 ? 1 : (size_t)wanted;
    uint32_t histogram[BINS] = {0};
    uint64_t frames = 0;
    for (size_t at = 0; at < count; at += frame) {
        const int bin = bin_of(mean_square(samples + at, count - at < frame ? count - at : frame));
        if (bin >= 0) {
            histogram[bin]++;
            frames++;
        }
    }
    if (frames == 0) {
        return 0.0;
    }
    uint64_t above = 0;
    int top = BINS;
    while (above * 20 < frames) {
        above += histogram[--top];
    }
    const int least = top - (int)(2.0 * ACTIVE_RANGE_DB);
    double sum = 0.0, length = 0.0;
    for (size_t at = 0; at < count; at += frame) {
        const size_t n = count - at < frame ? count - at : frame;
        const double power = mean_square(samples + at, n);
        if (power > 0.0 && bin_of(power) >= least) {
            sum += power * (double)n;
            length += (double)n;
        }
    }
    return length > 0.0 ? sum / length : 0.0;
}

void mewl_augment_add(float *inout, size_t count, const float *event, size_t event_count, size_t at, double gain)
{
    if (at >= count) {
        return;
    }
    const size_t n = count - at < event_count ? count - at : event_count;
    for (size_t i = 0; i < n; i++) {
        inout[at + i] += (float)gain * event[i];
    }
}

void mewl_augment_gain(float *inout, size_t count, double gain)
{
    for (size_t i = 0; i < count; i++) {
        inout[i] *= (float)gain;
    }
}

void mewl_augment_clip(float *inout, size_t count, float limit)
{
    for (size_t i = 0; i < count; i++) {
        inout[i] = inout[i] > limit ? limit : inout[i] < -limit ? -limit : inout[i];
    }
}

static mewl_status check_response(size_t response_count, mewl_error *err)
{
    if (response_count < 1 || response_count > MEWL__RESPONSE_MOST) {
        return mewl_error_set(err, MEWL_E_ARG, "convolution: a response of %zu samples: 1 to %u", response_count,
                              MEWL__RESPONSE_MOST);
    }
    return MEWL_OK;
}

mewl_status mewl_augment_room(float *out, const float *in, size_t count, const float *response, size_t response_count,
                              double rate_hz, mewl_error *err)
{
    MEWL_TRY(check_response(response_count, err));
    if (count == 0) {
        return MEWL_OK;
    }
    size_t direct = 0;
    for (size_t i = 1; i < response_count; i++) {
        direct = fabsf(response[i]) > fabsf(response[direct]) ? i : direct;
    }
    const double before = mewl_augment_active_power(in, count, rate_hz);
    MEWL_TRY(mewl__convolve(out, count, direct, in, count, response, response_count, err));
    const double after = mewl_augment_active_power(out, count, rate_hz);
    if (before > 0.0 && after > 0.0) {
        mewl_augment_gain(out, count, sqrt(before / after));
    }
    return MEWL_OK;
}

mewl_status mewl_augment_lowpass(float *inout, size_t count, double rate_hz, double cutoff_hz, mewl_error *err)
{
    if (!(rate_hz > 0.0 && cutoff_hz >= rate_hz / 200.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "low-pass: cannot cut at %g Hz at a rate of %g Hz", cutoff_hz, rate_hz);
    }
    if (cutoff_hz >= rate_hz / 2.0 || count == 0) {
        return MEWL_OK;
    }
    /* The resampler's own filter shape: 90 dB, from 90 % of the cutoff to the cutoff (Kaiser 1974). */
    const double width = 0.1 * cutoff_hz / rate_hz, middle = 0.95 * cutoff_hz / rate_hz, beta = 0.1102 * (90.0 - 8.7);
    const size_t half = (size_t)ceil((90.0 - 7.95) / (14.36 * width) / 2.0);
    const size_t taps = 2 * half + 1;
    float *filter = malloc(taps * sizeof *filter);
    if (filter == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "low-pass: out of memory for %zu taps", taps);
    }
    double sum = 0.0;
    for (size_t i = 0; i <= half; i++) {
        const double t = (double)i, u = t / (double)half;
        double window = 1.0, term = 1.0;
        const double q = beta * beta * (1.0 - u * u) / 4.0;
        for (int k = 1; k < 200 && term > window * 1e-17; k++) {
            term *= q / ((double)k * (double)k);
            window += term;
        }
        const double value = window * (i == 0 ? 2.0 * middle : sin(2.0 * M_PI * middle * t) / (M_PI * t));
        sum += i == 0 ? value : 2.0 * value;
        filter[half - i] = filter[half + i] = (float)value;
    }
    for (size_t i = 0; i < taps; i++) {
        filter[i] = (float)((double)filter[i] / sum);
    }
    const mewl_status status = mewl__convolve(inout, count, half, inout, count, filter, taps, err);
    free(filter);
    return status;
}

mewl_status mewl_augment_speed(float **out, size_t *out_count, const float *in, size_t count, double factor,
                               mewl_error *err)
{
    *out = NULL;
    *out_count = 0;
    if (!(factor >= 0.25 && factor <= 4.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "speed: a factor of %g: 0.25 to 4", factor);
    }
    /* A little less steep than the resampler's default: a third of the cost of designing the filter. */
    const mewl_resample_opts opts = {.pass_band = 0.88, .attenuation_db = 72.0};
    return mewl_resample(out, out_count, in, count, 48000.0 * factor, 48000.0, opts, err);
}
