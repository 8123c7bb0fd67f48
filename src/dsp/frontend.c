/* frontend.c - named front ends: framer, transform, mel bank, logarithm and cepstrum put together; see frontend.h.
 *
 * Frames go through in blocks of up to MEWL_MEL_LANES, side by side (bin by lane), so that mel bank and logarithm run
 * over frames instead of along them. A lane never depends on its neighbours: results are the same however a stream is
 * cut.
 */
#include "dsp/frontend.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/fastlog.h"
#include "dsp/framer.h"
#include "dsp/frontend_spec.h"
#include "dsp/mfcc.h"
#include "dsp/stft.h"

#define LANES MEWL_MEL_LANES

/* Spectra in hybrid frames are in decibels, whatever the front end's own logarithm. */
static const mewl_fastlog_opts decibels = {.floor = 1e-10f, .scale = 4.3429448190325182765f};

struct mewl_frontend {
    const mewl__frontend_spec *spec;
    mewl_feature kind;
    mewl__framer framer;
    mewl_stft *stft;
    mewl_mel *mel;
    mewl_mfcc *mfcc;
    size_t bins;
    size_t mels;
    size_t width;   /* floats in a frame */
    float *spectra; /* (bins, LANES) */
    float *mel_out; /* (mels, LANES) */
    float *row;     /* (mels) one log-mel frame */
    float *wave;    /* (LANES, hop) samples of the frames under way; wavegram alone */
};

const char *mewl_frontend_name_at(size_t index)
{
    const mewl__frontend_spec *spec = mewl__frontend_spec_at(index);
    return spec == NULL ? NULL : spec->name;
}

mewl_status mewl_feature_parse(mewl_feature *out, const char *name, mewl_error *err)
{
    static const struct {
        const char *name;
        mewl_feature kind;
    } kinds[] = {{"spectrogram", MEWL_FEATURE_SPECTROGRAM}, {"mel", MEWL_FEATURE_MEL},
                 {"logmel", MEWL_FEATURE_LOGMEL},           {"mfcc", MEWL_FEATURE_MFCC},
                 {"hybrid", MEWL_FEATURE_HYBRID},           {"wavegram", MEWL_FEATURE_WAVEGRAM}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *out = kinds[i].kind;
            return MEWL_OK;
        }
    }
    return mewl_error_set(err, MEWL_E_NOT_FOUND,
                          "no kind of feature \"%s\": spectrogram, mel, logmel, mfcc, hybrid or wavegram", name);
}

static size_t kind_width(mewl_feature kind, size_t bins, size_t mels, size_t hop)
{
    switch (kind) {
    case MEWL_FEATURE_SPECTROGRAM:
        return bins;
    case MEWL_FEATURE_MFCC:
        return MEWL_FRONTEND_MFCC;
    case MEWL_FEATURE_HYBRID:
        return bins + mels + MEWL_FRONTEND_MFCC;
    case MEWL_FEATURE_WAVEGRAM:
        return mels + hop;
    default:
        return mels;
    }
}

static mewl_status build(mewl_frontend *fe, mewl_error *err)
{
    const mewl__frontend_spec *spec = fe->spec;
    MEWL_TRY(mewl__framer_init(&fe->framer, spec, err));
    MEWL_TRY(mewl_stft_new(&fe->stft, spec->stft, err));
    MEWL_TRY(mewl_mel_new(&fe->mel, spec->mel, err));
    fe->bins = mewl_stft_bins(fe->stft);
    fe->mels = mewl_mel_bands(fe->mel);
    fe->width = kind_width(fe->kind, fe->bins, fe->mels, spec->hop);
    MEWL_TRY(mewl_mfcc_new(&fe->mfcc, fe->mels, MEWL_FRONTEND_MFCC, err));
    fe->spectra = aligned_alloc(64, fe->bins * LANES * sizeof(float));
    fe->mel_out = aligned_alloc(64, fe->mels * LANES * sizeof(float));
    fe->row = calloc(fe->mels, sizeof(float));
    fe->wave = calloc(LANES * spec->hop, sizeof(float));
    if (fe->spectra == NULL || fe->mel_out == NULL || fe->row == NULL || fe->wave == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for front end %s", spec->name);
    }
    memset(fe->spectra, 0, fe->bins * LANES * sizeof(float));
    return MEWL_OK;
}

