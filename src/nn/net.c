/* net.c - a net's life: building, names, parameters, initialisation. Planning is in net_plan.c, running in net_run.c.
 */
#include "nn/net_private.h"
#include "nn/quant_private.h"

#include <math.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mewl_status mewl_net_new(mewl_net **out, mewl_error *err)
{
    *out = NULL;
    mewl_net *net = calloc(1, sizeof *net);
    if (net == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a net");
    }
    mewl_status status = mewl__context_new(&net->context, err);
    if (status != MEWL_OK) {
        free(net);
        return status;
    }
    *out = net;
    return MEWL_OK;
}

static void param_free(mewl_param *param)
{
    free(param->name);
    free(param->value.data);
    free(param->grad.data);
    free(param);
}

void mewl_net_free(mewl_net *net)
{
    if (net == NULL) {
        return;
    }
    mewl__net_unplan(net);
    mewl__fake_free(net);
    for (size_t i = 0; i < net->layer_count; i++) {
        mewl_layer *layer = net->layers[i];
        if (layer->ops->close != NULL) {
            layer->ops->close(layer);
        }
        for (size_t p = 0; p < layer->param_count; p++) {
            param_free(layer->params[p]);
        }
        mewl__eight_free(layer->eight);
        free(layer->name);
        free(layer);
    }
    for (size_t i = 0; i < net->output_count; i++) {
        free(net->outputs[i].name);
    }
    free(net->layers);
    free(net->inputs);
    free(net->input_counts);
    free(net->params);
    mewl__context_free(net->context);
    free(net);
}

mewl_node mewl__net_fail(mewl_net *net, mewl_status status, const char *format, ...)
{
    if (net->build_status == MEWL_OK) {
        va_list args;
        va_start(args, format);
        net->build_status = status;
        net->build_error.status = status;
        vsnprintf(net->build_error.text, sizeof net->build_error.text, format, args);
        va_end(args);
    }
    return -1;
}

mewl_node mewl__net_done(mewl_net *net, const mewl_layer *layer, mewl_status status, const mewl_error *err)
{
    return status == MEWL_OK ? (mewl_node)layer->index : mewl__net_fail(net, status, "%s", err->text);
}

static bool reserve_layer(mewl_net *net)
{
    if (net->layer_count < net->layer_room) {
        return true;
    }
    size_t room = net->layer_room == 0 ? 64 : net->layer_room * 2;
    void *layers = realloc(net->layers, room * sizeof *net->layers);
    if (layers != NULL) {
        net->layers = layers;
    }
    void *inputs = realloc(net->inputs, room * sizeof *net->inputs);
    if (inputs != NULL) {
        net->inputs = inputs;
    }
    void *counts = realloc(net->input_counts, room * sizeof *net->input_counts);
    if (counts != NULL) {
        net->input_counts = counts;
    }
    if (layers == NULL || inputs == NULL || counts == NULL) {
        return false;
    }
    net->layer_room = room;
    return true;
}

mewl_layer *mewl__net_add(mewl_net *net, const mewl_layer_ops *ops, const char *name, const mewl_node *x, size_t count)
{
    if (net->build_status != MEWL_OK) {
        return NULL;
    }
    if (net->sealed) {
        mewl__net_fail(net, MEWL_E_STATE, "layer %s: the net is sealed", name);
        return NULL;
    }
    if (name == NULL || name[0] == '\0' || strlen(name) > 200 || net->layer_count >= MEWL__LAYERS_MAX ||
        count > MEWL_LAYER_INPUTS_MAX) {
        mewl__net_fail(net, MEWL_E_ARG, "layer %zu (%s): no name, or too many layers or inputs", net->layer_count,
                       ops->kind);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (x[i] < 0 || (size_t)x[i] >= net->layer_count) {
            mewl__net_fail(net, MEWL_E_ARG, "layer %s: input %zu is no node of this net", name, i);
            return NULL;
        }
    }
    for (size_t i = 0; i < net->layer_count; i++) {
        if (strcmp(net->layers[i]->name, name) == 0) {
            mewl__net_fail(net, MEWL_E_ARG, "two layers are named %s", name);
            return NULL;
        }
    }
    mewl_layer *layer = calloc(1, ops->size);
    char *copy = strdup(name);
    if (layer == NULL || copy == NULL || !reserve_layer(net)) {
        free(layer);
        free(copy);
        mewl__net_fail(net, MEWL_E_MEMORY, "layer %s: out of memory", name);
        return NULL;
    }
    layer->ops = ops;
    layer->name = copy;
    layer->index = (uint32_t)net->layer_count;
    if (count > 0) {
        layer->channels = net->layers[x[0]]->channels;
        layer->features = net->layers[x[0]]->features;
        memcpy(net->inputs[net->layer_count], x, count * sizeof *x);
    }
    net->input_counts[net->layer_count] = count;
    net->layers[net->layer_count++] = layer;
    return layer;
}

static const mewl_layer_ops input_ops = {.kind = "input", .size = sizeof(mewl_layer)};

mewl_node mewl_net_input(mewl_net *net, int64_t channels, int64_t features)
{
    if (net->build_status == MEWL_OK && net->layer_count > 0) {
        return mewl__net_fail(net, MEWL_E_ARG, "the input must be the first node, and the only one");
    }
    if (channels < 1 || features < 1 || channels > 65536 || features > 65536) {
        return mewl__net_fail(net, MEWL_E_SHAPE, "the input needs 1 to 65536 channels and features");
    }
    mewl_layer *layer = mewl__net_add(net, &input_ops, "input", NULL, 0);
    if (layer == NULL) {
        return -1;
    }
    net->in_channels = layer->channels = channels;
    net->in_features = layer->features = features;
    return (mewl_node)layer->index;
}

