/* quant.h - eight-bit inference of a net: observing ranges, choosing scales, and what a net then is.
 *
 * Static (Jacob et al. 2018): weights of convolutions and linear layers are signed, symmetric, one scale for each
 * output channel (largest magnitude = 127); activations have one scale a tensor, unsigned where no value was negative
 * (after a ReLU), else signed and symmetric, from the ranges seen on calibration sounds. Batch norm and activation are
 * folded into the convolution as in float inference, the result is requantised there. A convolution on one channel
 * (the first), everything without an eight-bit form and every output stay in float32, with a conversion between.
 *
 * Dynamic (PyTorch's quantize_dynamic, used by InfantCryNet): only linear layers' weights have eight bits; each
 * vector they read is quantised anew in each call, by its largest magnitude.
 *
 * After quantising, parameters hold what the eight bits mean (whole number x scale), so that float inference of the
 * same net shows the loss of the weights alone; a checkpoint of the net stores the eight bits and the scales. Such a
 * net is not trained further: mewl_net_plan refuses training with MEWL_E_UNSUPPORTED.
 */
#ifndef MEWL_NN_QUANT_H
#define MEWL_NN_QUANT_H

#include "nn/net.h"

typedef enum mewl_quant_kind {
    MEWL_QUANT_NONE,
    MEWL_QUANT_DYNAMIC,
    MEWL_QUANT_STATIC,
    MEWL_QUANT_COUNT
} mewl_quant_kind;

/* How an activation's range comes from what was observed. */
typedef enum mewl_quant_range {
    MEWL_RANGE_MSE,        /* least mean squared error of the observed values, rounding and clipping together */
    MEWL_RANGE_MINMAX,     /* everything observed fits */
    MEWL_RANGE_PERCENTILE, /* a share of the observed magnitudes fits, the rest is clipped */
    MEWL_RANGE_COUNT
} mewl_quant_range;

typedef struct mewl_quant_opts {
    mewl_quant_kind kind;   /* MEWL_QUANT_DYNAMIC or MEWL_QUANT_STATIC */
    mewl_quant_range range; /* static: of activations */
    double percentile;      /* of MEWL_RANGE_PERCENTILE, 50 to 100; 0 means 99.99 */
} mewl_quant_opts;

/* "none", "dynamic", "static"; "mse", "minmax", "percentile". NULL outside the enum. Static storage. */
const char *mewl_quant_kind_name(mewl_quant_kind kind);
const char *mewl_quant_range_name(mewl_quant_range range);

/* Starts (forgetting what was seen) or ends observing: while on, every forward of a float32 inference plan adds the
 * values of each activation to a histogram of it. What was seen depends on the set of inputs alone, not on their order
 * or batches (as far as the float results do not). Errors: MEWL_E_STATE (not sealed, quantised already), MEWL_E_MEMORY.
 */
mewl_status mewl_net_observe(mewl_net *net, bool on, mewl_error *err);

/* Whether observing is on. */
bool mewl_net_observing(const mewl_net *net);

/* Quantises the net in place and drops its plan. Static needs observations: MEWL_E_STATE without. Errors: MEWL_E_ARG
 * (options), MEWL_E_STATE (quantised already; dynamic after mewl_net_fake_quantise), MEWL_E_FORMAT naming a parameter
 * that is not finite or an activation that was not finite when observed, MEWL_E_MEMORY. After an error other than
 * memory the net is as it was. */
mewl_status mewl_net_quantise(mewl_net *net, mewl_quant_opts opts, mewl_error *err);

/* Quantisation-aware training: from now on the float32 forward, in training and in inference, rounds weights and
 * activations as mewl_net_quantise would with these options (kind is static whatever it says), and gradients pass as
 * if it did not, but for activations beyond their range (straight-through). Parameters keep their full precision.
 * Ranges come from what was observed and stay; so this is for the last passes of a training. mewl_net_quantise then
 * ends it, without observations, in the network that was trained; loading a checkpoint ends it, too. Plans in bf16 are
 * MEWL_E_UNSUPPORTED meanwhile. Errors: those of mewl_net_quantise. */
mewl_status mewl_net_fake_quantise(mewl_net *net, mewl_quant_opts opts, mewl_error *err);

/* Whether the net is in that training. */
bool mewl_net_faking(const mewl_net *net);

/* What the net is now. */
mewl_quant_kind mewl_net_quantised(const mewl_net *net);

/* Number of layers whose weights have eight bits, and of activations that are eight-bit in the current plan. */
size_t mewl_net_quant_weights(const mewl_net *net);
size_t mewl_net_quant_activations(const mewl_net *net);

#endif
