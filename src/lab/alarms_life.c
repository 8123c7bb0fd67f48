/* alarms_life.c - one simulated infant's days through infant/. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/alarms_private.h"
#include "learn/covariance.h"
#include "synth/quick.h"

#define DAY_S 86400.0
#define POPULATION_INFANTS 60
#define POPULATION_DAYS 3
#define GAP_S 3600.0
#define NAIVE_SESSIONS 64

static const double levels[3] = {0.01, 0.05, 0.1};

static void measure(double vector[MEWL_VOICE_VECTOR_DIMS], mewl_voice *voice, const mewl_synth_recording *from)
{
    mewl_synth_quick(voice, &from->cry);
    mewl_voice_vector(vector, voice);
}

void mewl__world_hear(const mewl__world *world, mewl__heard *out, const mewl_synth_recording *from)
{
    double vector[MEWL_VOICE_VECTOR_DIMS];
    mewl_voice voice;
    measure(vector, &voice, from);
    out->embedding[0] = (float)MEWL__ALARMS_CONSTANT;
    for (size_t j = 0; j < MEWL_VOICE_VECTOR_DIMS; j++) {
        double z = (vector[j] - world->mean[j]) / world->sd[j];
        out->embedding[1 + j] = isfinite(z) ? (float)fmin(fmax(z, -8), 8) : 0;
    }
    out->measures[0] = vector[0]; /* log F0 */
    out->surroundings[0] = voice.snr_db;
    out->surroundings[1] = voice.level_dbfs;
    out->recording = (mewl_recording){
        .time_s = from->day * DAY_S,
        .embedding = out->embedding,
        .figures = {.cry = 1, .snr_db = NAN, .clipped = NAN, .seconds = NAN},
        .measures = out->measures,
        .surroundings = out->surroundings,
    };
}

static mewl_status draw_diary(mewl_synth_diary *diary, uint64_t seed, double days, const mewl__life_opts *opts,
                              mewl_error *err)
{
    mewl_synth_infant infant = mewl_synth_infant_seeded(seed);
    mewl_synth_diary_opts how = {.seed = seed, .days = days};
    if (opts != NULL) {
        how.frozen = opts->frozen ? 1 : 0;
        how.events = opts->event;
        how.event_count = opts->event != NULL ? 1 : 0;
    }
    return mewl_synth_diary_draw(diary, &infant, how, err);
}

/* Rows of other infants, first for mean and scatter, then for the population. */
typedef struct crowd {
    mewl__heard *heard;
    size_t *infant, *session;
    float *x;
    size_t count, room;
} crowd;

static void crowd_fini(crowd *c)
{
    free(c->heard);
    free(c->infant);
    free(c->session);
    free(c->x);
}

static mewl_status find_scale(mewl__world *world, const mewl_synth_diary *diaries, size_t count, mewl_error *err)
{
    double n[MEWL_VOICE_VECTOR_DIMS] = {0};
    double square[MEWL_VOICE_VECTOR_DIMS] = {0};
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < diaries[i].count; k++) {
            double vector[MEWL_VOICE_VECTOR_DIMS];
            mewl_voice voice;
            measure(vector, &voice, &diaries[i].list[k]);
            for (size_t j = 0; j < MEWL_VOICE_VECTOR_DIMS; j++) {
                if (isfinite(vector[j])) {
                    n[j]++;
                    world->mean[j] += vector[j];
                    square[j] += vector[j] * vector[j];
                }
            }
        }
    }
    for (size_t j = 0; j < MEWL_VOICE_VECTOR_DIMS; j++) {
        if (n[j] < 2) {
            return mewl_error_set(err, MEWL_E_EMPTY, "no simulated cry has the measure %s", mewl_voice_vector_name(j));
        }
        world->mean[j] /= n[j];
        world->sd[j] = fmax(1e-6, sqrt(fmax(0, square[j] / n[j] - world->mean[j] * world->mean[j])));
    }
    return MEWL_OK;
}

static mewl_status fill_crowd(crowd *c, const mewl__world *world, const mewl_synth_diary *diaries, size_t count,
                              mewl_error *err)
{
    for (size_t i = 0; i < count; i++) {
        c->room += diaries[i].count;
    }
    c->infant = calloc(c->room + 1, sizeof *c->infant);
    c->session = calloc(c->room + 1, sizeof *c->session);
    c->x = calloc((c->room + 1) * MEWL__ALARMS_DIMS, sizeof *c->x);
    if (c->infant == NULL || c->session == NULL || c->x == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu simulated recordings", c->room);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < diaries[i].count; k++, c->count++) {
            mewl__heard heard;
            mewl__world_hear(world, &heard, &diaries[i].list[k]);
            memcpy(c->x + c->count * MEWL__ALARMS_DIMS, heard.embedding, sizeof heard.embedding);
            c->infant[c->count] = i;
            c->session[c->count] = diaries[i].list[k].session;
        }
    }
    return MEWL_OK;
}

