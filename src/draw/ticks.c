/* ticks.c - round numbers for axes; see ticks.h. */
#include "draw/ticks.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static bool usable(double low, double high)
{
    return isfinite(low) && isfinite(high) && high > low;
}

/* Multiples of `step` in [low, high], with a little slack for rounding. */
static mewl_ticks multiples(double low, double high, double step)
{
    mewl_ticks ticks = {.step = step};
    double first = ceil(low / step - 1e-9);
    double last = floor(high / step + 1e-9);
    for (double n = first; n <= last && ticks.count < MEWL_TICKS_MAX; n += 1.0) {
        ticks.at[ticks.count++] = n == 0.0 ? 0.0 : n * step;
    }
    return ticks;
}

/* 1, 2 or 5 times a power of ten: the smallest that is at least `least`. */
static double round_step(double least)
{
    double power = pow(10.0, floor(log10(least)));
    double digits = least / power;
    if (digits <= 1.0 + 1e-9) {
        return power;
    }
    if (digits <= 2.0 + 1e-9) {
        return 2.0 * power;
    }
    return digits <= 5.0 + 1e-9 ? 5.0 * power : 10.0 * power;
}

static int clamp_wanted(int wanted)
{
    return wanted < 1 ? 1 : wanted > 16 ? 16 : wanted;
}

mewl_ticks mewl_ticks_linear(double low, double high, int wanted)
{
    if (!usable(low, high)) {
        return (mewl_ticks){0};
    }
    return multiples(low, high, round_step((high - low) / clamp_wanted(wanted)));
}

mewl_ticks mewl_ticks_time(double low_s, double high_s, int wanted)
{
    static const double steps_s[] = {1,   2,    5,    10,   15,    30,    60,    120,   300,    600,
                                     900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800};
    if (!usable(low_s, high_s)) {
        return (mewl_ticks){0};
    }
    double least = (high_s - low_s) / clamp_wanted(wanted);
    if (least < 1.0) {
        return multiples(low_s, high_s, round_step(least));
    }
    for (size_t i = 0; i < sizeof steps_s / sizeof *steps_s; i++) {
        if (steps_s[i] >= least) {
            return multiples(low_s, high_s, steps_s[i]);
        }
    }
    return multiples(low_s, high_s, 604800.0 * round_step(least / 604800.0));
}

mewl_ticks mewl_ticks_log(double low, double high)
{
    mewl_ticks ticks = {0};
    if (!usable(low, high) || low <= 0.0) {
        return ticks;
    }
    static const double digits[] = {1.0, 2.0, 5.0};
    double decades = log10(high / low);
    size_t per_decade = decades <= 3.0 ? 3 : 1;
    double every = decades > 16.0 ? ceil(decades / 16.0) : 1.0;
    for (double power = floor(log10(low)); power <= log10(high) + 1e-9; power += every) {
        for (size_t i = 0; i < per_decade && ticks.count < MEWL_TICKS_MAX; i++) {
            double at = digits[i] * pow(10.0, power);
            if (at >= low * (1.0 - 1e-9) && at <= high * (1.0 + 1e-9)) {
                ticks.at[ticks.count++] = at;
            }
        }
    }
    return ticks;
}

void mewl_ticks_label(char *text, size_t size, double value, double step)
{
    if (step <= 0.0 || !isfinite(step)) {
        snprintf(text, size, "%g", value);
        return;
    }
    int decimals = step >= 1.0 ? 0 : (int)ceil(-log10(step) - 1e-9);
    decimals = decimals > 9 ? 9 : decimals;
    if (fabs(value) >= 1e7) {
        snprintf(text, size, "%g", value);
    } else {
        snprintf(text, size, "%.*f", decimals, fabs(value) < step * 1e-6 ? 0.0 : value);
    }
}

void mewl_ticks_label_time(char *text, size_t size, double value_s, double step_s, double end_s)
{
    if (end_s < 60.0) {
        char number[32];
        mewl_ticks_label(number, sizeof number, value_s, step_s);
        snprintf(text, size, "%s s", number);
        return;
    }
    const char *sign = value_s < 0.0 ? "-" : "";
    double scale = step_s < 1.0 ? 10.0 : 1.0;
    long long units = llround(fabs(value_s) * scale);
    long long whole = units / (long long)scale;
    char fraction[8] = "";
    if (scale > 1.0) {
        snprintf(fraction, sizeof fraction, ".%d", (int)(units % 10));
    }
    if (end_s < 3600.0) {
        snprintf(text, size, "%s%lld:%02lld%s", sign, whole / 60, whole % 60, fraction);
    } else {
        snprintf(text, size, "%s%lld:%02lld:%02lld%s", sign, whole / 3600, whole / 60 % 60, whole % 60, fraction);
    }
}
