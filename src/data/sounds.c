/* sounds.c - see sounds.h. Each kind is one small function over a buffer of zeros; levels are evened out at the end. */
#include "data/sounds.h"

#include <math.h>
#include <string.h>

#define RATE ((double)MEWL_SOUNDS_RATE_HZ)
#define PEAK 0.5f
#define SHOUT_MAX (MEWL_SOUNDS_RATE_HZ * 7 / 10)

static const struct {
    const char *label;
    bool background, needs_voice;
} kinds[MEWL_SOUND_KINDS] = {
#define X(id, label, background) {label, background, id >= MEWL_SOUND_CHILD_SPEECH},
    MEWL_SOUND_ROWS(X)
#undef X
};

const char *mewl_sound_label(mewl_sound_kind kind)
{
    return (unsigned)kind < MEWL_SOUND_KINDS ? kinds[kind].label : "unknown";
}

bool mewl_sound_is_background(mewl_sound_kind kind)
{
    return (unsigned)kind < MEWL_SOUND_KINDS && kinds[kind].background;
}

bool mewl_sound_needs_voice(mewl_sound_kind kind)
{
    return (unsigned)kind < MEWL_SOUND_KINDS && kinds[kind].needs_voice;
}

/* Near-normal noise of unit variance from one draw: four 16-bit parts summed. */
static float noise(mewl_rng *rng)
{
    uint64_t bits = mewl_rng_u64(rng);
    double sum =
        (double)(bits & 0xffff) + (double)(bits >> 16 & 0xffff) + (double)(bits >> 32 & 0xffff) + (double)(bits >> 48);
    return (float)((sum / 65536 - 2 + 2.0 / 65536) * 1.7320508);
}

static size_t samples_of(double seconds)
{
    return (size_t)(seconds * RATE);
}

static double range(mewl_rng *rng, double low, double high)
{
    return mewl_rng_range(rng, low, high);
}

/* Even on a logarithmic scale. */
static double log_range(mewl_rng *rng, double low, double high)
{
    return low * exp(mewl_rng_unit(rng) * log(high / low));
}

/* A voice of harmonics: phase turns, amplitudes fall by `tilt` a harmonic. */
static float harmonics(double phase, int count, double tilt)
{
    double sum = 0, amplitude = 1;
    for (int h = 1; h <= count; h++, amplitude *= tilt) {
        sum += amplitude * (double)sinf((float)(2 * M_PI) * (float)(phase * h - floor(phase * h)));
    }
    return (float)sum;
}

/* Rises from 0 to 1 over `edge` samples at both ends of [0, count). */
static float ramp(size_t i, size_t count, size_t edge)
{
    size_t end = count - 1 - i, near = i < end ? i : end;
    return near >= edge ? 1.0f : (float)near / (float)edge;
}

/* Two-pole resonance at hz, gain near 1 at its peak. */
typedef struct resonance {
    double a1, a2, gain, y1, y2;
} resonance;

static resonance resonance_at(double hz, double width_hz)
{
    double r = exp(-M_PI * width_hz / RATE);
    return (resonance){2 * r * cos(2 * M_PI * hz / RATE), -r * r,
                       (1 - r) * sqrt(1 - 2 * r * cos(4 * M_PI * hz / RATE) + r * r), 0, 0};
}

static float resonate(resonance *f, double x)
{
    double y = f->gain * x + f->a1 * f->y1 + f->a2 * f->y2;
    f->y2 = f->y1;
    f->y1 = y;
    return (float)y;
}

/* Noise whose power falls by `slope`: 0 white, 1 pink (three leaky sums, after Kellet), 2 brown. */
static void coloured(float *out, size_t count, mewl_rng *rng, int slope)
{
    float a = 0, b = 0, c = 0;
    for (size_t i = 0; i < count; i++) {
        float w = noise(rng);
        if (slope == 1) {
            a = 0.99765f * a + w * 0.0990460f;
            b = 0.96300f * b + w * 0.2965164f;
            c = 0.57000f * c + w * 1.0526913f;
            w = a + b + c + w * 0.1848f;
        } else if (slope == 2) {
            a = 0.996f * a + w;
            w = a;
        }
        out[i] = w;
    }
}

