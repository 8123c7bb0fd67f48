/* twins.c - the layer kinds as plain loops in double. */
#include "twins.h"

#include <math.h>
#include <string.h>

static int64_t or_one(int64_t value)
{
    return value == 0 ? 1 : value;
}

/* One output of a convolution: the filter of its channel over the inputs below it; what lies outside counts as 0. The
 * gradient check calls this millions of times, so the inner loop holds nothing that can stand outside. */
static double conv_at(const twin_row *row, const double *x, const double *w, int64_t from_t, int64_t from_f)
{
    const mewl_conv2d_opts *o = &row->conv;
    const int64_t in_each = row->in.c / or_one(o->groups), rows = o->kernel[0], columns = o->kernel[1];
    const int64_t step_t = or_one(o->dilation[0]), step_f = or_one(o->dilation[1]), height = row->in.t,
                  width = row->in.f;
    double sum = 0.0;
    for (int64_t k = 0; k < in_each; k++, x += height * width) {
        for (int64_t i = 0; i < rows; i++, w += columns) {
            const int64_t t = from_t + i * step_t;
            if (t < 0 || t >= height) {
                continue;
            }
            for (int64_t j = 0, f = from_f; j < columns; j++, f += step_f) {
                if (f >= 0 && f < width) {
                    sum += w[j] * x[t * width + f];
                }
            }
        }
    }
    return sum;
}

map4 twin_conv2d(const twin_row *row, double *y, double *const *x, double *const *p)
{
    const mewl_conv2d_opts *o = &row->conv;
    int64_t groups = or_one(o->groups), in_each = row->in.c / groups, out_each = o->out / groups;
    int64_t size[2] = {row->in.t, row->in.f}, before[2], out[2];
    for (int a = 0; a < 2; a++) {
        int64_t span = (o->kernel[a] - 1) * or_one(o->dilation[a]) + 1, stride = or_one(o->stride[a]);
        if (o->same) {
            out[a] = (int64_t)ceil((double)size[a] / (double)stride);
            int64_t total = (out[a] - 1) * stride + span - size[a];
            before[a] = total > 0 ? total / 2 : 0;
        } else {
            before[a] = o->pad[2 * a];
            out[a] = (int64_t)floor((double)(size[a] + o->pad[2 * a] + o->pad[2 * a + 1] - span) / (double)stride) + 1;
        }
    }
    map4 m = {row->in.n, o->out, out[0], out[1]};
    EACH(m)
    {
        const double *map = x[0] + map4_at(row->in, n, c / out_each * in_each, 0, 0);
        const double *filter = p[0] + c * in_each * o->kernel[0] * o->kernel[1];
        y[map4_at(m, n, c, t, f)] =
            (o->bias ? p[1][c] : 0.0) +
            conv_at(row, map, filter, t * or_one(o->stride[0]) - before[0], f * or_one(o->stride[1]) - before[1]);
    }
    return m;
}

map4 twin_batch_norm(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = row->in;
    int64_t groups = row->flag ? m.f : m.c;
    for (int64_t g = 0; g < groups; g++) {
        double sum = 0.0, squares = 0.0, count = 0.0;
        EACH(m)
        {
            if ((row->flag ? f : c) == g) {
                sum += x[0][map4_at(m, n, c, t, f)];
                count += 1.0;
            }
        }
        double mean = sum / count;
        EACH(m)
        {
            if ((row->flag ? f : c) == g) {
                squares += pow(x[0][map4_at(m, n, c, t, f)] - mean, 2.0);
            }
        }
        EACH(m)
        {
            if ((row->flag ? f : c) == g) {
                y[map4_at(m, n, c, t, f)] =
                    (x[0][map4_at(m, n, c, t, f)] - mean) / sqrt(squares / count + 1e-5) * p[0][g] + p[1][g];
            }
        }
    }
    return m;
}

map4 twin_batch_norm_fixed(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = row->in;
    EACH(m)
    {
        int64_t g = row->flag ? f : c;
        y[map4_at(m, n, c, t, f)] = (x[0][map4_at(m, n, c, t, f)] - p[2][g]) / sqrt(p[3][g] + 1e-5) * p[0][g] + p[1][g];
    }
    return m;
}

static map4 each(const twin_row *row, double *y, const double *x, double (*function)(double))
{
    for (int64_t i = 0; i < map4_count(row->in); i++) {
        y[i] = function(x[i]);
    }
    return row->in;
}

static double relu(double x)
{
    return x > 0.0 ? x : 0.0;
}

