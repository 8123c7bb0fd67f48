#include "audio/resample.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audio/dot.h"

/* Exact banks up to this many floats (2 MB); beyond, PHASES rows and linear interpolation between them, whose error
 * lies (pi * 0.95 / PHASES)^2 / 8 = -107 dB below the signal. */
#define EXACT_FLOATS_MAX (512u * 1024u)
#define PHASES 512u
#define CHUNK 4096u /* input samples taken at a time */
#define RATIO_MAX 256.0

struct mewl_resampler {
    double rate_in_hz, rate_out_hz;
    double step;       /* input samples an output sample; exact form: up and down below */
    uint64_t up, down; /* rate_out : rate_in in lowest terms; 0: not whole numbers */
    bool copy, exact, finished;
    size_t taps; /* multiple of MEWL__DOT_LANES */
    float *bank; /* exact: `up` rows; else PHASES + 1 rows; `taps` coefficients each */
    mewl__dot dot;
    float *buffer; /* input samples from `first` on (before sample 0: zeros) */
    size_t held, capacity;
    int64_t first;         /* input index of buffer[0] */
    uint64_t taken, given; /* input and output samples so far */
};

/* What all rows of a bank share: the taps' angles under the low-pass, as sine and cosine, and room for a row. */
typedef struct taps_plan {
    size_t taps;
    double cutoff, beta; /* cutoff in cycles an input sample */
    int terms;           /* of the window's series, so that the rest changes no digit */
    double *sine, *cosine, *work;
} taps_plan;

static void taps_plan_fini(taps_plan *plan)
{
    free(plan->sine);
}

static bool taps_plan_init(taps_plan *plan, size_t taps, double cutoff, double beta)
{
    *plan = (taps_plan){.taps = taps, .cutoff = cutoff, .beta = beta};
    plan->sine = malloc(3 * taps * sizeof *plan->sine);
    if (plan->sine == NULL) {
        return false;
    }
    plan->cosine = plan->sine + taps;
    plan->work = plan->cosine + taps;
    for (double term = 1.0; term > 1e-17; plan->terms++) { /* the series' terms where the window is 1 */
        term *= beta * beta / 4.0 / ((plan->terms + 1.0) * (plan->terms + 1.0));
    }
    for (size_t k = 0; k < taps; k++) {
        const double angle = 2.0 * M_PI * cutoff * ((double)k - ((double)taps / 2.0 - 1.0));
        plan->sine[k] = sin(angle);
        plan->cosine[k] = cos(angle);
    }
    return true;
}

/* The window of a row: modified Bessel function of the first kind, order 0, by its power series from the last term
 * inwards, for some taps together, which the compiler makes one instruction of. */
static void make_window(const taps_plan *plan, double phase)
{
    const double half = (double)plan->taps / 2.0, most = plan->beta * plan->beta / 4.0;
    for (size_t k = 0; k < plan->taps; k += MEWL__DOT_LANES) {
        double q[MEWL__DOT_LANES], sum[MEWL__DOT_LANES];
        for (size_t i = 0; i < MEWL__DOT_LANES; i++) {
            const double t = ((double)(k + i) - (half - 1.0) - phase) / half;
            q[i] = (1.0 - t * t) * most;
            sum[i] = 1.0;
        }
        for (int n = plan->terms; n > 0; n--) {
            const double share = 1.0 / ((double)n * (double)n);
            for (size_t i = 0; i < MEWL__DOT_LANES; i++) {
                sum[i] = 1.0 + sum[i] * (q[i] * share);
            }
        }
        for (size_t i = 0; i < MEWL__DOT_LANES; i++) {
            plan->work[k + i] = q[i] <= 0.0 ? 0.0 : sum[i];
        }
    }
}

/* One row: the low-pass seen from an output sample that lies `phase` (0 to 1) input samples after input sample 0, whose
 * taps sit at input samples 1 - taps/2 ... taps/2. Sum 1, so that a constant stays one whatever the phase. The sine of
 * a tap's angle less the phase's comes from theirs; so near the middle that this would cost digits, from itself. */
