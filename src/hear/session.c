/* session.c - see session.h. */
#include "hear/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audio/level.h"
#include "audio/resample.h"
#include "models/scorer.h"

#define BLOCK_FRAMES 4096u /* pushed frames worked on at a time: under a second at every rate but the lowest */
#define SCORES_BLOCK 512u

struct mewl_session {
    mewl_session_opts opts;
    mewl_session_sink sink;
    mewl_scorer *scorer;
    mewl_resampler *resampler;
    mewl_episode_finder *finder;
    mewl_hearing hearing;
    bool finished, in_gap;

    size_t pushed; /* frames since the start or the last gap */
    double base_s; /* stream time where these began */
    float *mono;   /* BLOCK_FRAMES at the source's rate */
    float *sound;  /* at the model's rate */
    size_t sound_max;

    /* Levels of the frames that were heard and not yet scored, a ring. */
    size_t frame_samples;
    float *levels;
    size_t level_capacity, level_head, level_count;
    double frame_power;
    size_t frame_held;

    double peak;
    double power_sum;
    double sample_count;
    double resample_s, detect_s;
};

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static mewl_status take_note(const mewl_model *model, const char *key, double *out, mewl_error *err)
{
    const char *text = mewl_model_note(model, key);
    if (text == NULL) {
        return MEWL_OK;
    }
    char *end = NULL;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "the model's note \"%s\" is `%.64s`, which is no number", key, text);
    }
    *out = number;
    return MEWL_OK;
}

mewl_status mewl_session_episode_opts(mewl_episode_opts *out, const mewl_model *model, mewl_error *err)
{
    mewl_episode_opts o = mewl_episode_defaults();
    double threshold = (double)o.threshold, margin = (double)o.margin, hysteresis = (double)o.hysteresis;
    double ceiling = (double)o.ceiling, quantile = (double)o.quantile, smooth = o.smooth_frames;
    const struct {
        const char *key;
        double *value;
    } rows[] = {
        {"threshold", &threshold},
        {"episode.threshold", &threshold},
        {"episode.margin", &margin},
        {"episode.hysteresis", &hysteresis},
        {"episode.ceiling", &ceiling},
        {"episode.quantile", &quantile},
        {"episode.smooth_frames", &smooth},
        {"episode.background_s", &o.background_s},
        {"episode.attack_s", &o.attack_s},
        {"episode.min_s", &o.min_s},
        {"episode.merge_gap_s", &o.merge_gap_s},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        MEWL_TRY(take_note(model, rows[i].key, rows[i].value, err));
    }
    o.threshold = (float)threshold;
    o.margin = (float)margin;
    o.hysteresis = (float)hysteresis;
    o.ceiling = (float)ceiling;
    o.quantile = (float)quantile;
    o.smooth_frames = smooth >= 1.0 && smooth <= 1000.0 ? (int)smooth : 0; /* 0 is refused by the finder */
    *out = o;
    return MEWL_OK;
}

static mewl_status make(mewl_session *s, mewl_model *model, mewl_error *err)
{
    double chunk_s = s->opts.chunk_s > 0.0 ? s->opts.chunk_s : MEWL_SESSION_CHUNK_FILE_S;
    mewl_scorer_opts scoring = {.chunk_s = chunk_s, .bf16 = s->opts.bf16};
    MEWL_TRY(mewl_scorer_new(&s->scorer, model, scoring, err));
    double rate_hz = mewl_scorer_rate_hz(s->scorer);
    s->opts.episodes.frame_s = mewl_scorer_frame_s(s->scorer);
    MEWL_TRY(mewl_episode_finder_new(&s->finder, s->opts.episodes, err));
    MEWL_TRY(mewl_resampler_new(&s->resampler, s->opts.rate_hz, rate_hz, (mewl_resample_opts){0}, err));
    mewl_hearing_init(&s->hearing, s->opts.rate_hz, s->opts.hearing);
    s->frame_samples = (size_t)lround(s->opts.episodes.frame_s * rate_hz);
    /* A block and whatever the filter may have held back before it. */
    s->sound_max = mewl_resampler_bound(s->resampler, BLOCK_FRAMES + mewl_resampler_latency(s->resampler) + 1) +
                   mewl_resampler_bound(s->resampler, 0);
    /* What the scorer can hold back, what one block can add, and what it holds until its first window is full. */
    s->level_capacity = (size_t)ceil((2.0 * mewl_scorer_latency_s(s->scorer) + 10.0) / s->opts.episodes.frame_s) +
                        s->sound_max / s->frame_samples + 2;
    s->mono = malloc(BLOCK_FRAMES * sizeof *s->mono);
    s->sound = malloc(s->sound_max * sizeof *s->sound);
    s->levels = malloc(s->level_capacity * sizeof *s->levels);
    if (s->mono == NULL || s->sound == NULL || s->levels == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a session");
    }
    return MEWL_OK;
}

