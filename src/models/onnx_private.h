/* onnx_private.h - private to models/: a net on its way into an ONNX graph. */
#ifndef MEWL_MODELS_ONNX_PRIVATE_H
#define MEWL_MODELS_ONNX_PRIVATE_H

#include "models/onnx_graph.h"
#include "nn/view.h"

typedef struct mewl__onnx_walk {
    mewl__onnx *graph;
    const mewl_net *net;
    mewl__onnx_name *values; /* of each layer of the net: the value that is its output */
} mewl__onnx_walk;

/* Turns a layer into nodes whose last output is called `out`; `x` is its first input's value. */
typedef mewl_status (*mewl__onnx_convert)(mewl__onnx_walk *walk, const mewl_layer_view *layer, const char *x,
                                          const char *out, mewl_error *err);

typedef struct mewl__onnx_kind {
    const char *kind; /* of mewl_layer_view; NULL ends a table */
    mewl__onnx_convert convert;
} mewl__onnx_kind;

/* Layers of maps (onnx_layers.c); of sequences, poolings over time, statistics (onnx_sequence.c). */
extern const mewl__onnx_kind mewl__onnx_map_kinds[], mewl__onnx_sequence_kinds[];

/* Value of input `index` of a layer. */
const char *mewl__onnx_value(const mewl__onnx_walk *walk, const mewl_layer_view *layer, size_t index);

/* Parameter `index` of a layer as an initialiser of its own name and shape, or of other dimensions (same elements, same
 * order); returns that name. */
const char *mewl__onnx_param(mewl__onnx_walk *walk, const mewl_layer_view *layer, size_t index);
const char *mewl__onnx_param_as(mewl__onnx_walk *walk, const mewl_layer_view *layer, size_t index, int rank,
                                const int64_t *dims);
#define MEWL__ONNX_PARAM_AS(walk, layer, index, number, ...)                                                           \
    mewl__onnx_param_as(walk, layer, index, number, (const int64_t[]){__VA_ARGS__})

/* (N, C, T, F) to its mean over F, (N, C, T, 1), called `out`; returns `out`, or x when F is 1. */
const char *mewl__onnx_mean_features(mewl__onnx_walk *walk, const char *x, int64_t features, const char *out);

#endif
