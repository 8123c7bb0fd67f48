/* mixture.c - see mixture.h. Order of drawing is part of the format: what is drawn when decides what a seed means. */
#include "data/mixture.h"

#include "audio/augment.h"
#include "audio/codec.h"
#include "data/cut.h"
#include "data/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE ((double)MEWL_MIX_RATE_HZ)
#define FRAME_SAMPLES ((size_t)1280)
#define HOP_SAMPLES ((size_t)160)
#define PAUSE_FILLED_S 0.24 /* shorter pauses belong to the cry; longer ones inside an event are left open */
#define FAINT_DB (-15.0)    /* parts of a cry this far below the background are not asked for */
#define EDGE_OPEN_S 0.25    /* after a cry in a room: it may still ring */
#define CODEC_TRIES 6
#define CLIP_SHARE 0.03 /* of examples: overdriven */

struct mewl_mixer {
    mewl__workspace work;
    const mewl_recipe *recipe;
    double *before; /* power per frame before cries are added */
    float *cry;     /* the cries alone, to compare with it */
    size_t frames;
};

size_t mewl_mix_frames(size_t count)
{
    return (1 + count / HOP_SAMPLES) / 2 / 2 / 2;
}

mewl_status mewl_example_init(mewl_example *example, size_t count, mewl_error *err)
{
    memset(example, 0, sizeof *example);
    size_t frames = mewl_mix_frames(count);
    if (frames == 0 || count > (size_t)3600 * MEWL_MIX_RATE_HZ) {
        return mewl_error_set(err, MEWL_E_SHAPE, "an example of %zu samples", count);
    }
    example->samples = calloc(count, sizeof(float));
    example->frame_targets = calloc(2 * frames, sizeof(float));
    if (example->samples == NULL || example->frame_targets == NULL) {
        mewl_example_fini(example);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for an example");
    }
    example->frame_weights = example->frame_targets + frames;
    example->count = count;
    example->frames = frames;
    return MEWL_OK;
}

void mewl_example_fini(mewl_example *example)
{
    if (example != NULL) {
        free(example->samples);
        free(example->frame_targets);
        memset(example, 0, sizeof *example);
    }
}

static mewl_status mixer_sized(mewl_mixer **out, const mewl_corpus *corpus, const mewl_recipe *recipe, mewl_side side,
                               size_t count, mewl_error *err)
{
    *out = NULL;
    mewl_mixer *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a mixer");
    }
    m->recipe = recipe;
    m->frames = count / FRAME_SAMPLES + 1;
    m->before = calloc(m->frames, sizeof *m->before);
    m->cry = calloc(count + 1, sizeof *m->cry);
    mewl_status status = m->before == NULL || m->cry == NULL
                             ? mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a mixer")
                             : mewl__workspace_init(&m->work, corpus, recipe, side, count, err);
    if (status != MEWL_OK) {
        mewl_mixer_free(m);
        return status;
    }
    *out = m;
    return MEWL_OK;
}

mewl_status mewl_mixer_new(mewl_mixer **out, const mewl_corpus *corpus, const mewl_recipe *recipe, mewl_side side,
                           mewl_error *err)
{
    return mixer_sized(out, corpus, recipe, side, (size_t)llround(recipe->mixture_seconds * RATE), err);
}

void mewl_mixer_free(mewl_mixer *m)
{
    if (m != NULL) {
        mewl__workspace_fini(&m->work);
        free(m->before);
        free(m->cry);
        free(m);
    }
}

size_t mewl_mixer_count(const mewl_mixer *m)
{
    return m->work.count;
}

/* ---- targets ---- */

/* Raises targets to the share of each frame that [from_s, to_s) covers. */
static void mark(mewl_example *e, double from_s, double to_s)
{
    double frame_s = MEWL_MIX_FRAME_S;
    size_t first = (size_t)fmax(0, from_s / frame_s);
    for (size_t k = first; k < e->frames && (double)k * frame_s < to_s; k++) {
        double share = (fmin(to_s, (double)(k + 1) * frame_s) - fmax(from_s, (double)k * frame_s)) / frame_s;
        e->frame_targets[k] = fminf(1, e->frame_targets[k] + (float)fmax(0, share));
    }
}