mewl_status mewl_session_open(mewl_session **out, mewl_model *model, mewl_session_opts opts, mewl_session_sink sink,
                              mewl_error *err)
{
    *out = NULL;
    if (model == NULL || !(opts.rate_hz >= 1000.0 && opts.rate_hz <= 1e6)) {
        return mewl_error_set(err, MEWL_E_ARG, "the rate is %g Hz; it must be from 1000 to 1000000", opts.rate_hz);
    }
    if (opts.channels < 1 || opts.channels > 64) {
        return mewl_error_set(err, MEWL_E_ARG, "there are %d channels; it must be 1 to 64", opts.channels);
    }
    mewl_session *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a session");
    }
    s->opts = opts;
    s->sink = sink;
    mewl_status status = make(s, model, err);
    if (status != MEWL_OK) {
        mewl_session_close(s);
        return status;
    }
    *out = s;
    return MEWL_OK;
}

void mewl_session_close(mewl_session *session)
{
    if (session != NULL) {
        mewl_scorer_free(session->scorer);
        mewl_resampler_free(session->resampler);
        mewl_episode_finder_free(session->finder);
        free(session->mono);
        free(session->sound);
        free(session->levels);
        free(session);
    }
}

static void on_episode(void *user, const mewl_episode_event *event)
{
    mewl_session *s = user;
    if (s->sink.on_event == NULL) {
        return;
    }
    static const mewl_session_kind kinds[] = {[MEWL_EPISODE_START] = MEWL_SESSION_START,
                                              [MEWL_EPISODE_UPDATE] = MEWL_SESSION_UPDATE,
                                              [MEWL_EPISODE_END] = MEWL_SESSION_END};
    mewl_session_event told = {.kind = kinds[event->kind], .time_s = mewl_session_time_s(s), .episode = event->episode};
    s->sink.on_event(s->sink.user, &told);
}

static void tell_hearing(mewl_session *s)
{
    if (s->sink.on_event != NULL) {
        mewl_session_event told = {
            .kind = MEWL_SESSION_HEARING, .time_s = mewl_session_time_s(s), .hearing = mewl_hearing_now(&s->hearing)};
        s->sink.on_event(s->sink.user, &told);
    }
}

static mewl_status take_scores(void *user, size_t first, const float *logits, size_t count, mewl_error *err)
{
    (void)err;
    mewl_session *s = user;
    double start_s = cpu_s();
    float levels[SCORES_BLOCK], confidences[SCORES_BLOCK];
    for (size_t at = 0; at < count;) {
        size_t block = count - at < SCORES_BLOCK ? count - at : SCORES_BLOCK;
        for (size_t i = 0; i < block; i++) {
            levels[i] = NAN;
            if (s->level_count > 0) {
                levels[i] = s->levels[s->level_head];
                s->level_head = (s->level_head + 1) % s->level_capacity;
                s->level_count--;
            }
            float logit = logits[at + i];
            confidences[i] = isnan(logit) ? 0.0f : 1.0f / (1.0f + expf(-logit));
            s->peak = fmax(s->peak, (double)confidences[i]);
        }
        if (s->sink.on_scores != NULL) {
            double first_s = s->base_s + (double)(first + at) * s->opts.episodes.frame_s;
            s->sink.on_scores(s->sink.user, first_s, confidences, block);
        }
        mewl_episode_push(s->finder, logits + at, levels, block, on_episode, s);
        at += block;
    }
    s->detect_s += cpu_s() - start_s;
    return MEWL_OK;
}

static void measure_levels(mewl_session *s, const float *sound, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t left = s->frame_samples - s->frame_held;
        size_t block = count - at < left ? count - at : left;
        double power = 0.0;
        for (size_t i = at; i < at + block; i++) {
            power += (double)sound[i] * (double)sound[i];
        }
        s->power_sum += power;
        s->sample_count += (double)block;
        s->frame_power += power;
        s->frame_held += block;
        at += block;
        if (s->frame_held == s->frame_samples) {
            float level =
                s->frame_power > 0.0 ? (float)(10.0 * log10(s->frame_power / (double)s->frame_samples)) : -INFINITY;
            if (s->level_count < s->level_capacity) {
                s->levels[(s->level_head + s->level_count) % s->level_capacity] = level;
                s->level_count++;
            }
            s->frame_held = 0;
            s->frame_power = 0.0;
        }
    }
}

static mewl_status hear_sound(mewl_session *s, size_t count, mewl_error *err)
{
    measure_levels(s, s->sound, count);
    if (s->sink.on_sound != NULL && count > 0) {
        s->sink.on_sound(s->sink.user, s->sound, count);
    }
    return mewl_scorer_push(s->scorer, s->sound, count, take_scores, s, err);
}

