/* clock.h - time as an argument: a clock is passed in, so that tests and simulations bring their own.
 *
 * Not a calendar: wall time is UTC milliseconds since 1970 and ISO 8601 text, nothing else. */
#ifndef MEWL_BASE_CLOCK_H
#define MEWL_BASE_CLOCK_H

#include <stdint.h>

typedef struct mewl_clock {
    double (*monotonic_s)(void *user);           /* seconds from an arbitrary start, never going back */
    int64_t (*wall_ms)(void *user);              /* UTC, milliseconds since 1970-01-01T00:00:00Z */
    void (*sleep_s)(void *user, double seconds); /* waits, possibly shorter after a signal; <= 0 or NaN: not at all */
    void *user;
} mewl_clock;

/* The machine's clock. */
mewl_clock mewl_clock_system(void);

/* A clock that stands still until told otherwise; sleeping moves it on. For tests and faster-than-real-time runs.
 * One thread at a time. */
typedef struct mewl_clock_manual {
    double monotonic_s;
    int64_t wall_ms;
    double slept_s; /* sum of all sleeps */
} mewl_clock_manual;

/* A clock reading *manual, which must outlive it. */
mewl_clock mewl_clock_pretended(mewl_clock_manual *manual);

/* Moves both times of *manual by `seconds` (>= 0; anything else changes nothing). */
void mewl_clock_advance(mewl_clock_manual *manual, double seconds);

static inline double mewl_clock_now_s(const mewl_clock *clock)
{
    return clock->monotonic_s(clock->user);
}

static inline int64_t mewl_clock_wall_ms(const mewl_clock *clock)
{
    return clock->wall_ms(clock->user);
}

static inline void mewl_clock_sleep(const mewl_clock *clock, double seconds)
{
    clock->sleep_s(clock->user, seconds);
}

#define MEWL_CLOCK_ISO_MAX 32

/* Writes "2026-11-20T22:44:27.123Z" (UTC, always milliseconds) with its NUL. Years outside 0 to 9999 give "invalid". */
void mewl_clock_iso(char out[MEWL_CLOCK_ISO_MAX], int64_t wall_ms);

#endif