mewl_status mewl_frontend_new_kind(mewl_frontend **out, const char *name, mewl_feature kind, mewl_error *err)
{
    *out = NULL;
    const mewl__frontend_spec *spec = mewl__frontend_spec_find(name);
    if (spec == NULL) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND,
                              "no front end \"%s\": panns-32k, panns-16k, ecapa, yamnet, mn, hybrid, wavegram-32k or "
                              "wavegram-16k",
                              name);
    }
    if ((int)kind < (int)MEWL_FEATURE_DEFAULT || kind > MEWL_FEATURE_WAVEGRAM) {
        return mewl_error_set(err, MEWL_E_ARG, "no kind of feature %d", (int)kind);
    }
    mewl_frontend *fe = calloc(1, sizeof *fe);
    if (fe == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for front end %s", name);
    }
    fe->spec = spec;
    fe->kind = kind == MEWL_FEATURE_DEFAULT ? spec->default_kind : kind;
    mewl_status status = build(fe, err);
    if (status != MEWL_OK) {
        mewl_frontend_free(fe);
        return status;
    }
    *out = fe;
    return MEWL_OK;
}

double mewl_frontend_rate_of(const char *name)
{
    const mewl__frontend_spec *spec = mewl__frontend_spec_find(name);
    return spec != NULL ? spec->rate_hz : (double)NAN;
}

mewl_status mewl_frontend_new(mewl_frontend **out, const char *name, mewl_error *err)
{
    return mewl_frontend_new_kind(out, name, MEWL_FEATURE_DEFAULT, err);
}

void mewl_frontend_free(mewl_frontend *fe)
{
    if (fe == NULL) {
        return;
    }
    mewl__framer_fini(&fe->framer);
    mewl_stft_free(fe->stft);
    mewl_mel_free(fe->mel);
    mewl_mfcc_free(fe->mfcc);
    free(fe->spectra);
    free(fe->mel_out);
    free(fe->row);
    free(fe->wave);
    free(fe);
}

const char *mewl_frontend_name(const mewl_frontend *fe)
{
    return fe->spec->name;
}

mewl_feature mewl_frontend_kind(const mewl_frontend *fe)
{
    return fe->kind;
}

double mewl_frontend_rate_hz(const mewl_frontend *fe)
{
    return fe->spec->rate_hz;
}

size_t mewl_frontend_bands(const mewl_frontend *fe)
{
    return fe->width;
}

size_t mewl_frontend_hop_samples(const mewl_frontend *fe)
{
    return fe->spec->hop;
}

size_t mewl_frontend_window_samples(const mewl_frontend *fe)
{
    return fe->spec->stft.window_length;
}

double mewl_frontend_band_hz(const mewl_frontend *fe, size_t band)
{
    bool has_bins = fe->kind == MEWL_FEATURE_SPECTROGRAM || fe->kind == MEWL_FEATURE_HYBRID;
    if (has_bins && band < fe->bins) {
        return fe->spec->rate_hz * (double)band / (double)fe->spec->stft.fft_length;
    }
    size_t mel = has_bins ? band - fe->bins : band;
    bool has_mels = fe->kind != MEWL_FEATURE_SPECTROGRAM && fe->kind != MEWL_FEATURE_MFCC;
    return has_mels && mel < fe->mels ? mewl_mel_centre_hz(fe->mel, mel) : (double)NAN;
}

const mewl_mel *mewl_frontend_mel(const mewl_frontend *fe)
{
    return fe->mel;
}

