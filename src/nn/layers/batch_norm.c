/* batch_norm.c - batch normalisation per channel or per feature, with running statistics; in training it takes over a
 * ReLU after it.
 *
 * Batch statistics (PyTorch's BatchNorm in training): y = (x - mean) / sqrt(var + eps) weight + bias, var biased;
 * running = (1 - momentum) running + momentum batch, with the unbiased variance. Sums are taken over runs in float32
 * and then in double, around the channel's first value, and added in a fixed order whatever the thread count.
 */
#include "nn/net_private.h"
#include "nn/tile.h"

#include <math.h>
#include <stdlib.h>

typedef struct batch_norm {
    mewl_layer layer;
    mewl_batch_norm_opts opts;
    int64_t size;    /* channels or features normalised separately */
    size_t padded;   /* size rounded up to blocks of 16 */
    bool relu;       /* absorbed */
    double *partial; /* two sums for each row and lane */
    size_t partial_count;
    float *scale, *shift;  /* y = scale x + shift */
    float *mean, *inverse; /* of the batch: mean and 1 / sqrt(var + eps) */
    float *a, *b, *c;      /* dx = a dy + b x + c */
    float *pivot;
} batch_norm;

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR };

static const float *values(const mewl_layer *layer, int which)
{
    return layer->params[which]->value.data;
}

/* Fixed statistics: in inference, and when frozen. */
static bool fixed(const batch_norm *self, bool training)
{
    return !training || self->layer.params[WEIGHT]->frozen;
}

bool mewl__batch_norm_affine(const mewl_layer *layer, float *scale, float *shift)
{
    const batch_norm *self = (const batch_norm *)layer;
    if (self->opts.features) {
        return false;
    }
    for (int64_t i = 0; i < self->size && scale != NULL; i++) {
        double s = values(layer, WEIGHT)[i] / sqrt((double)values(layer, RUNNING_VAR)[i] + self->opts.eps);
        scale[i] = (float)s;
        shift[i] = (float)(values(layer, BIAS)[i] - s * values(layer, RUNNING_MEAN)[i]);
    }
    return true;
}

static void fixed_affine(batch_norm *self)
{
    const mewl_layer *layer = &self->layer;
    for (int64_t i = 0; i < self->size; i++) {
        double inverse = 1.0 / sqrt((double)values(layer, RUNNING_VAR)[i] + self->opts.eps);
        self->mean[i] = values(layer, RUNNING_MEAN)[i];
        self->inverse[i] = (float)inverse;
        self->scale[i] = (float)(values(layer, WEIGHT)[i] * inverse);
        self->shift[i] = (float)(values(layer, BIAS)[i] - values(layer, WEIGHT)[i] * inverse * self->mean[i]);
    }
}

/* How memory is walked: `rows` rows of `length` elements; element i of row r belongs to group (r % cycle) * width +
 * i % width. By channel: a row is one channel block of one clip. By feature: a row is one clip's channel. */
typedef struct walk {
    size_t rows, length, cycle, width;
} walk;

static walk walk_of(const batch_norm *self, const mewl_tensor *x)
{
    mewl__rows r = mewl__rows_of(x);
    if (self->opts.features) {
        return (walk){r.n * r.channels, r.positions, 1, (size_t)self->size};
    }
    return (walk){r.n * r.blocks, r.positions * r.block, r.blocks, r.block};
}

/* Elements of a run: a whole number of widths, so that lanes stay in step. */
static size_t run_of(const walk *w)
{
    return w->width >= MEWL__TILE ? w->width : MEWL__TILE / w->width * w->width;
}

