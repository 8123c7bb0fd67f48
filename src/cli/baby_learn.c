/* baby_learn.c - see baby_learn.h. */
#include "cli/baby_learn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/baby_population.h"
#include "cli/baby_waiting.h"
#include "cli/baby_words.h"
#include "store/alerts.h"
#include "store/coverage.h"
#include "store/personals.h"
#include "store/timeline.h"

#define ANSWERS_MAX 100000u
#define SESSION_GAP_S 3600.0
#define LISTENED_DAYS 3 /* an entry tells of the day before its session */

/* ---- The model: the stored one where it still fits, else a new one. ---- */

/* What the family said of a change, at its place among the recordings: behind those that began until then. */
typedef struct answer {
    int64_t time_ms;
    bool accepted; /* else dismissed */
} answer;

typedef struct lesson {
    mewl_baby *baby;
    mewl_baby_learning *learning;
    mewl_baby_learned *out;
    mewl_infant *infant;
    int64_t personal_id; /* of the state that judged: the one before */
    bool changed;        /* the model is another than was loaded */
    int64_t news_ms;     /* recordings from here on wait */
    int64_t known_ms;    /* of a model made anew: sessions until then were judged before, and alerts are raised for what
                            is later or holds a recording that waited */
    answer *answers;     /* by time; `answered` of them were given to the model */
    size_t answer_count, answer_capacity, answered;
    mewl_store_entry last; /* of the session put last; id 0: none */
    mewl_error *err;
} lesson;

static mewl_infant_opts options_of(const lesson *l)
{
    mewl_infant_opts opts = {.kind = l->learning->kind,
                             .session_gap_s = SESSION_GAP_S,
                             .false_alarm_days = l->baby->infant.alarm_days,
                             .measures = MEWL_BABY_WATCHED,
                             .surroundings = MEWL_BABY_SURROUNDINGS,
                             .seed = (uint64_t)l->baby->infant.id};
    (void)snprintf(opts.embedder, sizeof opts.embedder, "%.63s", l->learning->embedder.hash);
    return opts;
}

static mewl_status add_answer(void *user, const mewl_store_entry *entry)
{
    lesson *l = user;
    const bool accepted = entry->kind == MEWL_STORE_ENTRY_ACCEPTED;
    if (!accepted && entry->kind != MEWL_STORE_ENTRY_DISMISSED) {
        return MEWL_OK;
    }
    if (l->answer_count == l->answer_capacity) {
        const size_t wanted = l->answer_capacity > 0 ? 2 * l->answer_capacity : 8;
        answer *grown = l->answer_count < ANSWERS_MAX ? realloc(l->answers, wanted * sizeof *grown) : NULL;
        if (grown == NULL) {
            return MEWL_E_MEMORY;
        }
        l->answers = grown;
        l->answer_capacity = wanted;
    }
    l->answers[l->answer_count++] = (answer){entry->time_ms, accepted};
    return MEWL_OK;
}

/* Answers from a time on, in the place of those read before. */
static mewl_status read_answers(lesson *l, int64_t from_ms)
{
    l->answer_count = l->answered = 0;
    const mewl_status status =
        mewl_store_entry_each(l->baby->store, l->baby->infant.id, from_ms, INT64_MAX, add_answer, l, l->err);
    return status == MEWL_E_MEMORY ? mewl_error_set(l->err, status, "out of memory, or too many answers to changes")
                                   : status;
}

/* Whether the loaded model was made with other infants than those named now. */
static mewl_status check_population(lesson *l, bool *other)
{
    mewl_population named;
    *other = false;
    if (l->learning->population == NULL) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_baby_population_open(l->baby, &named, l->learning->population, &l->learning->embedder, l->err));
    *other = !mewl_population_equal(mewl_infant_population(l->infant), &named);
    mewl_population_fini(&named);
    return MEWL_OK;
}