static void make_hum(float *out, size_t count, mewl_rng *rng)
{
    double hz = mewl_rng_unit(rng) < 0.5 ? 50 : 60, phase = 0, level[12];
    for (int h = 0; h < 12; h++) {
        level[h] = range(rng, 0, 1) / (1 + h);
    }
    double hiss = log_range(rng, 0.002, 0.1);
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (int h = 0; h < 12; h++) {
            sum += level[h] * (double)sinf((float)(2 * M_PI * fmod(phase * (h + 1), 1)));
        }
        phase += hz / RATE;
        phase -= floor(phase);
        out[i] = (float)(sum + hiss * (double)noise(rng));
    }
}

static void make_fan(float *out, size_t count, mewl_rng *rng)
{
    coloured(out, count, rng, 1);
    double blade_hz = range(rng, 15, 120), depth = range(rng, 0.05, 0.5), phase = 0, slow = range(rng, 0.05, 0.5);
    double tone = range(rng, 0, 0.6), tone_hz = log_range(rng, 100, 1200);
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / RATE;
        double swing = 1 + depth * (double)sinf((float)(2 * M_PI * phase)) + 0.2 * sin(2 * M_PI * slow * t);
        phase += blade_hz / RATE;
        phase -= floor(phase);
        out[i] = (float)((double)out[i] * swing + tone * (double)sinf((float)(2 * M_PI * fmod(tone_hz * t, 1))));
    }
}

/* Noise in and out through a mouth or nose: infants breathe 30 to 60 times a minute, adults 12 to 20. */
static void make_breathing(float *out, size_t count, mewl_rng *rng)
{
    double period = log_range(rng, 1, 5);
    resonance low = resonance_at(log_range(rng, 250, 900), 300), high = resonance_at(log_range(rng, 1000, 3500), 800);
    double mix = mewl_rng_unit(rng);
    for (size_t at = 0; at < count;) {
        for (int out_breath = 0; out_breath < 2 && at < count; out_breath++) {
            size_t n = samples_of(period * range(rng, 0.28, 0.45));
            double level = out_breath ? 1 : range(rng, 0.2, 0.9);
            for (size_t i = 0; i < n && at + i < count; i++) {
                double swell = sin(M_PI * (double)i / (double)n), w = (double)noise(rng);
                double value = mix * (double)resonate(&low, w) + (1 - mix) * (double)resonate(&high, w);
                out[at + i] += (float)(level * swell * swell * value);
            }
            at += n;
        }
        at += samples_of(period * range(rng, 0.1, 0.35));
    }
}

/* A palate flapping 25 to 90 times a second on the way in. */
static void make_snoring(float *out, size_t count, mewl_rng *rng)
{
    double flap_hz = log_range(rng, 25, 90), period = range(rng, 2.5, 5.5), roughness = range(rng, 0.05, 0.4);
    resonance a = resonance_at(log_range(rng, 200, 600), 120), b = resonance_at(log_range(rng, 700, 1800), 250);
    double whistle_hz = log_range(rng, 400, 1500), whistle = mewl_rng_unit(rng) < 0.3 ? range(rng, 0.05, 0.3) : 0;
    for (size_t at = samples_of(range(rng, 0, period / 3)); at < count;) {
        size_t n = samples_of(range(rng, 0.7, 1.6));
        double phase = 0, hz = flap_hz * range(rng, 0.85, 1.15);
        for (size_t i = 0; i < n && at + i < count; i++) {
            double before = phase;
            phase += hz * (1 + roughness * (mewl_rng_unit(rng) - 0.5)) / RATE;
            phase -= floor(phase);
            double drive = (phase < before ? 12.0 : 0) + 0.35 * (double)noise(rng) * (1 - phase);
            double swell = sin(M_PI * (double)i / (double)n);
            double tone = whistle * (double)sinf((float)(2 * M_PI * fmod(whistle_hz * (double)i / RATE, 1)));
            out[at + i] += (float)(swell * ((double)resonate(&a, drive) + 0.6 * (double)resonate(&b, drive) + tone));
        }
        at += n + samples_of(period * range(rng, 0.3, 0.7));
    }
}

