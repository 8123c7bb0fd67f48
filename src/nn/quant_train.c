/* quant_train.c - quantisation-aware training (Jacob et al. 2018, section 3): a net that rounds as its eight-bit form
 * will, in forward, and lets gradients through as if it did not (the straight-through estimate of Bengio et al. 2013),
 * but for activations that were clipped. What is rounded is found by planning the eight-bit form itself. */
#include "nn/quant_private.h"

#include "nn/memory.h"
#include "nn/net_private.h"

#include <math.h>
#include <stdlib.h>

void mewl__fake_free(mewl_net *net)
{
    mewl__fake *fake = net->fake;
    if (fake == NULL) {
        return;
    }
    for (size_t i = 0; fake->rounded != NULL && i < net->layer_count; i++) {
        free(fake->rounded[i]);
    }
    free(fake->rounded);
    free(fake->in);
    free(fake);
    net->fake = NULL;
}

static mewl_status fake_new(mewl_net *net, mewl_error *err)
{
    mewl__fake *fake = calloc(1, sizeof *fake);
    net->fake = fake;
    if (fake != NULL) {
        fake->rounded = calloc(net->layer_count, sizeof *fake->rounded);
        fake->in = calloc(net->layer_count, sizeof *fake->in);
    }
    bool fine = fake != NULL && fake->rounded != NULL && fake->in != NULL;
    for (size_t i = 0; fine && i < net->layer_count; i++) {
        const mewl_layer *layer = net->layers[i];
        if (layer->eight != NULL && layer->eight->scale != NULL) {
            fake->rounded[i] = mewl__alloc(mewl_tensor_bytes(&layer->params[0]->value));
            fine = fake->rounded[i] != NULL;
        }
    }
    return fine ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for rounding a net");
}

/* What input k of layer i is rounded to in the eight-bit plan at hand; scale 0: nothing. */
static mewl__grid grid_of(const mewl_net *net, size_t i, size_t k)
{
    const mewl__slot *slot = &net->slots[i];
    const mewl_layer *from = net->layers[slot->in[k]];
    const mewl__grid grid = from->eight != NULL ? from->eight->grid : (mewl__grid){0};
    const mewl_dtype reads =
        slot->in_copy[k].used ? slot->in_copy[k].tensor.dtype : net->slots[slot->in[k]].out.tensor.dtype;
    if (mewl__is_eight(reads) || mewl__is_eight(net->slots[slot->in[k]].out.tensor.dtype)) {
        return grid;
    }
    /* a linear layer's vectors are signed whole numbers, whatever their grid */
    const bool linear = (mewl__eight_flags(net->layers[i]) & MEWL_LAYER_EIGHT_READS) == 0 &&
                        net->layers[i]->eight != NULL && net->layers[i]->eight->scale != NULL;
    return linear ? (mewl__grid){.scale = grid.scale * (grid.is_signed ? 1.0f : 255.0f / 127.0f), .is_signed = true}
                  : (mewl__grid){0};
}

/* Plans the eight-bit form and notes what it rounds. */
static mewl_status note_grids(mewl_net *net, mewl_error *err)
{
    const mewl_net_plan_opts opts = {.batch = 1, .frames = net->opts.frames, .threads = 1};
    mewl__fake *fake = net->fake;
    net->fake = NULL; /* as mewl_net_quantise would leave it */
    net->quant = MEWL_QUANT_STATIC;
    const mewl_status status = mewl_net_plan(net, opts, err);
    for (size_t i = 1; status == MEWL_OK && i < net->layer_count; i++) {
        for (size_t k = 0; k < net->slots[i].in_count && net->slots[i].alias < 0; k++) {
            fake->in[i][k] = grid_of(net, i, k);
        }
    }
    mewl__net_unplan(net);
    net->quant = MEWL_QUANT_NONE;
    net->fake = fake;
    return status;
}

mewl_status mewl_net_fake_quantise(mewl_net *net, mewl_quant_opts opts, mewl_error *err)
{
    opts.kind = MEWL_QUANT_STATIC;
    if (net->fake != NULL) {
        return mewl_error_set(err, MEWL_E_STATE, "the net rounds to eight bits already");
    }
    MEWL_TRY(mewl__quant_prepare(net, &opts, err));
    mewl__net_unplan(net);
    mewl_status status = fake_new(net, err);
    if (status == MEWL_OK) {
        status = note_grids(net, err);
    }
    if (status != MEWL_OK) {
        mewl__fake_free(net);
    }
    return status;
}

bool mewl_net_faking(const mewl_net *net)
{
    return net->fake != NULL;
}

/* ---- Running ---- */

void mewl__fake_swap(mewl_net *net)
{
    for (size_t i = 0; net->fake != NULL && i < net->layer_count; i++) {
        if (net->fake->rounded[i] != NULL) {
            mewl_tensor *value = &net->layers[i]->params[0]->value;
            float *other = net->fake->rounded[i];
            net->fake->rounded[i] = value->data;
            value->data = other;
        }
    }
}

void mewl__fake_weights(mewl_net *net)
{
    for (size_t i = 0; net->fake != NULL && i < net->layer_count; i++) {
        if (net->fake->rounded[i] != NULL) {
            mewl__eight_round(net->fake->rounded[i], net->layers[i]);
        }
    }
}

void mewl__fake_input(mewl_tensor *x, mewl__grid grid, uint8_t *kept)
{
    const float low = grid.is_signed ? -127.0f : 0.0f, high = grid.is_signed ? 127.0f : 255.0f;
    const size_t count = (size_t)mewl_tensor_stored(x);
    const float factor = 1.0f / grid.scale;
    float *value = x->data;
    for (size_t i = 0; i < count; i++) {
        const float q = rintf(value[i] * factor);
        if (kept != NULL) {
            kept[i] = q >= low && q <= high;
        }
        value[i] = grid.scale * (q < low ? low : q > high ? high : q);
    }
}

void mewl__fake_gradient(mewl_tensor *dx, const uint8_t *kept)
{
    const size_t count = (size_t)mewl_tensor_stored(dx);
    float *value = dx->data;
    for (size_t i = 0; i < count; i++) {
        value[i] = kept[i] ? value[i] : 0.0f;
    }
}