static mewl_status find_enrolled(void *user, const mewl_store_recording *r)
{
    bool *enrolled = user;
    *enrolled = *enrolled || (r->usable && r->role == MEWL_STORE_ENROLLED);
    return MEWL_OK;
}

/* The latest entry of a session, of one session or of all. */
typedef struct last_entry {
    int64_t session_id; /* 0: any */
    bool found;
    mewl_store_entry_kind kind;
    int64_t time_ms;
} last_entry;

static mewl_status find_entry(void *user, const mewl_store_entry *entry)
{
    last_entry *last = user;
    if (mewl_store_entry_of_session(entry->kind) && (last->session_id == 0 || entry->session_id == last->session_id)) {
        last->found = true;
        last->kind = entry->kind;
        last->time_ms = entry->time_ms;
    }
    return MEWL_OK;
}

/* Whether what waits cannot simply be heard next: the first of it belongs to a session that the model has ended, or is
 * enrolled right behind what was, which is learned as one. A model that went on would depend on how recordings were
 * handed over. */
static mewl_status check_ended(lesson *l, bool *ended)
{
    mewl_store *store = l->baby->store;
    const int64_t id = l->baby->infant.id;
    last_entry same = {.session_id = 0}, before = {.session_id = 0};
    mewl_store_session session;
    bool enrolled = false;
    *ended = false;
    if (l->news_ms == INT64_MAX) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_store_session_at(store, &same.session_id, id, l->news_ms, l->err));
    MEWL_TRY(mewl_store_session_get(store, &session, same.session_id, l->err));
    MEWL_TRY(mewl_store_entry_each(store, id, session.start_ms, INT64_MAX, find_entry, &same, l->err));
    MEWL_TRY(mewl_store_entry_each(store, id, INT64_MIN, l->news_ms, find_entry, &before, l->err));
    MEWL_TRY(mewl_store_recording_each(store, id, l->news_ms, l->news_ms + 1, find_enrolled, &enrolled, l->err));
    *ended = same.found || (enrolled && before.found && before.kind == MEWL_STORE_ENTRY_ENROLLED);
    return MEWL_OK;
}

/* The stored model, or NULL in l->infant where there is none that fits what is wanted and what waits. */
static mewl_status load_model(lesson *l)
{
    mewl_store_personal row;
    void *data = NULL;
    size_t bytes = 0;
    mewl_status status =
        mewl_store_personal_get(l->baby->store, &row, &data, &bytes, l->baby->infant.id, l->learning->embedder.id,
                                mewl_personal_name(l->learning->kind), l->err);
    if (status == MEWL_E_NOT_FOUND) {
        return MEWL_OK;
    }
    MEWL_TRY(status);
    status = mewl_infant_load(&l->infant, data, bytes, "the personal model", l->err);
    free(data);
    if (status == MEWL_E_FORMAT || status == MEWL_E_UNSUPPORTED) { /* of an older Mewl: it is made anew */
        l->infant = NULL;
        return MEWL_OK;
    }
    MEWL_TRY(status);
    l->personal_id = row.id;
    const mewl_infant_opts *opts = mewl_infant_options(l->infant), wanted = options_of(l);
    const mewl_infant_state state = mewl_infant_describe(l->infant);
    const double last_s = isfinite(state.last_time_s) ? state.last_time_s : -INFINITY;
    bool other_population = false, ended = false;
    MEWL_TRY(check_population(l, &other_population));
    MEWL_TRY(check_ended(l, &ended));
    if (other_population || ended || fabs(opts->false_alarm_days - wanted.false_alarm_days) > 1e-9 ||
        opts->measures != wanted.measures || opts->surroundings != wanted.surroundings ||
        strcmp(opts->embedder, wanted.embedder) != 0 || (double)l->news_ms / 1000.0 < last_s ||
        l->answer_count > 0) { /* what waits lies before an answer */
        mewl_infant_free(l->infant);
        l->infant = NULL;
    }
    return MEWL_OK;
}

