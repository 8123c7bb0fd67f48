/* detector.c - the public interface of include/mewl.h on top of a session. Nothing but translation: its types to ours,
 * our statuses to its results, and the queue of events for callers that pull. */
#include "mewl.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hear/session.h"

#ifndef MEWL_VERSION
#error "the build must say which version this is"
#endif

#define EVENTS_KEPT 256u
#define BLOCK_SAMPLES 4096u

struct mewl_detector {
    mewl_model *model;
    mewl_session *session;
    mewl_detector_options options;
    bool finished;
    mewl_event events[EVENTS_KEPT];
    size_t head, count;
    mewl_error error;
    float block[BLOCK_SAMPLES];
};

const char *mewl_version(void)
{
    return MEWL_VERSION;
}

const char *mewl_result_text(int result)
{
    switch (result) {
    case MEWL_RESULT_OK:
        return "done";
    case MEWL_RESULT_BAD_ARGUMENT:
        return "an argument is missing or out of its range";
    case MEWL_RESULT_NO_MEMORY:
        return "out of memory";
    case MEWL_RESULT_NO_MODEL:
        return "the model file is missing or may not be read";
    case MEWL_RESULT_BAD_MODEL:
        return "the model file is damaged or holds no detector";
    case MEWL_RESULT_BAD_STATE:
        return "called at the wrong moment";
    case MEWL_RESULT_FAILED:
        return "a library that Mewl uses failed";
    default:
        return "unknown result";
    }
}

static int result_of(mewl_status status)
{
    switch (status) {
    case MEWL_OK:
        return MEWL_RESULT_OK;
    case MEWL_E_ARG:
        return MEWL_RESULT_BAD_ARGUMENT;
    case MEWL_E_MEMORY:
        return MEWL_RESULT_NO_MEMORY;
    case MEWL_E_STATE:
        return MEWL_RESULT_BAD_STATE;
    default:
        return MEWL_RESULT_FAILED;
    }
}

static int result_of_model(mewl_status status)
{
    switch (status) {
    case MEWL_E_NOT_FOUND:
    case MEWL_E_PERMISSION:
    case MEWL_E_IO:
        return MEWL_RESULT_NO_MODEL;
    case MEWL_E_FORMAT:
    case MEWL_E_SHAPE:
    case MEWL_E_EMPTY:
    case MEWL_E_UNSUPPORTED:
        return MEWL_RESULT_BAD_MODEL;
    default:
        return result_of(status);
    }
}

static void deliver(mewl_detector *d, const mewl_event *event)
{
    if (d->options.on_event != NULL) {
        d->options.on_event(d->options.user, event);
        return;
    }
    if (d->count == EVENTS_KEPT) {
        d->head = (d->head + 1) % EVENTS_KEPT;
        d->count--;
    }
    d->events[(d->head + d->count) % EVENTS_KEPT] = *event;
    d->count++;
}

static mewl_hearing_state state_of(mewl_hearing_why why)
{
    switch (why) {
    case MEWL_WHY_SILENCE:
        return MEWL_HEARING_SILENT;
    case MEWL_WHY_CLIPPING:
        return MEWL_HEARING_CLIPPED;
    case MEWL_WHY_STOPPED:
        return MEWL_HEARING_STALLED;
    default:
        return MEWL_HEARING_OK;
    }
}

static void on_session_event(void *user, const mewl_session_event *from)
{
    mewl_event event = {.time_s = from->time_s};
    if (from->kind == MEWL_SESSION_HEARING) {
        event.kind = MEWL_EVENT_HEARING;
        event.hearing = state_of(from->hearing.why);
    } else {
        event.kind = from->kind == MEWL_SESSION_START    ? MEWL_EVENT_CRY_START
                     : from->kind == MEWL_SESSION_UPDATE ? MEWL_EVENT_CRY_UPDATE
                                                         : MEWL_EVENT_CRY_END;
        event.onset_s = from->episode.onset_s;
        event.offset_s = from->episode.offset_s;
        event.confidence = (double)from->episode.confidence;
        event.level_dbfs = isnan(from->episode.level_dbfs) ? -INFINITY : (double)from->episode.level_dbfs;
    }
    deliver(user, &event);
}

static mewl_status open_session(mewl_detector *d, mewl_error *err)
{
    const mewl_detector_options *o = &d->options;
    mewl_session_opts opts = {.rate_hz = o->rate_hz, .channels = o->channels, .chunk_s = o->chunk_s};
    MEWL_TRY(mewl_session_episode_opts(&opts.episodes, d->model, err));
    if (o->threshold != 0.0) {
        opts.episodes.threshold = (float)o->threshold;
    }
    if (o->merge_gap_s >= 0.0) {
        opts.episodes.merge_gap_s = o->merge_gap_s;
    }
    opts.episodes.update_s = o->update_s;
    mewl_session_sink sink = {.on_event = on_session_event, .user = d};
    return mewl_session_open(&d->session, d->model, opts, sink, err);
}

/* Figures that the layers below cannot blame on their caller's caller. */
static mewl_status check_options(const mewl_detector_options *o, mewl_error *err)
{
    if (!(o->rate_hz >= 4000.0 && o->rate_hz <= 768000.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "rate_hz is %g; it must be from 4000 to 768000", o->rate_hz);
    }
    if (!(o->chunk_s >= 0.08 && o->chunk_s <= 60.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "chunk_s is %g; it must be from 0.08 to 60", o->chunk_s);
    }
    if (!(o->threshold >= 0.0 && o->threshold < 1.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "threshold is %g; it must be from 0 to below 1", o->threshold);
    }
    if (isnan(o->merge_gap_s)) {
        return mewl_error_set(err, MEWL_E_ARG, "merge_gap_s is not a number");
    }
    return MEWL_OK;
}

