#include "infant/infant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infant/infant_private.h"

#define AUTOENCODER_REFIT 10 /* updates between two learnings from scratch */

mewl_status mewl__infant_check(mewl_infant_opts *opts, mewl_error *err)
{
    opts->session_gap_s = opts->session_gap_s == 0 ? 3600 : opts->session_gap_s;
    opts->false_alarm_days = opts->false_alarm_days == 0 ? 30 : opts->false_alarm_days;
    opts->lifetime_alpha = opts->lifetime_alpha == 0 ? 0.05 : opts->lifetime_alpha;
    opts->normal_level = opts->normal_level == 0 ? 0.1 : opts->normal_level;
    opts->learn_sessions = opts->learn_sessions == 0 ? 64 : opts->learn_sessions;
    opts->calibrate_sessions = opts->calibrate_sessions == 0 ? 64 : opts->calibrate_sessions;
    opts->learn_days = opts->learn_days == 0 ? 60 : opts->learn_days;
    bool good = (size_t)opts->kind < MEWL_PERSONAL_KINDS && opts->session_gap_s > 0 && isfinite(opts->session_gap_s) &&
                opts->false_alarm_days > 0 && isfinite(opts->false_alarm_days) && opts->lifetime_alpha > 0 &&
                opts->lifetime_alpha < 1 && opts->normal_level > 0 && opts->normal_level < 1 &&
                opts->learn_sessions >= 2 && opts->learn_sessions <= MEWL_INFANT_SESSIONS_MAX &&
                opts->calibrate_sessions >= 1 && opts->calibrate_sessions <= MEWL_INFANT_SESSIONS_MAX &&
                opts->learn_days > 0 && opts->measures <= MEWL_INFANT_MEASURES_MAX &&
                opts->surroundings <= MEWL_INFANT_SURROUNDINGS_MAX &&
                memchr(opts->embedder, '\0', sizeof opts->embedder) != NULL;
    return good ? MEWL_OK : mewl_error_set(err, MEWL_E_ARG, "an infant's settings are out of their range");
}

void mewl_infant_free(mewl_infant *infant)
{
    if (infant == NULL) {
        return;
    }
    mewl_population_fini(&infant->population);
    mewl_personal_free(infant->model);
    for (size_t i = 0; i < infant->count; i++) {
        mewl__session_fini(&infant->list[i]);
    }
    for (size_t k = 0; k < MEWL__CHANNELS_MAX; k++) {
        mewl_change_free(infant->channel[k]);
    }
    for (size_t k = 0; k < MEWL_INFANT_SURROUNDINGS_MAX; k++) {
        mewl_change_free(infant->room[k]);
    }
    mewl_coverage_fini(&infant->coverage);
    free(infant->running.row);
    free(infant->score);
    free(infant->start);
    free(infant->place);
    free(infant);
}

static mewl_status make_channels(mewl_infant *infant, mewl_error *err)
{
    size_t channels = 1 + infant->opts.measures;
    for (size_t k = 0; k < channels; k++) {
        /* The martingales share their bound, too. */
        mewl_change_opts opts = {.side = k == 0 ? MEWL_CHANGE_UP : MEWL_CHANGE_BOTH,
                                 .alpha = infant->opts.lifetime_alpha / (double)channels,
                                 .seed = infant->opts.seed * 31 + k};
        MEWL_TRY(mewl_change_new(&infant->channel[k], opts, err));
    }
    for (size_t k = 0; k < infant->opts.surroundings; k++) {
        /* A microphone found by mistake costs what was known of the infant: what the line may be off by is none. */
        mewl_change_opts opts = {
            .alpha = infant->opts.lifetime_alpha, .line_errors = 1, .seed = infant->opts.seed * 31 + 100 + k};
        MEWL_TRY(mewl_change_new(&infant->room[k], opts, err));
    }
    return MEWL_OK;
}