static mewl_status batch_norm_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                   mewl_tensor *out, mewl_error *err)
{
    batch_norm *self = (batch_norm *)layer;
    if (self->opts.features) {
        in->layout = MEWL_LAYOUT_PLAIN;
        in->dtype = MEWL_DTYPE_F32;
    } else if (in->layout == MEWL_LAYOUT_LAST) {
        in->layout = plan->blocked;
    }
    *out = *in;
    if (plan->training && in->shape.dim[0] * in->shape.dim[2] < 2 && !fixed(self, true) &&
        mewl_shape_count(in->shape) / self->size < 2) {
        return mewl_error_set(err, MEWL_E_SHAPE, "batch statistics need more than one value a channel");
    }
    walk w = walk_of(self, in);
    size_t floats = self->padded * sizeof(float);
    self->partial_count = w.rows * w.width * 2;
    self->partial = mewl__alloc(plan->training ? self->partial_count * sizeof(double) : 0);
    float **arrays[] = {&self->scale, &self->shift, &self->mean, &self->inverse,
                        &self->a,     &self->b,     &self->c,    &self->pivot};
    bool fine = self->partial != NULL;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        *arrays[i] = mewl__alloc(floats);
        fine = fine && *arrays[i] != NULL;
    }
    return fine ? MEWL_OK : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for batch statistics");
}

/* Adds sums of u and v over i % 16 (or 8, or 1, or any width) to `sum` of width x 2. */
static void lane_sums(double *sum, const float *u, const float *v, size_t count, size_t width)
{
    if (width == 1) {
        float s[16] = {0}, t[16] = {0};
        size_t i = 0;
        for (; i + 16 <= count; i += 16) {
            for (size_t k = 0; k < 16; k++) {
                s[k] += u[i + k];
                t[k] += v[i + k];
            }
        }
        for (; i < count; i++) {
            s[0] += u[i];
            t[0] += v[i];
        }
        for (size_t k = 0; k < 16; k++) {
            sum[0] += (double)s[k];
            sum[1] += (double)t[k];
        }
    } else if (width == 16) {
        float s[16] = {0}, t[16] = {0};
        for (size_t i = 0; i < count; i += 16) {
            for (size_t k = 0; k < 16; k++) {
                s[k] += u[i + k];
                t[k] += v[i + k];
            }
        }
        for (size_t k = 0; k < 16; k++) {
            sum[2 * k] += (double)s[k];
            sum[2 * k + 1] += (double)t[k];
        }
    } else {
        for (size_t i = 0; i < count; i += width) {
            for (size_t k = 0; k < width; k++) {
                sum[2 * k] += (double)u[i + k];
                sum[2 * k + 1] += (double)v[i + k];
            }
        }
    }
}

/* y or sums, element by element of a run: lane i % width of the arrays at `lane`. The three loops have widths known to
 * the compiler where it matters. */