/* Mean over channels; what is not finite becomes 0 before it can spoil a filter. */
static void mix_down(float *mono, const float *interleaved, size_t frames, int channels)
{
    if (channels == 1) {
        for (size_t i = 0; i < frames; i++) {
            mono[i] = isfinite(interleaved[i]) ? interleaved[i] : 0.0f;
        }
        return;
    }
    for (size_t i = 0; i < frames; i++) {
        float sum = 0.0f;
        for (int c = 0; c < channels; c++) {
            float x = interleaved[i * (size_t)channels + (size_t)c];
            sum += isfinite(x) ? x : 0.0f;
        }
        mono[i] = isfinite(sum) ? sum / (float)channels : 0.0f;
    }
}

mewl_status mewl_session_push(mewl_session *s, const float *interleaved, size_t frames, mewl_error *err)
{
    if (s->finished) {
        return mewl_error_set(err, MEWL_E_STATE, "sound was pushed after the end of the stream");
    }
    while (frames > 0) {
        /* A block is also at most a second, as the hearing check wants it. */
        size_t second = (size_t)s->opts.rate_hz;
        size_t most = second < BLOCK_FRAMES ? second : BLOCK_FRAMES;
        size_t block = frames < most ? frames : most;
        mix_down(s->mono, interleaved, block, s->opts.channels);
        s->in_gap = false;
        s->pushed += block;
        if (mewl_hearing_push(&s->hearing, s->mono, block)) {
            tell_hearing(s);
        }
        size_t got = 0;
        double start_s = cpu_s();
        mewl_status status = mewl_resampler_run(s->resampler, s->sound, s->sound_max, &got, s->mono, block, err);
        s->resample_s += cpu_s() - start_s;
        MEWL_TRY(status);
        MEWL_TRY(hear_sound(s, got, err));
        interleaved += block * (size_t)s->opts.channels;
        frames -= block;
    }
    return MEWL_OK;
}

/* Everything that was pushed so far is scored; the chain is ready for sound that does not join on. */
static mewl_status flush(mewl_session *s, mewl_error *err)
{
    size_t got = 0;
    MEWL_TRY(mewl_resampler_finish(s->resampler, s->sound, s->sound_max, &got, err));
    MEWL_TRY(hear_sound(s, got, err));
    MEWL_TRY(mewl_scorer_finish(s->scorer, take_scores, s, err));
    mewl_episode_finish(s->finder, on_episode, s);
    mewl_resampler_reset(s->resampler);
    s->level_head = 0;
    s->level_count = 0;
    s->frame_held = 0;
    s->frame_power = 0.0;
    return MEWL_OK;
}

mewl_status mewl_session_gap(mewl_session *s, double seconds, mewl_error *err)
{
    if (s->finished) {
        return mewl_error_set(err, MEWL_E_STATE, "a gap was told after the end of the stream");
    }
    if (!(seconds >= 0.0 && seconds <= 1e9)) {
        return mewl_error_set(err, MEWL_E_ARG, "a gap of %g s; it must be from 0 to 1e9", seconds);
    }
    if (!s->in_gap) {
        MEWL_TRY(flush(s, err));
        s->in_gap = true;
    }
    s->base_s = mewl_session_time_s(s) + seconds;
    s->pushed = 0;
    mewl_episode_gap(s->finder, s->base_s, on_episode, s);
    if (mewl_hearing_gap(&s->hearing, seconds)) {
        tell_hearing(s);
    }
    return MEWL_OK;
}

mewl_status mewl_session_finish(mewl_session *s, mewl_error *err)
{
    if (s->finished) {
        return mewl_error_set(err, MEWL_E_STATE, "the stream has already ended");
    }
    s->finished = true;
    return s->in_gap ? MEWL_OK : flush(s, err);
}

double mewl_session_time_s(const mewl_session *session)
{
    return session->base_s + (double)session->pushed / session->opts.rate_hz;
}

double mewl_session_frame_s(const mewl_session *session)
{
    return session->opts.episodes.frame_s;
}

double mewl_session_rate_hz(const mewl_session *session)
{
    return mewl_scorer_rate_hz(session->scorer);
}

double mewl_session_start_latency_s(const mewl_session *session)
{
    double filter_s = (double)mewl_resampler_latency(session->resampler) / session->opts.rate_hz;
    return filter_s + mewl_scorer_latency_s(session->scorer) + mewl_episode_start_latency_s(session->finder);
}

double mewl_session_end_latency_s(const mewl_session *session)
{
    double filter_s = (double)mewl_resampler_latency(session->resampler) / session->opts.rate_hz;
    return filter_s + mewl_scorer_latency_s(session->scorer) + mewl_episode_end_latency_s(session->finder);
}

double mewl_session_peak(const mewl_session *session)
{
    return session->peak;
}

double mewl_session_level_dbfs(const mewl_session *session)
{
    return session->power_sum > 0.0 ? 10.0 * log10(session->power_sum / session->sample_count) : -INFINITY;
}

mewl_session_cost mewl_session_cost_s(const mewl_session *session)
{
    mewl_session_cost cost = {.resample_s = session->resample_s, .detect_s = session->detect_s};
    mewl_scorer_cost_s(session->scorer, &cost.front_end_s, &cost.net_s);
    return cost;
}