/* Wail, yelp, or two tones, with a horn's harmonics. */
static void make_siren(float *out, size_t count, mewl_rng *rng)
{
    int style = (int)mewl_rng_below(rng, 4);
    double low = log_range(rng, 350, 800), high = low * range(rng, 1.4, 3.0), phase = 0, turn = mewl_rng_unit(rng);
    double period = style == 0 ? range(rng, 2, 7) : style == 1 ? range(rng, 0.2, 0.6) : range(rng, 0.8, 1.6);
    double tilt = range(rng, 0.3, 0.8), doppler = range(rng, -0.015, 0.015);
    int voices = 1 + (int)mewl_rng_below(rng, 6);
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / RATE, where = fmod(t / period + turn, 1), hz;
        if (style <= 1) {
            hz = low * pow(high / low, where < 0.5 ? 2 * where : 2 - 2 * where);
        } else if (style == 2) {
            hz = where < 0.5 ? low : low * 1.335;
        } else {
            hz = low * pow(high / low, where);
        }
        phase += hz * (1 + doppler * t) / RATE;
        phase -= floor(phase);
        out[i] = harmonics(phase, voices, tilt);
    }
}

/* Beeps in groups: smoke alarm, microwave, truck, monitor. */
static void make_alarm(float *out, size_t count, mewl_rng *rng)
{
    double hz = log_range(rng, 400, 4000), on = log_range(rng, 0.04, 0.6), off = log_range(rng, 0.04, 0.8);
    double second = mewl_rng_unit(rng) < 0.3 ? hz * range(rng, 1.1, 1.6) : hz;
    size_t group = 1 + mewl_rng_below(rng, 5);
    double pause = range(rng, 0.2, 1.5), tilt = mewl_rng_unit(rng) < 0.5 ? 0 : range(rng, 0.2, 0.7);
    int voices = tilt > 0 ? 4 : 1;
    for (size_t at = 0, beep = 0; at < count; beep++) {
        size_t n = samples_of(on) + 1;
        double f = beep % 2 == 0 ? hz : second, phase = 0;
        for (size_t i = 0; i < n && at + i < count; i++) {
            phase += f / RATE;
            phase -= floor(phase);
            out[at + i] = harmonics(phase, voices, tilt) * ramp(i, n, 48);
        }
        at += n + samples_of(beep % group == group - 1 ? pause : off);
    }
}

/* Water near the boil: hiss, and a whistle that climbs and wavers. */
static void make_kettle(float *out, size_t count, mewl_rng *rng)
{
    double from = log_range(rng, 500, 1500), to = from * range(rng, 1.2, 2.5), phase = 0, wander = 0;
    double seconds = (double)count / RATE, hiss = range(rng, 0.05, 0.5), second = range(rng, 0, 0.7);
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / RATE;
        wander = 0.9995 * wander + 0.002 * (double)noise(rng);
        double hz = (from + (to - from) * fmin(1, t / (0.7 * seconds + 0.01))) * (1 + 0.1 * wander);
        phase += hz / RATE;
        phase -= floor(phase);
        float tone = sinf((float)(2 * M_PI * phase)) + (float)second * sinf((float)(2 * M_PI * fmod(2 * phase, 1)));
        out[i] = tone * (float)fmin(1, 0.2 + t / seconds) + (float)hiss * noise(rng);
    }
}

