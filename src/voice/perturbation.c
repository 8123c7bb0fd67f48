/* perturbation.c - see perturbation.h. A period or amplitude that does not count is NaN, which spreads to every
 * difference it takes part in: what is not a number is left out of sums. */
#include "voice/perturbation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_MIN_S 0.0001
#define PERIOD_MAX_S 0.02
#define PERIOD_FACTOR 1.3
#define AMPLITUDE_FACTOR 1.6
#define AROUND 0.2 /* of the period, on each side of a pulse */

typedef struct tally {
    double sum;
    size_t count;
} tally;

static void take(tally *t, double x)
{
    if (!isnan(x)) {
        t->sum += x;
        t->count++;
    }
}

static double mean_of(tally t)
{
    return t.count > 0 ? t.sum / (double)t.count : NAN;
}

static double valid_period(double period)
{
    return period >= PERIOD_MIN_S && period <= PERIOD_MAX_S ? period : NAN;
}

/* a - b, or NaN when one is over `factor` times the other. */
static double difference(double a, double b, double factor)
{
    double ratio = a > b ? a / b : b / a;
    return ratio <= factor ? a - b : NAN;
}

/* Hann-weighted RMS between time_s - left_s and time_s + right_s; NaN when fewer than three samples lie there. */
static double amplitude(const float *samples, size_t count, double rate_hz, double time_s, double left_s,
                        double right_s)
{
    double place = time_s * rate_hz - 0.5;
    long first = (long)ceil(place - left_s * rate_hz), last = (long)floor(place + right_s * rate_hz);
    first = first < 0 ? 0 : first;
    last = last >= (long)count ? (long)count - 1 : last;
    if (last - first + 1 < 3) {
        return NAN;
    }
    double sum = 0, weights = 0;
    for (long i = first; i <= last; i++) {
        double distance = ((double)i - place) / rate_hz;
        double width = distance < 0 ? left_s : right_s;
        double hann = 0.5 + 0.5 * cos(M_PI * distance / width);
        double x = isfinite(samples[i]) ? (double)samples[i] * hann : 0;
        sum += x * x;
        weights += hann * hann;
    }
    return weights > 0 ? sqrt(sum / weights) : NAN;
}

/* |middle of `around` values - their mean|, NaN when a neighbouring pair is too unlike. */
static double off_mean(const double *values, size_t around, double factor)
{
    double sum = values[0];
    for (size_t i = 1; i < around; i++) {
        if (isnan(difference(values[i - 1], values[i], factor))) {
            return NAN;
        }
        sum += values[i];
    }
    return fabs(values[around / 2] - sum / (double)around);
}

static double quotient(const double *values, size_t count, size_t around, double factor, double mean)
{
    tally t = {0, 0};
    for (size_t i = 0; i + around <= count; i++) {
        take(&t, off_mean(values + i, around, factor));
    }
    return mean_of(t) / mean;
}

static void measure_periods(mewl_perturbation *out, const double *periods, size_t count)
{
    tally mean = {0, 0}, steps = {0, 0};
    for (size_t i = 0; i < count; i++) {
        bool like = (i > 0 && !isnan(difference(periods[i - 1], periods[i], PERIOD_FACTOR))) ||
                    (i + 1 < count && !isnan(difference(periods[i], periods[i + 1], PERIOD_FACTOR)));
        take(&mean, like ? periods[i] : NAN);
        take(&steps, i > 0 ? fabs(difference(periods[i - 1], periods[i], PERIOD_FACTOR)) : NAN);
    }
    out->periods = mean.count;
    out->mean_period_s = mean_of(mean);
    out->jitter_local = mean_of(steps) / out->mean_period_s;
    out->jitter_rap = quotient(periods, count, 3, PERIOD_FACTOR, out->mean_period_s);
    out->jitter_ppq5 = quotient(periods, count, 5, PERIOD_FACTOR, out->mean_period_s);
}

static void measure_amplitudes(mewl_perturbation *out, const double *a, size_t count)
{
    tally mean = {0, 0}, steps = {0, 0}, decibels = {0, 0};
    for (size_t i = 0; i < count; i++) {
        take(&mean, a[i]);
        if (i > 0) {
            double step = difference(a[i - 1], a[i], AMPLITUDE_FACTOR);
            take(&steps, fabs(step));
            take(&decibels, isnan(step) ? NAN : fabs(20 * log10(a[i] / a[i - 1])));
        }
    }
    double level = mean_of(mean);
    out->shimmer_local = mean_of(steps) / level;
    out->shimmer_local_db = mean_of(decibels);
    out->shimmer_apq3 = quotient(a, count, 3, AMPLITUDE_FACTOR, level);
}

/* Whether both times lie in one span; *at moves on through the spans. */
static bool together(double a, double b, const mewl_voice_span *spans, size_t span_count, size_t *at)
{
    while (*at < span_count && spans[*at].offset_s < a) {
        (*at)++;
    }
    return span_count == 0 || (*at < span_count && a >= spans[*at].onset_s && b <= spans[*at].offset_s);
}

void mewl__perturbation_run(mewl_perturbation *out, double *scratch, const double *times_s, size_t pulse_count,
                            const float *samples, size_t count, double rate_hz, const mewl_voice_span *spans,
                            size_t span_count)
{
    *out = (mewl_perturbation){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    if (pulse_count < 3) {
        return;
    }
    size_t n = pulse_count, at = 0;
    double *periods = scratch, *amplitudes = scratch + n;
    for (size_t i = 0; i + 1 < n; i++) { /* period i lies between pulses i and i + 1 */
        double a = times_s[i], b = times_s[i + 1];
        periods[i] = together(a, b, spans, span_count, &at) ? valid_period(b - a) : NAN;
    }
    for (size_t i = 1; i + 1 < n; i++) { /* amplitude i - 1 is that of pulse i */
        double left = periods[i - 1], right = periods[i];
        amplitudes[i - 1] = isnan(difference(left, right, PERIOD_FACTOR))
                                ? NAN
                                : amplitude(samples, count, rate_hz, times_s[i], AROUND * left, AROUND * right);
    }
    measure_periods(out, periods, n - 1);
    measure_amplitudes(out, amplitudes, n - 2);
}

mewl_status mewl_perturbation_measure(mewl_perturbation *out, const mewl_pulses *pulses, const float *samples,
                                      size_t count, double rate_hz, const mewl_voice_span *spans, size_t span_count,
                                      mewl_error *err)
{
    double *scratch = malloc((2 * pulses->count + 1) * sizeof *scratch);
    if (scratch == NULL) {
        *out = (mewl_perturbation){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for %zu periods", pulses->count);
    }
    mewl__perturbation_run(out, scratch, pulses->times_s, pulses->count, samples, count, rate_hz, spans, span_count);
    free(scratch);
    return MEWL_OK;
}
