/* tflite.c - the TensorFlow Lite reader: tensors, buffers and operators out of the flatbuffer, and dequantisation.
 * Field numbers are those of the schema. */
#include "models/tflite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/half.h"
#include "models/flatbuffer.h"

#define MAX_OPCODES 1024u
#define MAX_BUFFERS 16384u
#define MAX_ELEMENTS ((size_t)1 << 31)
#define ARENA_BYTES ((size_t)64 << 20)

struct mewl_tflite {
    uint8_t *bytes;
    size_t size;
    mewl_arena arena;
    const char *description;
    mewl_tflite_tensor *tensors;
    mewl_tflite_op *ops;
    size_t tensor_count, op_count;
    int32_t inputs[MEWL_TFLITE_MAX_IO], outputs[MEWL_TFLITE_MAX_IO];
    size_t input_count, output_count;
};

static mewl_status unsupported(const mewl__fb *w, const char *what, long long figure)
{
    return mewl_error_set(w->err, MEWL_E_UNSUPPORTED, "%s: TFLite file with %s (%lld), which Mewl does not read",
                          w->name, what, figure);
}

static size_t type_bytes(mewl_tflite_type type)
{
    switch (type) {
    case MEWL_TFLITE_U8:
    case MEWL_TFLITE_BOOL:
    case MEWL_TFLITE_I8:
        return 1;
    case MEWL_TFLITE_F16:
    case MEWL_TFLITE_I16:
        return 2;
    case MEWL_TFLITE_F32:
    case MEWL_TFLITE_I32:
        return 4;
    case MEWL_TFLITE_I64:
    case MEWL_TFLITE_COMPLEX64:
        return 8;
    }
    return 0;
}

/* Tensor.quantization: scales and zero points, per tensor or along one dimension. */
static mewl_status read_quantisation(const mewl__fb *w, mewl_tflite_tensor *tensor, const mewl__fb_table_ref *t)
{
    mewl__fb_table_ref q;
    bool present;
    MEWL_TRY(mewl__fb_field_table(w, &q, &present, t, 4));
    if (!present) {
        return MEWL_OK;
    }
    int8_t details;
    mewl__fb_vector scales, zeros;
    int32_t dim;
    MEWL_TRY(mewl__fb_field_i8(w, &details, &q, 4));
    if (details != 0) {
        return unsupported(w, "custom quantisation", details);
    }
    MEWL_TRY(mewl__fb_field_vector(w, &scales, &q, 2, 4, MAX_ELEMENTS));
    MEWL_TRY(mewl__fb_field_vector(w, &zeros, &q, 3, 8, MAX_ELEMENTS));
    MEWL_TRY(mewl__fb_field_i32(w, &dim, &q, 6, 0));
    if (scales.count == 0) {
        return MEWL_OK; /* only ranges: nothing to dequantise with */
    }
    if (scales.count > 1 && (dim < 0 || (size_t)dim >= tensor->ndim || tensor->shape[dim] != scales.count)) {
        return mewl__fb_broken(w, scales.at, "as many scales as fit no dimension");
    }
    if (zeros.count != 0 && zeros.count != scales.count) {
        return mewl__fb_broken(w, zeros.at, "zero points that do not match the scales");
    }
    for (size_t i = 0; i < scales.count; i++) {
        const float scale = mewl__fb_f32(w->bytes + scales.at + 4 * i);
        if (!isfinite(scale) || scale < 0) {
            return mewl__fb_broken(w, scales.at + 4 * i, "a scale that is no positive number");
        }
    }
    tensor->scale_count = scales.count;
    tensor->zero_count = zeros.count;
    tensor->quantised_dim = scales.count > 1 ? (size_t)dim : 0;
    tensor->scales = w->bytes + scales.at;
    tensor->zeros = zeros.count != 0 ? w->bytes + zeros.at : NULL;
    return MEWL_OK;
}