/* Leaves frames inside [from_s, to_s) open: no weight, unless something was marked there. */
static void leave_open(mewl_example *e, double from_s, double to_s)
{
    for (size_t k = (size_t)fmax(0, ceil(from_s / MEWL_MIX_FRAME_S - 0.5));
         k < e->frames && ((double)k + 0.5) * MEWL_MIX_FRAME_S < to_s; k++) {
        if (e->frame_targets[k] == 0) {
            e->frame_weights[k] = 0;
        }
    }
}

/* Targets of a cry at `at_s`: its sounding parts, short pauses filled, long pauses and ringing left open. */
static void mark_cry(mewl_example *e, const mewl__cut *cut, double at_s)
{
    for (size_t i = 0; i < cut->burst_count; i++) {
        double to = cut->bursts[i].offset_s;
        if (i + 1 < cut->burst_count && cut->bursts[i + 1].onset_s - to < PAUSE_FILLED_S) {
            to = cut->bursts[i + 1].onset_s;
        }
        mark(e, at_s + cut->bursts[i].onset_s, at_s + to);
    }
    leave_open(e, at_s + cut->onset_s, at_s + cut->offset_s);
    if (cut->echo_s > 0) {
        leave_open(e, at_s + cut->offset_s, at_s + cut->offset_s + fmin(EDGE_OPEN_S, cut->echo_s));
    }
}

static double frame_power(const float *samples, size_t count, size_t frame)
{
    double sum = 1e-12;
    for (size_t i = frame * FRAME_SAMPLES; i < (frame + 1) * FRAME_SAMPLES && i < count; i++) {
        sum += (double)samples[i] * (double)samples[i];
    }
    return sum;
}

/* ---- events ---- */

static void note_event(mewl_example *e, const mewl__cut *cut, double at_s, double snr_db)
{
    double length = (double)e->count / RATE;
    double onset = fmax(0, at_s + cut->onset_s), offset = fmin(length, at_s + cut->offset_s);
    if (e->event_count == MEWL_MIX_EVENTS_MAX || offset - onset < 0.02) {
        return;
    }
    size_t at = e->event_count++;
    for (; at > 0 && e->events[at - 1].onset_s > onset; at--) {
        e->events[at] = e->events[at - 1];
    }
    mewl_mix_event *event = &e->events[at];
    *event = (mewl_mix_event){onset, offset, snr_db, cut->bandwidth_hz, cut->cry, "", ""};
    snprintf(event->label, sizeof event->label, "%s", cut->label);
    snprintf(event->source, sizeof event->source, "%s", cut->source);
    if (cut->cry) {
        e->clip_target = 1;
        e->snr_db = isnan(e->snr_db) ? snr_db : fmin(e->snr_db, snr_db);
    }
}

/* The factor that puts the cut's sounding part snr_db over the background under it. The background there is not taken
 * for less than 20 dB below its mean over the example: a gap in it is not what the event competes with. */
static double gain_for(const mewl_mixer *m, const mewl_example *e, const mewl__cut *cut, double at_s, double snr_db,
                       double mean_power)
{
    double power = mewl_augment_active_power(cut->samples, cut->count, RATE), under = 0;
    double from = fmax(0, at_s + cut->onset_s) * RATE, to = fmin((double)e->count, (at_s + cut->offset_s) * RATE);
    size_t n = 0;
    for (size_t k = (size_t)from / FRAME_SAMPLES; k < m->frames && (double)(k * FRAME_SAMPLES) < to; k++, n++) {
        under += m->before[k] / (double)FRAME_SAMPLES;
    }
    under = n > 0 ? under / (double)n : mean_power;
    under = fmax(under, mean_power * 0.01);
    return power > 0 ? sqrt(under / power * pow(10, snr_db / 10)) : 0;
}

/* Adds w->cut at `at_s` (may begin before 0 or end after the end). */
static void add(float *out, size_t count, const mewl__cut *cut, double at_s, double gain)
{
    long at = lround(at_s * RATE);
    size_t skip = at < 0 ? (size_t)-at : 0;
    if (skip < cut->count && (at < 0 || (size_t)at < count)) {
        mewl_augment_add(out, count, cut->samples + skip, cut->count - skip, at < 0 ? 0 : (size_t)at, gain);
    }
}

