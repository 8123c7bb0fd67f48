/* layer.h - what a layer kind must provide, and what the net gives it. For files in nn/ that add a layer; those who
 * only build networks need net.h.
 *
 * One `static const mewl_layer_ops` table per kind. A net (net.h) owns its layers and calls them in graph order. Only
 * plan() allocates or fixes a shape; forward and backward run without allocation. To add a layer: one .c in
 * nn/layers/, one builder declaration in net.h, one row in the gradient-check table of tests/nn/test_gradients.c.
 */
#ifndef MEWL_NN_LAYER_H
#define MEWL_NN_LAYER_H

#include "base/rng.h"
#include "nn/tensor.h"

#define MEWL_LAYER_INPUTS_MAX 8
#define MEWL_LAYER_PARAMS_MAX 8

/* A named array that belongs to a layer. */
typedef struct mewl_param {
    char *name;        /* "conv_block2.conv1.weight", unique in the net: the checkpoint's key */
    mewl_tensor value; /* plain float32, owned by the net, allocated when the net is built */
    mewl_tensor grad;  /* same shape; data is NULL until the net is planned for training, and for buffers */
    float decay;       /* factor on the optimiser's weight decay: 1 for weights, 0 for biases and norms */
    float rate;        /* factor on the learning rate, 1 unless changed */
    bool frozen;       /* no gradient is computed and no optimiser touches it */
    bool buffer;       /* running statistics: saved and averaged, never optimised */
    bool keep;         /* initialisation leaves it as its builder made it */
} mewl_param;

typedef struct mewl_layer mewl_layer;
struct mewl__context; /* oneDNN engine, stream and shared scratch memory: dnnl_door.h */

/* How an activation is coded in eight bits: value = scale x whole number, 0 to 255, or -127 to 127 when signed. */
typedef struct mewl__grid {
    float scale; /* 0: not known, the activation stays in floating point */
    bool is_signed;
} mewl__grid;

struct mewl__eight; /* a layer's eight-bit weights and output: quant_private.h */

/* What is being planned for. */
typedef struct mewl_plan {
    bool training;
    mewl_dtype compute;  /* MEWL_DTYPE_F32 or MEWL_DTYPE_BF16: element type of activations */
    mewl_layout blocked; /* the layout this processor's convolutions like best */
    int threads;
    struct mewl__context *context;
    const bool *grad_wanted;   /* per input of this layer: will backward be asked for its dx? */
    bool eight;                /* inference of a net quantised statically */
    bool winograd;             /* 3x3 convolutions of float32 inference by Winograd's algorithm */
    bool dequantise;           /* eight-bit weights are to be used as floats */
    const mewl__grid *in_grid; /* per input: its eight-bit form, where it has one */
    mewl__grid out_grid;       /* the output's */
    bool out_eight;            /* all readers of the output take eight bits */
} mewl_plan;

/* What one forward or backward run needs to know. */
typedef struct mewl_pass {
    bool training;
    uint64_t seed;        /* of dropout: masks depend on (seed, step, layer index, element) alone */
    uint64_t step;        /* counts training forwards */
    bool weights_changed; /* parameters may differ from the last forward: prepare them again */
    int threads;
    struct mewl__context *context;
} mewl_pass;

/* A figure of a layer that neither its parameters nor its shapes show: for whoever describes or exports a net (view.h).
 */
typedef struct mewl_fact {
    const char *key; /* static storage */
    double value;
} mewl_fact;

#define MEWL_LAYER_FACTS_MAX 16

typedef struct mewl_layer_ops {
    const char *kind;   /* "conv2d" */
    size_t size;        /* of the layer's own struct, which starts with a mewl_layer */
    bool training_only; /* does nothing in inference: the net leaves it out */
    unsigned reads;     /* MEWL_LAYER_READS_X, _Y or both, or 0 */

    /* Fixes shapes. `in` holds each input's shape and the dtype and layout its producer gives; the layer may change
     * dtype and layout of an entry to what it would rather have, and the net converts in between. Fills `out` but for
     * its data. Called again with other shapes at any time: everything of an earlier plan is dropped first by
     * unplan(). Errors: MEWL_E_SHAPE when sizes do not fit, MEWL_E_MEMORY, MEWL_E_LIBRARY. */
    mewl_status (*plan)(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count, mewl_tensor *out,
                        mewl_error *err);

    /* y from x. With pass->training, statistics are updated and dropout drops. */
    mewl_status (*forward)(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                           mewl_error *err);

    /* Adds to the gradients of parameters and overwrites dx[i] (skipped where dx[i].data is NULL). x and y are what
     * forward saw, and hold values only as far as `reads` says. dy and dx have dtype and layout of y and x. NULL for
     * kinds without gradient (the input). */
    mewl_status (*backward)(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                            const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err);

    /* May be NULL. Asked before planning, for the one consumer of this layer's output: true when this layer will do
     * `next`'s work too (batch norm folded into a convolution, ReLU as its post-op). `next` is then left out. */
    bool (*absorb)(mewl_layer *layer, const mewl_plan *plan, mewl_layer *next);

    /* Drops what plan and absorb made. May be NULL. */
    void (*unplan)(mewl_layer *layer);

    /* Frees what the builder made besides params. May be NULL. */
    void (*close)(mewl_layer *layer);

    /* Reach along time: kernel, stride, dilation and leading padding in frames; NULL means 1, 1, 1, 0 (pointwise). A
     * kernel of 0 means the whole of time. */
    void (*reach)(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad);

    /* Writes at most MEWL_LAYER_FACTS_MAX figures and returns how many; NULL means none. */
    size_t (*facts)(const mewl_layer *layer, mewl_fact *facts);

    /* What the layer can do in eight bits, MEWL_LAYER_EIGHT_*; NULL means nothing. */
    unsigned (*eight)(const mewl_layer *layer);
} mewl_layer_ops;

/* What backward reads besides dy: decides how long activations are kept. */
enum { MEWL_LAYER_READS_X = 1, MEWL_LAYER_READS_Y = 2 };

/* Reads I8 and U8 activations (channels last; others never see them); has weights (params[0], outputs first) that can
 * be stored in eight bits. */
enum { MEWL_LAYER_EIGHT_READS = 1, MEWL_LAYER_EIGHT_WEIGHTS = 2 };

/* Head of every layer's struct. */
struct mewl_layer {
    const mewl_layer_ops *ops;
    char *name;                                /* "conv_block1.conv1"; never NULL, owned by the net */
    mewl_param *params[MEWL_LAYER_PARAMS_MAX]; /* owned by the net */
    size_t param_count;
    uint32_t index;   /* place in the net */
    int64_t channels; /* of the output, set by the builder: what is needed to shape the next one's parameters */
    int64_t features;
    struct mewl__eight *eight; /* NULL until observed or quantised; owned by the net */
};

/* Gives `layer` a parameter "name.suffix" of `shape`, filled with `fill`. decay 1 or 0 as in mewl_param. Errors:
 * MEWL_E_SHAPE, MEWL_E_MEMORY. Only in builders; at most MEWL_LAYER_PARAMS_MAX a layer. */
mewl_status mewl__layer_param(mewl_layer *layer, const char *suffix, mewl_shape shape, float fill, float decay,
                              bool buffer, mewl_error *err);

#endif