void mewl_net_output(mewl_net *net, const char *name, mewl_node x)
{
    if (net->build_status != MEWL_OK) {
        return;
    }
    if (net->sealed || x < 0 || (size_t)x >= net->layer_count || net->output_count == MEWL__OUTPUTS_MAX) {
        mewl__net_fail(net, MEWL_E_ARG, "output %s: no such node, too many outputs, or the net is sealed", name);
        return;
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        mewl__net_fail(net, MEWL_E_MEMORY, "output %s: out of memory", name);
        return;
    }
    net->outputs[net->output_count++] = (mewl__output){.name = copy, .node = x};
}

mewl_status mewl_net_seal(mewl_net *net, mewl_error *err)
{
    if (net->build_status == MEWL_OK && (net->layer_count < 2 || net->output_count == 0 || net->sealed)) {
        mewl__net_fail(net, MEWL_E_ARG, "a net needs layers and an output, and is sealed once");
    }
    if (net->build_status != MEWL_OK) {
        return mewl_error_set(err, net->build_status, "%s", net->build_error.text);
    }
    size_t count = 0;
    for (size_t i = 0; i < net->layer_count; i++) {
        count += net->layers[i]->param_count;
    }
    net->params = calloc(count > 0 ? count : 1, sizeof *net->params);
    if (net->params == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a list of parameters");
    }
    for (size_t i = 0; i < net->layer_count; i++) {
        for (size_t p = 0; p < net->layers[i]->param_count; p++) {
            net->params[net->param_count++] = net->layers[i]->params[p];
        }
    }
    net->sealed = true;
    net->weights_changed = true;
    return MEWL_OK;
}

mewl_param *const *mewl_net_params(mewl_net *net, size_t *count)
{
    *count = net->param_count;
    return net->params;
}

mewl_param *mewl_net_param(mewl_net *net, const char *name)
{
    for (size_t i = 0; i < net->param_count; i++) {
        if (strcmp(net->params[i]->name, name) == 0) {
            return net->params[i];
        }
    }
    return NULL;
}

int64_t mewl_net_param_elements(const mewl_net *net)
{
    int64_t total = 0;
    for (size_t i = 0; i < net->param_count; i++) {
        total += net->params[i]->buffer ? 0 : mewl_shape_count(net->params[i]->value.shape);
    }
    return total;
}

void mewl_net_touch(mewl_net *net)
{
    net->weights_changed = true;
}

size_t mewl_net_freeze(mewl_net *net, const char *pattern, bool frozen)
{
    size_t count = 0;
    const bool whole = strpbrk(pattern, "*?") != NULL;
    for (size_t i = 0; i < net->param_count; i++) {
        const char *name = net->params[i]->name;
        if (whole ? fnmatch(pattern, name, FNM_NOESCAPE) == 0 : strncmp(name, pattern, strlen(pattern)) == 0) {
            net->params[i]->frozen = frozen;
            count++;
        }
    }
    if (count > 0) {
        mewl__net_unplan(net);
    }
    return count;
}

void mewl_net_init_xavier(mewl_net *net, uint64_t seed)
{
    for (size_t i = 0; i < net->param_count; i++) {
        mewl_param *param = net->params[i];
        mewl_shape shape = param->value.shape;
        if (shape.rank < 2 || param->keep) {
            continue; /* biases, norms and poolings start at what their builders gave them */
        }
        double area = (double)(shape.dim[2] * shape.dim[3]);
        double bound = sqrt(6.0 / (area * (double)(shape.dim[0] + shape.dim[1])));
        mewl_rng rng = mewl_rng_stream(seed, i);
        float *value = param->value.data;
        for (int64_t k = 0; k < mewl_shape_count(shape); k++) {
            value[k] = (float)mewl_rng_range(&rng, -bound, bound);
        }
    }
    net->weights_changed = true;
}

void mewl_net_set_dropout(mewl_net *net, uint64_t seed, uint64_t step)
{
    net->seed = seed;
    net->step = step;
}

/* Walks back from the output: each layer widens what its input must show. */
static void reach_back(const mewl_net *net, mewl_node node, int64_t left, int64_t right, int64_t step,
                       int64_t *out_step, int64_t *out_left, int64_t *out_right, bool *whole)
{
    if (*whole) {
        return;
    }
    const mewl_layer *layer = net->layers[node];
    int64_t kernel = 1, stride = 1, dilation = 1, pad = 0;
    if (layer->ops->reach != NULL) {
        layer->ops->reach(layer, &kernel, &stride, &dilation, &pad);
    }
    if (kernel == 0) {
        *whole = true;
        return;
    }
    /* output frame i sees this layer's outputs i * step - left .. i * step + right, hence inputs stride * that,
     * from - pad to + (kernel - 1) * dilation - pad */
    int64_t in_left = left * stride + pad, in_right = right * stride + (kernel - 1) * dilation - pad;
    if (node == 0) {
        *out_left = in_left > *out_left ? in_left : *out_left;
        *out_right = in_right > *out_right ? in_right : *out_right;
        *out_step = step;
        return;
    }
    for (size_t i = 0; i < net->input_counts[node]; i++) {
        reach_back(net, net->inputs[node][i], in_left, in_right, step * stride, out_step, out_left, out_right, whole);
    }
}

bool mewl_net_reach(const mewl_net *net, const char *name, int64_t *step, int64_t *left, int64_t *right)
{
    for (size_t i = 0; i < net->output_count; i++) {
        if (strcmp(net->outputs[i].name, name) == 0) {
            bool whole = false;
            *step = 1;
            *left = *right = 0;
            reach_back(net, net->outputs[i].node, 0, 0, 1, step, left, right, &whole);
            return !whole;
        }
    }
    return false;
}
