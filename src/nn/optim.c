/* optim.c - SGD, Adam and AdamW over a net's parameters, with clipping of the global gradient norm.
 *
 * State is made for every parameter that is not a buffer, frozen ones too, so that freezing can change between steps.
 */
#include "nn/optim_private.h"

#include "nn/memory.h"

#include <math.h>
#include <stdlib.h>

mewl_status mewl_optim_new(mewl_optim **out, mewl_net *net, mewl_optim_opts opts, mewl_error *err)
{
    *out = NULL;
    opts.beta1 = opts.beta1 == 0.0 ? 0.9 : opts.beta1;
    opts.beta2 = opts.beta2 == 0.0 ? 0.999 : opts.beta2;
    opts.eps = opts.eps == 0.0 ? 1e-8 : opts.eps;
    bool fine = (unsigned)opts.kind <= MEWL_OPTIM_ADAMW && opts.momentum >= 0.0 && opts.momentum < 1.0 &&
                opts.beta1 > 0.0 && opts.beta1 < 1.0 && opts.beta2 > 0.0 && opts.beta2 < 1.0 && opts.eps > 0.0 &&
                opts.weight_decay >= 0.0 && opts.clip_norm >= 0.0 && !(opts.nesterov && opts.momentum == 0.0);
    if (!fine) {
        return mewl_error_set(err, MEWL_E_ARG, "an optimiser's figure is out of range");
    }
    mewl_optim *optim = calloc(1, sizeof *optim);
    if (optim == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for an optimiser");
    }
    optim->net = net;
    optim->opts = opts;
    mewl_param *const *params = mewl_net_params(net, &optim->count);
    optim->first = calloc(optim->count + 1, sizeof *optim->first);
    optim->second = calloc(optim->count + 1, sizeof *optim->second);
    fine = optim->first != NULL && optim->second != NULL;
    for (size_t i = 0; i < optim->count && fine; i++) {
        size_t bytes = mewl_tensor_bytes(&params[i]->value);
        if (params[i]->buffer || (opts.kind == MEWL_OPTIM_SGD && opts.momentum == 0.0)) {
            continue;
        }
        optim->first[i] = mewl__alloc(bytes);
        optim->second[i] = opts.kind == MEWL_OPTIM_SGD ? NULL : mewl__alloc(bytes);
        fine = optim->first[i] != NULL && (opts.kind == MEWL_OPTIM_SGD || optim->second[i] != NULL);
    }
    if (!fine) {
        mewl_optim_free(optim);
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for the optimiser's state");
    }
    *out = optim;
    return MEWL_OK;
}

void mewl_optim_free(mewl_optim *optim)
{
    if (optim == NULL) {
        return;
    }
    for (size_t i = 0; i < optim->count; i++) {
        free(optim->first != NULL ? optim->first[i] : NULL);
        free(optim->second != NULL ? optim->second[i] : NULL);
    }
    free(optim->first);
    free(optim->second);
    free(optim);
}

uint64_t mewl_optim_steps(const mewl_optim *optim)
{
    return optim->steps;
}

static double norm_of(mewl_param *const *params, size_t count)
{
    double total = 0.0;
    for (size_t i = 0; i < count; i++) {
        const float *grad = params[i]->grad.data;
        if (grad == NULL || params[i]->frozen) {
            continue;
        }
        int64_t elements = mewl_shape_count(params[i]->value.shape);
        for (int64_t at = 0; at < elements; at += 1024) {
            float lanes[16] = {0};
            int64_t end = at + 1024 < elements ? at + 1024 : elements;
            for (int64_t k = at; k < end; k++) {
                lanes[k % 16] += grad[k] * grad[k];
            }
            for (int k = 0; k < 16; k++) {
                total += (double)lanes[k];
            }
        }
    }
    return sqrt(total);
}

static void step_sgd(const mewl_optim *optim, mewl_param *param, float *momentum, float scale, float rate)
{
    const mewl_optim_opts *o = &optim->opts;
    float decay = (float)o->weight_decay * param->decay, m = (float)o->momentum;
    float *value = param->value.data;
    const float *grad = param->grad.data;
    int64_t count = mewl_shape_count(param->value.shape);
    for (int64_t i = 0; i < count; i++) {
        float g = grad[i] * scale + decay * value[i];
        if (momentum != NULL) {
            /* from zero, the first step gives g: as PyTorch, which starts with the gradient */
            momentum[i] = m * momentum[i] + g;
            g = o->nesterov ? g + m * momentum[i] : momentum[i];
        }
        value[i] -= rate * g;
    }
}

static void step_adam(const mewl_optim *optim, mewl_param *param, float *first, float *second, float scale, double rate)
{
    const mewl_optim_opts *o = &optim->opts;
    double step = (double)optim->steps, decay = o->weight_decay * (double)param->decay;
    float b1 = (float)o->beta1, b2 = (float)o->beta2, c1 = (float)(1.0 - o->beta1), c2 = (float)(1.0 - o->beta2);
    float size = (float)(rate / (1.0 - pow(o->beta1, step)));
    float root = (float)(1.0 / sqrt(1.0 - pow(o->beta2, step))), eps = (float)o->eps;
    float shrink = o->kind == MEWL_OPTIM_ADAMW ? (float)(1.0 - rate * decay) : 1.0f;
    float pull = o->kind == MEWL_OPTIM_ADAM ? (float)decay : 0.0f;
    float *value = param->value.data;
    const float *grad = param->grad.data;
    int64_t count = mewl_shape_count(param->value.shape);
    for (int64_t i = 0; i < count; i++) {
        float g = grad[i] * scale + pull * value[i];
        first[i] = b1 * first[i] + c1 * g;
        second[i] = b2 * second[i] + c2 * g * g;
        value[i] = value[i] * shrink - size * first[i] / (sqrtf(second[i]) * root + eps);
    }
}

mewl_status mewl_optim_step(mewl_optim *optim, double *grad_norm, double rate, mewl_error *err)
{
    size_t count;
    mewl_param *const *params = mewl_net_params(optim->net, &count);
    double norm = norm_of(params, count);
    if (grad_norm != NULL) {
        *grad_norm = norm;
    }
    if (!isfinite(norm) || !isfinite(rate)) {
        mewl_net_zero_grad(optim->net);
        return mewl_error_set(err, MEWL_E_STATE, "update %llu: the gradient's norm is not finite",
                              (unsigned long long)optim->steps);
    }
    double limit = optim->opts.clip_norm;
    float scale = limit > 0.0 && norm > limit ? (float)(limit / (norm + 1e-6)) : 1.0f;
    optim->steps++;
    for (size_t i = 0; i < count; i++) {
        mewl_param *param = params[i];
        if (param->buffer || param->frozen || param->grad.data == NULL) {
            continue;
        }
        double own = rate * (double)param->rate;
        if (optim->opts.kind == MEWL_OPTIM_SGD) {
            step_sgd(optim, param, optim->first[i], scale, (float)own);
        } else {
            step_adam(optim, param, optim->first[i], optim->second[i], scale, own);
        }
    }
    mewl_net_zero_grad(optim->net);
    mewl_net_touch(optim->net);
    return MEWL_OK;
}
