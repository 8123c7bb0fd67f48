/* combine.c - layers of two or more inputs: sum, product (with one factor repeated over time and frequency), and
 * joining along channels. */
#include "nn/eight.h"
#include "nn/net_private.h"
#include "nn/quant_private.h"
#include "nn/tile.h"

#include <math.h>

typedef struct combine {
    mewl_layer layer;
    int64_t channels[MEWL_LAYER_INPUTS_MAX];
    size_t count;
    bool relu; /* sum: absorbed in inference */
} combine;

static unsigned reads_eight(const mewl_layer *layer)
{
    return MEWL_LAYER_EIGHT_READS;
}

static mewl_status same_shape(const mewl_tensor *in, const char *what, mewl_error *err)
{
    if (mewl_shape_same(in[0].shape, in[1].shape)) {
        return MEWL_OK;
    }
    char a[64], b[64];
    return mewl_error_set(err, MEWL_E_SHAPE, "cannot %s %s and %s", what, mewl_shape_text(in[0].shape, a, sizeof a),
                          mewl_shape_text(in[1].shape, b, sizeof b));
}

/* ---- Sum ---- */

static mewl_status add_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                            mewl_tensor *out, mewl_error *err)
{
    MEWL_TRY(same_shape(in, "add", err));
    if (mewl__want_eight(plan, in, 2, out)) {
        out->shape = in[0].shape;
        return MEWL_OK;
    }
    mewl__want_float(plan, in, 2);
    in[1].layout = in[0].layout;
    in[1].dtype = in[0].dtype;
    *out = in[0];
    return MEWL_OK;
}

static mewl_status add_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                               mewl_error *err)
{
    const float least = ((const combine *)layer)->relu ? 0.0f : -INFINITY;
    if (mewl__is_eight(y->dtype)) {
        mewl__eight_add(y, &x[0], &x[1], least == 0.0f, pass->threads);
        return MEWL_OK;
    }
    int64_t total = mewl_tensor_stored(y), tiles = (total + MEWL__TILE - 1) / MEWL__TILE;
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (int64_t tile = 0; tile < tiles; tile++) {
        float a_buffer[MEWL__TILE] MEWL__ALIGNED, b_buffer[MEWL__TILE] MEWL__ALIGNED, to[MEWL__TILE] MEWL__ALIGNED;
        size_t at = (size_t)tile * MEWL__TILE, left = (size_t)total - at, count = left < MEWL__TILE ? left : MEWL__TILE;
        const float *a = mewl__tile_load(a_buffer, x[0].data, x[0].dtype, at, count);
        const float *b = mewl__tile_load(b_buffer, x[1].data, x[1].dtype, at, count);
        float *out = mewl__tile_begin(to, y->data, y->dtype, at);
        for (size_t i = 0; i < count; i++) {
            const float sum = a[i] + b[i];
            out[i] = sum < least ? least : sum; /* a NaN stays */
        }
        mewl__tile_flush(out, y->data, y->dtype, at, count);
    }
    return MEWL_OK;
}

static mewl_status add_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    for (int i = 0; i < 2; i++) {
        if (dx[i].data != NULL) {
            mewl__convert(&dx[i], dy, false, pass->threads);
        }
    }
    return MEWL_OK;
}

static bool add_absorb(mewl_layer *layer, const mewl_plan *plan, mewl_layer *next)
{
    combine *self = (combine *)layer;
    if (plan->training || self->relu || next->ops != &mewl__relu_ops) {
        return false;
    }
    self->relu = true;
    return true;
}

static void add_unplan(mewl_layer *layer)
{
    ((combine *)layer)->relu = false;
}

static const mewl_layer_ops add_ops = {.kind = "add",
                                       .size = sizeof(combine),
                                       .plan = add_plan,
                                       .forward = add_forward,
                                       .backward = add_backward,
                                       .absorb = add_absorb,
                                       .unplan = add_unplan,
                                       .eight = reads_eight};

mewl_node mewl_net_add(mewl_net *net, const char *name, mewl_node a, mewl_node b)
{
    mewl_layer *layer = mewl__net_add(net, &add_ops, name, (mewl_node[]){a, b}, 2);
    return layer == NULL ? -1 : (mewl_node)layer->index;
}

/* ---- Product ---- */

static bool broadcasts(const mewl_tensor *x)
{
    return !mewl_shape_same(x[0].shape, x[1].shape);
}

