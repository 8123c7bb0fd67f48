/* heads.h - classical classifiers on vectors, each with the few settings that are worth trying, behind one face. On the
 * embedding of a network they are what the literature calls CNN-SVM and GMM-CNN hybrids.
 *
 *   head           settings tried
 *   svm-rbf        C 1, 10, 100; gamma 0.3, 1, 3 times 1 / (dims x variance)
 *   svm-linear     C 0.001, 0.01, 0.1, 1
 *   knn            1, 3, 5, 9 nearest by cosine
 *   near           every training vector votes by its nearness: cosine over a bandwidth that is 0.25, 0.5, 1 times the
 *                  median distance to the nearest other; beside votes for the classes' own shares, weighing 0.3 or 1
 *   gmm            8 or 16 components of the PCA; 1 or 2 Gaussians (diagonal) a class
 *   logistic       c 0.0003, 0.003, 0.03, 0.3
 *
 * A space (scaling and PCA) is learned on the training side and shared by the heads. Which setting is used is chosen
 * elsewhere, inside the training side (reasons.h).
 */
#ifndef MEWL_LAB_HEADS_H
#define MEWL_LAB_HEADS_H

#include <stddef.h>

#include "base/status.h"
#include "learn/pca.h"
#include "learn/scaler.h"

#define MEWL_HEAD_CLASSES_MAX 16
#define MEWL_HEAD_SETTINGS_MAX 12
#define MEWL_SPACE_DIMS 64 /* components kept */
#define MEWL_SPACE_PARTS_MAX 8

/* ---- Space ---- */

/* Zero-initialised is empty. */
typedef struct mewl_space {
    mewl_scaler scaler;
    mewl_pca pca;
} mewl_space;

/* Learns from `count` rows of x (all, dims): those in `row`. Vectors of several systems side by side are `parts` parts
 * of part_dims[] numbers; each part weighs the same, whatever its size. */
mewl_status mewl_space_fit(mewl_space *out, const double *x, size_t dims, const size_t *row, size_t count,
                           const size_t *part_dims, size_t parts, mewl_error *err);

/* out (count, space->pca.components): the rows of x in `row`, in the space. */
mewl_status mewl_space_apply(const mewl_space *space, double *out, const double *x, const size_t *row, size_t count,
                             mewl_error *err);
void mewl_space_fini(mewl_space *space);

/* ---- Heads ---- */

typedef enum mewl_head {
    MEWL_HEAD_SVM_RBF,
    MEWL_HEAD_SVM_LINEAR,
    MEWL_HEAD_KNN,
    MEWL_HEAD_NEAR,
    MEWL_HEAD_GMM,
    MEWL_HEAD_LOGISTIC,
    MEWL_HEAD_COUNT
} mewl_head;

/* "svm-rbf" ...; NULL outside the enum. */
const char *mewl_head_name(mewl_head head);

/* How many settings there are, and what one is called ("C 10, gamma 1"); at most `size` bytes. */
size_t mewl_head_settings(mewl_head head);
void mewl_head_setting_name(char *out, size_t size, mewl_head head, size_t setting);

/* The c of a setting of MEWL_HEAD_LOGISTIC. */
double mewl_head_logistic_c(size_t setting);

/* Learns from train (train_count, dims) with labels 0 .. classes - 1 and says p (test_count, classes) of test: rows
 * that sum to 1, under the mix of classes of the training side. A class that does not occur in training gets 0. Support
 * vector machines give the softmax of their summed pairwise decisions: an order, to be calibrated. MEWL_E_ARG, and the
 * errors of learn/. */
mewl_status mewl_head_run(float *p, mewl_head head, size_t setting, const double *train, const int *labels,
                          size_t train_count, const double *test, size_t test_count, size_t dims, size_t classes,
                          mewl_error *err);

#endif
