/* twins_sequence.c - recurrent, attention, statistic and reshaping layers as plain loops in double. */
#include "twins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

map4 twin_tanh(const twin_row *row, double *y, double *const *x, double *const *p)
{
    for (int64_t i = 0; i < map4_count(row->in); i++) {
        y[i] = tanh(x[0][i]);
    }
    return row->in;
}

map4 twin_slice(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->out, row->in.t, row->in.f};
    EACH(m)
    {
        y[map4_at(m, n, c, t, f)] = x[0][map4_at(row->in, n, c + row->first, t, f)];
    }
    return m;
}

map4 twin_slice_features(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c, row->in.t, row->out};
    EACH(m)
    {
        y[map4_at(m, n, c, t, f)] = x[0][map4_at(row->in, n, c, t, f + row->first)];
    }
    return m;
}

map4 twin_crop_time(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c, row->in.t - row->first - row->out, row->in.f};
    EACH(m)
    {
        y[map4_at(m, n, c, t, f)] = x[0][map4_at(row->in, n, c, t + row->first, f)];
    }
    return m;
}

map4 twin_crop_like(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c, row->in.t < row->in1.t ? row->in.t : row->in1.t, row->in.f};
    EACH(m)
    {
        y[map4_at(m, n, c, t, f)] = x[0][map4_at(row->in, n, c, t, f)];
    }
    return m;
}

/* Fewer: the mean of the features from floor(j in / out) to ceil((j + 1) in / out). More: between the two features
 * around (j + 1/2) in / out - 1/2, held at the ends. */
map4 twin_resize(const twin_row *row, double *y, double *const *x, double *const *p)
{
    const int64_t in = row->in.f, out = row->out;
    map4 m = {row->in.n, row->in.c, row->in.t, out};
    EACH(m)
    {
        double sum = 0.0, weights = 0.0;
        const double at = fmin(fmax(((double)f + 0.5) * (double)in / (double)out - 0.5, 0.0), (double)(in - 1));
        for (int64_t k = 0; k < in; k++) {
            const bool inside = k * out < (f + 1) * in && (k + 1) * out > f * in;
            const double weight = out <= in ? (inside ? 1.0 : 0.0) : fmax(0.0, 1.0 - fabs((double)k - at));
            sum += weight * x[0][map4_at(row->in, n, c, t, k)];
            weights += weight;
        }
        y[map4_at(m, n, c, t, f)] = sum / weights;
    }
    return m;
}

map4 twin_unflatten(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c / row->out, row->in.t, row->out};
    EACH(m)
    {
        y[map4_at(m, n, c, t, f)] = x[0][map4_at(row->in, n, c * row->out + f, t, 0)];
    }
    return m;
}

map4 twin_features_to_time(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c, row->in.t * row->in.f, 1};
    EACH(row->in)
    {
        y[map4_at(m, n, c, t * row->in.f + f, 0)] = x[0][map4_at(row->in, n, c, t, f)];
    }
    return m;
}

map4 twin_pad_reflect(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = {row->in.n, row->in.c, row->in.t + row->first + row->out, 1};
    int64_t last = row->in.t - 1;
    EACH(m)
    {
        int64_t from = labs(t - row->first);
        y[map4_at(m, n, c, t, f)] = x[0][map4_at(row->in, n, c, from > last ? 2 * last - from : from, f)];
    }
    return m;
}

map4 twin_pool2d_window(const twin_row *row, double *y, double *const *x, double *const *p)
{
    const mewl_window_opts *o = &row->window;
    int64_t stride[2], out[2], size[2] = {row->in.t, row->in.f};
    for (int a = 0; a < 2; a++) {
        stride[a] = o->stride[a] == 0 ? o->kernel[a] : o->stride[a];
        out[a] = (size[a] + o->pad[2 * a] + o->pad[2 * a + 1] - o->kernel[a]) / stride[a] + 1;
    }
    map4 m = {row->in.n, row->in.c, out[0], out[1]};
    EACH(m)
    {
        double sum = 0.0, top = -INFINITY;
        for (int64_t i = 0; i < o->kernel[0]; i++) {
            for (int64_t j = 0; j < o->kernel[1]; j++) {
                int64_t from_t = t * stride[0] + i - o->pad[0], from_f = f * stride[1] + j - o->pad[2];
                if (from_t >= 0 && from_f >= 0 && from_t < size[0] && from_f < size[1]) {
                    double value = x[0][map4_at(row->in, n, c, from_t, from_f)];
                    sum += value;
                    top = fmax(top, value);
                }
            }
        }
        double mean = sum / (double)(o->kernel[0] * o->kernel[1]);
        y[map4_at(m, n, c, t, f)] = o->kind == MEWL_POOL_AVG ? mean : o->kind == MEWL_POOL_MAX ? top : mean + top;
    }
    return m;
}

