/* calibration.c - one regularised softmax regression for all kinds of map: log-odds are linear in the figures fitted.
 *
 * For every item and class the log-odds are the product of a sparse row with the figures theta; gradient and Hessian of
 * the mean logarithmic loss follow from those rows alone, so that kinds differ only in row(). */
#include "reason/calibration.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "learn/table.h"

#define K_MAX MEWL_CALIBRATION_CLASSES_MAX
#define ROUNDS_MAX 100
#define HALVINGS_MAX 40
#define RIDGE 1e-9
#define GRADIENT_SMALL 1e-10

static const char *const names[] = {"none", "temperature", "temperature-bias", "dirichlet"};

const char *mewl_calibration_kind_name(mewl_calibration_kind kind)
{
    return (size_t)kind < MEWL_CALIBRATION_KIND_COUNT ? names[kind] : NULL;
}

mewl_status mewl_calibration_init(mewl_calibration *out, size_t classes, mewl_error *err)
{
    *out = (mewl_calibration){.kind = MEWL_CALIBRATION_NONE, .classes = classes};
    if (classes < 2 || classes > K_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "%zu classes to calibrate; from 2 to %d are", classes, K_MAX);
    }
    for (size_t k = 0; k < classes; k++) {
        out->weight[k * classes + k] = 1.0;
    }
    return MEWL_OK;
}

/* What is being minimised. Figures: temperature: 1 / T; temperature-bias: 1 / T, biases; dirichlet: weights by rows,
 * biases. */
typedef struct problem {
    const double *log_p; /* (count, classes) */
    const int *truth;
    const double *weights;
    double total; /* of the weights */
    size_t count, classes, figures;
    mewl_calibration_opts opts;
    bool pinned; /* the first figure (1 / T) stays as it is */
    double *theta, *trial, *gradient, *step, *hessian;
} problem;

/* One class's row of one item: indices and values of what is not zero. Returns how many. */
static size_t row(const problem *p, size_t *index, double *value, const double *log_p, size_t k)
{
    const size_t classes = p->classes;
    if (p->opts.kind == MEWL_CALIBRATION_DIRICHLET) {
        for (size_t j = 0; j < classes; j++) {
            index[j] = k * classes + j;
            value[j] = log_p[j];
        }
        index[classes] = classes * classes + k;
        value[classes] = 1.0;
        return classes + 1;
    }
    index[0] = 0;
    value[0] = log_p[k];
    index[1] = 1 + k;
    value[1] = 1.0;
    return p->opts.kind == MEWL_CALIBRATION_TEMPERATURE ? 1 : 2;
}

/* Weight of a figure's penalty, half of whose square times this is added to the loss; and where it is pulled to. */
static double penalty(const problem *p, size_t figure, double *centre)
{
    const double k = (double)p->classes;
    *centre = 0.0;
    if (p->opts.kind == MEWL_CALIBRATION_DIRICHLET && figure < p->classes * p->classes) {
        const bool diagonal = figure / p->classes == figure % p->classes;
        *centre = diagonal ? 1.0 : 0.0;
        return RIDGE + (diagonal ? 0.0 : 2.0 * p->opts.off_diagonal / (k * (k - 1.0)));
    }
    if (p->opts.kind != MEWL_CALIBRATION_DIRICHLET && figure == 0) {
        *centre = 1.0;
        return RIDGE;
    }
    return RIDGE + 2.0 * p->opts.intercept / k;
}

/* Probabilities of one item under `theta`; returns the logarithm of the true class's. */
static double probabilities(const problem *p, double *q, const double *theta, size_t item)
{
    double highest = -INFINITY, sum = 0.0;
    for (size_t k = 0; k < p->classes; k++) {
        size_t index[K_MAX + 1];
        double value[K_MAX + 1];
        const size_t terms = row(p, index, value, p->log_p + item * p->classes, k);
        q[k] = 0.0;
        for (size_t i = 0; i < terms; i++) {
            q[k] += theta[index[i]] * value[i];
        }
        highest = fmax(highest, q[k]);
    }
    for (size_t k = 0; k < p->classes; k++) {
        sum += exp(q[k] - highest);
    }
    const double log_truth = q[p->truth[item]] - highest - log(sum);
    for (size_t k = 0; k < p->classes; k++) {
        q[k] = exp(q[k] - highest) / sum;
    }
    return log_truth;
}

