/* infant_file.c - an infant as bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infant/infant_private.h"

#define TAG "MWLI"
#define VERSION 2 /* 1 knew nothing of what opened a change */

/* Numbers that may be NaN: a flag and the number. */
static void put_maybe(mewl_buffer *out, double value)
{
    mewl_bytes_put_u32(out, isfinite(value) ? 1 : 0);
    mewl_bytes_put_f64(out, isfinite(value) ? value : 0);
}

static mewl_status get_maybe(mewl_bytes *in, double *value, mewl_error *err)
{
    uint32_t there = 0;
    MEWL_TRY(mewl_bytes_get_u32(in, &there, err));
    MEWL_TRY(mewl_bytes_get_f64(in, value, err));
    *value = there != 0 ? *value : NAN;
    return MEWL_OK;
}

/* The options in a fixed order of reals and whole numbers. */
static void put_options(const mewl_infant_opts *o, mewl_buffer *out)
{
    const double reals[] = {o->personal.nu,      o->personal.gamma,   o->personal.shrinkage, o->gate.min_cry,
                            o->gate.max_clipped, o->gate.min_seconds, o->session_gap_s,      o->false_alarm_days,
                            o->lifetime_alpha,   o->normal_level,     o->learn_days};
    mewl_bytes_put_f64s(out, reals, sizeof reals / sizeof *reals);
    put_maybe(out, o->gate.min_snr_db);
    const uint64_t wholes[] = {(uint64_t)o->kind,
                               o->personal.neighbours,
                               o->personal.components_max,
                               (uint64_t)o->personal.covariance,
                               o->personal.epochs,
                               o->personal.seed,
                               o->learn_sessions,
                               o->calibrate_sessions,
                               o->measures,
                               o->surroundings,
                               o->seed};
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        mewl_bytes_put_u64(out, wholes[i]);
    }
    mewl_bytes_put_blob(out, o->embedder, sizeof o->embedder);
}

static mewl_status get_options(mewl_infant_opts *o, mewl_bytes *in, mewl_error *err)
{
    double *reals = NULL;
    uint64_t wholes[11];
    const void *text = NULL;
    size_t size = 0;
    MEWL_TRY(mewl_bytes_get_f64s(in, &reals, 11, err));
    *o = (mewl_infant_opts){
        .personal = {.nu = reals[0], .gamma = reals[1], .shrinkage = reals[2]},
        .gate = {.min_cry = reals[3], .max_clipped = reals[4], .min_seconds = reals[5]},
        .session_gap_s = reals[6],
        .false_alarm_days = reals[7],
        .lifetime_alpha = reals[8],
        .normal_level = reals[9],
        .learn_days = reals[10],
    };
    free(reals);
    MEWL_TRY(get_maybe(in, &o->gate.min_snr_db, err));
    o->gate.min_snr_db = isnan(o->gate.min_snr_db) ? -INFINITY : o->gate.min_snr_db;
    for (size_t i = 0; i < 11; i++) {
        MEWL_TRY(mewl_bytes_get_u64(in, &wholes[i], err));
    }
    MEWL_TRY(mewl_bytes_get_blob(in, &text, &size, err));
    if (wholes[0] >= MEWL_PERSONAL_KINDS || wholes[3] > MEWL_GMM_DIAGONAL || size != sizeof o->embedder) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: an infant of an unknown kind", in->name);
    }
    o->kind = (mewl_personal_kind)wholes[0];
    o->personal.neighbours = wholes[1];
    o->personal.components_max = wholes[2];
    o->personal.covariance = (mewl_gmm_covariance)wholes[3];
    o->personal.epochs = wholes[4];
    o->personal.seed = wholes[5];
    o->learn_sessions = wholes[6];
    o->calibrate_sessions = wholes[7];
    o->measures = wholes[8];
    o->surroundings = wholes[9];
    o->seed = wholes[10];
    memcpy(o->embedder, text, size);
    return mewl__infant_check(o, err);
}

static void put_session(const mewl_infant *infant, const mewl__session *s, mewl_buffer *out)
{
    mewl_bytes_put_u64(out, s->number);
    mewl_bytes_put_f64(out, s->time_s);
    mewl_bytes_put_u32(out, (uint32_t)s->lane);
    mewl_bytes_put_u32(out, s->scored ? 1 : 0);
    mewl_bytes_put_u64(out, s->count);
    mewl_bytes_put_f64s(out, s->row, s->count * infant->space);
    for (size_t k = 0; k < s->count; k++) {
        put_maybe(out, s->scored ? s->score[k] : NAN);
    }
}

