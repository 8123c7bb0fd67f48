/* render.c - see render.h. Bursts are drawn first, from a stream of random figures of their own, so that the truth can
 * be had without the sound. */
#include "synth/render.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "audio/augment.h"
#include "synth/device.h"
#include "synth/glottis.h"
#include "synth/tract.h"

#define ATTACK_S 0.03
#define DECAY_S 0.08
#define INSPIRATION_DB (-14.0)
#define HYPER_LOW_HZ 1100.0
#define HYPER_HIGH_HZ 2200.0
#define ROUGH_HNR_DB 0.0  /* harmonicity where the voice is noisy */
#define BREATH_HNR_DB 6.0 /* breathing in */
#define ROUGH_BURSTS 0.3  /* share of noisy parts that have a subharmonic besides */
#define LEVEL 0.35        /* peak of a usual cry */

enum { STREAM_BURSTS = 1, STREAM_SOURCE, STREAM_ROOM, STREAM_NOISE };

/* ---- What happens when ---- */

static double semitones(double hz, double st)
{
    return hz * exp(st * M_LN2 / 12);
}

/* The contour of a phonated burst: mostly an arch, its mean (in semitones) at the cry's own F0. */
static void draw_contour(mewl_synth_burst *b, const mewl_synth_cry *cry, mewl_rng *rng)
{
    double which = mewl_rng_unit(rng), height = cry->melody_st * exp(0.2 * mewl_rng_normal(rng));
    double start = -height, end = -height * mewl_rng_range(rng, 0.7, 1.2), offset = mewl_rng_normal(rng);
    b->peak_share = mewl_rng_range(rng, 0.25, 0.6);
    if (which > 0.95) { /* rising */
        b->peak_share = 0.95;
    } else if (which > 0.85) { /* flat */
        start *= 0.1;
        end *= 0.1;
    } else if (which > 0.65) { /* falling */
        b->peak_share = 0.05;
    }
    double mean = 0.5 * (start * b->peak_share + end * (1 - b->peak_share));
    b->f0_start_hz = semitones(cry->f0_hz, start - mean + 0.7 * offset);
    b->f0_peak_hz = semitones(cry->f0_hz, -mean + 0.7 * offset);
    b->f0_end_hz = semitones(cry->f0_hz, end - mean + 0.7 * offset);
}

static mewl_synth_burst draw_cry_burst(const mewl_synth_cry *cry, double at_s, mewl_rng *rng)
{
    mewl_synth_burst b = {.onset_s = at_s};
    double length = cry->burst_s * exp(0.3 * mewl_rng_normal(rng));
    b.offset_s = fmin(cry->seconds - 0.05, at_s + fmax(0.25, fmin(5, length)));
    b.kind = mewl_rng_unit(rng) < cry->hyperphonation ? MEWL_SYNTH_HYPERPHONATED : MEWL_SYNTH_PHONATED;
    draw_contour(&b, cry, rng);
    double high = mewl_rng_range(rng, HYPER_LOW_HZ, HYPER_HIGH_HZ), drift = mewl_rng_range(rng, 0.9, 1.05);
    b.noisy_share = fmin(0.95, cry->dysphonation * exp(0.4 * mewl_rng_normal(rng)));
    if (b.kind == MEWL_SYNTH_HYPERPHONATED) {
        b.f0_start_hz = high;
        b.f0_peak_hz = 1.05 * high;
        b.f0_end_hz = fmax(1.02 * HYPER_LOW_HZ, drift * high);
        b.noisy_share = 0;
    }
    return b;
}

