/* test_onnx.c - exported models, walked by a reader of protocol buffers of our own: every architecture and every
 * pooling gives a graph in which each value has one maker that comes before its readers, only operators of opset 13
 * that are known here, every parameter once, with its very bytes, and inputs and outputs of the right shapes.
 *
 *     test-models-onnx --dump DIR     writes models, ONNX files, inputs and outputs there, for tools/check_onnx.py
 */
#include "base/file.h"
#include "base/npy.h"
#include "models/model.h"
#include "models/onnx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "formula.h"

/* ---- Reading protocol buffers ---- */

typedef struct span {
    const uint8_t *at, *end;
} span;

typedef struct field {
    uint32_t number, wire;
    uint64_t value; /* varint, or the bits of a float */
    span bytes;
} field;

static uint64_t varint(span *s)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        assert_true(s->at < s->end);
        value |= shift < 64 ? (uint64_t)(*s->at & 0x7f) << shift : 0;
        if ((*s->at++ & 0x80) == 0) {
            return value;
        }
    }
    fail_msg("a varint of more than ten bytes");
    return 0;
}

static bool next(span *s, field *f)
{
    if (s->at == s->end) {
        return false;
    }
    const uint64_t head = varint(s);
    *f = (field){.number = (uint32_t)(head >> 3), .wire = (uint32_t)(head & 7)};
    if (f->wire == 0) {
        f->value = varint(s);
    } else if (f->wire == 5) {
        assert_true(s->end - s->at >= 4);
        memcpy(&f->value, s->at, 4);
        s->at += 4;
    } else {
        assert_int_equal(f->wire, 2);
        f->value = varint(s);
        assert_true(f->value <= (uint64_t)(s->end - s->at));
        f->bytes = (span){s->at, s->at + f->value};
        s->at += f->value;
    }
    return true;
}

typedef struct name {
    char text[200];
} name;

static name text_of(span s)
{
    name n = {{0}};
    assert_true((size_t)(s.end - s.at) < sizeof n.text);
    memcpy(n.text, s.at, (size_t)(s.end - s.at));
    return n;
}

/* ---- The graph ---- */

#define VALUES_MAX 4096

typedef struct graph {
    name made[VALUES_MAX]; /* inputs, initialisers, outputs of nodes so far */
    size_t made_count;
    mewl_net *net;
    size_t params_found;
    bool has_logits, has_frames, has_embedding;
} graph;

static bool is_made(const graph *g, const char *value)
{
    for (size_t i = 0; i < g->made_count; i++) {
        if (strcmp(g->made[i].text, value) == 0) {
            return true;
        }
    }
    return false;
}

static void make(graph *g, name value)
{
    if (is_made(g, value.text)) {
        fail_msg("%s is made twice", value.text);
    }
    assert_true(g->made_count < VALUES_MAX);
    g->made[g->made_count++] = value;
}

static bool known_op(const char *op)
{
    static const char *const ops[] = {"Abs",       "Add",       "AveragePool", "BatchNormalization",
                                      "Cast",      "Clip",      "Concat",      "Conv",
                                      "Div",       "Expand",    "HardSigmoid", "LSTM",
                                      "Less",      "Log",       "MatMul",      "Max",
                                      "MaxPool",   "Mul",       "Neg",         "Pad",
                                      "ReduceL2",  "ReduceMax", "ReduceMean",  "ReduceSum",
                                      "Relu",      "Reshape",   "Shape",       "Sigmoid",
                                      "Slice",     "Softmax",   "Split",       "Sqrt",
                                      "Squeeze",   "Sub",       "Tanh",        "Transpose",
                                      "Unsqueeze", "Where"};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (strcmp(ops[i], op) == 0) {
            return true;
        }
    }
    return false;
}