mewl_status mewl__infant_make(mewl_infant **out, size_t dims, mewl_infant_opts opts, mewl_error *err)
{
    *out = NULL;
    if (dims == 0 || dims > MEWL_LEARN_DIMS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "embeddings of %zu numbers", dims);
    }
    mewl_infant *infant = calloc(1, sizeof *infant);
    if (infant == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for an infant");
    }
    infant->opts = opts;
    infant->dims = dims;
    infant->space = dims;
    infant->first_s = NAN;
    infant->last_s = NAN;
    infant->score = calloc(MEWL__LIST_MAX * MEWL_INFANT_SESSION_RECORDINGS_MAX, sizeof *infant->score);
    infant->start = calloc(MEWL__LIST_MAX + 2, sizeof *infant->start);
    infant->running.row = calloc(MEWL_INFANT_SESSION_RECORDINGS_MAX * dims, sizeof *infant->running.row);
    infant->place = calloc(dims, sizeof *infant->place);
    mewl_status status = MEWL_OK;
    if (infant->score == NULL || infant->start == NULL || infant->running.row == NULL || infant->place == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for an infant");
    } else {
        status = make_channels(infant, err);
    }
    if (status != MEWL_OK) {
        mewl_infant_free(infant);
        return status;
    }
    *out = infant;
    return MEWL_OK;
}

mewl_status mewl_infant_new(mewl_infant **out, size_t dims, const mewl_population *population, mewl_infant_opts opts,
                            mewl_error *err)
{
    *out = NULL;
    MEWL_TRY(mewl__infant_check(&opts, err));
    if (population != NULL && population->dims != dims) {
        return mewl_error_set(err, MEWL_E_SHAPE, "embeddings of %zu numbers, but the population's have %zu", dims,
                              population->dims);
    }
    if (opts.kind == MEWL_PERSONAL_PLDA && (population == NULL || population->plda.dims == 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "discriminant analysis needs a population of other infants");
    }
    mewl_infant *infant = NULL;
    MEWL_TRY(mewl__infant_make(&infant, dims, opts, err));
    mewl_status status = MEWL_OK;
    if (population != NULL) {
        status = mewl_population_copy(&infant->population, population, err);
        infant->has_population = status == MEWL_OK;
        infant->space = population->reduced;
    }
    if (status != MEWL_OK) {
        mewl_infant_free(infant);
        return status;
    }
    *out = infant;
    return MEWL_OK;
}

bool mewl__infant_place(const mewl_infant *infant, double *out, const float *embedding)
{
    double square = 0;
    for (size_t j = 0; j < infant->dims; j++) {
        square += (double)embedding[j] * (double)embedding[j];
    }
    if (!isfinite(square) || !(square > 0)) {
        return false;
    }
    if (infant->has_population) {
        mewl_population_place(&infant->population, out, embedding);
    } else {
        mewl_table_widen(out, embedding, infant->dims);
        mewl_table_normalise(out, 1, infant->dims);
    }
    bool good = true; /* else a population whose figures no recordings gave */
    for (size_t j = 0; j < infant->space; j++) {
        good = good && fabs(out[j]) <= MEWL_PERSONAL_NUMBER_MAX;
    }
    return good;
}

/* First gate, and the recording's place. */
static unsigned judge_usable(const mewl_infant *infant, double *place, const mewl_recording *recording)
{
    unsigned gate = mewl_gate_judge(recording->figures, infant->opts.gate);
    if (gate == 0 && (recording->embedding == NULL || !mewl__infant_place(infant, place, recording->embedding))) {
        gate |= MEWL_GATE_NO_EMBEDDING;
    }
    return gate;
}

static void begin_running(mewl__running *r, const mewl_recording *recording)
{
    double *row = r->row;
    *r = (mewl__running){
        .on = true, .first_s = recording->time_s, .last_s = recording->time_s, .source = recording->source, .row = row};
}

