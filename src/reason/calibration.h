/* calibration.h - probabilities that mean what they say: a map from a classifier's class probabilities to better ones,
 * fitted on items that the classifier was not trained on.
 *
 *   kind              log-odds after the map, up to a constant      figures fitted   fits
 *   temperature       ln p_k / T                                    1                few items
 *   temperature-bias  ln p_k / T + b_k                              1 + K            few items, another mix of classes
 *   dirichlet         sum over j of W_kj ln p_j + b_k               K (K + 1)        many items a class
 *
 * Temperature: Guo et al. 2017. With a bias for each class: Alexandari et al. 2020, there "bias-corrected temperature
 * scaling". Dirichlet: Kull et al. 2019, with their off-diagonal and intercept regularisation. All three minimise the
 * mean logarithmic loss, which is convex, by Newton's method. Pure numbers: no sound, no files.
 */
#ifndef MEWL_REASON_CALIBRATION_H
#define MEWL_REASON_CALIBRATION_H

#include <stddef.h>

#include "base/status.h"

#define MEWL_CALIBRATION_CLASSES_MAX 16
#define MEWL_CALIBRATION_P_MIN 1e-7         /* probabilities are taken to be at least this */
#define MEWL_CALIBRATION_SHARPNESS_MIN 1e-3 /* 1 / T is at least this: a map never turns an order round */

typedef enum mewl_calibration_kind {
    MEWL_CALIBRATION_NONE,
    MEWL_CALIBRATION_TEMPERATURE,
    MEWL_CALIBRATION_TEMPERATURE_BIAS,
    MEWL_CALIBRATION_DIRICHLET,
    MEWL_CALIBRATION_KIND_COUNT
} mewl_calibration_kind;

/* "none", "temperature", "temperature-bias", "dirichlet"; NULL outside the enum. Static storage. */
const char *mewl_calibration_kind_name(mewl_calibration_kind kind);

/* A fitted map, whatever its kind: q = softmax(weight ln p + bias). Plain data: copy it freely. */
typedef struct mewl_calibration {
    mewl_calibration_kind kind;
    size_t classes;
    double weight[MEWL_CALIBRATION_CLASSES_MAX * MEWL_CALIBRATION_CLASSES_MAX]; /* (classes, classes) row-major */
    double bias[MEWL_CALIBRATION_CLASSES_MAX];
} mewl_calibration;

typedef struct mewl_calibration_opts {
    mewl_calibration_kind kind;
    double off_diagonal; /* lambda of Kull et al.: times the mean of the squared off-diagonal weights; dirichlet */
    double intercept;    /* mu: times the mean of the squared biases; dirichlet and temperature-bias */
} mewl_calibration_opts;

/* The map that leaves probabilities as they are. classes 2 to MEWL_CALIBRATION_CLASSES_MAX, else MEWL_E_ARG. */
mewl_status mewl_calibration_init(mewl_calibration *out, size_t classes, mewl_error *err);

/* Fits *out to `count` items: p (count, classes) rows of probabilities, truth[count] their classes, weights[count] how
 * much each counts (NULL: all the same; else >= 0 with a positive sum). A tiny ridge (1e-9) makes what the data leave
 * open unique. MEWL_E_EMPTY without items, MEWL_E_ARG for what is out of range (naming the item), MEWL_E_MEMORY. */
mewl_status mewl_calibration_fit(mewl_calibration *out, const float *p, const int *truth, const double *weights,
                                 size_t count, size_t classes, mewl_calibration_opts opts, mewl_error *err);

/* q (count, classes) from p of the same form; they may be the same array. */
void mewl_calibration_apply(const mewl_calibration *map, float *q, const float *p, size_t count);

/* Mean of -ln p(truth), p at least MEWL_CALIBRATION_P_MIN; weights as in fit. NaN without weight. */
double mewl_calibration_log_loss(const float *p, const int *truth, const double *weights, size_t count, size_t classes);

#endif
