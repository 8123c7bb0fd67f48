/* system.c - the detectors under comparison. */
#include "lab/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/resample.h"
#include "dsp/frontend.h"
#include "models/scorer.h"
#include "models/teacher.h"

#define SECONDS_MAX 600.0
#define FRAME_S 0.08
#define CLIP_FRAMES 20 /* 1.6 s: of a cry's bursts; longer than most other calls */
#define CLIP_LOGIT 6.0
#define MEAN_FRAMES 5 /* 0.4 s: shorter than any cry, longer than a click */
#define LOGIT_MAX 30.0F
#define MN04_WINDOW_S 10.0 /* AudioSet's clip length */
#define MN04_HOP_S 5.0

struct mewl_system {
    mewl_system_kind kind;
    double rate_hz;
    mewl_model *model; /* borrowed */
    int64_t label;
    mewl_scorer *scorer;  /* framewise models */
    mewl_frontend *front; /* clip-wise models */
    mewl_teacher *teacher;
    size_t cry[2]; /* the teacher's two classes */
    float *logits; /* over time */
    size_t frames, room;
};

static float logit_of(double p)
{
    double l = log(p) - log1p(-p);
    return isnan(l) ? -LOGIT_MAX : (float)fmin(LOGIT_MAX, fmax(-LOGIT_MAX, l));
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

void mewl_system_close(mewl_system *s)
{
    if (s == NULL) {
        return;
    }
    mewl_scorer_free(s->scorer);
    mewl_frontend_free(s->front);
    mewl_teacher_close(s->teacher);
    free(s->logits);
    free(s);
}

static mewl_status make(mewl_system **out, mewl_system_kind kind, mewl_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a system to evaluate");
    }
    (*out)->kind = kind;
    (*out)->rate_hz = 16000;
    return MEWL_OK;
}

static mewl_status attach_model(mewl_system *s, mewl_model *model, const char *label, mewl_error *err)
{
    const mewl_model_config *config = mewl_model_configuration(model);
    s->model = model;
    s->label = config->classes == 1 && label == NULL ? 0 : mewl_model_label_find(model, label == NULL ? "cry" : label);
    if (s->label < 0) {
        return mewl_error_set(err, MEWL_E_NOT_FOUND, "the model has no class `%s`", label == NULL ? "cry" : label);
    }
    if (config->framewise) {
        MEWL_TRY(mewl_scorer_new(&s->scorer, model, (mewl_scorer_opts){.chunk_s = 10}, err));
        s->rate_hz = mewl_scorer_rate_hz(s->scorer);
        return MEWL_OK;
    }
    MEWL_TRY(mewl_frontend_new(&s->front, config->front_end, err));
    s->rate_hz = mewl_frontend_rate_hz(s->front);
    return mewl_model_plan(model, (mewl_model_mode){.threads = 1}, err);
}

mewl_status mewl_system_open_model(mewl_system **out, mewl_model *model, const char *label, mewl_error *err)
{
    MEWL_TRY(make(out, MEWL_SYSTEM_MODEL, err));
    mewl_status status = attach_model(*out, model, label, err);
    if (status != MEWL_OK) {
        mewl_system_close(*out);
        *out = NULL;
    }
    return status;
}

static mewl_status attach_teacher(mewl_system *s, const char *path, mewl_error *err)
{
    const char *const wanted[2] = {"Crying, sobbing", "Baby cry, infant cry"};
    MEWL_TRY(mewl_teacher_open(&s->teacher, s->kind == MEWL_SYSTEM_YAMNET ? "yamnet" : "mn04", path, err));
    s->rate_hz = mewl_teacher_rate_hz(s->teacher);
    for (size_t w = 0; w < 2; w++) {
        size_t classes = mewl_teacher_classes(s->teacher);
        size_t k = 0;
        while (k < classes && strcmp(mewl_teacher_label(s->teacher, k), wanted[w]) != 0) {
            k++;
        }
        if (k == classes) {
            return mewl_error_set(err, MEWL_E_NOT_FOUND, "%s has no class `%s`", path, wanted[w]);
        }
        s->cry[w] = k;
    }
    return MEWL_OK;
}

mewl_status mewl_system_open_teacher(mewl_system **out, mewl_system_kind kind, const char *path, mewl_error *err)
{
    *out = NULL;
    if (kind != MEWL_SYSTEM_YAMNET && kind != MEWL_SYSTEM_MN04) {
        return mewl_error_set(err, MEWL_E_ARG, "only YAMNet and mn04 are teachers");
    }
    MEWL_TRY(make(out, kind, err));
    mewl_status status = attach_teacher(*out, path, err);
    if (status != MEWL_OK) {
        mewl_system_close(*out);
        *out = NULL;
    }
    return status;
}

mewl_status mewl_system_open_energy(mewl_system **out, mewl_error *err)
{
    return make(out, MEWL_SYSTEM_ENERGY, err);
}