static void add_running(const mewl_infant *infant, mewl__running *r, const mewl_recording *recording, unsigned gate,
                        const double *place, double score)
{
    r->recordings++;
    r->last_s = recording->time_s;
    if (gate != 0) {
        r->gate |= gate;
        return;
    }
    r->usable++;
    r->score_sum += score;
    for (size_t k = 0; k < infant->opts.measures && recording->measures != NULL; k++) {
        if (isfinite(recording->measures[k])) {
            r->measure_sum[k] += recording->measures[k];
            r->measured[k]++;
        }
    }
    for (size_t k = 0; k < infant->opts.surroundings && recording->surroundings != NULL; k++) {
        if (isfinite(recording->surroundings[k])) {
            r->surrounding_sum[k] += recording->surroundings[k];
            r->surrounded[k]++;
        }
    }
    if (r->kept < MEWL_INFANT_SESSION_RECORDINGS_MAX) {
        memcpy(r->row + r->kept++ * infant->space, place, infant->space * sizeof *place);
    }
}

/* Puts the rows of the running session into the buffer. */
static mewl_status store_running(mewl_infant *infant, mewl__lane lane, mewl_error *err)
{
    const mewl__running *r = &infant->running;
    double *row = malloc(r->kept * infant->space * sizeof *row);
    if (row == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a session of %zu recordings", r->kept);
    }
    memcpy(row, r->row, r->kept * infant->space * sizeof *row);
    /* forget() keeps the list within its limits, so there is room for one more. */
    infant->list[infant->count++] =
        (mewl__session){.number = infant->sessions, .time_s = r->first_s, .lane = lane, .count = r->kept, .row = row};
    return MEWL_OK;
}

static void drop_last(mewl_infant *infant, size_t down_to)
{
    while (infant->count > down_to) {
        mewl__session_fini(&infant->list[--infant->count]);
    }
}

static void note_time(mewl_infant *infant, double first_s, double last_s)
{
    infant->first_s = isnan(infant->first_s) ? first_s : infant->first_s;
    infant->last_s = last_s;
}

/* Sums of what is watched, for one enrolled session, in order to push them once its score is known. */
typedef struct enrolled {
    mewl__running sums;
    uint64_t number;
} enrolled;

/* Scores of enrolled sessions are known after learning: only then can they be watched. */
static mewl_status watch_enrolled(mewl_infant *infant, const enrolled *list, size_t count, mewl_error *err)
{
    for (size_t k = 0; k < count; k++) {
        double score = NAN;
        for (size_t i = 0; i < infant->count; i++) {
            const mewl__session *s = &infant->list[i];
            if (s->number == list[k].number && s->scored) {
                score = 0;
                for (size_t j = 0; j < s->count; j++) {
                    score += s->score[j] / (double)s->count;
                }
            }
        }
        mewl__watched ignored;
        MEWL_TRY(mewl__infant_watch(infant, &ignored, list[k].sums.first_s, score, &list[k].sums, err));
    }
    return MEWL_OK;
}

/* Cuts the recordings into sessions and puts them into the buffer. */
static mewl_status take_sessions(mewl_infant *infant, enrolled *list, size_t *found, size_t *unusable,
                                 const mewl_recording *recordings, size_t count, mewl_error *err)
{
    mewl__running *r = &infant->running;
    for (size_t i = 0; i <= count; i++) {
        bool ends = i == count || (r->on && recordings[i].time_s - r->last_s > infant->opts.session_gap_s);
        if (ends && r->on && r->kept > 0) {
            if (infant->count >= MEWL__LIST_MAX - 1) {
                infant->last_s = r->first_s;
                mewl__infant_forget(infant);
            }
            MEWL_TRY(store_running(infant, MEWL__LANE_ENROLLED, err));
            list[*found] = (enrolled){.sums = *r, .number = infant->sessions++};
            note_time(infant, r->first_s, r->last_s);
            ++*found;
        }
        r->on = r->on && !ends;
        if (i == count) {
            break;
        }
        if (!r->on) {
            begin_running(r, &recordings[i]);
            infant->source = recordings[i].source;
            infant->source_known = true;
        }
        unsigned gate = judge_usable(infant, infant->place, &recordings[i]);
        add_running(infant, r, &recordings[i], gate, infant->place, 0);
        *unusable += gate != 0 ? 1 : 0;
    }
    return MEWL_OK;
}