#define LANES(count, width, body)                                                                                      \
    do {                                                                                                               \
        if ((width) == 16) {                                                                                           \
            for (size_t i0 = 0; i0 < (count); i0 += 16) {                                                              \
                for (size_t l = 0; l < 16; l++) {                                                                      \
                    size_t i = i0 + l;                                                                                 \
                    body;                                                                                              \
                }                                                                                                      \
            }                                                                                                          \
        } else if ((width) == 1) {                                                                                     \
            const size_t l = 0;                                                                                        \
            for (size_t i = 0; i < (count); i++) {                                                                     \
                body;                                                                                                  \
            }                                                                                                          \
        } else {                                                                                                       \
            for (size_t i0 = 0; i0 < (count); i0 += (width)) {                                                         \
                for (size_t l = 0; l < (width); l++) {                                                                 \
                    size_t i = i0 + l;                                                                                 \
                    body;                                                                                              \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

/* Sums of x - pivot and its square by lane for each row, into partial. */
static void row_statistics(batch_norm *self, const walk *w, const mewl_tensor *x, size_t row)
{
    float from[MEWL__TILE] MEWL__ALIGNED, u[MEWL__TILE] MEWL__ALIGNED, v[MEWL__TILE] MEWL__ALIGNED;
    double *sum = self->partial + row * w->width * 2;
    const float *pivot = self->pivot + row % w->cycle * w->width;
    size_t width = w->width, run = run_of(w);
    memset(sum, 0, width * 2 * sizeof *sum);
    for (size_t at = 0; at < w->length; at += run) {
        size_t count = w->length - at < run ? w->length - at : run;
        const float *in = mewl__tile_load(from, x->data, x->dtype, row * w->length + at, count);
        LANES(count, width, {
            float d = in[i] - pivot[l];
            u[i] = d;
            v[i] = d * d;
        });
        lane_sums(sum, u, v, count, width);
    }
}

/* Adds up the rows' partial sums of group g in the order of rows. */
static void group_sums(const batch_norm *self, const walk *w, size_t g, double *first, double *second)
{
    *first = *second = 0.0;
    for (size_t row = g / w->width; row < w->rows; row += w->cycle) {
        *first += self->partial[(row * w->width + g % w->width) * 2];
        *second += self->partial[(row * w->width + g % w->width) * 2 + 1];
    }
}

static void batch_statistics(batch_norm *self, const walk *w, const mewl_tensor *x, int threads)
{
    mewl_layer *layer = &self->layer;
    for (size_t g = 0; g < (size_t)self->size; g++) {
        float first[1];
        size_t at = g / w->width * w->length + g % w->width;
        self->pivot[g] = mewl__tile_load(first, x->data, x->dtype, at, 1)[0];
    }
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (size_t row = 0; row < w->rows; row++) {
        row_statistics(self, w, x, row);
    }
    double count = (double)mewl_shape_count(x->shape) / (double)self->size, m = self->opts.momentum;
    float *running_mean = layer->params[RUNNING_MEAN]->value.data,
          *running_var = layer->params[RUNNING_VAR]->value.data;
    for (size_t g = 0; g < (size_t)self->size; g++) {
        double sum, squares;
        group_sums(self, w, g, &sum, &squares);
        double offset = sum / count, mean = self->pivot[g] + offset, var = squares / count - offset * offset;
        var = var < 0.0 ? 0.0 : var;
        double inverse = 1.0 / sqrt(var + self->opts.eps);
        self->mean[g] = (float)mean;
        self->inverse[g] = (float)inverse;
        self->scale[g] = (float)(values(layer, WEIGHT)[g] * inverse);
        self->shift[g] = (float)(values(layer, BIAS)[g] - values(layer, WEIGHT)[g] * inverse * mean);
        double unbiased = count > 1.0 ? var * count / (count - 1.0) : var;
        running_mean[g] = (float)((1.0 - m) * running_mean[g] + m * mean);
        running_var[g] = (float)((1.0 - m) * running_var[g] + m * unbiased);
    }
}

static void row_apply(const batch_norm *self, const walk *w, const mewl_tensor *x, mewl_tensor *y, size_t row)
{
    float from[MEWL__TILE] MEWL__ALIGNED, to[MEWL__TILE] MEWL__ALIGNED;
    size_t lane = row % w->cycle * w->width, width = w->width, run = run_of(w);
    const float *scale = self->scale + lane, *shift = self->shift + lane;
    float floor = self->relu ? 0.0f : -INFINITY;
    for (size_t at = 0; at < w->length; at += run) {
        size_t count = w->length - at < run ? w->length - at : run, place = row * w->length + at;
        const float *in = mewl__tile_load(from, x->data, x->dtype, place, count);
        float *out = mewl__tile_begin(to, y->data, y->dtype, place);
        LANES(count, width, {
            float value = in[i] * scale[l] + shift[l];
            out[i] = value < floor ? floor : value;
        });
        mewl__tile_flush(out, y->data, y->dtype, place, count);
    }
}

static mewl_status batch_norm_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                      mewl_error *err)
{
    batch_norm *self = (batch_norm *)layer;
    walk w = walk_of(self, x);
    if (!fixed(self, pass->training)) {
        batch_statistics(self, &w, x, pass->threads);
    } else if (pass->weights_changed) {
        fixed_affine(self);
    }
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t row = 0; row < w.rows; row++) {
        row_apply(self, &w, x, y, row);
    }
    return MEWL_OK;
}

/* Sums of dy and dy * (x - mean) by lane, dy being 0 where an absorbed ReLU was. */
static void row_gradient_sums(batch_norm *self, const walk *w, const mewl_tensor *x, const mewl_tensor *dy, size_t row)
{
    float x_buffer[MEWL__TILE] MEWL__ALIGNED, dy_buffer[MEWL__TILE] MEWL__ALIGNED;
    float u[MEWL__TILE] MEWL__ALIGNED, v[MEWL__TILE] MEWL__ALIGNED;
    double *sum = self->partial + row * w->width * 2;
    size_t lane = row % w->cycle * w->width, width = w->width, run = run_of(w);
    const float *mean = self->mean + lane, *scale = self->scale + lane, *shift = self->shift + lane;
    float floor = self->relu ? 0.0f : -INFINITY;
    memset(sum, 0, width * 2 * sizeof *sum);
    for (size_t at = 0; at < w->length; at += run) {
        size_t count = w->length - at < run ? w->length - at : run, place = row * w->length + at;
        const float *in = mewl__tile_load(x_buffer, x->data, x->dtype, place, count);
        const float *d = mewl__tile_load(dy_buffer, dy->data, dy->dtype, place, count);
        LANES(count, width, {
            float g = in[i] * scale[l] + shift[l] > floor ? d[i] : 0.0f;
            u[i] = g;
            v[i] = g * (in[i] - mean[l]);
        });
        lane_sums(sum, u, v, count, width);
    }
}

static void row_gradient(const batch_norm *self, const walk *w, const mewl_tensor *x, const mewl_tensor *dy,
                         mewl_tensor *dx, size_t row)
{
    float x_buffer[MEWL__TILE] MEWL__ALIGNED, dy_buffer[MEWL__TILE] MEWL__ALIGNED, to[MEWL__TILE] MEWL__ALIGNED;
    size_t lane = row % w->cycle * w->width, width = w->width, run = run_of(w);
    const float *scale = self->scale + lane, *shift = self->shift + lane;
    const float *a = self->a + lane, *b = self->b + lane, *c = self->c + lane;
    float floor = self->relu ? 0.0f : -INFINITY;
    for (size_t at = 0; at < w->length; at += run) {
        size_t count = w->length - at < run ? w->length - at : run, place = row * w->length + at;
        const float *in = mewl__tile_load(x_buffer, x->data, x->dtype, place, count);
        const float *d = mewl__tile_load(dy_buffer, dy->data, dy->dtype, place, count);
        float *out = mewl__tile_begin(to, dx->data, dx->dtype, place);
        LANES(count, width, {
            float g = in[i] * scale[l] + shift[l] > floor ? d[i] : 0.0f;
            out[i] = a[l] * g + b[l] * in[i] + c[l];
        });
        mewl__tile_flush(out, dx->data, dx->dtype, place, count);
    }
}

static mewl_status batch_norm_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                       const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    batch_norm *self = (batch_norm *)layer;
    walk w = walk_of(self, x);
    bool constant = fixed(self, true);
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
    for (size_t row = 0; row < w.rows; row++) {
        row_gradient_sums(self, &w, x, dy, row);
    }
    mewl_param *weight = layer->params[WEIGHT], *bias = layer->params[BIAS];
    double count = (double)mewl_shape_count(x->shape) / (double)self->size;
    for (size_t g = 0; g < (size_t)self->size; g++) {
        double sum, product;
        group_sums(self, &w, g, &sum, &product);
        double inverse = self->inverse[g], xhat_sum = product * inverse;
        if (!weight->frozen) {
            ((float *)weight->grad.data)[g] += (float)xhat_sum;
        }
        if (!bias->frozen) {
            ((float *)bias->grad.data)[g] += (float)sum;
        }
        /* dx = w inverse (dy - mean(dy) - xhat mean(dy xhat)), xhat = (x - mean) inverse */
        double scale = values(layer, WEIGHT)[g] * inverse;
        double slope = constant ? 0.0 : -scale * inverse * xhat_sum / count;
        self->a[g] = (float)scale;
        self->b[g] = (float)slope;
        self->c[g] = constant ? 0.0f : (float)(-scale * sum / count - slope * self->mean[g]);
    }
    if (dx[0].data != NULL) {
#pragma omp parallel for num_threads(pass->threads) if (pass->threads > 1) schedule(static)
        for (size_t row = 0; row < w.rows; row++) {
            row_gradient(self, &w, x, dy, dx, row);
        }
    }
    return MEWL_OK;
}

static bool batch_norm_absorb(mewl_layer *layer, const mewl_plan *plan, mewl_layer *next)
{
    batch_norm *self = (batch_norm *)layer;
    if (self->relu || next->ops != &mewl__relu_ops) {
        return false;
    }
    self->relu = true;
    return true;
}

static void batch_norm_unplan(mewl_layer *layer)
{
    batch_norm *self = (batch_norm *)layer;
    float **arrays[] = {&self->scale, &self->shift, &self->mean, &self->inverse,
                        &self->a,     &self->b,     &self->c,    &self->pivot};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        free(*arrays[i]);
        *arrays[i] = NULL;
    }
    free(self->partial);
    self->partial = NULL;
    self->relu = false;
}

