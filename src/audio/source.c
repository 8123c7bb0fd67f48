#include "audio/source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/address.h"
#include "audio/convert.h"
#include "audio/input.h"
#include "audio/resample.h"

#define SLICE 4096u         /* source frames converted at a time */
#define PENDING_MOST 65536u /* resampled frames a slice may give: the slice is shorter for extreme ratios */
#define NAP_S 0.1           /* waits are cut to this, to notice a cancel */
#define WAIT_MOST_S 1.0     /* longest wait inside one pull */

struct mewl_source {
    char *url;
    mewl_source_opts opts;
    mewl_clock clock;
    mewl__input input;
    bool live, connected, have_input, ended;
    bool unfit;       /* resamplers must be set up again */
    mewl_error final; /* status not MEWL_OK: what every further pull returns */

    double rate_hz; /* of what is pulled */
    int channels;
    int source_rate_hz; /* of the present frames */
    int source_channels;
    int frame_at;                                   /* next sample of input.frame; at its end when none is held */
    mewl_resampler *resamplers[MEWL__CHANNELS_MAX]; /* one a channel pulled, or all NULL */
    float *work, *mixed, *lane;                     /* SLICE; SLICE * channels; SLICE */
    float *pending, *lane_out;                      /* resampled: pending_room * channels; pending_room */
    size_t slice, pending_room, pending_at, pending_held;

    uint64_t frames, samples_seen, bad_samples, rate_changes, reconnects, decode_errors_before;
    double source_time_s, first_bad_s, lost_s;
    double last_sound_s; /* by the clock */
    double next_try_s, backoff_s, sound_since_connect_s;
    int failures;
};

static bool cancelled(const mewl_source *s)
{
    return s->opts.cancel != NULL && atomic_load(s->opts.cancel);
}

static mewl_status check_opts(const char *url, const mewl_source_opts *o, mewl_error *err)
{
    static const char *const raw[] = {"s8",    "u8",    "s16le", "s16be", "s24le", "s24be", "s32le",
                                      "s32be", "f32le", "f32be", "f64le", "f64be", "mulaw", "alaw"};
    if (o->rate_hz != 0.0 && !(o->rate_hz >= 1000.0 && o->rate_hz <= 1e6)) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: cannot give %g Hz: 1 kHz to 1 MHz", url, o->rate_hz);
    }
    if (o->channels != 0 && o->channels != 1) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: channels are 0 (as they are) or 1, not %d", url, o->channels);
    }
    if (!(o->open_timeout_s >= 0.0 && o->read_timeout_s >= 0.0 && o->backoff_first_s >= 0.0 &&
          o->backoff_most_s >= 0.0 && o->open_timeout_s <= 1e6 && o->read_timeout_s <= 1e6)) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: timeouts and waits must not be negative", url);
    }
    if (o->raw.format != NULL) {
        bool known = false;
        for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) {
            known = known || strcmp(raw[i], o->raw.format) == 0;
        }
        if (!known) {
            return mewl_error_set(err, MEWL_E_ARG, "%s: unknown raw sample format \"%s\"", url, o->raw.format);
        }
    }
    if (o->raw.rate_hz != 0.0 && !(o->raw.rate_hz >= 1000.0 && o->raw.rate_hz <= 1e6)) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: raw rate %g Hz: 1 kHz to 1 MHz", url, o->raw.rate_hz);
    }
    if (o->raw.channels < 0 || o->raw.channels > MEWL__CHANNELS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: %d raw channels: 1 to %d", url, o->raw.channels,
                              MEWL__CHANNELS_MAX);
    }
    return MEWL_OK;
}

static void free_resamplers(mewl_source *s)
{
    for (int c = 0; c < MEWL__CHANNELS_MAX; c++) {
        mewl_resampler_free(s->resamplers[c]);
        s->resamplers[c] = NULL;
    }
}

static bool resampling(const mewl_source *s)
{
    return s->resamplers[0] != NULL;
}