static mewl_status new_model(lesson *l)
{
    l->out->anew = true;
    l->personal_id = 0;
    last_entry before = {.session_id = 0};
    MEWL_TRY(
        mewl_store_entry_each(l->baby->store, l->baby->infant.id, INT64_MIN, INT64_MAX, find_entry, &before, l->err));
    l->known_ms = before.found ? before.time_ms : INT64_MIN;
    MEWL_TRY(mewl_store_alert_withdraw(l->baby->store, l->baby->infant.id, l->news_ms, l->err));
    MEWL_TRY(mewl_store_timeline_clear(l->baby->store, l->baby->infant.id, l->err));
    mewl_population population;
    MEWL_TRY(mewl_baby_population_open(l->baby, &population, l->learning->population, &l->learning->embedder, l->err));
    const mewl_status status = mewl_infant_new(&l->infant, (size_t)l->learning->embedder.dimensions,
                                               population.dims > 0 ? &population : NULL, options_of(l), l->err);
    mewl_population_fini(&population);
    return status;
}

static mewl_status add_listening(void *user, const mewl_store_coverage *c)
{
    lesson *l = user;
    return mewl_infant_listened(l->infant, (double)c->from_ms / 1000.0, (double)c->to_ms / 1000.0, l->err);
}

/* From when on the model is told who listened: days before what it heard last and what waits, since files in which
 * there was nothing to hear never waited. What it knows already adds nothing. */
static int64_t listened_from(const lesson *l, bool anew)
{
    const mewl_infant_state state = mewl_infant_describe(l->infant);
    if (anew || !isfinite(state.last_time_s)) {
        return INT64_MIN / 2;
    }
    const int64_t last_ms = llround(1000.0 * state.last_time_s);
    return (last_ms < l->news_ms ? last_ms : l->news_ms) - LISTENED_DAYS * MEWL_BABY_DAY_MS;
}

/* ---- What comes of it, into the store. ---- */

static mewl_status raise_alert(lesson *l, const mewl_entry *entry, const mewl_store_entry *kept)
{
    const char *kind = mewl_entry_name(entry->kind);
    mewl_store_alert alert = {.infant_id = l->baby->infant.id,
                              .time_ms = kept->time_ms,
                              .told_ms = l->baby->now_ms,
                              .session_id = kept->session_id,
                              .p_value = kept->p_value,
                              .alarm_days = l->baby->infant.alarm_days};
    mewl_store_session session;
    MEWL_TRY(mewl_store_session_get(l->baby->store, &session, kept->session_id, l->err));
    if (kept->time_ms <= l->known_ms && session.end_ms < l->news_ms) {
        return MEWL_OK; /* known before: it was told then, or was not thought worth it */
    }
    (void)snprintf(alert.kind, sizeof alert.kind, "%s", kind);
    (void)snprintf(alert.text, sizeof alert.text, "%s", kept->text);
    l->out->alerts++;
    return mewl_store_alert_add(l->baby->store, &alert, l->err);
}

/* Which part of a session is told of. */
static int rank_of(mewl_store_entry_kind kind)
{
    return kind == MEWL_STORE_ENTRY_UNUSUAL                                         ? 3
           : kind == MEWL_STORE_ENTRY_USUAL                                         ? 2
           : kind == MEWL_STORE_ENTRY_ENROLLED || kind == MEWL_STORE_ENTRY_LEARNING ? 1
                                                                                    : 0;
}

/* Puts an entry with its words. One of the store's sessions may come in parts: enrolled and compared, or farther apart
 * for the model than for the store. It has one entry, with all its cries, that tells of its most unusual part. */
static mewl_status put_entry(lesson *l, mewl_store_entry *entry)
{
    const bool session = mewl_store_entry_of_session(entry->kind);
    if (session && l->last.session_id == entry->session_id && l->last.id != 0) {
        const int64_t recordings = l->last.recordings + entry->recordings;
        if (rank_of(l->last.kind) > rank_of(entry->kind)) {
            *entry = l->last;
        }
        entry->time_ms = l->last.time_ms;
        entry->recordings = recordings;
    }
    mewl_baby_entry_words(entry->text, sizeof entry->text, entry);
    MEWL_TRY(mewl_store_entry_put(l->baby->store, entry, l->err));
    l->last = session ? *entry : l->last;
    return MEWL_OK;
}