static mewl_status multiply_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                 mewl_tensor *out, mewl_error *err)
{
    if (in[0].layout == MEWL_LAYOUT_LAST) {
        in[0].layout = plan->blocked;
    }
    in[1].layout = in[0].layout;
    in[1].dtype = in[0].dtype;
    if (broadcasts(in)) {
        mewl_tensor each = in[0];
        each.shape.dim[2] = each.shape.dim[3] = 1;
        MEWL_TRY(same_shape((mewl_tensor[]){each, in[1]}, "repeat a factor (N, C, 1, 1) of", err));
        in[1].dtype = MEWL_DTYPE_F32;
    }
    *out = in[0];
    return MEWL_OK;
}

/* Lanes of the factor that belong to a row: one block of it, or a run of the same length as the value. */
static mewl_status multiply_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                    mewl_error *err)
{
    mewl__rows r = mewl__rows_of(y);
    bool repeat = broadcasts(x);
    size_t length = r.positions * r.block, run = MEWL__TILE;
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t row = 0; row < r.n * r.blocks; row++) {
        float a_buffer[MEWL__TILE] MEWL__ALIGNED, b_buffer[MEWL__TILE] MEWL__ALIGNED, to[MEWL__TILE] MEWL__ALIGNED;
        for (size_t at = 0; at < length; at += run) {
            size_t count = length - at < run ? length - at : run, place = row * length + at;
            const float *a = mewl__tile_load(a_buffer, x[0].data, x[0].dtype, place, count);
            float *out = mewl__tile_begin(to, y->data, y->dtype, place);
            if (repeat) {
                const float *b = (const float *)x[1].data + row * r.block;
                for (size_t i = 0; i < count; i++) {
                    out[i] = a[i] * b[i & (r.block - 1)];
                }
            } else {
                const float *b = mewl__tile_load(b_buffer, x[1].data, x[1].dtype, place, count);
                for (size_t i = 0; i < count; i++) {
                    out[i] = a[i] * b[i];
                }
            }
            mewl__tile_flush(out, y->data, y->dtype, place, count);
        }
    }
    return MEWL_OK;
}

/* d of input `which` = dy times the other input, where both are of the output's shape or the other is repeated. */
static void product_gradient(const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *dy, mewl_tensor *dx,
                             int which, bool repeat)
{
    mewl__rows r = mewl__rows_of(dy);
    const mewl_tensor *other = &x[1 - which];
    size_t length = r.positions * r.block, run = MEWL__TILE;
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t row = 0; row < r.n * r.blocks; row++) {
        float a_buffer[MEWL__TILE] MEWL__ALIGNED, b_buffer[MEWL__TILE] MEWL__ALIGNED, to[MEWL__TILE] MEWL__ALIGNED;
        for (size_t at = 0; at < length; at += run) {
            size_t count = length - at < run ? length - at : run, place = row * length + at;
            const float *d = mewl__tile_load(a_buffer, dy->data, dy->dtype, place, count);
            float *out = mewl__tile_begin(to, dx->data, dx->dtype, place);
            if (repeat) {
                const float *b = (const float *)other->data + row * r.block;
                for (size_t i = 0; i < count; i++) {
                    out[i] = d[i] * b[i & (r.block - 1)];
                }
            } else {
                const float *b = mewl__tile_load(b_buffer, other->data, other->dtype, place, count);
                for (size_t i = 0; i < count; i++) {
                    out[i] = d[i] * b[i];
                }
            }
            mewl__tile_flush(out, dx->data, dx->dtype, place, count);
        }
    }
}

/* d of a repeated factor: the sum over positions of dy times the value. */
static void factor_gradient(const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *dy, mewl_tensor *dx)
{
    mewl__rows r = mewl__rows_of(dy);
    size_t length = r.positions * r.block, run = MEWL__TILE;
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t row = 0; row < r.n * r.blocks; row++) {
        float a_buffer[MEWL__TILE] MEWL__ALIGNED, b_buffer[MEWL__TILE] MEWL__ALIGNED;
        double sum[16] = {0};
        for (size_t at = 0; at < length; at += run) {
            size_t count = length - at < run ? length - at : run, place = row * length + at;
            const float *a = mewl__tile_load(a_buffer, x[0].data, x[0].dtype, place, count);
            const float *d = mewl__tile_load(b_buffer, dy->data, dy->dtype, place, count);
            float part[16] = {0};
            for (size_t i = 0; i < count; i++) {
                part[i & (r.block - 1)] += a[i] * d[i];
            }
            for (size_t l = 0; l < r.block; l++) {
                sum[l] += (double)part[l];
            }
        }
        for (size_t l = 0; l < r.block; l++) {
            ((float *)dx->data)[row * r.block + l] = (float)sum[l];
        }
    }
}