static mewl_status check_times(const mewl_infant *infant, const mewl_recording *recordings, size_t count,
                               mewl_error *err)
{
    double before = infant->running.on ? infant->running.last_s : infant->last_s;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(recordings[i].time_s) || recordings[i].time_s < before) {
            return mewl_error_set(err, MEWL_E_ARG, "recording %zu is of the time %.0f s, before %.0f s", i,
                                  recordings[i].time_s, before);
        }
        before = recordings[i].time_s;
    }
    return MEWL_OK;
}

mewl_status mewl_infant_enrol(mewl_infant *infant, size_t *unusable, const mewl_recording *recordings, size_t count,
                              mewl_error *err)
{
    size_t passed = 0;
    size_t found = 0;
    size_t before = infant->count;
    uint64_t sessions = infant->sessions;
    double first_s = infant->first_s;
    double last_s = infant->last_s;
    if (infant->running.on) {
        return mewl_error_set(err, MEWL_E_STATE, "a session is going on: end it before enrolling");
    }
    MEWL_TRY(check_times(infant, recordings, count, err));
    enrolled *list = malloc(count * sizeof *list + 1);
    if (list == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory to enrol %zu recordings", count);
    }
    mewl_status status = take_sessions(infant, list, &found, &passed, recordings, count, err);
    infant->running.on = false;
    if (status == MEWL_OK && found == 0) {
        status = mewl_error_set(err, MEWL_E_EMPTY, "none of %zu recordings can be used", count);
    }
    if (status == MEWL_OK) {
        mewl__infant_forget(infant);
        status = mewl__infant_refit(infant, err);
    }
    if (status == MEWL_OK) {
        status = watch_enrolled(infant, list, found, err);
    } else {
        drop_last(infant, before < infant->count ? before : infant->count);
        infant->sessions = sessions;
        infant->first_s = first_s;
        infant->last_s = last_s;
    }
    free(list);
    if (unusable != NULL) {
        *unusable = passed;
    }
    return status;
}

/* The verdict on a recording that has passed, or not, the first gate. */
static mewl_verdict judge(mewl_infant *infant, unsigned gate, const double *place)
{
    mewl_verdict v = {.gate = gate, .score = NAN, .level = mewl__infant_level(infant)};
    v.p = (mewl_p_value){.p = NAN, .step = NAN};
    if (gate != 0) {
        return v;
    }
    mewl_conformal c = mewl__infant_conformal(infant);
    v.score = mewl_personal_score(infant->model, place);
    if (!(fabs(v.score) <= MEWL_PERSONAL_NUMBER_MAX)) { /* no model that recordings gave does that */
        v.gate = MEWL_GATE_NO_EMBEDDING;
        v.score = NAN;
        return v;
    }
    v.p = mewl_conformal_recording(&c, v.score);
    v.unusual = v.p.calibration != MEWL_CALIBRATION_NONE && v.p.p <= v.level;
    return v;
}

static bool begins_session(const mewl_infant *infant, const mewl_recording *recording)
{
    return !infant->running.on || recording->time_s - infant->running.last_s > infant->opts.session_gap_s;
}