static mewl_status keep_entry(lesson *l, const mewl_entry *entry)
{
    static const mewl_store_entry_kind kinds[MEWL_ENTRY_KINDS] = {
        [MEWL_ENTRY_ENROLLED] = MEWL_STORE_ENTRY_ENROLLED, [MEWL_ENTRY_USUAL] = MEWL_STORE_ENTRY_USUAL,
        [MEWL_ENTRY_UNUSUAL] = MEWL_STORE_ENTRY_UNUSUAL,   [MEWL_ENTRY_LEARNING] = MEWL_STORE_ENTRY_LEARNING,
        [MEWL_ENTRY_UNUSABLE] = MEWL_STORE_ENTRY_UNUSABLE, [MEWL_ENTRY_CHANGE] = MEWL_STORE_ENTRY_CHANGE,
        [MEWL_ENTRY_DEVICE] = MEWL_STORE_ENTRY_DEVICE};
    mewl_store_entry kept = {.infant_id = l->baby->infant.id,
                             .time_ms = llround(1000.0 * entry->time_s),
                             .kind = kinds[entry->kind],
                             .recordings = (int64_t)entry->recordings,
                             .gate = entry->gate,
                             .score = entry->score,
                             .p_value = entry->p,
                             .p_step = entry->p_step,
                             .learned = entry->learned,
                             .held_apart = entry->held_apart,
                             .z = entry->z,
                             .evidence = entry->evidence,
                             .coverage = entry->covered};
    MEWL_TRY(mewl_store_session_at(l->baby->store, &kept.session_id, kept.infant_id, kept.time_ms, l->err));
    (void)snprintf(kept.calibration, sizeof kept.calibration, "%s",
                   mewl_calibration_name((mewl_calibration)entry->calibration));
    if (entry->channel >= 0) {
        (void)snprintf(kept.channel, sizeof kept.channel, "%s",
                       entry->channel == 0 ? "score" : mewl_baby_watched[(entry->channel - 1) % MEWL_BABY_WATCHED]);
    }
    MEWL_TRY(put_entry(l, &kept));
    const bool alarming =
        entry->kind == MEWL_ENTRY_UNUSUAL || entry->kind == MEWL_ENTRY_CHANGE || entry->kind == MEWL_ENTRY_DEVICE;
    return alarming ? raise_alert(l, entry, &kept) : MEWL_OK;
}

static mewl_status keep_entries(lesson *l, const mewl_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        MEWL_TRY(keep_entry(l, &entries[i]));
    }
    return MEWL_OK;
}

static mewl_status end_session(lesson *l)
{
    mewl_entry entries[MEWL_INFANT_ENTRIES_MAX];
    size_t count = 0;
    MEWL_TRY(mewl_infant_end_session(l->infant, entries, &count, l->err));
    l->changed = l->changed || count > 0;
    return keep_entries(l, entries, count);
}

static mewl_status keep_score(lesson *l, const mewl_baby_waiting *w, const mewl_verdict *v, mewl_store_verdict verdict)
{
    mewl_store_score score = {.recording_id = w->id,
                              .model_id = l->learning->embedder.id,
                              .personal_id = l->personal_id,
                              .score = v->score,
                              .p_value = v->p.p,
                              .verdict = verdict};
    (void)snprintf(score.kind, sizeof score.kind, "%s", mewl_personal_name(l->learning->kind));
    MEWL_TRY(mewl_store_score_put(l->baby->store, &score, l->err));
    if (w->start_ms >= l->news_ms) {
        l->out->judged++;
        if (l->learning->said != NULL) {
            l->learning->said(l->learning->user, w->id, v, w->enrolled);
        }
    }
    return MEWL_OK;
}

