#include "lab/alarms.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/alarms_private.h"
#include "lab/metrics.h"
#include "lab/ratio.h"
#include "lab/sheet.h"

#define HORIZON_DAYS 30.0 /* in which something put in is looked for: the last of --days */
#define GROWING_DAYS 30.0 /* by which infants that grow live longer than those that do not */
#define DELAY_INFANTS_MAX 100
#define LATE_UPDATES 200
#define LATE_DAYS 270.0 /* enough for so many, however short the others' lives are */
#define LATE_INFANTS_MAX 60

/* The whole experiment under way. */
typedef struct experiment {
    mewl_alarms_opts opts;
    mewl__world world;
    mewl__fate *fate; /* [infants], of the group at hand */
    size_t count;
    double done, total;
    json_t *sheets;
} experiment;

static mewl_status step_on(experiment *e, const char *what, mewl_error *err)
{
    mewl_progress_report(e->opts.progress, ++e->done, e->total, what);
    bool stop = e->opts.stop != NULL && *e->opts.stop != 0;
    return stop ? mewl_error_set(err, MEWL_E_CANCELLED, "stopped") : MEWL_OK;
}

static mewl_status live_group(experiment *e, size_t count, mewl__life_opts life, bool is_naive, const char *what,
                              mewl_error *err)
{
    e->count = count;
    for (size_t i = 0; i < count; i++) {
        life.seed = e->opts.seed * 1000003 + i;
        MEWL_TRY(is_naive ? mewl__life_naive(&e->fate[i], &e->world, life, err)
                          : mewl__life_run(&e->fate[i], &e->world, life, err));
        MEWL_TRY(step_on(e, what, err));
    }
    return MEWL_OK;
}

/* A ratio of sums over infants, by a bootstrap over infants. */
static mewl_status add_ratio(json_t *row, const double *top, const double *bottom, size_t count, uint64_t seed,
                             mewl_error *err)
{
    mewl_interval interval;
    MEWL_TRY(mewl_ratio_interval(&interval, top, bottom, count, seed, err));
    mewl_sheet_interval(row, interval.value, interval.low, interval.high);
    return MEWL_OK;
}

/* One group's realised rates at the three levels. */
static mewl_status add_levels(experiment *e, json_t *sheet, const char *name, bool late, bool smooth, mewl_error *err)
{
    json_t *row = mewl_sheet_row();
    double *top = calloc(2 * e->count + 1, sizeof *top);
    if (top == NULL) {
        json_decref(row);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for rates");
    }
    double *bottom = top + e->count;
    size_t infants = 0;
    size_t sessions = 0;
    for (size_t i = 0; i < e->count; i++) {
        size_t n = late ? e->fate[i].late_sessions : e->fate[i].sessions;
        bottom[i] = (double)n;
        sessions += n;
        infants += n > 0 ? 1 : 0;
    }
    mewl_sheet_text_cell(row, name);
    mewl_sheet_count(row, infants);
    mewl_sheet_count(row, sessions);
    mewl_status status = MEWL_OK;
    for (size_t k = 0; k < 3 && status == MEWL_OK; k++) {
        for (size_t i = 0; i < e->count; i++) {
            const mewl__fate *f = &e->fate[i];
            top[i] = (double)(smooth ? (late ? f->late_smooth_low[k] : f->smooth_low[k])
                                     : (late ? f->late_low[k] : f->low[k]));
        }
        if (sessions > 0) {
            status = add_ratio(row, top, bottom, e->count, e->opts.seed + k, err);
        } else {
            mewl_sheet_real(row, NAN);
        }
    }
    free(top);
    if (status != MEWL_OK) {
        json_decref(row);
        return status;
    }
    return mewl_sheet_add(sheet, row);
}

