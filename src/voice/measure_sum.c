/* measure_sum.c - see measure_sum.h. */
#include "voice/measure_sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "voice/statistic.h"

#define FULL_SCALE 0.999

void mewl__voice_nothing(mewl_voice *out)
{
#define X(field, unit, what) out->field = NAN;
    MEWL_VOICE_ROWS(X)
#undef X
}

static void sum_clip(mewl_voice *v, const mewl_voice_analysis *a, const float *samples, size_t count)
{
    size_t clipped = 0, active = 0;
    double power = 0;
    for (size_t i = 0; i < count; i++) {
        clipped += fabs((double)samples[i]) >= FULL_SCALE;
    }
    for (size_t i = 0; i < a->breaths.count; i++) {
        const mewl_breath *b = &a->breaths.list[i];
        size_t n = (size_t)((b->offset_s - b->onset_s) * a->rate_hz);
        power += pow(10, 0.1 * b->level_dbfs) * (double)n;
        active += n;
    }
    v->seconds = a->seconds;
    v->clipped_share = (double)clipped / (double)count;
    v->level_dbfs = active > 0 ? 10 * log10(power / (double)active) : NAN;
    v->snr_db = a->breaths.count > 0 ? a->breaths.segments.snr_db : NAN;
}

static void sum_breaths(mewl_voice *v, const mewl_voice_analysis *a)
{
    mewl__moments lengths = {0}, pauses = {0}, change = {0};
    double melodies[MEWL_MELODY_COUNT] = {0}, told = 0, ended_s = -INFINITY;
    size_t frames = 0, voiced = 0, phonated = 0, hyper = 0, inspirations = 0;
    for (size_t i = 0; i < a->breaths.count; i++) {
        const mewl_breath *b = &a->breaths.list[i];
        if (b->kind == MEWL_BREATH_INSPIRATION) {
            inspirations++;
            continue;
        }
        mewl__moments_take(&lengths, b->offset_s - b->onset_s);
        if (b->onset_s - ended_s < MEWL_BREATH_PAUSE_MAX_S) {
            mewl__moments_take(&pauses, b->onset_s - ended_s);
        }
        ended_s = b->offset_s;
        frames += b->end - b->first;
        voiced += b->voiced;
        phonated += b->phonated;
        hyper += b->hyperphonated;
        melodies[b->melody]++;
        told += b->melody != MEWL_MELODY_NONE;
        if (!isnan(b->change_st_s)) {
            mewl__moments_take(&change, b->change_st_s);
        }
    }
    v->expirations = (double)lengths.count;
    v->inspirations = (double)inspirations;
    v->expiration_s = lengths.count > 0 ? lengths.mean * (double)lengths.count : 0;
    v->burst_mean_s = mewl__moments_mean(&lengths);
    v->burst_sd_s = mewl__moments_sd(&lengths);
    v->pause_mean_s = mewl__moments_mean(&pauses);
    v->pause_sd_s = mewl__moments_sd(&pauses);
    v->voiced_s = (double)voiced * a->track.step_s;
    v->f0_change_st_s = mewl__moments_mean(&change);
    if (frames > 0) {
        v->phonation = (double)phonated / (double)frames;
        v->hyperphonation = (double)hyper / (double)frames;
        v->dysphonation = (double)(frames - phonated - hyper) / (double)frames;
    }
    if (told > 0) {
        v->melody_rising = melodies[MEWL_MELODY_RISING] / told;
        v->melody_falling = melodies[MEWL_MELODY_FALLING] / told;
        v->melody_rise_fall = melodies[MEWL_MELODY_RISE_FALL] / told;
        v->melody_flat = melodies[MEWL_MELODY_FLAT] / told;
        v->melody_complex = melodies[MEWL_MELODY_COMPLEX] / told;
    }
}

/* `scratch`: as many doubles as the track has frames. */
static double phonation_median(const mewl_voice_analysis *a, double *scratch)
{
    size_t found = 0;
    for (size_t i = 0; i < a->breaths.count; i++) {
        const mewl_breath *b = &a->breaths.list[i];
        for (size_t k = b->first; b->kind == MEWL_BREATH_EXPIRATION && k < b->end; k++) {
            if (mewl_breath_frame_phonated(&a->track.frames[k])) {
                scratch[found++] = (double)a->track.frames[k].f0_hz;
            }
        }
    }
    mewl__sort_doubles(scratch, found);
    return mewl__percentile(scratch, found, 0.5);
}