static void make_row(float *row, const taps_plan *plan, double phase)
{
    double *work = plan->work;
    const double middle = (double)plan->taps / 2.0 - 1.0, angle = 2.0 * M_PI * plan->cutoff * phase;
    const double sine = sin(angle), cosine = cos(angle);
    double sum = 0.0;
    make_window(plan, phase);
    for (size_t k = 0; k < plan->taps; k++) {
        const double x = 2.0 * plan->cutoff * M_PI * ((double)k - middle - phase);
        if (fabs(x) > 0.01) {
            work[k] *= (plan->sine[k] * cosine - plan->cosine[k] * sine) / x;
        } else if (fabs(x) > 1e-12) {
            work[k] *= sin(x) / x;
        }
        sum += work[k];
    }
    for (size_t k = 0; k < plan->taps; k++) {
        row[k] = (float)(work[k] / sum);
    }
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static double kaiser_beta(double attenuation_db)
{
    if (attenuation_db > 50.0) {
        return 0.1102 * (attenuation_db - 8.7);
    }
    return attenuation_db > 21.0 ? 0.5842 * pow(attenuation_db - 21.0, 0.4) + 0.07886 * (attenuation_db - 21.0) : 0.0;
}

static mewl_status make_bank(mewl_resampler *r, mewl_resample_opts opts, mewl_error *err)
{
    /* Frequencies in cycles an input sample. */
    const double stop = 0.5 * fmin(1.0, 1.0 / r->step), pass = opts.pass_band * stop;
    const double wanted = (opts.attenuation_db - 7.95) / (14.36 * (stop - pass)) + 1.0;
    r->taps = ((size_t)ceil(wanted) + MEWL__DOT_LANES - 1) / MEWL__DOT_LANES * MEWL__DOT_LANES;
    r->exact = r->up != 0 && r->up <= EXACT_FLOATS_MAX / r->taps;
    const size_t rows = r->exact ? (size_t)r->up : PHASES + 1;
    r->capacity = r->taps + CHUNK;
    r->bank = aligned_alloc(64, rows * r->taps * sizeof *r->bank);
    r->buffer = malloc(r->capacity * sizeof *r->buffer);
    taps_plan plan = {0};
    if (r->bank == NULL || r->buffer == NULL ||
        !taps_plan_init(&plan, r->taps, (pass + stop) / 2.0, kaiser_beta(opts.attenuation_db))) {
        return mewl_error_set(err, MEWL_E_MEMORY, "resampler: out of memory for %zu filter rows", rows);
    }
    for (size_t i = 0; i < rows; i++) {
        make_row(r->bank + i * r->taps, &plan, (double)i / (double)(r->exact ? r->up : PHASES));
    }
    taps_plan_fini(&plan);
    return MEWL_OK;
}

mewl_status mewl_resampler_new(mewl_resampler **out, double rate_in_hz, double rate_out_hz, mewl_resample_opts opts,
                               mewl_error *err)
{
    *out = NULL;
    opts.pass_band = opts.pass_band == 0.0 ? 0.9 : opts.pass_band;
    opts.attenuation_db = opts.attenuation_db == 0.0 ? 96.0 : opts.attenuation_db;
    if (!(rate_in_hz >= 100.0 && rate_in_hz <= 1e7 && rate_out_hz >= 100.0 && rate_out_hz <= 1e7 &&
          rate_in_hz <= rate_out_hz * RATIO_MAX && rate_out_hz <= rate_in_hz * RATIO_MAX)) {
        return mewl_error_set(err, MEWL_E_ARG, "resampler: cannot go from %g Hz to %g Hz", rate_in_hz, rate_out_hz);
    }
    if (!(opts.pass_band >= 0.5 && opts.pass_band <= 0.98 && opts.attenuation_db >= 30.0 &&
          opts.attenuation_db <= 140.0)) {
        return mewl_error_set(err, MEWL_E_ARG, "resampler: pass-band %g or attenuation %g dB out of range",
                              opts.pass_band, opts.attenuation_db);
    }
    mewl_resampler *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "resampler: out of memory");
    }
    r->rate_in_hz = rate_in_hz;
    r->rate_out_hz = rate_out_hz;
    r->step = rate_in_hz / rate_out_hz;
    r->copy = rate_in_hz == rate_out_hz;
    if (rate_in_hz == floor(rate_in_hz) && rate_out_hz == floor(rate_out_hz)) {
        const uint64_t common = greatest_divisor((uint64_t)rate_in_hz, (uint64_t)rate_out_hz);
        r->up = (uint64_t)rate_out_hz / common;
        r->down = (uint64_t)rate_in_hz / common;
    }
    r->dot = mewl__dot_best();
    if (!r->copy) {
        const mewl_status status = make_bank(r, opts, err);
        if (status != MEWL_OK) {
            mewl_resampler_free(r);
            return status;
        }
    }
    mewl_resampler_reset(r);
    *out = r;
    return MEWL_OK;
}