static void read_initialiser(graph *g, span s)
{
    field f;
    int64_t elements = 1, type = 0;
    name called = {{0}};
    span raw = {0};
    while (next(&s, &f)) {
        elements *= f.number == 1 ? (int64_t)f.value : 1;
        type = f.number == 2 ? (int64_t)f.value : type;
        called = f.number == 8 ? text_of(f.bytes) : called;
        raw = f.number == 9 ? f.bytes : raw;
    }
    assert_true(type == 1 || type == 7);
    assert_int_equal(raw.end - raw.at, elements * (type == 1 ? 4 : 8));
    make(g, called);
    const mewl_param *param = mewl_net_param(g->net, called.text);
    if (param != NULL) {
        assert_int_equal(elements, mewl_shape_count(param->value.shape));
        assert_memory_equal(raw.at, param->value.data, (size_t)elements * sizeof(float));
        g->params_found++;
    }
}

static void read_node(graph *g, span s)
{
    field f;
    name op = {{0}}, outputs[4];
    size_t count = 0, inputs = 0;
    while (next(&s, &f)) {
        if (f.number == 1) {
            const name input = text_of(f.bytes);
            if (input.text[0] != '\0' && !is_made(g, input.text)) {
                fail_msg("a node reads %s, which nothing made before it", input.text);
            }
            inputs++;
        } else if (f.number == 2) {
            assert_true(count < 4);
            outputs[count++] = text_of(f.bytes);
        } else if (f.number == 4) {
            op = text_of(f.bytes);
        }
    }
    if (!known_op(op.text) || inputs == 0 || count == 0) {
        fail_msg("a node %s of %zu inputs and %zu outputs", op.text, inputs, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (outputs[i].text[0] != '\0') {
            make(g, outputs[i]);
        }
    }
}

/* Name and dimensions of a ValueInfoProto; a free one is 0. */
static name read_value(span s, int64_t dims[4], int *rank)
{
    field f, t, e, d;
    name called = {{0}};
    *rank = 0;
    while (next(&s, &f)) {
        called = f.number == 1 ? text_of(f.bytes) : called;
        while (f.number == 2 && next(&f.bytes, &t)) { /* tensor_type */
            while (next(&t.bytes, &e)) {
                while (e.number == 2 && next(&e.bytes, &d)) { /* shape */
                    field one;
                    assert_true(*rank < 4);
                    assert_true(next(&d.bytes, &one));
                    dims[(*rank)++] = one.number == 1 ? (int64_t)one.value : 0;
                }
            }
        }
    }
    return called;
}

static void check_output(graph *g, const mewl_model *model, span s)
{
    int64_t dims[4];
    int rank;
    const name called = read_value(s, dims, &rank);
    const mewl_model_config *c = mewl_model_configuration(model);
    assert_true(is_made(g, called.text));
    assert_int_equal(dims[0], 0);
    if (strcmp(called.text, "logits") == 0) {
        assert_int_equal(rank, 2);
        assert_int_equal(dims[1], c->classes);
        g->has_logits = true;
    } else if (strcmp(called.text, "frame_logits") == 0) {
        assert_int_equal(rank, 3);
        assert_int_equal(dims[2], c->classes);
        g->has_frames = true;
    } else {
        assert_string_equal(called.text, "embedding");
        assert_int_equal(rank, 2);
        assert_int_equal(dims[1], mewl_model_embedding_size(model));
        g->has_embedding = true;
    }
}

/* Initialisers and inputs are there before any node, wherever they are written. */
static void read_graph(graph *g, const mewl_model *model, span whole)
{
    field f;
    int64_t dims[4];
    int rank;
    const mewl_model_config *c = mewl_model_configuration(model);
    for (int pass = 0; pass < 3; pass++) {
        span s = whole;
        while (next(&s, &f)) {
            if (pass == 0 && f.number == 5) {
                read_initialiser(g, f.bytes);
            } else if (pass == 0 && f.number == 11) {
                const name called = read_value(f.bytes, dims, &rank);
                assert_string_equal(called.text, "features");
                assert_int_equal(rank, 3);
                assert_int_equal(dims[1], c->frames);
                assert_int_equal(dims[2], c->bands);
                make(g, called);
            } else if (pass == 1 && f.number == 1) {
                read_node(g, f.bytes);
            } else if (pass == 2 && f.number == 12) {
                check_output(g, model, f.bytes);
            }
        }
    }
}

static void check_export(mewl_model *model, const char *model_path, const char *onnx_path)
{
    mewl_error err = {0};
    char *bytes;
    size_t size, params;
    if (mewl_model_save(model, model_path, false, &err) != MEWL_OK ||
        mewl_onnx_export(model_path, onnx_path, &err) != MEWL_OK ||
        mewl_file_read_all(&bytes, &size, onnx_path, 64u << 20, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
    graph *g = calloc(1, sizeof *g);
    assert_non_null(g);
    g->net = mewl_model_net(model);
    field f;
    bool front_end = false, opset = false;
    span s = {(uint8_t *)bytes, (uint8_t *)bytes + size};
    while (next(&s, &f)) {
        if (f.number == 1) {
            assert_int_equal(f.value, 7);
        } else if (f.number == 7) {
            read_graph(g, model, f.bytes);
        } else if (f.number == 8) {
            opset = memcmp(f.bytes.at, "\x0a\x00\x10\x0d", 4) == 0;
        } else if (f.number == 14) {
            front_end = front_end || memcmp(f.bytes.at, "\x0a\x0emewl.front_end", 16) == 0;
        }
    }
    (void)mewl_net_params(g->net, &params);
    const mewl_model_config *c = mewl_model_configuration(model);
    /* An LSTM's parameters are put together anew: 4 of them, and the attention's and all others as they are. */
    const size_t joined = strcmp(c->arch, "tinytoes") == 0 ? 4 : 0;
    assert_int_equal(g->params_found, params - joined);
    assert_true(opset && front_end && g->has_embedding);
    assert_int_equal(g->has_logits, c->classes > 0);
    assert_int_equal(g->has_frames, c->framewise);
    free(g);
    free(bytes);
}

/* ---- Models ---- */

static mewl_model *model_of(const char *arch, mewl_model_pool pool, bool framewise)
{
    mewl_error err = {0};
    mewl_model *model;
    mewl_model_config config = {.front_end = "panns-16k",
                                .classes = formula_embeds(arch) ? 0 : 3,
                                .width = 0.0625,
                                .frames = 65,
                                .global_pooling = pool,
                                .framewise = framewise};
    (void)snprintf(config.arch, sizeof config.arch, "%s", arch);
    if (mewl_model_new(&model, config, 3, &err) != MEWL_OK) {
        fail_msg("%s: %s", arch, err.text);
    }
    formula_fill(mewl_model_net(model));
    return model;
}

/* Calls `each` with every architecture as it comes, the frame-wise ones, and CNN6 with each pooling. */
static void for_all(void (*each)(mewl_model *model, const char *called, void *context), void *context)
{
    for (size_t i = 0; mewl_model_arch_at(i) != NULL; i++) {
        const char *arch = mewl_model_arch_at(i);
        each(model_of(arch, MEWL_MODEL_POOL_AUTO, strcmp(arch, "mobilenet") == 0), arch, context);
    }
    each(model_of("cnn10", MEWL_MODEL_POOL_AUTO, true), "cnn10-frames", context);
    for (int pool = MEWL_MODEL_POOL_MAX; pool < MEWL_MODEL_POOL_COUNT; pool++) {
        char called[64];
        (void)snprintf(called, sizeof called, "cnn6-%s", mewl_model_pool_name((mewl_model_pool)pool));
        each(model_of("cnn6", (mewl_model_pool)pool, false), called, context);
    }
    each(model_of("tinytoes", MEWL_MODEL_POOL_STAT, false), "tinytoes-stat", context);
}

static char folder[64] = "/tmp/mewl-test-onnx-XXXXXX";

static void check_one(mewl_model *model, const char *called, void *context)
{
    char model_path[128], onnx_path[128];
    (void)snprintf(model_path, sizeof model_path, "%s/model.safetensors", folder);
    (void)snprintf(onnx_path, sizeof onnx_path, "%s/model.onnx", folder);
    check_export(model, model_path, onnx_path);
    mewl_model_free(model);
    (void)remove(model_path);
    (void)remove(onnx_path);
}

static void exports_every_network(void **state)
{
    assert_non_null(mkdtemp(folder));
    for_all(check_one, NULL);
    assert_int_equal(rmdir(folder), 0);
}

static void refuses_what_is_no_model(void **state)
{
    mewl_error err = {0};
    assert_int_equal(mewl_onnx_export("/nowhere/model.safetensors", "/tmp/x.onnx", &err), MEWL_E_NOT_FOUND);
    assert_int_not_equal(mewl_onnx_export(GOLDEN "/cnn6.pth", "/tmp/x.onnx", &err), MEWL_OK);
    assert_int_not_equal(access("/tmp/x.onnx", F_OK), 0);
}

/* ---- For tools/check_onnx.py ---- */

static void write_npy(const char *dir, const char *called, const char *what, const float *data, size_t rank,
                      const size_t *shape)
{
    char path[512];
    mewl_error err = {0};
    (void)snprintf(path, sizeof path, "%s/%s-%s.npy", dir, called, what);
    if (mewl_npy_write_f32(path, data, shape, rank, &err) != MEWL_OK) {
        fail_msg("%s", err.text);
    }
}

static void dump_one(mewl_model *model, const char *called, void *context)
{
    char model_path[512], onnx_path[512];
    mewl_error err = {0};
    const char *dir = context;
    (void)snprintf(model_path, sizeof model_path, "%s/%s.safetensors", dir, called);
    (void)snprintf(onnx_path, sizeof onnx_path, "%s/%s.onnx", dir, called);
    check_export(model, model_path, onnx_path);
    const mewl_model_config *c = mewl_model_configuration(model);
    const size_t n = 2, t = 65, bands = (size_t)c->bands, classes = (size_t)c->classes;
    const size_t size = (size_t)mewl_model_embedding_size(model);
    const size_t frames = (size_t)mewl_model_output_frames(model, (int64_t)t);
    float *x = calloc(n * t * bands, sizeof *x), *logits = calloc(n * classes + 1, sizeof *logits),
          *vectors = calloc(n * size, sizeof *vectors), *frame = calloc(n * frames * classes + 1, sizeof *frame);
    assert_true(x != NULL && logits != NULL && vectors != NULL && frame != NULL);
    for (size_t i = 0; i < n * t * bands; i++) {
        x[i] = (float)golden_value("x", i);
    }
    if (mewl_model_forward(model, x, (int64_t)n, (int64_t)t, classes > 0 ? logits : NULL, frames > 0 ? frame : NULL,
                           vectors, &err) != MEWL_OK) {
        fail_msg("%s: %s", called, err.text);
    }
    write_npy(dir, called, "features", x, 3, (size_t[]){n, t, bands});
    write_npy(dir, called, "embedding", vectors, 2, (size_t[]){n, size});
    if (classes > 0) {
        write_npy(dir, called, "logits", logits, 2, (size_t[]){n, classes});
    }
    if (frames > 0) {
        write_npy(dir, called, "frame_logits", frame, 3, (size_t[]){n, frames, classes});
    }
    free(x);
    free(logits);
    free(vectors);
    free(frame);
    mewl_model_free(model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exports_every_network),
        cmocka_unit_test(refuses_what_is_no_model),
    };
    if (argc == 3 && strcmp(argv[1], "--dump") == 0) {
        for_all(dump_one, argv[2]);
        return 0;
    }
    return cmocka_run_group_tests_name("onnx", tests, NULL, NULL);
}