/* The sessions of a run of enrolled recordings, an entry each. */
static mewl_status keep_enrolled(lesson *l, const mewl_baby_waiting *list, size_t count)
{
    const mewl_verdict none = {.score = (double)NAN, .p = {.p = (double)NAN, .step = (double)NAN}};
    for (size_t i = 0; i < count;) {
        size_t end = i;
        for (; end < count && list[end].session_id == list[i].session_id; end++) {
            MEWL_TRY(keep_score(l, &list[end], &none, MEWL_STORE_LEARNING));
        }
        mewl_store_entry entry =
            mewl_store_entry_plain(l->baby->infant.id, MEWL_STORE_ENTRY_ENROLLED, list[i].start_ms);
        entry.session_id = list[i].session_id;
        entry.recordings = (int64_t)(end - i);
        entry.learned = true;
        MEWL_TRY(put_entry(l, &entry));
        i = end;
    }
    return MEWL_OK;
}

/* `count` enrolled recordings in a row. */
static mewl_status enrol(lesson *l, const mewl_baby_waiting *list, size_t count)
{
    MEWL_TRY(end_session(l));
    mewl_recording *recordings = malloc(count * sizeof *recordings);
    if (recordings == NULL) {
        return mewl_error_set(l->err, MEWL_E_MEMORY, "out of memory for %zu recordings", count);
    }
    for (size_t i = 0; i < count; i++) {
        recordings[i] = list[i].recording;
    }
    const mewl_status status = mewl_infant_enrol(l->infant, NULL, recordings, count, l->err);
    free(recordings);
    return status == MEWL_OK ? keep_enrolled(l, list, count) : status;
}

static mewl_status hear(lesson *l, const mewl_baby_waiting *w)
{
    mewl_entry entries[MEWL_INFANT_ENTRIES_MAX];
    mewl_verdict v = {.score = (double)NAN, .p = {.p = (double)NAN, .step = (double)NAN}};
    size_t count = 0;
    if (mewl_infant_describe(l->infant).sessions == 0) { /* nothing to compare it with */
        mewl_store_entry entry = mewl_store_entry_plain(l->baby->infant.id, MEWL_STORE_ENTRY_LEARNING, w->start_ms);
        entry.session_id = w->session_id;
        entry.recordings = 1;
        MEWL_TRY(put_entry(l, &entry));
        return keep_score(l, w, &v, MEWL_STORE_LEARNING);
    }
    MEWL_TRY(mewl_infant_hear(l->infant, &v, entries, &count, &w->recording, l->err));
    MEWL_TRY(keep_entries(l, entries, count));
    if (v.gate == 0 && v.p.calibration == MEWL_CALIBRATION_NONE) {
        v.p.p = v.p.step = (double)NAN; /* 1, which stands for that, would read as usual */
        return keep_score(l, w, &v, MEWL_STORE_LEARNING);
    }
    return keep_score(l, w, &v, v.gate != 0 ? MEWL_STORE_UNUSABLE : v.unusual ? MEWL_STORE_UNUSUAL : MEWL_STORE_USUAL);
}

/* A session that is over at that time: nothing more belongs to it. */
static mewl_status end_past_session(lesson *l, int64_t time_ms)
{
    const mewl_infant_state state = mewl_infant_describe(l->infant);
    return isfinite(state.last_time_s) && (double)time_ms / 1000.0 - state.last_time_s >= SESSION_GAP_S ? end_session(l)
                                                                                                        : MEWL_OK;
}

/* Gives the answers that lie before a recording of that time. */
static mewl_status give_answers(lesson *l, int64_t before_ms)
{
    for (; l->answered < l->answer_count && l->answers[l->answered].time_ms < before_ms; l->answered++) {
        const answer *a = &l->answers[l->answered];
        MEWL_TRY(end_past_session(l, a->time_ms));
        if (a->accepted) {
            mewl_infant_accept_change(l->infant);
        } else {
            mewl_infant_dismiss_change(l->infant);
        }
        l->changed = true;
    }
    return MEWL_OK;
}

