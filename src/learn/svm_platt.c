/* svm_platt.c - probabilities for svm.h: Platt's sigmoid of each pair, learned by cross-validation, and their coupling
 * into one distribution. libsvm's own way draws from the process's random numbers; this one from a seed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/svm_solve.h"

#define NEWTON_STEPS 100
#define RIDGE 1e-12

/* Cross-entropy of the sigmoid and its targets, in the form that never overflows. */
static double platt_loss(double a, double b, const double *decision, const double *target, const double *weights,
                         size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double z = a * decision[i] + b;
        double loss = z >= 0 ? target[i] * z + log1p(exp(-z)) : (target[i] - 1) * z + log1p(exp(z));
        sum += (weights == NULL ? 1 : weights[i]) * loss;
    }
    return sum;
}

/* Gradient and Hessian (3 numbers: aa, ab, bb). */
static void platt_slopes(double *gradient, double *hessian, double a, double b, const double *decision,
                         const double *target, const double *weights, size_t count)
{
    memset(gradient, 0, 2 * sizeof *gradient);
    hessian[0] = hessian[2] = RIDGE;
    hessian[1] = 0;
    for (size_t i = 0; i < count; i++) {
        double z = a * decision[i] + b;
        double p = z >= 0 ? exp(-z) / (1 + exp(-z)) : 1 / (1 + exp(z));
        double w = weights == NULL ? 1 : weights[i];
        double curve = w * p * (1 - p);
        double slope = w * (target[i] - p);
        hessian[0] += curve * decision[i] * decision[i];
        hessian[1] += curve * decision[i];
        hessian[2] += curve;
        gradient[0] += slope * decision[i];
        gradient[1] += slope;
    }
}

static void platt_descend(double *a, double *b, const double *decision, const double *target, const double *weights,
                          size_t count)
{
    double loss = platt_loss(*a, *b, decision, target, weights, count);
    for (size_t step = 0; step < NEWTON_STEPS; step++) {
        double g[2];
        double h[3];
        platt_slopes(g, h, *a, *b, decision, target, weights, count);
        if (fabs(g[0]) < 1e-10 && fabs(g[1]) < 1e-10) {
            return;
        }
        double det = h[0] * h[2] - h[1] * h[1];
        double da = -(h[2] * g[0] - h[1] * g[1]) / det;
        double db = -(h[0] * g[1] - h[1] * g[0]) / det;
        double slope = g[0] * da + g[1] * db;
        double size = 1;
        for (; size > 1e-10; size /= 2) {
            double next = platt_loss(*a + size * da, *b + size * db, decision, target, weights, count);
            if (next < loss + 1e-4 * size * slope) {
                *a += size * da;
                *b += size * db;
                loss = next;
                break;
            }
        }
        if (size <= 1e-10) {
            return;
        }
    }
}

void mewl_platt_fit(double *a, double *b, const double *decision, const bool *positive, const double *weights,
                    size_t count)
{
    double positives = 0;
    double negatives = 0;
    for (size_t i = 0; i < count; i++) {
        double w = weights == NULL ? 1 : weights[i];
        positives += positive[i] ? w : 0;
        negatives += positive[i] ? 0 : w;
    }
    *a = 0;
    *b = log((negatives + 1) / (positives + 1));
    double *target = malloc(count * sizeof *target + 1);
    if (target == NULL) {
        return; /* the prior alone is a fit as well */
    }
    for (size_t i = 0; i < count; i++) {
        target[i] = positive[i] ? (positives + 1) / (positives + 2) : 1 / (negatives + 2);
    }
    platt_descend(a, b, decision, target, weights, count);
    free(target);
}