static mewl_status read_shape(const mewl__fb *w, mewl_tflite_tensor *tensor, const mewl__fb_table_ref *t)
{
    mewl__fb_vector dims;
    MEWL_TRY(mewl__fb_field_vector(w, &dims, t, 0, 4, MAX_ELEMENTS));
    if (dims.count > MEWL_TFLITE_MAX_DIMS) {
        return unsupported(w, "a tensor of many dimensions", (long long)dims.count);
    }
    tensor->ndim = dims.count;
    tensor->count = 1;
    for (size_t i = 0; i < dims.count; i++) {
        const int32_t d = mewl__fb_i32(w->bytes + dims.at + 4 * i);
        if (d < 0 || (d > 0 && tensor->count > MAX_ELEMENTS / (size_t)d)) {
            return mewl__fb_broken(w, dims.at + 4 * i, "a tensor of impossible shape");
        }
        tensor->shape[i] = (size_t)d;
        tensor->count *= (size_t)d;
    }
    return MEWL_OK;
}

static mewl_status read_tensor(const mewl__fb *w, mewl_tflite *file, mewl_tflite_tensor *tensor,
                               const mewl__fb_table_ref *t, const mewl__fb_vector *buffers)
{
    int8_t type;
    int32_t buffer;
    size_t sparsity;
    MEWL_TRY(read_shape(w, tensor, t));
    MEWL_TRY(mewl__fb_field_i8(w, &type, t, 1));
    MEWL_TRY(mewl__fb_field_i32(w, &buffer, t, 2, 0));
    MEWL_TRY(mewl__fb_field_string(w, &file->arena, &tensor->name, t, 3, MEWL_TFLITE_MAX_NAME));
    MEWL_TRY(mewl__fb_field(w, &sparsity, t, 6, 4));
    tensor->type = (mewl_tflite_type)type;
    const size_t element = type_bytes(tensor->type);
    if (element == 0) {
        return unsupported(w, "an element type", type);
    }
    if (sparsity != 0) {
        return unsupported(w, "a sparse tensor, buffer", buffer);
    }
    if (buffer < 0 || (size_t)buffer >= buffers->count) {
        return mewl__fb_broken(w, t->at, "a tensor without its buffer");
    }
    mewl__fb_table_ref b;
    mewl__fb_vector data;
    size_t outside;
    MEWL_TRY(mewl__fb_vector_table(w, &b, buffers, (size_t)buffer));
    MEWL_TRY(mewl__fb_field_vector(w, &data, &b, 0, 1, w->size));
    MEWL_TRY(mewl__fb_field(w, &outside, &b, 1, 8));
    if (outside != 0 && mewl__fb_i64(w->bytes + outside) > 1) {
        return unsupported(w, "buffers outside the flatbuffer", mewl__fb_i64(w->bytes + outside));
    }
    if (data.count != 0) {
        if (tensor->count * element != data.count) {
            return mewl__fb_broken(w, data.at, "a buffer of another size than its tensor");
        }
        tensor->data = w->bytes + data.at;
        tensor->bytes = data.count;
    }
    return read_quantisation(w, tensor, t);
}

/* A vector of tensor indices into `out`. -1 (an input left out) only where `optional`. */
static mewl_status read_indices(const mewl__fb *w, int32_t out[MEWL_TFLITE_MAX_IO], size_t *count,
                                const mewl__fb_table_ref *t, size_t index, size_t tensors, bool optional)
{
    mewl__fb_vector v;
    MEWL_TRY(mewl__fb_field_vector(w, &v, t, index, 4, MAX_ELEMENTS));
    if (v.count > MEWL_TFLITE_MAX_IO) {
        return unsupported(w, "an operator of many inputs or outputs", (long long)v.count);
    }
    *count = v.count;
    for (size_t i = 0; i < v.count; i++) {
        out[i] = mewl__fb_i32(w->bytes + v.at + 4 * i);
        if (out[i] < (optional ? -1 : 0) || (out[i] >= 0 && (size_t)out[i] >= tensors)) {
            return mewl__fb_broken(w, v.at + 4 * i, "an index of no tensor");
        }
    }
    return MEWL_OK;
}

