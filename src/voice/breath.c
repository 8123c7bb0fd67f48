/* breath.c - see breath.h. */
#include "voice/breath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONG_S 0.4            /* bursts from this length on tell how loud the cry usually is */
#define UNVOICED_SHARE 0.1    /* a burst with less voice is noise, */
#define UNVOICED_LEAST_S 0.25 /* unless it is long, loud and beside the cry: then it is a dysphonated burst */
#define UNVOICED_DB 10.0
#define UNVOICED_NEAR_S 1.0
#define SHRILL 1.4 /* times the F0 before: a voiced inspiration */

mewl_segment_opts mewl_breath_segment_opts(void)
{
    mewl_segment_opts opts = mewl_segment_opts_default();
    opts.min_burst_s = 0.07;
    return opts;
}

bool mewl_breath_frame_phonated(const mewl_pitch_frame *frame)
{
    return frame->f0_hz > 0 && (double)frame->f0_hz <= MEWL_BREATH_HYPERPHONATION_HZ &&
           mewl_pitch_hnr_db((double)frame->strength) >= MEWL_BREATH_CLEAR_HNR_DB;
}

static double level_of(const float *samples, size_t count, double rate_hz, mewl_burst burst)
{
    size_t from = (size_t)fmax(0, burst.onset_s * rate_hz), to = (size_t)(burst.offset_s * rate_hz);
    double sum = 0;
    to = to < count ? to : count;
    for (size_t i = from; i < to; i++) {
        double x = isfinite(samples[i]) ? (double)samples[i] : 0;
        sum += x * x;
    }
    return sum > 0 ? 10 * log10(sum / (double)(to - from)) : -INFINITY;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static size_t frame_at(const mewl_pitch_track *track, double time_s)
{
    double place = ceil((time_s - track->first_s) / track->step_s);
    return place <= 0 ? 0 : place >= (double)track->count ? track->count : (size_t)place;
}

/* What the voice does in a burst. `scratch` holds as many floats as the track has frames. */
static mewl_breath describe(const mewl_pitch_track *track, mewl_burst burst, double level_dbfs, float *scratch)
{
    mewl_breath b = {.onset_s = burst.onset_s,
                     .offset_s = burst.offset_s,
                     .level_dbfs = level_dbfs,
                     .first = frame_at(track, burst.onset_s),
                     .end = frame_at(track, burst.offset_s),
                     .f0_median_hz = NAN};
    for (size_t i = b.first; i < b.end; i++) {
        const mewl_pitch_frame *f = &track->frames[i];
        if (f->f0_hz <= 0) {
            continue;
        }
        scratch[b.voiced++] = f->f0_hz;
        if ((double)f->f0_hz > MEWL_BREATH_HYPERPHONATION_HZ) {
            b.hyperphonated++;
        } else if (mewl_breath_frame_phonated(f)) {
            b.phonated++;
        }
    }
    if (b.voiced > 0) {
        qsort(scratch, b.voiced, sizeof *scratch, compare_floats);
        b.f0_median_hz = (double)scratch[b.voiced / 2];
    }
    b.melody = mewl_melody_of(track, b.first, b.end, &b.change_st_s);
    return b;
}

/* How loud the cry usually is: the median level of its long bursts, or of the longest one. */
static double usual_level(const mewl_breath *list, size_t count, float *scratch)
{
    size_t longs = 0, longest = 0;
    for (size_t i = 0; i < count; i++) {
        double length = list[i].offset_s - list[i].onset_s;
        longest = length > list[longest].offset_s - list[longest].onset_s ? i : longest;
        if (length >= LONG_S && list[i].voiced > 0) {
            scratch[longs++] = (float)list[i].level_dbfs;
        }
    }
    if (longs == 0) {
        return list[longest].level_dbfs;
    }
    qsort(scratch, longs, sizeof *scratch, compare_floats);
    return (double)scratch[longs / 2];
}

static bool is_noise(const mewl_breath *list, size_t count, size_t i, double usual_db)
{
    const mewl_breath *b = &list[i];
    if (b->level_dbfs < usual_db - MEWL_BREATH_FAINT_DB) {
        return true;
    }
    if (b->end > b->first && (double)b->voiced >= UNVOICED_SHARE * (double)(b->end - b->first) && b->voiced > 0) {
        return false;
    }
    bool near = (i > 0 && b->onset_s - list[i - 1].offset_s < UNVOICED_NEAR_S && list[i - 1].voiced > 0) ||
                (i + 1 < count && list[i + 1].onset_s - b->offset_s < UNVOICED_NEAR_S && list[i + 1].voiced > 0);
    bool breath = b->offset_s - b->onset_s <= MEWL_BREATH_INSPIRATION_MAX_S && i > 0 && list[i - 1].voiced > 0 &&
                  b->onset_s - list[i - 1].offset_s <= MEWL_BREATH_INSPIRATION_AFTER_S;
    bool cry = b->offset_s - b->onset_s >= UNVOICED_LEAST_S && b->level_dbfs > usual_db - UNVOICED_DB;
    return !(breath || (near && cry));
}

static bool is_inspiration(const mewl_breath *b, const mewl_breath *before, double usual_db)
{
    if (before == NULL || before->kind != MEWL_BREATH_EXPIRATION ||
        b->offset_s - b->onset_s > MEWL_BREATH_INSPIRATION_MAX_S ||
        b->onset_s - before->offset_s > MEWL_BREATH_INSPIRATION_AFTER_S ||
        b->offset_s - b->onset_s > 0.7 * (before->offset_s - before->onset_s)) {
        return false;
    }
    double weaker = usual_db - b->level_dbfs;
    bool noisy = 2 * b->phonated < b->end - b->first;
    bool shrill = b->f0_median_hz > SHRILL * before->f0_median_hz;
    return weaker >= 2 * MEWL_BREATH_INSPIRATION_DB || (weaker >= MEWL_BREATH_INSPIRATION_DB && (noisy || shrill));
}

/* Keeps what is part of the cry and says of each what it is. */
static void sort_out(mewl_breaths *out, size_t found, double usual_db)
{
    for (size_t i = 0; i < found; i++) { /* neighbours are looked at as found, so noise is marked first */
        if (is_noise(out->list, found, i, usual_db)) {
            out->list[i].level_dbfs = -INFINITY;
        }
    }
    for (size_t i = 0; i < found; i++) {
        mewl_breath b = out->list[i];
        if (isinf(b.level_dbfs)) {
            continue;
        }
        const mewl_breath *before = out->count > 0 ? &out->list[out->count - 1] : NULL;
        b.kind = is_inspiration(&b, before, usual_db) ? MEWL_BREATH_INSPIRATION : MEWL_BREATH_EXPIRATION;
        out->list[out->count++] = b;
    }
}

mewl_status mewl_breaths_find(mewl_breaths *out, const mewl_pitch_track *track, const float *samples, size_t count,
                              double rate_hz, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(mewl_segment_clip(&out->segments, samples, count, rate_hz, mewl_breath_segment_opts(), err));
    size_t found = out->segments.burst_count;
    if (found == 0) {
        return MEWL_OK;
    }
    size_t most = found > track->count ? found : track->count;
    float *scratch = malloc((most + 1) * sizeof *scratch);
    out->list = malloc(found * sizeof *out->list);
    if (scratch == NULL || out->list == NULL) {
        free(scratch);
        mewl_breaths_fini(out);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu breaths", found);
    }
    for (size_t i = 0; i < found; i++) {
        mewl_burst burst = out->segments.bursts[i];
        out->list[i] = describe(track, burst, level_of(samples, count, rate_hz, burst), scratch);
    }
    sort_out(out, found, usual_level(out->list, found, scratch));
    free(scratch);
    return MEWL_OK;
}

void mewl_breaths_fini(mewl_breaths *breaths)
{
    if (breaths != NULL) {
        free(breaths->list);
        mewl_segments_fini(&breaths->segments);
        memset(breaths, 0, sizeof *breaths);
    }
}
