/* heads.c - see heads.h. */
#include "lab/heads.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/bootstrap.h"
#include "learn/gmm.h"
#include "learn/knn.h"
#include "learn/logistic.h"
#include "learn/svm.h"

#define K_MAX MEWL_HEAD_CLASSES_MAX
#define GMM_SHRINKAGE 0.3
#define GMM_REG 1e-3
#define LOGISTIC_TOLERANCE 1e-3
#define LOGISTIC_ITERATIONS 200

/* ---- Space ---- */

static double *gather(const double *x, size_t dims, const size_t *row, size_t count)
{
    double *out = malloc(count * dims * sizeof *out);
    for (size_t i = 0; out != NULL && i < count; i++) {
        memcpy(out + i * dims, x + row[i] * dims, dims * sizeof *out);
    }
    return out;
}

mewl_status mewl_space_fit(mewl_space *out, const double *x, size_t dims, const size_t *row, size_t count,
                           const size_t *part_dims, size_t parts, mewl_error *err)
{
    *out = (mewl_space){0};
    double *mine = gather(x, dims, row, count);
    if (mine == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu vectors", count);
    }
    mewl_status status = mewl_scaler_fit(&out->scaler, mine, count, dims, err);
    for (size_t part = 0, at = 0; status == MEWL_OK && part < parts; at += part_dims[part++]) {
        for (size_t d = 0; d < part_dims[part]; d++) {
            out->scaler.scale[at + d] *= sqrt((double)part_dims[part]);
        }
    }
    if (status == MEWL_OK) {
        mewl_scaler_apply(&out->scaler, mine, mine, count);
        status = mewl_pca_fit(&out->pca, mine, count, dims, MEWL_SPACE_DIMS, false, err);
    }
    free(mine);
    if (status != MEWL_OK) {
        mewl_space_fini(out);
    }
    return status;
}

mewl_status mewl_space_apply(const mewl_space *space, double *out, const double *x, const size_t *row, size_t count,
                             mewl_error *err)
{
    double *mine = gather(x, space->scaler.dims, row, count);
    if (mine == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for %zu vectors", count);
    }
    mewl_scaler_apply(&space->scaler, mine, mine, count);
    mewl_pca_apply(&space->pca, out, mine, count);
    free(mine);
    return MEWL_OK;
}

void mewl_space_fini(mewl_space *space)
{
    mewl_scaler_fini(&space->scaler);
    mewl_pca_fini(&space->pca);
}

/* ---- Settings ---- */

static const char *const names[] = {"svm-rbf", "svm-linear", "knn", "near", "gmm", "logistic"};

/* Two figures a setting; what they are depends on the head. */
typedef struct setting {
    double a, b;
} setting;

static const setting svm_rbf[] = {{1, 0.3}, {1, 1},     {1, 3},   {10, 0.3}, {10, 1},
                                  {10, 3},  {100, 0.3}, {100, 1}, {100, 3}};
static const setting svm_linear[] = {{0.001, 0}, {0.01, 0}, {0.1, 0}, {1, 0}};
static const setting knn[] = {{1, 0}, {3, 0}, {5, 0}, {9, 0}};
static const setting near[] = {{0.25, 0.3}, {0.5, 0.3}, {1, 0.3}, {0.25, 1}, {0.5, 1}, {1, 1}};
static const setting gmm[] = {{8, 1}, {8, 2}, {16, 1}, {16, 2}};
static const setting logistic[] = {{0.0003, 0}, {0.003, 0}, {0.03, 0}, {0.3, 0}};

static const struct {
    const setting *list;
    size_t count;
} settings[] = {
    {svm_rbf, sizeof svm_rbf / sizeof *svm_rbf},
    {svm_linear, sizeof svm_linear / sizeof *svm_linear},
    {knn, sizeof knn / sizeof *knn},
    {near, sizeof near / sizeof *near},
    {gmm, sizeof gmm / sizeof *gmm},
    {logistic, sizeof logistic / sizeof *logistic},
};

const char *mewl_head_name(mewl_head head)
{
    return (size_t)head < MEWL_HEAD_COUNT ? names[head] : NULL;
}

size_t mewl_head_settings(mewl_head head)
{
    return (size_t)head < MEWL_HEAD_COUNT ? settings[head].count : 0;
}

void mewl_head_setting_name(char *out, size_t size, mewl_head head, size_t index)
{
    const setting s = settings[head].list[index];
    switch (head) { /* formats are literals here, so that the compiler checks them */
    case MEWL_HEAD_SVM_RBF:
        (void)snprintf(out, size, "C %g, gamma %g", s.a, s.b);
        break;
    case MEWL_HEAD_NEAR:
        (void)snprintf(out, size, "bandwidth %g, shares %g", s.a, s.b);
        break;
    case MEWL_HEAD_GMM:
        (void)snprintf(out, size, "dims %g, Gaussians %g", s.a, s.b);
        break;
    case MEWL_HEAD_KNN:
        (void)snprintf(out, size, "k %g", s.a);
        break;
    default:
        (void)snprintf(out, size, "C %g", s.a);
        break;
    }
}

