/* onnx.c - see onnx.h: which file, which outputs, which metadata. What a layer becomes is onnx_layers.c's and
 * onnx_sequence.c's. */
#include "models/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "models/model_private.h"
#include "models/onnx_private.h"
#include "models/teacher_net.h"

/* What is exported: a net, what its outputs are called in it, and what is known of it. */
typedef struct subject {
    mewl_net *net;
    const char *arch, *front_end;
    int64_t bands, classes, embedding;
    const char *clip, *frame, *vector; /* outputs of the net; NULL: none */
    const mewl_model *model;           /* NULL: a teacher */
} subject;

static const mewl__onnx_kind *find_kind(const mewl__onnx_kind *kinds, const char *kind)
{
    while (kinds->kind != NULL && strcmp(kinds->kind, kind) != 0) {
        kinds++;
    }
    return kinds->kind != NULL ? kinds : NULL;
}

static mewl_status convert_layer(mewl__onnx_walk *w, const mewl_layer_view *v, size_t index, mewl_error *err)
{
    const char *x = v->input_count > 0 ? mewl__onnx_value(w, v, 0) : "features";
    if (v->training_only) {
        w->values[index] = mewl__onnx_name_of("%s", x);
        return MEWL_OK;
    }
    const mewl__onnx_kind *kind = find_kind(mewl__onnx_map_kinds, v->kind);
    kind = kind != NULL ? kind : find_kind(mewl__onnx_sequence_kinds, v->kind);
    if (kind == NULL) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "layer %s is a %s, which has no form in ONNX", v->name, v->kind);
    }
    w->values[index] = mewl__onnx_name_of("%s", v->name);
    return kind->convert(w, v, x, v->name, err);
}

static mewl_status convert_layers(mewl__onnx_walk *w, mewl_error *err)
{
    mewl_layer_view v;
    size_t count = 0;
    while (mewl_net_layer_at(w->net, &v, count)) {
        count++;
    }
    w->values = calloc(count, sizeof *w->values);
    if (w->values == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a graph of %zu layers", count);
    }
    for (size_t i = 0; mewl_net_layer_at(w->net, &v, i); i++) {
        MEWL_TRY(convert_layer(w, &v, i, err));
    }
    return MEWL_OK;
}

/* Value of the net's output `name`. */
static const char *output_value(const mewl__onnx_walk *w, const char *name)
{
    const char *each;
    mewl_node node;
    for (size_t i = 0; name != NULL && mewl_net_output_at(w->net, &each, &node, i); i++) {
        if (strcmp(each, name) == 0) {
            return w->values[node].text;
        }
    }
    return NULL;
}

/* (N, size, 1, 1) as the output (N, size) called `name`. */
static void put_vector(mewl__onnx_walk *w, const char *value, const char *name, int64_t size)
{
    const int64_t dims[2] = {-'N', size};
    if (value != NULL) {
        mewl__onnx_op(w->graph, "Reshape", name, MEWL__ONNX_IN(value, MEWL__ONNX_INTS_OF(w->graph, 2, 0, size)), NULL);
        mewl__onnx_output(w->graph, name, 2, dims);
    }
}

/* (N, classes, T', 1) as (N, T', classes). */
static void put_frames(mewl__onnx_walk *w, const char *value, int64_t classes)
{
    const int64_t dims[3] = {-'N', -'K', classes};
    if (value != NULL) {
        const char *flat = mewl__onnx_op(w->graph, "Squeeze", "frame_logits/flat",
                                         MEWL__ONNX_IN(value, MEWL__ONNX_INTS_OF(w->graph, 1, 3)), NULL);
        mewl__onnx_op(w->graph, "Transpose", "frame_logits", MEWL__ONNX_IN(flat),
                      MEWL__ONNX_ATTRS(MEWL__ONNX_L("perm", 3, 0, 2, 1)));
        mewl__onnx_output(w->graph, "frame_logits", 3, dims);
    }
}

