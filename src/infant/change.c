#include "infant/change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

/* Shifts, in standard deviations of the differences, that are bet on. The least is well above what an imperfect line
 * leaves over for weeks, which must not be taken for a change. */
#define SHIFTS 4
#define LIFETIME_FIRST 1 /* the martingale, which never starts anew, leaves the least of them out */
static const double shifts[SHIFTS] = {0.75, 1.25, 2.0, 3.0};

/* The line's slope is held back as if one knew beforehand that it is within 0.02 standard deviations a day of none. */
#define SLOPE_PRIOR_DAYS2 2500.0
#define LINE_SESSIONS 6
#define CUSUM_SLACK 0.5
#define LOG_MAX 700.0
#define LOG_NOTHING (-2 * LOG_MAX) /* in files, where infinity is none of the numbers that bytes.h lets through */
#define VERSION 2
#define SESSIONS_MOST ((size_t)1 << 40) /* in a life, as a file may say */
#define LIFETIME_LINE_ERRORS 0.7        /* standard errors of the line that the martingale takes for no change */
#define STAKE_SESSIONS 200.0            /* the larger, the longer the martingale keeps something back */

typedef struct session {
    double day, value;
    double difference; /* to what was expected; NaN for the first ones */
} session;

struct mewl_change {
    mewl_change_opts opts;
    session *list; /* ring-free: the oldest leaves by a move */
    size_t count;
    size_t seen; /* sessions with a value since the last (re)start */
    mewl_rng rng;
    /* The martingale: ln of what lies at stake by [side][shift] (side 0 bets on higher values, 1 on lower ones;
     * -INFINITY at 0) and of what does not. */
    double log_wealth[2][SHIFTS], log_cash;
    size_t bets;                    /* sessions judged in this life, whatever started anew */
    double log_detector[2][SHIFTS]; /* of R, -INFINITY at 0 */
    double cusum_up, cusum_down, last_day;
    bool lifetime_alarm;
};

/* What lies at stake is lost, never given back: M falls, so that its bound holds on. */
static void forfeit(mewl_change *c)
{
    for (size_t side = 0; side < 2; side++) {
        for (size_t k = 0; k < SHIFTS; k++) {
            c->log_wealth[side][k] = -INFINITY;
        }
    }
}

static void start_detectors(mewl_change *c)
{
    for (size_t side = 0; side < 2; side++) {
        for (size_t k = 0; k < SHIFTS; k++) {
            c->log_detector[side][k] = -INFINITY;
        }
    }
    c->cusum_up = c->cusum_down = 0;
}

mewl_status mewl_change_new(mewl_change **out, mewl_change_opts opts, mewl_error *err)
{
    *out = NULL;
    opts.run_sessions = opts.run_sessions == 0 ? 300 : opts.run_sessions;
    opts.alpha = opts.alpha == 0 ? 0.05 : opts.alpha;
    opts.memory_days = opts.memory_days == 0 ? 28 : opts.memory_days;
    opts.guard_days = opts.guard_days == 0 ? 4 : opts.guard_days;
    opts.burn_in = opts.burn_in == 0 ? 12 : opts.burn_in;
    if (!(opts.run_sessions > 1) || !(opts.alpha > 0) || opts.alpha >= 1 || !(opts.memory_days > 0) ||
        !(opts.guard_days > 0) || !(opts.line_errors >= 0) || opts.burn_in > MEWL_CHANGE_SESSIONS_MAX / 2 ||
        opts.side > MEWL_CHANGE_UP) {
        return mewl_error_set(err, MEWL_E_ARG, "change: run %g, alpha %g, memory %g and guard %g days, burn-in %zu",
                              opts.run_sessions, opts.alpha, opts.memory_days, opts.guard_days, opts.burn_in);
    }
    mewl_change *c = calloc(1, sizeof *c);
    session *list = calloc(MEWL_CHANGE_SESSIONS_MAX, sizeof *list);
    if (c == NULL || list == NULL) {
        free(c);
        free(list);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory to watch for change");
    }
    c->opts = opts;
    c->list = list;
    c->rng = mewl_rng_seeded(opts.seed);
    c->last_day = -INFINITY;
    forfeit(c);
    start_detectors(c);
    *out = c;
    return MEWL_OK;
}