/* Alarms an infant-month while nothing happens. */
static mewl_status add_alarms(experiment *e, json_t *sheet, const char *name, mewl_error *err)
{
    json_t *row = mewl_sheet_row();
    double *top = calloc(2 * e->count + 1, sizeof *top);
    if (top == NULL) {
        json_decref(row);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for rates");
    }
    double *months = top + e->count;
    double total = 0;
    size_t lifetime = 0;
    for (size_t i = 0; i < e->count; i++) {
        months[i] = e->fate[i].days / 30;
        total += months[i];
        lifetime += e->fate[i].lifetime_alarm ? 1 : 0;
    }
    mewl_sheet_text_cell(row, name);
    mewl_sheet_count(row, e->count);
    mewl_sheet_real(row, total);
    mewl_sheet_real(row, 30 / e->opts.false_alarm_days);
    mewl_status status = MEWL_OK;
    for (size_t k = 0; k < 3 && status == MEWL_OK; k++) {
        for (size_t i = 0; i < e->count; i++) {
            const mewl__fate *f = &e->fate[i];
            top[i] = (double)(k == 0 ? f->unusual : k == 1 ? f->changes : f->devices);
        }
        status = add_ratio(row, top, months, e->count, e->opts.seed + 10 + k, err);
    }
    double low = 0;
    double high = 1;
    mewl_share_interval(&low, &high, lifetime, e->count);
    mewl_sheet_interval(row, (double)lifetime / (double)e->count, low, high);
    free(top);
    if (status != MEWL_OK) {
        json_decref(row);
        return status;
    }
    return mewl_sheet_add(sheet, row);
}

/* Takes the sheet over, kept or not. A status that is not MEWL_OK stays. */
static mewl_status keep_sheet(experiment *e, json_t *sheet, mewl_status status, mewl_error *err)
{
    if (status != MEWL_OK) {
        json_decref(sheet);
        return status == MEWL_E_MEMORY ? mewl_error_set(err, status, "no memory for a table") : status;
    }
    return json_array_append_new(e->sheets, sheet) == 0 ? MEWL_OK
                                                        : mewl_error_set(err, MEWL_E_MEMORY, "no memory for a table");
}

static mewl__life_opts life_of(const experiment *e, double days)
{
    return (mewl__life_opts){.days = days,
                             .false_alarm_days = e->opts.false_alarm_days,
                             .horizon_days = HORIZON_DAYS,
                             .late_updates = LATE_UPDATES,
                             .frozen = true};
}

/* Infants to whom nothing happens. */
typedef struct quiet_group {
    const char *name;
    bool frozen, is_naive;
    bool late; /* counted after LATE_UPDATES updates alone */
} quiet_group;

#define QUIET_GROUPS 5
static const quiet_group quiet_groups[QUIET_GROUPS] = {
    {"held apart, not growing", true, false, false},     {"held apart, growing", false, false, false},
    {"held apart, growing", false, false, true},         {"accept-if-normal, not growing", true, true, false},
    {"accept-if-normal, not growing", true, true, true},
};

/* How long such a group lives, and what it is called in the tables. */
static double describe_group(char *name, size_t size, const experiment *e, const quiet_group *g)
{
    if (g->late) {
        (void)snprintf(name, size, "%s, after %d updates", g->name, LATE_UPDATES);
        return fmax(LATE_DAYS, e->opts.days);
    }
    double days = e->opts.days + (g->frozen ? 0 : GROWING_DAYS);
    (void)snprintf(name, size, "%s, %g days", g->name, days);
    return days;
}

