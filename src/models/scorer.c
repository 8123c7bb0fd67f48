/* scorer.c - see scorer.h. Feature frames gather in one window; a full window is run through the net, the output frames
 * that saw all they can see are handed out, and the window moves on by exactly the input of those. */
#include "models/scorer.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dsp/frontend.h"
#include "models/cry.h"
#include "models/model.h"

#define CHUNK_DEFAULT_S 10.0
#define CHUNK_MIN_S 0.08
#define CHUNK_MAX_S 60.0
#define BLOCK_SAMPLES 4096u
#define WINDOW_FLOATS_MAX (64u << 20)

struct mewl_scorer {
    mewl_model *model;
    mewl_frontend *front_end;
    size_t bands, hop;
    int64_t classes, cry;     /* which of the classes is the cry */
    size_t step, left, right; /* reach of an output frame, input frames */
    size_t window_frames;     /* input frames run at a time */

    float *window;      /* window_frames x bands */
    size_t first, held; /* stream index of its first frame (a multiple of step); frames in it */
    size_t scored;      /* output frames handed out */
    float *logits;      /* of one run: output frames x classes */
    float block[BLOCK_SAMPLES];
    double front_end_s, net_s;
};

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t round_up(size_t value, size_t step)
{
    return (value + step - 1) / step * step;
}

static int64_t find_cry(const mewl_model *model, int64_t classes)
{
    if (classes == 1) {
        return 0;
    }
    for (size_t i = 0; mewl_cry_label(i) != NULL; i++) {
        int64_t index = mewl_model_label_find(model, mewl_cry_label(i));
        if (index >= 0) {
            return index;
        }
    }
    return -1;
}

/* Reads the model's shape and fixes the window for chunks of `chunk_s`. */
static mewl_status measure(mewl_scorer *s, double chunk_s, mewl_error *err)
{
    const mewl_model_config *config = mewl_model_configuration(s->model);
    int64_t step = 0, left = 0, right = 0;
    if (!mewl_model_reach(s->model, &step, &left, &right) || step < 1 || left < 0 || right < 0) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "the model (%s) scores whole clips, not frames: no cry can be "
                              "placed in time with it",
                              config->arch);
    }
    s->classes = config->classes;
    s->cry = find_cry(s->model, config->classes);
    if (s->cry < 0) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "the model has %lld classes and none is called `cry`",
                              (long long)config->classes);
    }
    MEWL_TRY(mewl_frontend_new(&s->front_end, config->front_end, err));
    s->bands = mewl_frontend_bands(s->front_end);
    s->hop = mewl_frontend_hop_samples(s->front_end);
    if ((int64_t)s->bands != config->bands || mewl_frontend_is_clipwide(s->front_end)) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "the model's front end (%s, %lld bands) cannot be streamed",
                              config->front_end, (long long)config->bands);
    }
    s->step = (size_t)step;
    s->left = (size_t)left;
    s->right = (size_t)right;
    double frame_s = mewl_scorer_frame_s(s);
    size_t chunk = (size_t)fmax(1.0, floor(chunk_s / frame_s + 1e-6)) * s->step;
    s->window_frames =
        round_up(s->left, s->step) + chunk + round_up(s->right + 1 > s->step ? s->right + 1 - s->step : 0, s->step);
    size_t least = round_up((size_t)mewl_model_frames_min(s->model), s->step);
    s->window_frames = s->window_frames > least ? s->window_frames : least;
    if (s->window_frames > WINDOW_FLOATS_MAX / s->bands ||
        s->window_frames / s->step + 1 > WINDOW_FLOATS_MAX / (size_t)s->classes) {
        return mewl_error_set(err, MEWL_E_MEMORY, "chunks of %g s are too large for this model", chunk_s);
    }
    return MEWL_OK;
}

mewl_status mewl_scorer_new(mewl_scorer **out, mewl_model *model, mewl_scorer_opts opts, mewl_error *err)
{
    *out = NULL;
    double chunk_s = opts.chunk_s > 0.0 ? opts.chunk_s : CHUNK_DEFAULT_S;
    if (model == NULL || !(chunk_s >= CHUNK_MIN_S && chunk_s <= CHUNK_MAX_S) || isnan(opts.chunk_s)) {
        return mewl_error_set(err, MEWL_E_ARG, "chunk_s is %g; it must be from %g to %g", opts.chunk_s, CHUNK_MIN_S,
                              CHUNK_MAX_S);
    }
    mewl_scorer *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a scorer");
    }
    s->model = model;
    mewl_status status = measure(s, chunk_s, err);
    if (status == MEWL_OK) {
        mewl_model_mode mode = {.training = false, .bf16 = opts.bf16 != 0, .threads = 1};
        status = mewl_model_plan(model, mode, err);
    }
    if (status == MEWL_OK) {
        s->window = malloc(s->window_frames * s->bands * sizeof *s->window);
        s->logits = malloc((s->window_frames / s->step + 1) * (size_t)s->classes * sizeof *s->logits);
        if (s->window == NULL || s->logits == NULL) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for chunks of %g s", chunk_s);
        }
    }
    if (status != MEWL_OK) {
        mewl_scorer_free(s);
        return status;
    }
    *out = s;
    return MEWL_OK;
}

void mewl_scorer_free(mewl_scorer *scorer)
{
    if (scorer != NULL) {
        mewl_frontend_free(scorer->front_end);
        free(scorer->window);
        free(scorer->logits);
        free(scorer);
    }
}

