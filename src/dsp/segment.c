/* segment.c - see segment.h. Levels are taken in blocks of one hop; a frame is a mean of blocks. Frames decide (they do
 * not flicker), blocks say where exactly (they are short). */
#include "dsp/segment.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL_FLOOR_DB (-100.0)
#define SECONDS_MAX 3600.0
#define GAP_MIN_S 0.05     /* shorter dips do not end a burst */
#define GUARD_S 0.15       /* around bursts: attack and reverberation, neither cry nor background */
#define OUTSIDE_MIN_S 0.30 /* less background than this is no measure of it */

mewl_segment_opts mewl_segment_opts_default(void)
{
    return (mewl_segment_opts){.frame_s = 0.020,
                               .hop_s = 0.005,
                               .highpass_hz = 250,
                               .threshold = 0.45,
                               .min_above_db = 6,
                               .max_below_db = 25,
                               .min_burst_s = 0.10,
                               .max_pause_s = 1.0,
                               .min_event_s = 0.25};
}

void mewl_segments_fini(mewl_segments *segments)
{
    if (segments != NULL) {
        free(segments->bursts);
        free(segments->events);
        memset(segments, 0, sizeof *segments);
    }
}

static double level_db(double power)
{
    double level = power > 0 ? 10 * log10(power) : LEVEL_FLOOR_DB;
    return level > LEVEL_FLOOR_DB ? level : LEVEL_FLOOR_DB;
}