/* F0 and HNR of the voiced frames in expirations. `scratch`: twice as many doubles as the track has frames. */
static void sum_frames(mewl_voice *v, const mewl_voice_analysis *a, double *scratch)
{
    mewl__moments f0 = {0}, hnr = {0};
    for (size_t i = 0; i < a->breaths.count; i++) {
        const mewl_breath *b = &a->breaths.list[i];
        for (size_t k = b->first; b->kind == MEWL_BREATH_EXPIRATION && k < b->end; k++) {
            const mewl_pitch_frame *f = &a->track.frames[k];
            if (f->f0_hz > 0) {
                scratch[f0.count] = (double)f->f0_hz;
                mewl__moments_take(&f0, (double)f->f0_hz);
                mewl__moments_take(&hnr, mewl_pitch_hnr_db((double)f->strength));
            }
        }
    }
    v->f0_phonation_hz = phonation_median(a, scratch + f0.count);
    mewl__sort_doubles(scratch, f0.count);
    v->f0_mean_hz = mewl__moments_mean(&f0);
    v->f0_sd_hz = mewl__moments_sd(&f0);
    v->f0_median_hz = mewl__percentile(scratch, f0.count, 0.5);
    v->f0_p05_hz = mewl__percentile(scratch, f0.count, 0.05);
    v->f0_p95_hz = mewl__percentile(scratch, f0.count, 0.95);
    v->f0_range_st = 12 * log2(v->f0_p95_hz / v->f0_p05_hz);
    v->hnr_db = mewl__moments_mean(&hnr);
}

static double median_formant(const mewl_voice_analysis *a, size_t which, double *scratch)
{
    size_t found = 0;
    for (size_t i = 0; i < a->breaths.count; i++) {
        const mewl_breath *b = &a->breaths.list[i];
        size_t k = (b->first + MEWL_VOICE_FORMANT_EVERY - 1) / MEWL_VOICE_FORMANT_EVERY;
        for (; b->kind == MEWL_BREATH_EXPIRATION && k * MEWL_VOICE_FORMANT_EVERY < b->end; k++) {
            if (!isnan(a->formants[k].hz[which])) {
                scratch[found++] = a->formants[k].hz[which];
            }
        }
    }
    mewl__sort_doubles(scratch, found);
    return mewl__percentile(scratch, found, 0.5);
}

static mewl_status sum_pulses(mewl_voice *v, const mewl_voice_analysis *a, const float *samples, size_t count,
                              mewl_error *err)
{
    mewl_voice_span *spans = malloc((a->breaths.count + 1) * sizeof *spans);
    if (spans == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the spans of a cry");
    }
    size_t span_count = 0;
    for (size_t i = 0; i < a->breaths.count; i++) {
        const mewl_breath *b = &a->breaths.list[i];
        if (b->kind == MEWL_BREATH_EXPIRATION) {
            spans[span_count++] = (mewl_voice_span){b->onset_s, b->offset_s};
        }
    }
    mewl_perturbation p;
    mewl_status status = MEWL_OK;
    if (span_count > 0) {
        status = mewl_perturbation_measure(&p, &a->pulses, samples, count, a->rate_hz, spans, span_count, err);
    }
    free(spans);
    if (status == MEWL_OK && span_count > 0) {
        v->jitter_local = p.jitter_local;
        v->jitter_rap = p.jitter_rap;
        v->jitter_ppq5 = p.jitter_ppq5;
        v->shimmer_local = p.shimmer_local;
        v->shimmer_local_db = p.shimmer_local_db;
        v->shimmer_apq3 = p.shimmer_apq3;
    }
    return status;
}

mewl_status mewl__voice_sum(mewl_voice_analysis *a, const float *samples, size_t count, mewl_error *err)
{
    mewl_voice *v = &a->measures;
    double *scratch = malloc((2 * a->track.count + 1) * sizeof *scratch);
    if (scratch == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu frames", a->track.count);
    }
    sum_clip(v, a, samples, count);
    sum_breaths(v, a);
    sum_frames(v, a, scratch);
    v->f1_hz = median_formant(a, 0, scratch);
    v->f2_hz = median_formant(a, 1, scratch);
    v->f3_hz = median_formant(a, 2, scratch);
    free(scratch);
    return sum_pulses(v, a, samples, count, err);
}