mewl_status mewl_frontend_set_mel(mewl_frontend *fe, mewl_mel *mel, mewl_error *err)
{
    if (mewl_mel_bands(mel) != fe->mels || mewl_mel_bins(mel) != fe->bins) {
        mewl_status status =
            mewl_error_set(err, MEWL_E_SHAPE, "a mel bank of %zu x %zu where %s has %zu x %zu", mewl_mel_bands(mel),
                           mewl_mel_bins(mel), fe->spec->name, fe->mels, fe->bins);
        mewl_mel_free(mel);
        return status;
    }
    mewl_mel_free(fe->mel);
    fe->mel = mel;
    mewl_frontend_reset(fe);
    return MEWL_OK;
}

size_t mewl_frontend_frame_count(const mewl_frontend *fe, size_t samples)
{
    return mewl__framer_count(&fe->framer, samples);
}

double mewl_frontend_frame_time_s(const mewl_frontend *fe, size_t index)
{
    double middle = fe->spec->padding == MEWL__PAD_NONE ? (double)fe->spec->span / 2.0 : 0.0;
    return (middle + (double)index * (double)fe->spec->hop) / fe->spec->rate_hz;
}

size_t mewl_frontend_latency_samples(const mewl_frontend *fe)
{
    /* Centred: half a frame, and for mirrored ones the first sample past it; pre-emphasis looks one sample ahead. */
    size_t latency = fe->spec->span / 2;
    latency += fe->spec->padding == MEWL__PAD_REFLECT ? 1 : 0;
    return latency + (fe->spec->preemphasis != 0.0 ? 1 : 0);
}

bool mewl_frontend_is_clipwide(const mewl_frontend *fe)
{
    return fe->spec->clip_floor_db > 0.0f && fe->kind == MEWL_FEATURE_LOGMEL;
}

void mewl_frontend_settle(const mewl_frontend *fe, float *frames, size_t count)
{
    if (!mewl_frontend_is_clipwide(fe) || count == 0) {
        return;
    }
    size_t width = fe->width;
    float top = -FLT_MAX;
    for (size_t i = 0; i < count * width; i++) {
        top = frames[i] > top ? frames[i] : top;
    }
    float floor_db = top - fe->spec->clip_floor_db;
    double sums[MEWL_MEL_BANDS_MAX] = {0.0};
    for (size_t t = 0; t < count; t++) {
        float *frame = frames + t * width;
        for (size_t b = 0; b < width; b++) {
            frame[b] = frame[b] > floor_db ? frame[b] : floor_db;
            sums[b] += (double)frame[b];
        }
    }
    for (size_t b = 0; b < width; b++) {
        sums[b] /= (double)count;
    }
    for (size_t t = 0; t < count; t++) {
        for (size_t b = 0; b < width; b++) {
            frames[t * width + b] = (float)((double)frames[t * width + b] - sums[b]);
        }
    }
}

/* Rows of `lanes` frames, (width, LANES) to (frame, stride). */
static void transpose(float *out, const float *lanes, size_t width, size_t frames, size_t stride)
{
    for (size_t t = 0; t < frames; t++) {
        for (size_t b = 0; b < width; b++) {
            out[t * stride + b] = lanes[b * LANES + t];
        }
    }
}

/* MFCC of the log-mel lanes, to `out` with `stride` floats from frame to frame. */
static void cepstra(mewl_frontend *fe, float *out, size_t frames, size_t stride)
{
    for (size_t t = 0; t < frames; t++) {
        for (size_t b = 0; b < fe->mels; b++) {
            fe->row[b] = fe->mel_out[b * LANES + t];
        }
        mewl_mfcc_apply(fe->mfcc, out + t * stride, fe->row);
    }
}

/* The hop's samples of one frame from its middle on. */
static void keep_samples(mewl_frontend *fe, const double *frame, size_t lane)
{
    const size_t middle = fe->spec->span / 2, hop = fe->spec->hop;
    for (size_t i = 0; i < hop; i++) {
        fe->wave[lane * hop + i] = (float)frame[middle + i];
    }
}

/* Log-mel and samples side by side. */
static void join_samples(const mewl_frontend *fe, float *out, size_t frames)
{
    const size_t hop = fe->spec->hop;
    transpose(out, fe->mel_out, fe->mels, frames, fe->width);
    for (size_t t = 0; t < frames; t++) {
        memcpy(out + t * fe->width + fe->mels, fe->wave + t * hop, hop * sizeof *out);
    }
}

