/* analysis.c - see analysis.h. */
#include "cli/analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "draw/picture.h"
#include "dsp/frontend.h"

#define PULL_FRAMES 16384u
#define PICTURE_FRAMES 256u
#define EPISODES_MAX 1000000u
#define SPANS_MAX 100000u
#define PROGRESS_EVERY_S 0.1

/* The picture in the making: its own front end sees the sound that is scored. */
typedef struct sketch {
    mewl_picture_acc *acc;
    mewl_frontend *front_end;
    float *frames;
    size_t bands;
} sketch;

typedef struct job {
    mewl_analysis *out;
    mewl_why *why;
    sketch picture;
} job;

static double time_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *grow(void *list, size_t count, size_t *capacity, size_t item, size_t most)
{
    if (count < *capacity) {
        return list;
    }
    size_t wanted = *capacity > 0 ? 2 * *capacity : 16;
    void *grown = count < most ? realloc(list, wanted * item) : NULL;
    if (grown != NULL) {
        *capacity = wanted;
    }
    return grown;
}

static void keep_episode(mewl_analysis *a, const mewl_episode *episode)
{
    mewl_episode *grown = grow(a->episodes, a->episode_count, &a->episode_capacity, sizeof *grown, EPISODES_MAX);
    if (grown == NULL) {
        a->out_of_memory = true;
        return;
    }
    a->episodes = grown;
    a->episodes[a->episode_count++] = *episode;
}

/* Before the episode itself is kept. A question that fails is not asked: when the infant cried is known all the same.
 */
static void keep_reason(job *j, const mewl_episode *e)
{
    mewl_analysis *a = j->out;
    mewl_why_answer *grown = grow(a->reasons, a->episode_count, &a->reason_capacity, sizeof *grown, EPISODES_MAX);
    if (grown == NULL) {
        a->out_of_memory = true;
        return;
    }
    a->reasons = grown;
    if (mewl_why_ask(j->why, &grown[a->episode_count], e->onset_s, e->offset_s, NULL) != MEWL_OK) {
        grown[a->episode_count] = (mewl_why_answer){0};
    }
}

/* A verdict ends the open stretch, if any, and opens one if nothing is heard. */
static void keep_hearing(mewl_analysis *a, const mewl_hearing_verdict *verdict)
{
    if (a->span_count > 0 && isnan(a->spans[a->span_count - 1].offset_s)) {
        a->spans[a->span_count - 1].offset_s = verdict->since_s;
    }
    if (verdict->hearing) {
        return;
    }
    mewl_analysis_span *grown = grow(a->spans, a->span_count, &a->span_capacity, sizeof *grown, SPANS_MAX);
    if (grown == NULL) {
        a->out_of_memory = true;
        return;
    }
    a->spans = grown;
    a->spans[a->span_count++] = (mewl_analysis_span){verdict->since_s, NAN, verdict->why};
}

static void on_event(void *user, const mewl_session_event *event)
{
    job *j = user;
    if (event->kind == MEWL_SESSION_END) {
        if (j->why != NULL) {
            keep_reason(j, &event->episode);
        }
        keep_episode(j->out, &event->episode);
    } else if (event->kind == MEWL_SESSION_HEARING) {
        keep_hearing(j->out, &event->hearing);
    }
}

static void on_scores(void *user, double first_s, const float *confidences, size_t count)
{
    (void)first_s; /* files have no gaps, so that scores join on */
    job *j = user;
    if (j->picture.acc != NULL) {
        mewl_picture_acc_scores(j->picture.acc, confidences, count);
    }
}

static void draw_ready(sketch *p)
{
    size_t got = 0;
    do {
        mewl_frontend_pull(p->front_end, p->frames, PICTURE_FRAMES, &got);
        mewl_picture_acc_frames(p->acc, p->frames, got);
    } while (got > 0);
}

static void on_sound(void *user, const float *samples, size_t count)
{
    const job *j = user;
    sketch *p = &((job *)user)->picture;
    if (j->why != NULL) {
        mewl_why_sound(j->why, samples, count);
    }
    if (p->acc == NULL) {
        return;
    }
    mewl_picture_acc_samples(p->acc, samples, count);
    while (count > 0) {
        size_t taken = 0;
        if (mewl_frontend_push(p->front_end, &taken, samples, count, NULL) != MEWL_OK) {
            return;
        }
        samples += taken;
        count -= taken;
        draw_ready(p);
    }
}