/* A music box, toy piano or flute: notes of a pentatonic scale. */
static void make_melody(float *out, size_t count, mewl_rng *rng)
{
    static const int scale[5] = {0, 2, 4, 7, 9};
    double root = log_range(rng, 150, 900), beat = log_range(rng, 0.12, 0.6), decay = log_range(rng, 0.15, 1.5);
    bool held = mewl_rng_unit(rng) < 0.4;
    double tilt = range(rng, 0.1, 0.75), vibrato = held ? range(rng, 0, 0.02) : 0;
    int voices = 1 + (int)mewl_rng_below(rng, 8);
    for (size_t at = 0; at < count;) {
        double hz = root * pow(2, (scale[mewl_rng_below(rng, 5)] + 12.0 * (double)mewl_rng_below(rng, 2)) / 12);
        double length = beat * (double)(1 + mewl_rng_below(rng, 3)), phase = 0;
        size_t n = samples_of(held ? length : fmin(3 * decay, 2 * length)) + 1;
        for (size_t i = 0; i < n && at + i < count; i++) {
            double t = (double)i / RATE;
            phase += hz * (1 + vibrato * (double)sinf((float)(2 * M_PI * 5.5 * t))) / RATE;
            phase -= floor(phase);
            float fall = held ? ramp(i, n, 320) : expf((float)(-t / decay)) * ramp(i, n, 32);
            out[at + i] += fall * harmonics(phase, voices, tilt);
        }
        at += samples_of(length) + 1;
    }
}

/* Toys, hinges, shoes: short chirps. */
static void make_squeak(float *out, size_t count, mewl_rng *rng)
{
    double centre = log_range(rng, 700, 4000), tilt = range(rng, 0.1, 0.6), gap = log_range(rng, 0.08, 0.9);
    for (size_t at = samples_of(range(rng, 0, gap)); at < count;) {
        size_t n = samples_of(log_range(rng, 0.04, 0.35)) + 1;
        double from = centre * range(rng, 0.7, 1.3), to = centre * range(rng, 0.7, 1.5), phase = 0;
        for (size_t i = 0; i < n && at + i < count; i++) {
            double x = (double)i / (double)n;
            phase += (from + (to - from) * x * x) / RATE;
            phase -= floor(phase);
            out[at + i] += harmonics(phase, 3, tilt) * ramp(i, n, n / 4 + 1) + 0.05f * noise(rng);
        }
        at += n + samples_of(gap * range(rng, 0.5, 1.8));
    }
}

static void make_phone(float *out, size_t count, mewl_rng *rng)
{
    double a = log_range(rng, 350, 1800), b = a * range(rng, 1.05, 1.4), trill = range(rng, 8, 25);
    double on = range(rng, 0.4, 2), off = range(rng, 0.3, 3);
    bool beating = mewl_rng_unit(rng) < 0.5;
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / RATE, where = fmod(t, on + off);
        if (where < on) {
            double swing = fmod(t * trill, 1);
            double x = fmod(a * t, 1), y = fmod(b * t, 1);
            double tone = beating ? (double)sinf((float)(2 * M_PI * x)) + (double)sinf((float)(2 * M_PI * y))
                                  : (double)sinf((float)(2 * M_PI * (swing < 0.5 ? x : y)));
            out[i] = (float)tone * ramp((size_t)(where * RATE), (size_t)(on * RATE) + 1, 64);
        }
    }
}

static void make_ticks(float *out, size_t count, mewl_rng *rng)
{
    double period = range(rng, 0.2, 1.1);
    resonance body = resonance_at(log_range(rng, 800, 5000), log_range(rng, 150, 1200));
    for (size_t at = samples_of(range(rng, 0, period)), beat = 0; at < count; beat++) {
        size_t n = samples_of(0.03);
        double level = beat % 2 == 0 ? 1 : 0.6;
        for (size_t i = 0; i < n && at + i < count; i++) {
            double drive = i < 12 ? 8 * (double)noise(rng) : 0.01 * (double)noise(rng);
            out[at + i] += (float)(level * (double)resonate(&body, drive));
        }
        at += samples_of(period);
    }
}

/* Reads the voice at `place` samples, between its samples. */
static float voice_at(const float *voice, size_t count, double place)
{
    size_t i = (size_t)place;
    if (i + 1 >= count) {
        return 0;
    }
    float x = (float)(place - (double)i);
    return voice[i] + x * (voice[i + 1] - voice[i]);
}