mewl_status mewl_infant_score(mewl_infant *infant, mewl_verdict *verdict, const mewl_recording *recording,
                              mewl_error *err)
{
    if (infant->model == NULL) {
        return mewl_error_set(err, MEWL_E_STATE, "nothing is known of this infant yet: enrol some recordings first");
    }
    unsigned gate = judge_usable(infant, infant->place, recording);
    *verdict = judge(infant, gate, infant->place);
    verdict->session = infant->sessions + (infant->running.on && begins_session(infant, recording) ? 1 : 0);
    return MEWL_OK;
}

/* Learns from a session, or holds it apart, or neither. */
static mewl_status learn_session(mewl_infant *infant, mewl_entry *entry, mewl_error *err)
{
    bool rebase = infant->rebase_left > 0;
    bool apart = !rebase && infant->sessions % 2 == 1;
    bool normal = entry->p > infant->opts.normal_level;
    if (infant->change_open || (!rebase && !apart && !normal)) {
        return MEWL_OK;
    }
    mewl__lane lane = rebase ? MEWL__LANE_ENROLLED : apart ? MEWL__LANE_APART : MEWL__LANE_LEARN;
    size_t before = infant->count;
    MEWL_TRY(store_running(infant, lane, err));
    if (apart) {
        mewl__infant_forget(infant);
        mewl__infant_calibrate(infant);
        entry->held_apart = true;
        return MEWL_OK;
    }
    mewl_status status = MEWL_OK;
    bool update = infant->opts.kind == MEWL_PERSONAL_AUTOENCODER && !rebase && infant->updates % AUTOENCODER_REFIT != 0;
    for (size_t k = 0; k < infant->running.kept && update && status == MEWL_OK; k++) {
        status = mewl_personal_update(infant->model, infant->running.row + k * infant->space, err);
    }
    if (status == MEWL_OK) {
        mewl__infant_forget(infant);
        if (update) {
            mewl__infant_calibrate(infant);
        } else {
            status = mewl__infant_refit(infant, err);
        }
    } else {
        drop_last(infant, before);
    }
    infant->rebase_left -= rebase ? 1 : 0;
    infant->updates += status == MEWL_OK ? 1 : 0;
    entry->learned = status == MEWL_OK;
    return status;
}

mewl_status mewl_infant_end_session(mewl_infant *infant, mewl_entry *entries, size_t *entry_count, mewl_error *err)
{
    mewl__running *r = &infant->running;
    *entry_count = 0;
    if (!r->on) {
        return MEWL_OK;
    }
    r->on = false;
    mewl_entry entry = {.kind = MEWL_ENTRY_UNUSABLE,
                        .time_s = r->first_s,
                        .session = infant->sessions,
                        .recordings = r->recordings,
                        .gate = r->gate,
                        .score = NAN,
                        .p = NAN,
                        .p_step = NAN,
                        .channel = -1,
                        .evidence = NAN,
                        .z = NAN,
                        .covered = mewl_coverage_share(&infant->coverage, r->first_s - MEWL__DAY_S, r->first_s)};
    mewl_status status = MEWL_OK;
    if (r->usable > 0) {
        mewl_conformal c = mewl__infant_conformal(infant);
        note_time(infant, r->first_s, r->last_s);
        entry.score = r->score_sum / (double)r->usable;
        mewl_p_value p = mewl_conformal_session(&c, entry.score);
        entry.p = p.p;
        entry.p_step = p.step;
        entry.calibration = (int)p.calibration;
        entry.recordings = r->usable;
        entry.kind = p.calibration == MEWL_CALIBRATION_NONE ? MEWL_ENTRY_LEARNING
                     : p.p <= mewl__infant_level(infant)    ? MEWL_ENTRY_UNUSUAL
                                                            : MEWL_ENTRY_USUAL;
        mewl__watched watched;
        status = mewl__infant_watch(infant, &watched, r->first_s, entry.score, r, err);
        if (status == MEWL_OK) {
            entry.z = watched.z;
            entry.evidence = watched.log_martingale;
            size_t extras = 1; /* the session's own entry comes first */
            mewl__infant_judge_change(infant, &entry, entries, &extras, &watched);
            status = learn_session(infant, &entry, err);
            *entry_count = extras;
        }
        if (p.calibration == MEWL_CALIBRATION_NONE) { /* 1 stood for that, so that it is learned from */
            entry.p = entry.p_step = NAN;
        }
    } else {
        *entry_count = 1;
    }
    entries[0] = entry;
    infant->sessions++;
    return status;
}

