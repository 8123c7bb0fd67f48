/* ticks.h - round numbers for axes, and their labels. Pure functions of numbers. */
#ifndef MEWL_DRAW_TICKS_H
#define MEWL_DRAW_TICKS_H

#include <stddef.h>

#define MEWL_TICKS_MAX 32u

typedef struct mewl_ticks {
    size_t count;
    double at[MEWL_TICKS_MAX]; /* rising */
    double step;               /* 0 for logarithmic ticks */
} mewl_ticks;

/* Ticks at multiples of 1, 2 or 5 times a power of ten that lie in [low, high]; about `wanted` (1 to 16) of them. Empty
 * when high <= low or either is not finite. */
mewl_ticks mewl_ticks_linear(double low, double high, int wanted);

/* Ticks on a clock: multiples of 1, 2, 5 of tenths to thousandths of a second, then of 1, 2, 5, 10, 15, 30 seconds and
 * minutes, then of 1, 2, 3, 6, 12, 24 hours. */
mewl_ticks mewl_ticks_time(double low_s, double high_s, int wanted);

/* Powers of ten in [low, high] (low > 0), with 2 and 5 times each when the range is short. */
mewl_ticks mewl_ticks_log(double low, double high);

/* Writes `value` with as many decimals as `step` calls for ("0.25", "3", "-40"). */
void mewl_ticks_label(char *text, size_t size, double value, double step);

/* Writes a time as fits the step and the end of its range: "0.25 s" below a minute; "2:30", "2:30.5"; "1:05:00" from an
 * hour on. */
void mewl_ticks_label_time(char *text, size_t size, double value_s, double step_s, double end_s);

#endif
