/* cut.c - see cut.h. Everything random is drawn from the generator passed in, in a fixed order. */
#include "data/cut.h"

#include "audio/augment.h"
#include "data/sounds.h"
#include "data/text.h"
#include "data/voiced.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE ((double)MEWL_MIX_RATE_HZ)
#define LEAD_S 0.02  /* kept before an event, faded in */
#define TAIL_S 0.08  /* kept after it, faded out */
#define CROSS_S 0.10 /* where a repeated background meets itself */
#define NARROW_LOW_HZ 3400.0
#define NARROW_HIGH_HZ 4000.0
#define ECHO_S 0.40    /* of a room, kept after an event */
#define VARY_SHARE 0.5 /* of events: pitch changed; likewise speed */
#define VOICE_TRIES 24 /* cries drawn until one has a voice in it */

mewl_status mewl__workspace_init(mewl__workspace *w, const mewl_corpus *corpus, const mewl_recipe *recipe,
                                 mewl_side side, size_t count, mewl_error *err)
{
    memset(w, 0, sizeof *w);
    w->corpus = corpus;
    w->recipe = recipe;
    w->side = side;
    w->count = count;
    w->cut.samples = malloc(MEWL__CUT_SAMPLES * sizeof(float));
    w->voice = malloc(MEWL__CUT_SAMPLES * sizeof(float));
    w->scratch = malloc(MEWL__CUT_SAMPLES * sizeof(float));
    w->layer = malloc((count + 1) * sizeof(float));
    if (w->cut.samples == NULL || w->voice == NULL || w->scratch == NULL || w->layer == NULL) {
        mewl__workspace_fini(w);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a mixer");
    }
    return MEWL_OK;
}

void mewl__workspace_fini(mewl__workspace *w)
{
    free(w->cut.samples);
    free(w->voice);
    free(w->scratch);
    free(w->layer);
    memset(w, 0, sizeof *w);
}

double mewl__draw_band(const mewl_recipe *recipe, mewl_rng *rng)
{
    bool narrow = mewl_rng_unit(rng) < recipe->mixture_narrow_probability;
    return narrow ? mewl_rng_range(rng, NARROW_LOW_HZ, NARROW_HIGH_HZ) : mewl_rng_range(rng, NARROW_HIGH_HZ, RATE / 2);
}

static bool chance(mewl_rng *rng, double share)
{
    return mewl_rng_unit(rng) < share;
}

/* Copies [from_s, to_s) of a sound into w->cut, with lead and tail. */
static void take(mewl__workspace *w, const mewl_sound *sound, double from_s, double to_s)
{
    mewl__cut *cut = &w->cut;
    double start = fmax(0, from_s - LEAD_S), end = fmin((double)sound->count / RATE, to_s + TAIL_S);
    end = fmin(end, start + MEWL__CUT_SECONDS + LEAD_S + TAIL_S);
    cut->count = (size_t)((end - start) * RATE);
    mewl_sound_copy(sound, cut->samples, (size_t)(start * RATE), cut->count);
    cut->onset_s = from_s - start;
    cut->offset_s = fmin(to_s, end) - start;
    cut->label = sound->row->label;
    cut->source = mewl__base_name(sound->row->path);
    cut->burst_count = 0;
    for (size_t i = 0; i < sound->burst_count && cut->burst_count < MEWL__CUT_BURSTS; i++) {
        mewl_burst b = sound->bursts[i];
        if (b.offset_s > from_s && b.onset_s < to_s) {
            cut->bursts[cut->burst_count++] =
                (mewl_burst){fmax(b.onset_s, from_s) - start, fmin(b.offset_s, to_s) - start};
        }
    }
    if (cut->burst_count == 0) {
        cut->bursts[cut->burst_count++] = (mewl_burst){cut->onset_s, cut->offset_s};
    }
}

