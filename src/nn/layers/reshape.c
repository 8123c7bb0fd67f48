/* reshape.c - layers that only move values: slices of channels or features, features to channels' side and back, rows
 * to one line, mirrored edges. Whatever the map's element type.
 */
#include "nn/net_private.h"

#include <string.h>

typedef struct reshape {
    mewl_layer layer;
    int64_t first, count; /* of a slice; frames before and after of padding */
} reshape;

static mewl_node reshape_add(mewl_net *net, const mewl_layer_ops *ops, const char *name, mewl_node x, int64_t first,
                             int64_t count, mewl_layer **layer)
{
    *layer = mewl__net_add(net, ops, name, &x, 1);
    if (*layer == NULL) {
        return -1;
    }
    ((reshape *)*layer)->first = first;
    ((reshape *)*layer)->count = count;
    return (mewl_node)(*layer)->index;
}

/* ---- Channels [first, first + count) ---- */

static mewl_status slice_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                              mewl_tensor *out, mewl_error *err)
{
    const reshape *self = (const reshape *)layer;
    if (in->layout == MEWL_LAYOUT_LAST) {
        in->layout = plan->blocked;
    }
    int64_t block = mewl_layout_block(in->layout, 1);
    if (self->first % block != 0 || self->count % block != 0) {
        in->layout = MEWL_LAYOUT_PLAIN; /* blocks would be cut */
    }
    *out = *in;
    out->shape.dim[1] = self->count;
    return MEWL_OK;
}

static mewl_status slice_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                 mewl_error *err)
{
    const reshape *self = (const reshape *)layer;
    size_t n = (size_t)x->shape.dim[0], whole = mewl_tensor_bytes(x) / n, part = mewl_tensor_bytes(y) / n;
    size_t before = (size_t)self->first * (part / (size_t)self->count);
    for (size_t i = 0; i < n; i++) {
        memcpy((char *)y->data + i * part, (const char *)x->data + i * whole + before, part);
    }
    return MEWL_OK;
}

static mewl_status slice_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                  const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    const reshape *self = (const reshape *)layer;
    if (dx[0].data == NULL) {
        return MEWL_OK;
    }
    size_t n = (size_t)x->shape.dim[0], whole = mewl_tensor_bytes(x) / n, part = mewl_tensor_bytes(dy) / n;
    size_t before = (size_t)self->first * (part / (size_t)self->count);
    memset(dx[0].data, 0, n * whole);
    for (size_t i = 0; i < n; i++) {
        memcpy((char *)dx[0].data + i * whole + before, (const char *)dy->data + i * part, part);
    }
    return MEWL_OK;
}

static size_t reshape_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const reshape *self = (const reshape *)layer;
    const mewl_fact all[] = {{"first", (double)self->first}, {"count", (double)self->count}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops slice_ops = {.kind = "slice",
                                         .facts = reshape_facts,
                                         .size = sizeof(reshape),
                                         .plan = slice_plan,
                                         .forward = slice_forward,
                                         .backward = slice_backward};

mewl_node mewl_net_slice(mewl_net *net, const char *name, mewl_node x, int64_t first, int64_t count)
{
    mewl_layer *layer;
    mewl_node node = reshape_add(net, &slice_ops, name, x, first, count, &layer);
    if (node < 0) {
        return -1;
    }
    if (first < 0 || count < 1 || first >= layer->channels || count > layer->channels - first) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: channels %lld to %lld of %lld", name, (long long)first,
                              (long long)(first + count - 1), (long long)layer->channels);
    }
    layer->channels = count;
    return node;
}

/* ---- Features [first, first + count) ---- */

static mewl_status columns_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                mewl_tensor *out, mewl_error *err)
{
    in->layout = MEWL_LAYOUT_PLAIN;
    *out = *in;
    out->shape.dim[3] = ((const reshape *)layer)->count;
    return MEWL_OK;
}

/* Copies the columns of `part` out of `whole`, or into it. */
static void copy_columns(const reshape *self, char *whole, char *part, const mewl_tensor *like, bool into)
{
    size_t size = mewl_dtype_size(like->dtype), bytes = (size_t)self->count * size;
    size_t stride = (size_t)like->shape.dim[3] * size, before = (size_t)self->first * size;
    size_t rows = (size_t)(like->shape.dim[0] * like->shape.dim[1] * like->shape.dim[2]);
    for (size_t r = 0; r < rows; r++) {
        char *in_whole = whole + r * stride + before, *in_part = part + r * bytes;
        memcpy(into ? in_whole : in_part, into ? in_part : in_whole, bytes);
    }
}

static mewl_status columns_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                   mewl_error *err)
{
    copy_columns((const reshape *)layer, x->data, y->data, x, false);
    return MEWL_OK;
}