mewl_system_kind mewl_system_get_kind(const mewl_system *s)
{
    return s->kind;
}

const char *mewl_system_name(const mewl_system *s)
{
    static const char *const names[] = {"mewl", "yamnet", "mn04", "energy"};
    return names[s->kind];
}

static mewl_status make_room(mewl_system *s, size_t frames, mewl_error *err)
{
    if (frames <= s->room) {
        return MEWL_OK;
    }
    float *logits = realloc(s->logits, frames * sizeof *logits);
    if (logits == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu frame scores", frames);
    }
    s->logits = logits;
    s->room = frames;
    return MEWL_OK;
}

/* Highest mean logit over CLIP_FRAMES frames (over all of them in a shorter clip). Logits are cut at +-CLIP_LOGIT
 * first, so that a moment of great certainty (a meow) cannot stand for a second and a half of crying. Chosen on the
 * validation side of detect.ini among spans of 0.4 to 3 s. */
static double evidence_of(const float *logits, size_t frames)
{
    const size_t span = frames < CLIP_FRAMES ? frames : CLIP_FRAMES;
    double best = -CLIP_LOGIT;
    double sum = 0;
    for (size_t i = 0; i < frames; i++) {
        sum += fmin(CLIP_LOGIT, fmax(-CLIP_LOGIT, logits[i]));
        if (i >= span) {
            sum -= fmin(CLIP_LOGIT, fmax(-CLIP_LOGIT, logits[i - span]));
        }
        if (i + 1 >= span) {
            best = fmax(best, sum / (double)span);
        }
    }
    return best;
}

static mewl_status take_logits(void *user, size_t first, const float *logits, size_t count, mewl_error *err)
{
    mewl_system *s = user;
    (void)first;
    if (s->frames + count > s->room) {
        MEWL_TRY(make_room(s, 2 * (s->frames + count), err));
    }
    memcpy(s->logits + s->frames, logits, count * sizeof *logits);
    s->frames += count;
    return MEWL_OK;
}

static mewl_status score_framewise(mewl_system *s, mewl_track *out, const float *samples, size_t count, mewl_error *err)
{
    s->frames = 0;
    mewl_scorer_reset(s->scorer);
    MEWL_TRY(mewl_scorer_push(s->scorer, samples, count, take_logits, s, err));
    MEWL_TRY(mewl_scorer_finish(s->scorer, take_logits, s, err));
    out->logit = (float)evidence_of(s->logits, s->frames);
    out->score = sigmoid(out->logit);
    out->logits = s->logits;
    out->frames = s->frames;
    out->frame_s = mewl_scorer_frame_s(s->scorer);
    return MEWL_OK;
}

static mewl_status score_clipwise(mewl_system *s, mewl_track *out, const float *samples, size_t count, mewl_error *err)
{
    size_t frames = mewl_frontend_frame_count(s->front, count);
    int64_t least = mewl_model_frames_min(s->model);
    size_t padded = frames < (size_t)least ? (size_t)least : frames;
    size_t bands = mewl_frontend_bands(s->front);
    int64_t classes = mewl_model_configuration(s->model)->classes;
    float *features = calloc(padded * bands, sizeof *features);
    float *logits = calloc((size_t)classes, sizeof *logits);
    mewl_status status = MEWL_OK;
    if (features == NULL || logits == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu frames", padded);
    }
    if (status == MEWL_OK) {
        status = mewl_frontend_run(s->front, features, samples, count, err);
    }
    for (size_t t = frames; status == MEWL_OK && frames > 0 && t < padded; t++) {
        memcpy(features + t * bands, features + (t - frames) * bands, bands * sizeof *features); /* repeat the clip */
    }
    if (status == MEWL_OK) {
        status = mewl_model_forward(s->model, features, 1, (int64_t)padded, logits, NULL, NULL, err);
    }
    if (status == MEWL_OK) {
        out->logit = logits[s->label];
        if (classes > 1) { /* log odds of the class against all others */
            double others = -INFINITY;
            for (int64_t k = 0; k < classes; k++) {
                if (k != s->label) {
                    others = fmax(others, logits[k]) + log1p(exp(-fabs(others - logits[k])));
                }
            }
            out->logit = (float)(logits[s->label] - others);
        }
        out->score = sigmoid(out->logit);
    }
    free(features);
    free(logits);
    return status;
}

static double larger(const mewl_system *s, const float *scores)
{
    return fmax(scores[s->cry[0]], scores[s->cry[1]]);
}

/* YAMNet: a window is 0.96 s (a little more in samples), one every 0.48 s. A frame of FRAME_S gets the mean of the
 * logits of the windows over it. */
