/* statistics.c - mean and standard deviation over time of (N, C, T, 1): alone, beside each frame, and weighted by
 * attention scores. In plain float32, sums in double.
 */
#include "nn/net_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct statistics {
    mewl_layer layer;
    mewl_stats_opts opts;
    float *kept;  /* (N, 2 C): means, deviations */
    float *share; /* attentive: (N, C, T) weights of frames */
} statistics;

static void statistics_unplan(mewl_layer *layer)
{
    statistics *self = (statistics *)layer;
    free(self->kept);
    free(self->share);
    self->kept = self->share = NULL;
}

static mewl_status statistics_plan(statistics *self, mewl_tensor *in, mewl_tensor *out, bool share, mewl_error *err)
{
    if (in->shape.dim[3] != 1) {
        return mewl_error_set(err, MEWL_E_SHAPE, "a sequence has one feature, not %lld", (long long)in->shape.dim[3]);
    }
    if (self->opts.unbiased && in->shape.dim[2] < 2) {
        return mewl_error_set(err, MEWL_E_SHAPE, "one frame has no unbiased variance");
    }
    mewl__want_plain(in);
    *out = *in;
    self->kept = mewl__alloc((size_t)(2 * in->shape.dim[0] * in->shape.dim[1]) * sizeof(float));
    self->share = share ? mewl__alloc((size_t)mewl_shape_count(in->shape) * sizeof(float)) : NULL;
    return self->kept != NULL && (self->share != NULL || !share)
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_MEMORY, "out of memory for statistics");
}

static mewl_node statistics_add(mewl_net *net, const mewl_layer_ops *ops, const char *name, const mewl_node *x,
                                size_t count, mewl_stats_opts opts, int64_t times)
{
    mewl_layer *layer = mewl__net_add(net, ops, name, x, count);
    if (layer == NULL) {
        return -1;
    }
    if (!(opts.eps >= 0.0) || layer->features != 1 || layer->channels > 65536 / times) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: eps %g, %lld channels of %lld features", name, opts.eps,
                              (long long)layer->channels, (long long)layer->features);
    }
    opts.eps = opts.eps > 0.0 ? opts.eps : 1e-12;
    ((statistics *)layer)->opts = opts;
    layer->channels *= times;
    return (mewl_node)layer->index;
}

static void statistics_reach(const mewl_layer *layer, int64_t *kernel, int64_t *stride, int64_t *dilation, int64_t *pad)
{
    *kernel = 0;
}

static double divisor(const statistics *self, int64_t frames)
{
    return (double)(self->opts.unbiased ? frames - 1 : frames);
}

void mewl__row_moments(double *mean, double *squares, const float *row, int64_t count)
{
    double sum = 0.0, off = 0.0;
    for (int64_t t = 0; t < count; t++) {
        sum += (double)row[t];
    }
    const double middle = sum / (double)count;
    for (int64_t t = 0; t < count; t++) {
        off += ((double)row[t] - middle) * ((double)row[t] - middle);
    }
    *mean = middle;
    *squares = off;
}

/* Means and deviations of every row into kept. */
static void measure(statistics *self, const mewl_tensor *x)
{
    int64_t c = x->shape.dim[1], frames = x->shape.dim[2];
    for (int64_t r = 0; r < x->shape.dim[0] * c; r++) {
        const float *in = (const float *)x->data + r * frames;
        double mean, squares;
        mewl__row_moments(&mean, &squares, in, frames);
        float *kept = self->kept + r / c * 2 * c + r % c;
        kept[0] = (float)mean;
        kept[c] = (float)sqrt(fmax(squares / divisor(self, frames), self->opts.eps));
    }
}

/* Is the deviation above its floor, so that a gradient passes? */
static bool deviates(const statistics *self, float deviation)
{
    return (double)deviation * (double)deviation > self->opts.eps * (1.0 + 1e-6);
}

/* out[t] = (add ? out[t] : 0) + gradient of row r's frames from those of its mean and deviation. */
static void measure_backward(const statistics *self, float *out, const float *in, int64_t frames, float mean,
                             float deviation, float dmean, float ddeviation, bool add)
{
    float level = dmean / (float)frames;
    float slope = deviates(self, deviation) ? ddeviation / (deviation * (float)divisor(self, frames)) : 0.0f;
    for (int64_t t = 0; t < frames; t++) {
        out[t] = (add ? out[t] : 0.0f) + level + slope * (in[t] - mean);
    }
}

/* ---- Alone ---- */

static mewl_status stats_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                              mewl_tensor *out, mewl_error *err)
{
    MEWL_TRY(statistics_plan((statistics *)layer, in, out, false, err));
    out->shape = mewl_shape_map(in->shape.dim[0], 2 * in->shape.dim[1], 1, 1);
    return MEWL_OK;
}

