/* onnx_graph.h - private to models/: an ONNX model (opset 13) built node by node and written to a file. Knows protocol
 * buffers and ONNX's messages; what a layer becomes is onnx_layers.c's and onnx_sequence.c's.
 *
 * Calls never fail half way: a failure (memory, too many) is remembered and told by mewl__onnx_write. Weights are not
 * copied but for those given away; they must live until the file is written.
 */
#ifndef MEWL_MODELS_ONNX_GRAPH_H
#define MEWL_MODELS_ONNX_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define MEWL__ONNX_OPSET 13
#define MEWL__ONNX_IR 7
#define MEWL__ONNX_INPUTS_MAX 8

typedef struct mewl__onnx mewl__onnx;

/* Name of a value: of a node's output, an initialiser, an input. */
typedef struct mewl__onnx_name {
    char text[192];
} mewl__onnx_name;
mewl__onnx_name mewl__onnx_name_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An attribute of a node. `ints` when count is not 0; else the integer, or the float, or the text. */
typedef struct mewl__onnx_attr {
    const char *name; /* NULL ends a list */
    enum { MEWL__ONNX_INT, MEWL__ONNX_FLOAT, MEWL__ONNX_TEXT, MEWL__ONNX_INTS } kind;
    int64_t i;
    float f;
    const char *text;
    const int64_t *ints;
    size_t count;
} mewl__onnx_attr;

#define MEWL__ONNX_I(label, value)                                                                                     \
    (mewl__onnx_attr)                                                                                                  \
    {                                                                                                                  \
        .name = label, .kind = MEWL__ONNX_INT, .i = value                                                              \
    }
#define MEWL__ONNX_F(label, value)                                                                                     \
    (mewl__onnx_attr)                                                                                                  \
    {                                                                                                                  \
        .name = label, .kind = MEWL__ONNX_FLOAT, .f = value                                                            \
    }
#define MEWL__ONNX_T(label, value)                                                                                     \
    (mewl__onnx_attr)                                                                                                  \
    {                                                                                                                  \
        .name = label, .kind = MEWL__ONNX_TEXT, .text = value                                                          \
    }
#define MEWL__ONNX_L(label, number, ...)                                                                               \
    (mewl__onnx_attr)                                                                                                  \
    {                                                                                                                  \
        .name = label, .kind = MEWL__ONNX_INTS, .ints = (const int64_t[]){__VA_ARGS__}, .count = number                \
    }

/* NULL when out of memory. */
mewl__onnx *mewl__onnx_new(void);
void mewl__onnx_free(mewl__onnx *graph);

/* A node `op` called after its first output. `inputs` and `outputs` end with NULL ("" leaves an optional one out),
 * `attrs` with a NULL name (or is NULL). */
void mewl__onnx_node(mewl__onnx *graph, const char *op, const char *const *outputs, const char *const *inputs,
                     const mewl__onnx_attr *attrs);

/* The same with one output, whose name is returned and lives as long as the graph. */
#define MEWL__ONNX_IN(...)                                                                                             \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }
#define MEWL__ONNX_ATTRS(...)                                                                                          \
    (const mewl__onnx_attr[])                                                                                          \
    {                                                                                                                  \
        __VA_ARGS__,                                                                                                   \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
const char *mewl__onnx_op(mewl__onnx *graph, const char *op, const char *output, const char *const *inputs,
                          const mewl__onnx_attr *attrs);

/* Initialisers. float32 of `rank` dims, borrowed, or owned: to be freed with the graph. Whole numbers and one real
 * number get a name by their value and are kept once; the name lives as long as the graph. */
void mewl__onnx_weights(mewl__onnx *graph, const char *name, const float *data, int rank, const int64_t *dims,
                        bool owned);
const char *mewl__onnx_ints(mewl__onnx *graph, size_t count, const int64_t *ints);
const char *mewl__onnx_real(mewl__onnx *graph, double value);
#define MEWL__ONNX_INTS_OF(graph, number, ...) mewl__onnx_ints(graph, number, (const int64_t[]){__VA_ARGS__})

/* The model's inputs and outputs, float32. A dimension below 0 is free and called by its letter: -'N', -'T'. */
void mewl__onnx_input(mewl__onnx *graph, const char *name, int rank, const int64_t *dims);
void mewl__onnx_output(mewl__onnx *graph, const char *name, int rank, const int64_t *dims);

/* A text of the model's metadata; and what the model is for. */
void mewl__onnx_note(mewl__onnx *graph, const char *key, const char *text);
void mewl__onnx_describe(mewl__onnx *graph, const char *text);

/* The whole model, atomically. MEWL_E_MEMORY (also for more than the 2 GiB that a protocol buffer may have), MEWL_E_IO.
 */
mewl_status mewl__onnx_write(mewl__onnx *graph, const char *path, mewl_error *err);

#endif
