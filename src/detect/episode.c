/* episode.c - see episode.h. Each pushed frame waits in the median's window; `judge` then sees frames one by one, in
 * order, which is why the cut into calls cannot matter. */
#include "detect/episode.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LOGIT_LIMIT 30.0f
#define SMOOTH_MAX 31
#define BINS 256 /* of the background's histogram, one eighth of a logit wide */
#define BIN_LOGITS 0.125f
#define BIN_FIRST (-16.0f) /* lower edge of bin 0: what counts as quiet */
#define FRAMES_MAX 1000000u

/* Mean power of frames, without the ones whose level is unknown. */
typedef struct loudness {
    double power;
    size_t count;
} loudness;

struct mewl_episode_finder {
    mewl_episode_opts opts;
    float threshold_logit, ceiling_logit;
    size_t min_frames, gap_frames, attack_frames, update_frames, window_frames;

    double base_s;                                /* time of frame 0 since the start or the last gap */
    size_t pushed;                                /* frames pushed since then */
    size_t judged;                                /* of these judged; the rest waits for the median */
    float logits[SMOOTH_MAX], levels[SMOOTH_MAX]; /* frame i is at i % smooth_frames */

    uint8_t *bins; /* the last window_frames judged frames, as bins */
    size_t bin_at;
    uint32_t histogram[BINS];
    float background;

    size_t low_count; /* frames >= off in a row up to the last judged one */
    bool running;     /* a run goes on: */
    size_t run_start; /* its first frame */
    bool run_counts;  /* it has lasted min_s and belongs to the open episode */
    loudness run_loudness;
    float *window; /* its last min_frames probabilities */
    size_t window_count;
    double window_sum;
    float run_confidence;

    bool open; /* an episode was told and not ended: */
    size_t episode_start, episode_last, next_update;
    loudness episode_loudness;
    float episode_confidence;
};

mewl_episode_opts mewl_episode_defaults(void)
{
    return (mewl_episode_opts){.frame_s = 0.08,
                               .threshold = 0.5f,
                               .margin = 2.0f,
                               .hysteresis = 1.0f,
                               .ceiling = 0.99f,
                               .quantile = 0.15f,
                               .background_s = 60.0,
                               .attack_s = 0.16,
                               .min_s = 0.24,
                               .merge_gap_s = 1.0,
                               .update_s = 0.0,
                               .smooth_frames = 3};
}

static float logit_of(float probability)
{
    return logf(probability / (1.0f - probability));
}

static float probability_of(float logit)
{
    return 1.0f / (1.0f + expf(-logit));
}

/* Frames in `seconds`, rounded up or down but not by the last digits of a decimal fraction. */
static size_t frames_up(double seconds, double frame_s)
{
    return (size_t)ceil(seconds / frame_s - 1e-6);
}

static size_t frames_down(double seconds, double frame_s)
{
    return (size_t)floor(seconds / frame_s + 1e-6);
}

static mewl_status check(const mewl_episode_opts *o, mewl_error *err)
{
    const struct {
        const char *name;
        double value, low, high;
    } rows[] = {
        {"frame_s", o->frame_s, 1e-4, 60.0},
        {"threshold", o->threshold, 1e-6, 1.0 - 1e-6},
        {"margin", o->margin, 0.0, 30.0},
        {"hysteresis", o->hysteresis, 0.0, 30.0},
        {"ceiling", o->ceiling, 1e-6, 1.0 - 1e-6},
        {"quantile", o->quantile, 1e-3, 1.0 - 1e-3},
        {"background_s", o->background_s, 0.0, 3600.0},
        {"attack_s", o->attack_s, 0.0, 10.0},
        {"min_s", o->min_s, 0.0, 60.0},
        {"merge_gap_s", o->merge_gap_s, 0.0, 3600.0},
        {"update_s", o->update_s, 0.0, 3600.0},
        {"smooth_frames", o->smooth_frames, 1.0, SMOOTH_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!(rows[i].value >= rows[i].low && rows[i].value <= rows[i].high)) {
            return mewl_error_set(err, MEWL_E_ARG, "%s is %g; it must be from %g to %g", rows[i].name, rows[i].value,
                                  rows[i].low, rows[i].high);
        }
    }
    if (o->smooth_frames % 2 == 0) {
        return mewl_error_set(err, MEWL_E_ARG, "smooth_frames is %d; it must be odd", o->smooth_frames);
    }
    if (o->background_s / o->frame_s > FRAMES_MAX || o->min_s / o->frame_s > FRAMES_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "frames of %g s are too short for the spans asked for", o->frame_s);
    }
    return MEWL_OK;
}