mewl_status mewl_infant_hear(mewl_infant *infant, mewl_verdict *verdict, mewl_entry *entries, size_t *entry_count,
                             const mewl_recording *recording, mewl_error *err)
{
    *entry_count = 0;
    if (infant->model == NULL) {
        return mewl_error_set(err, MEWL_E_STATE, "nothing is known of this infant yet: enrol some recordings first");
    }
    MEWL_TRY(check_times(infant, recording, 1, err));
    if (begins_session(infant, recording)) {
        MEWL_TRY(mewl_infant_end_session(infant, entries, entry_count, err));
        begin_running(&infant->running, recording);
    }
    unsigned gate = judge_usable(infant, infant->place, recording);
    *verdict = judge(infant, gate, infant->place);
    verdict->session = infant->sessions;
    add_running(infant, &infant->running, recording, verdict->gate, infant->place, verdict->score);
    return MEWL_OK;
}

mewl_status mewl_infant_listened(mewl_infant *infant, double from_s, double to_s, mewl_error *err)
{
    if (!mewl_coverage_add(&infant->coverage, from_s, to_s)) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the times of listening");
    }
    return MEWL_OK;
}

void mewl_infant_accept_change(mewl_infant *infant)
{
    if (infant->change_open) {
        mewl__infant_start_rebase(infant);
    }
}

void mewl_infant_dismiss_change(mewl_infant *infant)
{
    infant->change_open = false;
}

const mewl_population *mewl_infant_population(const mewl_infant *infant)
{
    return infant->has_population ? &infant->population : NULL;
}

const mewl_infant_opts *mewl_infant_options(const mewl_infant *infant)
{
    return &infant->opts;
}

mewl_infant_state mewl_infant_describe(const mewl_infant *infant)
{
    mewl_infant_state s = {.dims = infant->dims,
                           .kind = infant->opts.kind,
                           .sessions = infant->sessions,
                           .sessions_per_day = infant->sessions > 0 ? mewl__infant_rate(infant) : 0,
                           .first_time_s = infant->first_s,
                           .last_time_s = infant->running.on ? infant->running.last_s : infant->last_s,
                           .level = infant->sessions > 0 ? mewl__infant_level(infant) : NAN,
                           .change_open = infant->change_open,
                           .lifetime_alarm = infant->lifetime_alarm,
                           .updates = infant->updates,
                           .population_infants = infant->has_population ? infant->population.infants : 0};
    for (size_t i = 0; i < infant->count; i++) {
        bool apart = infant->list[i].lane == MEWL__LANE_APART;
        s.held_apart += apart ? 1 : 0;
        s.learned += apart ? 0 : 1;
        s.learned_recordings += apart ? 0 : infant->list[i].count;
    }
    mewl_conformal c = mewl__infant_conformal(infant);
    mewl_p_value p = mewl_conformal_session(&c, INFINITY);
    s.calibration = p.calibration;
    s.p_step = p.step;
    s.calibrated = p.own_sessions;
    double in_time = floor(s.sessions_per_day * infant->opts.learn_days / 2);
    s.calibrate_most =
        in_time < (double)infant->opts.calibrate_sessions ? (size_t)in_time : infant->opts.calibrate_sessions;
    if (s.calibrate_most < MEWL__KEEP_LEAST) {
        s.calibrate_most =
            MEWL__KEEP_LEAST < infant->opts.calibrate_sessions ? MEWL__KEEP_LEAST : infant->opts.calibrate_sessions;
    }
    return s;
}