/* Levels, alarms and drift need the same lives. */
static mewl_status run_quiet(experiment *e, mewl_error *err)
{
    static const char *const level_columns[] = {"calibration", "infants", "sessions", "at 0.01", "at 0.05", "at 0.10"};
    static const char *const alarm_columns[] = {
        "infants",          "number",           "months",           "set, a month",
        "unusual, a month", "changes, a month", "devices, a month", "lifetime alarm (set 0.05)"};
    json_t *levels =
        mewl_sheet_new("Nominal level and realised rate, sessions in which nothing was different", level_columns, 6,
                       "Intervals by a bootstrap over infants. Held apart: every other session calibrates "
                       "and is never learned from. Rank drawn: p is a "
                       "share of whole sessions and so, as given, a little too large; with its rank among "
                       "them drawn it is uniform. Accept-if-normal: sessions with p above 0.1 are learned "
                       "from and calibrate, as a model that is updated without care would.");
    json_t *alarms = mewl_sheet_new("False alarms, nothing different", alarm_columns, 8,
                                    "Unusual: single sessions at the level that follows from the setting. Changes: the "
                                    "e-detectors of score and log F0, which share the setting. A told change was "
                                    "dismissed at once, so that the next can be told.");
    mewl_status status = MEWL_OK;
    for (size_t g = 0; g < QUIET_GROUPS && status == MEWL_OK; g++) {
        const quiet_group *group = &quiet_groups[g];
        char called[80];
        mewl__life_opts life = life_of(e, describe_group(called, sizeof called, e, group));
        life.frozen = group->frozen;
        size_t count = group->late && e->opts.infants > LATE_INFANTS_MAX ? LATE_INFANTS_MAX : e->opts.infants;
        status = live_group(e, count, life, group->is_naive, "quiet infants", err);
        for (int smooth = 0; smooth < (group->is_naive ? 1 : 2) && status == MEWL_OK; smooth++) {
            char name[96];
            (void)snprintf(name, sizeof name, "%s%s", called, smooth ? ", rank drawn" : "");
            status = add_levels(e, levels, name, group->late, smooth != 0, err);
        }
        status = status == MEWL_OK && !group->late && !group->is_naive ? add_alarms(e, alarms, called, err) : status;
    }
    status = keep_sheet(e, levels, status, err);
    return keep_sheet(e, alarms, status, err);
}

