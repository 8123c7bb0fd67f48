#include "learn/svm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/svm_solve.h"

static size_t pairs_of(size_t classes)
{
    return classes * (classes - 1) / 2;
}

void mewl_svm_fini(mewl_svm *svm)
{
    if (svm == NULL) {
        return;
    }
    free(svm->vector);
    free(svm->class_count);
    free(svm->coef);
    free(svm->rho);
    memset(svm, 0, sizeof *svm);
}

static mewl_status check_options(const mewl_svm_opts *opts, size_t rows, size_t classes, mewl_error *err)
{
    if (classes > MEWL_SVM_CLASSES_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "support vector machine: %zu classes, at most %zu", classes,
                              MEWL_SVM_CLASSES_MAX);
    }
    if (!(opts->c > 0) || opts->c > MEWL__SVM_C_MAX || !(opts->gamma >= 0) || !isfinite(opts->gamma) ||
        !(opts->tolerance > 0) || !isfinite(opts->tolerance)) {
        return mewl_error_set(err, MEWL_E_ARG, "support vector machine: c %g, gamma %g, tolerance %g", opts->c,
                              opts->gamma, opts->tolerance);
    }
    for (size_t k = 0; k < classes && opts->class_weights != NULL; k++) {
        if (!(opts->class_weights[k] > 0) || !isfinite(opts->class_weights[k])) {
            return mewl_error_set(err, MEWL_E_ARG, "support vector machine: class %zu has the weight %g", k,
                                  opts->class_weights[k]);
        }
    }
    (void)rows;
    return MEWL_OK;
}

static void weigh_classes(double *weights, const int *labels, size_t rows, size_t classes, const mewl_svm_opts *opts)
{
    size_t count[MEWL_SVM_CLASSES_MAX] = {0};
    for (size_t i = 0; i < rows; i++) {
        count[labels[i]]++;
    }
    for (size_t k = 0; k < classes; k++) {
        weights[k] = opts->class_weights == NULL ? 1 : opts->class_weights[k];
        weights[k] *= opts->balanced ? (double)rows / ((double)classes * (double)count[k]) : 1;
    }
}

/* Takes the coefficients over from the solution and copies the vectors out of the table. */
static mewl_status adopt(double **vector, mewl__svm_solution *s, const double *x, size_t dims, mewl_error *err)
{
    *vector = malloc(s->vectors * dims * sizeof **vector + 1);
    if (*vector == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu support vectors", s->vectors);
    }
    for (size_t v = 0; v < s->vectors; v++) {
        memcpy(*vector + v * dims, x + s->index[v] * dims, dims * sizeof **vector);
    }
    return MEWL_OK;
}

mewl_status mewl_svm_fit(mewl_svm *out, const double *x, const int *labels, size_t rows, size_t dims, size_t classes,
                         mewl_svm_opts opts, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    opts.c = opts.c == 0 ? 1 : opts.c;
    opts.tolerance = opts.tolerance == 0 ? 1e-3 : opts.tolerance;
    MEWL_TRY(mewl_table_check(x, rows, dims, "support vector machine", err));
    MEWL_TRY(mewl_table_check_labels(labels, rows, classes, err));
    MEWL_TRY(check_options(&opts, rows, classes, err));
    double weights[MEWL_SVM_CLASSES_MAX];
    weigh_classes(weights, labels, rows, classes, &opts);
    size_t *use = malloc(rows * sizeof *use);
    if (use == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu rows", rows);
    }
    for (size_t i = 0; i < rows; i++) {
        use[i] = i;
    }
    out->classes = classes;
    out->dims = dims;
    out->kernel = opts.kernel;
    out->gamma = opts.gamma > 0 ? opts.gamma : mewl__svm_gamma_scale(x, rows, dims);
    mewl__svm_solution s = {0};
    mewl_status status = mewl__svm_solve(&s, x, labels, use, rows, dims, classes, weights, opts.kernel, out->gamma,
                                         opts.c, 0, opts.tolerance, err);
    if (status == MEWL_OK) {
        status = adopt(&out->vector, &s, x, dims, err);
        out->vectors = s.vectors;
        out->class_count = s.class_count;
        out->coef = s.coef;
        out->rho = s.rho;
        free(s.index);
    }
    free(use);
    if (status != MEWL_OK) {
        mewl_svm_fini(out);
    }
    return status;
}

/* Place of the pair (a, b), a < b, in libsvm's order. */
static size_t pair_at(size_t a, size_t b, size_t classes)
{
    return a * classes - a * (a + 1) / 2 + (b - a - 1);
}