mewl_status mewl__world_make(mewl__world *world, uint64_t seed, mewl_error *err)
{
    memset(world, 0, sizeof *world);
    mewl_synth_diary diaries[POPULATION_INFANTS] = {{0}};
    crowd c = {0};
    mewl_status status = MEWL_OK;
    for (size_t i = 0; i < POPULATION_INFANTS && status == MEWL_OK; i++) {
        status = draw_diary(&diaries[i], seed * 1000003 + 500000 + i, POPULATION_DAYS, NULL, err);
    }
    if (status == MEWL_OK) {
        status = find_scale(world, diaries, POPULATION_INFANTS, err);
    }
    if (status == MEWL_OK) {
        status = fill_crowd(&c, world, diaries, POPULATION_INFANTS, err);
    }
    if (status == MEWL_OK) {
        mewl_population_opts opts = {.kinds = 1u << MEWL_PERSONAL_MAHALANOBIS};
        status =
            mewl_population_fit(&world->population, c.x, c.infant, c.session, c.count, MEWL__ALARMS_DIMS, opts, err);
    }
    for (size_t i = 0; i < POPULATION_INFANTS; i++) {
        mewl_synth_diary_fini(&diaries[i]);
    }
    crowd_fini(&c);
    return status;
}

void mewl__world_fini(mewl__world *world)
{
    mewl_population_fini(&world->population);
}

static void count_low(size_t low[3], double p)
{
    for (size_t k = 0; k < 3; k++) {
        low[k] += p <= levels[k] ? 1 : 0;
    }
}

/* A p-value that is uniform, where (1 + above) / (n + 1) is as large as it can be: its rank is drawn. */
static double smoothed(double p, double step, mewl_rng *rng)
{
    return p - mewl_rng_unit(rng) * step;
}

/* Puts what one ended session brought into the fate. */
static void note(mewl__fate *fate, const mewl_infant *infant, const mewl_entry *entries, size_t count,
                 const mewl__life_opts *opts, mewl_rng *rng)
{
    double at_day = opts->event != NULL ? opts->event->at_day : INFINITY;
    double since = entries[0].time_s / DAY_S - at_day;
    bool lifetime_alarm = mewl_infant_describe(infant).lifetime_alarm;
    if (lifetime_alarm && !fate->lifetime_alarm && since >= 0 && since <= opts->horizon_days &&
        isnan(fate->lifetime_delay_days)) {
        fate->lifetime_delay_days = since;
    }
    for (size_t e = 0; e < count; e++) {
        double day = entries[e].time_s / DAY_S;
        bool before = day < at_day;
        bool change = entries[e].kind == MEWL_ENTRY_CHANGE;
        bool device = entries[e].kind == MEWL_ENTRY_DEVICE;
        bool unusual = entries[e].kind == MEWL_ENTRY_UNUSUAL;
        if (before) {
            fate->changes += change ? 1 : 0;
            fate->devices += device ? 1 : 0;
            fate->unusual += unusual ? 1 : 0;
        } else {
            fate->devices_after += device ? 1 : 0;
            double delay = day - at_day;
            bool in_time = delay <= opts->horizon_days;
            fate->delay_days = change && in_time && isnan(fate->delay_days) ? delay : fate->delay_days;
            fate->unusual_delay_days =
                unusual && in_time && isnan(fate->unusual_delay_days) ? delay : fate->unusual_delay_days;
        }
        if (e == 0 && before && isfinite(entries[e].p)) {
            fate->sessions++;
            double p = smoothed(entries[e].p, entries[e].p_step, rng);
            count_low(fate->low, entries[e].p);
            count_low(fate->smooth_low, p);
            if (mewl_infant_describe(infant).updates >= opts->late_updates) {
                fate->late_sessions++;
                count_low(fate->late_low, entries[e].p);
                count_low(fate->late_smooth_low, p);
            }
            fate->lifetime_alarm = lifetime_alarm;
            fate->days = day - MEWL__ALARMS_ENROL_DAYS;
        }
    }
}