static void measure_before(mewl_mixer *m, const mewl_example *e, double *mean_power)
{
    double sum = 0;
    for (size_t k = 0; k < m->frames; k++) {
        m->before[k] = frame_power(e->samples, e->count, k);
        sum += m->before[k];
    }
    *mean_power = sum / (double)e->count;
}

static bool overlaps(const mewl_example *e, double onset_s, double offset_s, double gap_s)
{
    for (size_t i = 0; i < e->event_count; i++) {
        if (onset_s < e->events[i].offset_s + gap_s && offset_s + gap_s > e->events[i].onset_s) {
            return true;
        }
    }
    return false;
}

/* A place for the cut: anywhere, three in ten over an edge; other events are avoided unless chance says otherwise. */
static double draw_place(const mewl_example *e, const mewl__cut *cut, mewl_rng *rng)
{
    double length = (double)e->count / RATE, body = cut->offset_s - cut->onset_s, at = 0;
    bool over_edge = mewl_rng_unit(rng) < 0.3 || body > length, crowded = mewl_rng_unit(rng) < 0.25;
    for (int tries = 0; tries < 8; tries++) {
        double onset = over_edge ? mewl_rng_range(rng, -0.6 * body, length - fmin(0.4 * body, 0.3))
                                 : mewl_rng_range(rng, 0, length - body);
        at = onset - cut->onset_s;
        if (crowded || !overlaps(e, onset, onset + body, 0.1)) {
            break;
        }
    }
    return at;
}

/* ---- the whole example ---- */

/* What happens to a whole example, drawn before what is in it, so that both classes get the same. */
typedef struct whole {
    double lowpass_hz; /* 0: none */
    double level_dbfs;
    bool codec, clip;
    mewl_codec which;
    double bit_rate;
} whole;

static whole draw_whole(const mewl_recipe *r, mewl_rng *rng)
{
    whole w = {0};
    bool limited = mewl_rng_unit(rng) < r->mixture_lowpass_probability;
    double band = mewl__draw_band(r, rng);
    band = fmin(fmax(band, r->mixture_lowpass_hz.low), r->mixture_lowpass_hz.high);
    w.lowpass_hz = limited && band < RATE / 2 - 1 ? band : 0;
    w.level_dbfs = mewl_rng_range(rng, r->mixture_level_dbfs.low, r->mixture_level_dbfs.high);
    w.codec = mewl_rng_unit(rng) < r->mixture_codec_probability;
    w.clip = mewl_rng_unit(rng) < CLIP_SHARE;
    for (int tries = 0; tries < CODEC_TRIES; tries++) {
        w.which = (mewl_codec)mewl_rng_below(rng, MEWL_CODEC_COUNT);
        if (mewl_codec_available(w.which)) {
            break;
        }
    }
    w.codec = w.codec && mewl_codec_available(w.which);
    return w;
}

static mewl_status apply_whole(mewl_example *e, const whole *w, mewl_error *err)
{
    double power = 0, peak = 0;
    if (w->lowpass_hz > 0) {
        MEWL_TRY(mewl_augment_lowpass(e->samples, e->count, RATE, w->lowpass_hz, err));
    }
    for (size_t i = 0; i < e->count; i++) {
        power += (double)e->samples[i] * (double)e->samples[i];
        peak = fmax(peak, fabs((double)e->samples[i]));
    }
    double gain = power > 0 ? pow(10, w->level_dbfs / 20) / sqrt(power / (double)e->count) : 1;
    if (w->clip) {
        gain = fmax(gain, 2.5 / fmax(peak, 1e-9));
    } else {
        gain = fmin(gain, 0.99 / fmax(peak, 1e-9));
    }
    mewl_augment_gain(e->samples, e->count, gain);
    mewl_augment_clip(e->samples, e->count, 1);
    if (w->codec) {
        MEWL_TRY(mewl_codec_round_trip(e->samples, e->samples, e->count, RATE, w->which, 0, err));
    }
    return MEWL_OK;
}

