/* diary.c - see diary.h. */
#include "synth/diary.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DAY_FROM (6.0 / 24)
#define DAY_TO (23.0 / 24)
#define NIGHT_RATE (1.0 / 3) /* of the day's */
#define RECORDINGS_USUAL 2.0
#define SESSION_RECORDINGS_MAX 32
#define SECONDS_DAY 86400.0

mewl_synth_state mewl_synth_state_at(const mewl_synth_event *events, size_t count, double day)
{
    mewl_synth_state out = {0};
    double latest = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        const mewl_synth_event *e = &events[i];
        if (day < e->at_day || day >= e->until_day) {
            continue;
        }
        double share = e->ramp_days > 0 ? fmin(1, (day - e->at_day) / e->ramp_days) : 1;
        out.f0_log += share * e->state.f0_log;
        out.noise += share * e->state.noise;
        out.hyperphonation += share * e->state.hyperphonation;
        if (e->state.device != 0 && e->at_day >= latest) {
            latest = e->at_day;
            out.device = e->state.device;
        }
    }
    return out;
}

static mewl_status check(const mewl_synth_diary_opts *o, mewl_error *err)
{
    if (!(o->days > 0 && o->days <= MEWL_SYNTH_DAYS_MAX && o->sessions_day >= 0 && o->sessions_day <= 200 &&
          o->recordings_session >= 0 && o->recordings_session <= SESSION_RECORDINGS_MAX)) {
        return mewl_error_set(err, MEWL_E_ARG, "diary: days, sessions or recordings out of range");
    }
    if (o->event_count > MEWL_SYNTH_EVENTS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "diary: %zu events, at most %d", o->event_count, MEWL_SYNTH_EVENTS_MAX);
    }
    for (size_t i = 0; i < o->event_count; i++) {
        const mewl_synth_event *e = &o->events[i];
        if (!isfinite(e->at_day) || !(e->ramp_days >= 0 && isfinite(e->ramp_days)) || isnan(e->until_day) ||
            !isfinite(e->state.f0_log) || !isfinite(e->state.noise) || !isfinite(e->state.hyperphonation)) {
            return mewl_error_set(err, MEWL_E_ARG, "diary: event %zu has figures that are none", i + 1);
        }
    }
    return MEWL_OK;
}

static mewl_synth_recording *push(mewl_synth_diary *diary, size_t *capacity)
{
    if (diary->count == *capacity) {
        size_t more = *capacity == 0 ? 256 : 2 * *capacity;
        if (more > 2 * (size_t)MEWL_SYNTH_RECORDINGS_MAX) {
            return NULL;
        }
        mewl_synth_recording *list = realloc(diary->list, more * sizeof *list);
        if (list == NULL) {
            return NULL;
        }
        diary->list = list;
        *capacity = more;
    }
    return diary->count < MEWL_SYNTH_RECORDINGS_MAX ? &diary->list[diary->count++] : NULL;
}

/* 1 + Poisson(mean - 1), by counting (Knuth). */
static size_t draw_count(mewl_rng *rng, double mean)
{
    double limit = exp(-(fmax(1, mean) - 1)), product = mewl_rng_unit(rng);
    size_t count = 1;
    while (product > limit && count < SESSION_RECORDINGS_MAX) {
        product *= mewl_rng_unit(rng);
        count++;
    }
    return count;
}

static bool draw_session(mewl_synth_diary *out, size_t *capacity, const mewl_synth_infant *infant,
                         const mewl_synth_diary_opts *o, double day)
{
    mewl_rng rng = mewl_rng_stream(o->seed ^ infant->seed * 0x9e3779b97f4a7c15u, 2 + out->sessions);
    mewl_synth_session session = mewl_synth_session_draw(infant, &rng);
    size_t count = draw_count(&rng, o->recordings_session > 0 ? o->recordings_session : RECORDINGS_USUAL);
    for (size_t i = 0; i < count; i++) {
        double age = infant->age_days + (o->frozen ? 0 : day);
        mewl_synth_state state = mewl_synth_state_at(o->events, o->event_count, day);
        mewl_synth_cry cry = mewl_synth_cry_draw(infant, &session, state, age, &rng);
        double next = day + mewl_rng_range(&rng, 20, 180) / SECONDS_DAY;
        if (day < o->days) {
            mewl_synth_recording *r = push(out, capacity);
            if (r == NULL) {
                return false;
            }
            *r = (mewl_synth_recording){.day = day, .session = out->sessions, .cry = cry, .state = state};
        }
        day = next;
    }
    out->sessions++;
    return true;
}

static int by_time(const void *a, const void *b)
{
    const mewl_synth_recording *x = a, *y = b;
    return (x->day > y->day) - (x->day < y->day);
}

mewl_status mewl_synth_diary_draw(mewl_synth_diary *out, const mewl_synth_infant *infant, mewl_synth_diary_opts opts,
                                  mewl_error *err)
{
    memset(out, 0, sizeof *out);
    MEWL_TRY(check(&opts, err));
    double mean = opts.sessions_day > 0 ? opts.sessions_day : infant->sessions_day;
    double busy = mean / ((DAY_TO - DAY_FROM) + NIGHT_RATE * (1 - (DAY_TO - DAY_FROM)));
    mewl_rng times = mewl_rng_stream(opts.seed ^ infant->seed * 0x9e3779b97f4a7c15u, 1);
    size_t capacity = 0;
    double day = 0;
    for (;;) { /* thinned: drawn at the day's rate, kept at night with the night's share of it */
        day += -log(1 - mewl_rng_unit(&times)) / busy;
        double hour = day - floor(day), keep = mewl_rng_unit(&times);
        if (!(day < opts.days)) {
            break;
        }
        if ((hour < DAY_FROM || hour >= DAY_TO) && keep >= NIGHT_RATE) {
            continue;
        }
        if (!draw_session(out, &capacity, infant, &opts, day)) {
            mewl_synth_diary_fini(out);
            return mewl_error_set(err, MEWL_E_MEMORY, "diary: out of memory, or over %d recordings",
                                  MEWL_SYNTH_RECORDINGS_MAX);
        }
    }
    if (out->count > 0) {
        qsort(out->list, out->count, sizeof *out->list, by_time);
    }
    return MEWL_OK;
}

void mewl_synth_diary_fini(mewl_synth_diary *diary)
{
    if (diary != NULL) {
        free(diary->list);
        memset(diary, 0, sizeof *diary);
    }
}