/* The family looks at a change the day it is told, and finds the infant well: what follows is usual. Only before
 * anything was put in, so that one false alarm does not hide the next. */
static void accept_false_change(mewl_infant *infant, const mewl_entry *entries, size_t count,
                                const mewl__life_opts *opts)
{
    bool before = opts->event == NULL || entries[0].time_s / DAY_S < opts->event->at_day;
    for (size_t e = 0; e < count && before; e++) {
        if (entries[e].kind == MEWL_ENTRY_CHANGE) {
            mewl_infant_dismiss_change(infant);
        }
    }
}

static mewl_status enrol(mewl_infant *infant, size_t *first, mewl__heard *heard, size_t count, mewl_error *err)
{
    mewl_recording *list = calloc(count + 1, sizeof *list);
    if (list == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu simulated recordings", count);
    }
    for (*first = 0; *first < count && heard[*first].recording.time_s < MEWL__ALARMS_ENROL_DAYS * DAY_S; ++*first) {
        list[*first] = heard[*first].recording;
        list[*first].embedding = heard[*first].embedding;
        list[*first].measures = heard[*first].measures;
        list[*first].surroundings = heard[*first].surroundings;
    }
    mewl_status status = mewl_infant_enrol(infant, NULL, list, *first, err);
    free(list);
    return status;
}

/* All recordings of a diary, as heard. */
static mewl_status hear_diary(mewl__heard **out, size_t *count, const mewl__world *world, const mewl__life_opts *opts,
                              mewl_error *err)
{
    mewl_synth_diary diary;
    *out = NULL;
    MEWL_TRY(draw_diary(&diary, opts->seed, opts->days, opts, err));
    *count = diary.count;
    *out = calloc(diary.count + 1, sizeof **out);
    for (size_t i = 0; i < diary.count && *out != NULL; i++) {
        mewl__world_hear(world, &(*out)[i], &diary.list[i]);
    }
    mewl_synth_diary_fini(&diary);
    return *out != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a simulated infant");
}

mewl_status mewl__life_run(mewl__fate *fate, const mewl__world *world, mewl__life_opts opts, mewl_error *err)
{
    *fate = (mewl__fate){.delay_days = NAN, .unusual_delay_days = NAN, .lifetime_delay_days = NAN};
    mewl_infant_opts how = {.kind = MEWL_PERSONAL_MAHALANOBIS,
                            .false_alarm_days = opts.false_alarm_days,
                            .measures = MEWL__ALARMS_MEASURES,
                            .surroundings = MEWL__ALARMS_SURROUNDINGS,
                            .seed = opts.seed};
    mewl__heard *heard = NULL;
    mewl_infant *infant = NULL;
    size_t count = 0;
    size_t first = 0;
    mewl_rng rng = mewl_rng_stream(opts.seed, 99);
    MEWL_TRY(hear_diary(&heard, &count, world, &opts, err));
    mewl_status status = mewl_infant_new(&infant, MEWL__ALARMS_DIMS, &world->population, how, err);
    status = status == MEWL_OK ? enrol(infant, &first, heard, count, err) : status;
    for (size_t i = first; i <= count && status == MEWL_OK; i++) {
        mewl_entry entries[MEWL_INFANT_ENTRIES_MAX];
        mewl_verdict verdict;
        size_t entry_count = 0;
        status = i < count ? mewl_infant_hear(infant, &verdict, entries, &entry_count, &heard[i].recording, err)
                           : mewl_infant_end_session(infant, entries, &entry_count, err);
        if (status == MEWL_OK && entry_count > 0) {
            note(fate, infant, entries, entry_count, &opts, &rng);
            accept_false_change(infant, entries, entry_count, &opts);
        }
    }
    fate->updates = infant != NULL ? mewl_infant_describe(infant).updates : 0;
    mewl_infant_free(infant);
    free(heard);
    return status;
}

/* Sessions as mean rows, for the naive calibration. */
typedef struct naive {
    double row[NAIVE_SESSIONS][MEWL__ALARMS_DIMS];
    size_t count, dims;
} naive;

/* Squared distance of a row to the mean of the accepted sessions but `leave_out`. */
static double distance(const naive *n, const mewl_mahalanobis *m, const double *row, size_t leave_out)
{
    double away[MEWL__ALARMS_DIMS] = {0};
    double kept = (double)(n->count - (leave_out < n->count ? 1 : 0));
    for (size_t i = 0; i < n->count; i++) {
        for (size_t j = 0; j < n->dims && i != leave_out; j++) {
            away[j] += n->row[i][j] / kept;
        }
    }
    for (size_t j = 0; j < n->dims; j++) {
        away[j] = row[j] - away[j];
    }
    return mewl_mahalanobis_squared(m, away);
}