static mewl_status put_labels(mewl__onnx *graph, const subject *s, mewl_error *err)
{
    json_t *labels = json_array();
    bool fine = labels != NULL;
    for (int64_t i = 0; fine && i < s->classes; i++) {
        const char *label = s->model != NULL ? mewl_model_label(s->model, i)
                                             : mewl__teacher_label(mewl__teacher_kind_find(s->arch), (size_t)i);
        fine = json_array_append_new(labels, mewl_json_string(label)) == 0;
    }
    char *text = fine ? mewl_json_text(labels, false) : NULL;
    json_decref(labels);
    if (text == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for labels");
    }
    mewl__onnx_note(graph, MEWL__MODEL_PREFIX "labels", text);
    free(text);
    return MEWL_OK;
}

static mewl_status put_notes(mewl__onnx *graph, const subject *s, mewl_error *err)
{
    char text[512];
    const char *key, *note;
    mewl__onnx_note(graph, MEWL__MODEL_PREFIX "arch", s->arch);
    mewl__onnx_note(graph, MEWL__MODEL_PREFIX "front_end", s->front_end);
    MEWL_TRY(put_labels(graph, s, err));
    for (size_t i = 0; s->model != NULL && mewl_model_note_at(s->model, &key, &note, i); i++) {
        mewl__onnx_note(graph, key, note);
    }
    if (s->model == NULL) {
        mewl__onnx_note(graph, "licence", mewl__teacher_kind_find(s->arch)->licence);
    }
    (void)snprintf(text, sizeof text,
                   "%s, written by Mewl. The input `features` (N, T, %lld) is what Mewl's front end `%s` gives "
                   "(`mewl features --config %s`); the front end is not part of this file.",
                   s->arch, (long long)s->bands, s->front_end, s->front_end);
    mewl__onnx_describe(graph, text);
    return MEWL_OK;
}

static mewl_status export_subject(const subject *s, const char *out_path, mewl_error *err)
{
    mewl__onnx_walk w = {.graph = mewl__onnx_new(), .net = s->net};
    const int64_t dims[3] = {-'N', s->model != NULL && s->model->config.frames > 0 ? s->model->config.frames : -'T',
                             s->bands};
    if (w.graph == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a graph");
    }
    mewl__onnx_input(w.graph, "features", 3, dims);
    mewl_status status = convert_layers(&w, err);
    if (status == MEWL_OK) {
        put_vector(&w, output_value(&w, s->clip), "logits", s->classes);
        put_frames(&w, output_value(&w, s->frame), s->classes);
        put_vector(&w, output_value(&w, s->vector), "embedding", s->embedding);
        status = put_notes(w.graph, s, err);
    }
    if (status == MEWL_OK) {
        status = mewl__onnx_write(w.graph, out_path, err);
    }
    free(w.values);
    mewl__onnx_free(w.graph);
    return status;
}

static mewl_status export_model(mewl_model *model, const char *out_path, mewl_error *err)
{
    const mewl_model_config *c = mewl_model_configuration(model);
    const subject s = {.net = mewl_model_net(model),
                       .arch = c->arch,
                       .front_end = c->front_end,
                       .bands = c->bands,
                       .classes = c->classes,
                       .embedding = mewl_model_embedding_size(model),
                       .clip = c->classes > 0 ? MEWL__OUT_CLIP : NULL,
                       .frame = c->framewise ? MEWL__OUT_FRAME : NULL,
                       .vector = MEWL__OUT_EMBEDDING,
                       .model = model};
    return export_subject(&s, out_path, err);
}

static mewl_status export_teacher(const char *path, const char *out_path, mewl_error *err)
{
    mewl_net *net;
    float *mel;
    const mewl__teacher_kind *kind;
    MEWL_TRY(mewl__teacher_net_open(&net, &mel, &kind, NULL, path, err));
    const subject s = {.net = net,
                       .arch = kind->name,
                       .front_end = kind->front_end,
                       .bands = (int64_t)kind->bands,
                       .classes = (int64_t)kind->classes,
                       .embedding = (int64_t)kind->embedding,
                       .clip = kind->logits_out,
                       .vector = kind->embedding_out};
    const mewl_status status = export_subject(&s, out_path, err);
    mewl_net_free(net);
    free(mel);
    return status;
}

mewl_status mewl_onnx_export(const char *path, const char *out_path, mewl_error *err)
{
    mewl_model *model;
    MEWL_TRY(mewl__model_read(&model, path, err));
    if (model == NULL) {
        return export_teacher(path, out_path, err);
    }
    const mewl_status status = export_model(model, out_path, err);
    mewl_model_free(model);
    return status;
}