static mewl_status stats_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                 mewl_error *err)
{
    statistics *self = (statistics *)layer;
    measure(self, x);
    memcpy(y->data, self->kept, mewl_tensor_bytes(y));
    return MEWL_OK;
}

static mewl_status stats_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, const mewl_tensor *y,
                                  const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    const statistics *self = (const statistics *)layer;
    int64_t c = x->shape.dim[1], frames = x->shape.dim[2];
    for (int64_t r = 0; r < x->shape.dim[0] * c && dx[0].data != NULL; r++) {
        int64_t at = r / c * 2 * c + r % c;
        const float *grad = (const float *)dy->data + at;
        measure_backward(self, (float *)dx[0].data + r * frames, (const float *)x->data + r * frames, frames,
                         self->kept[at], self->kept[at + c], grad[0], grad[c], false);
    }
    return MEWL_OK;
}

static size_t statistics_facts(const mewl_layer *layer, mewl_fact *facts)
{
    const statistics *self = (const statistics *)layer;
    const mewl_fact all[] = {{"eps", self->opts.eps}, {"unbiased", self->opts.unbiased ? 1.0 : 0.0}};
    memcpy(facts, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static const mewl_layer_ops stats_ops = {.kind = "time_stats",
                                         .facts = statistics_facts,
                                         .size = sizeof(statistics),
                                         .reads = MEWL_LAYER_READS_X,
                                         .plan = stats_plan,
                                         .forward = stats_forward,
                                         .backward = stats_backward,
                                         .unplan = statistics_unplan,
                                         .reach = statistics_reach};

mewl_node mewl_net_time_stats(mewl_net *net, const char *name, mewl_node x, mewl_stats_opts opts)
{
    return statistics_add(net, &stats_ops, name, &x, 1, opts, 2);
}

/* ---- Beside each frame ---- */

static mewl_status context_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                mewl_tensor *out, mewl_error *err)
{
    MEWL_TRY(statistics_plan((statistics *)layer, in, out, false, err));
    out->shape.dim[1] = 3 * in->shape.dim[1];
    return MEWL_OK;
}

static mewl_status context_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                   mewl_error *err)
{
    statistics *self = (statistics *)layer;
    int64_t c = x->shape.dim[1], frames = x->shape.dim[2];
    measure(self, x);
    for (int64_t i = 0; i < x->shape.dim[0]; i++) {
        float *out = (float *)y->data + i * 3 * c * frames;
        memcpy(out, (const float *)x->data + i * c * frames, (size_t)(c * frames) * sizeof *out);
        for (int64_t r = 0; r < 2 * c; r++) {
            for (int64_t t = 0; t < frames; t++) {
                out[(c + r) * frames + t] = self->kept[i * 2 * c + r];
            }
        }
    }
    return MEWL_OK;
}

static float row_sum(const float *x, int64_t count)
{
    double sum = 0.0;
    for (int64_t t = 0; t < count; t++) {
        sum += (double)x[t];
    }
    return (float)sum;
}

static mewl_status context_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                    const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    const statistics *self = (const statistics *)layer;
    int64_t c = x->shape.dim[1], frames = x->shape.dim[2];
    for (int64_t r = 0; r < x->shape.dim[0] * c && dx[0].data != NULL; r++) {
        int64_t i = r / c, k = r % c, at = i * 2 * c + k;
        const float *grad = (const float *)dy->data + (i * 3 * c + k) * frames;
        float *out = (float *)dx[0].data + r * frames;
        memcpy(out, grad, (size_t)frames * sizeof *out);
        measure_backward(self, out, (const float *)x->data + r * frames, frames, self->kept[at], self->kept[at + c],
                         row_sum(grad + c * frames, frames), row_sum(grad + 2 * c * frames, frames), true);
    }
    return MEWL_OK;
}

static const mewl_layer_ops context_ops = {.kind = "context",
                                           .facts = statistics_facts,
                                           .size = sizeof(statistics),
                                           .reads = MEWL_LAYER_READS_X,
                                           .plan = context_plan,
                                           .forward = context_forward,
                                           .backward = context_backward,
                                           .unplan = statistics_unplan,
                                           .reach = statistics_reach};

mewl_node mewl_net_context(mewl_net *net, const char *name, mewl_node x, mewl_stats_opts opts)
{
    return statistics_add(net, &context_ops, name, &x, 1, opts, 3);
}

/* ---- Weighted ---- */