/* Sets the source up for frames of this rate: resamplers and room for what they give. */
static mewl_status take_rate(mewl_source *s, int rate_hz, mewl_error *err)
{
    free_resamplers(s);
    s->source_rate_hz = rate_hz;
    s->slice = SLICE;
    if ((double)rate_hz == s->rate_hz) {
        return MEWL_OK;
    }
    const double ratio = s->rate_hz / (double)rate_hz;
    if (ratio * SLICE > PENDING_MOST - 2) {
        s->slice = (size_t)(PENDING_MOST / ratio) > 1 ? (size_t)(PENDING_MOST / ratio) : 1;
    }
    for (int c = 0; c < s->channels; c++) {
        const mewl_status status =
            mewl_resampler_new(&s->resamplers[c], (double)rate_hz, s->rate_hz, (mewl_resample_opts){0}, err);
        if (status != MEWL_OK) {
            free_resamplers(s);
            return mewl_error_prefix(err, status, "%s", s->input.shown);
        }
    }
    /* Room for a slice and for the tail that a resampler gives at its end. */
    const size_t longest = s->slice + 2 * mewl_resampler_latency(s->resamplers[0]) + 2;
    const size_t room = (size_t)((double)longest * ratio) + 4;
    if (room > s->pending_room) {
        float *pending = malloc(room * (size_t)s->channels * sizeof *pending);
        float *lane_out = malloc(room * sizeof *lane_out);
        if (pending == NULL || lane_out == NULL) {
            free(pending);
            free(lane_out);
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory for resampling", s->input.shown);
        }
        free(s->pending);
        free(s->lane_out);
        s->pending = pending;
        s->lane_out = lane_out;
        s->pending_room = room;
    }
    return MEWL_OK;
}

/* Runs `count` mixed frames (or, with `last`, the tail) through the resamplers into pending, which must be empty. */
static mewl_status run_resamplers(mewl_source *s, size_t count, bool last, mewl_error *err)
{
    const size_t wide = (size_t)s->channels;
    size_t got = 0;
    for (size_t c = 0; c < wide; c++) {
        const float *in = s->mixed;
        float *out = wide == 1 ? s->pending : s->lane_out;
        if (wide > 1 && !last) {
            for (size_t i = 0; i < count; i++) {
                s->lane[i] = s->mixed[i * wide + c];
            }
            in = s->lane;
        }
        if (last) {
            MEWL_TRY(mewl_resampler_finish(s->resamplers[c], out, s->pending_room, &got, err));
        } else {
            MEWL_TRY(mewl_resampler_run(s->resamplers[c], out, s->pending_room, &got, in, count, err));
        }
        if (wide > 1) {
            for (size_t i = 0; i < got; i++) {
                s->pending[i * wide + c] = out[i];
            }
        }
    }
    s->pending_at = 0;
    s->pending_held = got;
    return MEWL_OK;
}

/* The tail of what was heard so far, when a connection, a rate or the file ends. */
static mewl_status drain(mewl_source *s, mewl_error *err)
{
    return resampling(s) ? run_resamplers(s, 0, true, err) : MEWL_OK;
}

static size_t hand_out(mewl_source *s, float *interleaved, size_t max_frames)
{
    const size_t wide = (size_t)s->channels;
    const size_t n = s->pending_held < max_frames ? s->pending_held : max_frames;
    memcpy(interleaved, s->pending + s->pending_at * wide, n * wide * sizeof *interleaved);
    s->pending_at += n;
    s->pending_held -= n;
    return n;
}

/* After the first second and at the end: too many samples that are none? */
static mewl_status check_bad(const mewl_source *s, bool at_end, mewl_error *err)
{
    if (s->bad_samples * 100 <= s->samples_seen || (!at_end && s->source_time_s < 1.0)) {
        return MEWL_OK;
    }
    return mewl_error_set(
        err, MEWL_E_FORMAT,
        "%s: %llu of the first %llu samples are not sound (NaN, infinite or beyond 1e6), from %.3f s on",
        s->input.shown, (unsigned long long)s->bad_samples, (unsigned long long)s->samples_seen, s->first_bad_s);
}

/* Converts the next `count` frames held to `out`. */
static void convert(mewl_source *s, float *out, size_t count)
{
    const AVFrame *frame = s->input.frame;
    size_t first = 0;
    const size_t bad = mewl__frame_convert(out, s->work, &first, frame, (size_t)s->frame_at, count, s->channels);
    if (bad > 0) {
        if (s->bad_samples == 0) {
            s->first_bad_s = s->source_time_s + (double)first / (double)s->source_rate_hz;
            mewl_log_print(s->opts.log, MEWL_LOG_WARNING, "%s: samples at %.3f s are not numbers; taken as 0",
                           s->input.shown, s->first_bad_s);
        }
        s->bad_samples += bad;
    }
    s->frame_at += (int)count;
    s->samples_seen += (uint64_t)count * (uint64_t)s->source_channels;
    s->source_time_s += (double)count / (double)s->source_rate_hz;
    s->sound_since_connect_s += (double)count / (double)s->source_rate_hz;
}