mewl_status mewl_episode_finder_new(mewl_episode_finder **out, mewl_episode_opts opts, mewl_error *err)
{
    *out = NULL;
    MEWL_TRY(check(&opts, err));
    mewl_episode_finder *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for an episode finder");
    }
    f->opts = opts;
    f->threshold_logit = logit_of(opts.threshold);
    f->ceiling_logit = fmaxf(logit_of(opts.ceiling), f->threshold_logit);
    f->min_frames = frames_up(opts.min_s, opts.frame_s);
    f->min_frames = f->min_frames > 0 ? f->min_frames : 1;
    f->gap_frames = frames_down(opts.merge_gap_s, opts.frame_s);
    f->attack_frames = frames_down(opts.attack_s, opts.frame_s);
    f->update_frames = opts.update_s > 0.0 ? frames_up(opts.update_s, opts.frame_s) : 0;
    f->window_frames = frames_up(opts.background_s, opts.frame_s);
    f->background = BIN_FIRST;
    f->histogram[0] = (uint32_t)f->window_frames;
    f->bins = calloc(f->window_frames + 1, sizeof *f->bins);
    f->window = calloc(f->min_frames, sizeof *f->window);
    if (f->bins == NULL || f->window == NULL) {
        mewl_episode_finder_free(f);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for an episode finder");
    }
    *out = f;
    return MEWL_OK;
}

void mewl_episode_finder_free(mewl_episode_finder *finder)
{
    if (finder != NULL) {
        free(finder->bins);
        free(finder->window);
        free(finder);
    }
}

static void loudness_add(loudness *sum, float level_dbfs)
{
    if (!isnan(level_dbfs)) {
        sum->power += pow(10.0, fmin(level_dbfs, 200.0) / 10.0);
        sum->count++;
    }
}

static void loudness_join(loudness *sum, const loudness *more)
{
    sum->power += more->power;
    sum->count += more->count;
}

static void tell(mewl_episode_finder *f, mewl_episode_kind kind, mewl_episode_fn on_event, void *user)
{
    const loudness *l = &f->episode_loudness;
    mewl_episode_event event = {
        .kind = kind,
        .episode = {.onset_s = f->base_s + (double)f->episode_start * f->opts.frame_s,
                    .offset_s = f->base_s + (double)(f->episode_last + 1) * f->opts.frame_s,
                    .confidence =
                        f->run_counts ? fmaxf(f->episode_confidence, f->run_confidence) : f->episode_confidence,
                    .level_dbfs = l->count > 0 ? (float)(10.0 * log10(l->power / (double)l->count)) : NAN}};
    if (on_event != NULL) {
        on_event(user, &event);
    }
}

static void close_episode(mewl_episode_finder *f, mewl_episode_fn on_event, void *user)
{
    if (f->open) {
        f->open = false;
        tell(f, MEWL_EPISODE_END, on_event, user);
    }
}

float mewl_episode_on_logit(const mewl_episode_finder *f)
{
    return fminf(fmaxf(f->threshold_logit, f->background + f->opts.margin), f->ceiling_logit);
}

float mewl_episode_background_logit(const mewl_episode_finder *f)
{
    return f->background;
}

static void learn_background(mewl_episode_finder *f, float logit)
{
    if (f->window_frames == 0) {
        return;
    }
    float place = (logit - BIN_FIRST) / BIN_LOGITS;
    uint8_t bin = place <= 0.0f ? 0 : place >= BINS - 1 ? BINS - 1 : (uint8_t)place;
    f->histogram[f->bins[f->bin_at]]--;
    f->histogram[bin]++;
    f->bins[f->bin_at] = bin;
    f->bin_at = (f->bin_at + 1) % f->window_frames;
    double rank = (double)f->opts.quantile * (double)f->window_frames;
    double below = 0.0;
    int at = 0;
    for (; at < BINS - 1; at++) {
        below += f->histogram[at];
        if (below > rank) {
            break;
        }
    }
    f->background = BIN_FIRST + BIN_LOGITS * (float)at;
}

