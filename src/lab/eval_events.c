/* eval_events.c - held-out mixtures of a minute: scores become episodes, episodes are matched with the events that were
 * placed. Event-based F1, PSDS 1 and 2 by SNR; and the choice of episode options on the validation side. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/mixture.h"
#include "lab/bootstrap.h"
#include "lab/events.h"
#include "lab/gather.h"
#include "lab/psds.h"

#define SWEEP 41        /* operating points */
#define SWEEP_LOGIT 8.0 /* from -8 to 8 */
#define CRY 0
#define OTHER 1

/* A growing list of events. */
typedef struct span_list {
    mewl_span *items;
    size_t count, room;
} span_list;

static mewl_status add_span(span_list *l, size_t clip, uint32_t label, double onset_s, double offset_s, mewl_error *err)
{
    if (l->count == l->room) {
        size_t room = l->room == 0 ? 64 : 2 * l->room;
        mewl_span *items = room > ((size_t)1 << 26) ? NULL : realloc(l->items, room * sizeof *items);
        if (items == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu events", room);
        }
        l->items = items;
        l->room = room;
    }
    l->items[l->count++] =
        (mewl_span){.clip = (uint32_t)clip, .label = label, .onset_s = onset_s, .offset_s = offset_s};
    return MEWL_OK;
}

/* Frame scores of one system over all mixtures of one SNR. */
typedef struct score_list {
    float *logits;
    size_t *start; /* [mixtures + 1] */
    size_t room;
    double frame_s;
} score_list;

/* All mixtures of one SNR: what was placed, and what each system scored. */
typedef struct scene {
    double snr_db;
    size_t mixtures;
    span_list truth;
    score_list scores[MEWL_TRIAL_SYSTEMS_MAX]; /* start == NULL: no scores over time */
} scene;

static void scene_fini(scene *s)
{
    free(s->truth.items);
    for (size_t k = 0; k < MEWL_TRIAL_SYSTEMS_MAX; k++) {
        free(s->scores[k].logits);
        free(s->scores[k].start);
    }
    memset(s, 0, sizeof *s);
}

static mewl_status add_scores(score_list *l, size_t mixture, const mewl_track *track, mewl_error *err)
{
    size_t at = l->start[mixture];
    if (at + track->frames > l->room) {
        size_t room = 2 * (at + track->frames);
        float *logits = realloc(l->logits, room * sizeof *logits);
        if (logits == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu frame scores", room);
        }
        l->logits = logits;
        l->room = room;
    }
    memcpy(l->logits + at, track->logits, track->frames * sizeof *l->logits);
    l->start[mixture + 1] = at + track->frames;
    l->frame_s = track->frame_s;
    return MEWL_OK;
}

static mewl_status add_truth(scene *s, size_t mixture, const mewl_example *example, mewl_error *err)
{
    double cry_until = 0;
    double other_until = 0;
    for (size_t e = 0; e < example->event_count; e++) {
        const mewl_mix_event *event = &example->events[e];
        double *until = event->cry ? &cry_until : &other_until;
        double onset = fmax(event->onset_s, *until); /* events of a class never overlap in a PSDS */
        if (event->offset_s > onset) {
            MEWL_TRY(add_span(&s->truth, mixture, event->cry ? CRY : OTHER, onset, event->offset_s, err));
            *until = event->offset_s;
        }
    }
    return MEWL_OK;
}

/* What a set of scenes is made from. */
typedef struct maker {
    mewl_system *const *systems;
    size_t system_count;
    mewl_mixer *mixer;
    mewl_example example;
    mewl_mix_test test;
    const mewl_eval_opts *common;
    uint64_t first_index;
    double done, total;
} maker;