void mewl_change_free(mewl_change *change)
{
    if (change == NULL) {
        return;
    }
    free(change->list);
    free(change);
}

void mewl_change_restart(mewl_change *change)
{
    change->count = 0;
    change->seen = 0;
    forfeit(change);
    start_detectors(change);
}

void mewl_change_cut(mewl_change *change, double from, double to)
{
    size_t kept = 0;
    for (size_t i = 0; i < change->count; i++) {
        if (change->list[i].day < from || change->list[i].day >= to) {
            change->list[kept++] = change->list[i];
        }
    }
    change->count = kept;
    start_detectors(change);
}

void mewl_change_set_run(mewl_change *change, double run_sessions)
{
    if (run_sessions > 1 && isfinite(run_sessions)) {
        change->opts.run_sessions = run_sessions;
    }
}

size_t mewl_change_sessions(const mewl_change *change)
{
    return change->count;
}

/* What sessions before the guard lead one to expect at `day`: a line through them; the mean of all while they are few.
 * NaN without any. *error: its standard error, in standard deviations of the sessions. */
static double expect(const mewl_change *c, double *error, double day)
{
    double sum = 0;
    double sum_day = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        double age = day - c->list[i].day;
        if (age >= c->opts.guard_days && age <= c->opts.guard_days + c->opts.memory_days) {
            sum += c->list[i].value;
            sum_day += c->list[i].day;
            n++;
        }
    }
    if (n < LINE_SESSIONS) {
        for (size_t i = 0; i < c->count; i++) {
            sum = i == 0 ? c->list[i].value : sum + c->list[i].value;
        }
        *error = 1 / sqrt(fmax((double)c->count, 1));
        return c->count == 0 ? NAN : sum / (double)c->count;
    }
    double mean = sum / (double)n;
    double mean_day = sum_day / (double)n;
    double up = 0;
    double across = SLOPE_PRIOR_DAYS2;
    for (size_t i = 0; i < c->count; i++) {
        double age = day - c->list[i].day;
        if (age >= c->opts.guard_days && age <= c->opts.guard_days + c->opts.memory_days) {
            double away = c->list[i].day - mean_day;
            up += away * (c->list[i].value - mean);
            across += away * away;
        }
    }
    *error = sqrt(1 / (double)n + (day - mean_day) * (day - mean_day) / across);
    return mean + up / across * (day - mean_day);
}

/* Standard deviation of earlier differences; 0 with fewer than two. */
static double scatter(const mewl_change *c)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (!isnan(c->list[i].difference)) {
            sum += c->list[i].difference * c->list[i].difference;
            n++;
        }
    }
    return n < 2 ? 0 : sqrt(sum / (double)n);
}

/* Rank of `difference` among the earlier ones from above, ties and itself broken by chance: uniform on (0, 1). */
static double rank_p(mewl_change *c, double difference)
{
    double above = 0;
    double same = 1;
    double n = 1;
    for (size_t i = 0; i < c->count; i++) {
        double other = c->list[i].difference;
        if (isnan(other)) {
            continue;
        }
        above += other > difference ? 1 : 0;
        same += other == difference ? 1 : 0;
        n++;
    }
    double p = (above + mewl_rng_unit(&c->rng) * same) / n;
    return fmin(fmax(p, 1e-12), 1 - 1e-12);
}

/* The normal deviate that is exceeded with probability p (Wichura 1988 would be finer; Newton on erfc suffices here).
 */
static double normal_score(double p)
{
    double q = p < 0.5 ? p : 1 - p;
    double t = sqrt(-2 * log(q)); /* Hastings' start, within 0.003 */
    double x = t - (2.30753 + 0.27061 * t) / (1 + 0.99229 * t + 0.04481 * t * t);
    for (size_t k = 0; k < 3; k++) {
        double tail = 0.5 * erfc(x * M_SQRT1_2);
        double density = exp(-0.5 * x * x) * 0.3989422804014327;
        x += (tail - q) / density;
    }
    return p < 0.5 ? x : -x;
}

