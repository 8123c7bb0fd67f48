/* quick.c - see quick.h. Bursts are those that a rendering would have; what the voice room then measures was fitted, by
 * least squares, to 240 rendered cries of 240 infants: each line's constant, slopes and scatter stand below. Another
 * device's effects are set, not fitted. */
#include "synth/quick.h"

#include <math.h>
#include <string.h>

#include "synth/device.h"
#include "synth/render.h"

enum { STREAM_QUICK = 77 };

#define STEP_S 0.005     /* of the F0 track */
#define MISSED_HYPER 0.2 /* share of hyperphonation followed an octave or more too low */

/* What the bursts of a cry come to. */
typedef struct sums {
    double expirations, inspirations, expiration_s, square_s, pause_s, pause_square, pauses;
    double noisy_s, hyper_s;
} sums;

static sums add_up(const mewl_synth_burst *bursts, size_t count)
{
    sums s = {0};
    double ended_s = NAN;
    for (size_t i = 0; i < count; i++) {
        const mewl_synth_burst *b = &bursts[i];
        if (b->kind == MEWL_SYNTH_INSPIRATION) {
            s.inspirations++;
            continue;
        }
        double length = b->offset_s - b->onset_s;
        s.expirations++;
        s.expiration_s += length;
        s.square_s += length * length;
        s.noisy_s += b->noisy_share * length;
        s.hyper_s += b->kind == MEWL_SYNTH_HYPERPHONATED ? length : 0;
        if (!isnan(ended_s)) {
            double pause = b->onset_s - ended_s;
            s.pauses++;
            s.pause_s += pause;
            s.pause_square += pause * pause;
        }
        ended_s = b->offset_s;
    }
    return s;
}

static double sd(double sum, double squares, double count)
{
    return count > 1 ? sqrt(fmax(0, (squares - sum * sum / count) / (count - 1))) : NAN;
}

static double share_of(double x)
{
    return fmax(0, fmin(1, x));
}

static void measure_times(mewl_voice *v, const sums *s, mewl_rng *rng)
{
    v->expirations = s->expirations;
    v->inspirations = fmax(0, floor(0.555 * s->inspirations + mewl_rng_unit(rng)));
    v->expiration_s = 0.96 * s->expiration_s * exp(0.03 * mewl_rng_normal(rng));
    v->burst_mean_s = s->expirations > 0 ? v->expiration_s / s->expirations : NAN;
    v->burst_sd_s = sd(s->expiration_s, s->square_s, s->expirations);
    v->pause_mean_s = s->pauses > 0 ? 1.05 * s->pause_s / s->pauses + 0.03 : NAN;
    v->pause_sd_s = sd(s->pause_s, s->pause_square, s->pauses);
}

static void measure_f0(mewl_voice *v, const mewl_synth_cry *cry, double hyper, double noisy, mewl_rng *rng)
{
    double phonation = log(cry->f0_hz) + 0.006 + 0.05 * mewl_rng_normal(rng);
    v->f0_phonation_hz = exp(phonation);
    v->f0_median_hz = exp(phonation + 0.65 * hyper + 0.02 * fabs(mewl_rng_normal(rng)));
    v->f0_range_st = fmax(1, 4.1 + 0.39 * cry->melody_st + 14.5 * noisy + (hyper > 0 ? 13.3 : 0) +
                                 (hyper > 0 ? 5 : 2.5) * mewl_rng_normal(rng));
    double half = exp(0.5 * v->f0_range_st * M_LN2 / 12);
    v->f0_p05_hz = v->f0_median_hz / half;
    v->f0_p95_hz = v->f0_median_hz * half;
    v->f0_mean_hz = v->f0_median_hz * (1 + 0.2 * hyper);
    v->f0_sd_hz = v->f0_mean_hz * v->f0_range_st * M_LN2 / 12 / 3.3;
}