static mewl_status get_session(mewl_infant *infant, mewl_bytes *in, mewl_error *err)
{
    uint32_t lane = 0;
    uint32_t scored = 0;
    mewl__session *s = &infant->list[infant->count];
    *s = (mewl__session){0};
    infant->count++; /* so that it is released with the infant, whatever comes */
    MEWL_TRY(mewl_bytes_get_u64(in, &s->number, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &s->time_s, err));
    MEWL_TRY(mewl_bytes_get_u32(in, &lane, err));
    MEWL_TRY(mewl_bytes_get_u32(in, &scored, err));
    MEWL_TRY(mewl_bytes_get_count(in, &s->count, 1, MEWL_INFANT_SESSION_RECORDINGS_MAX, "a session's recordings", err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &s->row, s->count * infant->space, err));
    bool falling = infant->count > 1 && s->number <= infant->list[infant->count - 2].number;
    if (lane >= MEWL__LANES || falling || s->number >= infant->sessions) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: sessions out of order", in->name);
    }
    s->lane = (mewl__lane)lane;
    s->scored = scored != 0;
    for (size_t k = 0; k < s->count; k++) {
        MEWL_TRY(get_maybe(in, &s->score[k], err));
        s->scored = s->scored && isfinite(s->score[k]);
    }
    return MEWL_OK;
}

/* The session going on. */
static void put_running(const mewl_infant *infant, mewl_buffer *out)
{
    const mewl__running *r = &infant->running;
    mewl_bytes_put_u32(out, r->on ? 1 : 0);
    if (!r->on) {
        return;
    }
    mewl_bytes_put_f64(out, r->first_s);
    mewl_bytes_put_f64(out, r->last_s);
    mewl_bytes_put_u64(out, r->recordings);
    mewl_bytes_put_u64(out, r->usable);
    mewl_bytes_put_u64(out, r->kept);
    mewl_bytes_put_u32(out, r->gate);
    mewl_bytes_put_u32(out, r->source);
    put_maybe(out, r->score_sum);
    for (size_t k = 0; k < infant->opts.measures; k++) {
        mewl_bytes_put_f64(out, r->measure_sum[k]);
        mewl_bytes_put_u64(out, r->measured[k]);
    }
    for (size_t k = 0; k < infant->opts.surroundings; k++) {
        mewl_bytes_put_f64(out, r->surrounding_sum[k]);
        mewl_bytes_put_u64(out, r->surrounded[k]);
    }
    mewl_bytes_put_f64s(out, r->row, r->kept * infant->space);
}

static mewl_status get_running(mewl_infant *infant, mewl_bytes *in, mewl_error *err)
{
    mewl__running *r = &infant->running;
    uint32_t on = 0;
    MEWL_TRY(mewl_bytes_get_u32(in, &on, err));
    if (on == 0) {
        return MEWL_OK;
    }
    r->on = true;
    MEWL_TRY(mewl_bytes_get_f64(in, &r->first_s, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &r->last_s, err));
    MEWL_TRY(mewl_bytes_get_count(in, &r->recordings, 1, MEWL__COUNT_MAX, "the running session's recordings", err));
    MEWL_TRY(mewl_bytes_get_count(in, &r->usable, 0, r->recordings, "its usable recordings", err));
    size_t most = r->usable < MEWL_INFANT_SESSION_RECORDINGS_MAX ? r->usable : MEWL_INFANT_SESSION_RECORDINGS_MAX;
    MEWL_TRY(mewl_bytes_get_count(in, &r->kept, most, most, "its kept recordings", err));
    MEWL_TRY(mewl_bytes_get_u32(in, &r->gate, err));
    MEWL_TRY(mewl_bytes_get_u32(in, &r->source, err));
    MEWL_TRY(get_maybe(in, &r->score_sum, err));
    for (size_t k = 0; k < infant->opts.measures; k++) {
        MEWL_TRY(mewl_bytes_get_f64(in, &r->measure_sum[k], err));
        MEWL_TRY(mewl_bytes_get_count(in, &r->measured[k], 0, r->usable, "measured recordings", err));
    }
    for (size_t k = 0; k < infant->opts.surroundings; k++) {
        MEWL_TRY(mewl_bytes_get_f64(in, &r->surrounding_sum[k], err));
        MEWL_TRY(mewl_bytes_get_count(in, &r->surrounded[k], 0, r->usable, "measured surroundings", err));
    }
    double *row = NULL;
    MEWL_TRY(mewl_bytes_get_f64s(in, &row, r->kept * infant->space, err));
    memcpy(r->row, row, r->kept * infant->space * sizeof *row);
    free(row);
    return MEWL_OK;
}

