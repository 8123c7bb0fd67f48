/* reason.c - see reason.h. */
#include "reason/reason.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_LIFT_DEFAULT 2.0

mewl_status mewl_reason_init(mewl_reason *out, size_t classes, size_t dims, mewl_error *err)
{
    *out = (mewl_reason){.classes = classes, .dims = dims, .least_lift = LEAST_LIFT_DEFAULT};
    if (classes < 2 || classes > MEWL_REASON_CLASSES_MAX || dims < 1 || dims > MEWL_REASON_DIMS_MAX) {
        return mewl_error_set(err, MEWL_E_ARG, "a reason model of %zu reasons on %zu numbers: 2 to %d, 1 to %d",
                              classes, dims, MEWL_REASON_CLASSES_MAX, MEWL_REASON_DIMS_MAX);
    }
    MEWL_TRY(mewl_calibration_init(&out->calibration, classes, err));
    out->sets = (mewl_sets){.opts = {.kind = MEWL_SETS_LEAST, .coverage = 0.9}, .classes = classes};
    out->evidence = (mewl_reason_evidence){.balanced = NAN, .low = NAN, .high = NAN, .p = NAN};
    for (size_t k = 0; k < classes; k++) {
        out->share[k] = 1.0 / (double)classes;
        out->sets.threshold[k] = INFINITY;
    }
    out->weight = calloc(classes * dims, sizeof *out->weight);
    return out->weight != NULL ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a reason model");
}

void mewl_reason_fini(mewl_reason *reason)
{
    free(reason->weight);
    *reason = (mewl_reason){0};
}

mewl_status mewl_reason_set_linear(mewl_reason *reason, const mewl_scaler *scaler, const mewl_pca *pca,
                                   const mewl_logistic *logistic, mewl_error *err)
{
    const size_t dims = reason->dims;
    if (scaler->dims != dims || pca->dims != dims || logistic->dims != pca->components ||
        logistic->classes != reason->classes) {
        return mewl_error_set(err, MEWL_E_SHAPE, "scaling, components and regression do not fit together");
    }
    for (size_t k = 0; k < reason->classes; k++) {
        double bias = logistic->bias[k];
        for (size_t d = 0; d < dims; d++) {
            double sum = 0.0;
            for (size_t c = 0; c < pca->components; c++) {
                const double spread = pca->whiten ? sqrt(pca->variance[c]) : 1.0;
                sum += logistic->weight[k * pca->components + c] * pca->direction[c * dims + d] / spread;
            }
            reason->weight[k * dims + d] = (float)(sum / scaler->scale[d]);
            bias -= sum * (pca->mean[d] + scaler->mean[d] / scaler->scale[d]);
        }
        reason->bias[k] = bias;
    }
    return MEWL_OK;
}

bool mewl_reason_proven(const mewl_reason *reason)
{
    return reason->evidence.low > 1.0 / (double)reason->classes; /* false for NaN */
}

static double odds(double p)
{
    const double q = fmin(fmax(p, MEWL_CALIBRATION_P_MIN), 1.0 - MEWL_CALIBRATION_P_MIN);
    return q / (1.0 - q);
}

/* The only class of the set, when all three rules let it be named; else -1. */
static int name_class(const mewl_reason *reason, const mewl_reason_answer *answer)
{
    if (!mewl_reason_proven(reason) || answer->set_size != 1) {
        return -1;
    }
    for (size_t k = 0; k < reason->classes; k++) {
        if (answer->in_set[k]) {
            return odds((double)answer->p[k]) >= reason->least_lift * odds(reason->share[k]) ? (int)k : -1;
        }
    }
    return -1;
}

mewl_status mewl_reason_ask(const mewl_reason *reason, mewl_reason_answer *out, const float *vector, mewl_error *err)
{
    double score[MEWL_REASON_CLASSES_MAX], highest = -INFINITY, sum = 0.0;
    *out = (mewl_reason_answer){.named = -1};
    for (size_t k = 0; k < reason->classes; k++) {
        score[k] = reason->bias[k];
        for (size_t d = 0; d < reason->dims; d++) {
            score[k] += (double)reason->weight[k * reason->dims + d] * (double)vector[d];
        }
        if (!isfinite(score[k])) {
            return mewl_error_set(err, MEWL_E_ARG, "the embedding holds what is no number");
        }
        highest = fmax(highest, score[k]);
    }
    for (size_t k = 0; k < reason->classes; k++) {
        sum += exp(score[k] - highest);
    }
    for (size_t k = 0; k < reason->classes; k++) {
        out->p[k] = (float)(exp(score[k] - highest) / sum);
    }
    mewl_calibration_apply(&reason->calibration, out->p, out->p, 1);
    out->set_size = mewl_sets_apply(&reason->sets, out->in_set, out->p, 1.0);
    out->named = name_class(reason, out);
    return MEWL_OK;
}
