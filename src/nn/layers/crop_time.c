/* crop_time.c - a value without its first or last frames, or cut to as many frames as another value has. Moves values
 * only, whatever their element type. */
#include "nn/net_private.h"

#include <string.h>

typedef struct crop {
    mewl_layer layer;
    int64_t before, after;
} crop;

static mewl_status crop_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                             mewl_tensor *out, mewl_error *err)
{
    const crop *self = (const crop *)layer;
    if (in->layout == MEWL_LAYOUT_LAST) {
        in->layout = plan->blocked;
    }
    int64_t frames = in->shape.dim[2] - self->before - self->after;
    if (in_count > 1 && in[1].shape.dim[2] < frames) {
        frames = in[1].shape.dim[2];
    }
    if (frames < 1) {
        return mewl_error_set(err, MEWL_E_SHAPE, "of %lld frames none is left without %lld and %lld",
                              (long long)in->shape.dim[2], (long long)self->before, (long long)self->after);
    }
    *out = *in;
    out->shape.dim[2] = frames;
    return MEWL_OK;
}

/* Rows of whole channels or blocks of them: `part` out of `whole`, or into it. */
static void copy_frames(const crop *self, char *whole, char *part, const mewl_tensor *long_one,
                        const mewl_tensor *short_one, bool into)
{
    const int64_t block = mewl_layout_block(long_one->layout, long_one->shape.dim[1]);
    const size_t rows = (size_t)(long_one->shape.dim[0] * ((long_one->shape.dim[1] + block - 1) / block));
    const size_t frame = (size_t)(long_one->shape.dim[3] * block) * mewl_dtype_size(long_one->dtype);
    const size_t stride = (size_t)long_one->shape.dim[2] * frame, bytes = (size_t)short_one->shape.dim[2] * frame;
    for (size_t r = 0; r < rows; r++) {
        char *in_whole = whole + r * stride + (size_t)self->before * frame, *in_part = part + r * bytes;
        memcpy(into ? in_whole : in_part, into ? in_part : in_whole, bytes);
    }
}

static mewl_status crop_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                mewl_error *err)
{
    copy_frames((const crop *)layer, x->data, y->data, x, y, false);
    return MEWL_OK;
}

static mewl_status crop_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                 const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    if (dx[0].data != NULL) {
        memset(dx[0].data, 0, mewl_tensor_bytes(&dx[0]));
        copy_frames((const crop *)layer, dx[0].data, dy->data, &dx[0], dy, true);
    }
    return MEWL_OK;
}

/* The value that only lends its length gets no gradient, but its place must hold zeros. */
static mewl_status crop_like_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                      const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    if (dx[1].data != NULL) {
        memset(dx[1].data, 0, mewl_tensor_bytes(&dx[1]));
    }
    return crop_backward(layer, pass, x, y, dy, dx, err);
}

/* Frame i is input frame i + before: a kernel of one with a padding of -before. */
static void crop_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad)
{
    *pad = -((const crop *)layer)->before;
}

static size_t crop_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const crop *self = (const crop *)layer;
    const mewl_fact all[] = {{"before", (double)self->before}, {"after", (double)self->after}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops crop_ops = {.kind = "crop_time",
                                        .facts = crop_facts,
                                        .size = sizeof(crop),
                                        .plan = crop_plan,
                                        .forward = crop_forward,
                                        .backward = crop_backward,
                                        .reach = crop_reach};

static const mewl_layer_ops crop_like_ops = {.kind = "crop_like",
                                             .size = sizeof(crop),
                                             .plan = crop_plan,
                                             .forward = crop_forward,
                                             .backward = crop_like_backward};

mewl_node mewl_net_crop_time(mewl_net *net, const char *name, mewl_node x, int64_t before, int64_t after)
{
    mewl_layer *layer = mewl__net_add(net, &crop_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    if (before < 0 || after < 0 || before > 65536 || after > 65536) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: cannot take %lld and %lld frames away", name,
                              (long long)before, (long long)after);
    }
    ((crop *)layer)->before = before;
    ((crop *)layer)->after = after;
    return (mewl_node)layer->index;
}

mewl_node mewl_net_crop_like(mewl_net *net, const char *name, mewl_node x, mewl_node like)
{
    mewl_layer *layer = mewl__net_add(net, &crop_like_ops, name, (mewl_node[]){x, like}, 2);
    return layer == NULL ? -1 : (mewl_node)layer->index;
}