int mewl_detector_open(mewl_detector **detector, const char *model, const mewl_detector_options *options, char *message)
{
    mewl_error err = {0};
    mewl_detector *d = NULL;
    if (message != NULL) {
        message[0] = '\0';
    }
    if (detector != NULL) {
        *detector = NULL;
    }
    int result = MEWL_RESULT_OK;
    const mewl_detector_options defaults = MEWL_DETECTOR_OPTIONS_DEFAULT;
    if (detector == NULL || model == NULL || (options != NULL && options->size != sizeof *options)) {
        (void)mewl_error_set(&err, MEWL_E_ARG, "detector and model must not be NULL, and options->size must be %zu",
                             sizeof defaults);
        result = MEWL_RESULT_BAD_ARGUMENT;
    } else if ((d = calloc(1, sizeof *d)) == NULL) {
        (void)mewl_error_set(&err, MEWL_E_MEMORY, "out of memory for a detector");
        result = MEWL_RESULT_NO_MEMORY;
    } else {
        d->options = options != NULL ? *options : defaults;
        result = result_of(check_options(&d->options, &err));
        if (result == MEWL_RESULT_OK) {
            mewl_status status = mewl_model_load(&d->model, model, &err);
            result = status == MEWL_OK ? MEWL_RESULT_OK : result_of_model(status);
        }
        if (result == MEWL_RESULT_OK) {
            mewl_status status = open_session(d, &err);
            result = status == MEWL_E_UNSUPPORTED || status == MEWL_E_FORMAT || status == MEWL_E_NOT_FOUND
                         ? MEWL_RESULT_BAD_MODEL
                         : result_of(status);
        }
    }
    if (result != MEWL_RESULT_OK) {
        if (message != NULL) {
            _Static_assert(MEWL_MESSAGE_MAX >= MEWL_ERROR_TEXT_MAX, "a message holds any error's text");
            memcpy(message, err.text, sizeof err.text);
        }
        mewl_detector_close(d);
        return result;
    }
    *detector = d;
    return MEWL_RESULT_OK;
}

static int ready(mewl_detector *d)
{
    if (d == NULL) {
        return MEWL_RESULT_BAD_ARGUMENT;
    }
    d->error = (mewl_error){0};
    if (d->finished) {
        (void)mewl_error_set(&d->error, MEWL_E_STATE, "the stream of this detector has been finished");
        return MEWL_RESULT_BAD_STATE;
    }
    return MEWL_RESULT_OK;
}

int mewl_detector_push(mewl_detector *detector, const float *samples, size_t frames)
{
    int result = ready(detector);
    if (result != MEWL_RESULT_OK || frames == 0) {
        return result;
    }
    if (samples == NULL) {
        return result_of(mewl_error_set(&detector->error, MEWL_E_ARG, "samples is NULL"));
    }
    return result_of(mewl_session_push(detector->session, samples, frames, &detector->error));
}

int mewl_detector_push_s16(mewl_detector *detector, const int16_t *samples, size_t frames)
{
    int result = ready(detector);
    if (result != MEWL_RESULT_OK || frames == 0) {
        return result;
    }
    if (samples == NULL) {
        return result_of(mewl_error_set(&detector->error, MEWL_E_ARG, "samples is NULL"));
    }
    const size_t channels = (size_t)detector->options.channels, most = BLOCK_SAMPLES / channels;
    while (frames > 0 && result == MEWL_RESULT_OK) {
        size_t block = frames < most ? frames : most;
        for (size_t i = 0; i < block * channels; i++) {
            detector->block[i] = (float)samples[i] / 32768.0f;
        }
        result = result_of(mewl_session_push(detector->session, detector->block, block, &detector->error));
        samples += block * channels;
        frames -= block;
    }
    return result;
}

int mewl_detector_gap(mewl_detector *detector, double seconds)
{
    int result = ready(detector);
    if (result != MEWL_RESULT_OK) {
        return result;
    }
    return result_of(mewl_session_gap(detector->session, seconds, &detector->error));
}

int mewl_detector_finish(mewl_detector *detector)
{
    int result = ready(detector);
    if (result != MEWL_RESULT_OK) {
        return result;
    }
    detector->finished = true;
    return result_of(mewl_session_finish(detector->session, &detector->error));
}

int mewl_detector_pull(mewl_detector *detector, mewl_event *event)
{
    if (detector == NULL || event == NULL || detector->count == 0) {
        return 0;
    }
    *event = detector->events[detector->head];
    detector->head = (detector->head + 1) % EVENTS_KEPT;
    detector->count--;
    return 1;
}

const char *mewl_detector_message(const mewl_detector *detector)
{
    return detector != NULL ? detector->error.text : "";
}

double mewl_detector_latency_s(const mewl_detector *detector, double *end)
{
    if (end != NULL) {
        *end = detector != NULL ? mewl_session_end_latency_s(detector->session) : 0.0;
    }
    return detector != NULL ? mewl_session_start_latency_s(detector->session) : 0.0;
}

void mewl_detector_close(mewl_detector *detector)
{
    if (detector != NULL) {
        mewl_session_close(detector->session);
        mewl_model_free(detector->model);
        free(detector);
    }
}