/* The connection is gone: plan the next attempt. */
static void lose(mewl_source *s, const char *why)
{
    if (s->sound_since_connect_s >= 1.0) {
        s->failures = 0;
        s->backoff_s = s->opts.backoff_first_s;
    }
    s->failures++;
    s->connected = false;
    s->decode_errors_before += s->input.decode_errors;
    s->input.decode_errors = 0;
    s->next_try_s = mewl_clock_now_s(&s->clock) + s->backoff_s;
    mewl_log_print(s->opts.log, MEWL_LOG_WARNING, "%s; next attempt in %.1f s", why, s->backoff_s);
    s->backoff_s = fmin(2.0 * s->backoff_s, s->opts.backoff_most_s);
    s->sound_since_connect_s = 0.0;
    if (s->have_input) {
        mewl__input_close(&s->input);
        s->have_input = false;
    }
}

static mewl_status give_up(mewl_source *s, mewl_error *err)
{
    mewl_error why = {0};
    (void)mewl_error_set(&why, MEWL_E_IO, "%s: connection lost", s->input.shown);
    if (err != NULL && err->text[0] != '\0') {
        why = *err;
    }
    s->final = why;
    s->final.status = MEWL_E_IO;
    if (err != NULL) {
        *err = s->final;
    }
    return MEWL_E_IO;
}

/* Waits towards the next attempt, then makes it. MEWL_OK: connected and a frame is held. */
static mewl_status reconnect(mewl_source *s, mewl_error *err)
{
    const double until = fmin(s->next_try_s, mewl_clock_now_s(&s->clock) + WAIT_MOST_S);
    for (double left; (left = until - mewl_clock_now_s(&s->clock)) > 0.0;) {
        if (cancelled(s)) {
            return mewl_error_set(err, MEWL_E_CANCELLED, "%s: stopped on request", s->input.shown);
        }
        mewl_clock_sleep(&s->clock, fmin(left, NAP_S));
    }
    if (mewl_clock_now_s(&s->clock) < s->next_try_s) {
        return mewl_error_set(err, MEWL_E_TIMEOUT, "%s: waiting to reconnect", s->input.shown);
    }
    mewl_error why = {0};
    mewl_source_opts opts = s->opts;
    opts.live = MEWL_SOURCE_LIVE;
    mewl_status status = mewl__input_open(&s->input, s->url, &opts, &why);
    if (status == MEWL_OK) {
        bool ended = false;
        s->have_input = true;
        status = mewl__input_next(&s->input, &ended, &why);
        if (status == MEWL_OK && ended) {
            status = mewl_error_set(&why, MEWL_E_IO, "%s: the stream ended at once", s->input.shown);
        }
    }
    if (status == MEWL_OK) {
        s->connected = true;
        s->reconnects++;
        s->frame_at = 0;
        s->lost_s += mewl_clock_now_s(&s->clock) - s->last_sound_s;
        s->last_sound_s = mewl_clock_now_s(&s->clock);
        mewl_log_print(s->opts.log, MEWL_LOG_INFO, "%s: connected again", s->input.shown);
        return MEWL_OK;
    }
    if (err != NULL) {
        *err = why;
    }
    if (status == MEWL_E_CANCELLED || status == MEWL_E_MEMORY) {
        return status;
    }
    lose(s, why.text);
    if (s->opts.max_reconnects != 0 && s->failures > s->opts.max_reconnects) {
        return give_up(s, err);
    }
    return mewl_error_set(err, MEWL_E_TIMEOUT, "%s", why.text);
}

/* The present input ended or failed. Leaves a tail in pending, sets `ended`, or loses the connection. */
static mewl_status stop(mewl_source *s, mewl_status status, mewl_error *err)
{
    if (status == MEWL_E_CANCELLED || status == MEWL_E_MEMORY) {
        return status;
    }
    if (!s->live) {
        if (status == MEWL_OK) {
            s->ended = true;
            status = check_bad(s, true, err);
        }
        return status == MEWL_OK ? drain(s, err) : status;
    }
    char why[384];
    if (status == MEWL_OK) {
        (void)mewl_error_set(err, MEWL_E_IO, "%s: the stream ended", s->input.shown);
        (void)snprintf(why, sizeof why, "%s: the stream ended", s->input.shown);
    } else {
        (void)snprintf(why, sizeof why, "%.380s", err != NULL ? err->text : "connection lost");
    }
    MEWL_TRY(drain(s, err));
    free_resamplers(s);
    s->unfit = true; /* whatever comes next starts afresh */
    lose(s, why);
    if (s->opts.max_reconnects < 0 || (s->opts.max_reconnects > 0 && s->failures > s->opts.max_reconnects)) {
        (void)give_up(s, err); /* told after the tail was handed out */
    }
    return MEWL_OK;
}