static mewl_status make_scene(scene *s, maker *m, size_t mixtures, mewl_error *err)
{
    s->snr_db = m->test.snr_db;
    s->mixtures = mixtures;
    for (size_t i = 0; i < mixtures; i++) {
        MEWL_TRY(mewl_mixer_test(m->mixer, &m->example, m->test, m->common->seed, m->first_index + i, err));
        MEWL_TRY(add_truth(s, i, &m->example, err));
        for (size_t k = 0; k < m->system_count; k++) {
            if (mewl_system_get_kind(m->systems[k]) == MEWL_SYSTEM_MN04) {
                continue; /* one score a clip */
            }
            mewl_track track;
            MEWL_TRY(
                mewl_system_score(m->systems[k], &track, m->example.samples, m->example.count, MEWL_MIX_RATE_HZ, err));
            if (track.logits == NULL) {
                continue;
            }
            if (s->scores[k].start == NULL) {
                s->scores[k].start = calloc(mixtures + 1, sizeof *s->scores[k].start);
                if (s->scores[k].start == NULL) {
                    return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu mixtures", mixtures);
                }
            }
            MEWL_TRY(add_scores(&s->scores[k], i, &track, err));
        }
        mewl_progress_report(m->common->progress, ++m->done, m->total, "scoring minutes");
    }
    return MEWL_OK;
}

static mewl_status find_events(span_list *out, const scene *s, size_t system, mewl_episode_opts episodes,
                               mewl_error *err)
{
    const score_list *l = &s->scores[system];
    out->count = 0;
    episodes.frame_s = l->frame_s;
    for (size_t i = 0; i < s->mixtures; i++) {
        mewl_episode *found = NULL;
        size_t count = 0;
        MEWL_TRY(mewl_episode_find(&found, &count, l->logits + l->start[i], NULL, l->start[i + 1] - l->start[i],
                                   episodes, err));
        mewl_status status = MEWL_OK;
        for (size_t e = 0; status == MEWL_OK && e < count; e++) {
            status = add_span(out, i, CRY, found[e].onset_s, found[e].offset_s, err);
        }
        free(found);
        MEWL_TRY(status);
    }
    return MEWL_OK;
}

static size_t cries_of(span_list *out, const span_list *truth, mewl_error *err)
{
    out->count = 0;
    for (size_t i = 0; i < truth->count; i++) {
        if (truth->items[i].label == CRY && add_span(out, truth->items[i].clip, CRY, truth->items[i].onset_s,
                                                     truth->items[i].offset_s, err) != MEWL_OK) {
            return SIZE_MAX;
        }
    }
    return out->count;
}

/* Event counts of one system on one scene at one set of options. */
static mewl_status count_events(mewl_event_counts *counts, const scene *s, size_t system, mewl_episode_opts episodes,
                                mewl_error *err)
{
    span_list found = {0};
    span_list cries = {0};
    mewl_status status = find_events(&found, s, system, episodes, err);
    if (status == MEWL_OK && cries_of(&cries, &s->truth, err) == SIZE_MAX) {
        status = MEWL_E_MEMORY;
    }
    if (status == MEWL_OK) {
        status = mewl_event_match(counts, s->mixtures, cries.items, cries.count, found.items, found.count,
                                  MEWL_COLLARS_DEFAULT, err);
    }
    free(found.items);
    free(cries.items);
    return status;
}

static float sweep_threshold(size_t point)
{
    double logit = SWEEP_LOGIT * (2.0 * (double)point / (SWEEP - 1) - 1);
    return (float)(1.0 / (1.0 + exp(-logit)));
}

static mewl_status sweep(mewl_psds *one, mewl_psds *two, const scene *s, size_t system, mewl_episode_opts episodes,
                         mewl_error *err)
{
    span_list found = {0};
    mewl_status status = MEWL_OK;
    for (size_t point = 0; status == MEWL_OK && point < SWEEP; point++) {
        episodes.threshold = sweep_threshold(point);
        episodes.ceiling = fmaxf(episodes.ceiling, episodes.threshold);
        status = find_events(&found, s, system, episodes, err);
        if (status == MEWL_OK) {
            status = mewl_psds_add(one, found.items, found.count, err);
        }
        if (status == MEWL_OK) {
            status = mewl_psds_add(two, found.items, found.count, err);
        }
    }
    free(found.items);
    return status;
}

typedef struct cell {
    const mewl_event_counts *counts;
    size_t mixtures;
    double minutes_each;
    const mewl_psds *one, *two;
} cell;