/* Folds by group: groups are shuffled and dealt. */
static mewl_status deal_folds(size_t *fold, const size_t *groups, size_t rows, size_t folds, uint64_t seed,
                              mewl_error *err)
{
    size_t *first = malloc(rows * sizeof *first); /* the first row of each group stands for it */
    if (first == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for the folds of %zu rows", rows);
    }
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        bool seen = false;
        for (size_t k = 0; groups != NULL && k < count && !seen; k++) {
            seen = groups[first[k]] == groups[i];
        }
        if (!seen) {
            first[count++] = i;
        }
    }
    mewl_rng rng = mewl_rng_seeded(seed);
    mewl_rng_shuffle(&rng, first, count);
    for (size_t k = 0; k < count; k++) {
        fold[first[k]] = k % folds;
        for (size_t i = 0; groups != NULL && i < rows; i++) {
            if (groups[i] == groups[first[k]]) {
                fold[i] = k % folds;
            }
        }
    }
    free(first);
    return MEWL_OK;
}

/* One pair under cross-validation. */
typedef struct pair_job {
    const double *x;
    const int *labels;
    const size_t *fold;
    size_t rows;
    size_t a, b;
    int *side;        /* [rows], 0 for class a, 1 for b */
    size_t *use;      /* [rows] */
    double *decision; /* [rows] */
    bool *positive;   /* [rows] */
} pair_job;

static void pair_job_fini(pair_job *job)
{
    free(job->side);
    free(job->use);
    free(job->decision);
    free(job->positive);
}

static double solution_value(const mewl__svm_solution *s, const mewl_svm *svm, const double *table, const double *x)
{
    double sum = -s->rho[0];
    for (size_t v = 0; v < s->vectors; v++) {
        sum += s->coef[v] * mewl__svm_kernel(svm->kernel, svm->gamma, table + s->index[v] * svm->dims, x, svm->dims);
    }
    return sum;
}

/* Decision values of the rows of one fold from a machine that did not see them. A side that is missing in training
 * leaves 1, -1 or 0, as in libsvm. */
static mewl_status judge_fold(pair_job *job, size_t *found, size_t fold, const mewl_svm *svm, const double *weights,
                              const mewl_svm_opts *opts, mewl_error *err)
{
    size_t sides[2] = {0, 0};
    size_t training = 0;
    for (size_t i = 0; i < job->rows; i++) {
        bool of_pair = job->labels[i] == (int)job->a || job->labels[i] == (int)job->b;
        if (of_pair && job->fold[i] != fold) {
            job->use[training++] = i;
            sides[job->side[i]]++;
        }
    }
    mewl__svm_solution s = {0};
    bool both = sides[0] > 0 && sides[1] > 0;
    if (both) {
        double pair_weights[2] = {weights[job->a], weights[job->b]};
        MEWL_TRY(mewl__svm_solve(&s, job->x, job->side, job->use, training, svm->dims, 2, pair_weights, svm->kernel,
                                 svm->gamma, opts->c, 0, opts->tolerance, err));
    }
    double fallback = sides[0] > 0 ? 1 : sides[1] > 0 ? -1 : 0;
    for (size_t i = 0; i < job->rows; i++) {
        bool of_pair = job->labels[i] == (int)job->a || job->labels[i] == (int)job->b;
        if (of_pair && job->fold[i] == fold) {
            job->decision[*found] = both ? solution_value(&s, svm, job->x, job->x + i * svm->dims) : fallback;
            job->positive[(*found)++] = job->side[i] == 0;
        }
    }
    mewl__svm_solution_fini(&s);
    return MEWL_OK;
}

