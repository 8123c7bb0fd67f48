/* loss.c - losses with their gradients, summed in double. */
#include "nn/loss.h"

#include <math.h>
#include <string.h>

static double weight_sum(const float *weights, size_t count)
{
    if (weights == NULL) {
        return (double)count;
    }
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)weights[i];
    }
    return sum;
}

double mewl_loss_softmax(float *dlogits, const float *logits, const float *targets, const float *weights, size_t n,
                         size_t classes, size_t positions, double scale)
{
    double total = weight_sum(weights, n * positions), loss = 0.0;
    if (dlogits != NULL) {
        memset(dlogits, 0, n * classes * positions * sizeof *dlogits);
    }
    for (size_t item = 0; item < n * positions && total > 0.0; item++) {
        double weight = weights != NULL ? (double)weights[item] : 1.0;
        if (weight == 0.0) {
            continue;
        }
        size_t first = item / positions * classes * positions + item % positions;
        double top = -INFINITY, sum = 0.0, mass = 0.0, cross = 0.0;
        for (size_t k = 0; k < classes; k++) {
            top = fmax(top, (double)logits[first + k * positions]);
        }
        for (size_t k = 0; k < classes; k++) {
            sum += exp((double)logits[first + k * positions] - top);
        }
        double log_sum = top + log(sum);
        for (size_t k = 0; k < classes; k++) {
            double target = (double)targets[first + k * positions];
            mass += target;
            cross += target * (log_sum - (double)logits[first + k * positions]);
        }
        loss += weight * cross;
        for (size_t k = 0; k < classes && dlogits != NULL; k++) {
            size_t at = first + k * positions;
            double p = exp((double)logits[at] - log_sum);
            dlogits[at] = (float)(scale * weight / total * (mass * p - (double)targets[at]));
        }
    }
    return total > 0.0 ? scale * loss / total : 0.0;
}

double mewl_loss_sigmoid(float *dlogits, const float *logits, const float *targets, const float *weights, size_t count,
                         double scale)
{
    double total = weight_sum(weights, count), loss = 0.0;
    if (dlogits != NULL) {
        memset(dlogits, 0, count * sizeof *dlogits);
    }
    for (size_t i = 0; i < count && total > 0.0; i++) {
        double weight = weights != NULL ? (double)weights[i] : 1.0, z = (double)logits[i], t = (double)targets[i];
        if (weight == 0.0) {
            continue;
        }
        double e = exp(-fabs(z)); /* max(z, 0) - z t + ln(1 + e^-|z|) */
        loss += weight * ((z > 0.0 ? z : 0.0) - z * t + log1p(e));
        if (dlogits != NULL) {
            double p = z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
            dlogits[i] = (float)(scale * weight / total * (p - t));
        }
    }
    return total > 0.0 ? scale * loss / total : 0.0;
}

/* ln sum exp(z / temperature). */
static double log_sum(const float *logits, size_t classes, double temperature)
{
    double top = -INFINITY, sum = 0.0;
    for (size_t k = 0; k < classes; k++) {
        top = fmax(top, (double)logits[k] / temperature);
    }
    for (size_t k = 0; k < classes; k++) {
        sum += exp((double)logits[k] / temperature - top);
    }
    return top + log(sum);
}

double mewl_loss_distil(float *dlogits, const float *logits, const float *teacher, size_t n, size_t classes,
                        double temperature, double scale)
{
    double loss = 0.0;
    for (size_t i = 0; i < n; i++) {
        const float *z = logits + i * classes, *y = teacher + i * classes;
        double own = log_sum(z, classes, temperature), told = log_sum(y, classes, temperature);
        for (size_t k = 0; k < classes; k++) {
            double ln_p = (double)z[k] / temperature - own, ln_q = (double)y[k] / temperature - told, q = exp(ln_q);
            loss += q > 0.0 ? q * (ln_q - ln_p) : 0.0;
            if (dlogits != NULL) {
                dlogits[i * classes + k] += (float)(scale * temperature / (double)n * (exp(ln_p) - q));
            }
        }
    }
    return n > 0 ? scale * temperature * temperature * loss / (double)n : 0.0;
}

double mewl_loss_squared(float *dout, const float *out, const float *targets, size_t count, double scale)
{
    double loss = 0.0;
    for (size_t i = 0; i < count; i++) {
        double difference = (double)out[i] - (double)targets[i];
        loss += difference * difference;
        if (dout != NULL) {
            dout[i] = (float)(2.0 * scale / (double)count * difference);
        }
    }
    return count > 0 ? scale * loss / (double)count : 0.0;
}

void mewl_softmax(float *out, const float *logits, size_t n, size_t classes, size_t positions)
{
    for (size_t item = 0; item < n * positions; item++) {
        size_t first = item / positions * classes * positions + item % positions;
        double top = -INFINITY, sum = 0.0;
        for (size_t k = 0; k < classes; k++) {
            top = fmax(top, (double)logits[first + k * positions]);
        }
        for (size_t k = 0; k < classes; k++) {
            sum += exp((double)logits[first + k * positions] - top);
        }
        for (size_t k = 0; k < classes; k++) {
            out[first + k * positions] = (float)(exp((double)logits[first + k * positions] - top) / sum);
        }
    }
}

void mewl_sigmoid(float *out, const float *logits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double e = exp(-fabs((double)logits[i]));
        out[i] = (float)(logits[i] >= 0.0f ? 1.0 / (1.0 + e) : e / (1.0 + e));
    }
}