static mewl_status columns_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                    const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    if (dx[0].data != NULL) {
        memset(dx[0].data, 0, mewl_tensor_bytes(&dx[0]));
        copy_columns((const reshape *)layer, dx[0].data, dy->data, x, true);
    }
    return MEWL_OK;
}

static const mewl_layer_ops columns_ops = {.kind = "slice_features",
                                           .facts = reshape_facts,
                                           .size = sizeof(reshape),
                                           .plan = columns_plan,
                                           .forward = columns_forward,
                                           .backward = columns_backward};

mewl_node mewl_net_slice_features(mewl_net *net, const char *name, mewl_node x, int64_t first, int64_t count)
{
    mewl_layer *layer;
    mewl_node node = reshape_add(net, &columns_ops, name, x, first, count, &layer);
    if (node < 0) {
        return -1;
    }
    if (first < 0 || count < 1 || first >= layer->features || count > layer->features - first) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: features %lld to %lld of %lld", name, (long long)first,
                              (long long)(first + count - 1), (long long)layer->features);
    }
    layer->features = count;
    return node;
}

/* ---- (N, C F, T, 1) to (N, C, T, F) ---- */

static mewl_status unflatten_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                  mewl_tensor *out, mewl_error *err)
{
    int64_t features = ((const reshape *)layer)->count;
    mewl__want_plain(in);
    *out = *in;
    out->shape = mewl_shape_map(in->shape.dim[0], in->shape.dim[1] / features, in->shape.dim[2], features);
    return MEWL_OK;
}

/* The last two axes of each plane swapped: (f, t) on the flat side, (t, f) on the other. */
static void swap_axes(float *out, const float *in, size_t planes, size_t rows, size_t columns)
{
    for (size_t p = 0; p < planes; p++, in += rows * columns, out += rows * columns) {
        for (size_t r = 0; r < rows; r++) {
            for (size_t c = 0; c < columns; c++) {
                out[c * rows + r] = in[r * columns + c];
            }
        }
    }
}

static mewl_status unflatten_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                     mewl_error *err)
{
    swap_axes(y->data, x->data, (size_t)(y->shape.dim[0] * y->shape.dim[1]), (size_t)y->shape.dim[3],
              (size_t)y->shape.dim[2]);
    return MEWL_OK;
}

static mewl_status unflatten_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                      const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    if (dx[0].data != NULL) {
        swap_axes(dx[0].data, dy->data, (size_t)(y->shape.dim[0] * y->shape.dim[1]), (size_t)y->shape.dim[2],
                  (size_t)y->shape.dim[3]);
    }
    return MEWL_OK;
}

static const mewl_layer_ops unflatten_ops = {.kind = "unflatten",
                                             .size = sizeof(reshape),
                                             .plan = unflatten_plan,
                                             .forward = unflatten_forward,
                                             .backward = unflatten_backward};

mewl_node mewl_net_unflatten_features(mewl_net *net, const char *name, mewl_node x, int64_t features)
{
    mewl_layer *layer;
    mewl_node node = reshape_add(net, &unflatten_ops, name, x, 0, features, &layer);
    if (node < 0) {
        return -1;
    }
    if (features < 1 || layer->features != 1 || layer->channels % features != 0) {
        return mewl__net_fail(net, MEWL_E_SHAPE, "layer %s: %lld channels of %lld features cannot give %lld features",
                              name, (long long)layer->channels, (long long)layer->features, (long long)features);
    }
    layer->channels /= features;
    layer->features = features;
    return node;
}

/* ---- (N, C, T, F) to (N, C, T F, 1) ---- */

static mewl_status line_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                             mewl_tensor *out, mewl_error *err)
{
    *out = *in; /* the memory is the same in every layout */
    out->shape.dim[2] = in->shape.dim[2] * in->shape.dim[3];
    out->shape.dim[3] = 1;
    return MEWL_OK;
}

static mewl_status line_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                mewl_error *err)
{
    memcpy(y->data, x->data, mewl_tensor_bytes(x));
    return MEWL_OK;
}

static mewl_status line_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                 const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    if (dx[0].data != NULL) {
        memcpy(dx[0].data, dy->data, mewl_tensor_bytes(dy));
    }
    return MEWL_OK;
}

static const mewl_layer_ops line_ops = {.kind = "features_to_time",
                                        .size = sizeof(reshape),
                                        .plan = line_plan,
                                        .forward = line_forward,
                                        .backward = line_backward};

mewl_node mewl_net_features_to_time(mewl_net *net, const char *name, mewl_node x)
{
    mewl_layer *layer;
    mewl_node node = reshape_add(net, &line_ops, name, x, 0, 0, &layer);
    if (node >= 0) {
        layer->features = 1;
    }
    return node;
}
