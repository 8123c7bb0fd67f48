/* svm.h - support vector machines: C-SVC (linear, RBF; class weights) and the one-class machine (RBF).
 *
 * libsvm (Chang and Lin 2011) solves the training problem in svm.c, and nothing else: the machine found lives in flat
 * arrays here, is evaluated by our own code without allocation, and is written and read by bytes.h. libsvm's message
 * printing is switched off, and inputs are checked before it sees them.
 */
#ifndef MEWL_LEARN_SVM_H
#define MEWL_LEARN_SVM_H

#include <stdbool.h>
#include <stdint.h>

#include "learn/bytes.h"
#include "learn/table.h"

typedef enum mewl_svm_kernel { MEWL_SVM_LINEAR, MEWL_SVM_RBF } mewl_svm_kernel;

typedef struct mewl_svm_opts {
    mewl_svm_kernel kernel;
    double c;                    /* cost; 0 means 1 */
    double gamma;                /* RBF; 0 means "scale": 1 / (dims * variance of all values) */
    const double *class_weights; /* [classes], > 0; NULL means 1 each */
    bool balanced;               /* class weights rows / (classes * rows of the class), times class_weights */
    double tolerance;            /* of the solver; 0 means 1e-3 */
} mewl_svm_opts;

/* Owns its arrays; zero-initialised is empty. One against one: pair p runs over (0,1) (0,2) ... (1,2) .... */
typedef struct mewl_svm {
    size_t classes, dims, vectors;
    mewl_svm_kernel kernel;
    double gamma;
    double *vector;      /* [vectors x dims], sorted by class */
    size_t *class_count; /* [classes], vectors of each class */
    double *coef;        /* [classes - 1][vectors], as libsvm's sv_coef */
    double *rho;         /* [pairs] */
} mewl_svm;

#define MEWL_SVM_CLASSES_MAX ((size_t)32)

/* Learns into *out, which the call overwrites. Labels as in mewl_table_check_labels, classes at most
 * MEWL_SVM_CLASSES_MAX. Equals sklearn.svm.SVC with the same options. MEWL_E_ARG for odd options, else as
 * mewl_table_check. On failure *out is empty. */
mewl_status mewl_svm_fit(mewl_svm *out, const double *x, const int *labels, size_t rows, size_t dims, size_t classes,
                         mewl_svm_opts opts, mewl_error *err);

/* Pairwise decision values [classes (classes - 1) / 2]: positive speaks for the pair's first class (libsvm's sign; with
 * two classes sklearn's decision_function is minus this). */
void mewl_svm_decision(const mewl_svm *svm, double *out, const double *x);

/* Frees the arrays and empties it; NULL is allowed. */
void mewl_svm_fini(mewl_svm *svm);

/* ---- One class: the region where most rows lie (Schoelkopf et al. 2001). ---- */

typedef struct mewl_oneclass_opts {
    double nu;        /* 0 < nu <= 1: bound on the share of training rows left outside */
    double gamma;     /* 0 means "scale" */
    double tolerance; /* 0 means 1e-3 */
} mewl_oneclass_opts;

typedef struct mewl_oneclass {
    size_t dims, vectors;
    double gamma, rho;
    double *vector; /* [vectors x dims] */
    double *coef;   /* [vectors] */
} mewl_oneclass;

/* Equals sklearn.svm.OneClassSVM(kernel="rbf"). Errors as mewl_svm_fit. */
mewl_status mewl_oneclass_fit(mewl_oneclass *out, const double *x, size_t rows, size_t dims, mewl_oneclass_opts opts,
                              mewl_error *err);

/* Positive inside, negative outside (sklearn's decision_function). */
double mewl_oneclass_decision(const mewl_oneclass *svm, const double *x);

/* Frees the arrays and empties it; NULL is allowed. */
void mewl_oneclass_fini(mewl_oneclass *svm);

/* The model as bytes (learn/bytes.h), appended to `out`, which remembers a failure; and read back from the place that
 * `in` is at, which moves behind it. What is read may be hostile: MEWL_E_FORMAT says what does not fit, MEWL_E_MEMORY;
 * on failure *out is empty, on success fini it. */
void mewl_oneclass_save(const mewl_oneclass *svm, mewl_buffer *out);
mewl_status mewl_oneclass_load(mewl_oneclass *out, mewl_bytes *in, mewl_error *err);

#endif