/* Draws one of a sound's events, cut to max_seconds: anywhere, or between bursts. */
static void take_event(mewl__workspace *w, const mewl_sound *sound, mewl_rng *rng, mewl__variation how)
{
    mewl_burst event = sound->events[mewl_rng_below(rng, sound->event_count)];
    if (event.offset_s - event.onset_s > how.max_seconds) {
        if (how.whole_bursts) {
            /* From a random burst on, as many as fit; one that is too long by itself is cut at its end. */
            size_t first = 0, last;
            while (first < sound->burst_count && sound->bursts[first].onset_s < event.onset_s) {
                first++;
            }
            for (last = first; last < sound->burst_count && sound->bursts[last].offset_s <= event.offset_s + 1e-9;
                 last++) {
            }
            size_t at = first + mewl_rng_below(rng, last - first);
            double limit = sound->bursts[at].onset_s + how.max_seconds, end = fmin(sound->bursts[at].offset_s, limit);
            event.onset_s = sound->bursts[at].onset_s;
            for (size_t k = at; k < last && sound->bursts[k].offset_s <= limit; k++) {
                end = sound->bursts[k].offset_s;
            }
            event.offset_s = end;
        } else {
            event.onset_s += mewl_rng_unit(rng) * (event.offset_s - event.onset_s - how.max_seconds);
            event.offset_s = event.onset_s + how.max_seconds;
        }
    }
    take(w, sound, event.onset_s, event.offset_s);
}

/* Draws a stretch of a sound without events of its own. */
static void take_stretch(mewl__workspace *w, const mewl_sound *sound, mewl_rng *rng, mewl__variation how)
{
    double length = (double)sound->count / RATE, want = fmin(mewl_rng_range(rng, 0.5, 4), how.max_seconds);
    double n = fmin(length, want), from = mewl_rng_unit(rng) * (length - n);
    take(w, sound, from, from + n);
    w->cut.bursts[0] = (mewl_burst){w->cut.onset_s, w->cut.offset_s};
    w->cut.burst_count = 1;
}

static void scale_times(mewl__cut *cut, double factor)
{
    cut->onset_s /= factor;
    cut->offset_s /= factor;
    for (size_t i = 0; i < cut->burst_count; i++) {
        cut->bursts[i].onset_s /= factor;
        cut->bursts[i].offset_s /= factor;
    }
}

static void fade(mewl__cut *cut)
{
    size_t in = (size_t)(fmax(0.004, fmin(cut->onset_s, LEAD_S)) * RATE), out = (size_t)(TAIL_S * RATE);
    in = in < cut->count ? in : cut->count;
    out = out < cut->count / 4 ? out : cut->count / 4;
    for (size_t i = 0; i < in; i++) {
        cut->samples[i] *= (float)i / (float)in;
    }
    for (size_t i = 0; i < out; i++) {
        cut->samples[cut->count - 1 - i] *= (float)i / (float)out;
    }
}

/* The chain that every event passes, cry or not: speed, pitch, fades, band-limit, room. */
static mewl_status vary(mewl__workspace *w, double band_hz, mewl_rng *rng, mewl__variation how, mewl_error *err)
{
    mewl__cut *cut = &w->cut;
    const mewl_recipe *r = w->recipe;
    bool faster = chance(rng, VARY_SHARE), higher = chance(rng, VARY_SHARE);
    double factor = mewl_rng_range(rng, r->mixture_speed.low, r->mixture_speed.high);
    double semitones = mewl_rng_range(rng, r->mixture_pitch_semitones.low, r->mixture_pitch_semitones.high);
    if (how.pitch && faster && fabs(factor - 1) > 0.005) {
        float *out;
        size_t count;
        MEWL_TRY(mewl_augment_speed(&out, &count, cut->samples, cut->count, factor, err));
        cut->count = count < MEWL__CUT_SAMPLES ? count : MEWL__CUT_SAMPLES;
        memcpy(cut->samples, out, cut->count * sizeof *out);
        free(out);
        scale_times(cut, factor);
    }
    if (how.pitch && higher && fabs(semitones) > 0.1) {
        MEWL_TRY(mewl_augment_pitch(w->scratch, cut->samples, cut->count, RATE, semitones, err));
        memcpy(cut->samples, w->scratch, cut->count * sizeof *w->scratch);
    }
    fade(cut);
    cut->bandwidth_hz = band_hz;
    if (band_hz < RATE / 2 - 1) {
        MEWL_TRY(mewl_augment_lowpass(cut->samples, cut->count, RATE, band_hz, err));
    }
    cut->echo_s = 0;
    bool roomy = chance(rng, r->mixture_room_probability);
    const mewl_sound *room = mewl_corpus_draw(w->corpus, MEWL_ROLE_ROOM, w->side, 0, rng);
    if (how.room && roomy && room != NULL) {
        size_t echo = (size_t)(ECHO_S * RATE);
        echo = echo < MEWL__CUT_SAMPLES - cut->count ? echo : MEWL__CUT_SAMPLES - cut->count;
        memset(cut->samples + cut->count, 0, echo * sizeof *cut->samples);
        cut->count += echo;
        mewl_sound_copy(room, w->scratch, 0, room->count);
        MEWL_TRY(mewl_augment_room(cut->samples, cut->samples, cut->count, w->scratch, room->count, RATE, err));
        size_t out = echo / 2;
        for (size_t i = 0; i < out; i++) {
            cut->samples[cut->count - 1 - i] *= (float)i / (float)out;
        }
        cut->echo_s = (double)echo / RATE;
    }
    return MEWL_OK;
}

