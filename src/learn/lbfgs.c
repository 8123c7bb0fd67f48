/* lbfgs.c - the search declared in logistic.h: limited-memory BFGS with a bisecting line search for the weak Wolfe
 * conditions (Nocedal and Wright 2006, algorithms 7.4 and 7.5; the line search: Lewis and Overton 2013). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/logistic.h"

#define PAIRS 10
#define TRIALS 60
#define DESCENT 1e-4
#define ROUNDING 1e-13
#define VALUES_MAX ((size_t)1 << 24)

typedef struct search {
    size_t count;
    mewl_smooth_fn function;
    void *user;
    double *step;                    /* [PAIRS][count], differences of places */
    double *turn;                    /* [PAIRS][count], differences of gradients */
    double *gradient, *next, *ahead; /* [count] */
    double *direction;               /* [count] */
    double inverse[PAIRS];           /* 1 / (step . turn) */
    size_t pairs, newest;
} search;

/* direction = -H gradient, by the two loops. */
static void find_direction(search *s)
{
    double alpha[PAIRS];
    size_t n = s->count;
    for (size_t j = 0; j < n; j++) {
        s->direction[j] = -s->gradient[j];
    }
    for (size_t k = 0; k < s->pairs; k++) {
        size_t at = (s->newest + PAIRS - k) % PAIRS;
        alpha[at] = s->inverse[at] * mewl_table_dot(s->step + at * n, s->direction, n);
        for (size_t j = 0; j < n; j++) {
            s->direction[j] -= alpha[at] * s->turn[at * n + j];
        }
    }
    if (s->pairs > 0) {
        const double *turn = s->turn + s->newest * n;
        double scale = 1 / (s->inverse[s->newest] * mewl_table_dot(turn, turn, n));
        for (size_t j = 0; j < n; j++) {
            s->direction[j] *= scale;
        }
    }
    for (size_t k = s->pairs; k-- > 0;) {
        size_t at = (s->newest + PAIRS - k) % PAIRS;
        double beta = s->inverse[at] * mewl_table_dot(s->turn + at * n, s->direction, n);
        for (size_t j = 0; j < n; j++) {
            s->direction[j] += (alpha[at] - beta) * s->step[at * n + j];
        }
    }
}

/* Moves x along the direction to a place that meets both conditions; false when none is found, x then as it was. */
static bool advance(search *s, double *x, double *value)
{
    size_t n = s->count;
    double slope = mewl_table_dot(s->gradient, s->direction, n);
    double low = 0;
    double high = INFINITY;
    double size = s->pairs == 0 ? fmin(1, 1 / sqrt(mewl_table_dot(s->gradient, s->gradient, n))) : 1;
    if (!(slope < 0)) {
        return false;
    }
    for (size_t trial = 0; trial < TRIALS; trial++) {
        for (size_t j = 0; j < n; j++) {
            s->next[j] = x[j] + size * s->direction[j];
        }
        double there = s->function(s->ahead, s->next, s->user);
        double slope_there = mewl_table_dot(s->ahead, s->direction, n);
        /* Near the minimum rounding hides the descent, and the slope tells instead (Hager and Zhang 2005). */
        bool lower = there <= *value + DESCENT * size * slope ||
                     (there <= *value + ROUNDING * fabs(*value) && slope_there <= (2 * DESCENT - 1) * slope);
        if (!lower) {
            high = size;
        } else if (slope_there < 0.9 * slope) {
            low = size;
        } else {
            *value = there;
            return true;
        }
        size = isinf(high) ? 2 * size : 0.5 * (low + high);
    }
    return false;
}

/* Keeps what the step from x to next taught, and goes there. */
static void remember(search *s, double *x)
{
    size_t n = s->count;
    size_t at = s->pairs == 0 ? 0 : (s->newest + 1) % PAIRS;
    double *step = s->step + at * n;
    double *turn = s->turn + at * n;
    for (size_t j = 0; j < n; j++) {
        step[j] = s->next[j] - x[j];
        turn[j] = s->ahead[j] - s->gradient[j];
    }
    double product = mewl_table_dot(step, turn, n);
    if (product > 0) {
        s->inverse[at] = 1 / product;
        s->newest = at;
        s->pairs = s->pairs < PAIRS ? s->pairs + 1 : PAIRS;
    }
    memcpy(x, s->next, n * sizeof *x);
    memcpy(s->gradient, s->ahead, n * sizeof *x);
}

static double largest(const double *values, size_t count)
{
    double most = 0;
    for (size_t j = 0; j < count; j++) {
        most = fmax(most, fabs(values[j]));
    }
    return most;
}

mewl_status mewl_lbfgs(double *x, size_t count, mewl_smooth_fn function, void *user, double tolerance,
                       size_t iterations, bool *converged, size_t *done, mewl_error *err)
{
    bool reached = false;
    size_t round = 0;
    if (count == 0 || count > VALUES_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "a search over %zu variables", count);
    }
    double *room = calloc(count * (2 * PAIRS + 4), sizeof *room);
    if (room == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a search over %zu variables", count);
    }
    search s = {.count = count, .function = function, .user = user, .step = room, .turn = room + PAIRS * count};
    s.gradient = room + 2 * PAIRS * count;
    s.next = s.gradient + count;
    s.ahead = s.next + count;
    s.direction = s.ahead + count;
    double value = function(s.gradient, x, user);
    mewl_status status =
        isfinite(value) ? MEWL_OK : mewl_error_set(err, MEWL_E_ARG, "the function has no value at the start");
    while (status == MEWL_OK) {
        reached = largest(s.gradient, count) <= tolerance;
        if (reached || round == iterations) {
            break;
        }
        find_direction(&s);
        if (!advance(&s, x, &value)) {
            if (s.pairs == 0) {
                break; /* rounding hides any further descent */
            }
            s.pairs = 0; /* once more, straight down */
            continue;
        }
        remember(&s, x);
        round++;
    }
    free(room);
    if (converged != NULL) {
        *converged = reached;
    }
    if (done != NULL) {
        *done = round;
    }
    return status;
}