/* ln of the mean of the exponentials over the sides in use and the shifts from `first` on. */
static double log_mean(double part[2][SHIFTS], size_t sides, size_t first)
{
    double top = -INFINITY;
    for (size_t side = 0; side < sides; side++) {
        for (size_t k = first; k < SHIFTS; k++) {
            top = fmax(top, part[side][k]);
        }
    }
    if (isinf(top)) {
        return top;
    }
    double sum = 0;
    for (size_t side = 0; side < sides; side++) {
        for (size_t k = first; k < SHIFTS; k++) {
            sum += exp(part[side][k] - top);
        }
    }
    return top + log(sum / (double)(sides * (SHIFTS - first)));
}

/* ln of exp(a) + exp(b). */
static double log_add(double a, double b)
{
    double high = fmax(a, b);
    return isinf(high) ? high : high + log1p(exp(fmin(a, b) - high));
}

/* ln M: all that lies at stake, and all that does not. */
static double log_martingale(mewl_change *c, size_t sides)
{
    return log_add(log_mean(c->log_wealth, sides, LIFETIME_FIRST), c->log_cash);
}

/* Bets on each shift d with exp(d u - d^2 / 2), u the normal score of the p-value: 1 on average when nothing changed.
 * The line errs for weeks on end in one direction, which no rank among earlier differences shows; so the martingale's
 * null hypothesis is a value off by as much as the line may be: exp(d (u - slack) - d^2 / 2), at most 1 on average.
 * In its n-th session of a life the martingale first lays 1 / (n + 200) of its cash beside what is at stake: a mixture
 * over the sessions in which a change may begin, of weight 200 / ((n + 199) (n + 200)) each, 1 in all (compare the
 * mixtures of Shin, Ramdas and Rinaldo 2024). All at stake from the first would be lost by the time of a change. */
static void bet(mewl_change *c, double p, double line_error, size_t sides)
{
    double u = normal_score(p);
    double share = 1 / ((double)++c->bets + STAKE_SESSIONS);
    double stake = c->log_cash + log(share);
    c->log_cash += log1p(-share);
    for (size_t side = 0; side < sides; side++) {
        for (size_t k = 0; k < SHIFTS; k++) {
            double gain = shifts[k] * (side == 0 ? u : -u) - 0.5 * shifts[k] * shifts[k];
            double *wealth = &c->log_wealth[side][k];
            *wealth = fmin(log_add(*wealth, stake) + gain - LIFETIME_LINE_ERRORS * line_error * shifts[k], LOG_MAX);
            double *r = &c->log_detector[side][k]; /* R = (R + 1) e */
            gain -= c->opts.line_errors * line_error * shifts[k];
            *r = fmin((*r > 0 ? *r + log1p(exp(-*r)) : log1p(exp(*r))) + gain, LOG_MAX);
        }
    }
}

static void judge(mewl_change *c, mewl_change_step *step, double difference, double spread, double line_error)
{
    size_t sides = c->opts.side == MEWL_CHANGE_BOTH ? 2 : 1;
    step->judged = true;
    step->p = rank_p(c, difference);
    step->spread = spread;
    step->z = spread > 0 ? difference / spread : 0;
    bet(c, step->p, line_error, sides);
    c->cusum_up = fmax(0, c->cusum_up + step->z - CUSUM_SLACK);
    c->cusum_down = fmax(0, c->cusum_down - step->z - CUSUM_SLACK);
    step->log_martingale = log_martingale(c, sides);
    step->log_detector = log_mean(c->log_detector, sides, 0);
    step->cusum_up = c->cusum_up;
    step->cusum_down = c->cusum_down;
    if (step->log_martingale >= -log(c->opts.alpha) && !c->lifetime_alarm) {
        c->lifetime_alarm = true;
        step->lifetime_alarm = true;
    }
    if (step->log_detector >= log(c->opts.run_sessions)) {
        step->alarm = true;
        start_detectors(c);
    }
}

static void remember(mewl_change *c, session next)
{
    if (c->count == MEWL_CHANGE_SESSIONS_MAX) {
        memmove(c->list, c->list + 1, (c->count - 1) * sizeof *c->list);
        c->count--;
    }
    c->list[c->count++] = next;
}