static mewl_status hear_all(lesson *l, const mewl_baby_queue *q)
{
    for (size_t i = 0; i < q->count;) {
        size_t run = 0;
        MEWL_TRY(give_answers(l, q->list[i].start_ms));
        const int64_t next_ms = l->answered < l->answer_count ? l->answers[l->answered].time_ms : INT64_MAX;
        while (i + run < q->count && q->list[i + run].enrolled && q->list[i + run].start_ms <= next_ms) {
            run++;
        }
        mewl_cli_report(l->baby->cli, (double)i, (double)q->count, "comparing");
        if (run > 0) {
            MEWL_TRY(enrol(l, q->list + i, run));
            i += run;
        } else {
            MEWL_TRY(hear(l, &q->list[i]));
            i++;
        }
    }
    MEWL_TRY(give_answers(l, INT64_MAX));
    return end_past_session(l, l->baby->now_ms);
}

static mewl_status save_model(lesson *l)
{
    mewl_buffer bytes;
    const mewl_infant_state state = mewl_infant_describe(l->infant);
    mewl_store_personal row = {.infant_id = l->baby->infant.id,
                               .model_id = l->learning->embedder.id,
                               .made_ms = l->baby->now_ms,
                               .recordings = (int64_t)state.learned_recordings,
                               .sessions = (int64_t)state.sessions};
    (void)snprintf(row.kind, sizeof row.kind, "%s", mewl_personal_name(l->learning->kind));
    mewl_buffer_init(&bytes, MEWL_STORE_BLOB_MAX);
    mewl_status status = mewl_infant_save(l->infant, &bytes, l->err);
    if (status == MEWL_OK && bytes.failed) {
        status = mewl_error_set(l->err, MEWL_E_MEMORY, "the personal model is too large to be kept");
    }
    status = status == MEWL_OK ? mewl_store_personal_put(l->baby->store, &row, bytes.data, bytes.size, l->err) : status;
    mewl_buffer_fini(&bytes);
    return status;
}

static mewl_status learn(lesson *l)
{
    mewl_baby_queue q = {0};
    MEWL_TRY(read_answers(l, l->news_ms));
    MEWL_TRY(load_model(l));
    const bool anew = l->infant == NULL;
    if (anew) {
        MEWL_TRY(new_model(l));
        MEWL_TRY(read_answers(l, INT64_MIN));
    }
    const int64_t from_ms = anew ? INT64_MIN : l->news_ms;
    mewl_status status = mewl_store_coverage_each(l->baby->store, l->baby->infant.id, listened_from(l, anew), INT64_MAX,
                                                  add_listening, l, l->err);
    status = status == MEWL_OK ? mewl_baby_queue_read(&q, l->baby, l->learning->embedder.id, from_ms, l->err) : status;
    l->changed = anew || q.count > 0;
    status = status == MEWL_OK ? hear_all(l, &q) : status;
    mewl_baby_queue_fini(&q);
    status = status == MEWL_OK && l->changed ? save_model(l) : status;
    l->out->state = mewl_infant_describe(l->infant);
    return status;
}

/* Gives back what the lesson holds, and keeps all that it wrote or nothing. */
static mewl_status end_lesson(lesson *l, mewl_status status)
{
    mewl_infant_free(l->infant);
    free(l->answers);
    if (status != MEWL_OK) {
        mewl_store_rollback(l->baby->store);
        return status;
    }
    return mewl_store_commit(l->baby->store, l->err);
}