/* From the spectra of up to LANES frames to their features. */
static void features(mewl_frontend *fe, float *out, size_t frames)
{
    if (fe->kind == MEWL_FEATURE_SPECTROGRAM) {
        transpose(out, fe->spectra, fe->bins, frames, fe->width);
        return;
    }
    mewl_mel_apply(fe->mel, fe->mel_out, fe->spectra);
    if (fe->kind == MEWL_FEATURE_MEL) {
        transpose(out, fe->mel_out, fe->mels, frames, fe->width);
        return;
    }
    mewl_fastlog(fe->mel_out, fe->mel_out, fe->mels * LANES, fe->spec->log);
    if (fe->kind == MEWL_FEATURE_LOGMEL) {
        transpose(out, fe->mel_out, fe->mels, frames, fe->width);
    } else if (fe->kind == MEWL_FEATURE_MFCC) {
        cepstra(fe, out, frames, fe->width);
    } else if (fe->kind == MEWL_FEATURE_WAVEGRAM) {
        join_samples(fe, out, frames);
    } else {
        mewl_fastlog_opts log = decibels;
        log.scale *= fe->spec->stft.output == MEWL_STFT_MAGNITUDE ? 2.0f : 1.0f;
        mewl_fastlog(fe->spectra, fe->spectra, fe->bins * LANES, log);
        transpose(out, fe->spectra, fe->bins, frames, fe->width);
        transpose(out + fe->bins, fe->mel_out, fe->mels, frames, fe->width);
        cepstra(fe, out + fe->bins + fe->mels, frames, fe->width);
    }
}

mewl_status mewl_frontend_push(mewl_frontend *fe, size_t *taken, const float *samples, size_t count, mewl_error *err)
{
    *taken = 0;
    if (samples == NULL && count > 0) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: no samples given", fe->spec->name);
    }
    if (fe->framer.finished) {
        return mewl_error_set(err, MEWL_E_STATE, "%s: samples after the end of the stream", fe->spec->name);
    }
    *taken = mewl__framer_push(&fe->framer, samples, count);
    return MEWL_OK;
}

void mewl_frontend_pull(mewl_frontend *fe, float *out, size_t max_frames, size_t *got)
{
    *got = 0;
    while (*got < max_frames) {
        size_t wanted = max_frames - *got < LANES ? max_frames - *got : LANES;
        size_t frames = 0;
        while (frames < wanted) {
            const double *frame = mewl__framer_pull(&fe->framer);
            if (frame == NULL) {
                break;
            }
            mewl_stft_frame(fe->stft, fe->spectra + frames, LANES, frame);
            if (fe->kind == MEWL_FEATURE_WAVEGRAM) {
                keep_samples(fe, frame, frames);
            }
            frames++;
        }
        if (frames == 0) {
            return;
        }
        features(fe, out + *got * fe->width, frames);
        *got += frames;
    }
}

void mewl_frontend_finish(mewl_frontend *fe)
{
    mewl__framer_finish(&fe->framer);
}

void mewl_frontend_reset(mewl_frontend *fe)
{
    mewl__framer_reset(&fe->framer);
}

mewl_status mewl_frontend_run(mewl_frontend *fe, float *out, const float *samples, size_t count, mewl_error *err)
{
    if (samples == NULL && count > 0) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: no samples given", fe->spec->name);
    }
    size_t total = mewl_frontend_frame_count(fe, count);
    size_t done = 0;
    size_t got = 0;
    mewl_frontend_reset(fe);
    while (count > 0) {
        size_t taken = mewl__framer_push(&fe->framer, samples, count);
        samples += taken;
        count -= taken;
        mewl_frontend_pull(fe, out + done * fe->width, total - done, &got);
        done += got;
    }
    mewl_frontend_finish(fe);
    mewl_frontend_pull(fe, out + done * fe->width, total - done, &got);
    mewl_frontend_reset(fe);
    mewl_frontend_settle(fe, out, total);
    return MEWL_OK;
}