double mewl_head_logistic_c(size_t index)
{
    return index < settings[MEWL_HEAD_LOGISTIC].count ? logistic[index].a : NAN;
}

/* ---- Heads ---- */

/* One call of mewl_head_run, its classes numbered without gaps. */
typedef struct task {
    const double *train, *test;
    const int *labels;
    size_t train_count, test_count, dims, classes;
    double share[K_MAX];
} task;

static void softmax(double *p, size_t count)
{
    double highest = -INFINITY, sum = 0;
    for (size_t k = 0; k < count; k++) {
        highest = fmax(highest, p[k]);
    }
    for (size_t k = 0; k < count; k++) {
        p[k] = exp(p[k] - highest);
        sum += p[k];
    }
    for (size_t k = 0; k < count; k++) {
        p[k] /= sum;
    }
}

static double total_variance(const double *x, size_t count)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        mean += x[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        squares += (x[i] - mean) * (x[i] - mean) / (double)count;
    }
    return squares;
}

static mewl_status run_svm(double *p, const task *t, bool rbf, setting s, mewl_error *err)
{
    mewl_svm svm = {0};
    const double spread = total_variance(t->train, t->train_count * t->dims);
    const mewl_svm_opts opts = {.kernel = rbf ? MEWL_SVM_RBF : MEWL_SVM_LINEAR,
                                .c = s.a,
                                .gamma = rbf && spread > 0 ? s.b / ((double)t->dims * spread) : 0};
    MEWL_TRY(mewl_svm_fit(&svm, t->train, t->labels, t->train_count, t->dims, t->classes, opts, err));
    for (size_t i = 0; i < t->test_count; i++) {
        double decision[K_MAX * (K_MAX - 1) / 2], *own = p + i * t->classes;
        mewl_svm_decision(&svm, decision, t->test + i * t->dims);
        memset(own, 0, t->classes * sizeof *own);
        for (size_t a = 0, pair = 0; a < t->classes; a++) {
            for (size_t b = a + 1; b < t->classes; b++, pair++) {
                const double d = fmax(-1.0, fmin(1.0, decision[pair]));
                own[a] += d;
                own[b] -= d;
            }
        }
        softmax(own, t->classes);
    }
    mewl_svm_fini(&svm);
    return MEWL_OK;
}

static mewl_status run_knn(double *p, const task *t, setting s, mewl_error *err)
{
    mewl_knn found = {0};
    MEWL_TRY(mewl_knn_fit(&found, t->train, t->labels, t->train_count, t->dims, t->classes, MEWL_KNN_COSINE, err));
    for (size_t i = 0; i < t->test_count; i++) {
        double *own = p + i * t->classes;
        mewl_knn_vote(&found, own, t->test + i * t->dims, (size_t)s.a);
        for (size_t k = 0; k < t->classes; k++) { /* half a vote for the shares: nothing is impossible */
            own[k] = (s.a * own[k] + 0.5 * t->share[k]) / (s.a + 0.5);
        }
    }
    mewl_knn_fini(&found);
    return MEWL_OK;
}

/* Votes exp(-(d / h)^2), d the cosine distance: those in the same session, a thousand times nearer than the rest, speak
 * alone; where nobody is near, the shares decide. */
static mewl_status run_near(double *p, const task *t, setting s, mewl_error *err)
{
    mewl_knn found = {0};
    MEWL_TRY(mewl_knn_fit(&found, t->train, t->labels, t->train_count, t->dims, t->classes, MEWL_KNN_COSINE, err));
    double *nearest = malloc(t->train_count * sizeof *nearest);
    if (nearest == NULL) {
        mewl_knn_fini(&found);
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for neighbours");
    }
    for (size_t i = 0; i < t->train_count; i++) {
        nearest[i] = 2;
        (void)mewl_knn_nearest(&found, NULL, &nearest[i], t->train + i * t->dims, 1, i);
    }
    const double h = fmax(1e-6, s.a * mewl_percentile(nearest, t->train_count, 0.5));
    free(nearest);
    for (size_t i = 0; i < t->test_count; i++) {
        size_t index[MEWL_KNN_K_MAX];
        double distance[MEWL_KNN_K_MAX], sum = s.b, *own = p + i * t->classes;
        const size_t count = mewl_knn_nearest(&found, index, distance, t->test + i * t->dims, 16, SIZE_MAX);
        for (size_t k = 0; k < t->classes; k++) {
            own[k] = s.b * t->share[k];
        }
        for (size_t n = 0; n < count; n++) {
            const double vote = exp(-(distance[n] / h) * (distance[n] / h));
            own[t->labels[index[n]]] += vote;
            sum += vote;
        }
        for (size_t k = 0; k < t->classes; k++) {
            own[k] /= sum;
        }
    }
    mewl_knn_fini(&found);
    return MEWL_OK;
}

