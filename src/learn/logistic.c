#include "learn/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void mewl_logistic_fini(mewl_logistic *model)
{
    if (model == NULL) {
        return;
    }
    free(model->weight);
    free(model->bias);
    memset(model, 0, sizeof *model);
}

static void softmax(double *p, size_t classes)
{
    double top = p[0];
    double sum = 0;
    for (size_t k = 1; k < classes; k++) {
        top = fmax(top, p[k]);
    }
    for (size_t k = 0; k < classes; k++) {
        p[k] = exp(p[k] - top);
        sum += p[k];
    }
    for (size_t k = 0; k < classes; k++) {
        p[k] /= sum;
    }
}

/* The problem as seen by the search: variables are weights [classes x dims], then biases [classes]. */
typedef struct task {
    const double *x;
    const int *labels;
    const double *item_weight; /* [rows], c included */
    size_t rows, dims, classes;
} task;

static double task_value(double *gradient, const double *place, void *user)
{
    const task *t = user;
    size_t weights = t->classes * t->dims;
    double value = 0.5 * mewl_table_dot(place, place, weights);
    memcpy(gradient, place, weights * sizeof *gradient);
    memset(gradient + weights, 0, t->classes * sizeof *gradient);
    double p[MEWL_LEARN_CLASSES_MAX];
    for (size_t i = 0; i < t->rows; i++) {
        const double *row = t->x + i * t->dims;
        double w = t->item_weight[i];
        if (w == 0) {
            continue;
        }
        double top = -INFINITY;
        double sum = 0;
        for (size_t k = 0; k < t->classes; k++) {
            p[k] = mewl_table_dot(place + k * t->dims, row, t->dims) + place[weights + k];
            top = fmax(top, p[k]);
        }
        double own = p[t->labels[i]];
        for (size_t k = 0; k < t->classes; k++) {
            p[k] = exp(p[k] - top);
            sum += p[k];
        }
        value += w * (top + log(sum) - own);
        for (size_t k = 0; k < t->classes; k++) {
            double slope = w * (p[k] / sum - (t->labels[i] == (int)k ? 1 : 0));
            double *to = gradient + k * t->dims;
            for (size_t j = 0; j < t->dims; j++) {
                to[j] += slope * row[j];
            }
            gradient[weights + k] += slope;
        }
    }
    return value;
}

static mewl_status check_options(const mewl_logistic_opts *opts, size_t rows, size_t classes, mewl_error *err)
{
    if (!(opts->c > 0) || !isfinite(opts->c) || !(opts->tolerance > 0) || !isfinite(opts->tolerance)) {
        return mewl_error_set(err, MEWL_E_ARG, "logistic regression: c %g, tolerance %g", opts->c, opts->tolerance);
    }
    for (size_t k = 0; k < classes && opts->class_weights != NULL; k++) {
        if (!(opts->class_weights[k] > 0) || !isfinite(opts->class_weights[k])) {
            return mewl_error_set(err, MEWL_E_ARG, "logistic regression: class %zu has the weight %g", k,
                                  opts->class_weights[k]);
        }
    }
    for (size_t i = 0; i < rows && opts->item_weights != NULL; i++) {
        if (!(opts->item_weights[i] >= 0) || !isfinite(opts->item_weights[i])) {
            return mewl_error_set(err, MEWL_E_ARG, "logistic regression: row %zu has the weight %g", i,
                                  opts->item_weights[i]);
        }
    }
    return MEWL_OK;
}

/* Weight of each row in the sum: c, its class's, its own. */
static void weigh_rows(double *weight, const int *labels, size_t rows, size_t classes, const mewl_logistic_opts *opts)
{
    double count[MEWL_LEARN_CLASSES_MAX] = {0};
    for (size_t i = 0; i < rows; i++) {
        count[labels[i]]++;
    }
    for (size_t i = 0; i < rows; i++) {
        size_t k = (size_t)labels[i];
        weight[i] = opts->c;
        weight[i] *= opts->class_weights == NULL ? 1 : opts->class_weights[k];
        weight[i] *= opts->balanced ? (double)rows / ((double)classes * count[k]) : 1;
        weight[i] *= opts->item_weights == NULL ? 1 : opts->item_weights[i];
    }
}

/* Biases are free up to a common shift; theirs is made zero, as sklearn's turn out to be. */
static void take_result(mewl_logistic *out, const double *place)
{
    size_t weights = out->classes * out->dims;
    double shift = 0;
    memcpy(out->weight, place, weights * sizeof *place);
    for (size_t k = 0; k < out->classes; k++) {
        shift += place[weights + k] / (double)out->classes;
    }
    for (size_t k = 0; k < out->classes; k++) {
        out->bias[k] = place[weights + k] - shift;
    }
}

mewl_status mewl_logistic_fit(mewl_logistic *out, const double *x, const int *labels, size_t rows, size_t dims,
                              size_t classes, mewl_logistic_opts opts, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    opts.c = opts.c == 0 ? 1 : opts.c;
    opts.tolerance = opts.tolerance == 0 ? 1e-4 : opts.tolerance;
    opts.iterations = opts.iterations == 0 ? 1000 : opts.iterations;
    MEWL_TRY(mewl_table_check(x, rows, dims, "logistic regression", err));
    MEWL_TRY(mewl_table_check_labels(labels, rows, classes, err));
    MEWL_TRY(check_options(&opts, rows, classes, err));
    out->classes = classes;
    out->dims = dims;
    out->weight = calloc(classes * dims, sizeof *out->weight);
    out->bias = calloc(classes, sizeof *out->bias);
    double *item_weight = malloc(rows * sizeof *item_weight);
    double *place = calloc(classes * (dims + 1), sizeof *place);
    mewl_status status = MEWL_OK;
    if (out->weight == NULL || out->bias == NULL || item_weight == NULL || place == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory for a logistic regression of %zu columns", dims);
    } else {
        weigh_rows(item_weight, labels, rows, classes, &opts);
        task t = {.x = x, .labels = labels, .item_weight = item_weight, .rows = rows, .dims = dims, .classes = classes};
        status = mewl_lbfgs(place, classes * (dims + 1), task_value, &t, opts.tolerance, opts.iterations,
                            &out->converged, &out->iterations, err);
    }
    if (status == MEWL_OK) {
        take_result(out, place);
    } else {
        mewl_logistic_fini(out);
    }
    free(item_weight);
    free(place);
    return status;
}

void mewl_logistic_logits(const mewl_logistic *model, double *out, const double *x)
{
    for (size_t k = 0; k < model->classes; k++) {
        out[k] = mewl_table_dot(model->weight + k * model->dims, x, model->dims) + model->bias[k];
    }
}

void mewl_logistic_probability(const mewl_logistic *model, double *out, const double *x)
{
    mewl_logistic_logits(model, out, x);
    softmax(out, model->classes);
}