static void put_open(const mewl__open *o, mewl_buffer *out)
{
    mewl_bytes_put_u32(out, (uint32_t)o->channel);
    put_maybe(out, o->expected);
    put_maybe(out, o->spread);
    put_maybe(out, o->from_s);
    put_maybe(out, o->run_from_s);
    mewl_bytes_put_f64(out, o->run_sum);
}

/* What was written before by what a change was told closes it by the score, as it did then. */
static mewl_status get_open(mewl_infant *infant, mewl_bytes *in, uint32_t version, mewl_error *err)
{
    mewl__open *o = &infant->open;
    uint32_t channel = 0;
    o->from_s = o->run_from_s = NAN;
    if (version == 1) {
        return MEWL_OK;
    }
    MEWL_TRY(mewl_bytes_get_u32(in, &channel, err));
    MEWL_TRY(get_maybe(in, &o->expected, err));
    MEWL_TRY(get_maybe(in, &o->spread, err));
    MEWL_TRY(get_maybe(in, &o->from_s, err));
    MEWL_TRY(get_maybe(in, &o->run_from_s, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &o->run_sum, err));
    if (channel > infant->opts.measures) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a change of what is not measured", in->name);
    }
    o->channel = (int)channel;
    return MEWL_OK;
}

static mewl_status write_infant(mewl_infant *infant, mewl_buffer *out, mewl_error *err)
{
    mewl_bytes_put_head(out, TAG, VERSION);
    mewl_bytes_put_u64(out, infant->dims);
    put_options(&infant->opts, out);
    mewl_bytes_put_u32(out, infant->has_population ? 1 : 0);
    if (infant->has_population) {
        mewl_population_save(&infant->population, out);
    }
    const uint64_t wholes[] = {infant->sessions,       infant->updates,     infant->source,
                               infant->source_known,   infant->change_open, infant->lifetime_alarm,
                               infant->open.usual_run, infant->rebase_left, infant->rebase_from};
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        mewl_bytes_put_u64(out, wholes[i]);
    }
    put_open(&infant->open, out);
    put_maybe(out, infant->first_s);
    put_maybe(out, infant->last_s);
    mewl_bytes_put_u64(out, infant->count);
    for (size_t i = 0; i < infant->count; i++) {
        put_session(infant, &infant->list[i], out);
    }
    put_running(infant, out);
    for (size_t k = 0; k <= infant->opts.measures; k++) {
        mewl_change_save(infant->channel[k], out);
    }
    for (size_t k = 0; k < infant->opts.surroundings; k++) {
        mewl_change_save(infant->room[k], out);
    }
    mewl_bytes_put_u64(out, infant->coverage.count);
    for (size_t i = 0; i < infant->coverage.count; i++) {
        mewl_bytes_put_f64(out, infant->coverage.span[i][0]);
        mewl_bytes_put_f64(out, infant->coverage.span[i][1]);
    }
    mewl_bytes_put_u32(out, infant->model != NULL ? 1 : 0);
    if (infant->model != NULL) {
        MEWL_TRY(mewl_personal_save(infant->model, out, err));
    }
    return out->failed ? mewl_error_set(err, MEWL_E_MEMORY, "no memory to write an infant's model") : MEWL_OK;
}

mewl_status mewl_infant_save(mewl_infant *infant, mewl_buffer *out, mewl_error *err)
{
    const size_t before = out->size;
    mewl_infant *again = NULL;
    mewl_error why = {0};
    MEWL_TRY(write_infant(infant, out, err));
    const mewl_status status = mewl_infant_load(&again, out->data + before, out->size - before, "it", &why);
    mewl_infant_free(again);
    if (status == MEWL_OK) {
        return MEWL_OK;
    }
    out->size = before; /* what was there stays as it was */
    out->data[before] = '\0';
    return status == MEWL_E_MEMORY
               ? mewl_error_set(err, status, "no memory to check an infant's model")
               : mewl_error_set(err, MEWL_E_STATE,
                                "an infant's model has come to hold numbers that no recordings give, so it is not "
                                "written (%s)",
                                why.text);
}