static void cell_figures(double *values, const double *weights, void *user)
{
    const cell *c = user;
    mewl_event_score score = mewl_event_score_sum(c->counts, weights, c->mixtures);
    values[0] = score.f1;
    values[1] = mewl_psds_score(c->one, weights);
    values[2] = mewl_psds_score(c->two, weights);
}

static json_t *cell_json(const scene *s, const cell *c, const mewl_interval *figures)
{
    mewl_event_score score = mewl_event_score_sum(c->counts, NULL, c->mixtures);
    json_t *row = json_object();
    (void)mewl_json_set_real(row, "snr_db", s->snr_db);
    (void)mewl_json_set_int(row, "events", (int64_t)score.reference);
    (void)mewl_json_set(row, "f1", mewl_interval_json(figures[0].value, figures[0].low, figures[0].high));
    (void)mewl_json_set_real(row, "precision", score.precision);
    (void)mewl_json_set_real(row, "recall", score.recall);
    (void)mewl_json_set(row, "psds_1", mewl_interval_json(figures[1].value, figures[1].low, figures[1].high));
    (void)mewl_json_set(row, "psds_2", mewl_interval_json(figures[2].value, figures[2].low, figures[2].high));
    (void)mewl_json_set_real(row, "unmatched_per_hour",
                             (score.estimated - score.matched) / ((double)c->mixtures * c->minutes_each / 60));
    return row;
}

static mewl_status judge_scene(json_t *rows, const scene *s, size_t system, mewl_episode_opts episodes, double seconds,
                               const mewl_eval_opts *opts, mewl_error *err)
{
    mewl_psds *one = NULL;
    mewl_psds *two = NULL;
    mewl_event_counts *counts = calloc(s->mixtures, sizeof *counts);
    double *lengths = malloc(s->mixtures * sizeof *lengths);
    size_t *group = malloc(s->mixtures * sizeof *group);
    mewl_status status = MEWL_OK;
    if (counts == NULL || lengths == NULL || group == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu mixtures", s->mixtures);
    }
    for (size_t i = 0; status == MEWL_OK && i < s->mixtures; i++) {
        lengths[i] = seconds;
        group[i] = i;
    }
    if (status == MEWL_OK) {
        status = count_events(counts, s, system, episodes, err);
    }
    if (status == MEWL_OK) {
        status = mewl_psds_new(&one, s->truth.items, s->truth.count, lengths, s->mixtures, MEWL_PSDS_1(2), err);
    }
    if (status == MEWL_OK) {
        status = mewl_psds_new(&two, s->truth.items, s->truth.count, lengths, s->mixtures, MEWL_PSDS_2(2), err);
    }
    if (status == MEWL_OK) {
        status = sweep(one, two, s, system, episodes, err);
    }
    if (status == MEWL_OK) {
        mewl_interval figures[3];
        cell c = {.counts = counts, .mixtures = s->mixtures, .minutes_each = seconds / 60, .one = one, .two = two};
        mewl_bootstrap_opts bootstrap = {.rounds = opts->rounds, .seed = opts->seed};
        status = mewl_bootstrap(figures, 3, group, NULL, s->mixtures, cell_figures, &c, bootstrap, err);
        if (status == MEWL_OK) {
            (void)json_array_append_new(rows, cell_json(s, &c, figures));
        }
    }
    mewl_psds_free(one);
    mewl_psds_free(two);
    free(counts);
    free(lengths);
    free(group);
    return status;
}

/* F1 over several scenes joined. */
static mewl_status joint_f1(double *f1, const scene *scenes, size_t count, size_t system, mewl_episode_opts episodes,
                            mewl_error *err)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        mewl_event_counts *counts = calloc(scenes[k].mixtures, sizeof *counts);
        if (counts == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu mixtures", scenes[k].mixtures);
        }
        mewl_status status = count_events(counts, &scenes[k], system, episodes, err);
        mewl_event_score score = mewl_event_score_sum(counts, NULL, scenes[k].mixtures);
        free(counts);
        MEWL_TRY(status);
        sum += isnan(score.f1) ? 0 : score.f1;
    }
    *f1 = sum / (double)count;
    return MEWL_OK;
}

