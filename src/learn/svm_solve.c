#include "learn/svm_solve.h"

#include <libsvm/svm.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_MB_MAX 64
#define NODES_MAX ((size_t)1 << 27) /* 2 GiB */

static void print_nothing(const char *text)
{
    (void)text;
}

double mewl__svm_kernel(mewl_svm_kernel kernel, double gamma, const double *a, const double *b, size_t dims)
{
    return kernel == MEWL_SVM_LINEAR ? mewl_table_dot(a, b, dims)
                                     : exp(-gamma * mewl_table_squared_distance(a, b, dims));
}

double mewl__svm_gamma_scale(const double *x, size_t rows, size_t dims)
{
    double mean = 0;
    double square = 0;
    for (size_t i = 0; i < rows * dims; i++) {
        mean += x[i];
    }
    mean /= (double)(rows * dims);
    for (size_t i = 0; i < rows * dims; i++) {
        square += (x[i] - mean) * (x[i] - mean);
    }
    double variance = square / (double)(rows * dims);
    return variance > 0 ? 1 / ((double)dims * variance) : 1;
}

void mewl__svm_solution_fini(mewl__svm_solution *s)
{
    free(s->index);
    free(s->class_count);
    free(s->coef);
    free(s->rho);
    memset(s, 0, sizeof *s);
}

/* Rows of the kernel matrix that libsvm keeps, in MB: all of them where they fit. */
static double cache_mb(size_t count)
{
    return fmin(CACHE_MB_MAX, 1 + (double)count * (double)count * sizeof(float) / 1048576.0);
}

/* libsvm's view of the rows: sorted by class, since it numbers classes in the order in which it meets them. */
typedef struct problem {
    struct svm_problem svm;
    struct svm_node *nodes;
    size_t *row; /* of the table, for each of libsvm's */
} problem;

static void problem_fini(problem *p)
{
    free(p->svm.y);
    free(p->svm.x);
    free(p->nodes);
    free(p->row);
}

static mewl_status problem_init(problem *p, const double *x, const int *labels, const size_t *use, size_t count,
                                size_t dims, size_t classes, mewl_error *err)
{
    memset(p, 0, sizeof *p);
    if (count > NODES_MAX / (dims + 1)) {
        return mewl_error_set(err, MEWL_E_MEMORY, "a support vector machine on %zu rows of %zu is too large", count,
                              dims);
    }
    p->svm.y = malloc(count * sizeof *p->svm.y);
    p->svm.x = malloc(count * sizeof *p->svm.x);
    p->nodes = malloc(count * (dims + 1) * sizeof *p->nodes);
    p->row = malloc(count * sizeof *p->row);
    /* libsvm does not look whether it gets its memory; so look whether it would. */
    void *room = malloc((size_t)(cache_mb(count) * 1048576.0) + count * 512);
    free(room);
    if (p->svm.y == NULL || p->svm.x == NULL || p->nodes == NULL || p->row == NULL || room == NULL) {
        problem_fini(p);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for a support vector machine on %zu rows", count);
    }
    size_t filled = 0;
    for (size_t k = 0; k < classes; k++) {
        for (size_t i = 0; i < count; i++) {
            if (classes > 1 && labels[use[i]] != (int)k) {
                continue;
            }
            struct svm_node *node = p->nodes + filled * (dims + 1);
            for (size_t j = 0; j < dims; j++) {
                node[j] = (struct svm_node){.index = (int)j + 1, .value = x[use[i] * dims + j]};
            }
            node[dims].index = -1;
            p->svm.x[filled] = node;
            p->svm.y[filled] = (double)k;
            p->row[filled++] = use[i];
        }
    }
    p->svm.l = (int)filled;
    return MEWL_OK;
}

static mewl_status copy_solution(mewl__svm_solution *out, const struct svm_model *model, const problem *p,
                                 size_t classes, mewl_error *err)
{
    size_t lines = classes > 1 ? classes - 1 : 1;
    size_t pairs = classes > 1 ? classes * (classes - 1) / 2 : 1;
    out->classes = classes;
    out->vectors = (size_t)model->l;
    out->index = malloc(out->vectors * sizeof *out->index + 1);
    out->class_count = malloc(classes * sizeof *out->class_count);
    out->coef = malloc(lines * out->vectors * sizeof *out->coef + 1);
    out->rho = malloc(pairs * sizeof *out->rho);
    if (out->index == NULL || out->class_count == NULL || out->coef == NULL || out->rho == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu support vectors", out->vectors);
    }
    for (size_t v = 0; v < out->vectors; v++) {
        out->index[v] = p->row[model->sv_indices[v] - 1];
        for (size_t line = 0; line < lines; line++) {
            out->coef[line * out->vectors + v] = model->sv_coef[line][v];
        }
    }
    memcpy(out->rho, model->rho, pairs * sizeof *out->rho);
    for (size_t k = 0; k < classes; k++) {
        out->class_count[k] = classes > 1 ? (size_t)model->nSV[k] : out->vectors;
    }
    return MEWL_OK;
}

mewl_status mewl__svm_solve(mewl__svm_solution *out, const double *x, const int *labels, const size_t *use,
                            size_t count, size_t dims, size_t classes, const double *weights, mewl_svm_kernel kernel,
                            double gamma, double c, double nu, double tolerance, mewl_error *err)
{
    memset(out, 0, sizeof *out);
    problem p;
    MEWL_TRY(problem_init(&p, x, labels, use, count, dims, classes, err));
    int names[MEWL_SVM_CLASSES_MAX];
    double class_weights[MEWL_SVM_CLASSES_MAX];
    for (size_t k = 0; k < classes; k++) {
        names[k] = (int)k;
        class_weights[k] = weights == NULL ? 1 : weights[k];
    }
    struct svm_parameter parameter = {
        .svm_type = classes > 1 ? C_SVC : ONE_CLASS,
        .kernel_type = kernel == MEWL_SVM_LINEAR ? LINEAR : RBF,
        .gamma = gamma,
        .cache_size = cache_mb(count),
        .eps = tolerance,
        .C = c,
        .nu = nu,
        .nr_weight = classes > 1 ? (int)classes : 0,
        .weight_label = names,
        .weight = class_weights,
        .shrinking = 1,
    };
    mewl_status status = MEWL_OK;
    const char *complaint = svm_check_parameter(&p.svm, &parameter);
    if (complaint != NULL) {
        status = mewl_error_set(err, MEWL_E_ARG, "libsvm: %s", complaint);
    } else {
        svm_set_print_string_function(print_nothing);
        struct svm_model *model = svm_train(&p.svm, &parameter);
        status = model == NULL ? mewl_error_set(err, MEWL_E_LIBRARY, "libsvm found no machine")
                               : copy_solution(out, model, &p, classes, err);
        svm_free_and_destroy_model(&model);
    }
    problem_fini(&p);
    if (status != MEWL_OK) {
        mewl__svm_solution_fini(out);
    }
    return status;
}