void mewl_synth_bursts(mewl_synth_burst *bursts, size_t *count, const mewl_synth_cry *cry)
{
    mewl_rng rng = mewl_rng_stream(cry->seed, STREAM_BURSTS);
    double at_s = mewl_rng_range(&rng, 0.3, 0.7);
    *count = 0;
    while (at_s + 0.35 < cry->seconds && *count + 2 <= MEWL_SYNTH_BURSTS_MAX) {
        mewl_synth_burst b = draw_cry_burst(cry, at_s, &rng);
        bursts[(*count)++] = b;
        double pause = fmax(0.15, cry->pause_s * exp(0.25 * mewl_rng_normal(&rng)));
        bool heard = mewl_rng_unit(&rng) < cry->inspiration;
        double gap = mewl_rng_range(&rng, 0.06, 0.1), length = mewl_rng_range(&rng, 0.15, 0.3);
        double f0 = cry->f0_hz * mewl_rng_range(&rng, 1.2, 1.7), rise = mewl_rng_range(&rng, 1.1, 1.4);
        if (heard && b.offset_s + 2 * gap + length < cry->seconds) {
            double onset = b.offset_s + gap;
            bursts[(*count)++] =
                (mewl_synth_burst){MEWL_SYNTH_INSPIRATION, onset, onset + length, f0, rise * f0, rise * f0, 0.9, 0.5};
            pause = fmax(pause, 2 * gap + length);
        }
        at_s = b.offset_s + pause;
    }
}

/* ---- How it sounds ---- */

static double contour_hz(const mewl_synth_burst *b, double share)
{
    bool rising = share < b->peak_share;
    double from = rising ? b->f0_start_hz : b->f0_peak_hz, to = rising ? b->f0_peak_hz : b->f0_end_hz;
    double along = rising ? share / b->peak_share : (share - b->peak_share) / (1 - b->peak_share);
    return from * exp(log(to / from) * fmax(0, fmin(1, along)));
}

static double envelope(double since_s, double left_s)
{
    double rise = fmin(1, since_s / ATTACK_S), fall = fmin(1, left_s / DECAY_S);
    return (0.5 - 0.5 * cos(M_PI * rise)) * (0.5 - 0.5 * cos(M_PI * fall));
}

/* Adds one burst to `out`. The noisy part of it lies at its end, where the breath runs out. */
static void render_burst(float *out, size_t count, const mewl_synth_burst *b, const mewl_synth_cry *cry, double rate_hz,
                         mewl_rng rng)
{
    mewl__tract tract;
    mewl__tract_init(&tract, cry->tract_m, exp(0.08 * mewl_rng_normal(&rng)), rate_hz);
    bool in = b->kind == MEWL_SYNTH_INSPIRATION;
    double rough = mewl_rng_unit(&rng) < ROUGH_BURSTS ? mewl_rng_range(&rng, 0.3, 1) : 0;
    double level = pow(10, (in ? INSPIRATION_DB : 2 * fmax(-1.5, fmin(1.5, mewl_rng_normal(&rng)))) / 20);
    mewl__glottis glottis = mewl__glottis_start(rate_hz, cry->jitter, cry->shimmer_db, rng);
    size_t first = (size_t)(b->onset_s * rate_hz), end = (size_t)(b->offset_s * rate_hz);
    double length = b->offset_s - b->onset_s;
    for (size_t i = first; i < end && i < count; i++) {
        double since = ((double)i + 0.5) / rate_hz - b->onset_s, share = since / length;
        bool noisy = share > 1 - b->noisy_share;
        double hnr_db = in ? BREATH_HNR_DB : noisy ? ROUGH_HNR_DB : cry->hnr_db;
        double x = mewl__glottis_run(&glottis, contour_hz(b, share), hnr_db, noisy && !in ? rough : 0);
        out[i] += (float)(level * envelope(since, length - since) * mewl__tract_run(&tract, x));
    }
}

/* Sound in a room: what comes straight, and after it what the walls return, dying away. */
static mewl_status add_room(float *inout, size_t count, mewl__synth_device device, double rate_hz, mewl_rng rng,
                            mewl_error *err)
{
    size_t length = (size_t)(device.reverb_s * rate_hz), gap = (size_t)(0.004 * rate_hz);
    float *response = calloc(length + 1, sizeof *response);
    if (response == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a room");
    }
    double energy = 0;
    for (size_t i = gap; i < length; i++) {
        double value = mewl_rng_normal(&rng) * pow(10, -3 * (double)i / (double)length);
        response[i] = (float)value;
        energy += value * value;
    }
    double wet = energy > 0 ? pow(10, device.wet_db / 20) / sqrt(energy) : 0;
    for (size_t i = gap; i < length; i++) {
        response[i] *= (float)wet;
    }
    response[0] = 1;
    mewl_status status = mewl_augment_room(inout, inout, count, response, length, rate_hz, err);
    free(response);
    return status;
}

