/* logistic.h - multinomial logistic regression with an L2 penalty, by L-BFGS (Nocedal 1980): the minimum of
 * c * sum_i w_i * CE_i + |W|^2 / 2, biases not penalised (sklearn's LogisticRegression, multi_class="multinomial").
 */
#ifndef MEWL_LEARN_LOGISTIC_H
#define MEWL_LEARN_LOGISTIC_H

#include <stdbool.h>

#include "learn/table.h"

typedef struct mewl_logistic_opts {
    double c;                    /* inverse strength of the penalty; 0 means 1 */
    const double *class_weights; /* [classes], > 0; NULL means 1 each */
    bool balanced;               /* class weights rows / (classes * rows of the class), times class_weights */
    const double *item_weights;  /* [rows], >= 0; NULL means 1 each */
    double tolerance;            /* largest element of the gradient at which to stop; 0 means 1e-4 */
    size_t iterations;           /* at most; 0 means 1000 */
} mewl_logistic_opts;

/* Owns its arrays; zero-initialised is empty. */
typedef struct mewl_logistic {
    size_t classes, dims;
    double *weight; /* [classes x dims] */
    double *bias;   /* [classes], sum 0 */
    bool converged;
    size_t iterations;
} mewl_logistic;

/* Learns into *out, which the call overwrites. Labels as in mewl_table_check_labels. MEWL_E_ARG for odd options, else
 * as mewl_table_check. Not converging is no error: see `converged`. On failure *out is empty. */
mewl_status mewl_logistic_fit(mewl_logistic *out, const double *x, const int *labels, size_t rows, size_t dims,
                              size_t classes, mewl_logistic_opts opts, mewl_error *err);

/* Logits [classes] of one row. */
void mewl_logistic_logits(const mewl_logistic *model, double *out, const double *x);

/* Class probabilities [classes] of one row. */
void mewl_logistic_probability(const mewl_logistic *model, double *out, const double *x);

/* Frees the arrays and empties it; NULL is allowed. */
void mewl_logistic_fini(mewl_logistic *model);

/* Minimises a smooth function of `count` variables from where `x` stands, by L-BFGS with ten pairs and a line search
 * for Wolfe's conditions. `function` returns the value and writes the gradient. Stops when no element of the gradient
 * exceeds `tolerance`, or after `iterations`; *converged (may be NULL) says which. MEWL_E_MEMORY; MEWL_E_ARG when the
 * function is not finite at the start. */
typedef double (*mewl_smooth_fn)(double *gradient, const double *x, void *user);
mewl_status mewl_lbfgs(double *x, size_t count, mewl_smooth_fn function, void *user, double tolerance,
                       size_t iterations, bool *converged, size_t *done, mewl_error *err);

#endif
