/* pad_reflect.c - frames mirrored at both ends of a sequence, the edge itself not repeated. */
#include "nn/net_private.h"
#include "nn/tile.h"

#include <string.h>

typedef struct pad_reflect {
    mewl_layer layer;
    int64_t before, after;
} pad_reflect;

static mewl_status pad_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                            mewl_tensor *out, mewl_error *err)
{
    const pad_reflect *self = (const pad_reflect *)layer;
    int64_t frames = in->shape.dim[2];
    if (in->shape.dim[3] != 1 || self->before >= frames || self->after >= frames) {
        return mewl_error_set(err, MEWL_E_SHAPE, "%lld frames cannot be mirrored by %lld and %lld", (long long)frames,
                              (long long)self->before, (long long)self->after);
    }
    if (in->layout == MEWL_LAYOUT_LAST) {
        in->layout = plan->blocked;
    }
    *out = *in;
    out->shape.dim[2] = frames + self->before + self->after;
    return MEWL_OK;
}

/* The input frame that output frame t repeats. */
static size_t mirror(size_t t, size_t before, size_t frames)
{
    size_t from = t < before ? before - t : t - before;
    return from >= frames ? 2 * (frames - 1) - from : from;
}

static mewl_status pad_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                               mewl_error *err)
{
    mewl__rows r = mewl__rows_of(x);
    size_t before = (size_t)((const pad_reflect *)layer)->before, frames = r.positions;
    size_t padded = (size_t)y->shape.dim[2], unit = r.block * mewl_dtype_size(x->dtype);
    for (size_t row = 0; row < r.n * r.blocks; row++) {
        const char *in = (const char *)x->data + row * frames * unit;
        char *out = (char *)y->data + row * padded * unit;
        memcpy(out + before * unit, in, frames * unit);
        for (size_t t = before > 0 ? 0 : frames; t < padded; t = t + 1 == before ? before + frames : t + 1) {
            memcpy(out + t * unit, in + mirror(t, before, frames) * unit, unit);
        }
    }
    return MEWL_OK;
}

/* to += from over one frame of a block. */
static void add_unit(void *to, const void *from, size_t count, mewl_dtype dtype)
{
    for (size_t l = 0; l < count; l++) {
        if (dtype == MEWL_DTYPE_F32) {
            ((float *)to)[l] += ((const float *)from)[l];
        } else {
            uint16_t *sum = (uint16_t *)to + l;
            *sum = mewl__narrow(mewl__widen(*sum) + mewl__widen(((const uint16_t *)from)[l]));
        }
    }
}

static mewl_status pad_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    mewl__rows r = mewl__rows_of(x);
    size_t before = (size_t)((const pad_reflect *)layer)->before, frames = r.positions;
    size_t padded = (size_t)dy->shape.dim[2], unit = r.block * mewl_dtype_size(x->dtype);
    for (size_t row = 0; row < r.n * r.blocks && dx[0].data != NULL; row++) {
        const char *grad = (const char *)dy->data + row * padded * unit;
        char *out = (char *)dx[0].data + row * frames * unit;
        memcpy(out, grad + before * unit, frames * unit);
        for (size_t t = before > 0 ? 0 : frames; t < padded; t = t + 1 == before ? before + frames : t + 1) {
            add_unit(out + mirror(t, before, frames) * unit, grad + t * unit, r.block, x->dtype);
        }
    }
    return MEWL_OK;
}

/* What an edge repeats depends on where the clip begins and ends: no fixed reach. */
static void pad_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad)
{
    *kernel = 0;
}

static size_t pad_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const pad_reflect *self = (const pad_reflect *)layer;
    const mewl_fact all[] = {{"before", (double)self->before}, {"after", (double)self->after}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops pad_ops = {.kind = "pad_reflect",
                                       .facts = pad_facts,
                                       .size = sizeof(pad_reflect),
                                       .plan = pad_plan,
                                       .forward = pad_forward,
                                       .backward = pad_backward,
                                       .reach = pad_reach};

mewl_node mewl_net_pad_reflect(mewl_net *net, const char *name, mewl_node x, int64_t before, int64_t after)
{
    mewl_layer *layer = mewl__net_add(net, &pad_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    if (before < 0 || after < 0 || before > 65536 || after > 65536 || layer->features != 1) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: mirrors %lld and %lld frames of %lld features", name,
                              (long long)before, (long long)after, (long long)layer->features);
    }
    ((pad_reflect *)layer)->before = before;
    ((pad_reflect *)layer)->after = after;
    return (mewl_node)layer->index;
}