static mewl_status multiply_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                     const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    bool repeat = broadcasts(x);
    if (dx[0].data != NULL) {
        product_gradient(pass, x, dy, &dx[0], 0, repeat);
    }
    if (dx[1].data != NULL && repeat) {
        factor_gradient(pass, x, dy, &dx[1]);
    } else if (dx[1].data != NULL) {
        product_gradient(pass, x, dy, &dx[1], 1, false);
    }
    return MEWL_OK;
}

static const mewl_layer_ops multiply_ops = {.kind = "multiply",
                                            .size = sizeof(combine),
                                            .reads = MEWL_LAYER_READS_X,
                                            .plan = multiply_plan,
                                            .forward = multiply_forward,
                                            .backward = multiply_backward};

mewl_node mewl_net_multiply(mewl_net *net, const char *name, mewl_node a, mewl_node b)
{
    mewl_layer *layer = mewl__net_add(net, &multiply_ops, name, (mewl_node[]){a, b}, 2);
    return layer == NULL ? -1 : (mewl_node)layer->index;
}

/* ---- Joining along channels ---- */

static mewl_status concat_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                               mewl_tensor *out, mewl_error *err)
{
    const combine *self = (const combine *)layer;
    const bool eight = mewl__want_eight(plan, in, in_count, out);
    if (!eight) {
        mewl__want_float(plan, in, in_count);
    }
    mewl_layout layout = in[0].layout == MEWL_LAYOUT_LAST ? plan->blocked : in[0].layout;
    int64_t channels = 0;
    for (size_t i = 0; i < in_count; i++) {
        mewl_shape same = in[i].shape;
        same.dim[1] = in[0].shape.dim[1];
        MEWL_TRY(same_shape((mewl_tensor[]){in[0], {.shape = same}}, "join", err));
        channels += self->channels[i];
        if (self->channels[i] % mewl_layout_block(layout, 1) != 0) {
            layout = MEWL_LAYOUT_PLAIN; /* blocks would be cut */
        }
    }
    for (size_t i = 0; i < in_count && !eight; i++) {
        in[i].layout = layout;
        in[i].dtype = in[0].dtype;
        *out = in[0];
    }
    out->shape = in[0].shape;
    out->shape.dim[1] = channels;
    return MEWL_OK;
}

/* Copies between the whole and its parts, which are consecutive in each clip. */
static void copy_parts(const combine *self, const mewl_tensor *whole, const mewl_tensor *parts, bool split)
{
    size_t n = (size_t)whole->shape.dim[0], each = mewl_tensor_bytes(whole) / n, before = 0;
    for (size_t i = 0; i < self->count; i++) {
        size_t bytes =
            (size_t)(self->channels[i] * whole->shape.dim[2] * whole->shape.dim[3]) * mewl_dtype_size(whole->dtype);
        for (size_t k = 0; k < n && parts[i].data != NULL; k++) {
            char *in_whole = (char *)whole->data + k * each + before, *in_part = (char *)parts[i].data + k * bytes;
            memcpy(split ? in_part : in_whole, split ? in_whole : in_part, bytes);
        }
        before += bytes;
    }
}

static mewl_status concat_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                  mewl_error *err)
{
    if (mewl__is_eight(y->dtype)) {
        mewl__eight_concat(y, x, ((const combine *)layer)->count, pass->threads);
    } else {
        copy_parts((const combine *)layer, y, x, false);
    }
    return MEWL_OK;
}

static mewl_status concat_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                   const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    copy_parts((const combine *)layer, dy, dx, true);
    return MEWL_OK;
}

static const mewl_layer_ops concat_ops = {.kind = "concat",
                                          .size = sizeof(combine),
                                          .plan = concat_plan,
                                          .forward = concat_forward,
                                          .backward = concat_backward,
                                          .eight = reads_eight};

mewl_node mewl_net_concat(mewl_net *net, const char *name, const mewl_node *x, size_t count)
{
    if (net->build_status == MEWL_OK && (count < 2 || count > MEWL_LAYER_INPUTS_MAX)) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: joins 2 to %d values, not %zu", name, MEWL_LAYER_INPUTS_MAX,
                              count);
    }
    mewl_layer *layer = mewl__net_add(net, &concat_ops, name, x, count);
    if (layer == NULL) {
        return -1;
    }
    combine *self = (combine *)layer;
    self->count = count;
    layer->channels = 0;
    for (size_t i = 0; i < count; i++) {
        self->channels[i] = net->layers[x[i]]->channels;
        layer->channels += self->channels[i];
    }
    return (mewl_node)layer->index;
}
