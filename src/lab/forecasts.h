/* forecasts.h - clips with a forecast probability for each of several classes, and what such a table is worth:
 * accuracy, balanced accuracy, macro-F1, Cohen's kappa, log-loss, calibration error, confusion matrix, reliability.
 *
 * Pure numbers: no audio, no models. Yes-or-no figures (ROC, recall at a false-alarm rate) are in metrics.h.
 */
#ifndef MEWL_LAB_FORECASTS_H
#define MEWL_LAB_FORECASTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/status.h"
#include "lab/bootstrap.h"

#define MEWL_FORECASTS_CLASSES_MAX 64
#define MEWL_FORECASTS_MAX ((size_t)4000000)
#define MEWL_FORECASTS_BINS 10 /* of equal width, of the calibration error and the reliability diagram */

/* Owns its arrays. A clip may occur more than once (seeds): its group is the same each time. */
typedef struct mewl_forecasts {
    size_t count, classes;
    /* private: grown by add */
    size_t room;
    float *p;      /* (count, classes), rows sum to 1 */
    int *truth;    /* [count], 0 to classes - 1 */
    int *called;   /* [count], the class that is named */
    int *equal;    /* [count], the class that is named when every class is taken for equally likely */
    size_t *group; /* [count], what is resampled together */
} mewl_forecasts;

/* An empty table. MEWL_E_ARG unless 2 <= classes <= MEWL_FORECASTS_CLASSES_MAX. */
mewl_status mewl_forecasts_init(mewl_forecasts *f, size_t classes, mewl_error *err);
void mewl_forecasts_fini(mewl_forecasts *f); /* a zeroed one is fine */

/* Appends a clip. `p` [classes] is copied; called < 0 names the most probable class (the first of equals). MEWL_E_ARG
 * for a probability outside [0, 1], a sum further than 1e-3 from 1, or a truth that is no class. MEWL_E_MEMORY over the
 * ceiling. */
mewl_status mewl_forecasts_add(mewl_forecasts *f, const float *p, int truth, int called, size_t group, mewl_error *err);

/* The same with a second call, of equal priors: the class whose probability stands highest above its share of the
 * training side. That is the decision that balanced accuracy is highest for; `called` is the one for accuracy. Without
 * it the two are the same. */
mewl_status mewl_forecasts_add_equal(mewl_forecasts *f, const float *p, int truth, int called, int equal, size_t group,
                                     mewl_error *err);

typedef enum mewl_class_figure {
    MEWL_FIGURE_ACCURACY,
    MEWL_FIGURE_BALANCED, /* mean over classes of recall; classes that do not occur are left out */
    MEWL_FIGURE_MACRO_F1, /* mean over the classes that occur or are called, as sklearn */
    MEWL_FIGURE_KAPPA,    /* Cohen 1960; NaN when chance agreement is 1 */
    MEWL_FIGURE_LOG_LOSS, /* mean of -ln p(truth), p at least 1e-7 */
    MEWL_FIGURE_ECE,      /* Guo et al. 2017, equation 5: |accuracy - confidence| over bins of max p, by share */
    MEWL_FIGURE_EQUAL,    /* balanced accuracy of the second call */
    MEWL_FIGURE_COUNT
} mewl_class_figure;

/* "accuracy", "balanced_accuracy", "macro_f1", "kappa", "log_loss", "ece", "balanced_equal": members of the JSON.
 * Static storage. */
const char *mewl_class_figure_name(mewl_class_figure figure);

/* All figures under weights (NULL: all 1). NaN where undefined. The calibration error judges p's largest entry against
 * "the most probable class is the truth", whatever was called. */
void mewl_forecasts_figures(double out[MEWL_FIGURE_COUNT], const mewl_forecasts *f, const double *weights);

/* Recall of each class into out[classes]; NaN where a class does not occur. */
void mewl_forecasts_recalls(double *out, const mewl_forecasts *f, const double *weights);

/* The figures with intervals by a bootstrap over groups. MEWL_E_EMPTY without clips. */
mewl_status mewl_forecasts_intervals(mewl_interval out[MEWL_FIGURE_COUNT], const mewl_forecasts *f,
                                     mewl_bootstrap_opts opts, mewl_error *err);

/* Paired differences a - b of every figure on the same clips: row i of both must have the same truth and group, else
 * MEWL_E_SHAPE. An interval without 0 is a difference. */
mewl_status mewl_forecasts_difference(mewl_interval out[MEWL_FIGURE_COUNT], const mewl_forecasts *a,
                                      const mewl_forecasts *b, mewl_bootstrap_opts opts, mewl_error *err);

/* counts[truth * classes + called]. */
void mewl_forecasts_confusion(uint64_t *counts, const mewl_forecasts *f);

/* One member a figure: {"accuracy": {"value", "low", "high"}, ...}, then "items", "groups", "confusion" (rows: truth),
 * "recalls" (null where a class does not occur) and "reliability": [{"confidence", "accuracy", "low", "high",
 * "count"}] (Wilson intervals; empty bins left out). What report.h expects of a row under one split. */
mewl_status mewl_forecasts_json(json_t **out, const mewl_forecasts *f, mewl_bootstrap_opts opts, mewl_error *err);

/* {"accuracy": I, ...} of intervals. */
json_t *mewl_class_figures_json(const mewl_interval figures[MEWL_FIGURE_COUNT]);

#endif