static mewl_status get_state(mewl_infant *infant, mewl_bytes *in, uint32_t version, mewl_error *err)
{
    size_t w[9];
    size_t count = 0;
    for (size_t i = 0; i < 9; i++) {
        MEWL_TRY(mewl_bytes_get_count(in, &w[i], 0, i == 2 ? UINT32_MAX : MEWL__COUNT_MAX, "a count", err));
    }
    infant->sessions = w[0];
    infant->updates = w[1];
    infant->source = (uint32_t)w[2];
    infant->source_known = w[3] != 0;
    infant->change_open = w[4] != 0;
    infant->lifetime_alarm = w[5] != 0;
    infant->open.usual_run = w[6];
    infant->rebase_left = w[7] <= MEWL__REBASE_SESSIONS ? w[7] : MEWL__REBASE_SESSIONS;
    infant->rebase_from = w[8];
    MEWL_TRY(get_open(infant, in, version, err));
    MEWL_TRY(get_maybe(in, &infant->first_s, err));
    MEWL_TRY(get_maybe(in, &infant->last_s, err));
    MEWL_TRY(mewl_bytes_get_count(in, &count, 0, MEWL__LIST_MAX, "the number of sessions", err));
    for (size_t i = 0; i < count; i++) {
        MEWL_TRY(get_session(infant, in, err));
    }
    return get_running(infant, in, err);
}

static mewl_status get_coverage(mewl_infant *infant, mewl_bytes *in, mewl_error *err)
{
    size_t spans = 0;
    MEWL_TRY(mewl_bytes_get_count(in, &spans, 0, MEWL_COVERAGE_SPANS_MAX, "the times of listening", err));
    for (size_t i = 0; i < spans; i++) {
        double span[2];
        MEWL_TRY(mewl_bytes_get_f64(in, &span[0], err));
        MEWL_TRY(mewl_bytes_get_f64(in, &span[1], err));
        MEWL_TRY(mewl_infant_listened(infant, span[0], span[1], err));
    }
    return MEWL_OK;
}

static mewl_status get_channels(mewl_infant *infant, mewl_bytes *in, mewl_error *err)
{
    for (size_t k = 0; k < 1 + infant->opts.measures + infant->opts.surroundings; k++) {
        bool of_room = k > infant->opts.measures;
        mewl_change **place = of_room ? &infant->room[k - 1 - infant->opts.measures] : &infant->channel[k];
        mewl_change_free(*place);
        MEWL_TRY(mewl_change_load(place, in, err));
    }
    return MEWL_OK;
}

static mewl_status get_rest(mewl_infant *infant, mewl_bytes *in, uint32_t version, mewl_error *err)
{
    uint32_t there = 0;
    MEWL_TRY(mewl_bytes_get_u32(in, &there, err));
    if (there != 0) {
        MEWL_TRY(mewl_population_load(&infant->population, in, err));
        infant->has_population = true;
        infant->space = infant->population.reduced;
        if (infant->population.dims != infant->dims || infant->space > infant->dims) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: embeddings of %zu numbers, but the population's have %zu",
                                  in->name, infant->dims, infant->population.dims);
        }
    }
    MEWL_TRY(get_state(infant, in, version, err));
    MEWL_TRY(get_channels(infant, in, err));
    MEWL_TRY(get_coverage(infant, in, err));
    MEWL_TRY(mewl_bytes_get_u32(in, &there, err));
    if (there != 0) {
        MEWL_TRY(mewl_personal_load(&infant->model, in, err));
        if (mewl_personal_dims(infant->model) != infant->space ||
            mewl_personal_kind_of(infant->model) != infant->opts.kind) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: a model that does not belong to this infant", in->name);
        }
        mewl__infant_calibrate(infant);
    }
    return mewl_bytes_end(in, err);
}

mewl_status mewl_infant_load(mewl_infant **out, const void *data, size_t size, const char *name, mewl_error *err)
{
    *out = NULL;
    mewl_bytes in = {.data = data, .size = size, .name = name, .most = MEWL_PERSONAL_NUMBER_MAX};
    mewl_infant_opts opts;
    size_t dims = 0;
    uint32_t version = 0;
    MEWL_TRY(mewl_bytes_get_head(&in, &version, TAG, VERSION, err));
    MEWL_TRY(mewl_bytes_get_count(&in, &dims, 1, MEWL_LEARN_DIMS_MAX, "the size of an embedding", err));
    MEWL_TRY(get_options(&opts, &in, err));
    mewl_infant *infant = NULL;
    MEWL_TRY(mewl__infant_make(&infant, dims, opts, err));
    mewl_status status = get_rest(infant, &in, version, err);
    if (status != MEWL_OK) {
        mewl_infant_free(infant);
        return status;
    }
    *out = infant;
    return MEWL_OK;
}
