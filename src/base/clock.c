/* clock.c - see clock.h. */
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static double system_monotonic_s(void *user)
{
    (void)user;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int64_t system_wall_ms(void *user)
{
    (void)user;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void system_sleep_s(void *user, double seconds)
{
    (void)user;
    if (!(seconds > 0)) {
        return;
    }
    double whole = floor(fmin(seconds, 1e9));
    struct timespec span = {.tv_sec = (time_t)whole, .tv_nsec = (long)((fmin(seconds, 1e9) - whole) * 1e9)};
    (void)nanosleep(&span, NULL);
}

mewl_clock mewl_clock_system(void)
{
    return (mewl_clock){.monotonic_s = system_monotonic_s, .wall_ms = system_wall_ms, .sleep_s = system_sleep_s};
}

static double manual_monotonic_s(void *user)
{
    return ((const mewl_clock_manual *)user)->monotonic_s;
}

static int64_t manual_wall_ms(void *user)
{
    return ((const mewl_clock_manual *)user)->wall_ms;
}

static void manual_sleep_s(void *user, double seconds)
{
    mewl_clock_manual *manual = user;
    if (seconds > 0 && isfinite(seconds)) {
        manual->slept_s += seconds;
        mewl_clock_advance(manual, seconds);
    }
}

mewl_clock mewl_clock_pretended(mewl_clock_manual *manual)
{
    return (mewl_clock){
        .monotonic_s = manual_monotonic_s, .wall_ms = manual_wall_ms, .sleep_s = manual_sleep_s, .user = manual};
}

void mewl_clock_advance(mewl_clock_manual *manual, double seconds)
{
    if (seconds >= 0 && isfinite(seconds)) {
        /* The wall moves by the difference of two rounded times, so that many small steps add up to the right total. */
        int64_t before_ms = llround(manual->monotonic_s * 1000.0);
        manual->monotonic_s += seconds;
        manual->wall_ms += llround(manual->monotonic_s * 1000.0) - before_ms;
    }
}

void mewl_clock_iso(char out[MEWL_CLOCK_ISO_MAX], int64_t wall_ms)
{
    int64_t seconds = wall_ms / 1000;
    int64_t ms = wall_ms % 1000;
    if (ms < 0) { /* before 1970: round the second down, keep the fraction positive */
        ms += 1000;
        seconds--;
    }
    time_t time = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&time, &parts) == NULL || parts.tm_year < -1900 || parts.tm_year > 9999 - 1900) {
        (void)snprintf(out, MEWL_CLOCK_ISO_MAX, "invalid");
        return;
    }
    /* The remainders change nothing; they let the compiler see that the text fits. */
    (void)snprintf(out, MEWL_CLOCK_ISO_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)(parts.tm_year + 1900) % 10000u, (unsigned)(parts.tm_mon + 1) % 100u,
                   (unsigned)parts.tm_mday % 100u, (unsigned)parts.tm_hour % 100u, (unsigned)parts.tm_min % 100u,
                   (unsigned)parts.tm_sec % 100u, (unsigned)ms % 1000u);
}