/* Sees to it that the frame held has samples left and that the resamplers fit it. On MEWL_OK one of these is true:
 * samples are left, pending holds something, ended, or the connection is lost. */
static mewl_status advance(mewl_source *s, mewl_error *err)
{
    if (s->connected && s->frame_at >= s->input.frame->nb_samples) {
        bool ended = false;
        const double before_s = mewl_clock_now_s(&s->clock); /* a read that hangs may still bring half a packet */
        const mewl_status status = mewl__input_next(&s->input, &ended, err);
        s->last_sound_s = status == MEWL_OK && !ended ? before_s : s->last_sound_s;
        s->frame_at = 0;
        if (status != MEWL_OK || ended) {
            return stop(s, status, err);
        }
        MEWL_TRY(check_bad(s, false, err));
    }
    const AVFrame *frame = s->input.frame;
    if (s->source_rate_hz == frame->sample_rate && s->source_channels == frame->ch_layout.nb_channels && !s->unfit) {
        return MEWL_OK;
    }
    if (resampling(s) && s->source_rate_hz != frame->sample_rate) {
        MEWL_TRY(drain(s, err));
        free_resamplers(s);
        s->unfit = true;
        return MEWL_OK; /* the tail goes out before anything is set up anew */
    }
    if (s->source_rate_hz != frame->sample_rate || s->source_channels != frame->ch_layout.nb_channels) {
        s->rate_changes++;
        mewl_log_print(s->opts.log, MEWL_LOG_INFO, "%s: now %d Hz, %d channels", s->input.shown, frame->sample_rate,
                       frame->ch_layout.nb_channels);
    }
    s->source_channels = frame->ch_layout.nb_channels;
    s->unfit = false;
    return resampling(s) ? MEWL_OK : take_rate(s, frame->sample_rate, err);
}

static mewl_status pull(mewl_source *s, float *interleaved, size_t max_frames, size_t *got, mewl_error *err)
{
    for (;;) {
        if (s->pending_held > 0) {
            *got = hand_out(s, interleaved, max_frames);
            return MEWL_OK;
        }
        if (s->final.status != MEWL_OK) {
            if (err != NULL) {
                *err = s->final;
            }
            return s->final.status;
        }
        if (s->ended) {
            return MEWL_OK;
        }
        if (cancelled(s)) {
            return mewl_error_set(err, MEWL_E_CANCELLED, "%s: stopped on request", s->input.shown);
        }
        if (!s->connected) {
            MEWL_TRY(reconnect(s, err));
        }
        MEWL_TRY(advance(s, err));
        if (s->pending_held > 0 || s->ended || !s->connected || s->unfit) {
            continue;
        }
        size_t count = (size_t)(s->input.frame->nb_samples - s->frame_at);
        count = count < s->slice ? count : s->slice;
        if (!resampling(s)) {
            *got = count < max_frames ? count : max_frames;
            convert(s, interleaved, *got);
            return MEWL_OK;
        }
        convert(s, s->mixed, count);
        MEWL_TRY(run_resamplers(s, count, false, err));
    }
}

mewl_status mewl_source_pull(mewl_source *s, float *interleaved, size_t max_frames, size_t *got, mewl_error *err)
{
    mewl_error own = {0}; /* reasons are needed here even when the caller has no use for them */
    *got = 0;
    if (max_frames == 0) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: room for no frame", s->input.shown);
    }
    const mewl_status status = pull(s, interleaved, max_frames, got, &own);
    s->frames += *got;
    if (status != MEWL_OK && status != MEWL_E_TIMEOUT && status != MEWL_E_CANCELLED) {
        s->final = own;
        s->final.status = status;
    }
    if (status != MEWL_OK && err != NULL) {
        *err = own;
    }
    return status;
}

static double or_default(double value, double fallback)
{
    return value > 0.0 ? value : fallback;
}

