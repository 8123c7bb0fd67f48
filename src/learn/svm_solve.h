/* svm_solve.h - the door to libsvm, for the files of svm.h: a training problem in, support vectors and coefficients
 * out.
 */
#ifndef MEWL_LEARN_SVM_SOLVE_H
#define MEWL_LEARN_SVM_SOLVE_H

#include "learn/svm.h"

/* What libsvm found, in flat arrays. */
typedef struct mewl__svm_solution {
    size_t classes, vectors;
    size_t *index; /* [vectors], rows of the table, by class */
    size_t *class_count;
    double *coef; /* [classes - 1][vectors] */
    double *rho;  /* [pairs] */
} mewl__svm_solution;

/* Costs above this make libsvm search for very long on data that cannot be told apart. */
#define MEWL__SVM_C_MAX 1e6

/* C-SVC on the `count` rows `use` of a table (the class of a row is labels[row], every class in [0, classes) present
 * among them); weights [classes] multiply c. classes 1 makes the one-class problem with `nu`. Inputs are checked by the
 * caller. MEWL_E_MEMORY, MEWL_E_LIBRARY. On failure *out is empty. */
mewl_status mewl__svm_solve(mewl__svm_solution *out, const double *x, const int *labels, const size_t *use,
                            size_t count, size_t dims, size_t classes, const double *weights, mewl_svm_kernel kernel,
                            double gamma, double c, double nu, double tolerance, mewl_error *err);
void mewl__svm_solution_fini(mewl__svm_solution *s);

/* exp(-gamma |a - b|^2) or a . b. */
double mewl__svm_kernel(mewl_svm_kernel kernel, double gamma, const double *a, const double *b, size_t dims);

/* sklearn's gamma="scale". */
double mewl__svm_gamma_scale(const double *x, size_t rows, size_t dims);

#endif