/* The options of the three operators that have some that matter here. Field numbers by the schema. */
static mewl_status read_options(const mewl__fb *w, mewl_tflite_op *op, const mewl__fb_table_ref *t)
{
    enum { CONV_OPTIONS = 1, DEPTHWISE_OPTIONS = 2, DENSE_OPTIONS = 8 };
    int8_t kind, padding;
    mewl__fb_table_ref o;
    bool present;
    MEWL_TRY(mewl__fb_field_i8(w, &kind, t, 3));
    MEWL_TRY(mewl__fb_field_table(w, &o, &present, t, 4));
    if (!present || (kind != CONV_OPTIONS && kind != DEPTHWISE_OPTIONS && kind != DENSE_OPTIONS)) {
        return MEWL_OK;
    }
    if (kind == DENSE_OPTIONS) {
        return mewl__fb_field_i8(w, &op->activation, &o, 0);
    }
    const size_t shift = kind == DEPTHWISE_OPTIONS ? 1 : 0; /* depth_multiplier comes between */
    MEWL_TRY(mewl__fb_field_i8(w, &padding, &o, 0));
    MEWL_TRY(mewl__fb_field_i32(w, &op->stride_w, &o, 1, 0));
    MEWL_TRY(mewl__fb_field_i32(w, &op->stride_h, &o, 2, 0));
    MEWL_TRY(mewl__fb_field_i8(w, &op->activation, &o, 3 + shift));
    MEWL_TRY(mewl__fb_field_i32(w, &op->dilation_w, &o, 4 + shift, 1));
    MEWL_TRY(mewl__fb_field_i32(w, &op->dilation_h, &o, 5 + shift, 1));
    if (shift != 0) {
        MEWL_TRY(mewl__fb_field_i32(w, &op->depth_multiplier, &o, 3, 0));
    }
    op->padding_valid = padding != 0;
    if (op->stride_w < 1 || op->stride_h < 1 || op->dilation_w < 1 || op->dilation_h < 1) {
        return mewl__fb_broken(w, o.at, "a convolution without strides");
    }
    return MEWL_OK;
}

static mewl_status read_op(const mewl__fb *w, const mewl_tflite *file, mewl_tflite_op *op, const mewl__fb_table_ref *t,
                           const mewl__fb_vector *codes)
{
    int32_t index, wide;
    int8_t narrow;
    mewl__fb_table_ref code;
    MEWL_TRY(mewl__fb_field_i32(w, &index, t, 0, 0));
    if (index < 0 || (size_t)index >= codes->count) {
        return mewl__fb_broken(w, t->at, "an operator without its code");
    }
    MEWL_TRY(mewl__fb_vector_table(w, &code, codes, (size_t)index));
    MEWL_TRY(mewl__fb_field_i8(w, &narrow, &code, 0)); /* codes up to 127; larger ones live in a later field alone */
    MEWL_TRY(mewl__fb_field_i32(w, &wide, &code, 3, 0));
    op->code = narrow > wide ? narrow : wide;
    MEWL_TRY(read_indices(w, op->inputs, &op->input_count, t, 1, file->tensor_count, true));
    MEWL_TRY(read_indices(w, op->outputs, &op->output_count, t, 2, file->tensor_count, false));
    return read_options(w, op, t);
}