static mewl_status attentive_plan(mewl_layer *layer, const mewl_plan *plan, mewl_tensor *in, size_t in_count,
                                  mewl_tensor *out, mewl_error *err)
{
    if (!mewl_shape_same(in[0].shape, in[1].shape)) {
        char a[64], b[64];
        return mewl_error_set(err, MEWL_E_SHAPE, "scores of %s for %s", mewl_shape_text(in[1].shape, a, sizeof a),
                              mewl_shape_text(in[0].shape, b, sizeof b));
    }
    MEWL_TRY(statistics_plan((statistics *)layer, in, out, true, err));
    mewl__want_plain(&in[1]);
    out->shape = mewl_shape_map(in->shape.dim[0], 2 * in->shape.dim[1], 1, 1);
    return MEWL_OK;
}

static void softmax_row(float *out, const float *in, int64_t frames)
{
    float top = in[0];
    double sum = 0.0;
    for (int64_t t = 1; t < frames; t++) {
        top = in[t] > top ? in[t] : top;
    }
    for (int64_t t = 0; t < frames; t++) {
        out[t] = expf(in[t] - top);
        sum += (double)out[t];
    }
    float factor = (float)(1.0 / sum);
    for (int64_t t = 0; t < frames; t++) {
        out[t] *= factor;
    }
}

static mewl_status attentive_forward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x, mewl_tensor *y,
                                     mewl_error *err)
{
    statistics *self = (statistics *)layer;
    int64_t c = x->shape.dim[1], frames = x->shape.dim[2];
    for (int64_t r = 0; r < x->shape.dim[0] * c; r++) {
        const float *in = (const float *)x[0].data + r * frames;
        float *share = self->share + r * frames, *kept = self->kept + r / c * 2 * c + r % c;
        double sum = 0.0, squares = 0.0;
        softmax_row(share, (const float *)x[1].data + r * frames, frames);
        for (int64_t t = 0; t < frames; t++) {
            sum += (double)(share[t] * in[t]);
        }
        for (int64_t t = 0; t < frames; t++) {
            squares += (double)share[t] * ((double)in[t] - sum) * ((double)in[t] - sum);
        }
        kept[0] = (float)sum;
        kept[c] = (float)sqrt(fmax(squares, self->opts.eps));
    }
    memcpy(y->data, self->kept, mewl_tensor_bytes(y));
    return MEWL_OK;
}

/* With weights a, mean m, variance v = sum a (x - m)^2, deviation s: dm/dx = a, ds/dx = a (x - m) / s; d/da of both is
 * x and (x - m)^2 / 2 s; softmax: dz = a (da - sum a da). */
static mewl_status attentive_backward(mewl_layer *layer, const mewl_pass *pass, const mewl_tensor *x,
                                      const mewl_tensor *y, const mewl_tensor *dy, mewl_tensor *dx, mewl_error *err)
{
    const statistics *self = (const statistics *)layer;
    int64_t c = x->shape.dim[1], frames = x->shape.dim[2];
    for (int64_t r = 0; r < x->shape.dim[0] * c; r++) {
        int64_t at = r / c * 2 * c + r % c;
        const float *in = (const float *)x[0].data + r * frames, *share = self->share + r * frames;
        const float *grad = (const float *)dy->data + at;
        float mean = self->kept[at], deviation = self->kept[at + c];
        float slope = deviates(self, deviation) ? grad[c] / deviation : 0.0f;
        if (dx[0].data != NULL) {
            float *out = (float *)dx[0].data + r * frames;
            for (int64_t t = 0; t < frames; t++) {
                out[t] = share[t] * (grad[0] + slope * (in[t] - mean));
            }
        }
        if (dx[1].data != NULL) {
            float *out = (float *)dx[1].data + r * frames;
            double along = 0.0;
            for (int64_t t = 0; t < frames; t++) {
                float off = in[t] - mean;
                out[t] = grad[0] * off + 0.5f * slope * off * off;
                along += (double)(share[t] * out[t]);
            }
            for (int64_t t = 0; t < frames; t++) {
                out[t] = share[t] * (out[t] - (float)along);
            }
        }
    }
    return MEWL_OK;
}

static const mewl_layer_ops attentive_ops = {.kind = "attentive_stats",
                                             .facts = statistics_facts,
                                             .size = sizeof(statistics),
                                             .reads = MEWL_LAYER_READS_X,
                                             .plan = attentive_plan,
                                             .forward = attentive_forward,
                                             .backward = attentive_backward,
                                             .unplan = statistics_unplan,
                                             .reach = statistics_reach};

mewl_node mewl_net_attentive_stats(mewl_net *net, const char *name, mewl_node x, mewl_node scores, mewl_stats_opts opts)
{
    if (net->build_status == MEWL_OK && opts.unbiased) {
        return mewl__net_fail(net, MEWL_E_ARG, "layer %s: weighted statistics have no unbiased form", name);
    }
    return statistics_add(net, &attentive_ops, name, (mewl_node[]){x, scores}, 2, opts, 2);
}
