/* net_private.h - private to nn/: the inside of a net, shared by net.c (building), net_plan.c, net_run.c and the
 * builders in layers/. */
#ifndef MEWL_NN_NET_PRIVATE_H
#define MEWL_NN_NET_PRIVATE_H

#include "nn/dnnl_door.h"
#include "nn/memory.h"
#include "nn/net.h"
#include "nn/quant.h"

#define MEWL__LAYERS_MAX 4096
#define MEWL__OUTPUTS_MAX 8

/* An activation or gradient with its place in the arena. */
typedef struct mewl__buffer {
    mewl_tensor tensor; /* data is NULL when not needed */
    size_t bytes;
    size_t offset;
    int64_t begin, end; /* steps of the schedule between which its content matters */
    bool used;
} mewl__buffer;

/* What a plan knows of one layer. */
typedef struct mewl__slot {
    mewl_node in[MEWL_LAYER_INPUTS_MAX]; /* after absorption: nodes that hold the input values */
    size_t in_count;
    mewl_node alias;   /* >= 0: this layer is absorbed, its value is that node's */
    bool grad_wanted;  /* d loss / d output is needed */
    bool grad_written; /* while scheduling: somebody contributes to it */
    mewl__buffer out, grad;
    mewl__buffer in_copy[MEWL_LAYER_INPUTS_MAX]; /* input in the layer's layout, when its producer's differs */
    mewl__buffer in_grad[MEWL_LAYER_INPUTS_MAX]; /* dx, when it cannot go straight into the producer's grad */
    bool in_grad_first[MEWL_LAYER_INPUTS_MAX];   /* this contribution is the first to the producer's grad */
    bool in_grad_wanted[MEWL_LAYER_INPUTS_MAX];
    mewl__grid in_grid[MEWL_LAYER_INPUTS_MAX]; /* scale not 0: the copy is rounded to it (quant_train.c) */
    uint8_t *kept[MEWL_LAYER_INPUTS_MAX];      /* in training: which of its elements were not clipped; owned */
    double forward_ms, backward_ms;
} mewl__slot;

typedef struct mewl__output {
    char *name;
    mewl_node node;    /* as built */
    mewl_tensor value; /* plain float32; owned */
    mewl_tensor grad;  /* plain float32; owned; NULL in inference */
} mewl__output;

struct mewl_net {
    mewl_layer **layers;
    mewl_node (*inputs)[MEWL_LAYER_INPUTS_MAX];
    size_t *input_counts;
    size_t layer_count, layer_room;
    int64_t in_channels, in_features;
    mewl_param **params;
    size_t param_count;
    mewl__output outputs[MEWL__OUTPUTS_MAX];
    size_t output_count;
    mewl_status build_status; /* first mistake of a builder */
    mewl_error build_error;
    bool sealed;

    mewl__context *context;
    bool planned, forwarded;
    mewl_net_plan_opts opts;
    mewl__slot *slots;
    char *arena;
    size_t arena_bytes;
    bool weights_changed;
    uint64_t seed, step;
    bool profile;
    mewl_quant_kind quant;
    bool observing;
    struct mewl__fake *fake; /* rounds as its eight-bit form would, or NULL */
};

/* Head of every builder: makes a layer of `ops` named `name` that reads `x`. NULL after a mistake (noted in the net).
 */
mewl_layer *mewl__net_add(mewl_net *net, const mewl_layer_ops *ops, const char *name, const mewl_node *x, size_t count);

/* Notes a builder's mistake and returns -1. */
mewl_node mewl__net_fail(mewl_net *net, mewl_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Same, when `status` is not MEWL_OK with *err filled in; else the layer's node. */
mewl_node mewl__net_done(mewl_net *net, const mewl_layer *layer, mewl_status status, const mewl_error *err);

/* The head of a plan() that wants one plain float32 input. */
void mewl__want_plain(mewl_tensor *in);

/* Mean of a row of `count` numbers and the sum of squared distances from it, in double. */
void mewl__row_moments(double *mean, double *squares, const float *row, int64_t count);

/* Drops the plan and all its memory. */
void mewl__net_unplan(mewl_net *net);

/* Kinds that other kinds recognise when absorbing. */
extern const mewl_layer_ops mewl__batch_norm_ops, mewl__relu_ops, mewl__relu6_ops, mewl__hard_swish_ops,
    mewl__sigmoid_ops, mewl__hard_sigmoid_ops, mewl__tanh_ops;

/* y = scale x + shift of a batch norm that uses its running statistics; false for norms over features. Arrays of its
 * channels. */
bool mewl__batch_norm_affine(const mewl_layer *layer, float *scale, float *shift);

#endif