/* Whether what was taken for a cry by its energy has an infant's voice in it, for `least` seconds or half its length.
 */
static bool voiced_enough(const mewl__cut *cut, double least)
{
    double length = cut->offset_s - cut->onset_s;
    size_t from = (size_t)(cut->onset_s * RATE), to = (size_t)(cut->offset_s * RATE);
    to = to < cut->count ? to : cut->count;
    return least <= 0 || (to > from && mewl__voiced_s(cut->samples + from, to - from) >= fmin(least, 0.5 * length));
}

mewl_status mewl__cut_cry(mewl__workspace *w, mewl_rng *rng, mewl__variation how, mewl_error *err)
{
    double band = mewl__draw_band(w->recipe, rng);
    const mewl_sound *sound = mewl_corpus_draw(w->corpus, MEWL_ROLE_CRY, w->side, band, rng);
    if (sound == NULL) { /* no cry as wide as that on this side: a narrower one, as narrow as it is */
        sound = mewl_corpus_draw(w->corpus, MEWL_ROLE_CRY, w->side, 0, rng);
        if (sound == NULL) {
            return mewl_error_set(err, MEWL_E_EMPTY, "no usable cry on this side of the split");
        }
        band = fmin(band, sound->bandwidth_hz);
    }
    take_event(w, sound, rng, how);
    for (int tries = 1; tries < VOICE_TRIES && !voiced_enough(&w->cut, how.voiced_s); tries++) {
        const mewl_sound *other = mewl_corpus_draw(w->corpus, MEWL_ROLE_CRY, w->side, band, rng);
        sound = other != NULL ? other : sound;
        take_event(w, sound, rng, how);
    }
    w->cut.cry = true;
    return vary(w, band, rng, how, err);
}

/* Speech for sounds that are made of it: what fits of a drawn recording. Returns its samples in w->voice. */
static size_t draw_voice(mewl__workspace *w, mewl_rng *rng)
{
    const mewl_sound *speech = mewl_corpus_draw(w->corpus, MEWL_ROLE_SPEECH, w->side, 0, rng);
    if (speech == NULL) {
        return 0;
    }
    size_t n = speech->count < MEWL__CUT_SAMPLES ? speech->count : MEWL__CUT_SAMPLES;
    mewl_sound_copy(speech, w->voice, 0, n);
    return n;
}

static mewl_sound_kind draw_kind(mewl_rng *rng, bool background, bool voiced)
{
    mewl_sound_kind kind;
    do {
        kind = (mewl_sound_kind)mewl_rng_below(rng, MEWL_SOUND_KINDS);
    } while (mewl_sound_is_background(kind) != background || (mewl_sound_needs_voice(kind) && !voiced));
    return kind;
}

static mewl_status take_synthetic(mewl__workspace *w, mewl_rng *rng, mewl__variation how, bool play, mewl_error *err)
{
    mewl__cut *cut = &w->cut;
    size_t voice = draw_voice(w, rng);
    const bool voiced = voice >= MEWL_SOUNDS_RATE_HZ / 4;
    mewl_sound_kind kind = play && voiced ? MEWL_SOUND_PLAYGROUND : draw_kind(rng, false, voiced);
    double seconds = fmin(mewl_rng_range(rng, 0.5, 5), how.max_seconds);
    cut->count = (size_t)(seconds * RATE);
    MEWL_TRY(mewl_sound_make(cut->samples, cut->count, kind, rng, w->voice, voice, err));
    cut->onset_s = 0;
    cut->offset_s = seconds;
    cut->bursts[0] = (mewl_burst){0, seconds};
    cut->burst_count = 1;
    cut->label = mewl_sound_label(kind);
    cut->source = "synthetic";
    return MEWL_OK;
}

