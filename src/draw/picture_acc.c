/* picture_acc.c - a recording of any length in bounded memory, for its picture; see picture.h. */
#include "draw/picture_acc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BANDS_MAX 512u

static mewl_status check(mewl_picture_acc_opts opts, mewl_error *err)
{
    if (!(opts.rate_hz > 0.0) || !isfinite(opts.rate_hz)) {
        return mewl_error_set(err, MEWL_E_ARG, "picture: a sample rate of %g Hz", opts.rate_hz);
    }
    if (opts.bands > BANDS_MAX || (opts.bands > 0 && (!(opts.frame_step_s > 0.0) || !isfinite(opts.frame_step_s) ||
                                                      !isfinite(opts.frame_first_s)))) {
        return mewl_error_set(err, MEWL_E_ARG, "picture: %zu bands every %g s", opts.bands, opts.frame_step_s);
    }
    if (!(opts.score_step_s >= 0.0) || !isfinite(opts.score_step_s) || !isfinite(opts.score_first_s)) {
        return mewl_error_set(err, MEWL_E_ARG, "picture: a score every %g s", opts.score_step_s);
    }
    for (size_t b = 0; opts.band_hz != NULL && b < opts.bands; b++) {
        if (!isfinite(opts.band_hz[b]) || (b > 0 && opts.band_hz[b] <= opts.band_hz[b - 1])) {
            return mewl_error_set(err, MEWL_E_ARG, "picture: frequency of band %zu does not rise", b);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_picture_acc_new(mewl_picture_acc **out, mewl_picture_acc_opts opts, mewl_error *err)
{
    *out = NULL;
    MEWL_TRY(check(opts, err));
    mewl_picture_acc *acc = calloc(1, sizeof *acc);
    if (acc == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a picture");
    }
    acc->opts = opts;
    acc->opts.band_hz = NULL;
    mewl_status status = mewl__columns_init(&acc->wave, MEWL__COLUMNS_HIGHEST, 2, err);
    if (status == MEWL_OK && opts.bands > 0) {
        status = mewl__columns_init(&acc->frames, MEWL__COLUMNS_SUM, opts.bands, err);
    }
    if (status == MEWL_OK && opts.score_step_s > 0.0) {
        status = mewl__columns_init(&acc->scores, MEWL__COLUMNS_HIGHEST, 1, err);
    }
    if (status == MEWL_OK && opts.bands > 0) {
        acc->band_hz = calloc(opts.bands, sizeof *acc->band_hz);
        acc->linear = calloc(opts.bands, sizeof *acc->linear);
        if (acc->band_hz == NULL || acc->linear == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a picture of %zu bands", opts.bands);
        } else if (opts.band_hz != NULL) {
            memcpy(acc->band_hz, opts.band_hz, opts.bands * sizeof *acc->band_hz);
            acc->opts.band_hz = acc->band_hz;
        }
    }
    if (status != MEWL_OK) {
        mewl_picture_acc_free(acc);
        return status;
    }
    *out = acc;
    return MEWL_OK;
}

void mewl_picture_acc_free(mewl_picture_acc *acc)
{
    if (acc == NULL) {
        return;
    }
    mewl__columns_fini(&acc->wave);
    mewl__columns_fini(&acc->frames);
    mewl__columns_fini(&acc->scores);
    free(acc->band_hz);
    free(acc->linear);
    free(acc);
}

void mewl_picture_acc_samples(mewl_picture_acc *acc, const float *samples, size_t count)
{
    while (count > 0) {
        uint64_t room = 0;
        float *column = mewl__columns_current(&acc->wave, &room);
        size_t part = room < count ? (size_t)room : count;
        float high = column[0];
        float low = column[1];
        for (size_t i = 0; i < part; i++) {
            /* x - x is NaN for NaN and the infinities. */
            float x = samples[i] - samples[i] == 0.0f ? samples[i] : 0.0f;
            high = x > high ? x : high;
            low = -x > low ? -x : low;
        }
        column[0] = high;
        column[1] = low;
        mewl__columns_advance(&acc->wave, part);
        samples += part;
        count -= part;
    }
}

/* 2^x for |x| < 100 to five digits, in plain arithmetic that compilers turn into vector code: twelve hours are 276
 * million of these. 2^(whole) goes into the exponent's bits, 2^(fraction) is its series around zero to the fifth power.
 */
static inline float power_of_two(float x)
{
    float whole = rintf(x);
    float f = 0.69314718f * (x - whole);
    float series = 1.0f + f * (1.0f + f * (0.5f + f * (0.16666667f + f * (0.041666667f + f * 0.0083333333f))));
    int32_t bits = ((int32_t)whole + 127) * (1 << 23);
    float power;
    memcpy(&power, &bits, sizeof power);
    return series * power;
}

void mewl_picture_acc_frames(mewl_picture_acc *acc, const float *frames_db, size_t count)
{
    size_t bands = acc->opts.bands;
    for (size_t t = 0; bands > 0 && t < count; t++) {
        const float *frame = frames_db + t * bands;
        uint64_t room = 0;
        float *column = mewl__columns_current(&acc->frames, &room);
        for (size_t b = 0; b < bands; b++) {
            /* 10^(dB/10); outside -200 .. 200 dB, and for NaN, there is nothing to show. */
            float db = frame[b] > -200.0f ? frame[b] : -200.0f;
            db = db < 200.0f ? db : 200.0f;
            acc->linear[b] = power_of_two(db * 0.33219280948873623f);
        }
        for (size_t b = 0; b < bands; b++) {
            column[b] += acc->linear[b];
        }
        mewl__columns_advance(&acc->frames, 1);
    }
}

void mewl_picture_acc_scores(mewl_picture_acc *acc, const float *scores, size_t count)
{
    for (size_t i = 0; acc->opts.score_step_s > 0.0 && i < count; i++) {
        uint64_t room = 0;
        float *column = mewl__columns_current(&acc->scores, &room);
        float score = scores[i] > 0.0f ? scores[i] : 0.0f;
        score = score < 1.0f ? score : 1.0f;
        column[0] = score > column[0] ? score : column[0];
        mewl__columns_advance(&acc->scores, 1);
    }
}

double mewl_picture_acc_duration_s(const mewl_picture_acc *acc)
{
    return (double)mewl__columns_rows(&acc->wave) / acc->opts.rate_hz;
}