static mewl_status sketch_open(sketch *p, const mewl_session *session, mewl_error *err)
{
    MEWL_TRY(mewl_frontend_new(&p->front_end, "panns-16k", err));
    p->bands = mewl_frontend_bands(p->front_end);
    p->frames = malloc(PICTURE_FRAMES * p->bands * sizeof *p->frames);
    double *band_hz = malloc(p->bands * sizeof *band_hz);
    mewl_status status = MEWL_OK;
    if (p->frames == NULL || band_hz == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the picture");
    } else if (mewl_session_rate_hz(session) != mewl_frontend_rate_hz(p->front_end)) {
        status = mewl_error_set(err, MEWL_E_UNSUPPORTED, "pictures are drawn at %g Hz; this model hears at %g Hz",
                                mewl_frontend_rate_hz(p->front_end), mewl_session_rate_hz(session));
    } else {
        for (size_t b = 0; b < p->bands; b++) {
            band_hz[b] = mewl_frontend_band_hz(p->front_end, b);
        }
        double rate_hz = mewl_frontend_rate_hz(p->front_end), frame_s = mewl_session_frame_s(session);
        mewl_picture_acc_opts opts = {.rate_hz = rate_hz,
                                      .bands = p->bands,
                                      .frame_step_s = (double)mewl_frontend_hop_samples(p->front_end) / rate_hz,
                                      .frame_first_s = mewl_frontend_frame_time_s(p->front_end, 0),
                                      .band_hz = band_hz,
                                      .score_step_s = frame_s,
                                      .score_first_s = 0.5 * frame_s};
        status = mewl_picture_acc_new(&p->acc, opts, err);
    }
    free(band_hz);
    return status;
}

static mewl_status sketch_write(sketch *p, const mewl_analysis *a, const mewl_analysis_opts *opts, mewl_error *err)
{
    mewl_frontend_finish(p->front_end);
    draw_ready(p);
    size_t count = a->episode_count + a->span_count;
    mewl_picture_span *spans = malloc((count + 1) * sizeof *spans);
    if (spans == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the picture");
    }
    for (size_t i = 0; i < a->episode_count; i++) {
        const mewl_episode *e = &a->episodes[i];
        spans[i] = (mewl_picture_span){MEWL_PICTURE_EPISODE, e->onset_s, e->offset_s, (double)e->confidence};
    }
    size_t used = a->episode_count;
    for (size_t i = 0; i < a->span_count; i++) {
        if (a->spans[i].offset_s > a->spans[i].onset_s) {
            spans[used++] =
                (mewl_picture_span){MEWL_PICTURE_NOT_HEARING, a->spans[i].onset_s, a->spans[i].offset_s, NAN};
        }
    }
    mewl_picture_opts drawing = {.title = opts->title, .threshold = (double)opts->session.episodes.threshold};
    mewl_status status = mewl_picture_write(p->acc, opts->picture, spans, used, drawing, err);
    free(spans);
    return status;
}

/* The recording was read, whatever becomes of its picture. */
static void note_unwritten(mewl_analysis *a, mewl_status status, const mewl_error *why)
{
    a->unwritten = *why;
    (void)mewl_error_prefix(&a->unwritten, status, "the picture could not be written");
    a->unwritten.status = MEWL_E_STATE;
}

static void sketch_close(sketch *p)
{
    mewl_picture_acc_free(p->acc);
    mewl_frontend_free(p->front_end);
    free(p->frames);
    *p = (sketch){0};
}

static mewl_status pull_all(mewl_source *source, mewl_session *session, mewl_analysis *out,
                            const mewl_analysis_opts *opts, mewl_error *err)
{
    float *pcm = malloc(PULL_FRAMES * sizeof *pcm);
    if (pcm == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory");
    }
    mewl_status status = MEWL_OK;
    double told_s = time_of(CLOCK_MONOTONIC);
    for (;;) {
        size_t got = 0;
        double start_s = time_of(CLOCK_THREAD_CPUTIME_ID);
        status = mewl_source_pull(source, pcm, PULL_FRAMES, &got, err);
        out->decode_s += time_of(CLOCK_THREAD_CPUTIME_ID) - start_s;
        if (status != MEWL_OK || got == 0) {
            break;
        }
        if (opts->source.cancel != NULL && atomic_load(opts->source.cancel)) {
            status = mewl_error_set(err, MEWL_E_CANCELLED, "stopped");
            break;
        }
        status = mewl_session_push(session, pcm, got, err);
        if (status == MEWL_OK && out->out_of_memory) {
            status = mewl_error_set(err, MEWL_E_MEMORY, "more cries than fit into memory");
        }
        if (status != MEWL_OK) {
            break;
        }
        double now_s = time_of(CLOCK_MONOTONIC);
        if (opts->on_progress != NULL && now_s - told_s > PROGRESS_EVERY_S) {
            told_s = now_s;
            opts->on_progress(opts->user, mewl_session_time_s(session) / out->info.duration_s);
        }
    }
    free(pcm);
    return status;
}