static double loss(const problem *p, const double *theta)
{
    double q[K_MAX], sum = 0.0, centre;
    for (size_t i = 0; i < p->count; i++) {
        sum -= (p->weights != NULL ? p->weights[i] : 1.0) / p->total * probabilities(p, q, theta, i);
    }
    for (size_t f = 0; f < p->figures; f++) {
        const double weight = penalty(p, f, &centre);
        sum += 0.5 * weight * (theta[f] - centre) * (theta[f] - centre);
    }
    return sum;
}

/* Adds one item's part to gradient and Hessian: sum over k of (q_k - [k is true]) row_k, and
 * sum over k of q_k row_k row_k' minus the product of the mean row with itself. */
static void add_item(problem *p, size_t item, double *mean)
{
    const size_t n = p->figures;
    const double share = (p->weights != NULL ? p->weights[item] : 1.0) / p->total;
    double q[K_MAX];
    (void)probabilities(p, q, p->theta, item);
    memset(mean, 0, n * sizeof *mean);
    for (size_t k = 0; k < p->classes; k++) {
        size_t index[K_MAX + 1];
        double value[K_MAX + 1];
        const size_t terms = row(p, index, value, p->log_p + item * p->classes, k);
        for (size_t i = 0; i < terms; i++) {
            mean[index[i]] += q[k] * value[i];
            p->gradient[index[i]] += share * (q[k] - (p->truth[item] == (int)k ? 1.0 : 0.0)) * value[i];
            for (size_t j = 0; j < terms; j++) {
                p->hessian[index[i] * n + index[j]] += share * q[k] * value[i] * value[j];
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            p->hessian[i * n + j] -= share * mean[i] * mean[j];
        }
    }
}

/* Gradient and Hessian at theta; returns the largest entry of the gradient. */
static double measure(problem *p)
{
    const size_t n = p->figures;
    double centre, largest = 0.0;
    memset(p->gradient, 0, n * sizeof *p->gradient);
    memset(p->hessian, 0, n * n * sizeof *p->hessian);
    for (size_t i = 0; i < p->count; i++) {
        add_item(p, i, p->trial);
    }
    for (size_t f = 0; f < n; f++) {
        const double weight = penalty(p, f, &centre);
        p->gradient[f] += weight * (p->theta[f] - centre);
        p->hessian[f * n + f] += weight;
    }
    if (p->pinned) {
        p->gradient[0] = 0.0;
        for (size_t f = 0; f < n; f++) {
            p->hessian[f] = p->hessian[f * n] = f == 0 ? 1.0 : 0.0;
        }
    }
    for (size_t f = 0; f < n; f++) {
        largest = fmax(largest, fabs(p->gradient[f]));
    }
    return largest;
}

/* Newton's method; steps are halved until the loss falls. */
static void minimise(problem *p)
{
    const size_t n = p->figures;
    double now = loss(p, p->theta);
    for (int round = 0; round < ROUNDS_MAX && measure(p) > GRADIENT_SMALL; round++) {
        memcpy(p->step, p->gradient, n * sizeof *p->step);
        if (mewl_cholesky(p->hessian, n, NULL) == MEWL_OK) { /* else, by rounding, straight downhill */
            mewl_cholesky_solve(p->hessian, p->step, n, 1);
        }
        double size = 1.0, then = NAN;
        for (int i = 0; i < HALVINGS_MAX; i++, size /= 2) {
            for (size_t f = 0; f < n; f++) {
                p->trial[f] = p->theta[f] - size * p->step[f];
            }
            then = loss(p, p->trial);
            if (then < now) {
                break;
            }
        }
        if (!(then < now)) {
            return;
        }
        memcpy(p->theta, p->trial, n * sizeof *p->theta);
        now = then;
    }
}

static mewl_status check(const float *p, const int *truth, const double *weights, size_t count, size_t classes,
                         mewl_calibration_opts opts, double *total, mewl_error *err)
{
    *total = 0.0;
    if (count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "there is nothing to calibrate on");
    }
    if ((size_t)opts.kind >= MEWL_CALIBRATION_KIND_COUNT || !(opts.off_diagonal >= 0 && opts.off_diagonal <= 1e9) ||
        !(opts.intercept >= 0 && opts.intercept <= 1e9)) {
        return mewl_error_set(err, MEWL_E_ARG, "no such calibration, or a negative penalty");
    }
    for (size_t i = 0; i < count; i++) {
        const double weight = weights != NULL ? weights[i] : 1.0;
        bool good = truth[i] >= 0 && (size_t)truth[i] < classes && isfinite(weight) && weight >= 0.0;
        for (size_t k = 0; k < classes && good; k++) {
            good = p[i * classes + k] >= 0.0f && p[i * classes + k] <= 1.001f;
        }
        if (!good) {
            return mewl_error_set(err, MEWL_E_ARG, "item %zu has no class, weight or probabilities to calibrate on", i);
        }
        *total += weight;
    }
    return *total > 0.0 ? MEWL_OK : mewl_error_set(err, MEWL_E_ARG, "the weights of all items are 0");
}