void mewl_svm_decision(const mewl_svm *svm, double *out, const double *x)
{
    for (size_t p = 0; p < pairs_of(svm->classes); p++) {
        out[p] = -svm->rho[p];
    }
    size_t v = 0;
    for (size_t own = 0; own < svm->classes; own++) {
        for (size_t end = v + svm->class_count[own]; v < end; v++) {
            double k = mewl__svm_kernel(svm->kernel, svm->gamma, svm->vector + v * svm->dims, x, svm->dims);
            for (size_t other = 0; other < svm->classes; other++) {
                if (other < own) {
                    out[pair_at(other, own, svm->classes)] += svm->coef[other * svm->vectors + v] * k;
                } else if (other > own) {
                    out[pair_at(own, other, svm->classes)] += svm->coef[(other - 1) * svm->vectors + v] * k;
                }
            }
        }
    }
}

void mewl_oneclass_fini(mewl_oneclass *svm)
{
    if (svm == NULL) {
        return;
    }
    free(svm->vector);
    free(svm->coef);
    memset(svm, 0, sizeof *svm);
}

mewl_status mewl_oneclass_fit(mewl_oneclass *out, const double *x, size_t rows, size_t dims, mewl_oneclass_opts opts,
                              mewl_error *err)
{
    memset(out, 0, sizeof *out);
    opts.tolerance = opts.tolerance == 0 ? 1e-3 : opts.tolerance;
    MEWL_TRY(mewl_table_check(x, rows, dims, "one-class machine", err));
    if (!(opts.nu > 0) || opts.nu > 1 || !(opts.gamma >= 0) || !isfinite(opts.gamma) || !(opts.tolerance > 0)) {
        return mewl_error_set(err, MEWL_E_ARG, "one-class machine: nu %g, gamma %g, tolerance %g", opts.nu, opts.gamma,
                              opts.tolerance);
    }
    size_t *use = malloc(rows * sizeof *use);
    if (use == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu rows", rows);
    }
    for (size_t i = 0; i < rows; i++) {
        use[i] = i;
    }
    mewl__svm_solution s = {0};
    out->dims = dims;
    out->gamma = opts.gamma > 0 ? opts.gamma : mewl__svm_gamma_scale(x, rows, dims);
    mewl_status status = mewl__svm_solve(&s, x, NULL, use, rows, dims, 1, NULL, MEWL_SVM_RBF, out->gamma, 1, opts.nu,
                                         opts.tolerance, err);
    free(use);
    if (status == MEWL_OK) {
        status = adopt(&out->vector, &s, x, dims, err);
        out->vectors = s.vectors;
        out->rho = s.rho[0];
        out->coef = s.coef;
        s.coef = NULL;
        mewl__svm_solution_fini(&s);
    }
    if (status != MEWL_OK) {
        mewl_oneclass_fini(out);
    }
    return status;
}

double mewl_oneclass_decision(const mewl_oneclass *svm, const double *x)
{
    double sum = 0;
    for (size_t v = 0; v < svm->vectors; v++) {
        sum += svm->coef[v] * mewl__svm_kernel(MEWL_SVM_RBF, svm->gamma, svm->vector + v * svm->dims, x, svm->dims);
    }
    return sum - svm->rho;
}

void mewl_oneclass_save(const mewl_oneclass *svm, mewl_buffer *out)
{
    mewl_bytes_put_head(out, "OCSV", 1);
    mewl_bytes_put_u64(out, svm->dims);
    mewl_bytes_put_u64(out, svm->vectors);
    mewl_bytes_put_f64(out, svm->gamma);
    mewl_bytes_put_f64(out, svm->rho);
    mewl_bytes_put_f64s(out, svm->vector, svm->vectors * svm->dims);
    mewl_bytes_put_f64s(out, svm->coef, svm->vectors);
}

static mewl_status read_oneclass(mewl_oneclass *out, mewl_bytes *in, mewl_error *err)
{
    MEWL_TRY(mewl_bytes_get_head(in, NULL, "OCSV", 1, err));
    MEWL_TRY(mewl_bytes_get_count(in, &out->dims, 1, MEWL_LEARN_DIMS_MAX, "the number of columns", err));
    MEWL_TRY(
        mewl_bytes_get_count(in, &out->vectors, 0, MEWL_LEARN_VALUES_MAX / out->dims, "the number of vectors", err));
    MEWL_TRY(mewl_bytes_get_f64(in, &out->gamma, err));
    MEWL_TRY(mewl_bytes_get_f64(in, &out->rho, err));
    if (!(out->gamma > 0)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a one-class machine with gamma %g", in->name, out->gamma);
    }
    MEWL_TRY(mewl_bytes_get_f64s(in, &out->vector, out->vectors * out->dims, err));
    return mewl_bytes_get_f64s(in, &out->coef, out->vectors, err);
}

mewl_status mewl_oneclass_load(mewl_oneclass *out, mewl_bytes *in, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    mewl_status status = read_oneclass(out, in, err);
    if (status != MEWL_OK) {
        mewl_oneclass_fini(out);
    }
    return status;
}
