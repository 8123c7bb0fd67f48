/* progress.h - how a long call tells its caller how far it is. The library reports; only the command line draws. */
#ifndef MEWL_BASE_PROGRESS_H
#define MEWL_BASE_PROGRESS_H

#include <stddef.h>

/* `done` of `total` units (clips, bytes, steps; total 0 or less: unknown), `what` a short text for people, valid during
 * the call alone. Called from one thread at a time, at most a few times a second being useful. */
typedef struct mewl_progress {
    void (*report)(void *user, double done, double total, const char *what);
    void *user;
} mewl_progress;

/* Calls the report; nothing when progress, or its function, is NULL. */
void mewl_progress_report(const mewl_progress *progress, double done, double total, const char *what);

/* Seconds left if the rest goes at the average pace so far; -1 when that cannot be said yet (nothing done, no total,
 * less than half a second gone, or not finite). */
double mewl_progress_left_s(double elapsed_s, double done, double total);

/* Writes a span in the two largest units that matter: "7 s", "2 min 05 s", "3 h 20 min", "2 d 4 h"; "" when negative or
 * not finite. Cut to `size` bytes with the NUL; 24 are enough. */
void mewl_progress_span(char *out, size_t size, double seconds);

#endif
