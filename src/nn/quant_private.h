/* quant_private.h - private to nn/: what a layer knows of its eight bits, and how a range is chosen. */
#ifndef MEWL_NN_QUANT_PRIVATE_H
#define MEWL_NN_QUANT_PRIVATE_H

#include "nn/checkpoint.h"
#include "nn/eight.h"
#include "nn/quant.h"

#define MEWL__HISTOGRAM_BINS 4096
#define MEWL__SCALE_MIN 1e-30f /* of weights and activations; what a file says must lie between the two */
#define MEWL__SCALE_MAX 1e30f

/* Magnitudes seen: bin b holds |x| from b to b + 1 times top / BINS. top is a power of two (0: only zeros so far), so
 * that doubling it merges pairs of bins exactly and the counts do not depend on the order of what was seen. */
typedef struct mewl__histogram {
    uint64_t count[MEWL__HISTOGRAM_BINS];
    uint64_t total;
    float top, largest, least; /* least: the smallest value, signed */
    bool broken;               /* a value was not finite */
} mewl__histogram;

/* One layer. */
typedef struct mewl__eight {
    float *scale; /* of params[0], one for each output channel; NULL: weights in floating point */
    mewl__grid grid;
    mewl__histogram *seen; /* while observing */
} mewl__eight;

/* What a net that rounds in training needs (quant_train.c). */
typedef struct mewl__fake {
    float **rounded;                         /* [layers] what is read instead of params[0], or NULL */
    mewl__grid (*in)[MEWL_LAYER_INPUTS_MAX]; /* [layers] what each input is rounded to; scale 0: it is not */
} mewl__fake;

/* NULL is accepted. */
void mewl__eight_free(mewl__eight *eight);

/* The layer's record, made empty when there is none. NULL when out of memory. */
mewl__eight *mewl__eight_of(mewl_layer *layer);

/* The layer's flags MEWL_LAYER_EIGHT_*. */
unsigned mewl__eight_flags(const mewl_layer *layer);

/* For plan() of a layer that can compute on eight bits: when an input has them and all inputs and the output have a
 * grid, makes `count` inputs and `out` (but for its shape) so and returns true. */
bool mewl__want_eight(const mewl_plan *plan, mewl_tensor *in, size_t count, mewl_tensor *out);

/* Makes those of the inputs that have eight bits floating point, as the plan computes. */
void mewl__want_float(const mewl_plan *plan, mewl_tensor *in, size_t count);

/* Makes *x an activation on `grid`; its shape stays. */
void mewl__on_grid(mewl_tensor *x, mewl__grid grid);

/* Whole numbers behind params[0] of a layer with scales, into `out` of as many elements. */
void mewl__eight_weights(int8_t *out, const mewl_layer *layer);

/* Sets the scales of params[0], each channel's largest magnitude 127, and writes what the eight bits mean to `out`
 * (which may be the parameter itself). */
void mewl__eight_round(float *out, mewl_layer *layer);

/* The head of every quantisation: checks, fills in *opts, makes room for scales and turns what was observed into grids.
 */
mewl_status mewl__quant_prepare(mewl_net *net, mewl_quant_opts *opts, mewl_error *err);

/* Ends rounding in training; the parameters stay. Nothing where there is none. */
void mewl__fake_free(mewl_net *net);

/* Rounds the weights anew; puts them in the parameters' place, and back. All three of a net without rounding: nothing.
 */
void mewl__fake_weights(mewl_net *net);
void mewl__fake_swap(mewl_net *net);

/* Rounds a float32 map to `grid` and notes which elements were not clipped: kept [stored elements], or NULL. Then, for
 * those that were, takes the gradient away. */
void mewl__fake_input(mewl_tensor *x, mewl__grid grid, uint8_t *kept);
void mewl__fake_gradient(mewl_tensor *dx, const uint8_t *kept);

/* Adds a map of any layout, float32. */
void mewl__histogram_add(mewl__histogram *h, const mewl_tensor *x);

/* The grid for what was seen. Scale 1 when only zeros were. */
mewl__grid mewl__histogram_grid(const mewl__histogram *h, mewl_quant_opts opts);

/* Forgets everything: the net is an ordinary one. */
void mewl__net_unquantise(mewl_net *net);

/* A quantised net's part of a checkpoint: metadata, and the weights of `layer` when it has scales. */
mewl_status mewl__quant_put_kind(mewl_checkpoint *checkpoint, const mewl_net *net, mewl_error *err);
mewl_status mewl__quant_put_weights(mewl_checkpoint *checkpoint, const mewl_layer *layer, mewl_error *err);

/* Kind and activations from the metadata; MEWL_OK and nothing done where there are none. */
mewl_status mewl__quant_get_kind(const mewl_checkpoint *checkpoint, mewl_net *net, mewl_error *err);

/* *found: the weights of `layer` are there as I8, and were taken with their scales. */
mewl_status mewl__quant_get_weights(const mewl_checkpoint *checkpoint, mewl_net *net, mewl_layer *layer, bool *found,
                                    mewl_error *err);

/* Is `name` the scale of a parameter that the checkpoint holds as I8? */
bool mewl__quant_scale_name(const mewl_checkpoint *checkpoint, const char *name);

#endif