/* A baseline is given the threshold that suits it best on these very mixtures: more than it would get in use. */
static mewl_status best_threshold(float *threshold, const scene *scenes, size_t count, size_t system,
                                  mewl_episode_opts episodes, mewl_error *err)
{
    double best = -1;
    for (size_t point = 0; point < SWEEP; point++) {
        mewl_episode_opts tried = episodes;
        tried.threshold = sweep_threshold(point);
        tried.ceiling = fmaxf(tried.ceiling, tried.threshold);
        double f1 = 0;
        MEWL_TRY(joint_f1(&f1, scenes, count, system, tried, err));
        if (f1 > best) {
            best = f1;
            *threshold = tried.threshold;
        }
    }
    return MEWL_OK;
}

static mewl_status make_scenes(scene *scenes, size_t count, const double *snr, maker *m, size_t mixtures,
                               mewl_error *err)
{
    m->total = (double)(count * mixtures);
    m->done = 0;
    for (size_t k = 0; k < count; k++) {
        m->test.snr_db = snr[k];
        MEWL_TRY(make_scene(&scenes[k], m, mixtures, err));
    }
    return MEWL_OK;
}

static mewl_status maker_init(maker *m, const mewl_corpus *corpus, const mewl_recipe *recipe, mewl_side side,
                              mewl_error *err)
{
    m->test = mewl_mix_test_default();
    m->test.seconds = recipe->eval_seconds;
    m->test.negatives_per_minute = recipe->eval_negatives_per_minute;
    MEWL_TRY(mewl_mixer_new_test(&m->mixer, corpus, recipe, side, m->test.seconds, err));
    mewl_status status = mewl_example_init(&m->example, (size_t)(m->test.seconds * MEWL_MIX_RATE_HZ), err);
    if (status != MEWL_OK) {
        mewl_mixer_free(m->mixer);
        m->mixer = NULL;
    }
    return status;
}

static void maker_fini(maker *m)
{
    if (m->mixer != NULL) {
        mewl_example_fini(&m->example);
        mewl_mixer_free(m->mixer);
    }
}

static mewl_status judge_system(json_t *systems, const scene *scenes, size_t count, const maker *m, size_t system,
                                mewl_episode_opts episodes, mewl_error *err)
{
    if (scenes[0].scores[system].start == NULL) {
        return MEWL_OK;
    }
    if (system > 0) {
        episodes.background_s = 0; /* tuned for our model's scores; a baseline is judged by its threshold alone */
        MEWL_TRY(best_threshold(&episodes.threshold, scenes, count, system, episodes, err));
        episodes.ceiling = fmaxf(episodes.ceiling, episodes.threshold);
    }
    json_t *rows = json_array();
    mewl_status status = MEWL_OK;
    for (size_t k = 0; status == MEWL_OK && k < count; k++) {
        status = judge_scene(rows, &scenes[k], system, episodes, m->test.seconds, m->common, err);
    }
    json_t *entry = json_object();
    (void)mewl_json_set_string(entry, "name", mewl_system_name(m->systems[system]));
    (void)mewl_json_set_real(entry, "threshold", episodes.threshold);
    (void)mewl_json_set_string(entry, "threshold_from", system > 0 ? "these mixtures (best for it)" : "the model");
    (void)mewl_json_set(entry, "by_snr", rows);
    (void)json_array_append_new(systems, entry);
    return status;
}

