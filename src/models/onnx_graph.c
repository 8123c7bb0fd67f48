/* onnx_graph.c - see onnx_graph.h. Field numbers are those of onnx.proto, IR version 7. */
#include "models/onnx_graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "models/proto.h"

#define NODES_BYTES ((size_t)64 << 20)
#define ARRAYS_MAX 16384
#define BYTES_MAX ((uint64_t)INT32_MAX)

enum { TYPE_FLOAT = 1, TYPE_INT64 = 7 }; /* TensorProto.DataType */
enum { ATTR_FLOAT = 1, ATTR_INT = 2, ATTR_STRING = 3, ATTR_INTS = 7 };

/* An initialiser: what comes before its raw data, and the data. */
typedef struct array {
    char *name;
    mewl_buffer head; /* fields of the TensorProto but for raw_data */
    void *data;
    size_t bytes;
    bool owned;
} array;

struct mewl__onnx {
    mewl_buffer nodes, values, notes, about; /* of the graph: nodes; inputs and outputs; of the model: metadata, doc */
    array *arrays;
    size_t count, room;
    mewl_arena names; /* of nodes' outputs */
    bool failed;
};

mewl__onnx_name mewl__onnx_name_of(const char *format, ...)
{
    mewl__onnx_name name;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name.text, sizeof name.text, format, args);
    va_end(args);
    return name;
}

mewl__onnx *mewl__onnx_new(void)
{
    mewl__onnx *g = calloc(1, sizeof *g);
    if (g != NULL) {
        mewl_buffer_init(&g->nodes, NODES_BYTES);
        mewl_buffer_init(&g->values, NODES_BYTES);
        mewl_buffer_init(&g->notes, NODES_BYTES);
        mewl_buffer_init(&g->about, NODES_BYTES);
        mewl_arena_init(&g->names, NODES_BYTES);
    }
    return g;
}

void mewl__onnx_free(mewl__onnx *g)
{
    if (g == NULL) {
        return;
    }
    for (size_t i = 0; i < g->count; i++) {
        free(g->arrays[i].name);
        mewl_buffer_fini(&g->arrays[i].head);
        if (g->arrays[i].owned) {
            free(g->arrays[i].data);
        }
    }
    free(g->arrays);
    mewl_buffer_fini(&g->nodes);
    mewl_buffer_fini(&g->values);
    mewl_buffer_fini(&g->notes);
    mewl_buffer_fini(&g->about);
    mewl_arena_fini(&g->names);
    free(g);
}

/* ---- Nodes ---- */

static void push_attr(mewl_buffer *node, const mewl__onnx_attr *a)
{
    mewl_buffer attr;
    mewl_buffer_init(&attr, NODES_BYTES);
    mewl__proto_text(&attr, 1, a->name);
    switch (a->kind) {
    case MEWL__ONNX_FLOAT:
        mewl__proto_float(&attr, 2, a->f);
        mewl__proto_int(&attr, 20, ATTR_FLOAT);
        break;
    case MEWL__ONNX_TEXT:
        mewl__proto_text(&attr, 4, a->text);
        mewl__proto_int(&attr, 20, ATTR_STRING);
        break;
    case MEWL__ONNX_INTS:
        for (size_t i = 0; i < a->count; i++) {
            mewl__proto_int(&attr, 8, a->ints[i]);
        }
        mewl__proto_int(&attr, 20, ATTR_INTS);
        break;
    default:
        mewl__proto_int(&attr, 3, a->i);
        mewl__proto_int(&attr, 20, ATTR_INT);
        break;
    }
    mewl__proto_message(node, 5, &attr);
    mewl_buffer_fini(&attr);
}

void mewl__onnx_node(mewl__onnx *g, const char *op, const char *const *outputs, const char *const *inputs,
                     const mewl__onnx_attr *attrs)
{
    mewl_buffer node;
    mewl_buffer_init(&node, NODES_BYTES);
    for (; *inputs != NULL; inputs++) {
        mewl__proto_text(&node, 1, *inputs);
    }
    const char *name = outputs[0][0] != '\0' ? outputs[0] : outputs[1];
    for (; *outputs != NULL; outputs++) {
        mewl__proto_text(&node, 2, *outputs);
    }
    mewl__proto_text(&node, 3, name);
    mewl__proto_text(&node, 4, op);
    for (; attrs != NULL && attrs->name != NULL; attrs++) {
        push_attr(&node, attrs);
    }
    mewl__proto_message(&g->nodes, 1, &node);
    mewl_buffer_fini(&node);
}