/* A cry clip as it was recorded, repeated to the example's length: its own room, phone and noise. */
static mewl_status make_natural(mewl_mixer *m, mewl_example *e, const mewl_sound *sound, mewl_rng *rng)
{
    size_t from = mewl_rng_below(rng, sound->count), cross = (size_t)(0.1 * RATE);
    size_t period = mewl__tile(sound, e->samples, e->count, from);
    double threshold = pow(10, (sound->threshold_dbfs - 8) / 10);
    snprintf(e->background, sizeof e->background, "%s", mewl__base_name(sound->row->path));
    mewl__cut *cut = &m->work.cut;
    cut->label = sound->row->label;
    cut->source = e->background;
    cut->cry = true;
    cut->bandwidth_hz = sound->bandwidth_hz;
    cut->echo_s = 0;
    for (double start = -(double)(from % period) / RATE; start < (double)e->count / RATE;
         start += (double)period / RATE) {
        for (size_t k = 0; k < sound->event_count; k++) {
            cut->onset_s = sound->events[k].onset_s;
            cut->offset_s = fmin(sound->events[k].offset_s, (double)period / RATE);
            if (cut->offset_s - cut->onset_s < 0.1) {
                continue;
            }
            cut->burst_count = 0;
            for (size_t b = 0; b < sound->burst_count && cut->burst_count < MEWL__CUT_BURSTS; b++) {
                if (sound->bursts[b].onset_s >= cut->onset_s && sound->bursts[b].onset_s < cut->offset_s) {
                    cut->bursts[cut->burst_count++] =
                        (mewl_burst){sound->bursts[b].onset_s, fmin(sound->bursts[b].offset_s, cut->offset_s)};
                }
            }
            mark_cry(e, cut, start);
            note_event(e, cut, start, sound->snr_db);
        }
        /* Where the clip meets itself, and where a cry may be too faint for segmentation, nothing is asked. */
        double seam = start + (double)period / RATE;
        leave_open(e, seam - (double)cross / RATE, seam + 2 * (double)cross / RATE);
    }
    for (size_t k = 0; k < e->frames; k++) {
        if (e->frame_targets[k] == 0 && frame_power(e->samples, e->count, k) / (double)FRAME_SAMPLES > threshold) {
            e->frame_weights[k] = 0;
        }
    }
    return MEWL_OK;
}

static void begin(mewl_example *e)
{
    memset(e->samples, 0, e->count * sizeof *e->samples);
    memset(e->frame_targets, 0, e->frames * sizeof *e->frame_targets);
    for (size_t k = 0; k < e->frames; k++) {
        e->frame_weights[k] = 1;
    }
    e->clip_target = 0;
    e->event_count = 0;
    e->snr_db = NAN;
    e->background[0] = '\0';
}

/* Cries go into a buffer of their own first, to be compared with what they compete with. */
static mewl_status add_cries(mewl_mixer *m, mewl_example *e, mewl_rng *rng, size_t cries, double mean_power,
                             mewl_error *err)
{
    const mewl_recipe *r = m->recipe;
    mewl__variation how = {
        .max_seconds = fmin(6, 0.8 * (double)e->count / RATE), .pitch = true, .room = true, .synthetic = true};
    memset(m->cry, 0, e->count * sizeof *m->cry);
    for (size_t i = 0; i < cries; i++) {
        double snr = mewl_rng_range(rng, r->mixture_snr_db.low, r->mixture_snr_db.high);
        MEWL_TRY(mewl__cut_cry(&m->work, rng, how, err));
        double at = draw_place(e, &m->work.cut, rng);
        add(m->cry, e->count, &m->work.cut, at, gain_for(m, e, &m->work.cut, at, snr, mean_power));
        mark_cry(e, &m->work.cut, at);
        note_event(e, &m->work.cut, at, snr);
    }
    for (size_t k = 0; k < e->frames; k++) {
        double own = frame_power(m->cry, e->count, k), other = frame_power(e->samples, e->count, k);
        if (e->frame_targets[k] > 0 && 10 * log10(own / other) < FAINT_DB) {
            e->frame_weights[k] = 0;
        }
    }
    for (size_t i = 0; i < e->count; i++) {
        e->samples[i] += m->cry[i];
    }
    return MEWL_OK;
}