static mewl_status run_gmm(double *p, const task *t, setting s, mewl_error *err)
{
    const size_t dims = (size_t)s.a < t->dims ? (size_t)s.a : t->dims;
    double *mine = malloc((t->train_count + t->test_count) * dims * sizeof *mine);
    if (mine == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "no memory for mixtures");
    }
    double *asked = mine + t->train_count * dims;
    for (size_t i = 0; i < t->test_count; i++) {
        memcpy(asked + i * dims, t->test + i * t->dims, dims * sizeof *asked);
    }
    mewl_status status = MEWL_OK;
    for (size_t k = 0; status == MEWL_OK && k < t->classes; k++) {
        size_t count = 0;
        mewl_gmm mixture = {0};
        for (size_t i = 0; i < t->train_count; i++) {
            if (t->labels[i] == (int)k) {
                memcpy(mine + count++ * dims, t->train + i * t->dims, dims * sizeof *mine);
            }
        }
        const size_t components = count >= 10 * (size_t)s.b ? (size_t)s.b : 1;
        const mewl_gmm_opts opts = {.components = components,
                                    .covariance = MEWL_GMM_DIAGONAL,
                                    .reg_covar = GMM_REG,
                                    .shrinkage = GMM_SHRINKAGE,
                                    .seed = k + 1};
        status = mewl_gmm_fit(&mixture, mine, count, dims, opts, err);
        for (size_t i = 0; status == MEWL_OK && i < t->test_count; i++) {
            p[i * t->classes + k] = log(t->share[k]) + mewl_gmm_log_likelihood(&mixture, asked + i * dims);
        }
        mewl_gmm_fini(&mixture);
    }
    for (size_t i = 0; status == MEWL_OK && i < t->test_count; i++) {
        softmax(p + i * t->classes, t->classes);
    }
    free(mine);
    return status;
}

static mewl_status run_logistic(double *p, const task *t, setting s, mewl_error *err)
{
    mewl_logistic model = {0};
    MEWL_TRY(mewl_logistic_fit(
        &model, t->train, t->labels, t->train_count, t->dims, t->classes,
        (mewl_logistic_opts){.c = s.a, .tolerance = LOGISTIC_TOLERANCE, .iterations = LOGISTIC_ITERATIONS}, err));
    for (size_t i = 0; i < t->test_count; i++) {
        mewl_logistic_probability(&model, p + i * t->classes, t->test + i * t->dims);
    }
    mewl_logistic_fini(&model);
    return MEWL_OK;
}

static mewl_status run(double *p, mewl_head head, const task *t, setting s, mewl_error *err)
{
    switch (head) {
    case MEWL_HEAD_SVM_RBF:
    case MEWL_HEAD_SVM_LINEAR:
        return run_svm(p, t, head == MEWL_HEAD_SVM_RBF, s, err);
    case MEWL_HEAD_KNN:
        return run_knn(p, t, s, err);
    case MEWL_HEAD_NEAR:
        return run_near(p, t, s, err);
    case MEWL_HEAD_GMM:
        return run_gmm(p, t, s, err);
    default:
        return run_logistic(p, t, s, err);
    }
}

mewl_status mewl_head_run(float *p, mewl_head head, size_t index, const double *train, const int *labels,
                          size_t train_count, const double *test, size_t test_count, size_t dims, size_t classes,
                          mewl_error *err)
{
    size_t seen[K_MAX] = {0}, of[K_MAX] = {0}, back[K_MAX] = {0};
    if ((size_t)head >= MEWL_HEAD_COUNT || index >= settings[head].count || classes < 2 || classes > K_MAX ||
        train_count == 0) {
        return mewl_error_set(err, MEWL_E_ARG, "no such head or setting, or %zu classes", classes);
    }
    task t = {.train = train, .test = test, .train_count = train_count, .test_count = test_count, .dims = dims};
    for (size_t i = 0; i < train_count; i++) {
        if (labels[i] < 0 || (size_t)labels[i] >= classes) {
            return mewl_error_set(err, MEWL_E_ARG, "row %zu has no class", i);
        }
        seen[labels[i]]++;
    }
    for (size_t k = 0; k < classes; k++) {
        if (seen[k] > 0) {
            of[k] = t.classes;
            back[t.classes] = k;
            t.share[t.classes++] = (double)seen[k] / (double)train_count;
        }
    }
    memset(p, 0, test_count * classes * sizeof *p);
    if (t.classes == 1) {
        for (size_t i = 0; i < test_count; i++) {
            p[i * classes + back[0]] = 1;
        }
        return MEWL_OK;
    }
    int *mine = malloc(train_count * sizeof *mine);
    double *own = calloc(test_count * t.classes + 1, sizeof *own);
    mewl_status status = mine != NULL && own != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "no memory");
    for (size_t i = 0; status == MEWL_OK && i < train_count; i++) {
        mine[i] = (int)of[labels[i]];
    }
    t.labels = mine;
    if (status == MEWL_OK) {
        status = run(own, head, &t, settings[head].list[index], err);
    }
    for (size_t i = 0; status == MEWL_OK && i < test_count * t.classes; i++) {
        p[i / t.classes * classes + back[i % t.classes]] = (float)own[i];
    }
    free(mine);
    free(own);
    return status;
}