static mewl_status analyse(job *j, mewl_source *source, mewl_session **session, mewl_model *model, const char *path,
                           const mewl_analysis_opts *opts, mewl_error *err)
{
    mewl_analysis *out = j->out;
    mewl_source_describe(source, &out->info);
    if (out->info.live) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: this is a live stream without an end; use `mewl listen`",
                              path);
    }
    mewl_session_opts hearing = opts->session;
    hearing.rate_hz = out->info.rate_hz;
    hearing.channels = out->info.channels;
    mewl_session_sink sink = {on_event, on_scores, on_sound, j};
    MEWL_TRY(mewl_session_open(session, model, hearing, sink, err));
    if (j->why != NULL) {
        MEWL_TRY(mewl_why_start(j->why, mewl_session_rate_hz(*session), err));
    }
    if (opts->picture != NULL) {
        mewl_error why = {0};
        const mewl_status status = sketch_open(&j->picture, *session, &why);
        if (status != MEWL_OK) {
            sketch_close(&j->picture);
            note_unwritten(out, status, &why);
        }
    }
    MEWL_TRY(pull_all(source, *session, out, opts, err));
    MEWL_TRY(mewl_session_finish(*session, err));
    out->seconds = mewl_session_time_s(*session);
    out->peak_score = mewl_session_peak(*session);
    out->level_dbfs = mewl_session_level_dbfs(*session);
    out->cost = mewl_session_cost_s(*session);
    mewl_source_describe(source, &out->info);
    if (out->out_of_memory) {
        return mewl_error_set(err, MEWL_E_MEMORY, "more cries than fit into memory");
    }
    if (out->seconds < mewl_session_frame_s(*session)) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: %.4f s of sound is too short to judge", path, out->seconds);
    }
    if (out->span_count > 0 && isnan(out->spans[out->span_count - 1].offset_s)) {
        out->spans[out->span_count - 1].offset_s = out->seconds;
    }
    /* The last frame may reach past the last sample. */
    for (size_t i = out->episode_count; i > 0 && out->episodes[i - 1].offset_s > out->seconds; i--) {
        out->episodes[i - 1].offset_s = out->seconds;
    }
    if (j->picture.acc != NULL) {
        mewl_error why = {0};
        const mewl_status status = sketch_write(&j->picture, out, opts, &why);
        if (status != MEWL_OK) {
            note_unwritten(out, status, &why);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_analysis_run(mewl_analysis *out, mewl_model *model, const char *path, mewl_analysis_opts opts)
{
    *out = (mewl_analysis){0};
    job j = {.out = out, .why = opts.why};
    mewl_source *source = NULL;
    mewl_session *session = NULL;
    opts.source.rate_hz = 0.0;
    opts.source.channels = 1;
    double start_s = time_of(CLOCK_THREAD_CPUTIME_ID);
    mewl_status status = mewl_source_open(&source, path, opts.source, &out->error);
    out->decode_s += time_of(CLOCK_THREAD_CPUTIME_ID) - start_s;
    if (status == MEWL_OK) {
        status = analyse(&j, source, &session, model, path, &opts, &out->error);
    }
    const bool named = strstr(out->error.text, strcmp(path, "-") == 0 ? "standard input" : path) != NULL;
    if (status != MEWL_OK && !named) {
        (void)mewl_error_prefix(&out->error, status, "%s", strcmp(path, "-") == 0 ? "standard input" : path);
    }
    sketch_close(&j.picture);
    mewl_session_close(session);
    mewl_source_close(source);
    out->info.container = NULL; /* these belonged to the source */
    out->info.codec = NULL;
    out->status = status;
    return status;
}

void mewl_analysis_fini(mewl_analysis *analysis)
{
    free(analysis->episodes);
    free(analysis->reasons);
    free(analysis->spans);
    *analysis = (mewl_analysis){0};
}