static mewl_status add_negatives(mewl_mixer *m, mewl_example *e, mewl_rng *rng, size_t negatives, double mean_power,
                                 mewl_error *err)
{
    const mewl_recipe *r = m->recipe;
    mewl__variation how = {
        .max_seconds = fmin(6, 0.8 * (double)e->count / RATE), .pitch = true, .room = true, .synthetic = true};
    for (size_t i = 0; i < negatives; i++) {
        double snr = mewl_rng_range(rng, r->mixture_negative_snr_db.low, r->mixture_negative_snr_db.high);
        MEWL_TRY(mewl__cut_negative(&m->work, rng, how, err));
        double at = draw_place(e, &m->work.cut, rng);
        add(e->samples, e->count, &m->work.cut, at, gain_for(m, e, &m->work.cut, at, snr, mean_power));
        note_event(e, &m->work.cut, at, snr);
    }
    return MEWL_OK;
}

mewl_status mewl_mixer_make(mewl_mixer *m, mewl_example *e, uint64_t seed, uint64_t epoch, uint64_t index,
                            mewl_error *err)
{
    const mewl_recipe *r = m->recipe;
    if (e->count != m->work.count) {
        return mewl_error_set(err, MEWL_E_SHAPE, "an example of %zu samples for a mixer of %zu", e->count,
                              m->work.count);
    }
    mewl_rng rng = mewl_rng_stream(seed ^ (epoch * 0x9e3779b97f4a7c15u), index);
    begin(e);
    whole all = draw_whole(r, &rng);
    bool with_cry = mewl_rng_unit(&rng) < r->mixture_cry_probability;
    bool with_negative = mewl_rng_unit(&rng) < r->mixture_negative_probability;
    size_t cries = 1 + mewl_rng_below(&rng, (uint64_t)r->mixture_max_cries);
    size_t negatives = 1 + mewl_rng_below(&rng, (uint64_t)r->mixture_max_negatives);
    bool natural = mewl_rng_unit(&rng) < r->mixture_natural_probability;
    if (with_cry && natural) {
        /* Only a clip at least as wide as the whole example's own limit, so that width tells nothing. */
        const mewl_sound *sound = mewl_corpus_draw(m->work.corpus, MEWL_ROLE_CRY, m->work.side,
                                                   all.lowpass_hz > 0 ? all.lowpass_hz : RATE / 2, &rng);
        if (sound != NULL && sound->count > (size_t)RATE) {
            MEWL_TRY(make_natural(m, e, sound, &rng));
            return apply_whole(e, &all, err);
        }
    }
    double mean_power;
    MEWL_TRY(mewl__background(&m->work, e->samples, e->background, &rng, true, err));
    measure_before(m, e, &mean_power);
    if (with_negative) {
        MEWL_TRY(add_negatives(m, e, &rng, negatives, mean_power, err));
    }
    if (with_cry) {
        MEWL_TRY(add_cries(m, e, &rng, cries, mean_power, err));
    }
    return apply_whole(e, &all, err);
}

/* ---- test mixtures ---- */

mewl_mix_test mewl_mix_test_default(void)
{
    return (mewl_mix_test){.seconds = 60,
                           .snr_db = 10,
                           .cries_per_minute = 4,
                           .negatives_per_minute = 4,
                           .gap_s = 2,
                           .voiced_s = 0.3,
                           .rooms = true};
}

mewl_status mewl_mixer_new_test(mewl_mixer **out, const mewl_corpus *corpus, const mewl_recipe *recipe, mewl_side side,
                                double seconds, mewl_error *err)
{
    if (!(seconds >= 1 && seconds <= 3600)) {
        return mewl_error_set(err, MEWL_E_ARG, "test mixtures of %g s: 1 to 3600 are possible", seconds);
    }
    return mixer_sized(out, corpus, recipe, side, (size_t)llround(seconds * RATE), err);
}