/* Frame `i` belongs to the run: its figures, and whether the run counts by now. */
static void extend_run(mewl_episode_finder *f, size_t i, float probability, float level, mewl_episode_fn on_event,
                       void *user)
{
    loudness *into = f->run_counts ? &f->episode_loudness : &f->run_loudness;
    loudness_add(into, level);
    size_t slot = f->window_count % f->min_frames;
    if (f->window_count >= f->min_frames) {
        f->window_sum -= (double)f->window[slot];
    }
    f->window[slot] = probability;
    f->window_sum += (double)probability;
    f->window_count++;
    size_t held = f->window_count < f->min_frames ? f->window_count : f->min_frames;
    float mean = (float)(f->window_sum / (double)held);
    /* A window not yet full says how sure the run is so far; from then on the surest window counts. */
    f->run_confidence = f->window_count <= f->min_frames ? mean : fmaxf(f->run_confidence, mean);

    if (!f->run_counts && i + 1 - f->run_start >= f->min_frames) {
        f->run_counts = true;
        if (!f->open) {
            f->open = true;
            f->episode_start = f->run_start;
            f->episode_last = i;
            f->episode_loudness = f->run_loudness;
            f->episode_confidence = 0.0f;
            f->next_update = i + f->update_frames;
            tell(f, MEWL_EPISODE_START, on_event, user);
        } else {
            loudness_join(&f->episode_loudness, &f->run_loudness);
        }
    }
    if (f->run_counts) {
        f->episode_last = i;
    }
}

static void end_run(mewl_episode_finder *f)
{
    if (f->running && f->run_counts) {
        f->episode_confidence = fmaxf(f->episode_confidence, f->run_confidence);
    }
    f->running = false;
    f->run_counts = false;
}

static void judge(mewl_episode_finder *f, size_t i, float logit, float level, mewl_episode_fn on_event, void *user)
{
    const float on = mewl_episode_on_logit(f);
    const bool above_off = logit >= on - f->opts.hysteresis;
    if (!above_off) {
        end_run(f);
    }
    if (!f->running && logit >= on) {
        size_t back = f->low_count < f->attack_frames ? f->low_count : f->attack_frames;
        if (f->open && i - back > f->episode_last + 1 + f->gap_frames) {
            close_episode(f, on_event, user);
        }
        f->running = true;
        f->run_start = i - back;
        f->run_counts = false;
        f->run_loudness = (loudness){0};
        f->window_count = 0;
        f->window_sum = 0.0;
        f->run_confidence = 0.0f;
    }
    f->low_count = above_off ? f->low_count + 1 : 0;
    if (f->running) {
        extend_run(f, i, probability_of(logit), level, on_event, user);
    } else if (f->open) {
        /* The next run can begin no earlier than this. */
        size_t back = f->low_count < f->attack_frames ? f->low_count : f->attack_frames;
        if (i + 1 - back > f->episode_last + 1 + f->gap_frames) {
            close_episode(f, on_event, user);
        }
    }
    /* In a pause nothing is told: the cry may be over, and "still crying" would be said of silence. */
    if (f->open && f->run_counts && f->update_frames > 0 && i >= f->next_update) {
        f->next_update = i + f->update_frames;
        tell(f, MEWL_EPISODE_UPDATE, on_event, user);
    }
    learn_background(f, logit);
}

/* Median of the frames around `i` that exist; of an even number the lower of the two in the middle. */
static float median_around(const mewl_episode_finder *f, size_t i)
{
    const size_t length = (size_t)f->opts.smooth_frames, half = length / 2;
    size_t first = i > half ? i - half : 0;
    size_t last = i + half < f->pushed ? i + half : f->pushed - 1;
    float sorted[SMOOTH_MAX];
    size_t count = 0;
    for (size_t k = first; k <= last; k++) {
        float x = f->logits[k % length];
        size_t at = count++;
        while (at > 0 && sorted[at - 1] > x) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = x;
    }
    return sorted[(count - 1) / 2];
}