mewl_status mewl_eval_events(json_t **out, mewl_system *const *systems, size_t system_count, const mewl_corpus *corpus,
                             const mewl_recipe *recipe, mewl_eval_event_opts opts, mewl_error *err)
{
    *out = NULL;
    size_t mixtures = opts.mixtures > 0 ? opts.mixtures : (size_t)recipe->eval_mixtures;
    size_t count = recipe->eval_snr_db.count;
    if (mixtures == 0 || mixtures > 100000 || count == 0 || system_count == 0 ||
        system_count > MEWL_TRIAL_SYSTEMS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu mixtures at %zu SNRs cannot be evaluated", mixtures, count);
    }
    maker m = {.systems = systems, .system_count = system_count, .common = &opts.common};
    MEWL_TRY(maker_init(&m, corpus, recipe, opts.side, err));
    scene *scenes = calloc(count, sizeof *scenes);
    json_t *rows = json_array();
    mewl_status status = scenes == NULL ? mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu SNRs", count)
                                        : make_scenes(scenes, count, recipe->eval_snr_db.items, &m, mixtures, err);
    for (size_t s = 0; status == MEWL_OK && s < system_count; s++) {
        status = judge_system(rows, scenes, count, &m, s, opts.episodes, err);
    }
    if (status == MEWL_OK) {
        *out = json_object();
        (void)mewl_json_set_string(*out, "kind", "events");
        (void)mewl_json_set_string(*out, "side", mewl__side_name(opts.side));
        (void)mewl_json_set_int(*out, "split_seed", recipe->data_split_seed);
        (void)mewl_json_set_int(*out, "seed", (int64_t)opts.common.seed);
        (void)mewl_json_set_real(*out, "mixture_seconds", m.test.seconds);
        (void)mewl_json_set_int(*out, "mixtures", (int64_t)mixtures);
        (void)mewl_json_set(*out, "systems", rows);
    } else {
        json_decref(rows);
    }
    for (size_t k = 0; scenes != NULL && k < count; k++) {
        scene_fini(&scenes[k]);
    }
    free(scenes);
    maker_fini(&m);
    return status;
}

/* ---- Choosing options on the validation side ---- */

#define QUIET_MINUTES_MAX 240 /* the validation side has no more to say */
#define NEAR_BEST 0.02        /* of mean F1: less than that is chance, and each false alarm wakes somebody */

static mewl_status episodes_in(size_t *count, const scene *s, mewl_episode_opts episodes, mewl_error *err)
{
    span_list found = {0};
    mewl_status status = find_events(&found, s, 0, episodes, err);
    *count = found.count;
    free(found.items);
    return status;
}

typedef struct tuning {
    scene *scenes; /* with cries */
    size_t count;
    scene quiet; /* without */
    double quiet_hours;
    json_t *tried;
} tuning;

/* The grid: how sure a run's surest frame, how far below that its edges, how long before it its beginning. */
static const float grid_threshold[] = {0.5F, 0.6F, 0.7F, 0.8F, 0.85F, 0.9F, 0.93F, 0.95F, 0.97F};
static const float grid_hysteresis[] = {1, 2, 3, 4, 5};
static const double grid_attack[] = {0.16, 0.4, 0.56};
static const double grid_shortest[] = {0.16, 0.24, 0.4};
static const double grid_gap[] = {0.8, 1.0};

#define GRID ((size_t)9 * 5 * 3 * 3 * 2)

static mewl_episode_opts grid_at(mewl_episode_opts o, size_t i)
{
    o.threshold = grid_threshold[i % 9];
    o.ceiling = fmaxf(0.99F, o.threshold);
    o.hysteresis = grid_hysteresis[i / 9 % 5];
    o.attack_s = grid_attack[i / 45 % 3];
    o.min_s = grid_shortest[i / 135 % 3];
    o.merge_gap_s = grid_gap[i / 405];
    return o;
}

static json_t *tried_json(const mewl_episode_opts *o, double f1, double rate)
{
    json_t *row = json_object();
    (void)mewl_json_set_real(row, "threshold", o->threshold);
    (void)mewl_json_set_real(row, "hysteresis", o->hysteresis);
    (void)mewl_json_set_real(row, "attack_s", o->attack_s);
    (void)mewl_json_set_real(row, "min_s", o->min_s);
    (void)mewl_json_set_real(row, "merge_gap_s", o->merge_gap_s);
    (void)mewl_json_set_real(row, "mean_f1", f1);
    (void)mewl_json_set_real(row, "false_per_hour", rate); /* NaN, so null, where F1 was too low to ask */
    return row;
}