static double naive_p(const naive *n, const mewl_mahalanobis *m, const double *row)
{
    double score = distance(n, m, row, SIZE_MAX);
    double above = 1;
    for (size_t i = 0; i < n->count; i++) {
        above += distance(n, m, n->row[i], i) >= score ? 1 : 0;
    }
    return above / (double)(n->count + 1);
}

static void naive_accept(naive *n, const double *row)
{
    if (n->count == NAIVE_SESSIONS) {
        memmove(n->row, n->row + 1, (NAIVE_SESSIONS - 1) * sizeof *n->row);
        n->count--;
    }
    memcpy(n->row[n->count++], row, n->dims * sizeof *row);
}

static void naive_session(mewl__fate *fate, naive *n, const mewl_mahalanobis *m, const double *row, double day,
                          uint64_t late_updates)
{
    if (day < MEWL__ALARMS_ENROL_DAYS || n->count < 2) {
        naive_accept(n, row);
        return;
    }
    double p = naive_p(n, m, row);
    fate->sessions++;
    count_low(fate->low, p);
    count_low(fate->smooth_low, p);
    if (fate->updates >= late_updates) {
        fate->late_sessions++;
        count_low(fate->late_low, p);
        count_low(fate->late_smooth_low, p);
    }
    if (p > 0.1) {
        naive_accept(n, row);
        fate->updates++;
    }
}

mewl_status mewl__life_naive(mewl__fate *fate, const mewl__world *world, mewl__life_opts opts, mewl_error *err)
{
    *fate = (mewl__fate){0};
    const mewl_population *p = &world->population;
    double zero[MEWL__ALARMS_DIMS] = {0};
    double sum[MEWL__ALARMS_DIMS] = {0};
    mewl_mahalanobis m = {0};
    mewl__heard *heard = NULL;
    size_t count = 0;
    naive *n = calloc(1, sizeof *n);
    if (n == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a simulated infant");
    }
    n->dims = p->reduced;
    mewl_status status = mewl_mahalanobis_init(&m, zero, p->within, p->reduced, err);
    status = status == MEWL_OK ? hear_diary(&heard, &count, world, &opts, err) : status;
    size_t inside = 0;
    for (size_t i = 0; i < count && status == MEWL_OK; i++) {
        double row[MEWL__ALARMS_DIMS];
        mewl_population_place(p, row, heard[i].embedding);
        for (size_t j = 0; j < n->dims; j++) {
            sum[j] += row[j];
        }
        inside++;
        double time_s = heard[i].recording.time_s;
        if (i + 1 == count || heard[i + 1].recording.time_s - time_s > GAP_S) {
            for (size_t j = 0; j < n->dims; j++) {
                sum[j] /= (double)inside;
            }
            naive_session(fate, n, &m, sum, time_s / DAY_S, opts.late_updates);
            memset(sum, 0, sizeof sum);
            inside = 0;
        }
    }
    mewl_mahalanobis_fini(&m);
    free(heard);
    free(n);
    return status;
}

mewl_status mewl__life_martingale(bool *alarm, double *log_peak, const mewl__world *world, mewl__life_opts opts,
                                  mewl_error *err)
{
    mewl__heard *heard = NULL;
    mewl_change *change = NULL;
    size_t count = 0;
    *alarm = false;
    *log_peak = -INFINITY;
    MEWL_TRY(hear_diary(&heard, &count, world, &opts, err));
    mewl_status status = mewl_change_new(&change, (mewl_change_opts){.seed = opts.seed}, err);
    double sum = 0;
    double inside = 0;
    for (size_t i = 0; i < count && status == MEWL_OK; i++) {
        double time_s = heard[i].recording.time_s;
        if (isfinite(heard[i].measures[0])) {
            sum += heard[i].measures[0];
            inside++;
        }
        if (i + 1 == count || heard[i + 1].recording.time_s - time_s > GAP_S) {
            mewl_change_step step;
            status = mewl_change_push(change, &step, time_s / DAY_S, inside > 0 ? sum / inside : NAN, err);
            *alarm = *alarm || step.lifetime_alarm;
            *log_peak = fmax(*log_peak, step.log_martingale);
            sum = inside = 0;
        }
    }
    mewl_change_free(change);
    free(heard);
    return status;
}
