/* progress.c - see progress.h. */
#include "base/progress.h"

#include <math.h>
#include <stdio.h>

void mewl_progress_report(const mewl_progress *progress, double done, double total, const char *what)
{
    if (progress != NULL && progress->report != NULL) {
        progress->report(progress->user, done, total, what);
    }
}

double mewl_progress_left_s(double elapsed_s, double done, double total)
{
    if (!(elapsed_s >= 0.5) || !(done > 0) || !(total > 0) || !isfinite(elapsed_s) || !isfinite(done) ||
        !isfinite(total)) {
        return -1;
    }
    return done >= total ? 0 : elapsed_s * (total - done) / done;
}

void mewl_progress_span(char *out, size_t size, double seconds)
{
    if (size == 0) {
        return;
    }
    out[0] = '\0';
    if (!(seconds >= 0) || !isfinite(seconds)) {
        return;
    }
    double whole = floor(fmin(seconds, 8.64e9) + 0.5); /* 100,000 days are enough */
    unsigned long long s = (unsigned long long)whole;
    if (s < 60) {
        (void)snprintf(out, size, "%llu s", s);
    } else if (s < 3600) {
        (void)snprintf(out, size, "%llu min %02llu s", s / 60, s % 60);
    } else if (s < 86400) {
        (void)snprintf(out, size, "%llu h %02llu min", s / 3600, s % 3600 / 60);
    } else {
        (void)snprintf(out, size, "%llu d %llu h", s / 86400, s % 86400 / 3600);
    }
}