double mewl_scorer_rate_hz(const mewl_scorer *scorer)
{
    return mewl_frontend_rate_hz(scorer->front_end);
}

double mewl_scorer_frame_s(const mewl_scorer *scorer)
{
    return (double)(scorer->step * scorer->hop) / mewl_scorer_rate_hz(scorer);
}

double mewl_scorer_latency_s(const mewl_scorer *scorer)
{
    /* A frame waits until its window is full: at worst from its own start to the window's end, which is the chunk, what
     * the last frame of the chunk sees after it, and the front end's own delay. */
    size_t frames = scorer->window_frames - round_up(scorer->left, scorer->step);
    size_t samples = frames * scorer->hop + mewl_frontend_latency_samples(scorer->front_end);
    return (double)samples / mewl_scorer_rate_hz(scorer) + mewl_frontend_frame_time_s(scorer->front_end, 0);
}

/* Runs the window; hands out the output frames from `scored` up to `end` (stream index, exclusive). */
static mewl_status run_window(mewl_scorer *s, size_t end, mewl_scorer_fn on_scores, void *user, mewl_error *err)
{
    size_t outputs = (size_t)mewl_model_output_frames(s->model, (int64_t)s->held);
    size_t begin = s->first / s->step;
    if (end > begin + outputs) {
        end = begin + outputs;
    }
    if (end <= s->scored) {
        return MEWL_OK;
    }
    double start_s = cpu_s();
    mewl_status status = mewl_model_forward(s->model, s->window, 1, (int64_t)s->held, NULL, s->logits, NULL, err);
    s->net_s += cpu_s() - start_s;
    MEWL_TRY(status);
    float *mine = s->logits + (s->scored - begin) * (size_t)s->classes;
    size_t count = end - s->scored;
    for (size_t i = 0; i < count; i++) {
        mine[i] = mine[i * (size_t)s->classes + (size_t)s->cry];
    }
    size_t first = s->scored;
    s->scored = end;
    return on_scores(user, first, mine, count, err);
}

/* A full window: score it, then drop the input that no coming output frame sees. */
static mewl_status turn_window(mewl_scorer *s, mewl_scorer_fn on_scores, void *user, mewl_error *err)
{
    size_t seen = s->first + s->held; /* input frames of the stream so far */
    size_t end = seen > s->right ? (seen - s->right - 1) / s->step + 1 : 0;
    MEWL_TRY(run_window(s, end, on_scores, user, err));
    /* The next output frame sees from scored * step - left on. As the stream may end at any frame, the last window is
     * made of what is kept here and what still comes, so that nothing more has to be kept. */
    size_t need = s->scored * s->step > s->left ? (s->scored * s->step - s->left) / s->step * s->step : 0;
    size_t drop = need - s->first;
    memmove(s->window, s->window + drop * s->bands, (s->held - drop) * s->bands * sizeof *s->window);
    s->first += drop;
    s->held -= drop;
    return MEWL_OK;
}

static mewl_status drain(mewl_scorer *s, mewl_scorer_fn on_scores, void *user, mewl_error *err)
{
    for (;;) {
        size_t got = 0;
        double start_s = cpu_s();
        mewl_frontend_pull(s->front_end, s->window + s->held * s->bands, s->window_frames - s->held, &got);
        s->front_end_s += cpu_s() - start_s;
        if (got == 0) {
            return MEWL_OK;
        }
        s->held += got;
        if (s->held == s->window_frames) {
            MEWL_TRY(turn_window(s, on_scores, user, err));
        }
    }
}

mewl_status mewl_scorer_push(mewl_scorer *scorer, const float *samples, size_t count, mewl_scorer_fn on_scores,
                             void *user, mewl_error *err)
{
    while (count > 0) {
        size_t block = count < BLOCK_SAMPLES ? count : BLOCK_SAMPLES;
        for (size_t i = 0; i < block; i++) {
            scorer->block[i] = isfinite(samples[i]) ? samples[i] : 0.0f;
        }
        size_t done = 0;
        while (done < block) {
            size_t taken = 0;
            double start_s = cpu_s();
            mewl_status status = mewl_frontend_push(scorer->front_end, &taken, scorer->block + done, block - done, err);
            scorer->front_end_s += cpu_s() - start_s;
            MEWL_TRY(status);
            done += taken;
            MEWL_TRY(drain(scorer, on_scores, user, err));
        }
        samples += block;
        count -= block;
    }
    return MEWL_OK;
}

mewl_status mewl_scorer_finish(mewl_scorer *scorer, mewl_scorer_fn on_scores, void *user, mewl_error *err)
{
    mewl_frontend_finish(scorer->front_end);
    mewl_status status = drain(scorer, on_scores, user, err);
    if (status == MEWL_OK && (int64_t)scorer->held >= mewl_model_frames_min(scorer->model)) {
        status = run_window(scorer, SIZE_MAX, on_scores, user, err);
    }
    mewl_scorer_reset(scorer);
    return status;
}

void mewl_scorer_reset(mewl_scorer *scorer)
{
    mewl_frontend_reset(scorer->front_end);
    scorer->first = 0;
    scorer->held = 0;
    scorer->scored = 0;
}

void mewl_scorer_cost_s(const mewl_scorer *scorer, double *front_end_s, double *net_s)
{
    *front_end_s = scorer->front_end_s;
    *net_s = scorer->net_s;
}