/* Adult speech played 1.3 to 1.7 times as fast: a child's pitch and a child's vocal tract. */
static void make_child_speech(float *out, size_t count, mewl_rng *rng, const float *voice, size_t voice_count)
{
    for (size_t at = 0; at < count;) {
        double factor = range(rng, 1.3, 1.7), from = mewl_rng_unit(rng) * 0.7 * (double)voice_count;
        size_t n = samples_of(range(rng, 0.6, 3));
        for (size_t i = 0; i < n && at + i < count && from + factor * (double)i + 1 < (double)voice_count; i++) {
            out[at + i] += voice_at(voice, voice_count, from + factor * (double)i) * ramp(i, n, 160);
        }
        at += n;
        at += mewl_rng_unit(rng) < 0.5 ? 0 : samples_of(range(rng, 0, 0.6));
    }
}

/* Laughter: one vowel-like piece of voice, raised, given out four to six times a second, fading. */
static void make_laughter(float *out, size_t count, mewl_rng *rng, const float *voice, size_t voice_count)
{
    for (size_t at = samples_of(range(rng, 0, 0.4)); at < count;) {
        /* The loudest of a few places is taken, to be on a vowel. */
        double best = 0, from = 0;
        size_t probe = samples_of(0.16);
        for (int k = 0; k < 8 && voice_count > 2 * probe; k++) {
            size_t place = mewl_rng_below(rng, voice_count - 2 * probe);
            double power = 0;
            for (size_t i = 0; i < probe; i += 4) {
                power += (double)voice[place + i] * (double)voice[place + i];
            }
            if (power > best) {
                best = power;
                from = (double)place;
            }
        }
        double factor = range(rng, 1.3, 2.1), rate = range(rng, 3.8, 6.5), level = 1;
        size_t pulses = 3 + mewl_rng_below(rng, 10);
        for (size_t p = 0; p < pulses && at < count; p++) {
            size_t step = samples_of(range(rng, 0.92, 1.08) / rate), n = step * 6 / 10 + 1;
            double bend = factor * (1.06 - 0.012 * (double)p) * range(rng, 0.97, 1.03);
            for (size_t i = 0; i < n && at + i < count; i++) {
                float swell = sinf((float)(M_PI * (double)i / (double)n));
                float value = voice_at(voice, voice_count, from + bend * (double)i);
                out[at + i] += (float)level * swell * value + (float)(level * 0.004) * swell * noise(rng);
            }
            at += step;
            level *= range(rng, 0.85, 1.02);
        }
        at += samples_of(range(rng, 0.2, 1.6));
    }
}

static void make_babble(float *out, size_t count, mewl_rng *rng, const float *voice, size_t voice_count)
{
    size_t talkers = 3 + mewl_rng_below(rng, 6);
    for (size_t k = 0; k < talkers; k++) {
        double factor = range(rng, 0.85, 1.25), place = mewl_rng_unit(rng) * (double)voice_count;
        float level = (float)range(rng, 0.4, 1);
        for (size_t i = 0; i < count; i++) {
            out[i] += level * voice_at(voice, voice_count, place);
            place += factor;
            if (place + 1 >= (double)voice_count) {
                place = 0;
            }
        }
    }
}

/* A shout of at most SHOUT_MAX samples, peak 1: harmonics through two formants of a child's open vowel, the pitch
 * rising and falling once. Returns its length. */
static size_t make_shout(float *out, mewl_rng *rng)
{
    double seconds = range(rng, 0.15, 0.7), pitch = range(rng, 280, 480), swing = range(rng, 0.05, 0.3), phase = 0;
    resonance low = resonance_at(range(rng, 600, 1150), 130), high = resonance_at(range(rng, 1500, 2800), 220);
    size_t n = samples_of(seconds);
    float peak = 1e-9f;
    for (size_t i = 0; i < n; i++) {
        phase += pitch * (1 + swing * sin(M_PI * (double)i / (double)n)) * (1 + 0.01 * (double)noise(rng)) / RATE;
        phase -= floor(phase);
        double source = (double)harmonics(phase, 12, 0.7) + 0.05 * (double)noise(rng);
        double value = (double)resonate(&low, source) + 0.5 * (double)resonate(&high, source);
        out[i] = (float)value * ramp(i, n, 320);
        peak = fmaxf(peak, fabsf(out[i]));
    }
    for (size_t i = 0; i < n; i++) {
        out[i] /= peak;
    }
    return n;
}