static mewl_status run_lifetimes(experiment *e, mewl_error *err)
{
    static const char *const columns[] = {"infants", "days", "bound", "alarms", "share"};
    json_t *sheet =
        mewl_sheet_new("The martingale's lifetimes: growing infants to whom nothing happens, log F0", columns, 5,
                       "Ville's bound: at most 0.05 of them may ever alarm. Interval: Wilson's.");
    json_t *row = mewl_sheet_row();
    mewl__life_opts life = life_of(e, e->opts.days);
    life.frozen = false;
    size_t alarms = 0;
    mewl_status status = MEWL_OK;
    for (size_t i = 0; i < e->opts.lifetimes && status == MEWL_OK; i++) {
        bool alarm = false;
        double peak = 0;
        life.seed = e->opts.seed * 1000003 + 100000 + i;
        status = mewl__life_martingale(&alarm, &peak, &e->world, life, err);
        alarms += alarm ? 1 : 0;
        status = status == MEWL_OK ? step_on(e, "lifetimes", err) : status;
    }
    double low = 0;
    double high = 1;
    mewl_share_interval(&low, &high, alarms, e->opts.lifetimes);
    mewl_sheet_count(row, e->opts.lifetimes);
    mewl_sheet_real(row, e->opts.days);
    mewl_sheet_real(row, 0.05);
    mewl_sheet_count(row, alarms);
    mewl_sheet_interval(row, (double)alarms / (double)e->opts.lifetimes, low, high);
    mewl_status added = mewl_sheet_add(sheet, row);
    status = status == MEWL_OK ? added : status;
    return keep_sheet(e, sheet, status, err);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Value below which `share` of the delays lie, those never found counting as infinite. */
static double delay_at(double *delay, size_t count, double share)
{
    qsort(delay, count, sizeof *delay, by_value);
    double v = delay[(size_t)(share * (double)(count - 1) + 0.5)];
    return isinf(v) ? NAN : v;
}

static mewl_status add_delays(const experiment *e, json_t *sheet, const char *name)
{
    json_t *row = mewl_sheet_row();
    double delay[DELAY_INFANTS_MAX];
    double unusual[DELAY_INFANTS_MAX];
    size_t found = 0;
    size_t devices = 0;
    size_t within = 0;
    for (size_t i = 0; i < e->count; i++) {
        const mewl__fate *f = &e->fate[i];
        delay[i] = isnan(f->delay_days) ? INFINITY : f->delay_days;
        unusual[i] = isnan(f->unusual_delay_days) ? INFINITY : f->unusual_delay_days;
        found += isnan(f->delay_days) ? 0 : 1;
        within += f->delay_days <= 5 ? 1 : 0;
        devices += f->devices_after > 0 ? 1 : 0;
    }
    double low = 0;
    double high = 1;
    mewl_share_interval(&low, &high, found, e->count);
    mewl_sheet_text_cell(row, name);
    mewl_sheet_count(row, e->count);
    mewl_sheet_interval(row, (double)found / (double)e->count, low, high);
    mewl_sheet_real(row, delay_at(delay, e->count, 0.5));
    mewl_sheet_real(row, delay_at(delay, e->count, 0.9));
    mewl_sheet_real(row, (double)within / (double)e->count);
    mewl_sheet_real(row, delay_at(unusual, e->count, 0.5));
    mewl_sheet_count(row, devices);
    return mewl_sheet_add(sheet, row);
}

/* What the martingale tells of the same lives. */
static mewl_status add_power(const experiment *e, json_t *sheet, const char *name)
{
    json_t *row = mewl_sheet_row();
    double delay[DELAY_INFANTS_MAX];
    size_t before = 0;
    size_t found = 0;
    for (size_t i = 0; i < e->count; i++) {
        const mewl__fate *f = &e->fate[i];
        before += f->lifetime_alarm ? 1 : 0;
        found += isnan(f->lifetime_delay_days) ? 0 : 1;
        delay[i] = isnan(f->lifetime_delay_days) ? INFINITY : f->lifetime_delay_days;
    }
    double low = 0;
    double high = 1;
    mewl_share_interval(&low, &high, found, e->count);
    mewl_sheet_text_cell(row, name);
    mewl_sheet_count(row, e->count);
    mewl_sheet_count(row, before);
    mewl_sheet_interval(row, (double)found / (double)e->count, low, high);
    mewl_sheet_real(row, delay_at(delay, e->count, 0.5));
    return mewl_sheet_add(sheet, row);
}

static mewl_status run_delays(experiment *e, mewl_error *err)
{
    static const char *const columns[] = {
        "what was put in", "infants",       "told as a change within 30 days", "median days",
        "90 % days",       "within 5 days", "first unusual session, median",   "told as a microphone"};
    static const struct {
        const char *name;
        mewl_synth_event event;
    } rows[] = {
        {"nothing", {.until_day = INFINITY}},
        {"F0 up 5 % over three days", {0, 3, INFINITY, {.f0_log = 0.04879016}}},
        {"F0 up 10 % over three days", {0, 3, INFINITY, {.f0_log = 0.09531018}}},
        {"F0 up 20 % over three days", {0, 3, INFINITY, {.f0_log = 0.18232156}}},
        {"F0 down 10 % over three days", {0, 3, INFINITY, {.f0_log = -0.10536052}}},
        {"hoarse (half way) over three days", {0, 3, INFINITY, {.noise = 0.5}}},
        {"hyperphonation +0.3 over three days", {0, 3, INFINITY, {.hyperphonation = 0.3}}},
        {"another microphone, not told", {0, 0, INFINITY, {.device = 1}}},
    };
    static const char *const power_columns[] = {"what was put in", "infants", "told before",
                                                "told by the martingale within 30 days", "median days"};
    json_t *power = mewl_sheet_new(
        "The martingale's power: the same lives", power_columns, 5,
        "One alarm in a life, at a bound that two martingales (score, log F0) share. What was told before "
        "cannot be told again; a microphone found, true or not, forfeits what is at stake. '-': more than half were "
        "not told.");
    const double event_day = e->opts.days - HORIZON_DAYS;
    char title[96];
    (void)snprintf(title, sizeof title, "Delay to detection: growing infants, something put in on day %g", event_day);
    json_t *sheet =
        mewl_sheet_new(title, columns, 8,
                       "Days from the beginning of what was put in; '-': more than half (or a tenth) of them "
                       "were not told within 30 days. The first row is what false alarms alone give.");
    mewl_status status = MEWL_OK;
    size_t infants = e->opts.infants < DELAY_INFANTS_MAX ? e->opts.infants : DELAY_INFANTS_MAX;
    for (size_t k = 0; k < sizeof rows / sizeof *rows && status == MEWL_OK; k++) {
        mewl__life_opts life = life_of(e, e->opts.days);
        mewl_synth_event event = rows[k].event;
        event.at_day = event_day;
        life.frozen = false;
        life.event = &event;
        status = live_group(e, infants, life, false, rows[k].name, err);
        status = status == MEWL_OK ? add_delays(e, sheet, rows[k].name) : status;
        status = status == MEWL_OK ? add_power(e, power, rows[k].name) : status;
    }
    status = keep_sheet(e, sheet, status, err);
    return keep_sheet(e, power, status, err);
}

static mewl_status make_document(json_t **out, experiment *e, mewl_error *err)
{
    static const char *const protocol[] = {
        "Simulated infants: how the statistics keep their promises, never how well real infants are told apart.",
        "Every infant has a diary of cries; its ten voice measures are its embedding, log F0 is watched besides. Days "
        "0 "
        "to 14 are enrolled, the rest is heard in order of time; recordings within an hour are one session.",
        "The population behind space and covariance are 60 other simulated infants over 3 days. The detectors' "
        "constants "
        "were chosen on normal draws without simulator and on simulated infants of seed 77.",
    };
    json_t *document = json_object();
    json_t *sentences = json_array();
    for (size_t i = 0; i < sizeof protocol / sizeof *protocol; i++) {
        (void)json_array_append_new(sentences, mewl_json_string(protocol[i]));
    }
    mewl_status status = mewl_json_set_string(document, "experiment", "alarms");
    status = status == MEWL_OK ? mewl_json_set_string(document, "title", "False alarms, drift and delay to detection")
                               : status;
    status = status == MEWL_OK ? mewl_json_set_int(document, "seed", (int64_t)e->opts.seed) : status;
    status = status == MEWL_OK ? mewl_json_set_real(document, "false_alarm_days", e->opts.false_alarm_days) : status;
    mewl_status held = mewl_json_set(document, "protocol", sentences);
    status = status == MEWL_OK ? held : status;
    held = mewl_json_set(document, "sheets", json_incref(e->sheets));
    status = status == MEWL_OK ? held : status;
    if (status != MEWL_OK) {
        json_decref(document);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the results");
    }
    *out = document;
    return MEWL_OK;
}

mewl_status mewl_alarms_run(json_t **out, mewl_alarms_opts opts, mewl_error *err)
{
    *out = NULL;
    opts.infants = opts.infants == 0 ? 200 : opts.infants;
    opts.lifetimes = opts.lifetimes == 0 ? 1000 : opts.lifetimes;
    opts.days = opts.days == 0 ? 90 : opts.days;
    opts.false_alarm_days = opts.false_alarm_days == 0 ? 30 : opts.false_alarm_days;
    if (opts.infants > 100000 || opts.lifetimes > 1000000 || !(opts.days >= MEWL_ALARMS_DAYS_MIN) ||
        opts.days + GROWING_DAYS > MEWL_SYNTH_DAYS_MAX || !(opts.false_alarm_days > 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu infants, %zu lifetimes of %g days", opts.infants, opts.lifetimes,
                              opts.days);
    }
    experiment e = {.opts = opts, .sheets = json_array()};
    size_t delays = opts.infants < DELAY_INFANTS_MAX ? opts.infants : DELAY_INFANTS_MAX;
    size_t late = opts.infants < LATE_INFANTS_MAX ? opts.infants : LATE_INFANTS_MAX;
    e.total = (double)(3 * opts.infants + 2 * late + opts.lifetimes + 8 * delays);
    e.fate = calloc(opts.infants, sizeof *e.fate);
    mewl_status status = e.fate == NULL || e.sheets == NULL
                             ? mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu infants", opts.infants)
                             : mewl__world_make(&e.world, opts.seed, err);
    status = status == MEWL_OK ? run_quiet(&e, err) : status;
    status = status == MEWL_OK ? run_lifetimes(&e, err) : status;
    status = status == MEWL_OK ? run_delays(&e, err) : status;
    status = status == MEWL_OK ? make_document(out, &e, err) : status;
    mewl__world_fini(&e.world);
    json_decref(e.sheets);
    free(e.fate);
    return status;
}
