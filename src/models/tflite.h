/* tflite.h - reads a TensorFlow Lite file (a flatbuffer, schema version 3) of one subgraph: its tensors with types and
 * quantisation, its operators with the few options that an audio classifier needs, its buffers.
 *
 * Not an interpreter: nothing is executed. Files come from outside and are hostile: every offset, length and count is
 * checked against the file before it is used, tables are only read forward from the root, and what is read into memory
 * is bounded by the MEWL_TFLITE_MAX_… ceilings. Own work after the published schema (tensorflow/lite/schema/schema.fbs)
 * and the flatbuffers binary format description.
 */
#ifndef MEWL_MODELS_TFLITE_H
#define MEWL_MODELS_TFLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define MEWL_TFLITE_MAX_BYTES (256u << 20) /* of a file */
#define MEWL_TFLITE_MAX_TENSORS 4096u
#define MEWL_TFLITE_MAX_OPS 4096u
#define MEWL_TFLITE_MAX_DIMS 6u
#define MEWL_TFLITE_MAX_NAME 4096u
#define MEWL_TFLITE_MAX_IO 16u /* inputs or outputs of one operator or of the graph */

/* Element types that are read; any other makes the open fail with MEWL_E_UNSUPPORTED. Values as in the schema. */
typedef enum mewl_tflite_type {
    MEWL_TFLITE_F32 = 0,
    MEWL_TFLITE_F16 = 1,
    MEWL_TFLITE_I32 = 2,
    MEWL_TFLITE_U8 = 3,
    MEWL_TFLITE_I64 = 4,
    MEWL_TFLITE_BOOL = 6,
    MEWL_TFLITE_I16 = 7,
    MEWL_TFLITE_COMPLEX64 = 8,
    MEWL_TFLITE_I8 = 9
} mewl_tflite_type;

typedef struct mewl_tflite_tensor {
    const char *name; /* NUL-terminated UTF-8, "" when the file has none */
    mewl_tflite_type type;
    size_t ndim;
    size_t shape[MEWL_TFLITE_MAX_DIMS]; /* each at least 1 for a constant */
    size_t count;                       /* product of shape; 1 for a scalar */
    const uint8_t *data; /* constant content, little-endian, unaligned, in the file's bytes; NULL for an activation */
    size_t bytes;        /* of data; count x size of the type, checked */
    size_t scale_count;  /* 0 not quantised, 1 per tensor, shape[quantised_dim] per channel */
    size_t zero_count;   /* 0 (all zero) or scale_count */
    size_t quantised_dim;
    const uint8_t *scales; /* scale_count little-endian floats, unaligned */
    const uint8_t *zeros;  /* zero_count little-endian int64, unaligned */
} mewl_tflite_tensor;

/* Operator codes of the schema that mewl_tflite_op.code takes; every other code is kept as its number. */
enum {
    MEWL_TFLITE_CONV_2D = 3,
    MEWL_TFLITE_DEPTHWISE_CONV_2D = 4,
    MEWL_TFLITE_FULLY_CONNECTED = 9,
    MEWL_TFLITE_LOGISTIC = 14,
    MEWL_TFLITE_MUL = 18,
    MEWL_TFLITE_RESHAPE = 22,
    MEWL_TFLITE_PAD = 34,
    MEWL_TFLITE_GATHER = 36,
    MEWL_TFLITE_MEAN = 40,
    MEWL_TFLITE_LOG = 73,
    MEWL_TFLITE_COMPLEX_ABS = 131, /* stored as 127 with the extended code */
    MEWL_TFLITE_RFFT2D = 135
};

typedef struct mewl_tflite_op {
    int32_t code;
    size_t input_count, output_count;
    int32_t inputs[MEWL_TFLITE_MAX_IO]; /* tensor index, or -1 for an absent optional input; checked */
    int32_t outputs[MEWL_TFLITE_MAX_IO];
    /* Options of convolutions, depthwise convolutions and fully connected layers; 0 elsewhere. */
    bool padding_valid; /* false: SAME */
    int32_t stride_h, stride_w, dilation_h, dilation_w, depth_multiplier;
    int8_t activation; /* 0 none, 1 ReLU, 2 ReLU -1..1, 3 ReLU6 */
} mewl_tflite_op;

typedef struct mewl_tflite mewl_tflite;

/* Reads and checks a whole file. On success *out is the caller's, to be closed. MEWL_E_IO, MEWL_E_NOT_FOUND,
 * MEWL_E_FORMAT (broken, place and reason in *err), MEWL_E_UNSUPPORTED (several subgraphs, sparse tensors, types or
 * custom quantisation that are not read), MEWL_E_MEMORY. */
mewl_status mewl_tflite_open(mewl_tflite **out, const char *path, mewl_error *err);

/* The same for `count` bytes in memory, which are copied. `name` stands in error sentences. */
mewl_status mewl_tflite_open_memory(mewl_tflite **out, const void *bytes, size_t count, const char *name,
                                    mewl_error *err);
void mewl_tflite_close(mewl_tflite *file);

/* True when the bytes at the head of a file (at least 8) say that it is a TFLite flatbuffer. */
bool mewl_tflite_recognise(const void *head, size_t count);

const char *mewl_tflite_description(const mewl_tflite *file); /* "" when the file has none */
/* Tensors and operators of the one subgraph; the indices below go up to them. */
size_t mewl_tflite_tensor_count(const mewl_tflite *file);
size_t mewl_tflite_op_count(const mewl_tflite *file);
/* Borrowed until close; NULL when the index is out of range. */
const mewl_tflite_tensor *mewl_tflite_tensor_at(const mewl_tflite *file, size_t index);
const mewl_tflite_op *mewl_tflite_op_at(const mewl_tflite *file, size_t index);
/* Tensor indices of the graph's inputs and outputs; *count is at most MEWL_TFLITE_MAX_IO. Borrowed. */
const int32_t *mewl_tflite_inputs(const mewl_tflite *file, size_t *count);
const int32_t *mewl_tflite_outputs(const mewl_tflite *file, size_t *count);

/* Writes the constant tensor `index` as `count` floats in its own order: float32 and float16 as they are, integers
 * (value - zero point) x scale, per channel along quantised_dim, or plain integers when not quantised. MEWL_E_ARG for a
 * wrong index or an activation, MEWL_E_SHAPE when count differs from the tensor's, MEWL_E_UNSUPPORTED for complex. */
mewl_status mewl_tflite_read_f32(const mewl_tflite *file, float *out, size_t index, size_t count, mewl_error *err);

#endif