const char *mewl__onnx_op(mewl__onnx *g, const char *op, const char *output, const char *const *inputs,
                          const mewl__onnx_attr *attrs)
{
    const size_t bytes = strlen(output) + 1;
    char *kept = mewl_arena_alloc(&g->names, bytes);
    mewl__onnx_node(g, op, MEWL__ONNX_IN(output), inputs, attrs);
    if (kept == NULL) {
        g->failed = true;
        return "";
    }
    memcpy(kept, output, bytes);
    return kept;
}

/* ---- Initialisers ---- */

static const array *find_array(const mewl__onnx *g, const char *name)
{
    for (size_t i = 0; i < g->count; i++) {
        if (strcmp(g->arrays[i].name, name) == 0) {
            return &g->arrays[i];
        }
    }
    return NULL;
}

/* Takes over data when owned. */
static const char *add_array(mewl__onnx *g, const char *name, int type, const void *data, size_t bytes, int rank,
                             const int64_t *dims, bool owned)
{
    if (g->count == g->room && g->room < ARRAYS_MAX) {
        const size_t room = g->room == 0 ? 64 : 2 * g->room;
        array *grown = realloc(g->arrays, room * sizeof *grown);
        g->arrays = grown != NULL ? grown : g->arrays;
        g->room = grown != NULL ? room : g->room;
    }
    char *copy = strdup(name);
    if (g->count == g->room || copy == NULL || data == NULL) {
        g->failed = true;
        free(copy);
        if (owned) {
            free((void *)data);
        }
        return "";
    }
    array *a = &g->arrays[g->count++];
    *a = (array){.name = copy, .data = (void *)data, .bytes = bytes, .owned = owned};
    mewl_buffer_init(&a->head, NODES_BYTES);
    for (int i = 0; i < rank; i++) {
        mewl__proto_int(&a->head, 1, dims[i]);
    }
    mewl__proto_int(&a->head, 2, type);
    mewl__proto_text(&a->head, 8, name);
    return copy;
}

void mewl__onnx_weights(mewl__onnx *g, const char *name, const float *data, int rank, const int64_t *dims, bool owned)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        count *= (size_t)dims[i];
    }
    (void)add_array(g, name, TYPE_FLOAT, data, count * sizeof *data, rank, dims, owned);
}

const char *mewl__onnx_ints(mewl__onnx *g, size_t count, const int64_t *ints)
{
    char name[160] = "ints";
    size_t length = strlen(name);
    for (size_t i = 0; i < count && length + 24 < sizeof name; i++) {
        length += (size_t)snprintf(name + length, sizeof name - length, ":%lld", (long long)ints[i]);
    }
    const array *there = find_array(g, name);
    if (there != NULL) {
        return there->name;
    }
    int64_t *copy = malloc(count * sizeof *copy + 1);
    if (copy != NULL && count > 0) {
        memcpy(copy, ints, count * sizeof *copy);
    }
    const int64_t dims[1] = {(int64_t)count};
    return add_array(g, name, TYPE_INT64, copy, count * sizeof *copy, 1, dims, true);
}

const char *mewl__onnx_real(mewl__onnx *g, double value)
{
    char name[64];
    (void)snprintf(name, sizeof name, "real:%.9g", value);
    const array *there = find_array(g, name);
    if (there != NULL) {
        return there->name;
    }
    float *copy = malloc(sizeof *copy);
    if (copy != NULL) {
        *copy = (float)value;
    }
    return add_array(g, name, TYPE_FLOAT, copy, sizeof *copy, 0, NULL, true);
}

/* ---- Inputs, outputs, notes ---- */

static void push_value(mewl__onnx *g, uint32_t field, const char *name, int rank, const int64_t *dims)
{
    mewl_buffer shape, tensor, type, value;
    mewl_buffer *const all[] = {&shape, &tensor, &type, &value};
    for (size_t i = 0; i < 4; i++) {
        mewl_buffer_init(all[i], NODES_BYTES);
    }
    for (int i = 0; i < rank; i++) {
        mewl_buffer dim;
        mewl_buffer_init(&dim, NODES_BYTES);
        if (dims[i] < 0) {
            mewl__proto_bytes(&dim, 2, &(char){(char)-dims[i]}, 1);
        } else {
            mewl__proto_int(&dim, 1, dims[i]);
        }
        mewl__proto_message(&shape, 1, &dim);
        mewl_buffer_fini(&dim);
    }
    mewl__proto_int(&tensor, 1, TYPE_FLOAT);
    mewl__proto_message(&tensor, 2, &shape);
    mewl__proto_message(&type, 1, &tensor);
    mewl__proto_text(&value, 1, name);
    mewl__proto_message(&value, 2, &type);
    mewl__proto_message(&g->values, field, &value);
    for (size_t i = 0; i < 4; i++) {
        mewl_buffer_fini(all[i]);
    }
}