mewl_status mewl__svm_learn_platt(mewl_svm *svm, const double *x, const int *labels, size_t rows,
                                  const double *class_weights, const mewl_svm_opts *opts, mewl_error *err)
{
    size_t pairs = svm->classes * (svm->classes - 1) / 2;
    svm->platt = calloc(pairs, 2 * sizeof *svm->platt);
    size_t *fold = malloc(rows * sizeof *fold);
    pair_job job = {.x = x, .labels = labels, .fold = fold, .rows = rows};
    job.side = malloc(rows * sizeof *job.side);
    job.use = malloc(rows * sizeof *job.use);
    job.decision = malloc(rows * sizeof *job.decision);
    job.positive = malloc(rows * sizeof *job.positive);
    mewl_status status = MEWL_OK;
    if (svm->platt == NULL || fold == NULL || job.side == NULL || job.use == NULL || job.decision == NULL ||
        job.positive == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "no memory to learn the probabilities of %zu rows", rows);
    } else {
        status = deal_folds(fold, opts->groups, rows, opts->folds, opts->seed, err);
    }
    for (size_t a = 0, p = 0; a < svm->classes && status == MEWL_OK; a++) {
        for (size_t b = a + 1; b < svm->classes && status == MEWL_OK; b++, p++) {
            job.a = a;
            job.b = b;
            for (size_t i = 0; i < rows; i++) {
                job.side[i] = labels[i] == (int)a ? 0 : 1;
            }
            size_t found = 0;
            for (size_t f = 0; f < opts->folds && status == MEWL_OK; f++) {
                status = judge_fold(&job, &found, f, svm, class_weights, opts, err);
            }
            mewl_platt_fit(&svm->platt[2 * p], &svm->platt[2 * p + 1], job.decision, job.positive, NULL, found);
        }
    }
    pair_job_fini(&job);
    free(fold);
    return status;
}

/* Wu, Lin and Weng's second method: minimises sum over pairs of (r_ji p_i - r_ij p_j)^2 on the simplex. */
static void couple(double *p, double r[MEWL_SVM_CLASSES_MAX][MEWL_SVM_CLASSES_MAX], size_t classes)
{
    double q[MEWL_SVM_CLASSES_MAX][MEWL_SVM_CLASSES_MAX];
    for (size_t i = 0; i < classes; i++) {
        p[i] = 1 / (double)classes;
        q[i][i] = 0;
        for (size_t j = 0; j < classes; j++) {
            if (j != i) {
                q[i][i] += r[j][i] * r[j][i];
                q[i][j] = -r[j][i] * r[i][j];
            }
        }
    }
    for (size_t round = 0; round < 1000; round++) {
        double qp[MEWL_SVM_CLASSES_MAX];
        double pqp = 0;
        double worst = 0;
        for (size_t i = 0; i < classes; i++) {
            qp[i] = mewl_table_dot(q[i], p, classes);
            pqp += p[i] * qp[i];
        }
        for (size_t i = 0; i < classes; i++) {
            worst = fmax(worst, fabs(qp[i] - pqp));
        }
        if (worst < 1e-12) {
            return;
        }
        for (size_t i = 0; i < classes; i++) {
            double step = (pqp - qp[i]) / q[i][i];
            p[i] += step;
            pqp = (pqp + step * (step * q[i][i] + 2 * qp[i])) / ((1 + step) * (1 + step));
            for (size_t j = 0; j < classes; j++) {
                qp[j] = (qp[j] + step * q[i][j]) / (1 + step);
                p[j] /= 1 + step;
            }
        }
    }
}

mewl_status mewl_svm_probability(const mewl_svm *svm, double *out, const double *x, mewl_error *err)
{
    if (svm->platt == NULL) {
        return mewl_error_set(err, MEWL_E_STATE, "this support vector machine was learned without probabilities");
    }
    double decision[MEWL_SVM_CLASSES_MAX * (MEWL_SVM_CLASSES_MAX - 1) / 2];
    double r[MEWL_SVM_CLASSES_MAX][MEWL_SVM_CLASSES_MAX] = {{0}};
    mewl_svm_decision(svm, decision, x);
    for (size_t a = 0, p = 0; a < svm->classes; a++) {
        for (size_t b = a + 1; b < svm->classes; b++, p++) {
            double share = 1 / (1 + exp(svm->platt[2 * p] * decision[p] + svm->platt[2 * p + 1]));
            r[a][b] = fmin(fmax(share, 1e-7), 1 - 1e-7);
            r[b][a] = 1 - r[a][b];
        }
    }
    couple(out, r, svm->classes);
    return MEWL_OK;
}
