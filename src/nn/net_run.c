/* net_run.c - forward and backward over a planned net. Nothing is allocated here. */
#include "nn/net_private.h"
#include "nn/quant_private.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double clock_ms(const mewl_net *net)
{
    struct timespec t = {0};
    if (net->profile) {
        clock_gettime(CLOCK_MONOTONIC, &t);
    }
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static mewl_pass pass_of(const mewl_net *net)
{
    return (mewl_pass){.training = net->opts.training,
                       .seed = net->seed,
                       .step = net->step,
                       .weights_changed = net->weights_changed || net->opts.training,
                       .threads = net->opts.threads,
                       .context = net->context};
}

/* The layer's inputs as it wants them. */
static void gather(mewl_net *net, const mewl__slot *slot, mewl_tensor *x)
{
    for (size_t k = 0; k < slot->in_count; k++) {
        x[k] = slot->in_copy[k].used ? slot->in_copy[k].tensor : net->slots[slot->in[k]].out.tensor;
    }
}

static mewl_node holder(const mewl_net *net, mewl_node node)
{
    while (net->slots[node].alias >= 0) {
        node = net->slots[node].alias;
    }
    return node;
}

static mewl_status forward_layers(mewl_net *net, const mewl_pass *pass, mewl_error *err)
{
    for (size_t i = 1; i < net->layer_count; i++) {
        mewl__slot *slot = &net->slots[i];
        if (slot->alias >= 0) {
            continue;
        }
        double start = clock_ms(net);
        mewl_tensor x[MEWL_LAYER_INPUTS_MAX];
        for (size_t k = 0; k < slot->in_count; k++) {
            if (slot->in_copy[k].used) {
                mewl__convert(&slot->in_copy[k].tensor, &net->slots[slot->in[k]].out.tensor, false, pass->threads);
            }
            if (slot->in_grid[k].scale != 0.0f) {
                mewl__fake_input(&slot->in_copy[k].tensor, slot->in_grid[k], slot->kept[k]);
            }
        }
        gather(net, slot, x);
        mewl_layer *layer = net->layers[i];
        mewl_status status = layer->ops->forward(layer, pass, x, &slot->out.tensor, err);
        if (status != MEWL_OK) {
            return mewl_error_prefix(err, status, "layer %s", layer->name);
        }
        slot->forward_ms = clock_ms(net) - start;
        if (net->observing && slot->out.tensor.dtype == MEWL_DTYPE_F32 && layer->eight != NULL) {
            mewl__histogram_add(layer->eight->seen, &slot->out.tensor);
        }
    }
    return MEWL_OK;
}

/* Eight bits hold no NaN: a clip whose input is not finite is given outputs that are none. */
static void mark_broken(mewl_net *net, const float *input)
{
    const size_t clips = (size_t)net->opts.batch, each = mewl_tensor_bytes(&net->slots[0].out.tensor) / 4 / clips;
    for (size_t n = 0; n < clips; n++) {
        bool fine = true;
        for (size_t i = 0; i < each; i++) {
            fine &= fabsf(input[n * each + i]) <= FLT_MAX;
        }
        for (size_t o = 0; o < net->output_count && !fine; o++) {
            const mewl_tensor *value = &net->outputs[o].value;
            const size_t count = (size_t)mewl_shape_count(value->shape) / clips;
            for (size_t i = 0; i < count; i++) {
                ((float *)value->data)[n * count + i] = NAN;
            }
        }
    }
}

mewl_status mewl_net_forward(mewl_net *net, const float *input, mewl_error *err)
{
    if (!net->planned) {
        return mewl_error_set(err, MEWL_E_STATE, "forward before plan");
    }
    net->forwarded = false;
    if (net->opts.training) {
        net->step++;
    }
    mewl_pass pass = pass_of(net);
    mewl_tensor *in = &net->slots[0].out.tensor;
    memcpy(in->data, input, mewl_tensor_bytes(in));
    int threads = mewl__threads_set(pass.threads);
    if (pass.weights_changed) {
        mewl__fake_weights(net);
    }
    mewl__fake_swap(net);
    mewl_status status = forward_layers(net, &pass, err);
    mewl__fake_swap(net);
    if (status == MEWL_OK) {
        for (size_t o = 0; o < net->output_count; o++) {
            mewl__output *output = &net->outputs[o];
            mewl__convert(&output->value, &net->slots[holder(net, output->node)].out.tensor, false, pass.threads);
            if (output->grad.data != NULL) {
                memset(output->grad.data, 0, mewl_tensor_bytes(&output->grad));
            }
        }
        if (net->quant != MEWL_QUANT_NONE) {
            mark_broken(net, input);
        }
        net->weights_changed = false;
        net->forwarded = true;
    }
    mewl__threads_set(threads);
    return status;
}

static mewl_status backward_layer(mewl_net *net, const mewl_pass *pass, size_t i, mewl_error *err)
{
    mewl__slot *slot = &net->slots[i];
    mewl_layer *layer = net->layers[i];
    mewl_tensor x[MEWL_LAYER_INPUTS_MAX], dx[MEWL_LAYER_INPUTS_MAX];
    gather(net, slot, x);
    for (size_t k = 0; k < slot->in_count; k++) {
        dx[k] = x[k];
        dx[k].data = NULL;
        if (slot->in_grad_wanted[k]) {
            dx[k] = slot->in_grad[k].used ? slot->in_grad[k].tensor : net->slots[slot->in[k]].grad.tensor;
        }
    }
    mewl_status status = layer->ops->backward(layer, pass, x, &slot->out.tensor, &slot->grad.tensor, dx, err);
    if (status != MEWL_OK) {
        return mewl_error_prefix(err, status, "layer %s", layer->name);
    }
    for (size_t k = 0; k < slot->in_count; k++) {
        if (slot->kept[k] != NULL) {
            mewl__fake_gradient(&slot->in_grad[k].tensor, slot->kept[k]);
        }
        if (slot->in_grad[k].used) {
            mewl__convert(&net->slots[slot->in[k]].grad.tensor, &slot->in_grad[k].tensor, !slot->in_grad_first[k],
                          pass->threads);
        }
    }
    return MEWL_OK;
}

mewl_status mewl_net_backward(mewl_net *net, mewl_error *err)
{
    if (!net->planned || !net->opts.training || !net->forwarded) {
        return mewl_error_set(err, MEWL_E_STATE, "backward without a training forward before it");
    }
    net->forwarded = false; /* gradients of outputs and activations are used up */
    mewl_pass pass = pass_of(net);
    int threads = mewl__threads_set(pass.threads);
    for (size_t o = 0; o < net->output_count; o++) {
        mewl_node node = holder(net, net->outputs[o].node);
        bool first = true;
        for (size_t before = 0; before < o; before++) {
            first = first && holder(net, net->outputs[before].node) != node;
        }
        if (net->slots[node].grad.used) {
            mewl__convert(&net->slots[node].grad.tensor, &net->outputs[o].grad, !first, pass.threads);
        }
    }
    mewl_status status = MEWL_OK;
    mewl__fake_swap(net);
    for (size_t i = net->layer_count; i-- > 1 && status == MEWL_OK;) {
        mewl__slot *slot = &net->slots[i];
        if (slot->alias < 0 && slot->grad_wanted) {
            double start = clock_ms(net);
            status = backward_layer(net, &pass, i, err);
            slot->backward_ms = clock_ms(net) - start;
        }
    }
    mewl__fake_swap(net);
    mewl__threads_set(threads);
    return status;
}

void mewl_net_zero_grad(mewl_net *net)
{
    for (size_t i = 0; i < net->param_count; i++) {
        if (net->params[i]->grad.data != NULL) {
            memset(net->params[i]->grad.data, 0, mewl_tensor_bytes(&net->params[i]->grad));
        }
    }
}

static const mewl__output *find_output(const mewl_net *net, const char *name)
{
    for (size_t i = 0; i < net->output_count && net->planned; i++) {
        if (strcmp(net->outputs[i].name, name) == 0) {
            return &net->outputs[i];
        }
    }
    return NULL;
}

const float *mewl_net_output_value(mewl_net *net, const char *name, mewl_shape *shape)
{
    const mewl__output *output = find_output(net, name);
    if (output == NULL) {
        return NULL;
    }
    if (shape != NULL) {
        *shape = output->value.shape;
    }
    return output->value.data;
}

float *mewl_net_output_grad(mewl_net *net, const char *name)
{
    const mewl__output *output = find_output(net, name);
    return output != NULL ? output->grad.data : NULL;
}

void mewl_net_profile(mewl_net *net, bool on)
{
    net->profile = on;
}

void mewl_net_profile_text(const mewl_net *net, char *text, size_t size)
{
    size_t used = 0;
    if (size > 0) {
        text[0] = '\0';
    }
    for (size_t i = 1; net->planned && i < net->layer_count && used < size; i++) {
        const mewl__slot *slot = &net->slots[i];
        if (slot->alias >= 0) {
            continue;
        }
        char shape[64];
        int wrote = snprintf(text + used, size - used, "%-32s %-14s %-18s %8.3f %8.3f ms\n", net->layers[i]->name,
                             net->layers[i]->ops->kind, mewl_shape_text(slot->out.tensor.shape, shape, sizeof shape),
                             slot->forward_ms, slot->backward_ms);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}