static double relu6(double x)
{
    return fmin(relu(x), 6.0);
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double hard_sigmoid(double x)
{
    return relu6(x + 3.0) / 6.0;
}

static double hard_swish(double x)
{
    return x * hard_sigmoid(x);
}

map4 twin_relu(const twin_row *row, double *y, double *const *x, double *const *p)
{
    return each(row, y, x[0], relu);
}

map4 twin_relu6(const twin_row *row, double *y, double *const *x, double *const *p)
{
    return each(row, y, x[0], relu6);
}

map4 twin_sigmoid(const twin_row *row, double *y, double *const *x, double *const *p)
{
    return each(row, y, x[0], sigmoid);
}

map4 twin_hard_sigmoid(const twin_row *row, double *y, double *const *x, double *const *p)
{
    return each(row, y, x[0], hard_sigmoid);
}

map4 twin_hard_swish(const twin_row *row, double *y, double *const *x, double *const *p)
{
    return each(row, y, x[0], hard_swish);
}

static double combine(mewl_pool_kind kind, double mean, double top)
{
    return kind == MEWL_POOL_AVG ? mean : kind == MEWL_POOL_MAX ? top : mean + top;
}

map4 twin_pool2d(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c, row->in.t / row->kernel[0], row->in.f / row->kernel[1]};
    EACH(m)
    {
        double sum = 0.0, top = -INFINITY;
        for (int64_t i = 0; i < row->kernel[0]; i++) {
            for (int64_t j = 0; j < row->kernel[1]; j++) {
                double value = x[0][map4_at(row->in, n, c, t * row->kernel[0] + i, f * row->kernel[1] + j)];
                sum += value;
                top = fmax(top, value);
            }
        }
        y[map4_at(m, n, c, t, f)] = combine(row->pool, sum / (double)(row->kernel[0] * row->kernel[1]), top);
    }
    return m;
}

map4 twin_mean_features(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c, row->in.t, 1};
    memset(y, 0, (size_t)map4_count(m) * sizeof *y);
    EACH(row->in)
    {
        y[map4_at(m, n, c, t, 0)] += x[0][map4_at(row->in, n, c, t, f)] / (double)row->in.f;
    }
    return m;
}

map4 twin_global_pool(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c, 1, 1};
    EACH(m)
    {
        double sum = 0.0, top = -INFINITY;
        for (int64_t s = 0; s < row->in.t; s++) {
            double mean = 0.0;
            for (int64_t k = 0; k < row->in.f; k++) {
                mean += x[0][map4_at(row->in, n, c, s, k)] / (double)row->in.f;
            }
            sum += mean;
            top = fmax(top, mean);
        }
        y[map4_at(m, n, c, t, f)] = combine(row->pool, sum / (double)row->in.t, top);
    }
    return m;
}

map4 twin_flatten(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c * row->in.f, row->in.t, 1};
    EACH(row->in)
    {
        y[map4_at(m, n, c * row->in.f + f, t, 0)] = x[0][map4_at(row->in, n, c, t, f)];
    }
    return m;
}

map4 twin_linear(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->out, row->in.t, row->in.f};
    EACH(m)
    {
        double sum = row->flag ? 0.0 : p[1][c];
        for (int64_t k = 0; k < row->in.c; k++) {
            sum += p[0][c * row->in.c + k] * x[0][map4_at(row->in, n, k, t, f)];
        }
        y[map4_at(m, n, c, t, f)] = sum;
    }
    return m;
}

map4 twin_add(const twin_row *row, double *y, double *const *x, double *const *p)
{
    for (int64_t i = 0; i < map4_count(row->in); i++) {
        y[i] = x[0][i] + x[1][i];
    }
    return row->in;
}

map4 twin_multiply(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = row->in, b = row->in1;
    EACH(m)
    {
        y[map4_at(m, n, c, t, f)] = x[0][map4_at(m, n, c, t, f)] * x[1][map4_at(b, n, c, t % b.t, f % b.f)];
    }
    return m;
}

map4 twin_concat(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c + row->in1.c, row->in.t, row->in.f};
    EACH(m)
    {
        y[map4_at(m, n, c, t, f)] =
            c < row->in.c ? x[0][map4_at(row->in, n, c, t, f)] : x[1][map4_at(row->in1, n, c - row->in.c, t, f)];
    }
    return m;
}

map4 twin_linear_softmax(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c, 1, 1};
    EACH(m)
    {
        double squares = 0.0, sum = 0.0;
        for (int64_t s = 0; s < row->in.t; s++) {
            double probability = sigmoid(x[0][map4_at(row->in, n, c, s, 0)]);
            squares += probability * probability;
            sum += probability;
        }
        y[map4_at(m, n, c, t, f)] = log(squares / sum / (1.0 - squares / sum));
    }
    return m;
}