/* Children at play: two to six children's voices at once, near and far, some of them shouting. */
static void make_playground(float *out, size_t count, mewl_rng *rng, const float *voice, size_t voice_count)
{
    size_t children = 2 + mewl_rng_below(rng, 5);
    float loudest = 0;
    for (size_t k = 0; k < children; k++) {
        double factor = range(rng, 1.25, 1.9), place = mewl_rng_unit(rng) * (double)voice_count;
        float level = (float)log_range(rng, 0.15, 1);
        for (size_t i = 0; i < count; i++) {
            out[i] += level * voice_at(voice, voice_count, place);
            place += factor;
            if (place + 1 >= (double)voice_count) {
                place = 0;
                factor *= range(rng, 0.93, 1.07);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        loudest = fmaxf(loudest, fabsf(out[i]));
    }
    float shout[SHOUT_MAX];
    for (size_t at = samples_of(range(rng, 0, 1.5)); at < count; at += samples_of(range(rng, 0.3, 2.5))) {
        float level = loudest * (float)log_range(rng, 0.2, 1.5);
        size_t n = make_shout(shout, rng);
        for (size_t i = 0; i < n && at + i < count; i++) {
            out[at + i] += level * shout[i];
        }
    }
}

/* Brings the peak to PEAK; leaves silence alone. */
static void even_out(float *out, size_t count)
{
    float peak = 0;
    for (size_t i = 0; i < count; i++) {
        float a = fabsf(out[i]);
        peak = a > peak ? a : peak;
    }
    for (size_t i = 0; peak > 0 && i < count; i++) {
        out[i] *= PEAK / peak;
    }
}

mewl_status mewl_sound_make(float *out, size_t count, mewl_sound_kind kind, mewl_rng *rng, const float *voice,
                            size_t voice_count, mewl_error *err)
{
    if ((unsigned)kind >= MEWL_SOUND_KINDS) {
        return mewl_error_set(err, MEWL_E_ARG, "no kind of sound %d", (int)kind);
    }
    if (kinds[kind].needs_voice && (voice == NULL || voice_count < MEWL_SOUNDS_RATE_HZ / 4)) {
        return mewl_error_set(err, MEWL_E_ARG, "%s is made of speech: a quarter of a second at least is needed",
                              kinds[kind].label);
    }
    memset(out, 0, count * sizeof *out);
    switch (kind) {
    case MEWL_SOUND_WHITE:
        coloured(out, count, rng, 0);
        break;
    case MEWL_SOUND_PINK:
        coloured(out, count, rng, 1);
        break;
    case MEWL_SOUND_BROWN:
        coloured(out, count, rng, 2);
        break;
    case MEWL_SOUND_HUM:
        make_hum(out, count, rng);
        break;
    case MEWL_SOUND_FAN:
        make_fan(out, count, rng);
        break;
    case MEWL_SOUND_BREATHING:
        make_breathing(out, count, rng);
        break;
    case MEWL_SOUND_SNORING:
        make_snoring(out, count, rng);
        break;
    case MEWL_SOUND_SIREN:
        make_siren(out, count, rng);
        break;
    case MEWL_SOUND_ALARM:
        make_alarm(out, count, rng);
        break;
    case MEWL_SOUND_KETTLE:
        make_kettle(out, count, rng);
        break;
    case MEWL_SOUND_MELODY:
        make_melody(out, count, rng);
        break;
    case MEWL_SOUND_SQUEAK:
        make_squeak(out, count, rng);
        break;
    case MEWL_SOUND_PHONE:
        make_phone(out, count, rng);
        break;
    case MEWL_SOUND_TICKS:
        make_ticks(out, count, rng);
        break;
    case MEWL_SOUND_CHILD_SPEECH:
        make_child_speech(out, count, rng, voice, voice_count);
        break;
    case MEWL_SOUND_LAUGHTER:
        make_laughter(out, count, rng, voice, voice_count);
        break;
    case MEWL_SOUND_PLAYGROUND:
        make_playground(out, count, rng, voice, voice_count);
        break;
    default:
        make_babble(out, count, rng, voice, voice_count);
        break;
    }
    even_out(out, count);
    return MEWL_OK;
}