void mewl_resampler_free(mewl_resampler *resampler)
{
    if (resampler != NULL) {
        free(resampler->bank);
        free(resampler->buffer);
        free(resampler);
    }
}

void mewl_resampler_reset(mewl_resampler *r)
{
    r->finished = false;
    r->taken = r->given = 0;
    if (!r->copy) {
        /* Silence before the first sample: the taps of output 0 begin at input 1 - taps/2. */
        r->held = r->taps / 2 - 1;
        r->first = -(int64_t)r->held;
        memset(r->buffer, 0, r->held * sizeof *r->buffer);
    }
}

/* Output samples that lie before the end of `inputs` input samples: ceil(inputs / step). */
static uint64_t outputs_for(const mewl_resampler *r, uint64_t inputs)
{
    if (r->up != 0) {
        return inputs / r->down * r->up + (inputs % r->down * r->up + r->down - 1) / r->down;
    }
    return (uint64_t)ceil((double)inputs / r->step);
}

size_t mewl_resampler_bound(const mewl_resampler *r, size_t count)
{
    const uint64_t all = outputs_for(r, r->taken + count);
    return all > r->given ? (size_t)(all - r->given) : 0;
}

size_t mewl_resampler_latency(const mewl_resampler *r)
{
    return r->copy ? 0 : r->taps / 2;
}

/* Place of output sample n: input index and the rest as a row (exact) or a fraction of a sample. */
static int64_t place(const mewl_resampler *r, uint64_t n, uint64_t *row, double *fraction)
{
    if (r->up != 0) {
        const uint64_t at = n % r->up * r->down; /* both below 1e7: no overflow */
        *row = at % r->up;
        *fraction = (double)*row / (double)r->up;
        return (int64_t)(n / r->up * r->down + at / r->up);
    }
    const double at = (double)n * r->step, whole = floor(at);
    *row = 0;
    *fraction = at - whole;
    return (int64_t)whole;
}

/* Computes one output sample between two rows of the bank. */
static float between(const mewl_resampler *r, const float *x, double fraction)
{
    const double at = fraction * PHASES;
    const size_t row = (size_t)at < PHASES ? (size_t)at : PHASES - 1;
    const float weight = (float)(at - (double)row);
    float low = 0.0F, high = 0.0F;
    r->dot.one(&low, x, r->bank + row * r->taps, r->taps);
    r->dot.one(&high, x, r->bank + (row + 1) * r->taps, r->taps);
    return low + weight * (high - low);
}

/* Writes all outputs below `limit` whose taps are held; returns how many. */
static size_t compute(mewl_resampler *r, float *out, uint64_t limit)
{
    size_t wrote = 0;
    while (r->given < limit) {
        uint64_t row = 0;
        double fraction = 0.0;
        const int64_t at = place(r, r->given, &row, &fraction);
        const size_t start = (size_t)(at - (int64_t)(r->taps / 2 - 1) - r->first);
        if (start + r->taps > r->held) {
            break;
        }
        /* Four periods at once share each row's coefficients: `up` outputs on, the same row `down` inputs on. */
        const size_t up = (size_t)r->up, down = (size_t)r->down;
        if (r->exact && 4 * (uint64_t)up <= limit - r->given && start + 4 * down + r->taps <= r->held) {
            size_t x = start;
            for (size_t i = 0; i < up; i++) {
                r->dot.four(out + wrote + i, up, r->buffer + x, down, r->bank + row * r->taps, r->taps);
                row += down;
                x += row / up;
                row %= up;
            }
            wrote += 4 * up;
            r->given += 4 * up;
            continue;
        }
        if (r->exact) {
            r->dot.one(out + wrote, r->buffer + start, r->bank + row * r->taps, r->taps);
        } else {
            out[wrote] = between(r, r->buffer + start, fraction);
        }
        wrote++;
        r->given++;
    }
    return wrote;
}