/* Deals the spare time between events at random: the gaps are the lengths between sorted random points. */
static void draw_gaps(double *gaps, size_t count, double spare, mewl_rng *rng)
{
    double sum = 0;
    for (size_t i = 0; i <= count; i++) {
        gaps[i] = -log(1 - mewl_rng_unit(rng));
        sum += gaps[i];
    }
    for (size_t i = 0; i <= count; i++) {
        gaps[i] *= spare / sum;
    }
}

mewl_status mewl_mixer_test(mewl_mixer *m, mewl_example *e, mewl_mix_test test, uint64_t seed, uint64_t index,
                            mewl_error *err)
{
    if (e->count != m->work.count || !(test.gap_s >= 0 && test.snr_db >= -60 && test.snr_db <= 100 &&
                                       test.cries_per_minute >= 0 && test.negatives_per_minute >= 0)) {
        return mewl_error_set(err, MEWL_E_SHAPE,
                              "test mixture of %zu samples for a mixer of %zu, or figures out of range", e->count,
                              m->work.count);
    }
    begin(e);
    mewl_rng rng = mewl_rng_stream(seed ^ 0x7e57u, index);
    double seconds = (double)e->count / RATE, mean_power, gaps[MEWL_MIX_EVENTS_MAX + 1];
    size_t cries = (size_t)lround(test.cries_per_minute * seconds / 60);
    size_t negatives = (size_t)lround(test.negatives_per_minute * seconds / 60), total = cries + negatives;
    whole all = {.level_dbfs = mewl_rng_range(&rng, -45, -20)};
    MEWL_TRY(mewl__background(&m->work, e->samples, e->background, &rng, test.synthetic, err));
    measure_before(m, e, &mean_power);
    if (total > MEWL_MIX_EVENTS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu events: at most %d fit", total, MEWL_MIX_EVENTS_MAX);
    }
    mewl__variation how = {.max_seconds = 6,
                           .whole_bursts = true,
                           .voiced_s = test.voiced_s,
                           .room = test.rooms,
                           .synthetic = test.synthetic};
    if (total > 0) {
        /* Even if every event were the longest, they would fit. */
        double most = (seconds - (double)(total + 1) * test.gap_s) / (double)total;
        if (most < 0.5) {
            return mewl_error_set(err, MEWL_E_ARG, "%zu events with gaps of %g s do not fit into %g s", total,
                                  test.gap_s, seconds);
        }
        how.max_seconds = fmin(how.max_seconds, most);
    }
    /* Every event has a generator of its own: cut once to learn its length, and again to be placed. */
    mewl_rng own[MEWL_MIX_EVENTS_MAX];
    bool cry[MEWL_MIX_EVENTS_MAX];
    double spare = seconds - (double)(total > 0 ? total - 1 : 0) * test.gap_s;
    for (size_t i = 0; i < total; i++) {
        cry[i] = mewl_rng_below(&rng, total - i) < cries;
        cries -= cry[i];
        own[i] = mewl_rng_seeded(mewl_rng_u64(&rng));
        mewl_rng copy = own[i];
        MEWL_TRY(cry[i] ? mewl__cut_cry(&m->work, &copy, how, err) : mewl__cut_negative(&m->work, &copy, how, err));
        spare -= m->work.cut.offset_s - m->work.cut.onset_s;
    }
    draw_gaps(gaps, total, fmax(0, spare), &rng);
    double at = 0;
    for (size_t i = 0; i < total; i++) {
        at += gaps[i] + (i > 0 ? test.gap_s : 0);
        MEWL_TRY(cry[i] ? mewl__cut_cry(&m->work, &own[i], how, err) : mewl__cut_negative(&m->work, &own[i], how, err));
        double start = at - m->work.cut.onset_s;
        add(e->samples, e->count, &m->work.cut, start, gain_for(m, e, &m->work.cut, start, test.snr_db, mean_power));
        if (cry[i]) {
            mark_cry(e, &m->work.cut, start);
        }
        note_event(e, &m->work.cut, start, test.snr_db);
        at += m->work.cut.offset_s - m->work.cut.onset_s;
    }
    for (size_t k = 0; k < e->frames; k++) {
        e->frame_weights[k] = 1;
    }
    return apply_whole(e, &all, err);
}
