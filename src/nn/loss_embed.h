/* loss_embed.h - losses that teach embeddings to tell individuals apart, with their gradients: NT-Xent, GE2E in its
 * softmax form, additive angular margin softmax; and the one that teaches them another network's embeddings. Pure
 * functions of plain float32 rows; sums in double.
 *
 * Rows need not have length one: every loss here divides by the length itself (at least 1e-12), gradient included.
 * None allocates beyond `scratch`, of which each says how much it needs.
 */
#ifndef MEWL_NN_LOSS_EMBED_H
#define MEWL_NN_LOSS_EMBED_H

#include <stddef.h>
#include <stdint.h>

/* NT-Xent (Sohn 2016; SimCLR, Chen et al. 2020, equation 1), for any number of positives a row (Khosla et al. 2020,
 * equation 2, which with one positive is SimCLR's): for each of `n` rows of `size` numbers with at least one other row
 * of its `label`, the mean over those positives p of -ln(exp(z_i . z_p / t) / sum over all k but i of exp(z_i . z_k /
 * t)); then the mean over such rows. temperature t > 0. scratch: n * (n + size) + size doubles. Returns the loss (0
 * when no row has a positive) and, when not NULL, writes dx (n, size). */
double mewl_loss_nt_xent(float *dx, const float *x, const int32_t *label, size_t n, size_t size, double temperature,
                         double *scratch);

/* GE2E, softmax form (Wan et al. 2018, equations 5, 6 and 8 to 10): x holds `speakers` groups of `each` rows (speakers
 * >= 2, each >= 2). Similarity of a row to a centroid is w cos + b, its own centroid taken without the row; the loss is
 * the mean over rows of -S_own + ln sum_k exp(S_k). w > 0. scratch: speakers * each * (speakers + 3 * size) + (3 *
 * speakers + 1) * size doubles. dx (speakers, each, size), dw and db may be NULL. */
double mewl_loss_ge2e(float *dx, double *dw, double *db, const float *x, size_t speakers, size_t each, size_t size,
                      double w, double b, double *scratch);

/* How AAM-softmax is set up. */
typedef struct mewl_aam_opts {
    size_t classes; /* individuals in training */
    size_t centres; /* sub-centres of each (Deng et al. 2020): the nearest counts; 0 means 1 */
    double scale;   /* s > 0; usually 30 */
    double margin;  /* m in radians, 0 to 1; usually 0.2 */
} mewl_aam_opts;

/* Additive angular margin softmax (ArcFace, Deng et al. 2019, equation 3; as ECAPA-TDNN is trained): softmax
 * cross-entropy of s cos(angle), the own class's angle enlarged by m. weight (classes * centres, size): rows of a class
 * follow one another. Where the own cosine is below cos(pi - m), it is lowered by m sin(m) instead, so that the loss
 * stays monotonic. label: 0 to classes - 1. dx (n, size) is overwritten, dweight added to; either may be NULL. scratch:
 * n * (classes * centres + size) + (classes * centres + 1) * size doubles. Returns the mean over rows. */
double mewl_loss_aam(float *dx, float *dweight, const float *x, const float *weight, const int32_t *label, size_t n,
                     size_t size, mewl_aam_opts opts, double *scratch);

/* What a teacher says (distillation of embeddings): the mean over rows of weight (1 - cos(x_i, target_i)). Rows whose
 * target is all zeros have no teacher: they count nothing and get no gradient. dx (n, size) is added to; may be NULL.
 * scratch: 3 size doubles. */
double mewl_loss_cosine(float *dx, const float *x, const float *target, size_t n, size_t size, double weight,
                        double *scratch);

#endif