static void judge_next(mewl_episode_finder *f, mewl_episode_fn on_event, void *user)
{
    size_t i = f->judged++;
    judge(f, i, median_around(f, i), f->levels[i % (size_t)f->opts.smooth_frames], on_event, user);
}

void mewl_episode_push(mewl_episode_finder *f, const float *logits, const float *levels_dbfs, size_t count,
                       mewl_episode_fn on_event, void *user)
{
    const size_t length = (size_t)f->opts.smooth_frames;
    for (size_t i = 0; i < count; i++) {
        float x = isnan(logits[i]) ? -LOGIT_LIMIT : fminf(fmaxf(logits[i], -LOGIT_LIMIT), LOGIT_LIMIT);
        f->logits[f->pushed % length] = x;
        f->levels[f->pushed % length] = levels_dbfs != NULL ? levels_dbfs[i] : NAN;
        f->pushed++;
        if (f->pushed - f->judged > length / 2) {
            judge_next(f, on_event, user);
        }
    }
}

void mewl_episode_finish(mewl_episode_finder *f, mewl_episode_fn on_event, void *user)
{
    while (f->judged < f->pushed) {
        judge_next(f, on_event, user);
    }
    end_run(f);
    close_episode(f, on_event, user);
    f->base_s = mewl_episode_time_s(f);
    f->pushed = 0;
    f->judged = 0;
    f->low_count = 0;
}

void mewl_episode_gap(mewl_episode_finder *f, double time_s, mewl_episode_fn on_event, void *user)
{
    mewl_episode_finish(f, on_event, user);
    if (isfinite(time_s) && time_s > f->base_s) {
        f->base_s = time_s;
    }
}

double mewl_episode_time_s(const mewl_episode_finder *f)
{
    return f->base_s + (double)f->pushed * f->opts.frame_s;
}

double mewl_episode_start_latency_s(const mewl_episode_finder *f)
{
    /* A run that begins before its surest frame has lasted that long already when that frame comes. */
    size_t longer = f->attack_frames + 1 > f->min_frames ? f->attack_frames + 1 : f->min_frames;
    return (double)(longer + (size_t)f->opts.smooth_frames / 2) * f->opts.frame_s;
}

double mewl_episode_end_latency_s(const mewl_episode_finder *f)
{
    size_t after = f->gap_frames + 1 + f->attack_frames + f->min_frames + (size_t)f->opts.smooth_frames / 2;
    return (double)after * f->opts.frame_s;
}

typedef struct collector {
    mewl_episode *episodes;
    size_t count, capacity;
    bool failed;
} collector;

static void collect(void *user, const mewl_episode_event *event)
{
    collector *c = user;
    if (event->kind != MEWL_EPISODE_END || c->failed) {
        return;
    }
    if (c->count == c->capacity) {
        size_t capacity = c->capacity > 0 ? 2 * c->capacity : 16;
        mewl_episode *grown = realloc(c->episodes, capacity * sizeof *grown);
        if (grown == NULL) {
            c->failed = true;
            return;
        }
        c->episodes = grown;
        c->capacity = capacity;
    }
    c->episodes[c->count++] = event->episode;
}

mewl_status mewl_episode_find(mewl_episode **episodes, size_t *episode_count, const float *logits,
                              const float *levels_dbfs, size_t count, mewl_episode_opts opts, mewl_error *err)
{
    *episodes = NULL;
    *episode_count = 0;
    mewl_episode_finder *finder = NULL;
    MEWL_TRY(mewl_episode_finder_new(&finder, opts, err));
    collector c = {0};
    mewl_episode_push(finder, logits, levels_dbfs, count, collect, &c);
    mewl_episode_finish(finder, collect, &c);
    mewl_episode_finder_free(finder);
    if (c.failed) {
        free(c.episodes);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu episodes", c.count);
    }
    *episodes = c.episodes;
    *episode_count = c.count;
    return MEWL_OK;
}