static mewl_status read_graph(const mewl__fb *w, mewl_tflite *file)
{
    mewl__fb_table_ref root, graph, item;
    mewl__fb_vector codes, graphs, buffers, tensors, ops;
    int32_t version;
    size_t at;
    MEWL_TRY(mewl__fb_follow(w, &at, 0));
    MEWL_TRY(mewl__fb_table(w, &root, at));
    MEWL_TRY(mewl__fb_field_i32(w, &version, &root, 0, 0));
    if (version != 3) {
        return unsupported(w, "another schema version", version);
    }
    MEWL_TRY(mewl__fb_field_vector(w, &codes, &root, 1, 4, MAX_OPCODES));
    MEWL_TRY(mewl__fb_field_vector(w, &graphs, &root, 2, 4, MAX_OPCODES));
    MEWL_TRY(mewl__fb_field_string(w, &file->arena, &file->description, &root, 3, MEWL_TFLITE_MAX_NAME));
    MEWL_TRY(mewl__fb_field_vector(w, &buffers, &root, 4, 4, MAX_BUFFERS));
    if (graphs.count != 1) {
        return unsupported(w, "another number of subgraphs than one", (long long)graphs.count);
    }
    MEWL_TRY(mewl__fb_vector_table(w, &graph, &graphs, 0));
    MEWL_TRY(mewl__fb_field_vector(w, &tensors, &graph, 0, 4, MEWL_TFLITE_MAX_TENSORS));
    MEWL_TRY(mewl__fb_field_vector(w, &ops, &graph, 3, 4, MEWL_TFLITE_MAX_OPS));
    file->tensors = mewl_arena_array(&file->arena, tensors.count, sizeof *file->tensors);
    file->ops = mewl_arena_array(&file->arena, ops.count, sizeof *file->ops);
    if (file->tensors == NULL || file->ops == NULL) {
        return mewl_error_set(w->err, MEWL_E_MEMORY, "%s: out of memory", w->name);
    }
    file->tensor_count = tensors.count;
    for (size_t i = 0; i < tensors.count; i++) {
        MEWL_TRY(mewl__fb_vector_table(w, &item, &tensors, i));
        MEWL_TRY(read_tensor(w, file, &file->tensors[i], &item, &buffers));
    }
    MEWL_TRY(read_indices(w, file->inputs, &file->input_count, &graph, 1, file->tensor_count, false));
    MEWL_TRY(read_indices(w, file->outputs, &file->output_count, &graph, 2, file->tensor_count, false));
    for (size_t i = 0; i < ops.count; i++) {
        MEWL_TRY(mewl__fb_vector_table(w, &item, &ops, i));
        MEWL_TRY(read_op(w, file, &file->ops[i], &item, &codes));
        file->op_count = i + 1;
    }
    return MEWL_OK;
}

bool mewl_tflite_recognise(const void *head, size_t count)
{
    return count >= 8 && memcmp((const char *)head + 4, "TFL3", 4) == 0;
}

/* Takes over `bytes`. */
static mewl_status open_bytes(mewl_tflite **out, uint8_t *bytes, size_t size, const char *name, mewl_error *err)
{
    *out = NULL;
    mewl_status status;
    mewl_tflite *file = NULL;
    if (!mewl_tflite_recognise(bytes, size)) {
        status = mewl_error_set(err, MEWL_E_FORMAT, "%s: no TFLite file: bytes 4 to 7 are not \"TFL3\"", name);
        goto fail_bytes;
    }
    file = calloc(1, sizeof *file);
    if (file == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", name);
        goto fail_bytes;
    }
    file->bytes = bytes;
    file->size = size;
    mewl_arena_init(&file->arena, ARENA_BYTES);
    const mewl__fb w = {bytes, size, name, err};
    status = read_graph(&w, file);
    if (status != MEWL_OK) {
        mewl_tflite_close(file);
        return status;
    }
    *out = file;
    return MEWL_OK;

fail_bytes:
    free(bytes);
    return status;
}

mewl_status mewl_tflite_open(mewl_tflite **out, const char *path, mewl_error *err)
{
    *out = NULL;
    char *bytes;
    size_t size;
    MEWL_TRY(mewl_file_read_all(&bytes, &size, path, MEWL_TFLITE_MAX_BYTES, err));
    return open_bytes(out, (uint8_t *)bytes, size, path, err);
}