/* Shape of the voice: perturbation, harmonicity, formants, as the least-squares lines have them. */
static void measure_quality(mewl_voice *v, const mewl_synth_cry *c, double hyper, double noisy,
                            mewl__synth_device device, mewl_rng *rng)
{
    double noise = pow(10, -(c->hnr_db - 0.3 * device.noise_db) / 20);
    v->jitter_local = 0.0031 + 0.155 * c->jitter + 0.0174 * noisy + 0.0521 * noise + 0.0027 * hyper;
    v->jitter_local = fmax(0.001, v->jitter_local * exp(0.17 * mewl_rng_normal(rng)));
    v->jitter_rap = 0.575 * v->jitter_local;
    v->jitter_ppq5 = 0.64 * v->jitter_local;
    v->shimmer_local_db = 0.916 + 0.115 * c->shimmer_db + 0.074 * noisy + 1.54 * noise + 0.17 * mewl_rng_normal(rng);
    v->shimmer_local_db = fmax(0.1, v->shimmer_local_db);
    v->shimmer_local = fmax(0.005, 0.1345 * v->shimmer_local_db - 0.033);
    v->shimmer_apq3 = fmax(0.003, 0.0672 * v->shimmer_local_db - 0.0116);
    v->hnr_db = 2.68 + 0.687 * (c->hnr_db - 0.3 * device.noise_db) - 2.2 * noisy - 0.54 * c->shimmer_db -
                33 * c->jitter + 1.24 * hyper + 1.38 * mewl_rng_normal(rng);
    v->f1_hz = device.formant * exp(4.693 - 0.908 * log(c->tract_m) + 0.07 * mewl_rng_normal(rng));
    v->f2_hz = device.formant * exp(5.928 - 0.855 * log(c->tract_m) + 0.055 * mewl_rng_normal(rng));
    v->f3_hz = device.formant * exp(7.605 - 0.374 * log(c->tract_m) + 0.06 * mewl_rng_normal(rng));
    v->f0_change_st_s = fmax(1, 0.94 + 0.87 * c->melody_st + 4.1 * noisy + 11.8 * noise + 2.5 * mewl_rng_normal(rng));
}

static void measure_melody(mewl_voice *v, mewl_rng *rng)
{
    /* Shares of the five melodies among measured bursts of rendered cries, each recording holding a few bursts. */
    static const double shares[5] = {0.15, 0.04, 0.39, 0.15, 0.27};
    double counts[5] = {0};
    for (double left = v->expirations; left >= 1; left--) {
        double at = mewl_rng_unit(rng);
        size_t k = 0;
        while (k < 4 && at >= shares[k]) {
            at -= shares[k++];
        }
        counts[k]++;
    }
    double all = fmax(1, v->expirations);
    v->melody_rising = counts[0] / all;
    v->melody_falling = counts[1] / all;
    v->melody_rise_fall = counts[2] / all;
    v->melody_flat = counts[3] / all;
    v->melody_complex = counts[4] / all;
}

void mewl_synth_quick(mewl_voice *out, const mewl_synth_cry *cry)
{
    mewl_synth_burst bursts[MEWL_SYNTH_BURSTS_MAX];
    size_t count = 0;
    mewl_synth_bursts(bursts, &count, cry);
    sums s = add_up(bursts, count);
    mewl_rng rng = mewl_rng_stream(cry->seed, STREAM_QUICK);
    mewl__synth_device device = mewl__synth_device_of(cry->device);
#define X(field, unit, what) out->field = NAN;
    MEWL_VOICE_ROWS(X)
#undef X
    double hyper = s.expiration_s > 0 ? s.hyper_s / s.expiration_s : 0;
    double noisy = s.expiration_s > 0 ? s.noisy_s / s.expiration_s : 0;
    out->seconds = cry->seconds;
    out->level_dbfs = -23.9 + device.gain_db + 1.45 * cry->arousal + 1.6 * mewl_rng_normal(&rng);
    out->snr_db = -0.9 + 1.07 * (cry->snr_db - device.noise_db) + 2.1 * mewl_rng_normal(&rng);
    out->clipped_share = 0;
    measure_times(out, &s, &rng);
    measure_f0(out, cry, hyper, noisy, &rng);
    measure_quality(out, cry, hyper, noisy, device, &rng);
    measure_melody(out, &rng);
    double breath = pow(10, -cry->hnr_db / 20);
    out->hyperphonation = share_of((1 - MISSED_HYPER) * hyper + (hyper > 0 ? 0.07 * mewl_rng_normal(&rng) : 0));
    out->dysphonation = share_of(-0.126 + 0.81 * noisy + 0.585 * breath + 0.059 * mewl_rng_normal(&rng));
    out->dysphonation = fmin(out->dysphonation, 1 - out->hyperphonation);
    out->phonation = 1 - out->hyperphonation - out->dysphonation;
    out->voiced_s = STEP_S * floor(out->expiration_s * share_of(1.01 - 0.86 * noisy) / STEP_S);
}