mewl_status mewl_baby_learn(mewl_baby *baby, mewl_baby_learned *out, mewl_baby_learning learning, mewl_error *err)
{
    int64_t count = 0;
    lesson l = {.baby = baby, .learning = &learning, .out = out, .known_ms = INT64_MIN, .err = err};
    *out = (mewl_baby_learned){0};
    MEWL_TRY(mewl_store_begin(baby->store, err));
    mewl_status status = mewl_store_unscored(baby->store, &count, &l.news_ms, baby->infant.id, learning.embedder.id,
                                             mewl_personal_name(learning.kind), err);
    if (count == 0) {
        l.news_ms = INT64_MAX;
    }
    status = status == MEWL_OK ? learn(&l) : status;
    return end_lesson(&l, status);
}

/* By what the latest personal model was made; *found: whether there is one. */
static mewl_status find_latest(mewl_baby *baby, mewl_baby_learning *out, bool *found, mewl_error *err)
{
    mewl_store_personal latest;
    *out = (mewl_baby_learning){.population = NULL};
    *found = false;
    const mewl_status status = mewl_store_personal_latest(baby->store, &latest, baby->infant.id, err);
    if (status == MEWL_E_NOT_FOUND || (status == MEWL_OK && !mewl_personal_find(&out->kind, latest.kind))) {
        return MEWL_OK;
    }
    MEWL_TRY(status);
    *found = true;
    return mewl_store_model_get(baby->store, &out->embedder, latest.model_id, err);
}

mewl_status mewl_baby_settle(mewl_baby *baby, mewl_baby_learned *out, mewl_error *err)
{
    mewl_baby_learning learning;
    bool found = false;
    *out = (mewl_baby_learned){0};
    MEWL_TRY(find_latest(baby, &learning, &found, err));
    return found ? mewl_baby_learn(baby, out, learning, err) : MEWL_OK;
}

/* ---- The family's answer to a change. ---- */

static mewl_status give_answer(lesson *l, bool accepted)
{
    MEWL_TRY(load_model(l));
    const mewl_infant_state before =
        l->infant != NULL ? mewl_infant_describe(l->infant) : (mewl_infant_state){.change_open = false};
    if (!before.change_open) {
        return mewl_error_set(l->err, MEWL_E_STATE,
                              "no change of %s's voice is open, so there is nothing to answer; `mewl baby alerts %s "
                              "--all` shows what was told",
                              l->baby->infant.name, l->baby->infant.name);
    }
    /* Behind all that was heard, or it would come earlier when the model is made anew. */
    const int64_t last_ms = llround(1000.0 * before.last_time_s);
    mewl_store_entry entry =
        mewl_store_entry_plain(l->baby->infant.id, accepted ? MEWL_STORE_ENTRY_ACCEPTED : MEWL_STORE_ENTRY_DISMISSED,
                               last_ms > l->baby->now_ms ? last_ms : l->baby->now_ms);
    mewl_baby_entry_words(entry.text, sizeof entry.text, &entry);
    MEWL_TRY(mewl_store_entry_put(l->baby->store, &entry, l->err));
    MEWL_TRY(add_answer(l, &entry));
    MEWL_TRY(give_answers(l, INT64_MAX));
    MEWL_TRY(save_model(l));
    l->out->state = mewl_infant_describe(l->infant);
    return MEWL_OK;
}

mewl_status mewl_baby_answer(mewl_baby *baby, mewl_baby_learned *out, bool accepted, mewl_error *err)
{
    mewl_baby_learning learning;
    bool found = false;
    MEWL_TRY(mewl_baby_settle(baby, out, err)); /* a session that is over may open or close one */
    MEWL_TRY(mewl_store_begin(baby->store, err));
    lesson l = {.baby = baby, .learning = &learning, .out = out, .news_ms = INT64_MAX, .err = err};
    mewl_status status = find_latest(baby, &learning, &found, err);
    if (status == MEWL_OK && !found) {
        status = mewl_error_set(err, MEWL_E_STATE,
                                "nothing is known yet of how %s usually cries, so no change is open: begin with `mewl "
                                "baby enrol`",
                                baby->infant.name);
    }
    status = status == MEWL_OK ? give_answer(&l, accepted) : status;
    return end_lesson(&l, status);
}