/* Opens the input, decodes the first frame and fixes what is pulled. */
static mewl_status start(mewl_source *s, mewl_error *err)
{
    MEWL_TRY(mewl__input_open(&s->input, s->url, &s->opts, err));
    s->have_input = true;
    bool ended = false;
    MEWL_TRY(mewl__input_next(&s->input, &ended, err));
    if (ended && s->input.index_last) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "%s: recordings of this form (mp4, m4a, mov) say at their end where their sound lies, so "
                              "that they cannot be read from a pipe: give the file itself",
                              s->input.shown);
    }
    if (ended && s->input.decode_errors > 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: nothing in it could be decoded: damaged", s->input.shown);
    }
    if (ended) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: there is not one sample in it", s->input.shown);
    }
    s->live = s->input.live;
    s->connected = true;
    s->last_sound_s = mewl_clock_now_s(&s->clock);
    const AVFrame *frame = s->input.frame;
    s->source_channels = frame->ch_layout.nb_channels;
    s->rate_hz = s->opts.rate_hz > 0.0 ? s->opts.rate_hz : (double)frame->sample_rate;
    s->channels = s->opts.channels > 0 ? s->opts.channels : s->source_channels;
    s->work = malloc(SLICE * sizeof *s->work);
    s->lane = malloc(SLICE * sizeof *s->lane);
    s->mixed = malloc(SLICE * (size_t)s->channels * sizeof *s->mixed);
    if (s->work == NULL || s->lane == NULL || s->mixed == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", s->input.shown);
    }
    return take_rate(s, frame->sample_rate, err);
}

mewl_status mewl_source_open(mewl_source **out, const char *url, mewl_source_opts opts, mewl_error *err)
{
    *out = NULL;
    if (url == NULL || url[0] == '\0') {
        return mewl_error_set(err, MEWL_E_ARG, "no file or address given");
    }
    MEWL_TRY(check_opts(url, &opts, err));
    opts.open_timeout_s = or_default(opts.open_timeout_s, 15.0);
    opts.read_timeout_s = or_default(opts.read_timeout_s, 5.0);
    opts.backoff_first_s = or_default(opts.backoff_first_s, 0.5);
    opts.backoff_most_s = fmax(or_default(opts.backoff_most_s, 30.0), opts.backoff_first_s);
    mewl_source *s = calloc(1, sizeof *s);
    char *copy = strdup(url);
    char *raw = opts.raw.format != NULL ? strdup(opts.raw.format) : NULL;
    if (s == NULL || copy == NULL || (opts.raw.format != NULL && raw == NULL)) {
        free(s);
        free(copy);
        free(raw);
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", url);
    }
    s->url = copy;
    s->opts = opts;
    s->opts.raw.format = raw;
    s->clock = opts.clock != NULL ? *opts.clock : mewl_clock_system();
    s->backoff_s = opts.backoff_first_s;
    s->first_bad_s = NAN;
    const mewl_status status = start(s, err);
    if (status != MEWL_OK) {
        mewl_source_close(s);
        return status;
    }
    *out = s;
    return MEWL_OK;
}

void mewl_source_describe(const mewl_source *s, mewl_source_info *info)
{
    const bool known = s->have_input;
    *info = (mewl_source_info){
        .container = known ? s->input.format->iformat->name : "",
        .codec = known ? s->input.codec->codec->name : "",
        .source_rate_hz = (double)s->source_rate_hz,
        .source_channels = s->source_channels,
        .rate_hz = s->rate_hz,
        .channels = s->channels,
        .duration_s = s->input.duration_s,
        .live = s->live,
        .connected = s->connected,
        .frames = s->frames,
        .decode_errors = s->decode_errors_before + s->input.decode_errors,
        .bad_samples = s->bad_samples,
        .first_bad_s = s->first_bad_s,
        .rate_changes = s->rate_changes,
        .reconnects = s->reconnects,
        .lost_s = s->lost_s + (s->connected ? 0.0 : mewl_clock_now_s(&s->clock) - s->last_sound_s),
        .truncated = s->ended && !s->live && s->input.duration_is_sure &&
                     s->source_time_s < s->input.duration_s - 1.0 && s->source_time_s < 0.99 * s->input.duration_s,
    };
}

void mewl_source_close(mewl_source *source)
{
    if (source == NULL) {
        return;
    }
    if (source->have_input) {
        mewl__input_close(&source->input);
    }
    free_resamplers(source);
    free(source->work);
    free(source->mixed);
    free(source->lane);
    free(source->pending);
    free(source->lane_out);
    free((void *)source->opts.raw.format);
    free(source->url);
    free(source);
}

bool mewl_source_is_remote(const char *url)
{
    const mewl__address_kind kind = mewl__address_parse(url, NULL);
    return kind != MEWL__ADDRESS_FILE && kind != MEWL__ADDRESS_STDIN;
}