map4 twin_layer_norm(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = row->in;
    EACH(m)
    {
        double sum = 0.0, squares = 0.0;
        for (int64_t k = 0; k < m.c; k++) {
            sum += x[0][map4_at(m, n, k, t, f)] / (double)m.c;
        }
        for (int64_t k = 0; k < m.c; k++) {
            squares += pow(x[0][map4_at(m, n, k, t, f)] - sum, 2.0) / (double)m.c;
        }
        y[map4_at(m, n, c, t, f)] = (x[0][map4_at(m, n, c, t, f)] - sum) / sqrt(squares + 1e-5) * p[0][c] + p[1][c];
    }
    return m;
}

map4 twin_l2_normalize(const twin_row *row, double *y, double *const *x, double *const *p)
{
    for (int64_t n = 0; n < row->in.n; n++) {
        double squares = 0.0;
        for (int64_t c = 0; c < row->in.c; c++) {
            squares += pow(x[0][n * row->in.c + c], 2.0);
        }
        for (int64_t c = 0; c < row->in.c; c++) {
            y[n * row->in.c + c] = x[0][n * row->in.c + c] / sqrt(squares);
        }
    }
    return row->in;
}

enum { POSITIONS = 16, ROWS = 32 };

/* The joint projection (3 C, positions) of one clip. */
static void project(map4 m, double out[ROWS][POSITIONS], const double *x, double *const *p, int64_t n)
{
    for (int64_t r = 0; r < 3 * m.c; r++) {
        for (int64_t s = 0; s < m.t * m.f; s++) {
            out[r][s] = p[1][r];
            for (int64_t k = 0; k < m.c; k++) {
                out[r][s] += p[0][r * m.c + k] * x[map4_at(m, n, k, s / m.f, s % m.f)];
            }
        }
    }
}

/* Attention's mix at (channel c, position) before the output projection. */
static double attended(const twin_row *row, double qkv[ROWS][POSITIONS], int64_t c, int64_t position)
{
    map4 m = row->in;
    int64_t width = m.c / row->out, first = c / width * width;
    double total = 0.0, mix = 0.0;
    for (int64_t other = 0; other < m.t * m.f; other++) {
        double score = 0.0;
        for (int64_t k = first; k < first + width; k++) {
            score += qkv[k][position] * qkv[m.c + k][other];
        }
        double share = exp(score / sqrt((double)width));
        total += share;
        mix += share * qkv[2 * m.c + c][other];
    }
    return mix / total;
}

map4 twin_self_attention(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 m = row->in;
    double qkv[ROWS][POSITIONS];
    for (int64_t n = 0; n < m.n; n++) {
        project(m, qkv, x[0], p, n);
        for (int64_t s = 0; s < m.t * m.f; s++) {
            for (int64_t c = 0; c < m.c; c++) {
                y[map4_at(m, n, c, s / m.f, s % m.f)] = p[3][c];
            }
            for (int64_t k = 0; k < m.c; k++) {
                double mix = attended(row, qkv, k, s);
                for (int64_t c = 0; c < m.c; c++) {
                    y[map4_at(m, n, c, s / m.f, s % m.f)] += p[2][c * m.c + k] * mix;
                }
            }
        }
    }
    return m;
}

/* One direction of one clip: states (T, H). */
static void run_lstm(map4 m, double *states, const double *x, double *const *p, int64_t n, int64_t hidden, bool back)
{
    double cell[16] = {0}, state[16] = {0}, gate[64];
    for (int64_t s = 0; s < m.t; s++) {
        int64_t t = back ? m.t - 1 - s : s;
        for (int64_t r = 0; r < 4 * hidden; r++) {
            gate[r] = p[2][r] + p[3][r];
            for (int64_t c = 0; c < m.c; c++) {
                gate[r] += p[0][r * m.c + c] * x[map4_at(m, n, c, t, 0)];
            }
            for (int64_t k = 0; k < hidden; k++) {
                gate[r] += p[1][r * hidden + k] * state[k];
            }
        }
        for (int64_t k = 0; k < hidden; k++) {
            cell[k] = sigmoid(gate[hidden + k]) * cell[k] + sigmoid(gate[k]) * tanh(gate[2 * hidden + k]);
            state[k] = sigmoid(gate[3 * hidden + k]) * tanh(cell[k]);
            states[t * hidden + k] = state[k];
        }
    }
}