mewl_status mewl_change_push(mewl_change *change, mewl_change_step *step, double day, double value, mewl_error *err)
{
    size_t sides = change->opts.side == MEWL_CHANGE_BOTH ? 2 : 1;
    *step = (mewl_change_step){.expected = NAN, .z = NAN, .p = NAN};
    if (!isfinite(day) || day < change->last_day) {
        return mewl_error_set(err, MEWL_E_ARG, "a session of day %g after one of day %g", day, change->last_day);
    }
    change->last_day = day;
    step->log_martingale = log_martingale(change, sides);
    step->log_detector = log_mean(change->log_detector, sides, 0);
    step->cusum_up = change->cusum_up;
    step->cusum_down = change->cusum_down;
    if (!isfinite(value)) {
        return MEWL_OK;
    }
    double line_error = 0;
    step->expected = expect(change, &line_error, day);
    double difference = change->seen < 3 ? NAN : value - step->expected;
    if (change->seen >= change->opts.burn_in) {
        judge(change, step, difference, scatter(change), line_error);
    }
    remember(change, (session){.day = day, .value = value, .difference = difference});
    change->seen++;
    return MEWL_OK;
}

void mewl_change_save(const mewl_change *change, mewl_buffer *out)
{
    mewl_bytes_put_head(out, "CHNG", VERSION);
    mewl_bytes_put_u32(out, (uint32_t)change->opts.side);
    const double settings[] = {change->opts.run_sessions, change->opts.alpha, change->opts.memory_days,
                               change->opts.guard_days, change->opts.line_errors};
    mewl_bytes_put_f64s(out, settings, 5);
    mewl_bytes_put_u64(out, change->opts.burn_in);
    mewl_bytes_put_u64(out, change->opts.seed);
    for (size_t i = 0; i < 4; i++) {
        mewl_bytes_put_u64(out, change->rng.s[i]);
    }
    mewl_bytes_put_u32(out, change->lifetime_alarm ? 1 : 0);
    mewl_bytes_put_u64(out, change->seen);
    mewl_bytes_put_u64(out, change->count);
    double detectors[2 * SHIFTS];
    double wealth[2 * SHIFTS];
    for (size_t i = 0; i < 2 * SHIFTS; i++) {
        double r = change->log_detector[i / SHIFTS][i % SHIFTS];
        double w = change->log_wealth[i / SHIFTS][i % SHIFTS];
        detectors[i] = isinf(r) ? LOG_NOTHING : r;
        wealth[i] = isinf(w) ? LOG_NOTHING : w;
    }
    mewl_bytes_put_f64s(out, wealth, 2 * SHIFTS);
    mewl_bytes_put_f64(out, change->log_cash);
    mewl_bytes_put_u64(out, change->bets);
    mewl_bytes_put_f64s(out, detectors, 2 * SHIFTS);
    mewl_bytes_put_f64(out, change->cusum_up);
    mewl_bytes_put_f64(out, change->cusum_down);
    mewl_bytes_put_u32(out, isinf(change->last_day) ? 0 : 1);
    mewl_bytes_put_f64(out, isinf(change->last_day) ? 0 : change->last_day);
    for (size_t i = 0; i < change->count; i++) {
        const session *s = &change->list[i];
        mewl_bytes_put_f64(out, s->day);
        mewl_bytes_put_f64(out, s->value);
        mewl_bytes_put_u32(out, isnan(s->difference) ? 0 : 1);
        mewl_bytes_put_f64(out, isnan(s->difference) ? 0 : s->difference);
    }
}

/* A flag and a number that stands for `otherwise` when the flag is 0. */
static mewl_status read_marked(mewl_bytes *in, double *value, double otherwise, mewl_error *err)
{
    uint32_t there = 0;
    MEWL_TRY(mewl_bytes_get_u32(in, &there, err));
    MEWL_TRY(mewl_bytes_get_f64(in, value, err));
    *value = there == 0 ? otherwise : *value;
    return MEWL_OK;
}

/* Logarithms as they are written: no sum here comes near LOG_NOTHING. */
static mewl_status read_logs(double list[2][SHIFTS], mewl_bytes *in, mewl_error *err)
{
    double *read = NULL;
    MEWL_TRY(mewl_bytes_get_f64s(in, &read, 2 * SHIFTS, err));
    for (size_t i = 0; i < 2 * SHIFTS; i++) {
        list[i / SHIFTS][i % SHIFTS] = read[i] < 0.75 * LOG_NOTHING ? -INFINITY : fmin(read[i], LOG_MAX);
    }
    free(read);
    return MEWL_OK;
}

