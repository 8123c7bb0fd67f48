/* optim.h - optimisers over a net's parameters: SGD with momentum, Adam, AdamW; clipping of the global gradient norm;
 * an exponential moving average of weights.
 *
 * Formulas as PyTorch's torch.optim (1.13): SGD and Adam add decay * weight to the gradient, AdamW shrinks the weight
 * by rate * decay directly (Loshchilov and Hutter 2019). A parameter's `decay` and `rate` factors multiply the
 * options'. Frozen parameters and buffers are left alone. The learning rate is given at each step: schedule.h.
 */
#ifndef MEWL_NN_OPTIM_H
#define MEWL_NN_OPTIM_H

#include "nn/net.h"

typedef enum mewl_optim_kind { MEWL_OPTIM_SGD, MEWL_OPTIM_ADAM, MEWL_OPTIM_ADAMW } mewl_optim_kind;

typedef struct mewl_optim_opts {
    mewl_optim_kind kind;
    double momentum;     /* SGD, 0 to < 1 */
    bool nesterov;       /* SGD */
    double beta1, beta2; /* Adam, AdamW; 0 means 0.9 and 0.999 */
    double eps;          /* Adam, AdamW; 0 means 1e-8 */
    double weight_decay; /* >= 0 */
    double clip_norm;    /* gradients are scaled down to this global L2 norm when above; 0 means no clipping */
} mewl_optim_opts;

typedef struct mewl_optim mewl_optim;

/* State for every trainable parameter of `net`, which must outlive it. Errors: MEWL_E_ARG, MEWL_E_MEMORY. */
mewl_status mewl_optim_new(mewl_optim **optim, mewl_net *net, mewl_optim_opts opts, mewl_error *err);
void mewl_optim_free(mewl_optim *optim);

/* One update from the gradients at hand, which are then zeroed. *grad_norm (may be NULL): global L2 norm before
 * clipping. A gradient that is not finite changes nothing and returns MEWL_E_STATE (gradients zeroed all the same). */
mewl_status mewl_optim_step(mewl_optim *optim, double *grad_norm, double rate, mewl_error *err);

/* Updates made so far. */
uint64_t mewl_optim_steps(const mewl_optim *optim);

/* Moving average of all parameters and buffers: average += (1 - d) (value - average) with
 * d = min(decay, (1 + updates) / (10 + updates)). */
typedef struct mewl_ema mewl_ema;
mewl_status mewl_ema_new(mewl_ema **ema, mewl_net *net, double decay, mewl_error *err);
void mewl_ema_free(mewl_ema *ema);
void mewl_ema_update(mewl_ema *ema);

/* Exchanges the net's values and the averages: once to evaluate or save with the average, once more to go back. While
 * exchanged, update does nothing. */
void mewl_ema_swap(mewl_ema *ema);

#endif