/* The microphone: rumble and highs taken off, level set, the room's noise added, cut at full scale. */
static mewl_status record(float *inout, size_t count, const mewl_synth_cry *cry, mewl__synth_device device,
                          double rate_hz, mewl_error *err)
{
    MEWL_TRY(
        add_room(inout, count, device, rate_hz, mewl_rng_stream((uint64_t)(int64_t)cry->device, STREAM_ROOM), err));
    mewl_rng rng = mewl_rng_stream(cry->seed, STREAM_NOISE);
    double peak = 0;
    for (size_t i = 0; i < count; i++) {
        peak = fmax(peak, fabs((double)inout[i]));
    }
    double gain = peak > 0 ? LEVEL * pow(10, (device.gain_db + 1.5 * cry->arousal) / 20) / peak : 0;
    gain = peak > 0 ? fmax(0.05 / peak, fmin(0.9 / peak, gain)) : 0;
    double active = mewl_augment_active_power(inout, count, rate_hz);
    double noise = sqrt(active) * pow(10, (device.noise_db - cry->snr_db) / 20), low = 0, before = 0, high = 0;
    double k = 1 - exp(-2 * M_PI * 500 / rate_hz), keep = exp(-2 * M_PI * device.rumble_hz / rate_hz);
    for (size_t i = 0; i < count; i++) {
        double white = mewl_rng_normal(&rng);
        low += k * (white - low);
        double x = (double)inout[i] + noise * (0.5 * white + 0.5 * low * sqrt((2 - k) / k));
        high = keep * (high + x - before);
        before = x;
        inout[i] = (float)(gain * high);
    }
    MEWL_TRY(mewl_augment_lowpass(inout, count, rate_hz, device.cutoff_hz, err));
    mewl_augment_clip(inout, count, 0.95F);
    return MEWL_OK;
}

static bool sensible(const mewl_synth_cry *c)
{
    const double all[] = {c->arousal,        c->melody_st,    c->pause_s, c->inspiration,
                          c->hyperphonation, c->dysphonation, c->snr_db,  c->hnr_db};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!isfinite(all[i]) || fabs(all[i]) > 200) {
            return false;
        }
    }
    return c->f0_hz >= 100 && c->f0_hz <= 2500 && c->burst_s >= 0.1 && c->burst_s <= 20 && c->jitter >= 0 &&
           c->jitter <= 0.3 && c->shimmer_db >= 0 && c->shimmer_db <= 12 && c->tract_m >= 0.04 && c->tract_m <= 0.25 &&
           c->seconds >= 0.5 && c->seconds <= MEWL_SYNTH_SECONDS_MAX && fabs(c->melody_st) <= 24;
}

mewl_status mewl_synth_render(float **out, size_t *count, mewl_synth_burst *bursts, size_t *burst_count,
                              const mewl_synth_cry *cry, double rate_hz, mewl_error *err)
{
    *out = NULL;
    *count = 0;
    if (!(rate_hz >= MEWL_SYNTH_RATE_MIN_HZ && rate_hz <= MEWL_SYNTH_RATE_MAX_HZ) || !sensible(cry)) {
        return mewl_error_set(err, MEWL_E_ARG, "a cry cannot be made of such figures, or not at %g Hz", rate_hz);
    }
    mewl_synth_burst *list = malloc(MEWL_SYNTH_BURSTS_MAX * sizeof *list);
    size_t samples = (size_t)(cry->seconds * rate_hz), found = 0;
    float *sound = calloc(samples, sizeof *sound);
    mewl_status status = MEWL_OK;
    if (list == NULL || sound == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %g s of sound", cry->seconds);
    } else {
        mewl_synth_bursts(list, &found, cry);
        for (size_t i = 0; i < found; i++) {
            mewl_rng rng = mewl_rng_stream(cry->seed, ((uint64_t)STREAM_SOURCE << 32) + i);
            render_burst(sound, samples, &list[i], cry, rate_hz, rng);
        }
        status = record(sound, samples, cry, mewl__synth_device_of(cry->device), rate_hz, err);
    }
    if (status == MEWL_OK) {
        *out = sound;
        *count = samples;
        sound = NULL;
        if (bursts != NULL) {
            memcpy(bursts, list, found * sizeof *list);
            *burst_count = found;
        }
    }
    free(sound);
    free(list);
    return status;
}