/* Mean square of each block after a second-order Butterworth high-pass (bilinear transform). */
static void block_powers(double *powers, size_t blocks, const float *samples, size_t count, double rate_hz,
                         double block_samples, double highpass_hz)
{
    double w = tan(M_PI * highpass_hz / rate_hz), q = M_SQRT2;
    double norm = 1 / (1 + q * w + w * w);
    double a1 = 2 * (w * w - 1) * norm, a2 = (1 - q * w + w * w) * norm;
    double z1 = 0, z2 = 0;
    size_t at = 0;
    for (size_t b = 0; b < blocks; b++) {
        size_t end = (size_t)((double)(b + 1) * block_samples);
        end = end > count ? count : end;
        double sum = 0;
        size_t first = at;
        for (; at < end; at++) {
            double x = isfinite(samples[at]) ? (double)samples[at] : 0;
            double y = norm * x + z1;
            z1 = -2 * norm * x - a1 * y + z2;
            z2 = norm * x - a2 * y;
            sum += y * y;
        }
        powers[b] = end > first ? sum / (double)(end - first) : 0;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One run of work: block powers, frame levels, and the blocks per frame. */
typedef struct levels {
    double *powers, *frames, *sorted;
    size_t blocks, span; /* frame i covers blocks i .. i + span - 1 */
    double hop_s;
} levels;

/* First and last block of the burst found in frames [first, last]: those whose own level is near the threshold. */
static mewl_burst refine(const levels *l, size_t first, size_t last, double threshold)
{
    size_t a = first, b = last + l->span - 1;
    b = b < l->blocks ? b : l->blocks - 1;
    while (a < b && level_db(l->powers[a]) < threshold) {
        a++;
    }
    while (b > a && level_db(l->powers[b]) < threshold) {
        b--;
    }
    return (mewl_burst){(double)a * l->hop_s, (double)(b + 1) * l->hop_s};
}

static bool push(mewl_burst **list, size_t *count, mewl_burst burst)
{
    if ((*count & (*count - 1)) == 0) { /* full at every power of two */
        size_t capacity = *count == 0 ? 1 : *count * 2;
        mewl_burst *more = realloc(*list, capacity * sizeof *more);
        if (more == NULL) {
            return false;
        }
        *list = more;
    }
    (*list)[(*count)++] = burst;
    return true;
}

static bool find_bursts(mewl_segments *out, const levels *l, double end_s, mewl_segment_opts opts)
{
    mewl_burst open = {-1, -1};
    for (size_t i = 0; i <= l->blocks; i++) {
        if (i < l->blocks && l->frames[i] >= out->threshold_dbfs) {
            size_t last = i;
            while (last + 1 < l->blocks && l->frames[last + 1] >= out->threshold_dbfs) {
                last++;
            }
            mewl_burst found = refine(l, i, last, out->threshold_dbfs);
            found.offset_s = found.offset_s < end_s ? found.offset_s : end_s;
            i = last;
            if (open.onset_s >= 0 && found.onset_s - open.offset_s < GAP_MIN_S) {
                open.offset_s = found.offset_s > open.offset_s ? found.offset_s : open.offset_s;
                continue;
            }
            if (open.onset_s >= 0 && open.offset_s - open.onset_s >= opts.min_burst_s &&
                !push(&out->bursts, &out->burst_count, open)) {
                return false;
            }
            open = found;
        }
    }
    return open.onset_s < 0 || open.offset_s - open.onset_s < opts.min_burst_s ||
           push(&out->bursts, &out->burst_count, open);
}

bool mewl_segments_merge(mewl_segments *out, mewl_segment_opts opts)
{
    free(out->events);
    out->events = NULL;
    out->event_count = 0;
    for (size_t i = 0; i < out->burst_count;) {
        mewl_burst event = out->bursts[i];
        for (i++; i < out->burst_count && out->bursts[i].onset_s - event.offset_s < opts.max_pause_s; i++) {
            event.offset_s = out->bursts[i].offset_s;
        }
        if (event.offset_s - event.onset_s >= opts.min_event_s && !push(&out->events, &out->event_count, event)) {
            return false;
        }
    }
    return true;
}

static void measure_snr(mewl_segments *out, const levels *l)
{
    double inside = 0, outside = 0;
    size_t inside_count = 0, outside_count = 0, burst = 0;
    for (size_t b = 0; b < l->blocks; b++) {
        double t = ((double)b + 0.5) * l->hop_s;
        while (burst < out->burst_count && t > out->bursts[burst].offset_s + GUARD_S) {
            burst++;
        }
        if (burst < out->burst_count && t >= out->bursts[burst].onset_s && t < out->bursts[burst].offset_s) {
            inside += l->powers[b];
            inside_count++;
        } else if (burst == out->burst_count || t < out->bursts[burst].onset_s - GUARD_S) {
            outside += l->powers[b];
            outside_count++;
        }
    }
    out->active_s = (double)inside_count * l->hop_s;
    out->floor_in_gaps = inside_count > 0 && (double)outside_count * l->hop_s >= OUTSIDE_MIN_S;
    if (inside_count == 0) {
        out->snr_db = 0;
    } else if (out->floor_in_gaps) {
        out->snr_db = level_db(inside / (double)inside_count) - level_db(outside / (double)outside_count);
    } else {
        out->snr_db = out->loud_dbfs - out->floor_dbfs;
    }
}

/* Fills the powers of blocks and the levels of frames. */
static void take_levels(levels *l, const float *samples, size_t count, double rate_hz, mewl_segment_opts opts)
{
    block_powers(l->powers, l->blocks, samples, count, rate_hz, rate_hz * opts.hop_s, opts.highpass_hz);
    for (size_t i = 0; i < l->blocks; i++) {
        double sum = 0;
        size_t n = 0;
        for (size_t k = i; k < i + l->span && k < l->blocks; k++, n++) {
            sum += l->powers[k];
        }
        l->frames[i] = level_db(sum / (double)n);
    }
}

static mewl_status work(mewl_segments *out, levels *l, const float *samples, size_t count, double rate_hz,
                        mewl_segment_opts opts, mewl_error *err)
{
    take_levels(l, samples, count, rate_hz, opts);
    memcpy(l->sorted, l->frames, l->blocks * sizeof *l->sorted);
    qsort(l->sorted, l->blocks, sizeof *l->sorted, compare_doubles);
    out->floor_dbfs = l->sorted[(size_t)(0.10 * (double)(l->blocks - 1))];
    out->loud_dbfs = l->sorted[(size_t)(0.95 * (double)(l->blocks - 1))];
    double threshold = out->floor_dbfs + opts.threshold * (out->loud_dbfs - out->floor_dbfs);
    threshold = fmax(threshold, out->floor_dbfs + opts.min_above_db);
    out->threshold_dbfs = fmax(threshold, out->loud_dbfs - opts.max_below_db);
    if (out->loud_dbfs - out->floor_dbfs >= opts.min_above_db + 2) {
        if (!find_bursts(out, l, (double)count / rate_hz, opts) || !mewl_segments_merge(out, opts)) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for bursts");
        }
    }
    measure_snr(out, l);
    return MEWL_OK;
}

static mewl_status check(size_t count, double rate_hz, mewl_segment_opts opts, mewl_error *err)
{
    if (!(rate_hz >= 4000 && rate_hz <= 192000)) {
        return mewl_error_set(err, MEWL_E_ARG, "rate %g Hz is not in 4000 to 192000", rate_hz);
    }
    if (!(opts.hop_s >= 0.001 && opts.hop_s <= opts.frame_s && opts.frame_s <= 1 && opts.highpass_hz > 0 &&
          opts.highpass_hz < rate_hz * 0.45 && opts.threshold >= 0 && opts.threshold <= 1 && opts.min_above_db >= 0 &&
          opts.max_below_db > 0 && opts.min_burst_s >= 0 && opts.max_pause_s >= 0 && opts.min_event_s >= 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "segmentation options out of range");
    }
    if ((double)count / rate_hz > SECONDS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "clip longer than an hour");
    }
    return MEWL_OK;
}