/* The longest quiet stretch of a cry clip, made as loud as an event: a phone's own noise must not tell a cry. False
 * when the clip has none that is surely quiet. */
static bool take_gap(mewl__workspace *w, const mewl_sound *sound, mewl__variation how)
{
    double best = 0, from = 0, at = 0;
    if (sound->snr_db < 20) {
        return false;
    }
    for (size_t i = 0; i <= sound->burst_count; i++) {
        double end = i < sound->burst_count ? sound->bursts[i].onset_s - 0.15 : (double)sound->count / RATE - 0.05;
        if (end - at > best) {
            best = end - at;
            from = at;
        }
        at = i < sound->burst_count ? sound->bursts[i].offset_s + 0.25 : at;
    }
    best = fmin(best, how.max_seconds);
    if (best < 0.4) {
        return false;
    }
    take(w, sound, from, from + best);
    /* Nothing near the level of a faint cry may be in it. */
    double limit = pow(10, fmin(sound->floor_dbfs + 10, sound->threshold_dbfs - 6) / 10);
    size_t block = (size_t)(0.02 * RATE);
    for (size_t i = 0; i + block <= w->cut.count; i += block) {
        double power = 0;
        for (size_t k = 1; k < block; k++) {
            double d = (double)w->cut.samples[i + k] - 0.9 * (double)w->cut.samples[i + k - 1]; /* rumble aside */
            power += d * d;
        }
        if (power / (double)block > limit) {
            return false;
        }
    }
    w->cut.bursts[0] = (mewl_burst){w->cut.onset_s, w->cut.offset_s};
    w->cut.burst_count = 1;
    w->cut.label = "phone-noise";
    return true;
}

mewl_status mewl__cut_negative(mewl__workspace *w, mewl_rng *rng, mewl__variation how, mewl_error *err)
{
    double band = mewl__draw_band(w->recipe, rng);
    w->cut.cry = false;
    double kind = mewl_rng_unit(rng);
    bool made = chance(rng, w->recipe->mixture_synthetic_probability) && how.synthetic;
    bool play = how.synthetic && chance(rng, w->recipe->mixture_playground_probability);
    if (made || play) {
        MEWL_TRY(take_synthetic(w, rng, how, play, err));
        return vary(w, band, rng, how, err);
    }
    const mewl_sound *sound = NULL;
    if (kind < 0.10 && how.synthetic) {
        sound = mewl_corpus_draw(w->corpus, MEWL_ROLE_CRY, w->side, 0, rng);
        if (sound != NULL && take_gap(w, sound, how)) {
            return vary(w, band, rng, how, err);
        }
    }
    mewl_role role = kind < 0.30 ? MEWL_ROLE_SPEECH : kind < 0.38 ? MEWL_ROLE_BACKGROUND : MEWL_ROLE_NEGATIVE;
    sound = mewl_corpus_draw(w->corpus, role, w->side, 0, rng);
    if (sound == NULL) {
        sound = mewl_corpus_draw(w->corpus, MEWL_ROLE_NEGATIVE, w->side, 0, rng);
    }
    if (sound == NULL) {
        sound = mewl_corpus_draw(w->corpus, MEWL_ROLE_BACKGROUND, w->side, 0, rng);
    }
    if (sound == NULL) {
        return mewl_error_set(err, MEWL_E_EMPTY, "no sound that is no cry on this side of the split");
    }
    if (sound->event_count > 0) {
        take_event(w, sound, rng, how);
    } else {
        take_stretch(w, sound, rng, how);
    }
    return vary(w, band, rng, how, err);
}