map4 twin_lstm(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 in = row->in, m = {in.n, row->out * row->first, row->flag ? 1 : in.t, 1};
    double states[512];
    for (int64_t n = 0; n < m.n; n++) {
        for (int64_t way = 0; way < row->first; way++) {
            run_lstm(in, states, x[0], p + 4 * way, n, row->out, way == 1);
            for (int64_t k = 0; k < row->out; k++) {
                for (int64_t t = 0; t < m.t; t++) {
                    int64_t from = !row->flag ? t : way == 0 ? in.t - 1 : 0;
                    y[map4_at(m, n, way * row->out + k, t, 0)] = states[from * row->out + k];
                }
            }
        }
    }
    return m;
}

/* Weighted mean and variance of one channel; weights NULL: all alike. */
static void moments(double *mean, double *variance, const double *x, const double *weights, int64_t frames)
{
    *mean = *variance = 0.0;
    for (int64_t t = 0; t < frames; t++) {
        *mean += (weights != NULL ? weights[t] : 1.0 / (double)frames) * x[t];
    }
    for (int64_t t = 0; t < frames; t++) {
        *variance += (weights != NULL ? weights[t] : 1.0 / (double)frames) * pow(x[t] - *mean, 2.0);
    }
}

map4 twin_stat_pool(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 in = row->in, m = {in.n, in.c, 1, 1};
    EACH(m)
    {
        double mean, variance, sum = p[1][row->flag ? c : 0];
        for (int64_t k = 0; k < in.c; k++) {
            moments(&mean, &variance, x[0] + map4_at(in, n, k, 0, 0), NULL, in.t);
            if (row->flag) {
                sum += p[0][c * 2 * in.c + k] * mean + p[0][c * 2 * in.c + in.c + k] * variance;
            } else if (k == c) {
                sum += p[0][0] * mean + p[0][1] * variance;
            }
        }
        y[map4_at(m, n, c, t, f)] = sum;
    }
    return m;
}

map4 twin_mha_pool(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 in = row->in, m = {in.n, in.c, 1, 1};
    int64_t width = in.c / row->out;
    EACH(m)
    {
        double total = 0.0, sum = 0.0;
        int64_t first = c / width * width;
        for (int64_t s = 0; s < in.t; s++) {
            double score = 0.0;
            for (int64_t k = first; k < first + width; k++) {
                score += p[0][k] * x[0][map4_at(in, n, k, s, 0)] / sqrt((double)width);
            }
            total += exp(score);
            sum += exp(score) * x[0][map4_at(in, n, c, s, 0)];
        }
        y[map4_at(m, n, c, t, f)] = sum / total;
    }
    return m;
}

map4 twin_attn_literal(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 in = row->in, m = {in.n, in.c, 1, 1};
    EACH(m)
    {
        double total = 0.0, sum = 0.0;
        for (int64_t s = 0; s < in.t; s++) {
            double alpha = 0.0;
            for (int64_t k = 0; k < in.t; k++) {
                alpha += p[0][s * in.t + k] * x[0][map4_at(in, n, c, k, 0)];
            }
            total += alpha;
            sum += alpha * x[0][map4_at(in, n, c, s, 0)];
        }
        y[map4_at(m, n, c, t, f)] = sum / total;
    }
    return m;
}

static double unbias(const twin_row *row, double variance)
{
    return row->flag ? variance * (double)row->in.t / (double)(row->in.t - 1) : variance;
}

map4 twin_time_stats(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 in = row->in, m = {in.n, 2 * in.c, 1, 1};
    EACH(m)
    {
        double mean, variance;
        moments(&mean, &variance, x[0] + map4_at(in, n, c % in.c, 0, 0), NULL, in.t);
        y[map4_at(m, n, c, t, f)] = c < in.c ? mean : sqrt(unbias(row, variance));
    }
    return m;
}

map4 twin_context(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 in = row->in, m = {in.n, 3 * in.c, in.t, 1};
    EACH(m)
    {
        double mean, variance;
        moments(&mean, &variance, x[0] + map4_at(in, n, c % in.c, 0, 0), NULL, in.t);
        y[map4_at(m, n, c, t, f)] = c < in.c       ? x[0][map4_at(in, n, c, t, f)]
                                    : c < 2 * in.c ? mean
                                                   : sqrt(unbias(row, variance));
    }
    return m;
}

map4 twin_attentive_stats(const twin_row *row, double *y, double *const *x, double *const *p)
{
    map4 in = row->in, m = {in.n, 2 * in.c, 1, 1};
    EACH(m)
    {
        double weights[64], total = 0.0, mean, variance;
        int64_t at = map4_at(in, n, c % in.c, 0, 0);
        for (int64_t s = 0; s < in.t; s++) {
            total += weights[s] = exp(x[1][at + s]);
        }
        for (int64_t s = 0; s < in.t; s++) {
            weights[s] /= total;
        }
        moments(&mean, &variance, x[0] + at, weights, in.t);
        y[map4_at(m, n, c, t, f)] = c < in.c ? mean : sqrt(variance);
    }
    return m;
}