static size_t batch_norm_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const batch_norm *self = (const batch_norm *)layer;
    const mewl_fact all[] = {{"eps", self->opts.eps}, {"features", self->opts.features ? 1.0 : 0.0}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

const mewl_layer_ops mewl__batch_norm_ops = {
    .kind = "batch_norm",
    .facts = batch_norm_facts,
    .size = sizeof(batch_norm),
    .reads = MEWL_LAYER_READS_X,
    .plan = batch_norm_plan,
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
    .absorb = batch_norm_absorb,
    .unplan = batch_norm_unplan,
};

mewl_node mewl_net_batch_norm(mewl_net *net, const char *name, mewl_node x, mewl_batch_norm_opts opts)
{
    mewl_layer *layer = mewl__net_add(net, &mewl__batch_norm_ops, name, &x, 1);
    if (layer == NULL) {
        return -1;
    }
    batch_norm *self = (batch_norm *)layer;
    opts.eps = opts.eps == 0.0 ? 1e-5 : opts.eps;
    opts.momentum = opts.momentum == 0.0 ? 0.1 : opts.momentum;
    self->opts = opts;
    self->size = opts.features ? layer->features : layer->channels;
    self->padded = ((size_t)self->size + 15) / 16 * 16;
    if (!(opts.eps > 0.0 && opts.eps <= 1.0) || !(opts.momentum > 0.0 && opts.momentum <= 1.0) ||
        (opts.features && self->size > MEWL__TILE)) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: eps or momentum outside (0, 1], or over %d features", name,
                              MEWL__TILE);
    }
    mewl_error err = {0};
    mewl_shape shape = mewl_shape_of(1, self->size, 1, 1, 1);
    mewl_status status = mewl__layer_param(layer, "weight", shape, opts.zero ? 0.0f : 1.0f, 0.0f, false, &err);
    if (status == MEWL_OK) {
        status = mewl__layer_param(layer, "bias", shape, 0.0f, 0.0f, false, &err);
    }
    if (status == MEWL_OK) {
        status = mewl__layer_param(layer, "running_mean", shape, 0.0f, 0.0f, true, &err);
    }
    if (status == MEWL_OK) {
        status = mewl__layer_param(layer, "running_var", shape, 1.0f, 0.0f, true, &err);
    }
    return mewl__net_done(net, layer, status, &err);
}