/* Drops what no further output needs. */
static void forget(mewl_resampler *r)
{
    uint64_t row = 0;
    double fraction = 0.0;
    const int64_t needed = place(r, r->given, &row, &fraction) - (int64_t)(r->taps / 2 - 1) - r->first;
    size_t drop = needed < 0 ? 0 : (size_t)needed;
    drop = drop > r->held ? r->held : drop;
    memmove(r->buffer, r->buffer + drop, (r->held - drop) * sizeof *r->buffer);
    r->held -= drop;
    r->first += (int64_t)drop;
}

/* Takes `count` samples, or when in is NULL as many zeros as are needed, and writes the outputs below `limit`. */
static size_t feed(mewl_resampler *r, float *out, const float *in, size_t count, uint64_t limit)
{
    size_t wrote = 0;
    for (size_t used = 0; used < count && (in != NULL || r->given < limit);) {
        const size_t room = r->capacity - r->held, left = count - used, take = left < room ? left : room;
        if (in == NULL) {
            memset(r->buffer + r->held, 0, take * sizeof *r->buffer);
        } else {
            memcpy(r->buffer + r->held, in + used, take * sizeof *r->buffer);
        }
        r->held += take;
        used += take;
        wrote += compute(r, out + wrote, limit);
        forget(r);
    }
    return wrote;
}

mewl_status mewl_resampler_run(mewl_resampler *r, float *out, size_t out_max, size_t *got, const float *in,
                               size_t count, mewl_error *err)
{
    *got = 0;
    if (r->finished) {
        return mewl_error_set(err, MEWL_E_STATE, "resampler: samples after the end");
    }
    const size_t bound = mewl_resampler_bound(r, count);
    if (out_max < bound) {
        return mewl_error_set(err, MEWL_E_SHAPE, "resampler: room for %zu samples where %zu may come", out_max, bound);
    }
    r->taken += count;
    if (r->copy) {
        if (count > 0) {
            memcpy(out, in, count * sizeof *out);
        }
        r->given += count;
        *got = count;
        return MEWL_OK;
    }
    *got = feed(r, out, in, count, outputs_for(r, r->taken));
    return MEWL_OK;
}

mewl_status mewl_resampler_finish(mewl_resampler *r, float *out, size_t out_max, size_t *got, mewl_error *err)
{
    *got = 0;
    if (r->finished) {
        return mewl_error_set(err, MEWL_E_STATE, "resampler: finished twice");
    }
    const size_t bound = mewl_resampler_bound(r, 0);
    if (out_max < bound) {
        return mewl_error_set(err, MEWL_E_SHAPE, "resampler: room for %zu samples where %zu may come", out_max, bound);
    }
    if (!r->copy) {
        *got = feed(r, out, NULL, r->taps, outputs_for(r, r->taken));
    }
    r->finished = true;
    return MEWL_OK;
}

mewl_status mewl_resample(float **out, size_t *out_count, const float *in, size_t count, double rate_in_hz,
                          double rate_out_hz, mewl_resample_opts opts, mewl_error *err)
{
    *out = NULL;
    *out_count = 0;
    mewl_resampler *r = NULL;
    MEWL_TRY(mewl_resampler_new(&r, rate_in_hz, rate_out_hz, opts, err));
    const size_t bound = mewl_resampler_bound(r, count);
    float *samples = bound < SIZE_MAX / sizeof *samples ? malloc((bound + 1) * sizeof *samples) : NULL;
    size_t head = 0, tail = 0;
    mewl_status status = MEWL_OK;
    if (samples == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "resampler: out of memory for %zu samples", bound);
    }
    if (status == MEWL_OK) {
        status = mewl_resampler_run(r, samples, bound, &head, in, count, err);
    }
    if (status == MEWL_OK) {
        status = mewl_resampler_finish(r, samples + head, bound - head, &tail, err);
    }
    mewl_resampler_free(r);
    if (status != MEWL_OK) {
        free(samples);
        return status;
    }
    *out = samples;
    *out_count = head + tail;
    return MEWL_OK;
}