/* Best mean F1; of options that are as good within NEAR_BEST, the one with the fewest false episodes. */
static mewl_status try_grid(mewl_episode_opts *chosen, double *f1, double *rate, tuning *t, mewl_error *err)
{
    double scored[GRID];
    double best = 0;
    const mewl_episode_opts start = *chosen;
    for (size_t i = 0; i < GRID; i++) {
        MEWL_TRY(joint_f1(&scored[i], t->scenes, t->count, 0, grid_at(start, i), err));
        best = fmax(best, scored[i]);
    }
    *rate = INFINITY;
    for (size_t i = 0; i < GRID; i++) {
        const mewl_episode_opts tried = grid_at(start, i);
        double alarms = NAN;
        if (scored[i] >= best - NEAR_BEST) {
            size_t found = 0;
            MEWL_TRY(episodes_in(&found, &t->quiet, tried, err));
            alarms = (double)found / t->quiet_hours;
            if (alarms < *rate || (alarms == *rate && scored[i] > *f1)) {
                *chosen = tried;
                *rate = alarms;
                *f1 = scored[i];
            }
        }
        (void)json_array_append_new(t->tried, tried_json(&tried, scored[i], alarms));
    }
    return MEWL_OK;
}

static mewl_status make_tuning_scenes(tuning *t, maker *m, const double *snr, size_t mixtures, mewl_error *err)
{
    t->scenes = calloc(t->count, sizeof *t->scenes);
    if (t->scenes == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu SNRs", t->count);
    }
    MEWL_TRY(make_scenes(t->scenes, t->count, snr, m, mixtures, err));
    size_t minutes = 4 * mixtures * t->count;
    minutes = minutes < QUIET_MINUTES_MAX ? minutes : QUIET_MINUTES_MAX;
    m->test.cries_per_minute = 0;
    m->test.snr_db = 10;
    m->first_index = 1000000;
    m->total = (double)minutes;
    m->done = 0;
    t->quiet_hours = (double)minutes * m->test.seconds / 3600;
    MEWL_TRY(make_scene(&t->quiet, m, minutes, err));
    return t->quiet.scores[0].start != NULL
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_UNSUPPORTED, "the model gives no scores over time");
}

mewl_status mewl_eval_tune(mewl_episode_opts *chosen, json_t **report, mewl_system *system, const mewl_corpus *corpus,
                           const mewl_recipe *recipe, mewl_eval_event_opts opts, mewl_error *err)
{
    size_t mixtures = opts.mixtures > 0 ? opts.mixtures : (size_t)recipe->eval_mixtures;
    double snr[MEWL_RECIPE_LIST_MAX];
    size_t count = 0;
    for (size_t k = 0; k < recipe->eval_snr_db.count; k++) {
        if (recipe->eval_snr_db.items[k] >= 0) {
            snr[count++] = recipe->eval_snr_db.items[k];
        }
    }
    if (mixtures == 0 || mixtures > 100000 || count == 0) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu mixtures at %zu SNRs cannot choose options", mixtures, count);
    }
    mewl_system *const systems[1] = {system};
    maker m = {.systems = systems, .system_count = 1, .common = &opts.common};
    MEWL_TRY(maker_init(&m, corpus, recipe, opts.side, err));
    tuning t = {.count = count, .tried = json_array()};
    mewl_status status = make_tuning_scenes(&t, &m, snr, mixtures, err);
    double rate = NAN;
    double f1 = NAN;
    if (status == MEWL_OK) {
        status = try_grid(chosen, &f1, &rate, &t, err);
    }
    if (status == MEWL_OK && report != NULL) {
        *report = json_object();
        (void)mewl_json_set_string(*report, "side", mewl__side_name(opts.side));
        (void)mewl_json_set_int(*report, "seed", (int64_t)opts.common.seed);
        (void)mewl_json_set_int(*report, "mixtures", (int64_t)mixtures);
        (void)mewl_json_set_real(*report, "quiet_hours", t.quiet_hours);
        (void)mewl_json_set_real(*report, "mean_f1", f1);
        (void)mewl_json_set_real(*report, "false_per_hour", rate);
        (void)mewl_json_set(*report, "tried", json_incref(t.tried));
    }
    json_decref(t.tried);
    scene_fini(&t.quiet);
    for (size_t k = 0; t.scenes != NULL && k < count; k++) {
        scene_fini(&t.scenes[k]);
    }
    free(t.scenes);
    maker_fini(&m);
    return status;
}
