/* view.h - a net as it was built, layer by layer, to be read: for exporters and descriptions. Changes nothing. */
#ifndef MEWL_NN_VIEW_H
#define MEWL_NN_VIEW_H

#include "nn/net.h"

/* One layer. Borrowed from the net, but for the facts. */
typedef struct mewl_layer_view {
    const char *kind, *name; /* "conv2d", "conv_block1.conv1"; the net's input is of kind "input" */
    size_t input_count;
    const mewl_node *inputs; /* indices of the layers whose values it reads */
    size_t param_count;
    mewl_param *const *params;
    int64_t channels, features; /* of its output */
    bool training_only;         /* its value in inference is its input's */
    size_t fact_count;
    mewl_fact facts[MEWL_LAYER_FACTS_MAX]; /* "kernel_t", "eps", ...: the layer's own file says which */
} mewl_layer_view;

/* The layer at `index` in graph order: inputs come before their readers. False past the last. */
bool mewl_net_layer_at(const mewl_net *net, mewl_layer_view *view, size_t index);

/* An output's name (borrowed) and the layer whose value it is. False past the last. */
bool mewl_net_output_at(const mewl_net *net, const char **name, mewl_node *node, size_t index);

/* A fact as a whole number or as it is; 0 when the layer has no such fact. */
int64_t mewl_layer_fact(const mewl_layer_view *view, const char *key);
double mewl_layer_fact_real(const mewl_layer_view *view, const char *key);

#endif
