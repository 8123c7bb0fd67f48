/* loss.h - losses and their gradients on plain float32 logits: softmax cross-entropy, sigmoid (binary)
 * cross-entropy, distillation, squared error. Pure functions; those with a logarithm are computed in log space and
 * finite for every finite logit.
 */
#ifndef MEWL_NN_LOSS_H
#define MEWL_NN_LOSS_H

#include <stddef.h>
#include <stdint.h>

/* Softmax cross-entropy of (n, classes, positions) logits, element (i, k, p) at (i * classes + k) * positions + p
 * (positions = 1 for clips), against target probabilities of the same form (one-hot, smoothed, mixed).
 * weights: (n, positions), >= 0, 0 leaves the item out; NULL means all 1. Returns scale * sum w_ip * CE_ip / sum w_ip
 * (0 when all weights are 0) and, when dlogits is not NULL, writes its gradient there. */
double mewl_loss_softmax(float *dlogits, const float *logits, const float *targets, const float *weights, size_t n,
                         size_t classes, size_t positions, double scale);

/* Sigmoid cross-entropy of `count` logits against targets in [0, 1]. weights: per element, >= 0, 0 masks; NULL means
 * all 1. Returns scale * sum w * BCE / sum w (0 when all weights are 0) and, when dlogits is not NULL, its gradient. */
double mewl_loss_sigmoid(float *dlogits, const float *logits, const float *targets, const float *weights, size_t count,
                         double scale);

/* What a teacher knows (Hinton, Vinyals and Dean 2015): temperature^2 times the Kullback-Leibler divergence from the
 * teacher's softened classes softmax(teacher / temperature) to those of `logits`, mean over n rows of (n, classes),
 * times scale; its gradient for `logits` is ADDED to dlogits (may be NULL). temperature > 0. As PyTorch's
 * KLDivLoss("batchmean") of log_softmax(logits / T) and softmax(teacher / T), times T^2. 0 for n = 0. */
double mewl_loss_distil(float *dlogits, const float *logits, const float *teacher, size_t n, size_t classes,
                        double temperature, double scale);

/* Mean squared error of `count` figures, times scale (0 when count is 0); writes the gradient where dout is not NULL.
 */
double mewl_loss_squared(float *dout, const float *out, const float *targets, size_t count, double scale);

/* Probabilities: softmax over classes (same form as above), and the logistic function. out may be logits. */
void mewl_softmax(float *out, const float *logits, size_t n, size_t classes, size_t positions);
void mewl_sigmoid(float *out, const float *logits, size_t count);

#endif