/* The figures into the form that all kinds share. */
static void take(mewl_calibration *out, const problem *p)
{
    const size_t classes = p->classes;
    for (size_t k = 0; k < classes; k++) {
        if (p->opts.kind == MEWL_CALIBRATION_DIRICHLET) {
            memcpy(out->weight + k * classes, p->theta + k * classes, classes * sizeof *out->weight);
            out->bias[k] = p->theta[classes * classes + k];
        } else {
            out->weight[k * classes + k] = p->theta[0];
            out->bias[k] = p->opts.kind == MEWL_CALIBRATION_TEMPERATURE ? 0.0 : p->theta[1 + k];
        }
    }
}

static void run(problem *p)
{
    p->theta[0] = 1.0;
    for (size_t k = 0; k < p->classes && p->opts.kind == MEWL_CALIBRATION_DIRICHLET; k++) {
        p->theta[k * p->classes + k] = 1.0;
    }
    minimise(p);
    if (p->opts.kind != MEWL_CALIBRATION_DIRICHLET && p->theta[0] < MEWL_CALIBRATION_SHARPNESS_MIN) {
        p->theta[0] = MEWL_CALIBRATION_SHARPNESS_MIN; /* worse than chance: leave next to nothing of it */
        p->pinned = true;
        minimise(p);
    }
}

mewl_status mewl_calibration_fit(mewl_calibration *out, const float *p, const int *truth, const double *weights,
                                 size_t count, size_t classes, mewl_calibration_opts opts, mewl_error *err)
{
    problem fit = {.truth = truth, .weights = weights, .count = count, .classes = classes, .opts = opts};
    MEWL_TRY(mewl_calibration_init(out, classes, err));
    MEWL_TRY(check(p, truth, weights, count, classes, opts, &fit.total, err));
    out->kind = opts.kind;
    if (opts.kind == MEWL_CALIBRATION_NONE) {
        return MEWL_OK;
    }
    fit.figures = opts.kind == MEWL_CALIBRATION_TEMPERATURE        ? 1
                  : opts.kind == MEWL_CALIBRATION_TEMPERATURE_BIAS ? 1 + classes
                                                                   : classes * (classes + 1);
    const size_t n = fit.figures;
    double *log_p = malloc(count * classes * sizeof *log_p), *room = calloc(n * (n + 4), sizeof *room);
    if (log_p == NULL || room == NULL) {
        free(log_p);
        free(room);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the calibration of %zu items", count);
    }
    for (size_t i = 0; i < count * classes; i++) {
        log_p[i] = log(fmax((double)p[i], MEWL_CALIBRATION_P_MIN));
    }
    fit.log_p = log_p;
    fit.theta = room;
    fit.trial = room + n;
    fit.gradient = room + 2 * n;
    fit.step = room + 3 * n;
    fit.hessian = room + 4 * n;
    run(&fit);
    take(out, &fit);
    free(log_p);
    free(room);
    return MEWL_OK;
}

void mewl_calibration_apply(const mewl_calibration *map, float *q, const float *p, size_t count)
{
    const size_t classes = map->classes;
    for (size_t i = 0; i < count; i++) {
        double log_p[K_MAX], logit[K_MAX], highest = -INFINITY, sum = 0.0;
        for (size_t k = 0; k < classes; k++) {
            log_p[k] = log(fmax((double)p[i * classes + k], MEWL_CALIBRATION_P_MIN));
        }
        for (size_t k = 0; k < classes; k++) {
            logit[k] = map->bias[k];
            for (size_t j = 0; j < classes; j++) {
                logit[k] += map->weight[k * classes + j] * log_p[j];
            }
            highest = fmax(highest, logit[k]);
        }
        for (size_t k = 0; k < classes; k++) {
            logit[k] = exp(logit[k] - highest);
            sum += logit[k];
        }
        for (size_t k = 0; k < classes; k++) {
            q[i * classes + k] = (float)(logit[k] / sum);
        }
    }
}

double mewl_calibration_log_loss(const float *p, const int *truth, const double *weights, size_t count, size_t classes)
{
    double sum = 0.0, total = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double weight = weights != NULL ? weights[i] : 1.0;
        sum -= weight * log(fmax((double)p[i * classes + (size_t)truth[i]], MEWL_CALIBRATION_P_MIN));
        total += weight;
    }
    return total > 0.0 ? sum / total : NAN;
}