/* Version 1 had all at stake from the first session. What is left of that becomes cash: M goes on from where it was, so
 * that it is still one martingale with one bound; that it has hardly any power left is how it was. */
static mewl_status read_wealth(mewl_change *c, mewl_bytes *in, uint32_t version, mewl_error *err)
{
    MEWL_TRY(read_logs(c->log_wealth, in, err));
    if (version == 1) {
        c->log_cash = log_mean(c->log_wealth, c->opts.side == MEWL_CHANGE_BOTH ? 2 : 1, LIFETIME_FIRST);
        forfeit(c);
        return MEWL_OK;
    }
    MEWL_TRY(mewl_bytes_get_f64(in, &c->log_cash, err));
    if (fabs(c->log_cash) > 2 * LOG_MAX) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a martingale of %g", in->name, c->log_cash);
    }
    return mewl_bytes_get_count(in, &c->bets, 0, SESSIONS_MOST, "the number of sessions judged", err);
}

static mewl_status read_options(mewl_change_opts *opts, uint32_t *version, mewl_bytes *in, mewl_error *err)
{
    uint32_t side = 0;
    double *settings = NULL;
    MEWL_TRY(mewl_bytes_get_head(in, version, "CHNG", VERSION, err));
    MEWL_TRY(mewl_bytes_get_u32(in, &side, err));
    MEWL_TRY(mewl_bytes_get_f64s(in, &settings, *version == 1 ? 4 : 5, err));
    *opts = (mewl_change_opts){.side = side == 0 ? MEWL_CHANGE_BOTH : MEWL_CHANGE_UP,
                               .run_sessions = settings[0],
                               .alpha = settings[1],
                               .memory_days = settings[2],
                               .guard_days = settings[3],
                               .line_errors = *version == 1 ? 0 : settings[4]};
    free(settings);
    MEWL_TRY(mewl_bytes_get_count(in, &opts->burn_in, 1, MEWL_CHANGE_SESSIONS_MAX / 2, "the burn-in", err));
    return mewl_bytes_get_u64(in, &opts->seed, err);
}

static mewl_status read_state(mewl_change *c, mewl_bytes *in, uint32_t version, mewl_error *err)
{
    uint32_t lifetime = 0;
    for (size_t i = 0; i < 4; i++) {
        MEWL_TRY(mewl_bytes_get_u64(in, &c->rng.s[i], err));
    }
    MEWL_TRY(mewl_bytes_get_u32(in, &lifetime, err));
    MEWL_TRY(mewl_bytes_get_count(in, &c->seen, 0, SESSIONS_MOST, "the number of sessions", err));
    MEWL_TRY(mewl_bytes_get_count(in, &c->count, 0, MEWL_CHANGE_SESSIONS_MAX, "the number of sessions kept", err));
    c->lifetime_alarm = lifetime != 0;
    MEWL_TRY(read_wealth(c, in, version, err));
    MEWL_TRY(read_logs(c->log_detector, in, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &c->cusum_up, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &c->cusum_down, err));
    MEWL_TRY(read_marked(in, &c->last_day, -INFINITY, err));
    for (size_t i = 0; i < c->count; i++) {
        MEWL_TRY(mewl_bytes_get_f64(in, &c->list[i].day, err));
        MEWL_TRY(mewl_bytes_get_f64(in, &c->list[i].value, err));
        MEWL_TRY(read_marked(in, &c->list[i].difference, NAN, err));
        if (c->list[i].day > c->last_day || (i > 0 && c->list[i].day < c->list[i - 1].day)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: sessions out of order", in->name);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_change_load(mewl_change **out, mewl_bytes *in, mewl_error *err)
{
    *out = NULL;
    mewl_change_opts opts;
    uint32_t version = 0;
    mewl_change *c = NULL;
    MEWL_TRY(read_options(&opts, &version, in, err));
    MEWL_TRY(mewl_change_new(&c, opts, err));
    mewl_status status = read_state(c, in, version, err);
    if (status != MEWL_OK) {
        mewl_change_free(c);
        return status;
    }
    *out = c;
    return MEWL_OK;
}