static mewl_status score_yamnet(mewl_system *s, mewl_track *out, const float *samples, size_t count, mewl_error *err)
{
    size_t rows = mewl_teacher_rows(s->teacher, count);
    size_t classes = mewl_teacher_classes(s->teacher);
    float *scores = malloc((rows * classes + 1) * sizeof *scores);
    if (scores == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu windows", rows);
    }
    mewl_teacher_result result = {.scores = scores};
    mewl_status status = mewl_teacher_score(s->teacher, &result, samples, count, err);
    s->frames = (size_t)ceil((double)count / s->rate_hz / FRAME_S);
    if (status == MEWL_OK) {
        status = make_room(s, s->frames, err);
    }
    if (status == MEWL_OK) {
        double best = 0;
        for (size_t r = 0; r < rows; r++) {
            best = fmax(best, larger(s, scores + r * classes));
        }
        for (size_t f = 0; f < s->frames; f++) {
            double t = ((double)f + 0.5) * FRAME_S;
            double sum = 0;
            size_t n = 0;
            for (size_t r = 0; r < rows; r++) {
                double start = 0.48 * (double)r;
                if ((t >= start && t < start + 0.975) || (r + 1 == rows && t >= start)) {
                    sum += logit_of(larger(s, scores + r * classes));
                    n++;
                }
            }
            s->logits[f] = n > 0 ? (float)(sum / (double)n) : -LOGIT_MAX;
        }
        *out = (mewl_track){
            .score = best, .logit = logit_of(best), .logits = s->logits, .frames = s->frames, .frame_s = FRAME_S};
    }
    free(scores);
    return status;
}

static mewl_status score_mn04(mewl_system *s, mewl_track *out, const float *samples, size_t count, mewl_error *err)
{
    size_t window = (size_t)(MN04_WINDOW_S * s->rate_hz);
    size_t hop = (size_t)(MN04_HOP_S * s->rate_hz);
    double best = 0;
    for (size_t at = 0;; at += hop) {
        size_t length = count - at < window ? count - at : window;
        mewl_teacher_result result = {0};
        MEWL_TRY(mewl_teacher_score(s->teacher, &result, samples + at, length, err));
        best = fmax(best, result.cry);
        if (at + window >= count) {
            break;
        }
    }
    out->score = best;
    out->logit = logit_of(best);
    return MEWL_OK;
}

static mewl_status score_energy(mewl_system *s, mewl_track *out, const float *samples, size_t count, mewl_error *err)
{
    size_t span = (size_t)(FRAME_S * s->rate_hz);
    s->frames = (count + span - 1) / span;
    MEWL_TRY(make_room(s, s->frames, err));
    double best = 0;
    double window[MEAN_FRAMES] = {0};
    for (size_t f = 0; f < s->frames; f++) {
        size_t n = count - f * span < span ? count - f * span : span;
        double power = 0;
        for (size_t i = 0; i < n; i++) {
            double x = samples[f * span + i];
            power += x * x / (double)n;
        }
        window[f % MEAN_FRAMES] = power;
        double mean = 0;
        size_t held = f + 1 < MEAN_FRAMES ? f + 1 : MEAN_FRAMES;
        for (size_t k = 0; k < held; k++) {
            mean += window[k] / (double)held;
        }
        if (held == MEAN_FRAMES || f + 1 == s->frames) {
            best = fmax(best, mean);
        }
        s->logits[f] = (float)((10 * log10(fmax(power, 1e-12)) + 40) / 4);
    }
    out->logit = (float)((10 * log10(fmax(best, 1e-12)) + 40) / 4);
    out->score = sigmoid(out->logit);
    out->logits = s->logits;
    out->frames = s->frames;
    out->frame_s = FRAME_S;
    return MEWL_OK;
}

static mewl_status score_at_rate(mewl_system *s, mewl_track *out, const float *samples, size_t count, mewl_error *err)
{
    switch (s->kind) {
    case MEWL_SYSTEM_MODEL:
        return s->scorer != NULL ? score_framewise(s, out, samples, count, err)
                                 : score_clipwise(s, out, samples, count, err);
    case MEWL_SYSTEM_YAMNET:
        return score_yamnet(s, out, samples, count, err);
    case MEWL_SYSTEM_MN04:
        return score_mn04(s, out, samples, count, err);
    case MEWL_SYSTEM_ENERGY:
        break;
    }
    return score_energy(s, out, samples, count, err);
}

mewl_status mewl_system_score(mewl_system *s, mewl_track *out, const float *samples, size_t count, double rate_hz,
                              mewl_error *err)
{
    memset(out, 0, sizeof *out);
    if (count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "the clip holds no samples");
    }
    if (!(rate_hz > 0) || (double)count / rate_hz > SECONDS_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "a clip to be evaluated may last %g s", SECONDS_MAX);
    }
    float *resampled = NULL;
    size_t resampled_count = 0;
    if (rate_hz != s->rate_hz) {
        MEWL_TRY(mewl_resample(&resampled, &resampled_count, samples, count, rate_hz, s->rate_hz,
                               (mewl_resample_opts){0}, err));
    }
    mewl_status status = resampled != NULL ? score_at_rate(s, out, resampled, resampled_count, err)
                                           : score_at_rate(s, out, samples, count, err);
    free(resampled);
    return status;
}