mewl_status mewl_tflite_open_memory(mewl_tflite **out, const void *bytes, size_t count, const char *name,
                                    mewl_error *err)
{
    *out = NULL;
    if (count > MEWL_TFLITE_MAX_BYTES) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: %zu bytes are more than is read", name, count);
    }
    uint8_t *copy = malloc(count + 1);
    if (copy == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", name);
    }
    if (count != 0) {
        memcpy(copy, bytes, count);
    }
    return open_bytes(out, copy, count, name, err);
}

void mewl_tflite_close(mewl_tflite *file)
{
    if (file != NULL) {
        mewl_arena_fini(&file->arena);
        free(file->bytes);
        free(file);
    }
}

const char *mewl_tflite_description(const mewl_tflite *file)
{
    return file->description;
}

size_t mewl_tflite_tensor_count(const mewl_tflite *file)
{
    return file->tensor_count;
}

size_t mewl_tflite_op_count(const mewl_tflite *file)
{
    return file->op_count;
}

const mewl_tflite_tensor *mewl_tflite_tensor_at(const mewl_tflite *file, size_t index)
{
    return index < file->tensor_count ? &file->tensors[index] : NULL;
}

const mewl_tflite_op *mewl_tflite_op_at(const mewl_tflite *file, size_t index)
{
    return index < file->op_count ? &file->ops[index] : NULL;
}

const int32_t *mewl_tflite_inputs(const mewl_tflite *file, size_t *count)
{
    *count = file->input_count;
    return file->inputs;
}

const int32_t *mewl_tflite_outputs(const mewl_tflite *file, size_t *count)
{
    *count = file->output_count;
    return file->outputs;
}

static double load_number(const mewl_tflite_tensor *tensor, size_t index)
{
    const uint8_t *p = tensor->data + index * type_bytes(tensor->type);
    switch (tensor->type) {
    case MEWL_TFLITE_F32:
        return (double)mewl__fb_f32(p);
    case MEWL_TFLITE_F16:
        return (double)mewl_half_to_float(mewl__fb_u16(p));
    case MEWL_TFLITE_I32:
        return mewl__fb_i32(p);
    case MEWL_TFLITE_I64:
        return (double)mewl__fb_i64(p);
    case MEWL_TFLITE_I16:
        return (int16_t)mewl__fb_u16(p);
    case MEWL_TFLITE_I8:
        return (int8_t)*p;
    case MEWL_TFLITE_U8:
    case MEWL_TFLITE_BOOL:
        return *p;
    case MEWL_TFLITE_COMPLEX64:
        break;
    }
    return 0;
}

mewl_status mewl_tflite_read_f32(const mewl_tflite *file, float *out, size_t index, size_t count, mewl_error *err)
{
    const mewl_tflite_tensor *tensor = mewl_tflite_tensor_at(file, index);
    if (tensor == NULL || tensor->data == NULL) {
        return mewl_error_set(err, MEWL_E_ARG, "TFLite tensor %zu has no constant content", index);
    }
    if (tensor->type == MEWL_TFLITE_COMPLEX64) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "TFLite tensor %zu is complex", index);
    }
    if (tensor->count != count) {
        return mewl_error_set(err, MEWL_E_SHAPE, "TFLite tensor %zu has %zu elements where %zu are expected", index,
                              tensor->count, count);
    }
    const bool real = tensor->type == MEWL_TFLITE_F32 || tensor->type == MEWL_TFLITE_F16;
    size_t inner = 1; /* elements that share a channel in a row */
    for (size_t d = tensor->quantised_dim + 1; d < tensor->ndim; d++) {
        inner *= tensor->shape[d];
    }
    for (size_t i = 0; i < count; i++) {
        double value = load_number(tensor, i);
        if (!real && tensor->scale_count != 0) {
            const size_t channel = tensor->scale_count > 1 ? i / inner % tensor->scale_count : 0;
            const double zero = tensor->zeros != NULL ? (double)mewl__fb_i64(tensor->zeros + 8 * channel) : 0;
            value = (value - zero) * (double)mewl__fb_f32(tensor->scales + 4 * channel);
        }
        out[i] = (float)value;
    }
    return MEWL_OK;
}