size_t mewl__tile(const mewl_sound *sound, float *out, size_t count, size_t from)
{
    size_t cross = (size_t)(CROSS_S * RATE);
    cross = cross < sound->count / 3 ? cross : sound->count / 3;
    size_t period = sound->count - cross;
    float scale = sound->peak / 32767;
    from %= period;
    for (size_t i = 0, k = from; i < count; i++, k = k + 1 < period ? k + 1 : 0) {
        float value = (float)sound->samples[k] * scale;
        if (k < cross && i + from >= period) { /* a second round: the end fades out under the beginning */
            float x = (float)k / (float)cross;
            value = value * x + (float)sound->samples[period + k] * scale * (1 - x);
        }
        out[i] = value;
    }
    return period;
}

/* Root mean square, at least 1e-9. */
static float rms_of(const float *samples, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)samples[i] * (double)samples[i];
    }
    return (float)sqrt(sum / (double)(count > 0 ? count : 1) + 1e-18);
}

/* One layer of background: a recording repeated, several joined, speech, or something made. */
static mewl_status one_layer(mewl__workspace *w, float *out, char *label, size_t label_size, mewl_rng *rng,
                             bool synthetic, mewl_error *err)
{
    bool made = chance(rng, w->recipe->mixture_synthetic_probability) && synthetic;
    bool join = chance(rng, 0.4), talk = chance(rng, 0.15);
    mewl_role role = talk ? MEWL_ROLE_SPEECH : MEWL_ROLE_BACKGROUND;
    const mewl_sound *sound = mewl_corpus_draw(w->corpus, role, w->side, 0, rng);
    if (sound == NULL) {
        sound = mewl_corpus_draw(w->corpus, MEWL_ROLE_BACKGROUND, w->side, 0, rng);
    }
    if (made || sound == NULL) {
        size_t voice = draw_voice(w, rng);
        mewl_sound_kind kind = draw_kind(rng, true, voice >= MEWL_SOUNDS_RATE_HZ / 4);
        snprintf(label, label_size, "%s (synthetic)", mewl_sound_label(kind));
        return mewl_sound_make(out, w->count, kind, rng, w->voice, voice, err);
    }
    snprintf(label, label_size, "%s", mewl__base_name(sound->row->path));
    size_t from = mewl_rng_below(rng, sound->count);
    mewl__tile(sound, out, w->count, from);
    for (size_t at = sound->count; join && at < w->count;) {
        /* Another recording takes over, at the same level, through a cross-fade. */
        const mewl_sound *next = mewl_corpus_draw(w->corpus, role, w->side, 0, rng);
        if (next == NULL) {
            break;
        }
        size_t cross = (size_t)(2 * CROSS_S * RATE), n = next->count < w->count - at ? next->count : w->count - at;
        float *piece = w->scratch;
        n = n < MEWL__CUT_SAMPLES ? n : MEWL__CUT_SAMPLES;
        mewl_sound_copy(next, piece, 0, n);
        float gain = rms_of(out, at) / rms_of(piece, n);
        for (size_t i = 0; i < n; i++) {
            float x = i < cross ? (float)i / (float)cross : 1;
            out[at + i] = out[at + i] * (1 - x) + gain * piece[i] * x;
        }
        at += n > cross ? n - cross / 2 : n;
        if (at + cross >= w->count) {
            break;
        }
    }
    return MEWL_OK;
}

mewl_status mewl__background(mewl__workspace *w, float *out, char *label, mewl_rng *rng, bool synthetic,
                             mewl_error *err)
{
    char second[64];
    MEWL_TRY(one_layer(w, out, label, 64, rng, synthetic, err));
    float level = rms_of(out, w->count);
    if (chance(rng, 0.25)) {
        MEWL_TRY(one_layer(w, w->layer, second, sizeof second, rng, synthetic, err));
        float gain = level / rms_of(w->layer, w->count) * (float)pow(10, mewl_rng_range(rng, -20, 0) / 20);
        for (size_t i = 0; i < w->count; i++) {
            out[i] += gain * w->layer[i];
        }
        strncat(label, " + ", 127 - strlen(label));
        strncat(label, second, 127 - strlen(label));
    }
    /* No room is digitally silent: a hiss 30 to 60 dB below, so that an SNR always means something. */
    float hiss = rms_of(out, w->count) * (float)pow(10, mewl_rng_range(rng, -60, -30) / 20) * 1.7320508f;
    for (size_t i = 0; i < w->count; i++) {
        out[i] += hiss * (float)(2 * mewl_rng_unit(rng) - 1);
    }
    return MEWL_OK;
}