/* Memory for the levels of a clip; blocks 0 when it is too short for any. */
static mewl_status init_levels(levels *l, size_t count, double rate_hz, mewl_segment_opts opts, mewl_error *err)
{
    *l = (levels){.hop_s = opts.hop_s, .span = (size_t)lround(opts.frame_s / opts.hop_s)};
    size_t blocks = (size_t)((double)count / (rate_hz * opts.hop_s));
    if (blocks <= l->span) {
        return MEWL_OK;
    }
    l->powers = calloc(3 * blocks, sizeof *l->powers);
    if (l->powers == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for levels");
    }
    l->blocks = blocks;
    l->frames = l->powers + blocks;
    l->sorted = l->frames + blocks;
    return MEWL_OK;
}

mewl_status mewl_segment_levels(float **levels_dbfs, size_t *level_count, const float *samples, size_t count,
                                double rate_hz, mewl_segment_opts opts, mewl_error *err)
{
    *levels_dbfs = NULL;
    *level_count = 0;
    MEWL_TRY(check(count, rate_hz, opts, err));
    levels l;
    MEWL_TRY(init_levels(&l, count, rate_hz, opts, err));
    if (l.blocks == 0) {
        return MEWL_OK;
    }
    float *out = malloc(l.blocks * sizeof *out);
    if (out != NULL) {
        take_levels(&l, samples, count, rate_hz, opts);
        for (size_t i = 0; i < l.blocks; i++) {
            out[i] = (float)l.frames[i];
        }
        *levels_dbfs = out;
        *level_count = l.blocks;
    }
    free(l.powers);
    return out != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for levels");
}

mewl_status mewl_segment_clip(mewl_segments *out, const float *samples, size_t count, double rate_hz,
                              mewl_segment_opts opts, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(check(count, rate_hz, opts, err));
    out->floor_dbfs = out->loud_dbfs = out->threshold_dbfs = LEVEL_FLOOR_DB;
    levels l;
    MEWL_TRY(init_levels(&l, count, rate_hz, opts, err));
    if (l.blocks == 0) {
        return MEWL_OK;
    }
    mewl_status status = work(out, &l, samples, count, rate_hz, opts, err);
    free(l.powers);
    if (status != MEWL_OK) {
        mewl_segments_fini(out);
    }
    return status;
}