void mewl__onnx_input(mewl__onnx *g, const char *name, int rank, const int64_t *dims)
{
    push_value(g, 11, name, rank, dims);
}

void mewl__onnx_output(mewl__onnx *g, const char *name, int rank, const int64_t *dims)
{
    push_value(g, 12, name, rank, dims);
}

void mewl__onnx_note(mewl__onnx *g, const char *key, const char *text)
{
    mewl_buffer entry;
    mewl_buffer_init(&entry, NODES_BYTES);
    mewl__proto_text(&entry, 1, key);
    mewl__proto_text(&entry, 2, text);
    mewl__proto_message(&g->notes, 14, &entry);
    mewl_buffer_fini(&entry);
}

void mewl__onnx_describe(mewl__onnx *g, const char *text)
{
    mewl__proto_text(&g->about, 6, text);
}

/* ---- Writing ---- */

static uint64_t field_bytes(uint64_t bytes)
{
    uint8_t head[MEWL__PROTO_HEAD_MAX];
    return mewl__proto_head(head, 1, bytes) + bytes;
}

/* Of an initialiser's TensorProto. */
static uint64_t tensor_bytes(const array *a)
{
    return a->head.size + field_bytes(a->bytes);
}

static mewl_status push_field(mewl_file_writer *to, uint32_t field, uint64_t bytes, mewl_error *err)
{
    uint8_t head[MEWL__PROTO_HEAD_MAX];
    return mewl_file_writer_push(to, head, mewl__proto_head(head, field, bytes), err);
}

static mewl_status push_buffer(mewl_file_writer *to, const mewl_buffer *from, mewl_error *err)
{
    return from->size == 0 ? MEWL_OK : mewl_file_writer_push(to, from->data, from->size, err);
}

/* Numbers in a file are little-endian, as are those of every machine Mewl runs on (checkpoints rely on it too). */
static mewl_status push_array(mewl_file_writer *to, const array *a, mewl_error *err)
{
    MEWL_TRY(push_field(to, 5, tensor_bytes(a), err));
    MEWL_TRY(push_buffer(to, &a->head, err));
    MEWL_TRY(push_field(to, 9, a->bytes, err));
    return a->bytes == 0 ? MEWL_OK : mewl_file_writer_push(to, a->data, a->bytes, err);
}

static mewl_status push_all(mewl__onnx *g, mewl_file_writer *to, const mewl_buffer *head, uint64_t graph_bytes,
                            mewl_error *err)
{
    MEWL_TRY(push_buffer(to, head, err));
    MEWL_TRY(push_buffer(to, &g->about, err));
    MEWL_TRY(push_buffer(to, &g->notes, err));
    MEWL_TRY(push_field(to, 7, graph_bytes, err));
    MEWL_TRY(push_buffer(to, &g->nodes, err));
    for (size_t i = 0; i < g->count; i++) {
        MEWL_TRY(push_array(to, &g->arrays[i], err));
    }
    return push_buffer(to, &g->values, err);
}

mewl_status mewl__onnx_write(mewl__onnx *g, const char *path, mewl_error *err)
{
    bool failed = g->failed || g->nodes.failed || g->values.failed || g->notes.failed || g->about.failed;
    mewl_buffer head, opset;
    mewl_buffer_init(&head, NODES_BYTES);
    mewl_buffer_init(&opset, NODES_BYTES);
    mewl__proto_text(&opset, 1, "");
    mewl__proto_int(&opset, 2, MEWL__ONNX_OPSET);
    mewl__proto_int(&head, 1, MEWL__ONNX_IR);
    mewl__proto_text(&head, 2, "mewl");
    mewl__proto_message(&head, 8, &opset);
    mewl__proto_text(&g->nodes, 2, "mewl");
    failed = failed || head.failed || g->nodes.failed;
    uint64_t graph_bytes = g->nodes.size + g->values.size;
    for (size_t i = 0; i < g->count; i++) {
        graph_bytes += field_bytes(tensor_bytes(&g->arrays[i]));
        failed = failed || g->arrays[i].head.failed;
    }
    mewl_file_writer *to = NULL;
    mewl_status status = MEWL_OK;
    if (failed || graph_bytes + g->notes.size + g->about.size + 4096 > BYTES_MAX) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: the graph does not fit into %s", path,
                                failed ? "memory" : "a protocol buffer, which ends at 2 GiB");
    }
    if (status == MEWL_OK) {
        status = mewl_file_writer_open(&to, path, err);
    }
    if (status == MEWL_OK) {
        status = push_all(g, to, &head, graph_bytes, err);
    }
    if (status == MEWL_OK) {
        status = mewl_file_writer_commit(to, err);
    }
    mewl_file_writer_close(to);
    mewl_buffer_fini(&head);
    mewl_buffer_fini(&opset);
    return status;
}
